"""Dates as people write them in 22 locales, and the same dates in ISO 8601: millions of pairs, made from a seed.

    7 март 2023 г.               ->  2023-03-07
    Dienstag, 7. März 2023       ->  2023-03-07

A translation task in miniature: the answer is known, a small model learns it in seconds, and one can see in its
attention where year, month and day come from. Every locale writes dates in four lengths (short, medium, long, full).

- **One meaning each.** No text stands for two dates. The American short form is left out for that reason: `3/4/23` is
  4 March there and 3 April in most other countries, and nothing in the text says which. All dates lie in the hundred
  years from 1950 to 2049, so that two digits of a year have one reading too.
- **Written once.** Locales agree on many texts (`7 mars 2023` is French and Swedish). Such a text counts once, under
  the first format that writes it, formats that are trained on coming first. So nothing in a test was seen in
  training under another name.
- **Plain spaces.** CLDR sets narrow and no-break spaces; here they are plain ones, as on a keyboard.

What a model is tested on was kept from it in one of three ways, and each has a validation part of its own:

| split | validation | kept from training |
|---|---|---|
| `held_out_dates` | `validation_dates` | the date, in whatever format |
| `held_out_formats` | `validation_formats` | this date in this format; both were seen, apart |
| `unseen_formats` | `validation_unseen` | the locale's format altogether, and the date too |

`invented` makes more to train on, in formats that nobody uses: what it teaches is that order, names and punctuation may
meet in ways never seen. No text of it is one that a real format writes, so the splits stay what they are.

Data: Unicode CLDR (Unicode License v3) through Babel (BSD-3-Clause). The texts depend on Babel's version.
"""

import datetime
import functools
import random
import unicodedata
from typing import NamedTuple

import numpy as np

from course_lib.checking import as_real, whole_number
from course_lib.data.characters import Characters, pad

FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
LENGTHS = ("short", "medium", "long", "full")
LOCALES = (
    *("bg", "cs", "de", "el", "en_GB", "en_US", "es", "fi", "fr", "hr", "hu"),
    *("it", "nl", "pl", "pt", "ru", "sr", "sv", "tr", "uk", "sk", "ca"),
)
AMBIGUOUS = ("en_US", "short")

# By rule, not by choice: of every three locales in this order, the first keeps one length for the test and the second
# one for validation, short, medium, long and full in turn; the next length where other formats write the same (cs, pl,
# sr) or where a letter is in no format that is trained on (hu).
KEPT_FOR_TEST = ("bg short", "el medium", "es long", "hr full", "nl short", "ru medium", "tr long", "ca full")
KEPT_FOR_VALIDATION = ("cs long", "en_GB medium", "fi long", "hu short", "pl medium", "sr long", "uk long")

SPLITS = (
    *("train", "validation_dates", "held_out_dates", "validation_formats", "held_out_formats"),
    *("validation_unseen", "unseen_formats"),
)
VALIDATION_SHARE, TEST_SHARE = 0.05, 0.10  # of the dates, and of the combinations of a date and a format

ISO_CHARACTERS = "0123456789-"

TEXTS = {
    "split": "split is {split!r}; expected one of {splits}",
    "too many": "{count:,} examples of {split} were asked for; there are {available:,}",
    "no format": "there is no format {name!r}; the formats are: {names}",
    "outside": "{day} is outside the years {first} to {last}",
    "share": "invented_share is {share!r} with split {split!r}; expected one from 0 to 1, above 0 with train only",
    "empty": "pairs is empty; expected at least one pair of texts",
}


class Format(NamedTuple):
    """One way to write dates: a locale's pattern of one length.

    Attributes:
        locale: such as "bg".
        length: one of `LENGTHS`.
        part: "train", or the split for which the format is kept: "validation_unseen" or "unseen_formats".
        pieces: what is written one after the other: (None, text), or (field, the field's texts) where field is
            0 for the year, 1 for the month, 2 for the day and 3 for the weekday.
    """

    locale: str
    length: str
    part: str
    pieces: tuple

    @property
    def name(self):
        return f"{self.locale} {self.length}"

    def write(self, day):
        """Write a date as this format does.

        Args:
            day: datetime.date from `FIRST` to `LAST`.

        Returns:
            str.
        """
        if not FIRST <= day <= LAST:
            raise ValueError(TEXTS["outside"].format(day=day, first=FIRST.year, last=LAST.year))
        return self._join(_numbers_of(day))

    def _join(self, numbers):
        return "".join(texts if field is None else texts[numbers[field]] for field, texts in self.pieces)


def _numbers_of(day):
    """Where a date's texts stand in the tables of a format: year, month, day, weekday from 0."""
    return day.year - FIRST.year, day.month - 1, day.day - 1, day.weekday()


@functools.cache
def formats():
    """All formats: those that are trained on, then those kept for validation, then those kept for the test.

    Returns:
        tuple of `Format`.
    """
    parts = dict.fromkeys(KEPT_FOR_VALIDATION, "validation_unseen") | dict.fromkeys(KEPT_FOR_TEST, "unseen_formats")
    every = [
        Format(locale, length, parts.get(f"{locale} {length}", "train"), _pieces(locale, length))
        for locale in LOCALES
        for length in LENGTHS
        if (locale, length) != AMBIGUOUS
    ]
    order = ("train", "validation_unseen", "unseen_formats")
    return tuple(sorted(every, key=lambda form: order.index(form.part)))


def _pieces(locale, length):
    """Take a locale's pattern apart, with what Babel writes for every value of each of its fields."""
    from babel import Locale
    from babel.dates import tokenize_pattern

    pattern = str(Locale.parse(locale).date_formats[length].pattern)
    pieces = []
    for _, value in tokenize_pattern(pattern):
        if isinstance(value, str):
            pieces.append((None, _plain_spaces(value)))
        else:
            letter, count = value
            pieces.append(_table(locale, letter * count))
    return tuple(pieces)


@functools.cache
def _table(locale, letters):
    """Which field a pattern's letters stand for, and its texts: `MMMM` is (1, ("January", "February", ...))."""
    from babel.dates import format_date

    years = [datetime.date(year, 1, 1) for year in range(FIRST.year, LAST.year + 1)]
    months = [datetime.date(2001, month, 1) for month in range(1, 13)]
    days = [datetime.date(2001, 1, day) for day in range(1, 32)]
    weekdays = [datetime.date(2001, 1, day) for day in range(1, 8)]  # it began on a Monday
    field = next(number for number, fields in enumerate(("y", "ML", "d", "Ec")) if letters[0] in fields)
    values = (years, months, days, weekdays)[field]
    return field, tuple(_plain_spaces(format_date(value, letters, locale=locale)) for value in values)


def _plain_spaces(text):
    return "".join(" " if character.isspace() else character for character in text)


# ---------------------------------------------------------------------------------------------------------------------
# Who sees what. A table says for every date and every format in which split the pair is.
# ---------------------------------------------------------------------------------------------------------------------

NOWHERE = len(SPLITS)  # written by an earlier format already, or a kept format on a date of another split


@functools.cache
def _days():
    return [FIRST + datetime.timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


@functools.cache
def _split_table():
    """The split of each pair, as an index into `SPLITS`, or `NOWHERE`: uint8 (days, formats)."""
    forms = formats()
    part = np.array([form.part for form in forms])  # (formats,)
    _, months, days, weekdays = np.array([_numbers_of(day) for day in _days()]).T  # each (days,)
    first = _written_first(forms)[months, days, weekdays]  # (days, formats)

    day_share = _shares(np.arange(len(_days())), salt=1)[:, None]  # (days, 1)
    pair_share = _shares(np.arange(first.size), salt=2).reshape(first.shape)  # (days, formats)
    kept = VALIDATION_SHARE + TEST_SHARE
    test_day, validation_day = day_share < TEST_SHARE, (day_share >= TEST_SHARE) & (day_share < kept)
    train_day = day_share >= kept
    trained = part == "train"

    table = np.full(first.shape, NOWHERE, dtype=np.uint8)
    for split, members in {
        "train": train_day & trained & (pair_share >= kept),
        "validation_dates": validation_day & trained,
        "held_out_dates": test_day & trained,
        "validation_formats": train_day & trained & (pair_share >= TEST_SHARE) & (pair_share < kept),
        "held_out_formats": train_day & trained & (pair_share < TEST_SHARE),
        "validation_unseen": validation_day & (part == "validation_unseen"),
        "unseen_formats": test_day & (part == "unseen_formats"),
    }.items():
        table[members & first] = SPLITS.index(split)
    return table


@functools.cache
def _real_texts(month, day, weekday):
    """What all formats write for such a date of the first year."""
    return frozenset(form._join((0, month, day, weekday)) for form in formats())


def _written_first(forms):
    """Whether a format is the first to write a date's text: bool (months, days, weekdays, formats).

    The year's text is the same in all formats with as many digits of it, so one year stands for all.
    """
    first = np.zeros((12, 31, 7, len(forms)), dtype=bool)
    for month, day, weekday in np.ndindex(first.shape[:3]):
        texts = set()
        for number, form in enumerate(forms):
            text = form._join((0, month, day, weekday))
            first[month, day, weekday, number] = text not in texts
            texts.add(text)
    return first


def _shares(numbers, salt):
    """A number from 0 up to 1 for every whole number: as if by chance, the same on every machine.

    Source: the finaliser of SplitMix64, Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators".
    """
    mixed = numbers.astype(np.uint64) + np.uint64(salt << 40)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed ^ (mixed >> np.uint64(31))).astype(np.float64) / 2.0**64


def _members(split, format_names):
    """The pairs of a split as flat indices into the table, ascending."""
    if split not in SPLITS:
        raise ValueError(TEXTS["split"].format(split=split, splits=", ".join(SPLITS)))
    table = _split_table()
    members = table == SPLITS.index(split)
    if format_names is not None:
        known = [form.name for form in formats()]
        for name in format_names:
            if name not in known:
                raise ValueError(TEXTS["no format"].format(name=name, names=", ".join(known)))
        members = members & np.isin(known, list(format_names))
    return np.flatnonzero(members)


# ---------------------------------------------------------------------------------------------------------------------
# What lessons and training call.
# ---------------------------------------------------------------------------------------------------------------------


def num_examples(split="train", *, format_names=None):
    """How many pairs a split has, all of them distinct.

    Args:
        split: one of `SPLITS`.
        format_names: only these formats, such as ["hr full"].

    Returns:
        int.
    """
    return len(_members(split, format_names))


def examples(count, seed=0, split="train", *, format_names=None):
    """Draw pairs of a written date and the same in ISO 8601, no pair twice.

    Args:
        count: how many.
        seed: int; the same seed gives the same pairs in the same order.
        split: one of `SPLITS`; see the top of this module.
        format_names: only these formats, such as ["hr full"]: for a look at one format's errors.

    Returns:
        list of (written, iso), two str each.

    Raises:
        ValueError: an unknown split or format, or more examples than there are.

    Example:
        >>> len(examples(3, seed=1))
        3
    """
    count = whole_number("count", count, 0)
    members = _members(split, format_names)
    if count > len(members):
        raise ValueError(TEXTS["too many"].format(count=count, split=split, available=len(members)))
    drawn = np.random.default_rng(whole_number("seed", seed, 0)).choice(members, count, replace=False)
    days, forms = _days(), formats()
    day_numbers, form_numbers = np.divmod(drawn, len(forms))
    return [
        (forms[form].write(days[day]), days[day].isoformat())
        for day, form in zip(day_numbers.tolist(), form_numbers.tolist(), strict=True)
    ]


@functools.cache
def vocabulary():
    """The characters of all formats and of ISO 8601, one vocabulary for both sides.

    Returns:
        `Characters`.
    """
    texts = ("".join(texts) for form in formats() for _, texts in form.pieces)  # a literal or a table, joined alike
    return Characters("".join(texts) + ISO_CHARACTERS)


def tidy(text):
    """Write a date that somebody typed or pasted with the spaces and accents that the examples have.

    Args:
        text: str.

    Returns:
        str, composed (NFC), every run of spaces as one plain space.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def encode(pairs):
    """Pairs as token ids, padded with `vocabulary().pad_id`.

    Args:
        pairs: list of (written, iso).

    Returns:
        source: int64 (batch, source_len), the written dates, without start and end.
        target: int64 (batch, 12), start id, the ten characters of ISO 8601, end id.

    Raises:
        ValueError: no pairs, or a character that the vocabulary does not have.
    """
    if not len(pairs):
        raise ValueError(TEXTS["empty"])
    characters = vocabulary()
    source = pad([characters.encode(tidy(written)) for written, _ in pairs])  # (batch, source_len)
    target = pad([characters.encode(iso, start=True, end=True) for _, iso in pairs])  # (batch, target_len)
    return source, target


def batches(batch_size, num_batches, seed=0, split="train", *, invented_share=0.0):
    """Draw batches of token ids, no pair of the split twice.

    Args:
        batch_size: pairs a batch.
        num_batches: how many batches.
        seed: int.
        split: one of `SPLITS`.
        invented_share: this share of every batch, from 0 to 1, comes from `invented`; with split "train" only.

    Yields:
        (source, target) as from `encode`; source is as long as the batch's longest date.
    """
    batch_size, num_batches = whole_number("batch_size", batch_size, 1), whole_number("num_batches", num_batches, 0)
    if not 0 <= as_real(invented_share) <= 1 or (invented_share and split != "train"):
        raise ValueError(TEXTS["share"].format(share=invented_share, split=split))
    num_invented = round(batch_size * invented_share)
    num_real = batch_size - num_invented
    real = examples(num_real * num_batches, seed, split)
    made_up = invented(num_invented * num_batches, seed)
    return (
        encode(
            real[number * num_real : (number + 1) * num_real]
            + made_up[number * num_invented : (number + 1) * num_invented]
        )
        for number in range(num_batches)
    )


# ---------------------------------------------------------------------------------------------------------------------
# Formats that nobody uses, to learn from.
# ---------------------------------------------------------------------------------------------------------------------

SEPARATORS = (".", "/", "-", " ", ". ")
SHORTEST_NAME = 3  # letters of a month that stay when its name is cut short
CUT_SHARE = 0.3
MAKES_OF_NUMBERS = 0.5  # how often a day, month or year changes its number of digits, and numbers their separator


def invented(count, seed=0):
    """Make pairs in formats that nobody uses, out of the parts of those that are trained on.

    Order and punctuation come from one format, the month's name from another and the weekday's from a third; names are
    cut short, numbers get or lose a leading 0 and the century, and dates of numbers other separators. A month's name
    is used only if it means one month in all languages (`listopada` is October in Croatian and November in Polish).
    What some real format writes for that date is thrown away, kept formats included.

    Args:
        count: how many.
        seed: int; the same seed gives the same pairs in the same order.

    Returns:
        list of (written, iso), two str each, on dates of the training split; some may repeat.

    Example:
        >>> invented(1, seed=1)  # doctest: +SKIP
        [('fredag, 19 júl 1980 г.', '1980-07-19')]
    """
    count, rng = whole_number("count", count, 0), random.Random(whole_number("seed", seed, 0))
    pairs = []
    while len(pairs) < count:
        day = rng.choice(_training_days())
        numbers = _numbers_of(day)
        parts = _invent_parts(rng, numbers)
        in_first_year = "".join(texts if isinstance(texts, str) else texts[0] for texts in parts)
        if in_first_year not in _real_texts(*numbers[1:]):
            written = "".join(texts if isinstance(texts, str) else texts[numbers[0]] for texts in parts)
            pairs.append((written, day.isoformat()))
    return pairs


def _invent_parts(rng, numbers):
    """The parts of one invented text; the year is given as the table of all years."""
    _, month, day, weekday = numbers
    month_names, weekday_names, years = _name_tables()
    pieces = rng.choice(_training_formats()).pieces
    named = any(field == 1 and not texts[0].isdigit() for field, texts in pieces)
    separator = rng.choice(SEPARATORS) if not named and rng.random() < MAKES_OF_NUMBERS else None
    parts = []
    for place, (field, texts) in enumerate(pieces):
        changes = rng.random() < MAKES_OF_NUMBERS
        if field is None:
            inside = 0 < place < len(pieces) - 1
            parts.append(separator if separator and inside else texts)
        elif field == 0:  # a year in front keeps its four digits: 23-03-07 could be a day in front
            parts.append(rng.choice(years) if place else texts)
        elif field == 1 and named:
            parts.append(_cut(rng, rng.choice(month_names[month])))
        elif field == 3:
            parts.append(rng.choice(weekday_names[weekday]))
        else:
            number = (month, day)[field - 1] + 1
            parts.append(f"{number:02d}" if changes == (len(texts[0]) == 1) else str(number))
    return parts


def _cut(rng, name):
    """A month's name, or as many of its first letters as still mean that month in all languages."""
    shortest = next(
        (end for end in range(SHORTEST_NAME, len(name)) if len(_months_by_beginning()[name[:end].lower()]) == 1), None
    )
    if shortest is None or rng.random() >= CUT_SHARE:
        return name
    return name[: rng.randrange(shortest, min(shortest + 2, len(name) - 1) + 1)]


@functools.cache
def _training_formats():
    return [form for form in formats() if form.part == "train"]


@functools.cache
def _training_days():
    trained = (_split_table() == SPLITS.index("train")).any(axis=1)  # (days,)
    return [day for day, known in zip(_days(), trained, strict=True) if known]


def _tables(field, forms):
    return sorted({texts for form in forms for own, texts in form.pieces if own == field})


@functools.cache
def _months_by_beginning():
    """All beginnings of all names of months, and the months that they may stand for, kept formats included."""
    months = {}
    for table in _tables(1, formats()):
        for month, name in enumerate(table):
            for end in range(1, len(name) + 1):
                months.setdefault(name[:end].lower(), set()).add(month)
    return months


@functools.cache
def _name_tables():
    """The names of each month that mean no other, those of each weekday, and the two tables of years."""
    forms = _training_formats()
    names = [table for table in _tables(1, forms) if not table[0].isdigit()]
    meaning = {}
    for table in _tables(1, formats()):
        for month, name in enumerate(table):
            meaning.setdefault(name.lower(), set()).add(month)
    months = [
        sorted({table[month] for table in names if len(meaning[table[month].lower()]) == 1}) for month in range(12)
    ]
    weekdays = [sorted({table[weekday] for table in _tables(3, forms)}) for weekday in range(7)]
    return months, weekdays, _tables(0, forms)

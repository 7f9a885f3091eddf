"""Dates as people write them in twenty locales, and the same dates in ISO 8601: millions of pairs, made from a seed.

    7 март 2023 г.               ->  2023-03-07
    Dienstag, 7. März 2023       ->  2023-03-07

A translation task in miniature: the answer is known, a small model learns it in seconds, and one can see in its
attention where year, month and day come from. Every locale writes dates in four lengths (short, medium, long, full).

- **One meaning each.** No text stands for two dates. The American short form is left out for that reason: `3/4/23` is 4
  March there and 3 April in most other countries, and nothing in the text says which. All dates lie in the hundred years from
  1950 to 2049, so that two digits of a year have one reading too.
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

Data: Unicode CLDR (Unicode License v3) through Babel (BSD-3-Clause). The texts depend on Babel's version.
"""

import datetime
import functools
import unicodedata
from typing import NamedTuple

import numpy as np

from course_lib.data.characters import Characters, pad

FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
LENGTHS = ("short", "medium", "long", "full")
LOCALES = (
    *("bg", "cs", "de", "el", "en_GB", "en_US", "es", "fi", "fr", "hr"),
    *("hu", "it", "nl", "pl", "pt", "ru", "sr", "sv", "tr", "uk"),
)
AMBIGUOUS = ("en_US", "short")

# By rule, not by choice: of every three locales in this order, the first keeps one length for the test and the second one
# for validation, short, medium, long and full in turn; the next length where other formats write the same (cs, pl, sr) or
# where a letter is in no format that is trained on (hu).
KEPT_FOR_TEST = ("bg short", "el medium", "es long", "hr full", "nl short", "ru medium", "tr long")
KEPT_FOR_VALIDATION = ("cs medium", "en_GB medium", "fi long", "hu short", "pl medium", "sr long", "uk long")

SPLITS = (
    *("train", "validation_dates", "held_out_dates", "validation_formats", "held_out_formats"),
    *("validation_unseen", "unseen_formats"),
)
VALIDATION_SHARE, TEST_SHARE = 0.05, 0.10  # of the dates, and of the combinations of a date and a format

ISO_CHARACTERS = "0123456789-"

TEXTS = {
    "split": "split is {split!r}; expected one of {splits}",
    "count": "{name} is {count!r}; expected a whole number of at least {least}",
    "too many": "{count:,} examples of {split} were asked for; there are {available:,}",
    "no format": "there is no format {name!r}; the formats are: {names}",
    "outside": "{day} is outside the years {first} to {last}",
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
    for kind, value in tokenize_pattern(pattern):
        if kind == "chars":
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
    _whole("count", count, 0)
    members = _members(split, format_names)
    if count > len(members):
        raise ValueError(TEXTS["too many"].format(count=count, split=split, available=len(members)))
    drawn = np.random.default_rng(seed).choice(members, count, replace=False)
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
    texts = [text for form in formats() for field, piece in form.pieces for text in ([piece] if field is None else piece)]
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


def batches(batch_size, num_batches, seed=0, split="train"):
    """Draw batches of token ids, no pair twice.

    Args:
        batch_size: pairs a batch.
        num_batches: how many batches.
        seed: int.
        split: one of `SPLITS`.

    Yields:
        (source, target) as from `encode`; source is as long as the batch's longest date.
    """
    _whole("batch_size", batch_size, 1)
    _whole("num_batches", num_batches, 0)
    pairs = examples(batch_size * num_batches, seed, split)
    return (encode(pairs[start : start + batch_size]) for start in range(0, len(pairs), batch_size))


def _whole(name, number, least):
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < least:
        raise ValueError(TEXTS["count"].format(name=name, count=number, least=least))

"""How dates are written in 22 locales, and who sees which date in which format; `dates` says what is made of it.

Data: Unicode CLDR (Unicode License v3) through Babel (BSD-3-Clause). The texts depend on Babel's version.
"""

import datetime
import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from course_lib.checking import Array, one_of

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

TEXTS = {
    "no format": "there is no format {name!r}; the formats are: {names}",
    "outside": "{day} is outside the years {first} to {last}",
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
    def name(self) -> str:
        return f"{self.locale} {self.length}"

    def write(self, day: datetime.date) -> str:
        """Write a date as this format does.

        Args:
            day: datetime.date from `FIRST` to `LAST`.

        Returns:
            str.
        """
        if not FIRST <= day <= LAST:
            raise ValueError(TEXTS["outside"].format(day=day, first=FIRST.year, last=LAST.year))
        return self.join(numbers_of(day))

    def join(self, numbers: tuple[int, ...]) -> str:
        """Write the date whose texts stand at these places of the tables."""
        return "".join(texts if field is None else texts[numbers[field]] for field, texts in self.pieces)


def numbers_of(day: datetime.date) -> tuple[int, ...]:
    """Where a date's texts stand in the tables of a format: year, month, day, weekday from 0."""
    return day.year - FIRST.year, day.month - 1, day.day - 1, day.weekday()


@functools.cache
def formats() -> tuple[Format, ...]:
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
def all_days() -> list[datetime.date]:
    """All dates there are, in order."""
    return [FIRST + datetime.timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


@functools.cache
def split_table() -> UInt8[Array, "days formats"]:
    """The split of each pair, as an index into `SPLITS`, or `NOWHERE`: uint8 (days, formats)."""
    forms = formats()
    part = np.array([form.part for form in forms])  # (formats,)
    _, months, days, weekdays = np.array([numbers_of(day) for day in all_days()]).T  # each (days,)
    first = _written_first(forms)[months, days, weekdays]  # (days, formats)

    day_share = _shares(np.arange(len(all_days())), salt=1)[:, None]  # (days, 1)
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
def real_texts(month: int, day: int, weekday: int) -> frozenset[str]:
    """What all formats write for such a date of the first year."""
    return frozenset(form.join((0, month, day, weekday)) for form in formats())


def _written_first(forms):
    """Whether a format is the first to write a date's text: bool (months, days, weekdays, formats).

    The year's text is the same in all formats with as many digits of it, so one year stands for all.
    """
    first = np.zeros((12, 31, 7, len(forms)), dtype=bool)
    for month, day, weekday in np.ndindex(first.shape[:3]):
        texts = set()
        for number, form in enumerate(forms):
            text = form.join((0, month, day, weekday))
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


def members_of(split: str, format_names: Iterable[str] | None) -> Int[Array, " members"]:
    """The pairs of a split as flat indices into the table, ascending."""
    one_of("split", split, SPLITS)
    table = split_table()
    members = table == SPLITS.index(split)
    if format_names is not None:
        known = [form.name for form in formats()]
        for name in format_names:
            if name not in known:
                raise ValueError(TEXTS["no format"].format(name=name, names=", ".join(known)))
        members = members & np.isin(known, list(format_names))
    return np.flatnonzero(members)

"""Dates in formats that nobody uses, to learn from: order, names and punctuation meet in ways never seen."""

import functools
import random

from course_lib.checking import whole_number
from course_lib.data.date_formats import SPLITS, all_days, formats, numbers_of, real_texts, split_table

SEPARATORS = (".", "/", "-", " ", ". ")
SHORTEST_NAME = 3  # letters of a month that stay when its name is cut short
CUT_SHARE = 0.3
MAKES_OF_NUMBERS = 0.5  # how often a day, month or year changes its number of digits, and numbers their separator


def invented(count: int, seed: int = 0) -> list[tuple[str, str]]:
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
        numbers = numbers_of(day)
        parts = _invent_parts(rng, numbers)
        in_first_year = "".join(texts if isinstance(texts, str) else texts[0] for texts in parts)
        if in_first_year not in real_texts(*numbers[1:]):
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
    trained = (split_table() == SPLITS.index("train")).any(axis=1)  # (days,)
    return [day for day, known in zip(all_days(), trained, strict=True) if known]


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

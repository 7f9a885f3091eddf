"""Lists of dates, word by word: a translation task whose length one can turn, and whose true alignment is known.

    Mittwoch, 9. Juli 2036; 15 January 2004  ->  2036 07 09 2004 01 15

One date is a short sentence, and a list of them a longer one, just as easy for a person. A token is a word or a number, in six
styles of five languages, with a vocabulary for both sides. Training and test share no date.
"""

import functools
import random
import re
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Int

from course_lib.checking import Array, one_of, whole_number
from course_lib.data import dates
from course_lib.data.characters import pad

STYLES = ("en_GB long", "en_US full", "de full", "fr full", "bg long", "hu long")
SIZES = {"train": 60_000, "held_out_dates": 6_000}
START, END = 1, 2
SPECIAL = ("<pad>", "<start>", "<end>", ";")
PARTS = ("year", "month", "day")
BATCH = 64

TEXTS = {"word": "{word!r} is no word of these dates; expected one such as 'Juli' or '2036'"}

Words = list[str]


def split(text: str) -> Words:
    """Cut a text into words, numbers and semicolons; other punctuation goes.

    Args:
        text: str.

    Returns:
        list of str.

    Example:
        >>> split("15. Juli 2004; 1 May 1999")
        ['15', 'Juli', '2004', ';', '1', 'May', '1999']
    """
    return re.findall(r"\w+|;", text)


def lists(count: int, length: int, seed: int, part: str = "held_out_dates") -> list[tuple[Words, Words]]:
    """Draw lists of dates with their translations.

    Args:
        count: how many lists.
        length: dates in each.
        seed: int; the same seed gives the same lists.
        part: "held_out_dates", which no training sees, or "train".

    Returns:
        list of (source words, target words): a year, a month and a day for each date of the source.
    """
    count, length = whole_number("count", count, 0), whole_number("length", length, 1)
    one_of("part", part, SIZES)
    return _drawn(count, length, part, random.Random(seed))


def batches(num_steps: int, seed: int, longest: int = 4) -> Iterator[tuple[Array, Array, Array]]:
    """Draw batches to train on: lists of 1, 2, …, `longest` dates in turn.

    Args:
        num_steps: how many batches.
        seed: int.
        longest: most dates in a list.

    Yields:
        (source, target so far, next words), each of 64 rows of ids.
    """
    num_steps, longest = whole_number("num_steps", num_steps, 0), whole_number("longest", longest, 1)
    rng = random.Random(seed)
    for step in range(num_steps):
        source, target = encode(_drawn(BATCH, 1 + step % longest, "train", rng))
        yield source, target[:, :-1], target[:, 1:]


@functools.cache
def vocabulary() -> tuple[str, ...]:
    """The word of each id: padding, start, end, the semicolon, and all words of the training part, sorted.

    Returns:
        tuple of str.
    """
    found = {word for pair in _pairs("train") for text in pair for word in split(text)}
    return (*SPECIAL, *sorted(found))


def encode(
    some: Sequence[tuple[Words, Words]],
) -> tuple[Int[Array, "batch source_len"], Int[Array, "batch target_len"]]:
    """Lists as word ids, padded with 0.

    Args:
        some: list of (source words, target words).

    Returns:
        source: without start and end.
        target: between start and end.

    Raises:
        ValueError: a word that no date has.
    """
    source = pad([_ids(words) for words, _ in some])  # (batch, source_len)
    target = pad([[START, *_ids(words), END] for _, words in some])  # (batch, target_len)
    return source, target


def right_dates(
    written: Int[Array, "batch words"], target: Int[Array, "batch target_len"]
) -> Bool[Array, "batch dates"]:
    """Say which dates were written right: year, month and day.

    Args:
        written: ids of three words for each date, without start and end.
        target: as from `encode`, of lists that are equally long.

    Returns:
        whether all three words of each date are right.
    """
    right = np.asarray(written) == np.asarray(target)[:, 1:-1]
    return right.reshape(len(right), -1, len(PARTS)).all(axis=-1)


def places(source: Words) -> list[int]:
    """Where the words stand that say each year, month and day: the alignment that is known to be right.

    Args:
        source: words of a list of dates.

    Returns:
        places of the year, month and day of the first date, then of the second one, …

    Example:
        >>> places(["15", "Juli", "2004", ";", "1", "May", "1999"])
        [2, 1, 0, 6, 5, 4]
    """
    of_date = np.cumsum([word == ";" for word in source])  # the date that a word belongs to
    kinds = [_kind(word) for word in source]
    found = [(of_date[place], PARTS.index(kind), place) for place, kind in enumerate(kinds) if kind]
    return [place for _, _, place in sorted(found)]


def _kind(word):
    """What a word says; weekdays and the like say nothing."""
    if word.isdigit():
        return "year" if len(word) == 4 else "day"
    return "month" if word in _months() else None


@functools.cache
def _months():
    """Words that are seen with one month alone, as weekdays are not."""
    seen = {}
    for written, iso in _pairs("train"):
        for word in split(written):
            seen.setdefault(word, set()).add(iso[5:7])
    return {word for word, months in seen.items() if len(months) == 1 and not word.isdigit()}


@functools.cache
def _pairs(part):
    return dates.examples(SIZES[part], seed=0, split=part, format_names=STYLES)


def _drawn(count, length, part, rng):
    """The next lists of a generator."""
    chosen = [rng.choices(_pairs(part), k=length) for _ in range(count)]
    return [
        (split(" ; ".join(written for written, _ in some)), split(" ".join(iso for _, iso in some))) for some in chosen
    ]


@functools.cache
def _numbers():
    return {word: number for number, word in enumerate(vocabulary())}


def _ids(words):
    for word in words:
        if word not in _numbers():
            raise ValueError(TEXTS["word"].format(word=word))
    return [_numbers()[word] for word in words]

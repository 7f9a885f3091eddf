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

import functools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Int

from course_lib.checking import Array, Bounds, as_real, checked, whole_number
from course_lib.data.characters import Characters, pad
from course_lib.data.date_formats import FIRST, LAST, SPLITS, all_days, formats, members_of
from course_lib.data.invented_dates import invented

__all__ = [
    "FIRST",
    "LAST",
    "SPLITS",
    "batches",
    "encode",
    "examples",
    "formats",
    "invented",
    "num_examples",
    "tidy",
    "vocabulary",
]

Natural = Annotated[int, Bounds(least=0)]
ISO_CHARACTERS = "0123456789-"

TEXTS = {
    "too many": "{count:,} examples of {split} were asked for; there are {available:,}",
    "share": "invented_share is {share!r} with split {split!r}; expected one from 0 to 1, above 0 with train only",
    "empty": "pairs is empty; expected at least one pair of texts",
}


def num_examples(split: str = "train", *, format_names: Iterable[str] | None = None) -> int:
    """How many pairs a split has, all of them distinct.

    Args:
        split: one of `SPLITS`.
        format_names: only these formats, such as ["hr full"].

    Returns:
        int.
    """
    return len(members_of(split, format_names))


@checked
def examples(
    count: Natural, seed: Natural = 0, split: str = "train", *, format_names: Iterable[str] | None = None
) -> list[tuple[str, str]]:
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
    members = members_of(split, format_names)
    if count > len(members):
        raise ValueError(TEXTS["too many"].format(count=count, split=split, available=len(members)))
    drawn = np.random.default_rng(seed).choice(members, count, replace=False)
    days, forms = all_days(), formats()
    day_numbers, form_numbers = np.divmod(drawn, len(forms))
    return [
        (forms[form].write(days[day]), days[day].isoformat())
        for day, form in zip(day_numbers.tolist(), form_numbers.tolist(), strict=True)
    ]


@functools.cache
def vocabulary() -> Characters:
    """The characters of all formats and of ISO 8601, one vocabulary for both sides.

    Returns:
        `Characters`.
    """
    texts = ("".join(texts) for form in formats() for _, texts in form.pieces)  # a literal or a table, joined alike
    return Characters("".join(texts) + ISO_CHARACTERS)


def tidy(text: str) -> str:
    """Write a date that somebody typed or pasted with the spaces and accents that the examples have.

    Args:
        text: str.

    Returns:
        str, composed (NFC), every run of spaces as one plain space.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def encode(
    pairs: Sequence[tuple[str, str]],
) -> tuple[Int[Array, "batch source_len"], Int[Array, "batch target_len"]]:
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


def batches(
    batch_size: int, num_batches: int, seed: int = 0, split: str = "train", *, invented_share: float = 0.0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
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

"""What pictures are drawn from: numbers of two axes, and labels that everybody can see."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from course_lib.checking import as_array, check_shape, entries, read_numbers
from course_lib.printable import printable

INK = "#16181d"
FONT = 10  # points
LETTER = 0.62  # width of a letter, as a share of the font size
LONGEST = 40  # characters of a label

TEXTS: dict[str, Any] = {
    "labels": "{name} holds {got} labels: {labels}; expected {wanted}, one for each {what} of {of} with shape {shape}",
    "label kind": "a list of strings",
}


def visible(label: object) -> str:
    """Write what nobody would see (a line break, a zero-width space) as an escape, and cut what is too long to draw.

    Args:
        label: a string, or what is to be shown as one.

    Returns:
        a string of one line, at most 40 characters.
    """
    text = printable(str(label), keep="")
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def matrix_of(name: str, value: Any, axes: str, **sizes: int) -> np.ndarray:
    """Numbers of two axes as float64; those of a map may be -inf."""
    array = read_numbers(name, as_array(value), minus_infinity=not sizes, kinds="fiub").astype(np.float64)
    check_shape(name, array.shape, axes, sizes)
    return array


def strings_of(name: str, labels: Iterable | None) -> list[str] | None:
    if labels is None:
        return None
    return [visible(label) for label in entries(name, labels, TEXTS["label kind"])]


def labels_of(name: str, labels: list[str] | None, wanted: int, what: str, of: str, array: np.ndarray) -> list[str]:
    if labels is None:
        return [str(number) for number in range(wanted)]
    if len(labels) != wanted:
        about = {"name": name, "got": len(labels), "labels": labels, "wanted": wanted, "what": what}
        raise ValueError(TEXTS["labels"].format(**about, of=of, shape=array.shape))
    return labels


def number_text(value: float) -> str:
    """At most five characters or so: 0 and 1 only where exact, as a masked weight is."""
    if np.isneginf(value):
        return "−∞"
    if value == int(value) and abs(value) < 1000:
        return f"{int(value)}".replace("-", "−")
    return (f"{value:.2f}" if abs(value) < 100 else f"{value:.3g}").replace("-", "−")

"""What AttentionPlayground asks of what comes in, and of what an attention function gives back."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Real

from course_lib.checking import Array, as_array, describe, read_array
from course_lib.widgets.base import WrongAnswer, checked_mask

MAX_DIMENSIONS = 8
SUM_TOLERANCE = 1e-3
MAX_NOTES = 4

TEXTS = {
    "answer": "{name} did not return what it should: {problem}",
    "row": "{problem}, in the row of “{token}”",
    "no presets": "{name} is {got}; expected {expected}",
    "presets": "a dict from names to dicts of arrays",
    "preset": "a dict of arrays",
    "unknown part": "presets[{label!r}] holds {got}; expected queries, keys, values and mask, or some of them",
    "in preset": "presets[{label!r}]: {problem}",
    "row_sum": "Row “{token}” sums to {total}, not 1: weights of one query are shares of its attention.",
    "negative": "Row “{token}” has a negative weight.",
    "leak": "“{query}” gives weight to “{key}”, which the mask hides from it.",
    "more_notes": "… and {count} more.",
    "not_the_mix": "The context of “{token}” is not its weights times the values.",
}


def checked_vectors(
    name: str, vectors: Real[Array, "seq_len dimensions"], seq_len: int
) -> Float[np.ndarray, "seq_len dimensions"]:
    """Vectors as they come in, finite."""
    return read_array(name, vectors, "tokens dimensions", most={"dimensions": MAX_DIMENSIONS}, tokens=seq_len)


def full_mask(mask: Bool[Array, "seq_len seq_len"] | None, seq_len: int) -> Bool[np.ndarray, "seq_len seq_len"]:
    """A mask as booleans; none hides nothing."""
    return np.ones((seq_len, seq_len), dtype=bool) if mask is None else checked_mask(mask, seq_len)


def plain(name: str, array: np.ndarray) -> list[list[float]] | list[str]:
    """What the page holds of an array: rows of numbers, or one string a row of a mask that hides something."""
    if name != "mask":
        return array.tolist()
    return [] if array.all() else ["".join("01"[may] for may in row) for row in array.astype(int)]


def mask_of(rows: list[str], seq_len: int) -> Bool[np.ndarray, "seq_len seq_len"]:
    """The mask that the page holds as strings."""
    if not rows:
        return np.ones((seq_len, seq_len), dtype=bool)
    return np.array([[letter == "1" for letter in row] for row in rows], dtype=bool)


def checked_part(name: str, value: Array, shape: tuple[int, ...]) -> np.ndarray:
    """One of the arrays, of the shape that it has had."""
    if name == "mask":
        return full_mask(value, shape[0])
    return read_array(name, value, "tokens dimensions", tokens=shape[0], dimensions=shape[1])


def checked_presets(
    presets: dict[str, dict[str, Array]] | None, shapes: dict[str, tuple[int, ...]]
) -> dict[str, dict[str, list[list[float]] | list[str]]]:
    """Presets as the page holds them."""
    checked = {}
    for label, parts in _dict("presets", presets or {}, TEXTS["presets"]).items():
        unknown = set(_dict(f"presets[{label!r}]", parts, TEXTS["preset"])) - set(shapes)
        if unknown:
            raise ValueError(TEXTS["unknown part"].format(label=label, got=", ".join(sorted(map(repr, unknown)))))
        try:
            checked[str(label)] = {
                name: plain(name, checked_part(name, value, shapes[name])) for name, value in parts.items()
            }
        except ValueError as problem:
            raise ValueError(TEXTS["in preset"].format(label=label, problem=problem)) from problem
    return checked


def _dict(name, value, expected):
    if not isinstance(value, dict):
        raise TypeError(TEXTS["no presets"].format(name=name, got=describe(value), expected=expected))
    return value


def checked_result(name: str, part: str, value: Any, axes: str, tokens: list[str], **sizes: int) -> np.ndarray:
    """What the attention function gave back, of its shape; else `WrongAnswer` says what is wrong, and for which token."""
    try:
        return read_array(part, value, axes, **sizes)  # pyrefly: ignore[bad-argument-type]: no axis is called `most`
    except ValueError as problem:
        row = _row_that_is_not_finite(value, len(tokens))
        problem = problem if row is None else TEXTS["row"].format(problem=problem, token=tokens[row])
        raise WrongAnswer(TEXTS["answer"].format(name=name, problem=problem)) from None


def _row_that_is_not_finite(value, count):
    """Number of the first row with NaN or infinity; None where there is none, or no row per token."""
    value = as_array(value)
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.ndim != 2 or len(value) != count:
        return None
    rows = np.flatnonzero(~np.isfinite(value).all(axis=1))
    return int(rows[0]) if rows.size else None


def notes_on(
    tokens: list[str],
    weights: Float[np.ndarray, "queries keys"],
    context: Float[np.ndarray, "queries d_v"],
    arrays: dict[str, np.ndarray],
) -> list[str]:
    """What a reader of the picture should be told: rows that are no shares, masked keys with weight, a context that is no mix."""
    notes = []
    mask = arrays["mask"]
    totals, leaks = weights.sum(axis=-1), ~mask & (np.abs(weights) > SUM_TOLERANCE)
    leaky = np.any(leaks, axis=-1)
    unequal = ~leaky & (np.abs(totals - mask.any(axis=-1)) > SUM_TOLERANCE)
    negative = np.any(weights < -SUM_TOLERANCE, axis=-1)
    close = np.isclose(context, weights @ arrays["values"], atol=SUM_TOLERANCE, rtol=SUM_TOLERANCE)
    mixed = np.all(close, axis=-1)
    for index in np.flatnonzero(leaky | unequal | negative | ~mixed):
        token = tokens[index]
        if leaky[index]:
            notes.append(TEXTS["leak"].format(query=token, key=tokens[leaks[index].argmax()]))
        elif unequal[index]:
            notes.append(TEXTS["row_sum"].format(token=token, total=f"{totals[index]:.3g}"))
        if negative[index]:
            notes.append(TEXTS["negative"].format(token=token))
        if not mixed[index]:
            notes.append(TEXTS["not_the_mix"].format(token=token))
    if len(notes) > MAX_NOTES:
        notes[MAX_NOTES:] = [TEXTS["more_notes"].format(count=len(notes) - MAX_NOTES)]
    return notes

"""Arguments that are one number, one choice, a string or a list of strings; and how to say what is wrong with any argument."""

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

TEXTS: dict[str, Any] = {
    "wrong": "{name} is {value}; expected {expected}",
    "whole": {
        (): "a whole number",
        ("least",): "a whole number of at least {least}",
        ("least", "most"): "a whole number from {least} to {most}",
    },
    "real": {
        (): "a finite number",
        ("least",): "a finite number of at least {least}",
        ("above",): "a finite number above {above}",
        ("least", "most"): "a number from {least} to {most}",
        ("above", "most"): "a number above {above} and at most {most}",
        ("least", "below"): "a number from {least} up to, but not including, {below}",
    },
    "choice": "one of {choices}",
    "flag": "True or False",
    "string": "a string",
    "function": "a function {signature}",
    "strings": "a list of strings",
    "count": "{name} has {count} entries; expected {least} to {most}",
    "divides": "{name} is {value}, which does not divide {axis} = {size}{where}",
    "in array": " in {array} of shape {shape}",
    "odd": "{name} is {value}, which is odd; expected an even number, {why}",
}


def whole_number(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """Check a whole number.

    Args:
        name: what the caller calls it.
        value: what came.
        least, most: its bounds, both included; None: none.

    Raises:
        ValueError: no whole number, or out of bounds.
    """
    number = as_whole(value)
    if number is None or (least is not None and number < least) or (most is not None and number > most):
        _refuse(name, value, "whole", least=least, most=most)
    return number


def real_number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
) -> float:
    """Check a finite number.

    Args:
        name: what the caller calls it.
        value: what came.
        least, most: its bounds, both included; None: none.
        above, below: the same, not included.

    Raises:
        ValueError: no finite number, or out of bounds.
    """
    number = as_real(value)
    fits = (least is None or number >= least) and (above is None or number > above)
    fits = fits and (most is None or number <= most) and (below is None or number < below)
    if not (fits and math.isfinite(number)):
        _refuse(name, value, "real", least=least, above=above, most=most, below=below)
    return number


def check_divides(name: str, value: int, axis: str, size: int, array: str = "", shape: tuple = ()) -> None:
    """Check that a number divides the size of an axis; `array` and its shape say whose axis it is."""
    if size % value:
        where = TEXTS["in array"].format(array=array, shape=shape) if array else ""
        fail(TEXTS["divides"], name=name, value=value, axis=axis, size=size, where=where)


def check_even(name: str, value: int, why: str) -> int:
    """Check that a whole number is even, and say why it must be."""
    if value % 2:
        fail(TEXTS["odd"], name=name, value=value, why=why)
    return value


def flag(name: str, value: Any) -> bool:
    """Check for True or False.

    Raises:
        TypeError: it is neither.
    """
    if not isinstance(value, (bool, np.bool)):
        fail(TEXTS["wrong"], TypeError, name=name, value=repr(value), expected=TEXTS["flag"])
    return bool(value)


def one_of(name: str, value: Any, choices: Iterable) -> Any:
    """Check that an option is one of those there are; returns it.

    Raises:
        ValueError: it is not.
    """
    if value not in choices:
        fail(
            TEXTS["wrong"],
            name=name,
            value=repr(value),
            expected=TEXTS["choice"].format(choices=", ".join(map(repr, choices))),
        )
    return value


def string(name: str, value: Any) -> str:
    """Check for a string.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        fail(TEXTS["wrong"], TypeError, name=name, value=describe(value), expected=TEXTS["string"])
    return value


def check_function(name: str, value: Any, signature: str) -> Any:
    """Check that something can be called; returns it.

    Args:
        name: what the caller calls it.
        value: what came.
        signature: what it takes and gives, in words.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(value):
        fail(
            TEXTS["wrong"],
            TypeError,
            name=name,
            value=describe(value),
            expected=TEXTS["function"].format(signature=signature),
        )
    return value


def entries(name: str, value: Any, expected: str) -> list:
    """Check for a list, or what can be gone through like one; a string is none, since it would fall into letters.

    Raises:
        TypeError: it is none.
    """
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return list(value)
    except TypeError:
        fail(TEXTS["wrong"], TypeError, name=name, value=describe(value), expected=expected)


def strings(name: str, value: Any, least: int = 0, most: int | None = None) -> list[str]:
    """Check for a list of strings, and how many there are.

    Raises:
        TypeError: no list, or one of something else.
        ValueError: too few or too many.
    """
    listed = entries(name, value, TEXTS["strings"])
    for index, entry in enumerate(listed):
        if not isinstance(entry, str):
            string(f"{name}[{index}]", entry)
    if len(listed) < least or (most is not None and len(listed) > most):
        fail(TEXTS["count"], name=name, count=len(listed), least=least, most=most)
    return listed


def as_whole(value: Any) -> int | None:
    """The int that a value stands for; None where it is no whole number."""
    if type(value) is int:
        return value
    value = _scalar(value)
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def as_real(value: Any) -> float:
    """The float that a value stands for, infinite where it is beyond all floats; NaN where it is no real number."""
    value = _scalar(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # pyrefly: ignore[unsupported-operation]: real numbers are ordered


def _scalar(value):
    """Python's own number for an array or a tensor without axes, None for one with axes, anything else as it is."""
    axes = getattr(value, "ndim", None)
    if axes is None:
        return value
    return None if axes else value.item()


def describe(value: Any) -> str:
    """Name the kind of a value without trusting its repr, which is the learner's own."""
    kind = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, str):
        return "one string"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if hasattr(value, "detach") and hasattr(value, "shape"):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list, dict)):
        return f"a {kind} of {len(value)}" if len(value) else f"an empty {kind}"
    return f"a value of type {kind}"


def fail(text: str, error: type[Exception] = ValueError, **about: Any) -> NoReturn:
    """Raise an error with a text and what it is about."""
    raise error(text.format(**about)) from None


def _refuse(name, value, kind, **bounds) -> NoReturn:
    expected = TEXTS[kind][tuple(bound for bound, limit in bounds.items() if limit is not None)]
    fail(TEXTS["wrong"], name=name, value=repr(value), expected=expected.format(**bounds))

"""One rule for arguments that are a single number or a choice, and one way to say what is wrong.

A whole number is an int, or what counts as one: NumPy's integers, an array or a PyTorch tensor without axes. True is none,
nor is a number with a point, even 3.0, nor an array with axes, even of one entry.
"""

import math
import numbers
import operator
from typing import Any

TEXTS: dict[str, Any] = {
    "wrong": "{name} is {value!r}; expected {expected}",
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
}


def whole_number(name, value, least=None, most=None):
    """Check a whole number.

    Args:
        name: what the caller calls it.
        value: what came.
        least, most: its bounds, both included; None: none.

    Returns:
        int.

    Raises:
        ValueError: no whole number, or out of bounds.
    """
    number = as_whole(value)
    if number is None or (least is not None and number < least) or (most is not None and number > most):
        _refuse(name, value, "whole", least=least, most=most)
    return number


def real_number(name, value, *, least=None, above=None, most=None, below=None):
    """Check a finite number.

    Args:
        name: what the caller calls it.
        value: what came.
        least, most: its bounds, both included; None: none.
        above, below: the same, not included.

    Returns:
        float.

    Raises:
        ValueError: no finite number, or out of bounds.
    """
    number = as_real(value)
    fits = (least is None or number >= least) and (above is None or number > above)
    fits = fits and (most is None or number <= most) and (below is None or number < below)
    if not (fits and math.isfinite(number)):
        _refuse(name, value, "real", least=least, above=above, most=most, below=below)
    return number


def one_of(name, value, choices):
    """Check that an option is one of those there are; returns it.

    Raises:
        ValueError: it is not.
    """
    if value not in choices:
        expected = TEXTS["choice"].format(choices=", ".join(map(repr, choices)))
        raise ValueError(TEXTS["wrong"].format(name=name, value=value, expected=expected))
    return value


def as_whole(value):
    """The int that a value stands for; None where it is no whole number."""
    if type(value) is int:
        return value
    value = _scalar(value)
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def as_real(value):
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


def _refuse(name, value, kind, **bounds):
    expected = TEXTS[kind][tuple(bound for bound, limit in bounds.items() if limit is not None)]
    raise ValueError(TEXTS["wrong"].format(name=name, value=value, expected=expected.format(**bounds)))

"""What came back from a function, in a form that can be compared: arrays, tuples of them, and what is neither.

Whatever a learner's function returns is the learner's code: a subclass of an array may override its arithmetic and its repr.
From here on there are only plain arrays, and words about the rest.
"""

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

# What rounding may cost, by the precision in which an answer came.
TOLERANCE = {np.dtype(np.float32): 1e-4}  # half precision is for those who ask for it: `Case(…, within=…)`
TOLERANCE_IN_DOUBLE = 1e-6  # a double may carry what an intermediate step in float32 rounded


ODD = {  # what came in place of numbers, by its diagnosis
    "returns-nothing": "Your function returns nothing (None). Does it end with a return?",
    "returns-a-tensor": "Your function returns a PyTorch tensor; here we work in NumPy.",
    "wrong-type": "Your function returns {kind}; {asked} was expected.",
    "wrong-dtype": "Your function returns {kind}; numbers or booleans were expected.",
}


class Listed(tuple):
    """What came as a list: it counts as a tuple where several arrays are asked for, and numbers alone as one array."""


@dataclass(frozen=True)
class Odd:
    """What came in place of numbers.

    Attributes:
        diagnosis: one of `ODD`.
        kind: what it is, such as "a str".
    """

    diagnosis: str
    kind: str

    def sentence(self, asked="a NumPy array"):
        """What the learner is told; `asked` is what was expected."""
        return ODD[self.diagnosis].format(kind=self.kind, asked=asked)


@dataclass(frozen=True)
class Raised:
    """A function ended with an error."""

    name: str


@dataclass
class Answer:
    """What a call of a function gave.

    Attributes:
        value: an array, a tuple of values, an `Odd` or a `Raised`.
        error: the `LearnerError`, where it raised.
        changed: the name of an argument that it changed in place, or None.
    """

    value: Any
    error: Any = None
    changed: str | None = None


def plain(returned):
    """Bring what a function returned into its plain form."""
    if type(returned) in (tuple, list):
        parts = [plain(part) for part in returned]
        return tuple(parts) if type(returned) is tuple else Listed(parts)
    if returned is None:
        return Odd("returns-nothing", "nothing (None)")
    if type(returned).__module__.partition(".")[0] == "torch":
        return Odd("returns-a-tensor", "a PyTorch tensor")
    numbers_only = isinstance(returned, (np.ndarray, np.generic, bool, int, float))
    if not numbers_only or np.ma.is_masked(returned):  # what is masked has no value
        return Odd("wrong-type", kind_of(returned))
    array = np.array(returned, subok=False)
    if array.dtype.kind not in "biuf":
        kind = {"U": "strings", "S": "strings", "O": "objects", "c": "complex numbers"}.get(
            array.dtype.kind, array.dtype.name
        )
        return Odd("wrong-dtype", f"an array of {kind}")
    return array


def arrays_in(value):
    """The arrays of a plain value, one after the other."""
    if isinstance(value, tuple):
        return [array for part in value for array in arrays_in(part)]
    return [value] if isinstance(value, np.ndarray) else []


def checked_plain(value):
    """A value that should be in plain form already, from another process; anything else is odd."""
    if isinstance(value, tuple):
        return type(value)(checked_plain(part) for part in value)
    return value if isinstance(value, (np.ndarray, Odd, Raised)) else Odd("wrong-type", kind_of(value))


def kind_of(value):
    """What a value is, in words. Only its type's own name: a repr is the learner's code and may do anything."""
    name = type.__getattribute__(type(value), "__name__")
    return "nothing (None)" if value is None else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def as_asked(value, expected):
    """A list as what was asked for: of arrays a tuple, of plain numbers an array of one axis; an array as several numbers."""
    asked = isinstance(expected, tuple) and not isinstance(expected, Listed)
    if isinstance(value, np.ndarray) and value.ndim == 1 and asked and len(value) == len(expected):
        numbers_asked = all(isinstance(part, np.ndarray) and part.ndim == 0 for part in expected)
        return tuple(value[i, ...] for i in range(len(value))) if numbers_asked else value
    if not isinstance(value, Listed):
        return value
    if isinstance(expected, tuple):
        parts = zip(value, expected, strict=False)
        return tuple(as_asked(part, right) for part, right in parts) if len(value) == len(expected) else tuple(value)
    if value and all(isinstance(part, np.ndarray) and part.ndim == 0 for part in value):
        return np.array([part[()] for part in value])
    return value


def tolerance(array):
    """The absolute and relative error that rounding explains in an array of this dtype."""
    return TOLERANCE.get(np.asarray(array).dtype, TOLERANCE_IN_DOUBLE)


def right(got, expected, within=None):
    """Whether an answer is right: as many arrays, of these shapes and kinds, with these values.

    Whole numbers and booleans have to be the same, and to come as such; floats may be as far off as rounding explains in
    their precision, or as `within` says.

    Args:
        got: a plain value.
        expected: the right one.
        within: relative and absolute error for floats; None: what their precision explains.
    """
    got = as_asked(got, expected)
    if isinstance(expected, tuple):
        same = isinstance(got, tuple) and not isinstance(got, Listed) and len(got) == len(expected)
        return same and all(right(one, other, within) for one, other in zip(got, expected, strict=True))
    if not isinstance(got, np.ndarray) or not isinstance(expected, np.ndarray):
        return got == expected if not isinstance(expected, np.ndarray) else False
    return got.shape == expected.shape and right_kind(got, expected) and close(got, expected, within)


def form(value):
    """The shapes in a value, one inside the other as the arrays are."""
    if isinstance(value, tuple):
        return tuple(map(form, value))
    return list(value.shape) if isinstance(value, np.ndarray) else value


def right_kind(got, expected):
    """Whether booleans came where they are asked for, and whole numbers where those are."""
    allowed = {"b": "b", "i": "iu", "u": "iu", "f": "fiu"}[expected.dtype.kind]
    return got.dtype.kind in allowed


def close(got, expected, within=None):
    """Whether two arrays agree in shape and, up to rounding in the precision of `got`, in every value."""
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        return False
    if got.dtype.kind in "biu" and expected.dtype.kind in "biu":
        return bool(np.array_equal(got, expected))
    allowed = tolerance(got) if within is None else within
    with np.errstate(all="ignore"):
        return bool(
            np.allclose(np.asarray(got, float), np.asarray(expected, float), rtol=allowed, atol=allowed, equal_nan=True)
        )


def alike(one, other, within=None):
    """Whether two answers are the same, right or wrong: the same values, the same oddity, or an error of one kind."""
    one, other = as_asked(one, other), as_asked(other, one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(alike(*pair, within) for pair in zip(one, other, strict=True))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return (one.dtype.kind == "b") == (other.dtype.kind == "b") and close(one, other, within)
    return type(one) is type(other) and not isinstance(one, np.ndarray) and one == other


def copied(value):
    """A copy of an input that shares nothing which a function could change; functions stay what they are."""
    if isinstance(value, np.ndarray):
        return np.array(value)
    if isinstance(value, (list, tuple)):
        return type(value)(copied(part) for part in value)
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    return value


def unchanged(after, before):
    """Whether an input is still what it was."""
    if isinstance(before, np.ndarray):
        same_form = isinstance(after, np.ndarray) and after.shape == before.shape and after.dtype == before.dtype
        return same_form and np.array_equal(after, before, equal_nan=before.dtype.kind == "f")
    if isinstance(before, (list, tuple)):
        return len(after) == len(before) and all(map(unchanged, after, before))
    if isinstance(before, dict):
        return after.keys() == before.keys() and all(unchanged(after[key], before[key]) for key in before)
    return True


def size_of(value):
    """How much there is to look at in an input: its numbers."""
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, (list, tuple)):
        return sum(map(size_of, value))
    if isinstance(value, dict):
        return sum(map(size_of, value.values()))
    return 1 if isinstance(value, numbers.Number) else 0


def largest_difference(got, expected):
    """Index and size of the largest difference between two arrays of one shape; a NaN counts as infinitely far."""
    gap = np.abs(np.asarray(got, float) - np.asarray(expected, float))
    gap = np.where(np.isnan(gap), np.inf, gap)
    index = np.unravel_index(int(np.argmax(gap)), gap.shape)
    return tuple(int(i) for i in index), float(gap[index])


def sums_to_one(weights, axis=-1):
    """Whether the weights along `axis` (None: all of them together) are finite and add up to 1."""
    with np.errstate(all="ignore"):
        total = np.asarray(weights, float).sum(axis=axis)
    return bool(np.all(np.abs(total - 1) <= 10 * tolerance(weights)))

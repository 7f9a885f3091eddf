"""What goes between the grader and a submission's kernel: arrays, numbers, and words, as JSON; never a pickle.

What comes from a submission is read with suspicion: only plain numbers of a limited size, whatever it says it sends.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.classroom.practice import answers
from course_lib.printable import printable

MOST_BYTES = 10_000_000  # of one array
MOST_DEPTH = 6


class Unreadable(ValueError):
    """What came is no answer."""


def dumps(value: Any, function: Callable[[Callable], int] | None = None) -> str:
    """Write a value as one line of ASCII.

    Args:
        value: arrays, numbers, words, None, and tuples, lists and dicts of them; also what `answers.plain` gives.
        function: gives the number under which a function among the values can be asked for; None: there may be none.
    """
    return json.dumps(_packed(value, function))


def loads(text: str, function: Callable[[int], Callable] | None = None) -> Any:
    """Read what `dumps` wrote.

    Args:
        text: the line.
        function: gives the function that stands for a number; None: there may be none.

    Raises:
        Unreadable: it is something else.
    """
    try:
        return _unpacked(json.loads(text), function, MOST_DEPTH)
    except Unreadable:
        raise
    except Exception as error:  # whatever a submission makes of it
        raise Unreadable(type(error).__name__) from None


def _packed(value, function):
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.nbytes > MOST_BYTES:
            raise TypeError(f"an array of {array.nbytes:,} bytes is too large to be sent")
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        return {kind: [array.dtype.str, list(array.shape), data]}
    if isinstance(value, answers.Odd):
        return {"odd": [value.diagnosis, value.kind]}
    if isinstance(value, answers.Raised):
        return {"raised": value.name}
    for kind in (answers.Listed, tuple, list):
        if isinstance(value, kind):
            return {kind.__name__: [_packed(part, function) for part in value]}
    if isinstance(value, dict):
        return {"dict": [[_packed(key, function), _packed(part, function)] for key, part in value.items()]}
    if isinstance(value, float):
        return {"float": value.hex()}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if callable(value) and function is not None:
        return {"function": function(value)}
    raise TypeError(f"{type(value).__name__} can't be sent; expected arrays, numbers, words, or collections of them")


def _unpacked(value, function, depth):
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if depth == 0 or not isinstance(value, dict) or len(value) != 1:
        raise Unreadable("nested too deeply, or no value")
    [(kind, content)] = value.items()
    if kind in ("array", "scalar"):
        array = _array(*content)
        return array if kind == "array" else array[()]
    if kind == "odd":
        if content[0] not in answers.ODD:
            raise Unreadable("no such oddity")
        return answers.Odd(content[0], printable(str(content[1])[:100]))
    if kind == "raised":
        return answers.Raised(str(content))
    if kind in ("Listed", "tuple", "list"):
        parts = [_unpacked(part, function, depth - 1) for part in content]
        return {"Listed": answers.Listed, "tuple": tuple, "list": list}[kind](parts)
    if kind == "dict":
        return {_unpacked(key, function, depth - 1): _unpacked(part, function, depth - 1) for key, part in content}
    if kind == "float":
        return float.fromhex(content)
    if kind == "function" and function is not None:
        return function(content)
    raise Unreadable(f"no kind {kind!r:.40}")


def _array(dtype, shape, data):
    dtype = np.dtype(str(dtype))
    if dtype.kind not in "biuf" or len(data) > 2 * MOST_BYTES:
        raise Unreadable("no array of numbers, or too large a one")
    return np.frombuffer(base64.b64decode(data), dtype=dtype).reshape([int(size) for size in shape]).copy()

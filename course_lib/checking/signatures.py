"""Arguments checked by the signature that they have to fit."""

import functools
import inspect
from collections.abc import Callable
from types import NoneType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NoReturn,
    ParamSpec,
    TypeVar,
    get_args,
    get_origin,
)

import numpy as np
from jaxtyping import AbstractArray, AbstractDtype, Float

from course_lib.checking.arrays import TEXTS as ARRAY_TEXTS
from course_lib.checking.arrays import (
    check_shape,
    check_together,
    fit,
    listed,
    read_booleans,
    read_numbers,
    read_whole_numbers,
)
from course_lib.checking.scalars import describe, fail, flag, one_of, real_number, string, whole_number

TEXTS: dict[str, Any] = {
    "no tensor": "{name} is {value}; expected a tensor of shape {axes}",
    "tensors": {
        "Float": "floating-point numbers",
        "Int": f"{ARRAY_TEXTS['whole numbers']} (int64 or int32)",
        "Bool": ARRAY_TEXTS["booleans"],
    },
    "overflow": "the answer of {function} overflows {dtype}; pass smaller numbers or a larger float dtype for {names}",
}

if TYPE_CHECKING:
    from typing import Annotated as Scores

    Array = Any  # a caller may pass whatever NumPy can read as one
else:
    Array = np.ndarray

    class Scores(AbstractDtype):
        """Floats that may be -inf, for no attention."""

        dtypes = Float.dtypes


ABSENT = object()  # no argument
P = ParamSpec("P")
R = TypeVar("R")


class Bounds(NamedTuple):
    """What a number must be at least or above, and at most or below."""

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None


Count = Annotated[int, Bounds(least=1)]

ARRAYS = {
    "Float": read_numbers,
    "Scores": functools.partial(read_numbers, minus_infinity=True),
    "Real": lambda name, value: read_numbers(name, value).astype(np.float64, copy=False),
    "Int": read_whole_numbers,
    "Bool": read_booleans,
}
SCALARS: dict[Any, Callable] = {int: whole_number, float: real_number, bool: flag, str: string}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Check a function's arguments by its signature, as `course_lib.checking` says; other annotations are left alone."""
    signature = inspect.signature(function)
    names = tuple(signature.parameters)
    readers, axes, floats = {}, {}, []
    for name, parameter in signature.parameters.items():
        annotation, optional = _without_none(parameter.annotation)
        if read := _reader(annotation):
            readers[name] = read, optional
            if _is_array(annotation):
                if annotation.dim_str != "...":  # what is only dots has any shape
                    axes[name] = annotation.dim_str
                if annotation.array_type is np.ndarray and annotation.dtype in (Float, Scores):
                    floats.append(name)
    own_axes = tuple({axis for one in axes.values() for axis in one.split()}) if names[:1] == ("self",) else ()
    plain = None if set("".join(axes.values())) & set(".#+") else {name: one.split() for name, one in axes.items()}

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        given: dict[str, Any] = {**dict(zip(names, args, strict=False)), **kwargs}
        if len(given) < len(args) + len(kwargs):
            signature.bind(*args, **kwargs)  # raises: there are too many, or one came twice
        for name, (read, optional) in readers.items():
            value = given.get(name, ABSENT)
            if value is not ABSENT and not (optional and value is None):
                given[name] = read(name, value)
        if axes:
            own = vars(given["self"]) if own_axes else {}
            if plain is None or not fit(given, plain, own):
                sizes = {axis: own[axis] for axis in own_axes if type(own.get(axis)) is int}
                check_together({name: given[name] for name in axes if given.get(name) is not None}, axes, sizes)
        if floats and (present := [name for name in floats if given.get(name) is not None]):
            return _in_floats(function, given, present)
        return function(**given)  # pyrefly: ignore

    return call


def _without_none(annotation):
    """What an argument must be where it is not None, and whether it may be None."""
    options = get_args(annotation)
    if NoneType not in options:
        return annotation, False
    return (options[0] if len(options) == 2 else Any), True


def _is_array(annotation):
    return isinstance(annotation, type) and issubclass(annotation, AbstractArray)


def _reader(annotation):
    """What reads such an argument, a function (name, value) -> value; None where an annotation says nothing to check."""
    if _is_array(annotation):
        if annotation.array_type is np.ndarray:
            return ARRAYS[annotation.dtype.__name__]
        return tensor_reader(annotation) if annotation.dtype.__name__ in TEXTS["tensors"] else None
    if get_origin(annotation) is Literal:
        return lambda name, value: one_of(name, value, get_args(annotation))
    if get_origin(annotation) is Annotated:
        kind, bounds = get_args(annotation)
        bounds = {name: bound for name, bound in bounds._asdict().items() if bound is not None}
        return functools.partial(SCALARS[kind], **bounds)
    return SCALARS.get(annotation)


def _in_floats(function, given, floats):
    """Run a function on floats of one dtype, at least float32; what it answers goes back to the caller's dtype."""
    dtype = np.result_type(*(given[name] for name in floats))
    computing = np.result_type(dtype, np.float32)
    for name in floats:
        given[name] = given[name].astype(computing, copy=False)
    with np.errstate(all="ignore"):  # an overflow becomes an error below, which says what to do
        answers = function(**given)
        several = isinstance(answers, tuple)
        answers = tuple([answer.astype(dtype, copy=False) for answer in (answers if several else (answers,))])
    for answer in answers:
        if not np.isfinite(answer).all():
            fail(TEXTS["overflow"], function=function.__name__, dtype=dtype, names=", ".join(floats))
    return answers if several else answers[0]


def tensor_reader(annotation: Any) -> Callable[[str, Any], Any]:
    """Give the function (name, value, sizes=None) that checks a PyTorch tensor; of its shape only with sizes."""
    import torch  # which a signature that names its tensors has loaded

    kind = annotation.dtype.__name__
    axes = annotation.dim_str.replace("#", "")
    names = ("int64", "int32") if kind == "Int" else annotation.dtypes  # by others PyTorch looks up no rows
    dtypes = tuple(getattr(torch, name) for name in names if hasattr(torch, name))
    rank = len(axes.split()) if "#" in annotation.dim_str and "..." not in axes else None  # others are told together

    def read(name, value, sizes=None):
        if not isinstance(value, torch.Tensor):
            no_tensor(name, value, axes)
        if value.dtype not in dtypes:
            about = {"dtype": value.dtype, "shape": tuple(value.shape), "nan": ""}
            fail(ARRAY_TEXTS["dtype"], name=name, expected=TEXTS["tensors"][kind].format(name=name), **about)
        if rank is not None and value.ndim != rank:
            fail(ARRAY_TEXTS["rank"], name=name, shape=tuple(value.shape), axes=listed(axes))
        if sizes is not None:
            check_shape(name, tuple(value.shape), axes, sizes)
        return value

    return read


def tensor_readers(function: Callable) -> dict[str, Callable]:
    """Give what checks each tensor that a function takes, by its name: for bodies too quick for `checked`."""
    annotations = {
        name: _without_none(one.annotation)[0] for name, one in inspect.signature(function).parameters.items()
    }
    return {name: tensor_reader(one) for name, one in annotations.items() if _is_array(one)}


def no_tensor(name: str, value: Any, axes: str) -> NoReturn:
    """Raise the error that something is no PyTorch tensor, whose axes would be such as "batch keys"."""
    fail(TEXTS["no tensor"], TypeError, name=name, value=describe(value), axes=listed(axes))

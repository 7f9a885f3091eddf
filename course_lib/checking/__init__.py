"""The one checker of arguments. It reads what a signature says, so that a function's body can be the idea alone.

    @checked
    def dot_scores(queries: Float[Array, "... queries d_k"], keys: Float[Array, "... keys d_k"]): ...

Arrays stand in jaxtyping's notation, NumPy's and PyTorch's alike. An axis has one size wherever its name stands; `...` are
leading axes such as batch, which broadcast; axes marked # broadcast to those of that name. In a method an axis has the size that
the object has by its name: a layer's `d_model`. PyTorch's are tensors. NumPy's come as anything that it can read as an array, and the body gets

    Float   floats of one dtype, at least float32, all finite; the answer goes back to the dtype in which they came
    Scores  the same, but they may hold -inf, for no attention
    Real    finite numbers as float64, which have no say in the answer's dtype
    Int     whole numbers (tensors: int64 or int32), and Bool booleans, as they came

`int` is a whole number: an int, or what counts as one: NumPy's integers, an array or a PyTorch tensor without axes. True is
none, nor is a number with a point, even 3.0, nor an array with axes, even of one entry. `float` is a finite number, either
within bounds with `Annotated[int, Bounds(least=1)]`; `bool` is True or False, `str` a string, `Literal` one of several.

What is wrong is said in one way: the argument, what came, what was expected.
"""

from course_lib.checking.arrays import (
    as_array,
    broadcast_booleans,
    check_broadcast,
    check_shape,
    read_array,
    read_booleans,
    read_numbers,
    read_whole_numbers,
)
from course_lib.checking.scalars import (
    as_real,
    as_whole,
    check_divides,
    check_even,
    check_function,
    describe,
    entries,
    fail,
    flag,
    one_of,
    real_number,
    string,
    strings,
    whole_number,
)
from course_lib.checking.signatures import (
    Array,
    Bounds,
    Count,
    Scores,
    checked,
    no_tensor,
    tensor_reader,
    tensor_readers,
)

__all__ = [
    "Array",
    "Bounds",
    "Count",
    "Scores",
    "as_array",
    "as_real",
    "as_whole",
    "broadcast_booleans",
    "check_broadcast",
    "check_divides",
    "check_even",
    "check_function",
    "check_shape",
    "checked",
    "describe",
    "entries",
    "fail",
    "flag",
    "no_tensor",
    "one_of",
    "read_array",
    "read_booleans",
    "read_numbers",
    "read_whole_numbers",
    "real_number",
    "string",
    "strings",
    "tensor_reader",
    "tensor_readers",
    "whole_number",
]

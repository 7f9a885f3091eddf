"""Why a standard error of Python or NumPy came, in a sentence beside the learner's line."""

import re

IS_NONE = "Something is None here: an argument that was left out, or a function without a return."
NO_ARRAY = "This is a tuple or a list, not an array: a function that returns several things was not taken apart"
INNER_SIZES = (
    "The inner sizes of the product differ: in (a, b) @ (b, c) the two b have to be the same. Which of the two shapes is not "
    "what you meant?"
)

# (error, pattern in its text, pattern in the learner's line or "", sentence); the first that fits is told.
CAUSES = [
    ("ValueError", r"truth value of an array", r"\bnot mask\b|\bif mask\b|mask (and|or)\b|mask [!=]= None",
     "A mask is an array: Python can't say whether it is true as a whole. Whether there is one at all is asked with "
     "`is None`."),
    ("ValueError", r"truth value of an array", r"\b(max|min)\(",
     "Python's `max` and `min` compare whole arrays with each other. NumPy has one that compares number by number."),
    ("ValueError", r"truth value of an array", "",
     "Python asks whether a whole array is true. Ask for each number by itself (a comparison gives an array of booleans), "
     "or say `.any()` or `.all()`."),
    ("ValueError", r"(not enough|too many) values to unpack", r"\.shape",
     "The array has another number of axes than the names on the left. Name only the last ones, which are always there."),
    ("ValueError", r"(not enough|too many) values to unpack", "",
     "On the left stand more or fewer names than there are values on the right."),
    ("IndexError", r"too many indices for array", "",
     "You index more axes than the array has. Counted from the end, `…` (an Ellipsis) stands for all the axes in front."),
    ("AxisError", r"out of bounds", "",
     "The array has fewer axes than you think. Counted from the end, -1 is always the last one."),
    ("TypeError", r"bad operand type for unary ~: 'NoneType'|'NoneType'", "", IS_NONE),
    ("AttributeError", r"'NoneType' object", "", IS_NONE),
    ("AttributeError", r"'(tuple|list)' object", "", f"{NO_ARRAY}."),
    ("TypeError", r"unsupported operand .*'tuple'|can't multiply sequence|list indices must be|tuple indices must be", "",
     f"{NO_ARRAY}, or a list was not made an array."),
    ("ValueError", r"matmul.*mismatch|shapes .* not aligned", r"\.T\b",
     f"{INNER_SIZES} `.T` turns all of its axes round, those of a batch, too."),
    ("ValueError", r"matmul.*mismatch|shapes .* not aligned", "", INNER_SIZES),
    ("ValueError", r"axes don't match array", "",
     "A transpose names all axes of an array, and this one has more or fewer. Axes counted from the end fit any number of them."),
    ("ValueError", r"zero-size array to reduction", "",
     "Nothing is left to take the largest or smallest of. For which input is that so?"),
    ("ValueError", r"inhomogeneous shape", "",
     "The rows are not of one length, or a number stands beside a list. In a loop, `append` puts a whole list in as one thing; "
     "`extend` puts in what it holds."),
    ("ValueError", r"could not be broadcast together", "",
     "These shapes do not line up. NumPy compares sizes from the last axis on; each pair has to be equal, or one of them 1."),
    ("ValueError", r"could not broadcast input array", "",
     "What stands on the right of the `=` has another shape than the place it is written to."),
    ("ValueError", r"negative integer powers", "",
     "A whole number to a negative power is a fraction, which an array of whole numbers can't hold. Take floats."),
    ("ValueError", r"cannot reshape array", r"reshape|\.shape\b.*=",
     "A reshape keeps all the numbers: the sizes of the new shape multiplied have to give as many."),
    ("IndexError", r"boolean index did not match", "",
     "A boolean array picks along the axes at whose place it stands: it has to be as long as they are."),
    ("IndexError", r"must be of integer|only integers", "",
     "An index has to be a whole number. Dividing with / gives a number with a point, // a whole one."),
    ("TypeError", r"'float' object cannot be interpreted as an integer", "",
     "A whole number is needed here, for a size or a count. Dividing with / gives a number with a point, // a whole one."),
    ("IndexError", r"index -\d+ is out of bounds for axis", "",
     "An index below 0 counts from the end, and this one lies before the first entry. Where does it come from?"),
    ("IndexError", r"invalid index to scalar", "", "This is a single number: there is nothing in it to be picked by an index."),
    ("IndexError", r"out of bounds for axis|index out of range", "",
     "An index lies behind the last entry: they are counted from 0, so that the last is size - 1."),
    ("UnboundLocalError", "", "", "The variable is used before it gets a value here."),
    ("NameError", "", "", "There is nothing of this name. Was the cell that defines it run, and is it spelt like there?"),
    ("ValueError", r"math domain error", "", "A function of `math` got what it has no value for, such as the logarithm of 0."),
    ("ZeroDivisionError", "", "", "Something is divided by 0. For which input is that so?"),
    ("RecursionError", "", "", "The function calls itself without an end."),
    ("UFuncTypeError", r"same_kind|Cannot cast", r"[-+*/]=",
     "`-=` and its like write into the array that came; whole numbers there can't hold the result. Make a new array."),
]  # fmt: skip


SIGNATURE = re.compile(r",? with gufunc signature [^ ]+")


def plain(text):
    """An error's message without what only those who build NumPy can read."""
    return SIGNATURE.sub("", text)


def cause(name, text, lines):
    """The sentence for an error, or "".

    Args:
        name: the error's, such as "ValueError".
        text: its message.
        lines: the learner's own lines; the last one raised.
    """
    last = lines[-1] if lines else ""
    for error, in_text, in_line, sentence in CAUSES:
        if (name == error or name.endswith(f".{error}")) and re.search(in_text, text) and re.search(in_line, last):
            return sentence
    return ""

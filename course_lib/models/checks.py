"""What the models ask of their arguments, and how they say so."""

import math
import numbers
import operator

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

WRAPPERS = nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel

TEXTS = {
    "kind": "{name} is a {kind}; expected a tensor of shape {expected}",
    "rank": "{name} has shape {shape}; expected {expected}",
    "empty": "{name} has shape {shape}, which is empty; expected {expected} with at least one entry on every axis",
    "size": "{name} has shape {shape}, so its axis {axis} is {size}; expected {expected} with {axis} = {wanted}",
    "floats": "{name} has dtype {dtype}; expected floating-point numbers of shape {expected}",
    "ids": "{name} has dtype {dtype}; expected whole numbers (int64 or int32) of shape {expected}",
    "range": "{name} holds {value}; expected numbers from 0 to {highest}",
    "mask": "{name} has dtype {dtype}; expected booleans, True = may attend (convert it: {name} != 0)",
    "attention mask": "attention_mask holds {value}; expected booleans or 0 and 1, where True or 1 means may attend",
    "mask shape": "{name} has shape {shape}, which does not fit; expected {expected}, where a size may also be 1",
    "broadcast": "{name} has shape {shape}, which does not broadcast to {expected} = {wanted}",
    "length": (
        "the sequence reaches position {last}, but there are positions only from 0 to {highest}; "
        "shorten it, or build the model with a larger max_len"
    ),
    "positions": "positions has shape {shape}; expected ({seq_len},) or ({batch}, {seq_len})",
    "odd": "{name} is {value}, which is odd; expected an even number, {why}",
    "whole": "{name} is {value!r}; expected a whole number of at least {least}",
    "above 0": "{name} is {value!r}; expected a finite number above 0",
    "divides": "{part} is {divisor}, which does not divide {name} = {value}",
    "probability": "{name} is {value!r}; expected a number from 0 up to, but not including, 1",
    "choice": "{name} is {value!r}; expected one of {choices}",
}


def fail(text, error=ValueError, **about):
    """Raise an error with one of the texts above."""
    raise error(TEXTS[text].format(**about)) from None


def unwrapped(model):
    """Give the model inside what `torch.compile`, `DataParallel` and their like put around it; others as they are."""
    while True:
        if isinstance(model, WRAPPERS):
            model = model.module
        elif isinstance(model, nn.Module) and "_orig_mod" in model._modules:  # that of `torch.compile`
            model = model._orig_mod
        else:
            return model


def check_positive(**sizes):
    """Check that each argument is a whole number of at least 1, such as an int or NumPy's."""
    check_whole(1, **sizes)


def check_whole(least, **sizes):
    """Check that each argument is a whole number that is not too small."""
    for name, value in sizes.items():
        if not is_whole(value) or value < least:
            fail("whole", name=name, value=value, least=least)


def is_whole(value):
    """Whether a value is a whole number: an int, NumPy's, or a tensor of one."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)


def is_number(value):
    """Whether a value can be compared with numbers: a real one, or a tensor of one."""
    return isinstance(value, numbers.Real) or (isinstance(value, torch.Tensor) and value.numel() == 1)


def check_divides(name, value, part, divisor):
    """Check that `value` divides into `divisor` equal parts."""
    if value % divisor:
        fail("divides", name=name, value=value, part=part, divisor=divisor)


def check_probability(name, value):
    """Check for 0 <= value < 1."""
    if not (is_number(value) and 0 <= value < 1):
        fail("probability", name=name, value=value)


def check_above_0(name, value):
    """Check for 0 < value < ∞."""
    if not (is_number(value) and 0 < value < math.inf):
        fail("above 0", name=name, value=value)


def check_choice(name, value, choices):
    """Check that an option is one of those there are."""
    if value not in choices:
        fail("choice", name=name, value=value, choices=", ".join(map(repr, choices)))


def check_vectors(name, x, expected, **sizes):
    """Check a tensor of floats, such as `check_vectors("x", x, "batch seq_len d_model", d_model=512)`."""
    _check_axes(name, x, expected, sizes)
    if not x.is_floating_point():
        fail("floats", name=name, dtype=x.dtype, expected=_shape(expected))


def check_ids(name, ids, expected, count, **sizes):
    """Check a tensor of whole numbers from 0 to count - 1, such as token ids or positions."""
    _check_axes(name, ids, expected, sizes)
    check_indices(name, ids, _shape(expected))
    lowest, highest = (bound.item() for bound in ids.aminmax())
    if lowest < 0 or highest >= count:
        fail("range", name=name, value=lowest if lowest < 0 else highest, highest=count - 1)


def check_indices(name, ids, expected):
    """Check for a tensor of the dtypes that PyTorch looks up rows by."""
    if not isinstance(ids, torch.Tensor):
        fail("kind", error=TypeError, name=name, kind=type(ids).__name__, expected=expected)
    if ids.dtype not in (torch.int64, torch.int32):
        fail("ids", name=name, dtype=ids.dtype, expected=expected)


def check_mask(name, mask, expected, **sizes):
    """Check a boolean mask whose axes each have the size given, or 1."""
    if not isinstance(mask, torch.Tensor):
        fail("kind", error=TypeError, name=name, kind=type(mask).__name__, expected=_shape(expected))
    if mask.dtype != torch.bool:
        fail("mask", name=name, dtype=mask.dtype)
    axes = expected.split()
    if mask.ndim != len(axes) or any(size not in (1, sizes[axis]) for size, axis in zip(mask.shape, axes, strict=True)):
        wanted = ", ".join(f"{axis} = {sizes[axis]}" for axis in axes)
        fail("mask shape", name=name, shape=tuple(mask.shape), expected=f"({wanted})")


def check_bias(name, bias, expected, **sizes):
    """Check floats that broadcast to the axes given."""
    if not isinstance(bias, torch.Tensor):
        fail("kind", error=TypeError, name=name, kind=type(bias).__name__, expected=_shape(expected))
    if not bias.is_floating_point():
        fail("floats", name=name, dtype=bias.dtype, expected=_shape(expected))
    wanted = tuple(sizes[axis] for axis in expected.split())
    try:
        fits = torch.broadcast_shapes(bias.shape, wanted) == wanted
    except RuntimeError:
        fits = False
    if not fits:
        fail("broadcast", name=name, shape=tuple(bias.shape), wanted=wanted, expected=_shape(expected))


def read_attention_mask(attention_mask, batch, keys):
    """Read a padding mask (batch, keys) of booleans, or of 0 and 1 as tokenizers give them, as booleans."""
    if attention_mask is None:
        return None
    mask = attention_mask
    if isinstance(mask, torch.Tensor) and mask.dtype != torch.bool:
        mask = mask != 0
    check_mask("attention_mask", mask, "batch keys", batch=batch, keys=keys)
    if mask is not attention_mask:  # a mask to be added to the scores, of 0 and -inf, means the opposite
        others = attention_mask[mask & (attention_mask != 1)]
        if len(others):
            fail("attention mask", value=others[0].item())
    return mask


def _check_axes(name, x, expected, sizes):
    if not isinstance(x, torch.Tensor):
        fail("kind", error=TypeError, name=name, kind=type(x).__name__, expected=_shape(expected))
    axes, shape = expected.split(), tuple(x.shape)  # the rest is for those who come with something else
    if len(shape) != len(axes):
        fail("rank", name=name, shape=shape, expected=_shape(expected))
    for axis, size in zip(axes, shape, strict=True):
        if size != sizes.get(axis, size):
            fail("size", name=name, shape=shape, expected=_shape(expected), axis=axis, size=size, wanted=sizes[axis])
    if 0 in shape:
        fail("empty", name=name, shape=shape, expected=_shape(expected))


def _shape(axes):
    return f"({', '.join(axes.split())})"

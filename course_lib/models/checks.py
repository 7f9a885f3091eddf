"""What the models ask of their arguments, and how they say so."""

import torch
from torch import nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.optim.swa_utils import AveragedModel

from course_lib.checking import check_shape, whole_number

WRAPPERS = nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel

TEXTS = {
    "kind": "{name} is a {kind}; expected a tensor of shape {expected}",
    "floats": "{name} has dtype {dtype}; expected floating-point numbers of shape {expected}",
    "ids": "{name} has dtype {dtype}; expected whole numbers (int64 or int32) of shape {expected}",
    "range": "{name} holds {value}; expected numbers from 0 to {highest}",
    "mask": "{name} has dtype {dtype}; expected booleans, True = may attend (convert it: {name} != 0)",
    "attention mask": "attention_mask holds {value}; expected booleans or 0 and 1, where True or 1 means may attend",
    "mask shape": (
        "{name} has shape {shape}, which does not fit; expected {expected}, where each size but that of {last} may "
        "also be 1{hint}"
    ),
    "broadcast": "{name} has shape {shape}, which does not broadcast to {expected} = {wanted}",
    "length": (
        "the sequence reaches position {last}, but there are positions only from 0 to {highest}; "
        "shorten it, or build the model with a larger max_len"
    ),
    "positions": "positions has shape {shape}; expected ({seq_len},) or ({batch}, {seq_len})",
    "cache batch": "the cache holds a batch of {held} sequences, but now came {came}; start a new cache",
    "odd": "{name} is {value}, which is odd; expected an even number, {why}",
    "divides": "{part} is {divisor}, which does not divide {name} = {value}",
    "rotary memory": "rotary turns queries and keys of one sequence; it has no meaning for a memory. Build without it",
    "causal memory": "causal=True has no meaning for a memory: its tokens do not follow those of x. Pass a mask",
    "order": " (an order of queries and keys comes as mask[None])",
    "cache memory": "the cache holds {held} tokens of a memory, but now came one of {came}; start a new cache",
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
    """Check that each argument is a whole number of at least 1; returns them as ints."""
    return [
        value if isinstance(value, torch.SymInt) else whole_number(name, value, 1)  # a size left open while exporting
        for name, value in sizes.items()
    ]


def check_divides(name, value, part, divisor):
    """Check that `value` divides into `divisor` equal parts."""
    if value % divisor:
        fail("divides", name=name, value=value, part=part, divisor=divisor)


def check_vectors(name, x, expected, **sizes):
    """Check a tensor of floats, such as `check_vectors("x", x, "batch seq_len d_model", d_model=512)`."""
    _check_axes(name, x, expected, sizes)
    if not x.is_floating_point():
        fail("floats", name=name, dtype=x.dtype, expected=_shape(expected))


def check_ids(name, ids, expected, count, **sizes):
    """Check a tensor of whole numbers from 0 to count - 1, such as token ids or positions."""
    _check_axes(name, ids, expected, sizes)
    check_indices(name, ids, _shape(expected))
    if values_can_be_read(ids):
        lowest, highest = (bound.item() for bound in ids.aminmax())
        if lowest < 0 or highest >= count:
            fail("range", name=name, value=lowest if lowest < 0 else highest, highest=count - 1)


def check_indices(name, ids, expected):
    """Check for a tensor of the dtypes that PyTorch looks up rows by."""
    if not isinstance(ids, torch.Tensor):
        fail("kind", error=TypeError, name=name, kind=type(ids).__name__, expected=expected)
    if ids.dtype not in (torch.int64, torch.int32):
        fail("ids", name=name, dtype=ids.dtype, expected=expected)


def values_can_be_read(tensor):
    """Whether a tensor has numbers yet: it has none while a model is compiled, exported or mapped over."""
    return not (torch.compiler.is_compiling() or is_functorch_wrapped_tensor(tensor) or tensor.is_meta)


def check_mask(name, mask, expected, *, hint="", **sizes):
    """Check a boolean mask whose axes each have the size given, or 1; the last one's must be as given."""
    if not isinstance(mask, torch.Tensor):
        fail("kind", error=TypeError, name=name, kind=type(mask).__name__, expected=_shape(expected))
    if mask.dtype != torch.bool:
        fail("mask", name=name, dtype=mask.dtype)
    axes, shape = expected.split(), tuple(mask.shape)
    fits = len(shape) == len(axes) and shape[-1] == sizes[axes[-1]]
    if not fits or any(size not in (1, sizes[axis]) for size, axis in zip(shape, axes, strict=True)):
        wanted = ", ".join(f"{axis} = {sizes[axis]}" for axis in axes)
        fail("mask shape", name=name, shape=shape, expected=f"({wanted})", last=axes[-1], hint=hint)


def check_batch(newest, held):
    """Check that what comes next belongs to as many sequences as what a cache holds."""
    if len(newest) != len(held):
        fail("cache batch", held=len(held), came=len(newest))


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


def check_attention_inputs(layer, x, memory, mask, bias, causal, cache):
    """Check what `MultiHeadAttention.forward` is called with.

    Returns:
        start: the position of the first token of x.
        num_keys: how many keys there are to attend to.
    """
    check_vectors("x", x, "batch queries d_model", d_model=layer.d_model)
    start = cache.length if cache is not None and memory is None else 0
    if memory is not None:
        _check_memory(layer, x, memory, causal, cache)
    num_keys = start + x.shape[1] if memory is None else memory.shape[1]
    sizes = {"batch": x.shape[0], "heads": layer.num_heads, "queries": x.shape[1], "keys": num_keys}
    if bias is not None:
        check_bias("bias", bias, "batch heads queries keys", **sizes)
    if mask is not None:
        axes = {2: "batch keys", 4: "batch heads queries keys"}.get(getattr(mask, "ndim", 0), "batch queries keys")
        check_mask("mask", mask, axes, hint=TEXTS["order"] if axes == "batch keys" else "", **sizes)
    return start, num_keys


def _check_memory(layer, x, memory, causal, cache):
    if causal:
        fail("causal memory")
    if layer.rotary is not None:
        fail("rotary memory")
    check_vectors("memory", memory, "batch keys d_model", batch=x.shape[0], d_model=layer.d_model)
    if cache is not None and cache.length:
        check_batch(x, cache.keys)
        if cache.length != memory.shape[1]:
            fail("cache memory", held=cache.length, came=memory.shape[1])


def read_attention_mask(attention_mask, batch, keys):
    """Read a padding mask (batch, keys), or (1, keys) for all rows, of booleans, or of tokenizers' 0 and 1."""
    if attention_mask is None:
        return None
    mask = attention_mask
    if isinstance(mask, torch.Tensor) and mask.dtype != torch.bool:
        mask = mask != 0
    check_mask("attention_mask", mask, "batch keys", batch=batch, keys=keys)
    if mask is not attention_mask and values_can_be_read(mask):
        # A mask to be added to the scores, of 0 and -inf, means the opposite.
        others = attention_mask[mask & (attention_mask != 1)]
        if len(others):
            fail("attention mask", value=others[0].item())
    return mask


def _check_axes(name, x, expected, sizes):
    if not isinstance(x, torch.Tensor):
        fail("kind", error=TypeError, name=name, kind=type(x).__name__, expected=_shape(expected))
    check_shape(name, tuple(x.shape), expected, sizes)


def _shape(axes):
    return f"({', '.join(axes.split())})"

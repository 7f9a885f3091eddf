"""What the models ask of their arguments, and how they say so."""

from collections.abc import Callable
from typing import Any, NoReturn

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.optim.swa_utils import AveragedModel

from course_lib.checking import check_broadcast, no_tensor, whole_number

AttentionMask = Shaped[Tensor, "#batch keys"]  # booleans, or tokenizers' 0 and 1; `read_attention_mask` checks it
WRAPPERS = nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel

TEXTS = {
    "range": "{name} holds {value}; expected numbers from 0 to {highest}",
    "attention mask": "attention_mask holds {value}; expected booleans or 0 and 1, where True or 1 means may attend",
    "mask shape": (
        "{name} has shape {shape}, which does not fit; expected {expected}, where each size but that of {last} may "
        "also be 1{hint}"
    ),
    "length": (
        "the sequence reaches position {last}, but there are positions only from 0 to {highest}; "
        "shorten it, or build the model with a larger max_len"
    ),
    "positions": "positions has shape {shape}; expected ({seq_len},) or ({batch}, {seq_len})",
    "cache batch": "the cache holds a batch of {held} sequences, but now came {came}; start a new cache",
    "rotary memory": "rotary turns queries and keys of one sequence; it has no meaning for a memory. Build without it",
    "causal memory": "causal=True has no meaning for a memory: its tokens do not follow those of x. Pass a mask",
    "order": " (an order of queries and keys comes as mask[None])",
    "cache memory": "the cache holds {held} tokens of a memory, but now came one of {came}; start a new cache",
}


def fail(text: str, error: type[Exception] = ValueError, **about: Any) -> NoReturn:
    """Raise an error with one of the texts above."""
    raise error(TEXTS[text].format(**about)) from None


def unwrapped(model: Any) -> Any:
    """Give the model inside what `torch.compile`, `DataParallel` and their like put around it; others as they are."""
    while True:
        if isinstance(model, WRAPPERS):
            model = model.module
        elif isinstance(model, nn.Module) and "_orig_mod" in model._modules:  # that of `torch.compile`
            model = model._orig_mod
        else:
            return model


def check_positive(**sizes: Any) -> list[Any]:
    """Check that each argument is a whole number of at least 1; returns them as ints."""
    return [
        value if isinstance(value, torch.SymInt) else whole_number(name, value, 1)  # a size left open while exporting
        for name, value in sizes.items()
    ]


def check_ids(name: str, ids: Int[Tensor, "..."], count: int) -> None:
    """Check that whole numbers, such as token ids, are from 0 to count - 1."""
    if values_can_be_read(ids):
        lowest, highest = (bound.item() for bound in ids.aminmax())
        if lowest < 0 or highest >= count:
            fail("range", name=name, value=lowest if lowest < 0 else highest, highest=count - 1)


def values_can_be_read(tensor: Tensor) -> bool:
    """Whether a tensor has numbers yet: it has none while a model is compiled, exported or mapped over."""
    return not (torch.compiler.is_compiling() or is_functorch_wrapped_tensor(tensor) or tensor.is_meta)


def check_mask(name: str, mask: Bool[Tensor, "..."], expected: str, *, hint: str = "", **sizes: int) -> None:
    """Check a mask whose axes each have the size given, or 1; the last one's must be as given."""
    axes, shape = expected.split(), tuple(mask.shape)
    fits = len(shape) == len(axes) and shape[-1] == sizes[axes[-1]]
    if not fits or any(size not in (1, sizes[axis]) for size, axis in zip(shape, axes, strict=True)):
        wanted = ", ".join(f"{axis} = {sizes[axis]}" for axis in axes)
        fail("mask shape", name=name, shape=shape, expected=f"({wanted})", last=axes[-1], hint=hint)


def check_batch(newest: Tensor, held: Tensor) -> None:
    """Check that what comes next belongs to as many sequences as what a cache holds."""
    if len(newest) != len(held):
        fail("cache batch", held=len(held), came=len(newest))


def check_attention_inputs(
    readers: dict[str, Callable],
    layer: Any,
    x: Float[Tensor, "batch queries d_model"],
    memory: Float[Tensor, "batch keys d_model"] | None,
    mask: Bool[Tensor, "..."] | None,
    bias: Float[Tensor, "..."] | None,
    causal: bool,
    cache: Any,
) -> tuple[int, int]:
    """Check what `MultiHeadAttention.forward` is called with; readers: those of its signature, by `tensor_readers`.

    Returns:
        start: the position of the first token of x.
        num_keys: how many keys there are to attend to.
    """
    known = {"d_model": layer.d_model}
    for name, tensor in {"x": x, "memory": memory}.items():
        if tensor is not None:
            readers[name](name, tensor, known)
    start = cache.length if cache is not None and memory is None else 0
    if memory is not None:
        _check_memory(layer, x, memory, causal, cache)
    num_keys = start + x.shape[1] if memory is None else memory.shape[1]
    if mask is None and bias is None:
        return start, num_keys
    sizes = {"batch": x.shape[0], "heads": layer.num_heads, "queries": x.shape[1], "keys": num_keys}
    if bias is not None:
        readers["bias"]("bias", bias)
        check_broadcast("bias", tuple(bias.shape), "batch heads queries keys", sizes)
    if mask is not None:
        readers["mask"]("mask", mask)
        axes = {2: "batch keys", 4: "batch heads queries keys"}.get(mask.ndim, "batch queries keys")
        check_mask("mask", mask, axes, hint=TEXTS["order"] if axes == "batch keys" else "", **sizes)
    return start, num_keys


def _check_memory(layer, x, memory, causal, cache):
    if causal:
        fail("causal memory")
    if layer.rotary is not None:
        fail("rotary memory")
    if cache is not None and cache.length:
        check_batch(x, cache.keys)
        if cache.length != memory.shape[1]:
            fail("cache memory", held=cache.length, came=memory.shape[1])


def read_attention_mask(
    attention_mask: AttentionMask | None, batch: int, keys: int
) -> Bool[Tensor, "#batch keys"] | None:
    """Read a padding mask of booleans, or of tokenizers' 0 and 1."""
    if attention_mask is None:
        return None
    if not isinstance(attention_mask, torch.Tensor):
        no_tensor("attention_mask", attention_mask, "batch keys")
    mask = attention_mask if attention_mask.dtype == torch.bool else attention_mask != 0
    check_mask("attention_mask", mask, "batch keys", batch=batch, keys=keys)
    if mask is not attention_mask and values_can_be_read(mask):
        # A mask to be added to the scores, of 0 and -inf, means the opposite.
        others = attention_mask[mask & (attention_mask != 1)]
        if len(others):
            fail("attention mask", value=others[0].item())
    return mask

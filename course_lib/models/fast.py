"""What only makes the models fast: none of it changes what they compute, and all of it can be skipped in reading.

fused_attention, explicit_is_faster   PyTorch's kernel for attention, and where the plain formula beats it
parts_of                              one matrix for queries, keys and values, used in parts
RMSNorm                               PyTorch's, with its gradients by one formula
turn_pairs                            rotary positions as products of complex numbers
KeyValueCache, ModelCache             keys and values of tokens already seen, with room to grow
Dropout                               random zeros from a quarter of the random numbers
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.checking import real_number
from course_lib.models.checks import check_batch, values_can_be_read

TEXTS = {
    "cache gradients": (
        "a KeyValueCache is for generating, not for training: call the model under torch.no_grad() "
        "or torch.inference_mode()"
    ),
    "cache dtype": (
        "the cache holds {held}, but now came {came}; fill and use it under the same autocast, or start a new cache"
    ),
}

Queries = Float[Tensor, "batch heads queries d_head"]
Keys = Float[Tensor, "batch kv_heads keys d_head"]  # or values
Rows = Int[Tensor, " new_batch"] | Bool[Tensor, " batch"]


def fused_attention(
    queries: Queries,
    keys: Keys,
    values: Keys,
    mask: Bool[Tensor, "..."] | None,
    bias: Float[Tensor, "..."] | None,
    dropout: float,
    causal: bool,
) -> Queries:
    """Give what `attention.scaled_dot_product_attention` does, from PyTorch's kernel, which keeps no weights.

    Args:
        queries, keys, values: those of each head; of keys and values there may be fewer heads, each for a group of
            neighbouring heads of queries.
        mask, bias: broadcast to (batch, heads, queries, keys); None where causal.
        dropout: probability with which a weight is dropped.
        causal: whether the mask is that of order alone, for which the kernel has a faster way.

    Returns:
        context.
    """
    shares = keys.shape[1] < queries.shape[1]
    if shares and queries.device.type != "cpu" and not causal:  # there no fast kernel takes both groups and a mask
        keys, values, shares = *one_per_query_head(queries, keys, values), False
    if bias is not None:  # the kernel takes booleans or floats, not both
        mask = bias if mask is None else bias.masked_fill(~mask, -math.inf)
        mask = mask[(None,) * (4 - mask.ndim)]  # with three axes the kernel would do without fusion
    return F.scaled_dot_product_attention(
        queries, keys, values, None if causal else mask, dropout_p=dropout, is_causal=causal, enable_gqa=shares
    )


def one_per_query_head(
    queries: Queries, keys: Keys, values: Keys
) -> tuple[Float[Tensor, "batch heads keys d_head"], Float[Tensor, "batch heads keys d_head"]]:
    """Repeat heads of keys and values so that every head of queries has one of its own."""
    group = queries.shape[1] // keys.shape[1]
    if group == 1:
        return keys, values
    return keys.repeat_interleave(group, dim=1), values.repeat_interleave(group, dim=1)


def explicit_is_faster(queries: Queries, keys: Keys, dropout: float) -> bool:
    """Say whether the explicit formula is measured faster than PyTorch's fused kernel, which gives the same numbers.

    The fused kernel saves memory traffic, which pays on a GPU, on long sequences and without gradients. On a CPU it has
    no dropout and does without the fusion then. In bfloat16, where the processor multiplies in it, its backward pass is
    slow on short sequences; where the processor does not, the kernel's float32 inside is the best there is.
    """
    if queries.device.type != "cpu" or not torch.is_grad_enabled():
        return False
    if queries.dtype == torch.bfloat16:
        multiplies_bfloat16 = torch.backends.cpu.get_cpu_capability() == "AVX512"
        return multiplies_bfloat16 and (dropout > 0 or keys.shape[2] <= 128)
    return dropout > 0


def parts_of(layer: nn.Linear, sizes: list[int]) -> list[Callable[[Tensor], Tensor]]:
    """See a layer as several, each with so many of its rows: one matrix for what often comes from one product."""
    weights = layer.weight.split(sizes)
    biases = [None] * len(sizes) if layer.bias is None else layer.bias.split(sizes)
    return [functools.partial(F.linear, weight=one, bias=bias) for one, bias in zip(weights, biases, strict=True)]


class RMSNorm(nn.RMSNorm):
    """Divide by the root of the mean square, x / √(mean(x²) + eps) · weight: `nn.RMSNorm`, with faster gradients.

    On a CPU PyTorch puts it together from six operations, each with a backward pass over memory of its own. Here the
    gradient is one formula, in half the time.

    Source: Zhang and Sennrich 2019, arXiv 1910.07467, eq. 4.
    """

    def forward(self, x: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """Bring each token to a mean square of 1, and weigh its features."""
        plain = x.device.type != "cpu" or x.dtype != self.weight.dtype or not torch.is_grad_enabled()
        if plain or self.eps is None or not values_can_be_read(x) or not values_can_be_read(self.weight):
            return super().forward(x)
        return _RMSNorm.apply(x, self.weight, self.eps)


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, eps):
        scale = (torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / x.shape[-1] + eps).rsqrt()  # (…, 1)
        normed = x * scale
        ctx.save_for_backward(x, weight, normed, scale)
        ctx.eps = eps
        return normed * weight

    @staticmethod
    def backward(ctx, *gradients):
        (gradient,) = gradients
        x, weight, normed, scale = ctx.saved_tensors
        if torch.is_grad_enabled():  # somebody will differentiate once more
            normed = F.rms_norm(x, weight.shape, weight, ctx.eps)
            wanted = [one for one in (x, weight) if one.requires_grad]
            found = iter(torch.autograd.grad(normed, wanted, gradient, create_graph=True))
            return *(next(found) if one.requires_grad else None for one in (x, weight)), None
        along = gradient * normed  # (…, d_model)
        mean = (along @ weight)[..., None] / len(weight)  # (…, 1)
        of_x = torch.addcmul(gradient * weight, normed, mean, value=-1) * scale
        return of_x, along.sum(dim=tuple(range(x.ndim - 1))), None


def turn_pairs(
    x: Float[Tensor, "... seq_len d_head"], cos_sin: Float[Tensor, "seq_len d_head/2 2"], interleaved: bool
) -> Float[Tensor, "... seq_len d_head"]:
    """Turn pairs of features by their angles, in the precision of the angles.

        first, second  ->  first · cos - second · sin, first · sin + second · cos

    Args:
        x: queries or keys.
        cos_sin: cosine and sine of each pair's angle.
        interleaved: whether a pair are two neighbours; otherwise its second lies half of the features further on.

    Returns:
        x turned, in its dtype.
    """
    dtype, x = x.dtype, x.to(cos_sin.dtype)
    cos, sin = cos_sin.unbind(-1)  # (seq_len, d_head / 2) each
    if not interleaved:
        swapped = torch.cat(x.chunk(2, dim=-1)[::-1], dim=-1)
        turned = torch.addcmul(x * torch.cat([cos, cos], dim=-1), swapped, torch.cat([-sin, sin], dim=-1))
    elif torch.compiler.is_compiling() or _is_odd(x):  # compilers know no complex numbers
        first, second = x.unflatten(-1, (-1, 2)).unbind(-1)
        turned = torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1).flatten(-2)
    else:  # a turn is the product with the complex number cos + i sin: one pass, a third of the time
        numbers = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
        turned = torch.view_as_real(numbers * torch.view_as_complex(cos_sin)).flatten(-2)
    return turned.to(dtype)


def _is_odd(x: Tensor) -> bool:
    """Whether a tensor lies in memory so that neighbours can't be seen as the halves of complex numbers."""
    return x.stride(-1) != 1 or any(step % 2 for step in (*x.stride()[:-1], x.storage_offset()))


class KeyValueCache:
    """The keys and values that an attention layer has computed so far, so that a new token need not do it again.

    `length` counts the tokens it holds, `keys` and `values` are theirs.
    """

    def __init__(self) -> None:
        self.length = 0
        self._keys: Any = None  # with room to grow: (batch, kv_heads, capacity, d_head)
        self._values: Any = None

    @property
    def keys(self) -> Keys:
        return self._keys[:, :, : self.length]

    @property
    def values(self) -> Keys:
        return self._values[:, :, : self.length]

    def append(self, keys: Keys, values: Keys) -> tuple[Keys, Keys]:
        """Add the keys and values of new tokens; return all there are."""
        if torch.is_grad_enabled() and keys.requires_grad:
            raise RuntimeError(TEXTS["cache gradients"])
        if self.length == 0:
            self._keys, self._values, self.length = keys, values, keys.shape[2]
            return keys, values
        self.check(keys)
        start, end = self.length, self.length + keys.shape[2]
        if end > self._keys.shape[2]:  # room for twice as many: each token is moved about once, however long the text
            self._keys, self._values = (_grown(held, 2 * end) for held in (self.keys, self.values))
        self._keys[:, :, start:end], self._values[:, :, start:end] = keys, values
        self.length = end
        return self.keys, self.values

    def check(self, newest: Queries) -> None:
        """Check that what comes next belongs to as many sequences as what is held, and is of its dtype."""
        check_batch(newest, self._keys)
        if newest.dtype != self._keys.dtype:
            raise ValueError(TEXTS["cache dtype"].format(held=self._keys.dtype, came=newest.dtype))

    def select(self, rows: Rows) -> None:
        """Keep only these rows of the batch, in this order, repeats allowed."""
        if self.length:
            self._keys, self._values = self._keys[rows], self._values[rows]


class ModelCache:
    """The caches of all layers of a model, as `model.new_cache()` makes them; `length` counts the tokens seen.

    Args:
        layers: one for each layer: a `KeyValueCache`, or a pair of them, for the layer's own tokens and for the memory.
    """

    def __init__(self, layers: list[Any]) -> None:
        self.layers = layers

    @property
    def length(self) -> int:
        first = self.layers[0]
        return first[0].length if isinstance(first, tuple) else first.length

    def select(self, rows: Rows, memory: bool = True) -> None:
        """Keep only these rows of the batch, in this order, repeats allowed.

        With `memory=False` the caches of the memory stay as they are: enough where every row gets a neighbour's tokens,
        of the same source.
        """
        for layer in self.layers:
            own, across = layer if isinstance(layer, tuple) else (layer, None)
            own.select(rows)
            if across is not None and memory:
                across.select(rows)


def _grown(held: Tensor, capacity: int) -> Tensor:
    batch, heads, length, d_head = held.shape
    grown = held.new_empty(batch, heads, capacity, d_head)
    grown[:, :, :length] = held
    return grown


class Dropout(nn.Module):
    """Zero each number with probability p while training, and scale the rest by 1/(1-p); the expectation stays.

    Does what `nn.Dropout` does. On a CPU, `nn.Dropout` spends most of its time drawing one random number for each
    decision, and takes a tenth of a Transformer's training step. A decision needs far fewer bits: here each 64-bit
    random number makes four decisions with 16 bits each, at a probability rounded to 1/65536.

    Args:
        p: the probability of a zero, 0 <= p < 1.

    Source: Srivastava et al. 2014, "Dropout", JMLR 15.
    """

    def __init__(self, p: float = 0.0) -> None:
        super().__init__()
        real_number("p", p, least=0, below=1)
        self.p = p

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Return x with random zeros while training, x itself otherwise."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu":
            return F.dropout(x, self.p)  # one kernel, with the GPU's own generator
        dropped = min(round(self.p * 2**16), 2**16 - 1)  # of the 2^16 values that 16 bits have
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        decisions = draws.view(torch.int16)[: x.numel()].view(x.shape)  # from -2^15 to 2^15 - 1
        keep = torch.ge(decisions, dropped - 2**15, out=torch.empty_like(x))  # 1 or 0, at once in x's dtype
        return x * keep.mul_(2**16 / (2**16 - dropped))

    def extra_repr(self) -> str:
        return f"p={self.p}"

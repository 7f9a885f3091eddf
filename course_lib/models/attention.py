"""Multi-head attention in PyTorch: self and cross, causal and padded, grouped, rotary, cached.

    x  ->  queries, keys, values  ->  split into heads  ->  softmax(queries @ keysᵀ / √d_head) @ values
       ->  merge the heads  ->  output projection

Axes: x is (batch, seq_len, d_model); inside, every head has its own (batch, heads, seq_len, d_head). A mask is boolean,
True = may attend. A query that may attend to nothing gets weights of 0 and a context of 0.

Sources: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762, §3.2; Ainslie et al. 2023, "GQA",
arXiv 2305.13245.
"""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from course_lib.models.checks import check_batch, check_bias, check_divides, check_mask, check_positive, check_vectors
from course_lib.models.dropout import Dropout

TEXTS = {
    "rotary memory": "rotary turns queries and keys of one sequence; it has no meaning for a memory. Build without it",
    "causal memory": "causal=True has no meaning for a memory: its tokens do not follow those of x. Pass a mask",
    "cache gradients": (
        "a KeyValueCache is for generating, not for training: call the model under torch.no_grad() "
        "or torch.inference_mode()"
    ),
    "order": " (an order of queries and keys comes as mask[None])",
    "cache memory": "the cache holds {held} tokens of a memory, but now came one of {came}; start a new cache",
    "cache dtype": (
        "the cache holds {held}, but now came {came}; fill and use it under the same autocast, or start a new cache"
    ),
}


class MultiHeadAttention(nn.Module):
    """Attention in several heads, each with its own projections of queries, keys and values.

    >>> attention = MultiHeadAttention(d_model=64, num_heads=4)
    >>> x = torch.randn(2, 10, 64)
    >>> context, weights = attention(x, causal=True, need_weights=True)  # (2, 10, 64), (2, 4, 10, 10)

    Parameters, as in `nn.MultiheadAttention`, all heads of all three in one matrix so that one product makes them:

        queries_keys_values.weight  (d_model + 2 · num_kv_heads · d_head, d_model): rows of queries, of keys, of values
        queries_keys_values.bias    (d_model + 2 · num_kv_heads · d_head)
        output.weight, output.bias  (d_model, d_model), (d_model)

    Args:
        d_model: features of a token.
        num_heads: heads; divides d_model, and d_head = d_model / num_heads.
        num_kv_heads: heads of keys and values (grouped queries); divides num_heads. None: as many as num_heads.
        dropout: probability with which a weight is dropped while training.
        bias: whether the projections have biases.
        rotary: turns queries and keys by their positions, a `positions.Rotary(d_head)`; None: no turning.

    Source: Vaswani 2017, §3.2.2.
    """

    def __init__(self, d_model, num_heads, *, num_kv_heads=None, dropout=0.0, bias=True, rotary=None):
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        d_model, num_heads, num_kv_heads = check_positive(
            d_model=d_model, num_heads=num_heads, num_kv_heads=num_kv_heads
        )
        check_divides("d_model", d_model, "num_heads", num_heads)
        check_divides("num_heads", num_heads, "num_kv_heads", num_kv_heads)
        self.d_model, self.num_heads, self.num_kv_heads = d_model, num_heads, num_kv_heads
        self.d_kv = num_kv_heads * (d_model // num_heads)  # width of the keys of all heads, and of the values
        self.queries_keys_values = nn.Linear(d_model, d_model + 2 * self.d_kv, bias=bias)
        self.output = nn.Linear(d_model, d_model, bias=bias)
        self.dropout = Dropout(dropout)
        self.rotary = rotary

    def forward(self, x, memory=None, *, mask=None, bias=None, causal=False, cache=None, need_weights=False):
        """Let each token of x gather from x itself (self-attention) or from a memory (cross-attention).

        Args:
            x: (batch, queries, d_model).
            memory: (batch, keys, d_model); None: x is its own memory.
            mask: boolean, True = may attend. Two axes are always (batch, keys), padding, the same for all queries; three
                are (batch, queries, keys), so that an order of (queries, keys) comes as mask[None]; four are (batch,
                heads, queries, keys). Each size but that of keys may be 1. With a cache, keys counts the cached ones
                too, which come first.
            bias: floats added to the scores, such as `positions.ALiBi`; broadcasts to (batch, heads, queries, keys).
                -inf has the meaning of a mask.
            causal: whether a token may attend only to itself and to those before it; together with a mask, both hold.
                With a cache the cached tokens come before x.
            cache: a `KeyValueCache` of this layer, to which the keys and values of x are appended. Those of a memory
                are put into it on the first call, and found there later.
            need_weights: whether to return the weights.

        Returns:
            context: (batch, queries, d_model).
            weights: (batch, heads, queries, keys), before dropout; None unless asked for.

        Raises:
            ValueError, TypeError: the shapes or types do not fit.
            RuntimeError: a cache came where gradients are asked for.
        """
        check_vectors("x", x, "batch queries d_model", d_model=self.d_model)
        start = cache.length if cache is not None and memory is None else 0  # the position of the first token of x
        if memory is not None:
            self._check_memory(x, memory, causal, cache)
        num_keys = start + x.shape[1] if memory is None else memory.shape[1]
        only_causal = (
            causal and mask is None and bias is None and start == 0
        )  # for this the fused kernel has a fast way
        mask = self._mask(mask, bias, causal, x, num_keys)  # None, or broadcasts to (batch, heads, queries, keys)

        if memory is None:
            queries, keys, values = self._from_one(x, start, cache)
        else:
            queries, keys, values = self._from_two(x, memory, cache)
        context, weights = self._attend(queries, keys, values, mask, bias, only_causal, need_weights)
        return self.output(merge_heads(context)), weights  # (batch, queries, d_model), (batch, heads, queries, keys)

    def _from_one(self, x, start, cache):
        """Project x to queries, keys and values in one matrix product, and put what the cache holds in front."""
        projected = self.queries_keys_values(x)  # (batch, seq_len, d_model + 2 · d_kv)
        queries, keys, values = projected.split([self.d_model, self.d_kv, self.d_kv], dim=-1)
        queries = split_heads(queries, self.num_heads)  # (batch, heads, seq_len, d_head)
        keys = split_heads(keys, self.num_kv_heads)  # (batch, kv_heads, seq_len, d_head)
        values = split_heads(values, self.num_kv_heads)  # (batch, kv_heads, seq_len, d_head)
        if self.rotary is not None:
            queries, keys = self.rotary(queries, start), self.rotary(keys, start)
        if cache is not None:
            keys, values = cache.append(keys, values)  # (batch, kv_heads, start + seq_len, d_head)
        return queries, keys, values

    def _from_two(self, x, memory, cache):
        """Project x to queries and a memory to keys and values, unless the cache holds those already."""
        sizes = [self.d_model, 2 * self.d_kv]
        W_queries, W_keys_values = self.queries_keys_values.weight.split(sizes)
        biases = self.queries_keys_values.bias
        b_queries, b_keys_values = (None, None) if biases is None else biases.split(sizes)
        queries = split_heads(F.linear(x, W_queries, b_queries), self.num_heads)  # (batch, heads, queries, d_head)
        if cache is not None and cache.length:
            cache.check(queries)
            return queries, cache.keys, cache.values
        keys, values = F.linear(memory, W_keys_values, b_keys_values).chunk(2, dim=-1)
        keys, values = split_heads(keys, self.num_kv_heads), split_heads(values, self.num_kv_heads)
        if cache is not None:
            keys, values = cache.append(keys, values)
        return queries, keys, values  # keys and values: (batch, kv_heads, keys, d_head)

    def _attend(self, queries, keys, values, mask, bias, only_causal, need_weights):
        """Give context and weights, by the explicit formula or by PyTorch's fused kernel, which keeps no weights."""
        if self.num_kv_heads < self.num_heads:  # neighbouring heads of queries share a head of keys and values
            group = self.num_heads // self.num_kv_heads
            keys, values = keys.repeat_interleave(group, dim=1), values.repeat_interleave(group, dim=1)
        bias = None if bias is None else bias.to(queries.dtype)
        dropout = getattr(self.dropout, "p", 0.0) if self.training else 0.0  # an identity may stand in its place
        if need_weights or explicit_is_faster(queries, keys, dropout):
            context, weights = scaled_dot_product_attention(queries, keys, values, mask, bias, self.dropout)
            return context, weights if need_weights else None
        if only_causal:
            return F.scaled_dot_product_attention(queries, keys, values, dropout_p=dropout, is_causal=True), None
        if bias is not None:  # the kernel takes booleans or floats, not both
            mask = bias if mask is None else bias.masked_fill(~mask, -math.inf)
        return F.scaled_dot_product_attention(queries, keys, values, mask, dropout_p=dropout), None

    def _check_memory(self, x, memory, causal, cache):
        if causal:
            raise ValueError(TEXTS["causal memory"])
        if self.rotary is not None:
            raise ValueError(TEXTS["rotary memory"])
        check_vectors("memory", memory, "batch keys d_model", batch=x.shape[0], d_model=self.d_model)
        if cache is not None and cache.length:
            check_batch(x, cache.keys)
            if cache.length != memory.shape[1]:
                raise ValueError(TEXTS["cache memory"].format(held=cache.length, came=memory.shape[1]))

    def _mask(self, mask, bias, causal, x, num_keys):
        """Check mask and bias; join mask and causality into one boolean mask of four axes, None if all may attend."""
        batch, num_queries, _ = x.shape
        sizes = {"batch": batch, "heads": self.num_heads, "queries": num_queries, "keys": num_keys}
        if bias is not None:
            check_bias("bias", bias, "batch heads queries keys", **sizes)
        if mask is not None:
            axes = {2: "batch keys", 4: "batch heads queries keys"}.get(getattr(mask, "ndim", 0), "batch queries keys")
            check_mask("mask", mask, axes, hint=TEXTS["order"] if axes == "batch keys" else "", **sizes)
            mask = {2: mask[:, None, None], 3: mask[:, None], 4: mask}[mask.ndim]
        if causal and num_queries > 1:  # a single query is the newest token, and may attend to all there are
            order = causal_mask(num_queries, num_keys, x.device)
            mask = order if mask is None else mask & order
        return mask


def scaled_dot_product_attention(queries, keys, values, mask=None, bias=None, dropout=None):
    """Weigh the values by how well their keys fit the queries: softmax(queries @ keysᵀ / √d_head) @ values.

    Args:
        queries: (batch, heads, queries, d_head).
        keys: (batch, heads, keys, d_head).
        values: (batch, heads, keys, d_head).
        mask: boolean, True = may attend; broadcasts to (batch, heads, queries, keys).
        bias: floats added to the scores; broadcasts to (batch, heads, queries, keys). -inf has the meaning of a mask.
        dropout: a function applied to the weights before they weigh the values.

    Returns:
        context: (batch, heads, queries, d_head); 0 where a query may attend to nothing.
        weights: (batch, heads, queries, keys), before dropout; 0 where masked.

    Source: Vaswani 2017, §3.2.1, eq. 1.
    """
    scores = queries @ keys.mT / math.sqrt(queries.shape[-1])  # (batch, heads, queries, keys)
    if bias is not None:
        scores = scores + bias
        allowed = bias != -math.inf
        mask = allowed if mask is None else mask & allowed
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)  # with -inf, a fully masked row gives NaN
    weights = scores.softmax(dim=-1)  # (batch, heads, queries, keys)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)  # in a fully masked row all were equal
    dropped = weights if dropout is None else dropout(weights)
    return dropped @ values, weights


def explicit_is_faster(queries, keys, dropout):
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


def causal_mask(num_queries, num_keys=None, device=None):
    """Let each query attend to its own position and those before; the last query sits at the last key.

    Args:
        num_queries: the newest tokens.
        num_keys: all tokens, num_queries of them the newest; None: num_queries.

    Returns:
        mask: boolean (queries, keys), True = may attend.

    Raises:
        ValueError: a number is no whole number of at least 1.
    """
    num_keys = num_queries if num_keys is None else num_keys
    num_queries, num_keys = check_positive(num_queries=num_queries, num_keys=num_keys)
    ones = torch.ones(num_queries, num_keys, dtype=torch.bool, device=device)
    return ones.tril(num_keys - num_queries)


def split_heads(x, num_heads):
    """Give every head its part of the features: (batch, seq_len, heads · d_head) -> (batch, heads, seq_len, d_head)."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)  # the same memory, seen in another order


def merge_heads(x):
    """Put the heads side by side: (batch, heads, seq_len, d_head) -> (batch, seq_len, heads · d_head)."""
    return x.transpose(1, 2).flatten(2)


class KeyValueCache:
    """The keys and values that an attention layer has computed so far, so that a new token need not do it again.

    `length` counts the tokens it holds; `keys` and `values` are (batch, kv_heads, length, d_head).
    """

    def __init__(self):
        self.length = 0
        self._keys: Any = None  # with room to grow: (batch, kv_heads, capacity, d_head)
        self._values: Any = None

    @property
    def keys(self):
        return self._keys[:, :, : self.length]

    @property
    def values(self):
        return self._values[:, :, : self.length]

    def append(self, keys, values):
        """Add the keys and values of new tokens, each (batch, kv_heads, new, d_head); return all there are."""
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

    def check(self, newest):
        """Check that what comes next, (batch, …), belongs to as many sequences as what is held, and is of its dtype."""
        check_batch(newest, self._keys)
        if newest.dtype != self._keys.dtype:
            raise ValueError(TEXTS["cache dtype"].format(held=self._keys.dtype, came=newest.dtype))

    def select(self, rows):
        """Keep only these rows of the batch, in this order, repeats allowed: whole numbers (new_batch,) or booleans."""
        if self.length:
            self._keys, self._values = self._keys[rows], self._values[rows]


class ModelCache:
    """The caches of all layers of a model, as `model.new_cache()` makes them; `length` counts the tokens seen.

    Args:
        layers: one for each layer: a `KeyValueCache`, or a pair of them, for the layer's own tokens and for the memory.
    """

    def __init__(self, layers):
        self.layers = layers

    @property
    def length(self):
        first = self.layers[0]
        return first[0].length if isinstance(first, tuple) else first.length

    def select(self, rows, memory=True):
        """Keep only these rows of the batch, in this order, repeats allowed: whole numbers (new_batch,) or booleans.

        With `memory=False` the caches of the memory stay as they are: enough where every row gets a neighbour's tokens,
        of the same source.
        """
        for layer in self.layers:
            own, across = layer if isinstance(layer, tuple) else (layer, None)
            own.select(rows)
            if across is not None and memory:
                across.select(rows)


def _grown(held, capacity):
    batch, heads, length, d_head = held.shape
    grown = held.new_empty(batch, heads, capacity, d_head)
    grown[:, :, :length] = held
    return grown

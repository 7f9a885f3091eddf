"""Multi-head attention in PyTorch: self and cross, causal and padded, grouped, rotary, cached.

    x  ->  queries, keys, values  ->  split into heads  ->  softmax(queries @ keysᵀ / √d_head) @ values
       ->  merge the heads  ->  output projection

Inside, every head has its own part of the features: (batch, heads, seq_len, d_head). In a mask True = may attend. A query
that may attend to nothing gets weights of 0 and a context of 0.

Sources: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762, §3.2; Ainslie et al. 2023, "GQA",
arXiv 2305.13245; Dehghani et al. 2023, "Scaling Vision Transformers to 22 Billion Parameters", arXiv 2302.05442, §2;
Yang et al. 2025, "Qwen3 Technical Report", arXiv 2505.09388, §2.
"""

import math
from collections.abc import Callable
from typing import Annotated

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from course_lib.checking import Bounds, Count, check_divides, checked, tensor_readers
from course_lib.models.checks import check_attention_inputs, check_positive
from course_lib.models.fast import (
    Dropout,
    KeyValueCache,
    RMSNorm,
    explicit_is_faster,
    fused_attention,
    one_per_query_head,
    parts_of,
)
from course_lib.models.positions import Rotary

Weights = Float[Tensor, "batch heads queries keys"]


def scaled_dot_product_attention(
    queries: Float[Tensor, "batch heads queries d_head"],
    keys: Float[Tensor, "batch heads keys d_head"],
    values: Float[Tensor, "batch heads keys d_head"],
    mask: Bool[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
    dropout: Callable[[Weights], Weights] | None = None,
) -> tuple[Float[Tensor, "batch heads queries d_head"], Weights]:
    """Weigh the values by how well their keys fit the queries: softmax(queries @ keysᵀ / √d_head) @ values.

    Args:
        queries, keys, values: not checked here, where `MultiHeadAttention`, which has done so, spends its time.
        mask: True = may attend; broadcasts to the weights.
        bias: added to the scores; broadcasts to them. -inf has the meaning of a mask.
        dropout: applied to the weights before they weigh the values.

    Returns:
        context, which is 0 where a query may attend to nothing, and weights as they were before dropout.

    Source: Vaswani 2017, §3.2.1, eq. 1.
    """
    scores = queries @ keys.mT / math.sqrt(queries.shape[-1])  # (batch, heads, queries, keys)
    if bias is not None:
        scores = (scores + bias).clamp(min=torch.finfo(scores.dtype).min)  # float16 ends at -65504
        allowed = bias != -math.inf
        mask = allowed if mask is None else mask & allowed
    weights = masked_softmax(scores, mask)
    dropped = weights if dropout is None else dropout(weights)
    return dropped @ values, weights


def masked_softmax(scores: Float[Tensor, "... keys"], mask: Bool[Tensor, "..."] | None) -> Float[Tensor, "... keys"]:
    """Turn scores into weights over the keys that may be attended to; a query that may attend to none gives them 0."""
    if mask is None:
        return scores.softmax(dim=-1)
    closed = ~mask.any(dim=-1, keepdim=True)  # rows that softmax would turn into NaN: they stay open until after it
    return scores.masked_fill(~(mask | closed), -math.inf).softmax(dim=-1).masked_fill(closed, 0)


def split_heads(
    x: Float[Tensor, "batch seq_len heads·d_head"], num_heads: int
) -> Float[Tensor, "batch heads seq_len d_head"]:
    """Give every head its part of the features."""
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)  # the same memory, seen in another order


def merge_heads(x: Float[Tensor, "batch heads seq_len d_head"]) -> Float[Tensor, "batch seq_len heads·d_head"]:
    """Put the heads side by side."""
    return x.transpose(1, 2).flatten(2)


def causal_mask(
    num_queries: int, num_keys: int | None = None, device: torch.device | str | None = None
) -> Bool[Tensor, "queries keys"]:
    """Let each query attend to its own position and those before; the last query sits at the last key.

    >>> attention(x, mask=causal_mask(10)[None])  # (1, 10, 10): the same as attention(x, causal=True)

    Args:
        num_queries, num_keys: how many tokens are new, and how many there are with those before; None: num_queries.

    Raises:
        ValueError: a number is no whole number of at least 1.
    """
    num_keys = num_queries if num_keys is None else num_keys
    num_queries, num_keys = check_positive(num_queries=num_queries, num_keys=num_keys)
    return torch.ones(num_queries, num_keys, dtype=torch.bool, device=device).tril(num_keys - num_queries)


class MultiHeadAttention(nn.Module):
    """Attention in several heads, each with its own projections of queries, keys and values.

    >>> attention = MultiHeadAttention(d_model=64, num_heads=4)
    >>> x = torch.randn(2, 10, 64)
    >>> context, weights = attention(x, causal=True, need_weights=True)  # (2, 10, 64), (2, 4, 10, 10)

    Parameters, as in `nn.MultiheadAttention`, all heads of all three in one matrix so that one product makes them:

        queries_keys_values.weight  ((num_heads + 2 · num_kv_heads) · d_head, d_model): rows of queries, keys, values
        queries_keys_values.bias    as many as rows
        output.weight, output.bias  (d_model, num_heads · d_head), (d_model)
        query_norm.weight, key_norm.weight  (d_head); only with qk_norm

    Args:
        d_model: features of a token.
        num_heads: heads; divides d_model, unless d_head is given.
        num_kv_heads: heads of keys and values (grouped queries); divides num_heads. None: as many as num_heads.
        d_head: features of a head; None: d_model / num_heads.
        dropout: probability with which a weight is dropped while training.
        bias, output_bias: whether the projections have biases, and whether the output projection; None: as the others.
        qk_norm: what is added to the mean square in the RMS norms of queries and keys, such as 1e-6; None: no norms.
        rotary: turns queries and keys by their positions, a `positions.Rotary(d_head)`; None: no turning.

    Source: Vaswani 2017, §3.2.2; Ainslie 2023, §2.2 (grouped queries). Norms of queries and keys, so that no score grows
    beyond bounds: Dehghani 2023 (layer norms); RMS norms in each head, as here: Yang 2025 (Qwen3).
    """

    @checked
    def __init__(
        self,
        d_model: Count,
        num_heads: Count,
        *,
        num_kv_heads: Count | None = None,
        d_head: Count | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        output_bias: bool | None = None,
        qk_norm: Annotated[float, Bounds(above=0)] | None = None,
        rotary: Rotary | None = None,
    ) -> None:
        super().__init__()
        num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        if d_head is None:
            check_divides("num_heads", num_heads, "d_model", d_model)
            d_head = d_model // num_heads
        check_divides("num_kv_heads", num_kv_heads, "num_heads", num_heads)
        self.d_model, self.num_heads, self.num_kv_heads, self.d_head = d_model, num_heads, num_kv_heads, d_head
        self.d_queries, self.d_kv = num_heads * d_head, num_kv_heads * d_head  # widths of all heads together
        self.queries_keys_values = nn.Linear(d_model, self.d_queries + 2 * self.d_kv, bias=bias)
        self.output = nn.Linear(self.d_queries, d_model, bias=bias if output_bias is None else output_bias)
        self.query_norm = None if qk_norm is None else RMSNorm(d_head, eps=qk_norm)
        self.key_norm = None if qk_norm is None else RMSNorm(d_head, eps=qk_norm)
        self.dropout = Dropout(dropout)
        self.rotary = rotary

    def forward(
        self,
        x: Float[Tensor, "batch queries d_model"],
        memory: Float[Tensor, "batch keys d_model"] | None = None,
        *,
        mask: Bool[Tensor, "..."] | None = None,
        bias: Float[Tensor, "..."] | None = None,
        causal: bool = False,
        cache: KeyValueCache | None = None,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch queries d_model"], Weights | None]:
        """Let each token of x gather from x itself (self-attention) or from a memory (cross-attention).

        Args:
            x, memory: the tokens that look, and those that are looked at; None: x is its own memory.
            mask: True = may attend. Two axes are always (batch, keys), padding, the same for all queries; three are
                (batch, queries, keys), so that an order comes as `causal_mask(10)[None]`; four are (batch, heads,
                queries, keys). Each size but that of keys may be 1. Keys of a cache count too, and come first.
            bias: added to the scores, such as `positions.ALiBi`; broadcasts to them. -inf has the meaning of a mask.
            causal: whether a token may attend only to itself and to those before it; together with a mask, both hold.
                With a cache the cached tokens come before x.
            cache: a `KeyValueCache` of this layer, to which the keys and values of x are appended. Those of a memory
                are put into it on the first call, and found there later.
            need_weights: whether to return the weights.

        Returns:
            context; and weights as they were before dropout, None unless asked for.

        Raises:
            ValueError, TypeError: the shapes or types do not fit.
            RuntimeError: a cache came where gradients are asked for.
        """
        start, num_keys = check_attention_inputs(READERS, self, x, memory, mask, bias, causal, cache)
        only_causal = causal and mask is None and bias is None and start == 0
        mask = self._mask(mask, causal and not only_causal, x, num_keys)  # None, or broadcasts to the scores
        if memory is None:
            queries, keys, values = self._from_one(x, start, cache)
        else:
            queries, keys, values = self._from_two(x, memory, cache)
        context, weights = self._attend(queries, keys, values, mask, bias, only_causal, need_weights)
        return self.output(merge_heads(context)), weights  # (batch, queries, d_model), (batch, heads, queries, keys)

    def _from_one(self, x, start, cache):
        """Make queries, keys and values of x, whose first token stands at `start`; what a cache holds comes first."""
        projected = self.queries_keys_values(x)  # (batch, seq_len, d_queries + 2 · d_kv)
        queries, keys, values = projected.split([self.d_queries, self.d_kv, self.d_kv], dim=-1)
        queries = _normed(split_heads(queries, self.num_heads), self.query_norm)  # (batch, heads, seq_len, d_head)
        keys = _normed(split_heads(keys, self.num_kv_heads), self.key_norm)  # (batch, kv_heads, seq_len, d_head)
        values = split_heads(values, self.num_kv_heads)
        if self.rotary is not None:
            queries, keys = self.rotary(queries, start), self.rotary(keys, start)
        if cache is not None:
            keys, values = cache.append(keys, values)  # (batch, kv_heads, start + seq_len, d_head)
        return queries, keys, values

    def _from_two(self, x, memory, cache):
        """Make queries of x, and keys and values of a memory, unless the cache holds those already."""
        make_queries, make_keys_values = parts_of(self.queries_keys_values, [self.d_queries, 2 * self.d_kv])
        queries = _normed(split_heads(make_queries(x), self.num_heads), self.query_norm)
        if cache is not None and cache.length:
            cache.check(queries)
            return queries, cache.keys, cache.values
        keys, values = make_keys_values(memory).chunk(2, dim=-1)  # (batch, keys, d_kv) each
        keys = _normed(split_heads(keys, self.num_kv_heads), self.key_norm)
        values = split_heads(values, self.num_kv_heads)
        if cache is not None:
            keys, values = cache.append(keys, values)
        return queries, keys, values  # keys and values: (batch, kv_heads, keys, d_head)

    def _mask(self, mask, causal, x, num_keys):
        """Join mask and causality into one boolean mask of four axes; None if all may attend."""
        if mask is not None:
            mask = {2: mask[:, None, None], 3: mask[:, None], 4: mask}[mask.ndim]
        if causal and x.shape[1] > 1:  # a single query is the newest token, and may attend to all there are
            order = causal_mask(x.shape[1], num_keys, x.device)
            mask = order if mask is None else mask & order
        return mask

    def _attend(self, queries, keys, values, mask, bias, only_causal, need_weights):
        """Give context and weights, by the explicit formula or by PyTorch's fused kernel, which keeps no weights."""
        bias = None if bias is None else bias.to(queries.dtype)
        dropout = getattr(self.dropout, "p", 0.0) if self.training else 0.0  # an identity may stand in its place
        if need_weights or explicit_is_faster(queries, keys, dropout):
            if only_causal:  # the kernel needs no mask for it, which takes seq_len² of memory
                mask = causal_mask(queries.shape[2], keys.shape[2], queries.device)
            keys, values = one_per_query_head(queries, keys, values)
            context, weights = scaled_dot_product_attention(queries, keys, values, mask, bias, self.dropout)
            return context, weights if need_weights else None
        return fused_attention(queries, keys, values, mask, bias, dropout, only_causal), None


def _normed(x, norm):
    return x if norm is None else norm(x)


READERS = tensor_readers(MultiHeadAttention.forward)  # `checked` would cost 1% of the time of generating

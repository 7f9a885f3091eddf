"""Attention in NumPy: one function an idea, and beside each idea the same as plain loops (`*_by_loops`).

    queries, keys  ->  scores  ->  mask  ->  softmax  ->  weights;    weights @ values = context

Everywhere:

- scores and weights are (..., queries, keys), one row a query; `...` are leading axes such as batch, which broadcast;
- a mask is boolean, True means "may attend"; a query that may attend to nothing gets weights of 0 and a context of 0;
- float16, float32 and float64 come back as they came (float16 is computed in float32), integers become float64;
- what does not fit its signature is refused with a `ValueError`, and so are an empty axis, NaN and infinity; only scores
  may hold -inf, meaning "no attention" (`checking` says how signatures are read);
- inputs are never changed.

Sources: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762; Bahdanau et al. 2014, arXiv 1409.0473;
Luong et al. 2015, arXiv 1508.04025; Beltagy et al. 2020, "Longformer", arXiv 2004.05150.
"""

from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float, Int

from course_lib.checking import (
    Array,
    Bounds,
    Count,
    Scores,
    broadcast_booleans,
    check_broadcast,
    check_divides,
    checked,
    whole_number,
)

Distance = Annotated[int, Bounds(least=0)]

# ---------------------------------------------------------------------------------------------------------------------
# From scores to weights
# ---------------------------------------------------------------------------------------------------------------------


@checked
def softmax(
    scores: Scores[Array, "... keys"], axis: int = -1, mask: Bool[Array, "... #keys"] | None = None
) -> Float[Array, "... keys"]:
    """Turn scores into weights that are positive and sum to 1 along an axis.

    Subtracting the maximum m keeps every exponential at most 1 and cancels: e^(s-m) / Σ e^(s-m) = e^s / Σ e^s.

    Args:
        scores: any shape with at least one axis; -inf means "no attention".
        axis: the axis along which the weights sum to 1. For attention the last one: the keys.
        mask: broadcasts to the shape of scores; True = may attend.

    Returns:
        weights, of the shape of scores. Masked entries are exactly 0; where nothing may be attended to, all are 0.

    Raises:
        ValueError: axis or mask does not fit scores.

    Source: Vaswani 2017, §3.2.1, eq. 1; zeros for what is fully masked as in PyTorch's fused attention.
    """
    whole_number("axis", axis, -scores.ndim, scores.ndim - 1)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    highest = scores.max(axis=axis, keepdims=True)
    highest = np.where(highest == -np.inf, 0, highest)  # nothing to attend to: -inf - 0 is -inf, but -inf - -inf is NaN
    exponentials = np.exp(scores - highest)  # in [0, 1]; exactly 0 where masked
    total = exponentials.sum(axis=axis, keepdims=True)  # at least e^0 = 1, or 0 with nothing to attend to
    return exponentials / np.where(total == 0, 1, total)


@checked
def softmax_by_loops(
    scores: Scores[Array, "queries keys"], mask: Bool[Array, "#queries #keys"] | None = None
) -> Float[Array, "queries keys"]:
    """`softmax` over the keys of one map, as loops."""
    num_queries, num_keys = scores.shape
    mask = np.broadcast_to(True if mask is None else mask, scores.shape)
    weights = np.zeros_like(scores)
    for query in range(num_queries):
        allowed = [key for key in range(num_keys) if mask[query, key] and scores[query, key] > -np.inf]
        if not allowed:
            continue  # nothing to attend to: this row stays 0
        highest = max(scores[query, key] for key in allowed)
        total = sum(np.exp(scores[query, key] - highest) for key in allowed)
        for key in allowed:
            weights[query, key] = np.exp(scores[query, key] - highest) / total
    return weights


# ---------------------------------------------------------------------------------------------------------------------
# Scores: how well a key fits a query
# ---------------------------------------------------------------------------------------------------------------------


@checked
def dot_scores(
    queries: Float[Array, "... queries d_k"],
    keys: Float[Array, "... keys d_k"],
) -> Float[Array, "... queries keys"]:
    """Score each key against each query by their dot product.

    Source: Luong 2015, §3.1, "dot".
    """
    return queries @ keys.mT  # (..., queries, keys)


@checked
def dot_scores_by_loops(
    queries: Float[Array, "queries d_k"],
    keys: Float[Array, "keys d_k"],
) -> Float[Array, "queries keys"]:
    """`dot_scores` as loops."""
    (num_queries, d_k), num_keys = queries.shape, len(keys)
    scores = np.zeros((num_queries, num_keys), queries.dtype)
    for query in range(num_queries):
        for key in range(num_keys):
            for feature in range(d_k):
                scores[query, key] += queries[query, feature] * keys[key, feature]
    return scores


@checked
def scaled_dot_scores(
    queries: Float[Array, "... queries d_k"],
    keys: Float[Array, "... keys d_k"],
) -> Float[Array, "... queries keys"]:
    """Score by dot products divided by √d_k, so that their spread does not grow with the number of features.

    If all features are independent with mean 0 and variance 1, the dot products' standard deviation is √d_k.

    Source: Vaswani 2017, §3.2.1, eq. 1.
    """
    d_k = queries.shape[-1]
    return dot_scores(queries, keys) / d_k**0.5  # (..., queries, keys)


@checked
def scaled_dot_scores_by_loops(
    queries: Float[Array, "queries d_k"],
    keys: Float[Array, "keys d_k"],
) -> Float[Array, "queries keys"]:
    """`scaled_dot_scores` as loops."""
    d_k = queries.shape[1]
    scores = dot_scores_by_loops(queries, keys)
    for query in range(len(queries)):
        for key in range(len(keys)):
            scores[query, key] /= d_k**0.5
    return scores


@checked
def additive_scores(
    queries: Float[Array, "... queries d_q"],
    keys: Float[Array, "... keys d_k"],
    W_q: Float[Array, "d_hidden d_q"],
    W_k: Float[Array, "d_hidden d_k"],
    v: Float[Array, " d_hidden"],
) -> Float[Array, "... queries keys"]:
    """Score by a small network with one hidden layer: v · tanh(W_q q + W_k k).

    The matrices stand to the left of a vector, as in the paper.

    Source: Bahdanau 2014, §3.1 and appendix A.1.2 (there: query s, key h, W_a, U_a, v_a).
    """
    from_queries = (queries @ W_q.T)[..., :, None, :]  # (..., queries, 1, d_hidden)
    from_keys = (keys @ W_k.T)[..., None, :, :]  # (..., 1, keys, d_hidden)
    return np.tanh(from_queries + from_keys) @ v  # (..., queries, keys)


@checked
def additive_scores_by_loops(
    queries: Float[Array, "queries d_q"],
    keys: Float[Array, "keys d_k"],
    W_q: Float[Array, "d_hidden d_q"],
    W_k: Float[Array, "d_hidden d_k"],
    v: Float[Array, " d_hidden"],
) -> Float[Array, "queries keys"]:
    """`additive_scores` as loops."""
    scores = np.zeros((len(queries), len(keys)), queries.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            for unit in range(len(v)):
                total = sum(W_q[unit, feature] * queries[query, feature] for feature in range(queries.shape[1]))
                total += sum(W_k[unit, feature] * keys[key, feature] for feature in range(keys.shape[1]))
                scores[query, key] += v[unit] * np.tanh(total)
    return scores


@checked
def general_scores(
    queries: Float[Array, "... queries d_q"],
    keys: Float[Array, "... keys d_k"],
    W: Float[Array, "d_q d_k"],
) -> Float[Array, "... queries keys"]:
    """Score by qᵀ W k: a dot product after a learned map between the spaces of queries and keys.

    Source: Luong 2015, §3.1, "general".
    """
    return queries @ W @ keys.mT  # (..., queries, keys)


@checked
def general_scores_by_loops(
    queries: Float[Array, "queries d_q"],
    keys: Float[Array, "keys d_k"],
    W: Float[Array, "d_q d_k"],
) -> Float[Array, "queries keys"]:
    """`general_scores` as loops."""
    scores = np.zeros((len(queries), len(keys)), queries.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            for row in range(W.shape[0]):
                for column in range(W.shape[1]):
                    scores[query, key] += queries[query, row] * W[row, column] * keys[key, column]
    return scores


@checked
def concat_scores(
    queries: Float[Array, "... queries d_q"],
    keys: Float[Array, "... keys d_k"],
    W: Float[Array, "d_hidden d_q+d_k"],
    v: Float[Array, " d_hidden"],
) -> Float[Array, "... queries keys"]:
    """Score by v · tanh(W [q; k]), query and key written one after the other.

    W [q; k] = W_q q + W_k k with W = [W_q W_k]: it is the additive score with its two matrices side by side.

    Source: Luong 2015, §3.1, "concat".
    """
    d_q = queries.shape[-1]
    return additive_scores(queries, keys, W[:, :d_q], W[:, d_q:], v)  # (..., queries, keys)


@checked
def concat_scores_by_loops(
    queries: Float[Array, "queries d_q"],
    keys: Float[Array, "keys d_k"],
    W: Float[Array, "d_hidden d_q+d_k"],
    v: Float[Array, " d_hidden"],
) -> Float[Array, "queries keys"]:
    """`concat_scores` as loops."""
    scores = np.zeros((len(queries), len(keys)), queries.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            pair = [*queries[query], *keys[key]]  # [q; k]
            for unit in range(len(v)):
                scores[query, key] += v[unit] * np.tanh(sum(W[unit, i] * pair[i] for i in range(len(pair))))
    return scores


# ---------------------------------------------------------------------------------------------------------------------
# Masks: who may attend to whom
# ---------------------------------------------------------------------------------------------------------------------


@checked
def causal_mask(num_queries: Count, num_keys: Count | None = None) -> Bool[Array, "queries keys"]:
    """Let each query attend to its own position and the ones before it.

    The queries are the last of the positions (aligned bottom-right), as when the keys of earlier tokens were kept: a
    single new query sees every key. With fewer keys than queries, the first queries have nothing to attend to.

    Args:
        num_queries: how many queries.
        num_keys: how many keys; as many as queries if None.

    Source: Vaswani 2017, §3.2.3, third point; the alignment is that of PyTorch's `causal_lower_right`.
    """
    num_keys = num_keys or num_queries
    query_positions = np.arange(num_keys - num_queries, num_keys)
    return np.arange(num_keys) <= query_positions[:, None]  # (queries, keys)


@checked
def causal_mask_by_loops(num_queries: Count, num_keys: Count | None = None) -> Bool[Array, "queries keys"]:
    """`causal_mask` as loops."""
    num_keys = num_keys or num_queries
    mask = np.zeros((num_queries, num_keys), dtype=bool)
    for query in range(num_queries):
        for key in range(num_keys):
            mask[query, key] = key <= query + num_keys - num_queries
    return mask


@checked
def padding_mask(token_ids: Int[Array, "... seq_len"], pad_id: int = 0) -> Bool[Array, "... 1 seq_len"]:
    """Let every query attend to the real tokens of its sequence, and to none of its padding.

    Args:
        token_ids: leading axes such as batch, or none.
        pad_id: the id that fills sequences up to one length.

    Returns:
        mask, which broadcasts over the queries; True = may attend.
    """
    return (token_ids != pad_id)[..., None, :]


@checked
def padding_mask_by_loops(token_ids: Int[Array, "batch seq_len"], pad_id: int = 0) -> Bool[Array, "batch 1 seq_len"]:
    """`padding_mask` as loops."""
    batch, seq_len = token_ids.shape
    mask = np.zeros((batch, 1, seq_len), dtype=bool)
    for sequence in range(batch):
        for position in range(seq_len):
            mask[sequence, 0, position] = token_ids[sequence, position] != pad_id
    return mask


@checked
def sliding_window_mask(
    num_queries: Count, window: Distance, num_keys: Count | None = None
) -> Bool[Array, "queries keys"]:
    """Let each query attend to the keys at most `window` positions away, on either side.

    Queries and keys are aligned as in `causal_mask`; combined with it, the window looks back only.

    Args:
        num_queries: how many queries.
        window: the largest distance; 0 leaves each query its own position.
        num_keys: how many keys; as many as queries if None.

    Source: Beltagy 2020, §3.1, whose window w counts both sides: w = 2 · window.
    """
    num_keys = num_keys or num_queries
    query_positions = np.arange(num_keys - num_queries, num_keys)
    return np.abs(query_positions[:, None] - np.arange(num_keys)) <= window  # (queries, keys)


@checked
def sliding_window_mask_by_loops(
    num_queries: Count, window: Distance, num_keys: Count | None = None
) -> Bool[Array, "queries keys"]:
    """`sliding_window_mask` as loops."""
    num_keys = num_keys or num_queries
    mask = np.zeros((num_queries, num_keys), dtype=bool)
    for query in range(num_queries):
        for key in range(num_keys):
            mask[query, key] = abs(query + num_keys - num_queries - key) <= window
    return mask


def combine_masks(*masks: Bool[Array, "..."]) -> Bool[Array, "..."]:
    """Let a query attend where all masks allow it.

    Args:
        masks: their shapes broadcast with each other, as (queries, keys) and (batch, 1, keys) do.

    Returns:
        mask, of the shape that they broadcast to; True = may attend.

    Raises:
        ValueError: there is no mask, one is not boolean, or the shapes do not broadcast.
    """
    return np.logical_and.reduce(broadcast_booleans("masks", masks))


def combine_masks_by_loops(*masks: Bool[Array, "..."]) -> Bool[Array, "..."]:
    """`combine_masks` as one loop over all entries."""
    broadcast = broadcast_booleans("masks", masks)
    combined = np.zeros(broadcast[0].shape, dtype=bool)
    for entry in np.ndindex(combined.shape):  # entry is the pair (query, key), or more where there are leading axes
        combined[entry] = all(mask[entry] for mask in broadcast)
    return combined


# ---------------------------------------------------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------------------------------------------------


@checked
def scaled_dot_product_attention(
    queries: Float[Array, "... queries d_k"],
    keys: Float[Array, "... keys d_k"],
    values: Float[Array, "... keys d_v"],
    mask: Bool[Array, "... #queries #keys"] | None = None,
) -> tuple[Float[Array, "... queries d_v"], Float[Array, "... queries keys"]]:
    """Give each query the average of the values, weighted by how well their keys fit it: softmax(Q Kᵀ / √d_k) V.

    Args:
        queries, keys, values: one value for each key.
        mask: broadcasts to the weights; True = may attend.

    Returns:
        context, weights: each row of weights sums to 1, or is 0 where its query may attend to nothing.

    Source: Vaswani 2017, §3.2.1, eq. 1.
    """
    scores = scaled_dot_scores(queries, keys)  # (..., queries, keys)
    weights = softmax(scores, mask=mask)  # (..., queries, keys)
    return weights @ values, weights  # (..., queries, d_v), (..., queries, keys)


@checked
def scaled_dot_product_attention_by_loops(
    queries: Float[Array, "queries d_k"],
    keys: Float[Array, "keys d_k"],
    values: Float[Array, "keys d_v"],
    mask: Bool[Array, "#queries #keys"] | None = None,
) -> tuple[Float[Array, "queries d_v"], Float[Array, "queries keys"]]:
    """`scaled_dot_product_attention` as loops."""
    scores = scaled_dot_scores_by_loops(queries, keys)
    weights = softmax_by_loops(scores, mask)
    context = np.zeros((len(queries), values.shape[1]), values.dtype)
    for query in range(len(queries)):
        for key in range(len(keys)):
            for feature in range(values.shape[1]):
                context[query, feature] += weights[query, key] * values[key, feature]
    return context, weights


# ---------------------------------------------------------------------------------------------------------------------
# Several heads
# ---------------------------------------------------------------------------------------------------------------------


@checked
def split_heads(
    x: Float[Array, "... seq_len d_model"],
    num_heads: Count,
) -> Float[Array, "... heads seq_len d_head"]:
    """Cut the features of each token into num_heads equal slices, one for each head.

    The features are cut first and the axes swapped then; a direct reshape to (heads, seq_len, d_head) would mix tokens.

    Args:
        x: one row of features for each token.
        num_heads: how many heads; divides d_model.

    Returns:
        the heads, with d_head = d_model / num_heads; a view of x, as from `reshape`.

    Raises:
        ValueError: num_heads does not divide d_model.

    Source: Vaswani 2017, §3.2.2.
    """
    *leading, seq_len, d_model = x.shape
    check_divides("num_heads", num_heads, "d_model", d_model, "x", x.shape)
    slices = x.reshape(*leading, seq_len, num_heads, d_model // num_heads)  # (..., seq_len, heads, d_head)
    return slices.swapaxes(-3, -2)  # (..., heads, seq_len, d_head)


@checked
def split_heads_by_loops(
    x: Float[Array, "seq_len d_model"],
    num_heads: Count,
) -> Float[Array, "heads seq_len d_head"]:
    """`split_heads` as loops."""
    seq_len, d_model = x.shape
    check_divides("num_heads", num_heads, "d_model", d_model, "x", x.shape)
    d_head = d_model // num_heads
    heads = np.zeros((num_heads, seq_len, d_head), x.dtype)
    for head in range(num_heads):
        for position in range(seq_len):
            for feature in range(d_head):
                heads[head, position, feature] = x[position, head * d_head + feature]
    return heads


@checked
def merge_heads(
    x: Float[Array, "... heads seq_len d_head"],
) -> Float[Array, "... seq_len d_model"]:
    """Put the slices of all heads side by side again: the inverse of `split_heads`.

    Source: Vaswani 2017, §3.2.2, "Concat".
    """
    *leading, num_heads, seq_len, d_head = x.shape
    return x.swapaxes(-3, -2).reshape(*leading, seq_len, num_heads * d_head)  # (..., seq_len, d_model)


@checked
def merge_heads_by_loops(
    x: Float[Array, "heads seq_len d_head"],
) -> Float[Array, "seq_len d_model"]:
    """`merge_heads` as loops."""
    num_heads, seq_len, d_head = x.shape
    merged = np.zeros((seq_len, num_heads * d_head), x.dtype)
    for head in range(num_heads):
        for position in range(seq_len):
            for feature in range(d_head):
                merged[position, head * d_head + feature] = x[head, position, feature]
    return merged


@checked
def multi_head_attention(
    queries: Float[Array, "... queries d_queries"],
    keys: Float[Array, "... keys d_keys"],
    values: Float[Array, "... keys d_values"],
    W_Q: Float[Array, "d_queries heads·d_k"],
    W_K: Float[Array, "d_keys heads·d_k"],
    W_V: Float[Array, "d_values heads·d_v"],
    W_O: Float[Array, "heads·d_v d_out"],
    num_heads: Count,
    mask: Bool[Array, "..."] | None = None,
) -> tuple[Float[Array, "... queries d_out"], Float[Array, "... heads queries keys"]]:
    """Attend num_heads times at once, each head in its own projections, and mix what the heads found.

    context = concatenate(head_1, ..., head_h) @ W_O, where head_i = attention(queries @ Q_i, keys @ K_i, values @ V_i).
    Q_i is the i-th block of d_k columns of W_Q (with d_k = 4, columns 0 to 3 are the first head's), and so on for K_i and
    V_i. No biases. In self-attention queries, keys and values are one array (..., seq_len, d_model), and each matrix is
    (d_model, d_model).

    Args:
        queries, keys, values: one value for each key.
        W_Q, W_K, W_V, W_O: the projections of all heads, side by side.
        num_heads: how many heads; divides the columns of W_Q and of W_V.
        mask: True = may attend. With fewer axes than the weights it has no heads axis: it broadcasts to
            (..., queries, keys) and holds for every head, such as (queries, keys) or, for a batch, (batch, 1, keys).
            With as many axes it broadcasts to the weights, such as (heads, queries, keys) without a batch.

    Returns:
        context, weights.

    Raises:
        ValueError: mask does not fit, or num_heads does not divide.

    Source: Vaswani 2017, §3.2.2.
    """
    check_divides("num_heads", num_heads, "heads·d_k", W_Q.shape[1], "W_Q", W_Q.shape)
    check_divides("num_heads", num_heads, "heads·d_v", W_V.shape[1], "W_V", W_V.shape)
    head_queries = split_heads(queries @ W_Q, num_heads)  # (..., heads, queries, d_k)
    head_keys = split_heads(keys @ W_K, num_heads)  # (..., heads, keys, d_k)
    head_values = split_heads(values @ W_V, num_heads)  # (..., heads, keys, d_v)
    if mask is not None:
        mask = _for_heads(mask, queries, keys, num_heads)
    context, weights = scaled_dot_product_attention(head_queries, head_keys, head_values, mask)
    return merge_heads(context) @ W_O, weights  # (..., queries, d_out), (..., heads, queries, keys)


def _for_heads(mask, queries, keys, num_heads):
    """Give a mask without a heads axis one of length 1, in front of its queries and keys."""
    leading = np.broadcast_shapes(queries.shape[:-2], keys.shape[:-2])
    sizes = {"heads": num_heads, "queries": queries.shape[-2], "keys": keys.shape[-2]}
    has_heads = mask.ndim == len(leading) + 3
    check_broadcast("mask", mask.shape, "... heads queries keys" if has_heads else "... queries keys", sizes, leading)
    return mask if has_heads or mask.ndim < 3 else mask[..., None, :, :]  # (..., 1, queries, keys)


@checked
def multi_head_attention_by_loops(
    queries: Float[Array, "queries d_queries"],
    keys: Float[Array, "keys d_keys"],
    values: Float[Array, "keys d_values"],
    W_Q: Float[Array, "d_queries heads·d_k"],
    W_K: Float[Array, "d_keys heads·d_k"],
    W_V: Float[Array, "d_values heads·d_v"],
    W_O: Float[Array, "heads·d_v d_out"],
    num_heads: Count,
    mask: Bool[Array, "#queries #keys"] | None = None,
) -> tuple[Float[Array, "queries d_out"], Float[Array, "heads queries keys"]]:
    """`multi_head_attention` head by head; the mask holds for all heads."""
    check_divides("num_heads", num_heads, "heads·d_k", W_Q.shape[1], "W_Q", W_Q.shape)
    check_divides("num_heads", num_heads, "heads·d_v", W_V.shape[1], "W_V", W_V.shape)
    d_k, d_v = W_Q.shape[1] // num_heads, W_V.shape[1] // num_heads
    contexts, weights = [], []
    for head in range(num_heads):
        k_columns = slice(head * d_k, (head + 1) * d_k)
        v_columns = slice(head * d_v, (head + 1) * d_v)
        head_queries = _project_by_loops(queries, W_Q[:, k_columns])  # (queries, d_k)
        head_keys = _project_by_loops(keys, W_K[:, k_columns])  # (keys, d_k)
        head_values = _project_by_loops(values, W_V[:, v_columns])  # (keys, d_v)
        head_context, head_weights = scaled_dot_product_attention_by_loops(head_queries, head_keys, head_values, mask)
        contexts.append(head_context)
        weights.append(head_weights)
    merged = np.concatenate(contexts, axis=1)  # (queries, heads * d_v)
    return _project_by_loops(merged, W_O), np.stack(weights)  # (queries, d_out), (heads, queries, keys)


def _project_by_loops(x, W):
    projected = np.zeros((len(x), W.shape[1]), x.dtype)
    for row in range(len(x)):
        for column in range(W.shape[1]):
            for feature in range(len(W)):
                projected[row, column] += x[row, feature] * W[feature, column]
    return projected

"""Right answers to lesson 12's exercises, in other styles, and changes that leave the solutions right."""

import numpy as np

from course_lib.attention import scaled_dot_product_attention, softmax
from tests.mistakes.collection import equal, right, wrong

# --- attention_share --------------------------------------------------------------------------------------------------


@right("12.attention_share")
def share_reduced(n, d, d_ff):
    return n / (n + 2 * d + d_ff)


@right("12.attention_share")
def share_by_products(n, d, d_ff):
    def cost(rows, inner, columns):
        return float(rows) * inner * columns

    quadratic = cost(n, d, n) + cost(n, n, d)
    linear = sum(cost(n, d, d) for _ in range(4)) + cost(n, d, d_ff) + cost(n, d_ff, d)
    return np.float64(quadratic / (quadratic + linear))


# --- merge_pieces -----------------------------------------------------------------------------------------------------


@right("12.merge_pieces")
def merged(m1, l1, o1, m2, l2, o2):
    m = np.maximum(m1, m2)
    a, b = np.exp(m1 - m), np.exp(m2 - m)
    return [m, a * l1 + b * l2, a * o1 + b * o2]


@right("12.merge_pieces")
def merge_row_by_row(m1, l1, o1, m2, l2, o2):
    rows = [merged(*parts) for parts in zip(m1, l1, o1, m2, l2, o2, strict=True)]
    return tuple(np.stack(part) for part in zip(*rows, strict=True))


@right("12.merge_pieces")
def merge_where(m1, l1, o1, m2, l2, o2):
    shrink = np.exp(-np.abs(m1 - m2))
    a, b = np.where(m1 >= m2, 1, shrink), np.where(m2 >= m1, 1, shrink)
    return np.where(m1 > m2, m1, m2), a * l1 + b * l2, a * o1 + b * o2


# --- blockwise_attention ----------------------------------------------------------------------------------------------


def pieces(queries, keys, values, block):
    for start in range(0, len(keys), block):
        scores = np.einsum("qd,kd->qk", queries, keys[start : start + block]) / np.sqrt(queries.shape[-1])
        highest = scores.max(axis=-1, keepdims=True)
        shares = np.exp(scores - highest)
        yield highest, shares.sum(axis=-1, keepdims=True), shares @ values[start : start + block]


@right("12.blockwise_attention")
def blocks_merged(queries, keys, values, block):
    first, *others = pieces(queries, keys, values, block)
    for new in others:
        first = merged(*first, *new)
    return first[2] / first[1]


@right("12.blockwise_attention")
def blocks_all_at_the_end(queries, keys, values, block):
    highest, totals, sums = (np.stack(part) for part in zip(*pieces(queries, keys, values, block), strict=True))
    factors = np.exp(highest - highest.max(axis=0))
    return (factors * sums).sum(axis=0) / (factors * totals).sum(axis=0)


@right("12.blockwise_attention")
def blocks_from_minus_infinity(queries, keys, values, block):
    m, total, o = np.full((len(queries), 1), -np.inf), 0, np.zeros((len(queries), values.shape[1]))
    for start in range(0, len(keys), block):
        scores = queries @ keys[start : start + block].T / np.sqrt(keys.shape[1])
        highest = np.maximum(m, scores.max(axis=1, keepdims=True))
        shares, shrink = np.exp(scores - highest), np.exp(m - highest)
        m, total = highest, shrink * total + shares.sum(axis=1, keepdims=True)
        o = shrink * o + shares @ values[start : start + block]
    return o / total


@right("12.blockwise_attention")
def blocks_in_single_precision(queries, keys, values, block):
    return blocks_merged(*(array.astype(np.float32) for array in (queries, keys, values)), block)


def in_parts(queries, keys, values, number):
    """All keys in so many parts of nearly the same size."""
    parts = np.array_split(np.arange(len(keys)), number)
    first, *others = (next(pieces(queries, keys[part], values[part], len(part))) for part in parts)
    for new in others:
        first = merged(*first, *new)
    return first[2] / first[1]


@right("12.blockwise_attention")
def blocks_of_even_size(queries, keys, values, block):
    return in_parts(queries, keys, values, -(-len(keys) // block))


@wrong("12.blockwise_attention", "blocks-too-large")
def blocks_too_few(queries, keys, values, block):
    return in_parts(queries, keys, values, max(len(keys) // block, 1))


# --- window_reach -----------------------------------------------------------------------------------------------------


def back(seq_len):
    return np.arange(seq_len)[:, None] - np.arange(seq_len)


@right("12.window_reach")
def reach_by_matrix_power(seq_len, window, num_layers):
    one = (back(seq_len) >= 0) & (back(seq_len) <= window)
    return np.linalg.matrix_power(one.astype(int), num_layers) > 0


@right("12.window_reach")
def reach_by_loops(seq_len, window, num_layers):
    heard = [{token} for token in range(seq_len)]
    for _ in range(num_layers):
        heard = [set().union(*heard[max(0, token - window) : token + 1]) for token in range(seq_len)]
    return np.array([[key in tokens for key in range(seq_len)] for tokens in heard])


# --- failing_chunks ---------------------------------------------------------------------------------------------------


@right("12.failing_chunks")
def chunks_by_allclose(read, x):
    whole, found = read(x, len(x)), []
    for size in range(1, len(x) + 1):
        found.append(not np.allclose(read(x, size), whole, atol=1e-9, rtol=0))
    return found


@right("12.failing_chunks")
def chunks_stacked(read, x):
    readings = np.array([read(x, size) for size in range(1, len(x) + 1)])
    return ~(np.abs(readings - readings[-1]) <= 1e-9).all(axis=(1, 2))


@right("12.failing_chunks")
def chunks_that_are_far_or_nan(read, x):
    gaps = [np.linalg.norm(read(x, size) - read(x, len(x))) for size in range(1, len(x) + 1)]
    return np.isnan(gaps) | (np.array(gaps) > 1e-9)


# --- cached_attention -------------------------------------------------------------------------------------------------


@right("12.cached_attention")
def cached_rows_of_a_square(x, keys, values, W_Q, W_K, W_V):
    keys, values = np.concatenate([keys, x @ W_K]), np.concatenate([values, x @ W_V])
    mask = np.tri(len(keys), dtype=bool)[-len(x) :]
    return [scaled_dot_product_attention(x @ W_Q, keys, values, mask)[0], keys, values]


@right("12.cached_attention")
def cached_token_by_token(x, keys, values, W_Q, W_K, W_V):
    contexts = []
    for token in x:
        keys, values = np.vstack([keys, token @ W_K]), np.vstack([values, token @ W_V])
        contexts.append(softmax(keys @ (token @ W_Q) / np.sqrt(len(W_K[0]))) @ values)
    return np.array(contexts), keys, values


# --- cache_bytes ------------------------------------------------------------------------------------------------------


@right("12.cache_bytes")
def bytes_by_prod(*sizes):
    return np.prod([2, *sizes[:2], *sizes[3:]], dtype=np.int64)


# --- grouped_attention ------------------------------------------------------------------------------------------------


@right("12.grouped_attention")
def groups_repeated(queries, keys, values):
    own = np.arange(len(queries)) // (len(queries) // len(keys))
    return scaled_dot_product_attention(queries, keys[own], values[own])[0]


@right("12.grouped_attention")
def groups_as_an_axis(queries, keys, values):
    groups = queries.reshape(len(keys), -1, *queries.shape[1:])  # (kv_heads, group, queries, d_k)
    return scaled_dot_product_attention(groups, keys[:, None], values[:, None])[0].reshape(*queries.shape[:2], -1)


@right("12.grouped_attention")
def groups_by_a_loop(queries, keys, values):
    group = len(queries) // len(keys)
    pairs = [(keys[head // group], values[head // group]) for head in range(len(queries))]
    return np.array([scaled_dot_product_attention(one, *pair)[0] for one, pair in zip(queries, pairs, strict=True)])


# --- mean_gradient ----------------------------------------------------------------------------------------------------


@right("12.mean_gradient")
def gradient_without_the_idle(gradients, counts):
    return np.average(gradients[counts > 0], axis=0, weights=counts[counts > 0])


@right("12.mean_gradient")
def gradient_with_nansum(gradients, counts):
    return np.nansum(gradients * (counts / counts.sum())[:, None], axis=0)


@right("12.mean_gradient")
def gradient_by_loop(gradients, counts):
    total = np.zeros(gradients.shape[1])
    for gradient, count in zip(gradients, counts, strict=True):
        if count:
            total += count * gradient
    return total / counts.sum()


# --- changes that leave the solutions right -----------------------------------------------------------------------------

equal("12.blockwise_attention", "-1 -> +1", "scores have two axes")
equal("12.blockwise_attention", "np.zeros -> np.ones", "what stands before the first block is multiplied by e^-inf, 0")
less = "np.abs(read(x, chunk) - whole) <= 1e-09"
equal("12.failing_chunks", f"{less} -> {less.replace('<=', '<')}", "nothing differs by exactly 1e-9")

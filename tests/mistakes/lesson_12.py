"""Answers to lesson 12's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from course_lib.attention import causal_mask, scaled_dot_product_attention, softmax
from tests.mistakes.collection import right, wrong

# --- attention_share --------------------------------------------------------------------------------------------------


@wrong("12.attention_share", "share-scores-only")
def share_without_mixing(n, d, d_ff):
    return n * n * d / (n * n * d + 4 * n * d * d + 2 * n * d * d_ff)


@wrong("12.attention_share", "share-without-feed-forward")
def share_of_attention_alone(n, d, d_ff):
    return 2 * n * n * d / (2 * n * n * d + 4 * n * d * d)


@wrong("12.attention_share", "share-half-feed-forward")
def share_expanding_only(n, d, d_ff):
    return 2 * n * n * d / (2 * n * n * d + 4 * n * d * d + n * d * d_ff)


@wrong("12.attention_share", "share-without-output")
def share_three_projections(n, d, d_ff):
    return 2 * n * n * d / (2 * n * n * d + 3 * n * d * d + 2 * n * d * d_ff)


@wrong("12.attention_share", "share-one-projection")
def share_single_projection(n, d, d_ff):
    return 2 * n * n * d / (2 * n * n * d + n * d * d + 2 * n * d * d_ff)


@wrong("12.attention_share", "share-ratio")
def share_as_ratio(n, d, d_ff):
    return 2 * n * n * d / (4 * n * d * d + 2 * n * d * d_ff)


@wrong("12.attention_share", "share-of-the-rest")
def share_turned_round(n, d, d_ff):
    linear = 4 * n * d * d + 2 * n * d * d_ff
    return linear / (2 * n * n * d + linear)


@wrong("12.attention_share", "share-of-one-token")
def share_token_by_token(n, d, d_ff):
    return 2 * n * n * d / (2 * n * n * d + 4 * d * d + 2 * d * d_ff)


@wrong("12.attention_share", "share-percent")
def share_in_percent(n, d, d_ff):
    return 100 * n / (n + 2 * d + d_ff)


@wrong("12.attention_share", "share-count")
def share_not_divided(n, d, d_ff):
    return 2 * n * n * d


@wrong("12.attention_share", "share-floored")
def share_of_whole_numbers(n, d, d_ff):
    return 2 * n * n * d // (2 * n * n * d + 4 * n * d * d + 2 * n * d * d_ff)


@wrong("12.attention_share", "share-with-projections")
def share_of_all_attention(n, d, d_ff):
    attention = 2 * n * n * d + 4 * n * d * d
    return attention / (attention + 2 * n * d * d_ff)


@wrong("12.attention_share", "share-width-lost")
def share_of_entries(n, d, d_ff):
    return 2 * n * n / (2 * n * n + 4 * n * d * d + 2 * n * d * d_ff)


@wrong("12.attention_share", "share-d-ff-guessed")
def share_as_usual(n, d, d_ff):
    return n / (n + 6 * d)


@wrong("12.attention_share", "different-values")
def share_of_nothing_in_particular(n, d, d_ff):
    return 0.5


@right("12.attention_share")
def share_reduced(n, d, d_ff):
    return n / (n + 2 * d + d_ff)


@right("12.attention_share")
def share_by_products(n, d, d_ff):
    def cost(rows, inner, columns):
        return rows * inner * columns

    quadratic = cost(n, d, n) + cost(n, n, d)
    linear = sum(cost(n, d, d) for _ in range(4)) + cost(n, d, d_ff) + cost(n, d_ff, d)
    return np.float64(quadratic / (quadratic + linear))


# --- merge_pieces -----------------------------------------------------------------------------------------------------


def merge_with(m1, l1, o1, m2, l2, o2, m=None):
    m = np.maximum(m1, m2) if m is None else m
    a, b = np.exp(m1 - m), np.exp(m2 - m)
    return m, a * l1 + b * l2, a * o1 + b * o2


@wrong("12.merge_pieces", "pieces-not-rescaled")
def merge_by_adding(m1, l1, o1, m2, l2, o2):
    return np.maximum(m1, m2), l1 + l2, o1 + o2


@wrong("12.merge_pieces", "pieces-total-not-rescaled")
def merge_values_only(m1, l1, o1, m2, l2, o2):
    m, _, o = merge_with(m1, l1, o1, m2, l2, o2)
    return m, l1 + l2, o


@wrong("12.merge_pieces", "pieces-values-not-rescaled")
def merge_totals_only(m1, l1, o1, m2, l2, o2):
    m, total, _ = merge_with(m1, l1, o1, m2, l2, o2)
    return m, total, o1 + o2


@wrong("12.merge_pieces", "pieces-rescaled-the-wrong-way")
def merge_upside_down(m1, l1, o1, m2, l2, o2):
    m = np.maximum(m1, m2)
    a, b = np.exp(np.minimum(m - m1, 500)), np.exp(np.minimum(m - m2, 500))
    return m, a * l1 + b * l2, a * o1 + b * o2


@wrong("12.merge_pieces", "pieces-one-maximum")
def merge_with_one_maximum(m1, l1, o1, m2, l2, o2):
    m = np.full_like(m1, max(m1.max(), m2.max()))
    return merge_with(m1, l1, o1, m2, l2, o2, m)


@wrong("12.merge_pieces", "pieces-second-maximum")
def merge_to_the_second(m1, l1, o1, m2, l2, o2):
    return merge_with(m1, l1, o1, m2, l2, o2, m2)


@wrong("12.merge_pieces", "pieces-one-maximum")
def merge_with_a_number(m1, l1, o1, m2, l2, o2):
    m = max(m1.max(), m2.max())
    return m, np.exp(m1 - m) * l1 + np.exp(m2 - m) * l2, np.exp(m1 - m) * o1 + np.exp(m2 - m) * o2


@wrong("12.merge_pieces", "pieces-first-maximum")
def merge_into_the_first(m1, l1, o1, m2, l2, o2):
    return m1, l1 + np.exp(m2 - m1) * l2, o1 + np.exp(m2 - m1) * o2


@wrong("12.merge_pieces", "pieces-plain")
def merge_against_nothing(m1, l1, o1, m2, l2, o2):
    return np.maximum(m1, m2), np.exp(m1) * l1 + np.exp(m2) * l2, np.exp(m1) * o1 + np.exp(m2) * o2


@wrong("12.merge_pieces", "pieces-factors-exchanged")
def merge_crosswise(m1, l1, o1, m2, l2, o2):
    m = np.maximum(m1, m2)
    return m, np.exp(m2 - m) * l1 + np.exp(m1 - m) * l2, np.exp(m2 - m) * o1 + np.exp(m1 - m) * o2


@wrong("12.merge_pieces", "pieces-total-twice")
def merge_as_if_divided(m1, l1, o1, m2, l2, o2):
    m, total, _ = merge_with(m1, l1, o1, m2, l2, o2)
    return m, total, np.exp(m1 - m) * l1 * o1 + np.exp(m2 - m) * l2 * o2


@wrong("12.merge_pieces", "contexts-averaged")
def merge_by_averaging(m1, l1, o1, m2, l2, o2):
    m, total, _ = merge_with(m1, l1, o1, m2, l2, o2)
    return m, total, (o1 / l1 + o2 / l2) / 2


@wrong("12.merge_pieces", "pieces-divided-early")
def merge_and_divide(m1, l1, o1, m2, l2, o2):
    m, total, o = merge_with(m1, l1, o1, m2, l2, o2)
    return m, total, o / total


@wrong("12.merge_pieces", "pieces-overflow")
def merge_through_exponentials(m1, l1, o1, m2, l2, o2):
    m, total = np.maximum(m1, m2), np.exp(m1) * l1 + np.exp(m2) * l2
    o = np.exp(m1) * o1 + np.exp(m2) * o2
    return m, total / np.exp(m), o / np.exp(m)


@wrong("12.merge_pieces", "not-three")
def merge_to_two(m1, l1, o1, m2, l2, o2):
    return merge_with(m1, l1, o1, m2, l2, o2)[1:]


@wrong("12.merge_pieces", "changes-its-input")
def merge_in_place(m1, l1, o1, m2, l2, o2):
    m = np.maximum(m1, m2)
    o1 *= np.exp(m1 - m)
    return m, np.exp(m1 - m) * l1 + np.exp(m2 - m) * l2, o1 + np.exp(m2 - m) * o2


@right("12.merge_pieces")
def merge_plainly(m1, l1, o1, m2, l2, o2):
    return merge_with(m1, l1, o1, m2, l2, o2)


@right("12.merge_pieces")
def merge_row_by_row(m1, l1, o1, m2, l2, o2):
    rows = [merge_with(*parts) for parts in zip(m1, l1, o1, m2, l2, o2, strict=True)]
    return tuple(np.stack(part) for part in zip(*rows, strict=True))


@right("12.merge_pieces")
def merge_where(m1, l1, o1, m2, l2, o2):
    shrink = np.exp(-np.abs(m1 - m2))
    a, b = np.where(m1 >= m2, 1, shrink), np.where(m2 >= m1, 1, shrink)
    return np.where(m1 > m2, m1, m2), a * l1 + b * l2, a * o1 + b * o2


# --- blockwise_attention ----------------------------------------------------------------------------------------------


def blocks_of(keys, values, block):
    return [(keys[start : start + block], values[start : start + block]) for start in range(0, len(keys), block)]


def piece(queries, keys, values, scale=None):
    scores = queries @ keys.T / (np.sqrt(queries.shape[-1]) if scale is None else scale)
    m = scores.max(axis=-1, keepdims=True)
    shares = np.exp(scores - m)
    return m, shares.sum(axis=-1, keepdims=True), shares @ values


def in_blocks(queries, keys, values, block, scale=None):
    state = None
    for one in blocks_of(keys, values, block):
        new = piece(queries, *one, scale)
        state = new if state is None else merge_with(*state, *new)
    return state


@wrong("12.blockwise_attention", "blocks-softmax-each")
def blocks_added(queries, keys, values, block):
    return sum(scaled_dot_product_attention(queries, *one)[0] for one in blocks_of(keys, values, block))


@wrong("12.blockwise_attention", "blocks-averaged")
def blocks_meaned(queries, keys, values, block):
    return np.mean([scaled_dot_product_attention(queries, *one)[0] for one in blocks_of(keys, values, block)], axis=0)


@wrong("12.blockwise_attention", "blocks-tail-lost")
def blocks_counted_down(queries, keys, values, block):
    count = max(len(keys) // block, 1) * block
    _, total, o = in_blocks(queries, keys[:count], values[:count], block)
    return o / total


@wrong("12.blockwise_attention", "blocks-last-only")
def blocks_overwritten(queries, keys, values, block):
    for one in blocks_of(keys, values, block):
        _, total, o = piece(queries, *one)
    return o / total


@wrong("12.blockwise_attention", "blocks-not-divided")
def blocks_never_divided(queries, keys, values, block):
    return in_blocks(queries, keys, values, block)[2]


@wrong("12.blockwise_attention", "pieces-not-rescaled")
def blocks_not_rescaled(queries, keys, values, block):
    pieces = [piece(queries, *one) for one in blocks_of(keys, values, block)]
    return sum(one[2] for one in pieces) / sum(one[1] for one in pieces)


@wrong("12.blockwise_attention", "pieces-not-rescaled")
def blocks_with_a_maximum_on_the_way(queries, keys, values, block):
    m, total, o = np.full((len(queries), 1), -np.inf), 0, 0
    for some_keys, some_values in blocks_of(keys, values, block):
        scores = queries @ some_keys.T / np.sqrt(queries.shape[-1])
        m = np.maximum(m, scores.max(axis=-1, keepdims=True))
        shares = np.exp(scores - m)
        total, o = total + shares.sum(axis=-1, keepdims=True), o + shares @ some_values
    return o / total


@wrong("12.blockwise_attention", "pieces-values-not-rescaled")
def blocks_with_a_shrinking_total(queries, keys, values, block):
    m, total, o = np.full((len(queries), 1), -np.inf), 0, 0
    for some_keys, some_values in blocks_of(keys, values, block):
        scores = queries @ some_keys.T / np.sqrt(queries.shape[-1])
        highest = np.maximum(m, scores.max(axis=-1, keepdims=True))
        shares = np.exp(scores - highest)
        total = np.exp(m - highest) * total + shares.sum(axis=-1, keepdims=True)
        m, o = highest, o + shares @ some_values
    return o / total


@wrong("12.blockwise_attention", "pieces-total-not-rescaled")
def blocks_with_a_growing_total(queries, keys, values, block):
    m, total, o = np.full((len(queries), 1), -np.inf), 0, 0
    for one in blocks_of(keys, values, block):
        new_m, new_total, new_o = piece(queries, *one)
        highest = np.maximum(m, new_m)
        total, o = total + new_total, np.exp(m - highest) * o + np.exp(new_m - highest) * new_o
        m = highest
    return o / total


@wrong("12.blockwise_attention", "blocks-of-queries")
def blocks_of_the_other_axis(queries, keys, values, block):
    starts = range(0, len(queries), block)
    rows = [scaled_dot_product_attention(queries[start : start + block], keys, values)[0] for start in starts]
    return np.concatenate(rows)


@wrong("12.blockwise_attention", "blocks-start-at-zero")
def blocks_from_zero(queries, keys, values, block):
    state = np.zeros((len(queries), 1)), np.zeros((len(queries), 1)), np.zeros((len(queries), values.shape[1]))
    with np.errstate(invalid="ignore"):
        for one in blocks_of(keys, values, block):
            state = merge_with(*state, *piece(queries, *one))
        return state[2] / state[1]


@wrong("12.blockwise_attention", "not-scaled")
def blocks_not_scaled(queries, keys, values, block):
    _, total, o = in_blocks(queries, keys, values, block, scale=1)
    return o / total


@wrong("12.blockwise_attention", "blocks-whole-matrix")
def blocks_for_show(queries, keys, values, block):
    return scaled_dot_product_attention(queries, keys, values)[0]


@wrong("12.blockwise_attention", "pieces-overflow")
def blocks_without_maximum(queries, keys, values, block):
    total, o = 0, 0
    for some_keys, some_values in blocks_of(keys, values, block):
        shares = np.exp(queries @ some_keys.T / np.sqrt(queries.shape[-1]))
        total, o = total + shares.sum(axis=-1, keepdims=True), o + shares @ some_values
    return o / total


@wrong("12.blockwise_attention", "wrong-shape")
def blocks_with_all_returned(queries, keys, values, block):
    return in_blocks(queries, keys, values, block)[1]


@right("12.blockwise_attention")
def blocks_merged(queries, keys, values, block):
    _, total, o = in_blocks(queries, keys, values, block)
    return o / total


@right("12.blockwise_attention")
def blocks_from_minus_infinity(queries, keys, values, block):
    m, total = np.full((len(queries), 1), -np.inf), np.zeros((len(queries), 1))
    o = np.zeros((len(queries), values.shape[1]))
    for start in range(0, len(keys), block):
        scores = queries @ keys[start : start + block].T / np.sqrt(keys.shape[1])
        highest = np.maximum(m, scores.max(axis=1, keepdims=True))
        shares, shrink = np.exp(scores - highest), np.exp(m - highest)
        m, total = highest, shrink * total + shares.sum(axis=1, keepdims=True)
        o = shrink * o + shares @ values[start : start + block]
    return o / total


@right("12.blockwise_attention")
def blocks_kept_divided(queries, keys, values, block):
    context = total = m = None
    for one in blocks_of(keys, values, block):
        new_m, new_total, o = piece(queries, *one)
        if m is None:
            m, total, context = new_m, new_total, o / new_total
            continue
        highest = np.maximum(m, new_m)
        before, now = np.exp(m - highest) * total, np.exp(new_m - highest) * new_total
        context = (before * context + now * (o / new_total)) / (before + now)
        m, total = highest, before + now
    return context


@right("12.blockwise_attention")
def blocks_in_single_precision(queries, keys, values, block):
    return blocks_merged(*(array.astype(np.float32) for array in (queries, keys, values)), block)


# --- window_reach -----------------------------------------------------------------------------------------------------


def back(seq_len):
    return np.arange(seq_len)[:, None] - np.arange(seq_len)


@wrong("12.window_reach", "reach-one-layer")
def reach_of_one_layer(seq_len, window, num_layers):
    return (back(seq_len) >= 0) & (back(seq_len) <= window)


@wrong("12.window_reach", "reach-forward")
def reach_on_both_sides(seq_len, window, num_layers):
    return np.abs(back(seq_len)) <= window * num_layers


@wrong("12.window_reach", "reach-transposed")
def reach_transposed(seq_len, window, num_layers):
    return ((back(seq_len) >= 0) & (back(seq_len) <= window * num_layers)).T


@wrong("12.window_reach", "reach-window-counts-itself")
def reach_with_itself_in_the_window(seq_len, window, num_layers):
    return (back(seq_len) >= 0) & (back(seq_len) <= (window - 1) * num_layers)


@wrong("12.window_reach", "reach-power")
def reach_multiplied(seq_len, window, num_layers):
    return (back(seq_len) >= 0) & (back(seq_len) <= window**num_layers)


@wrong("12.window_reach", "reach-layer-too-many")
def reach_one_layer_more(seq_len, window, num_layers):
    return (back(seq_len) >= 0) & (back(seq_len) <= window * (num_layers + 1))


@wrong("12.window_reach", "reach-layer-too-few")
def reach_without_the_first_layer(seq_len, window, num_layers):
    return (back(seq_len) >= 0) & (back(seq_len) <= window * (num_layers - 1))


@wrong("12.window_reach", "reach-added")
def reach_as_a_sum(seq_len, window, num_layers):
    return (back(seq_len) >= 0) & (back(seq_len) <= window + num_layers)


@wrong("12.window_reach", "reach-all")
def reach_without_a_window(seq_len, window, num_layers):
    return np.tri(seq_len, dtype=bool)


@wrong("12.window_reach", "reach-not-itself")
def reach_without_itself(seq_len, window, num_layers):
    return (back(seq_len) > 0) & (back(seq_len) <= window * num_layers)


@wrong("12.window_reach", "mask-not-boolean")
def reach_as_paths(seq_len, window, num_layers):
    one = (back(seq_len) >= 0) & (back(seq_len) <= window)
    return np.linalg.matrix_power(one.astype(int), num_layers)


@right("12.window_reach")
def reach_by_matrix_power(seq_len, window, num_layers):
    one = (back(seq_len) >= 0) & (back(seq_len) <= window)
    return np.linalg.matrix_power(one.astype(int), num_layers) > 0


@right("12.window_reach")
def reach_by_triangles(seq_len, window, num_layers):
    ones = np.ones((seq_len, seq_len), dtype=bool)
    return np.tril(ones) & np.triu(ones, -window * num_layers)


@right("12.window_reach")
def reach_by_loops(seq_len, window, num_layers):
    heard = [{token} for token in range(seq_len)]
    for _ in range(num_layers):
        heard = [
            set().union(*(heard[key] for key in range(max(0, token - window), token + 1))) for token in range(seq_len)
        ]
    return np.array([[key in tokens for key in range(seq_len)] for tokens in heard])


# --- failing_chunks ---------------------------------------------------------------------------------------------------


def gaps(read, x):
    whole = read(x, len(x))
    return [read(x, chunk) - whole for chunk in range(1, len(x) + 1)]


@wrong("12.failing_chunks", "chunks-inverted")
def chunks_that_work(read, x):
    return np.array([np.abs(gap).max() <= 1e-9 for gap in gaps(read, x)])


@wrong("12.failing_chunks", "chunks-off-by-one")
def chunks_from_zero(read, x):
    return np.array([False] + [np.abs(gap).max() > 1e-9 for gap in gaps(read, x)])


@wrong("12.failing_chunks", "chunks-off-by-one")
def chunks_from_two(read, x):
    return np.array([np.abs(gap).max() > 1e-9 for gap in gaps(read, x)][1:])


@wrong("12.failing_chunks", "chunks-counts-rounding")
def chunks_compared_exactly(read, x):
    return np.array([bool((gap != 0).any()) for gap in gaps(read, x)])


@wrong("12.failing_chunks", "chunks-misses-small")
def chunks_compared_generously(read, x):
    return np.array([np.abs(gap).max() > 1e-2 for gap in gaps(read, x)])


@wrong("12.failing_chunks", "chunks-signed")
def chunks_without_absolute(read, x):
    return np.array([gap.max() > 1e-9 for gap in gaps(read, x)])


@wrong("12.failing_chunks", "chunks-last-row-only")
def chunks_by_the_last_token(read, x):
    return np.array([np.abs(gap[-1]).max() > 1e-9 for gap in gaps(read, x)])


@wrong("12.failing_chunks", "chunks-first-row-only")
def chunks_by_the_first_token(read, x):
    return np.array([np.abs(gap[0]).max() > 1e-9 for gap in gaps(read, x)])


@wrong("12.failing_chunks", "chunks-compares-with-ones")
def chunks_against_ones(read, x):
    ones = read(x, 1)
    return np.array([np.abs(read(x, chunk) - ones).max() > 1e-9 for chunk in range(1, len(x) + 1)])


@wrong("12.failing_chunks", "chunks-last-missing")
def chunks_without_the_whole(read, x):
    return np.array([np.abs(read(x, chunk) - read(x, len(x))).max() > 1e-9 for chunk in range(1, len(x))])


@wrong("12.failing_chunks", "chunks-guessed")
def chunks_in_between(read, x):
    return np.array([chunk not in (1, len(x)) for chunk in range(1, len(x) + 1)])


@wrong("12.failing_chunks", "chunks-not-boolean")
def chunks_as_sizes(read, x):
    return np.array([np.abs(gap).max() for gap in gaps(read, x)])


@right("12.failing_chunks")
def chunks_all_rows(read, x):
    return np.array([np.abs(gap).max() > 1e-9 for gap in gaps(read, x)])


@right("12.failing_chunks")
def chunks_by_allclose(read, x):
    whole, found = read(x, len(x)), []
    for size in range(1, len(x) + 1):
        found.append(not np.allclose(read(x, size), whole, atol=1e-6, rtol=0))
    return np.array(found)


# --- cached_attention -------------------------------------------------------------------------------------------------


def joined(x, keys, values, W_K, W_V):
    return np.concatenate([keys, x @ W_K]), np.concatenate([values, x @ W_V])


def cached(x, keys, values, W_Q, W_K, W_V, mask=None):
    keys, values = joined(x, keys, values, W_K, W_V)
    mask = causal_mask(len(x), len(keys)) if mask is None else mask
    return scaled_dot_product_attention(x @ W_Q, keys, values, mask)[0], keys, values


@wrong("12.cached_attention", "cache-mask-top-left")
def cached_with_plain_triangle(x, keys, values, W_Q, W_K, W_V):
    return cached(x, keys, values, W_Q, W_K, W_V, np.tri(len(x), len(keys) + len(x), dtype=bool))


@wrong("12.cached_attention", "cache-not-causal")
def cached_without_mask(x, keys, values, W_Q, W_K, W_V):
    return cached(x, keys, values, W_Q, W_K, W_V, np.ones((len(x), len(keys) + len(x)), dtype=bool))


@wrong("12.cached_attention", "cache-not-read")
def cached_but_unread(x, keys, values, W_Q, W_K, W_V):
    context = scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V, causal_mask(len(x)))[0]
    return context, *joined(x, keys, values, W_K, W_V)


@wrong("12.cached_attention", "cache-behind")
def cached_behind(x, keys, values, W_Q, W_K, W_V):
    keys, values = np.concatenate([x @ W_K, keys]), np.concatenate([x @ W_V, values])
    return scaled_dot_product_attention(x @ W_Q, keys, values, causal_mask(len(x), len(keys)))[0], keys, values


@wrong("12.cached_attention", "cache-own-hidden")
def cached_without_itself(x, keys, values, W_Q, W_K, W_V):
    mask = np.tri(len(x), len(keys) + len(x), len(keys) - 1, dtype=bool)
    return cached(x, keys, values, W_Q, W_K, W_V, mask)


@wrong("12.cached_attention", "cache-not-grown")
def cached_not_kept(x, keys, values, W_Q, W_K, W_V):
    return cached(x, keys, values, W_Q, W_K, W_V)[0], keys, values


@wrong("12.cached_attention", "cache-forgets")
def cached_new_only(x, keys, values, W_Q, W_K, W_V):
    return cached(x, keys, values, W_Q, W_K, W_V)[0], x @ W_K, x @ W_V


@wrong("12.cached_attention", "cache-from-keys")
def cached_keys_mixed(x, keys, values, W_Q, W_K, W_V):
    all_keys, all_values = joined(x, keys, values, W_K, W_V)
    context = scaled_dot_product_attention(x @ W_Q, all_keys, all_keys, causal_mask(len(x), len(all_keys)))[0]
    return context, all_keys, all_values


@wrong("12.cached_attention", "not-scaled")
def cached_not_scaled(x, keys, values, W_Q, W_K, W_V):
    keys, values = joined(x, keys, values, W_K, W_V)
    return softmax(x @ W_Q @ keys.T, mask=causal_mask(len(x), len(keys))) @ values, keys, values


@wrong("12.cached_attention", "cache-returns-weights")
def cache_with_both_results_exchanged(x, keys, values, W_Q, W_K, W_V):
    keys, values = np.concatenate([keys, x @ W_K]), np.concatenate([values, x @ W_V])
    _, weights = scaled_dot_product_attention(x @ W_Q, keys, values, causal_mask(len(x), len(keys)))
    return weights, keys, values


@wrong("12.cached_attention", "cache-exchanged")
def cache_with_values_first(x, keys, values, W_Q, W_K, W_V):
    keys, values = np.concatenate([keys, x @ W_K]), np.concatenate([values, x @ W_V])
    context, _ = scaled_dot_product_attention(x @ W_Q, keys, values, causal_mask(len(x), len(keys)))
    return context, values, keys


@wrong("12.cached_attention", "not-three")
def cached_context_only(x, keys, values, W_Q, W_K, W_V):
    return cached(x, keys, values, W_Q, W_K, W_V)[0]


@right("12.cached_attention")
def cached_bottom_right(x, keys, values, W_Q, W_K, W_V):
    return cached(x, keys, values, W_Q, W_K, W_V, np.tri(len(x), len(keys) + len(x), len(keys), dtype=bool))


@right("12.cached_attention")
def cached_token_by_token(x, keys, values, W_Q, W_K, W_V):
    contexts = []
    for token in x:
        keys, values = np.vstack([keys, token @ W_K]), np.vstack([values, token @ W_V])
        contexts.append(softmax(keys @ (token @ W_Q) / np.sqrt(len(W_K[0]))) @ values)
    return np.array(contexts), keys, values


# --- cache_bytes ------------------------------------------------------------------------------------------------------


@wrong("12.cache_bytes", "bytes-keys-only")
def bytes_of_keys(n, layers, heads, kv_heads, d_head, size):
    return layers * kv_heads * d_head * n * size


@wrong("12.cache_bytes", "bytes-with-queries")
def bytes_of_three(n, layers, heads, kv_heads, d_head, size):
    return 3 * layers * kv_heads * d_head * n * size


@wrong("12.cache_bytes", "bytes-with-queries")
def bytes_with_all_queries(n, layers, heads, kv_heads, d_head, size):
    return (heads + 2 * kv_heads) * layers * d_head * n * size


@wrong("12.cache_bytes", "bytes-all-heads")
def bytes_of_ungrouped(n, layers, heads, kv_heads, d_head, size):
    return 2 * layers * heads * d_head * n * size


@wrong("12.cache_bytes", "bytes-one-layer")
def bytes_of_a_layer(n, layers, heads, kv_heads, d_head, size):
    return 2 * kv_heads * d_head * n * size


@wrong("12.cache_bytes", "bytes-numbers")
def bytes_counted_as_numbers(n, layers, heads, kv_heads, d_head, size):
    return 2 * layers * kv_heads * d_head * n


@wrong("12.cache_bytes", "bytes-one-token")
def bytes_of_a_token(n, layers, heads, kv_heads, d_head, size):
    return 2 * layers * kv_heads * d_head * size


@wrong("12.cache_bytes", "bytes-squared")
def bytes_of_weights(n, layers, heads, kv_heads, d_head, size):
    return layers * heads * n * n * size


@wrong("12.cache_bytes", "bytes-group-size")
def bytes_of_a_group(seq_len, num_layers, num_heads, num_kv_heads, d_head, bytes_per_number):
    return 2 * seq_len * num_layers * (num_heads // num_kv_heads) * d_head * bytes_per_number


@wrong("12.cache_bytes", "bytes-both-heads")
def bytes_of_all_pairs_of_heads(seq_len, num_layers, num_heads, num_kv_heads, d_head, bytes_per_number):
    return 2 * seq_len * num_layers * num_heads * num_kv_heads * d_head * bytes_per_number


@wrong("12.cache_bytes", "bytes-one-head")
def bytes_of_one_head(seq_len, num_layers, num_heads, num_kv_heads, d_head, bytes_per_number):
    return 2 * seq_len * num_layers * d_head * bytes_per_number


@wrong("12.cache_bytes", "bytes-units")
def bytes_as_gigabytes(seq_len, num_layers, num_heads, num_kv_heads, d_head, bytes_per_number):
    return 2 * seq_len * num_layers * num_kv_heads * d_head * bytes_per_number / 1e9


@wrong("12.cache_bytes", "bytes-units")
def bytes_in_kibibytes(n, layers, heads, kv_heads, d_head, size):
    return 2 * layers * kv_heads * d_head * n * size / 1024


@right("12.cache_bytes")
def bytes_of_an_array(n, layers, heads, kv_heads, d_head, size):
    return np.empty((2, layers, kv_heads, n, d_head), dtype=f"f{size}").nbytes


@right("12.cache_bytes")
def bytes_as_float(n, layers, heads, kv_heads, d_head, size):
    return float(2 * layers * kv_heads * d_head * n * size)


# --- grouped_attention ------------------------------------------------------------------------------------------------


def attended(queries, keys, values):
    return scaled_dot_product_attention(queries, keys, values)[0]


@wrong("12.grouped_attention", "groups-dealt")
def groups_by_tile(queries, keys, values):
    group = len(queries) // len(keys)
    return attended(queries, np.tile(keys, (group, 1, 1)), np.tile(values, (group, 1, 1)))


@wrong("12.grouped_attention", "groups-first-only")
def groups_by_first(queries, keys, values):
    return attended(queries, keys[:1], values[:1])


@wrong("12.grouped_attention", "groups-values-dealt")
def groups_with_tiled_values(queries, keys, values):
    group = len(queries) // len(keys)
    return attended(queries, np.repeat(keys, group, axis=0), np.tile(values, (group, 1, 1)))


@wrong("12.grouped_attention", "groups-keys-averaged")
def groups_averaged(queries, keys, values):
    return attended(queries, keys.mean(axis=0), values.mean(axis=0))


@wrong("12.grouped_attention", "groups-queries-averaged")
def groups_of_averaged_queries(queries, keys, values):
    groups = queries.reshape(len(keys), -1, *queries.shape[1:]).mean(axis=1)
    return attended(groups, keys, values)


@wrong("12.grouped_attention", "groups-queries-averaged")
def groups_of_averaged_queries_repeated(queries, keys, values):
    groups = queries.reshape(len(keys), -1, *queries.shape[1:]).mean(axis=1)
    return np.repeat(attended(groups, keys, values), len(queries) // len(keys), axis=0)


@wrong("12.grouped_attention", "groups-reversed")
def groups_from_the_last(queries, keys, values):
    group = len(queries) // len(keys)
    return attended(queries, np.repeat(keys[::-1], group, axis=0), np.repeat(values[::-1], group, axis=0))


@wrong("12.grouped_attention", "groups-not-merged")
def groups_left_apart(queries, keys, values):
    split = queries.reshape(len(keys), -1, *queries.shape[1:])
    return scaled_dot_product_attention(split, keys[:, None], values[:, None])[0]


@wrong("12.grouped_attention", "groups-heads-lost")
def groups_of_the_first_heads(queries, keys, values):
    return scaled_dot_product_attention(queries[: len(keys)], keys, values)[0]


@wrong("12.grouped_attention", "not-scaled")
def groups_not_scaled(queries, keys, values):
    group = len(queries) // len(keys)
    keys, values = np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0)
    return softmax(queries @ keys.swapaxes(-1, -2)) @ values


@right("12.grouped_attention")
def groups_repeated(queries, keys, values):
    group = len(queries) // len(keys)
    return attended(queries, np.repeat(keys, group, axis=0), np.repeat(values, group, axis=0))


@right("12.grouped_attention")
def groups_as_an_axis(queries, keys, values):
    groups = queries.reshape(len(keys), -1, *queries.shape[1:])  # (kv_heads, group, queries, d_k)
    return attended(groups, keys[:, None], values[:, None]).reshape(*queries.shape[:2], -1)


@right("12.grouped_attention")
def groups_by_a_loop(queries, keys, values):
    group = len(queries) // len(keys)
    return np.stack([attended(one, keys[head // group], values[head // group]) for head, one in enumerate(queries)])


# --- mean_gradient ----------------------------------------------------------------------------------------------------


@wrong("12.mean_gradient", "gradient-mean-of-means")
def gradient_plain_mean(gradients, counts):
    return gradients.mean(axis=0)


@wrong("12.mean_gradient", "gradient-sum")
def gradient_added(gradients, counts):
    return gradients.sum(axis=0)


@wrong("12.mean_gradient", "gradient-not-divided")
def gradient_of_the_sum(gradients, counts):
    return counts @ gradients


@wrong("12.mean_gradient", "gradient-divided-by-processes")
def gradient_by_processes(gradients, counts):
    return counts @ gradients / len(counts)


@wrong("12.mean_gradient", "gradient-means-by-tokens")
def gradient_divided_twice(gradients, counts):
    return gradients.sum(axis=0) / counts.sum()


@wrong("12.mean_gradient", "gradient-inverse-counts")
def gradient_wrong_weights(gradients, counts):
    with np.errstate(divide="ignore"):
        return np.average(gradients, axis=0, weights=1 / counts)


@wrong("12.mean_gradient", "gradient-largest-only")
def gradient_of_the_busiest(gradients, counts):
    return gradients[np.argmax(counts)]


@wrong("12.mean_gradient", "gradient-nan-spreads")
def gradient_weighted_with_nan(gradients, counts):
    return counts @ gradients / counts.sum()


@wrong("12.mean_gradient", "wrong-shape")
def gradient_not_added(gradients, counts):
    return np.nan_to_num(gradients) * counts[:, None] / counts.sum()


@right("12.mean_gradient")
def gradient_without_the_idle(gradients, counts):
    return np.average(gradients[counts > 0], axis=0, weights=counts[counts > 0])


@right("12.mean_gradient")
def gradient_with_where(gradients, counts):
    return counts @ np.where(counts[:, None] > 0, gradients, 0) / counts.sum()


@right("12.mean_gradient")
def gradient_by_loop(gradients, counts):
    total = np.zeros(gradients.shape[1])
    for gradient, count in zip(gradients, counts, strict=True):
        if count:
            total += count * gradient
    return total / counts.sum()

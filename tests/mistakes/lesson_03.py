"""Answers to lesson 03's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from tests.mistakes.collection import right, wrong

# --- scores -----------------------------------------------------------------------------------------------------------


@wrong("03.scores", "no-transpose")
def scores_without_transpose(queries, keys):
    return queries @ keys if queries.shape[-1] == keys.shape[-2] else queries @ keys.T


@wrong("03.scores", "scores-transposed")
def scores_keys_by_queries(queries, keys):
    return keys @ queries.T


@wrong("03.scores", "elementwise")
def scores_number_by_number(queries, keys):
    return queries * keys


@wrong("03.scores", "scores-scaled")
def scores_scaled_already(queries, keys):
    return queries @ keys.T / np.sqrt(keys.shape[-1])


@wrong("03.scores", "scores-normalised")
def scores_as_cosines(queries, keys):
    queries = queries / np.linalg.norm(queries, axis=-1, keepdims=True)
    return queries @ (keys / np.linalg.norm(keys, axis=-1, keepdims=True)).T


@wrong("03.scores", "negative-distance")
def scores_as_distances(queries, keys):
    return -((queries[:, None] - keys[None]) ** 2).sum(axis=-1)


@wrong("03.scores", "fails-on-batch")
def scores_with_capital_t(queries, keys):
    return queries @ keys.T


@wrong("03.scores", "wrong-on-batch")
def scores_of_the_first_matrix(queries, keys):
    table = queries @ np.swapaxes(keys, -1, -2)
    return np.broadcast_to(table[(0,) * (table.ndim - 2)], table.shape)


@wrong("03.scores", "not-finite")
def scores_under_a_root(queries, keys):
    return np.sqrt(queries @ keys.T)


@wrong("03.softmax", "missing-keepdims")
def softmax_maximum_without_keepdims(scores):
    exponentials = np.exp(scores - scores.max(axis=-1))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@right("03.scores")
def scores_by_einsum(queries, keys):
    return np.einsum("...qd,...kd->...qk", queries, keys)


@right("03.scores")
def scores_by_broadcasting(queries, keys):
    return (queries[..., :, None, :] * keys[..., None, :, :]).sum(axis=-1)


@right("03.scores")
def scores_by_loops(queries, keys):
    table = np.zeros(queries.shape[:-1] + keys.shape[-2:-1])
    for place in np.ndindex(table.shape):
        batch, (i, j) = place[:-2], place[-2:]
        table[place] = sum(a * b for a, b in zip(queries[(*batch, i)], keys[(*batch, j)], strict=True))
    return table


# --- softmax ----------------------------------------------------------------------------------------------------------


@wrong("03.softmax", "softmax-over-queries")
def softmax_down_the_columns(scores):
    exponentials = np.exp(scores - scores.max(axis=0, keepdims=True))
    return exponentials / exponentials.sum(axis=0, keepdims=True)


@wrong("03.softmax", "softmax-overflow")
def softmax_naive(scores):
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@wrong("03.softmax", "softmax-global-maximum")
def softmax_one_maximum(scores):
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@wrong("03.softmax", "softmax-over-everything")
def softmax_one_total(scores):
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


@wrong("03.softmax", "softmax-axis-1")
def softmax_axis_one(scores):
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@wrong("03.softmax", "missing-keepdims")
def softmax_without_keepdims(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1)


@wrong("03.softmax", "no-exponential")
def softmax_of_plain_shares(scores):
    return scores / scores.sum(axis=-1, keepdims=True)


@wrong("03.softmax", "hard-maximum")
def softmax_as_maximum(scores):
    return (scores == scores.max(axis=-1, keepdims=True)).astype(float)


@wrong("03.softmax", "sigmoid")
def softmax_as_sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


@wrong("03.softmax", "returns-logarithm")
def softmax_logarithm(scores):
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@wrong("03.softmax", "softmax-clipped")
def softmax_clipped(scores):
    exponentials = np.exp(np.clip(scores, -500, 500))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@wrong("03.softmax", "no-softmax")
def softmax_nothing_done(scores):
    return scores.copy()


@wrong("03.softmax", "rows-do-not-sum-to-1")
def softmax_not_divided(scores):
    return np.exp(scores - scores.max(axis=-1, keepdims=True))


@wrong("03.softmax", "softmax-of-a-multiple")
def softmax_base_two(scores):
    powers = 2.0 ** (scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@wrong("03.softmax", "changes-its-input")
def softmax_in_place(scores):
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


@wrong("03.softmax", "softmax-axis-1")
def softmax_two_axes_only(scores):
    exponentials = np.exp(scores - scores.max(axis=1)[:, None])
    return exponentials / exponentials.sum(axis=1)[:, None]


@right("03.softmax")
def softmax_by_log_sum_exp(scores):
    return np.exp(scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True))


@right("03.softmax")
def softmax_by_rows(scores):
    def row(values):
        powers = np.exp(values - max(values))
        return powers / sum(powers)

    return np.apply_along_axis(row, -1, scores)


@right("03.softmax")
def softmax_in_float32(scores):
    scores = scores.astype(np.float32)
    powers = np.exp(scores - np.amax(scores, -1, keepdims=True))
    return np.divide(powers, np.add.reduce(powers, -1, keepdims=True))


@right("03.softmax")
def softmax_by_pairwise_differences(scores):
    with np.errstate(over="ignore"):
        return 1 / np.exp(scores[..., None, :] - scores[..., :, None]).sum(axis=-1)


@right("03.softmax")
def softmax_with_epsilon(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / (powers.sum(axis=-1, keepdims=True) + 1e-12)


# --- breaking_case ----------------------------------------------------------------------------------------------------


@wrong("03.breaking_case", "does-not-break")
def case_that_is_too_small():
    return np.array([[700.0, 0.0]]), np.array([[True, True]])


@wrong("03.breaking_case", "scores-not-finite")
def case_with_infinity():
    return np.array([[np.inf, 0.0]]), np.array([[True, True]])


@wrong("03.breaking_case", "case-fully-masked")
def case_without_keys():
    return np.array([[1.0, 0.0]]), np.array([[False, False]])


@wrong("03.breaking_case", "mask-not-boolean")
def case_with_number_mask():
    return np.array([[1000.0, 0.0]]), np.array([[1, 1]])


@wrong("03.breaking_case", "not-a-pair-of-scores")
def case_without_mask():
    return np.array([[1000.0, 0.0]])


@wrong("03.breaking_case", "wrong-shape")
def case_with_one_mask_entry():
    return np.array([[1000.0, 0.0]]), np.array([[True]])


@right("03.breaking_case")
def case_that_underflows():
    return np.array([[-800.0, -801.0]]), np.array([[True, True]])


@right("03.breaking_case")
def case_with_masked_giant():
    return np.array([[1.0, 2000.0], [0.0, 0.0]]), np.array([[True, False], [True, True]])


# --- masked_softmax ---------------------------------------------------------------------------------------------------


def plain_softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def good_masked_softmax(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total == 0, 1, total)


@wrong("03.masked_softmax", "mask-ignored")
def masked_softmax_without_mask(scores, mask):
    return plain_softmax(scores)


@wrong("03.masked_softmax", "mask-inverted")
def masked_softmax_inverted(scores, mask):
    return good_masked_softmax(scores, ~mask)


@wrong("03.masked_softmax", "mask-after-softmax")
def masked_softmax_masked_late(scores, mask):
    return plain_softmax(scores) * mask


@wrong("03.masked_softmax", "mask-filled-with-zero")
def masked_softmax_zeros(scores, mask):
    return plain_softmax(scores * mask)


@wrong("03.masked_softmax", "mask-leaks")
def masked_softmax_fill_too_small(scores, mask):
    return plain_softmax(np.where(mask, scores, -10.0))


@wrong("03.masked_softmax", "softmax-overflow")
def masked_softmax_naive(scores, mask):
    powers = np.exp(scores) * mask
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total == 0, 1, total)


@wrong("03.masked_softmax", "maximum-over-masked")
def masked_softmax_maximum_of_all(scores, mask):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True)) * mask
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total == 0, 1, total)


@wrong("03.masked_softmax", "fully-masked-nan")
def masked_softmax_nan_row(scores, mask):
    return plain_softmax(np.where(mask, scores, -np.inf))


@wrong("03.masked_softmax", "fully-masked-uniform")
def masked_softmax_uniform_row(scores, mask):
    return plain_softmax(np.where(mask, scores, -1e9))


@wrong("03.masked_softmax", "fully-masked-not-zero")
def masked_softmax_first_key_row(scores, mask):
    weights = good_masked_softmax(scores, mask)
    weights[~mask.any(axis=-1), 0] = 1.0
    return weights


@wrong("03.masked_softmax", "softmax-over-queries")
def masked_softmax_over_columns(scores, mask):
    return good_masked_softmax(scores.T, mask.T).T


@right("03.masked_softmax")
def masked_softmax_good(scores, mask):
    return good_masked_softmax(scores, mask)


@right("03.masked_softmax")
def masked_softmax_then_zeroed(scores, mask):
    weights = plain_softmax(np.where(mask, scores, -1e30))
    return np.where(mask, weights, 0.0)


@right("03.masked_softmax")
def masked_softmax_row_by_row(scores, mask):
    scores, mask = np.broadcast_arrays(scores, mask)
    weights = np.zeros(scores.shape)
    for place in np.ndindex(scores.shape[:-1]):
        allowed = mask[place]
        if allowed.any():
            weights[place][allowed] = plain_softmax(scores[place][allowed])
    return weights


@right("03.masked_softmax")
def masked_softmax_by_numpy_where(scores, mask):
    top = np.max(scores, axis=-1, keepdims=True, where=mask, initial=-np.inf)
    powers = np.exp(scores - np.where(mask.any(axis=-1, keepdims=True), top, 0), where=mask, out=np.zeros(scores.shape))
    total = powers.sum(axis=-1, keepdims=True)
    return np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)


# --- scaled_dot_product_attention -------------------------------------------------------------------------------------


def attention(queries, keys, values, mask=None, *, divide_by=None, softmax=good_masked_softmax):
    """A right attention with two places to break it: what the scores are divided by, and the softmax."""
    scores = queries @ np.swapaxes(keys, -1, -2)
    scores = scores / (np.sqrt(keys.shape[-1]) if divide_by is None else divide_by)
    weights = softmax(scores, np.ones(scores.shape, dtype=bool) if mask is None else mask)
    return weights @ values, weights


@wrong("03.scaled_dot_product_attention", "not-scaled")
def attention_not_scaled(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, divide_by=1)


@wrong("03.scaled_dot_product_attention", "scaled-by-d_k")
def attention_divided_by_d_k(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, divide_by=keys.shape[-1])


@wrong("03.scaled_dot_product_attention", "scaled-by-d_v")
def attention_divided_by_root_d_v(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, divide_by=np.sqrt(values.shape[-1]))


@wrong("03.scaled_dot_product_attention", "scaled-by-length")
def attention_divided_by_root_of_keys(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, divide_by=np.sqrt(len(keys)))


@wrong("03.scaled_dot_product_attention", "scale-multiplied")
def attention_multiplied(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, divide_by=1 / np.sqrt(keys.shape[-1]))


@wrong("03.scaled_dot_product_attention", "sign-flipped")
def attention_of_opposites(queries, keys, values, mask=None):
    return attention(-queries, keys, values, mask)


@wrong("03.scaled_dot_product_attention", "wrong-scale")
def attention_halved(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, divide_by=2)


@wrong("03.scaled_dot_product_attention", "returns-weights")
def attention_weights_twice(queries, keys, values, mask=None):
    _, weights = attention(queries, keys, values, mask)
    return weights, weights


@wrong("03.scaled_dot_product_attention", "returns-scores")
def attention_scores_for_weights(queries, keys, values, mask=None):
    context, _ = attention(queries, keys, values, mask)
    return context, queries @ keys.T


@wrong("03.scaled_dot_product_attention", "returns-scores")
def attention_scores_for_context(queries, keys, values, mask=None):
    _, weights = attention(queries, keys, values, mask)
    return queries @ keys.T, weights


@wrong("03.scaled_dot_product_attention", "returns-weights-only")
def attention_weights_alone(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask)[1]


@wrong("03.scaled_dot_product_attention", "returns-context-only")
def attention_context_alone(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask)[0]


@wrong("03.scaled_dot_product_attention", "outputs-swapped")
def attention_swapped(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask)[::-1]


@wrong("03.scaled_dot_product_attention", "not-a-pair")
def attention_three_things(queries, keys, values, mask=None):
    context, weights = attention(queries, keys, values, mask)
    return context, weights, weights


@wrong("03.scaled_dot_product_attention", "mixes-keys")
def attention_mixing_keys(queries, keys, values, mask=None):
    _, weights = attention(queries, keys, values, mask)
    return weights @ keys, weights


@wrong("03.scaled_dot_product_attention", "softmax-over-queries")
def attention_softmax_over_queries(queries, keys, values, mask=None):
    return attention(
        queries, keys, values, mask, softmax=lambda s, m: np.swapaxes(plain_softmax(np.swapaxes(s, -1, -2)), -1, -2)
    )


@wrong("03.scaled_dot_product_attention", "softmax-over-everything")
def attention_one_total(queries, keys, values, mask=None):
    def softmax(scores, mask):
        powers = np.exp(scores - scores.max()) * mask
        return powers / powers.sum()

    return attention(queries, keys, values, mask, softmax=softmax)


@wrong("03.scaled_dot_product_attention", "rows-do-not-sum-to-1")
def attention_without_division(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, softmax=lambda s, m: np.exp(s))


@wrong("03.scaled_dot_product_attention", "mask-ignored")
def attention_without_mask(queries, keys, values, mask=None):
    return attention(queries, keys, values)


@wrong("03.scaled_dot_product_attention", "mask-inverted")
def attention_inverted_mask(queries, keys, values, mask=None):
    return attention(queries, keys, values, None if mask is None else ~mask)


@wrong("03.scaled_dot_product_attention", "mask-after-softmax")
def attention_mask_after_softmax(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, softmax=lambda s, m: plain_softmax(s) * m)


@wrong("03.scaled_dot_product_attention", "mask-filled-with-zero")
def attention_mask_of_zeros(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, softmax=lambda s, m: plain_softmax(np.where(m, s, 0)))


@wrong("03.scaled_dot_product_attention", "fully-masked-nan")
def attention_nan_for_empty_row(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, softmax=lambda s, m: plain_softmax(np.where(m, s, -np.inf)))


@wrong("03.scaled_dot_product_attention", "fully-masked-uniform")
def attention_uniform_for_empty_row(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, softmax=lambda s, m: plain_softmax(np.where(m, s, -1e9)))


@wrong("03.scaled_dot_product_attention", "softmax-overflow")
def attention_naive_exponentials(queries, keys, values, mask=None):
    def softmax(scores, mask):
        powers = np.exp(scores) * mask
        total = powers.sum(axis=-1, keepdims=True)
        return powers / np.where(total == 0, 1, total)

    return attention(queries, keys, values, mask, softmax=softmax)


@wrong("03.scaled_dot_product_attention", "float16-overflow")
def attention_fill_of_minus_1e9(queries, keys, values, mask=None):
    def softmax(scores, mask):
        fill = np.asarray(-1e9, dtype=scores.dtype)  # -inf in half precision, and 0 · inf is NaN
        weights = plain_softmax(scores + ~mask * fill)
        return weights * mask.any(axis=-1, keepdims=True)

    # keys.shape[-1] ** 0.5 is a Python float, which leaves half precision as it is; np.sqrt(…) would make it double.
    return attention(queries, keys, values, mask, divide_by=keys.shape[-1] ** 0.5, softmax=softmax)


@wrong("03.scaled_dot_product_attention", "fails-on-batch")
def attention_capital_t(queries, keys, values, mask=None):
    scores = queries @ keys.T / np.sqrt(keys.shape[-1])
    weights = good_masked_softmax(scores, np.ones(scores.shape, dtype=bool) if mask is None else mask)
    return weights @ values, weights


@right("03.scaled_dot_product_attention")
def attention_good(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask)


@right("03.scaled_dot_product_attention")
def attention_by_einsum(queries, keys, values, mask=True):
    scores = np.einsum("...qd,...kd->...qk", queries, keys, dtype=float) * keys.shape[-1] ** -0.5
    weights = masked_softmax_row_by_row(scores, True if mask is None else mask)
    return np.einsum("...qk,...kv->...qv", weights, values), weights


@right("03.scaled_dot_product_attention")
def attention_scaling_the_queries(queries, keys, values, mask=None):
    scores = (queries.astype(float) / keys.shape[-1] ** 0.5) @ np.moveaxis(keys, -1, -2)
    if mask is not None:
        scores[~np.broadcast_to(mask, scores.shape)] = -np.inf
    with np.errstate(invalid="ignore"):
        weights = np.nan_to_num(plain_softmax(scores))
    return weights @ values, weights


@right("03.scaled_dot_product_attention")
def attention_in_float32(queries, keys, values, mask=None):
    return attention(*(array.astype(np.float32) for array in (queries, keys, values)), mask)


# --- causal_mask ------------------------------------------------------------------------------------------------------


@wrong("03.causal_mask", "mask-inverted")
def causal_mask_of_the_blocked(seq_len):
    return np.triu(np.ones((seq_len, seq_len), dtype=bool), k=1)


@wrong("03.causal_mask", "causal-diagonal-excluded")
def causal_mask_without_itself(seq_len):
    return np.tril(np.ones((seq_len, seq_len), dtype=bool), k=-1)


@wrong("03.causal_mask", "causal-sees-next")
def causal_mask_one_too_far(seq_len):
    return np.tril(np.ones((seq_len, seq_len), dtype=bool), k=1)


@wrong("03.causal_mask", "causal-transposed")
def causal_mask_of_the_future(seq_len):
    return np.triu(np.ones((seq_len, seq_len), dtype=bool))


@wrong("03.causal_mask", "mask-not-boolean")
def causal_mask_of_numbers(seq_len):
    return np.tril(np.ones((seq_len, seq_len)))


@wrong("03.causal_mask", "mask-additive")
def causal_mask_to_add(seq_len):
    return np.where(np.tril(np.ones((seq_len, seq_len), dtype=bool)), 0.0, -np.inf)


@wrong("03.causal_mask", "mask-allows-all")
def causal_mask_of_ones(seq_len):
    return np.ones((seq_len, seq_len), dtype=bool)


@wrong("03.causal_mask", "wrong-shape")
def causal_mask_with_extra_axis(seq_len):
    return np.tril(np.ones((1, seq_len, seq_len), dtype=bool))


@right("03.causal_mask")
def causal_mask_by_positions(seq_len):
    positions = np.arange(seq_len)
    return positions[:, None] >= positions[None, :]


@right("03.causal_mask")
def causal_mask_by_loops(seq_len):
    return np.array([[key <= query for key in range(seq_len)] for query in range(seq_len)])


@right("03.causal_mask")
def causal_mask_by_tri(seq_len):
    return np.tri(seq_len, dtype=bool)


# --- padding_mask -----------------------------------------------------------------------------------------------------


@wrong("03.padding_mask", "mask-inverted")
def padding_mask_of_the_padding(token_ids, pad_id=0):
    return (token_ids == pad_id)[:, None, :]


@wrong("03.padding_mask", "no-query-axis")
def padding_mask_two_axes(token_ids, pad_id=0):
    return token_ids != pad_id


@wrong("03.padding_mask", "masks-queries")
def padding_mask_of_queries(token_ids, pad_id=0):
    return (token_ids != pad_id)[:, :, None]


@wrong("03.padding_mask", "masks-queries-too")
def padding_mask_of_both(token_ids, pad_id=0):
    real = token_ids != pad_id
    return real[:, None, :] & real[:, :, None]


@wrong("03.padding_mask", "pad-id-hard-coded")
def padding_mask_of_zero(token_ids, pad_id=0):
    return (token_ids != 0)[:, None, :]


@wrong("03.padding_mask", "compares-greater")
def padding_mask_above(token_ids, pad_id=0):
    return (token_ids > pad_id)[:, None, :]


@wrong("03.padding_mask", "mask-not-boolean")
def padding_mask_of_numbers(token_ids, pad_id=0):
    return (token_ids != pad_id)[:, None, :].astype(int)


@wrong("03.padding_mask", "mask-additive")
def padding_mask_to_add(token_ids, pad_id=0):
    return np.where(token_ids != pad_id, 0.0, -1e9)[:, None, :]


@right("03.padding_mask")
def padding_mask_by_expand_dims(token_ids, pad_id=0):
    return np.expand_dims(np.not_equal(token_ids, pad_id), axis=1)


@right("03.padding_mask")
def padding_mask_by_loops(token_ids, pad_id=0):
    return np.array([[[token != pad_id for token in sentence]] for sentence in token_ids.tolist()])


# --- weights_at_angles ------------------------------------------------------------------------------------------------


def turned(angles, length):
    return length * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


@wrong("03.weights_at_angles", "degrees")
def angles_in_degrees(angles, length, keys):
    return attention(turned(np.radians(angles), length), keys, keys)[1]


@wrong("03.weights_at_angles", "sine-cosine-swapped")
def angles_sine_first(angles, length, keys):
    return attention(turned(angles, length)[:, ::-1], keys, keys)[1]


@wrong("03.weights_at_angles", "turns-clockwise")
def angles_clockwise(angles, length, keys):
    return attention(turned(-angles, length), keys, keys)[1]


@wrong("03.weights_at_angles", "length-ignored")
def angles_unit_length(angles, length, keys):
    return attention(turned(angles, 1), keys, keys)[1]


@wrong("03.weights_at_angles", "length-twice")
def angles_long_keys(angles, length, keys):
    return attention(turned(angles, length), length * keys, keys)[1]


@wrong("03.weights_at_angles", "not-scaled")
def angles_not_scaled(angles, length, keys):
    return attention(turned(angles, length), keys, keys, divide_by=1)[1]


@wrong("03.weights_at_angles", "scaled-by-d_k")
def angles_divided_by_two(angles, length, keys):
    return attention(turned(angles, length), keys, keys, divide_by=2)[1]


@wrong("03.weights_at_angles", "returns-scores")
def angles_scores(angles, length, keys):
    return turned(angles, length) @ keys.T / np.sqrt(2)


@wrong("03.weights_at_angles", "scores-transposed")
def angles_as_columns(angles, length, keys):
    return attention(turned(angles, length), keys, keys)[1].T


@right("03.weights_at_angles")
def angles_good(angles, length, keys):
    return attention(turned(angles, length), keys, keys)[1]


@right("03.weights_at_angles")
def angles_one_by_one(angles, length, keys):
    rows = [attention(length * np.array([[np.cos(a), np.sin(a)]]), keys, keys)[1][0] for a in angles]
    return np.array(rows)


@right("03.weights_at_angles")
def angles_by_complex_numbers(angles, length, keys):
    scores = length * (np.exp(-1j * angles)[:, None] * (keys[:, 0] + 1j * keys[:, 1])).real
    return plain_softmax(scores / 2**0.5)


# --- self_attention ---------------------------------------------------------------------------------------------------


@wrong("03.self_attention", "no-projection")
def self_attention_of_embeddings(embeddings, W_Q, W_K, W_V, mask=None):
    _, weights = attention(embeddings, embeddings, embeddings, mask)
    return weights @ embeddings @ W_V, weights


@wrong("03.self_attention", "projections-swapped")
def self_attention_swapped(embeddings, W_Q, W_K, W_V, mask=None):
    return attention(embeddings @ W_K, embeddings @ W_Q, embeddings @ W_V, mask)


@wrong("03.self_attention", "values-from-keys")
def self_attention_keys_mixed(embeddings, W_Q, W_K, W_V, mask=None):
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_K, mask)


@wrong("03.self_attention", "values-not-projected")
def self_attention_embeddings_mixed(embeddings, W_Q, W_K, W_V, mask=None):
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings, mask)


@wrong("03.self_attention", "scaled-by-d_model")
def self_attention_wrong_root(embeddings, W_Q, W_K, W_V, mask=None):
    root = np.sqrt(embeddings.shape[-1])
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask, divide_by=root)


@wrong("03.self_attention", "not-scaled")
def self_attention_not_scaled(embeddings, W_Q, W_K, W_V, mask=None):
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask, divide_by=1)


@wrong("03.self_attention", "mask-ignored")
def self_attention_without_mask(embeddings, W_Q, W_K, W_V, mask=None):
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V)


@wrong("03.self_attention", "order-matters")
def self_attention_with_positions(embeddings, W_Q, W_K, W_V, mask=None):
    embeddings = embeddings + 0.1 * np.arange(len(embeddings))[:, None]
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask)


@wrong("03.self_attention", "returns-context-only")
def self_attention_context_alone(embeddings, W_Q, W_K, W_V, mask=None):
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask)[0]


@right("03.self_attention")
def self_attention_good(embeddings, W_Q, W_K, W_V, mask=None):
    return attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask)


@right("03.self_attention")
def self_attention_one_product(embeddings, W_Q, W_K, W_V, mask=None):
    together = embeddings @ np.concatenate([W_Q, W_K, W_V], axis=1)
    queries, keys, values = np.split(together, [W_Q.shape[1], W_Q.shape[1] + W_K.shape[1]], axis=1)
    return attention_by_einsum(queries, keys, values, mask)


# --- found by a second reader ------------------------------------------------------------------------------------------


def shares(exponentials):
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@wrong("03.softmax", "softmax-mean-subtracted")
def softmax_around_the_mean(scores):
    return shares(np.exp(scores - scores.mean(axis=-1, keepdims=True)))


@wrong("03.softmax", "softmax-twice")
def softmax_of_softmax(scores):
    return shares(np.exp(shares(np.exp(scores - scores.max(axis=-1, keepdims=True)))))


@wrong("03.softmax", "softmax-smallest-wins")
def softmax_with_the_sign_turned(scores):
    return shares(np.exp(scores.min(axis=-1, keepdims=True) - scores))


@wrong("03.self_attention", "keys-from-queries")
def self_attention_with_one_matrix_for_both(embeddings, W_Q, W_K, W_V, mask=None):
    queries = embeddings @ W_Q
    scores = queries @ queries.T / np.sqrt(queries.shape[-1])
    scores = scores if mask is None else np.where(mask, scores, -np.inf)
    weights = shares(np.exp(scores - scores.max(axis=-1, keepdims=True)))
    return weights @ embeddings @ W_V, weights


@wrong("03.scores", "queries-with-queries")
def scores_of_queries_alone(queries, keys):
    return queries @ np.swapaxes(queries, -1, -2)


@wrong("03.scores", "scores-softmaxed")
def scores_that_are_weights(queries, keys):
    return plain_softmax(queries @ np.swapaxes(keys, -1, -2))


@wrong("03.scores", "dot-on-batch")
def scores_by_dot(queries, keys):
    return np.dot(queries, np.swapaxes(keys, -1, -2))


@wrong("03.softmax", "softmax-maximum-of-columns")
def softmax_below_each_column(scores):
    return shares(np.exp(scores - scores.max(axis=0, keepdims=True)))


@wrong("03.softmax", "softmax-shift-above-only")
def softmax_shifted_above(scores):
    return np.exp(scores - scores.max(axis=-1, keepdims=True)) / np.exp(scores).sum(axis=-1, keepdims=True)


@wrong("03.softmax", "softmax-divides-by-scores")
def softmax_over_the_sum_of_scores(scores):
    return np.exp(scores) / scores.sum(axis=-1, keepdims=True)


@wrong("03.softmax", "sign-lost")
def softmax_of_sizes(scores):
    return shares(np.abs(scores))


@wrong("03.softmax", "sign-lost")
def softmax_of_squares(scores):
    return shares(scores**2)


@wrong("03.softmax", "softmax-minimum-subtracted")
def softmax_above_the_smallest(scores):
    return shares(np.exp(scores - scores.min(axis=-1, keepdims=True)))


@wrong("03.softmax", "softmax-absolute-maximum")
def softmax_below_the_largest_size(scores):
    return shares(np.exp(scores - np.abs(scores).max(axis=-1, keepdims=True)))


@wrong("03.scaled_dot_product_attention", "context-not-the-mix")
def attention_with_a_scaled_context(queries, keys, values, mask=None):
    context, weights = attention(queries, keys, values, mask)
    return context / np.sqrt(keys.shape[-1]), weights


@wrong("03.scaled_dot_product_attention", "context-not-the-mix")
def attention_that_mixes_before_the_mask(queries, keys, values, mask=None):
    return attention(queries, keys, values)[0], attention(queries, keys, values, mask)[1]


@wrong("03.padding_mask", "query-axis-repeated")
def padding_mask_for_every_query(token_ids, pad_id=0):
    return np.repeat((token_ids != pad_id)[:, None, :], token_ids.shape[1], axis=1)


@wrong("03.padding_mask", "heads-axis")
def padding_mask_for_heads(token_ids, pad_id=0):
    return (token_ids != pad_id)[:, None, None, :]


@wrong("03.padding_mask", "causal-too")
def padding_mask_and_causal(token_ids, pad_id=0):
    return (token_ids != pad_id)[:, None, :] & np.tri(token_ids.shape[1], dtype=bool)


@wrong("03.padding_mask", "padding-on-the-right-assumed")
def padding_mask_by_lengths(token_ids, pad_id=0):
    lengths = (token_ids != pad_id).sum(axis=1, keepdims=True)
    return (np.arange(token_ids.shape[1]) < lengths)[:, None, :]


@wrong("03.weights_at_angles", "no-exponential")
def angles_plain_shares(angles, length, keys):
    return shares(turned(angles, length) @ keys.T / np.sqrt(2))


@wrong("03.weights_at_angles", "scores-normalised")
def angles_without_the_keys_length(angles, length, keys):
    return plain_softmax(turned(angles, length) @ (keys / np.linalg.norm(keys, axis=-1, keepdims=True)).T / np.sqrt(2))


@wrong("03.weights_at_angles", "scaled-by-length")
def angles_divided_by_the_root_of_keys(angles, length, keys):
    return plain_softmax(turned(angles, length) @ keys.T / np.sqrt(len(keys)))


@wrong("03.self_attention", "wrong-shape")
def self_attention_summed_up(embeddings, W_Q, W_K, W_V, mask=None):
    context, weights = attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask)
    return context.sum(axis=0), weights


@wrong("03.scores", "scores-averaged")
def scores_as_means(queries, keys):
    return queries @ np.swapaxes(keys, -1, -2) / keys.shape[-1]


@wrong("03.scores", "last-product-only")
def scores_in_a_loop_that_overwrites(queries, keys):
    scores = np.zeros((len(queries), len(keys)))
    for i in range(len(queries)):
        for j in range(len(keys)):
            for d in range(keys.shape[1]):
                scores[i, j] = queries[i, d] * keys[j, d]
    return scores


@wrong("03.scores", "elementwise")
def scores_not_added_up(queries, keys):
    return queries[..., :, None, :] * keys[..., None, :, :]


@wrong("03.scores", "negative-distance")
def scores_as_lengths_between(queries, keys):
    return np.linalg.norm(queries[:, None] - keys, axis=-1)


@wrong("03.scores", "different-values")
def scores_without_their_sign(queries, keys):
    return abs(queries @ np.swapaxes(keys, -1, -2))


@wrong("03.softmax", "softmax-of-a-multiple")
def softmax_that_scales(scores):
    return plain_softmax(scores / np.sqrt(scores.shape[-1]))


@wrong("03.softmax", "softmax-of-a-multiple")
def softmax_of_small_numbers(scores):
    return shares(np.exp(scores / 100))


@wrong("03.softmax", "softmax-fixed-shift")
def softmax_below_a_thousand(scores):
    return shares(np.exp(scores - 1000))


@wrong("03.softmax", "shares-without-exponential")
def softmax_above_the_minimum_as_it_is(scores):
    return shares(scores - scores.min(axis=-1, keepdims=True))


@wrong("03.softmax", "shares-without-exponential")
def softmax_of_what_is_positive(scores):
    return shares(np.maximum(scores, 0))


@wrong("03.softmax", "softmax-clipped")
def softmax_with_nan_to_num(scores):
    return np.nan_to_num(shares(np.exp(scores)))


@wrong("03.masked_softmax", "zero-times-infinity")
def masked_softmax_by_a_product_with_infinity(scores, mask):
    return plain_softmax(scores + (1 - mask) * -np.inf)


@wrong("03.masked_softmax", "zero-times-infinity")
def masked_softmax_filled_with_nan(scores, mask):
    return plain_softmax(np.where(mask, scores, np.nan))


@wrong("03.masked_softmax", "softmax-global-maximum")
def masked_softmax_one_maximum(scores, mask):
    scores = np.where(mask, scores, -np.inf)
    exponentials = np.exp(scores - scores.max())
    totals = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(totals == 0, 1, totals)


@wrong("03.masked_softmax", "fully-masked-nan")
def masked_softmax_for_a_mask_all_empty(scores, mask):
    return plain_softmax(np.where(mask, scores, -np.inf)) if mask.any() else np.zeros(scores.shape)


@right("03.masked_softmax")
def masked_softmax_by_nan_to_num(scores, mask):
    return np.nan_to_num(plain_softmax(np.where(mask, scores, -np.inf)))


@wrong("03.scaled_dot_product_attention", "scaled-after-softmax")
def attention_that_divides_the_weights(queries, keys, values, mask=None):
    weights = attention(queries, keys, values, mask, divide_by=1)[1] / np.sqrt(keys.shape[-1])
    return weights @ values, weights


@wrong("03.scaled_dot_product_attention", "scaled-after-softmax")
def attention_that_divides_the_context(queries, keys, values, mask=None):
    context, weights = attention(queries, keys, values, mask, divide_by=1)
    return context / np.sqrt(keys.shape[-1]), weights


@wrong("03.scaled_dot_product_attention", "none-hides-all")
def attention_that_takes_none_for_a_mask(queries, keys, values, mask=None):
    scores = queries @ np.swapaxes(keys, -1, -2) / np.sqrt(keys.shape[-1])
    weights = np.nan_to_num(plain_softmax(np.where(mask, scores, -np.inf)))
    return weights @ values, weights


@wrong("03.scaled_dot_product_attention", "returns-logarithm")
def attention_with_logarithms(queries, keys, values, mask=None):
    context, weights = attention(queries, keys, values, mask)
    return context, np.log(weights)


@wrong("03.scaled_dot_product_attention", "softmax-twice")
def attention_with_two_softmaxes(queries, keys, values, mask=None):
    weights = plain_softmax(attention(queries, keys, values, mask)[1])
    return weights @ values, weights


@wrong("03.causal_mask", "mask-allows-none")
def causal_mask_never_filled(seq_len):
    return np.zeros((seq_len, seq_len), dtype=bool)


@wrong("03.causal_mask", "causal-itself-only")
def causal_mask_of_the_diagonal(seq_len):
    return np.eye(seq_len, dtype=bool)


@wrong("03.padding_mask", "axis-in-front")
def padding_mask_axis_in_front(token_ids, pad_id=0):
    return (token_ids != pad_id)[None]


@wrong("03.padding_mask", "padding-on-the-right-assumed")
def padding_mask_up_to_the_first(token_ids, pad_id=0):
    mask = np.ones(token_ids.shape, dtype=bool)
    for row, tokens in zip(mask, token_ids, strict=True):
        if pad_id in tokens:
            row[list(tokens).index(pad_id) :] = False
    return mask[:, None, :]


@wrong("03.weights_at_angles", "degrees")
def angles_turned_into_degrees(angles, length, keys):
    return attention(turned(np.degrees(angles), length), keys, keys)[1]


@wrong("03.weights_at_angles", "length-added")
def angles_plus_length(angles, length, keys):
    return attention(length + turned(angles, 1), keys, keys)[1]


@wrong("03.weights_at_angles", "length-on-one-axis")
def angles_length_of_the_cosine(angles, length, keys):
    return attention(np.stack([length * np.cos(angles), np.sin(angles)], axis=-1), keys, keys)[1]


@wrong("03.weights_at_angles", "context-for-weights")
def angles_contexts(angles, length, keys):
    return attention(turned(angles, length), keys, keys)[0]


@wrong("03.weights_at_angles", "returns-several")
def angles_both(angles, length, keys):
    return attention(turned(angles, length), keys, keys)


@wrong("03.self_attention", "values-from-queries")
def self_attention_queries_mixed(embeddings, W_Q, W_K, W_V, mask=None):
    queries = embeddings @ W_Q
    weights = attention(queries, embeddings @ W_K, queries, mask)[1]
    return weights @ queries, weights

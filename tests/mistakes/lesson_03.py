"""Right answers to lesson 03's exercises in other styles."""

import numpy as np

from tests.mistakes.collection import equal, right, wrong

# --- scores -----------------------------------------------------------------------------------------------------------


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


@right("03.padding_mask")
def padding_mask_by_expand_dims(token_ids, pad_id=0):
    return np.expand_dims(np.not_equal(token_ids, pad_id), axis=1)


@right("03.padding_mask")
def padding_mask_by_loops(token_ids, pad_id=0):
    return np.array([[[token != pad_id for token in sentence]] for sentence in token_ids.tolist()])


# --- weights_at_angles ------------------------------------------------------------------------------------------------


def turned(angles, length):
    return length * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


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


@right("03.masked_softmax")
def masked_softmax_by_nan_to_num(scores, mask):
    return np.nan_to_num(plain_softmax(np.where(mask, scores, -np.inf)))


@right("03.breaking_case")
def case_that_overflows_in_float32():
    return np.array([[100.0, 0.0]], dtype=np.float32), np.array([[True, True]])


@right("03.self_attention")
def self_attention_of_one_bilinear_form(embeddings, W_Q, W_K, W_V, mask=None):
    scores = embeddings @ (W_Q @ W_K.T) @ embeddings.T / W_K.shape[1] ** 0.5
    weights = good_masked_softmax(scores, True if mask is None else mask)
    return (weights @ embeddings) @ W_V, weights


@wrong("03.scaled_dot_product_attention", "outputs-swapped")  # and not the context's rows, which sum to no 1
def attention_unscaled_with_weights_first(queries, keys, values, mask=None):
    return attention(queries, keys, values, mask, divide_by=1)[::-1]


@wrong("03.masked_softmax", "maximum-over-masked")  # and not the small number, which makes no difference
def masked_softmax_renormalised(scores, mask):
    weights = plain_softmax(scores) * mask
    return weights / (weights.sum(axis=-1, keepdims=True) + 1e-9)


# --- changes that leave the solutions right -----------------------------------------------------------------------------

for change in ("1000.0 -> 1001.0", "1000.0 -> 999.0", "0.0 -> 1.0", "0.0 -> -1.0", "True -> False"):
    equal("03.breaking_case", change, "any two scores of which one overflows break it")
for change in ("0.0 -> 1.0", "0.0 -> -1.0"):
    equal("03.masked_softmax", change, "what is subtracted from an empty row does not matter")
for change in ("1.0 -> 2.0", "0 -> 1"):
    equal(
        "03.masked_softmax",
        change,
        "an empty row's sum of 0 may be divided by anything but 0; other sums are at least 1",
    )
equal("03.weights_at_angles", "-1 -> +1", "there are two axes")

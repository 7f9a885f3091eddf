"""Answers to lesson 01's exercises: the mistakes that people make, and right answers in other styles."""

from collections import deque

import numpy as np

from course_lib.classroom.practice.lesson_01 import colleagues_step
from tests.mistakes.collection import right, wrong


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


# --- dot_scores -------------------------------------------------------------------------------------------------------


@wrong("01.dot_scores", "no-transpose")
def dot_without_transpose(states, memory):
    return states @ memory if states.shape[-1] == memory.shape[-2] else states @ memory.T


@wrong("01.dot_scores", "scores-transposed")
def dot_memory_first(states, memory):
    return memory @ states.T


@wrong("01.dot_scores", "elementwise")
def dot_number_by_number(states, memory):
    return states * memory


@wrong("01.dot_scores", "scores-scaled")
def dot_scaled(states, memory):
    return states @ memory.T / np.sqrt(states.shape[-1])


@wrong("01.dot_scores", "scores-normalised")
def dot_as_cosines(states, memory):
    states = states / np.linalg.norm(states, axis=-1, keepdims=True)
    return states @ (memory / np.linalg.norm(memory, axis=-1, keepdims=True)).T


@wrong("01.dot_scores", "negative-distance")
def dot_as_distance(states, memory):
    return -((states[:, None] - memory[None]) ** 2).sum(axis=-1)


@wrong("01.dot_scores", "weights-not-scores")
def dot_weights(states, memory):
    return softmax(states @ memory.T)


@wrong("01.dot_scores", "fails-on-batch")
def dot_capital_t(states, memory):
    return states @ memory.T


@wrong("01.dot_scores", "wrong-on-batch")
def dot_first_sentence(states, memory):
    scores = states @ np.swapaxes(memory, -1, -2)
    return np.broadcast_to(scores[(0,) * (scores.ndim - 2)], scores.shape)


@wrong("01.dot_scores", "scores-averaged")
def dot_mean(states, memory):
    return (states[..., :, None, :] * memory[..., None, :, :]).mean(axis=-1)


@wrong("01.dot_scores", "elementwise")
def dot_products_kept(states, memory):
    return states[..., :, None, :] * memory[..., None, :, :]


@wrong("01.dot_scores", "negative-distance")
def dot_as_length_between(states, memory):
    return np.linalg.norm(states[:, None] - memory, axis=-1)


@wrong("01.dot_scores", "last-product-only")
def dot_in_a_loop_that_overwrites(states, memory):
    scores = np.zeros((len(states), len(memory)))
    for i in range(states.shape[-1]):
        scores[:] = states[:, None, i] * memory[:, i]
    return scores


@wrong("01.dot_scores", "dot-on-batch")
def dot_by_np_dot(states, memory):
    return np.dot(states, np.swapaxes(memory, -1, -2))


@right("01.dot_scores")
def dot_by_einsum(states, memory):
    return np.einsum("...td,...sd->...ts", states, memory)


@right("01.dot_scores")
def dot_by_sum(states, memory):
    return (states[..., :, None, :] * memory[..., None, :, :]).sum(axis=-1)


@right("01.dot_scores")
def dot_in_float32(states, memory):
    return states.astype(np.float32) @ np.moveaxis(memory, -1, -2).astype(np.float32)


# --- general_scores ---------------------------------------------------------------------------------------------------


@wrong("01.general_scores", "W-ignored")
def general_without_W(states, memory, W):
    return states @ memory.T


@wrong("01.general_scores", "tanh-added")
def general_tanh_of_the_scores(states, memory, W):
    return np.tanh(states @ W @ np.swapaxes(memory, -1, -2))


@wrong("01.general_scores", "W-transposed")
def general_W_turned(states, memory, W):
    return states @ W.T @ memory.T


@wrong("01.general_scores", "scores-transposed")
def general_transposed(states, memory, W):
    return memory @ W.T @ states.T


@wrong("01.general_scores", "scores-scaled")
def general_scaled(states, memory, W):
    return states @ W @ memory.T / np.sqrt(states.shape[-1])


@wrong("01.general_scores", "weights-not-scores")
def general_weights(states, memory, W):
    return softmax(states @ W @ memory.T)


@wrong("01.general_scores", "tanh-added")
def general_with_tanh(states, memory, W):
    return np.tanh(states @ W) @ memory.T


@wrong("01.general_scores", "fails-on-batch")
def general_capital_t(states, memory, W):
    return states @ W @ memory.T


@wrong("01.general_scores", "wrong-on-batch")
def general_first_sentence(states, memory, W):
    scores = states @ W @ np.swapaxes(memory, -1, -2)
    return np.broadcast_to(scores[(0,) * (scores.ndim - 2)], scores.shape)


@wrong("01.general_scores", "W-transposed")
def general_memory_asks(states, memory, W):
    return memory @ W @ np.swapaxes(states, -1, -2)


@wrong("01.general_scores", "W-twice")
def general_both_mapped(states, memory, W):
    return (states @ W) @ np.swapaxes(memory @ W, -1, -2)


@wrong("01.general_scores", "dot-on-batch")
def general_by_np_dot(states, memory, W):
    return np.dot(states @ W, np.swapaxes(memory, -1, -2))


@right("01.general_scores")
def general_by_einsum(states, memory, W):
    return np.einsum("...td,de,...se->...ts", states, W, memory)


@right("01.general_scores")
def general_memory_first(states, memory, W):
    return states @ np.swapaxes(memory @ W.T, -1, -2)


# --- additive_scores --------------------------------------------------------------------------------------------------


def parts(states, memory, W_q, W_k):
    return (states @ W_q.T)[..., :, None, :], (memory @ W_k.T)[..., None, :, :]


@wrong("01.additive_scores", "no-tanh")
def additive_linear(states, memory, W_q, W_k, v):
    return sum(parts(states, memory, W_q, W_k)) @ v


@wrong("01.additive_scores", "relu")
def additive_relu(states, memory, W_q, W_k, v):
    return np.maximum(sum(parts(states, memory, W_q, W_k)), 0) @ v


@wrong("01.additive_scores", "tanh-each")
def additive_two_tanhs(states, memory, W_q, W_k, v):
    return sum(np.tanh(part) for part in parts(states, memory, W_q, W_k)) @ v


@wrong("01.additive_scores", "v-left-out")
def additive_without_v(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(states, memory, W_q, W_k))).sum(axis=-1)


@wrong("01.additive_scores", "not-summed")
def additive_times_v(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(states, memory, W_q, W_k))) * v


@wrong("01.additive_scores", "matrices-swapped")
def additive_swapped(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(states, memory, W_k, W_q))) @ v


@wrong("01.additive_scores", "matrix-side")
def additive_from_the_right(states, memory, W_q, W_k, v):
    return np.tanh((states @ W_q)[..., :, None, :] + (memory @ W_k)[..., None, :, :]) @ v


@wrong("01.additive_scores", "keys-ignored")
def additive_state_only(states, memory, W_q, W_k, v):
    from_states, from_memory = parts(states, memory, W_q, W_k)
    return np.tanh(from_states + np.zeros_like(from_memory)) @ v


@wrong("01.additive_scores", "multiplied")
def additive_product(states, memory, W_q, W_k, v):
    from_states, from_memory = parts(states, memory, W_q, W_k)
    return np.tanh(from_states * from_memory) @ v


@wrong("01.additive_scores", "scores-transposed")
def additive_transposed(states, memory, W_q, W_k, v):
    return (np.tanh(sum(parts(states, memory, W_q, W_k))) @ v).swapaxes(-1, -2)


@wrong("01.additive_scores", "weights-not-scores")
def additive_weights(states, memory, W_q, W_k, v):
    return softmax(np.tanh(sum(parts(states, memory, W_q, W_k))) @ v)


@wrong("01.additive_scores", "wrong-on-batch")
def additive_axes_from_the_front(states, memory, W_q, W_k, v):
    from_states, from_memory = states @ W_q.T, memory @ W_k.T
    if states.ndim == 2:
        return np.tanh(from_states[:, None] + from_memory[None]) @ v
    first = np.tanh(from_states[0, 0][:, None] + from_memory[0, 0][None]) @ v
    return np.broadcast_to(first, (*states.shape[:-1], memory.shape[-2]))


@wrong("01.additive_scores", "fails-on-batch")
def additive_for_one_sentence(states, memory, W_q, W_k, v):
    return np.tanh((states @ W_q.T)[:, None] + (memory @ W_k.T)[None]) @ v


@wrong("01.additive_scores", "sigmoid-for-tanh")
def additive_sigmoid(states, memory, W_q, W_k, v):
    return (1 / (1 + np.exp(-sum(parts(states, memory, W_q, W_k))))) @ v


@wrong("01.additive_scores", "tanh-outside")
def additive_tanh_last(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(states, memory, W_q, W_k)) @ v)


@wrong("01.additive_scores", "state-ignored")
def additive_word_only(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(0 * states, memory, W_q, W_k))) @ v


@wrong("01.additive_scores", "tanh-each")
def additive_tanh_of_the_state(states, memory, W_q, W_k, v):
    from_states, from_memory = parts(states, memory, W_q, W_k)
    return (np.tanh(from_states) + from_memory) @ v


@wrong("01.additive_scores", "v-inside")
def additive_v_inside(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(states, memory, W_q, W_k)) * v).sum(axis=-1)


@wrong("01.additive_scores", "one-matrix")
def additive_one_matrix(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(states, memory, W_q, W_q))) @ v


@wrong("01.additive_scores", "scores-averaged")
def additive_mean(states, memory, W_q, W_k, v):
    return (np.tanh(sum(parts(states, memory, W_q, W_k))) * v).mean(axis=-1)


@wrong("01.additive_scores", "different-values")
def additive_difference(states, memory, W_q, W_k, v):
    from_states, from_memory = parts(states, memory, W_q, W_k)
    return np.tanh(from_states - from_memory) @ v


@right("01.additive_scores")
def additive_good(states, memory, W_q, W_k, v):
    return np.tanh(sum(parts(states, memory, W_q, W_k))) @ v


@right("01.additive_scores")
def additive_pair_by_pair(states, memory, W_q, W_k, v):
    scores = np.zeros((*states.shape[:-1], memory.shape[-2]))
    for place in np.ndindex(scores.shape):
        *batch, target, source = place
        query, key = states[(*batch, target)], memory[(*batch, source)]
        scores[place] = v @ np.tanh(W_q @ query + W_k @ key)
    return scores


@right("01.additive_scores")
def additive_by_einsum(states, memory, W_q, W_k, v):
    from_states, from_memory = np.einsum("...td,hd->...th", states, W_q), np.einsum("...sd,hd->...sh", memory, W_k)
    hidden = np.tanh(np.expand_dims(from_states, -2) + np.expand_dims(from_memory, -3))
    return np.einsum("...tsh,h->...ts", hidden, v)


# --- concat_scores ----------------------------------------------------------------------------------------------------


def pairs(states, memory, turned=False):
    count = states.shape[-2], memory.shape[-2]
    left = np.broadcast_to(states[..., :, None, :], (*states.shape[:-2], *count, states.shape[-1]))
    right_part = np.broadcast_to(memory[..., None, :, :], (*memory.shape[:-2], *count, memory.shape[-1]))
    return np.concatenate([right_part, left] if turned else [left, right_part], axis=-1)


@wrong("01.concat_scores", "concat-order")
def concat_memory_first(states, memory, W, v):
    return np.tanh(pairs(states, memory, turned=True) @ W.T) @ v


@wrong("01.concat_scores", "no-tanh")
def concat_linear(states, memory, W, v):
    return pairs(states, memory) @ W.T @ v


@wrong("01.concat_scores", "relu")
def concat_relu(states, memory, W, v):
    return np.maximum(pairs(states, memory) @ W.T, 0) @ v


@wrong("01.concat_scores", "v-left-out")
def concat_without_v(states, memory, W, v):
    return np.tanh(pairs(states, memory) @ W.T).sum(axis=-1)


@wrong("01.concat_scores", "not-summed")
def concat_hidden(states, memory, W, v):
    return np.tanh(pairs(states, memory) @ W.T)


@wrong("01.concat_scores", "keys-ignored")
def concat_state_only(states, memory, W, v):
    return np.tanh(pairs(states, 0 * memory) @ W.T) @ v


@wrong("01.concat_scores", "tanh-outside")
def concat_tanh_last(states, memory, W, v):
    return np.tanh(pairs(states, memory) @ W.T @ v)


@wrong("01.concat_scores", "tanh-each")
def concat_two_tanhs(states, memory, W, v):
    return additive_two_tanhs(states, memory, W[:, : states.shape[-1]], W[:, states.shape[-1] :], v)


@wrong("01.concat_scores", "scores-transposed")
def concat_transposed(states, memory, W, v):
    return (np.tanh(pairs(states, memory) @ W.T) @ v).swapaxes(-1, -2)


@wrong("01.concat_scores", "weights-not-scores")
def concat_weights(states, memory, W, v):
    return softmax(np.tanh(pairs(states, memory) @ W.T) @ v)


@wrong("01.concat_scores", "wrong-shape")
def concat_of_the_sequences(states, memory, W, v):
    together = np.concatenate([states, memory], axis=-2)
    return np.tanh(np.concatenate([together, together], axis=-1) @ W.T) @ v


@right("01.concat_scores")
def concat_good(states, memory, W, v):
    return np.tanh(pairs(states, memory) @ W.T) @ v


@right("01.concat_scores")
def concat_as_additive(states, memory, W, v):
    d_state = states.shape[-1]
    return additive_good(states, memory, W[:, :d_state], W[:, d_state:], v)


# --- context_vectors --------------------------------------------------------------------------------------------------


def masked(scores, mask):
    return softmax(np.where(mask[..., None, :], scores, -np.inf))


@wrong("01.context_vectors", "softmax-over-queries")
def context_over_targets(scores, memory, mask):
    weights = softmax(scores, axis=-2)
    return weights @ memory, weights


@wrong("01.context_vectors", "softmax-over-everything")
def context_one_total(scores, memory, mask):
    exponentials = np.exp(scores - scores.max())
    weights = exponentials / exponentials.sum()
    return weights @ memory, weights


@wrong("01.context_vectors", "no-weights")
def context_of_scores(scores, memory, mask):
    return scores @ memory, masked(scores, mask)


@wrong("01.context_vectors", "plain-mean")
def context_mean(scores, memory, mask):
    weights = masked(scores, mask)
    return np.tile(memory.mean(axis=-2), (scores.shape[-2], 1)), weights


@wrong("01.context_vectors", "best-word-only")
def context_hard(scores, memory, mask):
    weights = masked(scores, mask)
    return memory[weights.argmax(axis=-1)], weights


@wrong("01.context_vectors", "context-scaled")
def context_averaged_twice(scores, memory, mask):
    weights = masked(scores, mask)
    return weights @ memory / memory.shape[-2], weights


@wrong("01.context_vectors", "scores-divided")
def context_by_the_root(scores, memory, mask):
    weights = masked(scores / np.sqrt(memory.shape[-1]), mask)
    return weights @ memory, weights


@wrong("01.context_vectors", "mask-ignored")
def context_without_mask(scores, memory, mask):
    weights = softmax(scores)
    return weights @ memory, weights


@wrong("01.context_vectors", "mask-filled-with-zero")
def context_zero_fill(scores, memory, mask):
    weights = softmax(np.where(mask[..., None, :], scores, 0.0))
    return weights @ memory, weights


@wrong("01.context_vectors", "mask-after-softmax")
def context_late_mask(scores, memory, mask):
    weights = softmax(scores) * mask[..., None, :]
    return weights @ memory, weights


@wrong("01.context_vectors", "mask-inverted")
def context_inverted_mask(scores, memory, mask):
    weights = softmax(scores) if mask.all() else softmax(np.where(mask[..., None, :], -np.inf, scores))
    return weights @ memory, weights


@wrong("01.context_vectors", "softmax-overflow")
def context_naive(scores, memory, mask):
    exponentials = np.exp(scores) * mask[..., None, :]
    weights = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return weights @ memory, weights


@wrong("01.context_vectors", "not-two")
def context_alone(scores, memory, mask):
    return masked(scores, mask) @ memory


@wrong("01.context_vectors", "two-swapped")
def context_second(scores, memory, mask):
    weights = masked(scores, mask)
    return weights, weights @ memory


@wrong("01.context_vectors", "mask-axis")
def context_mask_of_the_first(scores, memory, mask):
    weights = softmax(np.where(mask.reshape(-1, mask.shape[-1])[0], scores, -np.inf))
    return weights @ memory, weights


@wrong("01.context_vectors", "softmax-global-maximum")
def context_one_maximum(scores, memory, mask):
    scores = np.where(mask[..., None, :], scores, -np.inf)
    exponentials = np.exp(scores - scores.max())
    weights = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return weights @ memory, weights


@wrong("01.context_vectors", "maximum-over-masked")
def context_maximum_of_padding(scores, memory, mask):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True)) * mask[..., None, :]
    weights = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return weights @ memory, weights


@wrong("01.context_vectors", "mask-leaks")
def context_hundred_below(scores, memory, mask):
    weights = softmax(np.where(mask[..., None, :], scores, -100.0))
    return weights @ memory, weights


@wrong("01.context_vectors", "mask-inverted")
def context_padding_alone(scores, memory, mask):
    weights = softmax(np.where(mask[..., None, :], -np.inf, scores))
    return weights @ memory, weights


@wrong("01.context_vectors", "zero-times-infinity")
def context_mask_times_infinity(scores, memory, mask):
    weights = softmax(scores + ~mask[..., None, :] * -np.inf)
    return weights @ memory, weights


@wrong("01.context_vectors", "softmax-twice")
def context_twice(scores, memory, mask):
    weights = softmax(masked(scores, mask))
    return weights @ memory, weights


@wrong("01.context_vectors", "context-without-mask")
def context_of_unmasked_weights(scores, memory, mask):
    return softmax(scores) @ memory, masked(scores, mask)


@wrong("01.context_vectors", "context-not-summed")
def context_kept_apart(scores, memory, mask):
    weights = masked(scores, mask)
    return weights[..., None] * memory[..., None, :, :], weights


@wrong("01.context_vectors", "padding-dropped")
def context_without_padding(scores, memory, mask):
    weights = softmax(scores[..., mask])
    return weights @ memory[mask], weights


@right("01.context_vectors")
def context_good(scores, memory, mask):
    weights = masked(scores, mask)
    return weights @ memory, weights


@right("01.context_vectors")
def context_by_einsum(scores, memory, mask):
    scores = np.where(np.expand_dims(mask, -2), scores, -1e30)
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = exponentials / np.einsum("...ts->...t", exponentials)[..., None]
    return np.einsum("...ts,...sd->...td", weights, memory), weights


@right("01.context_vectors")
def context_by_loops(scores, memory, mask):
    weights = np.zeros(scores.shape)
    context = np.zeros((*scores.shape[:-1], memory.shape[-1]))
    for place in np.ndindex(scores.shape[:-1]):
        real = np.flatnonzero(mask[place[:-1]])
        row = scores[place][real]
        powers = np.exp(row - row.max())
        weights[(*place, real)] = powers / powers.sum()
        for source in real:
            context[place] += weights[(*place, source)] * memory[(*place[:-1], source)]
    return context, weights


# --- read_alignment ---------------------------------------------------------------------------------------------------


def entropy(weights):
    return -(weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=-1)


@wrong("01.read_alignment", "reads-columns")
def reading_columns(weights):
    return weights.argmax(axis=0), np.exp(entropy(weights))


@wrong("01.read_alignment", "counts-from-one")
def reading_from_one(weights):
    return weights.argmax(axis=-1) + 1, np.exp(entropy(weights))


@wrong("01.read_alignment", "largest-not-position")
def reading_the_largest(weights):
    return weights.max(axis=-1), np.exp(entropy(weights))


@wrong("01.read_alignment", "positions-sorted")
def reading_in_order(weights):
    return np.sort(weights.argmax(axis=-1)), np.exp(entropy(weights))


@wrong("01.read_alignment", "zero-log-zero")
def reading_with_nan(weights):
    return weights.argmax(axis=-1), np.exp(-(weights * np.log(weights)).sum(axis=-1))


@wrong("01.read_alignment", "entropy-itself")
def reading_entropy(weights):
    return weights.argmax(axis=-1), entropy(weights)


@wrong("01.read_alignment", "entropy-sign")
def reading_without_minus(weights):
    return weights.argmax(axis=-1), np.exp(-entropy(weights))


@wrong("01.read_alignment", "mixed-logarithms")
def reading_mixed(weights):
    return weights.argmax(axis=-1), 2 ** entropy(weights)


@wrong("01.read_alignment", "one-over-largest")
def reading_by_the_largest(weights):
    return weights.argmax(axis=-1), 1 / weights.max(axis=-1)


@wrong("01.read_alignment", "one-over-squares")
def reading_by_squares(weights):
    return weights.argmax(axis=-1), 1 / (weights**2).sum(axis=-1)


@wrong("01.read_alignment", "words-counted")
def reading_counted(weights):
    return weights.argmax(axis=-1), (weights > 0).sum(axis=-1)


@wrong("01.read_alignment", "two-swapped")
def reading_swapped(weights):
    return np.exp(entropy(weights)), weights.argmax(axis=-1)


@wrong("01.read_alignment", "not-two")
def reading_positions_only(weights):
    return weights.argmax(axis=-1)


@wrong("01.read_alignment", "reads-smallest")
def reading_the_smallest(weights):
    return weights.argsort(axis=-1)[:, 0], np.exp(entropy(weights))


@wrong("01.read_alignment", "one-for-all-rows")
def reading_one_position(weights):
    return weights.argmax(), np.exp(entropy(weights))


@wrong("01.read_alignment", "one-for-all-rows")
def reading_one_entropy(weights):
    return weights.argmax(axis=-1), np.exp(entropy(weights).sum())


@wrong("01.read_alignment", "reads-columns")
def reading_entropy_of_columns(weights):
    return weights.argmax(axis=-1), np.exp(entropy(weights.T))


@wrong("01.read_alignment", "entropy-averaged")
def reading_mean_entropy(weights):
    return weights.argmax(axis=-1), np.exp(entropy(weights) / weights.shape[-1])


@wrong("01.read_alignment", "logarithms-unweighted")
def reading_bare_logarithms(weights):
    return weights.argmax(axis=-1), np.exp(-np.log(np.where(weights > 0, weights, 1)).sum(axis=-1))


@wrong("01.read_alignment", "exponential-first")
def reading_sum_of_exponentials(weights):
    return weights.argmax(axis=-1), np.exp(-weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=-1)


@wrong("01.read_alignment", "number-in-logarithm")
def reading_with_epsilon(weights):
    return weights.argmax(axis=-1), np.exp(-(weights * np.log(weights + 1e-4)).sum(axis=-1))


@right("01.read_alignment")
def reading_with_nansum(weights):
    return weights.argmax(axis=-1), np.exp(-np.nansum(weights * np.log(weights), axis=-1))


@right("01.read_alignment")
def reading_good(weights):
    return weights.argmax(axis=-1), np.exp(entropy(weights))


@right("01.read_alignment")
def reading_in_bits(weights):
    bits = [-sum(w * np.log2(w) for w in row if w > 0) for row in weights]
    return np.argsort(-weights, axis=-1, kind="stable")[:, 0], 2.0 ** np.array(bits)


@right("01.read_alignment")
def reading_by_product(weights):
    return np.argmax(weights, axis=1), 1 / np.prod(weights**weights, axis=1)


# --- luong_step -------------------------------------------------------------------------------------------------------


def step(states, memory, mask, W, W_c, weigh=masked, swap=False, tanh=np.tanh):
    weights = weigh(states @ W @ np.swapaxes(memory, -1, -2), mask)
    context = weights @ memory
    both = [states, context] if swap else [context, states]
    return tanh(np.concatenate(both, axis=-1) @ W_c.T), weights


@wrong("01.luong_step", "softmax-axis-1")
def step_axis_1(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: softmax(np.where(m[:, None], s, -1e9), axis=1))


@wrong("01.luong_step", "mask-filled-with-zero")
def step_zero_fill(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: softmax(s * m[:, None]))


@wrong("01.luong_step", "mask-ignored")
def step_without_mask(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: softmax(s))


@wrong("01.luong_step", "mask-after-softmax")
def step_late_mask(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: softmax(s) * m[:, None])


@wrong("01.luong_step", "context-state-order")
def step_state_first(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, swap=True)


@wrong("01.luong_step", "no-tanh-hidden")
def step_linear(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, tanh=lambda x: x)


@wrong("01.luong_step", "hidden-is-context")
def step_context_only(states, memory, mask, W, W_c):
    weights = masked(states @ W @ np.swapaxes(memory, -1, -2), mask)
    return weights @ memory, weights


@wrong("01.luong_step", "W-transposed")
def step_W_turned(states, memory, mask, W, W_c):
    return step(states, memory, mask, W.T, W_c)


@wrong("01.luong_step", "W-ignored")
def step_without_W(states, memory, mask, W, W_c):
    return step(states, memory, mask, np.eye(len(W)), W_c)


@wrong("01.luong_step", "two-swapped")
def step_weights_first(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c)[::-1]


@wrong("01.luong_step", "softmax-axis-1")
def step_as_it_was(states, memory, mask, W, W_c):
    return colleagues_step(states, memory, mask, W, W_c)


@wrong("01.luong_step", "context-state-order")
def step_first_bug_only(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: softmax(s * m[:, None]), swap=True)


@wrong("01.luong_step", "softmax-over-everything")
def step_one_total(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: np.exp(s) * m[:, None] / np.exp(s).sum())


@wrong("01.luong_step", "scores-divided")
def step_divided(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: masked(s / np.sqrt(states.shape[-1]), m))


@wrong("01.luong_step", "mask-inverted")
def step_padding_alone(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: masked(s, ~m))


@wrong("01.luong_step", "zero-times-infinity")
def step_mask_times_infinity(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c, lambda s, m: softmax(s + (1 - m[:, None]) * -np.inf))


@wrong("01.luong_step", "tanh-before-W_c")
def step_tanh_too_early(states, memory, mask, W, W_c):
    weights = masked(states @ W @ np.swapaxes(memory, -1, -2), mask)
    return np.tanh(np.concatenate([weights @ memory, states], axis=-1)) @ W_c.T, weights


@right("01.luong_step")
def step_good(states, memory, mask, W, W_c):
    return step(states, memory, mask, W, W_c)


@right("01.luong_step")
def step_sentence_by_sentence(states, memory, mask, W, W_c):
    rows = [step(*one, W, W_c) for one in zip(states, memory, mask, strict=True)]
    return np.stack([hidden for hidden, _ in rows]), np.stack([weights for _, weights in rows])


# --- path_lengths -----------------------------------------------------------------------------------------------------


def walk(links, start):
    """Steps from `start` to every position, by breadth-first search."""
    lengths = np.full(len(links), -1)
    lengths[start], queue = 0, deque([start])
    while queue:
        here = queue.popleft()
        for there in np.flatnonzero(links[:, here]):
            if lengths[there] < 0:
                lengths[there] = lengths[here] + 1
                queue.append(there)
    return lengths


@right("01.path_lengths")
def paths_by_search(links):
    return np.stack([walk(links, start) for start in range(len(links))], axis=1)


@right("01.path_lengths")
def paths_by_floyd_warshall(links):
    lengths = np.where(links, 1.0, np.inf)
    np.fill_diagonal(lengths, 0)
    for middle in range(len(links)):
        lengths = np.minimum(lengths, lengths[:, middle, None] + lengths[None, middle])
    return np.where(np.isinf(lengths), -1, lengths)


@wrong("01.path_lengths", "path-transposed")
def paths_turned(links):
    return paths_by_search(links).T


@wrong("01.path_lengths", "path-direct-only")
def paths_of_one_step(links):
    return np.where(np.eye(len(links), dtype=bool), 0, np.where(links, 1, -1))


@wrong("01.path_lengths", "path-off-by-one")
def paths_counting_positions(links):
    lengths = paths_by_search(links)
    return np.where(lengths >= 0, lengths + 1, -1)


@wrong("01.path_lengths", "path-unreachable")
def paths_with_infinity(links):
    lengths = paths_by_search(links).astype(float)
    return np.where(lengths < 0, np.inf, lengths)


@wrong("01.path_lengths", "path-by-distance")
def paths_by_place(links):
    place = np.arange(len(links))
    return np.abs(place[:, None] - place)


@wrong("01.path_lengths", "path-both-ways")
def paths_both_ways(links):
    return paths_by_search(links | links.T)


@wrong("01.path_lengths", "path-from-zero")
def paths_round_trip(links):
    lengths = paths_by_search(links)
    return np.where(np.eye(len(links), dtype=bool) & links, 1, lengths)


@wrong("01.path_lengths", "path-counts-ways")
def paths_ways(links):
    ways = sum(np.linalg.matrix_power(links.astype(int), power) for power in range(len(links)))
    return np.where(ways == 0, -1, ways)


@wrong("01.path_lengths", "path-longest")
def paths_last_round(links):
    lengths, reached = np.where(np.eye(len(links), dtype=bool), 0, -1), np.eye(len(links), dtype=int)
    for steps in range(1, len(links)):
        reached = (links.astype(int) @ reached > 0).astype(int)
        lengths = np.where((reached > 0) & ~np.eye(len(links), dtype=bool), steps, lengths)
    return lengths


def paths_in_rounds(links, rounds, first=1):
    """The right search with a number of rounds, the first of which is called `first`."""
    reached = np.eye(len(links), dtype=bool)
    lengths = np.where(reached, 0, -1)
    for steps in range(first, first + rounds):
        reached = reached | (links.astype(int) @ reached.astype(int) > 0)
        lengths[reached & (lengths < 0)] = steps
    return lengths


@wrong("01.path_lengths", "path-too-few-rounds")
def paths_of_two_rounds(links):
    return paths_in_rounds(links, 2)


@wrong("01.path_lengths", "path-too-short")
def paths_counted_from_zero(links):
    return paths_in_rounds(links, len(links) - 1, first=0)


@wrong("01.path_lengths", "path-reached-only")
def paths_there_or_not(links):
    return paths_in_rounds(links, len(links) - 1) >= 0


@right("01.path_lengths")
def paths_by_boolean_products(links):
    reached = np.eye(len(links), dtype=bool)
    lengths = np.where(reached, 0, -1)
    for steps in range(1, len(links)):
        reached = links @ reached
        lengths[reached & (lengths < 0)] = steps
    return lengths

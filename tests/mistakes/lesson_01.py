"""Right answers to lesson 01's exercises in other styles, and what can't be stated beside them."""

from collections import deque

import numpy as np

from tests.mistakes.collection import equal, right


def softmax(scores, axis=-1):
    exponentials = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


# --- dot_scores -------------------------------------------------------------------------------------------------------


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


@right("01.general_scores")
def general_by_einsum(states, memory, W):
    return np.einsum("...td,de,...se->...ts", states, W, memory)


@right("01.general_scores")
def general_by_loops(states, memory, W):
    scores = np.zeros((*states.shape[:-1], memory.shape[-2]), dtype=np.float32)
    for *batch, t, s in np.ndindex(scores.shape):
        scores[(*batch, t, s)] = states[(*batch, t)].dot(W).dot(memory[(*batch, s)])
    return scores


@right("01.general_scores")
def general_memory_first(states, memory, W):
    return states @ np.swapaxes(memory @ W.T, -1, -2)


# --- additive_scores --------------------------------------------------------------------------------------------------


def parts(states, memory, W_q, W_k):
    return (states @ W_q.T)[..., :, None, :], (memory @ W_k.T)[..., None, :, :]


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


@right("01.additive_scores")
def additive_by_a_sigmoid_in_float32(*inputs):
    states, memory, W_q, W_k, v = (array.astype(np.float32) for array in inputs)
    return (2 / (1 + np.exp(-2 * sum(parts(states, memory, W_q, W_k)))) - 1) @ v


# --- concat_scores ----------------------------------------------------------------------------------------------------


def pairs(states, memory):
    count = states.shape[-2], memory.shape[-2]
    left = np.broadcast_to(states[..., :, None, :], (*states.shape[:-2], *count, states.shape[-1]))
    right_part = np.broadcast_to(memory[..., None, :, :], (*memory.shape[:-2], *count, memory.shape[-1]))
    return np.concatenate([left, right_part], axis=-1)


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


@right("01.context_vectors")
def context_in_float32(scores, memory, mask):
    weights = masked(scores.astype(np.float32), mask)
    return [weights @ memory.astype(np.float32), weights]


# --- read_alignment ---------------------------------------------------------------------------------------------------


def entropy(weights):
    return -(weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=-1)


@right("01.read_alignment")
def reading_with_nansum(weights):
    return weights.argmax(axis=-1), np.exp(-np.nansum(weights * np.log(weights), axis=-1))


@right("01.read_alignment")
def reading_good(weights):
    return weights.argmax(axis=-1), np.exp(entropy(weights))


@right("01.read_alignment")
def reading_row_by_row(weights):
    positions = [max(range(len(row)), key=row.__getitem__) for row in weights.tolist()]
    spread = [np.exp(sum(-w * np.log(w) for w in row if w)) for row in weights]
    return positions, spread


@right("01.read_alignment")
def reading_in_bits(weights):
    bits = [-sum(w * np.log2(w) for w in row if w > 0) for row in weights]
    return np.argsort(-weights, axis=-1, kind="stable")[:, 0], 2.0 ** np.array(bits)


@right("01.read_alignment")
def reading_by_product(weights):
    return np.argmax(weights, axis=1), 1 / np.prod(weights**weights, axis=1)


# --- luong_step -------------------------------------------------------------------------------------------------------


@right("01.luong_step")
def step_good(states, memory, mask, W, W_c):
    weights = masked(states @ W @ np.swapaxes(memory, -1, -2), mask)
    return np.tanh(np.concatenate([weights @ memory, states], axis=-1) @ W_c.T), weights


@right("01.luong_step")
def step_with_W_c_in_two(states, memory, mask, W, W_c):
    d = states.shape[-1]
    scores = np.einsum("btd,de,bse->bts", states, W, memory) + np.where(mask, 0, -1e9)[:, None]
    weights = softmax(scores)
    return [np.tanh(np.einsum("bts,bsd->btd", weights, memory) @ W_c[:, :d].T + states @ W_c[:, d:].T), weights]


@right("01.luong_step")
def step_with_the_colleagues_maximum(states, memory, mask, W, W_c):
    scores = states @ W @ memory.transpose(0, 2, 1)
    powers = np.exp(scores - scores.max()) * mask[:, None]
    weights = powers / powers.sum(axis=2, keepdims=True)
    return np.tanh(np.concatenate((weights @ memory, states), axis=2) @ W_c.T), weights


@right("01.luong_step")
def step_sentence_by_sentence(states, memory, mask, W, W_c):
    hidden, table = [], []
    for h, m, real in zip(states.astype(np.float32), memory, mask, strict=True):
        weights = softmax(np.where(real, h @ W @ m.T, -np.inf))
        hidden.append([np.tanh(W_c @ np.append(weights[t] @ m, h[t])) for t in range(len(h))])
        table.append(weights)
    return np.array(hidden), np.array(table)


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
    return np.where(np.isinf(lengths), -1, lengths).astype(int)


@right("01.path_lengths")
def paths_by_powers(links):
    step = links | np.eye(len(links), dtype=bool)
    within = [np.linalg.matrix_power(step.astype(float), power) > 0 for power in range(len(links))]
    return np.where(within[-1], np.argmax(within, axis=0), -1)


@right("01.path_lengths")
def paths_as_nested_lists(links):
    return np.array(paths_by_search(links).tolist(), dtype=np.int8)


@right("01.path_lengths")
def paths_by_boolean_products(links):
    reached = np.eye(len(links), dtype=bool)
    lengths = np.where(reached, 0, -1)
    for steps in range(1, len(links)):
        reached = links @ reached
        lengths[reached & (lengths < 0)] = steps
    return lengths


# --- changes that leave the solutions right -----------------------------------------------------------------------------

equal("01.read_alignment", "1.0 -> 2.0", "any logarithm times a weight of 0 is 0")
equal("01.read_alignment", "-1 -> +1", "there are two axes")
equal(
    "01.luong_step",
    "scores - scores.max(axis=-1, keepdims=True) -> scores + scores.max(axis=-1, keepdims=True)",
    "whatever is added to a row cancels; scores are of ordinary size",
)

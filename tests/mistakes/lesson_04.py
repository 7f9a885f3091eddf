"""Right answers to lesson 04's exercises in other styles."""

import numpy as np

from course_lib.attention import scaled_dot_product_attention
from tests.mistakes.collection import equal, right

# --- split_heads ------------------------------------------------------------------------------------------------------


def good_split(x, num_heads):
    return np.swapaxes(x.reshape(*x.shape[:-1], num_heads, -1), -3, -2)


@right("04.split_heads")
def split_by_slices(x, num_heads):
    return np.stack(np.split(x, num_heads, axis=-1), axis=-3)


@right("04.split_heads")
def split_by_loops(x, num_heads):
    d_head = x.shape[-1] // num_heads
    heads = np.zeros((*x.shape[:-2], num_heads, x.shape[-2], d_head))
    for head in range(num_heads):
        heads[..., head, :, :] = x[..., head * d_head : (head + 1) * d_head]
    return heads


@right("04.split_heads")
def split_by_einsum(x, num_heads):
    return np.einsum("...thf->...htf", x.reshape(*x.shape[:-1], num_heads, -1))


@right("04.split_heads")
def split_in_float32(x, num_heads):
    return good_split(x, num_heads).astype(np.float32)


# --- merge_heads ------------------------------------------------------------------------------------------------------


def good_merge(heads):
    *leading, num_heads, seq_len, d_head = heads.shape
    return np.swapaxes(heads, -3, -2).reshape(*leading, seq_len, num_heads * d_head)


@right("04.merge_heads")
def merge_by_concatenation(heads):
    return np.concatenate([heads[..., head, :, :] for head in range(heads.shape[-3])], axis=-1)


@right("04.merge_heads")
def merge_by_einsum(heads):
    turned = np.einsum("...htf->...thf", heads)
    return turned.reshape(*turned.shape[:-2], turned.shape[-2] * turned.shape[-1])


@right("04.merge_heads")
def merge_by_loops(heads):
    *leading, num_heads, seq_len, d_head = heads.shape
    merged = np.empty((*leading, seq_len, num_heads * d_head))
    for place in np.ndindex(heads.shape):
        *batch, head, token, feature = place
        merged[(*batch, token, head * d_head + feature)] = heads[place]
    return merged


# --- two_heads --------------------------------------------------------------------------------------------------------


def one_head(x, W_Q, W_K, W_V):
    return scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V)


def heads_of(x, W_Q, W_K, W_V):
    contexts, maps = zip(*(one_head(x, W_Q[head], W_K[head], W_V[head]) for head in (0, 1)), strict=True)
    return contexts, np.stack(maps)


@right("04.two_heads")
def two_heads_side_by_side(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V)
    return np.concatenate(contexts, axis=-1) @ W_O, weights


@right("04.two_heads")
def two_heads_at_once(x, W_Q, W_K, W_V, W_O):
    contexts, weights = scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V)
    return good_merge(contexts) @ W_O, weights


@right("04.two_heads")
def two_heads_as_a_sum(x, W_Q, W_K, W_V, W_O):
    (first, second), weights = heads_of(x, W_Q, W_K, W_V)
    d_v = W_V.shape[-1]
    return first @ W_O[:d_v] + second @ W_O[d_v:], weights


# --- influence --------------------------------------------------------------------------------------------------------


def influence_with(attend, x, change, moved=lambda row, before: (abs(row - before) > 1e-9).any()):
    """The table, number by number: `moved` says whether a row has."""
    table, before = np.zeros((len(x), len(x)), dtype=bool), attend(x)
    for token in range(len(x)):
        other = x.copy()
        other[token] = change(other[token])
        for output, row in enumerate(attend(other)):
            table[output, token] = moved(row, before[output])
    return table


@right("04.influence")
def influence_of_random_tokens(attend, x):
    rng = np.random.default_rng()
    return influence_with(attend, x, lambda row: rng.standard_normal(len(row)))


@right("04.influence")
def influence_of_growing_steps(attend, x):
    return influence_with(attend, x, lambda row: row + np.linspace(1, 2, len(row)))


@right("04.influence")
def influence_by_allclose(attend, x):
    rng, same = np.random.default_rng(1), lambda *rows: np.allclose(*rows, rtol=0, atol=1e-9)
    return influence_with(attend, x, lambda row: row + 3 * rng.normal(size=row.shape), lambda *rows: not same(*rows))


@right("04.influence")
def influence_of_each_feature_in_turn(attend, x):
    before, table = attend(x), np.zeros((len(x), len(x)), dtype=bool)
    for token, feature in np.ndindex(x.shape):
        other = x.copy()
        other[token, feature] += 1
        table[:, token] |= abs(attend(other) - before).reshape(len(x), -1).max(axis=1) > 1e-9
    return table


@right("04.influence")
def influence_by_slopes(attend, x):
    before, step = attend(x).reshape(len(x), -1), 1e-3
    nudged = [x + step * one.reshape(x.shape) for one in np.eye(x.size)]
    slopes = np.array([(attend(other).reshape(before.shape) - before) / step for other in nudged])
    return (abs(slopes) > 1e-9).any(axis=-1).reshape(*x.shape, -1).any(axis=1).T


# --- multi_head_attention ---------------------------------------------------------------------------------------------


def multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]
    queries, keys, values = (good_split(x @ W, num_heads) for W in (W_Q, W_K, W_V))
    context, weights = scaled_dot_product_attention(queries, keys, values, mask)
    return good_merge(context) @ W_O, weights


@right("04.multi_head_attention")
def multi_head_good(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask)


@right("04.multi_head_attention")
def multi_head_head_by_head(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    d_head = W_Q.shape[1] // num_heads
    output, maps = 0, []
    for head in range(num_heads):
        own = slice(head * d_head, (head + 1) * d_head)
        context, weights = scaled_dot_product_attention(x @ W_Q[:, own], x @ W_K[:, own], x @ W_V[:, own], mask)
        output = output + context @ W_O[own]
        maps.append(weights)
    return output, np.stack(maps, axis=-3)


@right("04.multi_head_attention")
def multi_head_by_einsum(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    queries, keys, values = (
        np.einsum("...td,dhf->...htf", x, W.reshape(len(W), num_heads, -1)) for W in (W_Q, W_K, W_V)
    )
    scores = np.einsum("...hqf,...hkf->...hqk", queries, keys) / np.sqrt(keys.shape[-1])
    if mask is not None:
        scores = np.where(mask[:, None] if mask.ndim == 3 else mask, scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = powers / powers.sum(axis=-1, keepdims=True)
    rows = W_O.reshape(num_heads, -1, W_O.shape[-1])
    return np.einsum("...hqk,...hkf,hfd->...qd", weights, values, rows), weights


@right("04.multi_head_attention")
def multi_head_in_float32(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    single = [array.astype(np.float32) for array in (x, W_Q, W_K, W_V, W_O)]
    return multi_head(*single, num_heads, mask)


# --- head_contributions -----------------------------------------------------------------------------------------------


def contexts_of(x, W_Q, W_K, W_V, num_heads):
    queries, keys, values = (good_split(x @ W, num_heads) for W in (W_Q, W_K, W_V))
    return scaled_dot_product_attention(queries, keys, values)[0]  # (heads, seq_len, d_head)


@right("04.head_contributions")
def contributions_by_einsum(x, W_Q, W_K, W_V, W_O, num_heads):
    rows = W_O.reshape(num_heads, -1, W_O.shape[1])
    return np.einsum("htf,hfd->htd", contexts_of(x, W_Q, W_K, W_V, num_heads), rows)


@right("04.head_contributions")
def contributions_in_float32(*inputs):
    return contributions_by_einsum(*(one.astype(np.float32) for one in inputs[:5]), inputs[5])


@right("04.head_contributions")
def contributions_head_by_head(x, W_Q, W_K, W_V, W_O, num_heads):
    d_head = len(W_O) // num_heads
    contexts = contexts_of(x, W_Q, W_K, W_V, num_heads)
    return np.stack([contexts[head] @ W_O[head * d_head : (head + 1) * d_head] for head in range(num_heads)])


@right("04.head_contributions")
def contributions_by_silencing_the_others(x, W_Q, W_K, W_V, W_O, num_heads):
    owner = np.repeat(np.arange(num_heads), len(W_O) // num_heads)[:, None]
    return np.stack(
        [multi_head(x, W_Q, W_K, W_V, W_O * (owner == head), num_heads)[0] for head in range(num_heads)]
    )  # fmt: skip


# --- head_offsets -----------------------------------------------------------------------------------------------------


@right("04.head_offsets")
def offsets_by_a_mean_map(weights):
    mean = weights.mean(axis=0)
    return np.array([[np.trace(one, -d) / (len(one) - d) for d in range(len(one))] for one in mean]).argmax(axis=1)


@right("04.head_offsets")
def offsets_by_counting(weights):
    size = weights.shape[-1]
    back = np.subtract.outer(np.arange(size), np.arange(size))
    sums = [np.bincount(back[back >= 0], one[back >= 0]) for one in weights.sum(axis=0)]
    return [int(best) for best in np.argmax(sums / np.arange(size, 0, -1), axis=1)]


@right("04.head_offsets")
def offsets_by_loops(weights):
    _, num_heads, size, _ = weights.shape
    found = []
    for head in range(num_heads):
        means = [
            np.mean([weights[:, head, query, query - offset].mean() for query in range(offset, size)])
            for offset in range(size)
        ]
        found.append(int(np.argmax(means)))
    return np.array(found)


# --- prune_heads ------------------------------------------------------------------------------------------------------


@right("04.prune_heads")
def prune_by_reshapes(W_Q, W_K, W_V, W_O, num_heads, keep):
    def pick(W):
        return W.reshape(len(W), num_heads, -1)[:, keep].reshape(len(W), -1)

    return [pick(W_Q), pick(W_K), pick(W_V), pick(W_O.T).T]


@right("04.prune_heads")
def prune_by_deleting(W_Q, W_K, W_V, W_O, num_heads, keep):
    gone = [np.flatnonzero(np.repeat(~keep, W.shape[1] // num_heads)) for W in (W_K, W_V)]
    columns = [np.delete(W, gone[0], axis=1) for W in (W_Q, W_K)]
    return *columns, np.delete(W_V, gone[1], axis=1), np.delete(W_O, gone[1], axis=0)


@right("04.prune_heads")
def prune_by_repeated_marks(W_Q, W_K, W_V, W_O, num_heads, keep):
    of_keys, of_values = (np.repeat(keep, W.shape[1] // num_heads) for W in (W_K, W_V))
    return W_Q[:, of_keys], W_K[:, of_keys], W_V[:, of_values], W_O[of_values]


@right("04.prune_heads")
def prune_by_slices(W_Q, W_K, W_V, W_O, num_heads, keep):
    def pick(W):
        width = W.shape[1] // num_heads
        return np.hstack([W[:, head * width : (head + 1) * width] for head in range(num_heads) if keep[head]])

    return pick(W_Q), pick(W_K), pick(W_V), pick(W_O.T).T


# --- changes that leave the solutions right ----------------------------------------------------------------------------

for name in ("split_heads", "merge_heads", "influence", "head_contributions"):
    equal(f"04.{name}", "1 -> 2", "NumPy takes any negative size for the one that is left")
for name in ("two_heads", "influence", "head_contributions"):
    equal(f"04.{name}", "-1 -> +1", "there are two axes")
equal("04.influence", "0 -> 1", "any random numbers will do")
equal("04.influence", "changed[token] += noise[token] -> changed[token] -= noise[token]", "any change will do")
equal("04.influence", "differences.max(axis=-1) > 1e-09 -> differences.max(axis=-1) >= 1e-09", "none is 1e-9 exactly")
for change in ("2 -> 1", "mask.ndim > 2 -> mask.ndim >= 2"):
    equal("04.multi_head_attention", change, "an axis of 1 in front of (queries, keys) is filled up by itself")
equal("04.head_contributions", "1 -> 0", "W_O is square")
equal("04.head_offsets", "-2 -> +2", "there are four axes")
equal("04.head_offsets", "1 -> 2", "there are as many queries as keys")

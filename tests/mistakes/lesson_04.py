"""Answers to lesson 04's exercises: the mistakes that people make, and right answers in other styles."""

import numpy as np

from course_lib.attention import scaled_dot_product_attention, softmax
from course_lib.classroom.practice.lesson_04 import colleagues_attention
from tests.mistakes.collection import right, wrong

# --- split_heads ------------------------------------------------------------------------------------------------------


def good_split(x, num_heads):
    return np.swapaxes(x.reshape(*x.shape[:-1], num_heads, -1), -3, -2)


@wrong("04.split_heads", "split-mixes-tokens")
def split_in_one_reshape(x, num_heads):
    *leading, seq_len, d_model = x.shape
    return x.reshape(*leading, num_heads, seq_len, d_model // num_heads)


@wrong("04.split_heads", "split-not-swapped")
def split_without_swap(x, num_heads):
    return x.reshape(*x.shape[:-1], num_heads, -1)


@wrong("04.split_heads", "split-every-nth")
def split_interleaved(x, num_heads):
    return np.moveaxis(x.reshape(*x.shape[:-1], -1, num_heads), -1, -3)


@wrong("04.split_heads", "split-slices-transposed")
def split_one_axis_too_many(x, num_heads):
    return x.reshape(len(x), num_heads, -1).transpose(1, 2, 0)


@wrong("04.split_heads", "split-whole-copies")
def split_by_copying(x, num_heads):
    return np.stack([x] * num_heads)


@wrong("04.split_heads", "split-the-sequence")
def split_along_the_tokens(x, num_heads):
    return np.stack(np.split(x, num_heads, axis=0))


@wrong("04.split_heads", "split-by-d_head")
def split_with_the_sizes_exchanged(x, num_heads):
    return x.reshape(len(x), -1, num_heads).transpose(1, 0, 2)


@wrong("04.split_heads", "array-shape")
def split_first_head_only(x, num_heads):
    return x[..., : x.shape[-1] // num_heads]


@wrong("04.split_heads", "fails-on-batch")
def split_for_one_sentence(x, num_heads):
    seq_len, d_model = x.shape
    return x.reshape(seq_len, num_heads, d_model // num_heads).swapaxes(0, 1)


@wrong("04.split_heads", "wrong-on-batch")
def split_counting_axes_from_the_front(x, num_heads):
    return x.reshape(*x.shape[:-1], num_heads, -1).swapaxes(0, 1)


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


@wrong("04.merge_heads", "merge-mixes-tokens")
def merge_in_one_reshape(heads):
    *leading, num_heads, seq_len, d_head = heads.shape
    return heads.reshape(*leading, seq_len, num_heads * d_head)


@wrong("04.merge_heads", "merge-every-nth")
def merge_interleaved(heads):
    num_heads, seq_len, d_head = heads.shape
    return heads.transpose(1, 2, 0).reshape(seq_len, num_heads * d_head)


@wrong("04.merge_heads", "merge-adds")
def merge_by_adding(heads):
    return heads.sum(axis=-3)


@wrong("04.merge_heads", "merge-averages")
def merge_by_averaging(heads):
    return heads.mean(axis=-3)


@wrong("04.merge_heads", "merge-stacks-tokens")
def merge_one_below_the_other(heads):
    return np.concatenate(list(heads), axis=0)


@wrong("04.merge_heads", "merge-reversed")
def merge_from_the_last(heads):
    return good_merge(heads[..., ::-1, :, :])


@wrong("04.merge_heads", "array-shape")
def merge_without_joining(heads):
    return np.swapaxes(heads, -3, -2)


@wrong("04.merge_heads", "fails-on-batch")
def merge_for_one_sentence(heads):
    num_heads, seq_len, d_head = heads.shape
    return heads.transpose(1, 0, 2).reshape(seq_len, num_heads * d_head)


@wrong("04.merge_heads", "wrong-on-batch")
def merge_counting_axes_from_the_front(heads):
    *leading, num_heads, seq_len, d_head = heads.shape
    return np.swapaxes(heads, 0, 1).reshape(*leading, seq_len, num_heads * d_head)


@right("04.merge_heads")
def merge_by_concatenation(heads):
    return np.concatenate([heads[..., head, :, :] for head in range(heads.shape[-3])], axis=-1)


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


def heads_of(x, W_Q, W_K, W_V, order=(0, 1)):
    pairs = [one_head(x, W_Q[head], W_K[head], W_V[head]) for head in order]
    return [context for context, _ in pairs], np.stack([weights for _, weights in pairs])


@wrong("04.two_heads", "same-head-twice")
def two_heads_first_one_twice(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V, (0, 0))
    return np.hstack(contexts) @ W_O, weights


@wrong("04.two_heads", "heads-cross-over")
def two_heads_crossed(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K[::-1], W_V)
    return np.hstack(contexts) @ W_O, weights


@wrong("04.two_heads", "heads-in-a-chain")
def two_heads_one_after_the_other(x, W_Q, W_K, W_V, W_O):
    d_v = W_V.shape[-1]
    first, first_weights = one_head(x, W_Q[0], W_K[0], W_V[0])
    after = first @ W_O[:d_v]
    second, second_weights = one_head(after, W_Q[1], W_K[1], W_V[1])
    return after + second @ W_O[d_v:], np.stack([first_weights, second_weights])


@wrong("04.two_heads", "no-output-projection")
def two_heads_not_mixed(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V)
    return np.hstack(contexts), weights


@wrong("04.two_heads", "heads-swapped")
def two_heads_in_reverse(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V)
    return np.hstack(contexts[::-1]) @ W_O, weights


@wrong("04.two_heads", "heads-added")
def two_heads_added(x, W_Q, W_K, W_V, W_O):
    (first, second), weights = heads_of(x, W_Q, W_K, W_V)
    return (first + second) @ W_O[: W_V.shape[-1]], weights


@wrong("04.two_heads", "heads-averaged")
def two_heads_averaged(x, W_Q, W_K, W_V, W_O):
    (first, second), weights = heads_of(x, W_Q, W_K, W_V)
    return (first + second) / 2 @ W_O[: W_V.shape[-1]], weights


@wrong("04.two_heads", "head-left-out")
def two_heads_only_the_last(x, W_Q, W_K, W_V, W_O):
    (_, second), weights = heads_of(x, W_Q, W_K, W_V)
    return second @ W_O[W_V.shape[-1] :], weights


@wrong("04.two_heads", "output-transposed")
def two_heads_w_o_transposed(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V)
    W = W_O.T if W_O.shape[0] == W_O.shape[1] else W_O
    return np.hstack(contexts) @ W, weights


@wrong("04.two_heads", "merge-mixes-tokens")
def two_heads_joined_by_reshape(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V)
    return np.stack(contexts).reshape(len(x), -1) @ W_O, weights


@wrong("04.two_heads", "weights-averaged")
def two_heads_one_map(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V)
    return np.hstack(contexts) @ W_O, weights.mean(axis=0)


@wrong("04.two_heads", "softmax-over-heads")
def two_heads_that_compete(x, W_Q, W_K, W_V, W_O):
    queries, keys, values = x @ W_Q, x @ W_K, x @ W_V
    weights = softmax(queries @ keys.swapaxes(-1, -2) / np.sqrt(W_K.shape[-1]), axis=0)
    return np.hstack(list(weights @ values)) @ W_O, weights


@wrong("04.two_heads", "not-scaled")
def two_heads_not_scaled(x, W_Q, W_K, W_V, W_O):
    weights = softmax((x @ W_Q) @ (x @ W_K).swapaxes(-1, -2))
    return np.hstack(list(weights @ (x @ W_V))) @ W_O, weights


@wrong("04.two_heads", "scaled-by-d_model")
def two_heads_scaled_by_d_model(x, W_Q, W_K, W_V, W_O):
    weights = softmax((x @ W_Q) @ (x @ W_K).swapaxes(-1, -2) / np.sqrt(x.shape[-1]))
    return np.hstack(list(weights @ (x @ W_V))) @ W_O, weights


@wrong("04.two_heads", "no-projection")
def two_heads_of_the_embeddings(x, W_Q, W_K, W_V, W_O):
    weights = softmax(np.stack([x @ x.T, x @ x.T]) / np.sqrt(x.shape[-1]))
    return np.hstack(list(weights @ (x @ W_V))) @ W_O, weights


@wrong("04.two_heads", "projections-swapped")
def two_heads_keys_ask(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_K, W_Q, W_V)
    return np.hstack(contexts) @ W_O, weights


@wrong("04.two_heads", "returns-weights-only")
def two_heads_weights_alone(x, W_Q, W_K, W_V, W_O):
    return heads_of(x, W_Q, W_K, W_V)[1]


@wrong("04.two_heads", "outputs-swapped")
def two_heads_weights_first(x, W_Q, W_K, W_V, W_O):
    contexts, weights = heads_of(x, W_Q, W_K, W_V)
    return weights, np.hstack(contexts) @ W_O


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


def multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask=None, *, split=good_split, merge=good_merge, attend=None):
    """A right multi-head attention with places to break it."""
    attend = attend or scaled_dot_product_attention
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]
    queries, keys, values = (split(x @ W, num_heads) for W in (W_Q, W_K, W_V))
    context, weights = attend(queries, keys, values, mask)
    return merge(context) @ W_O, weights


def attend_with(divide_by=None, axis=-1, late=False, fill=None, inverted=False, deaf=False):
    """Attention with a mistake."""

    def attend(queries, keys, values, mask=None):
        scores = queries @ keys.swapaxes(-1, -2) / (np.sqrt(keys.shape[-1]) if divide_by is None else divide_by)
        if mask is None or deaf:
            weights = softmax(scores, axis=axis)
        elif late:
            weights = softmax(scores) * mask
        elif fill is not None:
            weights = softmax(np.where(mask, scores, fill))
        else:
            weights = softmax(scores, mask=~mask if inverted else mask)
        return weights @ values, weights

    return attend


@wrong("04.multi_head_attention", "split-mixes-tokens")
def multi_head_split_by_reshape(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, split=split_in_one_reshape)


@wrong("04.multi_head_attention", "split-every-nth")
def multi_head_interleaved(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, split=split_interleaved)


@wrong("04.multi_head_attention", "merge-mixes-tokens")
def multi_head_merged_by_reshape(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, merge=merge_in_one_reshape)


@wrong("04.multi_head_attention", "merge-every-nth")
def multi_head_merged_interleaved(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, merge=merge_interleaved)


@wrong("04.multi_head_attention", "heads-swapped")
def multi_head_merged_in_reverse(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, merge=merge_from_the_last)


@wrong("04.multi_head_attention", "no-output-projection")
def multi_head_without_w_o(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, np.eye(len(W_O)), num_heads, mask)


@wrong("04.multi_head_attention", "output-transposed")
def multi_head_w_o_transposed(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O.T, num_heads, mask)


@wrong("04.multi_head_attention", "slices-not-projected")
def multi_head_without_projections(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    eye = np.eye(x.shape[-1])
    return multi_head(x, eye, eye, eye, W_O, num_heads, mask)


@wrong("04.multi_head_attention", "split-before-projection")
def multi_head_blocks_of_the_matrices(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    d_head = x.shape[-1] // num_heads
    blocks = np.kron(np.eye(num_heads), np.ones((d_head, d_head)))
    return multi_head(x, W_Q * blocks, W_K * blocks, W_V * blocks, W_O, num_heads, mask)


@wrong("04.multi_head_attention", "never-split")
def multi_head_that_is_one(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    context, weights = scaled_dot_product_attention(x @ W_Q, x @ W_K, x @ W_V, mask)
    return context @ W_O, weights


@wrong("04.multi_head_attention", "weights-averaged")
def multi_head_mean_map(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    context, weights = multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask)
    return context, weights.mean(axis=-3)


@wrong("04.multi_head_attention", "scaled-by-d_model")
def multi_head_scaled_by_d_model(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, attend=attend_with(divide_by=np.sqrt(x.shape[-1])))


@wrong("04.multi_head_attention", "not-scaled")
def multi_head_not_scaled(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, attend=attend_with(divide_by=1))


@wrong("04.multi_head_attention", "softmax-over-heads")
def multi_head_that_compete(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, attend=attend_with(axis=-3))


@wrong("04.multi_head_attention", "softmax-over-queries")
def multi_head_over_the_columns(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, attend=attend_with(axis=-2))


@wrong("04.multi_head_attention", "mask-ignored")
def multi_head_deaf_to_masks(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads)


@wrong("04.multi_head_attention", "mask-inverted")
def multi_head_true_is_hidden(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, attend=attend_with(inverted=True))


@wrong("04.multi_head_attention", "mask-after-softmax")
def multi_head_masked_late(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, attend=attend_with(late=True))


@wrong("04.multi_head_attention", "mask-leaks")
def multi_head_fill_too_small(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, attend=attend_with(fill=-10.0))


@wrong("04.multi_head_attention", "mask-meets-heads")
def multi_head_mask_as_it_comes(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    queries, keys, values = (good_split(x @ W, num_heads) for W in (W_Q, W_K, W_V))
    context, weights = scaled_dot_product_attention(queries, keys, values, mask)
    return good_merge(context) @ W_O, weights


@wrong("04.multi_head_attention", "fails-on-batch")
def multi_head_for_one_sentence(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask, split=split_for_one_sentence)


@wrong("04.multi_head_attention", "returns-context-only")
def multi_head_context_alone(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask)[0]


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


def good_contributions(x, W_Q, W_K, W_V, W_O, num_heads):
    return contexts_of(x, W_Q, W_K, W_V, num_heads) @ W_O.reshape(num_heads, -1, W_O.shape[1])


@wrong("04.head_contributions", "contributions-total")
def contributions_summed(x, W_Q, W_K, W_V, W_O, num_heads):
    return good_contributions(x, W_Q, W_K, W_V, W_O, num_heads).sum(axis=0)


@wrong("04.head_contributions", "contributions-not-projected")
def contributions_before_w_o(x, W_Q, W_K, W_V, W_O, num_heads):
    return contexts_of(x, W_Q, W_K, W_V, num_heads)


@wrong("04.head_contributions", "contributions-equal-shares")
def contributions_as_equal_shares(x, W_Q, W_K, W_V, W_O, num_heads):
    total = multi_head(x, W_Q, W_K, W_V, W_O, num_heads)[0]
    return np.stack([total / num_heads] * num_heads)


@wrong("04.head_contributions", "contributions-leave-one-out")
def contributions_of_the_others(x, W_Q, W_K, W_V, W_O, num_heads):
    parts = good_contributions(x, W_Q, W_K, W_V, W_O, num_heads)
    return parts.sum(axis=0) - parts


@wrong("04.head_contributions", "contributions-cumulative")
def contributions_running(x, W_Q, W_K, W_V, W_O, num_heads):
    return np.cumsum(good_contributions(x, W_Q, W_K, W_V, W_O, num_heads), axis=0)


@wrong("04.head_contributions", "output-columns")
def contributions_by_columns(x, W_Q, W_K, W_V, W_O, num_heads):
    return contexts_of(x, W_Q, W_K, W_V, num_heads) @ W_O.T.reshape(num_heads, -1, W_O.shape[0])


@wrong("04.head_contributions", "output-every-nth")
def contributions_by_every_nth_row(x, W_Q, W_K, W_V, W_O, num_heads):
    contexts = contexts_of(x, W_Q, W_K, W_V, num_heads)
    return np.stack([contexts[head] @ W_O[head::num_heads] for head in range(num_heads)])


@wrong("04.head_contributions", "array-shape")
def contributions_heads_last(x, W_Q, W_K, W_V, W_O, num_heads):
    return np.moveaxis(good_contributions(x, W_Q, W_K, W_V, W_O, num_heads), 0, -1)


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


def offsets_with(weights, combine=np.mean):
    means = [
        combine(np.diagonal(weights, -offset, axis1=-2, axis2=-1), axis=-1).mean(axis=0)
        for offset in range(weights.shape[-1])
    ]
    return np.argmax(means, axis=0)


@wrong("04.head_offsets", "offset-looks-forward")
def offsets_into_the_future(weights):
    return offsets_with(weights.swapaxes(-1, -2))


@wrong("04.head_offsets", "offset-sums")
def offsets_by_sums(weights):
    return offsets_with(weights, np.sum)


@wrong("04.head_offsets", "offset-of-key")
def offsets_as_places(weights):
    return weights.mean(axis=(0, 2)).argmax(axis=-1)


@wrong("04.head_offsets", "offset-first-sentence")
def offsets_of_one_sentence(weights):
    return offsets_with(weights[:1])


@wrong("04.head_offsets", "offset-counts-winners")
def offsets_by_votes(weights):
    votes = np.arange(weights.shape[-1])[:, None] - weights.argmax(axis=-1).swapaxes(-1, -2)
    votes = [votes[..., head].ravel() for head in range(weights.shape[1])]
    return np.array([np.bincount(one[one >= 0]).argmax() for one in votes])


@wrong("04.head_offsets", "offset-negative")
def offsets_below_zero(weights):
    return -offsets_with(weights)


@wrong("04.head_offsets", "offset-one-off")
def offsets_counted_from_one(weights):
    return offsets_with(weights) + 1


@wrong("04.head_offsets", "offset-of-mean-head")
def offsets_of_the_mean(weights):
    return offsets_with(weights.mean(axis=1, keepdims=True))[0]


@wrong("04.head_offsets", "array-shape")
def offsets_of_every_sentence(weights):
    return np.stack([offsets_with(one[None]) for one in weights])


@right("04.head_offsets")
def offsets_by_diagonals(weights):
    return offsets_with(weights)


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


def columns_kept(W, num_heads, keep):
    return W.reshape(len(W), num_heads, -1)[:, keep].reshape(len(W), -1)


def good_prune(W_Q, W_K, W_V, W_O, num_heads, keep):
    return *(columns_kept(W, num_heads, keep) for W in (W_Q, W_K, W_V)), columns_kept(W_O.T, num_heads, keep).T


@wrong("04.prune_heads", "pruned-the-kept")
def prune_the_others(W_Q, W_K, W_V, W_O, num_heads, keep):
    return good_prune(W_Q, W_K, W_V, W_O, num_heads, ~keep)


@wrong("04.prune_heads", "zeroed-not-removed")
def prune_by_zeros(W_Q, W_K, W_V, W_O, num_heads, keep):
    of_keys, of_values = (np.repeat(keep, W.shape[1] // num_heads) for W in (W_K, W_V))
    return W_Q * of_keys, W_K * of_keys, W_V * of_values, W_O * of_values[:, None]


@wrong("04.prune_heads", "pruned-first-heads")
def prune_the_last(W_Q, W_K, W_V, W_O, num_heads, keep):
    return good_prune(W_Q, W_K, W_V, W_O, num_heads, np.arange(num_heads) < keep.sum())


@wrong("04.prune_heads", "pruned-rows")
def prune_rows(W_Q, W_K, W_V, W_O, num_heads, keep):
    rows = [row for row in np.flatnonzero(np.repeat(keep, W_Q.shape[1] // num_heads)) if row < len(W_Q)]
    return W_Q[rows], W_K[rows], W_V[rows], W_O[rows]


@wrong("04.prune_heads", "output-not-pruned")
def prune_all_but_w_o(W_Q, W_K, W_V, W_O, num_heads, keep):
    return *good_prune(W_Q, W_K, W_V, W_O, num_heads, keep)[:3], W_O.copy()


@wrong("04.prune_heads", "output-columns-pruned")
def prune_columns_of_w_o(W_Q, W_K, W_V, W_O, num_heads, keep):
    columns = np.flatnonzero(np.repeat(keep, W_V.shape[1] // num_heads))
    return *good_prune(W_Q, W_K, W_V, W_O, num_heads, keep)[:3], W_O[:, columns[columns < W_O.shape[1]]]


@wrong("04.prune_heads", "pruned-one-column-a-head")
def prune_single_columns(W_Q, W_K, W_V, W_O, num_heads, keep):
    own = np.flatnonzero(keep)
    return W_Q[:, own], W_K[:, own], W_V[:, own], W_O[own]


@wrong("04.prune_heads", "pruned-every-nth")
def prune_interleaved(W_Q, W_K, W_V, W_O, num_heads, keep):
    def pick(W):
        return W.reshape(len(W), -1, num_heads)[:, :, keep].reshape(len(W), -1)

    return pick(W_Q), pick(W_K), pick(W_V), pick(W_O.T).T


@wrong("04.prune_heads", "value-width-from-keys")
def prune_values_like_keys(W_Q, W_K, W_V, W_O, num_heads, keep):
    own = np.flatnonzero(np.repeat(keep, W_K.shape[1] // num_heads))
    return W_Q[:, own], W_K[:, own], W_V[:, own], W_O[own]


@wrong("04.prune_heads", "not-four")
def prune_without_w_o(W_Q, W_K, W_V, W_O, num_heads, keep):
    return good_prune(W_Q, W_K, W_V, W_O, num_heads, keep)[:3]


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


# --- found by a second reader ------------------------------------------------------------------------------------------


def heads_and(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    """Contexts and weights of all heads, before the merge."""
    queries, keys, values = (good_split(x @ W, num_heads) for W in (W_Q, W_K, W_V))
    mask = mask[:, None] if mask is not None and mask.ndim == 3 else mask
    return scaled_dot_product_attention(queries, keys, values, mask)


def whole(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    context, weights = heads_and(x, W_Q, W_K, W_V, W_O, num_heads, mask)
    return good_merge(context) @ W_O, weights


@wrong("04.two_heads", "values-cross-over")
def two_heads_with_values_exchanged(x, W_Q, W_K, W_V, W_O):
    maps = [one_head(x, W_Q[i], W_K[i], W_V[i])[1] for i in range(2)]
    return np.hstack([maps[0] @ x @ W_V[1], maps[1] @ x @ W_V[0]]) @ W_O, np.stack(maps)


@wrong("04.two_heads", "residual-too-early")
def two_heads_added_to_x(x, W_Q, W_K, W_V, W_O):
    found = [one_head(x, W_Q[i], W_K[i], W_V[i]) for i in range(2)]
    return x + np.hstack([context for context, _ in found]) @ W_O, np.stack([weights for _, weights in found])


@wrong("04.multi_head_attention", "residual-too-early")
def multi_head_added_to_x(x, *matrices_and_heads):
    context, weights = whole(x, *matrices_and_heads)
    return x + context, weights


@wrong("04.multi_head_attention", "matrices-transposed")
def multi_head_as_pytorch_stores_them(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return whole(x, W_Q.T, W_K.T, W_V.T, W_O, num_heads, mask)


@wrong("04.multi_head_attention", "keys-from-queries")
def multi_head_with_one_matrix_for_both(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return whole(x, W_Q, W_Q, W_V, W_O, num_heads, mask)


@wrong("04.multi_head_attention", "values-from-other-matrix")
def multi_head_with_keys_for_values(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return whole(x, W_Q, W_K, W_K, W_O, num_heads, mask)


@wrong("04.head_contributions", "contributions-same-rows")
def contributions_through_the_first_rows(x, W_Q, W_K, W_V, W_O, num_heads):
    return heads_and(x, W_Q, W_K, W_V, W_O, num_heads)[0] @ W_O[: len(W_O) // num_heads]


@wrong("04.head_contributions", "contributions-in-reverse")
def contributions_from_the_last(x, W_Q, W_K, W_V, W_O, num_heads):
    rows = W_O.reshape(num_heads, -1, W_O.shape[1])
    return (heads_and(x, W_Q, W_K, W_V, W_O, num_heads)[0] @ rows)[::-1]


@wrong("04.head_contributions", "split-mixes-tokens")
def contributions_of_pieces(x, W_Q, W_K, W_V, W_O, num_heads):
    pieces = [(x @ W).reshape(num_heads, len(x), -1) for W in (W_Q, W_K, W_V)]
    return scaled_dot_product_attention(*pieces)[0] @ W_O.reshape(num_heads, -1, W_O.shape[1])


@wrong("04.head_offsets", "offset-largest-weight")
def offsets_of_the_brightest_spot(weights):
    diagonals = [np.diagonal(weights.mean(axis=0), -offset, 1, 2).max(axis=-1) for offset in range(weights.shape[-1])]
    return np.argmax(diagonals, axis=0)


@wrong("04.head_offsets", "offset-never-itself")
def offsets_from_one(weights):
    diagonals = [np.diagonal(weights, -offset, 2, 3).mean(axis=(0, 2)) for offset in range(1, weights.shape[-1])]
    return 1 + np.argmax(diagonals, axis=0)


@wrong("04.prune_heads", "output-every-nth")
def pruned_with_rows_in_turn(W_Q, W_K, W_V, W_O, num_heads, keep):
    columns = [W[:, np.repeat(keep, W.shape[1] // num_heads)] for W in (W_Q, W_K, W_V)]
    return *columns, W_O[np.tile(keep, len(W_O) // num_heads)]


@wrong("04.split_heads", "split-same-slice")
def split_first_slice_for_all(x, num_heads):
    first = x[..., : x.shape[-1] // num_heads]
    return np.stack([first] * num_heads, axis=-3)


@wrong("04.split_heads", "split-reversed")
def split_from_the_end(x, num_heads):
    return good_split(x, num_heads)[..., ::-1, :, :]


@wrong("04.split_heads", "split-wrong-start")
def split_from_head_times_heads(x, num_heads):
    d_head = x.shape[-1] // num_heads
    return np.stack([x[..., head * num_heads :][..., :d_head] for head in range(num_heads)], axis=-3)


@wrong("04.merge_heads", "merge-wrong-exchange")
def merge_all_axes_turned(heads):
    return heads.T.reshape(heads.shape[-2], -1)


@wrong("04.merge_heads", "merge-wrong-exchange")
def merge_last_two_exchanged(heads):
    return np.swapaxes(heads, -1, -2).reshape(*heads.shape[:-3], heads.shape[-2], -1)


@wrong("04.two_heads", "values-of-one-head")
def two_heads_first_values(x, W_Q, W_K, W_V, W_O):
    contexts, maps = heads_of(x, W_Q, W_K, W_V[[0, 0]])
    return np.concatenate(contexts, axis=-1) @ W_O, np.stack(maps)


@wrong("04.two_heads", "heads-cross-over")
def two_heads_first_keys(x, W_Q, W_K, W_V, W_O):
    contexts, maps = heads_of(x, W_Q, W_K[[0, 0]], W_V)
    return np.concatenate(contexts, axis=-1) @ W_O, np.stack(maps)


@wrong("04.two_heads", "maps-swapped")
def two_heads_maps_in_reverse(x, W_Q, W_K, W_V, W_O):
    contexts, maps = heads_of(x, W_Q, W_K, W_V)
    return np.concatenate(contexts, axis=-1) @ W_O, np.stack(maps)[::-1]


@wrong("04.two_heads", "contributions-averaged")
def two_heads_mean_of_outputs(x, W_Q, W_K, W_V, W_O):
    contexts, maps = heads_of(x, W_Q, W_K, W_V)
    return np.concatenate(contexts, axis=-1) @ W_O / 2, np.stack(maps)


@wrong("04.two_heads", "merge-every-nth")
def two_heads_interleaved(x, W_Q, W_K, W_V, W_O):
    contexts, maps = heads_of(x, W_Q, W_K, W_V)
    return np.stack(contexts, axis=-1).reshape(len(x), -1) @ W_O, np.stack(maps)


@wrong("04.multi_head_attention", "split-mixes-tokens")
def multi_head_of_the_colleague(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return colleagues_attention(x, W_Q, W_K, W_V, W_O, num_heads)


@wrong("04.multi_head_attention", "causal-without-a-mask")
def multi_head_always_causal(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return multi_head(x, W_Q, W_K, W_V, W_O, num_heads, np.tri(x.shape[-2], dtype=bool))


@wrong("04.multi_head_attention", "contributions-averaged")
def multi_head_mean_of_heads(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    context, weights = multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask)
    return context / num_heads, weights


@wrong("04.multi_head_attention", "different-values")
def multi_head_without_first_token(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    context, weights = multi_head(x, W_Q, W_K, W_V, W_O, num_heads, mask)
    return context - context[..., :1, :], weights


@wrong("04.head_contributions", "contributions-averaged")
def contributions_divided(x, W_Q, W_K, W_V, W_O, num_heads):
    return good_contributions(x, W_Q, W_K, W_V, W_O, num_heads) / num_heads


@wrong("04.head_contributions", "contributions-not-projected")
def contributions_at_their_place(x, W_Q, W_K, W_V, W_O, num_heads):
    return good_contributions(x, W_Q, W_K, W_V, np.eye(len(W_O)), num_heads)


@wrong("04.head_contributions", "residual-too-early")
def contributions_with_x(x, W_Q, W_K, W_V, W_O, num_heads):
    return x + good_contributions(x, W_Q, W_K, W_V, W_O, num_heads)


@wrong("04.head_contributions", "causal-without-a-mask")
def contributions_under_a_mask(x, W_Q, W_K, W_V, W_O, num_heads):
    heads = [good_split(x @ W, num_heads) for W in (W_Q, W_K, W_V)]
    contexts = scaled_dot_product_attention(*heads, np.tri(len(x), dtype=bool))[0]
    return contexts @ W_O.reshape(num_heads, -1, W_O.shape[1])


@wrong("04.head_offsets", "offset-last-query")
def offsets_of_the_last_query(weights):
    return weights.shape[-1] - 1 - weights[:, :, -1].mean(axis=0).argmax(axis=-1)


@wrong("04.head_offsets", "offset-farthest-left-out")
def offsets_but_the_farthest(weights):
    means = [np.diagonal(weights, -d, axis1=-2, axis2=-1).mean(axis=(0, 2)) for d in range(weights.shape[-1] - 1)]
    return np.argmax(means, axis=0)


@wrong("04.head_offsets", "offset-mean-distance")
def offsets_as_mean_distance(weights):
    places = np.arange(weights.shape[-1])
    return ((places[:, None] - places) * weights).sum(axis=-1).mean(axis=(0, 2)).round().astype(int)


@wrong("04.head_offsets", "offset-returns-weight")
def offsets_not_asked_for(weights):
    means = [np.diagonal(weights, -d, axis1=-2, axis2=-1).mean(axis=(0, 2)) for d in range(weights.shape[-1])]
    return np.max(means, axis=0)


@wrong("04.head_offsets", "offset-counts-winners")
def offsets_by_votes_in_the_mean_map(weights):
    places = np.arange(weights.shape[-1])
    return np.array([np.bincount((places - one.argmax(axis=-1)).clip(0)).argmax() for one in weights.mean(axis=0)])


@wrong("04.prune_heads", "pruned-mixes-columns")
def prune_heads_in_front(W_Q, W_K, W_V, W_O, num_heads, keep):
    cut = [W.reshape(num_heads, len(W), -1)[keep].reshape(len(W), -1) for W in (W_Q, W_K, W_V)]
    return *cut, good_prune(W_Q, W_K, W_V, W_O, num_heads, keep)[3]


@wrong("04.prune_heads", "pruned-mixes-columns")
def prune_after_a_split(W_Q, W_K, W_V, W_O, num_heads, keep):
    cut = [good_split(W, num_heads)[keep].reshape(len(W), -1) for W in (W_Q, W_K, W_V)]
    return *cut, good_prune(W_Q, W_K, W_V, W_O, num_heads, keep)[3]


@wrong("04.prune_heads", "pruned-other-matrix")
def prune_keys_first(W_Q, W_K, W_V, W_O, num_heads, keep):
    queries, keys, values, output = good_prune(W_Q, W_K, W_V, W_O, num_heads, keep)
    return keys, queries, values, output


@wrong("04.prune_heads", "columns-not-pruned")
def prune_without_values(W_Q, W_K, W_V, W_O, num_heads, keep):
    queries, keys, _, output = good_prune(W_Q, W_K, W_V, W_O, num_heads, keep)
    return queries, keys, W_V, output

"""Lesson 04, multi-head attention: what is right, and each mistake with its sentence, in the order of its exercises."""

import itertools
from functools import partial

import numpy as np

from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import reference
from course_lib.classroom.practice.slips.attention import (
    ORDINARY_SCORES,
    WITHOUT_EMPTY_ROWS,
    WITHOUT_MASK,
    along,
    attention_by,
    order_mistakes,
    shares,
)
from course_lib.classroom.practice.slips.heads import (
    attended,
    columns_kept,
    for_all_heads,
    merge,
    mixed_by,
    owned,
    projections,
    rows_kept,
    rows_of_heads,
    split,
    staying,
    width_of,
)
from course_lib.classroom.practice.slips.influence import influence_cases, influence_mistakes, table_of_influence
from course_lib.classroom.practice.steps import step

# ----------------------------------------------------------------------------------------------------------------------
# Split and merge
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "04.split_heads",
    title="Split: a slice of the features for each head",
    points=2,
    hints=[
        "Where must the cut go? Through each token's features. So let a reshape replace the last axis by two: heads, d_head.",
        "Now the axes are (…, seq_len, heads, d_head). The heads should come before the tokens: exchange these two axes.",
        "`x.reshape(*x.shape[:-1], num_heads, -1)`, then `np.swapaxes(…, -3, -2)`.",
    ],
    returns="array of heads",
)
def split_heads(x, num_heads):
    return split(x, num_heads)


@cases("04.split_heads")
def split_cases():
    yield Case("two heads of width 2", draw(1, 3, 4).round(1), 2)
    yield Case("three heads of width 4", draw(2, 6, 12), 3)
    yield Case("as many tokens as heads", draw(3, 4, 8), 4)
    yield Case("as many tokens as a head is wide", draw(4, 3, 6), 2)
    yield Case("as many heads as tokens and features of a head", draw(5, 2, 4), 2)
    yield Case("a batch", draw(6, 2, 5, 12), 3)
    yield Case("two leading axes", draw(7, 2, 3, 5, 8), 4)
    yield Case("a single head", draw(8, 5, 4), 1, edge=True)
    yield Case("heads of width 1", draw(9, 3, 4), 4, edge=True)


@reference(
    "04.merge_heads",
    title="Merge: the slices side by side again",
    points=1,
    hints=[
        "It undoes the split, step by step, the last step first.",
        "First exchange heads and seq_len, so that a token's slices lie side by side. Then one reshape joins the last two axes.",
        "`np.swapaxes(heads, -3, -2)`, then `.reshape(*leading, seq_len, num_heads * d_head)`; leading is heads.shape[:-3].",
    ],
    returns="merged array",
)
def merge_heads(heads):
    return merge(heads)


@cases("04.merge_heads")
def merge_cases():
    yield Case("two heads of width 2", draw(1, 2, 3, 2).round(1))
    yield Case("three heads of width 4", draw(2, 3, 5, 4))
    yield Case("as many heads as tokens and features of a head", draw(3, 3, 3, 3))
    yield Case("a batch", draw(4, 2, 3, 5, 4))
    yield Case("two leading axes", draw(5, 2, 3, 4, 5, 6))
    yield Case("a single head", draw(6, 1, 4, 3), edge=True)
    yield Case("heads of width 1", draw(7, 4, 3, 1), edge=True)


mistake("04.merge_heads", "merge-two-heads-only", "You join two heads, however many there are.",
        lambda heads: np.concatenate([heads[..., 0, :, :], heads[..., 1, :, :]], axis=-1))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Two heads
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "04.two_heads",
    title="Two heads, one beside the other",
    points=3,
    hints=[
        "One head is self-attention as in lesson 03, with that head's own three matrices. Do it twice, with W_Q[0] … and W_Q[1] …",
        "Put the two contexts side by side, (seq_len, 2 · d_v), and multiply by W_O. Stack the two maps, (2, seq_len, seq_len).",
        "`np.concatenate([first, second], axis=-1) @ W_O` and `np.stack([first_weights, second_weights])`.",
    ],
    returns=("context", "weights"),
    same=WITHOUT_MASK | ORDINARY_SCORES | {"leading-axes"},
)
def two_heads(x, W_Q, W_K, W_V, W_O):
    contexts, weights = attended(*projections(x, W_Q, W_K, W_V))  # (2, seq_len, …) each
    return mixed_by(merge(contexts), W_O), weights


@cases("04.two_heads")
def two_heads_cases():
    for about, seed, seq_len, d_model, d_k, d_v in (
        ("two words, everything of size two", 1, 2, 2, 2, 1),
        ("five words, values of another width than keys", 2, 5, 7, 4, 2),
        ("values that are together as wide as x", 3, 4, 6, 2, 3),
        ("as many words as features, keys and values", 4, 4, 4, 4, 4),
    ):
        x, W_O = draw(seed, seq_len, d_model), draw(seed + 40, 2 * d_v, d_model)
        W_Q, W_K = draw(seed + 10, 2, d_model, d_k), draw(seed + 20, 2, d_model, d_k)
        inputs = x, W_Q, W_K, draw(seed + 30, 2, d_model, d_v), W_O
        yield Case(about, *(array.round(1) if seed == 1 else array for array in inputs))


TWO = "04.two_heads"


def changed_heads(change):
    """Two heads of changed queries, keys and values: a function of x and of those."""

    def wrong(x, W_Q, W_K, W_V, W_O):
        contexts, weights = attended(*change(x, *(x @ W for W in (W_Q, W_K, W_V))))
        return mixed_by(merge(contexts), W_O), weights

    return wrong


def changed_outputs(change):
    """Two heads whose contexts, (2, seq_len, d_v), become an output in another way: a function of x, them, and W_O."""

    def wrong(x, W_Q, W_K, W_V, W_O):
        contexts, weights = attended(*(x @ W for W in (W_Q, W_K, W_V)))
        return change(x, contexts, W_O), weights

    return wrong


def changed_maps(change):
    """Two heads that return the weights in another form."""

    def wrong(*inputs):
        context, weights = two_heads(*inputs)
        return context, change(weights)

    return wrong


def half(W_O, head):
    """A head's half of the rows of W_O."""
    return np.split(W_O, 2)[head]


def in_a_chain(between):
    """The second head reads what the first one gives, brought to the width of x by `between(context, W_O)`."""

    def wrong(x, W_Q, W_K, W_V, W_O):
        first, first_map = attended(*(x @ W[0] for W in (W_Q, W_K, W_V)))
        read = between(first, W_O)
        second, second_map = attended(*(read @ W[1] for W in (W_Q, W_K, W_V)))
        return np.concatenate([first, second], axis=-1) @ W_O, np.stack([first_map, second_map])

    return wrong


mistake(TWO, "same-head-twice", "Both heads have the same weights: you use one head's matrices twice.",
        *(changed_heads(lambda x, *all, h=h: [one[[h, h]] for one in all]) for h in (0, 1)))  # fmt: skip
CROSS = "One head's queries meet the other head's keys. A head has its own W_Q, W_K and W_V, and stays with them."
mistake(TWO, "heads-cross-over", CROSS, changed_heads(lambda x, q, k, v: (q, k[::-1], v)),
        *(changed_heads(lambda x, q, k, v, h=h: (q, k[[h, h]], v)) for h in (0, 1)),
        *(changed_heads(lambda x, q, k, v, h=h: (q[[h, h]], k, v)) for h in (0, 1)))  # fmt: skip
mistake(TWO, "values-cross-over", "One head's weights mix the other head's values. A head stays with its own W_V.",
        changed_heads(lambda x, q, k, v: (q, k, v[::-1])))  # fmt: skip
mistake(TWO, "values-of-one-head", "Both heads mix the values of one head. Each has its own W_V.",
        *(changed_heads(lambda x, q, k, v, h=h: (q, k, v[[h, h]])) for h in (0, 1)))  # fmt: skip
mistake(TWO, "projections-swapped", None,
        changed_heads(lambda x, q, k, v: (k, q, v)))  # fmt: skip
mistake(TWO, "keys-from-queries", None,
        changed_heads(lambda x, q, k, v: (q, q, v)), changed_heads(lambda x, q, k, v: (k, k, v)))  # fmt: skip
FROM_OTHER = "Your values are made with W_Q or W_K. They have a matrix of their own, W_V."
mistake(TWO, "values-from-other-matrix", FROM_OTHER,
        changed_heads(lambda x, q, k, v: (q, k, k)), changed_heads(lambda x, q, k, v: (q, k, q)))  # fmt: skip
mistake(TWO, "no-projection", None,
        changed_heads(lambda x, q, k, v: (np.stack([x, x]), np.stack([x, x]), v)))  # fmt: skip
mistake(TWO, "values-not-projected", None,
        changed_heads(lambda x, q, k, v: (q, k, np.stack([x, x]))))  # fmt: skip
mistake(TWO, "heads-in-a-chain", "The second head reads what the first one gives. Heads work side by side: all of them read x.",
        in_a_chain(lambda first, W_O: first), in_a_chain(lambda first, W_O: first @ half(W_O, 0)),
        lambda x, W_Q, W_K, W_V, W_O: (
            after := (first := attended(*(x @ W[0] for W in (W_Q, W_K, W_V))))[0] @ half(W_O, 0),
            second := attended(*(after @ W[1] for W in (W_Q, W_K, W_V))),
            (after + second[0] @ half(W_O, 1), np.stack([first[1], second[1]])))[2])  # fmt: skip
mistake(TWO, "heads-exchanged", "Head 1 comes in front of head 0, in the output and among the maps.",
        changed_heads(lambda x, *all: [one[::-1] for one in all]))  # fmt: skip
mistake(TWO, "keys-and-values-exchanged", None, changed_heads(lambda x, q, k, v: (q, v, k)))
mistake(TWO, "maps-swapped", "The maps stand in the wrong order: head 0's comes first.",
        changed_maps(lambda maps: maps[::-1]))  # fmt: skip
mistake(TWO, "maps-turned-round", "Each map is turned round: rows are queries, columns are keys.",
        changed_maps(lambda maps: np.swapaxes(maps, -1, -2)))  # fmt: skip
mistake(TWO, "never-split", "One map came back, or the same for all heads: that of a single head of full width. Each head has its own.",
        *(lambda x, W_Q, W_K, W_V, W_O, form=form: (
            (pair := attended(*(x @ np.concatenate(list(W), axis=-1) for W in (W_Q, W_K, W_V))))[0] @ W_O, form(pair[1]))
          for form in (lambda one: one, lambda one: np.stack([one, one]))))  # fmt: skip
mistake(TWO, "heads-added", "You add the heads up before W_O, or all of them meet the same rows of it. Side by side, each "
        "has its own rows.", *(changed_outputs(lambda x, both, W_O, h=h: both.sum(axis=0) @ half(W_O, h)) for h in (0, 1)))  # fmt: skip
mistake(TWO, "heads-averaged", "You average the heads before W_O. Put them side by side: each has its own rows of W_O.",
        *(changed_outputs(lambda x, both, W_O, h=h: both.mean(axis=0) @ half(W_O, h)) for h in (0, 1)))  # fmt: skip
LEFT_OUT = "Only one of the heads reaches the output."
mistake(TWO, "head-left-out", LEFT_OUT,
        *(changed_outputs(lambda x, both, W_O, h=h: both[h] @ half(W_O, h)) for h in (0, 1)))  # fmt: skip
mistake(TWO, "one-head-alone", "One head alone is in what you return. Does the second overwrite the first?",
        *(lambda x, W_Q, W_K, W_V, W_O, h=h, own=own, form=form: (
            (pair := attended(*(x @ W[[h]] for W in (W_Q, W_K, W_V))))[0][0] @ half(W_O, own), form(pair[1]))
          for h in (0, 1) for own in (0, 1) for form in (np.array, np.squeeze)))  # fmt: skip
AVERAGED = "What the heads add is divided by their number. W_O's mixture is a sum, not a mean."
mistake(TWO, "contributions-averaged", AVERAGED, changed_outputs(lambda x, both, W_O: merge(both) @ W_O / 2))
mistake(TWO, "residual-too-early", None, changed_outputs(lambda x, both, W_O: x + merge(both) @ W_O))
mistake(TWO, "heads-not-summed", "What the heads add stands in an axis of its own. The output is their sum.",
        changed_outputs(lambda x, both, W_O: both @ np.stack(np.split(W_O, 2))))  # fmt: skip
ONE_MAP = "You return one map, the mean or the sum of all heads. Each head has its own: (heads, queries, keys)."
mistake(TWO, "weights-averaged", ONE_MAP, changed_maps(lambda maps: maps.mean(axis=0)),
        changed_maps(lambda maps: maps.sum(axis=0)))  # fmt: skip
FIRST_MAP = "You return the map of one head. Each head has its own: (heads, queries, keys)."
mistake(TWO, "weights-of-one-head", FIRST_MAP, *(changed_maps(lambda maps, h=h: maps[h]) for h in (0, 1)))
mistake(TWO, "maps-not-stacked", "The two maps are right, but not stacked into one array (2, seq_len, seq_len), in which "
        "each is a table of its own.", changed_maps(np.concatenate), changed_maps(lambda maps: np.concatenate(maps, axis=-1)),
        changed_maps(list), changed_maps(tuple), changed_maps(lambda maps: np.stack(maps, axis=-1)),
        changed_maps(lambda maps: np.stack(maps, axis=1)))  # fmt: skip


def two_heads_by(attend):
    """Two heads with another attention, which is a function of x."""

    def wrong(x, W_Q, W_K, W_V, W_O):
        contexts, weights = attend(x, W_V)(*(x @ W for W in (W_Q, W_K, W_V)))
        return merge(contexts) @ W_O, weights

    return wrong


OVER_HEADS = "For each query and key the weights of all heads sum to 1: your softmax runs over the heads. The keys are the last axis."
mistake(
    TWO,
    "scaled-by-d_model",
    None,
    two_heads_by(lambda x, W_V: attention_by(divisor=lambda q, k, v: np.sqrt(x.shape[-1]))),
)
mistake(TWO, "scaled-by-all-heads", "You divide by the root of what all heads have together. A dot product adds up the d_k products of "
        "one head.", two_heads_by(lambda x, W_V: attention_by(divisor=lambda q, k, v: np.sqrt(2 * k.shape[-1]))))  # fmt: skip
mistake(TWO, "scaled-by-d_v", None,
        two_heads_by(lambda x, W_V: attention_by(divisor=lambda q, k, v: np.sqrt(v.shape[-1]))))  # fmt: skip
mistake(TWO, "softmax-over-heads", OVER_HEADS, two_heads_by(lambda x, W_V: attention_by(along(0))))
mistake(TWO, "causal-without-a-mask", None,
        two_heads_by(lambda x, W_V: lambda *all: attended(*all, mask=np.tri(len(x), dtype=bool))))  # fmt: skip


order_mistakes(TWO, two_heads)

# ----------------------------------------------------------------------------------------------------------------------
# Find the bug
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_attention(x, W_Q, W_K, W_V, W_O, num_heads):
    """A colleague's causal multi-head attention. All her tests pass."""
    seq_len, d_model = x.shape
    shape = (num_heads, seq_len, d_model // num_heads)
    queries, keys, values = ((x @ W).reshape(shape) for W in (W_Q, W_K, W_V))
    context, weights = scaled_dot_product_attention(queries, keys, values, causal_mask(seq_len))
    return context.swapaxes(0, 1).reshape(seq_len, d_model) @ W_O, weights


@reference(
    "04.influence",
    title="Find the bug: which token moves which output?",
    points=2,
    hints=[
        "Keep the output of the sentence as it is. Then change one token, call `attend` again, and see which rows are no longer the same.",
        "One change gives one column of the table. Start each time from a fresh copy, and add random numbers, another for each feature: "
        "a norm takes away what is the same for all of them, and twice zero is zero.",
        "Whatever axes a row of the output has, one number that moves is enough: `np.abs(after - before).reshape(len(x), -1).max(axis=-1) "
        "> 1e-9` is column j, where `after` is `attend` of a copy with `changed[j] += rng.normal(size=x.shape[1])`.",
    ],
    returns="table",
)
def influence(attend, x):
    return table_of_influence(attend, x)


cases("04.influence")(influence_cases)
influence_mistakes("04.influence")


# ----------------------------------------------------------------------------------------------------------------------
# All heads at once
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "04.multi_head_attention",
    title="Repair it: multi-head attention",
    points=4,
    hints=[
        "Project, split, attend, merge, mix. You have written split and merge; attention treats the heads' axis like a batch.",
        "`split_heads(x @ W_Q, num_heads)` and so on give (…, heads, seq_len, d_head). A mask (batch, queries, keys) knows nothing of "
        "heads: give it an axis of length 1 before the queries.",
        "`context, weights = scaled_dot_product_attention(queries, keys, values, mask)`, then "
        "`merge_heads(context) @ W_O`; before it, where mask has three axes, `mask = mask[:, None]`.",
    ],
    returns=("context", "weights"),
    same=WITHOUT_EMPTY_ROWS | ORDINARY_SCORES,
)
def multi_head_attention(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    queries, keys, values = (split(one, num_heads) for one in projections(x, W_Q, W_K, W_V))
    contexts, weights = attended(queries, keys, values, for_all_heads(mask))
    return mixed_by(merge(contexts), W_O), weights


def matrices(seed, d_model):
    """W_Q, W_K, W_V and W_O."""
    return [draw(seed + number, d_model, d_model) / np.sqrt(d_model / 2) for number in range(4)]


@cases("04.multi_head_attention")
def multi_head_cases():
    small, large = matrices(1, 4), matrices(11, 12)
    x, causal = draw(21, 5, 12), np.tri(5, dtype=bool)
    yield Case("two words, two heads of width 2", draw(22, 2, 4).round(1), *(W.round(1) for W in small), 2)
    yield Case("a sentence without a mask", x, *large, 3)
    yield Case("as many words as features and heads", draw(23, 4, 4), *small, 4)
    yield Case("a causal mask", x, *large, 3, causal)
    yield Case("another mask", draw(24, 6, 12), *large, 4, draw(25, 6, 6) + 4 * np.eye(6) > 0)
    batch = draw(26, 3, 5, 12)
    real = (np.arange(5) < np.array([2, 4, 5])[:, None])[:, None]
    yield Case("a batch", batch, *large, 2)
    yield Case("two leading axes", draw(27, 2, 3, 4, 12), *large, 3)
    yield Case("a batch under one causal mask", batch, *large, 2, causal)
    yield Case("a batch with a mask for each sentence", batch, *large, 2, real & causal)
    yield Case("as many sentences as heads, each with its padding", batch, *large, 3, real)
    yield Case("as many sentences as heads, each with its padding, causal", batch, *large, 3, real & causal)
    yield Case("a single head", x, *large, 1, causal, edge=True)


MULTI = "04.multi_head_attention"


def multi_head(*, cut=split, attend=None, join=merge, project=projections):
    """A multi-head attention with another split, attention (a function of x), merge or projection."""

    def wrong(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
        heads = [cut(one, num_heads) for one in project(x, W_Q, W_K, W_V)]
        contexts, weights = (attend(x) if attend else attended)(*heads, mask=for_all_heads(mask))
        return join(contexts) @ W_O, weights

    return wrong


def changed_answer(change):
    """What is right, changed: a function of context, weights, x and the number of heads."""

    def wrong(x, *others):
        context, weights = multi_head_attention(x, *others)
        return change(context, weights, x, others[4])

    return wrong


def changed_matrices(change):
    """The right attention with other matrices: a function of each of W_Q, W_K and W_V, and the number of heads."""

    def wrong(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
        return multi_head_attention(x, *(change(W, num_heads) for W in (W_Q, W_K, W_V)), W_O, num_heads, mask)

    return wrong


def one_for_all(x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    """A single head of full width."""
    context, weights = attended(x @ W_Q, x @ W_K, x @ W_V, mask)
    return context @ W_O, weights


mistake(MULTI, "never-split", None, one_for_all,
        lambda *inputs: ((pair := one_for_all(*inputs))[0], pair[1][..., None, :, :]),
        lambda *inputs: ((pair := one_for_all(*inputs))[0], np.stack([pair[1]] * inputs[5], axis=-3)))  # fmt: skip
mistake(MULTI, "split-mixes-tokens", None,
        lambda x, W_Q, W_K, W_V, W_O, num_heads, mask=None: colleagues_attention(x, W_Q, W_K, W_V, W_O, num_heads))  # fmt: skip
mistake(MULTI, "slices-not-projected", "Each head compares slices of x itself. Project first, x @ W_Q, then split.",
        multi_head(project=lambda x, *_: (x, x, x)), multi_head(project=lambda x, W_Q, W_K, W_V: (x, x, x @ W_V)))  # fmt: skip
mistake(MULTI, "split-before-projection", "You split x and give each head a block of each matrix, so a head sees only its "
        "own slice of x. Each head reads all of x: project first, then split.",
        changed_matrices(lambda W, heads: W * np.kron(np.eye(heads), np.ones((len(W) // heads, len(W) // heads)))),
        changed_matrices(lambda W, heads: np.kron(np.eye(heads), W[: (d_head := len(W) // heads), :d_head])))  # fmt: skip
mistake(MULTI, "heads-added", None, multi_head(
    join=lambda heads: merge(heads.sum(axis=-3, keepdims=True) * np.eye(heads.shape[-3])[0][:, None, None])))  # fmt: skip
mistake(MULTI, "matrices-transposed", "You multiply by transposed matrices. A row of x meets columns: x @ W_Q.",
        multi_head(project=lambda x, *all: [x @ W.T for W in all]),
        lambda x, W_Q, W_K, W_V, W_O, *rest: multi_head_attention(x, W_Q.T, W_K.T, W_V.T, W_O.T, *rest))  # fmt: skip
mistake(MULTI, "projections-swapped", None, multi_head(project=lambda x, W_Q, W_K, W_V: (x @ W_K, x @ W_Q, x @ W_V)))
mistake(MULTI, "keys-from-queries", None,
        *(multi_head(project=lambda x, *all, one=one: (x @ all[one], x @ all[one], x @ all[2])) for one in (0, 1)))  # fmt: skip
mistake(MULTI, "values-from-other-matrix", None,
        *(multi_head(project=lambda x, *all, one=one: (x @ all[0], x @ all[1], x @ all[one])) for one in (0, 1)))  # fmt: skip
mistake(MULTI, "one-matrix-for-all", "Queries, keys and values come from one matrix. Each has its own.",
        *(multi_head(project=lambda x, *all, one=one: [x @ all[one]] * 3) for one in (0, 1, 2)))  # fmt: skip
mistake(
    MULTI,
    "scaled-by-d_model",
    None,
    multi_head(attend=lambda x: attention_by(divisor=lambda q, k, v: np.sqrt(x.shape[-1]))),
)
mistake(MULTI, "scaled-by-number-of-heads", "You divide by √heads. A dot product in a head adds up d_head products: their number counts.",
        lambda x, W_Q, W_K, W_V, W_O, num_heads, mask=None: multi_head(
            attend=lambda _: attention_by(divisor=lambda q, k, v: np.sqrt(num_heads)))(x, W_Q, W_K, W_V, W_O, num_heads, mask))  # fmt: skip
mistake(MULTI, "scaled-twice", None, multi_head(attend=lambda x: attention_by(divisor=lambda q, k, v: k.shape[-1])))
mistake(MULTI, "softmax-over-heads", None, multi_head(attend=lambda x: attention_by(along(-3))))
mistake(MULTI, "causal-without-a-mask", None,
        lambda *inputs: multi_head_attention(*inputs[:6], np.tri(inputs[0].shape[-2], dtype=bool)),
        lambda x, *rest: multi_head_attention(x, *rest[:5], np.tri(x.shape[-2], dtype=bool) if len(rest) < 6 else rest[5]))  # fmt: skip
mistake(MULTI, "mask-ignored", None, lambda *inputs: multi_head_attention(*inputs[:6]))
mistake(MULTI, "weights-averaged", None, changed_answer(lambda context, weights, *_: (context, weights.mean(axis=-3))),
        changed_answer(lambda context, weights, *_: (context, weights.sum(axis=-3))))  # fmt: skip
mistake(MULTI, "weights-of-one-head", None,
        *(changed_answer(lambda context, weights, *_, h=h: (context, weights[..., h, :, :])) for h in (0, -1)))  # fmt: skip
mistake(MULTI, "contributions-averaged", None,
        changed_answer(lambda context, weights, x, heads: (context / heads, weights)))  # fmt: skip
mistake(MULTI, "residual-too-early", None, changed_answer(lambda context, weights, x, _: (x + context, weights)))
mistake(MULTI, "leading-axes", None,
        changed_answer(lambda context, weights, *_: (context, np.moveaxis(weights, -3, 0))))  # fmt: skip
order_mistakes(MULTI, multi_head_attention)


@holds(MULTI, "rows-do-not-sum-to-1")
def heads_sum_to_one(got, *inputs):
    return not np.isfinite(got[1]).all() or np.allclose(got[1].sum(axis=-1), 1, atol=1e-5)


@holds(MULTI, "mask-leaks")
def masked_keys_get_nothing(got, x, W_Q, W_K, W_V, W_O, num_heads, mask=None):
    return mask is None or not got[1][~np.broadcast_to(for_all_heads(mask), got[1].shape)].any()


@reference(
    "04.head_contributions",
    title="What each head adds to the output",
    points=2,
    hints=[
        "Side by side times W_O is a sum: each head meets its own rows of W_O, and the results add up.",
        "Head h owns the rows h·d_head to (h+1)·d_head. Split them off with one reshape: (heads, d_head, d_model).",
        "`W_O.reshape(num_heads, -1, W_O.shape[-1])`, and the heads' contexts (heads, seq_len, d_head) times it.",
    ],
    returns="array of contributions",
    same=WITHOUT_MASK | ORDINARY_SCORES | {"leading-axes"},
)
def head_contributions(x, W_Q, W_K, W_V, W_O, num_heads):
    contexts, _ = attended(*(split(one, num_heads) for one in projections(x, W_Q, W_K, W_V)))
    return contexts @ rows_of_heads(W_O, num_heads)


@cases("04.head_contributions")
def contribution_cases():
    small, large = matrices(1, 4), matrices(11, 12)
    yield Case("two words, two heads of width 2", draw(21, 2, 4).round(1), *(W.round(1) for W in small), 2)
    yield Case("three heads of width 4", draw(22, 5, 12), *large, 3)
    yield Case("six heads of width 2", draw(23, 7, 12), *large, 6)
    yield Case("as many words as features and heads", draw(24, 4, 4), *small, 4)


PARTS = "04.head_contributions"


def changed_parts(change):
    """The right contributions, changed."""
    return lambda *inputs: change(head_contributions(*inputs), *inputs)


def parts_by(attend):
    """The contributions by another attention, which is a function of x."""

    def wrong(x, W_Q, W_K, W_V, W_O, num_heads):
        return attend(x)(*(split(x @ W, num_heads) for W in (W_Q, W_K, W_V)))[0] @ rows_of_heads(W_O, num_heads)

    return wrong


def of_contexts(change):
    """Something else of the heads' contexts, W_O, and the number of heads."""

    def wrong(x, W_Q, W_K, W_V, W_O, num_heads):
        return change(attended(*(split(x @ W, num_heads) for W in (W_Q, W_K, W_V)))[0], W_O, num_heads)

    return wrong


def at_its_place(contexts, W_O, num_heads):
    """Each head's context among zeros, where the merge would put it."""
    return contexts @ rows_of_heads(np.eye(len(W_O)), num_heads)


mistake(PARTS, "contributions-total", "You return the sum or the mean. Wanted are its parts, one for each head.",
        changed_parts(lambda parts, *_: parts.sum(axis=0)), changed_parts(lambda parts, *_: parts.mean(axis=0)))  # fmt: skip
mistake(PARTS, "contributions-cut-from-total", "You cut the finished output into pieces: each of them still comes from all "
        "heads. Part the sum, not its features.", changed_parts(lambda parts, *_: split(parts.sum(axis=0), len(parts))))  # fmt: skip
mistake(PARTS, "contributions-not-projected", "These are the heads' contexts. What a head contributes has gone through its rows of W_O.",
        of_contexts(lambda contexts, *_: contexts), of_contexts(at_its_place))  # fmt: skip
mistake(PARTS, "contributions-through-all-rows", "Each head's context meets rows of W_O that are another head's.",
        of_contexts(lambda contexts, W_O, h: contexts @ np.roll(rows_of_heads(W_O, h), 1, axis=0)),
        of_contexts(lambda contexts, W_O, h: contexts @ np.roll(rows_of_heads(W_O, h), -1, axis=0)))  # fmt: skip
mistake(PARTS, "contributions-without-attention", "These are each token's own values, through W_O. What a head adds is their mix.",
        lambda x, W_Q, W_K, W_V, W_O, num_heads: split(x @ W_V, num_heads) @ rows_of_heads(W_O, num_heads))  # fmt: skip
mistake(PARTS, "contributions-equal-shares", "Every head gets an equal share of the output. They contribute quite different vectors.",
        changed_parts(lambda parts, *_: np.stack([parts.mean(axis=0)] * len(parts))))  # fmt: skip
mistake(PARTS, "contributions-all-alike", "Every head's entry is the whole output. Wanted are its parts, one for each head.",
        changed_parts(lambda parts, *_: np.stack([parts.sum(axis=0)] * len(parts))))  # fmt: skip
mistake(PARTS, "contributions-leave-one-out", "That is the output without the head. Its contribution is what would be missing.",
        changed_parts(lambda parts, *_: parts.sum(axis=0) - parts))  # fmt: skip
mistake(PARTS, "contributions-negative", "The sign is turned round: what the head adds is the whole less what is there without it.",
        changed_parts(lambda parts, *_: -parts))  # fmt: skip
mistake(PARTS, "contributions-cumulative", "Each entry holds the heads before it too: these are running sums.",
        changed_parts(lambda parts, *_: np.cumsum(parts, axis=0)))  # fmt: skip
mistake(PARTS, "contributions-in-reverse", None, changed_parts(lambda parts, *_: parts[::-1]))
mistake(PARTS, "contributions-averaged", AVERAGED, changed_parts(lambda parts, *_: parts / len(parts)))
mistake(PARTS, "residual-too-early", None, changed_parts(lambda parts, x, *_: x + parts),
        changed_parts(lambda parts, x, *_: x / len(parts) + parts))  # fmt: skip
mistake(PARTS, "contributions-lengths", "These are lengths of vectors. Wanted are the vectors: (heads, seq_len, d_model).",
        changed_parts(lambda parts, *_: np.linalg.norm(parts, axis=-1)))  # fmt: skip
mistake(PARTS, "contributions-other-axes", "The parts are right, the axes stand in another order: (heads, seq_len, d_model) is asked for.",
        changed_parts(lambda parts, *_: np.moveaxis(parts, 0, -1)), changed_parts(lambda parts, *_: np.moveaxis(parts, 0, 1)))  # fmt: skip
mistake(PARTS, "contributions-of-one-head", "The part of one head came back. Each has its own.",
        *(changed_parts(lambda parts, *_, h=h: parts[h]) for h in (0, -1)), changed_parts(lambda parts, *_: parts[:1]))  # fmt: skip
mistake(PARTS, "contributions-list", "The parts stand in a list or a tuple. One array is asked for: (heads, seq_len, d_model).",
        changed_parts(lambda parts, *_: list(parts)), changed_parts(lambda parts, *_: tuple(parts)))  # fmt: skip
mistake(PARTS, "causal-without-a-mask", None, parts_by(lambda x: partial(attended, mask=np.tri(len(x), dtype=bool))))
mistake(
    PARTS, "scaled-by-d_model", None, parts_by(lambda x: attention_by(divisor=lambda q, k, v: np.sqrt(x.shape[-1])))
)
mistake(PARTS, "contributions-with-weights", "You return the weights, too. Asked for are the contributions alone.",
        lambda x, W_Q, W_K, W_V, W_O, num_heads: (
            head_contributions(x, W_Q, W_K, W_V, W_O, num_heads),
            attended(*(split(x @ W, num_heads) for W in (W_Q, W_K, W_V)))[1]))  # fmt: skip


@holds(PARTS, "contributions-do-not-add-up", "Added up over the heads, your parts are not the output of task 5.")
def parts_add_up(parts, *inputs):
    return np.allclose(parts.sum(axis=0), multi_head_attention(*inputs)[0], atol=1e-4)


# ----------------------------------------------------------------------------------------------------------------------
# Roles, and pruning
# ----------------------------------------------------------------------------------------------------------------------


def given_model(seed=0):
    """A model for the exercises: one layer of six heads that recalls tokens from a few places back.

    It was built by hand, not trained, and noise hides its seams. A token is one of 16 kinds, written as four signs; the
    output of a token holds the signs of those 1, 2, 3 and 5 places back.

    Args:
        seed: of the noise.

    Returns:
        (W_Q, W_K, W_V, W_O, num_heads): each matrix (24, 24).
    """
    num_heads, d_head, d_model, slots = 6, 4, 24, (1, 2, 3, 5)
    reads = [(3, 1.0), (1, 0.6), (None, 0.0), (5, 1.0), (2, 1.0), (1, 0.4)]  # offset, and strength of what it writes
    W_Q, W_K, W_V = np.zeros((3, d_model, d_model))
    W_O = np.zeros((d_model, d_model))
    for head, (offset, strength) in enumerate(reads):
        own = slice(head * d_head, (head + 1) * d_head)
        W_V[:16, own] = kinds_as_signs()
        if offset is None:
            continue  # asks nothing, and writes nothing
        for pair, frequency in enumerate(FREQUENCIES):
            cos, sin = np.cos(frequency * offset), np.sin(frequency * offset)
            places = slice(16 + 2 * pair, 18 + 2 * pair)
            columns = slice(own.start + 2 * pair, own.start + 2 * pair + 2)
            W_Q[places, columns] = 12 * np.array([[cos, -sin], [sin, cos]])  # turned back by the offset
            W_K[places, columns] = np.eye(2)
        slot = slots.index(offset) * d_head
        W_O[own, slot : slot + d_head] = strength * np.eye(d_head)
    noise = np.random.default_rng(seed)
    noisy = [W + 0.02 * noise.standard_normal(W.shape) for W in (W_Q, W_K, W_V, W_O)]
    return *noisy, num_heads


def sentences_for_given_model(num_sentences, seq_len=12, seed=1):
    """Random sentences for the given model.

    Returns:
        x: (sentences, seq_len, 24), kinds and places of the tokens.
        targets: (sentences, seq_len, 16), the signs that the output should have; 0 where there is no such token.
    """
    kinds = np.random.default_rng(seed).integers(16, size=(num_sentences, seq_len))
    angles = np.arange(seq_len)[:, None] * np.array(FREQUENCIES)  # (seq_len, pairs)
    places = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(seq_len, -1)
    rest = np.zeros((num_sentences, seq_len, 4))
    x = np.concatenate([np.eye(16)[kinds], np.broadcast_to(places, (num_sentences, *places.shape)), rest], axis=-1)
    targets = np.zeros((num_sentences, seq_len, 16))
    for slot, offset in enumerate((1, 2, 3, 5)):
        targets[:, offset:, 4 * slot : 4 * slot + 4] = kinds_as_signs()[kinds[:, :-offset]]
    return x, targets


FREQUENCIES = (2 * np.pi / 14, 6 * np.pi / 14)  # of the two clocks that tell the given model's places apart


def kinds_as_signs():
    """The 16 kinds of tokens as four signs each: (16, 4), every number 1 or -1."""
    return 2.0 * (np.arange(16)[:, None] >> np.arange(4) & 1) - 1


@reference(
    "04.head_offsets",
    title="The role of each head",
    points=2,
    hints=[
        "All keys that lie d places before their query stand on one diagonal of the map. Which diagonal is the brightest, on average?",
        "`np.diagonal(weights, -d, axis1=-2, axis2=-1)` gives it for all sentences and heads. Mean over the queries, then over "
        "the sentences.",
        "Collect the means for d = 0 … keys-1 in a table (heads, offsets), and take `argmax` along the offsets.",
    ],
    returns="array of offsets",
)
def head_offsets(weights):
    return strongest(mean_weights(weights))


@step
def mean_weights(weights):
    """The mean weight of each offset: (offsets, heads)."""
    return table_of_offsets(weights)


@step
def strongest(table):
    """The offset that has the largest number, of each head."""
    return np.argmax(table, axis=0)


def diagonal(weights, offset):
    """The weights of keys `offset` places before their queries: (sentences, heads, such queries)."""
    return np.diagonal(weights, -offset, axis1=-2, axis2=-1)


def table_of_offsets(weights, combine=np.mean, offsets=None):
    """For each offset and head the mean over the sentences of what `combine` makes of a diagonal."""
    offsets = range(weights.shape[-1]) if offsets is None else offsets
    return np.array([combine(diagonal(weights, offset), axis=-1).mean(axis=0) for offset in offsets])


def distances(weights):
    """How far back each key lies from each query: (queries, keys)."""
    places = np.arange(weights.shape[-1])
    return places[:, None] - places


mean_weights.slip("offset-looks-forward", "You follow keys that come after the query. Offset 2 means the key two places before it.",
                  lambda weights: table_of_offsets(weights.swapaxes(-1, -2)))  # fmt: skip
mean_weights.slip("offset-of-other-axes", "Your diagonals run along sentences and heads, the first two axes. Which two are the map's?",
        lambda weights: np.array([np.diagonal(weights, -d).mean(axis=(0, -1)) for d in range(weights.shape[-1])]))  # fmt: skip
mean_weights.slip("offset-either-side", "Keys as far after the query count as well. An offset looks back.",
                  lambda weights: np.array([weights[..., abs(distances(weights)) == offset].mean(axis=(0, -1))
                                            for offset in range(weights.shape[-1])]))  # fmt: skip
mean_weights.slip("offset-sums", "You add up a diagonal, and long diagonals win. Take the mean over the queries that have such a key.",
                  lambda weights: table_of_offsets(weights, np.sum))  # fmt: skip
mean_weights.slip("offset-first-sentence", "You look at one sentence only. Average over all of them.",
                  lambda weights: table_of_offsets(weights[:1]), lambda weights: table_of_offsets(weights[-1:]))  # fmt: skip
mean_weights.slip("offset-largest-weight", "You look for the largest single weight. One bright spot makes no role: take the "
        "mean of the diagonal.", lambda weights: table_of_offsets(weights, np.max),
        lambda weights: table_of_offsets(weights.mean(axis=0, keepdims=True), np.max),
        lambda weights: np.array([diagonal(weights, offset).max(axis=(0, -1)) for offset in range(weights.shape[-1])]))  # fmt: skip
mean_weights.slip("offset-median", "You take the median of a diagonal. Asked for is the mean.",
        lambda weights: table_of_offsets(weights, np.median),
        lambda weights: np.array([np.median(diagonal(weights, offset), axis=(0, -1)) for offset in range(weights.shape[-1])]))  # fmt: skip
mean_weights.slip("offset-last-query", "You look at one query only. Average over all queries that have such a key.",
                  lambda weights: weights[:, :, -1].mean(axis=0)[:, ::-1].T)  # fmt: skip
mean_weights.slip("offset-farthest-left-out", "You leave out the largest offset, from the last token back to the first.",
                  lambda weights: table_of_offsets(weights)[:-1])  # fmt: skip
mean_weights.slip("offset-wraps-around", "Keys before the first one are read from the end of the row: a negative index "
        "counts from behind. Take only the queries that have such a key.",
        lambda weights: np.array([weights[..., np.arange(weights.shape[-1]), np.arange(weights.shape[-1]) - offset].mean(axis=(0, -1))
          for offset in range(weights.shape[-1])]))  # fmt: skip
mean_weights.slip("offset-counts-winners", "You count how often an offset has the largest weight. Wanted is its mean weight.",
                  lambda weights: winners(weights), lambda weights: winners(weights.mean(axis=0, keepdims=True)),
                  lambda weights: winners(weights.mean(axis=0, keepdims=True), lambda offsets: offsets.clip(0)),
                  lambda weights: winners(weights.mean(axis=0, keepdims=True), abs), lambda weights: winners(weights, abs))  # fmt: skip
mean_weights.slip("offset-of-mean-head", "One number came back. Each head has its own offset: don't average over the heads.",
                  lambda weights: table_of_offsets(weights).mean(axis=1))  # fmt: skip
mean_weights.slip("offset-of-each-sentence", "Your offsets have another axis for the sentences. Average over them, too.",
        lambda weights: np.array([diagonal(weights, offset).mean(axis=-1) for offset in range(weights.shape[-1])]))  # fmt: skip


def winners(weights, count_as=np.array):
    """How often each offset, or what it counts as, has the largest weight of a query: (offsets, heads)."""
    offsets = count_as(
        distances(weights)[:, :1] - weights.argmax(axis=-1).swapaxes(-1, -2)
    )  # (sentences, queries, heads)
    return np.array([(offsets == offset).sum(axis=(0, 1)) for offset in range(weights.shape[-1])])


mean_weights.slip("offset-range", "You try as many offsets as there are sentences or heads. A key may lie as far back as the "
        "sentence is long.",
        *(lambda weights, axis=axis: table_of_offsets(weights, offsets=range(weights.shape[axis])) for axis in (0, 1)))  # fmt: skip
strongest.slip("offset-of-the-weakest", "You take the offset with the smallest mean weight. Asked for is the largest.",
               lambda table: np.argmin(table, axis=0))  # fmt: skip
strongest.slip("offset-returns-weight", "You return the largest mean weight. Asked for is where it stands: its offset.",
               lambda table: table.max(axis=0))  # fmt: skip
strongest.slip("offset-returns-table", "You return the mean weights of all offsets. Asked for is, for each head, the offset "
        "of the largest.", lambda table: table, lambda table: table.T)  # fmt: skip
strongest.slip("offset-other-axis", "You look for the largest number among the heads. Asked for is the best offset of each head.",
               lambda table: np.argmax(table, axis=1))  # fmt: skip
strongest.slip("offset-one-for-all", "A single number came back. Each head has its own offset.",
               lambda table: np.argmax(table), lambda table: np.argmax(table.mean(axis=1)))  # fmt: skip
strongest.slip("offset-never-itself", "You leave out offset 0. A head may look at the token itself.",
               lambda table: 1 + np.argmax(table[1:], axis=0), lambda table: np.argmax(table[1:], axis=0))  # fmt: skip
strongest.slip("offset-negative", "Your offsets are negative: they count how far back, so query minus key.",
               lambda table: -np.argmax(table, axis=0))  # fmt: skip
strongest.slip("offset-one-off", "All offsets are off by one. Offset 0 is the token itself.",
               lambda table: np.argmax(table, axis=0) + 1, lambda table: np.argmax(table, axis=0) - 1)  # fmt: skip
strongest.slip("offset-from-the-end", "Your offsets count from the largest one down. Offset 0 is the token itself.",
               lambda table: len(table) - 1 - np.argmax(table, axis=0))  # fmt: skip

OFFSETS = "04.head_offsets"
mistake(OFFSETS, "offset-always-0", "Every head gets offset 0, whatever its map. Are there numbers to choose from, and no NaN?",
        lambda weights: np.zeros(weights.shape[1], dtype=int))  # fmt: skip
mistake(OFFSETS, "offset-from-another-zero", "Your offsets count from another place: where your list begins with the "
        "farthest, or with one ahead of the query, its index is not the offset.",
        *(lambda weights, end=end: np.argmax(table_of_offsets(
            weights, offsets=range(1 - weights.shape[-1], end or weights.shape[-1])), axis=0) for end in (None, 1)))  # fmt: skip
mistake(OFFSETS, "offset-of-key", "You name the key's place in the sequence. Wanted is how far back it lies: query minus key.",
        lambda weights: weights.mean(axis=(0, 2)).argmax(axis=-1))  # fmt: skip
mistake(OFFSETS, "offset-mean-distance", "You average distances. A head that looks half at offset 0 and half at 4 has no role at 2: take "
        "the mean weight of each offset, and then the largest.",
        *(lambda weights, turn=turn: turn((distances(weights) * weights).sum(axis=-1).mean(axis=(0, 2)))
          for turn in (lambda mean: mean.round().astype(int), lambda mean: mean.astype(int), np.array)),
        *(lambda weights, turn=turn: turn((distances(weights)[:, 0] - weights.argmax(axis=-1)).mean(axis=(0, 2)))
          for turn in (lambda mean: mean.round().astype(int), lambda mean: mean.astype(int), np.array)))  # fmt: skip
mistake(OFFSETS, "offset-of-each-query", "Your offsets have another axis: one for each query or sentence. Asked for is one a head.",
        lambda weights: distances(weights)[:, 0] - weights.mean(axis=0).argmax(axis=-1),
        lambda weights: np.stack([head_offsets(one[None]) for one in weights]))  # fmt: skip


@cases(OFFSETS)
def offset_cases():
    yield Case("one sentence, two heads that look 1 and 0 back", maps(1, 1, 3, [1, 0]))
    yield Case("three sentences, four heads", maps(2, 3, 7, generator(2).permutation(7)[:4]))
    yield Case("as many heads as tokens, each with another offset", maps(3, 2, 5, generator(3).permutation(5)))
    yield Case("weights on many middling places, and few high ones", noisy(long_diagonals(8), 4, 2))
    yield Case("offsets that win most queries, and others with more weight", noisy(frequent_winners(8), 5, 2))
    yield Case("a first and a last sentence unlike the others", sentences_apart(6, 7))
    yield Case("one bright spot beside a diagonal", noisy(bright_spots(7), 7, 2))
    yield Case("a head that looks from the last token to the first", noisy(corners(5), 8, 2))
    yield Case("a head that looks at tokens after its own", maps(9, 2, 6, [2, 1], forward=[3, 4]))
    yield Case("a head that looks at two places", maps(10, 2, 7, [0, 5], forward=None, second=[4, 1]))
    yield Case("a head with one place for half of its queries", half_of_the_queries(11, 8))
    yield Case("a single token", np.ones((2, 3, 1, 1)), edge=True)


def filled(maps):
    """The rest of each row spread evenly, so that rows sum to 1."""
    return maps + (1 - maps.sum(axis=-1, keepdims=True)) / maps.shape[-1]


def noisy(maps, seed, sentences):
    """The maps (heads, queries, keys) for several sentences, each a little different."""
    return shares(filled(maps) * (1 + 0.02 * generator(seed).uniform(-1, 1, (sentences, *maps.shape))))


def maps(seed, sentences, size, offsets, forward=None, second=None):
    """Maps in which each head looks mostly `offset` places back; somewhat less, if given, at other offsets."""
    scores = draw(seed, sentences, len(offsets), size, size) / 2
    for head, offset in enumerate(offsets):
        scores[:, head, np.arange(offset, size), np.arange(size - offset)] += 4
        if forward:
            ahead = forward[head]
            scores[:, head, np.arange(size - ahead), np.arange(ahead, size)] += 6
        if second:
            scores[:, head, np.arange(second[head], size), np.arange(size - second[head])] += 3.5
    return shares(np.exp(scores))


def long_diagonals(size):
    """Eight middling weights on one diagonal, against three high ones on another."""
    maps = np.zeros((2, size, size))
    for head, offset in enumerate((5, 4)):
        for query in range(size):
            maps[head, query, query] = 0.4 if query < offset else 0.25
            if query >= offset:
                maps[head, query, query - offset] = 0.7
    return maps


def frequent_winners(size):
    """One offset is higher on average, another one wins more often."""
    maps = np.zeros((1, size, size))
    for query in range(size):
        maps[0, query, query] = 0.3 if query < 2 else 0.0
        if query >= 2:
            maps[0, query, query - 2] = 0.3 if query <= 5 else 0.9
            maps[0, query, query - 1] = 0.4 if query <= 5 else 0.0
    return maps


def sentences_apart(seed, size):
    """Four sentences, of which the first and the last look elsewhere than the others."""
    first, others, last = (
        maps(seed + i, one, size, [offset]) for i, (one, offset) in enumerate(((1, 3), (5, 1), (1, 2)))
    )
    return np.concatenate([first, others, last])


def bright_spots(size):
    """The largest weight lies off the diagonal that is the brightest on average."""
    maps = np.zeros((2, size, size))
    for head, (offset, weight, spot) in enumerate(((1, 0.5, (5, 2)), (0, 0.4, (4, 2)))):
        for query in range(offset, size):
            maps[head, query, query - offset] = weight
        maps[head, spot[0]] = 0
        maps[(head, *spot)] = 0.9
    return maps


def corners(size):
    """One head looks from the last token to the first; in the other the last token is an exception."""
    maps = np.zeros((2, size, size))
    for query in range(1, size - 1):
        maps[0, query, query - 1], maps[1, query, query - 1] = 0.5, 0.6
    maps[0, -1, 0], maps[1, -1, 1] = 0.9, 0.7
    return maps


def half_of_the_queries(seed, size):
    """Fewer than half of the queries look far more at one place than the others do at another."""
    maps = np.zeros((1, size, size))
    for query in range(2, size):
        maps[0, query, query - 2] = 0.8 if query % 3 == 0 else 0.05
        maps[0, query, query - 1] = 0.15
    return noisy(maps, seed, 3)


@reference(
    "04.prune_heads",
    title="Prune: take heads out for good",
    points=2,
    hints=[
        "Which columns of W_Q, W_K and W_V belong to head h? And what of W_O?",
        "Give the heads an axis of their own, (d_model, heads, d_k), pick along it with `keep`, and join the axes again.",
        "`W_Q.reshape(len(W_Q), num_heads, -1)[:, keep].reshape(len(W_Q), -1)`; for W_O the same along its rows.",
    ],
    returns=("W_Q", "W_K", "W_V", "W_O"),
)
def prune_heads(W_Q, W_K, W_V, W_O, num_heads, keep):
    keep = staying(keep)
    of_keys, of_values = (owned(keep, width_of(W, num_heads)) for W in (W_K, W_V))
    W_Q, W_K, W_V = (columns_kept(W, stay) for W, stay in ((W_Q, of_keys), (W_K, of_keys), (W_V, of_values)))
    return W_Q, W_K, W_V, rows_kept(W_O, of_values)


@cases("04.prune_heads")
def prune_cases():
    for about, seed, heads, d_k, d_v, d_model, keep in (
        ("two heads, the second stays", 1, 2, 2, 1, 3, [1]),
        ("four heads, three stay", 2, 4, 2, 3, 7, [0, 2, 3]),
        ("square matrices", 3, 3, 2, 2, 6, [0, 2]),
        ("keys wider than values", 4, 5, 4, 2, 9, [1, 2]),
        ("a single head stays", 5, 4, 3, 2, 5, [1]),
        ("all heads stay", 6, 3, 2, 3, 4, [0, 1, 2]),
    ):
        matrices = [draw(seed + 10 * i, d_model, heads * width) for i, width in enumerate((d_k, d_k, d_v))]
        W_O = draw(seed + 30, heads * d_v, d_model)
        marks = np.isin(np.arange(heads), keep)
        yield Case(about, *(W.round(1) if seed == 1 else W for W in (*matrices, W_O)), heads, marks)


PRUNE = "04.prune_heads"


def pruned_by(cut):
    """All four cut in the same way: a function of a matrix whose columns are the heads', their number, and `keep`."""

    def wrong(W_Q, W_K, W_V, W_O, num_heads, keep):
        return *(cut(W, num_heads, keep) for W in (W_Q, W_K, W_V)), cut(W_O.T, num_heads, keep).T

    return wrong


def right_but(change):
    """The right four, some of them exchanged for others: a function of them and of the inputs."""
    return lambda *inputs: change(prune_heads(*inputs), *inputs)


def in_place_of(which, position):
    """The right four, but what belongs at `position` is that of another one."""
    return right_but(lambda four, *_: tuple(four[which if i == position else i] for i in range(4)))


def by_one_width(width):
    """All four cut as if heads had one width everywhere, a share of `width(W_Q, W_V)`: by booleans, and by places."""

    def wrong(W_Q, W_K, W_V, W_O, num_heads, keep, places=np.array):
        own = places(np.repeat(keep, width(W_Q, W_V) // num_heads))
        return W_Q[:, own], W_K[:, own], W_V[:, own], W_O[own]

    return wrong, partial(wrong, places=np.flatnonzero)


def with_heads(cut, output=True):
    """The right four, but with an axis for the heads: W_Q, W_K and W_V by `cut`, if there is one, and W_O where `output`."""
    return right_but(lambda four, *inputs: (
        *((cut(W, *inputs[4:]) for W in inputs[:3]) if cut else four[:3]),
        rows_of_heads(*inputs[3:5])[inputs[5]] if output else four[3]))  # fmt: skip


HEADS_IN_FRONT = (
    lambda W, num_heads, keep: W.reshape(num_heads, len(W), -1)[keep].reshape(len(W), -1),
    lambda W, num_heads, keep: split(W, num_heads)[keep].reshape(len(W), -1),
)

mistake(PRUNE, "zeroed-not-removed", None,
        pruned_by(lambda W, num_heads, keep: W * np.repeat(keep, W.shape[1] // num_heads)))  # fmt: skip
mistake(PRUNE, "pruned-mixes-columns", "Features are mixed: reshape only reads on, number by number. Keep d_model as the first axis: "
        "(d_model, heads, width).",
        *(right_but(lambda four, *inputs, cut=cut: (*(cut(W, *inputs[4:]) for W in inputs[:3]), four[3])) for cut in HEADS_IN_FRONT),
        *map(pruned_by, HEADS_IN_FRONT))  # fmt: skip
mistake(PRUNE, "pruned-rows", None,
        lambda W_Q, W_K, W_V, W_O, h, keep: tuple(
            W[(rows := np.repeat(keep, W_Q.shape[1] // h).nonzero()[0])[rows < len(W_Q)]] for W in (W_Q, W_K, W_V, W_O)))  # fmt: skip
mistake(PRUNE, "pruned-other-matrix", "In one place stands what is made of another matrix. The order is W_Q, W_K, W_V, W_O.",
        *(in_place_of(*pair) for pair in itertools.permutations(range(3), 2)),
        *(right_but(lambda four, *_, order=order: tuple(four[i] for i in order))
          for order in ((1, 0, 2, 3), (0, 2, 1, 3), (3, 0, 1, 2))))  # fmt: skip
mistake(PRUNE, "columns-not-pruned", None,
        *(right_but(lambda four, *inputs, one=one: tuple(inputs[i] if i in one else four[i] for i in range(4)))
          for one in ((0,), (1,), (2,), (0, 1))))  # fmt: skip
mistake(PRUNE, "pruned-not-at-all", None, lambda *inputs: tuple(W.copy() for W in inputs[:4]))
mistake(PRUNE, "value-width-from-keys", "W_V or W_O is cut as if a value were as wide as a key. Its heads have d_v columns "
        "each.",
        *by_one_width(lambda W_Q, W_V: W_Q.shape[1]))  # fmt: skip
mistake(PRUNE, "key-width-from-values", "W_Q and W_K are cut as if a key were as wide as a value. Their heads have d_k "
        "columns each.",
        *by_one_width(lambda W_Q, W_V: W_V.shape[1]))  # fmt: skip
mistake(PRUNE, "width-from-d_model", "You take d_model / num_heads for the width of a head. Its width is that of the "
        "matrix's own columns.",
        *by_one_width(lambda W_Q, W_V: len(W_Q)))  # fmt: skip
mistake(PRUNE, "pruned-every-nth", None,
        right_but(lambda four, *inputs: (*(W[:, np.tile(inputs[5], W.shape[1] // inputs[4])] for W in inputs[:3]), four[3])),
        lambda *inputs: (*(np.concatenate([W[:, head :: inputs[4]] for head in np.flatnonzero(inputs[5])], axis=1) for W in inputs[:3]),
                         prune_heads(*inputs)[3]))  # fmt: skip
mistake(PRUNE, "output-every-nth", None,
        right_but(lambda four, W_Q, W_K, W_V, W_O, h, keep: (*four[:3], W_O[np.tile(keep, len(W_O) // h)])))  # fmt: skip
mistake(PRUNE, "pruned-one-head-less", "A head that should stay is gone.",
        lambda *inputs: prune_heads(*inputs[:5], inputs[5] & (np.arange(len(inputs[5])) != inputs[5].argmax())))  # fmt: skip
mistake(PRUNE, "heads-keep-their-axis", "The heads still have an axis of their own. Join it with that of their columns again.",
        *(with_heads(cut, output) for output in (True, False) for cut in (
            lambda W, h, keep: W.reshape(len(W), h, -1)[:, keep], lambda W, h, keep: split(W, h)[keep])),
        with_heads(lambda W, h, keep: W.reshape(h, len(W), -1)[keep]), with_heads(None))  # fmt: skip
mistake(PRUNE, "not-four", "Four arrays are asked for, `return W_Q, W_K, W_V, W_O`; as many did not come.",
        right_but(lambda four, *_: four[:3]), right_but(lambda four, *_: four[0]),
        right_but(lambda four, *inputs: (*four, int(inputs[5].sum()))))  # fmt: skip

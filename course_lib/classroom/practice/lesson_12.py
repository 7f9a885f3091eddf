"""Lesson 12, long sequences: what is right, and each mistake with its sentence, in the order of its exercises."""

import functools
import itertools
import tracemalloc

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice.catalogue import Case, cases, demands, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import reference
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips.attention import (
    ORDINARY_SCORES,
    WITHOUT_BATCH,
    WITHOUT_EMPTY_ROWS,
    WITHOUT_MASK,
    dot_products,
    exponentials,
    scaled,
)
from course_lib.classroom.practice.slips.attention import softmax as softmax_step
from course_lib.classroom.practice.slips.heads import attended, projections
from course_lib.classroom.practice.steps import Slip, everywhere, everywhere_known, step
from course_lib.classroom.practice.trial import call

# ----------------------------------------------------------------------------------------------------------------------
# What grows with the square
# ----------------------------------------------------------------------------------------------------------------------


@step
def of_pairs(seq_len, d_model):
    """Multiplications of the scores, and of weights times values."""
    return 2 * seq_len**2 * d_model


of_pairs.slip("share-scores-only", "Beside the linear part your quadratic one is half of what it should be. Two products have seq_len "
        "twice: QKᵀ, and weights @ values.", lambda n, d: n * n * d)  # fmt: skip
of_pairs.slip("share-pairs-doubled", "Beside the linear part your quadratic one is twice what it should be. Count both alike: a "
        "multiplication is one, a product of matrices stands there once.", lambda n, d: 4 * n * n * d)  # fmt: skip
of_pairs.slip("share-width-lost", "A table of scores has seq_len² entries, but each of them is a product of d_model pairs of numbers.",
        lambda n, d: 2 * n * n, lambda n, d: n * n)  # fmt: skip
of_pairs.slip("share-three-products", "You count three products that have seq_len twice. There are two, QKᵀ and weights @ values.",
        lambda n, d: 3 * n * n * d)  # fmt: skip
of_pairs.slip("share-length-once", "The two products have seq_len twice: each query meets each key.", lambda n, d: 2 * n * d,
        lambda n, d: 2 * n * d * d, lambda n, d: n * d * d)  # fmt: skip
of_pairs.slip("share-width-squared", "d_model stands twice in the two products that have seq_len twice. It stands there once.",
        lambda n, d: 2 * n * n * d * d, lambda n, d: n * n * d * d)  # fmt: skip


@step
def of_projections(seq_len, d_model):
    """Multiplications of the four projections."""
    return 4 * seq_len * d_model**2


of_projections.slip("share-without-output", "Four projections, not three: W_O comes after the heads.",
        lambda n, d: 3 * n * d * d)  # fmt: skip
of_projections.slip("share-one-projection", "You count one or two projections. There are four: W_Q, W_K, W_V and W_O.",
        lambda n, d: n * d * d, lambda n, d: 2 * n * d * d)  # fmt: skip
of_projections.slip("share-without-projections", "The projections are missing: they multiply every token by four matrices.",
        lambda n, d: 0)  # fmt: skip
of_projections.slip("share-projections-once-wide", "A projection goes from d_model features to d_model features: that is d_model twice.",
        lambda n, d: 4 * n * d)  # fmt: skip
of_projections.slip("share-projections-of-pairs", "The projections have seq_len once: each token goes through them by itself.",
        lambda n, d: 4 * n * n * d, lambda n, d: 4 * n * n * d * d)  # fmt: skip


@step
def of_network(seq_len, d_model, d_ff):
    """Multiplications of the two matrices of the feed-forward network."""
    return 2 * seq_len * d_model * d_ff


of_network.slip("share-without-feed-forward", "The feed-forward network is missing: it multiplies every token by two matrices.",
        lambda n, d, d_ff: 0)  # fmt: skip
of_network.slip("share-half-feed-forward", "The feed-forward network has two matrices, d_model × d_ff and d_ff × d_model; you count one.",
        lambda n, d, d_ff: n * d * d_ff)  # fmt: skip
of_network.slip("share-network-of-three", "You count three matrices in the feed-forward network. It has two.",
        lambda n, d, d_ff: 3 * n * d * d_ff)  # fmt: skip
of_network.slip("share-d-ff-guessed", "You take d_ff for a multiple of d_model, or for d_model. It is given.",
        lambda n, d, d_ff: 8 * n * d * d, lambda n, d, d_ff: 2 * n * d * d)  # fmt: skip
of_network.slip("share-network-without-d_model",
        "The matrices of the feed-forward network go from d_model to d_ff and back: d_model stands in both.",
        lambda n, d, d_ff: 2 * n * d_ff, lambda n, d, d_ff: 2 * n * d_ff**2, lambda n, d, d_ff: n * d_ff**2)  # fmt: skip
of_network.slip("share-network-sizes-added", "The two sizes of a matrix multiply. You add d_model and d_ff.",
        lambda n, d, d_ff: n * (d + d_ff), lambda n, d, d_ff: 2 * n * (d + d_ff))  # fmt: skip


@step
def part_of_all(quadratic, linear):
    """The first's share of both."""
    return quadratic / (quadratic + linear)


part_of_all.slip("share-ratio", "That is the quadratic part divided by the linear one. A share divides by the whole.",
        lambda square, rest: square / rest)  # fmt: skip
part_of_all.slip("share-of-the-rest", "That is the share of the other part, which grows linearly.",
        lambda square, rest: rest / (square + rest))  # fmt: skip
part_of_all.slip("share-upside-down", "Your fraction stands on its head: it is above 1. A share divides by the whole.",
        lambda square, rest: (square + rest) / square, lambda square, rest: rest / square)  # fmt: skip
part_of_all.slip("share-percent", "That is in percent. A share lies between 0 and 1.",
        lambda square, rest: 100 * square / (square + rest))  # fmt: skip
part_of_all.slip("share-count", "That is how many multiplications. Divide by those of the whole block.", lambda square, rest: square,
        lambda square, rest: square + rest)  # fmt: skip
part_of_all.slip("share-floored", "// drops what is behind the point, and a share lies between 0 and 1.",
        lambda square, rest: square // (square + rest))  # fmt: skip
part_of_all.slip("share-rounded", "Your share is rounded.",
        *(lambda square, rest, digits=digits: round(square / (square + rest), digits) for digits in (2, 3, 4)))  # fmt: skip


@reference(
    "12.attention_share",
    title="The share that grows with the square",
    points=1,
    hints=[
        "Write down the shapes of all products in a block: which of them have seq_len twice?",
        "A product (a, b) @ (b, c) takes a · b · c multiplications. QKᵀ: seq_len · d_model · seq_len, all heads together.",
        "Quadratic: 2 · n² · d_model. Linear: 4 · n · d_model² and 2 · n · d_model · d_ff. The share is quadratic / (quadratic + linear).",
    ],
    returns="share",
)
def attention_share(seq_len, d_model, d_ff):
    linear = of_projections(seq_len, d_model) + of_network(seq_len, d_model, d_ff)
    return part_of_all(of_pairs(seq_len, d_model), linear)


@cases("12.attention_share")
def share_cases():
    rng = generator(1)
    yield Case("a short text", *rng.integers([5, 2, 9], [9, 5, 12]).tolist())
    yield Case("a longer text", *rng.integers([400, 90, 20], [900, 200, 60]).tolist())
    yield Case("a text much longer than vectors are wide", *rng.integers([3000, 40, 100], [5000, 80, 300]).tolist())
    yield Case("a wide feed-forward network", *rng.integers([30, 20, 500], [60, 40, 900]).tolist())
    yield Case("as many tokens as features", 64, 64, 256)
    yield Case("one token", 1, *rng.integers([3, 9], [6, 15]).tolist())
    yield Case("sizes of a large model", 131072, 8192, 28672, edge=True)


SHARE = "12.attention_share"
mistake(SHARE, "share-of-one-token",
        "Your two parts are out of proportion by a factor of seq_len: the linear one has seq_len once, the quadratic one twice.",
        lambda n, d, d_ff: part_of_all(of_pairs(n, d), of_projections(1, d) + of_network(1, d, d_ff)))  # fmt: skip
mistake(SHARE, "share-with-projections",
        "You count the projections with the square. They have seq_len once; only QKᵀ and weights @ values have it twice.",
        lambda n, d, d_ff: part_of_all(of_pairs(n, d) + of_projections(n, d), of_network(n, d, d_ff)))  # fmt: skip
mistake(SHARE, "share-of-network",
        "That is the share of the feed-forward network, or of the projections. Which products have seq_len twice?",
        lambda n, d, d_ff: part_of_all(of_network(n, d, d_ff), of_projections(n, d) + of_pairs(n, d)),
        lambda n, d, d_ff: part_of_all(of_projections(n, d), of_network(n, d, d_ff) + of_pairs(n, d)))  # fmt: skip


@holds(SHARE, "share-beyond-1", "A share lies between 0 and 1: a part, divided by the whole that it belongs to.")
def is_a_share(share, seq_len, d_model, d_ff):
    return 0 <= share <= 1


# ----------------------------------------------------------------------------------------------------------------------
# Two pieces of a softmax
# ----------------------------------------------------------------------------------------------------------------------


@step
def in_common(highest_1, highest_2):
    """Each query's maximum over both pieces."""
    return np.maximum(highest_1, highest_2)


in_common.slip("pieces-one-maximum", "You take one maximum for all queries. Each query has its own row, and its own maximum.",
        lambda one, other: np.full_like(one, max(one.max(), other.max())), lambda one, other: max(one.max(), other.max()))  # fmt: skip
in_common.slip("pieces-second-maximum", "You always take the second piece's maximum. Where the first is larger, its factor explodes.",
        lambda one, other: other)  # fmt: skip
in_common.slip("pieces-first-maximum", "You always take the first piece's maximum. Where the second is larger, its factor explodes.",
        lambda one, other: one)  # fmt: skip
in_common.slip("pieces-smaller-maximum", "Of the two maxima you take the smaller. No key of either piece may lie above the common one.",
        np.minimum)  # fmt: skip
in_common.slip("pieces-absolute-maximum", "You compare the maxima without their signs. Of two negative ones that nearer to 0 is larger.",
        lambda one, other: np.maximum(abs(one), abs(other)))  # fmt: skip
in_common.slip("pieces-maxima-mixed", "You add up or average the two maxima. The highest score of all keys is one of the two.",
        lambda one, other: one + other, lambda one, other: (one + other) / 2, np.logaddexp)  # fmt: skip
in_common.slip("pieces-one-choice",
        "You choose between the two maxima once for all queries. Of some the first is larger, of others the second.",
        lambda one, other: one if (one > other).all() else other, lambda one, other: one if (one > other).any() else other,
        lambda one, other: one if one.sum() > other.sum() else other)  # fmt: skip


@step
def factor(old, new):
    """What brings numbers that belong to the old maximum to the new one."""
    return np.exp(old - new)


factor.slip("pieces-rescaled-the-wrong-way",
        "Your factor{at} is above 1: old and new maximum are exchanged in it. A piece with the smaller maximum has to shrink.",
        lambda old, new: np.exp(new - old), lambda old, new: np.exp(np.minimum(new - old, 500)))  # fmt: skip
factor.slip("pieces-plain", "A factor of e^maximum{at} undoes the subtraction: the sums then belong to a maximum of 0, not to yours, and "
        "large scores overflow. By how much did the maximum change?", lambda old, new: np.exp(old))  # fmt: skip
factor.slip("factor-of-the-new-alone", "Your factor{at} is made of the new maximum alone. By how much did the maximum change?",
        lambda old, new: np.exp(-new), lambda old, new: np.exp(new))  # fmt: skip
factor.slip("pieces-overflow",
        "Large scores give infinity or NaN: e¹⁰⁰⁰ is too large for a float, and e⁻¹⁰⁰⁰ is 0. Exponentiate differences only.",
        lambda old, new: np.exp(old) / np.exp(new), lambda old, new: np.exp(old) * np.exp(-new))  # fmt: skip
factor.slip("factor-without-exponential",
        "Your factor{at} is a difference, or a ratio, of maxima. A shift of scores is a factor of their exponentials.",
        lambda old, new: old - new, lambda old, new: old / new)  # fmt: skip
factor.slip("another-base", None, lambda old, new: 2.0 ** (old - new), lambda old, new: 10.0 ** (old - new))


@step
def joined(first, a, second, b):
    """Two sums as one, each by its factor."""
    return a * first + b * second


joined.slip("pieces-not-rescaled",
        "The pieces are added{at} as they are. Each was computed against its own maximum: bring both to the common one first.",
        lambda first, a, second, b: first + second)  # fmt: skip
joined.slip("pieces-first-as-it-is",
        "Only the second piece is brought{at} to the common maximum, the first is added as it is. Either may have the smaller one.",
        lambda first, a, second, b: first + b * second)  # fmt: skip
joined.slip("pieces-second-as-it-is",
        "Only the first piece is brought{at} to the common maximum, the second is added as it is. Either may have the smaller one.",
        lambda first, a, second, b: a * first + second)  # fmt: skip
joined.slip("pieces-factors-exchanged", "The factors are exchanged{at}: each piece shrinks by its own old maximum.",
        lambda first, a, second, b: b * first + a * second)  # fmt: skip
joined.slip("pieces-mean-taken", "The two pieces are averaged{at}. They are sums, over other keys each: what is the sum over all?",
        lambda first, a, second, b: (a * first + b * second) / 2,
        lambda first, a, second, b: (a * first + b * second) / (a + b))  # fmt: skip
joined.slip("pieces-one-factor", "One factor stands before both pieces{at}. Each has its own: they had other maxima.",
        lambda first, a, second, b: a * (first + second), lambda first, a, second, b: b * (first + second))  # fmt: skip
joined.slip("pieces-multiplied", "The two pieces are multiplied{at}. They are sums, over other keys each: what is the sum over all?",
        lambda first, a, second, b: a * first * b * second, lambda first, a, second, b: first * second)  # fmt: skip
joined.slip("pieces-one-lost", "One of the two pieces is lost{at}.", lambda first, a, second, b: a * first,
        lambda first, a, second, b: b * second)  # fmt: skip


@reference(
    "12.merge_pieces",
    title="Two pieces of a softmax",
    points=2,
    hints=[
        "Each piece was computed as if its own maximum were the row's. Which maximum do both have in common?",
        "Shares against the old maximum become shares against the new one by one factor: e^(old - new). It is never above 1.",
        "`highest = np.maximum(highest_1, highest_2)`; `a = np.exp(highest_1 - highest)`; then `a * total_1 + b * total_2`, and the same for weighted.",
    ],
    returns=("highest", "total", "weighted"),
)
def merge_pieces(highest_1, total_1, weighted_1, highest_2, total_2, weighted_2):
    highest = in_common(highest_1, highest_2)
    a, b = factor(highest_1, highest, at="of the first piece"), factor(highest_2, highest, at="of the second piece")
    total = joined(total_1, a, total_2, b, at="in the totals")
    return highest, total, joined(weighted_1, a, weighted_2, b, at="in the sums of values")


def piece_of(scores, values):
    """Maximum, total of the shares and sum of the values for some of the keys: (queries, 1), (queries, 1), (queries, d_v)."""
    highest = own_highest(scores)
    numbers = exponentials(scores - highest)
    return highest, numbers.sum(axis=-1, keepdims=True), numbers @ values


@cases("12.merge_pieces")
def piece_cases():
    def pieces(seed, queries, keys, d_v, height=0.0, spread=2.0):
        first, second = keys
        scores = spread * draw(seed, queries, first + second) + height
        values = draw(seed + 1, first + second, d_v)
        return *piece_of(scores[:, :first], values[:first]), *piece_of(scores[:, first:], values[first:])

    yield Case("two queries", *(part.round(1) for part in pieces(1, 2, (2, 3), 2)))
    yield Case("a longer second part", *pieces(11, 5, (4, 9), 3))
    yield Case("a longer first part", *pieces(21, 4, (8, 2), 6))
    yield Case("as many queries as values have numbers", *pieces(31, 3, (3, 3), 3))
    yield Case("one query", *pieces(41, 1, (4, 3), 4))
    same = pieces(51, 3, (4, 3), 2)
    yield Case("two parts with the same maxima", *same[:3], same[0], *same[4:])
    yield Case("scores around 1000", *pieces(61, 3, (4, 3), 2, 1000.0), edge=True)
    yield Case("scores around -1000", *pieces(71, 3, (4, 3), 2, -1000.0), edge=True)
    yield Case("rows of very different height", *pieces(81, 4, (4, 3), 2, np.array([[1000.0], [0], [-1000], [10]])), edge=True)  # fmt: skip
    yield Case("scores that lie far apart", *pieces(91, 6, (4, 3), 2, 0.0, 500.0), edge=True)


PIECES = "12.merge_pieces"


everywhere_known(PIECES, merge_pieces, joined, factor)
mistake(PIECES, "pieces-total-twice", "The weighted sums were never divided by their totals: don't multiply by them.",
        lambda m, t, o, m2, t2, o2: (*merge_pieces(m, t, o, m2, t2, o2)[:2], merge_pieces(m, t, t * o, m2, t2, t2 * o2)[2]))  # fmt: skip
mistake(PIECES, "contexts-averaged",
        "You average the pieces' contexts, as if both had the same share of the weight. Their totals say how much each of them has.",
        lambda m, t, o, m2, t2, o2: (*merge_pieces(m, t, o, m2, t2, o2)[:2], (o / t + o2 / t2) / 2))  # fmt: skip
mistake(PIECES, "pieces-divided-early",
        "Your sum of values is already divided by the total. Divide once, after the last piece, or the next merge gets it wrong.",
        lambda *pieces: (*(all := merge_pieces(*pieces))[:2], all[2] / all[1]))  # fmt: skip
mistake(PIECES, "pieces-another-maximum",
        "Your sums belong to the maximum of one piece, but you return another. All three things have to belong to the same.",
        *(lambda *pieces, which=which:
            (in_common(pieces[0], pieces[3]), *everywhere(merge_pieces, in_common, Slip("", which))(*pieces)[1:])
            for which in (lambda one, other: one, lambda one, other: other)))  # fmt: skip
mistake(PIECES, "pieces-total-twice", None,
        lambda m, t, o, m2, t2, o2: (np.maximum(m, m2), t + t2, (t * o + t2 * o2) / (t + t2)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Attention without its matrix
# ----------------------------------------------------------------------------------------------------------------------


@step
def own_highest(scores):
    """The largest score of each query in a block."""
    return scores.max(axis=-1, keepdims=True)


own_highest.slip("pieces-one-maximum", None, lambda scores: np.full((len(scores), 1), scores.max()))
own_highest.slip("softmax-overflow", None, lambda scores: np.zeros((len(scores), 1)))
own_highest.slip("softmax-mean-subtracted", None, lambda scores: scores.mean(axis=-1, keepdims=True))
own_highest.slip("softmax-minimum-subtracted", None, lambda scores: scores.min(axis=-1, keepdims=True))


@step
def parts(num_keys, block):
    """The keys of each block."""
    return [slice(start, start + block) for start in range(0, num_keys, block)]


parts.slip("blocks-tail-lost",
        "The last keys are missing, at least where block does not divide their number. A slice may end early: NumPy stops at the end.",
        lambda n, block: parts(n // block * block, block), lambda n, block: parts(max(n // block, 1) * block, block),
        lambda n, block: [slice(start, start + block) for start in range(0, n - block, block)] or [slice(0, block)])  # fmt: skip
parts.slip("blocks-last-key-lost", "The last block is missing where it holds a single key: the loop ends one too early.",
        lambda n, block: [slice(start, start + block) for start in range(0, n - 1, block)])  # fmt: skip
parts.slip("blocks-last-only", "Only the last block counts. Carry on from the one before.",
        lambda n, block: parts(n, block)[-1:])  # fmt: skip
parts.slip("blocks-first-only", "Only the first block counts. Does the loop end with it?",
        lambda n, block: parts(n, block)[:1])  # fmt: skip
parts.slip("blocks-first-key-lost", "The first key is missing: your loop begins behind it.",
        lambda n, block: [slice(start, start + block) for start in range(1, n, block)])  # fmt: skip
parts.slip("blocks-first-lost", "The first block is missing.", lambda n, block: parts(n, block)[1:])
parts.slip("blocks-share-keys", "Your blocks overlap: some keys count more than once.",
        lambda n, block: [slice(start, start + block + 1) for start in range(0, n, block)],
        lambda n, block: [slice(start, start + block) for start in range(n)],
        lambda n, block: [slice(0, start + block) for start in range(0, n, block)],
        lambda n, block: [slice(max(start - 1, 0), start + block) for start in range(0, n, block)],
        lambda n, block: [slice(max(min(start, n - block), 0), start + block) for start in range(0, n, block)])  # fmt: skip
parts.slip("blocks-number-for-size", "You take block for how many blocks there are. It is how many keys one block has.",
        lambda n, block: parts(n, n // block))  # fmt: skip
parts.slip("blocks-with-gaps", "Between your blocks keys are left out: the next begins where the last one ended.",
        lambda n, block: [slice(start, start + block) for start in range(0, n, block + 1)],
        lambda n, block: [slice(start, start + max(block - 1, 1)) for start in range(0, n, block)])  # fmt: skip


@step
def over_total(weighted, total):
    """Sums of values as averages."""
    return weighted / total


over_total.slip("blocks-not-divided", "Nobody divides by the total of the shares: these are sums of values, not averages.",
        lambda o, t: o)  # fmt: skip
over_total.slip("blocks-total-raised", "Something small is added to the total. It is never 0: the largest share of a row is 1.",
        *(lambda o, t, eps=eps: o / (t + eps) for eps in (1, 1e-2, 1e-3, 1e-4)))  # fmt: skip
over_total.slip("blocks-total-multiplied", "You multiply by the total of the shares. An average divides by it.",
        lambda o, t: o * t)  # fmt: skip


@reference(
    "12.blockwise_attention",
    title="Attention without its matrix",
    points=3,
    hints=[
        "Start from the first block's piece, then merge one block after the other into it.",
        "Start values that any block may be merged into: highest -inf, total 0, weighted 0. At the end weighted / total.",
        "`for start in range(0, len(keys), block):` scores of `keys[start:start + block]`, their maximum, `np.exp(scores - maximum)`, its sum, "
        "its product with `values[start:start + block]`; then `merge_pieces`.",
    ],
    returns="context",
    same=WITHOUT_BATCH | {"pieces-maxima-mixed"},  # whatever is subtracted cancels in the end
)
def blockwise_attention(queries, keys, values, block):
    pieces = [
        piece_of(scaled(dot_products(queries, keys[part]), keys.shape[-1]), values[part])
        for part in parts(len(keys), block)
    ]
    _, total, weighted = functools.reduce(lambda done, new: merge_pieces(*done, *new), pieces)
    return over_total(weighted, total)


@cases("12.blockwise_attention")
def block_cases():
    def inputs(seed, queries, keys, d_k, d_v):
        return 2 * draw(seed, queries, d_k), draw(seed + 1, keys, d_k), draw(seed + 2, keys, d_v)

    yield Case("three keys in blocks of two", *(part.round(1) for part in inputs(1, 2, 3, 4, 2)), 2)
    yield Case("blocks that divide the number of keys", *inputs(11, 5, 12, 6, 3), 4)
    yield Case("blocks that leave a rest", *inputs(21, 4, 11, 6, 3), 4)
    yield Case("one key at a time", *inputs(31, 3, 5, 2, 4), 1)
    yield Case("a block that holds all keys and more", *inputs(41, 6, 7, 4, 3), 16)
    yield Case("as many queries as keys in a block and numbers", *inputs(51, 4, 8, 4, 4), 4)
    queries, keys, values = inputs(61, 4, 10, 6, 3)
    for about, order in ("rise", 1), ("fall", -1):
        scores = (queries[:1] @ keys.T)[0]
        yield Case(f"scores that {about} from block to block", queries[:1], keys[scores.argsort()[::order]], values, 3)
    yield Case("large scores", 3000 * queries, keys, values, 3, edge=True)
    yield Case("scores far below 0", np.full((3, 4), -1000.0), abs(draw(71, 7, 4)) + 1, draw(72, 7, 3), 3, edge=True)
    heights = np.array([[3000.0], [1], [-3000], [-5], [30]]) * np.eye(1, 4)
    yield Case("rows of very different height", heights + draw(81, 5, 4), abs(draw(82, 9, 4)) + 1, draw(83, 9, 2), 4,
            edge=True)  # fmt: skip


TOO_MUCH = [  # what is wrong, if on this many queries and keys, in blocks of this size, more numbers are held than this
    ("blocks-whole-matrix", "Right values, but at one time your function held {held} numbers; for {queries} queries and {keys} keys in "
     "blocks of {block} that is the whole matrix of scores. Work with one block's scores at a time.", 500, 500, 20, 187_500),
    ("blocks-of-queries", "Right values, but a query still meets all keys at once: for {queries} queries and {keys} keys your function "
     "held {held} numbers. Cut the keys, {block} at a time.", 4, 20_000, 200, 35_000),
    ("blocks-too-large", "Right values, but some of your blocks are larger than block: for {queries} queries and {keys} keys in blocks of "
     "{block} your function held {held} numbers. A rest makes one block more, not larger ones.", 20, 1999, 1000, 100_000),
]  # fmt: skip


@demands("12.blockwise_attention")
def one_block_at_a_time(candidate):
    if hasattr(type(candidate), "answer_to"):
        return  # it lives in another process, and so does what it holds
    running, held = tracemalloc.is_tracing(), []

    def measured(*inputs):
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        context = candidate(*inputs)
        held.append((tracemalloc.get_traced_memory()[1] - before) // 8)
        return context

    if not running:
        tracemalloc.start()
    try:
        for _, _, queries, keys, block, _ in TOO_MUCH:
            call(measured, draw(8, queries, 1), draw(9, keys, 1), draw(10, keys, 1), block)
    finally:
        if not running:
            tracemalloc.stop()
    for (diagnosis, sentence, queries, keys, block, limit), count in zip(TOO_MUCH, held, strict=True):
        require(count < limit, diagnosis, sentence, held=f"{count:,}", queries=queries, keys=keys, block=block)


def over_all(maxima, sums):
    """Sums of all blocks together, against the highest maximum."""
    highest = np.max(maxima, axis=0)
    return sum(np.exp(one - highest) * part for one, part in zip(maxima, sums, strict=True))


# What is made of the contexts of all blocks, each with a softmax of its own; of their pieces, in lists of maxima, totals and
# sums; and of pieces that are merged one after the other
of_blocks = lambda make: lambda q, k, v, block: make(  # noqa: E731
    [attended(q, k[part], v[part])[0] for part in parts(len(k), block)])  # fmt: skip
of_pieces = lambda make: lambda q, k, v, block: make(  # noqa: E731
    *zip(*(piece_of(scaled(dot_products(q, k[part]), k.shape[-1]), v[part]) for part in parts(len(k), block)), strict=True))  # fmt: skip
merging = lambda first, change, make: of_pieces(lambda m, t, o: make(*functools.reduce(  # noqa: E731
    lambda done, new: change(*merge_pieces(*done, *new)), zip(m[1:], t[1:], o[1:], strict=True), first(m[0], t[0], o[0]))))  # fmt: skip
early = lambda m, t, o: (m, t, o / t)  # noqa: E731

BLOCKS = "12.blockwise_attention"
everywhere_known(BLOCKS, blockwise_attention, joined, factor)
mistake(BLOCKS, "blocks-whole-matrix", TOO_MUCH[0][1], lambda q, k, v, block: attended(q, k, v)[0])
mistake(BLOCKS, "blocks-of-queries", TOO_MUCH[1][1],
        lambda q, k, v, block: np.concatenate([attended(q[part], k, v)[0] for part in parts(len(q), block)]))  # fmt: skip
mistake(BLOCKS, "blocks-too-large", TOO_MUCH[2][1],
        lambda q, k, v, block: blockwise_attention(q, k, v, -(-len(k) // max(len(k) // block, 1))))  # fmt: skip
mistake(BLOCKS, "blocks-start-too-high", "Where all scores are far below 0, your totals vanish and 0/0 is left: the maximum that you "
        "start with is too high. What lies below any score?",
        *(merging(lambda m, t, o, level=level: merge_pieces(m * 0 + level, t * 0, o * 0, m, t, o), lambda *piece: piece, lambda m, t,
            o: o / t) for level in (0.0, -1.0, -100.0, -1000.0)))  # fmt: skip
mistake(BLOCKS, "blocks-tail-lost", None,
        *(lambda q, k, v, block, kept=kept: blockwise_attention(q, k[:n], v[:n], block) if (n := kept(len(k), block))
            else np.full((len(q), v.shape[1]), np.nan)
            for kept in (lambda n, block: n // block * block, lambda n, block: (n - 1) // block * block)))  # fmt: skip
mistake(BLOCKS, "blocks-softmax-each",
        "Each block gets a softmax of its own, and the contexts are added: weights that sum to the number of blocks.",
        of_blocks(sum))  # fmt: skip
mistake(BLOCKS, "blocks-averaged",
        "Each block gets a softmax of its own, and the contexts are averaged. A block with high scores deserves more.",
        of_blocks(lambda contexts: np.mean(contexts, axis=0)))  # fmt: skip
mistake(BLOCKS, "blocks-averaged", None,
        lambda q, k, v, block: sum(len(k[part]) * attended(q, k[part], v[part])[0] for part in parts(len(k), block)) / len(k))  # fmt: skip
mistake(BLOCKS, "blocks-halved-again", "Each block's context is averaged with what came before, so that the last block always counts half.",
        of_blocks(lambda contexts: [all := contexts[0], *(all := (all + new) / 2 for new in contexts[1:])][-1]))  # fmt: skip
mistake(BLOCKS, "blocks-side-by-side", "The blocks' contexts are stacked or joined. Each query has one context, over all keys.",
        of_blocks(np.stack), of_blocks(np.concatenate), of_blocks(lambda contexts: np.concatenate(contexts, axis=-1)))  # fmt: skip
mistake(BLOCKS, "blocks-divided-by-one-total", "You divide by the total of one block alone. The sums of values are those of all blocks.",
        lambda *inputs: of_pieces(lambda m, t, o: blockwise_attention(*inputs) * over_all(m, t) / t[-1])(*inputs),
        lambda *inputs: of_pieces(lambda m, t, o: blockwise_attention(*inputs) * over_all(m, t) / t[0])(*inputs))  # fmt: skip
mistake(BLOCKS, "blocks-divided-by-count", "You divide by how many keys or blocks there are. What divides is the total of all shares.",
        lambda *inputs: of_pieces(lambda m, t, o: over_all(m, o) / len(inputs[1]))(*inputs),
        of_pieces(lambda m, t, o: over_all(m, o) / len(o)))  # fmt: skip
mistake(BLOCKS, "pieces-divided-early", None,
        *(merging(first, early, last) for first in (early, lambda *piece: piece)
            for last in (lambda m, t, o: o, lambda m, t, o: o / t)))  # fmt: skip
mistake(BLOCKS, "blocks-maximum-not-renewed",
        "The maximum that you carry along stays that of the first block, though the sums belong to a higher one.",
        of_pieces(lambda m, t, o: (all := functools.reduce(lambda done, new: (done[0], *merge_pieces(*done, *new)[1:]),
            zip(m, t, o, strict=True)))[2] / all[1]))  # fmt: skip
mistake(BLOCKS, "blocks-returns-a-piece",
        "You return a piece, its total or its maximum. At the end the sum of values is divided by the total.",
        lambda *inputs: of_pieces(lambda m, t, o: (np.max(m, axis=0), over_all(m, t), over_all(m, o)))(*inputs),
        of_pieces(lambda m, t, o: over_all(m, t)), of_pieces(lambda m, t, o: np.max(m, axis=0)))  # fmt: skip
mistake(BLOCKS, "scaled-by-d_v", None,
        lambda q, k, v, block: blockwise_attention(q * np.sqrt(k.shape[-1] / v.shape[-1]), k, v, block))  # fmt: skip
mistake(BLOCKS, "scaled-by-block", "The scores are divided by the root of how many keys a block has. A score adds up d_k products.",
        lambda q, k, v, block: blockwise_attention(q * np.sqrt(k.shape[-1] / block), k, v, block))  # fmt: skip
mistake(BLOCKS, "scaled-by-length", None,
        lambda q, k, v, block: blockwise_attention(q * np.sqrt(k.shape[-1] / len(k)), k, v, block))  # fmt: skip
mistake(BLOCKS, "mixes-keys", None, lambda q, k, v, block: blockwise_attention(q, k, k, block))

# ----------------------------------------------------------------------------------------------------------------------
# Windows
# ----------------------------------------------------------------------------------------------------------------------


@step
def reach_of(window, num_layers):
    """How many places back a token hears through the layers."""
    return num_layers * window


reach_of.slip("reach-one-layer", "That is one layer. In the next, each of these tokens has already heard what lies before it.",
        lambda window, layers: window)  # fmt: skip
reach_of.slip("reach-window-counts-itself",
        "Each layer adds window - 1 places in your table, as if the token itself were one of the window. Here it is not counted in it.",
        lambda window, layers: layers * (window - 1), lambda window, layers: layers * (window - 1) + 1)  # fmt: skip
reach_of.slip("reach-window-and-itself", "You reach num_layers · (window + 1). The token itself is no place back.",
        lambda window, layers: layers * (window + 1))  # fmt: skip
reach_of.slip("reach-power",
        "Your reach is window to the power of the layers, or the other way round. Each layer adds window places; it does not multiply.",
        lambda window, layers: window**layers, lambda window, layers: layers**window)  # fmt: skip
reach_of.slip("reach-doubles", "Your reach doubles from layer to layer. Each layer adds window places.",
        lambda window, layers: window * 2 ** (layers - 1))  # fmt: skip
reach_of.slip("reach-two-layers", "That is two layers, whatever num_layers is.", lambda window, layers: 2 * window)
reach_of.slip("reach-nowhere", "Each token hears itself alone. It hears the window tokens before it, too.",
        lambda window, layers: 0)  # fmt: skip
reach_of.slip("reach-layer-too-many", "One layer too many: with one layer, the reach is window.",
        lambda window, layers: (layers + 1) * window)  # fmt: skip
reach_of.slip("reach-layer-too-few", "One layer too few: with one layer, the reach is window.",
        lambda window, layers: (layers - 1) * window)  # fmt: skip
reach_of.slip("reach-added", "You add window and layers. Each layer adds window places: multiply.", lambda window, layers: window + layers,
        lambda window, layers: window + layers - 1)  # fmt: skip
reach_of.slip("reach-one-layer-and-short",
        "That is one layer, and in it one place too few: window tokens lie behind, and the token itself is not one of them.",
        lambda window, layers: window - 1)  # fmt: skip
reach_of.slip("reach-one-place-off",
        "Your reach ends one place too early or too late: the token num_layers · window places back is the last that is heard.",
        lambda window, layers: layers * window - 1, lambda window, layers: layers * window + 1)  # fmt: skip
reach_of.slip("reach-window-on-both-sides", "You count the window as if it lay on both sides of the token. All of it lies behind.",
        lambda window, layers: layers * (window // 2), lambda window, layers: 2 * layers * window)  # fmt: skip
reach_of.slip("reach-layers-alone", "window changes nothing in your table. Each layer adds window places.",
        lambda window, layers: layers)  # fmt: skip


@step
def heard(back, reach):
    """Which tokens are heard, by how far they lie behind."""
    return (back >= 0) & (back <= reach)


heard.slip("reach-forward", "Later tokens are reached too. These layers are causal: only itself and what comes before.",
        lambda back, reach: abs(back) <= reach, lambda back, reach: back <= reach)  # fmt: skip
heard.slip("reach-transposed", "Rows and columns are exchanged: row i is the output, column j the token that it hears.",
        lambda back, reach: (back <= 0) & (back >= -reach))  # fmt: skip
heard.slip("reach-all", "That is the whole lower triangle. The windows end it at num_layers · window places back.",
        lambda back, reach: back >= 0)  # fmt: skip
heard.slip("reach-not-itself", "A token always hears itself: the diagonal is True.",
        lambda back, reach: (back > 0) & (back <= reach))  # fmt: skip
heard.slip("reach-inverted", "True and False are exchanged: True where token j can move output i.",
        lambda back, reach: (back < 0) | (back > reach))  # fmt: skip
heard.slip("reach-what-is-too-far", "You mark what lies too far back to be heard.", lambda back, reach: back > reach)
heard.slip("reach-farthest-alone", "You mark only the farthest token that is heard. All those in between are heard, too.",
        lambda back, reach: back == reach)  # fmt: skip
heard.slip("reach-of-numbers", "Your table holds numbers. Here it is boolean: True where a token can move an output, by however many ways.",
        lambda back, reach: ((back >= 0) & (back <= reach)).astype(int))  # fmt: skip
heard.slip("reach-counted-up", "You count how many tokens each output hears. Asked for is which ones: (seq_len, seq_len).",
        lambda back, reach: ((back >= 0) & (back <= reach)).sum(axis=1))  # fmt: skip
heard.slip("mask-allows-all", None, lambda back, reach: np.ones(back.shape, dtype=bool))


@reference(
    "12.window_reach",
    title="Who is heard through the layers",
    points=2,
    hints=[
        "One layer: itself and `window` places back. Two layers: whom do the farthest of these hear?",
        "Each layer adds `window` places. Positions: `np.arange(seq_len)`, offsets by subtracting a row from a column.",
        "`back = places[:, None] - places`, then `(back >= 0) & (back <= num_layers * window)`.",
    ],
    returns="table of who is heard",
)
def window_reach(seq_len, window, num_layers):
    places = np.arange(seq_len)
    return heard(places[:, None] - places, reach_of(window, num_layers))


@cases("12.window_reach")
def window_cases():
    rng = generator(1)
    yield Case("a window of 1 through two layers", 5, 1, 2)
    yield Case("one layer", int(rng.integers(14, 18)), 3, 1)
    yield Case("three layers", int(rng.integers(16, 20)), 3, 3)
    yield Case("a wide window", int(rng.integers(30, 34)), *rng.permutation([4, 5]).tolist())
    yield Case("a window of 1 through many layers", int(rng.integers(12, 16)), 1, 5)
    yield Case("windows that reach the whole text", 6, 5, 4)
    yield Case("a window of 0", 4, 0, 3, edge=True)
    yield Case("a text of one token", 1, 2, 2, edge=True)


WINDOW = "12.window_reach"
mistake(WINDOW, "reach-of-numbers", None, lambda n, window, layers: np.linalg.matrix_power(window_reach(n, window, 1).astype(int), layers),
        lambda n, window, layers: np.linalg.matrix_power(window_reach(n, window, 1).astype(int), layers).astype(float))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Reading in chunks
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_reader(x, chunk, W_Q, W_K, W_V):
    """Read a text in chunks: (seq_len, d_model) to contexts (seq_len, d_v). Keys and values are kept."""
    keys, values, contexts = np.zeros((0, W_K.shape[1])), np.zeros((0, W_V.shape[1])), []
    for start in range(0, len(x), chunk):
        new = x[start : start + chunk]
        keys = np.concatenate([keys, new @ W_K])
        values = np.concatenate([values, new @ W_V])
        scores = new @ W_Q @ keys.T / np.sqrt(W_K.shape[1])
        mask = np.tri(len(new), len(keys), dtype=bool)  # nobody sees the future
        if len(new) == 1:
            mask = None  # the newest token sees all
        contexts.append(softmax(scores, mask=mask) @ values)
    return np.concatenate(contexts)


@step
def at_once(read, x):
    """The contexts that do not hang on how a text is cut."""
    return read(x, len(x))


at_once.slip("chunks-compares-with-ones",
        "You compare with chunks of 1, or of 2. They may be wrong themselves; the whole text at once is the measure.",
        lambda read, x: read(x, 1), lambda read, x: read(x, min(2, len(x))))  # fmt: skip
at_once.slip("chunks-compares-with-the-text", "You compare with x itself. The measure is what the reader makes of the whole text at once.",
        lambda read, x: x)  # fmt: skip


@step
def chunk_sizes(length):
    """All of them."""
    return range(1, length + 1)


chunk_sizes.slip("chunks-last-missing", "One entry is missing: chunk sizes go from 1 to len(x), and the last is no cut at all.",
        lambda n: range(1, n))  # fmt: skip
chunk_sizes.slip("chunks-off-by-one", "Entry 0 belongs to chunks of 1, entry 1 to chunks of 2. Yours are shifted.",
        lambda n: range(2, n + 1), lambda n: range(2, n + 2), lambda n: range(n))  # fmt: skip
chunk_sizes.slip("chunks-backwards", "Your chunk sizes run from the largest down: entry 0 belongs to chunks of 1.",
        lambda n: range(n, 0, -1))  # fmt: skip
chunk_sizes.slip("chunks-one-size", "You try one chunk size. Each from 1 to len(x) has an entry.", lambda n: [1],
        lambda n: [2])  # fmt: skip


@step
def gaps(got, whole):
    """How far two readings are apart, number by number."""
    return abs(got - whole)


gaps.slip("chunks-signed", "A difference of one sign was missed: how far are the two apart, whichever is larger?",
        lambda got, whole: got - whole, lambda got, whole: whole - got)  # fmt: skip
gaps.slip("chunks-last-row-only", "You look at the last token only. An earlier one may be wrong while it is right.",
        lambda got, whole: abs(got - whole)[-1])  # fmt: skip
gaps.slip("chunks-first-row-only", "You look at the first token only, which has nothing before it and is nearly always right.",
        lambda got, whole: abs(got - whole)[0])  # fmt: skip
gaps.slip("chunks-one-feature-only", "You look at one number of each context, the first or the last. Any of them may be wrong.",
        lambda got, whole: abs(got - whole)[:, 0], lambda got, whole: abs(got - whole)[:, -1])  # fmt: skip
gaps.slip("chunks-differences-cancel", "Differences of both signs cancel in your sum or mean. Take them without their sign first.",
        lambda got, whole: abs((got - whole).mean()), lambda got, whole: abs((got - whole).sum()),
        lambda got, whole: abs((got - whole).mean(axis=-1)), lambda got, whole: abs((got - whole).sum(axis=-1)),
        lambda got, whole: abs((got - whole).mean(axis=0)), lambda got, whole: abs((got - whole).sum(axis=0)))  # fmt: skip
gaps.slip("chunks-mean-difference", "In a mean over all numbers a single small difference drowns. The largest one decides.",
        lambda got, whole: abs(got - whole).mean(), lambda got, whole: abs(got - whole).mean(axis=-1),
        lambda got, whole: np.sqrt(((got - whole) ** 2).mean()))  # fmt: skip
gaps.slip("chunks-squared", "You compare squares of differences with 1e-9: the square of a small number is far smaller.",
        lambda got, whole: (got - whole) ** 2, lambda got, whole: ((got - whole) ** 2).sum(),
        lambda got, whole: ((got - whole) ** 2).mean())  # fmt: skip
gaps.slip("chunks-relative",
        "You compare differences with how large the numbers are. A difference counts as it is, however large they are.",
        lambda got, whole: abs(got - whole) / abs(whole), lambda got, whole: abs(got - whole) / (1 + abs(whole)),
        lambda got, whole: abs(got - whole) / abs(whole).max())  # fmt: skip


@step
def far_apart(gaps):
    """Whether any is more than rounding; NaN is."""
    return not np.all(gaps <= 1e-9)


far_apart.slip("chunks-counts-rounding",
        "Differences far below 1e-9 are rounding. Compare with a tolerance: yours is too strict, or there is none.",
        lambda gap: np.any(gap != 0), *(lambda gap, level=level: not np.all(gap <= level) for level in (1e-10, 1e-12, 1e-15)))  # fmt: skip
far_apart.slip("chunks-misses-small", "A difference that is small, but no rounding, was missed: your tolerance is too generous.",
        *(lambda gap, level=level: not np.all(gap <= level) for level in (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1)),
        *(lambda gap, level=level: np.any(gap > level) for level in (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1)))  # fmt: skip
far_apart.slip("chunks-nan-missed", "A reader that gives NaN gets away: NaN is neither above nor below any number. Is your comparison "
        "true only where numbers are close?", lambda gap: np.any(gap > 1e-9), lambda gap: np.nanmax(gap) > 1e-9)  # fmt: skip
far_apart.slip("chunks-inverted", "True stands where the results agree. Here True means that the chunk size breaks something.",
        lambda gap: np.all(gap <= 1e-9))  # fmt: skip
far_apart.slip("chunks-all-must-differ", "You ask whether all numbers differ. One that does is enough.",
        lambda gap: np.all(gap > 1e-9))  # fmt: skip
far_apart.slip("chunks-not-boolean", "Your table holds numbers. Here it is boolean: True where that chunk size changes the result.",
        lambda gap: int(not np.all(gap <= 1e-9)), lambda gap: gap.max(), lambda gap: np.sum(gap > 1e-9))  # fmt: skip


@reference(
    "12.failing_chunks",
    title="Find the bug: which chunk sizes break it?",
    points=2,
    hints=[
        "How the text is cut must not matter. So compare each way of cutting it with no cut at all.",
        "`whole = read(x, len(x))`, then `read(x, chunk)` for the chunk sizes 1 to len(x). All absolute differences have to be small; is NaN?",
        "For each chunk size `same = (np.abs(read(x, chunk) - whole) <= 1e-9).all()`, which is False for NaN, too. Then turn them round.",
    ],
    returns="failing chunk sizes",
)
def failing_chunks(read, x):
    whole = at_once(read, x)
    return np.array([far_apart(gaps(read(x, chunk), whole)) for chunk in chunk_sizes(len(x))])


def disturbed(about, chunks, place, by):
    """A reader that gives other values at a place for some chunk sizes, and a little rounding for all but the whole."""

    def read(x, chunk):
        contexts = np.cumsum(x, axis=0)
        if chunk < len(x):
            contexts = contexts + 2e-11 * chunk
        if chunk in chunks:
            contexts[place] += by
        return contexts

    read.__doc__ = about
    return read


def hers(seed, d_model):
    """The colleague's reader with matrices of its own."""
    matrices = draw(seed, 3, d_model, d_model)

    def read(x, chunk):
        """the colleague's reader"""
        return colleagues_reader(x, chunk, *matrices)

    return read


@cases("12.failing_chunks")
def chunk_cases():
    x, rng = draw(1, 7, 4), generator(2)

    def some():
        return set(rng.choice(np.arange(1, 7), 3, replace=False).tolist())

    yield Case("the colleague's reader", hers(2, 2), draw(5, 4, 2).round(1))
    yield Case("a longer text", hers(6, 4), x)
    for about, place in ("the first token", 0), ("a token in the middle", 3), ("the last token", -1):
        yield Case(f"a reader that is wrong at {about}", disturbed(f"wrong at {about} in some chunks", some(), place, 1.0), x)  # fmt: skip
    yield Case("a reader that is too low", disturbed("too low at a token in some chunks", {1, 4}, 2, -1.0), x)
    for feature in (1, 2):
        yield Case("a reader that is wrong in one number", disturbed("wrong in one number in some chunks", {1, 5}, (3, feature), -0.5),
                x)  # fmt: skip
    yield Case("a reader that is wrong everywhere", disturbed("wrong everywhere in some chunks", {2, 4}, slice(None), 0.5), x)  # fmt: skip
    yield Case("a reader that is right", disturbed("right but for rounding", set(), 0, 0.0), x)
    both = np.array([[1.0, -1, 2, -2], [-3, 3, -1, 1]])
    yield Case("a reader that is wrong up and down", disturbed("as much too high as too low", {2, 5}, [1, 2], both - both.mean(axis=0)),
            x)  # fmt: skip
    yield Case("a reader that gives NaN", disturbed("NaN at a token in some chunks", some(), 2, np.nan), x)
    yield Case("a reader that gives NaN however it reads", disturbed("NaN at a token, whatever the chunks", range(8), 2, np.nan), x,
            edge=True)  # fmt: skip
    yield Case("a reader that is off by 1e-5", disturbed("1e-5 too high at a token in some chunks", {2, 6}, 2, 1e-5), x,
            edge=True)  # fmt: skip
    yield Case("a reader that is off by 5e-9", disturbed("5e-9 too high at a token in some chunks", {1, 3}, 4, 5e-9), x,
            edge=True)  # fmt: skip
    yield Case("one number that is off by 2e-9", disturbed("2e-9 too low in one number in some chunks", {2, 5}, (4, 2), -2e-9), x,
            edge=True)  # fmt: skip
    yield Case("large numbers, off by 5e-9", disturbed("5e-9 too high in some chunks", {2, 4}, 4, 5e-9), 1000 * abs(x) + 1,
            edge=True)  # fmt: skip
    yield Case("a text of one token", hers(7, 4), x[:1], edge=True)


CHUNKS = "12.failing_chunks"
mistake(CHUNKS, "chunks-guessed",
        "You say what you expect of her reader. Run the reader that you are given, and compare: it fails elsewhere.",
        lambda read, x: np.arange(1, len(x) + 1) % len(x) > 1, lambda read, x: np.arange(len(x)) > 0,
        lambda read, x: np.isin(np.arange(1, len(x) + 1), (1, len(x)), invert=True))  # fmt: skip
mistake(CHUNKS, "chunks-off-by-one", None, lambda read, x: np.r_[False, failing_chunks(read, x)],
        lambda read, x: np.roll(failing_chunks(read, x), 1))  # fmt: skip
mistake(CHUNKS, "chunks-sizes-returned",
        "You return the sizes that fail, or their places. Asked for is True or False for every size from 1 to len(x).",
        lambda read, x: np.flatnonzero(failing_chunks(read, x)) + 1, lambda read, x: np.flatnonzero(failing_chunks(read, x)),
        lambda read, x: (np.flatnonzero(failing_chunks(read, x)) + 1).tolist(),
        lambda read, x: np.flatnonzero(failing_chunks(read, x)).tolist())  # fmt: skip
mistake(CHUNKS, "chunks-all-in-one", "You return one verdict on the reader. Asked for is one on each chunk size.",
        lambda read, x: failing_chunks(read, x).any(), lambda read, x: not failing_chunks(read, x).any())  # fmt: skip
mistake(CHUNKS, "chunks-always-the-same", "You give the same answer for every chunk size of every reader.",
        lambda read, x: np.zeros(len(x), dtype=bool), lambda read, x: np.ones(len(x), dtype=bool))  # fmt: skip
mistake(CHUNKS, "chunks-token-by-token", "Your table says which tokens differ. Asked for is one answer a chunk size.",
        lambda read, x: np.array([~(abs(read(x, chunk) - read(x, len(x))) <= 1e-9).all(axis=-1)
            for chunk in range(1, len(x) + 1)]))  # fmt: skip
mistake(CHUNKS, "chunks-dividing-only",
        "You leave out sizes that do not divide the text. Each has an entry: the last chunk is then a shorter one.",
        lambda read, x: failing_chunks(read, x) & (len(x) % np.arange(1, len(x) + 1) == 0))  # fmt: skip


def by_allclose(rtol, atol, **more):
    """A test with np.allclose."""
    return lambda read, x: np.array(
        [not np.allclose(read(x, chunk), read(x, len(x)), rtol, atol, **more) for chunk in range(1, len(x) + 1)]
    )


for test in itertools.starmap(by_allclose, ((1e-5, 1e-8), (1e-5, 1e-9), (1e-9, 1e-8), (1e-5, 1e-6), (0, 1e-8))):
    mistake(CHUNKS, "chunks-misses-small", None, test)
    mistake(CHUNKS, "chunks-inverted", None, lambda read, x, test=test: ~test(read, x))
mistake(CHUNKS, "chunks-nan-of-the-whole",
        "Where the whole text, read at once, gives NaN, every size fails, the last one too: NaN is another, even than NaN.",
        by_allclose(0, 1e-9, equal_nan=True), lambda read, x: failing_chunks(read, x) & (np.arange(len(x)) < len(x) - 1))  # fmt: skip


def by_comparing(measure=at_once, sizes=chunk_sizes, gaps=gaps):
    """A test that asks whether any gap is above 1e-9, with something else wrong as well: that comes first."""

    def wrong(read, x):
        whole = measure(read, x)
        return np.array([np.any(gaps(read(x, chunk), whole) > 1e-9) for chunk in sizes(len(x))])

    return wrong


for name, one in {"measure": at_once, "sizes": chunk_sizes, "gaps": gaps}.items():
    for slip in one.slips:
        mistake(CHUNKS, slip.diagnosis, None, by_comparing(**{name: slip.function}))


@holds(CHUNKS, "chunks-whole-differs",
        "Your last entry says that the whole text differs. Read at once, it is the measure itself.")  # fmt: skip
def whole_is_the_measure(failing, read, x):
    return not failing[-1] or np.isnan(read(x, len(x))).any()


# ----------------------------------------------------------------------------------------------------------------------
# The cache
# ----------------------------------------------------------------------------------------------------------------------


@step
def followed(old, new):
    """The rows of the cache, and the new ones behind them."""
    return np.concatenate([old, new])


followed.slip("cache-behind", "Cached rows stand behind the new ones{at}. They came first.",
        lambda old, new: np.concatenate([new, old]))  # fmt: skip
followed.slip("cache-forgets", "Only the new rows are left{at}. Old tokens are attended to as well, and the next call needs all of them.",
        lambda old, new: new)  # fmt: skip
followed.slip("cache-not-grown", "The new rows are missing{at}. New tokens attend to each other as well, and the next call needs them.",
        lambda old, new: old)  # fmt: skip
followed.slip("cache-doubled", "Some rows stand there twice{at}.", lambda old, new: np.concatenate([old, new, new]),
        lambda old, new: np.concatenate([old, old, new]))  # fmt: skip
followed.slip("cache-first-row-lost", "The oldest row is dropped{at}. Nothing limits this cache.",
        lambda old, new: np.concatenate([old, new])[1:], lambda old, new: np.concatenate([old[1:], new]))  # fmt: skip
followed.slip("cache-one-new-row", "Of the new rows only one is kept{at}. There may be several.",
        lambda old, new: np.concatenate([old, new[-1:]]), lambda old, new: np.concatenate([old, new[:1]]))  # fmt: skip


def upto(offset):
    """Query i sees the keys up to number i, plus an offset that `offset(new, total)` gives."""
    return lambda new, total: np.tri(new, total, offset(new, total), dtype=bool)


@step
def seen_by_new(new, total):
    """Which keys the new tokens see, which are the last: (new, old + new)."""
    return upto(lambda new, total: total - new)(new, total)


seen_by_new.slip("cache-mask-top-left", "The first new token sees only the first key, as if nothing had been read before. New tokens are "
        "the last: the mask has to line up at the bottom right.", upto(lambda new, t: 0),
        lambda new, t: np.tri(new, t, dtype=bool) | (new == 1))  # fmt: skip
seen_by_new.slip("cache-mask-without-old", "Your mask has columns for the new keys alone. Old keys come before them, and each needs one.",
        lambda new, t: np.tri(new, dtype=bool),
        lambda new, t: np.ones((1, t), dtype=bool) if new == 1 else np.tri(new, dtype=bool))  # fmt: skip
seen_by_new.slip("cache-not-causal", "A new token sees the new ones after it. Old keys are for all, among the new ones order counts.",
        lambda new, t: np.ones((new, t), dtype=bool), lambda new, t: np.tri(new, t, dtype=bool) | (t > new))  # fmt: skip
seen_by_new.slip("cache-own-hidden", "A new token does not see itself, or not the one before it: the mask's diagonal lies too low.",
        upto(lambda new, t: t - new - 1), upto(lambda new, t: t - new - 2), upto(lambda new, t: max(t - new - 1, 0)))  # fmt: skip
seen_by_new.slip("cache-sees-next", "A new token sees the next one: the mask's diagonal lies one too high.",
        upto(lambda new, t: t - new + 1))  # fmt: skip
seen_by_new.slip("causal-transposed", None, lambda new, t: np.tri(t, new, dtype=bool).T)
seen_by_new.slip("cache-mask-columns-exchanged", "Your mask's first columns are about the new tokens. The keys of old ones come first.",
        lambda new, total: np.roll(np.tri(new, total, total - new, dtype=bool), new, axis=1))  # fmt: skip
seen_by_new.slip("cache-mask-inverted", "A new token sees what comes after it and nothing before: the mask works the wrong way round.",
        lambda new, t: ~np.tri(new, t, t - new, dtype=bool), lambda new, t: np.tri(new, t, t - new - 1, dtype=bool) == 0)  # fmt: skip
seen_by_new.slip("cache-old-hidden", "What was read before changes nothing in your context. New tokens see all of it.",
        lambda new, t: np.tri(new, t, t - new, dtype=bool) & (np.arange(t) >= t - new))  # fmt: skip
seen_by_new.slip("cache-new-blind", "A new token does not see the new ones before it. They come in one call, but in an order.",
        lambda new, t: (np.arange(t) < t - new) | np.eye(new, t, t - new, dtype=bool),
        lambda new, t: np.broadcast_to(np.arange(t) < t - new, (new, t)))  # fmt: skip
seen_by_new.slip("cache-mask-by-old",
        "Your mask's diagonal begins at another key. Which is the last that the first new token sees, after `old` of them?",
        upto(lambda new, t: new), upto(lambda new, t: new - 1), upto(lambda new, t: t))  # fmt: skip


@reference(
    "12.cached_attention",
    title="Repair it: attention with a cache",
    points=3,
    hints=[
        "Put the cached keys and values in front of the new ones. Which keys may the first new token see?",
        "All cached ones and itself. A lower triangle that lines up at the bottom right: `k = keys - queries` of np.tri.",
        "`mask = np.tri(len(x), len(keys), len(keys) - len(x), dtype=bool)`, then scaled_dot_product_attention(x @ W_Q, keys, values, mask).",
    ],
    returns=("context", "keys", "values"),
    same=WITHOUT_EMPTY_ROWS | WITHOUT_BATCH | ORDINARY_SCORES,
)
def cached_attention(x, keys, values, W_Q, W_K, W_V):
    queries, new_keys, new_values = projections(x, W_Q, W_K, W_V)
    keys, values = followed(keys, new_keys, at="in the keys"), followed(values, new_values, at="in the values")
    return attended(queries, keys, values, seen_by_new(len(x), len(keys)))[0], keys, values


@cases("12.cached_attention")
def cache_cases():
    def inputs(seed, old, new, d_model, d_k, d_v):
        matrices = draw(seed, d_model, d_k), draw(seed + 1, d_model, d_k), draw(seed + 2, d_model, d_v)
        return draw(seed + 3, new, d_model), draw(seed + 4, old, d_k), draw(seed + 5, old, d_v), *matrices

    yield Case("one old token, two new ones", *(part.round(1) for part in inputs(1, 1, 2, 3, 2, 2)))
    yield Case("an empty cache", *inputs(11, 0, 5, 6, 4, 3))
    yield Case("one new token", *inputs(21, 6, 1, 6, 4, 3))
    yield Case("more old tokens than new ones", *inputs(31, 5, 3, 6, 4, 3))
    yield Case("more new tokens than old ones", *inputs(41, 2, 5, 6, 4, 3))
    yield Case("as many new tokens as old ones, and square matrices", *inputs(51, 2, 2, 4, 4, 4))


CACHE = "12.cached_attention"


def with_cache(context):
    """Another context, made of (queries, keys, values, new keys, new values, mask)."""

    def wrong(x, keys, values, W_Q, W_K, W_V):
        new = x @ W_K, x @ W_V
        keys, values = np.concatenate([keys, new[0]]), np.concatenate([values, new[1]])
        return context(x @ W_Q, keys, values, *new, seen_by_new(len(x), len(keys))), keys, values

    return wrong


everywhere_known(CACHE, cached_attention, followed)
mistake(CACHE, "pair-not-taken-apart",
        "Attention gives back a pair, context and weights, and the pair is kept as it came. The context is its first.",
        with_cache(lambda q, k, v, new_k, new_v, mask: attended(q, k, v, mask)))  # fmt: skip
mistake(CACHE, "cache-returns-weights", "Weights came back in place of the context: attention gives back both, the context first.",
        with_cache(lambda q, k, v, new_k, new_v, mask: attended(q, k, v, mask)[1]))  # fmt: skip
mistake(CACHE, "cache-not-read", "What was read before changes nothing in your context: it is made of the new keys and values alone.",
        with_cache(lambda q, k, v, new_k, new_v, mask: attended(q, new_k, new_v, np.tri(len(q), dtype=bool))[0]),
        with_cache(lambda q, k, v, new_k, new_v, mask: attended(q, new_k, new_v)[0]))  # fmt: skip
mistake(CACHE, "cache-last-token-only", "One context came back, the last token's. Each new token has its own.",
        with_cache(lambda q, k, v, new_k, new_v, mask: attended(q[-1:], k, v)[0]))  # fmt: skip
mistake(CACHE, "mixes-keys", None, with_cache(lambda q, k, v, new_k, new_v, mask: attended(q, k, k, mask)[0]))
mistake(CACHE, "cache-kept-as-it-was",
        "The context is right, but you return the cache as it was. The next call needs the new keys and values in it.",
        lambda x, k, v, *matrices: (cached_attention(x, k, v, *matrices)[0], k, v))  # fmt: skip
mistake(CACHE, "cache-new-ones-returned",
        "The context is right, but you return the new keys and values only. The next call needs all of them.",
        lambda x, k, v, *matrices: (cached_attention(x, k, v, *matrices)[0], x @ matrices[1], x @ matrices[2]))  # fmt: skip
mistake(CACHE, "projections-swapped", None, lambda x, k, v, W_Q, W_K, W_V: cached_attention(x, k, v, W_K, W_Q, W_V))
mistake(CACHE, "cache-projected-again", "You project what is in the cache once more. Keys and values were projected when they came in.",
        lambda x, k, v, W_Q, W_K, W_V: cached_attention(x, k @ W_K, v @ W_V, W_Q, W_K, W_V))  # fmt: skip
mistake(CACHE, "keys-from-queries", None, lambda x, k, v, W_Q, W_K, W_V: cached_attention(x, k, v, W_Q, W_Q, W_V),
        lambda x, k, v, W_Q, W_K, W_V: cached_attention(x, k, v, W_K, W_K, W_V))  # fmt: skip
mistake(CACHE, "scaled-by-d_model", None,
        lambda x, k, v, W_Q, W_K, W_V: cached_attention(x, k, v, W_Q * np.sqrt(W_Q.shape[1] / len(W_Q)), W_K, W_V))  # fmt: skip
mistake(CACHE, "scaled-by-d_v", None,
        lambda x, k, v, W_Q, W_K, W_V: cached_attention(x, k, v, W_Q * np.sqrt(W_Q.shape[1] / W_V.shape[1]), W_K, W_V))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# What it weighs
# ----------------------------------------------------------------------------------------------------------------------


@step
def of_a_token(num_heads, num_kv_heads, d_head):
    """How many numbers of a token a layer keeps."""
    return 2 * num_kv_heads * d_head


of_a_token.slip("bytes-keys-only", "You count one of the two: keys and values are both kept.", lambda heads, kv, d: kv * d)  # fmt: skip
of_a_token.slip("bytes-with-queries", "You count three, queries as well: the query of an old token is never needed again.",
        lambda heads, kv, d: 3 * kv * d, lambda heads, kv, d: (heads + 2 * kv) * d)  # fmt: skip
of_a_token.slip("bytes-queries-for-keys", "You count a query and a key, or a value. Kept are keys and values, each for num_kv_heads heads.",
        lambda heads, kv, d: (heads + kv) * d)  # fmt: skip
of_a_token.slip("bytes-all-heads", "You count a pair of keys and values for each head of queries. Groups share theirs: num_kv_heads.",
        lambda heads, kv, d: 2 * heads * d)  # fmt: skip
of_a_token.slip("bytes-one-for-each-head",
        "You count one vector for each head of queries. Kept are a key and a value, for each of num_kv_heads heads.",
        lambda heads, kv, d: heads * d)  # fmt: skip
of_a_token.slip("bytes-group-size",
        "heads / kv_heads is how many heads share a pair of keys and values. What is kept is num_kv_heads of them.",
        lambda heads, kv, d: 2 * (heads // kv) * d)  # fmt: skip
of_a_token.slip("bytes-both-heads", "You multiply by both numbers of heads. Only num_kv_heads enters.",
        lambda heads, kv, d: 2 * heads * kv * d)  # fmt: skip
of_a_token.slip("bytes-one-head", "That is one head of keys and values. There are num_kv_heads.", lambda heads, kv, d: 2 * d)  # fmt: skip
of_a_token.slip("bytes-one-number-a-head", "A key has d_head numbers, not one.", lambda heads, kv, d: 2 * kv)
of_a_token.slip("bytes-width-squared", "d_head enters twice. A key has d_head numbers, and so has a value: they are added.",
        lambda heads, kv, d: 2 * kv * d * d, lambda heads, kv, d: kv * d * d)  # fmt: skip
of_a_token.slip("bytes-head-divided", "d_head is the width of one head already: nothing divides it.",
        lambda heads, kv, d: 2 * kv * (d // heads), lambda heads, kv, d: 2 * kv * d / heads, lambda heads, kv, d: 2 * d / kv)  # fmt: skip


@step
def times(numbers, count):
    """As many as there are."""
    return numbers * count


times.slip("bytes-one-left-out", "One size has no part in your product{at}. Each layer, each token and each number counts.",
        lambda numbers, count: numbers)  # fmt: skip
times.slip("bytes-size-added", "You add a size where you should multiply{at}.", lambda numbers, count: numbers + count)
times.slip("bytes-size-squared", "One size enters twice{at}. The cache holds vectors, one a token and layer; weights are not kept.",
        lambda numbers, count: numbers * count**2)  # fmt: skip
times.slip("bytes-one-short", "You count one less or one more than there are{at}.", lambda numbers, count: numbers * (count - 1),
        lambda numbers, count: numbers * (count + 1))  # fmt: skip
times.slip("bytes-size-divides", "You divide by a size{at}. The more there are, the heavier the cache.",
        lambda numbers, count: numbers / count, lambda numbers, count: numbers // count)  # fmt: skip


@reference(
    "12.cache_bytes",
    title="What a cache weighs",
    points=1,
    hints=[
        "What is kept of one token, in one layer?",
        "A key and a value, for each of the num_kv_heads heads, d_head numbers each.",
        "`2 * num_layers * num_kv_heads * d_head * seq_len * bytes_per_number`; num_heads does not enter.",
    ],
    returns="bytes",
)
def cache_bytes(seq_len, num_layers, num_heads, num_kv_heads, d_head, bytes_per_number):
    numbers = times(of_a_token(num_heads, num_kv_heads, d_head), num_layers, at="(the layers)")
    return times(times(numbers, seq_len, at="(the tokens)"), bytes_per_number, at="(the bytes of a number)")


@cases("12.cache_bytes")
def bytes_cases():
    rng = generator(1)
    yield Case("a small model", *rng.integers([5, 3], [9, 5]).tolist(), 6, 2, int(rng.integers(4, 9)), 4)
    yield Case("a middle-sized model", *rng.integers([90, 5], [120, 9]).tolist(), 12, 4, int(rng.integers(16, 30)), 8)
    yield Case("keys of its own for each head", *rng.integers([6, 4], [9, 7]).tolist(), 8, 8, int(rng.integers(20, 40)), 2)  # fmt: skip
    yield Case("one head of keys", *rng.integers([900, 6], [1000, 9]).tolist(), 6, 1, int(rng.integers(5, 12)), 4)
    yield Case("one token in one layer", 1, 1, 15, 3, int(rng.integers(20, 40)), 2)
    yield Case("one byte a number", *rng.integers([20, 3], [40, 6]).tolist(), 20, 10, int(rng.integers(40, 60)), 1)
    yield Case("a large model and a long text", 8192, 32, 32, 32, 128, 2, edge=True)
    yield Case("a giant model", 1_000_000, 126, 128, 8, 128, 2, edge=True)


BYTES = "12.cache_bytes"
mistake(BYTES, "bytes-units", "Another unit: wanted are bytes, not bits, and not kB, MB or GB.",
        *(lambda *sizes, unit=unit: cache_bytes(*sizes) / unit for unit in (1e3, 1e6, 1e9, 2**10, 2**20, 2**30)),
        *(lambda *sizes, unit=unit: cache_bytes(*sizes) // unit for unit in (1e3, 1e6, 1e9, 2**10, 2**20, 2**30)),
        lambda *sizes: cache_bytes(*sizes) // 8, lambda *sizes: 8 * cache_bytes(*sizes),
        lambda *sizes: cache_bytes(*sizes) / 8)  # fmt: skip
mistake(BYTES, "bytes-int32", "Past two thousand million your number overflows, or turns negative: it is kept in 32 bits.",
        lambda *sizes: (cache_bytes(*sizes) + 2**31) % 2**32 - 2**31, lambda *sizes: cache_bytes(*sizes) % 2**32)  # fmt: skip
mistake(BYTES, "bytes-of-weights",
        "You count a number for each pair of tokens. The cache holds vectors, one a token; weights are not kept.",
        lambda n, layers, heads, kv, d, size: layers * heads * n * n * size,
        lambda n, layers, heads, kv, d, size: layers * kv * n * n * size,
        lambda n, layers, heads, *rest: cache_bytes(n, layers, heads, *rest) + layers * heads * n * n * rest[-1])  # fmt: skip
mistake(BYTES, "bytes-of-a-fixed-size",
        "Each number takes the same few bytes in your count, whatever bytes_per_number is. Use the parameter.",
        *(lambda *sizes, size=size: cache_bytes(*sizes[:5], size) for size in (2, 4, 8)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Heads that share
# ----------------------------------------------------------------------------------------------------------------------


@step
def for_each_head(shared, num_heads):
    """Keys or values, once for each head of queries; neighbours share."""
    return np.repeat(shared, num_heads // len(shared), axis=0)


for_each_head.slip("groups-dealt", "Heads are dealt in turn{at}. A group is a run of neighbours: heads 0 … group-1 share the first.",
        lambda x, heads: np.tile(x, (heads // len(x), 1, 1)))  # fmt: skip
for_each_head.slip("groups-one-for-all", "All heads use one head{at}, the first or the last. Each group has its own.",
        lambda x, heads: x[:1], lambda x, heads: x[-1:])  # fmt: skip
for_each_head.slip("groups-keys-averaged", "You average or add up the heads{at}. Each group keeps its own.",
        lambda x, heads: x.mean(axis=0), lambda x, heads: x.sum(axis=0))  # fmt: skip
for_each_head.slip("groups-reversed", "The groups are in reverse order{at}: the first heads share the first.",
        lambda x, heads: for_each_head(x, heads)[::-1])  # fmt: skip
for_each_head.slip("groups-of-a-fixed-size",
        "Your groups have one size{at}, however many heads there are. It follows from the two numbers of heads.",
        lambda x, heads: x[np.minimum(np.arange(heads) // 2, len(x) - 1)], lambda x, heads: np.repeat(x, 2, axis=0),
        lambda x, heads: np.repeat(x, 3, axis=0), lambda x, heads: x[np.minimum(np.arange(heads) // 3, len(x) - 1)])  # fmt: skip
for_each_head.slip("groups-by-kv-heads", "You divide a head's number by how many heads of keys there are{at}. How many heads share one?",
        lambda x, heads: x[np.arange(heads) // len(x)], lambda x, heads: x[np.minimum(np.arange(heads) // len(x), len(x) - 1)])  # fmt: skip
for_each_head.slip("groups-numbers-repeated",
        "Single numbers are repeated{at}, which tears heads apart: without an axis np.repeat goes number by number.",
        lambda x, heads: np.repeat(x, heads // len(x)).reshape(heads, *x.shape[1:]))  # fmt: skip
for_each_head.slip("groups-shifted",
        "A group begins one head too early or too late{at}: with 6 heads and 2 of keys, heads 0 to 2 share the first.",
        lambda x, heads: np.roll(for_each_head(x, heads), 1, axis=0), lambda x, heads: np.roll(for_each_head(x, heads), -1, axis=0),
        lambda x, heads: np.roll(x, 1, axis=0).repeat(heads // len(x), axis=0))  # fmt: skip
for_each_head.slip("groups-last-takes-the-rest",
        "The first heads have one head each{at}, and the last of them serves all others. Groups are of one size.",
        lambda x, heads: x[np.minimum(np.arange(heads), len(x) - 1)])  # fmt: skip


@reference(
    "12.grouped_attention",
    title="Heads that share keys and values",
    points=2,
    hints=[
        "How many heads of queries share one head of keys? Neighbours do.",
        "Give every head of queries a copy of its group's keys and values, then attend as always.",
        "`group = len(queries) // len(keys)`; `np.repeat(keys, group, axis=0)`, not np.tile.",
    ],
    returns="context",
    same=WITHOUT_MASK | ORDINARY_SCORES,
)
def grouped_attention(queries, keys, values):
    heads = len(queries)
    keys, values = for_each_head(keys, heads, at="in the keys"), for_each_head(values, heads, at="in the values")
    return attended(queries, keys, values)[0]


@cases("12.grouped_attention")
def group_cases():
    def inputs(seed, heads, kv_heads, num_queries, num_keys, d_k, d_v):
        of_keys = draw(seed + 1, kv_heads, num_keys, d_k), draw(seed + 2, kv_heads, num_keys, d_v)
        return draw(seed, heads, num_queries, d_k), *of_keys

    yield Case("four heads, two heads of keys", *(part.round(1) for part in inputs(1, 4, 2, 1, 2, 2, 2)))
    yield Case("two groups of three heads", *inputs(11, 6, 2, 5, 7, 4, 3))
    yield Case("three groups of two heads", *inputs(21, 6, 3, 5, 7, 4, 3))
    yield Case("one head of keys for all", *inputs(31, 4, 1, 5, 7, 4, 3))
    yield Case("as many heads of keys as of queries", *inputs(41, 3, 3, 5, 7, 4, 3))
    yield Case("sizes that are all the same", *inputs(51, 4, 2, 4, 4, 4, 4))


GROUPS = "12.grouped_attention"


# Keys and values of each head; what is made of the right context and of how many heads of keys there are, and of attention of
# one query a group
with_copies = lambda q, k, v: (q, for_each_head(k, len(q)), for_each_head(v, len(q)))  # noqa: E731
grouped = lambda make: lambda q, k, v: make(grouped_attention(q, k, v), len(k))  # noqa: E731
in_groups = lambda q, k: q.reshape(len(k), -1, *q.shape[1:])  # noqa: E731
of_groups = lambda make: lambda q, k, v: attended(make(in_groups(q, k), axis=1), k, v)[0]  # noqa: E731

everywhere_known(GROUPS, grouped_attention, for_each_head)
mistake(GROUPS, "groups-not-merged", "Right values, but the groups are still an axis of their own: (heads, queries, d_v).",
        grouped(lambda context, kv: context.reshape(kv, -1, *context.shape[1:])),
        grouped(lambda context, kv: context.reshape(kv, -1, *context.shape[1:]).swapaxes(0, 1)))  # fmt: skip
mistake(GROUPS, "groups-merged-wrongly", "The heads come back in another order: groups and their members are exchanged.",
        grouped(lambda context, kv: context.reshape(kv, -1, *context.shape[1:]).swapaxes(0, 1).reshape(context.shape)),
        grouped(lambda context, kv: context.reshape(-1, kv, *context.shape[1:]).swapaxes(0, 1).reshape(context.shape)))  # fmt: skip
mistake(GROUPS, "groups-heads-lost", "As many heads come back as there are heads of keys. Every head of queries has its own context.",
        lambda q, k, v: attended(q[: len(k)], k, v)[0], lambda q, k, v: attended(in_groups(q, k)[:, 0], k, v)[0])  # fmt: skip
mistake(GROUPS, "groups-queries-averaged",
        "You average or add up the queries of a group. Every head of queries asks its own question; only keys and values are shared.",
        of_groups(np.mean), of_groups(np.sum), lambda q, k, v: for_each_head(of_groups(np.mean)(q, k, v), len(q)),
        lambda q, k, v: for_each_head(of_groups(np.sum)(q, k, v), len(q)))  # fmt: skip
mistake(GROUPS, "groups-context-averaged", "The contexts of a group are averaged or added up. Every head of queries has its own.",
        grouped(lambda context, kv: context.reshape(kv, -1, *context.shape[1:]).mean(axis=1)),
        grouped(lambda context, kv: context.reshape(kv, -1, *context.shape[1:]).sum(axis=1)),
        grouped(lambda context, kv: context.mean(axis=0)))  # fmt: skip
mistake(GROUPS, "groups-dealt", None,
        lambda q, k, v: np.concatenate([attended(q[kv :: len(k)], k[kv], v[kv])[0] for kv in range(len(k))]))  # fmt: skip
mistake(GROUPS, "groups-all-keys", "Every head looks at the keys of all groups. It has those of its own group alone.",
        lambda q, k, v: attended(q, np.concatenate(k), np.concatenate(v))[0],
        lambda q, k, v: np.mean([attended(q, *pair)[0] for pair in zip(k, v, strict=True)], axis=0))  # fmt: skip
mistake(GROUPS, "groups-side-by-side",
        "The heads are merged side by side, or the axes are in another order. Asked for is (heads, queries, d_v).",
        grouped(lambda context, kv: context.swapaxes(0, 1).reshape(context.shape[1], -1)),
        grouped(lambda context, kv: context.swapaxes(0, 1)), grouped(lambda context, kv: context.swapaxes(1, 2)))  # fmt: skip
mistake(GROUPS, "pair-not-taken-apart", None, lambda q, k, v: attended(*with_copies(q, k, v)))
mistake(GROUPS, "returns-weights-for-context", "These are the weights. Asked for is the context, weights times values.",
        lambda q, k, v: attended(*with_copies(q, k, v))[1])  # fmt: skip
mistake(GROUPS, "causal-without-a-mask", None,
        *(lambda q, k, v, late=late: attended(*with_copies(q, k, v),
            np.tri(q.shape[1], k.shape[1], late * (k.shape[1] - q.shape[1]), dtype=bool))[0] for late in (0, 1)))  # fmt: skip
mistake(GROUPS, "scaled-by-d_v", None, lambda q, k, v: grouped_attention(q * np.sqrt(k.shape[-1] / v.shape[-1]), k, v))
mistake(GROUPS, "mixes-keys", None, lambda q, k, v: grouped_attention(q, k, k))

# ----------------------------------------------------------------------------------------------------------------------
# Many processes
# ----------------------------------------------------------------------------------------------------------------------


@step
def without_idle(gradients, counts):
    """Means of processes that had no token become 0: they have nothing to say."""
    return np.where(counts[:, None] > 0, gradients, 0)


without_idle.slip("gradient-nan-spreads",
        "A process without any token has the mean 0/0, NaN. It has nothing to say: leave it out (0 · NaN is NaN).",
        lambda g, c: g)  # fmt: skip
without_idle.slip("gradient-first-process-lost", "One process is left out, the first or the last, though it had tokens.",
        *(lambda g, c, place=place: without_idle(g, c) * (np.arange(len(c)) != place % len(c))[:, None] for place in (0, -1)))  # fmt: skip
without_idle.slip("gradient-single-token-lost", "A process with a single token is left out, as if it had none.",
        lambda g, c: np.where(c[:, None] > 1, g, 0))  # fmt: skip


@step
def weighed(gradients, counts):
    """Each process's mean as the sum over its tokens."""
    return gradients * counts[:, None]


weighed.slip("gradient-means-by-tokens",
        "You divide the sum of the means by the number of tokens, but each mean is divided already. Multiply it by its count first.",
        lambda g, c: g)  # fmt: skip
weighed.slip("gradient-divided-again", "You divide each mean by its count once more. It is a mean already; what is its sum?",
        lambda g, c: g / np.maximum(c, 1)[:, None])  # fmt: skip
weighed.slip("gradient-counts-squared", "The counts enter twice.", lambda g, c: g * (c**2)[:, None])
weighed.slip("gradient-count-of-one", "All means are multiplied by one count, the first, the largest, or their mean. Each has its own.",
        *(lambda g, c, which=which: g * which(c) for which in (lambda c: c[0], np.max, np.mean)))  # fmt: skip


@step
def over_processes(sums):
    """One sum for all."""
    return sums.sum(axis=0)


over_processes.slip("gradient-not-added", "Each process still has a row of its own. They make one gradient, (parameters,).",
        lambda s: s)  # fmt: skip
over_processes.slip("gradient-over-parameters", "You add up over the parameters. Add up over the processes: one number a parameter stays.",
        lambda s: s.sum(axis=1), lambda s: s.sum())  # fmt: skip
over_processes.slip("gradient-keepdims", "There is an axis of 1 too many: (parameters,) is asked for.",
        lambda s: s.sum(axis=0, keepdims=True))  # fmt: skip


@step
def over_tokens(total, counts):
    """A sum over all tokens as their mean."""
    return total / counts.sum()


over_tokens.slip("gradient-not-divided", "That is the sum over all tokens. Divide by how many there are in all.",
        lambda t, c: t)  # fmt: skip
over_tokens.slip("gradient-multiplied-by-count", "You multiply by the number of tokens. A mean divides by it.",
        lambda t, c: t * c.sum())  # fmt: skip
over_tokens.slip("gradient-divided-by-processes",
        "You divide the sum over tokens by the number of processes. Divide by the number of tokens.", lambda t, c: t / len(c),
        lambda t, c: t / (c > 0).sum())  # fmt: skip
over_tokens.slip("gradient-divided-by-one-count",
        "You divide by the tokens of one process, or by their mean. Divide by those of all of them.",
        *(lambda t, c, which=which: t / which(c) for which in (np.max, np.mean, lambda c: c[c > 0].mean())))  # fmt: skip
over_tokens.slip("gradient-divided-twice", "You divide once more: by the tokens, and by the processes as well.",
        lambda t, c: t / c.sum() / len(c), lambda t, c: t / c.sum() / (c > 0).sum())  # fmt: skip
over_tokens.slip("gradient-counts-off",
        "Your number of tokens is not the sum of the counts: it is a little off, as if an idle process had one token.",
        lambda t, c: t / np.maximum(c, 1).sum(), lambda t, c: t / (c.sum() + 1), lambda t, c: t / (c.sum() - 1))  # fmt: skip


@reference(
    "12.mean_gradient",
    title="One gradient from many processes",
    points=2,
    hints=[
        "A process with few tokens should count little. What would one process have computed that saw all of them?",
        "mean · count is the sum over a process's tokens. Add the sums, and divide by all tokens.",
        "A count of 0 comes with NaN, and 0 · NaN is NaN: `np.where(counts[:, None] > 0, gradients, 0)` first.",
    ],
    returns="gradient",
)
def mean_gradient(gradients, counts):
    return over_tokens(over_processes(weighed(without_idle(gradients, counts), counts)), counts)


@cases("12.mean_gradient")
def gradient_cases():
    def inputs(seed, counts, parameters):
        gradients = draw(seed, len(counts), parameters)
        gradients[np.array(counts) == 0] = np.nan
        return gradients, np.array(counts)

    (few, many), others = inputs(1, (1, 3), 3), generator(2).integers(3, 60, 5)
    yield Case("two processes", few.round(1), many)
    yield Case("five processes", *inputs(3, others.tolist(), 6))
    yield Case("processes with the same number of tokens", *inputs(4, (7, 7, 7), 4))
    yield Case("as many parameters as processes", *inputs(5, (5, 90, 20), 3))
    yield Case("one process", *inputs(6, (8,), 4))
    yield Case("a process without a token", *inputs(7, (8, 0, 4), 6))
    yield Case("the first and the last without a token", *inputs(8, (0, 9, 2, 30, 0), 4))
    yield Case("all tokens in one process", *inputs(9, (0, 0, 12), 5))


GRADIENT = "12.mean_gradient"
mistake(GRADIENT, "gradient-mean-of-means",
        "You average the processes alike. One that saw fewer tokens then counts as much as the others: weigh by counts.",
        lambda g, c: g.mean(axis=0), lambda g, c: np.nanmean(g, axis=0), lambda g, c: np.nan_to_num(g).mean(axis=0))  # fmt: skip
mistake(GRADIENT, "gradient-sum", "You add the mean gradients. Two processes would take a step twice as long.", lambda g, c: g.sum(axis=0),
        lambda g, c: np.nansum(g, axis=0))  # fmt: skip
mistake(GRADIENT, "gradient-not-added", None, lambda g, c: (g * c[:, None])[c > 0] / c.sum())
mistake(GRADIENT, "gradient-inverse-counts", "A process with fewer tokens counts more in your mean. It should be the other way round.",
        lambda g, c: (w := 1 / c) @ g / w.sum(), lambda g, c: (w := 1 / c[c > 0]) @ g[c > 0] / w.sum())  # fmt: skip
mistake(GRADIENT, "gradient-largest-only", "You take the gradient of the process with most tokens and drop the others.",
        lambda g, c: g[np.argmax(c)])  # fmt: skip
mistake(GRADIENT, "gradient-one-process",
        "One process alone makes your gradient, the first or the last that had tokens. Does the loop go on, and add up?",
        *(lambda g, c, which=which, share=share: g[(i := np.flatnonzero(c)[which])] * (c[i] / c.sum() if share else 1) for which in (0, -1)
            for share in (True, False)))  # fmt: skip
mistake(GRADIENT, "gradient-median", "You take the median of the processes. Weigh their means by counts.",
        lambda g, c: np.median(g, axis=0), lambda g, c: np.nanmedian(g, axis=0))  # fmt: skip
mistake(GRADIENT, "gradient-idle-counts-one", "A process without a token enters as if it had one. It has nothing to say.",
        lambda g, c: mean_gradient(np.nan_to_num(g), np.maximum(c, 1)))  # fmt: skip
mistake(GRADIENT, "gradient-softmax-of-counts",
        "The weights are a softmax of the counts: the largest takes all. They are shares of the counts themselves.",
        lambda g, c: softmax_step(c * 1.0) @ np.nan_to_num(g), lambda g, c: softmax_step(c[c > 0] * 1.0) @ g[c > 0])  # fmt: skip

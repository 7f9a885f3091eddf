"""Lesson 09, visualizing attention: what is right, and each mistake with its sentence, in the order of its exercises."""

import functools
import sys

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice.catalogue import Case, cases, demands, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import reference
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips.numbers import (
    correlation,
    divided,
    equal_others,
    largest_place,
    mean,
    mean_by_group,
    mean_of_kept,
    ranks,
    row_shares,
    smaller,
    sum_by_group,
)
from course_lib.classroom.practice.steps import step
from course_lib.classroom.practice.trial import ask


def draw_maps(seed, *shape):
    """Weights: rows of shares that sum to 1."""
    return softmax(2 * draw(seed, *shape))


# ----------------------------------------------------------------------------------------------------------------------
# Labels: find the bug
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_strongest(weights, words):
    """For each word, the word it looks at most. All of a colleague's tests pass."""
    size = len(words)
    return weights[:size, :size].argmax(axis=-1)


@step
def without_delimiters(weights, special):
    """The map of the real tokens alone."""
    return weights[~special][:, ~special]


@reference(
    "09.strongest",
    title="Find the bug: who looks at whom?",
    points=2,
    hints=[
        "Which rows and columns of the map belong to her words? Not the first ones.",
        "Keep the rows *and* the columns where `special` is False. What remains is a smaller map, with one row a real token.",
        "`real = ~special`, then `weights[real][:, real].argmax(axis=-1)`.",
    ],
    returns="array of places",
)
def strongest(weights, special):
    return largest_place(without_delimiters(weights, special))


@cases("09.strongest")
def strongest_cases():
    for seed, size, places, about in (
        (1, 4, [0, 3], "a delimiter at both ends"),
        (2, 9, [0, 3, 8], "a delimiter in between, too"),
        (3, 8, [0, 1, 2, 7], "three delimiters in front"),
        (4, 7, [6], "a single delimiter, at the end"),
        (5, 5, [], "no delimiter at all"),
        (6, 6, [0, 2, 3, 4, 5], "a single real token"),
        (7, 12, [0, 4, 7, 8, 9, 11], "half of the tokens delimiters"),
    ):
        special = np.isin(np.arange(size), places)
        pull = 2 * special * (draw(seed + 10, size, size) > -0.5)  # delimiters draw much weight
        yield Case(about, softmax(2 * draw(seed, size, size) + pull), special)


STRONGEST = "09.strongest"
of_real = lambda change: lambda w, s: change(w[~s][:, ~s])  # noqa: E731
counted = lambda special: np.cumsum(special)  # noqa: E731

mistake(STRONGEST, "labels-colleague",
        "Your rows or columns are the first ones of the map, as hers are: the first belongs to [CLS], not to the first word.",
        lambda w, s: colleagues_strongest(w, range((~s).sum())), lambda w, s: w[: (~s).sum(), ~s].argmax(axis=-1),
        lambda w, s: w[~s, : (~s).sum()].argmax(axis=-1))  # fmt: skip
mistake(STRONGEST, "labels-shifted",
        "Your numbers count the delimiters too, so that every name is taken from a wrong place. Count among the tokens that stay.",
        lambda w, s: np.where(s, -1, w).argmax(axis=-1)[~s])  # fmt: skip
mistake(STRONGEST, "labels-one-less",
        "You take 1 off the place in the whole map, as for one delimiter in front. There may be none or several in front of a token.",
        lambda w, s: np.where(s, -1, w).argmax(axis=-1)[~s] - 1, lambda w, s: np.where(s, -1, w).argmax(axis=-1)[~s] - s[0])  # fmt: skip
mistake(STRONGEST, "labels-all-delimiters-off",
        "You take the number of all delimiters off each place. Only those in front of a token move it.",
        lambda w, s: np.where(s, -1, w).argmax(axis=-1)[~s] - s.sum())  # fmt: skip
mistake(STRONGEST, "labels-of-the-query-off",
        "You take off how many delimiters stand in front of the token that looks. What counts is those in front of the one it looks at.",
        lambda w, s: (np.where(s, -1, w).argmax(axis=-1) - counted(s))[~s])  # fmt: skip
mistake(STRONGEST, "labels-delimiter-wins",
        "Some of your tokens look at a delimiter. Leave the delimiters out as keys before you look for the largest.",
        lambda w, s: w[~s].argmax(axis=-1), lambda w, s: w[~s].argmax(axis=-1) - 1,
        lambda w, s: (found := w[~s].argmax(axis=-1)) - counted(s)[found])  # fmt: skip
mistake(STRONGEST, "labels-delimiters-look", "Delimiters have a row of their own in your answer. Leave them out as queries, too.",
        lambda w, s: w[:, ~s].argmax(axis=-1), lambda w, s: np.where(s, -1, w).argmax(axis=-1),
        lambda w, s: np.where(s[:, None] | s, -1, w).argmax(axis=-1))  # fmt: skip
mistake(STRONGEST, "labels-nothing-left-out", "Nothing is left out: that is the largest of each row of the whole map.",
        lambda w, s: w.argmax(axis=-1))  # fmt: skip
mistake(STRONGEST, "labels-itself", "You leave out the token itself. It may well look at itself: only delimiters are left out.",
        of_real(lambda real: np.where(np.eye(len(real), dtype=bool), -1, real).argmax(axis=-1)),
        of_real(lambda real: (real * (1 - np.eye(len(real)))).argmax(axis=-1)))  # fmt: skip
without_delimiters.slip("labels-ends-only",
        "You cut off tokens at the ends only. Delimiters may also stand in between: `special` says where.", lambda w, s: w[1:-1, 1:-1],
        lambda w, s: w[1:, 1:], lambda w, s: w[s.sum() :, s.sum() :], lambda w, s: w[1:, 1:][~s[1:]],
        lambda w, s: w[(inner := slice(s.argmin(), len(s) - s[::-1].argmin())), inner])  # fmt: skip
without_delimiters.slip("labels-diagonal", "Rows and columns are chosen in pairs, which gives single numbers of the diagonal. Choose the "
        "rows first, then the columns of what remains.", lambda w, s: w[~s, ~s])  # fmt: skip
without_delimiters.slip("special-inverted", "You keep the delimiters and leave out the words: `special` is True for delimiters.",
        lambda w, s: w[s][:, s])  # fmt: skip
without_delimiters.slip("mask-as-numbers",
        "You index with 0 and 1, which are places: rows 0 and 1 come again and again. Booleans choose the rows where they are True.",
        *(lambda w, s, change=change: w[change(s)][:, change(s)] for change in (lambda s: 1 - s, lambda s: (~s).astype(int))))  # fmt: skip
mistake(STRONGEST, "special-inverted", None, lambda w, s: w[s].argmax(axis=-1), lambda w, s: w[s][:, ~s].argmax(axis=-1))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Pieces and words
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "09.merge_words",
    title="From pieces to words",
    points=3,
    hints=[
        "Two steps: first join the columns of each word's pieces, then the rows. One of the two is a sum, the other a mean. Which keeps rows at 1?",
        "Loop over the words: `pieces = word_of_token == word` marks a word's tokens. Columns: `weights[..., pieces].sum(-1)`; rows: a mean.",
        "A table `belongs = np.eye(num_words)[word_of_token]` (tokens, words) does it at once: `weights @ belongs` sums columns, and "
        "`(belongs / belongs.sum(0)).T @ …` averages rows.",
    ],
    returns="map of the words",
)
def merge_words(weights, word_of_token):
    to_words = sum_by_group(weights, word_of_token, at="in the columns")
    return turned(mean_by_group(turned(to_words), word_of_token, at="in the rows"))


def turned(maps):
    """Rows and columns exchanged."""
    return np.swapaxes(maps, -1, -2)


@cases("09.merge_words")
def merge_words_cases():
    for seed, words, about in (
        (1, [0, 1, 1], "a word of two pieces"),
        (2, [0, 1, 1, 2, 3, 3, 3], "words of two and three pieces"),
        (3, [0, 0, 1, 2, 2], "pieces at both ends"),
        (4, [0, 1, 2, 3], "words of one piece each"),
        (5, [0, 0, 0], "all pieces of one word"),
    ):
        yield Case(about, draw_maps(seed, len(words), len(words)), np.array(words))
    yield Case("a batch with two leading axes", draw_maps(6, 2, 3, 5, 5), np.array([0, 1, 1, 2, 3]))
    yield Case("a batch of as many maps as tokens", draw_maps(7, 4, 4, 4), np.array([0, 0, 1, 2]))


MERGE = "09.merge_words"
belonging = lambda words: np.eye(words.max() + 1)[words]  # noqa: E731
summed_by_word = lambda w, of: belonging(of).T @ w @ belonging(of)  # noqa: E731
averaged_by_word = lambda w, of: summed_by_word(w, of) / (n := np.bincount(of)) / n[:, None]  # noqa: E731
one_map = lambda w: w[(0,) * (w.ndim - 2)]  # noqa: E731

mistake(MERGE, "pieces-summed",
        "Rows no longer sum to 1: you add the rows of a word's pieces too. Attention *from* a word is the mean over its pieces.",
        summed_by_word)  # fmt: skip
mistake(MERGE, "pieces-averaged",
        "Rows no longer sum to 1: you take the mean over columns. Attention *to* a word is the sum over its pieces.",
        averaged_by_word)  # fmt: skip
mistake(MERGE, "pieces-exchanged", "Sum and mean are exchanged: attention *to* a word is a sum, attention *from* a word a mean.",
        lambda w, of: summed_by_word(w, of) / np.bincount(of))  # fmt: skip
mistake(MERGE, "pieces-renormalised", "You take the mean both ways and divide rows afterwards until they sum to 1. That changes how a row "
        "is shared out: with sum and mean in the right places rows sum to 1 by themselves.",
        lambda w, of: row_shares.function(averaged_by_word(w, of)))  # fmt: skip
mistake(MERGE, "pieces-first-only", "You keep one piece of each word, the first or the last. The others' weights are lost.",
        lambda w, of: w[..., (first := np.unique(of, return_index=True)[1]), :][..., first],
        lambda w, of: w[..., (last := np.cumsum(np.bincount(of)) - 1), :][..., last],
        lambda w, of: w[..., (last := np.cumsum(n := np.bincount(of)) - 1), :][..., last] / n[:, None])  # fmt: skip
mistake(MERGE, "pieces-largest", "You take the largest of the pieces' weights. To a word flows what flows to all its pieces: their sum.",
        lambda w, of: (to := np.stack([w[..., of == word].max(-1) for word in range(of.max() + 1)], -1),
            np.stack([to[..., of == word, :].max(-2) for word in range(of.max() + 1)], -2))[1])  # fmt: skip
mistake(MERGE, "words-transposed", "Rows and columns of your map are exchanged: rows are the words that look.",
        lambda w, of: turned(merge_words(w, of)), lambda w, of: merge_words(turned(w), of))  # fmt: skip
mistake(MERGE, "words-diagonal-emptied", "A word's weight on itself is set to 0. It belongs in.",
        lambda w, of: merge_words(w, of) * (1 - np.eye(of.max() + 1)))  # fmt: skip
mistake(MERGE, "pieces-stay", "Your map still has a row and a column for each piece. Words are fewer: their pieces are joined to one.",
        lambda w, of: merge_words(w, of)[..., of, :][..., of], lambda w, of: w,
        lambda w, of: np.pad(merge_words(w, of), [(0, 0)] * (w.ndim - 2) + [(0, len(of) - of.max() - 1)] * 2))  # fmt: skip
mistake(MERGE, "words-axes-joined", "On a batch you join another axis than rows and columns. Counted from the end those are -2 and -1.",
        lambda w, of: np.tensordot(mean_table(of).T, w @ belonging(of), 1))  # fmt: skip
mistake(MERGE, "merged-last-word-missing",
        "The last word is missing. The numbers of words begin at 0: there is one more of them than the largest number.",
        lambda w, of: merge_words(w, of)[..., :-1, :-1],
        lambda w, of: np.stack([merge_words(w, of)[..., word, :-1] for word in range(of.max())], axis=-2))  # fmt: skip
mistake(MERGE, "batch-one-map", "Right for one map. In a batch the maps are mixed up, added up or left out: each is joined by itself.",
        lambda w, of: merge_words(one_map(w), of), lambda w, of: np.broadcast_to(one_map(merge_words(w, of)), merge_words(w, of).shape),
        lambda w, of: (m := merge_words(w, of)).reshape(-1, *m.shape[-2:]),
        lambda w, of: (m := merge_words(w, of)).mean(axis=tuple(range(m.ndim - 2))),
        lambda w, of: (m := merge_words(w, of)).sum(axis=tuple(range(m.ndim - 2))),
        lambda w, of: merge_words(w[::-1] if w.ndim > 2 else w, of))  # fmt: skip


def joined_pair_by_pair(weights, words):
    """A loop over pairs of words that indexes the first two axes."""
    groups = [np.flatnonzero(words == word) for word in range(words.max() + 1)]
    return np.array([[float(weights[row][:, column].sum(axis=1).mean()) for column in groups] for row in groups])


def mean_table(words):
    """Which token belongs to which word, in shares of the word."""
    return belonging(words) / np.bincount(words)


def joined_number_by_number(weights, words):
    """Two loops over tokens that write one number at a time."""
    joined = np.zeros((words.max() + 1, words.max() + 1))
    for row, to in enumerate(words):
        for column, of in enumerate(words):
            joined[to, of] += weights[row, column] / np.sum(words == to)
    return joined


mistake(MERGE, "fails-on-batch", "Right for one matrix, not on a batch of them. Count axes from the end: the last is -1, the one before "
        "it -2. `.T` turns all axes round.", joined_pair_by_pair, joined_number_by_number,
        lambda w, of: np.moveaxis(merge_words(w, of), (-2, -1), (0, 1)),
        lambda w, of: (mean_table(of).T @ (w @ belonging(of)).T.T) if w.ndim == 2 else mean_table(of).T @ w.T @ belonging(of))  # fmt: skip


@holds(MERGE, "merged-rows-off",
        "Rows no longer sum to 1. Attention is shared out: joining pieces neither adds any nor loses some.")  # fmt: skip
def merged_rows_sum_to_one(got, weights, word_of_token):
    return not np.isfinite(got).all() or np.allclose(got.sum(axis=-1), 1, atol=1e-4)


# ----------------------------------------------------------------------------------------------------------------------
# Roles
# ----------------------------------------------------------------------------------------------------------------------


@step
def share_on(weights, wanted):
    """How much of its weight each query has on wanted keys: (layers, heads, queries)."""
    return (weights * wanted).sum(axis=-1)


@reference(
    "09.role_scores",
    title="A role is a score",
    points=2,
    hints=[
        "For one query: how much of its weight goes to wanted keys? Then the mean over queries. Which queries have no say?",
        "`(weights * wanted).sum(axis=-1)` is that share, (layers, heads, queries). Queries without a wanted key: `wanted.any(axis=-1)` is False.",
        "`(weights * wanted).sum(-1)[..., wanted.any(-1)].mean(-1)`.",
    ],
    returns="table of scores",
    same={"left-out-added-up"},
)
def role_scores(weights, wanted):
    return mean_of_kept(share_on(weights, wanted), wanted.any(axis=-1), at="over the queries")


@cases("09.role_scores")
def role_cases():
    yield Case(
        "one head and two queries, one of which wants no key",
        np.array([[[[0.7, 0.3], [0.4, 0.6]]]]),
        np.array([[False, True], [False, False]]),
    )
    yield Case("the token before", draw_maps(1, 2, 3, 6, 6), np.eye(6, k=-1, dtype=bool))
    several = generator(2).random((5, 5)) > 0.6
    several[[0, 3]], several[0, 1:3], several[3, [0, 1, 4]], several[2] = False, True, True, False
    yield Case("queries with several wanted keys", draw_maps(3, 2, 4, 5, 5), several)
    others = np.zeros((4, 7), dtype=bool)
    others[[0, 0, 2, 3], [2, 5, 0, 6]] = True
    yield Case("more keys than queries", draw_maps(4, 3, 2, 4, 7), others)
    yield Case(
        "as many layers as heads, queries and keys",
        draw_maps(5, 4, 4, 4, 4),
        np.eye(4, k=1, dtype=bool) | np.eye(4, k=3, dtype=bool),
    )
    column = np.array([[True, False], [True, False]])
    yield Case("a wanted key without any weight", np.array([[[[0.0, 1], [1, 0]]]]), column, edge=True)
    yield Case("a single wanted key", draw_maps(6, 2, 1, 3, 3), np.arange(9).reshape(3, 3) == 5, edge=True)


ROLE = "09.role_scores"
asking = lambda wanted: wanted.any(axis=-1)  # noqa: E731

share_on.slip("role-mean-of-keys",
        "Where a query has several wanted keys, their weights are added: the share of its attention that goes to any of them.",
        lambda w, on: divided((w * on).sum(axis=-1), on.sum(axis=-1)))  # fmt: skip
share_on.slip("role-one-wanted-key", "Where a query has several wanted keys, one alone counts with you. Their weights are added.",
        lambda w, on: (w * on).max(axis=-1),
        lambda w, on: np.take_along_axis(w * on, np.broadcast_to(on.argmax(-1)[..., None], (*w.shape[:-1], 1)), -1)[..., 0])  # fmt: skip
share_on.slip("role-counts-winners", "You count how often a wanted key gets the largest weight. Asked for is the mean weight.",
        lambda w, on: ((w == w.max(axis=-1, keepdims=True)) & on).any(axis=-1))  # fmt: skip
share_on.slip("wanted-inverted", "You add up the weight on the keys that are not wanted.",
        lambda w, on: (w * ~on).sum(axis=-1))  # fmt: skip
share_on.slip("wanted-ignored", "`wanted` does not choose among the keys: all of a query's weight is added up, which is 1.",
        lambda w, on: w.sum(axis=-1))  # fmt: skip
share_on.slip("share-of-all-keys", "Your weights are averaged over all keys. A share is added up over the wanted ones.",
        lambda w, on: (w * on).mean(axis=-1))  # fmt: skip
mistake(ROLE, "role-mean-of-keys", None, lambda w, on: (w * on).sum(axis=(-2, -1)) / on.sum())
mistake(ROLE, "role-transposed", "Rows and columns of `wanted` are exchanged: row i says which keys query i should look at.",
        lambda w, on: role_scores(w, on.T), lambda w, on: (w * on.T).sum(axis=-1)[..., asking(on)].mean(axis=-1),
        lambda w, on: role_scores(turned(w), on))  # fmt: skip
mistake(ROLE, "role-over-keys",
        "You average over the keys that are wanted. Average over the queries that want one: add up along a row first.",
        lambda w, on: (w * on).sum(axis=-2)[..., on.any(axis=-2)].mean(axis=-1),
        lambda w, on: (w * on).sum(axis=-2).mean(axis=-1))  # fmt: skip
mistake(ROLE, "role-asked-by-key", "Which queries count is read from the columns of `wanted`. Its rows are the queries.",
        lambda w, on: (w * on).sum(axis=-1)[..., on.any(axis=0)].mean(axis=-1))  # fmt: skip
mistake(ROLE, "role-total", "You add up over the queries. A mean can be compared between sentences, a sum grows with the length.",
        lambda w, on: (w * on).sum(axis=(-2, -1)))  # fmt: skip
mistake(ROLE, "role-only-with-weight",
        "A query whose wanted keys get no weight is left out of your mean. It has a wanted key, so it counts, with 0.",
        lambda w, on: (s := (w * on).sum(axis=-1)).sum(axis=-1) / (s > 0).sum(axis=-1))  # fmt: skip
mistake(ROLE, "role-all-keys-wanted", "You ask for queries that want every key. One wanted key is enough to count.",
        lambda w, on: (w * on).sum(axis=-1)[..., on.all(axis=-1)].mean(axis=-1))  # fmt: skip
mistake(ROLE, "role-one-key-wanted", "Queries with several wanted keys are left out. One or more, they count.",
        lambda w, on: (w * on).sum(axis=-1)[..., on.sum(axis=-1) == 1].mean(axis=-1))  # fmt: skip
mistake(ROLE, "role-several-keys-wanted", "Queries with a single wanted key are left out. One or more, they count.",
        lambda w, on: (w * on).sum(axis=-1)[..., on.sum(axis=-1) > 1].mean(axis=-1))  # fmt: skip
mistake(ROLE, "role-of-mean-head", "One number came back. Each head has its own score: don't average over heads and layers.",
        lambda w, on: role_scores(w, on).mean(), lambda w, on: role_scores(w, on).max())  # fmt: skip
mistake(ROLE, "role-one-layer", "You have averaged over the layers or over the heads. Each head of each layer has its own score.",
        *(lambda w, on, axis=axis: role_scores(w, on).mean(axis=axis) for axis in (0, 1)))  # fmt: skip
mistake(ROLE, "role-for-each-query", "That is one number a query. A head's score is the mean over its queries.",
        lambda w, on: (w * on).sum(axis=-1), lambda w, on: (w * on).sum(axis=-1)[..., asking(on)])  # fmt: skip
mistake(ROLE, "role-first-query-off", "You leave out the first or the last query, whatever `wanted` says. Which queries have a wanted key?",
        lambda w, on: (w * on).sum(axis=-1)[..., 1:].mean(axis=-1),
        lambda w, on: (w * on).sum(axis=-1)[..., :-1].mean(axis=-1))  # fmt: skip
mistake(ROLE, "role-against-others",
        "You compare with other weights, by a difference or a ratio. A score is the share on the wanted keys alone.",
        lambda w, on: role_scores(w, on) - 1 / w.shape[-1], lambda w, on: role_scores(w, on) * w.shape[-1],
        lambda w, on: mean_of_kept((w * on).sum(-1) / (w * ~on).sum(-1), asking(on)),
        lambda w, on: mean_of_kept((w * on).sum(-1) - (w * ~on).sum(-1), asking(on)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The control
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "09.even_weights",
    title="The control: even weights",
    points=1,
    hints=[
        "Each query shares 1 equally among the keys that it may look at. How many are they, for each row?",
        "`mask.sum(axis=-1, keepdims=True)` counts them. A row without any must not be divided by 0.",
        "`mask / np.maximum(mask.sum(axis=-1, keepdims=True), 1)`.",
    ],
    returns="table of weights",
)
def even_weights(mask):
    return row_shares(mask)


@cases("09.even_weights")
def even_cases():
    yield Case("a causal mask", np.tri(3, dtype=bool))
    yield Case("padding at the end", np.broadcast_to(np.arange(6) < generator(1).integers(2, 5), (4, 6)).copy())
    some = draw(2, 5, 7) > 0
    some[2], some[0, 0] = False, True
    yield Case("a query that may attend to nothing", some)
    yield Case("more queries than keys", some.T)
    yield Case("everything allowed", np.ones((2, 5), dtype=bool))
    yield Case("nothing allowed", np.zeros((2, 3), dtype=bool), edge=True, within=0.0)
    yield Case("a batch with two leading axes", draw(3, 2, 3, 4, 5) > 0)
    yield Case("a batch of as many masks as queries and keys", draw(4, 3, 3, 3) > 0)


EVEN = "09.even_weights"
allowed = lambda m: m.sum(axis=-1, keepdims=True)  # noqa: E731

mistake(EVEN, "even-ignores-mask", "Masked keys get weight. Even means even among the keys that are allowed.",
        lambda m: np.full(m.shape, 1 / m.shape[-1]), lambda m: divided(1.0, allowed(m)) * np.ones(m.shape),
        lambda m: np.ones(m.shape) / allowed(m),
        lambda m: np.where(m.any(axis=-1, keepdims=True), np.full(m.shape, 1 / m.shape[-1]), 0))  # fmt: skip
mistake(EVEN, "even-softmax-of-the-mask",
        "You take a softmax of ones and zeros: a masked key keeps a share, since e⁰ = 1. Even means even among the keys that are allowed.",
        lambda m: softmax(m.astype(float)), lambda m: row_shares.function(np.exp(m)))  # fmt: skip
mistake(EVEN, "even-row-not-zero", "A query that may look at nothing gets weights all the same. Its row is all 0.",
        lambda m: row_shares(m | ~m.any(axis=-1, keepdims=True)), lambda m: np.where(m.any(axis=-1, keepdims=True), row_shares(m), 1.0),
        lambda m: np.where(m.any(axis=-1, keepdims=True), row_shares(m), np.eye(m.shape[-1])[0]))  # fmt: skip
mistake(EVEN, "masked-infinite", "Masked keys, or rows without any, are infinite or NaN: something is divided by the mask or by 0.",
        lambda m: 1 / (allowed(m) * m), lambda m: np.where(m, 1 / allowed(m), -np.inf))  # fmt: skip
mistake(EVEN, "even-inverted", "Your weight lies on the forbidden keys. True means may attend.", lambda m: row_shares(~m))  # fmt: skip
mistake(EVEN, "counts-for-weights", "These are counts of keys, not weights: a row sums to more than 1.", lambda m: m * allowed(m),
        lambda m: allowed(m) * np.ones(m.shape), lambda m: np.broadcast_to(allowed(m), m.shape), lambda m: allowed(m))  # fmt: skip
mistake(EVEN, "even-first-key-only", "A row's whole weight sits on one key. Even means the same for each key that is allowed.",
        lambda m: (np.arange(m.shape[-1]) == m.argmax(axis=-1)[..., None]) * 1.0, lambda m: m & (np.cumsum(m, axis=-1) == 1),
        lambda m: (m & (np.cumsum(m, axis=-1) == 1)) * 1.0)  # fmt: skip
mistake(EVEN, "even-multiplied",
        "An allowed key gets the more, the more keys are allowed. It is the other way round: divide by their number.",
        lambda m: m * m.mean(axis=-1, keepdims=True))  # fmt: skip
mistake(EVEN, "even-position-counted",
        "You divide by how many positions there are up to the query. How many may it look at? The mask says so.",
        lambda m: m / np.arange(1, m.shape[-2] + 1)[:, None])  # fmt: skip
mistake(EVEN, "even-one-count-for-all", "Every row is divided by the same count. Each query has its own count of keys.",
        lambda m: divided(m, allowed(m)[..., :1, :]), lambda m: m / allowed(m)[..., :1, :], lambda m: m / allowed(m).max(),
        lambda m: m / max(allowed(m).max(), 1), lambda m: m / allowed(m).mean())  # fmt: skip
mistake(EVEN, "even-always-causal",
        "Keys behind the query's own place get nothing, whatever the mask says. It says all that is to be known.",
        lambda m: row_shares(np.tril(m)))  # fmt: skip
mistake(EVEN, "shares-of-a-table", "The entries of each table together sum to 1. Each row is to sum to 1 by itself.",
        lambda m: divided(m, m.sum(axis=(-2, -1), keepdims=True)), lambda m: m / m.sum(axis=(-2, -1), keepdims=True))  # fmt: skip
mistake(EVEN, "even-off-by-one", "You divide by one more than the keys that are allowed: rows do not sum to 1.",
        lambda m: m / (allowed(m) + 1))  # fmt: skip


def even_row_by_row(mask):
    """A loop over the first axis that writes one row at a time."""
    found = np.zeros(mask.shape)
    for query in range(len(mask)):
        if mask[query].any():
            found[query, np.flatnonzero(mask[query])] = 1 / mask[query].sum()
    return found


mistake(EVEN, "fails-on-batch", None, even_row_by_row, lambda m: (m.T / np.maximum(m.sum(axis=1), 1)).T,
        lambda m: divided(m, m.sum(axis=-1)[:, None]), lambda m: m / np.maximum(m.sum(axis=1)[:, None], 1),
        lambda m: divided(m, m.sum(axis=tuple(range(1, m.ndim)), keepdims=True)))  # fmt: skip


@holds(EVEN, "masked-keys-weighed", "Some masked keys have a weight. It has to be exactly 0.")
def even_hides_what_is_masked(got, mask):
    return not np.any(np.nan_to_num(got)[~mask])


# ----------------------------------------------------------------------------------------------------------------------
# Rollout
# ----------------------------------------------------------------------------------------------------------------------


@step
def with_residual(layer):
    """A layer's map, half and half with what each token keeps of itself."""
    return (layer + np.eye(len(layer))) / 2


@step
def onto(layer, paths):
    """Paths, one layer further up."""
    return layer @ paths


@reference(
    "09.rollout",
    title="Rollout: paths through all layers",
    points=3,
    hints=[
        "Start with every token at its own place: the identity. Then go up, layer by layer. What does one layer do to a table of paths?",
        "Average the heads; mix with the identity, half and half; multiply by what you have so far. On which side? The later layer acts last.",
        "`paths = (layer.mean(axis=0) + np.eye(n)) / 2 @ paths`, for each layer from the first to the last.",
    ],
    returns="rollout",
)
def rollout(weights):
    paths = np.eye(weights.shape[-1])
    for layer in mean(weights, axis=1, at="over the heads"):
        paths = onto(with_residual(layer), paths)
    return paths


@cases("09.rollout")
def rollout_cases():
    first = generator(1).permutation([0.1, 0.3, 0.6, 0.9]).reshape(2, 1, 2)
    yield Case("two layers of one head, two tokens", np.stack([first, 1 - first], axis=-1))
    yield Case("three layers of two heads", draw_maps(2, 3, 2, 4, 4))
    yield Case("two layers of three heads", draw_maps(3, 2, 3, 5, 5))
    yield Case("as many layers as heads and tokens", draw_maps(4, 3, 3, 3, 3))
    yield Case("a single layer", draw_maps(5, 1, 2, 3, 3))
    yield Case("six layers", draw_maps(6, 6, 2, 4, 4))


ROLLOUT = "09.rollout"
heads_mean = lambda w: w.mean(axis=1)  # noqa: E731
residual = lambda maps: (maps + np.eye(maps.shape[-1])) / 2  # noqa: E731


def product(maps, start=None):
    """The maps one after the other, the first at the bottom."""
    paths = np.eye(maps.shape[-1]) if start is None else start
    for layer in maps:
        paths = layer @ paths
    return paths


onto.slip("rollout-order",
        "Your rows sum to 1, but the layers are multiplied the wrong way round: the later layer acts on what the earlier one gave.",
        lambda layer, paths: paths @ layer)  # fmt: skip
onto.slip("rollout-elementwise", "You multiply number by number. Paths add up over all places in between: a matrix product.",
        lambda layer, paths: layer * paths)  # fmt: skip
onto.slip("rollout-layer-transposed", "A layer's map is turned round in the product: its rows are the places above.",
        lambda layer, paths: layer.T @ paths)  # fmt: skip
onto.slip("rollout-last-layer", "Only one layer reaches your result.", lambda layer, paths: layer)
onto.slip("rollout-adds", "You add the layers up or average them. Paths go through one layer *after* the other: multiply.",
        lambda layer, paths: layer + paths, lambda layer, paths: (layer + paths) / 2)  # fmt: skip
onto.slip("rollout-kept-twice",
        "What a token keeps of itself enters again after the product. The identity belongs into each layer's map, once.",
        lambda layer, paths: (layer @ paths + paths) / 2, lambda layer, paths: (layer @ paths + np.eye(len(paths))) / 2)  # fmt: skip
with_residual.slip("rollout-no-residual", "You multiply the maps alone. A token also keeps itself: mix in the identity, half and half.",
        lambda layer: layer)  # fmt: skip
with_residual.slip("rollout-not-halved", "You add the identity, but don't halve: rows sum to 2 in each layer.",
        lambda layer: layer + np.eye(len(layer)))  # fmt: skip
with_residual.slip("rollout-ones-for-identity",
        "You mix in a table whose entries are all alike, every token with every other. What a token keeps is itself alone: the identity.",
        lambda layer: (layer + 1) / 2, lambda layer: (layer + 1 / len(layer)) / 2,
        lambda layer: row_shares.function(layer + 1))  # fmt: skip
with_residual.slip("rollout-half-forgotten", "One half is missing: half and half means that both, the map and the identity, are halved.",
        lambda layer: layer / 2 + np.eye(len(layer)), lambda layer: layer + np.eye(len(layer)) / 2, lambda layer: layer / 2)  # fmt: skip
with_residual.slip("rollout-other-shares", "The map and the identity are mixed in other shares than half and half.",
        *(lambda layer, share=share: share * layer + (1 - share) * np.eye(len(layer))
            for share in (0.1, 0.2, 0.3, 1 / 3, 2 / 3, 0.7, 0.8, 0.9)))  # fmt: skip
with_residual.slip("rollout-residual-multiplied",
        "The map is multiplied by the identity, number by number, which leaves its diagonal alone. Mix: add them, and halve.",
        lambda layer: layer * np.eye(len(layer)))  # fmt: skip
mistake(ROLLOUT, "rollout-restarts",
        "What a token keeps is what has come to it so far, not its first self: mix the identity into the layer's map, before the product.",
        lambda w: functools.reduce(lambda paths, layer: residual(layer @ paths), heads_mean(w), np.eye(w.shape[-1])))  # fmt: skip
mistake(ROLLOUT, "rollout-columns-divided", "The columns of each layer's map are made to sum to 1. Its rows are what is shared out.",
        lambda w: product(turned(row_shares.function(turned(heads_mean(w) + np.eye(w.shape[-1]))))))  # fmt: skip
mistake(ROLLOUT, "rollout-other-shares", None, lambda w: product(row_shares.function(w.sum(axis=1) + np.eye(w.shape[-1]))))  # fmt: skip
mistake(ROLLOUT, "rollout-adds", None,
        lambda w: functools.reduce(lambda paths, layer: (paths + layer) / 2, heads_mean(w), np.eye(w.shape[-1])),
        lambda w: np.eye(w.shape[-1]) + heads_mean(w).sum(axis=0), lambda w: residual(heads_mean(w)).mean(axis=0),
        lambda w: residual(heads_mean(w)).sum(axis=0), lambda w: heads_mean(w).mean(axis=0),
        lambda w: heads_mean(w).sum(axis=0))  # fmt: skip
mistake(ROLLOUT, "rollout-last-layer", None,
        *(lambda w, place=place, mix=mix: mix(heads_mean(w))[place] for place in (0, -1) for mix in (residual, np.array)))  # fmt: skip
mistake(ROLLOUT, "rollout-layer-left-out", "Not all layers are in it. Every layer belongs in, from the first to the last.",
        *(lambda w, places=places: rollout(w[places])
            for places in (slice(1, None), slice(-1), slice(None, None, 2), [0, -1], [-1, 0])))  # fmt: skip
mistake(ROLLOUT, "rollout-layer-twice", "One layer is multiplied twice: the one you start from comes again in the loop.",
        lambda w: rollout(np.concatenate([w[:1], w])), lambda w: rollout(np.concatenate([w, w[-1:]])))  # fmt: skip
mistake(ROLLOUT, "rollout-starts-without-residual",
        "The layer that you start from, or the one that you end with, is not mixed with the identity. Each layer is.",
        lambda w: product(residual(heads_mean(w))[1:], heads_mean(w)[0]),
        lambda w: heads_mean(w)[-1] @ product(residual(heads_mean(w))[:-1]))  # fmt: skip
mistake(ROLLOUT, "rollout-elementwise", None, lambda w: residual(heads_mean(w)).prod(axis=0),
        lambda w: heads_mean(w).prod(axis=0))  # fmt: skip
mistake(ROLLOUT, "rollout-starts-elsewhere",
        "Your paths start from a table whose entries are all alike. At the bottom every token is at its own place: the identity.",
        lambda w: product(residual(heads_mean(w)), np.ones(w.shape[-2:])),
        lambda w: product(residual(heads_mean(w)), np.full(w.shape[-2:], 1 / w.shape[-1])))  # fmt: skip
mistake(ROLLOUT, "rollout-all-zero", "Everything is 0: paths start from a table of zeros, or parts of 1 are cut to whole numbers.",
        lambda w: np.zeros(w.shape[-2:]))  # fmt: skip
mistake(ROLLOUT, "rollout-largest-head", "You take the largest of the heads, or the smallest. Here, heads are averaged.",
        *(lambda w, take=take, divide=divide: product(divide(take(w, axis=1) + np.eye(w.shape[-1]))) for take in (np.max, np.min)
            for divide in (row_shares.function, lambda maps: maps / 2)))  # fmt: skip
mistake(ROLLOUT, "rollout-transposed", "Rows and columns are exchanged: rows are the tokens at the top, columns those at the bottom.",
        lambda w: rollout(w).T)  # fmt: skip
mistake(ROLLOUT, "rollout-only-one-residual", "The identity comes in once, at the end or at the beginning. It belongs into every layer.",
        lambda w: residual(product(heads_mean(w))), lambda w: residual(product(heads_mean(w)[::-1])),
        lambda w: product(heads_mean(w)) + np.eye(w.shape[-1]))  # fmt: skip
mistake(ROLLOUT, "rollout-to-powers", "You multiply one layer with itself. Each layer has its own map.",
        *(lambda w, place=place: np.linalg.matrix_power(residual(heads_mean(w))[place], len(w)) for place in (0, -1)),
        lambda w: np.linalg.matrix_power(residual(w.mean(axis=(0, 1))), len(w)))  # fmt: skip
mistake(ROLLOUT, "rollout-for-each-head", "You have a table for each head, or for each layer. Asked for is one table of tokens.",
        lambda w: product(residual(w)), lambda w: residual(heads_mean(w)),
        lambda w: np.stack([product(residual(heads_mean(w))[: top + 1]) for top in range(len(w))]))  # fmt: skip
mistake(ROLLOUT, "rollout-heads-multiplied",
        "Heads stand side by side in a layer: average them. You send paths through one head after the other.",
        lambda w: product(residual(w.reshape(-1, *w.shape[-2:]))),
        lambda w: product(residual(np.swapaxes(w, 0, 1).reshape(-1, *w.shape[-2:]))))  # fmt: skip
mistake(ROLLOUT, "rollout-heads-averaged-last",
        "Each head is followed alone through all layers, and the mean comes last. Average the heads in each layer.",
        lambda w: product(residual(w), np.broadcast_to(np.eye(w.shape[-1]), w.shape[1:])).mean(axis=0))  # fmt: skip
mistake(ROLLOUT, "rollout-column-means", "One number a token came back. Asked for is the whole table, (tokens, tokens).",
        lambda w: rollout(w).mean(axis=0), lambda w: rollout(w)[0])  # fmt: skip


@holds(ROLLOUT, "rollout-rows-off",
        "Rows do not sum to 1: what stands at each place at the top is shared out among the input tokens.")  # fmt: skip
def rollout_rows_sum_to_one(got, weights):
    return not np.isfinite(got).all() or np.allclose(got.sum(axis=-1), 1, atol=1e-4)


# ----------------------------------------------------------------------------------------------------------------------
# Rank correlation
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "09.spearman",
    title="Do two answers agree? Rank correlation",
    points=2,
    hints=[
        "Replace each value by its rank, then take the ordinary correlation of the ranks (`np.corrcoef`).",
        "The rank of a value: how many are smaller. Equal values share: add half of how many *others* are equal.",
        "`(a[:, None] > a).sum(1) + ((a[:, None] == a).sum(1) - 1) / 2` are the ranks; then `np.corrcoef(ranks_a, ranks_b)[0, 1]`.",
    ],
    returns="rank correlation",
)
def spearman(a, b):
    return correlation(ranks(a, at="in a"), ranks(b, at="in b"))


@cases("09.spearman")
def spearman_cases():
    yield Case(
        "four values without ties",
        generator(1).permutation([0.2, 1.5, -0.7, 3]),
        generator(2).permutation([4.0, 0, -8, 0.1]),
    )
    yield Case("eight values, some of them far out", draw(3, 8), np.exp(3 * draw(4, 8)))
    yield Case("opposite orders", (a := draw(5, 6)), -np.exp(a))
    yield Case("two and three equal values in a", 0.5 + generator(6).permutation([3.0, 1, 1, 0, 3, 2, 3]), draw(7, 7))
    yield Case("three equal values in b", draw(8, 6), generator(9).permutation([0.2, 0.2, 0.2, 5, 0.1, 40]))
    yield Case(
        "equal values in both",
        generator(10).permutation([3.0, 1, 1, 0, 3, 2, 3]),
        generator(11).permutation([0.2, 0.1, 0.5, 0.5, 0.9, 0.1, 40]),
    )
    yield Case("whole numbers", generator(12).permutation([7, 5, 9, 7, 2]), generator(13).permutation([1, 1, 4, 3, 3]))
    yield Case("two values", np.array([0.3, -1.0]), np.array([-2.0, 5.0]), edge=True)
    yield Case("values that differ by a billionth", 1 + 1e-9 * generator(14).permutation(5), draw(15, 5), edge=True)


SPEARMAN = "09.spearman"


def of_both(change, correlate=correlation.function):
    """The correlation of both, changed alike."""
    return lambda a, b: correlate(change(a), change(b))


def kendall(a, b):
    """Another correlation of orders: of all pairs, those in the same order less those in the opposite one."""
    return (np.sign(a[:, None] - a) * np.sign(b[:, None] - b)).sum() / (len(a) * (len(a) - 1))


def squared_differences(rank):
    """The short formula, which knows no ties."""
    return lambda a, b: 1 - 6 * ((rank(a) - rank(b)) ** 2).sum() / (len(a) * (len(a) ** 2 - 1))


by_order = lambda v: v.argsort(kind="stable").argsort(kind="stable")  # noqa: E731
ranked = ranks.function

mistake(SPEARMAN, "pearson", "This is the correlation of the values. Rank first: only the order counts.", of_both(np.array))  # fmt: skip
for diagnosis, functions in (
    ("ranks-by-order", [by_order, lambda v: v.argsort().argsort(), lambda v: len(v) - 1 - by_order(-v)]),
    ("ranks-first", [smaller, lambda v: smaller(v) + equal_others(v)]),
    ("ranks-dense", [lambda v: np.unique(v, return_inverse=True)[1]]),
    ("ranks-halves-cut", [lambda v: smaller(v) + equal_others(v) // 2, lambda v: np.round(ranked(v)),
                          lambda v: smaller(v) + (equal_others(v) + 1) // 2]),
    ("argsort-once", [lambda v: v.argsort(kind="stable"), np.argsort, lambda v: (-v).argsort(kind="stable")]),
    ("sorted-for-ranked", [np.sort]),
):  # fmt: skip
    mistake(SPEARMAN, diagnosis, None, *map(of_both, functions))
mistake(SPEARMAN, "short-formula",
        "The short formula with squared differences of ranks holds without ties only. What is wanted is the correlation of the ranks.",
        squared_differences(ranked), squared_differences(by_order), squared_differences(smaller),
        squared_differences(lambda v: v.argsort().argsort()))  # fmt: skip
mistake(SPEARMAN, "short-formula-factor",
        "Squared differences of ranks enter with another factor than the short formula's. What is wanted is the correlation.",
        *(lambda a, b, by=by: 1 - by * ((ranked(a) - ranked(b)) ** 2).sum() / (len(a) * (len(a) ** 2 - 1))
            for by in (1, 2, 3, 12)))  # fmt: skip
mistake(SPEARMAN, "kendall", "You compare the order of all pairs: that is another measure, Kendall's. Spearman's correlates the ranks.",
        kendall, lambda a, b: kendall(a, b) * (len(a) - 1) / len(a),
        lambda a, b: (np.sign(a[:, None] - a) == np.sign(b[:, None] - b)).mean())  # fmt: skip
mistake(SPEARMAN, "ranks-of-both-together", "The values of a and b are ranked together. Each array has ranks of its own.",
        lambda a, b: correlation(*np.split(ranked(np.concatenate([a, b])), 2)))  # fmt: skip
mistake(SPEARMAN, "mean-product-of-ranks",
        "The ranks are multiplied and added up or averaged. A correlation also takes off the means and divides by both spreads.",
        lambda a, b: ranked(a) @ ranked(b), lambda a, b: (ranked(a) * ranked(b)).mean())  # fmt: skip
mistake(SPEARMAN, "difference-of-ranks",
        "These are differences of ranks, or you count where ranks are the same. Asked for is their correlation, one number from -1 to 1.",
        *(lambda a, b, rank=rank: (rank(a) == rank(b)).mean() for rank in (ranked, by_order)), lambda a, b: ranked(a) - ranked(b),
        lambda a, b: ((ranked(a) - ranked(b)) ** 2).sum())  # fmt: skip
mistake(SPEARMAN, "ranks-returned", "These are ranks. Asked for is their correlation, one number.", lambda a, b: (ranked(a), ranked(b)),
        lambda a, b: np.array([ranked(a), ranked(b)]))  # fmt: skip


@demands(SPEARMAN)
def with_numpy_alone(candidate):
    modules, outer = set(), sys.getprofile()
    sys.setprofile(lambda frame, *_: modules.add(frame.f_globals.get("__name__", "").partition(".")[0]))
    try:
        ask(candidate, next(spearman_cases()).inputs)
    finally:
        sys.setprofile(outer)
    require(not modules & {"scipy", "pandas", "sklearn"}, "ranked-by-another-library",
            "The numbers are right, but another library works them out. Here NumPy alone is to do it.")  # fmt: skip


@holds(SPEARMAN, "correlation-beyond-1", "A correlation lies between -1 and 1; yours does not.")
def lies_between(got, a, b):
    return not np.isfinite(got).all() or bool(np.all(abs(got) < 1.001))


# ----------------------------------------------------------------------------------------------------------------------
# Leave one out
# ----------------------------------------------------------------------------------------------------------------------


@step
def replaced(x, token, empty):
    """A copy of the tokens, with `empty` in the place of one."""
    return np.where(np.arange(len(x))[:, None] == token, empty, x)


@step
def fall(full, rest):
    """What the score falls by."""
    return full - rest


@reference(
    "09.leave_one_out",
    title="Leave one out",
    points=2,
    hints=[
        "Keep the full score. Then put `empty` in place of one token, in a fresh copy, and ask again.",
        "The number of a token is what the score falls by: full − without. One number for each token, signs and all.",
        "`without = x.copy(); without[token] = empty; falls.append(full - score(without))`, then `np.array(falls)`.",
    ],
    returns="array of falls",
)
def leave_one_out(score, x, empty):
    return np.array([fall(score(x), score(replaced(x, token, empty))) for token in range(len(x))])


def tokens_alone(x):
    """Raise where a score is asked for something else than (tokens, d)."""
    if np.ndim(x) != 2:
        raise ValueError(f"this score takes x of two axes, (tokens, d); it was given the shape {np.shape(x)}")
    return x


def added_up(x):
    """the sum of all numbers"""
    return float(tokens_alone(x).sum())


def curved(x):
    """a score that mixes the tokens, depends on their places, and is not linear"""
    tokens_alone(x)
    gathered = np.tanh((np.arange(1, len(x) + 1)[:, None] * x).sum(axis=0) / 4)
    return float(gathered.sum() ** 2 + 0.5 * np.sin(x).sum() + 0.1 * (x[0] * x[-1]).sum())


@cases("09.leave_one_out")
def leave_one_out_cases():
    yield Case("a sum, and two tokens", added_up, draw(1, 2, 3).round(1), draw(2, 3).round(1))
    yield Case("a score that is not linear", curved, draw(3, 4, 3), draw(4, 3))
    yield Case("more tokens than features", curved, draw(5, 6, 2), draw(6, 2))
    yield Case("as many tokens as features", curved, draw(7, 3, 3), draw(8, 3))
    yield Case("a single token", curved, draw(9, 1, 5), draw(10, 5))
    x = draw(11, 4, 2)
    yield Case("a token that is `empty` already", curved, x, x[2], edge=True)
    yield Case("two equal tokens", curved, x[[0, 1, 0]], draw(12, 2), edge=True)


LOO = "09.leave_one_out"
scores = lambda change: lambda f, x, e: np.array([f(change(x, token, e)) for token in range(len(x))])  # noqa: E731
without = scores(replaced.function)


def kept_alone(x, token, empty):
    """All other tokens emptied."""
    return np.where(np.arange(len(x))[:, None] == token, x, empty)


def emptied_up_to(x, token, empty):
    """All tokens up to this one emptied."""
    return np.where(np.arange(len(x))[:, None] <= token, empty, x)


def number_by_number(score, x, empty):
    """What the score falls by for each number emptied alone: (tokens, d)."""
    emptied = (np.where(one.reshape(x.shape), empty, x) for one in np.eye(x.size, dtype=bool))
    return np.reshape([score(x) - score(without) for without in emptied], x.shape)


replaced.slip("loo-accumulates", "Earlier tokens are still missing when you take out the next. Start each time from a fresh copy.",
        emptied_up_to)  # fmt: skip
replaced.slip("loo-deleted", "You delete the row, and all later tokens move up one place. `empty` goes into its place.",
        lambda x, t, e: np.delete(x, t, axis=0), lambda x, t, e: np.vstack([np.delete(x, t, axis=0), e]))  # fmt: skip
replaced.slip("loo-all-behind", "All tokens behind it are emptied too. Leave one out, keep the others.",
        lambda x, t, e: np.where(np.arange(len(x))[:, None] >= t, e, x))  # fmt: skip
replaced.slip("loo-inserted", "`empty` comes in as one token more, and the token itself stays. It goes into its place.",
        lambda x, t, e: np.insert(x, t, e, axis=0), lambda x, t, e: np.insert(x, t + 1, e, axis=0))  # fmt: skip
replaced.slip("loo-zero", "You put zeros into its place. The stand-in is `empty`.", lambda x, t, e: replaced(x, t, 0 * e))  # fmt: skip
replaced.slip("loo-only-one", "You keep one token and empty all others. Leave one out, keep the others.", kept_alone)
replaced.slip("loo-column", "You empty a feature of all tokens. A token is a row.",
        lambda x, t, e: np.where(np.arange(x.shape[1]) == t, e, x),
        lambda x, t, e: np.where(np.arange(x.shape[1]) == t, e[t % len(e)], x))  # fmt: skip
replaced.slip("loo-equal-tokens", "Tokens that equal the one left out are emptied with it. Choose by place, not by value.",
        lambda x, t, e: np.where(x == x[t], e, x), lambda x, t, e: np.where((x == x[t]).all(axis=-1, keepdims=True), e, x))  # fmt: skip
replaced.slip("loo-one-feature", "You empty one feature of the token only. The whole row is replaced.",
        lambda x, t, e: np.where(np.arange(x.shape[1]) == 0, replaced(x, t, e), x))  # fmt: skip
replaced.slip("loo-next-token", "The place is off by one: another token is left out than the number says.",
        lambda x, t, e: replaced(x, (t + 1) % len(x), e), lambda x, t, e: replaced(x, t - 1 if t else len(x) - 1, e))  # fmt: skip
replaced.slip("loo-all-empty", "You empty all tokens at once. Leave one out, keep the others.",
        lambda x, t, e: np.broadcast_to(e, x.shape))  # fmt: skip
replaced.slip("loo-added", "`empty` is added to the token, or taken off. It goes into its place.", lambda x, t, e: replaced(x, t, x + e),
        lambda x, t, e: replaced(x, t, x - e))  # fmt: skip
replaced.slip("loo-another-stand-in", "You put a mean of the tokens, or of their numbers, into its place. The stand-in is `empty`.",
        lambda x, t, e: replaced(x, t, x.mean(axis=0)), lambda x, t, e: replaced(x, t, x.mean()),
        lambda x, t, e: replaced(x, t, e.mean()))  # fmt: skip
replaced.slip("loo-swapped", "A neighbour's row stands in its place. The stand-in is `empty`.", lambda x, t, e: replaced(x, t, x[t - 1]),
        lambda x, t, e: replaced(x, t, x[(t + 1) % len(x)]))  # fmt: skip
replaced.slip("loo-nothing-replaced", "Nothing is left out: the score is asked for the same tokens again.", lambda x, t, e: x)  # fmt: skip
fall.slip("loo-sign", "The sign is turned: a token that helps has a positive number, what the score *falls* by.",
        lambda full, rest: rest - full)  # fmt: skip
fall.slip("loo-scores", "These are the scores without each token. Asked for is how much the score falls.",
        lambda full, rest: rest)  # fmt: skip
fall.slip("loo-absolute", "Sizes without signs: a token may also push the score down.", lambda full, rest: abs(full - rest),
        lambda full, rest: max(full - rest, 0.0))  # fmt: skip
fall.slip("loo-squared", "The falls are squared: that loses the sign.", lambda full, rest: (full - rest) ** 2)
fall.slip("loo-relative", "You divide by the score. Asked for is what the score falls by.", lambda full, rest: (full - rest) / full,
        lambda full, rest: (full - rest) / abs(full), lambda full, rest: rest / full, lambda full, rest: full / rest)  # fmt: skip
mistake(LOO, "loo-accumulates", None, lambda f, x, e: -np.diff([f(x), *scores(emptied_up_to)(f, x, e)]))
mistake(LOO, "loo-only-one", None, scores(kept_alone), lambda f, x, e: scores(kept_alone)(f, x, e) - f(np.broadcast_to(e, x.shape).copy()),
        lambda f, x, e: scores(kept_alone)(f, x, e) - f(x))  # fmt: skip
mistake(LOO, "loo-shares", "You divide afterwards, so that the falls have a certain sum or size. They need not have any: don't divide.",
        lambda *i: (falls := leave_one_out(*i)) - falls.mean(), lambda *i: (falls := leave_one_out(*i)) / np.linalg.norm(falls),
        lambda *i: (falls := leave_one_out(*i)) / falls.sum(), lambda *i: abs(falls := leave_one_out(*i)) / abs(falls).sum(),
        lambda *i: softmax(leave_one_out(*i)), lambda *i: (falls := leave_one_out(*i)) / abs(falls).max())  # fmt: skip
mistake(LOO, "loo-all-empty", None, lambda f, x, e: f(x) - f(np.broadcast_to(e, x.shape).copy()))
mistake(LOO, "loo-against-nothing", "You compare with the score of nothing at all. Asked for is the fall from the full score.",
        lambda f, x, e: without(f, x, e) - f(np.broadcast_to(e, x.shape).copy()),
        lambda f, x, e: f(np.broadcast_to(e, x.shape).copy()) - without(f, x, e))  # fmt: skip
mistake(LOO, "loo-last-only", "You have one number, not one for each token: an early return, or the list is overwritten.",
        lambda *i: leave_one_out(*i)[-1], lambda *i: leave_one_out(*i)[0], lambda *i: leave_one_out(*i)[-1:],
        lambda *i: leave_one_out(*i)[:1], lambda *i: leave_one_out(*i).sum())  # fmt: skip
mistake(LOO, "loo-token-forgotten", "The first token is missing, the last, or both: their fall is 0, or not there.",
        *(lambda *i, place=place: np.where(np.arange(len(i[1])) == place % len(i[1]), 0, leave_one_out(*i)) for place in (0, -1)),
        *(lambda *i, kept=kept: leave_one_out(*i)[kept] for kept in (slice(1, None), slice(-1), slice(1, -1))),
        lambda *i: np.pad(leave_one_out(*i)[1:-1], 1))  # fmt: skip
mistake(LOO, "loo-column", None,
        lambda f, x, e: np.array([f(x) - f(np.where(np.arange(len(e)) == i, e, x)) for i in range(len(e))]))  # fmt: skip
mistake(LOO, "loo-each-number", "You empty one number at a time. Asked for is one fall a token, with its whole row replaced.",
        number_by_number, lambda f, x, e: number_by_number(f, x, e).ravel(), lambda f, x, e: number_by_number(f, x, e).sum(axis=1),
        lambda f, x, e: number_by_number(f, x, e).mean(axis=1))  # fmt: skip
mistake(LOO, "loo-reversed", "The falls come in the opposite order: the first is the last token's.",
        lambda *i: leave_one_out(*i)[::-1])  # fmt: skip
mistake(LOO, "loo-token-by-itself",
        "Each token is scored by itself. The others have to be there, too: the score is of all the tokens together.",
        lambda f, x, e: np.array([f(x) - f(row[None]) for row in x]), lambda f, x, e: np.array([f(row[None]) for row in x]),
        lambda f, x, e: np.array([f(row[None]) - f(e[None]) for row in x]))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Integrated gradients
# ----------------------------------------------------------------------------------------------------------------------


@step
def way_from(empty, x):
    """The way from nothing to x."""
    return x - empty


@step
def stops(steps):
    """At which shares of the way gradients are asked for: the middle of each step."""
    return (np.arange(steps) + 0.5) / steps


@step
def at_stop(empty, way, share):
    """A point on the way."""
    return empty + share * way


@step
def times_way(gradient, way):
    """What each feature adds."""
    return way * gradient


@step
def over_features(parts):
    """Added up over the features: one number a token."""
    return parts.sum(axis=-1)


@reference(
    "09.integrated_gradients",
    title="Integrated gradients, and its test",
    points=3,
    hints=[
        "Points on the way: `empty + share * (x - empty)` for shares between 0 and 1. Ask for the gradient at each of them.",
        "Average the gradients over the points, multiply by the way x − empty, feature by feature, and add up over the features.",
        "`shares = (np.arange(steps) + 0.5) / steps`; `mean = np.mean([gradient(empty + s * (x - empty)) for s in shares], axis=0)`; "
        "`((x - empty) * mean).sum(axis=-1)`.",
    ],
    returns="array of shares",
)
def integrated_gradients(gradient, x, empty, steps):
    way = way_from(empty, x)
    gradients = np.array([gradient(at_stop(empty, way, share)) for share in stops(steps)])
    return over_features(times_way(mean(gradients, axis=0, at="along the way"), way))


def one_map_of_tokens(x, shape):
    """Raise where a gradient is asked for something else than (tokens, d)."""
    if np.shape(x) != shape:
        raise ValueError(f"this gradient takes x of shape {shape}; it was given {np.shape(x)}")
    return x


def level(slopes):
    """The gradient of a linear score."""

    def gradient(x):
        one_map_of_tokens(x, slopes.shape)
        return slopes.copy()

    gradient.__doc__ = f"{slopes.round(3).tolist()}, whatever x is"
    return gradient


def bent(*shape):
    """The gradient of a score that bends and mixes the tokens."""

    def gradient(x):
        """a gradient that changes along the way and mixes the tokens"""
        return np.cos(one_map_of_tokens(x, shape)) + np.tanh(x.sum(axis=0) / 2) + 0.5

    return gradient


def peaked(peak, way):
    """A gradient that is 0 nearly everywhere and adds up to 1 along the way."""

    def gradient(x):
        """a gradient that is large only for a short part of the way"""
        off = (one_map_of_tokens(x, peak.shape) - peak) / way  # in shares of the way
        return np.exp(-((off / 0.004) ** 2) / 2) / (0.004 * np.sqrt(2 * np.pi))

    return gradient


def walled(empty, way):
    """A gradient that is even on the way and steep outside of it."""

    def gradient(x):
        """a gradient that is steep in front of `empty` and behind x"""
        share = (one_map_of_tokens(x, way.shape) - empty) / way
        return np.where((share < -1e-4) | (share > 1 + 1e-4), 1000.0, 2.0)

    return gradient


@cases("09.integrated_gradients")
def integrated_gradients_cases():
    # A linear score is exact whatever rule sums it, so a count that is off by one shows. Other rules differ where it bends.
    slopes, x, empty = draw(1, 2, 3).round(1), draw(2, 2, 3).round(1), draw(3, 3).round(1)
    yield Case("a gradient that is the same everywhere", level(slopes), x, empty, 4)
    yield Case("other numbers of tokens, features and steps", level(draw(4, 5, 2)), draw(5, 5, 2), draw(6, 2), 7)
    for seed, about, tokens, steps in (
        (7, "a gradient that changes along the way", 4, 150),
        (9, "as many tokens as features", 3, 180),
    ):
        x, empty = generator(seed).uniform(-1.5, 1.5, (tokens, 3)), generator(seed + 1).uniform(-1.5, 1.5, 3)
        yield Case(about, bent(tokens, 3), x, empty, steps, within=0.05)
    x, empty = draw(11, 3, 2), draw(12, 2)
    x[1] = empty
    yield Case("a token that is `empty` already", level(draw(13, 3, 2)), x, empty, 5, edge=True)
    x = empty + np.sign(draw(14, 3, 2)) * (1 + draw(15, 3, 2) ** 2)
    yield Case(
        "a gradient that is steep outside of the way", walled(empty, x - empty), x, empty, 10, edge=True, within=0.5
    )
    gradient = peaked(empty + generator(16).uniform(0.3, 0.7, x.shape) * (x - empty), x - empty)
    yield Case(
        "a gradient that is large only for a short part of the way", gradient, x, empty, 200, edge=True, within=0.01
    )


IG = "09.integrated_gradients"
way_from.slip("ig-times-x", "You multiply by x. The way starts at `empty`: it is what x and `empty` differ by.",
        lambda empty, x: x)  # fmt: skip


def attributed(start, times, between=None, rule=stops.function):
    """Integrated gradients along another way, times something else."""

    def wrong(gradient, x, empty, steps):
        begin = start(x, empty)
        along = (x if between is None else between(x, empty)) - begin
        slopes = np.mean([gradient(begin + share * along) for share in rule(steps)], axis=0)
        return (times(x, empty) * slopes).sum(axis=-1)

    return wrong


def at_one_point(point):
    """The gradient at one point times the way."""
    return lambda g, x, e, n: ((x - e) * g(point(x, np.broadcast_to(e, x.shape)))).sum(axis=-1)


nothing, all_of_x, the_way = lambda x, empty: 0 * empty, lambda x, empty: x, lambda x, empty: x - empty
midway = lambda x, empty: (x + empty) / 2  # noqa: E731
rules = {
    "middle": stops.function, "left": lambda steps: np.arange(steps) / steps, "right": lambda steps: np.arange(1, steps + 1) / steps,
    "both ends": lambda steps: np.linspace(0, 1, steps),
}  # fmt: skip

way_from.slip("ig-sign", "The sign is turned: the way goes from `empty` to x.", lambda empty, x: empty - x)
way_from.slip("ig-length", "You take sizes or lengths. Multiply feature by feature and add up: a share may be negative.",
        lambda empty, x: abs(x - empty))  # fmt: skip
stops.slip("ig-half-the-way", "Your points reach only a part of the way. It ends at x.",
        *(lambda steps, rule=rule: rule(steps) / 2 for rule in rules.values()))  # fmt: skip
stops.slip("ig-beyond-x", "Your points go on behind x. The way ends there: shares lie between 0 and 1.",
        lambda steps: np.arange(steps) + 0.0, lambda steps: np.arange(1, steps + 1) + 0.0,
        *(lambda steps, rule=rule: 1 + rule(steps) for rule in rules.values()),
        *(lambda steps, rule=rule: 2 * rule(steps) for rule in rules.values()))  # fmt: skip
stops.slip("ig-outside-the-way", "One of your points lies outside of the way, in front of `empty` or behind x. Shares lie between 0 and 1.",
        lambda steps: stops(steps) - 1 / steps, lambda steps: stops(steps) + 1 / steps,
        lambda steps: np.arange(1, steps + 1) / max(steps - 1, 1), lambda steps: np.arange(2, steps + 2) / steps,
        lambda steps: np.arange(-1, steps - 1) / steps)  # fmt: skip
UNEVEN = "Your points, or the gradients at them, do not count alike: one part of the way has more to say than another."
stops.slip("ig-uneven", UNEVEN, lambda steps: stops(steps) ** 2, lambda steps: stops(steps) ** 0.5)
stops.slip("ig-steps-ignored", "The number of points on your way does not follow `steps`: where it matters, they are too few.",
        *(lambda steps, rule=rule, n=n: rule(n) for rule in rules.values() for n in (10, 16, 20, 32, 50, 64, 100)),
        *(lambda steps, rule=rule: rule(int(steps**0.5)) for rule in rules.values()))  # fmt: skip
at_stop.slip("ig-from-zero", "Your way starts at 0. It should start at `empty`.", lambda empty, way, share: share * way,
        lambda empty, way, share: share * (empty + way))  # fmt: skip
times_way.slip("ig-without-way", "You average the gradients, but the way, what x and `empty` differ by, is not multiplied.",
        lambda gradient, way: gradient)  # fmt: skip
times_way.slip("ig-way-divides", "You divide by the way. Multiply, feature by feature.", lambda gradient, way: gradient / way)  # fmt: skip
times_way.slip("ig-way-added", "The way is added to the gradient. Multiply the two, feature by feature.",
        lambda gradient, way: gradient + way)  # fmt: skip
times_way.slip("ig-length", None, lambda gradient, way: abs(gradient * way), lambda gradient, way: abs(gradient) * way,
        lambda gradient, way: gradient * abs(way))  # fmt: skip
times_way.slip("ig-way-squared", "The way is multiplied twice.", lambda gradient, way: gradient * way**2)
over_features.slip("ig-not-summed", "One number for each feature came back. Add up over the features: one for each token.",
        lambda parts: parts)  # fmt: skip
over_features.slip("ig-mean-of-features", "You average over the features. Add them up: then the shares can add up to the whole.",
        lambda parts: parts.mean(axis=-1))  # fmt: skip
over_features.slip("ig-over-tokens", "You add up over the tokens: one number for each feature. Asked for is one for each token.",
        lambda parts: parts.sum(axis=0))  # fmt: skip
over_features.slip("ig-one-number", "One number came back, the whole. Asked for is each token's share in it.",
        lambda parts: parts.sum())  # fmt: skip
over_features.slip("ig-length", None, lambda parts: np.linalg.norm(parts, axis=-1), lambda parts: abs(parts.sum(axis=-1)))  # fmt: skip
over_features.slip("ig-largest-feature", "Of each token one feature alone counts with you. Add up over all of them.",
        lambda parts: parts.max(axis=-1), lambda parts: parts[..., 0], lambda parts: parts[..., -1])  # fmt: skip
mistake(IG, "ig-at-the-end",
        "This is the gradient at one point, the end of the way. Average gradients all along the way from `empty` to x.",
        at_one_point(lambda x, empty: x), lambda g, x, e, n: (x * g(x)).sum(axis=-1), lambda g, x, e, n: np.linalg.norm(g(x), axis=-1),
        lambda g, x, e, n: g(x).sum(axis=-1), lambda g, x, e, n: (x - e) * g(x))  # fmt: skip
mistake(IG, "ig-at-the-start", "This is the gradient at one point, the beginning of the way. Average gradients all along the way.",
        at_one_point(lambda x, empty: empty), lambda g, x, e, n: (x * g(np.broadcast_to(e, x.shape))).sum(axis=-1))  # fmt: skip
mistake(IG, "ig-two-points",
        "You ask for the gradient at one or two points, whatever `steps` is: at the ends of the way, or in its middle.",
        at_one_point(midway), lambda *i: (at_one_point(lambda x, _: x)(*i) + at_one_point(lambda _, empty: empty)(*i)) / 2)  # fmt: skip
mistake(IG, "ig-times-x", None, attributed(lambda x, empty: empty, all_of_x))
mistake(IG, "ig-from-zero", None,
        *(attributed(nothing, *more, rule=rule) for more in ([all_of_x], [the_way], [the_way, the_way])
            for rule in rules.values()))  # fmt: skip
mistake(IG, "ig-sign", None, attributed(lambda x, empty: empty, lambda x, empty: empty - x))
mistake(IG, "ig-length", None, lambda *i: np.linalg.norm(i[1] - i[2], axis=-1) * np.linalg.norm(mean_gradient(*i), axis=-1),
        lambda *i: np.linalg.norm(mean_gradient(*i), axis=-1))  # fmt: skip
mistake(IG, "ig-length", None, lambda g, x, e, n: integrated_gradients(lambda point: abs(g(point)), x, e, n))
mistake(IG, "ig-times-point",
        "Each gradient is multiplied by its own point. All of them are multiplied by the way, what x and `empty` differ by.",
        lambda g, x, e, n: np.mean([g(point) * point for point in (e + share * (x - e) for share in stops.function(n))],
            axis=0).sum(axis=-1))  # fmt: skip
mistake(IG, "summed-for-mean", None, lambda *i: integrated_gradients(*i) * (i[3] - 1),
        lambda *i: integrated_gradients(*i) * (i[3] + 1))  # fmt: skip
mistake(IG, "mean-off-by-one", None, lambda *i: integrated_gradients(*i) * (i[3] + 1) / i[3],
        lambda *i: integrated_gradients(*i) * (i[3] - 1) / i[3])  # fmt: skip
mistake(IG, "ig-divided-twice",
        "Your shares are too small by as much as there are steps: divided once too often, or one gradient alone added up.",
        *(lambda *i, one=one: one(*i) / i[3]
            for one in (integrated_gradients, at_one_point(lambda x, _: x), at_one_point(lambda _, empty: empty))))  # fmt: skip
mistake(IG, "ig-shared-evenly", "All tokens get the same: the whole is divided evenly. Each has a share of its own.",
        lambda *i: np.full(len(i[1]), integrated_gradients(*i).mean()))  # fmt: skip
mistake(IG, "ig-normalised",
        "You divide so that the shares add up to 1, in sizes or with signs. They add up to score(x) − score(nothing): don't divide.",
        lambda *i: (found := integrated_gradients(*i)) / found.sum(), lambda *i: (found := integrated_gradients(*i)) / abs(found).sum(),
        lambda *i: abs(found := integrated_gradients(*i)) / abs(found).sum())  # fmt: skip
mistake(IG, "ig-uneven", None,
        lambda g, x, e, n: ((x - e) * np.mean([s * g(e + s * (x - e)) for s in stops.function(n)], axis=0)).sum(axis=-1),
        lambda g, x, e, n: (np.mean([s * (x - e) * g(e + s * (x - e)) for s in stops.function(n)], axis=0)).sum(axis=-1) * 2)  # fmt: skip


def one_token_walks(gradient, x, empty, steps, *, others_at_x):
    """A way for each token, on which the others stand still."""
    moves = np.eye(len(x), dtype=bool)[..., None]
    ways = [(np.where(move, empty, x), x) if others_at_x else (empty, np.where(move, x, empty)) for move in moves]
    return np.array([integrated_gradients(gradient, end, begin, steps).sum() for begin, end in ways])


mistake(IG, "ig-one-token-walks", "Each token has a way of its own, while the others stand still. All of them walk at the same time.",
        *(functools.partial(one_token_walks, others_at_x=stay) for stay in (True, False)))  # fmt: skip


def mean_gradient(gradient, x, empty, steps):
    """The gradients, averaged along the way."""
    return np.mean([gradient(empty + share * (x - empty)) for share in stops.function(steps)], axis=0)


@holds(IG, "ig-incomplete",
        "The shares do not add up to score(x) − score(nothing). They must agree: that is their test (completeness).")  # fmt: skip
def adds_up(got, *inputs):
    whole = integrated_gradients(*inputs)
    return not np.isfinite(got).all() or bool(abs(got.sum() - whole.sum()) <= 0.05 * abs(whole).sum())


for id, right in ((EVEN, even_weights), (LOO, leave_one_out), (IG, integrated_gradients)):
    mistake(id, "cut-to-whole-numbers", "Your numbers are cut or rounded to whole ones: the parts behind the point are lost.",
            lambda *i, right=right: np.trunc(right(*i)), lambda *i, right=right: np.trunc(right(*i)).astype(int),
            lambda *i, right=right: np.round(right(*i)))  # fmt: skip

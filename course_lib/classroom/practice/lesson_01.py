"""Lesson 01, from recurrence to attention: what is right, and each mistake with its sentence, in the order of its exercises."""

import numpy as np

from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import reference
from course_lib.classroom.practice.slips.attention import (
    ORDINARY_SCORES,
    WITH_EPSILON,
    WITHOUT_EMPTY_ROWS,
    below_row,
    dot_products,
    hidden,
    mixed,
    shares,
    softmax,
)
from course_lib.classroom.practice.slips.numbers import largest_place
from course_lib.classroom.practice.steps import everywhere, step

# Sizes that are all different, so that no exchange of axes goes unseen; independent states and memory.
TARGETS, SOURCES, D_STATE, D_MEMORY, D_HIDDEN = 4, 6, 9, 5, 7

# ----------------------------------------------------------------------------------------------------------------------
# Scores by a product
# ----------------------------------------------------------------------------------------------------------------------


@step
def through(states, W):
    """States mapped to the memory's numbers: (..., targets, d_state) -> (..., targets, d_memory)."""
    return states @ W


through.slip("W-ignored", "Your scores do not depend on W: they are plain dot products. Between state and annotation stands W.",
             lambda states, W: states)  # fmt: skip
through.slip("W-transposed", "W is the wrong way round: its rows belong to the states, its columns to the memory.",
             lambda states, W: states @ W.T)  # fmt: skip
through.slip("tanh-added", "There is a tanh in your score. The general score has none: it is a plain product.",
             lambda states, W: np.tanh(states @ W))  # fmt: skip
through.slip("relu-added", "Negative numbers are cut to 0 on the way through W. The general score is a plain product.",
             lambda states, W: np.maximum(states @ W, 0))  # fmt: skip


@reference(
    "01.dot_scores",
    title="Luong's first score: dot",
    points=1,
    hints=[
        "One number for each pair of a state and an annotation: multiply matching numbers, add up.",
        "All pairs at once is a matrix product, in which the memory has to stand as columns.",
        "`states @ np.swapaxes(memory, -1, -2)` works for one sentence and for a batch of them.",
    ],
    returns="scores",
)
def dot_scores(states, memory):
    return dot_products(states, memory)


@reference(
    "01.general_scores",
    title="Luong's second score: general",
    points=1,
    hints=[
        "W maps from the memory's numbers to the state's. After it, both have the same length, and a dot product is possible.",
        "Shapes: (targets, d_state) @ (d_state, d_memory) @ (d_memory, sources).",
        "`states @ W @ np.swapaxes(memory, -1, -2)`.",
    ],
    returns="scores",
)
def general_scores(states, memory, W):
    return dot_products(through(states, W), memory)


def vectors(seed, d_memory, *batch):
    """States and memory in other numbers and of other lengths."""
    return draw(seed, *batch, TARGETS, D_STATE), draw(seed + 1, *batch, SOURCES, d_memory)


@cases("01.dot_scores")
def dot_cases():
    yield Case("two states and three annotations", draw(1, 2, 2).round(1), draw(2, 3, 2).round(1))
    yield Case("as many states as annotations and numbers in each", draw(3, 4, 4), draw(4, 4, 4))
    yield Case("a longer sentence", *vectors(5, D_STATE))
    yield Case("a batch", *vectors(7, D_STATE, 2))
    yield Case("two leading axes", *vectors(9, D_STATE, 2, 3))


@cases("01.general_scores")
def general_cases():
    yield Case("two states and three annotations", draw(1, 2, 2).round(1), draw(2, 3, 2).round(1), draw(3, 2, 2).round(1))  # fmt: skip
    yield Case("as many states as annotations and numbers in each", draw(4, 4, 4), draw(5, 4, 4), draw(6, 4, 4))
    yield Case("states and annotations of one length", *vectors(7, D_STATE), draw(9, D_STATE, D_STATE))
    yield Case("states and annotations of different lengths", *vectors(10, D_MEMORY), draw(12, D_STATE, D_MEMORY))
    yield Case("a batch", *vectors(13, D_MEMORY, 2), draw(15, D_STATE, D_MEMORY))
    yield Case("two leading axes", *vectors(16, D_MEMORY, 2, 3), draw(18, D_STATE, D_MEMORY))


DOT, GENERAL = "01.dot_scores", "01.general_scores"
mistake(GENERAL, "W-transposed", None, lambda states, memory, W: dot_products(memory @ W, states))
mistake(GENERAL, "W-twice", "W stands on both sides. Once is enough: between the state and the annotation.",
        lambda states, memory, W: dot_products(states @ W, memory @ W),
        lambda states, memory, W: dot_products(states @ W, memory @ W.T))  # fmt: skip
mistake(GENERAL, "tanh-added", None, lambda states, memory, W: np.tanh(general_scores(states, memory, W)),
        lambda states, memory, W: dot_products(states, np.tanh(memory @ W.T)))  # fmt: skip
mistake(GENERAL, "scores-scaled", None, lambda *inputs: general_scores(*inputs) / np.sqrt(inputs[0].shape[-1]))
mistake(GENERAL, "scores-averaged", None, lambda *inputs: general_scores(*inputs) / inputs[0].shape[-1])
mistake(GENERAL, "scores-squashed", "Your scores are squashed by a sigmoid, to between 0 and 1. The general score is a plain product.",
        lambda states, memory, W: 1 / (1 + np.exp(-general_scores(states, memory, W))))  # fmt: skip
mistake(GENERAL, "W-added", "W is added. It stands between state and annotation as a factor.",
        lambda states, memory, W: dot_products(states + W, memory), lambda states, memory, W: dot_products(states, memory) + W)  # fmt: skip
mistake(GENERAL, "W-elementwise", "W is multiplied number by number. It maps: each number that comes out adds up all that went in.",
        lambda states, memory, W: dot_products(states * W, memory), lambda states, memory, W: dot_products(states, memory) * W,
        lambda states, memory, W: dot_products(states * np.diagonal(W), memory))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Scores by a small network
# ----------------------------------------------------------------------------------------------------------------------


@step
def mapped(rows, W):
    """Vectors as rows, through a matrix that stands to the left of a vector: (..., n, d) -> (..., n, d_out)."""
    return rows @ W.T


mapped.slip("matrix-side", "The matrix stands to the left of a vector{at}, W x; yours stands to its right. Vectors are rows here: what has "
            "to be turned round?", lambda rows, W: rows @ W)  # fmt: skip
mapped.slip("matrix-left-out", "The matrix is left out{at}.", lambda rows, W: rows)


@step
def every_pair(from_states, from_memory):
    """Every state's part plus every annotation's: (..., targets, sources, d_hidden)."""
    return from_states[..., :, None, :] + from_memory[..., None, :, :]


def paired(from_states, from_memory, targets, sources):
    """The sums of these pairs of rows, dealt out as if they were all pairs in order."""
    sums = from_states[..., targets, :] + from_memory[..., sources, :]
    return sums.reshape(*sums.shape[:-2], from_states.shape[-2], from_memory.shape[-2], sums.shape[-1])


every_pair.slip("multiplied", "You multiply the two parts. They are added.",
                lambda a, b: a[..., :, None, :] * b[..., None, :, :])  # fmt: skip
every_pair.slip("subtracted", "You take the difference of the two parts. They are added.",
                lambda a, b: a[..., :, None, :] - b[..., None, :, :], lambda a, b: b[..., None, :, :] - a[..., :, None, :])  # fmt: skip
every_pair.slip("state-ignored", "All rows are alike: your scores do not depend on the states.",
                lambda a, b: every_pair(0 * a, b))  # fmt: skip
every_pair.slip("keys-ignored", "All words get one and the same score: your scores do not depend on the memory.",
                lambda a, b: every_pair(a, 0 * b))  # fmt: skip
every_pair.slip("tanh-each", "You take the tanh of a part by itself. Add first: one tanh of the sum.",
                lambda a, b: every_pair(np.tanh(a), np.tanh(b)))  # fmt: skip
every_pair.slip("rows-paired", None, lambda a, b: a + b)
every_pair.slip("fails-on-batch", None, lambda a, b: a[:, None] + b[None])
every_pair.slip("leading-axes", None, lambda a, b: a[:, :, None, :] + b[:, None, :, :],
                lambda a, b: np.expand_dims(a, 2) + np.expand_dims(b, 1))  # fmt: skip
every_pair.slip("pairs-misaligned", "What you write side by side are not all the pairs: some come twice and others never. One of the "
        "two has each of its rows repeated, the other is repeated as a whole.",
        *(lambda a, b, rows=rows: paired(a, b, *rows(a.shape[-2], b.shape[-2])) for rows in (
          lambda t, s: (np.repeat(np.arange(t), s), np.repeat(np.arange(s), t)),
          lambda t, s: (np.tile(np.arange(t), s), np.tile(np.arange(s), t)),
          lambda t, s: (np.tile(np.arange(t), s), np.repeat(np.arange(s), t)))))  # fmt: skip
every_pair.slip("scores-transposed", None, lambda a, b: a[..., None, :, :] + b[..., :, None, :])


@step
def squashed(sums):
    """tanh of each number."""
    return np.tanh(sums)


squashed.slip("no-tanh", "The tanh{at} is missing. Sums alone stay apart: what one part adds is the same whatever the other one is.",
              lambda sums: sums)  # fmt: skip
squashed.slip("relu", "Negative numbers are cut to 0 in your hidden layer. The papers take tanh, which keeps the sign.",
              lambda sums: np.maximum(sums, 0))  # fmt: skip
squashed.slip("sigmoid-for-tanh", "You squash with a sigmoid, to between 0 and 1. The papers take tanh, which keeps the sign.",
              lambda sums: 1 / (1 + np.exp(-sums)))  # fmt: skip
squashed.slip("other-function", "You bend with another function than tanh, the hyperbolic tangent, that the papers take.",
              np.tan, np.sin, np.arctan, np.sinh, np.sign, np.exp, lambda sums: np.log1p(np.exp(sums)),
              lambda sums: np.clip(sums, -1, 1), lambda sums: 2 / (1 + np.exp(-sums)) - 1)  # fmt: skip
squashed.slip("tanh-overflow", "Long vectors give NaN: your powers of e get too large for a float. A tanh itself is never above 1.",
              lambda sums: (np.exp(sums) - np.exp(-sums)) / (np.exp(sums) + np.exp(-sums)),
              lambda sums: (np.exp(2 * sums) - 1) / (np.exp(2 * sums) + 1))  # fmt: skip
squashed.slip("softmax-for-tanh", "The numbers of your hidden layer are shares that add up to 1. The papers take tanh of each by itself.",
              lambda sums: softmax(sums), lambda sums: softmax(np.tanh(sums)))  # fmt: skip


@step
def weighed(layer, v):
    """The numbers of the hidden layer, weighted and added up: (..., d_hidden) -> (...)."""
    return layer @ v


weighed.slip("v-left-out", "v has no part in your scores. The numbers of the hidden layer are weighted by it first.",
             lambda layer, v: layer.sum(axis=-1), lambda layer, v: layer.mean(axis=-1))  # fmt: skip
weighed.slip("not-summed", "Your scores keep the axis of the hidden layer. v turns these numbers into one: a dot product.",
             lambda layer, v: layer, lambda layer, v: layer * v)  # fmt: skip
weighed.slip("scores-averaged", None, lambda layer, v: layer @ v / len(v))
weighed.slip("scores-scaled", None, lambda layer, v: layer @ v / np.sqrt(len(v)))
weighed.slip("tanh-twice", "A tanh stands around the finished score as well. One is enough: of the hidden layer.",
             lambda layer, v: np.tanh(layer @ v))  # fmt: skip
weighed.slip("v-not-to-1", "v is brought to shares or to length 1 first. Take it as it comes.",
             lambda layer, v: layer @ (v / np.linalg.norm(v)), lambda layer, v: layer @ softmax(v))  # fmt: skip


@step
def halves(W, d_state):
    """The columns of W that meet the state, and those that meet the annotation behind it."""
    return W[:, :d_state], W[:, d_state:]


halves.slip("concat-order", "State and annotation are written in the wrong order: [state; annotation], the state first.",
            lambda W, d_state: (W[:, d_state:], W[:, :d_state]), lambda W, d_state: (W[:, -d_state:], W[:, :-d_state]))  # fmt: skip
halves.slip("cut-for-equal-lengths", "Right where states and annotations have as many numbers, not elsewhere. The states need as "
        "many columns of W as they have numbers, the memory has all the others.",
        lambda W, d_state: (W[:, : W.shape[1] // 2], W[:, W.shape[1] // 2 :]),
        lambda W, d_state: (W[:, :d_state], W[:, d_state : 2 * d_state]))  # fmt: skip
halves.slip("cut-by-parity", "You take every other column of W. The state stands in one piece in front, the annotation in one piece "
        "behind.", lambda W, d_state: (W[:, ::2], W[:, 1::2]))  # fmt: skip
halves.slip("cut-off-by-one", "W is cut one column too early or too late.",
        lambda W, d_state: (W[:, :d_state], W[:, d_state - 1 : -1]),
        lambda W, d_state: (W[:, 1 : d_state + 1], W[:, d_state:]))  # fmt: skip


@reference(
    "01.additive_scores",
    title="Bahdanau's score: additive",
    points=2,
    hints=[
        "Three steps: map the states, map the memory, and for every pair tanh of the sum, weighted by v.",
        "To add every state to every annotation, give them axes of length 1: (targets, 1, d_hidden) + (1, sources, d_hidden).",
        "`np.tanh((states @ W_q.T)[..., :, None, :] + (memory @ W_k.T)[..., None, :, :]) @ v`.",
    ],
    returns="scores",
)
def additive_scores(states, memory, W_q, W_k, v):
    sums = every_pair(mapped(states, W_q, at="for the states"), mapped(memory, W_k, at="for the memory"))
    return weighed(squashed(sums, at="of the sum"), v)


@reference(
    "01.concat_scores",
    title="Luong's third score: concat",
    points=2,
    hints=[
        "Write state and annotation one after the other, [state; annotation]. What does W do with the first d_state of them?",
        "W [q; k] = W_q q + W_k k, where W_q is the first d_state columns of W and W_k the others.",
        "With `d = states.shape[-1]`: `return additive_scores(states, memory, W[:, :d], W[:, d:], v)`.",
    ],
    returns="scores",
)
def concat_scores(states, memory, W, v):
    return additive_scores(states, memory, *halves(W, states.shape[-1]), v)


def network_cases():
    """(about, states, memory, W_q, W_k, v) each."""

    def network(seed, d_hidden, d_state, d_memory):
        return draw(seed, d_hidden, d_state) / 2, draw(seed + 1, d_hidden, d_memory) / 2, draw(seed + 2, d_hidden)

    small = (draw(1, 2, 2), draw(2, 3, 2), *network(3, 2, 2, 2))
    yield "two states and three annotations", *(array.round(1) for array in small)
    yield "as many of everything", draw(6, 4, 4), draw(7, 4, 4), *network(8, 4, 4, 4)
    yield "states and annotations of one length", *vectors(11, D_STATE), *network(13, D_HIDDEN, D_STATE, D_STATE)
    oblong = network(16, D_HIDDEN, D_STATE, D_MEMORY)
    yield "states and annotations of different lengths", *vectors(19, D_MEMORY), *oblong
    longer = draw(26, TARGETS, 3), draw(27, SOURCES, D_MEMORY)
    yield "annotations longer than states", *longer, *network(28, D_HIDDEN, 3, D_MEMORY)
    yield "a batch", *vectors(21, D_MEMORY, 2), *oblong
    yield "two leading axes", *vectors(23, D_MEMORY, 2, 3), *oblong
    yield "long vectors", 1000 * draw(32, 2, D_STATE), 1000 * draw(33, 3, D_MEMORY), *oblong


@cases("01.additive_scores")
def additive_cases():
    for case in network_cases():
        yield Case(*case)


@cases("01.concat_scores")
def concat_cases():
    for about, states, memory, W_q, W_k, v in network_cases():
        yield Case(about, states, memory, np.concatenate([W_q, W_k], axis=1), v)


def of_halves(additive):
    """The concat score that takes an additive one of the halves of W."""
    return lambda states, memory, W, v: additive(states, memory, *halves(W, states.shape[-1]), v)


ADDITIVE, CONCAT = "01.additive_scores", "01.concat_scores"
mistake(ADDITIVE, "matrices-swapped", "The two matrices are exchanged: the first belongs to the states, the second to the memory.",
        lambda states, memory, W_q, W_k, v: additive_scores(states, memory, W_k, W_q, v))  # fmt: skip
for id, right in ((ADDITIVE, additive_scores), (CONCAT, concat_scores)):
    mistake(id, "matrix-side", None, everywhere(right, mapped, mapped.slips[0]))
for diagnosis, sentence, *functions in [
    ("one-matrix", "One matrix maps both. The states have their own, and so has the memory.",
     lambda states, memory, W_q, W_k, v: additive_scores(states, memory, W_q, W_q, v),
     lambda states, memory, W_q, W_k, v: additive_scores(states, memory, W_k, W_k, v)),
    ("tanh-outside", "You take the tanh of the finished score. It belongs inside: tanh of each number of the hidden layer, then v.",
     lambda states, memory, W_q, W_k, v: np.tanh(weighed(every_pair(mapped(states, W_q), mapped(memory, W_k)), v))),
    ("dot-of-mapped", "You take dot products of the mapped vectors. This score adds the two, bends the sum and weighs it by v.",
     *(lambda states, memory, W_q, W_k, v, f=f: f(dot_products(mapped(states, W_q), mapped(memory, W_k))) for f in (np.positive, np.tanh))),
    ("tanh-each", None,
     *(lambda states, memory, W_q, W_k, v, f=f, g=g: weighed(every_pair(f(mapped(states, W_q)), g(mapped(memory, W_k))), v)
       for f, g in ((np.tanh, np.tanh), (np.tanh, np.positive), (np.positive, np.tanh)))),
    ("v-inside", "v stands inside your tanh. It weighs what comes out of the tanh.",
     lambda states, memory, W_q, W_k, v: np.tanh(every_pair(mapped(states, W_q), mapped(memory, W_k)) * v).sum(axis=-1)),
]:  # fmt: skip
    mistake(ADDITIVE, diagnosis, sentence, *functions)
    mistake(CONCAT, diagnosis, None, *map(of_halves, functions))


def emptied(scores, end):
    """The scores with 0 in a row or a column."""
    scores = scores.copy()
    scores[end] = 0
    return scores


def one_axis_in_front(array):
    """The same, where there is exactly one leading axis; otherwise an error."""
    return np.einsum("bij->bij", array)


for id, right in ((DOT, dot_scores), (GENERAL, general_scores), (ADDITIVE, additive_scores), (CONCAT, concat_scores)):
    mistake(id, "weights-not-scores", "Your scores add up to 1: these are weights already. A score is what comes before the softmax.",
            *(lambda *inputs, right=right, axis=axis: shares(np.exp(right(*inputs)), axis) for axis in (-1, -2)))  # fmt: skip
    mistake(id, "scores-transposed", None, lambda *inputs, right=right: np.swapaxes(right(*inputs), -1, -2),
            lambda *inputs, right=right: right(*inputs).T)  # fmt: skip
    mistake(id, "batch-first-only", None,
            lambda *inputs, right=right: np.broadcast_to((s := right(*inputs))[(0,) * (s.ndim - 2)], s.shape))  # fmt: skip
    mistake(id, "leading-axes", None,
            lambda states, *rest, right=right: right(one_axis_in_front(states), *rest))  # fmt: skip
    mistake(id, "first-filled-only", "All but the first row, or the first entry, is 0. Is the return inside of the loop?",
            *(lambda *inputs, right=right, kept=kept: right(*inputs) * (np.arange(inputs[0].shape[-2]) == 0)[:, None] * kept(inputs[1])
              for kept in (lambda memory: 1, lambda memory: np.arange(memory.shape[-2]) == 0)))  # fmt: skip
    mistake(id, "end-not-filled", "The first or the last row or column of your scores is 0. Does your loop reach both ends?",
            *(lambda *inputs, right=right, end=end: emptied(right(*inputs), end)
              for end in (np.s_[..., 0, :], np.s_[..., -1, :], np.s_[..., 0], np.s_[..., -1])))  # fmt: skip
    mistake(id, "negative-scores", "The sign of all your scores is turned round: what fits best has the lowest.",
            lambda *inputs, right=right: -right(*inputs))  # fmt: skip
for id, right in ((DOT, dot_scores), (GENERAL, general_scores)):
    mistake(id, "leading-axes", None, lambda states, memory, *rest, right=right: right(
        states, np.swapaxes(np.swapaxes(memory, 1, 2), -1, -2), *rest))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The context vector
# ----------------------------------------------------------------------------------------------------------------------


@step
def for_every_target(mask):
    """A mask of source words, for each target word the same: (..., sources) -> (..., 1, sources)."""
    return mask[..., None, :]


for_every_target.slip("mask-axis", "With several sentences your mask meets the wrong axis. It is (batch, source): it needs an axis "
        "of 1 for the target words.", lambda mask: mask)  # fmt: skip
for_every_target.slip("mask-hides-targets", "Your mask hides target words, rows of the table. What is padded is source words: columns.",
                      lambda mask: mask[..., None])  # fmt: skip
for_every_target.slip("one-mask-for-all", "All sentences get one and the same mask, that of the first or one made of all. Each has "
        "padding of its own.", lambda mask: mask.reshape(-1, mask.shape[-1])[0],
        lambda mask: mask.reshape(-1, mask.shape[-1]).all(axis=0), lambda mask: mask.reshape(-1, mask.shape[-1]).any(axis=0))  # fmt: skip
for_every_target.slip("leading-axes", None, lambda mask: mask[:, None, :])


@reference(
    "01.context_vectors",
    title="From scores to context vectors",
    points=3,
    hints=[
        "Give padding the score -inf, subtract each row's largest score, exponentiate, divide by the row's sum, mix.",
        "The mask is (…, sources), the scores are (…, targets, sources): `mask[..., None, :]` fits.",
        "`scores = np.where(mask[..., None, :], scores, -np.inf)`; after the softmax over the last axis, `weights @ memory`.",
    ],
    returns=("context", "weights"),
    same=WITHOUT_EMPTY_ROWS,
)
def context_vectors(scores, memory, mask):
    weights = softmax(scores, for_every_target(mask))
    return mixed(weights, memory), weights


def some_padding(seed, *shape):
    """A mask in which each sentence has a real word in front and a padded one behind."""
    mask = draw(seed, *shape) > 0
    mask[..., 0], mask[..., -1] = True, False
    return mask


@cases("01.context_vectors")
def context_cases():
    small = draw(1, 2, 3).round(1), draw(2, 3, 2).round(1)
    yield Case("two target words, every source word real", *small, np.ones(3, dtype=bool))
    yield Case("a padded source word", *small, np.arange(3) != 1)
    yield Case("a longer sentence", draw(3, TARGETS, SOURCES), draw(4, SOURCES, D_MEMORY), some_padding(5, SOURCES))
    yield Case("as many target as source words", draw(6, 4, 4), draw(7, 4, 3), some_padding(8, 4))
    low, ones = np.array([[-1000.0, -1001, -1003]]), np.ones(3, dtype=bool)
    yield Case("scores around 1000", low + 2000, draw(9, 3, 2), ones, edge=True)
    yield Case("scores around -1000", low, draw(9, 3, 2), ones, edge=True)
    apart = np.array([[1000.0, -999, -1000], [-1000, -999, -998]])
    yield Case("scores from -1000 to 1000", apart, draw(9, 3, 2), ones, edge=True)
    yield Case("scores from -600 to 600", np.array([[600.0, 0, -600]]), draw(9, 3, 2), ones, edge=True)
    giant = np.array([[3.0, 1000, 1], [1, 1000, 2]])
    yield Case("a padded word with a score of 1000", giant, draw(9, 3, 2), np.arange(3) != 1, edge=True)
    yield Case("real words with scores around -1000", low, draw(9, 3, 2), np.arange(3) < 2, edge=True)
    batch = draw(10, 2, TARGETS, SOURCES), draw(11, 2, SOURCES, D_MEMORY), some_padding(12, 2, SOURCES)
    yield Case("a batch, each sentence with its own padding", *batch)
    mask = np.array([[True, True, False], [True, False, True], [True, False, False]])
    yield Case("as many sentences as target and source words", draw(13, 3, 3, 3), draw(14, 3, 3, 3), mask)
    twice = draw(15, 2, 3, TARGETS, SOURCES), draw(16, 2, 3, SOURCES, D_MEMORY), some_padding(17, 2, 3, SOURCES)
    yield Case("two leading axes", *twice)


def mix_with(weights_of):
    """The pair for other weights, a function of scores and mask (..., 1, sources)."""

    def wrong(scores, memory, mask):
        weights = weights_of(scores, mask[..., None, :])
        return weights @ memory, weights

    return wrong


CONTEXT = "01.context_vectors"
weights_of = lambda *inputs: context_vectors(*inputs)[1]  # noqa: E731
mistake(CONTEXT, "no-weights", "These are the scores, or they mix with the scores. Softmax first, then mix.",
        lambda scores, memory, mask: (scores @ memory, weights_of(scores, memory, mask)),
        lambda scores, memory, mask: (hidden(scores, mask[..., None, :], 0) @ memory, weights_of(scores, memory, mask)),
        *(lambda scores, memory, mask, fill=fill: (context_vectors(scores, memory, mask)[0], hidden(scores, fill(mask)))
          for fill in (lambda mask: None, lambda mask: mask[..., None, :])),
        lambda scores, memory, mask: (scores @ memory, scores))  # fmt: skip
mistake(CONTEXT, "softmax-of-a-multiple", None,
        lambda scores, memory, mask: context_vectors(scores / np.sqrt(scores.shape[-1]), memory, mask),
        lambda scores, memory, mask: context_vectors(scores / np.sqrt(memory.shape[-1]), memory, mask),
        lambda scores, memory, mask: context_vectors(scores / scores.shape[-1], memory, mask),
        *(lambda scores, memory, mask, by=by: context_vectors(scores / by, memory, mask) for by in (2, 10, 100, 1000)))  # fmt: skip
mistake(CONTEXT, "context-not-summed", "Your context still holds every annotation by itself, times its weight. Add them up over the "
        "source words.", lambda *inputs: (weights_of(*inputs)[..., None] * inputs[1][..., None, :, :], weights_of(*inputs)))  # fmt: skip
mistake(CONTEXT, "context-over-targets", "You add up over the target words. Each has a context of its own: add up over the source words.",
        lambda *inputs: ((weights_of(*inputs)[..., None] * inputs[1][..., None, :, :]).sum(axis=-3), weights_of(*inputs)),
        lambda *inputs: (context_vectors(*inputs)[0].sum(axis=-2), weights_of(*inputs)),
        lambda *inputs: (context_vectors(*inputs)[0].mean(axis=-2), weights_of(*inputs)))  # fmt: skip
mistake(CONTEXT, "dot-on-batch", None, lambda *inputs: (np.dot(weights_of(*inputs), inputs[1]), weights_of(*inputs)))
mistake(CONTEXT, "fails-on-batch", None,
        lambda *inputs: (np.einsum("ts,sd->td", weights_of(*inputs), inputs[1]), weights_of(*inputs)))  # fmt: skip
mistake(CONTEXT, "mixes-before-the-mask", None,
        lambda scores, memory, mask: (below_row(scores) @ memory, weights_of(scores, memory, mask)))  # fmt: skip
mistake(CONTEXT, "returns-before-the-mask",
        "The context is right, but the weights that you return are other ones, from before the mask. Return those that mix.",
        lambda scores, memory, mask: (context_vectors(scores, memory, mask)[0], below_row(scores)))  # fmt: skip
mistake(CONTEXT, "padding-dropped", "Your weights have lost the columns of the padded words. Keep them, with a weight of 0: the "
        "sentences of a batch have different lengths.",
        lambda scores, memory, mask: ((w := below_row(scores[..., mask])) @ memory[mask], w))  # fmt: skip
mistake(CONTEXT, "mask-hides-targets", None,
        *(lambda scores, memory, mask, fill=fill: ((w := below_row(hidden(scores, mask[..., None], fill))) @ memory, w)
          for fill in (-np.inf, -1e9)))  # fmt: skip
mistake(CONTEXT, "memory-emptied", "The annotations of padded words are set to 0, but those words still have weight, which the real "
        "ones lack.", lambda scores, memory, mask: ((w := below_row(scores)) @ (memory * mask[..., None]), w))  # fmt: skip
mistake(CONTEXT, "epsilon-in-the-sum", None, *map(mix_with, WITH_EPSILON))


@holds(CONTEXT, "rows-do-not-sum-to-1")
def rows_sum_to_one(got, *_):
    total = got[1].sum(axis=-1)
    return not np.isfinite(total).all() or np.allclose(total, 1, atol=1e-5)


@holds(CONTEXT, "mask-leaks")
def hides_padding(got, _, memory, mask, *matrices):
    return not np.any(np.nan_to_num(got[1])[~np.broadcast_to(mask[..., None, :], got[1].shape)])


# ----------------------------------------------------------------------------------------------------------------------
# Reading
# ----------------------------------------------------------------------------------------------------------------------


@step
def surprises(weights):
    """Minus the logarithm of each weight; 0 where the weight is 0."""
    return -np.log(np.where(weights > 0, weights, 1))


surprises.slip("zero-log-zero", "A weight of exactly 0 gives NaN: 0 · log 0. Its limit is 0: leave such weights out of the sum.",
               lambda weights: -np.log(weights))  # fmt: skip
surprises.slip("number-in-logarithm", "You add a number to all weights in front of the logarithm. Leave out those that are 0.",
               *(lambda weights, more=10.0**-k: -np.log(weights + more) for k in range(7)))  # fmt: skip
surprises.slip("weights-raised", "Small weights are raised to a bound in front of the logarithm. Only those that are 0 need care.",
               *(lambda weights, least=least: -np.log(np.maximum(weights, least)) for least in (0.1, 0.05, 0.01, 1e-3)))  # fmt: skip
surprises.slip("entropy-sign", "Your spread is below 1. Entropy is minus the sum of w · log w.",
               lambda weights: -surprises(weights))  # fmt: skip
surprises.slip("mixed-logarithms", "The logarithm and the power have different bases: they have to be of the same number.",
               lambda weights: surprises(weights) / np.log(2), lambda weights: surprises(weights) / np.log(10))  # fmt: skip


@step
def expected_surprise(weights, surprise):
    """Each by its weight."""
    return weights * surprise


expected_surprise.slip("logarithms-unweighted", "You add up the logarithms as they are. Each counts by its weight: w · log w.",
                       lambda weights, surprise: surprise)  # fmt: skip


@step
def row_sum(terms):
    """The sum of each row."""
    return terms.sum(axis=-1)


READS_COLUMNS = (
    "You read along the target words. A row belongs to a target word: go along each row, over the source words."
)
row_sum.slip("reads-columns", READS_COLUMNS, lambda terms: terms.sum(axis=0))
row_sum.slip("last-product-only", None, lambda terms: terms[:, -1],
             lambda terms: np.array([row[np.flatnonzero(row)[-1]] if row.any() else 0.0 for row in terms]))  # fmt: skip
row_sum.slip("sum-goes-on", "Your sum goes on from row to row. Each begins with 0.",
             lambda terms: terms.sum(axis=-1).cumsum())  # fmt: skip
row_sum.slip("one-for-all-rows", "You return one number for the whole table. Each row has its own.",
             lambda terms: terms.sum(), lambda terms: terms.sum(axis=-1).mean(), lambda terms: terms.mean())  # fmt: skip
row_sum.slip("entropy-averaged", "You take the mean of w · log w over the words. Entropy is the sum.",
             lambda terms: terms.mean(axis=-1))  # fmt: skip
row_sum.slip("entropy-normalised", "You divide the entropy by its largest possible value. Take it as it is.",
             lambda terms: terms.sum(axis=-1) / np.log(terms.shape[-1]))  # fmt: skip
row_sum.slip("exponential-first", "You exponentiate each term, then add. Add up first, then one exponential a row.",
             lambda terms: np.log(np.exp(terms).sum(axis=-1)))  # fmt: skip


@step
def as_words(entropy):
    """e to the entropy: by how many words the weight is shared."""
    return np.exp(entropy)


as_words.slip("entropy-itself", "You return the entropy. Exponentiate it: e^entropy is a number of words.",
              lambda entropy: entropy, lambda entropy: entropy / np.log(2))  # fmt: skip
as_words.slip("mixed-logarithms", None, lambda entropy: 2**entropy, lambda entropy: 10**entropy)
as_words.slip("spread-cut", "A spread need not be a whole number of words: don't round it.",
              *(lambda entropy, cut=cut: cut(np.exp(entropy)) for cut in (np.floor, np.round, np.ceil)))  # fmt: skip


@reference(
    "01.read_alignment",
    title="Reading an alignment",
    points=2,
    hints=[
        "Each row belongs to one target word. Where is its largest weight? NumPy has a function for the place of the maximum.",
        "Entropy is -Σ w log w over a row. Where w is 0, count 0: `np.where(weights > 0, weights, 1)` has the logarithm 0 there.",
        "`spread = np.exp(-(weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=-1))`.",
    ],
    returns=("positions", "spread"),
)
def read_alignment(weights):
    return largest_place(weights), as_words(row_sum(expected_surprise(weights, surprises(weights))))


@cases("01.read_alignment")
def reading_cases():  # without two largest weights in a row: which of them counts is nowhere said
    yield Case("two target words", generator(1).permuted(np.tile([0.1, 0.3, 0.6], (2, 1)), axis=1))
    yield Case("weights of exactly 0", generator(2).permuted(np.tile([0.0, 0.0, 0.2, 0.3, 0.5], (3, 1)), axis=1))
    yield Case("as many target as source words", below_row(2 * draw(3, 4, 4)))
    yield Case("a longer table", below_row(draw(4, 5, 7)))
    yield Case("words in the opposite order", below_row(9 * np.eye(4)[::-1] + draw(5, 4, 4)))
    yield Case("one word that has everything", np.eye(3, 5), edge=True)


READING = "01.read_alignment"
mistake(READING, "reads-columns", None, lambda weights: read_alignment(weights.T))
mistake(READING, "positions-sorted", "Your positions are in ascending order. Order matters: languages put the same words in other places.",
        lambda weights: (np.sort(read_alignment(weights)[0]), read_alignment(weights)[1]))  # fmt: skip
mistake(READING, "positions-averaged", "You average positions, by weight. Asked for is the place of the one largest weight.",
        lambda weights: (weights @ np.arange(weights.shape[-1]), read_alignment(weights)[1]),
        lambda weights: (np.rint(weights @ np.arange(weights.shape[-1])).astype(int), read_alignment(weights)[1]),
        lambda weights: ((weights @ np.arange(weights.shape[-1])).astype(int), read_alignment(weights)[1]))  # fmt: skip
mistake(READING, "one-target-only", "You return what a single row gives, the first or the last. Each target word has a position and "
        "a spread.", *(lambda weights, row=row: tuple(both[row] for both in read_alignment(weights)) for row in (0, -1)))  # fmt: skip
mistake(READING, "pair-for-each-row", "You return a pair for each target word. Asked for are two arrays: all the positions, and all "
        "the spreads.", lambda weights: list(zip(*read_alignment(weights), strict=True)),
        lambda weights: np.stack(read_alignment(weights), axis=-1))  # fmt: skip
mistake(READING, "stacked-in-one", "You put both into one array, in which the positions are no whole numbers any more. Return two.",
        lambda weights: np.stack(read_alignment(weights)))  # fmt: skip
for diagnosis, sentence, *functions in [
    ("zero-log-zero", None, lambda weights: np.nan_to_num(np.exp(-(weights * np.log(weights)).sum(axis=-1)))),
    ("words-counted", "You count the words that have any weight, or more than some bound. A small weight is not worth a whole word: take "
     "e^entropy.", *(lambda weights, bound=bound: (weights > bound).sum(axis=-1) for bound in (0, 0.01, 0.05, 0.1, 0.2))),
    ("spread-as-share", "You divide the spread by how many words there are. It is a number of words.",
     lambda weights: read_alignment(weights)[1] / weights.shape[-1]),
    ("one-over-largest", "That is 1 over the largest weight. It ignores how the rest is spread.", lambda weights: 1 / weights.max(axis=-1)),
    ("one-over-squares", "That is 1 over the sum of squares, another measure of spread. Asked for is e^entropy.",
     lambda weights: 1 / (weights**2).sum(axis=-1)),
    ("standard-deviation", "That is a standard deviation or a variance of the weights, another measure of spread. Asked for is e^entropy.",
     lambda weights: weights.std(axis=-1), lambda weights: weights.var(axis=-1), lambda weights: weights.std(axis=-1, ddof=1)),
]:  # fmt: skip
    mistake(READING, diagnosis, sentence, *(
        lambda weights, wrong=wrong: (weights.argmax(axis=-1), wrong(weights)) for wrong in functions
    ))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# The whole step
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_step(states, memory, mask, W, W_c):
    """A colleague's step of Luong's decoder. Written for one target word at a time, and tested like that."""
    scores = states @ W @ memory.swapaxes(-1, -2)  # (batch, targets, sources)
    scores = scores * mask[:, None, :]
    exponentials = np.exp(scores - scores.max())
    weights = exponentials / exponentials.sum(axis=1, keepdims=True)
    context = weights @ memory  # (batch, targets, d_model)
    return np.tanh(np.concatenate([states, context], axis=-1) @ W_c.T), weights


@step
def side_by_side(context, states):
    """One vector each: the context, and behind it the state."""
    return np.concatenate([context, states], axis=-1)


side_by_side.slip("context-state-order", "State and context are exchanged in front of W_c: it is [context; state] (Luong 2015, eq. 5).",
                  lambda context, states: side_by_side(states, context))  # fmt: skip
side_by_side.slip("state-left-out", "The state has no part in what you return as hidden. W_c takes [context; state].",
        lambda context, states: side_by_side(context, context), lambda context, states: side_by_side(context, 0 * states))  # fmt: skip
side_by_side.slip("context-left-out", "The context has no part in what you return as hidden. W_c takes [context; state].",
        lambda context, states: side_by_side(states, states), lambda context, states: side_by_side(0 * context, states))  # fmt: skip


@reference(
    "01.luong_step",
    title="Find the bugs: a step of Luong's decoder",
    points=3,
    hints=[
        "Three slips. Ask of the weights: what do they add up to, along which axis? And what weight has a padded word?",
        "Axis 1 holds the target words. A score of 0 is not nothing. The third slip stands in front of W_c: compare with eq. 5.",
        "`np.where(mask[:, None, :], scores, -np.inf)`, `max` and `sum` with `axis=-1, keepdims=True`, and [context, states].",
    ],
    returns=("hidden", "weights"),
    same=WITHOUT_EMPTY_ROWS | ORDINARY_SCORES | {"leading-axes", "tanh-overflow"},
)
def luong_step(states, memory, mask, W, W_c):
    weights = softmax(dot_products(through(states, W), memory), for_every_target(mask))
    both = side_by_side(mixed(weights, memory), states)
    return squashed(mapped(both, W_c, at="for [context; state]"), at="around W_c [context; state]"), weights


@cases("01.luong_step")
def step_cases():
    def inputs(seed, batch, targets, sources, d, d_out):
        shapes = (batch, targets, d), (batch, sources, d), (d, d), (d_out, 2 * d)
        states, memory, W, W_c = (draw(seed + i, *shape).round(2) for i, shape in enumerate(shapes))
        return states, memory, np.ones((batch, sources), dtype=bool), W / 2, W_c / 2

    yield Case("one sentence, two target words, no padding", *inputs(1, 1, 2, 3, 2, 2))
    yield Case("three sentences without padding", *inputs(5, 3, TARGETS, SOURCES, D_MEMORY, D_HIDDEN))
    states, memory, _, *matrices = inputs(9, 3, TARGETS, SOURCES, D_MEMORY, D_HIDDEN)
    yield Case("three sentences of different lengths", states, memory, np.arange(SOURCES) < [[6], [2], [4]], *matrices)
    states, memory, _, *matrices = inputs(13, 3, 3, 3, 3, 6)
    mask = np.array([[True, False, True], [True, True, False], [True, False, False]])
    yield Case("as many sentences as target and source words", states, memory, mask, *matrices)
    states, memory, _, *matrices = inputs(17, 2, 1, 4, 3, 5)
    yield Case("one target word at a time", states, memory, np.arange(4) < [[4], [2]], *matrices)


def state_and_context(context, states, W_c):
    """The end of the step."""
    return np.tanh(side_by_side(context, states) @ W_c.T)


def step_with(weigh=lambda scores, mask: softmax(scores, mask), combine=state_and_context):
    """The step with other weights, a function of scores and mask, or another end."""

    def wrong(states, memory, mask, W, W_c):
        weights = weigh(dot_products(states @ W, memory), mask[:, None, :])
        return combine(weights @ memory, states, W_c), weights

    return wrong


STEP = "01.luong_step"
mistake(STEP, "as-it-was", "These are the colleague's numbers, with all three slips. Begin with the weights: what does each row add "
        "up to, and what weight has a padded word?", colleagues_step)  # fmt: skip


def hers(axis=1, fill=0.0, turned=True):
    """The colleague's step with some of her slips mended."""

    def weigh(scores, mask):
        exponentials = np.exp((s := hidden(scores, mask, fill)) - s.max())
        return exponentials / exponentials.sum(axis=axis, keepdims=True)

    turn = lambda context, states, W_c: state_and_context(states, context, W_c)  # noqa: E731
    return step_with(weigh, turn if turned else state_and_context)


mistake(STEP, "left-mask-and-order", "One slip is mended, two are left: what weight has a padded word, and what stands in front of W_c?",
        hers(axis=-1))  # fmt: skip
mistake(STEP, "left-axis-and-order", "One slip is mended, two are left: what does each row of weights add up to, and what stands in "
        "front of W_c?", *(hers(fill=fill) for fill in (-np.inf, -1e9)))  # fmt: skip
mistake(STEP, "left-axis-and-mask", "One slip is mended, two are left, both in the weights: what does each row add up to, and what "
        "weight has a padded word?", hers(turned=False))  # fmt: skip
mistake(STEP, "tanh-before-W_c", "You take the tanh of [context; state], then map. W_c first, then tanh of what comes out.",
        step_with(combine=lambda context, states, W_c: np.tanh(side_by_side(context, states)) @ W_c.T),
        step_with(combine=lambda context, states, W_c: np.tanh(np.tanh(side_by_side(context, states)) @ W_c.T)))  # fmt: skip
mistake(STEP, "hidden-is-context", "You return the context itself. It still has to be combined with the state: tanh(W_c [context; state]).",
        step_with(combine=lambda context, states, W_c: context))  # fmt: skip
mistake(STEP, "tanh-each", None,
        step_with(combine=lambda context, states, W_c: state_and_context(context, 0 * states, W_c)
                  + state_and_context(0 * context, states, W_c)))  # fmt: skip
mistake(STEP, "tanh-added", None, step_with(lambda scores, mask: softmax(np.tanh(scores), mask)))
mistake(STEP, "context-as-weights", "In place of the weights you return the context. Return what it was mixed with.",
        lambda states, memory, *rest: ((pair := luong_step(states, memory, *rest))[0], pair[1] @ memory))  # fmt: skip
mistake(STEP, "mixes-before-the-mask", None,
        lambda *inputs: (step_with(lambda scores, mask: below_row(scores))(*inputs)[0], luong_step(*inputs)[1]))  # fmt: skip
mistake(STEP, "no-weights", None,
        *(lambda *inputs, fill=fill: (luong_step(*inputs)[0], hidden(general_scores(*inputs[:2], inputs[3]), fill(inputs[2])))
          for fill in (lambda mask: None, lambda mask: mask[:, None])),
        lambda *inputs: (step_with(lambda scores, mask: scores)(*inputs)[0], luong_step(*inputs)[1]))  # fmt: skip
mistake(STEP, "mask-hides-targets", None,
        *(lambda states, memory, mask, W, W_c, fill=fill: step_with(
            lambda scores, _: below_row(hidden(scores, mask[..., None], fill)))(states, memory, mask, W, W_c)
          for fill in (-np.inf, -1e9)))  # fmt: skip
holds(STEP, "rows-do-not-sum-to-1")(rows_sum_to_one)
holds(STEP, "mask-leaks")(hides_padding)

# ----------------------------------------------------------------------------------------------------------------------
# Paths
# ----------------------------------------------------------------------------------------------------------------------


@step
def one_step_more(links, reached):
    """What is reached by those who receive from somebody that is: boolean (n, n)."""
    return links @ reached


one_step_more.slip("path-transposed", "Your table is transposed: entry (i, j) is the way from j to i, as in links.",
                   lambda links, reached: links.T @ reached)  # fmt: skip
one_step_more.slip("path-both-ways", "You follow the links in both directions. links[i, j] lets news go from j to i, not back.",
                   lambda links, reached: (links | links.T) @ reached)  # fmt: skip
one_step_more.slip("path-doubled", "Your reach doubles from round to round: whoever is reached passes on all it has reached, in one. "
        "A round is one link.", lambda links, reached: (links | reached) @ (links | reached))  # fmt: skip


@step
def rounds(n):
    """The rounds in which news can still reach a new position."""
    return range(1, n)


rounds.slip("path-too-few-rounds", "Some ways are longer than you go, and end as if there were none. In how many rounds can news "
        "still reach a new position?", lambda n: range(1, n - 1), lambda n: range(1, n - 2), lambda n: range(1, n // 2),
        lambda n: range(1, n // 2 + 1), *(lambda n, last=last: range(1, min(n, last + 1)) for last in range(2, 11)))  # fmt: skip
rounds.slip("path-direct-only", "You know one step only. What is linked to a linked position is two steps away, and so on.",
            lambda n: range(1, 2))  # fmt: skip
rounds.slip("path-too-short", "Each way is one step too short: a position that is linked directly is one step away, not none.",
            range, lambda n: range(n - 1))  # fmt: skip
rounds.slip("path-off-by-one", "Each way is one step too long. You count positions on the way; count the links.",
            lambda n: range(2, n + 1))  # fmt: skip


@step
def noted(lengths, reached, steps):
    """The number of steps, where a position is reached for the first time."""
    return np.where(reached & (lengths < 0), steps, lengths)


noted.slip("path-longest", "Your ways are not the shortest: once a position has been reached, keep the number it got first.",
           lambda lengths, reached, steps: np.where(reached, steps, lengths),
           lambda lengths, reached, steps: np.where(reached & ~np.eye(len(reached), dtype=bool), steps, lengths))  # fmt: skip


@reference(
    "01.path_lengths",
    title="How far apart are two positions?",
    points=3,
    hints=[
        "Which positions are reached in no step? In one? If links @ reached is above 0 somewhere, one step more leads there.",
        "Keep a boolean table `reached`, at first the identity. In round s, whatever is reached for the first time gets the number s.",
        "`reached = reached | (links.astype(int) @ reached.astype(int) > 0)`, then `lengths[reached & (lengths < 0)] = s`.",
    ],
    returns="path lengths",
)
def path_lengths(links):
    reached = np.eye(len(links), dtype=bool)
    lengths = np.where(reached, 0, -1)
    for steps in rounds(len(links)):
        reached = reached | one_step_more(links, reached)
        lengths = noted(lengths, reached, steps)
    return lengths


@cases("01.path_lengths")
def path_cases():
    chain = lambda n: np.eye(n, k=-1, dtype=bool)  # noqa: E731
    yield Case("three positions, one behind the other", chain(3))
    place = np.arange(6)
    yield Case("neighbours to both sides", abs(place[:, None] - place) == 1)
    yield Case("a convolution of width 3", abs(place[:, None] - place) <= 1)
    yield Case("attention to the past", np.tri(5, dtype=bool))
    yield Case("attention to all", np.ones((4, 4), dtype=bool))
    yield Case("few links, at random", generator(1).random((6, 6)) < 0.25)
    yield Case("more links, at random", generator(2).random((7, 7)) < 0.3)
    order = generator(3).permutation(6)
    shortcut = chain(6)
    shortcut[4, 1] = True
    yield Case("a chain with a shortcut, its positions shuffled", shortcut[np.ix_(order, order)])
    roads = np.zeros((7, 7), dtype=bool)
    # from 0 to 4 and to 6, a long road and a short one each
    roads[[1, 2, 3, 4, 4, 5, 6, 6], [0, 0, 2, 3, 1, 1, 5, 2]] = True
    order = generator(5).permutation(7)
    yield Case("a long road and a short one to the same place", roads[np.ix_(order, order)])
    yield Case("a long road and a short one from the same place", roads.T[np.ix_(order, order)])
    order = generator(4).permutation(7)
    ring = np.roll(np.eye(7, dtype=bool), 1, axis=0)
    yield Case("a ring with one direction, its positions shuffled", ring[np.ix_(order, order)])
    yield Case("a recurrent network of 13 positions", chain(13))
    order = generator(6).permutation(25)
    yield Case("two ways at each of eight forks in a row", forks(8)[np.ix_(order, order)])
    yield Case("no links at all", np.zeros((3, 3), dtype=bool), edge=True)
    yield Case("a single position", np.zeros((1, 1), dtype=bool), edge=True)
    yield Case("a single position, linked to itself", np.ones((1, 1), dtype=bool), edge=True)


def forks(number):
    """Links in a row of forks, whose two ways meet again: 2**number shortest ways from the first position to the last."""
    links = np.zeros((3 * number + 1, 3 * number + 1), dtype=bool)
    for start in range(0, 3 * number, 3):
        links[[start + 1, start + 2], start] = links[start + 3, [start + 1, start + 2]] = True
    return links


def at_home(links):
    """The diagonal, as a table."""
    return np.eye(len(links), dtype=bool)


def walks(links, keep=True, more=1):
    """In how many steps, one at least, news comes back or gets there: the first number, or the last of n - 1 rounds and `more`."""
    reached, lengths = at_home(links), np.full(links.shape, -1)
    for steps in range(1, len(links) + more):
        reached = links @ reached
        lengths = np.where(reached & (lengths < 0) if keep else reached, steps, lengths)
    return lengths


def ways(links):
    """How many ways of less than n steps there are."""
    return sum(np.linalg.matrix_power(links.astype(int), power) for power in range(len(links)))


def in_place(links):
    """Rounds that read what the same round has written."""
    reached, lengths = at_home(links), np.where(at_home(links), 0, -1)
    for steps in range(1, len(links)):
        for i, j in zip(*np.nonzero(links), strict=True):
            reached[i] |= reached[j]
        lengths = np.where(reached & (lengths < 0), steps, lengths)
    return lengths


def by_depth(links, order=1, at_once=False):
    """A search that goes deep first, in an order; `at_once`: all that is near gets its number before the search goes on."""
    lengths = np.where(at_home(links), 0, -1)

    def visit(start, here):
        near = [there for there in np.flatnonzero(links[:, here])[::order] if lengths[there, start] < 0]
        if at_once:
            lengths[near, start] = lengths[here, start] + 1
        for there in near:
            if at_once or lengths[there, start] < 0:
                lengths[there, start] = lengths[here, start] + 1
                visit(start, there)

    for start in range(len(links)):
        visit(start, start)
    return lengths


def doubled(links):
    """Each round squares what is reached, and counts as one."""
    reached, lengths = links | at_home(links), np.where(at_home(links), 0, np.where(links, 1, -1))
    for steps in range(2, len(links)):
        reached = reached @ reached
        lengths = noted(lengths, reached, steps)
    return lengths


def relaxed(links, home=True):
    """Floyd and Warshall's on a table with -1 in it."""
    lengths = np.where(at_home(links) & home, 0, np.where(links, 1, -1))
    for middle in range(len(links)):
        lengths = np.minimum(lengths, lengths[:, middle, None] + lengths[middle])
    return lengths


def middle_inside(links):
    """Floyd and Warshall's loops in the wrong order: the middle one inside."""
    n = len(links)
    lengths = np.where(at_home(links), 0.0, np.where(links, 1, np.inf))
    for i in range(n):
        for j in range(n):
            lengths[i, j] = min(lengths[i, j], (lengths[i] + lengths[:, j]).min())
    return np.where(np.isinf(lengths), -1, lengths).astype(int)


def counted(links, kind, wait):
    """The first power of the links, or of those and the diagonal, that is not 0, in whole numbers of a small type."""
    lengths, number = np.where(at_home(links), 0, -1), at_home(links).astype(kind)
    for steps in range(1, len(links)):
        number = (links | (at_home(links) & wait)).astype(kind) @ number
        lengths = noted(lengths, number != 0, steps)
    return lengths


def distances(links):
    """How far apart positions are, with a sign."""
    return np.subtract.outer(np.arange(len(links)), np.arange(len(links)))


PATHS = "01.path_lengths"
mistake(PATHS, "path-direct-only", None, lambda links: links, lambda links: links & ~at_home(links), lambda links: links | at_home(links),
        lambda links: np.where(links, 1, -1), lambda links: np.where(links & ~at_home(links), 1, 0),
        lambda links: np.where(links, 1, np.where(at_home(links), 0, -1)),
        lambda links: np.where(links & ~at_home(links), 1, at_home(links) - 1) if len(links) > 1 else None)  # fmt: skip
mistake(PATHS, "path-by-distance", "That is how far apart the positions are. Links may be long, as in attention: follow them.",
        lambda links: abs(distances(links)), lambda links: distances(links),
        lambda links: np.where(distances(links) < 0, -1, distances(links)),
        lambda links: np.where(path_lengths(links) < 0, -1, abs(distances(links))))  # fmt: skip
mistake(PATHS, "path-unreachable", "Some positions can't be reached at all. For these the answer is -1.",
        *(lambda links, fill=fill: np.where(path_lengths(links) < 0, fill, path_lengths(links))
          for fill in (np.inf, -np.inf, np.nan, 0, -2, 99, 100, 999, 1000, 9999, 10**6, 10**9, np.iinfo(int).min)),
        lambda links: np.where(path_lengths(links) < 0, len(links), path_lengths(links)),
        lambda links: np.where(path_lengths(links) < 0, len(links) + 1, path_lengths(links)))  # fmt: skip
mistake(PATHS, "path-from-zero", "Your diagonal is not 0: from a position to itself no step is needed, even where it has a link to itself.",
        walks, lambda links: walks(links, more=0), lambda links: np.where(links, 1, walks(links, more=0)),
        lambda links: np.where(at_home(links) & links, 1, path_lengths(links)),
        *(lambda links, fill=fill: np.where(at_home(links), fill, path_lengths(links)) for fill in (1, -1, 2)))  # fmt: skip
mistake(PATHS, "path-reached-only", "You say whether there is a way. Asked for is its length.",
        lambda links: path_lengths(links) >= 0, lambda links: path_lengths(links) > 0,
        lambda links: np.where(path_lengths(links) < 0, -1, 1), lambda links: np.minimum(path_lengths(links), 1),
        lambda links: (path_lengths(links) >= 0).astype(int), lambda links: (path_lengths(links) > 0).astype(int))  # fmt: skip
mistake(PATHS, "path-off-by-one", None, lambda links: np.where(path_lengths(links) >= 0, path_lengths(links) + 1, -1))
mistake(PATHS, "path-counts-ways", "You count how many ways there are. Asked for is the length of the shortest.",
        ways, lambda links: np.where(ways(links) == 0, -1, ways(links)),
        lambda links: np.where(at_home(links), 0, np.where(ways(links) == 0, -1, ways(links))))  # fmt: skip
mistake(PATHS, "path-overflow", "Where there are many ways, their number is too large for its small type and comes out as 0, as if "
        "there were none. Ask only whether there is one.", *(lambda links, kind=kind, wait=wait: counted(links, kind, wait)
          for kind in (np.int8, np.uint8) for wait in (False, True)))  # fmt: skip
mistake(PATHS, "path-longest", None, *(
    lambda links, more=more, home=home: np.where(at_home(links), home(last := walks(links, keep=False, more=more)), last)
    for more in (0, 1) for home in (np.positive, lambda last: 0, lambda last: np.maximum(last, 0))))  # fmt: skip
mistake(PATHS, "path-depth-first", "You go deep first: a position gets the number of the way that came first, not of the shortest. "
        "Look at all that are near before those that are farther.",
        *(change for order in (1, -1) for at_once in (False, True) for change in (
          lambda links, order=order, at_once=at_once: by_depth(links, order, at_once),
          lambda links, order=order, at_once=at_once: by_depth(links.T, order, at_once).T)))  # fmt: skip
mistake(PATHS, "path-doubled", None, doubled)
mistake(PATHS, "path-home-only", "Nobody gets anywhere: your table holds nothing but its diagonal. Does a round reach those who are "
        "linked to somebody that is reached?", lambda links: np.where(at_home(links), 0, -1))  # fmt: skip
mistake(PATHS, "path-minus-one-counted", "You calculate with the -1 of places that can't be reached, as if it were a length. It "
        "stands for no way.", relaxed, lambda links: relaxed(links, home=False))  # fmt: skip
mistake(PATHS, "path-in-place", "In one round your news travels several links: a round reads what it has written itself. Read from "
        "the table as it was before the round.", in_place)  # fmt: skip
mistake(PATHS, "path-middle-inside", "Shortest ways by way of a middle position: the loop over the middle has to be the outermost. "
        "Yours misses some ways, or finds longer ones.", middle_inside)  # fmt: skip

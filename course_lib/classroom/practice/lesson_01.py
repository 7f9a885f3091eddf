"""The checks of lesson 01, from recurrence to attention, in the order in which its exercises come."""

import numpy as np

from course_lib.attention import additive_scores as right_additive
from course_lib.attention import concat_scores as right_concat
from course_lib.attention import dot_scores as right_dot
from course_lib.attention import general_scores as right_general
from course_lib.attention import softmax as right_softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import (
    add_messages,
    are_distributions,
    call_on_batch,
    count_of_arrays,
    masked_right,
    mistake,
    same_values,
    survives_large_scores,
    weighs_some,
)
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.trial import call

add_messages(
    {
        # scores
        "weights-not-scores": "Your scores add up to 1: these are weights already. A score is what comes before the softmax.",
        "W-ignored": "Your scores do not depend on W: they are plain dot products. Between state and annotation stands W.",
        "W-twice": "W stands on both sides. Once is enough: between the state and the annotation.",
        "W-transposed": "W is the wrong way round: its rows belong to the states, its columns to the memory, state · W · annotation.",
        "no-tanh": "Without the tanh the two sums stay apart, and the state adds the same to all words. Where does tanh go?",
        "relu": "Negative numbers are cut to 0 in your hidden layer. The papers take tanh, which keeps the sign.",
        "tanh-outside": "You take the tanh of the finished score. It belongs inside: tanh of each number of the hidden layer, then v.",
        "sigmoid-for-tanh": "You squash with a sigmoid, to between 0 and 1. The papers take tanh, which keeps the sign.",
        "tanh-added": "There is a tanh in your score. The general score has none: it is a plain product.",
        "state-ignored": "All rows are alike: your scores do not depend on the states.",
        "tanh-each": "You take the tanh of a part by itself, then add the parts. Add first: one tanh of the sum.",
        "v-inside": "v stands inside your tanh. It weighs what comes out of the tanh.",
        "one-matrix": "One matrix maps both. The states have W_q, the memory has W_k.",
        "v-left-out": "The hidden layer is summed as it is. Its numbers are weighted by v first.",
        "not-summed": "Your scores keep the axis of the hidden layer. v turns these numbers into one: a dot product.",
        "matrices-swapped": "The two matrices are exchanged: the first belongs to the states, the second to the memory.",
        "matrix-side": "The matrices stand to the left of a vector, W x. For vectors as rows that is x @ W.T.",
        "keys-ignored": "All words get one and the same score: your scores do not depend on the memory.",
        "multiplied": "You multiply the two parts inside the tanh. They are added: it is the additive score.",
        "concat-order": "State and annotation are written in the wrong order: [state; annotation], the state first.",
        # context
        "scores-divided": "Your scores were divided before the softmax. Here they are taken as they come; the root is lesson 03's.",
        "no-weights": "These are the scores, or they mix with the scores. Softmax first, then mix.",
        "plain-mean": "Your context is the mean of the memory, whatever the scores say. That is step 5 of the lesson, the one that failed.",
        "best-word-only": "Your context copies the one annotation with the largest weight. All of them take part, by their weights.",
        "context-scaled": "Your context is as many times too small as there are words: the weights are shares already. Add up, don't average.",
        "context-not-summed": "Your context still holds every annotation by itself, times its weight. Add them up over the source words.",
        "context-without-mask": "Your weights leave padding out, your context does not: mix with the masked weights.",
        "padding-dropped": "Your weights have lost the columns of the padded words. Keep them, with a weight of 0: the sentences of a "
        "batch have different lengths.",
        "mask-axis": "With several sentences your mask meets the wrong axis. It is (batch, source): it needs an axis of 1 for the target words.",
        # reading
        "reads-columns": "You read along the target words. A row belongs to a target word: go along each row, over the source words.",
        "reads-smallest": "These are the places of the smallest weights. What a word looks at has the largest.",
        "one-for-all-rows": "You return one number for the whole table. Each row has its own: `axis=-1`.",
        "counts-from-one": "Your positions are one too high: the first source word is number 0.",
        "largest-not-position": "You return the largest weight. Asked for is where it stands.",
        "positions-sorted": "Your positions are in ascending order. Order matters: languages put the same words in other places.",
        "zero-log-zero": "A weight of exactly 0 gives NaN: 0 · log 0. Its limit is 0: leave such weights out of the sum.",
        "words-counted": "You count the words that have any weight. A weight of 0.01 is not worth a whole word: take e^entropy.",
        "entropy-itself": "You return the entropy. Exponentiate it: e^entropy is a number of words.",
        "entropy-sign": "Your spread is below 1. Entropy is minus the sum of w · log w.",
        "logarithms-unweighted": "You add up the logarithms as they are. Each counts by its weight: w · log w.",
        "entropy-averaged": "You take the mean of w · log w over the words. Entropy is the sum.",
        "exponential-first": "You exponentiate each term, then add. Add up first, then one exponential a row.",
        "number-in-logarithm": "Nearly: you add a small number to all weights in front of the logarithm. Leave out those that are 0.",
        "mixed-logarithms": "The logarithm and the power have different bases. With np.log belongs np.exp.",
        "one-over-largest": "That is 1 over the largest weight. It ignores how the rest is spread.",
        "one-over-squares": "That is 1 over the sum of squares, another measure of spread. Asked for is e^entropy.",
        # the whole step
        "context-state-order": "State and context are exchanged in front of W_c: it is [context; state] (Luong 2015, eq. 5).",
        "tanh-before-W_c": "You take the tanh of [context; state], then map. W_c first, then tanh of what comes out.",
        "no-tanh-hidden": "The tanh around W_c [context; state] is missing.",
        "hidden-is-context": "You return the context itself. It still has to be combined with the state: tanh(W_c [context; state]).",
        # paths
        "path-from-zero": "Your diagonal is not 0: from a position to itself no step is needed, even where it has a link to itself.",
        "path-transposed": "Your table is transposed: entry (i, j) is the way from j to i, as in links.",
        "path-direct-only": "You know one step only. What is linked to a linked position is two steps away, and so on.",
        "path-off-by-one": "Each way is one step too long. You count positions on the way; count the links.",
        "path-too-short": "Each way is one step too short: a position that is linked directly is one step away, not none.",
        "path-too-few-rounds": "Your longest way has {longest} steps; there are longer ones. In how many rounds can news still reach a new position?",
        "path-reached-only": "You say whether there is a way. Asked for is its length.",
        "path-unreachable": "Some positions can't be reached at all. For these the answer is -1.",
        "path-both-ways": "You follow the links in both directions. links[i, j] lets news go from j to i, not back.",
        "path-by-distance": "That is how far apart the positions are. Links may be long, as in attention: follow them.",
        "path-counts-ways": "You count how many ways there are. Asked for is the length of the shortest.",
        "path-longest": "Your ways are not the shortest: once a position has been reached, keep the number it got first.",
    }
)  # fmt: skip

# Sizes that are all different, so that no exchange of axes goes unseen; independent states and memory.
TARGETS, SOURCES, D_STATE, D_MEMORY, D_HIDDEN = 4, 6, 9, 5, 7


def scores_right(got, expected, suspects):
    """Assert that scores are right, naming what they are instead.

    Args:
        got: the answer.
        expected: (targets, sources).
        suspects: dict of diagnosis to the array that this mistake gives.
    """
    suspects = {
        **suspects,
        "scores-transposed": expected.T,
        "scores-scaled": [expected / np.sqrt(size) for size in (D_STATE, D_MEMORY, D_HIDDEN)],
        "scores-averaged": [expected / size for size in (D_STATE, D_MEMORY, D_HIDDEN)],
        "weights-not-scores": [right_softmax(expected), right_softmax(expected, axis=0)],
    }
    same_values(got, expected, "scores", suspects)


@checks(
    "01.dot_scores",
    title="Luong's first score: dot",
    points=1,
    hints=[
        "One number for each pair of a state and an annotation: multiply matching numbers, add up.",
        "All pairs at once is a matrix product, in which the memory has to stand as columns.",
        "`states @ np.swapaxes(memory, -1, -2)` works for one sentence and for a batch of them.",
    ],
)
def dot_scores(candidate):
    square, other = draw(1, 4, 4), draw(2, 4, 4)
    for states, memory in ((square, other), (draw(3, TARGETS, D_STATE), draw(4, SOURCES, D_STATE))):
        lengths = np.linalg.norm(states, axis=-1)[:, None] * np.linalg.norm(memory, axis=-1)
        distances = np.linalg.norm(states[:, None] - memory, axis=-1)
        suspects = {
            "scores-normalised": states @ memory.T / lengths,
            "negative-distance": [-(distances**2), -distances, distances, distances**2],
            "elementwise": [states[:, None] * memory],
            "last-product-only": states[:, -1:] * memory[:, -1],
            "weights-not-scores": [right_softmax(states @ memory.T), right_softmax(states @ memory.T, axis=0)],
        }
        if states.shape == memory.shape:
            suspects["no-transpose"] = states @ memory
            suspects["elementwise"].append(states * memory)
        if states is square:
            suspects |= {"scores-scaled": states @ memory.T / 2, "scores-averaged": states @ memory.T / 4}
        got = call(candidate, states, memory)
        if states is square:
            same_values(got, states @ memory.T, "scores", {**suspects, "scores-transposed": memory @ states.T})
        else:
            scores_right(got, states @ memory.T, suspects)
    states, memory = draw(5, 2, 3, TARGETS, D_STATE), draw(6, 2, 3, SOURCES, D_STATE)
    suspects = {"dot-on-batch": np.dot(states, memory.swapaxes(-1, -2))}
    got = call_on_batch(candidate, states, memory)
    same_values(got, right_dot(states, memory), "scores", suspects, when_wrong="wrong-on-batch")


@checks(
    "01.general_scores",
    title="Luong's second score: general",
    points=1,
    hints=[
        "W maps from the memory's numbers to the state's. After it, both have the same length, and a dot product is possible.",
        "Shapes: (targets, d_state) @ (d_state, d_memory) @ (d_memory, sources).",
        "`states @ W @ np.swapaxes(memory, -1, -2)`.",
    ],
)
def general_scores(candidate):
    states, memory, W = draw(1, TARGETS, D_STATE), draw(2, SOURCES, D_STATE), draw(3, D_STATE, D_STATE)
    suspects = {
        "W-ignored": states @ memory.T,
        "W-transposed": [states @ W.T @ memory.T, memory @ W @ states.T],
        "W-twice": states @ W @ (memory @ W).T,
        "tanh-added": [np.tanh(states @ W @ memory.T), np.tanh(states @ W) @ memory.T, states @ np.tanh(W @ memory.T)],
    }
    scores_right(call(candidate, states, memory, W), states @ W @ memory.T, suspects)
    memory, W = draw(4, SOURCES, D_MEMORY), draw(5, D_STATE, D_MEMORY)
    scores_right(call(candidate, states, memory, W), states @ W @ memory.T, {})
    states, memory = draw(6, 2, 3, TARGETS, D_STATE), draw(7, 2, 3, SOURCES, D_MEMORY)
    suspects = {"dot-on-batch": np.dot(states @ W, memory.swapaxes(-1, -2))}
    got = call_on_batch(candidate, states, memory, W)
    same_values(got, right_general(states, memory, W), "scores", suspects, when_wrong="wrong-on-batch")


@checks(
    "01.additive_scores",
    title="Bahdanau's score: additive",
    points=2,
    hints=[
        "Three steps: map the states, map the memory, and for every pair tanh of the sum, weighted by v.",
        "To add every state to every annotation, give them axes of length 1: (targets, 1, d_hidden) + (1, sources, d_hidden).",
        "`np.tanh((states @ W_q.T)[..., :, None, :] + (memory @ W_k.T)[..., None, :, :]) @ v`.",
    ],
)
def additive_scores(candidate):
    states, memory = draw(1, TARGETS, D_STATE), draw(2, SOURCES, D_STATE)
    square = draw(3, D_STATE, D_STATE) / 3, draw(4, D_STATE, D_STATE) / 3, draw(5, D_STATE)
    oblong = draw(6, D_HIDDEN, D_STATE) / 3, draw(7, D_HIDDEN, D_STATE) / 3, draw(8, D_HIDDEN)
    for W_q, W_k, v in (square, oblong):
        got = call(candidate, states, memory, W_q, W_k, v)
        scores_right(got, right_additive(states, memory, W_q, W_k, v), additive_suspects(states, memory, W_q, W_k, v))
    memory, W_k = draw(9, SOURCES, D_MEMORY), draw(10, D_HIDDEN, D_MEMORY)
    got = call(candidate, states, memory, W_q, W_k, v)
    scores_right(got, right_additive(states, memory, W_q, W_k, v), {})
    states, memory = draw(11, 2, 3, TARGETS, D_STATE), draw(12, 2, 3, SOURCES, D_MEMORY)
    got = call_on_batch(candidate, states, memory, W_q, W_k, v)
    same_values(got, right_additive(states, memory, W_q, W_k, v), "scores", when_wrong="wrong-on-batch")


def additive_suspects(states, memory, W_q, W_k, v):
    """What well-known mistakes give for the additive scores of (targets, d_state) and (sources, d_state)."""
    from_states, from_memory = (states @ W_q.T)[:, None], (memory @ W_k.T)[None]
    swapped = np.tanh((states @ W_k.T)[:, None] + (memory @ W_q.T)[None]) @ v
    suspects = {
        "no-tanh": (from_states + from_memory) @ v,
        "relu": np.maximum(from_states + from_memory, 0) @ v,
        "sigmoid-for-tanh": (1 / (1 + np.exp(-(from_states + from_memory)))) @ v,
        "tanh-outside": np.tanh((from_states + from_memory) @ v),
        "state-ignored": np.tanh(0 * from_states + from_memory) @ v,
        "tanh-each": [
            (np.tanh(from_states) + np.tanh(from_memory)) @ v,
            (np.tanh(from_states) + from_memory) @ v,
            (from_states + np.tanh(from_memory)) @ v,
        ],
        "v-inside": np.tanh((from_states + from_memory) * v).sum(axis=-1),
        "one-matrix": [np.tanh((states @ W.T)[:, None] + (memory @ W.T)[None]) @ v for W in (W_q, W_k)],
        "v-left-out": np.tanh(from_states + from_memory).sum(axis=-1),
        "not-summed": [np.tanh(from_states + from_memory), np.tanh(from_states + from_memory) * v],
        "matrices-swapped": swapped,
        "keys-ignored": np.tanh(from_states + 0 * from_memory) @ v,
        "multiplied": np.tanh(from_states * from_memory) @ v,
    }
    if W_q.shape[0] == W_q.shape[1]:
        suspects["matrix-side"] = np.tanh((states @ W_q)[:, None] + (memory @ W_k)[None]) @ v
    return suspects


@checks(
    "01.concat_scores",
    title="Luong's third score: concat",
    points=2,
    hints=[
        "Write state and annotation one after the other, [state; annotation]. What does W do with the first d_state of them?",
        "W [q; k] = W_q q + W_k k, where W_q is the first d_state columns of W and W_k the others.",
        "With `d = states.shape[-1]`: `return additive_scores(states, memory, W[:, :d], W[:, d:], v)`.",
    ],
)
def concat_scores(candidate):
    states, memory = draw(1, TARGETS, D_STATE), draw(2, SOURCES, D_STATE)
    W, v = draw(3, D_HIDDEN, 2 * D_STATE) / 3, draw(4, D_HIDDEN)
    suspects = additive_suspects(states, memory, W[:, :D_STATE], W[:, D_STATE:], v)
    suspects["concat-order"] = suspects.pop("matrices-swapped")
    scores_right(call(candidate, states, memory, W, v), right_concat(states, memory, W, v), suspects)
    memory, W = draw(5, SOURCES, D_MEMORY), draw(6, D_HIDDEN, D_STATE + D_MEMORY)
    got = call(candidate, states, memory, W, v)
    scores_right(got, right_concat(states, memory, W, v), {})
    states, memory = draw(7, 2, 3, TARGETS, D_STATE), draw(8, 2, 3, SOURCES, D_MEMORY)
    got = call_on_batch(candidate, states, memory, W, v)
    same_values(got, right_concat(states, memory, W, v), "scores", when_wrong="wrong-on-batch")


def pair_of(got, names, first, second):
    """Assert that an answer is two arrays in the right order; give them back.

    Args:
        got: what the learner's function returned.
        names: what the two are called.
        first, second: the right arrays, of different shapes.
    """
    if not isinstance(got, tuple):
        raise AssertionError(mistake("not-two", names=", ".join(names), returned="one array"))
    assert len(got) == 2, mistake("not-two", names=", ".join(names), returned=f"{len(got)} arrays")
    swapped = got[0].shape == second.shape and got[1].shape == first.shape and first.shape != second.shape
    assert not swapped, mistake("two-swapped", names=", ".join(names), expected=first, got=got[0], what=names[0])
    return got


add_messages(
    {
        "not-two": "Two arrays were expected, `return {names}`; your function returns {returned}.",
        "two-swapped": "You return the two in the wrong order. It is `return {names}`.",
    }
)


def context_suspects(weights, scores, memory):
    """What well-known mistakes give for the context vectors of one sentence."""
    return {
        "no-weights": scores @ memory,
        "plain-mean": np.broadcast_to(memory.mean(axis=0), (len(scores), memory.shape[1])),
        "best-word-only": memory[weights.argmax(axis=-1)],
        "context-scaled": weights @ memory / len(memory),
        "context-not-summed": weights[..., None] * memory,
    }


@checks(
    "01.context_vectors",
    title="From scores to context vectors",
    points=3,
    hints=[
        "Give padding the score -inf, subtract each row's largest score, exponentiate, divide by the row's sum, mix.",
        "The mask is (…, sources), the scores are (…, targets, sources): `mask[..., None, :]` fits.",
        "`scores = np.where(mask[..., None, :], scores, -np.inf)`; after the softmax over the last axis, `weights @ memory`.",
    ],
)
def context_vectors(candidate):
    scores, memory, everything = draw(1, TARGETS, SOURCES), draw(2, SOURCES, D_MEMORY), np.ones(SOURCES, dtype=bool)
    expected = right_softmax(scores)
    names = ("context", "weights")
    context, weights = pair_of(call(candidate, scores, memory, everything), names, expected @ memory, expected)
    weighs_some(weights, scores, lambda mask: call(candidate, scores, memory, mask[0])[1])
    are_distributions(weights, expected)
    divided = [right_softmax(scores / np.sqrt(size)) for size in (D_MEMORY, SOURCES)]
    suspects = {"no-weights": scores, "scores-divided": divided, "softmax-twice": right_softmax(expected)}
    same_values(weights, expected, "weights", suspects)
    same_values(context, expected @ memory, "context", context_suspects(expected, scores, memory))

    mask = np.array([True, True, False, True, False, False])
    context, weights = pair_of(call(candidate, scores, memory, mask), names, expected @ memory, expected)
    show = {"expected": right_softmax(scores, mask=mask), "got": weights, "what": "weights"}
    assert weights.shape != scores[:, mask].shape, mistake("padding-dropped", **show)
    masked_right(weights, scores, mask[None])
    suspects = {"context-without-mask": expected @ memory}
    same_values(context, right_softmax(scores, mask=mask) @ memory, "context beside padding", suspects)

    large = 1000 * scores
    context, weights = pair_of(call(candidate, large, memory, everything), names, expected @ memory, expected)
    survives_large_scores(weights, right_softmax(large), "weights")
    far = large - 5000 * np.arange(TARGETS)[:, None]
    context, weights = pair_of(call(candidate, far, memory, everything), names, expected @ memory, expected)
    show = {"expected": right_softmax(far), "got": weights, "what": "weights of large scores"}
    assert np.isfinite(weights).all(), mistake("softmax-global-maximum", **show)
    same_values(weights, right_softmax(far), "weights of large scores")
    far = scores - np.where(mask, 1000, 0)  # padding has by far the largest scores
    context, weights = pair_of(call(candidate, far, memory, mask), names, expected @ memory, expected)
    show = {"expected": right_softmax(far, mask=mask), "got": weights, "what": "weights beside padding"}
    assert weights.any() and np.isfinite(weights).all(), mistake("maximum-over-masked", **show)
    assert weights.shape != far.shape or not weights[:, ~mask].any(), mistake("mask-leaks", **show)
    same_values(weights, right_softmax(far, mask=mask), "weights beside padding")

    scores, memory = draw(3, 3, TARGETS, SOURCES), draw(4, 3, SOURCES, D_MEMORY)
    mask = np.arange(SOURCES) < np.array([[6], [2], [4]])  # (batch, sources)
    expected = right_softmax(scores, mask=mask[:, None])
    got = call_on_batch(candidate, scores, memory, mask)
    context, weights = pair_of(got, names, expected @ memory, expected)
    same_values(weights, expected, "weights", when_wrong="mask-axis")
    same_values(context, expected @ memory, "context", when_wrong="wrong-on-batch")


@checks(
    "01.read_alignment",
    title="Reading an alignment",
    points=2,
    hints=[
        "Each row belongs to one target word. Where is its largest weight? NumPy has a function for the place of the maximum.",
        "Entropy is -Σ w log w over a row. Where w is 0, count 0: `np.where(weights > 0, weights, 1)` has the logarithm 0 there.",
        "`spread = np.exp(-(weights * np.log(np.where(weights > 0, weights, 1))).sum(axis=-1))`.",
    ],
)
def read_alignment(candidate):
    soft = right_softmax(2 * draw(1, 5, 7))
    with_zeros = np.array([[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0], [0.1, 0.2, 0.3, 0.4]])
    for weights in (soft, with_zeros):
        got = call(candidate, weights)
        if not isinstance(got, tuple) or len(got) != 2:
            returned = count_of_arrays(got)
            raise AssertionError(mistake("not-two", names="positions, spread", returned=returned))
        positions = weights.argmax(axis=-1)
        logs = np.log(np.where(weights > 0, weights, 1))
        terms = -weights * logs
        entropy = terms.sum(axis=-1)
        suspects = {
            "two-swapped": np.exp(entropy),
            "counts-from-one": positions + 1,
            "largest-not-position": weights.max(axis=-1),
            "reads-columns": weights.argmax(axis=0),
            "positions-sorted": np.sort(positions),
            "reads-smallest": weights.argmin(axis=-1),
            "one-for-all-rows": weights.argmax(),
        }
        if not probes.close(got[0], positions):
            found = probes.first_match(got[0], suspects)
            show = {"expected": positions, "got": got[0], "what": "positions"}
            assert found is None, mistake(found, **show, names="positions, spread")
        same_values(got[0], positions, "positions")
        assert not np.isnan(got[1]).any(), mistake("zero-log-zero", expected=np.exp(entropy), got=got[1], what="spread")
        suspects = {
            "entropy-itself": [entropy, entropy / np.log(2)],
            "reads-columns": np.exp(terms.sum(axis=0)),
            "one-for-all-rows": [np.exp(entropy.sum()), entropy.sum(), np.exp(entropy.mean())],
            "entropy-averaged": np.exp(terms.mean(axis=-1)),
            "logarithms-unweighted": np.exp(-logs.sum(axis=-1)),
            "exponential-first": np.exp(terms).sum(axis=-1),
            "number-in-logarithm": [np.exp(-(weights * np.log(weights + 10.0**-k)).sum(axis=-1)) for k in range(1, 8)],
            "entropy-sign": [np.exp(-entropy), -entropy],
            "mixed-logarithms": [2**entropy, np.exp(entropy / np.log(2))],
            "words-counted": (weights > 0).sum(axis=-1),
            "one-over-largest": 1 / weights.max(axis=-1),
            "one-over-squares": 1 / (weights**2).sum(axis=-1),
        }
        same_values(got[1], np.exp(entropy), "spread", suspects)


def colleagues_step(states, memory, mask, W, W_c):
    """A colleague's step of Luong's decoder. Written for one target word at a time, and tested like that."""
    scores = states @ W @ memory.swapaxes(-1, -2)  # (batch, targets, sources)
    scores = scores * mask[:, None, :]
    exponentials = np.exp(scores - scores.max())
    weights = exponentials / exponentials.sum(axis=1, keepdims=True)
    context = weights @ memory  # (batch, targets, d_model)
    return np.tanh(np.concatenate([states, context], axis=-1) @ W_c.T), weights


@checks(
    "01.luong_step",
    title="Find the bugs: a step of Luong's decoder",
    points=3,
    hints=[
        "Three slips. Ask of the weights: what do they add up to, along which axis? And what weight has a padded word?",
        "Axis 1 holds the target words. A score of 0 is not nothing. The third slip stands in front of W_c: compare with eq. 5.",
        "`np.where(mask[:, None, :], scores, -np.inf)`, `max` and `sum` with `axis=-1, keepdims=True`, and [context, states].",
    ],
)
def luong_step(candidate):
    size = D_STATE
    states, memory = draw(1, 3, TARGETS, size), draw(2, 3, SOURCES, size)
    W, W_c = draw(3, size, size) / 3, draw(4, D_HIDDEN, 2 * size) / 3
    mask = np.ones((3, SOURCES), dtype=bool)
    for padded in (False, True):
        if padded:
            mask = np.arange(SOURCES) < np.array([[6], [2], [4]])
        scores = right_general(states, memory, W)
        expected = right_softmax(scores, mask=mask[:, None])
        context = expected @ memory
        hidden = np.tanh(np.concatenate([context, states], axis=-1) @ W_c.T)
        got = pair_of(call(candidate, states, memory, mask, W, W_c), ("hidden", "weights"), hidden, expected)
        if not padded:
            weighs_some(got[1], scores, lambda mask: call(candidate, states, memory, mask[:, 0], W, W_c)[1])
            turned, unmapped = right_general(states, memory, W.T), right_dot(states, memory)
            suspects = {
                "scores-divided": right_softmax(scores / np.sqrt(size)),
                "softmax-over-everything": [np.exp(scores) / np.exp(scores).sum()],
                "softmax-axis-1": [right_softmax(scores, axis=1), np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)],
                "W-transposed": right_softmax(turned),
                "W-ignored": right_softmax(unmapped),
                "no-weights": scores,
            }  # fmt: skip
            same_values(got[1], expected, "weights", suspects)
        else:
            masked_right(got[1], scores, mask[:, None])
        suspects = {
            "context-state-order": np.tanh(np.concatenate([states, context], axis=-1) @ W_c.T),
            "no-tanh-hidden": np.concatenate([context, states], axis=-1) @ W_c.T,
            "tanh-before-W_c": np.tanh(np.concatenate([context, states], axis=-1)) @ W_c.T,
            "hidden-is-context": context,
        }
        same_values(got[0], hidden, "hidden", suspects)


def right_path_lengths(links):
    """The fewest steps from position j to position i along links, as (i, j); -1 where no way leads."""
    lengths = np.where(np.eye(len(links), dtype=bool), 0, -1)
    reached = np.eye(len(links), dtype=bool)
    for steps in range(1, len(links)):
        reached = reached | (links.astype(int) @ reached.astype(int) > 0)
        lengths[reached & (lengths < 0)] = steps
    return lengths


@checks(
    "01.path_lengths",
    title="How far apart are two positions?",
    points=3,
    hints=[
        "Which positions are reached in no step? In one? If links @ reached is above 0 somewhere, one step more leads there.",
        "Keep a boolean table `reached`, at first the identity. In round s, whatever is reached for the first time gets the number s.",
        "`reached = reached | (links.astype(int) @ reached.astype(int) > 0)`, then `lengths[reached & (lengths < 0)] = s`.",
    ],
)
def path_lengths(candidate):
    n = 6
    place = np.arange(n)
    cases = [
        np.random.default_rng(7).random((n, n)) < 0.25,
        np.random.default_rng(8).random((n, n)) < 0.3,
        place[:, None] == place + 1,  # a recurrent network
        np.abs(place[:, None] - place) <= 1,  # a convolution of width 3
        np.ones((n, n), dtype=bool),  # attention
    ]
    for links in cases:
        expected = right_path_lengths(links)
        got = call(candidate, links)
        if probes.close(got, expected):
            continue
        show = {"expected": expected, "got": got, "what": "path lengths"}
        away = ~np.eye(n, dtype=bool)
        far = (expected < 0) & away
        if got.shape == expected.shape:
            others = away & ~far
            assert not probes.close(got, np.abs(place[:, None] - place)), mistake("path-by-distance", **show)
            assert not probes.close(np.where(far, -1, got), expected), mistake("path-unreachable", **show)
            if np.array_equal(got[away], expected[away]):
                raise AssertionError(mistake("path-from-zero", **show))
            assert got.dtype.kind != "b" or not np.array_equal(got | ~away, expected >= 0), mistake(
                "path-reached-only", **show
            )
            if others.any() and np.array_equal(got[others], expected[others] + 1):
                raise AssertionError(mistake("path-off-by-one", **show))
            if others.any() and np.array_equal(got[others], expected[others] - 1):
                raise AssertionError(mistake("path-too-short", **show))
            longest = got.max()
            too_few = 1 < longest < expected.max() and np.array_equal(got, np.where(expected > longest, -1, expected))
            assert not too_few, mistake("path-too-few-rounds", longest=int(longest), **show)
            step = links.astype(int)
            ways = sum(np.linalg.matrix_power(step, power) for power in range(n))
            suspects = {
                "path-transposed": expected.T,
                "path-both-ways": right_path_lengths(links | links.T),
                "path-direct-only": [np.where(away, np.where(links, 1, -1), 0), links, links & away],
                "path-counts-ways": [ways, np.where(ways == 0, -1, ways), np.where(away, np.where(ways == 0, -1, ways), 0)],
            }  # fmt: skip
            found = probes.first_match(got, suspects)
            assert found is None, mistake(found, **show)
            longer = np.isfinite(got) & (got > expected) & others
            assert not longer.any() or (got[others] < expected[others]).any(), mistake("path-longest", **show)
        same_values(got, expected, "path lengths")

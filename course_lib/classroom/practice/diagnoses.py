"""The mistakes that checks recognise: what each is called, what the learner is told, and the assertions that find them.

A check first asks for properties (`probes`), then compares with what a known mistake would give (its *suspects*), and last
with the right values, so that an answer that is wrong in a way nobody foresaw fails too, with both pictures.
"""

import numpy as np

from course_lib.attention import scaled_dot_scores, softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.trial import LearnerError, Mistake, call

MESSAGES = {
    # any array
    "wrong-shape": "The shape is not the expected one. Go through its axes: what does each one count?",
    "not-finite": "There are NaN or infinite values in your result, for finite inputs.",
    "different-values": "The shape is right, some values are not.",
    "fails-on-batch": "Right for one matrix; on a batch of them your function raises {error}. Count axes from the end: the "
    "last is -1, the one before it -2. `.T` turns all axes round, `np.swapaxes(x, -1, -2)` only the last two.",
    "wrong-on-batch": "Right for one matrix, wrong on a batch of them. Count axes from the end: `axis=-1` is the last axis "
    "whatever the rank, and `np.swapaxes(x, -1, -2)` swaps the last two.",
    # softmax
    "softmax-over-queries": "The columns sum to 1, the rows do not: your softmax runs over the queries. Which axis are the keys?",
    "softmax-over-everything": "All entries together sum to 1. Each row is one query's own distribution: one total a row.",
    "softmax-axis-1": "On a batch your softmax runs over axis 1. The keys are the last axis whatever the rank: `axis=-1`.",
    "softmax-overflow": "Scores of 1000 give NaN: e¹⁰⁰⁰ is too large for a float. What can you subtract from a row of scores "
    "without changing its softmax?",
    "softmax-global-maximum": "A row far below the largest score becomes 0/0: you subtract one maximum for the whole matrix. "
    "Each row needs its own.",
    "softmax-mean-subtracted": "You subtract a row's mean. A score far above it still overflows: only with the largest score no "
    "exponent is above 0.",
    "softmax-twice": "These are weights of weights: your softmax is taken twice.",
    "softmax-smallest-wins": "The lowest score gets the largest weight: a sign is turned round.",
    "softmax-clipped": "Large scores come out alike: a score of 1000 still has to beat 999. Subtracting the row's maximum "
    "keeps differences, clipping loses them.",
    "missing-keepdims": "Your rows are divided by the sums of other rows: without `keepdims=True` the sums line up with the "
    "columns.",
    "no-exponential": "You divide by the sum of the scores themselves. Negative scores then give negative weights: "
    "exponentiate first.",
    "no-softmax": "These are scores, not weights: the rows do not sum to 1. The softmax is missing.",
    "hard-maximum": "All the weight sits on the largest score. That is the maximum, not the soft one: every key keeps a share.",
    "sigmoid": "Each value is squashed by itself (a sigmoid), so a row does not sum to 1. In a softmax the keys compete.",
    "returns-logarithm": "These are the logarithms of the weights. Exponentiate before you return.",
    "rows-do-not-sum-to-1": "Some rows do not sum to 1. Weights are shares: what divides each row?",
    # scores
    "no-transpose": "You multiply queries by keys without the transpose: entry (i, j) has to be query i · key j.",
    "scores-transposed": "Rows and columns are exchanged: rows are queries, columns are keys.",
    "elementwise": "You multiply number by number. A score is a dot product: multiply, then add up over d_k.",
    "scores-scaled": "These scores are already divided by √d_k. That step comes later: here they are taken as they come.",
    "scores-normalised": "These are cosines: the lengths are divided out. The plain dot product keeps them.",
    "scores-averaged": "Your scores are divided by how many products there are, as a mean. A score is their sum.",
    "last-product-only": "Each entry holds one product, the last: in a loop `=` overwrites, `+=` adds up.",
    "dot-on-batch": "On a batch np.dot and np.tensordot pair every matrix of one array with every matrix of the other. `@` pairs "
    "them one by one.",
    "negative-distance": "These are distances between the vectors, not dot products.",
    # attention
    "not-a-pair": "Two arrays were expected, `return context, weights`; your function returns {returned}.",
    "not-a-pair-of-scores": "Two arrays were expected, `return scores, mask`; your function returns {returned}.",
    "returns-weights-only": "You return one array, the weights. Two were expected: `return context, weights`.",
    "returns-context-only": "You return one array, the context. The weights are wanted too: `return context, weights`.",
    "outputs-swapped": "You return the weights first. The order is `return context, weights`.",
    "returns-weights": "In place of the context you return the weights. The context is weights times values.",
    "returns-scores": "What you return as the {which} are the scores themselves.",
    "not-scaled": "The weights imply a scale of 1 on QKᵀ; expected 1/√d_k. Without it, long vectors make softmax saturate.",
    "scaled-by-d_k": "The weights imply a scale of 1/d_k; expected 1/√d_k: divide by the standard deviation of a score, not by "
    "its variance.",
    "scaled-by-d_v": "The weights imply a scale of 1/√d_v. The sum in a score runs over d_k, so its spread grows with √d_k.",
    "scaled-by-length": "The weights imply a scale of 1/√seq_len. Count what a dot product adds up: d_k products.",
    "scaled-by-d_model": "The weights imply a scale of 1/√d_model. After projection a dot product adds up d_k products.",
    "scale-multiplied": "The weights imply a scale of √d_k: you multiply where you should divide.",
    "sign-flipped": "The largest score gets the smallest weight: there is a minus too many.",
    "wrong-scale": "The weights imply a scale of {scale:.4g} on QKᵀ; expected 1/√d_k = {right:.4g}.",
    "mixes-keys": "Your context mixes the keys. Keys are for matching only; what is mixed is the values.",
    # masks
    "mask-ignored": "A mask changes nothing in your weights. Where does it enter?",
    "mask-inverted": "The mask works the wrong way round: allowed entries are exactly 0. True means may attend.",
    "mask-after-softmax": "Masked weights are 0, but rows sum to less than 1: the mask comes after the softmax. Mask the scores "
    "first, so that the remaining keys share the whole.",
    "mask-filled-with-zero": "Masked keys still get weight: a score of 0 is not nothing, e⁰ = 1. What score has e^score = 0?",
    "zero-times-infinity": "All is NaN: 0 · ∞ is not a number, and NaN spreads. Choose in place of calculating: "
    "np.where(mask, scores, -np.inf).",
    "mask-leaks": "Some masked keys still get weight. A masked weight has to be exactly 0.",
    "maximum-over-masked": "A large score that is masked wipes out the allowed ones: your maximum runs over the masked keys "
    "too. Mask first, then take the row's maximum.",
    "fully-masked-nan": "A row with every key masked gives NaN (0/0). We decide: its weights are all 0, and so its context.",
    "fully-masked-uniform": "A row with every key masked spreads its weight over the masked keys. We decide: all 0.",
    "fully-masked-not-zero": "A row with every key masked has to get weights of 0 and a context of 0.",
    "float16-overflow": "In half precision (float16) your result is not finite: -1e9 does not fit, the smallest is about -65504. "
    "Fill with -np.inf, or compute in double precision.",
    "mask-not-boolean": "Your mask holds numbers. A mask is boolean: True = may attend.",
    "mask-additive": "You return numbers to add to the scores (0 and a large negative one). Here a mask is boolean: "
    "True = may attend.",
    "mask-allows-all": "Every entry is True: nothing is masked.",
    "causal-diagonal-excluded": "Position i may not see itself: row 0 is empty. Check `k=` of the triangle.",
    "causal-sees-next": "Position i sees position i + 1: the diagonal is one too high. Check `k=` of the triangle.",
    "causal-transposed": "Positions see the future instead of the past: that is the upper triangle.",
    "no-query-axis": "The shape is (batch, seq_len). Against scores (batch, queries, keys) it would line up wrongly: insert an "
    "axis of 1 for the queries.",
    "masks-queries": "You mask the queries that are padding; what nobody may look at is the keys: (batch, 1, seq_len).",
    "masks-queries-too": "You mask padding as a query too. That empties whole rows; the mask is about keys: (batch, 1, seq_len).",
    "pad-id-hard-coded": "With pad_id=9 your mask still looks for 0. Use the parameter.",
    "compares-greater": "Tokens with a number below pad_id are masked too. Padding is what equals pad_id, nothing else.",
    # find the bug
    "scores-not-finite": "Your scores hold NaN or infinity. It breaks with perfectly finite ones.",
    "case-fully-masked": "A row of your mask allows no key at all. That breaks it too, but it is another question; find one in "
    "which every row has a key to look at.",
    "does-not-break": "colleagues_weights copes with this: every row sums to 1. How large is the largest x for which np.exp(x) "
    "is finite?",
    # queries that turn
    "degrees": "Your angles look like degrees. They are in radians here, as np.cos takes them.",
    "sine-cosine-swapped": "Angle 0 has to point along the first axis: (cos, sin), not (sin, cos).",
    "turns-clockwise": "Your query turns clockwise: check the sign of the sine.",
    "length-ignored": "The length of the query changes nothing in your weights.",
    "length-twice": "The length enters twice. It stretches the query only; the keys stay as they are.",
    # projections
    "no-projection": "These weights compare the embeddings themselves. Project first: queries = embeddings @ W_Q.",
    "projections-swapped": "Queries and keys are exchanged: W_Q makes the queries (the rows), W_K the keys (the columns).",
    "values-not-projected": "The context mixes the embeddings. What is mixed is the values, embeddings @ W_V.",
    "order-matters": "Shuffle the words and your context vectors do not shuffle along: something in your function depends on a "
    "word's place. Self-attention knows no order.",
    "keys-from-queries": "Queries and keys come from the same matrix. W_Q asks, W_K answers.",
    "values-from-keys": "The context mixes the keys, embeddings @ W_K. The values are embeddings @ W_V.",
}  # fmt: skip


def add_messages(messages):
    """Add a lesson's own diagnoses to the catalogue.

    Args:
        messages: dict, diagnosis -> what the learner reads.

    Raises:
        ValueError: a diagnosis stands there already with other words; all lessons share one catalogue.
    """
    for diagnosis, words in messages.items():
        if MESSAGES.setdefault(diagnosis, words) != words:
            raise ValueError(f"the diagnosis {diagnosis!r} has a meaning already: {MESSAGES[diagnosis]!r}")


def mistake(diagnosis, *, expected=None, got=None, what="value", **facts):
    """The `Mistake` with this diagnosis and its message from the catalogue, `facts` filled in."""
    return Mistake(diagnosis, MESSAGES[diagnosis].format(**facts), expected=expected, got=got, what=what)


def same_values(got, expected, what, suspects=None, when_wrong="different-values"):
    """Assert that an answer is right, naming the mistake where it equals what a known one gives.

    Args:
        got: the answer.
        expected: the right array.
        what: what it is, such as "weights".
        suspects: dict of diagnosis to the array that this mistake gives.
        when_wrong: the diagnosis for a finite array of the right shape that no suspect explains.
    """
    if got.dtype.kind != "b" and probes.close(got, expected):
        return
    if got.dtype.kind == "b" and got.shape == expected.shape and np.array_equal(got, expected):
        return
    found = probes.first_match(got, suspects or {})
    if found is None:
        if got.shape != expected.shape:
            found = "wrong-shape"
        else:
            found = when_wrong if np.isfinite(got).all() else "not-finite"
    raise AssertionError(mistake(found, expected=expected, got=got, what=what))


def call_on_batch(candidate, *inputs):
    """`call` with inputs that have leading batch axes: an error there, after a single matrix went well, has its own name."""
    try:
        return call(candidate, *inputs)
    except LearnerError as error:
        raise AssertionError(mistake("fails-on-batch", error=error.summary)) from None


def count_of_arrays(got):
    """How many arrays an answer consists of, in words."""
    return f"{len(got)} arrays" if isinstance(got, tuple) else "one array"


def two_arrays(got, context, weights):
    """Assert that an answer is a pair, and not the right one in the wrong order; give it back.

    Args:
        got: what the learner's function returned, one array or a tuple of them.
        context, weights: the right arrays, in this order.
    """
    if not isinstance(got, tuple):
        show = {"got": got, "expected": context, "what": "what you return"}
        assert got.shape != weights.shape, mistake("returns-weights-only", **show)
        assert got.shape != context.shape, mistake("returns-context-only", **show)
        raise AssertionError(mistake("not-a-pair", returned="one array"))
    assert len(got) == 2, mistake("not-a-pair", returned=f"{len(got)} arrays")
    first, second = got
    swapped = first.shape == weights.shape and second.shape == context.shape
    assert not swapped, mistake("outputs-swapped", expected=context, got=first, what="the first of the two")
    return first, second


def are_distributions(weights, expected, what="weights"):
    """Assert that each row of the last axis sums to 1, naming the axis it sums over instead."""
    show = {"expected": expected, "got": weights, "what": what}
    if weights.shape != expected.shape or not np.isfinite(weights).all() or probes.sums_to_one(weights):
        return
    assert not probes.sums_to_one(weights, axis=None), mistake("softmax-over-everything", **show)
    if weights.ndim > 1:
        assert not probes.sums_to_one(weights, axis=-2), mistake("softmax-over-queries", **show)


def scaled_right(weights, queries, keys, suspects):
    """Assert that the weights imply the scale 1/√d_k on QKᵀ.

    Args:
        weights: (queries, keys), each row a distribution.
        queries: (queries, d_k).
        keys: (keys, d_k).
        suspects: dict of diagnosis to the scale that this mistake gives.
    """
    scale, misfit = probes.implied_scale(weights, queries, keys)
    right = 1 / np.sqrt(keys.shape[-1])
    if not np.isfinite(scale) or misfit > 1e-2:
        return  # not a softmax of QKᵀ at all: the comparison of values says so
    show = {"expected": softmax(scaled_dot_scores(queries, keys)), "got": weights, "what": "weights"}
    near = [name for name, wrong in suspects.items() if abs(scale - wrong) < 0.01 * abs(wrong)]
    if abs(scale - right) > 0.01 * right:
        assert not near, mistake(near[0], **show)
        assert scale > 0, mistake("sign-flipped", **show)
        raise AssertionError(mistake("wrong-scale", scale=scale, right=right, **show))


def scale_suspects(d_k, d_v, seq_len):
    """The scales that well-known mistakes put on QKᵀ."""
    return {
        "not-scaled": 1.0,
        "scaled-by-d_k": 1 / d_k,
        "scaled-by-d_v": 1 / np.sqrt(d_v),
        "scaled-by-length": 1 / np.sqrt(seq_len),
        "scale-multiplied": np.sqrt(d_k),
    }


def masked_right(weights, scores, mask):
    """Assert that weights are the softmax of the scores over the allowed keys alone.

    Args:
        weights: the learner's, (…, queries, keys).
        scores: what goes into the softmax, (…, queries, keys).
        mask: bool, broadcastable to the scores; every row allows some key and masks another.
    """
    expected = softmax(scores, mask=mask)
    mask = np.broadcast_to(mask, scores.shape)
    suspects = {
        "mask-ignored": softmax(scores),
        "mask-inverted": softmax(scores, mask=~mask),
        "mask-after-softmax": np.where(mask, softmax(scores), 0.0),
        "mask-filled-with-zero": softmax(np.where(mask, scores, 0.0)),
    }
    if weights.shape == expected.shape and not probes.close(weights, expected):
        show = {"expected": expected, "got": weights, "what": "weights under a mask"}
        assert not np.isnan(weights).all(), mistake("zero-times-infinity", **show)
        found = probes.first_match(weights, suspects)
        assert found is None, mistake(found, **show)
        allowed_empty, masked_full = np.all(weights[mask] == 0), np.any(weights[~mask] > 0)
        assert not (allowed_empty and masked_full), mistake("mask-inverted", **show)
        assert not masked_full, mistake("mask-leaks", **show)
        assert probes.sums_to_one(weights) or not np.isfinite(weights).all(), mistake("mask-after-softmax", **show)
    same_values(weights, expected, "weights under a mask")


def weighs_some(weights, scores, weights_of):
    """Assert that weights under a mask that allows everything are not all NaN, naming the mask that does this.

    Args:
        weights: the learner's, under such a mask.
        scores: (…, queries, keys), what goes into the softmax.
        weights_of: function of a mask (…, 1, keys) that returns the learner's weights under it.
    """
    if np.isnan(weights).all() and weights.shape == scores.shape:
        keys = np.arange(scores.shape[-1]) % 2 == 0
        mask = np.broadcast_to(keys, (*scores.shape[:-2], 1, len(keys)))
        masked_right(weights_of(mask), scores, mask)


def survives_large_scores(got, expected, what):
    """Assert that an answer for very large scores is finite and right."""
    assert np.isfinite(got).all(), mistake(
        "softmax-overflow", expected=expected, got=got, what=f"{what} of large scores"
    )
    same_values(got, expected, f"{what} of large scores")


def empty_row_right(rows, what):
    """Assert that the rows of a query with every key masked are 0.

    Args:
        rows: (rows, …), the learner's weights or context of fully masked queries.
        what: "weights" or "context".
    """
    show = {"expected": np.zeros_like(rows, dtype=float), "got": rows, "what": f"{what} of a fully masked row"}
    assert not np.isnan(rows).any(), mistake("fully-masked-nan", **show)
    uniform = what == "weights" and np.allclose(rows, 1 / rows.shape[-1], atol=1e-6)
    assert not uniform, mistake("fully-masked-uniform", **show)
    assert np.all(rows == 0), mistake("fully-masked-not-zero", **show)


def is_mask(got, expected, suspects):
    """Assert that an answer is this boolean mask.

    Args:
        got: the answer.
        expected: bool array.
        suspects: dict of diagnosis to the boolean array that this mistake gives.
    """
    show = {"expected": expected, "got": got, "what": "mask"}
    if got.dtype.kind != "b":
        assert not np.any(got < -100), mistake("mask-additive", **show)
        raise AssertionError(mistake("mask-not-boolean", **show))
    same_values(got, expected, "mask", suspects)

"""The checks of lesson 03, self-attention by hand, in the order in which its exercises come."""

import numpy as np

from course_lib.attention import causal_mask as right_causal_mask
from course_lib.attention import dot_scores, scaled_dot_scores
from course_lib.attention import padding_mask as right_padding_mask
from course_lib.attention import scaled_dot_product_attention as right_attention
from course_lib.attention import softmax as right_softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import (
    add_messages,
    are_distributions,
    call_on_batch,
    count_of_arrays,
    empty_row_right,
    is_mask,
    masked_keys_move_nothing,
    masked_right,
    mistake,
    same_values,
    scale_suspects,
    scaled_right,
    survives_large_scores,
    two_arrays,
    weighs_some,
)
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw
from course_lib.classroom.practice.trial import call

# Sizes that are all different, so that no exchange of axes goes unseen; independent queries, keys and values.
QUERIES, KEYS, D_K, D_V = 4, 6, 9, 5

add_messages({
    "queries-with-queries": "Rows of one array are compared with each other. An entry needs one of each: query i · key j.",
    "scores-softmaxed": "These are weights already: every row sums to 1. Here the plain dot products; the softmax comes next.",
    "softmax-maximum-of-columns": "You subtract the largest score of each column. Only what is the same for a whole row cancels: "
    "take the maximum along the last axis.",
    "softmax-shift-above-only": "What you subtract above the line is missing below it. Shift the scores once, then use the "
    "shifted ones in both places.",
    "softmax-divides-by-scores": "Exponentials above the line, plain scores below it. Add up the exponentials: then the shares "
    "make 1.",
    "shares-without-exponential": "These are shares of the scores themselves, moved or cut so that none is negative. A softmax takes "
    "shares of e^score.",
    "softmax-of-a-multiple": "These are the weights of {factor:.3g} times the scores. Were they divided, or is it the power of "
    "another number than e?",
    "softmax-fixed-shift": "Small scores give 0/0: you subtract one and the same number from all of them. Each row needs its own.",
    "scaled-after-softmax": "√d_k comes too late: you divide the weights, or the context. Divide the scores, in front of the softmax.",
    "none-hides-all": "Without a mask nobody gets any weight: in `np.where(mask, …)` None counts as False. mask=None means that every "
    "key is allowed.",
    "mask-allows-none": "Every entry is False: nobody may look at anything.",
    "causal-itself-only": "Each position sees itself alone. It may see all positions before it, too.",
    "axis-in-front": "Your new axis stands in front of the batch. That of the queries comes after it: (batch, 1, seq_len).",
    "length-added": "The length is added to the direction. It stretches it: length times (cos, sin).",
    "length-on-one-axis": "The length stretches one of the two numbers only. It is length times both.",
    "context-for-weights": "These are context vectors, or queries: two numbers an angle. Asked for are the weights, one a key.",
    "values-from-queries": "The context mixes the queries, embeddings @ W_Q. The values are embeddings @ W_V.",
    "sign-lost": "A score of -3 weighs as much as one of 3: absolute values and squares lose the sign. Exponentials keep the "
    "order.",
    "softmax-minimum-subtracted": "You subtract a row's smallest score. The others then lie above 0 and can overflow: only with "
    "the largest one no exponent is above 0.",
    "softmax-absolute-maximum": "You subtract the largest absolute value. A row of very negative scores then sinks further and "
    "becomes 0/0: subtract the largest score itself.",
    "context-not-the-mix": "The weights are right, but the context is not their mix of the values: `weights @ values`, with the "
    "very weights that you return.",
    "query-axis-repeated": "The entries are right, once for every query. An axis of length 1 says it to all of them: "
    "(batch, 1, seq_len).",
    "heads-axis": "There is one axis too many: (batch, 1, 1, seq_len) is for scores with heads. Here they are (batch, queries, "
    "keys).",
    "causal-too": "You hide the future as well. That is the other mask; they meet in the next cell.",
    "padding-on-the-right-assumed": "You allow the first tokens, up to a count or up to the first padding. Padding may stand on "
    "the left: compare each token with pad_id.",
})  # fmt: skip


@checks(
    "03.scores",
    title="Scores: every query against every key",
    points=1,
    hints=[
        "Entry (i, j) is one number: query i · key j. Two loops would do it; which matrix product does both at once?",
        "The keys have to stand as columns: transpose them, so that d_k meets d_k.",
        "For any number of leading axes: `queries @ np.swapaxes(keys, -1, -2)`.",
    ],
)
def scores(candidate):
    square, other = draw(1, 4, 4), draw(2, 4, 4)
    same_values(call(candidate, square, other), square @ other.T, "scores", score_suspects(square, other))
    queries, keys = draw(3, QUERIES, D_K), draw(4, KEYS, D_K)
    same_values(call(candidate, queries, keys), queries @ keys.T, "scores", score_suspects(queries, keys))
    queries, keys = draw(5, 2, 3, QUERIES, D_K), draw(6, 2, 3, KEYS, D_K)
    got, expected = call_on_batch(candidate, queries, keys), dot_scores(queries, keys)
    assert got.ndim <= expected.ndim, mistake("dot-on-batch", expected=expected, got=got, what="scores")
    same_values(got, expected, "scores", when_wrong="wrong-on-batch")


def score_suspects(queries, keys):
    """What well-known mistakes give for the scores of (queries, d_k) and (keys, d_k)."""
    right = queries @ keys.T
    lengths = np.linalg.norm(queries, axis=-1)[:, None] * np.linalg.norm(keys, axis=-1)
    distances = ((queries[:, None] - keys[None]) ** 2).sum(axis=-1)
    suspects = {
        "scores-transposed": right.T,
        "scores-scaled": right / np.sqrt(keys.shape[-1]),
        "scores-normalised": right / lengths,
        "scores-averaged": right / keys.shape[-1],
        "last-product-only": queries[:, -1:] * keys[:, -1],
        "negative-distance": [-distances, distances, np.sqrt(distances), -np.sqrt(distances)],
        "elementwise": [queries[:, None] * keys],
        "queries-with-queries": [queries @ queries.T, keys @ keys.T],
        "scores-softmaxed": [right_softmax(right), right_softmax(right / np.sqrt(keys.shape[-1]))],
    }
    if queries.shape == keys.shape:
        suspects["no-transpose"] = queries @ keys
        suspects["elementwise"].append(queries * keys)
    return suspects


@checks(
    "03.softmax",
    title="A softmax that survives large scores",
    points=2,
    hints=[
        "Exponentiate, then divide each row by its own sum. `axis=-1, keepdims=True` keeps the sums standing as a column.",
        "e¹⁰⁰⁰ is too large for a float. Adding the same number to a whole row changes nothing in its softmax: which number helps?",
        "Subtract `scores.max(axis=-1, keepdims=True)` before `np.exp`.",
    ],
)
def softmax(candidate):
    for rows in (draw(1, 5, 5), draw(2, QUERIES, KEYS)):
        got = call(candidate, rows)
        are_distributions(got, right_softmax(rows))
        if got.shape == rows.shape and np.isnan(got).all() and np.isfinite(call(candidate, rows + 1000)).all():
            raise AssertionError(mistake("softmax-fixed-shift", expected=right_softmax(rows), got=got, what="weights"))
        show = {"expected": right_softmax(rows), "got": got, "what": "weights"}
        if probes.first_match(got, softmax_suspects(rows)) is None:
            factor = factor_on(got, rows)
            assert factor is None or abs(factor - 1) < 0.01, mistake("softmax-of-a-multiple", factor=factor, **show)
        same_values(got, right_softmax(rows), "weights", softmax_suspects(rows), when_wrong=not_a_distribution(got))

    large = np.array([[1000.0, 999.0, 997.0], [3.0, 1.0, 0.0], [-2000.0, -2001.0, -2002.5]])
    got, expected = call(candidate, large), right_softmax(large)
    show = {"expected": expected, "got": got, "what": "weights of large scores"}
    if got.shape == expected.shape and not np.isfinite(got).all():
        if not np.isfinite(got[0]).all():
            raise AssertionError(mistake("softmax-overflow", **show))
        alone_well = np.isfinite(call(candidate, large[2:])).all()
        raise AssertionError(mistake("softmax-global-maximum" if alone_well else "softmax-absolute-maximum", **show))
    same_values(got, expected, "weights of large scores", when_wrong="softmax-clipped")

    lonely = np.array([[1000.0, 0.0, -1.0, -2.0], [0.0, 1.0, 2.0, 1500.0]])  # far above the mean of its row
    got, expected = call(candidate, lonely), right_softmax(lonely)
    show = {"expected": expected, "got": got, "what": "weights beside a large score"}
    if got.shape == expected.shape and not np.isfinite(got).all():
        balanced = call(candidate, np.array([[500.0, 0.0, -500.0]]))  # its mean does no harm, its smallest score does
        well = np.isfinite(balanced).all()
        raise AssertionError(mistake("softmax-mean-subtracted" if well else "softmax-minimum-subtracted", **show))
    same_values(got, expected, "weights beside a large score")

    batch = draw(3, 2, 3, 5)
    suspects = {"softmax-axis-1": right_softmax(batch, axis=1)}
    got = call_on_batch(candidate, batch)
    same_values(got, right_softmax(batch), "weights", suspects, when_wrong="wrong-on-batch")


def softmax_suspects(rows):
    """What well-known mistakes give for the softmax of a matrix."""
    exponentials = np.exp(rows)
    below_columns = np.exp(rows - rows.max(axis=0))
    shifted = np.exp(rows - rows.max(axis=-1, keepdims=True))
    suspects = {
        "softmax-over-queries": right_softmax(rows, axis=0),
        "softmax-over-everything": exponentials / exponentials.sum(),
        "no-exponential": rows / rows.sum(axis=-1, keepdims=True),
        "hard-maximum": (rows == rows.max(axis=-1, keepdims=True)).astype(float),
        "sigmoid": 1 / (1 + np.exp(-rows)),
        "returns-logarithm": np.log(right_softmax(rows)),
        "softmax-twice": right_softmax(right_softmax(rows)),
        "softmax-smallest-wins": right_softmax(-rows),
        "no-softmax": rows,
        "softmax-maximum-of-columns": below_columns / below_columns.sum(axis=-1, keepdims=True),
        "softmax-shift-above-only": shifted / exponentials.sum(axis=-1, keepdims=True),
        "softmax-divides-by-scores": [exponentials / rows.sum(axis=-1, keepdims=True),
                                      shifted / rows.sum(axis=-1, keepdims=True)],
        "shares-without-exponential": [above / above.sum(axis=-1, keepdims=True)
                                       for above in (rows - rows.min(axis=-1, keepdims=True), np.maximum(rows, 0),
                                                     rows - rows.min())],
        "sign-lost": [abs(rows) / abs(rows).sum(axis=-1, keepdims=True),
                      rows**2 / (rows**2).sum(axis=-1, keepdims=True)],
    }  # fmt: skip
    if rows.shape[0] == rows.shape[1]:  # where a row of sums or maxima silently lines up with the columns
        columnwise = np.exp(rows - rows.max(axis=-1))
        suspects["missing-keepdims"] = [
            exponentials / exponentials.sum(axis=-1),
            shifted / shifted.sum(axis=-1),
            columnwise / columnwise.sum(axis=-1, keepdims=True),
            columnwise / columnwise.sum(axis=-1),
        ]
    return suspects


def factor_on(weights, scores):
    """The factor on the scores (rows, columns) of which these weights are the softmax, or None if there is none."""
    if weights.shape != scores.shape or not probes.sums_to_one(weights) or not np.all(weights > 0):
        return None
    logs, scores = (table - table.mean(axis=-1, keepdims=True) for table in (np.log(weights), scores))
    factor = (logs * scores).sum() / (scores * scores).sum()
    return factor if np.abs(logs - factor * scores).max() < 1e-2 else None


def not_a_distribution(weights):
    """The diagnosis for weights that no suspect explains."""
    return "different-values" if probes.sums_to_one(weights) else "rows-do-not-sum-to-1"


def colleagues_weights(scores, mask):
    """A colleague's attention weights: masked keys get 0. All her tests pass."""
    exponentials = np.exp(scores) * mask
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@checks(
    "03.breaking_case",
    title="Find the bug: break the colleague's weights",
    points=1,
    hints=[
        "Her tests use small scores. What does `np.exp` give for large ones, positive or negative?",
        "A float64 ends near 1.8e308. e^x passes it between x = 709 and x = 710.",
        "For example one query and two keys, with scores 1000 and 0, everything allowed.",
    ],
)
def breaking_case(candidate):
    got = call(candidate)
    returned = count_of_arrays(got)
    pair = isinstance(got, tuple) and len(got) == 2
    assert pair, mistake("not-a-pair-of-scores", returned=returned)
    table, mask = got
    assert mask.dtype.kind == "b", mistake("mask-not-boolean")
    assert table.ndim == 2 and mask.shape == table.shape, mistake(
        "wrong-shape", expected=table, got=mask, what="mask and scores"
    )
    example = np.array([[0.0, 0.0]])
    assert table.size, mistake(
        "wrong-shape", expected=example, got=table, what="scores, of a query and two keys at least"
    )
    assert np.isfinite(table).all(), mistake("scores-not-finite")
    assert mask.any(axis=-1).all(), mistake("case-fully-masked")
    with np.errstate(all="ignore"):
        hers = colleagues_weights(table.astype(float), mask)
    expected = right_softmax(table.astype(float), mask=mask)
    assert not probes.close(hers, expected), mistake(
        "does-not-break", expected=expected, got=hers, what="colleague's weights"
    )


@checks(
    "03.masked_softmax",
    title="Repair it: a softmax over the allowed keys",
    points=2,
    hints=[
        "Mask first: give masked scores the value -inf, since e^(-inf) is exactly 0. Then go on as in softmax.",
        "Take the maximum after masking. A large score nobody may look at must not decide what is subtracted.",
        "A row without any allowed key has the maximum -inf and the sum 0. Replace that maximum by 0 and that sum by 1, for "
        "example with `np.where`.",
    ],
)
def masked_softmax(candidate):
    table = draw(1, QUERIES, KEYS)
    mask = draw(2, QUERIES, KEYS) > -0.3
    mask[:, 0], mask[:, -1] = True, False
    got = call(candidate, table, np.ones_like(mask))
    weighs_some(got, table, lambda some: call(candidate, table, np.broadcast_to(some, table.shape)))
    are_distributions(got, right_softmax(table))
    masked_right(call(candidate, table, mask), table, mask)
    same_values(got, right_softmax(table), "weights", softmax_suspects(table), when_wrong=not_a_distribution(got))

    large = np.array([[1000.0, 998.0, 5.0], [-1000.0, -1001.0, -1003.0]])
    open_to_all = np.ones_like(large, dtype=bool)
    got, expected = call(candidate, large, open_to_all), right_softmax(large)
    if got.shape == expected.shape and probes.close(got[:1], expected[:1]) and not probes.close(got, expected):
        alone_well = probes.close(call(candidate, large[1:], open_to_all[1:]), expected[1:])
        show = {"expected": expected, "got": got, "what": "weights of large scores"}
        assert not alone_well, mistake("softmax-global-maximum", **show)
    survives_large_scores(got, expected, "weights")

    hidden_giant = np.array([[2000.0, 1.0, 0.0], [0.5, 3000.0, 1.0]])
    mask = hidden_giant < 100
    got, expected = call(candidate, hidden_giant, mask), right_softmax(hidden_giant, mask=mask)
    show = {"expected": expected, "got": got, "what": "weights beside a large masked score"}
    assert probes.close(got, expected), mistake("maximum-over-masked", **show)

    mask = np.array([[True, False, True], [False, False, False]])
    got = call(candidate, np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]]), mask)
    empty_row_right(got[1:], "weights")

    batch = draw(3, 2, 3, QUERIES, KEYS)
    mask = draw(4, 2, 1, QUERIES, KEYS) > -1
    mask[..., 0] = True
    got = call_on_batch(candidate, batch, mask)
    same_values(got, right_softmax(batch, mask=mask), "weights", when_wrong="wrong-on-batch")


@checks(
    "03.scaled_dot_product_attention",
    title="Scaled dot-product attention",
    points=4,
    hints=[
        "Four steps: scores, divided by √d_k, softmax over the allowed keys, times the values. You have written two of them.",
        "d_k is `keys.shape[-1]`. When `mask` is None every key is allowed: `np.ones(scores.shape, dtype=bool)`.",
        "`weights = masked_softmax(scores(queries, keys) / np.sqrt(keys.shape[-1]), mask)`, then `weights @ values`.",
    ],
)
def scaled_dot_product_attention(candidate):
    queries, keys, values = draw(1, QUERIES, D_K), draw(2, KEYS, D_K), draw(3, KEYS, D_V)
    got = call(candidate, queries, keys, values)
    if isinstance(got, tuple) and len(got) == 2 and not np.any(np.nan_to_num(got[1])):
        open_to_all = call(candidate, queries, keys, values, np.ones((QUERIES, KEYS), dtype=bool))[1]
        show = {"expected": right_attention(queries, keys, values)[1], "got": got[1], "what": "weights"}
        assert not np.any(np.nan_to_num(open_to_all)), mistake("none-hides-all", **show)
    attention_right(got, queries, keys, values)

    mask = draw(4, QUERIES, KEYS) > -0.3
    mask[:, 0], mask[:, -1] = True, False
    context, weights = pair_of(call(candidate, queries, keys, values, mask), queries, keys, values)
    masked_right(weights, scaled_dot_scores(queries, keys), mask)
    expected = right_attention(queries, keys, values, mask)[0]
    same_values(context, expected, "context under a mask", when_wrong="context-not-the-mix")
    masked_keys_move_nothing(lambda nudged: call(candidate, queries, nudged, values, mask)[1], keys, mask)

    mask[1] = False
    context, weights = pair_of(call(candidate, queries, keys, values, mask), queries, keys, values)
    empty_row_right(weights[1:2], "weights")
    empty_row_right(context[1:2], "context")

    far = 40 * queries, 40 * keys, values
    context, weights = pair_of(call(candidate, *far), *far)
    expected = right_attention(*far)
    survives_large_scores(weights, expected[1], "weights")
    survives_large_scores(context, expected[0], "context")

    half = [array.astype(np.float16) for array in (queries, keys, values)]
    context, weights = pair_of(call(candidate, *half, mask), *half)
    expected = right_attention(queries, keys, values, mask)
    finite = np.isfinite(context).all() and np.isfinite(weights).all()
    assert finite, mistake("float16-overflow", expected=expected[0], got=context, what="context in half precision")

    batch = draw(5, 2, 3, QUERIES, D_K), draw(6, 2, 3, KEYS, D_K), draw(7, 2, 3, KEYS, D_V)
    context, weights = pair_of(call_on_batch(candidate, *batch), *batch)
    expected = right_attention(*batch)
    same_values(weights, expected[1], "weights", when_wrong="wrong-on-batch")
    same_values(context, expected[0], "context", when_wrong="wrong-on-batch")


def pair_of(got, queries, keys, values):
    """Assert that an answer is (context, weights), naming what it is instead; give it back.

    Args:
        got: what the learner's function returned.
        queries, keys, values: (…, queries, d_k), (…, keys, d_k), (…, keys, d_v).
    """
    raw = dot_scores(queries, keys)
    context, weights = right_attention(queries, keys, values)
    first, second = two_arrays(got, context, weights)
    for array, right, which in ((first, context, "context"), (second, weights, "weights")):
        is_scores = probes.close(array, raw) or probes.close(array, scaled_dot_scores(queries, keys))
        assert not is_scores, mistake("returns-scores", which=which, expected=right, got=array, what=which)
    show = {"expected": context, "got": first, "what": "context"}
    assert first.shape != weights.shape, mistake("returns-weights", **show)
    return first, second


def attention_right(got, queries, keys, values, suspects_of_scale=None):
    """Assert that (context, weights) is attention without a mask: its axis, its scale, what it mixes."""
    context, weights = pair_of(got, queries, keys, values)
    expected_context, expected_weights = right_attention(queries, keys, values)
    are_distributions(weights, expected_weights)
    unscaled, root = right_softmax(dot_scores(queries, keys)), np.sqrt(keys.shape[-1])
    too_late = probes.close(weights, unscaled / root) or probes.close(context, unscaled @ values / root)
    show = {"expected": expected_context, "got": context, "what": "context"}
    assert not too_late, mistake("scaled-after-softmax", **show)
    suspects = {"returns-logarithm": np.log(expected_weights), "softmax-twice": right_softmax(expected_weights)}
    found = probes.first_match(weights, suspects)
    assert found is None, mistake(found, expected=expected_weights, got=weights, what="weights")
    if weights.shape == expected_weights.shape:
        suspects = scale_suspects(keys.shape[-1], values.shape[-1], len(keys)) | (suspects_of_scale or {})
        scaled_right(weights, queries, keys, suspects)
    same_values(weights, expected_weights, "weights", when_wrong=not_a_distribution(weights))
    same_values(context, expected_context, "context", {"mixes-keys": weights @ keys}, when_wrong="context-not-the-mix")


@checks(
    "03.causal_mask",
    title="The causal mask",
    points=1,
    hints=[
        "Row i is query i: it may see keys 0 to i, itself included.",
        "Compare positions: `np.arange(seq_len)` as a column and as a row. Or look for NumPy's triangle.",
        "`np.tril(np.ones((seq_len, seq_len), dtype=bool))`.",
    ],
)
def causal_mask(candidate):
    for seq_len in (5, 1, 8):
        ones = np.ones((seq_len, seq_len), dtype=bool)
        suspects = {
            "mask-inverted": ~np.tril(ones),
            "causal-diagonal-excluded": np.tril(ones, k=-1),
            "causal-sees-next": np.tril(ones, k=1),
            "causal-transposed": np.triu(ones),
            "mask-allows-all": ones,
            "mask-allows-none": ~ones,
            "causal-itself-only": np.eye(seq_len, dtype=bool),
        }
        is_mask(call(candidate, seq_len), right_causal_mask(seq_len), suspects)


@checks(
    "03.padding_mask",
    title="The padding mask",
    points=2,
    hints=[
        "Which tokens may be looked at? Those that are not pad_id: one comparison.",
        "Scores are (batch, queries, keys). Your mask speaks of the keys: it needs an axis of length 1 where the queries are.",
        "`(token_ids != pad_id)[:, None, :]`.",
    ],
)
def padding_mask(candidate):
    sentences = np.array([[5, 7, 2, 0, 0], [4, 0, 0, 0, 0], [3, 8, 6, 1, 9]])
    right_side = call(candidate, sentences, 0)
    is_mask(right_side, right_padding_mask(sentences), padding_suspects(sentences, 0))
    # Padding on the left, another pad_id, and tokens on both sides of it in number.
    sentences = np.array([[9, 9, 3, 12, 0], [9, 15, 0, 2, 4]])
    is_mask(call(candidate, sentences, 9), right_padding_mask(sentences, 9), padding_suspects(sentences, 9))


def padding_suspects(token_ids, pad_id):
    """What well-known mistakes give for the padding mask of token ids (batch, seq_len)."""
    real = token_ids != pad_id
    return {
        "mask-inverted": ~real[:, None, :],
        "no-query-axis": real,
        "masks-queries": real[:, :, None],
        "masks-queries-too": real[:, :, None] & real[:, None, :],
        "pad-id-hard-coded": (token_ids != 0)[:, None, :],
        "compares-greater": (token_ids > pad_id)[:, None, :],
        "query-axis-repeated": np.repeat(real[:, None, :], real.shape[1], axis=1),
        "heads-axis": real[:, None, None, :],
        "causal-too": real[:, None, :] & right_causal_mask(real.shape[1]),
        "padding-on-the-right-assumed": [
            (np.arange(real.shape[1]) < real.sum(axis=1)[:, None])[:, None, :],
            np.logical_and.accumulate(real, axis=1)[:, None, :],
        ],
        "axis-in-front": real[None],
        "mask-allows-all": np.ones_like(real)[:, None, :],
        "mask-allows-none": np.zeros_like(real)[:, None, :],
    }


@checks(
    "03.weights_at_angles",
    title="A query that turns away from its keys",
    points=2,
    hints=[
        "One query an angle: length · (cos angle, sin angle). All of them together are a matrix (angles, 2).",
        "`np.stack([np.cos(angles), np.sin(angles)], axis=-1)`, times the length.",
        "Then it is attention without the values: the second thing your scaled_dot_product_attention returns.",
    ],
)
def weights_at_angles(candidate):
    angles = np.linspace(0.0, 6.0, 7)
    keys = np.array([[1.0, 0.0], [-0.4, 0.9], [-0.6, -0.7], [0.2, 1.1], [0.8, -0.3]])
    for length in (1.0, 3.0):
        queries = length * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        got = call(candidate, angles, length, keys)
        show = {"expected": right_softmax(scaled_dot_scores(queries, keys)), "got": got, "what": "what you return"}
        assert got.shape != queries.shape, mistake("context-for-weights", **show)
        expected = right_softmax(scaled_dot_scores(queries, keys))
        in_degrees = length * np.stack([np.cos(np.radians(angles)), np.sin(np.radians(angles))], axis=-1)
        as_degrees = length * np.stack([np.cos(np.degrees(angles)), np.sin(np.degrees(angles))], axis=-1)
        clockwise = queries * [1, -1]
        directions = keys / np.linalg.norm(keys, axis=-1, keepdims=True)
        plain = scaled_dot_scores(queries, keys)
        suspects = {
            "degrees": [right_softmax(scaled_dot_scores(each, keys)) for each in (in_degrees, as_degrees)],
            "length-added": right_softmax(scaled_dot_scores(queries / length + length, keys)),
            "length-on-one-axis": [
                right_softmax(scaled_dot_scores(queries / [1, length], keys)),
                right_softmax(scaled_dot_scores(queries / [length, 1], keys)),
            ],
            "sine-cosine-swapped": right_softmax(scaled_dot_scores(queries[:, ::-1], keys)),
            "turns-clockwise": right_softmax(scaled_dot_scores(clockwise, keys)),
            "length-ignored": right_softmax(scaled_dot_scores(queries / length, keys)),
            "length-twice": right_softmax(scaled_dot_scores(queries * length, keys)),
            "scores-transposed": expected.T,
            "returns-scores": plain,
            "no-exponential": plain / plain.sum(axis=-1, keepdims=True),
            "scores-normalised": right_softmax(scaled_dot_scores(queries, directions)),
            "softmax-over-queries": right_softmax(scaled_dot_scores(queries, keys), axis=0),
        }
        if not probes.close(got, expected) and got.shape == expected.shape:
            found = probes.first_match(got, suspects)
            assert found is None, mistake(found, which="weights", expected=expected, got=got, what="weights")
            scaled_right(got, queries, keys, scale_suspects(2, KEYS, len(keys)))
        same_values(got, expected, "weights", suspects, when_wrong=not_a_distribution(got))


@checks(
    "03.self_attention",
    title="Self-attention over a sentence",
    points=3,
    hints=[
        "The same embeddings are projected three times: `embeddings @ W_Q`, `@ W_K`, `@ W_V`.",
        "Then it is what you have written already: give the three projections to scaled_dot_product_attention.",
        "`return scaled_dot_product_attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask)`.",
    ],
)
def self_attention(candidate):
    seq_len, d_model, d_k, d_v = 5, 6, 4, 3
    embeddings = draw(1, seq_len, d_model)
    W_Q, W_K, W_V = draw(2, d_model, d_k) / 2, draw(3, d_model, d_k) / 2, draw(4, d_model, d_v)
    queries, keys, values = embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V
    context, weights = pair_of(call(candidate, embeddings, W_Q, W_K, W_V), queries, keys, values)
    expected = right_attention(queries, keys, values)
    row_each = context.ndim == 2 and len(context) == seq_len  # of whatever width: the checks below name what was mixed
    assert row_each, mistake("wrong-shape", expected=expected[0], got=context, what="context")
    assert weights.shape == expected[1].shape, mistake("wrong-shape", expected=expected[1], got=weights, what="weights")
    suspects = {
        "no-projection": right_softmax(scaled_dot_scores(embeddings, embeddings)),
        "projections-swapped": right_softmax(scaled_dot_scores(keys, queries)),
        "keys-from-queries": [right_softmax(scaled_dot_scores(one, one)) for one in (queries, keys)],
    }
    found = probes.first_match(weights, suspects)
    assert found is None, mistake(found, expected=expected[1], got=weights, what="weights")
    order = np.array([3, 0, 4, 1, 2])
    shuffled, follows = probes.follows_permutation(
        lambda words: call(candidate, words, W_Q, W_K, W_V)[0], embeddings, order
    )
    ignores_order = probes.close(shuffled, follows)
    assert ignores_order, mistake("order-matters", expected=follows, got=shuffled, what="context of the shuffled words")
    suspects = {"values-not-projected": weights @ embeddings, "values-from-keys": weights @ keys}
    suspects["values-from-queries"] = weights @ queries
    found = probes.first_match(context, suspects)
    assert found is None, mistake(found, expected=expected[0], got=context, what="context")
    attention_right((context, weights), queries, keys, values, {"scaled-by-d_model": 1 / np.sqrt(d_model)})

    mask = right_causal_mask(seq_len)
    context, weights = pair_of(call(candidate, embeddings, W_Q, W_K, W_V, mask), queries, keys, values)
    masked_right(weights, scaled_dot_scores(queries, keys), mask)
    same_values(context, right_attention(queries, keys, values, mask)[0], "context under a mask")

"""Lesson 03, self-attention by hand: what is right, and each mistake with its sentence, in the order of its exercises."""

import numpy as np

from course_lib.classroom.practice import answers
from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import judged, reference
from course_lib.classroom.practice.facts import count_of
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips.attention import (
    NAN_IN_EMPTY_ROWS,
    ORDINARY_SCORES,
    WITH_EPSILON,
    WITHOUT_BATCH,
    WITHOUT_MASK,
    attention_by,
    below,
    below_row,
    dot_products,
    hidden,
    highest,
    is_real,
    mixed,
    order_mistakes,
    projected,
    scaled,
    shares,
    up_to_itself,
)
from course_lib.classroom.practice.slips.attention import softmax as softmax_step
from course_lib.classroom.practice.steps import step
from course_lib.classroom.practice.trial import call

# Sizes that are all different, so that no exchange of axes goes unseen; independent queries, keys and values.
QUERIES, KEYS, D_K, D_V = 4, 6, 9, 5

# ----------------------------------------------------------------------------------------------------------------------
# Scores
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "03.scores",
    title="Scores: every query against every key",
    points=1,
    hints=[
        "Entry (i, j) is one number: query i · key j. Two loops would do it; which matrix product does both at once?",
        "The keys have to stand as columns: transpose them, so that d_k meets d_k.",
        "For any number of leading axes: `queries @ np.swapaxes(keys, -1, -2)`.",
    ],
    returns="scores",
)
def scores(queries, keys):
    return dot_products(queries, keys)


@cases("03.scores")
def score_cases():
    yield Case("two queries, three keys", draw(7, 2, 4).round(1), draw(8, 3, 4).round(1))
    yield Case("a square of queries and keys", draw(1, 4, 4), draw(2, 4, 4))
    yield Case("other numbers of queries and keys", draw(3, QUERIES, D_K), draw(4, KEYS, D_K))
    yield Case("a batch", draw(9, 2, QUERIES, D_K), draw(10, 2, KEYS, D_K))
    yield Case("a batch with two leading axes", draw(5, 2, 3, QUERIES, D_K), draw(6, 2, 3, KEYS, D_K))


def weights_of(queries, keys):
    """Scores turned into weights, which is a step of its own."""
    return softmax_step(scores(queries, keys))


mistake("03.scores", "scores-softmaxed",
        "These are weights already: every row sums to 1. Here the plain dot products; the softmax comes next.",
        weights_of, lambda queries, keys: softmax_step(scaled(dot_products(queries, keys), keys.shape[-1])))  # fmt: skip
mistake("03.scores", "leading-axes", None, lambda queries, keys: np.einsum("bqd,bkd->bqk", queries, keys),
        lambda queries, keys: queries @ np.swapaxes(keys, 1, 2))  # fmt: skip
mistake("03.scores", "as-many-keys-as-queries", "Your table has as many columns as there are queries. There is one for each key.",
        lambda queries, keys: dot_products(queries, keys[..., : queries.shape[-2], :]))  # fmt: skip
mistake("03.scores", "batch-first-only", None,
        lambda queries, keys: np.broadcast_to((s := scores(queries, keys))[(0,) * (s.ndim - 2)], s.shape))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Softmax
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "03.softmax",
    title="A softmax that survives large scores",
    points=2,
    hints=[
        "Exponentiate, then divide each row by its own sum. `axis=-1, keepdims=True` keeps the sums standing as a column.",
        "e¹⁰⁰⁰ is too large for a float. Adding the same number to a whole row changes nothing in its softmax: which number helps?",
        "Subtract `scores.max(axis=-1, keepdims=True)` before `np.exp`.",
    ],
    returns="weights",
    same=WITHOUT_MASK,
)
def softmax(scores):
    return softmax_step(scores)


@cases("03.softmax")
def softmax_cases():
    yield Case("a small table", draw(1, 2, 3).round(1))
    yield Case("a square table", draw(2, 3, 3))
    yield Case("a table with more rows than columns", draw(3, KEYS, QUERIES))
    yield Case("scores around 1000", np.array([[1000.0, 999, 997]]), edge=True)
    yield Case("scores around -2000", np.array([[-2000.0, -2001, -2002.5]]), edge=True)
    yield Case("a row from -500 to 500", np.array([[500.0, 0, -500]]), edge=True)
    heights = np.array([[1000.0, 999, 997], [3, 1, 0], [-2000, -2001, -2002.5]])
    yield Case("rows of very different height", heights, edge=True)
    yield Case("one large score beside small ones", np.array([[1000.0, 0, -1, -2], [0, 1, 2, 1500]]), edge=True)
    yield Case("a batch", draw(4, 2, 3, 5))
    yield Case("a row alone, without other axes", draw(5, 6), edge=True)


mistake("03.softmax", "rounded", "Your result is rounded.",
        *(lambda scores, digits=digits: np.round(softmax(scores), digits) for digits in (1, 2, 3, 4)))  # fmt: skip
mistake("03.softmax", "softmax-of-a-multiple", None,
        lambda scores: softmax(scores / np.sqrt(scores.shape[-1])), lambda scores: softmax(scores / scores.shape[-1]),
        *(lambda scores, by=by: softmax(scores / by) for by in (2, 10, 100, 1000)))  # fmt: skip
mistake("03.softmax", "softmax-normalised-scores",
        "The scores are divided first, by their length, spread or largest one. A softmax takes them as they come.",
        *(lambda scores, size=size: softmax(scores / size(scores, axis=-1, keepdims=True))
          for size in (np.linalg.norm, np.std, np.max, lambda scores, **rows: abs(scores).max(**rows))))  # fmt: skip


@holds("03.softmax", "rows-do-not-sum-to-1")
def rows_sum_to_one(weights, scores, mask=None):
    total = weights.sum(axis=-1)
    some = np.ones(total.shape, dtype=bool) if mask is None else np.broadcast_to(mask, weights.shape).any(axis=-1)
    return not np.isfinite(total).all() or np.allclose(total[some], 1, atol=1e-5)


# ----------------------------------------------------------------------------------------------------------------------
# A mask in it
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_weights(scores, mask):
    """A colleague's attention weights: masked keys get 0. All her tests pass."""
    exponentials = np.exp(scores) * mask
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@judged(
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
    require(isinstance(got, tuple) and len(got) == 2, "not-a-pair-of-scores",
            "Two arrays were expected, `return scores, mask`; your function returns {returned}.",
            returned=count_of(got))  # fmt: skip
    table, mask = got
    require(mask.dtype.kind == "b" or table.dtype.kind != "b", "case-swapped",
            "You return the mask first. The order is `return scores, mask`.")  # fmt: skip
    require(
        mask.dtype.kind == "b", "mask-not-boolean", "Your mask holds numbers. A mask is boolean: True = may attend."
    )
    require(table.ndim == 2 and table.size and mask.shape == table.shape, "case-shape",
            "Scores have shape {table}, the mask has {mask}; expected the same two axes, (queries, keys), of one entry at least.",
            table=table.shape, mask=mask.shape)  # fmt: skip
    require(np.isfinite(table).all(), "scores-not-finite",
            "Your scores hold NaN or infinity. It breaks with perfectly finite ones.")  # fmt: skip
    require(mask.any(axis=-1).all(), "case-fully-masked",
            "A row of your mask allows no key at all. That breaks it too, but it is another question; find one in which every row "
            "has a key to look at.")  # fmt: skip
    expected = softmax_step(table.astype(float), mask)
    with np.errstate(all="ignore"):
        hers = [colleagues_weights(scores, mask) for scores in (table, table.astype(float))]
    require(not all(answers.close(one, expected) for one in hers), "does-not-break", "colleagues_weights copes with this: "
            "every row sums to 1. How large is the largest x for which np.exp(x) is finite?")  # fmt: skip


def case(scores, mask):
    """A wrong answer of this exercise: a function that returns these two."""
    return lambda: (np.array(scores), np.array(mask))


BREAKING = "03.breaking_case"
mistake(BREAKING, "not-a-pair-of-scores", None, lambda: np.array([[1000.0, 0.0]]))
mistake(BREAKING, "case-swapped", None, lambda: case([[1000.0, 0.0]], [[True, True]])()[::-1])
mistake(BREAKING, "mask-not-boolean", None, case([[1000.0, 0.0]], [[1, 1]]))
mistake(BREAKING, "case-shape", None, case([[1000.0, 0.0]], [[True]]), case([1000.0, 0.0], [True, True]))
mistake(BREAKING, "scores-not-finite", None, case([[np.inf, 0.0]], [[True, True]]))
mistake(BREAKING, "case-fully-masked", None, case([[1.0, 0.0]], [[False, False]]))
mistake(BREAKING, "does-not-break", None, case([[700.0, 0.0]], [[True, True]]), case([[1.0, 2.0]], [[True, True]]))


@reference(
    "03.masked_softmax",
    title="Repair it: a softmax over the allowed keys",
    points=2,
    hints=[
        "Mask first: give masked scores the value -inf, since e^(-inf) is exactly 0. Then go on as in softmax.",
        "Take the maximum after masking. A large score nobody may look at must not decide what is subtracted.",
        "A row without any allowed key has the maximum -inf and the sum 0. Replace that maximum by 0 and that sum by 1, for "
        "example with `np.where`.",
    ],
    returns="weights",
)
def masked_softmax(scores, mask):
    return softmax_step(scores, mask)


def some_mask(seed, *shape):
    """A mask in which every row allows its first key and hides its last one."""
    mask = draw(seed, *shape) > -0.3
    mask[..., 0], mask[..., -1] = True, False
    return mask


@cases("03.masked_softmax")
def masked_softmax_cases():
    small = np.array([[True, True, False], [True, False, True]])
    yield Case("a mask that hides some keys", draw(1, 2, 3).round(1), small)
    table, mask = draw(2, QUERIES, KEYS), some_mask(3, QUERIES, KEYS)
    yield Case("a larger table", table, mask)
    yield Case("a mask that allows everything", draw(4, 3, 3), np.ones((3, 3), dtype=bool))
    nobody = np.array([[True, False, True], [False] * 3])
    yield Case("a row with every key masked", np.array([[1.0, 2, 3], [3, 1, 2]]), nobody)
    large = np.array([[1000.0, 998, 5], [-1000, -1001, -1003]])
    yield Case("scores around 1000", large[:1], np.ones((1, 3), dtype=bool), edge=True)
    yield Case("scores around -1000", large[1:], np.ones((1, 3), dtype=bool), edge=True)
    yield Case("rows of very different height", large, np.ones_like(large, dtype=bool), edge=True)
    giant = np.array([[2000.0, 1, 0], [0.5, 3000, 1]])
    yield Case("a large masked score beside small allowed ones", giant, giant < 100, edge=True)
    low = np.array([[-1000.0, -1000, 0], [-2000, 5, -2001]])
    yield Case("allowed scores far below 0 beside a masked one", low, low < -100, edge=True)
    yield Case("every row masked", draw(5, 2, 3), np.zeros((2, 3), dtype=bool), edge=True)
    mask = draw(6, 2, 1, QUERIES, KEYS) > -1
    mask[..., 0] = True
    yield Case("a batch, with a mask that broadcasts", draw(7, 2, 3, QUERIES, KEYS), mask)


mistake("03.masked_softmax", "fully-masked-not-zero",
        "A row with every key masked gives its weight to a single key. We decide: all 0.",
        lambda scores, mask: np.where(
            mask.any(axis=-1, keepdims=True), softmax_step(scores, mask), np.eye(scores.shape[-1])[0]))  # fmt: skip
mistake("03.masked_softmax", "fully-masked-nan", None,
        lambda scores, mask: shares(np.exp(hidden(scores, mask))) if mask.any() else np.zeros(scores.shape),
        lambda scores, mask: (shares(np.exp((s := hidden(scores, mask)) - s.max(axis=-1, keepdims=True)))
                              if mask.any() else np.zeros(scores.shape)))  # fmt: skip
mistake("03.masked_softmax", "maximum-over-masked", None, lambda scores, mask: below(scores, mask, highest, late=True))
mistake("03.masked_softmax", "softmax-over-everything", None, lambda scores, mask: shares(
    np.exp(hidden(scores, mask) - scores[np.broadcast_to(mask, scores.shape)].max()), axis=None))  # fmt: skip
mistake("03.masked_softmax", "epsilon-in-the-sum", None, *WITH_EPSILON)


holds("03.masked_softmax", "rows-do-not-sum-to-1")(rows_sum_to_one)


@holds("03.masked_softmax", "mask-leaks")
def hides_what_is_masked(weights, scores, mask):
    return not np.any(np.nan_to_num(weights)[~np.broadcast_to(mask, weights.shape)])


# ----------------------------------------------------------------------------------------------------------------------
# Attention
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "03.scaled_dot_product_attention",
    title="Scaled dot-product attention",
    points=4,
    hints=[
        "Four steps: scores, divided by √d_k, softmax over the allowed keys, times the values. You have written two of them.",
        "d_k is `keys.shape[-1]`. When `mask` is None every key is allowed: `np.ones(scores.shape, dtype=bool)`.",
        "`weights = masked_softmax(scores(queries, keys) / np.sqrt(keys.shape[-1]), mask)`, then `weights @ values`.",
    ],
    returns=("context", "weights"),
)
def scaled_dot_product_attention(queries, keys, values, mask=None):
    weights = softmax_step(scaled(dot_products(queries, keys), keys.shape[-1]), mask)
    return mixed(weights, values), weights


@cases("03.scaled_dot_product_attention")
def attention_cases():
    queries, keys, values = draw(1, QUERIES, D_K), draw(2, KEYS, D_K), draw(3, KEYS, D_V)
    mask = some_mask(4, QUERIES, KEYS)
    yield Case("one query, two keys", draw(8, 1, 4).round(1), draw(9, 2, 4).round(1), draw(10, 2, 3).round(1))
    small = draw(15, 2, 4).round(1), draw(16, 3, 4).round(1), draw(17, 3, 2).round(1)
    yield Case("a small mask", *small, np.array([[True, True, False], [True, False, True]]))
    yield Case("no mask", queries, keys, values)
    yield Case("a mask that hides some keys", queries, keys, values, mask)
    nobody = mask.copy()
    nobody[1] = False
    yield Case("a query that may attend to no key", queries, keys, values, nobody)
    yield Case("scores in the hundreds", 40 * queries, 40 * keys, values, edge=True)
    square = [draw(seed, 4, 4) for seed in (11, 12, 13)]
    yield Case("as many queries as keys and features", *square)
    signs = np.array([[1.0, 0], [-1, 0], [0, 1]])
    heights = np.array([[3000.0, 0, 0], [2990, 0, 900], [-3000, 0, 0], [-3010, 0, -2000], [0, 3, 1]])
    far = signs @ np.eye(2, 3), heights, draw(14, 5, 2)
    yield Case("rows of very different height", *far, edge=True)
    behind, between = (np.tile(np.isin(np.arange(5), seen), (3, 1)) for seen in ([2, 3, 4], [2, 3]))
    yield Case("a large masked score beside small allowed ones", *far, behind, edge=True)
    yield Case("allowed scores far below 0 beside a masked one", *far, between, edge=True)
    half = [array.astype(np.float16) for array in (queries, keys, values)]
    yield Case("half precision (float16), with a mask", *half, nobody, edge=True, within=2e-2)
    yield Case("a batch", draw(5, 2, 3, QUERIES, D_K), draw(6, 2, 3, KEYS, D_K), draw(7, 2, 3, KEYS, D_V))


ATTENTION = "03.scaled_dot_product_attention"
attention = scaled_dot_product_attention

mistake(ATTENTION, "scaled-by-d_k", None, attention_by(divisor=lambda queries, keys, values: keys.shape[-1]))
mistake(ATTENTION, "causal-without-a-mask", None,
        lambda q, k, v, mask=None: attention(q, k, v, np.tri(q.shape[-2], k.shape[-2], dtype=bool) if mask is None else mask))  # fmt: skip
mistake(ATTENTION, "mask-of-queries-alone", "Without a mask you make one of (queries, queries). There may be more keys than "
        "queries, or fewer.",
        lambda q, k, v, mask=None: attention(q, k, v, np.ones((q.shape[-2],) * 2, dtype=bool) if mask is None else mask))  # fmt: skip
mistake(ATTENTION, "scaled-by-d_v", None,
        attention_by(divisor=lambda queries, keys, values: np.sqrt(values.shape[-1])))  # fmt: skip
mistake(ATTENTION, "scaled-by-a-constant",
        "The weights imply the same scale whatever d_k is. It has to follow d_k.",
        *(attention_by(divisor=lambda *_, by=by: by) for by in (2, 8, np.sqrt(2), np.sqrt(64), np.sqrt(512))))  # fmt: skip
mistake(ATTENTION, "none-hides-all",
        "Without a mask nobody gets any weight, or everybody the same: in `np.where(mask, …)` None counts as False. mask=None means "
        "that every key is allowed.",
        *(attention_by(lambda scores, mask, fill=fill: below_row(np.where(mask, scores, fill))) for fill in (-np.inf, -1e9, -1e30)),
        attention_by(lambda scores, mask: np.nan_to_num(below_row(np.where(mask, scores, -np.inf)))),
        attention_by(lambda scores, mask: softmax_step(scores, np.asarray(mask, dtype=bool))))  # fmt: skip
mistake(ATTENTION, "fully-masked-uniform", None,  # the root a number of Python's: scores stay in half precision, where -1e9 is -inf
        lambda q, k, v, mask=None: ((w := below_row(hidden(dot_products(q, k) / k.shape[-1] ** 0.5, mask, -1e9))) @ v, w))  # fmt: skip
mistake(ATTENTION, "float16-overflow",
        "In half precision (float16) your result is not finite: -1e9 does not fit, the smallest is about -65504.",
        lambda queries, keys, values, mask=None: (
            w := (shares(np.exp((s := dot_products(queries, keys) / keys.shape[-1] ** 0.5
                                 + (0 if mask is None else ~mask * np.asarray(-1e9, dtype=queries.dtype)))
                                - s.max(axis=-1, keepdims=True)))
                  * (1 if mask is None else mask.any(axis=-1, keepdims=True))), (w @ values, w))[1])  # fmt: skip
mistake(ATTENTION, "returns-weights", "In place of the context you return the weights. The context is weights times values.",
        lambda *inputs: (attention(*inputs)[1],) * 2)  # fmt: skip
mistake(ATTENTION, "returns-scores", "In place of the weights or the context you return the scores.",
        lambda *inputs: (attention(*inputs)[0], dot_products(*inputs[:2])),
        lambda *inputs: (attention(*inputs)[0], scaled(dot_products(*inputs[:2]), inputs[1].shape[-1])),
        lambda *inputs: (dot_products(*inputs[:2]), attention(*inputs)[1]))  # fmt: skip
order_mistakes(ATTENTION, attention)
mistake(ATTENTION, "mixes-keys", None,
        lambda *inputs: (attention(*inputs)[1] @ inputs[1], attention(*inputs)[1]))  # fmt: skip
mistake(ATTENTION, "mixes-before-the-mask", None,
        lambda *inputs: (attention(*inputs[:3])[0], attention(*inputs)[1]))  # fmt: skip
mistake(ATTENTION, "scaled-after-softmax",
        "√d_k comes too late: you divide the weights, or the context. Divide the scores, in front of the softmax.",
        lambda queries, keys, values, mask=None: (
            (w := softmax_step(dot_products(queries, keys), mask) / np.sqrt(keys.shape[-1])) @ values, w),
        lambda queries, keys, values, mask=None: (
            (w := softmax_step(dot_products(queries, keys), mask)) @ values / np.sqrt(keys.shape[-1]), w))  # fmt: skip
mistake(ATTENTION, "scaled-twice", None,
        lambda *inputs: ((pair := attention(*inputs))[0] / np.sqrt(inputs[1].shape[-1]), pair[1]),
        attention_by(divisor=lambda queries, keys, values: keys.shape[-1] ** 1.5))  # fmt: skip


@holds(ATTENTION, "outputs-swapped")
def attention_weights_come_second(got, queries, keys, values, mask=None):
    if got[0].shape != got[1].shape or not np.isfinite(got[0]).all():
        return True
    return rows_sum_to_one(got[1], None, mask) or not rows_sum_to_one(got[0], None, mask)


@holds(ATTENTION, "rows-do-not-sum-to-1")
def attention_rows_sum_to_one(got, queries, keys, values, mask=None):
    return rows_sum_to_one(got[1], None, mask)


@holds(ATTENTION, "mask-leaks")
def attention_hides_what_is_masked(got, queries, keys, values, mask=None):
    return mask is None or hides_what_is_masked(got[1], None, mask)


@holds(ATTENTION, "context-not-the-mix",
       "The weights are right, but the context is not their mix of the values. Use the very weights that you return.")  # fmt: skip
def context_is_the_mix(got, queries, keys, values, mask=None):
    weights = attention(queries, keys, values, mask)[1]
    return not answers.close(got[1], weights) or answers.close(got[0], weights @ values)


# ----------------------------------------------------------------------------------------------------------------------
# Masks
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "03.causal_mask",
    title="The causal mask",
    points=1,
    hints=[
        "Row i is query i: it may see keys 0 to i, itself included.",
        "Compare positions: `np.arange(seq_len)` as a column and as a row. Or look for NumPy's triangle.",
        "`np.tril(np.ones((seq_len, seq_len), dtype=bool))`.",
    ],
    returns="mask",
)
def causal_mask(seq_len):
    return up_to_itself(seq_len)


@cases("03.causal_mask")
def causal_mask_cases():
    for seq_len in (3, 1, 2, *generator(1).choice(np.arange(4, 12), 2, replace=False).tolist()):
        yield Case(f"{seq_len} token{'s' * (seq_len > 1)}", seq_len)


mistake("03.causal_mask", "ended-early", "Only the beginning is filled. Does a `return` stand inside of a loop?",
        lambda seq_len: np.tri(seq_len, dtype=bool) & (np.arange(seq_len) == 0)[:, None])  # fmt: skip
mistake("03.causal_mask", "causal-five-tokens", "Your mask has one size, whatever seq_len is. Use the parameter.",
        *(lambda seq_len, size=size: np.tri(size, dtype=bool) for size in (3, 4, 5)))  # fmt: skip
MASK_OF_NUMBERS = "Your mask holds numbers, 1 and 0. A mask is boolean: True = may attend."
ADDITIVE = (
    "You return numbers to add to the scores (0 and a large negative one). Here a mask is boolean: True = may attend."
)
mistake("03.causal_mask", "mask-of-ones-and-zeros", MASK_OF_NUMBERS, lambda seq_len: np.tri(seq_len))
mistake("03.causal_mask", "mask-additive", ADDITIVE,
        *(lambda seq_len, fill=fill: np.where(np.tri(seq_len, dtype=bool), 0.0, fill) for fill in (-np.inf, -1e9)))  # fmt: skip
mistake("03.causal_mask", "mask-extra-axis", "There is one axis too many. Asked for is (seq_len, seq_len).",
        lambda seq_len: np.tri(seq_len, dtype=bool)[None], lambda seq_len: np.tri(seq_len, dtype=bool)[None, None])  # fmt: skip


@reference(
    "03.padding_mask",
    title="The padding mask",
    points=2,
    hints=[
        "Which tokens may be looked at? Those that are not pad_id: one comparison.",
        "Scores are (batch, queries, keys). Your mask speaks of the keys: it needs an axis of length 1 where the queries are.",
        "`(token_ids != pad_id)[:, None, :]`.",
    ],
    returns="mask",
)
def padding_mask(token_ids, pad_id=0):
    return is_real(token_ids, pad_id)[:, None, :]


@cases("03.padding_mask")
def padding_mask_cases():
    yield Case("padding on the right", np.array([[5, 7, 2, 0, 0], [4, 0, 0, 0, 0], [3, 8, 6, 1, 9]]), 0)
    left = np.array([[9, 9, 3, 12, 0], [9, 15, 0, 2, 4]])
    yield Case("padding on the left, another pad_id, tokens above and below it", left, 9)
    yield Case("padding between real tokens", np.array([[4, 2, 5, 2], [2, 1, 1, 2]]), 2)
    yield Case("other sentences", generator(1).integers(0, 4, (3, 6)), 1)


PADDING = "03.padding_mask"
mistake(PADDING, "no-query-axis", "The shape is (batch, seq_len). Against scores (batch, queries, keys) it would line up wrongly: "
        "insert an axis of 1 for the queries.", lambda ids, pad_id=0: ids != pad_id)  # fmt: skip
mistake(PADDING, "masks-queries", "You mask the queries that are padding; what nobody may look at is the keys: (batch, 1, seq_len).",
        lambda ids, pad_id=0: (ids != pad_id)[:, :, None])  # fmt: skip
mistake(PADDING, "masks-queries-too", "You mask padding as a query too. That empties whole rows; the mask is about keys: (batch, 1, "
        "seq_len).", lambda ids, pad_id=0: (ids != pad_id)[:, :, None] & (ids != pad_id)[:, None, :])  # fmt: skip
mistake(PADDING, "query-axis-repeated", "The entries are right, once for every query. An axis of length 1 says it to all of them: "
        "(batch, 1, seq_len).", lambda ids, pad_id=0: np.repeat((ids != pad_id)[:, None, :], ids.shape[1], axis=1))  # fmt: skip
mistake(PADDING, "heads-axis", "There is one axis too many: (batch, 1, 1, seq_len) is for scores with heads. Here they are (batch, "
        "queries, keys).", lambda ids, pad_id=0: (ids != pad_id)[:, None, None, :])  # fmt: skip
mistake(PADDING, "causal-too", "You hide the future as well. That is the other mask; they meet in the next cell.",
        lambda ids, pad_id=0: (ids != pad_id)[:, None, :] & np.tri(ids.shape[1], dtype=bool))  # fmt: skip
mistake(PADDING, "axis-in-front", "Your new axis stands in front of the batch. That of the queries comes after it: (batch, 1, seq_len).",
        lambda ids, pad_id=0: (ids != pad_id)[None])  # fmt: skip
mistake(PADDING, "mask-of-ones-and-zeros", None, lambda ids, pad_id=0: (ids != pad_id)[:, None, :].astype(int))
mistake(PADDING, "mask-additive", None,
        *(lambda ids, pad_id=0, fill=fill: np.where(ids != pad_id, 0.0, fill)[:, None, :] for fill in (-np.inf, -1e9)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# A query that turns
# ----------------------------------------------------------------------------------------------------------------------


@step
def pointing(angles, length):
    """One query an angle: (angles, 2)."""
    return length * np.stack([np.cos(angles), np.sin(angles)], axis=-1)


pointing.slip("degrees", "Your angles look like degrees. They are in radians here, as np.cos takes them.",
        lambda angles, length: pointing(np.radians(angles), length),
        lambda angles, length: pointing(np.degrees(angles), length))  # fmt: skip
pointing.slip("sine-cosine-swapped", "Angle 0 has to point along the first axis: (cos, sin), not (sin, cos).",
              lambda angles, length: pointing(angles, length)[:, ::-1])  # fmt: skip
pointing.slip("turns-clockwise", "Your query turns clockwise: check the sign of the sine.",
              lambda angles, length: pointing(-angles, length))  # fmt: skip
pointing.slip("length-ignored", "The length of the query changes nothing in your weights.",
              lambda angles, length: pointing(angles, 1.0))  # fmt: skip
pointing.slip("length-twice", "The length enters twice. It stretches the query only; the keys stay as they are.",
              lambda angles, length: pointing(angles, length**2))  # fmt: skip
pointing.slip("length-added", "The length is added to the direction. It stretches it: length times (cos, sin).",
              lambda angles, length: length + pointing(angles, 1.0))  # fmt: skip
pointing.slip("length-on-one-axis", "The length stretches one of the two numbers only. It is length times both.",
        lambda angles, length: pointing(angles, 1.0) * [length, 1],
        lambda angles, length: pointing(angles, 1.0) * [1, length])  # fmt: skip
pointing.slip("length-turns", "The length multiplies the angle. It stretches the query: length times (cos, sin).",
              lambda angles, length: pointing(length * angles, 1.0), lambda angles, length: pointing(length * angles, length))  # fmt: skip
pointing.slip("reshape-for-transpose", None,
              lambda angles, length: length * np.reshape([np.cos(angles), np.sin(angles)], (-1, 2)))  # fmt: skip
pointing.slip("length-divides", "The length divides. It stretches the query: length times (cos, sin).",
              lambda angles, length: pointing(angles, 1 / length))  # fmt: skip


@reference(
    "03.weights_at_angles",
    title="A query that turns away from its keys",
    points=2,
    hints=[
        "One query an angle: length · (cos angle, sin angle). All of them together are a matrix (angles, 2).",
        "`np.stack([np.cos(angles), np.sin(angles)], axis=-1)`, times the length.",
        "Then it is attention without the values: the second thing your scaled_dot_product_attention returns.",
    ],
    returns="weights",
    same=WITHOUT_MASK | WITHOUT_BATCH,
)
def weights_at_angles(angles, length, keys):
    return softmax_step(scaled(dot_products(pointing(angles, length), keys), keys.shape[-1]))


@cases("03.weights_at_angles")
def angle_cases():
    keys = np.array([[1.0, 0.0], [-0.4, 0.9], [-0.6, -0.7], [0.2, 1.1], [0.8, -0.3]])
    yield Case("a query of length 1", np.linspace(0.0, 6.0, 7), 1.0, keys)
    yield Case("a query of length 3", np.linspace(0.0, 6.0, 7), 3.0, keys)
    yield Case("a very long query", np.linspace(0.1, 6.0, 7), 1e4, keys, edge=True)
    yield Case("two keys", np.linspace(0.5, 5.0, 3), 2.0, draw(2, 2, 2))
    yield Case("as many angles as keys", np.linspace(0.5, 5.0, 5), 2.0, keys + draw(1, 5, 2) / 4)


ANGLES = "03.weights_at_angles"
mistake(ANGLES, "returns-scores-alone", "These are scores, not weights. The softmax comes next.",
        lambda angles, length, keys: pointing(angles, length) @ keys.T / np.sqrt(2),
        lambda angles, length, keys: pointing(angles, length) @ keys.T)  # fmt: skip
mistake(ANGLES, "length-after-softmax", "The length multiplies the finished weights. It stretches the query, in front of the scores.",
        lambda angles, length, keys: length * weights_at_angles(angles, 1.0, keys))  # fmt: skip
mistake(ANGLES, "angles-as-columns", "Rows and columns are exchanged: a row for each angle, a column for each key.",
        lambda *inputs: weights_at_angles(*inputs).T)  # fmt: skip
mistake(ANGLES, "context-for-weights", "These are context vectors, or queries: two numbers an angle. Asked for are the "
        "weights, one a key.", lambda angles, length, keys: weights_at_angles(angles, length, keys) @ keys,
        lambda angles, length, keys: pointing(angles, length))  # fmt: skip
mistake(ANGLES, "both-for-weights", "You return context and weights. Asked for are the weights alone.",
        lambda angles, length, keys: attention(pointing(angles, length), keys, keys))  # fmt: skip


@holds(ANGLES, "rows-do-not-sum-to-1")
def angles_sum_to_one(weights, angles, length, keys):
    return rows_sum_to_one(weights, None)


# ----------------------------------------------------------------------------------------------------------------------
# Self-attention
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "03.self_attention",
    title="Self-attention over a sentence",
    points=3,
    hints=[
        "The same embeddings are projected three times: `embeddings @ W_Q`, `@ W_K`, `@ W_V`.",
        "Then it is what you have written already: give the three projections to scaled_dot_product_attention.",
        "`return scaled_dot_product_attention(embeddings @ W_Q, embeddings @ W_K, embeddings @ W_V, mask)`.",
    ],
    returns=("context", "weights"),
    same=WITHOUT_BATCH | ORDINARY_SCORES - NAN_IN_EMPTY_ROWS,
)
def self_attention(embeddings, W_Q, W_K, W_V, mask=None):
    queries = projected(embeddings, W_Q, at="as queries")
    keys = projected(embeddings, W_K, at="as keys")
    return attention(queries, keys, projected(embeddings, W_V, at="as values"), mask)


@cases("03.self_attention")
def self_attention_cases():
    seq_len, d_model, d_k, d_v = 5, 6, 4, 3
    embeddings = draw(1, seq_len, d_model)
    matrices = draw(2, d_model, d_k) / 2, draw(3, d_model, d_k) / 2, draw(4, d_model, d_v)
    yield Case("a sentence without a mask", embeddings, *matrices)
    yield Case("the same words in another order", embeddings[[3, 0, 4, 1, 2]], *matrices)
    yield Case("a causal mask", embeddings, *matrices, np.tri(seq_len, dtype=bool))
    yield Case("a word that may attend to none", embeddings, *matrices, np.tri(seq_len, k=-1, dtype=bool), edge=True)
    yield Case("as many words as queries have numbers", embeddings[:d_k], *matrices)
    square = [draw(seed, d_model, d_model) / 2 for seed in (5, 6, 7)]
    yield Case("square matrices", draw(8, 4, d_model), *square)


SELF = "03.self_attention"
made_of = lambda pick: lambda x, W_Q, W_K, W_V, mask=None: attention(*pick(x, x @ W_Q, x @ W_K, x @ W_V), mask)  # noqa: E731

mistake(SELF, "no-projection", None, made_of(lambda x, q, k, v: (x, x, v)), made_of(lambda x, q, k, v: (x, x, x)))
mistake(SELF, "projections-swapped", None, made_of(lambda x, q, k, v: (k, q, v)))
mistake(SELF, "keys-and-values-exchanged", None, made_of(lambda x, q, k, v: (q, v, k)))
mistake(SELF, "keys-from-queries", None, made_of(lambda x, q, k, v: (q, q, v)), made_of(lambda x, q, k, v: (k, k, v)))
mistake(SELF, "projection-transposed", None, lambda x, *all: self_attention(x, *(W.T for W in all[:3]), *all[3:]))
mistake(SELF, "residual-too-early", None, lambda x, *all: ((pair := self_attention(x, *all))[0] + x, pair[1]))
mistake(SELF, "values-from-keys", "The context mixes the keys, which W_K makes. The values are made by W_V.",
        made_of(lambda x, q, k, v: (q, k, k)))  # fmt: skip
mistake(SELF, "values-from-queries", "The context mixes the queries, which W_Q makes. The values are made by W_V.",
        made_of(lambda x, q, k, v: (q, k, q)))  # fmt: skip
mistake(SELF, "values-not-projected", None, made_of(lambda x, q, k, v: (q, k, x)))
for diagnosis, divisor in {
    "scaled-by-d_model": lambda x, v: x.shape[-1],
    "scaled-by-d_v": lambda x, v: v.shape[-1],
}.items():
    mistake(SELF, diagnosis, None, made_of(
        lambda x, q, k, v, divisor=divisor: (q * np.sqrt(q.shape[-1] / divisor(x, v)), k, v)))  # fmt: skip
mistake(SELF, "order-matters", "Shuffle the words and your context vectors do not shuffle along: something in your function depends on "
        "a word's place. Self-attention knows no order.",
        lambda x, *rest: self_attention(x + 0.1 * np.arange(len(x))[:, None], *rest))  # fmt: skip
mistake(SELF, "causal-without-a-mask", None,
        *(lambda x, W_Q, W_K, W_V, mask=None, always=always: self_attention(
            x, W_Q, W_K, W_V, np.tri(len(x), dtype=bool) if always or mask is None else mask) for always in (True, False)))  # fmt: skip
mistake(SELF, "context-summed-up", "The context of all words is added up to one vector. Each word has its own.",
        lambda *inputs: ((pair := self_attention(*inputs))[0].sum(axis=0), pair[1]),
        lambda *inputs: ((pair := self_attention(*inputs))[0].mean(axis=0), pair[1]))  # fmt: skip
order_mistakes(SELF, self_attention)

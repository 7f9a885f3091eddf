"""Steps of attention, and how they go wrong."""

import numpy as np

from course_lib.classroom.practice.catalogue import mistake, say
from course_lib.classroom.practice.steps import step

# ----------------------------------------------------------------------------------------------------------------------
# Scores
# ----------------------------------------------------------------------------------------------------------------------


@step
def dot_products(queries, keys):
    """Each query with each key: (..., queries, d_k), (..., keys, d_k) -> (..., queries, keys)."""
    return queries @ np.swapaxes(keys, -1, -2)


def distances(queries, keys):
    """Squared distances of each query from each key."""
    return ((queries[..., :, None, :] - keys[..., None, :, :]) ** 2).sum(axis=-1)


dot_products.slip(
    "no-transpose", "You multiply queries by keys without the transpose: entry (i, j) has to be query i · key j.",
    lambda queries, keys: queries @ keys,
    lambda queries, keys: queries @ keys if queries.shape[-1] == keys.shape[-2] else dot_products(queries, keys),
)  # fmt: skip
dot_products.slip(
    "fails-on-batch", "Right for one matrix, not on a batch of them. Count axes from the end: the last is -1, the one before "
    "it -2. `.T` turns all axes round.",
    lambda queries, keys: queries @ keys.T,
)  # fmt: skip
dot_products.slip(
    "dot-on-batch", "On a batch np.dot, np.inner and np.tensordot pair every matrix of one array with every matrix of the other. "
    "`@` pairs them one by one.",
    lambda queries, keys: np.dot(queries, np.swapaxes(keys, -1, -2)), np.inner,
)  # fmt: skip
dot_products.slip(
    "scores-transposed", "Rows and columns are exchanged: rows are queries, columns are keys.",
    lambda queries, keys: keys @ np.swapaxes(queries, -1, -2),
    lambda queries, keys: keys @ queries.T,
)  # fmt: skip
dot_products.slip(
    "elementwise", "You multiply number by number. A score is a dot product: multiply, then add up over d_k.",
    lambda queries, keys: queries * keys,
    lambda queries, keys: queries[..., :, None, :] * keys[..., None, :, :],
)  # fmt: skip
dot_products.slip(
    "rows-paired", "Row 0 meets row 0 alone, row 1 row 1, and so on. Every row of the one meets every row of the other.",
    lambda queries, keys: (queries * keys).sum(axis=-1), lambda queries, keys: (queries * keys).sum(axis=-1, keepdims=True),
    lambda queries, keys: (queries * keys) @ np.ones((queries.shape[-1], keys.shape[-2])),
)  # fmt: skip
dot_products.slip(
    "cast-to-whole-numbers", None, lambda queries, keys: dot_products(queries, keys).astype(int),
)  # fmt: skip
dot_products.slip(
    "scores-scaled", "√d_k divides your scores once more than is asked for.",
    lambda queries, keys: dot_products(queries, keys) / np.sqrt(keys.shape[-1]),
)  # fmt: skip
dot_products.slip(
    "scores-normalised", "These are cosines: the lengths are divided out. The plain dot product keeps them.",
    lambda queries, keys: dot_products(
        queries / np.linalg.norm(queries, axis=-1, keepdims=True), keys / np.linalg.norm(keys, axis=-1, keepdims=True)
    ),
    lambda queries, keys: dot_products(queries, keys / np.linalg.norm(keys, axis=-1, keepdims=True)),
    lambda queries, keys: dot_products(queries / np.linalg.norm(queries, axis=-1, keepdims=True), keys),
)  # fmt: skip
dot_products.slip(
    "scores-averaged", "Your scores are divided by how many products there are, as a mean. A score is their sum.",
    lambda queries, keys: dot_products(queries, keys) / keys.shape[-1],
)  # fmt: skip
dot_products.slip(
    "last-product-only", "Each entry holds one product, the last: in a loop `=` overwrites, `+=` adds up.",
    lambda queries, keys: queries[..., :, None, -1] * keys[..., None, :, -1],
)  # fmt: skip
dot_products.slip(
    "product-left-out", "One of the products is left out, the first or the last. A dot product adds up all of them.",
    lambda queries, keys: dot_products(queries[..., :-1], keys[..., :-1]),
    lambda queries, keys: dot_products(queries[..., 1:], keys[..., 1:]),
)  # fmt: skip
dot_products.slip(
    "first-product-only", "Each entry holds the first product alone. Does your loop go on to the others?",
    lambda queries, keys: queries[..., :, None, 0] * keys[..., None, :, 0],
)  # fmt: skip
dot_products.slip(
    "reshape-for-transpose", "A reshape deals the numbers out anew, row by row; it turns nothing round. Axes are exchanged by a "
    "transpose.",
    lambda queries, keys: queries @ keys.reshape(*keys.shape[:-2], keys.shape[-1], keys.shape[-2]),
)  # fmt: skip
dot_products.slip(
    "scores-centred", "You take off a mean first, as in a correlation. A dot product takes the vectors as they come.",
    lambda queries, keys: dot_products(
        queries - queries.mean(axis=-1, keepdims=True), keys - keys.mean(axis=-1, keepdims=True)
    ),
)  # fmt: skip
dot_products.slip(
    "sums-for-products", "You add up numbers of the vectors first. Multiply matching numbers, then add up.",
    lambda queries, keys: queries.sum(axis=-1)[..., :, None] * keys.sum(axis=-1)[..., None, :],
    lambda queries, keys: queries.sum(axis=-1)[..., :, None] + keys.sum(axis=-1)[..., None, :],
)  # fmt: skip
dot_products.slip(
    "negative-distance", "These are distances between the vectors, not dot products.",
    lambda queries, keys: -distances(queries, keys),
    lambda queries, keys: distances(queries, keys),
    lambda queries, keys: np.sqrt(distances(queries, keys)),
    lambda queries, keys: -np.sqrt(distances(queries, keys)),
)  # fmt: skip
dot_products.slip(
    "queries-with-queries", "Rows of one array are compared with each other. An entry needs one of each: query i · key j.",
    lambda queries, keys: dot_products(queries, queries),
    lambda queries, keys: dot_products(keys, keys),
)  # fmt: skip
dot_products.slip(
    "score-sign-lost", "The sign of the scores is lost: a query and a key that point in opposite directions have a negative one.",
    lambda queries, keys: abs(dot_products(queries, keys)),
    lambda queries, keys: np.maximum(dot_products(queries, keys), 0),
    lambda queries, keys: dot_products(queries, keys) ** 2,
)  # fmt: skip
dot_products.slip(
    "sign-flipped", "The largest score gets the smallest weight: there is a minus too many.",
    lambda queries, keys: -dot_products(queries, keys),
)  # fmt: skip


@step
def scaled(scores, d_k):
    """Scores divided by the root of how many products each adds up."""
    return scores / np.sqrt(d_k)


scaled.slip(
    "not-scaled", "The weights imply a scale of 1 on QKᵀ; expected 1/√d_k. Without it, long vectors make softmax saturate.",
    lambda scores, d_k: scores,
)  # fmt: skip
scaled.slip(
    "scaled-by-d_k", "The weights imply a scale of 1/d_k; expected 1/√d_k: divide by the standard deviation of a score, not by "
    "its variance.",
    lambda scores, d_k: scores / d_k,
)  # fmt: skip
scaled.slip(
    "scale-multiplied", "The weights imply a scale of √d_k: you multiply where you should divide.",
    lambda scores, d_k: scores * np.sqrt(d_k),
)  # fmt: skip
scaled.slip(
    "scaled-by-length", "The scores are divided by the root of how many queries or keys there are. Count what a dot product adds up: "
    "d_k products.",
    lambda scores, d_k: scores / np.sqrt(scores.shape[-1]),
    lambda scores, d_k: scores / np.sqrt(scores.shape[-2]),
)  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Softmax
# ----------------------------------------------------------------------------------------------------------------------


def hidden(scores, mask, fill=-np.inf):
    """Scores with a fill where the mask forbids."""
    return scores if mask is None else np.where(mask, scores, fill)


def shares(numbers, axis=-1):
    """Each number's share of their sum."""
    return numbers / numbers.sum(axis=axis, keepdims=True)


def shares_or_zero(numbers, axis=-1):
    """The same, and 0 where the sum is."""
    total = numbers.sum(axis=axis, keepdims=True)
    return numbers / np.where(total == 0, 1, total)


def below(scores, mask, level, *, late=False):
    """A softmax in which `level(scores)` is subtracted before the exponential; `late`: of all scores, hidden or not."""
    seen = hidden(scores, mask)
    with np.errstate(all="ignore"):
        height = level(scores if late else seen)
        exponentials = np.exp(seen - np.where(np.isfinite(height), height, 0))
    return shares_or_zero(exponentials)


def highest(scores):
    """The largest score of each row."""
    return scores.max(axis=-1, keepdims=True)


def below_row(scores):
    """The plain softmax that everybody writes: NaN where a row has nothing but -inf."""
    return shares(np.exp(scores - highest(scores)))


@step
def hide(scores, mask):
    """Masked scores become -inf."""
    return hidden(scores, mask)


@step
def lower(scores):
    """Each row without its largest score, so that no exponential overflows."""
    height = highest(scores)
    return scores - np.where(np.isfinite(height), height, 0)


@step
def exponentials(scores):
    """e to each score."""
    return np.exp(scores)


@step
def share(numbers):
    """Each number's share of its row; a row of zeros stays one."""
    return shares_or_zero(numbers)


@step
def softmax(scores, mask=None):
    """Shares of e^score along the last axis; hidden ones get 0, and a row in which all are hidden has only zeros."""
    return share(exponentials(lower(hide(scores, mask))))


def along(axis, fill=-np.inf, row=below_row):
    """A softmax along another axis, `row` being that of the last one."""
    return lambda scores, mask=None: np.swapaxes(row(np.swapaxes(hidden(scores, mask, fill), axis, -1)), axis, -1)


def each_along(axis):
    """The same with what becomes of a column in which all are hidden: NaN, even shares, or 0."""
    return along(axis), along(axis, -1e9), along(axis, row=lambda scores: below(scores, None, highest))


def of_numbers(change):
    """Shares of something else than exponentials; hidden ones count 0."""

    def wrong(scores, mask=None):
        numbers = change(scores)
        return shares(numbers if mask is None else np.where(mask, numbers, 0))

    return wrong


def after(change):
    """A right softmax, changed afterwards."""
    return lambda scores, mask=None: change(softmax(scores, mask))


def of_changed(change):
    """A right softmax of changed scores."""
    return lambda scores, mask=None: softmax(change(scores), mask)


softmax.slip(
    "fully-masked-nan", "A row with every key masked gives NaN (0/0). We decide: its weights are all 0, and so its context.",
    lambda scores, mask=None: below_row(hidden(scores, mask)),
)  # fmt: skip
softmax.slip(
    "fully-masked-uniform", "A row with every key masked shares out its weight all the same (or it is NaN, in half precision). "
    "We decide: all 0.",
    lambda scores, mask=None: softmax(scores + (0 if mask is None else np.where(mask, 0.0, -1e9))),
    lambda scores, mask=None: below_row(hidden(scores, mask, -1e9)),
    lambda scores, mask=None: softmax(scores, None if mask is None else mask | ~mask.any(axis=-1, keepdims=True)),
)  # fmt: skip
softmax.slip(
    "softmax-over-queries", "The columns sum to 1, the rows do not: your softmax runs over the queries. Which axis are the keys?",
    *each_along(-2),
)  # fmt: skip
softmax.slip(
    "softmax-axis-0", "Your softmax runs over axis 0. The keys are the last axis whatever the rank.",
    *each_along(0),
)  # fmt: skip
softmax.slip(
    "softmax-axis-1", "On a batch your softmax runs over axis 1. The keys are the last axis whatever the rank.",
    *each_along(1),
)  # fmt: skip
softmax.slip(
    "softmax-over-everything", "All entries together sum to 1. Each row is one query's own distribution: one total a row.",
    lambda scores, mask=None: shares_or_zero(np.exp(hidden(scores, mask) - scores.max()), axis=None),
)  # fmt: skip
softmax.slip(
    "softmax-overflow", "Scores of 1000 give NaN: e¹⁰⁰⁰ is too large for a float. What can you subtract from a row of scores "
    "without changing its softmax?",
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask))),
    lambda scores, mask=None: shares_or_zero(np.exp(hidden(scores, mask))),
    *(lambda scores, mask=None, part=part: part(np.exp(scores) * (1 if mask is None else mask)) for part in (shares, shares_or_zero)),
)  # fmt: skip
softmax.slip(
    "softmax-global-maximum", "A row far below the largest score becomes 0/0: you subtract one maximum for the whole matrix. "
    "Each row needs its own.",
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - hidden(scores, mask).max())),
    lambda scores, mask=None: shares_or_zero(np.exp(hidden(scores, mask) - hidden(scores, mask).max())),
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - scores.max())),
    lambda scores, mask=None: shares_or_zero(np.exp(hidden(scores, mask) - scores.max())),
)  # fmt: skip
softmax.slip(
    "softmax-mean-subtracted", "You subtract a row's mean. A score far above it still overflows: only with the largest score no "
    "exponent is above 0.",
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - scores.mean(axis=-1, keepdims=True))),
)  # fmt: skip
softmax.slip(
    "softmax-minimum-subtracted", "You subtract a row's smallest score. The others then lie above 0 and can overflow: only with "
    "the largest one no exponent is above 0.",
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - scores.min(axis=-1, keepdims=True))),
)  # fmt: skip
softmax.slip(
    "softmax-absolute-maximum", "You subtract the largest absolute value. A row of very negative scores then sinks further and "
    "becomes 0/0: subtract the largest score itself.",
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - abs(scores).max(axis=-1, keepdims=True))),
)  # fmt: skip
softmax.slip(
    "softmax-maximum-of-columns", "You subtract the largest score of each column. Only what is the same for a whole row cancels: "
    "take the maximum along the last axis.",
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - scores.max(axis=0))),
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - scores.max(axis=-2, keepdims=True))),
)  # fmt: skip
softmax.slip(
    "softmax-shift-above-only", "What you subtract above the line is missing below it. Shift the scores once, then use the "
    "shifted ones in both places.",
    lambda scores, mask=None: (
        np.exp(hidden(scores, mask) - highest(scores)) / np.exp(hidden(scores, mask)).sum(axis=-1, keepdims=True)
    ),
)  # fmt: skip
softmax.slip(
    "softmax-divides-by-scores", "Exponentials above the line, plain scores below it. Add up the exponentials: then the shares "
    "make 1.",
    lambda scores, mask=None: np.exp(hidden(scores, mask)) / scores.sum(axis=-1, keepdims=True),
    lambda scores, mask=None: np.exp(hidden(scores, mask) - highest(scores)) / scores.sum(axis=-1, keepdims=True),
)  # fmt: skip
softmax.slip(
    "softmax-fixed-shift", "Small scores give 0/0: you subtract one and the same number from all of them. Each row needs its own.",
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - 1000)),
)  # fmt: skip
softmax.slip(
    "softmax-clipped", "Large scores come out alike: a score of 1000 still has to beat 999. Subtracting the row's maximum "
    "keeps differences, clipping loses them.",
    lambda scores, mask=None: shares(np.exp(np.clip(hidden(scores, mask), -500, 500))),
    lambda scores, mask=None: shares(np.exp(np.clip(hidden(scores, mask), -700, 700))),
    lambda scores, mask=None: shares(np.exp(np.minimum(hidden(scores, mask), 700))),
    *(lambda scores, mask=None, most=most: shares(np.exp(np.clip(scores, -most, most)) * (1 if mask is None else mask))
      for most in (500, 700)),
)  # fmt: skip
softmax.slip(
    "nan-covered-up", "A row with large scores comes out as zeros: e¹⁰⁰⁰ is too large for a float, and the NaN is turned into 0 "
    "afterwards. What can you subtract from a row without changing its softmax?",
    lambda scores, mask=None: np.nan_to_num(shares(np.exp(hidden(scores, mask)))),
    lambda scores, mask=None: np.nan_to_num(shares(np.exp(scores) * (1 if mask is None else mask))),
)  # fmt: skip
softmax.slip(
    "missing-keepdims", "Your rows are divided by the sums of other rows: without `keepdims=True` the sums line up with the "
    "columns.",
    lambda scores, mask=None: (e := np.exp(hidden(scores, mask) - highest(scores))) / e.sum(axis=-1),
    lambda scores, mask=None: (e := np.exp(hidden(scores, mask))) / e.sum(axis=-1),
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - scores.max(axis=-1))),
    lambda scores, mask=None: (e := np.exp(hidden(scores, mask) - scores.max(axis=-1))) / e.sum(axis=-1),
)  # fmt: skip
softmax.slip(
    "no-exponential", "You divide by the sum of the scores themselves. Negative scores then give negative weights: "
    "exponentiate first.",
    of_numbers(lambda scores: scores),
)  # fmt: skip
softmax.slip(
    "shares-without-exponential", "These are shares of the scores themselves, moved or cut so that none is negative. A softmax "
    "takes shares of e^score.",
    of_numbers(lambda scores: scores - scores.min(axis=-1, keepdims=True)),
    of_numbers(lambda scores: np.maximum(scores, 0)), of_numbers(lambda scores: scores - scores.min()),
)  # fmt: skip
softmax.slip(
    "sign-lost", "A score of -3 weighs as much as one of 3: absolute values and squares lose the sign. Exponentials keep the "
    "order.",
    of_numbers(abs), of_numbers(np.square), of_changed(abs),
)  # fmt: skip
softmax.slip(
    "hard-maximum", "All the weight sits on the largest score. That is the maximum, not the soft one: every key keeps a share.",
    lambda scores, mask=None: (hidden(scores, mask) == highest(hidden(scores, mask))).astype(float),
    lambda scores, mask=None: np.eye(scores.shape[-1])[hidden(scores, mask).argmax(axis=-1)],
)  # fmt: skip
softmax.slip(
    "sigmoid", "Each value is squashed by itself (a sigmoid), so a row does not sum to 1. In a softmax the keys compete.",
    lambda scores, mask=None: 1 / (1 + np.exp(-hidden(scores, mask))),
)  # fmt: skip
softmax.slip(
    "returns-logarithm", "These are the logarithms of the weights. Exponentiate before you return.",
    after(np.log), lambda scores, mask=None: (seen := hidden(scores, mask)) - np.logaddexp.reduce(seen, axis=-1, keepdims=True),
)  # fmt: skip
softmax.slip(
    "softmax-twice", "These are weights of weights: your softmax is taken twice.",
    after(softmax), lambda scores, mask=None: softmax(softmax(scores, mask), mask),
)  # fmt: skip
softmax.slip(
    "softmax-smallest-wins", "The lowest score gets the largest weight: a sign is turned round.",
    of_changed(np.negative),
)  # fmt: skip
softmax.slip(
    "no-softmax", "These are scores, not weights: the rows do not sum to 1. The softmax is missing.",
    lambda scores, mask=None: hidden(scores, mask), lambda scores, mask=None: hidden(scores, mask, 0.0),
)  # fmt: skip
softmax.slip(
    "exponentials-not-divided", "These are exponentials: the rows do not sum to 1. Weights are shares: what divides each row?",
    lambda scores, mask=None: np.exp(hidden(scores, mask)),
    lambda scores, mask=None: np.exp(hidden(scores, mask) - highest(hidden(scores, mask))),
    lambda scores, mask=None: np.exp(hidden(scores, mask) - highest(scores)),
)  # fmt: skip
softmax.slip(
    "another-base", "The powers are of another number than e: of 2 or of 10.",
    of_changed(lambda scores: scores * np.log(2)), of_changed(lambda scores: scores * np.log(10)),
)  # fmt: skip

# Its parts, one by one: known here, a slip is known in any two together
hide.slip("mask-ignored", "A mask changes nothing in your weights. Where does it enter?", lambda scores, mask: scores)
hide.slip("mask-inverted", "The mask works the wrong way round: it hides what is allowed. True means may attend.",
          lambda scores, mask: hidden(scores, None if mask is None else ~mask))  # fmt: skip
hide.slip("mask-filled-with-zero", "Masked keys still get weight: a score of 0 is not nothing, e⁰ = 1. What score has e^score = 0?",
          lambda scores, mask: hidden(scores, mask, 0.0))  # fmt: skip
hide.slip("fully-masked-uniform", None,
          lambda scores, mask: hidden(scores, mask, -1e9), lambda scores, mask: hidden(scores, mask, -1e30))  # fmt: skip
lower.slip("softmax-overflow", None, lambda scores: scores)
lower.slip("softmax-global-maximum", None, lambda scores: scores - scores.max())
lower.slip("softmax-maximum-of-columns", None, lambda scores: scores - scores.max(axis=0))
lower.slip("softmax-mean-subtracted", None, lambda scores: scores - scores.mean(axis=-1, keepdims=True))
lower.slip("softmax-minimum-subtracted", None, lambda scores: scores - scores.min(axis=-1, keepdims=True))
lower.slip("softmax-smallest-wins", None, lambda scores: -scores, lambda scores: highest(scores) - scores)
exponentials.slip("another-base", None, lambda scores: 2.0**scores, lambda scores: 10.0**scores)
exponentials.slip("no-exponential", None, lambda scores: scores)
share.slip("softmax-over-queries", None, lambda e: shares(e, axis=-2))
share.slip("softmax-axis-0", None, lambda e: shares(e, axis=0))
share.slip("softmax-over-everything", None, lambda e: e / e.sum())
share.slip("missing-keepdims", None, lambda e: e / e.sum(axis=-1))
share.slip("exponentials-not-divided", None, lambda e: e)
share.slip("divided-by-the-largest", "Each row is divided by its largest entry. Shares are parts of the sum.",
           lambda e: e / e.max(axis=-1, keepdims=True))  # fmt: skip
share.slip("divided-by-length", "Each row is divided by its length, the root of the sum of squares. Shares are parts of the sum.",
           lambda e: e / np.linalg.norm(e, axis=-1, keepdims=True))  # fmt: skip
share.slip("divided-by-count", "You divide by how many there are. Shares are parts of the row's own sum.",
           lambda e: e / e.shape[-1], lambda e: e / e.mean(axis=-1, keepdims=True))  # fmt: skip
share.slip("fully-masked-nan", None, lambda e: shares(e))

# A mask, in a softmax
softmax.slip(
    "mask-after-softmax", "Masked weights are 0, but rows sum to less than 1: the mask comes after the softmax. Mask the scores "
    "first, so that the remaining keys share the whole.",
    lambda scores, mask=None: softmax(scores) * (1 if mask is None else mask),
)  # fmt: skip
softmax.slip(
    "mask-fill-too-small", "Masked keys still get weight where the scores are far from 0: what you fill in is not small enough "
    "beside them. What has no weight, whatever the others are?",
    *(lambda scores, mask=None, fill=fill: softmax(hidden(scores, mask, fill)) for fill in (-1.0, -10.0, -100.0, -1000.0)),
    *(lambda scores, mask=None, fill=fill: softmax(hidden(scores, mask, fill)) * (1 if mask is None else mask.any(-1, keepdims=True))
      for fill in (-1.0, -10.0, -100.0, -1000.0)),
)  # fmt: skip
softmax.slip(
    "mask-added", "The mask is added to the scores: True counts 1 there, which hides nothing.",
    lambda scores, mask=None: softmax(scores + (0 if mask is None else mask)),
    lambda scores, mask=None: softmax(scores - (0 if mask is None else mask)),
)  # fmt: skip
softmax.slip(
    "zero-times-infinity", "All is NaN: 0 · ∞ is not a number, and NaN spreads. Choose one of two values in place of calculating.",
    lambda scores, mask=None: shares(np.exp(scores + (0 if mask is None else (1 - mask) * -np.inf))),
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask, np.nan) - highest(hidden(scores, mask, np.nan)))),
    lambda scores, mask=None: shares(np.exp(scores * (1 if mask is None else np.where(mask, 1, -np.inf)))),
)  # fmt: skip
softmax.slip(
    "maximum-over-masked", "A large score that is masked wipes out the allowed ones: your maximum runs over the masked keys "
    "too. Mask first, then take the row's maximum.",
    lambda scores, mask=None: below(scores, mask, highest, late=True),
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - highest(scores))),
)  # fmt: skip
# What gives the right weights but for something small below the line, which shows where the row's own sum is small enough
WITH_EPSILON = [
    lambda scores, mask, eps=eps, late=late: (
        (e := np.exp(hidden(scores, mask) - highest(scores if late else hidden(scores, mask, -1e9))))
        / (e.sum(axis=-1, keepdims=True) + eps)
    )
    for late in (False, True)
    for eps in ((1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-9, 1e-12) if late else (1e-3, 1e-4, 1e-5))
]
softmax.slip(
    "masked-counted-as-zero", "Masked scores count as 0 when you look for the maximum. Beside allowed scores far below 0 that "
    "wipes those out: hidden ones must not count at all.",
    lambda scores, mask=None: below(scores, mask, lambda _: highest(hidden(scores, mask, 0.0))),
    lambda scores, mask=None: shares(np.exp(hidden(scores, mask) - highest(hidden(scores, mask, 0.0)))),
)  # fmt: skip
softmax.slip(  # where nothing was to be hidden, everything is
    "mask-inverted", None,
    *(lambda scores, mask=None, fill=fill: below_row(hidden(scores, None if mask is None else ~mask, fill))
      for fill in (-np.inf, -1e9, -1e30)),
    lambda scores, mask=None: below_row(scores + (0 if mask is None else ~mask * 1e9)),
)  # fmt: skip
for diagnosis, naive in {  # the same with exponentials as they come, too large for a float beside large scores
    "mask-filled-with-zero": lambda scores, mask=None: shares(np.exp(hidden(scores, mask, 0.0))),
    "mask-ignored": lambda scores, mask=None: shares(np.exp(scores)),
    "mask-after-softmax": lambda scores, mask=None: shares(np.exp(scores)) * (1 if mask is None else mask),
    "mask-inverted": lambda scores, mask=None: shares(np.exp(hidden(scores, None if mask is None else ~mask))),
}.items():
    softmax.slip(diagnosis, None, naive)
# What makes no difference where nothing is masked, where no row is fully masked, where scores are of ordinary size, and
# where there is no batch: an exercise that never comes there says so (`same`).
WITHOUT_EMPTY_ROWS = {"fully-masked-nan", "fully-masked-uniform"}
WITHOUT_MASK = WITHOUT_EMPTY_ROWS | {slip.diagnosis for slip in hide.slips} | {
    "mask-after-softmax", "mask-fill-too-small", "mask-added", "zero-times-infinity", "maximum-over-masked",
    "masked-counted-as-zero",
}  # fmt: skip
ORDINARY_SCORES = {
    "softmax-overflow", "softmax-global-maximum", "softmax-mean-subtracted", "softmax-minimum-subtracted",
    "softmax-absolute-maximum", "softmax-clipped", "nan-covered-up", "mask-fill-too-small", "maximum-over-masked", "masked-counted-as-zero",
}  # fmt: skip
# Of these, what shows in a row that is fully masked all the same
NAN_IN_EMPTY_ROWS = {
    "softmax-mean-subtracted", "softmax-minimum-subtracted", "softmax-absolute-maximum", "softmax-clipped",
}  # fmt: skip
WITHOUT_BATCH = {"softmax-axis-1", "dot-on-batch", "fails-on-batch"}

# ----------------------------------------------------------------------------------------------------------------------
# Values
# ----------------------------------------------------------------------------------------------------------------------


@step
def mixed(weights, values):
    """Each query's mix of the values: (..., queries, keys) @ (..., keys, d_v)."""
    return weights @ values


mixed.slip(
    "context-averaged", "Your context is divided once more, by how many keys there are. The weights sum to 1 already.",
    lambda weights, values: weights @ values / weights.shape[-1],
)  # fmt: skip
mixed.slip(
    "weights-transposed", "You turn the weights round before they mix: row i of the context is row i of the weights, times the "
    "values.",
    lambda weights, values: np.swapaxes(weights, -1, -2) @ values,
)  # fmt: skip
mixed.slip(
    "one-value-only", "Each query takes a single value, that of its largest weight. A context is a mix of all of them.",
    lambda weights, values: np.take_along_axis(values, weights.argmax(axis=-1)[..., None], axis=-2),
)  # fmt: skip
mixed.slip(
    "values-averaged", "Your context is the plain mean of the values: the weights have no part in it.",
    lambda weights, values: np.broadcast_to(
        values.mean(axis=-2, keepdims=True), (*weights.shape[:-1], values.shape[-1])
    ),
)  # fmt: skip


@step
def projected(x, W):
    """Tokens through a matrix: (..., d_model) @ (d_model, d_out)."""
    return x @ W


projected.slip(
    "not-projected", "The embeddings themselves are used{at}: the matrix that makes them is left out.",
    lambda x, W: x,
)  # fmt: skip
projected.slip(
    "projection-transposed", "The matrix is turned round{at}: its rows are the features that come in.",
    lambda x, W: x @ W.T,
)  # fmt: skip


def attention_by(softmax=softmax, divisor=lambda queries, keys, values: np.sqrt(keys.shape[-1])):
    """Attention with another softmax, a function of scores and mask, or another divisor, one of queries, keys and values."""

    def attend(queries, keys, values, mask=None):
        weights = softmax(dot_products(queries, keys) / divisor(queries, keys, values), mask)
        return weights @ values, weights

    return attend


# ----------------------------------------------------------------------------------------------------------------------
# Masks
# ----------------------------------------------------------------------------------------------------------------------


@step
def up_to_itself(length):
    """The causal mask (length, length): row i may see 0 to i."""
    return np.tri(length, dtype=bool)


up_to_itself.slip(
    "causal-inverted", "True and False are exchanged{at}: True means may attend.",
    lambda length: ~np.tri(length, dtype=bool),
)  # fmt: skip
up_to_itself.slip(
    "causal-diagonal-excluded", "Position i may not see itself: row 0 is empty. Each position sees itself, too.",
    lambda length: np.tri(length, k=-1, dtype=bool),
)  # fmt: skip
up_to_itself.slip(
    "causal-sees-next", "Position i sees position i + 1: the diagonal is one too high.",
    lambda length: np.tri(length, k=1, dtype=bool),
)  # fmt: skip
up_to_itself.slip(
    "causal-transposed", "Positions see the future instead of the past: that is the upper triangle.",
    lambda length: np.tri(length, dtype=bool).T,
)  # fmt: skip
up_to_itself.slip(
    "mask-allows-all", "Every entry is True: nothing is masked.",
    lambda length: np.ones((length, length), dtype=bool),
)  # fmt: skip
up_to_itself.slip(
    "mask-allows-none", "Every entry is False: nobody may look at anything.",
    lambda length: np.zeros((length, length), dtype=bool),
)  # fmt: skip
up_to_itself.slip(
    "causal-itself-only", "Each position sees itself alone. It may see all positions before it, too.",
    lambda length: np.eye(length, dtype=bool),
)  # fmt: skip


up_to_itself.slip(
    "causal-row-left-out", "A row is empty, the first or the last: each position may at least see itself.",
    lambda length: np.tri(length, dtype=bool) & (np.arange(length) > 0)[:, None],
    lambda length: np.tri(length, dtype=bool) & (np.arange(length) < length - 1)[:, None],
)  # fmt: skip
up_to_itself.slip(
    "causal-window", "Position i sees itself and a few positions before it. It may see all of them.",
    *(lambda length, width=width: np.tri(length, dtype=bool) & ~np.tri(length, k=-width, dtype=bool) for width in (2, 3)),
)  # fmt: skip


@step
def is_real(token_ids, pad_id):
    """Which tokens are real, not padding."""
    return token_ids != pad_id


is_real.slip(
    "mask-inverted-padding", "True and False are exchanged{at}: True means that it is a real token.",
    lambda token_ids, pad_id: token_ids == pad_id,
)  # fmt: skip
is_real.slip(
    "pad-id-hard-coded", "With another pad_id your function still looks for 0. Use the parameter.",
    lambda token_ids, pad_id: token_ids != 0, lambda token_ids, pad_id: token_ids > 0,
)  # fmt: skip
is_real.slip(
    "compares-greater", "Tokens with a number below pad_id count as padding too. Padding is what equals pad_id, nothing else.",
    lambda token_ids, pad_id: token_ids > pad_id,
)  # fmt: skip
is_real.slip(
    "padding-on-the-right-assumed", "You allow the first tokens, up to a count or up to the first padding. Padding may stand on "
    "the left: compare each token with pad_id.",
    lambda token_ids, pad_id: np.arange(token_ids.shape[-1]) < (token_ids != pad_id).sum(axis=-1, keepdims=True),
    lambda token_ids, pad_id: np.logical_and.accumulate(token_ids != pad_id, axis=-1),
)  # fmt: skip
is_real.slip(
    "padding-nothing-hidden", "Every token counts as real: padding is not left out{at}.",
    lambda token_ids, pad_id: np.ones(token_ids.shape, dtype=bool),
)  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# What is said of mistakes that are none of a single step
# ----------------------------------------------------------------------------------------------------------------------

say(
    "softmax-of-a-multiple",
    "These are the weights of a multiple of the scores: they are divided by something first. Take them as they come.",
)
say(
    "mixes-before-the-mask",
    "The weights are right, but the context mixes other ones, from before the mask. Use the very weights that you return.",
)
say(
    "epsilon-in-the-sum",
    "Something small is added to the sum below the line, so that a row with allowed keys no longer makes exactly 1, or a "
    "row of tiny exponentials shrinks. Only a row without any allowed key needs help.",
)
say(
    "residual-too-early",
    "x is added already. That residual belongs to the block around attention (lesson 06); here: attention's output alone.",
)
say("scaled-twice", "√d_k divides twice: the scores, and then the context or the queries as well.")
say("keys-and-values-exchanged", "Keys and values are exchanged: W_K makes what is compared, W_V what is mixed.")
say("keys-from-queries", "Queries and keys come from the same matrix. W_Q asks, W_K answers.")
say(
    "no-projection",
    "These weights compare the embeddings themselves. Project first: W_Q makes the queries, W_K the keys.",
)
say(
    "projections-swapped",
    "Queries and keys are exchanged: W_Q makes the queries (the rows), W_K the keys (the columns).",
)
say(
    "scaled-by-d_v",
    "The weights imply a scale of 1/√d_v. The sum in a score runs over d_k, so its spread grows with √d_k.",
)
say("values-not-projected", "The context mixes the embeddings. What is mixed is the values, which W_V makes.")
say("rows-do-not-sum-to-1", "Some rows do not sum to 1. Weights are shares: what divides each row?")
say("mask-leaks", "Some masked keys still get weight. A masked weight has to be exactly 0.")
say("returns-weights-only", "You return one array, the weights. Two were expected: `return context, weights`.")
say("returns-context-only", "You return one array, the context. The weights are wanted too: `return context, weights`.")
say("outputs-swapped", "You return the weights first. The order is `return context, weights`.")
say(
    "scaled-by-d_model", "The weights imply a scale of 1/√d_model. After projection a dot product adds up d_k products."
)
say("mixes-keys", "Your context mixes the keys. Keys are for matching only; what is mixed is the values.")
say(
    "causal-without-a-mask",
    "Your weights are causal, though no mask was given: mask=None means that every key is allowed.",
)


def order_mistakes(id, right):
    """The mistakes of what is returned, for an exercise that asks for context and weights."""
    mistake(id, "returns-weights-only", None, lambda *inputs: right(*inputs)[1])
    mistake(id, "returns-context-only", None, lambda *inputs: right(*inputs)[0])
    mistake(id, "outputs-swapped", None, lambda *inputs: right(*inputs)[::-1])

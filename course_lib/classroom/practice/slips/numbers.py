"""Steps of arithmetic on tables of numbers, whatever they mean: means, sums by group, largest places, shares, ranks.

`at` says over or along what, in words that fit behind a verb: "over the heads", "along the way".
"""

import numpy as np

from course_lib.classroom.practice.steps import step

# ----------------------------------------------------------------------------------------------------------------------
# Means
# ----------------------------------------------------------------------------------------------------------------------

SUMMED = "You add up{at}; asked for is the mean."
LARGEST = "In place of the mean{at} you take the largest."
ONE_ALONE = "In place of the mean{at} you take one alone, the first or the last."
MEDIAN = "In place of the mean{at} you take the median."
OFF_BY_ONE = "Your mean{at} divides by one more or one less than how many were added up."


@step
def mean(numbers, axis=-1):
    """The mean along an axis."""
    return numbers.mean(axis=axis)


mean.slip("summed-for-mean", SUMMED, lambda numbers, axis=-1: numbers.sum(axis=axis))
mean.slip("largest-for-mean", LARGEST, lambda numbers, axis=-1: numbers.max(axis=axis))
mean.slip("median-for-mean", MEDIAN, lambda numbers, axis=-1: np.median(numbers, axis=axis))
mean.slip("one-for-mean", ONE_ALONE, *(lambda numbers, axis=-1, place=place: np.take(numbers, place, axis) for place in (0, -1)))  # fmt: skip
mean.slip("mean-off-by-one", OFF_BY_ONE,
          *(lambda numbers, axis=-1, more=more: numbers.sum(axis=axis) / (numbers.shape[axis] + more) for more in (1, -1)))  # fmt: skip
mean.slip("mean-along-another-axis", "Your mean does not run{at}: it takes another axis.",
          *(lambda numbers, axis=-1, by=by: numbers.mean(axis=(axis + by) % numbers.ndim) for by in (1, -1)))  # fmt: skip


mean.slip("mean-of-everything", "All is averaged to one number, not{at} alone.", lambda numbers, axis=-1: numbers.mean())  # fmt: skip


@step
def mean_of_kept(numbers, keep):
    """The mean along the last axis of what is kept: (..., n), boolean (n,) -> (...)."""
    return numbers[..., keep].mean(axis=-1)


mean_of_kept.slip("mean-over-all", "Your mean runs{at} that are to be left out, too.", lambda numbers, keep: numbers.mean(axis=-1),
                  lambda numbers, keep: (numbers * keep).mean(axis=-1))  # fmt: skip
mean_of_kept.slip("left-out-added-up", "What is to be left out is still added up{at}; only the count leaves it out.",
                  lambda numbers, keep: numbers.sum(axis=-1) / keep.sum())  # fmt: skip
mean_of_kept.slip("mean-of-the-left-out", "Your mean runs{at} that are to be left out, and leaves out the others.",
                  lambda numbers, keep: numbers[..., ~keep].mean(axis=-1))  # fmt: skip
mean_of_kept.slip("summed-for-mean", None, lambda numbers, keep: numbers[..., keep].sum(axis=-1))
mean_of_kept.slip("largest-for-mean", None, lambda numbers, keep: numbers[..., keep].max(axis=-1))
mean_of_kept.slip("median-for-mean", None, lambda numbers, keep: np.median(numbers[..., keep], axis=-1))
mean_of_kept.slip("one-for-mean", None, lambda numbers, keep: numbers[..., keep][..., 0],
                  lambda numbers, keep: numbers[..., keep][..., -1])  # fmt: skip
mean_of_kept.slip("mean-off-by-one", None,
                  *(lambda numbers, keep, more=more: numbers[..., keep].sum(axis=-1) / (keep.sum() + more) for more in (1, -1)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# By group
# ----------------------------------------------------------------------------------------------------------------------


def by_group(numbers, groups, reduce):
    """What `reduce` makes of the numbers of each group: (..., n), whole numbers (n,) -> (..., groups)."""
    return np.stack([reduce(numbers[..., groups == group]) for group in range(groups.max() + 1)], axis=-1)


@step
def sum_by_group(numbers, groups):
    """Along the last axis, the sum of each group's numbers."""
    return by_group(numbers, groups, lambda part: part.sum(axis=-1))


@step
def mean_by_group(numbers, groups):
    """Along the last axis, the mean of each group's numbers."""
    return by_group(numbers, groups, lambda part: part.mean(axis=-1))


WRONG_REDUCTIONS = {
    "group-first-only": ("Of each group you take one alone{at}, the first or the last. All of them count.",
                         [lambda part: part[..., 0], lambda part: part[..., -1]]),
    "group-largest": ("Of each group you take the largest{at}, or the smallest. All of them count.",
                      [lambda part: part.max(axis=-1), lambda part: part.min(axis=-1)]),
    "group-product": ("The numbers of a group are multiplied{at}.", [lambda part: part.prod(axis=-1)]),
}  # fmt: skip
for one in (sum_by_group, mean_by_group):
    for diagnosis, (sentence, reductions) in WRONG_REDUCTIONS.items():
        one.slip(diagnosis, sentence, *(
            lambda numbers, groups, reduce=reduce: by_group(numbers, groups, reduce) for reduce in reductions
        ))  # fmt: skip
    one.slip("groups-not-joined", "The pieces of a group are not joined{at}: as many came out as went in.",
             lambda numbers, groups: numbers)  # fmt: skip
    one.slip("last-group-left-out", "The last group is missing{at}. They are counted from 0, so there is one more than the largest number.",
             lambda numbers, groups, right=one.function: right(numbers, groups)[..., :-1])  # fmt: skip
sum_by_group.slip("averaged-for-sum", "You average{at}; asked for is the sum.", mean_by_group.function)
mean_by_group.slip("summed-for-mean", None, sum_by_group.function)
mean_by_group.slip("group-mean-over-all", "Each group's sum is divided{at} by how many there are in all groups together, not in its own.",
                   lambda numbers, groups: sum_by_group(numbers, groups) / len(groups))  # fmt: skip
mean_by_group.slip("group-median", "Of each group you take the median{at}; asked for is the mean.",
                   lambda numbers, groups: by_group(numbers, groups, lambda part: np.median(part, axis=-1)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Places, shares
# ----------------------------------------------------------------------------------------------------------------------


@step
def largest_place(numbers):
    """Where the largest number of each row stands."""
    return numbers.argmax(axis=-1)


largest_place.slip("smallest-place", "You look for the smallest; asked for is the place of the largest.",
                   lambda numbers: numbers.argmin(axis=-1))  # fmt: skip
largest_place.slip("largest-of-columns", "You search along the columns: rows and columns are exchanged.",
                   lambda numbers: numbers.argmax(axis=-2))  # fmt: skip
largest_place.slip("value-for-place", "You return the largest numbers themselves; asked for is where they stand.",
                   lambda numbers: numbers.max(axis=-1))  # fmt: skip
largest_place.slip("place-in-all", "You look for one largest number in the whole table. Each row has its own.",
                   lambda numbers: numbers.argmax())  # fmt: skip
largest_place.slip("places-from-1", "Your places are counted from 1. They are counted from 0.",
                   lambda numbers: numbers.argmax(axis=-1) + 1)  # fmt: skip
largest_place.slip("second-largest", "That is the place of the second largest.",
                   lambda numbers: numbers.argsort(axis=-1)[..., -2 if numbers.shape[-1] > 1 else -1])  # fmt: skip
largest_place.slip("all-places-sorted", "You return an order of all places; asked for is one place a row.",
                   lambda numbers: numbers.argsort(axis=-1), lambda numbers: (-numbers).argsort(axis=-1))  # fmt: skip
largest_place.slip("place-as-one-hot",
                   "You return a table with a 1 at each largest number; asked for is its place, one whole number a row.",
                   lambda numbers: numbers == numbers.max(axis=-1, keepdims=True),
                   lambda numbers: np.eye(numbers.shape[-1])[numbers.argmax(axis=-1)])  # fmt: skip


def divided(numbers, total):
    """Numbers by their total; 0 where that is 0."""
    return numbers / np.where(total == 0, 1, total)


@step
def row_shares(numbers):
    """Each number's share of its row's sum; a row of zeros stays one."""
    return divided(numbers, numbers.sum(axis=-1, keepdims=True))


row_shares.slip("shares-of-another-axis",
                "You divide by sums along another axis. Each row is shared out by itself, so that it sums to 1.",
                lambda numbers: divided(numbers, numbers.sum(axis=-2, keepdims=True)),
                lambda numbers: numbers / numbers.sum(axis=-2, keepdims=True),
                lambda numbers: divided(numbers, numbers.sum(axis=0, keepdims=True)),
                lambda numbers: divided(numbers, numbers.sum(axis=1, keepdims=True)))  # fmt: skip
row_shares.slip("shares-of-everything", "All entries together sum to 1. Each row is to sum to 1 by itself.",
                lambda numbers: divided(numbers, numbers.sum()), lambda numbers: numbers / numbers.sum())  # fmt: skip
row_shares.slip("shares-by-count-of-all", "You divide by how long a row or a column is, whatever stands in it: rows sum to less than 1.",
                lambda numbers: numbers / numbers.shape[-1], lambda numbers: numbers / numbers.shape[-2])  # fmt: skip
row_shares.slip("divided-by-length", "Each row is divided by its length, the root of the sum of squares. Shares are parts of the sum.",
                lambda numbers: divided(numbers, np.sqrt((numbers * numbers).sum(axis=-1, keepdims=True))))  # fmt: skip
row_shares.slip("shares-not-divided", "Nothing is divided: rows do not sum to 1.", lambda numbers: 1.0 * numbers, lambda numbers: numbers)  # fmt: skip
row_shares.slip("empty-row-nan", "A row whose sum is 0 gives 0/0, NaN. It is to be all 0.",
                lambda numbers: numbers / numbers.sum(axis=-1, keepdims=True))  # fmt: skip
row_shares.slip("shares-without-keepdims", "Rows are divided by the sums of other rows: what is summed has to stay standing as a column.",
                lambda numbers: divided(numbers, numbers.sum(axis=-1)), lambda numbers: numbers / numbers.sum(axis=-1),
                lambda numbers: divided(numbers, numbers.sum(axis=-1)[..., None, :]))  # fmt: skip
row_shares.slip("epsilon-in-the-shares", "Something small is added to the sum, so that no row sums to exactly 1.",
                *(lambda numbers, eps=eps: numbers / (numbers.sum(axis=-1, keepdims=True) + eps) for eps in (1, 1e-2, 1e-3, 1e-4, 1e-5)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Length 1
# ----------------------------------------------------------------------------------------------------------------------


def lengths(x, axis=-1, keepdims=True):
    """The root of the sum of squares."""
    return np.linalg.norm(x, axis=axis, keepdims=keepdims)


@step
def unit(x):
    """Each row brought to length 1; a row of zeros stays one."""
    return divided(x, lengths(x))


unit.slip("not-unit", "The vectors don't have length 1. Divide each by its length.", lambda x: x)
unit.slip("empty-row-nan", None, lambda x: x / lengths(x))
unit.slip("unit-together", "You divide all vectors by one number. Each has its own length.", lambda x: x / np.linalg.norm(x),
          lambda x: x / lengths(x).max(), lambda x: x / lengths(x).mean())  # fmt: skip
unit.slip("unit-columns", "You bring columns to length 1. A vector is a row.", lambda x: divided(x, lengths(x, axis=0)),
          lambda x: x / lengths(x, axis=0))  # fmt: skip
unit.slip("unit-missing-keepdims", "Each vector is divided by the length of another, or the shapes don't fit: the lengths have to stay standing as "
          "a column.", lambda x: divided(x, lengths(x, keepdims=False)), lambda x: x / lengths(x, keepdims=False))  # fmt: skip
unit.slip("unit-not-squared", "You divide by the sum of the numbers, or of their absolute values. A length is the root of the sum of squares.",
          lambda x: divided(x, abs(x).sum(axis=-1, keepdims=True)), lambda x: x / abs(x).sum(axis=-1, keepdims=True),
          lambda x: divided(x, x.sum(axis=-1, keepdims=True)), lambda x: x / x.sum(axis=-1, keepdims=True))  # fmt: skip
unit.slip("unit-without-root", "You divide by the sum of squares. A length is its root.",
          lambda x: divided(x, (x**2).sum(axis=-1, keepdims=True)), lambda x: x / (x**2).sum(axis=-1, keepdims=True))  # fmt: skip
unit.slip("unit-by-largest", "You divide by the largest number of each vector. Its length is the root of the sum of squares.",
          lambda x: divided(x, abs(x).max(axis=-1, keepdims=True)), lambda x: x / abs(x).max(axis=-1, keepdims=True),
          lambda x: x / x.max(axis=-1, keepdims=True))  # fmt: skip
unit.slip("unit-multiplied", "You multiply by the length. Divide.", lambda x: x * lengths(x))
unit.slip("unit-standardised", "You divide by the standard deviation, or take off the mean. A length is the root of the sum of squares.",
          *(lambda x, off=off: divided(x - off * x.mean(axis=-1, keepdims=True), x.std(axis=-1, keepdims=True)) for off in (0, 1)),
          lambda x: unit(x - x.mean(axis=-1, keepdims=True)))  # fmt: skip
unit.slip("unit-softmaxed", "These are shares that sum to 1, a softmax. A vector of length 1 has squares that sum to 1.",
          lambda x: (e := np.exp(x - x.max(axis=-1, keepdims=True))) / e.sum(axis=-1, keepdims=True))  # fmt: skip
unit.slip("unit-epsilon", "Something is added to the length, or it is cut off below: a short vector does not reach length 1.",
          *(lambda x, eps=eps: x / (lengths(x) + eps) for eps in (1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-9)),
          *(lambda x, eps=eps: x / np.maximum(lengths(x), eps) for eps in (1, 1e-3, 1e-5)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Ranks
# ----------------------------------------------------------------------------------------------------------------------


def smaller(values):
    """How many values are smaller than each."""
    return (values[:, None] > values).sum(axis=1)


def equal_others(values):
    """How many other values equal each."""
    return (values[:, None] == values).sum(axis=1) - 1


@step
def ranks(values):
    """Ranks from 0 of values (n,); equal ones share the mean of their ranks."""
    return smaller(values) + equal_others(values) / 2


ranks.slip("not-ranked", "The values themselves enter{at}. Rank first: only their order counts.", lambda values: values)
ranks.slip("ranks-by-order", "Equal values get different ranks{at}, by their place in the array. They share the mean of their ranks.",
           lambda values: values.argsort(kind="stable").argsort(kind="stable"), lambda values: values.argsort().argsort(),
           lambda values: len(values) - 1 - (-values).argsort(kind="stable").argsort(kind="stable"))  # fmt: skip
ranks.slip("ranks-first", "Equal values all get the smallest, or the largest, of their ranks{at}. They share the mean of them.", smaller,
           lambda values: smaller(values) + equal_others(values))  # fmt: skip
ranks.slip("ranks-dense",
           "After a tie you go on without a gap{at}: 1, 2, 2, 3. Two that share the second and third place leave none of them to " "the next.",
           lambda values: np.unique(values, return_inverse=True)[1])  # fmt: skip
ranks.slip("ranks-halves-cut", "Ranks between two whole numbers are cut or rounded to whole ones{at}.",
           lambda values: smaller(values) + equal_others(values) // 2, lambda values: smaller(values) + (equal_others(values) + 1) // 2,
           lambda values: np.round(smaller(values) + equal_others(values) / 2))  # fmt: skip
ranks.slip("argsort-once", "np.argsort gives the order, not the ranks{at}: which place stands first, not which rank a place has.",
           lambda values: values.argsort(kind="stable"), lambda values: values.argsort(), lambda values: (-values).argsort(kind="stable"))  # fmt: skip
ranks.slip("sorted-for-ranked", "The values are sorted{at}, which parts each from its partner. A rank stays at its value's place.",
           np.sort)  # fmt: skip


@step
def correlation(a, b):
    """The ordinary (Pearson's) correlation of two arrays (n,)."""
    return np.corrcoef(a, b)[0, 1]


correlation.slip("correlation-sign", "The sign is wrong: is one of the two turned round?", lambda a, b: -np.corrcoef(a, b)[0, 1])  # fmt: skip
correlation.slip("correlation-matrix", "This is the table of all correlations. Asked for is one number of it.", np.corrcoef)  # fmt: skip
correlation.slip("correlation-with-itself", "Always 1: that is an entry of the table's diagonal, one array with itself.",
                 lambda a, b: np.corrcoef(a, b)[0, 0], lambda a, b: np.corrcoef(a, a)[0, 1])  # fmt: skip
correlation.slip("correlation-absolute", "The sign is lost: those in opposite order have -1.", lambda a, b: abs(np.corrcoef(a, b)[0, 1]))  # fmt: skip
correlation.slip("correlation-squared", "The correlation is squared, which loses its sign and makes it smaller.",
                 lambda a, b: np.corrcoef(a, b)[0, 1] ** 2)  # fmt: skip
correlation.slip("correlation-covariance", "This is a covariance, not between -1 and 1: divide by both standard deviations.",
                 lambda a, b: np.cov(a, b)[0, 1], lambda a, b: np.cov(a, b, bias=True)[0, 1],
                 lambda a, b: ((a - a.mean()) * (b - b.mean())).sum())  # fmt: skip
correlation.slip("correlation-slope", "This is the slope of a line, not a correlation: it is divided by one of the two spreads twice.",
                 lambda a, b: np.cov(a, b)[0, 1] / np.var(a, ddof=1), lambda a, b: np.cov(a, b)[0, 1] / np.var(b, ddof=1))  # fmt: skip
correlation.slip("correlation-by-variances", "You divide by both variances. A correlation divides by both standard deviations.",
                 *(lambda a, b, ddof=ddof: np.cov(a, b, ddof=ddof)[0, 1] / a.var(ddof=ddof) / b.var(ddof=ddof) for ddof in (0, 1)))  # fmt: skip
correlation.slip("correlation-mixed-counts",
                 "Of the covariance and the spreads some divide by n, others by n - 1: the same has to stand in all.",
                 lambda a, b: np.cov(a, b)[0, 1] / a.std() / b.std(),
                 lambda a, b: np.cov(a, b, bias=True)[0, 1] / a.std(ddof=1) / b.std(ddof=1),
                 lambda a, b: np.cov(a, b, bias=True)[0, 1] / a.std() / b.std(ddof=1))  # fmt: skip
correlation.slip("rounded", "Your result is rounded.",
                 *(lambda a, b, digits=digits: np.round(np.corrcoef(a, b)[0, 1], digits) for digits in (1, 2, 3, 4)))  # fmt: skip
correlation.slip("cosine-for-correlation", "This is a cosine: the means are not taken off first.",
                 *(lambda a, b, more=more: (a + more) @ (b + more) / np.linalg.norm(a + more) / np.linalg.norm(b + more) for more in (0, 0.5, 1)))  # fmt: skip

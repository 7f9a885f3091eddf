"""Steps of a loss, and how they go wrong: log-probabilities, the target's, their mean over what counts; smoothed targets."""

import numpy as np

from course_lib.classroom.practice.catalogue import say
from course_lib.classroom.practice.slips.attention import highest, shares
from course_lib.classroom.practice.steps import step

# ----------------------------------------------------------------------------------------------------------------------
# Log-probabilities
# ----------------------------------------------------------------------------------------------------------------------


@step
def log_probabilities(logits):
    """The logarithm of the softmax over the last axis, finite for any logits."""
    lowered = logits - highest(logits)
    return lowered - log_sum(lowered)


def log_sum(logits, axis=-1):
    """The logarithm of the sum of exponentials, by its plain formula."""
    return np.log(np.exp(logits).sum(axis=axis, keepdims=True))


def probabilities(logits):
    """The softmax over the last axis."""
    return shares(np.exp(logits - highest(logits)))


def spoiled_by_zeros(logs):
    """Log-probabilities as a one-hot product sees them: one infinite class makes its whole place NaN."""
    return np.where(np.isinf(logs).any(axis=-1, keepdims=True), np.nan, logs)


EPSILONS = 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20, 1e-30

log_probabilities.slip("logits-overflow",
    "Logits of 1000 give NaN or infinity: e¹⁰⁰⁰ is too large for a float. What can you subtract from a row of logits "
    "without changing its softmax?", lambda logits: np.log(shares(np.exp(logits))),
    lambda logits: logits - log_sum(logits), lambda logits: spoiled_by_zeros(np.log(shares(np.exp(logits)))),
    lambda logits: spoiled_by_zeros(logits - log_sum(logits)))  # fmt: skip
log_probabilities.slip("loss-underflow",
    "A hopeless class spoils the loss: its probability is rounded to 0, and the logarithm of 0 is infinite. The "
    "logarithm of a quotient is a difference: the probability itself need not be written down.",
    lambda logits: np.log(probabilities(logits)), lambda logits: spoiled_by_zeros(np.log(probabilities(logits))),
    lambda logits: np.nan_to_num(np.log(probabilities(logits))))  # fmt: skip
log_probabilities.slip("loss-epsilon", "However hopeless the right class is, its loss stops growing: something small is "
    "added under the logarithm, or small probabilities are cut off. The logarithm of a quotient is a difference, and "
    "needs no such help.", *(lambda logits, eps=eps: np.log(probabilities(logits) + eps) for eps in EPSILONS),
    *(lambda logits, eps=eps: np.log(np.maximum(probabilities(logits), eps)) for eps in EPSILONS),
    *(lambda logits, eps=eps: np.log(np.clip(probabilities(logits), eps, 1 - eps)) for eps in EPSILONS[:5]),
    *(lambda logits, low=low: np.maximum(log_probabilities(logits), low) for low in (-10, -50, -100)))  # fmt: skip
log_probabilities.slip("loss-global-maximum",
    "A place whose logits are far below the largest of all gets no finite loss: you subtract one maximum for the whole "
    "array. Each place needs its own.", lambda logits: np.log(shares(np.exp(logits - logits.max()))),
    lambda logits: logits - logits.max() - log_sum(logits - logits.max()),
    lambda logits: logits - highest(logits) - log_sum(logits - logits.max()) + logits.max() - highest(logits))  # fmt: skip
log_probabilities.slip("loss-clipped-logits",
    "Large logits are cut off before the exponential: a logit of 1000 still has to beat 900.",
    *(lambda logits, high=high: log_probabilities(np.clip(logits, -high, high)) for high in (50, 100, 500, 700)),
    *(lambda logits, high=high: log_probabilities(np.minimum(logits, high)) for high in (50, 100, 500, 700)))  # fmt: skip
log_probabilities.slip("loss-softmax-axis", "Your softmax does not run over the classes. Which axis are they?",
    *(lambda logits, axis=axis: logits - log_sum(logits, axis) for axis in (0, -2, None)),
    *(lambda logits, axis=axis: (low := logits - logits.max(axis=axis, keepdims=True)) - log_sum(low, axis)
        for axis in (0, -2, None)),
    *(lambda logits, axis=axis: (low := logits - highest(logits)) - log_sum(low, axis) for axis in (0, -2, None)),
    *(lambda logits, axis=axis: np.log(shares(np.exp(logits - highest(logits)), axis)) for axis in (0, -2, None)),
    *(lambda logits, axis=axis: np.log(shares(np.exp(logits - logits.max(axis=axis, keepdims=True)), axis))
        for axis in (0, -2, None)), lambda logits: logits - logits.max() - log_sum(logits - logits.max(), None))  # fmt: skip
log_probabilities.slip("loss-softmax-twice", "The softmax is applied twice: the second one gets numbers between 0 and "
    "1, so that even a perfect answer can't reach a loss of 0.",
    lambda logits: log_probabilities(probabilities(logits)), lambda logits: log_probabilities(shares(np.exp(logits))))  # fmt: skip
log_probabilities.slip("loss-no-softmax",
    "The logits are used as if they were probabilities, or their logarithms. The softmax is missing.",
    lambda logits: logits, np.log, lambda logits: np.log(abs(logits)), lambda logits: np.log(logits + 1e-9))  # fmt: skip
log_probabilities.slip("loss-no-log", "You take the probabilities themselves. A cross-entropy takes their logarithms.",
    probabilities, lambda logits: probabilities(logits) - 1, lambda logits: shares(np.exp(logits)))  # fmt: skip
log_probabilities.slip("loss-log-of-the-miss",
    "You take the logarithm of 1 - p, how unlikely the right class was. How likely was it?",
    lambda logits: np.log(1 - probabilities(logits)), lambda logits: -np.log(1 - probabilities(logits)))  # fmt: skip
log_probabilities.slip("log-of-another-base", "The logarithm has another base, 2 or 10. Asked for is the natural one.",
    *(lambda logits, base=base: log_probabilities(logits) / np.log(base) for base in (2, 10)),
    *(lambda logits, base=base: (low := logits - highest(logits)) - log_sum(low) / np.log(base) for base in (2, 10)),
    *(lambda logits, base=base: np.log(probabilities(logits)) / np.log(base) for base in (2, 10)))  # fmt: skip
log_probabilities.slip("loss-no-exponential",
    "You divide the logits by their own sum. Without exponentials these are no probabilities.",
    lambda logits: np.log(shares(logits)), lambda logits: logits - np.log(logits.sum(axis=-1, keepdims=True)))  # fmt: skip
log_probabilities.slip("loss-sigmoid", "Each logit is squashed by itself (a sigmoid). In a softmax the classes "
    "compete.", lambda logits: -np.logaddexp(0, -logits), lambda logits: -np.log(1 + np.exp(-logits)))  # fmt: skip
log_probabilities.slip("loss-of-the-gap", "You subtract the largest logit alone. A softmax divides by the sum of all "
    "exponentials.", lambda logits: logits - highest(logits))  # fmt: skip
log_probabilities.slip("loss-shift-forgotten", "The largest logit is taken away in one place and not in the other: in "
    "the exponentials, but not in front of the logarithm, or the other way round. Only what is taken away in both "
    "cancels.", lambda logits: logits - log_sum(logits - highest(logits)),
    lambda logits: logits - highest(logits) - log_sum(logits))  # fmt: skip
log_probabilities.slip("missing-keepdims", None,
    lambda logits: (low := logits - highest(logits)) - np.log(np.exp(low).sum(axis=-1)),
    lambda logits: (low := logits - logits.max(axis=-1)) - np.log(np.exp(low).sum(axis=-1)),
    lambda logits: (low := logits - logits.max(axis=-1)) - log_sum(low),
    lambda logits: logits - np.log(np.exp(logits).sum(axis=-1)))  # fmt: skip
log_probabilities.slip("softmax-maximum-of-columns", None,
    *(lambda logits, axis=axis: (low := logits - logits.max(axis=axis, keepdims=True)) - log_sum(low)
        for axis in (0, -2)),
    lambda logits: (low := logits - logits.max(axis=tuple(range(logits.ndim - 1)), keepdims=True)) - log_sum(low))  # fmt: skip
log_probabilities.slip("loss-sum-without-log",
    "You subtract the sum of exponentials itself. Which function turns the division into a difference?",
    lambda logits: (low := logits - highest(logits)) - np.exp(low).sum(axis=-1, keepdims=True),
    lambda logits: logits - np.exp(logits).sum(axis=-1, keepdims=True))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Those of the targets
# ----------------------------------------------------------------------------------------------------------------------


@step
def picked(numbers, targets):
    """At each place the number of its target: (..., classes), (...) -> (...)."""
    return np.take_along_axis(numbers, targets[..., None], axis=-1)[..., 0]


picked.slip("loss-of-the-likeliest", "You take the log-probability of the likeliest class. How likely was the right "
    "one?", lambda numbers, targets: numbers.max(axis=-1))  # fmt: skip
picked.slip("loss-of-all-classes", "All classes enter the loss of a place. Only the right one does.",
    lambda numbers, targets: numbers.sum(axis=-1), lambda numbers, targets: numbers.mean(axis=-1))  # fmt: skip
picked.slip("loss-divided-by-classes", "You divide by places times classes. There is one loss a place.",
    lambda numbers, targets: picked(numbers, targets) / numbers.shape[-1])  # fmt: skip
picked.slip("loss-of-the-neighbour", "You pick the class beside the right one: classes are counted from 0, as targets "
    "are.", *(lambda numbers, targets, by=by: picked(numbers, (targets + by) % numbers.shape[-1]) for by in (-1, 1)))  # fmt: skip
picked.slip("loss-target-as-number", "You multiply by the target's number. It says which class is right, not how much.",
    lambda numbers, targets: (targets[..., None] * numbers).sum(axis=-1),
    lambda numbers, targets: targets * numbers.max(axis=-1))  # fmt: skip
picked.slip("loss-every-place-with-every-target",
    "Each place is compared with the targets of all places: an index of targets alone takes all these classes at every "
    "place.", lambda numbers, targets: numbers[..., targets.ravel()].mean(axis=-1))  # fmt: skip
picked.slip("loss-of-the-wrong-classes",
    "The wrong classes enter the loss by log(1 - p), as if each were a question of its own. Only the right one counts.",
    lambda numbers, targets: picked(numbers,
        targets) + (rest := np.log(1 - np.exp(numbers))).sum(axis=-1) - picked(rest, targets))  # fmt: skip
picked.slip("loss-squared-error", "You square how far the probabilities are from 1 and 0. A cross-entropy takes a "
    "logarithm.", lambda numbers, targets: -((1 - np.exp(picked(numbers, targets))) ** 2),
    *(lambda numbers, targets, total=total: -total((np.exp(numbers) - np.eye(numbers.shape[-1])[targets]) ** 2, axis=-1)
        for total in (np.sum, np.mean)))  # fmt: skip


@step
def surprise(logs):
    """Minus the log-probability: the loss of each place."""
    return -logs


surprise.slip("loss-sign", "Your loss is negative: a minus is missing.", lambda logs: logs)

# ----------------------------------------------------------------------------------------------------------------------
# Their mean
# ----------------------------------------------------------------------------------------------------------------------


@step
def counting(targets, left_out):
    """Which places count: all but those with one number as a target."""
    return targets != left_out


counting.slip("loss-counts-padding", "Every place enters your loss. Those that are not to count have to be left out, of "
    "the sum and of the number you divide by.", lambda targets, left_out: np.ones(targets.shape, dtype=bool))  # fmt: skip
counting.slip("loss-of-padding", "The wrong way round: your loss is that of the places which are not to count.",
    lambda targets, left_out: targets == left_out)  # fmt: skip
counting.slip("loss-without-zero", "You leave a place out where its target is 0. That is a class like any other: which "
    "number says that a place is not to count?", lambda targets, left_out: targets != 0,
    lambda targets, left_out: targets > 0, lambda targets, left_out: (targets != 0) & (targets != left_out))  # fmt: skip
counting.slip("loss-compares-size",
    "You leave targets out by their size, with < or >. Only one number says that a place is not to count.",
    lambda targets, left_out: targets > left_out, lambda targets, left_out: targets < left_out)  # fmt: skip
counting.slip("loss-cut-at-the-first", "You count the first places of each row, up to a number of them or up to the "
    "first that is left out. These may stand anywhere: look at each place's own target.",
    lambda targets, left_out: np.arange(targets.shape[-1]) < (targets != left_out).sum(axis=-1, keepdims=True),
    lambda targets, left_out: np.logical_and.accumulate(targets != left_out, axis=-1))  # fmt: skip


@step
def averaged(losses, real=None):
    """The mean of the losses of places that count; None: all do."""
    return losses.mean() if real is None else losses[real].mean()


def counted(losses, real):
    """Which places count, where nothing is said: all."""
    return np.ones(losses.shape, dtype=bool) if real is None else real


averaged.slip("loss-divides-by-all", "Places that are not to count are left out of the sum, but you divide by all "
    "places. Divide by how many count.", lambda losses, real=None: (losses * counted(losses, real)).mean())  # fmt: skip
averaged.slip("loss-sums-all", "Places that are not to count are left out of the number you divide by, but not of the "
    "sum.", lambda losses, real=None: losses.sum() / counted(losses, real).sum())  # fmt: skip
averaged.slip("loss-is-a-sum", "That is the sum of the losses. Their mean doesn't depend on how many there are.",
    lambda losses, real=None: losses[counted(losses, real)].sum())  # fmt: skip
averaged.slip("loss-mean-of-rows", "You take the mean of each row, and then the mean of these: places in short rows "
    "weigh more. All that count weigh the same.",
    lambda losses, real=None: np.mean([row[on].mean() for row, on in zip(losses, counted(losses, real), strict=True)]),
    lambda losses, real=None: np.mean([row[on].mean() for row, on in zip(losses, counted(losses, real), strict=True)
        if on.any()]))  # fmt: skip
averaged.slip("loss-divides-by-rows", "You add up each row's losses and divide by the number of rows. Divide by how "
    "many places count.", lambda losses, real=None: losses[counted(losses, real)].sum() / len(losses))  # fmt: skip
averaged.slip("loss-divides-by-columns", "You divide by how many places a row has. Divide by how many places count, in "
    "all rows together.", lambda losses, real=None: losses[counted(losses, real)].sum() / losses.shape[-1])  # fmt: skip
averaged.slip("loss-of-each", "You return the losses of several places. Asked for is one number, their mean.",
    lambda losses, real=None: losses * counted(losses, real), lambda losses, real=None: losses,
    lambda losses, real=None: losses[counted(losses, real)],
    lambda losses, real=None: (losses * counted(losses, real)).sum(axis=-1) / counted(losses, real).sum(axis=-1),
    lambda losses, real=None: losses.mean(axis=-1), lambda losses, real=None: losses.mean(axis=0))  # fmt: skip
averaged.slip("loss-exponentiated", "That is e to the loss, the perplexity. The loss itself was asked for.",
    lambda losses, real=None: np.exp(averaged(losses, real)))  # fmt: skip
averaged.slip("loss-of-the-worst", "You take a single place: the worst, the last one, or the one in the middle. All "
    "that count enter the mean.", lambda losses, real=None: losses[counted(losses, real)].max(),
    lambda losses, real=None: losses[counted(losses, real)][-1],
    lambda losses, real=None: np.median(losses[counted(losses, real)]),
    lambda losses, real=None: losses[counted(losses, real)][-1] / counted(losses, real).sum())  # fmt: skip

# What makes no difference where every place counts, and where there are no rows of places: an exercise that never comes
# there says so (`same`).
WITHOUT_PADDING = {"loss-divides-by-all", "loss-sums-all"}
WITHOUT_ROWS = {"loss-mean-of-rows"}

# What is said of mistakes that are none of a single step
say("loss-shifted", "Each place is compared with the target of another one. Logits and targets come lined up.")
say("loss-log-of-the-mean", "You take the logarithm of a mean of probabilities. The mean is taken of the logarithms.")
say(
    "loss-of-one-sentence",
    "Your loss is that of one sentence, the first or the last. Does a return or an `=` stand inside of a loop?",
)
say("loss-is-a-share-of-hits", "That is how many tokens are right, or wrong. A loss asks how likely the right one was.")

# ----------------------------------------------------------------------------------------------------------------------
# Targets that are not quite sure
# ----------------------------------------------------------------------------------------------------------------------


@step
def one_hot(targets, num_classes):
    """1 at the right class, 0 elsewhere: (...) -> (..., num_classes)."""
    return np.eye(num_classes)[targets]


one_hot.slip("one-hot-neighbour", "The largest number stands beside the right class: classes are counted from 0.",
    *(lambda targets, num_classes, by=by: np.eye(num_classes)[(targets + by) % num_classes] for by in (1, -1)),
    lambda targets, num_classes: np.eye(num_classes)[num_classes - 1 - targets])  # fmt: skip
one_hot.slip("one-hot-classes-from-targets", "The number of classes comes from the targets that are there. A class may "
    "be missing among them: use num_classes.", lambda targets, num_classes: np.eye(targets.max() + 1)[targets],
    lambda targets, num_classes: np.eye(targets.size)[targets])  # fmt: skip
one_hot.slip("one-hot-flat", "The axes of the targets are run together. Each keeps its place; the classes are one more "
    "axis at the end.", lambda targets, num_classes: np.eye(num_classes)[targets.ravel()])  # fmt: skip
one_hot.slip("one-hot-classes-first", "The classes are your first axis. They come last.",
    lambda targets, num_classes: np.moveaxis(np.eye(num_classes)[targets], -1, 0),
    lambda targets, num_classes: np.eye(num_classes)[targets].T)  # fmt: skip


@step
def smoothed(hard, share):
    """One-hot targets that give a share away, evenly to all classes."""
    return (1 - share) * hard + share / hard.shape[-1]


smoothed.slip("smooth-none", "These are the hard targets, 1 and zeros: share changes nothing.",
    lambda hard, share: hard)  # fmt: skip
smoothed.slip("smooth-only-wrong",
    "You spread the share over the wrong classes alone. It goes to all of them, the right one too, as in Szegedy et al. "
    "2015, §7 and PyTorch.", lambda hard, share: (1 - share) * hard + share / (hard.shape[-1] - 1) * (1 - hard))  # fmt: skip
smoothed.slip("smooth-right-too-small", "The right class gets 1 - share alone. A part of the share is for it as well, "
    "as for every class.", lambda hard, share: (1 - share) * hard + share / hard.shape[-1] * (1 - hard))  # fmt: skip
smoothed.slip("smooth-right-too-large",
    "The right class keeps all of its 1, and the others come on top: the numbers of one place do not sum to 1.",
    lambda hard, share: hard + share / hard.shape[-1], lambda hard, share: hard + share / hard.shape[-1] * (1 - hard),
    lambda hard, share: hard + share / (hard.shape[-1] - 1) * (1 - hard), lambda hard, share: hard + share)  # fmt: skip
smoothed.slip("smooth-share-for-each",
    "Each class gets the whole share, or each wrong one. There is one, to be spread over all of them.",
    lambda hard, share: (1 - share) * hard + share, lambda hard, share: (1 - share) * hard + share * (1 - hard))  # fmt: skip
smoothed.slip("smooth-other-count", "The share is divided by another number than that of the classes.",
    *(lambda hard, share, by=by: (1 - share) * hard + share / (hard.shape[-1] + by) for by in (1, -1)),
    lambda hard, share: (1 - share) * hard + share / max(1, hard.size // hard.shape[-1]))  # fmt: skip
smoothed.slip("smooth-share-lost", "The right class gives a share away, and nobody gets it: the numbers of one place do "
    "not sum to 1.", lambda hard, share: (1 - share) * hard)  # fmt: skip
smoothed.slip("smooth-exchanged", "Share and 1 - share are exchanged: the right class gets the share, the rest is "
    "spread.", lambda hard, share: share * hard + (1 - share) / hard.shape[-1],
    lambda hard, share: share * hard + (1 - share) / (hard.shape[-1] - 1) * (1 - hard))  # fmt: skip
smoothed.slip("smooth-subtracted", "The share is taken away where it should be given.",
    lambda hard, share: (1 - share) * hard - share / hard.shape[-1],
    lambda hard, share: (1 + share) * hard - share / hard.shape[-1])  # fmt: skip
smoothed.slip("smooth-hard-coded", "The share has one size, whatever the parameter says.",
    *(lambda hard, share, fixed=fixed: smoothed(hard, fixed) for fixed in (0.1, 0.2)))  # fmt: skip

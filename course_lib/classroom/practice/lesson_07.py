"""Lesson 07, training a translator: what is right, and each mistake with its sentence, in the order of its exercises."""

import inspect
import math
import statistics
from collections import Counter
from types import SimpleNamespace

import numpy as np

from course_lib.classroom.practice import answers
from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator, log_softmax
from course_lib.classroom.practice.exercises import judged, reference
from course_lib.classroom.practice.facts import count_of
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips.losses import (
    averaged,
    counting,
    log_probabilities,
    one_hot,
    picked,
    probabilities,
    smoothed,
    surprise,
)
from course_lib.classroom.practice.steps import Slip, everywhere, step
from course_lib.classroom.practice.trial import call

# ----------------------------------------------------------------------------------------------------------------------
# The loss
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "07.masked_loss",
    title="The loss, without padding",
    points=3,
    hints=[
        "Log-probabilities first: logits minus the logarithm of the sum of exponentials, over the last axis. Then pick the right one at "
        "each place.",
        "`np.take_along_axis(log_probabilities, targets[..., None], axis=-1)[..., 0]` picks. `real = targets != pad_id` says which count.",
        "`-picked[real].sum() / real.sum()`. Against overflow: subtract `logits.max(axis=-1, keepdims=True)` first.",
    ],
    returns="loss",
)
def masked_loss(logits, targets, pad_id):
    return averaged(losses_of(logits, targets), counting(targets, pad_id))


def losses_of(logits, targets):
    """The loss of each place."""
    return surprise(picked(log_probabilities(logits), targets))


@cases("07.masked_loss")
def masked_loss_cases():
    yield Case("two sentences of 2 tokens and 1", draw(1, 2, 3, 4).round(1), np.array([[3, 1, 0], [2, 0, 0]]), 0)
    targets = np.array([[0, 5, 2, 1, 6], [1, 4, 3, 3, 3], [6, 0, 3, 3, 3]])
    yield Case("another pad_id, tokens above and below it", 2 * draw(2, 3, 5, 7), targets, 3)
    yield Case("padding in front and between", draw(3, 2, 4, 3), np.array([[2, 2, 1, 0], [0, 2, 1, 2]]), 2)
    yield Case("one sentence of as many places as classes", draw(4, 1, 5, 5), np.array([[1, 4, 2, 0, 0]]), 0)
    yield Case("sentences without padding", draw(5, 2, 3, 6), generator(6).integers(1, 6, (2, 3)), 0)
    yield Case("a sentence of padding alone", draw(7, 2, 3, 4), np.array([[3, 1, 2], [0, 0, 0]]), 0, edge=True)
    hopeless = np.array([[[1000.0, 0, 0], [0, 2, 0]]])
    yield Case("a logit of 1000 beside the right one of 0", hopeless, np.array([[1, 2]]), 0, edge=True)
    yield Case("logits around 1000", 1000 + hopeless[:, 1:], np.array([[1]]), 0, edge=True)
    yield Case("logits around -1000", hopeless[:, 1:] - 1000, np.array([[1]]), 0, edge=True)
    heights = np.array([[[1000.0, 1000, 1000], [0, 0, 0], [-1000, -1001, -1002]]])
    yield Case("one place of logits around 1000, one around 0", heights, np.array([[1, 2, 1]]), 0, edge=True)


LOSS = "07.masked_loss"
mistake(LOSS, "loss-padding-has-no-idea", "At padding you set the logits to one value. That is a guess at every class, "
    "and it costs log(classes): such a place has to be left out of the mean.",
    lambda logits, targets, pad_id: losses_of(np.where((targets != pad_id)[..., None], logits, 0), targets).mean(),
    lambda logits, targets, pad_id:
        losses_of(np.where((targets != pad_id)[..., None], logits, 0), targets).sum() / (targets != pad_id).sum())  # fmt: skip
mistake(LOSS, "loss-pad-class-hidden", "You take the class pad_id out of the softmax. It stays a class like any other; what is left out "
        "are the places where it is the target.",
        lambda logits, targets, pad_id: averaged(losses_of(without_class(logits, pad_id), targets), targets != pad_id))  # fmt: skip
mistake(LOSS, "loss-padding-by-prediction", "You look for padding in what the logits prefer. It stands in the targets.",
        lambda logits, targets, pad_id: averaged(losses_of(logits, targets), logits.argmax(axis=-1) != pad_id))  # fmt: skip
mistake(LOSS, "loss-shifted", "Each place is compared with the target of another one. Logits and targets come lined up.",
        lambda logits, targets, pad_id: masked_loss(logits[:, :-1], targets[:, 1:], pad_id),
        lambda logits, targets, pad_id: masked_loss(logits[:, 1:], targets[:, :-1], pad_id))  # fmt: skip
mistake(LOSS, "loss-of-each-row", "There is a loss for each sentence, or for each place. One number is asked for, the "
    "mean over all places that count.",
    *(lambda logits, targets, pad_id, divide=divide:
        (losses_of(logits, targets) * (keep := targets != pad_id)).sum(axis=1) / divide(keep)
        for divide in (lambda keep: keep.shape[1], lambda keep: keep.sum(axis=1), lambda keep: 1)),
    lambda logits, targets, pad_id: losses_of(logits, targets) * (targets != pad_id),
    lambda logits, targets, pad_id: losses_of(logits, targets)[targets != pad_id])  # fmt: skip
mistake(LOSS, "loss-every-place-with-every-target", None,
        lambda logits, targets, pad_id: -log_probabilities(logits)[targets != pad_id][:, targets[targets != pad_id]].mean(),
        lambda logits, targets, pad_id: -log_probabilities(logits)[..., targets][targets != pad_id].mean())  # fmt: skip
mistake(LOSS, "loss-log-of-the-mean", "You take the logarithm of a mean of probabilities. The mean is taken of the logarithms.",
        lambda logits, targets, pad_id: -np.log(picked(probabilities(logits), targets)[targets != pad_id].mean()))  # fmt: skip
mistake(LOSS, "loss-of-one-sentence", "Your loss is that of one sentence, the first or the last. Does a return or an `=` stand inside of "
        "a loop?", *(lambda logits, targets, pad_id, row=row: masked_loss(logits[row], targets[row], pad_id) for row in (0, -1)),
        lambda logits, targets, pad_id: losses_of(logits, targets)[0][targets[0] != pad_id].sum())  # fmt: skip
mistake(LOSS, "loss-divided-by-classes", None,
        lambda logits, targets, pad_id: (losses_of(logits, targets) * (targets != pad_id)).mean() / logits.shape[-1])  # fmt: skip
mistake(LOSS, "loss-is-a-share-of-hits", "That is how many tokens are right, or wrong. A loss asks how likely the right one was.",
        lambda logits, targets, pad_id: (logits.argmax(axis=-1) == targets)[targets != pad_id].mean(),
        lambda logits, targets, pad_id: (logits.argmax(axis=-1) != targets)[targets != pad_id].mean())  # fmt: skip


def without_class(logits, number):
    """Logits in which one class has no probability."""
    return np.where(np.arange(logits.shape[-1]) == number, -np.inf, logits)


# ----------------------------------------------------------------------------------------------------------------------
# Label smoothing
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "07.smoothed_targets",
    title="Label smoothing",
    points=2,
    hints=[
        "Begin with share / num_classes everywhere. What is missing at the right token?",
        "`np.eye(num_classes)[targets]` gives the hard targets, whatever the shape of targets.",
        "`(1 - share) * np.eye(num_classes)[targets] + share / num_classes`.",
    ],
    returns="result",
)
def smoothed_targets(targets, num_classes, share):
    return smoothed(one_hot(targets, num_classes), share)


@cases("07.smoothed_targets")
def smoothed_targets_cases():
    yield Case("two targets of three classes", generator(1).permutation(2), 3, 0.1)
    yield Case("as many targets as classes", generator(2).permutation([0, 1, 3, 3]), 4, 0.2)
    yield Case("targets with two axes", generator(3).integers(0, 5, (3, 2)), 7, 0.3)
    yield Case("targets with three axes", generator(4).integers(0, 6, (2, 4, 3)), 6, 0.1)
    yield Case("as many rows and columns as classes", generator(5).integers(0, 3, (3, 3)), 3, 0.3)
    yield Case("a single target without axes", np.array(generator(6).integers(0, 9)), 10, 0.15, edge=True)
    yield Case("a share of 0", generator(7).integers(0, 4, 5), 4, 0.0, edge=True)
    yield Case("a share of 1", generator(8).integers(0, 4, 5), 4, 1.0, edge=True)


SMOOTH = "07.smoothed_targets"


def one_axis(targets, num_classes, share):
    """Targets filled in by one index for rows and one for classes."""
    wrong = np.full((len(targets), num_classes), share / num_classes)
    wrong[np.arange(len(targets)), targets] += 1 - share
    return wrong


mistake(SMOOTH, "smooth-every-target-everywhere", "A place gets the targets of other places as well: an index of targets alone reaches "
        "all places at once. Each has its own target.",
        lambda targets, num_classes, share: all_at_once(targets, num_classes, share, 1 - share + share / num_classes),
        lambda targets, num_classes, share: all_at_once(targets, num_classes, share, 1 - share))  # fmt: skip
mistake(SMOOTH, "array-of-whole-numbers", "Your array holds whole numbers, so everything behind the point is cut off. Make it of floats.",
        lambda *inputs: smoothed_targets(*inputs).astype(int))  # fmt: skip
mistake(SMOOTH, "one-hot-one-axis", "Right for a row of targets, not for other shapes: something counts on exactly one axis.",
        one_axis)  # fmt: skip
mistake(SMOOTH, "one-hot-classes-first", None, lambda *inputs: np.moveaxis(smoothed_targets(*inputs), -1, 0))
mistake(SMOOTH, "one-hot-classes-from-targets", None,
        lambda targets, num_classes, share: (1 - share) * np.eye(targets.max() + 1)[targets] + share / num_classes)  # fmt: skip
mistake(SMOOTH, "smooth-logarithm", "These are logarithms. The targets themselves are asked for.",
        lambda *inputs: np.log(smoothed_targets(*inputs)), lambda *inputs: -np.log(smoothed_targets(*inputs)))  # fmt: skip


def all_at_once(targets, num_classes, share, height):
    """Targets in which a height is written at the classes of all places."""
    wrong = np.full((*targets.shape, num_classes), share / num_classes)
    wrong[..., targets] = height
    return wrong


@holds(SMOOTH, "smooth-not-a-distribution", "The targets of one place do not add up to 1.")
def each_place_sums_to_one(got, targets, num_classes, share):
    return answers.sums_to_one(got)


@holds(SMOOTH, "smooth-wrong-place", "The largest target does not stand at the right token.")
def largest_at_the_right_class(got, targets, num_classes, share):
    return share == 1 or np.array_equal(got.argmax(axis=-1), targets)


# ----------------------------------------------------------------------------------------------------------------------
# The learning rate
# ----------------------------------------------------------------------------------------------------------------------


@step
def up(number, warmup_steps):
    """The share of the peak while it warms up."""
    return number / warmup_steps


@step
def down(number, warmup_steps, num_steps):
    """The share of the peak afterwards."""
    return (num_steps - number) / (num_steps - warmup_steps)


@reference(
    "07.rate_at",
    title="Up, then down: the learning rate",
    points=2,
    hints=[
        "Two straight lines that meet at (warmup_steps, peak).",
        "The line down has the length num_steps - warmup_steps, and num_steps - step of it are left.",
        "`if step <= warmup_steps: return peak * step / warmup_steps`, else `peak * (num_steps - step) / (num_steps - warmup_steps)`.",
    ],
    returns="rate",
)
def rate_at(step, peak, warmup_steps, num_steps):
    return peak * (up(step, warmup_steps) if step <= warmup_steps else down(step, warmup_steps, num_steps))


def some_peak(seed):
    """A rate, a plain number."""
    return round(float(generator(seed).uniform(0.3, 3)), 2)


@cases("07.rate_at")
def rate_cases():
    for seed, warmup, total in ((1, 4, 10), (2, 10, 50), (3, 3, 40), (4, 1, 6), (5, 20, 30)):
        peak = some_peak(seed)
        for number in sorted({1, 2, warmup - 1, warmup, warmup + 1, (warmup + total) // 2, total - 1, total} - {0}):
            yield Case(f"step {number} (warm-up {warmup} of {total})", number, peak, warmup, total)
    for number in (1, 2, 5, 8):
        yield Case(f"step {number} of 8 without warm-up", number, some_peak(6), 0, 8, edge=True)


RATE = "07.rate_at"
up.slip("rate-no-warm-up", "Your rate does not grow: step 1 is no slower than step warmup_steps.", lambda number, w: 1.0)  # fmt: skip
up.slip("rate-up-from-zero", "Your line up is 0 at step 1. Steps count from 1: the first one moves already.",
        lambda number, w: (number - 1) / w, lambda number, w: (number - 1) / max(1, w - 1))  # fmt: skip
up.slip("rate-up-too-early", "While it warms up, your rate is that of one step later. Steps count from 1, not from 0.",
        lambda number, w: (number + 1) / w, lambda number, w: min(1, (number + 1) / w))  # fmt: skip
up.slip("rate-up-other-length", "Your line up has another length than warmup_steps: it is divided by something else.",
        lambda number, w: number / (w + 1), lambda number, w: (number + 1) / (w + 1))  # fmt: skip
up.slip("rate-upside-down", "The step divides: your rate falls while it should warm up.", lambda number, w: w / number)
up.slip("rate-whole-numbers", "// leaves whole numbers: your rate goes in jumps, or stays where it is.",
    lambda number, w: number // w)  # fmt: skip
up.slip("rate-not-a-line", "Your rate follows a curve. Two straight lines were asked for.",
        *(lambda number, w, power=power: (number / w) ** power for power in (0.5, 2, 3)),
        lambda number, w: (1 - math.cos(math.pi * number / w)) / 2, lambda number, w: math.sin(math.pi / 2 * number / w),
        lambda number, w: 1 - math.exp(-number / w))  # fmt: skip
down.slip("rate-no-decay", "Your rate does not fall after the warm-up.", lambda number, w, n: 1.0)
down.slip("rate-down-divided-by-all", "Your line down is divided by num_steps. How many steps is it long?",
          lambda number, w, n: (n - number) / n, lambda number, w, n: 1 - (number - w) / n)  # fmt: skip
down.slip("rate-never-zero", "At num_steps the rate should be 0; yours is still above it.",
          lambda number, w, n: (n - number + 1) / (n - w), lambda number, w, n: (n - number + 1) / (n - w + 1),
          lambda number, w, n: max((n - number) / (n - w), 0.1))  # fmt: skip
down.slip("rate-below-zero", "Your line down is a step ahead: it is 0 before num_steps, and negative there.",
          lambda number, w, n: (n - number - 1) / (n - w), lambda number, w, n: (n - number - 1) / (n - w - 1))  # fmt: skip
down.slip("rate-zero-too-early", "Your rate is 0 already a step before num_steps.",
          lambda number, w, n: max(0, (n - number - 1) / (n - w)))  # fmt: skip
down.slip("rate-down-other-length", "Your line down is divided by another number than that of its steps.",
          lambda number, w, n: (n - number) / (n - w + 1), lambda number, w, n: (n - number) / max(1, n - w - 1),
          lambda number, w, n: (n - number) / w if w else math.nan, lambda number, w, n: (n - number) / (n + w))  # fmt: skip
down.slip("rate-done-not-left", "After the warm-up your line begins at 0 and goes up: it counts the steps done, not those left.",
          lambda number, w, n: (number - w) / (n - w))  # fmt: skip
down.slip("rate-turned-over", "The steps left divide. On a line down they are what is divided.",
          lambda number, w, n: (n - w) / (n - number) if n > number else math.inf)  # fmt: skip
down.slip("rate-sign", "After the warm-up your rate is negative: the difference is taken the wrong way round.",
          lambda number, w, n: (number - n) / (n - w))  # fmt: skip
down.slip("rate-inverse-root", "After the warm-up your rate falls with the inverse square root, as in 2017. Here it is a straight line "
          "down to 0.", lambda number, w, n: math.sqrt(w / number))  # fmt: skip
down.slip("rate-whole-numbers", None, lambda number, w, n: (n - number) // (n - w))
down.slip("rate-not-a-line", None, lambda number, w, n: w / number,
          *(lambda number, w, n, power=power: ((n - number) / (n - w)) ** power for power in (0.5, 2, 3)),
          lambda number, w, n: (1 + math.cos(math.pi * (number - w) / (n - w))) / 2,
          lambda number, w, n: math.exp(-(number - w) / (n - w)), lambda number, w, n: math.cos(math.pi / 2 * (number - w) / (n - w)),
          *(lambda number, w, n, power=power: 1 - ((number - w) / (n - w)) ** power for power in (0.5, 2, 3)))  # fmt: skip


def smaller_of(rise, fall):
    """A rate without a branch: the smaller of two shares of the peak."""
    return lambda step, peak, w, n: peak * min(rise(step, w, n), fall(step, w, n))


def rising(step, w, n):
    """The line up, which there is not without a warm-up."""
    return step / w if w else math.inf


def rate_of(rise, fall):
    """A rate with a branch, and two shares of the peak."""
    return lambda step, peak, w, n: peak * (rise(step, w, n) if step <= w else fall(step, w, n))


mistake(RATE, "rate-up-divided-by-all", "Your line up is divided by num_steps. It reaches the peak at step warmup_steps.",
        lambda step, peak, w, n: peak * (step / n if step <= w else (n - step) / (n - w)),
        lambda step, peak, w, n: peak * (step / n if step <= w else (n - step) / n))  # fmt: skip
mistake(RATE, "rate-up-from-zero", None, rate_of(lambda step, w, n: (step - (step < w)) / w, down))
mistake(RATE, "rate-no-warm-up", None, lambda step, peak, w, n: peak * (n - step) / n, lambda step, peak, w, n: peak,
        lambda step, peak, w, n: peak * (n - step) / (n - w))  # fmt: skip
mistake(RATE, "rate-no-decay", None, lambda step, peak, w, n: peak * min(1, step / w if w else 1))
mistake(RATE, "rate-above-peak", "Your rate goes on growing after the warm-up, above the peak.", lambda step, peak, w, n: peak * step / w,
        lambda step, peak, w, n: peak * step / w if w else peak, lambda step, peak, w, n: peak * step / w if w else 0.0,
        lambda step, peak, w, n: peak * max(step / w if w else 0, (n - step) / (n - w)))  # fmt: skip
mistake(RATE, "rate-a-step-late", "Your rate is that of the step before, all along: steps count from 1 here, not from 0.",
        lambda step, peak, w, n: rate_at(step - 1, peak, w, n) if step > 1 or w else peak,
        lambda step, peak, w, n: rate_at(step - 1, peak, w, n))  # fmt: skip
mistake(RATE, "rate-a-step-early", "Your rate is that of the step after, all along: steps count from 1 here, not from 0.",
        lambda step, peak, w, n: rate_at(step + 1, peak, w, n))  # fmt: skip
mistake(
    RATE, "rate-a-step-early", None, lambda step, peak, w, n: [rate_at(i, peak, w, n) for i in range(1, n + 1)][step]
)
mistake(RATE, "rate-without-peak", "One of your lines, or both, has nothing to do with the peak.",
        lambda step, peak, w, n: rate_at(step, 1.0, w, n), lambda step, peak, w, n: rate_at(step, peak if step > w else 1.0, w, n),
        lambda step, peak, w, n: rate_at(step, peak if step <= w else 1.0, w, n),
        lambda step, peak, w, n: peak * step / w if step <= w else peak - (step - w) / (n - w))  # fmt: skip
mistake(RATE, "rate-peak-divides", "The peak divides. The line goes up to it.",
    lambda step, peak, w, n: rate_at(step, 1 / peak, w, n))  # fmt: skip
mistake(RATE, "rate-branches-exchanged", "The two lines are exchanged: yours goes down while it should warm up.",
        lambda step, peak, w, n: peak * ((n - step) / (n - w) if step <= w else step / w if w else math.nan),
        lambda step, peak, w, n: peak * ((n - step) / (n - w) if step <= w else step / w))  # fmt: skip
mistake(RATE, "rate-without-warm-up-fails", "Without a warm-up your function divides by 0, or gives what is no number. Is there a line "
        "up at all where warmup_steps is 0?", smaller_of(lambda step, w, n: step / w, down),
        *(lambda step, peak, w, n, then=then: rate_at(step, peak, w, n) if w else then for then in (math.nan, math.inf, -math.inf)),
        lambda step, peak, w, n: peak * min(step / w, 1) * min(1, (n - step) / (n - w)))  # fmt: skip
mistake(RATE, "rate-without-warm-up-flat",
    "Without a warm-up your rate stays the same. The line down is still there, from the first step on.",
    *(lambda step, peak, w, n, share=share: rate_at(step, peak, w, n) if w else share * peak for share in (0, 1)))  # fmt: skip
mistake(RATE, "rate-warms-up-anyway", "Where warmup_steps is 0 you warm up all the same, for a step.",
        lambda step, peak, w, n: rate_at(step, peak, max(1, w), n))  # fmt: skip
mistake(RATE, "rate-inverse-root", None, lambda step, peak, w, n: peak * min(step / w, (w / step) ** 0.5),
        lambda step, peak, w, n: peak * min(step**-0.5, step * w**-1.5),
        lambda step, peak, w, n: peak * min(step / w if w else 1, (w / step) ** 0.5),
        lambda step, peak, w, n: peak * min(step / max(1, w), (max(1, w) / step) ** 0.5))  # fmt: skip
mistake(RATE, "rate-product-of-both", "Both lines act at every step: you multiply them. Before warmup_steps there is the one, after it "
        "the other.", lambda step, peak, w, n: peak * min(1, rising(step, w, n)) * (n - step) / (n - w),
        lambda step, peak, w, n: peak * min(1, rising(step, w, n)) * (n - step) / n,
        lambda step, peak, w, n: peak * min(1, rising(step, w, n)) * (1 - step / n))  # fmt: skip
mistake(RATE, "rate-down-divided-by-all", None, smaller_of(rising, lambda step, w, n: (n - step) / n),
        lambda step, peak, w, n: peak * (step / w if step < w else (n - step) / n))  # fmt: skip
mistake(RATE, "rate-whole-numbers", None, lambda step, peak, w, n: peak * step // w if step <= w else peak * (n - step) // (n - w),
        lambda step, peak, w, n: peak * (step // w) if step <= w else peak * ((n - step) // (n - w)))  # fmt: skip
mistake(RATE, "parentheses-missing", "A power comes before * and /, and these before + and -: a pair of parentheses is missing{at}.",
        lambda step, peak, w, n: peak * step / w if step <= w else peak * (n - step) / n - w,
        lambda step, peak, w, n: peak * step / w if step <= w else peak * n - step / n - w,
        lambda step, peak, w, n: peak * step / w if step <= w else peak * n - step / (n - w),
        lambda step, peak, w, n: peak * (step / w if step <= w else (n - step) / n - w))  # fmt: skip
mistake(RATE, "rate-not-a-line", None,
    rate_of(lambda step, w, n: (1 - math.cos(math.pi * step / w)) / 2, lambda step, w, n:
        (1 + math.cos(math.pi * (step - w) / (n - w))) / 2),
    rate_of(rising, lambda step, w, n: (1 + math.cos(math.pi * step / n)) / 2))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Clipping
# ----------------------------------------------------------------------------------------------------------------------


@step
def length_of(first, second):
    """The length of all numbers together."""
    return np.sqrt((first**2).sum() + (second**2).sum())


@step
def shortening(length, max_norm):
    """The factor that makes what is too long as long as allowed."""
    return max_norm / length if length > max_norm else 1.0


@reference(
    "07.clip",
    title="Clip the gradient",
    points=2,
    hints=[
        "All numbers of both arrays make one long vector. How long is it?",
        "`length = np.sqrt((first**2).sum() + (second**2).sum())`. Multiply both by the same factor, and only if it is too long.",
        "`factor = max_norm / length if length > max_norm else 1.0`.",
    ],
    returns=("first", "second"),
)
def clip(first, second, max_norm):
    factor = shortening(length_of(first, second), max_norm)
    return first * factor, second * factor


def gradients(seed, length, *shapes):
    """Two arrays which all together have a length."""
    first, second = (draw(10 * seed + i, *shape) for i, shape in enumerate(shapes))
    factor = length / length_of.function(first, second)
    return first * factor, second * factor


@cases("07.clip")
def clip_cases():
    yield Case("a gradient that is too long", *(part.round(1) for part in gradients(1, 6, (2, 3), (2,))), 2.0)
    yield Case("two arrays of one shape", *gradients(2, 5, (3, 3), (3, 3)), 1.0)
    yield Case("a gradient that is short enough", *gradients(3, 0.3, (4, 3), (5,)), 0.5)
    yield Case("one longer than 1, and short enough", *gradients(4, 3, (3, 2), (4,)), 5.0)
    yield Case("one shorter than 1, and too long", *gradients(5, 0.6, (4,), (2, 2)), 0.5)
    yield Case("another shorter than 1, and too long", *gradients(6, 0.8, (4, 4), (4, 4)), 0.6)
    first, second = draw(7, 3, 4), draw(8, 5)
    alone = 0.8 * first / norm(first), 0.8 * second / norm(second)
    yield Case("two that are short enough, but not together", *alone, 1.0)
    yield Case("one long and one short array", 30 * alone[0], alone[1], 2.0)
    yield Case("one short and one long array", alone[0], 30 * alone[1], 2.0)
    yield Case("a single number and three axes", *gradients(9, 4, (), (2, 3, 2)), 3.0)
    yield Case("a gradient of zeros", np.zeros((2, 2)), np.zeros(3), 1.0, edge=True)
    yield Case("zeros beside a long array", np.zeros((2, 2)), 9 * alone[1], 1.0, edge=True)


CLIP = "07.clip"
norm = np.linalg.norm
length_of.slip("clip-adds-lengths", "You add the lengths of the two arrays, or take their mean. The length of all numbers together is "
               "another.", lambda a, b: norm(a) + norm(b), lambda a, b: (norm(a) + norm(b)) / 2)  # fmt: skip
length_of.slip("clip-without-root", "You take the sum of squares. The length is its root.",
    lambda a, b: (a**2).sum() + (b**2).sum())  # fmt: skip
length_of.slip("clip-by-largest", "You take the largest number. The length is made of all of them.",
               lambda a, b: max(abs(a).max(), abs(b).max()), lambda a, b: max(a.max(), b.max()))  # fmt: skip
length_of.slip("clip-by-absolute-values", "You add up absolute values. A length adds up squares.",
               lambda a, b: abs(a).sum() + abs(b).sum())  # fmt: skip
length_of.slip("clip-by-sum", "You add up the numbers themselves, so that positive and negative ones cancel. A length adds up squares.",
               lambda a, b: a.sum() + b.sum(), lambda a, b: abs(a.sum() + b.sum()), lambda a, b: math.hypot(a.sum(), b.sum()))  # fmt: skip
length_of.slip("clip-by-mean-square", "You take the mean of the squares under the root. A length takes their sum.",
               lambda a, b: math.sqrt(((a**2).sum() + (b**2).sum()) / (a.size + b.size)),
               lambda a, b: math.sqrt((a**2).mean() + (b**2).mean()))  # fmt: skip
length_of.slip("clip-by-one-array",
    "Your length is that of one of the two arrays. All numbers of both make one long vector.", lambda a, b: norm(a),
    lambda a, b: norm(b), lambda a, b: max(norm(a), norm(b)), lambda a, b: min(norm(a), norm(b)))  # fmt: skip
length_of.slip("clip-by-spectral-norm", "For a matrix, that norm is how much it stretches. The length here is the root of the sum of "
               "squares.", lambda a, b: math.hypot(*(norm(one, 2) if one.ndim in (1, 2) else norm(one) for one in (a, b))),
               lambda a, b: math.hypot(norm(a, 2), norm(b, 2)))  # fmt: skip
shortening.slip("clip-always", "A gradient that is short enough is changed as well. Only one longer than max_norm is shortened.",
                lambda length, max_norm: max_norm / length, lambda length, max_norm: max_norm / float(length),
                lambda length, max_norm: max_norm / (length + 1e-12), lambda length, max_norm: max_norm / length if length else 1.0,
                lambda length, max_norm: max_norm / (length + 1e-6))  # fmt: skip
shortening.slip("clip-to-one", "The length you aim at is 1, whatever max_norm says.",
                lambda length, max_norm: 1 / length if length > max_norm else 1.0, lambda length, max_norm: 1 / max(1, length),
                lambda length, max_norm: 1 / length, lambda length, max_norm: 1 / length if length else 1.0)  # fmt: skip
shortening.slip("clip-never", "Your gradients stay as they come, however long.", lambda length, max_norm: 1.0)
shortening.slip("clip-lengthens", "What is too long stays so, and what is short is changed: the comparison is the wrong way round.",
                lambda length, max_norm: max_norm / length if length < max_norm else 1.0,
                lambda length, max_norm: max(1, max_norm / length),
                lambda length, max_norm: max_norm / length if 0 < length < max_norm else 1.0)  # fmt: skip
shortening.slip("clip-upside-down", "What is too long becomes longer: the quotient is the wrong way round.",
                lambda length, max_norm: length / max_norm if length > max_norm else 1.0)  # fmt: skip
shortening.slip("clip-factor-below-one-only", "You compare the length with 1 in place of max_norm.",
                lambda length, max_norm: max_norm / length if length > 1 else 1.0)  # fmt: skip
shortening.slip("clip-by-max-norm", "You multiply or divide by max_norm, whatever the length is. Which factor makes the length max_norm?",
                lambda length, max_norm: max_norm if length > max_norm else 1.0, lambda length, max_norm: max_norm,
                lambda length, max_norm: 1 / max_norm if length > max_norm else 1.0, lambda length, max_norm: 1 / max_norm)  # fmt: skip
shortening.slip("clip-difference", "You work with a difference of lengths. A factor is their quotient.",
                lambda length, max_norm: 1 - (length - max_norm) if length > max_norm else 1.0,
                lambda length, max_norm: length - max_norm if length > max_norm else 1.0)  # fmt: skip
shortening.slip("clip-to-zero", "A gradient that is too long becomes 0. It is shortened, and keeps its direction.",
                lambda length, max_norm: 0.0 if length > max_norm else 1.0)  # fmt: skip
shortening.slip("clip-zero", "A gradient of zeros gives no result: its length is 0, and you divide by it.",
                lambda length, max_norm: min(length, max_norm) / length if length else math.nan,
                lambda length, max_norm: (1 / float(length), shortening(length, max_norm))[1])  # fmt: skip
shortening.slip("clip-small-number-added",
    "Something is added to the length before you divide: the result is shorter than max_norm.",
    *(lambda length, max_norm, eps=eps: min(1, max_norm / (length + eps)) for eps in (1, 1e-1, 1e-2, 1e-3, 1e-4)),
    *(lambda length, max_norm, eps=eps: max_norm / (length + eps) if length > max_norm else 1.0
        for eps in (1, 1e-1, 1e-2, 1e-3, 1e-4)))  # fmt: skip


def each(change):
    """The two arrays, each changed by itself."""
    return lambda first, second, max_norm: (change(first, max_norm), change(second, max_norm))


def to_length(part, max_norm, axis=None):
    """An array, or the rows along an axis, shortened to a length."""
    length = np.sqrt((part**2).sum(axis=axis, keepdims=axis is not None))
    return part * np.where(length > max_norm, max_norm / length, 1)


mistake(CLIP, "clip-each-alone", "You clip each array by its own length. The length is that of all numbers together, and all are "
        "shortened by the same factor.", each(to_length), lambda a, b, m: (a * (m / norm(a)), b * (m / norm(b))),
        lambda a, b, m: (a * min(1, m / (norm(a) + 1e-12)), b * min(1, m / (norm(b) + 1e-12))))  # fmt: skip
mistake(CLIP, "clip-each-row", "You clip each row by its own length. All numbers of both arrays are shortened by one factor.",
        each(lambda part, m: to_length(part, m, -1) if part.ndim else to_length(part, m)))  # fmt: skip
mistake(CLIP, "clip-values", "You cut single numbers. That changes the direction; clipping shortens all by one factor.",
        each(lambda part, m: np.clip(part, -m, m)), each(np.minimum), each(lambda part, m: np.where(abs(part) > m, m, part)),
        lambda a, b, m: (np.clip(a, -m / (n := length_of(a, b)), m / n), np.clip(b, -m / n, m / n)))  # fmt: skip
mistake(CLIP, "clip-signs", "You keep the signs alone.", each(lambda part, m: m * np.sign(part)))
mistake(CLIP, "clip-one-of-two", "One of the two arrays is shortened, the other stays as it came.", lambda a, b, m: (clip(a, b, m)[0], b),
        lambda a, b, m: (a, clip(a, b, m)[1]))  # fmt: skip
mistake(CLIP, "clip-compares-the-square", "You compare the sum of squares with max_norm. It is the length, its root, that may be too "
        "large.", lambda a, b, m: (a * (f := m / n if (n := length_of(a, b)) ** 2 > m else 1.0), b * f))  # fmt: skip
mistake(CLIP, "clip-run-together", "The shapes are lost: each of the two gradients keeps its own.",
        lambda a, b, m: np.concatenate([part.ravel() for part in clip(a, b, m)]),
        lambda a, b, m: tuple(part.ravel() for part in clip(a, b, m)))  # fmt: skip
mistake(CLIP, "clip-length-returned",
    "You return the length, or the factor, beside the gradients. Asked for are the two gradients alone.",
    lambda a, b, m: (*clip(a, b, m), length_of(a, b)), lambda a, b, m: (*clip(a, b, m), shortening(length_of(a, b), m)))  # fmt: skip


@holds(CLIP, "clip-still-too-long", "All numbers together are still longer than max_norm.")
def short_enough(got, first, second, max_norm):
    return not length_of(*(part.astype(float) for part in got)) > max_norm * (1 + 1e-4)


@holds(
    CLIP, "clip-other-direction", "Your gradients point elsewhere: not all numbers are multiplied by the same factor."
)
def one_factor(got, first, second, max_norm):
    given, came = (np.concatenate([np.ravel(part) for part in parts]) for parts in ((first, second), got))
    return not np.isfinite(came).all() or np.isclose(abs(given @ came), norm(given) * norm(came), rtol=1e-3)


# ----------------------------------------------------------------------------------------------------------------------
# Adam
# ----------------------------------------------------------------------------------------------------------------------


@step
def kept(old, new, beta):
    """A memory after one more number."""
    return beta * old + (1 - beta) * new


@step
def corrected(memory, beta, step):
    """A memory divided by how much of it is filled."""
    return memory / (1 - beta**step)


@step
def squared(gradient):
    """The squares of the gradient."""
    return gradient**2


@step
def typical_size(square, eps):
    """How large the gradient usually is."""
    return np.sqrt(square) + eps


@step
def moved(parameter, direction, size, rate):
    """The parameter after its step."""
    return parameter - rate * direction / size


@reference(
    "07.adam_step",
    title="One step of Adam",
    points=3,
    hints=[
        "Update both memories first: beta times the old, plus 1 - beta times the gradient, or its square.",
        "The memories begin at 0, so early on they are too small: divide copies of them by `1 - beta1**step` and `1 - beta2**step`.",
        "`parameter - rate * (mean / (1 - beta1**step)) / (np.sqrt(square / (1 - beta2**step)) + eps)`; return the memories uncorrected.",
    ],
    returns=("parameter", "mean", "square"),
)
def adam_step(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean = kept(mean, gradient, beta1, at="in the mean")
    square = kept(square, squared(gradient), beta2, at="in the square")
    direction = corrected(mean, beta1, step, at="in the mean")
    size = typical_size(corrected(square, beta2, step, at="in the square"), eps)
    return moved(parameter, direction, size, rate), mean, square


@cases("07.adam_step")
def adam_cases():
    first = draw(1, 2, 3).round(1), 2 * draw(2, 2, 3).round(1)
    yield Case("the first step, from empty memories", *first, np.zeros((2, 3)), np.zeros((2, 3)), 1, 0.1, 0.9, 0.98,
        1e-8)  # fmt: skip
    for number, beta1, beta2, eps, size in ((2, 0.9, 0.98, 1e-8, 2), (7, 0.8, 0.95, 0.05, 2), (3, 0.5, 0.7, 0.3, 0.1)):
        about = f"step {number}, with beta1 = {beta1}, beta2 = {beta2} and eps = {eps}"
        parameter, gradient, mean, square = (draw(10 * number + i, 4, 3) for i in range(4))
        yield Case(about, parameter, size * gradient, size * mean, (size * square) ** 2, number, 0.2, beta1, beta2, eps)
    numbers = [draw(90 + i, 3, 3) for i in range(4)]
    yield Case("a square of parameters", *numbers[:3], numbers[3] ** 2, 4, 0.3, 0.6, 0.9, 0.01)
    numbers = [draw(100 + i, 5) for i in range(4)]
    yield Case("one axis", *numbers[:3], numbers[3] ** 2, 2, 1.5, 0.9, 0.99, 1e-3)
    zeros = np.zeros(3)
    yield Case("a gradient of zeros in the first step", draw(11, 3), zeros, zeros, zeros, 1, 0.1, 0.9, 0.98, 1e-8,
        edge=True)  # fmt: skip


ADAM = "07.adam_step"
kept.slip("adam-shares-exchanged", "beta is the share that is kept of the old memory, 1 - beta that of the new number{at}.",
          lambda old, new, beta: (1 - beta) * old + beta * new)  # fmt: skip
kept.slip("adam-memory-adds-up", "The shares of old and new do not sum to 1{at}.", lambda old, new, beta: beta * old + new,
          lambda old, new, beta: old + new, lambda old, new, beta: old + (1 - beta) * new, lambda old, new, beta: old + beta * new,
          lambda old, new, beta: beta * (old + new))  # fmt: skip
kept.slip("adam-forgets", "The old memory is lost{at}.", lambda old, new, beta: new, lambda old, new, beta: (1 - beta) * new,
          lambda old, new, beta: beta * new)  # fmt: skip
kept.slip("adam-remembers-nothing-new", "Nothing new is remembered{at}.", lambda old, new, beta: old,
    lambda old, new, beta: beta * old)  # fmt: skip
kept.slip("parentheses-missing", None, lambda old, new, beta: beta * old + 1 - beta * new)
kept.slip("adam-memory-sign", "The new number is subtracted{at}. A mean adds it.",
    lambda old, new, beta: beta * old - (1 - beta) * new)  # fmt: skip
corrected.slip("adam-no-correction", "The bias correction is missing{at}: in the first steps the memory holds a small part of the "
               "gradient only.", lambda memory, beta, step: memory)  # fmt: skip
corrected.slip("adam-correction-off-by-one", "Your bias correction{at} is that of another step. Steps count from 1.",
    lambda memory, beta, step: memory / (1 - beta ** (step + 1)),
    lambda memory, beta, step: memory / (1 - beta ** (step - 1)))  # fmt: skip
corrected.slip("adam-correction-not-a-power", "Your bias correction{at} does not take beta to the power of the step.",
               lambda memory, beta, step: memory / (1 - beta), lambda memory, beta, step: memory / (1 - beta * step),
               lambda memory, beta, step: memory / (1 - beta / step), lambda memory, beta, step: memory / (1 - beta) ** step)  # fmt: skip
corrected.slip("adam-correction-wrong-way", "Your bias correction{at} makes the memory smaller still. Early on it is too small already.",
               lambda memory, beta, step: memory * (1 - beta**step), lambda memory, beta, step: memory / (1 + beta**step))  # fmt: skip
corrected.slip("adam-correction-without-one", "You divide by the power of beta itself{at}. What part of the memory is filled?",
               lambda memory, beta, step: memory / beta**step)  # fmt: skip
corrected.slip("parentheses-missing", None, lambda memory, beta, step: memory / 1 - beta**step)
corrected.slip("adam-corrected-at-first-only", "A correction in the first step alone is not enough{at}.",
               lambda memory, beta, step: memory / (1 - beta) if step == 1 else memory)  # fmt: skip
squared.slip("adam-square-not-squared", "The memory of the squares gets the gradient itself, or its size.", lambda gradient: gradient,
             abs)  # fmt: skip
squared.slip("adam-square-of-all", "The squares of all numbers are run together: each parameter has its own memory.",
             lambda gradient: np.full(gradient.shape, (gradient**2).mean()),
             lambda gradient: np.full(gradient.shape, (gradient**2).sum()),
             lambda gradient: gradient @ gradient.T if gradient.ndim > 1 else gradient @ gradient)  # fmt: skip
squared.slip("adam-another-power", "The memory of the squares gets something else than squares.", lambda gradient: np.sqrt(abs(gradient)),
             lambda gradient: gradient**3, lambda gradient: 2 * gradient)  # fmt: skip
typical_size.slip("adam-eps-inside", "eps stands under the root. It is added to the root.", lambda square, eps: np.sqrt(square + eps),
                  lambda square, eps: np.sqrt(square + eps**2))  # fmt: skip
typical_size.slip("adam-no-root", "You divide by the mean square. Its root is wanted.", lambda square, eps: square + eps)  # fmt: skip
typical_size.slip("adam-no-eps", "eps does not enter, or has a size of its own.", lambda square, eps: np.sqrt(square),
                  *(lambda square, eps, own=own: np.sqrt(square) + own for own in (1e-8, 1e-7, 1e-6)))  # fmt: skip
typical_size.slip("adam-eps-elsewhere", "eps does not come in where it belongs. It is added to the root, and the two together divide.",
                  lambda square, eps: np.sqrt(square) - eps, lambda square, eps: np.sqrt(square) * eps,
                  lambda square, eps: np.maximum(np.sqrt(square), eps), lambda square, eps: np.sqrt(np.maximum(square, eps)),
                  lambda square, eps: np.sqrt(square) + np.sqrt(eps))  # fmt: skip
typical_size.slip("adam-size-left-out", "The memory of the squares has no part in your step.", lambda square, eps: 1.0)
moved.slip("adam-wrong-way", "The parameter moves along the gradient. It moves against it.",
           lambda parameter, direction, size, rate: parameter + rate * direction / size)  # fmt: skip
moved.slip("adam-rate-left-out", "The rate does not enter as it should: it is left out, or divides.",
           lambda parameter, direction, size, rate: parameter - direction / size,
           lambda parameter, direction, size, rate: parameter - direction / size / rate)  # fmt: skip
moved.slip("adam-step-alone", "You return the step alone, or a part of it. It is taken from the parameter.",
           lambda parameter, direction, size, rate: -rate * direction / size,
           lambda parameter, direction, size, rate: rate * direction / size, lambda parameter, direction, size, rate: direction,
           lambda parameter, direction, size, rate: direction / size)  # fmt: skip
moved.slip("adam-size-multiplies", "You multiply by the typical size of the gradient. Dividing by it makes all steps about equally long.",
           lambda parameter, direction, size, rate: parameter - rate * direction * size)  # fmt: skip
moved.slip("adam-parameter-stays", "The parameter stays where it was.", lambda parameter, direction, size, rate: parameter)  # fmt: skip
moved.slip("adam-sign-only", "Only the sign of the direction enters: all steps have one length.",
           lambda parameter, direction, size, rate: parameter - rate * np.sign(direction))  # fmt: skip


def named(inputs):
    """What is passed to Adam, by its name."""
    return dict(zip(inspect.signature(adam_step).parameters, inputs, strict=True))


def adam(remember=None, direct=None, divide=None, keep=None):
    """Adam with other new memories, others to move by, another size to divide by, or others to keep: functions of all there is."""

    def wrong(*inputs):
        o = SimpleNamespace(**named(inputs))
        o.m, o.s = adam_step(*inputs)[1:]
        o.m, o.s = remember(o) if remember else (o.m, o.s)
        o.direction, o.level = corrected(o.m, o.beta1, o.step), corrected(o.s, o.beta2, o.step)
        o.direction, o.level = direct(o) if direct else (o.direction, o.level)
        size = divide(o) if divide else typical_size(o.level, o.eps)
        return moved(o.parameter, o.direction, size, o.rate), *(keep(o) if keep else (o.m, o.s))

    return wrong


def passed(**changed):
    """Adam with other settings: numbers, or the names of those to take instead."""

    def wrong(*inputs):
        given = named(inputs)
        return adam_step(**given | {name: given.get(value, value) for name, value in changed.items()})

    return wrong


for one in (kept, corrected):
    for slip in one.slips:  # made in both memories
        mistake(ADAM, slip.diagnosis, None, everywhere(adam_step, one, slip))
mistake(ADAM, "adam-correction-of-the-other", "A memory is corrected with the beta of the other one.",
    adam(direct=lambda o: (o.m / (1 - o.beta2**o.step), o.s / (1 - o.beta1**o.step))),
    adam(direct=lambda o: (o.direction, o.s / (1 - o.beta1**o.step))),
    adam(direct=lambda o: (o.m / (1 - o.beta2**o.step), o.level)))  # fmt: skip
mistake(ADAM, "adam-corrected-after-the-root", "The root of the square is divided by the whole correction, not by its root. Correct the "
        "square first, then take the root.", adam(direct=lambda o: (o.direction, o.s / (1 - o.beta2**o.step) ** 2)))  # fmt: skip
mistake(ADAM, "adam-eps-before-correction", "eps is added before the square is corrected, so that the correction divides it as well. "
        "Correct first.", adam(divide=lambda o: (np.sqrt(o.s) + o.eps) / np.sqrt(1 - o.beta2**o.step)),
        adam(divide=lambda o: np.sqrt((o.s + o.eps) / (1 - o.beta2**o.step))))  # fmt: skip
mistake(ADAM, "adam-returns-corrected", "You return corrected memories. What is kept is uncorrected; the correction is made anew in each "
        "step.", adam(keep=lambda o: (o.direction, o.level)), adam(keep=lambda o: (o.direction, o.s)),
        adam(keep=lambda o: (o.m, o.level)))  # fmt: skip
mistake(ADAM, "adam-corrects-what-was-kept",
    "You correct the old memory before the new number enters. First update, then correct a copy.",
    adam(remember=lambda o: (kept(corrected(o.mean, o.beta1, o.step), o.gradient, o.beta1),
        kept(corrected(o.square, o.beta2, o.step), squared(o.gradient), o.beta2)), direct=lambda o: (o.m, o.s)))  # fmt: skip
mistake(ADAM, "adam-betas-exchanged", "The two betas are mixed up: beta1 is for the mean, beta2 for the square, at "
    "every place.", passed(beta1="beta2", beta2="beta1"), passed(beta2="beta1"), passed(beta1="beta2"),
    adam(remember=lambda o: (o.m, o.beta2 * o.square + (1 - o.beta1) * o.gradient**2)),
    adam(remember=lambda o: (o.beta1 * o.mean + (1 - o.beta2) * o.gradient, o.s)),
    *(adam(remember=lambda o, one=one, two=two:
        (kept(o.mean, o.gradient, getattr(o, one)), kept(o.square, o.gradient**2, getattr(o, two)))) for one,
        two in (("beta2", "beta1"), ("beta1", "beta1"), ("beta2", "beta2"))),
    adam(remember=lambda o: (o.m, o.beta1 * o.square + (1 - o.beta2) * o.gradient**2)),
    adam(remember=lambda o: (o.beta2 * o.mean + (1 - o.beta1) * o.gradient, o.s)))  # fmt: skip
mistake(ADAM, "adam-settings-hard-coded", "beta1, beta2, the rate or the step have one size in your function, whatever is passed. Use "
        "the parameters.", passed(beta1=0.9, beta2=0.999), passed(beta1=0.9, beta2=0.98), passed(beta1=0.9), passed(beta2=0.999),
        passed(rate=1e-3), passed(rate=1e-2), passed(rate=0.1))  # fmt: skip
mistake(ADAM, "adam-eps-elsewhere", None,
    *(lambda *inputs, sign=sign: (np.add((got := adam(divide=lambda o: np.sqrt(o.level))(*inputs))[0],
        sign * inputs[-1]), *got[1:]) for sign in (1, -1)),
    lambda *inputs: ((got := adam(divide=lambda o: np.sqrt(o.level))(*inputs))[0] - inputs[5] * inputs[-1], *got[1:]))  # fmt: skip
mistake(ADAM, "adam-forgets", None, adam(remember=lambda o: (o.gradient, o.gradient**2), direct=lambda o: (o.m, o.s)))
mistake(ADAM, "adam-square-of-mean", "You square the mean of the gradients. The second memory is the mean of the "
    "squares.", adam(remember=lambda o: ((m := kept(o.mean, o.gradient, o.beta1)), kept(o.square, m**2, o.beta2))),
    adam(remember=lambda o: ((m := kept(o.mean, o.gradient, o.beta1)), m**2)),
    adam(remember=lambda o: ((m := kept(o.mean, o.gradient, o.beta1)),
        kept(o.square, corrected(m, o.beta1, o.step) ** 2, o.beta2))))  # fmt: skip
mistake(ADAM, "adam-old-memory", "You move by the memories from before this step. First update them, then move.",
        adam(direct=lambda o: (o.mean / (1 - o.beta1**o.step), o.square / (1 - o.beta2**o.step))),
        adam(direct=lambda o: (o.mean, o.square)), adam(direct=lambda o: (o.mean / (1 - o.beta1**o.step), o.level)),
        adam(direct=lambda o: (o.direction, o.square / (1 - o.beta2**o.step))))  # fmt: skip
mistake(ADAM, "adam-square-of-deviation", "The second memory gets the square of how far the gradient is from its mean. It gets the "
        "square of the gradient itself.", adam(remember=lambda o: (o.m, kept(o.square, (o.gradient - o.m) ** 2, o.beta2))))  # fmt: skip
mistake(ADAM, "adam-new-twice", "The new gradient enters a memory twice.",
        adam(direct=lambda o: (corrected(kept(o.m, o.gradient, o.beta1), o.beta1, o.step), o.level)),
        adam(direct=lambda o: (o.direction, corrected(kept(o.s, squared(o.gradient), o.beta2), o.beta2, o.step))))  # fmt: skip
mistake(ADAM, "adam-plain-descent", "You move by the rate times the gradient, or times its mean. What does the memory of the squares do?",
        lambda p, g, m, s, t, rate, b1, b2, eps: (p - rate * g, m, s), lambda p, g, *rest: (p - rest[3] * g, *adam_step(p, g, *rest)[1:]),
        lambda p, g, *rest: (p - rest[3] * (m := adam_step(p, g, *rest)[1]), m, adam_step(p, g, *rest)[2]))  # fmt: skip
mistake(ADAM, "adam-returns-old-memories", "You return a memory as it came. It has to come back with the new gradient in it.",
        adam(keep=lambda o: (o.mean, o.square)), adam(keep=lambda o: (o.m, o.square)), adam(keep=lambda o: (o.mean, o.s)))  # fmt: skip
mistake(ADAM, "adam-moves-by-the-gradient", "You move by this step's gradient alone. The direction is the mean, with all earlier ones in "
        "it.", adam(direct=lambda o: (o.gradient, o.level)), adam(direct=lambda o: (corrected(o.gradient, o.beta1, o.step), o.level)),
        adam(direct=lambda o: (o.gradient, o.s)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Find the bug
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_loss(logits, targets):
    """A colleague's cross-entropy: probabilities first, "since that is what a loss is about"."""
    probabilities = np.exp(log_softmax(logits))
    return -log_softmax(probabilities)[np.arange(len(targets)), targets].mean()


def true_loss(logits, targets):
    """The mean cross-entropy: logits (tokens, classes), targets (tokens,)."""
    return -log_softmax(logits)[np.arange(len(targets)), targets].mean()


@judged(
    "07.fools_the_colleague",
    title="Find the bug",
    points=2,
    hints=[
        "colleagues_loss takes a softmax of numbers between 0 and 1. What is the largest loss a single token can get?",
        "At most about 1.74 for four classes, however wrong. The true loss of a token that is quite wrong has no limit.",
        "Two tokens. `worse`: one perfectly right, one hopelessly wrong (true loss 20). `better`: both a little wrong, each with a "
        "probability of the right token near 0.2.",
    ],
)
def fools_the_colleague(candidate):
    got = call(candidate)
    require(isinstance(got, tuple) and len(got) == 2, "losses-not-two",
            "Two arrays were expected, `return better, worse`; your function returns {returned}.", returned=count_of(got))  # fmt: skip
    better, worse = (part.astype(float) for part in got)
    require(better.ndim == 2 and better.shape == worse.shape and better.shape[1] == 4 and len(better), "losses-shapes",
            "Your arrays have the shapes {better} and {worse}; expected the same, (tokens, 4), at least one token.",
            better=better.shape, worse=worse.shape)  # fmt: skip
    require(np.isfinite(better).all() and np.isfinite(worse).all(), "losses-not-finite",
            "Your logits hold NaN or infinity. It goes wrong with perfectly ordinary ones.")  # fmt: skip
    targets = np.zeros(len(better), dtype=int)
    true, hers = ([float(loss(logits, targets)) for logits in (better, worse)] for loss in (true_loss, colleagues_loss))
    require(not (true[0] > true[1] + 1e-6 and hers[0] < hers[1] - 1e-6), "losses-exchanged",
            "She is fooled, but the two are exchanged: the true loss of the first is {first:.4f}, of the second {second:.4f}. "
            "`return better, worse`.", first=true[0], second=true[1])  # fmt: skip
    require(true[0] < true[1] - 1e-6, "pair-not-better", "The true loss of the first is {first:.4f}, of the second "
        "{second:.4f}: the first is not better.", first=true[0], second=true[1])  # fmt: skip
    require(abs(hers[0] - hers[1]) > 1e-6, "pair-alike-to-her", "The colleague's loss is {loss:.4f} for both: she can't "
        "tell them apart. It is to prefer the second.", loss=hers[0])  # fmt: skip
    require(hers[1] < hers[0], "pair-not-fooled",
            "The colleague's loss also prefers the first: {first:.4f} against {second:.4f}. How much can a token that is quite wrong cost "
            "at most, when what goes into the softmax lies between 0 and 1?", first=hers[0], second=hers[1])  # fmt: skip


FOOLED = "07.fools_the_colleague"
one_right_one_hopeless = [[30.0, 0, 0, 0], [-30, 0, 0, 0]]


def two(first, second):
    """A wrong answer of an exercise that asks for two arrays."""
    return lambda: (np.array(first), np.array(second))


mistake(FOOLED, "losses-not-two", None, lambda: np.zeros((1, 4)), lambda: (np.zeros((1, 4)),) * 3)
mistake(FOOLED, "losses-shapes", None, two(np.zeros((2, 2)), np.ones((2, 2))), two(np.zeros((2, 4)), np.zeros((3, 4))),
        two(np.zeros(4), np.ones(4)), two(np.zeros((0, 4)), np.zeros((0, 4))), two(np.zeros((4, 2)), np.zeros((4, 2))))  # fmt: skip
mistake(FOOLED, "losses-not-finite", None, two(np.zeros((1, 4)), [[-np.inf, 0, 0, 0]]))
mistake(FOOLED, "losses-exchanged", None, two(one_right_one_hopeless, np.zeros((2, 4))))
mistake(FOOLED, "pair-not-better", None, two(np.zeros((2, 4)), np.zeros((2, 4))), two([[-5.0, 0, 0, 0]], [[5.0, 0, 0, 0]]),
        two([[1.0, 2, 3, 4]], [[11.0, 12, 13, 14]]))  # fmt: skip
mistake(FOOLED, "pair-alike-to-her", None, two([[-40.0, 0, 0, -90]], [[-50.0, 0, 0, -90]]))
mistake(FOOLED, "pair-not-fooled", None, two([[5.0, 0, 0, 0]], [[-5.0, 0, 0, 0]]), two([[40.0, 0, 0, 0]], [[5.0, 0, 0, 0]]))  # fmt: skip
mistake(FOOLED, "returns-a-list", None, lambda: ([[0.0, 0, 0, 0]], [[-30.0, 0, 0, 0]]))

# ----------------------------------------------------------------------------------------------------------------------
# n-grams
# ----------------------------------------------------------------------------------------------------------------------


@step
def ngrams(tokens, n):
    """The n-grams of a list of tokens, in their order."""
    return [tuple(tokens[place : place + n]) for place in range(len(tokens) - n + 1)]


@step
def shared(written, wanted):
    """How many of the one list stand in the other, each at most as often as there."""
    return (Counter(written) & Counter(wanted)).total()


@reference(
    "07.clipped_matches",
    title="How many n-grams are right?",
    points=2,
    hints=[
        "List the n-grams of both as tuples. How often does each stand in the translation, how often in the reference?",
        "`collections.Counter` counts tuples; `a & b` takes the smaller of the two counts.",
        "`found = sum((written & wanted).values())`, `total = sum(written.values())`.",
    ],
    returns=("found", "total"),
)
def clipped_matches(translation, reference, n):
    written = ngrams(translation.tolist(), n, at="of the translation")
    wanted = ngrams(reference.tolist(), n, at="of the reference")
    return shared(written, wanted), len(written)


@cases("07.clipped_matches")
def clipped_matches_cases():
    name = generator(1).permutation(np.arange(3, 30))  # what a token is called does not matter
    for about, written, wanted, n in (
        ("a token that is written more often than it is wanted", [1, 1, 1, 2], [1, 2, 3], 1),
        ("a token that is wanted more often than it is written", [1, 2], [2, 1, 1, 2, 2], 1),
        ("pairs that stand twice in both", [4, 5, 4, 5, 6], [4, 5, 7, 4, 5, 8, 9], 2),
        ("pairs in the other order", [1, 2, 3], [3, 2, 1, 3], 2),
        ("triples at other places", [1, 2, 3, 4, 5, 6], [9, 1, 2, 3, 9, 4, 5, 6, 7], 3),
        ("the same end", [1, 2, 3, 4], [7, 5, 2, 3, 4], 3),
        ("a translation without a match", [1, 2, 3, 1, 2], [4, 5, 6, 7], 2),
        ("one token for each of four", [1, 2, 3, 4], [1, 2, 3, 4], 4),
    ):
        yield Case(about, name[written], name[wanted], n)
    yield Case("digits that look alike when joined", np.array([1, 11, 2]), np.array([11, 1, 12]), 2)
    yield Case("a token that ends like another", np.array([1, 2, 3]), np.array([11, 2, 33]), 2)
    for seed, sizes in ((2, (12, 9)), (3, (9, 14)), (4, (15, 15))):
        written, wanted = (generator(10 * seed + i).integers(0, 3, size) for i, size in enumerate(sizes))
        for n in (1, 2, 3):
            yield Case(f"sentences of {sizes[0]} and {sizes[1]} tokens, n = {n}", written, wanted, n)
    yield Case("a translation shorter than n", name[[7, 8]], name[[7, 8, 9, 6, 5]], 4, edge=True)
    yield Case("a translation just one shorter than n", name[[7, 8, 9]], name[[7, 8, 9, 6, 5]], 4, edge=True)
    yield Case("a reference shorter than n", name[[7, 8, 9, 6]], name[[7, 8]], 3, edge=True)
    yield Case("an empty translation", name[:0], name[[1, 2]], 1, edge=True)


NGRAMS = "07.clipped_matches"
pieces = ngrams.function
ngrams.slip("ngrams-one-too-few", "The last n-gram is missing{at}: a sentence of m tokens has m - n + 1.",
            lambda tokens, n: pieces(tokens, n)[:-1])  # fmt: skip
ngrams.slip("ngrams-first-missing", "The first n-gram is missing{at}: a sentence of m tokens has m - n + 1.",
            lambda tokens, n: pieces(tokens, n)[1:])  # fmt: skip
ngrams.slip("ngrams-side-by-side", "Your n-grams{at} do not overlap. One begins at every token.",
            lambda tokens, n: pieces(tokens, n)[::n],
            lambda tokens, n: [tuple(tokens[place : place + n]) for place in range(0, len(tokens), n)])  # fmt: skip


def cut_so(diagnosis, sentence, *cuts):
    """Other pieces of both sides, counted beside a total of their own, or beside the right one."""
    for cut in cuts:
        both = everywhere(clipped_matches, ngrams, Slip(diagnosis, cut))
        mistake(NGRAMS, diagnosis, sentence, both,
            lambda *inputs, both=both: (both(*inputs)[0], clipped_matches(*inputs)[1]))  # fmt: skip


for one in ngrams.slips:
    cut_so(one.diagnosis, None, one.function)
cut_so("ngrams-words", "You count single tokens, whatever n is.", lambda tokens, n: pieces(tokens, 1))
cut_so("ngrams-cut-short", "Near the end your pieces are shorter than n: a slice stops at the end of its array. A sentence of m tokens has "
       "m - n + 1.", lambda tokens, n: [tuple(tokens[place : place + n]) for place in range(len(tokens))])  # fmt: skip
cut_so("ngrams-of-all-lengths", "You count the n-grams of all lengths up to n. Asked for is one n.",
       lambda tokens, n: [gram for length in range(1, n + 1) for gram in pieces(tokens, length)])  # fmt: skip
cut_so("ngrams-order-ignored", "The order of tokens inside of an n-gram is lost: 1, 2 is another pair than 2, 1.",
       lambda tokens, n: [tuple(sorted(gram)) for gram in pieces(tokens, n)],
       lambda tokens, n: [frozenset(gram) for gram in pieces(tokens, n)])  # fmt: skip
cut_so("ngrams-joined", "The tokens of an n-gram are run together: 1, 11 then looks like 11, 1.",
       lambda tokens, n: ["".join(map(str, gram)) for gram in pieces(tokens, n)])  # fmt: skip
cut_so("ngrams-one-token-short", "Your pieces have one token fewer than n, though there are as many as there should be.",
       lambda tokens, n: [gram[:-1] for gram in pieces(tokens, n)])  # fmt: skip
cut_so("ngrams-added-up", "You compare sums of tokens. Two n-grams are the same where all their tokens are.",
       lambda tokens, n: [sum(gram) for gram in pieces(tokens, n)])  # fmt: skip
cut_so("ngrams-other-length", "Your n-grams have one token more than n, or one fewer.",
       lambda tokens, n: pieces(tokens, n + 1), lambda tokens, n: pieces(tokens, n - 1) if n > 1 else [])  # fmt: skip

shared.slip("ngrams-not-clipped", "An n-gram counts more often than it stands in the reference. Each counts at most as often as there.",
            lambda written, wanted: sum(gram in wanted for gram in written))  # fmt: skip
shared.slip("ngrams-clipped-by-translation", "You count how much of the reference is found. An n-gram counts at most as often as it is "
            "written, and as it is wanted.", lambda written, wanted: sum(gram in written for gram in wanted))  # fmt: skip
shared.slip("ngrams-sets", "Each different n-gram counts once in yours. What stands twice in both counts twice.",
            lambda written, wanted: len(set(written) & set(wanted)))  # fmt: skip
shared.slip("ngrams-every-pair", "You compare each with each and count all that are equal. An n-gram counts at most as often as it "
            "stands in the reference.", lambda written, wanted: sum(one == other for one in written for other in wanted))  # fmt: skip
shared.slip("ngrams-at-the-same-place", "You compare place by place. An n-gram may stand anywhere in the reference.",
            lambda written, wanted: sum(one == other for one, other in zip(written, wanted, strict=False)))  # fmt: skip
shared.slip("ngrams-larger-count", "You take the larger of the two counts. At most as often as in the reference: which is it?",
            lambda written, wanted: (Counter(written) | Counter(wanted)).total(),
            lambda written, wanted: sum(max(count, Counter(wanted)[gram]) for gram, count in Counter(written).items() if gram in wanted),
            lambda written, wanted: sum(max(count, Counter(wanted)[gram]) for gram, count in Counter(written).items()))  # fmt: skip
shared.slip("ngrams-not-found", "You count the n-grams that are not found.",
            lambda written, wanted: (Counter(written) - Counter(wanted)).total(),
            lambda written, wanted: sum(gram not in wanted for gram in written))  # fmt: skip
shared.slip("ngrams-all-or-nothing", "You count no more than 1: whether there is a match at all.",
            lambda written, wanted: int(any(gram in wanted for gram in written)))  # fmt: skip
shared.slip("ngrams-repeats-count-again", "An n-gram that is written several times enters each time with its whole count.",
            lambda written, wanted: sum(min(written.count(gram), wanted.count(gram)) for gram in written))  # fmt: skip
shared.slip("ngrams-of-one-only", "Your count is that of a single n-gram. Does a return stand inside of a loop?",
    *(lambda written, wanted, end=end: min(written.count(written[end]), wanted.count(written[end])) if written else 0
        for end in (0, -1)))  # fmt: skip
shared.slip("ngrams-up-to-the-first-miss", "Your count ends at the first n-gram that is not found.",
            lambda written, wanted: next((i for i, gram in enumerate(written) if gram not in wanted), len(written)))  # fmt: skip


def with_total(count):
    """The right number found, of another total: a function of the two lists of n-grams and the translation's tokens."""

    def wrong(translation, reference, n):
        written, wanted = ngrams(translation.tolist(), n), ngrams(reference.tolist(), n)
        return shared(written, wanted), count(written, wanted, len(translation), n)

    return wrong


def in_a_text(translation, reference, n):
    """What is found by looking for one text inside of another."""
    text = " ".join(map(str, reference.tolist()))
    written = Counter(" ".join(map(str, gram)) for gram in pieces(translation.tolist(), n))
    return sum(min(count, text.count(gram)) for gram, count in written.items()), written.total()


mistake(NGRAMS, "ngrams-total-of-reference", "The total has the reference in it. Precision asks: of what I have written, how much is "
        "right?", with_total(lambda written, wanted, length, n: len(wanted)),
        with_total(lambda written, wanted, length, n: len(written) + len(wanted)),
        with_total(lambda written, wanted, length, n: max(len(written), len(wanted))),
        with_total(lambda written, wanted, length, n: (Counter(written) | Counter(wanted)).total()))  # fmt: skip
mistake(NGRAMS, "ngrams-total-of-misses", "The total leaves out what is found. It is how many n-grams the translation has, right or wrong.",
        with_total(lambda written, wanted, length, n: (Counter(written) - Counter(wanted)).total()))  # fmt: skip
mistake(NGRAMS, "ngrams-total-of-tokens", "The total is how many tokens there are. How many n-grams begin at one of them?",
        with_total(lambda written, wanted, length, n: length))  # fmt: skip
mistake(NGRAMS, "ngrams-total-of-different", "The total counts each different n-gram once. One that is written twice "
    "counts twice.", with_total(lambda written, wanted, length, n: len(set(written))),
    lambda translation, reference, n:
        (len(set(a := ngrams(translation.tolist(), n)) & set(ngrams(reference.tolist(), n))), len(set(a))))  # fmt: skip
mistake(NGRAMS, "ngrams-total-off-by-one", "The total is one too many or one too few: a sentence of m tokens has m - n "
    "+ 1 n-grams.", with_total(lambda written, wanted, length, n: max(0, length - n)),
    with_total(lambda written, wanted, length, n: max(0, length - n + 2)),
    with_total(lambda written, wanted, length, n: length - n))  # fmt: skip
mistake(NGRAMS, "ngrams-negative", "A translation shorter than n has no n-gram at all: 0 of 0.",
        with_total(lambda written, wanted, length, n: length - n + 1),
        with_total(lambda written, wanted, length, n: max(1, length - n + 1)),
        with_total(lambda written, wanted, length, n: abs(length - n + 1)))  # fmt: skip
mistake(NGRAMS, "ngrams-in-a-text", "You look for one text inside of another: 1 2 then stands in 11 2, and what "
    "overlaps is found once. Compare lists of tokens.", in_a_text)  # fmt: skip
mistake(NGRAMS, "ngrams-nothing-found", "Nothing is found, whatever the two are. Things of different kinds are never equal: what do you "
        "compare with what?", lambda *inputs: (0, clipped_matches(*inputs)[1]))  # fmt: skip
mistake(NGRAMS, "ngrams-share", "You return the quotient. The two numbers are wanted by themselves: they are added up over a corpus "
        "first.", lambda *inputs: clipped_matches(*inputs)[0] / max(1, clipped_matches(*inputs)[1]),
        lambda *inputs: clipped_matches(*inputs)[0] / clipped_matches(*inputs)[1])  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# BLEU
# ----------------------------------------------------------------------------------------------------------------------


@step
def precisions(found, total):
    """How much of what is written is right, for each n."""
    return found / total


@step
def geometric_mean(numbers):
    """The fourth root of the product."""
    return np.prod(numbers) ** (1 / len(numbers))


@step
def brevity(written, wanted):
    """What a translation that is too short is multiplied by."""
    return min(1.0, math.exp(1 - wanted / written))


@reference(
    "07.bleu_from_counts",
    title="BLEU from counts",
    points=2,
    hints=[
        "Four precisions, their geometric mean, the brevity penalty, times 100.",
        "The geometric mean is `np.prod(precisions) ** (1 / 4)`, or the exponential of the mean of logarithms.",
        "`brevity = min(1, np.exp(1 - wanted / written))`: 1 for what is long enough.",
    ],
    returns="BLEU",
)
def bleu_from_counts(found, total, written, wanted):
    return 100 * brevity(written, wanted) * geometric_mean(precisions(found, total))


@cases("07.bleu_from_counts")
def bleu_cases():
    for seed, about, written, wanted in (
        (1, "a translation longer than its reference", 80, 60),
        (2, "one shorter than its reference", 80, 100),
        (3, "one as long as its reference", 10, 10),
        (4, "one much shorter than its reference", 30, 75),
        (5, "one a little longer than its reference", 51, 50),
        (6, "one a little shorter than its reference", 50, 52),
    ):
        found, total = some_counts(seed, written)
        yield Case(about, found, total, written, wanted)
    found, total = some_counts(7, 20)
    yield Case("one without a right 4-gram", found * [1, 1, 1, 0], total, 20, 20, edge=True)
    yield Case("one without any right token", found * 0, total, 20, 25, edge=True)
    yield Case("one that is right throughout", total, total, 20, 20, edge=True)


def some_counts(seed, written):
    """Counts of n-grams, n = 1 to 4, in sentences of a given number of tokens: (found, total)."""
    total = written - np.arange(4) * (written // 10)
    shares = np.sort(generator(seed).uniform(0.2, 0.95, 4))[::-1]
    return np.maximum(1, (shares * total).astype(int)), total


BLEU = "07.bleu_from_counts"
precisions.slip("bleu-summed", "You add up the counts of all n first. Each n has its own precision.",
                lambda found, total: np.full(4, found.sum() / total.sum()))  # fmt: skip
precisions.slip("bleu-upside-down", "You divide the totals by what was found.", lambda found, total: total / found)
precisions.slip("bleu-counts-raised", "Something is added to the counts, so that no precision is 0. Where one is, BLEU is 0.",
                lambda found, total: (found + 1) / (total + 1),
                lambda found, total: np.append(found[:1] / total[:1], (found[1:] + 1) / (total[1:] + 1)),
                *(lambda found, total, eps=eps: np.maximum(found, eps) / total for eps in (0.1, 0.5, 1, 1e-3)),
                *(lambda found, total, eps=eps: (found + eps) / total for eps in (0.1, 1, 1e-3)))  # fmt: skip
precisions.slip("bleu-of-all-tokens", "You divide by the number of tokens, for every n. There are fewer n-grams than tokens.",
                lambda found, total: found / total[0])  # fmt: skip
precisions.slip("bleu-as-one-sentence", "You work out how many n-grams there are as if all tokens were one sentence. "
    "Each sentence has n - 1 fewer: total says it.", lambda found, total: found / (total[0] - np.arange(4)))  # fmt: skip
precisions.slip("bleu-counts-themselves", "You take the counts themselves. A precision is the share that was right.",
                lambda found, total: found)  # fmt: skip
precisions.slip("bleu-whole-numbers", "// leaves whole numbers, here 0 or 1.", lambda found, total: found // total)
precisions.slip("bleu-misses", "You take the share that is wrong.", lambda found, total: 1 - found / total)
geometric_mean.slip("bleu-arithmetic", "You take the arithmetic mean of the precisions. BLEU takes the geometric one: a single 0 makes "
                    "it 0.", np.mean)  # fmt: skip
geometric_mean.slip("bleu-other-mean", "You take another mean than the geometric one, or one of the four precisions.",
                    lambda numbers: 4 / (1 / numbers).sum(), np.median, *(lambda numbers, n=n: numbers[n] for n in range(4)), np.sum,
                    lambda numbers: numbers[-1] ** 0.25)  # fmt: skip
geometric_mean.slip("bleu-product",
    "You multiply the precisions without the root. It is the fourth root of the product.", np.prod)  # fmt: skip
geometric_mean.slip("parentheses-missing", None, lambda numbers: np.prod(numbers) / 4)
geometric_mean.slip("bleu-another-root", "The root of the product is another than the fourth.",
    *(lambda numbers, n=n: np.prod(numbers) ** (1 / n) for n in (2, 3, 5)), lambda numbers: np.prod(numbers) ** 4)  # fmt: skip
geometric_mean.slip("bleu-one-left-out", "The precision of one n is left out.",
                    *(lambda numbers, n=n: np.prod(np.delete(numbers, n)) ** (1 / 3) for n in (0, 3)),
                    *(lambda numbers, n=n: np.prod(np.delete(numbers, n)) ** (1 / 4) for n in (0, 3)))  # fmt: skip
geometric_mean.slip("bleu-unequal-weights", "The four precisions do not weigh alike in yours: each has its own power. "
    "BLEU gives all the same.", lambda numbers: np.prod(numbers ** 0.5 ** np.arange(1, 5)),
    lambda numbers: np.prod(numbers ** 0.5 ** np.arange(4)), lambda numbers: np.prod(numbers ** (1 / np.arange(1, 5))))  # fmt: skip
geometric_mean.slip("bleu-sum-of-logarithms", "You stop at the logarithms. A geometric mean is the exponential of their mean.",
                    lambda numbers: np.log(numbers).mean(), lambda numbers: np.log(numbers).sum())  # fmt: skip
geometric_mean.slip("bleu-another-base", "Logarithm and exponential have different bases.",
                    lambda numbers: np.exp(np.log2(numbers).mean()), lambda numbers: np.exp(np.log10(numbers).mean()),
                    lambda numbers: 2 ** np.log(numbers).mean(), lambda numbers: 10 ** np.log(numbers).mean())  # fmt: skip
geometric_mean.slip("bleu-zero", "Where one precision is 0, BLEU is 0. Yours is not.",
    *(lambda numbers, eps=eps: np.exp(np.log(np.maximum(numbers, eps)).mean())
        for eps in (1e-1, 1e-2, 1e-3, 1e-6, 1e-8, 1e-9, 1e-10, 1e-12)),
    *(lambda numbers, eps=eps: np.exp(np.log(numbers + eps).mean()) for eps in (1e-8, 1e-9, 1e-10, 1e-12)),
    *(lambda numbers, by=by: np.exp(np.log(numbers[numbers > 0]).sum() / (by or max(1, (numbers > 0).sum())))
        for by in (4, 0)))  # fmt: skip
geometric_mean.slip("bleu-zero-has-no-result", "Where a precision is 0 your function gives no number: there is no logarithm of 0. What "
                    "is BLEU then?", lambda numbers: geometric_mean(numbers) if numbers.all() else math.nan,
                    lambda numbers: math.exp(sum(map(math.log, numbers)) / 4), statistics.geometric_mean)  # fmt: skip
brevity.slip("bleu-no-brevity", "The brevity penalty is missing: a translation shorter than its reference pays.",
             lambda written, wanted: 1.0)  # fmt: skip
brevity.slip("bleu-brevity-inverted", "Long translations pay in yours, short ones don't. It is the other way round.",
             lambda written, wanted: min(1, math.exp(1 - written / wanted)),
             lambda written, wanted: min(1, math.exp(wanted / written - 1)), lambda written, wanted: min(1, wanted / written))  # fmt: skip
brevity.slip("bleu-bonus", "A translation longer than its reference gets a factor above 1. At most 1.",
             lambda written, wanted: math.exp(1 - wanted / written), lambda written, wanted: max(1, math.exp(1 - wanted / written)),
             lambda written, wanted: written / wanted)  # fmt: skip
brevity.slip("bleu-pays-a-bonus", "A translation shorter than its reference gets a factor above 1. It is to pay.",
    lambda written, wanted: math.exp(wanted / written - 1),
    lambda written, wanted: max(1, math.exp(wanted / written - 1)))  # fmt: skip
brevity.slip("bleu-ratio",
    "Your penalty is another function of the two lengths than the exponential of 1 - wanted / written.",
    lambda written, wanted: min(1, written / wanted), lambda written, wanted: min(1, math.exp(written / wanted - 1)),
    lambda written, wanted: min(1, 1 - wanted / written), lambda written, wanted: min(1, math.exp(-wanted / written)),
    lambda written, wanted: min(1, math.exp((1 - wanted) / written)),
    lambda written, wanted: min(1, math.exp(written - wanted)),
    lambda written, wanted: min(1, math.exp(1 - wanted // written)),
    lambda written, wanted: min(1, 2 ** (1 - wanted / written)),
    lambda written, wanted: min(1, math.exp(1 - wanted) / written))  # fmt: skip
mistake(BLEU, "bleu-percent", "Your result goes from 0 to 1, or is 100 times too large. BLEU goes from 0 to 100.",
        *(lambda *inputs, by=by: by * bleu_from_counts(*inputs) for by in (0.01, 100)))  # fmt: skip
mistake(BLEU, "bleu-brevity-added", "The penalty is added. It is a factor.",
        lambda f, t, a, b: 100 * (geometric_mean(precisions(f, t)) + brevity(a, b)),
        lambda f, t, a, b: 100 * geometric_mean(precisions(f, t)) + min(0, 1 - b / a) if f.all() else 0.0)  # fmt: skip
mistake(BLEU, "bleu-brevity-in-the-root", "The penalty stands under the root. It is a factor of the root.",
        lambda f, t, a, b: 100 * (brevity(a, b) * np.prod(precisions(f, t))) ** 0.25)  # fmt: skip
mistake(BLEU, "bleu-penalty-alone", "That is the penalty alone. It is multiplied by the mean of the precisions.",
        lambda f, t, a, b: 100 * brevity(a, b))  # fmt: skip


@holds(BLEU, "bleu-not-zero", "Where one precision is 0, BLEU is 0.")
def zero_where_one_is(got, found, total, written, wanted):
    return found.all() or got == 0


@holds(BLEU, "bleu-out-of-bounds", "BLEU goes from 0 to 100. Yours does not.")
def within_bounds(got, *inputs):
    return not np.isfinite(got) or -1e-9 <= got <= 100 + 1e-6


# ----------------------------------------------------------------------------------------------------------------------
# Greedy
# ----------------------------------------------------------------------------------------------------------------------


@judged(
    "07.greedy_misses",
    title="Where greedy goes wrong",
    points=2,
    hints=[
        "The probability of a sequence is the product: first[i] * second[i, j].",
        "Greedy takes the likeliest first token. Let its continuations be even, a third each.",
        "first = 0.4, 0.35, 0.25; second[0] = a third each; second[1] = 1, 0, 0.",
    ],
)
def greedy_misses(candidate):
    got = call(candidate)
    require(isinstance(got, tuple) and len(got) == 2, "tree-not-two",
            "Two arrays were expected, `return first, second`; your function returns {returned}.", returned=count_of(got))  # fmt: skip
    first, second = got
    require(first.shape == (3,) and second.shape == (3, 3), "tree-shapes",
            "first has shape {first}, second {second}; expected (3,) and (3, 3).", first=first.shape, second=second.shape)  # fmt: skip
    require(all(np.isfinite(part).all() and (part >= 0).all() for part in got), "tree-not-probabilities",
            "There are numbers below 0, or such that are none. Probabilities go from 0 to 1.")  # fmt: skip
    require(answers.sums_to_one(second) or not answers.sums_to_one(second, axis=0), "tree-columns", "The columns of "
        "second sum to 1, the rows do not. Row i holds what comes after token i.", got=second, what="second")  # fmt: skip
    for name, part in (("first", first), ("second", second)):
        require(answers.sums_to_one(part), "tree-not-distributions", "{name} is no distribution: {rows} to sum to 1.",
            name=name, rows="it has" if part is first else "each of its rows has", got=part, what=name)  # fmt: skip
    ordered = np.sort(first)
    require(ordered[-1] - ordered[-2] > 1e-9, "tree-tie", "Two first tokens are equally likely: make clear which one greedy takes.",
            got=first, what="first")  # fmt: skip
    greedy, best = float(first.max() * second[first.argmax()].max()), float((first[:, None] * second).max())
    require(best > greedy + 1e-9, "tree-greedy-wins", "Greedy finds {greedy:.3f}, and the best sequence has {best:.3f}: "
        "no difference. Let the likeliest beginning lead to three poor continuations.", greedy=greedy, best=best)  # fmt: skip


TREE = "07.greedy_misses"
THIRD = np.full(3, 1 / 3)
mistake(TREE, "tree-not-two", None, lambda: THIRD, lambda: (THIRD,) * 3)
mistake(TREE, "tree-shapes", None, two([0.6, 0.4], np.eye(2)), two(THIRD, THIRD), two([THIRD], np.eye(3)),
    two(np.eye(3), THIRD))  # fmt: skip
mistake(TREE, "tree-not-probabilities", None, two([1.2, -0.3, 0.1], np.eye(3)), two(np.log(THIRD), np.eye(3)),
        two([np.nan, 0, 1], np.eye(3)))  # fmt: skip
mistake(TREE, "tree-columns", None, two([0.5, 0.3, 0.2], [[1.0, 1, 0.5], [0, 0, 0.25], [0, 0, 0.25]]))
mistake(TREE, "tree-not-distributions", None, two([4.0, 3, 2], np.eye(3)), two([0.4, 0.3, 0.2], np.eye(3)),
        two([0.5, 0.3, 0.2], np.ones((3, 3))), two([40, 35, 25], 100 * np.eye(3)))  # fmt: skip
mistake(TREE, "tree-tie", None, two(THIRD, np.eye(3)), two([0.4, 0.4, 0.2], np.eye(3)))
mistake(TREE, "tree-greedy-wins", None, two([0.5, 0.3, 0.2], np.eye(3)), two([0.5, 0.3, 0.2], np.full((3, 3), 1 / 3)),
        two([0.6, 0.3, 0.1], [[0.5, 0.5, 0], [1, 0, 0], [0, 1, 0]]))  # fmt: skip
mistake(TREE, "returns-a-list", None, lambda: ([0.4, 0.35, 0.25], [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]))

"""The checks of lesson 07, training a translator, in the order in which its exercises come."""

import math
from collections import Counter

import numpy as np

from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import add_messages, count_of_arrays, mistake, same_values
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw, log_softmax
from course_lib.classroom.practice.trial import call

add_messages(
    {
        # the loss
        "loss-not-a-number": "One number was expected, the mean loss; yours has shape {shape}.",
        "loss-counts-padding": "Padding counts in your mean. Leave out the places whose target is pad_id, in the sum and in the "
        "number you divide by.",
        "loss-divides-by-all": "Padding is left out of the sum, but you divide by all places. Divide by the number of real tokens.",
        "loss-is-a-sum": "That is the sum of the losses. Divide by the number of real tokens.",
        "loss-mean-of-sentences": "You take the mean of each sentence, then of these: tokens of short sentences weigh more. All real "
        "tokens weigh the same.",
        "loss-of-probabilities": "You take a softmax of probabilities: the softmax is applied twice.",
        "forced-loss-no-softmax": "The logits are used as if they were log-probabilities: subtract the logarithm of the sum of exponentials.",
        "forced-loss-sign": "Your loss is negative: minus the log-probability of the right token.",
        "forced-loss-base-2": "These are bits: a logarithm with base 2. Here the loss is in nats, with np.log.",
        "forced-loss-overflow": "Logits of 1000 give NaN or infinity. Subtract the largest logit of each place first.",
        "loss-pad-hard-coded": "With another pad_id you still leave out 0. Use the parameter.",
        "loss-axis": "Your softmax does not run over the classes: the last axis.",
        # label smoothing
        "smooth-none": "These are the hard targets, 1 and zeros: share changes nothing.",
        "smooth-only-wrong": "You spread the share over the wrong tokens alone. It goes to all of them, the right one too, as in "
        "Szegedy et al. 2015, §7 and PyTorch.",
        "smooth-right-too-small": "The right token gets 1 - share. It gets its part of the share as well: 1 - share + share / classes.",
        "smooth-not-a-distribution": "The targets of one place do not add up to 1.",
        "smooth-exchanged": "The right token gets the share, and the others the rest.",
        "smooth-wrong-place": "The largest target does not stand at the right token.",
        # schedule
        "rate-no-warm-up": "Your rate does not grow: step 1 is not slower than step warmup_steps.",
        "rate-no-decay": "Your rate does not fall after the warm-up.",
        "rate-starts-at-zero": "Step 1 has a rate of 0, or of one step earlier: steps count from 1, and the first one already moves.",
        "rate-jumps": "Your rate jumps after the warm-up. At warmup_steps it is peak, and from there the line goes down to 0 at "
        "num_steps.",
        "rate-inverse-root": "That is the inverse square root of 2017. Here it is a straight line down to 0.",
        "rate-never-zero": "At num_steps the rate should be 0.",
        "rate-without-warm-up-fails": "With warmup_steps = 0 your function divides by zero or gives NaN.",
        "rate-above-peak": "Your rate exceeds the peak.",
        # clipping
        "clip-not-a-pair": "Two arrays were expected, `return first, second`; your function returns {returned}.",
        "clip-each-alone": "You clip each array by its own length. The length is that of all numbers together, and all are shortened "
        "by the same factor.",
        "clip-values": "You cut single values. That changes the direction; clipping shortens all by one factor.",
        "clip-always": "A gradient that is short enough is changed as well. Only one longer than max_norm is shortened.",
        "clip-adds-lengths": "You add the lengths of the two arrays. The length of all together is the root of the sum of squares.",
        "clip-by-square": "You divide by the sum of squares. The length is its root.",
        "clip-to-one": "You shorten to length 1, whatever max_norm says.",
        "clip-by-largest": "You divide by the largest number. The length is the root of the sum of squares.",
        "clip-zero": "A gradient of zeros gives NaN: 0 divided by 0.",
        # Adam
        "adam-not-three": "Three arrays were expected, `return parameter, mean, square`; your function returns {returned}.",
        "adam-no-correction": "The bias correction is missing: in step 1 the memories hold a small part of the gradient only. Divide "
        "them by 1 - beta ** step.",
        "adam-correction-off-by-one": "Your bias correction is that of another step. Steps count from 1: 1 - beta ** step.",
        "adam-returns-corrected": "You return the corrected memories. What is kept is uncorrected; the correction is made anew in each "
        "step.",
        "adam-wrong-way": "The parameter moves along the gradient. It moves against it.",
        "adam-eps-inside": "eps stands under the root. It is added to the root.",
        "adam-no-root": "You divide by the mean square. Its root is wanted.",
        "adam-betas-exchanged": "The two betas are exchanged: beta1 is for the mean, beta2 for the square.",
        "adam-shares-exchanged": "beta is the share that is kept of the old memory, 1 - beta that of the new gradient.",
        "adam-square-of-mean": "You square the mean of the gradients. The second memory is the mean of the squares.",
        "adam-memory": "The memory called {which} is not right: beta * old + (1 - beta) * new.",
        "adam-old-memory": "You move by the memories from before this step. First update them, then move.",
        # find the bug
        "losses-not-two": "Two arrays were expected, `return better, worse`; your function returns {returned}.",
        "losses-shapes": "Your arrays have the shapes {better} and {worse}; expected the same, (tokens, 4), at least one token.",
        "losses-not-finite": "Your logits hold NaN or infinity. It goes wrong with perfectly ordinary ones.",
        "pair-not-better": "The true loss of the first is {better:.3f}, of the second {worse:.3f}: the first is not better.",
        "pair-not-fooled": "The colleague's loss also prefers the first: {better:.4f} against {worse:.4f}. How much can a token that is "
        "quite wrong cost at most, when what goes into the softmax lies between 0 and 1?",
        # n-grams
        "ngrams-not-two": "Two numbers were expected, `return found, total`; your function returns {returned}.",
        "ngrams-not-clipped": "An n-gram counts more often than it stands in the reference: take the smaller of the two counts.",
        "ngrams-sets": "Each different n-gram counts once in yours. What stands twice in both counts twice.",
        "ngrams-total-of-reference": "The total is that of the reference. Precision asks: of what I have written, how much is right?",
        "ngrams-words": "You count single tokens, whatever n is.",
        "ngrams-one-too-few": "The last n-gram is missing: a sentence of m tokens has m - n + 1.",
        "ngrams-cut-short": "Near the end your pieces are shorter than n: a slice stops at the end of its array. A sentence of m tokens "
        "has m - n + 1.",
        "ngrams-at-the-same-place": "You compare place by place. An n-gram may stand anywhere in the reference.",
        "ngrams-negative": "A translation shorter than n has no n-gram at all: 0 of 0.",
        "ngrams-exchanged": "The two numbers are exchanged: first found, then total.",
        # BLEU
        "bleu-no-brevity": "The brevity penalty is missing: a translation shorter than its reference pays exp(1 - wanted / written).",
        "bleu-brevity-inverted": "Long translations pay in yours, short ones don't. It is the other way round.",
        "bleu-bonus": "A translation longer than its reference gets a factor above 1. At most 1.",
        "bleu-ratio": "Your penalty is written / wanted. The paper's is exp(1 - wanted / written).",
        "bleu-arithmetic": "You take the arithmetic mean of the precisions. BLEU takes the geometric one: a single 0 makes it 0.",
        "bleu-product": "You multiply the precisions without the root. It is the fourth root of the product.",
        "bleu-summed": "You add up the counts of all n first. Each n has its own precision.",
        "bleu-percent": "Your result is {ratio:.3g} times the right one: from 0 to 100.",
        "bleu-zero": "Where one precision is 0, BLEU is 0; yours is {yours}.",
        # greedy against beam
        "tree-not-two": "Two arrays were expected, `return first, second`; your function returns {returned}.",
        "tree-shapes": "first has shape {first}, second {second}; expected (3,) and (3, 3).",
        "tree-not-distributions": "Each row has to be a distribution: from 0 up, with sum 1.",
        "tree-tie": "Two first tokens are equally likely: make clear which one greedy takes.",
        "tree-greedy-wins": "Greedy finds {greedy:.3f}, and the best sequence has {best:.3f}: no difference. Let the likeliest "
        "beginning lead to three poor continuations.",
    }
)

PAD, CLASSES = 0, 7


@checks(
    "07.masked_loss",
    title="The loss, without padding",
    points=3,
    hints=[
        "Log-probabilities first: logits minus the logarithm of the sum of exponentials, over the last axis. Then pick the right one at "
        "each place.",
        "`np.take_along_axis(log_probabilities, targets[..., None], axis=-1)[..., 0]` picks. `real = targets != pad_id` says which count.",
        "`-picked[real].sum() / real.sum()`. Against overflow: subtract `logits.max(axis=-1, keepdims=True)` first.",
    ],
)
def masked_loss(candidate):
    cases = [
        (0, np.array([[3, 5, 2, 0], [1, 4, 0, 0], [6, 2, 3, 1]])),
        (6, np.array([[0, 5, 2, 6, 6], [1, 6, 6, 6, 6]])),
    ]
    for seed, (pad_id, targets) in enumerate(cases):
        logits = 2 * draw(seed, *targets.shape, CLASSES)
        got, right = call(candidate, logits, targets, pad_id), np.array(loss_of(logits, targets, pad_id))
        if isinstance(got, tuple) or got.shape != ():
            raise AssertionError(
                mistake("loss-not-a-number", shape=count_of_arrays(got) if isinstance(got, tuple) else got.shape)
            )
        same_values(got, right, "loss", loss_suspects(logits, targets, pad_id))
    large = np.where(np.eye(CLASSES)[targets] > 0, 999.0, 1000.0)
    got, right = call(candidate, large, targets, pad_id), np.array(loss_of(large, targets, pad_id))
    assert np.isfinite(got).all(), mistake("forced-loss-overflow", expected=right, got=got, what="loss of large logits")
    same_values(got, right, "loss of large logits", when_wrong="forced-loss-overflow")


def loss_of(logits, targets, pad_id):
    """The mean cross-entropy over targets that are not padding."""
    losses = -np.take_along_axis(log_softmax(logits), targets[..., None], axis=-1)[..., 0]
    return losses[targets != pad_id].mean()


def loss_suspects(logits, targets, pad_id):
    """What well-known mistakes give for the masked loss."""
    picked = targets[..., None]
    losses = -np.take_along_axis(log_softmax(logits), picked, axis=-1)[..., 0]
    real = targets != pad_id
    twice = -np.take_along_axis(log_softmax(np.exp(log_softmax(logits))), picked, axis=-1)[..., 0]
    bare = -np.take_along_axis(logits, picked, axis=-1)[..., 0]
    right = losses[real].mean()
    suspects = {
        "loss-counts-padding": losses.mean(),
        "loss-divides-by-all": losses[real].sum() / real.size,
        "loss-is-a-sum": [losses[real].sum(), losses.sum(), losses[real].sum() / len(targets)],
        "loss-mean-of-sentences": np.mean([row[counts].mean() for row, counts in zip(losses, real, strict=True)]),
        "loss-of-probabilities": [twice[real].mean(), twice.mean()],
        "forced-loss-no-softmax": [bare[real].mean(), -bare[real].mean()],
        "forced-loss-sign": -right,
        "forced-loss-base-2": right / np.log(2),
    }
    if pad_id:
        suspects["loss-pad-hard-coded"] = losses[targets != 0].mean()
    over_places = [logits - np.log(np.exp(logits).sum(axis=axis, keepdims=True)) for axis in (0, 1)] + [
        logits - np.log(np.exp(logits).sum())
    ]
    wrong_axes = [-np.take_along_axis(logs, picked, axis=-1)[..., 0][real].mean() for logs in over_places]
    return {**suspects, "loss-axis": wrong_axes}


@checks(
    "07.smoothed_targets",
    title="Label smoothing",
    points=2,
    hints=[
        "Begin with share / num_classes everywhere. What is missing at the right token?",
        "`np.eye(num_classes)[targets]` gives the hard targets, whatever the shape of targets.",
        "`(1 - share) * np.eye(num_classes)[targets] + share / num_classes`.",
    ],
)
def smoothed_targets(candidate):
    for targets, classes, share in ((np.array([2, 0, 4]), 5, 0.1), (np.array([[1, 3], [0, 2], [6, 6]]), 7, 0.3)):
        hard = np.eye(classes)[targets]
        got, right = call(candidate, targets, classes, share), (1 - share) * hard + share / classes
        others = share * (1 - hard) / (classes - 1)
        suspects = {
            "smooth-none": hard,
            "smooth-only-wrong": (1 - share) * hard + others,
            "smooth-right-too-small": (1 - share) * hard + share / classes * (1 - hard),
            "smooth-exchanged": [
                share * hard + (1 - share) / classes,
                share * hard + (1 - share) * (1 - hard) / (classes - 1),
            ],
            "smooth-not-a-distribution": [
                hard + share / classes,
                (1 - share) * hard + share,
                (1 - share) * hard + share * (1 - hard),
                (1 - share) * hard + share / (classes - 1),
                (1 - share) * hard,
            ],
        }
        show = {"expected": right, "got": got, "what": "targets"}
        if not isinstance(got, tuple) and got.shape == right.shape and np.isfinite(got).all():
            found = None if probes.close(got, right) else probes.first_match(got, suspects)
            assert found is None, mistake(found, **show)
            assert probes.sums_to_one(got), mistake("smooth-not-a-distribution", **show)
            assert np.array_equal(got.argmax(axis=-1), targets), mistake("smooth-wrong-place", **show)
        same_values(got, right, "targets")


def right_rate(step, peak, warmup_steps, num_steps):
    """Up in a line to the peak at warmup_steps, down in a line to 0 at num_steps; steps count from 1."""
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * (num_steps - step) / (num_steps - warmup_steps)


@checks(
    "07.rate_at",
    title="Up, then down: the learning rate",
    points=2,
    hints=[
        "Two straight lines that meet at (warmup_steps, peak).",
        "The line down has the length num_steps - warmup_steps, and num_steps - step of it are left.",
        "`if step <= warmup_steps: return peak * step / warmup_steps`, else `peak * (num_steps - step) / (num_steps - warmup_steps)`.",
    ],
)
def rate_at(candidate):
    for peak, warmup, total in ((2e-3, 10, 50), (0.5, 3, 40)):
        steps = range(1, total + 1)
        got = np.array([single(call(candidate, step, peak, warmup, total)) for step in steps])
        step = np.arange(1, total + 1)
        right = np.array([right_rate(one, peak, warmup, total) for one in steps])
        up, down = step / warmup, (total - step) / (total - warmup)
        early = np.array([right_rate(one - 1, peak, warmup, total) for one in steps])
        suspects = {
            "rate-starts-at-zero": [early, np.where(step <= warmup, early, right)],
            "rate-no-warm-up": [peak * np.where(step <= warmup, 1, down), peak * (total - step) / total],
            "rate-no-decay": peak * np.minimum(up, 1),
            "rate-jumps": [
                peak * np.where(step <= warmup, up, (total - step) / total),
                peak * np.where(step <= warmup, up, 1 - (step - warmup) / total),
                peak * np.where(step < warmup, up, (total - step) / total),
            ],
            "rate-inverse-root": peak * np.minimum(up, np.sqrt(warmup / step)),
            "rate-above-peak": peak * up,
            "rate-never-zero": [
                peak * np.where(step <= warmup, up, (total - step + 1) / (total - warmup)),
                peak * np.where(step <= warmup, up, (total - step + 1) / (total - warmup + 1)),
            ],
        }
        same_values(got, right, "rates from step 1 on", suspects)
    got = np.array([single(call_at_zero(candidate, step)) for step in (1, 5, 10)])
    right = np.array([right_rate(step, 1.0, 0, 10) for step in (1, 5, 10)])
    same_values(got, right, "rates without warm-up", when_wrong="rate-without-warm-up-fails")


def single(got):
    """One number, or a mistake."""
    assert not isinstance(got, tuple) and got.shape == (), mistake("wrong-shape", what="a single number")
    return float(got)


def call_at_zero(candidate, step):
    """Call for a rate without warm-up; an error there has its own name."""
    from course_lib.classroom.practice.trial import LearnerError

    try:
        got = call(candidate, step, 1.0, 0, 10)
    except LearnerError:
        raise AssertionError(mistake("rate-without-warm-up-fails")) from None
    assert np.isfinite(got).all(), mistake("rate-without-warm-up-fails")
    return got


@checks(
    "07.clip",
    title="Clip the gradient",
    points=2,
    hints=[
        "All numbers of both arrays make one long vector. How long is it?",
        "`length = np.sqrt((first**2).sum() + (second**2).sum())`. Multiply both by the same factor, and only if it is too long.",
        "`factor = max_norm / length if length > max_norm else 1.0`.",
    ],
)
def clip(candidate):
    first, second = 3 * draw(1, 4, 3), 2 * draw(2, 5)
    for max_norm, size in ((2.0, 1.0), (1.0, 3.0), (0.5, 0.01), (50.0, 1.0)):
        a, b = size * first, size * second
        got = call(candidate, a, b, max_norm)
        assert isinstance(got, tuple) and len(got) == 2, mistake("clip-not-a-pair", returned=count_of_arrays(got))
        norms = np.linalg.norm(a), np.linalg.norm(b)
        length = math.hypot(*norms)
        factor = min(1, max_norm / length)
        right = factor * a, factor * b
        suspects = {
            "clip-each-alone": [tuple(min(1, max_norm / norm) * part for norm, part in zip(norms, (a, b), strict=True))],
            "clip-values": [tuple(np.clip(part, -max_norm, max_norm) for part in (a, b))],
            "clip-always": [(a * max_norm / length, b * max_norm / length), (a / length, b / length)],
            "clip-adds-lengths": [(min(1, max_norm / sum(norms)) * a, min(1, max_norm / sum(norms)) * b)],
            "clip-by-square": [(min(1, max_norm / length**2) * a, min(1, max_norm / length**2) * b),
                               (max_norm / length**2 * a, max_norm / length**2 * b) if length > max_norm else right],
            "clip-to-one": [(a / length, b / length)],
            "clip-by-largest": [tuple(min(1, max_norm / max(abs(a).max(), abs(b).max())) * part for part in (a, b))],
        }  # fmt: skip
        if length > max_norm:  # there, who always rescales is right
            suspects["clip-always"] = []
        same_pair(got, right, "gradients", suspects)
    zeros = np.zeros((2, 2)), np.zeros(3)
    got = call(candidate, *zeros, 1.0)
    assert all(np.isfinite(part).all() for part in got), mistake("clip-zero", expected=zeros[1], got=got[1])
    same_pair(got, zeros, "gradients of zeros", {})


def same_pair(got, right, what, suspects):
    """Assert that a tuple of arrays is right, naming the mistake where it equals what a known one gives."""
    if not all(probes.close(one, other) for one, other in zip(got, right, strict=True)):
        for name, candidates in suspects.items():
            for wrong in candidates:
                if all(probes.close(one, other) for one, other in zip(got, wrong, strict=True)):
                    raise AssertionError(mistake(name, expected=right[0], got=got[0], what=what))
    for one, other in zip(got, right, strict=True):
        same_values(one, other, what)


def right_adam(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    """One step of Adam (Kingma and Ba 2014, algorithm 1)."""
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    corrected = mean / (1 - beta1**step), square / (1 - beta2**step)
    return parameter - rate * corrected[0] / (np.sqrt(corrected[1]) + eps), mean, square


@checks(
    "07.adam_step",
    title="One step of Adam",
    points=3,
    hints=[
        "Update both memories first: beta times the old, plus 1 - beta times the gradient, or its square.",
        "The memories begin at 0, so early on they are too small: divide copies of them by `1 - beta1**step` and `1 - beta2**step`.",
        "`parameter - rate * (mean / (1 - beta1**step)) / (np.sqrt(square / (1 - beta2**step)) + eps)`; return the memories uncorrected.",
    ],
)
def adam_step(candidate):
    for step, eps in ((2, 1e-8), (1, 1e-8), (7, 0.05)):
        parameter, gradient = draw(step, 4, 3), 2 * draw(step + 10, 4, 3)
        mean = np.zeros((4, 3)) if step == 1 else draw(step + 20, 4, 3)
        square = np.zeros((4, 3)) if step == 1 else draw(step + 30, 4, 3) ** 2
        inputs = parameter, gradient, mean, square, step, 0.1, 0.9, 0.98, eps
        got, right = call(candidate, *inputs), right_adam(*inputs)
        assert isinstance(got, tuple) and len(got) == 3, mistake("adam-not-three", returned=count_of_arrays(got))
        suspects = adam_suspects(*inputs)
        memories_right = probes.close(got[1], right[1]) and probes.close(got[2], right[2])
        for name, (moved, first, second) in suspects.items():
            fits = probes.close(got[1], first) and probes.close(got[2], second) and probes.close(got[0], moved)
            if fits and not (memories_right and probes.close(got[0], right[0])):
                raise AssertionError(mistake(name, expected=right[0], got=got[0], what="parameter"))
        for which, one, other in zip(("mean", "square"), got[1:], right[1:], strict=True):
            if one.shape == other.shape and not probes.close(one, other):
                raise AssertionError(mistake("adam-memory", which=which, expected=other, got=one, what=which))
            same_values(one, other, which)
        same_values(got[0], right[0], "parameter")


def adam_suspects(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    """What well-known mistakes give: diagnosis to (parameter, mean, square)."""
    new, sq = beta1 * mean + (1 - beta1) * gradient, beta2 * square + (1 - beta2) * gradient**2
    m, s = new / (1 - beta1**step), sq / (1 - beta2**step)

    def move(m, s, memories=(new, sq)):
        return parameter - rate * m / (np.sqrt(s) + eps), *memories

    swapped = beta2 * mean + (1 - beta2) * gradient, beta1 * square + (1 - beta1) * gradient**2
    shares = (1 - beta1) * mean + beta1 * gradient, (1 - beta2) * square + beta2 * gradient**2
    squared_mean = beta2 * square + (1 - beta2) * new**2
    later = step + 1
    return {
        "adam-no-correction": move(new, sq),
        "adam-correction-off-by-one": move(new / (1 - beta1**later), sq / (1 - beta2**later)),
        "adam-returns-corrected": move(m, s, (m, s)),
        "adam-wrong-way": (parameter + rate * m / (np.sqrt(s) + eps), new, sq),
        "adam-no-root": (parameter - rate * m / (s + eps), new, sq),
        "adam-betas-exchanged": move(swapped[0] / (1 - beta2**step), swapped[1] / (1 - beta1**step), swapped),
        "adam-shares-exchanged": move(shares[0] / (1 - beta1**step), shares[1] / (1 - beta2**step), shares),
        "adam-square-of-mean": move(m, squared_mean / (1 - beta2**step), (new, squared_mean)),
        "adam-eps-inside": (parameter - rate * m / np.sqrt(s + eps), new, sq),
        "adam-old-memory": move(mean / (1 - beta1**step), square / (1 - beta2**step)),
    }


def colleagues_loss(logits, targets):
    """A colleague's cross-entropy: probabilities first, "since that is what a loss is about"."""
    probabilities = np.exp(log_softmax(logits))
    return -log_softmax(probabilities)[np.arange(len(targets)), targets].mean()


def true_loss(logits, targets):
    """The mean cross-entropy: logits (tokens, classes), targets (tokens,)."""
    return -log_softmax(logits)[np.arange(len(targets)), targets].mean()


@checks(
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
    assert isinstance(got, tuple) and len(got) == 2, mistake("losses-not-two", returned=count_of_arrays(got))
    better, worse = (part.astype(float) for part in got)
    shapes = {"better": better.shape, "worse": worse.shape}
    fits = better.ndim == 2 and better.shape == worse.shape and better.shape[1] == 4 and len(better)
    assert fits, mistake("losses-shapes", **shapes)
    assert np.isfinite(better).all() and np.isfinite(worse).all(), mistake("losses-not-finite")
    targets = np.zeros(len(better), dtype=int)
    true = {"better": true_loss(better, targets), "worse": true_loss(worse, targets)}
    assert true["better"] < true["worse"] - 1e-6, mistake("pair-not-better", **true)
    theirs = {"better": colleagues_loss(better, targets), "worse": colleagues_loss(worse, targets)}
    assert theirs["worse"] < theirs["better"] - 1e-6, mistake("pair-not-fooled", **theirs)


def counted(tokens, n):
    """How often each n-gram stands in a list of tokens."""
    return Counter(tuple(tokens[place : place + n]) for place in range(len(tokens) - n + 1))


@checks(
    "07.clipped_matches",
    title="How many n-grams are right?",
    points=2,
    hints=[
        "List the n-grams of both as tuples. How often does each stand in the translation, how often in the reference?",
        "`collections.Counter` counts tuples; `a & b` takes the smaller of the two counts.",
        "`found = sum((written & wanted).values())`, `total = sum(written.values())`.",
    ],
)
def clipped_matches(candidate):
    cases = [
        ([1, 1, 1, 2], [1, 2, 3], 1),
        ([4, 5, 4, 5, 6], [4, 5, 7, 4, 5, 8, 9], 2),
        ([1, 2, 3, 4, 5, 6], [9, 1, 2, 3, 9, 4, 5, 6, 7], 3),
        ([3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8, 2, 8], 1),
        ([7, 8], [7, 8, 9], 4),
    ]
    for translation, reference, n in cases:
        got = call(candidate, np.array(translation), np.array(reference), n)
        got = tuple(got) if not isinstance(got, tuple) and got.shape == (2,) else got
        assert isinstance(got, tuple) and len(got) == 2, mistake("ngrams-not-two", returned=count_of_arrays(got))
        written, wanted = counted(translation, n), counted(reference, n)
        right = np.array([(written & wanted).total(), written.total()])
        singles = counted(translation, 1), counted(reference, 1)
        same_place = sum(
            translation[i : i + n] == reference[i : i + n] for i in range(min(len(translation), len(reference)) - n + 1)
        )
        short = counted(translation[:-1], n), counted(reference[:-1], n)
        slices = [Counter(tuple(side[i : i + n]) for i in range(len(side))) for side in (translation, reference)]
        suspects = {
            "ngrams-exchanged": right[::-1],
            "ngrams-not-clipped": np.array([sum(count for gram, count in written.items() if gram in wanted), right[1]]),
            "ngrams-sets": [
                np.array([len(set(written) & set(wanted)), total]) for total in (len(set(written)), right[1])
            ],
            "ngrams-total-of-reference": np.array([right[0], wanted.total()]),
            "ngrams-words": [
                np.array([(singles[0] & singles[1]).total(), count]) for count in (len(translation), right[1])
            ],
            "ngrams-cut-short": [
                np.array([(slices[0] & one).total(), slices[0].total()]) for one in (slices[1], wanted)
            ],
            "ngrams-one-too-few": [
                np.array([(short[0] & short[1]).total(), short[0].total()]),
                np.array([(short[0] & wanted).total(), short[0].total()]),
            ],
            "ngrams-at-the-same-place": np.array([same_place, right[1]]),
        }
        if n > len(translation):
            suspects["ngrams-negative"] = np.array([0, len(translation) - n + 1])
        numbers = np.array([float(part) if part.shape == () else np.nan for part in got])
        same_values(numbers, right, "found and total", suspects)


def right_bleu(found, total, written, wanted):
    """BLEU from counts (Papineni et al. 2002, §2.3), 0 to 100."""
    if min(found) == 0:
        return 0.0
    brevity = min(1.0, math.exp(1 - wanted / written))
    return 100 * brevity * math.exp(np.mean(np.log(np.array(found) / np.array(total))))


@checks(
    "07.bleu_from_counts",
    title="BLEU from counts",
    points=2,
    hints=[
        "Four precisions, their geometric mean, the brevity penalty, times 100.",
        "The geometric mean is `np.prod(precisions) ** (1 / 4)`, or the exponential of the mean of logarithms.",
        "`brevity = min(1, np.exp(1 - wanted / written))`: 1 for what is long enough.",
    ],
)
def bleu_from_counts(candidate):
    for found, total, written, wanted in (
        ([50, 30, 20, 12], [80, 70, 60, 50], 80, 60),
        ([50, 30, 20, 12], [80, 70, 60, 50], 80, 100),
        ([9, 5, 3, 2], [10, 9, 8, 7], 10, 10),
    ):
        found, total = np.array(found), np.array(total)
        got, right = call(candidate, found, total, written, wanted), np.array(right_bleu(found, total, written, wanted))
        shares, brevity = found / total, min(1.0, math.exp(1 - wanted / written))
        mean = 100 * np.prod(shares) ** 0.25
        suspects = {
            "bleu-no-brevity": mean,
            "bleu-brevity-inverted": mean * min(1.0, math.exp(1 - written / wanted)),
            "bleu-bonus": mean * math.exp(1 - wanted / written),
            "bleu-ratio": [mean * min(1.0, written / wanted), mean * written / wanted],
            "bleu-arithmetic": [100 * brevity * shares.mean(), 100 * shares.mean()],
            "bleu-product": 100 * brevity * np.prod(shares),
            "bleu-summed": 100 * brevity * found.sum() / total.sum(),
        }
        show = {"expected": right, "got": got, "what": "BLEU"}
        assert not probes.close(got, right / 100), mistake("bleu-percent", ratio=0.01, **show)
        same_values(got, right, "BLEU", suspects)
    got = call(candidate, np.array([5, 2, 1, 0]), np.array([8, 7, 6, 5]), 8, 8)
    show = {"expected": np.array(0.0), "got": got, "what": "BLEU without a 4-gram"}
    assert got.shape == () and got == 0, mistake("bleu-zero", yours=got, **show)


@checks(
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
    assert isinstance(got, tuple) and len(got) == 2, mistake("tree-not-two", returned=count_of_arrays(got))
    first, second = got
    shapes = {"first": first.shape, "second": second.shape}
    assert first.shape == (3,) and second.shape == (3, 3), mistake("tree-shapes", **shapes)
    shares = [first, second]
    proper = all(probes.sums_to_one(part) and (part >= 0).all() for part in shares)
    assert proper, mistake("tree-not-distributions", got=second, what="second")
    ordered = np.sort(first)
    assert ordered[-1] - ordered[-2] > 1e-9, mistake("tree-tie", got=first, what="first")
    greedy = first.max() * second[first.argmax()].max()
    best = (first[:, None] * second).max()
    assert best > greedy + 1e-9, mistake("tree-greedy-wins", greedy=greedy, best=best)

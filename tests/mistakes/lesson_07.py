"""Answers to lesson 07's exercises: the mistakes that people make, and right answers in other styles."""

import math
from collections import Counter

import numpy as np

from tests.mistakes.collection import right, wrong

# --- masked_loss ------------------------------------------------------------------------------------------------------


def logs_of(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def losses_of(logits, targets):
    return -np.take_along_axis(logs_of(logits), targets[..., None], axis=-1)[..., 0]


@wrong("07.masked_loss", "loss-counts-padding")
def loss_everywhere(logits, targets, pad_id):
    return losses_of(logits, targets).mean()


@wrong("07.masked_loss", "loss-divides-by-all")
def loss_zeroed_then_mean(logits, targets, pad_id):
    return (losses_of(logits, targets) * (targets != pad_id)).mean()


@wrong("07.masked_loss", "loss-is-a-sum")
def loss_summed(logits, targets, pad_id):
    return losses_of(logits, targets)[targets != pad_id].sum()


@wrong("07.masked_loss", "loss-mean-of-sentences")
def loss_sentence_by_sentence(logits, targets, pad_id):
    real = targets != pad_id
    return ((losses_of(logits, targets) * real).sum(axis=1) / real.sum(axis=1)).mean()


@wrong("07.masked_loss", "loss-of-probabilities")
def loss_softmax_twice(logits, targets, pad_id):
    return losses_of(np.exp(logs_of(logits)), targets)[targets != pad_id].mean()


@wrong("07.masked_loss", "forced-loss-no-softmax")
def loss_of_bare_logits(logits, targets, pad_id):
    return -np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0][targets != pad_id].mean()


@wrong("07.masked_loss", "forced-loss-sign")
def loss_without_minus(logits, targets, pad_id):
    return -losses_of(logits, targets)[targets != pad_id].mean()


@wrong("07.masked_loss", "forced-loss-base-2")
def loss_in_bits(logits, targets, pad_id):
    return losses_of(logits, targets)[targets != pad_id].mean() / np.log(2)


@wrong("07.masked_loss", "loss-pad-hard-coded")
def loss_pad_is_zero(logits, targets, pad_id):
    return losses_of(logits, targets)[targets != 0].mean()


@wrong("07.masked_loss", "forced-loss-overflow")
def loss_naive(logits, targets, pad_id):
    logs = np.log(np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(logs, targets[..., None], axis=-1)[targets != pad_id].mean()


@wrong("07.masked_loss", "loss-axis")
def loss_over_places(logits, targets, pad_id):
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -np.take_along_axis(logs, targets[..., None], axis=-1)[targets != pad_id].mean()


@wrong("07.masked_loss", "loss-not-a-number")
def loss_of_each(logits, targets, pad_id):
    return losses_of(logits, targets) * (targets != pad_id)


@right("07.masked_loss")
def loss_by_loops(logits, targets, pad_id):
    total, count = 0.0, 0
    for place in np.ndindex(targets.shape):
        if targets[place] != pad_id:
            row = logits[place] - logits[place].max()
            total += math.log(sum(math.exp(one) for one in row)) - row[targets[place]]
            count += 1
    return total / count


@right("07.masked_loss")
def loss_by_one_hot(logits, targets, pad_id):
    real = (targets != pad_id).astype(float)
    hard = np.eye(logits.shape[-1])[targets]
    return float(-(hard * logs_of(logits)).sum(axis=-1).ravel() @ real.ravel() / real.sum())


@right("07.masked_loss")
def loss_of_the_real_rows(logits, targets, pad_id):
    real = targets != pad_id
    rows, wanted = logits[real], targets[real]
    return np.mean(np.logaddexp.reduce(rows, axis=-1) - rows[np.arange(len(rows)), wanted])


# --- smoothed_targets -------------------------------------------------------------------------------------------------


@wrong("07.smoothed_targets", "smooth-none")
def smooth_hard(targets, num_classes, share):
    return np.eye(num_classes)[targets]


@wrong("07.smoothed_targets", "smooth-only-wrong")
def smooth_others(targets, num_classes, share):
    hard = np.eye(num_classes)[targets]
    return np.where(hard == 1, 1 - share, share / (num_classes - 1))


@wrong("07.smoothed_targets", "smooth-right-too-small")
def smooth_right_without_its_part(targets, num_classes, share):
    hard = np.eye(num_classes)[targets]
    return np.where(hard == 1, 1 - share, share / num_classes)


@wrong("07.smoothed_targets", "smooth-not-a-distribution")
def smooth_added(targets, num_classes, share):
    return np.eye(num_classes)[targets] + share / num_classes


@wrong("07.smoothed_targets", "smooth-not-a-distribution")
def smooth_share_to_each(targets, num_classes, share):
    return (1 - share) * np.eye(num_classes)[targets] + share


@wrong("07.smoothed_targets", "smooth-exchanged")
def smooth_the_other_way(targets, num_classes, share):
    return share * np.eye(num_classes)[targets] + (1 - share) / num_classes


@wrong("07.smoothed_targets", "smooth-wrong-place")
def smooth_one_off(targets, num_classes, share):
    return (1 - share) * np.eye(num_classes)[(targets + 1) % num_classes] + share / num_classes


@wrong("07.smoothed_targets", "wrong-shape")
def smooth_flat(targets, num_classes, share):
    return (1 - share) * np.eye(num_classes)[targets.ravel()].T + share / num_classes


@right("07.smoothed_targets")
def smooth_by_filling(targets, num_classes, share):
    result = np.full((*targets.shape, num_classes), share / num_classes)
    np.put_along_axis(result, targets[..., None], 1 - share + share / num_classes, axis=-1)
    return result


@right("07.smoothed_targets")
def smooth_by_comparison(targets, num_classes, share):
    hard = targets[..., None] == np.arange(num_classes)
    return np.where(hard, 1 - share * (num_classes - 1) / num_classes, share / num_classes)


# --- rate_at ----------------------------------------------------------------------------------------------------------


@wrong("07.rate_at", "rate-no-warm-up")
def rate_full_at_once(step, peak, warmup_steps, num_steps):
    return peak if step <= warmup_steps else peak * (num_steps - step) / (num_steps - warmup_steps)


@wrong("07.rate_at", "rate-no-decay")
def rate_stays(step, peak, warmup_steps, num_steps):
    return peak * min(1, step / max(1, warmup_steps))


@wrong("07.rate_at", "rate-starts-at-zero")
def rate_from_zero(step, peak, warmup_steps, num_steps):
    step = step - 1
    return (
        peak * step / warmup_steps if step <= warmup_steps else peak * (num_steps - step) / (num_steps - warmup_steps)
    )


@wrong("07.rate_at", "rate-starts-at-zero")
def rate_warms_up_a_step_late(step, peak, warmup_steps, num_steps):
    if warmup_steps and step <= warmup_steps:
        return peak * (step - 1) / warmup_steps
    return peak * (num_steps - step) / (num_steps - warmup_steps)


@wrong("07.rate_at", "rate-jumps")
def rate_line_of_the_whole_run(step, peak, warmup_steps, num_steps):
    return peak * step / warmup_steps if step <= warmup_steps else peak * (num_steps - step) / num_steps


@wrong("07.rate_at", "rate-inverse-root")
def rate_of_2017(step, peak, warmup_steps, num_steps):
    return peak * min(step / warmup_steps, (warmup_steps / step) ** 0.5)


@wrong("07.rate_at", "rate-above-peak")
def rate_grows_on(step, peak, warmup_steps, num_steps):
    return peak * step / warmup_steps


@wrong("07.rate_at", "rate-never-zero")
def rate_one_step_late(step, peak, warmup_steps, num_steps):
    return (
        peak * step / warmup_steps
        if step <= warmup_steps
        else peak * (num_steps - step + 1) / (num_steps - warmup_steps)
    )


@wrong("07.rate_at", "rate-without-warm-up-fails")
def rate_by_minimum(step, peak, warmup_steps, num_steps):
    return peak * min(step / warmup_steps, (num_steps - step) / (num_steps - warmup_steps))


@wrong("07.rate_at", "different-values")
def rate_by_cosine(step, peak, warmup_steps, num_steps):
    if step <= warmup_steps:
        return peak * step / warmup_steps
    return peak * (1 + math.cos(math.pi * (step - warmup_steps) / (num_steps - warmup_steps))) / 2


@right("07.rate_at")
def rate_by_interpolation(step, peak, warmup_steps, num_steps):
    if warmup_steps == 0:
        return np.interp(step, [0, num_steps], [peak, 0])
    return np.interp(step, [0, warmup_steps, num_steps], [0, peak, 0])


@right("07.rate_at")
def rate_by_smaller_share(step, peak, warmup_steps, num_steps):
    up = step / warmup_steps if warmup_steps else 1.0
    return peak * min(up, (num_steps - step) / (num_steps - warmup_steps))


# --- clip -------------------------------------------------------------------------------------------------------------


def length_of(first, second):
    return np.sqrt((first**2).sum() + (second**2).sum())


@wrong("07.clip", "clip-each-alone")
def clip_one_by_one(first, second, max_norm):
    return tuple(part * min(1, max_norm / np.linalg.norm(part)) for part in (first, second))


@wrong("07.clip", "clip-values")
def clip_numbers(first, second, max_norm):
    return np.clip(first, -max_norm, max_norm), np.clip(second, -max_norm, max_norm)


@wrong("07.clip", "clip-always")
def clip_to_exactly(first, second, max_norm):
    factor = max_norm / length_of(first, second)
    return first * factor, second * factor


@wrong("07.clip", "clip-adds-lengths")
def clip_sum_of_lengths(first, second, max_norm):
    factor = min(1, max_norm / (np.linalg.norm(first) + np.linalg.norm(second)))
    return first * factor, second * factor


@wrong("07.clip", "clip-by-square")
def clip_without_root(first, second, max_norm):
    factor = min(1, max_norm / length_of(first, second) ** 2)
    return first * factor, second * factor


@wrong("07.clip", "clip-to-one")
def clip_to_length_one(first, second, max_norm):
    length = length_of(first, second)
    factor = 1 / length if length > max_norm else 1
    return first * factor, second * factor


@wrong("07.clip", "clip-by-largest")
def clip_by_the_largest_number(first, second, max_norm):
    factor = min(1, max_norm / max(abs(first).max(), abs(second).max()))
    return first * factor, second * factor


@wrong("07.clip", "clip-zero")
def clip_divides_by_zero(first, second, max_norm):
    factor = np.minimum(
        1, np.array(max_norm) * (1 / length_of(first, second)) * length_of(first, second) / length_of(first, second)
    )
    return first * factor, second * factor


@wrong("07.clip", "clip-not-a-pair")
def clip_first_only(first, second, max_norm):
    return first * min(1, max_norm / length_of(first, second))


@wrong("07.clip", "changes-its-input")
def clip_in_place(first, second, max_norm):
    factor = min(1, max_norm / length_of(first, second))
    first *= factor
    second *= factor
    return first, second


@right("07.clip")
def clip_with_hypot(first, second, max_norm):
    length = math.hypot(*first.ravel(), *second.ravel())
    return (first, second) if length <= max_norm else (first / length * max_norm, second / length * max_norm)


@right("07.clip")
def clip_one_vector(first, second, max_norm):
    both = np.concatenate([first.ravel(), second.ravel()])
    both = both * min(1.0, max_norm / (np.linalg.norm(both) + 1e-12))
    return both[: first.size].reshape(first.shape), both[first.size :].reshape(second.shape)


# --- adam_step --------------------------------------------------------------------------------------------------------


def memories(gradient, mean, square, beta1, beta2):
    return beta1 * mean + (1 - beta1) * gradient, beta2 * square + (1 - beta2) * gradient**2


@wrong("07.adam_step", "adam-no-correction")
def adam_uncorrected(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean, square = memories(gradient, mean, square, beta1, beta2)
    return parameter - rate * mean / (np.sqrt(square) + eps), mean, square


@wrong("07.adam_step", "adam-correction-off-by-one")
def adam_counts_from_two(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean, square = memories(gradient, mean, square, beta1, beta2)
    m, s = mean / (1 - beta1 ** (step + 1)), square / (1 - beta2 ** (step + 1))
    return parameter - rate * m / (np.sqrt(s) + eps), mean, square


@wrong("07.adam_step", "adam-returns-corrected")
def adam_keeps_the_corrected(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean, square = memories(gradient, mean, square, beta1, beta2)
    mean, square = mean / (1 - beta1**step), square / (1 - beta2**step)
    return parameter - rate * mean / (np.sqrt(square) + eps), mean, square


def adam_with(parameter, gradient, mean, square, step, beta1, beta2, move):
    mean, square = memories(gradient, mean, square, beta1, beta2)
    return parameter + move(mean / (1 - beta1**step), square / (1 - beta2**step)), mean, square


@wrong("07.adam_step", "adam-old-memory")
def adam_moves_before_it_remembers(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    m, s = mean / (1 - beta1**step), square / (1 - beta2**step)
    _, mean, square = adam_with(parameter, gradient, mean, square, step, beta1, beta2, lambda m, s: 0 * m)
    return parameter - rate * m / (np.sqrt(s) + eps), mean, square


@wrong("07.adam_step", "adam-wrong-way")
def adam_uphill(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    return adam_with(parameter, gradient, mean, square, step, beta1, beta2, lambda m, s: rate * m / (np.sqrt(s) + eps))


@wrong("07.adam_step", "adam-no-root")
def adam_by_the_square(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    return adam_with(parameter, gradient, mean, square, step, beta1, beta2, lambda m, s: -rate * m / (s + eps))


@wrong("07.adam_step", "adam-eps-inside")
def adam_eps_under_the_root(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    return adam_with(parameter, gradient, mean, square, step, beta1, beta2, lambda m, s: -rate * m / np.sqrt(s + eps))


@wrong("07.adam_step", "adam-betas-exchanged")
def adam_other_betas(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    return adam_with(parameter, gradient, mean, square, step, beta2, beta1, lambda m, s: -rate * m / (np.sqrt(s) + eps))


@wrong("07.adam_step", "adam-square-of-mean")
def adam_squares_the_mean(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * mean**2
    return parameter - rate * mean / (1 - beta1**step) / (np.sqrt(square / (1 - beta2**step)) + eps), mean, square


@wrong("07.adam_step", "adam-shares-exchanged")
def adam_shares_the_other_way(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean, square = (1 - beta1) * mean + beta1 * gradient, (1 - beta2) * square + beta2 * gradient**2
    return parameter - rate * mean / (1 - beta1**step) / (np.sqrt(square / (1 - beta2**step)) + eps), mean, square


@wrong("07.adam_step", "adam-memory")
def adam_forgets(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    return parameter - rate * np.sign(gradient), gradient, gradient**2


@wrong("07.adam_step", "adam-not-three")
def adam_parameter_only(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    return adam_uncorrected(parameter, gradient, mean, square, step, rate, beta1, beta2, eps)[0]


@right("07.adam_step")
def adam_as_published(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    return adam_with(parameter, gradient, mean, square, step, beta1, beta2, lambda m, s: -rate * m / (np.sqrt(s) + eps))


@right("07.adam_step")
def adam_by_differences(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean = mean + (1 - beta1) * (gradient - mean)
    square = square + (1 - beta2) * (gradient * gradient - square)
    denominator = np.sqrt(square) / np.sqrt(1 - beta2**step) + eps
    return parameter - (rate / (1 - beta1**step)) * (mean / denominator), mean, square


# --- fools_the_colleague ----------------------------------------------------------------------------------------------


@wrong("07.fools_the_colleague", "losses-not-two")
def pair_of_one():
    return np.zeros((1, 4))


@wrong("07.fools_the_colleague", "losses-shapes")
def pair_of_two_classes():
    return np.zeros((2, 2)), np.ones((2, 2))


@wrong("07.fools_the_colleague", "losses-not-finite")
def pair_with_infinity():
    return np.zeros((1, 4)), np.array([[-np.inf, 0, 0, 0]])


@wrong("07.fools_the_colleague", "pair-not-better")
def pair_the_other_way():
    return np.array([[9.0, 0, 0, 0], [-20, 0, 0, 0]]), np.zeros((2, 4))


@wrong("07.fools_the_colleague", "pair-not-fooled")
def pair_that_anybody_tells():
    return np.array([[5.0, 0, 0, 0]]), np.array([[-5.0, 0, 0, 0]])


@wrong("07.fools_the_colleague", "losses-shapes")
def pair_of_different_lengths():
    return np.zeros((2, 4)), np.zeros((3, 4))


@wrong("07.fools_the_colleague", "pair-not-better")
def pair_of_twins():
    return np.zeros((2, 4)), np.zeros((2, 4))


@wrong("07.fools_the_colleague", "returns-a-list")
def pair_of_lists():
    return [[0.0, 0, 0, 0]], [[-30.0, 0, 0, 0]]


@right("07.fools_the_colleague")
def pair_one_hopeless():
    return np.zeros((2, 4)), np.array([[30.0, 0, 0, 0], [-30, 0, 0, 0]])


@right("07.fools_the_colleague")
def pair_of_single_tokens():
    return np.log([[0.5, 0.498, 0.001, 0.001]]), np.log([[0.49, 0.17, 0.17, 0.17]])


# --- clipped_matches --------------------------------------------------------------------------------------------------


def grams(tokens, n):
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


@wrong("07.clipped_matches", "ngrams-not-clipped")
def ngrams_every_hit(translation, reference, n):
    written = grams(translation, n)
    return sum(gram in grams(reference, n) for gram in written), len(written)


@wrong("07.clipped_matches", "ngrams-sets")
def ngrams_as_sets(translation, reference, n):
    written = set(grams(translation, n))
    return len(written & set(grams(reference, n))), len(written)


@wrong("07.clipped_matches", "ngrams-total-of-reference")
def ngrams_recall(translation, reference, n):
    both = Counter(grams(translation, n)) & Counter(grams(reference, n))
    return both.total(), len(grams(reference, n))


@wrong("07.clipped_matches", "ngrams-words")
def ngrams_single(translation, reference, n):
    return (Counter(translation.tolist()) & Counter(reference.tolist())).total(), len(translation)


@wrong("07.clipped_matches", "ngrams-words")
def ngrams_single_of_all(translation, reference, n):
    found = Counter(translation.tolist()) & Counter(reference.tolist())
    return found.total(), max(0, len(translation) - n + 1)


@wrong("07.clipped_matches", "ngrams-cut-short")
def ngrams_run_over_the_end(translation, reference, n):
    sides = [Counter(tuple(side[i : i + n].tolist()) for i in range(len(side))) for side in (translation, reference)]
    return (sides[0] & sides[1]).total(), sides[0].total()


@wrong("07.clipped_matches", "ngrams-one-too-few")
def ngrams_range_too_short(translation, reference, n):
    written = [tuple(translation[i : i + n]) for i in range(len(translation) - n)]
    wanted = [tuple(reference[i : i + n]) for i in range(len(reference) - n)]
    return (Counter(written) & Counter(wanted)).total(), len(written)


@wrong("07.clipped_matches", "ngrams-at-the-same-place")
def ngrams_place_by_place(translation, reference, n):
    written, wanted = grams(translation, n), grams(reference, n)
    return sum(a == b for a, b in zip(written, wanted, strict=False)), len(written)


@wrong("07.clipped_matches", "ngrams-negative")
def ngrams_negative_total(translation, reference, n):
    both = Counter(grams(translation, n)) & Counter(grams(reference, n))
    return both.total(), len(translation) - n + 1


@wrong("07.clipped_matches", "ngrams-exchanged")
def ngrams_total_first(translation, reference, n):
    both = Counter(grams(translation, n)) & Counter(grams(reference, n))
    return len(grams(translation, n)), both.total()


@wrong("07.clipped_matches", "ngrams-not-two")
def ngrams_share(translation, reference, n):
    return 0.5


@right("07.clipped_matches")
def ngrams_by_counters(translation, reference, n):
    written, wanted = Counter(grams(translation.tolist(), n)), Counter(grams(reference.tolist(), n))
    return sum(min(count, wanted[gram]) for gram, count in written.items()), sum(written.values())


@right("07.clipped_matches")
def ngrams_by_crossing_out(translation, reference, n):
    left, found = grams(reference.tolist(), n), 0
    for gram in grams(translation.tolist(), n):
        if gram in left:
            left.remove(gram)
            found += 1
    return np.array([found, max(0, len(translation) - n + 1)])


# --- bleu_from_counts -------------------------------------------------------------------------------------------------


@wrong("07.bleu_from_counts", "bleu-no-brevity")
def bleu_precisions_only(found, total, written, wanted):
    return 100 * np.prod(found / total) ** 0.25


@wrong("07.bleu_from_counts", "bleu-brevity-inverted")
def bleu_long_ones_pay(found, total, written, wanted):
    return 100 * np.prod(found / total) ** 0.25 * min(1, np.exp(1 - written / wanted))


@wrong("07.bleu_from_counts", "bleu-bonus")
def bleu_without_minimum(found, total, written, wanted):
    return 100 * np.prod(found / total) ** 0.25 * np.exp(1 - wanted / written)


@wrong("07.bleu_from_counts", "bleu-ratio")
def bleu_by_ratio(found, total, written, wanted):
    return 100 * np.prod(found / total) ** 0.25 * min(1, written / wanted)


@wrong("07.bleu_from_counts", "bleu-arithmetic")
def bleu_plain_mean(found, total, written, wanted):
    return 100 * np.mean(found / total) * min(1, np.exp(1 - wanted / written))


@wrong("07.bleu_from_counts", "bleu-product")
def bleu_without_root(found, total, written, wanted):
    return 100 * np.prod(found / total) * min(1, np.exp(1 - wanted / written))


@wrong("07.bleu_from_counts", "bleu-summed")
def bleu_all_together(found, total, written, wanted):
    return 100 * found.sum() / total.sum() * min(1, np.exp(1 - wanted / written))


@wrong("07.bleu_from_counts", "bleu-percent")
def bleu_as_a_share(found, total, written, wanted):
    return np.prod(found / total) ** 0.25 * min(1, np.exp(1 - wanted / written))


@wrong("07.bleu_from_counts", "bleu-zero")
def bleu_smoothed(found, total, written, wanted):
    shares = np.maximum(found, 0.1) / total
    return 100 * np.exp(np.log(shares).mean()) * min(1, np.exp(1 - wanted / written))


@right("07.bleu_from_counts")
def bleu_by_logarithms(found, total, written, wanted):
    if (found == 0).any():
        return 0.0
    return float(100 * np.exp(np.mean(np.log(found / total)) + min(0, 1 - wanted / written)))


@right("07.bleu_from_counts")
def bleu_by_two_roots(found, total, written, wanted):
    product = 1.0
    for one, of in zip(found.tolist(), total.tolist(), strict=True):
        product *= one / of
    penalty = 1.0 if written >= wanted else math.exp(1 - wanted / written)
    return 100 * math.sqrt(math.sqrt(product)) * penalty


# --- greedy_misses ----------------------------------------------------------------------------------------------------

THIRD = np.full(3, 1 / 3)


@wrong("07.greedy_misses", "tree-not-two")
def tree_first_only():
    return THIRD


@wrong("07.greedy_misses", "tree-shapes")
def tree_of_two():
    return np.array([0.6, 0.4]), np.eye(2)


@wrong("07.greedy_misses", "tree-not-distributions")
def tree_of_scores():
    return np.array([4.0, 3.0, 2.0]), np.eye(3)


@wrong("07.greedy_misses", "tree-not-distributions")
def tree_columns_sum_to_one():
    return np.array([0.5, 0.3, 0.2]), np.array([[1.0, 1, 0.5], [0, 0, 0.25], [0, 0, 0.25]])


@wrong("07.greedy_misses", "tree-tie")
def tree_even():
    return THIRD, np.eye(3)


@wrong("07.greedy_misses", "tree-greedy-wins")
def tree_where_greedy_is_right():
    return np.array([0.5, 0.3, 0.2]), np.eye(3)


@wrong("07.greedy_misses", "tree-not-distributions")
def tree_with_a_negative_share():
    return np.array([1.2, -0.3, 0.1]), np.eye(3)


@wrong("07.greedy_misses", "returns-a-list")
def tree_of_lists():
    return [0.4, 0.35, 0.25], [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]


@right("07.greedy_misses")
def tree_poor_beginning():
    return np.array([0.4, 0.35, 0.25]), np.vstack([THIRD, np.eye(3)[:2]])


@right("07.greedy_misses")
def tree_in_another_order():
    return np.array([0.2, 0.35, 0.45]), np.array([[1.0, 0, 0], [0, 0.9, 0.1], [0.3, 0.35, 0.35]])

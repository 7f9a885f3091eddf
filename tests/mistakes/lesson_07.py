"""Right answers to lesson 07's exercises in other styles."""

import math
from collections import Counter

import numpy as np

from tests.mistakes.collection import equal, right

# --- masked_loss ------------------------------------------------------------------------------------------------------


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
    lowered = logits - np.amax(logits, -1, keepdims=True)
    logs = lowered - np.log(np.sum(np.exp(lowered), -1, keepdims=True))
    real = (targets != pad_id).astype(float)
    return float(-np.einsum("btc,btc,bt->", np.eye(logits.shape[-1])[targets], logs, real) / real.sum())


@right("07.masked_loss")
def loss_of_the_real_rows(logits, targets, pad_id):
    real = targets != pad_id
    rows, wanted = logits[real], targets[real]
    return np.mean(np.logaddexp.reduce(rows, axis=-1) - rows[np.arange(len(rows)), wanted])


@right("07.masked_loss")
def loss_in_float32(logits, targets, pad_id):
    logits = logits.astype(np.float32)
    lowered = logits - logits.max(axis=-1, keepdims=True)
    batch, place = np.nonzero(targets != pad_id)
    logs = lowered - np.log(np.exp(lowered).sum(axis=-1))[..., None]
    return -np.mean(logs[batch, place, targets[batch, place]], dtype=np.float32)


@right("07.masked_loss")
def loss_by_nanmean(logits, targets, pad_id):
    lowered = logits - logits.max(axis=-1, keepdims=True)
    losses = np.log(np.exp(lowered).sum(axis=-1)) - np.take_along_axis(lowered, targets[..., None], -1).squeeze(-1)
    return np.nanmean(np.where(targets == pad_id, np.nan, losses))


# --- smoothed_targets -------------------------------------------------------------------------------------------------


@right("07.smoothed_targets")
def smooth_by_filling(targets, num_classes, share):
    result = np.full((*targets.shape, num_classes), share / num_classes)
    np.put_along_axis(result, targets[..., None], 1 - share + share / num_classes, axis=-1)
    return result


@right("07.smoothed_targets")
def smooth_by_comparison(targets, num_classes, share):
    hard = targets[..., None] == np.arange(num_classes)
    return np.where(hard, 1 - share * (num_classes - 1) / num_classes, share / num_classes)


@right("07.smoothed_targets")
def smooth_place_by_place(targets, num_classes, share):
    result = np.zeros((*targets.shape, num_classes), dtype=np.float32) + share / num_classes
    for place in np.ndindex(targets.shape):
        result[place][targets[place]] += 1 - share
    return result


# --- rate_at ----------------------------------------------------------------------------------------------------------


@right("07.rate_at")
def rate_by_interpolation(step, peak, warmup_steps, num_steps):
    if warmup_steps == 0:
        return np.interp(step, [0, num_steps], [peak, 0])
    return np.interp(step, [0, warmup_steps, num_steps], [0, peak, 0])


@right("07.rate_at")
def rate_by_smaller_share(step, peak, warmup_steps, num_steps):
    up = step / warmup_steps if warmup_steps else 1.0
    return peak * min(up, (num_steps - step) / (num_steps - warmup_steps))


@right("07.rate_at")
def rate_by_differences(step, peak, warmup_steps, num_steps):
    if step < warmup_steps:
        return np.float64(peak / warmup_steps * step)
    return np.float32(peak - peak * (step - warmup_steps) / (num_steps - warmup_steps))


@right("07.rate_at")
def rate_of_all_steps(step, peak, warmup_steps, num_steps):
    up = np.linspace(0, peak, warmup_steps + 1)[:-1]
    return np.concatenate([up, np.linspace(peak, 0, num_steps - warmup_steps + 1)])[step]


# --- clip -------------------------------------------------------------------------------------------------------------


@right("07.clip")
def clip_with_hypot(first, second, max_norm):
    length = math.hypot(*first.ravel(), *second.ravel())
    return (first, second) if length <= max_norm else (first / length * max_norm, second / length * max_norm)


@right("07.clip")
def clip_one_vector(first, second, max_norm):
    both = np.concatenate([first.ravel(), second.ravel()])
    both = both * min(1.0, max_norm / (np.linalg.norm(both) + 1e-12))
    return both[: first.size].reshape(first.shape), both[first.size :].reshape(second.shape)


@right("07.clip")
def clip_as_in_a_list(first, second, max_norm):
    length = sum(np.linalg.norm(part) ** 2 for part in (first, second)) ** 0.5
    return [part * (max_norm / max(max_norm, length)) for part in (first, second)]


@right("07.clip")
def clip_as_in_pytorch(first, second, max_norm):
    total = np.linalg.norm([np.linalg.norm(first), np.linalg.norm(second)])
    factor = np.clip(max_norm / (total + 1e-6), None, 1.0)
    return first * factor, second * factor


# --- adam_step --------------------------------------------------------------------------------------------------------


@right("07.adam_step")
def adam_by_differences(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean = mean + (1 - beta1) * (gradient - mean)
    square = square + (1 - beta2) * (gradient * gradient - square)
    denominator = np.sqrt(square) / np.sqrt(1 - beta2**step) + eps
    return parameter - (rate / (1 - beta1**step)) * (mean / denominator), mean, square


@right("07.adam_step")
def adam_number_by_number(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    after, mean, square = parameter.copy(), mean.copy(), square.copy()
    for place in np.ndindex(parameter.shape):
        mean[place] = beta1 * mean[place] + (1 - beta1) * gradient[place]
        square[place] = beta2 * square[place] + (1 - beta2) * gradient[place] ** 2
        size = math.sqrt(square[place] / (1 - beta2**step)) + eps
        after[place] -= rate * mean[place] / (1 - beta1**step) / size
    return [after, mean, square]


@right("07.adam_step")
def adam_in_place_of_copies(parameter, gradient, mean, square, step, rate, beta1, beta2, eps):
    mean, square = np.array(mean), np.array(square)
    mean *= beta1
    mean += (1 - beta1) * gradient
    square *= beta2
    square += (1 - beta2) * np.square(gradient)
    return parameter - rate * mean / (1 - beta1**step) / ((square / (1 - beta2**step)) ** 0.5 + eps), mean, square


# --- fools_the_colleague ----------------------------------------------------------------------------------------------


@right("07.fools_the_colleague")
def pair_one_hopeless():
    return np.zeros((2, 4)), np.array([[30.0, 0, 0, 0], [-30, 0, 0, 0]])


@right("07.fools_the_colleague")
def pair_of_single_tokens():
    return np.log([[0.5, 0.498, 0.001, 0.001]]), np.log([[0.49, 0.17, 0.17, 0.17]])


@right("07.fools_the_colleague")
def pair_of_whole_numbers():
    return [np.zeros((3, 4), dtype=int), np.array([[9, 0, 0, 0], [9, 0, 0, 0], [-99, 0, 0, 0]], dtype=np.int8)]


# --- clipped_matches --------------------------------------------------------------------------------------------------


def grams(tokens, n):
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


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


@right("07.clipped_matches")
def ngrams_as_bytes(translation, reference, n):
    written, wanted = ([gram.tobytes() for gram in map(np.array, grams(side, n))] for side in (translation, reference))
    return [sum(min(written.count(gram), wanted.count(gram)) for gram in set(written)), len(written)]


@right("07.clipped_matches")
def ngrams_by_zip(translation, reference, n):
    written, wanted = (Counter(zip(*(side[i:] for i in range(n)), strict=False)) for side in (translation, reference))
    return np.int64((written & wanted).total()), np.int32(written.total())


# --- bleu_from_counts -------------------------------------------------------------------------------------------------


@right("07.bleu_from_counts")
def bleu_by_logarithms(found, total, written, wanted):
    if (found == 0).any():
        return 0
    return float(100 * np.exp(np.mean(np.log(found / total)) + min(0, 1 - wanted / written)))


@right("07.bleu_from_counts")
def bleu_by_two_roots(found, total, written, wanted):
    product = 1.0
    for one, of in zip(found.tolist(), total.tolist(), strict=True):
        product *= one / of
    penalty = 1.0 if written >= wanted else math.exp(1 - wanted / written)
    return 100 * math.sqrt(math.sqrt(product)) * penalty


@right("07.bleu_from_counts")
def bleu_by_powers_of_each(found, total, written, wanted):
    return np.exp(np.minimum(0, 1 - wanted / written)) * np.prod((100 * found / total) ** 0.25)


# --- greedy_misses ----------------------------------------------------------------------------------------------------


@right("07.greedy_misses")
def tree_poor_beginning():
    return np.array([0.4, 0.35, 0.25]), np.vstack([np.full(3, 1 / 3), np.eye(3)[:2]])


@right("07.greedy_misses")
def tree_in_another_order():
    return np.array([0.2, 0.35, 0.45]), np.array([[1.0, 0, 0], [0, 0.9, 0.1], [0.3, 0.35, 0.35]])


@right("07.greedy_misses")
def tree_in_float32():
    return [np.float32([0.5, 0.4, 0.1]), np.float32([[0.4, 0.3, 0.3], [0.1, 0.1, 0.8], [1, 0, 0]])]


# --- changes that leave the solutions right -----------------------------------------------------------------------------

equal("07.masked_loss", "0 -> -1", "the last axis has one number")
equal("07.rate_at", "step <= warmup_steps -> step < warmup_steps", "both lines pass through the peak at warmup_steps")
equal("07.clip", "length > max_norm -> length >= max_norm", "a factor of 1")
for change in ("np.zeros -> np.ones", "0 -> 1", "0 -> -1", "30.0 -> 31.0", "30.0 -> 29.0"):
    equal("07.fools_the_colleague", change, "what is the same for all classes, or a little, changes no comparison")

"""Answers to lesson 08's exercises: the mistakes that people make, and right answers in other styles."""

import itertools
import re
import unicodedata

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import f1_score

from course_lib.attention import softmax
from course_lib.models.pretrained import load_tokenizer
from tests.mistakes.collection import right, wrong

# --- tfidf ------------------------------------------------------------------------------------------------------------


def holding(counts):
    return (counts > 0).sum(axis=0)


def idf_of(counts):
    return np.log((1 + len(counts)) / (1 + holding(counts))) + 1


def unit(rows):
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


@wrong("08.tfidf", "tfidf-no-idf")
def only_counts(counts):
    return unit(counts)


@wrong("08.tfidf", "tfidf-no-norm")
def of_any_length(counts):
    return counts * idf_of(counts)


@wrong("08.tfidf", "tfidf-occurrences")
def rare_by_occurrences(counts):
    return unit(counts * (np.log((1 + len(counts)) / (1 + counts.sum(axis=0))) + 1))


@wrong("08.tfidf", "tfidf-unsmoothed")
def of_the_textbook(counts):
    return unit(counts * np.log(len(counts) / holding(counts)))


@wrong("08.tfidf", "tfidf-unsmoothed")
def without_smoothing(counts):
    return unit(counts * (np.log(len(counts) / holding(counts)) + 1))


@wrong("08.tfidf", "tfidf-no-plus-one")
def everyday_words_count_nothing(counts):
    return unit(counts * (idf_of(counts) - 1))


@wrong("08.tfidf", "tfidf-length-by-sum")
def rows_sum_to_one(counts):
    rows = counts * idf_of(counts)
    return rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-9)


@wrong("08.tfidf", "tfidf-over-texts")
def columns_of_length_one(counts):
    rows = counts * idf_of(counts)
    return rows / np.linalg.norm(rows, axis=0)


@wrong("08.tfidf", "tfidf-empty-text")
def divides_by_zero(counts):
    rows = counts * idf_of(counts)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@wrong("08.tfidf", "tfidf-other-logarithm")
def in_bits(counts):
    return unit(counts * (np.log2((1 + len(counts)) / (1 + holding(counts))) + 1))


@wrong("08.tfidf", "tfidf-present-only")
def there_or_not(counts):
    return unit((counts > 0) * idf_of(counts))


@wrong("08.tfidf", "tfidf-words-for-texts")
def n_of_the_columns(counts):
    return unit(counts * (np.log((1 + counts.shape[1]) / (1 + holding(counts))) + 1))


@wrong("08.tfidf", "tfidf-norm-first")
def weighed_at_the_end(counts):
    return unit(counts) * idf_of(counts)


@wrong("08.tfidf", "wrong-shape")
def weights_of_words_only(counts):
    return idf_of(counts)


@wrong("08.tfidf", "changes-its-input")
def in_place(counts):
    counts *= idf_of(counts)
    return unit(counts)


@right("08.tfidf")
def tfidf_by_loops(counts):
    rows = np.zeros(counts.shape)
    for text in range(len(counts)):
        for word in range(counts.shape[1]):
            df = sum(other[word] > 0 for other in counts)
            rows[text, word] = counts[text, word] * (np.log((1 + len(counts)) / (1 + df)) + 1)
        if rows[text].any():
            rows[text] /= np.sqrt((rows[text] ** 2).sum())
    return rows


@right("08.tfidf")
def tfidf_by_scikit_learn(counts):
    return TfidfTransformer().fit_transform(counts).toarray()


@right("08.tfidf")
def tfidf_in_float32(counts):
    return np.nan_to_num(unit(counts * idf_of(counts))).astype(np.float32)


# --- breaking_case ----------------------------------------------------------------------------------------------------


@wrong("08.breaking_case", "loss-case-not-a-pair")
def only_logits():
    return np.array([[20.0, 0.0]])


@wrong("08.breaking_case", "loss-case-shapes")
def one_text_without_an_axis():
    return np.array([20.0, 0.0]), np.array([0])


@wrong("08.breaking_case", "loss-case-not-finite")
def infinitely_sure():
    return np.array([[np.inf, 0.0]]), np.array([0])


@wrong("08.breaking_case", "loss-case-targets")
def targets_counted_from_one():
    return np.array([[0.0, 20.0]]), np.array([2])


@wrong("08.breaking_case", "loss-case-one-class")
def a_single_class():
    return np.array([[20.0]]), np.array([0])


@wrong("08.breaking_case", "loss-case-wrong-answers")
def really_wrong():
    return np.array([[20.0, 0.0]]), np.array([1])


@wrong("08.breaking_case", "loss-case-wrong-answers")
def not_sure_enough():
    return np.array([[2.0, 0.0]]), np.array([0])


@wrong("08.breaking_case", "loss-case-wrong-answers")
def probabilities_for_logits():
    return np.array([[1.0, 0.0]]), np.array([0])


@right("08.breaking_case")
def two_sure_texts():
    return np.array([[30.0, 0.0, 0.0], [0.0, 0.0, 30.0]]), np.array([0, 2])


@right("08.breaking_case")
def by_an_identity():
    return 100 * np.eye(11), np.arange(11)


# --- cross_entropy ----------------------------------------------------------------------------------------------------


def logs_of(logits, axis=-1):
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@wrong("08.cross_entropy", "ce-softmax-twice")
def softmax_twice(logits, targets):
    return -logs_of(softmax(logits))[np.arange(len(targets)), targets].mean()


@wrong("08.cross_entropy", "ce-overflow")
def exponentials_of_large_numbers(logits, targets):
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return -np.log(chances[np.arange(len(targets)), targets]).mean()


@wrong("08.cross_entropy", "ce-overflow")
def logarithm_of_zero(logits, targets):
    return -np.log(softmax(logits)[np.arange(len(targets)), targets]).mean()


@wrong("08.cross_entropy", "ce-overflow")
def logarithm_of_almost_zero(logits, targets):
    return -np.log(softmax(logits)[np.arange(len(targets)), targets] + 1e-12).mean()


@wrong("08.cross_entropy", "ce-sum")
def added_up(logits, targets):
    return -logs_of(logits)[np.arange(len(targets)), targets].sum()


@wrong("08.cross_entropy", "ce-sign")
def below_zero(logits, targets):
    return logs_of(logits)[np.arange(len(targets)), targets].mean()


@wrong("08.cross_entropy", "ce-every-class")
def mean_over_one_hot(logits, targets):
    return -(np.eye(logits.shape[1])[targets] * logs_of(logits)).mean()


@wrong("08.cross_entropy", "ce-all-pairs")
def every_text_at_every_target(logits, targets):
    return -logs_of(logits)[:, targets].mean()


@wrong("08.cross_entropy", "ce-probability")
def chance_of_error(logits, targets):
    return (1 - softmax(logits)[np.arange(len(targets)), targets]).mean()


@wrong("08.cross_entropy", "ce-probability")
def forgot_the_logarithm(logits, targets):
    return -softmax(logits)[np.arange(len(targets)), targets].mean()


@wrong("08.cross_entropy", "ce-other-logarithm")
def loss_in_bits(logits, targets):
    return -logs_of(logits)[np.arange(len(targets)), targets].mean() / np.log(2)


@wrong("08.cross_entropy", "ce-over-texts")
def softmax_over_texts(logits, targets):
    return -logs_of(logits, axis=0)[np.arange(len(targets)), targets].mean()


@wrong("08.cross_entropy", "ce-one-per-text")
def not_averaged(logits, targets):
    return -logs_of(logits)[np.arange(len(targets)), targets]


@right("08.cross_entropy")
def loss_by_loops(logits, targets):
    total = 0.0
    for row, target in zip(logits, targets, strict=True):
        total += np.log(np.sum(np.exp(row - row.max()))) + row.max() - row[target]
    return total / len(targets)


@right("08.cross_entropy")
def loss_by_torch(logits, targets):
    return torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(targets)).numpy()


@right("08.cross_entropy")
def loss_by_logaddexp(logits, targets):
    return np.mean(np.logaddexp.reduce(logits, axis=-1) - np.take_along_axis(logits, targets[:, None], -1)[:, 0])


# --- macro_f1 ---------------------------------------------------------------------------------------------------------


def counted(targets, predictions, num_classes):
    each = range(num_classes)
    hits = np.array([np.sum((targets == k) & (predictions == k)) for k in each])
    return hits, np.array([np.sum(predictions == k) for k in each]), np.array([np.sum(targets == k) for k in each])


@wrong("08.macro_f1", "f1-accuracy")
def share_right(targets, predictions, num_classes):
    return np.mean(targets == predictions)


@wrong("08.macro_f1", "f1-weighted")
def weighted_by_size(targets, predictions, num_classes):
    hits, said, true = counted(targets, predictions, num_classes)
    return np.sum(2 * hits / np.maximum(said + true, 1) * true) / true.sum()


@wrong("08.macro_f1", "f1-precision")
def mean_precision(targets, predictions, num_classes):
    hits, said, _ = counted(targets, predictions, num_classes)
    return np.mean(hits / np.maximum(said, 1))


@wrong("08.macro_f1", "f1-recall")
def mean_recall(targets, predictions, num_classes):
    hits, _, true = counted(targets, predictions, num_classes)
    return np.mean(hits / np.maximum(true, 1))


@wrong("08.macro_f1", "f1-of-the-means")
def of_the_means(targets, predictions, num_classes):
    P, R = mean_precision(targets, predictions, num_classes), mean_recall(targets, predictions, num_classes)
    return 2 * P * R / (P + R)


@wrong("08.macro_f1", "f1-arithmetic")
def plain_mean(targets, predictions, num_classes):
    hits, said, true = counted(targets, predictions, num_classes)
    return np.mean((hits / np.maximum(said, 1) + hits / np.maximum(true, 1)) / 2)


@wrong("08.macro_f1", "f1-half")
def forgot_the_two(targets, predictions, num_classes):
    return f1_score(targets, predictions, average="macro", labels=range(num_classes), zero_division=0) / 2


@wrong("08.macro_f1", "f1-nan")
def zero_by_zero(targets, predictions, num_classes):
    hits, said, true = counted(targets, predictions, num_classes)
    precision, recall = hits / said, hits / true
    return np.mean(2 * precision * recall / (precision + recall))


@wrong("08.macro_f1", "f1-absent-left-out")
def only_where_defined(targets, predictions, num_classes):
    hits, said, true = counted(targets, predictions, num_classes)
    precision, recall = hits / said, hits / true
    return np.nanmean(2 * precision * recall / (precision + recall))


@wrong("08.macro_f1", "f1-absent-left-out")
def only_classes_that_come(targets, predictions, num_classes):
    hits, said, true = counted(targets, predictions, num_classes)
    there = said + true > 0
    return np.mean(2 * hits[there] / (said + true)[there])


@wrong("08.macro_f1", "wrong-shape")
def one_for_each_class(targets, predictions, num_classes):
    hits, said, true = counted(targets, predictions, num_classes)
    return 2 * hits / np.maximum(said + true, 1)


@right("08.macro_f1")
def f1_by_scikit_learn(targets, predictions, num_classes):
    return f1_score(targets, predictions, labels=range(num_classes), average="macro", zero_division=0)


@right("08.macro_f1")
def f1_from_a_confusion_table(targets, predictions, num_classes):
    table = np.bincount(targets * num_classes + predictions, minlength=num_classes**2).reshape(num_classes, -1)
    return float(np.mean(2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)))


# --- calibration_error ------------------------------------------------------------------------------------------------


def in_bins(confidence, right, num_bins):
    place = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    return [(confidence[place == b], right[place == b], b) for b in range(num_bins) if np.any(place == b)]


@wrong("08.calibration_error", "ece-unweighted")
def all_bins_alike(confidence, right, num_bins=10):
    return np.mean([abs(c.mean() - r.mean()) for c, r, _ in in_bins(confidence, right, num_bins)])


@wrong("08.calibration_error", "ece-one-bin")
def one_bin(confidence, right, num_bins=10):
    return abs(confidence.mean() - right.mean())


@wrong("08.calibration_error", "ece-signed")
def gaps_cancel(confidence, right, num_bins=10):
    return sum((c.mean() - r.mean()) * len(c) for c, r, _ in in_bins(confidence, right, num_bins)) / len(right)


@wrong("08.calibration_error", "ece-largest-gap")
def largest_gap(confidence, right, num_bins=10):
    return max(abs(c.mean() - r.mean()) for c, r, _ in in_bins(confidence, right, num_bins))


@wrong("08.calibration_error", "ece-middles")
def middles_of_bins(confidence, right, num_bins=10):
    found = in_bins(confidence, right, num_bins)
    return sum(abs((b + 0.5) / num_bins - r.mean()) * len(r) for _, r, b in found) / len(right)


@wrong("08.calibration_error", "ece-squared")
def squared_gaps(confidence, right, num_bins=10):
    return sum((c.mean() - r.mean()) ** 2 * len(c) for c, r, _ in in_bins(confidence, right, num_bins)) / len(right)


@wrong("08.calibration_error", "ece-no-bins")
def answer_by_answer(confidence, right, num_bins=10):
    return np.abs(confidence - right).mean()


@wrong("08.calibration_error", "ece-equal-counts")
def as_many_in_each(confidence, right, num_bins=10):
    parts = np.array_split(np.argsort(confidence), num_bins)
    return sum(abs(confidence[p].mean() - right[p].mean()) * len(p) for p in parts if len(p)) / len(right)


@wrong("08.calibration_error", "ece-bins-ignored")
def always_ten(confidence, right, num_bins=10):
    return ece_by_loops(confidence, right, 10)


@wrong("08.calibration_error", "ece-empty-bins")
def means_of_nothing(confidence, right, num_bins=10):
    place, total = np.minimum((confidence * num_bins).astype(int), num_bins - 1), 0.0
    for b in range(num_bins):
        here = place == b
        total += abs(confidence[here].mean() - right[here].mean()) * here.sum()
    return total / len(right)


@wrong("08.calibration_error", "ece-last-edge")
def loses_the_surest(confidence, right, num_bins=10):
    total = 0.0
    for b in range(num_bins):
        here = (confidence >= b / num_bins) & (confidence < (b + 1) / num_bins)
        if here.any():
            total += abs(confidence[here].mean() - right[here].mean()) * here.sum()
    return total / len(right)


@right("08.calibration_error")
def ece_by_loops(confidence, right, num_bins=10):
    total = 0.0
    for b in range(num_bins):
        here = [i for i, c in enumerate(confidence) if min(int(c * num_bins), num_bins - 1) == b]
        total += abs(sum(confidence[i] for i in here) - sum(int(right[i]) for i in here))
    return total / len(right)


@right("08.calibration_error")
def ece_by_sums(confidence, right, num_bins=10):
    place = np.clip((confidence * num_bins).astype(int), 0, num_bins - 1)
    gaps = np.bincount(place, confidence, num_bins) - np.bincount(place, right, num_bins)
    return np.abs(gaps).sum() / len(right)


@right("08.calibration_error")
def ece_with_edges_on_the_left(confidence, right, num_bins=10):
    total, edges = 0.0, np.linspace(0, 1, num_bins + 1)
    for low, high in itertools.pairwise(edges):
        here = (confidence > low) & (confidence <= high)
        if here.sum() > 0:
            total += here.mean() * abs(right[here].mean() - confidence[here].mean())
    return total


# --- near_repeats -----------------------------------------------------------------------------------------------------


def words(text):
    return set(re.findall(r"\w+", text.lower()))


def marked(train, test, repeats):
    return np.array([any(repeats(words(one), words(other)) for other in train) for one in test])


def of_either(one, other):
    return len(one & other) / max(len(one | other), 1)


@wrong("08.near_repeats", "near-exact-only")
def word_for_word(train, test, overlap=0.8):
    return np.isin(test, train)


@wrong("08.near_repeats", "near-case-and-marks")
def split_at_spaces(train, test, overlap=0.8):
    sets = [set(text.split()) for text in train]
    return np.array([any(of_either(set(text.split()), own) >= overlap for own in sets) for text in test])


@wrong("08.near_repeats", "near-own-share")
def share_of_the_test_text(train, test, overlap=0.8):
    return marked(train, test, lambda one, other: bool(one) and len(one & other) / len(one) >= overlap)


@wrong("08.near_repeats", "near-strictly-more")
def more_than(train, test, overlap=0.8):
    return marked(train, test, lambda one, other: of_either(one, other) > overlap)


@wrong("08.near_repeats", "near-limit-ignored")
def always_four_fifths(train, test, overlap=0.8):
    return marked(train, test, lambda one, other: of_either(one, other) >= 0.8)


@wrong("08.near_repeats", "near-inverted")
def clean_ones(train, test, overlap=0.8):
    return ~marked(train, test, lambda one, other: of_either(one, other) >= overlap)


@wrong("08.near_repeats", "near-first-only")
def only_the_first(train, test, overlap=0.8):
    return marked(train[:1], test, lambda one, other: of_either(one, other) >= overlap)


@wrong("08.near_repeats", "near-first-only")
def overwritten_by_the_last(train, test, overlap=0.8):
    found = np.zeros(len(test), dtype=bool)
    for other in train:
        for row, one in enumerate(test):
            found[row] = of_either(words(one), words(other)) >= overlap
    return found


@wrong("08.near_repeats", "near-without-words")
def nothing_is_like_anything(train, test, overlap=0.8):
    return marked(train, test, lambda one, other: len(one & other) >= overlap * len(one | other) or not one)


@wrong("08.near_repeats", "near-not-boolean")
def largest_overlaps(train, test, overlap=0.8):
    return np.array([max(of_either(words(one), words(other)) for other in train) for one in test])


@wrong("08.near_repeats", "near-shape")
def one_for_each_training_text(train, test, overlap=0.8):
    return marked(test, train, lambda one, other: of_either(one, other) >= overlap)


@right("08.near_repeats")
def repeats_without_division(train, test, overlap=0.8):
    return marked(train, test, lambda one, other: bool(one) and len(one & other) >= overlap * len(one | other) - 1e-9)


@right("08.near_repeats")
def repeats_by_matrices(train, test, overlap=0.8):
    index = {word: i for i, word in enumerate(sorted(set().union(*map(words, [*train, *test]))))}
    holds = np.zeros((len(train) + len(test), len(index)))
    for row, text in enumerate([*train, *test]):
        holds[row, [index[word] for word in words(text)]] = 1
    A, B = holds[len(train) :], holds[: len(train)]
    shared = A @ B.T
    either = A.sum(1)[:, None] + B.sum(1) - shared
    return (shared / np.maximum(either, 1) >= overlap).any(axis=1)


# --- suspects ---------------------------------------------------------------------------------------------------------


@wrong("08.suspects", "suspects-least-suspicious")
def most_believed(probabilities, labels, count):
    return np.argsort(-probabilities[np.arange(len(labels)), labels])[:count]


@wrong("08.suspects", "suspects-unsure")
def least_sure(probabilities, labels, count):
    return probabilities.max(axis=1).argsort()[:count]


@wrong("08.suspects", "suspects-sure-of-another")
def surest(probabilities, labels, count):
    return (-probabilities.max(axis=1)).argsort()[:count]


@wrong("08.suspects", "suspects-order")
def in_order_of_rows(probabilities, labels, count):
    return np.sort(probabilities[np.arange(len(labels)), labels].argsort()[:count])


@wrong("08.suspects", "suspects-all-rows")
def every_row(probabilities, labels, count):
    return probabilities[np.arange(len(labels)), labels].argsort()


@wrong("08.suspects", "suspects-not-rows")
def chances_of_labels(probabilities, labels, count):
    return np.sort(probabilities[np.arange(len(labels)), labels])[:count]


@wrong("08.suspects", "suspects-not-rows")
def as_a_mask(probabilities, labels, count):
    own = probabilities[np.arange(len(labels)), labels]
    return own <= np.sort(own)[count - 1]


@wrong("08.suspects", "suspects-wrong")
def first_that_disagree(probabilities, labels, count):
    rows = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return rows[:count]


@right("08.suspects")
def suspects_by_sorting_pairs(probabilities, labels, count):
    own = [(probabilities[row, label], row) for row, label in enumerate(labels)]
    return np.array([row for _, row in sorted(own)[:count]])


@right("08.suspects")
def suspects_by_loss(probabilities, labels, count):
    losses = -np.log(np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0])
    return np.argsort(-losses)[:count]


# --- may_answer -------------------------------------------------------------------------------------------------------


def latin(text):
    letters = [c for c in text.lower() if c.isalpha()]
    return letters, [c for c in letters if "a" <= c <= "z"]


@wrong("08.may_answer", "guard-answers-all")
def always(texts):
    return np.ones(len(texts), dtype=bool)


@wrong("08.may_answer", "guard-refuses-all")
def never(texts):
    return np.zeros(len(texts), dtype=bool)


@wrong("08.may_answer", "guard-shape")
def one_answer_for_all(texts):
    return all(len(latin(text)[1]) > 0 for text in texts)


@wrong("08.may_answer", "guard-not-boolean")
def share_of_latin(texts):
    return np.array([len(latin(text)[1]) / max(len(latin(text)[0]), 1) for text in texts])


@wrong("08.may_answer", "guard-inverted")
def refuse(texts):
    return np.array([len(latin(text)[1]) <= len(latin(text)[0]) / 2 for text in texts])


@wrong("08.may_answer", "guard-refuses-names")
def pure_ascii(texts):
    return np.array([text.isascii() and any(c.isalpha() for c in text) for text in texts])


@wrong("08.may_answer", "guard-lets-empty")
def no_more_foreign_than_latin(texts):
    return np.array([2 * len(latin(text)[1]) >= len(latin(text)[0]) for text in texts])


@wrong("08.may_answer", "guard-lets-mixed")
def any_latin_word(texts):
    return np.array([bool(re.search("[A-Za-z]{3}", text)) or text in ("I do.", "So do I.") for text in texts])


@wrong("08.may_answer", "guard-refuses-english")
def only_with_the(texts):
    return np.array([" the " in text for text in texts])


@wrong("08.may_answer", "guard-lets-bulgarian")
def by_length(texts):
    return np.array([len(text) > 20 for text in texts])


@right("08.may_answer")
def mostly_latin(texts):
    return np.array([len(latin(text)[1]) > len(latin(text)[0]) / 2 for text in texts])


@right("08.may_answer")
def by_tokens(texts):
    tokenizer = load_tokenizer()
    answers = []
    for text in texts:
        pieces, count = len(tokenizer.encode(text).tokens) - 2, len(re.findall(r"\w+", text))
        answers.append(any(c.isalpha() for c in text) and pieces < 2.6 * count + 2)
    return np.array(answers)


@right("08.may_answer")
def by_script(texts):
    def is_latin(c):
        return unicodedata.name(c, "").startswith("LATIN")

    return np.array([sum(map(is_latin, text)) > sum(c.isalpha() and not is_latin(c) for c in text) for text in texts])

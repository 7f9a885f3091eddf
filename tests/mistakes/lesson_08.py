"""Right answers to lesson 08's exercises in other styles."""

import re
import unicodedata

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.metrics import f1_score

from course_lib.models.pretrained import load_tokenizer
from tests.mistakes.collection import equal, right


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
def tfidf_by_einsum(counts):
    rows = counts @ np.diag(1 + np.log1p(len(counts)) - np.log1p(np.count_nonzero(counts, axis=0)))
    return rows / np.maximum(np.sqrt(np.einsum("tw,tw->t", rows, rows)), 1e-12)[:, None]


@right("08.tfidf")
def tfidf_of_shares_in_float32(counts):
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = (rows * (np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0))) + 1)).astype(np.float32)
    return np.nan_to_num(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@right("08.breaking_case")
def by_an_identity():
    return [100 * np.eye(11), np.arange(11)]


@right("08.breaking_case")
def whole_numbers_below_zero():
    return np.array([[0, -20, -20]], dtype=np.int8), np.array([0], dtype=np.uint8)


@right("08.cross_entropy")
def loss_by_torch(logits, targets):
    return torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(targets)).numpy()


@right("08.cross_entropy")
def loss_by_logaddexp(logits, targets):
    return np.mean(np.logaddexp.reduce(logits, axis=-1) - np.take_along_axis(logits, targets[:, None], -1)[:, 0])


@right("08.cross_entropy")
def loss_by_one_hot_in_float32(logits, targets):
    logits = logits.astype(np.float32)
    lowered = logits - logits.max(1)[:, None]
    logs = lowered - np.log(np.exp(lowered).sum(1))[:, None]
    return -(np.eye(logits.shape[1], dtype=np.float32)[targets] * logs).sum() / len(logits)


@right("08.macro_f1")
def f1_by_scikit_learn(targets, predictions, num_classes):
    return f1_score(targets, predictions, labels=range(num_classes), average="macro", zero_division=0)


@right("08.macro_f1")
def f1_from_a_confusion_table(targets, predictions, num_classes):
    table = np.bincount(targets * num_classes + predictions, minlength=num_classes**2).reshape(num_classes, -1)
    return float(np.mean(2 * np.diag(table) / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)))


@right("08.macro_f1")
def f1_by_loops(targets, predictions, num_classes):
    total = 0
    for k in range(num_classes):
        hits = sum(t == k == p for t, p in zip(targets, predictions, strict=True))
        if hits:
            precision, recall = hits / np.sum(predictions == k), hits / np.sum(targets == k)
            total += 2 * precision * recall / (precision + recall)
    return total / num_classes


@right("08.macro_f1")
def f1_with_nan_taken_for_0(targets, predictions, num_classes):
    each = np.eye(num_classes, dtype=int)
    hits, both = each[targets] * each[predictions], each[targets] + each[predictions]
    return np.nan_to_num(2 * hits.sum(0) / both.sum(0)).mean(dtype=np.float32)


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
def ece_by_digitize(confidence, right, num_bins=10):
    place = np.digitize(confidence, np.linspace(0, 1, num_bins + 1)[1:-1])
    return sum(np.mean(place == b) * abs(np.mean((confidence - right)[place == b])) for b in set(place))


@right("08.calibration_error")
def ece_with_upper_edges_in_the_bin(confidence, right, num_bins=10):
    total, low = 0.0, -1
    for high in np.linspace(0, 1, num_bins + 1)[1:]:
        here = (confidence > low) & (confidence <= high)
        if here.sum() > 0:
            total += here.mean() * abs(right[here].mean() - confidence[here].mean())
        low = high
    return total


def words(text):
    return set(re.findall(r"\w+", text.lower()))


@right("08.calibration_error")
def bins_that_hold_their_upper_edge(confidence, right, num_bins=10):
    place = np.clip(np.digitize(confidence, np.linspace(0, 1, num_bins + 1), right=True), 1, num_bins)
    return np.abs(np.bincount(place, confidence - right)).sum() / len(right)


@right("08.near_repeats")
def repeats_without_division(train, test, overlap=0.8):
    def repeats(one, other):
        return len(one) > 0 and len(one & other) >= overlap * len(one | other) - 1e-9

    return [any(repeats(words(one), words(other)) for other in train) for one in test]


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


@right("08.near_repeats")
def repeats_by_loops(train, test, overlap=0.8):
    found = np.zeros(len(test), dtype=bool)
    for row, text in enumerate(test):
        for other in train:
            both = sum(word in words(other) for word in words(text))
            either = len(words(text)) + len(words(other)) - both
            if both and both / either >= overlap:
                found[row] = True
    return found


@right("08.suspects")
def suspects_by_sorting_pairs(probabilities, labels, count):
    own = [(probabilities[row, label], row) for row, label in enumerate(labels)]
    return [row for _, row in sorted(own)[:count]]


@right("08.suspects")
def suspects_by_loss(probabilities, labels, count):
    losses = -np.log(np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0])
    return np.argsort(-losses)[:count].astype(np.uint16)


@right("08.may_answer")
def mostly_latin(texts):
    return [sum("a" <= c <= "z" for c in text.lower()) > sum(map(str.isalpha, text)) / 2 for text in texts]


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


@right("08.may_answer")
def by_most_of_the_words(texts):
    found = [re.findall(r"[^\W\d_]+", text) for text in texts]
    return [2 * sum(map(str.isascii, words)) > len(words) for words in found]


# --- changes that leave the solutions right -----------------------------------------------------------------------------

equal("08.tfidf", "0 -> 1", "a row that holds a word has a length of 1 at least, and 1 is divided by 1")
equal("08.tfidf", "1 -> 2", "what an empty row is divided by does not matter")
for change in ("11 -> 12", "11 -> 10", "30.0 -> 31.0", "30.0 -> 29.0", "0 -> -1", "np.zeros -> np.ones"):
    equal("08.breaking_case", change, "any sure and right logits do; there is one text, the first and the last")
equal("08.cross_entropy", "-1 -> +1", "there are two axes")
equal("08.macro_f1", "1 -> 2", "a class that comes or is said once has no hit: 0 may be divided by 1 or by 2")
equal("08.may_answer", "2 -> 3", "where between a third and a half the limit lies is free")

"""Lesson 08, text classification: what is right, and each mistake with its sentence, in the order of its exercises."""

import difflib
import itertools
import math
import re
from collections import Counter

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice.catalogue import Case, cases, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import judged, reference
from course_lib.classroom.practice.facts import count_of
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips.losses import (
    WITHOUT_PADDING,
    WITHOUT_ROWS,
    averaged,
    log_probabilities,
    picked,
    probabilities,
    surprise,
)
from course_lib.classroom.practice.slips.numbers import divided, unit
from course_lib.classroom.practice.steps import everywhere, step
from course_lib.classroom.practice.trial import call
from course_lib.data import everyday

# ----------------------------------------------------------------------------------------------------------------------
# TF-IDF
# ----------------------------------------------------------------------------------------------------------------------


@step
def holding(counts):
    """How many texts hold each word: (texts, words) -> (words,)."""
    return (counts > 0).sum(axis=0)


@step
def rarity(df, texts):
    """The idf of each word."""
    return np.log((1 + texts) / (1 + df)) + 1


@step
def weighed(counts, idf):
    """Each count times its word's idf."""
    return counts * idf


@reference(
    "08.tfidf",
    title="TF-IDF",
    points=2,
    hints=[
        "Three steps: in how many texts does each word stand; the weight of each word; rows of length 1.",
        "(counts > 0).sum(axis=0) counts the texts that hold a word. np.linalg.norm(rows, axis=1, keepdims=True) gives the lengths.",
        "An empty row has length 0. Divide by np.where(length > 0, length, 1).",
    ],
    returns="TF-IDF",
    same=["unit-epsilon"],  # no row that holds a word is shorter than 1
)
def tfidf(counts):
    return unit(weighed(counts, rarity(holding(counts), len(counts))))


def counted_words(seed, texts, words):
    """Counts (texts, words) in which the first word stands in every text, and no text is empty."""
    counts = generator(seed).poisson(0.9, (texts, words)).astype(float)
    counts[:, 0] += 1
    counts[0, :2] = 3, 2
    return counts


@cases("08.tfidf")
def tfidf_cases():
    yield Case("two texts over three words", generator(1).permuted([[3.0, 1, 0], [1, 2, 0]], axis=1))
    yield Case("as many texts as words", counted_words(2, 6, 6))
    yield Case("more texts than words", counted_words(3, 9, 5))
    yield Case("more words than texts", counted_words(4, 4, 7))
    yield Case("counts of type int", counted_words(5, 5, 3).astype(int))
    empty = counted_words(6, 5, 4)
    empty[generator(7).integers(5)] = 0
    yield Case("a text without a word", empty, edge=True)
    unknown = counted_words(8, 4, 5)
    unknown[:, generator(9).integers(1, 5)] = 0
    yield Case("a word that no text holds", unknown, edge=True)
    yield Case("a single text", counted_words(10, 1, 4), edge=True)


TFIDF = "08.tfidf"
holding.slip("tfidf-occurrences", "You count how often a word comes in all texts. df is the number of texts that hold "
    "it, however often.", lambda counts: counts.sum(axis=0))  # fmt: skip
holding.slip("tfidf-once-or-twice",
    "A word counts in your df by how often a text holds it: once, or more than once. Once or ten times, the text holds "
    "it.", lambda counts: (counts > 1).sum(axis=0), lambda counts: (counts == 1).sum(axis=0))  # fmt: skip
holding.slip("tfidf-texts-without", "You count the texts that do not hold the word.", lambda counts: (counts == 0).sum(axis=0))  # fmt: skip
holding.slip("tfidf-no-idf", "Your rows are the counts brought to length 1: how rare a word is has no part in them. Has "
    "each word, a column, a weight of its own?", lambda counts: (counts >= 0).sum(axis=0),
    lambda counts: (counts > 0).sum(), lambda counts: (counts > 0).sum(axis=1, keepdims=True))  # fmt: skip
holding.slip("tfidf-df-of-texts", "You count the words of each text. df counts the texts of each word: which axis are "
    "they?", lambda counts: (counts > 0).sum(axis=1))  # fmt: skip
holding.slip("tfidf-df-is-a-share", "Your df is a share of the texts. It is their number.",
    lambda counts: (counts > 0).mean(axis=0))  # fmt: skip
rarity.slip("tfidf-unsmoothed",
    "Your logarithm is of another fraction, such as n / df. Here one is added to both numbers, above and below.",
    lambda df, n: np.log(n / df) + 1, lambda df, n: np.log(n / df), lambda df, n: np.log((1 + n) / (2 + df)) + 1,
    lambda df, n: np.log(n / (1 + df)) + 1, lambda df, n: np.log(n / (1 + df)), lambda df, n: np.log((1 + n) / df) + 1,
    lambda df, n: np.log(1 + n / df), lambda df, n: np.log(1 + n / (1 + df)), lambda df, n: np.log(1 + n / df) + 1,
    lambda df, n: np.log(1 + n / (1 + df)) + 1, lambda df, n: np.log(1 + n / 1 + df) + 1,
    lambda df, n: np.log(n / np.maximum(df, 1)) + 1)  # fmt: skip
rarity.slip("tfidf-no-plus-one", "The 1 after the logarithm is missing, or stands inside of it.", lambda df, n: np.log((1 + n) / (1 + df)),
            lambda df, n: np.log((1 + n) / (1 + df) + 1))  # fmt: skip
rarity.slip("tfidf-other-logarithm", "Your logarithm has another base than e.",
    *(lambda df, n, base=base: np.log((1 + n) / (1 + df)) / np.log(base) + 1 for base in (2, 10)))  # fmt: skip
rarity.slip("tfidf-no-logarithm", "There is no logarithm in your idf.", lambda df, n: (1 + n) / (1 + df) + 1,
    lambda df, n: (1 + n) / (1 + df), lambda df, n: n / df)  # fmt: skip
rarity.slip("tfidf-upside-down", "Common words weigh most: your fraction is upside down.",
    lambda df, n: np.log((1 + df) / (1 + n)) + 1)  # fmt: skip
rarity.slip("tfidf-words-for-texts", "Your n is another number, such as that of the words, the columns. It is the "
    "number of texts, the rows.", lambda df, n: np.log((1 + df.size) / (1 + df)) + 1)  # fmt: skip
weighed.slip("tfidf-no-idf", None, lambda counts, idf: counts)
weighed.slip("tfidf-idf-alone", "How often a word comes is left out: these are the weights of the words.",
    lambda counts, idf: idf)  # fmt: skip
weighed.slip("tfidf-present-only", "You multiply by 1 where the word stands, however often it comes. The count itself "
    "enters: two are more than one.", lambda counts, idf: (counts > 0) * idf)  # fmt: skip
weighed.slip("tfidf-sublinear", "You take the logarithm of the counts. They enter as they are.", lambda counts, idf: np.log1p(counts) * idf,
             lambda counts, idf: np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * idf)  # fmt: skip
weighed.slip("tfidf-divided", "You divide the counts by idf. They are multiplied.", lambda counts, idf: counts / idf)  # fmt: skip
weighed.slip("tfidf-added", "You add idf to the counts. They are multiplied.", lambda counts, idf: counts + idf)  # fmt: skip
weighed.slip("tfidf-weight-of-the-row", "Your weights go along the texts. Each word, a column, has its own.",
    lambda counts, idf: counts * idf[:, None])  # fmt: skip
weighed.slip("tfidf-squared", "idf enters twice.", lambda counts, idf: counts * idf**2)
mistake(TFIDF, "tfidf-idf-alone", None, lambda counts: rarity(holding(counts), len(counts)))
mistake(TFIDF, "tfidf-norm-first", "You bring the counts to length 1 and weigh them afterwards. Weigh first: the length comes last.",
        lambda counts: unit(counts) * rarity(holding(counts), len(counts)))  # fmt: skip
mistake(TFIDF, "tfidf-share-for-length", "Your counts are shares of their text, and nothing has length 1.",
        lambda counts: divided(counts, counts.sum(axis=1, keepdims=True)) * rarity(holding(counts), len(counts)),
        lambda counts: counts / counts.sum(axis=1, keepdims=True) * rarity(holding(counts), len(counts)))  # fmt: skip
mistake(TFIDF, "empty-row-nan", None,
    lambda counts: unit(counts / counts.sum(axis=1, keepdims=True) * rarity(holding(counts), len(counts))))  # fmt: skip
mistake(TFIDF, "array-of-whole-numbers", "Your array holds whole numbers, so everything behind the point is cut off. "
    "Make it of floats.", lambda counts: tfidf(counts).astype(counts.dtype),
    lambda counts: unit((counts * rarity(holding(counts), len(counts))).astype(counts.dtype)))  # fmt: skip
mistake(TFIDF, "tfidf-empty-text-not-counted", "A text without a word is one of the n texts, too.",
        lambda counts: unit(weighed(counts, rarity(holding(counts), counts.any(axis=1).sum()))))  # fmt: skip
mistake(TFIDF, "tfidf-words-for-texts", None, lambda counts: unit(counts * rarity(holding(counts), counts.sum())),
        lambda counts: unit(counts * rarity(holding(counts), counts.size)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# A loss with a bug
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_loss(logits, targets):
    """A colleague's cross-entropy. It falls in training, and her tests with random numbers see nothing odd."""
    probabilities = softmax(logits)
    logs = probabilities - np.log(np.exp(probabilities).sum(axis=-1, keepdims=True))  # the log of a softmax
    return -logs[np.arange(len(targets)), targets].mean()


@judged(
    "08.breaking_case",
    title="Find the bug: a loss that never ends",
    points=1,
    hints=[
        "How often does her function take a softmax? What does a softmax make of numbers between 0 and 1?",
        "The most unequal row she can feed to the second softmax is (1, 0, 0, …). What is the loss of that?",
        "Give logits that are very sure and right: 20 at the target, 0 elsewhere.",
    ],
)
def breaking_case(candidate):
    got = call(candidate)
    require(isinstance(got, tuple) and len(got) == 2, "loss-case-not-a-pair",
            "Two arrays were expected, `return logits, targets`; your function returns {returned}.", returned=count_of(got))  # fmt: skip
    logits, targets = got
    require(not (logits.ndim == 1 and targets.ndim == 2), "loss-case-exchanged",
        "The logits come first: `return logits, targets`.")  # fmt: skip
    require(logits.ndim == 2 and logits.size and targets.shape == logits.shape[:1], "loss-case-shapes",
        "logits has shape {logits} and targets {targets}; expected (texts, classes) and (texts,), at least one text.",
        logits=logits.shape, targets=targets.shape)  # fmt: skip
    require(targets.dtype.kind in "iu", "loss-case-targets-kind", "Your targets are of type {kind}. They are whole "
        "numbers: the next line uses them as an index.", kind=targets.dtype.name)  # fmt: skip
    require(targets.min() >= 0 and targets.max() < logits.shape[1], "loss-case-targets",
        "Targets are whole numbers from 0 to classes - 1, one for each text.")  # fmt: skip
    require(np.isfinite(logits).all(), "loss-case-not-finite",
        "Your logits hold NaN or infinity. It goes wrong with ordinary numbers.")  # fmt: skip
    require(logits.shape[1] > 1, "loss-case-one-class",
        "With a single class there is nothing to get wrong, and both losses are 0.")  # fmt: skip
    right = cross_entropy(logits.astype(float), targets)
    require(right < 0.01, "loss-case-wrong-answers", "The loss of your logits really is {right:.3f}: they are not sure "
        "enough of the targets. Hers should be large where the right one is below 0.01.", right=right)  # fmt: skip


def returning(logits, targets=None):
    """An answer without arguments: a function that returns these as arrays, or the first alone."""
    return lambda: np.array(logits) if targets is None else (np.array(logits), np.array(targets))


for diagnosis, *wrong in [
    ("loss-case-not-a-pair", returning([[20.0, 0.0]])),
    ("loss-case-exchanged", returning([0], [[20.0, 0.0]])),
    ("loss-case-shapes", returning([20.0, 0.0], [0]), returning([[20.0, 0.0]], 0), returning([[20.0, 0.0]], [1, 0]),
     returning([[20.0, 0.0]], [[0]]), returning(np.zeros((0, 2)), [])),
    ("loss-case-targets-kind", returning([[20.0, 0.0]], [0.0]), returning([[0.0, 20.0]], [True])),
    ("loss-case-targets", returning([[0.0, 20.0]], [2]), returning([[0.0, 20.0]], [-1])),
    ("loss-case-not-finite", returning([[np.inf, 0.0]], [0]), returning([[0.0, -np.inf]], [0])),
    ("loss-case-one-class", returning([[20.0]], [0])),
    ("loss-case-wrong-answers", returning([[20.0, 0.0]], [1]), returning([[2.0, 0.0]], [0]), returning([[1.0, 0.0]], [0]),
     returning([[20.0, 20.0]], [0]), returning([[30.0, 0.0], [0.0, 0.1]], [0, 1])),
]:  # fmt: skip
    mistake("08.breaking_case", diagnosis, None, *wrong)

# ----------------------------------------------------------------------------------------------------------------------
# Cross-entropy
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "08.cross_entropy",
    title="Mend it: cross-entropy from logits",
    points=2,
    hints=[
        "One softmax, then minus the logarithm of the target's probability, then the mean over texts.",
        "Each text with its own target: rows = np.arange(len(targets)); table[rows, targets].",
        "Don't take the logarithm of a probability. With z = logits - row maximum, log-softmax is z - log(sum(exp(z))).",
    ],
    returns="loss",
    same=WITHOUT_PADDING | WITHOUT_ROWS | {"loss-divides-by-rows", "loss-divides-by-columns", "loss-of-each"},
)
def cross_entropy(logits, targets):
    return averaged(surprise(picked(log_probabilities(logits), targets)))


@cases("08.cross_entropy")
def cross_entropy_cases():
    yield Case("two texts of three classes", draw(1, 2, 3).round(1), generator(2).permutation(3)[:2])
    yield Case("as many texts as classes", 2 * draw(3, 4, 4), generator(4).permutation([0, 1, 3, 3]))
    yield Case("more texts than classes", 2 * draw(5, 6, 3), generator(6).permutation([0, 0, 1, 1, 1, 2]))
    yield Case("more classes than texts", draw(7, 3, 8), generator(8).permutation([0, 5, 7]))
    yield Case("a single text", draw(9, 1, 4), np.array([2]), edge=True)
    yield Case("logits around 1000", 1000 + draw(10, 2, 3), np.array([1, 0]), edge=True)
    yield Case("logits around -1000", draw(11, 2, 3) - 1000, np.array([1, 0]), edge=True)
    yield Case("a logit of 1000 beside the target's of 0", np.array([[1000.0, 0, -1000], [-2000, 3, 1]]),
        np.array([1, 0]), edge=True)  # fmt: skip
    yield Case("one text of logits around 1000, one around 0",
        np.array([[1000.0, 1000, 1000], [0, 0, 0], [-1000, -1001, -1002]]), np.array([1, 2, 1]), edge=True)  # fmt: skip


CE = "08.cross_entropy"
losses = lambda z, t: surprise(picked(log_probabilities(z), t))  # noqa: E731
mistake(CE, "loss-of-one-text", "Your loss is that of one text, the first or the last. Does a return or an `=` stand inside of a loop?",
        lambda z, t: losses(z, t)[0], lambda z, t: losses(z, t)[-1],
        lambda z, t: losses(z, t)[-1] / len(t), lambda z, t: losses(z, t)[0] / len(t))  # fmt: skip
mistake(CE, "loss-every-place-with-every-target", None, lambda z, t: -log_probabilities(z)[:, t],
        lambda z, t: -log_probabilities(z)[:, t].sum() / len(t))  # fmt: skip
mistake(CE, "loss-log-of-the-mean", None, lambda z, t: -np.log(picked(probabilities(z), t).mean()))  # fmt: skip
mistake(CE, "loss-is-a-share-of-hits", None, lambda z, t: (z.argmax(axis=-1) == t).mean(),
        lambda z, t: (z.argmax(axis=-1) != t).mean())  # fmt: skip
mistake(CE, "loss-of-the-wrong-classes", None, *(lambda z, t, eps=eps: -np.log(np.abs(
    1 - np.eye(z.shape[1])[t] - 1 / (1 + np.exp(-z))) + eps).sum(axis=-1).mean() for eps in (0, 1e-12, 1e-9, 1e-8)))  # fmt: skip
mistake(CE, "loss-entropy", "That is the entropy of the model's own answer: the targets have no part in it.",
        lambda z, t: -(probabilities(z) * log_probabilities(z)).sum(axis=-1).mean())  # fmt: skip
mistake(CE, "loss-of-the-others", "The log-probabilities of the wrong classes make up your loss. Only the target's counts.",
        lambda z, t: -(log_probabilities(z).sum(axis=-1) + losses(z, t)).mean())  # fmt: skip
mistake(CE, "loss-without-the-target", "Only the sum of the exponentials enters your loss. What about the target's own logit?",
        lambda z, t: -(log_probabilities(z) - z)[:, 0].mean())  # fmt: skip
mistake(CE, "loss-classes-for-texts", "Your index takes texts by the targets and classes by the number of the text. "
    "Which axis comes first?", lambda z, t: -log_probabilities(z)[t, np.arange(len(t))].mean())  # fmt: skip
mistake(CE, "loss-picks-rows", "An index of targets alone picks whole rows: it takes texts, not classes.",
    lambda z, t: -log_probabilities(z)[t].mean())  # fmt: skip
mistake(CE, "loss-flat-index", "Your index runs through the whole table as one row. Each text needs its own row and its target's column.",
        lambda z, t: -np.take(log_probabilities(z), t).mean())  # fmt: skip
mistake(CE, "loss-divided-by-classes", None, lambda z, t: losses(z, t).sum() / z.shape[1])

# ----------------------------------------------------------------------------------------------------------------------
# Macro F1
# ----------------------------------------------------------------------------------------------------------------------


@step
def counts_of(targets, predictions, classes):
    """For each class, how many texts are hits, how many are said to be of it, and how many are."""
    each = np.arange(classes)[:, None]
    said, true = predictions == each, targets == each
    return (said & true).sum(axis=1), said.sum(axis=1), true.sum(axis=1)


@step
def f1(hits, said, true):
    """F1 of each class, 0 where it never comes."""
    return divided(2 * hits, said + true)


@step
def mean_of_classes(scores, said, true):
    """The plain mean; `said` and `true` are what wrong means look at."""
    return scores.mean()


@reference(
    "08.macro_f1",
    title="Macro F1",
    points=2,
    hints=[
        "For each class three numbers: hits (true and said), said, true. F1 is 2 · hits / (said + true).",
        "hits of class k: np.sum((targets == k) & (predictions == k)).",
        "Where said + true is 0, F1 is 0. Then the plain mean over all num_classes.",
    ],
    returns="macro F1",
)
def macro_f1(targets, predictions, num_classes):
    hits, said, true = counts_of(targets, predictions, num_classes)
    return mean_of_classes(f1(hits, said, true), said, true)


@cases("08.macro_f1")
def macro_f1_cases():
    def order(seed, *pairs):
        return [np.array(column) for column in zip(*generator(seed).permutation(pairs), strict=True)]

    yield Case("six texts of three classes", *order(1, (0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (2, 2)), 3)
    rng = generator(2)
    targets = np.r_[np.arange(4), rng.choice(4, size=36, p=[0.55, 0.25, 0.12, 0.08])]
    predictions = np.where(rng.random(40) < 0.5, targets, rng.integers(4, size=40))
    predictions[:4] = targets[:4]
    yield Case("classes of very different size", targets, predictions, 4)
    yield Case("a class that is never said", *order(3, (0, 0), (0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 1)), 3)
    yield Case("a class that never comes", *order(4, (0, 0), (0, 2), (0, 0), (1, 1), (1, 0), (1, 2)), 3)
    yield Case("a class that neither comes nor is said", *order(5, (0, 0), (0, 3), (1, 1), (1, 0), (3, 3), (3, 3), (3, 0)), 4)  # fmt: skip
    yield Case("the last of the classes neither comes nor is said", *order(6, (0, 0), (0, 0), (1, 0), (1, 1), (1, 1)), 4)  # fmt: skip
    yield Case("class 0 alone, always right", *order(7, *[(0, 0)] * generator(7).integers(3, 6)), 2, edge=True)
    yield Case("no text right", *order(8, (0, 1), (1, 0), (1, 0)), 2, edge=True)


F1 = "08.macro_f1"
precision, recall = lambda hits, said, true: divided(hits, said), lambda hits, said, true: divided(hits, true)
harmonic = lambda p, r: 2 * p * r / (p + r)  # noqa: E731
counts_of.slip("f1-either-for-hits", "Your hits are the texts that are said to be of the class *or* are of it. A hit is both.",
               lambda t, p, n: ((c := counts_of(t, p, n))[1] + c[2] - c[0], *c[1:]))  # fmt: skip
counts_of.slip("f1-counts-rejections", "Texts that are rightly *not* said to be of the class count as hits. F1 leaves these out.",
               lambda t, p, n: ((c := counts_of(t, p, n))[0] + len(t) - c[1] - c[2] + c[0], *c[1:]))  # fmt: skip
counts_of.slip("f1-hits-of-all", "Each class gets the hits of all classes together. A class has its own.",
               lambda *inputs: ((c := counts_of(*inputs))[0].sum() + 0 * c[0], *c[1:]))  # fmt: skip
f1.slip("f1-precision", "That is the mean precision. F1 is the harmonic mean of precision and recall, class by class.",
    precision)  # fmt: skip
f1.slip("f1-recall", "That is the mean recall. F1 is the harmonic mean of precision and recall, class by class.", recall)  # fmt: skip
f1.slip("f1-arithmetic", "You take the plain mean of precision and recall. F1 is the harmonic one.",
    lambda *c: (precision(*c) + recall(*c)) / 2)  # fmt: skip
f1.slip("f1-geometric", "You take the product of precision and recall, its root, or the smaller or larger of the two. "
    "F1 is their harmonic mean.", lambda *c: precision(*c) * recall(*c), lambda *c: np.sqrt(precision(*c) * recall(*c)),
    lambda *c: np.minimum(precision(*c), recall(*c)), lambda *c: np.maximum(precision(*c), recall(*c)))  # fmt: skip
f1.slip("f1-half", "That is half of it. Hits stand twice above, for said and true stand both below.",
    lambda hits, said, true: divided(hits, said + true))  # fmt: skip
f1.slip("f1-union", "You divide by the texts that are said or true, each once (the Jaccard index). In F1 hits stand "
    "twice, above and below.", lambda hits, said, true: divided(hits, said + true - hits),
    lambda hits, said, true: divided(2 * hits, said + true - hits))  # fmt: skip
f1.slip("f1-nan", "A class that nobody named, or that never came, gives NaN. Its F1 is 0. Which form of F1 divides only "
    "once?", lambda hits, said, true: harmonic(hits / said, hits / true),
    lambda hits, said, true: 2 * hits / (said + true), lambda *c: harmonic(precision(*c), recall(*c)))  # fmt: skip
f1.slip("f1-absent-is-right", "A class that neither comes nor is said gets an F1 of 1. It counts as 0.",
        lambda hits, said, true: np.where(said + true == 0, 1, divided(2 * hits, said + true)))  # fmt: skip
f1.slip("f1-misses-alone", "Of what is wrong you count one kind alone, or more than the other: wrongly said and not "
    "found. F1 counts each once.", lambda hits, said, true: divided(2 * hits, hits + said),
    lambda hits, said, true: divided(2 * hits, hits + true),
    lambda hits, said, true: divided(5 * hits, said + 4 * true),
    lambda hits, said, true: divided(1.25 * hits, said + 0.25 * true),
    lambda hits, said, true: divided(hits, hits + 2 * (said - hits)),
    lambda hits, said, true: divided(hits, hits + 2 * (true - hits)))  # fmt: skip
f1.slip("f1-epsilon", "Something small is added below, so that every F1 comes out too small.",
    *(lambda hits, said, true, eps=eps: 2 * hits / (said + true + eps) for eps in (1, 1e-2, 1e-3, 1e-4, 1e-5)),
    *(lambda hits, said, true, eps=eps: 2 * (p := hits / (said + eps)) * (r := hits / (true + eps)) / (p + r + eps)
        for eps in (1e-2, 1e-3, 1e-4, 1e-5)))  # fmt: skip
mean_of_classes.slip("f1-weighted", "You weigh each class by its number of texts. Macro: every class alike.",
    lambda scores, said, true: (scores * true).sum() / true.sum(),
    lambda scores, said, true: (scores * said).sum() / said.sum())  # fmt: skip
mean_of_classes.slip("f1-absent-left-out", "A class that never comes right is left out of your mean. It counts as 0: "
    "else ignoring a class would pay.", lambda scores, said, true: scores[scores > 0].mean(),
    lambda scores, said, true: np.nan_to_num(scores[scores > 0].mean()))  # fmt: skip
mean_of_classes.slip("f1-only-classes-there",
    "Some classes are not in your mean: those that no text is of, or that nobody said. All num_classes are.",
    *(lambda scores, said, true, there=there: scores[there(said, true) > 0].mean()
        for there in (lambda s, t: t, lambda s, t: s, lambda s, t: s + t, lambda s, t: s * t)),
    *(lambda scores, said, true, there=there: scores[: np.flatnonzero(there(said, true))[-1] + 1].mean()
        for there in (lambda s, t: t, lambda s, t: s, lambda s, t: s + t)))  # fmt: skip
mean_of_classes.slip("f1-class-left-out",
    "The first or the last class has no part in your mean. They are counted from 0 to num_classes - 1.",
    *(lambda scores, said, true, part=part: scores[part].mean() for part in (slice(1, None), slice(None, -1))),
    *(lambda scores, said, true, part=part: scores[part].sum() / len(scores)
        for part in (slice(1, None), slice(None, -1))))  # fmt: skip
mean_of_classes.slip("f1-of-one-class", "The F1 of one class alone enters. Macro F1 is the mean of all. Is there an `=` "
    "for a `+=`, or a return inside of a loop?",
    *(lambda scores, said, true, pick=pick: pick(scores) for pick in (lambda s: s[1], lambda s: s[0], lambda s: s[-1],
        np.max, np.min)), *(lambda scores, said, true, at=at: scores[at] / len(scores) for at in (0, 1, -1)))  # fmt: skip
mean_of_classes.slip("median-for-mean", None, lambda scores, said, true: np.median(scores))
mean_of_classes.slip("f1-summed", "You add up the classes' F1. Macro F1 is their mean.",
    lambda scores, said, true: scores.sum())  # fmt: skip
mean_of_classes.slip("f1-divided-by-texts", "You divide by the number of texts. It is a mean over classes.",
    lambda scores, said, true: scores.sum() / true.sum())  # fmt: skip
mean_of_classes.slip("f1-of-each", "You return the F1 of each class. Asked for is one number, their mean.",
    lambda scores, said, true: scores)  # fmt: skip
mistake(F1, "f1-accuracy", "That is the accuracy. (And micro F1, which is the same where each text has one class.)",
        lambda t, p, n: (t == p).mean())  # fmt: skip


def of_the_means(targets, predictions, classes):
    counts = counts_of(targets, predictions, classes)
    return harmonic(precision(*counts).mean(), recall(*counts).mean())


mistake(F1, "f1-of-the-means", "You average precision and recall first. Take F1 for each class, then average.",
    of_the_means, lambda *inputs: np.nan_to_num(of_the_means(*inputs)),
    lambda *inputs: harmonic(np.nanmean((c := counts_of(*inputs))[0] / c[1]), np.nanmean(c[0] / c[2])))  # fmt: skip
mistake(F1, "f1-accuracies", "That is each class's accuracy, averaged: texts that are rightly kept out of a class "
    "count. F1 leaves these out.", lambda t, p, n: np.mean([((t == k) == (p == k)).mean() for k in range(n)]))  # fmt: skip
mistake(F1, "f1-absent-left-out", None, lambda *inputs: np.nanmean(harmonic((c := counts_of(*inputs))[0] / c[1], c[0] / c[2])),
        lambda *inputs: np.nanmean(harmonic(precision(*(c := counts_of(*inputs))), recall(*c))))  # fmt: skip
mistake(F1, "f1-nan-spoils-all", "One class without a hit makes your whole mean 0: NaN spreads before you replace it.",
        lambda *inputs: np.nan_to_num(harmonic(precision(*(c := counts_of(*inputs))), recall(*c)).mean()),
        lambda *inputs: np.nan_to_num(harmonic((c := counts_of(*inputs))[0] / c[1], c[0] / c[2]).mean()))  # fmt: skip
mistake(F1, "f1-number-of-classes", "Your number of classes is another than num_classes: taken from the data, or off by one.",
        *(lambda t, p, n, count=count: macro_f1(t, p, count(t, p, n))
          for count in (lambda t, p, c: c + 1, lambda t, p, c: c - 1, lambda t, p, c: len(set(t)))))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Calibration
# ----------------------------------------------------------------------------------------------------------------------


@step
def bins(confidence, num_bins):
    """The bin of each answer, a whole number from 0; -1 stands for none."""
    return np.minimum((confidence * num_bins).astype(int), num_bins - 1)


@step
def gaps(confidence, right, place, num_bins):
    """Of each bin that holds answers: mean confidence minus share right, and how many there are."""
    here = [place == b for b in np.unique(place[place >= 0])]
    return np.array([[confidence[b].mean() - right[b].mean(), b.sum()] for b in here]).reshape(-1, 2).T


@step
def weighed_mean(gap, number, answers):
    """The mean of the absolute gaps, by the number of answers."""
    return (abs(gap) * number).sum() / answers


@reference(
    "08.calibration_error",
    title="How sure is sure?",
    points=2,
    hints=[
        "The bin of an answer: (confidence * num_bins) as a whole number; 1.0 goes into the last one.",
        "For each bin that has answers: |mean confidence - share right|, times its number of answers.",
        "Add these up and divide by the number of all answers.",
    ],
    returns="calibration error",
)
def calibration_error(confidence, right, num_bins=10):
    return weighed_mean(*gaps(confidence, right, bins(confidence, num_bins), num_bins), len(right))


@cases("08.calibration_error")
def calibration_cases():
    yield Case("five answers, two bins", np.array([0.1, 0.2, 0.7, 0.8, 0.9]) + generator(1).integers(1, 9) / 100,
        np.array([True, False, True, True, False]), 2)  # fmt: skip
    for seed, num_bins, count in ((2, 10, 120), (3, 7, 60)):
        rng = generator(seed)
        confidence = rng.uniform(0.02, 0.98, count)
        right = rng.random(count) < confidence + np.where((confidence * num_bins).astype(int) % 2, 0.4, -0.35)
        yield Case(f"{count} answers, {num_bins} bins", confidence, right, num_bins)
    yield Case("num_bins not passed", confidence, right)
    yield Case("as many answers as bins", generator(4).uniform(0.03, 0.97, 4), np.array([True, False, False, True]), 4)
    few = np.array([0.52, 0.57, 0.91, 0.93]) + generator(5).uniform(0, 0.02)
    yield Case("bins without an answer", few, np.array([True, False, True, True]), 10)
    yield Case("answers of confidence 1 and 0.95",
        np.array([0.05, 0.55, 0.58, 0.95 + generator(6).uniform(0, 0.04), 1.0]),
        np.array([True, True, False, True, False]), 10)  # fmt: skip
    yield Case("answers of confidence 1 alone in their bin", np.array([0.55, 0.58, 1.0, 1.0]),
        np.array([True, False, False, True]), 10)  # fmt: skip
    yield Case("answers of confidence 0", np.array([0.0, 0.0, 0.95]), np.array([True, True, True]), 10)
    yield Case("answers of confidence 0 and 0.05", np.array([0.0, 0.05, 0.95]), np.array([True, False, True]), 10)
    yield Case("answers on the edges of bins", np.array([0.25, 0.25, 0.25, 0.75, 0.75]),
        np.append(generator(9).permutation([True, False, False]), [True, True]), 4)  # fmt: skip
    yield Case("a single bin", generator(7).uniform(size=5), np.array([True, False, False, True, True]), 1, edge=True)
    yield Case("a single answer", generator(8).uniform(0.1, 0.9, 1), np.array([False]), 10, edge=True)


ECE = "08.calibration_error"
edges = lambda confidence, low, high, count: np.digitize(confidence, np.linspace(low, high, count))  # noqa: E731
bins.slip("ece-end-apart", "Answers at the very end, with a confidence of exactly 1 or 0, get a bin of their own. They "
    "belong to the last bin and the first.", lambda c, n: (c * n).astype(int), lambda c, n: np.ceil(c * n).astype(int),
    lambda c, n: np.where(c == 0, n, bins(c, n)))  # fmt: skip
bins.slip("ece-last-in-first", "Answers with a confidence of exactly 1 land in the first bin. They belong to the last.",
          lambda c, n: (c * n).astype(int) % n)  # fmt: skip
bins.slip("ece-last-edge", "Answers with a confidence of exactly 1 are lost. They belong to the last bin.",
          lambda c, n: np.where(c < 1, bins(c, n), -1))  # fmt: skip
bins.slip("ece-zero-lost", "Answers with a confidence of exactly 0 are lost. They belong to the first bin.",
          lambda c, n: np.where(c > 0, bins(c, n), -1))  # fmt: skip
bins.slip("ece-both-ends-lost", "Answers with a confidence of exactly 0 or 1 are lost. They belong to the first and the last bin.",
          lambda c, n: np.where((c > 0) & (c < 1), bins(c, n), -1))  # fmt: skip
bins.slip("ece-end-bin-missing", "A bin is missing, the first or the last. Does a range or a slice stop too early, or begin too late?",
          lambda c, n: np.where((b := bins(c, n)) > 0, b, -1), lambda c, n: np.where((b := bins(c, n)) < n - 1, b, -1))  # fmt: skip
bins.slip("ece-rounded", "You round to a whole number, to the nearest or up, and the bins at the ends are not as wide "
    "as the others. The bin is what is left of the point.", lambda c, n: np.minimum(np.ceil(c * n).astype(int), n - 1),
    lambda c, n: np.round(c * n).astype(int), lambda c, n: np.minimum(np.round(c * n).astype(int), n - 1))  # fmt: skip
bins.slip("ece-number-of-bins", "There is one bin too many or too few: num_bins of them have num_bins + 1 edges.",
          *(lambda c, n, by=by: bins(c, max(1, n + by)) for by in (1, -1)),
          lambda c, n: bins(c, n - 1) if n > 1 else np.full(len(c), -1),
          lambda c, n: np.minimum((c * (n - 1)).astype(int), n - 1), lambda c, n: np.minimum((c * (n + 1)).astype(int), n - 1))  # fmt: skip
bins.slip("ece-between-extremes", "Your bins run from the smallest confidence to the largest. They run from 0 to 1.",
          lambda c, n: np.minimum(edges(c, c.min(), c.max(), n + 1), n) - 1)  # fmt: skip
bins.slip("ece-equal-counts", "Your bins hold equally many answers. Here they are equally wide: the first goes from 0 to 1 / num_bins.",
          lambda c, n: np.repeat(np.arange(n), [len(p) for p in np.array_split(c, n)])[c.argsort().argsort()],
          lambda c, n: c.argsort().argsort() * n // len(c),
          lambda c, n: np.clip(np.searchsorted(np.quantile(c, np.linspace(0, 1, n + 1)), c, side="right") - 1, 0, n - 1))  # fmt: skip
bins.slip("ece-bins-ignored", "Your number of bins is always the same, whatever num_bins is.",
          *(lambda c, n, fixed=fixed: bins(c, fixed) for fixed in (10, 15, 5, 20)))  # fmt: skip
gaps.slip("ece-empty-bins", "Bins without an answer give NaN. They weigh nothing: leave them out.",
    lambda c, right, place, n: np.array([[c[place == b].mean() - right[place == b].mean(), (place == b).sum()]
        for b in range(n)]).T)  # fmt: skip
gaps.slip("ece-middles", "You compare with the middle or an edge of the bin. Take the mean confidence of the answers in it.",
          *(lambda c, right, place, n, at=at: gaps((place + at) / n, right, place, n) for at in (0.5, 0, 1)))  # fmt: skip
gaps.slip("ece-share-wrong", "You compare the confidence with the share that is wrong.",
    lambda c, right, place, n: gaps(c, ~right, place, n))  # fmt: skip
gaps.slip("ece-means-of-all", "You compare with a mean over all answers. Each bin has its own.",
          lambda c, right, place, n: gaps(c, np.full(len(right), right.mean()), place, n),
          lambda c, right, place, n: gaps(np.full(len(right), c.mean()), right, place, n))  # fmt: skip
gaps.slip("ece-median", "You take the median confidence of a bin. The mean is asked for.",
    lambda confidence, right, place, n:
        gaps(confidence, right, place, n) + np.array([[np.median(c := confidence[place == b]) - c.mean(), 0]
        for b in np.unique(place[place >= 0])]).T)  # fmt: skip
gaps.slip("ece-hits-of-all",
    "You divide the hits, or the confidences, of a bin by the number of all answers. Each bin has its own mean.",
    *(lambda c, right, place, n, which=which:
        gaps(c * (np.bincount(place)[place] / len(place) if which else 1),
        right * (1 if which else np.bincount(place)[place] / len(place)), place, n) for which in (0, 1)))  # fmt: skip
weighed_mean.slip("ece-unweighted", "Your bins all count alike. Weigh each gap by the number of answers in its bin.",
                  lambda gap, count, n: abs(gap).mean(), lambda gap, count, n: abs(gap).sum())  # fmt: skip
weighed_mean.slip("ece-signed", "Gaps of different signs cancel, as if all were one bin: some are too sure, others not "
    "sure enough. Take absolute values, bin by bin.", lambda gap, count, n: (gap * count).sum() / n,
    lambda gap, count, n: -(gap * count).sum() / n, lambda gap, count, n: gap.mean(), lambda gap, count, n: -gap.mean(),
    lambda gap, count, n: abs(gap.mean()))  # fmt: skip
weighed_mean.slip("ece-number-twice", "The share of the answers that a bin holds enters twice: in its means or its gap, and in the weight.",
                  lambda gap, count, n: (abs(gap) * count**2).sum() / n**2)  # fmt: skip
weighed_mean.slip("ece-one-sided", "Only bins that are too sure count, or only those that are not sure enough. Both are "
    "wrong.", lambda gap, count, n: (np.maximum(gap, 0) * count).sum() / n,
    lambda gap, count, n: (np.maximum(-gap, 0) * count).sum() / n)  # fmt: skip
weighed_mean.slip("ece-lonely-lost", "A bin with a single answer is left out.",
    lambda gap, count, n: (abs(gap) * count)[count > 1].sum() / n)  # fmt: skip
weighed_mean.slip("ece-largest-gap", "That is the largest gap of any bin. Asked for is the mean, weighted by the number of answers.",
                  lambda gap, count, n: abs(gap).max())  # fmt: skip
weighed_mean.slip("ece-squared", "You square the gaps. Here they are absolute values.", lambda gap, count, n: (gap**2 * count).sum() / n,
                  lambda gap, count, n: np.sqrt((gap**2 * count).sum() / n))  # fmt: skip
weighed_mean.slip("ece-not-divided", "You add up gaps times answers. Divide by the number of answers.",
    lambda gap, count, n: (abs(gap) * count).sum(), lambda gap, count, n: (abs(gap) * count).mean())  # fmt: skip
weighed_mean.slip("ece-of-each-bin", "You return the bins' gaps. Asked for is one number, their weighted mean.",
    lambda gap, count, n: abs(gap), lambda gap, count, n: abs(gap) * count / n)  # fmt: skip
weighed_mean.slip("ece-last-alone", "One bin alone enters your result. Is there an `=` for a `+=`, or a return inside of a loop?",
                  *(lambda gap, count, n, at=at: abs(gap[at]) * count[at] / n for at in (0, -1)),
                  *(lambda gap, count, n, at=at: abs(gap[at]) for at in (0, -1)))  # fmt: skip


@mistake(
    ECE, "ece-weighed-by-hits", "You weigh each gap by how many of its bin are right. All the bin's answers count."
)
def weighed_by_hits(confidence, right, num_bins=10):
    place = bins(confidence, num_bins)
    hits = np.array([right[place == b].sum() for b in np.unique(place)])
    return (abs(gaps(confidence, right, place, num_bins)[0]) * hits).sum() / right.sum()


mistake(ECE, "ece-not-divided", None, lambda c, right, n=10: weighed_mean(*gaps(c, right, bins(c, n), n), n))  # fmt: skip
mistake(ECE, "ece-confidence-changed",
    "To fit into the last bin, confidences of 1 are made smaller, which changes the mean as well.",
    *(lambda c, right, n=10, top=top: calibration_error(np.minimum(c, top), right, n)
        for top in (0.99, 0.999, 0.9999, 0.99999)))  # fmt: skip
mistake(ECE, "ece-no-bins",
    "You compare each answer with its own confidence, 0 or 1 against 0.7: that can never fit. Compare means, bin by "
    "bin.", lambda c, right, n=10: abs(c - right).mean(), lambda c, right, n=10: ((c - right) ** 2).mean())  # fmt: skip
mistake(ECE, "ece-edges-twice", "An answer on the edge of two bins counts in both of them. It belongs to one.",
        lambda c, right, n=10: sum(here.mean() * abs(c[here].mean() - right[here].mean()) for b in range(n)
                                            if (here := (b / n <= c) & (c <= (b + 1) / n)).any()))  # fmt: skip
mistake(ECE, "ece-unweighted", None, lambda c, right, n=10: abs(gaps(c, right, bins(c, n), n)[0]).sum() / n)  # fmt: skip
mistake(ECE, "ece-signed", None, lambda c, right, n=10: abs(c.mean() - right.mean()),
    lambda c, right, n=10: gaps(c, right, bins(c, n), n)[0].sum() / n)  # fmt: skip
for diagnosis, lost in (("ece-last-edge", [1]), ("ece-zero-lost", [0]), ("ece-both-ends-lost", [0, 1])):
    mistake(ECE, diagnosis, None,
        lambda c, right, n=10, lost=lost: calibration_error(c[kept := ~np.isin(c, lost)], right[kept], n))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Near repeats
# ----------------------------------------------------------------------------------------------------------------------


@step
def words_of(text):
    """The different words of a text."""
    return set(re.findall(r"\w+", text.lower()))


@step
def overlap_of(own, other):
    """Which share of the words in either is in both."""
    return len(own & other) / max(len(own | other), 1)


@step
def enough(share, overlap, own):
    """Whether a share reaches the limit; that of a text without words never does."""
    return bool(own) and share >= overlap


@step
def any_of(found):
    """Whether a text repeats some training text; `found` holds a boolean for each."""
    return any(found)


@reference(
    "08.near_repeats",
    title="Repeats across the split",
    points=2,
    hints=[
        "The words of a text as a set: set(re.findall(r'\\w+', text.lower())).",
        "Overlap of two sets: len(a & b) / len(a | b). A test text is marked if its overlap with any training text reaches the limit.",
        "Texts without words: a | b may be empty. Ask `if a and …` first.",
    ],
    returns="answer",
)
def near_repeats(train, test, overlap=0.8):
    known, asked = [words_of(text) for text in train], [words_of(text) for text in test]
    return np.array([any_of([enough(overlap_of(own, other), overlap, own) for other in known]) for own in asked])


VOCABULARY = (
    "file mail open read line token layer head mask score query value weight batch norm loss step text word model"
).split()


def said(seed, *patterns):
    """Texts made of patterns of letters, each letter a word drawn for it."""
    drawn = generator(seed).permutation(VOCABULARY).tolist()
    return [re.sub(r"\b[a-t]\b", lambda found: drawn[ord(found[0]) - ord("a")], pattern) for pattern in patterns]


def split(seed, train, test, *overlap):
    """Arguments: the training and the test patterns, said with the same words; the latter in any order."""
    texts = said(seed, *train, *generator(seed).permutation(test))
    return texts[: len(train)], texts[len(train) :], *overlap


@cases("08.near_repeats")
def near_repeats_cases():
    yield Case("one equal text, one other", *split(1, ["a b c", "d e f"], ["d e f", "a g h"], 0.8))
    yield Case("an overlap just below 0.8 and one of exactly 0.8",
        *split(2, ["a b c d e"], ["a b c d x y", "a b c d", "e d c b"], 0.8))  # fmt: skip
    yield Case("other limits", *split(3, ["a b c", "d e f g"], ["a b h", "d e", "d e f g h", "a i j"], 0.5))
    yield Case("a limit of 0.9",
        *split(4, ["a b c d e", "f g h i j k l m n o"], ["a b c d", "f g h i j k l m n", "e d c b a"], 0.9))  # fmt: skip
    yield Case("overlap not passed", *split(5, ["a b c d e f"], ["a b c d e", "a b c d", "g h"]))
    yield Case("a short text in a long one", *split(6, ["a b c d e f g h", "i j"], ["a b c", "i j k l m n"], 0.8))
    yield Case("one word of six exchanged", *split(7, ["a b c d e f"], ["a b c d e g", "a b c d e f"], 0.8))
    yield Case("words that come twice", *split(8, ["a b c a d", "e f g h"], ["a b c d", "e e e e f", "e f g h h"], 0.9))
    yield Case("a word that comes again and again", *split(19, ["a b c d"], ["a a a a x", "a b c d d"], 0.8))
    yield Case("the same words in another order", *split(9, ["a b c d e"], ["e c a d b", "e d c b a"], 0.8))
    yield Case("a text much longer than the other", *split(20, ["a b c d e f g h"], ["a b", "a b c d e f g"], 0.45))
    yield Case("words spread over several training texts",
        *split(10, ["a b c", "d e f", "g h i"], ["a b c d e f", "c f i", "g h i"], 0.8))  # fmt: skip
    yield Case("a training text that holds another", *split(18, ["a b c", "a b c d"], ["a b c", "a b c e f"], 0.8))
    yield Case("three training texts", *split(11, ["a b c", "d e f", "g h i"], ["a b c", "d e f", "g h i", "j k l"], 0.8))  # fmt: skip
    plain, other = said(12, "a b c d", "e f g h")
    yield Case("capitals", [plain, other.upper()], [other, plain.title(), "no"], 0.8)
    yield Case("marks", [plain, f"({other})"], [other, plain.replace(" ", ", ") + "!", "no"], 0.8)
    yield Case("an apostrophe and a hyphen",
        *split(13, ["don't a well-b c", "e d f g"], ["don t a well b c", "don a well c", "e-d f'g"], 0.9))  # fmt: skip
    yield Case("an underscore", *split(14, ["x_len b"], ["x len b", "x_len b"], 0.6))
    yield Case("numbers", *split(15, ["a 1", "b 2 3"], ["a 2", "b 2 3", "b 3 2 4"], 0.8))
    yield Case("other scripts", ["отвори файла сега", "größe 4"],
        ["затвори писмото после", "файла отвори сега", "gr e 4"], 0.8)  # fmt: skip
    yield Case("a test text without words", *split(16, ["a b c"], ["...", "", "a b c"], 0.8), edge=True)
    yield Case("texts without words on both sides", *split(17, ["---", "a b"], ["!!!", "a", "b a"], 0.8), edge=True)


NEAR = "08.near_repeats"
words_of.slip("near-case", "`Open` and `open` are the same word.", lambda text: set(re.findall(r"\w+", text)))
words_of.slip("near-marks", "You cut at spaces, so that a comma belongs to its word. Words are found as the task says.",
              lambda text: set(text.lower().split()), lambda text: set(text.lower().split(" ")))  # fmt: skip
words_of.slip("near-case-and-marks", "Capitals and marks make a difference in yours. `Open the file.` and `open the "
    "file` are the same words.", lambda text: set(text.split()), lambda text: set(text.split(" ")))  # fmt: skip
words_of.slip("near-marks", None, lambda text: {word.strip(".,;:!?()-'\"") for word in text.lower().split()} - {""},
              lambda text: set(re.sub(r"[^\w\s]", "", text.lower()).split()))  # fmt: skip
words_of.slip("near-letters-only", "Words with digits or with letters other than a to z are lost or cut to pieces.",
    *(lambda text, found=found: set(re.findall(found, text.lower()))
      for found in (r"[a-z]+", r"[a-z0-9]+", r"(?a:\w+)", r"[a-z']+", r"[^\W\d_]+", r"[a-z_]+")),
    lambda text: {word for word in re.findall(r"\w+", text.lower()) if word.isalpha()})  # fmt: skip
words_of.slip("near-underscore", "You cut words at underscores. What `\\w` finds holds them.",
    lambda text: set(re.findall(r"[^\W_]+", text.lower())))  # fmt: skip
words_of.slip("near-characters", "You compare characters. Compare words.", lambda text: set(text), lambda text: set(text.lower()),
              lambda text: set(re.findall(r"\w", text.lower())))  # fmt: skip
words_of.slip("near-short-words-lost", "Some words of a text are left out before you compare: all of them count.",
              lambda text: {w for w in words_of(text) if len(w) > 1}, lambda text: {w for w in words_of(text) if len(w) > 2})  # fmt: skip
for diagnosis, divisor, below in [
    ("near-own-share", "the words of the test text", lambda own, other: len(own)),
    ("near-train-share", "the words of the training text", lambda own, other: len(other)),
    ("near-dice", "the mean of the two numbers of words (Dice)", lambda own, other: (len(own) + len(other)) / 2),
    ("near-cosine", "the root of the product of the two numbers of words (a cosine)", lambda own, other: np.sqrt(len(own) * len(other))),
    ("near-counts-twice", "the sum of the two numbers of words", lambda own, other: len(own) + len(other)),
    ("near-larger", "the words of the longer of the two", lambda own, other: max(len(own), len(other))),
    ("near-smaller", "the words of the shorter of the two", lambda own, other: min(len(own), len(other))),
    ("near-difference-below", "the words that are in one of the two only", lambda own, other: len(own ^ other) or 1e-9),
]:  # fmt: skip
    overlap_of.slip(diagnosis, f"You divide by {divisor}. Divide by all the different words in either, each once.",
                    lambda own, other, below=below: len(own & other) / (below(own, other) or 1))  # fmt: skip
overlap_of.slip("near-exact-only", "Only texts with exactly the same words are found. Which share of the words is in "
    "both?", lambda own, other: float(own == other))  # fmt: skip
overlap_of.slip("near-count", "You compare the number of shared words with the limit, which is a share.",
    lambda own, other: len(own & other))  # fmt: skip
overlap_of.slip("near-difference", "You take the share of the words that are in one of the two only.",
    lambda own, other: len(own ^ other) / max(len(own | other), 1))  # fmt: skip
enough.slip("near-rounded", "You round the share, the limit or the number of words: what lies a little below the limit counts.",
            lambda share, overlap, own: bool(own) and round(share, 1) >= overlap)  # fmt: skip
enough.slip("near-strictly-more", "An overlap of exactly the limit counts too: at least.",
    lambda share, overlap, own: bool(own) and share > overlap)  # fmt: skip
enough.slip("near-limit-ignored", "Your limit is always the same, whatever `overlap` is.",
            *(lambda share, overlap, own, fixed=fixed: bool(own) and share >= fixed for fixed in (0.8, 0.5, 0.9, 1.0)))  # fmt: skip
enough.slip("near-limit-inverted", "You mark texts whose overlap is below the limit.",
    lambda share, overlap, own: bool(own) and share < overlap, lambda share, overlap, own: share <= overlap,
    lambda share, overlap, own: bool(own) and share <= overlap)  # fmt: skip
enough.slip("near-rest-for-share", "You compare with 1 - overlap, or the share that is in one of the two only with "
    "overlap.", lambda share, overlap, own: bool(own) and share >= 1 - overlap)  # fmt: skip
enough.slip("near-without-words", "A text without a single word is no repeat of anything: mind 0 divided by 0.",
    lambda share, overlap, own: not own or share >= overlap)  # fmt: skip
any_of.slip("near-first-only", "You compare with one training text only, the first or the last. Any of them counts. Is "
    "there a return or an `=` inside of a loop?", lambda found: found[0], lambda found: found[-1])  # fmt: skip
any_of.slip("near-all", "You mark a text if it repeats all the training texts. Any of them counts.", all)
any_of.slip("near-more-than-one", "One training text that is repeated is enough. You ask for more than one, or for an odd number.",
            lambda found: sum(found) > 1, lambda found: sum(found) % 2 == 1 if len(found) > 1 else False)  # fmt: skip


def comparing(similar, form=words_of):
    """A whole answer from a function (own words, training text's words, limit) -> whether it is a repeat."""

    def wrong(train, test, overlap=0.8):
        return np.array([any(similar(form(one), form(other), overlap) for other in train) for one in test])

    return wrong


for slip in words_of.slips:
    mistake(NEAR, slip.diagnosis, None, everywhere(near_repeats, words_of, slip))
mistake(NEAR, "near-rounded", None,
    comparing(lambda one, other, overlap: bool(one) and len(one & other) >= int(overlap * len(one | other))))  # fmt: skip
mistake(NEAR, "near-average",
    "You average the overlaps with all the training texts, or add them up. One that reaches the limit is enough.",
    *(lambda train, test, overlap=0.8, reduce=reduce:
        np.array([reduce([overlap_of(words_of(one), words_of(other)) for other in train]) >= overlap for one in test])
        for reduce in (np.mean, np.sum, np.median)))  # fmt: skip
mistake(NEAR, "near-none", "You mark no text at all, whatever it says.",
    lambda train, test, overlap=0.8: np.zeros(len(test), dtype=bool))  # fmt: skip
mistake(NEAR, "near-every-text", "You mark every text, whatever it says.",
    lambda train, test, overlap=0.8: np.ones(len(test), dtype=bool))  # fmt: skip
mistake(NEAR, "near-test-with-test", "You compare the test texts with each other. Compare them with the training "
    "texts.", lambda train, test, overlap=0.8: near_repeats(test, test, overlap),
    lambda train, test, overlap=0.8: near_repeats([*train, *test], test, overlap))  # fmt: skip
tokens = lambda text: re.findall(r"\w+", text.lower())  # noqa: E731
mistake(NEAR, "near-inverted", "True and False are exchanged: True marks a near repeat.",
    lambda *inputs: ~near_repeats(*inputs))  # fmt: skip
mistake(NEAR, "near-not-boolean", "You return overlaps. Is it a near repeat or not: booleans.",
    lambda train, test, overlap=0.8:
        np.array([max(overlap_of(words_of(one), words_of(other)) for other in train) for one in test]))  # fmt: skip
mistake(NEAR, "near-train-for-test", "You return an answer for each training text. Asked for is one for each test text.",
        lambda train, test, overlap=0.8: near_repeats(test, train, overlap))  # fmt: skip
mistake(NEAR, "near-every-pair", "You return an answer for each pair of texts. Asked for is one for each test text.",
    lambda train, test, overlap=0.8:
        np.array([[enough(overlap_of(words_of(a), words_of(b)), overlap, words_of(a)) for b in train] for a in test]))  # fmt: skip
mistake(NEAR, "near-row-numbers", "You return row numbers, or the texts' number. Asked for is a boolean for each test text.",
        lambda *inputs: np.flatnonzero(near_repeats(*inputs)), lambda *inputs: near_repeats(*inputs).sum())  # fmt: skip
mistake(NEAR, "near-exact-only", None, lambda train, test, overlap=0.8: np.array([one in train for one in test]),
        comparing(lambda one, other, overlap: bool(one) and one == other, lambda text: text.lower()),
        comparing(lambda one, other, overlap: bool(one) and one == other, lambda text: text))  # fmt: skip
mistake(NEAR, "near-all-train-together", "You compare with the words of all training texts at once. Each text is "
    "compared by itself.", lambda train, test, overlap=0.8: near_repeats([" ".join(train)], test, overlap),
    lambda train, test, overlap=0.8: np.array([bool(own) and len(own & words_of(" ".join(train))) >= overlap * len(own)
        for own in map(words_of, test)]))  # fmt: skip
mistake(NEAR, "near-pairs-in-order",
    "You compare each test text with the training text at the same place alone. Any of them counts.",
    lambda train, test, overlap=0.8:
        np.array([near_repeats([other], [one], overlap)[0] for one, other in zip(test, train, strict=False)]))  # fmt: skip
mistake(NEAR, "near-repetitions",
    "A word that comes twice in a text counts twice. The *different* words are asked for.",
    comparing(lambda one, other, overlap: bool(one)
        and sum((Counter(one) & Counter(other)).values()) >= overlap * sum((Counter(one) | Counter(other)).values()),
        tokens),
    comparing(lambda one, other, overlap: bool(one) and sum(word in other
        for word in one) >= overlap * len(set(one) | set(other)), tokens),
    comparing(lambda one, other, overlap: bool(one) and sum(word in other for word in one) >= overlap * len(one),
        tokens))  # fmt: skip
mistake(NEAR, "near-order", "The order of words makes a difference in yours. Compare which words there are.",
    comparing(lambda one, other, overlap: bool(one) and overlap_of(one, other) >= overlap, lambda text:
        set(itertools.pairwise(tokens(text)))),
    comparing(lambda one, other, overlap: bool(one) and sum(a == b for a,
        b in zip(one, other, strict=False)) >= overlap * max(len(one), len(other)), tokens),
    comparing(lambda one, other, overlap: bool(one) and sum(a == b for a,
        b in zip(one, other, strict=False)) >= overlap * len(set(one) | set(other)), tokens),
    *(comparing(lambda one, other, overlap: bool(one) and difflib.SequenceMatcher(None, one, other).ratio() >= overlap,
        form) for form in (tokens, str.lower, str)))  # fmt: skip
mistake(NEAR, "near-cosine", None,
    comparing(lambda one, other, overlap: bool(one) and sum(one[word] * other[word]
        for word in one) >= overlap * math.sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values())),
        lambda text: Counter(tokens(text))))  # fmt: skip
mistake(NEAR, "near-substring", "You look for one text inside of another. Compare sets of words.",
    comparing(lambda one, other, overlap: bool(one) and one in other, str.lower),
    comparing(lambda one, other, overlap: one in other, str.lower),
    comparing(lambda one, other, overlap: bool(other) and other in one, str.lower),
    comparing(lambda one, other, overlap: bool(one) and one <= other),
    comparing(lambda one, other, overlap: one <= other))  # fmt: skip
mistake(NEAR, "near-without-words", None,
    comparing(lambda one, other, overlap: len(one & other) >= overlap * len(one | other)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Wrong labels
# ----------------------------------------------------------------------------------------------------------------------


@step
def chance(table, labels):
    """The probability of each text's own label: the less, the more suspicious."""
    return table[np.arange(len(labels)), labels]


@step
def ranked(values):
    """Row numbers, the smallest value first."""
    return values.argsort()


@step
def first(rows, count):
    """The first rows."""
    return rows[:count]


@reference(
    "08.suspects",
    title="Find the wrong labels",
    points=1,
    hints=[
        "What chance does the model give to the label that each text carries? probabilities[np.arange(len(labels)), labels].",
        "np.argsort gives row numbers, the smallest value first.",
        "Cut off after count: `own.argsort()[:count]`, with own as in the first hint.",
    ],
    returns="rows, most suspicious first",
)
def suspects(probabilities, labels, count):
    return first(ranked(chance(probabilities, labels)), count)


@cases("08.suspects")
def suspects_cases():
    def asked(seed, texts, classes):
        labels = np.arange(texts) % classes
        return probabilities(1.5 * draw(seed, texts, classes)), generator(seed).permutation(labels)

    table = generator(1).permutation([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.45, 0.15, 0.4], [0.5, 0.25, 0.25]])
    yield Case("four texts of three classes", table, np.array([0, 1, 2, 0]), 2)
    yield Case("as many texts as classes", *asked(2, 5, 5), 2)
    rows = generator(9).permutation(4)
    agreed = np.array([[0.36, 0.34, 0.3], [0.48, 0.52, 0.0], [0.1, 0.8, 0.1], [0.05, 0.05, 0.9]])
    yield Case(
        "a label of little chance that is the model's answer, too", agreed[rows], np.array([0, 0, 1, 2])[rows], 1
    )
    yield Case("thirty texts, six rows", *asked(3, 30, 5), 6)
    yield Case("thirty texts, eleven rows", *asked(4, 30, 4), 11)
    yield Case("one row", *asked(5, 9, 3), 1)
    yield Case("600 texts, half of them", *asked(8, 600, 4), 300)  # np.argpartition sorts short parts by the way
    yield Case("as many rows as texts", *asked(6, 7, 3), 7, edge=True)
    sure, labels = asked(7, 6, 3)
    sure[2] = np.eye(3)[(labels[2] + 1) % 3]
    yield Case("a label of probability 0", sure, labels, 3, edge=True)


SUSPECTS = "08.suspects"
chance.slip("suspects-unsure", "You take the rows where the model is least sure of its own answer. A wrong label is one "
    "that the model gives little chance, however sure it is of another.", lambda p, labels: p.max(axis=1),
    lambda p, labels: -p.std(axis=1) * -1, lambda p, labels: np.diff(np.sort(p, axis=1)[:, -2:], axis=1)[:, 0],
    lambda p, labels: (p * np.log(np.maximum(p, 1e-300))).sum(axis=1))  # fmt: skip
chance.slip("suspects-sure-of-another", "You rank by how sure the model is of its answer. What counts is the chance it "
    "gives to the label that the text carries.", lambda p, labels: -p.max(axis=1))  # fmt: skip
chance.slip("suspects-margin",
    "You compare the label's chance with that of another class, or of the likeliest. Its own chance alone counts.",
    lambda p, labels: chance(p, labels) - p.max(axis=1), lambda p, labels: chance(p, labels) / p.max(axis=1),
    lambda p, labels: chance(p, labels) - np.where(np.eye(p.shape[1])[labels] == 1, -1, p).max(axis=1))  # fmt: skip
chance.slip("suspects-neighbour", "You look at the class beside the label: they are counted from 0.",
            *(lambda p, labels, by=by: p[np.arange(len(labels)), (labels + by) % p.shape[1]] for by in (-1, 1)))  # fmt: skip
chance.slip("suspects-label-ignored",
    "The labels have no part in your ranking of the rows, but some class does. Which column belongs to a row?",
    lambda p, labels: p[:, 0], lambda p, labels: p[:, 1], lambda p, labels: p[:, -1], lambda p, labels: p.min(axis=1))  # fmt: skip
chance.slip("suspects-by-label", "You rank by the numbers of the labels or of the answers.", lambda p, labels: labels,
    lambda p, labels: p.argmax(axis=1))  # fmt: skip
chance.slip("suspects-disagreement", "You look at whether the model's answer is the label. Rank by how likely it finds "
    "the label, whatever its answer.", lambda p, labels: (p.argmax(axis=1) == labels).astype(int))  # fmt: skip
chance.slip("suspects-rows-and-classes", "Your index takes texts by the labels and classes by the number of the text. "
    "Which axis comes first?", lambda p, labels: p[labels, np.arange(len(labels))])  # fmt: skip
ranked.slip("suspects-least-suspicious", "These are the rows whose label the model believes most. The least likely label comes first.",
            lambda values: (-values).argsort(), lambda values: values.argsort()[::-1])  # fmt: skip
ranked.slip("suspects-ranks", "These are ranks: which place a row has. Asked for are the rows in their order.",
    lambda values: values.argsort().argsort())  # fmt: skip
ranked.slip("suspects-chances", "You return probabilities. Asked for are row numbers.", np.sort, lambda values: values)
ranked.slip("suspects-not-ranked", "Your rows come in the order in which they stand: nothing is ranked.",
    lambda values: np.arange(len(values)),
    *(lambda values, limit=limit: np.flatnonzero(values < limit) for limit in (0.5, 0.3, 0.1)))  # fmt: skip
mistake(SUSPECTS, "suspects-pairs", "You return pairs of a probability and a row. Asked for are the row numbers alone.",
        lambda p, labels, k: sorted(zip(chance(p, labels), range(len(labels)), strict=True))[:k],
        lambda p, labels, k: sorted(zip(chance(p, labels).tolist(), range(len(labels)), strict=True))[:k])  # fmt: skip
first.slip("suspects-least-suspicious", None, lambda rows, count: rows[-count:], lambda rows, count: rows[-count:][::-1])  # fmt: skip
first.slip("suspects-order", "The right rows, in another order: the most suspicious first.", lambda rows, count: np.sort(rows[:count]),
           lambda rows, count: rows[:count][::-1], lambda rows, count: np.sort(rows[:count])[::-1])  # fmt: skip
mistake(SUSPECTS, "suspects-order", None, lambda p, labels, k: np.argpartition(chance(p, labels), k - 1)[:k])  # fmt: skip
mistake(SUSPECTS, "suspects-all-numbers", "You rank all the numbers of the table at once, and return places in it. "
    "There is one number a text.", lambda p, labels, k: p.argsort(axis=None)[:k])  # fmt: skip
first.slip("suspects-all-rows", "You return every row. Only the first `count` are asked for.", lambda rows, count: rows)
first.slip("suspects-count-off-by-one", "You return one row too many or too few, or leave out the first.",
    lambda rows, count: rows[: count + 1], lambda rows, count: rows[: count - 1],
    lambda rows, count: rows[1 : count + 1], lambda rows, count: rows[1:count])  # fmt: skip
first.slip("suspects-count-ignored", "How many rows you return does not depend on `count`.", 
           *(lambda rows, count, fixed=fixed: rows[:fixed] for fixed in (1, 2, 3, 5, 10, 50)))  # fmt: skip
first.slip("suspects-rows-from-1", "Your rows are counted from 1. The first is row 0.", lambda rows, count: rows[:count] + 1)  # fmt: skip
mistake(SUSPECTS, "suspects-mask", "You return a boolean for each row. Asked for are row numbers, `count` of them.",
        lambda p, labels, k: np.isin(np.arange(len(labels)), suspects(p, labels, k)))  # fmt: skip
mistake(SUSPECTS, "suspects-one-row", "You return one row number. Asked for are `count` of them, in an array.",
    lambda p, labels, k: suspects(p, labels, k)[0])  # fmt: skip
mistake(SUSPECTS, "suspects-labels", "You return labels or classes. Asked for are row numbers.",
    lambda p, labels, k: labels[suspects(p, labels, k)], lambda p, labels, k: p.argmax(axis=1)[suspects(p, labels, k)])  # fmt: skip
disagree = lambda p, labels: np.flatnonzero(p.argmax(axis=1) != labels)  # noqa: E731
mistake(SUSPECTS, "suspects-disagreement", None, lambda p, labels, k: disagree(p, labels)[:k],
        lambda p, labels, k: disagree(p, labels), lambda p, labels, k: (r := disagree(p, labels))[chance(p, labels)[r].argsort()][:k],
        lambda p, labels, k: (rows := disagree(p, labels))[(-p.max(axis=1))[rows].argsort()][:k])  # fmt: skip
mistake(SUSPECTS, "suspects-all-pairs",
    "You look at the chance of every label in every text: table[:, labels]. Each text goes with its own.",
    lambda p, labels, k: p[:, labels].argsort()[:k], lambda p, labels, k: p[:, labels].mean(axis=1).argsort()[:k])  # fmt: skip
mistake(SUSPECTS, "suspects-picks-rows", "An index of labels alone picks whole rows: it takes texts, not classes.",
        lambda p, labels, k: p[labels].max(axis=1).argsort()[:k])  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# A guard
# ----------------------------------------------------------------------------------------------------------------------

MIXED = [
    "Том работи в Google от три години.",
    "Купих си нов iPhone вчера.",
    "Windows не иска да тръгне на този компютър.",
]
NAMES = [
    "Antonín Dvořák was the first to say so.",
    "I met Zoë and Gödel in São Paulo.",
    "Tom said: „Здравей“, and then he went home to his family.",
]
EMPTY = ["", "   ", "...", "12:30", "?!"]


@judged(
    "08.may_answer",
    title="Open: a guard for the pipeline",
    points=3,
    hints=[
        "What differs in the input? The script, the number of tokens to a word, known words: any of these will do.",
        "A share is more robust than a yes or no: of all the letters, how many are a to z?",
        "letters = [c for c in text.lower() if c.isalpha()]; the share of those with 'a' <= c <= 'z'; more than half, and at "
        "least one letter.",
    ],
)
def may_answer(candidate):
    rng, pairs = generator(8), everyday.sentences().test
    english, bulgarian = zip(*[pairs[i] for i in rng.choice(len(pairs), 200, replace=False)], strict=True)
    texts = [*english, *bulgarian, *EMPTY, *MIXED, *NAMES]
    order = rng.permutation(len(texts))  # so that a text's place tells nothing
    answered = call(candidate, [texts[i] for i in order])
    require(answered.shape == (len(texts),), "guard-shape", "One answer for each text was expected, shape ({wanted},); "
        "yours has shape {came}.", wanted=len(texts), came=answered.shape)  # fmt: skip
    require(answered.dtype.kind == "b", "guard-not-boolean", "You return numbers. May it answer or not: booleans.")
    got = np.empty_like(answered)
    got[order] = answered
    parts = np.split(got, np.cumsum([200, 200, len(EMPTY), len(MIXED)]))
    of_english, of_bulgarian, of_empty, of_mixed, of_names = parts
    alone = [call(candidate, [text]) for text in (english[0], bulgarian[0])]
    require(all(one.shape == (1,) for one in alone), "guard-shape-of-one",
        "For a list of one text, one answer was expected, shape (1,).")  # fmt: skip
    require(alone[0][0] == of_english[0] and alone[1][0] == of_bulgarian[0], "guard-depends-on-others",
            "Your guard answers otherwise when a text comes alone: what it says depends on the others in the list.")  # fmt: skip
    require(not got.all(), "guard-answers-all", "Your guard lets everything through.")
    require(got.any(), "guard-refuses-all", "Your guard refuses everything. Then no pipeline is needed.")
    require(of_english.mean() > 0.1 or of_bulgarian.mean() < 0.9, "guard-inverted",
        "True and False are exchanged: True means that the pipeline may answer.")  # fmt: skip

    def wrong(sentences, answers, right):
        return f"“{next((text for text, one in zip(sentences, answers, strict=True) if one != right), '')}”"

    require(of_bulgarian.mean() <= 0.02, "guard-lets-bulgarian",
        "Your guard lets {share:.0%} of Bulgarian sentences through, such as {text}; at most 2% are tolerable.",
        share=of_bulgarian.mean(), text=wrong(bulgarian, of_bulgarian, False))  # fmt: skip
    require(of_english.mean() >= 0.95, "guard-refuses-english",
        "Your guard refuses {share:.0%} of ordinary English sentences, such as {text}; at most 5% are tolerable.",
        share=1 - of_english.mean(), text=wrong(english, of_english, True))  # fmt: skip
    require(not of_empty.any(), "guard-lets-empty", "Your guard lets {text} through, a text without any letter. What "
        "should a pipeline say to it?", text=wrong(EMPTY, of_empty, False))  # fmt: skip
    require(not of_mixed.any(), "guard-lets-mixed", "A Bulgarian sentence with one English name in it goes through: "
        "{text}. Judge the whole, not the first letter or any single word.", text=wrong(MIXED, of_mixed, False))  # fmt: skip
    require(of_names.all(), "guard-refuses-names", "Some foreign letters are enough for your guard to refuse {text}. "
        "That is English.", text=wrong(NAMES, of_names, True))  # fmt: skip


latin = lambda text: sum("a" <= c <= "z" for c in text.lower())  # noqa: E731
letters = lambda text: sum(map(str.isalpha, text))  # noqa: E731


def each(decide, kind=bool):
    """A wrong answer of this exercise: decides text by text."""
    return lambda texts: np.array([decide(text) for text in texts], dtype=kind)


GUARD = "08.may_answer"
for diagnosis, *wrong in [
    ("guard-answers-all", each(lambda text: True)),
    ("guard-refuses-all", each(lambda text: False)),
    ("guard-shape", lambda texts: all(latin(text) > 0 for text in texts), lambda texts: np.array([t for t in texts if latin(t)]) == "",
     lambda texts: each(latin)(texts)[:, None]),
    ("guard-not-boolean", each(lambda text: latin(text) / max(letters(text), 1), float), each(lambda text: latin(text) > 0, int)),
    ("guard-inverted", each(lambda text: latin(text) <= letters(text) / 2)),
    ("guard-refuses-names", each(lambda text: text.isascii() and letters(text) > 0), each(lambda text: 0 < letters(text) == latin(text))),
    ("guard-lets-empty", each(lambda text: 2 * latin(text) >= letters(text)),
     each(lambda text: not re.search("[а-я]", text.lower()) or latin(text) > 25)),
    ("guard-lets-mixed", each(lambda text: latin(text) > 0)),
    ("guard-refuses-english", each(lambda text: " the " in text),
     each(lambda text: text[:1] in "TIWH" and latin(text) > letters(text) / 2)),
    ("guard-lets-bulgarian", each(lambda text: len(text) > 20), each(lambda text: letters(text) > 0),
     each(lambda text: text[:1].isupper())),
    ("guard-shape-of-one",
     lambda texts: each(lambda t: latin(t) > letters(t) / 2)(texts) if len(texts) > 1 else bool(latin(texts[0]))),
    ("guard-depends-on-others", lambda texts: np.full(len(texts), latin(" ".join(texts)) > letters(" ".join(texts)) / 2),
     lambda texts: (share := each(lambda t: latin(t) / max(letters(t), 1), float)(texts)) > share.mean()),
]:  # fmt: skip
    mistake(GUARD, diagnosis, None, *wrong)

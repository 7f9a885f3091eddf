"""Word vectors (word2vec), which place words by meaning: words that keep the same company come to lie close together.

    text -> split_sentences -> words -> WordVectors -> a vector each   "lowercase" lies near "uppercase"

Sources: Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", arXiv 1301.3781, and
"Distributed Representations of Words and Phrases and their Compositionality", arXiv 1310.4546.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, Int

from course_lib.checking import Array, Bounds, Count, check_shape, checked, entries, read_numbers, strings
from course_lib.word_examples import (
    cbow_examples,
    in_vocabulary,
    keep_probabilities,
    noise_probabilities,
    skip_gram_examples,
)

__all__ = [
    "WordVectors",
    "cbow_examples",
    "keep_probabilities",
    "negative_sampling",
    "negative_sampling_by_loops",
    "noise_probabilities",
    "skip_gram_examples",
    "split_sentences",
]

Positive = Annotated[float, Bounds(above=0)]

TEXTS = {
    "few words": (
        "sentences holds no two neighbouring words that each come at least {min_count} times (min_count); "
        "pass more text, or a smaller min_count"
    ),
    "too thin": "subsample is {value}, which leaves no two neighbouring words; pass a larger one, or None to keep all",
    "no input": "inputs holds only -1 in row {row}; expected at least one word",
    "unknown word": "{word!r} is none of the {size} words with a vector{close}",
    "close": "; close to it: {words}",
    "word twice": "words holds {word!r} twice; expected different words",
    "sentences": "lists of words, as from split_sentences(text)",
}


@checked
def split_sentences(text: str) -> list[list[str]]:
    """Cut a text into sentences of lower-case words; a word is a row of letters and underscores.

    Args:
        text: any string. Sentences end at . ! ? before white space, at :: and at empty lines.

    Returns:
        sentences, none of them empty.
    """
    sentences = re.split(r"[.!?](?=\s)|::|\n\s*\n", text.lower())
    return [words for sentence in sentences if (words := re.findall(r"[^\W\d]+", sentence))]


@checked
def negative_sampling(
    inputs: Int[Array, "examples width"],
    choices: Int[Array, "examples choices"],
    W_in: Float[Array, "words d_model"],
    W_out: Float[Array, "words d_model"],
) -> tuple[Float[Array, ""], Float[Array, "words d_model"], Float[Array, "words d_model"]]:
    """Give the loss of telling each true word from noise, and its gradients.

    Each word has two vectors, a row of W_in where it is given and a row of W_out where it is chosen. An example is
    summed up by the mean h of its inputs' vectors. The loss asks h · u to be large for the true word's vector u, and
    small for the noise words': -log σ(h · u_true) - Σ log σ(-h · u_noise), the mean over all examples. So no softmax
    over the whole vocabulary is needed.

    Args:
        inputs: ids of the words given, -1 where there is none: width 1 for skip-gram.
        choices: ids, the true word first, then noise. Noise that is the true word is not counted.
        W_in, W_out: the vectors.

    Returns:
        loss, W_in_gradient, W_out_gradient.

    Raises:
        ValueError: there is no such id, or an example has no input.

    Source: Mikolov 2013b (arXiv 1310.4546), §2.2, eq. 4.
    """
    inputs, choices = _examples(inputs, choices, len(W_in))
    given = inputs >= 0  # (examples, width)
    share = given / given.sum(axis=1, keepdims=True)  # what each input adds to the mean
    hidden = np.einsum("ew,ewd->ed", share, W_in[inputs])  # (examples, d_model)
    chosen = W_out[choices]  # (examples, choices, d_model)
    scores = np.einsum("ed,ecd->ec", hidden, chosen)  # (examples, choices)

    is_true = np.arange(choices.shape[1]) == 0
    counted = is_true | (choices != choices[:, :1])
    losses = np.logaddexp(0, np.where(is_true, -scores, scores))  # -log σ(s) = log(1 + e^-s)
    errors = np.where(counted, _sigmoid(scores) - is_true, 0) / len(inputs)  # (examples, choices)

    W_in_gradient, W_out_gradient = np.zeros_like(W_in), np.zeros_like(W_out)
    from_scores = np.einsum("ec,ecd->ed", errors, chosen)  # (examples, d_model)
    np.add.at(W_in_gradient, inputs[given], (share[:, :, None] * from_scores[:, None, :])[given])
    np.add.at(W_out_gradient, choices, errors[:, :, None] * hidden[:, None, :])
    return losses[counted].sum() / len(inputs), W_in_gradient, W_out_gradient


def _sigmoid(x):
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # 1 / (1 + e^-x), without overflow


def _examples(inputs, choices, num_words):
    inputs = in_vocabulary("inputs", inputs, lowest=-1, num_words=num_words)
    choices = in_vocabulary("choices", choices, num_words=num_words)
    without = (inputs < 0).all(axis=1)
    if without.any():
        raise ValueError(TEXTS["no input"].format(row=int(without.argmax())))
    return inputs, choices


@checked
def negative_sampling_by_loops(
    inputs: Int[Array, "examples width"],
    choices: Int[Array, "examples choices"],
    W_in: Float[Array, "words d_model"],
    W_out: Float[Array, "words d_model"],
) -> tuple[Float[Array, ""], Float[Array, "words d_model"], Float[Array, "words d_model"]]:
    """`negative_sampling` as loops over the examples and their choices."""
    inputs, choices = _examples(inputs, choices, len(W_in))
    loss, W_in_gradient, W_out_gradient = np.zeros(()), np.zeros_like(W_in), np.zeros_like(W_out)
    for example in range(len(inputs)):
        given = [word for word in inputs[example] if word >= 0]
        hidden = sum(W_in[word] for word in given) / len(given)
        true, *noise = choices[example]
        for word in [true, *(word for word in noise if word != true)]:
            is_true, score = word == true, hidden @ W_out[word]
            loss += np.logaddexp(0, -score if is_true else score) / len(inputs)
            error = (_sigmoid(score) - is_true) / len(inputs)
            W_out_gradient[word] += error * hidden
            for neighbour in given:
                W_in_gradient[neighbour] += error * W_out[word] / len(given)
    return loss, W_in_gradient, W_out_gradient


class WordVectors:
    """One vector a word, such that words of like company lie in like directions (word2vec).

    Attributes:
        words: list of words, most frequent first.
        ids: dict from the words to their rows.
        vectors: (words, d_model).
        losses: mean loss of each epoch of training.

    Example:
        >>> sentences = [["red", "apple"], ["green", "apple"], ["red", "pear"], ["green", "pear"]] * 50
        >>> vectors = WordVectors.train(sentences, d_model=8, subsample=None)
        >>> vectors.nearest("apple", 1)[0][0]
        'pear'

    Source: Mikolov 2013a (arXiv 1301.3781) and 2013b (arXiv 1310.4546).
    """

    def __init__(
        self, words: Iterable[str], vectors: Float[Array, "words d_model"], losses: Iterable[float] = ()
    ) -> None:
        """Keep words and their vectors; `train` learns them.

        Args:
            words: the words, all different.
            vectors: one row for each, of any float dtype.
            losses: mean loss of each epoch.

        Raises:
            ValueError: there is not one vector of finite numbers for each word, or a word comes twice.
        """
        self.words, self.vectors, self.losses = list(words), read_numbers("vectors", vectors), list(losses)
        check_shape("vectors", self.vectors.shape, "words d_model", {"words": len(self.words)})
        self.ids = {word: row for row, word in enumerate(self.words)}
        if len(self.ids) < len(self.words):
            twice, _ = Counter(self.words).most_common(1)[0]
            raise ValueError(TEXTS["word twice"].format(word=twice))

    @classmethod
    @checked
    def train(
        cls,
        sentences: Iterable[Iterable[str]],
        *,
        objective: Literal["skip-gram", "cbow"] = "skip-gram",
        d_model: Count = 64,
        window: Count = 5,
        negatives: Count = 5,
        epochs: Count = 5,
        learning_rate: Positive = 0.1,
        subsample: Positive | None = 1e-3,
        min_count: Count = 5,
        batch_size: Count = 256,
        seed: Annotated[int, Bounds(least=0)] = 0,
    ) -> "WordVectors":
        """Learn vectors from sentences, by skip-gram or CBOW with negative sampling.

        Steps follow Adagrad, each number's gradient divided by the size of all its gradients so far: a small text has
        words that come five times and words that come thousands of times, which one rate for all does not suit.

        Args:
            sentences: iterable of lists of words, such as `split_sentences(text)`. Drop repeated ones before.
            objective: "skip-gram" predicts each neighbour from a word, "cbow" a word from all its neighbours.
            d_model: how many features.
            window: how far apart neighbours may be.
            negatives: how many noise words for each true one.
            epochs: how many passes over the text.
            learning_rate: the size of Adagrad's first step.
            subsample: threshold of `keep_probabilities`; None keeps all words, as a text of few different words needs.
            min_count: words that come less often are left out.
            batch_size: how many examples a step.
            seed: the same seed gives the same vectors on the same machine.

        Returns:
            the words' vectors.

        Raises:
            ValueError: sentences holds too few words.
            TypeError: it holds no lists of words.

        Source: Mikolov 2013a and 2013b; the steps: Duchi et al. 2011, "Adaptive Subgradient Methods".
        """
        examples_of = skip_gram_examples if objective == "skip-gram" else cbow_examples
        words, counts, rows = _vocabulary(sentences, min_count)
        keep, noise = keep_probabilities(counts, 1.0 if subsample is None else subsample), noise_probabilities(counts)
        rng = np.random.default_rng(seed)

        W_in = rng.uniform(-0.5, 0.5, size=(len(words), d_model)) / d_model
        W_out = np.zeros_like(W_in)
        squares = [np.full_like(W_in, 1e-12), np.full_like(W_out, 1e-12)]  # above 0: a word may have no gradient yet
        losses = []
        for _ in range(epochs):
            thinned = [ids[rng.random(len(ids)) < keep[ids]] for ids in rows]
            examples = [examples_of(ids, window, rng) for ids in thinned if len(ids) > 1]
            if not examples:
                raise ValueError(TEXTS["too thin"].format(value=subsample))
            inputs, targets = (np.concatenate(parts) for parts in zip(*examples, strict=True))
            total = 0.0
            order = rng.permutation(len(targets))
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                drawn = rng.choice(len(words), size=(len(batch), negatives), p=noise)
                choices = np.column_stack([targets[batch], drawn])  # (examples, 1 + negatives)
                loss, *gradients = negative_sampling(inputs[batch], choices, W_in, W_out)
                for W, square, gradient in zip((W_in, W_out), squares, gradients, strict=True):
                    square += gradient**2
                    W -= learning_rate * gradient / np.sqrt(square)
                total += loss * len(batch)
            losses.append(float(total / len(order)))
        return cls(words, W_in, losses)

    def _row(self, word):
        if isinstance(word, str) and word in self.ids:
            return self.ids[word]
        close = difflib.get_close_matches(str(word), self.words, n=3)
        hint = TEXTS["close"].format(words=", ".join(close)) if close else ""
        raise ValueError(TEXTS["unknown word"].format(word=word, size=len(self.words), close=hint))

    def __contains__(self, word: object) -> bool:
        return word in self.ids

    def __getitem__(self, words: str | Iterable[str]) -> Float[Array, "*words d_model"]:
        """Give the vector of a word, or one row for each of a list of words."""
        several = isinstance(words, Iterable) and not isinstance(words, str)
        return self.vectors[[self._row(word) for word in words] if several else self._row(words)]

    def similarity(self, word: str, other: str) -> float:
        """Give the cosine between the vectors of two words, in [-1, 1].

        Args:
            word: a word with a vector.
            other: another one.

        Raises:
            ValueError: a word has no vector.
        """
        return float(self._similarities(word)[self._row(other)])

    @checked
    def nearest(self, word: str, count: Count = 10) -> list[tuple[str, float]]:
        """List the words whose vectors point most nearly where a word's does.

        Args:
            word: a word with a vector.
            count: how many; fewer if there are no more.

        Returns:
            (word, cosine), nearest first, without the word itself.

        Raises:
            ValueError: the word has no vector.
        """
        row, similarities = self._row(word), self._similarities(word)
        nearest = [other for other in np.argsort(-similarities, kind="stable") if other != row]
        return [(self.words[other], float(similarities[other])) for other in nearest[:count]]

    def _similarities(self, word):
        """The cosines of a word with all words: (words,)."""
        vectors = self.vectors.astype(np.float64, copy=False)  # float16 overflows at a length of 256
        lengths = np.linalg.norm(vectors, axis=1)
        lengths = np.where(lengths == 0, 1, lengths)  # a vector of length 0 points nowhere: cosines of 0
        row = self._row(word)
        return vectors @ vectors[row] / (lengths * lengths[row])


def _vocabulary(sentences, min_count):
    """The words that come often enough, most frequent first, their counts, and the sentences as ids of these words."""
    rows, counts = [], Counter()
    for index, sentence in enumerate(entries("sentences", sentences, TEXTS["sentences"])):
        rows.append(strings(f"sentences[{index}]", sentence))
        counts.update(rows[-1])
    words = sorted((word for word, count in counts.items() if count >= min_count), key=lambda word: -counts[word])
    ids = {word: row for row, word in enumerate(words)}
    rows = [np.array([ids[word] for word in row if word in ids], dtype=np.int64) for row in rows]
    if not any(len(row) > 1 for row in rows):
        raise ValueError(TEXTS["few words"].format(min_count=min_count))
    return words, np.array([counts[word] for word in words]), rows

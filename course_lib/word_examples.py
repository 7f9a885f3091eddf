"""What word vectors learn from: pairs of neighbours, which words are kept, and how often others are drawn as noise.

Source: Mikolov et al. 2013, "Distributed Representations of Words and Phrases and their Compositionality", arXiv 1310.4546.
"""

from typing import Annotated, Any

import numpy as np
from jaxtyping import Int, Real

from course_lib.checking import Array, Bounds, Count, checked

Positive = Annotated[float, Bounds(above=0)]

TEXTS = {
    "word id": "{name} holds {value}; expected ids from {lowest} to {highest}",
    "counts": "counts holds {value}; expected numbers above 0",
}


@checked
def keep_probabilities(counts: Real[Array, " words"], threshold: Positive = 1e-3) -> Real[Array, " words"]:
    """Say how often to keep each word when frequent words are thinned out: √(threshold / frequency), at most 1.

    "the" is everywhere and tells little about its neighbours; without most of its places, others come closer together.

    Args:
        counts: how often each word comes.
        threshold: words of a lower share of the text are always kept. The paper's 1e-5 is for a billion words.

    Returns:
        probabilities, in (0, 1].

    Raises:
        ValueError: a word never comes.

    Source: Mikolov 2013b (arXiv 1310.4546), §2.3, eq. 5.
    """
    _check_counts(counts)
    return np.minimum(1, np.sqrt(threshold * counts.sum() / counts))


@checked
def noise_probabilities(counts: Real[Array, " words"], power: Positive = 0.75) -> Real[Array, " words"]:
    """Say how often to draw each word as noise: in proportion to count^0.75, so that rare words come up more often.

    Args:
        counts: how often each word comes.
        power: 1 draws words as often as they come, values towards 0 draw all alike.

    Returns:
        probabilities, which sum to 1.

    Raises:
        ValueError: a word never comes.

    Source: Mikolov 2013b (arXiv 1310.4546), §2.2.
    """
    _check_counts(counts)
    shares = (counts / counts.max()) ** power
    return shares / shares.sum()


def _check_counts(counts):
    if (counts <= 0).any():
        raise ValueError(TEXTS["counts"].format(value=counts.min()))


@checked
def skip_gram_examples(
    word_ids: Int[Array, " seq_len"], window: Count, rng: np.random.Generator
) -> tuple[Int[Array, "examples 1"], Int[Array, " examples"]]:
    """List the examples of a sentence for skip-gram: each word has to predict each of its neighbours.

    Each word looks up to a distance of its own, drawn between 1 and window: near neighbours are chosen more often.

    Args:
        word_ids: those of one sentence.
        window: the largest distance.
        rng: NumPy random generator.

    Returns:
        inputs: the word in the middle.
        targets: the neighbour to predict.

    Source: Mikolov 2013a (arXiv 1301.3781), §3.2.
    """
    neighbours = _neighbours(word_ids, window, rng)  # (seq_len, 2 * window)
    middle, _ = np.nonzero(neighbours >= 0)
    return word_ids.astype(np.int64)[middle, None], neighbours[neighbours >= 0]


@checked
def cbow_examples(
    word_ids: Int[Array, " seq_len"], window: Count, rng: np.random.Generator
) -> tuple[Int[Array, "examples width"], Int[Array, " examples"]]:
    """List the examples of a sentence for CBOW, the continuous bag of words: all neighbours together predict the word.

    Args:
        word_ids: those of one sentence.
        window: the largest distance; each word looks as far as drawn between 1 and window.
        rng: NumPy random generator.

    Returns:
        inputs: the neighbours, width = 2 · window, -1 where there is none.
        targets: the word in the middle. A word alone is no example.

    Source: Mikolov 2013a (arXiv 1301.3781), §3.1.
    """
    neighbours = _neighbours(word_ids, window, rng)  # (seq_len, 2 * window)
    has_some = (neighbours >= 0).any(axis=1)
    return neighbours[has_some], word_ids.astype(np.int64)[has_some]


def _neighbours(word_ids, window, rng):
    """The ids around each position within a reach drawn for it, -1 elsewhere: (seq_len, 2 * window)."""
    word_ids, seq_len = in_vocabulary("word_ids", word_ids), len(word_ids)
    steps = np.array([step for step in range(-window, window + 1) if step != 0])
    places = np.arange(seq_len)[:, None] + steps  # (seq_len, 2 * window)
    reach = rng.integers(1, window + 1, size=(seq_len, 1))
    near = (np.abs(steps) <= reach) & (places >= 0) & (places < seq_len)
    return np.where(near, word_ids[np.clip(places, 0, seq_len - 1)], -1)


def in_vocabulary(name: str, ids: Any, lowest: int = 0, num_words: int | None = None) -> np.ndarray:
    """Ids as int64, each one a word of the vocabulary, or as low as `lowest`."""
    highest = np.iinfo(np.int64).max if num_words is None else num_words - 1
    wrong = ids[(ids < lowest) | (ids > highest)]
    if wrong.size:
        raise ValueError(TEXTS["word id"].format(name=name, value=wrong[0], lowest=lowest, highest=highest))
    return ids.astype(np.int64, copy=False)  # unsigned ids could not hold the -1 for no word

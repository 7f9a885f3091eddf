"""Questions that a check asks of an answer. They measure properties, so that a right answer in any style passes.

Each probe takes arrays and returns a plain fact (a bool or a number): the check decides what the fact means.
"""

import contextlib

import numpy as np

from course_lib.classroom.practice.answers import close, tolerance


def largest_difference(got, expected):
    """Index and size of the largest difference between two arrays of one shape; a NaN counts as infinitely far."""
    gap = np.abs(np.asarray(got, float) - np.asarray(expected, float))
    gap = np.where(np.isnan(gap), np.inf, gap)
    index = np.unravel_index(int(np.argmax(gap)), gap.shape)
    return tuple(int(i) for i in index), float(gap[index])


def sums_to_one(weights, axis=-1):
    """Whether the weights along `axis` (None: all of them together) are finite and add up to 1."""
    with np.errstate(all="ignore"):
        total = np.asarray(weights, float).sum(axis=axis)
    return bool(np.all(np.abs(total - 1) <= 10 * tolerance(weights)))


def implied_scale(weights, queries, keys):
    """The factor on QKᵀ that explains the weights: the slope of row-centred log-weights on row-centred QKᵀ.

    Args:
        weights: (queries, keys), all positive.
        queries: (queries, d_k).
        keys: (keys, d_k).

    Returns:
        (slope, misfit): the factor (1/√d_k for scaled dot-product attention), and the largest deviation of a
        log-weight from that line, 0 when the weights are exactly a softmax of a multiple of QKᵀ.
    """
    with np.errstate(all="ignore"):
        logs = np.log(np.asarray(weights, float))
    products = queries @ keys.T  # (queries, keys)
    logs = logs - logs.mean(axis=-1, keepdims=True)
    products = products - products.mean(axis=-1, keepdims=True)
    slope = float((logs * products).sum() / (products * products).sum())
    return slope, float(np.abs(logs - slope * products).max())


def follows_permutation(function, tokens, order):
    """What a function of tokens gives when they are permuted, and what it should if it knows no order.

    Args:
        function: takes (seq_len, d) and returns (seq_len, …).
        tokens: (seq_len, d).
        order: a permutation of range(seq_len).

    Returns:
        (of the permuted tokens, the original rows permuted): `close` for a function that knows no order.
    """
    return np.asarray(function(tokens[order])), np.asarray(function(tokens))[order]


def first_match(got, suspects):
    """The name of the first suspect array that the answer equals, or None.

    Args:
        got: the answer.
        suspects: dict of diagnosis to the array that this mistake would give, or to a list of arrays.
    """
    for name, arrays in suspects.items():
        if any(close(got, array) for array in (arrays if isinstance(arrays, list) else [arrays])):
            return name
    return None


_salt = ()


@contextlib.contextmanager
def drawn_anew(salt):
    """Let `draw` and `generator` give other numbers meanwhile, so that nobody can know them beforehand."""
    global _salt
    before, _salt = _salt, (salt,)
    try:
        yield
    finally:
        _salt = before


def generator(seed):
    """NumPy's generator for a seed; other numbers inside of `drawn_anew`."""
    return np.random.default_rng((seed, *_salt) if _salt else seed)


def draw(seed, *shape):
    """Independent normal numbers of a shape, the same for the same seed."""
    return generator(seed).normal(size=shape)


def log_softmax(logits, axis=-1):
    """Logarithms of the softmax, z - max - log(sum(exp(z - max))): finite for any logits."""
    shifted = logits - logits.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))

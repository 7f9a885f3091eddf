"""Questions that a check asks of an answer. They measure properties, so that a right answer in any style passes.

Each probe takes arrays and returns a plain fact (a bool or a number): the check decides what the fact means.
"""

import contextlib

import numpy as np

from course_lib.classroom.practice.answers import tolerance


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

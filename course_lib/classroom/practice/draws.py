"""Drawn inputs: the same numbers for the same seed, and other ones where nobody may know them beforehand."""

import contextlib

import numpy as np

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

"""Right answers to lesson 00's exercise in other styles."""

import math

import numpy as np

from tests.mistakes.collection import right


@right("00.weighted_average")
def by_a_loop(numbers, shares):
    total = 0
    for number, share in zip(numbers, shares, strict=True):
        total += number * share
    return total


@right("00.weighted_average")
def by_a_product(numbers, shares):
    return np.asarray(numbers) @ np.asarray(shares)


@right("00.weighted_average")
def by_numpy(numbers, shares):
    return np.average(numbers, weights=shares)


@right("00.weighted_average")
def by_python(numbers, shares):
    return math.fsum(a * b for a, b in zip(numbers.tolist(), shares.tolist(), strict=True))


@right("00.weighted_average")
def in_float32(numbers, shares):
    return np.dot(numbers.astype(np.float32), shares.astype(np.float32))

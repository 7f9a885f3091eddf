"""The scale that weights imply is found again."""

import numpy as np
import pytest

from course_lib.classroom.practice.probes import implied_scale


def right(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_implied_scale_recovers_the_scale():
    rng = np.random.default_rng(0)
    queries, keys = rng.normal(size=(4, 7)), rng.normal(size=(6, 7))
    for scale in (0.1, 1 / np.sqrt(7), 1.0, -2.0):
        slope, misfit = implied_scale(right(scale * queries @ keys.T), queries, keys)
        assert slope == pytest.approx(scale)
        assert misfit < 1e-8
    assert implied_scale(right(rng.normal(size=(4, 6))), queries, keys)[1] > 0.1

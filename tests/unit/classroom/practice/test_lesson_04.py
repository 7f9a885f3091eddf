"""The model that lesson 04's exercises take apart is what they say it is."""

import numpy as np
import pytest

from course_lib.attention import multi_head_attention
from course_lib.classroom.practice.lesson_04 import colleagues_attention, given_model, sentences_for_given_model


def recalled(matrices, num_heads, seed=1):
    """Share of signs that are right, for the tokens 1, 2, 3 and 5 places back."""
    x, targets = sentences_for_given_model(50, seed=seed)
    signs = np.sign(multi_head_attention(x, x, x, *matrices, num_heads)[0][..., :16])
    shape = (*targets.shape[:2], 4, 4)
    right, asked = (signs == targets).reshape(shape), (targets != 0).reshape(shape)
    return (right & asked).sum(axis=(0, 1, 3)) / asked.sum(axis=(0, 1, 3))


def without(gone):
    *matrices, num_heads = given_model()
    W_Q, W_K, W_V, W_O = matrices
    return recalled((W_Q, W_K, W_V, W_O * ~np.repeat(np.isin(np.arange(num_heads), gone), 4)[:, None]), num_heads)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_recalls_everything(seed):
    *matrices, num_heads = given_model()
    assert num_heads == 6 and all(W.shape == (24, 24) for W in matrices)
    assert (recalled(matrices, num_heads, seed) > 0.999).all()


def test_one_head_is_idle_and_two_stand_in_for_each_other():
    for harmless in ([2], [1], [5], [2, 5], [1, 2]):
        assert (without(harmless) > 0.99).all()
    for gone, question in (([0], 2), ([3], 3), ([4], 1), ([1, 5], 0)):
        found = without(gone)
        assert found[question] < 0.6 and (np.delete(found, question) > 0.99).all()


def test_targets_are_the_signs_of_earlier_tokens():
    x, targets = sentences_for_given_model(3)
    kinds = x[..., :16].argmax(axis=-1)
    signs = 2 * (kinds[..., None] >> np.arange(4) & 1) - 1
    for slot, offset in enumerate((1, 2, 3, 5)):
        part = targets[..., 4 * slot : 4 * slot + 4]
        assert np.array_equal(part[:, offset:], signs[:, :-offset]) and (part[:, :offset] == 0).all()


def test_the_colleagues_tests_pass_and_her_layer_leaks():
    rng = np.random.default_rng(0)
    x, matrices = rng.normal(size=(6, 8)), rng.normal(size=(4, 8, 8))
    context, weights = colleagues_attention(x, *matrices, num_heads=2)
    assert context.shape == (6, 8) and np.allclose(weights.sum(axis=-1), 1) and not np.triu(weights, 1).any()
    changed = x.copy()
    changed[-1] += 1
    moved = abs(colleagues_attention(changed, *matrices, num_heads=2)[0] - context).max(axis=-1)
    assert (moved[:-1] > 1e-6).any()

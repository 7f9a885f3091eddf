"""ScalingLab without a browser."""

import numpy as np
import pytest

from course_lib.widgets import ScalingLab


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.fixture
def vectors(rng):
    return rng.normal(size=(5, 16)), rng.normal(size=(7, 16))


def test_the_example_runs(run_example):
    assert run_example(ScalingLab)["lab"].d_k == 256


def test_it_brings_vectors_of_its_own():
    lab, again = ScalingLab(), ScalingLab()
    assert (lab.d_k, lab.num_keys, lab.temperature, lab.scaled) == (64, 32, 1.0, False)
    assert lab.scores.shape == (64, 32)
    np.testing.assert_array_equal(lab.scores, again.scores)
    assert 6 < lab.scores.std() < 10  # √64 = 8
    assert ScalingLab(np.ones((2, 3))).d_k == 3
    assert ScalingLab(np.ones((2, 3))).num_keys == 32


@pytest.mark.parametrize("d_k", [1, 10, 16])
@pytest.mark.parametrize("num_keys", [1, 7])
@pytest.mark.parametrize(("scaled", "temperature"), [(False, 1.0), (True, 1.0), (True, 0.1), (False, 10)])
def test_numbers_follow_from_the_vectors(vectors, d_k, num_keys, scaled, temperature):
    queries, keys = vectors
    lab = ScalingLab(queries, keys.tolist(), d_k=d_k, scaled=scaled, temperature=temperature)
    lab.num_keys = num_keys
    scores = np.array([[sum(q[:d_k] * k[:d_k]) for k in keys[:num_keys]] for q in queries])
    scores = scores / temperature / (d_k**0.5 if scaled else 1)
    np.testing.assert_allclose(lab.scores, scores, rtol=1e-12)
    np.testing.assert_allclose(lab.weights, softmax(scores), rtol=1e-9)
    entropies = [-sum(p * np.log(p) for p in row if p > 0) for row in softmax(scores)]
    np.testing.assert_allclose(lab.entropies, entropies, atol=1e-9)
    jacobians = [np.linalg.norm(np.diag(row) - np.outer(row, row)) for row in softmax(scores)]
    np.testing.assert_allclose(lab.gradients, jacobians, atol=1e-9)


def test_the_page_gets_the_same_vectors(vectors):
    queries, keys = vectors
    view = ScalingLab(queries, keys, d_k=4).view
    assert view.shape == {"queries": 5, "keys": 7, "dimensions": 16}
    np.testing.assert_array_equal(np.frombuffer(view.query_vectors, "<f4").reshape(5, 16), queries.astype("<f4"))
    np.testing.assert_array_equal(np.frombuffer(view.key_vectors, "<f4").reshape(7, 16), keys.astype("<f4"))


@pytest.mark.parametrize(
    ("name", "value", "trait"),
    [("d_k", 3, 3), ("d_k", np.int64(16), 16), ("num_keys", 1, 1), ("temperature", 2, 2.0), ("scaled", True, True)],
)
def test_settings_reach_the_page_and_come_back(vectors, name, value, trait):
    lab = ScalingLab(*vectors)
    before = lab.scores
    setattr(lab, name, value)
    assert getattr(lab.view, name) == getattr(lab, name) == trait
    assert lab.scores.shape != before.shape or (lab.scores != before).any() or value == 16
    lab.view.set_state({name: {"d_k": 2, "num_keys": 4, "temperature": 0.5, "scaled": False}[name]})  # from the page
    assert getattr(lab, name) == {"d_k": 2, "num_keys": 4, "temperature": 0.5, "scaled": False}[name]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("d_k", 0, "d_k is 0; expected a whole number from 1 to 16"),
        ("d_k", 17, "d_k is 17; expected a whole number from 1 to 16"),
        ("d_k", 2.5, "d_k is 2.5; expected a whole number from 1 to 16"),
        ("num_keys", 8, "num_keys is 8; expected a whole number from 1 to 7"),
        ("temperature", 0, "temperature is 0; expected a number from 0.1 to 10.0"),
        ("temperature", float("nan"), "temperature is nan; expected a number from 0.1 to 10.0"),
        ("scaled", "no", "scaled is 'no'; expected True or False"),
    ],
)
def test_settings_out_of_range_are_refused_and_change_nothing(vectors, refuses, name, value, words):
    lab = ScalingLab(*vectors)
    before = getattr(lab, name)
    refuses(lambda: setattr(lab, name, value), words, error=(ValueError, TypeError))
    assert getattr(lab, name) == before
    if name != "num_keys":
        refuses(lambda: ScalingLab(*vectors, **{name: value}), words, error=(ValueError, TypeError))


@pytest.mark.parametrize(
    ("queries", "keys", "words"),
    [
        (np.zeros(4), None, "queries has shape (4,)"),
        (np.zeros((2, 0)), None, "queries has shape (2, 0)"),
        (np.zeros((2000, 4)), None, "so its axis queries is 2000; expected at most 64"),
        (np.zeros((2, 1025)), None, "so its axis dimensions is 1025; expected at most 1024"),
        (np.full((2, 4), np.nan), None, "expected finite numbers"),
        ([["a"]], None, "queries has dtype"),
        (np.zeros((2, 4)), np.zeros((3, 5)), "keys has shape (3, 5)"),
        (np.zeros((2, 4)), np.zeros((200, 4)), "so its axis keys is 200; expected at most 64"),
        (np.zeros((2, 4)), np.full((3, 4), np.inf), "expected finite numbers"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(queries, keys, words, refuses):
    refuses(lambda: ScalingLab(queries, keys), words)


def test_the_sentence_says_what_is_so(vectors):
    lab = ScalingLab(*vectors, d_k=9, scaled=True, temperature=0.5)
    words = lab.text_alternative()
    assert words.startswith("7 keys of 9 dimensions, scores divided by √d_k, temperature 0.5:")
    assert f"spread by {lab.scores.std():.2f}" in words
    assert f"is {lab.weights.max(axis=1).mean():.2f} on average" in words
    assert f"entropy {lab.entropies.mean():.2f} of {np.log(7):.2f} nats" in words
    assert f"gradient through softmax {lab.gradients.mean():.3f}." in words
    lab.scaled, lab.num_keys, lab.d_k = False, 1, 1
    words = lab.text_alternative()
    assert words.startswith("1 key of 1 dimension, scores not scaled,")
    assert "entropy 0.00 of 0.00 nats, and the gradient through softmax 0.000." in words


@pytest.mark.parametrize(("name", "value"), [("d_k", 512), ("scaled", True), ("num_keys", 5), ("temperature", 5)])
def test_the_picture_follows(follows, name, value):
    lab = ScalingLab()
    follows(lab, lambda: setattr(lab, name, value))


def test_the_picture_follows_the_query_picked_on_the_page(follows):
    lab = ScalingLab()
    follows(lab, lambda: lab.view.set_state({"selected": 9}))
    bars = lab.still().axes[1].patches
    np.testing.assert_allclose([bar.get_height() for bar in bars], lab.weights[9])


def test_the_followed_query_can_be_read_and_set():
    lab = ScalingLab(d_k=4)
    lab.selected = 3
    assert lab.selected == lab.view.selected == 3
    with pytest.raises(ValueError, match="selected is 64; expected a whole number from 0 to 63"):
        lab.selected = 64

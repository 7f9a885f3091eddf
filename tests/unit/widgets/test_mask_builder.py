"""MaskBuilder without a browser."""

import itertools

import numpy as np
import pytest
import torch

from course_lib.widgets import MaskBuilder

TOKENS = ["the", "cat", "sat", "<b>", "on"]
N = len(TOKENS)


def allowed(query, key, causal, length, window):
    return (key <= query or not causal) and key < length and abs(query - key) <= window


def softmax_of_allowed(scores, mask):
    weights = np.zeros(scores.shape)
    for row, line in enumerate(scores):
        if mask[row].any():
            powers = np.exp(line[mask[row]])
            weights[row, mask[row]] = powers / powers.sum()
    return weights


def first_layers(mask, layers):
    """Through how many layers a query first sees a key: by walking all ways, a step or a stay (the residual) a layer."""
    n = len(mask)
    found = mask.astype(int)
    sees = {query: {query} for query in range(n)}  # before the first layer
    for layer in range(1, layers + 1):
        sees = {query: sees[query].union(*(sees[key] for key in range(n) if mask[query, key])) for query in range(n)}
        for query, key in itertools.product(range(n), repeat=2):
            if query != key and key in sees[query] and not found[query, key]:
                found[query, key] = layer
    return found


def test_the_example_runs(run_example):
    assert run_example(MaskBuilder)["builder"].layers == 2


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [None, 0, 3, N])
@pytest.mark.parametrize("window", [None, 0, 1, N])
def test_masks_are_combined(rng, causal, length, window):
    scores = rng.normal(size=(N, N)) * 3
    builder = MaskBuilder(TOKENS, scores, causal=causal, length=length, window=window, layers=3)
    limits = N if length is None else length, N if window is None else window
    expected = np.array([[allowed(q, k, causal, *limits) for k in range(N)] for q in range(N)])
    assert builder.mask.dtype == bool
    np.testing.assert_array_equal(builder.mask, expected)
    np.testing.assert_allclose(builder.weights, softmax_of_allowed(scores, expected), atol=1e-12)
    np.testing.assert_array_equal(builder.reach, first_layers(expected, 3))


@pytest.mark.parametrize("layers", [1, 2, 5, 12])
def test_reach_grows_by_layers(rng, layers):
    for _ in range(10):
        mask = rng.random((9, 9)) < 0.2
        builder = MaskBuilder(9, layers=layers)
        builder.mask = mask
        np.testing.assert_array_equal(builder.reach, first_layers(mask, layers))
    window = MaskBuilder(12, window=1, layers=layers)
    assert window.reach[0].max() == min(layers, 11)


def test_a_mask_can_be_painted_whole(rng):
    builder = MaskBuilder(TOKENS, causal=True, length=2, window=1)
    mask = rng.random((N, N)) < 0.5
    builder.mask = mask
    np.testing.assert_array_equal(builder.mask, mask)
    assert (builder.view.causal, builder.view.length, builder.view.window) == (False, N, N)
    assert sum(builder.view.painted.values()) == 0
    builder.mask = torch.ones(N, N, dtype=torch.bool)
    assert builder.mask.all()
    assert builder.view.painted == {}


def test_what_the_page_paints_lies_over_the_rest():
    builder = MaskBuilder(TOKENS, causal=True)
    builder.view.set_state({"painted": {"0,4": True, "3,3": False}, "layers": 4, "window": 2})
    expected = np.tril(np.ones((N, N), dtype=bool)) & (abs(np.subtract.outer(range(N), range(N))) <= 2)
    expected[0, 4], expected[3, 3] = True, False
    np.testing.assert_array_equal(builder.mask, expected)
    assert builder.layers == 4


@pytest.mark.parametrize(
    ("mask", "got"),
    [
        (np.ones((N, N)), "has dtype float64 and shape (5, 5); expected booleans, True = may attend"),
        (
            np.ones((N, N + 1), dtype=bool),
            "has shape (5, 6), so its axis keys is 6; expected (queries, keys) with keys = 5",
        ),
        (True, "has shape (); expected (queries, keys)"),
        (None, "is None; expected an array of booleans, True = may attend"),
        ([[True], [True, False]], "cannot be read as an array"),
    ],
)
def test_what_is_no_mask_is_refused(mask, got, refuses):
    builder = MaskBuilder(TOKENS, causal=True)
    before = builder.mask
    refuses(lambda: setattr(builder, "mask", mask), f"mask {got}")
    np.testing.assert_array_equal(builder.mask, before)


def test_tokens_may_be_a_number():
    for tokens in (3, np.int64(3)):
        assert MaskBuilder(tokens).view.tokens == ["1", "2", "3"]
    assert MaskBuilder().mask.shape == (8, 8)
    assert MaskBuilder(64).weights.shape == (64, 64)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tokens": 0}, "tokens is 0; expected a whole number from 1 to 64"),
        ({"tokens": 2000}, "tokens is 2000; expected a whole number from 1 to 64"),
        ({"tokens": ["a"] * 2000}, "tokens has 2000 entries; expected 1 to 64"),
        ({"tokens": []}, "tokens has 0 entries; expected 1 to 64"),
        ({"tokens": "the cat"}, "tokens is one string; expected a list of strings"),
        ({"tokens": ["a", 2]}, "is a value of type int; expected a string"),
        ({"tokens": True}, "tokens is a value of type bool; expected a list of strings"),
        ({"tokens": 2.5}, "tokens is a value of type float; expected a list of strings"),
        ({"scores": np.zeros((3, 3))}, "scores has shape (3, 3)"),
        ({"scores": np.full((N, N), np.nan)}, "scores holds nan at index (0"),
        ({"length": 6}, "length is 6; expected a whole number from 0 to 5"),
        ({"window": -1}, "window is -1; expected a whole number from 0 to 5"),
        ({"window": 1.5}, "window is 1.5; expected a whole number from 0 to 5"),
        ({"layers": 0}, "layers is 0; expected a whole number from 1 to 12"),
        ({"layers": 200}, "layers is 200; expected a whole number from 1 to 12"),
        ({"causal": "yes"}, "causal is 'yes'; expected True or False"),
    ],
)
def test_bad_input_is_refused_by_name(options, words, refuses):
    refuses(lambda: MaskBuilder(**{"tokens": TOKENS, **options}), words, error=(ValueError, TypeError))


def test_layers_can_be_assigned(refuses):
    builder = MaskBuilder(TOKENS, window=1)
    builder.layers = 4
    assert builder.view.layers == builder.layers == builder.reach.max() == 4
    refuses(lambda: setattr(builder, "layers", 13), "layers is 13; expected a whole number from 1 to 12")
    assert builder.layers == 4


def test_the_sentence_says_what_is_so():
    builder = MaskBuilder(TOKENS, window=1)
    assert builder.text_alternative() == "13 of 25 pairs may attend. After 2 layers, 19 are reached."
    builder.layers = 1
    mask = np.ones((N, N), dtype=bool)
    mask[[1, 3]] = False
    builder.mask = mask
    words = "15 of 25 pairs may attend. Rows without any key: “cat”, “<b>”. After 1 layer, 15 are reached."
    assert builder.text_alternative() == words
    assert MaskBuilder(1).text_alternative() == "1 of 1 pair may attend. After 2 layers, 1 are reached."


def test_the_picture_follows(follows):
    builder = MaskBuilder(TOKENS)
    follows(builder, lambda: setattr(builder, "mask", np.eye(N, dtype=bool)))
    builder = MaskBuilder(TOKENS, window=1)
    follows(builder, lambda: setattr(builder, "layers", 3))


def test_the_picture_shows_mask_weights_and_reach(rng):
    builder = MaskBuilder(TOKENS, rng.normal(size=(N, N)), causal=True, window=1, layers=3)
    shown = [ax.images[0] if ax.images else ax.collections[0] for ax in builder.still().axes[:3]]
    for image, expected in zip(shown, (builder.mask, builder.weights, builder.reach), strict=True):
        np.testing.assert_allclose(np.reshape(image.get_array(), (N, N)), expected)


@pytest.mark.parametrize("count", [1, 64])
def test_the_picture_takes_few_and_many_tokens(count, kept):
    kept(MaskBuilder(count, length=0))


def test_what_is_combined_can_be_read_and_set():
    builder = MaskBuilder(6)
    builder.causal, builder.length, builder.window, builder.selected = True, 5, 2, 4
    assert (builder.causal, builder.length, builder.window, builder.selected) == (True, 5, 2, 4)
    places = np.arange(6)
    distance = places[:, None] - places
    np.testing.assert_array_equal(builder.mask, (distance >= 0) & (distance <= 2) & (places < 5))
    for name, value in [("causal", 1), ("length", 7), ("window", -1), ("selected", 6)]:
        with pytest.raises((TypeError, ValueError), match=f"{name} (must be|is)"):
            setattr(builder, name, value)

"""HeadBrowser without a browser."""

import numpy as np
import pytest
import torch

from course_lib.widgets import HeadBrowser, head_browser

TOKENS = ["the", "cat", "sat", "on"]


@pytest.fixture
def weights(shares):
    return shares(3, 2, 4, 4)


def test_the_example_runs(run_example):
    run_example(HeadBrowser)


FORMS = {
    "one array": lambda w: w,
    "a tensor": lambda w: torch.tensor(w, requires_grad=True),
    "a list of layers": lambda w: list(w),
    "a tuple of tensors with a batch axis": lambda w: tuple(torch.tensor(layer)[None] for layer in w),
    "one array with a batch axis": lambda w: w[:, None],
    "nested lists": lambda w: w.tolist(),
}


@pytest.mark.parametrize("form", FORMS)
def test_maps_of_any_model_are_read(weights, form):
    browser = HeadBrowser(FORMS[form](weights), TOKENS)
    for layer in range(3):
        for head in range(2):
            browser.layer, browser.head = layer, head
            np.testing.assert_array_equal(browser.weights, weights[layer, head])


def test_half_precision_is_read_and_drawn(weights, kept):
    browser = HeadBrowser(torch.tensor(weights, dtype=torch.bfloat16), TOKENS)
    np.testing.assert_allclose(browser.weights, weights[0, 0], atol=0.005)
    rounded = np.tile(np.eye(4) * 1.004 - 0.0005, (1, 1, 1, 1))  # a softmax in half precision may go a little beyond
    kept(HeadBrowser(rounded, TOKENS))


def test_weights_are_a_copy(weights):
    browser = HeadBrowser(weights, TOKENS)
    expected = weights[0, 0].copy()
    weights[:] = 0
    browser.weights[:] = 0
    np.testing.assert_array_equal(browser.weights, expected)


def test_the_page_gets_the_weights_in_16_bits(shares):
    parts = {"encoder": shares(2, 3, 4, 4), "cross": shares(1, 2, 3, 4)}
    browser = HeadBrowser(parts, {"encoder": TOKENS, "cross": (["x", "y", "z"], TOKENS)})
    flat = np.frombuffer(browser.view.weights, "<u2") / 65535
    np.testing.assert_allclose(flat, np.concatenate([part.ravel() for part in parts.values()]), atol=1e-5)
    assert browser.view.parts == [
        {"name": "encoder", "layers": 2, "heads": 3, "queries": TOKENS, "keys": TOKENS, "start": 0},
        {"name": "cross", "layers": 1, "heads": 2, "queries": ["x", "y", "z"], "keys": TOKENS, "start": 96},
    ]


def test_parts_are_picked_by_name(shares, refuses):
    parts = {"encoder": shares(2, 3, 4, 4), "cross": shares(1, 2, 3, 4)}
    browser = HeadBrowser(parts, {"encoder": TOKENS, "cross": (["x", "y", "z"], TOKENS)})
    browser.layer, browser.head, browser.token = 1, 2, 3
    browser.part = "cross"
    assert (browser.part, browser.layer, browser.head, browser.token) == ("cross", 0, 0, 0)
    np.testing.assert_array_equal(browser.weights, parts["cross"][0, 0])
    refuses(lambda: setattr(browser, "layer", 1), "layer is 1; expected a whole number from 0 to 0")
    refuses(lambda: setattr(browser, "part", "decoder"), "part is 'decoder'; expected one of 'encoder', 'cross'")
    browser.view.set_state({"part": 0, "layer": 1})
    assert (browser.part, browser.layer) == ("encoder", 1)


def test_cross_attention_has_keys_of_its_own(shares):
    weights = shares(1, 2, 2, 4)
    browser = HeadBrowser(weights, ["x", "y"], TOKENS)
    best = TOKENS[weights[0, 0, 0].argmax()]
    assert f"“x” attends most to “{best}” ({weights[0, 0, 0].max():.2f})" in browser.text_alternative()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("layer", 3, "layer is 3; expected a whole number from 0 to 2"),
        ("layer", -1, "layer is -1; expected a whole number from 0 to 2"),
        ("head", 2, "head is 2; expected a whole number from 0 to 1"),
        ("head", 1.0, "head is 1.0; expected a whole number from 0 to 1"),
        ("token", 4, "token is 4; expected a whole number from 0 to 3"),
        ("token", "cat", "token is 'cat'; expected a whole number from 0 to 3"),
    ],
)
def test_places_out_of_range_are_refused(weights, refuses, name, value, words):
    browser = HeadBrowser(weights, TOKENS)
    refuses(lambda: setattr(browser, name, value), words)
    assert getattr(browser, name) == 0


def test_head_scores_know_their_kind():
    n = 6
    kinds = {
        "previous": np.eye(n, k=-1) + np.outer(np.eye(n)[0], np.eye(n)[0]),  # the first has none and looks at itself
        "same": np.eye(n),
        "next": np.eye(n, k=1) + np.outer(np.eye(n)[-1], np.eye(n)[-1]),
        "first": np.tile(np.eye(n)[0], (n, 1)),
        "flat": np.full((n, n), 1 / n),
    }
    scores = HeadBrowser(np.array(list(kinds.values()))[None], list("abcdef")).head_scores
    assert set(scores) == {"previous", "same", "next", "first", "entropy"}
    for number, kind in enumerate(kinds):
        assert all(scores[name].shape == (1, 5) for name in scores)
        if kind != "flat":
            assert scores[kind][0, number] == pytest.approx(1)
        for name in ("previous", "same", "next", "first"):
            assert scores[name][0, 4] == pytest.approx(1 / n)
    np.testing.assert_allclose(scores["entropy"], [[0, 0, 0, 0, 1]], atol=1e-12)


def test_head_scores_are_means_over_the_queries_that_have_such_a_key(weights):
    scores = HeadBrowser(weights, TOKENS).head_scores
    for layer, head in np.ndindex(3, 2):
        one = weights[layer, head]
        assert scores["previous"][layer, head] == pytest.approx((one[1, 0] + one[2, 1] + one[3, 2]) / 3)
        assert scores["next"][layer, head] == pytest.approx((one[0, 1] + one[1, 2] + one[2, 3]) / 3)
        assert scores["same"][layer, head] == pytest.approx(np.trace(one) / 4)
        assert scores["first"][layer, head] == pytest.approx(sum(one[:, 0]) / 4)
        entropies = [-sum(p * np.log(p) for p in row) for row in one]
        assert scores["entropy"][layer, head] == pytest.approx(np.mean(entropies) / np.log(4))


def test_one_token_alone_has_scores_too():
    scores = HeadBrowser(np.ones((1, 1, 1, 1)), ["a"]).head_scores
    assert {name: value.item() for name, value in scores.items()} == {
        "previous": 0, "same": 1, "next": 0, "first": 1, "entropy": 0,
    }  # fmt: skip


def uniform(*shape):
    return np.full(shape, 1 / shape[-1])


@pytest.mark.parametrize(
    ("attention", "tokens", "words"),
    [
        (uniform(3, 3), 3, "attention is an array of shape (3, 3); expected weights of shape (layers, heads, queries, keys), or a list"),
        (uniform(2, 3, 3), 3, "attention is an array of shape (2, 3, 3)"),
        ("weights", 3, "attention is one string"),
        (None, 3, "attention is None; expected weights"),
        ([], 3, "attention is an empty list"),
        ({}, {}, "attention is an empty dict; expected at least one part"),
        ([uniform(2, 3)], 3, "attention[0] has shape (2, 3)"),
        ([uniform(2, 3, 3), None], 3, "attention[1] is None; expected an array of real numbers"),
        ((None, None), 3, "attention[0] is None; expected an array of real numbers"),
        ([["a"]], 3, "attention[0] has dtype"),
        (uniform(2, 4, 2, 3, 3), 3, "attention holds a batch of 4; pass one sequence"),
        ([uniform(2, 3, 3), uniform(3, 3, 3)], 3, "attention[1] has shape (3, 3, 3); expected (2, 3, 3), as the layers"),
        (uniform(1, 2, 3, 3) * np.nan, 3, "attention[0] holds nan at index (0"),
        (uniform(1, 200, 3, 3), 3, "so its axis heads is 200; expected at most 64"),
        (uniform(200, 2, 3, 3), 3, "layers of attention is 200; expected a whole number from 1 to 48"),
        (uniform(1, 1, 2000, 3), 3, "so its axis queries is 2000; expected at most 256"),
        (uniform(1, 1, 3, 2000), 3, "so its axis keys is 2000; expected at most 256"),
        (uniform(2, 2, 3, 3) * 2, 3, "attention holds a row that sums to 2, in layer 0, head 0"),
        (np.tile([[2.0, -1], [0.5, 0.5]], (1, 2, 1, 1)), 2, "rows of shares from 0 that sum to 1"),
        (uniform(1, 2, 3, 3), 2, "tokens has 2 entries; expected one for each of the 3 queries"),
        (uniform(1, 2, 3, 4), 3, "key_tokens has 3 entries; expected one for each of the 4 keys"),
        (uniform(1, 2, 3, 3), 2000, "tokens has 2000 entries; expected 1 to 256"),
        ({"a": uniform(1, 2, 3, 3)}, 3, "tokens is a list of 3; expected a dict with the tokens of 'a'"),
        ({"a": uniform(1, 2, 3, 3)}, {"b": []}, "tokens is a dict with 'b'; expected a dict with the tokens of 'a'"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(attention, tokens, words, refuses):
    tokens = ["a"] * tokens if isinstance(tokens, int) else tokens
    refuses(lambda: HeadBrowser(attention, tokens), words)


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ("abc", "tokens is one string; expected a list of strings"),
        (["a", 1, "c"], "is a value of type int; expected a string"),
        (3, "tokens is a value of type int; expected a list of strings"),
    ],
)
def test_tokens_of_other_types_are_refused(tokens, words, refuses):
    refuses(lambda: HeadBrowser(uniform(1, 2, 3, 3), tokens), words, error=TypeError)


def test_too_many_weights_are_refused(monkeypatch, refuses):
    monkeypatch.setattr(head_browser, "MAX_WEIGHTS", 1000)
    words = "attention holds 2,048 weights; expected at most 1,000: pass fewer tokens, layers or heads"
    refuses(lambda: HeadBrowser(uniform(2, 4, 16, 16), ["a"] * 16), words)
    HeadBrowser(uniform(1, 3, 16, 16), ["a"] * 16)


def test_the_sentence_says_what_is_so(weights):
    browser = HeadBrowser(weights, TOKENS)
    browser.layer, browser.head, browser.token = 2, 1, 3
    row = weights[2, 1, 3]
    assert browser.text_alternative() == (
        f"3 layers of 2 heads over 4 tokens. Layer 3, head 2: “on” attends most to “{TOKENS[row.argmax()]}” ({row.max():.2f})."
    )
    masked = np.array([[[[0.0, 0.0], [0.0, 1.0]]]])
    browser = HeadBrowser(masked, ["a", "b"])
    assert browser.text_alternative() == "1 layer of 1 head over 2 tokens. Layer 1, head 1: “a” attends to nothing."


@pytest.mark.parametrize(("name", "value"), [("layer", 2), ("head", 1)])
def test_the_picture_follows(weights, follows, name, value):
    browser = HeadBrowser(weights, TOKENS)
    follows(browser, lambda: setattr(browser, name, value))


def test_the_picture_shows_all_heads_and_one_large(weights):
    browser = HeadBrowser(weights, TOKENS)
    browser.layer, browser.head = 1, 1
    left, right = browser.still().axes[:2]
    mosaic = np.ma.filled(left.images[0].get_array().astype(float), np.nan)
    assert mosaic.shape == (3 * 4 + 2, 2 * 4 + 1)  # a gap of 1 between them
    for layer, head in np.ndindex(3, 2):
        own = mosaic[5 * layer : 5 * layer + 4, 5 * head : 5 * head + 4]
        np.testing.assert_allclose(own, weights[layer, head] / weights[layer, head].max())
    assert np.isnan(mosaic[4]).all() and np.isnan(mosaic[:, 4]).all()
    assert left.images[0].get_clim() == (0, 1)
    assert right.get_title() == "layer 2, head 2"
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["1", "2", "3"]
    np.testing.assert_array_equal(left.get_xticks(), [1.5, 6.5])
    image = right.images[0] if right.images else right.collections[0]
    np.testing.assert_allclose(np.reshape(image.get_array(), (4, 4)), weights[1, 1])


def test_a_large_map_made_small_keeps_its_peaks():
    weights = np.zeros((1, 2, 200, 200))
    weights[0, :, np.arange(200), np.arange(199, -1, -1)] = 1
    mosaic = HeadBrowser(weights, ["a"] * 200).still().axes[0].images[0].get_array()
    assert mosaic.shape == (24, 24 + 3 + 24)  # two maps and a gap
    assert (np.diag(mosaic[:, 23::-1]) == 1).all()
    assert (mosaic[:, :24] == 0).sum() > 500


def test_the_heads_of_a_lone_layer_take_several_lines():
    weights = np.random.default_rng(0).dirichlet(np.ones(16), size=(1, 8, 16))
    left = HeadBrowser(weights, ["a"] * 16).still().axes[0]
    mosaic = np.ma.filled(left.images[0].get_array().astype(float), np.nan)
    assert mosaic.shape == (3 * 16 + 2 * 2, 3 * 16 + 2 * 2)
    for head in range(8):
        top, start = 18 * (head // 3), 18 * (head % 3)
        own = mosaic[top : top + 16, start : start + 16]
        np.testing.assert_allclose(own, weights[0, head] / weights[0, head].max())
    assert np.isnan(mosaic[36:, 36:]).all()
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["1–3", "4–6", "7–8"]
    assert (left.get_ylabel(), left.get_xlabel(), len(left.get_xticks())) == ("head", "", 0)


def test_a_still_of_a_sentence_labels_every_token():
    names = [f"word{i}" for i in range(16)]
    large = HeadBrowser(uniform(2, 2, 16, 16), names).still().axes[1]
    assert [label.get_text() for label in large.get_yticklabels()] == names
    assert [label.get_text() for label in large.get_xticklabels()] == names


def test_a_head_that_is_alone_is_shown_once():
    figure = HeadBrowser(uniform(1, 1, 4, 4), TOKENS).still()
    assert [ax.get_title() for ax in figure.axes if ax.get_title()] == ["layer 1, head 1"]
    assert len(figure.axes) == 2  # the map and its colour bar


@pytest.mark.parametrize("shape", [(1, 2, 1, 1), (12, 12, 64, 64), (48, 64, 4, 4), (1, 2, 3, 256)])
def test_the_picture_is_one_of_few_axes_whatever_the_size(shape, kept):
    browser = HeadBrowser(uniform(*shape), ["a"] * shape[2], ["b"] * shape[3])
    assert len(browser.still().axes) == 3
    browser.still().draw_without_rendering()


def test_what_a_notebook_keeps_of_144_heads_is_small(shares, kept):
    kept(HeadBrowser(shares(12, 12, 64, 64), ["a"] * 64))


def test_heads_without_any_weight_are_drawn(kept):
    kept(HeadBrowser(np.stack([np.zeros((2, 3, 3)), uniform(2, 3, 3)]), ["$x", "<b>", "\n"]))


def test_the_order_of_heads_can_be_read_and_set():
    browser = HeadBrowser(np.full((1, 2, 3, 3), 1 / 3), ["a", "b", "c"])
    browser.order = "entropy"
    assert browser.order == browser.view.order == "entropy"
    with pytest.raises(ValueError, match="order is .*; expected one of"):
        browser.order = "size"

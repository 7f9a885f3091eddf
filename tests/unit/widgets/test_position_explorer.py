"""PositionExplorer without a browser."""

import math

import numpy as np
import pytest
import torch

from course_lib.widgets import PositionExplorer


def angle(position, pair, d_model, base):
    return position / base ** (2 * pair / d_model)


def test_the_example_runs(run_example):
    assert run_example(PositionExplorer)["explorer"].kind == "sinusoidal"


@pytest.mark.parametrize("base", [10, 10000.0, 1e6])
@pytest.mark.parametrize(("length", "d_model"), [(2, 2), (20, 8)])
def test_sinusoidal_positions(length, d_model, base):
    explorer = PositionExplorer(length=length, d_model=d_model, base=base)
    expected = np.zeros((length, d_model))
    for p in range(length):
        for pair in range(d_model // 2):
            turned = angle(p, pair, d_model, base)
            expected[p, 2 * pair : 2 * pair + 2] = math.sin(turned), math.cos(turned)
    np.testing.assert_allclose(explorer.encoding, expected, atol=1e-12)
    followed = explorer.position
    assert followed == length // 3
    cosines = [
        math.cos(angle(p - followed, pair, d_model, base)) for p in range(length) for pair in range(d_model // 2)
    ]
    np.testing.assert_allclose(explorer.similarity, np.reshape(cosines, (length, -1)).mean(axis=1), atol=1e-12)


def test_rotary_positions_turn_ones():
    explorer = PositionExplorer("rotary", length=20, d_model=8, base=100)
    complex_ones = np.array([[(1 + 1j) * np.exp(1j * angle(p, pair, 8, 100)) for pair in range(4)] for p in range(20)])
    np.testing.assert_allclose(explorer.encoding[:, 0::2], complex_ones.real, atol=1e-12)
    np.testing.assert_allclose(explorer.encoding[:, 1::2], complex_ones.imag, atol=1e-12)
    explorer.position = 11
    expected = [np.mean([math.cos(angle(p - 11, pair, 8, 100)) for pair in range(4)]) for p in range(20)]
    np.testing.assert_allclose(explorer.similarity, expected, atol=1e-12)


@pytest.mark.parametrize(("d_model", "slopes"), [(2, [2**-8]), (16, [1 / 4, 1 / 16, 1 / 64, 1 / 256])])
def test_alibi_takes_off_by_distance(d_model, slopes):
    explorer = PositionExplorer("alibi", length=10, d_model=d_model)
    expected = [[-slope * distance for slope in slopes] for distance in range(10)]
    np.testing.assert_allclose(explorer.encoding, expected)
    explorer.position = 4
    np.testing.assert_allclose(explorer.similarity, [-np.mean(slopes) * abs(p - 4) for p in range(10)])


@pytest.mark.parametrize("kind", [np.array, torch.tensor, list])
def test_learned_positions_are_those_given(rng, kind):
    table = rng.normal(size=(9, 6))
    table[5] = 0
    explorer = PositionExplorer(learned=kind(table.tolist()))
    assert explorer.kind == "learned"
    np.testing.assert_allclose(explorer.encoding, table, rtol=1e-6)
    explorer.position = 2
    sizes = np.linalg.norm(table, axis=1)
    expected = [0 if p == 5 else table[p] @ table[2] / sizes[p] / sizes[2] for p in range(9)]
    np.testing.assert_allclose(explorer.similarity, expected, atol=1e-6)
    np.testing.assert_array_equal(np.frombuffer(explorer.view.learned, "<f4").reshape(9, 6), table.astype("<f4"))
    explorer.encoding[:] = 0
    assert explorer.encoding.any()
    explorer.kind = "rotary"
    assert explorer.encoding.shape == (9, 6)


def test_settings_reach_the_page_and_come_back():
    explorer = PositionExplorer(length=30, d_model=8)
    explorer.kind, explorer.base, explorer.position = "alibi", 50, 29
    assert (explorer.view.kind, explorer.view.base, explorer.view.position) == ("alibi", 50.0, 29)
    explorer.view.set_state({"kind": "rotary", "base": 100.0, "position": 3})
    assert (explorer.kind, explorer.base, explorer.position) == ("rotary", 100.0, 3)
    assert explorer.view.kinds == ["sinusoidal", "rotary", "alibi"]
    assert PositionExplorer(learned=np.ones((4, 2))).view.kinds == ["sinusoidal", "rotary", "alibi", "learned"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "absolute"}, "kind is 'absolute'; expected one of 'sinusoidal', 'rotary', 'alibi', 'learned'"),
        ({"kind": "learned"}, "kind 'learned' needs learned=, a table of shape (length, d_model)"),
        ({"length": 1}, "length is 1; expected a whole number from 2 to 256"),
        ({"length": 2000}, "length is 2000; expected a whole number from 2 to 256"),
        ({"length": 4.0}, "length is 4.0; expected a whole number from 2 to 256"),
        ({"d_model": 200}, "d_model is 200; expected a whole number from 2 to 128"),
        ({"d_model": 7}, "d_model is 7, which is odd; expected an even number"),
        ({"base": 1}, "base is 1; expected a number from 10.0 to 1000000.0"),
        ({"base": float("nan")}, "base is nan; expected a number from 10.0 to 1000000.0"),
        ({"learned": np.zeros(5)}, "learned has shape (5,)"),
        ({"learned": np.zeros((2000, 4))}, "so its axis length is 2000; expected at most 256"),
        ({"learned": np.full((4, 4), np.nan)}, "expected finite numbers"),
        ({"learned": np.zeros((4, 5))}, "d_model is 5, which is odd; expected an even number"),
        ({"learned": "table"}, "learned is one string; expected an array of real numbers"),
    ],
)
def test_bad_input_is_refused_by_name(options, words, refuses):
    refuses(lambda: PositionExplorer(**options), words)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("kind", "learned", "kind is 'learned'; expected one of 'sinusoidal', 'rotary', 'alibi'"),
        ("base", 0, "base is 0; expected a number from 10.0 to 1000000.0"),
        ("position", 10, "position is 10; expected a whole number from 0 to 9"),
        ("position", -1, "position is -1; expected a whole number from 0 to 9"),
    ],
)
def test_a_failed_setting_changes_nothing(name, value, words, refuses):
    explorer = PositionExplorer(length=10, d_model=4)
    before = getattr(explorer, name)
    refuses(lambda: setattr(explorer, name, value), words)
    assert getattr(explorer, name) == before


def test_the_sentence_says_what_is_so():
    explorer = PositionExplorer(length=30, d_model=8, base=50, learned=None)
    expected = "Sinusoidal positions 0 to 29, 8 dimensions, base 50: fast waves left, slow ones right."
    assert explorer.text_alternative() == expected
    explorer.kind = "rotary"
    assert "by their distance up to 29; base 50." in explorer.text_alternative()
    explorer.kind = "alibi"
    assert explorer.text_alternative().startswith("ALiBi: what is taken off the scores, by distance up to 29")
    assert (
        PositionExplorer(learned=np.ones((4, 2)))
        .text_alternative()
        .startswith("Learned positions 0 to 3, 2 dimensions")
    )


@pytest.mark.parametrize(("name", "value"), [("kind", "rotary"), ("kind", "alibi"), ("base", 20), ("position", 30)])
def test_the_picture_follows(follows, name, value):
    explorer = PositionExplorer()
    follows(explorer, lambda: setattr(explorer, name, value))


def test_the_picture_shows_the_table_and_the_curve():
    explorer = PositionExplorer("alibi", length=12, d_model=16)
    table, curve = explorer.still().axes[:2]
    np.testing.assert_allclose(table.images[0].get_array(), explorer.encoding)
    np.testing.assert_allclose(curve.lines[0].get_ydata(), explorer.similarity)
    np.testing.assert_allclose(curve.lines[1].get_xdata(), explorer.position)
    assert table.images[0].get_clim() == (explorer.encoding.min(), -explorer.encoding.min())


def test_a_table_of_zeros_is_drawn_too(kept):
    kept(PositionExplorer(learned=np.zeros((4, 2))))


@pytest.mark.parametrize("kind", ["sinusoidal", "rotary", "alibi", "learned"])
def test_only_positions_notice_an_order(rng, kind):
    learned = rng.normal(size=(20, 16)) if kind == "learned" else None
    explorer = PositionExplorer(kind, length=20, d_model=16, learned=learned)
    before = explorer.weights
    np.testing.assert_allclose(before.sum(axis=1), 1)
    explorer.order = [3, 0, 5, 1, 4, 2]
    after = explorer.weights
    np.testing.assert_allclose(after[0], before[0], atol=1e-12)
    assert np.abs(after[1] - before[1]).max() > 0.01
    explorer.order = range(6)
    np.testing.assert_allclose(explorer.weights, before)


def test_alibi_takes_both_directions_alike():
    explorer = PositionExplorer("alibi", length=20, d_model=16)
    explorer.order = [5, 4, 3, 2, 1, 0]
    backwards = explorer.weights[1]
    explorer.order = [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(explorer.weights[1], backwards)


def test_sizes_can_be_moved_and_what_is_followed_stays_inside():
    explorer = PositionExplorer(length=40, d_model=32)
    explorer.position, explorer.pair = 39, 15
    explorer.length, explorer.d_model = 4, 6
    assert (explorer.position, explorer.pair) == (3, 2)
    assert explorer.encoding.shape == (4, 6)
    assert explorer.similarity.shape == (4,)
    assert explorer.weights.shape == (2, 4)


def test_sizes_and_orders_that_make_no_sense_are_refused(rng):
    explorer = PositionExplorer(length=40, d_model=32)
    for name, value, words in [
        ("length", 1, "length is 1; expected a whole number from 2"),
        ("d_model", 7, "even number"),
        ("pair", 16, "pair is 16; expected a whole number from 0 to 15"),
        ("order", [0, 1, 2, 3, 4, 4], "each of the places 0 to 5 once"),
        ("order", None, "each of the places 0 to 5 once"),
    ]:
        with pytest.raises(ValueError, match=words):
            setattr(explorer, name, value)
    learned = PositionExplorer(learned=rng.normal(size=(9, 6)))
    learned.length = 9
    with pytest.raises(ValueError, match="d_model stays 6"):
        learned.d_model = 8

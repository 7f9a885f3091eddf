"""AttentionPlayground without a browser: what it takes, what it computes, and what any learner's function can do to it."""

import json
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.attention import causal_mask, scaled_dot_product_attention
from course_lib.widgets import AttentionPlayground

TOKENS = ["the", "cat", "sat"]
QUERIES = np.array([[0.6, -1.2], [1.5, 0.8], [-0.4, 1.6]])
KEYS = np.array([[1.1, -0.5], [0.5, 1.5], [1.4, 0.4]])
VALUES = np.array([[1.6, 0.3, 2.0], [0.4, 1.6, -1.0], [-1.5, 0.7, 0.0]])


def as_python(queries, keys, values, mask=None):
    """The library's function under another name: Python then computes for the page."""
    return scaled_dot_product_attention(queries, keys, values, mask)


def playground(attention=scaled_dot_product_attention, **options):
    return AttentionPlayground(TOKENS, QUERIES, KEYS, VALUES, attention, **options)


def from_page(widget, **changes):
    """Do what the page does: send the whole state under the next number."""
    state = json.loads(json.dumps({**widget.view.state, **changes, "seq": widget.view.state["seq"] + 1}))
    widget.view.set_state({"state": json.dumps(state)})


def answered(widget):
    """What the page reads out of the buffer."""
    numbers = np.frombuffer(widget.view.answer, dtype="<f4")
    n, d_v = len(widget.tokens), widget.values.shape[1]
    weights, context = np.split(numbers, [n * n])
    return weights.reshape(n, n), context.reshape(n, d_v)


def test_it_holds_what_it_was_given_and_what_follows():
    widget = playground()
    context, weights = scaled_dot_product_attention(QUERIES, KEYS, VALUES)
    for got, expected in [
        (widget.queries, QUERIES), (widget.keys, KEYS), (widget.values, VALUES), (widget.scores, QUERIES @ KEYS.T),
        (widget.scaled_scores, QUERIES @ KEYS.T / np.sqrt(2)), (widget.weights, weights), (widget.context, context),
    ]:  # fmt: skip
        np.testing.assert_allclose(got, expected, rtol=1e-15)
        assert got.dtype == np.float64
    assert widget.mask.dtype == bool
    assert widget.mask.all()
    assert widget.tokens == TOKENS
    assert (widget.error, widget.notes) == ("", [])


def test_the_page_gets_the_same_numbers_in_one_buffer():
    widget = playground(as_python, mask=causal_mask(3))
    for got, expected in zip(answered(widget), [widget.weights, widget.context], strict=True):
        np.testing.assert_array_equal(got, expected.astype("<f4"))


def test_the_page_computes_by_itself_only_with_the_librarys_function():
    widget = playground()
    assert widget.view.in_page and widget.view.answer == b""
    calls = []

    def mine(queries, keys, values, mask=None):
        calls.append(queries)
        return scaled_dot_product_attention(queries, keys, values, mask)

    widget.attention = mine
    assert not widget.view.in_page and len(calls) == 1
    np.testing.assert_array_equal(answered(widget)[0], widget.weights.astype("<f4"))
    widget.attention = scaled_dot_product_attention
    widget.queries = QUERIES * 3
    assert widget.view.in_page and len(calls) == 1
    np.testing.assert_array_equal(widget.weights, scaled_dot_product_attention(QUERIES * 3, KEYS, VALUES)[1])


def test_a_crowd_of_tokens():
    rng = np.random.default_rng(0)
    tokens = [f"t{index}" for index in range(256)]
    vectors = rng.normal(size=(3, 256, 2))
    widget = AttentionPlayground(tokens, *vectors, as_python, mask=causal_mask(256))
    np.testing.assert_array_equal(answered(widget)[0], widget.weights.astype("<f4"))
    widget.selected = 200
    winner = int(widget.weights[200].argmax())
    words = widget.text_alternative()
    assert f"“t200” attends most to “t{winner}”" in words and len(words) < 250
    assert widget.still().get_size_inches()[0] < 12
    assert len(json.dumps(widget.view.state)) < 120_000  # one message of a drag


small = arrays(np.float64, (3, 2), elements=st.floats(-10, 10))


@settings(max_examples=40, deadline=None)
@given(queries=small, keys=small, mask=arrays(np.bool_, (3, 3)))
def test_any_state_from_the_page_is_answered_under_its_own_number(queries, keys, mask):
    widget = playground()
    rows = ["".join("1" if may else "0" for may in row) for row in mask]
    from_page(widget, queries=queries.tolist(), keys=keys.tolist(), mask=rows)
    context, weights = scaled_dot_product_attention(queries, keys, VALUES, mask)
    np.testing.assert_array_equal(widget.weights, weights)
    np.testing.assert_array_equal(widget.context, context)
    np.testing.assert_array_equal(widget.mask, mask)
    assert widget.view.answered["seq"] == widget.view.state["seq"] == 1
    assert widget.error == ""
    assert widget.notes == []


def test_setting_from_python_counts_on_and_recomputes():
    widget = playground()
    widget.queries = np.zeros((3, 2))
    np.testing.assert_allclose(widget.weights, 1 / 3)
    widget.keys = KEYS[::-1].tolist()
    widget.values = VALUES * 2
    widget.mask = causal_mask(3)
    np.testing.assert_allclose(widget.weights[0], [1, 0, 0])
    widget.mask = None
    assert widget.mask.all()
    assert widget.view.answered["seq"] == widget.view.state["seq"] == 5


def test_a_failed_setting_changes_nothing():
    widget = playground()
    with pytest.raises(
        ValueError, match=r"queries has shape \(3, 4\), so its axis dimensions is 4; expected .* with dimensions = 2"
    ):
        widget.queries = np.zeros((3, 4))
    with pytest.raises(ValueError, match=r"nan at index \(0, 0\)"):
        widget.keys = KEYS * np.nan
    assert widget.view.state["seq"] == 0
    np.testing.assert_array_equal(widget.queries, QUERIES)


def test_what_is_read_is_a_copy():
    widget = playground()
    for name in ("queries", "keys", "values", "mask", "scores", "scaled_scores", "weights", "context"):
        getattr(widget, name)[...] = 0
        assert getattr(widget, name).any(), name


def test_everything_that_a_new_view_needs_is_in_the_synced_state():
    widget = playground(title="Play", presets={"causal": {"mask": causal_mask(3)}})
    widget.stage, widget.selected = "context", 1
    widget.queries = QUERIES + 1
    state = widget.view.get_state()
    assert (state["stage"], state["selected"], state["title"]) == ("context", 1, "Play")
    assert json.loads(state["state"])["queries"] == (QUERIES + 1).tolist()
    assert state["starting_state"]["queries"] == QUERIES.tolist()
    assert state["presets"] == {"causal": {"mask": ["100", "110", "111"]}}
    assert state["function"] == "scaled_dot_product_attention"
    assert json.loads(state["answered"])["seq"] == 1
    json.dumps({name: value for name, value in state.items() if name != "answer"})


# --- the learner's function ---


def test_masks_reach_the_function_only_where_something_is_masked():
    seen = []

    def spy(queries, keys, values, mask="not given"):
        seen.append(mask)
        return scaled_dot_product_attention(queries, keys, values, None if isinstance(mask, str) else mask)

    widget = playground(spy)
    widget.mask = causal_mask(3)
    assert isinstance(seen[0], str)
    np.testing.assert_array_equal(seen[1], causal_mask(3))
    assert seen[1].dtype == bool


def test_a_function_without_a_mask_works_until_one_is_needed():
    widget = playground(lambda queries, keys, values: scaled_dot_product_attention(queries, keys, values))
    assert widget.error == ""
    widget.mask = causal_mask(3)
    assert "mask" in widget.error
    assert "TypeError" in widget.error


def fails_with(error):
    def attention(queries, keys, values, mask=None):
        raise error

    return attention


class Hostile(Exception):
    def __str__(self):
        raise RuntimeError("no text from me")


WRONG = {
    "raises": (fails_with(ValueError("<b>boom</b>")), "ValueError: <b>boom</b>"),
    "raises nested": (lambda q, k, v, mask=None: {}["missing"], "KeyError: 'missing'"),
    "hostile": (fails_with(Hostile()), "Hostile"),
    "stub": (fails_with(NotImplementedError()), "Not written yet: attention raises NotImplementedError"),
    "stub with words": (fails_with(NotImplementedError("later")), "Not written yet: later"),
    "assertion": (fails_with(AssertionError()), "AssertionError"),
    "endless recursion": (lambda q, k, v, mask=None: WRONG["endless recursion"][0](q, k, v), "RecursionError"),
    "None": (lambda q, k, v, mask=None: None, "returned None"),
    "one array": (
        lambda q, k, v, mask=None: v,
        "must return the pair (context, weights); it returned an array of shape (3, 3)",
    ),
    "three": (lambda q, k, v, mask=None: (v, v, v), "it returned a tuple of 3"),
    "words": (lambda q, k, v, mask=None: ("a", "b"), "context is one string; expected an array of real numbers"),
    "ragged": (lambda q, k, v, mask=None: ([[1], [2, 3]], q), "context cannot be read as an array"),
    "complex": (lambda q, k, v, mask=None: (v, np.eye(3) * 1j), "weights has dtype complex128"),
    "swapped": (
        lambda q, k, v, mask=None: (np.eye(3)[:, :2], v),
        "context has shape (3, 2), so its axis d_v is 2; expected (queries, d_v) with d_v = 3",
    ),
    "row": (lambda q, k, v, mask=None: (v, np.ones(3)), "weights has shape (3,); expected (queries, keys)"),
    "NaN": (
        lambda q, k, v, mask=None: (v, np.diag([1, np.nan, 1])),
        "weights holds nan at index (1, 1) of its shape (3, 3); expected finite numbers, in the row of “cat”",
    ),
    "infinity": (lambda q, k, v, mask=None: (np.full((3, 3), np.inf), np.eye(3)), "context holds inf at index (0, 0)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_is_explained_and_the_last_picture_stays(name):
    function, expected = WRONG[name]
    widget = playground()
    good = widget.weights
    widget.attention = function
    assert expected in widget.error
    np.testing.assert_array_equal(widget.weights, good)
    widget.queries = QUERIES * 2
    assert expected in widget.error
    np.testing.assert_array_equal(widget.weights, good)
    np.testing.assert_allclose(widget.scores, QUERIES @ KEYS.T * 2)
    np.testing.assert_array_equal(answered(widget)[0], good.astype("<f4"))
    widget.attention = scaled_dot_product_attention
    assert widget.error == ""
    assert not np.array_equal(widget.weights, good)


@pytest.mark.parametrize("name", WRONG)
def test_a_function_wrong_from_the_start_leaves_scores_and_no_weights(name):
    function, expected = WRONG[name]
    widget = playground(function)
    assert expected in widget.error
    assert widget.weights is None
    assert widget.context is None
    weights, context = answered(widget)
    np.testing.assert_array_equal(widget.scores, QUERIES @ KEYS.T)
    assert np.isnan(weights).all() and np.isnan(context).all()
    data, _ = widget._repr_mimebundle_()
    assert data["image/png"]
    assert "no weights to show" in data["text/plain"]


def test_an_error_names_the_learners_own_line_and_none_of_ours():
    def attention(queries, keys, values, mask=None):
        return softmax_of_mine(queries @ keys.T)

    def softmax_of_mine(scores):
        return scores / undefined_name  # noqa: F821

    error = playground(attention).error
    assert error.splitlines()[-1].startswith("NameError: name 'undefined_name' is not defined")
    assert "in softmax_of_mine: return scores / undefined_name" in error
    assert "in attention: return softmax_of_mine(queries @ keys.T)" in error
    assert "course_lib" not in error


def test_a_long_error_is_cut():
    assert len(playground(fails_with(ValueError("long " * 10_000))).error) <= 900


def test_interrupting_still_interrupts():
    with pytest.raises(KeyboardInterrupt):
        playground(fails_with(KeyboardInterrupt()))


def test_a_function_that_spoils_its_inputs_spoils_nothing():
    def attention(queries, keys, values, mask=None):
        result = scaled_dot_product_attention(queries, keys, values, mask)
        for array in (queries, keys, values):
            array[...] = 99
        if mask is not None:
            mask[...] = False
        return result

    widget = playground(attention, mask=causal_mask(3))
    np.testing.assert_array_equal(widget.queries, QUERIES)
    np.testing.assert_array_equal(widget.mask, causal_mask(3))
    np.testing.assert_allclose(widget.scores, QUERIES @ KEYS.T)


@pytest.mark.parametrize("kind", [np.float32, np.float16, list])
def test_other_kinds_of_numbers_are_welcome(kind):
    def attention(queries, keys, values, mask=None):
        context, weights = scaled_dot_product_attention(queries, keys, values, mask)
        return (context.tolist(), weights.tolist()) if kind is list else (context.astype(kind), weights.astype(kind))

    widget = playground(attention)
    assert widget.error == ""
    np.testing.assert_allclose(widget.weights, scaled_dot_product_attention(QUERIES, KEYS, VALUES)[1], atol=2e-3)


def columns_sum(queries, keys, values, mask=None):
    weights = np.exp(queries @ keys.T)
    weights = weights / weights.sum(axis=0)
    return weights @ values, weights


def mask_after(queries, keys, values, mask=None):
    context, weights = scaled_dot_product_attention(queries, keys, values)
    return context, weights


def wrong_mix(queries, keys, values, mask=None):
    return values, scaled_dot_product_attention(queries, keys, values, mask)[1]


def test_odd_weights_are_pointed_out_but_shown():
    widget = playground(columns_sum)
    assert widget.error == ""
    assert any("sums to" in note and "not 1" in note for note in widget.notes)
    assert any("hides" in note for note in playground(mask_after, mask=causal_mask(3)).notes)
    assert any("not its weights times the values" in note for note in playground(wrong_mix).notes)
    negative = playground(
        lambda q, k, v, mask=None: ((3 * np.eye(3) - 2 * np.eye(3)[::-1]) @ v, 3 * np.eye(3) - 2 * np.eye(3)[::-1])
    )
    assert any("negative" in note for note in negative.notes)


def test_a_fully_masked_row_of_zeros_is_as_it_should_be():
    mask = np.ones((3, 3), dtype=bool)
    mask[1] = False
    widget = playground(mask=mask)
    assert widget.notes == []
    assert not widget.weights[1].any()
    assert "“cat” attends to nothing" in widget.text_alternative()


@pytest.mark.parametrize("attention", [as_python, scaled_dot_product_attention])
def test_a_state_that_no_page_should_send_is_reported_and_survived(attention):
    widget = playground(attention)
    from_page(widget, queries=[[1, 2]])
    assert "queries has shape" in widget.error
    from_page(widget, queries=QUERIES.tolist())
    assert widget.error == ""


def test_many_threads_end_at_the_state_that_is_shown():
    widget = playground()

    def push(factor):
        for step in range(20):
            widget.queries = QUERIES * (factor + step / 20)

    threads = [threading.Thread(target=push, args=(factor,)) for factor in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert widget.view.answered["seq"] == widget.view.state["seq"] == 80
    np.testing.assert_array_equal(widget.weights, scaled_dot_product_attention(widget.queries, KEYS, VALUES)[1])


# --- what comes in ---

GOOD = {"tokens": TOKENS, "queries": QUERIES, "keys": KEYS, "values": VALUES}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"tokens": []}, ValueError, "tokens has 0 entries; expected 1 to 256"),
        ({"tokens": ["x"] * 2_000}, ValueError, "tokens has 2000 entries; expected 1 to 256"),
        ({"tokens": "the cat"}, TypeError, "list of strings"),
        ({"tokens": ["a", 1, "c"]}, TypeError, "is a value of type int; expected a string"),
        (
            {"queries": QUERIES[:2]},
            ValueError,
            r"queries has shape \(2, 2\), so its axis tokens is 2; expected .* tokens = 3",
        ),
        ({"keys": KEYS[0]}, ValueError, r"keys has shape \(2,\); expected \(tokens, dimensions\)"),
        ({"keys": VALUES}, ValueError, r"keys has shape \(3, 3\), so its axis d_k is 3; expected .* with d_k = 2"),
        ({"values": np.zeros((3, 9))}, ValueError, "so its axis dimensions is 9; expected at most 8"),
        ({"values": np.zeros((3, 0))}, ValueError, r"values has shape \(3, 0\), which is empty"),
        ({"values": [[1, 2], [3], [4, 5]]}, ValueError, "values cannot be read as an array"),
        ({"queries": QUERIES * np.inf}, ValueError, "queries holds inf at index"),
        ({"keys": [[1, 2], [3, float("nan")], [5, 6]]}, ValueError, r"keys holds nan at index \(1, 1\)"),
        ({"queries": [["a", "b"]] * 3}, ValueError, "queries has dtype <U1"),
        ({"mask": np.ones((3, 3))}, ValueError, "mask has dtype float64"),
        (
            {"mask": causal_mask(4)},
            ValueError,
            r"mask has shape \(4, 4\), so its axis queries is 4; expected .* queries = 3",
        ),
        ({"attention": "softmax"}, TypeError, "attention is one string; expected a function"),
        ({"presets": {"odd": {"query": QUERIES}}}, ValueError, r"presets\['odd'\].*'query'"),
        ({"presets": {"odd": {"keys": VALUES}}}, ValueError, r"presets\['odd'\]: keys has shape"),
        ({"title": 3}, TypeError, "title"),
    ],
)
def test_bad_input_is_refused_by_name(change, error, words):
    with pytest.raises(error, match=words):
        AttentionPlayground(**{**GOOD, **change})


def test_stage_and_selection_are_checked():
    widget = playground()
    with pytest.raises(ValueError, match="expected one of 'scores', 'scaled'"):
        widget.stage = "softmax"
    with pytest.raises(ValueError, match="selected is 3; expected a whole number from 0 to 2"):
        widget.selected = 3


# --- where no kernel runs ---


def png(widget):
    """The still as it is kept in a notebook."""
    data, _ = widget._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG")
    return data["image/png"]


def test_a_still_and_a_sentence_stand_beside_the_live_view():
    data, metadata = playground(title="Where do they look? $1")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"].startswith("Attention over “the cat sat”: “the” attends most to “the”")
    assert metadata["image/png"]["alt"] == data["text/plain"]
    assert 300 < metadata["image/png"]["width"] < 1200
    assert len(data["image/png"]) < 100_000


def test_the_still_follows_the_state():
    widget = playground()
    before = png(widget)
    assert png(widget) == before
    widget.queries = -QUERIES
    assert png(widget) != before
    assert widget.still().alternative == widget.text_alternative()


def test_the_still_shows_the_stage():
    widget = playground()
    widget.mask = causal_mask(3)
    scaled = QUERIES @ KEYS.T / np.sqrt(2)
    expected = {
        "scores": QUERIES @ KEYS.T,
        "scaled": scaled,
        "masked": np.where(causal_mask(3), scaled, -np.inf),
        "weights": widget.weights,
    }
    for widget.stage, numbers in expected.items():
        drawn = [mesh.get_array() for ax in widget.still().axes for mesh in ax.collections]
        (heatmap,) = [values for values in drawn if values is not None and np.size(values) == 9]
        np.testing.assert_allclose(np.ma.filled(heatmap, -np.inf).reshape(3, 3), numbers)
    widget.mask = np.zeros((3, 3), bool)
    widget.stage = "masked"
    assert png(widget)


@pytest.mark.parametrize("function", [columns_sum, lambda q, k, v, mask=None: (v, -5 * np.eye(3))])
def test_the_still_draws_wrong_weights_too(function):
    assert png(playground(function))


@pytest.mark.filterwarnings("error")
def test_the_still_takes_any_token_and_size():
    tokens = ["$x_1$", "", "<b>", "猫", "a" * 500, "\n", *"ghijkl"]
    assert png(AttentionPlayground(tokens, *np.random.default_rng(0).normal(size=(3, 12, 2))))
    assert png(AttentionPlayground(["one"], [[1.0]], [[2.0]], [[3.0]]))


# --- how far the lesson has come ---


@pytest.mark.parametrize(
    ("stages", "steps", "first"),
    [
        ("scores", ["scores"], "scores"),
        ("masked", ["scores", "scaled", "masked"], "masked"),
        ("weights", ["scores", "scaled", "masked", "weights"], "weights"),
        (("scores", "weights", "context"), ["scores", "weights", "context"], "weights"),
        (["scores", "context"], ["scores", "context"], "context"),
    ],
)
def test_only_the_steps_that_a_lesson_has_come_to_are_there(stages, steps, first, refuses):
    widget = playground(stages=stages)
    assert (widget.stages, widget.stage, widget.view.get_state()["stages"]) == (steps, first, steps)
    assert widget.weights.shape == (3, 3)  # whatever is shown
    other = next(step for step in ("scaled", "context") if step not in steps) if len(steps) < 5 else None
    refuses(lambda: setattr(widget, "stage", other), "stage", repr(other), repr(steps[-1]))


def test_all_steps_are_there_by_default():
    assert playground().stages == playground(stages="context").stages
    assert (len(playground().stages), playground().stage) == (5, "weights")


@pytest.mark.parametrize("stages", ["softmax", [], ["weights", "scores"], ["scores", "scores"], ["scores", "mix"], [1]])
def test_steps_that_there_are_not_are_refused(stages, refuses):
    refuses(lambda: playground(stages=stages), "stages", error=(ValueError, TypeError))


def test_a_still_of_scores_tells_of_scores_and_draws_no_values():
    widget = AttentionPlayground(TOKENS, QUERIES, KEYS, QUERIES, stages="scores")
    assert widget.text_alternative().startswith(
        "Queries and keys of “the cat sat”: “the” scores highest with “the” (1.26)"
    )
    titles = " ".join(ax.get_title() for ax in widget.still().axes)
    assert "scores" in titles
    assert "values" not in titles
    whole = AttentionPlayground(TOKENS, QUERIES, KEYS, QUERIES)
    assert len(whole.still().axes) > len(widget.still().axes)

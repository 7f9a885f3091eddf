"""Whatever a learner's function does, the check gives a clear verdict and the notebook goes on."""

import re
import sys
import threading
import time

import numpy as np
import pytest
import torch

from course_lib.classroom.practice import exercise, show
from course_lib.classroom.practice.slips.influence import table_of_influence
from course_lib.classroom.practice.trial import call
from course_lib.models.blocks import EncoderBlock

SOFTMAX = exercise("03.softmax")


def verdict(candidate, **options):
    result = SOFTMAX.check(candidate, record=False, **options)
    bundle = result._repr_mimebundle_()
    assert bundle["text/plain"] == str(result)
    assert result.outcome in bundle["text/html"]
    return result


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr for you")

    __str__ = __repr__

    @property
    def __class__(self):
        raise RuntimeError("nor a class")


class HostileArray(np.ndarray):
    def __repr__(self):
        raise RuntimeError("no repr for you")

    def __array_ufunc__(self, *args, **kwargs):
        raise RuntimeError("no arithmetic for you")


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no message for you")


def right(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


ODD_RESULTS = {
    "None": (None, "returns-nothing"),
    "list": ([0.5, 0.5], "wrong-shape"),
    "list of lists": ([[0.5, 0.5]], "returns-a-list"),
    "pair": ((np.ones(2), np.ones(2)), "returns-several"),
    "comma": ((np.ones(2),), "returns-several"),
    "tensor": (torch.ones(2), "returns-a-tensor"),
    "string": ("weights", "wrong-type"),
    "dict": ({}, "wrong-type"),
    "hostile": (Hostile(), "wrong-type"),
    "objects": (np.array([1, "a"], dtype=object), "wrong-dtype"),
    "complex": (np.array([1j]), "wrong-dtype"),
    "strings": (np.array(["x"]), "wrong-dtype"),
    "number": (3.0, "wrong-shape"),
    "empty": (np.zeros((0, 5)), "wrong-shape"),
}


@pytest.mark.parametrize("kind", ODD_RESULTS)
def test_what_is_not_an_array_is_named(kind):
    returned, diagnosis = ODD_RESULTS[kind]
    result = verdict(lambda scores: returned)
    assert (result.outcome, result.diagnosis) == ("failed", diagnosis)


@pytest.mark.parametrize(("held", "kind"), [("text", "a str"), (None, "nothing (None)")])
def test_a_list_of_what_is_no_number_is_called_a_list(held, kind):
    with pytest.raises(AssertionError) as raised:
        call(lambda: [held, held])
    assert (
        raised.value.args[0].message == f"Your function returns a list that holds {kind}; a NumPy array was expected."
    )


def test_two_arrays_of_different_shapes_are_named():
    pair = np.ones((7, 2)), np.ones((7, 5))  # attention's pair, where its weights alone were asked for
    result = exercise("03.weights_at_angles").check(lambda angles, length, keys: pair, record=False)
    assert (result.outcome, result.diagnosis) == ("failed", "returns-several")


def test_an_array_with_a_hostile_subclass_is_judged_by_its_numbers():
    assert verdict(lambda scores: right(scores).view(HostileArray)).passed


@pytest.mark.parametrize("candidate", [None, ..., lambda scores: (_ for _ in ()).throw(NotImplementedError())])
def test_a_stub_is_unattempted(candidate):
    result = verdict(candidate)
    assert (result.outcome, result.diagnosis) == ("unattempted", None)


@pytest.mark.parametrize("kind", ["number", "string", "hostile"])
def test_what_is_not_a_function_is_named(kind):
    result = verdict(ODD_RESULTS[kind][0])
    assert (result.outcome, result.diagnosis) == ("failed", "not-a-function")


def test_wrong_parameters_are_named():
    result = verdict(lambda scores, temperature: scores)
    assert result.diagnosis == "wrong-parameters"
    assert "(scores, temperature)" in result.message


def test_an_error_shows_the_lines_that_are_theirs():
    def helper(scores):
        return scores.reshape(-1, 7)

    def candidate(scores):
        return helper(scores)

    result = verdict(candidate)
    assert result.outcome == "error"
    assert "cannot reshape" in result.message
    assert [line.split(":")[0].split(", in ")[1] for line in result.lines] == ["candidate", "helper"]
    assert "return scores.reshape(-1, 7)" in str(result)
    assert "course_lib" not in "".join(result.lines)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), HostileError(), RecursionError("deep")])
def test_any_error_is_survived(error):
    def candidate(scores):
        raise error

    assert verdict(candidate).outcome == "error"


def test_a_loop_without_end_is_stopped():
    def candidate(scores):
        while True:
            pass

    before = threading.active_count()
    result = verdict(candidate, seconds=0.2)
    assert (result.outcome, result.diagnosis) == ("failed", "never-ends")
    assert "0.2 seconds" in result.message
    assert threading.active_count() == before


def test_a_loop_that_swallows_exceptions_is_stopped_too():
    def candidate(scores):
        for _ in range(3):
            try:
                while True:
                    pass
            except BaseException:
                continue

    before = threading.active_count()
    assert verdict(candidate, seconds=0.2).diagnosis == "never-ends"
    assert threading.active_count() == before


def test_what_cannot_be_stopped_is_left_behind_and_said():
    began = time.monotonic()
    result = verdict(lambda scores: time.sleep(6), seconds=0.2)
    assert time.monotonic() - began < 5
    assert result.diagnosis == "never-ends"
    assert "restart the kernel" in result.message


def test_megabytes_of_output_are_cut_and_stdout_is_given_back():
    before = sys.stdout

    def candidate(scores):
        for _ in range(500):
            print("x" * 10_000)
        return right(scores)

    result = verdict(candidate)
    assert result.passed
    assert sys.stdout is before
    assert len(result.printed) < 3_000
    assert "more characters" in result.printed


def test_output_is_text_not_markup():
    def candidate(scores):
        print("<script>alert(1)</script>")
        raise ValueError("<img src=x onerror=alert(1)>")

    html = verdict(candidate)._repr_mimebundle_()["text/html"]
    assert "<script>" not in html and "<img" not in html
    assert "&lt;script&gt;" in html


UNPRINTABLE = "\ud800 \x1b[31m \u202e"


def prints(scores):
    print(UNPRINTABLE)
    return scores


def raises(scores):
    raise ValueError(UNPRINTABLE)


@pytest.mark.parametrize("candidate", [prints, raises])
def test_a_verdict_can_be_printed_anywhere_and_steers_no_terminal(candidate):
    result = verdict(candidate)
    assert r"\ud800 \x1b[31m \u202e" in str(result)
    for shown in (str(result), result._repr_mimebundle_()["text/html"], result.message, result.printed):
        shown.encode()
        assert "\x1b" not in shown and "\u202e" not in shown


def test_each_stage_of_a_progress_bar_has_its_line():
    def candidate(scores):
        print("\r 50%\r100%\r\ndone")
        return right(scores)

    assert verdict(candidate).printed.startswith("\n 50%\n100%\ndone\n")


def test_dollar_signs_of_a_learner_are_no_mathematics():
    def candidate(scores):
        raise ValueError("costs $5 or $6")

    html = verdict(candidate)._repr_mimebundle_()["text/html"]
    assert re.match(r'<div class="mathjax_ignore tex2jax_ignore"', html)  # of all of it
    for panel in (show.Code("t", "f'${a}$'"), show.Comparison("t", "$a$", "$b$"), show.Note("$x$")):
        assert re.match(r'<div class="mathjax_ignore tex2jax_ignore"', panel.html())


def test_a_fault_of_the_check_itself_is_not_the_learners():
    from course_lib.classroom.practice.exercises import Exercise

    def assertions(candidate):
        raise KeyError("a bug of ours")

    with pytest.raises(KeyError):
        Exercise("03.x", "x", 1, [], assertions).check(lambda: None, record=False)


def test_influence_sees_which_key_moves_which_row():
    rng = np.random.default_rng(0)
    queries, keys = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    causal = np.tri(4, dtype=bool)
    seen = table_of_influence(lambda keys: right(np.where(causal, queries @ keys.T, -np.inf)), keys)
    # Row 0 has one key and so always the weight 1: nothing moves it.
    assert np.array_equal(seen[1:], causal[1:])
    assert not seen[0].any()


def test_influence_is_seen_behind_a_layer_norm_and_in_any_axis_of_a_row():
    def normed(x):
        x = x - x.mean(axis=-1, keepdims=True)
        return np.cumsum(x, axis=0)[:, None] * np.eye(2)[:, :1]

    assert np.array_equal(
        table_of_influence(normed, np.random.default_rng(0).normal(size=(4, 3))), np.tri(4, dtype=bool)
    )


def test_influence_is_seen_through_a_pre_norm_block_without_a_mask():
    torch.manual_seed(0)
    block = EncoderBlock(16, 2, 32, norm_first=True).double().eval()

    def function(x):
        return block(torch.from_numpy(x)[None])[0][0].detach().numpy()

    x = np.random.default_rng(0).normal(size=(6, 16))
    same = x + np.eye(6)[-1:].T  # one number added to every feature of the last token: its norm takes it away
    assert np.allclose(function(same)[:-1], function(x)[:-1])
    assert table_of_influence(function, x).all()

"""What counts as right, and what as the same."""

import numpy as np
import pytest
import torch

from course_lib.classroom.practice import answers, errors, steps
from course_lib.classroom.practice.answers import Listed, Odd, Raised, alike, plain, right

HALF = np.array([0.5, 0.5])


@pytest.mark.parametrize(
    ("got", "expected", "is_right"),
    [
        (HALF, HALF, True),
        (HALF + 1e-9, HALF, True),
        (HALF + 1e-3, HALF, False),
        (HALF.astype(np.float32), HALF, True),
        (HALF[:, None], HALF, False),
        (0, np.array(0.0), True),  # a whole number where a float is asked for
        (np.array([1.0, 2.0]), np.array([1, 2]), False),  # but not the other way round
        (np.array([1, 2], dtype=np.int32), np.array([1, 2]), True),
        (np.array([1, 0]), np.array([True, False]), False),
        (np.array([True, False]), np.array([1, 0]), False),
        ([True, False], np.array([True, False]), True),  # a list of plain values counts as the array
        ([[1.0, 2.0]], np.array([[1.0, 2.0]]), False),  # a list of lists does not
        ([HALF, HALF], (HALF, HALF), True),  # a list of the asked-for arrays counts as the tuple
        ((HALF, HALF), HALF, False),
        (HALF, (HALF, HALF), False),
        (np.array([np.nan]), np.array([np.nan]), True),
        (np.array([np.nan]), np.array([0.0]), False),
        (2**40, np.array(2**40), True),
        (2**40 + 1, np.array(2**40), False),  # exactly, however large
        (None, HALF, False),
        ("half", HALF, False),
        (torch.ones(2), np.ones(2), False),
    ],
)
def test_right(got, expected, is_right):
    assert right(plain(got), plain(expected)) is is_right


def test_a_case_may_allow_more():
    assert right(HALF + 1e-3, HALF, within=1e-2) and not right(HALF + 1e-3, HALF, within=1e-9)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Raised("ValueError"), Raised("ValueError"), True),
        (Raised("ValueError"), Raised("IndexError"), False),
        (Odd("returns-nothing", "nothing (None)"), Odd("returns-nothing", "nothing (None)"), True),
        ((HALF, (HALF, HALF)), (HALF, (HALF, HALF)), True),
        ((HALF, HALF), (HALF, HALF + 1), False),
        (Listed([HALF]), (HALF,), True),
        (HALF, Raised("ValueError"), False),
        (np.array([1, 0]), np.array([True, False]), False),
        (np.array([1, 0]), np.array([1.0, 0.0]), True),
    ],
)
def test_alike(one, other, same):
    assert alike(one, other) is same


def test_odd_things_are_told_in_words():
    assert plain(None).diagnosis == "returns-nothing"
    assert plain({}).kind == "a dict"
    assert plain(np.ma.array([1.0, 2.0], mask=[True, False])).kind == "a MaskedArray"
    assert plain(np.array(["x"])) == Odd("wrong-dtype", "an array of strings")
    assert plain(np.array([1j])) == Odd("wrong-dtype", "an array of complex numbers")


@pytest.mark.parametrize(
    "change",
    [lambda x: x[0].fill(9), lambda x: x[1][1][0].fill(9), lambda x: x[2]["a"].fill(9), lambda x: x[1].pop()],
)
def test_what_a_function_is_given_is_a_copy_and_a_change_is_seen(change):
    inputs = [np.arange(3), [np.arange(2), (np.arange(2),)], {"a": np.arange(2)}, abs]
    given = answers.copied(inputs)
    assert answers.unchanged(given, inputs)
    change(given)
    assert not answers.unchanged(given, inputs)
    assert inputs[0][1] == inputs[1][1][0][1] == inputs[2]["a"][1] == 1


# Each as a learner's function runs into it.
RAISES = {
    "is None": lambda mask: 1 if mask else 2,
    "compare whole arrays": lambda x: max(0, x),
    "number of axes": lambda x: [b for b, t, c in [x.shape]],
    "index more axes": lambda x: x[:, None, :, 0],
    "fewer axes": lambda x: x.sum(axis=5),
    "inner sizes": lambda x: x @ np.ones((7, 2)),
    "turns all of its axes": lambda x: x @ np.ones((2, 7)).T,
    "names all axes": lambda x: x.transpose(0, 2, 1),
    "Nothing is left": lambda x: x[:0].max(),
    "a single number": lambda x: x[0, 0][0],
    "behind the last entry": lambda x: [][0],
    "line up": lambda x: x + np.ones(7),
    "right of the =": lambda x: x.__setitem__(0, np.ones(7)),
    "Take floats": lambda x: np.arange(1, 3) ** np.arange(-2, 0),
    "keeps all the numbers": lambda x: x.reshape(5, 5),
    "whole number": lambda x: x[3 / 2],
    "not of one length": lambda x: np.array([[1, 2], [3]]),
    "counted from 0": lambda x: x[9],
    "before the first entry": lambda x: x[-9],
    "for a size or a count": lambda x: x.reshape(3, 4 / 2),
    "divided by 0": lambda x: 1 / 0,
    "nothing of this name": lambda x: undefined_name,  # noqa: F821
    "not an array": lambda x: (x, x).shape,
}  # fmt: skip


@pytest.mark.parametrize("part", RAISES)
def test_why_an_error_came(part):
    with pytest.raises(Exception) as raised:
        RAISES[part](np.ones((2, 3)))
    line = {"is None": "line 1, in f: if mask:", "number of axes": "line 1, in f: b, t, c = x.shape",
            "compare whole arrays": "line 1, in f: return max(0, x)", "turns all of its axes": "line 1, in f: return x @ w.T",
            "keeps all the numbers": "line 1, in f: x.reshape(5, 5)"}.get(part, "line 1, in f: …")  # fmt: skip
    told = errors.cause(raised.type.__name__, str(raised.value), [line])
    assert part in told.replace("`", ""), (raised.type.__name__, str(raised.value), told)


def test_an_error_of_another_kind_is_left_alone():
    assert errors.cause("OSError", "no such file", ["line 1"]) == ""
    with pytest.raises(ValueError, match="cannot reshape") as raised:
        np.vdot(np.ones((2, 2)), np.ones((3, 2)))  # a reshape that nobody wrote
    assert errors.cause("ValueError", str(raised.value), ["line 1, in f: return np.vdot(a, b)"]) == ""


def test_a_slip_is_made_at_its_place_alone():
    @steps.step
    def double(x):
        return 2 * x

    def both(x):
        return double(x, at="first"), double(x, at="second")

    (first, second), sites = steps.run(both, [3])
    assert (first, second) == (6, 6) and [site.at for site in sites] == ["first", "second"]
    assert steps.run(both, [3], {sites[1]: lambda x: x})[0] == (6, 3)
    assert both(3) == (6, 6), "and nowhere else afterwards"

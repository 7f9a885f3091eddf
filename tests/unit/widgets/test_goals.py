"""Goals: shown, judged after each change, told once, and refused where they make no sense."""

import json

import numpy as np
import pytest

from course_lib.widgets import AttentionPlayground, DecodingStepper, Goal, MaskBuilder, goals
from tests.unit.widgets.test_base import MAKE, every_widget

VECTORS = [[1.0, 0.0], [0.0, 1.0]]


@pytest.fixture
def told(monkeypatch):
    """The names of the goals that were reached, as the course is told of them."""
    names = []
    monkeypatch.setattr(goals, "on_goal", names.append)
    return names


def play(reached, attention=None, **options):
    arguments = [["a", "b"], VECTORS, VECTORS, VECTORS, *([] if attention is None else [attention])]
    return AttentionPlayground(*arguments, goal=Goal("03.listens", "Make a listen to b", reached), **options)


@every_widget
def test_every_widget_takes_a_goal_and_notices_once(name, shares, told):
    wanted = [False]
    widget = MAKE[name](None, shares, goal=Goal("x", "Do it", lambda one: wanted[0]))
    assert (widget.view.goal, widget.view.reached) == ("Do it", False)
    trait = {"MergeStepper": "merges", "TrainingMonitor": "metrics", "BlockWalk": "token"}.get(name, "")
    trait = trait or next(one for one in ("selected", "position", "token", "beam_width") if one in widget.view.keys)
    for wanted[0] in (False, True, False):
        other = [{"step": 1 + len(told)}] if trait == "metrics" else 0 if getattr(widget.view, trait) else 1
        widget.view.set_state({trait: other})  # as the page sends it
        assert told == ["x"] * widget.view.reached
    assert widget.view.reached  # for good
    assert told == ["x"]
    without = MAKE[name](None, shares)
    assert (without.view.goal, without.view.reached) == ("", False)


def test_a_goal_sees_the_answer_to_the_change_that_it_is_judged_after(told):
    heard = play(lambda one: one.weights[0, 1] > 0.9)
    moved = {**heard.view.state, "queries": [[0.0, 9.0], [0.0, 1.0]], "seq": 1}
    heard.view.set_state({"state": json.dumps(moved)})
    assert heard.view.reached
    stepper = DecodingStepper(
        lambda ids: [float(len(ids)), 1.0], ["a", "b"], goal=Goal("d", "Let a win", lambda s: s.probabilities[0] > 0.5)
    )
    stepper.ids = [1]
    assert not stepper.view.reached
    stepper.ids = [1, 1]
    assert told == ["03.listens", "d"]


def test_a_goal_can_wait_for_a_function_that_does_not_work_yet(told):
    def stub(queries, keys, values, mask=None):
        raise NotImplementedError

    waiting = play(lambda one: one.weights[0, 1] > 0.9, stub)
    waiting.queries = [[0, 9], [0, 1]]
    assert not waiting.view.reached
    waiting.attention = lambda q, k, v, mask=None: (v, np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert told == ["03.listens"]


def test_what_was_reached_before_is_reached_in_every_state(told, monkeypatch):
    monkeypatch.setattr(goals, "was_reached", lambda name: name == "03.listens")
    again = play(lambda one: one.weights[0, 0] > 0.1)
    again.queries = [[0, 9], [0, 1]]
    assert again.view.reached and told == []


def test_what_is_no_goal_is_refused(refuses):
    refuses(lambda: play(lambda one: one.weights[0, 0] > 0.1), "03.listens", "reached in the state")
    refuses(lambda: MaskBuilder(3, goal="hide it"), "goal is one string", "Goal(name, text, reached)", error=TypeError)
    refuses(lambda: Goal("a", "b", True), "reached", "bool", error=TypeError)
    refuses(lambda: Goal("a", 1, print), "text", "int", error=TypeError)
    with pytest.raises(IndexError):  # a goal that makes no sense is seen at once
        play(lambda one: one.weights[0, 7] > 0.5)

"""What a hand is to reach in a widget: a goal, and whom to tell of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from course_lib.checking import check_function, describe, string

if TYPE_CHECKING:
    from course_lib.widgets.base import Widget

TEXTS = {
    "no goal": "goal is {got}; expected a Goal(name, text, reached) or None",
    "reached already": "goal {name!r} is reached in the state that the widget starts with: nothing would be left to do",
}

# Whoever keeps records puts itself here: it is told the name of each goal that has just been reached,
on_goal: Callable[[str], object] = lambda name: None  # noqa: E731
# and asked whether one was reached on an earlier day.
was_reached: Callable[[str], bool] = lambda name: False  # noqa: E731


@dataclass(frozen=True)
class Goal:
    """What is to be reached by hand in a widget. Every widget takes one as `goal=` and notices success.

    Args:
        name: under which it is remembered, such as "03.cat-hears-mat".
        text: what to do, in a sentence.
        reached: function of the widget -> whether it is reached; asked after each change.

    Raises:
        TypeError: name or text is no string, or `reached` no function.

    Example:
        >>> Goal("03.cat-hears-mat", "Make cat listen to mat with more than 0.8", lambda play: play.weights[0, 2] > 0.8).name
        '03.cat-hears-mat'
    """

    name: str
    text: str
    reached: "Callable[[Any], Any]"

    def __post_init__(self) -> None:
        string("name", self.name)
        string("text", self.text)
        check_function("reached", self.reached, "(widget) -> bool")


def pursue(goal: Goal | None, widget: "Widget") -> None:
    """Show a goal in a widget, and judge it after each change until it is reached; what was reached before stays reached.

    Args:
        goal: None for none.
        widget: with its view, and all that the view already tells to others.

    Raises:
        TypeError: no goal.
        ValueError: it is reached in the state that the widget starts with, though nobody has done anything.
    """
    if goal is None:
        return
    if not isinstance(goal, Goal):
        raise TypeError(TEXTS["no goal"].format(got=describe(goal)))
    view = widget.view
    view.goal = goal.text
    if was_reached(goal.name):
        view.reached = True
        return
    # A function of the learner's that does not work yet leaves nothing to judge.
    if not getattr(widget, "error", "") and goal.reached(widget):
        raise ValueError(TEXTS["reached already"].format(name=goal.name))

    def judge(change):
        try:
            reached = bool(goal.reached(widget))
        except Exception:  # weights that a learner's function failed to give, …: not reached
            reached = False
        if reached and not view.reached:
            view.unobserve(judge)
            view.reached = True
            on_goal(goal.name)

    view.observe(judge)  # after the view's other observers of a trait, so after they have answered it

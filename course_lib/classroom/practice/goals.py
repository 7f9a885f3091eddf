"""A goal that a hand has reached in a widget is kept with the rest of what the learner did."""

from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.widgets import goals


def keep(name: str) -> None:
    """Record that a goal was reached.

    Args:
        name: of the goal, such as "03.cat-hears-mat".
    """
    try:
        Progress().record("goal", name)
    except ProgressError:  # a tick has no room for it; it is remembered, and written with what comes next
        pass


def is_kept(name: str) -> bool:
    """Whether a goal was reached before.

    Args:
        name: of the goal, such as "03.cat-hears-mat".
    """
    return bool(Progress().known("goal", name)[0])


goals.on_goal, goals.was_reached = keep, is_kept  # widgets know of no progress

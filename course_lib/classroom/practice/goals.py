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


goals.on_goal = keep  # widgets know of no progress

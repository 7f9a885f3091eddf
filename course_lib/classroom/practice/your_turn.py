"""Your turn: a panel in a lesson that opens the learner's own exercises beside it, at the task that was just explained."""

from html import escape
from pathlib import Path
from typing import Any

from course_lib.classroom import places
from course_lib.classroom.copies import own_copy
from course_lib.classroom.files import FileTrouble
from course_lib.classroom.practice import page, show
from course_lib.classroom.practice.exercises import exercise
from course_lib.classroom.practice.progress import Progress
from course_lib.classroom.practice.standing import outline, tasks_of

TEXTS: dict[str, Any] = {
    "head": "Your turn",
    "state": {"new": "○ not tried", "tried": "◐ not yet", "passed": "✓ passed"},
    "points": "{points} point{s}",
    "in": "in exercises/{name} of your workspace",
    "none": 'ids: expected at least one exercise, such as "03.softmax"',
    "lessons": "ids: expected exercises of one lesson, got those of {lessons}",
}


def your_turn(*ids: str) -> None:
    """Show exercises of a lesson with their state, and open the learner's own copy at them, beside the lesson.

    Args:
        *ids: of exercises of one lesson, such as "03.softmax", in the order in which they are to be done.

    Raises:
        ValueError: no such exercise, none at all, or those of several lessons.

    Example:
        >>> your_turn("03.scores")
        Your turn: Scores of queries and keys (1 point, ○ not tried) in exercises/03_self_attention_by_hand.ipynb of your workspace
    """
    turn = YourTurn(ids)
    if show.in_notebook():
        turn.show_live()
    else:
        print(turn)


class YourTurn(show.Panel):
    """Exercises of one lesson, and where the learner does them. See `your_turn`."""

    def __init__(self, ids):
        if not ids:
            raise ValueError(TEXTS["none"])
        self.ids = [exercise(id).id for id in ids]
        lessons = {id.partition(".")[0] for id in self.ids}
        if len(lessons) > 1:
            raise ValueError(TEXTS["lessons"].format(lessons=", ".join(sorted(lessons))))
        (self.number,) = lessons
        try:
            self.path = places.own_path("exercises", self.number)
            self.notes = own_copy("exercises", self.number).notes(f'`start("{self.number}", fresh=True)`')
        except FileTrouble as problem:  # a lesson goes on without it
            self.path, self.notes = places.lesson_path("exercises", self.number), [str(problem)]

    @property
    def tasks(self):
        """The exercises, with their present state."""
        of_lesson = {task.id: task for task in tasks_of(self.number, Progress().known("check")[0])}
        return [of_lesson[id] for id in self.ids]

    def show_live(self):
        """Show the panel in a notebook, where it follows what is done in other notebooks."""
        from course_lib.classroom.practice.buttons import Buttons

        def renew(name, text):
            view.html = self._html(self.path)

        view = Buttons(self._html(self.path), renew)
        view.show(self)

    def __str__(self):
        tasks = "; ".join(f"{task.title} ({_worth(task)}, {TEXTS['state'][task.state]})" for task in self.tasks)
        return "\n".join([f"{TEXTS['head']}: {tasks} {TEXTS['in'].format(name=self.path.name)}", *self.notes])

    def html(self):
        """The same without a kernel: links that lead from a lesson to the exercises beside it, the learner's own or the course's."""
        return self._html(Path("..", "exercises", self.path.name))

    def _html(self, path):
        told = outline(self.path)
        rows = "".join(
            _row(task, page.address_of(path, told.top_of(task.name.replace("_", "-")))) for task in self.tasks
        )
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        style = show.PANEL.format(colour="var(--jp-brand-color1, #1976d2)")
        return (
            f'<div class="course-asks {show.NO_MATHEMATICS}" data-follows style="{style}"><b>{TEXTS["head"]}</b>'
            f'<ul style="list-style:none;margin:0;padding:0">{rows}</ul>{notes}</div>'
        )


def _row(task, address):
    state = TEXTS["state"][task.state]
    link = f'<a href="{escape(address)}" data-beside>{escape(task.title)}</a>'
    return (
        f'<li data-state="{task.state}" style="margin:.35em 0 0">{link} '
        f'<span style="white-space:nowrap;margin-left:.4em">{state} · {_worth(task)}</span></li>'
    )


def _worth(task):
    return TEXTS["points"].format(points=task.points, s="" if task.points == 1 else "s")

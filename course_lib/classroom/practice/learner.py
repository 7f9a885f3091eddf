"""The learner's side: their own copies of the exercises, where they stand, and how far they are."""

from html import escape
from typing import Any

from course_lib.classroom import places
from course_lib.classroom.copies import own_copy
from course_lib.classroom.practice import page, show
from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.classroom.practice.standing import stand

TEXTS: dict[str, Any] = {
    "open": "Your copy: {link}. It is yours alone: no update of the course touches it.",
    "columns": ("Lesson", "Exercises passed", "Points", "Hints", "Quiz answers", "Last worked on"),
    "of": "{done} of {all}",
    "quiz": "{answered} of {asked}, {right} right",
    "none": "–",
    "built": "You built {names}.",
}


class Started(show.Panel):
    """Where the learner's copy is: a link in a notebook, a path elsewhere."""

    def __init__(self, path, notes):
        self.path = path
        self.notes = notes

    def __str__(self):
        return "\n".join([TEXTS["open"].format(link=self.path), *self.notes])

    def html(self):
        # Relative to the running notebook: JupyterLab then opens the copy in a tab of its own.
        link = f'<a href="{escape(page.address_of(self.path))}">{escape(self.path.name)}</a>'
        rows = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        style = show.PANEL.format(colour=show.COLOURS["passed"])
        return f'<div style="{style}">{TEXTS["open"].format(link=link)}{rows}</div>'


def start(lesson, *, fresh=False):
    """Make the learner's own copy of a lesson's exercises, unless there is one, and show a link to it.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".
        fresh: set an existing copy aside under another name and begin again. Nothing is ever deleted.

    Raises:
        ValueError: no such lesson, or a lesson without exercises.
        FileTrouble: the copy can't be written; what was there is there still.
    """
    name = places.lesson_name(lesson)
    copy = own_copy("exercises", name, fresh=fresh)
    show.display(Started(copy.path, copy.notes(f"start({name!r}, fresh=True)")))


class Dashboard(show.Panel):
    """Where the learner stands: what they built, and a table of the lessons."""

    def __init__(self, standing):
        self.standing = standing
        self.rows = [
            (
                f"{lesson.number} {lesson.title}",
                done_of(lesson.passed, len(lesson.tasks)),
                done_of(lesson.points, lesson.points_total),
                str(lesson.hints),
                quiz_of(lesson),
                f"{lesson.last:%Y-%m-%d}" if lesson.last else TEXTS["none"],
            )
            for lesson in standing.lessons
        ]

    def __str__(self):
        table = [TEXTS["columns"], *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(TEXTS["columns"]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join([*lines, *self._facts()])

    def html(self):
        head = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in TEXTS["columns"])
        body = ""
        for lesson, row in zip(self.standing.lessons, self.rows, strict=True):
            cells = [escape(cell) for cell in row]
            cells[1] = f"{_squares(lesson.tasks)} {cells[1]}"
            body += "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"
        facts = "".join(f"<p>{escape(fact)}</p>" for fact in self._facts())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{facts}"

    def _facts(self):
        names = ", ".join(task.name for task in self.standing.functions)
        return [TEXTS["built"].format(names=names)] if names else []


def done_of(done, every):
    """How many of how many, in words."""
    return TEXTS["of"].format(done=done, all=every) if every else TEXTS["none"]


def quiz_of(lesson):
    """How far the quiz of a lesson was answered, in words: who left it half-way has not done all of it."""
    if not lesson.quiz_answered:
        return TEXTS["none"]
    return TEXTS["quiz"].format(answered=lesson.quiz_answered, asked=lesson.quiz_asked, right=lesson.quiz_right)


def _squares(tasks):
    """A square for each exercise, full where it is passed; the numbers beside them say the same."""
    colours = {"passed": show.COLOURS["passed"], "tried": show.COLOURS["failed"], "new": "transparent"}
    style = (
        "display:inline-block;width:.6em;height:.8em;margin-right:2px;border-radius:2px;border:1px solid currentColor;"
    )
    squares = "".join(
        f'<i title="{escape(task.title)}" style="{style}background:{colours[task.state]}"></i>' for task in tasks
    )
    return f'<span aria-hidden="true">{squares}</span>'


def dashboard():
    """Show where the learner stands: the functions they built, and exercises, points and quiz answers of every lesson."""
    try:
        show.display(Dashboard(stand(Progress().events())))
    except ProgressError as error:
        show.display(show.Note(str(error)))

"""The learner's side: their own copies of the exercises, where they stand, and how far they are."""

import os
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from course_lib.classroom import places
from course_lib.classroom.copies import own_copy
from course_lib.classroom.practice import show
from course_lib.classroom.practice.exercises import exercises_of, lessons_with_exercises
from course_lib.classroom.practice.progress import Progress, ProgressError

TEXTS: dict[str, Any] = {
    "open": "Your copy: {link}. It is yours alone: no update of the course touches it.",
    "columns": ("Lesson", "Exercises passed", "Points", "Hints", "Quiz answers right", "Last worked on"),
    "none": "–",
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
        try:
            address = quote(Path(os.path.relpath(self.path, Path.cwd())).as_posix())
        except ValueError:  # another drive on Windows
            address = self.path.as_uri()
        link = f'<a href="{escape(address)}">{escape(self.path.name)}</a>'
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


def summary():
    """Where the learner stands, lesson by lesson.

    Returns:
        A list of dicts: lesson, exercises, attempted, passed, points, points_total, hints, solutions, quiz_answered,
        quiz_right, last (ISO time of the last event, or None).

    Raises:
        ProgressError: the progress file can't be read.
    """
    events = Progress().events()
    rows = []
    for name in places.lessons():
        number = name[:2]
        mine = [event for event in events if event["subject"].partition(".")[0] == number]
        exercises = exercises_of(number) if number in lessons_with_exercises() else []
        ids = {one.id for one in exercises}
        tried = [event for event in mine if event["kind"] == "check" and event["outcome"] != "unattempted"]
        passed = {event["subject"] for event in tried if event["outcome"] == "passed"} & ids
        answers = {event["subject"]: event for event in mine if event["kind"] == "quiz"}  # the latest of each question
        rows.append(
            {
                "lesson": name,
                "exercises": len(exercises),
                "attempted": len({event["subject"] for event in tried} & ids),
                "passed": len(passed),
                "points": sum(one.points for one in exercises if one.id in passed),
                "points_total": sum(one.points for one in exercises),
                "hints": sum(event["kind"] == "hint" for event in mine),
                "solutions": sum(event["kind"] == "solution" and event["shown"] for event in mine),
                "quiz_answered": len(answers),
                "quiz_right": sum(bool(event.get("correct")) for event in answers.values()),
                "last": mine[-1]["time"] if mine else None,
            }
        )
    return rows


class Dashboard(show.Panel):
    """Where the learner stands, as a table."""

    def __init__(self, rows):
        self.rows = [
            (
                row["lesson"].replace("_", " "),
                f"{row['passed']} of {row['exercises']}" if row["exercises"] else TEXTS["none"],
                f"{row['points']} of {row['points_total']}" if row["exercises"] else TEXTS["none"],
                str(row["hints"]),
                f"{row['quiz_right']} of {row['quiz_answered']}" if row["quiz_answered"] else TEXTS["none"],
                row["last"][:10] if row["last"] else TEXTS["none"],
            )
            for row in rows
        ]

    def __str__(self):
        table = [TEXTS["columns"], *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(TEXTS["columns"]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)

    def html(self):
        head = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in TEXTS["columns"])
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def dashboard():
    """Show where the learner stands: exercises, points, hints and quiz answers of every lesson there is."""
    try:
        show.display(Dashboard(summary()))
    except ProgressError as error:
        show.display(show.Note(str(error)))

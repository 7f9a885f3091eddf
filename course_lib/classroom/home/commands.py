"""`course status`, `course backup` and `course restore`: the home page's, in a terminal."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from course_lib.printable import printable

TEXTS: dict[str, Any] = {
    "json": "Print JSON.",
    "columns": ("Lesson", "Passed", "Points", "Hints", "Quiz", "Last"),
    "none": "–",
    "lesson": "{number} {title}",
    "continue": "Continue: lesson {number}, {title}{heading}",
    "heading": ": {heading}",
    "reviews": "Reviews: {cards}, about {minutes} min. `course review` begins.",
    "task": "Next exercise: {id}, {title}",
    "backup": "The file to write; by default one with today's date, in this folder.",
    "restore": "The file of a backup.",
    "saved": "Saved: {path}",
    "restored": "Restored.",
    "kept": "What was there before is kept: {path}",
}


def status(as_json: Annotated[bool, typer.Option("--json", help=TEXTS["json"])] = False):
    """Show where you stand: where to go on, what is due, and how far you are, lesson by lesson."""
    from course_lib.classroom.home.today import today
    from course_lib.classroom.practice.progress import ProgressError

    seen = today()
    if seen.progress:
        raise ProgressError(seen.progress)
    if as_json:
        typer.echo(json.dumps([_row(lesson) for lesson in seen.standing.lessons], indent=2))
        return
    for line in _next(seen):
        typer.echo(printable(line))
    _print_table(seen.standing.lessons)


def backup(to: Annotated[Path | None, typer.Argument(metavar="[FILE]", help=TEXTS["backup"])] = None):
    """Save all that is yours as one file: your copies, your progress, what you put beside them."""
    from course_lib.classroom.home import backup

    path = to or Path(backup.default_name())
    problem = backup.save(path)
    typer.echo(TEXTS["saved"].format(path=path))
    if problem:
        typer.echo(printable(problem))


def restore(file: Annotated[Path, typer.Argument(metavar="FILE", help=TEXTS["restore"])]):
    """Bring a backup back. Nothing is replaced: what is there is set aside and kept."""
    from course_lib.classroom.home import backup

    kept, problem = backup.restore(file)
    typer.echo(TEXTS["restored"])
    for path in kept:
        typer.echo(TEXTS["kept"].format(path=path))
    if problem:
        typer.echo(problem)


def _next(seen):
    """What to do next, a line each."""
    from course_lib.classroom.review.texts import cards_text

    at, task = seen.standing.continue_at, seen.standing.next_task
    if at:
        heading = TEXTS["heading"].format(heading=at.heading) if at.heading else ""
        yield TEXTS["continue"].format(number=at.lesson.number, title=at.lesson.title, heading=heading)
    if seen.reviews.cards:
        yield TEXTS["reviews"].format(cards=cards_text(len(seen.reviews.cards)), minutes=seen.reviews.minutes)
    if task:
        yield TEXTS["task"].format(id=task.id, title=task.title)


def _row(lesson):
    """A lesson as JSON holds it."""
    return {
        "lesson": lesson.name,
        "exercises": len(lesson.tasks),
        "attempted": lesson.attempted,
        "passed": lesson.passed,
        "points": lesson.points,
        "points_total": lesson.points_total,
        "hints": lesson.hints,
        "solutions": lesson.solutions,
        "quiz_asked": lesson.quiz_asked,
        "quiz_answered": lesson.quiz_answered,
        "quiz_right": lesson.quiz_right,
        "last": lesson.last.isoformat(timespec="seconds") if lesson.last else None,
    }


def _print_table(lessons):
    """The lessons in a table that 80 columns hold."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from course_lib.classroom.practice.learner import done_of, quiz_of

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    first, *others = TEXTS["columns"]
    table.add_column(first)
    for name in others:
        table.add_column(name, no_wrap=True)
    for lesson in lessons:
        table.add_row(
            printable(TEXTS["lesson"].format(number=lesson.number, title=lesson.title)),
            done_of(lesson.passed, len(lesson.tasks)),
            done_of(lesson.points, lesson.points_total),
            str(lesson.hints),
            quiz_of(lesson),
            f"{lesson.last:%Y-%m-%d}" if lesson.last else TEXTS["none"],
        )
    Console(highlight=False).print(table)

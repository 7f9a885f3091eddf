"""The command line: `course …`.

Everything that takes time to load is loaded by the command that needs it.
"""

import io
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from course_lib import shadowing
from course_lib.classroom import files, grading, kernels, notebooks, places, plain
from course_lib.classroom.home import commands as home
from course_lib.classroom.review import commands as review
from course_lib.printable import printable

FAILED = 1  # exit code: done, and the answer is no
USAGE = 2  # exit code: can't be done as asked
GRADER = 3  # exit code: the grader itself failed somewhere; the answers are not to blame

TEXTS: dict[str, Any] = {
    "app": "An interactive course on attention and Transformers.",
    "lesson": "The lesson: 03 or its full name.",
    "lessons": "Lessons: 03 or full names; all of them if none is given.",
    "exercise": "The exercise, such as 03.softmax.",
    "new exercise": "The lesson and the function to write, such as 03.entropy.",
    "version": "Print the course's version.",
    "new copy": "Set your copy aside, and begin a new one.",
    "copy": "Your copy: {path}",
    "json": "Print JSON.",
    "no exercises": "lesson {lesson} has no exercises",
    "no notebook": "there is no {path}",
    "running": "Running {path} …",
    "check title": "{path}: {points} of {total} points",
    "check columns": ("Exercise", "Points", "Outcome"),
    "untouched": "You have no copy of these exercises yet: `course start {number}` makes one.",
    "compare columns": ("Yours", "Solution"),
    "same": "Yours and the solution are the same.",
    "doctor columns": ("", "Check", "Found", "What to do"),
    "ok": "ok",
    "bad": "!!",
    "figure": "[figure saved: {path}]",
    "stopped": "{path} stopped at an error.",
    "figures": "Figures saved: {count}, in {folder}",
    "changed": "written: {path}",
    "would change": "would change: {path}",
    "stray": "stray: {problem}",
    "check": "Change nothing; exit with 1 if something would.",
    "fresh": "Nothing to do: everything is up to date.",
}

COLOURS = {"passed": "green", "failed": "red", "error": "magenta", "unattempted": "yellow", "borrowed": "yellow"}


class CourseCommands(typer.core.TyperGroup):
    """The commands; what goes wrong for a known reason ends in one sentence, not in a traceback."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except places.NotACourse as error:
            _fail(error, USAGE)
        except (kernels.NotebookError, files.FileTrouble) as error:
            _fail(error, FAILED)


app = typer.Typer(
    cls=CourseCommands,
    help=TEXTS["app"],
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

Lesson = Annotated[str, typer.Argument(metavar="NN", help=TEXTS["lesson"])]
Fresh = Annotated[bool, typer.Option("--fresh", help=TEXTS["new copy"])]
Check = Annotated[bool, typer.Option("--check", help=TEXTS["check"])]
Json = Annotated[bool, typer.Option("--json", help=TEXTS["json"])]


def main():
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # and not what a caller put in its place
            stream.reconfigure(errors="replace")  # a console or pipe that can't show a letter still shows the rest
    app()


def _version(asked: bool):
    if asked:
        from importlib.metadata import version

        from course_lib.classroom.doctor import PACKAGE

        typer.echo(version(PACKAGE))
        raise typer.Exit


@app.callback()
def course(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=TEXTS["version"])
    ] = False,
):
    """Take the options that belong to no command."""


@app.command()
def doctor(as_json: Json = False):
    """Look whether this computer has all that the course needs."""
    from course_lib.classroom import doctor

    found = doctor.checks()
    if as_json:
        _print_json([one._asdict() for one in found])
    else:
        table = _table(TEXTS["doctor columns"])
        for one in found:
            mark = _text(TEXTS["ok"], "green") if one.ok else _text(TEXTS["bad"], "red")
            table.add_row(mark, _text(one.name), _text(one.detail), _text(one.what_to_do))
        _console().print(table)
    raise typer.Exit(0 if all(one.ok for one in found) else FAILED)


@app.command()
def lab(
    port: Annotated[int | None, typer.Option(help="The port to use; the first free one if not given.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Whether to open a browser.")] = True,
):
    """Open the course in JupyterLab."""
    from course_lib.classroom import lab

    try:
        code = lab.launch(port=port, browser=browser)
    except lab.PortTaken as error:
        _fail(error, FAILED)
    raise typer.Exit(code)


@app.command()
def lesson(lesson: Lesson, fresh: Fresh = False):
    """Make your own copy of a lesson, unless you have one. JupyterLab opens it under workspace/lessons."""
    _own_copy("notebooks", "lesson", _lesson(lesson), fresh)


@app.command()
def start(lesson: Lesson, fresh: Fresh = False):
    """Make your own copy of a lesson's exercises, unless you have one."""
    _own_copy("exercises", "start", _lesson(lesson), fresh)


def _own_copy(kind, command, name, fresh):
    from course_lib.classroom.copies import own_copy

    try:
        copy = own_copy(kind, name, fresh=fresh)
    except ValueError as error:
        raise _wrong_argument(error) from None
    for sentence in (TEXTS["copy"].format(path=copy.path), *copy.notes(f"`course {command} {name[:2]} --fresh`")):
        typer.echo(sentence)


@app.command()
def check(
    lesson: Lesson,
    solutions: Annotated[bool, typer.Option("--solutions", help="Check the solutions in place of your copy.")] = False,
    notebook: Annotated[Path | None, typer.Option(metavar="PATH", help="Check this in place of your copy.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Time limit for the whole notebook.")] = grading.SECONDS,
    memory: Annotated[
        int, typer.Option(min=64, metavar="MB", help="Memory limit for the notebook.")
    ] = grading.MEMORY_MB,
    as_json: Json = False,
):
    """Run your notebook and judge its exercises. The exit code is 0 only if all of them passed, and 3 if the check failed."""
    from course_lib.classroom.practice import exercises_of, lessons_with_exercises

    name = _lesson(lesson)
    if name[:2] not in lessons_with_exercises():
        raise _wrong_argument(TEXTS["no exercises"].format(lesson=name))
    if solutions and notebook:
        raise typer.BadParameter("--solutions and --notebook exclude each other")
    own = places.own_path("exercises", name)
    untouched = not (solutions or notebook or own.exists())
    course = places.lesson_path("solutions" if solutions else "exercises", name)
    path = notebook.resolve() if notebook else course if solutions or untouched else own
    try:
        content = notebooks.read_code(path)
    except FileNotFoundError:
        raise _wrong_argument(TEXTS["no notebook"].format(path=path)) from None
    except (ValueError, OSError) as error:
        raise _wrong_argument(error) from None
    folder = places.make_workspace() if untouched else path.parent
    for sentence in shadowing.sentences(folder):
        typer.echo(sentence, err=True)
    with _busy(TEXTS["running"].format(path=path.name)):
        rows = grading.judge(exercises_of(name), content, folder, seconds=seconds, memory=memory, record=path == own)
    for note in filter(None, dict.fromkeys(row.pop("note", "") for row in rows)):  # one sentence, not one an exercise
        typer.echo(note, err=True)
    points = sum(row["points"] for row in rows if row["outcome"] == "passed")
    total = sum(row["points"] for row in rows)
    passed = all(row["outcome"] == "passed" for row in rows)
    if as_json:
        told = {"lesson": name, "notebook": str(path), "passed": passed, "points": points, "points_total": total}
        _print_json(told | {"exercises": rows})
    else:
        table = _table(TEXTS["check columns"], whole=(1, 2))
        table.show_lines = True
        table.title = TEXTS["check title"].format(path=path.name, points=points, total=total)
        for row in rows:
            colour = COLOURS[row["outcome"]]
            told = _text(row["id"], "bold").append(f"\n{row['title']}", style="not bold")
            if row["outcome"] in ("failed", "error"):  # the others say it all in one word
                told.append_text(_text("\n" + row["message"], colour))
            table.add_row(told, str(row["points"]), _text(row["outcome"], colour))
        _console().print(table)
        if untouched:
            typer.echo(TEXTS["untouched"].format(number=name[:2]))
    raise typer.Exit(GRADER if any(row["diagnosis"] == grading.FAULT for row in rows) else 0 if passed else FAILED)


for command in (home.status, review.review, review.export, home.backup, home.restore):
    app.command()(command)


@app.command()
def compare(exercise: Annotated[str, typer.Argument(metavar="NN.name", help=TEXTS["exercise"])]):
    """Show your last attempt at an exercise beside the solution."""
    from course_lib.classroom import practice
    from course_lib.classroom.practice.show import side_by_side

    try:
        asked = practice.exercise(exercise)
    except ValueError as error:
        raise _wrong_argument(error) from None
    try:
        theirs, solution = asked.comparison()
    except ValueError as error:  # not attempted yet
        _fail(error, FAILED)
    if theirs.strip() == solution.strip():
        typer.echo(TEXTS["same"])
        return
    mine, right = TEXTS["compare columns"]
    table = _table((mine, "", right))
    for mark, left, there in side_by_side(theirs, solution):
        table.add_row(_text(left, "red" if mark in "|<" else ""), mark, _text(there, "green" if mark in "|>" else ""))
    _console().print(table)


@app.command()
def run(
    lesson: Lesson,
    figures: Annotated[Path | None, typer.Option(metavar="DIR", help="For figures, in place of workspace/.")] = None,
):
    """Run a lesson as a script: text is printed, figures go to a folder, widgets are told in words."""
    name = _lesson(lesson)
    path = places.lesson_path("notebooks", name)
    if not path.exists():
        raise _wrong_argument(TEXTS["no notebook"].format(path=path.name))
    folder = figures or places.workspace() / "figures" / name
    saved = []

    def save(cell, picture, kind):
        file = folder / f"{len(saved) + 1:02}-{re.sub(r'[^A-Za-z0-9_-]', '_', cell.id)}.{kind}"
        if not (file.is_file() and file.read_bytes() == picture):
            files.renew(file, picture)
        saved.append(file)
        return TEXTS["figure"].format(path=file)

    def after_cell(cell):
        for text in plain.cell_texts(cell, save):
            typer.echo(text.rstrip("\n"))

    with kernels.kernel_environment() as environment:
        ended = kernels.run_plain(notebooks.read(path), path.parent, environment=environment, after_cell=after_cell)
    if saved:
        typer.echo(TEXTS["figures"].format(count=len(saved), folder=folder))
    if not ended:
        _fail(TEXTS["stopped"].format(path=path.name), FAILED)


@app.command()
def build(
    only: Annotated[list[str] | None, typer.Argument(metavar="[NN …]", help=TEXTS["lessons"])] = None,
    check: Check = False,
    as_json: Json = False,
):
    """Make exercises from the solutions, and run lessons and solutions to renew their outputs."""
    from course_lib.classroom import build as building

    names = [_lesson(one) for one in only or ()]
    try:
        built = building.build(
            names, check=check, on_file=lambda path: typer.echo(TEXTS["running"].format(path=path), err=True)
        )
    except ValueError as error:  # solution markers that do not match
        _fail(error, FAILED)
    if as_json:
        _print_json({"changed": built.changed, "stray": built.stray})
    else:
        for problem in built.stray:
            typer.echo(TEXTS["stray"].format(problem=problem))
        if built.changed or not built.stray:
            _say_changed(built.changed, check)
    raise typer.Exit(FAILED if check and (built.changed or built.stray) else 0)


@app.command()
def glossary(check: Check = False):
    """Make the glossary's page, and mark in each lesson words of earlier ones, for those who write the course."""
    from course_lib.classroom import glossary

    changed = glossary.renew(check=check)
    _say_changed(changed, check)
    raise typer.Exit(FAILED if check and changed else 0)


def _say_changed(paths, check):
    for path in paths:
        typer.echo(TEXTS["would change" if check else "changed"].format(path=path))
    if not paths:
        typer.echo(TEXTS["fresh"])


@app.command()
def new(exercise: Annotated[str, typer.Argument(metavar="NN.name", help=TEXTS["new exercise"])]):
    """Make the skeleton of a new exercise, for those who write the course."""
    from course_lib.classroom import new

    try:
        solution, check, mistakes = new.create(exercise)
    except ValueError as error:
        raise _wrong_argument(error) from None
    for path in (solution, check, mistakes):
        typer.echo(TEXTS["changed"].format(path=path))
    told = {"solution": solution, "check": check, "mistakes": mistakes, "lesson": exercise.partition(".")[0]}
    typer.echo(new.TEXTS["next"].format(**told))


def _lesson(lesson):
    try:
        return places.lesson_name(lesson)
    except ValueError as error:
        raise _wrong_argument(error) from None


def _wrong_argument(problem):
    return typer.BadParameter(str(problem))


def _fail(problem, code):
    typer.echo(str(problem), err=True)
    raise typer.Exit(code)


def _print_json(value):
    typer.echo(json.dumps(value, indent=2))


def _console(stderr=False):
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _busy(message):
    """A line with a spinner while something runs, where there is someone to see it."""
    from rich.markup import escape

    return _console(stderr=True).status(escape(message))


def _table(columns, whole=()):
    """An empty table; the columns whose numbers are in `whole` are not wrapped."""
    from rich.table import Table

    table = Table(title_justify="left", header_style="bold")
    for number, name in enumerate(columns):
        table.add_column(name, overflow="fold", no_wrap=number in whole)
    return table


def _text(text, style=""):
    """Text that is shown as it is: what looks like markup in a learner's message is not, and it steers no terminal."""
    from rich.text import Text

    return Text(printable(text), style=style)

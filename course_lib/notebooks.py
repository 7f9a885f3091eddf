"""The files of the course: where they are, how an exercise is made from its solution, how notebooks are run.

`solutions/` is the one source of every exercise. Its cells carry nbgrader's markers and metadata; stripping them makes `exercises/`.
Nothing heavy is loaded with this module.
"""

import copy
import os
import re
from pathlib import Path

KINDS = ("notebooks", "solutions", "exercises", "workspace")
LESSON = re.compile(r"\d\d_[a-z0-9_]+")

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")

SOLUTION_ONLY = "solution-only"  # a cell that exercises leave out
USES_ANSWER = "uses-answer"  # a cell that needs the learner's function, and so fails until it is written
MAY_RAISE = "raises-exception"  # what Jupyter and nbval call a cell that may fail

TEXTS = {
    "not a course": "{root} is not the folder of the course: it has no notebooks/ in it. {advice}",
    "advice set": "COURSE_HOME names it; point it to the folder that holds notebooks/, or unset it.",
    "advice unset": "Set COURSE_HOME to the folder that holds notebooks/.",
    "no lesson": "there is no lesson {lesson!r}; the lessons are: {lessons}",
    "no kind": "kind is {kind!r}; expected one of {kinds}",
    "no file": "lesson {lesson} has no {kind}: {path} is missing",
    "no answer cell": "{notebook} has no solution cell {grade_id!r}; it has: {found}",
    "nested": "{notebook}, cell {cell}: {begin!r} inside a region that is already open",
    "not open": "{notebook}, cell {cell}: {end!r} without a {begin!r} before it",
    "not closed": "{notebook}, cell {cell}: {begin!r} is never closed by {end!r}",
    "no region": "{notebook}, cell {cell}: a solution cell without a region from {begin!r} to {end!r}",
    "not a solution": "{notebook}, cell {cell}: a solution region in a cell that nbgrader's metadata does not call a solution",
}


def course_root():
    """Find the folder of the course: the one that holds `notebooks/`.

    Returns:
        The folder that COURSE_HOME names, or else the one around this package.

    Raises:
        FileNotFoundError: it has no `notebooks/`.
    """
    named = os.environ.get("COURSE_HOME")
    root = Path(named).expanduser().resolve() if named else Path(__file__).resolve().parent.parent
    if not (root / "notebooks").is_dir():
        advice = TEXTS["advice set" if named else "advice unset"]
        raise FileNotFoundError(TEXTS["not a course"].format(root=root, advice=advice))
    return root


def workspace():
    """Find the learner's own folder, and make it if there is none.

    Returns:
        The folder that COURSE_WORKSPACE names, or else `workspace/` in the course's folder.
    """
    named = os.environ.get("COURSE_WORKSPACE")
    folder = Path(named).expanduser().resolve() if named else course_root() / "workspace"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def lessons():
    """List the lessons there are.

    Returns:
        Their names in order, such as "03_self_attention_by_hand": every notebook in `notebooks/` or `solutions/`.
    """
    root = course_root()
    found = {path.stem for kind in ("notebooks", "solutions") for path in (root / kind).glob("*.ipynb")}
    return sorted(name for name in found if LESSON.fullmatch(name))


def lesson_name(lesson):
    """Complete the name of a lesson.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".

    Returns:
        The full name, "03_self_attention_by_hand".

    Raises:
        ValueError: no such lesson; the message names those there are.
    """
    asked = str(lesson)
    names = lessons()
    for name in names:
        if asked == name or (asked.isdigit() and int(asked) == int(name[:2])):
            return name
    raise ValueError(TEXTS["no lesson"].format(lesson=lesson, lessons=", ".join(names) or "none yet"))


def lesson_path(kind, lesson):
    """Say where a notebook of a lesson belongs, whether or not it is there.

    Args:
        kind: "notebooks", "solutions", "exercises" or "workspace" (the learner's own copy).
        lesson: "03", 3 or "03_self_attention_by_hand".

    Returns:
        The path of the notebook.

    Raises:
        ValueError: no such kind or lesson.
    """
    if kind not in KINDS:
        raise ValueError(TEXTS["no kind"].format(kind=kind, kinds=", ".join(KINDS)))
    folder = workspace() if kind == "workspace" else course_root() / kind
    return folder / f"{lesson_name(lesson)}.ipynb"


def read(path):
    """Read a notebook in the current format.

    Args:
        path: the file.

    Returns:
        An nbformat notebook.

    Raises:
        ValueError: the file is not a notebook.
        OSError: it can't be read.
    """
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except OSError:
        raise
    except Exception as error:  # nbformat raises half a dozen types for what is not a notebook
        raise ValueError(f"{path} is not a notebook: {error}") from error


def strip_solutions(notebook, name="the notebook"):
    """Make the exercise from a solution.

    Regions between `### BEGIN SOLUTION` and `### END SOLUTION` become a stub at the same indentation; outputs are cleared;
    cells tagged "solution-only" are left out; check cells, and cells tagged "uses-answer", may raise. Cell ids and
    nbgrader's metadata stay.

    Args:
        notebook: an nbformat notebook; it is not changed.
        name: what error messages call it.

    Returns:
        A new nbformat notebook.

    Raises:
        ValueError: markers that do not match, or that stand where no solution is meant to be; names notebook and cell.
    """
    stripped = copy.deepcopy(notebook)
    stripped.metadata.pop("widgets", None)
    stripped.cells = [cell for cell in stripped.cells if SOLUTION_ONLY not in _tags(cell)]
    for cell in stripped.cells:
        cell.source = _without_solution(cell, name)
        if cell.cell_type != "code":
            continue
        cell.outputs = []
        cell.execution_count = None
        tags = _tags(cell)
        if (is_check(cell) or USES_ANSWER in tags) and MAY_RAISE not in tags:
            cell.metadata.tags = [*tags, MAY_RAISE]
    return stripped


def solution_code(lesson, grade_id):
    """Read the solution of an exercise.

    Args:
        lesson: "03", 3 or "03_self_attention_by_hand".
        grade_id: the id of its cell, which is the name of the function.

    Returns:
        The source of that cell in `solutions/`, without the markers.

    Raises:
        ValueError: no such lesson or cell.
        FileNotFoundError: the lesson has no solutions.
    """
    path = lesson_path("solutions", lesson)
    if not path.exists():
        raise FileNotFoundError(TEXTS["no file"].format(lesson=path.stem, kind="solutions", path=path.name))
    answers = {_nbgrader(cell)["grade_id"]: cell for cell in read(path).cells if is_answer(cell)}
    if grade_id not in answers:
        found = ", ".join(answers) or "none"
        raise ValueError(TEXTS["no answer cell"].format(notebook=path.name, grade_id=grade_id, found=found))
    lines = answers[grade_id].source.splitlines()
    return "\n".join(line for line in lines if line.strip() not in (BEGIN, END))


def task_cells(notebook):
    """Find the cells of every exercise in a notebook.

    Args:
        notebook: an nbformat notebook, a solution or an exercise.

    Returns:
        A dict in the notebook's order: name of the function -> (the cell that is answered or None, its check cell or None).
    """
    tasks = {}
    for cell in notebook.cells:
        grade_id = _nbgrader(cell).get("grade_id", "")
        if is_answer(cell):
            tasks[grade_id] = (cell, tasks.get(grade_id, (None, None))[1])
        elif is_check(cell):
            name = grade_id.removeprefix("check_")
            tasks[name] = (tasks.get(name, (None, None))[0], cell)
    return tasks


def is_answer(cell):
    """Whether the learner writes this cell: nbgrader calls it a solution."""
    return cell.cell_type == "code" and _nbgrader(cell).get("solution") is True


def is_check(cell):
    """Whether this cell checks an answer: nbgrader grades it."""
    return cell.cell_type == "code" and _nbgrader(cell).get("grade") is True


def _nbgrader(cell):
    return cell.metadata.get("nbgrader", {})


def _tags(cell):
    return list(cell.metadata.get("tags", []))


def _without_solution(cell, name):
    """The cell's source with a stub in place of every region."""
    kept = []
    inside = regions = 0
    told = {"notebook": name, "cell": cell.get("id", "without an id"), "begin": BEGIN, "end": END}
    for line in cell.source.splitlines():
        marker = line.strip()
        if marker == BEGIN:
            if inside:
                raise ValueError(TEXTS["nested"].format(**told))
            inside = True
            regions += 1
            indent = line[: line.index(BEGIN)]
            kept += [indent + stub for stub in STUB]
        elif marker == END:
            if not inside:
                raise ValueError(TEXTS["not open"].format(**told))
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(TEXTS["not closed"].format(**told))
    if is_answer(cell) and not regions:
        raise ValueError(TEXTS["no region"].format(**told))
    if regions and not is_answer(cell):
        raise ValueError(TEXTS["not a solution"].format(**told))
    return "\n".join(kept) if regions else cell.source

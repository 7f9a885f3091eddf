"""`course build`: exercises are made from their solutions, and the outputs of lessons and solutions are renewed.

`solutions/` is the one source of every exercise. Its cells carry nbgrader's markers and metadata; stripping them makes
`exercises/`.
"""

import copy
import hashlib
import json
from dataclasses import dataclass

from course_lib.classroom import files
from course_lib.classroom.kernels import CELL_SECONDS, NotebookError, execute
from course_lib.classroom.notebooks import METADATA, USES_ANSWER, dumps, is_answer, is_check, read_text, tags
from course_lib.classroom.places import (
    GLOSSARY,
    LESSON,
    PICTURES,
    course_root,
    lesson_name,
    lesson_path,
    lessons,
    shown,
)

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")

SOLUTION_ONLY = "solution-only"  # a cell that exercises leave out
MAY_RAISE = "raises-exception"  # what Jupyter and nbval call a cell that may fail
MEASURED = "measured"  # a cell that prints timings: its outputs are kept while the code up to it stays the same

EDITOR_METADATA = ("ExecuteTime", "collapsed", "execution", "scrolled", "trusted", "vscode")

MAX_BYTES = 1_500_000

TEXTS = {
    "no file": "lesson {lesson} has no {kind}: {path} is missing",
    "no answer cell": "{notebook} has no solution cell {grade_id!r}; it has: {found}",
    "nested": "{notebook}, cell {cell}: {begin!r} inside a region that is already open",
    "not open": "{notebook}, cell {cell}: {end!r} without a {begin!r} before it",
    "not closed": "{notebook}, cell {cell}: {begin!r} is never closed by {end!r}",
    "no region": "{notebook}, cell {cell}: a solution cell without a region from {begin!r} to {end!r}",
    "not a solution": "{notebook}, cell {cell}: {begin!r} in a cell that nbgrader's metadata calls no solution",
    "format": "{notebook}: format {found}; expected 4.5, where cells have ids",
    "no id": "{notebook}: cell {number} has no id",
    "same id": "{notebook}: two cells have the id {cell!r}",
    "large": "{notebook} would have {size:,} bytes; at most {limit:,} are allowed",
    "edited": "{notebook} was changed while it was being built; nothing of this lesson was written",
    "stray": "{path}: not a lesson's notebook",
    "twice": "{path}: lesson {number} is also {other}",
    "no source": "{path}: there is no solutions/{name}, from which it would be made",
    "no lesson file": "{path}: there is no notebooks/{name}",
}


@dataclass
class Built:
    """What a build did, or would do.

    Attributes:
        changed: paths from the course's folder, such as "exercises/03_self_attention_by_hand.ipynb".
        stray: sentences on files that do not belong where they are.
    """

    changed: list
    stray: list


def build(only=(), *, check=False, timeout=CELL_SECONDS, on_file=None):
    """Make `exercises/` from `solutions/`, and run `notebooks/` and `solutions/` to renew their outputs.

    A lesson's files are written once all of them are made, and only if they changed; a second build changes nothing. A
    cell tagged "measured" keeps the outputs it has while no code up to it has changed, since timings never repeat; to
    measure again, clear it.

    Args:
        only: lessons such as "03"; all of them if empty.
        check: whether to only say what would change.
        timeout: seconds for each cell.
        on_file: called with the path, from the course's folder, of each notebook about to be run.

    Returns:
        A `Built`.

    Raises:
        ValueError: no such lesson, or markers that do not match.
        NotebookError: a notebook that fails, is too large or lacks cell ids. Nothing of its lesson is written.
    """
    changed = []
    for name in [lesson_name(one) for one in only] or lessons():
        changed += _build_lesson(name, check, timeout, on_file)
    return Built(changed, stray_files())


def _build_lesson(name, check, timeout, on_file):
    """Build one lesson; returns the paths that changed, or would."""
    root = course_root()
    before, after, early = {}, {}, None
    try:
        for kind in ("solutions", "notebooks"):
            path = root / kind / f"{name}.ipynb"
            if not path.exists():
                continue
            if on_file:
                on_file(shown(path))
            before[path] = path.read_text(encoding="utf-8-sig")
            notebook = _with_ids(path, before[path])
            if kind == "solutions":
                exercises = root / "exercises" / path.name
                before[exercises] = exercises.read_text(encoding="utf-8-sig") if exercises.exists() else None
                after[exercises] = dumps(strip_solutions(notebook, shown(path)))
                if before[exercises] is None and not check:
                    early = exercises  # the lesson, which runs next, offers its exercises
                    files.replace(early, after[early])
            after[path] = dumps(_with_measurements(notebook, execute(notebook, path.parent, timeout, shown(path))))
        for path, text in after.items():
            if (size := len(text.encode())) > MAX_BYTES:
                raise NotebookError(TEXTS["large"].format(notebook=shown(path), size=size, limit=MAX_BYTES))
    except BaseException:
        if early:
            early.unlink()
        raise
    different = [path for path in after if before[path] != after[path]]
    if not check:
        for path in different:
            if before[path] is not None and path.read_text(encoding="utf-8-sig") != before[path]:
                raise NotebookError(TEXTS["edited"].format(notebook=shown(path)))
        for path in different:
            files.replace(path, after[path])
    return [shown(path) for path in different]


def stray_files():
    """Look for files that do not belong into the folders of notebooks.

    Returns:
        A list of sentences, one a file.
    """
    root = course_root()
    found = []
    for kind in ("notebooks", "solutions", "exercises"):
        numbers = {}
        for path in sorted((root / kind).iterdir()) if (root / kind).is_dir() else ():
            told = {"path": shown(path), "name": path.name}
            if (
                path.name.startswith(".")
                or path.name == "__pycache__"
                or (kind == "notebooks" and path.name in (PICTURES, GLOSSARY))
            ):
                continue
            if path.suffix != ".ipynb" or not LESSON.fullmatch(path.stem):
                found.append(TEXTS["stray"].format(**told))
                continue
            other = numbers.setdefault(path.name[:2], path.name)
            if other != path.name:
                found.append(TEXTS["twice"].format(number=path.name[:2], other=other, **told))
            if kind == "solutions" and not (root / "notebooks" / path.name).exists():
                found.append(TEXTS["no lesson file"].format(**told))
            if kind == "exercises" and not (root / "solutions" / path.name).exists():
                found.append(TEXTS["no source"].format(**told))
    return found


def strip_solutions(notebook, name="the notebook"):
    """Make the exercise from a solution.

    Regions between `### BEGIN SOLUTION` and `### END SOLUTION` become a stub at the same indentation; outputs are
    cleared; cells tagged "solution-only" are left out; check cells, and cells tagged "uses-answer", may raise. Cell ids
    and nbgrader's metadata stay.

    Args:
        notebook: an nbformat notebook; it is not changed.
        name: what error messages call it.

    Returns:
        A new nbformat notebook.

    Raises:
        ValueError: markers that do not match, or that stand where no solution is meant to be; names notebook and cell.
    """
    stripped = _tidied(notebook)
    stripped.cells = [cell for cell in stripped.cells if SOLUTION_ONLY not in tags(cell)]
    for cell in stripped.cells:
        cell.source = _without_solution(cell, name)
        if cell.cell_type != "code":
            continue
        cell.outputs = []
        cell.execution_count = None
        cell.metadata.pop(MEASURED, None)
        if (is_check(cell) or USES_ANSWER in tags(cell)) and MAY_RAISE not in tags(cell):
            cell.metadata.tags = [*tags(cell), MAY_RAISE]
    return stripped


def _without_solution(cell, name):
    """The cell's source with a stub in place of every region."""
    kept = []
    inside = False
    regions = 0
    told = {"notebook": name, "cell": cell.get("id", "without an id"), "begin": BEGIN, "end": END}
    for line in cell.source.split("\n"):
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
    answers = {}
    for cell in json.loads(read_text(path))[
        "cells"
    ]:  # nbformat, which takes seconds to load, would make a learner wait
        marks = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and marks.get("solution") is True:
            answers[marks["grade_id"]] = "".join(cell["source"])
    if grade_id not in answers:
        found = ", ".join(answers) or "none"
        raise ValueError(TEXTS["no answer cell"].format(notebook=path.name, grade_id=grade_id, found=found))
    lines = answers[grade_id].splitlines()
    return "\n".join(line for line in lines if line.strip() not in (BEGIN, END))


def _with_ids(path, text):
    """A notebook whose cells have ids; nbformat would make up missing ones, other ones at every reading."""
    import nbformat

    told = {"notebook": shown(path)}
    raw = json.loads(text)
    version = (raw["nbformat"], raw["nbformat_minor"])
    if version != (4, 5):
        raise NotebookError(TEXTS["format"].format(found=".".join(map(str, version)), **told))
    seen = set()
    for number, cell in enumerate(raw["cells"], 1):
        if "id" not in cell:
            raise NotebookError(TEXTS["no id"].format(number=number, **told))
        if cell["id"] in seen:
            raise NotebookError(TEXTS["same id"].format(cell=cell["id"], **told))
        seen.add(cell["id"])
    return nbformat.reads(text, as_version=4)


def _tidied(notebook):
    """A copy without what editors and computers leave in the metadata."""
    tidied = copy.deepcopy(notebook)
    tidied.metadata = type(notebook.metadata)(copy.deepcopy(METADATA))
    for cell in tidied.cells:
        for key in EDITOR_METADATA:
            cell.metadata.pop(key, None)
    return tidied


def _with_measurements(before, executed):
    """The executed notebook, tidied and numbered; measured cells keep their outputs if the code is the same."""
    built = _tidied(executed)
    code = hashlib.sha256()
    count = 0
    for old, new in zip(before.cells, built.cells, strict=True):
        if new.cell_type != "code":
            continue
        code.update(new.source.encode() + b"\0")
        version = code.hexdigest()[:16]
        if MEASURED in tags(new):
            if old.outputs and old.metadata.get(MEASURED) == version:
                new.outputs = copy.deepcopy(old.outputs)
            new.metadata[MEASURED] = version
        else:
            new.metadata.pop(MEASURED, None)
        if not new.source.strip():
            new.execution_count = None
            continue
        count += 1
        new.execution_count = count
        for output in new.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return built

"""The skeleton of a new exercise, in the three files that hold it: its solution, what is right and wrong, right answers in other styles.

Every gap says FILL IN, and the course's tests fail until none is left.
"""

import builtins
import keyword
import re
import symtable

from course_lib.classroom import build, files, notebooks, places

TASK = """\
## {number}. FILL IN: a title

FILL IN: what to write, and what it is for.

**In:** FILL IN: `x` and its axes. **Out:** FILL IN: what comes back, with its axes and edges."""

ANSWER = """\
def {name}(x):
    ### BEGIN SOLUTION
    raise NotImplementedError("FILL IN: the solution")
    ### END SOLUTION"""

CHECK = """

@reference(
    "{id}",
    title="FILL IN: a few words",
    points=1,
    hints=[
        "FILL IN: what to look at first",
        "FILL IN: almost the answer",
    ],
    returns="FILL IN: what comes back, in one word",
)
def {name}(x):
    raise NotImplementedError("FILL IN: what is right, in named steps")


@cases("{id}")
def {name}_cases():
    raise NotImplementedError("FILL IN: yield Case(…)s, a small one first, then each edge that the task names")


@mistake("{id}", "{slug}-too-large", "FILL IN: what is wrong, in a plain sentence that does not hand over the answer")
def {name}_too_large(x):
    raise NotImplementedError("FILL IN: as a learner would write it; at least six of these, or slips of the steps")
"""

MISTAKES = """

# --- {name} {line}


@right("{id}")
def {name}_in_another_style(x):
    raise NotImplementedError("FILL IN: a right answer that is not the solution")
"""

# What a lesson's files begin with, where this is its first exercise.
TITLE_CELL = (
    "# Exercises {lesson}: FILL IN: a title\n\nFILL IN: what the learner writes, and how many minutes it takes."
)
SETUP_CELL = (
    'import numpy as np\n\nfrom course_lib.classroom.practice import lesson_checks\n\ncheck = lesson_checks("{lesson}")'
)
CHECKS_HEAD = '''\
"""Lesson {lesson}: what is right, and each mistake with its sentence, in the order of its exercises."""

from course_lib.classroom.practice.catalogue import Case, cases, mistake
from course_lib.classroom.practice.exercises import reference
'''
MISTAKES_HEAD = '''\
"""Right answers to lesson {lesson}'s exercises in other styles."""

from tests.mistakes.collection import right
'''

MARKED = {"locked": False, "schema_version": 3, "task": False}  # nbgrader's
LINE = 120

TEXTS = {
    "id": 'expected "NN.name", such as 03.entropy: a lesson, and the function to write in small letters; got {id!r}',
    "python's": "{name!r} means something in Python already: the exercise needs a name of its own",
    "taken": "{path} has {name!r} already: the exercise needs a name of its own",
    "syntax": "{path}, line {line}: Python can't read it: {problem}",
    "no folder": "there is no folder {path}: exercises are added in a copy of the course's repository",
    "next": """\
Each gap says FILL IN. Next:
1. The prompt and the solution in {solution} (`course lab` opens it).
2. Title, points, hints, the reference, its inputs and at least six mistakes in {check}. The points stand in
   the metadata of the notebook's check cell, too.
3. A right answer in another style in {mistakes}.
4. `course build {lesson}`
5. `.venv/bin/python -m pytest tests/mistakes tests/notebooks -q -k {lesson}`: it fails until nothing is left to fill in.""",
}


def create(id):
    """Add an exercise to its lesson, after the last one that is there.

    Args:
        id: "NN.name": a lesson, and the function that the learner will write.

    Returns:
        The paths of the files written, from the course's folder.

    Raises:
        ValueError: no such lesson, or a name that can't be used or is taken.
        FileTrouble: a file can't be written; all are as they were.
    """
    found = re.fullmatch(r"(\d\d)\.([a-z][a-z0-9_]*)", id)
    if not found:
        raise ValueError(TEXTS["id"].format(id=id))
    lesson, name = found.groups()
    if keyword.iskeyword(name) or hasattr(builtins, name):
        raise ValueError(TEXTS["python's"].format(name=name))
    root = places.course_root()
    solution = places.lesson_path("solutions", lesson)
    check = root / "course_lib" / "classroom" / "practice" / f"lesson_{lesson}.py"
    mistakes = root / "tests" / "mistakes" / f"lesson_{lesson}.py"
    for path in (solution, check, mistakes):
        if not path.parent.is_dir():
            raise ValueError(TEXTS["no folder"].format(path=path.parent))
    told = {
        "id": id,
        "lesson": lesson,
        "name": name,
        "slug": name.replace("_", "-"),
        "line": "-" * (LINE - len(f"# --- {name} ")),
    }
    texts = {
        solution: _with_cells(solution, told),
        check: _with_code(check, CHECKS_HEAD, CHECK, told),
        mistakes: _with_code(mistakes, MISTAKES_HEAD, MISTAKES, told),
    }
    files.replace_all(texts)
    return [path.relative_to(root).as_posix() for path in texts]


def _with_cells(path, told):
    """The text of the solution notebook with three cells more, in front of what closes it."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    name, cell_id = told["name"], told["name"].replace("_", "-")
    if path.exists():
        notebook = notebooks.read(path)
    else:
        head = [new_markdown_cell(TITLE_CELL.format(**told), id="title")]
        head += [new_code_cell(SETUP_CELL.format(**told), id="setup")]
        notebook = new_notebook(cells=head, metadata=build.METADATA)
    answer = MARKED | {"grade": False, "grade_id": name, "solution": True}
    check = MARKED | {"grade": True, "grade_id": f"check_{name}", "locked": True, "points": 1, "solution": False}
    place = _place(notebook.cells)
    number = 1 + max((_number(cell) for cell in notebook.cells[:place]), default=0)
    added = [
        new_markdown_cell(TASK.format(number=number, **told), id=f"{cell_id}-task"),
        new_code_cell(ANSWER.format(**told), id=cell_id, metadata={"nbgrader": answer}),
        new_code_cell(f"check.{name}({name})", id=f"check-{cell_id}", metadata={"nbgrader": check}),
    ]
    if name in notebooks.task_cells(notebook) or {cell.id for cell in added} & {cell.id for cell in notebook.cells}:
        raise ValueError(TEXTS["taken"].format(path=path.name, name=name))
    for cell in notebook.cells[place:]:
        if _number(cell):
            cell.source = re.sub(r"\d+", str(_number(cell) + 1), cell.source, count=1)
    notebook.cells[place:place] = added
    return notebooks.dumps(notebook)


def _place(cells):
    """Where the next exercise goes: in front of the first heading after the last check, or at the end."""
    last = max((place for place, cell in enumerate(cells) if notebooks.is_check(cell)), default=len(cells))
    for place in range(last, len(cells)):
        if cells[place].cell_type == "markdown" and cells[place].source.startswith("## "):
            return place
    return len(cells)


def _number(cell):
    """The number of a task's heading, "## 3. Masks"; 0 for other cells."""
    found = re.match(r"## (\d+)\. ", cell.source) if cell.cell_type == "markdown" else None
    return int(found[1]) if found else 0


def _with_code(path, head, more, told):
    """The text of a module with an exercise more at its end."""
    source = path.read_text(encoding="utf-8") if path.exists() else head.format(**told)
    added = more.format(**told)
    try:
        names = symtable.symtable(source, path.name, "exec").get_identifiers()
    except SyntaxError as error:
        raise ValueError(TEXTS["syntax"].format(path=path, line=error.lineno, problem=error.msg)) from None
    for name in re.findall(r"^def (\w+)", added, re.M):
        if name in names:
            raise ValueError(TEXTS["taken"].format(path=path.name, name=name))
    return source.rstrip("\n") + "\n" + added

"""The file of a notebook: reading it with care, writing it, and finding the cells of its exercises."""

import json
from pathlib import Path
from typing import Any

from course_lib.printable import well_formed

USES_ANSWER = "uses-answer"  # a cell that needs the learner's function, and so fails until it is written

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

TEXTS = {
    "no notebook": "{path} is not a notebook: {problem}",
    "folder": "it is a folder",
    "no file": "it is no file",
    "empty": "it is empty",
    "not text": "it is not text in UTF-8",
    "conflict": "it holds the marks of a merge (<<<<<<< in line {line}); choose one side in a text editor",
    "not JSON": "it is cut off or broken in line {line} of {lines} (no valid JSON)",
    "deep": "its JSON is nested too deeply",
    "other": "it is JSON of another kind",
}


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

    text = read_text(path)
    try:
        return nbformat.reads(text, as_version=4)
    except Exception as error:  # nbformat raises half a dozen types for what is not a notebook
        raise ValueError(TEXTS["no notebook"].format(path=path, problem=str(error).partition("\n")[0])) from error


def read_code(path):
    """Read a notebook's code and nothing else, whatever else is wrong with it: for judging the work of others.

    Args:
        path: the file.

    Returns:
        An nbformat notebook of code cells: their sources, ids and nbgrader's marks, without outputs.

    Raises:
        ValueError: the file is not a notebook.
        OSError: it can't be read.
    """
    from nbformat.v4 import new_code_cell, new_notebook

    content = json.loads(read_text(path))
    sheets = content.get("worksheets")
    raw = content.get(
        "cells", sheets[0].get("cells") if isinstance(sheets, list) and sheets and isinstance(sheets[0], dict) else []
    )
    cells = []
    for number, cell in enumerate(raw if isinstance(raw, list) else []):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", cell.get("input", ""))
        source = "".join(map(str, source)) if isinstance(source, list) else source if isinstance(source, str) else ""
        metadata = cell.get("metadata") if isinstance(cell.get("metadata"), dict) else {}
        marks = metadata.get("nbgrader") if isinstance(metadata.get("nbgrader"), dict) else {}
        tags = metadata.get("tags") if isinstance(metadata.get("tags"), list) else []
        kept: dict[str, Any] = {"nbgrader": marks | {"grade_id": str(marks.get("grade_id", ""))}} if marks else {}
        kept["tags"] = [USES_ANSWER] if USES_ANSWER in tags else []
        cells.append(new_code_cell(well_formed(source), metadata=kept, id=f"cell-{number}"))
    return new_notebook(cells=cells)


def read_text(path):
    """Read the text of a notebook, and look that it is one: whole, and JSON of the right kind.

    Args:
        path: the file.

    Returns:
        Its text, without the mark of byte order that some editors put first.

    Raises:
        ValueError: the file is not a notebook; the message says in one sentence what is wrong with it.
        OSError: it can't be read.
    """
    path = Path(path)
    problem = ""
    if path.exists() and not path.is_file():  # a pipe would be waited for, for ever
        raise ValueError(
            TEXTS["no notebook"].format(path=path, problem=TEXTS["folder" if path.is_dir() else "no file"])
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(text)
        if not (
            isinstance(content, dict) and "nbformat" in content and ("cells" in content or "worksheets" in content)
        ):
            problem = TEXTS["other"]
    except UnicodeDecodeError:
        problem = TEXTS["not text"]
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        marks = [number for number, line in enumerate(lines, 1) if line.startswith("<<<<<<<")]
        what = "conflict" if marks else "not JSON" if text.strip() else "empty"
        problem = TEXTS[what].format(line=marks[0] if marks else error.lineno, lines=len(lines))
    except RecursionError:
        problem = TEXTS["deep"]
    if problem:
        raise ValueError(TEXTS["no notebook"].format(path=path, problem=problem))
    return text


def dumps(notebook):
    """Write a notebook as text, always in the same way.

    Args:
        notebook: an nbformat notebook.

    Returns:
        The text of its file.
    """
    import nbformat

    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def task_cells(notebook):
    """Find the cells of every exercise in a notebook.

    Args:
        notebook: an nbformat notebook, a solution or an exercise.

    Returns:
        A dict in the notebook's order: name of the function -> (the answer's cell or None, its check cell or None).
    """
    tasks = {}
    for cell in notebook.cells:
        grade_id = nbgrader(cell).get("grade_id", "")
        if is_answer(cell):
            tasks[grade_id] = (cell, tasks.get(grade_id, (None, None))[1])
        elif is_check(cell):
            name = grade_id.removeprefix("check_")
            tasks[name] = (tasks.get(name, (None, None))[0], cell)
    return tasks


def is_answer(cell):
    """Whether the learner writes this cell: nbgrader calls it a solution."""
    return cell.cell_type == "code" and nbgrader(cell).get("solution") is True


def is_check(cell):
    """Whether this cell checks an answer: nbgrader grades it."""
    return cell.cell_type == "code" and nbgrader(cell).get("grade") is True


def needs_answer(cell):
    """Whether this cell shows the learner's answer at work: no answer depends on it."""
    return USES_ANSWER in tags(cell)


def nbgrader(cell):
    """What nbgrader says of a cell."""
    return cell.metadata.get("nbgrader", {})


def tags(cell):
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))

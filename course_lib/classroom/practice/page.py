"""What stands on the notebook's page, beside what Python holds: an answer is judged as it stands there.

A cell that was changed and not run, or that ended in an error, leaves the function of before behind. IPython says which cells
ran and how; the notebook's file, which JupyterLab saves every few seconds, says what they hold now.
"""

import ast
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

TEXTS = {
    "error": "The cell that defines {name} ended in an error when it ran last ({error}). Python still holds the {name} of before, "
    "which is not what stands on your page. Mend the cell, run it, then check again.",
    "changed": "The cell that defines {name} was changed after it ran. Run it, then check again: what stands on your page is to be "
    "judged, not what stood there before.",
}

_ran = {}  # cell id -> Ran, the last time


@dataclass
class Ran:
    """The last run of a cell."""

    count: int | None  # the number beside the cell
    source: str
    names: set
    error: str
    time: float


def is_open():
    """Whether a person has this notebook open, in Jupyter or VS Code: a kernel that only keeps outputs has no page."""
    shell = _shell()
    return hasattr(shell, "kernel") and ("JPY_SESSION_NAME" in os.environ or "__vsc_ipynb_file__" in shell.user_ns)


def address_of(path, cell=""):
    """The address of a notebook from the running one, as links write it.

    Args:
        path: of the notebook; one that is relative stays as it is.
        cell: id of the cell at which JupyterLab is to open it, or "".
    """
    try:
        address = quote(Path(os.path.relpath(path, Path.cwd()) if Path(path).is_absolute() else path).as_posix())
    except ValueError:  # another drive on Windows
        address = Path(path).as_uri()
    return address + (f"#cell-id={quote(cell)}" if cell else "")


def watch():
    """Let IPython tell which cells run, from now on; elsewhere there is no page."""
    shell = _shell()
    if shell is not None and _remember not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _remember)


def not_on_the_page(name):
    """A sentence on why Python's function of this name is not the one on the page; "" if it is, or if nobody can tell."""
    runs = [(one.time, cell_id, one) for cell_id, one in _ran.items() if name in one.names]
    if _shell() is None or not runs:
        return ""
    _, cell_id, last = max(runs, key=lambda run: run[0])
    if last.error:
        return TEXTS["error"].format(name=name, error=last.error)
    if _saved_since(cell_id, last) not in (None, last.source):
        return TEXTS["changed"].format(name=name)
    return ""


def _remember(result):
    info = result.info
    if info is None or not info.cell_id or info.silent:
        return
    problem = result.error_before_exec or result.error_in_exec
    before = _ran.get(info.cell_id)
    names = _defined(info.raw_cell)
    if names is None:  # Python can't read it: it is about what it was about before
        names = _headed(info.raw_cell) | (before.names if before else set())
    if isinstance(problem, NotImplementedError):
        problem = None
    error = (
        ""
        if problem is None
        else f"{type(problem).__name__}: {str(problem).partition(chr(10))[0][:200]}".removesuffix(": ")
    )
    _ran[info.cell_id] = Ran(result.execution_count, info.raw_cell, names, error, time.time())


def _defined(source):
    """The names that a cell defines at its top level; None where it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    return names


def _headed(source):
    """The names of functions whose heads stand in a source that Python can't read."""
    lines = (line for line in source.splitlines() if line.startswith("def "))
    return {line[4:].partition("(")[0].strip() for line in lines}


def _saved_since(cell_id, last):
    """What the cell holds in a file that was saved after it ran; None where there is no such file or cell.

    A file that was written after the run may hold what stood on the page before it, where saving took its time: then the number
    beside the cell is another one.
    """
    path = os.environ.get("JPY_SESSION_NAME")
    if not path:
        return None
    try:
        file = Path(path)
        if file.stat().st_mtime <= last.time:
            return None
        cells = json.loads(file.read_bytes())["cells"]
        source = next(
            cell["source"] for cell in cells if cell.get("id") == cell_id and cell["execution_count"] == last.count
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None
    return "".join(source)


def _shell():
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None

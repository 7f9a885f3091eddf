"""Is this machine ready for the course? One check a question, each with what to do when the answer is no.

A check that is fine says so in words that don't change from run to run; only a check that is not gives the figures.
"""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from course_lib import shadowing
from course_lib.classroom.places import make_workspace, own_folders

PACKAGE = "attention-course"
OLDEST_PYTHON = (3, 11)
MEMORY_GB = 2  # what the largest lesson needs, with JupyterLab and a browser beside it
DISK_GB = 1
WIDGET_MANAGERS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")  # what JupyterLab loads to show widgets

TEXTS: dict[str, Any] = {
    "ready": "Ready: all {total} checks passed.",
    "not ready": "{failed} of {total} checks need attention.",
    "columns": ("Check", "", "Found", "What to do"),
    "ok": "ok",
    "not ok": "look",
    "python": "Python",
    "packages": "Packages",
    "packages fine": "all {number} in the ranges that the course needs",
    "missing": "{name} is missing (needed: {needed})",
    "outside": "{name} {found} (needed: {needed})",
    "not installed": "the course's own package is not installed here: {python}",
    "setup": "Run `python3 start.py` (on Windows `py start.py`) in the folder of the course: it repairs this.",
    "python advice": "Install Python {oldest} or newer, delete the folder .venv, then run `python3 start.py` again.",
    "cannot look": "can't be checked: {error}",
    "torch": "PyTorch",
    "torch fine": "{version}, computes on {device}",
    "torch wrong": "can't be loaded: {error}",
    "memory": "Memory",
    "enough": "{needed} GB or more free",
    "little": "{found:.1f} GB free, {needed} GB needed",
    "memory advice": "Close other programs or other running notebooks. Small lessons run all the same.",
    "disk": "Disk",
    "disk advice": "Free some space on the disk that holds {folder}.",
    "workspace": "Workspace",
    "workspace fine": "your copies and progress can be written",
    "workspace wrong": "can't be written: {error}",
    "workspace advice": "Make {folder} writable, or set COURSE_WORKSPACE to a folder that is.",
    "workspace hides": "Rename it, then restart the kernels.",
    "widgets": "Widgets",
    "widgets fine": "JupyterLab has what it needs to show them",
    "widgets wrong": "JupyterLab lacks {names}",
}


class Check(NamedTuple):
    """One answer: whether it is fine, what was found, and what to do if it is not (empty if it is)."""

    name: str
    ok: bool
    detail: str
    what_to_do: str


def checks():
    """Look at everything the course needs. Takes some seconds, since PyTorch is loaded to see that it works.

    Returns:
        A list of `Check`: (name, ok, detail, what_to_do).
    """
    looks = {
        "python": _python, "packages": _packages, "torch": _torch, "memory": _memory, "disk": _disk,
        "workspace": _workspace, "widgets": _widgets,
    }  # fmt: skip
    return [_answer(TEXTS[name], look) for name, look in looks.items()]


def _answer(name, look):
    try:
        return look()
    except ImportError as error:  # what a check itself needs is missing: that is an answer too
        return Check(name, False, TEXTS["cannot look"].format(error=_first_line(error)), TEXTS["setup"])


def check_environment():
    """Show the checks: a table in a notebook, plain text elsewhere."""
    report = Report(checks())
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        print(report)
    else:
        from IPython.display import display

        display(report)


class Report:
    """Checks as a table.

    Args:
        results: a list of `Check`.
    """

    def __init__(self, results):
        self.results = results
        failed = sum(not check.ok for check in results)
        self.verdict = TEXTS["not ready" if failed else "ready"].format(failed=failed, total=len(results))

    def __str__(self):
        lines = []
        for check in self.results:
            lines.append(f"{TEXTS['ok' if check.ok else 'not ok']:4}  {check.name:9}  {check.detail}")
            if check.what_to_do:
                lines.append(f"{'':17}→ {check.what_to_do}")
        return "\n".join([*lines, self.verdict])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self):
        advice = any(check.what_to_do for check in self.results)
        columns = TEXTS["columns"] if advice else TEXTS["columns"][:3]
        head = "".join(f'<th scope="col" style="text-align:left">{column}</th>' for column in columns)
        rows = []
        for check in self.results:
            sign = f"✓ {TEXTS['ok']}" if check.ok else f"<b>✗ {TEXTS['not ok']}</b>"
            cells = [escape(check.name), sign, escape(check.detail), escape(check.what_to_do)][: len(columns)]
            rows.append("<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>")
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        return f"{table}<p><b>{escape(self.verdict)}</b></p>"


def _python():
    ok = sys.version_info >= OLDEST_PYTHON
    advice = "" if ok else TEXTS["python advice"].format(oldest=".".join(map(str, OLDEST_PYTHON)))
    return Check(TEXTS["python"], ok, platform.python_version(), advice)


def _packages():
    from packaging.requirements import Requirement

    try:
        required = [Requirement(line) for line in importlib.metadata.requires(PACKAGE) or ()]
    except importlib.metadata.PackageNotFoundError:
        return Check(TEXTS["packages"], False, TEXTS["not installed"].format(python=sys.executable), TEXTS["setup"])
    required = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = [problem for one in required if (problem := _unmet(one))]
    if wrong:
        return Check(TEXTS["packages"], False, "; ".join(wrong), TEXTS["setup"])
    return Check(TEXTS["packages"], True, TEXTS["packages fine"].format(number=len(required)), "")


def _unmet(requirement):
    """What is wrong with a required package, or None."""
    try:
        found = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return TEXTS["missing"].format(name=requirement.name, needed=requirement.specifier)
    if not requirement.specifier.contains(found, prereleases=True):
        return TEXTS["outside"].format(name=requirement.name, found=found, needed=requirement.specifier)
    return None


def _torch():
    try:
        import torch

        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        torch.ones(2, 2, device=device).sum().item()
    except Exception as error:  # a broken build fails in ways of its own: missing libraries, drivers that don't fit
        return Check(TEXTS["torch"], False, TEXTS["torch wrong"].format(error=_first_line(error)), TEXTS["setup"])
    return Check(TEXTS["torch"], True, TEXTS["torch fine"].format(version=torch.__version__, device=device.upper()), "")


def _memory():
    import psutil

    return _room(TEXTS["memory"], psutil.virtual_memory().available, MEMORY_GB, TEXTS["memory advice"])


def _disk():
    folder = _existing(_workspace_folder())
    return _room(TEXTS["disk"], shutil.disk_usage(folder).free, DISK_GB, TEXTS["disk advice"].format(folder=folder))


def _room(name, free, needed, advice):
    found = free / 1024**3
    if found >= needed:
        return Check(name, True, TEXTS["enough"].format(needed=needed), "")
    return Check(name, False, TEXTS["little"].format(found=found, needed=needed), advice)


def _workspace():
    try:
        with tempfile.NamedTemporaryFile(dir=make_workspace(), prefix=".doctor-"):
            pass
    except OSError as error:
        advice = TEXTS["workspace advice"].format(folder=_workspace_folder())
        return Check(TEXTS["workspace"], False, TEXTS["workspace wrong"].format(error=_first_line(error)), advice)
    hiding = [told for folder in own_folders() for told in shadowing.sentences(folder)]
    if hiding:
        return Check(TEXTS["workspace"], False, " ".join(hiding), TEXTS["workspace hides"])
    return Check(TEXTS["workspace"], True, TEXTS["workspace fine"], "")


def _widgets():
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    missing = [name for name in WIDGET_MANAGERS if not any((folder / name).is_dir() for folder in folders)]
    if missing:
        return Check(TEXTS["widgets"], False, TEXTS["widgets wrong"].format(names=", ".join(missing)), TEXTS["setup"])
    return Check(TEXTS["widgets"], True, TEXTS["widgets fine"], "")


def _workspace_folder():
    """Where the workspace is or would be, without making it."""
    named = os.environ.get("COURSE_WORKSPACE")
    return Path(os.path.expanduser(named)) if named else Path(__file__).resolve().parents[2] / "workspace"


def _existing(folder):
    """The folder, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.resolve().parents) if one.exists())


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0]

"""The files of the course: where they are, how an exercise is made from its solution, how notebooks are run.

`solutions/` is the one source of every exercise. Its cells carry nbgrader's markers and metadata; stripping them makes
`exercises/`. Nothing heavy is loaded with this module.
"""

import contextlib
import copy
import hashlib
import json
import logging
import os
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from course_lib.classroom import files

KINDS = ("notebooks", "solutions", "exercises", "workspace", "lessons")
LESSON = re.compile(r"\d\d_[a-z0-9_]+")

BEGIN = "### BEGIN SOLUTION"
END = "### END SOLUTION"
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")

SOLUTION_ONLY = "solution-only"  # a cell that exercises leave out
USES_ANSWER = "uses-answer"  # a cell that needs the learner's function, and so fails until it is written
MAY_RAISE = "raises-exception"  # what Jupyter and nbval call a cell that may fail
MEASURED = "measured"  # a cell that prints timings: its outputs are kept while the code up to it stays the same

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
EDITOR_METADATA = ("ExecuteTime", "collapsed", "execution", "scrolled", "trusted", "vscode")

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
STILLS = ("image/png", "image/svg+xml", "text/html")  # what can stand in for a widget where no kernel runs

CELL_SECONDS = 180  # a lesson's Run All takes at most three minutes
START_SECONDS = 60
MAX_BYTES = 1_500_000
WATCH_SECONDS = 0.1

# One thread and one hash seed: sums then come out the same at every build, and as in the tests.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
PINNED = dict.fromkeys(THREADS, "1") | {"PYTHONHASHSEED": "0"}

KERNEL_STARTUP = Path(__file__).parent / "lab" / "kernel_startup.py"  # what a kernel runs before the first cell

NOISE = (
    (re.compile(r"\bat 0x[0-9a-fA-F]{6,}"), "at 0x…"),
    (re.compile(r"[^\s\"'<>(]*ipykernel_\d+[/\\]\d+\.py"), "cell"),
    (re.compile(r"[^\s\"'<>(]*[/\\]site-packages[/\\]"), "site-packages/"),
)

TEXTS = {
    "not a course": "{root} is not the folder of the course: it has no notebooks/ in it. {advice}",
    "advice set": "COURSE_HOME names it; point it to the folder that holds notebooks/, or unset it.",
    "advice unset": "Set COURSE_HOME to the folder that holds notebooks/.",
    "no lesson": "there is no lesson {lesson!r}; the lessons are: {lessons}",
    "no kind": "kind is {kind!r}; expected one of {kinds}",
    "no file": "lesson {lesson} has no {kind}: {path} is missing",
    "no workspace": "the folder {folder}, which is to hold your copies and your progress, can't be made: {error}. Make it "
    "yourself, or set COURSE_WORKSPACE to a folder that can be written",
    "no notebook": "{path} is not a notebook: {problem}",
    "folder": "it is a folder",
    "empty": "it is empty",
    "not text": "it is not text in UTF-8",
    "conflict": "it holds the marks of a merge (<<<<<<< in line {line}); choose one side in a text editor",
    "not JSON": "it is cut off or broken in line {line} of {lines} (no valid JSON)",
    "deep": "its JSON is nested too deeply",
    "other": "it is JSON of another kind",
    "no answer cell": "{notebook} has no solution cell {grade_id!r}; it has: {found}",
    "nested": "{notebook}, cell {cell}: {begin!r} inside a region that is already open",
    "not open": "{notebook}, cell {cell}: {end!r} without a {begin!r} before it",
    "not closed": "{notebook}, cell {cell}: {begin!r} is never closed by {end!r}",
    "no region": "{notebook}, cell {cell}: a solution cell without a region from {begin!r} to {end!r}",
    "not a solution": "{notebook}, cell {cell}: {begin!r} in a cell that nbgrader's metadata calls no solution",
    "format": "{notebook}: format {found}; expected 4.5, where cells have ids",
    "no id": "{notebook}: cell {number} has no id",
    "same id": "{notebook}: two cells have the id {cell!r}",
    "raised": "{notebook}, cell {cell}: {error}",
    "timeout": "did not finish within {seconds:g} seconds",
    "died": "the kernel died",
    "large": "{notebook} would have {size:,} bytes; at most {limit:,} are allowed",
    "edited": "{notebook} was changed while it was being built; nothing of this lesson was written",
    "stray": "{path}: not a lesson's notebook",
    "twice": "{path}: lesson {number} is also {other}",
    "no source": "{path}: there is no solutions/{name}, from which it would be made",
    "no lesson file": "{path}: there is no notebooks/{name}",
}


class NotACourse(FileNotFoundError):
    """The folder that should hold the course does not."""


class NotebookError(RuntimeError):
    """A notebook that does not run, or can't be built; the message names it and the cell."""


@dataclass
class Built:
    """What a build did, or would do.

    Attributes:
        changed: paths from the course's folder, such as "exercises/03_self_attention_by_hand.ipynb".
        stray: sentences on files that do not belong where they are.
    """

    changed: list
    stray: list


def course_root():
    """Find the folder of the course: the one that holds `notebooks/`.

    Returns:
        The folder that COURSE_HOME names, or else the one around this package.

    Raises:
        NotACourse: it has no `notebooks/`.
    """
    named = os.environ.get("COURSE_HOME")
    root = Path(named).expanduser().resolve() if named else Path(__file__).resolve().parents[2]
    if not (root / "notebooks").is_dir():
        advice = TEXTS["advice set" if named else "advice unset"]
        raise NotACourse(TEXTS["not a course"].format(root=root, advice=advice))
    return root


def workspace():
    """Find the learner's own folder, and make it if there is none.

    Returns:
        The folder that COURSE_WORKSPACE names, or else `workspace/` in the course's folder.

    Raises:
        FileTrouble: it can't be made.
    """
    named = os.environ.get("COURSE_WORKSPACE")
    folder = Path(named).expanduser().resolve() if named else course_root() / "workspace"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.FileTrouble(TEXTS["no workspace"].format(folder=folder, error=error.strerror)) from None
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
        kind: "notebooks", "solutions", "exercises", or the learner's own copies: "workspace" of the exercises,
            "lessons" of the lesson.
        lesson: "03", 3 or "03_self_attention_by_hand".

    Returns:
        The path of the notebook.

    Raises:
        ValueError: no such kind or lesson.
    """
    if kind not in KINDS:
        raise ValueError(TEXTS["no kind"].format(kind=kind, kinds=", ".join(KINDS)))
    name = f"{lesson_name(lesson)}.ipynb"
    if kind == "workspace":
        return workspace() / name
    return (workspace() if kind == "lessons" else course_root()) / kind / name


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
    except OSError:
        if not path.is_dir():
            raise
        problem = TEXTS["folder"]
    if problem:
        raise ValueError(TEXTS["no notebook"].format(path=path, problem=problem))
    return text


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
    stripped.cells = [cell for cell in stripped.cells if SOLUTION_ONLY not in _tags(cell)]
    for cell in stripped.cells:
        cell.source = _without_solution(cell, name)
        if cell.cell_type != "code":
            continue
        cell.outputs = []
        cell.execution_count = None
        cell.metadata.pop(MEASURED, None)
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
        A dict in the notebook's order: name of the function -> (the answer's cell or None, its check cell or None).
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


def execute(notebook, folder, timeout=CELL_SECONDS, name="the notebook"):
    """Run a notebook in a kernel of its own, away from the learner's progress, and keep what does not change by itself.

    Threads and hash seed are pinned. Left out of the outputs: widget views (an output that is nothing else goes with
    them), memory addresses, paths of this computer, what a progress bar overwrote.

    Args:
        notebook: an nbformat notebook; it is not changed.
        folder: the folder it runs in.
        timeout: seconds for each cell.
        name: what error messages call it.

    Returns:
        A new nbformat notebook with outputs.

    Raises:
        NotebookError: a cell raised, took too long or killed the kernel; names notebook and cell.
    """
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    executed = copy.deepcopy(notebook)
    running: Any = executed.cells[0] if executed.cells else {}

    def on_cell_start(cell, cell_index):
        nonlocal running
        running = cell

    client = _client(executed, folder, timeout=timeout, on_cell_start=on_cell_start)
    with kernel_environment(scratch_workspace=True) as environment:
        try:
            client.execute(env=environment | PINNED)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            if isinstance(error, CellExecutionError):
                # An object that can't be displayed is an error in the outputs alone.
                shown = [output for output in running.outputs if output.output_type == "error"] or [error]
                problem = f"{shown[-1].ename}: {shown[-1].evalue}"
            elif isinstance(error, CellTimeoutError):
                problem = TEXTS["timeout"].format(seconds=timeout)
            else:
                problem = TEXTS["died"]
            told = {"notebook": name, "cell": running.get("id"), "error": problem}
            raise NotebookError(TEXTS["raised"].format(**told)) from None
        places = _places(Path(environment["COURSE_WORKSPACE"]), Path(folder))
    for cell in executed.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _keep(output, cell, places)]
    return executed


def run_limited(notebook, folder, *, seconds, memory, environment, listen):
    """Run all of a notebook, errors allowed, until it is done or a limit is reached; then its processes are killed.

    Args:
        notebook: an nbformat notebook; it is not changed.
        folder: the folder it runs in.
        seconds: limit for all of it, the kernel's start included.
        memory: limit in MB for the kernel and all that it starts.
        environment: the kernel's environment variables.
        listen: called as listen(message_type, content, cell) with what the kernel sends. None of it is kept, so that a
            cell that prints for ever fills no memory here.

    Returns:
        None if it ran to its end, else what ended it: "time", "memory" or "died".
    """
    from nbclient.exceptions import DeadKernelError

    client = _client(copy.deepcopy(notebook), folder, allow_errors=True, timeout=None)
    stopped = None
    done = threading.Event()
    until = time.monotonic() + seconds

    def watch():
        nonlocal stopped
        while not done.wait(WATCH_SECONDS):
            processes = _kernel_processes(client)
            if time.monotonic() > until:
                stopped = "time"
            elif _resident(processes) > memory * 1e6:
                stopped = "memory"
            if stopped and processes:
                _kill(processes)
                return

    def process_message(message, cell, cell_index):
        listen(message["msg_type"], message["content"], cell)
        if message["msg_type"] == "status":
            return keep_status(message, cell, cell_index)
        return None

    keep_status = client.process_message
    client.process_message = process_message
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        client.execute(env=environment)
    except DeadKernelError:
        stopped = stopped or "died"
    except Exception:  # a kernel killed while it starts or ends shows in many ways
        if stopped is None:
            raise
    finally:
        done.set()
        watcher.join()
    return stopped


def run_plain(notebook, folder, *, environment, after_cell):
    """Run a notebook and hand over each cell as soon as it is done.

    Args:
        notebook: an nbformat notebook; it is not changed.
        folder: the folder it runs in.
        environment: the kernel's environment variables.
        after_cell: called with every cell, code or not, in order; code has its outputs by then, an error among them.

    Returns:
        Whether it ran to its end.
    """
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    executed = copy.deepcopy(notebook)
    client = _client(executed, folder, timeout=None)
    execute_cell = client.async_execute_cell

    # nbclient has no hook for prose, nor one that knows the last output.
    async def and_hand_over(cell, cell_index, **settings):
        try:
            return await execute_cell(cell, cell_index, **settings)
        finally:
            after_cell(cell)

    client.async_execute_cell = and_hand_over
    try:
        client.execute(env=environment)
    except (CellExecutionError, DeadKernelError):
        return False
    return True


@contextlib.contextmanager
def kernel_environment(scratch_workspace=False):
    """Prepare the environment variables of a kernel that leaves no traces in the home folder.

    Args:
        scratch_workspace: whether its workspace is an empty temporary folder in place of the learner's own.

    Yields:
        A dict of environment variables; its temporary folders go when the context ends.
    """
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch).resolve()
        environment = os.environ | {
            "COURSE_HOME": str(course_root()),  # made absolute: the kernel runs in another folder
            "COURSE_WORKSPACE": str(folder / "workspace" if scratch_workspace else workspace()),
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONSTARTUP": str(KERNEL_STARTUP),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger writes a warning into the output
        }
        environment.pop("MPLBACKEND", None)  # the kernel sets its own, which shows figures in the notebook
        yield environment


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
                on_file(_shown(path))
            before[path] = path.read_text(encoding="utf-8-sig")
            notebook = _with_ids(path, before[path])
            if kind == "solutions":
                exercises = root / "exercises" / path.name
                before[exercises] = exercises.read_text(encoding="utf-8-sig") if exercises.exists() else None
                after[exercises] = dumps(strip_solutions(notebook, _shown(path)))
                if before[exercises] is None and not check:
                    early = exercises  # the lesson, which runs next, offers its exercises
                    files.replace(early, after[early])
            after[path] = dumps(_with_measurements(notebook, execute(notebook, path.parent, timeout, _shown(path))))
        for path, text in after.items():
            if (size := len(text.encode())) > MAX_BYTES:
                raise NotebookError(TEXTS["large"].format(notebook=_shown(path), size=size, limit=MAX_BYTES))
    except BaseException:
        if early:
            early.unlink()
        raise
    different = [path for path in after if before[path] != after[path]]
    if not check:
        for path in different:
            if before[path] is not None and path.read_text(encoding="utf-8-sig") != before[path]:
                raise NotebookError(TEXTS["edited"].format(notebook=_shown(path)))
        for path in different:
            files.replace(path, after[path])
    return [_shown(path) for path in different]


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
            told = {"path": _shown(path), "name": path.name}
            if path.name.startswith(".") or path.name == "__pycache__":
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


def dumps(notebook):
    """Write a notebook as text, always in the same way.

    Args:
        notebook: an nbformat notebook.

    Returns:
        The text of its file.
    """
    import nbformat

    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def _client(notebook, folder, **settings):
    """A client whose kernel is this Python, whatever kernels are installed under the name of python3."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from nbclient import NotebookClient

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            # It would warn that its sockets, which only this computer reaches, are not encrypted.
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
            return KernelSpec(argv=argv, **{key: METADATA["kernelspec"][key] for key in ("display_name", "language")})

    class Manager(AsyncKernelManager):
        def _kernel_spec_manager_default(self):
            return ThisPython()

    log = logging.getLogger("course_lib.classroom.notebooks")
    log.addHandler(logging.NullHandler())
    log.propagate = False  # whatever goes wrong is raised; nbclient would also print it
    return NotebookClient(
        notebook,
        kernel_manager_class=Manager,
        resources={"metadata": {"path": str(folder)}},
        startup_timeout=START_SECONDS,
        store_widget_state=False,
        record_timing=False,
        coalesce_streams=True,
        shutdown_kernel="immediate",
        log=log,
        **settings,
    )


def _kernel_processes(client):
    import psutil

    provisioner = getattr(client.km, "provisioner", None)
    if provisioner is None or provisioner.pid is None:
        return []
    try:
        kernel = psutil.Process(provisioner.pid)
        return [kernel, *kernel.children(recursive=True)]
    except psutil.Error:
        return []


def _resident(processes):
    import psutil

    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):  # ended meanwhile
            total += process.memory_info().rss
    return total


def _kill(processes):
    import psutil

    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _with_ids(path, text):
    """A notebook whose cells have ids; nbformat would make up missing ones, other ones at every reading."""
    import nbformat

    told = {"notebook": _shown(path)}
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
        if MEASURED in _tags(new):
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


def _places(scratch, folder):
    """Paths of this computer and of this run -> what stands for them in outputs, the longest first."""
    home = course_root()
    places = {
        str(scratch): "workspace",
        os.path.relpath(scratch, folder): "../workspace",
        str(home) + os.sep: "",
        str(home): ".",
        str(Path.home()) + os.sep: "~" + os.sep,
    }
    places |= {path.replace(os.sep, "/"): there for path, there in places.items()}
    places |= {quote(path): there for path, there in places.items()}  # as links write it
    return {path: places[path] for path in sorted(places, key=len, reverse=True) if len(path) > 2}


def _keep(output, cell, places):
    """Take out of an output what would change by itself; whether anything is left."""
    if output.output_type == "stream":
        output.text = _steady(output.text, places)
        return bool(output.text)
    if output.output_type == "error":
        output.evalue = _steady(output.evalue, places)
        output.traceback = [_steady(line, places) for line in output.traceback]
        return True
    if output.data.pop(WIDGET_VIEW, None) is not None and not any(mime in output.data for mime in STILLS):
        return False
    for mime, value in output.data.items():
        if isinstance(value, str) and not mime.startswith("image/"):
            output.data[mime] = _steady(value, places)
        elif mime.startswith("image/") and "alt" in cell.metadata:  # where nbconvert looks for the text alternative
            output.metadata.setdefault(mime, {}).setdefault("alt", cell.metadata["alt"])
    return True


def _steady(text, places):
    for path, there in places.items():
        text = text.replace(path, there)
    for pattern, instead in NOISE:
        text = pattern.sub(instead, text)
    return text


def _shown(path):
    return path.relative_to(course_root()).as_posix()


def needs_answer(cell):
    """Whether this cell shows the learner's answer at work: no answer depends on it."""
    return USES_ANSWER in _tags(cell)


def _nbgrader(cell):
    return cell.metadata.get("nbgrader", {})


def _tags(cell):
    return list(cell.metadata.get("tags", []))


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

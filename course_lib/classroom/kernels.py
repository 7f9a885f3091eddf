"""Running notebooks in kernels of this Python: to keep outputs, within limits, or cell by cell."""

import contextlib
import copy
import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from course_lib.classroom.notebooks import METADATA
from course_lib.classroom.places import course_root, workspace

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
STILLS = ("image/png", "image/svg+xml", "text/html")  # what can stand in for a widget where no kernel runs

CELL_SECONDS = 180  # a lesson's Run All takes at most three minutes
START_SECONDS = 60

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
    "raised": "{notebook}, cell {cell}: {error}",
    "timeout": "did not finish within {seconds:g} seconds",
    "died": "the kernel died",
}


class NotebookError(RuntimeError):
    """A notebook that does not run, or can't be built; the message names it and the cell."""


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
    scratch = tempfile.mkdtemp(prefix="course-")
    try:
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
    finally:
        with contextlib.suppress(RecursionError):  # of folders nested without end
            shutil.rmtree(scratch, ignore_errors=True)


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


def processes_of(manager):
    """The processes of a kernel: itself and all that it started, as far as that can be seen."""
    import psutil

    provisioner = getattr(manager, "provisioner", None)
    if provisioner is None or provisioner.pid is None:
        return []
    try:
        kernel = psutil.Process(provisioner.pid)
        return [kernel, *kernel.children(recursive=True)]
    except psutil.Error:
        return []


def children():
    """All processes that this one has started, and those that they have."""
    import psutil

    return psutil.Process().children(recursive=True)


def resident(processes):
    """The memory of processes together, in bytes."""
    import psutil

    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):  # ended meanwhile
            total += process.memory_info().rss
    return total


def kill(processes):
    """End processes at once."""
    import psutil

    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


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

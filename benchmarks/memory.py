"""How much memory a lesson's kernel holds at the end of Run All, and how long its first cell takes.

    python -m benchmarks.memory [LESSON …] [--json]

Without lessons, all run, one after the other, each in a kernel as a learner's is. What counts is what the system says
that the kernel has in use (its resident set), the libraries' code included.
"""

import argparse
import sys
import threading
import time

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.timing import machine, tell_end
from course_lib.classroom import kernels, notebooks, places

LOOK_SECONDS = 0.02
HEADINGS = {
    "end_mb": "MB at the end",
    "peak_mb": "at most",
    "first_mb": "after the first cell",
    "first_seconds": "seconds of it",
    "seconds": "of all cells",
}


def measure(notebook, folder):
    """Run all of a notebook and watch its kernel.

    Args:
        notebook: an nbformat notebook; its first cell is prose, with which the clock starts.
        folder: the folder it runs in.

    Returns:
        dict: a number for each of `HEADINGS`; an MB is a million bytes.

    Raises:
        RuntimeError: a cell raised.
    """
    seen, cells = [], []  # MB at each look; (MB, time) after the first cell and after each one with code
    done = threading.Event()
    others = set(psutil.Process().children())

    def look():
        own = set(psutil.Process().children()) - others
        seen.append(max(map(in_use, own), default=0))  # the kernel is the only one that lasts

    def keep_looking():
        while not done.wait(LOOK_SECONDS):
            look()

    def after_cell(cell):
        if not cells or cell.cell_type == "code":
            look()
            cells.append((seen[-1], time.perf_counter()))

    watcher = threading.Thread(target=keep_looking, daemon=True)
    watcher.start()
    try:
        with kernels.kernel_environment(scratch_workspace=True) as environment:
            if not kernels.run_plain(notebook, folder, environment=environment, after_cell=after_cell):
                raise RuntimeError("a cell raised: `course run` shows which")
    finally:
        done.set()
        watcher.join()
    (_, begin), (first, first_end), *_, (last, end) = cells
    numbers = last, max(seen), first, first_end - begin, end - begin
    return dict(zip(HEADINGS, numbers, strict=True))


def in_use(process):
    """The MB that a process has in use; 0 once it has ended."""
    try:
        return process.memory_info().rss / 1e6
    except psutil.Error:
        return 0


def main(arguments=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__.split("\n\n")[0])
    parser.add_argument("lessons", nargs="*", metavar="LESSON", help="such as 03 (default all)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        names = [places.lesson_name(lesson) for lesson in options.lessons] or places.lessons()
    except ValueError as error:
        parser.error(str(error))
    found, table = {}, Table("lesson", *HEADINGS.values())
    for name in names:
        path = places.lesson_path("notebooks", name)
        found[name] = measure(notebooks.read(path), path.parent)
        print(f"{name}: {found[name]['end_mb']:.0f} MB", file=sys.stderr)
        table.add_row(name, *(f"{number:,.{'seconds' in kind:d}f}" for kind, number in found[name].items()))
    console = Console()
    if not options.json:
        console.print(table)
    tell_end(console, found, machine(), options.json)


if __name__ == "__main__":
    main()

"""Where a learner is: the cell that ran last in each of their notebooks, as an event of their progress, once a second at most.

`kernel_startup.py` has every kernel of the course do this. A bookmark that can't be written costs nothing else.
"""

import atexit
import os
import time
from pathlib import Path

SECONDS = 1.0  # Run All runs faster than anybody reads

_last = {"written": None, "at": -SECONDS, "place": None}


def keep(shell):
    """Have IPython tell which cells run, from now on.

    Args:
        shell: its InteractiveShell.
    """
    shell.events.register("post_run_cell", _ran)
    atexit.register(_write)


def _ran(result):
    cell = result.info.cell_id if result.info is not None and not result.info.silent else None
    notebook = os.environ.get("JPY_SESSION_NAME")  # Jupyter Server sets it to the notebook's path
    if not (cell and notebook):
        return
    _last["place"] = (notebook, cell)
    if time.monotonic() - _last["at"] >= SECONDS:
        _write()


def _write():
    place, _last["at"] = _last["place"], time.monotonic()
    if place is None or place == _last["written"]:
        return
    try:
        from course_lib.classroom.places import workspace
        from course_lib.classroom.practice.progress import Progress

        own = Path(place[0]).resolve()
        if own.is_relative_to(workspace()):
            Progress().record("place", own.relative_to(workspace()).as_posix(), cell=place[1])
        _last["written"] = place
    except Exception:  # no progress file is worth an error under a learner's cell
        _last["written"] = place

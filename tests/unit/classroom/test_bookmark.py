"""Where the learner is: the last cell that ran, kept without a word."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from jupyter_client.manager import start_new_kernel

from course_lib.classroom.kernels import KERNEL_STARTUP
from course_lib.classroom.lab import bookmark
from course_lib.classroom.practice.progress import Progress


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setattr(bookmark, "_last", {"written": None, "at": -10.0, "place": None})
    return tmp_path / "workspace"


def ran(cell, silent=False):
    bookmark._ran(SimpleNamespace(info=SimpleNamespace(cell_id=cell, silent=silent)))


def places():
    return [(event["subject"], event["cell"]) for event in Progress().events("place")]


def test_the_last_cell_is_kept_once_a_second(workspace, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", str(workspace / "lessons" / "03 a.ipynb"))
    for cell in ("one", "two", "three"):
        ran(cell)
    assert places() == [("lessons/03 a.ipynb", "one")]
    bookmark._write()  # as when the kernel ends
    bookmark._write()
    assert places()[1:] == [("lessons/03 a.ipynb", "three")]


def test_other_notebooks_and_code_that_no_cell_holds_leave_no_mark(workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "elsewhere.ipynb"))
    ran("one")
    monkeypatch.setenv("JPY_SESSION_NAME", str(workspace / "mine.ipynb"))
    ran(None)
    ran("two", silent=True)
    monkeypatch.delenv("JPY_SESSION_NAME")
    ran("three")
    assert not workspace.exists()


def test_a_progress_file_that_cannot_be_written_is_no_error(workspace, monkeypatch):
    workspace.write_text("a file where the folder should be")
    monkeypatch.setenv("JPY_SESSION_NAME", str(workspace / "03.ipynb"))
    ran("one")


def test_a_kernel_of_the_course_keeps_it(workspace):
    environment = os.environ | {
        "PYTHONSTARTUP": str(KERNEL_STARTUP),
        "JPY_SESSION_NAME": str(workspace / "lessons" / "03.ipynb"),
        "IPYTHONDIR": str(workspace / "ipython"),
    }
    manager, client = start_new_kernel(env=environment, kernel_name="python3")
    try:
        message = client.session.msg("execute_request", {"code": "1 + 1"}, metadata={"cellId": "a-cell"})
        client.shell_channel.send(message)
        client.get_shell_msg(timeout=60)
        client.execute("[name for name in globals() if 'bookmark' in name]", reply=True, timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert places() == [("lessons/03.ipynb", "a-cell")]


def test_pythons_own_prompt_takes_the_start_file_too():
    done = subprocess.run([sys.executable, str(KERNEL_STARTUP)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

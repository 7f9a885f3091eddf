"""The doctor: what it says of a machine that is ready, and of each thing that may be wrong."""

import builtins
import importlib.metadata
import shutil
import sys
from collections import namedtuple

import psutil
import pytest

from course_lib.classroom import doctor

EVERYTHING = ["Python", "Packages", "PyTorch", "Memory", "Disk", "Workspace", "Widgets"]


def answer(name):
    (found,) = [check for check in doctor.checks() if check.name == name]
    return found


def test_every_check_is_there_and_a_fine_one_needs_nothing_done():
    results = doctor.checks()
    assert [check.name for check in results] == EVERYTHING
    for name, ok, detail, what_to_do in results:
        assert detail and bool(what_to_do) == (not ok), name


def test_this_machine_has_the_packages():
    for name in ("Python", "Packages", "PyTorch", "Workspace", "Widgets"):
        assert answer(name).ok, answer(name)


def test_an_old_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    assert not answer("Python").ok and "3.11 or newer" in answer("Python").what_to_do


def test_packages_that_are_missing_or_outside_their_range(monkeypatch):
    needed = ["numpy>=999", "no-such-package>=1", "anywidget>=0.9"]
    needed += ['pytest>=8; extra == "test"', "pandas>1; python_version < '3'"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: needed)
    found = answer("Packages")
    assert not found.ok and "start.py" in found.what_to_do
    assert f"numpy {importlib.metadata.version('numpy')} (needed: >=999)" in found.detail
    assert "no-such-package is missing (needed: >=1)" in found.detail
    assert not any(name in found.detail for name in ("anywidget", "pytest", "pandas"))


def test_the_course_itself_not_installed(monkeypatch):
    def no_such(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", no_such)
    assert "not installed" in answer("Packages").detail and sys.executable in answer("Packages").detail


def test_a_torch_that_does_not_load(monkeypatch):
    real = builtins.__import__

    def broken(name, *args, **kwargs):
        if name == "torch":
            raise OSError("libtorch.so: cannot open\nand much more")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    found = answer("PyTorch")
    assert not found.ok and "libtorch.so: cannot open" in found.detail and "much more" not in found.detail


def test_a_missing_package_does_not_stop_the_other_checks(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    results = doctor.checks()
    assert [check.name for check in results] == EVERYTHING
    assert [check.name for check in results if not check.ok] == ["Memory"]


def test_little_memory_and_little_disk(monkeypatch):
    Memory, Disk = namedtuple("Memory", "available"), namedtuple("Disk", "free")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(1024**3 // 2))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Disk(1024**3 // 4))
    assert not answer("Memory").ok and "0.5 GB free, 2 GB needed" in answer("Memory").detail
    assert not answer("Disk").ok and "0.2 GB free, 1 GB needed" in answer("Disk").detail


def test_a_workspace_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "file" / "workspace"))
    found = answer("Workspace")
    assert not found.ok and "COURSE_WORKSPACE" in found.what_to_do
    assert len(doctor.checks()) == len(EVERYTHING)


def test_the_workspace_is_left_as_it_was(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path))
    assert answer("Workspace").ok and list(tmp_path.iterdir()) == []


def test_a_file_in_the_workspace_that_hides_a_package(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path))
    (tmp_path / "lessons").mkdir()
    for file in (tmp_path / "numpy.py", tmp_path / "lessons" / "torch.py"):
        file.write_text("")
        found = answer("Workspace")
        assert not found.ok and str(file) in found.detail and "restart" in found.what_to_do


def test_a_missing_widget_manager(monkeypatch):
    monkeypatch.setattr(doctor, "WIDGET_MANAGERS", ("anywidget", "no-such-manager"))
    assert answer("Widgets").detail == "JupyterLab lacks no-such-manager"


@pytest.fixture
def mixed():
    checks = [doctor.Check("One", True, "fine", ""), doctor.Check("Two", False, "<b>bad</b>", "do & repair")]
    return doctor.Report(checks)


def test_the_report_in_both_forms(mixed):
    text, html = str(mixed), mixed._repr_mimebundle_()["text/html"]
    assert "1 of 2 checks need attention." in text and "→ do & repair" in text
    assert "&lt;b&gt;bad&lt;/b&gt;" in html and "do &amp; repair" in html and "What to do" in html


def test_when_all_is_well_there_is_nothing_to_do():
    fine = doctor.Report([doctor.Check("One", True, "fine", "")])
    assert "Ready: all 1 checks passed." in str(fine) and "What to do" not in fine._repr_mimebundle_()["text/html"]


def test_what_is_fine_is_said_the_same_way_every_time():
    """Saved outputs of lesson 00 must not change from run to run."""
    first, second = ({check.name: check.detail for check in doctor.checks() if check.ok} for _ in range(2))
    assert first
    assert all(first[name] == second[name] for name in first.keys() & second.keys())


def test_outside_a_notebook_it_prints(capsys):
    doctor.check_environment()
    assert "Python" in capsys.readouterr().out

"""Nothing is lost: what is written with two calls at once, on a full disk, on a disk without hard links."""

import errno
import os
import subprocess
import sys

import pytest

from course_lib.classroom import files

TEXT = "whole\n" * 1000


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture
def without_links(monkeypatch):
    def no_links(*args, **more):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)


@pytest.fixture
def full(monkeypatch):
    """A disk that fills up while a file is being written."""

    def fails(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)


@pytest.fixture(params=["with hard links", "without hard links"])
def either_disk(request):
    if request.param == "without hard links":
        request.getfixturevalue("without_links")


@pytest.mark.usefixtures("either_disk")
def test_a_new_file_never_replaces_one(tmp_path):
    path = tmp_path / "folder" / "new.txt"
    files.create(path, TEXT)
    assert path.read_text() == TEXT
    with pytest.raises(FileExistsError):
        files.create(path, "other")
    assert path.read_text() == TEXT and left(tmp_path) == ["folder/new.txt"]


@pytest.mark.usefixtures("either_disk")
@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_a_link_to_nowhere_has_the_name_too(tmp_path):
    (tmp_path / "new.txt").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        files.create(tmp_path / "new.txt", TEXT)
    assert left(tmp_path) == ["new.txt"]


@pytest.mark.usefixtures("either_disk")
def test_renewed_ten_times_at_once_everything_is_kept(tmp_path):
    path = tmp_path / "mine.txt"
    for number in range(10):
        path.write_text(str(number))
        kept = files.renew(path, "new")
        assert kept.read_text() == str(number) and kept.name == path.name
    assert {file.read_text() for file in (tmp_path / files.ASIDE).rglob("*.txt")} == set("0123456789")
    assert path.read_text() == "new"


def test_what_is_not_there_needs_not_be_set_aside(tmp_path):
    assert files.renew(tmp_path / "new.txt", TEXT) is None
    assert left(tmp_path) == ["new.txt"]
    with pytest.raises(FileNotFoundError):
        files.set_aside(tmp_path / "nothing.txt")
    assert left(tmp_path) == ["new.txt"]


def test_a_link_set_aside_leads_where_it_led(tmp_path):
    (tmp_path / "real.txt").write_text("mine")
    (tmp_path / "link.txt").symlink_to("real.txt")
    kept = files.set_aside(tmp_path / "link.txt")
    assert kept.is_symlink() and kept.read_text() == "mine"


def test_a_folder_in_its_place_is_set_aside_with_all_it_holds(tmp_path):
    (tmp_path / "x.ipynb").mkdir()
    (tmp_path / "x.ipynb" / "inside.txt").write_text("mine")
    kept = files.renew(tmp_path / "x.ipynb", TEXT)
    assert (kept / "inside.txt").read_text() == "mine" and (tmp_path / "x.ipynb").read_text() == TEXT


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("write", [files.create, files.replace, files.renew])
def test_a_full_disk_is_one_sentence_and_leaves_everything_as_it_was(tmp_path, write):
    path = tmp_path / ("new.txt" if write is files.create else "mine.txt")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(files.FileTrouble, match=r"no space left on device.*free some space") as raised:
        write(path, TEXT)
    assert str(path) in str(raised.value) and raised.value._render_traceback_() == [str(raised.value)]
    assert left(tmp_path) == ["mine.txt"] and (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / files.ASIDE).exists()


def test_where_the_last_step_fails_the_earlier_file_is_told(tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("mine")

    def fails(*args):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "link", fails)
    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(files.FileTrouble, match="earlier one is kept as") as raised:
        files.renew(tmp_path / "mine.txt", TEXT)
    (kept,) = left(tmp_path)
    assert kept.endswith("mine.txt") and kept in str(raised.value)


def test_a_file_where_the_folder_should_be_is_not_taken_for_the_name(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(files.FileTrouble, match="could not be written"):
        files.create(tmp_path / "folder" / "new.txt", TEXT)


AT_ONCE = """
import sys
from pathlib import Path
from course_lib.classroom import files
path, me = Path(sys.argv[1]), sys.argv[2]
for number in range(25):
    kept = files.renew(path, f"{me} {number}")
    print(kept.read_text() if kept else "-")
"""


def test_four_processes_renew_one_file_and_lose_none(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("begin")
    command = [sys.executable, "-c", AT_ONCE, str(path)]
    running = [subprocess.Popen([*command, str(me)], stdout=subprocess.PIPE, text=True) for me in range(4)]
    told = [line for one in running for line in one.communicate(timeout=120)[0].split("\n") if line not in ("", "-")]
    assert [one.returncode for one in running] == [0] * 4
    kept = [file.read_text() for file in (tmp_path / files.ASIDE).rglob("*.txt")]
    assert sorted(kept) == sorted(told) and len(set(kept)) == len(kept) and "begin" in kept
    assert not list(tmp_path.rglob("*.part"))

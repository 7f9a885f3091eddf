import io
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import PureWindowsPath

import httpx
import pytest

from course_lib.classroom.home import backup
from course_lib.classroom.practice.progress import BUSY_SECONDS, Progress, ProgressError
from tests.unit.classroom.home.conftest import send


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A workspace with work in it."""
    folder = tmp_path / "workspace"
    monkeypatch.setenv("COURSE_WORKSPACE", str(folder))
    for name in (
        "lessons/03.ipynb",
        "exercises/03.ipynb",
        "lessons/set-aside/then/03.ipynb",
        "my own.py",
        "set-aside/t1/a",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"mine: {name}")
    Progress().record("hint", "03.softmax", number=1)
    return folder


def state(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "progress.sqlite3"
    }


def written(**files):
    """A zip as bytes; a backup unless told otherwise."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in ({backup.MARK: '{"version": 1}'} | files).items():
            if content is not None:
                archive.writestr(name, content)
    return file.getvalue()


def test_everything_comes_back_on_another_computer(mine, tmp_path, monkeypatch):
    backup.save(tmp_path / "b.zip")
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "new"))
    assert backup.restore(tmp_path / "b.zip") == ([], "")
    assert state(tmp_path / "new") == state(mine)
    assert [event["subject"] for event in Progress().events()] == ["03.softmax"]


def test_what_is_there_is_set_aside_and_what_the_backup_lacks_stays(mine, tmp_path):
    backup.save(tmp_path / "b.zip")
    (mine / "lessons" / "03.ipynb").write_text("newer work")
    (mine / "later.py").write_text("later")
    (mine / "set-aside" / "t1" / "a").write_text("changed")
    Progress().record("hint", "03.scores", number=1)
    kept, _ = backup.restore(tmp_path / "b.zip")
    now = state(mine)
    assert now["lessons/03.ipynb"] == b"mine: lessons/03.ipynb" and now["later.py"] == b"later"
    assert now["set-aside/t1/a"] == b"changed"
    assert b"newer work" in now.values()
    assert sorted(path.name for path in kept) == ["exercises", "lessons", "my own.py", "progress.sqlite3"]
    assert [event["subject"] for event in Progress().events()] == ["03.softmax"]
    (before,) = (path for path in kept if path.name == "progress.sqlite3")
    assert [event["subject"] for event in Progress(before).events()] == ["03.softmax", "03.scores"]


def test_a_backup_in_the_workspace_does_not_hold_itself(mine):
    backup.save(mine / "b.zip")
    with zipfile.ZipFile(mine / "b.zip") as archive:
        assert "b.zip" not in archive.namelist() and "my own.py" in archive.namelist()
        assert json.loads(archive.read(backup.MARK))["version"] == backup.VERSION


def test_what_makes_itself_and_what_is_unfinished_is_left_out(mine):
    for name in (
        ".ipynb_checkpoints/a.ipynb",
        "lessons/__pycache__/a.pyc",
        ".x.ipynb.00.part",
        "progress.sqlite3-journal",
    ):
        (mine / name).parent.mkdir(parents=True, exist_ok=True)
        (mine / name).write_bytes(b"")
    os.symlink(mine, mine / "circle")
    os.symlink(mine / "nowhere", mine / "dangling")
    file = io.BytesIO()
    backup.write(file)
    assert not {"circle/my own.py", "dangling"} & set(zipfile.ZipFile(file).namelist())
    assert not [
        name for name in zipfile.ZipFile(file).namelist() if name.endswith((".part", "journal", ".pyc", "a.ipynb"))
    ]


def test_progress_is_whole_while_another_window_writes(mine):
    with sqlite3.connect(mine / "progress.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN")
        other.execute("INSERT INTO events VALUES (NULL, '2026-01-01T00:00:00', 'hint', '03.half', '{}')")
        file = io.BytesIO()
        backup.write(file)
        other.execute("ROLLBACK")
    (mine / "progress.sqlite3").unlink()
    (mine / "progress.sqlite3").write_bytes(zipfile.ZipFile(file).read("progress.sqlite3"))
    assert [event["subject"] for event in Progress().events()] == ["03.softmax"]


def test_a_damaged_progress_file_is_kept_as_it_is(mine):
    (mine / "progress.sqlite3").write_bytes(b"no database")
    file = io.BytesIO()
    backup.write(file)
    assert zipfile.ZipFile(file).read("progress.sqlite3") == b"no database"


def test_an_existing_file_is_never_written_over(mine, tmp_path):
    (tmp_path / "b.zip").write_text("something else")
    with pytest.raises(backup.BackupError, match="exists already"):
        backup.save(tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "something else"
    with pytest.raises(backup.BackupError, match="could not be written"):
        backup.save(tmp_path / "no such folder" / "b.zip")


@pytest.mark.parametrize("name", ["..\\outside.txt", "C:\\outside.txt", "C:outside.txt", "notes 12:30.txt"])
def test_on_windows_a_name_that_leads_elsewhere_there_is_refused(mine, monkeypatch, name):
    monkeypatch.setattr(backup, "PurePath", PureWindowsPath)
    monkeypatch.setattr(backup, "ON_WINDOWS", True)
    with pytest.raises(backup.BackupError, match="outside of your folder"):
        backup.restore(io.BytesIO(written(**{name: "x"})))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_only_windows_refuses_come_back(mine, tmp_path, monkeypatch):
    for name in ("notes 12:30.ipynb", "a\\..\\b.txt", "mine.part", "my-journal"):
        (mine / name).write_text("mine")
    (mine / backup.MARK).write_text("of a backup that was unpacked here")
    backup.save(tmp_path / "b.zip")
    (mine / backup.MARK).unlink()
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "new"))
    backup.restore(tmp_path / "b.zip")
    assert state(tmp_path / "new") == state(mine)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_that_is_no_text_is_said(mine, tmp_path):
    with open(os.fsencode(mine) + b"/bad\xff", "wb"):
        pass
    with pytest.raises(backup.BackupError, match=r"name of '.*bad\\udcff' is no text"):
        backup.save(tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_damaged_progress_comes_into_a_backup_but_not_out_of_it(mine, tmp_path):
    (mine / "progress.sqlite3").write_bytes(b"no database, but " * 99)
    assert "Saved as it is" in backup.save(tmp_path / "b.zip")
    (mine / "progress.sqlite3").unlink()
    Progress().record("hint", "03.scores")
    (mine / "my own.py").unlink()
    _, problem = backup.restore(tmp_path / "b.zip")
    assert "was left out" in problem and (mine / "my own.py").exists()
    assert [event["subject"] for event in Progress().events()] == ["03.scores"]


def test_a_file_that_cannot_be_read_is_named(mine, tmp_path, monkeypatch):
    def fail(path):
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as without_rights:
        without_rights.setattr(backup.os, "scandir", fail)
        with pytest.raises(backup.BackupError, match=r"workspace can't be read \(Permission denied\)"):
            backup.save(tmp_path / "b.zip")
    with monkeypatch.context() as without_rights:
        without_rights.setattr(zipfile.ZipFile, "write", lambda self, path, name: fail(path))
        with pytest.raises(backup.BackupError, match=r"my own.py can't be read \(Permission denied\)"):
            backup.save(tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_a_program_that_holds_the_progress_is_not_waited_for_long(mine, tmp_path):
    with closing(sqlite3.connect(mine / "progress.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(ProgressError, match="another program holds it"):
            backup.save(tmp_path / "b.zip")
        assert time.monotonic() - began < BUSY_SECONDS + 3
    assert not (tmp_path / "b.zip").exists()


DIES_WRITING = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 2")
connection.execute("BEGIN IMMEDIATE")
for number in range(200):
    connection.execute("INSERT INTO events VALUES (NULL, '2026-01-01', 'hint', ?, ?)", (str(number), "x" * 2000))
os._exit(1)
"""


@pytest.mark.parametrize("damaged", [False, True])
def test_what_a_dead_process_left_half_written_does_not_reach_what_is_restored(mine, tmp_path, damaged):
    for number in range(50):
        Progress().record("hint", f"03.before{number}", pad="y" * 300)
    backup.save(tmp_path / "b.zip")
    for number in range(50):
        Progress().record("hint", f"03.after{number}", pad="y" * 300)
    subprocess.run([sys.executable, "-c", DIES_WRITING, mine / "progress.sqlite3"], check=False)
    assert (mine / "progress.sqlite3-journal").exists()
    if damaged:
        (mine / "progress.sqlite3").write_bytes(b"no database" * 999)
    kept, _ = backup.restore(tmp_path / "b.zip")
    assert len(Progress().events()) == 51 and not (mine / "progress.sqlite3-journal").exists()
    before = next(path for path in kept if path.name == "progress.sqlite3")
    assert damaged or len(Progress(before).events()) == 101


LINK = zipfile.ZipInfo("link")
LINK.external_attr = 0o120777 << 16


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no zip file"),
        (b"PK\x03\x04 and no more", "no zip file"),
        (written(**{backup.MARK: None, "a": "b"}), "has no course-backup.json"),
        (written(**{backup.MARK: "[]"}), "has no course-backup.json"),
        (written(**{backup.MARK: "{"}), "damaged"),
        (written(**{backup.MARK: '{"version": 99}'}), "newer version"),
        (written(**{"../outside.txt": "x"}), "outside of your folder"),
        (written(**{"lessons/../../outside.txt": "x"}), "outside of your folder"),
        (written(**{"/etc/outside.txt": "x"}), "outside of your folder"),
        (written(**{"progress.sqlite3-journal": "x"}), "'progress.sqlite3-journal' has no place in it"),
        (written(**{"progress.sqlite3-wal": "x"}), "'progress.sqlite3-wal' has no place in it"),
        (written(**{"progress.sqlite3/a": "x"}), "'progress.sqlite3' has no place in it"),
        (written(**{backup.MARK: json.dumps({"version": 1, "x": "0" * 20_000})}), "has no course-backup.json"),
        (written(lessons="x" * 5000)[:-2000], "no zip file"),
        (written(lessons="abcdefgh").replace(b"abcdefgh", b"abcdefgX"), "damaged"),
    ],
)
def test_what_is_no_whole_backup_changes_nothing(mine, content, said):
    before = state(mine)
    with pytest.raises(backup.BackupError, match=said):
        backup.restore(io.BytesIO(content))
    assert state(mine) == before and [event["kind"] for event in Progress().events()] == ["hint"]
    assert not list(mine.glob(".restoring-*"))


def test_a_link_in_a_backup_leads_nowhere(mine):
    file = io.BytesIO(written())
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(LINK, "/etc")
    with pytest.raises(backup.BackupError, match="outside of your folder"):
        backup.restore(file)


def test_a_backup_that_does_not_fit_is_refused_at_once(mine, monkeypatch):
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: os.terminal_size((0, 0)) and type("U", (), {"free": 10}))
    with pytest.raises(backup.BackupError, match="this disk has 0 MB left"):
        backup.restore(io.BytesIO(written(lessons="x" * 5000)))


def test_a_restore_that_fails_half_way_leaves_all_as_it_was(mine, tmp_path, monkeypatch):
    backup.save(tmp_path / "b.zip")
    (mine / "my own.py").write_text("later work")
    before = state(mine)
    rename = type(mine).rename

    def fail(path, to):
        if path.name == "my own.py" and ".restoring-" in str(path):
            raise PermissionError(13, "Permission denied")
        return rename(path, to)

    monkeypatch.setattr(type(mine), "rename", fail)
    with pytest.raises(backup.BackupError, match="could not be restored: Permission denied. All is as it was"):
        backup.restore(tmp_path / "b.zip")
    monkeypatch.undo()
    assert state(mine) == before


def test_by_the_page_there_and_back(window, own):
    Progress().record("hint", "03.softmax", number=1)
    saved = window.get("course/backup")
    assert saved.headers["content-type"] == "application/zip"
    assert "course-backup-" in saved.headers["content-disposition"]
    Progress().record("hint", "03.scores", number=1)
    token = window.cookies["_xsrf"]
    answer = window.post("course/restore", data={"_xsrf": token}, files={"backup": ("b.zip", saved.content)})
    assert answer.status_code == 303 and answer.headers["location"].endswith("/course?told=restored")
    assert "What was here before is kept" in window.get("course?told=restored").text
    assert [event["subject"] for event in Progress().events()] == ["03.softmax"]


def test_by_the_page_what_is_no_backup_is_said(window, own):
    Progress().record("hint", "03.softmax", number=1)
    token = window.cookies["_xsrf"]
    answer = window.post("course/restore", data={"_xsrf": token}, files={"backup": ("b.zip", b"<script>")})
    assert answer.status_code == 500 and "this is no backup of the course" in answer.text
    assert "choose the file of a backup first" in send(window, "course/restore").text


def test_pages_are_answered_while_a_backup_comes_back(window, own, monkeypatch):
    Progress().record("setting", "path", value="all")
    saved = window.get("course/backup").content
    form, may_end, at_once = {"_xsrf": window.cookies["_xsrf"]}, threading.Event(), []
    put = backup._put_in_place

    def slow(new, root):
        at_once.append(new)
        may_end.wait(20)
        assert len(at_once) == 1  # another restore waits
        kept = put(new, root)
        at_once.clear()
        return kept

    monkeypatch.setattr(backup, "_put_in_place", slow)

    def restore():
        with httpx.Client(base_url=window.base_url, cookies=window.cookies, timeout=60) as other:
            return other.post("course/restore", data=form, files={"backup": ("b.zip", saved)})

    with ThreadPoolExecutor(2) as others:
        restored = [others.submit(restore) for _ in range(2)]
        try:
            while not at_once:
                time.sleep(0.01)
            assert window.get("course", timeout=10).status_code == 200
            assert window.get("course/review", timeout=10).status_code == 200
        finally:
            may_end.set()
        assert [one.result().headers["location"][-14:] for one in restored] == ["?told=restored"] * 2

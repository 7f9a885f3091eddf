import io
import json
import os
import sqlite3
import zipfile

import pytest

from course_lib.classroom.home import backup
from course_lib.classroom.practice.progress import Progress
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
    assert backup.restore(tmp_path / "b.zip") == []
    assert state(tmp_path / "new") == state(mine)
    assert [event["subject"] for event in Progress().events()] == ["03.softmax"]


def test_what_is_there_is_set_aside_and_what_the_backup_lacks_stays(mine, tmp_path):
    backup.save(tmp_path / "b.zip")
    (mine / "lessons" / "03.ipynb").write_text("newer work")
    (mine / "later.py").write_text("later")
    (mine / "set-aside" / "t1" / "a").write_text("changed")
    Progress().record("hint", "03.scores", number=1)
    kept = backup.restore(tmp_path / "b.zip")
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
        (written(**{"..\\outside.txt": "x"}), "outside of your folder"),
        (written(**{"/etc/outside.txt": "x"}), "outside of your folder"),
        (written(**{"C:\\outside.txt": "x"}), "outside of your folder"),
        (written(**{"progress.sqlite3": "no database, but " * 99}), "progress in this backup can't be used"),
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

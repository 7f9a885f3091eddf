import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from course_lib.practice.progress import SCHEMA_VERSION, Progress, ProgressError

WRITER = """
import sys
from course_lib.practice.progress import Progress
progress = Progress(sys.argv[1])
for number in range(int(sys.argv[2])):
    progress.record("check", "03.softmax", number=number, padding="x" * 2000)
    print(number, flush=True)
"""


def writer(path, rows):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(rows)], stdout=subprocess.PIPE, text=True)


def test_events_come_back_as_recorded(tmp_path):
    progress = Progress(tmp_path / "p.sqlite3")
    progress.record("hint", "03.softmax", number=1, text="Über $x$ <b>")
    progress.record("check", "03.scores", outcome="passed")
    assert [event["subject"] for event in progress.events()] == ["03.softmax", "03.scores"]
    (event,) = progress.events("hint", "03.softmax")
    assert (event["number"], event["text"]) == (1, "Über $x$ <b>")
    assert event["time"].endswith("+00:00")
    assert progress.events("quiz") == []


def test_nothing_is_made_by_reading(tmp_path):
    progress = Progress(tmp_path / "folder" / "p.sqlite3")
    assert progress.events() == []
    assert not progress.path.exists()


@pytest.mark.parametrize("kind, details", [("party", {}), ("check", {"x": {1, 2}}), ("check", {"x": float("nan")})])
def test_what_does_not_belong_is_refused(tmp_path, kind, details):
    with pytest.raises(ValueError):
        Progress(tmp_path / "p.sqlite3").record(kind, "03.softmax", **details)


def test_several_kernels_write_at_once(tmp_path):
    path = tmp_path / "p.sqlite3"
    writers = [writer(path, 25) for _ in range(4)]
    assert [one.wait(120) for one in writers] == [0, 0, 0, 0]
    for one in writers:
        one.stdout.close()
    events = Progress(path).events()
    assert len(events) == 100
    assert len({event["id"] for event in events}) == 100


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_kill_in_the_middle_of_writing_loses_nothing_recorded(tmp_path):
    path = tmp_path / "p.sqlite3"
    said = 0
    for _ in range(3):
        process = writer(path, 10_000)
        for _ in range(5):
            process.stdout.readline()
        time.sleep(0.03)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
        said += 5 + rest.count("\n")
        events = Progress(path).events()
        assert len(events) >= said  # one more may have been written and not yet said
        assert all(len(event["padding"]) == 2000 for event in events)
        said = len(events)
    Progress(path).record("check", "03.softmax")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_file_of_a_newer_course_is_left_alone(tmp_path):
    path = tmp_path / "p.sqlite3"
    Progress(path).record("hint", "03.softmax", number=1)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ProgressError, match=rf"schema {SCHEMA_VERSION + 1}.*update the course"):
        Progress(path).record("hint", "03.softmax", number=2)
    with pytest.raises(ProgressError):
        Progress(path).events()
    assert path.read_bytes() == before


def test_a_broken_file_is_said_and_left_as_it_is(tmp_path):
    path = tmp_path / "p.sqlite3"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 50)
    with pytest.raises(ProgressError, match="left as it is"):
        Progress(path).record("hint", "03.softmax")
    assert path.read_bytes().startswith(b"not a database")

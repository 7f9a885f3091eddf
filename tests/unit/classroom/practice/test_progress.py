import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest

from course_lib.classroom.practice.progress import SCHEMA_VERSION, Progress, ProgressError, _Connection

WRITER = """
import sys
from course_lib.classroom.practice.progress import Progress, ProgressError
progress = Progress(sys.argv[1])
for number in range(int(sys.argv[2])):
    try:
        progress.record("check", "03.softmax", outcome="failed", number=number, padding="x" * 2000)
        print(number, flush=True)
    except ProgressError:  # the others were quicker for too long: it is written with the next one
        pass
while None in [event["id"] for event in progress.known("check")[0]]:
    try:
        progress.record("hint", "03.softmax", padding="x" * 2000)
    except ProgressError:
        pass
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


@pytest.mark.parametrize(
    "kind, details",
    [
        ("party", {}), ("hint", {"x": {1, 2}}), ("hint", {"x": float("nan")}), ("check", {}), ("check", {"outcome": "won"}),
        ("quiz", {"rating": None}), ("solution", {"shown": "yes"}),
    ],
)  # fmt: skip
def test_what_does_not_belong_is_refused(tmp_path, kind, details):
    with pytest.raises(ValueError):
        Progress(tmp_path / "p.sqlite3").record(kind, "03.softmax", **details)


def test_several_kernels_write_at_once(tmp_path):
    path = tmp_path / "p.sqlite3"
    writers = [writer(path, 25) for _ in range(4)]
    assert [one.wait(120) for one in writers] == [0, 0, 0, 0]
    for one in writers:
        one.stdout.close()
    events = Progress(path).events("check")
    assert len(events) == 100
    assert len({event["id"] for event in events}) == 100
    assert sorted(event["number"] for event in events) == sorted([*range(25)] * 4)


def test_several_threads_of_a_server_write_at_once(tmp_path):
    path = tmp_path / "p.sqlite3"

    def write(thread):
        for number in range(6):
            Progress(path).record("hint", "03.softmax", number=6 * thread + number)
            Progress(path).record_next("review", f"card-{thread}", number, counted=["review"], rating="good")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    events = Progress(path).events()
    assert sorted(event["number"] for event in events if event["kind"] == "hint") == list(range(24))
    assert sum(event["kind"] == "review" for event in events) == 24


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
    Progress(path).record("check", "03.softmax", outcome="passed")
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


def put_row(path, time="2026-03-01T10:00:00.000+00:00", kind="hint", subject="03.softmax", details="{}"):
    """Put a row into the file behind the course's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO events (time, kind, subject, details) VALUES (?, ?, ?, ?)", (time, kind, subject, details)
        )


@pytest.mark.parametrize(
    "damage",
    [
        {"details": "{"}, {"details": "[]"}, {"details": "7"}, {"details": b"\xff\x00"}, {"details": "[" * 100_000},
        {"kind": "check"}, {"kind": "check", "details": '{"outcome": 3}'}, {"kind": "quiz", "details": '{"rating": "won"}'},
        {"kind": "solution"}, {"kind": "party"}, {"kind": 7}, {"subject": b"\xff"}, {"time": "yesterday"},
        {"time": 7}, {"time": b"\xff"}, {"time": "0001-01-01T00:00:00+14:00"}, {"time": "9999-12-31T23:59:59-12:00"},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_row_costs_only_itself(tmp_path, damage):
    progress = Progress(tmp_path / "p.sqlite3")
    progress.record("hint", "03.softmax", number=1)
    put_row(progress.path, **damage)
    progress.record("quiz", "03.q", rating="good")
    assert [event["kind"] for event in progress.events()] == ["hint", "quiz"]


def test_half_a_character_costs_only_itself(tmp_path):
    progress = Progress(tmp_path / "p.sqlite3")
    progress.record("check", "03.softmax", outcome="passed", source="a \ud800 b", message="whole: \U0001f600")
    (event,) = progress.events()
    assert event["source"] == "a ? b" and event["message"] == "whole: \U0001f600"


def test_text_that_is_not_utf_8_costs_only_its_row(tmp_path):
    progress = Progress(tmp_path / "p.sqlite3")
    progress.record("hint", "03.softmax", number=1)
    put_row(progress.path)
    with closing(sqlite3.connect(progress.path)) as connection, connection:
        connection.execute("UPDATE events SET details = CAST(x'ff7b' AS TEXT) WHERE id = 2")
    assert len(progress.events()) == 1


@contextmanager
def held(path, how="EXCLUSIVE"):
    """The file, locked by another program."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"BEGIN {how}")
        if how == "DEFERRED":
            other.execute("SELECT * FROM events").fetchone()
        yield


@pytest.mark.parametrize("how", ["EXCLUSIVE", "IMMEDIATE", "DEFERRED"])
def test_a_locked_file_is_waited_for_once_and_what_waited_is_written_later(tmp_path, how):
    progress = Progress(tmp_path / "p.sqlite3")
    progress.record("hint", "03.softmax", number=1)
    with held(progress.path, how):
        began = time.monotonic()
        for number in (2, 3, 4):
            with pytest.raises(ProgressError, match="another program holds it"):
                Progress(progress.path).record("hint", "03.softmax", number=number)
        assert time.monotonic() - began < 2
        events, problem = progress.known("hint")
        assert [event["number"] for event in events] == [1, 2, 3, 4] and bool(problem) == (how == "EXCLUSIVE")
    Progress(progress.path).record("hint", "03.softmax", number=5)
    assert [event["number"] for event in progress.events()] == [1, 2, 3, 4, 5]
    assert all(event["id"] for event in progress.events())


def test_a_full_disk_is_said_and_what_was_recorded_stays(tmp_path, monkeypatch):
    progress = Progress(tmp_path / "p.sqlite3")
    progress.record("hint", "03.softmax", number=1)
    with closing(sqlite3.connect(progress.path)) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    execute = _Connection.execute

    def small(self, statement, *values):
        execute(self, f"PRAGMA max_page_count = {pages}")
        return execute(self, statement, *values)

    monkeypatch.setattr(_Connection, "execute", small)
    with pytest.raises(ProgressError, match="free some space"):
        progress.record("hint", "03.softmax", number=2, padding="x" * 50_000)
    assert [event["number"] for event in progress.events()] == [1, 2]
    monkeypatch.undo()
    with closing(sqlite3.connect(progress.path)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_a_file_of_another_kind_is_not_made_into_one_by_reading(tmp_path):
    with closing(sqlite3.connect(tmp_path / "p.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE other (x)")
    before = (tmp_path / "p.sqlite3").read_bytes()
    assert Progress(tmp_path / "p.sqlite3").events() == []
    assert (tmp_path / "p.sqlite3").read_bytes() == before

"""A learner with a clock of their own."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from course_lib.classroom.practice.progress import Progress

START = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "progress.sqlite3")


@pytest.fixture
def zone(monkeypatch):
    """Move the computer to another time zone."""

    def move(name):
        monkeypatch.setenv("TZ", name)
        if hasattr(time, "tzset"):
            time.tzset()

    yield move
    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()


def event(kind, subject, now=START, **details):
    return {"kind": kind, "subject": subject, "time": now.isoformat(), **details}


def quizzed(*ids, now=START):
    return [event("quiz", id, now, rating="good") for id in ids]


FAILED = event(
    "check", "03.softmax", outcome="failed", diagnosis="softmax-over-queries", message="Your `axis` is the wrong one.",
    source="def softmax(scores):\n    return np.exp(scores) / np.exp(scores).sum(0)",
)  # fmt: skip
PASSED = event("check", "03.softmax", outcome="passed", diagnosis=None, message="Passed.", source="def softmax(s): ...")

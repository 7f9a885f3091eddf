"""What the learner did, kept in one small SQLite file that only ever grows.

Every event is one row, written in one transaction: several kernels may write at once, and a process killed in the middle
of a write leaves the file as it was before that write. Nothing is ever updated or deleted.
"""

import json
import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from course_lib.notebooks import workspace

SCHEMA_VERSION = 1
KINDS = ("check", "hint", "solution", "compare", "quiz")
BUSY_SECONDS = 20  # how long a writer waits for another kernel's write before it gives up

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_subject ON events (kind, subject);
PRAGMA user_version = {SCHEMA_VERSION};
"""


class ProgressError(RuntimeError):
    """The progress file can't be read or written; the message says which file and why. Nothing in it was changed."""


class Progress:
    """The learner's progress: an append-only list of events.

    Args:
        path: the SQLite file; by default `progress.sqlite3` in the workspace. Made at the first record.

    Example:
        >>> progress = Progress()
        >>> progress.record("hint", "03.softmax", number=1)
        >>> progress.events("hint", "03.softmax")[-1]["number"]
        1
    """

    def __init__(self, path=None):
        self.path = Path(path) if path is not None else workspace() / "progress.sqlite3"

    def record(self, kind, subject, **details):
        """Append one event.

        Args:
            kind: one of `KINDS`.
            subject: the exercise or question it is about, such as "03.softmax".
            **details: anything JSON can hold.

        Raises:
            ValueError: an unknown kind, or details that JSON can't hold.
            ProgressError: the file can't be written, or was made by a newer version of the course.
        """
        if kind not in KINDS:
            raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
        try:
            text = json.dumps(details, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"details of {kind} {subject}: JSON can't hold them ({error})") from None
        with self._open() as connection, connection:
            connection.execute(
                "INSERT INTO events (time, kind, subject, details) VALUES (?, ?, ?, ?)",
                (datetime.now(UTC).isoformat(timespec="milliseconds"), kind, subject, text),
            )

    def events(self, kind=None, subject=None):
        """The events so far, oldest first.

        Args:
            kind: only events of this kind.
            subject: only events about this exercise or question.

        Returns:
            A list of dicts with `id`, `time` (ISO 8601, UTC), `kind`, `subject` and the details.

        Raises:
            ProgressError: the file can't be read, or was made by a newer version of the course.
        """
        if not self.path.exists():
            return []
        wanted = {"kind": kind, "subject": subject}
        wanted = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in wanted) or "1"
        query = f"SELECT id, time, kind, subject, details FROM events WHERE {where} ORDER BY id"
        with self._open() as connection:
            rows = connection.execute(query, tuple(wanted.values())).fetchall()
        return [
            {**json.loads(details), "id": number, "time": time, "kind": kind, "subject": subject}
            for number, time, kind, subject, details in rows
        ]

    @contextmanager
    def _open(self):
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > SCHEMA_VERSION:
                    raise ProgressError(
                        f"your progress file {self.path} has schema {version}, this course knows up to "
                        f"{SCHEMA_VERSION}: update the course (git pull). Nothing was changed."
                    )
                if version < SCHEMA_VERSION:
                    # IF NOT EXISTS: two kernels may both find the file new and both get here.
                    connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise ProgressError(
                f"your progress file {self.path} can't be used ({error}). It was left as it is; "
                "move it aside to begin a new one."
            ) from None

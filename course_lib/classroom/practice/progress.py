"""What the learner did, kept in one small SQLite file that only ever grows.

Every event is one row, written in one transaction: several kernels may write at once, and a process killed in the middle
of a write leaves the file as it was before that write. Nothing is ever updated, and deleted only once a copy of it all is
set aside for a backup to come back.

A file that can't be used never stands between a learner and an answer: what could not be written is remembered as long as
this process lives, and written as soon as the file can be used again.
"""

import json
import random
import sqlite3
import threading
import time
from collections import defaultdict, deque
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from course_lib.classroom import files
from course_lib.classroom.files import FileTrouble
from course_lib.classroom.places import NotACourse, make_workspace, workspace

SCHEMA_VERSION = 1
OUTCOMES = ("unattempted", "passed", "failed", "error")
GUESSES = ("right", "wrong", "shown")  # shown: they looked instead of guessing
RATINGS = ("again", "hard", "good", "easy")  # the grades of FSRS: reviews can be scheduled from the records
KINDS = {  # kind of event -> what its details must hold: a type, or the values there are
    "check": {"outcome": OUTCOMES},
    "hint": {},
    "solution": {"shown": bool},
    "compare": {},
    "quiz": {"rating": RATINGS},
    "review": {"rating": RATINGS},
    "guess": {"outcome": GUESSES},
    "goal": {},
    "place": {"cell": str},
    "setting": {"value": object},
}
YEARS = range(1970, 9000)  # in every time zone, and with any time to wait added, they are dates
BUSY_SECONDS = 1.6  # how long another kernel's write is waited for
BUSY_AGAIN_SECONDS = 0.1  # the same, after it was waited for in vain
REMEMBERED = 500  # events of this process

SCHEMA = (  # IF NOT EXISTS: two kernels may both find the file new
    """CREATE TABLE IF NOT EXISTS events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        details TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS events_by_subject ON events (kind, subject)",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"
SELECT = "SELECT id, time, kind, subject, details FROM events"

TEXTS = {
    "newer": "your progress file {path} has schema {version}, this course knows up to {known}: update the course (git pull). "
    "Nothing was changed.",
    "unusable": "your progress file {path} can't be used ({error}). It was left as it is; {advice}.",
    "move": "move it aside to begin a new one",
    "busy": "another program holds it: end that one (a second kernel that hangs, a viewer of databases)",
    "full": "free some space on this disk",
    "read-only": "make it and its folder writable",
}
ADVICE = {  # SQLite's code -> what to do
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read-only",
}


class ProgressError(FileTrouble):
    """The progress file can't be read or written; the message says which file and why. Nothing in it was changed."""


class ProgressUnusable(ProgressError):
    """What the progress file holds can't be used, however long one waits: it is damaged, or of a newer version."""


@dataclass
class _Session:
    """What this process recorded: everything, what the file does not hold yet, and whether the file was waited for in vain."""

    rows: deque = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    unwritten: list = field(default_factory=list)
    waited: bool = False


_sessions = defaultdict(_Session)  # path of the file -> what this process knows of it
_recording = threading.RLock()  # a server records from several threads


class _Connection(sqlite3.Connection):
    """A connection that waits for other kernels until one moment, over all that it does.

    SQLite's own waiting begins anew with every statement, and sleeps so long that one of four busy kernels may starve.
    """

    until = 0.0

    def execute(self, statement, *values):
        while True:
            try:
                return super().execute(statement, *values)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > self.until:
                    raise
            time.sleep(random.uniform(0.001, 0.01))

    @contextmanager
    def transaction(self):
        """All or nothing; what is left open by an error ends with the connection."""
        self.execute("BEGIN IMMEDIATE")
        yield
        self.execute("COMMIT")


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
        self._path = path

    @property
    def path(self):
        """The SQLite file.

        Raises:
            ProgressError: there can be no workspace to hold it.
        """
        try:
            return Path(self._path) if self._path is not None else workspace() / "progress.sqlite3"
        except (FileTrouble, NotACourse) as error:
            raise ProgressError(str(error)) from None

    def record(self, kind, subject, *, now=None, **details):
        """Append one event.

        Args:
            kind: one of `KINDS`.
            subject: what it is about: an exercise or question such as "03.softmax", a card, a notebook, a setting.
            now: an aware `datetime`; by default the clock's.
            **details: anything JSON can hold, and at least what `KINDS` asks for.

        Raises:
            ValueError: an unknown kind, or details that do not belong.
            ProgressError: the file can't be written, or was made by a newer version of the course. The event is
                remembered, and written with the next one that can be.
        """
        row = _row(kind, subject, now, details)
        with _recording:
            session = self._session
            session.rows.append(row)
            session.unwritten = [*session.unwritten, row][-REMEMBERED:]
            with self._open(make=True) as connection, connection.transaction():
                connection.executemany(INSERT, session.unwritten)
            session.unwritten = []

    def record_next(self, kind, subject, seen, *, counted, now=None, **details):
        """Append one event, unless others came in between: two windows may show the same card.

        Args:
            kind, subject, now, **details: as for `record`.
            seen: how many events of the kinds `counted` about this subject there were when it was asked.
            counted: kinds of events.

        Returns:
            Whether it was appended; when this returns True, it is in the file.

        Raises:
            ValueError: as for `record`.
            ProgressError: as for `record`, but this event is not remembered: it counts only once it is in the file.
        """
        row = _row(kind, subject, now, details)
        with _recording:
            session = self._session
            with self._open(make=True) as connection, connection.transaction():
                connection.executemany(INSERT, session.unwritten)
                before = _events(
                    connection.execute(f"{SELECT} WHERE subject = ?", (subject,)).fetchall(), None, subject
                )
                fits = sum(one["kind"] in counted for one in before) == seen
                if fits:
                    connection.execute(INSERT, row)
            session.unwritten = []
            if fits:
                session.rows.append(row)
        return fits

    def events(self, kind=None, subject=None):
        """The events so far, oldest first; a row that is damaged is left out.

        Args:
            kind: only events of this kind.
            subject: only events about this exercise or question.

        Returns:
            A list of dicts with `id` (None: not written yet), `time` (ISO 8601, UTC), `kind`, `subject` and the details.

        Raises:
            ProgressError: the file can't be read, or was made by a newer version of the course.
        """
        return _events([*self._rows(kind, subject), *self._session.unwritten], kind, subject)

    def known(self, kind=None, subject=None):
        """The events so far, as far as they are known: where the file can't be read, those of this process. Never raises.

        Args:
            kind, subject: as for `events`.

        Returns:
            (events, problem): a list of dicts, and a sentence on why it may lack some, or "".
        """
        try:
            return self.events(kind, subject), ""
        except ProgressError as error:
            return _events(self._session.rows, kind, subject), str(error)

    def copy_to(self, path):
        """Copy the file as it is at one moment, whoever writes to it.

        Args:
            path: a name that is free.

        Returns:
            Whether there was anything to copy.

        Raises:
            ProgressError: as for `events`.
        """
        with self._open(make=False) as connection:
            if connection:
                connection.execute("BEGIN")
                connection.execute("SELECT 1 FROM events").close()  # now nobody's write can end, and be waited for
                with closing(sqlite3.connect(path)) as copy:
                    connection.backup(copy)
        return connection is not None

    def become(self, other):
        """Hold the sound events of another file in place of all there is. Who records meanwhile waits, and loses nothing.

        Args:
            other: the other `Progress`.

        Returns:
            The path of a copy of what there was, or None if that was nothing.

        Raises:
            ProgressError: one of the two files can't be used; all is as it was.
        """
        rows = [(None, *row[1:]) for row in other._rows() if _event(*row)]
        kept = None
        with ExitStack() as undo, self._open(make=True) as connection:
            with connection.transaction():
                if connection.execute(f"{SELECT} LIMIT 1").fetchone():
                    kept = files.place_aside(self.path)
                    undo.callback(kept.parent.rmdir)
                    undo.callback(kept.unlink, missing_ok=True)
                    self.copy_to(kept)  # by a second connection: SQLite copies from none that may write
                connection.execute("DELETE FROM events")
                connection.executemany(INSERT, rows)
            undo.pop_all()
        return kept

    def _rows(self, kind=None, subject=None):
        """The rows of the file, as they are."""
        wanted = {"kind": kind, "subject": subject}
        wanted = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in wanted) or "1"
        with self._open(make=False) as connection:
            if not connection:
                return []
            return connection.execute(f"{SELECT} WHERE {where} ORDER BY id", tuple(wanted.values())).fetchall()

    @property
    def _session(self):
        try:
            return _sessions[self.path]
        except ProgressError:
            return _sessions[None]

    @contextmanager
    def _open(self, make):
        """A connection to the file; None if there is none yet and `make` is false."""
        path, session = self.path, self._session
        try:
            if self._path is None:
                make_workspace()  # where there can be none, the events of earlier days are out of reach: not "none"
            if not make and not (path.exists() and path.stat().st_size):
                yield None
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(path, timeout=0, isolation_level=None, factory=_Connection)) as connection:
                connection.until = time.monotonic() + (BUSY_AGAIN_SECONDS if session.waited else BUSY_SECONDS)
                connection.text_factory = lambda text: text.decode("utf-8", "replace")  # a damaged row is one row
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > SCHEMA_VERSION:
                    raise ProgressUnusable(TEXTS["newer"].format(path=path, version=version, known=SCHEMA_VERSION))
                if version < SCHEMA_VERSION and not make:
                    yield None
                    return
                if version < SCHEMA_VERSION:
                    with connection.transaction():
                        for statement in SCHEMA:
                            connection.execute(statement)
                yield connection
            session.waited = False
        except ProgressError:
            raise
        except FileTrouble as error:
            raise ProgressError(str(error)) from None
        except (OSError, sqlite3.Error) as error:
            kind = ADVICE.get(_code(error), "move")
            session.waited = kind == "busy"
            trouble = ProgressUnusable if kind == "move" else ProgressError
            raise trouble(TEXTS["unusable"].format(path=path, error=error, advice=TEXTS[kind])) from None


def _code(error):
    """SQLite's code of an error, without its finer distinctions; 0 for an error of another kind."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _events(rows, kind, subject):
    """The rows that are sound, and are of this kind and about this subject, as dicts."""
    found = (_event(*row) for row in rows)
    return [one for one in found if one and kind in (None, one["kind"]) and subject in (None, one["subject"])]


def _event(number, time, kind, subject, text):
    """One row as a dict; None if it is damaged."""
    try:
        if datetime.fromisoformat(time).astimezone(UTC).year not in YEARS:
            return None
        details = json.loads(text)
        if "\\ud" in text.lower():  # halves of characters: of two a whole one was made above, and one alone is no text
            details = json.loads(json.dumps(details, ensure_ascii=False).encode("utf-8", "replace"))
    except (TypeError, ValueError, OverflowError, OSError, RecursionError):
        return None
    if not (kind in KINDS and isinstance(subject, str) and isinstance(details, dict)) or _flaw(kind, details):
        return None
    return {**details, "id": number, "time": time, "kind": kind, "subject": subject}


def _row(kind, subject, now, details):
    """A new row.

    Raises:
        ValueError: an unknown kind, or details that do not belong.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
    if flaw := _flaw(kind, details):
        raise ValueError(f"details of {kind} {subject}: {flaw}")
    try:
        text = json.dumps(details, allow_nan=False)  # in ASCII: half a character (a lone surrogate) has no UTF-8
    except (TypeError, ValueError) as error:
        raise ValueError(f"details of {kind} {subject}: JSON can't hold them ({error})") from None
    return (None, (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds"), kind, subject, text)


def _flaw(kind, details):
    """What the details of an event lack, or ""."""
    for name, wanted in KINDS[kind].items():
        value = details.get(name)
        if isinstance(wanted, type) and not isinstance(value, wanted):
            return f"{name} is {value!r}; expected {wanted.__name__}"
        if isinstance(wanted, tuple) and value not in wanted:
            return f"{name} is {value!r}; expected one of {', '.join(wanted)}"
    return ""

"""All that is the learner's as one file, and back again. A restore replaces nothing: what is there is set aside first."""

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import tempfile
import zipfile
import zlib
from datetime import datetime
from pathlib import Path, PurePosixPath

from course_lib.classroom import files, places
from course_lib.classroom.practice.progress import Progress, ProgressError

MARK = "course-backup.json"  # says of a zip what it is
VERSION = 1
PROGRESS = "progress.sqlite3"
LEFT_OUT = (".ipynb_checkpoints", "__pycache__", ".virtual_documents")  # made again by themselves
UNFINISHED = (".part", "-journal", "-wal", "-shm")

TEXTS = {
    "name": "course-backup-{today}.zip",
    "no zip": "this is no backup of the course: it is no zip file, or was cut off",
    "other zip": "this is no backup of the course: the zip file has no {mark} in it",
    "newer": "this backup was made by a newer version of the course: update the course (git pull), then restore it",
    "path": "this backup is damaged: {name!r} would be written outside of your folder. Nothing was changed",
    "damaged": "this backup is damaged ({problem}). Nothing was changed",
    "progress": "the progress in this backup can't be used: {problem} Nothing was changed",
    "room": "this backup needs {needed} MB, and this disk has {free} MB left. Nothing was changed",
    "exists": "{path} exists already: choose another name",
    "not written": "the backup could not be written to {path}: {problem}",
    "not restored": "the backup could not be restored: {problem}. All is as it was",
}


class BackupError(files.FileTrouble):
    """A backup that can't be made or restored; the message says why. Nothing was changed."""


def default_name(now=None):
    """What a backup is called, such as "course-backup-2026-11-29.zip"."""
    return TEXTS["name"].format(today=f"{now or datetime.now():%Y-%m-%d}")


def save(path):
    """Write a backup into a new file.

    Args:
        path: its name, which must be free.

    Raises:
        BackupError: something has that name, or the file can't be written; nothing is left of it.
    """
    path = Path(path)
    try:
        with open(path, "xb") as file:
            try:
                write(file, but=path)
            except BaseException:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise
    except FileExistsError:
        raise BackupError(TEXTS["exists"].format(path=path)) from None
    except OSError as error:
        raise BackupError(TEXTS["not written"].format(path=path, problem=error.strerror or error)) from None


def write(file, but=None):
    """Write everything in the workspace as a zip: lessons, exercises, progress, and what the learner put there.

    Args:
        file: a binary file that can be written and sought in.
        but: a file to leave out: the backup itself, which may lie in the workspace.
    """
    root = places.workspace()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        about = {"version": VERSION, "made": datetime.now().astimezone().isoformat(timespec="seconds")}
        archive.writestr(MARK, json.dumps(about))
        for path in _files(root):
            if but is not None and path.samefile(but):
                continue
            name = path.relative_to(root).as_posix()
            if name == PROGRESS:
                with _copy_of_database(path) as copy:
                    archive.write(copy, name)
            else:
                archive.write(path, name)


def restore(file):
    """Bring back what a backup holds. What has one of its names in the workspace now is set aside, and kept.

    Args:
        file: path of a backup, or a binary file.

    Returns:
        The paths under which earlier things are kept now.

    Raises:
        BackupError: it is no backup, damaged, or can't be put in place; all is as it was.
    """
    root = places.make_workspace()
    try:
        with contextlib.ExitStack() as stack:
            archive = _opened(file, stack)
            _look_at(archive, root)
            new = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".restoring-", dir=root)))
            archive.extractall(new)
            (new / MARK).unlink()
            _look_at_progress(new / PROGRESS)
            return _put_in_place(new, root)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        raise BackupError(TEXTS["damaged"].format(problem=error)) from None
    except BackupError:
        raise
    except OSError as error:
        raise BackupError(TEXTS["not restored"].format(problem=error.strerror or error)) from None


def _files(root):
    """The files below a folder that are worth keeping. Links to folders are not followed: they may lead in circles."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT and not name.startswith(".restoring-"))
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not name.endswith(UNFINISHED):  # no pipe, no link to nowhere
                yield path


@contextlib.contextmanager
def _copy_of_database(path):
    """A copy of a database as it is at one moment, whoever writes to it; of one that is damaged, the file as it is."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, PROGRESS)
        try:
            with (
                contextlib.closing(sqlite3.connect(path)) as source,
                contextlib.closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
        except sqlite3.Error:
            shutil.copyfile(path, copy)
        yield copy


def _opened(file, stack):
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
    except zipfile.BadZipFile:
        raise BackupError(TEXTS["no zip"]) from None
    if MARK not in archive.namelist():
        raise BackupError(TEXTS["other zip"].format(mark=MARK))
    about = json.loads(archive.read(MARK))
    if not isinstance(about, dict) or not isinstance(about.get("version"), int):
        raise BackupError(TEXTS["other zip"].format(mark=MARK))
    if about["version"] > VERSION:
        raise BackupError(TEXTS["newer"])
    return archive


def _look_at(archive, root):
    """Look that all of it is whole, belongs into the workspace, and fits on the disk."""
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        if path.is_absolute() or ".." in path.parts or ":" in member.filename or not path.parts or is_link:
            raise BackupError(TEXTS["path"].format(name=member.filename))
    needed, free = sum(member.file_size for member in archive.infolist()), shutil.disk_usage(root).free
    if needed > free:
        raise BackupError(TEXTS["room"].format(needed=needed // 10**6 + 1, free=free // 10**6))


def _look_at_progress(path):
    try:
        Progress(path).events()
    except ProgressError as error:
        raise BackupError(TEXTS["progress"].format(problem=error)) from None


def _put_in_place(new, root):
    """Move what was unpacked to where it belongs, or leave all as it was."""
    kept = []
    with contextlib.ExitStack() as undo:
        for path in _pieces(new):
            place = root / path.relative_to(new)
            if os.path.lexists(place):
                aside = files.set_aside(place)
                undo.callback(os.rename, aside, place)
                kept.append(aside)
            place.parent.mkdir(exist_ok=True)
            path.rename(place)
            undo.callback(os.rename, place, path)
        undo.pop_all()
    return kept


def _pieces(new):
    """What is put in place as a whole: all that lies in the workspace itself, and of what was set aside what is not there."""
    aside = new / files.ASIDE
    yield from sorted(path for path in new.iterdir() if path != aside)
    if aside.is_dir():
        there = new.parent / files.ASIDE
        yield from sorted(path for path in aside.iterdir() if not os.path.lexists(there / path.name))

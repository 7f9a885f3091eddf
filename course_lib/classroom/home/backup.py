"""All that is the learner's as one file, and back again. A restore replaces nothing: what is there is set aside first."""

import contextlib
import json
import os
import shutil
import stat
import tempfile
import threading
import zipfile
import zlib
from datetime import datetime
from pathlib import Path, PurePath

from course_lib.classroom import files, places
from course_lib.classroom.practice.progress import Progress, ProgressUnusable

MARK = "course-backup.json"  # says of a zip what it is
ON_WINDOWS = os.name == "nt"
LONGEST_MARK = 10_000  # bytes
VERSION = 1
PROGRESS = "progress.sqlite3"
LEFT_OUT = (".ipynb_checkpoints", "__pycache__", ".virtual_documents")  # made again by themselves
JOURNALS = tuple(f"{PROGRESS}{end}" for end in ("-journal", "-wal", "-shm"))  # what SQLite would write into PROGRESS

putting = threading.Lock()  # held while a backup is put in place: who makes a copy of a lesson then would be in its way

TEXTS = {
    "name": "course-backup-{today}.zip",
    "no zip": "this is no backup of the course: it is no zip file, or was cut off",
    "other zip": "this is no backup of the course: the zip file has no {mark} in it",
    "newer": "this backup was made by a newer version of the course: update the course (git pull), then restore it",
    "path": "this backup is damaged: {name!r} would be written outside of your folder. Nothing was changed",
    "damaged": "this backup is damaged ({problem}). Nothing was changed",
    "journal": "this backup is damaged: {name!r} has no place in it. Nothing was changed",
    "as it is": "Saved as it is: {problem}",
    "without": "The progress in this backup can't be used, and was left out; the progress that you have stays.",
    "not read": "{path} can't be read ({problem}), so nothing was saved: make it readable, or move it elsewhere",
    "no text": "the name of {path!r} is no text, so nothing was saved: give it another name",
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

    Returns:
        "" or a sentence: the progress is damaged and was saved as it is.

    Raises:
        BackupError: something has that name, or a file can't be read or written; nothing is left of the backup.
        ProgressError: another program holds the progress; nothing is left of the backup.
    """
    path = Path(path)
    try:
        with open(path, "xb") as file:
            try:
                return write(file, but=path)
            except BaseException:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise
    except files.FileTrouble:
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

    Returns:
        "" or a sentence: the progress is damaged and was saved as it is.

    Raises:
        BackupError: a file can't be read, or its name can't be written.
        ProgressError: another program holds the progress.
    """
    root, problem = places.workspace(), ""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive, _reading():
        about = {"version": VERSION, "made": datetime.now().astimezone().isoformat(timespec="seconds")}
        archive.writestr(MARK, json.dumps(about))
        for path in _files(root):
            if but is not None and path.samefile(but):
                continue
            name = path.relative_to(root).as_posix()
            if name == PROGRESS:
                with tempfile.TemporaryDirectory() as folder:
                    copy, problem = _copy_of_progress(path, Path(folder, PROGRESS))
                    archive.write(copy, name)
            elif name not in (MARK, *JOURNALS):
                archive.write(path, name)
    return problem


def restore(file):
    """Bring back what a backup holds. What has one of its names in the workspace now is set aside, and kept.

    Args:
        file: path of a backup, or a binary file.

    Returns:
        (kept, problem): the paths under which earlier things are kept now; and "" or a sentence: the progress in the backup
        is damaged and was left out.

    Raises:
        BackupError: it is no backup, damaged, or can't be put in place; all is as it was.
        ProgressError: another program holds the progress; all is as it was.
    """
    root = places.make_workspace()
    try:
        with contextlib.ExitStack() as stack:
            archive = _opened(file, stack)
            _look_at(archive, root)
            new = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=".restoring-", dir=root)))
            archive.extractall(new)
            (new / MARK).unlink()
            problem = _look_at_progress(new)
            with putting:
                return _put_in_place(new, root), problem
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        raise BackupError(TEXTS["damaged"].format(problem=error)) from None
    except files.FileTrouble:
        raise
    except OSError as error:
        raise BackupError(TEXTS["not restored"].format(problem=error.strerror or error)) from None


def _files(root):
    """The files below a folder that are worth keeping. Links to folders are not followed: they may lead in circles."""
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT and not name.startswith(".restoring-"))
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not (name.startswith(".") and name.endswith(".part")):  # no pipe, no link to nowhere
                yield path


def _raise(error):
    raise error


@contextlib.contextmanager
def _reading():
    """Say which file can't be read. An error that names no file is one of writing."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise BackupError(TEXTS["no text"].format(path=error.object)) from None
    except OSError as error:
        if isinstance(error, files.FileTrouble) or error.filename is None:
            raise
        raise BackupError(TEXTS["not read"].format(path=error.filename, problem=error.strerror)) from None


def _copy_of_progress(path, copy):
    """A copy of the progress as it is at one moment, and ""; if it is damaged, the file as it is, and a sentence."""
    try:
        return (copy if Progress(path).copy_to(copy) else path), ""
    except ProgressUnusable as error:
        return path, TEXTS["as it is"].format(problem=error)


def _opened(file, stack):
    try:
        archive = stack.enter_context(zipfile.ZipFile(file))
    except zipfile.BadZipFile:
        raise BackupError(TEXTS["no zip"]) from None
    if MARK not in archive.namelist():
        raise BackupError(TEXTS["other zip"].format(mark=MARK))
    if archive.getinfo(MARK).file_size > LONGEST_MARK:
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
        path = PurePath(member.filename)  # by the rules of this computer: "12:30" is a name on some only
        is_link = stat.S_ISLNK(member.external_attr >> 16)
        is_no_name = ON_WINDOWS and ":" in member.filename
        if path.anchor or ".." in path.parts or not path.parts or is_no_name or is_link:
            raise BackupError(TEXTS["path"].format(name=member.filename))
    needed, free = sum(member.file_size for member in archive.infolist()), shutil.disk_usage(root).free
    if needed > free:
        raise BackupError(TEXTS["room"].format(needed=needed // 10**6 + 1, free=free // 10**6))


def _look_at_progress(new):
    """Take damaged progress out of what was unpacked; returns "" or a sentence on it."""
    path = new / PROGRESS
    for journal in JOURNALS:
        if os.path.lexists(new / journal):
            raise BackupError(TEXTS["journal"].format(name=journal))
    if path.is_dir():
        raise BackupError(TEXTS["journal"].format(name=PROGRESS))
    try:
        Progress(path).events()
    except ProgressUnusable:
        path.unlink()
        return TEXTS["without"]
    return ""


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
        if (new / PROGRESS).exists():
            kept += _put_progress_in_place(Progress(new / PROGRESS), root / PROGRESS, undo)
        undo.pop_all()
    return kept


def _put_progress_in_place(new, path, undo):
    """Kernels may record at this moment: the file stays, and what it holds changes. Only a damaged one is set aside."""
    with contextlib.suppress(ProgressUnusable):
        kept = Progress(path).become(new)
        return [kept] if kept else []
    aside = files.set_aside(path)
    undo.callback(os.rename, aside, path)
    for journal in JOURNALS:
        with contextlib.suppress(FileNotFoundError):
            os.rename(path.with_name(journal), aside.with_name(journal))
            undo.callback(os.rename, aside.with_name(journal), path.with_name(journal))
    Progress(path).become(new)
    return [aside]


def _pieces(new):
    """What is put in place as a whole, besides progress: all that lies in the workspace itself, and of what was set aside what is not there."""
    aside = new / files.ASIDE
    yield from sorted(path for path in new.iterdir() if path not in (aside, new / PROGRESS))
    if aside.is_dir():
        there = new.parent / files.ASIDE
        yield from sorted(path for path in aside.iterdir() if not os.path.lexists(there / path.name))

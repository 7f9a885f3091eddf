"""Files that are never lost: a new one replaces nothing, a changed one changes whole, and an old one is set aside.

What is written first gets a name of its own beside the place it is for, and its real name once it is complete.
"""

import contextlib
import errno
import itertools
import os
import secrets
import shutil
from datetime import datetime
from pathlib import Path

ASIDE = "set-aside"

TEXTS = {
    "not written": "{path} could not be written: {reason}. Nothing was lost; {advice}.",
    "not moved": "{path} could not be set aside: {reason}. It is where it was; {advice}.",
    "kept": "; the earlier one is kept as {kept}",
    "full": "free some space on this disk, then try again",
    "refused": "look whether it is read-only, belongs to another user or is open in another program, then try again",
}
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)


class FileTrouble(OSError):
    """A file that can't be used; the message says in one sentence which, why, and what to do."""

    def _render_traceback_(self):  # all that a notebook shows of it
        return [str(self)]


def create(path, text):
    """Make a new file, whole or not at all.

    Args:
        path: its name, which must be free; its folder is made if there is none.
        text: what it is to hold.

    Raises:
        FileExistsError: something has that name.
        FileTrouble: it can't be written; nothing is left of it.
    """
    path = Path(path)
    with _written(path, text) as whole, _told("not written", path, but=FileExistsError):
        _place(whole, path)


def replace(path, text):
    """Change a file of the course's own, whole or not at all. What a learner may have written is never replaced.

    Args:
        path: the file; it is made if there is none.
        text: what it is to hold.

    Raises:
        FileTrouble: it can't be written and is as it was.
    """
    path = Path(path).resolve()  # of a link, what it leads to
    with _written(path, text) as whole, _told("not written", path):
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, whole)
        os.replace(whole, path)


def replace_all(texts):
    """Change several files of the course's own, each of them whole, and all or none.

    Args:
        texts: dict of the path of a file, which is made if there is none, to what it is to hold.

    Raises:
        FileTrouble: one of them can't be written; all are as they were.
    """
    with contextlib.ExitStack() as written, contextlib.ExitStack() as undo:
        new = {path: written.enter_context(_written(path, text)) for path, text in texts.items()}
        old = {}
        for path in filter(Path.exists, texts):  # copied first, so that going back needs no room on the disk
            with open(path, encoding="utf-8", newline="") as file:
                old[path] = written.enter_context(_written(path, file.read()))
        for path, whole in new.items():
            with _told("not written", path):
                os.replace(whole, path)
            if path in old:
                undo.callback(os.replace, old[path], path)
            else:
                undo.callback(path.unlink)
        undo.pop_all()


def renew(path, content):
    """Set a file aside and put a new one in its place, once the new one is complete.

    Args:
        path: its name, whether or not there is such a file.
        content: what the new one is to hold, text or bytes.

    Returns:
        Where the earlier one is kept, or None if there was none. Where another process was quicker, its new file stays.

    Raises:
        FileTrouble: it can't be done; the message says where the earlier file is, if not where it was.
    """
    path, kept = Path(path), None
    with _written(path, content) as whole:
        with contextlib.suppress(FileNotFoundError):
            kept = set_aside(path)
        with contextlib.suppress(FileExistsError), _told("not written", path, but=FileExistsError, kept=kept):
            _place(whole, path)
    return kept


def move(path, to):
    """Give a file another name that nothing has yet.

    Args:
        path: the file.
        to: its new name; the folder is made if there is none.

    Raises:
        FileExistsError: something has that name; the file is where it was.
        FileTrouble: it can't be moved and is where it was.
    """
    path, to = Path(path), Path(to)
    with _told("not moved", path, but=FileExistsError):
        to.parent.mkdir(parents=True, exist_ok=True)
        _place(path, to)
        with contextlib.suppress(FileNotFoundError):  # _place had to rename it
            path.unlink()


def set_aside(path):
    """Move a file or a folder into a new folder of its own, `set-aside/` and the time, where it can replace nothing.

    Args:
        path: what to move.

    Returns:
        Where it is now.

    Raises:
        FileNotFoundError: there is no such file.
        FileTrouble: it can't be moved and is where it was.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with _told("not moved", path, but=FileNotFoundError):
        moved = place_aside(path)
        try:
            path.rename(moved)
        except BaseException:
            moved.parent.rmdir()
            raise
        if moved.is_symlink() and not os.path.isabs(leads_to := os.readlink(moved)):
            moved.unlink()  # seen from here it would lead elsewhere
            moved.symlink_to(path.parent.absolute() / leads_to)
        return moved


def place_aside(path):
    """Where a file is to be kept that is set aside, in a new folder of its own: `set-aside/` and the time.

    Args:
        path: the file.

    Returns:
        A path that is free.
    """
    now = f"{datetime.now():%Y-%m-%d %H.%M.%S}"  # of this computer's clock, for whoever looks for it
    for number in itertools.count(1):
        folder = path.parent / ASIDE / (now if number == 1 else f"{now} ({number})")
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)  # fails where there is one: this folder is nobody else's
            return folder / path.name


@contextlib.contextmanager
def _written(path, content):
    """Text or bytes in a file beside `path` whose name nobody has; it is gone when the context ends."""
    whole = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with _told("not written", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(whole, "xb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())  # a full disk, or one that is gone, is told here and not later
        yield whole
    finally:
        with contextlib.suppress(OSError):  # whatever it is, it was told above
            whole.unlink()


def _place(whole, path):
    """Give a complete file its name; FileExistsError if anything has it."""
    try:
        os.link(whole, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without hard links, such as exFAT: take the name first, then fill it at one blow
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(whole, path)
        except BaseException:
            os.unlink(path)
            raise


@contextlib.contextmanager
def _told(what, path, *, but=(), kept=None):
    """Put what the system says into a sentence, except for the errors in `but`, which the caller expects."""
    try:
        yield
    except but:
        raise
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        advice = TEXTS["full" if error.errno in FULL else "refused"]
        if kept:
            advice += TEXTS["kept"].format(kept=kept)
        raise FileTrouble(TEXTS[what].format(path=path, reason=reason, advice=advice)) from None

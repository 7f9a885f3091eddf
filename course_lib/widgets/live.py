"""Seeing each edit of a widget's JavaScript and style at once, for those who work on it.

Where the environment variable ANYWIDGET_HMR is 1 (anywidget's own name for it) when the kernel starts, every widget on a
page is drawn anew as soon as one of its files has been saved: no restart, and the state stays.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from anywidget._file_contents import VirtualFileContents  # text that tells every widget that it has changed

SECONDS = 0.3  # between two looks at the files
TOLD = "export default { render: ({ el }) => void (el.textContent = %s) };"

_followed: list = []  # (text of the module, text of the style, function that reads both)


def is_wanted() -> bool:
    """Whether edits are to be followed."""
    return os.environ.get("ANYWIDGET_HMR") == "1"


def followed(read: Callable[[], tuple[str, str]], folder: Path) -> tuple[VirtualFileContents, VirtualFileContents]:
    """A widget's module and style that change with their files.

    Args:
        read: gives (module, style); a ValueError or OSError of it is told on the page.
        folder: where all files are that may matter.

    Returns:
        (module, style): what anywidget takes for `_esm` and `_css`.
    """
    module, style = VirtualFileContents(), VirtualFileContents()
    if not _followed:
        threading.Thread(target=_watch, args=[folder], name="widgets' files", daemon=True).start()
    _followed.append((module, style, read))
    _renew(module, style, read)
    return module, style


def _renew(module, style, read):
    try:
        new_module, new_style = read()
    except (ValueError, OSError) as problem:
        new_module, new_style = TOLD % json.dumps(str(problem)), style.contents
    if new_style != style.contents:
        style.contents = new_style
    if new_module != module.contents:
        module.contents = new_module


def _watch(folder):
    before = _saved(folder)
    while True:
        time.sleep(SECONDS)
        now = _saved(folder)
        if now != before:
            before = now
            for one in list(_followed):
                _renew(*one)


def _saved(folder):
    """When each file was saved last."""
    times = {}
    for path in [*folder.rglob("*.js"), *folder.rglob("*.css")]:
        try:
            times[path] = path.stat().st_mtime_ns
        except OSError:  # an editor is just replacing it
            times[path] = 0
    return times

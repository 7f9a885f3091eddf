"""What all widgets share: how they show themselves with and without a kernel, what they accept, and how they call a
function that the learner wrote.
"""

import base64
import html
import json
import os
import sysconfig
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets
from jaxtyping import Bool

from course_lib.checking import Array, check_shape, read_booleans, string
from course_lib.printable import well_formed

if TYPE_CHECKING:
    from anywidget._file_contents import VirtualFileContents

    from course_lib.plots import Picture

MAX_ERROR_CHARACTERS = 900
STILL_DPI = 72  # as wide as a notebook
_HOST = Path(__file__).parent / "host.js"

TEXTS = {
    "not_written": "Not written yet: {name} raises NotImplementedError. Scores and masks work; weights and context wait for it.",
    "not_written_detail": "Not written yet: {message}",
    "where": "line {line} in {function}: {source}",
    "where_unseen": "line {line} in {function}",
}

_LIBRARY_FOLDERS = tuple(
    {os.path.realpath(sysconfig.get_path(key)) for key in ("stdlib", "purelib", "platlib")}
    | {os.path.dirname(os.path.dirname(os.path.realpath(__file__)))}
)


class View(anywidget.AnyWidget):
    """The side of a widget that talks with its page, in messages that have no room for lone surrogates."""

    _esm: "str | VirtualFileContents"  # each widget's own, see `page.py`
    _css: "str | VirtualFileContents"

    goal = traitlets.Unicode(help="What to reach by hand; empty: nothing.").tag(sync=True)
    reached = traitlets.Bool(False).tag(sync=True)

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The state to send."""
        return _sendable(super().get_state(*args, **kwargs))


def _sendable(value):
    """The same state in well-formed text."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_sendable(name): _sendable(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_sendable(part) for part in value]
    return value


class Widget:
    """A picture under the learner's hands.

    Display it as the last line of a cell; put its `view`, an anywidget, into ipywidgets' boxes. Where no kernel runs (a
    code host, a printed page) a still picture of it stands in its place, with a sentence that says what to see.

    A widget sets `view` and has `still()` and `text_alternative()`.
    """

    view: Any = None  # each widget's own, with its traits

    def _picture(self, width, height) -> "Picture":
        """An empty picture of so many inches, under the widget's heading."""
        from course_lib import plots

        figure = plots.Picture(figsize=(width, height), dpi=STILL_DPI)
        if self.view.title:
            figure.suptitle(plots.visible(self.view.title), parse_math=False)
        return figure

    def still(self) -> "Picture":
        """Draw the present state without a browser.

        Returns:
            a matplotlib figure; its `alternative` is the picture in words.
        """
        raise NotImplementedError

    def text_alternative(self) -> str:
        """Say in a sentence or two what the picture shows."""
        raise NotImplementedError

    def save_html(self, path: Path | str) -> Path:
        """Write a page of its own, live in any browser: no kernel, no server, no network.

        What only Python can compute, such as a learner's own function, stays as it is now.

        Args:
            path: file to write; one that is there is replaced.

        Returns:
            its path.
        """
        path = Path(path)
        path.write_text(page_of(self.view), encoding="utf-8")
        return path

    def _repr_mimebundle_(self, **kwargs):
        live, about_live = self.view._repr_mimebundle_(**kwargs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a token in a script that the font lacks is no reason to warn
            picture = self.still()
            picture.alternative = self.text_alternative()
            still, about_still = picture._repr_mimebundle_()
        about_still["image/png"]["alt"] = still["text/plain"]
        return {**live, **still}, {**about_live, **about_still}


def page_of(view: View) -> str:
    """One self-contained HTML page with a view's module, style and present state."""
    state = {}
    for name, value in view.get_state().items():
        if not name.startswith("_") and name not in ("layout", "tabbable", "tooltip"):
            is_bytes = isinstance(value, (bytes, memoryview))
            state[name] = {"base64": base64.b64encode(value).decode()} if is_bytes else {"json": value}
    script = "\n".join(
        [
            f"const STATE = {_in_script(json.dumps(state))};",
            f"const MODULE = {_in_script(json.dumps(str(view._esm)))};",
            _HOST.read_text("utf-8"),
        ]
    )
    title = html.escape(type(view).__name__.removesuffix("View"))
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f"<style>\nbody {{ margin: 16px; }}\n{view._css}</style>\n<main></main>\n"
        f'<script type="module">\n{script}</script>\n</html>\n'
    )


def _in_script(text):
    """JSON that cannot end the script element that it stands in."""
    return text.replace("<", "\\u003c")


# --- what comes in ---


def shown(trait: str, doc: str, check: Callable[[Any, Any], Any]) -> property:
    """A property that reads a trait of a widget's view, and sets it to what a check lets through.

    Args:
        trait: its name.
        doc: what it is, for help().
        check: function (widget, value) -> the value to keep, or raises.
    """

    def put(widget, value):
        setattr(widget.view, trait, check(widget, value))

    return property(lambda widget: getattr(widget.view, trait), put, doc=doc)


def checked_title(title: str | None) -> str:
    """Check a heading; returns "" for None."""
    return "" if title is None else string("title", title)


def checked_mask(mask: Bool[Array, "n n"], n: int) -> Bool[np.ndarray, "n n"]:
    """Check who of n tokens may attend to whom."""
    mask = read_booleans("mask", mask)
    check_shape("mask", mask.shape, "queries keys", {"queries": n, "keys": n})
    return mask


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 layer", "2 layers"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# --- what a learner's function does ---


class WrongAnswer(ValueError):
    """A function ran, but gave back something else than it should."""


def name_of(function: Callable) -> str:
    """What a function is called."""
    return getattr(function, "__name__", type(function).__name__)


def explain(error: Exception, name: str) -> str:
    """The last lines of a traceback that are the learner's own, or a plain sentence for a stub."""
    if isinstance(error, NotImplementedError):
        message = str(error)
        return (
            TEXTS["not_written_detail"].format(message=message) if message else TEXTS["not_written"].format(name=name)
        )
    trace = traceback.TracebackException.from_exception(error)
    theirs = [frame for frame in trace.stack if not os.path.realpath(frame.filename).startswith(_LIBRARY_FOLDERS)]
    lines = [
        TEXTS["where" if frame.line else "where_unseen"].format(
            line=frame.lineno, function=frame.name, source=frame.line
        )
        for frame in theirs[-2:]
    ]
    lines += [line.rstrip("\n") for line in trace.format_exception_only()]
    text = "\n".join(lines)
    return text if len(text) <= MAX_ERROR_CHARACTERS else text[: MAX_ERROR_CHARACTERS - 1] + "…"

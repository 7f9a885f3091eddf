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
from pathlib import Path
from typing import Any

import anywidget
import numpy as np

from course_lib.printable import well_formed

MAX_ERROR_CHARACTERS = 900
STILL_DPI = 72  # as wide as a notebook
_HOST = Path(__file__).parent / "host.js"

TEXT = {
    "not_written": "Not written yet: {name} raises NotImplementedError. Scores and masks work; weights and context wait for it.",
    "not_written_detail": "Not written yet: {message}",
    "where": "line {line} in {function}: {source}",
    "where_unseen": "line {line} in {function}",
    "one string": "{name} must be a list of strings, not one string: got {value!r}",
    "no list": "{name} must be a list of strings: got {value}",
    "not a string": "{name} must be strings: got {value!r} of type {kind}",
    "how many": "{name} must be {least} to {most} strings: got {count}",
    "flag": "{name} must be True or False: got {value!r}",
    "title": "title must be a string or None: got {value!r}",
    "function": "{name} must be a function {signature}: got {value!r}",
    "numbers": "{name} must be numbers of shape ({axes}): got {value}",
    "shape": "{name} must have shape ({axes}){sizes}: got {got}",
    "size": "{name} must have at most {most} {axis}: got {got}",
    "mask": "mask must be booleans of shape ({n}, {n}), True = may attend: got {got}",
    "finite": "{name} must be finite numbers: got {value} at {place}",
}

_LIBRARY_FOLDERS = tuple(
    {os.path.realpath(sysconfig.get_path(key)) for key in ("stdlib", "purelib", "platlib")}
    | {os.path.dirname(os.path.dirname(os.path.realpath(__file__)))}
)


class View(anywidget.AnyWidget):
    """The side of a widget that talks with its page, in messages that have no room for lone surrogates."""

    def get_state(self, *args, **kwargs):
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

    def _picture(self, width, height):
        """An empty picture of so many inches, under the widget's heading."""
        from course_lib import plots

        figure = plots.Picture(figsize=(width, height), dpi=STILL_DPI)
        if self.view.title:
            figure.suptitle(plots.visible(self.view.title), parse_math=False)
        return figure

    def still(self):
        """Draw the present state without a browser.

        Returns:
            plots.Picture, a matplotlib figure; its `alternative` is the picture in words.
        """
        raise NotImplementedError

    def text_alternative(self):
        """Say in a sentence or two what the picture shows.

        Returns:
            str
        """
        raise NotImplementedError

    def save_html(self, path):
        """Write a page of its own, live in any browser: no kernel, no server, no network.

        What only Python can compute, such as a learner's own function, stays as it is now.

        Args:
            path: file to write; one that is there is replaced.

        Returns:
            pathlib.Path
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


def page_of(view):
    """One self-contained HTML page with a view's module, style and present state.

    Args:
        view: an anywidget.

    Returns:
        str
    """
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


def shown(trait, doc, check: Any = None):
    """A property that reads a trait of a widget's view and, with a check, sets it.

    Args:
        trait: its name.
        doc: what it is, for help().
        check: function (widget, value) -> the value to keep, or raises.
    """

    def put(widget, value):
        setattr(widget.view, trait, check(widget, value))

    return property(lambda widget: getattr(widget.view, trait), put if check else None, doc=doc)


def checked_tokens(tokens, most, name="tokens", least=1):
    """Check a list of strings, and how many there are; returns a list."""
    if isinstance(tokens, str):
        raise TypeError(TEXT["one string"].format(name=name, value=tokens))
    try:
        tokens = list(tokens)
    except TypeError:
        raise TypeError(TEXT["no list"].format(name=name, value=describe(tokens))) from None
    for token in tokens:
        if not isinstance(token, str):
            raise TypeError(TEXT["not a string"].format(name=name, value=token, kind=type(token).__name__))
    if not least <= len(tokens) <= most:
        raise ValueError(TEXT["how many"].format(name=name, least=least, most=most, count=len(tokens)))
    return tokens


def checked_title(title):
    """Check a heading; returns "" for None."""
    if title is not None and not isinstance(title, str):
        raise TypeError(TEXT["title"].format(value=title))
    return title or ""


def checked_function(name, function, signature):
    """Check that something can be called; returns it."""
    if not callable(function):
        raise TypeError(TEXT["function"].format(name=name, signature=signature, value=function))
    return function


def checked_flag(name, value):
    """Check that something is true or false; returns a bool."""
    if not isinstance(value, (bool, np.bool)):
        raise TypeError(TEXT["flag"].format(name=name, value=value))
    return bool(value)


def checked_array(name, value, axes, *, most=None, **sizes):
    """Check an array of finite numbers.

    Args:
        name: what the caller calls it.
        value: array, tensor or nested lists.
        axes: names of its axes, such as "heads queries keys".
        most: dict, axis -> the largest size.
        sizes: sizes that axes must have.

    Returns:
        float64 array, a copy.

    Raises:
        ValueError: no such numbers.
    """
    if hasattr(value, "detach"):  # a tensor, perhaps with gradients, perhaps on a GPU
        value = value.detach().cpu().double().numpy()
    names = axes.split()
    listed = ", ".join(names)
    try:
        read = np.asarray(value)
        # NumPy would drop imaginary parts, count days, read "1" as a number, and None as none
        if read.dtype.kind in "cmMSU" or (read.dtype.kind == "O" and any(one is None for one in read.flat)):
            raise TypeError
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError) as problem:  # RuntimeError: a list of tensors with gradients
        raise ValueError(TEXT["numbers"].format(name=name, axes=listed, value=describe(value))) from problem
    fits = array.ndim == len(names) and all(
        size == sizes.get(axis, size) for axis, size in zip(names, array.shape, strict=True)
    )
    if not fits or 0 in array.shape:
        given = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
        about = {"axes": listed, "sizes": f" with {given}" if given else "", "got": shape_of(array)}
        raise ValueError(TEXT["shape"].format(name=name, **about))
    for axis, size in zip(names, array.shape, strict=True):
        limit = (most or {}).get(axis, size)
        if size > limit:
            raise ValueError(TEXT["size"].format(name=name, most=limit, axis=axis, got=size))
    if not np.isfinite(array).all():
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueError(TEXT["finite"].format(name=name, value=array[place], place=list(place)))
    return array


def checked_mask(mask, n):
    """Check who of n tokens may attend to whom; returns a bool array (n, n)."""
    try:
        array = np.asarray(mask)
        got = f"{array.dtype} of shape {array.shape}" if array.ndim else describe(mask)
    except ValueError:  # rows of different lengths
        array, got = np.zeros(0), describe(mask)
    if array.dtype != bool or array.shape != (n, n):
        raise ValueError(TEXT["mask"].format(n=n, got=got))
    return array


def counted(count, noun):
    """A number with its noun: "1 layer", "2 layers"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# --- what a learner's function does ---


class WrongAnswer(ValueError):
    """A function ran, but gave back something else than it should."""


def name_of(function):
    """What a function is called."""
    return getattr(function, "__name__", type(function).__name__)


def describe(value):
    """Name the kind of a value without trusting its repr, which is the learner's own."""
    kind = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if hasattr(value, "detach") and hasattr(value, "shape"):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list, dict)):
        return f"a {kind} of {len(value)}" if len(value) else f"an empty {kind}"
    return f"a value of type {kind}"


def shape_of(array):
    """The shape of an array in words; () would say nothing to most people."""
    return tuple(array.shape) or "a single number"


def explain(error, name):
    """The last lines of a traceback that are the learner's own, or a plain sentence for a stub."""
    if isinstance(error, NotImplementedError):
        message = str(error)
        return TEXT["not_written_detail"].format(message=message) if message else TEXT["not_written"].format(name=name)
    trace = traceback.TracebackException.from_exception(error)
    theirs = [frame for frame in trace.stack if not os.path.realpath(frame.filename).startswith(_LIBRARY_FOLDERS)]
    lines = [
        TEXT["where" if frame.line else "where_unseen"].format(
            line=frame.lineno, function=frame.name, source=frame.line
        )
        for frame in theirs[-2:]
    ]
    lines += [line.rstrip("\n") for line in trace.format_exception_only()]
    text = "\n".join(lines)
    return text if len(text) <= MAX_ERROR_CHARACTERS else text[: MAX_ERROR_CHARACTERS - 1] + "…"

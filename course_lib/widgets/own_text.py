"""A box for one's own text: a widget that is told how a text becomes what it shows gets one on its page.

Python reads the latest text, one at a time. Where it can't, one sentence says why, and the picture stays the one before.
"""

import threading
from typing import Any

import traitlets

from course_lib.checking import check_function, string
from course_lib.printable import well_formed
from course_lib.widgets.base import View, Widget, WrongAnswer

MAX_ERROR_CHARACTERS = 240

TEXTS = {
    "long": "text is a string of {length} characters; expected at most {most}",
    "no box": "text needs {name}, a function {signature}: without it there is no box for a text",
    "failed": "The picture is still the one before: {problem}",
    "raised": "{name} raises {error}",
}


class OwnTextView(View):
    """What the page and Python tell each other about the box."""

    text_most = traitlets.Int(0).tag(sync=True)  # characters that fit into the box; 0: there is none
    text = traitlets.Unicode().tag(sync=True, echo_update=False)  # from the page, or from Python
    # To the page: the text that was looked at last, and what was wrong with it.
    text_read = traitlets.Unicode().tag(sync=True)
    text_error = traitlets.Unicode().tag(sync=True)


class TakesText(Widget):
    """A widget with such a box. It calls `_offer_box` once it has its view, an `OwnTextView`, and has `_show_text`."""

    def _offer_box(self, name: str, function: Any, signature: str, *, most: int, text: str) -> None:
        """Make the box.

        Args:
            name, function: the argument that came, function text -> what `_show_text` can show; None: there is no box.
            signature: what it takes and gives, in words.
            most: characters that fit into the box.
            text: what stands in it at first, and is shown already.
        """
        self._computing = threading.RLock()
        self._reader = name, function, signature
        if function is not None:
            check_function(name, function, signature)
            self.view.text_most = most
        if text != "":
            self.view.text = self.view.text_read = self._checked_text(text)
        self.view.observe(lambda change: self._read_text(), "text")

    @property
    def text(self) -> str:
        """str: what stands in the box for one's own text; assign another to have it read."""
        return self.view.text

    @text.setter
    def text(self, text: str) -> None:
        self.view.text = self._checked_text(text)

    @property
    def text_error(self) -> str:
        """str: what is wrong with the text that was read last; empty while nothing is."""
        return self.view.text_error

    def _checked_text(self, text):
        text, most = string("text", text), self.view.text_most
        if not most:
            name, _, signature = self._reader
            raise ValueError(TEXTS["no box"].format(name=name, signature=signature))
        if len(text) > most:
            raise ValueError(TEXTS["long"].format(length=len(text), most=most))
        return well_formed(text)

    def _read_text(self):
        """Show the latest text. Nothing is no text."""
        with self._computing, self.view.hold_sync():
            text, error = self.view.text, ""
            if text == self.view.text_read or not text.strip():
                return
            name, function, _ = self._reader
            try:
                self._show_text(function(text))
            except WrongAnswer as problem:
                error = TEXTS["failed"].format(problem=problem)
            except Exception as problem:  # a learner's function may raise anything; a callback's is seen nowhere
                error = TEXTS["failed"].format(problem=TEXTS["raised"].format(name=name, error=in_short(problem)))
            self.view.text_error, self.view.text_read = error, text

    def _show_text(self, answer: Any) -> None:
        """Show what the function gave. What it can't show is a WrongAnswer, and then nothing has changed."""
        raise NotImplementedError


def in_short(error: Exception) -> str:
    """The last line of a traceback, on one line whatever the message holds."""
    kind, words = type(error).__name__, " ".join(str(error).split())
    text = f"{kind}: {words}" if words else kind
    return text if len(text) <= MAX_ERROR_CHARACTERS else text[: MAX_ERROR_CHARACTERS - 1] + "…"

"""HTML that Python writes, with buttons that Python hears: what a guess, a task and a verdict have in common on a page.

Its `buttons.js` knows these marks: `data-press` on a button or a form sends its value (and what was typed); `data-unread` is
what a form says of what its field does not take, and sends nothing then; `data-beside` on a link opens a notebook beside this one, at a cell; `data-follows` asks to be told whenever progress was made elsewhere on the
page; `data-progress` tells of progress, `data-raises` of the error that ends the cell; `course-covers` covers what comes out
after it, in its own cell and the next, until it is gone.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import display

_FOLDER = Path(__file__).parent


class Buttons(anywidget.AnyWidget):
    """HTML with buttons, and below it what they brought, which screen readers announce.

    Args:
        html: what is shown at first; whatever is not the course's own text is escaped in it.
        press: function (name, text) that is called with the value of `data-press`, and with what was typed or "".
    """

    _esm = (_FOLDER / "buttons.js").read_text("utf-8")
    _css = (_FOLDER / "buttons.css").read_text("utf-8")

    html = traitlets.Unicode().tag(sync=True)
    brought = traitlets.Unicode().tag(sync=True)

    def __init__(self, html, press):
        super().__init__(html=html)
        self._press = press
        self.on_msg(self._heard)

    def show(self, still):
        """Show this live, and beside it what stands for it where no kernel runs.

        Args:
            still: a `show.Panel`, or None where nothing need be there.

        Returns:
            IPython's handle of what is shown: `update` puts something else in its place.
        """
        live: Any = self._repr_mimebundle_()  # (data, metadata)
        beside = {"text/plain": ""} if still is None else still._repr_mimebundle_()
        return display({**live[0], **beside}, metadata=live[1], raw=True, display_id=True)

    def _heard(self, _, content, buffers):
        if isinstance(content, dict) and isinstance(content.get("press"), str):
            self._press(content["press"], str(content.get("text", "")))

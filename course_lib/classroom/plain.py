"""An executed cell in plain text, for a terminal: headings, what was printed, and words for what only a page can show."""

import re
from base64 import b64decode

from course_lib.classroom.kernels import WIDGET_VIEW

WIDGET_TEXT = 300  # characters shown of what a widget says of itself
BLOCKS = ["br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "summary"]  # a line ends with each

TEXTS = {
    "widget": "[widget] {text}",
}


def cell_texts(cell, save):
    """Put a cell into plain text: the headings of prose, the outputs of code.

    Args:
        cell: an nbformat cell, executed if it is code.
        save: called as save(cell, bytes, kind) with each picture, kind "png" or "svg"; returns the text to show for it.

    Yields:
        Pieces of text.
    """
    if cell.cell_type == "markdown":
        prose = re.sub(r"```.*?```", "", cell.source, flags=re.DOTALL)
        for heading in re.findall(r"^#+ .*", prose, flags=re.MULTILINE):
            yield f"\n{heading}\n"
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            yield output.text
        elif output.output_type == "error":
            yield _without_colours("\n".join(output.traceback))
        else:
            if text := _data_text(output.data):
                yield text
            if "image/png" in output.data:
                yield save(cell, b64decode(output.data["image/png"]), "png")
            elif "image/svg+xml" in output.data:
                yield save(cell, output.data["image/svg+xml"].encode(), "svg")


def _data_text(data):
    """What a displayed object says in text; "" for a figure that is only a picture."""
    plain = data.get("text/plain", "")
    if WIDGET_VIEW in data:
        return TEXTS["widget"].format(text=plain if len(plain) <= WIDGET_TEXT else plain[:WIDGET_TEXT] + " …")
    if not plain.startswith(("<IPython.core.display.", "<Figure size ")):
        return plain
    if "text/html" in data:
        return _html_text(data["text/html"])
    return data.get("text/markdown", data.get("text/latex", ""))


def _html_text(html):
    """The text of some HTML, a line for each block."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(html, "html.parser")
    for unseen in page(["script", "style"]):
        unseen.decompose()
    for block in page(BLOCKS):
        block.append("\n")
    text = page.get_text(" ")
    return "\n".join(line for line in (" ".join(line.split()) for line in text.splitlines()) if line)


def _without_colours(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)

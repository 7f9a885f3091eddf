"""Exported pages keep what a notebook says of its pictures in words."""

import base64
import re
import subprocess
import sys

import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.classroom import lab
from course_lib.classroom.lab.alternatives import TextAlternatives
from course_lib.classroom.notebooks import read
from course_lib.classroom.places import lesson_path

DOT = base64.b64encode(b"a picture").decode()
WORDS = 'Scores of "the" <b> & $x$'


def pictures(cell, **settings):
    page, _ = HTMLExporter(preprocessors=[TextAlternatives], **settings).from_notebook_node(new_notebook(cells=[cell]))
    return images(page)


def images(page):
    return BeautifulSoup(page, "html.parser").find_all("img")


def shows(data, about, **metadata):
    output = new_output("display_data", data={**data, "text/plain": "<Figure>"}, metadata=about)
    return new_code_cell("draw()", outputs=[output], metadata=metadata)


@pytest.mark.parametrize("template", ["lab", "classic"])
@pytest.mark.parametrize(
    "cell",
    [
        shows({"image/png": DOT}, {"image/png": {"alt": WORDS, "width": 30, "height": 20}}),
        shows({"image/png": DOT + "\n"}, {}, alt=WORDS),
        shows({"image/png": DOT}, {"image/png": {"alt": WORDS}}, alt="of the whole cell"),
        shows({"image/jpeg": DOT}, {"image/jpeg": {"alt": WORDS}}),
        shows({"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"}, {"image/svg+xml": {"alt": WORDS}}),
    ],
)
def test_a_picture_keeps_its_words(cell, template):
    (picture,) = pictures(cell, template_name=template)
    assert picture["alt"] == WORDS
    assert "base64," in picture["src"] and "\n" not in picture["src"]
    assert picture.get("width") == ("30" if "width" in str(cell) else None)


def test_what_has_no_words_or_is_no_picture_stays_as_it_is():
    assert [picture["alt"][:14] for picture in pictures(shows({"image/png": DOT}, {}))] == ["No description"]
    assert pictures(shows({"text/html": "<i>x</i>", "image/png": DOT}, {}, alt=WORDS)) == []
    assert len(pictures(shows({"image/png": DOT}, {}, alt=WORDS), sanitize_html=True)) == 1
    assert pictures(new_code_cell("print(1)", outputs=[new_output("stream", text="1")], metadata={"alt": WORDS})) == []


@pytest.mark.slow
def test_a_lesson_is_exported_with_all_its_words():
    """By the plain command, in the environment that `course lab` gives its terminals."""
    path = lesson_path("notebooks", "03")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--stdout", str(path)]
    page = subprocess.run(command, env=lab.command()[1], capture_output=True, text=True, check=True, encoding="utf-8")
    words = []
    for cell in read(path).cells:
        words += re.findall(r"!\[([^\]]+)\]", cell.source) if cell.cell_type == "markdown" else []
        shown = [output for output in cell.get("outputs", ()) if "image/png" in output.get("data", ())]
        words += [output.metadata["image/png"]["alt"] for output in shown]
    assert len(words) > 10
    assert [picture["alt"] for picture in images(page.stdout)] == words

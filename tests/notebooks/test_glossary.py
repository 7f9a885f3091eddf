"""The glossary's page and the marks in lessons are what `course glossary` makes, and every link in them leads somewhere."""

import json
import re

import pytest

from course_lib.classroom.glossary import marks, terms
from course_lib.classroom.glossary.page import page
from course_lib.classroom.places import GLOSSARY
from tests.notebooks.collection import ROOT, cells, name, paths
from tests.notebooks.test_form import words

FOLDER = ROOT / "notebooks"
LESSONS = paths("notebooks")
LINK = re.compile(r"\]\((\w+\.ipynb)#cell-id=([\w-]+)")


def test_every_term_leads_to_a_cell_of_its_lesson():
    known = {path.name[:2]: {cell["id"] for cell in cells(path, "markdown")} for path in LESSONS}
    lost = [term.name for term in terms() if term.lesson and term.cell not in known[term.lesson]]
    assert lost == [], "mend `lesson` or `under` in terms.toml"


def test_the_page_is_what_its_source_makes():
    assert (FOLDER / GLOSSARY).read_text(encoding="utf-8") == page(), "run `course glossary`"


def test_links_of_the_page_lead_to_cells():
    found = {one for cell in cells(FOLDER / GLOSSARY) for one in LINK.findall(cell["source"])}
    assert len(found) > 60
    assert [one for one in found if one[1] not in {cell["id"] for cell in cells(FOLDER / one[0])}] == []


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_marks_are_what_the_command_makes(path):
    kept = path.read_text(encoding="utf-8")
    assert kept == marks.marked(path), "run `course glossary`"


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_lesson_would_have_a_dozen_marks_at_most_each_with_its_entry(path):
    found = json.loads(marks.marked(path))["cells"]
    made = "\n".join("".join(cell["source"]) for cell in found if cell["cell_type"] == "markdown")
    assert words(made) == words("\n".join(cell["source"] for cell in cells(path, "markdown"))), "a title is no prose"
    links = LINK.findall(made)
    ids = [id for file, id in links if file == GLOSSARY]
    assert len(ids) == len(set(ids)) <= marks.MOST and set(ids) <= {term.id for term in terms()}
    assert ids or path.name[:2] < "03", "no word of an earlier lesson is used"

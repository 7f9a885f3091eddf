"""The next day: the server was ended, with all kernels; it starts again, and the lesson goes on where it was left."""

import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.classroom.notebooks import METADATA, dumps
from course_lib.classroom.practice.progress import Progress
from tests.browser.real_lab import Lab

WIDGET = """from course_lib.widgets import AttentionPlayground

AttentionPlayground(["cat", "sat", "mat"], [[2, 1], [1, 2], [1, -1]], [[2, 1], [1, 2], [1, -1]], [[2, 1], [1, 2], [1, -1]])"""
QUIZ = """from course_lib.classroom.review import quiz

quiz("03")"""
REST = "At rest since Python was ended"
LESSON = "workspace/lessons/day.ipynb"


@pytest.fixture(scope="module")
def own_lab(browser):
    with Lab(browser) as lab:
        (lab.workspace / "lessons").mkdir()
        long = [new_markdown_cell("A paragraph. " * 60, id=f"text-{number}") for number in range(30)]
        cells = [new_code_cell(WIDGET, id="widget"), *long, new_code_cell(QUIZ, id="quiz")]
        (lab.root / LESSON).write_text(dumps(new_notebook(cells=cells, metadata=METADATA)), encoding="utf-8")
        yield lab


def wait_until_at(notebook, cell):
    notebook.page.wait_for_function(
        "(cell) => { const active = window.jupyterapp?.shell.currentWidget?.content?.activeCell;"
        " return active?.model.id === cell && active.inViewport; }",
        arg=cell,
    )


def test_widgets_are_at_rest_and_the_lesson_opens_where_it_was_left(own_lab):
    notebook = own_lab.open(LESSON)
    assert notebook.run_all()
    notebook.output(0).locator(".course-view, canvas, svg").first.wait_for()
    notebook.run_cell(notebook.find_cell("quiz("))
    notebook.command("docmanager:save")
    assert "widget-view+json" in (own_lab.root / LESSON).read_text()
    notebook.page.goto("about:blank")
    own_lab.stop()
    own_lab.start()

    text = (own_lab.root / LESSON).read_text()
    assert "widget-view+json" not in text and text.count(REST) == 2 * 2  # in words and as HTML
    notebook.problems.clear()  # of the evening, when the server went
    notebook.goto()
    notebook.wait_until_ready()
    wait_until_at(notebook, "quiz")
    assert notebook.output(0).locator("img").count() == 1
    page = notebook.page.locator(".jp-Notebook").inner_text()
    assert REST in page and "not found" not in page
    notebook.goto("text-20")
    notebook.wait_until_ready()
    wait_until_at(notebook, "text-20")
    notebook.run_cell(0)
    notebook.output(0).locator(".course-view, canvas, svg").first.wait_for()
    notebook.check()
    notebook.close()


def test_the_home_page_knows_where_the_learner_was(own_lab):
    places = [event["cell"] for event in Progress(own_lab.workspace / "progress.sqlite3").events("place")]
    assert places == ["quiz"]  # left by going to another page; a page that is closed by a test leaves none


def test_home_is_one_click_away(own_lab):
    notebook = own_lab.open(LESSON)
    link = notebook.page.get_by_role("link", name="Course home")
    assert re.fullmatch(rf"{own_lab.url}/course", link.get_attribute("href") or "")
    notebook.close()

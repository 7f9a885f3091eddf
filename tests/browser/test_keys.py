"""Shift+Enter goes on where a learner has done something, and runs what is to run; a page that comes back is alive."""

import os
from unittest.mock import patch

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.classroom import copies
from tests.browser.real_lab import Lab

NAME = "03_self_attention_by_hand.ipynb"
SETUP = "from course_lib.classroom.practice import guess\nfrom course_lib.classroom.review import quiz"
GUESS = 'guess("03.which-grows", "Which weight grows?", ["cat", "mat"], answer="mat")'
WIDGET = """from course_lib.widgets import AttentionPlayground

three = [[2, 1], [1, 2], [1, -1]]
AttentionPlayground(["cat", "sat", "mat"], three, three, three, title="Drag")"""


@pytest.fixture(scope="module")
def lesson(browser):
    """A learner's copy, as the course makes it: questions are kept, so that Jupyter must trust what it has not seen run."""
    with Lab(browser) as lab:
        kept = {"tags": ["at-open", "keep_output", "plumbing"]}
        cells = [
            new_code_cell(SETUP, id="setup", metadata={"tags": ["at-open", "plumbing"]}),
            new_code_cell(GUESS, id="guess", metadata=kept, outputs=[], execution_count=1),
            new_code_cell("print(0.81)", id="result"),
            new_code_cell(WIDGET, id="widget"),
            new_markdown_cell("What you dragged.", id="after"),
            new_code_cell('quiz("03")', id="quiz", metadata={"tags": ["keep_output"]}),
            new_markdown_cell("## Dig deeper: more\n\nWhy.\n\nWhat is seen below.", id="deeper"),
            new_code_cell("print('folded')", id="folded"),
            new_markdown_cell("## The end.", id="end"),
        ]
        lab.put(f"notebooks/{NAME}", cells)
        with patch.dict(os.environ, COURSE_HOME=str(lab.root), COURSE_WORKSPACE=str(lab.workspace)):
            path = copies.own_copy("notebooks", "03").path.relative_to(lab.root).as_posix()
        yield lab.open(path)


def active(lesson):
    return lesson.ask("() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id")


def press(lesson, key):
    lesson.page.keyboard.press(key)
    lesson.page.wait_for_timeout(300)


def go_to(lesson, text):
    """Make a cell the active one, with the focus of the notebook."""
    index = lesson.find_cell(text)
    lesson.cell(index)
    lesson.ask(
        """(index) => {
          const { content } = window.jupyterapp.shell.currentWidget;
          content.activeCellIndex = index;
          content.activate();
        }""",
        index,
    )
    return lesson.cell(index)


def test_questions_that_ran_as_the_page_opened_are_not_counted(lesson):
    lesson.cell(lesson.find_cell("which-grows")).get_by_role("button", name="mat").wait_for()
    assert lesson.python("get_ipython().history_manager.writeout_cache()") == "", "a number stands once in a session"
    for _ in range(50):
        count = lesson.python_json("get_ipython().execution_count")
        if count == 2:  # the set-up is 1
            return
        lesson.page.wait_for_timeout(100)
    raise AssertionError(count)


def test_a_question_stays_as_it_is(lesson):
    cell = go_to(lesson, "which-grows")
    cell.get_by_role("button", name="mat").wait_for()
    lesson.page.wait_for_timeout(1500)
    lesson.ask("() => (window.asked = document.querySelector('.course-buttons'))?.tagName")
    press(lesson, "Shift+Enter")
    assert active(lesson) == "result"
    assert lesson.ask("() => window.asked.isConnected"), "it was asked anew"


def test_what_was_moved_by_hand_stays_moved_until_something_else_has_run(lesson):
    cell = go_to(lesson, "AttentionPlayground(")
    press(lesson, "Shift+Enter")
    tip = cell.get_by_role("slider").first
    tip.wait_for()
    at_first = tip.get_attribute("aria-valuetext")
    tip.focus()
    press(lesson, "Shift+ArrowUp")
    lesson.page.wait_for_function(
        "([tip, before]) => tip.ariaValueText ?? tip.getAttribute('aria-valuetext') !== before",
        arg=[tip.element_handle(), at_first],
    )
    moved = tip.get_attribute("aria-valuetext")
    press(lesson, "Shift+Enter")
    assert active(lesson) == "after" and tip.get_attribute("aria-valuetext") == moved != at_first

    lesson.run_cell(lesson.find_cell("print(0.81)"))
    go_to(lesson, "AttentionPlayground(")
    press(lesson, "Shift+Enter")  # the function it shows may be another one now
    fresh = lesson.cell(lesson.find_cell("AttentionPlayground(")).get_by_role("slider").first
    fresh.wait_for()
    lesson.page.wait_for_function(
        "([cell, first]) => cell.querySelector('[role=slider]')?.getAttribute('aria-valuetext') === first",
        arg=[cell.element_handle(), at_first],
    )


def test_a_quiz_takes_the_hand(lesson):
    go_to(lesson, 'quiz("03")')
    press(lesson, "Shift+Enter")
    lesson.page.wait_for_function("document.activeElement.closest('.course-quiz')")
    before = lesson.ask("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    press(lesson, "b")
    assert lesson.ask("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == before
    press(lesson, "Shift+Enter")
    assert active(lesson) == "deeper"
    more = lesson.page.locator("p", has_text="What is seen below")
    assert not more.is_visible(), "of what is folded, the heading shows"
    press(lesson, "Shift+Enter")
    assert active(lesson) == "end", "what is folded stays folded"
    lesson.cell(lesson.find_cell("Dig deeper")).locator(".jp-showHiddenCellsButton").click()
    more.wait_for()


def test_a_page_that_comes_back_is_alive(lesson):
    lesson.reload()
    cell = lesson.cell(lesson.find_cell("AttentionPlayground("))
    cell.get_by_role("slider").first.wait_for()
    assert cell.locator("img").count() == 0


def test_the_terminal_stays_silent(lesson):
    assert (lesson.lab.folder / "server.log").read_text() == ""

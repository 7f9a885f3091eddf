"""Reviews in a notebook, done by keyboard."""

from datetime import UTC, datetime, timedelta

import pytest
from nbformat.v4 import new_code_cell

from course_lib.classroom.practice.progress import Progress
from tests.browser.real_lab import Lab

CELLS = ["from course_lib.classroom.review import plan, review", "review()", 'plan("03")']
CELL_IDS = "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.id)"
NOTEBOOK = "workspace/lessons/reviews.ipynb"
CODE = "def softmax(scores):\n    return np.exp(scores) / np.exp(scores).sum(0)"


@pytest.fixture(scope="module")
def own_lab(browser):
    with Lab(browser) as lab:
        lab.put(NOTEBOOK, [new_code_cell(one) for one in CELLS])
        yield lab


def test_a_mistake_is_reviewed_by_keyboard(own_lab):
    progress = Progress(own_lab.workspace / "progress.sqlite3")
    earlier = datetime.now(UTC) - timedelta(days=2)
    told = {"diagnosis": "softmax-over-queries", "message": "Your `axis` is the wrong one.", "source": CODE}
    progress.record("check", "03.softmax", now=earlier, outcome="failed", **told)
    progress.record("quiz", "03.cost", now=earlier, rating="good")

    notebook = own_lab.open(NOTEBOOK)
    assert notebook.run_all()
    quiz = notebook.page.locator(".course-quiz")
    quiz.wait_for()
    keys = notebook.page.keyboard
    for place in (1, 2):
        quiz.get_by_text(f"Question {place} of 2").wait_for()
        if quiz.locator("textarea:visible").count():
            assert "def softmax" in quiz.locator("pre").first.inner_text()
            quiz.get_by_role("button", name="Show the answer").click()
            for key in "bdd":  # in the notebook: a new cell, and one cell less
                keys.press(key)
            assert len(notebook.page.evaluate(CELL_IDS)) == len(CELLS)
            quiz.get_by_text("Model answer").wait_for()
            quiz.get_by_role("button", name="Again").focus()
            keys.press("2")
            quiz.get_by_text("Your rating: Hard.").wait_for()
        else:
            quiz.locator(".quiz-row button").first.focus()
            keys.press("b")
            quiz.locator(".quiz-chosen").wait_for()
            quiz.get_by_role("button", name="Check answer").focus()
            keys.press("Enter")
            quiz.locator(".quiz-right").first.wait_for()
        quiz.locator(".quiz-forward:focus").wait_for()  # wherever one was, the way on is under one's finger
        keys.press("Enter")
    quiz.get_by_text("Nothing is due now. Next:").wait_for()
    ratings = {event["subject"]: event["rating"] for event in progress.events("review")}
    assert ratings["03.softmax/mistake/softmax-over-queries"] == "hard" and len(ratings) == 2
    assert "Lesson 03 comes back" in notebook.output(2).inner_text()

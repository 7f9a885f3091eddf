"""Reviews in a notebook, done by keyboard."""

from datetime import UTC, datetime, timedelta

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.classroom.practice.progress import Progress
from tests.browser.real_lab import Lab

CELLS = ["from course_lib.classroom.review import plan, review", "review()", 'plan("03")']
CELL_IDS = "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.id)"
QUIZ = "workspace/lessons/quiz.ipynb"
NOTEBOOK = "workspace/lessons/reviews.ipynb"
SITTING = """from course_lib.classroom.review.questions import Option, Question
from course_lib.classroom.review.sitting import Quiz

long = "A line of the text, and then another.\\n\\n" * 6
options = (Option("one", True, long), Option("two", True, long), Option("three", False, long))
Quiz(
    [
        Question("03.open", "03", "open", "Recap", "Why?", answer=long),
        Question("03.one", "03", "choice", "Recap", long, options[1:]),
        Question("03.two", "03", "choice", "Recap", long, options),
    ],
    "A quiz",
)"""
FILLER = "A line.\n\n" * 12
IN_VIEW = """(selector) => {
  const pane = document.querySelector(".jp-WindowedPanel-outer").getBoundingClientRect();
  const { top, bottom, height } = document.querySelector(`.course-quiz ${selector}`).getBoundingClientRect();
  return height > 0 && top >= pane.top - 1 && bottom <= pane.bottom + 1;
}"""
CODE = "def softmax(scores):\n    return np.exp(scores) / np.exp(scores).sum(0)"


@pytest.fixture(scope="module")
def own_lab(browser):
    with Lab(browser) as lab:
        lab.put(NOTEBOOK, [new_code_cell(one) for one in CELLS])
        yield lab


@pytest.fixture
def quiz(own_lab):
    """A quiz in a pane that is too low for it: what it shows, and a function that waits until the hand and the view are there."""
    own_lab.put(QUIZ, [new_markdown_cell(FILLER), new_code_cell(SITTING), new_markdown_cell(FILLER)])
    notebook = own_lab.open(QUIZ, size=(1000, 520))
    notebook.cell(1)
    assert notebook.run_cell(1)
    quiz = notebook.page.locator(".course-quiz")
    quiz.locator("textarea").wait_for()

    def led(hand, *seen):
        quiz.locator(f"{hand}:focus").wait_for(timeout=5000)
        for one in seen:
            notebook.page.wait_for_function(IN_VIEW, arg=one, timeout=5000)
        notebook.page.wait_for_timeout(700)  # what comes later takes neither away
        assert quiz.locator(f"{hand}:focus").count() and all(notebook.page.evaluate(IN_VIEW, one) for one in seen)

    quiz.led = led
    yield quiz
    notebook.check()
    notebook.close()


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
        if place == 1:
            quiz.locator("textarea:focus, .quiz-row > button:focus").wait_for()  # all of the next question is there
    quiz.get_by_text("Nothing is due now. Next:").wait_for()
    ratings = {event["subject"]: event["rating"] for event in progress.events("review")}
    assert ratings["03.softmax/mistake/softmax-over-queries"] == "hard" and len(ratings) == 2
    assert "Lesson 03 comes back" in notebook.output(2).inner_text()


def test_the_hand_is_led_through_a_quiz_by_keyboard(quiz):
    press = quiz.page.keyboard.press
    quiz.locator("textarea").click()
    quiz.page.keyboard.type("because")
    press("Tab")  # over Previous, which is not to be had yet
    press("Enter")
    quiz.led(".quiz-likely", ".quiz-ratings")
    press("Space")
    quiz.get_by_text("Your rating: Good.").wait_for()
    quiz.led(".quiz-forward", ".quiz-forward")
    press("Enter")
    quiz.get_by_text("Question 2 of 3").wait_for()
    quiz.led(".quiz-row button", ".quiz-header")
    press("b")
    press("Enter")  # sooner than the kernel says that B is chosen
    quiz.locator(".quiz-chosen.quiz-right, .quiz-chosen.quiz-wrong").wait_for()
    quiz.led(".quiz-forward", ".quiz-forward")
    quiz.get_by_role("button", name="Explain the other options").focus()
    press("Enter")
    quiz.led(".quiz-forward", ".quiz-forward")
    press("Enter")
    quiz.get_by_text("Question 3 of 3").wait_for()
    quiz.led(".quiz-row button", ".quiz-header")
    for key in ("a", "b"):
        press(key)
    quiz.locator(".quiz-chosen").nth(1).wait_for()
    press("Space")  # of several, it is taken back
    quiz.locator(".quiz-chosen").nth(1).wait_for(state="detached")
    press("Enter")
    quiz.locator(".quiz-chosen.quiz-right, .quiz-chosen.quiz-wrong").wait_for()
    quiz.led(".quiz-forward", ".quiz-forward")
    press("Enter")
    quiz.get_by_text("Done: ").wait_for()
    quiz.led(".quiz-header", ".quiz-header")


def test_the_hand_is_led_through_a_quiz_by_mouse(quiz):
    quiz.get_by_role("button", name="Show the answer").click()
    quiz.led(".quiz-likely", ".quiz-ratings")
    quiz.get_by_role("button", name="Next question").click()
    quiz.led(".quiz-likely", ".quiz-status")
    quiz.get_by_role("button", name="Good").click()
    quiz.led(".quiz-forward", ".quiz-forward")
    quiz.get_by_role("button", name="Next question").click()
    quiz.led(".quiz-row button", ".quiz-header")
    quiz.get_by_role("button", name="Check answer").click()
    quiz.led(".quiz-row button", ".quiz-status")
    quiz.locator(".quiz-row button").nth(0).click()
    quiz.locator(".quiz-chosen").wait_for()
    quiz.page.keyboard.press("Enter")
    quiz.locator(".quiz-chosen.quiz-right, .quiz-chosen.quiz-wrong").wait_for()
    quiz.led(".quiz-forward", ".quiz-forward")


def test_a_quiz_leaves_alone_who_goes_on_reading(quiz):
    quiz.get_by_role("button", name="Show the answer").click()
    quiz.locator(".quiz-likely:focus").wait_for()
    quiz.page.mouse.move(500, 300)
    quiz.page.mouse.wheel(0, -250)
    quiz.page.wait_for_timeout(1000)
    assert not quiz.page.evaluate(IN_VIEW, ".quiz-ratings")


def test_of_two_quizzes_each_has_its_own_keys(own_lab):
    source = SITTING.replace('Question("03.open", "03", "open", "Recap", "Why?", answer=long),', "").replace(
        "* 6", "* 1"
    )
    own_lab.put(QUIZ, [new_code_cell(source), new_code_cell(source)])
    notebook = own_lab.open(QUIZ, size=(1000, 1200))
    assert notebook.run_all()
    first, second = (notebook.page.locator(".course-quiz").nth(place) for place in (0, 1))
    first.locator(".quiz-row button").first.click()
    first.locator(".quiz-chosen").wait_for()
    second.locator(".quiz-row button").first.focus()
    for key in ("b", "Enter"):
        notebook.page.keyboard.press(key)
    second.locator(".quiz-chosen.quiz-right, .quiz-chosen.quiz-wrong").wait_for()
    notebook.page.wait_for_timeout(500)
    assert not first.locator(".quiz-right, .quiz-wrong").count()
    notebook.check()
    notebook.close()

"""What a learner does in a lesson: a guess before the result, their turn beside the lesson, help under a verdict."""

import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.classroom.notebooks import METADATA
from course_lib.classroom.practice.progress import Progress
from tests.browser.real_lab import ROOT

NAME = "03_self_attention_by_hand.ipynb"
GUESS = """from course_lib.classroom.practice import guess, your_turn

guess("03.which-grows", "Which weight grows?", ["cat", "mat"], answer="mat", why="Its key points there.")
print("mat: 0.81")"""
ALONE = 'guess("03.how-much", "How much?", answer=3.6, within=0.05)'
TURN = 'your_turn("03.softmax", "03.scores")'
WRONG = """def softmax(scores):
    e = np.exp(scores - scores.max(axis=0))
    return e / e.sum(axis=0)"""
RIGHT = WRONG.replace("axis=0", "axis=-1, keepdims=True")


@pytest.fixture(scope="module")
def lesson(lab, open_notebook):
    cells = [
        new_code_cell(GUESS),
        new_code_cell(ALONE),
        new_code_cell('print("3.597")'),
        new_markdown_cell("Nearly 3.6: that is why."),
        new_markdown_cell("### Step 4 · Weights"),
        new_code_cell(TURN, id="turn"),
    ]
    path = lab.workspace / "lessons" / NAME
    path.parent.mkdir(exist_ok=True)
    (lab.root / "solutions").mkdir(exist_ok=True)
    shutil.copy(ROOT / "solutions" / NAME, lab.root / "solutions")
    nbformat.write(new_notebook(cells=cells, metadata=METADATA), path)
    opened = open_notebook(f"workspace/lessons/{NAME}")
    assert all(opened.run_cell(index) for index in range(3))
    return opened


def covered(lesson, index):
    """Whether what the cell printed is out of sight."""
    return not lesson.cell(index).locator('[data-mime-type*="stdout"]').is_visible()


def test_a_guess_covers_what_comes_out_until_it_is_made_by_key(lesson, lab):
    mat = lesson.cell(0).get_by_role("button", name="mat")
    mat.wait_for()
    assert covered(lesson, 0)
    mat.focus()
    lesson.page.keyboard.press("Enter")
    lesson.cell(0).get_by_text("Right: mat.").wait_for()
    assert not covered(lesson, 0) and covered(lesson, 2), "each for itself"
    event = Progress(lab.workspace / "progress.sqlite3").events("guess", "03.which-grows")[-1]
    assert (event["outcome"], event["answer"]) == ("right", "mat")


def test_what_took_the_place_of_the_buttons_has_the_focus(lesson):
    lesson.page.wait_for_function("document.activeElement.textContent.includes('Right: mat.')")


def test_a_guess_alone_covers_the_next_cell_and_its_explanation(lesson):
    """A lesson folds the code of a guess away, so that the code in question stands in the cell below."""
    why = lesson.cell(3).locator(".jp-MarkdownOutput p")
    assert covered(lesson, 2) and not why.is_visible()
    assert "Covered until" in lesson.cell(2).locator(".jp-OutputArea-child").evaluate(
        "(output) => getComputedStyle(output, '::before').content"
    )
    assert lesson.cell(4).get_by_role("heading", name="Step 4").is_visible(), "a heading is never covered"


def test_a_covered_explanation_can_be_the_active_cell(lesson):
    """Shift+Enter on the cell above goes to it: one without a box would have JupyterLab jump to the top of the page."""
    explanation = lesson.cell(3)
    lesson.page.evaluate("() => { jupyterapp.shell.currentWidget.content.activeCellIndex = 2; }")
    lesson.command("notebook:run-cell-and-select-next")
    assert lesson.page.evaluate("() => jupyterapp.shell.currentWidget.content.activeCellIndex") == 3
    assert covered(lesson, 2) and not explanation.locator(".jp-MarkdownOutput p").is_visible()
    assert explanation.bounding_box()["height"] > 15
    assert "Covered until" in explanation.locator(".jp-MarkdownOutput").evaluate(
        "(shown) => getComputedStyle(shown, '::before').content"
    )


def test_no_number_is_no_guess_and_a_number_by_enter_is_one(lesson):
    field = lesson.cell(1).get_by_role("textbox", name="Your guess")
    unread = lesson.cell(1).get_by_role("status").get_by_text("That can't be read as a number.")
    for typed in ("", "lots"):
        field.fill(typed)
        field.press("Enter")
        unread.wait_for(timeout=5000)
        assert covered(lesson, 2)
    field.fill(" 3,62 %")  # of 3.6, which is no share
    field.press("Enter")
    lesson.cell(1).get_by_text("2 of your 2 guesses hit.").wait_for()
    assert not covered(lesson, 2) and lesson.cell(3).locator(".jp-MarkdownOutput p").is_visible()
    assert not unread.is_visible()


def test_reopened_after_a_restart_of_the_kernel_a_guess_is_open(lesson):
    lesson.ask("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    lesson.wait_until_ready()
    lesson.reload()
    assert lesson.cell(0).get_by_text("Right: mat.").is_visible() and not covered(lesson, 0), "as it was saved"
    assert lesson.run_cell(0)
    lesson.cell(0).get_by_text("Right: mat.").wait_for()
    assert not covered(lesson, 0) and lesson.cell(0).get_by_role("button", name="mat").count() == 0


@pytest.fixture(scope="module")
def exercises(lesson):
    """The learner's exercises, opened beside the lesson by its own link; afterwards `lesson.path` is theirs."""
    assert lesson.run_cell(5)
    link = lesson.cell(5).locator(".course-buttons a[data-beside]").filter(has_text="A softmax")  # the live one
    link.wait_for()
    lesson.page.wait_for_timeout(500)  # it may still move
    link.click()
    lesson.path = f"workspace/exercises/{NAME}"
    lesson.wait_until_ready()
    return lesson


def panel(notebook, folder):
    """The notebook of one of the two folders, as far as it is in sight."""
    number = notebook.page.evaluate(
        "(path) => [...jupyterapp.shell.widgets('main')].find((one) => one.context?.path === path).id",
        f"workspace/{folder}/{NAME}",
    )
    return notebook.page.locator(f"#{number}")


def test_your_turn_opens_the_task_beside_the_lesson(exercises):
    lesson, tasks = panel(exercises, "lessons"), panel(exercises, "exercises")
    tasks.get_by_role("heading", name="2. Softmax").wait_for()
    exercises.page.wait_for_function(
        "(heading) => heading.getBoundingClientRect().top < innerHeight / 2",
        arg=tasks.get_by_role("heading", name="2. Softmax").element_handle(),
    )
    assert lesson.get_by_text("Your turn").is_visible()
    assert lesson.bounding_box()["x"] < tasks.bounding_box()["x"]


def test_a_verdict_has_buttons_and_no_second_line(exercises):
    tasks = panel(exercises, "exercises")
    assert exercises.run_cell(exercises.find_cell("check = lesson_checks"))
    give(exercises, WRONG)
    under = tasks.locator(".course-buttons")
    under.get_by_role("button", name="Hint").click()
    under.get_by_text("Hints: A softmax").wait_for()
    by_hand = tasks.locator(".course-by-hand")
    assert by_hand.count() == 2 and not any(line.is_visible() for line in by_hand.all()), "buttons do it"
    assert not tasks.get_by_text("Not yet: 03.softmax [softmax-axis-0]").is_visible(), "the panel says so already"
    under.get_by_role("button", name="Compare").focus()
    exercises.page.keyboard.press("Enter")
    under.get_by_text("ask once more").wait_for()
    exercises.page.keyboard.press("Enter")
    under.get_by_role("table").wait_for()
    assert under.get_by_role("button", name="Compare").evaluate("(button) => button === document.activeElement")


def test_the_panel_in_the_lesson_follows(exercises):
    lesson, tasks = panel(exercises, "lessons"), panel(exercises, "exercises")
    lesson.get_by_text("◐ not yet").wait_for()
    give(exercises, RIGHT)
    lesson.get_by_text("✓ passed").wait_for()
    assert tasks.get_by_role("link", name="Next: Find the bug").is_visible()


def test_back_leads_to_the_step_that_asked(exercises):
    panel(exercises, "exercises").get_by_role("link", name="Back to Step 4").click()
    exercises.page.wait_for_function(
        "(path) => jupyterapp.shell.currentWidget.context.path === path", arg=f"workspace/lessons/{NAME}"
    )
    assert panel(exercises, "lessons").get_by_text("Your turn").is_visible()


def give(exercises, source):
    """Write an answer for `softmax`, run it and its check."""
    answer = exercises.find_cell("def softmax(")
    exercises.page.evaluate(
        "([index, source]) => jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.setSource(source)",
        [answer, source],
    )
    assert exercises.run_cell(answer)
    assert exercises.run_cell(exercises.find_cell("check.softmax(softmax)")) == (source == RIGHT)

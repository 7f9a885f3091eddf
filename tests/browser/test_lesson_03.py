"""Lesson 03 and its exercises as a learner meets them: Run All, then a wrong and a right answer typed by hand."""

import json

import numpy as np
import pytest

from course_lib.classroom.practice.progress import Progress
from tests.browser.hands import Hands, numpy_attention

LESSON = "notebooks/03_self_attention_by_hand.ipynb"
EXERCISES = "exercises/03_self_attention_by_hand.ipynb"

OVER_QUERIES = """def softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=0))
    return exponentials / exponentials.sum(axis=0)"""
RIGHT = OVER_QUERIES.replace("axis=0", "axis=-1, keepdims=True")
SCORES = """def scores(queries, keys):
    return queries @ np.swapaxes(keys, -1, -2)"""


@pytest.fixture(scope="module")
def lesson(open_notebook):
    return open_notebook(LESSON)


@pytest.fixture(scope="module")
def exercises(lesson, lab, open_notebook):
    """The learner's copy, made by the lesson's own your_turn(…)."""
    (lab.workspace / EXERCISES).unlink(missing_ok=True)  # other tests may have worked there
    assert lesson.run_cell(lesson.find_cell("import guess, your_turn"))
    assert lesson.run_cell(lesson.find_cell('your_turn("03.scores")'))
    exercises = open_notebook(f"workspace/{EXERCISES}")
    exercises.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    exercises.wait_until_ready()
    exercises.problems.clear()  # cells that ran as it was opened were broken off
    return exercises


def test_run_all_ends_without_an_error(lesson):
    assert lesson.run_all()
    outputs = lesson.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells"
        ".flatMap((cell) => cell.cell_type === 'code' ? cell.getOutputs() : [])"
    )
    assert [output for output in outputs if output["output_type"] == "error"] == []
    views = [output for output in outputs if "application/vnd.jupyter.widget-view+json" in output.get("data", {})]
    assert len(views) >= 4  # playgrounds and the quiz


def test_dragging_in_the_lesson_moves_weights_as_numpy_says(lesson):
    index = lesson.find_cell('title="Your attention at work"')
    assert lesson.run_cell(index)
    lesson.python("mine = Out[max(Out)]")
    hands = Hands(lesson, index, "mine").settle()
    before = hands.numbers()
    hands.drag(hands.handle("query", "sat"), right=40, up=-60)
    np.testing.assert_allclose(hands.read("weights"), hands.expected()[1], atol=1e-12)
    np.testing.assert_allclose(hands.numbers(), hands.expected()[1], atol=0.0051)
    assert np.abs(hands.numbers() - before).max() > 0.05
    hands.handle("query", "sat").press("Shift+ArrowUp")
    hands.settle()
    np.testing.assert_allclose(hands.numbers(), hands.expected()[1], atol=0.0051)


def test_the_panel_of_a_step_makes_the_learners_own_copy(lesson, exercises):
    panel = lesson.output(lesson.find_cell('your_turn("03.scores")'))
    panel.get_by_text("not tried").first.wait_for()
    assert exercises.path == f"workspace/{EXERCISES}"


def test_untouched_exercises_run_through_and_say_so(exercises):
    exercises.run_all()
    for name in ("scores", "padding_mask", "self_attention"):
        verdict = exercises.output(exercises.find_cell(f"check.{name}({name})")).first
        assert verdict.locator("[data-outcome]").get_attribute("data-outcome") == "unattempted"


def test_a_wrong_then_a_right_answer_get_their_verdicts_and_drive_the_widget(exercises, lab):
    setup = exercises.find_cell("check = lesson_checks")
    assert exercises.run_cell(setup) and exercises.run_cell(exercises.find_cell("words = ["))
    for source, name in ((SCORES, "scores"), (OVER_QUERIES, "softmax")):
        answer = exercises.find_cell(f"def {name}(")
        exercises.type_into_cell(answer, source)
        assert exercises.run_cell(answer)
    check = exercises.find_cell("check.softmax(softmax)")
    assert exercises.run_cell(check) is False
    panel = exercises.output(check).locator("[data-outcome]")
    assert panel.get_attribute("data-outcome") == "failed"
    assert panel.get_attribute("data-diagnosis") == "softmax-axis-0"
    assert "softmax-axis-0" not in panel.inner_text() and "Shown on a small table" in panel.inner_text()
    assert panel.get_by_role("table").count() == 2  # theirs beside the expected
    exercises.output(check).get_by_role("button", name="Hint").wait_for()

    live = exercises.find_cell("attention=with_my_softmax")
    assert exercises.run_cell(live)
    exercises.python("mine = Out[max(Out)]")
    hands = Hands(exercises, live, "mine").settle()
    assert "not 1" in hands.root.locator(".cl-notes").inner_text()

    answer = exercises.find_cell("def softmax(")
    exercises.type_into_cell(answer, RIGHT)
    assert exercises.run_cell(answer) and exercises.run_cell(check)
    assert panel.get_attribute("data-outcome") == "passed"

    # The same widget, on the function that was just mended: the next drag calls it.
    hands.drag(hands.handle("query", "cat"), right=40, up=30)
    np.testing.assert_allclose(hands.numbers(), hands.expected()[1], atol=0.0051)
    assert hands.root.locator(".cl-notes").inner_text() == ""

    outcomes = [
        event["outcome"] for event in Progress(lab.workspace / "progress.sqlite3").events("check", "03.softmax")
    ]
    assert outcomes[-2:] == ["failed", "passed"]


def test_what_stands_on_the_page_is_judged_and_nothing_else(exercises):
    answer, check = exercises.find_cell("def softmax("), exercises.find_cell("check.softmax(softmax)")
    panel = exercises.output(check).locator("[data-outcome]")
    exercises.type_into_cell(answer, RIGHT + "  # better")
    for _ in range(20):  # JupyterLab saves every few seconds
        exercises.page.wait_for_timeout(500)
        assert exercises.run_cell(check) in (True, False)
        if panel.get_attribute("data-outcome") == "error":
            break
    assert "was changed after it ran" in panel.inner_text()
    exercises.type_into_cell(answer, RIGHT.replace("):", ")"))
    assert exercises.run_cell(answer) is False and exercises.run_cell(check) is False
    assert "ended in an error when it ran last (SyntaxError" in panel.inner_text()
    exercises.type_into_cell(answer, RIGHT)
    assert exercises.run_cell(answer) and exercises.run_cell(check)
    assert panel.get_attribute("data-outcome") == "passed"


def test_progress_survives_a_kernel_restart(exercises):
    exercises.python(
        "import IPython; from course_lib.classroom.practice import exercise; assert exercise('03.softmax').passed"
    )
    exercises.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    exercises.wait_until_ready()
    assert (
        json.loads(
            exercises.python(
                "from course_lib.classroom.practice import exercise; print(int(exercise('03.softmax').passed))"
            )
        )
        == 1
    )


def test_what_numpy_says_here_is_attention():
    context, weights = numpy_attention([[1.0, 0.0]], [[2.0, 0.0], [0.0, 1.0]], [[1.0], [3.0]], [[True, True]])
    share = 1 / (1 + np.exp(-np.sqrt(2)))
    np.testing.assert_allclose(weights, [[share, 1 - share]])
    np.testing.assert_allclose(context, [[3 - 2 * share]])

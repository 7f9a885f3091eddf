"""Goals that notice a hand, and playgrounds that show what the lesson has come to, whole on a small laptop."""

import pytest

from tests.browser.hands import Hands

CELLS = [
    """import numpy as np
from course_lib.widgets import AttentionPlayground, Goal, MaskBuilder
from course_lib.classroom.practice.progress import Progress
def told():
    return [event["subject"] for event in Progress().events("goal")]
words = ["cat", "sat", "mat"]
Q, K, V = [[0.6, -1.2], [1.5, 0.8], [-0.4, 1.6]], [[1.1, -0.5], [0.5, 1.5], [1.4, 0.4]], [[1.6, 0.3], [0.4, 1.6], [-1.5, 0.7]]
def winner_takes_all(queries, keys, values, mask=None):
    scores = queries @ keys.T
    weights = (scores == scores.max(axis=1, keepdims=True)).astype(float)
    return weights @ values, weights
def goal(name):
    return Goal(name, "Make cat listen to sat most", lambda play: play.weights[0].argmax() == 1)""",
    """presets = {"thing asks for action": {"queries": Q}, "one vector a word": {"queries": K}, "long query": {"keys": Q},
    "causal": {"mask": np.tri(3, dtype=bool)}}
play = AttentionPlayground(words, Q, K, V, title="Your attention at work", presets=presets, goal=goal("play"))
play""",
    "play.view",
    "hard = AttentionPlayground(words, Q, K, V, winner_takes_all, title='The winner takes all',"
    " stages=('scores', 'weights', 'context'), goal=goal('hard'))\nhard",
    "same = AttentionPlayground(words, K, K, K, stages='scores', title='Scores')\nsame",
    "masks = MaskBuilder(words, goal=Goal('masks', 'Hide the future', lambda one: not np.triu(one.mask, 1).any()))\nmasks",
    "touched = AttentionPlayground(words, Q, K, V, goal=goal('touched'))\ntouched",
]
SETUP, PLAY, SECOND, HARD, SAME, MASKS, TOUCHED = range(len(CELLS))


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook(CELLS, size=(1366, 768))
    assert opened.run_all()
    return opened


@pytest.fixture
def hands(notebook):
    return lambda index, name: Hands(notebook, index, name)


RUN_FROM_THE_TOP = """async ([index, wheel]) => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.activeCellIndex = index;
  await window.jupyterapp.commands.execute("notebook:run-cell-and-select-next");
  content.outerNode.scrollTop = 0;
  if (wheel) content.outerNode.dispatchEvent(new WheelEvent("wheel", { bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  return content.outerNode.scrollTop;
}"""


def line(root):
    """What the goal's line says, as a screen reader is told of it."""
    return root.locator(".cl-goal [role=status]").inner_text()


def test_a_goal_is_reached_by_keyboard_told_once_and_stays_reached(notebook, hands):
    play = hands(PLAY, "play")
    assert line(play.root) == "Goal: Make cat listen to sat most"
    handle = play.handle("query", "cat")
    for _ in range(9):
        handle.press("Shift+ArrowUp")
    play.root.get_by_text("Reached: Make cat listen to sat most").wait_for()
    assert play.settle().read("weights")[0][1] == max(play.read("weights")[0])
    assert play.root.locator(".cl-goal-mark").inner_text() == "✓"
    play.choose("reset")
    play.settle()
    assert line(play.root).startswith("Reached")
    assert line(hands(SECOND, "play").root).startswith("Reached")
    assert notebook.python_json("told()") == ["play"]


def test_a_goal_is_reached_by_pointer_through_a_learners_function_and_in_any_widget(notebook, hands):
    hard = hands(HARD, "hard")
    hard.drag(hard.handle("query", "cat"), right=-20, up=130)
    hard.root.get_by_text("Reached: Make cat").wait_for()
    masks = notebook.output(MASKS).locator(".cl-masks")
    assert line(masks).startswith("Goal")
    masks.locator('[data-choice="causal"]').click()
    masks.get_by_text("Reached: Hide the future").wait_for()
    assert notebook.python_json("told()")[-2:] == ["hard", "masks"]


def test_a_goal_is_reached_by_a_finger(notebook, hands):
    touched = hands(TOUCHED, "touched")
    handle = touched.handle("query", "cat")
    handle.scroll_into_view_if_needed()
    box = handle.locator(".cl-tip").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    driver = notebook.page.context.new_cdp_session(notebook.page)
    for kind, at in [("touchStart", 0), *(("touchMove", step) for step in range(1, 11)), ("touchEnd", None)]:
        points = [] if at is None else [{"x": x, "y": y - 14 * at}]
        driver.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        notebook.page.wait_for_timeout(30)
    touched.root.get_by_text("Reached: Make cat").wait_for()
    assert notebook.python_json("told()")[-1] == "touched"


def test_a_page_without_python_only_says_the_goal(browser, tmp_path):
    from course_lib.widgets import Goal, MaskBuilder

    goal = Goal("x", "Hide the future", lambda one: not one.mask[0, 2])
    page = browser.new_page()
    page.goto(MaskBuilder(3, goal=goal).save_html(tmp_path / "page.html").as_uri())
    page.locator('[data-choice="causal"]').click()
    assert page.locator(".cl-goal").inner_text() == "Goal: Hide the future"
    assert not page.locator(".cl-goal-mark").is_visible()
    page.close()


def test_a_goal_comes_into_view_but_not_under_a_hand(notebook):
    notebook.cell(TOUCHED)
    assert notebook.ask(RUN_FROM_THE_TOP, [TOUCHED, True]) == 0
    assert notebook.ask(RUN_FROM_THE_TOP, [TOUCHED, False]) > 0


def test_only_what_the_lesson_has_come_to_is_shown(hands):
    same, hard = hands(SAME, "same").root, hands(HARD, "hard").root
    for part in (".cl-steps", ".cl-mix", ".cl-mask-tools", ".cl-function"):
        assert not same.locator(part).is_visible()
    assert same.locator(".cl-cell").first.inner_text() == "1.46"
    names = [name.replace("\\xa0", " ") for name in hard.locator(".cl-step-name").all_inner_texts()]
    assert names == ["1 Scores", "2 Weights", "3 Context"]
    assert not hard.locator(".cl-mask-tools").is_visible()
    assert hard.locator(".cl-mix").is_visible()
    text = hard.inner_text()
    assert "√" not in text
    assert "e^(" not in text
    assert "winner_takes_all: = 1.00" in " ".join(text.split())


def test_arrows_of_one_name_at_one_place_have_one_label(hands):
    same, play = hands(SAME, "same"), hands(PLAY, "play")
    shown = ".cl-compare .cl-label:visible"
    assert sorted(same.root.locator(shown).all_text_contents()) == ["cat", "mat", "sat"]
    assert play.root.locator(shown).count() == 6
    same.drag(same.handle("query", "mat"), right=-60, up=0)
    assert sorted(same.root.locator(shown).all_text_contents()) == ["cat", "mat", "mat", "sat"]


def test_a_context_beyond_all_values_stays_on_its_plane(notebook, hands):
    hard = hands(HARD, "hard")
    notebook.python("hard.attention = lambda q, k, v, mask=None: (np.array([[6, 6], [0, 0], [0, 0]]), np.eye(3))")
    hard.root.locator(".cl-notes li").first.wait_for()
    plane = hard.root.locator(".cl-mix .cl-plane").bounding_box()
    box = hard.root.locator(".cl-plane .cl-context .cl-tip").first.bounding_box()
    assert plane["x"] <= box["x"] and box["x"] + box["width"] <= plane["x"] + plane["width"]
    assert plane["y"] <= box["y"] and box["y"] + box["height"] <= plane["y"] + plane["height"]
    notebook.python("hard.attention = winner_takes_all")
    hard.settle()


@pytest.mark.parametrize("index", [PLAY, HARD, SAME])
def test_three_words_are_seen_whole_on_a_small_laptop_with_no_text_cut(notebook, index):
    root = notebook.output(index).locator(".cl-playground")
    for stage in root.locator(".cl-step:visible").all() or [None]:
        if stage:
            stage.click()
        assert root.bounding_box()["height"] <= 600
        cut = root.evaluate(
            """(root) => [...root.querySelectorAll('*')].filter((one) => one.checkVisibility() && !one.children.length &&
            !one.matches('.cl-announcer') && getComputedStyle(one).overflow !== 'visible' &&
            (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 2)).map((one) => one.textContent)"""
        )
        assert cut == []
    numbers = root.locator(".cl-compare input").evaluate_all("(inputs) => inputs.map((one) => one.checkVisibility())")
    assert numbers == [True] * 12  # of every query and key, without a click


# Half a window, once split for lesson and exercise, leaves 410; with the list of files open, lesson 03's first output had 830.
@pytest.mark.parametrize("width", [380, 410, 430, 515, 620, 830, 870])
@pytest.mark.parametrize("index", [PLAY, HARD, SAME])
def test_in_a_narrow_window_arrows_and_their_numbers_stay_in_one_sight(notebook, index, width):
    output = notebook.output(index)
    root = output.locator(".cl-playground")
    root.evaluate("(root, width) => (root.parentElement.style.width = `${width}px`)", width)
    try:
        for stage in root.locator(".cl-step:visible").all() or [None]:
            if stage:
                stage.click()
            assert root.bounding_box()["width"] == pytest.approx(width, abs=1)
            scrolled = root.evaluate(
                """(root) => [root, ...root.querySelectorAll('*')].filter((one) => one.checkVisibility() &&
                getComputedStyle(one).overflowX !== 'visible' && !one.matches('.cl-announcer, svg, svg *') &&
                one.scrollWidth > one.clientWidth).map((one) => `${one.className}: ${one.scrollWidth} > ${one.clientWidth}`)"""
            )
            assert scrolled == []
            assert root.evaluate("(root) => root.scrollWidth <= root.clientWidth")
            plane = root.locator(".cl-compare .cl-plane").bounding_box()
            matrix = root.locator(".cl-matrix:visible").bounding_box()
            assert plane["width"] >= 190
            assert matrix["width"] >= 190
            lowest, highest = (max(b["y"] + b["height"] for b in (plane, matrix)), min(b["y"] for b in (plane, matrix)))
            assert lowest - highest <= 600
    finally:
        root.evaluate("(root) => (root.parentElement.style.width = '')")

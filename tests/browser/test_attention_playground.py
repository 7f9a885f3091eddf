"""AttentionPlayground as a learner meets it: in a real JupyterLab, with pointer and keyboard, driven by any function."""

import json

import numpy as np
import pytest

from tests.browser.hands import Hands

TOKENS = ["the", "cat", "sat"]
QUERIES = [[0.6, -1.2], [1.5, 0.8], [-0.4, 1.6]]
KEYS = [[1.1, -0.5], [0.5, 1.5], [1.4, 0.4]]
VALUES = [[1.6, 0.3], [0.4, 1.6], [-1.5, 0.7]]

CELLS = [
    f"""import numpy as np
from course_lib.widgets import AttentionPlayground
tokens, queries, keys, values = {TOKENS!r}, {QUERIES!r}, {KEYS!r}, {VALUES!r}
play = AttentionPlayground(tokens, queries, keys, values, title="Play", presets={{"equal keys": {{"keys": [[1, 1]] * 3}}}})
play""",
    "play.view  # a second view of the same widget",
    """def attention(queries, keys, values, mask=None):
    raise NotImplementedError()""",
    """learner = AttentionPlayground(tokens, queries, keys, values, attention)
learner""",
    """import time
calls = []
def slow(queries, keys, values, mask=None):
    time.sleep(0.15)
    calls.append(queries)
    weights = np.full((3, 3), 1 / 3)
    return weights @ values, weights
lagging = AttentionPlayground(tokens, queries, keys, values, slow)
lagging""",
    """rng = np.random.default_rng(0)
wide = AttentionPlayground([f"token {i}" for i in range(12)], *rng.normal(size=(3, 12, 4)))
wide""",
    """crowd = AttentionPlayground([f"token {i}" for i in range(200)], *rng.normal(size=(3, 200, 2)),
    presets={"far": {"queries": np.full((200, 2), 3.0)}})
crowd""",
    "time.sleep(0)",
]
PLAY, SECOND, FUNCTION, LEARNER, LAGGING, WIDE, CROWD, BUSY = range(len(CELLS))

# A typical answer with a typical slip: it breaks once a query is far out. It also prints, which must disturb nothing.
SLIP = """def attention(queries, keys, values, mask=None):
    print("looking", queries)
    scores = queries @ keys.T / np.sqrt(2)
    if queries[0, 0] > 1: raise ValueError("<img src=x onerror=alert(1)> too far")
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return weights @ values, weights"""
COLUMNS = SLIP.replace("sum(axis=1", "sum(axis=0")


@pytest.fixture(scope="module")
def notebook(open_notebook):
    opened = open_notebook(CELLS)
    assert opened.run_all()
    return opened


@pytest.fixture
def play(notebook):
    """The first playground, put back to its start."""
    hands = Hands(notebook, PLAY, "play")
    notebook.python("play.mask = None; play.queries = queries; play.keys = keys; play.values = values")
    notebook.python("play.stage = 'weights'; play.selected = 2; play.view.focus = 'all'")
    return hands.settle()


@pytest.fixture
def learner(notebook):
    """A playground run by a function typed into a cell: call it with the function's source."""

    def type_function(source):
        notebook.type_into_cell(FUNCTION, source)
        assert notebook.run_cell(FUNCTION)
        assert notebook.run_cell(LEARNER)
        return Hands(notebook, LEARNER, "learner").settle()

    return type_function


def test_first_run_shows_the_live_widget_and_not_its_still(notebook):
    for index in (PLAY, SECOND, LEARNER, LAGGING, WIDE, CROWD):
        output = notebook.output(index)
        output.locator(".cl-playground").wait_for()
        assert output.locator("img").count() == 0


def test_dragging_a_query_changes_weights_and_context_as_numpy_says(play):
    before = play.numbers()
    play.drag(play.handle("query", "sat"), right=60, up=-40)
    context, weights = play.expected()
    assert play.read("queries")[2] != QUERIES[2]
    assert play.read("queries")[:2] == QUERIES[:2]
    np.testing.assert_allclose(play.read("weights"), weights, atol=1e-12)
    np.testing.assert_allclose(play.numbers(), weights, atol=0.0051)
    assert np.abs(play.numbers()[2] - before[2]).max() > 0.05
    np.testing.assert_array_equal(play.numbers()[:2], before[:2])
    play.stage("context")
    np.testing.assert_allclose(play.numbers(), context, atol=0.0051)


def test_dragging_a_value_moves_the_context_and_no_weight(play):
    weights = play.numbers()
    play.drag(play.handle("value", "the"), right=-50, up=-50)
    assert play.read("values")[0] != VALUES[0]
    np.testing.assert_array_equal(play.numbers(), weights)
    play.stage("context")
    np.testing.assert_allclose(play.numbers(), play.expected()[0], atol=0.0051)


def test_a_dragged_handle_stays_inside_the_plane(play):
    play.drag(play.handle("key", "cat"), right=2000, up=2000)
    edge = float(play.handle("key", "cat").get_attribute("aria-valuemax"))
    assert play.read("keys")[1] == [edge, edge]


def test_arrow_keys_move_a_handle_and_leave_the_notebook_alone(notebook, play):
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    handle = play.handle("query", "cat")
    handle.focus()
    before = notebook.page.evaluate(active)
    cells = notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    assert play.read("selected") == 1, "focusing a query follows it"
    for key in ("ArrowRight", "ArrowUp", "ArrowUp", "Shift+ArrowLeft", "b", "Enter"):
        handle.press(key)
    play.settle()
    np.testing.assert_allclose(play.read("queries")[1], [1.5 + 0.1 - 0.5, 0.8 + 0.2])
    assert handle.get_attribute("aria-valuetext") == "query of cat: 1.10, 1.00"
    np.testing.assert_allclose(play.numbers(), play.expected()[1], atol=0.0051)
    assert notebook.page.evaluate(active) == before
    assert notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == cells


def test_the_winner_is_announced_politely(notebook, play):
    notebook.python("play.selected = 0; play.keys = [[0, 0], [1, -2], [0, 0]]")
    status = play.root.locator('[role="status"]')
    assert status.get_attribute("aria-live") == "polite"
    winner = play.expected()[1][0].max()
    notebook.page.wait_for_function(
        "([status, text]) => status.textContent === text",
        arg=[status.element_handle(), f"“the” attends most to “cat”: {winner:.2f}."],
    )


def test_numbers_can_be_typed_instead_of_dragged(play):
    box = play.root.get_by_label("value of the, dimension 2", exact=True)
    box.fill("0.75")
    play.settle()
    assert play.read("values")[0] == [1.6, 0.75]
    box.fill("")  # half-way through typing is no number, and changes nothing
    assert box.get_attribute("aria-invalid") == "true"
    box.blur()
    assert box.input_value() == "0.75"
    assert play.settle().read("values")[0] == [1.6, 0.75]


def test_masks_by_click_by_keyboard_and_by_button(play):
    play.stage("masked")
    square = play.root.get_by_role("grid", name="Masked")
    cells = square.get_by_role("gridcell")
    cells.nth(1).click()
    play.settle()
    expected = np.ones((3, 3), dtype=bool)
    expected[0, 1] = False
    assert play.read("mask") == expected.tolist()
    assert play.cells()[0][1] == "−∞"
    cells.nth(1).press("ArrowDown")
    play.notebook.page.keyboard.press("ArrowRight")
    play.notebook.page.keyboard.press("Space")
    play.settle()
    expected[1, 2] = False
    assert play.read("mask") == expected.tolist()
    assert "may not look at sat" in cells.nth(5).get_attribute("aria-label")
    play.stage("weights")
    assert play.cells()[0][1] == play.cells()[1][2] == "0.00"
    np.testing.assert_allclose(play.numbers(), play.expected()[1], atol=0.0051)
    play.choose("causal")
    play.settle()
    assert play.read("mask") == np.tril(np.ones((3, 3), dtype=bool)).tolist()
    np.testing.assert_allclose(play.numbers(), play.expected()[1], atol=0.0051)
    play.choose("none")
    assert np.all(play.settle().read("mask"))


def test_a_click_outside_the_masked_step_only_selects(play):
    play.root.get_by_role("gridcell").nth(0).click()
    assert play.settle().read("selected") == 0
    assert np.all(play.read("mask"))


def test_steps_show_their_numbers_and_the_arithmetic_of_a_row(play):
    play.root.locator(".cl-token").nth(1).click()
    play.stage("scores")
    scores = np.array(QUERIES) @ np.array(KEYS).T
    np.testing.assert_allclose(play.numbers(), scores, atol=0.0051)
    lines = play.root.locator(".cl-lines")
    assert "cat · the\n= 1.50×1.10 + 0.80×(−0.50)\n= 1.25" in lines.inner_text()
    play.stage("scaled")
    np.testing.assert_allclose(play.numbers(), scores / np.sqrt(2), atol=0.0051)
    assert "= 1.25 / 1.41" in lines.inner_text()
    play.stage("weights")
    np.testing.assert_allclose(play.numbers(), play.expected()[1], atol=0.0051)
    assert play.root.locator(".cl-sum").all_inner_texts() == ["1.00", "1.00", "1.00"]
    winner = int(play.expected()[1][1].argmax())
    assert play.root.locator(".cl-row.cl-selected .cl-cell").nth(winner).get_attribute("data-is") == "winner"
    assert f"cat → {TOKENS[winner]}" in lines.inner_text().split("★")[0].splitlines()[-3:]
    play.stage("context")
    np.testing.assert_allclose(play.numbers(), play.expected()[0], atol=0.0051)


def test_presets_and_reset(play):
    play.choose("equal keys")
    play.settle()
    assert play.read("keys") == [[1, 1]] * 3
    assert play.read("queries") == QUERIES
    np.testing.assert_allclose(play.numbers(), 1 / 3, atol=0.0051)
    assert play.root.locator('[data-choice="equal keys"]').get_attribute("aria-pressed") == "true"
    play.choose("reset")
    assert play.settle().read("keys") == KEYS


def test_a_second_view_stays_in_step(notebook, play):
    second = Hands(notebook, SECOND, "play")
    play.drag(play.handle("query", "the"), right=30, up=30)
    play.stage("scaled")
    second.settle()
    assert second.cells() == play.cells()
    assert second.handle("query", "the").get_attribute("aria-valuetext") == play.handle("query", "the").get_attribute(
        "aria-valuetext"
    )
    second.handle("query", "the").press("ArrowLeft")
    assert play.settle().cells() == second.settle().cells()


def test_python_drives_the_page(notebook, play):
    notebook.python("play.queries = np.zeros((3, 2)); play.stage = 'weights'")
    play.settle()
    np.testing.assert_allclose(play.numbers(), 1 / 3, atol=0.0051)


def test_an_unwritten_function_is_no_catastrophe(learner):
    hands = learner(CELLS[FUNCTION])
    assert "Not written yet" in hands.root.get_by_role("alert").inner_text()
    hands.stage("scores")
    np.testing.assert_allclose(hands.numbers(), np.array(QUERIES) @ np.array(KEYS).T, atol=0.0051)


def test_a_learners_function_fails_inline_and_recovers(notebook, learner):
    hands = learner(SLIP)
    alert = hands.root.locator(".cl-body .cl-trouble")
    assert not alert.is_visible()
    np.testing.assert_allclose(hands.numbers(), hands.expected()[1], atol=0.0051)
    good = hands.cells()
    hands.drag(hands.handle("query", "the"), right=500, up=0)
    assert hands.root.get_attribute("data-state") == "error"
    assert "ValueError: <img src=x onerror=alert(1)> too far" in alert.inner_text()
    assert "raise ValueError" in alert.inner_text()
    assert hands.root.locator("img").count() == 0
    assert hands.root.get_by_text("The last picture that worked").is_visible()
    assert hands.read("queries")[0][0] > 1
    hands.drag(hands.handle("query", "the"), right=-300, up=0)
    assert hands.root.get_attribute("data-state") == "ok"
    assert not alert.is_visible()
    assert hands.cells() != good
    np.testing.assert_allclose(hands.numbers(), hands.expected()[1], atol=0.0051)


def test_rows_that_do_not_sum_to_one_are_pointed_out(learner):
    hands = learner(COLUMNS)
    assert hands.root.locator(".cl-sum.cl-wrong").count() > 0
    assert "not 1" in hands.root.locator(".cl-notes").inner_text()


def test_labels_say_which_function_ran(play, learner):
    formulas = ".cl-step-formula"
    assert play.root.locator(formulas).all_inner_texts()[1:4:2] == ["score / √d_k", "softmax over the keys"]
    assert not play.root.locator(".cl-function").is_visible()
    hands = learner(COLUMNS)
    assert hands.root.locator(formulas).all_inner_texts()[1:] == [
        "library: score / √d_k",
        "library: −∞ if hidden",
        "by attention",
        "by attention",
    ]
    assert hands.root.locator(".cl-words").inner_text().startswith("What attention returned as weights")
    assert "attention:\n= " in hands.root.locator(".cl-lines").inner_text()
    assert "Weights and context come from your attention." in hands.root.locator(".cl-function").inner_text()
    hands.stage("scaled")
    assert "Divide by √d_k" in hands.root.locator(".cl-words").inner_text()
    hands.stage("weights")


def test_a_slow_function_lags_but_ends_at_the_latest_state(notebook):
    hands = Hands(notebook, LAGGING, "lagging")
    before = notebook.python_json("len(calls)")
    handle = hands.handle("query", "cat")
    hands.drag(handle, right=-60, up=30, steps=40)
    shown = handle.get_attribute("aria-valuetext")
    x, y = hands.read("queries")[1]
    assert shown == f"query of cat: {x:.2f}, {y:.2f}".replace("-", "−")
    assert notebook.python_json("calls[-1].tolist()") == hands.read("queries")
    assert 1 <= notebook.python_json("len(calls)") - before < 30, (
        "one in flight: most of 40 positions are never computed"
    )


def test_the_librarys_function_answers_while_the_kernel_is_busy(notebook, play):
    before = play.cells()
    notebook.type_into_cell(BUSY, "time.sleep(4)")
    notebook.page.evaluate(
        "(index) => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", BUSY
    )
    notebook.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    notebook.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    play.handle("query", "sat").press("ArrowUp")
    notebook.page.wait_for_timeout(100)
    assert play.cells() != before
    assert play.root.get_attribute("data-state") == "ok"
    assert (
        notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status")
        == "busy"
    )
    play.settle()


def test_a_crowd_of_tokens_by_pointer_keyboard_and_number(notebook):
    hands = Hands(notebook, CROWD, "crowd").settle()

    def told():
        """What the list says of the followed query, and what NumPy does."""
        hands.settle()
        who, weights = hands.read("selected"), hands.expected()[1]
        order = np.argsort(-weights[who], kind="stable")[:5]
        shares = [float(text) for text in hands.root.locator(".cl-most .cl-result").all_inner_texts()]
        names = hands.root.locator(".cl-most .cl-what").all_inner_texts()[:5]
        np.testing.assert_allclose(shares[:5], weights[who][order], atol=5.1e-4)
        assert shares[5] == pytest.approx(1 - weights[who][order].sum(), abs=5.1e-4)
        assert names == [f"token {k}" for k in order]
        return shares

    first = told()
    hands.drag(hands.root.get_by_role("slider", name="query", exact=True), right=40, up=30)
    assert told() != first
    hands.root.get_by_role("combobox", name="Who is looking?").select_option(index=3)
    told()
    assert hands.read("selected") == 3
    hands.root.get_by_role("spinbutton", name="query of Who is looking?, dimension 1").fill("2.5")
    told()
    assert hands.read("queries")[3][0] == 2.5
    hands.choose("masked")
    square = hands.root.locator(".cl-map").first
    square.focus()
    for key in ("Home", "ArrowRight", " "):
        square.press(key)
    assert hands.settle().read("mask")[3][1] is False
    assert "may not look at" in square.get_attribute("aria-label")
    hands.choose("causal")
    hands.choose("weights")
    told()
    hands.choose("Reset")
    assert hands.settle().read("mask")[3][1] is True


def test_the_contexts_of_a_crowd_take_no_more_room_than_its_weights(notebook):
    hands = Hands(notebook, CROWD, "crowd").settle()
    heights = {}
    for stage in ("context", "weights"):
        hands.choose(stage)
        heights[stage] = hands.root.bounding_box()["height"]
    assert heights["context"] < heights["weights"] + 60  # square cells would make it taller than ten screens


def test_a_crowds_axes_discs_numbers_and_examples_follow_the_choice(notebook):
    hands = Hands(notebook, CROWD, "crowd").settle()
    who = hands.root.get_by_role("combobox", name="Who is looking?")
    number = hands.root.get_by_role("spinbutton", name="query of Who is looking?, dimension 1")
    discs = "(root) => root.querySelector('.cl-compare .cl-disc').getAttribute('d')"
    who.select_option(index=1)
    number.fill("9")  # the axes must grow for it
    for index in (0, 1, 0):
        who.select_option(index=index)
        shown = hands.settle().root.evaluate(discs)
        hands.choose("scores")
        hands.choose("weights")
        assert hands.root.evaluate(discs) == shown, "drawn on other axes than the dots"
    value = number.input_value()
    number.fill("")
    assert number.get_attribute("aria-invalid") == "true"
    number.blur()
    assert (number.input_value(), number.get_attribute("aria-invalid")) == (value, None)
    far = hands.root.locator('[data-choice="far"]')
    assert far.get_attribute("aria-pressed") == "false"
    far.click()
    assert far.get_attribute("aria-pressed") == "true"
    hands.choose("Reset")
    assert far.get_attribute("aria-pressed") == "false"
    hands.settle()


@pytest.mark.parametrize("width", [1600, 900, 420])
def test_nothing_sticks_out_at_any_width(notebook, width):
    try:
        notebook.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        notebook.page.set_viewport_size({"width": width, "height": 900})
        for index in (PLAY, WIDE, CROWD):
            root = Hands(notebook, index, "play").root
            inside = root.evaluate(
                "(root) => { const end = root.getBoundingClientRect().right + 1;"
                " return [...root.querySelectorAll('.cl-panel, .cl-step, .cl-tools, .cl-plane, .cl-button')]"
                ".filter((part) => part.getBoundingClientRect().right > end).map((part) => part.className.baseVal ?? part.className); }"
            )
            assert inside == []
    finally:
        notebook.page.set_viewport_size({"width": 1280, "height": 900})


def test_dark_theme_is_dark_and_readable(notebook, play):
    def contrast():
        """Smallest contrast between texts and what lies behind them, as WCAG counts it."""
        return play.root.evaluate(
            """(root) => {
              const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
              const shine = (color) => {
                paint.clearRect(0, 0, 1, 1);
                paint.fillStyle = color;
                paint.fillRect(0, 0, 1, 1);
                const parts = [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
                const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const behind = (element) => {
                for (let at = element; at; at = at.parentElement) {
                  const color = getComputedStyle(at).backgroundColor;
                  if (!/rgba\\(.*, 0\\)|transparent/.test(color)) return color;
                }
              };
              const texts = [...root.querySelectorAll('.cl-words, .cl-caption, .cl-how, .cl-result, .cl-cell, .cl-row-head, .cl-head-cell, .cl-button, .cl-step-formula')];
              return Math.min(...texts.filter((text) => text.offsetParent && text.textContent).map((text) => {
                const [a, b] = [shine(getComputedStyle(text).color), shine(behind(text))];
                return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
              }));
            }"""
        )

    page_light = "(root) => getComputedStyle(root.querySelector('.cl-panel')).backgroundColor"
    light = play.root.evaluate(page_light)
    assert contrast() > 4.5
    try:
        notebook.use_theme("JupyterLab Dark")
        assert play.root.evaluate(page_light) != light
        assert contrast() > 4.5
    finally:
        notebook.use_theme("JupyterLab Light")


def test_a_request_outside_the_machine_would_be_caught(notebook):
    notebook.page.evaluate("() => fetch('http://course.invalid/pixel.png').catch(() => {})")
    with pytest.raises(AssertionError, match=r"course\.invalid"):
        notebook.check()


def test_a_reloaded_page_shows_the_same_as_before(notebook, play):
    play.drag(play.handle("key", "the"), right=20, up=40)
    play.stage("scaled")
    play.root.locator(".cl-token").nth(0).click()
    before = play.settle().cells()
    notebook.reload()
    again = Hands(notebook, PLAY, "play").settle()
    assert again.cells() == before
    assert again.root.locator('.cl-step[aria-current="step"]').get_attribute("data-stage") == "scaled"
    assert again.root.locator(".cl-token").nth(0).get_attribute("aria-pressed") == "true"
    again.handle("key", "the").press("ArrowRight")
    assert again.settle().cells() != before
    saved = json.loads((notebook.lab.root / notebook.path).read_text("utf-8"))
    assert {"image/png", "text/plain"} <= set(saved["cells"][PLAY]["outputs"][0]["data"])


def test_another_page_of_the_same_kernel_follows(notebook, play):
    """The notebook in a second browser window: its page learns from the answers what the first one did."""
    notebook.command("docmanager:save")
    window = notebook.lab.open(notebook.path)
    try:
        other = Hands(window, PLAY, "play").settle()
        play.drag(play.handle("query", "sat"), right=30, up=-30)
        play.settle()
        other.settle()
        assert other.cells() == play.cells()
        name = "query of sat"
        assert play.read("queries")[2] != QUERIES[2]
        for hands in (play, other):
            at = hands.root.get_by_role("slider", name=name, exact=True).get_attribute("aria-valuetext")
            x, y = play.read("queries")[2]
            assert at == f"{name}: {x:.2f}, {y:.2f}".replace("-", "−")
        other.handle("query", "sat").press("ArrowUp")
        assert other.settle().cells() == play.settle().cells()
        window.check()
    finally:
        window.browser_context.close()  # only the window: the kernel is the notebook's

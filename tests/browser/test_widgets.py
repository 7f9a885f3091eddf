"""All widgets as a learner meets them in a real JupyterLab: shown at the first Run All, by pointer and by keyboard, at every
width, light and dark, in two views, and with their kernel gone.
"""

import numpy as np
import pytest

SETUP = """import numpy as np
from course_lib import widgets
rng = np.random.default_rng(0)
def shares(*shape):
    return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
made = {}"""

WIDGETS = {
    "scaling": "widgets.ScalingLab(d_k=64)",
    "masks": "widgets.MaskBuilder('the cat sat on the mat'.split(), rng.normal(size=(6, 6)))",
    "positions": "widgets.PositionExplorer(length=40, d_model=16)",
    "heads": "widgets.HeadBrowser(shares(3, 4, 6, 6), '<b>the</b> cat sat on the mat'.split())",
    "merges": "widgets.MergeStepper('low low lower newest newest widest <i>')",
    "patches": "widgets.PatchView(rng.random((8, 8)), lambda image: [shares(2, 17, 17)], 2)",
    "walk": "widgets.BlockWalk(rng.normal(size=(3, 8)), ['the', 'cat', 'sat'], walk)",
    "decoding": "widgets.DecodingStepper(lambda ids: np.cos(np.arange(7) + len(ids)), list('abcdef<'), prompt=[0], end_id=6)",
    "training": "widgets.TrainingMonitor()",
}

WALK = """def walk(x, *, attention, feed_forward, residual, norm):
    return {'in': x, 'out': residual * x + attention * 2 * x + feed_forward * x[:, ::-1]}"""


@pytest.fixture(scope="module")
def notebook(open_notebook):
    cells = [SETUP, WALK]
    cells += [f"made[{name!r}] = {code}\nmade[{name!r}]" for name, code in WIDGETS.items()]
    opened = open_notebook(cells, size=(1200, 1000))
    assert opened.run_all()
    return opened


class Shown:
    """One widget on the page."""

    def __init__(self, notebook, name):
        self.notebook, self.name = notebook, name
        self.index = 2 + list(WIDGETS).index(name)
        self.root = notebook.output(self.index).locator(f".cl-{name}")
        self.root.wait_for()

    def python(self, expression):
        return self.notebook.python_json(f"made[{self.name!r}].{expression}")

    def painted(self):
        return int(self.root.get_attribute("data-painted-seq"))

    def does(self, action, expression, expected):
        """Do something, and wait until the page has painted and Python says what is expected."""
        before = self.painted()
        action()
        wait_for = "([root, before]) => Number(root.dataset.paintedSeq) > before"
        self.notebook.page.wait_for_function(wait_for, arg=[self.root.element_handle(), before])
        for _ in range(40):
            found = self.python(expression)
            if found == expected:
                return
            self.notebook.page.wait_for_timeout(50)
        assert found == expected

    def choose(self, name):
        return lambda: self.root.locator(f'[data-choice="{name}"]').click()

    def slide(self, label, key):
        def press():
            self.root.get_by_role("slider", name=label, exact=True).focus()
            self.notebook.page.keyboard.press(key)

        return press

    def map(self, number):
        return self.root.locator(".cl-map").nth(number)

    def in_map(self, number, *keys):
        def press():
            self.map(number).focus()
            for key in keys:
                self.notebook.page.keyboard.press(key)

        return press

    def text(self, selector):
        return self.root.locator(selector).first.inner_text()


@pytest.fixture
def shown(notebook):
    return lambda name: Shown(notebook, name)


@pytest.mark.parametrize("name", WIDGETS)
def test_the_first_run_shows_it(shown, name):
    widget = shown(name)
    assert widget.root.is_visible() and widget.painted() >= 1
    assert widget.root.locator(".cl-title").inner_text()
    assert widget.root.locator('[role="status"]').count() >= 1


def test_scaling_saturates_and_recovers(shown):
    widget = shown("scaling")
    widget.does(widget.slide("dimensions d_k", "End"), "d_k", 512)
    assert widget.root.get_attribute("data-state") == "saturated"
    largest = widget.python("weights.max(axis=1).mean()")
    assert float(widget.text('[data-fact="largest"]')) == pytest.approx(largest, abs=0.006)
    widget.does(widget.choose("divide by √d_k"), "scaled", True)
    assert widget.root.get_attribute("data-state") == "alive"
    spread = widget.python("scores.std()")
    assert float(widget.text('[data-fact="spread"]')) == pytest.approx(spread, abs=0.006)
    entropy = widget.python("entropies.mean()")
    assert float(widget.text('[data-fact="entropy"]').split()[0]) == pytest.approx(entropy, abs=0.006)
    gradient = widget.python("gradients.mean()")
    assert float(widget.text('[data-fact="gradient"]')) == pytest.approx(gradient, abs=0.0006)


def test_masks_are_combined_and_painted(shown):
    widget = shown("masks")
    widget.does(widget.choose("causal"), "mask.sum().item()", 21)
    widget.does(widget.slide("window", "Home"), "mask.sum().item()", 6)
    widget.does(widget.in_map(0, "Home", " "), "mask[0].any().item()", False)  # its own key, hidden by hand
    assert "“the”" in widget.text(".cl-verdict")
    assert widget.python("weights[0].tolist()") == [0] * 6
    widget.does(widget.choose("Reset"), "mask.all().item()", True)

    box = widget.map(0).locator(".cl-map-place").bounding_box()
    at = box["x"] + box["width"] * 2.5 / 6, box["y"] + box["height"] * 4.5 / 6
    widget.does(lambda: widget.notebook.page.mouse.click(*at), "mask[4, 2].item()", False)
    assert widget.map(0).locator(".cl-tip-text").inner_text() == "“the” may not attend to “sat”"
    widget.does(widget.choose("Reset"), "mask.all().item()", True)


def test_a_map_tells_its_cells(shown):
    widget = shown("masks")
    widget.in_map(1, "Home", "ArrowRight", "ArrowRight", "ArrowDown")()
    words = widget.map(1).get_attribute("aria-label")
    weight = widget.python("weights[1, 2]")
    assert words == f"“cat” attends to “sat” with {weight:.2f}"


def test_positions_of_every_kind(shown):
    widget = shown("positions")
    for kind in ("rotary", "alibi", "sinusoidal"):
        widget.does(widget.choose(kind), "kind", kind)
    widget.does(widget.slide("position", "Home"), "position", 0)
    widget.does(widget.slide("position", "ArrowRight"), "position", 1)
    assert f"{np.sin(1):.2f}, {np.cos(1):.2f}" in widget.root.inner_text()
    widget.does(widget.slide("pair", "ArrowRight"), "pair", 1)
    assert (
        widget.map(0).get_attribute("aria-label").startswith("position 1, dimension 2:")
    )  # where the keyboard goes on
    widget.does(widget.in_map(0, "ArrowRight", "ArrowDown"), "position", 2)
    assert widget.map(0).get_attribute("aria-label").startswith("position 2, dimension 3:")
    widget.does(widget.slide("positions", "End"), "length", 256)
    widget.does(widget.slide("dimensions", "Home"), "encoding.shape", [256, 2])
    assert widget.map(0).get_attribute("aria-label").startswith("position ")


def test_shuffled_tokens_keep_their_weights_without_positions(shown):
    widget = shown("positions")

    def seen():
        lines = widget.root.locator(".cl-share-line .cl-result").all_inner_texts()
        return [[float(number) for number in line.split(" · ")] for line in lines]

    before = seen()
    np.testing.assert_allclose(np.array(before).T, widget.python("weights.tolist()"), atol=0.006)
    order = widget.python("order")
    for _ in range(20):  # a shuffle may leave them as they are
        widget.root.get_by_role("button", name="shuffle", exact=True).click()
        widget.notebook.page.wait_for_timeout(100)
        if widget.root.locator(".cl-chip").all_inner_texts() != list("ABCDEF"):
            break
    assert sorted(widget.python("order")) == order
    after = seen()
    np.testing.assert_allclose(np.array(after).T, widget.python("weights.tolist()"), atol=0.006)
    assert [plain for plain, _ in after] == [plain for plain, _ in before]
    assert [placed for _, placed in after] != [placed for _, placed in before]


def test_heads_are_picked_ordered_and_read(shown):
    widget = shown("heads")
    widget.does(widget.in_map(0, "ArrowRight", "ArrowDown"), "layer", 1)
    assert widget.python("head") == 1
    widget.does(lambda: widget.root.locator("button.cl-line-token").nth(3).click(), "token", 3)
    row = np.array(widget.python("weights[3].tolist()"))
    assert f"({row.max():.2f})" in widget.root.inner_text()
    scores = np.array(widget.python("head_scores['previous'].tolist()"))
    first = np.unravel_index(scores.argmax(), scores.shape)
    order = widget.root.get_by_role("combobox", name="order")
    widget.does(lambda: order.select_option(label="previous-token heads first"), "layer", int(first[0]))
    assert widget.python("head") == first[1]
    widget.does(lambda: order.select_option(label="by layer and head"), "layer", 0)
    assert widget.root.locator("b").count() == 0  # a label with markup is text


def test_merges_go_forward_and_back_on_any_text(shown):
    widget = shown("merges")
    widget.does(widget.choose("Merge one pair"), "merges", [["e", "s"]])
    widget.does(widget.choose("Merge one pair"), "num_merges", 2)
    pieces = [piece.replace("␣", " ") for piece in widget.root.locator(".cl-piece").all_inner_texts()]
    assert pieces == widget.python("tokens")
    widget.does(widget.choose("Undo"), "num_merges", 1)
    area = widget.root.get_by_role("textbox", name="Text")
    widget.does(lambda: area.fill("мама мама"), "text", "мама мама")
    assert [piece.replace("␣", " ") for piece in widget.root.locator(".cl-piece").all_inner_texts()] == widget.python(
        "tokens"
    )


def test_patches_are_picked_and_shuffled(shown):
    widget = shown("patches")
    widget.does(widget.in_map(0, "Home", "ArrowRight"), "selected", 1)
    weights = np.array(widget.python("weights.tolist()"))
    assert f"({weights.max():.2f})" in widget.root.inner_text()
    widget.does(widget.choose("class token"), "selected", -1)
    before = widget.python("image.tolist()")
    widget.does(widget.choose("Shuffle the patches"), "shuffle", 1)
    after = widget.python("image.tolist()")
    assert after != before and sorted(np.ravel(after)) == sorted(np.ravel(before))
    widget.does(widget.choose("Put them back"), "shuffle", 0)
    assert widget.python("image.tolist()") == before


def test_a_walk_with_parts_switched_off(shown):
    widget = shown("walk")
    widget.does(widget.choose("residual"), "on['residual']", False)
    widget.does(widget.choose("feed-forward"), "on['feed_forward']", False)
    size = np.linalg.norm(widget.python("stages['out'][2].tolist()"))
    assert widget.root.locator(".cl-size").all_inner_texts()[-1] == f"{size:.2f}" if size < 9.995 else True
    widget.does(widget.choose("residual"), "on['residual']", True)


def test_a_walks_bars_are_as_long_as_its_vectors(shown):
    widget = shown("walk")
    sizes = [np.linalg.norm(widget.python(f"stages[{name!r}][2].tolist()")) for name in ("in", "out")]
    bars = widget.root.locator(".cl-size-bar").all()
    widths = [bar.bounding_box()["width"] for bar in bars]
    assert max(widths) > 50 and widths[0] != widths[1]
    np.testing.assert_allclose(np.divide(widths, max(widths)), np.divide(sizes, max(sizes)), atol=0.02)


def test_tokens_are_taken_drawn_and_undone(shown):
    widget = shown("decoding")
    best = widget.python("probabilities.argmax().item()")
    widget.does(widget.choose("Take the likeliest"), "ids", [best])
    widget.notebook.page.wait_for_function("(root) => root.dataset.state === 'ok'", arg=widget.root.element_handle())
    shown_first = widget.root.locator(".cl-candidate .cl-pair-count").first.inner_text()
    assert float(shown_first) == pytest.approx(widget.python("probabilities.max().item()"), abs=0.006)
    widget.does(lambda: widget.root.locator(".cl-candidate").nth(1).click(), "ids.__len__()", 2)
    widget.does(widget.slide("beam width", "ArrowRight"), "beam_width", 1)
    assert widget.root.locator(".cl-node").count() >= 1
    widget.does(widget.choose("Undo"), "ids.__len__()", 1)
    widget.does(widget.slide("top-k", "Home"), "probabilities.max().item()", 1.0)
    widget.does(widget.choose("Start again"), "ids", [])


def test_buttons_that_are_pressed_keep_the_focus(shown):
    """A keyboard that loses its place at every press cannot go on."""
    decoding = shown("decoding")

    def enter():
        decoding.notebook.page.keyboard.press("Enter")

    for button in (
        decoding.root.locator(".cl-candidate").first,
        decoding.root.locator('[data-choice="Take the likeliest"]'),
    ):
        button.focus()
        for length in (1, 2):
            decoding.does(enter, "ids.__len__()", length)
            decoding.notebook.page.wait_for_function(
                "(root) => root.dataset.state === 'ok'", arg=decoding.root.element_handle()
            )
            assert button.evaluate("(button) => button === document.activeElement")
        decoding.does(decoding.choose("Start again"), "ids", [])
    undo = decoding.root.locator('[data-choice="Undo"]')
    assert undo.is_disabled()
    undo.focus()
    enter()
    assert decoding.python("ids") == []

    merges = shown("merges")
    merges.notebook.python("made['merges'].num_merges = 1")
    merges.root.locator('[data-choice="Undo"]:not([aria-disabled])').focus()
    back = merges.root.locator('[data-choice="Undo"]')
    merges.does(enter, "num_merges", 0)
    assert back.is_disabled()
    assert back.evaluate("(button) => button === document.activeElement")


def test_lines_take_the_colours_of_another_theme(shown):
    widget = shown("heads")
    canvas = widget.root.locator(".cl-lines-canvas")
    strongest = """(canvas) => {
      const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      let most = 0;
      for (let at = 0; at < data.length; at += 4) if (data[at + 3] > data[most + 3]) most = at;
      return [...data.slice(most, most + 3)];
    }"""
    light = [0, 114, 178]  # the blue of queries
    np.testing.assert_allclose(canvas.evaluate(strongest), light, atol=3)
    try:
        widget.notebook.use_theme("JupyterLab Dark")
        widget.notebook.page.wait_for_timeout(300)
        dark = canvas.evaluate(strongest)
        assert np.mean(dark) > np.mean(light) + 30
    finally:
        widget.notebook.use_theme("JupyterLab Light")
    widget.notebook.page.wait_for_timeout(300)
    np.testing.assert_allclose(canvas.evaluate(strongest), light, atol=3)


def test_training_is_watched_paused_and_stopped_while_the_cell_runs(open_notebook):
    notebook = open_notebook(
        [
            """import torch
from course_lib.models.transformer import Transformer
from course_lib.training import TeacherForced, fit
from course_lib.widgets import TrainingMonitor
torch.set_num_threads(1)
model = Transformer(vocab_size=12, d_model=16, num_layers=1, num_heads=2, d_ff=16)
ids = torch.randint(1, 12, (8, 6))
def example(model):
    _, attention = model(ids[:1], ids[:1], need_weights=True)
    return attention["cross"][0][0].mean(dim=0), list("abcdef"), list("abcdef")
monitor = TrainingMonitor(example, every=0.05)
monitor""",
            "history = fit(model, TeacherForced([(ids, ids)]), num_steps=100_000, progress=False, watch=monitor)",
        ]
    )
    assert notebook.run_cell(0)
    root = notebook.output(0).locator(".cl-training")
    root.wait_for()
    for _ in range(100):  # until the page has spoken to the kernel, which makes a thread to hear it by
        greeted = notebook.python_json("monitor.view.control.placeholder")
        if greeted == "1":
            break
        notebook.page.wait_for_timeout(50)
    assert greeted == "1"
    notebook.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )
    notebook.page.evaluate(
        """() => {
          window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1;
          window.ended = window.jupyterapp.commands.execute('notebook:run-cell');
        }"""
    )
    state = "([root, state]) => root.dataset.state === state"
    notebook.page.wait_for_function(state, arg=[root.element_handle(), "running"])
    root.locator(".cl-map").wait_for()
    root.locator('[data-choice="Pause"]').click()
    notebook.page.wait_for_function(state, arg=[root.element_handle(), "paused"])
    paused = root.locator(".cl-state").inner_text()
    notebook.page.wait_for_timeout(400)
    assert root.locator(".cl-state").inner_text() == paused
    root.get_by_role("button", name="Continue").click()
    notebook.page.wait_for_function(state, arg=[root.element_handle(), "running"])
    root.locator('[data-choice="Stop"]').click()
    notebook.page.wait_for_function(state, arg=[root.element_handle(), "stopped"])
    assert notebook.page.evaluate("() => window.ended")
    assert notebook.python_json("[history.stopped, monitor.state, len(history) == len(monitor.records)]") == [
        True,
        "stopped",
        True,
    ]


@pytest.mark.parametrize("width", [360, 700, 1600])
def test_nothing_sticks_out_at_any_width(notebook, width):
    for name in WIDGETS:
        root = Shown(notebook, name).root
        sticking = root.evaluate(
            """async (root, width) => {
              const before = root.parentElement.style.width;
              root.parentElement.style.width = `${width}px`;
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              const edge = root.getBoundingClientRect().right + 1;
              const out = [...root.querySelectorAll('button, input, select, textarea, canvas, .cl-panel, .cl-chart')]
                .filter((one) => one.offsetParent && !one.closest('.cl-tree-frame') && one.getBoundingClientRect().right > edge)
                .map((one) => one.className);
              root.parentElement.style.width = before;
              return out;
            }""",
            width,
        )
        assert sticking == [], name


def test_dark_is_dark_and_readable(notebook):
    luminance = """(root) => {
      const numbers = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
      const light = ([r, g, b]) => (colour => 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2])(
        [r, g, b].map((value) => value / 255).map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)));
      const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      const seen = (colour) => { probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1); return light(probe.getImageData(0, 0, 1, 1).data.slice(0, 3)); };
      const panel = root.querySelector('.cl-panel') ?? root;
      return [seen(getComputedStyle(panel).backgroundColor), seen(getComputedStyle(root).color),
        seen(getComputedStyle(root.querySelector('.cl-hint')).color)];
    }"""
    for theme, dark in (("JupyterLab Dark", True), ("JupyterLab Light", False)):
        notebook.use_theme(theme)
        for name in WIDGETS:
            page, ink, soft = Shown(notebook, name).root.evaluate(luminance)
            assert (page < 0.2) is dark, name
            for colour in (ink, soft):
                high, low = max(page, colour), min(page, colour)
                assert (high + 0.05) / (low + 0.05) >= 4.5, name


def test_two_views_stay_in_step(open_notebook):
    notebook = open_notebook([SETUP, "lab = widgets.ScalingLab()\nlab", "lab.view"])
    assert notebook.run_all()
    first, second = (notebook.output(index).locator(".cl-scaling") for index in (1, 2))
    second.get_by_role("slider", name="dimensions d_k").focus()
    notebook.page.keyboard.press("End")
    saturated = "(roots) => roots.every((root) => root.dataset.state === 'saturated')"
    notebook.page.wait_for_function(saturated, arg=[first.element_handle(), second.element_handle()])


def test_a_restarted_kernel_is_told_and_a_new_run_recovers(open_notebook):
    notebook = open_notebook([SETUP, "lab = widgets.MaskBuilder(4)\nlab"])
    assert notebook.run_all()
    notebook.output(1).locator(".cl-masks").wait_for()
    notebook.ask("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    notice = notebook.output(1).locator(".cl-masks .cl-trouble")
    notice.wait_for()
    assert "restarted" in notice.inner_text()
    notebook.wait_until_ready()
    assert notebook.run_all()
    notebook.output(1).locator(".cl-masks .cl-map").first.wait_for()
    assert notebook.output(1).locator(".cl-trouble:visible").count() == 0
    notebook.problems.clear()  # JupyterLab itself complains of the connection that was cut


@pytest.mark.parametrize("name", [name for name in WIDGETS if name != "training"])
def test_a_saved_page_is_live_without_a_kernel(browser, tmp_path, name):
    space = {}
    exec(f"{SETUP}\n{WALK}\nwidget = {WIDGETS[name]}", space)
    path = space["widget"].save_html(tmp_path / "widget.html")
    context = browser.new_context(offline=True)
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(path.as_uri())
    root = page.locator(f".cl-{name}")
    root.wait_for()
    before = int(root.get_attribute("data-painted-seq"))
    control = root.locator('input[type="range"], .cl-map').first
    control = control if control.count() else root.locator(".cl-button").first
    control.focus()
    for key in ("ArrowRight", "ArrowLeft"):  # one of them moves it, wherever it stands
        page.keyboard.press(key)
    if name == "walk":
        root.locator('[data-choice="norm"]').click()
    page.wait_for_function(
        "([root, before]) => Number(root.dataset.paintedSeq) > before", arg=[root.element_handle(), before]
    )
    if name == "decoding":  # what Python alone can tell is said to be missing, and there is a way back
        root.locator(".cl-candidate").first.click()
        assert "this page has none" in root.inner_text() and root.get_attribute("data-state") == "alone"
        root.locator('[data-choice="Undo"]').click()
        assert "this page has none" not in root.inner_text() and root.get_attribute("data-state") == "ok"
    assert problems == []
    context.close()

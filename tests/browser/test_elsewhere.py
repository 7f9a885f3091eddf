"""The widgets outside JupyterLab: in Jupyter Notebook 7, in an exported page, and in a page of their own."""

import re
from html import escape

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter

from course_lib.attention import scaled_dot_product_attention
from course_lib.classroom.lab.alternatives import TextAlternatives
from tests.browser.hands import Hands, numpy_attention
from tests.browser.real_lab import OUTSIDE
from tests.browser.test_widgets import SETUP, WALK, WIDGETS

PLAY = """play = widgets.AttentionPlayground(['the', 'cat', 'sat'], *rng.normal(size=(3, 3, 2)))
play"""
CELLS = [SETUP, WALK, PLAY, *(f"made[{name!r}] = {code}\nmade[{name!r}]" for name, code in WIDGETS.items())]
FIRST = CELLS.index(PLAY)


@pytest.fixture(scope="module")
def notebook7(open_notebook):
    opened = open_notebook(CELLS, size=(1200, 1000), notebook7=True)
    # Notebook 7 stumbles over a setting of its own while it loads; what happens from here on counts.
    opened.problems[:] = [problem for problem in opened.problems if problem.startswith(OUTSIDE)]
    assert opened.run_all()
    return opened


@pytest.mark.parametrize("name", ["playground", *WIDGETS])
def test_notebook_7_shows_every_widget_at_the_first_run(notebook7, name):
    index = FIRST + ["playground", *WIDGETS].index(name)
    root = notebook7.output(index).locator(f".cl-{name}")
    root.wait_for()
    assert root.get_attribute("data-painted-seq")
    assert notebook7.output(index).locator("img").count() == 0


def test_notebook_7_follows_the_hand(notebook7):
    hands = Hands(notebook7, FIRST, "play").settle()
    before = hands.cells()
    hands.drag(hands.handle("query", "sat"), right=40, up=20)
    assert hands.cells() != before
    np.testing.assert_allclose(hands.numbers(), hands.expected()[1], atol=0.0051)


def test_an_exported_page_keeps_the_stills_and_their_words(notebook7, browser):
    notebook7.command("docmanager:save")
    saved = nbformat.read(notebook7.lab.root / notebook7.path, as_version=4)
    page, _ = HTMLExporter(preprocessors=[TextAlternatives]).from_notebook_node(saved)
    images = re.findall(r"<img[^>]*>", page)
    assert len(images) == 1 + len(WIDGETS)
    words = [
        output.data["text/plain"] for cell in saved.cells for output in cell.get("outputs", ()) if "data" in output
    ]
    for image, alternative in zip(images, words, strict=True):
        assert 'src="data:image/png;base64,' in image
        assert f'alt="{escape(alternative)}"' in image, image[-300:]


@pytest.mark.parametrize("with_python", [False, True])
def test_a_page_of_its_own_is_live_without_a_kernel(browser, tmp_path, with_python):
    from course_lib.widgets import AttentionPlayground

    def mine(queries, keys, values, mask=None):
        return scaled_dot_product_attention(queries, keys, values, mask)

    vectors = np.random.default_rng(0).normal(size=(3, 3, 2))
    attention = mine if with_python else scaled_dot_product_attention
    path = AttentionPlayground(["the", "cat", "sat"], *vectors, attention).save_html(tmp_path / "play.html")
    asked, problems = [], []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path.as_uri())
        root = page.locator(".cl-playground")
        root.wait_for()
        cells = root.locator(".cl-matrix:visible .cl-cell")

        def shown():
            return np.reshape([float(text.replace("−", "-")) for text in cells.all_inner_texts()], (3, 3))

        everything = np.ones((3, 3), dtype=bool)
        np.testing.assert_allclose(shown(), numpy_attention(*vectors, everything)[1], atol=0.0051)
        before = shown()
        root.get_by_role("slider", name="query of sat", exact=True).press("Shift+ArrowUp")
        page.wait_for_timeout(200)
        if with_python:  # says that it can't, and leaves what was
            np.testing.assert_array_equal(shown(), before)
            assert "Only Python can run mine" in root.locator(".cl-waiting").inner_text()
        else:
            vectors[0][2, 1] += 0.5
            expected = numpy_attention(np.round(vectors[0], 2), *vectors[1:], everything)[1]
            np.testing.assert_allclose(shown(), expected, atol=0.011)
            assert np.abs(shown() - before).max() > 0.02
    assert problems == []
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []


@pytest.mark.parametrize("at_once", [True, False])
def test_a_drag_is_followed_whether_or_not_the_browser_tells_of_it_before_the_frame(browser, tmp_path, at_once):
    from course_lib.widgets import AttentionPlayground

    vectors = np.random.default_rng(0).normal(size=(3, 3, 2))
    path = AttentionPlayground(["the", "cat", "sat"], *vectors).save_html(tmp_path / "play.html")
    with browser.new_context() as context:
        page = context.new_page()
        if not at_once:
            page.add_init_script("delete window.onpointerrawupdate")
        page.goto(path.as_uri())
        assert page.evaluate("'onpointerrawupdate' in window") == at_once
        handle = page.get_by_role("slider", name="query of sat", exact=True)
        box = handle.locator(".cl-tip").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(1, 9):
            page.mouse.move(x + 5 * step, y + 3 * step)
        page.mouse.up()
        page.wait_for_timeout(200)
        moved = handle.locator(".cl-tip").bounding_box()
        assert [moved["x"] - box["x"], moved["y"] - box["y"]] == pytest.approx([40, 24], abs=2)
        queries = vectors[0].copy()
        queries[2] = [
            float(handle.get_attribute("aria-valuetext").split(": ")[1].split(", ")[axis].replace("−", "-"))
            for axis in (0, 1)
        ]
        assert np.abs(queries - vectors[0])[2].min() > 0.1
        cells = page.locator(".cl-matrix:visible .cl-cell").all_inner_texts()
        shown = np.reshape([float(text.replace("−", "-")) for text in cells], (3, 3))
        expected = numpy_attention(queries, *vectors[1:], np.ones((3, 3), dtype=bool))[1]
        np.testing.assert_allclose(shown, expected, atol=0.011)


@pytest.fixture
def touch(browser):
    """A page below a finger: function path -> (page, function kind, points -> what the finger does)."""
    with browser.new_context(has_touch=True, viewport={"width": 800, "height": 600}) as context:
        page = context.new_page()

        def show(path):
            page.goto(path.as_uri())
            page.evaluate("document.body.style.minHeight = '3000px'")
            driver = context.new_cdp_session(page)

            def finger(kind, *point):
                points = [{"x": point[0], "y": point[1]}] if point else []
                driver.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
                page.wait_for_timeout(30)  # the browser decides between a drag and scrolling in its own time

            return page, finger

        yield show


def test_a_finger_drags_an_arrow_and_not_the_page(touch, tmp_path):
    from course_lib.widgets import AttentionPlayground

    vectors = np.random.default_rng(0).normal(size=(3, 3, 2))
    page, finger = touch(AttentionPlayground(["the", "cat", "sat"], *vectors).save_html(tmp_path / "play.html"))
    handle = page.get_by_role("slider", name="query of sat", exact=True)
    handle.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    box = handle.locator(".cl-tip").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger("touchStart", x, y)
    for step in range(1, 9):
        finger("touchMove", x + 2 * step, y - 6 * step)
    finger("touchEnd")
    moved = handle.locator(".cl-tip").bounding_box()
    assert [moved["x"] - box["x"], moved["y"] - box["y"]] == pytest.approx([16, -48], abs=2)
    assert page.evaluate("scrollY") == scrolled


def test_a_tap_on_a_map_leaves_its_words_until_the_next_elsewhere(touch, tmp_path):
    from course_lib.widgets import PositionExplorer

    page, finger = touch(PositionExplorer().save_html(tmp_path / "positions.html"))
    box = page.locator(".cl-map-place:visible").bounding_box()
    words = page.locator(".cl-map:visible .cl-tip-text")
    assert not words.is_visible()
    finger("touchStart", box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])
    finger("touchEnd")
    assert words.is_visible() and words.inner_text().startswith("position ")
    assert words.inner_text() == page.locator(".cl-map:visible").get_attribute("aria-label")
    page.locator("h3, h4").first.tap()
    assert not words.is_visible()

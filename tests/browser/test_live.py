"""Working on a widget: a saved edit is on the page at once, without a restart, and the state stays."""

import shutil

import pytest

from course_lib.widgets import page as widget_page

CODE = """import os
os.environ["ANYWIDGET_HMR"] = "1"
from pathlib import Path
from course_lib.widgets import page
page.FOLDER = Path({folder!r})
from course_lib.widgets import AttentionPlayground
play = AttentionPlayground(["the", "cat"], [[1, 0], [0, 1]], [[1, 0], [0, 1]], [[1, 0], [0, 1]])
play"""


@pytest.fixture
def folder(tmp_path):
    """A copy of the widgets' files, to be edited."""
    return shutil.copytree(widget_page.FOLDER, tmp_path / "widgets")


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_edits_of_style_text_and_code_are_seen_at_once(open_notebook, folder):
    notebook = open_notebook([CODE.format(folder=str(folder))])
    assert notebook.run_all()
    root = notebook.output(0).locator(".cl-playground")
    shaft = root.locator(".cl-arrow.cl-value .cl-shaft").first
    shaft.wait_for(state="attached")
    dashes = "(shaft) => getComputedStyle(shaft).strokeDasharray"
    assert shaft.evaluate(dashes) != "9px, 9px"
    root.get_by_role("slider", name="query of cat", exact=True).press("ArrowUp")
    moved = "query of cat: 0.00, 1.10"
    root.locator(f'[aria-valuetext="{moved}"]').wait_for()

    edit(
        folder / "kit" / "plane.css",
        "\n.cl-tip {",  # after whatever the arrows look like today
        "\n.cl-value .cl-shaft {\n  stroke-dasharray: 9 9;\n}\n.cl-tip {",
    )
    notebook.page.wait_for_function(
        f"() => ({dashes})(document.querySelector('.cl-arrow.cl-value .cl-shaft')) === '9px, 9px'"
    )

    edit(folder / "playground" / "texts.js", 'who: "Who is looking?"', 'who: "Whose turn is it?"')
    root.get_by_text("Whose turn is it?").wait_for()
    assert root.locator(f'[aria-valuetext="{moved}"]').count() == 1, "the state stays"

    edit(folder / "kit" / "plane.js", "const PLANE = 320;", "const PLANE = 300;")  # a module below others
    root.locator('.cl-plane[viewBox="0 0 300 300"]').first.wait_for()
    notebook.check()

    edit(folder / "playground" / "few.js", 'from "./mix.js"', 'from "./mixed.js"')
    notebook.output(0).get_by_text("playground/few.js imports './mixed.js', and there is no such file").wait_for()
    edit(folder / "playground" / "few.js", 'from "./mixed.js"', 'from "./mix.js"')
    root.get_by_text("Whose turn is it?").wait_for()

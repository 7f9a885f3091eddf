"""The drawings of the lessons, as a learner sees them in their own copy."""

import pytest
from nbformat.v4 import new_markdown_cell

from course_lib.classroom import copies
from tests.drawings.album import FOLDER

NAME = "98_drawings.ipynb"
MOVING = ["kv-cache", "online-softmax", "teacher-forcing"]


def test_a_learners_copy_shows_every_drawing(lab, open_notebook, monkeypatch):
    shown = sorted(path.name for path in FOLDER.glob("*.svg"))
    lab.put(f"notebooks/{NAME}", [new_markdown_cell(f"![drawing](pictures/{name})") for name in shown])
    monkeypatch.setenv("COURSE_HOME", str(lab.root))
    monkeypatch.setenv("COURSE_WORKSPACE", str(lab.workspace))
    copies.own_copy("notebooks", "98")
    (lab.root / "notebooks" / NAME).unlink()  # no lesson for the tests that follow
    opened = open_notebook(f"workspace/lessons/{NAME}")
    for index in range(len(shown)):
        opened.cell(index).scroll_into_view_if_needed()
        picture = opened.cell(index).locator("img")
        picture.wait_for()
        opened.page.wait_for_function("(img) => img.complete && img.naturalWidth === 720", arg=picture.element_handle())


@pytest.mark.parametrize("name", MOVING)
def test_what_moves_stands_still_and_whole_for_who_wants_no_motion(browser, name):
    moving = {}
    for motion in ("reduce", "no-preference"):
        page = browser.new_page(reduced_motion=motion)
        page.goto((FOLDER / f"{name}.svg").as_uri())
        moving[motion] = page.evaluate("document.getAnimations().length")
        page.close()
    assert moving["reduce"] == 0 < moving["no-preference"]
    assert MOVING == sorted(path.stem for path in FOLDER.glob("*.svg") if "@keyframes" in path.read_text("utf-8"))


def test_no_words_of_a_drawing_overlap_or_leave_its_card(browser):
    page = browser.new_page()
    wrong = {}
    for path in sorted(FOLDER.glob("*.svg")):
        page.goto(path.as_uri())
        wrong[path.name] = page.evaluate(COLLISIONS)
    page.close()
    assert {name: found for name, found in wrong.items() if found} == {}


COLLISIONS = """() => {
  const { width, height } = document.documentElement.viewBox.baseVal;
  const words = [...document.querySelectorAll("text")].map((text) => ({ said: text.textContent, at: text.getBBox() }));
  const out = words.filter(({ at }) =>
    at.x < 8 || at.y < 4 || at.x + at.width > width - 8 || at.y + at.height > height - 4);
  const shared = (a, b, from, size) => Math.min(a[from] + a[size], b[from] + b[size]) - Math.max(a[from], b[from]);
  const pairs = words.flatMap((one, i) => words.slice(i + 1).map((other) => [one, other])).filter(([one, other]) =>
    shared(one.at, other.at, "x", "width") > 1 && shared(one.at, other.at, "y", "height") > 4);
  return [...out.map(({ said }) => said), ...pairs.map((pair) => pair.map(({ said }) => said).join(" / "))];
}"""

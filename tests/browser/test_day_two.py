"""The next day: the server was ended, with all kernels; it starts again, and the lesson goes on where it was left."""

import os
import re
from unittest.mock import patch

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.classroom import copies
from course_lib.classroom.practice.progress import Progress
from tests.browser.real_lab import Lab

WIDGET = """from course_lib.widgets import AttentionPlayground

AttentionPlayground(["cat", "sat", "mat"], [[2, 1], [1, 2], [1, -1]], [[2, 1], [1, 2], [1, -1]], [[2, 1], [1, 2], [1, -1]])"""
QUIZ = """from course_lib.classroom.review import quiz

quiz("03")"""
DEAD_VIEW = """from IPython.display import display

view = {"model_id": "gone", "version_major": 2, "version_minor": 0}
still = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="9"/></svg>'
display({"application/vnd.jupyter.widget-view+json": view, "image/svg+xml": still, "text/plain": "its parts"}, raw=True)"""
REST = "At rest since Python was ended"
LESSON = "workspace/lessons/day.ipynb"


@pytest.fixture(scope="module")
def own_lab(browser):
    with Lab(browser) as lab:
        long = [new_markdown_cell("A paragraph. " * 60, id=f"text-{number}") for number in range(30)]
        folded = new_markdown_cell("### Dig deeper", id="folded", metadata={"jp-MarkdownHeadingCollapsed": True})
        deeper = [folded, new_markdown_cell("#### Further down", id="under"), new_markdown_cell("Deep.", id="deep")]
        lab.put(LESSON, [new_code_cell(WIDGET, id="widget"), *long, new_code_cell(QUIZ, id="quiz"), *deeper])
        yield lab


def test_a_view_without_a_model_gives_way_to_the_picture(own_lab):
    """As where the kernel was too busy to be asked for its widgets while the page opened."""
    path = "workspace/lessons/dead.ipynb"
    own_lab.put(path, [new_code_cell(DEAD_VIEW, id="dead")])
    notebook = own_lab.open(path)
    assert notebook.run_all()
    notebook.command("docmanager:save")
    notebook.reload()
    notebook.output(0).get_by_text("At rest").wait_for()
    assert "Error displaying" not in notebook.page.locator(".jp-Notebook").inner_text()
    assert notebook.output(0).locator("img").count() == 1
    notebook.problems.clear()  # the page complained of the dead view
    notebook.close()


def wait_until_at(notebook, cell):
    notebook.page.wait_for_function(
        "(cell) => { const active = window.jupyterapp?.shell.currentWidget?.content?.activeCell;"
        " return active?.model.id === cell && active.inViewport; }",
        arg=cell,
    )


def test_widgets_are_at_rest_and_the_lesson_opens_where_it_was_left(own_lab):
    notebook = own_lab.open(LESSON)
    assert notebook.run_all()
    notebook.output(0).locator(".course-view, canvas, svg").first.wait_for()
    notebook.run_cell(notebook.find_cell("quiz("))
    notebook.command("docmanager:save")
    assert "widget-view+json" in (own_lab.root / LESSON).read_text()
    notebook.page.goto("about:blank")
    own_lab.stop()
    own_lab.start()

    text = (own_lab.root / LESSON).read_text()
    assert "widget-view+json" not in text and text.count(REST) == 2 * 2  # in words and as HTML
    notebook.problems.clear()  # of the evening, when the server went
    notebook.goto()
    notebook.wait_until_ready()
    wait_until_at(notebook, "quiz")
    assert notebook.output(0).locator("img").count() == 1
    page = notebook.page.locator(".jp-Notebook").inner_text()
    assert REST in page and "not found" not in page
    notebook.goto("text-20")
    notebook.wait_until_ready()
    wait_until_at(notebook, "text-20")
    deep = notebook.cell(notebook.find_cell("Deep."))
    assert not deep.is_visible()
    notebook.goto("deep")
    notebook.wait_until_ready()
    wait_until_at(notebook, "deep")
    deep.wait_for()  # what a link leads to is unfolded
    notebook.run_cell(0)
    notebook.output(0).locator(".course-view, canvas, svg").first.wait_for()
    notebook.check()
    notebook.close()


def test_the_home_page_knows_where_the_learner_was(own_lab):
    places = [event["cell"] for event in Progress(own_lab.workspace / "progress.sqlite3").events("place")]
    assert "quiz" in places  # left by going to another page; others where the page rested for some seconds


def test_a_copy_opens_alive_and_offers_to_run_what_is_gone(own_lab):
    with patch.dict(os.environ, COURSE_HOME=str(own_lab.root), COURSE_WORKSPACE=str(own_lab.workspace)):
        path = copies.own_copy("notebooks", "00").path.relative_to(own_lab.root).as_posix()
    notebook = own_lab.open(path)
    notebook.page.get_by_role("button", name="Show me").first.wait_for()  # nobody has run its cell
    assert notebook.page.get_by_role("button", name="Run the cells above").count() == 0
    assert notebook.run_cell(notebook.find_cell('words = ["the"'))
    notebook.run_cell(notebook.find_cell("playground.weights.round"))
    notebook.command("docmanager:save")
    notebook.page.goto("about:blank")
    own_lab.stop()
    own_lab.start()
    notebook.problems.clear()
    notebook.goto()
    notebook.wait_until_ready()
    notebook.page.get_by_role("button", name="Run the cells above").wait_for()
    notebook.reload()  # as by a look at the home page
    notebook.page.get_by_role("button", name="Run the cells above").click()
    notebook.output(notebook.find_cell('title="Drag a query"')).locator("canvas, svg").first.wait_for()
    assert notebook.python("print(words[0])") == "the\n"
    assert notebook.page.get_by_role("button", name="Run the cells above").count() == 0
    notebook.close()


def test_home_is_one_click_away(own_lab):
    notebook = own_lab.open(LESSON)
    link = notebook.page.get_by_role("link", name="Course home")
    assert re.fullmatch(rf"{own_lab.url}/course", link.get_attribute("href") or "")
    notebook.close()


def test_each_lesson_keeps_its_place_also_behind_another_tab(own_lab):
    other = "workspace/lessons/other.ipynb"
    own_lab.put(other, [new_markdown_cell("A paragraph. " * 60, id=f"other-{number}") for number in range(30)])
    notebook = own_lab.open(LESSON)
    for path, cell in ((LESSON, "text-20"), (other, "other-25")):
        notebook.page.evaluate(
            "(asked) => void window.jupyterapp.commands.execute('course:open', asked)", {"path": path, "cell": cell}
        )
        wait_until_at(notebook, cell)
    notebook.page.wait_for_timeout(2000)  # the tabs that are open are kept
    notebook.goto()  # behind it stands the other one, where it was
    notebook.wait_until_ready()
    wait_until_at(notebook, "text-20")
    notebook.page.locator(".lm-TabBar-tab", has_text="other").click()
    wait_until_at(notebook, "other-25")
    notebook.check()
    notebook.close()


def test_what_home_opens_stands_in_its_pane(own_lab):
    """Lessons left, exercises right, one pane each."""
    where = """([path, right]) => {
      const { shell } = window.jupyterapp ?? {};
      const panel = [...(shell?.widgets("main") ?? [])].find((one) => one.context?.path === path);
      const isRight = panel?.node.getBoundingClientRect().left > innerWidth / 2;
      return panel?.isVisible && shell.currentWidget === panel && isRight === right;
    }"""
    folder = "workspace/{}/{}.ipynb"
    paths = [
        folder.format(*which) for which in (("lessons", "a"), ("exercises", "a"), ("lessons", "b"), ("exercises", "b"))
    ]
    for path in paths:
        own_lab.put(path, [new_markdown_cell("A paragraph.", id="text")])
    notebook = own_lab.open(paths[0], size=(1600, 900))
    for path in paths[1:]:
        notebook.page.wait_for_timeout(1500)  # the tabs that are open are kept
        notebook.page.goto(f"{own_lab.url}/course")
        notebook.page.goto(f"{own_lab.url}/{notebook.place}/{path}")
        notebook.page.wait_for_function(where, arg=[path, "exercises" in path])
    notebook.check()
    notebook.close()


def test_saved_twice_at_once_asks_nothing(own_lab):
    """By a key while JupyterLab saves by itself, every three seconds."""
    notebook = own_lab.open(LESSON)
    for number in range(8):
        notebook.ask(
            """([number, wait]) => {
              const { content, context } = window.jupyterapp.shell.currentWidget;
              content.widgets[1].model.sharedModel.setSource(`A paragraph ${number}.`);
              const later = new Promise((settle) => setTimeout(settle, wait)).then(() => context.save());
              return Promise.all([context.save(), later]).then(() => null);
            }""",
            [number, 7 * number],
            ms=10_000,
        )
    assert notebook.page.locator(".jp-Dialog").count() == 0
    notebook.close()

"""The home page as a learner meets it: the first visit, continuing, reviews by keyboard, two windows, without a script."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from course_lib.classroom.practice.progress import Progress
from course_lib.classroom.review.questions import load_questions
from tests.browser.real_lab import NOTEBOOK_IS_READY, ROOT, WAIT_MS, Lab

LESSON = "workspace/lessons/03_self_attention_by_hand.ipynb"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
CHOICES = [one.id for one in load_questions("03") if one.kind == "choice"]
OPEN = next(one.id for one in load_questions("03") if one.kind == "open")


@pytest.fixture(scope="module")
def home(browser):
    """A server of its own: the first visit wants a learner who has done nothing."""
    with Lab(browser) as lab:
        yield lab


@pytest.fixture
def window(home, browser):
    """Function that opens a page of the home in a window of its own; what goes wrong unseen fails the test."""
    problems, contexts = [], []

    def outside(request):
        if urlsplit(request.url).scheme in ("http", "https") and urlsplit(request.url).hostname != "127.0.0.1":
            problems.append(f"request outside the machine: {request.url}")

    def open_one(address="", size=(1280, 900), dark=False, **options):
        scheme = "dark" if dark else "light"
        viewport = {"width": size[0], "height": size[1]}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce", **options)
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"page error: {error} {error.stack}"))
        page.on("console", lambda message: message.type == "error" and problems.append(f"console: {message.text}"))
        page.on("request", outside)
        page.goto(f"{home.url}/course{address}")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def progress(home):
    return Progress(home.workspace / "progress.sqlite3")


def accessible(page):
    """What axe finds serious on a page, and what is wider than the window."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run `npm ci` in the folder of the course")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    serious = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        serious.append("wider than the window")
    return serious


def shares(page):
    return [float(share) for share in page.locator("#triple svg").get_attribute("data-shares").split()]


def test_the_first_visit_lets_one_drag_before_reading_and_asks_two_questions(window, progress):
    page = window()
    handle = page.get_by_role("slider")
    before = shares(page)
    spot, mat = handle.bounding_box(), page.locator("#triple circle.mat").bounding_box()
    page.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    page.mouse.down()
    page.mouse.move(mat["x"], mat["y"], steps=5)
    page.mouse.up()
    dragged = shares(page)
    assert before[0] > 0.5 and dragged[1] > 0.9 and sum(dragged) == pytest.approx(1, abs=0.002)
    handle.focus()
    for _ in range(8):
        page.keyboard.press("Shift+ArrowRight")
    assert shares(page)[0] > 0.9
    assert handle.get_attribute("aria-valuetext").startswith("cat 100 percent, mat 0")

    page.get_by_role("radio", name="I know recurrent networks").focus()
    page.keyboard.press("Space")
    page.get_by_label("How many minutes a day?").fill("30")
    page.keyboard.press("Enter")
    page.wait_for_function(NOTEBOOK_IS_READY, arg="workspace/lessons/00_start_here.ipynb")
    values = {event["subject"]: event["value"] for event in progress.events("setting")}
    assert values == {"path": "short", "minutes": 30}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1600])
def test_every_page_can_be_used_by_everybody_on_every_screen(window, home, progress, width, dark):
    _remember(progress, *CHOICES[:2], OPEN)
    progress.record("setting", "path", value="short")  # the other lessons are said to be aside
    (home.workspace / "exercises").mkdir(exist_ok=True)
    (home.workspace / "exercises" / "05_positional_encoding.ipynb").write_text("<<<<<<< mine")  # its long path is shown
    for address in ("", "/glossary", "/review"):
        page = window(address, size=(width, 780), dark=dark)
        if address == "/review":
            page.keyboard.press("Space")
            page.locator("#answer[open]").wait_for()
        assert accessible(page) == []


def test_continue_opens_the_lesson_where_it_was_left(window):
    page = window("/open/notebooks/03")
    page.wait_for_function(NOTEBOOK_IS_READY, arg=LESSON)
    page.evaluate(
        "() => { const { content } = window.jupyterapp.shell.currentWidget;"
        " content.activeCellIndex = content.widgets.findIndex((cell) => cell.model.id === 'step-4'); }"
    )
    page.get_by_role("link", name="Course home").click()
    page.get_by_role("heading", name="Today").wait_for()
    page.get_by_text("Step 4 · Mix").wait_for()  # told as the page went
    page.locator("#continue").click()
    page.wait_for_function(NOTEBOOK_IS_READY, arg=LESSON)
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.activeCell.model.id === 'step-4'")


def test_reviews_are_done_by_keyboard(window, progress):
    _remember(progress, *CHOICES[:2], OPEN)
    page = window("/review")
    before = len(progress.events("review"))
    for press, rating in (("1", "again"), ("Space", "good")):
        asked = page.locator("input[name=card]").get_attribute("value")
        assert not page.locator("#rate").is_visible()
        page.keyboard.press("Space")
        page.wait_for_function("() => document.activeElement.value === 'good'")
        page.keyboard.press(press)
        page.wait_for_function("(id) => document.querySelector('input[name=card]')?.value !== id", arg=asked)
        last = progress.events("review")[-1]
        assert (last["subject"], last["rating"]) == (asked, rating)
    assert len(progress.events("review")) == before + 2


def test_a_letter_chooses_and_a_wrong_choice_comes_again(window, progress):
    _remember(progress, *CHOICES[6:8])
    page = window("/review")
    while not page.locator(".options").count():  # another test's card comes first
        page.keyboard.press("Space")
        page.get_by_role("button", name="Easy").click()
    page.wait_for_function("() => !document.querySelector('#theme').hidden")  # the modules are there
    asked = page.locator("input[name=card]").get_attribute("value")
    wrong = page.locator(".options > li").evaluate_all("(all) => all.findIndex((one) => one.matches('.wrong'))")
    page.keyboard.press("ABCDEFGH"[wrong].lower())
    assert page.locator(".options input").nth(wrong).is_checked()
    assert not page.locator(".reason").first.is_visible()
    page.keyboard.press("Space")
    page.locator(".reason").first.wait_for()
    page.wait_for_function("() => document.activeElement.value === 'again'")
    page.keyboard.press("Space")
    page.wait_for_function("(id) => document.querySelector('input[name=card]')?.value !== id", arg=asked)
    assert progress.events("review", asked)[-1]["rating"] == "again"


def test_two_windows_with_one_card_count_it_once(window, progress):
    _remember(progress, CHOICES[3], CHOICES[4])
    first, second = window("/review"), window("/review")
    card = first.locator("input[name=card]").get_attribute("value")
    before = len(progress.events("review", card))
    for page in (first, second):
        page.keyboard.press("Space")
        page.get_by_role("button", name="Easy").click()
        page.wait_for_function("(id) => document.querySelector('input[name=card]')?.value !== id", arg=card)
    assert "another window" in second.get_by_role("status").inner_text()
    assert len(progress.events("review", card)) == before + 1


def test_the_glossary_finds_a_word_in_three_languages(window):
    page = window("/glossary")
    box, status = page.get_by_label("Find a word"), page.get_by_role("status")
    for typed, found in (("DROPOUT", "dropout"), ("лучевой поиск", "beam-search"), ("изглаждане", "label-smoothing")):
        box.fill(typed)
        assert page.locator(".terms > div:visible").evaluate_all("all => all.map((one) => one.id)") == [found]
        assert status.inner_text().startswith("1 of ")
        assert page.locator("h2:visible").count() == 1
    box.fill("")
    assert page.locator(".terms > div:visible").count() > 150 and status.inner_text() == ""


def test_all_of_it_works_without_a_script(window, progress):
    _remember(progress, CHOICES[5])
    page = window("/review", java_script_enabled=False)
    card = page.locator("input[name=card]").get_attribute("value")
    page.locator("summary").click()
    page.get_by_role("button", name="Good").click()
    assert progress.events("review")[-1]["subject"] == card


def test_light_and_dark_are_one_choice_here_and_in_jupyterlab(window, home):
    page = window()
    page.get_by_role("button", name="Use the dark theme").click()
    page.locator("html[data-theme=dark]").wait_for()
    page.goto(f"{home.url}/course/open/notebooks/03")
    page.wait_for_function(NOTEBOOK_IS_READY, arg=LESSON)
    assert page.locator("body").get_attribute("data-jp-theme-light") == "false"
    page.evaluate("window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
    page.locator("body[data-jp-theme-light=true]").wait_for(state="attached")
    page.get_by_role("link", name="Course home").click()
    page.locator("html[data-theme=light]").wait_for()
    (home.folder / "user" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings").unlink()


def _remember(progress, *questions):
    """Answers of three days ago: their cards are due."""
    for question in questions:
        progress.record(
            "quiz", question, now=datetime.now(UTC) - timedelta(days=3), rating="good", correct=True, lesson="03"
        )

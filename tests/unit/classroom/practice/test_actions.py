import re
import time
from html import unescape

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.classroom import notebooks, places
from course_lib.classroom.practice import exercises_of, lesson_checks, page
from course_lib.classroom.practice.actions import WayOn
from course_lib.classroom.practice.exercises import NotPassed
from course_lib.classroom.practice.progress import Progress
from tests.unit.classroom.practice.test_exercises import naive, softmax, stub
from tests.unit.classroom.practice.test_your_turn import Links

FIND_THE_BUG = "Next: Find the bug: break the colleague's weights"


def brings(html):
    return re.findall(r'<button data-press="(\w+)"', html)


def judge(function):
    try:
        lesson_checks("03").softmax(function)
    except NotPassed:
        pass


@pytest.mark.parametrize(
    ("function", "buttons"),
    [
        (stub, ["hint"]),
        (naive, ["hint", "compare", "solution"]),
        (lambda scores: scores.nothing, ["hint", "compare", "solution"]),
        (softmax, ["compare"]),
    ],
    ids=["unattempted", "failed", "error", "passed"],
)
def test_a_verdict_offers_what_can_help(shown, function, buttons):
    judge(function)
    (_, verdict, _), (under, _, _) = shown
    assert verdict.exercise == "03.softmax" and brings(under.html) == buttons


def test_hint_compare_and_solution_by_button(shown, press):
    judge(naive)
    under = shown[1][0]
    press(under, "hint")
    assert "<li>" in under.brought and "Hints" in under.brought
    press(under, "compare")
    assert "once more" in under.brought and "np.exp" not in under.brought, "it asks before it shows the solution"
    press(under, "compare")
    assert "def naive" in under.brought and "def softmax" in under.brought
    press(under, "solution")
    assert "Solution of 03.softmax" in under.brought
    assert [event["kind"] for event in Progress().events()] == ["check", "hint", "solution", "compare", "solution"]


def test_back_leads_to_the_step_that_asks(shown, own_workspace):
    own = places.own_path("notebooks", "03")
    own.parent.mkdir(parents=True)
    cells = [
        new_markdown_cell("# 03 · Self-attention", id="title"),
        new_markdown_cell("### Step 4 · Weights", id="step"),
        new_code_cell("from course_lib.classroom.practice import your_turn\n\nyour_turn('03.softmax')", id="turn"),
        new_code_cell("your_turn(\n    '03.scores', '03.softmax')", id="all-of-them"),
    ]
    own.write_text(notebooks.dumps(new_notebook(cells=cells)), encoding="utf-8")
    judge(naive)
    (link,) = Links(shown[1][0].html).found
    assert link["href"].endswith("/lessons/03_self_attention_by_hand.ipynb#cell-id=turn")
    assert "Back to Step 4" in shown[1][0].html


@pytest.fixture
def lesson_asks(own_workspace):
    """Function that writes the learner's own lesson 03: a cell for each of these texts, headings or ids of exercises."""

    def write(*texts):
        own = places.own_path("notebooks", "03")
        own.parent.mkdir(parents=True)
        cells = [
            new_code_cell(f"your_turn({text!r})") if text.startswith("03.") else new_markdown_cell(text)
            for text in texts
        ]
        own.write_text(notebooks.dumps(new_notebook(cells=cells)), encoding="utf-8")

    return write


def texts_of(html):
    return re.findall(r">([^<>]+)</(?:a|button)>", unescape(html))


def pass_all(lesson):
    for one in exercises_of(lesson):
        Progress().record("check", one.id, outcome="passed")


@pytest.mark.parametrize(
    ("texts", "first", "both"),
    [
        (("## Step 1", "03.softmax", "03.breaking_case", "## Step 2"), FIND_THE_BUG, True),
        (("## Step 1", "03.softmax", "## Step 2", "03.breaking_case"), "Back to Step 1", False),
        (("## Step 1", "03.breaking_case", "## Step 2", "03.softmax"), FIND_THE_BUG, True),
        (("## Step 1", "03.softmax"), FIND_THE_BUG, True),
        (("## Step 1", "03.breaking_case"), FIND_THE_BUG, True),
    ],
    ids=["same step", "later step", "earlier step", "not asked for", "asked for alone"],
)
def test_the_lesson_comes_first_where_it_asks_for_the_next_task_only_later(shown, lesson_asks, texts, first, both):
    lesson_asks(*texts)
    judge(softmax)
    under, still, _ = shown[1]
    assert texts_of(under.html)[0] == str(still) == first and texts_of(under.html)[-1] == "Compare"
    assert ("Next: " in under.html, under.html.count("Back to")) == (both, 1)
    assert re.findall(r'class="course-main">([^<]+)', unescape(under.html)) == [first]


def test_after_the_last_task_the_rest_of_the_lesson_comes_first(shown, lesson_asks):
    lesson_asks("## Step 1", "03.softmax", "## What you know now")
    pass_all("03")
    judge(softmax)
    under, still, _ = shown[1]
    assert texts_of(under.html)[:2] == ["Back to the lesson", "Go on with lesson 04: Multi-head attention"]
    assert str(still).splitlines()[1:] == ["Back to the lesson", "Go on with lesson 04: Multi-head attention"]


def test_after_the_last_task_at_the_end_of_a_lesson_the_next_comes_first(shown, lesson_asks):
    lesson_asks("## Step 1", "03.softmax")
    pass_all("03")
    judge(softmax)
    assert texts_of(shown[1][0].html)[:2] == ["Go on with lesson 04: Multi-head attention", "Back to the lesson"]


def test_one_task_is_one():
    pass_all("00")
    assert "The one task of this lesson is yours: 1 point." in str(WayOn(lesson_checks("00").weighted_average))


def test_after_a_task_comes_the_next_that_is_open(shown, lesson_asks):
    lesson_asks("## Step 1", "03.softmax", "03.masked_softmax")
    Progress().record("check", "03.breaking_case", outcome="passed")
    judge(softmax)
    under, still, _ = shown[1]
    title = next(one.title for one in exercises_of("03") if one.id == "03.masked_softmax")
    assert f">Next: {title}</a>" in under.html and "cell-id=masked-softmax-task" in under.html
    assert str(still) == f"Next: {title}"


def test_after_the_last_task_stands_what_was_built_and_the_next_lesson(shown):
    pass_all("03")
    judge(softmax)
    under, still, _ = shown[1]
    for text in (under.html, still.html(), str(still)):
        assert "All 9 tasks" in text and "softmax" in text and "Go on with lesson 04: Multi-head attention" in text
    assert "04_multi_head_attention.ipynb" in under.html


def test_after_the_last_lesson_all_of_it_is_yours():
    pass_all("12")
    assert "The whole Transformer is yours." in str(WayOn(lesson_checks("12").attention_share))


def test_without_a_workspace_a_verdict_is_a_verdict(shown, monkeypatch):
    monkeypatch.setenv("COURSE_WORKSPACE", "~nobody-of-this-name/course")
    judge(naive)
    judge(softmax)
    assert [one for one, _, _ in shown if one] and "notebooks/03_self" in shown[-1][0].html


def test_in_a_terminal_a_passed_check_says_what_comes_next(capsys):
    judge(softmax)
    assert capsys.readouterr().out.endswith("Back to Step 3\n"), "lesson 03 asks for the next task in Step 7"
    judge(naive)
    assert "Back" not in capsys.readouterr().out


def test_a_kernel_without_a_page_shows_the_verdict_alone(shown, monkeypatch):
    monkeypatch.setattr(page, "is_open", lambda: False)
    judge(softmax)
    assert len(shown) == 1


@pytest.mark.usefixtures("shown")
def test_buttons_are_there_within_a_moment():
    judge(naive)
    began = time.perf_counter()
    judge(naive)
    assert time.perf_counter() - began < 1

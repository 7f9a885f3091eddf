import json
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from course_lib.classroom.files import ASIDE
from course_lib.classroom.practice import dashboard, exercise, exercises_of, lesson_checks, start
from course_lib.classroom.practice.exercises import NotPassed, judged
from course_lib.classroom.practice.learner import Started
from course_lib.classroom.practice.pictures import Picture
from course_lib.classroom.practice.progress import Progress, _Connection
from course_lib.classroom.practice.show import Comparison, result_html, side_by_side


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def naive(scores):
    powers = np.exp(scores)
    return powers / powers.sum(axis=-1, keepdims=True)


def stub(scores):
    raise NotImplementedError()


@pytest.mark.parametrize("lesson", ["03", 3, "03_self_attention_by_hand"])
def test_a_lesson_has_its_exercises_in_order(lesson):
    names = [one.function_name for one in exercises_of(lesson)]
    assert names[:2] == ["scores", "softmax"]
    assert {"scaled_dot_product_attention", "causal_mask", "padding_mask"} < set(names)
    assert len(names) >= 8


@pytest.mark.parametrize("id", ["03.nothing", "99.softmax", "softmax", ""])
def test_an_unknown_exercise_is_named_with_those_there_are(id):
    with pytest.raises(ValueError, match=r"03"):
        exercise(id)


@pytest.mark.parametrize("id", ["3.softmax", "03", "03.soft max", "lesson.softmax"])
def test_an_id_has_a_form(id):
    with pytest.raises(ValueError, match=r"NN\.function_name"):
        judged(id, title="x", hints=["x"])


def test_a_check_returns_a_result_and_never_raises():
    result = exercise("03.softmax").check(naive)
    assert (result.outcome, result.diagnosis, result.passed) == ("failed", "softmax-overflow", False)
    assert np.isnan(result.got).any() and np.isfinite(result.expected).all()
    assert repr(result) == "<03.softmax: failed (softmax-overflow)>"


def test_the_notebook_form_shows_and_raises_one_line(capsys):
    check = lesson_checks("03")
    with pytest.raises(NotPassed) as raised:
        check.softmax(naive)
    (line,) = raised.value._render_traceback_()
    assert line == "Not yet: 03.softmax [softmax-overflow]"
    assert "1000" in str(raised.value)
    assert isinstance(raised.value, AssertionError)
    assert "yours:" in capsys.readouterr().out
    check.softmax(softmax)
    assert "Passed" in capsys.readouterr().out
    with pytest.raises(NotPassed, match="Not attempted"):
        check.softmax(stub)


def test_one_number_has_no_place():
    assert Picture(np.array(2.0), np.array(3.0)).facts == ["Yours is 2, expected 3."]
    assert Picture(np.array([2.0]), np.array([3.0])).facts == ["Largest difference: 1, in [0]: yours is 2, expected 3."]


def test_two_numbers_that_differ_are_told_apart():
    assert Picture(np.array(1.3562), np.array(1.3618)).facts == ["Yours is 1.356, expected 1.362."]
    assert Picture(np.array(6720), np.array(2688)).facts == ["Yours is 6720, expected 2688."]
    assert Picture(np.array(2.0), np.array(2)).facts[0].startswith("The values are the same")


def test_a_check_that_is_not_there_names_those_that_are():
    with pytest.raises(AttributeError, match="softmax"):
        lesson_checks("03").sofmax  # noqa: B018
    assert "softmax" in dir(lesson_checks("03"))
    assert "check.softmax(softmax)" in repr(lesson_checks("03")).splitlines()


def test_hints_come_one_after_the_other_and_survive_a_restart(capsys):
    one = exercise("03.softmax")
    one.hint()
    assert one.hints[0] in (out := capsys.readouterr().out) and one.hints[1] not in out
    exercise("03.softmax").hint()
    assert one.hints[1] in capsys.readouterr().out
    for _ in range(3):
        one.hint()
    assert "last hint" in capsys.readouterr().out


def test_the_solution_asks_once(capsys):
    one = exercise("03.softmax")
    one.solution()
    assert "once more" in (out := capsys.readouterr().out) and "np.exp" not in out
    one.solution()
    assert "np.exp" in capsys.readouterr().out
    assert [event["shown"] for event in Progress().events("solution")] == [False, True]


def test_the_solution_does_not_ask_who_has_passed(capsys):
    one = exercise("03.softmax")
    one.check(softmax)
    one.solution()
    assert "np.exp" in capsys.readouterr().out


def test_compare_wants_an_attempt_first(capsys):
    one = exercise("03.softmax")
    one.compare()
    one.check(stub)
    one.compare()
    assert capsys.readouterr().out.count("Nothing to compare yet") == 2
    one.check(naive)
    theirs, solution = one.comparison()
    assert theirs.startswith("def naive") and solution.startswith("def softmax") and "BEGIN SOLUTION" not in solution
    html = Comparison("03.softmax", theirs + "\n# <script>", solution).html()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_compare_shows_no_solution_unasked(capsys):
    one = exercise("03.softmax")
    one.check(naive)
    one.compare()
    assert "once more" in (out := capsys.readouterr().out) and "np.exp" not in out
    one.compare()
    assert "-def naive(scores):" in capsys.readouterr().out
    other = exercise("03.scores")
    other.check(lambda queries, keys: queries @ keys.T)
    other.check(lambda queries, keys: queries @ np.swapaxes(keys, -1, -2))
    other.compare()
    assert "once more" not in capsys.readouterr().out, "who has passed may look"


def test_who_was_asked_about_the_comparison_is_asked_about_the_solution(capsys):
    one = exercise("03.softmax")
    one.check(naive)
    one.compare()
    one.solution()
    assert (out := capsys.readouterr().out).count("once more") == 2 and "np.exp" not in out
    one.solution()
    assert "np.exp" in capsys.readouterr().out
    one.compare()
    assert "-def naive(scores):" in capsys.readouterr().out, "nothing is left to hide"


def test_a_course_without_solutions_says_so(monkeypatch, tmp_path, capsys):
    one = exercise("03.softmax")
    one.check(softmax)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "03_self_attention_by_hand.ipynb").write_text("{}")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    one.solution()
    one.compare()
    assert capsys.readouterr().out.count("has no solutions") == 2


def test_the_solution_is_there_at_once():
    """Loading nbformat takes seconds: a learner who asks for the solution does not wait for it."""
    program = "import sys; from course_lib.classroom.practice import exercise; e = exercise('03.softmax')\n"
    program += "e.bring('solution'), e.bring('solution'), e.check(lambda s: s), e.bring('compare'), e.bring('hint')\n"
    program += "print([name for name in ('nbformat', 'anywidget', 'ipywidgets', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_an_error_of_numpy_is_told_in_words_that_can_be_read():
    told = str(exercise("03.scores").check(lambda queries, keys: keys.T @ keys @ queries @ queries))
    assert "matmul" in told and "is different from" in told and "gufunc" not in told


def test_an_error_offers_a_hint_and_the_page_does_not():
    raised = exercise("03.softmax").check(lambda scores: scores.nothing)
    assert raised.outcome == "error" and "`check.softmax.hint()`" in str(raised) and "hint()" in result_html(raised)
    unjudged = exercise("03.softmax")._result("error", "was changed after it ran", judged=False)
    assert "hint()" not in str(unjudged) + result_html(unjudged)


def test_progress_keeps_the_attempt(own_workspace):
    exercise("03.softmax").check(naive)
    (event,) = Progress().events("check", "03.softmax")
    assert (event["outcome"], event["diagnosis"]) == ("failed", "softmax-overflow")
    assert event["source"].startswith("def naive")
    assert (own_workspace / "progress.sqlite3").exists()


def no_database(path):
    path.write_bytes(b"no database" * 100)


def of_a_newer_course(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.fixture(params=[no_database, of_a_newer_course, Path.mkdir], ids=["corrupt", "newer", "folder"])
def unusable(request, own_workspace):
    """A progress file that can't be used."""
    own_workspace.mkdir()
    request.param(own_workspace / "progress.sqlite3")


@pytest.fixture
def locked(own_workspace):
    """A progress file that another program holds, and never lets go."""
    Progress().record("hint", "03.scores", number=1)
    with closing(sqlite3.connect(own_workspace / "progress.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.usefixtures("unusable")
def test_an_unusable_record_costs_no_answer_hint_or_solution(capsys):
    answers_hints_and_solutions(capsys)


@pytest.mark.usefixtures("locked")
def test_a_locked_record_costs_no_answer_hint_or_solution(capsys):
    answers_hints_and_solutions(capsys)


def test_a_workspace_that_is_none_costs_no_answer_hint_or_solution(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "file"))
    answers_hints_and_solutions(capsys)


def answers_hints_and_solutions(capsys):
    """All that a learner does, each within two seconds and with one sentence, when nothing can be recorded."""
    one = exercise("03.softmax")

    def shown(action, *inputs):
        began = time.monotonic()
        result = action(*inputs)
        assert time.monotonic() - began < 2
        out = capsys.readouterr()
        text = out.out + (str(result) if result is not None else "")
        assert out.err == "" and text.count("Not recorded: ") == 1
        return text

    assert one.hints[1] not in shown(one.hint)
    assert one.hints[1] in shown(one.hint)
    assert "once more" in shown(one.solution)
    assert "np.exp" in shown(one.solution)
    assert "[softmax-overflow]" in shown(one.check, naive)
    assert "-def naive(scores):" in shown(one.compare)
    assert "Passed" in shown(one.check, softmax)
    assert one.passed and "np.exp" in shown(one.solution)

    other = exercise("03.scores")
    assert "not known whether you have passed" in shown(other.solution)
    other.compare()
    assert len(capsys.readouterr().out.splitlines()) == 1
    dashboard()
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_passed_without_a_record_is_passed(monkeypatch, capsys):
    def full(*anything):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(_Connection, "executemany", full)
    one = exercise("03.softmax")
    assert "Not recorded" in str(one.check(softmax)) and one.passed
    one.solution()
    assert "np.exp" in capsys.readouterr().out


def test_a_lone_surrogate_in_an_attempt_is_recorded(own_workspace):
    exercise("03.softmax")._record("check", outcome="failed", source="\ud800")
    assert Progress().events("check")[0]["source"] == "?"  # what is read can be shown


def test_start_copies_once_and_never_overwrites(own_workspace, capsys):
    start("03")
    copy = own_workspace / "exercises" / "03_self_attention_by_hand.ipynb"
    notebook = json.loads(copy.read_text())
    notebook["cells"][0]["source"] = "mine"
    copy.write_text(json.dumps(notebook))
    start("03_self_attention_by_hand")
    assert json.loads(copy.read_text())["cells"][0]["source"] == "mine"
    assert "has changed" not in capsys.readouterr().out

    notebook["metadata"]["course"]["exercises"] = "an older one"
    copy.write_text(json.dumps(notebook))
    start(3)
    assert "has changed" in capsys.readouterr().out
    assert json.loads(copy.read_text())["cells"][0]["source"] == "mine"

    start(3, fresh=True)
    (aside,) = (own_workspace / "exercises" / ASIDE).rglob("*.ipynb")
    assert aside.name == copy.name and json.loads(aside.read_text())["cells"][0]["source"] == "mine"
    assert json.loads(copy.read_text())["cells"][0]["source"] != "mine"


def test_the_link_to_the_copy_leads_there_whatever_the_folder_is_called(tmp_path, monkeypatch):
    folder = tmp_path / "a %23 folder?"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (address,) = re.findall('href="([^"]*)"', Started(tmp_path / "my #1 copy.ipynb", []).html())
    assert address == "../my%20%231%20copy.ipynb"


def test_start_says_what_is_wrong_with_a_copy(own_workspace, capsys):
    (own_workspace / "exercises").mkdir(parents=True)
    (own_workspace / "exercises" / "03_self_attention_by_hand.ipynb").write_text("<<<<<<< HEAD\n")
    start("03")
    assert "<<<<<<<" in (out := capsys.readouterr().out) and "fresh=True" in out


def test_the_dashboard_counts_what_was_done_and_names_what_was_built(capsys):
    exercise("03.softmax").check(naive)
    exercise("03.scores").check(lambda queries, keys: queries @ np.swapaxes(keys, -1, -2))
    exercise("03.scores").hint()
    capsys.readouterr()
    dashboard()
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if line.startswith("03 ")]
    assert re.search(r"hand +1 of 9 +1 of 18 +1 ", row)
    assert "You built scores." in shown


def test_side_by_side_marks_every_kind_of_line():
    assert side_by_side("a\nb\nc\n  d", "a\nB\nc\n  d\ne") == [
        (" ", "a", "a"), ("|", "b", "B"), (" ", "c", "c"), (" ", "  d", "  d"), (">", "", "e"),
    ]  # fmt: skip
    assert side_by_side("a\nb", "b") == [("<", "a", ""), (" ", "b", "b")]

import json

import numpy as np
import pytest

from course_lib.files import ASIDE
from course_lib.practice import dashboard, exercise, exercises_of, lesson_checks, report, start, summary
from course_lib.practice.exercises import NotPassed, checks
from course_lib.practice.learner import RESULTS_MIME
from course_lib.practice.progress import Progress
from course_lib.practice.show import Comparison, Picture, side_by_side


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
        checks(id, title="x", hints=["x"])


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


def test_a_check_that_is_not_there_names_those_that_are():
    with pytest.raises(AttributeError, match="softmax"):
        lesson_checks("03").sofmax  # noqa: B018
    assert "softmax" in dir(lesson_checks("03"))


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
    with pytest.raises(ValueError, match="not attempted"):
        one.compare()
    one.check(stub)
    with pytest.raises(ValueError, match="not attempted"):
        one.compare()
    one.check(naive)
    theirs, solution = one.comparison()
    assert theirs.startswith("def naive") and solution.startswith("def softmax") and "BEGIN SOLUTION" not in solution
    one.compare()
    assert "-def naive(scores):" in capsys.readouterr().out
    html = Comparison("03.softmax", theirs + "\n# <script>", solution).html()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_progress_keeps_the_attempt(own_workspace):
    exercise("03.softmax").check(naive)
    (event,) = Progress().events("check", "03.softmax")
    assert (event["outcome"], event["diagnosis"]) == ("failed", "softmax-overflow")
    assert event["source"].startswith("def naive")
    assert (own_workspace / "progress.sqlite3").exists()


def test_a_verdict_comes_even_when_it_cannot_be_recorded(own_workspace):
    own_workspace.mkdir()
    (own_workspace / "progress.sqlite3").write_bytes(b"no database" * 100)
    with pytest.warns(UserWarning, match="Not recorded"):
        result = exercise("03.softmax").check(softmax)
    assert result.passed and "Not recorded" in str(result)


def test_start_copies_once_and_never_overwrites(own_workspace, capsys):
    start("03")
    copy = own_workspace / "03_self_attention_by_hand.ipynb"
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
    (aside,) = (own_workspace / ASIDE).rglob("*.ipynb")
    assert aside.name == copy.name and json.loads(aside.read_text())["cells"][0]["source"] == "mine"
    assert json.loads(copy.read_text())["cells"][0]["source"] != "mine"


def test_summary_and_dashboard_count_what_was_done(capsys):
    exercise("03.softmax").check(naive)
    exercise("03.scores").check(lambda queries, keys: queries @ np.swapaxes(keys, -1, -2))
    exercise("03.scores").hint()
    (row,) = [row for row in summary() if row["lesson"].startswith("03")]
    assert (row["attempted"], row["passed"], row["hints"]) == (2, 1, 1)
    assert row["points"] == exercise("03.scores").points < row["points_total"]
    assert row["last"]
    capsys.readouterr()
    dashboard()
    assert f"1 of {row['exercises']}" in capsys.readouterr().out


def test_report_judges_what_is_in_the_namespace(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data[RESULTS_MIME][0]))
    rows = report("03", {"softmax": softmax, "scores": 3}, record=False)
    outcomes = {row["id"]: row["outcome"] for row in rows}
    assert outcomes["03.softmax"] == "passed"
    assert outcomes["03.scores"] == "failed"
    assert outcomes["03.causal_mask"] == "unattempted"
    assert json.loads(json.dumps(rows)) == shown
    assert Progress().events() == []


def test_side_by_side_marks_every_kind_of_line():
    assert side_by_side("a\nb\nc\n  d", "a\nB\nc\n  d\ne") == [
        (" ", "a", "a"), ("|", "b", "B"), (" ", "c", "c"), (" ", "  d", "  d"), (">", "", "e"),
    ]  # fmt: skip
    assert side_by_side("a\nb", "b") == [("<", "a", ""), (" ", "b", "b")]

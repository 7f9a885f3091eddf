"""`course review` and `course export`, with keys pressed."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from course_lib.classroom import cli
from course_lib.classroom.practice.progress import Progress
from course_lib.classroom.review import commands, load_questions, schedule
from course_lib.classroom.review.cards import Card
from course_lib.classroom.review.questions import Option
from tests.unit.classroom.review.conftest import DAY, quizzed

OPEN = "03.from-memory"
CHOICE = next(one for one in load_questions("03") if one.options and not one.several)


@pytest.fixture
def progress(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("COLUMNS", "100")
    return Progress()


def answered(progress, *ids):
    for id in ids:
        progress.record("quiz", id, rating="good", now=datetime.now(UTC) - 2 * DAY)


def course(*words, keys=""):
    return CliRunner().invoke(cli.app, words, input=keys)


def test_an_open_question_is_shown_then_rated_by_a_key(progress):
    answered(progress, OPEN)
    run = course("review", keys="\n3")
    assert run.exit_code == 0, run.output
    assert "1 of 1 · Lesson 03 · Self-attention by hand" in run.output and "exponentials = np.exp" in run.output
    assert "1 again: wrong, or nothing came (in 1 day)" in run.output and "4 easy: right at once" in run.output
    assert "1 reviewed." in run.output and "Nothing is due now. Next: 1 card on " in run.output
    (review,) = progress.events("review")
    assert review["rating"] == "good" and review["subject"] == OPEN and review["seconds"] >= 0


def test_without_any_input_one_sentence_says_so(progress):
    answered(progress, OPEN)
    code = "import sys; sys.stdin = None; from course_lib.classroom.cli import main; sys.argv = ['course', 'review']; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1 and run.stderr == commands.TEXTS["no keys"] + "\n"


@pytest.mark.parametrize(("key", "rating"), [("1", "again"), ("2", "hard"), ("3", "good"), ("4", "easy")])
def test_the_four_keys(progress, key, rating):
    answered(progress, OPEN)
    course("review", keys=f"\nx9{key}")
    assert [one["rating"] for one in progress.events("review")] == [rating]


def letters(monkeypatch):
    """Options in the order of the bank."""
    monkeypatch.setattr("random.sample", lambda options, count: list(options))
    right = "".join(letter for letter, option in zip("ABCD", CHOICE.options, strict=True) if option.correct)
    return right, next(letter for letter in "ABCD" if letter != right)


def test_a_choice_is_made_by_its_letter(progress, monkeypatch):
    right, _ = letters(monkeypatch)
    answered(progress, CHOICE.id)
    run = course("review", keys=f"{right.lower()}4")
    assert f"✓ {right}" in run.output and "✗" not in run.output
    assert [one["rating"] for one in progress.events("review")] == ["easy"]


def test_a_wrong_choice_is_told_why_and_comes_back_tomorrow(progress, monkeypatch):
    right, wrong = letters(monkeypatch)
    answered(progress, CHOICE.id)
    run = course("review", keys=wrong)
    assert f"✓ {right}" in run.output and f"✗ {wrong}" in run.output and "It comes back tomorrow." in run.output
    assert [one["rating"] for one in progress.events("review")] == ["again"]


@pytest.mark.parametrize(("line", "rating"), [("ab", "good"), (" B a", "good"), ("abc", "again"), ("a", "again")])
def test_several_letters_end_with_enter(progress, monkeypatch, capsys, line, rating):
    letters(monkeypatch)
    options = tuple(Option(text, text != "three", f"why {text}") for text in ("one", "two", "three"))
    monkeypatch.setattr("builtins.input", lambda: line)
    monkeypatch.setattr(commands, "_key", lambda: "3")
    card = Card("03.some", "03", "quiz", "Recap", 25, lambda: ("Which?", "one, two"), options)
    (due,) = schedule.state(quizzed("03.cost")).values()
    assert commands._ask(replace(due, card=card)) == rating
    assert "Several are right" in capsys.readouterr().out


@pytest.mark.parametrize("keys", ["q", "\nq", "", "\n", "\x03", "\n\x04"])
def test_one_may_stop_at_any_time_and_keeps_what_was_done(progress, keys):
    answered(progress, OPEN)
    run = course("review", keys=keys)
    assert run.exit_code == 0 and "0 reviewed." in run.output and "1 card waits for another day." in run.output
    assert progress.events("review") == []


def test_an_answer_given_in_another_window_meanwhile_is_not_counted_twice(progress, monkeypatch):
    answered(progress, OPEN)

    def elsewhere(card):
        progress.record("review", OPEN, rating="again")
        return "good"

    monkeypatch.setattr(commands, "_ask", elsewhere)
    run = course("review")
    assert "in another window" in run.output and "0 reviewed." in run.output
    assert [one["rating"] for one in progress.events("review")] == ["again"]


def test_nothing_to_do_is_said(progress):
    assert "no cards yet" in course("review").output
    progress.record("quiz", OPEN, rating="good")
    assert "Nothing is due now. Next: 1 card on " in course("review").output


def test_a_broken_progress_file_is_said_in_one_sentence(progress):
    progress.path.parent.mkdir(parents=True, exist_ok=True)
    progress.path.write_bytes(b"not a database" * 100)
    for words in (["review"], ["export", "anki"], ["export", "calendar"]):
        run = course(*words)
        assert run.exit_code == 1 and "can't be used" in run.output and "Traceback" not in run.output


@pytest.mark.parametrize(
    ("what", "name", "begins"), [("calendar", "reviews.ics", "BEGIN:VCALENDAR"), ("anki", "anki.txt", "#sep")]
)
def test_exports_are_written(progress, tmp_path, what, name, begins):
    answered(progress, OPEN)
    for _ in range(2):
        run = course("export", what)
        assert run.exit_code == 0, run.output
    assert (progress.path.parent / "exports" / name).read_text(encoding="utf-8").startswith(begins)
    assert [path.name for path in (progress.path.parent / "exports").iterdir()] == [name]


def test_a_file_of_the_learners_own_is_set_aside(progress, tmp_path):
    own = tmp_path / "mine.txt"
    own.write_text("mine")
    assert course("export", "anki", "--to", str(own)).exit_code == 0
    assert own.read_text(encoding="utf-8").startswith("#separator:tab")
    assert [path.read_text() for path in tmp_path.glob("set-aside/*/mine.txt")] == ["mine"]


def test_what_is_no_export_is_refused(progress):
    assert course("export", "party").exit_code == 2


def test_a_text_steers_no_terminal(capsys):
    commands._show("`\x1b[31m` and [bold]$x$[/bold]")
    assert capsys.readouterr().out == "\\x1b[31m and [bold]x[/bold]\n\n"

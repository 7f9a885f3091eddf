"""The quiz, driven through its widgets as a learner would."""

import ipywidgets as widgets
import pytest

from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.classroom.review import load_questions, quiz
from course_lib.classroom.review.questions import Option, Question
from course_lib.classroom.review.session import recorder
from course_lib.classroom.review.sitting import Quiz

CHOICE = Question(
    "03.choice", "03", "choice", "Recap", "Which of $a < b$?",
    (Option("first", True, "why first"), Option("second", False, "why second"), Option("third", False, "why third")),
)  # fmt: skip
SEVERAL = Question(
    "03.several", "03", "choice", "Recap", "Which ones?",
    (Option("one", True, "why one"), Option("two", True, "why two"), Option("three", False, "why three")),
)  # fmt: skip
OPEN = Question("03.open", "03", "open", "Key concepts", "Why?", answer="Because of <this>.")


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "progress.sqlite3")


def all_widgets(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        if getattr(child.layout, "display", None) != "none":
            yield from all_widgets(child)


def shown_text(quiz):
    return "\n".join(one.value for one in all_widgets(quiz) if isinstance(one, widgets.HTML | widgets.HTMLMath))


def button(quiz, name):
    (found,) = [
        one for one in all_widgets(quiz)
        if isinstance(one, widgets.Button) and one.layout.display != "none" and one.description == name
    ]  # fmt: skip
    assert not found.disabled
    return found


def has_button(quiz, name):
    return any(isinstance(one, widgets.Button) and one.description == name for one in all_widgets(quiz))


def option_rows(quiz):
    return [one for one in all_widgets(quiz) if "quiz-row" in one._dom_classes]


def choose(quiz, text):
    (row,) = [row for row in option_rows(quiz) if text in row.children[1].value]
    row.children[0].click()


def test_the_page_gets_the_module_for_keys(progress):
    """Without it JupyterLab would take the letters of the options as commands on cells."""
    (keys,) = [one for one in Quiz([CHOICE], "A quiz", record=recorder(progress)).children if hasattr(one, "_esm")]
    assert "data-lm-suppress-shortcuts" in keys._esm and "export default" in keys._esm


def test_the_page_is_told_each_step_once_and_again_where_something_is_said(progress):
    asked = Quiz([CHOICE, OPEN], "A quiz", record=recorder(progress))
    (keys,) = [one for one in asked.children if hasattr(one, "_esm")]
    steps = [keys.step]
    keys.observe(lambda change: steps.append(change["new"]), "step")
    button(asked, "Check answer").click()
    for text in ("second", "first"):
        choose(asked, text)
    for name in ("Check answer", "Explain the other options", "Next question", "Show the answer", "Next question"):
        button(asked, name).click()
    for name in ("Good", "Summary", "Start again"):
        button(asked, name).click()
    names = ["answer", "choose", "next", "next", "answer", "rate", "rate", "next", "end", "answer"]
    assert steps == [f"{name} {number}" for number, name in enumerate(names, 1)]
    assert all(f"{name}: {{ hand:" in keys._esm for name in names)


def test_a_right_choice_is_recorded(progress):
    asked = Quiz([CHOICE], "A quiz", record=recorder(progress))
    assert "Which of $a &lt; b$?" in shown_text(asked) and "why first" not in shown_text(asked)
    choose(asked, "first")
    button(asked, "Check answer").click()
    assert "Right." in shown_text(asked) and "why first" in shown_text(asked) and "why second" not in shown_text(asked)
    (event,) = progress.events("quiz", "03.choice")
    assert (event["rating"], event["correct"], event["chosen"], event["form"]) == ("good", True, ["first"], "choice")
    assert event["lesson"] == "03" and event["seconds"] >= 0
    assert asked.results == [{"id": "03.choice", "lesson": "03", "form": "choice", "rating": "good", "correct": True}]


def test_a_wrong_choice_names_the_correct_one_and_explains_the_others_on_request(progress):
    asked = Quiz([CHOICE], "A quiz", record=recorder(progress))
    choose(asked, "second")
    button(asked, "Check answer").click()
    (letter,) = [row.children[0].description for row in option_rows(asked) if "first" in row.children[1].value]
    assert f"Correct: {letter}. Look again at “Recap” in lesson 03." in shown_text(asked)
    assert "why second" in shown_text(asked) and "why third" not in shown_text(asked)
    button(asked, "Explain the other options").click()
    assert all(why in shown_text(asked) for why in ("why first", "why second", "why third"))
    assert progress.events("quiz", "03.choice")[0]["rating"] == "again"


def test_an_answer_can_be_changed_before_it_is_checked_and_not_after(progress):
    asked = Quiz([CHOICE], "A quiz", record=recorder(progress))
    choose(asked, "second")
    choose(asked, "first")
    assert sum("quiz-chosen" in row._dom_classes for row in option_rows(asked)) == 1
    button(asked, "Check answer").click()
    assert all(row.children[0].disabled for row in option_rows(asked))
    assert [event["chosen"] for event in progress.events("quiz")] == [["first"]]


def test_checking_without_a_choice_says_so_and_records_nothing(progress):
    asked = Quiz([CHOICE], "A quiz", record=recorder(progress))
    button(asked, "Check answer").click()
    assert "Choose an answer first." in shown_text(asked)
    assert progress.events("quiz") == []


@pytest.mark.parametrize(
    ("chosen", "rating"), [(["one"], "again"), (["one", "two"], "good"), (["one", "two", "three"], "again")]
)
def test_several_correct_options_must_all_be_chosen(progress, chosen, rating):
    asked = Quiz([SEVERAL], "A quiz", record=recorder(progress))
    assert "Choose all that apply." in shown_text(asked)
    for text in chosen:
        choose(asked, f"{text}")
    button(asked, "Check answer").click()
    assert asked.results[0]["rating"] == rating


@pytest.mark.parametrize(("name", "rating"), [("Again", "again"), ("Hard", "hard"), ("Good", "good"), ("Easy", "easy")])
def test_an_open_question_is_rated_by_the_learner(progress, name, rating):
    asked = Quiz([OPEN], "A quiz", record=recorder(progress))
    (text,) = [one for one in all_widgets(asked) if isinstance(one, widgets.Textarea)]
    text.value = "my <answer>"
    assert "Because" not in shown_text(asked) and not has_button(asked, "Good")
    button(asked, "Show the answer").click()
    assert "Because of &lt;this&gt;." in shown_text(asked)
    button(asked, "Next question").click()
    assert "Rate your answer first" in shown_text(asked) and progress.events("quiz") == []
    button(asked, name).click()
    (event,) = progress.events("quiz", "03.open")
    assert (event["rating"], event["answer"], event["form"]) == (rating, "my <answer>", "open")
    assert event["correct"] == (rating != "again")


def test_previous_next_skip_and_what_was_typed_is_kept(progress):
    asked = Quiz([OPEN, CHOICE], "A quiz", record=recorder(progress))
    (text,) = [one for one in all_widgets(asked) if isinstance(one, widgets.Textarea)]
    text.value = "half an ans"
    assert "Question 1 of 2" in shown_text(asked)
    button(asked, "Skip").click()
    assert "Question 2 of 2" in shown_text(asked)
    choose(asked, "third")
    button(asked, "Previous").click()
    assert text.value == "half an ans"
    button(asked, "Skip").click()
    (chosen,) = [row for row in option_rows(asked) if "quiz-chosen" in row._dom_classes]
    assert "third" in chosen.children[1].value


def test_the_summary_counts_and_says_what_to_look_at_again(progress):
    asked = Quiz([CHOICE, SEVERAL, OPEN], "A quiz", record=recorder(progress))
    choose(asked, "first")
    button(asked, "Check answer").click()
    button(asked, "Next question").click()
    choose(asked, "three")
    button(asked, "Check answer").click()
    button(asked, "Next question").click()
    button(asked, "Skip").click()
    shown = shown_text(asked)
    assert "1 of 3 known" in shown and "1 not answered" in shown
    assert "Which ones?" in shown and "lesson 03, “Key concepts”" in shown and "Which of" not in shown

    button(asked, "Ask the missed ones again").click()
    assert "Question 1 of 2" in shown_text(asked) and "Which ones?" in shown_text(asked)
    assert asked.results == []


def test_start_again_asks_everything_again(progress):
    asked = Quiz([CHOICE], "A quiz", record=recorder(progress))
    for _ in range(2):
        choose(asked, "first")
        button(asked, "Check answer").click()
        button(asked, "Summary").click()
        assert "Nothing to look at again." in shown_text(asked) and not has_button(asked, "Ask the missed ones again")
        button(asked, "Start again").click()
    assert len(progress.events("quiz", "03.choice")) == 2


def test_options_are_shuffled_and_a_seed_repeats_the_order(progress):
    def order(seed):
        asked = quiz("03", count=None, seed=seed, progress=progress)
        return [[option.text for option in one.options] for one in asked._asked]

    assert order(1) == order(1) != order(2)
    firsts = [one.options[0].correct for one in quiz("03", count=None, seed=3, progress=progress)._asked if one.options]
    assert 0 < sum(firsts) < len(firsts) / 2


def test_a_sitting_has_twelve_questions_in_the_order_of_the_lesson(progress):
    bank = [question.id for question in load_questions("03")]
    drawn = [one.question.id for one in quiz("03", seed=1, progress=progress)._asked]
    assert len(drawn) == 12 and drawn == sorted(drawn, key=bank.index)
    assert len(quiz("03", count=None, progress=progress)._asked) == len(bank)
    kinds = [one.question.kind for one in quiz("03", seed=2, progress=progress)._asked]
    assert kinds.count("open") == round(12 * sum(q.kind == "open" for q in load_questions("03")) / len(bank))


def test_what_was_missed_and_what_was_never_asked_comes_first(progress):
    choices = [question.id for question in load_questions("03") if question.kind == "choice"]
    for id in choices[2:]:
        progress.record("quiz", id, rating="easy")
    progress.record("quiz", choices[5], rating="again")
    drawn = {one.question.id for one in quiz("03", count=4, seed=0, progress=progress)._asked}
    assert {choices[0], choices[1], choices[5]} <= drawn


@pytest.fixture
def broken(tmp_path):
    """Progress in a file that is none."""
    (tmp_path / "<is> broken").write_bytes(b"no database" * 100)
    return Progress(tmp_path / "<is> broken")


def test_a_broken_progress_file_is_said_and_does_not_stop_the_quiz(broken):
    asked = quiz("03", seed=1, progress=broken)
    assert len(asked._asked) == 12
    asked = Quiz([CHOICE], "A quiz", record=recorder(broken))
    choose(asked, "first")
    button(asked, "Check answer").click()
    assert "Not recorded: " in shown_text(asked) and "&lt;is&gt; broken" in shown_text(asked)
    assert "Right." in shown_text(asked)


def test_what_could_not_be_recorded_is_remembered_when_questions_are_drawn(broken):
    missed = [question.id for question in load_questions("03") if question.kind == "choice"][-1]
    for question in load_questions("03"):
        with pytest.raises(ProgressError):
            broken.record("quiz", question.id, rating="again" if question.id == missed else "easy")
    assert missed in {asked.question.id for asked in quiz("03", count=2, seed=1, progress=broken)._asked}


def test_the_saved_notebook_shows_the_questions_without_a_kernel(progress):
    bundles = [quiz("03", seed=seed, progress=progress)._repr_mimebundle_() for seed in (1, 2)]
    assert "application/vnd.jupyter.widget-view+json" in bundles[0]
    assert bundles[0]["text/html"] == bundles[1]["text/html"] and bundles[0]["text/plain"] == bundles[1]["text/plain"]
    assert bundles[0]["text/html"].count("<details>") == len(load_questions("03"))


@pytest.mark.parametrize("count", [0, -1, 2.5, "3"])
def test_a_wrong_count_is_refused(count, progress):
    with pytest.raises(ValueError, match="count is .*; expected a whole number of at least 1"):
        quiz("03", count=count, progress=progress)


def test_no_questions_is_refused(progress):
    with pytest.raises(ValueError, match="questions: expected at least one"):
        Quiz([], "Empty", record=recorder(progress))

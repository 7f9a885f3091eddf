"""Which cards are born, and what stands on them."""

import ast
import re

import pytest

from course_lib.classroom.practice.exercises import exercises_of, lessons_with_exercises
from course_lib.classroom.review import lessons_with_questions, load_questions
from course_lib.classroom.review.cards import as_question, asked, cards
from course_lib.classroom.review.questions import pieces
from tests.unit.classroom.review.conftest import FAILED, PASSED, event, quizzed

ANSWERED = quizzed("03.weights-recipe")


@pytest.mark.parametrize(
    ("events", "ids"),
    [
        ([], []),
        (ANSWERED, ["03.weights-recipe"]),
        (ANSWERED * 3, ["03.weights-recipe"]),
        ([FAILED], ["03.softmax/mistake/softmax-over-queries"]),
        ([PASSED], ["03.softmax/task"]),
        ([PASSED, FAILED, PASSED, FAILED], ["03.softmax/task", "03.softmax/mistake/softmax-over-queries"]),
        ([FAILED, {**FAILED, "diagnosis": "scores"}], ["03.softmax/mistake/softmax-over-queries", "03.softmax/mistake/scores"]),
        ([{**FAILED, "message": None}], []),  # of an earlier course, whose events had none
        ([{key: value for key, value in FAILED.items() if key != "message"}], []),
        ([{**FAILED, "source": None}], []),
        ([{**FAILED, "outcome": "error"}], []),
        ([{**FAILED, "outcome": "unattempted"}], []),
        (quizzed("03.is-gone", "99.never-was", "nonsense"), []),
        ([{**PASSED, "subject": "03.is_gone"}, {**FAILED, "subject": "99.never"}], []),
        ([event("review", "03.weights-recipe", rating="good"), event("hint", "03.softmax")], []),
    ],
)  # fmt: skip
def test_cards_are_born_by_what_was_done(events, ids):
    assert list(cards(events)) == ids


def test_a_mistakes_card_shows_the_code_of_then_and_what_was_said():
    later = {**FAILED, "source": "def softmax(scores):\n    return scores", "message": "Another sentence."}
    (card,) = cards([FAILED, later]).values()
    assert card.kind == "mistake" and card.lesson == "03" and card.title == "A softmax that survives large scores"
    assert FAILED["source"] in card.front and "What is wrong with it?" in card.front
    assert card.front.index("adding up to 1 along the *last* axis") < card.front.index(FAILED["source"])
    assert card.back == FAILED["message"]


def test_a_card_whose_answer_is_a_question_says_who_asked():
    (card,) = cards([{**FAILED, "message": "The columns sum to 1. Which axis are the keys?"}]).values()
    assert card.back == "What the check said: The columns sum to 1. Which axis are the keys?"


def test_once_the_exercise_is_passed_the_answer_to_a_mistake_shows_the_code_that_is_right():
    own = "def softmax(scores):\n    return mine"
    later = [PASSED, FAILED, {**PASSED, "source": own}]
    back = cards(later)["03.softmax/mistake/softmax-over-queries"].back
    assert back == f"{FAILED['message']}\n\nYour code that passed:\n\n```\n{own}\n```"
    task = cards([PASSED])["03.softmax/task"].back
    for source in (None, ""):
        back = cards([FAILED, {**PASSED, "source": source}])["03.softmax/mistake/softmax-over-queries"].back
        assert back == f"{FAILED['message']}\n\nThe solution:\n\n{task}"


def test_code_with_three_backticks_stays_one_block():
    (card,) = cards([{**FAILED, "source": 'def softmax(s):\n    """```\n    $x$\n    ```"""'}]).values()
    assert card.front.count("```") == 2


def test_code_too_long_to_be_read_is_cut():
    (card,) = cards([{**FAILED, "source": "def softmax(s):\n" + "    s = s + 1\n" * 500}]).values()
    assert card.front.count("\n") < 75 and "…" in card.front


def test_a_task_is_asked_from_memory_and_answered_by_the_solution():
    (card,) = cards([PASSED]).values()
    assert card.front.startswith(
        "From memory: *A softmax that survives large scores*\n\nTurn scores into weights: positive,"
    )
    assert "has to survive scores of 1000" in card.front and "e^{s_j}" not in card.front
    assert "def softmax(scores):" in card.front and "exponentials" not in card.front
    assert "exponentials" in card.back and "### BEGIN" not in card.back


def test_a_task_whose_notebook_is_broken_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    (card,) = cards([PASSED]).values()
    assert "A softmax that survives large scores" in card.front and "there is no lesson '03'" in card.back


def test_the_code_that_a_task_is_about_stands_on_its_card():
    (card,) = cards([{**PASSED, "subject": "03.breaking_case"}]).values()
    assert "def colleagues_weights(scores, mask)" in card.front and "def breaking_case():" in card.front


@pytest.mark.slow
@pytest.mark.parametrize("lesson", lessons_with_exercises())
def test_every_task_of_the_course_says_all_that_is_needed_to_write_it(lesson):
    passed = [{**PASSED, "subject": one.id} for one in exercises_of(lesson)]
    for card in cards(passed).values():
        name = card.about.partition(".")[2]
        assert f"def {name}(" in card.back, card.id
        head, _, signature = card.front.rpartition("```\ndef ")
        said = "\n\n".join(head.split("\n\n")[1:])
        (function,) = ast.parse(f"def {signature.removesuffix('```')} ...").body
        arguments = [one.arg for one in function.args.args if not (one.arg.startswith("W_") and "matrices" in said)]
        unsaid = [one for one in arguments if not re.search(rf"\b{one}\b", said)]
        assert max(map(len, signature.split("\n"))) <= 64, f"{card.id}: too wide to be read without scrolling"
        assert len(said) > 60 and unsaid == [], f"{card.id} does not say what {unsaid} are:\n{card.front}"
        if re.search("[Cc]olleague|these words", said):
            assert "```" in said, f"{card.id} does not show what it is about:\n{card.front}"
        marks = "".join(piece for kind, piece in pieces(said) if kind == "text")
        assert not re.search(r"\*\*|```|\]\(|^#|^- ", marks, re.M), f"{card.id}: {marks}"
        assert not re.search(r":\n\n(?!```|•)", said), f"{card.id}: what follows a colon?\n{said}"


@pytest.mark.parametrize(
    ("prompt", "short"),
    [
        ("## 1. Scores\n\nHow well does each\nfit? Write it.", "How well does each fit? Write it."),
        ("## 5. All\n\n$$x$$\n\n(Vaswani et al. 2017.) Put it together. Now.", "Put it together. Now."),
        ("## 5. All\n\nIt is this:\n\n$$\\begin{x}\ny\n\n\\end{x}$$\n\n(Kingma (2015), algorithm 1.)", "It is this."),
        ("## 5. All\n\n([Kingma](https://arxiv.org/abs/1), algorithm 1.) Put it.", "Put it."),
        ("## 2. Two\n\nSee [it](https://x.y).\n\n- a\n  list\n- two\n\nThe **last** one.", "See it.\n\n• a list\n\n• two\n\nThe *last* one."),
        ("## 2. Two\n\n**In:** `x`.\n**Out:** a number. As slow loops, for one:\n\n```python\nx\n\ny\n```", "*In:* `x`. *Out:* a number."),
        ("## 2. Two\n\nThe `mask`:\n\n```python\na\n\n  b\n```\n\nWrite.", "The `mask`:\n\n```\na\n\n  b\n```\n\nWrite."),
        ("## 2. Two\n\nWrite it.\n\nPredict: which is it?\n\nPredict first: how many?", "Write it."),
        ("## 2. Two\n\nA **bold `code`** word.", "A bold `code` word."),
        ("## 3. Three\n\nNo end", "No end"),
        ("## 4. Four", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_a_prompt_asks_in_short(prompt, short):
    assert asked(prompt) == short


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (quizzed("03.weights-recipe")[0], "Lesson 03 · Self-attention by hand · Step 8 · The whole function"),
        (quizzed("03.self-attention")[0], "Lesson 03 · Self-attention by hand"),  # “Overview” says nothing
        (PASSED, "Lesson 03 · Self-attention by hand · exercise"),
        (FAILED, "Lesson 03 · Self-attention by hand · exercise"),
    ],
)
def test_a_card_says_which_lesson_and_step_it_comes_from(event, place):
    (card,) = cards([event]).values()
    assert card.place == place


def test_a_card_of_a_lesson_that_cannot_be_read_still_says_its_number(tmp_path, monkeypatch):
    (card,) = cards([PASSED]).values()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    assert card.place == "Lesson 03 · exercise"


def test_cards_can_be_asked_as_questions():
    for card in cards([*ANSWERED, FAILED, PASSED]).values():
        question = as_question(card)
        assert (question.id, question.lesson, question.prompt) == (card.id, card.lesson, card.front)
        assert question.options == card.options and bool(question.answer) == (not card.options)


def test_every_question_of_the_bank_makes_a_card_with_an_answer():
    ids = [one.id for lesson in lessons_with_questions() for one in load_questions(lesson)]
    made = cards(quizzed(*ids))
    assert list(made) == ids and all(card.front and card.back and card.seconds for card in made.values())

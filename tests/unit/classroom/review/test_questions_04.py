"""What the questions of lesson 04 claim, computed."""

import numpy as np
import pytest

from course_lib.attention import split_heads
from course_lib.classroom.review.questions import load_questions


def correct(id):
    (question,) = [question for question in load_questions("04") if question.id == id]
    (option,) = [option for option in question.options if option.correct]
    return option.text


def test_bank_is_large_enough_and_answers_the_outlines():
    questions = load_questions("04")
    assert len(questions) >= 10 and sum(question.kind == "open" for question in questions) >= 3
    covered = {one for question in questions for one in question.covers}
    assert covered >= {"T-quiz-2", "A-quiz-4", "T-path2-1", "A-path4-1", "A-path4-2"}


def test_parameters():
    assert "4 \\cdot 512^2" in correct("04.parameters")
    for heads in (1, 8):
        width = 512 // heads
        assert 3 * heads * 512 * width + heads * width * 512 == 4 * 512**2


def test_reshape():
    named = 10 * np.arange(4)[:, None] + np.arange(6)
    assert correct("04.reshape").strip("`[] ").split(",") == ["3", "  4", "  5"]
    assert named.reshape(2, 4, 3)[0, 1].tolist() == [3, 4, 5]
    assert split_heads(named, 2)[0, 1].tolist() == [10, 11, 12] and split_heads(named, 2)[1, 1].tolist() == [13, 14, 15]


def test_split_line():
    batch, seq, heads, width = 2, 5, 3, 4
    q = np.random.default_rng(0).normal(size=(batch, seq, heads * width))
    names = {"q": q, "batch": batch, "seq": seq, "heads": heads, "width": width}
    (question,) = [question for question in load_questions("04") if question.id == "04.split-line"]
    for option in question.options:
        made = eval(option.text.split("`")[1], {}, names)
        assert (made.shape == (2, 3, 5, 4) and np.array_equal(made, split_heads(q, heads))) == option.correct


def test_scale():
    assert correct("04.scale").startswith("$8$") and np.sqrt(512 // 8) == 8


@pytest.mark.parametrize("seed", range(3))
def test_width_one(seed):
    rng = np.random.default_rng(seed)
    keys, queries = rng.normal(size=(16, 1)), rng.normal(size=(5000, 1))
    assert correct("04.width-one").startswith(f"{len(set((queries @ keys.T).argmax(axis=-1).tolist()))}:")

"""The writer's rungs train, its controls are probabilities, and the kept numbers are those of the settings as they are."""

import itertools
import math

import pytest

from course_lib.data import docs
from course_lib.training import writer


@pytest.mark.parametrize("lesson", writer.RUNGS)
def test_each_rung_learns_and_writes(lesson):
    model, history = writer.train(lesson, num_steps=3, warmup_steps=0, progress=False)
    assert len(history) == 3 and history[-1]["loss"] < math.log(len(docs.vocabulary()))
    text = writer.sample(model, "The ", 20)
    assert len(text) == 24 and text.startswith("The ")
    assert text == writer.sample(model, "The ", 20, use_cache=False)


def test_the_same_seed_gives_the_same_model():
    short = {"num_steps": 2, "progress": False}
    same, other = (writer.train("05", seed=1, **short)[0] for _ in range(2))
    assert writer.sample(same) == writer.sample(other)
    assert writer.sample(same) != writer.sample(writer.train("05", seed=2, **short)[0])


def test_rungs_differ_in_what_their_lesson_adds():
    sizes = [sizes for _, sizes, _ in writer.RUNGS.values()]
    for before, after in itertools.pairwise(sizes):
        assert before.items() <= after.items()
    assert sizes[-1] == sizes[-2]  # there only the training is another


def test_no_such_rung():
    for function in (writer.train, writer.rungs):
        with pytest.raises(ValueError, match="lesson is '02'"):
            function("02")


@pytest.mark.parametrize("num_letters", [1, 2, 4])
@pytest.mark.parametrize("before", ["", "q", "the ", "never seen: žž"])
def test_counts_give_probabilities(num_letters, before):
    counts = writer.Counts("the cat the hat the end", num_letters)
    letters = docs.vocabulary().tokens
    assert sum(counts.probability(before, letter) for letter in letters) == pytest.approx(1)


def test_counts_are_counted():
    counts, all_alike = writer.Counts("abac", 2), 1 / len(docs.vocabulary())
    single = (2 + writer.TRUST * all_alike) / (4 + writer.TRUST)  # a stands there twice of four
    assert counts.probability("", "a") == pytest.approx(single)
    assert counts.probability("zb", "a") == pytest.approx((1 + writer.TRUST * single) / (1 + writer.TRUST))


def test_more_letters_of_context_predict_better_as_kept():
    found = [writer.counted(size) for size in (1, 2, 3)]
    assert found == sorted(found, reverse=True)
    kept = writer.measured()["counts"]  # the manual differs a little from one Python to the next
    assert found == pytest.approx([kept[str(size)] for size in (1, 2, 3)], abs=0.1)


@pytest.mark.parametrize("lesson", writer.RUNGS)
def test_kept_losses_come_from_the_settings_as_they_are(lesson):
    kept = writer.measured()["rungs"][lesson]
    assert kept["settings"] == writer.settings(lesson)
    assert len(kept["losses"]) == len(writer.SEEDS)


def test_the_ladder_is_climbed():
    """What lessons say of it: order does more than heads, and each later rung is better with every seed."""
    kept, counts = writer.measured(), writer.controls()
    losses = {lesson: one["losses"] for lesson, one in kept["rungs"].items()}
    assert min(losses["03"] + losses["04"]) > counts["counted pairs"] > max(losses["05"])
    for lower, higher in [("04", "05"), ("05", "06"), ("06", "07")]:
        assert max(losses[higher]) < min(losses[lower])
    assert max(losses["07"]) < counts["counted threes"] < min(losses["05"])


def test_a_lesson_shows_the_rungs_that_it_has_reached():
    ladder = writer.rungs("05", own=2.5)
    assert ladder["05 · positions"] == [2.5, *writer.measured()["rungs"]["05"]["losses"][1:]]
    assert ladder["04 · four heads"] == writer.measured()["rungs"]["04"]["losses"]
    assert [name for name, losses in ladder.items() if losses is None] == ["lesson 06 · ?", "lesson 07 · ?"]
    assert None not in writer.rungs("07").values()


def test_bits():
    assert writer.bits(math.log(8)) == pytest.approx(3)

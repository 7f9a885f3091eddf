"""What is named, and what is not: small exercises of one line."""

import numpy as np
import pytest

from course_lib.classroom.practice import answers, catalogue, judging
from course_lib.classroom.practice.catalogue import Case, cases, mistake
from course_lib.classroom.practice.judging import judge
from course_lib.classroom.practice.steps import Step, everywhere_known, step
from course_lib.classroom.practice.trial import LearnerError


@pytest.fixture
def known(monkeypatch):
    """An exercise that asks for two arrays; its one mistake raises an error on every input."""
    monkeypatch.setattr(catalogue, "_known", {})
    monkeypatch.setattr(catalogue, "_sentences", {})
    entry = catalogue.know("00.both", lambda x: (x + 1, x * 2), ("sum", "product"), None, ())

    @cases("00.both")
    def both_cases():
        yield Case("three numbers", np.arange(3.0))
        yield Case("a table", np.ones((2, 3)))

    mistake("00.both", "always-raises", "The axis is too high.", lambda x: x.sum(axis=7))
    return entry


def diagnosis_of(known, answer):
    with pytest.raises(AssertionError) as raised:
        judge(known, answer)
    return raised.value.args[0]


def test_an_error_on_every_input_is_no_known_mistake_only_because_one_raises_too(known):
    with pytest.raises(LearnerError, match="AxisError"):
        judge(known, lambda x: (x.mean(axis=9), x))


def test_errors_alone_are_named_where_one_known_mistake_gives_them_and_not_where_two_do(known):
    def of_tables_alone(x):
        _, columns = x.shape
        return x + 1, x * 2 + 0 * columns

    mistake("00.both", "of-tables-alone", "The input need not be a table.", of_tables_alone)
    assert diagnosis_of(known, of_tables_alone).diagnosis == "of-tables-alone"
    mistake("00.both", "joined", "You make a table of it.", lambda x: (x.reshape(2, 3) + 1, x.reshape(2, 3) * 2))
    with pytest.raises(LearnerError, match="three numbers|unpack"):
        judge(known, of_tables_alone)


def test_right_values_in_another_order_are_named(known):
    wrong = diagnosis_of(known, lambda x: (x * 2, x + 1))
    assert wrong.diagnosis == "returned-in-another-order"
    assert "product, sum. Expected: sum, product" in wrong.message


def test_one_of_the_right_values_alone_is_named(known):
    wrong = diagnosis_of(known, lambda x: x * 2)
    assert wrong.diagnosis == "not-as-many"
    assert "the product" in wrong.message


def test_other_values_in_another_order_are_not(known):
    assert diagnosis_of(known, lambda x: (x * 2, x + 3)).diagnosis == "different-values"


def test_a_known_mistake_warns_nobody_when_it_is_tried(known, recwarn):
    mistake("00.both", "mean-of-nothing", "You average nothing.", lambda x: (x[:0].mean(), x))
    assert diagnosis_of(known, lambda x: (x - 1, x)).diagnosis == "different-values"
    assert not recwarn.list


def test_numbers_in_one_array_count_as_the_several_that_were_asked_for(known, monkeypatch):
    two = catalogue.know("00.two", lambda x: (x.sum(), x.size), ("sum", "count"), None, ())
    two.cases.extend(known.cases)
    judge(two, lambda x: [x.sum(), x.size])
    assert diagnosis_of(two, lambda x: np.array([x.sum(), x.size])).diagnosis == "floats-for-whole-numbers"
    assert diagnosis_of(two, lambda x: np.array([x.sum(), x.size, 0])).diagnosis == "not-as-many"


def test_right_numbers_of_another_kind_are_not_named_after_a_slip_that_changes_nothing(known):
    count = catalogue.know("00.count", lambda x: np.array([x.size, 1]), "sizes", None, ())
    count.cases.extend(known.cases)
    mistake("00.count", "counts-twice", "You count twice.", lambda x: np.array([x.size, 1]))
    assert diagnosis_of(count, lambda x: np.array([x.size, 1.0])).diagnosis == "floats-for-whole-numbers"


def test_where_any_order_is_right_both_are_shown_in_the_same_order(known):
    any_order = catalogue.know("00.any", lambda x: np.arange(x.size), "numbers", np.sort, ())
    any_order.cases.extend(known.cases)
    judge(any_order, lambda x: np.arange(x.size)[::-1])
    wrong = diagnosis_of(any_order, lambda x: np.append(x.size, np.arange(x.size - 1)))
    assert (wrong.got[:-1] == wrong.expected[:-1]).all()
    assert wrong.message.startswith("The last entry is wrong")


def test_a_list_of_numbers_bears_the_name_of_a_mistake_that_gives_them_in_an_array():
    listed, array = answers.plain([1.0, 2.0]), answers.plain(np.array([1.0, 2.0]))
    assert answers.alike(array, listed)
    assert answers.alike(listed, array)
    assert not answers.alike(array, answers.plain([1.0, 3.0]))


def test_of_lists_with_the_right_numbers_it_is_said_that_they_are_right(known):
    square = catalogue.know("00.square", lambda x: np.eye(x.size), "matrix", None, ())
    square.cases.extend(known.cases)
    told = diagnosis_of(square, lambda x: np.eye(x.size).tolist())
    assert (told.diagnosis, told.message.endswith("What stands in it is right.")) == ("returns-a-list", True)
    for other in (lambda x: np.zeros((x.size, x.size)).tolist(), lambda x: [[1.0], [0.0, 1.0]]):
        assert diagnosis_of(square, other).message.endswith("It is wrong on all 2 inputs tried.")
    both = catalogue.know("00.two", lambda x: (np.eye(x.size), x), ("matrix", "numbers"), None, ())
    both.cases.extend(known.cases)
    told = diagnosis_of(both, lambda x: (np.eye(x.size).tolist(), x))
    assert (told.diagnosis, told.message.endswith("What stands in it is right.")) == ("returns-a-list", True)
    assert not diagnosis_of(both, lambda x: (np.eye(x.size).tolist(), -x)).message.endswith(
        "What stands in it is right."
    )


@pytest.fixture
def stepped(known):
    """An exercise in steps: 2 (x - 1) + 1, the first step inside of another."""
    shifted, doubled, raised = (Step(step) for step in (lambda x: x - 1, lambda x: 2 * shifted(x), lambda x: x + 1))
    shifted.slip("not-shifted", "Nothing is subtracted.", lambda x: x)
    shifted.slip("shifted-by-all", "The sum is subtracted.", lambda x: x - x.sum())
    doubled.slip("not-doubled", "Nothing is doubled.", lambda x: x)
    raised.slip("not-raised", "Nothing is added.", lambda x: x)
    entry = catalogue.know("00.steps", lambda x: raised(doubled(x)), "numbers", None, {"shifted-by-all"})
    entry.cases.extend(known.cases)
    entry.cases.append(lambda: iter([Case("more numbers", np.arange(8.0))]))
    return entry


def test_a_slip_is_not_tried_together_with_one_of_a_step_that_it_leaves_out(stepped):
    x = np.arange(3.0)
    pairs = judging._pairs(stepped, judging.slips_of(stepped.reference, [x]), [x])
    assert [{first[2][0], second[2][0]} for first, second in pairs] == [
        {"not-doubled", "not-raised"},
        {"not-shifted", "not-raised"},
    ]


def test_a_slip_that_makes_no_difference_here_is_no_part_of_two(stepped):
    both = diagnosis_of(stepped, lambda x: 2 * x)
    assert both.diagnosis == "not-shifted+not-raised"
    assert diagnosis_of(stepped, lambda x: 2 * (x - x.sum())).diagnosis == "different-values"


def test_a_slip_can_be_made_at_every_place_of_its_step(known):
    @step
    def doubled(x):
        return 2 * x

    doubled.slip("tripled", "You take three{at}.", lambda x: 3 * x)
    both = catalogue.know(
        "00.both", lambda x: (doubled(x, at="first"), doubled(x + 1, at="second")), ("one", "two"), None, ()
    )
    both.cases.extend(known.cases)
    everywhere_known("00.both", both.reference, doubled)
    assert diagnosis_of(both, lambda x: (3 * x, 3 * x + 3)).message == "You take three."
    assert diagnosis_of(both, lambda x: (2 * x, 3 * x + 3)).message == "You take three second."


@pytest.mark.parametrize("change, said", [
    (lambda x: np.round(x, 2), "with 2 digits"), (lambda x: x.astype(int), "with 0 digits"),
])  # fmt: skip
def test_rounded_values_are_said_to_be_that(monkeypatch, change, said):
    monkeypatch.setattr(catalogue, "_known", {})
    entry = catalogue.know("00.half", lambda x: x / 7, "half", None, ())

    @cases("00.half")
    def half_cases():
        yield Case("three numbers", np.array([10.0, -20, 40]))
        yield Case("a table", np.array([[50.0, 60, 71], [-80, 90, 100]]))

    assert said in diagnosis_of(entry, lambda x: change(x / 7)).message


def test_two_slips_together_are_believed_only_where_the_answer_tells_much(known):
    @step
    def doubled(x):
        return 2 * x

    @step
    def raised(x):
        return x + 1

    doubled.slip("tripled", "You triple.", lambda x: 3 * x)
    raised.slip("lowered", "You subtract 1.", lambda x: x - 1)
    two = catalogue.know("00.steps", lambda x: raised(doubled(x)), "numbers", None, ())
    two.cases.append(lambda: iter([Case("a few numbers", np.arange(8.0))]))
    assert diagnosis_of(two, lambda x: 3 * x - 1).diagnosis == "tripled+lowered"
    signs = catalogue.know("00.signs", lambda x: raised(doubled(x)) > 14, "signs", None, ())
    signs.cases.extend(two.cases)
    assert diagnosis_of(signs, lambda x: x > 5).diagnosis == "different-values", "the two slips together give the same"


def test_the_same_slip_at_two_places_is_said_once(stepped):
    for one in [site.step for site in judging._sites(stepped.reference, [np.arange(3.0)])]:
        one.slip("too-large", "Your numbers are too large.", lambda x: 3 * x)
    twice = diagnosis_of(stepped, lambda x: 9 * x)
    assert (twice.diagnosis, twice.message) == ("too-large", "Your numbers are too large.")


def test_a_demand_is_made_of_answers_with_right_values_alone(known):
    @catalogue.demands("00.both")
    def in_one_call(candidate):
        calls = getattr(candidate, "calls", 0)
        judging.require(calls < 1, "calls-itself", "It calls itself {calls} times.", calls=calls)

    def answer(x):
        return x + 1, x * 2

    judge(known, answer)
    answer.calls = 2
    assert diagnosis_of(known, answer).message == "It calls itself 2 times."
    assert diagnosis_of(known, lambda x: (x, x)).diagnosis == "different-values"


def test_nothing_but_zeros_is_not_called_rounded(known):
    small = catalogue.know("00.small", lambda x: x / (10 * x.size), "shares", None, ())
    small.cases.extend(known.cases)
    assert "digits" not in diagnosis_of(small, lambda x: np.zeros(x.shape)).message

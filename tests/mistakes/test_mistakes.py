"""Every wrong variant fails with its own diagnosis, every right one passes, and nobody's answer is left out."""

import ast
import functools
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from course_lib.classroom import build, notebooks, places
from course_lib.classroom.practice import (
    answers,
    catalogue,
    draws,
    exercise,
    exercises_of,
    judging,
    lessons_with_exercises,
)
from tests.mistakes.collection import EQUAL, RIGHT, WRONG
from tests.mistakes.mutants import mutants

for number in lessons_with_exercises():
    importlib.import_module(f"tests.mistakes.lesson_{number}")

EXERCISES = [one for number in lessons_with_exercises() for one in exercises_of(number)]


def named(rows):
    return [pytest.param(*row, id=f"{row[0]}-{row[-1].__name__}") for row in rows]


@pytest.mark.parametrize("exercise_id, diagnosis, answer", named(WRONG))
def test_wrong_answer_gets_its_diagnosis(exercise_id, diagnosis, answer):
    result = exercise(exercise_id).check(answer, record=False)
    assert (result.outcome, result.diagnosis) == ("failed", diagnosis), str(result)
    assert result.message and "{" not in result.message
    assert "text/html" in result._repr_mimebundle_()


@pytest.mark.parametrize("exercise_id, answer", named(RIGHT))
def test_right_answer_in_another_style_passes(exercise_id, answer):
    result = exercise(exercise_id).check(answer, record=False)
    assert result.passed, str(result)
    assert result.diagnosis is None


def judged(known_id, function):
    """The verdict on a function of the course, as if a learner had written it."""
    return exercise(known_id).check(lambda *inputs: function(*inputs), record=False)


KNOWN = [catalogue.known(one.id) for one in EXERCISES if catalogue.known(one.id)]
SALTS = 1, 2, 3


def slips(known):
    """Every single slip of a reference: ("slip at its place", diagnosis, the function with the slip)."""
    found = {}
    for case in known.inputs():
        found |= judging.slips_of(known.reference, case.inputs)
    return [
        (f"{diagnosis} {number} in {site}", diagnosis, lambda *inputs, only={site: slip}: judging.run(known.reference, inputs, only)[0])
        for (site, number, diagnosis), slip in found.items()
    ]  # fmt: skip


def mistakes(known):
    """Every registered mistake: ("its name and number", diagnosis, function)."""
    return [(f"{name} {i}", name, function) for i, (name, function) in enumerate(known.mistakes)]


def names_of(known, function):
    """All known diagnoses whose outputs are those of this function, on every input."""
    same = set()
    cases = known.inputs()
    own = [judging.outcome(function, case.inputs) for case in cases]
    for _, name, other in mistakes(known) + slips(known):
        outcomes = (judging.outcome(other, case.inputs) for case in cases)
        if all(answers.alike(one, two, case.within) for one, two, case in zip(outcomes, own, cases, strict=True)):
            same.add(name)
    return same


def only_raises(known, function):
    """Whether a function is right wherever it raises no error."""
    tried = ((judging.outcome(function, case.inputs), case) for case in known.inputs())
    return all(
        isinstance(got, answers.Raised) or answers.right(got, answers.plain(known.reference(*case.inputs)), case.within)
        for got, case in tried
    )


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_every_known_mistake_is_named(known):
    for where, diagnosis, function in mistakes(known) + slips(known):
        result = judged(known.id, function)
        if diagnosis in known.same and result.passed:
            continue
        if result.outcome == "error":  # what raises wherever it is wrong may be another mistake
            assert only_raises(known, function), f"{where}: {result}"
            continue
        assert result.outcome == "failed", f"{where}: {result}"
        named = result.diagnosis in {diagnosis, "changes-its-input"}
        assert named or result.diagnosis in names_of(known, function), f"{where}: {result}"
        assert result.message and "{" not in result.message


def right_ones(known, functions):
    """Those of ("name", diagnosis, function) that a check passes: right on every input, and as the exercise demands."""
    tried = [(case, answers.plain(known.reference(*map(answers.copied, case.inputs)))) for case in known.inputs()]
    return [
        (where, diagnosis)
        for where, diagnosis, function in functions
        if all(
            judging.is_right(known, judging.outcome(function, case.inputs), expected, case) for case, expected in tried
        )
        and (not known.demands or judged(known.id, function).passed)
    ]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_what_makes_no_difference_is_no_slip(known):
    all_slips = slips(known)
    passing = {diagnosis for _, diagnosis in right_ones(known, all_slips)}
    assert passing == known.same & {name for _, name, _ in all_slips}


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_a_verdict_hangs_on_no_drawn_number(known):
    wrong = mistakes(known) + slips(known)
    for salt in SALTS:
        with draws.drawn_anew(salt):
            assert judged(known.id, known.reference).passed
            passing = right_ones(known, wrong)
            assert [where for where, diagnosis in passing if diagnosis not in known.same] == []


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_inputs_can_be_drawn_anew(known):
    def drawn():
        return [answers.plain(known.reference(*case.inputs)) for case in known.inputs()]

    before = drawn()
    with draws.drawn_anew(1):
        assert not all(answers.alike(*pair) for pair in zip(before, drawn(), strict=True))


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_properties_hold_for_what_is_right(known):
    for case in known.inputs():
        expected = answers.plain(known.reference(*case.inputs))
        for diagnosis, property_holds in known.properties:
            assert property_holds(expected, *case.inputs), (diagnosis, case.about)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.id)
def test_no_sentence_hands_over_a_line(known):
    lesson, _, name = known.id.partition(".")
    tree = ast.parse(build.solution_code(lesson, name))
    values = [node.value for node in ast.walk(tree) if isinstance(node, (ast.Return, ast.Assign)) and node.value]
    lines = {re.sub(r"\s", "", ast.unparse(value)) for value in values}
    told = {diagnosis: catalogue.sentence_of(diagnosis) for _, diagnosis, _ in mistakes(known) + slips(known)}
    for diagnosis, sentence in told.items():
        bare = re.sub(r"[\s`]", "", sentence)
        assert not [line for line in lines if len(line) > 10 and line in bare], (diagnosis, sentence)


@pytest.mark.parametrize("exercise_id, diagnosis, answer", [
    pytest.param(*row, id=f"{row[0]}-{row[1]}-{i}") for i, row in enumerate(catalogue.judged_mistakes)
])  # fmt: skip
def test_known_mistake_without_a_reference_is_named(exercise_id, diagnosis, answer):
    result = judged(exercise_id, answer)
    assert (result.outcome, result.diagnosis) == ("failed", diagnosis), str(result)
    assert result.message and "{" not in result.message


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_a_solution_with_one_sign_changed_fails(one):
    allowed, passed = set(EQUAL.get(one.id, ())), set()
    for change, source in mutants(build.solution_code(one.lesson, one.function_name)):
        namespace = {"np": np}
        for earlier in exercises_of(one.lesson):
            exec(build.solution_code(earlier.lesson, earlier.function_name), namespace)
        try:
            exec(source, namespace)
        except Exception:
            continue  # not a function any more
        if one.check(namespace[one.function_name], record=False, seconds=1).passed:
            passed.add(change)
    assert passed == allowed


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_exercise_is_well_tried(one):
    wrong = {diagnosis for exercise_id, diagnosis, _ in [*WRONG, *catalogue.judged_mistakes] if exercise_id == one.id}
    if catalogue.known(one.id):
        wrong |= {name for _, name, _ in mistakes(catalogue.known(one.id)) + slips(catalogue.known(one.id))}
    assert len(wrong) >= 6, f"{one.id} has wrong variants for {sorted(wrong)} only"
    assert any(exercise_id == one.id for exercise_id, _ in RIGHT)


def solution(one):
    namespace = {"np": np}
    for earlier in exercises_of(one.lesson):  # a solution may use the ones before it
        exec(build.solution_code(one.lesson, earlier.function_name), namespace)
    return namespace[one.function_name]


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_solution_passes(one):
    result = one.check(solution(one), record=False)
    assert result.passed, str(result)


ODD = {
    "booleans": lambda part: part.astype(bool),
    "nan": lambda part: np.full(part.shape, np.nan),
    "infinity": lambda part: np.full(part.shape, -np.inf),
    "empty": lambda part: np.zeros((0, *part.shape[1:])),
    "no columns": lambda part: np.zeros((*part.shape[:-1], 0)),
    "one number": lambda part: np.float64(0.5),
    "one axis more": lambda part: part[None],
    "flat": lambda part: part.ravel(),
    "half": lambda part: part + 0.5,
    "huge": lambda part: np.full(part.shape, 10**9),
    "negative": lambda part: -1 - np.abs(part.astype(float)),
}


@pytest.mark.parametrize("change", [*ODD, "twice", "without the last"])
@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_an_odd_answer_gets_a_verdict(one, change):
    right = solution(one)

    @functools.wraps(right)
    def answer(*inputs):
        found = right(*inputs)
        parts = found if isinstance(found, tuple) else (found,)
        if change == "twice":
            return (*parts, *parts)
        if change == "without the last":
            return parts[:-1]
        changed = tuple(ODD[change](np.asarray(part)) for part in parts)
        return changed if isinstance(found, tuple) else changed[0]

    result = one.check(answer, record=False)
    assert result.passed or (result.outcome == "failed" and result.message and "{" not in result.message), str(result)


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_stub_is_unattempted(one):
    tasks = notebooks.task_cells(notebooks.read(places.lesson_path("exercises", one.lesson)))
    namespace = {"np": np}
    exec(tasks[one.function_name][0].source, namespace)
    assert one.check(namespace[one.function_name], record=False).outcome == "unattempted"


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_hints_say_something(one):
    assert len(one.hints) >= 2
    assert all(len(hint.strip()) > 20 for hint in one.hints)
    assert len(set(one.hints)) == len(one.hints)


def test_a_diagnosis_means_the_same_in_all_lessons():
    catalogue.say("softmax-axis-0", catalogue.sentence_of("softmax-axis-0"))  # said again in the same words
    with pytest.raises(ValueError, match="'softmax-axis-0' has a meaning already"):
        catalogue.say("softmax-axis-0", "Another axis, please.")
    with pytest.raises(ValueError, match="'never-said' has no sentence yet"):
        catalogue.say("never-said", None)


def test_every_file_of_variants_belongs_to_a_lesson():
    files = {re.fullmatch(r"lesson_(\d\d)", path.stem)[1] for path in Path(__file__).parent.glob("lesson_*.py")}
    assert files == set(lessons_with_exercises())

"""Every wrong variant fails with its own diagnosis, every right one passes, and nobody's answer is left out."""

import functools
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from course_lib.classroom import build, notebooks, places
from course_lib.classroom.practice import exercise, exercises_of, lessons_with_exercises
from course_lib.classroom.practice.diagnoses import MESSAGES, add_messages
from tests.mistakes.collection import RIGHT, WRONG

for number in lessons_with_exercises():
    importlib.import_module(f"tests.mistakes.lesson_{number}")

EXERCISES = [one for number in lessons_with_exercises() for one in exercises_of(number)]
# Found in whatever an answer returns, before any check of values: `course_lib.classroom.practice.trial` names these.
GENERAL = {"changes-its-input", "returns-a-list", "returns-several"}


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


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.id)
def test_exercise_is_well_tried(one):
    wrong = {diagnosis for exercise_id, diagnosis, _ in WRONG if exercise_id == one.id}
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


def test_every_diagnosis_in_the_catalogue_is_met_by_a_wrong_variant():
    met = {diagnosis for _, diagnosis, _ in WRONG}
    assert set(MESSAGES) - met == set()
    assert met - set(MESSAGES) == GENERAL


def test_a_diagnosis_means_the_same_in_all_lessons():
    add_messages(dict(list(MESSAGES.items())[:2]))  # said again in the same words
    with pytest.raises(ValueError, match="'not-a-pair' has a meaning already"):
        add_messages({"not-a-pair": "Two arrays, please."})


def test_every_file_of_variants_belongs_to_a_lesson():
    files = {re.fullmatch(r"lesson_(\d\d)", path.stem)[1] for path in Path(__file__).parent.glob("lesson_*.py")}
    assert files == set(lessons_with_exercises())

"""Exercises are made from solutions, every check has its cells, and nothing lies where it does not belong."""

import ast
import re

import pytest

from course_lib.classroom import build, notebooks
from course_lib.classroom.grading import judge
from course_lib.classroom.practice import exercises_of, lessons_with_exercises
from tests.notebooks.collection import ROOT, cells, name, paths, tags

SOLUTIONS = paths("solutions")


@pytest.fixture(autouse=True)
def this_course(monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(ROOT))


def test_there_are_solutions_for_all_checks():
    assert SOLUTIONS
    assert {path.name[:2] for path in SOLUTIONS} == set(lessons_with_exercises())


def test_no_stray_file():
    assert build.stray_files() == []


@pytest.mark.parametrize("path", SOLUTIONS, ids=name)
def test_nothing_is_left_to_fill_in(path):
    """What `course new` leaves open is filled in: in the solution, the checks, the wrong variants."""
    module = f"lesson_{path.name[:2]}.py"
    files = [path, ROOT / "course_lib" / "classroom" / "practice" / module, ROOT / "tests" / "mistakes" / module]
    left = {file.name: re.findall(r'FILL IN[^"\\\n]*', file.read_text(encoding="utf-8")) for file in files}
    assert {file: gaps for file, gaps in left.items() if gaps} == {}


@pytest.mark.parametrize("path", SOLUTIONS, ids=name)
def test_exercises_match_their_solutions(path):
    made = notebooks.dumps(build.strip_solutions(notebooks.read(path), path.name))
    assert (ROOT / "exercises" / path.name).read_bytes() == made.encode(), "run `course build`"


@pytest.mark.parametrize("path", SOLUTIONS, ids=name)
def test_every_exercise_has_its_cells_and_its_points(path):
    tasks = notebooks.task_cells(notebooks.read(path))
    exercises = exercises_of(path.name[:2])
    assert list(tasks) == [one.function_name for one in exercises]
    for one in exercises:
        answer, check = tasks[one.function_name]
        assert answer and check, one.id
        assert re.search(rf"^def {one.function_name}\(", answer.source, re.M), one.id
        assert check.source.strip() == f"check.{one.function_name}({one.function_name})"
        assert check.metadata.nbgrader == {
            "grade": True, "grade_id": f"check_{one.function_name}", "locked": True, "points": one.points,
            "schema_version": 3, "solution": False, "task": False,
        }  # fmt: skip
        assert answer.metadata.nbgrader == {
            "grade": False, "grade_id": one.function_name, "locked": False,
            "schema_version": 3, "solution": True, "task": False,
        }  # fmt: skip


@pytest.mark.parametrize("path", paths("exercises"), ids=name)
def test_exercises_hold_stubs_and_no_solution(path):
    solution = notebooks.read(ROOT / "solutions" / path.name)
    code = cells(path, "code")
    assert not any("SOLUTION" in cell["source"] for cell in code)
    answers = {task: answer for task, (answer, _) in notebooks.task_cells(solution).items()}
    for cell in code:
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("solution"):
            regions = answers[marks["grade_id"]].source.count("### BEGIN SOLUTION")
            assert cell["source"].count("raise NotImplementedError()") == regions
            assert "# YOUR CODE HERE" in cell["source"]
            with pytest.raises(NotImplementedError):
                run_stub(cell["source"], marks["grade_id"])
        needs_answer = marks.get("grade") is True or "uses-answer" in tags(cell)
        assert ("raises-exception" in tags(cell)) == needs_answer, cell["id"]


@pytest.mark.slow
@pytest.mark.parametrize("path", SOLUTIONS, ids=name)
@pytest.mark.parametrize(("kind", "outcome"), [("solutions", "passed"), ("exercises", "unattempted")])
def test_every_solution_passes_and_every_stub_is_unattempted(path, kind, outcome, tmp_path):
    exercises = exercises_of(path.name[:2])
    rows = judge(exercises, notebooks.read(ROOT / kind / path.name), tmp_path)
    assert {row["id"]: row["outcome"] for row in rows} == {one.id: outcome for one in exercises}
    assert all(0 < len(hint) for one in exercises for hint in one.hints) and all(one.hints for one in exercises)


def run_stub(source, function):
    """Define the stub and call it with as many arguments as it wants."""
    import inspect

    namespace = {}
    exec(source, namespace)
    wanted = [one for one in inspect.signature(namespace[function]).parameters.values() if one.default is one.empty]
    namespace[function](*[None] * len(wanted))


@pytest.mark.parametrize("path", SOLUTIONS, ids=name)
def test_a_step_asks_for_no_task_before_those_that_its_cells_need(path):
    """What is shown after a task runs on the learner's functions: a lesson's panels ask for these earlier, or with it."""
    asked, needed = [], {}
    for cell in cells(ROOT / "notebooks" / path.name, "code"):
        if cell["source"].startswith("your_turn(") and cell["id"] != "exercises":
            asked.append(set(re.findall(r'"\d\d\.(\w+)"', cell["source"])))
    names, task = {one.function_name for one in exercises_of(path.name[:2])}, None
    for cell in cells(path, "code"):
        begun = [one for one in names if re.search(rf"^def {one}\(", cell["source"], re.M)]
        task = begun[0] if begun else task
        used = {node.id for node in ast.walk(ast.parse(cell["source"])) if isinstance(node, ast.Name)}
        needed.setdefault(task, set()).update(names & used - {task})
    for place, panel in enumerate(asked):
        known = set().union(*asked[: place + 1])
        for one in panel:
            assert needed.get(one, set()) <= known, f"a cell after {one} needs what no step has asked for so far"

"""`course new`, on a copy of lesson 03's files: all three written or none, and open until they are filled in."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from course_lib.classroom import build, cli, files, new, notebooks
from course_lib.classroom.practice import catalogue, exercises
from tests.mistakes import collection

ROOT = Path(__file__).resolve().parents[3]
exercises.exercises_of(
    "03"
)  # the sentences that it shares with others are said once, when their rooms are first loaded
LESSON = "03_self_attention_by_hand.ipynb"
FILES = [f"solutions/{LESSON}", "course_lib/classroom/practice/lesson_03.py", "tests/mistakes/lesson_03.py"]


@pytest.fixture
def course(tmp_path, monkeypatch):
    for name in [*FILES, f"notebooks/{LESSON}"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "notebooks" / "00_start_here.ipynb", tmp_path / "notebooks")
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    return tmp_path


def everything(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def headings(cells):
    return [cell.source.partition("\n")[0] for cell in cells if cell.source.startswith("## ")]


def defined(path, monkeypatch):
    """What a file of the copy defines, away from the exercises and variants of the course itself."""
    monkeypatch.setattr(exercises, "_registry", {})
    monkeypatch.setattr(catalogue, "_known", {})
    monkeypatch.setattr(catalogue, "_sentences", dict(catalogue._sentences))
    monkeypatch.setattr(collection, "RIGHT", [])
    namespace = {}
    exec(path.read_text(encoding="utf-8"), namespace)
    return namespace


def test_three_cells_stand_before_what_closes_the_notebook(course):
    before = notebooks.read(course / FILES[0]).cells
    assert new.create("03.row_means") == FILES
    after = notebooks.read(course / FILES[0]).cells
    ids = [cell.id for cell in after]
    place = ids.index("row-means-task")
    assert ids[place : place + 4] == ["row-means-task", "row-means", "check-row-means", "open-ended"]
    assert after[:place] == before[:place] and after[place + 4 :] == before[place + 1 :]
    assert headings(before)[-2:] == ["## 10. Over to you", "## Where you stand"]
    assert headings(after)[-3:] == ["## 10. FILL IN: a title", "## 11. Over to you", "## Where you stand"]
    answer, check = notebooks.task_cells(notebooks.read(course / FILES[0]))["row_means"]
    scores = notebooks.task_cells(notebooks.read(course / FILES[0]))["scores"]
    assert set(answer.metadata.nbgrader) == set(scores[0].metadata.nbgrader)
    assert check.metadata.nbgrader == scores[1].metadata.nbgrader | {"grade_id": "check_row_means", "points": 1}


def test_the_rest_of_each_file_stays(course):
    before = everything(course)
    new.create("03.row_means")
    after = everything(course)
    assert set(after) == set(before)
    for name in FILES[1:]:
        assert after[course / name].startswith(before[course / name])
    assert {path for path in after if after[path] != before[path]} == {course / name for name in FILES}


def test_the_skeleton_is_open_until_it_is_filled_in(course, monkeypatch):
    new.create("03.row_means")
    assert all("FILL IN" in (course / name).read_text(encoding="utf-8") for name in FILES)
    defined(course / FILES[1], monkeypatch)
    one = exercises._registry["03.row_means"]
    assert list(exercises._registry)[-1] == one.id
    with pytest.raises(NotImplementedError, match="FILL IN"):
        one.check(lambda x: x, record=False)
    stub = {}
    exec(build.solution_code("03", "row_means"), stub)
    known = catalogue.known(one.id)
    defined_variants = defined(course / FILES[2], monkeypatch)
    right = [answer for id, answer in collection.RIGHT if id == one.id]
    assert len(right) == 1 and right[0] is defined_variants["row_means_in_another_style"]
    assert [name for name, _ in known.mistakes] == ["row-means-too-large"]
    for answer in [stub["row_means"], known.reference, *right, *(answer for _, answer in known.mistakes)]:
        with pytest.raises(NotImplementedError, match="FILL IN"):
            answer(np.eye(2))


FILLED = {
    "what is right, in named steps": "return x.mean(axis=-1)",
    "yield Case(…)s, a small one first, then each edge that the task names": 'yield Case("a small table", np.eye(3))',
    "as a learner would write it; at least six of these, or slips of the steps": "return x.sum(axis=-1)",
}


def test_filled_in_it_judges(course, monkeypatch):
    new.create("03.row_means")
    path = course / FILES[1]
    text = path.read_text(encoding="utf-8")
    for gap, filled in FILLED.items():
        assert text.count(gap) == 1
        text = text.replace(f'raise NotImplementedError("FILL IN: {gap}")', filled)
    path.write_text(text, encoding="utf-8")
    defined(path, monkeypatch)
    one = exercises._registry["03.row_means"]
    assert one.check(lambda x: x.mean(axis=-1), record=False).passed
    assert one.check(lambda x: x.mean(axis=-1, keepdims=True), record=False).diagnosis == "wrong-shape"
    assert one.check(lambda x: x.sum(axis=-1), record=False).diagnosis == "row-means-too-large"
    assert one.check(lambda x: x.mean(axis=-1) + 1, record=False).diagnosis == "different-values"


def test_the_first_exercise_of_a_lesson_brings_its_files(course):
    written = new.create("00.hello")
    notebook = notebooks.read(course / written[0])
    assert [cell.id for cell in notebook.cells] == ["title", "setup", "hello-task", "hello", "check-hello"]
    assert headings(notebook.cells) == ["## 1. FILL IN: a title"]
    build.strip_solutions(notebook)
    for name in written[1:]:
        text = (course / name).read_text(encoding="utf-8")
        compile(text, name, "exec")
        assert '("00.hello"' in text.replace("(\n    ", "(")
    assert new.create("00.again") == written
    assert headings(notebooks.read(course / written[0]).cells)[-1] == "## 2. FILL IN: a title"


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("softmax", 'expected "NN.name"'),
        ("3.entropy", 'expected "NN.name"'),
        ("03.Entropy", 'expected "NN.name"'),
        ("03.", 'expected "NN.name"'),
        ("03.two words", 'expected "NN.name"'),
        ("03.entropy\n", 'expected "NN.name"'),
        ("03.lambda", "'lambda' means something in Python"),
        ("03.sum", "'sum' means something in Python"),
        ("99.entropy", "there is no lesson '99'"),
        ("03.softmax", f"{LESSON} has 'softmax' already"),
        ("03.sentence_live", f"{LESSON} has 'sentence_live' already"),  # the id of another cell
        ("03.draw", "lesson_03.py has 'draw' already"),  # would hide what the other checks call
    ],
)
def test_a_name_that_can_not_be_used_is_refused(course, id, said):
    before = everything(course)
    with pytest.raises(ValueError) as refused:
        new.create(id)
    assert said in str(refused.value)
    assert everything(course) == before


def test_a_variant_of_that_name_is_not_hidden(course):
    with open(course / FILES[2], "a", encoding="utf-8") as file:
        file.write("\n\ndef row_means_in_another_style(x):\n    return x\n")
    with pytest.raises(ValueError, match="has 'row_means_in_another_style' already"):
        new.create("03.row_means")


def test_a_module_that_python_can_not_read_is_named_with_the_line(course):
    (course / FILES[1]).write_text("checks = [\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"lesson_03\.py, line 1"):
        new.create("03.row_means")


def test_outside_the_repository_it_says_so(course):
    shutil.rmtree(course / "tests")
    with pytest.raises(ValueError, match="there is no folder .*mistakes"):
        new.create("03.row_means")


@pytest.mark.parametrize("lesson", ["00", "03"])
@pytest.mark.parametrize(
    ("step", "after"), [("fsync", 0), ("fsync", 2), ("replace", 0), ("replace", 1), ("replace", 2)]
)
def test_all_files_are_written_or_none(course, monkeypatch, step, after, lesson):
    before = everything(course)
    real, calls = getattr(os, step), []

    def failing(*args):
        calls.append(args)
        if len(calls) == after + 1:
            raise OSError(28, "No space left on device")
        return real(*args)

    monkeypatch.setattr(os, step, failing)
    with pytest.raises(files.FileTrouble, match="could not be written: no space left"):
        new.create(f"{lesson}.row_means")
    assert len(calls) > after
    assert everything(course) == before


def test_the_command_says_what_comes_next(course):
    done = CliRunner().invoke(cli.app, ["new", "03.row_means"])
    assert done.exit_code == 0, done.output
    assert all(f"written: {name}" in done.output for name in FILES)
    assert "`course build 03`" in done.output and "-k 03" in done.output and "{" not in done.output


def test_the_command_refuses_in_a_sentence(course):
    again = CliRunner().invoke(cli.app, ["new", "03.softmax"])
    assert again.exit_code == cli.USAGE and "already" in again.output

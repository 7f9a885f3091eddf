"""The course's files, on small courses made for the purpose."""

import base64
import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.classroom import notebooks
from course_lib.classroom.files import FileTrouble

ANSWER = '''def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    y = x + x
    return y
    ### END SOLUTION'''


def code(id, source, *tags, **metadata):
    return new_code_cell(source, id=id, metadata=metadata | ({"tags": list(tags)} if tags else {}))


def answer(source=ANSWER, id="double", name="double"):
    marks = {"grade": False, "grade_id": name, "locked": False, "schema_version": 3, "solution": True, "task": False}
    return code(id, source, nbgrader=marks)


def check(source="assert double(2) == 4", id="check-double", name="double"):
    marks = {
        "grade": True, "grade_id": f"check_{name}", "locked": True, "points": 2,
        "schema_version": 3, "solution": False, "task": False,
    }  # fmt: skip
    return code(id, source, nbgrader=marks)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An empty course and a way to put notebooks into it."""

    class Course:
        root = tmp_path / "course"
        workspace = tmp_path / "workspace"

        def put(self, path, *cells):
            file = self.root / path
            file.write_text(notebooks.dumps(new_notebook(cells=list(cells))), encoding="utf-8")
            return file

        def read(self, path):
            return notebooks.read(self.root / path)

        def state(self):
            files = [file for file in self.root.rglob("*") if file.is_file()]
            return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}

    for kind in ("notebooks", "solutions"):
        (Course.root / kind).mkdir(parents=True)
    monkeypatch.setenv("COURSE_HOME", str(Course.root))
    monkeypatch.setenv("COURSE_WORKSPACE", str(Course.workspace))
    return Course()


# --- where things are ---


def test_root_is_around_the_package_unless_named(course, monkeypatch):
    assert notebooks.course_root() == course.root.resolve()
    monkeypatch.delenv("COURSE_HOME")
    assert (notebooks.course_root() / "course_lib" / "classroom" / "notebooks.py").exists()


def test_a_folder_that_is_no_course_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    with pytest.raises(notebooks.NotACourse, match="COURSE_HOME") as caught:
        notebooks.course_root()
    assert str(tmp_path) in str(caught.value)


def test_workspace_is_made_where_it_is_named(course, monkeypatch):
    assert notebooks.workspace() == course.workspace.resolve()
    assert course.workspace.is_dir()
    monkeypatch.delenv("COURSE_WORKSPACE")
    assert notebooks.workspace() == course.root.resolve() / "workspace"


def test_lessons_are_named_in_order(course):
    for path in ("notebooks/10_later.ipynb", "notebooks/03_attention.ipynb", "solutions/03_attention.ipynb"):
        course.put(path)
    course.put("notebooks/scratch.ipynb")
    assert notebooks.lessons() == ["03_attention", "10_later"]


@pytest.mark.parametrize("asked", ["03", "3", 3, "03_attention"])
def test_a_lesson_has_several_names(course, asked):
    course.put("notebooks/03_attention.ipynb")
    assert notebooks.lesson_name(asked) == "03_attention"
    assert notebooks.lesson_path("exercises", asked) == course.root / "exercises" / "03_attention.ipynb"
    assert notebooks.lesson_path("workspace", asked) == course.workspace / "03_attention.ipynb"


@pytest.mark.parametrize("asked", ["04", 30, "attention", "", "../03_attention", None])
def test_an_unknown_lesson_is_refused_with_those_there_are(course, asked):
    course.put("notebooks/03_attention.ipynb")
    with pytest.raises(ValueError, match="03_attention"):
        notebooks.lesson_name(asked)


def test_an_unknown_kind_is_refused(course):
    course.put("notebooks/03_attention.ipynb")
    with pytest.raises(ValueError, match="'answers'.*solutions"):
        notebooks.lesson_path("answers", 3)


def test_what_is_no_notebook_is_refused(course):
    file = course.root / "notebooks" / "03_x.ipynb"
    whole = notebooks.dumps(new_notebook(cells=[code("one", "1")]))
    for text, problem in {
        "": "it is empty", "[]": "another kind", "{}": "another kind", "not json": "in line 1 of 1",
        '{"nbformat": 99, "cells": []}': "", whole[:-20]: "cut off or broken", "[" * 100_000: "nested too deeply",
        f"<<<<<<< HEAD\n{whole}=======\n{whole}>>>>>>> other\n": "the marks of a merge .* in line 1",
    }.items():  # fmt: skip
        file.write_text(text)
        with pytest.raises(ValueError, match=f"03_x.ipynb is not a notebook: .*{problem}") as raised:
            notebooks.read(file)
        assert "\n" not in str(raised.value)
    file.write_bytes(b'{"nbformat": "\xff"}')
    with pytest.raises(ValueError, match="UTF-8"):
        notebooks.read(file)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        notebooks.read(file)
    file.mkdir()
    with pytest.raises(ValueError, match="it is a folder"):
        notebooks.read(file)


def test_the_mark_that_some_editors_put_first_is_no_part_of_a_notebook(course):
    file = course.put("notebooks/03_x.ipynb", code("first", "1 + 1"))
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert notebooks.read(file).cells[0].source == "1 + 1"
    assert notebooks.build().changed == ["notebooks/03_x.ipynb"]


def test_a_workspace_that_cannot_be_made_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for named in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("COURSE_WORKSPACE", str(named))
        with pytest.raises(FileTrouble, match=f"{named}.*COURSE_WORKSPACE"):
            notebooks.workspace()


# --- exercises from solutions ---


def test_a_solution_becomes_a_stub_at_its_indentation():
    stripped = notebooks.strip_solutions(new_notebook(cells=[answer()]))
    assert stripped.cells[0].source.splitlines() == [
        "def double(x):", '    """Twice x."""', "    # YOUR CODE HERE", "    raise NotImplementedError()",
    ]  # fmt: skip
    assert stripped.cells[0].id == "double"
    assert stripped.cells[0].metadata.nbgrader == answer().metadata.nbgrader


def test_every_region_becomes_a_stub_and_what_is_around_stays():
    source = "a = 1\n### BEGIN SOLUTION\nb = 2\n### END SOLUTION\nif a:\n\t### BEGIN SOLUTION\n\t### END SOLUTION\nlast"
    stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    stripped = notebooks.strip_solutions(new_notebook(cells=[answer(source)])).cells[0].source
    assert stripped == f"a = 1\n{stub}\nif a:\n\t# YOUR CODE HERE\n\traise NotImplementedError()\nlast"


def test_outputs_go_everywhere_and_tags_say_what_may_raise():
    cells = [new_markdown_cell("# Title", id="title"), code("plain", "1"), answer(), check()]
    cells += [code("live", "double(2)", "uses-answer"), code("secret", "2", "solution-only")]
    for cell in cells[1:]:
        cell.outputs = [new_output("stream", text="shown")]
        cell.execution_count = 7
    before = notebooks.dumps(new_notebook(cells=cells))
    metadata = {"widgets": {"a": 1}, "language_info": {"name": "python", "version": "3.99"}}
    solution = new_notebook(cells=cells, metadata=metadata)
    stripped = notebooks.strip_solutions(solution)
    assert [cell.id for cell in stripped.cells] == ["title", "plain", "double", "check-double", "live"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in stripped.cells[1:])
    may_raise = {cell.id for cell in stripped.cells if "raises-exception" in cell.metadata.get("tags", [])}
    assert may_raise == {"check-double", "live"}
    assert "widgets" not in stripped.metadata and "3.99" not in notebooks.dumps(stripped)
    assert notebooks.dumps(new_notebook(cells=cells)) == before, "the solution itself is left as it was"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("### BEGIN SOLUTION\n1", "never closed"),
        ("1\n### END SOLUTION", "without a"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION\n### END SOLUTION", "already open"),
        ("### END SOLUTION\n### BEGIN SOLUTION", "without a"),
        ("def double(x):\n    return 2 * x", "without a region"),
    ],
)
def test_markers_that_do_not_match_are_refused_with_their_place(source, problem):
    with pytest.raises(ValueError, match=f"03_x.ipynb, cell double: .*{problem}"):
        notebooks.strip_solutions(new_notebook(cells=[answer(source)]), "03_x.ipynb")


def test_a_region_outside_a_solution_cell_is_refused():
    region = "### BEGIN SOLUTION\n1\n### END SOLUTION"
    for cell in (code("stray", region), new_markdown_cell(region, id="stray")):
        with pytest.raises(ValueError, match="cell stray"):
            notebooks.strip_solutions(new_notebook(cells=[cell]))


LINES = st.text(alphabet="abc =()\t", max_size=12).map(lambda line: line.rstrip())


@given(st.lists(LINES, max_size=4), st.lists(LINES, max_size=4), st.lists(LINES, max_size=4), st.integers(0, 3))
def test_no_line_of_a_region_is_left_and_no_other_is_lost(before, inside, after, depth):
    indent = "    " * depth
    secret = [indent + line + "SECRET" for line in inside]
    source = "\n".join([*before, indent + notebooks.BEGIN, *secret, indent + notebooks.END, *after])
    stripped = notebooks.strip_solutions(new_notebook(cells=[answer(source)])).cells[0].source
    assert stripped.split("\n") == [*before, *(indent + line for line in notebooks.STUB), *after]


def test_solution_code_has_no_markers(course):
    course.put("solutions/03_x.ipynb", answer(), check())
    assert notebooks.solution_code("03", "double") == 'def double(x):\n    """Twice x."""\n    y = x + x\n    return y'
    with pytest.raises(ValueError, match="'triple'.*double"):
        notebooks.solution_code("03", "triple")


def test_solution_code_of_a_lesson_without_solutions(course):
    course.put("notebooks/04_y.ipynb")
    with pytest.raises(FileNotFoundError, match="04_y"):
        notebooks.solution_code("04", "double")


def test_task_cells_come_in_pairs():
    lonely = answer(id="lonely", name="lonely")
    tasks = notebooks.task_cells(new_notebook(cells=[code("first", "1"), answer(), check(), lonely]))
    assert [(name, task and task.id, grade and grade.id) for name, (task, grade) in tasks.items()] == [
        ("double", "double", "check-double"), ("lonely", "lonely", None),
    ]  # fmt: skip


# --- building ---

PICTURE = base64.b64encode(b"\x89PNG").decode()

LESSON = [
    new_markdown_cell("# 03 · X", id="title"),
    code("setup", "import os, sys, time, warnings\nfrom IPython.display import display\nprint(object())"),
    code("warns", "warnings.warn('careful')\nprint('same', end='')\nprint('\\rlast')\ntime"),
    code("widget", f'display({{"{notebooks.WIDGET_VIEW}": {{"model_id": "x"}}, "text/plain": "Slider()"}}, raw=True)'),
    code(
        "still",
        f'display({{"{notebooks.WIDGET_VIEW}": {{"model_id": "x"}}, "image/png": "{PICTURE}"}}, raw=True)',
        alt="Three arrows from one point.",
    ),
    code("places", "mine = os.environ['COURSE_WORKSPACE']\nprint(mine, os.path.relpath(mine), os.getcwd())"),
    code("timing", "time.perf_counter()", "measured"),
    code("empty", ""),
    code("expected", "1 / 0", "raises-exception"),
    code("pinned", "print(os.environ['PYTHONHASHSEED'], os.environ['OMP_NUM_THREADS'])"),
]


@pytest.mark.slow
def test_building_twice_changes_nothing(course):
    course.put("notebooks/03_x.ipynb", *LESSON)
    course.put("solutions/03_x.ipynb", answer(), check())
    files = [f"{kind}/03_x.ipynb" for kind in ("exercises", "notebooks", "solutions")]
    assert sorted(notebooks.build(check=True).changed) == files
    assert not (course.root / "exercises").exists(), "a check changes nothing"
    built = notebooks.build()
    assert sorted(built.changed) == files
    assert built.stray == []
    state = course.state()
    assert notebooks.build(check=True).changed == []
    assert notebooks.build(["03"]).changed == []
    assert course.state() == state, "not even the time of a file"
    assert not any(course.workspace.rglob("*")), "the learner's workspace is left alone"

    made = {cell.id: cell for cell in course.read("notebooks/03_x.ipynb").cells}
    counts = [cell.execution_count for cell in made.values() if cell.cell_type == "code"]
    assert counts == [1, 2, 3, 4, 5, 6, None, 7, 8]
    assert made["setup"].outputs[0].text == "<object object at 0x…>\n"
    stdout, stderr, result = made["warns"].outputs
    assert (stdout.text, result.execution_count) == ("last\n", 2)
    assert stderr.text.startswith("cell:1: UserWarning: careful")
    assert made["widget"].outputs == [], "a widget's text is of no use without the widget"
    (still,) = made["still"].outputs
    assert set(still.data) == {"image/png"}
    assert still.metadata["image/png"]["alt"] == "Three arrows from one point."
    assert made["places"].outputs[0].text.split() == ["workspace", "../workspace", "notebooks"]
    assert made["expected"].outputs[0].ename == "ZeroDivisionError"
    assert made["pinned"].outputs[0].text == "0 1\n"
    raw = json.loads((course.root / "notebooks/03_x.ipynb").read_text(encoding="utf-8"))
    assert raw["metadata"] == notebooks.METADATA
    assert (course.root / "exercises/03_x.ipynb").read_text(encoding="utf-8") == notebooks.dumps(
        notebooks.strip_solutions(course.read("solutions/03_x.ipynb"))
    )


def test_a_new_lesson_finds_its_exercises_while_it_is_built(course):
    course.put("solutions/03_x.ipynb", answer(), check())
    course.put("notebooks/03_x.ipynb", code("first", "print(open('../exercises/03_x.ipynb').read()[:1])"))
    assert len(notebooks.build().changed) == 3
    assert course.read("notebooks/03_x.ipynb").cells[0].outputs[0].text == "{\n"


@pytest.mark.slow
def test_a_measurement_is_kept_until_code_up_to_it_changes(course):
    def built(first="x = 1", timing="time.perf_counter()", last="2"):
        cells = course.read("notebooks/03_x.ipynb").cells if (course.root / "notebooks/03_x.ipynb").exists() else []
        sources = {"setup": "import time", "first": first, "timing": timing, "last": last}
        kept = {cell.id: cell for cell in cells}
        for id, source in sources.items():
            kept.setdefault(id, code(id, source, *(["measured"] if id == "timing" else []))).source = source
        course.put("notebooks/03_x.ipynb", *kept.values())
        notebooks.build()
        return course.read("notebooks/03_x.ipynb").cells[2].outputs[0].data["text/plain"]

    first = built()
    assert built(last="3") == first
    assert built(first="x = 2", last="3") != first
    exercise = notebooks.strip_solutions(course.read("notebooks/03_x.ipynb"))
    assert "measured" not in exercise.cells[2].metadata


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("raise KeyError('lost')", "notebooks/03_x.ipynb, cell second: KeyError: 'lost'"),
        ("import os; os._exit(3)", "notebooks/03_x.ipynb, cell second: the kernel died"),
        ("while True: pass", "notebooks/03_x.ipynb, cell second: did not finish within 1 seconds"),
        (
            "class Shy:\n    def _repr_mimebundle_(self, **more):\n        raise OSError('not seen')\nShy()",
            "notebooks/03_x.ipynb, cell second: OSError: not seen",
        ),
    ],
)
def test_a_cell_that_fails_stops_the_build_and_nothing_is_written(course, source, problem):
    course.put("solutions/03_x.ipynb", answer(), check())
    course.put("notebooks/03_x.ipynb", code("first", "1"), code("second", source))
    state = course.state()
    with pytest.raises(notebooks.NotebookError) as caught:
        notebooks.build(timeout=1 if "while" in source else 60)
    assert str(caught.value) == problem
    assert course.state() == state


def test_a_large_notebook_is_refused(course, monkeypatch):
    monkeypatch.setattr(notebooks, "MAX_BYTES", 5_000)
    course.put("notebooks/03_x.ipynb", code("first", "print('x' * 6_000)"))
    state = course.state()
    with pytest.raises(notebooks.NotebookError, match=r"03_x.*5,000"):
        notebooks.build()
    assert course.state() == state


def test_a_notebook_saved_meanwhile_is_not_overwritten(course):
    save = code("first", "import pathlib; pathlib.Path('03_x.ipynb').write_text('new')")
    file = course.put("notebooks/03_x.ipynb", save)
    with pytest.raises(notebooks.NotebookError, match="changed while"):
        notebooks.build()
    assert file.read_text() == "new"


def test_cells_need_ids_of_their_own(course):
    file = course.put("notebooks/03_x.ipynb", code("one", "1"), code("two", "2"))
    raw = json.loads(file.read_text())
    for change, problem in (
        (lambda cells: cells[1].pop("id"), "cell 2 has no id"),
        (lambda cells: cells[1].update(id="one"), "two cells have the id 'one'"),
    ):
        change(raw["cells"])
        file.write_text(json.dumps(raw))
        with pytest.raises(notebooks.NotebookError, match=problem):
            notebooks.build()
    file.write_text(json.dumps(raw | {"nbformat_minor": 4}))
    with pytest.raises(notebooks.NotebookError, match=r"4\.4; expected 4\.5"):
        notebooks.build()


def test_stray_files_are_told(course):
    course.put("notebooks/03_x.ipynb")
    course.put("notebooks/03_also.ipynb")
    course.put("notebooks/Untitled.ipynb")
    course.put("solutions/04_y.ipynb")
    (course.root / "exercises").mkdir()
    course.put("exercises/05_z.ipynb")
    (course.root / "notebooks" / "03_x.ipynb.part").write_text("")
    (course.root / "notebooks" / ".ipynb_checkpoints").mkdir()
    found = notebooks.stray_files()
    assert [sentence.partition(":")[0] for sentence in found] == [
        "notebooks/03_x.ipynb", "notebooks/03_x.ipynb.part", "notebooks/Untitled.ipynb", "solutions/04_y.ipynb",
        "exercises/05_z.ipynb",
    ]  # fmt: skip


def test_a_failed_write_leaves_the_old_file_and_nothing_else(course, monkeypatch):
    course.put("notebooks/03_x.ipynb", code("first", "1"))
    state = course.state()

    def fails(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(FileTrouble, match="03_x.*no space left"):
        notebooks.build()
    assert course.state() == state


def test_kernels_are_this_python(course, tmp_path):
    cell = code("one", f"import sys; sys.executable == {sys.executable!r}")
    executed = notebooks.execute(new_notebook(cells=[cell]), tmp_path)
    assert executed.cells[0].outputs[0].data["text/plain"] == "True"

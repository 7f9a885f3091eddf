"""Exercises are made from solutions and outputs are renewed, in small courses made for the purpose."""

import base64
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_markdown_cell, new_notebook, new_output

from course_lib.classroom import build, kernels, notebooks
from course_lib.classroom.files import FileTrouble
from tests.unit.classroom.small_course import answer, check, code

# --- exercises from solutions ---


def test_a_solution_becomes_a_stub_at_its_indentation():
    stripped = build.strip_solutions(new_notebook(cells=[answer()]))
    assert stripped.cells[0].source.splitlines() == [
        "def double(x):", '    """Twice x."""', "    # YOUR CODE HERE", "    raise NotImplementedError()",
    ]  # fmt: skip
    assert stripped.cells[0].id == "double"
    assert stripped.cells[0].metadata.nbgrader == answer().metadata.nbgrader


def test_every_region_becomes_a_stub_and_what_is_around_stays():
    source = "a = 1\n### BEGIN SOLUTION\nb = 2\n### END SOLUTION\nif a:\n\t### BEGIN SOLUTION\n\t### END SOLUTION\nlast"
    stub = "# YOUR CODE HERE\nraise NotImplementedError()"
    stripped = build.strip_solutions(new_notebook(cells=[answer(source)])).cells[0].source
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
    stripped = build.strip_solutions(solution)
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
        build.strip_solutions(new_notebook(cells=[answer(source)]), "03_x.ipynb")


def test_a_region_outside_a_solution_cell_is_refused():
    region = "### BEGIN SOLUTION\n1\n### END SOLUTION"
    for cell in (code("stray", region), new_markdown_cell(region, id="stray")):
        with pytest.raises(ValueError, match="cell stray"):
            build.strip_solutions(new_notebook(cells=[cell]))


LINES = st.text(alphabet="abc =()\t", max_size=12).map(lambda line: line.rstrip())


@given(st.lists(LINES, max_size=4), st.lists(LINES, max_size=4), st.lists(LINES, max_size=4), st.integers(0, 3))
def test_no_line_of_a_region_is_left_and_no_other_is_lost(before, inside, after, depth):
    indent = "    " * depth
    secret = [indent + line + "SECRET" for line in inside]
    source = "\n".join([*before, indent + build.BEGIN, *secret, indent + build.END, *after])
    stripped = build.strip_solutions(new_notebook(cells=[answer(source)])).cells[0].source
    assert stripped.split("\n") == [*before, *(indent + line for line in build.STUB), *after]


def test_solution_code_has_no_markers(course):
    course.put("solutions/03_x.ipynb", answer(), check())
    assert build.solution_code("03", "double") == 'def double(x):\n    """Twice x."""\n    y = x + x\n    return y'
    with pytest.raises(ValueError, match="'triple'.*double"):
        build.solution_code("03", "triple")


def test_solution_code_of_a_lesson_without_solutions(course):
    course.put("notebooks/04_y.ipynb")
    with pytest.raises(FileNotFoundError, match="04_y"):
        build.solution_code("04", "double")


# --- building ---

PICTURE = base64.b64encode(b"\x89PNG").decode()

LESSON = [
    new_markdown_cell("# 03 · X", id="title"),
    code("setup", "import os, sys, time, warnings\nfrom IPython.display import display\nprint(object())"),
    code("warns", "warnings.warn('careful')\nprint('same', end='')\nprint('\\rlast')\ntime"),
    code("widget", f'display({{"{kernels.WIDGET_VIEW}": {{"model_id": "x"}}, "text/plain": "Slider()"}}, raw=True)'),
    code(
        "still",
        f'display({{"{kernels.WIDGET_VIEW}": {{"model_id": "x"}}, "image/png": "{PICTURE}"}}, raw=True)',
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
    assert sorted(build.build(check=True).changed) == files
    assert not (course.root / "exercises").exists(), "a check changes nothing"
    built = build.build()
    assert sorted(built.changed) == files
    assert built.stray == []
    state = course.state()
    assert build.build(check=True).changed == []
    assert build.build(["03"]).changed == []
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
    assert raw["metadata"] == build.METADATA
    assert (course.root / "exercises/03_x.ipynb").read_text(encoding="utf-8") == notebooks.dumps(
        build.strip_solutions(course.read("solutions/03_x.ipynb"))
    )


def test_a_new_lesson_finds_its_exercises_while_it_is_built(course):
    course.put("solutions/03_x.ipynb", answer(), check())
    course.put("notebooks/03_x.ipynb", code("first", "print(open('../exercises/03_x.ipynb').read()[:1])"))
    assert len(build.build().changed) == 3
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
        build.build()
        return course.read("notebooks/03_x.ipynb").cells[2].outputs[0].data["text/plain"]

    first = built()
    assert built(last="3") == first
    assert built(first="x = 2", last="3") != first
    exercise = build.strip_solutions(course.read("notebooks/03_x.ipynb"))
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
    with pytest.raises(kernels.NotebookError) as caught:
        build.build(timeout=1 if "while" in source else 60)
    assert str(caught.value) == problem
    assert course.state() == state


def test_a_large_notebook_is_refused(course, monkeypatch):
    monkeypatch.setattr(build, "MAX_BYTES", 5_000)
    course.put("notebooks/03_x.ipynb", code("first", "print('x' * 6_000)"))
    state = course.state()
    with pytest.raises(kernels.NotebookError, match=r"03_x.*5,000"):
        build.build()
    assert course.state() == state


def test_a_notebook_saved_meanwhile_is_not_overwritten(course):
    save = code("first", "import pathlib; pathlib.Path('03_x.ipynb').write_text('new')")
    file = course.put("notebooks/03_x.ipynb", save)
    with pytest.raises(kernels.NotebookError, match="changed while"):
        build.build()
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
        with pytest.raises(kernels.NotebookError, match=problem):
            build.build()
    file.write_text(json.dumps(raw | {"nbformat_minor": 4}))
    with pytest.raises(kernels.NotebookError, match=r"4\.4; expected 4\.5"):
        build.build()


def test_stray_files_are_told(course):
    course.put("notebooks/03_x.ipynb")
    course.put("notebooks/03_also.ipynb")
    course.put("notebooks/Untitled.ipynb")
    course.put("solutions/04_y.ipynb")
    (course.root / "exercises").mkdir()
    course.put("exercises/05_z.ipynb")
    (course.root / "notebooks" / "03_x.ipynb.part").write_text("")
    (course.root / "notebooks" / ".ipynb_checkpoints").mkdir()
    (course.root / "notebooks" / "pictures").mkdir()  # what lessons show belongs there
    found = build.stray_files()
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
        build.build()
    assert course.state() == state

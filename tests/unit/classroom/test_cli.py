"""The command line, on small courses made for the purpose."""

import base64
import json
import os
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from typer.testing import CliRunner

from course_lib.classroom import cli, doctor, grading, kernels, lab, notebooks, plain
from course_lib.classroom.practice.progress import Progress

STUB = "raise NotImplementedError()"
SCORES = "return queries @ keys.swapaxes(-1, -2)"
NEVER_REACHED = "raise RuntimeError('the check cells of the notebook are not to be run')"


def answer(name):
    return {"grade": False, "grade_id": name, "locked": False, "schema_version": 3, "solution": True, "task": False}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with lesson 03, whose two exercises are `scores` and `softmax`, and a lesson 98 without exercises."""

    class Course:
        root = tmp_path / "course"
        workspace = tmp_path / "workspace"
        own = workspace / "exercises" / "03_small.ipynb"

        def put(self, path, *cells):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(notebooks.dumps(new_notebook(cells=list(cells))), encoding="utf-8")
            return path

        def answers(self, path, scores=STUB, softmax=STUB, *more):
            functions = {
                "scores": f"scores(queries, keys):\n    {scores}",
                "softmax": f"softmax(scores):\n    {softmax}",
            }
            cells = [new_code_cell("import os\nimport numpy as np", id="setup"), *more]
            for name, source in functions.items():
                check = {"grade": True, "grade_id": f"check_{name}", "locked": True, "points": 1, "solution": False}
                cells.append(new_code_cell(f"def {source}", id=name, metadata={"nbgrader": answer(name)}))
                cells.append(new_code_cell(NEVER_REACHED, id=f"check-{name}", metadata={"nbgrader": check}))
            return self.put(path, *cells)

    for lesson in ("03_small", "98_later"):
        Course().put(Course.root / "notebooks" / f"{lesson}.ipynb", new_markdown_cell("# Title", id="title"))
    Course().answers(Course.root / "exercises" / "03_small.ipynb")
    monkeypatch.setenv("COURSE_HOME", str(Course.root))
    monkeypatch.setenv("COURSE_WORKSPACE", str(Course.workspace))
    monkeypatch.setenv("COLUMNS", "120")
    return Course()


def course_command(*words):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def check(*words):
    """The exit code of `course check 03 --json`, and its rows by exercise."""
    done = course_command("check", "03", "--json", *words)
    assert done.exit_code in (0, 1), done.output
    return done.exit_code, {row["id"]: row for row in json.loads(done.stdout)["exercises"]}


# --- check ---


def test_an_untouched_exercise_is_unattempted_and_not_recorded(course):
    done = course_command("check", "03")
    assert done.exit_code == 1
    assert done.stdout.count("unattempted") == 9
    assert "0 of 18 points" in done.stdout and "course start 03" in done.stdout
    assert Progress().events("check") == []


def test_each_answer_of_the_learners_copy_is_judged_and_recorded(course):
    more = [
        new_code_cell(
            "from course_lib.classroom.practice import lesson_checks\nlesson_checks('03').softmax.hint()", id="hint"
        ),
        new_code_cell("def causal_mask(n)\n    return None", id="typo", metadata={"nbgrader": answer("causal_mask")}),
        new_code_cell("undefined_name", id="error"),
    ]
    course.answers(course.own, SCORES, "return np.exp(scores) / np.exp(scores).sum()", *more)
    code, rows = check()
    assert code == 1
    assert list(rows)[:2] == ["03.scores", "03.softmax"], "in the order of the lesson"
    assert (rows["03.scores"]["outcome"], rows["03.scores"]["points"]) == ("passed", 1)
    assert rows["03.softmax"]["outcome"] == "failed" and rows["03.softmax"]["diagnosis"]
    assert rows["03.causal_mask"]["outcome"] == "error"
    assert rows["03.causal_mask"]["message"].endswith("SyntaxError: expected ':' (line 1)")
    assert rows["03.padding_mask"]["outcome"] == "unattempted", "a function that is nowhere"
    recorded = {event["subject"]: event["outcome"] for event in Progress().events("check")}
    assert recorded["03.scores"] == "passed" and recorded["03.softmax"] == "failed"
    assert Progress().events("hint") == [], "the rest of the notebook leaves no trace"


def test_what_a_notebook_says_steers_no_terminal(course):
    raises = 'raise ValueError("\\x1b[31m \\u202e")'
    in_the_cell = new_code_cell(raises, id="mask", metadata={"nbgrader": answer("causal_mask")})
    course.answers(course.own, raises, 'raise ValueError("\\ud800")', in_the_cell)
    done = course_command("check", "03")
    assert done.stdout.count(r"ValueError: \x1b[31m \u202e") == 2 and r"ValueError: \ud800" in done.stdout
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


def test_what_cannot_be_recorded_is_judged_all_the_same(course):
    course.answers(course.own, SCORES)
    (course.workspace / "progress.sqlite3").write_bytes(b"no database" * 100)
    done = course_command("check", "03", "--json")
    rows = json.loads(done.stdout)["exercises"]
    assert rows[0]["outcome"] == "passed" and "note" not in rows[0]
    assert done.stderr.count("Not recorded: your progress file") == 1
    assert course_command("status").exit_code == 1
    told = course_command("status").stderr
    assert "progress.sqlite3 can't be used" in told and told.count("\n") == 1
    assert "progress.sqlite3 can't be used" in course_command("compare", "03.softmax").stderr


def test_a_file_that_hides_a_package_is_said_and_not_used(course):
    course.answers(course.own, SCORES)
    hiding = course.own.parent / "numpy.py"
    hiding.write_text("mine = 1")
    done = course_command("check", "03", "--json")
    assert json.loads(done.stdout)["exercises"][0]["outcome"] == "passed"
    assert f"{hiding} has the name of the package numpy" in done.stderr


def test_another_notebook_is_judged_but_not_recorded(course, tmp_path):
    path = course.answers(tmp_path / "student" / "any name.ipynb", SCORES)
    _, rows = check("--notebook", path)
    assert [row["outcome"] for row in rows.values()] == ["passed"] + 8 * ["unattempted"]
    assert Progress().events("check") == []


def test_what_kills_the_kernel_costs_only_itself(course):
    course.answers(course.own, SCORES, "os._exit(1)")
    code, rows = check()
    assert code == 1
    assert [row["outcome"] for row in rows.values()] == ["passed", "failed"] + 7 * ["unattempted"]
    assert "ended the kernel" in rows["03.softmax"]["message"]


@pytest.mark.slow
def test_a_cell_that_prints_for_ever_takes_half_of_the_time_at_most(course):
    course.answers(course.own, SCORES, STUB, new_code_cell("while True: print('x' * 1000)", id="flood"))
    code, rows = check("--seconds", "20")
    assert code == 1
    assert rows["03.scores"]["outcome"] == "passed" and rows["03.softmax"]["outcome"] == "unattempted"


def test_the_memory_limit_counts_what_the_kernel_starts(course):
    hungry = "x = bytearray(500_000_000); x[::1000] = bytes(len(x[::1000])); import time; time.sleep(60)"
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {hungry!r}])"
    course.answers(course.own, f"{start}\n    {SCORES}".replace("\nsub", "\n    sub"))
    code, rows = check("--memory", "400", "--seconds", "50")
    assert code == 1
    assert rows["03.scores"]["outcome"] == "failed" and "400 MB" in rows["03.scores"]["message"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["99"], "03_small"),
        (["98"], "no exercises"),
        (["03", "--notebook", "nowhere.ipynb"], "nowhere.ipynb"),
        (["03", "--notebook", __file__], "not a notebook"),
        (["03", "--solutions", "--notebook", "x.ipynb"], "exclude"),
        (["03", "--solutions"], "there is no"),
        (["03", "--seconds", "0"], "seconds"),
    ],
)
def test_what_cannot_be_checked_is_said(course, words, problem):
    done = course_command("check", *words)
    assert done.exit_code == 2
    assert problem in done.stderr.replace("\n", " ")


def test_a_table_shows_messages_as_they_are(course, monkeypatch):
    row = {"id": "03.scores", "title": "T", "points": 2, "outcome": "failed", "message": "[bold]x[/bold]"}
    monkeypatch.setattr(grading, "judge", lambda *args, **more: [row, row | {"id": "03.softmax", "outcome": "passed"}])
    done = course_command("check", "03")
    assert "[bold]x[/bold]" in done.stdout and "2 of 4 points" in done.stdout


def test_all_passed_exits_with_0(course, monkeypatch):
    row = {"id": "03.scores", "title": "T", "points": 2, "outcome": "passed", "diagnosis": None, "message": ""}
    monkeypatch.setattr(grading, "judge", lambda *args, **more: [row])
    assert course_command("check", "03").exit_code == 0


# --- status, start, compare ---


def test_status_counts_what_was_recorded(course):
    Progress().record("check", "03.softmax", outcome="passed", diagnosis=None, seconds=0.1, source="…")
    Progress().record("hint", "03.softmax", number=1)
    Progress().record("quiz", "03.some-question", rating="good", correct=True, asked=12)
    (row, _) = json.loads(course_command("status", "--json").stdout)
    assert (row["lesson"], row["passed"], row["hints"]) == ("03_small", 1, 1)
    shown = course_command("status")
    assert shown.exit_code == 0
    assert "1 of 9" in shown.stdout and row["last"][:10] in shown.stdout
    assert "1 of 12, 1 right" in shown.stdout and (row["quiz_answered"], row["quiz_asked"]) == (1, 12)


def test_start_makes_a_copy_and_keeps_it(course):
    assert course_command("start", "3").exit_code == 0
    course.own.write_text(course.own.read_text() + " ")
    changed = course.own.read_text()
    done = course_command("start", "03_small")
    assert str(course.own) in done.stdout.replace("\n", "")
    assert course.own.read_text() == changed
    assert course_command("start", "98").exit_code == 2
    assert "kept as set-aside/" in course_command("start", "3", "--fresh").stdout
    (kept,) = (course.workspace / "exercises" / "set-aside").rglob("*.ipynb")
    assert kept.read_text() == changed and course.own.read_text() != changed


def test_a_lesson_has_a_copy_of_its_own(course):
    own = course.workspace / "lessons" / "03_small.ipynb"
    assert str(own) in course_command("lesson", "03").stdout.replace("\n", "")
    own.write_text("")
    assert "it is empty" in (told := course_command("lesson", "03").stdout) and "`course lesson 03 --fresh`" in told
    assert course_command("lesson", "03", "--fresh").exit_code == 0 and own.read_text()
    assert course_command("lesson", "99").exit_code == 2


def test_a_copy_that_cannot_be_written_is_one_sentence(course, monkeypatch):
    def fails(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    done = course_command("start", "03")
    assert done.exit_code == 1 and done.stderr.count("\n") == 1 and "no space left" in done.stderr


@pytest.fixture
def solved(course):
    source = "def softmax(scores):\n    ### BEGIN SOLUTION\n    return right[0]\n    ### END SOLUTION"
    cell = new_code_cell(source, id="softmax", metadata={"nbgrader": answer("softmax")})
    course.put(course.root / "solutions" / "03_small.ipynb", cell)
    return course


def attempt(source):
    Progress().record("check", "03.softmax", outcome="failed", diagnosis="d", seconds=0.1, source=source)


def test_compare_shows_both_once_attempted(solved):
    refused = course_command("compare", "03.softmax")
    assert refused.exit_code == 1 and "not attempted" in refused.stderr and "right" not in refused.output
    attempt("def softmax(scores):\n    return [wrong]\n    # [red]not markup[/red]\n")
    done = course_command("compare", "03.softmax")
    assert done.exit_code == 0
    assert "return [wrong]" in done.stdout and "return right[0]" in done.stdout
    assert "[red]not markup[/red]" in done.stdout
    attempt("def softmax(scores):\n    return right[0]\n")
    assert "the same" in course_command("compare", "03.softmax").stdout


@pytest.mark.parametrize("id", ["03.nothing", "softmax", "99.softmax"])
def test_compare_needs_an_exercise(solved, id):
    assert course_command("compare", id).exit_code == 2


# --- run ---


@pytest.mark.slow
def test_a_lesson_runs_as_a_script(course):
    picture = base64.b64encode(b"\x89PNG").decode()
    path = course.root / "notebooks" / "03_small.ipynb"
    course.put(
        path,
        new_markdown_cell("# Title\n\nProse.\n\n```\n# no heading\n```\n## Overview", id="title"),
        new_code_cell("from IPython.display import HTML, display\nprint('counted', 1 + 1)", id="print"),
        new_code_cell(f'display({{"image/png": "{picture}", "text/plain": "<Figure size 1x1>"}}, raw=True)', id="draw"),
        new_code_cell(f'display({{"{kernels.WIDGET_VIEW}": {{}}, "text/plain": "At 3"}}, raw=True)', id="slide"),
        new_code_cell("HTML('<style>p {}</style><p>1 &lt; <b>2</b></p><p>second</p>')", id="html"),
    )
    before = path.read_bytes()
    done = course_command("run", "03")
    assert done.exit_code == 0, done.output
    lines = [line for line in done.stdout.splitlines() if line]
    folder = course.workspace.resolve() / "figures" / "03_small"
    file = folder / "01-draw.png"
    assert lines == [
        "# Title", "## Overview", "counted 2", f"[figure saved: {file}]", "[widget] At 3", "1 < 2", "second",
        f"Figures saved: 1, in {folder}",
    ]  # fmt: skip
    assert file.read_bytes() == b"\x89PNG"
    assert path.read_bytes() == before
    course_command("run", "03")
    assert [one.name for one in folder.iterdir()] == [file.name], "the same figure again is no other"
    file.write_bytes(b"drawn on")
    course_command("run", "03")
    assert {one.read_bytes() for one in folder.rglob("*.png")} == {b"\x89PNG", b"drawn on"}


def test_a_script_stops_at_an_error(course, tmp_path):
    sources = ["print('one')", "1 / 0", "print('three')"]
    cells = [new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    course.put(course.root / "notebooks" / "03_small.ipynb", *cells)
    done = course_command("run", "03", "--figures", tmp_path / "none")
    assert done.exit_code == 1
    assert "one" in done.stdout and "ZeroDivisionError" in done.stdout and "three" not in done.stdout
    assert "\x1b" not in done.stdout
    assert not (tmp_path / "none").exists()


def test_long_widgets_are_cut_and_other_formats_shown():
    def texts(**data):
        cell = new_code_cell(outputs=[new_output("display_data", data=data)])
        return list(plain.cell_texts(cell, lambda *picture: f"saved {picture[2]}"))

    view = {kernels.WIDGET_VIEW: {}}
    assert texts(**view, **{"text/plain": 301 * "x"}) == [f"[widget] {300 * 'x'} …"]
    assert texts(**{"text/plain": "<IPython.core.display.Markdown object>", "text/markdown": "**hi**"}) == ["**hi**"]
    assert texts(**{"text/plain": "array", "text/html": "<b>array</b>"}) == ["array"]
    assert texts(**{"image/svg+xml": "<svg/>"}) == ["saved svg"]


# --- build, doctor, lab ---


@pytest.mark.slow
def test_build_check_says_what_build_then_does(course):
    (course.root / "exercises" / "03_small.ipynb").unlink()
    course.put(course.root / "notebooks" / "03_small.ipynb", new_code_cell("6 * 7", id="product"))
    expected = course_command("build", "03", "--check", "--json")
    assert expected.exit_code == 1
    assert json.loads(expected.stdout) == {"changed": ["notebooks/03_small.ipynb"], "stray": []}
    done = course_command("build", "03")
    assert done.exit_code == 0 and "written: notebooks/03_small.ipynb" in done.stdout
    again = course_command("build", "03", "--check")
    assert again.exit_code == 0 and "up to date" in again.stdout


@pytest.mark.parametrize(
    ("source", "problem"), [("1 / 0", "cell bad: ZeroDivisionError"), ("### END SOLUTION", "cell bad: '### END")]
)
def test_a_build_that_fails_says_where(course, source, problem):
    course.put(course.root / "solutions" / "03_small.ipynb", new_code_cell(source, id="bad"))
    done = course_command("build", "03")
    assert done.exit_code == 1
    assert problem in done.stderr and "Traceback" not in done.output


def test_doctor_tells_what_is_wrong(course, monkeypatch):
    fine, wrong = doctor.Check("Python", True, "3.11", ""), doctor.Check("Disk", False, "[none]", "free some")
    monkeypatch.setattr(doctor, "checks", lambda: [fine, wrong])
    shown = course_command("doctor")
    assert shown.exit_code == 1 and "[none]" in shown.stdout and "free some" in shown.stdout
    assert json.loads(course_command("doctor", "--json").stdout)[1]["ok"] is False
    monkeypatch.setattr(doctor, "checks", lambda: [fine])
    assert course_command("doctor").exit_code == 0


def test_lab_passes_its_options_on(monkeypatch):
    calls = []
    monkeypatch.setattr(lab, "launch", lambda **settings: calls.append(settings) or 7)
    assert course_command("lab", "--port", "9999", "--no-browser").exit_code == 7
    assert calls == [{"port": 9999, "browser": False}]

    def taken(**settings):
        raise lab.PortTaken("port 9999 is taken")

    monkeypatch.setattr(lab, "launch", taken)
    done = course_command("lab")
    assert done.exit_code == 1 and "9999" in done.stderr


def test_outside_a_course_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    done = course_command("check", "03")
    assert done.exit_code == 2
    assert "COURSE_HOME" in done.stderr and "Traceback" not in done.output


def test_the_command_starts_without_anything_heavy():
    heavy = ("numpy", "nbformat", "nbclient", "rich", "psutil", "torch", "matplotlib", "IPython")
    program = f"import sys, course_lib.classroom.cli; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"

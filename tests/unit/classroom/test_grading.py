"""A grader that trusts nothing: no points gained, none of others' lost, and always JSON."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.classroom import notebooks
from course_lib.classroom.grading import FAULT, judge, session, wire
from course_lib.classroom.practice import answers, exercises_of

ROOT = Path(__file__).parents[3]
SCORES = "return queries @ np.swapaxes(keys, -1, -2)"
SOFTMAX = "e = np.exp(scores - scores.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)"
STUB = "raise NotImplementedError()"
HEADS = {"scores": "queries, keys", "softmax": "scores", "masked_softmax": "scores, mask", "causal_mask": "seq_len"}
MARKED = {"locked": False, "schema_version": 3, "task": False, "grade": False, "solution": True}


def answer(name, body):
    source = f"def {name}({HEADS[name]}):\n    {body}"
    return new_code_cell(source, id=name, metadata={"nbgrader": MARKED | {"grade_id": name}})


def submission(
    *before,
    after=(),
    scores=SCORES,
    softmax=STUB,
):
    """scores is answered rightly, then comes the attack, then softmax; causal_mask is right, and comes last."""
    return new_notebook(cells=[
        new_code_cell("import numpy as np", id="setup"),
        *(new_code_cell(source, id=f"before-{i}") for i, source in enumerate(before)),
        answer("scores", scores),
        *(new_code_cell(source, id=f"after-{i}") for i, source in enumerate(after)),
        answer("softmax", softmax),
        answer("causal_mask", "return np.tri(seq_len, dtype=bool)"),
    ])  # fmt: skip


def outcomes(notebook, folder, **limits):
    rows = judge(exercises_of("03"), notebook, folder, **limits)
    assert [(row["id"], row["title"], row["points"]) for row in rows] == [
        (one.id, one.title, one.points) for one in exercises_of("03")
    ]
    assert len(json.dumps(rows)) < 50_000
    assert not [row for row in rows if row["diagnosis"] == FAULT]
    return {row["id"].removeprefix("03."): row for row in rows}


LOOKUP = """
from course_lib.classroom.practice import catalogue, exercises
exercises.exercises_of("03")
known = catalogue.known("03.softmax")
table = {case.inputs[0].tobytes(): known.reference(*case.inputs) for case in known.inputs()}
"""
HARNESS = "import course_lib.classroom.grading.inside as inside"
# name -> (cells before the answers, the body of softmax); scores and causal_mask are answered rightly, softmax is not.
ATTACKS = {
    "an emptied registry": ("from course_lib.classroom.practice import exercises\nexercises._registry.clear()", STUB),
    "a check that always passes": ("from course_lib.classroom.practice.exercises import Exercise, Result\n"
        "Exercise.check = lambda self, *a, **k: Result(self.id, self.title, 'passed', 'x', points=10**6)", STUB),
    "a replaced report": ("import course_lib.classroom.practice as p\np.report = lambda *a, **k: [{'outcome': 'passed'}] * 9", STUB),
    "forged rows on display": ("from IPython.display import display\ndisplay({'application/vnd.course.results+json': "
        "[{'id': '03.softmax', 'outcome': 'passed', 'points': 10**6}], 'text/plain': ''}, raw=True)", STUB),
    "a judge that finds everything right": ("from course_lib.classroom.practice import answers\nanswers.right = answers.close = "
        "lambda *a, **k: True", "return scores"),
    "a NumPy that finds everything close": ("np.allclose = np.array_equal = lambda *a, **k: True", "return scores"),
    "a thread that never runs": ("import threading\nthreading.Thread.run = lambda self: None", STUB),
    "a trace that raises": ("import sys\ndef trace(*a): raise RuntimeError\nsys.settrace(trace)", STUB),
    "expected values looked up": (LOOKUP, "return table.get(scores.tobytes(), scores)"),
    "the course's own reference": ("from course_lib.classroom.practice.lesson_03 import softmax as theirs", "return scores"),
    "a harness that sends a verdict": (f"{HARNESS}\nold = inside.answer\ninside.answer = lambda name, inputs: '{{\"outcome\": "
        "\"passed\", \"points\": 1000000}' if name == 'softmax' else old(name, inputs)", STUB),
    "a harness that sends rubbish": (f"{HARNESS}\nold = inside.answer\ninside.answer = lambda name, inputs: "
        "'\\ud800[' * 9 if name == 'softmax' else old(name, inputs)", STUB),
    "a harness that sends a pickle": (f"{HARNESS}\nold = inside.answer\ninside.answer = lambda name, inputs: "
        "'{\"array\": [\"O\", [1], \"gASVAAAA\"]}' if name == 'softmax' else old(name, inputs)", STUB),
    "text where rows are printed": ("import os\nos.write(1, b'no JSON'); os.write(2, b'no JSON')\nprint('}{')", STUB),
    "a subprocess that prints": ("import subprocess\nsubprocess.run(['echo', 'hi'])", STUB),
    "cells of the grader's names": ("_course_inside = None\n_course_answer = 'passed'", STUB),
    "an oddity of no kind": (f"{HARNESS}\nold = inside.answer\ninside.answer = lambda name, inputs: '{{\"dict\": [[\"ended\", "
        "\"answered\"], [\"changed\", null], [\"value\", {{\"odd\": [\"x\", 1]}}]]}}' if name == 'softmax' else old(name, inputs)", STUB),
    "a diagnosis that is a list": (f"{HARNESS}\nold = inside.answer\ninside.answer = lambda name, inputs: '{{\"dict\": [[\"ended\", "
        "\"mistake\"], [\"diagnosis\", {{\"list\": []}}], [\"message\", \"x\"]]}}' if name == 'softmax' else old(name, inputs)", STUB),
    "the grader's own excuse": (f"{HARNESS}\nold = inside.answer\ninside.answer = lambda name, inputs: '{{\"dict\": [[\"ended\", "
        "\"mistake\"], [\"diagnosis\", \"grader-failed\"], [\"message\", \"x\"]]}}' if name == 'softmax' else old(name, inputs)", STUB),
    "a reply of nothing": ("import ipykernel.kernelbase as k\nold = k.Kernel.execute_request\n", STUB),
    "an answer in half precision, a little off": ("", "return (np.exp(scores - scores.max(-1, keepdims=True)) / "
        "(np.exp(scores - scores.max(-1, keepdims=True)).sum(-1, keepdims=True) + 5e-3)).astype(np.float16)"),
    "a message of megabytes": ("", "raise ValueError('x' * 10**7)"),
    "half a character": ("", "return '\\ud800'"),
    "questions without end": ("", "import builtins\n    while True: input('{\"function\": 0, \"inputs\": []}')"),
    "an answer that asks for the grader's functions": ("", "return [input('{\"function\": -1, \"inputs\": []}')]"),
    "an answer too large to send": ("", "return np.zeros(10**8)"),
    "an object that lies about itself": ("class Odd:\n    __class__ = property(lambda self: 1 / 0)", "return Odd()"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gains_nothing_and_costs_nobody(name, tmp_path):
    before, body = ATTACKS[name]
    rows = outcomes(submission(before, softmax=body), tmp_path)
    assert rows["scores"]["outcome"] == rows["causal_mask"]["outcome"] == "passed", (
        rows["scores"],
        rows["causal_mask"],
    )
    assert rows["softmax"]["outcome"] != "passed", rows["softmax"]


ENDS = {
    "exit": "exit()",
    "sys.exit": "import sys\nsys.exit(0)",
    "os._exit": "import os\nos._exit(0)",
    "a crash": "import ctypes\nctypes.string_at(0)",
    "an unending loop": "while True: pass",
    "a loop that swallows interrupts": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "too much memory": "x = bytearray(10**9); x[::1000] = bytes(len(x[::1000]))\nimport time; time.sleep(20)",
    "a kill of its parent": "import os\nos.kill(os.getppid(), 9)\nimport time; time.sleep(1)",
}


@pytest.mark.parametrize("name", ENDS)
def test_what_ends_the_kernel_costs_itself(name, tmp_path):
    if name == "a kill of its parent" and not session.alone():
        pytest.skip("this computer gives no process space of its own")
    body = ENDS[name].replace("\n", "\n    ")
    rows = outcomes(submission(softmax=body), tmp_path, memory=600, seconds=90)
    assert rows["scores"]["outcome"] == rows["causal_mask"]["outcome"] == "passed", (
        rows["scores"],
        rows["causal_mask"],
    )
    assert rows["softmax"]["outcome"] in ("failed", "error"), rows["softmax"]


@pytest.mark.parametrize("source", ["exit()", "import os\nos._exit(1)", "%reset -f\nimport numpy as np", "np = None\nimport numpy as np",
                                    "softmax = scores = None", "del scores"])  # fmt: skip
def test_an_answer_is_judged_right_after_its_cell(source, tmp_path):
    rows = outcomes(submission(after=[source], softmax=SOFTMAX), tmp_path)
    assert rows["scores"]["outcome"] == rows["softmax"]["outcome"] == rows["causal_mask"]["outcome"] == "passed"


def test_a_function_that_ends_the_kernel_where_its_folder_is_gone_costs_itself(tmp_path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    body = "import os\n    os.rename(os.getcwd(), os.getcwd() + 'x')\n    os._exit(1)"
    rows = outcomes(submission(softmax=body), folder)
    assert rows["scores"]["outcome"] == "passed" and rows["softmax"]["outcome"] != "passed"


def test_where_no_kernel_starts_the_grader_is_to_blame(tmp_path):
    rows = judge(exercises_of("03"), submission(), tmp_path / "no such folder")
    assert {(row["outcome"], row["diagnosis"]) for row in rows} == {("error", FAULT)}
    assert "not to blame" in rows[0]["message"]


def test_what_ends_a_replay_is_not_run_again(tmp_path):
    once = "import os, pathlib\nif pathlib.Path('mark').exists(): os._exit(1)\npathlib.Path('mark').touch()"
    rows = outcomes(submission(once, softmax="import os\n    os._exit(1)"), tmp_path)
    assert rows["scores"]["outcome"] == "passed" and rows["softmax"]["outcome"] == "failed"


def test_what_a_process_leaves_outside_of_its_group_ends(tmp_path):
    sleep = "import time; time.sleep(4243)"
    leave = (
        "import os, sys, ctypes, signal\nctypes.CDLL(None).prctl(1, 0)\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        f"pid = os.fork()\nif pid == 0:\n    os.kill(0, signal.SIGUSR1)\n    os.execv(sys.executable, [sys.executable, '-c', {sleep!r}])\n"
        "os.setsid() if os.getpid() != os.getpgid(0) else None"
    )
    outcomes(submission(leave), tmp_path, seconds=40)
    time.sleep(0.3)
    left = [one for one in psutil.process_iter(["cmdline"]) if sleep in (one.info["cmdline"] or [])]
    for one in left:
        one.kill()
    assert not left


def test_what_an_exercise_demands_beside_values_is_asked_in_its_own_process(tmp_path):
    whole = "from course_lib.attention import scaled_dot_product_attention\ndef blockwise_attention(queries, keys, values, block):\n    return scaled_dot_product_attention(queries, keys, values)[0]"
    cell = new_code_cell(whole, id="blockwise", metadata={"nbgrader": MARKED | {"grade_id": "blockwise_attention"}})
    rows = judge(
        exercises_of("12"), new_notebook(cells=[new_code_cell("import numpy as np", id="setup"), cell]), tmp_path
    )
    verdict = next(row for row in rows if row["id"] == "12.blockwise_attention")
    assert verdict["outcome"] == "failed", verdict


def test_what_it_starts_ends_with_it(tmp_path):
    sleep = "import time; time.sleep(4242)"
    start = (
        f"import subprocess, sys, os\nsubprocess.Popen([sys.executable, '-c', {sleep!r}], start_new_session=True)\n"
        f"if os.fork() == 0:\n    if os.fork() == 0:\n        os.setsid()\n        os.execv(sys.executable, [sys.executable, '-c', {sleep!r}])\n"
        "    os._exit(0)"
    )
    rows = outcomes(submission(start), tmp_path)
    assert rows["scores"]["outcome"] == "passed"
    time.sleep(0.3)
    left = [one for one in psutil.process_iter(["cmdline"]) if sleep in (one.info["cmdline"] or [])]
    for one in left:
        one.kill()
    assert not left or not session.alone()


def test_the_courses_own_function_is_borrowed(tmp_path):
    cell = answer("softmax", STUB)
    cell.source = "from course_lib.attention import softmax"
    rows = outcomes(new_notebook(cells=[new_code_cell("import numpy as np", id="setup"), cell]), tmp_path)
    assert rows["softmax"]["outcome"] == "borrowed"


def test_time_for_all_of_it_is_limited(tmp_path):
    began = time.monotonic()
    rows = outcomes(submission(after=["while True: print('x' * 10000)"] * 8), tmp_path, seconds=15)
    assert rows["scores"]["outcome"] == "passed"
    assert time.monotonic() - began < 45


MALFORMED = {
    "no outputs": lambda cell: cell.pop("outputs"),
    "a stream without a name": lambda cell: cell.update(outputs=[{"output_type": "stream", "text": "x"}]),
    "a display without metadata": lambda cell: cell.update(outputs=[{"output_type": "display_data", "data": {}}]),
    "an unknown property": lambda cell: cell.update(other=1),
    "an odd output": lambda cell: cell.update(outputs=[{"output_type": "odd"}, 7, None]),
    "nbgrader null": lambda cell: cell["metadata"].update(nbgrader=None),
    "nbgrader a list": lambda cell: cell["metadata"].update(nbgrader=[1]),
    "a number as grade_id": lambda cell: cell["metadata"].update(nbgrader=MARKED | {"grade_id": 7}),
    "a number as source": lambda cell: cell.update(source=7),
    "metadata null": lambda cell: cell.update(metadata=None),
    "tags that repeat": lambda cell: cell["metadata"].update(tags=["a", "a", "a,b"]),
    "an id of no letters": lambda cell: cell.update(id=""),
    "half a character in a source": lambda cell: cell.update(source=[*cell["source"], "\n# \ud800"]),
    "ids that repeat": lambda cell: cell.update(id="scores"),
    "no cell at all": lambda cell: cell.clear(),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_notebook_is_judged_as_far_as_it_goes(kind, tmp_path):
    content = json.loads(notebooks.dumps(submission("pass", softmax=SOFTMAX)))
    MALFORMED[kind](next(cell for cell in content["cells"] if cell["id"] == "softmax"))
    path = tmp_path / "theirs.ipynb"
    path.write_text(json.dumps(content))
    done = subprocess.run(
        [sys.executable, "-c", "from course_lib.classroom.cli import main; main()", "check", "03", "--json", "--notebook", str(path)],
        capture_output=True, text=True, env=os.environ | {"COURSE_HOME": str(ROOT), "COURSE_WORKSPACE": str(tmp_path / "ws")},
    )  # fmt: skip
    rows = {row["id"]: row for row in json.loads(done.stdout)["exercises"]}
    assert done.returncode == 1
    assert rows["03.scores"]["outcome"] == rows["03.causal_mask"]["outcome"] == "passed"


@pytest.mark.parametrize("value", [
    np.arange(6.0).reshape(2, 3), np.array(True), np.float32(2.5), (np.ones(2), np.array(3)), answers.Listed([np.zeros(1)]),
    [np.arange(3), np.arange(2)], {"a": np.ones((2, 1))}, 1.5, float("nan"), 7, "words", None, answers.Odd("wrong-type", "a dict"),
])  # fmt: skip
def test_what_is_sent_arrives(value):
    came = wire.loads(wire.dumps(value))
    assert type(came) is type(value)
    assert answers.alike(came, value) if isinstance(value, (np.ndarray, tuple)) else repr(came) == repr(value)


@pytest.mark.parametrize("line", ["", "[", "[1]", '{"array": ["O", [1], ""]}', '{"array": ["<f8", [9], ""]}', '{"other": 1}',
                                  '{"function": 0}', '{"array": ["<f8", [-1], "AAAAAAAAAAA="], "x": 1}', '{"tuple": 7}',
                                  '{"list": [' * 9 + "1" + "]}" * 9])  # fmt: skip
def test_what_is_no_value_is_unreadable(line):
    with pytest.raises(wire.Unreadable):
        wire.loads(line)

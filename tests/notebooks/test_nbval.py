"""nbval, with the options that the whole test run gives it, stops a cell that hangs and is strict on marked cells."""

import os
import re
import subprocess
import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.classroom.notebooks import dumps
from tests.prove import PYTEST

pytestmark = pytest.mark.slow


def test_the_run_gives_nbval_a_time_limit_and_this_python():
    limits = [option for option in PYTEST if option.startswith("--nbval-cell-timeout=")]
    assert [float(limit.partition("=")[2]) > 0 for limit in limits] == [True]
    assert {"--nbval-lax", "--nbval-current-env"} <= set(PYTEST)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """What nbval says of each cell of a notebook, as a dict of "PASSED" and "FAILED", and all that it printed."""

    def cell(source, printed, tags=()):
        outputs = [new_output("stream", name="stdout", text=printed)]
        return new_code_cell(source, execution_count=1, outputs=outputs, metadata={"tags": list(tags)})

    cells = {
        "fine": cell("print('now')", "then\n"),
        "same": cell("print(0.25)", "0.25\n", ["nbval-check-output"]),
        "drifted": cell("print(0.25)", "0.24\n", ["nbval-check-output"]),
        "error": new_code_cell("1 / 0"),
        "expected-error": new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
        "hangs": new_code_cell("while True: pass"),
    }
    folder = tmp_path_factory.mktemp("nbval")
    (folder / "small.ipynb").write_text(dumps(new_notebook(cells=list(cells.values()))), encoding="utf-8")
    # An empty settings file of its own, so that it sees neither this course's settings nor its tests.
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=2", "-v"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [*command, "small.ipynb"], cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 1, done.stdout
    verdicts = re.findall(r"^small\W+ipynb::Cell \d+ ([A-Z]+)", done.stdout, re.M)
    return dict(zip(cells, verdicts, strict=True)), done.stdout


@pytest.mark.parametrize(
    ("cell", "verdict"),
    [
        ("fine", "PASSED"),
        ("same", "PASSED"),
        ("drifted", "FAILED"),
        ("error", "FAILED"),
        ("expected-error", "PASSED"),
        ("hangs", "FAILED"),
    ],
)
def test_verdict(verdicts, cell, verdict):
    assert verdicts[0][cell] == verdict


def test_a_marked_cell_fails_for_what_it_printed(verdicts):
    assert "Cell 2: Cell outputs differ" in verdicts[1]


def test_a_hanging_cell_meets_the_time_limit(verdicts):
    assert "Timeout of 2 seconds exceeded" in verdicts[1]

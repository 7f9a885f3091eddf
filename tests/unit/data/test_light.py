"""The libraries behind the data wait until the data is asked for."""

import subprocess
import sys

import pytest

HEAVY = {"babel", "sklearn", "scipy", "pooch", "requests", "torch", "pandas"}


@pytest.mark.parametrize("module", ["date_lists", "dates", "digits", "docs", "corpora"])
def test_importing_loads_nothing_heavy(module):
    program = (
        f"import sys; from course_lib.data import {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(run.stdout.split())

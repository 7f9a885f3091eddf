"""Notebooks run in kernels of this Python."""

import sys

from nbformat.v4 import new_notebook

from course_lib.classroom import kernels
from tests.unit.classroom.small_course import code


def test_kernels_are_this_python(course, tmp_path):
    cell = code("one", f"import sys; sys.executable == {sys.executable!r}")
    executed = kernels.execute(new_notebook(cells=[cell]), tmp_path)
    assert executed.cells[0].outputs[0].data["text/plain"] == "True"

"""A learner's file with the name of a package is named, and the package is used all the same."""

import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib import shadowing
from course_lib.classroom import kernels


def test_what_hides_a_package_is_named(tmp_path):
    for name in ("numpy.py", "helper.py", "torch.txt", "random.py", "course_lib.py"):
        (tmp_path / name).write_text("")
    for name in ("matplotlib", "pandas"):
        (tmp_path / name).mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text("")
    assert shadowing.hiding(tmp_path) == {
        name: str(tmp_path / file)
        for name, file in {"course_lib": "course_lib.py", "matplotlib": "matplotlib", "numpy": "numpy.py"}.items()
    }
    assert any(
        f"{tmp_path / 'numpy.py'} has the name of the package numpy" in told for told in shadowing.sentences(tmp_path)
    )
    assert shadowing.hiding(tmp_path / "nowhere") == {}


def test_the_courses_own_folder_hides_nothing():
    assert shadowing.hiding(Path(shadowing.__file__).parents[1]) == {}


@pytest.mark.parametrize("package", ["numpy.py", "numpy"])
def test_the_package_is_used_where_that_is_still_possible(tmp_path, package):
    if package == "numpy":
        (tmp_path / package).mkdir()
    (tmp_path / "numpy.py" if package == "numpy.py" else tmp_path / "numpy" / "__init__.py").write_text("mine = 1")
    (tmp_path / "helper.py").write_text("x = 7")

    def python(code):
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)

    done = python("import course_lib.attention, numpy, helper; print(helper.x, numpy.zeros(1))")
    assert done.stdout == "7 [0.]\n"
    assert "numpy has the name of the package numpy" in done.stderr.replace(".py", "")
    late = python("import numpy, course_lib")
    assert "HidesPackage" in late.stderr and "restart the kernel" in late.stderr


def test_in_a_kernel_of_the_course_it_comes_before_the_first_cell(tmp_path):
    (tmp_path / "numpy.py").write_text("mine = 1")
    cells = [new_code_cell("import matplotlib, numpy as np\nnp.zeros(1)"), new_code_cell("'_course_lib' in globals()")]
    executed = kernels.execute(new_notebook(cells=cells), tmp_path)
    shown = [output for cell in executed.cells for output in cell.outputs]
    assert [output.data["text/plain"] for output in shown if "data" in output] == ["array([0.])", "False"]
    (told,) = [output.text for output in shown if output.output_type == "stream"]
    assert "numpy.py has the name of the package numpy. The package is used" in told


def test_too_late_in_a_notebook_is_one_line():
    assert shadowing.HidesPackage("one sentence")._render_traceback_() == ["one sentence"]

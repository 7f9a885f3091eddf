"""`from course_lib.models import …` gives every public name, and loads nothing before it is asked for."""

import importlib
import subprocess
import sys

import pytest

from course_lib import models


@pytest.mark.parametrize(("name", "home"), models._HOMES.items())
def test_each_name_is_that_of_its_room(name, home):
    assert getattr(models, name) is getattr(importlib.import_module(f"course_lib.models.{home}"), name)
    assert name in dir(models)


def test_importing_the_package_loads_no_pytorch():
    program = "import sys, course_lib.models; print('torch' in sys.modules, 'numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


def test_an_unknown_name_is_named():
    with pytest.raises(AttributeError, match=r"module 'course_lib\.models' has no attribute 'Encoder'"):
        _ = models.Encoder

"""`from course_lib.models import …` and its like give every public name, and load nothing before it is asked for."""

import importlib
import subprocess
import sys

import pytest

from course_lib import models, training, widgets

PACKAGES = (models, training, widgets)
NAMES = [(package, name, home) for package in PACKAGES for name, home in package._HOMES.items()]


@pytest.mark.parametrize(("package", "name", "home"), NAMES, ids=[name for _, name, _ in NAMES])
def test_each_name_is_that_of_its_room(package, name, home):
    assert getattr(package, name) is getattr(importlib.import_module(f"{package.__name__}.{home}"), name)
    assert name in dir(package)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_importing_a_package_loads_nothing_heavy(package):
    program = f"import sys, {package.__name__}; print(*{{'torch', 'numpy', 'ipywidgets'}} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_an_unknown_name_is_named(package):
    with pytest.raises(AttributeError, match=rf"module '{package.__name__}' has no attribute 'Encoder'"):
        _ = package.Encoder

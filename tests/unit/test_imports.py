"""`import course_lib` costs nothing, and modules import only from lower floors."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

PACKAGE = Path(course_lib.__file__).parent
FLOORS = [  # from the ground up; what stands on one floor may import from lower floors and from its own module or folder
    {"checking", "files", "printable", "shadowing"},
    {"attention"},
    {"positions"},
    {"tokens"},
    {"models"},
    {"data"},
    {"training"},
    {"plots"},
    {"widgets"},
    {"notebooks"},
    {"copies"},
    {"practice"},
    {"review"},
    {"doctor", "install", "lab", "new"},
    {"cli"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path):
    """The module or folder right under the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(source, package):
    """The rooms of course_lib that a module imports, anywhere in it; package is the dotted name of the module's package."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{origin}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("course_lib.")}


def loaded_by(module):
    """Top-level names of the modules that Python holds after importing a module and did not hold before."""
    program = f"import sys; before = set(sys.modules); import {module}; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_the_package_loads_nothing_but_itself():
    assert loaded_by("course_lib") == {"course_lib"}


def test_attention_loads_only_numpy():
    standard = set(sys.stdlib_module_names)
    loaded = {name for name in loaded_by("course_lib.attention") if name not in standard and not name.startswith("_")}
    assert loaded == {"course_lib", "numpy"}


@pytest.mark.parametrize("module", ["plots", "notebooks", "cli"])
def test_the_heavy_libraries_wait_until_they_are_used(module):
    loaded = loaded_by(f"course_lib.{module}")
    assert loaded.isdisjoint({"torch", "seaborn", "IPython", "ipywidgets", "anywidget", "jupyterlab", "notebook"})


def test_only_models_and_training_load_pytorch():
    light = [path for path in modules() if room_of(path) not in ("models", "training") and path.stem != "__main__"]
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in light]
    loaded = loaded_by(", ".join(names))
    assert loaded.isdisjoint({"torch", "transformers", "accelerate", "sklearn", "scipy", "pandas", "captum"})


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_point_down(path):
    room = room_of(path)
    assert room in FLOOR_OF, f"{path.name} stands on no floor: give it one in FLOORS"
    package = ".".join(["course_lib", *path.relative_to(PACKAGE).parts[:-1]])
    for imported in imported_rooms(path.read_text(encoding="utf-8"), package) - {room}:
        assert imported in FLOOR_OF, f"{path} imports course_lib.{imported}, which stands on no floor"
        assert FLOOR_OF[imported] < FLOOR_OF[room], f"{path} imports upwards: course_lib.{imported}"


def test_all_ways_to_import_are_seen():
    source = """
import course_lib.attention, course_lib.models.blocks as blocks
from course_lib import plots as drawing, widgets
from course_lib.data.dates import make
from . import progress
from ..review import quiz
import numpy
def late():
    from course_lib.cli import main
"""
    found = imported_rooms(source, "course_lib.practice")
    assert found == {"attention", "models", "plots", "widgets", "data", "practice", "review", "cli"}

"""`import course_lib` costs nothing, and modules import only from lower floors."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

PACKAGE = Path(course_lib.__file__).parent
PICTURE = re.findall(r"^```\n(.*?)^```", (PACKAGE.parent / "ARCHITECTURE.md").read_text("utf-8"), re.S | re.M)[0]
# From the ground up; what stands on one floor may import from lower floors and from its own module or folder.
FLOORS = [rooms for line in PICTURE.splitlines()[::-1] if (rooms := re.findall(r"\b(\w+)(?:\.py|/)(?=\s)", line))]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    faces = [PACKAGE / "__init__.py", PACKAGE / "classroom" / "__init__.py"]  # of nothing but names
    return sorted(path for path in PACKAGE.rglob("*.py") if path not in faces)


def room_of(path):
    """The module or folder, right under the package or its classroom, that a file belongs to."""
    return room([part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts])


def room(parts):
    return parts[1] if parts[0] == "classroom" and len(parts) > 1 else parts[0]


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
    return {room(name.split(".")[1:]) for name in names if name.startswith("course_lib.")}


def loaded_by(module):
    """Top-level names of the modules that Python holds after importing a module and did not hold before."""
    program = f"import sys; before = set(sys.modules); import {module}; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in run.stdout.split()}


def test_the_package_loads_nothing_but_itself():
    assert loaded_by("course_lib") == {"course_lib"}


def test_attention_loads_only_numpy_and_the_notation_of_its_shapes():
    standard = set(sys.stdlib_module_names)
    loaded = {name for name in loaded_by("course_lib.attention") if name not in standard and not name.startswith("_")}
    assert loaded == {"course_lib", "numpy", "jaxtyping"}


@pytest.mark.parametrize("module", ["plots", "classroom.build", "classroom.cli"])
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
    own = room_of(path)
    assert own in FLOOR_OF, f"{path.name} stands on no floor: give it one in ARCHITECTURE.md"
    package = ".".join(["course_lib", *path.relative_to(PACKAGE).parts[:-1]])
    for imported in imported_rooms(path.read_text(encoding="utf-8"), package) - {own}:
        assert imported in FLOOR_OF, f"{path} imports {imported}, which stands on no floor"
        assert FLOOR_OF[imported] < FLOOR_OF[own], f"{path} imports upwards: {imported}"


def test_all_ways_to_import_are_seen():
    source = """
import course_lib.attention, course_lib.models.blocks as blocks
from course_lib import plots as drawing, widgets
from course_lib.data.dates import make
from . import progress
from ..review import quiz
import numpy
def late():
    from course_lib.classroom.cli import main
    from course_lib.classroom import copies
"""
    found = imported_rooms(source, "course_lib.classroom.practice")
    assert found == {"attention", "models", "plots", "widgets", "data", "practice", "review", "cli", "copies"}


def private_names(source, package, own):
    """Names with a leading underscore that a module takes from another room of course_lib: imports, and attributes of them."""
    found, rooms = set(), {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{origin}.{alias.name}"
                if whole.startswith("course_lib.") and room(whole.split(".")[1:]) != own:
                    rooms[alias.asname or alias.name] = whole
                    found |= {whole} if any(is_private(part) for part in whole.split(".")) else set()
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("course_lib.") and room(alias.name.split(".")[1:]) != own:
                    rooms[alias.asname or alias.name] = alias.name
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) in rooms:
            found.add(f"{rooms[ast.unparse(node.value)]}.{node.attr}")
    return found


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_private_name_crosses_a_room(path):
    package = ".".join(["course_lib", *path.relative_to(PACKAGE).parts[:-1]])
    assert private_names(path.read_text(encoding="utf-8"), package, room_of(path)) == set()


def test_all_ways_to_a_private_name_are_seen():
    source = """
import course_lib.attention
from course_lib.attention import _checked, softmax
from course_lib import plots as drawing
from course_lib.widgets.base import _LIBRARY_FOLDERS
from course_lib.data.dates import Date
from ..review import quiz
quiz._draw(), drawing._matrix, course_lib.attention._array, Date._days(), softmax.__name__, self._own
"""
    assert private_names(source, "course_lib.classroom.practice", "widgets") == {
        "course_lib.attention._checked",
        "course_lib.attention._array",
        "course_lib.plots._matrix",
        "course_lib.data.dates.Date._days",
        "course_lib.classroom.review.quiz._draw",
    }


def unannotated(body, owner=""):
    """Public functions and methods without a type for all that they take and give; constructors too."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from unannotated(node.body, f"{node.name}.")
        if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            taken = [*named, *filter(None, [node.args.vararg, node.args.kwarg])]
            untold = [one.arg for one in taken if one.annotation is None and one.arg not in ("self", "cls")]
            if untold or node.returns is None:
                yield f"{owner}{node.name}"


LIBRARY = [path for path in modules() if "classroom" not in path.relative_to(PACKAGE).parts]


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_functions_say_what_they_take_and_give(path):
    assert list(unannotated(ast.parse(path.read_text(encoding="utf-8")).body)) == []


def test_what_says_nothing_is_seen():
    source = """
def told(x: int, *more: int, **others: int) -> int: ...
def half(x: int): ...
def rest(**others) -> int: ...
def _own(x): ...
class A:
    def __init__(self, x): ...
"""
    assert list(unannotated(ast.parse(source).body)) == ["half", "rest", "A.__init__"]

"""What a file and a function may take: a file is read in one sitting, a function is seen on one screen."""

import ast
import re

import pytest

from tests.unit.test_imports import PACKAGE

FILE_LINES = 400
SCREEN_LINES = 60  # of code; a docstring is read by itself
# Of exercises and of slips: one after the other, nobody reads them through.
CATALOGUE = re.compile(r"classroom/practice/(lesson_\d\d|slips/\w+)\.py")

FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("name", [name for name in FILES if not CATALOGUE.fullmatch(name)])
def test_a_file_is_read_in_one_sitting(name):
    limit = 600 if name == "attention.py" else FILE_LINES  # each idea stands there twice: fast, and as slow loops
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("name", FILES)
def test_a_function_is_seen_on_one_screen(name):
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {one.name: one.end_lineno - one.lineno + 1 - documented(one) for one in functions}
    assert {function: length for function, length in lengths.items() if length > SCREEN_LINES} == {}


def documented(function):
    """How many lines its docstring takes."""
    if ast.get_docstring(function) is None:
        return 0
    return function.body[0].end_lineno - function.body[0].lineno + 1

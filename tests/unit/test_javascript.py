"""The widgets' JavaScript and CSS: their form, their types and their own tests, and that all of it can be read in one sitting."""

import re

import pytest

from tests import lint

MOST_LINES, MOST_OF_A_FUNCTION = 400, 120
FILES = [path for kind in ("js", "css") for path in sorted((lint.ROOT / "course_lib").rglob(f"*.{kind}"))]
OPENS = re.compile(r"^( *)(?! |if\b|else\b|for\b|while\b|switch\b|try\b).*(?:\)|=>) \{$")  # as Biome sets it


@pytest.mark.parametrize("name", [name for name in lint.CHECKS if name.startswith("JavaScript")])
def test_javascript(name):
    folder, checking, _ = lint.CHECKS[name]
    tool = checking.split()[0]
    if lint.find(tool, folder) is None:
        pytest.skip(lint.TEXTS["no tool"].format(tool=tool, cure=lint.cure(folder)))
    assert lint.check(name, fix=False)


def functions_in(text):
    """The functions of a module, as (number of lines, first line)."""
    lines = text.split("\n")
    found = []
    for number, line in enumerate(lines):
        opening = OPENS.match(line)
        if opening:
            end = next(at for at in range(number + 1, len(lines)) if lines[at].startswith(f"{opening[1]}}}"))
            found.append((end - number + 1, line.strip()))
    return found


def test_lines_of_functions_are_counted():
    body = "\n".join(["    more();"] * 118)
    text = f"function long(\n  a,\n) {{\n{body}\n}}\nclass A {{\n  get b() {{\n    return 1;\n  }}\n}}\nconst c = () => {{\n}};"
    assert functions_in(text) == [(120, ") {"), (3, "get b() {"), (2, "const c = () => {")]
    assert functions_in("  if (a) {\n  }\n  for (const b of c) {\n  }") == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_read_in_one_sitting_and_a_function_on_one_screen(path):
    text = path.read_text("utf-8")
    assert text.count("\n") < MOST_LINES
    if path.suffix == ".js":
        assert [found for found in functions_in(text) if found[0] > MOST_OF_A_FUNCTION] == []

"""Every notebook has the form that the course promises.

For authors of lessons:

- **Sections.** Nine level-2 headings, in the order of `SECTIONS`; before the first one the lesson says what "you can"
  do afterwards, how many "minutes" it needs and what it "builds on".
- **Size.** A code cell has at most 25 lines, half of them at most 5 (blank lines don't count); a prose cell at most 120
  words (formulas, code, tags and the addresses of links don't count).
- **Pictures.** A code cell whose output holds a picture says in its metadata what there is to see, in five words or
  more: `"alt": "Three bars, the second twice as high"`. `course build` puts it beside the picture, where converters
  look for it. An object may bring its own instead, as `AttentionPlayground` does. Pictures in prose and HTML have an
  alt text too, and never lie on another site.
- **Cell ids** are names in small letters, such as `scaled-scores`, in place of JupyterLab's random ones.
- **Tags** and no marker comments. `nbval-check-output` on cells whose printed output must be the same again, with at most 4
  digits after the point; `plumbing` on code that a learner need not read: their copy folds it away; `keep_output` where their copy keeps what
  is shown, a question or a panel; `at-open` on what runs as a notebook is opened: imports, guesses, panels; `pitfall` on the cells of a measured pitfall experiment; `measured` on those that print timings;
  `raises-exception` where an error is shown on purpose, never in solutions; there, `uses-answer` on cells that fail
  until the learner's function is written.
- **Widgets.** From lesson 01 on at least one, from `course_lib.widgets`.
- **Imports.** What takes seconds to load (`HEAVY`) waits for the cells that need it: at most ten before the first one.
- **Outputs** come from `course build`: all cells run in order, nothing of this computer in them.
"""

import ast
import json
import re
from statistics import median

import pytest

from tests.notebooks.collection import KINDS, ROOT, cells, name, paths, tags, texts

SECTIONS = [
    "Activate prior knowledge", "Overview", "Key concepts", "Step by step", "Worked examples", "Common pitfalls",
    "Retrieval quiz", "Recap", "Spaced review plan",
]  # fmt: skip

HEAVY = {  # library -> the modules that load it
    "torch": ("torch", "course_lib.models", "course_lib.training"),
    "transformers": ("transformers",),
    "scikit-learn": ("sklearn",),
    "scipy": ("scipy",),
    "captum": ("captum",),
}

LESSONS = paths("notebooks")
EXECUTED = paths("notebooks", "solutions")
ALL = paths(*KINDS)

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
RANDOM_ID = re.compile(r"(?=.*\d)[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{8,}")
NAMED_ID = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
MACHINE = re.compile(
    r"/home/|/Users/|/root/|/tmp/|/var/folders/|/private/|\b[A-Za-z]:\\|ipykernel_\d"
    r"|[/\\]site-packages[/\\]|[/\\]\.venv[/\\]|\bat 0x[0-9a-fA-F]{6,}"
)


def every(found):
    """Run a test on each of these notebooks."""
    return pytest.mark.parametrize("path", found, ids=name)


def test_there_are_lessons():
    assert LESSONS, "no lesson was found: the tests of this folder would prove nothing"
    solved = {path.name for path in paths("solutions")}
    assert solved <= {path.name for path in LESSONS}
    assert solved, "no solutions were found"


@every(LESSONS)
def test_sections(path):
    prose = "\n".join(without_code(cell["source"]) for cell in cells(path, "markdown"))
    assert re.findall(r"^## (.+?)\s*$", prose, re.M) == SECTIONS


@every(LESSONS)
def test_top_matter(path):
    top = []
    for cell in cells(path, "markdown"):
        if cell["source"].startswith("## "):
            break
        top.append(cell["source"])
    assert re.match(rf"# {path.name[:2]} · \S", top[0]), "the first cell's title is '# NN · Title'"
    text = re.sub(r"[*_\s]+", " ", "\n".join(top)).lower()
    assert re.search(r"\byou can\b|\byou will be able to\b", text), "what can the learner do afterwards?"
    assert re.search(r"\b\d+ minutes\b", text), "how many minutes does it need?"
    assert "builds on" in text, "what does it build on?"


@every(LESSONS)
def test_code_cells_are_short(path):
    lengths = {cell["id"]: len(re.findall(r"^.*\S", cell["source"], re.M)) for cell in cells(path, "code")}
    assert {cell: lines for cell, lines in lengths.items() if lines > 25} == {}
    assert median(lengths.values()) <= 5


@every(ALL)
def test_prose_cells_are_short(path):
    counts = {cell["id"]: words(cell["source"]) for cell in cells(path, "markdown")}
    assert {cell: count for cell, count in counts.items() if count > 120} == {}


def words(source):
    """Count the words of prose: what has a letter or digit in it, without code blocks, formulas, tags and addresses."""
    text = without_code(source)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$|<[^>]+>", " ", text, flags=re.S)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return sum(bool(re.search(r"\w", word)) for word in re.split(r"[\s|]+", text))


def without_code(source):
    """Cut code blocks out of Markdown."""
    return re.sub(r"^```.*?^```", "", source, flags=re.S | re.M)


def test_words_are_counted_as_documented():
    prose = "Two words, $x + y = z$ and\n```\nsome code here\n```\n[a link](https://x.org/a b) — <b>bold</b> | cell |"
    assert words(prose) == 7


@every([path for path in LESSONS if path.name[:2] > "00"])
def test_a_live_widget_and_a_measured_pitfall(path):
    widgets, used = set(), set()
    for cell in cells(path, "code"):
        for node in ast.walk(ast.parse(cell["source"])):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("course_lib.widgets"):
                widgets |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                used.add(node.func.id)
    assert widgets & used, "no widget of course_lib.widgets is shown"
    assert any("pitfall" in tags(cell) for cell in cells(path, "code")), 'no code cell is tagged "pitfall"'


@every(LESSONS)
def test_heavy_libraries_wait(path):
    trees = [ast.parse(cell["source"]) for cell in cells(path, "code")]
    for library, modules in HEAVY.items():
        loaded, used = loaded_and_used(trees, modules)
        assert loaded is None or used - loaded <= 10, f"{library} comes with code cell {loaded}, needed from {used} on"


def loaded_and_used(trees, modules):
    """The numbers of the first cell that imports from these modules and of the first one that uses what was imported."""
    names, loaded = set(), None
    for number, nodes in enumerate(map(list, map(ast.walk, trees))):
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    origin = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                    if f"{origin}.".startswith(tuple(f"{module}." for module in modules)):
                        names.add((alias.asname or alias.name).partition(".")[0])
                        loaded = number if loaded is None else loaded
        if names & {node.id for node in nodes if isinstance(node, ast.Name)}:
            return loaded, number
    return loaded, len(trees)


def test_loading_and_using_are_told_apart():
    cells = [
        "import torchvision, numpy",
        "from torch import nn as layers",
        "torch = 1",
        "def late():\n    layers.Linear",
    ]
    assert loaded_and_used([ast.parse(cell) for cell in cells], ("torch",)) == (1, 3)
    assert loaded_and_used([ast.parse(cell) for cell in cells[:2]], ("torch",)) == (1, 2)
    assert loaded_and_used([ast.parse(cell) for cell in cells], ("numpy", "scipy")) == (0, 4)
    assert loaded_and_used([ast.parse("from course_lib import models; models")], ("course_lib.models",)) == (0, 0)


@every(EXECUTED)
def test_all_code_was_run_in_order_without_an_error(path):
    run = [cell for cell in cells(path, "code") if cell["source"].strip()]
    assert [cell["execution_count"] for cell in run] == list(range(1, len(run) + 1)), "run `course build`"
    failed = {cell["id"] for cell in run for output in cell["outputs"] if output["output_type"] == "error"}
    allowed = {cell["id"] for cell in run if "raises-exception" in tags(cell)}
    assert failed <= allowed
    if path.parent.name == "solutions":
        assert not allowed


@every(paths("exercises"))
def test_exercises_have_no_outputs(path):
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(path, "code"))


@every(ALL)
def test_metadata_and_size(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["metadata"] == METADATA, "no widget state, nothing of this computer: run `course build`"
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert path.stat().st_size <= 1_500_000
    for cell in cells(path, "code"):
        assert not {"execution", "ExecuteTime", "collapsed", "scrolled", "trusted"} & set(cell["metadata"])
        for output in cell["outputs"]:
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {}), cell["id"]


@every(ALL)
def test_cell_ids_are_names(path):
    ids = [cell.get("id", "") for cell in cells(path)]
    assert len(set(ids)) == len(ids)
    assert [id for id in ids if RANDOM_ID.fullmatch(id) or not NAMED_ID.fullmatch(id)] == []


def test_random_ids_are_told_from_names():
    assert all(RANDOM_ID.fullmatch(id) for id in ("4f3c2a1b", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "a1b2c3d4e5f6"))
    assert not any(RANDOM_ID.fullmatch(id) for id in ("facade", "feedback", "decade-1", "scaled-scores"))


@every(EXECUTED)
def test_outputs_name_nothing_of_this_computer(path):
    for cell in cells(path, "code"):
        for text in texts(cell):
            assert not MACHINE.search(text) and str(ROOT) not in text, cell["id"]


@every(EXECUTED)
def test_checked_numbers_are_short(path):
    checked = [cell for cell in cells(path, "code") if "nbval-check-output" in tags(cell)]
    assert {cell["id"]: text for cell in checked for text in texts(cell) if re.search(r"\d\.\d{5,}", text)} == {}
    assert all(cell["outputs"] for cell in checked), "a checked cell prints nothing to check"


@every(ALL)
def test_no_comment_is_a_mark_for_nbval(path):
    assert not [cell["id"] for cell in cells(path, "code") if re.search(r"^\s*#\s*NBVAL_", cell["source"], re.M)]


@every(LESSONS)
def test_guesses_and_panels_are_folded_kept_and_alive_at_once(path):
    asks = [cell for cell in cells(path, "code") if re.match(r"(guess|your_turn)\(", cell["source"])]
    wanted = {"plumbing", "keep_output", "at-open"}
    assert {cell["id"]: tags(cell) for cell in asks if not wanted <= set(tags(cell))} == {}
    for cell in asks:
        call = ast.parse(cell["source"]).body[0].value
        names = {node.id for argument in ast.walk(call) for node in ast.walk(argument) if isinstance(node, ast.Name)}
        assert names <= {"guess", "your_turn"}, (
            f"{cell['id']} uses names that are not there yet as a notebook is opened"
        )


@every(ALL)
def test_every_picture_has_a_text_alternative(path):
    for cell in cells(path):
        for output in cell.get("outputs", ()):
            for mime in output.get("data", {}):
                if mime.startswith("image/"):
                    alternative = output["metadata"].get(mime, {}).get("alt", "")
                    assert len(alternative.split()) >= 5, f"{cell['id']}: its metadata needs an alt text"
        markup = [without_code(cell["source"])] if cell["cell_type"] == "markdown" else texts(cell)
        for text in markup:
            for picture in re.findall(r"<img\b[^>]*>", text):
                assert re.search(r"\balt=[\"'][^\"']", picture), f"{cell['id']}: {picture[:80]}"
                assert not re.search(r"\bsrc=[\"']https?:", picture), f"{cell['id']}: {picture[:80]}"
            for alternative, address in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", text):
                assert alternative.strip() and not address.startswith("http"), f"{cell['id']}: {address[:80]}"

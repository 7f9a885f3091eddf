"""What Python hands to the page: one self-contained module, with no request to anywhere."""

import json
from pathlib import Path

import pytest

import course_lib.widgets
from course_lib.widgets import page

FOLDER = Path(course_lib.widgets.__file__).parent
WIDGETS = sorted(
    path.stem for path in FOLDER.glob("*.js") if path.stem != "loader" and "export default" in path.read_text("utf-8")
)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widgets_module_holds_all_that_it_imports_each_after_what_it_needs(name):
    module, style = page.page_module(name)
    first, loader = module.split("\n", 1)
    modules = json.loads(first.removeprefix("const MODULES = ").removesuffix(";"))
    assert list(modules)[-1] == f"{name}.js"
    assert "kit/frame.js" in modules
    before = []
    for path, one in modules.items():
        assert one["text"] == (FOLDER / path).read_text("utf-8")
        assert set(one["imports"].values()) <= set(before), path
        before.append(path)
    assert "import" not in loader.replace("await import(address)", "").replace("imports", "")
    assert ".cl-panel" in style and "--cl-query" in style


def test_own_style_comes_after_the_kits(tmp_path, monkeypatch):
    write = modules_in(tmp_path, monkeypatch)
    write("a.js", 'import { b } from "./parts/b.js";\n')
    write("parts/b.js", "export const b = 1;\n")
    write("kit/frame.js", "")
    for sheet in ("a.css", "parts/b.css", "kit/frame.css", "kit/colours.css", "parts/other.css"):
        write(sheet, f"{sheet}\n")
    write("loader.js", "")
    assert page.page_module("a")[1].split() == ["kit/colours.css", "kit/frame.css", "parts/b.css", "a.css"]


@pytest.mark.parametrize("path", sorted([*FOLDER.rglob("*.js"), *FOLDER.rglob("*.css")]), ids=lambda path: path.name)
def test_nothing_is_fetched_and_no_text_becomes_markup(path):
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    for forbidden in ("http:", "https:", "@import", "url(", "fetch(", "innerHTML", "insertAdjacentHTML", "eval("):
        assert forbidden not in text, forbidden


def modules_in(folder, monkeypatch):
    """A folder in the place of the widgets'; returns a function that writes a file below it."""
    monkeypatch.setattr(page, "FOLDER", folder)

    def write(path, text):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")

    return write


@pytest.mark.parametrize(
    "statement",
    [
        'import { readable as number } from "./kit/b.js";',
        "import { one, two } from './kit/b.js';",
        'import {\n  one,\n  two,\n} from "./kit/b.js";',
        'import * as all from "./kit/b.js";',
        'import b, { one } from "./kit/b.js";',
        'import "./kit/b.js";',
        'export * from "./kit/b.js";',
        'const b = await import("./kit/b.js");',
        '/** @param {import("./kit/b.js").Cell} cell */',
        'const x = "" + "./kit/b.js"; export { x as one } from "./kit/b.js";',
    ],
)
def test_every_way_to_import_is_followed(statement, tmp_path, monkeypatch):
    write = modules_in(tmp_path, monkeypatch)
    write("a.js", statement)
    write("kit/b.js", 'export const letters = Array.from("abc"), text = "from here";')
    assert list(page.modules_of("a")) == ["kit/b.js", "a.js"]
    assert page.modules_of("a")["a.js"]["imports"] == {"./kit/b.js": "kit/b.js"}


def test_modules_find_those_beside_and_above_them(tmp_path, monkeypatch):
    write = modules_in(tmp_path, monkeypatch)
    write("a.js", 'import "./kit/b.js";\nimport "./c.js";\n')
    write("kit/b.js", 'import "../c.js";\nimport "./d.js";\n')
    write("c.js", "")
    write("kit/d.js", 'import "../c.js";\n')
    assert list(page.modules_of("a")) == ["c.js", "kit/d.js", "kit/b.js", "a.js"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('import { x } from "d3";', "a.js imports 'd3': a widget's page asks nobody"),
        ('import { x } from "https://cdn.invalid/x.js";', "a.js imports 'https://cdn.invalid/x.js'"),
        ('import { x } from "./nowhere.js";', "a.js imports './nowhere.js', and there is no such file"),
        ("const x = await import(`./${name}.js`);", "a.js imports what has no name yet"),
        ("const x = await import(name);", "a.js imports what has no name yet"),
        ('import "./b.js";', "modules that need each other cannot be loaded: a.js → b.js → a.js"),
    ],
)
def test_what_a_page_could_not_follow_is_refused_before(statement, words, tmp_path, monkeypatch):
    write = modules_in(tmp_path, monkeypatch)
    write("a.js", statement)
    write("b.js", 'import "./a.js";')
    with pytest.raises(ValueError) as caught:
        page.page_module("a")
    assert words in str(caught.value)


def test_widgets_load_on_first_use():
    assert "AttentionPlayground" in dir(course_lib.widgets)
    with pytest.raises(AttributeError, match="NoSuchWidget"):
        course_lib.widgets.NoSuchWidget  # noqa: B018

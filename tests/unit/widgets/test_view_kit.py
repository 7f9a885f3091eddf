"""What Python hands to the page: one self-contained module, with no request to anywhere."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import course_lib.widgets
from course_lib.widgets.view_kit import page_module

FOLDER = Path(course_lib.widgets.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.js") if "export default" in path.read_text("utf-8"))


@pytest.mark.parametrize("name", MODULES)
def test_a_widgets_module_holds_the_kit_and_imports_nothing(name):
    module, style = page_module(name)
    assert not re.search(r"^\s*import\b", module, re.MULTILINE)
    assert "export class Plane" in module
    assert module.count("export default") == 1
    assert ".cl-panel" in style


@pytest.mark.parametrize("path", sorted([*FOLDER.glob("*.js"), *FOLDER.glob("*.css")]), ids=lambda path: path.name)
def test_nothing_is_fetched_and_no_text_becomes_markup(path):
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    for forbidden in ("http:", "https:", "@import", "url(", "fetch(", "innerHTML", "insertAdjacentHTML", "eval("):
        assert forbidden not in text, forbidden


@pytest.mark.parametrize("name", MODULES)
def test_kit_and_widget_use_no_name_twice(name, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here; the browser tests load the same module")
    joined = tmp_path / "joined.mjs"
    joined.write_text(page_module(name)[0], "utf-8")
    subprocess.run([node, "--check", joined], check=True, capture_output=True, text=True)


def test_widgets_load_on_first_use():
    assert "AttentionPlayground" in dir(course_lib.widgets)
    with pytest.raises(AttributeError, match="NoSuchWidget"):
        course_lib.widgets.NoSuchWidget  # noqa: B018

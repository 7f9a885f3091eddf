"""A widget's modules stay modules on the page: they are linked as written, and evaluated once however many widgets ask."""

import shutil

import pytest

from course_lib.widgets import page as widget_page

MODULES = {
    "one.js": """import { size as count } from "./kit/small.js";
import * as large from "./kit/large.js";
import size, {
  other,
} from './kit/many.js';
const name = "one"; // as in every other module
const late = await import("./kit/late.js");
export default { render: () => [count, large.size, size, other, late.name, name, globalThis.evaluated].join(" ") };
""",
    "two.js": """import { size } from "./kit/small.js";
export default { render: () => [size, globalThis.evaluated].join(" ") };
""",
    "kit/small.js": """const name = "small";
globalThis.evaluated = (globalThis.evaluated ?? 0) + 1;
export const size = 1;
export { name };
""",
    "kit/large.js": 'const name = "large";\nexport const size = 2;\nexport * from "./small.js";\n',
    "kit/many.js": 'import "./small.js";\nconst name = 3;\nexport default name;\nexport const other = 4;\n',
    "kit/late.js": "export const name = 5;\n",
}
SHOW = """async (text) => {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const { default: widget } = await import(address);
  URL.revokeObjectURL(address);
  return widget.render();
}"""


@pytest.fixture
def show(browser, tmp_path, monkeypatch):
    """What the module of a name shows on a page, as anywidget loads it."""
    shutil.copy(widget_page.FOLDER / "loader.js", tmp_path)
    monkeypatch.setattr(widget_page, "FOLDER", tmp_path)
    (tmp_path / "kit").mkdir()
    for path, text in MODULES.items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        yield lambda name: page.evaluate(SHOW, widget_page.page_module(name)[0])


def test_renamed_names_equal_names_and_every_form_of_import(show):
    assert show("one") == "1 2 3 4 5 one 1"


def test_modules_are_evaluated_once_and_again_when_their_text_has_changed(show, tmp_path):
    assert show("two") == "1 1"
    assert show("one").endswith(" 1") and show("two") == "1 1"
    (tmp_path / "kit" / "small.js").write_text(MODULES["kit/small.js"].replace("= 1;\nexport {", "= 9;\nexport {"))
    assert show("two") == "9 2"
    assert show("one").startswith("9 2 3") and show("one").endswith(" 2")

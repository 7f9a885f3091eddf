"""What every widget's page side shares: JavaScript that computes, JavaScript that shows, and one style sheet.

A notebook loads a widget's module from a blob address, where relative imports cannot work. So a widget's module and those
that it imports are joined here into one; each file stays a valid, readable module of its own.
"""

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)


def page_module(name):
    """Join one widget's JavaScript and style with what they need.

    Args:
        name: file name without ending, such as "attention_playground"; `name.js` must be there, `name.css` may be.

    Returns:
        (module, style): the text of one self-contained ES module and of one style sheet.
    """
    parts = _with_imports(name, [])
    module = "".join(_IMPORT.sub("", _text(part)) for part in parts)
    style = (_FOLDER / "view_kit.css").read_text("utf-8")
    own_style = _FOLDER / f"{name}.css"
    if own_style.exists():
        style += own_style.read_text("utf-8")
    return module, style


def _with_imports(name, before):
    """The names of a module and of all that it imports, each after those that it needs."""
    for needed in _IMPORT.findall(_text(name)):
        if needed not in before:
            _with_imports(needed, before)
    before.append(name)
    return before


def _text(name):
    return (_FOLDER / f"{name}.js").read_text("utf-8")

"""What every widget's page side shares: JavaScript that computes, JavaScript that shows, and one style sheet.

A notebook loads a widget's module from a blob address, where relative imports cannot work. So these and the widget's
module are joined here into one; each file stays a valid, readable module of its own.
"""

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)


def page_module(name):
    """Join what is shared with one widget's own JavaScript and style.

    Args:
        name: file name without ending, such as "attention_playground"; `name.js` must be there, `name.css` may be.

    Returns:
        (module, style): the text of one self-contained ES module and of one style sheet.
    """
    module = "".join(_own_text(f"{part}.js") for part in ("compute", "view_kit", name))
    style = (_FOLDER / "view_kit.css").read_text("utf-8")
    own_style = _FOLDER / f"{name}.css"
    if own_style.exists():
        style += own_style.read_text("utf-8")
    return module, style


def _own_text(file):
    """A module without the imports of those that are joined with it."""
    return _IMPORT.sub("", (_FOLDER / file).read_text("utf-8"))

"""What every widget's page side shares: one JavaScript module and one style sheet.

A notebook loads a widget's module from a blob address, where relative imports cannot work. So the kit and the widget's
module are joined here into one; each file stays a valid, readable module of its own.
"""

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_KIT_IMPORT = re.compile(r'^import \{[^}]*\} from "\./view_kit\.js";\n', re.MULTILINE)


def page_module(name):
    """Join the shared kit with one widget's own JavaScript and style.

    Args:
        name: file name without ending, such as "attention_playground"; `name.js` must be there, `name.css` may be.

    Returns:
        (module, style): the text of one self-contained ES module and of one style sheet.
    """
    module = (_FOLDER / "view_kit.js").read_text("utf-8") + _KIT_IMPORT.sub(
        "", (_FOLDER / f"{name}.js").read_text("utf-8")
    )
    style = (_FOLDER / "view_kit.css").read_text("utf-8")
    own_style = _FOLDER / f"{name}.css"
    if own_style.exists():
        style += own_style.read_text("utf-8")
    return module, style

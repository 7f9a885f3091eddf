"""What a widget's page side is made of: its JavaScript module with all that it imports, and their style sheets.

A notebook loads a widget's module from an address without a folder, where `./kit/plane.js` leads nowhere. So all modules
travel together in one, `loader.js`, which gives each an address of its own and puts these into the imports.
"""

import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from course_lib.widgets import live

if TYPE_CHECKING:
    from anywidget._file_contents import VirtualFileContents

FOLDER = Path(__file__).parent

TEXTS = {
    "outside": "{name} imports {address!r}: a widget's page asks nobody, so only './' and '../' lead to its modules",
    "unnamed": "{name} imports what has no name yet while the page is made: import() takes a text in quotes",
    "missing": "{name} imports {address!r}, and there is no such file",
    "circle": "modules that need each other cannot be loaded: {circle}",
}

# Static and dynamic imports and exports, and types in comments too: what these name travels without need, and does no harm.
_ADDRESS = re.compile(r"""\b(?:from\s*|import\s*\(?\s*)(["'])([^"'\n]+)\1""")
_UNNAMED = re.compile(r"""\bimport\s*\(\s*[^"'\s)]""")


def page_module(name: str) -> "tuple[str, str] | tuple[VirtualFileContents, VirtualFileContents]":
    """Put one widget's JavaScript and style together with what they need.

    Args:
        name: file name without ending, such as "attention_playground"; `name.js` must be there. The style sheets are all of
            the kit's, and those that lie beside the widget's own modules under the same name.

    Returns:
        (module, style): the text of one self-contained ES module and of one style sheet; they follow their files where
        `live.py` says so.

    Raises:
        ValueError: an import that a page cannot follow.
    """
    return live.followed(lambda: _texts_of(name), FOLDER) if live.is_wanted() else _texts_of(name)


def _texts_of(name):
    texts = modules_of(name)
    module = f"const MODULES = {json.dumps(texts, ensure_ascii=False)};\n{(FOLDER / 'loader.js').read_text('utf-8')}"
    sheets = [*sorted(FOLDER.glob("kit/*.css")), *(FOLDER / part.replace(".js", ".css") for part in texts)]
    style = "".join(sheet.read_text("utf-8") for sheet in dict.fromkeys(sheets) if sheet.exists())
    return module, style


def modules_of(name: str) -> dict[str, dict[str, Any]]:
    """All modules that a widget needs, each after those that it imports.

    Args:
        name: as for `page_module`.

    Returns:
        path below this folder, such as "kit/plane.js" -> {"text": …, "imports": {address in the text: path}}.
    """
    found = {}
    _collect(f"{name}.js", (), found)
    return found


def _collect(path, above, found):
    if path in above:
        raise ValueError(TEXTS["circle"].format(circle=" → ".join([*above, path])))
    if path in found:
        return
    text = (FOLDER / path).read_text("utf-8")
    imports = imports_of(path, text)
    for needed in imports.values():
        _collect(needed, (*above, path), found)
    found[path] = {"text": text, "imports": imports}


def imports_of(path: str, text: str) -> dict[str, str]:
    """What a module imports.

    Args:
        path: of the module, below this folder.
        text: of the module.

    Returns:
        address as it stands in the text -> path below this folder.
    """
    if _UNNAMED.search(text):
        raise ValueError(TEXTS["unnamed"].format(name=path))
    addresses = dict.fromkeys(match[2] for match in _ADDRESS.finditer(text))
    return {address: _path_of(path, address) for address in addresses}


def _path_of(path, address):
    if not address.startswith(("./", "../")):
        raise ValueError(TEXTS["outside"].format(name=path, address=address))
    steps = []
    for step in [*PurePosixPath(path).parent.parts, *PurePosixPath(address).parts]:
        steps = steps[:-1] if step == ".." else [*steps, step]
    if not (FOLDER / "/".join(steps)).is_file():
        raise ValueError(TEXTS["missing"].format(name=path, address=address))
    return "/".join(steps)

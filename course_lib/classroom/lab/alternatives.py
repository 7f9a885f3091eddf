"""Pictures' text alternatives on exported pages: nbconvert's default page leaves out the one that a notebook keeps.

A notebook keeps it in the metadata of the output, under the picture's type, or of the cell. `jupyter_config.json` beside
this file has every export to HTML ask here, in JupyterLab as `course lab` starts it and for `jupyter nbconvert` in `.venv`.
"""

import base64
from html import escape

from nbconvert.preprocessors import Preprocessor

PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
SIZES = ("width", "height")


class TextAlternatives(Preprocessor):
    """Shows each picture that has a text alternative as an element that holds both."""

    def preprocess_cell(self, cell, resources, index):
        if getattr(self.parent, "sanitize_html", False):  # which takes out all pictures in HTML
            return cell, resources
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            kind = next((kind for kind in PICTURES if kind in data), None)
            about = output.get("metadata", {}).get(kind, {})
            alternative = about.get("alt") or cell.metadata.get("alt")
            if kind and alternative and "text/html" not in data:
                data["text/html"] = _element(kind, data[kind], {"alt": alternative} | about)
        return cell, resources


def _element(kind, picture, about):
    if kind == "image/svg+xml":
        picture = base64.b64encode(picture.encode()).decode()
    told = "".join(f' {name}="{escape(str(about[name]))}"' for name in ("alt", *SIZES) if name in about)
    return f'<img src="data:{kind};base64,{picture.strip()}"{told}>'

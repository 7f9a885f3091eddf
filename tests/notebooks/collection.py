"""The course's notebooks, for the tests of their form."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KINDS = ("notebooks", "solutions", "exercises")


def paths(*kinds):
    """List the lessons' notebooks in these folders: the glossary is none."""
    return sorted(path for kind in kinds for path in (ROOT / kind).glob("[0-9][0-9]_*.ipynb"))


def name(path):
    """Name a notebook in the list of tests: notebooks/03_self_attention_by_hand."""
    return path.relative_to(ROOT).with_suffix("").as_posix()


def cells(path, kind=None):
    """Read a notebook's cells, each source in one piece: all of them, or only those of kind "code" or "markdown"."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in found:
        cell["source"] = "".join(cell["source"])
    return [cell for cell in found if kind in (None, cell["cell_type"])]


def tags(cell):
    """List a cell's tags."""
    return cell["metadata"].get("tags", [])


def texts(cell):
    """List all text in a code cell's outputs."""
    found = []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            found.append("".join(output["text"]))
        elif output["output_type"] == "error":
            found += [output["evalue"], *output["traceback"]]
        else:
            data = output["data"].items()
            found += ["".join(value) for mime, value in data if isinstance(value, str | list) and mime[:6] != "image/"]
    return found

"""A small extension of Jupyter Server: as it starts, widgets of yesterday give way to the pictures saved beside them.

No kernel lives when a server starts, so that every live view in the learner's notebooks is dead, and JupyterLab would show
"Error displaying widget: model not found" in its place.
"""

import json
import os
from pathlib import Path

from course_lib.classroom import files, notebooks, places, trust

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

TEXTS = {"wake": "At rest since Python was ended. It moves again once the cells above and this one have run."}


def put_to_rest(folder, notary=None):
    """Take the dead views out of the notebooks in a folder, each file whole. What can't be read is left alone.

    Args:
        folder: where to look, in all folders below too.
        notary: the server's `NotebookNotary`, to sign again what it had signed.

    Returns:
        The paths of the notebooks that were changed.
    """
    changed = []
    for path in sorted(Path(folder).rglob("*.ipynb")):
        hidden = any(part.startswith(".") or part == files.ASIDE for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and _put_one_to_rest(path, notary):
            changed.append(path)
    return changed


def _put_one_to_rest(path, notary):
    try:
        before = path.stat()
        if VIEW.encode() not in path.read_bytes():
            return False
        text = notebooks.read_text(path)
        content = json.loads(text)
        if not _without_dead_views(content):
            return False
        rested = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        if path.stat().st_mtime_ns != before.st_mtime_ns:  # somebody is writing it at this moment
            return False
        files.replace(path, rested)
        if notary and trust.is_given(notary, text):
            trust.give(notary, rested)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # so that a tab that was left open can save
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def _without_dead_views(content):
    """Take out the views whose models are not saved with the notebook; returns whether there were any."""
    alive = content["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
    found = False
    for cell in content["cells"]:
        outputs = []
        for output in cell.get("outputs", ()):
            outputs.append(output)
            data = output.get("data", {})
            if VIEW not in data or data[VIEW].get("model_id") in alive:
                continue
            found = True
            del data[VIEW]
            if data and not any(data.values()):  # buttons under a verdict, which says the rest
                outputs.pop()
                continue
            if not any(kind == "text/html" or kind.startswith("image/") for kind in data):
                data.pop("text/plain", None)  # a list of its parts, for those who write widgets
            outputs.append(_note())
            if not data:
                outputs.remove(output)
        if "outputs" in cell:
            cell["outputs"] = outputs
    return found


def _note():
    html = f'<div style="color:var(--jp-ui-font-color2,#666)">{TEXTS["wake"]}</div>'
    data = {"text/plain": TEXTS["wake"], "text/html": html}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _jupyter_server_extension_points():
    return [{"module": __name__}]


def _load_jupyter_server_extension(server):
    """Put the learner's widgets to rest, unless another server's kernels may hold them; sign their copies."""
    try:
        folder = places.workspace()
    except (places.NotACourse, files.FileTrouble):
        return
    if not _served_elsewhere(folder):
        put_to_rest(folder, server.contents_manager.notary)
    trust.give_to_copies(server.contents_manager.notary)


def _served_elsewhere(folder):
    """Whether another Jupyter Server of this computer shows the folder."""
    from jupyter_server.serverapp import list_running_servers

    roots = [Path(one["root_dir"]) for one in list_running_servers() if one.get("pid") != os.getpid()]
    return any(folder.is_relative_to(root) or root.is_relative_to(folder) for root in roots)

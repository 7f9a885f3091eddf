"""Light or dark: one choice for the home page and for JupyterLab, kept in JupyterLab's own settings."""

import json

from jupyterlab_server.settings_utils import get_settings, save_settings

SETTINGS = "@jupyterlab/apputils-extension:themes"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}  # JupyterLab's own


def chosen(server):
    """The theme that the learner chose.

    Args:
        server: a Jupyter `ServerApp`.

    Returns:
        "light", "dark", or "" where they did not choose, or let JupyterLab follow their computer.

    Raises:
        OSError, tornado.web.HTTPError: JupyterLab's settings can't be read.
    """
    settings = _settings(lab) if (lab := _lab(server)) else {}
    name = "" if settings.get("adaptive-theme") else settings.get("theme", "")
    return next((theme for theme in THEMES if theme in name.lower()), "")


def choose(server, theme):
    """Keep the learner's choice, and all else that they set in JupyterLab.

    Args:
        server: a Jupyter `ServerApp`.
        theme: "light" or "dark".

    Raises:
        OSError, tornado.web.HTTPError: JupyterLab's settings can't be read or written; they are as they were.
    """
    if lab := _lab(server):
        before = _settings(lab)
        new = before | {"theme": before.get(f"preferred-{theme}-theme", THEMES[theme])}
        if new.get("adaptive-theme"):  # as JupyterLab does when one is chosen from its menu
            new["adaptive-theme"] = False
        text = json.dumps(new, ensure_ascii=False, indent=4)
        save_settings(lab.schemas_dir, lab.user_settings_dir, SETTINGS, text, {}, lab.labextensions_path)


def _lab(server):
    """JupyterLab in this server, or None."""
    return next(iter(server.extension_manager.extension_apps.get("jupyterlab", ())), None)


def _settings(lab):
    """What the learner set; overrides are none of theirs."""
    found, _ = get_settings(lab.app_settings_dir, lab.schemas_dir, lab.user_settings_dir, SETTINGS, {})
    return found["settings"]

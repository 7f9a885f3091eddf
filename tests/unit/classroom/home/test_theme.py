import json
import re

import pytest

from tests.unit.classroom.home.conftest import send


@pytest.fixture
def themes(lab_settings):
    """JupyterLab's file on themes; so far nothing was chosen."""
    path = lab_settings / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    yield path
    path.unlink(missing_ok=True)


def shown(window, page="course"):
    """The theme in which a page is shown; "" for the computer's."""
    return re.search(r'<html lang="en" data-theme="(.*)">', window.get(page).text)[1]


@pytest.mark.parametrize(
    ("settings", "theme"),
    [
        (None, ""),
        ("{}", ""),
        ('{"theme": "JupyterLab Dark"} // mine', "dark"),
        ('{"theme": "JupyterLab Dark High Contrast"}', "dark"),
        ('{"theme": "JupyterLab Light"}', "light"),
        ('{"theme": "Cobalt"}', ""),
        ('{"theme": "JupyterLab Dark", "adaptive-theme": true}', ""),
        ('{"theme": 3}', ""),
        ("no settings", ""),
    ],
)
def test_pages_are_shown_in_the_theme_of_jupyterlab(window, themes, settings, theme):
    if settings is not None:
        themes.write_text(settings)
    assert [shown(window, page) for page in ("course", "course/review", "course/open/notebooks/77")] == [theme] * 3


def test_the_switch_is_jupyterlabs_too_and_keeps_what_else_is_set_there(window, themes):
    assert send(window, "course/theme", theme="dark").status_code == 303
    assert json.loads(themes.read_text()) == {"theme": "JupyterLab Dark"} and shown(window) == "dark"
    themes.write_text('{"theme": "Cobalt", "theme-scrollbars": true, /* mine */ "adaptive-theme": true}')
    send(window, "course/theme", theme="light")
    kept = {"theme": "JupyterLab Light", "theme-scrollbars": True, "adaptive-theme": False}
    assert json.loads(themes.read_text()) == kept and shown(window) == "light"
    themes.write_text('{"preferred-dark-theme": "JupyterLab Dark High Contrast"}')
    send(window, "course/theme", theme="dark")
    assert json.loads(themes.read_text())["theme"] == "JupyterLab Dark High Contrast"


@pytest.mark.parametrize(("settings", "theme", "status"), [("no settings", "dark", 500), ("{}", "pink", 400)])
def test_a_choice_that_cant_be_kept_changes_nothing_and_is_said(window, themes, settings, theme, status):
    themes.write_text(settings)
    answer = send(window, "course/theme", theme=theme)
    assert answer.status_code == status and re.search(
        "Failed loading settings|expected one of light, dark", answer.text
    )
    assert themes.read_text() == settings

"""The colours stand in one place for Python, and in one each for JavaScript and CSS: here they are the same."""

import re

import matplotlib
import pytest
from matplotlib.colors import to_hex

from course_lib import colours, plots
from course_lib.widgets import page

CSS_NAMES = {"queries": "query", "keys": "key", "values": "value", "context": "context"}


def test_cividis_is_matplotlibs():
    cividis = matplotlib.colormaps["cividis"]
    last = len(colours.CIVIDIS) - 1
    assert [to_hex(cividis(stop / last)) for stop in range(last + 1)] == colours.CIVIDIS


def test_pages_have_the_same_colours():
    script = (page.FOLDER / "kit" / "colours.js").read_text("utf-8")
    numbers = [tuple(map(int, found)) for found in re.findall(r"^ +\[(\d+), (\d+), (\d+)\],$", script, re.M)]
    found = ["#{:02x}{:02x}{:02x}".format(*rgb) for rgb in numbers]
    assert found == [*colours.CIVIDIS, colours.PALETTE["queries"], colours.PALETTE["keys"]]


@pytest.mark.parametrize(("kind", "name"), CSS_NAMES.items())
def test_kinds_have_the_same_colours_on_pages_and_in_stills(kind, name):
    style = (page.FOLDER / "kit" / "colours.css").read_text("utf-8")
    assert re.search(rf"--cl-{name}: (#\w+);", style)[1] == colours.PALETTE[kind] == plots.STYLES[kind][0]


@pytest.mark.parametrize(("kind", "name"), CSS_NAMES.items())
def test_kinds_have_the_same_lighter_colours_on_dark_pages(kind, name):
    style = (page.FOLDER / "kit" / "colours.css").read_text("utf-8")
    assert set(re.findall(rf"--cl-{name}: (#\w+);", style)) == {colours.PALETTE[kind], colours.PALETTE_DARK[kind]}


def test_they_stand_nowhere_else_in_the_widgets():
    places = {"colours.css", "merge_stepper.css"}  # the latter: six colours for neighbouring tokens
    for path in [*page.FOLDER.rglob("*.js"), *page.FOLDER.rglob("*.css"), *page.FOLDER.glob("*.py")]:
        if path.name not in places:
            assert not [one for one in colours.PALETTE.values() if one in path.read_text("utf-8")], path.name

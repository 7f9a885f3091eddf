"""The drawings of the lessons: well-formed, readable in both schemes, self-contained, and each in the list of them."""

import re
from xml.etree import ElementTree

import pytest

from course_lib.colours import CIVIDIS, PALETTE, PALETTE_DARK, SURFACES
from tests.drawings.album import FOLDER, drawings
from tests.drawings.pen import LAMP, ink_on
from tests.notebooks.collection import cells, paths

SVG = "{http://www.w3.org/2000/svg}"
FILES = sorted(FOLDER.glob("*.svg"))
KNOWN = {*CIVIDIS, *(colour for kinds in (PALETTE, PALETTE_DARK, *SURFACES.values()) for colour in kinds.values())}
SHOWN = re.compile(r"!\[([^\]]*)\]\(pictures/([^)\s]+)\)|<img[^>]+pictures/([^\"'\s]+)")


def test_they_are_as_the_pen_draws_them():
    drawn = drawings()
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(drawn)
    stale = [name for name, text in drawn.items() if (FOLDER / name).read_text("utf-8") != text]
    assert stale == [], "python -m tests.drawings draws them anew"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_is_sound(path):
    text = path.read_text("utf-8")
    root = ElementTree.fromstring(text)
    assert path.stat().st_size < 30_000
    width, height = (float(root.get(side)) for side in ("width", "height"))
    assert width == 720 and root.get("viewBox") == f"0 0 720 {height:g}"
    assert root.find(f"{SVG}title").text and len(root.find(f"{SVG}desc").text.split()) >= 10

    inside = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert inside <= {"svg", "title", "desc", "style", "g", "rect", "circle", "path", "polygon", "text", "tspan"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert (
        "://" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
        and "url(" not in text
        and "@import" not in text
    )

    painted = set(re.findall(r"\b(?:fill|stroke|color)[:=]\"?([^;\"}]+)", text))
    assert painted <= KNOWN | {"none", "currentColor"}, "colours only from course_lib/colours.py"
    assert "prefers-color-scheme:dark" in text
    assert all(float(size) >= 13 for size in re.findall(r"font-size:([\d.]+)px", text))
    assert ("@keyframes" in text) == ("prefers-reduced-motion:no-preference" in text)
    assert text.find("animation:") == -1 or text.find("prefers-reduced-motion") < text.find("@keyframes")


def test_what_is_written_and_drawn_is_readable_in_both_schemes():
    for kinds, surface in ((PALETTE, SURFACES["light"]), (PALETTE_DARK, SURFACES["dark"])):
        card = surface["card"]
        assert contrast(surface["ink"], card) >= 7 and contrast(surface["soft"], card) >= 4.5
        for colour in [*kinds.values(), surface["line"]]:
            assert contrast(colour, card) >= 3
            assert contrast(surface["ink"], mixed(colour, card, 0.35)) >= 4.5
    inks = {"on-dark": SURFACES["light"]["card"], "on-light": SURFACES["light"]["ink"]}
    assert min(contrast(inks[ink_on(stop)], colour) for stop, colour in enumerate(CIVIDIS)) >= 4.5
    assert contrast(inks["on-light"], LAMP) >= 7


def test_the_list_has_an_alternative_text_of_one_sentence_for_each():
    told = dict(re.findall(r"^\| `(.+?)` \| .+? \| (.+) \|$", (FOLDER / "README.md").read_text("utf-8"), re.M))
    assert sorted(told) == [path.name for path in FILES]
    for path in FILES:
        alt = ElementTree.fromstring(path.read_text("utf-8")).find(f"{SVG}desc").text
        assert told[path.name] == alt
        assert alt.endswith(".") and not re.search(r"[.!?] [A-Z]", alt) and not set(alt) & set("[]|\n")


@pytest.mark.parametrize("path", paths("notebooks"), ids=lambda path: path.stem)
def test_lessons_show_only_pictures_that_are_there(path):
    found = [match for cell in cells(path, "markdown") for match in SHOWN.findall(cell["source"])]
    assert {markdown or html for _, markdown, html in found} <= {path.name for path in FILES}


def contrast(one, other):
    """How far two colours are apart, as WCAG 2 counts: 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    """Relative luminance of `#rrggbb`, as WCAG 2 defines it."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def mixed(colour, ground, share):
    """A colour laid over another so that this share of it shows."""
    numbers = [share * a + (1 - share) * b for a, b in zip(rgb(colour), rgb(ground), strict=True)]
    return "#" + "".join(f"{round(255 * number):02x}" for number in numbers)


def rgb(colour):
    """Red, green and blue of `#rrggbb`, from 0 to 1."""
    return [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]

"""Formulas as MathML, which browsers draw by themselves: a page needs no script for them, and no kernel."""

import html
from functools import lru_cache
from xml.etree.ElementTree import tostring

from course_lib.classroom.review.questions import HTML, pieces

FORMULAS = {"formula": "inline", "display": "block"}  # kind of a piece of text -> how it is set
PAGE = HTML | {"block": '<pre tabindex="0"><code>{}</code></pre>'}  # the keyboard reaches what is too wide
ATTRIBUTES = {  # those of MathML that draw; others, such as href and style, could do more
    "accent", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle", "fence", "form", "height",
    "linethickness", "lspace", "mathsize", "mathvariant", "maxsize", "minsize", "movablelimits", "rowlines", "rowspacing",
    "rspace", "scriptlevel", "separator", "stretchy", "symmetric", "voffset", "width", "xmlns",
}  # fmt: skip


def to_page(text):
    """A text in the question bank's mark-up as HTML, its formulas included.

    Args:
        text: text with `code`, fenced code, *emphasis* and $LaTeX$, whoever wrote it: what looks like HTML is shown as text.

    Returns:
        Inline HTML.
    """
    return "".join(
        mathml(piece, FORMULAS[kind]) if kind in FORMULAS else PAGE[kind].format(html.escape(piece))
        for kind, piece in pieces(text)
    )


@lru_cache(maxsize=1024)
def mathml(latex, display="inline"):
    """A formula as MathML; as code where it is no LaTeX that can be read.

    Args:
        latex: without dollar signs.
        display: "inline" or "block".
    """
    from latex2mathml.converter import convert_to_element

    try:
        formula = convert_to_element(latex, display=display)
    except Exception:  # half a dozen kinds, and an IndexError now and then
        return f"<code>{html.escape(latex)}</code>"
    for element in formula.iter():
        element.text = html.unescape(element.text) if element.text else None  # it writes &#x0003C; for <
        for name in set(element.attrib) - ATTRIBUTES:
            del element.attrib[name]
    return tostring(formula, encoding="unicode", short_empty_elements=False)

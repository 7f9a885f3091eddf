import html
import re
from xml.etree import ElementTree

import pytest

from course_lib.classroom.home.formulas import mathml, to_page
from course_lib.classroom.review.questions import lessons_with_questions, load_questions, pieces


def test_a_formula_among_text_and_code():
    page = to_page("`$x$` and $a<b$: <b>, *em*\n\n```\nx = '<'\n```")
    assert page.startswith("<code>$x$</code> and <math") and "<mo>&lt;</mo>" in page
    assert "&lt;b&gt;, <em>em</em>" in page and '<pre tabindex="0"><code>x = &#x27;&lt;&#x27;</code></pre>' in page


@pytest.mark.parametrize("latex", ["", r"\begin{matrix}<", r"<\left", r"\frac{"])
def test_what_is_no_latex_is_shown_as_it_is(latex):
    assert mathml(latex) == f"<code>{html.escape(latex)}</code>"


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<img src=x onerror=alert(1)>}",
        r"\text{&lt;script&gt;alert(1)&lt;/script&gt;}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(//evil)}{x}",
        r"\class{button}{x}",
        r"\mathrm{</mi><script>alert(1)</script>}",
        r"\operatorname{<svg onload=alert(1)>}",
    ],
)
def test_a_formula_is_only_ever_a_formula(latex):
    shown = mathml(latex)
    if shown.startswith("<math"):
        for element in ElementTree.fromstring(shown).iter():
            assert element.tag.startswith("{http://www.w3.org/1998/Math/MathML}m")
            assert not {"href", "style", "class"} & set(element.attrib)
    else:
        assert re.fullmatch("<code>[^<]*</code>", shown)


def test_every_formula_of_the_questions_can_be_drawn():
    texts = [
        text
        for lesson in lessons_with_questions()
        for question in load_questions(lesson)
        for text in (question.prompt, question.answer, *(one.text + " " + one.why for one in question.options))
    ]
    formulas = {piece for text in texts for kind, piece in pieces(text) if kind in ("formula", "display")}
    assert len(formulas) > 100
    assert [one for one in formulas if not mathml(one).startswith("<math") or "\\" in mathml(one)] == []

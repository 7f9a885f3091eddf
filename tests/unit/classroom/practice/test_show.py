"""What a verdict shows, and what it leaves out."""

import re

import numpy as np
import pytest

from course_lib.classroom.practice.results import Result
from course_lib.classroom.practice.show import marked_up, result_html, result_text


def verdict(**more):
    return Result("03.softmax", "A softmax", "failed", "Not that.", **more)


@pytest.mark.parametrize(
    ("array", "shown"),
    [
        (np.full((10, 10), 0.125), "[0.12, "),
        (np.full((11, 10), 0.125), "float array of shape (11, 10)"),
        (np.full((2, 2, 4), 0.125), "[[[0.12, "),
        (np.full((2, 3, 4), 0.125), "float array of shape (2, 3, 4)"),
        (np.zeros((3, 2, 3), int), "int array of shape (3, 2, 3)"),
        (np.ones((3, 2, 3), bool), "bool array of shape (3, 2, 3)"),
    ],
)
def test_an_input_is_shown_whole_where_it_can_be_read(array, shown):
    told = verdict(inputs={"x": array})
    for text in (result_text(told), result_html(told)):
        assert shown in text and ("array of shape" in text) == ("array of shape" in shown)


def test_a_page_breaks_no_line_of_an_input():
    """In a narrow pane a wrapped line would break its numbers: the block scrolls."""
    (style,) = re.findall(r'<pre style="([^"]*)"', result_html(verdict(inputs={"x": np.full((4, 10), -1.25)})))
    assert "white-space:pre;" in style and "overflow:auto" in style


def test_the_id_of_a_mistake_is_for_programs_and_terminals():
    html = result_html(verdict(diagnosis="softmax-axis-0"))
    assert 'data-outcome="failed" data-diagnosis="softmax-axis-0"' in html
    assert "softmax-axis-0" not in re.sub(r"<[^>]*>", "", html)
    assert "[softmax-axis-0]" in result_text(verdict(diagnosis="softmax-axis-0"))
    assert "data-diagnosis" not in result_html(verdict())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Does *the* count?", "Does <em>the</em> count?"),
        ("*new red*, not `a*b*c` <b>", "<em>new red</em>, not <code>a*b*c</code> &lt;b&gt;"),
        ("2 * 3 * 4 and d*k*v stay", "2 * 3 * 4 and d*k*v stay"),
    ],
)
def test_an_author_marks_up_code_and_emphasis(text, shown):
    assert marked_up(text) == shown

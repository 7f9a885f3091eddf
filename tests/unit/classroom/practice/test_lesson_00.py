"""What a verdict of lesson 00 shows."""

from course_lib.classroom.practice import exercise


def test_parts_not_added_are_shown_where_they_are_several():
    """On one number alone, its list and the number look the same: [3.5] beside 3.5."""
    result = exercise("00.weighted_average").check(lambda numbers, shares: numbers * shares, record=False)
    assert (result.diagnosis, result.got.shape) == ("average-not-added", (3,))

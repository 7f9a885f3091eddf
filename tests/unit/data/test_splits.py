import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.splits import apportion, place, without_near_repeats

SENTENCES = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8).map(" ".join), max_size=25)


def test_places_are_fixed_and_spread_evenly():
    assert place("attention") == place("attention")
    assert place("Здрасти") == pytest.approx(0.3, abs=1)  # any text has one
    places = [place(str(number)) for number in range(4000)]
    assert 0 <= min(places) and max(places) < 1
    for tenth in range(10):
        share = sum(tenth / 10 <= one < (tenth + 1) / 10 for one in places) / len(places)
        assert share == pytest.approx(0.1, abs=0.02)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 50), max_size=40))
def test_no_share_is_exceeded_and_nothing_is_lost(sizes):
    sides = apportion(sizes, validation=0.1, test=0.2)
    assert sides.keys() == sizes.keys()
    totals = {side: sum(sizes[name] for name in sizes if sides[name] == side) for side in ("validation", "test")}
    assert totals["test"] <= 0.2 * sum(sizes.values())
    assert totals["validation"] <= 0.1 * sum(sizes.values())
    assert all(sizes[name] <= 0.1 * sum(sizes.values()) for name in sizes if sides[name] != "train")


def test_small_groups_fill_the_shares():
    sides = list(apportion({str(number): 1 for number in range(1000)}, validation=0.05, test=0.1).values())
    assert [sides.count(side) for side in ("train", "validation", "test")] == [850, 50, 100]


def test_the_order_of_groups_does_not_matter():
    sizes = {str(number): number for number in range(1, 60)}
    assert apportion(sizes, validation=0.1, test=0.1) == apportion(
        dict(reversed(sizes.items())), validation=0.1, test=0.1
    )


@pytest.mark.parametrize(
    ("validation", "test", "words"),
    [
        (-0.1, 0.2, "validation is -0.1; expected a number from 0"),
        (0.1, math.nan, "test is nan; expected a number from 0"),
        (0.5, 0.5, "validation is 0.5 and test is 0.5; expected shares that leave some for train"),
    ],
)
def test_impossible_shares_are_refused(validation, test, words):
    with pytest.raises(ValueError, match=words):
        apportion({"a": 1}, validation=validation, test=test)


def words_of(text):
    return set(re.findall(r"\w+", text.lower()))


@given(SENTENCES, st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_near_repeats_are_found_as_by_comparing_all_with_all(texts, overlap):
    kept = []
    for number, text in enumerate(texts):
        own = words_of(text)
        repeats = [
            len(own & words_of(texts[other])) / len(own | words_of(texts[other])) >= overlap for other in kept if own
        ]
        if own and not any(repeats):
            kept.append(number)
    assert without_near_repeats(texts, overlap) == kept


def test_case_punctuation_and_order_do_not_tell_texts_apart():
    texts = [
        "Return the number of items.",
        "return, the NUMBER of items!",
        "items of number the return",
        "Return nothing.",
    ]
    assert without_near_repeats(texts) == [0, 3]


@pytest.mark.parametrize("overlap", [0, -1, 1.1, math.nan])
def test_an_impossible_overlap_is_refused(overlap):
    with pytest.raises(ValueError, match="overlap is"):
        without_near_repeats(["a"], overlap)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.data.characters import Characters, pad


@given(st.text(min_size=1))
def test_decoding_gives_back_what_was_encoded(text):
    vocabulary = Characters(text)
    ids = vocabulary.encode(text, start=True, end=True)
    assert ids[0] == vocabulary.start_id and ids[-1] == vocabulary.end_id
    assert all(3 <= number < len(vocabulary) for number in ids[1:-1])
    assert vocabulary.decode([*ids, vocabulary.pad_id, ids[1]]) == text


def test_ids_do_not_depend_on_order_and_special_ones_stay_apart():
    assert Characters("cba").tokens == Characters("abcabc").tokens == ("<pad>", "<start>", "<end>", "a", "b", "c")
    assert "a" in Characters("abc") and "<pad>" not in Characters("abc")
    with pytest.raises(ValueError):
        Characters("abc").encode("<pad>")


def test_an_unknown_character_is_named():
    with pytest.raises(ValueError, match=r"'ж' \(U\+0436\).*'7 ж'"):
        Characters("7 ").encode("7 ж")


@pytest.mark.parametrize("number", [-1, 6, 1000])
def test_an_id_outside_the_vocabulary_is_refused(number):
    with pytest.raises(ValueError, match=f"id is {number}; expected a whole number from 0 to 5"):
        Characters("abc").decode([3, number])


def test_sequences_are_padded_on_the_right():
    padded = pad([[3, 4, 5], [6], []])
    assert padded.dtype == np.int64
    np.testing.assert_array_equal(padded, [[3, 4, 5], [6, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(pad([[1], [2, 3]], pad_id=9), [[1, 9], [2, 3]])
    with pytest.raises(ValueError, match="sequences is empty"):
        pad([])

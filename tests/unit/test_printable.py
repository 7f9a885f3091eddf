"""Text that came from anywhere can be printed everywhere."""

from hypothesis import example, given
from hypothesis import strategies as st

from course_lib.printable import printable, well_formed

ANY = st.text(st.characters(categories=("L", "N", "P", "S", "Z", "C")))  # lone surrogates too


@given(ANY)
@example("\x1b[31m\x9b31m")
@example("a\u202eb\u2066c")
@example("\ud800")
def test_what_is_printed_steers_nothing_and_can_be_written(text):
    shown = printable(text)
    shown.encode()
    assert not any(letter in shown for letter in "\x1b\x9b\x07\r\u202e\u2066\u2028")
    assert printable(shown) == shown


def test_what_people_write_stays_as_it_is():
    for text in ("a\n\tb", "価格\u3000１０", "مى\u200cخواهم", "👩\u200d💻", "1\u00a0000 €", "$x$ <b>"):
        assert printable(text) == text


def test_one_line_of_it():
    assert printable("a\nb\u200d", keep="") == r"a\nb\u200d"


@given(ANY)
def test_well_formed_text_is_what_utf_8_can_write(text):
    assert well_formed(text).encode().decode() == well_formed(text)


def test_only_surrogates_change_and_pairs_of_them_become_their_character():
    assert well_formed("a\x1b\u202e😀") == "a\x1b\u202e😀"
    assert well_formed("\ud800a\udc00") == "�a�"
    assert well_formed("\ude00\ud83d\ude00\ud83d") == "�😀�"

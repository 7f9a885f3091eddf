import numpy as np
import pytest

from course_lib.data import date_lists


def test_a_list_is_translated_date_by_date():
    for source, target in date_lists.lists(50, 3, seed=1):
        assert source.count(";") == 2 and len(target) == 9
        for written, number in zip((source[place] for place in date_lists.places(source)), target, strict=True):
            assert not written.isdigit() or int(written) == int(number)


def test_the_places_are_those_of_year_month_and_day():
    assert date_lists.places(date_lists.split("Mittwoch, 9. Juli 2036; 2004. január 15.")) == [3, 2, 1, 5, 6, 7]


def test_training_and_test_share_no_date():
    train, test = ({tuple(target) for _, target in date_lists.lists(3000, 1, 0, part)} for part in date_lists.SIZES)
    assert len(train) > 2000 and len(test) > 1000 and not train & test


def test_the_same_seed_gives_the_same_lists():
    assert date_lists.lists(5, 2, seed=3) == date_lists.lists(5, 2, seed=3) != date_lists.lists(5, 2, seed=4)


def test_ids_stand_for_their_words():
    some = date_lists.lists(4, 2, seed=0)
    source, target = date_lists.encode(some)
    words = date_lists.vocabulary()
    assert [[words[number] for number in row if number] for row in source] == [source for source, _ in some]
    assert [words[number] for number in target[0]] == ["<start>", *some[0][1], "<end>"]


def test_a_word_of_no_date_is_named():
    with pytest.raises(ValueError, match="'Mars' is no word of these dates"):
        date_lists.encode([(["Mars", "attacks"], [])])


def test_batches_grow_from_one_date_to_the_longest():
    widths = [answer.shape[1] for _, _, answer in date_lists.batches(6, seed=0, longest=3)]
    assert widths == [4, 7, 10, 4, 7, 10]
    source, so_far, following = next(date_lists.batches(1, seed=0))
    assert len(source) == 64 and np.array_equal(so_far[:, 1:], following[:, :-1])


def test_a_date_is_right_if_all_its_words_are():
    _, target = date_lists.encode(date_lists.lists(2, 2, seed=0))
    written = target[:, 1:-1].copy()
    written[1, 4] = 0  # a month
    assert date_lists.right_dates(written, target).tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize("call", [lambda: date_lists.lists(1, 0, 0), lambda: date_lists.lists(1, 1, 0, "dev")])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(ValueError, match=r"length|part"):
        call()

"""What copies made with version 0.1 import is still found, and is the same."""

import importlib

import pytest

from course_lib.moved import MOVED


@pytest.mark.parametrize(("old", "new"), MOVED.items(), ids=list(MOVED))
def test_an_old_name_is_the_module_of_today(old, new):
    module = importlib.import_module(old)
    assert module is importlib.import_module(new)
    assert module.__name__ == module.__spec__.name == new


def test_a_module_of_a_moved_package_is_not_loaded_twice():
    from course_lib.classroom.practice import lesson_03

    assert importlib.import_module("course_lib.practice.lesson_03") is lesson_03


def test_what_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"course_lib\.reviews"):
        importlib.import_module("course_lib.reviews")


def test_a_module_that_was_split_still_holds_the_names_of_both():
    from course_lib import bpe, word_vectors

    tokens = importlib.import_module("course_lib.tokens")
    assert tokens.__name__ == "course_lib.tokens"
    assert tokens.BytePairEncoder is bpe.BytePairEncoder and tokens.WordVectors is word_vectors.WordVectors

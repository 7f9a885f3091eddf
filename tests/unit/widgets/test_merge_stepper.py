"""MergeStepper without a browser."""

import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from course_lib.widgets import MergeStepper

LOW = "low low lower newest newest newest widest"
TEXTS = [LOW, "мама мыла раму, мама мыла", "banana bandana 2026 2026!\n\n banana", "가나다 가나 가나다", "😀😀😀 😀😀"]


def merges_by_hand(text, most):
    """Sennrich's algorithm on lists of strings: merge the most frequent pair, the oldest of equals; then the text's tokens."""
    words = [list(word) for word in re.findall(r"\s?[^\W\d_]+|\s?\d+|\s?[^\s\w]+|\s+(?!\S)|\s+", text)]
    assert "".join(map("".join, words)) == text
    age = {letter: number for number, letter in enumerate(sorted(set(text)))}
    merges = []
    while len(merges) < most:
        counts = Counter(pair for word in words for pair in pairwise(word))
        if not counts:
            break
        pair = min(counts, key=lambda pair: (-counts[pair], age[pair[0]], age[pair[1]]))
        merges.append(pair)
        age["".join(pair)] = len(age)
        for word in words:
            i = 0
            while i + 1 < len(word):
                if (word[i], word[i + 1]) == pair:
                    word[i : i + 2] = ["".join(pair)]
                i += 1
    return merges, [token for word in words for token in word]


def test_the_example_runs(run_example):
    run_example(MergeStepper)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("merges", [0, 1, 5, 400])
def test_merges_and_tokens_are_those_by_hand(text, merges):
    stepper = MergeStepper(text, merges=merges)
    expected_merges, expected_tokens = merges_by_hand(text, merges)
    assert stepper.merges == expected_merges
    assert stepper.tokens == expected_tokens
    assert stepper.encoder.tokenize(text) == expected_tokens
    assert (stepper.text, stepper.num_merges) == (text, merges)


def test_settings_reach_the_page_and_come_back():
    stepper = MergeStepper(LOW)
    assert stepper.merges == []
    stepper.num_merges, stepper.text = 2, "aaab aaab"
    assert (stepper.view.merges, stepper.view.text) == (2, "aaab aaab")
    assert stepper.merges == merges_by_hand("aaab aaab", 2)[0]
    stepper.view.set_state({"merges": 1, "text": "xyxy xy"})
    assert (stepper.num_merges, stepper.text, stepper.merges) == (1, "xyxy xy", [("x", "y")])


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "a string of 0 characters"),
        ("a" * 5001, "a string of 5001 characters"),
        (None, "None"),
        (b"low", "a value of type bytes"),
        (["low"], "a list of 1"),
    ],
)
def test_what_is_no_text_is_refused(text, got, refuses):
    words = f"text is {got}; expected a string of 1 to 5000 characters"
    refuses(lambda: MergeStepper(text), words)
    stepper = MergeStepper(LOW)
    refuses(lambda: setattr(stepper, "text", text), words)
    assert stepper.text == LOW


@pytest.mark.parametrize("merges", [-1, 401, 2.0, "2", None, True])
def test_merges_that_make_no_sense_are_refused(merges, refuses):
    refuses(lambda: MergeStepper(LOW, merges=merges), f"merges is {merges!r}; expected a whole number from 0 to 400")
    stepper = MergeStepper(LOW, merges=3)
    words = f"num_merges is {merges!r}; expected a whole number from 0 to 400"
    refuses(lambda: setattr(stepper, "num_merges", merges), words)
    assert stepper.num_merges == 3


def test_the_sentence_says_what_is_so():
    letters = len(set(LOW))
    expected = f"After 0 merges the vocabulary has {letters} tokens and the text {len(LOW)}: l|o|w| |l|o|w| |l|o|w|e|r"
    stepper = MergeStepper(LOW)
    assert stepper.text_alternative().startswith(expected)
    assert stepper.text_alternative().endswith(" …")  # only the first 40
    stepper.num_merges = 1
    assert stepper.text_alternative().startswith(
        f"After 1 merge the vocabulary has {letters + 1} tokens and the text 37:"
    )
    stepper.num_merges = 400
    words = stepper.text_alternative()
    done = len(stepper.merges)
    assert words.startswith(
        f"After {done} merges the vocabulary has {letters + done} tokens and the text 7: low| low| lower"
    )
    assert MergeStepper("a").text_alternative() == "After 0 merges the vocabulary has 1 token and the text 1: a"


def test_the_picture_follows(follows):
    stepper = MergeStepper(LOW)
    follows(stepper, lambda: setattr(stepper, "num_merges", 4))
    follows(stepper, lambda: setattr(stepper, "text", LOW[:20]))


@pytest.mark.parametrize("text", TEXTS)
def test_the_picture_shows_length_against_vocabulary(text):
    stepper = MergeStepper(text, merges=3)
    curve, dot = stepper.still().axes[0].lines
    letters = len(set(text))
    lengths = [len(merges_by_hand(text, merges)[1]) for merges in range(len(curve.get_xdata()))]
    np.testing.assert_array_equal(curve.get_xdata(), letters + np.arange(len(lengths)))
    np.testing.assert_array_equal(curve.get_ydata(), lengths)
    assert (dot.get_xdata().item(), dot.get_ydata().item()) == (letters + 3, lengths[3])


@pytest.mark.parametrize("text", ["a", " ", "\n\n", "x" * 5000, "$\\frac{"])
def test_odd_texts_are_taken(text, kept):
    stepper = MergeStepper(text, merges=400)
    assert "".join(stepper.tokens) == text
    kept(stepper)

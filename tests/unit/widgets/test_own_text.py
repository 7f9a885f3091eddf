"""The box for one's own text, in each widget that has one: what Python reads, and what it says where it can't."""

import threading
import time

import numpy as np
import pytest
import torch

from course_lib.models.decoder import LanguageModel
from course_lib.models.transformer import Transformer
from course_lib.widgets import DecodingStepper, HeadBrowser

LETTERS = ["<s>", "</s>", *"abcdefgh 😀é"]
READ = "read, a function text -> (tokens, attention)"


def even(n, layers=2, heads=3):
    return np.full((layers, heads, n, n), 1 / n)


def by_words(text):
    """Maps that tell their text: each word looks at the last one that is as long."""
    words = text.split()
    weights = np.zeros((2, 3, len(words), len(words)))
    for query, word in enumerate(words):
        weights[:, :, query, max(key for key, other in enumerate(words) if len(other) == len(word))] = 1
    return words, weights


def letters(text):
    return [LETTERS.index(letter) for letter in text]


def table(ids):
    return np.random.default_rng([len(ids), *ids]).normal(size=len(LETTERS))


@pytest.fixture
def browser():
    return HeadBrowser(even(3), ["the", "cat", "sat"], read=by_words, text="the cat sat")


@pytest.fixture
def stepper():
    return DecodingStepper(table, LETTERS, prompt=letters("ab"), encode=letters, text="ab", end_id=1)


def typed(widget, text):
    """What the page sends when somebody types."""
    widget.view.set_state({"text": text})
    return widget


# --- HeadBrowser ---


def test_without_a_function_there_is_no_box(refuses):
    browser = HeadBrowser(even(2), ["a", "b"])
    assert (browser.view.text_most, browser.text, browser.text_error) == (0, "", "")
    typed(browser, "a b c")
    assert browser.view.parts[0]["queries"] == ["a", "b"]
    refuses(lambda: setattr(browser, "text", "a"), f"text needs {READ}: without it there is no box for a text")
    refuses(lambda: HeadBrowser(even(2), ["a", "b"], text="a b"), f"text needs {READ}")
    refuses(lambda: HeadBrowser(even(2), ["a", "b"], read="a b"), "read is one string; expected", error=TypeError)


@pytest.mark.parametrize("way", [typed, lambda browser, text: setattr(browser, "text", text)])
def test_a_sentence_is_read_and_shown(browser, way):
    browser.layer, browser.head, browser.token = 1, 2, 2
    way(browser, "a bee and two ants")
    words, weights = by_words("a bee and two ants")
    assert browser.text == browser.view.text_read == "a bee and two ants"
    assert [browser.view.parts[0][name] for name in ("queries", "keys")] == [words, words]
    np.testing.assert_array_equal(browser.weights, weights[1, 2])
    flat = np.frombuffer(browser.view.weights, "<u2").reshape(weights.shape) / 65535
    np.testing.assert_array_equal(flat, weights)
    assert (browser.layer, browser.head, browser.token) == (1, 2, 2)  # the same head goes on being looked at
    assert "“and” attends most to “two” (1.00)" in browser.text_alternative()


def test_a_shorter_sentence_of_fewer_heads_leaves_no_place_out_of_range():
    browser = HeadBrowser(even(4, 3, 3), list("abcd"), read=lambda text: (["x"], np.ones((1, 1, 1, 1))))
    browser.layer = browser.head = 2
    browser.token = 3
    typed(browser, "x")
    assert (browser.layer, browser.head, browser.token) == (0, 0, 0)
    browser.still()


@pytest.mark.parametrize("text", ["", "   ", "\n", "\u200a"])
def test_nothing_is_never_read(browser, stepper, text):
    before = browser.view.parts, browser.view.weights
    typed(browser, text)
    assert (browser.view.parts, browser.view.weights) == before and browser.text_error == ""
    prompt = stepper.view.prompt
    typed(stepper, text)
    assert stepper.view.prompt == prompt and stepper.text_error == ""


@pytest.mark.parametrize("text", ["мама мила раму", "אבא בא", "猫 が 座る", "👩‍👩‍👧 😀 é", "<b>x</b> &amp; $a_1$"])
def test_any_script_is_read_as_it_was_typed(text):
    heard = []
    browser = HeadBrowser(even(1), ["x"], read=lambda text: (heard.append(text), by_words(text))[1])
    typed(browser, text)
    assert heard == [text] and browser.text_error == ""
    assert browser.view.parts[0]["queries"] == text.split()
    browser._repr_mimebundle_()


def test_parts_are_read_by_name(shares):
    start = {"encoder": shares(1, 2, 2, 2), "cross": shares(1, 2, 3, 2)}
    names = {"encoder": ["x", "y"], "cross": (["a", "b", "c"], ["x", "y"])}
    answer = {"encoder": shares(1, 2, 4, 4), "cross": shares(1, 2, 1, 4)}
    now = {"encoder": list("wxyz"), "cross": (["a"], list("wxyz"))}
    browser = HeadBrowser(start, names, read=lambda text: (now, answer) if text == "w" else (["a"], even(1)))
    browser.part = "cross"
    browser.token = 2
    typed(browser, "w")
    assert (browser.part, browser.token, browser.text_error) == ("cross", 0, "")
    np.testing.assert_array_equal(browser.weights, answer["cross"][0, 0])
    typed(browser, "v")
    assert "these are of ''; the browser has 'encoder', 'cross'" in browser.text_error


def test_keys_of_their_own_come_as_a_pair():
    browser = HeadBrowser(
        np.full((1, 1, 1, 2), 0.5),
        ["a"],
        ["x", "y"],
        read=lambda text: ((["a", "b"], ["x"]), torch.ones(1, 1, 2, 1, requires_grad=True)),
    )
    typed(browser, "anything")
    assert browser.text_error == ""
    assert (browser.view.parts[0]["queries"], browser.view.parts[0]["keys"]) == (["a", "b"], ["x"])


def fails(text):
    raise KeyError(text, "two\nlines")


WRONG = {
    "raises": (fails, "read raises KeyError: ('a b', 'two\\nlines')"),
    "speaks long": (lambda text: 1 / 0 if text == "" else exec(f"raise ValueError('x' * 5000 + {text!r})"), "xxx…"),
    "several lines": (lambda text: exec("raise ValueError('one\\n  two')"), "read raises ValueError: one two"),
    "is not written": (lambda text: exec("raise NotImplementedError"), "read raises NotImplementedError"),
    "returns nothing": (lambda text: None, "read must return (tokens, attention) of the text: got None"),
    "the other way round": (lambda text: by_words(text)[::-1], "read must return (tokens, attention) of the text:"),
    "forgets a token": (lambda text: (["a"], even(2)), "tokens has 1 entries; expected one for each of the 2 queries"),
    "no weights": (lambda text: (["a", "b"], 2 * even(2)), "holds a row that sums to 2"),
    "too many": (lambda text: (["a"] * 300, even(300, 1, 1)), "so its axis queries is 300; expected at most 256"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_not_be_read_is_one_sentence_and_changes_nothing(name, browser):
    function, words = WRONG[name]
    browser._reader = ("read", function, "")
    before = browser.view.parts, browser.view.weights, browser.text_alternative()
    typed(browser, "a b")
    assert browser.text_error.startswith("The picture is still the one before: ") and words in browser.text_error
    assert "\n" not in browser.text_error and len(browser.text_error) < 400 and "course_lib" not in browser.text_error
    assert (browser.view.parts, browser.view.weights, browser.text_alternative()) == before
    assert browser.view.text_read == "a b"
    browser._reader = ("read", by_words, "")
    typed(browser, "a b c")
    assert browser.text_error == "" and browser.view.parts[0]["queries"] == ["a", "b", "c"]


def test_a_text_that_does_not_fit_is_refused_by_name(browser, refuses):
    refuses(lambda: setattr(browser, "text", "a" * 251), "text is a string of 251 characters; expected at most 250")
    refuses(lambda: setattr(browser, "text", 3), "text is a value of type int; expected a string", error=TypeError)
    browser.text = "😀" * 250
    assert browser.view.parts[0]["queries"] == ["😀" * 250]


def test_the_latest_text_wins():
    """While Python reads one text, others come; only the last of them is read next."""
    heard, entered, go_on = [], threading.Event(), threading.Event()

    def slow(text):
        heard.append(text)
        entered.set()
        assert go_on.wait(60)
        return by_words(text)

    browser = HeadBrowser(even(1), ["x"], read=slow)
    threads = [threading.Thread(target=typed, args=(browser, text)) for text in ("one", "one two", "one two three")]
    threads[0].start()
    assert entered.wait(60)
    for thread, text in zip(threads[1:], ("one two", "one two three"), strict=True):
        thread.start()
        while browser.view.text != text:
            time.sleep(0.001)
    go_on.set()
    for thread in threads:
        thread.join()
    assert heard == ["one", "one two three"]
    assert browser.view.parts[0]["queries"] == ["one", "two", "three"]


# --- DecodingStepper ---


def test_a_text_is_the_prompt_of_a_function(stepper):
    stepper.ids = [3, 4]
    stepper.beam_width = 2
    typed(stepper, "h😀 é")
    assert (stepper.view.prompt, stepper.ids, stepper.view.answered) == (letters("h😀 é"), [], [])
    np.testing.assert_array_equal(stepper.logits, table(letters("h😀 é")))
    assert stepper.tree[0][0]["score"] <= 0 and stepper.text_alternative().startswith("After “h😀 é” come")
    stepper.ids = [2]
    np.testing.assert_array_equal(stepper.logits, table([*letters("h😀 é"), 2]))


def test_a_text_is_the_prompt_of_a_language_model():
    torch.manual_seed(0)
    model = LanguageModel(len(LETTERS), 8, 1, 2, max_len=6)
    stepper = DecodingStepper(model, LETTERS, prompt=[2], encode=letters)
    typed(stepper, "abc")
    with torch.no_grad():
        expected = model.eval()(torch.tensor([letters("abc")]))[0, -1]
    np.testing.assert_allclose(stepper.logits, expected, atol=1e-6)
    typed(stepper, "abcdefgh")  # more than the model reads
    assert "LanguageModel" in stepper.text_error or "ValueError" in stepper.text_error
    assert stepper.view.prompt == letters("abc") and stepper.error == ""


def test_a_text_is_what_a_translator_translates():
    torch.manual_seed(0)
    model = Transformer(len(LETTERS), 8, 1, 2, 16)
    stepper = DecodingStepper(model, LETTERS, source_ids=letters("ab"), start_id=0, end_id=1, encode=letters, text="ab")
    stepper.ids = [5]
    typed(stepper, "hé😀")
    assert (stepper.view.source, stepper.view.prompt, stepper.ids) == (["h", "é", "😀"], [0], [])
    with torch.no_grad():
        logits, attention = model.eval()(torch.tensor([letters("hé😀")]), torch.tensor([[0]]), need_weights=True)
    np.testing.assert_allclose(stepper.logits, logits[0, -1], atol=1e-6)
    np.testing.assert_allclose(stepper.weights, attention["cross"][-1][0, :, -1].mean(dim=0), atol=1e-6)
    assert len(stepper.view.weights) == 3 * 4


NO_IDS = {
    "unknown letter": (letters, "encode raises ValueError: 'x' is not in list"),
    "none": (lambda text: [], "encode must return the text's token ids: it returned none"),
    "out of range": (lambda text: [99], "the answer holds 99; expected token ids from 0 to 12"),
    "a string": (lambda text: text, "the answer is one string; expected a row of token ids from 0 to 12"),
    "nothing": (lambda text: None, "the answer is None; expected a row of token ids"),
}


@pytest.mark.parametrize("name", NO_IDS)
def test_what_has_no_ids_is_one_sentence_and_changes_nothing(name, stepper):
    function, words = NO_IDS[name]
    stepper.ids = [3]
    stepper._reader = ("encode", function, "")
    before, logits = stepper.view.get_state(), stepper.logits
    typed(stepper, "xyz")
    assert words in stepper.text_error
    after = stepper.view.get_state()
    assert {name for name in before if before[name] != after[name]} == {"text", "text_read", "text_error"}
    np.testing.assert_array_equal(stepper.logits, logits)


def test_a_source_of_too_many_tokens_is_told():
    torch.manual_seed(0)
    model = Transformer(len(LETTERS), 8, 1, 2, 16)
    stepper = DecodingStepper(
        model, LETTERS, source_ids=[2], start_id=0, encode=lambda text: [2] * 200 if text == "long" else letters(text)
    )
    typed(stepper, "long")
    assert "source has 200 entries; expected 1 to 128" in stepper.text_error
    typed(stepper, "a" * stepper.view.text_most)
    assert stepper.text_error == "" and len(stepper.view.source) == 120

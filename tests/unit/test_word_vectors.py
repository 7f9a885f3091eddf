"""Word vectors have right gradients and sensible neighbours."""

import inspect
from contextlib import contextmanager
from functools import cache
from pydoc_data import topics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import word_examples, word_vectors
from course_lib.word_vectors import (
    WordVectors,
    cbow_examples,
    keep_probabilities,
    negative_sampling,
    negative_sampling_by_loops,
    noise_probabilities,
    skip_gram_examples,
    split_sentences,
)

many = settings(max_examples=200, deadline=None)
some = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@cache
def docs():
    """The documentation that every Python carries."""
    return list(topics.topics.values())


# Word vectors: the parts


def test_sentences_are_lower_case_words():
    text = "The loop ends. Call f(x, y2)!  See:\n\nClass `Foo.bar_baz` is 3.5 good::\n\n   return None"
    assert split_sentences(text) == [
        ["the", "loop", "ends"], ["call", "f", "x", "y"], ["see"], ["class", "foo", "bar_baz", "is", "good"],
        ["return", "none"],
    ]  # fmt: skip
    assert split_sentences("… 42\n\n") == []
    assert split_sentences("Думата Е тук. Край") == [["думата", "е", "тук"], ["край"]]


def test_frequent_words_are_thinned_out_and_rare_ones_kept():
    counts = np.array([9_000, 900, 90, 10])
    keep = keep_probabilities(counts, threshold=0.01)
    np.testing.assert_allclose(keep, [np.sqrt(0.01 / 0.9), np.sqrt(0.01 / 0.09), 1, 1])


def test_noise_favours_rare_words_over_their_share():
    noise = noise_probabilities([16, 1])
    np.testing.assert_allclose(noise, [8 / 9, 1 / 9])
    np.testing.assert_allclose(noise_probabilities([3, 1], power=1), [0.75, 0.25])


def by_hand(word_ids, window, rng):
    """All (middle, neighbours) of a sentence, by plain loops, with the same draws."""
    reaches = rng.integers(1, window + 1, size=(len(word_ids), 1))[:, 0]
    for i, middle in enumerate(word_ids):
        places = [j for j in range(i - reaches[i], i + reaches[i] + 1) if j != i and 0 <= j < len(word_ids)]
        yield middle, [word_ids[j] for j in places]


@many
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 5), seeds)
def test_examples_are_each_word_and_its_neighbours(word_ids, window, seed):
    expected = list(by_hand(word_ids, window, np.random.default_rng(seed)))
    inputs, targets = skip_gram_examples(word_ids, window, np.random.default_rng(seed))
    pairs = [(middle, neighbour) for middle, neighbours in expected for neighbour in neighbours]
    assert list(zip(inputs[:, 0].tolist(), targets.tolist(), strict=True)) == pairs
    inputs, targets = cbow_examples(word_ids, window, np.random.default_rng(seed))
    bags = [[id for id in row if id >= 0] for row in inputs.tolist()]
    found = list(zip(targets.tolist(), bags, strict=True))
    assert found == [(middle, neighbours) for middle, neighbours in expected if neighbours]


@st.composite
def sampled(draw):
    """Inputs, choices and matrices of any sizes; some inputs are missing, and some noise is the true word."""
    rng = np.random.default_rng(draw(seeds))
    examples, width, negatives, words, d_model = (draw(st.integers(1, 4)) for _ in range(5))
    inputs = rng.integers(-1, words, size=(examples, width))
    inputs[np.arange(examples), rng.integers(0, width, examples)] = rng.integers(0, words, examples)
    choices = rng.integers(0, words, size=(examples, 1 + negatives))
    return inputs, choices, *rng.normal(scale=draw(st.sampled_from([0.1, 1, 3])), size=(2, words, d_model))


@many
@given(sampled())
def test_loss_and_gradients_equal_their_loops(example):
    for got, expected in zip(negative_sampling(*example), negative_sampling_by_loops(*example), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@some
@given(sampled())
def test_gradients_are_those_of_finite_differences(example):
    inputs, choices, *matrices = example
    _, *gradients = negative_sampling(inputs, choices, *matrices)
    step = 1e-5
    for which, gradient in enumerate(gradients):
        for place in np.ndindex(gradient.shape):
            losses = []
            for sign in (1, -1):
                moved = [matrix.copy() for matrix in matrices]
                moved[which][place] += sign * step
                losses.append(negative_sampling(inputs, choices, *moved)[0])
            np.testing.assert_allclose(gradient[place], (losses[0] - losses[1]) / (2 * step), rtol=1e-6, atol=1e-8)


def test_the_loss_is_that_of_the_paper():
    W_in, W_out = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[0.5, 0.0], [1.0, 1.0]])
    loss, _, _ = negative_sampling([[0]], [[1, 0, 1]], W_in, W_out)  # the second noise word is the true one
    np.testing.assert_allclose(loss, np.log1p(np.exp(-3)) + np.log1p(np.exp(0.5)))
    loss, _, _ = negative_sampling([[0, 1, -1]], [[1, 0]], W_in, W_out)  # the mean of both is (2, 0.5)
    np.testing.assert_allclose(loss, np.log1p(np.exp(-2.5)) + np.log1p(np.exp(1)))
    loss, *gradients = negative_sampling([[0]], [[1, 0]], W_in * 1e3, W_out * 1e3)  # no overflow far out
    assert np.isfinite(loss) and all(np.isfinite(gradient).all() for gradient in gradients)


# Word vectors: trained


ALIKE = """lowercase uppercase, true false, left right, positive negative, mutable immutable, break continue, list tuple,
exception raised, prefix suffix, start end, key value, bytes bytearray"""


@cache
def trained(objective):
    sentences = dict.fromkeys(tuple(words) for text in docs() for words in split_sentences(text))
    return WordVectors.train(sentences, objective=objective, epochs={"skip-gram": 3, "cbow": 5}[objective])


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["skip-gram", "cbow"])
def test_neighbours_in_pythons_documentation_make_sense(objective):
    vectors = trained(objective)
    pairs = [pair.split() for pair in ALIKE.split(",")]
    pairs = [(word, other) for word, other in pairs if word in vectors and other in vectors]
    assert len(pairs) >= 10  # the documentation differs between versions of Python
    similarities = np.array([vectors.similarity(word, other) for word, other in pairs])
    rng = np.random.default_rng(0)
    randomly = np.array([vectors.similarity(*rng.choice(vectors.words, 2, replace=False)) for _ in range(2_000)])
    assert similarities.mean() > randomly.mean() + 0.25
    assert (similarities > np.quantile(randomly, 0.75)).all()
    near = [other in dict(vectors.nearest(word, 15)) for word, other in pairs]
    assert np.mean(near) > 0.5  # chance: about 0.01
    assert vectors.losses == sorted(vectors.losses, reverse=True)
    assert vectors.losses[-1] < 0.8 * 6 * np.log(2)  # 6 choices, each a coin's flip, before training


def test_the_same_seed_gives_the_same_vectors():
    sentences = [["red", "apple"], ["green", "pear"], ["red", "pear"], ["green", "apple"]] * 20
    options = {"d_model": 5, "subsample": None, "epochs": 2}
    one, again, other = (WordVectors.train(iter(sentences), seed=seed, **options) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.vectors, again.vectors)
    assert one.losses == again.losses and len(one.losses) == 2
    assert np.abs(one.vectors - other.vectors).max() > 0.01
    assert one.vectors.shape == (4, 5) and one.words == again.words


def test_neighbours_are_sorted_cosines():
    vectors = WordVectors(["one", "two", "three", "four"], [[1, 0], [3, 0.1], [-1, 0], [0, 0]])
    assert [word for word, _ in vectors.nearest("one")] == ["two", "four", "three"]
    assert vectors.nearest("one", 1) == [("two", pytest.approx(3 / np.hypot(3, 0.1)))]
    assert vectors.similarity("one", "three") == vectors.similarity("three", "one") == -1
    assert vectors.similarity("one", "four") == 0  # a vector of length 0 points nowhere
    np.testing.assert_array_equal(vectors["two"], [3, 0.1])
    np.testing.assert_array_equal(vectors[["two", "one"]].mean(axis=0), [2, 0.05])
    assert "two" in vectors and "five" not in vectors


# What makes no sense is refused


@contextmanager
def refused(*expected, error=ValueError):
    """What is done inside raises an error that says all that is expected."""
    with pytest.raises(error) as raised:
        yield
    for part in expected:
        assert part in str(raised.value), str(raised.value)


def test_word_vectors_refuse_what_makes_no_sense():
    sentences = [["red", "apple"], ["green", "pear"]] * 5
    train = WordVectors.train
    with refused("sentences is one string; expected lists of words, as from split_sentences(text)", error=TypeError):
        train("red apple")
    with refused("sentences[0] is one string; expected a list of strings", error=TypeError):
        train(["red apple"])
    with refused("sentences[1] is a value of type int; expected a list of strings", error=TypeError):
        train([["red"], 3])
    with refused("sentences[1][1] is a value of type int; expected a string", error=TypeError):
        train([["red"], ["a", 3]])
    with refused("sentences holds no two neighbouring words", "5 times"):
        train([])
    with refused("at least 6 times (min_count)"):
        train(sentences, min_count=6)
    with refused("no two neighbouring words"):
        train([["red"]] * 9)
    with refused("objective is 'glove'; expected one of 'skip-gram', 'cbow'"):
        train(sentences, objective="glove")
    for name in ("d_model", "window", "negatives", "epochs", "min_count", "batch_size"):
        for wrong in (0, 1.5, "1"):
            with refused(f"{name} is {wrong!r}; expected a whole number of at least 1"):
                train(sentences, **{name: wrong})
    for name in ("learning_rate", "subsample"):
        for wrong in (0, -1.0, np.nan, np.inf, "1", True):
            with refused(f"{name} is {wrong!r}; expected a finite number above 0"):
                train(sentences, **{name: wrong})
    with refused("subsample is 1e-09, which leaves no two neighbouring words"):
        train(sentences, subsample=1e-9)
    vectors = train(sentences, epochs=1, subsample=None)
    with refused("'aple' is none of the 4 words with a vector; close to it: apple"):
        vectors.nearest("aple")
    with refused("'<b>' is none of the 4 words with a vector"):
        vectors["<b>"]
    with refused("'blue' is none"):
        vectors[["red", "blue"]]
    with refused("0 is none of the 4 words"):
        vectors[0]
    with refused("None is none of the 4 words"):
        vectors.similarity("red", None)
    with refused("count is 0; expected a whole number of at least 1"):
        vectors.nearest("red", 0)
    with refused("vectors has shape (2, 1), so its axis words is 2; expected (words, d_model) with words = 1"):
        WordVectors(["a"], [[1.0], [2.0]])
    with refused("vectors holds nan at index (0, 1)"):
        WordVectors(["a"], [[1.0, np.nan]])
    with refused("vectors has dtype complex128"):
        WordVectors(["a"], [[1j]])
    with refused("words holds 'a' twice"):
        WordVectors(["a", "a"], [[1.0], [2.0]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint64, np.int8])
@pytest.mark.parametrize("examples", [skip_gram_examples, cbow_examples])
def test_ids_of_any_whole_dtype_give_the_same_examples(examples, dtype):
    ids = [3, 100, 4, 100, 7]
    expected = examples(ids, 2, np.random.default_rng(0))
    for got, wanted in zip(examples(np.array(ids, dtype), 2, np.random.default_rng(0)), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_half_precision_vectors_have_cosines():
    vectors = WordVectors(["a", "b", "c"], np.array([[300, 0], [600, 0], [0, 300]], np.float16))
    assert vectors.similarity("a", "b") == pytest.approx(1) and vectors.similarity("a", "c") == 0


def test_parts_of_word_vectors_refuse_what_makes_no_sense():
    rng, W = np.random.default_rng(0), np.ones((3, 2))
    for function in (keep_probabilities, noise_probabilities):
        for wrong, said in (
            ([], "has shape (0,), which is empty"),
            ([1, 0], "holds 0.0; expected numbers above 0"),
            ([[1]], "has shape (1, 1); expected (words)"),
            (["a"], "has dtype <U1"),
            ([np.nan], "holds nan"),
            ([1, np.inf], "holds inf"),
        ):
            with refused(f"counts {said}"):
                function(wrong)
    with refused("threshold is 0; expected a finite number above 0"):
        keep_probabilities([1], 0)
    with refused("power is -1; expected a finite number above 0"):
        noise_probabilities([1], -1)
    for examples in (skip_gram_examples, cbow_examples):
        with refused("word_ids has dtype float64", "expected whole numbers"):
            examples([0.5], 2, rng)
        with refused("word_ids has shape (1, 1); expected (seq_len)"):
            examples([[1]], 2, rng)
        with refused("word_ids holds -1; expected ids from 0"):
            examples([1, -1], 2, rng)
        with refused("window is 0; expected a whole number of at least 1"):
            examples([1], 0, rng)
    for function in (negative_sampling, negative_sampling_by_loops):
        with refused("inputs holds 3; expected ids from -1 to 2"):
            function([[3]], [[0]], W, W)
        with refused("choices holds -1; expected ids from 0 to 2"):
            function([[0]], [[-1]], W, W)
        with refused("inputs has shape (1,); expected (examples, width)"):
            function([0], [[0]], W, W)
        with refused(
            "choices has shape (2, 1), so its axis examples is 2", "examples = 1, as in inputs of shape (1, 1)"
        ):
            function([[0]], [[0], [1]], W, W)
        with refused("inputs holds only -1 in row 1"):
            function([[0], [-1]], [[0], [1]], W, W)
        with refused("W_out has shape (2, 2)", "words = 3"):
            function([[0]], [[0]], W, W[:2])
        with refused("W_in holds nan"):
            function([[0]], [[0]], W * np.nan, W)


def test_every_public_name_says_what_it_takes_and_gives():
    public = [value for name, value in vars(word_vectors).items() if not name.startswith("_")]
    functions = [value for value in public if inspect.isfunction(value)]
    for owner in (value for value in public if inspect.isclass(value)):
        functions += [value for name, value in inspect.getmembers(owner, inspect.isroutine) if not name.startswith("_")]
    rooms = (word_vectors.__name__, word_examples.__name__)
    own = [function for function in functions if getattr(function, "__module__", None) in rooms]
    assert len(own) >= 10
    for function in own:
        assert function.__doc__, function.__qualname__
        said = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
        said = [*(one.annotation for one in said), inspect.signature(function).return_annotation]
        assert inspect.Signature.empty not in said, function.__qualname__

"""Byte-pair encoding equals Hugging Face's and loses nothing; word vectors have right gradients and sensible neighbours."""

import copy
import doctest
import inspect
import json
import pickle
import random
import re
from collections import Counter
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pydoc_data import topics

import numpy as np
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import tokens
from course_lib.tokens import (
    BytePairEncoder,
    MergeStep,
    WordVectors,
    cbow_examples,
    keep_probabilities,
    negative_sampling,
    negative_sampling_by_loops,
    noise_probabilities,
    skip_gram_examples,
    split_sentences,
    split_words,
)

many = settings(max_examples=200, deadline=None)
some = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)

GPT_2 = r"'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PAPER = {"low": 5, "lower": 2, "newest": 6, "widest": 3}  # Sennrich 2016, algorithm 1, without the sign for word ends
BULGARIAN = """Внимание е всичко, от което се нуждаеш. Вниманието свързва думите: всяка дума гледа към всички други думи и
решава кои са важни. Думите са редове от букви, а буквите са редове от байтове; някои двойки се срещат често, други рядко.
Най-честата двойка се слива в нова единица, после се брои отново. Така от букви стават срички, от срички думи."""

# Few letters, so that ties and overlapping pairs abound
few_words = st.lists(st.text(st.sampled_from("abc "), min_size=1, max_size=12), min_size=1, max_size=25)


@cache
def docs():
    """The documentation that every Python carries."""
    return list(topics.topics.values())


@cache
def docs_words():
    return Counter(word for text in docs() for word in split_words(text))


def hugging_face(texts, vocab_size, *, words=GPT_2, byte_level=False, special_tokens=(), min_count=0):
    """Hugging Face's trained tokenizer, its merges and its vocabulary; words is a pattern of what is one word."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    alphabet = []
    if byte_level:
        alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
    else:
        split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(words), "removed", invert=True)
        tokenizer.pre_tokenizer = split
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=alphabet, special_tokens=list(special_tokens), min_frequency=min_count,
        show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return tokenizer, [tuple(pair) for pair in model["merges"]], model["vocab"]


# Words


@many
@given(st.text())
def test_words_join_to_the_text(text):
    words = split_words(text)
    assert "".join(words) == text
    assert all(words)


def test_words_are_those_of_gpt_2():
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(GPT_2), "isolated")
    for text in [*docs(), BULGARIAN, "It's 3,5 °C  _and_\n\n rain;  der Straße's naïve\tcafé ... 42x  ", "  ", "x "]:
        assert split_words(text) == [word for word, _ in split.pre_tokenize_str(text)]
    assert split_words("We're  2 «дни»!\n") == ["We", "'re", " ", " 2", " «", "дни", "»!", "\n"]


# Byte-pair encoding, step by step


def test_the_papers_words_step_by_step():
    steps = list(BytePairEncoder.steps(PAPER, vocab_size=15))
    first = steps[0]
    assert isinstance(first, MergeStep)
    # e·s and s·t come in newest (6) and widest (3); e came into the vocabulary before s
    assert list(first.pair_counts.items())[:3] == [(("e", "s"), 9), (("s", "t"), 9), (("w", "e"), 8)]
    assert first.pair_counts[("l", "o")] == first.pair_counts[("o", "w")] == 7
    assert (first.pair, first.count, first.token) == (("e", "s"), 9, "es")
    assert first.words == {
        ("l", "o", "w"): 5, ("l", "o", "w", "e", "r"): 2, ("n", "e", "w", "es", "t"): 6, ("w", "i", "d", "es", "t"): 3,
    }  # fmt: skip
    assert [step.token for step in steps] == ["es", "est", "lo", "low", "ew"]
    assert steps[1].pair_counts[("es", "t")] == 9 and ("e", "s") not in steps[1].pair_counts
    encoder = BytePairEncoder.train(PAPER, vocab_size=15)
    assert encoder.merges == [step.pair for step in steps]
    assert encoder.tokens == [*"deilnorstw", "es", "est", "lo", "low", "ew"] and len(encoder) == 15
    assert encoder.tokenize("lowest") == ["low", "est"]  # a word that was never seen


@many
@given(few_words, st.integers(4, 40), st.booleans(), st.integers(1, 3))
def test_fast_training_finds_the_merges_of_the_steps(words, more, byte_level, min_count):
    form = {"byte_level": byte_level, "min_count": min_count, "special_tokens": ["<pad>"]}
    vocab_size = more + (257 if byte_level else 0)
    steps = list(BytePairEncoder.steps(words, max(vocab_size, 5), **form))
    encoder = BytePairEncoder.train(words, max(vocab_size, 5), **form)
    assert encoder.merges == [step.pair for step in steps]
    assert len(set(encoder.tokens)) == len(encoder.tokens) <= max(vocab_size, 5)
    for step in steps:
        counts = Counter()
        assert step.count == max(step.pair_counts.values()) >= min_count
        for cut, count in step.words.items():
            for pair in pairwise(cut):
                counts[pair] += count
        assert step.pair not in counts  # merged wherever it was
    if steps:  # encoding a training word gives what training made of it
        for word in {word for word in words if split_words(word) == [word]}:
            assert tuple(encoder.tokenize(word)) in steps[-1].words


@some
@given(few_words, seeds)
def test_the_order_of_the_words_does_not_matter(words, seed):
    shuffled = random.Random(seed).sample(words, len(words))
    merges = BytePairEncoder.train(words, 30).merges
    assert BytePairEncoder.train(shuffled, 30).merges == merges
    assert BytePairEncoder.train(iter(words), 30).merges == merges
    assert BytePairEncoder.train(dict(Counter(shuffled)), 30).merges == merges


def test_pairs_count_as_often_as_their_words_come():
    """By kinds of words (a, b) would be first, with three; by words it is (x, y), with ten."""
    words = ["ab", "cab", "abd", *["xy"] * 10]
    assert BytePairEncoder.train(words, 7).merges == [("x", "y")]
    assert next(BytePairEncoder.steps(words, 7)).pair_counts == {
        ("x", "y"): 10, ("a", "b"): 3, ("b", "d"): 1, ("c", "a"): 1
    }  # fmt: skip


def test_no_merge_reaches_across_two_words():
    assert BytePairEncoder.train(["a", "b"] * 50, 10).merges == []
    text = "no token holds two words\n" * 20
    encoder = BytePairEncoder.train(split_words(text), 500)
    assert all(" " not in token[1:] for token in encoder.tokens)
    assert set(split_words(text)) <= set(encoder.tokens)  # trained to the end, each word is one token, and no more


def test_ties_go_to_the_oldest_tokens():
    assert BytePairEncoder.train(["dc", "ba", "bd"], 8).merges == [("b", "a"), ("b", "d"), ("d", "c")]
    # characters come before merged tokens, and an earlier merge before a later one
    assert BytePairEncoder.train({"xyab": 3, "ab": 3, "xy": 2}, 8).merges[:3] == [("a", "b"), ("x", "y"), ("xy", "ab")]


def test_overlapping_pairs_are_merged_from_the_left():
    step = next(BytePairEncoder.steps({"aaaaa": 2}, 5))
    assert step.pair_counts == {("a", "a"): 8}
    assert step.words == {("aa", "aa", "a"): 2}


def test_training_stops_when_the_pairs_run_out_or_are_too_rare():
    assert BytePairEncoder.train(["abc"], 100).tokens == ["a", "b", "c", "ab", "abc"]
    assert BytePairEncoder.train(PAPER, 100, min_count=9).merges == [("e", "s"), ("es", "t")]
    assert BytePairEncoder.train(["ab"], 2).merges == []


def test_it_works_on_cyrillic():
    encoder = BytePairEncoder.train(split_words(BULGARIAN), 90)
    assert encoder.decode(encoder.encode(BULGARIAN)) == BULGARIAN
    assert any(len(token) > 3 and re.fullmatch("[а-я]+", token.strip()) for token in encoder.tokens)
    assert len(encoder.encode(BULGARIAN)) < 0.7 * len(BULGARIAN)
    assert "ума" in "".join(encoder.tokenize(" дума")) and encoder.decode(encoder.encode("редове")) == "редове"


# Equal to Hugging Face's tokenizers: ties included, since both prefer the pair with the lowest ids


@pytest.mark.parametrize(("vocab_size", "min_count"), [(1_500, 1), (6_000, 2), (50_000, 1)])
@pytest.mark.parametrize("byte_level", [False, True], ids=["characters", "bytes"])
def test_merges_and_ids_equal_hugging_faces_on_real_text(vocab_size, min_count, byte_level):
    special_tokens = ["<pad>", "<s>", "</s>"]
    form = {"byte_level": byte_level, "special_tokens": special_tokens, "min_count": min_count}
    encoder = BytePairEncoder.train(docs_words(), vocab_size, **form)
    tokenizer, merges, vocabulary = hugging_face(docs(), vocab_size, **form)
    assert len(merges) > 1_000
    assert encoder.merges == merges
    assert encoder.special_ids | encoder.ids == vocabulary
    for text in docs()[::5]:
        assert encoder.encode(text) == tokenizer.encode(text).ids


@pytest.mark.parametrize("byte_level", [False, True], ids=["characters", "bytes"])
def test_merges_equal_hugging_faces_on_cyrillic(byte_level):
    encoder = BytePairEncoder.train(split_words(BULGARIAN), 400, byte_level=byte_level)
    tokenizer, merges, _ = hugging_face([BULGARIAN], 400, byte_level=byte_level)
    assert encoder.merges == merges and len(merges) > 100
    assert encoder.encode(BULGARIAN) == tokenizer.encode(BULGARIAN).ids


@many
@given(st.lists(st.text(st.sampled_from("abc"), min_size=1, max_size=12), min_size=1, max_size=25), st.integers(3, 40))
def test_merges_equal_hugging_faces_where_ties_abound(words, vocab_size):
    encoder = BytePairEncoder.train(words, vocab_size)
    tokenizer, merges, _ = hugging_face([" ".join(words)], vocab_size, words="[abc]+")
    assert encoder.merges == merges
    for word in words:
        assert encoder.tokenize(word) == tokenizer.encode(word).tokens


# Encoding and decoding


@cache
def byte_encoder():
    return BytePairEncoder.train(docs_words(), 1_000, byte_level=True, special_tokens=["<pad>", "</s>"])


@cache
def character_encoder():
    return BytePairEncoder.train(docs_words(), 1_000)


any_text = st.text(st.one_of(st.characters(), st.characters(categories=["Cs"]), st.sampled_from("the \n'ж語👩🏽‍🚀")))


@many
@given(any_text)
def test_bytes_encode_any_text_without_loss_but_for_lone_surrogates(text):
    encoder = byte_encoder()
    ids = encoder.encode(text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # a lone surrogate is no text
    assert encoder.decode(ids) == text
    assert all(type(id) is int and len(encoder.special_ids) <= id < len(encoder) for id in ids)
    assert encoder.decode(np.array(ids, dtype=np.int32)) == text


@many
@given(st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz (),.\n\"'_0123456789"), max_size=60))
def test_characters_encode_words_they_have_never_seen_without_loss(text):
    encoder = character_encoder()
    assert encoder.decode(encoder.encode(text)) == text
    assert "".join(encoder.tokenize(text)) == text


@many
@given(st.lists(st.integers(0, 999), max_size=20))
def test_any_ids_decode_to_some_text(ids):
    encoder = byte_encoder()
    encoder.decode(ids).encode()


def test_bytes_that_are_no_utf_8_become_replacement_characters():
    encoder = byte_encoder()
    first, second = encoder.encode("ж")
    assert encoder.decode([first, second]) == "ж"
    assert encoder.decode([first]) == encoder.decode([second]) == "�"
    assert encoder.decode([*encoder.encode("a"), first, *encoder.encode("b")]) == "a�b"


def test_lone_surrogates_never_come_out_of_bytes():
    encoder = byte_encoder()
    assert encoder.decode([encoder.ids[tokens.CHARACTER_OF_BYTE[byte]] for byte in b"\xed\xa0\x80"]) == "���"
    assert encoder.decode(encoder.encode("a\ud800 \ud83d\ude00")) == "a� 😀"
    BytePairEncoder.train(["\ud800"], 256, byte_level=True)


def test_frequent_words_become_one_token_and_rare_ones_several():
    encoder = byte_encoder()
    assert encoder.tokenize(" class the function") == ["Ġclass", "Ġthe", "Ġfunction"]
    assert len(encoder.tokenize("zyzzyva")) >= 4
    assert len(encoder.encode(docs()[0])) < len(docs()[0]) / 2.5


def test_special_tokens_come_first_stand_for_no_text_and_never_come_from_text():
    encoder = byte_encoder()
    assert encoder.special_ids == {"<pad>": 0, "</s>": 1} and encoder.tokens[:2] == ["<pad>", "</s>"]
    ids = encoder.encode("a<pad></s>")
    assert min(ids) > 1 and encoder.decode(ids) == "a<pad></s>"
    assert encoder.decode([0, *ids, 1, 0]) == "a<pad></s>"
    greedy = BytePairEncoder.train({"<pad>": 9}, 50, special_tokens=["<pad>"])  # the text's own <pad> becomes a token
    assert greedy.encode("<") != [0] and greedy.tokens.count("<pad>") == 2
    assert greedy.ids["<pad>"] != 0 and greedy.decode([greedy.ids["<pad>"], 0]) == "<pad>"


def test_empty_text():
    for encoder in (byte_encoder(), character_encoder()):
        assert encoder.encode("") == encoder.tokenize("") == [] and encoder.decode([]) == ""


def test_the_cache_does_not_grow_without_bound_and_is_never_handed_out():
    encoder = BytePairEncoder.train(PAPER, 15, byte_level=False)
    encoder.CACHED_WORDS = 3
    for word in ("low", "lower", "newest", "widest", "low", "lowest"):
        assert "".join(encoder.tokenize(word)) == word
        assert len(encoder._cache) <= 3
    encoder.tokenize("lowest").append("changed")
    assert encoder.tokenize("lowest") == ["low", "est"]


@pytest.mark.parametrize("encoder", [byte_encoder, character_encoder])
def test_an_encoder_comes_back_from_its_file_as_it_was(encoder, tmp_path):
    encoder, path = encoder(), tmp_path / "encoder.json"
    encoder.save(path)
    for again in (BytePairEncoder.load(path), BytePairEncoder.load(str(path)), copy.deepcopy(encoder)):
        for attribute in ("merges", "tokens", "ids", "special_ids", "byte_level"):
            assert getattr(again, attribute) == getattr(encoder, attribute)
        assert again.encode(docs()[3]) == encoder.encode(docs()[3])
    assert pickle.loads(pickle.dumps(encoder)).merges == encoder.merges
    assert json.loads(path.read_text(encoding="utf-8"))["merges"][0] == list(encoder.merges[0])


def test_files_keep_any_character(tmp_path):
    encoder = BytePairEncoder.train(["ж\ud800\u2028", '語\n"\\'], 20)
    encoder.save(tmp_path / "any.json")
    assert BytePairEncoder.load(tmp_path / "any.json").tokens == encoder.tokens
    assert "ж" in (tmp_path / "any.json").read_text(encoding="utf-8", errors="surrogatepass")


def test_it_says_what_it_is():
    assert repr(byte_encoder()) == "<BytePairEncoder: byte-level, 1000 tokens, 742 merges>"


def test_the_examples_in_the_docstrings_are_true():
    failed, tried = doctest.testmod(tokens)
    assert tried >= 6 and failed == 0


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
def refused(*expected):
    """What is done inside raises a ValueError that says all that is expected."""
    with pytest.raises(ValueError) as error:
        yield
    for part in expected:
        assert part in str(error.value), str(error.value)


@pytest.mark.parametrize("learn", [BytePairEncoder.train, lambda *a, **k: list(BytePairEncoder.steps(*a, **k))])
def test_training_refuses_what_makes_no_sense(learn):
    with refused("words is one str", "split_words(text)"):
        learn("low lower", 50)
    with refused("words is one bytes", "split_words(text)"):
        learn(b"low", 50)
    with refused("words is one NoneType"):
        learn(None, 50)
    with refused("words is empty"):
        learn([], 50)
    with refused("words is empty"):
        learn({}, 50)
    with refused("words holds ''", "at least one character"):
        learn(["low", ""], 50)
    with refused("words holds ['low']", "expected strings"):
        learn([["low"]], 50)
    with refused("words says 0 of the word 'low'", "at least 1"):
        learn({"low": 0}, 50)
    with refused("words says 1.5 of the word 'low'", "whole number"):
        learn({"low": 1.5}, 50)
    with refused("vocab_size is 9; expected at least 10", "0 special tokens and 10 characters"):
        learn(PAPER, 9)
    with refused("special_tokens is 'ab'"):
        learn(PAPER, 257, byte_level=True, special_tokens="ab")
    few = {"byte_level": True, "special_tokens": ["a", "b"]}
    with refused("vocab_size is 257; expected at least 258", "2 special tokens and 256 bytes"):
        learn(PAPER, 257, **few)
    with refused("vocab_size is 50.0; expected a whole number"):
        learn(PAPER, 50.0)
    with refused("min_count is 0; expected a whole number of at least 1"):
        learn(PAPER, 50, min_count=0)
    for special_tokens in (["<s>", "<s>"], [""], [1]):
        with refused(f"special_tokens is {special_tokens}"):
            learn(PAPER, 50, special_tokens=special_tokens)


def test_encoding_refuses_what_makes_no_sense():
    encoder = BytePairEncoder.train(PAPER, 15)
    with refused("text holds 'ж' at index 3", "byte_level=True"):
        encoder.encode("lowж")
    with refused("text holds ' ' at index 3"):
        encoder.encode("low low")
    assert encoder.tokenize("lowж") == ["low", "ж"]
    for wrong in (None, 3, b"low", ["low"]):
        for function in (encoder.encode, encoder.tokenize, split_words, split_sentences):
            with refused(f"text is {type(wrong).__name__}; expected a string"):
                function(wrong)
    for wrong in (15, -1, 0.5, "l", None, True):
        with refused(f"token_ids holds {wrong!r} at index 1", "from 0 to 14"):
            encoder.decode([3, wrong])
    for wrong in (3, "low", None, np.array(3)):
        with refused(f"token_ids is {wrong!r}; expected a row of whole numbers"):
            encoder.decode(wrong)


def test_merges_that_make_no_sense_are_named():
    with refused("merges holds ('a', 'c') at index 1", "by then"):
        BytePairEncoder("ab", [("a", "b"), ("a", "c")])
    with refused("merges holds ('ab', 'b') at index 0"):
        BytePairEncoder("ab", [("ab", "b")])
    with refused("merges holds 'ab' at index 0; expected a pair"):
        BytePairEncoder("ab", ["ab"])
    with refused("at index 1, which makes a token that exists already"):
        BytePairEncoder("ab", [("a", "b"), ("a", "b")])
    with refused("alphabet holds 'a'; expected different single characters"):
        BytePairEncoder("aba", [])
    with refused("alphabet holds 'ab'"):
        BytePairEncoder(["ab"], [])
    with refused("alphabet has 2 characters; expected the 256 of bytes"):
        BytePairEncoder("ab", [], byte_level=True)


def test_files_that_hold_no_encoder_are_refused(tmp_path):
    path = tmp_path / "encoder.json"
    BytePairEncoder.train(PAPER, 15).save(path)
    whole = path.read_text(encoding="utf-8")
    good = json.loads(whole)
    damaged = [whole[:-20], "[]", "{}", "", json.dumps(good | {"format": "other"}), "\x00"]
    damaged += [json.dumps({name: value for name, value in good.items() if name != gone}) for gone in good]
    damaged += [json.dumps(good | change) for change in (
        {"merges": [["a", "zz"]]}, {"merges": 3}, {"merges": [[["a"], "b"]]}, {"alphabet": None}, {"alphabet": [1]},
        {"special_tokens": [None]}, {"special_tokens": 1}, {"byte_level": True},
    )]  # fmt: skip
    for text in damaged:
        path.write_text(text, encoding="utf-8")
        with refused(str(path), "holds no byte-pair encoder"):
            BytePairEncoder.load(path)
    path.write_bytes(b"\xff\xfe{}")
    with refused("holds no byte-pair encoder"):
        BytePairEncoder.load(path)
    with pytest.raises(FileNotFoundError):
        BytePairEncoder.load(tmp_path / "none.json")


def test_word_vectors_refuse_what_makes_no_sense():
    sentences = [["red", "apple"], ["green", "pear"]] * 5
    train = WordVectors.train
    with refused("sentences is one str", "split_sentences(text)"):
        train("red apple")
    with refused("sentences[0] is one str", "split_sentences(text)"):
        train(["red apple"])
    with refused("sentences[1] is one int"):
        train([["red"], 3])
    with refused("sentences[1] holds 3; expected strings"):
        train([["red"], ["a", 3]])
    with refused("sentences holds no two neighbouring words", "5 times"):
        train([])
    with refused("at least 6 times (min_count)"):
        train(sentences, min_count=6)
    with refused("no two neighbouring words"):
        train([["red"]] * 9)
    with refused('objective is \'glove\'; expected "skip-gram" or "cbow"'):
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
    with refused("vectors has shape (2, 1); expected (1, d_model)"):
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
        for wrong in ([], [1, 0], [[1]], ["a"], [np.nan], [1, np.inf]):
            with refused("counts has dtype", "expected finite positive numbers of shape (words)"):
                function(wrong)
    with refused("threshold is 0; expected a finite number above 0"):
        keep_probabilities([1], 0)
    with refused("power is -1; expected a finite number above 0"):
        noise_probabilities([1], -1)
    for examples in (skip_gram_examples, cbow_examples):
        with refused("word_ids has dtype float64", "whole numbers of shape (seq_len)"):
            examples([0.5], 2, rng)
        with refused("word_ids has dtype int64 and shape (1, 1)"):
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
        with refused("inputs has dtype int64 and shape (1,)", "(examples, width)"):
            function([0], [[0]], W, W)
        with refused("inputs has shape (1, 1) and choices (2, 1)"):
            function([[0]], [[0], [1]], W, W)
        with refused("inputs holds only -1 in row 1"):
            function([[0], [-1]], [[0], [1]], W, W)
        with refused("W_out has shape (2, 2)", "words = 3"):
            function([[0]], [[0]], W, W[:2])
        with refused("W_in holds nan"):
            function([[0]], [[0]], W * np.nan, W)


def test_every_public_name_says_what_it_takes_and_gives():
    of_module = [function for function in vars(tokens).values() if inspect.isfunction(function)]
    public = [function for function in of_module if function.__module__ == tokens.__name__]
    names = {f.__name__ for f in public if not f.__name__.startswith("_") and not f.__name__.endswith("_by_loops")}
    methods = ["encode", "decode", "tokenize", "train"], ["train", "nearest", "similarity"]
    documented = [getattr(tokens, name) for name in sorted(names)]
    for owner, its in zip((BytePairEncoder, WordVectors), methods, strict=True):
        documented += [getattr(owner, name) for name in its]
    assert len(documented) == 14
    for function in documented:
        for section in ("Args:", "Returns:", "Raises:"):
            assert section in function.__doc__, function.__qualname__

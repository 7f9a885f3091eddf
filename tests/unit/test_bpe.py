"""Byte-pair encoding equals Hugging Face's and loses nothing."""

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

from course_lib import bpe
from course_lib.bpe import (
    BytePairEncoder,
    MergeStep,
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
    assert encoder.decode([encoder.ids[bpe.CHARACTER_OF_BYTE[byte]] for byte in b"\xed\xa0\x80"]) == "���"
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
    failed, tried = doctest.testmod(bpe)
    assert tried >= 3 and failed == 0


# What makes no sense is refused


@contextmanager
def refused(*expected, error=ValueError):
    """What is done inside raises an error that says all that is expected."""
    with pytest.raises(error) as raised:
        yield
    for part in expected:
        assert part in str(raised.value), str(raised.value)


@pytest.mark.parametrize("learn", [BytePairEncoder.train, lambda *a, **k: list(BytePairEncoder.steps(*a, **k))])
def test_training_refuses_what_makes_no_sense(learn):
    with refused("words is one string; expected words, as from split_words(text)", error=TypeError):
        learn("low lower", 50)
    with refused("words is a value of type bytes", "split_words(text)", error=TypeError):
        learn(b"low", 50)
    with refused("words is None", error=TypeError):
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
        for function in (encoder.encode, encoder.tokenize, split_words):
            with refused("text is ", "; expected a string", error=TypeError):
                function(wrong)
    for wrong in (15, -1, 0.5, "l", None, True):
        with refused(f"token_ids holds {wrong!r} at index 1", "from 0 to 14"):
            encoder.decode([3, wrong])
    for wrong in (3, "low", None, np.array(3)):
        with refused("token_ids is ", "; expected a row of whole numbers", error=TypeError):
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


def test_every_public_name_says_what_it_takes_and_gives():
    public = [value for name, value in vars(bpe).items() if not name.startswith("_")]
    functions = [value for value in public if inspect.isfunction(value)]
    for owner in (value for value in public if inspect.isclass(value)):
        functions += [value for name, value in inspect.getmembers(owner, inspect.isroutine) if not name.startswith("_")]
    own = [function for function in functions if getattr(function, "__module__", None) == bpe.__name__]
    assert len(own) >= 7
    for function in own:
        assert function.__doc__, function.__qualname__
        said = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
        said = [*(one.annotation for one in said), inspect.signature(function).return_annotation]
        assert inspect.Signature.empty not in said, function.__qualname__

"""One rule for arguments, wherever one is taken: numbers, choices, strings, arrays, and what signatures say of them."""

import math
import re
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np
import pytest
import torch
from jaxtyping import Bool, Float, Int, Real

from course_lib import attention, bpe, positions, word_vectors
from course_lib.checking import (
    Array,
    Bounds,
    Count,
    Scores,
    as_real,
    as_whole,
    check_function,
    check_shape,
    checked,
    describe,
    entries,
    flag,
    one_of,
    read_array,
    real_number,
    string,
    strings,
    whole_number,
)
from course_lib.classroom.review import quiz
from course_lib.data import dates, digits, docs
from course_lib.data.characters import Characters
from course_lib.models.attention import MultiHeadAttention
from course_lib.models.attention import causal_mask as tensor_mask
from course_lib.models.blocks import DecoderBlock, EncoderBlock, FeedForward
from course_lib.models.classifier import TextClassifier
from course_lib.models.decoder import LanguageModel
from course_lib.models.decoding import beam_search, greedy, sample, sampling_probabilities
from course_lib.models.encoder import TextEncoder
from course_lib.models.positions import ALiBi, LearnedPositions, Rotary, SinusoidalPositions
from course_lib.models.recurrent import RecurrentTranslator
from course_lib.models.transformer import Transformer
from course_lib.models.vision import VisionTransformer
from course_lib.training import TokenBatches, fit
from course_lib.widgets import (
    AttentionPlayground,
    BlockWalk,
    DecodingStepper,
    HeadBrowser,
    MaskBuilder,
    MergeStepper,
    PatchView,
    PositionExplorer,
    ScalingLab,
)

IDS = torch.tensor([[1, 2]])
X = np.ones((2, 3, 6))  # (batch, seq_len, d_model)
MAPS = np.full((4, 4, 5, 5), 0.2)  # (layers, heads, queries, keys)
PAIRS = [([3, 4], [1, 5, 2])] * 6
FIT = {"batches": [(IDS, IDS)] * 8, "num_steps": 4, "progress": False}


def language_model(**changes):
    return LanguageModel(**{"vocab_size": 6, "d_model": 6, "num_layers": 1, "num_heads": 3, **changes})


def once(**settings):
    return fit(language_model(), **{**FIT, **settings})


def words(**changes):
    return word_vectors.WordVectors.train(
        [["a", "b"] * 9] * 9, **{"d_model": 2, "epochs": 1, "subsample": None, **changes}
    )


def set_on(make, name):
    return lambda value: setattr(make(), name, value)


TAKE_3 = {  # what takes a whole number, and among others 3
    "attention.multi_head_attention": lambda n: attention.split_heads(X, n),
    "attention.causal_mask": lambda n: attention.causal_mask(n, n),
    "attention.sliding_window_mask": lambda n: attention.sliding_window_mask(4, window=n),
    "attention.padding_mask": lambda n: attention.padding_mask([[3, 4]], pad_id=n),
    "attention.softmax": lambda n: attention.softmax(np.ones((2, 2, 2, 2)), axis=n),
    "positions.sinusoidal": lambda n: positions.sinusoidal(n, n, first=n),
    "positions.alibi_slopes": lambda n: positions.alibi_slopes(n),
    "positions.alibi_bias": lambda n: positions.alibi_bias(n, 2, 2),
    "bpe.count_pairs": lambda n: bpe.BytePairEncoder.train({"aab": n}, 5),
    "bpe.vocab_size": lambda n: bpe.BytePairEncoder.train({"aab": 4}, n),
    "bpe.decode": lambda n: bpe.BytePairEncoder.train({"abcd": 4}, 4).decode([n]),
    "word_vectors.skip_gram_examples": lambda n: word_vectors.skip_gram_examples(
        [0, 1, 2], n, np.random.default_rng(0)
    ),
    "models.MultiHeadAttention": lambda n: MultiHeadAttention(6, n, num_kv_heads=n),
    "models.causal_mask": lambda n: tensor_mask(n, n),
    "models.FeedForward": lambda n: FeedForward(n, n),
    "models.EncoderBlock": lambda n: EncoderBlock(n, n, n),
    "models.DecoderBlock": lambda n: DecoderBlock(n, n, n),
    "models.LearnedPositions": lambda n: LearnedPositions(n, n),
    "models.SinusoidalPositions": lambda n: SinusoidalPositions(n),
    "models.Rotary start": lambda n: Rotary(4)(torch.ones(1, 1, 2, 4), start=n),
    "models.ALiBi": lambda n: ALiBi(n),
    "models.TextEncoder": lambda n: TextEncoder(n, n, n, n, n, max_len=n, num_types=n),
    "models.TextClassifier": lambda n: TextClassifier(TextEncoder(6, 6, 1, 3, 6), n),
    "models.LanguageModel": lambda n: LanguageModel(n, n, n, n, n, max_len=n),
    "models.Transformer": lambda n: Transformer(n, n, n, n, n, num_decoder_layers=n, source_vocab_size=n),
    "models.RecurrentTranslator": lambda n: RecurrentTranslator(n, 4, source_vocab_size=n),
    "models.VisionTransformer": lambda n: VisionTransformer(n, n, n, n, n, n, num_channels=n),
    "decoding.greedy": lambda n: greedy(language_model(), IDS, max_new_tokens=n, end_id=n, pad_id=n),
    "decoding.sample": lambda n: sample(language_model(), IDS, max_new_tokens=1, top_k=n),
    "decoding.beam_search": lambda n: beam_search(language_model(), IDS, max_new_tokens=1, beam_width=n),
    "decoding.sampling_probabilities": lambda n: sampling_probabilities(torch.ones(5), top_k=n),
    "dates.examples": lambda n: dates.examples(n, n),
    "dates.batches": lambda n: list(dates.batches(n, n, n)),
    "dates.invented": lambda n: dates.invented(n, n),
    "digits.batches": lambda n: next(digits.batches(n, n, n)),
    "docs.windows": lambda n: list(docs.windows(range(9), n, n, n, n)),
    "Characters.decode": lambda n: Characters("abc").decode([n]),
    "TokenBatches": lambda n: list(TokenBatches(PAIRS, n, seed=n, pad_id=n, num_epochs=n)),
    "fit num_steps": lambda n: once(num_steps=n),
    "fit warmup_steps": lambda n: once(warmup_steps=n),
    "fit pad_id": lambda n: once(pad_id=n),
    "fit seed": lambda n: once(seed=n),
    "fit checkpoint_every": lambda n: once(checkpoint_every=n),
    "fit evaluate_every": lambda n: once(evaluate_every=n, evaluate=lambda model: {}),
    "quiz": lambda n: quiz("03", count=n),
    "AttentionPlayground.selected": set_on(
        lambda: AttentionPlayground(["a", "b", "c", "d"], *np.ones((3, 4, 2))), "selected"
    ),
    "BlockWalk.token": set_on(lambda: BlockWalk(torch.ones(4, 6), list("abcd"), EncoderBlock(6, 3, 6)), "token"),
    "DecodingStepper": lambda n: DecodingStepper(
        lambda ids: np.ones(6), list("abcdef"), prompt=[0], end_id=n, max_new_tokens=n, seed=n
    ),
    "DecodingStepper.top_k": set_on(
        lambda: DecodingStepper(lambda ids: np.ones(6), list("abcdef"), prompt=[0]), "top_k"
    ),
    "HeadBrowser.layer": set_on(lambda: HeadBrowser(MAPS, list("abcde")), "layer"),
    "HeadBrowser.head": set_on(lambda: HeadBrowser(MAPS, list("abcde")), "head"),
    "HeadBrowser.token": set_on(lambda: HeadBrowser(MAPS, list("abcde")), "token"),
    "MaskBuilder": lambda n: MaskBuilder(4, length=n, window=n, layers=n),
    "MergeStepper": lambda n: MergeStepper("low lower lowest", merges=n),
    "PatchView": lambda n: PatchView(np.ones((6, 6)), MAPS[..., :4, :4] * 1.25, n),
    "PatchView.selected": set_on(lambda: PatchView(np.ones((6, 6)), MAPS[..., :4, :4] * 1.25, 3), "selected"),
    "PositionExplorer": lambda n: PositionExplorer(length=n),
    "PositionExplorer.position": set_on(PositionExplorer, "position"),
    "ScalingLab.d_k": set_on(ScalingLab, "d_k"),
    "WordVectors.train": lambda n: words(d_model=n, window=n, negatives=n, epochs=n, min_count=n, batch_size=n, seed=n),
    "WordVectors.nearest": lambda n: words().nearest("a", n),
}
SAME_AS_3 = [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.uint8)]
NO_WHOLE_NUMBER = [True, np.True_, torch.tensor(True), 3.0, np.float32(3), torch.tensor(3.0), "3", torch.tensor([3])]


@pytest.mark.parametrize("value", SAME_AS_3, ids=repr)
def test_what_counts_as_a_whole_number(value):
    for found in (as_whole(value), whole_number("size", value), whole_number("size", value, 3, 3)):
        assert found == 3 and type(found) is int


@pytest.mark.parametrize("value", [*NO_WHOLE_NUMBER, None, np.array([3]), np.array("3"), [3], 3j], ids=repr)
def test_what_is_no_whole_number(value):
    assert as_whole(value) is None
    with pytest.raises(ValueError, match=f"size is {re.escape(repr(value))}; expected a whole number of at least 1"):
        whole_number("size", value, 1)


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        (2.5, {}, "a whole number"),
        (0, {"least": 1}, "a whole number of at least 1"),
        (0, {"least": 1, "most": 4}, "a whole number from 1 to 4"),
        (5, {"least": 1, "most": 4}, "a whole number from 1 to 4"),
    ],
)
def test_a_whole_number_keeps_within_its_bounds(value, bounds, expected):
    with pytest.raises(ValueError, match=f"^size is {value}; expected {expected}$"):
        whole_number("size", value, **bounds)


@pytest.mark.parametrize("name", TAKE_3)
def test_all_that_take_a_whole_number_take_it_in_every_form(name):
    for value in (3, np.int64(3), torch.tensor(3)):
        TAKE_3[name](value)


@pytest.mark.parametrize("name", TAKE_3)
def test_all_that_take_a_whole_number_refuse_what_is_none(name):
    for value in (True, 3.0, "3", torch.tensor([3])):
        with pytest.raises(ValueError, match=re.escape(repr(value))):
            TAKE_3[name](value)


@pytest.mark.parametrize(
    "value", [0.5, np.float32(0.5), np.array(0.5), torch.tensor(0.5, requires_grad=True), Fraction(1, 2)], ids=repr
)
def test_what_counts_as_a_number(value):
    found = real_number("share", value, least=0, below=1)
    assert found == 0.5 and type(found) is float
    assert real_number("share", 3) == 3 and type(real_number("share", np.int32(3))) is float


@pytest.mark.parametrize(
    "value", [True, np.True_, "0.5", None, 1j, [0.5], torch.tensor([0.5]), np.array("1")], ids=repr
)
def test_what_is_no_number(value):
    assert math.isnan(as_real(value))
    with pytest.raises(ValueError, match=f"^share is {re.escape(repr(value))}; expected a finite number$"):
        real_number("share", value)


@pytest.mark.parametrize(
    ("value", "bounds", "expected"),
    [
        (math.nan, {}, "a finite number"),
        (10**400, {"above": 0}, "a finite number above 0"),
        (0, {"above": 0}, "a finite number above 0"),
        (math.inf, {"least": 1}, "a finite number of at least 1"),
        (-(10**400), {"least": 1}, "a finite number of at least 1"),
        (1, {"least": 0, "below": 1}, "a number from 0 up to, but not including, 1"),
        (1.5, {"least": 0, "most": 1}, "a number from 0 to 1"),
        (0, {"above": 0, "most": 1}, "a number above 0 and at most 1"),
    ],
)
def test_a_number_keeps_within_its_bounds(value, bounds, expected):
    with pytest.raises(ValueError, match=f"^share is {value}; expected {expected}$"):
        real_number("share", value, **bounds)


def test_a_choice_is_one_of_several():
    assert one_of("kind", "a", ("a", "b")) == "a"
    with pytest.raises(ValueError, match="^kind is 'c'; expected one of 'a', 'b'$"):
        one_of("kind", "c", ("a", "b"))


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("the cat", TypeError, "labels is one string; expected a list of strings"),
        (7, TypeError, "labels is a value of type int; expected a list of strings"),
        (None, TypeError, "labels is None; expected a list of strings"),
        (np.array(3), TypeError, "labels is an array of shape (); expected a list of strings"),
        (["a", 3.5], TypeError, "labels[1] is a value of type float; expected a string"),
        ([], ValueError, "labels has 0 entries; expected 1 to 4"),
        (["a"] * 5, ValueError, "labels has 5 entries; expected 1 to 4"),
    ],
)
def test_lists_of_strings_are_checked(value, error, words):
    with pytest.raises(error, match=re.escape(words)):
        strings("labels", value, 1, 4)


def test_a_list_of_strings_may_be_any_row_of_them():
    assert strings("labels", ("a", "", "<b>")) == ["a", "", "<b>"]
    assert strings("labels", np.array(["a", "b"])) == ["a", "b"]
    assert strings("labels", iter([])) == []
    assert entries("ids", {3: None}, "a row of ids") == [3]
    with pytest.raises(TypeError, match="name is a value of type bytes; expected a string"):
        string("name", b"abc")


def test_a_function_can_be_called():
    assert check_function("block", abs, "(x)") is abs
    with pytest.raises(TypeError, match=re.escape("block is a value of type int; expected a function (x) -> y")):
        check_function("block", 3, "(x) -> y")


@pytest.mark.parametrize("value", [True, np.True_, False])
def test_a_flag_is_a_bool(value):
    assert flag("scaled", value) is bool(value)


@pytest.mark.parametrize("value", ["no", 1, None, np.ones(2)])
def test_what_is_no_flag_is_refused(value):
    with pytest.raises(TypeError, match=f"scaled is {re.escape(repr(value))}; expected True or False"):
        flag("scaled", value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros(3), "x has shape (3,); expected (rows, columns)"),
        (np.zeros((2, 4)), "x has shape (2, 4), so its axis columns is 4; expected (rows, columns) with columns = 3"),
        (np.zeros((0, 3)), "x has shape (0, 3), which is empty; expected (rows, columns)"),
        (np.zeros((2, 2, 3)), "x has shape (2, 2, 3); expected (rows, columns)"),
        (None, "x is None; expected an array of real numbers"),
        ([[1, 2, None]], "x has dtype object and shape (1, 3); expected real numbers"),
        (np.zeros((1, 3), "datetime64[D]"), "x has dtype"),
        (5, "x has shape (); expected (rows, columns)"),
        (np.zeros((9, 3)), "so its axis rows is 9; expected at most 8"),
        ([[1, 2, 3], [4, 5]], "x cannot be read as an array"),
        ([["1", "2", "3"]], "x has dtype"),
        ("abc", "x is one string; expected an array of real numbers"),
        (np.ones((1, 3)) * 1j, "x has dtype"),
        (object(), "x is a value of type object; expected an array of real numbers"),
        ([[1, 2, float("nan")]], "x holds nan at index (0, 2) of its shape (1, 3); expected finite numbers"),
        ([[1, 2, -np.inf]], "x holds -inf at index (0, 2) of its shape (1, 3); expected finite numbers"),
        ([torch.zeros(3, requires_grad=True)], "x cannot be read as an array"),
    ],
)
def test_arrays_are_checked(value, words):
    with pytest.raises(ValueError) as error:
        read_array("x", value, "rows columns", most={"rows": 8}, columns=3)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2, 3]],
        ((1, 2, 3),),
        np.array([[1, 2, 3]], dtype=np.int8),
        torch.tensor([[1, 2, 3]], dtype=torch.bfloat16),
        torch.tensor([[1.0, 2, 3]], requires_grad=True),
    ],
)
def test_arrays_of_all_kinds_become_float64(value):
    found = read_array("x", value, "rows columns", most={"rows": 8, "columns": 3}, columns=3)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1, 2, 3]])


def test_an_array_is_a_copy_to_the_last_bit():
    given = np.array([[1 / 3]])
    found = read_array("x", given, "rows columns")
    given[:] = 0
    assert found[0, 0] == 1 / 3
    assert read_array("x", torch.tensor([[1 / 3]], dtype=torch.float64), "rows columns")[0, 0] == 1 / 3


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (torch.zeros(2, 3), "a tensor of shape (2, 3)"),
        ((1, 2), "a tuple of 2"),
        ([], "an empty list"),
        (None, "None"),
    ],
)
def test_a_value_is_described_without_its_repr(value, words):
    assert describe(value) == words


# What a signature says


@checked
def average(
    weights: Float[Array, "... queries keys"],
    values: Float[Array, "... keys d_v"],
    mask: Bool[Array, "... #queries #keys"] | None = None,
    places: Real[Array, " keys"] | None = None,
    ids: Int[Array, "... n"] | None = None,
    scores: Scores[Array, "..."] | None = None,
    count: Count = 1,
    share: Annotated[float, Bounds(least=0, most=1)] = 0.5,
    kind: Literal["soft", "hard"] = "soft",
    whole: bool = False,
    name: str = "",
):
    average.got = dict(locals())
    return weights @ values


@checked
def project(x: Float[torch.Tensor, "... d_in"], ids: Int[torch.Tensor, "..."] | None = None, count: Count = 1):
    return x


W, V = np.full((2, 3), 0.25), np.ones((3, 4))
ARGUMENTS_THAT_DO_NOT_FIT = [
    (
        {"values": np.ones((2, 4))},
        "values has shape (2, 4), so its axis keys is 2; expected (..., keys, d_v) with keys = 3",
    ),
    ({"values": np.ones((2, 4))}, "as in weights of shape (2, 3)"),
    ({"values": np.ones(3)}, "values has shape (3,); expected (..., keys, d_v)"),
    (
        {"weights": np.ones((2, 2, 3)), "values": np.ones((5, 3, 4))},
        "weights has shape (2, 2, 3), values has shape (5, 3, 4)",
    ),
    ({"weights": W * np.nan}, "weights holds nan at index (0, 0) of its shape (2, 3); expected finite numbers"),
    ({"weights": W - np.inf}, "weights holds -inf at index (0, 0)"),
    ({"scores": [np.inf]}, "scores holds inf at index (0,) of its shape (1,); expected finite numbers, or -inf"),
    ({"mask": np.ones((2, 3))}, "mask has dtype float64 and shape (2, 3); expected booleans, True = may attend"),
    ({"mask": np.ones((3, 3), bool)}, "mask has shape (3, 3), which does not broadcast to (queries, keys) = (2, 3)"),
    (
        {"mask": np.ones((1, 2, 3), bool)},
        "mask has shape (1, 2, 3), which does not broadcast to (queries, keys) = (2, 3)",
    ),
    ({"places": [1, 2]}, "places has shape (2,), so its axis keys is 2; expected (keys) with keys = 3"),
    ({"ids": [0.5]}, "ids has dtype float64 and shape (1,); expected whole numbers"),
    ({"ids": []}, "ids has shape (0,), which is empty; expected (..., n) with at least one entry on every axis"),
    ({"count": 0}, "count is 0; expected a whole number of at least 1"),
    ({"count": None}, "count is None; expected a whole number of at least 1"),
    ({"share": 2}, "share is 2; expected a number from 0 to 1"),
    ({"kind": "firm"}, "kind is 'firm'; expected one of 'soft', 'hard'"),
    ({"whole": 1}, "whole is 1; expected True or False"),
    ({"name": b"a"}, "name is a value of type bytes; expected a string"),
    ({"mask": [[True], [True, False]]}, "mask cannot be read as an array"),
]


@pytest.mark.parametrize(("changed", "words"), ARGUMENTS_THAT_DO_NOT_FIT, ids=lambda one: str(one)[:40])
def test_an_argument_that_does_not_fit_its_signature_is_named(changed, words):
    with pytest.raises((ValueError, TypeError)) as error:
        average(**({"weights": W, "values": V} | changed))
    assert words in str(error.value)


def test_a_body_gets_what_its_signature_promises():
    answer = average([[1, 1, 0]], V.astype(np.float16), mask=True, places=[1, 2, 3], count=np.int64(2), whole=np.True_)
    got = average.got
    assert answer.dtype == np.float64 and got["weights"].dtype == got["values"].dtype == np.float64
    assert got["places"].dtype == np.float64 and got["mask"].dtype == bool
    assert type(got["count"]) is int and got["whole"] is True
    half = average(W.astype(np.float16), V.astype(np.float16), places=[1, 2, 3])
    assert half.dtype == np.float16 and average.got["weights"].dtype == np.float32
    assert average.got["scores"] is None


@pytest.mark.parametrize(
    ("arguments", "named"), [((W,), {}), ((W, V), {"values": V}), ((W, V), {"size": 3}), ((W,) * 12, {}), ((), {})]
)
def test_a_call_that_python_would_refuse_is_refused(arguments, named):
    with pytest.raises(TypeError, match=r"argument"):
        average(*arguments, **named)


TENSORS_THAT_DO_NOT_FIT = [
    (([1.0],), "x is a list of 1; expected a tensor of shape (..., d_in)"),
    (
        (torch.ones(2, dtype=torch.int64),),
        "x has dtype torch.int64 and shape (2,); expected floating-point numbers",
    ),
    ((torch.ones(2), torch.ones(2)), "ids has dtype torch.float32 and shape (2,); expected whole numbers"),
    ((torch.ones(2, 0),), "x has shape (2, 0), which is empty; expected (..., d_in)"),
    ((torch.tensor(1.0),), "x has shape (); expected (..., d_in)"),
    ((torch.ones(2), None, 0), "count is 0; expected a whole number of at least 1"),
]


@pytest.mark.parametrize(("arguments", "words"), TENSORS_THAT_DO_NOT_FIT, ids=lambda one: str(one)[:40])
def test_a_tensor_that_does_not_fit_is_named_in_the_same_words(arguments, words):
    with pytest.raises((ValueError, TypeError)) as error:
        project(*arguments)
    assert words in str(error.value)


def test_a_tensor_reaches_the_body_as_it_came():
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        x = torch.ones(2, 3, dtype=dtype, requires_grad=True)
        assert project(x) is x


def test_sizes_grow_with_each_array():
    sizes = {"batch": 2}
    assert check_shape("x", (7, 2, 5), "... batch d_in", sizes) == (7,) and sizes == {"batch": 2, "d_in": 5}
    with pytest.raises(
        ValueError, match=re.escape("y has shape (4,), so its axis d_in is 4; expected (d_in) with d_in = 5")
    ):
        check_shape("y", (4,), "d_in", sizes)


class Layer:
    def __init__(self, d_in):
        self.d_in, self.queries = d_in, None

    @checked
    def apply(
        self,
        x: Float[torch.Tensor, "batch d_in"],
        mask: Bool[torch.Tensor, "#batch d_in"] | None = None,
        y: Float[torch.Tensor, "batch d_out"] | None = None,
        either: Float[torch.Tensor, " n"] | Float[torch.Tensor, "batch n"] | None = None,
    ):
        return x


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"x": torch.ones(2, 4)}, "x has shape (2, 4), so its axis d_in is 4; expected (batch, d_in) with d_in = 3"),
        ({"x": torch.ones(2, 3), "y": torch.ones(1, 5)}, "batch = 2, as in x of shape (2, 3)"),
        ({"x": torch.ones(2, 3), "mask": torch.ones(3) > 0}, "mask has shape (3,); expected (batch, d_in)"),
        ({"x": torch.ones(2, 3), "mask": torch.ones(4, 3) > 0}, "does not broadcast to (batch, d_in) = (2, 3)"),
        (
            {"x": torch.ones(2, 3), "mask": torch.ones(2, 3)},
            "mask has dtype torch.float32 and shape (2, 3); expected boo",
        ),
    ],
)
def test_an_axis_of_a_method_has_the_size_that_its_object_says(arguments, words):
    with pytest.raises(ValueError) as error:
        Layer(3).apply(**arguments)
    assert words in str(error.value)


def test_what_fits_an_object_passes_and_what_may_be_several_kinds_is_left_alone():
    x, mask = torch.ones(2, 3), torch.ones(1, 3) > 0
    assert Layer(3).apply(x, mask, torch.ones(2, 7)) is x
    assert Layer(3).apply(x, either="left to the body") is x

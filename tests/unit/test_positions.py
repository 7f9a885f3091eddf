"""Positions in NumPy equal their loops and the reference libraries, have their properties, and refuse what makes no sense."""

import inspect
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import positions
from course_lib.attention import causal_mask, dot_scores, scaled_dot_product_attention, scaled_dot_scores, softmax
from course_lib.positions import (
    alibi_bias,
    alibi_bias_by_loops,
    alibi_slopes,
    alibi_slopes_by_loops,
    rotary,
    rotary_by_loops,
    sinusoidal,
    sinusoidal_by_loops,
    sinusoidal_rotation,
    sinusoidal_rotation_by_loops,
)

many = settings(max_examples=200, deadline=None)
seeds = st.integers(0, 2**32 - 1)
lengths = st.integers(1, 12)
widths = st.integers(1, 13)
even_widths = st.integers(1, 6).map(lambda pairs: 2 * pairs)
bases = st.sampled_from([1, 2.5, 100, 10_000, 500_000.0])
far = st.integers(-100_000, 100_000)


@pytest.fixture(autouse=True)
def no_warnings():
    """A RuntimeWarning, or any other, fails the test that caused it."""
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.simplefilter("error")
        yield


def equal(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(got, np.asarray(expected), rtol=0, atol=tolerance)


# Sinusoidal


@many
@given(lengths, widths, bases, far)
def test_sinusoidal_equals_its_loops(seq_len, d_model, base, first):
    encoding = sinusoidal(seq_len, d_model, base, first)
    assert encoding.shape == (seq_len, d_model) and encoding.dtype == np.float64
    equal(encoding, sinusoidal_by_loops(seq_len, d_model, base, first), 1e-9)  # an ulp of the angle, times the position


def test_sinusoidal_is_the_formula_of_the_paper():
    encoding = sinusoidal(51, 512)
    for feature in (0, 2, 128, 510):  # 2i of the paper
        equal(encoding[50, feature], np.sin(50 / 10_000 ** (feature / 512)))
        equal(encoding[50, feature + 1], np.cos(50 / 10_000 ** (feature / 512)))
    equal(sinusoidal(2, 4), [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]])


@many
@given(lengths, even_widths, bases, far)
def test_sine_and_cosine_of_a_pair_turn_together(seq_len, d_model, base, first):
    encoding = sinusoidal(seq_len, d_model, base, first)
    equal(encoding[:, 0::2] ** 2 + encoding[:, 1::2] ** 2, np.ones((seq_len, d_model // 2)))


@many
@given(lengths, even_widths, bases, far, st.integers(-5_000, 5_000))
def test_one_rotation_moves_every_position_by_the_same_offset(seq_len, d_model, base, first, offset):
    rotation = sinusoidal_rotation(offset, d_model, base)
    equal(rotation, sinusoidal_rotation_by_loops(offset, d_model, base), 1e-10)
    equal(rotation @ rotation.T, np.eye(d_model))
    equal(np.linalg.det(rotation), 1)
    moved = sinusoidal(seq_len, d_model, base, first) @ rotation.T
    equal(moved, sinusoidal(seq_len, d_model, base, first + offset), 1e-9)


@many
@given(even_widths, far, far, st.integers(-50, 50))
def test_the_dot_product_of_two_encodings_depends_on_their_offset_alone(d_model, one, another, offset):
    products = [
        sinusoidal(1, d_model, first=p)[0] @ sinusoidal(1, d_model, first=p + offset)[0] for p in (one, another)
    ]
    equal(products[0], products[1], 1e-9)


@many
@given(lengths, lengths, widths)
def test_positions_go_on_where_a_cache_ended(cached, seq_len, d_model):
    both = sinusoidal(cached + seq_len, d_model)
    np.testing.assert_array_equal(both[cached:], sinusoidal(seq_len, d_model, first=cached))


@pytest.mark.parametrize("d_model", [1, 3, 5, 9])
def test_an_odd_d_model_leaves_out_the_last_cosine(d_model):
    encoding = sinusoidal(7, d_model)
    angles = np.arange(7)[:, None] * 10_000 ** -(np.arange(0, d_model, 2) / d_model)
    equal(encoding[:, 0::2], np.sin(angles))
    equal(encoding[:, 1::2], np.cos(angles[:, :-1]))


def test_tiny_d_models():
    equal(sinusoidal(4, 1), np.sin(np.arange(4))[:, None])
    equal(sinusoidal(4, 2), np.stack([np.sin(np.arange(4)), np.cos(np.arange(4))], axis=1))
    assert np.isfinite(sinusoidal(1, 1)).all()


def test_no_two_positions_of_a_long_text_look_alike():
    encoding = sinusoidal(2_000, 64)
    products = encoding @ encoding.T  # 32 where a position meets itself
    assert (products - 64 * np.eye(2_000)).max() < 32 - 0.1


def test_positions_far_beyond_any_training_length_stay_finite_and_distinct():
    encoding = sinusoidal(3, 64, first=10**9)
    assert np.abs(encoding).max() <= 1
    assert np.abs(encoding[0] - encoding[1]).max() > 0.1
    assert np.isfinite(sinusoidal(1, 8, first=2**52)).all()


# Rotary


@many
@given(lengths, even_widths, bases, st.booleans(), seeds)
def test_rotary_equals_its_loops(seq_len, d_head, base, interleaved, seed):
    rng = np.random.default_rng(seed)
    x, where = rng.normal(size=(seq_len, d_head)), rng.integers(-1000, 1000, seq_len)
    equal(rotary(x, None, base, interleaved), rotary_by_loops(x, None, base, interleaved), 1e-10)
    equal(rotary(x, where, base, interleaved), rotary_by_loops(x, where, base, interleaved), 1e-10)


@many
@given(lengths, lengths, even_widths, far, st.booleans(), seeds)
def test_rotary_scores_depend_on_the_offset_alone(num_queries, num_keys, d_head, shift, interleaved, seed):
    rng = np.random.default_rng(seed)
    queries, keys = rng.normal(size=(2, num_queries, d_head)), rng.normal(size=(2, num_keys, d_head))
    at_queries, at_keys = rng.integers(0, 5_000, num_queries), rng.integers(0, 5_000, num_keys)

    def scores(shift):
        turned = rotary(queries, at_queries + shift, interleaved=interleaved)
        return dot_scores(turned, rotary(keys, at_keys + shift, interleaved=interleaved))

    equal(scores(shift), scores(0), 1e-8)
    query, key = 0, num_keys - 1
    offset = at_keys[key] - at_queries[query]
    turned = rotary(keys[:, key : key + 1], [offset], interleaved=interleaved)
    equal((queries[:, query] * turned[:, 0]).sum(axis=-1), scores(0)[:, query, key], 1e-8)


@many
@given(lengths, even_widths, st.booleans(), seeds)
def test_rotary_turns_without_stretching_and_leaves_position_zero(seq_len, d_head, interleaved, seed):
    x = np.random.default_rng(seed).normal(size=(3, seq_len, d_head))
    turned = rotary(x, interleaved=interleaved)
    equal(np.linalg.norm(turned, axis=-1), np.linalg.norm(x, axis=-1))
    np.testing.assert_array_equal(turned[:, 0], x[:, 0])
    equal(rotary(turned, -np.arange(seq_len), interleaved=interleaved), x)


def test_rotary_moves_a_position_as_the_sinusoidal_rotation_does():
    x = np.random.default_rng(0).normal(size=(1, 8))
    equal(rotary(x, [5]), x @ sinusoidal_rotation(5, 8))  # its transpose: RoFormer turns (cos, sin), not (sin, cos)


def test_half_split_is_interleaved_with_the_features_reordered():
    x = np.random.default_rng(0).normal(size=(4, 6))
    halves = [0, 2, 4, 1, 3, 5]
    equal(rotary(x, interleaved=True)[:, halves], rotary(x[:, halves], interleaved=False))
    assert np.abs(rotary(x) - rotary(x, interleaved=False)).max() > 0.1


def test_half_split_equals_hugging_faces_llama_and_interleaved_its_gptj():
    from transformers import LlamaConfig
    from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as gptj
    from transformers.models.gptj.modeling_gptj import create_sinusoidal_positions
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

    x = np.random.default_rng(0).normal(size=(2, 3, 7, 8)).astype(np.float32)  # (batch, heads, seq_len, d_head)
    where = torch.arange(7)[None] + 40
    cos, sin = LlamaRotaryEmbedding(LlamaConfig(hidden_size=24, num_attention_heads=3, head_dim=8))(
        torch.from_numpy(x), where
    )
    expected, _ = apply_rotary_pos_emb(torch.from_numpy(x), torch.from_numpy(x), cos, sin)
    equal(rotary(x, where[0].numpy(), interleaved=False), expected, 1e-5)

    sin, cos = create_sinusoidal_positions(64, 8)[where].chunk(2, dim=-1)  # (1, seq_len, pairs)
    expected = gptj(torch.from_numpy(x).transpose(1, 2), sin, cos).transpose(1, 2)
    equal(rotary(x, where[0].numpy()), expected, 1e-5)


def test_rotary_takes_any_leading_axes_and_each_sequences_own_positions():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4))
    where = np.stack([np.arange(5), np.arange(5) + 7])[:, None]  # (batch, 1, seq_len): the second was cached 7 long
    turned = rotary(x, where)
    equal(turned[1, 2], rotary(x[1, 2], np.arange(5) + 7))
    equal(rotary(x, np.arange(5) / 2)[0, 0], rotary_by_loops(x[0, 0], np.arange(5) / 2))  # interpolated positions


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rotary_keeps_the_dtype_and_is_exact_far_out(dtype):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(dtype)
    turned = rotary(x, [1_000_001, 1_000_002, 1_000_003])
    assert turned.dtype == dtype
    exact = rotary(x.astype(np.float64), [1_000_001, 1_000_002, 1_000_003])
    equal(turned.astype(np.float64), exact, 4 * np.finfo(dtype).eps)
    assert rotary(np.ones((2, 2), int)).dtype == np.float64


# ALiBi


@pytest.mark.parametrize("num_heads", range(1, 41))
def test_slopes_equal_their_loops_and_stay_between_zero_and_one(num_heads):
    slopes = alibi_slopes(num_heads)
    equal(slopes, alibi_slopes_by_loops(num_heads))
    assert slopes.shape == (num_heads,) == np.unique(slopes).shape
    assert (slopes > 0).all() and (slopes < 1).all()


def test_slopes_are_those_of_the_paper():
    np.testing.assert_array_equal(alibi_slopes(8), 1 / 2 ** np.arange(1, 9))
    equal(alibi_slopes(16), 2 ** (-np.arange(1, 17) / 2))
    np.testing.assert_array_equal(alibi_slopes(1), [1 / 256])
    equal(alibi_slopes(12), [*alibi_slopes(8), *2.0 ** -np.array([0.5, 1.5, 2.5, 3.5])])


def test_slopes_equal_hugging_faces_bloom():
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    for num_heads in (1, 3, 6, 8, 12, 20, 71):
        expected = build_alibi_tensor(torch.ones(1, 2), num_heads, torch.float32)[:, 0, 1]  # key 1: slope · 1
        equal(alibi_slopes(num_heads), expected, 1e-6)


@many
@given(st.integers(1, 9), lengths, st.integers(0, 5))
def test_bias_equals_its_loops_and_falls_with_distance(num_heads, num_queries, cached):
    bias = alibi_bias(num_heads, num_queries, num_queries + cached)
    equal(bias, alibi_bias_by_loops(num_heads, num_queries, num_queries + cached))
    assert bias.shape == (num_heads, num_queries, num_queries + cached)
    distances = np.abs(np.arange(cached, num_queries + cached)[:, None] - np.arange(num_queries + cached))
    assert (bias[:, distances == 0] == 0).all() and not np.signbit(bias[:, distances == 0]).any()
    for head, slope in enumerate(alibi_slopes(num_heads)):
        equal(bias[head], -slope * distances)
    np.testing.assert_array_equal(alibi_bias(num_heads, num_queries), bias[:, :, cached:])


def test_causal_bias_gives_the_weights_of_the_papers_form():
    """The paper adds slope · key position to each row: a row's constant, which softmax does not see, apart from ours."""
    rng = np.random.default_rng(0)
    queries, keys = rng.normal(size=(2, 3, 5, 4))
    scores = scaled_dot_scores(queries, keys)  # (heads, queries, keys)
    weights = softmax(scores + alibi_bias(3, 5), mask=causal_mask(5))
    of_the_paper = softmax(scores + alibi_slopes(3)[:, None, None] * np.arange(5), mask=causal_mask(5))
    equal(weights, of_the_paper)
    assert np.abs(weights - softmax(scores, mask=causal_mask(5))).max() > 0.01


# What they are for


def test_permuting_tokens_only_permutes_the_outputs_unless_positions_are_put_in():
    rng = np.random.default_rng(0)
    x, order = rng.normal(size=(6, 8)), rng.permutation(6)
    spots = np.arange(6)

    def attend(x):
        return scaled_dot_product_attention(x, x, x)[0]

    equal(attend(x[order]), attend(x)[order])
    with_encoding = [attend(rows + sinusoidal(6, 8)) for rows in (x, x[order])]
    turned = [scaled_dot_product_attention(rotary(rows, spots), rotary(rows, spots), rows)[0] for rows in (x, x[order])]
    for straight, permuted in (with_encoding, turned):
        assert np.abs(permuted - straight[order]).max() > 0.1


# What makes no sense is refused


PUBLIC = [
    name
    for name, function in vars(positions).items()
    if inspect.isfunction(function) and function.__module__ == positions.__name__ and not name.startswith("_")
]
FITTING = {
    "seq_len": 3, "d_model": 4, "first": 0, "base": 100.0, "offset": 2, "num_heads": 2, "num_queries": 3, "num_keys": 5,
    "x": np.ones((3, 4)), "positions": np.arange(3), "interleaved": True,
}  # fmt: skip


def call(name, **changed):
    arguments = FITTING | changed
    return getattr(positions, name)(**{
        argument: arguments[argument] for argument in inspect.signature(getattr(positions, name)).parameters
    })  # fmt: skip


def refused(name, *expected, **changed):
    with pytest.raises(ValueError) as error:
        call(name, **changed)
    for part in expected:
        assert part in str(error.value), str(error.value)


def test_every_idea_has_its_loops_and_its_docstring():
    ideas = {name for name in PUBLIC if not name.endswith("_by_loops")}
    assert ideas == {"sinusoidal", "sinusoidal_rotation", "rotary", "alibi_slopes", "alibi_bias"}
    assert {f"{name}_by_loops" for name in ideas} == set(PUBLIC) - ideas
    for name in ideas:
        for section in ("Args:", "Returns:", "Source:"):
            assert section in getattr(positions, name).__doc__, name


@pytest.mark.parametrize("name", PUBLIC)
def test_numbers_that_make_no_sense_are_named(name):
    parameters = inspect.signature(getattr(positions, name)).parameters
    for argument in {"seq_len", "d_model", "num_heads", "num_queries", "num_keys"} & set(parameters):
        for wrong in (0, -1, 2.0, "2", True):
            refused(name, f"{argument} is {wrong!r}", "a whole number of at least 1", **{argument: wrong})
    for argument in {"first", "offset"} & set(parameters):
        for wrong in (0.5, "1", None):
            refused(name, f"{argument} is {wrong!r}; expected a whole number", **{argument: wrong})
        for wrong in (10**30, 2**52 + 1, -(2**52) - 1):
            refused(
                name, f"{argument} is {wrong}; expected a whole number from -{2**52} to {2**52}", **{argument: wrong}
            )
    if "base" in parameters:
        for wrong in (0, -3.0, 0.5, np.inf, np.nan, "10000", None, True, 10**400):
            refused(name, f"base is {wrong!r}; expected a finite number of at least 1", base=wrong)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("suffix", ["", "_by_loops"])
def test_numpys_numbers_are_taken_without_a_warning(suffix):
    function = getattr(positions, f"sinusoidal{suffix}")
    expected = function(100, 4, base=100.0, first=100)
    np.testing.assert_array_equal(
        function(np.int8(100), np.int64(4), base=np.float32(100), first=np.int8(100)), expected
    )
    with pytest.raises(ValueError, match=r"first is np.int64\(-9223372036854775808\); expected a whole number from"):
        function(1, 4, first=np.int64(-(2**63)))


@pytest.mark.parametrize("suffix", ["", "_by_loops"])
def test_pairs_need_an_even_number_of_features(suffix):
    refused(f"sinusoidal_rotation{suffix}", "d_model is 5, which is odd; expected an even number", d_model=5)
    refused(f"rotary{suffix}", "d_head is 3, which is odd; expected an even number", x=np.ones((3, 3)))


@pytest.mark.parametrize("suffix", ["", "_by_loops"])
def test_what_rotary_cannot_turn_is_named(suffix):
    name = f"rotary{suffix}"
    refused(name, "x has shape (0, 4), which is empty", x=np.ones((0, 4)))
    refused(name, "x has shape (4,); expected (", x=np.ones(4))
    refused(name, "x holds nan at index (2, 3)", x=np.where(np.arange(12).reshape(3, 4) == 11, np.nan, 1.0))
    refused(name, "x has dtype <U1", x=[["a", "b"]])
    refused(name, "positions has shape (4,), which does not broadcast to (seq_len) = (3,)", positions=np.arange(4))
    refused(name, "positions has dtype bool and shape (3,); expected real numbers", positions=np.ones(3, bool))
    refused(
        name, "positions holds nan at index (1,) of its shape (3,); expected finite numbers", positions=[0, np.nan, 1]
    )
    refused(name, "positions cannot be read as an array", positions=[[0], [1, 2]])
    with pytest.raises(TypeError, match="interleaved is 'halves'; expected True or False"):
        call(name, interleaved="halves")


def test_inputs_are_never_changed():
    x, where = np.ones((3, 4)), np.arange(3)
    x.flags.writeable = where.flags.writeable = False
    for function in (rotary, rotary_by_loops):
        assert not np.shares_memory(function(x, where), x)

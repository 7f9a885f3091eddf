"""Attention in NumPy equals PyTorch's and its own loops, has its properties, and refuses what makes no sense."""

import inspect
import re
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import attention
from course_lib.attention import (
    additive_scores,
    additive_scores_by_loops,
    causal_mask,
    causal_mask_by_loops,
    combine_masks,
    combine_masks_by_loops,
    concat_scores,
    concat_scores_by_loops,
    dot_scores,
    dot_scores_by_loops,
    general_scores,
    general_scores_by_loops,
    merge_heads,
    merge_heads_by_loops,
    multi_head_attention,
    multi_head_attention_by_loops,
    padding_mask,
    padding_mask_by_loops,
    scaled_dot_product_attention,
    scaled_dot_product_attention_by_loops,
    scaled_dot_scores,
    scaled_dot_scores_by_loops,
    sliding_window_mask,
    sliding_window_mask_by_loops,
    softmax,
    softmax_by_loops,
    split_heads,
    split_heads_by_loops,
)

many = settings(max_examples=300, deadline=None)
some = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 5)
leading_axes = st.lists(st.integers(1, 3), max_size=2).map(tuple)


@pytest.fixture(autouse=True)
def no_warnings():
    """A RuntimeWarning, or any other, fails the test that caused it."""
    with warnings.catch_warnings(), np.errstate(divide="raise", over="raise", invalid="raise"):
        warnings.simplefilter("error")
        yield


def equal(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(got, np.asarray(expected), rtol=tolerance, atol=tolerance)


def exactly(got, expected):
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


def torched(*arrays):
    return [torch.from_numpy(np.array(array)) for array in arrays]


def part_of(draw, shape):
    """A shape that broadcasts to the given one: some axes of length 1, some left out in front."""
    shape = [size if draw(st.booleans()) else 1 for size in shape]
    return tuple(shape[draw(st.integers(0, len(shape))) :])


@st.composite
def masks(draw, shape):
    """No mask, or one that broadcasts to the shape; one in three of them masks some rows fully."""
    if draw(st.integers(0, 4)) == 0:
        return None
    rng = np.random.default_rng(draw(seeds))
    mask = rng.random(part_of(draw, shape)) < draw(st.sampled_from([0.2, 0.6, 0.9]))
    if mask.ndim >= 2 and draw(st.integers(0, 2)) == 0:
        mask[..., rng.integers(mask.shape[-2]), :] = False
    return mask


@st.composite
def attention_inputs(draw, batched=True):
    """Queries, keys, values and mask of any sizes; batches broadcast, and logits reach hundreds."""
    num_queries, num_keys, d_k, d_v = (draw(sizes) for _ in range(4))
    batch = draw(leading_axes) if batched else ()
    rng = np.random.default_rng(draw(seeds))
    spread = draw(st.sampled_from([0.01, 1.0, 10.0]))
    queries, keys, values = (
        rng.normal(scale=spread, size=(*(part_of(draw, batch) if batched else ()), *shape))
        for shape in [(num_queries, d_k), (num_keys, d_k), (num_keys, d_v)]
    )
    scores_batch = np.broadcast_shapes(queries.shape[:-2], keys.shape[:-2])
    return queries, keys, values, draw(masks((*scores_batch, num_queries, num_keys)))


# Equal to PyTorch


@many
@given(attention_inputs())
def test_attention_equals_pytorch(inputs):
    queries, keys, values, mask = inputs
    context, weights = scaled_dot_product_attention(queries, keys, values, mask)

    batch = np.broadcast_shapes(*(array.shape[:-2] for array in (queries, keys, values)))
    same_batch = [np.broadcast_to(array, (*batch, *array.shape[-2:])) for array in (queries, keys, values)]
    allowed = None if mask is None else torch.from_numpy(np.broadcast_to(mask, weights.shape).copy())
    expected = torch.nn.functional.scaled_dot_product_attention(*torched(*same_batch), attn_mask=allowed)
    equal(context, expected)
    assert context.shape == tuple(expected.shape)


@some
@given(attention_inputs(batched=False), sizes, seeds)
def test_a_causal_batch_equals_pytorch(inputs, batch, seed):
    queries, _, values, _ = inputs
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch, 2, *queries.shape))
    values = rng.normal(size=(batch, 2, len(queries), values.shape[-1]))
    context, _ = scaled_dot_product_attention(x, -x, values, causal_mask(len(queries)))
    query, key, value = torched(x, -x, values)
    equal(context, torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True))


def test_a_query_that_may_attend_to_nothing_gets_zeros_as_in_pytorch():
    rng = np.random.default_rng(3)
    queries, keys, values = (rng.normal(size=shape) for shape in [(2, 3, 4), (2, 5, 4), (2, 5, 6)])
    mask = rng.random((2, 3, 5)) < 0.7
    mask[0, 1] = mask[1, 2] = False
    context, weights = scaled_dot_product_attention(queries, keys, values, mask)
    exactly(weights[0, 1], np.zeros(5))
    exactly(context[1, 2], np.zeros(6))
    query, key, value, allowed = torched(queries, keys, values, mask)
    equal(context, torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed))


@st.composite
def multi_head_inputs(draw):
    num_heads, d_head = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    batch, num_queries, num_keys, d_keys, d_values = (draw(st.integers(1, 4)) for _ in range(5))
    d_model = num_heads * d_head
    rng = np.random.default_rng(draw(seeds))
    arrays = [(batch, num_queries, d_model), (batch, num_keys, d_keys), (batch, num_keys, d_values)]
    matrices = [(d_model, d_model), (d_keys, d_model), (d_values, d_model), (d_model, d_model)]
    mask = draw(masks((batch, num_heads, num_queries, num_keys)))
    return [rng.normal(size=shape) for shape in arrays + matrices], num_heads, mask


@many
@given(multi_head_inputs(), st.booleans())
def test_multi_head_attention_equals_pytorch(inputs, for_each_head):
    (queries, keys, values, W_Q, W_K, W_V, W_O), num_heads, mask = inputs
    (batch, num_queries, d_model), num_keys = queries.shape, keys.shape[1]
    full = (batch, num_heads, num_queries, num_keys)
    if mask is not None:
        allowed = np.broadcast_to(mask, full).copy()
        allowed[..., 0] = True  # PyTorch's module gives NaN to a query that may attend to nothing
        if not for_each_head:
            allowed[:] = allowed[:, :1]
        mask = allowed if for_each_head else allowed[:, 0]

    module = torch.nn.MultiheadAttention(
        d_model, num_heads, bias=False, kdim=keys.shape[-1], vdim=values.shape[-1], batch_first=True, dtype=torch.double
    )
    copied = {"q_proj_weight": W_Q, "k_proj_weight": W_K, "v_proj_weight": W_V, "out_proj.weight": W_O}
    if module.in_proj_weight is not None:  # queries, keys and values of one width are kept in one matrix
        copied = {"in_proj_weight": np.concatenate([W_Q, W_K, W_V], axis=1), "out_proj.weight": W_O}
    module.load_state_dict({name: torch.from_numpy(matrix.T.copy()) for name, matrix in copied.items()})
    forbidden = None if mask is None else torch.from_numpy(~allowed.reshape(-1, num_queries, num_keys))
    with torch.no_grad():
        expected = module(*torched(queries, keys, values), attn_mask=forbidden, average_attn_weights=False)

    context, weights = multi_head_attention(queries, keys, values, W_Q, W_K, W_V, W_O, num_heads, mask)
    equal(context, expected[0])
    equal(weights, expected[1])
    assert weights.shape == full


@many
@given(st.lists(sizes, min_size=1, max_size=4), st.data())
def test_softmax_equals_pytorch_along_any_axis(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    scores = np.random.default_rng(data.draw(seeds)).normal(scale=data.draw(st.sampled_from([1, 1e4])), size=shape)
    equal(softmax(scores, axis=axis), torch.softmax(torch.from_numpy(scores), dim=axis))


# Equal to the same as loops


@many
@given(attention_inputs(batched=False))
def test_attention_equals_its_loops(inputs):
    queries, keys, values, mask = inputs
    equal(dot_scores(queries, keys), dot_scores_by_loops(queries, keys))
    scores = scaled_dot_scores(queries, keys)
    equal(scores, scaled_dot_scores_by_loops(queries, keys))
    equal(softmax(scores, mask=mask), softmax_by_loops(scores, mask))
    by_loops = scaled_dot_product_attention_by_loops(queries, keys, values, mask)
    for got, expected in zip(scaled_dot_product_attention(queries, keys, values, mask), by_loops, strict=True):
        equal(got, expected)


@some
@given(sizes, sizes, sizes, sizes, sizes, seeds)
def test_learned_scores_equal_their_loops(num_queries, num_keys, d_q, d_k, d_hidden, seed):
    rng = np.random.default_rng(seed)
    queries, keys = rng.normal(size=(num_queries, d_q)), rng.normal(size=(num_keys, d_k))
    W_q, W_k, v = rng.normal(size=(d_hidden, d_q)), rng.normal(size=(d_hidden, d_k)), rng.normal(size=d_hidden)
    W, W_concat = rng.normal(size=(d_q, d_k)), rng.normal(size=(d_hidden, d_q + d_k))
    equal(additive_scores(queries, keys, W_q, W_k, v), additive_scores_by_loops(queries, keys, W_q, W_k, v))
    equal(general_scores(queries, keys, W), general_scores_by_loops(queries, keys, W))
    equal(concat_scores(queries, keys, W_concat, v), concat_scores_by_loops(queries, keys, W_concat, v))


@some
@given(sizes, sizes, sizes, sizes, sizes, seeds, st.data())
def test_multi_head_attention_equals_its_loops(num_heads, d_k, d_v, num_queries, num_keys, seed, data):
    rng = np.random.default_rng(seed)
    arrays = [(num_queries, 3), (num_keys, 4), (num_keys, 2)]
    matrices = [(3, num_heads * d_k), (4, num_heads * d_k), (2, num_heads * d_v), (num_heads * d_v, 7)]
    inputs = [rng.normal(size=shape) for shape in arrays + matrices]
    mask = data.draw(masks((num_queries, num_keys)))
    by_loops = multi_head_attention_by_loops(*inputs, num_heads, mask)
    for got, expected in zip(multi_head_attention(*inputs, num_heads, mask), by_loops, strict=True):
        assert got.shape == expected.shape
        equal(got, expected, tolerance=1e-11)  # two orders of summation through three matrices in a row


@some
@given(sizes, sizes, sizes, seeds)
def test_heads_equal_their_loops_and_merging_undoes_splitting(num_heads, seq_len, d_head, seed):
    x = np.random.default_rng(seed).normal(size=(seq_len, num_heads * d_head))
    heads = split_heads(x, num_heads)
    exactly(heads, split_heads_by_loops(x, num_heads))
    exactly(merge_heads(heads), merge_heads_by_loops(heads))
    exactly(merge_heads(heads), x)


@many
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 9), seeds)
def test_masks_equal_their_loops(num_queries, num_keys, window, seed):
    for given_keys in (None, num_keys):
        exactly(causal_mask(num_queries, given_keys), causal_mask_by_loops(num_queries, given_keys))
        near = sliding_window_mask(num_queries, window, given_keys)
        exactly(near, sliding_window_mask_by_loops(num_queries, window, given_keys))
    token_ids = np.random.default_rng(seed).integers(0, 3, size=(num_queries, num_keys))
    exactly(padding_mask(token_ids, 1), padding_mask_by_loops(token_ids, 1))
    three = causal_mask(num_queries, num_keys), near, padding_mask(token_ids)[0]
    exactly(combine_masks(*three), combine_masks_by_loops(*three))


# Scores as their papers write them


def test_scores_of_one_query_and_one_key_are_the_formulas_of_the_papers():
    query, key = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    W_q, W_k, v = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([[0.5, 0.6], [-0.7, 0.8]]), np.array([1.0, -1.0])
    W = np.array([[1.0, 2.0], [3.0, 4.0]])
    one = query[None], key[None]
    equal(dot_scores(*one), [[-5.5]])
    equal(scaled_dot_scores(*one), [[-5.5 / np.sqrt(2)]])
    equal(general_scores(*one, W), [[query @ W @ key]])
    equal(additive_scores(*one, W_q, W_k, v), [[v @ np.tanh(W_q @ query + W_k @ key)]])
    equal(concat_scores(*one, np.hstack([W_q, W_k]), v), [[v @ np.tanh(np.hstack([W_q, W_k]) @ [1, -2, 0.5, 3])]])


@pytest.mark.parametrize("score", ["dot", "scaled", "additive", "general", "concat"])
def test_scores_take_any_leading_axes(score):
    rng = np.random.default_rng(0)
    queries, keys = rng.normal(size=(2, 1, 3, 4)), rng.normal(size=(5, 6, 4))
    functions = {
        "dot": (dot_scores, []),
        "scaled": (scaled_dot_scores, []),
        "additive": (additive_scores, [rng.normal(size=(7, 4)), rng.normal(size=(7, 4)), rng.normal(size=7)]),
        "general": (general_scores, [rng.normal(size=(4, 4))]),
        "concat": (concat_scores, [rng.normal(size=(7, 8)), rng.normal(size=7)]),
    }
    function, learned = functions[score]
    scores = function(queries, keys, *learned)
    assert scores.shape == (2, 5, 3, 6)
    equal(scores[1, 4], function(queries[1, 0], keys[4], *learned))


# Properties


@many
@given(attention_inputs())
def test_rows_of_weights_sum_to_one_or_are_zero_where_masked(inputs):
    queries, keys, values, mask = inputs
    context, weights = scaled_dot_product_attention(queries, keys, values, mask)
    allowed = np.broadcast_to(True if mask is None else mask, weights.shape)
    assert (weights[~allowed] == 0).all()
    assert (weights >= 0).all()
    equal(weights.sum(axis=-1), allowed.any(axis=-1).astype(float))
    nothing = np.broadcast_to(~allowed.any(axis=-1), context.shape[:-1])
    assert (context[nothing] == 0).all()


@some
@given(attention_inputs(), st.sampled_from([-1e4, -3.0, 0.5, 1e4]))
def test_a_constant_on_a_row_of_scores_changes_no_weight(inputs, shift):
    queries, keys, _, mask = inputs
    scores = dot_scores(queries, keys)
    equal(softmax(scores + shift, mask=mask), softmax(scores, mask=mask), tolerance=1e-10)


@some
@given(attention_inputs(batched=False), seeds)
def test_permuting_queries_permutes_contexts_and_permuting_keys_with_values_changes_none(inputs, seed):
    queries, keys, values, _ = inputs
    rng = np.random.default_rng(seed)
    of_queries, of_keys = rng.permutation(len(queries)), rng.permutation(len(keys))
    mask = rng.random((len(queries), len(keys))) < 0.7
    context, weights = scaled_dot_product_attention(queries, keys, values, mask)
    moved = scaled_dot_product_attention(
        queries[of_queries], keys[of_keys], values[of_keys], mask[of_queries][:, of_keys]
    )
    equal(moved[0], context[of_queries], tolerance=1e-11)
    equal(moved[1], weights[of_queries][:, of_keys])


@some
@given(attention_inputs(batched=False), seeds)
def test_a_masked_key_moves_nothing(inputs, seed):
    queries, keys, values, _ = inputs
    rng = np.random.default_rng(seed)
    key = rng.integers(len(keys))
    mask = rng.random((len(queries), len(keys))) < 0.7
    mask[:, key] = False
    before = scaled_dot_product_attention(queries, keys, values, mask)
    keys, values = keys.copy(), values.copy()
    keys[key], values[key] = 1e4, -1e6
    for got, expected in zip(scaled_dot_product_attention(queries, keys, values, mask), before, strict=True):
        exactly(got, expected)


@some
@given(st.integers(1, 6), st.integers(0, 6), seeds)
def test_a_causal_mask_hides_the_future_and_agrees_with_a_cache(past, position, seed):
    total = past + 2
    position %= total
    rng = np.random.default_rng(seed)
    queries, keys, values = rng.normal(size=(3, total, 4))
    context, _ = scaled_dot_product_attention(queries, keys, values, causal_mask(total))
    changed_keys, changed_values = keys.copy(), values.copy()
    changed_keys[position + 1 :] += 5
    changed_values[position + 1 :] -= 5
    changed, _ = scaled_dot_product_attention(queries, changed_keys, changed_values, causal_mask(total))
    exactly(changed[: position + 1], context[: position + 1])
    last, _ = scaled_dot_product_attention(queries[past:], keys, values, causal_mask(2, total))
    equal(last, context[past:])


def test_masks_by_hand():
    T, F = True, False
    exactly(causal_mask(3), np.array([[T, F, F], [T, T, F], [T, T, T]]))
    exactly(causal_mask(2, 4), np.array([[T, T, T, F], [T, T, T, T]]))
    exactly(causal_mask(1, 4), np.array([[T, T, T, T]]))
    exactly(causal_mask(3, 2), np.array([[F, F], [T, F], [T, T]]))
    exactly(padding_mask([[5, 7, 0], [4, 0, 0]]), np.array([[[T, T, F]], [[T, F, F]]]))
    exactly(padding_mask([5, -1, 0], pad_id=-1), np.array([[T, F, T]]))
    exactly(sliding_window_mask(3, 0), np.eye(3, dtype=bool))
    exactly(sliding_window_mask(4, 1), np.array([[T, T, F, F], [T, T, T, F], [F, T, T, T], [F, F, T, T]]))
    exactly(sliding_window_mask(2, 1, 4), np.array([[F, T, T, T], [F, F, T, T]]))
    exactly(combine_masks(causal_mask(3), sliding_window_mask(3, 1)), np.array([[T, F, F], [T, T, F], [F, T, T]]))
    both = combine_masks(causal_mask(3), padding_mask([[5, 7, 0], [4, 0, 0]]))
    exactly(both, np.array([[[T, F, F], [T, T, F], [T, T, F]], [[T, F, F]] * 3]))
    exactly(both, combine_masks_by_loops(causal_mask(3), padding_mask([[5, 7, 0], [4, 0, 0]])))


def test_the_mask_of_several_heads_holds_for_all_or_for_each():
    rng = np.random.default_rng(1)
    x, matrices = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 4, 4))
    causal, padding = causal_mask(3), padding_mask([[1, 1, 1], [1, 1, 0]])
    mask = combine_masks(causal, padding)  # (batch, queries, keys)
    _, weights = multi_head_attention(x, x, x, *matrices, 2, mask)
    assert ((weights > 0) == mask[:, None]).all()
    _, same = multi_head_attention(x, x, x, *matrices, 2, mask[:, None])
    exactly(same, weights)
    each_head = np.stack([causal, ~causal])  # (heads, queries, keys)
    _, weights = multi_head_attention(x[0], x[0], x[0], *matrices, 2, each_head)
    assert ((weights > 0) == each_head).all()
    _, weights = multi_head_attention(x, x, x, *matrices, 2, each_head[None])
    assert ((weights > 0) == each_head).all()
    _, weights = multi_head_attention(x, x, x, *matrices, 2, [True, False, True])  # (keys,)
    assert (weights[..., 1] == 0).all()


def test_several_heads_share_no_tokens():
    x = np.arange(24.0).reshape(4, 6)
    heads = split_heads(x, 3)
    exactly(heads[1], x[:, 2:4])
    assert split_heads(np.ones((2, 5, 4, 6)), 3).shape == (2, 5, 3, 4, 2)
    assert merge_heads(np.ones((2, 5, 3, 4, 2))).shape == (2, 5, 4, 6)


# Numbers at the edge


def test_softmax_survives_large_scores_and_minus_infinity():
    exactly(softmax([1e4, 1e4, -1e4]), np.array([0.5, 0.5, 0]))
    exactly(softmax([1e308, -1e308]), np.array([1.0, 0.0]))
    scores = np.array([[0.0, -np.inf, 0.0], [-np.inf] * 3])
    exactly(softmax(scores), np.array([[0.5, 0, 0.5], [0, 0, 0]]))
    exactly(softmax(scores), softmax_by_loops(scores))
    exactly(softmax(scores, axis=0), np.array([[1.0, 0, 1], [0, 0, 0]]))
    exactly(softmax(scores, mask=[False, True, True]), np.array([[0.0, 0, 1], [0, 0, 0]]))
    exactly(softmax(np.full((2, 3), 7.0), mask=False), np.zeros((2, 3)))
    exactly(softmax([1e4, -1e4], mask=[False, True]), np.array([0.0, 1]))  # the maximum is that of the allowed


def test_softmax_needs_no_warning_to_be_silenced():
    body = inspect.unwrap(softmax)  # without the checks around it, which silence warnings
    for scores in ([[1e4, -np.inf], [-np.inf, -np.inf]], [[-1e4, 1e4], [0, 700]]):
        exactly(body(np.array(scores, float)), softmax(scores))
    exactly(body(np.ones((2, 2)), mask=np.array([True, False])[:, None]), np.array([[0.5, 0.5], [0, 0]]))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_floats_keep_their_dtype(dtype):
    rng = np.random.default_rng(0)
    x, matrices = rng.normal(size=(2, 5, 4)).astype(dtype), rng.normal(size=(4, 4, 4)).astype(dtype)
    tolerance = 4 * np.finfo(dtype).eps
    for function in (scaled_dot_product_attention, lambda *x: multi_head_attention(*x, *matrices, 2)):
        context, weights = function(x, x, x)
        assert context.dtype == weights.dtype == dtype
        equal(weights.sum(axis=-1, dtype=np.longdouble), np.ones(weights.shape[:-1]), tolerance)
    assert softmax(x).dtype == dot_scores(x, x).dtype == split_heads(x, 2).dtype == dtype
    assert scaled_dot_product_attention_by_loops(x[0], x[0], x[0])[0].dtype == dtype
    assert dot_scores(x, x.astype(np.float64)).dtype == np.result_type(dtype, np.float64)


def test_float16_is_computed_in_float32():
    queries = np.full((1, 4), 200, np.float16)  # dot products of 160,000 overflow float16
    keys = np.array([[200, 200, 200, 200], [200, 200, 200, 199]], np.float16)
    context, weights = scaled_dot_product_attention(queries, keys, np.array([[1], [60_000]], np.float16))
    exactly(weights, np.array([[1, 0]], np.float16))
    exactly(context, np.array([[1]], np.float16))
    exactly(softmax(np.array([60_000, -60_000], np.float16)), np.array([1, 0], np.float16))
    small = softmax(np.zeros(5000, np.float16))
    exactly(small, np.full(5000, 1 / 5000, np.float16))


def test_integers_and_lists_become_float64():
    exactly(dot_scores([[1, 2]], [[3, 4], [5, 6]]), np.array([[11.0, 17.0]]))
    exactly(softmax(np.array([3, 3], np.int8)), np.array([0.5, 0.5]))
    assert split_heads(np.ones((2, 4), int), 2).dtype == np.float64
    exactly(dot_scores(torch.ones(1, 2), torch.ones(3, 2)), np.full((1, 3), 2, np.float32))


def call(name, **changed):
    """Call a public function with arguments that fit, but for the changed ones."""
    rng = np.random.default_rng(0)
    queries, keys, values = rng.normal(size=(3, 4)), rng.normal(size=(5, 4)), rng.normal(size=(5, 6))
    arguments = {
        "queries": queries, "keys": keys, "values": values,
        "scores": rng.normal(size=(3, 5)), "mask": np.eye(3, 5) == 1,
        "W_q": rng.normal(size=(7, 4)), "W_k": rng.normal(size=(7, 4)), "v": rng.normal(size=7),
        "W": rng.normal(size=(4, 4) if "general" in name else (7, 8)), "x": rng.normal(size=(3, 4)), "num_heads": 2,
        "W_Q": rng.normal(size=(4, 8)), "W_K": rng.normal(size=(4, 8)), "W_V": rng.normal(size=(6, 10)),
        "W_O": rng.normal(size=(10, 3)), "num_queries": 3, "num_keys": 5, "window": 1, "token_ids": np.array([[1, 0]]),
        "pad_id": 0, "axis": -1,
    }  # fmt: skip
    if "merge" in name:
        arguments["x"] = rng.normal(size=(2, 3, 4))
    arguments |= changed
    function = getattr(attention, name)
    if "combine" in name:
        return function(arguments["mask"], np.ones((3, 5), bool)), arguments
    return function(**{name: arguments[name] for name in inspect.signature(function).parameters}), arguments


PUBLIC = [
    name
    for name, function in vars(attention).items()
    if inspect.isfunction(function) and function.__module__ == attention.__name__ and not name.startswith("_")
]


@pytest.mark.parametrize("name", PUBLIC)
def test_inputs_are_never_changed(name):
    _, fresh = call(name)
    _, used = call(name)
    for argument, value in fresh.items():
        np.testing.assert_array_equal(used[argument], value)
    frozen = {argument: np.array(value) for argument, value in fresh.items() if isinstance(value, np.ndarray)}
    for value in frozen.values():
        value.flags.writeable = False
    answer, _ = call(name, **frozen)
    for part in answer if isinstance(answer, tuple) else [answer]:
        assert isinstance(part, np.ndarray)


def test_every_idea_has_its_loops_its_shapes_and_its_docstring():
    ideas = {name for name in PUBLIC if not name.endswith("_by_loops")}
    assert {f"{name}_by_loops" for name in ideas} == set(PUBLIC) - ideas
    assert len(ideas) == 14
    for name in ideas:
        assert len(getattr(attention, name).__doc__.splitlines()) > 1, name
    for name in PUBLIC:
        signature = inspect.signature(getattr(attention, name))
        said = [parameter.annotation for parameter in signature.parameters.values()]
        assert inspect.Signature.empty not in [*said, signature.return_annotation], name


# What makes no sense is refused: the message names the argument, what came and what was expected


def refused(name, *expected, **changed):
    with pytest.raises(ValueError) as error:
        call(name, **changed)
    for part in expected:
        assert part in str(error.value), str(error.value)


ARRAYS = [
    (name, argument)
    for name in PUBLIC
    for argument in inspect.signature(getattr(attention, name)).parameters
    if argument in "queries keys values scores x W W_q W_k v W_Q W_K W_V W_O".split()
]


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_every_array_is_checked(name, argument):
    fits = np.array(call(name)[1][argument])
    shape = str(fits.shape)
    refused(name, argument, "complex128", shape, "real numbers", **{argument: fits + 1j})
    refused(name, argument, "bool", shape, "real numbers", **{argument: fits > 0})
    refused(name, argument, "object", shape, "real numbers", **{argument: fits.astype(object)})
    refused(name, argument, "<U", shape, "real numbers", **{argument: fits.astype(str)})
    refused(name, argument, "cannot be read as an array", **{argument: [[1.0], [1.0, 2.0]]})
    refused(name, argument, "empty", str((0, *fits.shape[1:])), "at least one entry", **{argument: fits[:0]})
    for value in [np.nan, np.inf] + [-np.inf] * (argument != "scores"):
        wrong = fits.copy()
        wrong.flat[-1] = value
        index = str(tuple(size - 1 for size in fits.shape))
        refused(name, argument, str(value), index, shape, "finite", **{argument: wrong})
    refused(name, argument, "shape ()", "expected (", **{argument: 1.0})
    if name.endswith("_by_loops"):
        refused(name, argument, str((1, *fits.shape)), "expected (", **{argument: fits[None]})


def test_arrays_that_require_gradients_are_named():
    refused("dot_scores", "keys cannot be read as an array", "detach", keys=torch.ones(5, 4, requires_grad=True))


AN_AXIS_THAT_DIFFERS = [  # function, argument, its shape, the axis, its size, what is expected, where from
    ("dot_scores", "keys", (5, 3), "d_k", 3, "(..., keys, d_k) with d_k = 4", "queries of shape (3, 4)"),
    ("scaled_dot_scores", "keys", (5, 3), "d_k", 3, "(..., keys, d_k) with d_k = 4", "queries of shape (3, 4)"),
    ("additive_scores", "W_q", (7, 3), "d_q", 3, "(d_hidden, d_q) with d_q = 4", "queries of shape (3, 4)"),
    ("additive_scores", "W_k", (6, 4), "d_hidden", 6, "(d_hidden, d_k) with d_hidden = 7", "W_q of shape (7, 4)"),
    ("additive_scores", "v", (8,), "d_hidden", 8, "(d_hidden) with d_hidden = 7", "W_q of shape (7, 4)"),
    ("general_scores", "W", (4, 3), "d_k", 3, "(d_q, d_k) with d_k = 4", "keys of shape (5, 4)"),
    ("concat_scores", "W", (7, 4), "d_q+d_k", 4, "d_q+d_k = 8", "queries of shape (3, 4) and keys of shape (5, 4)"),
    ("concat_scores", "v", (6,), "d_hidden", 6, "(d_hidden) with d_hidden = 7", "W of shape (7, 8)"),
    ("scaled_dot_product_attention", "values", (3, 6), "keys", 3, "(..., keys, d_v) with keys = 5", "shape (5, 4)"),
    ("multi_head_attention", "values", (3, 6), "keys", 3, "(..., keys, d_values) with keys = 5", "shape (5, 4)"),
    ("multi_head_attention", "W_K", (4, 6), "heads·d_k", 6, "with heads·d_k = 8", "W_Q of shape (4, 8)"),
    ("multi_head_attention", "W_V", (4, 10), "d_values", 4, "with d_values = 6", "values of shape (5, 6)"),
    ("multi_head_attention", "W_O", (8, 3), "heads·d_v", 8, "with heads·d_v = 10", "W_V of shape (6, 10)"),
]


@pytest.mark.parametrize(("name", "argument", "shape", "axis", "size", "expected", "source"), AN_AXIS_THAT_DIFFERS)
def test_sizes_that_do_not_fit_name_the_axis_and_both_shapes(name, argument, shape, axis, size, expected, source):
    came = f"{argument} has shape {shape}, so its axis {axis} is {size}; expected"
    refused(name, came, expected, "as in", source, **{argument: np.ones(shape)})
    refused(f"{name}_by_loops", came, expected.replace("..., ", ""), source, **{argument: np.ones(shape)})


def test_leading_axes_that_do_not_broadcast_name_all_shapes():
    wrong = {"queries": np.ones((2, 3, 4)), "keys": np.ones((3, 5, 4))}
    message = "queries has shape (2, 3, 4), keys has shape (3, 5, 4): their leading axes do not broadcast"
    for name in ("dot_scores", "scaled_dot_scores", "general_scores", "additive_scores", "concat_scores"):
        refused(name, message, **wrong)
    for name in ("scaled_dot_product_attention", "multi_head_attention"):
        refused(name, "queries has shape (2, 3, 4)", "keys has shape (3, 5, 4)", "leading axes do not", **wrong)


MASKED = ["softmax", "scaled_dot_product_attention", "multi_head_attention"]


@pytest.mark.parametrize("name", MASKED + [f"{name}_by_loops" for name in MASKED])
def test_a_mask_must_be_boolean_and_fit(name):
    refused(name, "mask has dtype float64 and shape (3, 5);", "True = may attend", "mask == 0", mask=np.zeros((3, 5)))
    refused(name, "mask has dtype int64 and shape (3, 5);", "mask != 0", mask=np.ones((3, 5), np.int64))
    refused(name, "mask has dtype float64 and shape (5,), and holds nan;", mask=np.full(5, np.nan))
    refused(name, "mask is one string; expected an array of booleans", mask="causal")
    refused(name, "mask cannot be read as an array", mask=[[True], [True, False]])
    too_many = (1, 1, 3, 5)  # the mask may not add axes to the scores
    for shape in ((3, 4), (4, 1), too_many):
        refused(
            name, f"mask has shape {shape}, which does not broadcast to (", "keys) = (3, 5)", mask=np.ones(shape, bool)
        )
    refused(name, "mask has shape (0, 5)", mask=np.ones((0, 5), bool))


def test_a_mask_of_several_heads_is_named_as_it_came():
    refused(
        "multi_head_attention",
        "mask has shape (3, 3, 5)",
        "(heads, queries, keys) = (2, 3, 5)",
        mask=np.ones((3, 3, 5), bool),
    )
    batched = {"queries": np.ones((2, 3, 4)), "keys": np.ones((2, 5, 4)), "values": np.ones((2, 5, 6))}
    wrong = np.ones((3, 1, 5), bool)
    refused(
        "multi_head_attention", "mask has shape (3, 1, 5)", "(..., queries, keys) = (2, 3, 5)", mask=wrong, **batched
    )


@pytest.mark.parametrize("name", ["combine_masks", "combine_masks_by_loops"])
def test_masks_that_cannot_be_combined_are_named(name):
    combine = getattr(attention, name)
    with pytest.raises(ValueError, match="masks is empty"):
        combine()
    with pytest.raises(ValueError, match=re.escape("masks[1] has dtype int64 and shape (2,); expected booleans")):
        combine(np.ones((2, 2), bool), np.ones(2, np.int64))
    with pytest.raises(ValueError, match=re.escape("masks[0] has shape (2, 3), masks[1] has shape (2, 2): they do")):
        combine(np.ones((2, 3), bool), np.ones((2, 2), bool))


@pytest.mark.parametrize("suffix", ["", "_by_loops"])
def test_numbers_that_make_no_sense_are_named(suffix):
    for wrong in (0, -1, 2.0, "2", True, None):
        refused(f"causal_mask{suffix}", "num_queries is", repr(wrong), "at least 1", num_queries=wrong)
        refused(f"split_heads{suffix}", "num_heads is", repr(wrong), "at least 1", num_heads=wrong)
    refused(f"causal_mask{suffix}", "num_keys is 0; expected a whole number of at least 1", num_keys=0)
    refused(f"sliding_window_mask{suffix}", "window is -1; expected a whole number of at least 0", window=-1)
    refused(f"padding_mask{suffix}", "pad_id is 0.5; expected a whole number", pad_id=0.5)
    for ids in ([[1.0, 0.0]], [["a"]]):
        refused(f"padding_mask{suffix}", "token_ids has dtype", "(1, ", "expected whole numbers", token_ids=ids)
    for ids in (np.zeros((0, 2), int), np.zeros((2, 0))):
        refused(f"padding_mask{suffix}", f"token_ids has shape {ids.shape}, which is empty; expected (", token_ids=ids)
    refused(f"padding_mask{suffix}", "token_ids has shape (); expected (", token_ids=3)
    refused("padding_mask_by_loops", "shape (1, 1, 2); expected (batch, seq_len)", token_ids=[[[1, 0]]])
    refused(f"split_heads{suffix}", "num_heads is 3, which does not divide d_model = 4 in x of shape", num_heads=3)
    several = f"multi_head_attention{suffix}"
    refused(several, "num_heads is 5, which does not divide heads·d_k = 8 in W_Q of shape (4, 8)", num_heads=5)
    refused(several, "num_heads is 4, which does not divide heads·d_v = 10 in W_V of shape (6, 10)", num_heads=4)


def test_an_axis_that_is_not_there_is_named():
    refused("softmax", "axis is 2; expected a whole number from -2 to 1", axis=2)
    refused("softmax", "axis is -3", "from -2 to 1", axis=-3)
    refused("softmax", "axis is None; expected a whole number", axis=None)
    refused("softmax", "axis is (0, 1); expected a whole number", axis=(0, 1))
    refused("softmax", "scores has shape (); expected (..., keys)", scores=1.0)


def test_an_answer_that_overflows_is_refused_with_advice():
    with pytest.raises(ValueError, match="the answer of dot_scores overflows float16.*larger float.* queries, keys"):
        dot_scores(np.array([[60_000]], np.float16), np.array([[2]], np.float16))
    with pytest.raises(ValueError, match="the answer of dot_scores overflows float64"):
        scaled_dot_product_attention([[1e200]], [[1e200]], [[1.0]])
    with pytest.raises(ValueError, match="the answer of multi_head_attention overflows float16"):
        multi_head_attention(*[np.array([[300]], np.float16)] * 7, num_heads=1)

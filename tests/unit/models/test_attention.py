"""Multi-head attention equals PyTorch's and the NumPy lesson's, with every option, and refuses what makes no sense."""

import math
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course_lib import attention as numpy_attention
from course_lib.models import attention as module
from course_lib.models import fast
from course_lib.models.attention import MultiHeadAttention, causal_mask
from course_lib.models.fast import KeyValueCache, ModelCache
from course_lib.models.positions import Rotary
from tests.unit.models.copying import copy_attention, equal

some = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@st.composite
def layers(draw):
    """A layer of any sizes, an input, a memory or None, and a mask or None that may close some rows fully."""
    torch.manual_seed(draw(seeds))
    kv_heads, group, d_head = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 5]))
    heads = kv_heads * group
    layer = MultiHeadAttention(heads * d_head, heads, num_kv_heads=kv_heads, bias=draw(st.booleans())).double()
    batch, queries, keys = (draw(st.integers(1, 5)) for _ in range(3))
    x = double(batch, queries, layer.d_model)
    memory = double(batch, keys, layer.d_model) if draw(st.booleans()) else None
    keys = queries if memory is None else keys
    shapes = [
        None,
        (batch, keys),
        (batch, 1, keys),
        (1, queries, keys),
        (batch, queries, keys),
        (batch, heads, queries, keys),
        (1, 1, queries, keys),
    ]
    shape = draw(st.sampled_from(shapes))
    mask = None if shape is None else torch.rand(shape) < draw(st.sampled_from([0.2, 0.6, 0.9]))
    causal = memory is None and draw(st.booleans())
    return layer, x, memory, {"mask": mask, "causal": causal}


# Equal to PyTorch, to NumPy, and to itself


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("crossing", [True, False])
def test_equals_pytorch(bias, crossing):
    layer = MultiHeadAttention(24, 3, bias=bias).double()
    theirs = nn.MultiheadAttention(24, 3, bias=bias, batch_first=True).double()
    copy_attention(layer, theirs)
    x, memory = double(4, 5, 24), double(4, 7, 24) if crossing else None
    keys = 7 if crossing else 5
    mask = torch.rand(4, 5, keys) < 0.6
    mask[..., 0] = True  # PyTorch's own answers NaN where nothing may be attended to
    source = x if memory is None else memory

    closed = ~mask.repeat_interleave(3, dim=0)  # (batch · heads, queries, keys), True = may not attend
    expected, expected_weights = theirs(x, source, source, attn_mask=closed, average_attn_weights=False)
    context, weights = layer(x, memory, mask=mask, need_weights=True)
    equal(context, expected)
    equal(weights, expected_weights)

    padding = mask[:, 0]
    expected, _ = theirs(x, source, source, key_padding_mask=~padding)
    equal(layer(x, memory, mask=padding)[0], expected)


def test_gradients_equal_pytorchs():
    layer, theirs = MultiHeadAttention(12, 2).double(), nn.MultiheadAttention(12, 2, batch_first=True).double()
    copy_attention(layer, theirs)
    x, memory = double(2, 3, 12), double(2, 4, 12)
    direction = double(2, 3, 12)
    (layer(x, memory)[0] * direction).sum().backward()
    (theirs(x, memory, memory)[0] * direction).sum().backward()
    equal(layer.queries_keys_values.weight.grad, theirs.in_proj_weight.grad)
    equal(layer.queries_keys_values.bias.grad, theirs.in_proj_bias.grad)
    equal(layer.output.weight.grad, theirs.out_proj.weight.grad)
    equal(layer.output.bias.grad, theirs.out_proj.bias.grad)


def test_equals_the_numpy_lesson():
    layer = MultiHeadAttention(12, 3, bias=False).double()
    x = double(2, 5, 12)
    W_Q, W_K, W_V = (W.T.detach().numpy() for W in layer.queries_keys_values.weight.split(12))
    mask = numpy_attention.causal_mask(5)
    expected, expected_weights = numpy_attention.multi_head_attention(
        *[x.numpy()] * 3, W_Q, W_K, W_V, layer.output.weight.T.detach().numpy(), 3, mask
    )
    context, weights = layer(x, causal=True, need_weights=True)
    np.testing.assert_allclose(context.detach(), expected, atol=1e-12)
    np.testing.assert_allclose(weights.detach(), expected_weights, atol=1e-12)


@some
@given(layers(), st.booleans())
def test_fused_equals_explicit_with_gradients(case, with_bias):
    layer, x, memory, options = case
    keys = x.shape[1] if memory is None else memory.shape[1]
    bias = double(layer.num_heads, x.shape[1], keys) if with_bias else None
    direction = double(*x.shape)
    answers = []
    for explicit in (False, True):
        layer.zero_grad()
        own = x.clone().requires_grad_()
        with mock.patch.object(module, "explicit_is_faster", lambda *_, explicit=explicit: explicit):
            context, weights = layer(own, memory, bias=bias, **options)
        assert weights is None
        (context * direction).sum().backward()
        answers.append([context, own.grad, *(p.grad.clone() for p in layer.parameters())])
        assert all(torch.isfinite(answer).all() for answer in answers[-1])
    for fused, explicit in zip(*answers, strict=True):
        equal(fused, explicit)
    context, weights = layer(x, memory, bias=bias, **options, need_weights=True)
    equal(context, answers[0][0])


@some
@given(layers())
def test_weights_are_distributions_over_what_may_be_attended_to(case):
    layer, x, memory, options = case
    _, weights = layer(x, memory, **options, need_weights=True)
    mask = torch.ones(weights.shape, dtype=torch.bool)
    if options["mask"] is not None:
        given_mask = options["mask"]
        given_mask = given_mask[:, None, None] if given_mask.ndim == 2 else given_mask
        mask = mask & (given_mask[:, None] if given_mask.ndim == 3 else given_mask)
    if options["causal"]:
        mask = mask & torch.ones(weights.shape[-2:], dtype=torch.bool).tril()
    assert (weights[~mask] == 0).all()
    equal(weights.sum(-1), mask.any(-1).double())


def test_both_ways_are_really_taken():
    layer, x = MultiHeadAttention(8, 2, dropout=0.1), torch.randn(1, 3, 8)
    fused = mock.patch.object(fast.F, "scaled_dot_product_attention", side_effect=AssertionError("fused"))
    with fused:
        layer(x)  # dropout while training: explicit
        layer(x, need_weights=True)
        with pytest.raises(AssertionError, match="fused"):
            layer.eval()(x)
        with pytest.raises(AssertionError, match="fused"), torch.no_grad():
            layer.train()(x)


@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize(
    "options", [{}, {"causal": True}, {"mask": torch.rand(2, 6, 6) < 0.9}, {"bias": torch.ones(4, 6, 6)}]
)
def test_without_gradients_no_weights_are_made(kv_heads, options):
    """Neither groups nor masks nor a bias of three axes lead to PyTorch's slow way, which makes them."""
    layer, x = MultiHeadAttention(16, 4, num_kv_heads=kv_heads), torch.randn(2, 6, 16)
    with torch.no_grad(), torch.profiler.profile() as profile:
        layer(x, **options)
    called = {event.key for event in profile.key_averages()}
    assert "aten::_scaled_dot_product_flash_attention_for_cpu" in called and "aten::softmax" not in called


@pytest.mark.parametrize("processor", ["AVX2", "AVX512"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("crossing", [True, False])
def test_bfloat16_is_near_double_on_any_processor(processor, dropout, crossing):
    layer = MultiHeadAttention(32, 4, dropout=dropout).double()
    x, memory = double(2, 6, 32), double(2, 6, 32) if crossing else None
    mask = torch.rand(2, 6, 6) < 0.7
    expected = layer.eval()(x, memory, mask=mask)[0]
    layer.float().train(dropout > 0)
    with (
        mock.patch.object(torch.backends.cpu, "get_cpu_capability", lambda: processor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        samples = 400 if dropout else 1
        got = [layer(x.float(), None if memory is None else memory.float(), mask=mask)[0] for _ in range(samples)]
    assert got[0].dtype == torch.bfloat16
    torch.testing.assert_close(torch.stack(got).double().mean(0), expected, atol=0.02 + 0.1 * dropout, rtol=0)


def test_gradients_by_finite_differences():
    for kv_heads, rotary in [(4, None), (2, Rotary(2))]:
        layer = MultiHeadAttention(8, 4, num_kv_heads=kv_heads, rotary=rotary).double()
        x = double(2, 3, 8).requires_grad_()
        mask = torch.tensor([[True, True, True], [False, True, False]])  # with causal=True one row is closed fully
        for need_weights in (False, True):
            assert torch.autograd.gradcheck(
                lambda x, w=need_weights, layer=layer, mask=mask: [
                    part for part in layer(x, mask=mask, causal=True, need_weights=w) if part is not None
                ],
                x,
            )
    layer, memory = MultiHeadAttention(4, 2).double(), double(1, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, memory: layer(x, memory)[0], (double(1, 2, 4).requires_grad_(), memory))


# Grouped queries, rotary, masks


def test_grouped_queries_are_repeated_heads():
    grouped, full = MultiHeadAttention(24, 6, num_kv_heads=2).double(), MultiHeadAttention(24, 6).double()
    full.output.load_state_dict(grouped.output.state_dict())
    with torch.no_grad():
        for ours, theirs in [
            (grouped.queries_keys_values.weight, full.queries_keys_values.weight),
            (grouped.queries_keys_values.bias, full.queries_keys_values.bias),
        ]:
            queries, keys, values = ours.split([24, 8, 8])
            repeated = [part.unflatten(0, (2, 4)).repeat_interleave(3, dim=0).flatten(0, 1) for part in (keys, values)]
            theirs.copy_(torch.cat([queries, *repeated]))
    x = double(3, 5, 24)
    for need_weights in (True, False):
        ours, theirs = (layer(x, causal=True, need_weights=need_weights) for layer in (grouped, full))
        equal(ours[0], theirs[0])
        if need_weights:
            equal(ours[1], theirs[1])


def test_rotary_weights_depend_on_the_offset_alone():
    layer = MultiHeadAttention(16, 2, rotary=Rotary(8)).double()
    layer.queries_keys_values.bias.data.normal_()
    x = double(1, 1, 16).expand(1, 9, 16)  # the same token everywhere: only positions differ
    queries, keys, _ = layer._from_one(x, 5, None)
    scores = queries @ keys.mT  # (1, heads, 9, 9)
    for offset in range(-8, 9):
        diagonal = scores.diagonal(offset, dim1=-2, dim2=-1)
        equal(diagonal, diagonal[..., :1].expand_as(diagonal))
    assert not torch.allclose(scores[..., 0, 1], scores[..., 1, 0])
    queries, keys, _ = layer._from_one(x, 0, None)
    equal(queries @ keys.mT, scores)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("closed", ["one query", "one sequence", "everything"])
def test_closed_masks_give_zeros_and_no_nan_forwards_or_backwards(dtype, training, need_weights, closed):
    layer = MultiHeadAttention(16, 2, dropout=0.1).to(dtype).train(training)
    layer.output.bias.data.normal_()
    x = torch.randn(3, 4, 16, dtype=dtype, requires_grad=True)
    mask = torch.ones(3, 4, 4, dtype=torch.bool)
    rows = {"one query": (0, 1), "one sequence": (0,), "everything": ()}[closed]
    mask[rows] = False
    for memory in (None, torch.randn(3, 4, 16, dtype=dtype, requires_grad=True)):
        x.grad = None
        context, weights = layer(x, memory, mask=mask, need_weights=need_weights)
        context.float().square().sum().backward()
        tensors = [context, x.grad, *(p.grad for p in layer.parameters())] + ([] if memory is None else [memory.grad])
        assert all(torch.isfinite(tensor).all() for tensor in tensors)
        assert (context[rows] == layer.output.bias).all()
        if need_weights:
            assert (weights.transpose(1, 2)[rows] == 0).all()


def test_padding_changes_nothing():
    layer = MultiHeadAttention(16, 2).double()
    x, junk = double(1, 3, 16), double(1, 2, 16) * 1e6
    mask = torch.tensor([[True, True, True, False, False]])
    equal(layer(torch.cat([x, junk], 1), mask=mask)[0][:, :3], layer(x)[0])
    equal(layer(x, torch.cat([x, junk], 1), mask=mask)[0], layer(x, x)[0])


@pytest.mark.parametrize("need_weights", [True, False])
def test_no_token_sees_the_future(need_weights):
    layer, x = MultiHeadAttention(8, 2).double(), double(1, 5, 8)
    jacobian = torch.autograd.functional.jacobian(lambda x: layer(x, causal=True, need_weights=need_weights)[0], x)
    influence = jacobian.abs().sum(dim=(0, 2, 3, 5))  # (outputs, inputs)
    assert (influence.triu(1) == 0).all()
    assert (influence.tril() + torch.ones(5, 5).triu(1) > 0).all()


def test_the_order_of_masks_axes():
    layer, x = MultiHeadAttention(8, 2).double(), double(2, 2, 8)  # batch = heads = queries = keys
    mask = torch.tensor([[True, False], [True, True]])
    _, weights = layer(x, mask=mask, need_weights=True)  # two axes: (batch, keys)
    assert (weights[0, :, :, 1] == 0).all() and (weights[1] > 0).all()
    _, weights = layer(x, mask=mask[None], need_weights=True)  # (1, queries, keys)
    assert (weights[:, :, 0, 1] == 0).all() and (weights[:, :, 1] > 0).all()
    _, weights = layer(x, mask=mask[None, :, None], need_weights=True)  # (1, heads, 1, keys)
    assert (weights[:, 0, :, 1] == 0).all() and (weights[:, 1] > 0).all()


# The cache


@pytest.mark.parametrize("steps", [[1] * 7, [4, 1, 2], [3, 4], [7]])
@pytest.mark.parametrize("rotary", [True, False])
def test_cached_equals_uncached(steps, rotary):
    layer = MultiHeadAttention(16, 4, num_kv_heads=2, rotary=Rotary(4) if rotary else None).double()
    x = double(3, 7, 16)
    padding = torch.rand(3, 7) < 0.7
    expected, expected_weights = layer(x, mask=padding, causal=True, need_weights=True)
    for need_weights in (True, False):
        cache, start = KeyValueCache(), 0
        for step in steps:
            end = start + step
            with torch.no_grad():
                part = x[:, start:end]
                options = {"mask": padding[:, :end], "causal": True, "cache": cache, "need_weights": need_weights}
                context, weights = layer(part, **options)
            equal(context, expected[:, start:end])
            if need_weights:
                equal(weights, expected_weights[:, :, start:end, :end])
            start = end
        assert cache.length == 7 and cache.keys.shape == cache.values.shape == (3, 2, 7, 4)


def test_the_memory_is_projected_once():
    layer, x, memory = MultiHeadAttention(16, 4).double(), double(2, 3, 16), double(2, 5, 16)
    cache = KeyValueCache()
    with torch.no_grad():
        equal(layer(x, memory, cache=cache)[0], layer(x, memory)[0])
        held = cache.keys
        equal(layer(x[:, :1], memory, cache=cache)[0], layer(x[:, :1], memory)[0])
    assert cache.length == 5 and cache.keys.data_ptr() == held.data_ptr()


def test_the_cache_selects_rows():
    layer, x = MultiHeadAttention(16, 4).double(), double(3, 4, 16)
    rows = torch.tensor([2, 0, 0, 1])
    cache = KeyValueCache()
    stack = ModelCache([cache])
    with torch.no_grad():
        layer(x[:, :1], causal=True, cache=cache)
        layer(x[:, 1:3], causal=True, cache=cache)
        stack.select(rows)
        got, _ = layer(x[rows, 3:], causal=True, cache=cache)
        equal(got, layer(x, causal=True)[0][rows, 3:])
        stack.select(torch.tensor([True, False, False, True]))
        assert cache.keys.shape[0] == 2 and stack.length == cache.length == 4


def test_an_empty_cache_selects_nothing():
    cache = ModelCache([(KeyValueCache(), KeyValueCache())])
    cache.select(torch.tensor([0]))
    assert cache.length == 0


def test_the_cache_refuses_training_and_another_batch():
    layer, cache = MultiHeadAttention(8, 2), KeyValueCache()
    with pytest.raises(RuntimeError, match="under torch.no_grad"):
        layer(torch.randn(2, 1, 8), cache=cache)
    with torch.no_grad(), pytest.raises(ValueError, match="the cache holds a batch of 2 sequences, but now came 3"):
        layer(torch.randn(2, 1, 8), cache=cache)
        layer(torch.randn(3, 1, 8), cache=cache)
    with torch.no_grad(), pytest.raises(ValueError, match="the cache holds a batch of 2 sequences, but now came 1"):
        layer(torch.randn(1, 1, 8), torch.randn(1, 4, 8), cache=cache)


def test_a_refused_call_leaves_the_cache_as_it_was():
    layer, cache = MultiHeadAttention(8, 2), KeyValueCache()
    with torch.no_grad():
        layer(torch.randn(2, 3, 8), cache=cache)
        with pytest.raises(ValueError, match="mask has shape"):
            layer(torch.randn(2, 1, 8), mask=torch.ones(2, 1, dtype=torch.bool).expand(2, 7), cache=cache)
    assert cache.length == 3


def test_a_token_is_copied_only_now_and_then():
    layer, cache = MultiHeadAttention(8, 2), KeyValueCache()
    places = set()
    with torch.inference_mode():
        for _ in range(200):
            layer(torch.randn(1, 1, 8), cache=cache)
            places.add(cache.keys.data_ptr())
    assert len(places) <= 2 + math.log2(200)


# Modules


def test_dropout_drops_weights_while_training_only():
    layer, x = MultiHeadAttention(16, 2, dropout=0.5).double(), double(2, 5, 16)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    _, weights = layer(x, need_weights=True)
    equal(weights.sum(-1), torch.ones(2, 2, 5, dtype=torch.float64))  # as they were before dropout
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_parameters():
    sizes = {name: tuple(p.shape) for name, p in MultiHeadAttention(24, 6, num_kv_heads=2).named_parameters()}
    assert sizes == {
        "queries_keys_values.weight": (40, 24),
        "queries_keys_values.bias": (40,),
        "output.weight": (24, 24),
        "output.bias": (24,),
    }
    assert not [name for name, _ in MultiHeadAttention(24, 6, bias=False).named_parameters() if "bias" in name]


def test_inputs_are_not_changed():
    layer, x, memory = MultiHeadAttention(8, 2), torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    mask = torch.rand(2, 3, 4) < 0.5
    copies = x.clone(), memory.clone(), mask.clone()
    layer(x, memory, mask=mask, need_weights=True)
    layer(x, memory, mask=mask)
    assert all(torch.equal(*pair) for pair in zip((x, memory, mask), copies, strict=True))


def test_the_causal_mask_equals_numpys():
    for num_queries, num_keys in [(1, 1), (3, 3), (2, 5), (1, 4)]:
        np.testing.assert_array_equal(
            causal_mask(num_queries, num_keys), numpy_attention.causal_mask(num_queries, num_keys)
        )


# What makes no sense

x = torch.zeros(2, 3, 8)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((torch.zeros(3, 8),), {}, r"x has shape \(3, 8\); expected \(batch, queries, d_model\)"),
        ((torch.zeros(2, 3, 7),), {}, r"x has shape \(2, 3, 7\), so its axis d_model is 7; .* d_model = 8"),
        ((torch.zeros(0, 3, 8),), {}, r"x has shape \(0, 3, 8\), which is empty"),
        ((torch.zeros(2, 0, 8),), {}, r"x has shape \(2, 0, 8\), which is empty"),
        (
            (torch.zeros(2, 3, 8, dtype=torch.long),),
            {},
            r"x has dtype torch.int64 and shape \(2, 3, 8\); expected floating-point",
        ),
        ((x, torch.zeros(1, 3, 8)), {}, r"memory has shape \(1, 3, 8\), so its axis batch is 1"),
        ((x, torch.zeros(2, 0, 8)), {}, r"memory has shape \(2, 0, 8\), which is empty"),
        ((x, x), {"causal": True}, "causal=True has no meaning for a memory"),
        ((x,), {"mask": torch.zeros(3, 3, dtype=torch.bool)}, r"mask has shape \(3, 3\), .*\(batch = 2, keys = 3\)"),
        ((x,), {"mask": torch.zeros(2, 3, 4, dtype=torch.bool)}, r"mask has shape .*queries = 3, keys = 3\)"),
        ((x,), {"mask": torch.zeros(2, 3, 1, 3, dtype=torch.bool)}, r"mask has shape .*heads = 2, queries = 3"),
        ((x,), {"mask": torch.zeros(3, dtype=torch.bool)}, r"mask has shape \(3,\)"),
        (
            (x,),
            {"mask": torch.zeros(2, 3)},
            "mask has dtype torch.float32 and shape .*; expected booleans, True = may attend",
        ),
        ((x,), {"bias": torch.zeros(3, 3, 3)}, r"bias has shape \(3, 3, 3\), which does not .*\(2, 2, 3, 3\)"),
        (
            (x,),
            {"bias": torch.zeros(3, 3, dtype=torch.long)},
            "bias has dtype torch.int64 and shape .*; expected floating-point",
        ),
    ],
)
def test_wrong_inputs_are_named(arguments, options, message):
    for need_weights in (True, False):
        with pytest.raises(ValueError, match=message):
            MultiHeadAttention(8, 2)(*arguments, **options, need_weights=need_weights)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d_model": 10, "num_heads": 3}, "num_heads is 3, which does not divide d_model = 10"),
        ({"d_model": 8, "num_heads": 4, "num_kv_heads": 3}, "num_kv_heads is 3, which does not divide num_heads = 4"),
        ({"d_model": 0, "num_heads": 1}, "d_model is 0; expected a whole number of at least 1"),
        ({"d_model": 8, "num_heads": 2.0}, "num_heads is 2.0; expected a whole number"),
        ({"d_model": 8, "num_heads": 2, "dropout": 1.0}, "p is 1.0; expected a number from 0"),
    ],
)
def test_wrong_sizes_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(**arguments)


def test_other_types_are_named():
    with pytest.raises(
        TypeError, match=r"x is an array of shape \(2, 3, 8\); expected a tensor of shape \(batch, queries, d_model\)"
    ):
        MultiHeadAttention(8, 2)(np.zeros((2, 3, 8)))
    with pytest.raises(TypeError, match="mask is a list of 1; expected a tensor"):
        MultiHeadAttention(8, 2)(x, mask=[[True]])
    with pytest.raises(ValueError, match="rotary turns queries and keys of one sequence"):
        MultiHeadAttention(8, 2, rotary=Rotary(4))(x, x)


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_bias_of_minus_infinity_is_a_mask(need_weights):
    attention, x = MultiHeadAttention(8, 2), torch.randn(2, 3, 8, requires_grad=True)
    mask = torch.tensor([[1, 1, 0], [0, 0, 0], [0, 1, 0]], dtype=torch.bool)  # one row may attend to nothing
    bias = torch.zeros(3, 3).masked_fill(~mask, -math.inf)
    context, weights = attention(x, bias=bias, need_weights=need_weights)
    expected, expected_weights = attention(x, mask=mask[None], need_weights=True)
    equal(context, expected, 1e-6)
    if need_weights:
        equal(weights, expected_weights)
    context.sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("score", [0.0, -1000.0])  # float16 ends at -65504: with a score of -1000 a sum overflows
def test_a_bias_of_the_least_number_is_no_mask(dtype, score):
    """What a mask closes gets nothing, however low the rest; a row of equals is shared out evenly."""
    queries = torch.ones(1, 1, 3, 1, dtype=dtype, requires_grad=True)
    keys, values = torch.full_like(queries, score), torch.eye(3, dtype=dtype)[None, None]
    bias = torch.full((3, 3), torch.finfo(dtype).min, dtype=dtype)
    expected = torch.tensor([[1, 0, 0], [1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3]], dtype=dtype)
    context, weights = module.scaled_dot_product_attention(queries, keys, values, causal_mask(3), bias)
    equal(weights[0, 0], expected, torch.finfo(dtype).eps)
    assert (weights[0, 0].triu(1) == 0).all()
    fused = nn.functional.scaled_dot_product_attention(
        queries, keys, values, bias.masked_fill(~causal_mask(3), -math.inf)[None, None]
    )
    equal(context, fused, 2 * torch.finfo(dtype).eps)
    (context * torch.arange(3)).sum().backward()
    assert queries.grad.isfinite().all()


def test_a_cache_of_one_memory_refuses_one_of_another_length():
    attention, cache = MultiHeadAttention(8, 2), KeyValueCache()
    with torch.no_grad():
        attention(torch.randn(2, 1, 8), torch.randn(2, 4, 8), cache=cache)
        with pytest.raises(ValueError, match="the cache holds 4 tokens of a memory, but now came one of 6"):
            attention(torch.randn(2, 1, 8), torch.randn(2, 6, 8), cache=cache)


@pytest.mark.parametrize("sizes", [(0,), (-1,), (2, 0), (1.5,)])
def test_a_causal_mask_needs_sizes(sizes):
    with pytest.raises(ValueError, match="num_(queries|keys) is .*; expected a whole number of at least 1"):
        causal_mask(*sizes)

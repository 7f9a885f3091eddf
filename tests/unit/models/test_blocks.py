"""The blocks equal PyTorch's layers with copied weights, in both orders of the norms; dropout does what it says."""

import re

import pytest
import torch
from torch import nn

from course_lib.models.blocks import ACTIVATIONS, Block, BlockSizes, DecoderBlock, EncoderBlock, FeedForward
from course_lib.models.fast import Dropout, KeyValueCache, RMSNorm
from tests.unit.models.copying import copy_decoder_layer, copy_encoder_layer, equal

ORDERS = pytest.mark.parametrize("norm_first", [True, False])


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@ORDERS
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_encoder_block_equals_pytorch(norm_first, activation):
    block = EncoderBlock(12, 3, 20, activation=activation, norm_first=norm_first).double()
    theirs = nn.TransformerEncoderLayer(
        12, 3, 20, dropout=0.0, activation=activation, norm_first=norm_first, batch_first=True
    ).double()
    copy_encoder_layer(block, theirs)
    x = double(4, 5, 12)
    padding = torch.arange(5) < torch.tensor([[5], [3], [1], [4]])
    equal(block(x, mask=padding)[0][padding], theirs(x, src_key_padding_mask=~padding)[padding])
    order = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    equal(block(x, causal=True)[0], theirs(x, src_mask=order))


@ORDERS
def test_decoder_block_equals_pytorch(norm_first):
    block = DecoderBlock(12, 3, 20, norm_first=norm_first).double()
    theirs = nn.TransformerDecoderLayer(12, 3, 20, dropout=0.0, norm_first=norm_first, batch_first=True).double()
    copy_decoder_layer(block, theirs)
    x, memory = double(4, 5, 12), double(4, 7, 12)
    padding = torch.arange(7) < torch.tensor([[7], [3], [1], [4]])
    order = nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64)
    expected = theirs(x, memory, tgt_mask=order, memory_key_padding_mask=~padding)
    equal(block(x, memory, memory_mask=padding)[0], expected)
    got, self_weights, cross_weights = block(x, memory, memory_mask=padding, need_weights=True)
    equal(got, expected)
    assert self_weights.shape == (4, 3, 5, 5) and cross_weights.shape == (4, 3, 5, 7)
    assert (self_weights.triu(1) == 0).all()
    assert (cross_weights.transpose(1, 3)[~padding] == 0).all()
    equal(block(x, memory, memory_mask=padding, causal=False)[0], theirs(x, memory, memory_key_padding_mask=~padding))


@ORDERS
def test_gradients_equal_pytorchs(norm_first):
    block = DecoderBlock(8, 2, 12, norm_first=norm_first).double()
    theirs = nn.TransformerDecoderLayer(8, 2, 12, dropout=0.0, norm_first=norm_first, batch_first=True).double()
    copy_decoder_layer(block, theirs)
    x, memory, direction = double(2, 3, 8), double(2, 4, 8), double(2, 3, 8)
    order = nn.Transformer.generate_square_subsequent_mask(3, dtype=torch.float64)
    (block(x, memory)[0] * direction).sum().backward()
    (theirs(x, memory, tgt_mask=order) * direction).sum().backward()
    pairs = [
        ("self_attention.queries_keys_values.weight", "self_attn.in_proj_weight"),
        ("cross_attention.queries_keys_values.weight", "multihead_attn.in_proj_weight"),
        ("cross_attention_norm.weight", "norm2.weight"),
        ("feed_forward.expand.bias", "linear1.bias"),
        ("feed_forward_norm.bias", "norm3.bias"),
    ]
    for ours, reference in pairs:
        equal(block.get_parameter(ours).grad, theirs.get_parameter(reference).grad)
    assert len(list(block.parameters())) == len(list(theirs.parameters()))


@ORDERS
def test_gradients_by_finite_differences(norm_first):
    encoder = EncoderBlock(4, 2, 6, activation="gelu", norm_first=norm_first).double()
    decoder = DecoderBlock(4, 2, 6, activation="gelu_tanh", norm_first=norm_first).double()
    x, memory = double(1, 3, 4).requires_grad_(), double(1, 2, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: encoder(x, causal=True)[0], x)
    assert torch.autograd.gradcheck(lambda x, memory: decoder(x, memory)[0], (x, memory))


@ORDERS
def test_cached_equals_uncached(norm_first):
    block = DecoderBlock(12, 3, 20, norm_first=norm_first).double()
    x, memory = double(2, 6, 12), double(2, 4, 12)
    cache = KeyValueCache(), KeyValueCache()
    with torch.no_grad():
        parts = [block(part, memory, cache=cache)[0] for part in x.split([3, 1, 2], dim=1)]
        equal(torch.cat(parts, dim=1), block(x, memory)[0])


@ORDERS
def test_without_sublayers_a_block_passes_on_its_input(norm_first):
    """Zeroed sublayers leave the residuals: x itself with pre-norm, norms of x with post-norm. x is never changed."""
    x, memory = double(2, 3, 8), double(2, 4, 8)
    kept = x.clone()
    for block, inputs, norms in [(EncoderBlock, (x,), 2), (DecoderBlock, (x, memory), 3)]:
        block = block(8, 2, 12, norm_first=norm_first).double()
        for name, parameter in block.named_parameters():
            if "norm" not in name:
                nn.init.zeros_(parameter)
        expected = x
        for _ in range(0 if norm_first else norms):
            expected = nn.functional.layer_norm(expected, [8])
        equal(block(*inputs)[0], expected)
    assert torch.equal(x, kept)


@ORDERS
def test_one_block_serves_encoders_decoders_and_gpt(norm_first):
    sizes = BlockSizes(12, 3, 20, norm_first=norm_first)
    x, memory = double(2, 5, 12), double(2, 4, 12)
    encoder, decoder = EncoderBlock(12, 3, 20, norm_first=norm_first), DecoderBlock(12, 3, 20, norm_first=norm_first)
    plain, cross = Block(sizes), Block(sizes, cross=True)
    plain.load_state_dict(encoder.state_dict())
    cross.load_state_dict(decoder.state_dict())
    plain, cross, encoder, decoder = (block.double() for block in (plain, cross, encoder, decoder))
    assert torch.equal(plain(x, causal=True)[0], encoder(x, causal=True)[0])
    assert torch.equal(cross(x, memory, causal=True)[0], decoder(x, memory)[0])
    assert len(plain(x)) == 2 and len(cross(x, memory)) == 3


def test_a_memory_too_many_or_too_few_is_named():
    x, memory = torch.randn(2, 3, 8), torch.randn(2, 4, 8)
    with pytest.raises(ValueError, match="a memory came, but this block was built without cross=True"):
        EncoderBlock(8, 2, 12)(x, memory)
    with pytest.raises(ValueError, match="memory is None, but this block has attention to a memory"):
        DecoderBlock(8, 2, 12)(x)


def test_the_recipe_of_a_block():
    sizes = BlockSizes(12, 4, 20, norm="rms", bias=False, activation="swiglu", num_kv_heads=2, d_head=6, qk_norm=True)
    shapes = {name: tuple(parameter.shape) for name, parameter in Block(sizes).named_parameters()}
    assert shapes == {
        "attention.queries_keys_values.weight": ((4 + 2 * 2) * 6, 12),
        "attention.output.weight": (12, 24),
        "attention.query_norm.weight": (6,),
        "attention.key_norm.weight": (6,),
        "attention_norm.weight": (12,),
        "feed_forward.expand.weight": (40, 12),
        "feed_forward.contract.weight": (12, 20),
        "feed_forward_norm.weight": (12,),
    }
    attention = Block(BlockSizes(12, 4, bias=False, input_bias=True)).attention
    assert attention.queries_keys_values.bias is not None and attention.output.bias is None


def test_rms_norm_is_the_papers():
    norm, x = BlockSizes(6, 2, norm="rms", norm_eps=0.1).new_norm().double(), double(3, 6)
    nn.init.normal_(norm.weight)
    equal(norm(x), x / (x.square().mean(-1, keepdim=True) + 0.1).sqrt() * norm.weight)  # Zhang and Sennrich 2019, eq. 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.mT, lambda x: x[:, ::2], lambda x: x.expand(2, 4, 4)])
def test_rms_norm_and_its_gradients_equal_pytorchs(dtype, view):
    ours, theirs = RMSNorm(4, eps=0.01).to(dtype), nn.RMSNorm(4, eps=0.01).to(dtype)
    nn.init.normal_(ours.weight)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(1, 4, 4, dtype=dtype)
    direction = torch.randn_like(view(x))
    found = []
    for norm in (ours, theirs):
        own = x.clone().requires_grad_()
        (norm(view(own)) * direction).sum().backward()
        found.append([norm(view(own)), own.grad, norm.weight.grad])
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 0.1}[dtype]
    for got, expected in zip(*found, strict=True):
        equal(got, expected, tolerance)
        assert got.dtype == dtype


def test_rms_norm_can_be_differentiated_twice():
    norm, x = RMSNorm(3, eps=0.01).double(), double(2, 3).requires_grad_()
    assert torch.autograd.gradcheck(norm, x) and torch.autograd.gradgradcheck(norm, x)
    frozen = RMSNorm(3).double().requires_grad_(False)
    assert torch.autograd.gradcheck(frozen, x) and torch.autograd.gradgradcheck(frozen, x)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"norm": "batch"}, "norm is 'batch'; expected one of 'layer', 'rms'"),
        ({"norm_eps": 0}, "norm_eps is 0; expected a finite number above 0"),
        ({"d_head": 0}, "d_head is 0; expected a whole number of at least 1"),
        ({"d_ff": 0}, "d_ff is 0; expected a whole number of at least 1"),
        ({"num_heads": 5}, "num_heads is 5, which does not divide d_model = 12"),
        ({"num_kv_heads": 3}, "num_kv_heads is 3, which does not divide num_heads = 4"),
    ],
)
def test_sizes_that_make_no_sense_are_named(sizes, message):
    with pytest.raises(ValueError, match=message):
        Block(BlockSizes(**{"d_model": 12, "num_heads": 4, **sizes}))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_feed_forward(activation):
    layer = FeedForward(6, 10, activation=activation).double()
    functions = {
        "relu": lambda hidden: hidden.clamp(min=0),
        "gelu": lambda hidden: hidden * (1 + torch.erf(hidden / 2**0.5)) / 2,
        "gelu_tanh": lambda h: h * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (h + 0.044715 * h**3))) / 2,
    }
    functions["swiglu"] = lambda h: h[..., :10] / (1 + (-h[..., :10]).exp()) * h[..., 10:]
    x = double(3, 4, 6)
    hidden = functions[activation](x @ layer.expand.weight.T + layer.expand.bias)
    equal(layer(x), hidden @ layer.contract.weight.T + layer.contract.bias)


def test_an_unknown_activation_is_named():
    with pytest.raises(
        ValueError, match="activation is 'swish'; expected one of 'relu', 'gelu', 'gelu_tanh', 'swiglu'"
    ):
        FeedForward(6, 10, activation="swish")
    with pytest.raises(ValueError, match="d_ff is 0"):
        FeedForward(6, 0)


@pytest.mark.parametrize("block", [EncoderBlock, DecoderBlock])
def test_dropout_is_everywhere_it_should_be_and_only_while_training(block):
    block = block(8, 2, 12, dropout=0.25)
    expected = {EncoderBlock: 3, DecoderBlock: 4}[type(block)]  # attention, feed-forward, residuals
    rates = [module.p for module in block.modules() if isinstance(module, Dropout)]
    assert rates == [0.25] * expected
    inputs = (torch.randn(2, 3, 8), torch.randn(2, 4, 8))[: expected - 2]
    assert not torch.equal(block(*inputs)[0], block(*inputs)[0])
    block.eval()
    assert torch.equal(block(*inputs)[0], block(*inputs)[0])


# Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 1e-4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_dropout_zeroes_with_probability_p_and_scales_the_rest(p, dtype):
    count = 400_001  # no multiple of four
    x = torch.ones(count, dtype=dtype, requires_grad=True)
    y = Dropout(p)(x)
    zeros = (y == 0).double().mean().item()
    assert abs(zeros - p) < 5 * (p * (1 - p) / count) ** 0.5 + 2**-16
    kept = y[y != 0].double()
    tolerance = 1e-2 if dtype == torch.bfloat16 else 1e-3
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)), rtol=tolerance, atol=0)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())  # the same zeros and the same factor backwards


def test_dropped_numbers_are_independent():
    drops = (Dropout(0.5)(torch.ones(100_000)) == 0).double()
    for lag in (1, 2, 3, 4, 8, 16):  # four decisions share one random number
        correlation = torch.corrcoef(torch.stack([drops[:-lag], drops[lag:]]))[0, 1]
        assert abs(correlation) < 0.02
    for place in range(4):
        assert abs(drops[place::4].mean() - 0.5) < 0.02


def test_dropout_follows_the_seed_and_leaves_what_it_must():
    layer, x = Dropout(0.3), torch.randn(7, 5)
    torch.manual_seed(3)
    first = layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first) and not torch.equal(layer(x), first)
    assert layer.eval()(x) is x and Dropout(0.0)(x) is x
    assert layer.train()(torch.zeros(0, 3)).shape == (0, 3)
    assert Dropout(1 - 1e-6)(x).isfinite().all()  # rounded to 16 bits it would be 1


@pytest.mark.parametrize("p", [-0.1, 1.0, 2, None, [0.5]])
def test_wrong_probabilities_are_named(p):
    with pytest.raises(
        ValueError, match=f"p is {re.escape(str(p))}; expected a number from 0 up to, but not including, 1"
    ):
        Dropout(p)

"""Positions in PyTorch equal the NumPy formulas, know no end where they should, and say where they end."""

import pickle

import numpy as np
import pytest
import torch

from course_lib import positions as formulas
from course_lib.models.positions import ALiBi, LearnedPositions, Rotary, SinusoidalPositions
from tests.unit.models.copying import equal


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("d_model", [1, 2, 5, 16])
def test_sinusoidal_equals_numpy_at_any_length(d_model):
    layer = SinusoidalPositions(d_model)
    for length in (3, 1, 1000, 7):
        x = double(2, length, d_model)
        equal(layer(x) - x, torch.from_numpy(formulas.sinusoidal(length, d_model)).expand_as(x))
    assert layer(torch.zeros(1, 3, d_model)).dtype == torch.float32
    assert not list(layer.parameters()) and not layer.state_dict()


@pytest.mark.parametrize("layer", [SinusoidalPositions(6), LearnedPositions(20, 6)], ids=["sinusoidal", "learned"])
def test_positions_can_be_named(layer):
    zeros = torch.zeros(2, 4, 6)
    table = layer(torch.zeros(1, 20, 6))[0]
    assert torch.equal(layer(zeros)[1], table[:4])
    assert torch.equal(layer(zeros, torch.tensor([7, 8, 9, 10]))[1], table[7:11])
    each = torch.tensor([[0, 0, 0, 1], [5, 19, 2, 2]])
    assert torch.equal(layer(zeros, each), table[each])


def test_learned_positions_learn():
    layer = LearnedPositions(5, 3)
    layer(torch.zeros(2, 4, 3)).sum().backward()
    assert torch.equal(layer.weight.grad[:, 0], torch.tensor([2.0, 2, 2, 2, 0]))


@pytest.mark.parametrize("interleaved", [True, False])
@pytest.mark.parametrize("d_head", [2, 8])
def test_rotary_equals_numpy(interleaved, d_head):
    layer, x = Rotary(d_head, interleaved=interleaved), double(2, 3, 5, d_head)
    for start in (0, 4, 3000):
        expected = formulas.rotary(x.numpy(), np.arange(start, start + 5), interleaved=interleaved)
        np.testing.assert_allclose(layer(x, start), expected, atol=1e-12)
    assert layer(x.bfloat16(), 3000).dtype == torch.bfloat16
    np.testing.assert_allclose(layer(x.float(), 3000), expected, atol=1e-5)


@pytest.mark.parametrize("interleaved", [True, False])
def test_rotary_scores_depend_on_the_offset_alone_and_lengths_do_not_change(interleaved):
    layer = Rotary(8, interleaved=interleaved)
    query, key = double(1, 1, 1, 8), double(1, 1, 1, 8)

    def score(m, n):
        return (layer(query, m) * layer(key, n)).sum()

    for m, n, step in [(0, 3, 5), (7, 2, 100), (10, 10, 1000)]:
        equal(score(m, n), score(m + step, n + step), 1e-9)
    assert abs(score(0, 3) - score(3, 0)) > 1e-3
    equal(layer(query, 12).norm(), query.norm())
    assert torch.autograd.gradcheck(lambda x: layer(x, 3), double(1, 2, 3, 8).requires_grad_())


@pytest.mark.parametrize("num_heads", [1, 3, 4, 8, 12])
def test_alibi_equals_numpy(num_heads):
    layer = ALiBi(num_heads)
    for sizes in [(5,), (2, 7), (1, 4), (5, 3)]:
        expected = formulas.alibi_bias(num_heads, *sizes)
        np.testing.assert_allclose(layer(*sizes), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (SinusoidalPositions(4), torch.randn(2, 3, 4)),
        (Rotary(4), torch.randn(2, 1, 3, 4)),
        (LearnedPositions(3, 4), torch.randn(2, 3, 4)),
    ],
    ids=["sinusoidal", "rotary", "learned"],
)
def test_layers_can_be_pickled(layer, x):
    answer = layer(x)
    assert torch.equal(pickle.loads(pickle.dumps(layer))(x), answer)


def test_tables_left_by_generation_serve_training():
    layers = SinusoidalPositions(4), Rotary(4)
    with torch.inference_mode():
        layers[0](torch.zeros(1, 3, 4))
        layers[1](torch.zeros(1, 1, 3, 4))
    x = torch.randn(1, 3, 4, requires_grad=True)
    (layers[0](x).sum() + layers[1](x[None]).square().sum()).backward()
    assert torch.isfinite(x.grad).all()


def test_what_makes_no_sense():
    learned = LearnedPositions(5, 4)
    with pytest.raises(ValueError, match="the sequence reaches position 5, but there are positions only from 0 to 4"):
        learned(torch.zeros(1, 6, 4))
    with pytest.raises(ValueError, match="the sequence reaches position 9"):
        learned(torch.zeros(1, 2, 4), torch.tensor([0, 9]))
    with pytest.raises(ValueError, match="positions holds -1"):
        learned(torch.zeros(1, 2, 4), torch.tensor([0, -1]))
    with pytest.raises(ValueError, match=r"positions has shape \(3,\); expected \(2,\) or \(1, 2\)"):
        learned(torch.zeros(1, 2, 4), torch.tensor([0, 1, 2]))
    for layer in (learned, SinusoidalPositions(4)):
        with pytest.raises(
            ValueError,
            match=r"positions has dtype torch.float32 and shape .*; expected whole numbers \(int64 or int32\)",
        ):
            layer(torch.zeros(1, 2, 4), torch.tensor([0.0, 1.0]))
        with pytest.raises(ValueError, match="positions has dtype torch.uint8"):
            layer(torch.zeros(1, 2, 4), torch.tensor([0, 1], dtype=torch.uint8))
        with pytest.raises(TypeError, match="positions is a list"):
            layer(torch.zeros(1, 2, 4), [0, 1])
        with pytest.raises(ValueError, match=r"x has shape \(1, 2, 3\), so its axis d_model is 3"):
            layer(torch.zeros(1, 2, 3))
    with pytest.raises(ValueError, match="d_head is 3, which is odd"):
        Rotary(3)
    with pytest.raises(ValueError, match=r"x has shape \(1, 2, 3, 6\), so its axis d_head is 6"):
        Rotary(4)(torch.zeros(1, 2, 3, 6))
    with pytest.raises(ValueError, match="num_heads is 0"):
        ALiBi(0)
    for base in (0, -2, float("nan"), "10000"):
        with pytest.raises(ValueError, match="base is .*; expected a finite number of at least 1"):
            Rotary(4, base=base)
    with pytest.raises(ValueError, match="interleaved is 'half'; expected one of True, False"):
        Rotary(4, interleaved="half")
    with pytest.raises(ValueError, match="start is -2; expected a whole number of at least 0"):
        Rotary(4)(torch.zeros(1, 1, 1, 4), -2)
    with pytest.raises(ValueError, match="num_queries is 0"):
        ALiBi(2)(0)

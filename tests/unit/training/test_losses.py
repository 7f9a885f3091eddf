"""The cross-entropy in chunks is the cross-entropy."""

import pytest
import torch
from torch.nn import functional as F

from course_lib.training.losses import CHUNK, linear_cross_entropy


def both_ways(count, d_model, classes, label_smoothing, dtype=torch.float32):
    """(loss, gradient of hidden, gradient of weight) by our function, and by PyTorch's logits and cross-entropy."""
    generator = torch.Generator().manual_seed(count)
    hidden = torch.randn(count, d_model, generator=generator).to(dtype)
    weight = torch.randn(classes, d_model, generator=generator) / d_model**0.5
    targets = torch.randint(classes, (count,), generator=generator)

    def ours(hidden, weight):
        return linear_cross_entropy(hidden, weight, targets, label_smoothing)

    def reference(hidden, weight):
        logits = F.linear(hidden, weight.to(dtype)).float()
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="sum")

    answers = []
    for way in (ours, reference):
        leaves = [tensor.clone().requires_grad_() for tensor in (hidden, weight)]
        loss = way(*leaves)
        loss.backward()
        answers.append((loss.detach(), *(leaf.grad for leaf in leaves)))
    return answers


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize(
    ("count", "classes"),
    [(CHUNK + 37, 300), (3 * CHUNK, 40), (5, 300), (70, 20), (1, 2), (0, 300)],
    ids=["chunks", "whole chunks", "few targets", "few classes", "one target", "no target"],
)
def test_loss_and_gradients_are_those_of_all_logits_at_once(count, classes, label_smoothing):
    ours, reference = both_ways(count, 32, classes, label_smoothing)
    for one, other in zip(ours, reference, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_in_bfloat16_the_loss_keeps_its_digits(label_smoothing):
    ours, reference = both_ways(2 * CHUNK, 32, 300, label_smoothing, torch.bfloat16)
    assert ours[0].dtype == torch.float32
    torch.testing.assert_close(ours[0], reference[0], rtol=1e-3, atol=0)
    for one, other in zip(ours[1:], reference[1:], strict=True):
        torch.testing.assert_close(one.float(), other.float(), rtol=0.05, atol=0.05)


def test_never_are_all_logits_held():
    hidden, weight = torch.randn(4 * CHUNK, 16), torch.randn(3000, 16, requires_grad=True)
    shapes = []

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            result = function(*args, **(kwargs or {}))
            shapes.extend(one.shape for one in torch.utils._pytree.tree_leaves(result) if isinstance(one, torch.Tensor))
            return result

    with Watch():
        linear_cross_entropy(hidden, weight, torch.randint(3000, (len(hidden),)), 0.1).backward()
    assert shapes and all(shape.numel() < len(hidden) * len(weight) for shape in shapes)

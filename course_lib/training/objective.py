"""A model together with its loss, as one module."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.training.losses import linear_cross_entropy

IGNORED = -100  # PyTorch's mark of a target that nobody asks about; also in rows that only keep a process busy

TEXTS = {
    "logits": "the model gave {found} for targets of shape {targets}; expected {expected}",
}


class Objective(nn.Module):
    """A model together with its loss: maps a batch to the sum of losses over the targets that count.

    Both behind one call, since what spreads a model over processes watches that call alone.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[Tensor, Tensor], Tensor] | None,
        label_smoothing: float,
        pad_id: int | None,
    ) -> None:
        super().__init__()
        self.model: Any = model  # some have more than `forward`
        self.loss, self.label_smoothing, self.pad_id = loss, label_smoothing, pad_id
        self.skips_logits = loss is None and _is_bare(model) and hasattr(model, "logits_weight")

    def forward(self, *batch: Tensor) -> Tensor:
        *inputs, targets = batch
        if self.skips_logits:  # then nobody needs to hold all of them
            hidden, _ = self.model.hidden_states(*inputs)
            self._check(hidden, targets, "d_model")
            counts = counting(targets, self.pad_id)
            weight = self.model.logits_weight
            return linear_cross_entropy(hidden[counts], weight, targets[counts].long(), self.label_smoothing)
        outputs = self.model(*inputs)
        with torch.autocast(targets.device.type, enabled=False):
            if self.loss is not None:
                return self.loss(outputs, targets)
            self._check(outputs, targets, "classes")
            counts = counting(targets, self.pad_id)
            logits, targets = outputs[counts].float(), targets[counts].long()  # (targets, classes), (targets,)
            return F.cross_entropy(logits, targets, label_smoothing=self.label_smoothing, reduction="sum")

    @staticmethod
    def _check(outputs, targets, last):
        if outputs.shape[:-1] != targets.shape:
            expected = f"({', '.join(map(str, (*targets.shape, last)))})"
            found, targets = tuple(outputs.shape), tuple(targets.shape)
            raise ValueError(TEXTS["logits"].format(found=found, targets=targets, expected=expected))


def counting(targets: Tensor, pad_id: int | None) -> Tensor:
    """Which targets count: neither padding nor PyTorch's mark for places that nobody asks about."""
    counts = targets != IGNORED
    return counts if pad_id is None else counts & (targets != pad_id)


def _is_bare(model):
    """Whether a call of a model is its class's `forward` and no more: nobody compiled, wrapped, hooked or replaced it."""
    around = ("_compiled_call_impl", "forward", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    first = next(kind for kind in type(model).__mro__ if {"forward", "logits_weight"} & vars(kind).keys())
    return "logits_weight" in vars(first) and not any(vars(model).get(name) for name in around)

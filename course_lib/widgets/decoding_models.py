"""The course's models as DecodingStepper asks them: functions of the ids so far, which give what may follow."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from course_lib.models import LanguageModel, Transformer


def of_language_model(model: "LanguageModel") -> Callable[[np.ndarray], "Tensor"]:
    """A `LanguageModel` as a function of the ids so far."""
    import torch

    from course_lib.models.decoding import evaluating

    device = next(model.parameters()).device

    def next_logits(ids):
        with evaluating(model):
            return model(torch.from_numpy(ids)[None].to(device))[0, -1]

    return next_logits


def of_translator(model: "Transformer", source_ids: list[int]) -> Callable[[np.ndarray], "tuple[Tensor, Tensor]"]:
    """A `Transformer` as a function of the target's ids so far; its weights are the last layer's, the mean over heads."""
    import torch

    from course_lib.models.decoding import evaluating

    device = next(model.parameters()).device
    source = torch.tensor([source_ids], device=device)

    def next_logits(ids):
        with evaluating(model):
            logits, attention = model(source, torch.from_numpy(ids)[None].to(device), need_weights=True)
        return logits[0, -1], attention["cross"][-1][0, :, -1].mean(dim=0)

    return next_logits

"""Every architecture learns, by the same call: the one place of the unit tests where models are trained to show that.

What one batch tells is learnt by heart. Lessons train on data and show what is learnt beyond that.
"""

import pytest
import torch
from torch import nn

from course_lib.models.classifier import TextClassifier
from course_lib.training import accuracy, fit
from tests.unit.models.test_models import EVERY, LANGUAGE_MODELS, TRANSLATORS, VOCABULARY, encoder, ids, pixels

pytestmark = pytest.mark.slow

NAMES = [
    "transformer",
    "transformer, pre-norm",
    "bahdanau",
    "luong",
    *list(LANGUAGE_MODELS)[::2],
    "encoder",
    "classifier",
    "vision",
]
BY_ADAMW_ALONE = ["transformer", "bahdanau", next(iter(LANGUAGE_MODELS)), "vision"]


def task(name):
    """A model, and a batch that it can learn by heart."""
    torch.manual_seed(0)
    tokens = ids(8, 7)
    if name == "encoder":  # each token tells what stands opposite
        return nn.Sequential(encoder(dropout=0.0), nn.Linear(16, VOCABULARY)), (tokens, tokens.flip(1))
    if name == "classifier":
        return TextClassifier(encoder(dropout=0.0), 8, dropout=0.0), (tokens, torch.arange(8))
    make, _ = EVERY[name]
    model = make(dropout=0.0)
    if name == "vision":
        return model, (pixels(8, 1, 8, 8), torch.arange(8))
    if name in TRANSLATORS:
        tokens[:, 0] = 1  # the begin: only the source tells the sentences apart
        return model, (ids(8, 5), tokens[:, :-1], tokens[:, 1:])
    # A language model knows a text by its first token. Without positions it can't count: "8" and "8 8" are the same
    # to it, and to ALiBi, since all weights sum to 1; so each token comes only once in a text.
    others = torch.stack([torch.randperm(VOCABULARY - 9)[:6] + 9 for _ in range(8)])
    tokens = torch.cat([torch.arange(1, 9)[:, None], others], dim=1)
    return model, (tokens[:, :-1], tokens[:, 1:])


@pytest.mark.parametrize(
    ("name", "muon_learning_rate", "precision"),
    [
        *((name, 5e-2, "float32") for name in NAMES),
        *((name, None, "float32") for name in BY_ADAMW_ALONE),
        ("transformer", 5e-2, "bfloat16"),
    ],
)
def test_every_architecture_learns_one_batch_by_the_same_call(name, muon_learning_rate, precision):
    model, batch = task(name)
    settings = {
        "num_steps": 150,
        "learning_rate": 2e-2 if muon_learning_rate is None else 1e-2,
        "muon_learning_rate": muon_learning_rate,
    }
    history = fit(model, [batch], **settings, precision=precision, progress=False)
    assert not model.training
    outputs = model(*batch[:-1])
    assert accuracy(outputs, batch[-1]) == 1
    assert history[-1]["loss"] < 0.05 < history[0]["loss"]
    assert outputs.dtype == torch.float32 and {weight.dtype for weight in model.parameters()} == {torch.float32}

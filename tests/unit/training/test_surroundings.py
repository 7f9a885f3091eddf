"""What a training run has freed goes back to the system."""

import ctypes
import inspect

import psutil
import pytest
import torch

from course_lib.training import fit
from course_lib.training.surroundings import freed_memory_returned


def megabytes():
    return psutil.Process().memory_info().rss / 1e6


@pytest.mark.skipif(
    not psutil.LINUX or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc keeps freed memory"
)
def test_after_training_free_memory_is_not_kept():
    model, batches = torch.nn.Linear(2, 2), [(torch.ones(1, 2), torch.zeros(1, dtype=torch.long))]
    fit(model, batches, progress=False)  # loads what training needs
    blocks = [bytes(100_000) for _ in range(4000)]
    full = megabytes()
    blocks = blocks[::20]  # what is free lies between what is in use
    assert megabytes() > full - 100
    fit(model, batches, progress=False)
    assert megabytes() < full - 250
    assert len(blocks) == 200


def test_a_library_that_cannot_be_asked_is_left_alone(monkeypatch):
    for error in AttributeError, TypeError:

        def refuse(name, error=error):
            raise error

        monkeypatch.setattr(ctypes, "CDLL", refuse)
        assert freed_memory_returned()(lambda: 3)() == 3


def test_fit_still_tells_its_arguments():
    assert "muon_learning_rate" in inspect.signature(fit).parameters

"""What the settings of a run may be."""

import functools
from collections.abc import Iterable, Sized
from pathlib import Path
from typing import Any

from torch import nn

from course_lib.checking import one_of, real_number, whole_number
from course_lib.models.checks import unwrapped
from course_lib.training.batches import Batch
from course_lib.training.checkpoints import CheckpointError
from course_lib.training.optimizers import DECAYS

TEXTS = {
    "no length": "num_steps is None and batches has no length; pass num_steps",
    "settings": "{folder} holds a run with other settings: {changes}. Pass another folder, or the settings of that run",
    "change": "{name} was {before!r}, now {now!r}",
    "loss": "loss is {value!r}; expected a function (outputs, targets), or None",
}
PRECISIONS = ("auto", "bfloat16", "float32")


def settings_of(model: nn.Module, batches: Iterable[Batch], **given: Any) -> dict[str, Any]:
    """What `fit` was told, checked, and what follows from the model and the batches where it was told nothing.

    Returns:
        Its numbers are Python's own, which JSON can hold, and so is the name of the loss.

    Raises:
        ValueError, TypeError: settings that make no sense.
    """
    if given["num_steps"] is None:
        if not isinstance(batches, Sized):
            raise ValueError(TEXTS["no length"])
        given["num_steps"] = len(batches)
    if given["pad_id"] is None:
        given["pad_id"] = getattr(unwrapped(model), "pad_id", None)
    return {**_checked(given), "loss": _name_of(given["loss"])}


def check_unchanged(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Compare the settings of the run in a folder of checkpoints with those of now.

    Raises:
        CheckpointError: they differ; names each one.
    """
    before = {"loss": now["loss"], **before}  # older checkpoints do not tell it
    changes = [
        TEXTS["change"].format(name=name, before=before.get(name), now=now[name])
        for name in now
        if before.get(name) != now[name]
    ]
    if changes:
        raise CheckpointError(TEXTS["settings"].format(folder=folder, changes="; ".join(changes)))


def _checked(settings):
    one_of("decay", settings["decay"], DECAYS)
    one_of("precision", settings["precision"], PRECISIONS)
    num_steps = whole_number("num_steps", settings["num_steps"], 1)
    checks = {
        "warmup_steps": functools.partial(whole_number, least=0, most=num_steps - 1),
        "pad_id": whole_number,
        "seed": functools.partial(whole_number, least=1 - 2**63, most=2**63 - 1),
        "learning_rate": functools.partial(real_number, above=0),
        "muon_learning_rate": functools.partial(real_number, above=0),
        "clip": functools.partial(real_number, above=0),
        "weight_decay": functools.partial(real_number, least=0),
        "label_smoothing": functools.partial(real_number, least=0, below=1),
        "average": functools.partial(real_number, least=0, below=1),
    }
    may_be_none = {"muon_learning_rate", "clip", "average", "pad_id"}
    checked = {**settings, "num_steps": num_steps}
    for name, check in checks.items():
        if settings[name] is not None or name not in may_be_none:
            checked[name] = check(name, settings[name])
    return checked


def _name_of(loss):
    """Where a loss is defined; of an object that has no name, where its class is."""
    if loss is None:
        return None
    if not callable(loss):
        raise TypeError(TEXTS["loss"].format(value=loss))
    named = loss if hasattr(loss, "__qualname__") else type(loss)
    return f"{named.__module__}.{named.__qualname__}"

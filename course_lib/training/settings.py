"""What the settings of a run may be."""

import functools

from course_lib.checking import one_of, real_number, whole_number
from course_lib.models.checks import unwrapped
from course_lib.training.optimizers import DECAYS

TEXTS = {
    "no length": "num_steps is None and batches has no length; pass num_steps",
}
PRECISIONS = ("auto", "bfloat16", "float32")


def settings_of(model, batches, **given):
    """What `fit` was told, checked, and what follows from the model and the batches where it was told nothing.

    Returns:
        A dict; its numbers are Python's own, which JSON can hold.

    Raises:
        ValueError, TypeError: settings that make no sense.
    """
    if given["num_steps"] is None:
        if not hasattr(batches, "__len__"):
            raise ValueError(TEXTS["no length"])
        given["num_steps"] = len(batches)
    if given["pad_id"] is None:
        given["pad_id"] = getattr(unwrapped(model), "pad_id", None)
    return _checked(given)


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

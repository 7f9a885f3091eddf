"""The writer: one small model of letters that grows from lesson to lesson, and how well each of its stages predicts.

    train("03")          the model of a lesson, from scratch in seconds
    sample(model, …)     what it writes
    loss(model)          nats per character on text that it has not read; `bits` turns nats into bits
    counted(3)           the control: no model, only counts of single letters, of pairs, of three, …
    rungs("03", 2.68)    what the picture `plots.ladder` shows in that lesson

All rungs read the same windows of Python's manual, and as many. The learning rates were chosen on the validation split,
for each rung its own. `python -m course_lib.training.writer` trains each with three seeds and writes `writer.json`;
with names of rungs only those anew: `python -m course_lib.training.writer 06 07`.
"""

import json
import math
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from course_lib.checking import Count, checked, one_of
from course_lib.data import docs
from course_lib.models.tiny import TinyModel, write
from course_lib.training.history import History
from course_lib.training.loop import fit
from course_lib.training.recipes import WINDOW, nats_per_character

NUM_STEPS, BATCH_SIZE = 300, 8  # windows of 128 letters: 307,200 letters, nearly as many as there are to read
SEEDS = (0, 1, 2)
PLAIN: dict[str, Any] = {"learning_rate": 1e-2, "decay": "constant"}
GROWN: dict[str, Any] = {"num_heads": 4, "positions": True, "whole_block": True, "num_layers": 2}
WELL: dict[str, Any] = {"learning_rate": 8e-3, "muon_learning_rate": 3e-2, "warmup_steps": 15, "decay": "linear"}
RUNGS: dict[
    str, tuple[str, dict[str, Any], dict[str, Any]]
] = {  # lesson -> what is new, the model's sizes, its training
    "03": ("one head", {}, PLAIN),
    "04": ("four heads", {"num_heads": 4}, PLAIN),
    "05": ("positions", {"num_heads": 4, "positions": True}, PLAIN),
    "06": ("whole blocks", GROWN, {"learning_rate": 3e-3, "decay": "constant"}),
    "07": ("trained well", GROWN, WELL),
}
CONTROLS = {
    1: "counted letters",
    2: "counted pairs",
    3: "counted threes",
    5: "counted fives",
}  # letters counted together
TRUST = 10.0  # how often a context must have been seen to count as much as what is known of a shorter one
KEPT = Path(__file__).with_suffix(".json")

TEXTS = {"rung": "{lesson} · {new}", "unknown": "lesson {lesson} · ?"}


def train(lesson: str, *, seed: int = 0, **fitting: Any) -> tuple[TinyModel, History]:
    """Train the model of a lesson.

    >>> model, history = train("06")

    Args:
        lesson: one of `RUNGS`.
        seed: of weights and windows.
        fitting: further arguments of `fit`, in place of the rung's own.

    Returns:
        (model, history).

    Raises:
        ValueError: no such rung.
    """
    one_of("lesson", lesson, RUNGS)
    _, sizes, settings = RUNGS[lesson]
    vocabulary = docs.vocabulary()
    torch.manual_seed(seed)
    model = TinyModel(len(vocabulary), **sizes)
    settings: dict[str, Any] = {"num_steps": NUM_STEPS, "seed": seed, **settings, **fitting}
    ids = vocabulary.encode(docs.text().train)
    batches = docs.windows(ids, BATCH_SIZE, WINDOW, settings["num_steps"], seed)
    return model, fit(model, batches, **settings)


def sample(model: TinyModel, prompt: str = "The ", num_new: int = 120, **how: Any) -> str:
    """Let a model write on.

    Args:
        model: from `train`.
        prompt: what it continues.
        num_new: letters; with 128 read and written together, all stand where training had letters, too.
        how: further arguments of `models.tiny.write`: temperature, seed, use_cache.

    Returns:
        the prompt and what follows.
    """
    vocabulary = docs.vocabulary()
    return prompt + vocabulary.decode(write(model, vocabulary.encode(prompt), num_new, **how))


def loss(model: torch.nn.Module) -> float:
    """The mean loss on the validation split of the manual, in nats per character: see `recipes.nats_per_character`."""
    return nats_per_character(model, docs.text().validation)


def bits(nats: float) -> float:
    """Turn nats into bits, of which one halves the uncertainty."""
    return nats / math.log(2)


class Counts:
    """A prediction that only counts: how often did this letter follow the few before it?

    Where these were seldom seen, a shorter context helps out, down to all letters alike (Dirichlet smoothing).

    Args:
        text: what is counted.
        num_letters: letters counted together, the predicted one among them; 1 counts single letters, 2 pairs.

    Source: MacKay and Peto 1995, "A Hierarchical Dirichlet Language Model", Natural Language Engineering 1(3).
    """

    @checked
    def __init__(self, text: str, num_letters: Count) -> None:
        self.contexts = [self._pieces(text[:-1], size) for size in range(num_letters)]  # what a letter follows
        self.followed = [self._pieces(text, size + 1) for size in range(num_letters)]  # together with that letter

    def _pieces(self, text, size):
        return Counter(text[at : at + size] for at in range(len(text) - size + 1))

    def probability(self, before: str, letter: str) -> float:
        """How likely a letter of `docs.vocabulary()` comes after this text."""
        found = 1 / len(docs.vocabulary())
        for size in range(min(len(self.contexts), len(before) + 1)):
            context = before[len(before) - size :]
            found = (self.followed[size][context + letter] + TRUST * found) / (self.contexts[size][context] + TRUST)
        return found


def counted(num_letters: int) -> float:
    """The mean loss of `Counts` of the training text, in nats per character, on the same characters as in `loss`."""
    counts, text, half = Counts(docs.text().train, num_letters), docs.text().validation, WINDOW // 2
    num_counted = half + half * len(range(0, len(text) - WINDOW, half))
    nearest = (text[max(0, at - num_letters) : at] for at in range(1, num_counted + 1))
    chances = [counts.probability(before, text[at]) for at, before in enumerate(nearest, 1)]
    return -sum(map(math.log, chances)) / num_counted


def measured() -> dict[str, Any]:
    """What `python -m course_lib.training.writer` has measured: losses of each rung and of the counts, in nats."""
    return json.loads(KEPT.read_text(encoding="utf-8"))


def rungs(lesson: str, own: float | None = None) -> dict[str, list[float] | None]:
    """The ladder as far as a lesson has come, for `plots.ladder`.

    Args:
        lesson: the last rung that is reached.
        own: the loss that was measured here and now with seed 0, which stands in place of the kept one; None: that.

    Returns:
        dict from each rung's label to its losses with several seeds; None where the lesson is still to come.

    Raises:
        ValueError: no such rung.
    """
    one_of("lesson", lesson, RUNGS)
    kept, ladder = measured()["rungs"], {}
    for name, (new, _, _) in RUNGS.items():
        if name > lesson:
            ladder[TEXTS["unknown"].format(lesson=name)] = None
            continue
        first, *others = kept[name]["losses"]
        mine = name == lesson and own is not None
        ladder[TEXTS["rung"].format(lesson=name, new=new)] = [own if mine else first, *others]
    return ladder


def controls() -> dict[str, float]:
    """The kept losses of the counts, for `plots.ladder`."""
    return {name: measured()["counts"][str(size)] for size, name in CONTROLS.items()}


def measure(name: str) -> dict[str, Any]:
    """Train a rung with each seed."""
    losses, begin = [], time.process_time()
    for seed in SEEDS:
        model, _ = train(name, seed=seed, progress=False)
        losses.append(round(loss(model), 4))
    return {
        "settings": settings(name),
        "losses": losses,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "core_seconds": round((time.process_time() - begin) / len(SEEDS), 1),
        "writes": sample(model),
    }


def settings(name: str) -> dict[str, Any]:
    """What the kept losses of a rung come from."""
    _, sizes, fitting = RUNGS[name]
    windows = {"num_steps": NUM_STEPS, "batch_size": BATCH_SIZE, "window": WINDOW}
    return {"sizes": sizes, "fitting": fitting, "seeds": list(SEEDS), **windows}


def main() -> None:
    """Measure the rungs that the command names, or all."""
    torch.set_num_threads(1)  # so that processor time is what the clock shows
    for name in tqdm(sys.argv[1:] or RUNGS):
        keep({name: measure(one_of("rung", name, RUNGS))})


def keep(found: dict[str, Any]) -> None:
    """Put rungs that were measured into `writer.json`, and the counts."""
    kept = measured()["rungs"] if KEPT.exists() else {}
    counts = {str(size): round(counted(size), 4) for size in CONTROLS}
    whole = {"counts": counts, "rungs": dict(sorted({**kept, **found}.items()))}
    KEPT.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

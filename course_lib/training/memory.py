"""What optimizers remember of each parameter, as a checkpoint holds it.

Its tensors go by `optimizer.NUMBER.INDEX.NAME`, where the index counts the parameters of an optimizer. Whose index it is
the state tells under "trained", so that no memory lands on another parameter.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from course_lib.models.checks import unwrapped
from course_lib.training.checkpoints import CheckpointError
from course_lib.training.optimizers import Muon

REMEMBERED: dict[type[Optimizer], tuple[str, ...]] = {
    torch.optim.AdamW: ("step", "exp_avg", "exp_avg_sq"),
    Muon: ("momentum_buffer",),
}
SHOWN = 5  # names in a message

TEXTS = {
    "trained": "{folder} holds a run that trained other weights: {changes}. Freeze the same ones, or pass another folder",
    "then": "then and not now {names}",
    "now": "now and not then {names}",
    "order": "the same ones, in another order",
    "more": "{count} more",
}


def trained(model: nn.Module, optimizers: Sequence[Optimizer]) -> list[dict[str, bool]]:
    """By optimizer, the names of its parameters in their order, and whether it remembers each.

    It remembers none that no gradient has reached.
    """
    names = {id(parameter): name for name, parameter in unwrapped(model).named_parameters()}
    return [
        {names[id(parameter)]: parameter in optimizer.state for parameter in _parameters(optimizer)}
        for optimizer in optimizers
    ]


def check_trained(folder: Path, then: list[dict[str, bool]] | None, now: list[dict[str, bool]]) -> None:
    """Compare what a run trained with what it is to train from here on.

    Args:
        folder: of the checkpoints, to be named.
        then, now: what `trained` gave; then is None where a checkpoint, an older one, does not tell.

    Raises:
        CheckpointError: other parameters, or the same ones elsewhere.
    """
    if then is None or [list(names) for names in then] == [list(names) for names in now]:
        return
    before, after = ({name: None for names in run for name in names} for run in (then, now))
    changes = [
        TEXTS[text].format(names=_some([name for name in some if name not in others]))
        for text, some, others in (("then", before, after), ("now", after, before))
        if some.keys() - others.keys()
    ]
    changes = "; ".join(changes) or TEXTS["order"]
    raise CheckpointError(TEXTS["trained"].format(folder=folder, changes=changes))


def memories(optimizers: Sequence[Optimizer]) -> dict[str, Tensor]:
    """What optimizers remember, by name."""
    return {
        f"optimizer.{number}.{index}.{name}": tensor
        for number, optimizer in enumerate(optimizers)
        for index, memory in optimizer.state_dict()["state"].items()
        for name, tensor in memory.items()
    }


def like_memories(
    optimizers: Sequence[Optimizer], then: list[dict[str, bool]] | None, found: Iterable[str]
) -> dict[str, Tensor]:
    """What a checkpoint must hold for optimizers: by name, a tensor of that shape and kind of numbers.

    Args:
        optimizers: all of a run.
        then: what `trained` gave, or None.
        found: the names in the checkpoint, which say where `then` is None which parameters are remembered.
    """
    places = {name.rpartition(".")[0] for name in found}
    expected = {}
    for number, optimizer in enumerate(optimizers):
        remembered = None if then is None else list(then[number].values())
        for index, parameter in enumerate(_parameters(optimizer)):
            place = f"optimizer.{number}.{index}"
            if place in places if remembered is None else remembered[index]:
                for name in REMEMBERED[type(optimizer)]:
                    expected[f"{place}.{name}"] = torch.zeros(()) if name == "step" else parameter
    return expected


def remember(optimizers: Sequence[Optimizer], tensors: dict[str, Tensor], bfloat16: list[bool | None]) -> None:
    """Give back to optimizers what `memories` took from them, and to Muon whether it worked in bfloat16."""
    for number, optimizer in enumerate(optimizers):
        if isinstance(optimizer, Muon):
            optimizer.bfloat16 = bool(bfloat16[number])  # what was measured then, not what is measured now
        memory = {}
        for name, tensor in tensors.items():
            kind, *place = name.split(".", 3)
            if kind == "optimizer" and int(place[0]) == number:
                memory.setdefault(int(place[1]), {})[place[2]] = tensor
        optimizer.load_state_dict({"state": memory, "param_groups": optimizer.state_dict()["param_groups"]})


def _parameters(optimizer):
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _some(names):
    rest = [TEXTS["more"].format(count=len(names) - SHOWN)] if len(names) > SHOWN else []
    return ", ".join([*names[:SHOWN], *rest])

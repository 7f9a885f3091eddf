"""What a run needs to go on as if nothing had happened: safetensors for numbers, JSON for the rest, no pickle.

    folder/
        step-00000200/
            model.safetensors       the weights, by their names in the model
            training.safetensors    what the optimizers remember, averaged weights, random number generators
            state.json              step, settings, data position, history

A checkpoint is written under another name, flushed to the disk, and renamed when it is whole; the one before is removed
only then. So there is a whole checkpoint at every moment, whenever the process or the machine dies.
"""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

FORMAT = 1
MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"
NAME = re.compile(r"step-(\d{8,})")
UNFINISHED = ".unfinished-"

TEXTS = {
    "damaged": "{path} cannot be read ({reason}); remove the folder {folder} to begin anew",
    "format": "{path} has format {found!r}; expected {expected}",
    "weights": "{path} does not fit the model: {problems}",
    "missing": "missing {names}",
    "unknown": "unknown {names}",
    "shape": "{name} has shape {found}, expected {expected}",
    "folder": "checkpoint is {folder!r}, where nothing can be written ({reason}); pass another folder",
    "no weights": "{path} does not exist; expected a file of weights, or a folder with checkpoints",
}


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or that belongs to another model or run."""


def check_folder(folder):
    """Make a folder for checkpoints and try to write there: better now than after the first hour.

    Raises:
        CheckpointError: it can't be made or written to.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise CheckpointError(TEXTS["folder"].format(folder=str(folder), reason=error.strerror)) from None


def save(folder, step, model, tensors, state):
    """Write a checkpoint, then remove older ones.

    Args:
        folder: where checkpoints live; made if it is not there.
        step: steps done.
        model: nn.Module.
        tensors: dict from name to tensor, what training needs besides.
        state: dict of what JSON can hold.

    Returns:
        Path of the checkpoint.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    final, unfinished = folder / f"step-{step:08d}", folder / f"{UNFINISHED}{step:08d}"
    shutil.rmtree(unfinished, ignore_errors=True)  # from a process that died
    unfinished.mkdir()
    save_file(_storable(weights_of(model)), unfinished / MODEL)
    save_file(_storable(tensors), unfinished / TRAINING)
    text = json.dumps({"format": FORMAT, "step": step, **state}, ensure_ascii=False, allow_nan=False)
    (unfinished / STATE).write_text(text, encoding="utf-8")
    for path in unfinished.iterdir():
        _flush(path)
    _flush(unfinished)
    if final.exists():  # the same step once more, after a second run from an earlier one
        shutil.rmtree(final)
    os.rename(unfinished, final)
    _flush(folder)
    for path in folder.iterdir():
        if path != final and (NAME.fullmatch(path.name) or path.name.startswith(UNFINISHED)):
            shutil.rmtree(path, ignore_errors=True)
    return final


def latest(folder):
    """The newest whole checkpoint in a folder: Path, or None."""
    found = [path for path in Path(folder).glob("step-*") if NAME.fullmatch(path.name)]
    return max(found, key=lambda path: int(path.name.removeprefix("step-")), default=None)


def read(path):
    """Read what `save` wrote, but for the weights: (tensors, state).

    Raises:
        CheckpointError: it is damaged, or of another format.
    """
    return _read_tensors(path / TRAINING), read_state(path)


def read_state(path):
    """Read a checkpoint's step, settings, data position and history: a dict.

    Raises:
        CheckpointError: as in `read`.
    """
    try:
        state = json.loads((path / STATE).read_text(encoding="utf-8"))
        found = state["format"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(path / STATE, error) from None
    if found != FORMAT:
        raise CheckpointError(TEXTS["format"].format(path=path / STATE, found=found, expected=FORMAT))
    return state


@torch.no_grad()
def load_weights(model, path):
    """Put weights from a checkpoint into a model.

    Args:
        model: nn.Module of the same sizes as the one that was saved.
        path: a file of safetensors, a checkpoint, or a folder of checkpoints, of which the newest counts.

    Raises:
        CheckpointError: no such file, damaged, or weights of another model: all names and shapes are compared first.
    """
    path = Path(path)
    if path.is_dir():
        path = (latest(path) or path) / MODEL
    if not path.is_file():
        raise CheckpointError(TEXTS["no weights"].format(path=path))
    found, own = _read_tensors(path), weights_of(model)
    problems = []
    for text, names in (("missing", own.keys() - found.keys()), ("unknown", found.keys() - own.keys())):
        if names:
            problems.append(TEXTS[text].format(names=", ".join(sorted(names))))
    for name in sorted(own.keys() & found.keys()):
        if own[name].shape != found[name].shape:
            shapes = {"found": tuple(found[name].shape), "expected": tuple(own[name].shape)}
            problems.append(TEXTS["shape"].format(name=name, **shapes))
    if problems:
        raise CheckpointError(TEXTS["weights"].format(path=path, problems="; ".join(problems)))
    for name, tensor in own.items():
        tensor.copy_(found[name])


def weights_of(model):
    """The parameters and buffers of a model by name; what is tied comes once, under its first name."""
    seen, weights = set(), {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            weights[name] = tensor
    return weights


def _storable(tensors):
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _read_tensors(path):
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from None


def _damaged(path, error):
    return CheckpointError(TEXTS["damaged"].format(path=path, reason=error, folder=path.parent))


def _flush(path):
    """Wait until a file, or a folder's list of names, is on the disk; Windows has no such call for folders."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

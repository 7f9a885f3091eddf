"""What a run needs to go on as if nothing had happened: safetensors for numbers, JSON for the rest, no pickle.

    folder/
        step-00000200/
            model.safetensors       the weights, by their names in the model
            training.safetensors    what the optimizers remember, averaged weights, random number generators
            state.json              step, settings, data position, history

A checkpoint is written under another name, flushed to the disk, and renamed when it is whole; the one before is removed
only then. So there is a whole checkpoint at every moment, whenever the process or the machine dies. A lock keeps a second
run out of the folder; it ends with the process that holds it.
"""

import contextlib
import itertools
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from filelock import BaseFileLock, FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from course_lib.checking import as_real, whole_number
from course_lib.models.checks import unwrapped

FORMAT = 1
MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"
NAME = re.compile(r"step-(\d{8,})")
UNFINISHED, LOCK = ".unfinished-", ".lock"
EXTRA = "_extra_state"  # under this name PyTorch keeps what `get_extra_state` gives
PARTS = {  # of a state, and how JSON gives them
    "step": int,
    "settings": dict,
    "bfloat16": bool,
    "muon_bfloat16": list,
    "processes": int,
    "last_batch": int,
    "history": list,
}

TEXTS = {
    "damaged": "{path} cannot be read ({reason}); remove the folder {folder} to begin anew",
    "format": "{path} has format {found!r}; expected {expected}",
    "weights": "{path} does not fit the model: {problems}",
    "missing": "missing {names}",
    "unknown": "unknown {names}",
    "shape": "{name} has shape {found}, expected {expected}",
    "dtype": "{name} has dtype {found}, expected {expected}",
    "part": "its {name} is {found}",
    "lacks": "it lacks {name}",
    "record": "its history has the {name} {found!r}",
    "steps": "it tells of {found} steps",
    "in use": "another run uses {folder}; wait until it has ended, or pass another folder",
    "unwritten": "the checkpoint of step {step} cannot be written to {folder} ({reason}); {kept}",
    "kept": "the one of step {step} is kept: mend that (make room on a full disk), and the same call goes on from there",
    "none kept": "mend that (make room on a full disk), or pass another folder",
    "no tensor": "a checkpoint cannot hold the model's {name} ({reason}); do without it, or without checkpoints",
    "extra": "PyTorch's get_extra_state gave it, and only pickle could hold it",
    "folder": "checkpoint is {folder!r}, where nothing can be written ({reason}); pass another folder",
    "path": "{name} is {path!r}; expected the path of a folder",
    "home": "{name} is {path!r}, and where that home is cannot be found; write the whole path",
    "no weights": "{path} does not exist; expected a file of weights, or a folder with checkpoints",
}


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or that belongs to another model or run."""


def check_folder(folder: Path | str) -> Path:
    """Make a folder for checkpoints and try to write there: better now than after the first hour.

    Raises:
        CheckpointError: it can't be made or written to.
    """
    path = _located(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise CheckpointError(TEXTS["folder"].format(folder=str(folder), reason=_reason(error))) from None
    return path


def check_model(model: nn.Module) -> None:
    """Try with one number of each tensor whether a checkpoint can hold a model, also before the first hour.

    Raises:
        CheckpointError: it can't; the message names the tensor.
    """
    for name, tensor in weights_of(model).items():
        try:
            if name.split(".")[-1] == EXTRA:
                raise TypeError(TEXTS["extra"])
            to_bytes(storable({name: tensor[(slice(1),) * tensor.ndim]}))
        except (AttributeError, LookupError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
            raise CheckpointError(TEXTS["no tensor"].format(name=name, reason=error)) from None


def lock(folder: Path | str) -> BaseFileLock:
    """Keep other runs out of a folder.

    Returns:
        a lock, whose `release()` lets them in again.

    Raises:
        CheckpointError: another run uses it, or no file can lie there.
    """
    own = FileLock(_located(folder) / LOCK, timeout=0)
    try:
        own.acquire()
    except Timeout:
        raise CheckpointError(TEXTS["in use"].format(folder=folder)) from None
    except OSError as error:
        raise CheckpointError(TEXTS["folder"].format(folder=str(folder), reason=_reason(error))) from None
    return own


def save(folder: Path | str, step: int, model: nn.Module, tensors: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Write a checkpoint, then remove older ones.

    Args:
        folder: where checkpoints live; made if it is not there.
        step: steps done.
        model: whose weights are written.
        tensors: what training needs besides, by name.
        state: what JSON can hold.

    Returns:
        the checkpoint's path.

    Raises:
        CheckpointError: it can't be written, such as where the disk is full; the one before is kept.
    """
    folder = _located(folder)
    before = latest(folder)
    try:
        return _save(folder, step, model, tensors, state)
    except (OSError, SafetensorError) as error:
        _remove(_unfinished(folder, step))
        kept = TEXTS["kept"].format(step=_number(before)) if before else TEXTS["none kept"]
        about = {"step": step, "folder": folder, "reason": _reason(error)}
        raise CheckpointError(TEXTS["unwritten"].format(**about, kept=kept)) from None


def _save(folder, step, model, tensors, state):
    folder.mkdir(parents=True, exist_ok=True)
    final, unfinished = folder / f"step-{step:08d}", _unfinished(folder, step)
    _remove(unfinished)  # from a process that died
    unfinished.mkdir()
    save_file(storable(weights_of(model)), unfinished / MODEL)
    save_file(storable(tensors), unfinished / TRAINING)
    text = json.dumps({"format": FORMAT, "step": step, **state}, ensure_ascii=False, allow_nan=False)
    (unfinished / STATE).write_text(text, encoding="utf-8")
    for path in unfinished.iterdir():
        _flush(path)
    _flush(unfinished)
    if final.exists():  # one that is not whole, or the same step once more
        shutil.rmtree(final)
    os.rename(unfinished, final)
    _flush(folder)
    for path in folder.iterdir():
        if path.name.startswith(UNFINISHED):
            _remove(path)
        elif NAME.fullmatch(path.name) and _number(path) < step:
            shutil.rmtree(path, ignore_errors=True)
    return final


def latest(folder: Path | str) -> Path | None:
    """The newest whole checkpoint in a folder."""
    found = (path for path in _located(folder).glob("step-*") if NAME.fullmatch(path.name))
    whole = (path for path in found if all((path / name).is_file() for name in (MODEL, TRAINING, STATE)))
    return max(whole, key=_number, default=None)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote, but for the weights: (tensors, state).

    Raises:
        CheckpointError: it is damaged, or of another format.
    """
    return _read_tensors(path / TRAINING), read_state(path)


def read_state(path: Path) -> dict[str, Any]:
    """Read a checkpoint's step, settings, data position and history.

    Raises:
        CheckpointError: as in `read`.
    """
    with reading(path / STATE):
        state = json.loads((path / STATE).read_text(encoding="utf-8"))
        if state["format"] != FORMAT:
            about = {"path": path / STATE, "found": state["format"], "expected": FORMAT}
            raise CheckpointError(TEXTS["format"].format(**about))
        for name, kind in PARTS.items():
            if type(state[name]) is not kind:  # True is an int, and no step
                raise TypeError(TEXTS["part"].format(name=name, found=repr(state[name])))
        whole_number("num_steps", state["settings"]["num_steps"], least=1)
        told = [record["step"] for record in state["history"] if as_real(record["seconds"]) >= 0]
        if state["step"] != _number(path) or told != list(range(1, state["step"] + 1)):
            raise ValueError(TEXTS["steps"].format(found=len(told)))
        for name, value in itertools.chain.from_iterable(record.items() for record in state["history"]):
            if value is not None and not math.isfinite(as_real(value)):
                raise TypeError(TEXTS["record"].format(name=name, found=value))
        if not all(type(names) is dict for names in state.get("trained", [])):  # which older ones do not tell
            raise TypeError(TEXTS["part"].format(name="trained", found=repr(state["trained"])))
    return state


def load_weights(model: nn.Module, path: Path | str) -> None:
    """Put weights from a checkpoint into a model.

    Args:
        model: of the same sizes as the one that was saved.
        path: a file of safetensors, a checkpoint, or a folder of checkpoints, of which the newest counts.

    Raises:
        CheckpointError: no such file, damaged, or weights of another model: all of them are compared first.
    """
    put_weights(model, fitting_weights(model, path))


def fitting_weights(model: nn.Module, path: Path | str) -> dict[str, Tensor]:
    """Read the weights for a model, as `load_weights` does, and give them by name."""
    path = _located(path, "path")
    if path.is_dir():
        path = (latest(path) or path) / MODEL
    if not path.is_file():
        raise CheckpointError(TEXTS["no weights"].format(path=path))
    found = _read_tensors(path)
    try:
        check_alike(found, weights_of(model))
    except ValueError as problems:
        raise CheckpointError(TEXTS["weights"].format(path=path, problems=problems)) from None
    return found


@torch.no_grad()
def put_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Put into a model what `fitting_weights` gave."""
    for name, tensor in weights_of(model).items():
        if any(size > 1 and not stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True)):
            tensor.data = tensor.clone()  # an expanded one: many of its numbers are one in memory
        tensor.copy_(weights[name])


def check_alike(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare tensors with those expected: their names, shapes and kinds of numbers.

    Raises:
        ValueError: they differ; names every difference.
    """
    problems = []
    for text, names in (("missing", expected.keys() - found.keys()), ("unknown", found.keys() - expected.keys())):
        if names:
            problems.append(TEXTS[text].format(names=", ".join(sorted(names))))
    for name in sorted(expected.keys() & found.keys()):
        here, wanted = found[name], expected[name]
        if here.shape != wanted.shape:
            shapes = {"found": tuple(here.shape), "expected": tuple(wanted.shape)}
            problems.append(TEXTS["shape"].format(name=name, **shapes))
        elif _kind(here.dtype) != _kind(wanted.dtype):
            problems.append(TEXTS["dtype"].format(name=name, found=here.dtype, expected=wanted.dtype))
    if problems:
        raise ValueError("; ".join(problems))


def _kind(dtype):
    """What is converted in silence: floats to floats of another size, whole numbers to whole ones."""
    return dtype.is_floating_point, dtype.is_complex, dtype == torch.bool


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers of a model by the names that it gives them, whatever is around it.

    What is tied comes once, under its first name.
    """
    seen, weights = set(), {}
    for name, tensor in unwrapped(model).state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            weights[name] = tensor
    return weights


def storable(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as files hold them: on the CPU, in order, none in another one's memory."""
    found, taken = {}, set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        place = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone() if place in taken else tensor
        taken.add(place)
    return found


def _read_tensors(path):
    with reading(path):
        return load_file(path)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say of a checkpoint's file that it is damaged where what is read from it can't be used."""
    try:
        yield
    except CheckpointError:
        raise
    except (LookupError, OSError, RecursionError, RuntimeError, SafetensorError, TypeError, ValueError) as error:
        reason = TEXTS["lacks"].format(name=error) if isinstance(error, KeyError) else error
        raise CheckpointError(TEXTS["damaged"].format(path=path, reason=reason, folder=path.parent)) from None


def _located(path, name="checkpoint") -> Path:
    """The Path that somebody means, whose `~` is their home.

    Raises:
        CheckpointError: an empty path, which would be the current folder, or none at all.
    """
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise CheckpointError(TEXTS["path"].format(name=name, path=path))
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise CheckpointError(TEXTS["home"].format(name=name, path=path)) from None


def _reason(error):
    """An error's words, and the file that it is about."""
    words = getattr(error, "strerror", None)
    file = getattr(error, "filename", None)
    return f"{words}: {file}" if words and file else words or error


def _remove(path):
    """Remove what a process that died has left: a folder, or whatever bears its name."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _number(path):
    """The step of a checkpoint, by its folder's name."""
    return int(path.name.removeprefix("step-"))


def _unfinished(folder, step):
    return folder / f"{UNFINISHED}{step:08d}"


def _flush(path):
    """Wait until a file, or a folder's list of names, is on the disk; Windows has no such call for folders."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def finite(record: dict[str, float]) -> dict[str, float | None]:
    """A record as JSON can hold it: it has no word for NaN and infinity; None stands for both."""
    return {name: value if math.isfinite(value) else None for name, value in record.items()}

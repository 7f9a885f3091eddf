"""Copy weights between our models and their peers, so that both compute the same."""

import torch

from benchmarks import peers


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

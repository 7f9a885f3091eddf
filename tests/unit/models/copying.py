"""Copy weights of reference implementations into ours, and compare."""

import torch


def equal(got, expected, tolerance=1e-12):
    torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)


def copy(ours, theirs):
    """Copy weight and bias, as far as both have them, of layers with the same shapes."""
    with torch.no_grad():
        for name in ("weight", "bias"):
            if getattr(theirs, name, None) is not None:
                assert getattr(ours, name).shape == getattr(theirs, name).shape
                getattr(ours, name).copy_(getattr(theirs, name))


def copy_attention(ours, theirs):
    """From `nn.MultiheadAttention`."""
    with torch.no_grad():
        ours.queries_keys_values.weight.copy_(theirs.in_proj_weight)
        if theirs.in_proj_bias is not None:
            torch.nn.init.normal_(theirs.in_proj_bias)  # PyTorch begins with zeros, which hide errors
            torch.nn.init.normal_(theirs.out_proj.bias)
            ours.queries_keys_values.bias.copy_(theirs.in_proj_bias)
    copy(ours.output, theirs.out_proj)


def copy_encoder_layer(ours, theirs):
    """From `nn.TransformerEncoderLayer`."""
    shake_norms(theirs)
    copy_attention(ours.attention, theirs.self_attn)
    copy(ours.feed_forward.expand, theirs.linear1)
    copy(ours.feed_forward.contract, theirs.linear2)
    copy(ours.attention_norm, theirs.norm1)
    copy(ours.feed_forward_norm, theirs.norm2)


def copy_decoder_layer(ours, theirs):
    """From `nn.TransformerDecoderLayer`."""
    shake_norms(theirs)
    copy_attention(ours.self_attention, theirs.self_attn)
    copy_attention(ours.cross_attention, theirs.multihead_attn)
    copy(ours.feed_forward.expand, theirs.linear1)
    copy(ours.feed_forward.contract, theirs.linear2)
    copy(ours.self_attention_norm, theirs.norm1)
    copy(ours.cross_attention_norm, theirs.norm2)
    copy(ours.feed_forward_norm, theirs.norm3)


def shake_norms(module):
    """Norms begin as ones and zeros, which hide norms that were mixed up."""
    for part in module.modules():
        if isinstance(part, torch.nn.LayerNorm):
            torch.nn.init.normal_(part.weight, mean=1, std=0.3)
            torch.nn.init.normal_(part.bias, std=0.3)


def copy_bert(ours, theirs):
    """From Hugging Face's `BertModel`."""
    shake_norms(theirs)
    copy(ours.token_embedding, theirs.embeddings.word_embeddings)
    copy(ours.positions, theirs.embeddings.position_embeddings)
    copy(ours.type_embedding, theirs.embeddings.token_type_embeddings)
    copy(ours.embedding_norm, theirs.embeddings.LayerNorm)
    for block, layer in zip(ours.blocks, theirs.encoder.layer, strict=True):
        projections = layer.attention.self.query, layer.attention.self.key, layer.attention.self.value
        with torch.no_grad():
            for projection in projections:
                torch.nn.init.normal_(projection.bias)
            block.attention.queries_keys_values.weight.copy_(torch.cat([part.weight for part in projections]))
            block.attention.queries_keys_values.bias.copy_(torch.cat([part.bias for part in projections]))
        copy(block.attention.output, layer.attention.output.dense)
        copy(block.attention_norm, layer.attention.output.LayerNorm)
        copy(block.feed_forward.expand, layer.intermediate.dense)
        copy(block.feed_forward.contract, layer.output.dense)
        copy(block.feed_forward_norm, layer.output.LayerNorm)


def copy_gpt2(ours, theirs):
    """From Hugging Face's `GPT2LMHeadModel`, whose Conv1D holds matrices the other way round."""
    shake_norms(theirs)
    body = theirs.transformer
    copy(ours.token_embedding, body.wte)
    copy(ours.positions, body.wpe)
    copy(ours.final_norm, body.ln_f)
    for block, layer in zip(ours.blocks, body.h, strict=True):
        for mine, other in [
            (block.attention.queries_keys_values, layer.attn.c_attn),
            (block.attention.output, layer.attn.c_proj),
            (block.feed_forward.expand, layer.mlp.c_fc),
            (block.feed_forward.contract, layer.mlp.c_proj),
        ]:
            with torch.no_grad():
                torch.nn.init.normal_(other.bias)
                mine.weight.copy_(other.weight.T)
                mine.bias.copy_(other.bias)
        copy(block.attention_norm, layer.ln_1)
        copy(block.feed_forward_norm, layer.ln_2)

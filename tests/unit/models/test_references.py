"""Whole models equal Hugging Face's random tiny BERT and GPT-2 with copied weights, and `nn.Transformer`."""

import math
import warnings

import pytest
import torch
from torch import nn

from course_lib.models.decoder import LanguageModel
from course_lib.models.encoder import TextEncoder
from course_lib.models.transformer import Transformer
from tests.unit.models.copying import copy_bert, copy_decoder_layer, copy_encoder_layer, copy_gpt2, equal, shake_norms


@pytest.fixture(scope="module")
def transformers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of its import are not ours
        import transformers

        return transformers


def test_text_encoder_equals_bert(transformers):
    config = transformers.BertConfig(
        vocab_size=60,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=20,
        attn_implementation="eager",
    )
    theirs = transformers.BertModel(config, add_pooling_layer=False).double().eval()
    ours = TextEncoder(60, 32, 3, 4, 48, max_len=20).double().eval()
    copy_bert(ours, theirs)
    token_ids = torch.randint(60, (4, 9))
    attention_mask = (torch.arange(9) < torch.tensor([[9], [4], [1], [7]])).long()
    type_ids = torch.randint(2, (4, 9))
    tokens = attention_mask.bool()
    for types in (None, type_ids):
        expected = theirs(token_ids, attention_mask, token_type_ids=types, output_attentions=True)
        hidden, attention = ours(token_ids, attention_mask, type_ids=types, need_weights=True)
        equal(hidden[tokens], expected.last_hidden_state[tokens])
        equal(ours(token_ids, attention_mask, type_ids=types)[tokens], expected.last_hidden_state[tokens])
        assert len(attention) == len(expected.attentions) == 3
        for map_, their_map in zip(attention, expected.attentions, strict=True):
            equal(map_.transpose(1, 2)[tokens], their_map.transpose(1, 2)[tokens])


def test_language_model_equals_gpt2(transformers):
    config = transformers.GPT2Config(
        vocab_size=60,
        n_embd=32,
        n_layer=3,
        n_head=4,
        n_positions=20,
        bos_token_id=0,
        eos_token_id=0,
        attn_implementation="eager",
    )
    theirs = transformers.GPT2LMHeadModel(config).double().eval()
    ours = LanguageModel(60, 32, 3, 4, max_len=20).double().eval()
    copy_gpt2(ours, theirs)
    token_ids = torch.randint(60, (4, 9))
    expected = theirs(token_ids, output_attentions=True)
    logits, attention = ours(token_ids, need_weights=True)
    equal(logits, expected.logits)
    equal(ours(token_ids), expected.logits)
    for map_, their_map in zip(attention, expected.attentions, strict=True):
        equal(map_, their_map)

    left = (torch.arange(9) >= torch.tensor([[0], [4], [8], [2]])).long()  # padded in front, for generation
    positions = (left.cumsum(1) - 1).clamp(min=0)
    expected = theirs(token_ids, attention_mask=left, position_ids=positions)
    equal(ours(token_ids, left)[left.bool()], expected.logits[left.bool()])


@pytest.mark.parametrize("norm_first", [True, False])
def test_transformer_equals_pytorchs(norm_first):
    ours = Transformer(40, 16, 2, 2, 24, num_decoder_layers=3, norm_first=norm_first).double().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's about a fast path that pre-norm does not have
        theirs = nn.Transformer(16, 2, 2, 3, 24, 0.0, norm_first=norm_first, batch_first=True).double()
    for block, layer in zip(ours.encoder_blocks, theirs.encoder.layers, strict=True):
        copy_encoder_layer(block, layer)
    for block, layer in zip(ours.decoder_blocks, theirs.decoder.layers, strict=True):
        copy_decoder_layer(block, layer)
    if norm_first:
        shake_norms(ours.encoder_norm)
        shake_norms(ours.decoder_norm)
        theirs.encoder.norm.load_state_dict(ours.encoder_norm.state_dict())
        theirs.decoder.norm.load_state_dict(ours.decoder_norm.state_dict())
    else:
        theirs.encoder.norm = theirs.decoder.norm = None  # PyTorch adds one more norm at the end, the paper does not
    source_ids, target_ids = torch.randint(1, 40, (4, 7)), torch.randint(1, 40, (4, 5))
    source_ids[1, 3:] = source_ids[2, 1:] = 0
    embedded = []
    for ids in (source_ids, target_ids):
        angles = [
            [position / 10000 ** (2 * (i // 2) / 16) + (i % 2) * math.pi / 2 for i in range(16)]  # sin(a + π/2) = cos a
            for position in range(ids.shape[1])
        ]
        embedded.append(ours.target_embedding.weight[ids] * 4 + torch.tensor(angles, dtype=torch.float64).sin())
    hidden = theirs(
        *embedded,
        tgt_mask=nn.Transformer.generate_square_subsequent_mask(5, dtype=torch.float64),
        src_key_padding_mask=source_ids == 0,
        memory_key_padding_mask=source_ids == 0,
    )
    equal(ours(source_ids, target_ids), hidden @ ours.target_embedding.weight.T, 1e-10)

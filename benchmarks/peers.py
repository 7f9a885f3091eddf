"""The peers: other people's Transformers, each behind the same two calls.

    peer(source_ids, target_ids) -> logits (batch, target_len, vocab_size)
    peer.greedy(source_ids, start_id, max_new_tokens) -> new_ids (batch, max_new_tokens)

PyTorch's, Hugging Face's and x-transformers' are the packages themselves. d2l imports torchvision, and The Annotated
Transformer and minGPT are no packages: their layers are written here by their equations, at the same sizes. All share
one embedding with the logits, as ours do.

Sources: Zhang et al., "Dive into Deep Learning", §11.7; Huang et al., "The Annotated Transformer"; Karpathy, minGPT.
"""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from course_lib.positions import sinusoidal

TEXTS = {
    "missing": "{package} is not installed, so {peer} is left out; to have it: pip install {package}, or `.[peers]`"
}


class Missing(Exception):
    """A peer's package is not installed."""


class _Embeddings(nn.Module):
    """What all written peers share: one scaled table of embeddings, sinusoidal positions, dropout, tied logits."""

    encode: Any  # each peer's own: (source_ids, mask) -> memory
    decode: Any  # (target_ids, memory, mask) -> hidden

    def __init__(self, vocab_size, d_model, dropout, max_len=512):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
        positions = torch.from_numpy(sinusoidal(max_len, d_model)).float()
        self.register_buffer("positions", positions, persistent=False)
        self.embedding_dropout = nn.Dropout(dropout)

    def embed(self, token_ids, start=0):
        hidden = self.embedding(token_ids) * math.sqrt(self.embedding.embedding_dim)
        return self.embedding_dropout(hidden + self.positions[start : start + token_ids.shape[1]])

    def logits(self, hidden):
        return F.linear(hidden, self.embedding.weight)

    def forward(self, source_ids, target_ids):
        mask = source_ids != 0
        return self.logits(self.decode(target_ids, self.encode(source_ids, mask), mask))

    @torch.inference_mode()
    def greedy(self, source_ids, start_id, max_new_tokens):
        """Run the decoder over the whole prefix at each step, as those without a cache do."""
        mask = source_ids != 0
        memory = self.encode(source_ids, mask)
        ids = torch.full((len(source_ids), 1), start_id)
        for _ in range(max_new_tokens):
            hidden = self.decode(ids, memory, mask)
            ids = torch.cat([ids, self.logits(hidden[:, -1]).argmax(-1, keepdim=True)], dim=1)
        return ids[:, 1:]


class PyTorchTransformer(_Embeddings):
    """`torch.nn.Transformer`; with post-norm without the norms that it adds at both ends, so that it computes what ours does."""

    def __init__(self, vocab_size, d_model, num_layers, num_heads, d_ff, dropout, norm_first=False):
        super().__init__(vocab_size, d_model, dropout)
        sizes = d_model, num_heads, num_layers, num_layers, d_ff, dropout
        self.body = nn.Transformer(*sizes, batch_first=True, norm_first=norm_first)
        if not norm_first:
            self.body.encoder.norm = self.body.decoder.norm = None

    def encode(self, source_ids, mask):
        return self.body.encoder(self.embed(source_ids), src_key_padding_mask=~mask)

    def decode(self, target_ids, memory, mask):
        causal = torch.ones(target_ids.shape[1], target_ids.shape[1], dtype=torch.bool).triu(1)
        embedded = self.embed(target_ids)
        return self.body.decoder(embedded, memory, causal, memory_key_padding_mask=~mask, tgt_is_causal=True)


class AnnotatedTransformer(_Embeddings):
    """The layers of The Annotated Transformer: four projections, explicit attention, a written-out pre-norm."""

    def __init__(self, vocab_size, d_model, num_layers, num_heads, d_ff, dropout):
        super().__init__(vocab_size, d_model, dropout)
        sizes = d_model, num_heads, d_ff, dropout
        self.encoder = nn.ModuleList(_AnnotatedLayer(*sizes, cross=False) for _ in range(num_layers))
        self.decoder = nn.ModuleList(_AnnotatedLayer(*sizes, cross=True) for _ in range(num_layers))
        self.encoder_norm, self.decoder_norm = _AnnotatedNorm(d_model), _AnnotatedNorm(d_model)

    def encode(self, source_ids, mask):
        hidden = self.embed(source_ids)
        for layer in self.encoder:
            hidden = layer(hidden, mask[:, None])
        return self.encoder_norm(hidden)

    def decode(self, target_ids, memory, mask):
        seq_len = target_ids.shape[1]
        causal = torch.ones(1, seq_len, seq_len, dtype=torch.bool).tril()
        hidden = self.embed(target_ids)
        for layer in self.decoder:
            hidden = layer(hidden, causal, memory, mask[:, None])
        return self.decoder_norm(hidden)


class _AnnotatedNorm(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.a_2, self.b_2, self.eps = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model)), eps

    def forward(self, x):
        mean, std = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + self.eps) + self.b_2


class _AnnotatedAttention(nn.Module):
    def __init__(self, d_model, num_heads, dropout):
        super().__init__()
        self.num_heads = num_heads
        self.linears = nn.ModuleList(nn.Linear(d_model, d_model) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, memory, mask):
        batch, _, d_model = query.shape
        queries, keys, values = (
            linear(x).view(batch, -1, self.num_heads, d_model // self.num_heads).transpose(1, 2)
            for linear, x in zip(self.linears, (query, memory, memory), strict=False)
        )
        scores = torch.matmul(queries, keys.transpose(-2, -1)) / math.sqrt(queries.shape[-1])
        weights = self.dropout(scores.masked_fill(mask[:, None] == 0, -1e9).softmax(dim=-1))
        context = torch.matmul(weights, values).transpose(1, 2).contiguous().view(batch, -1, d_model)
        return self.linears[-1](context)


class _AnnotatedLayer(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout, cross):
        super().__init__()
        self.attentions = nn.ModuleList(_AnnotatedAttention(d_model, num_heads, dropout) for _ in range(1 + cross))
        self.w_1, self.w_2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norms = nn.ModuleList(_AnnotatedNorm(d_model) for _ in range(2 + cross))
        self.dropout, self.hidden_dropout = nn.Dropout(dropout), nn.Dropout(dropout)

    def forward(self, x, mask, memory=None, memory_mask=None):
        normed = self.norms[0](x)
        x = x + self.dropout(self.attentions[0](normed, normed, mask))
        if memory is not None:
            x = x + self.dropout(self.attentions[1](self.norms[1](x), memory, memory_mask))
        return x + self.dropout(self.w_2(self.hidden_dropout(self.w_1(self.norms[-1](x)).relu())))


class D2LTransformer(_Embeddings):
    """The layers of d2l: projections without biases, lengths in place of masks, and a cache of inputs, not of keys."""

    def __init__(self, vocab_size, d_model, num_layers, num_heads, d_ff, dropout):
        super().__init__(vocab_size, d_model, dropout)
        sizes = d_model, num_heads, d_ff, dropout
        self.encoder = nn.ModuleList(_D2LLayer(*sizes, cross=False) for _ in range(num_layers))
        self.decoder = nn.ModuleList(_D2LLayer(*sizes, cross=True) for _ in range(num_layers))

    def encode(self, source_ids, mask):
        hidden, lengths = self.embed(source_ids), mask.sum(dim=1)
        for layer in self.encoder:
            hidden = layer(hidden, hidden, lengths)
        return hidden

    def decode(self, target_ids, memory, mask):
        batch, seq_len = target_ids.shape
        hidden = self.embed(target_ids)
        causal = torch.arange(1, seq_len + 1).repeat(batch, 1)  # how many keys each query may attend to
        for layer in self.decoder:
            hidden = layer(hidden, hidden, causal, memory, mask.sum(dim=1))
        return hidden

    @torch.inference_mode()
    def greedy(self, source_ids, start_id, max_new_tokens):
        mask = source_ids != 0
        memory, lengths = self.encode(source_ids, mask), mask.sum(dim=1)
        seen: list[Any] = [None] * len(self.decoder)
        last, new_ids = torch.full((len(source_ids), 1), start_id), []
        for step in range(max_new_tokens):
            hidden = self.embed(last, step)
            for index, layer in enumerate(self.decoder):
                seen[index] = hidden if seen[index] is None else torch.cat([seen[index], hidden], dim=1)
                hidden = layer(hidden, seen[index], None, memory, lengths)
            last = self.logits(hidden).argmax(-1)
            new_ids.append(last)
        return torch.cat(new_ids, dim=1)


class _D2LAttention(nn.Module):
    def __init__(self, d_model, num_heads, dropout):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model, bias=False) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def _split(self, x):
        x = x.reshape(x.shape[0], x.shape[1], self.num_heads, -1).permute(0, 2, 1, 3)
        return x.reshape(-1, x.shape[2], x.shape[3])

    def forward(self, queries, memory, lengths):
        queries, keys = self._split(self.W_q(queries)), self._split(self.W_k(memory))
        values = self._split(self.W_v(memory))
        scores = torch.bmm(queries, keys.transpose(1, 2)) / math.sqrt(queries.shape[-1])
        if lengths is not None:
            shape = scores.shape
            lengths = torch.repeat_interleave(lengths, self.num_heads, dim=0)
            lengths = torch.repeat_interleave(lengths, shape[1]) if lengths.ndim == 1 else lengths.reshape(-1)
            scores = scores.reshape(-1, shape[-1])
            scores[~(torch.arange(shape[-1])[None, :] < lengths[:, None])] = -1e6
            scores = scores.reshape(shape)
        context = torch.bmm(self.dropout(scores.softmax(dim=-1)), values)
        context = context.reshape(-1, self.num_heads, context.shape[1], context.shape[2]).permute(0, 2, 1, 3)
        return self.W_o(context.reshape(context.shape[0], context.shape[1], -1))


class _D2LLayer(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout, cross):
        super().__init__()
        self.attentions = nn.ModuleList(_D2LAttention(d_model, num_heads, dropout) for _ in range(1 + cross))
        self.expand, self.contract = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(2 + cross))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, own, lengths, memory=None, memory_lengths=None):
        x = self.norms[0](self.dropout(self.attentions[0](x, own, lengths)) + x)
        if memory is not None:
            x = self.norms[1](self.dropout(self.attentions[1](x, memory, memory_lengths)) + x)
        return self.norms[-1](self.dropout(self.contract(F.relu(self.expand(x)))) + x)


class XTransformers(nn.Module):
    """x-transformers' `XTransformer`, with its own pre-norm, GELU and learned positions, and its cache."""

    def __init__(self, vocab_size, d_model, num_layers, num_heads, d_ff, dropout, max_len=512):
        super().__init__()
        try:
            from x_transformers import XTransformer
        except ImportError as error:
            raise Missing(TEXTS["missing"].format(package="x-transformers", peer="its XTransformer")) from error
        options = {
            "num_tokens": vocab_size,
            "depth": num_layers,
            "heads": num_heads,
            "max_seq_len": max_len,
            "attn_dim_head": d_model // num_heads,
            "ff_mult": d_ff / d_model,
            "attn_dropout": dropout,
            "attn_sublayer_dropout": dropout,
            "ff_dropout": dropout,
            "ff_sublayer_dropout": dropout,
            "emb_dropout": dropout,
        }
        sides = {f"{side}_{name}": value for side in ("enc", "dec") for name, value in options.items()}
        make: Any = XTransformer  # its attributes are many things to a type checker
        self.body = make(dim=d_model, tie_token_emb=True, **sides)
        self.body.decoder.net.to_logits = nn.Linear(d_model, vocab_size, bias=False)
        self.body.decoder.net.to_logits.weight = self.body.encoder.token_emb.emb.weight

    def forward(self, source_ids, target_ids):
        mask = source_ids != 0
        memory = self.body.encoder(source_ids, mask=mask, return_embeddings=True)
        return self.body.decoder.net(target_ids, context=memory, context_mask=mask)

    @torch.inference_mode()
    def greedy(self, source_ids, start_id, max_new_tokens):
        start = torch.full((len(source_ids), 1), start_id)
        return self.body.generate(source_ids, start, max_new_tokens, mask=source_ids != 0, temperature=0.0)


class Marian(nn.Module):
    """Hugging Face's Marian from a config, with the paper's order of sines and cosines; it computes what ours does."""

    def __init__(self, vocab_size, d_model, num_layers, num_heads, d_ff, dropout, max_len=512):
        super().__init__()
        from transformers import MarianConfig, MarianMTModel

        config = MarianConfig(
            vocab_size=vocab_size,
            d_model=d_model,
            encoder_layers=num_layers,
            decoder_layers=num_layers,
            encoder_attention_heads=num_heads,
            decoder_attention_heads=num_heads,
            encoder_ffn_dim=d_ff,
            decoder_ffn_dim=d_ff,
            dropout=dropout,
            attention_dropout=dropout,
            activation_dropout=dropout,
            activation_function="relu",
            scale_embedding=True,
            max_position_embeddings=max_len,
            pad_token_id=0,
            eos_token_id=None,
            forced_eos_token_id=None,
            decoder_start_token_id=1,
        )
        self.body: Any = MarianMTModel(config)
        positions = torch.from_numpy(sinusoidal(max_len, d_model)).float()
        with torch.no_grad():
            for side in (self.body.model.encoder, self.body.model.decoder):
                side.embed_positions.weight.copy_(positions)

    def forward(self, source_ids, target_ids):
        mask = (source_ids != 0).long()
        return self.body(source_ids, attention_mask=mask, decoder_input_ids=target_ids, use_cache=False).logits

    @torch.inference_mode()
    def greedy(self, source_ids, start_id, max_new_tokens):
        ids = self.body.generate(
            source_ids,
            attention_mask=(source_ids != 0).long(),
            decoder_start_token_id=start_id,
            max_new_tokens=max_new_tokens,
            num_beams=1,
            do_sample=False,
        )
        return ids[:, 1:]


class MinGPT(nn.Module):
    """minGPT by its equations: explicit attention under a stored mask, GELU written out; the logits tied as in ours."""

    def __init__(self, vocab_size, d_model, num_layers, num_heads, max_len):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocab_size, d_model), nn.Embedding(max_len, d_model)
        self.blocks = nn.ModuleList(_MinGPTBlock(d_model, num_heads, max_len) for _ in range(num_layers))
        self.ln_f = nn.LayerNorm(d_model)

    def forward(self, token_ids):
        x = self.wte(token_ids) + self.wpe(torch.arange(token_ids.shape[1])[None])
        for block in self.blocks:
            x = block(x)
        return F.linear(self.ln_f(x), self.wte.weight)


class _MinGPTBlock(nn.Module):
    def __init__(self, d_model, num_heads, max_len):
        super().__init__()
        self.num_heads = num_heads
        self.ln_1, self.ln_2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.c_attn, self.c_proj = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.c_fc, self.mlp_proj = nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model)
        self.register_buffer("bias", torch.ones(max_len, max_len).tril()[None, None])

    def forward(self, x):
        batch, seq_len, d_model = x.shape
        queries, keys, values = (
            part.view(batch, seq_len, self.num_heads, -1).transpose(1, 2)
            for part in self.c_attn(self.ln_1(x)).split(d_model, dim=2)
        )
        scores = (queries @ keys.transpose(-2, -1)) * (1.0 / math.sqrt(keys.size(-1)))
        weights = scores.masked_fill(self.bias[:, :, :seq_len, :seq_len] == 0, -math.inf).softmax(dim=-1)
        x = x + self.c_proj((weights @ values).transpose(1, 2).contiguous().view(batch, seq_len, d_model))
        h = self.c_fc(self.ln_2(x))
        h = 0.5 * h * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (h + 0.044715 * torch.pow(h, 3.0))))
        return x + self.mlp_proj(h)

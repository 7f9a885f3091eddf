"""A language model in the style of GPT: every token sees those before it, and predicts the one after.

Sources: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2); Press and Wolf 2016, "Using
the Output Embedding to Improve Language Models", arXiv 1608.05859.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from course_lib.checking import one_of
from course_lib.models.attention import KeyValueCache, ModelCache
from course_lib.models.blocks import EncoderBlock, initialise
from course_lib.models.checks import check_divides, check_ids, check_positive, read_attention_mask
from course_lib.models.dropout import Dropout
from course_lib.models.positions import ALiBi, LearnedPositions, Rotary, SinusoidalPositions


class LanguageModel(nn.Module):
    """Token embeddings, positions, a stack of causal blocks, and logits for the next token from the same embeddings.

    >>> model = LanguageModel(vocab_size=256, d_model=64, num_layers=2, num_heads=4)
    >>> token_ids = torch.randint(256, (8, 33))
    >>> logits = model(token_ids[:, :-1])  # (8, 32, 256)
    >>> loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), token_ids[:, 1:].flatten())

    Parameters:

        token_embedding.weight  (vocab_size, d_model), also the matrix of the logits
        positions.weight        (max_len, d_model); only with learned positions
        blocks.0, blocks.1, …   `EncoderBlock`
        final_norm              LayerNorm with norm_first; otherwise an identity

    Args:
        vocab_size: different tokens.
        d_model: features of a token.
        num_layers: blocks.
        num_heads: heads of each attention.
        d_ff: hidden units of each feed-forward network; None: 4 · d_model.
        positions: "learned", "sinusoidal", "rotary", "alibi", or None for none.
        max_len: the longest sequence where positions are learned; the others know no end.
        num_kv_heads: heads of keys and values, see `MultiHeadAttention`.
        dropout: probability, see `EncoderBlock`.
        activation: "relu", "gelu" or "gelu_tanh", GPT-2's.
        norm_first: True: pre-norm, as GPT-2 has it, False: post-norm.
        norm_eps: added to the variance in the norms.

    Source: Radford 2019, §2.3; sizes of GPT-2: 50257, 768, 12, 12, max_len 1024.
    """

    def __init__(
        self,
        vocab_size,
        d_model,
        num_layers,
        num_heads,
        d_ff=None,
        *,
        positions="learned",
        max_len=1024,
        num_kv_heads=None,
        dropout=0.0,
        activation="gelu_tanh",
        norm_first=True,
        norm_eps=1e-5,
    ):
        super().__init__()
        vocab_size, d_model, num_layers, num_heads = check_positive(
            vocab_size=vocab_size, d_model=d_model, num_layers=num_layers, num_heads=num_heads
        )
        check_divides("d_model", d_model, "num_heads", num_heads)
        one_of("positions", positions, ["learned", "sinusoidal", "rotary", "alibi", None])
        d_ff = 4 * d_model if d_ff is None else d_ff
        rotary = Rotary(d_model // num_heads) if positions == "rotary" else None
        self.alibi = ALiBi(num_heads) if positions == "alibi" else None
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.positions = None  # those that are added to the embeddings
        if positions == "learned":
            self.positions = LearnedPositions(max_len, d_model)
        elif positions == "sinusoidal":
            self.positions = SinusoidalPositions(d_model)
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(
            EncoderBlock(
                d_model,
                num_heads,
                d_ff,
                dropout=dropout,
                activation=activation,
                norm_first=norm_first,
                norm_eps=norm_eps,
                num_kv_heads=num_kv_heads,
                rotary=rotary,
            )
            for _ in range(num_layers)
        )
        self.final_norm = nn.LayerNorm(d_model, eps=norm_eps) if norm_first else nn.Identity()
        self.apply(initialise)
        for block in self.blocks:  # what 2 · num_layers sublayers add up to must not grow with their number
            for last in (block.attention.output, block.feed_forward.contract):  # pyrefly: ignore[missing-attribute]
                nn.init.normal_(last.weight, std=0.02 / math.sqrt(2 * num_layers))

    @property
    def max_len(self):
        """The longest sequence, or None where the positions know no end."""
        return len(self.positions.weight) if isinstance(self.positions, LearnedPositions) else None

    def forward(self, token_ids, attention_mask=None, *, cache=None, need_weights=False):
        """Predict, at each token, the next one.

        Args:
            token_ids: (batch, seq_len), whole numbers; with a cache only the tokens that are not in it yet.
            attention_mask: (batch, keys), True or 1 for tokens, False or 0 for padding at either end; None: no padding.
                With a cache it covers the cached tokens too, which come first. Padding takes no position.
            cache: what `new_cache()` gave, for generation without gradients: filled by each call.
            need_weights: whether to return the weights of every block.

        Returns:
            logits: (batch, seq_len, vocab_size), or (logits, attention) with attention a list of
            (batch, heads, seq_len, keys), one a block, if need_weights. Logits at padding are finite, without meaning.

        Raises:
            ValueError, TypeError: wrong shapes or types, ids out of range, a sequence longer than max_len.
        """
        hidden, attention = self.hidden_states(token_ids, attention_mask, cache=cache, need_weights=need_weights)
        logits = self.logits(hidden)
        return (logits, attention) if need_weights else logits

    def hidden_states(self, token_ids, attention_mask=None, *, cache=None, need_weights=False):
        """Give what `logits` reads, (batch, seq_len, d_model), and the list of weights; arguments as in `forward`."""
        check_ids("token_ids", token_ids, "batch seq_len", self.token_embedding.num_embeddings)
        batch, seq_len = token_ids.shape
        start = 0 if cache is None else cache.length
        mask = read_attention_mask(attention_mask, batch, start + seq_len)
        mask = None if mask is None else mask.expand(batch, start + seq_len)  # (batch, keys)
        hidden = self.token_embedding(token_ids)  # (batch, seq_len, d_model)
        if self.positions is not None:
            hidden = self.positions(hidden, _positions(mask, start, seq_len, token_ids.device))
        hidden = self.dropout(hidden)
        bias = None if self.alibi is None else self.alibi(seq_len, start + seq_len)  # (heads, queries, keys)
        layers = [None] * len(self.blocks) if cache is None else cache.layers
        attention = []
        for block, layer in zip(self.blocks, layers, strict=True):
            hidden, weights = block(hidden, mask=mask, bias=bias, causal=True, cache=layer, need_weights=need_weights)
            attention.append(weights)
        return self.final_norm(hidden), attention

    def logits(self, hidden):
        """Score every token of the vocabulary: (..., d_model) -> (..., vocab_size)."""
        return F.linear(hidden, self.logits_weight)

    @property
    def logits_weight(self):
        """The matrix of the logits, (vocab_size, d_model): the embeddings of the tokens."""
        return self.token_embedding.weight

    def new_cache(self):
        """Give an empty cache for one batch of sequences."""
        return ModelCache([KeyValueCache() for _ in self.blocks])


def _positions(mask, start, seq_len, device):
    """Count the tokens, leaving out padding; None for 0, 1, 2, …"""
    if mask is not None:
        return (mask.cumsum(dim=1) - 1).clamp(min=0)[:, start:]  # (batch, seq_len)
    return torch.arange(start, start + seq_len, device=device) if start else None

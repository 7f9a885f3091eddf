"""The Transformer of 2017: an encoder reads the source, a decoder writes the target and looks back at the source.

Sources: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762; Press and Wolf 2016, arXiv 1608.05859.
"""

import math
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.checking import checked, one_of, whole_number
from course_lib.models.attention import MultiHeadAttention, Weights
from course_lib.models.blocks import BlockSizes, DecoderBlock, EncoderBlock
from course_lib.models.checks import check_ids, check_positive
from course_lib.models.fast import Dropout, KeyValueCache, ModelCache
from course_lib.models.positions import LearnedPositions, SinusoidalPositions

Memory = Float[Tensor, "batch source_len d_model"]
MemoryMask = Bool[Tensor, "#batch source_len"]
Logits = Float[Tensor, "batch target_len vocab_size"]


class Transformer(nn.Module):
    """Encoder and decoder for translation, with tied embeddings.

    >>> model = Transformer(vocab_size=1000, d_model=64, num_layers=2, num_heads=4, d_ff=256)
    >>> source_ids, target_ids = torch.randint(1, 1000, (8, 12)), torch.randint(1, 1000, (8, 9))
    >>> logits = model(source_ids, target_ids[:, :-1])  # (8, 8, 1000): reads y[:-1], predicts y[1:]

    Parameters:

        target_embedding.weight                 (vocab_size, d_model), also the matrix of the logits
        source_embedding.weight                 the same tensor, or (source_vocab_size, d_model)
        positions.weight                        (max_len, d_model); only with learned positions
        encoder_blocks.0, …, decoder_blocks.0   `EncoderBlock`, `DecoderBlock`
        encoder_norm, decoder_norm              LayerNorm with norm_first; otherwise identities

    Args:
        vocab_size: different tokens of the target; of the source too, unless source_vocab_size says otherwise.
        d_model: features of a token.
        num_layers: blocks of the encoder.
        num_heads: heads of each attention.
        d_ff: hidden units of each feed-forward network.
        num_decoder_layers: blocks of the decoder; None: as many as in the encoder.
        source_vocab_size: None: one vocabulary, and one table of embeddings, for both languages.
        pad_id: the token that fills up short sequences, at their end; nothing attends to it in the source.
        positions: "sinusoidal", "learned", or None for none.
        max_len: the longest sequence where positions are learned.
        dropout: probability, see `BlockSizes`; also for the embeddings.
        block: more of `BlockSizes`, such as activation, norm_first or norm_eps; what is left out is as in 2017: ReLU,
            post-norm.

    Source: Vaswani 2017, §3; sizes of the base model: 37000, 512, 6, 8, 2048.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        d_ff: int,
        *,
        num_decoder_layers: int | None = None,
        source_vocab_size: int | None = None,
        pad_id: int = 0,
        positions: str | None = "sinusoidal",
        max_len: int = 512,
        dropout: float = 0.1,
        **block: Any,
    ) -> None:
        super().__init__()
        num_decoder_layers = num_layers if num_decoder_layers is None else num_decoder_layers
        (vocab_size,) = check_positive(vocab_size=vocab_size)
        num_layers, num_decoder_layers = check_positive(num_layers=num_layers, num_decoder_layers=num_decoder_layers)
        if source_vocab_size is not None:
            source_vocab_size = whole_number("source_vocab_size", source_vocab_size, 1)
        one_of("positions", positions, ["sinusoidal", "learned", None])
        block = {"dropout": dropout, **block}
        sizes = BlockSizes(d_model, num_heads, d_ff, **block)
        self.d_model = d_model = sizes.d_model
        self.pad_id = pad_id
        self.target_embedding = nn.Embedding(vocab_size, d_model)
        self.source_embedding = (
            self.target_embedding if source_vocab_size is None else nn.Embedding(source_vocab_size, d_model)
        )
        self.positions = None
        if positions == "sinusoidal":
            self.positions = SinusoidalPositions(d_model)
        elif positions == "learned":
            self.positions = LearnedPositions(max_len, d_model)
        self.dropout = Dropout(dropout)
        self.encoder_blocks = nn.ModuleList(EncoderBlock(d_model, num_heads, d_ff, **block) for _ in range(num_layers))
        self.decoder_blocks = nn.ModuleList(
            DecoderBlock(d_model, num_heads, d_ff, **block) for _ in range(num_decoder_layers)
        )
        self.encoder_norm = sizes.new_norm() if sizes.norm_first else nn.Identity()
        self.decoder_norm = sizes.new_norm() if sizes.norm_first else nn.Identity()
        self.apply(_initialise)

    def forward(
        self,
        source_ids: Int[Tensor, "batch source_len"],
        target_ids: Int[Tensor, "batch target_len"],
        *,
        need_weights: bool = False,
    ) -> Logits | tuple[Logits, dict[str, list[Weights]]]:
        """Predict, at each token of the target, the next one.

        Args:
            source_ids: padded at the end with pad_id.
            target_ids: padded at the end with pad_id. No token sees those after it, so none sees padding; what is
                predicted at padding has no meaning, and a loss must leave it out.
            need_weights: whether to return the weights of every block.

        Returns:
            logits, or (logits, attention) if need_weights, where attention holds lists with the weights of each block:
            "encoder" (source to source), "decoder" (target to target) and "cross" (target to source).

        Raises:
            ValueError, TypeError: wrong shapes or types, ids out of range, a sequence longer than max_len.
        """
        hidden, attention = self.hidden_states(source_ids, target_ids, need_weights=need_weights)
        logits = self.logits(hidden)
        return (logits, attention) if need_weights else logits

    @checked
    def hidden_states(
        self,
        source_ids: Int[Tensor, "batch source_len"],
        target_ids: Int[Tensor, "batch target_len"],
        *,
        need_weights: bool = False,
    ) -> tuple[Float[Tensor, "batch target_len d_model"], dict[str, list[Weights]]]:
        """Give what `logits` reads, and the weights, if asked for; arguments as in `forward`."""
        memory, memory_mask, *of_encoder = self.encode(source_ids, need_weights=need_weights)
        hidden, attention = self._read(target_ids, memory, memory_mask, None, need_weights)
        return hidden, {"encoder": of_encoder[0], **attention} if need_weights else {}

    def logits(self, hidden: Float[Tensor, "... d_model"]) -> Float[Tensor, "... vocab_size"]:
        """Score every token of the target's vocabulary."""
        return F.linear(hidden, self.logits_weight)

    @property
    def logits_weight(self) -> Float[Tensor, "vocab_size d_model"]:
        """The matrix of the logits: the embeddings of the target."""
        return self.target_embedding.weight

    @property
    def max_len(self) -> int | None:
        """The longest sequence, or None where the positions know no end."""
        return len(self.positions.weight) if isinstance(self.positions, LearnedPositions) else None

    @checked
    def encode(
        self, source_ids: Int[Tensor, "batch source_len"], *, need_weights: bool = False
    ) -> tuple[Memory, MemoryMask, *tuple[list[Weights], ...]]:
        """Read the source.

        Args:
            source_ids: padded with pad_id.
            need_weights: whether to return the weights of every block.

        Returns:
            memory; memory_mask, which is False at padding; and the weights of every block, if need_weights.
        """
        check_ids("source_ids", source_ids, self.source_embedding.num_embeddings)
        mask = source_ids != self.pad_id  # (batch, source_len)
        hidden = self._embed(source_ids, self.source_embedding)  # (batch, source_len, d_model)
        attention = []
        for block in self.encoder_blocks:
            hidden, weights = block(hidden, mask=mask, need_weights=need_weights)
            attention.append(weights)
        memory = self.encoder_norm(hidden)
        return (memory, mask, attention) if need_weights else (memory, mask)

    @checked
    def decode(
        self,
        target_ids: Int[Tensor, "batch target_len"],
        memory: Memory,
        memory_mask: MemoryMask | None = None,
        *,
        cache: ModelCache | None = None,
        need_weights: bool = False,
    ) -> Logits | tuple[Logits, dict[str, list[Weights]]]:
        """Predict the next token at each one of the target, given what the encoder made of the source.

        Args:
            target_ids: from 0 to vocab_size - 1; with a cache only the tokens that are not in it yet.
            memory, memory_mask: what `encode` gave. True = may attend; None: all may be attended to.
            cache: what `new_cache()` gave, for generation without gradients: filled by each call.
            need_weights: whether to return the weights of every block.

        Returns:
            logits, or (logits, {"decoder": [...], "cross": [...]}) if need_weights.
        """
        hidden, attention = self._read(target_ids, memory, memory_mask, cache, need_weights)
        logits = self.logits(hidden)
        return (logits, attention) if need_weights else logits

    def _read(self, target_ids, memory, memory_mask, cache, need_weights):
        """Run the decoder, up to its logits."""
        check_ids("target_ids", target_ids, self.target_embedding.num_embeddings)
        hidden = self._embed(target_ids, self.target_embedding, 0 if cache is None else cache.length)
        layers = [None] * len(self.decoder_blocks) if cache is None else cache.layers
        attention = {"decoder": [], "cross": []}
        for block, layer in zip(self.decoder_blocks, layers, strict=True):
            hidden, self_weights, cross_weights = block(
                hidden, memory, memory_mask=memory_mask, cache=layer, need_weights=need_weights
            )
            attention["decoder"].append(self_weights)
            attention["cross"].append(cross_weights)
        return self.decoder_norm(hidden), attention  # (batch, target_len, d_model)

    def new_cache(self) -> ModelCache:
        """Give an empty cache for one batch of sequences."""
        return ModelCache([(KeyValueCache(), KeyValueCache()) for _ in self.decoder_blocks])

    def _embed(self, token_ids, embedding, start=0):
        """Scale the embeddings, small for the sake of the logits, to the size of the positions, and add those."""
        hidden = embedding(token_ids) * math.sqrt(embedding.embedding_dim)  # (batch, seq_len, d_model)
        if self.positions is not None:
            seq_len = token_ids.shape[1]
            positions = torch.arange(start, start + seq_len, device=token_ids.device) if start else None
            hidden = self.positions(hidden, positions)
        return self.dropout(hidden)


def _initialise(module):
    """Xavier's uniform numbers for matrices, N(0, 1/d_model) for embeddings, 0 for biases."""
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, MultiHeadAttention):
        for matrix in module.queries_keys_values.weight.split([module.d_queries, module.d_kv, module.d_kv]):
            nn.init.xavier_uniform_(matrix)  # three matrices, though they lie in one

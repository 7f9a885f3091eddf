"""A text encoder in the style of BERT: every token sees every other, and becomes a vector that knows its context.

Source: Devlin et al. 2018, "BERT", arXiv 1810.04805.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.checking import checked, whole_number
from course_lib.models.attention import Weights
from course_lib.models.blocks import Block, BlockSizes, initialise
from course_lib.models.checks import AttentionMask, check_ids, check_positive, read_attention_mask
from course_lib.models.fast import Dropout
from course_lib.models.positions import LearnedPositions

Hidden = Float[Tensor, "batch seq_len d_model"]
BERT: dict[str, Any] = {"dropout": 0.1, "activation": "gelu", "norm_eps": 1e-12}

TEXTS = {"no types": "type_ids came, but this encoder was built with num_types=0; leave them out"}


class TextEncoder(nn.Module):
    """Token, position and type embeddings, and a stack of blocks.

    >>> encoder = TextEncoder(vocab_size=1000, d_model=64, num_layers=2, num_heads=4, d_ff=256)
    >>> hidden = encoder(torch.tensor([[5, 17, 2, 0]]), torch.tensor([[1, 1, 1, 0]]))  # (1, 4, 64)

    Parameters:

        token_embedding.weight     (vocab_size, d_model)
        positions.weight           (max_len, d_model)
        type_embedding.weight      (num_types, d_model); no such module where num_types is 0
        embedding_norm             LayerNorm; with norm_first an identity instead
        blocks.0, blocks.1, …      `Block`
        final_norm                 LayerNorm with norm_first; otherwise an identity

    Args:
        vocab_size: different tokens.
        d_model: features of a token.
        num_layers: blocks.
        num_heads: heads of each attention.
        d_ff: hidden units of each feed-forward network.
        max_len: the longest sequence, the length of the position table.
        num_types: different token types (segments); 0 for none.
        block: more of `BlockSizes`, such as dropout or norm_first; what is left out is BERT's: dropout=0.1,
            activation="gelu", norm_eps=1e-12, post-norm.

    Source: Devlin 2018, §3; sizes of BERT-base: 30522, 768, 12, 12, 3072.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_layers: int,
        num_heads: int,
        d_ff: int,
        *,
        max_len: int = 512,
        num_types: int = 2,
        **block: Any,
    ) -> None:
        super().__init__()
        vocab_size, num_layers = check_positive(vocab_size=vocab_size, num_layers=num_layers)
        num_types = whole_number("num_types", num_types, 0)
        sizes = BlockSizes(d_model, num_heads, d_ff, **{**BERT, **block})
        self.token_embedding = nn.Embedding(vocab_size, sizes.d_model)
        self.positions = LearnedPositions(max_len, sizes.d_model)
        self.type_embedding = nn.Embedding(num_types, sizes.d_model) if num_types else None
        self.embedding_norm = nn.Identity() if sizes.norm_first else sizes.new_norm()
        self.dropout = Dropout(sizes.dropout)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(num_layers))
        self.final_norm = sizes.new_norm() if sizes.norm_first else nn.Identity()
        self.apply(initialise)

    @property
    def max_len(self) -> int:
        """The longest sequence."""
        return len(self.positions.weight)

    def forward(
        self,
        token_ids: Int[Tensor, "batch seq_len"],
        attention_mask: AttentionMask | None = None,
        *,
        type_ids: Int[Tensor, "batch seq_len"] | None = None,
        need_weights: bool = False,
    ) -> Hidden | tuple[Hidden, list[Weights]]:
        """Turn tokens into vectors.

        Args:
            token_ids: from 0 to vocab_size - 1.
            attention_mask: True or 1 for tokens, False or 0 for padding; None: no padding. A row of padding alone gives
                finite vectors without meaning.
            type_ids: the type (segment) of each token; None: all 0.
            need_weights: whether to return the weights of every block.

        Returns:
            hidden, or (hidden, attention) with attention the weights of every block, if need_weights.

        Raises:
            ValueError, TypeError: wrong shapes or types, ids out of range, a sequence longer than max_len.
        """
        hidden = self.embed(token_ids, type_ids)  # (batch, seq_len, d_model)
        mask = read_attention_mask(attention_mask, *token_ids.shape)
        attention = []
        for block in self.blocks:
            hidden, weights = block(hidden, mask=mask, need_weights=need_weights)
            attention.append(weights)
        hidden = self.final_norm(hidden)
        return (hidden, attention) if need_weights else hidden

    @checked
    def embed(
        self, token_ids: Int[Tensor, "batch seq_len"], type_ids: Int[Tensor, "batch seq_len"] | None = None
    ) -> Hidden:
        """Add the embeddings of tokens, positions and types."""
        check_ids("token_ids", token_ids, self.token_embedding.num_embeddings)
        embedded = self.positions(self.token_embedding(token_ids))  # (batch, seq_len, d_model)
        if self.type_embedding is not None:
            type_ids = torch.zeros_like(token_ids) if type_ids is None else type_ids
            check_ids("type_ids", type_ids, self.type_embedding.num_embeddings)
            embedded = embedded + self.type_embedding(type_ids)
        elif type_ids is not None:
            raise ValueError(TEXTS["no types"])
        return self.dropout(self.embedding_norm(embedded))

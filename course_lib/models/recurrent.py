"""Where attention comes from: a recurrent translator that looks back at the whole source for every word it writes.

    Bahdanau 2014   looks with the state from before the word, then updates the state with what it has seen
    Luong 2015      updates the state first, then looks with it

Before them, the decoder saw the source only through the encoder's last state, a vector of fixed size.

Sources: Bahdanau et al. 2014, arXiv 1409.0473; Luong et al. 2015, arXiv 1508.04025; Cho et al. 2014, arXiv 1406.1078.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib.checking import check_even, checked, one_of, whole_number
from course_lib.models.attention import Weights, masked_softmax
from course_lib.models.checks import check_batch, check_ids, check_positive
from course_lib.models.fast import Dropout, Rows
from course_lib.models.transformer import Logits, Memory, MemoryMask

TEXTS = {"padding": "source_ids has padding ({pad_id}) before a token in row {row}; expected it at the end only"}
# What a decoder gives: its outputs, its attention weights, and its last state.
Decoded = tuple[
    Float[Tensor, "batch target_len d_model"],
    Float[Tensor, "batch target_len source_len"],
    Float[Tensor, "batch d_model"],
]


class RecurrentTranslator(nn.Module):
    """A GRU that reads the source in both directions, and a GRU with attention that writes the target.

    >>> model = RecurrentTranslator(vocab_size=1000, d_model=64, attention="bahdanau")
    >>> source_ids, target_ids = torch.randint(1, 1000, (8, 12)), torch.randint(1, 1000, (8, 9))
    >>> logits = model(source_ids, target_ids[:, :-1])  # (8, 8, 1000)

    It is called like `Transformer`.

    Args:
        vocab_size: different tokens of the target; of the source too, unless source_vocab_size says otherwise.
        d_model: features of a token and of the decoder's state; an even number, half for each direction of the encoder.
        attention: "bahdanau" (additive score, before the state is updated) or "luong" (general score, after it).
        source_vocab_size: None: one table of embeddings for both languages.
        pad_id: the token that fills up short sequences, at their end.
        dropout: probability for embeddings and for what the logits are made of.

    Source: Bahdanau 2014, §3 and appendix A; Luong 2015, §3.1, without input feeding.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        *,
        attention: str = "bahdanau",
        source_vocab_size: int | None = None,
        pad_id: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        vocab_size, self.d_model = check_positive(vocab_size=vocab_size, d_model=d_model)
        if source_vocab_size is not None:
            source_vocab_size = whole_number("source_vocab_size", source_vocab_size, 1)
        one_of("attention", attention, DECODERS)
        self.pad_id = pad_id
        self.target_embedding = nn.Embedding(vocab_size, d_model)
        self.source_embedding = (
            self.target_embedding if source_vocab_size is None else nn.Embedding(source_vocab_size, d_model)
        )
        self.dropout = Dropout(dropout)
        self.encoder = RecurrentEncoder(d_model)
        self.decoder = DECODERS[attention](d_model)
        self.output = nn.Linear(d_model, vocab_size)

    @checked
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
            target_ids: padded at the end.
            need_weights: whether to return the weights.

        Returns:
            logits, or (logits, {"cross": [weights]}) with the weights of one head, if need_weights.
        """
        return self.decode(target_ids, *self.encode(source_ids), need_weights=need_weights)

    @checked
    def encode(self, source_ids: Int[Tensor, "batch source_len"]) -> tuple[Memory, MemoryMask]:
        """Read the source into a memory, and a mask that is False at padding."""
        check_ids("source_ids", source_ids, self.source_embedding.num_embeddings)
        mask = source_ids != self.pad_id  # (batch, source_len)
        early = (mask[:, 1:] & ~mask[:, :-1]).any(dim=1)  # the way back would begin in the middle
        if early.any():
            raise ValueError(TEXTS["padding"].format(pad_id=self.pad_id, row=early.int().argmax().item()))
        return self.encoder(self.dropout(self.source_embedding(source_ids)), mask), mask

    @checked
    def decode(
        self,
        target_ids: Int[Tensor, "batch target_len"],
        memory: Memory,
        memory_mask: MemoryMask | None = None,
        *,
        cache: "StateCache | None" = None,
        need_weights: bool = False,
    ) -> Logits | tuple[Logits, dict[str, list[Weights]]]:
        """Predict the next token at each one of the target, given the memory.

        Args:
            target_ids: from 0 to vocab_size - 1; with a cache only the tokens after those it has seen.
            memory, memory_mask: what `encode` gave. True = may attend; None: all may be attended to.
            cache: what `new_cache()` gave: it carries the state from one call to the next.
            need_weights: whether to return the weights.

        Returns:
            as from `forward`.
        """
        check_ids("target_ids", target_ids, self.target_embedding.num_embeddings)
        if memory_mask is None:
            memory_mask = memory.new_ones(memory.shape[:2], dtype=torch.bool)
        words = self.dropout(self.target_embedding(target_ids))  # (batch, target_len, d_model)
        state = None if cache is None else cache.check(words)
        hidden, weights, state = self.decoder(words, memory, memory_mask, state)
        if cache is not None:
            cache.state, cache.length = state, cache.length + target_ids.shape[1]
        logits = self.output(self.dropout(hidden))  # (batch, target_len, vocab_size)
        return (logits, {"cross": [weights[:, None]]}) if need_weights else logits

    def new_cache(self) -> "StateCache":
        """Give an empty cache for one batch of sequences."""
        return StateCache()


class StateCache:
    """The decoder's state after the tokens seen so far; `length` counts them."""

    def __init__(self) -> None:
        self.length = 0
        self.state: Float[Tensor, "batch d_model"] | None = None

    def check(self, words: Float[Tensor, "batch new d_model"]) -> Float[Tensor, "batch d_model"] | None:
        """Give the state, for words of as many sequences and in their dtype; None at first."""
        if self.state is None:
            return None
        check_batch(words, self.state)
        return self.state.to(words.dtype)  # it may have been left by another autocast

    def select(self, rows: Rows, memory: bool = True) -> None:
        """Keep only these rows of the batch, in this order, repeats allowed; it holds nothing of the memory."""
        if self.state is not None:
            self.state = self.state[rows]


class RecurrentEncoder(nn.Module):
    """Read a sequence from both ends, so that each token's vector knows what comes before and after it.

    Source: Bahdanau 2014, §3.2.
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.d_model = check_even("d_model", d_model, "half for each direction")
        self.gru = nn.GRU(d_model, d_model // 2, batch_first=True, bidirectional=True)

    @checked
    def forward(
        self, x: Float[Tensor, "batch seq_len d_model"], mask: Bool[Tensor, "#batch seq_len"]
    ) -> Float[Tensor, "batch seq_len d_model"]:
        """Read x, with a mask that is True at tokens.

        The way back starts at each sequence's own last token, not at its padding. At padding the result is 0.
        """
        lengths = mask.sum(dim=1).clamp(min=1)  # a row of padding alone is read as one token
        lengths = lengths.expand(x.shape[0]).cpu()  # (batch,)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        memory, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=x.shape[1])
        return memory


class BahdanauDecoder(nn.Module):
    """Look, then update: the state from before each word asks, and what it gathers goes into the next state.

        score(state, memory_j) = v · tanh(W_queries state + W_keys memory_j)

    Each step needs the state of the one before, so the words are gone through one by one.

    Source: Bahdanau 2014, §3.1 and appendix A.1.2, A.2.2, with a tanh layer in place of its maxout.
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.d_model = d_model
        self.start = nn.Linear(d_model, d_model)
        self.W_queries = nn.Linear(d_model, d_model, bias=False)
        self.W_keys = nn.Linear(d_model, d_model)
        self.v = nn.Linear(d_model, 1, bias=False)
        self.cell = nn.GRUCell(2 * d_model, d_model)
        self.combine = nn.Linear(3 * d_model, d_model)

    @checked
    def forward(
        self,
        words: Float[Tensor, "batch target_len d_model"],
        memory: Memory,
        memory_mask: MemoryMask,
        state: Float[Tensor, "batch d_model"] | None = None,
    ) -> Decoded:
        """Go through the words.

        Args:
            words: the vector of each.
            memory: what is looked at.
            memory_mask: True = may attend.
            state: where an earlier call ended; None: begin.

        Returns:
            hidden, what the logits are made of; weights; and the state after the last word.
        """
        keys = self.W_keys(memory)  # (batch, source_len, d_model), the same for all words
        state = _first_state(self.start, memory, memory_mask) if state is None else state
        hidden, weights = [], []
        for word in words.unbind(dim=1):  # (batch, d_model)
            scores = self.v(torch.tanh(self.W_queries(state)[:, None] + keys)).mT  # (batch, 1, source_len)
            weight = masked_softmax(scores, memory_mask[:, None])  # (batch, 1, source_len)
            context = (weight @ memory)[:, 0]  # (batch, d_model)
            state = self.cell(torch.cat([word, context], dim=-1), state)  # (batch, d_model)
            hidden.append(torch.tanh(self.combine(torch.cat([state, word, context], dim=-1))))
            weights.append(weight)
        return torch.stack(hidden, dim=1), torch.cat(weights, dim=1), state


class LuongDecoder(nn.Module):
    """Update, then look: each new state asks, and what it gathers goes into the prediction only.

        score(state, memory_j) = stateᵀ W memory_j

    No state waits for a look, so the recurrent network runs through all words at once, and so does attention.

    Source: Luong 2015, §3, eq. 5, and §3.1, "general".
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.d_model = d_model
        self.start = nn.Linear(d_model, d_model)
        self.gru = nn.GRU(d_model, d_model, batch_first=True)
        self.W = nn.Linear(d_model, d_model, bias=False)
        self.combine = nn.Linear(2 * d_model, d_model)

    @checked
    def forward(
        self,
        words: Float[Tensor, "batch target_len d_model"],
        memory: Memory,
        memory_mask: MemoryMask,
        state: Float[Tensor, "batch d_model"] | None = None,
    ) -> Decoded:
        """Go through the words; arguments and results are those of `BahdanauDecoder.forward`."""
        state = _first_state(self.start, memory, memory_mask) if state is None else state
        states, last = self.gru(words, state[None].contiguous())  # (batch, target_len, d_model), (1, batch, d_model)
        scores = states @ self.W(memory).mT  # (batch, target_len, source_len)
        weights = masked_softmax(scores, memory_mask[:, None])
        context = weights @ memory  # (batch, target_len, d_model)
        hidden = torch.tanh(self.combine(torch.cat([context, states], dim=-1)))
        return hidden, weights, last[0]


DECODERS = {"bahdanau": BahdanauDecoder, "luong": LuongDecoder}


def _first_state(layer, memory, memory_mask):
    """Begin with the mean of the memory: what the sentence is about."""
    tokens = memory_mask[..., None].to(memory.dtype)  # (batch, source_len, 1)
    mean = (memory * tokens).sum(dim=1) / tokens.sum(dim=1).clamp(min=1)  # (batch, d_model)
    return torch.tanh(layer(mean))

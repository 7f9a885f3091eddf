"""Generation: from a model's logits to sequences of tokens, greedily, by beam search, or by sampling.

    greedy        the likeliest next token, again and again
    beam_search   several candidates side by side; the likeliest whole sequence of those seen
    sample        a random token, by the probabilities: with temperature, top-k, top-p

All work for encoder-decoders (`Transformer`, `RecurrentTranslator`), which continue `start_id` given a source, and for
`LanguageModel`, which continues a prompt. All keep keys and values of tokens already seen, so that a step reads one new
token. A sequence that has ended leaves the batch, and costs nothing while others go on. The model generates as in
evaluation, without dropout and gradients, and is left as it was.

Sources: Wu et al. 2016, "Google's Neural Machine Translation System", arXiv 1609.08144, §7 (beam search); Fan et al.
2018, arXiv 1805.04833 (top-k); Holtzman et al. 2020, "The Curious Case of Neural Text Degeneration", arXiv 1904.09751
(top-p).
"""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.checking import as_real, real_number, whole_number
from course_lib.models.checks import AttentionMask
from course_lib.models.sequences import begin, check_finite, evaluating, pad_id_of

TEXTS = {
    "no logits": "logits is {value}; expected a tensor of shape (..., vocab_size)",
    "temperature": "temperature is {value!r}; expected a number above 0 (for the likeliest token alone, use greedy)",
}


def greedy(
    model: Any,
    input_ids: Int[Tensor, "batch seq_len"],
    *,
    max_new_tokens: int,
    start_id: int | None = None,
    end_id: int | None = None,
    pad_id: int | None = None,
    attention_mask: AttentionMask | None = None,
    use_cache: bool = True,
) -> Int[Tensor, "batch longest"]:
    """Take the likeliest token at every step.

    >>> new_ids = greedy(translator, source_ids, max_new_tokens=20, start_id=1, end_id=2)
    >>> new_ids = greedy(language_model, prompt_ids, max_new_tokens=20)

    Args:
        model: a `Transformer`, `RecurrentTranslator` or `LanguageModel`.
        input_ids: the source, padded with the model's pad_id, or the prompt to be continued.
        max_new_tokens: tokens after which a sequence stops at the latest.
        start_id: the token that targets begin with; for an encoder-decoder only.
        end_id: the token after which a sequence stops; None: none does.
        pad_id: what fills up sequences that stopped early; None: the model's own, or else end_id.
        attention_mask: True or 1 for tokens of a prompt, False or 0 for padding, at either end; for a language model only.
            None: no padding.
        use_cache: False computes every step anew from the beginning: slow, for comparison.

    Returns:
        new_ids, without source, prompt and start_id; with end_id where a sequence ended.

    Raises:
        ValueError, TypeError: wrong shapes or types, ids out of range, more tokens than the model has positions for,
            logits that are not finite.
    """
    sequences = begin(model, input_ids, max_new_tokens, start_id, end_id, attention_mask, use_cache)
    pad_id = pad_id_of(model, pad_id, end_id)
    return _generate(sequences, _likeliest, max_new_tokens, end_id, pad_id)


def sample(
    model: Any,
    input_ids: Int[Tensor, "batch seq_len"],
    *,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
    start_id: int | None = None,
    end_id: int | None = None,
    pad_id: int | None = None,
    attention_mask: AttentionMask | None = None,
    use_cache: bool = True,
) -> Int[Tensor, "batch longest"]:
    """Draw every token at random, by `sampling_probabilities`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> new_ids = sample(language_model, prompt_ids, max_new_tokens=20, temperature=0.8, generator=generator)

    Args:
        temperature, top_k, top_p: see `sampling_probabilities`.
        generator: a `torch.Generator` on the model's device, to draw the same again; None: PyTorch's own.

    Other arguments, returns and errors: as in `greedy`.
    """
    _check_sampling(temperature, top_k, top_p)
    sequences = begin(model, input_ids, max_new_tokens, start_id, end_id, attention_mask, use_cache)
    pad_id = pad_id_of(model, pad_id, end_id)

    def draw(logits):
        probabilities = sampling_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0]

    return _generate(sequences, draw, max_new_tokens, end_id, pad_id)


def sampling_probabilities(
    logits: Float[Tensor, "... vocab_size"],
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Float[Tensor, "... vocab_size"]:
    """Turn logits into the probabilities that `sample` draws by.

    Args:
        logits: of every token.
        temperature: divides the logits: below 1 likely tokens become likelier still, above 1 all become more alike.
        top_k: only the k likeliest tokens are kept, with all that are as likely as the last of them; None: all.
        top_p: of these, only the fewest likeliest whose probabilities add up to at least p; None: all.

    Returns:
        probabilities: float32 or float64, 0 for tokens that are not kept, with sum 1.

    Raises:
        ValueError: temperature, top_k or top_p make no sense, or a row holds nan, inf or nothing but -inf.
        TypeError: logits is no tensor.
    """
    _check_sampling(temperature, top_k, top_p)
    if not isinstance(logits, torch.Tensor):
        raise TypeError(TEXTS["no logits"].format(value=f"a {type(logits).__name__}"))
    if not logits.numel() or not logits.ndim:
        raise ValueError(TEXTS["no logits"].format(value=f"of shape {tuple(logits.shape)}"))
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    largest = logits.amax(dim=-1, keepdim=True)  # (..., 1)
    check_finite(largest)
    temperature = max(temperature, torch.finfo(logits.dtype).tiny)  # less is 0 in this dtype
    logits = (logits - largest) / temperature  # at most 0: no temperature makes it overflow
    if top_k is not None and top_k < logits.shape[-1]:
        least = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    probabilities = logits.softmax(dim=-1)
    if top_p is not None and top_p < 1:
        ordered, tokens = probabilities.sort(dim=-1, descending=True)
        before = ordered.cumsum(dim=-1) - ordered  # what the likelier ones add up to
        ordered = ordered.masked_fill(before >= top_p, 0)  # the likeliest stays: before it there is 0
        probabilities = torch.zeros_like(probabilities).scatter(-1, tokens, ordered)
        probabilities = probabilities / probabilities.sum(dim=-1, keepdim=True)
    return probabilities


def beam_search(
    model: Any,
    input_ids: Int[Tensor, "batch seq_len"],
    *,
    max_new_tokens: int,
    beam_width: int = 4,
    length_penalty: float = 1.0,
    start_id: int | None = None,
    end_id: int | None = None,
    pad_id: int | None = None,
    attention_mask: AttentionMask | None = None,
    use_cache: bool = True,
) -> tuple[Int[Tensor, "batch longest"], Float[Tensor, " batch"]]:
    """Keep the likeliest beginnings side by side, and return the best sequence that ended.

    Every step continues each of the beam_width beginnings by every token and keeps the likeliest beam_width; one that
    ends among these is a hypothesis, and the next best takes its place. A search is over when it has beam_width
    hypotheses, or when none that is still open can become better than the best. Where none has ended after
    max_new_tokens, the best open one is returned. With beam_width=1 it is `greedy`.

    Args:
        beam_width: beginnings kept for each sequence.
        length_penalty: hypotheses are compared by log-probability / length^length_penalty, else short ones would
            win: 0 compares log-probabilities, 1 their mean over the tokens. The end counts as a token.

    Other arguments and errors: as in `greedy`.

    Returns:
        new_ids, as in `greedy`, and scores: the log-probability of each, divided as above.

    Source: Wu 2016, §7, with the length itself in place of their (5 + length) / 6.
    """
    beam_width = whole_number("beam_width", beam_width, 1)
    length_penalty = real_number("length_penalty", length_penalty, least=0)
    sequences = begin(model, input_ids, max_new_tokens, start_id, end_id, attention_mask, use_cache)
    pad = pad_id_of(model, pad_id, end_id)
    with evaluating(model):
        beams = _Beams(len(input_ids), max_new_tokens, beam_width, length_penalty, pad, input_ids.device)
        for _ in range(max_new_tokens):
            beams.extend(sequences.next_logits(beams.newest()))
            if end_id is not None:
                beams.close(end_id)
            beams.narrow()
            if not beams.go_on(sequences):
                break
        longest = max(_lengths(beams.best_ids, end_id).tolist())
    return beams.best_ids[:, :longest].clone(), beams.best_scores.clone()


class _Beams:
    """The open beginnings of each search, the likeliest first, and the best sequence that has ended.

    Attributes:
        best_ids, best_scores: (batch, most) and (batch,), of all searches.
        rows: (searches,), those that go on.
        ids, sums: (searches, width, length) and (searches, width): open beginnings and their log-probabilities, -inf
            where nothing is left.
    """

    def __init__(self, batch, most, width, penalty, pad_id, device) -> None:
        self.most, self.width, self.penalty, self.pad_id = most, width, penalty, pad_id
        self.best_ids = torch.full((batch, most), pad_id, device=device)
        self.best_scores = torch.full((batch,), -math.inf, device=device)
        self.hypotheses = torch.zeros(batch, dtype=torch.long, device=device)  # how many have ended
        self.rows = torch.arange(batch, device=device)
        self.ids = torch.empty(batch, 1, 0, dtype=torch.long, device=device)
        self.sums = torch.zeros(batch, 1, device=device)

    @property
    def length(self):
        return self.ids.shape[2]

    def newest(self):
        """The last token of each beginning, (searches · width,); None at first."""
        return self.ids[:, :, -1].flatten() if self.length else None

    def extend(self, logits):
        """Continue each beginning by every token, (searches · width, vocab_size), and keep twice the width of them.

        Of each beginning at most one continuation ends, so that enough stay open.
        """
        (searches, self.before), vocab_size = self.sums.shape, logits.shape[-1]
        steps = logits.float().log_softmax(dim=-1).view(searches, self.before, vocab_size)
        candidates = (self.sums[:, :, None] + steps).flatten(1)  # (searches, width · vocab_size)
        most = min(2 * self.width, self.before * vocab_size)
        self.sums, chosen = candidates.topk(most, dim=-1)  # (searches, candidates)
        if self.sums[:, 0].isnan().any():  # nan counts as the largest
            check_finite(logits.amax(dim=-1))
        self.parents, tokens = chosen // vocab_size, chosen % vocab_size
        ids = self.ids.gather(1, self.parents[:, :, None].expand(-1, -1, self.length))
        self.ids = torch.cat([ids, tokens[:, :, None]], dim=2)  # (searches, candidates, length)

    def close(self, end_id):
        """Take the likeliest that have ended for hypotheses, and none of them for a beginning."""
        ended = self.ids[:, :, -1] == end_id
        closed = self.sums.masked_fill(~ended, -math.inf)[:, : self.width]  # (searches, width)
        self.hypotheses[self.rows] += (closed > -math.inf).sum(dim=1)
        scores, which = (closed / self.length**self.penalty).max(dim=1)  # (searches,)
        better = scores > self.best_scores[self.rows]
        self._keep(better, scores, self.ids[torch.arange(len(which), device=which.device), which])
        self.sums = self.sums.masked_fill(ended, -math.inf)

    def narrow(self):
        """Keep the likeliest of those that are open."""
        self.sums, still = self.sums.topk(min(self.width, self.sums.shape[1]), dim=1)  # (searches, new width)
        self.ids = self.ids.gather(1, still[:, :, None].expand(-1, -1, self.length))
        self.parents = self.parents.gather(1, still)

    def go_on(self, sequences):
        """Leave out searches that are over; returns whether any goes on."""
        if self.length == self.most:
            open_ones = self.hypotheses[self.rows] == 0
            self._keep(open_ones, self.sums[:, 0] / self.length**self.penalty, self.ids[:, 0])
            return False
        reachable = self.sums[:, 0] / self.most**self.penalty  # if all tokens to come had probability 1
        hopeful = (self.hypotheses[self.rows] < self.width) & (reachable > self.best_scores[self.rows])
        if not hopeful.any():
            return False
        same_sources = self.sums.shape[1] == self.before and bool(hopeful.all())
        first = torch.arange(len(hopeful), device=hopeful.device)[:, None] * self.before
        sequences.select((first + self.parents)[hopeful].flatten(), memory=not same_sources)
        self.rows, self.ids, self.sums = self.rows[hopeful], self.ids[hopeful], self.sums[hopeful]
        return True

    def _keep(self, which, scores, ids):
        """Let some searches, a mask (searches,), have new best sequences."""
        self.best_scores[self.rows[which]] = scores[which]
        self.best_ids[self.rows[which]] = _padded(ids[which], self.most, self.pad_id)


def _generate(sequences, choose, max_new_tokens, end_id, pad_id):
    """Let `choose` turn logits (rows, vocab_size) into tokens (rows,), until all sequences have ended."""
    with evaluating(sequences.model):
        batch = sequences.batch
        columns, rows, newest = [], None, None  # rows: those that go on; None: all
        for _ in range(max_new_tokens):
            newest = choose(sequences.next_logits(newest))  # (rows,)
            column = newest
            if rows is not None:
                column = newest.new_full((batch,), pad_id)
                column[rows] = newest
            columns.append(column)
            if end_id is None:
                continue
            goes_on = newest != end_id
            if not goes_on.any():
                break
            if not goes_on.all():
                kept = goes_on.nonzero()[:, 0]
                rows = kept if rows is None else rows[kept]
                newest = newest[kept]
                sequences.select(kept)
        new_ids = torch.stack(columns, dim=1)  # (batch, longest)
    return new_ids.clone()  # outside of inference mode, so that training may use it


def _likeliest(logits):
    """The first of the largest: (rows, vocab_size) -> (rows,)."""
    if logits.device.type == "cpu" and logits.dtype in (torch.float32, torch.float64):
        tokens = torch.from_numpy(logits.numpy().argmax(axis=-1))  # a tenth of the time of PyTorch's on a CPU
    else:
        tokens = logits.argmax(dim=-1)
    check_finite(logits.gather(-1, tokens[:, None]))  # nan counts as the largest
    return tokens


def _check_sampling(temperature, top_k, top_p):
    if not 0 < as_real(temperature) < math.inf:
        raise ValueError(TEXTS["temperature"].format(value=temperature))
    if top_k is not None:
        whole_number("top_k", top_k, 1)
    if top_p is not None:
        real_number("top_p", top_p, above=0, most=1)


def _padded(ids, length, pad_id):
    return torch.nn.functional.pad(ids, (0, length - ids.shape[1]), value=pad_id)


def _lengths(ids, end_id):
    """Count the tokens of (batch, seq_len) up to and with the first end_id."""
    if end_id is None:
        return torch.full((len(ids),), ids.shape[1])
    ends = ids == end_id
    return torch.where(ends.any(dim=1), ends.int().argmax(dim=1) + 1, ids.shape[1])

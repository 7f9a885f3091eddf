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

import contextlib
import math

import torch

from course_lib.checking import as_real, as_whole, real_number, whole_number
from course_lib.models.checks import check_ids, read_attention_mask

TEXTS = {
    "no start": "start_id is None; an encoder-decoder needs the token that every target begins with",
    "a start": "start_id came, but a language model continues its prompt; put the token into input_ids",
    "a mask": "attention_mask came, but an encoder-decoder leaves out its source's padding, pad_id, by itself",
    "token": "{name} is {value!r}; expected a token id from 0 to {highest}",
    "empty prompt": "attention_mask leaves no token in row {row} of input_ids; every prompt needs at least one",
    "too long": (
        "{prompt} tokens and max_new_tokens={new} reach beyond the model's {max_len} positions; "
        "expected max_new_tokens of at most {most}"
    ),
    "long prompt": "the prompt has {prompt} tokens; expected at most the model's {max_len} positions",
    "logits": "logits holds a row whose largest number is {value}; expected a finite one: has training diverged?",
    "no logits": "logits is {value}; expected a tensor of shape (..., vocab_size)",
    "temperature": "temperature is {value!r}; expected a number above 0 (for the likeliest token alone, use greedy)",
}


def greedy(
    model,
    input_ids,
    *,
    max_new_tokens,
    start_id=None,
    end_id=None,
    pad_id=None,
    attention_mask=None,
    use_cache=True,
):
    """Take the likeliest token at every step.

    >>> new_ids = greedy(translator, source_ids, max_new_tokens=20, start_id=1, end_id=2)
    >>> new_ids = greedy(language_model, prompt_ids, max_new_tokens=20)

    Args:
        model: a `Transformer`, `RecurrentTranslator` or `LanguageModel`.
        input_ids: (batch, seq_len): the source, padded with the model's pad_id, or the prompt to be continued.
        max_new_tokens: tokens after which a sequence stops at the latest.
        start_id: the token that targets begin with; for an encoder-decoder only.
        end_id: the token after which a sequence stops; None: none does.
        pad_id: what fills up sequences that stopped early; None: the model's own, or else end_id.
        attention_mask: (batch, seq_len), True or 1 for tokens of a prompt, False or 0 for padding, at either end; for a
            language model only. None: no padding.
        use_cache: False computes every step anew from the beginning: slow, for comparison.

    Returns:
        new_ids: (batch, longest), without source, prompt and start_id; with end_id where a sequence ended.

    Raises:
        ValueError, TypeError: wrong shapes or types, ids out of range, more tokens than the model has positions for,
            logits that are not finite.
    """
    sequences = _begin(model, input_ids, max_new_tokens, start_id, end_id, attention_mask, use_cache)
    pad_id = _pad_id(model, pad_id, end_id)
    return _generate(sequences, _likeliest, max_new_tokens, end_id, pad_id)


def sample(
    model,
    input_ids,
    *,
    max_new_tokens,
    temperature=1.0,
    top_k=None,
    top_p=None,
    generator=None,
    start_id=None,
    end_id=None,
    pad_id=None,
    attention_mask=None,
    use_cache=True,
):
    """Draw every token at random, by `sampling_probabilities`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> new_ids = sample(language_model, prompt_ids, max_new_tokens=20, temperature=0.8, generator=generator)

    Args:
        temperature, top_k, top_p: see `sampling_probabilities`.
        generator: a `torch.Generator` on the model's device, to draw the same again; None: PyTorch's own.

    Other arguments, returns and errors: as in `greedy`.
    """
    _check_sampling(temperature, top_k, top_p)
    sequences = _begin(model, input_ids, max_new_tokens, start_id, end_id, attention_mask, use_cache)
    pad_id = _pad_id(model, pad_id, end_id)

    def draw(logits):
        probabilities = sampling_probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p)
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0]

    return _generate(sequences, draw, max_new_tokens, end_id, pad_id)


def sampling_probabilities(logits, *, temperature=1.0, top_k=None, top_p=None):
    """Turn logits into the probabilities that `sample` draws by.

    Args:
        logits: (..., vocab_size).
        temperature: divides the logits: below 1 likely tokens become likelier still, above 1 all become more alike.
        top_k: only the k likeliest tokens are kept, with all that are as likely as the last of them; None: all.
        top_p: of these, only the fewest likeliest whose probabilities add up to at least p; None: all.

    Returns:
        probabilities: (..., vocab_size), float32 or float64, 0 for tokens that are not kept, with sum 1.

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
    _check_finite(largest)
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
    model,
    input_ids,
    *,
    max_new_tokens,
    beam_width=4,
    length_penalty=1.0,
    start_id=None,
    end_id=None,
    pad_id=None,
    attention_mask=None,
    use_cache=True,
):
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
        new_ids: (batch, longest), as in `greedy`.
        scores: (batch,), the log-probability of each, divided as above.

    Source: Wu 2016, §7, with the length itself in place of their (5 + length) / 6.
    """
    beam_width = whole_number("beam_width", beam_width, 1)
    length_penalty = real_number("length_penalty", length_penalty, least=0)
    sequences = _begin(model, input_ids, max_new_tokens, start_id, end_id, attention_mask, use_cache)
    pad_id = _pad_id(model, pad_id, end_id)
    batch, device = len(input_ids), input_ids.device

    with evaluating(model):
        best_ids = torch.full((batch, max_new_tokens), pad_id, device=device)
        best_scores = torch.full((batch,), -math.inf, device=device)
        hypotheses = torch.zeros(batch, dtype=torch.long, device=device)  # how many have ended
        rows = torch.arange(batch, device=device)  # those whose search goes on; batch below is their number
        ids = torch.empty(batch, 1, 0, dtype=torch.long, device=device)  # (batch, width, length)
        sums = torch.zeros(batch, 1, device=device)  # log-probabilities: (batch, width), -inf where nothing is left
        for length in range(1, max_new_tokens + 1):
            batch, width = sums.shape
            newest = ids[:, :, -1].flatten() if length > 1 else None
            logits = sequences.next_logits(newest)  # (batch · width, vocab_size)
            vocab_size = logits.shape[-1]
            steps = logits.float().log_softmax(dim=-1).view(batch, width, vocab_size)
            candidates = (sums[:, :, None] + steps).flatten(1)  # (batch, width · vocab_size)
            # Of each beginning at most one candidate ends, so among twice as many enough stay open.
            sums, chosen = candidates.topk(min(2 * beam_width, width * vocab_size), dim=-1)  # (batch, candidates)
            if sums[:, 0].isnan().any():  # nan counts as the largest
                _check_finite(logits.amax(dim=-1))
            beams, tokens = chosen // vocab_size, chosen % vocab_size
            ids = ids.gather(1, beams[:, :, None].expand(-1, -1, length - 1))
            ids = torch.cat([ids, tokens[:, :, None]], dim=2)  # (batch, candidates, length)

            if end_id is not None:
                ended = tokens == end_id
                closed = sums.masked_fill(~ended, -math.inf)[:, :beam_width]  # (batch, beam_width)
                hypotheses[rows] += (closed > -math.inf).sum(dim=1)
                score, which = (closed / length**length_penalty).max(dim=1)  # (batch,)
                better = score > best_scores[rows]
                best_scores[rows[better]] = score[better]
                best_ids[rows[better]] = _padded(ids[better, which[better]], max_new_tokens, pad_id)
                sums = sums.masked_fill(ended, -math.inf)
            sums, still = sums.topk(min(beam_width, sums.shape[1]), dim=1)  # (batch, new width): the open ones
            ids = ids.gather(1, still[:, :, None].expand(-1, -1, length))
            beams = beams.gather(1, still)

            reachable = sums[:, 0] / max_new_tokens**length_penalty  # if all tokens to come had probability 1
            goes_on = (hypotheses[rows] < beam_width) & (reachable > best_scores[rows])
            if length == max_new_tokens:
                open_ones = hypotheses[rows] == 0
                best_scores[rows[open_ones]] = sums[open_ones, 0] / length**length_penalty
                best_ids[rows[open_ones]] = ids[open_ones, 0]
                break
            if not goes_on.any():
                break
            same_sources = sums.shape[1] == width and bool(goes_on.all())
            chosen_rows = (torch.arange(batch, device=device)[:, None] * width + beams)[goes_on].flatten()
            sequences.select(chosen_rows, memory=not same_sources)
            rows, ids, sums = rows[goes_on], ids[goes_on], sums[goes_on]
        longest = max(_lengths(best_ids, end_id).tolist())
    return best_ids[:, :longest].clone(), best_scores.clone()


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
    _check_finite(logits.gather(-1, tokens[:, None]))  # nan counts as the largest
    return tokens


def _check_finite(largest):
    """Check the largest logit of each row."""
    finite = largest.isfinite()
    if not finite.all():
        raise ValueError(TEXTS["logits"].format(value=largest[~finite][0].item()))


class _Continuation:
    """Prompts that a language model continues."""

    def __init__(self, model, prompt_ids, mask, use_cache):
        self.model, self.ids, self.mask = model, prompt_ids, mask
        self.batch = len(prompt_ids)
        self.cache = model.new_cache() if use_cache else None

    def next_logits(self, newest):
        """Append the newest tokens (rows,), None at first, and give the logits (rows, vocab_size) of the next."""
        new_ids = self.ids if newest is None else newest[:, None]
        if newest is not None and self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(newest), 1)], dim=1)
        if newest is not None and self.cache is None:
            new_ids = self.ids = torch.cat([self.ids, new_ids], dim=1)
        hidden, _ = self.model.hidden_states(new_ids, self.mask, cache=self.cache)
        return self.model.logits(hidden[:, -1])

    def select(self, rows, memory=True):
        """Keep these rows only, in this order, repeats allowed; memory: whether their sources change too."""
        self.ids = self.ids[rows]
        self.mask = None if self.mask is None else self.mask[rows]
        if self.cache is not None:
            self.cache.select(rows, memory)


class _Translation:
    """Targets that an encoder-decoder begins with start_id, given sources."""

    def __init__(self, model, source_ids, start_id, use_cache):
        self.model = model
        self.batch = len(source_ids)
        with evaluating(model):
            self.memory, self.memory_mask = model.encode(source_ids)
        self.ids = source_ids.new_full((self.batch, 1), start_id)
        self.cache = model.new_cache() if use_cache else None

    def next_logits(self, newest):
        """As in `_Continuation`."""
        new_ids = self.ids if newest is None else newest[:, None]
        if newest is not None and self.cache is None:
            new_ids = self.ids = torch.cat([self.ids, new_ids], dim=1)
        return self.model.decode(new_ids, self.memory, self.memory_mask, cache=self.cache)[:, -1]

    def select(self, rows, memory=True):
        """As in `_Continuation`."""
        self.ids = self.ids[rows]
        if memory:
            self.memory, self.memory_mask = self.memory[rows], self.memory_mask[rows]
        if self.cache is not None:
            self.cache.select(rows, memory)


def _begin(model, input_ids, max_new_tokens, start_id, end_id, attention_mask, use_cache):
    """Check the arguments that all functions share, and begin a sequence for each row."""
    max_new_tokens = whole_number("max_new_tokens", max_new_tokens, 1)
    translates = hasattr(model, "encode")
    vocabulary = model.target_embedding if translates else model.token_embedding
    read = model.source_embedding if translates else vocabulary
    check_ids("input_ids", input_ids, "batch seq_len", read.num_embeddings)
    for name, token in {"start_id": start_id, "end_id": end_id}.items():
        if token is not None and as_whole(token) not in range(vocabulary.num_embeddings):
            raise ValueError(TEXTS["token"].format(name=name, value=token, highest=vocabulary.num_embeddings - 1))
    if translates and start_id is None:
        raise ValueError(TEXTS["no start"])
    if translates and attention_mask is not None:
        raise ValueError(TEXTS["a mask"])
    if not translates and start_id is not None:
        raise ValueError(TEXTS["a start"])
    prompt = 1 if translates else input_ids.shape[1]
    table = getattr(getattr(model, "positions", None), "weight", None)  # of learned positions
    if table is not None and prompt + max_new_tokens - 1 > len(table):  # the last token is never read
        about = {"prompt": prompt, "new": max_new_tokens, "max_len": len(table), "most": len(table) + 1 - prompt}
        raise ValueError(TEXTS["too long" if about["most"] > 0 else "long prompt"].format(**about))
    if translates:
        return _Translation(model, input_ids, start_id, use_cache)
    mask = read_attention_mask(attention_mask, *input_ids.shape)
    if mask is not None:
        mask = mask.expand(input_ids.shape)
        if not mask.any(dim=1).all():
            raise ValueError(TEXTS["empty prompt"].format(row=int((~mask.any(dim=1)).nonzero()[0])))
        order = mask.to(torch.uint8).argsort(dim=1, stable=True)  # padding first, so that all prompts end together
        input_ids, mask = input_ids.gather(1, order), mask.gather(1, order)
    return _Continuation(model, input_ids, mask, use_cache)


def _pad_id(model, pad_id, end_id):
    if pad_id is not None:
        pad_id = whole_number("pad_id", pad_id)
    for candidate in (pad_id, getattr(model, "pad_id", None), end_id):
        if candidate is not None:
            return candidate
    return 0  # no sequence stops early, so that nothing is filled up


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


@contextlib.contextmanager
def evaluating(model):
    """Switch off dropout and gradients for a while."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module in training:
            module.training = True

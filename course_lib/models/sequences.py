"""What generation goes on from: prompts that a language model continues, targets that an encoder-decoder begins.

Both give the logits of the next token, and keep keys and values of the tokens already seen.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.checking import Count, checked, whole_number
from course_lib.models.checks import AttentionMask, check_ids, read_attention_mask
from course_lib.models.fast import Rows

Ids = Int[Tensor, "batch seq_len"]

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
}


class Continuation:
    """Prompts that a language model continues."""

    def __init__(
        self, model: Any, prompt_ids: Ids, mask: Bool[Tensor, "batch seq_len"] | None, use_cache: bool
    ) -> None:
        self.model, self.ids, self.mask = model, prompt_ids, mask
        self.batch = len(prompt_ids)
        self.cache = model.new_cache() if use_cache else None

    def next_logits(self, newest: Int[Tensor, " rows"] | None) -> Float[Tensor, "rows vocab_size"]:
        """Append the newest tokens, None at first, and give the logits of the next."""
        new_ids = self.ids if newest is None else newest[:, None]
        if newest is not None and self.mask is not None:
            self.mask = torch.cat([self.mask, self.mask.new_ones(len(newest), 1)], dim=1)
        if newest is not None and self.cache is None:
            new_ids = self.ids = torch.cat([self.ids, new_ids], dim=1)
        hidden, _ = self.model.hidden_states(new_ids, self.mask, cache=self.cache)
        return self.model.logits(hidden[:, -1])

    def select(self, rows: Rows, memory: bool = True) -> None:
        """Keep these rows only, in this order, repeats allowed; memory: whether their sources change too."""
        self.ids = self.ids[rows]
        self.mask = None if self.mask is None else self.mask[rows]
        if self.cache is not None:
            self.cache.select(rows, memory)


class Translation:
    """Targets that an encoder-decoder begins with start_id, given sources."""

    def __init__(self, model: Any, source_ids: Ids, start_id: Any, use_cache: bool) -> None:
        self.model = model
        self.batch = len(source_ids)
        with evaluating(model):
            self.memory, self.memory_mask = model.encode(source_ids)
        self.ids = source_ids.new_full((self.batch, 1), start_id)
        self.cache = model.new_cache() if use_cache else None

    def next_logits(self, newest: Int[Tensor, " rows"] | None) -> Float[Tensor, "rows vocab_size"]:
        """As in `Continuation`."""
        new_ids = self.ids if newest is None else newest[:, None]
        if newest is not None and self.cache is None:
            new_ids = self.ids = torch.cat([self.ids, new_ids], dim=1)
        return self.model.decode(new_ids, self.memory, self.memory_mask, cache=self.cache)[:, -1]

    def select(self, rows: Rows, memory: bool = True) -> None:
        """As in `Continuation`."""
        self.ids = self.ids[rows]
        if memory:
            self.memory, self.memory_mask = self.memory[rows], self.memory_mask[rows]
        if self.cache is not None:
            self.cache.select(rows, memory)


@checked
def begin(
    model: Any,
    input_ids: Ids,
    max_new_tokens: Count,
    start_id: int | None,
    end_id: int | None,
    attention_mask: AttentionMask | None,
    use_cache: bool,
) -> Any:
    """Check the arguments that all functions share, and begin a sequence for each row."""
    translates = hasattr(model, "encode")
    vocabulary = model.target_embedding if translates else model.token_embedding
    read = model.source_embedding if translates else vocabulary
    check_ids("input_ids", input_ids, read.num_embeddings)
    for name, token in {"start_id": start_id, "end_id": end_id}.items():
        if token is not None and token not in range(vocabulary.num_embeddings):
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
        return Translation(model, input_ids, start_id, use_cache)
    mask = read_attention_mask(attention_mask, *input_ids.shape)
    if mask is not None:
        mask = mask.expand(input_ids.shape)
        if not mask.any(dim=1).all():
            raise ValueError(TEXTS["empty prompt"].format(row=int((~mask.any(dim=1)).nonzero()[0])))
        order = mask.to(torch.uint8).argsort(dim=1, stable=True)  # padding first, so that all prompts end together
        input_ids, mask = input_ids.gather(1, order), mask.gather(1, order)
    return Continuation(model, input_ids, mask, use_cache)


def pad_id_of(model: Any, pad_id: int | None, end_id: int | None) -> int:
    """Say what fills up sequences that have ended: the caller's choice, the model's own, or the end itself."""
    if pad_id is not None:
        pad_id = whole_number("pad_id", pad_id)
    for candidate in (pad_id, getattr(model, "pad_id", None), end_id):
        if candidate is not None:
            return candidate
    return 0  # no sequence stops early, so that nothing is filled up


def check_finite(largest: Float[Tensor, "..."]) -> None:
    """Check the largest logit of each row."""
    finite = largest.isfinite()
    if not finite.all():
        raise ValueError(TEXTS["logits"].format(value=largest[~finite][0].item()))


@contextlib.contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Switch off dropout and gradients for a while."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module in training:
            module.training = True

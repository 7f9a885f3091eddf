"""The course's own training runs: data, model and settings that belong together.

    dates              a tiny encoder-decoder that reads dates in 22 locales
    translation        an encoder-decoder for a pair of languages, with its byte-pair vocabulary
    characters         a small GPT on the English of Python's manual
    digits             a Vision Transformer on 8×8 digits

Each returns what it trained and its `History`. The settings were chosen on validation splits; `python -m
benchmarks.quality` measures on the test splits what they reach, beside peers. A call takes other settings too.
"""

import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from torch import nn
from torch.nn import functional as F

from course_lib.bpe import BytePairEncoder, split_words
from course_lib.data import dates as dates_data
from course_lib.data import digits as digits_data
from course_lib.data import docs
from course_lib.models.decoder import LanguageModel
from course_lib.models.decoding import greedy
from course_lib.models.transformer import Transformer
from course_lib.models.vision import VisionTransformer
from course_lib.training import checkpoints
from course_lib.training.batches import Batch, TeacherForced, TokenBatches
from course_lib.training.history import History
from course_lib.training.loop import fit
from course_lib.training.translator import END_ID, PAD_ID, SPECIAL_TOKENS, START_ID, Translator, as_batch, checked_texts

LONGEST_SENTENCE = 100  # tokens; a training pair with a longer side is left out

DATES: dict[str, Any] = {
    "d_model": 64,
    "num_layers": 2,
    "num_decoder_layers": 1,
    "num_heads": 4,
    "d_ff": 256,
    "dropout": 0.0,
}
TRANSLATION: dict[str, Any] = {
    "d_model": 128,
    "num_layers": 3,
    "num_heads": 4,
    "d_ff": 512,
    "dropout": 0.05,
    "norm_first": True,
}
CHARACTERS: dict[str, Any] = {
    "d_model": 128,
    "num_layers": 4,
    "num_heads": 4,
    "positions": "rotary",
    "activation": "relu",
}
WINDOW = 128  # characters
DIGITS: dict[str, Any] = {
    "image_size": 8,
    "patch_size": 2,
    "num_classes": 10,
    "d_model": 64,
    "num_layers": 2,
    "num_heads": 4,
}

TEXTS = {
    "budget": "num_steps and core_seconds are both None; expected one of them",
    "short": "text has {length} characters; expected more than seq_len = {seq_len}",
}


def translation(
    pairs: Sequence[tuple[str, str]],
    *,
    num_steps: int | None = None,
    core_seconds: float | None = None,
    seed: int = 0,
    vocab_size: int = 4000,
    max_tokens: int = 1200,
    sizes: dict[str, Any] = TRANSLATION,
    make: Callable[[int], nn.Module] | None = None,
    **fitting: Any,
) -> tuple[Translator, History]:
    """Train a translator.

    Args:
        pairs: (source sentence, target sentence) of each, the training split.
        num_steps: batches to learn from; None: as many as core_seconds allow on this machine, by a short measurement.
        core_seconds: processor time to spend, where num_steps is None.
        seed: of weights, batches and dropout.
        vocab_size: tokens of the shared vocabulary.
        max_tokens: of a batch, see `TokenBatches`.
        sizes: the arguments of `Transformer` besides vocab_size.
        make: function vocab_size -> model, for another model than `Transformer`.
        fitting: further arguments of `fit`, in place of the recipe's own.

    Returns:
        (translator, history).

    Raises:
        ValueError: neither num_steps nor core_seconds.
    """
    core_seconds = _budget(num_steps, core_seconds)
    words = (word for pair in pairs for sentence in pair for word in split_words(f" {sentence}"))
    tokenizer = BytePairEncoder.train(words, vocab_size, special_tokens=SPECIAL_TOKENS)
    torch.manual_seed(seed)
    model = make(len(tokenizer)) if make else Transformer(vocab_size=len(tokenizer), **sizes)
    translator = Translator(model, tokenizer, None if make else sizes)
    encoded = (translator.pair(source, target) for source, target in pairs)
    encoded = [pair for pair in encoded if pair[0] and max(map(len, pair)) <= LONGEST_SENTENCE]
    batches = TokenBatches(encoded, max_tokens, seed=seed)
    settings: dict[str, Any] = {
        "learning_rate": 6e-3,
        "muon_learning_rate": 3e-2,
        "label_smoothing": 0.1,
        "pad_id": PAD_ID,
        "seed": seed,
        **fitting,
    }
    if num_steps is None:
        num_steps = steps_within(core_seconds, model, batches, **settings)
    settings.setdefault("warmup_steps", num_steps // 20)
    return translator, fit(model, batches, num_steps=num_steps, **settings)


def dates(
    *, num_steps: int = 700, batch_size: int = 128, invented_share: float = 0.4, seed: int = 0, **fitting: Any
) -> tuple[Transformer, History]:
    """Train a `Transformer` that reads a date letter by letter and writes it in ISO 8601.

    Args:
        num_steps, batch_size: how much to learn from.
        invented_share: of formats that nobody uses, see `data.dates.invented`; 0: none.
        seed: of weights, batches and dropout.
        fitting: further arguments of `fit`, in place of the recipe's own.

    Returns:
        (model, history).
    """
    torch.manual_seed(seed)
    model = Transformer(vocab_size=len(dates_data.vocabulary()), **DATES)
    pairs = dates_data.batches(batch_size, num_steps, seed, invented_share=invented_share)
    settings: dict[str, Any] = {
        "learning_rate": 4e-3,
        "muon_learning_rate": 1.5e-2,
        "label_smoothing": 0.05,
        "seed": seed,
        **fitting,
    }
    return model, fit(model, TeacherForced(pairs), num_steps=num_steps, **settings)


def read_dates(model: nn.Module, texts: Iterable[str], batch_size: int = 500) -> list[str]:
    """Let a model of `dates` write dates in ISO 8601.

    Args:
        model: from `dates`.
        texts: dates as people write them.
        batch_size: texts at once.

    Returns:
        what it wrote of each; of nothing comes nothing.

    Raises:
        TypeError: texts is one str, or holds anything else.
        ValueError: a character that no format of dates has.
    """
    characters = dates_data.vocabulary()
    ids = [characters.encode(dates_data.tidy(text)) for text in checked_texts("texts", texts)]
    answers = [""] * len(ids)
    written = [row for row, own in enumerate(ids) if own]
    for start in range(0, len(written), batch_size):
        rows = written[start : start + batch_size]
        source_ids = as_batch([ids[row] for row in rows], model)
        new_ids = greedy(model, source_ids, max_new_tokens=11, start_id=START_ID, end_id=END_ID)
        for row, own in zip(rows, new_ids.tolist(), strict=True):
            answers[row] = characters.decode(own)
    return answers


def characters(
    *,
    num_steps: int | None = None,
    core_seconds: float | None = None,
    batch_size: int = 8,
    seed: int = 0,
    **fitting: Any,
) -> tuple[LanguageModel, History]:
    """Train a `LanguageModel` on the English of Python's manual, letter by letter.

    Args:
        num_steps, core_seconds, seed, fitting: as in `translation`.
        batch_size: windows of 128 characters a batch.

    Returns:
        (model, history).

    Raises:
        ValueError: neither num_steps nor core_seconds.
    """
    core_seconds = _budget(num_steps, core_seconds)
    torch.manual_seed(seed)
    vocabulary = docs.vocabulary()
    model = LanguageModel(vocab_size=len(vocabulary), **CHARACTERS)
    ids = vocabulary.encode(docs.text().train)
    settings: dict[str, Any] = {"learning_rate": 8e-3, "muon_learning_rate": 2e-2, "seed": seed, **fitting}
    most = 100_000 if num_steps is None else num_steps

    def batches():
        return docs.windows(ids, batch_size, WINDOW, most, seed)

    if num_steps is None:
        num_steps = steps_within(core_seconds, model, _Again(batches), **settings)
    settings.setdefault("warmup_steps", num_steps // 20)
    return model, fit(model, batches(), num_steps=num_steps, **settings)


@torch.inference_mode()
def nats_per_character(model: nn.Module, text: str, seq_len: int = WINDOW) -> float:
    """The mean cross-entropy of a model's predictions, each made from half a window of text at least.

    Args:
        model: from `characters`.
        text: longer than a window.
        seq_len: of a window; from each only the second half counts, but for the first.

    Raises:
        ValueError: a text that is too short, or with a character that the manual does not have.
    """
    if len(text) <= seq_len:
        raise ValueError(TEXTS["short"].format(length=len(text), seq_len=seq_len))
    ids = torch.tensor(docs.vocabulary().encode(text), device=next(model.parameters()).device)
    half = seq_len // 2
    starts = range(0, len(ids) - seq_len, half)
    windows = torch.stack([ids[start : start + seq_len + 1] for start in starts])  # (windows, seq_len + 1)
    losses = []
    for some in windows.split(64):
        logits = model(some[:, :-1])
        losses.append(F.cross_entropy(logits.mT, some[:, 1:], reduction="none"))
    losses = torch.cat(losses)  # (windows, seq_len)
    counted = torch.cat([losses[0, :half], losses[:, half:].flatten()])
    return counted.mean().item()


def digits(
    *, num_epochs: int = 30, batch_size: int = 64, seed: int = 0, **fitting: Any
) -> tuple[VisionTransformer, History]:
    """Train a `VisionTransformer` on digits, changed a little at each look.

    Args:
        num_epochs, batch_size: how much to learn from.
        seed, fitting: as in `translation`.

    Returns:
        (model, history).
    """
    torch.manual_seed(seed)
    model = VisionTransformer(**DIGITS)
    images = digits_data.batches(batch_size, num_epochs, seed)
    batches = ((some[:, None], labels) for some, labels in images)  # (batch, 1, 8, 8), (batch,)
    num_steps = num_epochs * math.ceil(len(digits_data.load().train.labels) / batch_size)
    settings: dict[str, Any] = {"learning_rate": 2e-3, "muon_learning_rate": 1e-2, "seed": seed, **fitting}
    settings.setdefault("warmup_steps", num_steps // 40)
    return model, fit(model, batches, num_steps=num_steps, **settings)


class _Again:
    """What a function makes, made anew each time it is gone through."""

    def __init__(self, make):
        self.make = make

    def __iter__(self):
        return iter(self.make())


def steps_within(
    core_seconds: float, model: nn.Module, batches: Iterable[Batch], *, trial: int = 12, **settings: Any
) -> int:
    """How many steps of `fit` take that much processor time on this machine: measured on a copy of the model.

    Of several processes, which must all take as many steps, the main one's measurement counts.
    Nobody sees the measurement: it writes no checkpoint, is not watched or evaluated, and is too short for a warm-up.
    A run that goes on from a checkpoint takes the steps that were measured when it began.
    """
    begun = None if settings.get("checkpoint") is None else checkpoints.latest(settings["checkpoint"])
    if begun is not None:
        return checkpoints.read_state(begun)["settings"]["num_steps"]
    apart = ("checkpoint", "evaluate", "watch", "warmup_steps")
    settings = {name: value for name, value in settings.items() if name not in apart} | {"progress": False}
    probe = copy.deepcopy(model)
    fit(probe, batches, num_steps=2, **settings)
    begin = time.process_time()
    fit(probe, batches, num_steps=trial, **settings)
    num_steps = [max(1, int(core_seconds * trial / (time.process_time() - begin)))]
    return broadcast_object_list(num_steps)[0]


def _budget(num_steps, core_seconds) -> float:
    """The processor time to spend: any, where only the number of steps is told."""
    if num_steps is None and core_seconds is None:
        raise ValueError(TEXTS["budget"])
    return math.inf if core_seconds is None else core_seconds

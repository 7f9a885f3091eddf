"""The course's own training runs: data, model and settings that belong together.

    dates              a tiny encoder-decoder that reads dates in 22 locales
    translation        an encoder-decoder for a pair of languages, with its byte-pair vocabulary
    characters         a small GPT on the English of Python's manual
    digits             a Vision Transformer on 8×8 digits

Each returns what it trained and its `History`. The settings were chosen on validation splits; `python -m
benchmarks.quality` measures on the test splits what they reach, beside peers. A call takes other settings too.
"""

import copy
import itertools
import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import broadcast_object_list
from safetensors.torch import save_file
from torch.nn import functional as F

from course_lib.data import dates as dates_data
from course_lib.data import digits as digits_data
from course_lib.data import docs
from course_lib.data.characters import pad
from course_lib.models.decoder import LanguageModel
from course_lib.models.decoding import beam_search, greedy
from course_lib.models.transformer import Transformer
from course_lib.models.vision import VisionTransformer
from course_lib.tokens import BytePairEncoder, split_words
from course_lib.training import checkpoints
from course_lib.training.batches import TeacherForced, TokenBatches
from course_lib.training.checkpoints import load_weights, storable, weights_of
from course_lib.training.loop import fit

PAD_ID, START_ID, END_ID = 0, 1, 2
SPECIAL_TOKENS = ("<pad>", "<start>", "<end>")
LONGEST_SENTENCE = 100  # tokens; a training pair with a longer side is left out
EXTRA_TOKENS = 10  # by how much a translation may be longer than one and a half times its source

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
    "folder": "{folder} holds no translator: {name} is missing; expected the files {names}",
    "sizes": "{path} is damaged: {reason}",
    "no sizes": "a translator with a model of its own making cannot be saved; expected sizes, a dict of Transformer's arguments",
    "texts": "{name} is one str, {text!r}; expected a sequence of str",
    "text": "{name}[{index}] is a {kind}; expected a str",
    "budget": "num_steps and core_seconds are both None; expected one of them",
    "short": "text has {length} characters; expected more than seq_len = {seq_len}",
}


class Translator:
    """A `Transformer` with the vocabulary that turns sentences into its tokens and back.

    >>> translator, history = translation(multi30k("de", "en").train, num_steps=100)
    >>> translator.translate(["Ein Hund läuft im Schnee."])

    Args:
        model: a `Transformer` whose source and target share the vocabulary.
        tokenizer: a `BytePairEncoder` with the special tokens "<pad>", "<start>" and "<end>", in this order.
        sizes: dict, the arguments of `Transformer` besides `vocab_size` that the model was made with; only `save` needs it.
    """

    FILES = ("model.safetensors", "tokenizer.json", "sizes.json")

    def __init__(self, model, tokenizer, sizes=None):
        self.model, self.tokenizer, self.sizes = model, tokenizer, sizes

    def save(self, folder, **about):
        """Write the translator: weights as safetensors, the rest as JSON.

        Args:
            folder: made if it is not there; its files of these names are replaced.
            about: what else to keep in `sizes.json`, such as data, seed and command.

        Raises:
            ValueError: the model is not one whose sizes are known.
        """
        if self.sizes is None:
            raise ValueError(TEXTS["no sizes"])
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights, tokenizer, sizes = (folder / name for name in self.FILES)
        save_file(storable(weights_of(self.model)), weights)
        self.tokenizer.save(tokenizer)
        sizes.write_text(json.dumps({"sizes": self.sizes, "about": about}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """Read a translator that `save` wrote.

        Args:
            folder: the folder.

        Returns:
            a Translator, its model in eval mode.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: a file is damaged, or the weights are those of another model.
        """
        weights, tokenizer, sizes = (Path(folder) / name for name in cls.FILES)
        for path in (weights, tokenizer, sizes):
            if not path.is_file():
                about = {"folder": folder, "name": path.name, "names": ", ".join(cls.FILES)}
                raise FileNotFoundError(TEXTS["folder"].format(**about))
        tokenizer = BytePairEncoder.load(tokenizer)
        try:
            made_with = json.loads(sizes.read_text(encoding="utf-8"))["sizes"]
            model = Transformer(vocab_size=len(tokenizer), **made_with)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(TEXTS["sizes"].format(path=sizes, reason=error)) from error
        load_weights(model, weights)
        return cls(model.eval(), tokenizer, made_with)

    def encode(self, sentence):
        """A sentence's token ids: a list of int, without start and end. Characters never seen are left out."""
        known = "".join(character for character in sentence if character in self.tokenizer.ids).strip()
        return self.tokenizer.encode(f" {known}") if known else []  # with a space the first word is like all others

    def pair(self, source, target):
        """A pair of sentences as `TokenBatches` wants it: (source ids, target ids with start and end)."""
        return self.encode(source), [START_ID, *self.encode(target), END_ID]

    def translate(self, sentences, *, beam_width=4, batch_size=64):
        """Translate.

        Args:
            sentences: sequence of str.
            beam_width: of `beam_search`; 1 is greedy.
            batch_size: sentences at once, those of like length together.

        Returns:
            list of str.

        Raises:
            TypeError: sentences is one str, or holds anything else.
        """
        sentences = _texts("sentences", sentences)
        sources = [self.encode(sentence) for sentence in sentences]
        order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
        order = [index for index in order if sources[index]]  # of nothing there is nothing to translate
        translations = [""] * len(sources)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            source_ids = _batch([sources[row] for row in rows], self.model)
            most = source_ids.shape[1] * 3 // 2 + EXTRA_TOKENS
            ends = {"max_new_tokens": most, "start_id": START_ID, "end_id": END_ID}
            if beam_width == 1:
                new_ids = greedy(self.model, source_ids, **ends)
            else:
                new_ids, _ = beam_search(self.model, source_ids, beam_width=beam_width, **ends)
            for row, ids in zip(rows, new_ids.tolist(), strict=True):
                text = itertools.takewhile(lambda token: token != END_ID, ids)
                text = [token for token in text if token >= len(SPECIAL_TOKENS)]
                translations[row] = self.tokenizer.decode(text).strip()
        return translations


def translation(
    pairs,
    *,
    num_steps=None,
    core_seconds=None,
    seed=0,
    vocab_size=4000,
    max_tokens=1200,
    sizes=TRANSLATION,
    make=None,
    **fitting,
):
    """Train a translator.

    Args:
        pairs: list of (source sentence, target sentence), the training split.
        num_steps: batches to learn from; None: as many as core_seconds allow on this machine, by a short measurement.
        core_seconds: processor time to spend, where num_steps is None.
        seed: int, of weights, batches and dropout.
        vocab_size: tokens of the shared vocabulary.
        max_tokens: of a batch, see `TokenBatches`.
        sizes: dict, the arguments of `Transformer` besides vocab_size.
        make: function vocab_size -> model, for another model than `Transformer`.
        fitting: further arguments of `fit`, in place of the recipe's own.

    Returns:
        (translator, history): `Translator` and `History`.

    Raises:
        ValueError: neither num_steps nor core_seconds.
    """
    _check_budget(num_steps, core_seconds)
    words = (word for pair in pairs for sentence in pair for word in split_words(f" {sentence}"))
    tokenizer = BytePairEncoder.train(words, vocab_size, special_tokens=SPECIAL_TOKENS)
    torch.manual_seed(seed)
    model = make(len(tokenizer)) if make else Transformer(vocab_size=len(tokenizer), **sizes)
    translator = Translator(model, tokenizer, None if make else sizes)
    encoded = (translator.pair(source, target) for source, target in pairs)
    encoded = [pair for pair in encoded if pair[0] and max(map(len, pair)) <= LONGEST_SENTENCE]
    batches = TokenBatches(encoded, max_tokens, seed=seed)
    settings = {
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


def dates(*, num_steps=700, batch_size=128, invented_share=0.4, seed=0, **fitting):
    """Train a `Transformer` that reads a date letter by letter and writes it in ISO 8601.

    Args:
        num_steps, batch_size: how much to learn from.
        invented_share: of formats that nobody uses, see `data.dates.invented`; 0: none.
        seed: int, of weights, batches and dropout.
        fitting: further arguments of `fit`, in place of the recipe's own.

    Returns:
        (model, history).
    """
    torch.manual_seed(seed)
    model = Transformer(vocab_size=len(dates_data.vocabulary()), **DATES)
    pairs = dates_data.batches(batch_size, num_steps, seed, invented_share=invented_share)
    settings = {"learning_rate": 4e-3, "muon_learning_rate": 1.5e-2, "label_smoothing": 0.05, "seed": seed, **fitting}
    return model, fit(model, TeacherForced(pairs), num_steps=num_steps, **settings)


def read_dates(model, texts, batch_size=500):
    """Let a model of `dates` write dates in ISO 8601.

    Args:
        model: from `dates`.
        texts: list of str.
        batch_size: texts at once.

    Returns:
        list of str; of nothing comes nothing.

    Raises:
        TypeError: texts is one str, or holds anything else.
        ValueError: a character that no format of dates has.
    """
    characters = dates_data.vocabulary()
    ids = [characters.encode(dates_data.tidy(text)) for text in _texts("texts", texts)]
    answers = [""] * len(ids)
    written = [row for row, own in enumerate(ids) if own]
    for start in range(0, len(written), batch_size):
        rows = written[start : start + batch_size]
        source_ids = _batch([ids[row] for row in rows], model)
        new_ids = greedy(model, source_ids, max_new_tokens=11, start_id=START_ID, end_id=END_ID)
        for row, own in zip(rows, new_ids.tolist(), strict=True):
            answers[row] = characters.decode(own)
    return answers


def characters(*, num_steps=None, core_seconds=None, batch_size=8, seed=0, **fitting):
    """Train a `LanguageModel` on the English of Python's manual, letter by letter.

    Args:
        num_steps, core_seconds, seed, fitting: as in `translation`.
        batch_size: windows of 128 characters a batch.

    Returns:
        (model, history).

    Raises:
        ValueError: neither num_steps nor core_seconds.
    """
    _check_budget(num_steps, core_seconds)
    torch.manual_seed(seed)
    vocabulary = docs.vocabulary()
    model = LanguageModel(vocab_size=len(vocabulary), **CHARACTERS)
    ids = vocabulary.encode(docs.text().train)
    settings = {"learning_rate": 8e-3, "muon_learning_rate": 2e-2, "seed": seed, **fitting}
    most = 100_000 if num_steps is None else num_steps

    def batches():
        return docs.windows(ids, batch_size, WINDOW, most, seed)

    if num_steps is None:
        num_steps = steps_within(core_seconds, model, _Again(batches), **settings)
    settings.setdefault("warmup_steps", num_steps // 20)
    return model, fit(model, batches(), num_steps=num_steps, **settings)


@torch.inference_mode()
def nats_per_character(model, text, seq_len=WINDOW):
    """The mean cross-entropy of a model's predictions, each made from half a window of text at least.

    Args:
        model: from `characters`.
        text: str, longer than a window.
        seq_len: of a window; from each only the second half counts, but for the first.

    Returns:
        float.

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


def digits(*, num_epochs=30, batch_size=64, seed=0, **fitting):
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
    settings = {"learning_rate": 2e-3, "muon_learning_rate": 1e-2, "seed": seed, **fitting}
    settings.setdefault("warmup_steps", num_steps // 40)
    return model, fit(model, batches, num_steps=num_steps, **settings)


class _Again:
    """What a function makes, made anew each time it is gone through."""

    def __init__(self, make):
        self.make = make

    def __iter__(self):
        return iter(self.make())


def steps_within(core_seconds, model, batches, *, trial=12, **settings):
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


def _check_budget(num_steps, core_seconds):
    if num_steps is None and core_seconds is None:
        raise ValueError(TEXTS["budget"])


def _texts(name, texts):
    if isinstance(texts, str):  # its letters would be taken for texts
        raise TypeError(TEXTS["texts"].format(name=name, text=texts))
    texts = list(texts)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(TEXTS["text"].format(name=name, index=index, kind=type(text).__name__))
    return texts


def _batch(ids, model):
    """Lists of ids as a tensor (batch, seq_len), where the model is."""
    return torch.from_numpy(pad(ids, PAD_ID)).to(next(model.parameters()).device)

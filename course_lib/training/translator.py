"""A translator: a model with the vocabulary that makes tokens of sentences, kept as three files."""

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from safetensors.torch import save_file
from torch import Tensor, nn

from course_lib.bpe import BytePairEncoder
from course_lib.data.characters import pad
from course_lib.models.decoding import beam_search, greedy
from course_lib.models.transformer import Transformer
from course_lib.training.checkpoints import load_weights, storable, weights_of

PAD_ID, START_ID, END_ID = 0, 1, 2
SPECIAL_TOKENS = ("<pad>", "<start>", "<end>")
EXTRA_TOKENS = 10  # by how much a translation may be longer than one and a half times its source

TEXTS = {
    "folder": "{folder} holds no translator: {name} is missing; expected the files {names}",
    "sizes": "{path} is damaged: {reason}",
    "no sizes": "a translator with a model of its own making cannot be saved; expected sizes, a dict of Transformer's arguments",
    "texts": "{name} is one str, {text!r}; expected a sequence of str",
    "text": "{name}[{index}] is a {kind}; expected a str",
}


class Translator:
    """A `Transformer` with the vocabulary that turns sentences into its tokens and back.

    >>> translator, history = translation(multi30k("de", "en").train, num_steps=100)
    >>> translator.translate(["Ein Hund läuft im Schnee."])

    Args:
        model: a `Transformer` whose source and target share the vocabulary.
        tokenizer: with the special tokens "<pad>", "<start>" and "<end>", in this order.
        sizes: the arguments of `Transformer` besides `vocab_size` that the model was made with; only `save` needs them.
    """

    FILES = ("model.safetensors", "tokenizer.json", "sizes.json")

    def __init__(self, model: nn.Module, tokenizer: BytePairEncoder, sizes: dict[str, Any] | None = None) -> None:
        self.model, self.tokenizer, self.sizes = model, tokenizer, sizes

    def save(self, folder: Path | str, **about: Any) -> None:
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
    def load(cls, folder: Path | str) -> "Translator":
        """Read a translator that `save` wrote.

        Args:
            folder: where it lies.

        Returns:
            the translator, its model in eval mode.

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

    def encode(self, sentence: str) -> list[int]:
        """A sentence's token ids, without start and end. Characters never seen are left out."""
        known = "".join(character for character in sentence if character in self.tokenizer.ids).strip()
        return self.tokenizer.encode(f" {known}") if known else []  # with a space the first word is like all others

    def pair(self, source: str, target: str) -> tuple[list[int], list[int]]:
        """A pair of sentences as `TokenBatches` wants it: (source ids, target ids with start and end)."""
        return self.encode(source), [START_ID, *self.encode(target), END_ID]

    def translate(self, sentences: Iterable[str], *, beam_width: int = 4, batch_size: int = 64) -> list[str]:
        """Translate.

        Args:
            sentences: whole texts, not one.
            beam_width: of `beam_search`; 1 is greedy.
            batch_size: sentences at once, those of like length together.

        Returns:
            a translation of each.

        Raises:
            TypeError: sentences is one str, or holds anything else.
        """
        sentences = checked_texts("sentences", sentences)
        sources = [self.encode(sentence) for sentence in sentences]
        order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
        order = [index for index in order if sources[index]]  # of nothing there is nothing to translate
        translations = [""] * len(sources)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            source_ids = as_batch([sources[row] for row in rows], self.model)
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


def checked_texts(name: str, texts: Iterable[str]) -> list[str]:
    """Texts as a list; TypeError for one text alone, or what is none."""
    if isinstance(texts, str):  # its letters would be taken for texts
        raise TypeError(TEXTS["texts"].format(name=name, text=texts))
    texts = list(texts)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(TEXTS["text"].format(name=name, index=index, kind=type(text).__name__))
    return texts


def as_batch(ids: Sequence[Sequence[int]], model: nn.Module) -> Int[Tensor, "batch seq_len"]:
    """Lists of ids as one tensor, where the model is."""
    return torch.from_numpy(pad(ids, PAD_ID)).to(next(model.parameters()).device)

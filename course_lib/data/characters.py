"""Text as numbers, one a character: the vocabulary of the models that read and write letter by letter."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Int

from course_lib.checking import Array, whole_number

PAD_ID, START_ID, END_ID = 0, 1, 2
SPECIAL = ("<pad>", "<start>", "<end>")

TEXTS = {
    "unknown": "the vocabulary has no {characters}, which is in {text!r}",
    "no sequences": "sequences is empty; expected at least one",
}


class Characters:
    """A vocabulary of characters, with the ids 0 for padding, 1 for the start and 2 for the end of a sequence.

    Args:
        characters: str or any iterable of characters; order and repeats do not matter.

    Example:
        >>> vocabulary = Characters("abc")
        >>> vocabulary.encode("cab", start=True, end=True)
        [1, 5, 3, 4, 2]
        >>> vocabulary.decode([1, 5, 3, 4, 2, 0, 0])
        'cab'
    """

    pad_id, start_id, end_id = PAD_ID, START_ID, END_ID

    def __init__(self, characters: Iterable[str]) -> None:
        self.tokens = (*SPECIAL, *sorted(set(characters)))
        self._ids = {token: number for number, token in enumerate(self.tokens) if number >= len(SPECIAL)}

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, character):
        return character in self._ids

    def encode(self, text: str, *, start: bool = False, end: bool = False) -> list[int]:
        """The ids of a text's characters.

        Args:
            text: str.
            start: begin with the start id.
            end: finish with the end id.

        Returns:
            list of int.

        Raises:
            ValueError: a character that the vocabulary does not have; the message names it.
        """
        unknown = sorted(set(text) - self._ids.keys())
        if unknown:
            characters = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in unknown)
            raise ValueError(TEXTS["unknown"].format(characters=characters, text=text))
        return [START_ID] * start + [self._ids[character] for character in text] + [END_ID] * end

    def decode(self, ids: Iterable[int]) -> str:
        """The text up to the end id; padding and start ids say nothing.

        Args:
            ids: sequence of int, or an array (seq_len,).

        Returns:
            str.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        text = []
        for number in ids:
            number = whole_number("id", number, 0, len(self) - 1)
            if number == END_ID:
                break
            if number >= len(SPECIAL):
                text.append(self.tokens[number])
        return "".join(text)


def pad(sequences: Sequence[Sequence[int]], pad_id: int = PAD_ID) -> Int[Array, "batch seq_len"]:
    """Put sequences of different lengths under each other, padded on the right.

    Args:
        sequences: list of lists of int.
        pad_id: what to fill with.

    Returns:
        int64 array (batch, seq_len), as long as the longest sequence.

    Raises:
        ValueError: no sequences.
    """
    if not len(sequences):
        raise ValueError(TEXTS["no sequences"])
    padded = np.full((len(sequences), max(map(len, sequences))), pad_id, dtype=np.int64)  # (batch, seq_len)
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded

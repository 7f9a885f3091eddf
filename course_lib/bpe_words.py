"""What byte-pair encoding begins with: text cut into words, how often they come, special tokens, characters or bytes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from course_lib.checking import as_whole, checked, entries
from course_lib.printable import well_formed

TEXTS = {
    "word": "{name} holds {value!r}; expected strings of at least one character",
    "words": "words, as from split_words(text), or a mapping from words to their counts",
    "count": "words says {value!r} of the word {word!r}; expected its count, a whole number of at least 1",
    "no words": "words is empty; expected at least one word",
    "special": "special_tokens is {value!r}; expected different strings of at least one character",
    "alphabet": "alphabet holds {value!r}; expected different single characters",
    "byte alphabet": "alphabet has {size} characters; expected the 256 of bytes, since byte_level is True",
}

# GPT-2's pattern: no token ever reaches across two words. Python's `re` has no class for letters alone, so what is a word
# character but neither a digit nor an underscore counts as a letter here; GPT-2 differs for the few numbers that are no
# decimal digits, such as ² and Ⅷ.
WORDS = re.compile(
    r"'(?:s|t|re|ve|m|ll|d)"  # English endings: it's -> it, 's
    r"| ?[^\W\d_]+"  # letters, with the space before them
    r"| ?\d+"  # digits
    r"| ?(?:[^\s\w]|_)+"  # signs
    r"|\s+(?!\S)|\s+"  # white space, but for the last space before a word
)


@checked
def split_words(text: str) -> list[str]:
    """Cut a text into words, each with the space before it, so that joining them gives the text back.

    Args:
        text: any string.

    Returns:
        words, for which "".join(words) == text.

    Source: Radford 2019, the pattern in GPT-2's published `encoder.py`.
    """
    return WORDS.findall(text)


def checked_special(special_tokens: Iterable[str]) -> list[str]:
    """Special tokens as a list of different strings."""
    listed = not isinstance(special_tokens, str) and isinstance(special_tokens, Iterable)
    tokens = list(special_tokens) if listed else []
    are_strings = listed and all(isinstance(token, str) and token for token in tokens)
    if not are_strings or len(set(tokens)) < len(tokens):
        raise ValueError(TEXTS["special"].format(value=special_tokens))
    return tokens


def checked_alphabet(alphabet: Iterable[str], byte_level: bool) -> list[str]:
    """Single characters, each once; those of all bytes for the byte-level form."""
    seen = {}  # in the order of the ids
    for character in alphabet:
        if not isinstance(character, str) or len(character) != 1 or character in seen:
            raise ValueError(TEXTS["alphabet"].format(value=character))
        seen[character] = True
    if byte_level and set(seen) != set(BYTE_OF_CHARACTER):
        raise ValueError(TEXTS["byte alphabet"].format(size=len(seen)))
    return list(seen)


def word_counts(words: Iterable[str] | Mapping[str, int]) -> dict[str, int]:
    """Count the words of a row of words; a mapping holds the counts already."""
    if not isinstance(words, Mapping):
        words = Counter(_word("words", word) for word in entries("words", words, TEXTS["words"]))
    if not words:
        raise ValueError(TEXTS["no words"])
    return {_word("words", word): _count(word, count) for word, count in words.items()}


def _word(name, word):
    if not isinstance(word, str) or not word:
        raise ValueError(TEXTS["word"].format(name=name, value=word))
    return word


def _count(word, count):
    number = as_whole(count)
    if number is None or number < 1:
        raise ValueError(TEXTS["count"].format(word=word, value=count))
    return number


def _characters_of_bytes():
    """One printable character for each of the 256 bytes, as in GPT-2: itself where Latin-1 has one, else from 256 on."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte if byte in printable else 256 + others.index(byte)) for byte in range(256)]


CHARACTER_OF_BYTE = _characters_of_bytes()
BYTE_OF_CHARACTER = {character: byte for byte, character in enumerate(CHARACTER_OF_BYTE)}


def as_characters(word: str, byte_level: bool) -> str:
    """The characters that a word starts as: its own, or one for each byte of its UTF-8 form."""
    if not byte_level:
        return word
    return "".join(CHARACTER_OF_BYTE[byte] for byte in well_formed(word).encode())


@dataclass(frozen=True)
class MergeStep:
    """One step of byte-pair encoding: what was counted, what was merged, and what the words look like after it.

    Attributes:
        pair_counts: how often each pair of neighbouring tokens came, before the merge; most frequent first.
        pair: the two tokens that were merged.
        count: how often the pair came.
        words: the words after the merge: tuple of tokens -> how often this word comes.
    """

    pair_counts: dict[tuple[str, str], int]
    pair: tuple[str, str]
    count: int
    words: dict[tuple[str, ...], int]

    @property
    def token(self) -> str:
        """The new token."""
        return "".join(self.pair)

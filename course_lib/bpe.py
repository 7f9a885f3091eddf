"""Byte-pair encoding, which cuts text into tokens: words that come often stay whole, rare ones fall into pieces.

    text -> split_words -> words -> BytePairEncoder -> token ids       "lowest" -> low·est -> 13, 11

`BytePairEncoder.steps` is byte-pair encoding as one would do it with pencil and paper, one merge a step;
`BytePairEncoder.train` finds the same merges fast.

Sources: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", arXiv 1508.07909; Radford
et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2), §2.2.
"""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from os import PathLike
from pathlib import Path

from course_lib.bpe_words import (
    BYTE_OF_CHARACTER,
    CHARACTER_OF_BYTE,
    MergeStep,
    as_characters,
    checked_alphabet,
    checked_special,
    split_words,
    word_counts,
)
from course_lib.checking import Count, as_whole, checked, entries

__all__ = ["BytePairEncoder", "MergeStep", "split_words"]

TEXTS = {
    "vocab_size": (
        "vocab_size is {value}; expected at least {least}, since {special} special tokens and {alphabet} "
        "{characters} come before the first merge"
    ),
    "character": (
        "text holds {character!r} at index {index}, which was in no training word; "
        "train on words that hold it, or with byte_level=True, which encodes any text"
    ),
    "id": "token_ids holds {value!r} at index {index}; expected whole numbers from 0 to {highest}",
    "ids": "a row of whole numbers",
    "merge": "merges holds {value!r} at index {index}; expected a pair of tokens that exist by then",
    "merge twice": "merges holds {value!r} at index {index}, which makes a token that exists already",
    "file": "{path} holds no byte-pair encoder: {reason}",
    "format": "expected a JSON object with format {format!r}",
}


def _merge(tokens, pair, merged):
    """Put merged in place of each occurrence of the pair, from left to right."""
    result, i = [], 0
    while i < len(tokens):
        if i + 1 < len(tokens) and tokens[i] == pair[0] and tokens[i + 1] == pair[1]:
            result.append(merged)
            i += 2
        else:
            result.append(tokens[i])
            i += 1
    return result


class BytePairEncoder:
    """Cut words into tokens by merging, again and again, the most frequent pair of neighbours.

    It has two forms. The character form starts from the characters of the training words, and refuses text with others.
    The byte-level form, `byte_level=True`, starts from the 256 bytes of UTF-8, and encodes any text without loss; its
    tokens are written with one printable character a byte, "Ġ" for a space, as in GPT-2. Both take words that they have
    never seen, and both give back exactly the text they encoded. Unicode is not normalised. A lone surrogate, which is no
    character and cannot be printed, is "�" to the byte-level form.

    Token ids: first the special tokens, then the characters by code point, then the merged tokens, oldest first.

    Attributes:
        merges: list of pairs of tokens, in the order in which they were learned.
        tokens: list of all tokens; `tokens[id]` is the token of an id.
        ids: dict from the tokens of text to their ids.
        special_ids: dict from the special tokens to their ids. No text ever encodes to one: "<pad>" in a text is text.
        byte_level: which form this is.

    Example:
        >>> encoder = BytePairEncoder.train({"low": 5, "lower": 2, "newest": 6, "widest": 3}, vocab_size=15)
        >>> encoder.merges[:3]
        [('e', 's'), ('es', 't'), ('l', 'o')]
        >>> encoder.tokenize("lowest")
        ['low', 'est']

    Source: Sennrich 2016, §3.2; byte-level: Radford 2019, §2.2. Words carry their space in front, as in GPT-2, in place
    of the paper's sign for a word's end.
    """

    FORMAT = "attention-course byte-pair encoder 1"
    CACHED_WORDS = 100_000

    @checked
    def __init__(
        self, alphabet: Iterable[str], merges: Iterable, *, special_tokens: Iterable[str] = (), byte_level: bool = False
    ) -> None:
        """Build an encoder from merges that are known; `train` learns them.

        Args:
            alphabet: the characters, in the order of their ids.
            merges: pairs of tokens, in the order in which they were learned.
            special_tokens: tokens that stand for no text, such as "<pad>"; their ids come first, from 0 on.
            byte_level: whether the characters stand for bytes.

        Raises:
            ValueError: a merge uses a token that does not exist by then or makes one that does; alphabet does not hold
                different single characters, or special_tokens different strings.
        """
        self.byte_level = byte_level
        self.special_ids = {token: id for id, token in enumerate(checked_special(special_tokens))}
        self.tokens = list(self.special_ids)
        self.ids = {}
        for character in checked_alphabet(alphabet, self.byte_level):
            self._add(character)
        self.merges, self._ranks = [], {}
        for index, pair in enumerate(merges):
            if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(token in self.ids for token in pair):
                raise ValueError(TEXTS["merge"].format(value=pair, index=index))
            if "".join(pair) in self.ids:
                raise ValueError(TEXTS["merge twice"].format(value=pair, index=index))
            self._learn(*pair)
        self._cache = {}

    def _add(self, token):
        self.ids[token] = len(self.tokens)
        self.tokens.append(token)
        return self.ids[token]

    def _learn(self, first, second):
        self._ranks[first, second] = len(self.merges)
        self.merges.append((first, second))
        return self._add(first + second)

    def __len__(self):
        """The size of the vocabulary: special tokens, characters and merged tokens."""
        return len(self.tokens)

    def __repr__(self):
        form = "byte-level" if self.byte_level else "characters"
        return f"<BytePairEncoder: {form}, {len(self)} tokens, {len(self.merges)} merges>"

    # Learning the merges

    @classmethod
    @checked
    def steps(
        cls,
        words: Iterable[str] | Mapping[str, int],
        vocab_size: int,
        *,
        special_tokens: Iterable[str] = (),
        byte_level: bool = False,
        min_count: Count = 1,
    ) -> Iterator[MergeStep]:
        """Learn merges step by step, by the book: count all pairs, merge the most frequent one, start again.

        Slow and easy to follow; `train` finds the same merges. Takes and refuses what `train` does.

        Yields:
            a MergeStep for each merge.
        """
        counts, encoder = cls._untrained(words, vocab_size, special_tokens, byte_level)
        rows = {tuple(as_characters(word, byte_level)): count for word, count in counts.items()}
        while len(encoder) < vocab_size:
            pair_counts = Counter()
            for tokens, count in rows.items():
                for pair in pairwise(tokens):  # inside of words only
                    pair_counts[pair] += count  # a word that comes 5 times counts 5 times
            # Most frequent first; among equals the pair whose first token is oldest, then whose second token is
            order = sorted(pair_counts, key=lambda pair: (-pair_counts[pair], *(encoder.ids[token] for token in pair)))
            if not order or pair_counts[order[0]] < min_count:
                return
            pair = order[0]
            encoder._learn(*pair)
            rows = {tuple(_merge(tokens, pair, "".join(pair))): count for tokens, count in rows.items()}
            yield MergeStep({pair: pair_counts[pair] for pair in order}, pair, pair_counts[pair], dict(rows))

    @classmethod
    @checked
    def train(
        cls,
        words: Iterable[str] | Mapping[str, int],
        vocab_size: int,
        *,
        special_tokens: Iterable[str] = (),
        byte_level: bool = False,
        min_count: Count = 1,
    ) -> "BytePairEncoder":
        """Learn the merges of a text.

        A pair counts as often as the words that hold it come. Among pairs of equal count the one whose first token is
        oldest (has the lowest id) is merged, then the one whose second token is: the answer does not depend on the
        order of the words. Counts of overlapping pairs are taken as they are: "aaa" holds the pair (a, a) twice.

        Fast, since a merge changes only the words that hold its pair: only their pairs are counted anew. No pair comes
        up again once it was merged, since merging never makes a token in a second way.

        Args:
            words: an iterable of words, such as `split_words(text)`, or a mapping from words to their counts.
            vocab_size: how many tokens to have in the end, special tokens and characters included. They are fewer if
                the pairs run out before.
            special_tokens: tokens that stand for no text, such as "<pad>"; their ids come first, from 0 on.
            byte_level: start from bytes in place of characters.
            min_count: leave pairs that come less often alone.

        Returns:
            the encoder.

        Raises:
            ValueError: words is empty, or holds an empty word or a count below 1; vocab_size leaves no room for the
                characters; special_tokens holds a token twice.
            TypeError: words is a string in place of words.

        Source: Sennrich 2016, §3.2, algorithm 1; ties as in Hugging Face's `tokenizers`.
        """
        word_counts, encoder = cls._untrained(words, vocab_size, special_tokens, byte_level)
        counts = list(word_counts.values())
        rows = [[encoder.ids[character] for character in as_characters(word, byte_level)] for word in word_counts]

        pair_counts = Counter()  # pair of ids -> how often it comes
        holders = defaultdict(set)  # pair of ids -> indices of all words that hold it, and of some that did once
        for index, ids in enumerate(rows):
            for pair in pairwise(ids):
                pair_counts[pair] += counts[index]
                holders[pair].add(index)
        heap = [(-count, pair) for pair, count in pair_counts.items()]  # most frequent first, then lowest ids
        heapq.heapify(heap)

        while heap and len(encoder) < vocab_size:
            count, pair = heapq.heappop(heap)
            if -count != pair_counts[pair]:
                continue  # counted before a merge changed it; its new count is in the heap too
            if -count < min_count:
                break
            merged = encoder._learn(*(encoder.tokens[id] for id in pair))
            changes = Counter()
            for index in holders.pop(pair):
                before, after = rows[index], _merge(rows[index], pair, merged)
                rows[index] = after
                for old in pairwise(before):
                    changes[old] -= counts[index]
                for new in pairwise(after):
                    changes[new] += counts[index]
                    holders[new].add(index)
            for changed, difference in changes.items():
                if difference:
                    pair_counts[changed] += difference
                    heapq.heappush(heap, (-pair_counts[changed], changed))
        return encoder

    @classmethod
    def _untrained(cls, words, vocab_size, special_tokens, byte_level):
        words = word_counts(words)
        alphabet = sorted(CHARACTER_OF_BYTE if byte_level else set().union(*words))
        encoder = cls(alphabet, [], special_tokens=special_tokens, byte_level=byte_level)
        if vocab_size < len(encoder):
            about = {"value": vocab_size, "least": len(encoder), "special": len(encoder.special_ids)}
            about |= {"alphabet": len(alphabet), "characters": "bytes" if byte_level else "characters"}
            raise ValueError(TEXTS["vocab_size"].format(**about))
        return words, encoder

    # Using the merges

    @checked
    def tokenize(self, text: str) -> list[str]:
        """Cut a text into tokens: split it into words, then merge in each word as was learned, oldest merge first.

        Args:
            text: any string.

        Returns:
            tokens. In the character form they join to the text; characters never seen stay alone.
        """
        return [token for word in split_words(text) for token in self._tokens_of_word(word)]

    def _tokens_of_word(self, word):
        if word in self._cache:
            return self._cache[word]
        tokens = list(as_characters(word, self.byte_level))
        while True:
            known = [pair for pair in pairwise(tokens) if pair in self._ranks]
            if not known:
                break
            oldest = min(known, key=self._ranks.__getitem__)
            tokens = _merge(tokens, oldest, "".join(oldest))
        if len(self._cache) >= self.CACHED_WORDS:
            self._cache.clear()
        self._cache[word] = tokens
        return tokens

    def encode(self, text: str) -> list[int]:
        """Turn a text into token ids.

        Args:
            text: any string; for the character form, of characters that the training words held.

        Returns:
            token_ids, none for an empty text.

        Raises:
            ValueError: text holds a character that the character form does not know.
        """
        tokens = self.tokenize(text)
        try:
            return [self.ids[token] for token in tokens]
        except KeyError as error:
            character = error.args[0]
            about = {"character": character, "index": text.index(character)}
            raise ValueError(TEXTS["character"].format(**about)) from None

    def decode(self, token_ids: Iterable[int]) -> str:
        """Turn token ids back into text: decode(encode(text)) == text.

        Special tokens stand for no text and are left out. In the byte-level form, ids that a model has put together may
        make no valid UTF-8; each byte that does not fit becomes "�".

        Args:
            token_ids: a row of whole numbers, such as a list or an array of shape (seq_len,).

        Returns:
            text.

        Raises:
            ValueError: token_ids holds something else than whole numbers from 0 to len(self) - 1.
        """
        text = "".join(self.tokens[id] for id in self._checked_ids(token_ids) if id >= len(self.special_ids))
        if not self.byte_level:
            return text
        return bytes(BYTE_OF_CHARACTER[character] for character in text).decode("utf-8", "replace")

    def _checked_ids(self, token_ids):
        ids, highest = [], len(self.tokens) - 1
        for index, value in enumerate(entries("token_ids", token_ids, TEXTS["ids"])):
            id = as_whole(value)
            if id is None or not 0 <= id <= highest:
                raise ValueError(TEXTS["id"].format(value=value, index=index, highest=highest))
            ids.append(id)
        return ids

    # Keeping the merges

    def save(self, path: str | PathLike) -> None:
        """Write the encoder to a JSON file.

        Args:
            path: the file; it is replaced if it exists.
        """
        content = {
            "format": self.FORMAT,
            "byte_level": self.byte_level,
            "special_tokens": list(self.special_ids),
            "alphabet": [token for token in self.ids if len(token) == 1],
            "merges": self.merges,
        }
        text = json.dumps(content, ensure_ascii=False, indent=0)
        Path(path).write_text(text, encoding="utf-8", errors="surrogatepass", newline="\n")

    @classmethod
    def load(cls, path: str | PathLike) -> "BytePairEncoder":
        """Read an encoder that `save` wrote.

        Args:
            path: the file.

        Returns:
            an encoder equal to the one that was saved.

        Raises:
            ValueError: the file holds none, or a damaged one.
            FileNotFoundError: there is no such file.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8", errors="surrogatepass"))
            if not isinstance(content, dict) or content.get("format") != cls.FORMAT:
                raise ValueError(TEXTS["format"].format(format=cls.FORMAT))
            known = {name: content[name] for name in ("alphabet", "merges", "special_tokens", "byte_level")}
            return cls(**known)
        except KeyError as error:
            raise ValueError(TEXTS["file"].format(path=path, reason=f"no {error.args[0]}")) from None
        except (ValueError, TypeError) as error:
            raise ValueError(TEXTS["file"].format(path=path, reason=error)) from error

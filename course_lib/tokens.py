"""From text to numbers: byte-pair encoding, which cuts text into tokens, and word vectors, which place words by meaning.

    text -> split_words -> words -> BytePairEncoder -> token ids       "lowest" -> low·est -> 13, 11
    text -> split_sentences -> words -> WordVectors -> a vector each   "lowercase" lies near "uppercase"

The first half is plain Python, the second NumPy. `BytePairEncoder.steps` is byte-pair encoding as one would do it with
pencil and paper, one merge a step; `BytePairEncoder.train` finds the same merges fast.

Sources: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", arXiv 1508.07909; Radford
et al. 2019, "Language Models are Unsupervised Multitask Learners" (GPT-2), §2.2; Mikolov et al. 2013, "Efficient
Estimation of Word Representations in Vector Space", arXiv 1301.3781, and "Distributed Representations of Words and
Phrases and their Compositionality", arXiv 1310.4546.
"""

import difflib
import heapq
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from course_lib.attention import _checked, _numbers
from course_lib.checking import real_number, whole_number
from course_lib.printable import well_formed

TEXTS = {
    "text": "{name} is {value}; expected a string",
    "words": "words is {value}; expected words, as from split_words(text), or a mapping from words to their counts",
    "word": "{name} holds {value!r}; expected strings of at least one character",
    "count": "words says {value!r} of the word {word!r}; expected its count, a whole number of at least 1",
    "no words": "words is empty; expected at least one word",
    "special": "special_tokens is {value!r}; expected different strings of at least one character",
    "vocab_size": (
        "vocab_size is {value}; expected at least {least}, since {special} special tokens and {alphabet} "
        "{characters} come before the first merge"
    ),
    "character": (
        "text holds {character!r} at index {index}, which was in no training word; "
        "train on words that hold it, or with byte_level=True, which encodes any text"
    ),
    "id": "token_ids holds {value!r} at index {index}; expected whole numbers from 0 to {highest}",
    "ids": "token_ids is {value!r}; expected a row of whole numbers",
    "alphabet": "alphabet holds {value!r}; expected different single characters",
    "byte alphabet": "alphabet has {size} characters; expected the 256 of bytes, since byte_level is True",
    "merge": "merges holds {value!r} at index {index}; expected a pair of tokens that exist by then",
    "merge twice": "merges holds {value!r} at index {index}, which makes a token that exists already",
    "file": "{path} holds no byte-pair encoder: {reason}",
    "format": "expected a JSON object with format {format!r}",
    "sentences": "{name} is {value}; expected lists of words, as from split_sentences(text)",
    "few words": (
        "sentences holds no two neighbouring words that each come at least {min_count} times (min_count); "
        "pass more text, or a smaller min_count"
    ),
    "too thin": "subsample is {value}, which leaves no two neighbouring words; pass a larger one, or None to keep all",
    "objective": 'objective is {value!r}; expected "skip-gram" or "cbow"',
    "counts": "counts has dtype {dtype} and shape {shape}; expected finite positive numbers of shape (words)",
    "word ids": "{name} has dtype {dtype} and shape {shape}; expected whole numbers of shape {expected}",
    "word id": "{name} holds {value}; expected ids from {lowest} to {highest}",
    "examples": "inputs has shape {inputs} and choices {choices}; expected one row an example in both",
    "no input": "inputs holds only -1 in row {row}; expected at least one word",
    "unknown word": "{word!r} is none of the {size} words with a vector{close}",
    "close": "; close to it: {words}",
    "vectors": "vectors has shape {shape}; expected ({size}, d_model), one row for each of words",
    "word twice": "words holds {word!r} twice; expected different words",
}


# ---------------------------------------------------------------------------------------------------------------------
# Text into words: no token ever reaches across two of them
# ---------------------------------------------------------------------------------------------------------------------

# GPT-2's pattern. Python's `re` has no class for letters alone, so what is a word character but neither a digit nor an
# underscore counts as a letter here; GPT-2 differs for the few numbers that are no decimal digits, such as ² and Ⅷ.
WORDS = re.compile(
    r"'(?:s|t|re|ve|m|ll|d)"  # English endings: it's -> it, 's
    r"| ?[^\W\d_]+"  # letters, with the space before them
    r"| ?\d+"  # digits
    r"| ?(?:[^\s\w]|_)+"  # signs
    r"|\s+(?!\S)|\s+"  # white space, but for the last space before a word
)


def split_words(text):
    """Cut a text into words, each with the space before it, so that joining them gives the text back.

    Args:
        text: any string.

    Returns:
        words: list of strings; "".join(words) == text.

    Raises:
        ValueError: text is no string.

    Source: Radford 2019, the pattern in GPT-2's published `encoder.py`.
    """
    return WORDS.findall(_text("text", text))


def _text(name, value):
    if not isinstance(value, str):
        raise ValueError(TEXTS["text"].format(name=name, value=type(value).__name__))
    return value


def _word_counts(words):
    """Count the words of a row of words; a mapping holds the counts already."""
    if isinstance(words, (str, bytes)) or not isinstance(words, Iterable):
        raise ValueError(TEXTS["words"].format(value=f"one {type(words).__name__}"))
    counts = words if isinstance(words, Mapping) else Counter(_word("words", word) for word in words)
    if not counts:
        raise ValueError(TEXTS["no words"])
    return {_word("words", word): _count(word, count) for word, count in counts.items()}


def _word(name, word):
    if not isinstance(word, str) or not word:
        raise ValueError(TEXTS["word"].format(name=name, value=word))
    return word


def _count(word, count):
    try:
        return whole_number("count", count, least=1)
    except ValueError:
        raise ValueError(TEXTS["count"].format(word=word, value=count)) from None


# ---------------------------------------------------------------------------------------------------------------------
# Byte-pair encoding
# ---------------------------------------------------------------------------------------------------------------------


def _characters_of_bytes():
    """One printable character for each of the 256 bytes, as in GPT-2: itself where Latin-1 has one, else from 256 on."""
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte if byte in printable else 256 + others.index(byte)) for byte in range(256)]


CHARACTER_OF_BYTE = _characters_of_bytes()
BYTE_OF_CHARACTER = {character: byte for byte, character in enumerate(CHARACTER_OF_BYTE)}


def _as_characters(word, byte_level):
    """The characters that a word starts as: its own, or one for each byte of its UTF-8 form."""
    if not byte_level:
        return word
    return "".join(CHARACTER_OF_BYTE[byte] for byte in well_formed(word).encode())


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


@dataclass(frozen=True)
class MergeStep:
    """One step of byte-pair encoding: what was counted, what was merged, and what the words look like after it.

    Attributes:
        pair_counts: how often each pair of neighbouring tokens came, before the merge; most frequent first.
        pair: the two tokens that were merged.
        count: how often the pair came.
        words: the words after the merge: tuple of tokens -> how often this word comes.
    """

    pair_counts: dict
    pair: tuple
    count: int
    words: dict

    @property
    def token(self):
        """The new token."""
        return "".join(self.pair)


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

    def __init__(self, alphabet, merges, *, special_tokens=(), byte_level=False):
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
        self.byte_level = bool(byte_level)
        self.special_ids = {token: id for id, token in enumerate(_special(special_tokens))}
        self.tokens = list(self.special_ids)
        self.ids = {}
        for character in _alphabet(alphabet, self.byte_level):
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
    def steps(cls, words, vocab_size, *, special_tokens=(), byte_level=False, min_count=1):
        """Learn merges step by step, by the book: count all pairs, merge the most frequent one, start again.

        Slow and easy to follow; `train` finds the same merges. Takes and refuses what `train` does.

        Yields:
            a MergeStep for each merge.
        """
        words, vocab_size, encoder = cls._untrained(words, vocab_size, special_tokens, byte_level)
        min_count = whole_number("min_count", min_count, least=1)
        words = {tuple(_as_characters(word, byte_level)): count for word, count in words.items()}
        while len(encoder) < vocab_size:
            pair_counts = Counter()
            for tokens, count in words.items():
                for pair in pairwise(tokens):  # inside of words only
                    pair_counts[pair] += count  # a word that comes 5 times counts 5 times
            # Most frequent first; among equals the pair whose first token is oldest, then whose second token is
            order = sorted(pair_counts, key=lambda pair: (-pair_counts[pair], *(encoder.ids[token] for token in pair)))
            if not order or pair_counts[order[0]] < min_count:
                return
            pair = order[0]
            encoder._learn(*pair)
            words = {tuple(_merge(tokens, pair, "".join(pair))): count for tokens, count in words.items()}
            yield MergeStep({pair: pair_counts[pair] for pair in order}, pair, pair_counts[pair], dict(words))

    @classmethod
    def train(cls, words, vocab_size, *, special_tokens=(), byte_level=False, min_count=1):
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
            a BytePairEncoder.

        Raises:
            ValueError: words is empty, a string in place of words, or holds an empty word or a count below 1;
                vocab_size leaves no room for the characters; special_tokens holds a token twice.

        Source: Sennrich 2016, §3.2, algorithm 1; ties as in Hugging Face's `tokenizers`.
        """
        words, vocab_size, encoder = cls._untrained(words, vocab_size, special_tokens, byte_level)
        min_count = whole_number("min_count", min_count, least=1)
        counts = list(words.values())
        words = [[encoder.ids[character] for character in _as_characters(word, byte_level)] for word in words]

        pair_counts = Counter()  # pair of ids -> how often it comes
        holders = defaultdict(set)  # pair of ids -> indices of all words that hold it, and of some that did once
        for index, ids in enumerate(words):
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
                before, after = words[index], _merge(words[index], pair, merged)
                words[index] = after
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
        words = _word_counts(words)
        alphabet = sorted(CHARACTER_OF_BYTE if byte_level else set().union(*words))
        encoder = cls(alphabet, [], special_tokens=special_tokens, byte_level=byte_level)
        if whole_number("vocab_size", vocab_size) < len(encoder):
            about = {"value": vocab_size, "least": len(encoder), "special": len(encoder.special_ids)}
            about |= {"alphabet": len(alphabet), "characters": "bytes" if byte_level else "characters"}
            raise ValueError(TEXTS["vocab_size"].format(**about))
        return words, vocab_size, encoder

    # Using the merges

    def tokenize(self, text):
        """Cut a text into tokens: split it into words, then merge in each word as was learned, oldest merge first.

        Args:
            text: any string.

        Returns:
            tokens: list of strings. In the character form they join to the text; characters never seen stay alone.

        Raises:
            ValueError: text is no string.
        """
        return [token for word in split_words(text) for token in self._tokens_of_word(word)]

    def _tokens_of_word(self, word):
        if word in self._cache:
            return self._cache[word]
        tokens = list(_as_characters(word, self.byte_level))
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

    def encode(self, text):
        """Turn a text into token ids.

        Args:
            text: any string; for the character form, of characters that the training words held.

        Returns:
            token_ids: list of int, empty for an empty text.

        Raises:
            ValueError: text is no string, or holds a character that the character form does not know.
        """
        tokens = self.tokenize(text)
        try:
            return [self.ids[token] for token in tokens]
        except KeyError as error:
            character = error.args[0]
            about = {"character": character, "index": text.index(character)}
            raise ValueError(TEXTS["character"].format(**about)) from None

    def decode(self, token_ids):
        """Turn token ids back into text: decode(encode(text)) == text.

        Special tokens stand for no text and are left out. In the byte-level form, ids that a model has put together may
        make no valid UTF-8; each byte that does not fit becomes "�".

        Args:
            token_ids: a row of whole numbers, such as a list or an array of shape (seq_len,).

        Returns:
            text: string.

        Raises:
            ValueError: token_ids is no row of whole numbers from 0 to len(self) - 1.
        """
        text = "".join(self.tokens[id] for id in self._checked_ids(token_ids) if id >= len(self.special_ids))
        if not self.byte_level:
            return text
        return bytes(BYTE_OF_CHARACTER[character] for character in text).decode("utf-8", "replace")

    def _checked_ids(self, token_ids):
        no_row = getattr(token_ids, "ndim", 1) == 0  # an array of one number calls itself iterable
        if isinstance(token_ids, (str, bytes)) or not isinstance(token_ids, Iterable) or no_row:
            raise ValueError(TEXTS["ids"].format(value=token_ids))
        ids, highest = [], len(self.tokens) - 1
        for index, value in enumerate(token_ids):
            try:
                ids.append(whole_number("id", value, least=0))
            except ValueError:
                raise ValueError(TEXTS["id"].format(value=value, index=index, highest=highest)) from None
            if ids[-1] > highest:
                raise ValueError(TEXTS["id"].format(value=value, index=index, highest=highest))
        return ids

    # Keeping the merges

    def save(self, path):
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
    def load(cls, path):
        """Read an encoder that `save` wrote.

        Args:
            path: the file.

        Returns:
            a BytePairEncoder equal to the one that was saved.

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


def _special(special_tokens):
    listed = isinstance(special_tokens, Iterable) and not isinstance(special_tokens, str)
    tokens = list(special_tokens) if listed else [None]
    if not all(isinstance(token, str) and token for token in tokens) or len(set(tokens)) < len(tokens):
        raise ValueError(TEXTS["special"].format(value=special_tokens))
    return tokens


def _alphabet(alphabet, byte_level):
    seen = {}  # in the order of the ids
    for character in alphabet:
        if not isinstance(character, str) or len(character) != 1 or character in seen:
            raise ValueError(TEXTS["alphabet"].format(value=character))
        seen[character] = True
    if byte_level and set(seen) != set(BYTE_OF_CHARACTER):
        raise ValueError(TEXTS["byte alphabet"].format(size=len(seen)))
    return list(seen)


# ---------------------------------------------------------------------------------------------------------------------
# Word vectors: words that keep the same company come to lie close together
# ---------------------------------------------------------------------------------------------------------------------


def split_sentences(text):
    """Cut a text into sentences of lower-case words; a word is a row of letters and underscores.

    Args:
        text: any string. Sentences end at . ! ? before white space, at :: and at empty lines.

    Returns:
        sentences: list of non-empty lists of words.

    Raises:
        ValueError: text is no string.
    """
    sentences = re.split(r"[.!?](?=\s)|::|\n\s*\n", _text("text", text).lower())
    return [words for sentence in sentences if (words := re.findall(r"[^\W\d]+", sentence))]


def keep_probabilities(counts, threshold=1e-3):
    """Say how often to keep each word when frequent words are thinned out: √(threshold / frequency), at most 1.

    "the" is everywhere and tells little about its neighbours; without most of its places, others come closer together.

    Args:
        counts: (words,), how often each word comes.
        threshold: words of a lower share of the text are always kept. The paper's 1e-5 is for a billion words.

    Returns:
        probabilities: (words,) in (0, 1].

    Raises:
        ValueError: counts holds no positive numbers, or threshold is not above 0.

    Source: Mikolov 2013b (arXiv 1310.4546), §2.3, eq. 5.
    """
    counts = _counts(counts)
    return np.minimum(1, np.sqrt(real_number("threshold", threshold, above=0) * counts.sum() / counts))


def noise_probabilities(counts, power=0.75):
    """Say how often to draw each word as noise: in proportion to count^0.75, so that rare words come up more often.

    Args:
        counts: (words,), how often each word comes.
        power: 1 draws words as often as they come, values towards 0 draw all alike.

    Returns:
        probabilities: (words,), which sum to 1.

    Raises:
        ValueError: counts holds no positive numbers, or power is not above 0.

    Source: Mikolov 2013b (arXiv 1310.4546), §2.2.
    """
    shares = (_counts(counts) / np.max(counts)) ** real_number("power", power, above=0)
    return shares / shares.sum()


def _counts(counts):
    counts = np.asarray(counts)
    if (
        counts.ndim != 1
        or counts.size == 0
        or counts.dtype.kind not in "fiu"
        or not ((counts > 0) & (counts < np.inf)).all()
    ):
        raise ValueError(TEXTS["counts"].format(dtype=counts.dtype, shape=counts.shape))
    return counts.astype(np.float64)


def skip_gram_examples(word_ids, window, rng):
    """List the examples of a sentence for skip-gram: each word has to predict each of its neighbours.

    Each word looks up to a distance of its own, drawn between 1 and window: near neighbours are chosen more often.

    Args:
        word_ids: (seq_len,) whole numbers.
        window: the largest distance.
        rng: NumPy random generator.

    Returns:
        inputs: (examples, 1), the word in the middle.
        targets: (examples,), the neighbour to predict.

    Raises:
        ValueError: word_ids holds no whole numbers, or window is below 1.

    Source: Mikolov 2013a (arXiv 1301.3781), §3.2.
    """
    neighbours = _neighbours(word_ids, window, rng)  # (seq_len, 2 * window)
    middle, _ = np.nonzero(neighbours >= 0)
    return np.asarray(word_ids, dtype=np.int64)[middle, None], neighbours[neighbours >= 0]


def cbow_examples(word_ids, window, rng):
    """List the examples of a sentence for CBOW, the continuous bag of words: all neighbours together predict the word.

    Args:
        word_ids: (seq_len,) whole numbers.
        window: the largest distance; each word looks as far as drawn between 1 and window.
        rng: NumPy random generator.

    Returns:
        inputs: (examples, 2 · window), the neighbours, -1 where there is none.
        targets: (examples,), the word in the middle. A word alone is no example.

    Raises:
        ValueError: word_ids holds no whole numbers, or window is below 1.

    Source: Mikolov 2013a (arXiv 1301.3781), §3.1.
    """
    neighbours = _neighbours(word_ids, window, rng)  # (seq_len, 2 * window)
    has_some = (neighbours >= 0).any(axis=1)
    return neighbours[has_some], np.asarray(word_ids, dtype=np.int64)[has_some]


def _neighbours(word_ids, window, rng):
    """The ids around each position within a reach drawn for it, -1 elsewhere: (seq_len, 2 * window)."""
    word_ids, window = _ids_of_words("word_ids", word_ids, "(seq_len)"), whole_number("window", window, least=1)
    seq_len = len(word_ids)
    steps = np.array([step for step in range(-window, window + 1) if step != 0])
    places = np.arange(seq_len)[:, None] + steps  # (seq_len, 2 * window)
    reach = rng.integers(1, window + 1, size=(seq_len, 1))
    near = (np.abs(steps) <= reach) & (places >= 0) & (places < seq_len)
    return np.where(near, word_ids[np.clip(places, 0, seq_len - 1)], -1)


def _ids_of_words(name, ids, expected, lowest=0, num_words=None):
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iu" or ids.size == 0 or ids.ndim != expected.count(",") + 1:
        raise ValueError(TEXTS["word ids"].format(name=name, dtype=ids.dtype, shape=ids.shape, expected=expected))
    highest = np.iinfo(np.int64).max if num_words is None else num_words - 1
    wrong = ids[(ids < lowest) | (ids > highest)]
    if wrong.size:
        raise ValueError(TEXTS["word id"].format(name=name, value=wrong[0], lowest=lowest, highest=highest))
    return ids.astype(np.int64, copy=False)  # unsigned ids could not hold the -1 for no word


@_checked(W_in="words d_model", W_out="words d_model")
def negative_sampling(inputs, choices, W_in, W_out):
    """Give the loss of telling each true word from noise, and its gradients.

    Each word has two vectors, a row of W_in where it is given and a row of W_out where it is chosen. An example is
    summed up by the mean h of its inputs' vectors. The loss asks h · u to be large for the true word's vector u, and
    small for the noise words': -log σ(h · u_true) - Σ log σ(-h · u_noise), the mean over all examples. So no softmax
    over the whole vocabulary is needed.

    Args:
        inputs: (examples, width) ids of the words given, -1 where there is none: width 1 for skip-gram.
        choices: (examples, 1 + negatives) ids, the true word first, then noise. Noise that is the true word is not
            counted.
        W_in: (words, d_model).
        W_out: (words, d_model).

    Returns:
        loss: number.
        W_in_gradient: (words, d_model).
        W_out_gradient: (words, d_model).

    Raises:
        ValueError: ids or shapes do not fit, an example has no input, or the matrices are not finite.

    Source: Mikolov 2013b (arXiv 1310.4546), §2.2, eq. 4.
    """
    inputs, choices = _examples(inputs, choices, len(W_in))
    given = inputs >= 0  # (examples, width)
    share = given / given.sum(axis=1, keepdims=True)  # what each input adds to the mean
    hidden = np.einsum("ew,ewd->ed", share, W_in[inputs])  # (examples, d_model)
    chosen = W_out[choices]  # (examples, choices, d_model)
    scores = np.einsum("ed,ecd->ec", hidden, chosen)  # (examples, choices)

    is_true = np.arange(choices.shape[1]) == 0
    counted = is_true | (choices != choices[:, :1])
    losses = np.logaddexp(0, np.where(is_true, -scores, scores))  # -log σ(s) = log(1 + e^-s)
    errors = np.where(counted, _sigmoid(scores) - is_true, 0) / len(inputs)  # (examples, choices)

    W_in_gradient, W_out_gradient = np.zeros_like(W_in), np.zeros_like(W_out)
    from_scores = np.einsum("ec,ecd->ed", errors, chosen)  # (examples, d_model)
    np.add.at(W_in_gradient, inputs[given], (share[:, :, None] * from_scores[:, None, :])[given])
    np.add.at(W_out_gradient, choices, errors[:, :, None] * hidden[:, None, :])
    return losses[counted].sum() / len(inputs), W_in_gradient, W_out_gradient


def _sigmoid(x):
    return 0.5 + 0.5 * np.tanh(0.5 * x)  # 1 / (1 + e^-x), without overflow


def _examples(inputs, choices, num_words):
    inputs = _ids_of_words("inputs", inputs, "(examples, width)", lowest=-1, num_words=num_words)
    choices = _ids_of_words("choices", choices, "(examples, choices)", num_words=num_words)
    if len(inputs) != len(choices):
        raise ValueError(TEXTS["examples"].format(inputs=inputs.shape, choices=choices.shape))
    without = (inputs < 0).all(axis=1)
    if without.any():
        raise ValueError(TEXTS["no input"].format(row=int(without.argmax())))
    return inputs, choices


@_checked(W_in="words d_model", W_out="words d_model")
def negative_sampling_by_loops(inputs, choices, W_in, W_out):
    """`negative_sampling` as loops over the examples and their choices."""
    inputs, choices = _examples(inputs, choices, len(W_in))
    loss, W_in_gradient, W_out_gradient = np.zeros(()), np.zeros_like(W_in), np.zeros_like(W_out)
    for example in range(len(inputs)):
        given = [word for word in inputs[example] if word >= 0]
        hidden = sum(W_in[word] for word in given) / len(given)
        true, *noise = choices[example]
        for word in [true, *(word for word in noise if word != true)]:
            is_true, score = word == true, hidden @ W_out[word]
            loss += np.logaddexp(0, -score if is_true else score) / len(inputs)
            error = (_sigmoid(score) - is_true) / len(inputs)
            W_out_gradient[word] += error * hidden
            for neighbour in given:
                W_in_gradient[neighbour] += error * W_out[word] / len(given)
    return loss, W_in_gradient, W_out_gradient


class WordVectors:
    """One vector a word, such that words of like company lie in like directions (word2vec).

    Attributes:
        words: list of words, most frequent first.
        ids: dict from the words to their rows.
        vectors: (words, d_model).
        losses: mean loss of each epoch of training.

    Example:
        >>> sentences = [["red", "apple"], ["green", "apple"], ["red", "pear"], ["green", "pear"]] * 50
        >>> vectors = WordVectors.train(sentences, d_model=8, subsample=None)
        >>> vectors.nearest("apple", 1)[0][0]
        'pear'

    Source: Mikolov 2013a (arXiv 1301.3781) and 2013b (arXiv 1310.4546).
    """

    def __init__(self, words, vectors, losses=()):
        """Keep words and their vectors; `train` learns them.

        Args:
            words: the words, all different.
            vectors: (words, d_model).
            losses: mean loss of each epoch.

        Raises:
            ValueError: there is not one vector of finite numbers for each word, or a word comes twice.
        """
        self.words, self.vectors, self.losses = list(words), _numbers("vectors", vectors), list(losses)
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words):
            raise ValueError(TEXTS["vectors"].format(shape=self.vectors.shape, size=len(self.words)))
        self.ids = {word: row for row, word in enumerate(self.words)}
        if len(self.ids) < len(self.words):
            twice, _ = Counter(self.words).most_common(1)[0]
            raise ValueError(TEXTS["word twice"].format(word=twice))

    @classmethod
    def train(
        cls, sentences, *, objective="skip-gram", d_model=64, window=5, negatives=5, epochs=5, learning_rate=0.1,
        subsample=1e-3, min_count=5, batch_size=256, seed=0,
    ):  # fmt: skip
        """Learn vectors from sentences, by skip-gram or CBOW with negative sampling.

        Steps follow Adagrad, each number's gradient divided by the size of all its gradients so far: a small text has
        words that come five times and words that come thousands of times, which one rate for all does not suit.

        Args:
            sentences: iterable of lists of words, such as `split_sentences(text)`. Drop repeated ones before.
            objective: "skip-gram" predicts each neighbour from a word, "cbow" a word from all its neighbours.
            d_model: how many features.
            window: how far apart neighbours may be.
            negatives: how many noise words for each true one.
            epochs: how many passes over the text.
            learning_rate: the size of Adagrad's first step.
            subsample: threshold of `keep_probabilities`; None keeps all words, as a text of few different words needs.
            min_count: words that come less often are left out.
            batch_size: how many examples a step.
            seed: the same seed gives the same vectors on the same machine.

        Returns:
            WordVectors.

        Raises:
            ValueError: sentences holds no lists of words, or too few words; a number is out of its range.

        Source: Mikolov 2013a and 2013b; the steps: Duchi et al. 2011, "Adaptive Subgradient Methods".
        """
        if objective not in ("skip-gram", "cbow"):
            raise ValueError(TEXTS["objective"].format(value=objective))
        examples_of = skip_gram_examples if objective == "skip-gram" else cbow_examples
        sizes = {"d_model": d_model, "window": window, "negatives": negatives}
        sizes |= {"epochs": epochs, "min_count": min_count, "batch_size": batch_size}
        sizes = [whole_number(name, value, least=1) for name, value in sizes.items()]
        d_model, window, negatives, epochs, min_count, batch_size = sizes
        learning_rate = real_number("learning_rate", learning_rate, above=0)
        threshold = 1.0 if subsample is None else real_number("subsample", subsample, above=0)
        words, counts, sentences = _vocabulary(sentences, min_count)
        keep, noise = keep_probabilities(counts, threshold), noise_probabilities(counts)
        rng = np.random.default_rng(whole_number("seed", seed, least=0))

        W_in = rng.uniform(-0.5, 0.5, size=(len(words), d_model)) / d_model
        W_out = np.zeros_like(W_in)
        squares = [np.full_like(W_in, 1e-12), np.full_like(W_out, 1e-12)]  # above 0: a word may have no gradient yet
        losses = []
        for _ in range(epochs):
            thinned = [ids[rng.random(len(ids)) < keep[ids]] for ids in sentences]
            examples = [examples_of(ids, window, rng) for ids in thinned if len(ids) > 1]
            if not examples:
                raise ValueError(TEXTS["too thin"].format(value=subsample))
            inputs, targets = (np.concatenate(parts) for parts in zip(*examples, strict=True))
            total = 0.0
            order = rng.permutation(len(targets))
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                drawn = rng.choice(len(words), size=(len(batch), negatives), p=noise)
                choices = np.column_stack([targets[batch], drawn])  # (examples, 1 + negatives)
                loss, *gradients = negative_sampling(inputs[batch], choices, W_in, W_out)
                for W, square, gradient in zip((W_in, W_out), squares, gradients, strict=True):
                    square += gradient**2
                    W -= learning_rate * gradient / np.sqrt(square)
                total += loss * len(batch)
            losses.append(float(total / len(order)))
        return cls(words, W_in, losses)

    def _row(self, word):
        if isinstance(word, str) and word in self.ids:
            return self.ids[word]
        close = difflib.get_close_matches(str(word), self.words, n=3)
        hint = TEXTS["close"].format(words=", ".join(close)) if close else ""
        raise ValueError(TEXTS["unknown word"].format(word=word, size=len(self.words), close=hint))

    def __contains__(self, word):
        return word in self.ids

    def __getitem__(self, words):
        """Give the vector of a word, (d_model,), or of a list of words, (words, d_model)."""
        several = isinstance(words, Iterable) and not isinstance(words, str)
        return self.vectors[[self._row(word) for word in words] if several else self._row(words)]

    def similarity(self, word, other):
        """Give the cosine between the vectors of two words, in [-1, 1].

        Args:
            word: a word with a vector.
            other: another one.

        Returns:
            number.

        Raises:
            ValueError: a word has no vector.
        """
        return float(self._similarities(word)[self._row(other)])

    def nearest(self, word, count=10):
        """List the words whose vectors point most nearly where a word's does.

        Args:
            word: a word with a vector.
            count: how many; fewer if there are no more.

        Returns:
            list of (word, cosine), nearest first, without the word itself.

        Raises:
            ValueError: the word has no vector, or count is below 1.
        """
        count, row, similarities = whole_number("count", count, least=1), self._row(word), self._similarities(word)
        nearest = [other for other in np.argsort(-similarities, kind="stable") if other != row]
        return [(self.words[other], float(similarities[other])) for other in nearest[:count]]

    def _similarities(self, word):
        """The cosines of a word with all words: (words,)."""
        vectors = self.vectors.astype(np.float64, copy=False)  # float16 overflows at a length of 256
        lengths = np.linalg.norm(vectors, axis=1)
        lengths = np.where(lengths == 0, 1, lengths)  # a vector of length 0 points nowhere: cosines of 0
        row = self._row(word)
        return vectors @ vectors[row] / (lengths * lengths[row])


def _vocabulary(sentences, min_count):
    """The words that come often enough, most frequent first, their counts, and the sentences as ids of these words."""
    if isinstance(sentences, (str, bytes)) or not isinstance(sentences, Iterable):
        raise ValueError(TEXTS["sentences"].format(name="sentences", value=f"one {type(sentences).__name__}"))
    sentences = list(sentences)
    counts = Counter()
    for index, sentence in enumerate(sentences):
        if isinstance(sentence, (str, bytes)) or not isinstance(sentence, Iterable):
            about = {"name": f"sentences[{index}]", "value": f"one {type(sentence).__name__}"}
            raise ValueError(TEXTS["sentences"].format(**about))
        sentences[index] = [_word(f"sentences[{index}]", word) for word in sentence]
        counts.update(sentences[index])
    words = sorted((word for word, count in counts.items() if count >= min_count), key=lambda word: -counts[word])
    ids = {word: row for row, word in enumerate(words)}
    sentences = [np.array([ids[word] for word in sentence if word in ids], dtype=np.int64) for sentence in sentences]
    if not any(len(sentence) > 1 for sentence in sentences):
        raise ValueError(TEXTS["few words"].format(min_count=min_count))
    return words, np.array([counts[word] for word in words]), sentences

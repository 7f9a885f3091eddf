"""Lesson 02, tokens and embeddings: what is right, and each mistake with its sentence, in the order of its exercises.

Words come as rows of token ids, filled up with -1; merge k makes the token num_tokens + k.
"""

from functools import partial
from itertools import combinations, pairwise

import numpy as np

from course_lib.classroom.practice import answers
from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator
from course_lib.classroom.practice.exercises import judged, reference
from course_lib.classroom.practice.facts import count_of
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips.losses import EPSILONS
from course_lib.classroom.practice.steps import everywhere, step
from course_lib.classroom.practice.trial import call

LETTERS = 4  # small tokens of most cases: a, b, c, d


def table_of(*words):
    """Words, in the letters a to d or as lists of ids, as one table of ids filled up with -1."""
    rows = [["abcd".index(one) if isinstance(one, str) else one for one in word] for word in words]
    longest = max(map(len, rows))
    return np.array([row + [-1] * (longest - len(row)) for row in rows])


def ids(word):
    """A word, in the letters a to d, as ids."""
    return table_of(word)[0]


# ----------------------------------------------------------------------------------------------------------------------
# Counting pairs
# ----------------------------------------------------------------------------------------------------------------------


@step
def without_filling(row):
    """The tokens of a word, without the -1 behind its end."""
    return row[row >= 0]


without_filling.slip("counts-padding", "You count pairs with the filling -1. NumPy reads index -1 as the last token: no pair may hold "
        "it, neither before nor after.", lambda row: row, lambda row: row[: (row >= 0).sum() + 1])  # fmt: skip
without_filling.slip("token-0-dropped", "Token 0 is lost: it is a token like the others. The filling is what is below 0.",
        lambda row: row[row > 0])  # fmt: skip


@step
def neighbours(word):
    """(before, after) of all pairs that stand side by side in a word."""
    return list(pairwise(word))


neighbours.slip("pairs-reversed", "Rows and columns are exchanged: row = the token before, column = the token after.",
        lambda word: [pair[::-1] for pair in pairwise(word)])  # fmt: skip
neighbours.slip("pairs-symmetric", "You count each pair in both directions. (a, b) is a before b, and no more.",
        lambda word: [one for pair in pairwise(word) for one in (pair, pair[::-1])],
        lambda word: [one for pair in pairwise(word) for one in {pair, pair[::-1]}])  # fmt: skip
neighbours.slip("pairs-not-neighbours", "You count tokens that do not stand side by side. A pair is a token and the very next one.",
        lambda word: list(combinations(word, 2)), lambda word: list(zip(word, word[2:], strict=False)))  # fmt: skip
neighbours.slip("pairs-in-steps-of-two", "You cut the word into twos. Pairs overlap: abc holds (a, b) and (b, c).",
        lambda word: list(pairwise(word))[::2])  # fmt: skip
neighbours.slip("pairs-last-missing", "The last pair of each word is missing: n tokens have n − 1 pairs.",
        lambda word: list(pairwise(word))[:-1])  # fmt: skip
neighbours.slip("pairs-first-missing", "The first pair of each word is missing: n tokens have n − 1 pairs.",
        lambda word: list(pairwise(word))[1:])  # fmt: skip
neighbours.slip("pairs-round-the-corner", "The last token of a word is paired with its first: what stands behind the end is nothing.",
        lambda word: list(zip(word, np.roll(word, -1), strict=True)),
        lambda word: list(zip(np.roll(word, 1), word, strict=True)))  # fmt: skip
neighbours.slip("pairs-of-equals-missing", "A pair of twice the same token is missing. (a, a) is a pair like the others.",
        lambda word: [pair for pair in pairwise(word) if pair[0] != pair[1]])  # fmt: skip
neighbours.slip("pairs-not-overlapping", "In a a a the pair (a, a) comes twice: the middle one belongs to both. Here you only count; "
        "nothing is used up.", lambda word: not_overlapping(word))  # fmt: skip
neighbours.slip("tokens-counted", "You count single tokens, on the diagonal. A pair is a token and the one after it.",
        lambda word: [(token, token) for token in word])  # fmt: skip
neighbours.slip("pairs-overwritten", "Where a pair comes more than once, only one of them is kept: `=` overwrites what stands there, "
        "and `+=` with whole arrays as indices does so too.", lambda word: list(dict.fromkeys(pairwise(word))))  # fmt: skip


def not_overlapping(word):
    """The pairs of a word, one of two that share a token of three equal ones left out."""
    found, free = [], 0
    for i, pair in enumerate(pairwise(word)):
        if pair[0] != pair[1] or i >= free:
            found.append(pair)
            free = i + 2 if pair[0] == pair[1] else free
    return found


neighbours.slip("token-0-dropped", None, lambda word: [pair for pair in pairwise(word) if min(pair) > 0],
        *(lambda word, which=which: [pair for pair in pairwise(word) if pair[which] > 0] for which in (0, 1)))  # fmt: skip
neighbours.slip("pairs-sorted", "You sort the two tokens of a pair. (a, b) and (b, a) are two pairs: row = the token before.",
        lambda word: [tuple(sorted(pair)) for pair in pairwise(word)])  # fmt: skip


@step
def weight(count):
    """How often a pair of a word counts."""
    return count


weight.slip("counts-types", "A word that comes five times counts once in your table. How often do its pairs come in the text?",
        lambda count: 1)  # fmt: skip
weight.slip("counts-twice", "A word's count enters twice, multiplied by itself.", lambda count: count**2)


@step
def weighted_pairs(words, counts):
    """(before, after, how often) of all pairs in all words."""
    return [
        (*pair, weight(count))
        for row, count in zip(words, counts, strict=True)
        for pair in neighbours(without_filling(row))
    ]


def pairs_across(words, counts, *, ravelled=False, of_the_later=False):
    """Those of somebody who makes one row of all words."""
    short = [row if ravelled else row[row >= 0] for row in words]
    text, weights = np.concatenate(short), np.repeat(counts, list(map(len, short)))
    pairs = zip(text[:-1], text[1:], weights[1:] if of_the_later else weights[:-1], strict=True)
    return [pair for pair in pairs if min(pair[:2]) >= 0]


def pairs_of_the_text(words, counts):
    """Those of somebody who writes the text out, each word as often as it comes."""
    text = [token for row, count in zip(words, counts, strict=True) for token in row[row >= 0].tolist() * int(count)]
    return [(*pair, 1) for pair in pairwise(text)]


weighted_pairs.slip("pairs-across-words", "A pair reaches from the end of one word to the beginning of the next. Stay inside words.",
        pairs_across, partial(pairs_across, of_the_later=True), partial(pairs_across, ravelled=True),
        partial(pairs_across, ravelled=True, of_the_later=True), pairs_of_the_text)  # fmt: skip
weighted_pairs.slip("first-word-only", "Only the first word is looked at. Does a return stand inside of the loop?",
        lambda words, counts: weighted_pairs(words[:1], counts[:1]))  # fmt: skip
weighted_pairs.slip("last-word-only", "Only the last word is in your table. Is it made anew for each word?",
        lambda words, counts: weighted_pairs(words[-1:], counts[-1:]))  # fmt: skip
weighted_pairs.slip("last-word-missing", "The last word is missing. Does a loop stop one early?",
        lambda words, counts: weighted_pairs(words[:-1], counts[:-1]))  # fmt: skip
weighted_pairs.slip("ended-by-the-filling", "The first -1 ends everything, the words after it too. It is the end of its word only.",
        lambda words, counts: weighted_pairs(words[: (n := until_filling(words))], counts[:n]))  # fmt: skip


def until_filling(words):
    """How many words there are up to the first that is filled up, itself included."""
    return int(np.argmin((words >= 0).all(axis=1))) + 1 if (words < 0).any() else len(words)


@step
def tallied(pairs, num_tokens):
    """The sum of each pair's weights: (num_tokens, num_tokens)."""
    table = np.zeros((num_tokens, num_tokens))
    for before, after, count in pairs:
        table[before, after] += count
    return table


tallied.slip("pairs-overwritten", None,
        lambda pairs, num_tokens: tallied({pair[:2]: pair for pair in pairs}.values(), num_tokens))  # fmt: skip
tallied.slip("pairs-present", "Your table says whether a pair comes, not how often.",
        lambda pairs, num_tokens: (tallied(pairs, num_tokens) > 0).astype(float))  # fmt: skip
tallied.slip("counts-overflow", "Your table's numbers are of a kind too small for counts: what is larger than its largest starts again "
        "from below.", *(lambda pairs, num_tokens, kind=kind: tallied(pairs, num_tokens).astype(int).astype(kind)
                         for kind in ("u1", "i1", "u2", "i2")))  # fmt: skip


@reference(
    "02.pair_counts",
    title="Count the pairs",
    points=2,
    hints=[
        "Two loops: over the words, and inside a word over neighbours. What do you add for a word that comes counts[row] times?",
        "The filling -1 is no token. Cut it off first: `word = words[row][words[row] >= 0]`.",
        "`for a, b in zip(word[:-1], word[1:]): table[a, b] += counts[row]`.",
    ],
    returns="pair counts",
)
def pair_counts(words, counts, num_tokens):
    return tallied(weighted_pairs(words, counts), num_tokens)


@cases("02.pair_counts")
def pair_count_cases():
    yield Case("two words of different length", table_of("bab", "ab"), np.array([2, 3]), 2)
    yield Case("words without filling", table_of("aba", "bcc", "cbd"), np.array([1, 4, 2]), LETTERS)
    yield Case("a pair that comes twice in a word", table_of("abcab", "ca"), np.array([5, 2]), 3)
    yield Case("a token three times in a row", table_of("aaab", "caaa", "ba"), np.array([7, 2, 4]), 3)
    yield Case("a word of one token, and tokens that do not occur", table_of("a", "cab"), np.array([5, 2]), 6)
    rng = generator(1)
    words = table_of(*(rng.integers(0, LETTERS, length).tolist() for length in (7, 3, 5, 2, 6)))
    yield Case("more words", words, rng.integers(1, 50, 5), LETTERS)
    yield Case("words that come very often", table_of("ab", "bab"), rng.integers(70_000, 90_000, 2), 2)


mistake("02.pair_counts", "pair-shares", "These are shares. Asked for is how often: the counts themselves.",
        lambda *inputs: (t := pair_counts(*inputs)) / t.sum(),
        lambda *inputs: np.nan_to_num((t := pair_counts(*inputs)) / t.sum(axis=1, keepdims=True)))  # fmt: skip
mistake("02.pair_counts", "count-of-another-word", "All words are counted as often as one of them, the first or the last. Each has its "
        "own count.", *(lambda words, counts, n, i=i: pair_counts(words, np.full_like(counts, counts[i]), n) for i in (0, -1)))  # fmt: skip
mistake("02.pair_counts", "table-of-what-occurs", "Your table has room for the tokens that occur. There are num_tokens of them, whether "
        "they occur or not.", lambda words, counts, num_tokens: pair_counts(words, counts, words.max() + 1))  # fmt: skip
mistake("02.pair_counts", "table-larger", "Your table has a row and a column more than there are tokens. The filling needs none.",
        lambda words, counts, num_tokens: pair_counts(words, counts, num_tokens + 1))  # fmt: skip
mistake("02.pair_counts", "tokens-summed-up", "These are counts of single tokens. Asked for is a table: the token before and the one "
        "after.", lambda *inputs: pair_counts(*inputs).sum(axis=1), lambda *inputs: pair_counts(*inputs).sum(axis=0),
        lambda words, counts, num_tokens: often(words, counts, range(num_tokens)))  # fmt: skip


def often(words, counts, tokens):
    """How often each of the tokens comes by itself."""
    return np.array([((words == token).sum(axis=1) * counts).sum() for token in tokens])


# ----------------------------------------------------------------------------------------------------------------------
# One merge
# ----------------------------------------------------------------------------------------------------------------------


@step
def merged(ids, pair, new_id):
    """The ids with the pair replaced, from left to right."""
    return walked(ids, pair, new_id)


def walked(ids, pair=(), new_id=None, *, replaces=None, most=np.inf, end=0, step=2, other_step=1):
    """A merge by walking.

    Args:
        ids, pair, new_id: as in `merge`.
        replaces: dict of what two ids in a row become; None: the pair becomes new_id.
        most: how many merges there are at most.
        end: how many places before the end it stops, and what is left is lost.
        step, other_step: how far it goes on after a merge, and elsewhere.
    """
    ids = list(map(int, ids))
    replaces = {tuple(map(int, pair)): new_id} if replaces is None else replaces
    result, i = [], 0
    while i < len(ids) - end:
        new = replaces.get(tuple(ids[i : i + 2])) if most > 0 else None
        result.append(ids[i] if new is None else new)
        i, most = (i + other_step, most) if new is None else (i + step, most - 1)
    return np.array(result, dtype=int)


def walked_if(is_pair, ids, pair, new_id):
    """A merge of all two ids in a row of which something is true."""
    return walked(ids, replaces={two: new_id for two in pairwise(map(int, ids)) if is_pair(*two, *pair)})


def places(ids, pair):
    """Where the pair begins, overlapping or not: a boolean for each place."""
    here = np.zeros(len(ids), dtype=bool)
    here[:-1] = (ids[:-1] == pair[0]) & (ids[1:] == pair[1])
    return here


def later(flags):
    """Flags, one place later; the last one is never set."""
    return np.roll(flags, 1)


def from_right(ids, pair, new_id, **limits):
    """A merge by walking from the end to the beginning."""
    return walked(ids[::-1], pair[::-1], new_id, **limits)[::-1]


def writes(ids, pair, new_id, *instead):
    """A merge that writes these in place of the pair."""
    return np.array([x for t in walked(ids, pair, new_id) for x in (instead if t == new_id else [t])], dtype=int)


def past_the_end(ids, pair, new_id, *, always=True):
    """A merge that asks for the token behind the last one: always, or only where the last could begin the pair."""
    alone = walked(ids, pair, new_id)[-1] == ids[-1] and (always or ids[-1] == pair[0])
    return walked(ids, pair, new_id) if not alone else ids[len(ids)]


def as_long_as_before(ids, pair, new_id):
    """A merge in a list that gets shorter, while its loop counts on to the old end."""
    ids = ids.tolist()
    for i in range(len(ids) - 1):
        if ids[i] == pair[0] and ids[i + 1] == pair[1]:
            ids[i : i + 2] = [new_id]
    return np.array(ids)


def as_text(ids, pair, new_id, between):
    """A merge by replacing text."""
    text = between.join(map(str, ids)).replace(between.join(map(str, pair)), str(new_id))
    return np.array([int(token) for token in (text.split(between) if between else text)])


merged.slip("merge-nothing", "Your result is the ids as they came. Where the pair stands, the new id has to stand.",
        lambda ids, pair, new_id: ids)  # fmt: skip
merged.slip("merge-first-only", "Only the first place is merged. Go on to the end of the ids.",
        partial(walked, most=1))  # fmt: skip
merged.slip("merge-last-only", "Only the last place is merged. It is to be merged wherever it stands.",
        partial(from_right, most=1))  # fmt: skip
merged.slip("merge-overlapping", "In a a a you merge two pairs that share a token. After a merge, go on behind both tokens.",
        lambda ids, pair, new_id: np.where(here := places(ids, pair), new_id, ids)[here | ~later(here)],
        lambda ids, pair, new_id: np.where(here := places(ids, pair), new_id, ids)[~later(here)],
        lambda ids, pair, new_id: np.where(later(here := places(ids, pair)), new_id, ids)[~here],
        lambda ids, pair, new_id: np.where(later(here := places(ids, pair)), new_id, ids)[later(here) | ~here])  # fmt: skip
merged.slip("merge-from-right", "a a a becomes a X in your merge; the rule is from left to right: X a.", from_right)
merged.slip("merge-leaves-one", "You put the new id in, but one of the two old ones still stands beside it.",
        lambda ids, pair, new_id: np.where(places(ids, pair), new_id, ids),
        lambda ids, pair, new_id: np.where(later(places(ids, pair)), new_id, ids),
        lambda ids, pair, new_id: writes(ids, pair, new_id, new_id, pair[1]),
        lambda ids, pair, new_id: writes(ids, pair, new_id, pair[0], new_id))  # fmt: skip
merged.slip("merge-leaves-both", "You put the new id in, and both of the old ones still stand behind it.",
        lambda ids, pair, new_id: np.insert(ids, np.flatnonzero(places(ids, pair)), new_id))  # fmt: skip
merged.slip("merge-both-replaced", "Both tokens of the pair become the new id. Two become one.",
        lambda ids, pair, new_id: np.where((here := places(ids, pair)) | later(here), new_id, ids),
        lambda ids, pair, new_id: writes(ids, pair, new_id, new_id, new_id))  # fmt: skip
merged.slip("merge-either-order", "You merge (b, a) too. Only a before b is this pair.",
        partial(walked_if, lambda x, y, a, b: {x, y} == {a, b}),
        lambda ids, pair, new_id: walked(walked(ids, pair, new_id), pair[::-1], new_id))  # fmt: skip
merged.slip("merge-other-order", "You merge b before a. The pair is a before b.",
        lambda ids, pair, new_id: walked(ids, pair[::-1], new_id))  # fmt: skip
merged.slip("merge-any-of-the-two", "You only ask whether a token is one of the two. It takes a, followed by b, to make the new one.",
        lambda ids, pair, new_id: np.where((ids == pair[0]) | (ids == pair[1]), new_id, ids),
        partial(walked_if, lambda x, y, a, b: {x, y} <= {a, b}))  # fmt: skip
merged.slip("merge-looks-at-one", "One of the two tokens is enough in your merge. The pair stands where both of them do, side by side.",
        *(partial(walked_if, test) for test in (lambda x, y, a, b: x == a, lambda x, y, a, b: y == b, lambda x, y, a, b: x == a or y == b)),
        lambda ids, pair, new_id: np.where(ids == pair[0], new_id, ids))  # fmt: skip
merged.slip("merge-keeps-length", "Your result is as long as the input. Two tokens become one: it gets shorter.",
        *(lambda ids, pair, new_id, filling=filling: np.pad(
            short := walked(ids, pair, new_id), (0, len(ids) - len(short)), constant_values=filling) for filling in (-1, 0)))  # fmt: skip
merged.slip("merge-drops-last", "The last token is lost when no pair ends there.", partial(walked, end=1))
merged.slip("merge-misses-end", "A pair at the very end is not merged. Does the loop, or the test for the end, stop one early?",
        lambda ids, pair, new_id: np.concatenate([walked(ids[:-1], pair, new_id), ids[-1:]]))  # fmt: skip
merged.slip("merge-misses-start", "A pair at the very beginning is not merged: places are counted from 0.",
        lambda ids, pair, new_id: np.concatenate([ids[:1], walked(ids[1:], pair, new_id)]))  # fmt: skip
merged.slip("merge-in-steps-of-two", "You look at every second place only. Where nothing is merged, go on by one.",
        partial(walked, other_step=2),
        lambda ids, pair, new_id: np.concatenate([walked(ids[i : i + 2], pair, new_id) for i in range(0, len(ids), 2)]))  # fmt: skip
merged.slip("merge-swallows-next", "The token behind each merged pair is lost: a merge uses up two tokens, not three.",
        partial(walked, step=3))  # fmt: skip
merged.slip("merge-leaves-nothing", "The pair is gone, and no new id stands in its place.", writes)
merged.slip("merge-new-ids-only", "Only the new ids are left: tokens that were not merged stay where they are.",
        lambda ids, pair, new_id: (short := walked(ids, pair, new_id))[short == new_id])  # fmt: skip
merged.slip("merge-as-text", "You replace text, and numbers of several digits are torn apart: in \"11 2\" stands a \"1 2\". Compare "
        "ids, not their digits.", *(partial(as_text, between=between) for between in (" ", ",", "")))  # fmt: skip
merged.slip("merge-as-bytes", "You replace bytes, and a byte ends at 255. Merged tokens have larger numbers.",
        lambda ids, pair, new_id: np.array(list(bytes(ids.tolist()).replace(bytes(list(map(int, pair))), bytes([new_id])))))  # fmt: skip
merged.slip("merge-end-twice", "When a pair ends the word, its last token stands there once more.",
        lambda ids, pair, new_id: np.append(walked(ids, pair, new_id, end=1), ids[-1:]))  # fmt: skip
merged.slip("merge-last-alone", "A token that stands alone at the end is merged: a slice of two holds only one there, and one equals "
        "both of a pair (a, a).", lambda ids, pair, new_id: walked(
            ids, replaces={tuple(pair): new_id, tuple(pair[: 1 + (pair[0] != pair[1])]): new_id}))  # fmt: skip
merged.slip("merge-past-the-end", "At the last token you ask for the one behind it, and there is none.",
        past_the_end, partial(past_the_end, always=False))  # fmt: skip
merged.slip("merge-as-long-as-before", "Merging makes the ids fewer, but your loop counts on to where they ended before.",
        as_long_as_before)  # fmt: skip


@reference(
    "02.merge",
    title="One merge",
    points=1,
    hints=[
        "Walk from the left. At each place: does the pair stand here? Then write the new id. How far do you step?",
        "A `while` loop with its own index i: step 2 after a merge, 1 otherwise. Mind the last place, which has no right neighbour.",
        "`if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]: out.append(new_id); i += 2`, "
        "`else: out.append(ids[i]); i += 1`; at the end `np.array(out)`.",
    ],
    returns="merged ids",
)
def merge(ids, pair, new_id):
    return merged(ids, pair, new_id)


@cases("02.merge")
def merge_cases():
    yield Case("a pair in the middle", ids("cabd"), ids("ab"), 7)
    yield Case("a pair at both ends", ids("abcab"), ids("ab"), 7)
    yield Case("a pair three times, and its tokens alone", ids("abcabdababa"), ids("ab"), 9)
    yield Case("b before a", ids("cbaab"), ids("ab"), 4)
    yield Case("a a a", ids("aaab"), ids("aa"), 5)
    yield Case("five equal tokens", ids("aaaaa"), ids("aa"), 7)
    yield Case("a pair that is not there", ids("bd"), ids("ab"), 7)
    yield Case("one token", ids("a"), ids("aa"), 7)
    yield Case("numbers of two digits", np.array([11, 2, 1, 2, 1, 21]), np.array([1, 2]), 30)
    yield Case("numbers above 255", np.array([300, 116, 104, 300, 116]), np.array([300, 116]), 301)
    rng = generator(1)
    yield Case("a longer word", rng.integers(0, 3, 25), rng.integers(0, 3, 2), int(rng.integers(10, 20)))


mistake("02.merge", "new-id-not-used", "The new token has another number than new_id.",
        lambda ids, pair, new_id: walked(ids, pair, int(ids.max()) + 1), lambda ids, pair, new_id: walked(ids, pair, 256),
        lambda ids, pair, new_id: walked(ids, pair, int(sum(pair))), lambda ids, pair, new_id: walked(ids, pair, len(ids)))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Learning merges
# ----------------------------------------------------------------------------------------------------------------------


def colleagues_merges(words, counts, num_merges, num_tokens):
    """A colleague's merges: she counts all pairs and takes the most frequent ones."""
    table = np.zeros((num_tokens, num_tokens), dtype=int)
    for row, count in zip(words, counts, strict=True):
        word = row[row >= 0]
        for a, b in pairwise(word):
            table[a, b] += count
    best = np.argsort(-table, axis=None, kind="stable")[:num_merges]
    return np.stack(np.unravel_index(best, table.shape), axis=-1)


@judged(
    "02.breaking_words",
    title="Find the bug: words that her merges do not fit",
    points=1,
    hints=[
        "She counts once. After her first merge the text has changed: which pairs are gone?",
        "In the word abc there are the pairs (a, b) and (b, c). When ab has become one token, no b stands before c any more.",
        "Add a third pair that stays useful and is a little rarer, such as a word dd: `words = [[0, 1, 2], [3, 3, -1]]`, with "
        "counts like 5 and 4.",
    ],
)
def breaking_words(candidate):
    got = call(candidate)
    require(isinstance(got, tuple) and len(got) == 2, "not-words-and-counts", "Two arrays were expected, `return words, counts`; your "
            "function returns {returned}.", returned=count_of(got))  # fmt: skip
    words, counts = got
    for array in (words, counts):
        require(array.dtype.kind in "iu", "words-not-whole", "Token ids and counts are whole numbers; yours have dtype {dtype}.",
                dtype=array.dtype.name)  # fmt: skip
    require(words.ndim == 2 and counts.shape == words.shape[:1] and 0 < words.size <= 10_000, "words-not-a-table", "words has shape "
            "{words} and counts {counts}; expected (words, longest) and (words,).", words=words.shape, counts=counts.shape)  # fmt: skip
    require((counts > 0).all(), "counts-not-positive", "A count below 1 means that the word isn't there. Give counts of 1 "
            "and more.")  # fmt: skip
    real = words >= 0
    require(not (real[:, 1:] & ~real[:, :-1]).any(), "filling-inside", "A -1 stands before a token. Filling comes after the end of a "
            "word, and there only.")  # fmt: skip
    _, words = np.unique(np.where(real, words, -1), return_inverse=True)  # ids as small as can be, whatever they were
    words = words.reshape(real.shape) - (not real.all())
    num_tokens = int(words.max(initial=0)) + 1
    require(np.count_nonzero(pair_counts(words, counts, num_tokens)) >= 2, "too-few-pairs", "There are fewer than two different pairs "
            "here, so there is nothing to choose.")  # fmt: skip
    hers, best = (
        int(((after_merges(words, learn(words, counts, 2, num_tokens), num_tokens) >= 0).sum(axis=1) * counts).sum())
        for learn in (colleagues_merges, learn_merges)
    )
    require(hers > best, "colleague-copes", "Her two merges leave {hers} tokens, as few as the right ones. Look for two frequent pairs "
            "that share a token: once the first is merged, what is left of the second?", hers=hers)  # fmt: skip


def after_merges(words, merges, num_tokens):
    """The words with all these merges applied, oldest first."""
    for number, pair in enumerate(merges):
        words = merged_everywhere(words, pair, num_tokens + number)
    return words


def case(words, counts):
    """A wrong answer of this exercise: a function that returns these two."""
    return lambda: (np.array(words), np.array(counts))


BREAKING = "02.breaking_words"
abc = [[0, 1, 2], [3, 3, -1]]
mistake(BREAKING, "not-words-and-counts", None, lambda: np.array([[0, 1, 2]]))
mistake(BREAKING, "words-not-whole", None, case([[0.0, 1.0, 2.0]], [3]), case([[0, 1, 2]], [0.5]))
mistake(BREAKING, "words-not-a-table", None, case(abc, [5, 4, 1]), case([0, 1, 2], [5, 4, 1]))
mistake(BREAKING, "counts-not-positive", None, case(abc, [5, 0]))
mistake(BREAKING, "filling-inside", None, case([[0, 1, 2], [3, -1, 3]], [5, 4]), case([[-1, 1, 2], [3, 3, 1]], [5, 4]))
mistake(BREAKING, "too-few-pairs", None, case([[0, 1], [0, 1]], [5, 4]), case([[0], [1]], [5, 4]))
mistake(BREAKING, "colleague-copes", None, case([[0, 1, -1], [2, 3, -1]], [5, 4]), case(abc, [4, 5]))


@step
def new_ids(num_merges, num_tokens):
    """The numbers of the tokens that the merges make."""
    return range(num_tokens, num_tokens + num_merges)


new_ids.slip("new-ids-wrong", "The new tokens have the wrong numbers: merge k, from 0 on, makes the token num_tokens + k.",
        lambda num_merges, num_tokens: range(num_tokens + 1, num_tokens + num_merges + 1),
        lambda num_merges, num_tokens: range(num_tokens - 1, num_tokens + num_merges - 1),
        lambda num_merges, num_tokens: range(num_merges), lambda num_merges, num_tokens: range(256, 256 + num_merges))  # fmt: skip
new_ids.slip("new-id-always-the-same", "All merges make the same new token. Each makes one of its own, numbered in their order.",
        lambda num_merges, num_tokens: [num_tokens] * num_merges, lambda num_merges, num_tokens: [num_tokens + num_merges] * num_merges,
        lambda num_merges, num_tokens: [num_tokens + num_merges - 1] * num_merges)  # fmt: skip


@step
def most_frequent(table):
    """The pair (2,) with the largest count."""
    return np.array(np.unravel_index(table.argmax(), table.shape))


most_frequent.slip("merges-rarest", "You merge the rarest pair. The most frequent one saves the most tokens.",
        lambda table: most_frequent(-np.where(table > 0, table, np.inf)), lambda table: most_frequent(-table))  # fmt: skip
most_frequent.slip("merges-reversed", "The two parts of a merge are exchanged: the token that stands before comes first.",
        lambda table: most_frequent(table)[::-1])  # fmt: skip
most_frequent.slip("merges-frequent-tokens", "You take two tokens that are frequent by themselves. The pair is the largest entry of the "
        "whole table.", lambda table: np.array([table.sum(axis=1).argmax(), table.sum(axis=0).argmax()]),
        lambda table: np.array([(a := table.sum(axis=1).argmax()), table[a].argmax()]))  # fmt: skip
most_frequent.slip("merges-second", "You take the pair of the second largest count. The most frequent one saves the most tokens.",
        lambda table: np.array(np.unravel_index(np.argsort(table, axis=None)[-2], table.shape)))  # fmt: skip


@step
def merged_everywhere(words, pair, new_id):
    """All words with the pair replaced, filled up again."""
    result = np.full_like(words, -1)
    for row, word in enumerate(words):
        shorter = merged(word[word >= 0], pair, new_id)
        result[row, : len(shorter)] = shorter
    return result


def merged_in_some(rows, words, pair, new_id):
    """Words with the pair replaced in some of them, a slice."""
    words = words.copy()
    words[rows] = merged_everywhere(words[rows], pair, new_id)
    return words


merged_everywhere.slip("pair-repeated", "You choose the same pair again and again. Apply the merge to the words before you count anew.",
        lambda words, pair, new_id: words)  # fmt: skip
merged_everywhere.slip("filled-up-with-0", "You fill up with 0, which is a token. The filling is -1.",
        lambda words, pair, new_id: np.maximum(merged_everywhere(words, pair, new_id), 0))  # fmt: skip
merged_everywhere.slip("merges-one-word", "Only one word is merged. A merge is for every word.",
        partial(merged_in_some, slice(0, 1)), partial(merged_in_some, slice(-1, None)))  # fmt: skip
merged_everywhere.slip("merges-not-the-last-word", "The last word is not merged. Does a loop stop one early?",
        partial(merged_in_some, slice(0, -1)))  # fmt: skip
merged_everywhere.slip("old-end-stands", "Behind a word that got shorter its old end still stands, and is counted. Fill up with -1.",
        lambda *inputs: np.where((new := merged_everywhere(*inputs)) >= 0, new, inputs[0]))  # fmt: skip


@reference(
    "02.learn_merges",
    title="Repair it: learn merges",
    points=3,
    hints=[
        "A loop of num_merges rounds. In each: count, choose the most frequent pair, merge it in every word.",
        "You have written both halves: pair_counts, with num_tokens + k tokens in round k, and merge, word by word. "
        "`np.unravel_index(table.argmax(), table.shape)` gives the pair.",
        "Merge a word without its filling, then fill up again: `short = merge(word[word >= 0], pair, new_id)`, "
        "`words[row] = -1`, `words[row, :len(short)] = short`, on a copy of words.",
    ],
    returns="merges",
    same=["merge-keeps-length"],
)
def learn_merges(words, counts, num_merges, num_tokens):
    merges = []
    for new_id in new_ids(num_merges, num_tokens):
        merges.append(most_frequent(pair_counts(words, counts, max(num_tokens + len(merges), words.max() + 1))))
        words = merged_everywhere(words, merges[-1], new_id)
    return np.array(merges)


def is_clear(words, counts, num_merges, num_tokens):
    """Whether in each round the largest count is one pair's alone."""
    for new_id in range(num_tokens, num_tokens + num_merges):
        table = pair_counts(words, counts, new_id)
        if np.ptp(np.sort(table, axis=None)[-2:]) == 0:
            return False
        words = merged_everywhere(words, most_frequent(table), new_id)
    return True


def corpus(seed, num_merges):
    """Words and their counts without ties, neither for the counts nor for words that all count once."""
    rng = generator(seed)
    while True:
        words = table_of(*(rng.integers(0, LETTERS, length).tolist() for length in (8, 3, 5, 2, 6)))
        counts = rng.integers(1, 50, len(words))
        if all(is_clear(words, each, num_merges, LETTERS) for each in (np.ones_like(counts), counts)):
            return words, counts, num_merges, LETTERS


@cases("02.learn_merges")
def learn_merges_cases():
    yield Case("a pair that comes twice in a word", table_of("abab", "ab"), np.array([3, 1]), 2, 2)
    yield Case("a a a", table_of("aaa", "baaa", "ab"), np.array([5, 2, 4]), 2, 2)
    yield Case("a a a beside a pair nearly as frequent", table_of("aaa", "bc"), np.array([5, 7]), 1, 3)
    yield Case("words without filling", table_of("abab", "babb", "aaab", "abba"), np.array([4, 9, 3, 9]), 2, 2)
    yield Case("a frequent word of rare pairs", table_of("cbb", "baa", "aaa", "ccb"), np.array([6, 5, 1, 4]), 2, 3)
    first = table_of("caacc", "cacc", "acdbdc", "acc", "aadb"), np.array([4, 5, 3, 2, 9])
    yield Case("merges of merged tokens", *first, 3, LETTERS)
    yield Case("one merge", *first, 1, LETTERS)
    second = table_of("badd", "dabd", "baab", "abcabc", "bacaa"), np.array([6, 2, 9, 3, 5])
    yield Case("frequent pairs that share a token", *second, 3, LETTERS)
    yield Case("tokens that do not occur", *second, 2, 9)
    two_digits = table_of([1, 2, 3, 1, 2, 4, 1, 2], [11, 2, 11, 2, 11, 2, 1, 2])
    yield Case("numbers of two digits", two_digits, np.array([4, 3]), 2, 13)
    yield Case("bytes", table_of(list(b"haha"), list(b"ha")), np.array([3, 2]), 2, 256)
    often = np.array([2**16 + generator(3).integers(1, 9), 50 + generator(4).integers(1, 9)])
    yield Case("a word that comes very often", table_of("ba", "cd"), often, 1, LETTERS)
    yield Case("more words", *corpus(1, 2))


LEARN = "02.learn_merges"
mistake(LEARN, "no-recount", "These are the most frequent pairs of the first count. A merge changes what stands beside what: merge, "
        "count again, then choose.", colleagues_merges)  # fmt: skip


def learned(choose, size=lambda num_tokens, number: num_tokens + number):
    """Merges chosen from the words, their counts and their table by another rule, or from a table of another size."""

    def wrong(words, counts, num_merges, num_tokens):
        merges = []
        for number in range(num_merges):
            table = pair_counts(words, counts, size(num_tokens, number))
            merges.append(choose(words, counts, table, num_tokens))
            words = merged_everywhere(words, merges[-1], num_tokens + number)
        return np.array(merges)

    return wrong


def by_share(words, counts, table, num_tokens):
    """WordPiece's choice: how often a pair comes, divided by how often both of its tokens do."""
    alone = often(words, counts, range(len(table)))
    return most_frequent(table / np.maximum(np.outer(alone, alone), 1))


mistake(LEARN, "table-too-small", "A merged token has no row in your table. In each round there is one token more: how many are there "
        "in round k, and which number has the new one?",
        learned(lambda words, counts, table, _: most_frequent(table), lambda num_tokens, number: num_tokens))  # fmt: skip
mistake(LEARN, "place-in-a-narrower-table", "A place in the flattened table is read as if the table had num_tokens columns. From the "
        "second round on it has more.",
        learned(lambda words, counts, table, num_tokens: np.array(divmod(table.argmax(), num_tokens))))  # fmt: skip
mistake(LEARN, "new-ids-wrong", None,
        lambda words, counts, num_merges, _: learn_merges(words, counts, num_merges, words.max() + 1))  # fmt: skip
mistake(LEARN, "merges-by-wordpiece", "You divide by how often the two tokens come: that is WordPiece's rule. Here the most frequent "
        "pair is merged.", learned(by_share))  # fmt: skip
mistake(LEARN, "merges-reversed", None, lambda *inputs: learn_merges(*inputs)[:, ::-1])
mistake(LEARN, "merges-with-their-ids", "Each row holds the new token's number too. Two numbers a row are asked for: the pair.",
        lambda *inputs: np.column_stack([learn_merges(*inputs), inputs[3] + np.arange(inputs[2])]),
        lambda *inputs: np.column_stack([inputs[3] + np.arange(inputs[2]), learn_merges(*inputs)]))  # fmt: skip
mistake(LEARN, "merges-as-two-rows", "Your array is (2, num_merges); one row for each merge was expected.",
        lambda *inputs: learn_merges(*inputs).T)  # fmt: skip
mistake(LEARN, "places-for-pairs", "You return places in the flattened table. A place stands for two tokens: its row and its column.",
        lambda *inputs: learn_merges(*inputs) @ [inputs[3] + inputs[2], 1], lambda *inputs: learn_merges(*inputs) @ [inputs[3], 1],
        lambda *inputs: (m := learn_merges(*inputs))[:, 0] * (inputs[3] + np.arange(inputs[2])) + m[:, 1])  # fmt: skip
mistake(LEARN, "merges-newest-on-top", "The merges come in the reverse order. The first one found comes first.",
        lambda *inputs: learn_merges(*inputs)[::-1])  # fmt: skip
mistake(LEARN, "merges-too-few", "A merge is missing: num_merges of them are asked for.", lambda *inputs: learn_merges(*inputs)[:-1],
        lambda *inputs: learn_merges(*inputs)[1:], lambda *inputs: learn_merges(*inputs)[:1], lambda *inputs: learn_merges(*inputs)[0],
        lambda *inputs: learn_merges(*inputs)[-1], lambda *inputs: np.array(learn_merges(*inputs)[:-1].tolist()),
        lambda *inputs: (few := learn_merges(*inputs)[:-1]) + (few >= inputs[3]))  # fmt: skip
mistake(LEARN, "merges-too-many", "There is a merge too many: num_merges of them are asked for.",
        lambda words, counts, num_merges, num_tokens: learn_merges(words, counts, num_merges + 1, num_tokens))  # fmt: skip
mistake(LEARN, "returns-words", "You return the words as they are after the merges. Asked for are the merges themselves.",
        lambda *inputs: after_merges(inputs[0], learn_merges(*inputs), inputs[3]))  # fmt: skip


# ----------------------------------------------------------------------------------------------------------------------
# Encode, decode
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "02.encode",
    title="Encode a word",
    points=2,
    hints=[
        "A new word is cut by replaying what was learned, in the order in which it was learned.",
        "One loop over the merges; in each round one call of your merge. Which id does merge k make?",
        "`for k, pair in enumerate(merges): ids = merge(ids, pair, num_tokens + k)`.",
    ],
    returns="token ids",
)
def encode(ids, merges, num_tokens):
    for pair, new_id in zip(merges, new_ids(len(merges), num_tokens), strict=True):
        ids = merged(ids, pair, new_id)
    return ids


def drawn_merges(rng, num_merges, num_tokens):
    """Merges of whatever tokens there are by then."""
    return np.array([rng.integers(0, num_tokens + k, 2) for k in range(num_merges)])


@cases("02.encode")
def encode_cases():
    yield Case("two merges", ids("cabd"), np.array([[0, 1], [4, 3]]), LETTERS)
    yield Case("a word of one token", ids("d"), np.array([[3, 3], [0, 1]]), LETTERS)
    yield Case("merges that share nothing", ids("abcdab"), np.array([[0, 1], [2, 3]]), LETTERS)
    merges = np.array([[2, 3], [1, 2], [0, 1], [0, 5], [3, 3], [7, 7]])  # cd, bc, ab, abc, dd, abcabc
    for word in ("cdd", "abcd", "cdcd", "abc", "abcabc", "bcdabcd", "dddabcabcd", "aabcb"):
        yield Case(f"the word {word}", ids(word), merges, LETTERS)
    yield Case("a a a a a", ids("aaaaa"), np.array([[0, 0], [4, 0]]), LETTERS)
    yield Case("numbers of two digits", np.array([11, 2, 1, 2, 11]), np.array([[1, 2], [2, 13]]), 13)
    yield Case("bytes", np.array([104, 116, 104, 101]), np.array([[116, 104], [256, 101]]), 256)
    rng = generator(1)
    yield Case("a longer word", rng.integers(0, 2, 30), drawn_merges(rng, 6, 2), 2)
    yield Case("another longer word", rng.integers(0, 3, 40), drawn_merges(rng, 9, 3), 3)


def in_one_pass(ids, merges, num_tokens, **limits):
    """The ids of somebody who goes once from left to right, and merges what is known."""
    known = {tuple(pair): num_tokens + number for number, pair in enumerate(merges.tolist())}
    return walked(ids, replaces=known, **limits)


def in_passes(ids, merges, num_tokens, **limits):
    """The same, again and again until nothing changes."""
    shorter = in_one_pass(ids, merges, num_tokens, **limits)
    return ids if len(shorter) == len(ids) else in_passes(shorter, merges, num_tokens, **limits)


def longest_match(ids, merges, num_tokens):
    """The ids of somebody who takes the longest token that fits, from the left."""
    spelled = {tuple(decode([token], merges, num_tokens)): token for token in range(num_tokens + len(merges))}
    result, i = [], 0
    while i < len(ids):
        end = max(j for j in range(i + 1, len(ids) + 1) if tuple(ids[i:j]) in spelled)
        result.append(spelled[tuple(ids[i:end])])
        i = end
    return np.array(result)


def replayed(numbers, ids, merges, num_tokens, *, stops_at=lambda merged_some: False):
    """The ids after the merges of these numbers, up to one that merged some, or none, if that is an end."""
    for number in numbers:
        before, ids = len(ids), walked(ids, merges[number], num_tokens + number)
        if stops_at(len(ids) < before):
            break
    return ids


def newest_that_fits(ids, merges, num_tokens):
    """The ids of somebody who takes the newest merge whose pair is there, again and again."""
    for number in reversed(range(len(merges))):
        if places(ids, merges[number]).any():
            return newest_that_fits(walked(ids, merges[number], num_tokens + number), merges, num_tokens)
    return ids


ENCODE = "02.encode"
mistake(ENCODE, "encode-nothing", "Your result is the ids as they came: no merge was applied.", lambda ids, *_: ids)
mistake(ENCODE, "merges-newest-first", "You apply the newest merge first. Its parts do not exist yet: start with the oldest.",
        lambda ids, merges, num_tokens: replayed(reversed(range(len(merges))), ids, merges, num_tokens),
        lambda ids, merges, num_tokens: encode(ids, merges[::-1], num_tokens), newest_that_fits)  # fmt: skip
mistake(ENCODE, "merges-left-to-right", "You merge the first known pair from the left, whichever it is. The oldest merge comes first, "
        "wherever it stands: that is how the text was cut in training.", in_one_pass, in_passes, partial(in_passes, most=1))  # fmt: skip
mistake(ENCODE, "longest-match", "You take the longest token that fits, from the left. That is WordPiece's rule; here the oldest merge "
        "comes first.", longest_match)  # fmt: skip
mistake(ENCODE, "merges-not-stacked", "Merges of merged tokens find nothing. Their parts have to be made first: begin with the oldest, "
        "and go on from what each left.",
        lambda *inputs: replayed(np.flatnonzero((inputs[1] < inputs[2]).all(axis=1)), *inputs))  # fmt: skip
mistake(ENCODE, "new-ids-wrong", None, lambda *inputs: (found := encode(*inputs)) + (found >= inputs[2]),
        lambda *inputs: (found := encode(*inputs)) - (found >= inputs[2]))  # fmt: skip
mistake(ENCODE, "encode-stops-early", "You stop before all merges were tried. One that finds nothing, or finds something, is no end: "
        "those after it may still find their pair.",
        lambda *inputs: replayed(range(len(inputs[1])), *inputs, stops_at=lambda merged_some: not merged_some),
        lambda *inputs: replayed(range(len(inputs[1])), *inputs, stops_at=lambda merged_some: merged_some))  # fmt: skip
mistake(ENCODE, "encode-first-merge-only", "Only the first merge is applied. Does a return stand inside of the loop?",
        lambda *inputs: replayed([0], *inputs))  # fmt: skip
mistake(ENCODE, "encode-last-merge-only", "Only the last merge is applied, to the ids as they came. Each goes on from what the one "
        "before it left.", lambda *inputs: replayed([len(inputs[1]) - 1], *inputs))  # fmt: skip
mistake(ENCODE, "encode-a-merge-missing", "The newest or the oldest merge is not applied. Does the loop leave out one at an end?",
        lambda *inputs: replayed(range(len(inputs[1]) - 1), *inputs),
        lambda *inputs: replayed(range(1, len(inputs[1])), *inputs))  # fmt: skip


@step
def is_small(token, num_tokens):
    """Whether a token was given, not merged."""
    return token < num_tokens


is_small.slip("decode-first-merge-kept", "Token num_tokens comes out as it is. It is the one that merge 0 made: the small ones end "
        "before it.", lambda token, num_tokens: token <= num_tokens)  # fmt: skip


@step
def parts(token, merges, num_tokens):
    """The two tokens that a merged one stands for."""
    return merges[token - num_tokens]


parts.slip("decode-swapped", "The two parts of a token stand in the wrong order.",
        lambda token, merges, num_tokens: parts(token, merges, num_tokens)[::-1])  # fmt: skip
parts.slip("decode-first-part-only", "You put the first part of a token in its place, and lose the second.",
        lambda token, merges, num_tokens: parts(token, merges, num_tokens)[:1])  # fmt: skip
parts.slip("decode-second-part-only", "You put the second part of a token in its place, and lose the first.",
        lambda token, merges, num_tokens: parts(token, merges, num_tokens)[1:])  # fmt: skip
parts.slip("decode-shifted", "You look up the wrong merge: merge k, counted from 0, made the token num_tokens + k.",
        *(lambda token, merges, num_tokens, by=by: merges[token - num_tokens + by] for by in (-1, 1)),
        lambda token, merges, num_tokens: merges[token])  # fmt: skip


@reference(
    "02.decode",
    title="Decode",
    points=2,
    hints=[
        "Token num_tokens + k stands for the two tokens of merges[k]. And what if one of these was merged too?",
        "Undo the merges in the reverse order, newest first; or let the function call itself on the two parts.",
        "`for t in ids: out.extend([t] if t < num_tokens else decode(merges[t - num_tokens], merges, num_tokens))`.",
    ],
    returns="small ids",
)
def decode(ids, merges, num_tokens):
    small = []
    for token in ids:
        if is_small(token, num_tokens):
            small.append(token)
        else:
            small.extend(decode(parts(token, merges, num_tokens), merges, num_tokens))
    return np.array(small)


@cases("02.decode")
def decode_cases():
    yield Case("two merges", np.array([5, 2, 4]), np.array([[0, 1], [4, 3]]), LETTERS)
    yield Case("small tokens alone", np.array([0, 3]), np.array([[1, 2]]), LETTERS)
    merges = np.array([[1, 2], [0, 1], [0, 4], [3, 2], [6, 5], [8, 7]])
    for tokens in ([4], [6, 3, 5], [9, 0, 8], [2, 7], [8, 8, 1]):
        yield Case(f"the tokens {' '.join(map(str, tokens))}", np.array(tokens), merges, LETTERS)
    yield Case("bytes", np.array([257, 32, 256]), np.array([[116, 104], [256, 101]]), 256)
    rng = generator(1)
    yield Case("more tokens", rng.integers(0, 9, 8), drawn_merges(rng, 6, 3), 3)


def opened_by(inside):
    """Decodes with what another function of a merged token, the merges and num_tokens puts in its place."""
    return lambda ids, merges, num_tokens: np.array(
        [x for t in ids for x in ([t] if t < num_tokens else inside(t, merges, num_tokens))]
    )


def opened(times, ids, merges, num_tokens):
    """The ids with each merged token taken apart, several times at most."""
    for _ in range(times):
        ids = opened_by(parts.function)(ids, merges, num_tokens)
    return ids


def undone(numbers, ids, merges, num_tokens, *, places=None):
    """The ids after undoing the merges in an order of their numbers, each everywhere or in its first places only."""
    ids = ids.tolist()
    for number in numbers:
        for place in [i for i, token in enumerate(ids) if token == num_tokens + number][:places][::-1]:
            ids[place : place + 1] = merges[number].tolist()
    return np.array(ids)


def put_behind(ids, merges, num_tokens):
    """The small ids of somebody who puts what was taken apart behind all the others."""
    is_merged = ids >= num_tokens
    behind = merges[ids[is_merged] - num_tokens].ravel()
    return np.append(ids[~is_merged], put_behind(behind, merges, num_tokens)) if len(behind) else ids


def up_to_a_merged_one(ids, merges, num_tokens):
    """The small ids of somebody who returns at the first merged token, each time."""
    behind = np.flatnonzero(ids >= num_tokens)[:1]
    return np.concatenate([ids[: behind[0]] if len(behind) else ids, *(
        up_to_a_merged_one(merges[token - num_tokens], merges, num_tokens) for token in ids[behind]
    )])  # fmt: skip


def opened_on_one_side(side):
    """Takes tokens apart to the end on one side only: the other part stays as it is."""
    wrong = opened_by(lambda token, merges, n: np.concatenate(
        [wrong([part], merges, n) if i == side else [part] for i, part in enumerate(merges[token - n])]))  # fmt: skip
    return wrong


DECODE = "02.decode"
mistake(DECODE, "decode-nothing", "Your result still holds ids of merged tokens. Every id of num_tokens or more stands for two others.",
        lambda ids, merges, num_tokens: ids)  # fmt: skip
mistake(DECODE, "decode-one-level", "You take tokens apart, but not to the end: their parts may be merged tokens too. Go on until all "
        "are small.", *(lambda *inputs, times=times: opened(times, *inputs) for times in (1, 2, 3)), opened_on_one_side(0),
        opened_on_one_side(1))  # fmt: skip
mistake(DECODE, "decode-a-merge-missing", "The newest merge is not undone. Does the loop leave out an end?",
        lambda *inputs: undone(range(len(inputs[1]) - 2, -1, -1), *inputs))  # fmt: skip
mistake(DECODE, "decode-first-place-only", "Of each merged token only the first place is taken apart. It may stand there several times.",
        lambda *inputs: undone(range(len(inputs[1]) - 1, -1, -1), *inputs, places=1))  # fmt: skip
mistake(DECODE, "decode-256-assumed", "You take the ids below 256 as small, whatever num_tokens says.",
        lambda ids, merges, num_tokens: decode(ids, merges, 256))  # fmt: skip
mistake(DECODE, "decode-reversed", "All is there, backwards. Did a stack give back last what went in first?",
        lambda *inputs: decode(*inputs)[::-1])  # fmt: skip
mistake(DECODE, "decode-swapped", None, opened_by(lambda t, merges, n: decode(merges[t - n][::-1], merges, n)))
mistake(DECODE, "decode-shifted", None, opened_by(lambda t, merges, n: merges[t]),
        *(opened_by(lambda t, merges, n, by=by: decode(merges[t - n + by], merges, n)) for by in (-1, 1)))  # fmt: skip
mistake(DECODE, "decode-up-to-a-merged-one", "What stands behind a merged token is lost. Does a return stand inside of the loop?",
        up_to_a_merged_one)  # fmt: skip
mistake(DECODE, "decode-drops-small", "Tokens that were never merged are lost. They stand for themselves.",
        lambda ids, merges, num_tokens: decode(ids[ids >= num_tokens], merges, num_tokens))  # fmt: skip
mistake(DECODE, "decode-drops-merged", "Merged tokens are lost. Each stands for two others, which belong in its place.",
        lambda ids, merges, num_tokens: ids[ids < num_tokens])  # fmt: skip
mistake(DECODE, "decode-small-first", "What was taken apart comes behind the small tokens. Each belongs where its token stood.",
        put_behind, lambda ids, merges, n: decode(ids[np.argsort(ids >= n, kind="stable")], merges, n))  # fmt: skip
mistake(DECODE, "decode-first-token-only", "Only the first of the ids is decoded. Does a return stand inside of the loop?",
        lambda ids, merges, num_tokens: decode(ids[:1], merges, num_tokens),
        lambda ids, merges, num_tokens: decode(ids[:1], merges, num_tokens)[:1])  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Skip-gram
# ----------------------------------------------------------------------------------------------------------------------


@step
def within(i, length, window):
    """The positions within a window around position i, itself included."""
    return list(range(max(0, i - window), min(length, i + window + 1)))


def span(i, length, left, right):
    return list(range(max(0, i - left), min(length, i + right + 1)))


within.slip("window-one-sided", "You look in one direction only. Neighbours stand before and after.",
        lambda i, n, w: span(i, n, 0, w), lambda i, n, w: span(i, n, w, 0))  # fmt: skip
within.slip("window-too-small", "Your window is one step too small, on both sides or on one: distance `window` still counts. Does a "
        "range stop one early?", *(lambda i, n, w, a=a, b=b: span(i, n, w - a, w - b) for a, b in ((0, 1), (1, 0), (1, 1))))  # fmt: skip
within.slip("window-too-large", "Your window is one step too large, on both sides or on one: the largest distance is `window`.",
        *(lambda i, n, w, a=a, b=b: span(i, n, w + a, w + b) for a, b in ((1, 1), (0, 1), (1, 0))))  # fmt: skip
within.slip("window-halved", "You share the window between both sides. Here it is the largest distance, to the left and to the right.",
        lambda i, n, w: span(i, n, w // 2, w // 2), lambda i, n, w: span(i, n, w // 2, w - w // 2))  # fmt: skip
within.slip("window-fixed", "Your window is the same whatever `window` says.",
        *(lambda i, n, w, fixed=fixed: span(i, n, fixed, fixed) for fixed in (1, 2, 3, 4, 5)),
        lambda i, n, w: list(range(n)))  # fmt: skip
within.slip("window-edge-only", "Only words at distance `window` exactly are neighbours in your pairs. Nearer ones are, too.",
        lambda i, n, w: [j for j in (i - w, i + w) if 0 <= j < n])  # fmt: skip
within.slip("pairs-wrap-around", "At the ends you count words from the other end as neighbours: a negative index starts from behind.",
        lambda i, n, w: list(range(i - w, min(n, i + w + 1))),
        lambda i, n, w: [j for j in range(i - w, min(n, i + w + 1)) if j >= -n],
        lambda i, n, w: [i if j == i else j % n for j in range(i - w, i + w + 1)])  # fmt: skip
within.slip("window-starts-below-zero", "Near the beginning neighbours on the left are missing: a slice that starts below 0 starts from "
        "behind.", lambda i, n, w: [*range(n)][i - w : i] + span(i, n, 0, w), lambda i, n, w: [*range(n)][i - w : i + w + 1])  # fmt: skip
within.slip("window-cut-off", "Words near the ends ask for nobody. Their window is cut at the end of the sentence, not given up.",
        lambda i, n, w: span(i, n, w, w) if w <= i < n - w else [])  # fmt: skip
within.slip("window-clipped", "Near the ends the first or last word comes again and again: positions outside of the sentence are moved "
        "into it. They are no neighbours.", lambda i, n, w: list(np.clip(range(i - w, i + w + 1), 0, n - 1)))  # fmt: skip
within.slip("window-without-an-end", "The first or the last word of the sentence is nobody's neighbour. Does a range or a comparison "
        "leave out an end?", lambda i, n, w: [j for j in span(i, n, w, w) if j > 0],
        lambda i, n, w: [j for j in span(i, n, w, w) if j < n - 1])  # fmt: skip


@step
def but_itself(positions, i, word_ids):
    """The positions without i."""
    return [j for j in positions if j != i]


but_itself.slip("includes-itself", "A word is its own neighbour in your pairs. Leave out distance 0.",
        lambda positions, i, word_ids: positions)  # fmt: skip
but_itself.slip("excludes-equal-words", "When the same word stands twice, you leave out its pair. Compare positions, not words.",
        lambda positions, i, word_ids: [j for j in positions if word_ids[j] != word_ids[i]])  # fmt: skip


@step
def words_of(pairs, word_ids):
    """Pairs of positions as pairs of words: (pairs, 2)."""
    return np.array([(word_ids[i], word_ids[j]) for i, j in pairs])


words_of.slip("pairs-of-positions", "You return positions in the sentence. Wanted are the ids that stand there.",
        lambda pairs, word_ids: np.array(pairs), lambda pairs, word_ids: np.array([(word_ids[i], j) for i, j in pairs]),
        lambda pairs, word_ids: np.array([(i, word_ids[j]) for i, j in pairs]))  # fmt: skip
words_of.slip("pairs-only-once", "A pair that comes twice is listed once. Each time counts: frequent company is what we learn from.",
        lambda pairs, word_ids: np.unique(words_of(pairs, word_ids), axis=0))  # fmt: skip
words_of.slip("pairs-transposed", "Your array is (2, pairs); (pairs, 2) was expected.",
        lambda pairs, word_ids: words_of(pairs, word_ids).T)  # fmt: skip
words_of.slip("pairs-in-one-row", "All stands in one row. Each pair has a row of its own: (pairs, 2).",
        lambda pairs, word_ids: words_of(pairs, word_ids).ravel())  # fmt: skip
words_of.slip("neighbours-without-centres", "You list the neighbours alone. Each row is a word and one neighbour of it.",
        lambda pairs, word_ids: words_of(pairs, word_ids)[:, 1])  # fmt: skip
words_of.slip("distances-for-neighbours", "The second of each pair is a distance. Wanted is the word that stands there.",
        lambda pairs, word_ids: np.array([(word_ids[i], j - i) for i, j in pairs]),
        lambda pairs, word_ids: np.array([(word_ids[i], word_ids[abs(j - i)]) for i, j in pairs]))  # fmt: skip
words_of.slip("pairs-sorted-inside", "The two words of a pair are sorted. The one that asks comes first, whatever its number.",
        lambda pairs, word_ids: np.sort(words_of(pairs, word_ids), axis=1))  # fmt: skip
words_of.slip("company-of-one-word", "Only one word asks for its neighbours. Does a return stand inside of the loop, or is the list "
        "begun anew in it?", lambda pairs, word_ids: words_of([pair for pair in pairs if pair[0] == 0], word_ids),
        lambda pairs, word_ids: words_of([pair for pair in pairs if pair[0] == len(word_ids) - 1], word_ids))  # fmt: skip
words_of.slip("company-without-an-end", "The first or the last word asks for nobody. Does a loop leave out an end?",
        lambda pairs, word_ids: words_of([pair for pair in pairs if pair[0] > 0], word_ids),
        lambda pairs, word_ids: words_of([pair for pair in pairs if pair[0] < len(word_ids) - 1], word_ids))  # fmt: skip


def in_any_order(pairs):
    """Pairs (pairs, 2) sorted by their first word, then by their second; anything else as it is."""
    if isinstance(pairs, np.ndarray) and pairs.size == 0:
        return np.zeros((0, 2), dtype=int)
    is_table = isinstance(pairs, np.ndarray) and pairs.ndim == 2 and pairs.shape[1] == 2
    return pairs[np.lexsort(pairs.T[::-1])] if is_table else pairs


@reference(
    "02.skip_gram_pairs",
    title="Skip-gram pairs",
    points=2,
    hints=[
        "For each position i: which positions j are neighbours? Those within `window`, on both sides, but i itself.",
        "Near the ends the window is cut: j runs from max(0, i − window) to min(n, i + window + 1), the last not included.",
        "Two loops, `if i != j: pairs.append((word_ids[i], word_ids[j]))`, then `np.array(pairs)`.",
    ],
    returns="pairs",
    alike=in_any_order,
)
def skip_gram_pairs(word_ids, window):
    length = len(word_ids)
    return words_of(
        [(i, j) for i in range(length) for j in but_itself(within(i, length, window), i, word_ids)], word_ids
    )


@cases("02.skip_gram_pairs")
def skip_gram_cases():
    yield Case("three words", np.array([7, 3, 5]), 1)
    yield Case("a window of 2", np.array([8, 6, 9, 7, 10]), 2)
    yield Case("words that come twice", np.array([4, 9, 4, 9, 1]), 1)
    yield Case("the same word twice in a row", np.array([2, 6, 6, 1, 8, 2]), 3)
    yield Case("a window of 4", np.array([5, 3, 8, 3, 9, 7, 4]), 4)
    yield Case("a window longer than the sentence", np.array([3, 1, 2]), 6)
    yield Case("a longer sentence", generator(1).integers(0, 8, 12), 2)


def shifted(by, word_ids, mode):
    """Each word with the one so many places behind it; beyond the ends, as this mode of np.take says."""
    return np.stack([word_ids, np.take(word_ids, np.arange(len(word_ids)) + by, mode=mode)], axis=1)


for _diagnosis, _mode in (("pairs-wrap-around", "wrap"), ("window-clipped", "clip")):
    mistake("02.skip_gram_pairs", _diagnosis, None, lambda word_ids, window, mode=_mode: np.concatenate(
        [shifted(by, word_ids, mode) for by in range(-window, window + 1) if by]))  # fmt: skip


# ----------------------------------------------------------------------------------------------------------------------
# The negative-sampling loss
# ----------------------------------------------------------------------------------------------------------------------


@step
def dots(center, others):
    """The dot products of rows that belong together: (…, d_model) -> (…)."""
    return (center * others).sum(axis=-1)


dots.slip("loss-scores-of-all", "Your scores{at} are those of each example with the words of all. Every word belongs to one example.",
        lambda center, others: with_all(center, others),
        lambda center, others: with_all(center, others).reshape(len(center), -1))  # fmt: skip
dots.slip("loss-scores-in-one", "The scores of the whole batch are added up to one number{at}. Each example has its own.",
        lambda center, others: (center * others).sum())  # fmt: skip
dots.slip("loss-scores-averaged", "The scores are divided by how many products there are{at}, as a mean. A score is their sum.",
        lambda center, others: (center * others).mean(axis=-1))  # fmt: skip
dots.slip("loss-scores-scaled", "The scores are divided by √d_model{at}. Here they are taken as they come.",
        lambda center, others: dots(center, others) / np.sqrt(center.shape[-1]))  # fmt: skip
dots.slip("loss-cosines", "The scores are cosines{at}: the lengths are divided out. Here they count.",
        lambda center, others: dots(unit_length(center), unit_length(others)))  # fmt: skip


def with_all(center, others):
    """The scores of each example with the words of all: (batch, batch), of noise (batch, batch, negatives)."""
    return center @ others.T if others.ndim == 2 else np.einsum("bxd,cnd->bcn", center, others)


def unit_length(vectors):
    """Vectors scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


@step
def cost(scores):
    """-log σ(s), without overflow."""
    return np.logaddexp(0, -scores)


# Each as a slip at one place, and as a mistake at both
COSTS = {
    "loss-negative": ("A minus is missing{at}: −log σ is never below 0.", lambda s: -cost(s)),
    "loss-overflow": (
        "With large scores the loss is not finite{at}, or NaN. −log σ(s) = log(1 + e^−s): which part of it overflows, or is "
        "rounded to 0 or 1, and what is the whole close to then?",
        lambda s: -np.log(sigmoid(s)), lambda s: -np.log(np.exp(s) / (1 + np.exp(s))), lambda s: -np.log(1 - sigmoid(-s)),
        lambda s: -np.log(1 - 1 / (1 + np.exp(s))), lambda s: np.log(1 + np.exp(s)) - s),
    "loss-clipped": (
        "A score far on the wrong side has to cost as much as it is far{at}. A small number inside of the logarithm, or a limit "
        "for the scores or for σ, hides how wrong it is.",
        *(lambda s, eps=eps: -np.log(sigmoid(s) + eps) for eps in EPSILONS),
        *(lambda s, eps=eps: -np.log(np.maximum(sigmoid(s), eps)) for eps in EPSILONS),
        *(lambda s, eps=eps: -np.log(np.clip(sigmoid(s), eps, 1 - eps)) for eps in EPSILONS),
        *(lambda s, most=most: cost(np.clip(s, -most, most)) for most in (6, 10, 20, 30, 50, 100, 500, 700)),
        *(lambda s, least=least: cost(np.maximum(s, least)) for least in (-30, -50, -100, -500, -700))),
    "loss-infinity-replaced": (
        "Where the loss is infinite{at}, you put another number in its place. A score far on the wrong side has to cost as much "
        "as it is far: which part overflows?",
        lambda s: -np.nan_to_num(np.log(sigmoid(s))), lambda s: -np.nan_to_num(np.log(sigmoid(s)), neginf=0.0)),
    "loss-without-log": ("These are probabilities{at}: the logarithm is missing.",
                         lambda s: 1 - sigmoid(s), lambda s: -sigmoid(s), lambda s: sigmoid(s)),
    "log-of-another-base": (None, lambda s: cost(s) / np.log(2), lambda s: cost(s) / np.log(10)),
    "loss-without-sigmoid": ("The scores count as they are, or cut at 0 or 1{at}. σ makes them probabilities first.",
                             lambda s: -s, lambda s: np.maximum(0, -s), lambda s: np.maximum(0, 1 - s), lambda s: -np.log(abs(s)),
                             lambda s: -np.log(s)),
    "loss-squared": ("These are squares of 1 − σ{at}. Here a logarithm is asked for.", lambda s: (1 - sigmoid(s)) ** 2),
}  # fmt: skip
for _diagnosis, (_sentence, *_wrong) in COSTS.items():
    cost.slip(_diagnosis, _sentence, *_wrong)


@step
def turned(scores):
    """Scores of noise, which should be low."""
    return -scores


turned.slip("loss-noise-sign", "Noise words are rewarded for a high score. They should score low: σ(−h · u).",
        lambda scores: scores)  # fmt: skip


@step
def added_up(costs):
    """The cost of all noise words of an example."""
    return costs.sum(axis=-1)


added_up.slip("loss-noise-averaged", "You average over the noise words. Equation 4 of the paper sums over them.",
        lambda costs: costs.mean(axis=-1))  # fmt: skip
added_up.slip("loss-one-noise-word", "One noise word counts of each example. All of them cost something.", lambda costs: costs[..., 0],
        lambda costs: costs[..., -1], lambda costs: costs.max(axis=-1), lambda costs: costs.min(axis=-1))  # fmt: skip
added_up.slip("loss-noise-of-all", "Each example is charged with the noise of the whole batch. It has noise words of its own.",
        lambda costs: costs.sum())  # fmt: skip
added_up.slip("loss-noise-across", "The noise is added up over the examples, not over the noise words of one. Which axis is which?",
        lambda costs: costs.sum(axis=0))  # fmt: skip
added_up.slip("loss-noise-multiplied", "The costs of the noise words are multiplied. Logarithms of probabilities add up.",
        lambda costs: costs.prod(axis=-1))  # fmt: skip


@step
def averaged(costs):
    """The mean over the batch."""
    return costs.mean()


averaged.slip("loss-is-a-sum", None, lambda costs: costs.sum())
averaged.slip("loss-per-example", "One number an example; wanted is their mean, a single number.", lambda costs: costs)
averaged.slip("loss-divided-otherwise", "The sum over the batch is divided by something else than the number of examples.",
        lambda costs: costs.sum() / 2, lambda costs: costs.mean() / 2, lambda costs: costs.mean() / len(costs))  # fmt: skip


@reference(
    "02.negative_sampling_loss",
    title="The negative-sampling loss",
    points=3,
    hints=[
        "Three steps: scores (dot products), −log σ of each, then add up and average. For noise the sign of the score is turned.",
        "Scores: `(center * context).sum(-1)` is (batch,), `np.einsum('bd,bnd->bn', center, noise)` is (batch, negatives).",
        "−log σ(s) is `np.logaddexp(0, -s)`: the true word costs `np.logaddexp(0, -true)`, noise `np.logaddexp(0, noisy).sum(-1)`.",
    ],
    returns="loss",
)
def negative_sampling_loss(center, context, noise):
    true = cost(dots(center, context, at="for the true words"), at="for the true words")
    false = cost(turned(dots(center[:, None], noise, at="for the noise")), at="for the noise")
    return averaged(true + added_up(false))


@cases("02.negative_sampling_loss")
def loss_cases():
    small = draw(1, 2, 2), draw(2, 2, 2), draw(3, 2, 3, 2)
    yield Case("two examples, three noise words each", *(vectors.round(1) for vectors in small))
    yield Case("more examples than noise words", draw(4, 5, 3), draw(5, 5, 3), draw(6, 5, 2, 3))
    yield Case("more noise words than examples", draw(7, 4, 6), draw(8, 4, 6), draw(9, 4, 7, 6))
    yield Case("as many examples as noise words and features", draw(10, 3, 3), draw(11, 3, 3), draw(12, 3, 3, 3))
    yield Case("one example, one noise word", draw(13, 1, 4), draw(14, 1, 4), draw(15, 1, 1, 4))
    center = np.eye(2) * 10
    for size in (40.0, 1000.0):
        good, bad = np.diag([size, size]) / 10, np.diag([-size, size]) / 10
        about = f"scores of {size:g} where they should be high, {-size:g} where low"
        yield Case(about, center, good, -good[:, None], edge=True)
        yield Case(f"a true neighbour with a score of {-size:g}", center, bad, -good[:, None], edge=True)
        yield Case(f"a noise word with a score of {size:g}", center, good, -bad[:, None], edge=True)


LOSS = "02.negative_sampling_loss"


def loss_of(combined):
    """The loss from the scores of true words (batch,) and of noise (batch, negatives)."""
    return lambda center, context, noise: combined(dots(center, context), dots(center[:, None], noise))


def loss_with(cost=cost, noise_cost=None):
    """The loss with another cost of a score, the same for noise unless said."""
    noise_cost = noise_cost or (lambda scores: cost(-scores))
    return loss_of(lambda true, false: (cost(true) + noise_cost(false).sum(axis=-1)).mean())


for _diagnosis, (_, *_wrong) in COSTS.items():
    mistake(LOSS, _diagnosis, None, *map(loss_with, _wrong))
mistake(LOSS, "loss-overflow", None, loss_with(lambda s: -np.log(sigmoid(s)), lambda s: -np.log(1 - sigmoid(s))),
        loss_with(lambda s: np.log(1 + np.exp(-s)), lambda s: np.log(1 + np.exp(s))),
        loss_with(lambda s: np.log(1 + np.exp(-s)), lambda s: s + np.log(1 + np.exp(-s))))  # fmt: skip
mistake(LOSS, "loss-noise-sign-overflow", "Two things at once. The scores of the noise keep their sign: noise is to score low. And e to the "
        "power of a large score is too large for a number: `np.logaddexp(0, -s)` is −log σ(s) without it.",
        *(loss_with(naive, naive) for naive in (lambda s: -np.log(sigmoid(s)), lambda s: np.log(1 + np.exp(-s)))))  # fmt: skip
mistake(LOSS, "loss-clipped", None,
        *(loss_with(lambda s, eps=eps: -np.log(sigmoid(s) + eps), lambda s, eps=eps: -np.log(1 - sigmoid(s) + eps)) for eps in EPSILONS),
        *(loss_with(lambda s, eps=eps: -np.log(np.clip(sigmoid(s), eps, 1 - eps)),
                    lambda s, eps=eps: -np.log(1 - np.clip(sigmoid(s), eps, 1 - eps))) for eps in EPSILONS),
        *(loss_with(lambda s, eps=eps: -np.log(sigmoid(np.clip(s, -30, 30)) + eps)) for eps in EPSILONS))  # fmt: skip
mistake(LOSS, "loss-scores-of-all", None, lambda center, context, noise: (
    cost(center @ context.T).sum(axis=-1) + cost(-dots(center[:, None], noise)).sum(axis=-1)).mean())  # fmt: skip
for _slip in dots.slips:  # for the true words and for the noise: one idea, not two
    mistake(LOSS, _slip.diagnosis, None, everywhere(negative_sampling_loss, dots, _slip))
mistake(LOSS, "loss-size-of-the-score", "A score costs the same whether it is above or below 0: only its size enters.",
        loss_with(lambda s: cost(abs(s)), lambda s: cost(abs(s))))  # fmt: skip
mistake(LOSS, "loss-of-single-products", "The logarithm is taken of single products. A score is a dot product: multiply, add up, and "
        "then comes σ.",
        lambda center, context, noise: (cost(dots(center, context)) + cost(-center[:, None] * noise).sum(axis=(1, 2))).mean(),
        lambda center, context, noise: (cost(center * context).sum(axis=-1) + cost(-dots(center[:, None], noise)).sum(axis=-1)).mean(),
        lambda center, context, noise: (cost(center * context).sum(axis=-1) + cost(-center[:, None] * noise).sum(axis=(1, 2))).mean(),
        lambda center, context, noise: cost(center * context).mean() + cost(-center[:, None] * noise).mean(),
        lambda center, context, noise: cost(center * context).mean() + cost(-center[:, None] * noise).sum(axis=1).mean())  # fmt: skip
mistake(LOSS, "loss-noise-beside-context", "The noise is compared with the true neighbours. The word in the centre asks, both times.",
        lambda center, context, noise: (
            cost(dots(center, context)) + cost(-dots(context[:, None], noise)).sum(axis=-1)).mean())  # fmt: skip
mistake(LOSS, "loss-noise-without-center", "The word in the centre has no part in the scores of the noise. They are dot products with "
        "it.", lambda center, context, noise: (cost(dots(center, context)) + cost(-noise.sum(axis=-1)).sum(axis=-1)).mean())  # fmt: skip
mistake(LOSS, "loss-of-one-example", "One example counts, the first or the last. Wanted is the mean of all.",
        *(lambda center, context, noise, i=i: negative_sampling_loss(center[[i]], context[[i]], noise[[i]]) for i in (0, -1)))  # fmt: skip
mistake(LOSS, "loss-noise-across", None, loss_of(lambda true, false: cost(true).mean() + cost(-false.sum(axis=0)).sum()),
        loss_of(lambda true, false: cost(true).mean() + cost(-false).sum(axis=0).mean()))  # fmt: skip
mistake(LOSS, "loss-divided-otherwise", None,
        loss_of(lambda true, false: (cost(true).sum() + cost(-false).sum()) / false.size))  # fmt: skip
mistake(LOSS, "loss-without-log", None,
        loss_with(lambda s: 1 - sigmoid(s), sigmoid), loss_with(lambda s: -sigmoid(s), sigmoid))  # fmt: skip
mistake(LOSS, "loss-all-averaged", "You average over the words of an example, the true one and the noise. Their costs are added up; "
        "the mean is over the batch.", loss_of(lambda true, false: np.column_stack([cost(true), cost(-false)]).mean()),
        loss_of(lambda true, false: np.column_stack([cost(true), cost(-false)]).mean(axis=-1).sum()))  # fmt: skip
mistake(LOSS, "loss-true-sign", "True neighbours are penalised for a high score. They should score high: σ(h · u).",
        loss_of(lambda true, false: (cost(-true) + cost(-false).sum(axis=-1)).mean()))  # fmt: skip
mistake(LOSS, "loss-signs-exchanged", "True neighbours are penalised for a high score, and noise is rewarded for it. It is the other "
        "way round.", loss_of(lambda true, false: (cost(-true) + cost(false).sum(axis=-1)).mean()))  # fmt: skip
mistake(LOSS, "loss-without-noise", "The noise has no influence. Then all vectors alike would be a perfect answer.",
        loss_of(lambda true, false: cost(true).mean()))  # fmt: skip
mistake(LOSS, "loss-without-truth", "The true neighbours have no influence. Then any vectors far from the noise would be a perfect "
        "answer.", loss_of(lambda true, false: cost(-false).sum(axis=-1).mean()))  # fmt: skip
mistake(LOSS, "loss-noise-subtracted", "The cost of the noise is subtracted. Both costs add up: the minus in the formula belongs to the "
        "logarithm.", loss_of(lambda true, false: (cost(true) - cost(-false).sum(axis=-1)).mean()))  # fmt: skip
mistake(LOSS, "loss-one-logarithm", "The noise words of an example share one logarithm. The sum runs over logarithms, one a noise word.",
        loss_of(lambda true, false: (cost(true) + cost(-false.sum(axis=-1))).mean()),
        loss_of(lambda true, false: (cost(true) + cost(-false.mean(axis=-1))).mean()),
        loss_of(lambda true, false: (cost(true) + cost(false.sum(axis=-1))).mean()),
        loss_of(lambda true, false: cost(true - false.sum(axis=-1)).mean()))  # fmt: skip
mistake(LOSS, "loss-mean-too-early", "The mean over the batch is taken before the logarithm. Each example has a loss; then comes their "
        "mean.", loss_of(lambda true, false: cost(true.mean()) + cost(-false.mean(axis=0)).sum()),
        loss_of(lambda true, false: cost(true.mean()) + cost(-false).sum(axis=-1).mean()))  # fmt: skip
mistake(LOSS, "loss-in-parts", "You return two numbers: the cost of the true words and that of the noise. One is asked for, their sum.",
        loss_of(lambda true, false: (cost(true).mean(), cost(-false).sum(axis=-1).mean())))  # fmt: skip
mistake(LOSS, "loss-softmax", "This is cross-entropy over a softmax of true word and noise. Here each word is judged on its own, by σ.",
        loss_of(lambda true, false: (np.logaddexp.reduce(np.column_stack([true, false]), axis=-1) - true).mean()),
        loss_of(lambda true, false: -np.log(np.exp(true) / np.exp(np.column_stack([true, false])).sum(axis=-1)).mean()),
        loss_of(lambda true, false: -np.log(np.exp(true) / np.exp(false).sum(axis=-1)).mean()))  # fmt: skip


@holds(LOSS, "loss-below-zero", "Your loss is negative: −log σ is never below 0, and no sum or mean of it.")
def loss_is_not_negative(got, center, context, noise):
    return not got < -1e-6


# ----------------------------------------------------------------------------------------------------------------------
# Analogies
# ----------------------------------------------------------------------------------------------------------------------


@step
def unit(vectors):
    """Vectors scaled to length 1."""
    return unit_length(vectors)


unit.slip("analogy-unit-columns", "You scale the columns. A row is a word: its own numbers are to have length 1 together.",
        lambda vectors: vectors / np.linalg.norm(vectors, axis=0))  # fmt: skip
unit.slip("analogy-dot-product", "Long vectors win: you compare by plain dot products. The cosine divides by the length, each vector's "
        "own.", lambda vectors: vectors / np.linalg.norm(vectors))  # fmt: skip
unit.slip("analogy-another-length", "You divide by something else than the length. A length is the root of the sum of squares.",
        lambda vectors: vectors / (vectors**2).sum(axis=-1, keepdims=True),
        lambda vectors: vectors / abs(vectors).sum(axis=-1, keepdims=True),
        lambda vectors: vectors / abs(vectors).max(axis=-1, keepdims=True), lambda vectors: vectors / vectors.sum(axis=-1, keepdims=True),
        lambda vectors: vectors / np.linalg.norm(vectors, axis=-1, keepdims=True) ** 0.5)  # fmt: skip
unit.slip("analogy-centred", "You shift the vectors by a mean before you scale them. Scaling alone is asked for.",
        lambda vectors: unit_length(vectors - vectors.mean(axis=0)),
        lambda vectors: unit_length(vectors - vectors.mean(axis=1, keepdims=True)))  # fmt: skip


@step
def walked_from_c(unit, a, b, c):
    """Where the step from a to b leads, starting at c."""
    return unit[b] - unit[a] + unit[c]


walked_from_c.slip("analogy-order", "You go from b to a. The step is b − a, added to c.",
        lambda unit, a, b, c: unit[a] - unit[b] + unit[c])  # fmt: skip
walked_from_c.slip("analogy-a-word", "You look for what is near c alone. Add the step b − a.", lambda unit, a, b, c: unit[c])  # fmt: skip
walked_from_c.slip("analogy-without-c", "You look along the step b − a alone. It starts at c.",
        lambda unit, a, b, c: unit[b] - unit[a])  # fmt: skip
walked_from_c.slip("analogy-other-signs", "One of the three words has the wrong sign, or two of them. Along which of b, a and c do you "
        "go, and against which?", lambda unit, a, b, c: unit[b] + unit[a] + unit[c], lambda unit, a, b, c: unit[b] - unit[a] - unit[c],
        lambda unit, a, b, c: unit[b] + unit[a] - unit[c])  # fmt: skip
walked_from_c.slip("analogy-without-a", "a is left out: you look between b and c. The step goes from a to b.",
        lambda unit, a, b, c: unit[b] + unit[c])  # fmt: skip


@step
def cosines(unit, target):
    """Of each word with a vector, but for one common factor."""
    return unit @ target


cosines.slip("analogy-sign-lost", "Words that point the opposite way count as near: the sign of the cosine is lost.",
        lambda unit, target: abs(unit @ target), lambda unit, target: (unit @ target) ** 2)  # fmt: skip
cosines.slip("analogy-by-coordinates", "You add up differences number by number. Near means a large cosine here.",
        lambda unit, target: -abs(unit - target).sum(axis=-1), lambda unit, target: -abs(unit - target).max(axis=-1),
        lambda unit, target: -abs((unit - target).sum(axis=-1)))  # fmt: skip
cosines.slip("analogy-farthest", "You take the lowest cosine. The answer lies nearest.", lambda unit, target: -(unit @ target))  # fmt: skip


@step
def without_question(scores, a, b, c):
    """Scores in which the three words asked with can't win."""
    return excluded(scores, [a, b, c])


def excluded(scores, words, fill=-np.inf):
    scores = scores.copy()
    scores[words] = fill
    return scores


without_question.slip("analogy-question-wins", "What you put in place of the three words' scores always wins: your answer is one of "
        "them.", lambda scores, *abc: excluded(scores, list(abc), np.inf))  # fmt: skip
without_question.slip("analogy-excludes-others", "You leave out other rows than those of the three words asked with.",
        lambda scores, a, b, c: excluded(scores, slice(a, c + 1)), lambda scores, a, b, c: excluded(scores, slice(0, 3)),
        lambda scores, a, b, c: excluded(scores, slice(min(a, b, c), max(a, b, c) + 1)))  # fmt: skip
without_question.slip("analogy-inputs-not-excluded", "Your answer is one of the three words asked with. They lie nearest nearly always: "
        "leave a, b and c out.", lambda scores, a, b, c: scores)  # fmt: skip
without_question.slip("analogy-excludes-some", "You leave out some of the three words asked with, not all: another of them is your "
        "answer.",
        *(lambda scores, *abc, some=some: excluded(scores, [abc[i] for i in some])
          for some in ([0], [1], [2], [0, 1], [0, 2], [1, 2])))  # fmt: skip
without_question.slip("analogy-left-out-too-high", "What you put in place of the three words' cosines beats the others where all of "
        "these point away. What is below every number?",
        *(lambda scores, *abc, fill=fill: excluded(scores, list(abc), fill) for fill in (0.0, -1.0)))  # fmt: skip
without_question.slip("analogy-numbers-shifted", "The words behind those you took out have moved up: the place in what is left is not "
        "the row number any more.", lambda scores, *abc: np.delete(scores, list(abc)))  # fmt: skip


@step
def nearest(scores):
    """The number of the word with the highest score."""
    return scores.argmax()


nearest.slip("analogy-second", "You take the second best of the words that are left.", lambda scores: np.argsort(scores)[-2])  # fmt: skip
nearest.slip("analogy-returns-cosine", "You return how near the word is. Asked for is its row number.",
        lambda scores: scores.max())  # fmt: skip
nearest.slip("analogy-returns-ranking", "You return a ranking of the words. Asked for is one row number.",
        lambda scores: np.argsort(-scores), lambda scores: np.argsort(scores), lambda scores: np.argsort(-scores)[:1],
        lambda scores: np.argsort(-scores)[:-3])  # fmt: skip


@reference(
    "02.analogy",
    title="a is to b as c is to ?",
    points=2,
    hints=[
        "Walk the step from a to b, starting at c: b − a + c. Then find the word that lies nearest in direction.",
        "Scale all vectors to length 1 first; then `unit @ target` orders the words by cosine. Which three must not win?",
        "`scores[[a, b, c]] = -np.inf`, then `scores.argmax()`.",
    ],
    returns="row number",
)
def analogy(vectors, a, b, c):
    table = unit(vectors)
    scores = cosines(table, walked_from_c(table, a, b, c))
    return nearest(without_question(scores, a, b, c))


def words_around(seed, *angles):
    """Vectors at these angles, in degrees, in a plane, of various lengths."""
    angles = np.radians(angles)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * generator(seed).uniform(0.5, 3, (len(angles), 1))


@cases("02.analogy")
def analogy_cases():
    small = np.array([[1.0, 0.2], [0.9, 1.5], [3.0, 0.4], [1.0, 2.4], [-1.0, 0.5], [0.8, -1.2]])
    yield Case("six words", small, 0, 1, 2)
    yield Case("others that all point away", words_around(1, 180, 2, -3, 160, 185, 200, 150), 0, 1, 2, edge=True)
    yield Case("a between b and c", words_around(2, 0, 40, -40, 150, -110, 180), 0, 1, 2)
    rng = generator(3)
    for number in range(8):
        vectors = rng.normal(size=(20 + number, 4)) * rng.uniform(0.3, 3, size=(20 + number, 1))
        abc = rng.choice(len(vectors), 3, replace=False).tolist()
        yield Case(f"{len(vectors)} words, question {number + 1}", vectors, *abc)


ANALOGY = "02.analogy"


def analogy_scores(vectors, a, b, c):
    return cosines(table := unit(vectors), walked_from_c(table, a, b, c))


def analogy_with(scores):
    """The best of all words but the three, by scores that are a function of vectors, a, b and c."""
    return lambda vectors, a, b, c: excluded(scores(vectors, a, b, c), [a, b, c]).argmax()


mistake(ANALOGY, "analogy-raw-vectors", "Long vectors bend the step: scale all to length 1 before you subtract.",
        analogy_with(lambda v, a, b, c: unit_length(v) @ (v[b] - v[a] + v[c])),
        analogy_with(lambda v, a, b, c: unit_length(v) @ (unit_length(v[b] - v[a]) + unit_length(v[c]))))  # fmt: skip
mistake(ANALOGY, "analogy-step-scaled", "The step b − a is scaled to length 1 as well. Scale the words; the step is what lies between "
        "them.", analogy_with(lambda v, a, b, c: (u := unit_length(v)) @ (unit_length(u[b] - u[a]) + u[c])))  # fmt: skip
mistake(ANALOGY, "analogy-dot-product", None, analogy_with(lambda v, a, b, c: v @ (v[b] - v[a] + v[c])),
        analogy_with(lambda v, a, b, c: v @ ((u := unit_length(v))[b] - u[a] + u[c])))  # fmt: skip
mistake(ANALOGY, "analogy-raw-distance", "You compare distances of vectors that are not scaled. Scale all to length 1 before you "
        "subtract.", analogy_with(lambda v, a, b, c: -np.linalg.norm(v - (v[b] - v[a] + v[c]), axis=1)),
        analogy_with(lambda v, a, b, c: -np.linalg.norm(v - walked_from_c(unit_length(v), a, b, c), axis=1)))  # fmt: skip
mistake(ANALOGY, "analogy-farthest", None, lambda v, a, b, c: excluded(-analogy_scores(v, a, b, c), [a, b, c]).argmax(),
        lambda v, a, b, c: analogy_scores(v, a, b, c).argmin())  # fmt: skip
mistake(ANALOGY, "analogy-fixed-rank", "You take a fixed place of the ranking, as if the words asked with always came first. They need "
        "not.", *(lambda v, a, b, c, rank=rank: np.argsort(-analogy_scores(v, a, b, c))[rank] for rank in (1, 2, 3, 4)))  # fmt: skip
mistake(ANALOGY, "analogy-cosines-multiplied", "You multiply and divide cosines (3CosMul of Levy and Goldberg, 2014). Here they are "
        "added and subtracted.",
        *(analogy_with(lambda v, a, b, c, shift=shift, eps=eps: multiplied(unit_length(v), a, b, c, shift, eps))
          for shift in (True, False) for eps in (0.0, 1e-3, 1e-6)))  # fmt: skip
mistake(ANALOGY, "analogy-same-step", "You look for the pair whose step is most like b − a. Asked for is the word nearest to where that "
        "step leads from c.",
        analogy_with(lambda v, a, b, c: np.nan_to_num(unit_length((u := unit_length(v)) - u[c]) @ (u[b] - u[a]), nan=-9)))  # fmt: skip
mistake(ANALOGY, "analogy-returns-vector", "You return a vector. Asked for is the row number of a word.",
        lambda v, a, b, c: v[analogy(v, a, b, c)], lambda v, a, b, c: walked_from_c(unit_length(v), a, b, c))  # fmt: skip


def multiplied(unit, a, b, c, shift, eps):
    cosine = [(unit @ unit[word] + 1) / 2 if shift else unit @ unit[word] for word in (a, b, c)]
    return cosine[1] * cosine[2] / (cosine[0] + eps)


# ----------------------------------------------------------------------------------------------------------------------
# Averages
# ----------------------------------------------------------------------------------------------------------------------

WORDS = "the a dog cat man child chased bit saw not is good bad but and it".split()
FEWEST_WORDS = 4


@judged(
    "02.twin_sentences",
    title="Two sentences that an average can't tell apart",
    points=1,
    hints=[
        "An average is a sum, divided by the number of words. What does a sum not mind?",
        "Keep the words, change their order, so that somebody else does the biting.",
        "For example the dog bit the man, the man bit the dog: `np.array([[0, 2, 7, 0, 4], [0, 4, 7, 0, 2]])`.",
    ],
)
def twin_sentences(candidate):
    got = call(candidate)
    require(not isinstance(got, tuple), "twins-not-one-array", "You return {returned}. Asked for is one array: make the two sentences its "
            "rows.", returned=count_of(got))  # fmt: skip
    require(got.ndim == 2 and len(got) == 2, "twins-not-two-rows", "Two rows of equal length were expected, one a sentence; your array "
            "has shape {shape}.", shape=got.shape)  # fmt: skip
    require(got.dtype.kind in "iu", "twins-not-whole", "Word ids are whole numbers; yours have dtype {dtype}.",
            dtype=got.dtype.name)  # fmt: skip
    require(got.shape[1] >= FEWEST_WORDS, "twins-too-short", "Give each sentence at least {least} words.", least=FEWEST_WORDS)  # fmt: skip
    require(((got >= 0) & (got < len(WORDS))).all(), "twins-unknown-word", "There is a word id outside of 0 to {highest}.",
            highest=len(WORDS) - 1)  # fmt: skip
    require(not np.array_equal(got[0], got[1]), "twins-are-one", "Both sentences are the same. Find two that say different "
            "things.")  # fmt: skip
    for seed in range(3):
        first, second = draw(seed, len(WORDS), 5)[got].mean(axis=1)
        require(answers.close(first, second), "twins-averages-differ", "With other vectors the averages of your two sentences differ. "
                "What has to be true of their words for the averages to be equal whatever the vectors are?", expected=first, got=second,
                what="average of the second sentence, beside the first")  # fmt: skip


def twins(*sentences):
    """A wrong answer of this exercise: a function that returns these."""
    return lambda: np.array(sentences)


TWINS = "02.twin_sentences"
mistake(TWINS, "twins-not-whole", None, lambda: draw(0, 2, 5), twins([0.0, 2, 7, 0, 4], [0, 4, 7, 0, 2]))
mistake(TWINS, "twins-not-one-array", None, lambda: (np.array([0, 2, 7, 0, 4]), np.array([0, 4, 7, 0, 2])))
mistake(TWINS, "twins-not-two-rows", None, twins(0, 2, 7, 0, 4), twins([0, 2, 7, 0, 4], [0, 4, 7, 0, 2], [0, 4, 7, 0, 2]))  # fmt: skip
mistake(TWINS, "twins-too-short", None, twins([2, 7], [7, 2]), twins([2, 7, 4], [4, 7, 2]))
mistake(TWINS, "twins-unknown-word", None, twins([0, 2, 7, 0, 99], [0, 99, 7, 0, 2]), twins([0, 2, 7, 0, 16], [0, 16, 7, 0, 2]),
        twins([-1, 2, 7, 0], [0, 2, 7, -1]))  # fmt: skip
mistake(TWINS, "twins-are-one", None, twins([0, 2, 7, 0, 4], [0, 2, 7, 0, 4]))
mistake(TWINS, "twins-averages-differ", None, twins([0, 2, 7, 0, 4], [1, 2, 7, 1, 4]), twins([0, 2, 7, 0, 4], [4, 2, 7, 4, 0]),
        twins([0, 1, 2, 3], [3, 2, 1, 1]))  # fmt: skip

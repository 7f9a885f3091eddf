"""The checks of lesson 02, tokens and embeddings, in the order in which its exercises come.

Words come as rows of token ids, filled up with -1; merge k makes the token num_tokens + k.
"""

from itertools import pairwise

import numpy as np

from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import add_messages, count_of_arrays, mistake, same_values
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.trial import LearnerError, call

add_messages(
    {
        # counting pairs
        "counts-types": "A word that comes five times counts once in your table. Its pairs come five times: add counts[row].",
        "counts-padding": "You count pairs with the filling -1. NumPy reads index -1 as the last token: skip what is below 0.",
        "pairs-reversed": "Rows and columns are exchanged: row = the token before, column = the token after.",
        "pairs-symmetric": "You count each pair in both directions. (a, b) is a before b, and no more.",
        "pairs-across-words": "A pair reaches from the end of one word to the beginning of the next. Stay inside words.",
        "pairs-not-neighbours": "You count tokens that only share a word. A pair stands side by side.",
        "pairs-in-steps-of-two": "You cut the word into twos. Pairs overlap: abc holds (a, b) and (b, c).",
        "pairs-overwritten": "Where a pair comes more than once only the last one is kept. table[a, b] += n with arrays a, b "
        "adds once for each different pair: use a loop, or np.add.at.",
        "pairs-last-missing": "The last pair of each word is missing: n tokens have n − 1 pairs.",
        # one merge
        "merge-nothing": "Your result is the ids as they came. Where the pair stands, the new id has to stand.",
        "merge-first-only": "Only the first place is merged. Go on to the end of the ids.",
        "merge-overlapping": "In a a a you merge two pairs that share a token. After a merge, go on behind both tokens.",
        "merge-from-right": "a a a becomes a X in your merge; the rule is from left to right: X a.",
        "merge-leaves-second": "You put the new id in, but one of the two old ones still stands beside it.",
        "merge-either-order": "You merge (b, a) too. Only a before b is this pair.",
        "merge-any-of-the-two": "You replace tokens that stand alone. Only a followed by b makes the new one.",
        "merge-keeps-length": "Your result is as long as the input. Two tokens become one: it gets shorter.",
        "merge-drops-last": "The last token is lost when no pair ends there.",
        # find the bug
        "not-words-and-counts": "Two arrays were expected, `return words, counts`; your function returns {returned}.",
        "words-not-whole": "Token ids and counts are whole numbers; yours have dtype {dtype}.",
        "words-not-a-table": "words has shape {words} and counts {counts}; expected (words, longest) and (words,).",
        "counts-not-positive": "A count below 1 means that the word isn't there. Give counts of 1 and more.",
        "filling-inside": "A -1 stands before a token. Filling comes after the end of a word, and there only.",
        "too-few-pairs": "There are fewer than two different pairs here, so there is nothing to choose.",
        "colleague-copes": "Her two merges leave {hers} tokens, as few as the right ones. Look for two frequent pairs that share a "
        "token: once the first is merged, what is left of the second?",
        # learning merges
        "no-recount": "These are the most frequent pairs of the first count. A merge changes what stands beside what: merge, "
        "count again, then choose.",
        "pair-repeated": "You choose the same pair again and again. Apply the merge to the words before you count anew.",
        "merges-rarest": "You merge the rarest pair. The most frequent one saves the most tokens.",
        "new-ids-wrong": "The new tokens have the wrong numbers: merge k, from 0 on, makes the token num_tokens + k.",
        "merges-counts-types": "Your merges count each different word once. Weigh pairs by how often their word comes.",
        # encode
        "encode-nothing": "Your result is the ids as they came: no merge was applied.",
        "merges-newest-first": "You apply the newest merge first. Its parts do not exist yet: start with the oldest.",
        "merges-left-to-right": "You merge the first known pair from the left, whichever it is. The oldest merge comes first, "
        "wherever it stands: that is how the text was cut in training.",
        "longest-match": "You take the longest token that fits, from the left. That is WordPiece's rule; here the oldest merge "
        "comes first.",
        "merges-first-place-only": "Each merge is applied in one place only. Apply it wherever its pair stands.",
        "merges-not-stacked": "Merges of merged tokens are missing: after a merge, later ones look at the new ids.",
        # decode
        "decode-nothing": "Your result still holds ids of merged tokens. Every id of num_tokens or more stands for two others.",
        "decode-one-level": "You take tokens apart once. Their parts may be merged tokens too: go on until all are small.",
        "decode-swapped": "The two parts of a token stand in the wrong order.",
        "decode-reversed": "All is there, backwards. Did a stack give back last what went in first?",
        "decode-first-part-only": "You put the first part of a token in its place, and lose the second.",
        "decode-shifted": "You look up the wrong merge: token t was made by merge t − num_tokens, counted from 0.",
        # skip-gram pairs
        "window-one-sided": "You look in one direction only. Neighbours stand before and after.",
        "window-too-small": "Your window is one step too small: distance `window` still counts. Does a range stop one early?",
        "window-too-large": "Your window is one step too large: the largest distance is `window`.",
        "window-halved": "You share the window between both sides. Here it is the largest distance, to the left and to the right.",
        "includes-itself": "A word is its own neighbour in your pairs. Leave out distance 0.",
        "excludes-equal-words": "When the same word stands twice, you leave out its pair. Compare positions, not words.",
        "pairs-of-positions": "You return positions in the sentence. Wanted are the ids that stand there.",
        "pairs-wrap-around": "At the beginning you count words from the end as neighbours: a negative index starts from behind.",
        "pairs-only-once": "A pair that comes twice is listed once. Each time counts: frequent company is what we learn from.",
        "pairs-transposed": "Your array is (2, pairs); (pairs, 2) was expected.",
        # the negative-sampling loss
        "loss-negative": "Your loss is negative: a minus is missing. −log σ is never below 0.",
        "loss-noise-sign": "Noise words are rewarded for a high score. They should score low: σ(−h · u).",
        "loss-noise-averaged": "You average over the noise words. Equation 4 of the paper sums over them.",
        "loss-summed": "You sum over the batch. Wanted is the mean of its examples.",
        "loss-per-example": "One number an example; wanted is their mean, a single number.",
        "loss-without-noise": "The noise has no influence. Then all vectors alike would be a perfect answer.",
        "loss-without-log": "These are 1 − σ. The loss is the logarithm: −log σ.",
        "loss-softmax": "This is cross-entropy over a softmax of true word and noise. Here each word is judged on its own, by σ.",
        "loss-overflow": "With scores of 1000 the loss is not finite. −log σ(s) = log(1 + e^−s), and NumPy has a safe form of it: "
        "np.logaddexp(0, -s).",
        "loss-clipped": "A score of −1000 should cost 1000. A small number inside the logarithm hides how wrong it is: "
        "np.logaddexp(0, -s) needs none.",
        # analogy
        "analogy-inputs-not-excluded": "Your answer is one of the three words asked with. They lie nearest nearly always: leave "
        "a, b and c out.",
        "analogy-excludes-one": "You leave out c, but a or b may still be the answer. Leave out all three.",
        "analogy-raw-vectors": "Long vectors win. Scale all to length 1 before you subtract and compare.",
        "analogy-dot-product": "You compare by the plain dot product, so long vectors win. The cosine divides by the length.",
        "analogy-order": "You go from b to a. The step is b − a, added to c.",
        "analogy-farthest": "You take the lowest cosine. The answer lies nearest.",
        "analogy-a-word": "You look for what is near c alone. Add the step b − a.",
        # two sentences, one average
        "twins-not-whole": "Word ids are whole numbers; yours have dtype {dtype}.",
        "twins-not-two-rows": "Two rows of equal length were expected, one a sentence; your array has shape {shape}.",
        "twins-too-short": "Give each sentence at least {least} words.",
        "twins-unknown-word": "There is a word id outside of 0 to {highest}.",
        "twins-are-one": "Both sentences are the same. Find two that say different things.",
        "twins-averages-differ": "With other vectors the averages of your two sentences differ. What has to be true of their words "
        "for the averages to be equal whatever the vectors are?",
    }
)  # fmt: skip

LETTERS = 4  # small tokens of the probes: a, b, c, d


def rows(*words):
    """Words, written in the letters a to d, as one table of ids filled up with -1."""
    longest = max(len(word) for word in words)
    return np.array([["abcd".index(letter) for letter in word] + [-1] * (longest - len(word)) for word in words])


def ids(word):
    """A word, written in the letters a to d, as ids."""
    return rows(word)[0]


# Words and counts whose first merges are without ties, and for which each known mistake gives something else.
CORPORA = [
    (rows("aaccb", "bab", "ba", "db", "abc"), np.array([2, 3, 4, 5, 9])),
    (rows("aa", "adca", "adbad", "da", "cac"), np.array([4, 9, 5, 7, 6])),
]


def right_pairs(words, counts, num_tokens):
    """How often each token stands directly before each other: (num_tokens, num_tokens)."""
    table = np.zeros((num_tokens, num_tokens), dtype=int)
    before, after = words[:, :-1], words[:, 1:]
    both = (before >= 0) & (after >= 0)
    weights = np.broadcast_to(counts[:, None], both.shape)
    np.add.at(table, (before[both], after[both]), weights[both])
    return table


def right_merge(word, pair, new_id):
    """The ids with the pair replaced, from left to right."""
    result, i = [], 0
    while i < len(word):
        here = i + 1 < len(word) and word[i] == pair[0] and word[i + 1] == pair[1]
        result.append(new_id if here else word[i])
        i += 1 + here
    return np.array(result, dtype=int)


def merged_words(words, pair, new_id):
    """All words with the pair replaced, filled up again."""
    result = np.full_like(words, -1)
    for row, word in enumerate(words):
        short = right_merge(word[word >= 0], pair, new_id)
        result[row, : len(short)] = short
    return result


def right_merges(words, counts, num_merges, num_tokens):
    """The most frequent pair, merged, and again: (num_merges, 2)."""
    merges = []
    for new_id in range(num_tokens, num_tokens + num_merges):
        table = right_pairs(words, counts, new_id)
        merges.append(np.unravel_index(table.argmax(), table.shape))
        words = merged_words(words, merges[-1], new_id)
    return np.array(merges)


def right_encode(word, merges, num_tokens):
    """The ids with all merges applied, oldest first."""
    for number, pair in enumerate(merges):
        word = right_merge(word, pair, num_tokens + number)
    return word


@checks(
    "02.pair_counts",
    title="Count the pairs",
    points=2,
    hints=[
        "Two loops: over the words, and inside a word over neighbours. What do you add for a word that comes counts[row] times?",
        "The filling -1 is no token. Cut it off first: `word = words[row][words[row] >= 0]`.",
        "`for a, b in zip(word[:-1], word[1:]): table[a, b] += counts[row]`.",
    ],
)
def pair_counts(candidate):
    for words, counts in CORPORA:
        expected = right_pairs(words, counts, LETTERS)
        got = call(candidate, words, counts, LETTERS)
        same_values(got, expected, "pair counts", pair_suspects(words, counts))
    # More tokens than occur, and a word of one token, which holds no pair.
    words, counts = rows("a", "cab"), np.array([5, 2])
    same_values(call(candidate, words, counts, 6), right_pairs(words, counts, 6), "pair counts")


def pair_suspects(words, counts):
    """What well-known mistakes give for the pair counts of words (words, longest)."""
    right = right_pairs(words, counts, LETTERS)
    padded, overwritten, once, across, apart, twos = (np.zeros_like(right) for _ in range(6))
    np.add.at(padded, (words[:, :-1], words[:, 1:]), np.broadcast_to(counts[:, None], words[:, 1:].shape))
    short = [word[word >= 0] for word in words]
    for word, count in zip(short, counts, strict=True):
        once[word[:-1], word[1:]] += count  # of a pair that a word holds twice, one is lost
        for i in range(len(word)):
            for j in range(i + 1, len(word)):
                apart[word[i], word[j]] += count
        for i in range(0, len(word) - 1, 2):
            twos[word[i], word[i + 1]] += count
    flat = np.concatenate(short)
    weight = np.repeat(counts, [len(word) for word in short])
    np.add.at(across, (flat[:-1], flat[1:]), weight[:-1])
    valid = (words[:, :-1] >= 0) & (words[:, 1:] >= 0)
    before, after = words[:, :-1][valid], words[:, 1:][valid]
    overwritten[before, after] += np.broadcast_to(counts[:, None], valid.shape)[valid]
    without_last = right_pairs(
        np.array([np.where(np.arange(len(word)) < (word >= 0).sum() - 1, word, -1) for word in words]), counts, LETTERS
    )
    return {
        "counts-types": right_pairs(words, np.ones_like(counts), LETTERS),
        "counts-padding": padded,
        "pairs-reversed": right.T,
        "pairs-symmetric": right + right.T,
        "pairs-across-words": across,
        "pairs-not-neighbours": apart,
        "pairs-in-steps-of-two": twos,
        "pairs-overwritten": [overwritten, once],
        "pairs-last-missing": without_last,
    }


@checks(
    "02.merge",
    title="One merge",
    points=1,
    hints=[
        "Walk from the left. At each place: does the pair stand here? Then write the new id. How far do you step?",
        "A `while` loop with its own index i: step 2 after a merge, 1 otherwise. Mind the last place, which has no right neighbour.",
        "`if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]: out.append(new_id); i += 2`, "
        "`else: out.append(ids[i]); i += 1`; at the end `np.array(out)`.",
    ],
)
def merge(candidate):
    for word, pair in (
        ("abcabda", "ab"),
        ("cbaab", "ab"),
        ("aaab", "aa"),
        ("bababb", "ba"),
        ("cab", "ab"),
        ("aaaaa", "aa"),
        ("bd", "ab"),
    ):
        word, pair = ids(word), ids(pair)
        expected = right_merge(word, pair, 7)
        same_values(call(candidate, word, pair, 7), expected, "merged ids", merge_suspects(word, pair, 7))


def merge_suspects(word, pair, new_id):
    """What well-known mistakes give for one merge in ids (seq_len,)."""
    a, b = pair
    right = right_merge(word, pair, new_id)
    places = [i for i in range(len(word) - 1) if word[i] == a and word[i + 1] == b]
    suspects = {}
    if places:
        suspects["merge-nothing"] = word
        first = places[0]
        suspects["merge-first-only"] = np.concatenate([word[:first], [new_id], word[first + 2 :]])
        starts, ends = set(places), {i + 1 for i in places}
        overlapping = [new_id if i in starts else word[i] for i in range(len(word)) if i in starts or i not in ends]
        suspects["merge-overlapping"] = np.array(overlapping)
        suspects["merge-from-right"] = right_merge(word[::-1], pair[::-1], new_id)[::-1]
        suspects["merge-leaves-second"] = [
            np.array([new_id if i in starts else word[i] for i in range(len(word))]),
            np.array([x for t in right for x in ((t, b) if t == new_id else (t,))]),
            np.array([x for t in right for x in ((a, t) if t == new_id else (t,))]),
        ]
    suspects["merge-either-order"] = either_order(word, pair, new_id)
    suspects["merge-any-of-the-two"] = np.where((word == a) | (word == b), new_id, word)
    suspects["merge-keeps-length"] = [
        np.concatenate([right, np.full(len(word) - len(right), filling)]) for filling in (-1, 0)
    ]
    suspects["merge-drops-last"] = right[:-1]
    return {name: wrong for name, wrong in suspects.items() if not any_close(wrong, right)}


def any_close(suspects, right):
    """Whether a suspect is what is right, so that it tells nothing."""
    return any(probes.close(one, right) for one in (suspects if isinstance(suspects, list) else [suspects]))


def either_order(word, pair, new_id):
    """The ids with the pair replaced in both orders."""
    result, i = [], 0
    while i < len(word):
        here = tuple(word[i : i + 2]) in {(pair[0], pair[1]), (pair[1], pair[0])}
        result.append(new_id if here else word[i])
        i += 1 + here
    return np.array(result)


def colleagues_merges(words, counts, num_merges, num_tokens):
    """A colleague's merges: she counts all pairs and takes the most frequent ones."""
    table = np.zeros((num_tokens, num_tokens), dtype=int)
    for row, count in zip(words, counts, strict=True):
        word = row[row >= 0]
        for a, b in pairwise(word):
            table[a, b] += count
    best = np.argsort(-table, axis=None, kind="stable")[:num_merges]
    return np.stack(np.unravel_index(best, table.shape), axis=-1)


@checks(
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
    returned = count_of_arrays(got)
    assert isinstance(got, tuple) and len(got) == 2, mistake("not-words-and-counts", returned=returned)
    words, counts = got
    for array in (words, counts):
        assert array.dtype.kind in "iu", mistake("words-not-whole", dtype=array.dtype.name)
    good = words.ndim == 2 and counts.shape == words.shape[:1] and 0 < words.size <= 10_000
    assert good, mistake("words-not-a-table", words=words.shape, counts=counts.shape)
    assert (counts > 0).all(), mistake("counts-not-positive")
    real = words >= 0
    assert not (real[:, 1:] & ~real[:, :-1]).any(), mistake("filling-inside")
    _, words = np.unique(np.where(real, words, -1), return_inverse=True)  # ids as small as can be, whatever they were
    words = words.reshape(real.shape) - (not real.all())
    num_tokens = int(words.max(initial=0)) + 1
    assert np.count_nonzero(right_pairs(words, counts, num_tokens)) >= 2, mistake("too-few-pairs")
    lengths = []
    for merges in (
        colleagues_merges(words, counts, 2, num_tokens),
        right_merges(words, counts, 2, num_tokens),
    ):
        cut = words
        for number, pair in enumerate(merges):
            cut = merged_words(cut, pair, num_tokens + number)
        lengths.append(int(((cut >= 0).sum(axis=1) * counts).sum()))
    hers, right = lengths
    assert hers > right, mistake("colleague-copes", hers=hers)


@checks(
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
)
def learn_merges(candidate):
    for words, counts in CORPORA:
        expected = right_merges(words, counts, 3, LETTERS)
        got = call(candidate, words, counts, 3, LETTERS)
        best = expected[:1]
        suspects = {
            "no-recount": colleagues_merges(words, counts, 3, LETTERS),
            "pair-repeated": np.repeat(best, 3, axis=0),
            "merges-rarest": rarest(words, counts, 3),
            "new-ids-wrong": [np.where(expected >= LETTERS, expected + step, expected) for step in (1, -1, -LETTERS)],
            "merges-counts-types": right_merges(words, np.ones_like(counts), 3, LETTERS),
            "pairs-across-words": across_merges(words, counts, 3),
        }
        same_values(got, expected, "merges", suspects)


def rarest(words, counts, num_merges):
    """The merges of somebody who takes the smallest count above 0."""
    merges = []
    for new_id in range(LETTERS, LETTERS + num_merges):
        table = right_pairs(words, counts, new_id)
        merges.append(np.unravel_index(np.where(table > 0, table, table.max() + 1).argmin(), table.shape))
        words = merged_words(words, merges[-1], new_id)
    return np.array(merges)


def across_merges(words, counts, num_merges):
    """The merges of somebody who writes all words in one row, each as often as it comes."""
    text = np.concatenate([np.tile(word[word >= 0], count) for word, count in zip(words, counts, strict=True)])
    return right_merges(text[None], np.ones(1, dtype=int), num_merges, LETTERS)


@checks(
    "02.encode",
    title="Encode a word",
    points=2,
    hints=[
        "A new word is cut by replaying what was learned, in the order in which it was learned.",
        "One loop over the merges; in each round one call of your merge. Which id does merge k make?",
        "`for k, pair in enumerate(merges): ids = merge(ids, pair, num_tokens + k)`.",
    ],
)
def encode(candidate):
    # cd, bc, ab, abc, dd, abcabc. In this order of words each known mistake shows first where the others do not.
    merges = np.array([[2, 3], [1, 2], [0, 1], [0, 5], [3, 3], [7, 7]])
    for word in ("cdd", "abcd", "cdcd", "abc", "abcabc", "bcdabcd", "dddabcabcd", "aabcb", "d"):
        word = ids(word)
        expected = right_encode(word, merges, LETTERS)
        suspects = encode_suspects(word, merges)
        suspects = {name: wrong for name, wrong in suspects.items() if not any_close(wrong, expected)}
        same_values(call(candidate, word, merges, LETTERS), expected, "token ids", suspects)


def encode_suspects(word, merges):
    """What well-known mistakes give for encoding ids (seq_len,)."""
    numbered = list(enumerate(merges, start=LETTERS))
    newest, first_place, shifted = word, word, word
    for new_id, pair in reversed(numbered):
        newest = right_merge(newest, pair, new_id)
    for new_id, pair in numbered:
        here = [i for i in range(len(first_place) - 1) if tuple(first_place[i : i + 2]) == tuple(pair)][:1]
        for i in here:
            first_place = np.concatenate([first_place[:i], [new_id], first_place[i + 2 :]])
        shifted = right_merge(shifted, np.where(pair >= LETTERS, pair + 1, pair), new_id + 1)
    small_only = word
    for new_id, pair in numbered:
        if (pair < LETTERS).all():
            small_only = right_merge(small_only, pair, new_id)
    return {
        "encode-nothing": word,
        "merges-left-to-right": leftmost(word, merges),
        "merges-newest-first": newest,
        "longest-match": longest_match(word, merges),
        "merges-first-place-only": first_place,
        "merges-not-stacked": small_only,
        "new-ids-wrong": shifted,
    }


def leftmost(word, merges):
    """The ids of somebody who merges the first pair from the left that is known, again and again."""
    known = {tuple(pair): LETTERS + number for number, pair in enumerate(merges.tolist())}
    word = word.tolist()
    while True:
        here = [i for i in range(len(word) - 1) if tuple(word[i : i + 2]) in known]
        if not here:
            return np.array(word)
        word[here[0] : here[0] + 2] = [known[tuple(word[here[0] : here[0] + 2])]]


def longest_match(word, merges):
    """The ids of somebody who takes the longest token that fits, from the left."""
    spelled = {tuple(right_decode(np.array([token]), merges, LETTERS)): token for token in range(LETTERS + len(merges))}
    result, i = [], 0
    while i < len(word):
        end = max(j for j in range(i + 1, len(word) + 1) if tuple(word[i:j]) in spelled)
        result.append(spelled[tuple(word[i:end])])
        i = end
    return np.array(result)


def right_decode(word, merges, num_tokens):
    """The small ids that merged ones stand for."""
    result = []
    for token in word:
        if token < num_tokens:
            result.append(token)
        else:
            result.extend(right_decode(merges[token - num_tokens], merges, num_tokens))
    return np.array(result, dtype=int)


@checks(
    "02.decode",
    title="Decode",
    points=2,
    hints=[
        "Token num_tokens + k stands for the two tokens of merges[k]. And what if one of these was merged too?",
        "Undo the merges in the reverse order, newest first; or let the function call itself on the two parts.",
        "`for t in ids: out.extend([t] if t < num_tokens else decode(merges[t - num_tokens], merges, num_tokens))`.",
    ],
)
def decode(candidate):
    merges = np.array([[1, 2], [0, 1], [0, 4], [3, 2], [6, 5], [8, 7]])
    for tokens in ([6, 3, 5], [9, 0, 8], [2, 7], [8, 8, 1], [0, 3]):
        word = np.array(tokens)
        expected = right_decode(word, merges, LETTERS)
        suspects = decode_suspects(word, merges)
        suspects = {name: wrong for name, wrong in suspects.items() if not any_close(wrong, expected)}
        try:
            got = call(candidate, word, merges, LETTERS)
        except LearnerError as error:
            if "IndexError" in error.summary:
                raise AssertionError(mistake("decode-shifted", expected=expected)) from None
            raise
        same_values(got, expected, "small ids", suspects)


def decode_suspects(word, merges):
    """What well-known mistakes give for decoding ids (seq_len,)."""

    def spread(tokens, parts):
        return [x for token in tokens for x in (parts(token) if token >= LETTERS else [token])]

    def deep(token, parts):
        return spread(parts(token), lambda one: deep(one, parts)) if token >= LETTERS else [token]

    def pair(token):
        return merges[token - LETTERS]

    def shifted(step):
        return spread(word, lambda one: right_decode(merges[(one - LETTERS + step) % len(merges)], merges, LETTERS))

    return {
        "decode-nothing": word,
        "decode-one-level": np.array(spread(word, pair)),
        "decode-swapped": np.array(spread(word, lambda one: deep(one, lambda token: pair(token)[::-1]))),
        "decode-reversed": right_decode(word, merges, LETTERS)[::-1],
        "decode-first-part-only": np.array(spread(word, lambda one: deep(one, lambda token: pair(token)[:1]))),
        "decode-shifted": [np.array(shifted(step)) for step in (1, -1)],
    }


@checks(
    "02.skip_gram_pairs",
    title="Skip-gram pairs",
    points=2,
    hints=[
        "For each position i: which positions j are neighbours? Those within `window`, on both sides, but i itself.",
        "Near the ends the window is cut: j runs from max(0, i − window) to min(n, i + window + 1), the last not included.",
        "Two loops, `if i != j: pairs.append((word_ids[i], word_ids[j]))`, then `np.array(pairs)`.",
    ],
)
def skip_gram_pairs(candidate):
    for sentence, window in (([5, 3, 8, 3, 9, 7, 4], 4), ([2, 6, 6, 1, 8, 2], 3), ([4, 9, 4, 9, 1], 1)):
        sentence = np.array(sentence)
        got = call(candidate, sentence, window)
        expected = company(sentence, window)
        suspects = pair_list_suspects(sentence, window)
        if got.ndim == 2 and got.shape[1] == 2 and got.dtype.kind in "iuf":
            got = in_order(got)  # any order of the pairs is as good
        suspects = {name: wrong for name, wrong in suspects.items() if not any_close(wrong, expected)}
        same_values(got, expected, "pairs, sorted", suspects)


def in_order(pairs):
    """Pairs (pairs, 2) sorted by their first word, then by their second."""
    pairs = np.asarray(pairs).reshape(-1, 2)
    return pairs[np.lexsort(pairs.T[::-1])]


def company(sentence, window, near=None):
    """The pairs of words within the window, sorted; `near` says of two positions whether they count."""
    near = near or (lambda i, j: 0 < abs(i - j) <= window)
    n = len(sentence)
    return in_order([(sentence[i], sentence[j]) for i in range(n) for j in range(n) if near(i, j)])


def pair_list_suspects(sentence, window):
    """What well-known mistakes give for the pairs of a sentence (seq_len,)."""
    right, n = company(sentence, window), len(sentence)
    wrapped = [(i, j) for i in range(n) for j in range(i - window, min(n, i + window + 1)) if i != j]
    return {
        "window-one-sided": [
            company(sentence, window, lambda i, j: 0 < j - i <= window),
            company(sentence, window, lambda i, j: 0 < i - j <= window),
        ],
        "window-too-small": [
            company(sentence, window - 1),
            company(sentence, window, lambda i, j: -window <= j - i < window and i != j),
        ],
        "window-too-large": company(sentence, window + 1),
        "window-halved": company(sentence, window // 2),
        "includes-itself": company(sentence, window, lambda i, j: abs(i - j) <= window),
        "excludes-equal-words": company(
            sentence, window, lambda i, j: abs(i - j) <= window and sentence[i] != sentence[j]
        ),
        "pairs-of-positions": company(np.arange(n), window),
        "pairs-wrap-around": in_order([(sentence[i], sentence[j]) for i, j in wrapped if j >= -n]),
        "pairs-only-once": np.unique(right, axis=0),
        "pairs-transposed": [
            np.array([(sentence[i], sentence[j]) for i in range(n) for j in range(n) if 0 < abs(i - j) <= window]).T,
            right.T,
        ],
    }


def log_sigmoid(scores):
    """log σ(s), without overflow."""
    return -np.logaddexp(0, -scores)


def right_loss(center, context, noise):
    """The loss of each example of center (batch, d), context (batch, d) and noise (batch, negatives, d)."""
    true = (center * context).sum(axis=-1)
    false = np.einsum("bd,bnd->bn", center, noise)
    return -log_sigmoid(true) - log_sigmoid(-false).sum(axis=-1)


@checks(
    "02.negative_sampling_loss",
    title="The negative-sampling loss",
    points=3,
    hints=[
        "Three steps: scores (dot products), −log σ of each, then add up and average. For noise the sign of the score is turned.",
        "Scores: `(center * context).sum(-1)` is (batch,), `np.einsum('bd,bnd->bn', center, noise)` is (batch, negatives).",
        "−log σ(s) is `np.logaddexp(0, -s)`: the true word costs `np.logaddexp(0, -true)`, noise `np.logaddexp(0, noisy).sum(-1)`.",
    ],
)
def negative_sampling_loss(candidate):
    rng = np.random.default_rng(1)
    for batch, negatives, size in ((4, 3, 6), (5, 2, 3)):
        center, context = rng.normal(size=(2, batch, size))
        noise = rng.normal(size=(batch, negatives, size))
        expected = np.array(right_loss(center, context, noise).mean())
        got = call(candidate, center, context, noise)
        same_values(got, expected, "loss", loss_suspects(center, context, noise))
    # Scores of -1000, +1000: the loss is as large as the score is wrong
    center, context = np.array([[10.0, 0.0], [0.0, 10.0]]), np.array([[-100.0, 0.0], [0.0, 100.0]])
    noise = np.array([[[100.0, 1.0]], [[2.0, -100.0]]])
    got, expected = call(candidate, center, context, noise), np.array(right_loss(center, context, noise).mean())
    show = {"expected": expected, "got": got, "what": "loss of large scores"}
    assert got.shape != () or np.isfinite(got), mistake("loss-overflow", **show)
    same_values(got, expected, "loss of large scores", when_wrong="loss-clipped")


def loss_suspects(center, context, noise):
    """What well-known mistakes give for the loss."""
    true = (center * context).sum(axis=-1)
    false = np.einsum("bd,bnd->bn", center, noise)
    each = right_loss(center, context, noise)
    both = np.concatenate([true[:, None], false], axis=1)
    gone = [1 - np.exp(log_sigmoid(true)), 1 - np.exp(log_sigmoid(-false))]
    return {
        "loss-negative": np.array(-each.mean()),
        "loss-noise-sign": np.array((-log_sigmoid(true) - log_sigmoid(false).sum(axis=-1)).mean()),
        "loss-noise-averaged": [
            np.array((-log_sigmoid(true) - log_sigmoid(-false).mean(axis=-1)).mean()),
            np.array(-np.concatenate([log_sigmoid(true)[:, None], log_sigmoid(-false)], axis=1).mean()),
        ],
        "loss-summed": np.array(each.sum()),
        "loss-per-example": each,
        "loss-without-noise": np.array(-log_sigmoid(true).mean()),
        "loss-without-log": np.array((gone[0] + gone[1].sum(axis=-1)).mean()),
        "loss-softmax": np.array((np.log(np.exp(both).sum(axis=-1)) - true).mean()),
    }


def unit(vectors):
    """Vectors scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@checks(
    "02.analogy",
    title="a is to b as c is to ?",
    points=2,
    hints=[
        "Walk the step from a to b, starting at c: b − a + c. Then find the word that lies nearest in direction.",
        "Scale all vectors to length 1 first; then `unit @ target` orders the words by cosine. Which three must not win?",
        "`scores[[a, b, c]] = -np.inf`, then `scores.argmax()`.",
    ],
)
def analogy(candidate):
    rng = np.random.default_rng(2)
    tables = [rng.normal(size=(40, 4)) * rng.uniform(0.3, 3, size=(40, 1)) for _ in range(16)]
    asked = [rng.choice(40, size=3, replace=False) for _ in tables]
    got = np.array(
        [_one_id(call(candidate, table, *map(int, three))) for table, three in zip(tables, asked, strict=True)]
    )

    def answers(rule):
        return np.array([rule(table, *three) for table, three in zip(tables, asked, strict=True)])

    expected = answers(lambda table, a, b, c: best(unit(table), unit(table)[[b, a, c]], [a, b, c]))
    suspects = {
        "analogy-inputs-not-excluded": answers(lambda t, a, b, c: best(unit(t), unit(t)[[b, a, c]], [])),
        "analogy-excludes-one": [
            answers(lambda t, a, b, c, left_out=left_out: best(unit(t), unit(t)[[b, a, c]], [(a, b, c)[left_out]]))
            for left_out in range(3)
        ],
        "analogy-raw-vectors": answers(lambda t, a, b, c: best(unit(t), t[[b, a, c]], [a, b, c])),
        "analogy-dot-product": [
            answers(lambda t, a, b, c: best(t, t[[b, a, c]], [a, b, c])),
            answers(lambda t, a, b, c: best(t, unit(t)[[b, a, c]], [a, b, c])),
        ],
        "analogy-order": answers(lambda t, a, b, c: best(unit(t), unit(t)[[a, b, c]], [a, b, c])),
        "analogy-farthest": answers(lambda t, a, b, c: best(-unit(t), unit(t)[[b, a, c]], [a, b, c])),
        "analogy-a-word": answers(lambda t, a, b, c: best(unit(t), unit(t)[[c, c, c]], [a, b, c])),
    }
    same_values(got, expected, "ids of the answers to 16 questions", suspects)


def best(table, three, left_out):
    """The row of the table that scores highest with first − second + third, but for those left out."""
    first, second, third = three
    scores = table @ (first - second + third)
    scores[left_out] = -np.inf
    return int(scores.argmax())


def _one_id(got):
    expected = np.array(0)
    shown = {"expected": expected, "got": got, "what": "the answer, one id"}
    assert not isinstance(got, tuple) and got.size == 1, mistake(
        "wrong-shape", **({} if isinstance(got, tuple) else shown)
    )
    return float(got.reshape(()))


WORDS = [
    "the",
    "a",
    "dog",
    "cat",
    "man",
    "child",
    "chased",
    "bit",
    "saw",
    "not",
    "is",
    "good",
    "bad",
    "but",
    "and",
    "it",
]
FEWEST_WORDS = 4


@checks(
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
    assert not isinstance(got, tuple) and got.ndim == 2 and len(got) == 2, mistake(
        "twins-not-two-rows", shape=[part.shape for part in got] if isinstance(got, tuple) else got.shape
    )
    assert got.dtype.kind in "iu", mistake("twins-not-whole", dtype=got.dtype.name)
    assert got.shape[1] >= FEWEST_WORDS, mistake("twins-too-short", least=FEWEST_WORDS)
    known = (got >= 0) & (got < len(WORDS))
    assert known.all(), mistake("twins-unknown-word", highest=len(WORDS) - 1)
    assert not np.array_equal(got[0], got[1]), mistake("twins-are-one")
    for seed in range(3):
        table = np.random.default_rng(seed).normal(size=(len(WORDS), 5))
        first, second = table[got].mean(axis=1)
        assert probes.close(first, second), mistake(
            "twins-averages-differ", expected=first, got=second, what="average of the second sentence, beside the first"
        )

"""Real texts, downloaded once and checked: image captions, everyday sentences, film reviews.

| function | what | licence |
|---|---|---|
| `multi30k` | 31,014 captions, English and German | for research; see github.com/multi30k/dataset |
| `tatoeba` | 15,173 sentences, English and Bulgarian | CC BY 2.0 FR, one attribution a pair (`tatoeba_attributions`) |
| `polarity` | 10,662 sentences of film reviews, positive or negative | for research |

Every file is pinned to a commit and a SHA-256. A file that is incomplete or was changed is refused and fetched again;
what is read is what was checked. Downloads are kept in the user's cache folder. If the environment variable
`COURSE_DATA` names a folder, files are read from there (`multi30k/`, `tatoeba/`, `polarity/`, checked as well) and
nothing is downloaded.

The sentences were written by strangers: text to read, never markup or instructions. `clean` takes out what does not
print; escape them wherever they are shown as HTML.
"""

from course_lib.data.corpus_files import CorpusError, clean, lines
from course_lib.data.splits import Splits, apportion, place

MULTI30K_FILES = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
MULTI30K_LANGUAGES = ("de", "en")
TATOEBA_LANGUAGES = ("en", "bg")
TATOEBA_VALIDATION, TATOEBA_TEST = 0.05, 0.10
POLARITY_VALIDATION, POLARITY_TEST = 0.10, 0.10
NEGATIVE, POSITIVE = 0, 1

TEXTS = {
    "languages": "source is {source!r} and target is {target!r}; expected one each of {languages}",
    "lines": "{name} has {found} lines and its translation has {expected}; expected one for one",
}


def multi30k(source: str = "de", target: str = "en") -> Splits:
    """Captions of photos in German and English, split as published: 29,000, 1,014 and 1,000 (test_2016_flickr).

    Args:
        source: "de" or "en".
        target: the other.

    Returns:
        `Splits` of lists of (source sentence, target sentence), in the published order.

    Raises:
        ValueError: other languages.
        CorpusError: a file can't be had.

    Source: Elliott, Frank, Sima'an and Specia 2016, "Multi30K: Multilingual English-German Image Descriptions",
    arXiv 1605.00459; github.com/multi30k/dataset, whose terms allow use in research (the captions describe photos of
    Flickr30K).
    """
    _check_languages(source, target, MULTI30K_LANGUAGES)
    return Splits(*(_side_by_side(MULTI30K_FILES[split], source, target) for split in Splits._fields))


def _side_by_side(part, source, target):
    names = [f"multi30k/{part}.{language}.gz" for language in (source, target)]
    sources, targets = ([clean(line) for line in lines(name)] for name in names)
    if len(sources) != len(targets):
        raise CorpusError(TEXTS["lines"].format(name=names[0], found=len(sources), expected=len(targets)))
    return [(left, right) for left, right in zip(sources, targets, strict=True) if left and right]


def tatoeba(source: str = "en", target: str = "bg") -> Splits:
    """Everyday sentences in English and Bulgarian, from Tatoeba; a tenth of the pairs is for the test.

    The same sentence often has several translations. Pairs that share a sentence, in either language and whatever its
    case and punctuation, are on one side, so that no sentence of the test was seen in training, nor a translation of
    it.

    Args:
        source: "en" or "bg".
        target: the other.

    Returns:
        `Splits` of lists of (source sentence, target sentence), each well shuffled: about 85% train, 5% validation,
        10% test; no pair twice.

    Raises:
        ValueError: other languages.
        CorpusError: the file can't be had.

    Source: tatoeba.org through manythings.org/anki, CC BY 2.0 FR. Whoever shows sentences gives their attribution:
    `tatoeba_attributions`.
    """
    _check_languages(source, target, TATOEBA_LANGUAGES)
    pairs = sorted(tatoeba_attributions(), key=lambda pair: (place("\t".join(pair)), pair))
    groups = _connected([(f"en {_gist(english)}", f"bg {_gist(bulgarian)}") for english, bulgarian in pairs])
    sizes = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    sides = apportion(sizes, validation=TATOEBA_VALIDATION, test=TATOEBA_TEST)
    order = slice(None) if source == "en" else slice(None, None, -1)
    return Splits(
        *(
            [pair[order] for pair, group in zip(pairs, groups, strict=True) if sides[group] == side]
            for side in Splits._fields
        )
    )


def tatoeba_attributions() -> dict[tuple[str, str], str]:
    """Who wrote what: the attribution of every pair of `tatoeba`.

    Returns:
        dict from (English, Bulgarian) to the attribution that the licence asks to be given, such as
        "CC-BY 2.0 (France) Attribution: tatoeba.org #538123 (CM) & #3802858 (korobo4ka)".

    Raises:
        CorpusError: the file can't be had.
    """
    return dict(_three_columns(lines("tatoeba/bul.txt")))


def _three_columns(rows):
    """Lines of English, Bulgarian and attribution, by tabs; others are left out."""
    for row in rows:
        columns = [clean(column) for column in row.split("\t")]
        if len(columns) == 3 and all(columns):
            yield (columns[0], columns[1]), columns[2]


def _gist(sentence):
    """A sentence without case and punctuation, for finding the same one again."""
    letters = "".join(character if character.isalnum() else " " for character in sentence.casefold())
    return " ".join(letters.split()) or sentence


def _connected(pairs):
    """The group of each pair: pairs that share a member, over however many others, have the same group.

    Returns:
        list of str, a group's name being the smallest of its members.
    """
    parent = {}

    def root(member):
        while parent.setdefault(member, member) != member:
            parent[member] = member = parent[parent[member]]  # halve the way for the next one
        return member

    for left, right in pairs:
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return [root(left) for left, _ in pairs]


def polarity() -> Splits:
    """Sentences of film reviews, each positive or negative.

    A sentence was labelled by the stars of its whole review, so some labels are wrong. The corpus does not say which
    sentences come from one review; two of them may be on different sides.

    Returns:
        `Splits` of lists of (sentence, label), label 0 negative or 1 positive, each well shuffled: 80% train, 10%
        validation, 10% test of each label; no sentence twice, and none that has both labels.

    Raises:
        CorpusError: a file can't be had.

    Source: Pang and Lee 2005, "Seeing stars", arXiv cs/0506075, sentence polarity 1.0, for research;
    github.com/yoonkim/CNN_sentence. Windows-1252 text.
    """
    labels = {}
    for label, name in ((NEGATIVE, "polarity/rt-polarity.neg"), (POSITIVE, "polarity/rt-polarity.pos")):
        for sentence in map(clean, lines(name, encoding="cp1252")):
            labels.setdefault(_gist(sentence), {}).setdefault(label, sentence)
    examples = [
        (sentence, label)
        for found in labels.values()
        if len(found) == 1
        for label, sentence in found.items()
        if sentence
    ]
    # Not by the place of the sentence itself: by that it is apportioned, and train would begin with one label.
    examples.sort(key=lambda example: (place(f"shuffled {example[0]}"), example))
    sides = {}
    for label in (NEGATIVE, POSITIVE):
        sizes = {sentence: 1 for sentence, own in examples if own == label}
        sides |= apportion(sizes, validation=POLARITY_VALIDATION, test=POLARITY_TEST)
    return Splits(*([example for example in examples if sides[example[0]] == side] for side in Splits._fields))


def _check_languages(source, target, languages):
    if {source, target} != set(languages):
        raise ValueError(
            TEXTS["languages"].format(source=source, target=target, languages=" and ".join(map(repr, languages)))
        )

"""The checks of lesson 08, text classification, in the order in which its exercises come."""

import re

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import add_messages, count_of_arrays, mistake, same_values
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw, log_softmax
from course_lib.classroom.practice.trial import call
from course_lib.data import everyday

add_messages(
    {
        # TF-IDF
        "tfidf-no-idf": "Your rows are the counts brought to length 1: the rarity of words is missing.",
        "tfidf-no-norm": "Your rows don't have length 1: the last step is missing.",
        "tfidf-occurrences": "You count how often a word comes in all texts. df is the number of texts that hold it, however often.",
        "tfidf-unsmoothed": "This is the logarithm of n / df. Here one is added to both: (1 + n) / (1 + df).",
        "tfidf-no-plus-one": "The 1 after the logarithm is missing: a word that stands in every text would count nothing at all.",
        "tfidf-length-by-sum": "Your rows sum to 1. They should have length 1: divide by the root of the sum of squares.",
        "tfidf-over-texts": "Your columns have length 1. Each text, a row, is brought to length 1.",
        "tfidf-empty-text": "A text without a known word gives NaN: 0 divided by 0. Its row is all 0.",
        "tfidf-present-only": "You multiply by 1 where the word stands, however often it comes. The count itself enters: two are more than one.",
        "tfidf-words-for-texts": "Your n is the number of words, the columns. It is the number of texts, the rows.",
        "tfidf-norm-first": "You bring the counts to length 1 and weigh them afterwards. Weigh first: the length comes last.",
        "tfidf-other-logarithm": "Your logarithm has another base than e.",
        # find the bug
        "loss-case-not-a-pair": "Two arrays were expected, `return logits, targets`; your function returns {returned}.",
        "loss-case-shapes": "logits has shape {logits} and targets {targets}; expected (texts, classes) and (texts,).",
        "loss-case-not-finite": "Your logits hold NaN or infinity. It goes wrong with ordinary numbers.",
        "loss-case-targets": "Targets are whole numbers from 0 to classes - 1, one for each text.",
        "loss-case-one-class": "With a single class there is nothing to get wrong, and both losses are 0.",
        "loss-case-wrong-answers": "The loss of your logits really is {right:.3f}: they are not sure enough of the targets. Her loss should be "
        "large where the right one is below 0.01.",
        # cross-entropy
        "ce-softmax-twice": "These are the losses of softmax taken twice, the bug from the task before.",
        "ce-overflow": "Logits of 1000 give NaN or infinity. Subtract each row's maximum before you exponentiate, and never take the "
        "logarithm of a probability that may have become 0: log-softmax is z - log(sum(exp(z))).",
        "ce-sum": "You add the losses up. The mean over texts doesn't depend on the size of the batch.",
        "ce-sign": "Your loss is negative. It is minus the log-probability.",
        "ce-every-class": "You divide by texts times classes. There is one loss a text.",
        "ce-all-pairs": "You take the logits of every text at every target: logits[:, targets]. Each text goes with its own: "
        "logits[np.arange(len(targets)), targets].",
        "ce-probability": "These are probabilities, averaged, not their logarithms. Take minus the logarithm of the target's.",
        "ce-other-logarithm": "Your logarithm has base 2. Here it is the natural one.",
        "ce-over-texts": "Your softmax runs over the texts. Each text has its own distribution over the classes.",
        "ce-one-per-text": "You return one loss a text; their mean is wanted, one number.",
        # macro F1
        "f1-accuracy": "That is the accuracy. (And micro F1, which is the same where each text has one class.)",
        "f1-weighted": "You weigh each class by its number of texts. Macro: every class alike.",
        "f1-precision": "That is the mean precision. F1 is the harmonic mean of precision and recall, class by class.",
        "f1-recall": "That is the mean recall. F1 is the harmonic mean of precision and recall, class by class.",
        "f1-of-the-means": "You average precision and recall first. Take F1 for each class, then average.",
        "f1-arithmetic": "You take the plain mean of precision and recall. F1 is the harmonic one: 2PR / (P + R).",
        "f1-half": "That is half of it. F1 is 2 · hits / (said + true).",
        "f1-nan": "A class that nobody named, or that never came, gives NaN. Its F1 is 0. The form 2·hits / (said + true) needs one guard "
        "only.",
        "f1-absent-left-out": "A class that never comes right is left out of your mean. It counts as 0: else ignoring a class would pay.",
        # calibration
        "ece-unweighted": "Your bins all count alike. Weigh each gap by the number of answers in its bin.",
        "ece-signed": "Your gaps cancel: some bins are too sure, others not sure enough. Take absolute values, bin by bin.",
        "ece-one-bin": "You compare overall confidence with overall accuracy: one bin. Gaps of different signs cancel there.",
        "ece-empty-bins": "Bins without an answer give NaN. They weigh nothing: leave them out.",
        "ece-last-edge": "Answers with a confidence of exactly 1 are lost. They belong to the last bin.",
        "ece-largest-gap": "That is the largest gap of any bin. Expected: the mean, weighted by the number of answers.",
        "ece-middles": "You compare with the middle of the bin. Take the mean confidence of the answers in it.",
        "ece-squared": "You square the gaps. Here they are absolute values.",
        "ece-no-bins": "You compare each answer with its own confidence, 0 or 1 against 0.7: that can never fit. Compare means, bin by bin.",
        "ece-equal-counts": "Your bins hold equally many answers. Here they are equally wide: the first goes from 0 to 1 / num_bins.",
        "ece-bins-ignored": "num_bins changes nothing in your result.",
        # near repeats
        "near-shape": "One answer for each text of the test set was expected, {wanted}; yours has shape {came}.",
        "near-not-boolean": "You return numbers. Is it a near repeat or not: booleans.",
        "near-exact-only": "Only texts that are equal word for word are found. Compare sets of words: shared over all.",
        "near-case-and-marks": "`Open the file.` and `open the file` are the same words. Take re.findall(r'\\w+', text.lower()).",
        "near-own-share": "You divide by the words of one text. Divide by all the different words in either: otherwise a short text is a "
        "“repeat” of every long one that holds its words.",
        "near-strictly-more": "An overlap of exactly the limit counts too: at least.",
        "near-limit-ignored": "overlap changes nothing in your result.",
        "near-inverted": "True and False are exchanged: True marks a near repeat.",
        "near-first-only": "You compare with one training text only. Any of them counts.",
        "near-without-words": "A text without a single word is no repeat of anything: mind 0 divided by 0.",
        # suspects
        "suspects-not-rows": "Row numbers were expected, whole numbers, {count} of them; you return {came}.",
        "suspects-least-suspicious": "These are the rows whose label the model believes most. Least first.",
        "suspects-unsure": "You take the rows where the model is least sure of its own answer. A wrong label is one that the model gives little "
        "chance, however sure it is of another.",
        "suspects-sure-of-another": "You rank by how sure the model is of its answer. What counts is the chance it gives to the label that "
        "the text carries.",
        "suspects-order": "The right rows, in another order: the most suspicious first.",
        "suspects-all-rows": "You return every row. Only the first `count` are asked for.",
        "suspects-wrong": "Some of these rows are more plausible than others you left out: rank by probabilities[row, labels[row]].",
        # guard
        "guard-shape": "One answer for each text was expected, shape ({wanted},); yours has shape {came}.",
        "guard-not-boolean": "You return numbers. May it answer or not: booleans.",
        "guard-inverted": "True and False are exchanged: True means that the pipeline may answer.",
        "guard-answers-all": "Your guard lets everything through.",
        "guard-refuses-all": "Your guard refuses everything. Then no pipeline is needed.",
        "guard-refuses-english": "Your guard refuses {share:.0%} of ordinary English sentences; at most 5% are tolerable.",
        "guard-lets-bulgarian": "Your guard lets {share:.0%} of Bulgarian sentences through; at most 2% are tolerable.",
        "guard-lets-empty": "Your guard lets a text without any letter through. What should a pipeline say to '', or to '...'?",
        "guard-refuses-names": "One foreign letter is enough for your guard to refuse, as in “The café was naïve, said Dvořák.” That is English.",
        "guard-lets-mixed": "A Bulgarian sentence with one English name in it goes through, such as “Том работи в Google от три години.” Judge the whole, not the first letter "
        "or any single word.",
    }
)  # fmt: skip

WORD = re.compile(r"\w+")


@checks(
    "08.tfidf",
    title="TF-IDF",
    points=2,
    hints=[
        "Three steps: in how many texts does each word stand; the weight of each word; rows of length 1.",
        "(counts > 0).sum(axis=0) counts the texts that hold a word. np.linalg.norm(rows, axis=1, keepdims=True) gives the lengths.",
        "An empty row has length 0. Divide by np.where(length > 0, length, 1).",
    ],
)
def tfidf(candidate):
    rng = np.random.default_rng(0)
    for shape in ((6, 6), (9, 5)):
        counts = rng.poisson(0.8, shape) * 1.0
        counts[:, 0] += 1  # a word that stands in every text
        same_values(call(candidate, counts), right_tfidf(counts), "TF-IDF", tfidf_suspects(counts))
    counts[3] = 0
    got, expected = call(candidate, counts), right_tfidf(counts)
    finite = got.shape != expected.shape or np.isfinite(got[3]).all()
    assert finite, mistake("tfidf-empty-text", expected=expected, got=got, what="TF-IDF")
    same_values(got, expected, "TF-IDF with an empty text")


def smooth_idf(counts):
    """ln((1 + n) / (1 + df)) + 1 for each word."""
    return np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0))) + 1


def unit_rows(rows):
    """Rows of length 1, empty ones as they are."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def right_tfidf(counts):
    """As scikit-learn's TfidfTransformer."""
    return unit_rows(counts * smooth_idf(counts))


def tfidf_suspects(counts):
    """What well-known mistakes give."""
    idf, n, holding = smooth_idf(counts), len(counts), (counts > 0).sum(axis=0)
    with np.errstate(all="ignore"):
        plain = np.log(n / holding)
        return {
            "tfidf-no-idf": unit_rows(counts),
            "tfidf-no-norm": counts * idf,
            "tfidf-occurrences": unit_rows(counts * (np.log((1 + n) / (1 + counts.sum(axis=0))) + 1)),
            "tfidf-unsmoothed": [unit_rows(counts * (plain + 1)), unit_rows(counts * plain)],
            "tfidf-no-plus-one": unit_rows(counts * (idf - 1)),
            "tfidf-length-by-sum": counts * idf / (counts * idf).sum(axis=1, keepdims=True),
            "tfidf-over-texts": counts * idf / np.linalg.norm(counts * idf, axis=0),
            "tfidf-present-only": unit_rows((counts > 0) * idf),
            "tfidf-words-for-texts": unit_rows(counts * (np.log((1 + counts.shape[1]) / (1 + holding)) + 1)),
            "tfidf-norm-first": unit_rows(counts) * idf,
            "tfidf-other-logarithm": [unit_rows(counts * ((idf - 1) / np.log(b) + 1)) for b in (2, 10)],
        }


def colleagues_loss(logits, targets):
    """A colleague's cross-entropy. It falls in training, and her tests with random numbers see nothing odd."""
    probabilities = softmax(logits)
    logs = probabilities - np.log(np.exp(probabilities).sum(axis=-1, keepdims=True))  # the log of a softmax
    return -logs[np.arange(len(targets)), targets].mean()


@checks(
    "08.breaking_case",
    title="Find the bug: a loss that never ends",
    points=1,
    hints=[
        "How often does her function take a softmax? What does a softmax make of numbers between 0 and 1?",
        "The most unequal row she can feed to the second softmax is (1, 0, 0, …). What is the loss of that?",
        "Give logits that are very sure and right: 20 at the target, 0 elsewhere.",
    ],
)
def breaking_case(candidate):
    got = call(candidate)
    pair = isinstance(got, tuple) and len(got) == 2
    returned = count_of_arrays(got)
    assert pair, mistake("loss-case-not-a-pair", returned=returned)
    logits, targets = (part.astype(float) for part in got)
    fits = logits.ndim == 2 and targets.shape == logits.shape[:1] and logits.size
    assert fits, mistake("loss-case-shapes", logits=logits.shape, targets=targets.shape)
    assert np.isfinite(logits).all(), mistake("loss-case-not-finite")
    whole = np.all(targets == np.round(targets)) and np.all((targets >= 0) & (targets < logits.shape[1]))
    assert whole, mistake("loss-case-targets")
    assert logits.shape[1] > 1, mistake("loss-case-one-class")
    right = right_loss(logits, targets.astype(int))
    assert right < 0.01, mistake("loss-case-wrong-answers", right=right)


def right_loss(logits, targets):
    """Mean cross-entropy, in nats."""
    return float(-log_softmax(logits)[np.arange(len(targets)), targets].mean())


@checks(
    "08.cross_entropy",
    title="Mend it: cross-entropy from logits",
    points=2,
    hints=[
        "One softmax, then minus the logarithm of the target's probability, then the mean over texts.",
        "Each text with its own target: rows = np.arange(len(targets)); table[rows, targets].",
        "Don't take the logarithm of a probability. With z = logits - row maximum, log-softmax is z - log(sum(exp(z))).",
    ],
)
def cross_entropy(candidate):
    for seed, texts, classes in ((1, 4, 4), (2, 5, 3)):
        logits = 2 * draw(seed, texts, classes)
        targets = np.random.default_rng(seed).integers(classes, size=texts)
        targets[:2] = 0, 1
        rows, logs = np.arange(texts), log_softmax(logits)
        own, right = logs[rows, targets], right_loss(logits, targets)
        suspects = {
            "ce-softmax-twice": right_loss(softmax(logits), targets),
            "ce-sum": -own.sum(),
            "ce-sign": right * -1,
            "ce-every-class": -own.sum() / logits.size,
            "ce-all-pairs": -logs[:, targets].mean(),
            "ce-probability": [np.asarray(one) for one in ((1 - np.exp(own)).mean(), -np.exp(own).mean())],
            "ce-other-logarithm": right / np.log(2),
            "ce-over-texts": -log_softmax(logits, axis=0)[rows, targets].mean(),
            "ce-one-per-text": -own,
        }
        suspects = {name: one if isinstance(one, list) else np.asarray(one) for name, one in suspects.items()}
        same_values(call(candidate, logits, targets), np.asarray(right), "loss", suspects)
    large, targets = np.array([[1000.0, 0.0, -1000.0], [-2000.0, 3.0, 1.0]]), np.array([1, 0])
    got, expected = call(candidate, large, targets), np.asarray(right_loss(large, targets))
    assert probes.close(got, expected), mistake("ce-overflow", expected=expected, got=got, what="loss of large logits")


@checks(
    "08.macro_f1",
    title="Macro F1",
    points=2,
    hints=[
        "For each class three numbers: hits (true and said), said, true. F1 is 2 · hits / (said + true).",
        "hits of class k: np.sum((targets == k) & (predictions == k)).",
        "Where said + true is 0, F1 is 0. Then the plain mean over all num_classes.",
    ],
)
def macro_f1(candidate):
    rng = np.random.default_rng(3)
    targets = rng.choice(4, size=40, p=[0.5, 0.25, 0.15, 0.1])
    predictions = np.where(rng.random(40) < 0.5, targets, rng.integers(4, size=40))
    targets[:4] = predictions[:4] = np.arange(4)
    same_values(call(candidate, targets, predictions, 4), np.asarray(f1_of(targets, predictions, 4)[0]), "macro F1",
                f1_suspects(targets, predictions, 4))  # fmt: skip
    predictions = np.where(predictions == 3, 0, predictions)  # nobody says 3; class 4 never comes at all
    expected = np.asarray(f1_of(targets, predictions, 5)[0])
    got = call(candidate, targets, predictions, 5)
    show = {"expected": expected, "got": got, "what": "macro F1"}
    assert got.shape != () or not np.isnan(got), mistake("f1-nan", **show)
    found = f1_of(targets, predictions, 5)[1]
    left_out = [np.asarray(found[rows].mean()) for rows in (found > 0, np.arange(5) < 4)]
    same_values(got, expected, "macro F1", {"f1-absent-left-out": left_out})


def f1_of(targets, predictions, num_classes):
    """Macro F1, and F1, precision, recall and share of each class."""
    hits, said, true = np.zeros((3, num_classes))
    for k in range(num_classes):
        hits[k] = np.sum((targets == k) & (predictions == k))
        said[k], true[k] = np.sum(predictions == k), np.sum(targets == k)
    f1 = 2 * hits / np.maximum(said + true, 1)
    return f1.mean(), f1, hits / np.maximum(said, 1), hits / np.maximum(true, 1), true / len(targets)


def f1_suspects(targets, predictions, num_classes):
    """What well-known mistakes give."""
    _, f1, precision, recall, share = f1_of(targets, predictions, num_classes)
    P, R = precision.mean(), recall.mean()
    suspects = {
        "f1-accuracy": np.mean(targets == predictions),
        "f1-weighted": (f1 * share).sum(),
        "f1-precision": P,
        "f1-recall": R,
        "f1-of-the-means": 2 * P * R / (P + R),
        "f1-arithmetic": (P + R) / 2,
        "f1-half": f1.mean() / 2,
    }
    return {name: np.asarray(value) for name, value in suspects.items()}


@checks(
    "08.calibration_error",
    title="How sure is sure?",
    points=2,
    hints=[
        "The bin of an answer: (confidence * num_bins) as a whole number; 1.0 goes into the last one.",
        "For each bin that has answers: |mean confidence - share right|, times its number of answers.",
        "Add these up and divide by the number of all answers.",
    ],
)
def calibration_error(candidate):
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.02, 0.98, 300)
    right = rng.random(300) < np.where(confidence < 0.5, confidence + 0.3, confidence - 0.25)
    for num_bins in (10, 7):
        other_bins = [np.asarray(ece(confidence, right, other)) for other in (10, 15) if other != num_bins]
        suspects = {"ece-bins-ignored": other_bins, **ece_suspects(confidence, right, num_bins)}
        got = call(candidate, confidence, right, num_bins)
        same_values(got, np.asarray(ece(confidence, right, num_bins)), "calibration error", suspects)
    few, hit = np.array([0.52, 0.57, 0.91, 0.93]), np.array([True, False, True, True])
    got, expected = call(candidate, few, hit, 10), np.asarray(ece(few, hit, 10))
    show = {"expected": expected, "got": got, "what": "calibration error"}
    assert got.shape != () or np.isfinite(got), mistake("ece-empty-bins", **show)
    same_values(got, expected, "calibration error with empty bins")
    sure, hit = np.array([0.55, 0.55, 1.0, 1.0]), np.array([True, False, False, True])
    got, expected = call(candidate, sure, hit, 10), np.asarray(ece(sure, hit, 10))
    show = {"expected": expected, "got": got, "what": "calibration error with confidences of 1"}
    assert probes.close(got, expected), mistake("ece-last-edge", **show)


def bins_of(confidence, right, num_bins):
    """Gap, number and middle-gap of every bin that is not empty."""
    place = np.minimum((confidence * num_bins).astype(int), num_bins - 1)
    rows = []
    for b in np.unique(place):
        here = place == b
        hit = right[here].mean()
        rows.append((confidence[here].mean() - hit, here.sum(), (b + 0.5) / num_bins - hit))
    return np.array(rows).T


def ece(confidence, right, num_bins):
    """Expected calibration error (Guo et al. 2017, equation 3)."""
    gaps, number, _ = bins_of(confidence, right, num_bins)
    return float((np.abs(gaps) * number).sum() / number.sum())


def ece_suspects(confidence, right, num_bins):
    """What well-known mistakes give."""
    gaps, number, middles = bins_of(confidence, right, num_bins)
    share = number / number.sum()
    overall = confidence.mean() - right.mean()
    parts = np.array_split(confidence.argsort(), num_bins)
    suspects = {
        "ece-unweighted": [np.abs(gaps).mean(), np.abs(gaps).sum(), np.abs(gaps).sum() / num_bins],
        "ece-one-bin": [abs(overall)],
        "ece-signed": [overall, -overall, abs(gaps.mean()), gaps.mean(), -gaps.mean()],
        "ece-largest-gap": [np.abs(gaps).max()],
        "ece-middles": [(np.abs(middles) * share).sum()],
        "ece-squared": [(gaps**2 * share).sum(), np.sqrt((gaps**2 * share).sum())],
        "ece-no-bins": [np.abs(confidence - right).mean()],
        "ece-equal-counts": [sum(abs((confidence - right)[part].sum()) for part in parts) / len(right)],
    }
    return {name: [np.asarray(value) for value in values] for name, values in suspects.items()}


@checks(
    "08.near_repeats",
    title="Repeats across the split",
    points=2,
    hints=[
        "The words of a text as a set: set(re.findall(r'\\w+', text.lower())).",
        "Overlap of two sets: len(a & b) / len(a | b). A test text is marked if its overlap with any training text reaches the limit.",
        "Texts without words: a | b may be empty. Ask `if a and …` first.",
    ],
)
def near_repeats(candidate):
    train = ["Open the file and read it.", "one two three four five", "a b c d e f g h i j k l m n o p q r s t"]
    cases = [  # text, diagnosis if it is judged wrongly
        ("Open the file and read it.", "different-values"),
        ("OPEN THE FILE -- and read it", "near-case-and-marks"),
        ("one two three four", "near-strictly-more"),  # 4 of 5: exactly 0.8
        ("five four three two one", "near-exact-only"),
        ("a b c d", "near-own-share"),
        ("something else entirely here", "different-values"),
        ("...", "near-without-words"),
    ]
    test = [text for text, _ in cases]
    expected = jaccard(train, test, 0.8)
    got = call(candidate, train, test, 0.8)
    show = {"expected": expected, "got": got, "what": "near repeats"}
    assert got.shape == expected.shape, mistake("near-shape", wanted=expected.shape, came=got.shape)
    assert got.dtype.kind == "b", mistake("near-not-boolean", **show)
    assert not np.array_equal(got, ~expected), mistake("near-inverted", **show)
    looser = call(candidate, train, test, 0.2)
    right = jaccard(train, test, 0.2)
    assert not (np.array_equal(got, looser) and np.array_equal(got, expected)), mistake("near-limit-ignored", **show)
    one_only = [jaccard([text], test, 0.8) for text in train]
    assert not any(np.array_equal(got, only) for only in one_only), mistake("near-first-only", **show)
    for row in (6, 5, 4, 3, 1, 0, 2):  # the most telling first, since one slip makes several rows wrong
        assert got[row] == expected[row], mistake(cases[row][1], **show)
    assert np.array_equal(looser, right), mistake(
        "different-values", expected=right, got=looser, what="near repeats, limit 0.2"
    )
    got = call(candidate, [*train, "---"], ["!!!", "one"], 0.8)
    assert not np.any(got), mistake("near-without-words", got=got, expected=np.zeros(2, bool), what="near repeats")


def jaccard(train, test, overlap):
    """Whether each test text shares at least this part of its words with some training text."""
    known = [set(WORD.findall(text.lower())) for text in train]
    asked = [set(WORD.findall(text.lower())) for text in test]
    return np.array([any(own and len(own & k) / len(own | k) >= overlap for k in known) for own in asked])


@checks(
    "08.suspects",
    title="Find the wrong labels",
    points=1,
    hints=[
        "What chance does the model give to the label that each text carries? probabilities[np.arange(len(labels)), labels].",
        "np.argsort gives row numbers, the smallest value first.",
        "Cut off after count: `own.argsort()[:count]`, with own as in the first hint.",
    ],
)
def suspects(candidate):
    rng = np.random.default_rng(5)
    probabilities = rng.dirichlet(np.ones(5), size=30)
    labels = rng.integers(5, size=30)
    own = probabilities[np.arange(30), labels]
    ranked = own.argsort()
    for count in (6, 11):
        got = call(candidate, probabilities, labels, count)
        show = {"expected": ranked[:count], "got": got, "what": "rows, most suspicious first"}
        every = got.shape == (30,) and got.dtype.kind in "iu" and np.array_equal(np.sort(got), np.arange(30))
        assert not every, mistake("suspects-all-rows", **show)
        rows = got.shape == (count,) and got.dtype.kind in "iu" and np.all((got >= 0) & (got < 30))
        said = f"{got.dtype} of shape {got.shape}"
        assert rows, mistake("suspects-not-rows", count=count, came=said)
        sets = {
            "suspects-least-suspicious": ranked[-count:],
            "suspects-unsure": probabilities.max(axis=1).argsort()[:count],
            "suspects-sure-of-another": probabilities.max(axis=1).argsort()[-count:],
        }
        for name, wrong in sets.items():
            assert set(got.tolist()) != set(wrong.tolist()), mistake(name, **show)
        assert set(got.tolist()) == set(ranked[:count].tolist()), mistake("suspects-wrong", **show)
        assert np.array_equal(got, ranked[:count]), mistake("suspects-order", **show)


MIXED = [
    "Том работи в Google от три години.",
    "Купих си нов iPhone вчера.",
    "Windows не иска да тръгне на този компютър.",
]
NAMES = [
    "The café was naïve, said Dvořák.",
    "I met Zoë and Gödel in São Paulo.",
    "Tom said: „Здравей“, and then he went home to his family.",
]
EMPTY = ["", "   ", "...", "12:30", "?!"]


@checks(
    "08.may_answer",
    title="Open: a guard for the pipeline",
    points=3,
    hints=[
        "What differs in the input? The script, the number of tokens to a word, known words: any of these will do.",
        "A share is more robust than a yes or no: of all the letters, how many are a to z?",
        "letters = [c for c in text.lower() if c.isalpha()]; the share of those with 'a' <= c <= 'z'; more than half, and at least one letter.",
    ],
)
def may_answer(candidate):
    pairs = everyday.sentences().test[:200]
    english, bulgarian = [one for one, _ in pairs], [one for _, one in pairs]
    every = english + bulgarian
    got, expected = call(candidate, every), np.arange(400) < 200
    assert got.shape == (400,), mistake("guard-shape", wanted=400, came=got.shape)
    assert got.dtype.kind == "b", mistake("guard-not-boolean")
    show = {"expected": expected, "got": got, "what": "may answer"}
    assert not got.all(), mistake("guard-answers-all", **show)
    assert got.any(), mistake("guard-refuses-all", **show)
    assert np.mean(got == expected) > 0.1, mistake("guard-inverted", **show)
    refused, let = np.mean(~got[:200]), np.mean(got[200:])
    assert let <= 0.02, mistake("guard-lets-bulgarian", share=let, **show)
    assert refused <= 0.05, mistake("guard-refuses-english", share=refused, **show)
    assert not call(candidate, EMPTY).any(), mistake("guard-lets-empty")
    assert not call(candidate, MIXED).any(), mistake("guard-lets-mixed")
    assert call(candidate, NAMES).all(), mistake("guard-refuses-names")

"""Lesson 10, pretrained Transformers: what is right, and each mistake with its sentence, in the order of its exercises."""

import itertools

import numpy as np

from course_lib.classroom.practice.catalogue import Case, cases, holds, mistake
from course_lib.classroom.practice.draws import draw, generator, log_softmax
from course_lib.classroom.practice.exercises import judged, reference
from course_lib.classroom.practice.facts import count_of
from course_lib.classroom.practice.judging import require
from course_lib.classroom.practice.slips.attention import (
    WITHOUT_EMPTY_ROWS,
    dot_products,
    mixed,
    scaled,
    softmax,
)
from course_lib.classroom.practice.slips.blocks import gelu, layer_norm, linear, post_norm, spread_of, variance_of
from course_lib.classroom.practice.slips.heads import merge, reshaped, split
from course_lib.classroom.practice.slips.losses import (
    averaged,
    counting,
    log_probabilities,
    picked,
    probabilities,
    surprise,
)
from course_lib.classroom.practice.slips.numbers import lengths, unit
from course_lib.classroom.practice.steps import everywhere_known, run, step
from course_lib.classroom.practice.trial import call

# ----------------------------------------------------------------------------------------------------------------------
# Cover tokens
# ----------------------------------------------------------------------------------------------------------------------


@step
def asked_for(ids, special, chosen):
    """Which places are asked for: chosen, and not special."""
    return chosen & ~np.isin(ids, special)


@step
def masked(dice):
    """Whose dice say: mask_id."""
    return dice < 0.8


@step
def swapped(dice):
    """Whose dice say: a random token."""
    return (dice >= 0.8) & (dice < 0.9)


@step
def labelled(ids, asked):
    """What stood there where it is asked for, elsewhere the sign for "don't count"."""
    return np.where(asked, ids, -100)


@reference(
    "10.cover",
    title="Cover tokens: 80, 10, 10",
    points=2,
    hints=[
        "First decide which places are asked for: chosen, and not special. Everything else follows from that.",
        "`asked = chosen & ~np.isin(ids, special)`. Of the asked ones: dice < 0.8 → mask_id; 0.8 ≤ dice < 0.9 → random_ids; the rest stays.",
        "`inputs = np.where(asked & (dice < 0.8), mask_id, ids)`, likewise for the swapped; `labels = np.where(asked, ids, -100)`.",
    ],
    returns=("array of inputs", "array of labels"),
)
def cover(ids, special, chosen, dice, random_ids, mask_id):
    asked = asked_for(ids, special, chosen, at="in what is read")
    inputs = np.where(asked & swapped(dice), random_ids, ids)
    inputs = np.where(asked & masked(dice), mask_id, inputs)
    return inputs, labelled(ids, asked_for(ids, special, chosen, at="in the labels"))


def tokens(seed, rows, length, special, dice=None):
    """Tokens of which the first of each row is special, with all that chance says."""
    rng = generator(seed)
    ordinary = np.setdiff1d(np.arange(20), special)
    ids, random_ids = rng.choice(ordinary, (2, rows, length))
    ids[:, 0], ids[0, -1] = special[0], special[-1]
    dice = rng.random(ids.shape) if dice is None else rng.permutation(np.resize(dice, ids.size)).reshape(ids.shape)
    chosen = rng.random(ids.shape) < 0.7
    chosen[:, 0] = chosen[:, -1] = True
    return ids, np.array(special), chosen, dice, random_ids


@cases("10.cover")
def cover_cases():
    yield Case("two texts of four tokens", *tokens(1, 2, 4, [1, 2], [0.1, 0.83, 0.95, 0.4]), 3)
    yield Case("four texts", *tokens(2, 4, 30, [1, 2]), 103)
    yield Case("as many texts as tokens and special ones", *tokens(3, 3, 3, [9, 4, 0], [0.2, 0.85, 0.93]), 21)
    ids, special, _, dice, random_ids = tokens(4, 3, 20, [0, 12, 5])
    ids[:, 5], ids[:, 9], ids[:, -6:] = 12, 0, 5
    everywhere_chosen = np.ones(ids.shape, dtype=bool)
    yield Case("every place chosen, special ones too", ids, special, everywhere_chosen, dice, random_ids, 12)
    yield Case("no place chosen", ids, special, ~everywhere_chosen, dice, random_ids, 12)
    edges = [0.0, 0.8, 0.8, 0.9, 0.9, 1.0, 0.85]
    yield Case("dice of exactly 0.8 and 0.9", *tokens(5, 3, 14, [1, 2], edges), 30)


COVER = "10.cover"
asked_for.slip("cover-special",
        "A special token is covered or asked for{at}. [CLS], [SEP] and padding never are, even where `chosen` is True.",
        lambda ids, s, c: c, lambda ids, s, c: c & (ids != s[0]), lambda ids, s, c: c & (ids != s[-1]), lambda ids, s, c: c & (ids != 0),
        lambda ids, s, c: c & ~np.isin(ids, s[:2]))  # fmt: skip
asked_for.slip("cover-special-by-size",
        "You leave special tokens out by their size{at}, with < or >. They are those in `special`, whatever their numbers are.",
        lambda ids, s, c: c & (ids > s.max()), lambda ids, s, c: c & (ids >= len(s)), lambda ids, s, c: c & (ids > len(s)))  # fmt: skip
asked_for.slip("cover-special-by-place",
        "You leave out the ends of each text{at}. Special tokens may also stand in between: look at the ids.",
        lambda ids, s, c: c & (np.arange(ids.shape[1]) % (ids.shape[1] - 1) > 0), lambda ids, s, c: c & (np.arange(ids.shape[1]) > 0),
        lambda ids, s, c: c & ~np.isin(ids, s) & (np.arange(ids.shape[1]) % (ids.shape[1] - 1) > 0))  # fmt: skip
asked_for.slip("cover-special-only", "You take the special tokens{at}. They are the ones to leave alone.",
        lambda ids, s, c: c & np.isin(ids, s))  # fmt: skip
asked_for.slip("cover-not-only-chosen",
        "Places that were not chosen are covered or asked for{at}. The dice count only where `chosen` is True.",
        lambda ids, s, c: np.ones(ids.shape, dtype=bool), lambda ids, s, c: ~np.isin(ids, s),
        lambda ids, s, c: c | ~np.isin(ids, s))  # fmt: skip
asked_for.slip("cover-the-others", "The wrong way round{at}: you take the places that were not chosen.",
        lambda ids, s, c: ~c & ~np.isin(ids, s), lambda ids, s, c: ~c)  # fmt: skip
asked_for.slip("cover-nothing-left", "No place is left{at}.", lambda ids, s, c: np.zeros(ids.shape, dtype=bool))
everywhere_known(COVER, cover, asked_for)


def with_shares(*shares):
    """A cover of other shares: up to which dice what is done, with what is left kept."""
    dice_for = {"mask": 0.5, "swap": 0.85, "keep": 1}

    def wrong(ids, special, chosen, dice, *rest):
        dice = np.select([dice < up_to for up_to, _ in shares], [dice_for[what] for _, what in shares], 1)
        return cover(ids, special, chosen, dice, *rest)

    return wrong


masked.slip("cover-always-mask",
        "Every chosen place becomes mask_id. Some are swapped and some kept: the texts of later tasks hold no [MASK].",
        lambda d: np.ones(d.shape, dtype=bool))  # fmt: skip
masked.slip("cover-at-the-edges",
        "Dice of exactly 0.8 or 0.9 go to the wrong side. “Below” leaves the number itself out, “from” takes it in.",
        lambda d: d <= 0.8)  # fmt: skip
masked.slip("cover-never-mask", "No place becomes mask_id. Those with dice below 0.8 do.",
        lambda d: np.zeros(d.shape, dtype=bool))  # fmt: skip
masked.slip("cover-mask-shares", "mask_id does not stand where the dice are below 0.8, but where they are in another part.",
        lambda d: d >= 0.8, lambda d: d > 0.8, lambda d: d > 0.2, lambda d: d >= 0.2, lambda d: d < 0.2, lambda d: d < 0.1,
        lambda d: d < 0.15, lambda d: d < 0.5, lambda d: d < 0.9)  # fmt: skip
swapped.slip("cover-at-the-edges", None, lambda d: (d > 0.8) & (d < 0.9), lambda d: (d >= 0.8) & (d <= 0.9),
        lambda d: (d > 0.8) & (d <= 0.9))  # fmt: skip
swapped.slip("cover-shares-exchanged",
        "Swapped and kept places are exchanged: from 0.8 to 0.9 a random token, from 0.9 on the token stays.", lambda d: d >= 0.9,
        lambda d: d > 0.9)  # fmt: skip
swapped.slip("cover-nothing-kept", "Every chosen place is changed. Those with dice from 0.9 on stay as they are.", lambda d: d >= 0.8,
        lambda d: d > 0.8)  # fmt: skip
swapped.slip("cover-nothing-swapped", "No place gets its random token. Those with dice from 0.8 to below 0.9 do.",
        lambda d: np.zeros(d.shape, dtype=bool))  # fmt: skip
mistake(COVER, "cover-at-the-edges", None,  # at both
        lambda ids, special, chosen, dice, *rest: cover(ids, special, chosen, np.nextafter(dice, 0), *rest))  # fmt: skip
mistake(COVER, "cover-swaps-over-masks", "Random tokens stand where mask_id belongs: what you do later covers what you did before.",
        *(lambda ids, s, c, dice, r, m,
            most=most: (np.where((asked := asked_for(ids, s, c)) & (dice < most), r, ids), labelled(ids, asked))
            for most in (0.9, 2)))  # fmt: skip
mistake(COVER, "cover-shares-elsewhere",
        "The shares have their sizes, but lie elsewhere: below 0.8 mask_id, from 0.8 to below 0.9 the random token, then what stood there.",
        *(with_shares(*edges) for edges in ([(0.1, "swap"), (0.8, "mask")], [(0.1, "swap"), (0.9, "mask")],
            [(0.1, "keep"), (0.2, "swap"), (1, "mask")], [(0.1, "keep"), (0.9, "mask"), (1, "swap")],
            [(0.1, "swap"), (0.2, "keep"), (1, "mask")])))  # fmt: skip

labelled.slip("cover-labels-everywhere", "Your labels ask for every place. Only chosen ones count; elsewhere -100.", lambda ids, asked: ids,
        lambda ids, asked: ids.copy())  # fmt: skip
labelled.slip("cover-zero", "Where nothing is asked your labels hold 0, and 0 is a token. The sign for “don't count” is -100.",
        lambda ids, asked: np.where(asked, ids, 0))  # fmt: skip
labelled.slip("cover-another-sign", "Where nothing is asked your labels hold another number than -100.",
        *(lambda ids, asked, sign=sign: np.where(asked, ids, sign) for sign in (-1, 100, -99, -101)))  # fmt: skip
labelled.slip("cover-labels-inverted", "The wrong way round: your labels hold -100 where a place is asked for.",
        lambda ids, asked: np.where(asked, -100, ids))  # fmt: skip
labelled.slip("cover-labels-as-flags", "Your labels say which places are asked for. They are to hold the tokens that stood there.",
        lambda ids, asked: asked, lambda ids, asked: asked.astype(int), lambda ids, asked: np.where(asked, 1, -100))  # fmt: skip
labelled.slip("cover-labels-short", "Your labels hold only what is asked for, one after the other. They keep the shape of ids.",
        lambda ids, asked: ids[asked])  # fmt: skip


def with_labels(label):
    """A cover of right inputs, whose labels come from (ids, inputs, asked, dice, mask_id)."""

    def wrong(ids, special, chosen, dice, random_ids, mask_id):
        inputs, labels = cover(ids, special, chosen, dice, random_ids, mask_id)
        return inputs, label(ids, inputs, labels != -100, dice, mask_id)

    return wrong


mistake(COVER, "cover-labels-at-mask-only",
        "Your labels ask only where mask_id stands. Swapped and kept places are asked for as well: that is what they are for.",
        with_labels(lambda ids, read, on, dice, m: np.where(on & (dice < 0.8), ids, -100)),
        with_labels(lambda ids, read, on, dice, m: np.where(read == m, ids, -100)))  # fmt: skip
mistake(COVER, "cover-kept-not-asked", "Places that are chosen but kept are not asked for. They are: the model can't know which they are.",
        with_labels(lambda ids, read, on, dice, m: np.where(on & (dice < 0.9), ids, -100)),
        with_labels(lambda ids, read, on, dice, m: np.where(read != ids, ids, -100)))  # fmt: skip
mistake(COVER, "cover-labels-from-inputs", "Your labels hold what the model reads. They hold what stood there before.",
        with_labels(lambda ids, read, on, dice, m: np.where(on, read, -100)), with_labels(lambda ids, read, on, dice, m: read))  # fmt: skip
mistake(COVER, "cover-shares-in-order",
        "You cut the text, or what is asked for, in shares of 80, 10 and 10 from front to back. Each place has dice of its own.",
        lambda ids, s, c, dice, r, m: cover(ids, s, c, (np.arange(dice.size) / dice.size).reshape(dice.shape), r, m),
        lambda ids, s, c, dice, r, m: cover(ids, s, c, np.broadcast_to(np.arange(ids.shape[1]) / ids.shape[1], ids.shape), r,
            m))  # fmt: skip
mistake(COVER, "cover-one-random-token", "All swapped places get one and the same random token. Each place has its own in random_ids.",
        lambda ids, s, c, dice, r, m: cover(ids, s, c, dice, r[0, 0], m),
        lambda ids, s, c, dice, r, m: cover(ids, s, c, dice, r[:, :1], m))  # fmt: skip


@mistake(COVER, "cover-random-tokens-in-order",
        "The random tokens are dealt out from the front. Each swapped place takes the one at its own place.")  # fmt: skip
def covered_from_the_front(ids, special, chosen, dice, random_ids, mask_id):
    inputs, labels = cover(ids, special, chosen, dice, ids, mask_id)
    places = (labels != -100) & swapped(dice)
    inputs[places] = random_ids.ravel()[: places.sum()]
    return inputs, labels


@holds(COVER, "cover-changes-the-rest", "What the model reads differs from the text in places that are not asked for.")
def the_rest_stays(got, ids, special, chosen, dice, random_ids, mask_id):
    return not (got[0] != ids)[~(chosen & ~np.isin(ids, special))].any()


@holds(COVER, "cover-asks-elsewhere", "Your labels hold something else than -100 in places that are not asked for.")
def nothing_else_is_asked(got, ids, special, chosen, dice, random_ids, mask_id):
    return bool((got[1] == -100)[~(chosen & ~np.isin(ids, special))].all())


# ----------------------------------------------------------------------------------------------------------------------
# The loss, where it counts
# ----------------------------------------------------------------------------------------------------------------------


@reference(
    "10.masked_loss",
    title="The loss, where it counts",
    points=2,
    hints=[
        "Keep only the places whose label is not -100: a boolean index does it for logits and labels alike.",
        "For each kept place: minus the log of the softmax at the label. Then the mean over the kept places.",
        "`kept = labels != -100`, `rows = logits[kept]`, subtract each row's maximum, `log_p = rows - np.log(np.exp(rows).sum(-1, keepdims=True))`, "
        "then `-log_p[np.arange(len(rows)), labels[kept]].mean()`.",
    ],
    returns="loss",
    same=["loss-compares-size"],
)
def masked_loss(logits, labels):
    return averaged(losses_of(logits, labels), counting(labels, -100))


def losses_of(logits, labels):
    """The loss of each place; of one that does not count, that of class 0."""
    return surprise(picked(log_probabilities(logits), np.maximum(labels, 0)))


def some_labels(seed, rows, length, classes, left_out=0.5):
    """Labels of which about a share does not count, but the first of each row does."""
    rng = generator(seed)
    labels = np.where(rng.random((rows, length)) < left_out, -100, rng.integers(0, classes, (rows, length)))
    labels[:, 0] = rng.integers(0, classes, rows)
    labels[0, 0], labels[0, 1:] = 0, -100
    return labels


@cases("10.masked_loss")
def masked_loss_cases():
    yield Case("two texts with a question each or two", draw(1, 2, 3, 4).round(1), np.array([[-100, 0, -100], [3, -100, 1]]))  # fmt: skip
    yield Case("three texts with one question and more", 2 * draw(2, 3, 6, 7), some_labels(3, 3, 6, 7))
    yield Case("as many texts, tokens and classes", draw(4, 4, 4, 4), some_labels(5, 4, 4, 4))
    yield Case("every place counts", draw(6, 2, 3, 6), generator(7).integers(0, 6, (2, 3)))
    yield Case("a vocabulary of 130", draw(8, 2, 3, 130), some_labels(9, 2, 3, 130))
    yield Case("a text without a question", draw(10, 2, 3, 4), np.array([[3, -100, 2], [-100] * 3]), edge=True)
    hopeless = np.array([[[1000.0, 0, 0], [0, 2, 0]]])
    yield Case("a logit of 1000 beside the right one of 0", hopeless, np.array([[1, 2]]), edge=True)
    yield Case("a logit of 1000 where nothing counts", hopeless, np.array([[-100, 1]]), edge=True)
    yield Case("logits around 1000", 1000 + hopeless[:, 1:], np.array([[1]]), edge=True)
    yield Case("logits around -1000", hopeless[:, 1:] - 1000, np.array([[1]]), edge=True)
    heights = np.array([[[1000.0, 1000, 1000], [0, 0, 0], [-1000, -1001, -1002]]])
    yield Case("one place of logits around 1000, one around 0", heights, np.array([[1, 2, 1]]), edge=True)


LOSS = "10.masked_loss"
mistake(LOSS, "loss-counts-padding", None, lambda x, y: losses_of(x, y % x.shape[-1]).mean(),
        lambda x, y: surprise(log_probabilities(x)[(*np.indices(y.shape), y)]).mean())  # fmt: skip
mistake(LOSS, "loss-shifted", None, lambda x, y: masked_loss(x[:, :-1], y[:, 1:]),
        lambda x, y: masked_loss(x[:, 1:], y[:, :-1]))  # fmt: skip
mistake(LOSS, "loss-every-place-with-every-target", None,
        lambda x, y: -log_probabilities(x)[y != -100][:, y[y != -100]].mean())  # fmt: skip
mistake(LOSS, "loss-log-of-the-mean", None, lambda x, y: -np.log(picked(probabilities(x), np.maximum(y, 0))[y != -100].mean()))  # fmt: skip
mistake(LOSS, "loss-of-one-sentence", None, *(lambda x, y, row=row: masked_loss(x[row], y[row]) for row in (0, -1)))
mistake(LOSS, "loss-is-a-share-of-hits", None, lambda x, y: (x.argmax(axis=-1) == y)[y != -100].mean(),
        lambda x, y: (x.argmax(axis=-1) != y)[y != -100].mean())  # fmt: skip
mistake(LOSS, "loss-of-zeroed-logits", "Where nothing counts you set the logits to 0. That is a guess at every class, and it costs "
        "log(classes): such a place has to be left out of the mean.",
        lambda x, y: losses_of(np.where((y != -100)[..., None], x, 0), y).mean(),
        lambda x, y: losses_of(np.where((y != -100)[..., None], x, 0), y).sum() / (y != -100).sum())  # fmt: skip
mistake(LOSS, "loss-mean-of-rows", None,  # a row without a question counted as 0
        lambda x, y: np.mean([masked_loss(row, on) if (on != -100).any() else 0.0 for row, on in zip(x, y, strict=True)]))  # fmt: skip
OF_AN_AXIS = "loss-softmax-axis", "missing-keepdims", "softmax-maximum-of-columns", "loss-global-maximum"
for slip in log_probabilities.slips:
    if slip.diagnosis in OF_AN_AXIS:  # of the places that count, taken out first
        mistake(LOSS, slip.diagnosis, None,
                lambda x, y, logs=slip.function: (-picked(logs(x[y != -100]), y[y != -100]).mean()))  # fmt: skip

# ----------------------------------------------------------------------------------------------------------------------
# Shifted twice
# ----------------------------------------------------------------------------------------------------------------------


def right_loss(logits, ids):
    """The causal loss: row i of the logits (seq_len, vocab_size) is compared with token i + 1."""
    return -log_softmax(logits[:-1])[np.arange(len(ids) - 1), ids[1:]].mean()


def colleagues_loss(logits, ids):
    """A colleague's loss. No error, and it falls beautifully."""
    labels = ids[1:]  # “the target is the next token”
    return right_loss(logits[:-1], labels)  # as in many libraries, the loss function shifts the labels


SHIFT = "10.satisfies_the_colleague"


@judged(
    SHIFT,
    title="Find the bug: shifted twice",
    points=1,
    hints=[
        "Follow row 0 of the logits through both functions. With which token is it compared in the end?",
        "The colleague rewards a model that knows the token *after* the next. Build logits that put 50 there and 0 elsewhere.",
        "With `ids = np.array([0, 1, 2, 3, 4, 0])`: `logits[i, ids[i + 2]] = 50` for i from 0 to 3.",
    ],
)
def satisfies_the_colleague(candidate):
    got = call(candidate)
    require(isinstance(got, tuple) and len(got) == 2, "not-logits-and-ids",
            "Two arrays were expected, `return logits, ids`; your function returns {returned}.", returned=count_of(got))  # fmt: skip
    logits, ids = got
    require(ids.shape != (6, 5) or logits.shape != (6,), "shift-outputs-exchanged",
            "You return ids first. The logits come first: `return logits, ids`.")  # fmt: skip
    require(logits.shape == (6, 5) and ids.shape == (6,), "shift-shapes",
            "logits has shape {logits} and ids {ids}; expected (6, 5) and (6,).", logits=logits.shape, ids=ids.shape)  # fmt: skip
    require(ids.dtype.kind in "iu", "shift-ids-kind",
            "ids holds {kind} values. Ids are whole numbers, and the next line uses them as an index.", kind=ids.dtype.name)  # fmt: skip
    require(ids.min() >= 0 and ids.max() <= 4, "shift-ids", "Some of your ids lie outside of 0 to 4: there are five tokens.")  # fmt: skip
    logits = logits.astype(float)
    require(np.isfinite(logits).all(), "shift-not-finite", "Your logits hold NaN or infinity. It fails with ordinary numbers.")  # fmt: skip
    theirs, right = colleagues_loss(logits, ids), right_loss(logits, ids)
    after_the_next = np.array_equal(logits[:4].argmax(axis=-1), ids[2:])
    require(theirs < 0.01 or not after_the_next, "shift-too-weak",
            "The right idea, but the colleague's loss is still {loss:.2f}: in each row the winner has to be further ahead.",
            loss=theirs)  # fmt: skip
    require(theirs < 0.01, "shift-not-fooled",
            "The colleague's loss is {loss:.2f}: not satisfied yet. Which token does row i get compared with in the end?",
            loss=theirs)  # fmt: skip
    require(right > 1, "shift-right-too", "The right loss is {loss:.2f}: your answer is not wrong enough. In a text that repeats itself, "
            "the next token and the one after are the same; vary it.", loss=right)  # fmt: skip


def shifted(ahead, ids=(0, 1, 2, 3, 4, 0), change=lambda logits, ids: (logits, ids)):
    """An answer whose logits put 50 on the token so many places ahead, changed afterwards."""
    ids = np.array(ids)
    logits = sum(50.0 * (np.roll(ids, -by)[:, None] == np.arange(5)) for by in np.atleast_1d(ahead))
    return lambda: change(logits, ids)


mistake(SHIFT, "not-logits-and-ids", None, shifted(2, change=lambda logits, ids: logits))
mistake(SHIFT, "shift-outputs-exchanged", None, shifted(2, change=lambda logits, ids: (ids, logits)))
mistake(SHIFT, "shift-shapes", None, shifted(2, change=lambda logits, ids: (logits[:5], ids[:5])),
        shifted(2, change=lambda logits, ids: (logits.T, ids)))  # fmt: skip
mistake(SHIFT, "shift-ids-kind", None, shifted(2, change=lambda logits, ids: (logits, ids * 1.0)),
        shifted(2, change=lambda logits, ids: (logits, ids > 2)))  # fmt: skip
mistake(SHIFT, "shift-ids", None, shifted(2, change=lambda logits, ids: (logits, ids + 1)),
        shifted(2, change=lambda logits, ids: (logits, ids - 1)))  # fmt: skip
mistake(SHIFT, "shift-not-finite", None, shifted(2, change=lambda logits, ids: (np.where(logits > 0, np.inf, logits), ids)))  # fmt: skip
mistake(SHIFT, "shift-not-fooled", None, shifted(1), shifted(0), shifted(3))
mistake(SHIFT, "shift-too-weak", None, *(shifted(2, change=lambda logits, ids, by=by: (logits / by, ids)) for by in (50, 10)))  # fmt: skip
mistake(SHIFT, "shift-right-too", None, shifted([1, 2], [0] * 6), shifted(2, [3] * 6))

# ----------------------------------------------------------------------------------------------------------------------
# BERT's block
# ----------------------------------------------------------------------------------------------------------------------


@step
def turned(weight):
    """A weight as it is stored, (out, in), as the matrix that tokens go through: (in, out)."""
    return weight.T


@step
def hides_keys(mask):
    """A mask of tokens, for every head and every query: (..., seq_len) -> (..., 1, 1, seq_len)."""
    return mask[..., None, None, :]


@step
def dense(x, tensors, name):
    """A linear map under its name in BERT."""
    return linear(x, turned(tensors[f"{name}.weight"]), tensors[f"{name}.bias"])


@step
def thought(x, tensors):
    """The feed-forward network."""
    return dense(gelu(dense(x, tensors, "intermediate.dense")), tensors, "output.dense")


@reference(
    "10.bert_block",
    title="BERT's block, for real weights",
    points=4,
    hints=[
        "Write two small functions first: `linear(x, name)` with the transposed weight, `norm(x, name)` with eps 1e-12. Then it is lesson 06's "
        "post-norm block.",
        "Heads: `x.reshape(*x.shape[:-1], num_heads, -1)`, then `np.swapaxes(…, -2, -3)`. Mask: `mask[..., None, None, :]` against "
        "(…, heads, queries, keys).",
        "`x = norm(x + linear(context, 'attention.output.dense'), 'attention.output.LayerNorm')`, then "
        "`norm(x + linear(gelu(linear(x, 'intermediate.dense')), 'output.dense'), 'output.LayerNorm')`.",
    ],
    returns="output",
    same={*WITHOUT_EMPTY_ROWS, "softmax-clipped", "mask-fill-too-small", "masked-counted-as-zero"}
    | {"norm-eps-ignored", "norm-eps-twice"},
)
def bert_block(x, mask, tensors, num_heads):
    def norm(name):
        return lambda x: layer_norm(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], 1e-12)

    def attend(x):
        parts = (dense(x, tensors, f"attention.self.{part}") for part in ("query", "key", "value"))
        queries, keys, values = (split(part, num_heads) for part in parts)
        weights = softmax(scaled(dot_products(queries, keys), queries.shape[-1]), hides_keys(mask))
        return dense(merge(mixed(weights, values)), tensors, "attention.output.dense")

    x = post_norm(x, attend, norm("attention.output.LayerNorm"), at="at the attention")
    return post_norm(x, lambda x: thought(x, tensors), norm("output.LayerNorm"), at="at the feed-forward network")


def bert_tensors(seed, d_model, d_ff, digits=9):
    """Tensors of one block under BERT's names."""
    shapes = {f"attention.self.{part}": (d_model, d_model) for part in ("query", "key", "value")}
    shapes |= {
        "attention.output.dense": (d_model, d_model),
        "intermediate.dense": (d_ff, d_model),
        "output.dense": (d_model, d_ff),
    }
    tensors = {}
    for number, (name, shape) in enumerate(shapes.items()):
        tensors[f"{name}.weight"] = (draw(seed + number, *shape) / 2).round(digits)
        tensors[f"{name}.bias"] = (draw(seed + 10 + number, shape[0]) / 2).round(digits)
    for number, name in enumerate(("attention.output.LayerNorm", "output.LayerNorm")):
        tensors[f"{name}.weight"] = (draw(seed + 20 + number, d_model) / 4 + 1.5).round(digits)
        tensors[f"{name}.bias"] = draw(seed + 30 + number, d_model).round(digits)
    return tensors


def marks(*rows):
    """Which entries of rows such as "101" are 1."""
    return np.array([[entry == "1" for entry in row] for row in rows])


def times(tensors, factor, *names):
    """Tensors of which those whose names hold one of these are multiplied."""
    return {name: tensor * (factor if any(part in name for part in names) else 1) for name, tensor in tensors.items()}


@cases("10.bert_block")
def bert_block_cases():
    yield Case("two tokens of four features", draw(1, 2, 4).round(1), np.ones(2, dtype=bool), bert_tensors(2, 4, 3, 1), 2)  # fmt: skip
    tensors, mask = bert_tensors(3, 8, 12), marks("11010")[0]
    yield Case("hidden tokens", draw(50, 5, 8), mask, tensors, 4)
    yield Case("all sizes alike", draw(51, 4, 4), marks("0111")[0], bert_tensors(5, 4, 4), 4)
    yield Case("a single head", draw(52, 3, 4), marks("101")[0], bert_tensors(6, 4, 6), 1)
    yield Case("a batch", draw(53, 2, 5, 8), np.stack([mask, np.arange(5) < 3]), tensors, 4)
    yield Case("as many texts as heads", draw(54, 2, 3, 4), marks("011", "110"), bert_tensors(7, 4, 6), 2)
    yield Case("two leading axes", draw(55, 1, 2, 3, 4), marks("101", "110")[None], bert_tensors(8, 4, 6), 2)
    large = times(bert_tensors(9, 4, 6), 40, "query", "key", "intermediate")
    yield Case("scores in the thousands", draw(56, 9, 4), marks("000010100")[0], large, 2, edge=True)
    faint = times(tensors, 1e-6, "dense", "self", "attention.output.LayerNorm")
    yield Case("faint tokens, of a spread near eps", 1e-6 * draw(57, 5, 8), mask, faint, 4, edge=True)
    silent = times(bert_tensors(10, 4, 6), 0, "attention.output.dense")
    yield Case("tokens whose numbers are all alike", np.ones((3, 4)) * draw(58, 3, 1), np.ones(3, dtype=bool), silent, 2,
            edge=True)  # fmt: skip


BERT = "10.bert_block"


def instead(*others):
    """BERT's block with other functions in place of steps, wherever they are done: (step, function) each."""

    def wrong(*inputs):
        _, sites = run(bert_block, inputs)
        slipped = {site: function for site in sites for one, function in others if site.step is one}
        return run(bert_block, inputs, slipped)[0]

    return wrong


def second(change):
    """BERT's block with another second sublayer, from (x that came in, x after the first, sublayer, norm)."""

    def wrong(came, *rest):
        def other(x, sublayer, norm):
            return norm(x + sublayer(x)) if x is came else change(came, x, sublayer, norm)

        return instead((post_norm, other))(came, *rest)

    return wrong


def from_tensors(change):
    """BERT's block with other tensors, made from those that came."""
    return lambda x, mask, t, heads: bert_block(x, mask, t | change(t), heads)


def taking(*pairs):
    """BERT's block that takes other layers: (name, that in its place) each."""
    kinds = "weight", "bias"
    return from_tensors(lambda tensors: {f"{a}.{kind}": tensors[f"{b}.{kind}"] for a, b in pairs for kind in kinds})


def without_bias(*names):
    """BERT's block without the biases of some layers."""
    return from_tensors(lambda tensors: {f"{name}.bias": 0 * tensors[f"{name}.bias"] for name in names})


SELF = [f"attention.self.{part}" for part in ("query", "key", "value")]
DENSE = ["attention.output.dense", "intermediate.dense", "output.dense"]
NORMS = ["attention.output.LayerNorm", "output.LayerNorm"]
PAIRS = list(itertools.permutations(SELF, 2))

mistake(BERT, "bert-queries-and-keys", "Queries and keys are exchanged.", taking(PAIRS[0], PAIRS[0][::-1]))
mistake(BERT, "bert-layers-exchanged", "One part of the attention is made by the layer of another: query, key or value.",
        *(taking(pair) for pair in PAIRS), *(taking(pair, pair[::-1]) for pair in PAIRS[1:]))  # fmt: skip
mistake(BERT, "bert-norms-exchanged", "The two norms are exchanged: attention.output.LayerNorm first, output.LayerNorm at the end.",
        taking(NORMS, NORMS[::-1]))  # fmt: skip
mistake(BERT, "bert-one-norm-for-both", "Both norms take the gain and bias of one. Each has its own.", taking(NORMS),
        taking(NORMS[::-1]))  # fmt: skip
mistake(BERT, "bert-layer-left-out", "A layer is left out: what goes in comes out, as if it were not there.",
        *(instead((dense, lambda x, tensors, name, which=which: x if which in name else dense(x, tensors, name)))
            for which in (*SELF, "self", "attention.output")))  # fmt: skip
mistake(BERT, "bert-bias-forgotten", "The biases of some layers change nothing in your result. Each layer has one.",  # the keys' never does
        *(without_bias(name) for name in (SELF[0], SELF[2], *DENSE)),
        without_bias(*SELF), without_bias(*DENSE[1:]), without_bias(*SELF, DENSE[0]))  # fmt: skip
mistake(
    BERT, "norm-constant-token", None, instead((spread_of, lambda v, eps: np.sqrt(v)))
)  # before slips that look like it here
mistake(BERT, "norm-eps-ignored", None,
        *(instead((spread_of, lambda v, eps, other=other: np.sqrt(np.where(v == 0, other, v)))) for other in (1, 1e-24)))  # fmt: skip
mistake(BERT, "scaled-by-d_k", None, instead((scaled, lambda scores, d_head: scores / d_head)))
mistake(BERT, "bert-scaled-otherwise", "The scores are divided by something else than √d_head. A head has d_model / num_heads features.",
        lambda *inputs: instead((scaled, lambda scores, d_head: scores / np.sqrt(inputs[3])))(*inputs),
        instead((scaled, lambda scores, d_head: scores / 8)))  # fmt: skip
mistake(BERT, "norm-sample-variance", None,  # as np.std gives it
        instead((variance_of, lambda x, mean: x.var(axis=-1, ddof=1, keepdims=True)), (spread_of, lambda v, eps: np.sqrt(v))))  # fmt: skip
mistake(BERT, "bert-one-head", "You attend with one head. Split the features into num_heads parts.",
        lambda x, mask, t, heads: bert_block(x, mask, t, 1))  # fmt: skip
mistake(BERT, "bert-reshaped-both-ways", "A head's row holds pieces of several tokens: you reshape straight to (heads, seq_len, d_head) "
        "and straight back. A reshape only reads on, number by number.",
        instead((split, reshaped), (merge, merge.slips[0].function)))  # fmt: skip
mistake(BERT, "scaled-by-d_model", None,
        lambda x, mask, t, heads: instead((scaled, lambda scores, d_head: scores / np.sqrt(d_head * heads)))(x, mask, t,
            heads))  # fmt: skip
mistake(BERT, "bert-causal", "Tokens don't see those that come after them. BERT reads in both directions: only the mask hides.",
        instead((hides_keys, lambda mask: mask[..., None, None, :] & np.tri(mask.shape[-1], dtype=bool))),
        instead((hides_keys, lambda mask: np.tri(mask.shape[-1], dtype=bool))))  # fmt: skip
mistake(BERT, "bert-attention-only", "The feed-forward network leaves no trace: that is what the attention's norm gives.",
        second(lambda came, x, f, norm: x))  # fmt: skip
mistake(BERT, "bert-feed-forward-beside",
        "The feed-forward network reads what the attention read. It reads what the attention's norm gives.",
        second(lambda came, x, f, norm: norm(x + f(came))))  # fmt: skip
mistake(BERT, "bert-first-residual-again", "The second residual adds the x that came into the block. Each sublayer adds to what it read.",
        second(lambda came, x, f, norm: norm(came + f(x))))  # fmt: skip
mistake(BERT, "bert-hidden-tokens-zeroed",
        "You set hidden tokens to 0. They stay as they are, and are normed like the others; they are only not attended to.",
        lambda x, mask, t, heads: bert_block(x * mask[..., None], mask, t, heads),
        lambda x, mask, t, heads: bert_block(x, mask, t, heads) * mask[..., None])  # fmt: skip
turned.slip("bert-not-transposed",
        "You multiply by a weight as it is stored, (out, in). What comes in has to meet the axis that belongs to it.",
        lambda weight: weight, lambda weight: weight if len(weight) == weight.shape[1] else weight.T)  # fmt: skip
hides_keys.slip("bert-mask-on-queries", "The mask hides queries: it stands along their rows. It hides keys, which are the last axis.",
        lambda mask: mask[..., None, :, None], lambda mask: mask[..., None, None, :] & mask[..., None, :, None])  # fmt: skip
mistake(BERT, "bert-mask-on-queries", None,
        instead((softmax, lambda scores, mask: softmax(np.where(np.swapaxes(mask, -1, -2), scores, -1e9)))))  # fmt: skip
hides_keys.slip("bert-mask-meets-heads", "On a batch your mask lines up with the heads or does not fit: (batch, seq_len) needs an axis of "
        "length 1 where the heads are, and one where the queries are.", lambda mask: mask[..., None, :],
        lambda mask: mask[None] if mask.ndim > 1 else mask, lambda mask: mask, lambda mask: mask[None, None])  # fmt: skip
hides_keys.slip("fails-without-batch",
        "A single text, (seq_len, d_model), raises an error: your mask counts its axes from the front. Count them from the end.",
        lambda mask: mask[:, None, None, :], lambda mask: mask[:, None, None])  # fmt: skip
hides_keys.slip("mask-of-first-sentence", None, lambda mask: hides_keys(mask[(0,) * (mask.ndim - 1)]))
thought.slip("activation-at-the-end", None, lambda x, t: gelu(thought(x, t)),
        lambda x, t: gelu(dense(dense(x, t, "intermediate.dense"), t, "output.dense")))  # fmt: skip
thought.slip("ff-with-residual", None, lambda x, t: x + thought(x, t))
everywhere_known(BERT, bert_block, post_norm)

# ----------------------------------------------------------------------------------------------------------------------
# One vector a text
# ----------------------------------------------------------------------------------------------------------------------


@step
def pooled(hidden, mask):
    """The mean over real tokens: (batch, seq_len, d_model), (batch, seq_len) -> (batch, d_model)."""
    return (hidden * mask[..., None]).sum(axis=1) / np.maximum(mask.sum(axis=1, keepdims=True), 1)


@reference(
    "10.text_vectors",
    title="One vector a text",
    points=2,
    hints=[
        "Padding must not move a text's vector. Which tokens does the mean run over?",
        "Set padding to 0 with `np.where(mask[..., None], hidden, 0)`, add up over the tokens; then bring each sum to length 1. (Does the mean's divisor "
        "matter then?)",
        "`total = np.where(mask[..., None], hidden, 0).sum(axis=-2)`, `length = np.linalg.norm(total, axis=-1, keepdims=True)`, and divide where the length "
        "is not 0.",
    ],
    returns="table of vectors",
)
def text_vectors(hidden, mask):
    return unit(pooled(hidden, mask))


@cases("10.text_vectors")
def text_vectors_cases():
    def hidden(seed, *shape):  # later tokens are longer, so that it shows when all get the same say
        return draw(seed, *shape) * (1 + np.arange(shape[1]))[:, None]

    yield Case("two texts of two tokens and one", draw(1, 2, 3, 2).round(1), marks("110", "100"))
    mask = np.arange(5) < np.array([4, 2, 3, 1])[:, None]
    far = hidden(2, 4, 5, 8)
    far[:, -1] += 30
    yield Case("large numbers at the padding", far, mask)
    yield Case("as many texts as tokens and features", hidden(3, 4, 4, 4), np.tri(4, dtype=bool))
    yield Case("padding in front and between", hidden(4, 2, 4, 3), marks("0101", "0011"))
    yield Case("no padding", hidden(5, 3, 4, 6), np.ones((3, 4), dtype=bool))
    empty = mask.copy()
    empty[2] = False
    yield Case("a text without tokens", hidden(6, 4, 5, 8), empty)
    yield Case("no text with tokens", hidden(7, 2, 3, 4), np.zeros((2, 3), dtype=bool), edge=True)
    yield Case("faint numbers", 1e-6 * hidden(8, 3, 5, 4), mask[:3], edge=True)


POOL = "10.text_vectors"
sums = lambda h, m: (h * m[..., None]).sum(axis=1)  # noqa: E731

pooled.slip("pool-with-padding", "Padding is in your mean. A text's vector then depends on its neighbours in the batch.",
        lambda h, m: h.mean(axis=1), lambda h, m: h.sum(axis=1) / np.maximum(m.sum(axis=1, keepdims=True), 1))  # fmt: skip
pooled.slip("pool-first-token",
        "That is one token's vector, the first ([CLS]) or the last. This model was trained with the mean over tokens.",
        lambda h, m: h[:, 0], lambda h, m: h[:, -1], lambda h, m: h[np.arange(len(h)), m.sum(axis=1) - 1],
        lambda h, m: h[np.arange(len(h)), m.shape[1] - 1 - m[:, ::-1].argmax(axis=1)])  # fmt: skip
pooled.slip("pool-without-the-ends", "The first or the last token, [CLS] or [SEP], is not in your mean. All that `mask` marks are.",
        lambda h, m: sums(h[:, 1:], m[:, 1:]), lambda h, m: sums(h[:, :-1], m[:, :-1]), lambda h, m: sums(h[:, :-1], m[:, 1:]),
        lambda h, m: sums(h[:, 1:-1], m[:, 1:-1]))  # fmt: skip
pooled.slip("pool-maximum", "That is the maximum over tokens. The mean was asked for.",
        lambda h, m: np.where(m[..., None], h, -np.inf).max(axis=1), lambda h, m: h.max(axis=1),
        lambda h, m: np.where(m[..., None], h, 0).max(axis=1), lambda h, m: np.where(m[..., None], h, -1e9).max(axis=1))  # fmt: skip
pooled.slip("pool-median", "That is the median over tokens. The mean was asked for.",
        lambda h, m: np.nan_to_num(np.nanmedian(np.where(m[..., None], h, np.nan), axis=1)),
        lambda h, m: np.median(h * m[..., None], axis=1))  # fmt: skip
pooled.slip("pool-tokens-normalised", "You bring the tokens to length 1 and then average: long ones lose their say. Average first.",
        lambda h, m: sums(unit(h), m), lambda h, m: sums(unit(h), m) / m.sum(axis=1, keepdims=True))  # fmt: skip
pooled.slip("pool-mask-inverted", "You average over the padding. True marks real tokens.", lambda h, m: sums(h, ~m),
        lambda h, m: sums(h, ~m) / np.maximum((~m).sum(axis=1, keepdims=True), 1))  # fmt: skip
pooled.slip("pool-over-batch", "You average over the texts. The tokens are the axis before the last.",
        lambda h, m: (h * m[..., None]).sum(axis=0), lambda h, m: h.mean(axis=0))  # fmt: skip
pooled.slip("pool-over-features", "You average over the features of each token. The tokens are the axis before the last.",
        lambda h, m: (h * m[..., None]).mean(axis=-1), lambda h, m: h.mean(axis=-1))  # fmt: skip
pooled.slip("pool-all-texts-together", "All texts get the same vector. Each is averaged by itself.",
        lambda h, m: np.broadcast_to(h[m].mean(axis=0), (len(h), h.shape[-1])), lambda h, m: h[m].mean(axis=0),
        lambda h, m: h[m].mean(axis=0, keepdims=True))  # fmt: skip
pooled.slip("pool-first-tokens",
        "You take the first tokens, as many as are real. Padding may stand in front or between: `mask` says where.",
        lambda h, m: sums(h, np.arange(m.shape[1]) < m.sum(axis=1, keepdims=True)))  # fmt: skip
pooled.slip("pool-empty", "A text without tokens gives NaN: 0 divided by 0. We decide: a vector of zeros.",
        lambda h, m: sums(h, m) / m.sum(axis=1, keepdims=True))  # fmt: skip

mistake(POOL, "not-unit", None, sums, lambda h, m: sums(h, m) / h.shape[1])
mistake(POOL, "pool-empty", None, lambda h, m: (total := sums(h, m)) / lengths(total))
mistake(POOL, "pool-texts-dropped", "A text without tokens has no row in your table. Each text has one; this one's is all 0.",
        lambda h, m: text_vectors(h, m)[m.any(axis=1)])  # fmt: skip
for slip in pooled.slips:
    if slip.diagnosis in ("pool-first-token", "pool-maximum"):  # with zeros for a text without tokens
        mistake(POOL, slip.diagnosis, None,
                lambda h, m, pool=slip.function: np.where(m.any(axis=1)[:, None], unit(pool(h, m)), 0))  # fmt: skip
for slip in unit.slips:  # of the sums, which is the same where lengths are divided out
    mistake(POOL, slip.diagnosis, None, lambda h, m, unit=slip.function: unit(sums(h, m)))


@holds(POOL, "pool-empty")
def empty_is_zero(got, hidden, mask):
    return not got[~mask.any(axis=1)].any()


@holds(POOL, "not-unit")
def of_length_one(got, hidden, mask):
    return np.allclose(lengths(got[mask.any(axis=1)]), 1, atol=1e-4)


# ----------------------------------------------------------------------------------------------------------------------
# Search
# ----------------------------------------------------------------------------------------------------------------------


@step
def alike(queries, documents):
    """How alike each query and each document are. (A query's own length changes nothing in the order.)"""
    return queries @ unit(documents).T


@step
def best(scores, k):
    """The places of the k largest of each row, the best first."""
    return np.argsort(-scores, axis=-1)[:, :k]


@reference(
    "10.search",
    title="Search by meaning",
    points=1,
    hints=[
        "Cosine is the dot product of vectors of length 1.",
        "`np.argsort` sorts upwards. How do you get the best first?",
        "`cosines = unit(queries) @ unit(documents).T`, then `np.argsort(-cosines, axis=-1)[:, :k]`.",
    ],
    returns="array of documents",
    same=["empty-row-nan", "unit-epsilon"],
)
def search(queries, documents, k):
    return best(alike(queries, documents), k)


@cases("10.search")
def search_cases():
    def texts(seed, queries, documents, d):  # of many lengths
        sizes = np.geomspace(0.2, 8, documents)[generator(seed + 2).permutation(documents)]
        return draw(seed, queries, d) * np.geomspace(5, 0.1, queries)[:, None], draw(seed + 1, documents, d) * sizes[
            :, None
        ]

    yield Case("one query, three documents", *(part.round(1) for part in texts(1, 1, 3, 3)), 2)
    yield Case("the best one alone", *texts(4, 3, 7, 5), 1)
    yield Case("nine documents", *texts(7, 4, 9, 8), 4)
    yield Case("as many queries as documents and features", *texts(10, 6, 6, 6), 3)
    yield Case("all documents asked for", *texts(13, 4, 7, 5), 7)
    yield Case("a text searched among many and itself", *(lambda q, d: (d[:3] * 1.5, d))(*texts(16, 3, 8, 5)), 3)
    # On some processors np.argpartition sorts short parts by the way: it does not where half of 600 are asked for.
    yield Case("600 documents", *texts(19, 3, 600, 8), 300)


SEARCH = "10.search"
cosines = lambda q, d: unit(q) @ unit(d).T  # noqa: E731
by = lambda score: lambda q, d, k: best(score(q, d), k)  # noqa: E731

best.slip("search-worst-first", "Your order begins with the least alike. The best comes first.", lambda s, k: np.argsort(s, axis=-1)[:, :k],
        lambda s, k: np.argsort(s, axis=-1)[:, -k:], lambda s, k: best(s, k)[:, ::-1],
        lambda s, k: np.argsort(-s, axis=-1)[:, -k:])  # fmt: skip
best.slip("search-queries-reversed", "The order of the queries is turned round. Which axis are the documents, and which the queries?",
        lambda s, k: np.argsort(s, axis=-1)[::-1, :k], lambda s, k: best(s, k)[::-1])  # fmt: skip
best.slip("search-not-sorted", "These are the right texts, but not with the best first: cut out is not sorted yet.",
        lambda s, k: np.sort(best(s, k), axis=-1))  # fmt: skip
best.slip("search-over-queries", "You sort over the queries. For each query (row), sort the documents.",
        lambda s, k: np.argsort(-s, axis=0)[:, :k], lambda s, k: np.argsort(-s, axis=0)[:k],
        lambda s, k: np.argsort(-s.T, axis=-1)[:, :k])  # fmt: skip
best.slip("search-ranks", "These are ranks: which place each of the first documents has. Asked for is which documents stand in front.",
        lambda s, k: np.argsort(np.argsort(-s, axis=-1), axis=-1)[:, :k])  # fmt: skip
best.slip("search-all", "You return all documents. The k best were asked for.", lambda s, k: np.argsort(-s, axis=-1),
        lambda s, k: np.argsort(-s, axis=-1)[:k], lambda s, k: np.argsort(s, axis=-1)[:, ::-1])  # fmt: skip
best.slip("search-first-skipped", "The best one is missing: your list begins with the second. (Where a text is sought among itself and "
        "others one leaves it out; here nothing is.)", lambda s, k: np.argsort(-s, axis=-1)[:, 1 : k + 1],
        lambda s, k: np.argsort(-s, axis=-1)[:, 1:k])  # fmt: skip
best.slip("search-one-more", "You return one text more or less than k.", lambda s, k: np.argsort(-s, axis=-1)[:, : k + 1],
        lambda s, k: np.argsort(-s, axis=-1)[:, : k - 1])  # fmt: skip
best.slip("search-k-fixed", "You return the same number of texts whatever k is.",
        *(lambda s, k, fixed=fixed: best(s, fixed) for fixed in (3, 5, 10)), lambda s, k: best(s, 1)[:, 0])  # fmt: skip
best.slip("search-numbers-from-1", "Your numbers count from 1. The first document has the number 0.",
        lambda s, k: best(s, k) + 1)  # fmt: skip
best.slip("search-transposed", "Rows and columns are exchanged: a row is a query.", lambda s, k: best(s, k).T)
best.slip("search-first-query-only", "Your result is that of a single query, the first or the last. Each has a row of its own.",
        *(lambda s, k, row=row: best(s, k)[row] for row in (0, -1)))  # fmt: skip
mistake(SEARCH, "search-returns-cosines", "You return how alike they are. The texts' numbers were asked for.",
        *(lambda q, d, k, scores=scores: np.sort(scores(q, d))[:, ::-1][:, :k] for scores in (cosines, alike)),
        lambda q, d, k: cosines(q, d), lambda q, d, k: np.sort(cosines(q, d))[:, :k],
        lambda q, d, k: np.sort(-cosines(q, d))[:, :k])  # fmt: skip
mistake(SEARCH, "search-returns-documents", "You return the documents themselves. Their numbers were asked for.",
        lambda q, d, k: d[search(q, d, k)])  # fmt: skip
mistake(SEARCH, "search-by-distance", "You go by distance, and far texts lose by their length. Cosine: bring both sides to length 1 first.",
        by(lambda q, d: -lengths(q[:, None] - d)[..., 0]), by(lambda q, d: -abs(q[:, None] - d).sum(axis=-1)),
        by(lambda q, d: -lengths(unit(q)[:, None] - d)[..., 0]))  # fmt: skip
mistake(SEARCH, "search-far-first", "Those at the largest distance come first. A distance is small where texts are alike.",
        by(lambda q, d: lengths(q[:, None] - d)[..., 0]), by(lambda q, d: lengths(unit(q)[:, None] - d)[..., 0]))  # fmt: skip
mistake(SEARCH, "search-absolute", "You go by the cosine's size without its sign: the opposite of the query is found too.",
        by(lambda q, d: abs(alike(q, d))))  # fmt: skip
mistake(SEARCH, "search-dot", "Long vectors win by their length. Cosine: bring both sides to length 1 first.", by(lambda q, d: q @ d.T),
        by(lambda q, d: unit(q) @ d.T))  # fmt: skip
mistake(SEARCH, "search-over-queries", None,
        *(lambda q, d, k, slip=slip: slip.function(cosines(q, d), k) for slip in best.slips
            if slip.diagnosis == "search-over-queries"))  # fmt: skip
for slip in unit.slips:
    mistake(SEARCH, slip.diagnosis, None, by(lambda q, d, unit=slip.function: unit(q) @ unit(d).T))


@holds(SEARCH, "search-not-sorted")
def found_means_in_order(got, queries, documents, k):
    expected = search(queries, documents, k)
    all_asked = k == len(documents)  # whatever an order goes by, these are the right texts
    return all_asked or not np.array_equal(np.sort(got), np.sort(expected)) or np.array_equal(got, expected)


@holds(SEARCH, "search-found-twice", "The same text is found twice for one query.")
def each_once(got, queries, documents, k):
    return all(len(np.unique(row)) == len(row) for row in got)


# ----------------------------------------------------------------------------------------------------------------------
# The answer's first and last word
# ----------------------------------------------------------------------------------------------------------------------


@step
def both_sums(start, end):
    """The sum of each pair: (first, last)."""
    return start[:, None] + end


@step
def in_order(first, last):
    """Pairs that make a span."""
    return first <= last


@step
def short(first, last, longest):
    """Spans of at most so many tokens."""
    return last - first < longest


@step
def inside(allowed):
    """Pairs of tokens that are allowed."""
    return allowed[:, None] & allowed


@step
def best_pair(total, fine):
    """The pair of the largest sum among those that break no rule."""
    return tuple(map(int, np.unravel_index(np.where(fine, total, -np.inf).argmax(), total.shape)))


@reference(
    "10.best_span",
    title="The answer's first and last word",
    points=2,
    hints=[
        "Score every pair: start[i] + end[j]. Which pairs are no answer?",
        "`total = start[:, None] + end[None, :]` is (starts, ends). Pairs that break a rule get -np.inf: order, length, and both ends allowed.",
        "`i, j = np.indices(total.shape)`, `fine = (i <= j) & (j - i < longest) & allowed[:, None] & allowed[None, :]`, then "
        "`np.unravel_index(np.where(fine, total, -np.inf).argmax(), total.shape)`.",
    ],
    returns=("first", "last"),
)
def best_span(start, end, allowed, longest):
    first, last = np.indices((len(start), len(end)))
    fine = in_order(first, last) & short(first, last, longest) & inside(allowed)
    return best_pair(both_sums(start, end), fine)


def each_for_itself(start, end, allowed):
    """The best start and the best end, of those that are allowed."""
    return np.where(allowed, start, -np.inf).argmax(), np.where(allowed, end, -np.inf).argmax()


def drawn_span(seed, n, longest, holds, allowed=None, shift=0):
    """The first scores drawn of which something holds: (start, end, allowed, longest)."""
    rng = generator(seed)
    allowed = (np.arange(n) >= n // 3) & (np.arange(n) < n - 1) if allowed is None else allowed
    while True:
        start, end = (3 * rng.normal(size=(2, n)) + shift).round(2)
        if holds(start, end, *best_span(start, end, allowed, longest)):
            return start, end, allowed, longest


@cases("10.best_span")
def best_span_cases():
    everything = np.ones(5, dtype=bool)
    yield Case("four tokens, all allowed", *drawn_span(1, 4, 4, lambda s, e, i, j: i < j, everything[:4]))
    yield Case("the best end before the best start",
            *drawn_span(2, 5, 5, lambda s, e, i, j: e.argmax() < s.argmax() and i < j, everything))  # fmt: skip
    outside = lambda s, e, i, j: s[5:8].max() + e[8] > s[i] + e[j] < s[2] + e[3:6].max()  # noqa: E731
    yield Case("better spans that begin or end outside of the text", *drawn_span(3, 9, 4, outside))
    yield Case("the best start and end too far apart",
            *drawn_span(4, 8, 3, lambda s, e, i, j: e.argmax() - s.argmax() > 4, np.ones(8, dtype=bool)))  # fmt: skip
    apart = lambda s, e, *_: len({best_span(s, e, np.ones(8, dtype=bool), longest) for longest in (2, 3, 4, 5)}) == 4  # noqa: E731
    yield Case("ever better spans beyond the longest answer", *drawn_span(5, 8, 2, apart, np.ones(8, dtype=bool)))
    yield Case("a longest answer of exactly this length", *drawn_span(6, 8, 3, lambda s, e, i, j: j - i == 2))
    yield Case("an answer of one token", *drawn_span(7, 7, 3, lambda s, e, i, j: i == j and e[i] < max(e[3:6])))
    yield Case("neither the best start nor the best end in it",
            *drawn_span(8, 12, 4, lambda s, e, i,
                j: i not in (s.argmax(), s[4:-1].argmax() + 4) and j not in (e.argmax(), e[4:-1].argmax() + 4)))  # fmt: skip
    gap = np.arange(8) % 4 > 0
    one_piece = lambda s, e: np.flatnonzero(gap)[list(best_span(s[gap], e[gap], gap[gap], 3))].tolist()  # noqa: E731
    yield Case(
        "a token in between that is not allowed",
        *drawn_span(16, 8, 3, lambda s, e, i, j: i < 4 < j and one_piece(s, e) != [i, j], gap),
    )
    yield Case("only negative scores", *drawn_span(9, 9, 3, lambda s, e, i, j: i < j, shift=-12))
    yield Case("only positive scores", *drawn_span(10, 9, 3, lambda s, e, i, j: i < j, shift=12))
    yield Case("an answer from the first token", *drawn_span(11, 5, 3, lambda s, e, i, j: i == 0 < j, everything))
    yield Case("an answer up to the last token", *drawn_span(12, 5, 3, lambda s, e, i, j: i < j == 4, everything))
    yield Case("a longest answer of one token",
            *drawn_span(13, 6, 1, lambda s, e, i, j: i not in (s[2:5].argmax() + 2, e[2:5].argmax() + 2)), edge=True)  # fmt: skip
    yield Case("a longest answer longer than the text", *drawn_span(14, 6, 10, lambda s, e, i, j: j - i == 2), edge=True)  # fmt: skip
    yield Case("one token allowed", *drawn_span(15, 6, 3, lambda s, e, i, j: s.argmax() != 3, np.arange(6) == 3), edge=True)  # fmt: skip


SPAN = "10.best_span"
instead_of_short = lambda change: lambda s, e, a, n: best_span(s, e, a, change(n, len(s)))  # noqa: E731


def other_pairs(s, e, allowed, longest):
    """Sums of all spans by the rules, -inf elsewhere."""
    first, last = np.indices((len(s), len(e)))
    return np.where((first <= last) & (last - first < longest) & inside(allowed), s[:, None] + e, -np.inf)


def longer_ones(s, e, allowed, longest):
    """The best span of two tokens or more; None where there is none."""
    total = np.where(np.eye(len(s), dtype=bool), -np.inf, other_pairs(s, e, allowed, longest))
    return best_pair(total, total > -np.inf) if np.isfinite(total).any() else None


in_order.slip("span-end-before-start", "Your end may come before the start. That is no span: start ≤ end.",
        lambda i, j: np.ones(i.shape, dtype=bool))  # fmt: skip
in_order.slip("span-no-single", "A span of one token can win too: start = end is allowed.", lambda i, j: i < j)
mistake(SPAN, "span-no-single", None, longer_ones, lambda *inputs: np.array(longer_ones(*inputs)))
in_order.slip("span-wrong-order", "Your spans run backwards: the end lies at or before the start.", lambda i, j: i >= j,
        lambda i, j: i > j)  # fmt: skip
short.slip("span-one-too-long", "Your span may have `longest` + 1 tokens: both ends are in it.", lambda i, j, n: j - i <= n)  # fmt: skip
short.slip("span-one-too-short", "A span of exactly `longest` tokens is allowed, too.", lambda i, j, n: j - i < n - 1)
short.slip("span-too-long", "Your span is longer than `longest` tokens.", lambda i, j, n: np.ones(i.shape, dtype=bool))
short.slip("span-at-least", "Your spans have at least `longest` tokens. They have at most so many.", lambda i, j, n: j - i >= n,
        lambda i, j, n: j - i + 1 >= n)  # fmt: skip
short.slip("span-of-full-length", "Your spans all have `longest` tokens. They may be shorter.", lambda i, j, n: j - i + 1 == n)  # fmt: skip
inside.slip("span-outside", "Your span begins or ends where nothing is allowed: the question is no answer.",
        lambda a: np.ones((len(a),) * 2, dtype=bool), lambda a: np.tile(a, (len(a), 1)), lambda a: np.tile(a[:, None], len(a)),
        lambda a: a[:, None] | a)  # fmt: skip
inside.slip("span-all-between", "You ask for spans of allowed tokens alone. Its first and its last have to be allowed, no more.",
        lambda a: a[:, None] & a & ((n := np.cumsum(~a))[:, None] == n))  # fmt: skip
inside.slip("span-outside-only", "Your span lies in what is not allowed: True marks the text.", lambda a: ~a[:, None] & ~a)  # fmt: skip
both_sums.slip("span-scores-exchanged", "You take the start's score where the span ends, and the end's where it begins.",
        lambda s, e: e[:, None] + s)  # fmt: skip
both_sums.slip("span-not-a-sum", "Two scores are put together in another way than by adding them.",
        *(lambda s, e, put=put: put(s[:, None], e) for put in (np.multiply, np.subtract, np.maximum, np.minimum)),
        lambda s, e: e - s[:, None])  # fmt: skip
both_sums.slip("span-one-score", "One of the two scores has no part in your choice. It is start[first] + end[last].",
        lambda s, e: s[:, None] + 0 * e, lambda s, e: 0 * s[:, None] + e)  # fmt: skip
both_sums.slip("span-scores-added-up", "You add up the scores of all tokens in the span. Only its two ends have a say.",
        lambda s, e: (total := np.cumsum(s + e)) - (total - s - e)[:, None],
        lambda s, e: (total := np.cumsum(s)) - (total - s)[:, None] + e)  # fmt: skip
both_sums.slip("span-softmax-twice",
        "You take a softmax of the scores and then add. Largest sums of shares are not those of largest scores.",
        lambda s, e: (a := np.exp(s - s.max()))[:, None] / a.sum() + (b := np.exp(e - e.max())) / b.sum())  # fmt: skip
best_pair.slip("span-from-zero",
        "Where all sums are negative, a span that is not allowed wins, or your first best, 0. What is smaller than any sum?",
        lambda t, ok: best_pair(np.where(ok, t, 0), np.ones_like(ok)), lambda t, ok: best_pair(t, ok) if t[ok].max() > 0 else (0, 0),
        *(lambda t, ok, low=low: best_pair(t, ok) if t[ok].max() > low else (0, 0) for low in (-1, -10)),
        *(lambda t, ok, low=low: best_pair(np.where(ok, t, low), np.ones_like(ok)) for low in (-1, -10)))  # fmt: skip
best_pair.slip("span-smallest", "You take the smallest sum. The largest is asked for.", lambda t, ok: best_pair(-t, ok))
best_pair.slip("span-exclusive", "Your end is one too far: here the end is the last token of the answer, included.",
        lambda t, ok: np.add(best_pair(t, ok), (0, 1)))  # fmt: skip
best_pair.slip("span-length-for-end", "You return how long the span is. Its last token was asked for.",
        lambda t, ok: (best_pair(t, ok)[0], np.diff(best_pair(t, ok))[0] + 1),
        lambda t, ok: (best_pair(t, ok)[0], np.diff(best_pair(t, ok))[0]))  # fmt: skip
best_pair.slip("span-with-its-sum",
        "Your result holds the sum as well. Two whole numbers are asked for, where the span begins and where it ends.",
        lambda t, ok: np.array([t[(pair := best_pair(t, ok))], *pair]), lambda t, ok: np.array([*(pair := best_pair(t, ok)), t[pair]]),
        lambda t, ok: (t[(pair := best_pair(t, ok))], *pair))  # fmt: skip
best_pair.slip("span-flat", "You return a place in the table read row by row. It has to be taken apart into first and last.",
        lambda t, ok: np.where(ok, t, -np.inf).argmax())  # fmt: skip
best_pair.slip("span-mask", "You return which tokens are in the span. Its first and last were asked for.",
        lambda t, ok: (lambda i, j: (np.arange(len(t)) >= i) & (np.arange(len(t)) <= j))(*best_pair(t, ok)))  # fmt: skip
best_pair.slip("span-end-left-out", "The first or the last token never gets a chance: does a loop begin too late or end too early?",
        lambda t, ok: best_pair(t[:-1, :-1], ok[:-1, :-1]), lambda t, ok: best_pair(t[:, :-1], ok[:, :-1]),
        lambda t, ok: tuple(np.add(best_pair(t[1:, 1:], ok[1:, 1:]), 1).tolist()))  # fmt: skip
mistake(SPAN, "span-two-maxima",
        "You take the best start and the best end each for itself. Together they have to make a span: start ≤ end.",
        lambda s, e, a, n: each_for_itself(s, e, a), lambda s, e, a, n: (s.argmax(), e.argmax()),
        lambda s, e, a, n: tuple(sorted(each_for_itself(s, e, a))),
        lambda s, e, a, n: (pair := each_for_itself(s, e, a), (pair[0], min(pair[1], pair[0] + n - 1)))[1],
        lambda s, e, a, n: (pair := each_for_itself(s, e, a), (pair[0], max(pair)))[1],
        lambda s, e, a, n: (pair := each_for_itself(s, e, a), (pair[0], np.clip(pair[1], pair[0], pair[0] + n - 1)))[1])  # fmt: skip
mistake(SPAN, "span-start-first", "You choose the best start, then the best end for it. The best *sum* may begin elsewhere.",
        lambda s, e, a, n: (i := each_for_itself(s, e, a)[0], other_pairs(s, e, a, n)[i].argmax()),
        lambda s, e, a, n: (i := each_for_itself(s, e, a)[0], other_pairs(s, e, a, len(s))[i].argmax()),
        lambda s, e, a, n: (i := s.argmax(), other_pairs(s, e, a, n)[i].argmax()),
        lambda s, e, a, n: (i := s.argmax(), i + e[i : i + n].argmax()),
        lambda s, e, a, n: (i := each_for_itself(s, e, a)[0], min(other_pairs(s, e, a, len(s))[i].argmax(), i + n - 1)))  # fmt: skip
mistake(SPAN, "span-end-first", "You choose the best end, then the best start for it. The best *sum* may end elsewhere.",
        lambda s, e, a, n: (other_pairs(s, e, a, n)[:, (j := each_for_itself(s, e, a)[1])].argmax(), j),
        lambda s, e, a, n: (other_pairs(s, e, a, len(s))[:, (j := each_for_itself(s, e, a)[1])].argmax(), j))  # fmt: skip
mistake(SPAN, "span-counted-in-the-text", "Your places count from the first allowed token. They count from the first of all.",
        lambda s, e, a, n: best_span(s[a], e[a], a[a], n))  # fmt: skip
mistake(SPAN, "span-gap-closed",
        "You push the allowed tokens together. One in between that is not allowed keeps its place, and counts in a span's length.",
        *(lambda s, e, a, n, back=back: tuple(back(a)[list(best_span(s[a], e[a], a[a], n))])
            for back in (np.flatnonzero, lambda a: a.argmax() + np.arange(a.sum()))))  # fmt: skip
mistake(SPAN, "span-outside-with-zero", "What is not allowed gets a score of 0, which can be better than an allowed one.",
        lambda s, e, a, n: best_span(s * a, e * a, np.ones_like(a), n))  # fmt: skip
mistake(SPAN, "span-last-best", "You keep the last span that beats the one before it, not the best of all.",
        lambda s, e, a, n: tuple(np.argwhere(np.isfinite(other_pairs(s, e, a, n)))[-1]))  # fmt: skip
mistake(SPAN, "span-first-found",
        "You return the first span that breaks no rule. Asked for is the one of the largest sum: does a return stand inside of your loop?",
        lambda s, e, a, n: tuple(np.argwhere(np.isfinite(other_pairs(s, e, a, n)))[0]))  # fmt: skip
mistake(SPAN, "span-longest-fixed", "`longest` changes nothing: your limit is always the same.",
        *(instead_of_short(lambda longest, n, fixed=fixed: fixed) for fixed in (2, 3, 4, 5)))  # fmt: skip


@holds(SPAN, "span-end-before-start")
def first_before_last(got, start, end, allowed, longest):
    return bool(got[0] <= got[1])


@holds(SPAN, "span-outside")
def both_allowed(got, start, end, allowed, longest):
    return all(0 <= place < len(allowed) and bool(allowed[int(place)]) for place in got)


@holds(SPAN, "span-too-long")
def short_enough(got, start, end, allowed, longest):
    return float(got[1]) - float(got[0]) < longest


# ----------------------------------------------------------------------------------------------------------------------
# Freeze and train
# ----------------------------------------------------------------------------------------------------------------------


@step
def is_head(name):
    """Whether it is a name of the head."""
    return name.startswith("head.")


@step
def block_number(name):
    """The number of a name's block; None where it has none."""
    return int(name.split(".")[2]) if name.startswith("encoder.blocks.") else None


@step
def on_top(number, num_layers, top):
    """Whether a block is among the top ones."""
    return number >= num_layers - top


@step
def embeddings_too(num_layers, top):
    """Whether embeddings are trained: only when all blocks are."""
    return top == num_layers


@reference(
    "10.trained",
    title="Freeze and train",
    points=2,
    hints=[
        "Three kinds of names: the head, the blocks, the embeddings. Decide for each kind.",
        "The number of a block: `name.split('.')[2]` in `encoder.blocks.11.…`, as an int. Beware of `startswith('encoder.blocks.1')`.",
        "head: True. Blocks: `number >= num_layers - top`. Everything else: `top == num_layers`.",
    ],
    returns="array of flags",
)
def trained(names, num_layers, top):
    on = []
    for name in names:
        number = block_number(name)
        if is_head(name):
            on.append(True)
        else:
            on.append(bool(embeddings_too(num_layers, top) if number is None else on_top(number, num_layers, top)))
    return np.array(on)


def names_of(num_layers, parts=("attention.output.weight",)):
    """Names of a classifier's parameters, some of each kind."""
    blocks = [f"encoder.blocks.{number}.{part}" for number in range(num_layers) for part in parts]
    embeddings = ["encoder.token_embedding.weight", "encoder.positions.weight", "encoder.embedding_norm.bias"]
    return [*embeddings, *blocks, "head.weight", "head.bias"]


@cases("10.trained")
def trained_cases():
    for num_layers, top in ((3, 1), (4, 2), (4, 0), (4, 4), (6, 5), (1, 0), (12, 2), (12, 11), (12, 1), (24, 4)):
        yield Case(f"the top {top} of {num_layers} blocks", names_of(num_layers), num_layers, top)
    rng = generator(1)
    parts = (
        "attention.queries_keys_values.weight",
        "attention_norm.bias",
        "feed_forward.expand.weight",
        "feed_forward_norm.bias",
    )
    for num_layers, top in ((2, 1), (12, int(rng.integers(3, 9)))):
        names = rng.permutation(names_of(num_layers, parts)).tolist()
        yield Case(f"names in no order, the top {top} of {num_layers} blocks", names, num_layers, top)


TRAINED = "10.trained"

block_number.slip("trained-block-as-embedding", "Blocks are treated as embeddings.", lambda name: None)
on_top.slip("trained-off-by-one", "You train one block too many or too few.", lambda n, layers, top: n > layers - top,
        lambda n, layers, top: n >= layers - top - 1)  # fmt: skip
on_top.slip("trained-bottom", "You train the lowest blocks. The top ones are those with the highest numbers.",
        lambda n, layers, top: n < top, lambda n, layers, top: n <= top, lambda n, layers, top: n < layers - top,
        lambda n, layers, top: n <= layers - top)  # fmt: skip
on_top.slip("trained-from-top",
        "You compare a block's number with `top` itself. Where do the top ones begin, if there are num_layers of them?",
        lambda n, layers, top: n >= top, lambda n, layers, top: n >= top or top == layers, lambda n, layers, top: n > top)  # fmt: skip
on_top.slip("trained-single-block", "You train one block alone. All from there to the top are trained.",
        lambda n, layers, top: n == layers - top, lambda n, layers, top: n == top, lambda n, layers, top: n == layers - 1)  # fmt: skip
on_top.slip("trained-minus-zero", "With top = 0 you train every block: a slice [-0:] is the whole list. Compare numbers.",
        lambda n, layers, top: n in range(layers)[-top:])  # fmt: skip
on_top.slip("trained-text-for-number", "You compare numbers as text: “10” comes before “9” there.",
        lambda n, layers, top: str(n) >= str(layers - top))  # fmt: skip
on_top.slip("trained-blocks-always", "Every block is trained, whatever `top` says.", lambda n, layers, top: True)
on_top.slip("trained-blocks-never", "No block is trained, whatever `top` says.", lambda n, layers, top: False)
on_top.slip("trained-layers-fixed", "You count on a fixed number of blocks. It comes as num_layers.",
        *(lambda n, layers, top, fixed=fixed: n >= fixed - top for fixed in (6, 12)))  # fmt: skip
embeddings_too.slip("trained-embeddings",
        "Embeddings are trained although blocks above them are frozen. They are only when all blocks are.", lambda layers, top: True,
        lambda layers, top: top > 0, lambda layers, top: top >= layers - 1)  # fmt: skip
embeddings_too.slip("trained-all-without-embeddings", "With top = num_layers everything is trained: the embeddings too.",
        lambda layers, top: False, lambda layers, top: top > layers)  # fmt: skip
embeddings_too.slip("trained-embeddings-at-zero", "With top = 0 the embeddings are trained. They are only when all blocks are.",
        lambda layers, top: top == 0, lambda layers, top: top in (0, layers))  # fmt: skip
embeddings_too.slip("trained-embeddings-inverted", "Embeddings are trained unless all blocks are. It is the other way round.",
        lambda layers, top: top != layers)  # fmt: skip
is_head.slip("trained-head-as-embedding",
        "The head is treated as embeddings are: trained only when all is. It is new and random: it has to be trained in every case.",
        lambda name: False)  # fmt: skip


def by_name(decide):
    """A wrong answer that decides name by name, from (name, num_layers, top, whether it should be trained)."""
    return lambda names, layers, top: np.array(
        [bool(decide(name, layers, top, on)) for name, on in zip(names, trained(names, layers, top), strict=True)]
    )


mistake(TRAINED, "trained-prefix",
        "Blocks of two figures go wrong: of “blocks.10” no more is read than “blocks.1”. Compare whole numbers, or keep the dot.",
        by_name(lambda name, layers, top, on: on and not name.startswith(tuple(f"encoder.blocks.{n}" for n in range(layers - top)))),
        by_name(lambda name, layers, top, on: on if "blocks" not in name else int(name.split(".")[2][-1]) >= layers - top))  # fmt: skip
mistake(TRAINED, "trained-no-head", "The head is frozen. It is new and random: it has to be trained in every case.",
        by_name(lambda name, layers, top, on: on and not is_head(name)))  # fmt: skip
mistake(TRAINED, "trained-head-always-only", "Only the head is trained, whatever `top` says.",
        by_name(lambda name, layers, top, on: is_head(name)))  # fmt: skip
mistake(TRAINED, "trained-head-not-at-zero", "With top = 0 nothing is trained. The head always is.",
        by_name(lambda name, layers, top, on: on and top > 0))  # fmt: skip
mistake(TRAINED, "trained-head-half", "Only a part of the head is trained, its weight or its bias.",
        *(by_name(lambda name, layers, top, on, part=part, at_all=at_all: on and (name != part or top == at_all * layers))
            for part in ("head.weight", "head.bias") for at_all in (-1, 1)))  # fmt: skip
mistake(TRAINED, "trained-blocks-half",
        "Only a part of each block is trained, its weights or its biases. All that belongs to a block is treated alike.",
        *(by_name(lambda name, layers, top, on, part=part: on and (block_number(name) is None or name.endswith(part)))
            for part in ("weight", "bias")))  # fmt: skip
mistake(TRAINED, "trained-inverted", "True and False are exchanged: True means trained.",
        by_name(lambda name, layers, top, on: not on))  # fmt: skip
mistake(TRAINED, "trained-everything", "Everything is trained, whatever `top` says.",
        by_name(lambda name, layers, top, on: True))  # fmt: skip
mistake(TRAINED, "trained-some-embeddings",
        "Some embeddings are treated otherwise than the rest: all that is neither head nor block is decided alike.",
        *(by_name(lambda name, layers, top, on, part=part: on and (part not in name or top < layers))
            for part in ("positions", "norm", "embedding", "weight")),
        by_name(lambda name, layers, top,
            on: on and (top < layers or block_number(name) is not None or is_head(name) or "embedding" in name)),
        by_name(lambda name, layers, top, on: on or (block_number(name) is None and "embedding" not in name)))  # fmt: skip
mistake(TRAINED, "trained-names-kept",
        "You return a flag for some of the names only. There is one a name, in the order in which they come.",
        lambda names, layers, top: (on := trained(names, layers, top))[on],
        lambda names, layers, top: trained(sorted(names), layers, top))  # fmt: skip
mistake(TRAINED, "trained-by-place", "You count names, not blocks: the last of the list are trained. The names may come in any order.",
        lambda names, layers, top: np.arange(len(names)) >= len(names) - 2 - top,
        lambda names, layers, top: np.arange(len(names)) >= len(names) - top)  # fmt: skip

"""The checks of lesson 10, pretrained Transformers, in the order in which its exercises come."""

import math

import numpy as np

from course_lib.attention import softmax
from course_lib.classroom.practice import probes
from course_lib.classroom.practice.diagnoses import (
    MESSAGES,
    add_messages,
    call_on_batch,
    count_of_arrays,
    mistake,
    same_values,
)
from course_lib.classroom.practice.exercises import checks
from course_lib.classroom.practice.probes import draw, log_softmax
from course_lib.classroom.practice.trial import call

add_messages(
    {
        # cover
        "cover-not-a-pair": "Two arrays were expected, `return inputs, labels`; your function returns {returned}.",
        "cover-exchanged": "Inputs and labels are exchanged: the inputs are what the model reads.",
        "cover-always-mask": "Every chosen place becomes mask_id. Only those with dice < 0.8 do: the texts of later tasks hold no "
        "[MASK].",
        "cover-shares-exchanged": "Swapped and kept places are exchanged: from 0.8 to 0.9 a random token, from 0.9 on the token stays.",
        "cover-not-only-chosen": "Places that were not chosen are changed. The dice count only where `chosen` is True.",
        "cover-special": "A special token is covered. [CLS], [SEP] and padding are never asked for, even where `chosen` is True.",
        "cover-labels-everywhere": "Your labels ask for every place. Only chosen ones count; elsewhere -100.",
        "cover-labels-at-mask-only": "Your labels ask only where mask_id stands. Swapped and kept places are asked for as well: that "
        "is what they are for.",
        "cover-kept-not-asked": "Places that are chosen but kept are not asked for. They are: the model can't know which they are.",
        "cover-labels-from-inputs": "Your labels hold what the model reads. They hold what stood there before.",
        "cover-zero": "Where nothing is asked your labels hold 0, and 0 is a token. The sign for “don't count” is -100.",
        # loss
        "loss-divided-by-all": "You divide by all places. The mean is over those that count.",
        "loss-sum": "That is the sum of the losses. The mean over the places that count was asked for.",
        "loss-not-counted": "Places with -100 enter your loss. They count for nothing.",
        "loss-mean-of-rows": "You take a mean for each text and then their mean: a text with one question then weighs as much as one "
        "with ten. One mean over all places that count.",
        "loss-no-log": "You average probabilities. Cross-entropy averages their negative logarithms.",
        "loss-no-softmax": "You average the logits of the right tokens. Softmax first.",
        "loss-sign": "Your loss is negative: a minus is missing.",
        "loss-softmax-twice": "Softmax is applied twice: a perfect answer can't reach 0 then.",
        "loss-without-token-0": "You leave out the token with the number 0. Only -100 means: don't count.",
        "loss-base-2": "That is in bits. The natural logarithm was asked for.",
        "objective-overflow": "Logits of 1000 give NaN or infinity. Subtract each row's maximum first, and take the logarithm by hand: "
        "logits - maximum - log(sum).",
        # BERT's block
        "bert-not-transposed": "You multiply by a weight as it is stored. PyTorch keeps it as (out, in): x @ weight.T + bias.",
        "bert-pre-norm": "That is a pre-norm block. BERT norms after the addition.",
        "bert-not-scaled": "The scores are not divided by √d_head.",
        "bert-scaled-by-d_model": "The scores are divided by √d_model. Each head adds up d_head = d_model / num_heads products.",
        "bert-one-head": "You attend with one head. Split the features into num_heads parts.",
        "bert-head-view": "Your heads mix tokens: split the last axis into (num_heads, d_head), then exchange axes. A reshape straight to "
        "(num_heads, seq_len, d_head) reads the numbers in the wrong order.",
        "bert-merge-view": "Your heads are put together in the wrong order: bring the axis of tokens back before the reshape.",
        "bert-heads-interleaved": "Your heads take every num_heads-th feature. A head has neighbouring features: reshape to (…, num_heads, d_head).",
        "bert-mask-ignored": "Hidden tokens are attended to: where does the mask enter?",
        "bert-mask-inverted": "The mask works the wrong way round. True may be attended to.",
        "bert-softmax-axis": "Softmax runs over the queries. The keys are the last axis.",
        "bert-mask-on-queries": "The mask is laid on the queries. It hides keys: `mask[..., None, None, :]` against (…, heads, queries, keys).",
        "bert-no-residual": "A residual is missing: each sublayer is added to what it read.",
        "bert-relu": "You use a ReLU. BERT has GELU.",
        "bert-no-gelu": "Nothing bends between the two maps of the feed-forward network: GELU is missing.",
        "bert-tanh-gelu": "That is GELU's approximation by tanh (GPT-2's). BERT has the exact one: the given gelu.",
        "bert-norms-exchanged": "The two norms are exchanged: attention.output.LayerNorm first, output.LayerNorm at the end.",
        "bert-eps": "Your norm's eps is not 1e-12. With faint tokens that shows.",
        "bert-no-bias": "Biases are missing in your linear maps.",
        "bert-no-gain": "Gain and bias of the norms are missing.",
        "bert-queries-and-keys": "Queries and keys are exchanged.",
        # pooling
        "pool-with-padding": "Padding is in your mean. A text's vector then depends on its neighbours in the batch.",
        "pool-first-token": "That is the first token's vector ([CLS]). This model was trained with the mean over tokens.",
        "pool-maximum": "That is the maximum over tokens. The mean was asked for.",
        "pool-not-normalised": "The vectors don't have length 1. Divide each by its length.",
        "pool-tokens-normalised": "You bring the tokens to length 1 and then average: long ones lose their say. Average first.",
        "pool-one-length": "You divide all vectors by one number. Each text has its own length: `axis=-1, keepdims=True`.",
        "pool-mask-inverted": "You average over the padding. True marks real tokens.",
        "pool-empty": "A text without tokens gives NaN: 0 divided by 0. We decide: a vector of zeros.",
        "pool-over-batch": "You average over the texts. The tokens are the axis before the last.",
        # search
        "search-worst-first": "Your order begins with the least alike. The best comes first.",
        "search-not-sorted": "These are the right texts, but not with the best first. (`np.argpartition` only parts them; it "
        "sorts nothing.)",
        "search-dot": "Long vectors win by their length. Cosine: bring both sides to length 1 first.",
        "search-returns-cosines": "You return the cosines. The texts' numbers were asked for.",
        "search-by-distance": "You go by distance, and far texts lose by their length. Cosine: bring both sides to length 1 first.",
        "search-over-queries": "You sort over the queries. For each query (row), sort the documents.",
        "search-absolute": "You go by the cosine's size without its sign: the opposite of the query is found too.",
        # span
        "span-two-maxima": "You take the best start and the best end each for itself. Together they have to make a span: start ≤ end.",
        "span-outside": "Your span lies where nothing is allowed: the question is no answer.",
        "span-too-long": "Your span is longer than `longest` tokens.",
        "span-one-too-long": "Your span may have `longest` + 1 tokens: from start to end it has end - start + 1.",
        "span-exclusive": "Your end is one too far: here the end is the last token of the answer, included.",
        "span-start-first": "You choose the best start, then the best end for it. The best *sum* may begin elsewhere.",
        "span-end-first": "You choose the best end, then the best start for it. The best *sum* may end elsewhere.",
        "span-from-zero": "Where all sums are negative, nothing beats your first best, 0. Begin with -infinity.",
        "span-no-single": "A span of one token can win too: start = end is allowed.",
        "span-exchanged": "Start and end are exchanged: return start first.",
        "span-not-two": "Two numbers were expected, np.array([start, end]); your result has the shape {shape}.",
        # trained
        "trained-prefix": "Block {block} is frozen, though it is among the top ones: “blocks.1” is the beginning of “blocks.10” too. "
        "Compare numbers, or keep the dot.",
        "trained-bottom": "You train the lowest blocks. The top ones are those with the highest numbers.",
        "trained-no-head": "The head is frozen. It is new and random: it has to be trained in every case.",
        "trained-head-always-only": "Only the head is trained, whatever `top` says.",
        "trained-embeddings": "Embeddings are trained although blocks above them are frozen. They belong to “all” only.",
        "trained-all-without-embeddings": "With top = num_layers everything is trained: the embeddings too.",
        "trained-minus-zero": "With top = 0 you train every block: a slice [-0:] is the whole list. Compare numbers.",
        "trained-inverted": "True and False are exchanged: True means trained.",
        "trained-off-by-one": "You train one block too many or too few.",
        "trained-numbers": "Booleans were expected, one a name.",
        # find the bug
        "pair-not-two-10": "Two arrays were expected, `return logits, ids`; your function returns {returned}.",
        "shift-shapes": "logits has shape {logits} and ids {ids}; expected (6, 5) and (6,).",
        "shift-ids": "ids holds something else than the whole numbers 0 to 4.",
        "shift-not-finite": "Your logits hold NaN or infinity. It fails with ordinary numbers.",
        "shift-not-fooled": "The colleague's loss is {loss:.2f}: not satisfied yet. Which token does row i get compared with in the end?",
        "shift-right-too": "The right loss is {loss:.2f}: your answer is not wrong enough. In a text that repeats itself, the next token and the one after are "
        "the same; vary it.",
    }
)

BATCH, SEQ_LEN, D_MODEL, HEADS, D_FF, VOCABULARY = 2, 5, 8, 4, 12, 7


def gelu(x):
    """GELU in its exact form: x times the share of a normal distribution that lies below x (Hendrycks and Gimpel 2016, §2)."""
    x = np.asarray(x)
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


@checks(
    "10.cover",
    title="Cover tokens: 80, 10, 10",
    points=2,
    hints=[
        "First decide which places are asked for: chosen, and not special. Everything else follows from that.",
        "`asked = chosen & ~np.isin(ids, special)`. Of the asked ones: dice < 0.8 → mask_id; 0.8 ≤ dice < 0.9 → random_ids; the rest stays.",
        "`inputs = np.where(asked & (dice < 0.8), mask_id, ids)`, likewise for the swapped; `labels = np.where(asked, ids, -100)`.",
    ],
)
def cover(candidate):
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        ids = rng.integers(0, 90, (4, 50))
        ids[:, 0], ids[:, -6:] = 1, 0
        special, mask_id = np.array([0, 1]), 95 + seed
        chosen, dice, random_ids = rng.random(ids.shape) < 0.6, rng.random(ids.shape), rng.integers(2, 90, ids.shape)
        chosen[:, 0] = chosen[:, -3:] = True
        inputs, labels, suspects = covered(ids, special, chosen, dice, random_ids, mask_id)
        got = call(candidate, ids, special, chosen, dice, random_ids, mask_id)
        pair = isinstance(got, tuple) and len(got) == 2
        assert pair, mistake("cover-not-a-pair", returned=count_of_arrays(got))
        if probes.close(got[0], labels) and probes.close(got[1], inputs):
            raise AssertionError(mistake("cover-exchanged", expected=inputs, got=got[0], what="inputs"))
        same_values(got[0], inputs, "inputs", suspects["inputs"])
        same_values(got[1], labels, "labels", suspects["labels"])


def covered(ids, special, chosen, dice, random_ids, mask_id):
    """Right inputs and labels, and what well-known mistakes give for each."""

    def read(asked, mask=0.8, swap=0.9):
        swapped = np.where(asked & (dice >= mask) & (dice < swap), random_ids, ids)
        return np.where(asked & (dice < mask), mask_id, swapped)

    asked = chosen & ~np.isin(ids, special)
    inputs, labels = read(asked), np.where(asked, ids, -100)
    late = np.where(asked & (dice >= 0.9), random_ids, ids)
    suspects = {
        "inputs": {
            "cover-always-mask": np.where(asked, mask_id, ids),
            "cover-shares-exchanged": np.where(asked & (dice < 0.8), mask_id, late),
            "cover-special": [read(chosen), np.where(chosen, mask_id, ids)],
            "cover-not-only-chosen": [read(np.ones_like(chosen)), read(~np.isin(ids, special))],
        },
        "labels": {
            "cover-labels-everywhere": [ids, np.where(np.isin(ids, special), -100, ids)],
            "cover-labels-at-mask-only": np.where(asked & (dice < 0.8), ids, -100),
            "cover-kept-not-asked": [np.where(asked & (dice < 0.9), ids, -100), np.where(inputs != ids, ids, -100)],
            "cover-labels-from-inputs": np.where(asked, inputs, -100),
            "cover-zero": np.where(asked, ids, 0),
            "cover-special": np.where(chosen, ids, -100),
        },
    }
    return inputs, labels, suspects


@checks(
    "10.masked_loss",
    title="The loss, where it counts",
    points=2,
    hints=[
        "Keep only the places whose label is not -100: a boolean index does it for logits and labels alike.",
        "For each kept place: minus the log of the softmax at the label. Then the mean over the kept places.",
        "`kept = labels != -100`, `rows = logits[kept]`, subtract each row's maximum, `log_p = rows - np.log(np.exp(rows).sum(-1, keepdims=True))`, "
        "then `-log_p[np.arange(len(rows)), labels[kept]].mean()`.",
    ],
)
def masked_loss(candidate):
    logits = 2 * draw(1, 3, 6, VOCABULARY)
    labels = np.random.default_rng(2).integers(0, VOCABULARY, (3, 6))
    labels[0, 1:] = labels[1, ::2] = labels[2, 4] = -100  # one, three and five questions
    right, suspects = losses(logits, labels)
    same_values(call(candidate, logits, labels), np.array(right), "the loss", suspects)
    huge = logits.copy()
    huge[1] *= 500
    got = call(candidate, huge, labels)
    right, suspects = losses(huge, labels)
    show = {"expected": np.array(right), "got": got, "what": "the loss with logits of 1000"}
    assert got.shape or np.isfinite(got), mistake("objective-overflow", **show)
    same_values(got, np.array(right), "the loss with logits of 1000", suspects, when_wrong="objective-overflow")


def losses(logits, labels):
    """The masked loss, and what well-known mistakes give."""
    kept = labels != -100

    def picked(table, labels=labels):
        return np.take_along_axis(table, np.where(labels < 0, 0, labels)[..., None], axis=-1)[..., 0]

    logs = -picked(log_softmax(logits))
    counted = logs[kept]
    suspects = {
        "loss-divided-by-all": counted.sum() / labels.size,
        "loss-sum": counted.sum(),
        "loss-not-counted": logs.mean(),
        "loss-mean-of-rows": np.mean([row[on].mean() for row, on in zip(logs, kept, strict=True)]),
        "loss-no-log": [-np.exp(-counted).mean(), np.exp(-counted).mean(), (1 - np.exp(-counted)).mean()],
        "loss-no-softmax": [-picked(logits)[kept].mean(), picked(logits)[kept].mean()],
        "loss-sign": -counted.mean(),
        "loss-softmax-twice": -picked(log_softmax(softmax(logits)))[kept].mean(),
        "loss-without-token-0": logs[labels > 0].mean(),
        "loss-base-2": counted.mean() / np.log(2),
    }
    return counted.mean(), {name: [np.array(x) for x in np.atleast_1d(values)] for name, values in suspects.items()}


def right_loss(logits, ids):
    """The causal loss: row i of the logits (seq_len, vocab_size) is compared with token i + 1."""
    return -log_softmax(logits[:-1])[np.arange(len(ids) - 1), ids[1:]].mean()


def colleagues_loss(logits, ids):
    """A colleague's loss. No error, and it falls beautifully."""
    labels = ids[1:]  # “the target is the next token”
    return right_loss(logits[:-1], labels)  # as in many libraries, the loss function shifts the labels


@checks(
    "10.satisfies_the_colleague",
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
    pair = isinstance(got, tuple) and len(got) == 2
    assert pair, mistake("pair-not-two-10", returned=count_of_arrays(got))
    logits, ids = got
    fits = logits.shape == (6, 5) and ids.shape == (6,)
    assert fits, mistake("shift-shapes", logits=logits.shape, ids=ids.shape)
    assert ids.dtype.kind in "iu" and ids.min() >= 0 and ids.max() <= 4, mistake("shift-ids")
    logits = logits.astype(float)
    assert np.isfinite(logits).all(), mistake("shift-not-finite")
    theirs, right = colleagues_loss(logits, ids), right_loss(logits, ids)
    assert theirs < 0.01, mistake("shift-not-fooled", loss=theirs)
    assert right > 1, mistake("shift-right-too", loss=right)


BERT_SHAPES = {
    "attention.self.query": (D_MODEL, D_MODEL),
    "attention.self.key": (D_MODEL, D_MODEL),
    "attention.self.value": (D_MODEL, D_MODEL),
    "attention.output.dense": (D_MODEL, D_MODEL),
    "intermediate.dense": (D_FF, D_MODEL),
    "output.dense": (D_MODEL, D_FF),
}


def bert_tensors(seed):
    """Tensors of one block under BERT's names, of a size to try things with: d_model 8, d_ff 12."""
    tensors = {}
    for number, (name, shape) in enumerate(BERT_SHAPES.items()):
        tensors[f"{name}.weight"] = draw(seed + number, *shape) / 2
        tensors[f"{name}.bias"] = draw(seed + 10 + number, shape[0]) / 2
    for number, name in enumerate(("attention.output.LayerNorm", "output.LayerNorm")):
        tensors[f"{name}.weight"] = draw(seed + 20 + number, D_MODEL) / 4 + 1.5
        tensors[f"{name}.bias"] = draw(seed + 30 + number, D_MODEL)
    return tensors


def _bert_attention(x, mask, linear, num_heads, slip, both_ways):
    """BERT's self-attention, `linear` being what its layers of a name do."""
    count = 1 if slip == "bert-one-head" else num_heads
    *lead, seq_len, d_model = x.shape

    def split(x):
        if slip == "bert-head-view":
            return x.reshape(*lead, count, seq_len, d_model // count)
        if slip == "bert-heads-interleaved":
            return np.moveaxis(x.reshape(*lead, seq_len, d_model // count, count), -1, -3)
        return np.swapaxes(x.reshape(*lead, seq_len, count, d_model // count), -2, -3)

    queries, keys, values = (split(linear(x, f"attention.self.{part}")) for part in ("query", "key", "value"))
    if slip == "bert-queries-and-keys":
        queries, keys = keys, queries
    divisor = {"bert-not-scaled": 1, "bert-scaled-by-d_model": d_model}.get(slip, d_model // count) ** 0.5
    scores = queries @ np.swapaxes(keys, -1, -2) / divisor
    allowed = {"bert-mask-ignored": np.ones_like(mask), "bert-mask-inverted": ~mask}.get(slip, mask)[..., None, None, :]
    if slip == "bert-mask-on-queries":
        allowed = np.swapaxes(allowed, -1, -2)
    if slip == "bert-softmax-axis":
        exponentials = np.where(allowed, np.exp(scores), 0)
        with np.errstate(all="ignore"):
            weights = np.nan_to_num(exponentials / exponentials.sum(axis=-2, keepdims=True))
    else:
        hidden = -1e30 if slip == "bert-mask-on-queries" else -np.inf
        weights = softmax(np.where(allowed, scores, hidden))
    context = weights @ values
    if slip not in ("bert-merge-view", "bert-head-view") or both_ways:
        context = np.swapaxes(context, -2, -3)
    return linear(context.reshape(*lead, seq_len, d_model), "attention.output.dense")


def right_bert_block(x, mask, tensors, num_heads, *, slip="", both_ways=False, residuals=(True, True)):
    """BERT's block in NumPy, with one slip if asked for."""

    def linear(x, name):
        weight = tensors[f"{name}.weight"]
        if not (slip == "bert-not-transposed" and weight.shape[0] == weight.shape[1]):
            weight = weight.T
        return x @ weight + (0 if slip == "bert-no-bias" else tensors[f"{name}.bias"])

    def norm(x, name):
        if slip == "bert-norms-exchanged":
            name = "output.LayerNorm" if name.startswith("attention") else "attention.output.LayerNorm"
        centred = x - x.mean(axis=-1, keepdims=True)
        eps = 1e-5 if slip == "bert-eps" else 1e-12
        normed = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
        if slip == "bert-no-gain":
            return normed
        return normed * tensors[f"{name}.weight"] + tensors[f"{name}.bias"]

    def attend(x):
        return _bert_attention(x, mask, linear, num_heads, slip, both_ways)

    def think(x):
        hidden = linear(x, "intermediate.dense")
        if slip == "bert-tanh-gelu":
            hidden = hidden * (1 + np.tanh(np.sqrt(2 / np.pi) * (hidden + 0.044715 * hidden**3))) / 2
        elif slip == "bert-relu":
            hidden = np.maximum(0, hidden)
        elif slip != "bert-no-gelu":
            hidden = gelu(hidden)
        return linear(hidden, "output.dense")

    first, second = "attention.output.LayerNorm", "output.LayerNorm"
    if slip == "bert-pre-norm":
        x = x + attend(norm(x, first))
        return x + think(norm(x, second))
    if slip == "bert-no-residual":
        x = norm(attend(x), first)
        return norm(think(x), second)
    x = norm(residuals[0] * x + attend(x), first)
    return norm(residuals[1] * x + think(x), second)


BERT_SLIPS = [name for name in MESSAGES if name.startswith("bert-")]


@checks(
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
)
def bert_block(candidate):
    tensors = bert_tensors(1)
    mask = np.array([True, True, False, True, False])
    x = draw(50, SEQ_LEN, D_MODEL)
    compare_blocks(call(candidate, x, mask, tensors, HEADS), x, mask, tensors)
    batch, masks = draw(51, BATCH, SEQ_LEN, D_MODEL), np.stack([mask, np.arange(SEQ_LEN) < 3])
    compare_blocks(call_on_batch(candidate, batch, masks, tensors, HEADS), batch, masks, tensors)
    faint = {name: tensor * (1e-3 if "dense" in name or "self" in name else 1) for name, tensor in tensors.items()}
    compare_blocks(call(candidate, 1e-3 * x, mask, faint, HEADS), 1e-3 * x, mask, faint)


def compare_blocks(got, x, mask, tensors):
    """Assert that a block's result is right, naming the slip otherwise."""
    right = right_bert_block(x, mask, tensors, HEADS)
    if probes.close(got, right):
        return
    slips = {slip: [right_bert_block(x, mask, tensors, HEADS, slip=slip)] for slip in BERT_SLIPS}
    slips["bert-head-view"].append(right_bert_block(x, mask, tensors, HEADS, slip="bert-head-view", both_ways=True))
    slips["bert-no-residual"] += [
        right_bert_block(x, mask, tensors, HEADS, residuals=kept) for kept in ((False, True), (True, False))
    ]
    same_values(got, right, "what the block gives", slips)


@checks(
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
)
def text_vectors(candidate):
    hidden = draw(1, 4, SEQ_LEN, D_MODEL) * (1 + np.arange(SEQ_LEN))[:, None]
    hidden[:, -1] += 30
    mask = np.arange(SEQ_LEN) < np.array([4, 2, 3, 1])[:, None]
    right, suspects = pooled(hidden, mask)
    same_values(call(candidate, hidden, mask), right, "the texts' vectors", suspects)
    mask = mask.copy()
    mask[2] = False
    got = call(candidate, hidden, mask)
    right[2] = 0
    show = {"expected": right, "got": got, "what": "the vectors, the third text being empty"}
    assert got.shape != right.shape or np.isfinite(got).all(), mistake("pool-empty", **show)
    same_values(got, right, "the vectors, the third text being empty", when_wrong="pool-empty")


def pooled(hidden, mask):
    """Vectors of length 1 from the mean over real tokens, and what well-known mistakes give."""

    def unit(x):
        length = np.linalg.norm(x, axis=-1, keepdims=True)
        return x / np.where(length == 0, 1, length)

    on = mask[..., None]
    total = np.where(on, hidden, 0).sum(axis=1)
    means = total / mask.sum(axis=1, keepdims=True)
    tokens = np.where(on, unit(hidden), 0).sum(axis=1)
    largest = np.where(on, hidden, -np.inf).max(axis=1)
    suspects = {
        "pool-with-padding": [unit(hidden.mean(axis=1)), hidden.mean(axis=1)],
        "pool-not-normalised": [means, total, total / hidden.shape[1]],
        "pool-first-token": [unit(hidden[:, 0]), hidden[:, 0]],
        "pool-maximum": [unit(largest), largest, unit(hidden.max(axis=1)), hidden.max(axis=1)],
        "pool-tokens-normalised": [unit(tokens), tokens, tokens / mask.sum(axis=1, keepdims=True)],
        "pool-one-length": [means / np.linalg.norm(means), total / np.linalg.norm(total)],
        "pool-mask-inverted": [unit(np.where(on, 0, hidden).sum(axis=1))],
        "pool-over-batch": [unit(np.where(on, hidden, 0).sum(axis=0)), unit(hidden.mean(axis=0))],
    }
    return unit(total), suspects


@checks(
    "10.search",
    title="Search by meaning",
    points=1,
    hints=[
        "Cosine is the dot product of vectors of length 1.",
        "`np.argsort` sorts upwards. How do you get the best first?",
        "`cosines = unit(queries) @ unit(documents).T`, then `np.argsort(-cosines, axis=-1)[:, :k]`.",
    ],
)
def search(candidate):
    # On some processors np.argpartition sorts short parts by the way: it does not where half of 600 are asked for.
    for seed, size, k in ((1, 9, 3), (2, 9, 4), (57, 600, 300)):
        queries, documents = draw(seed, 4, D_MODEL), draw(seed + 10, size, D_MODEL)
        documents = documents * np.geomspace(0.2, 8, size)[:, None]
        queries = queries * np.array([5, 1, 0.1, 2])[:, None]
        right, suspects = orders(queries, documents, k)
        got = call(candidate, queries, documents, k)
        found = None if probes.close(got, right) else probes.first_match(got, suspects)
        if found is None and got.shape == right.shape and np.array_equal(np.sort(got), np.sort(right)):
            found = None if probes.close(got, right) else "search-not-sorted"
        assert found is None, mistake(found, expected=right, got=got, what="the texts found")
        same_values(got, right, "the texts found")


def orders(queries, documents, k):
    """The k nearest documents of each query, and what well-known mistakes give."""

    def unit(x):
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    cosines = unit(queries) @ unit(documents).T
    dots, apart = queries @ documents.T, ((queries[:, None] - documents) ** 2).sum(axis=-1)
    best = np.argsort(-cosines, axis=-1)
    suspects = {
        "search-worst-first": [best[:, ::-1][:, :k], best[:, :k][:, ::-1]],
        "search-dot": [np.argsort(-dots, axis=-1)[:, :k]],
        "search-by-distance": np.argsort(apart, axis=-1)[:, :k],
        "search-absolute": np.argsort(-np.abs(cosines), axis=-1)[:, :k],
        "search-returns-cosines": [np.take_along_axis(cosines, best[:, :k], axis=-1), cosines],
        "search-over-queries": [np.argsort(-cosines, axis=0)[:, :k], np.argsort(-cosines, axis=0)[:k]],
    }
    return best[:, :k], suspects


@checks(
    "10.best_span",
    title="The answer's first and last word",
    points=2,
    hints=[
        "Score every pair: start[i] + end[j]. Which pairs are no answer?",
        "`total = start[:, None] + end[None, :]` is (starts, ends). Pairs that break a rule get -np.inf: order, length, and both ends allowed.",
        "`i, j = np.indices(total.shape)`, `fine = (i <= j) & (j - i < longest) & allowed[:, None] & allowed[None, :]`, then "
        "`np.unravel_index(np.where(fine, total, -np.inf).argmax(), total.shape)`.",
    ],
)
def best_span(candidate):
    n = 12
    seeds = range(60)
    cases = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        allowed = np.arange(n) >= 4
        allowed[-1] = False
        shift = -12 * (seed % 3 == 0)  # scores may all be negative
        start, end = 3 * rng.normal(size=(2, n)) + shift
        cases.append((start, end, allowed, int(rng.integers(2, 5))))
    answers = []
    for case in cases:
        got = call(candidate, *case)
        if isinstance(got, tuple) and len(got) == 2:
            got = np.array([np.asarray(part).item() if np.asarray(part).size == 1 else np.nan for part in got])
        assert not isinstance(got, tuple) and got.shape == (2,), mistake(
            "span-not-two", shape="a tuple" if isinstance(got, tuple) else got.shape
        )
        answers.append(got)
    table, expected = np.array(answers), np.array([span_of(*case) for case in cases])
    if np.array_equal(table, expected):
        return
    first = int(np.flatnonzero((table != expected).any(axis=1))[0])
    show = {"expected": expected[first], "got": table[first], "what": "start and end"}
    for slip in SPAN_SLIPS:
        assert not np.array_equal(table, [span_of(*case, slip=slip) for case in cases]), mistake(slip, **show)
    raise AssertionError(mistake("different-values", **show))


SPAN_SLIPS = [name for name in MESSAGES if name.startswith("span-") and name != "span-not-two"]


def span_of(start, end, allowed, longest, *, slip=None):
    """Start and end of the best span, with one slip if asked for."""
    n = len(start)
    i, j = np.indices((n, n))
    inside = allowed[:, None] & allowed[None, :]
    if slip == "span-outside":
        inside = np.ones((n, n), dtype=bool)
    fits = j - i < longest + (slip == "span-one-too-long")
    if slip == "span-too-long":
        fits = np.ones((n, n), dtype=bool)
    ordered = i < j if slip == "span-no-single" else i <= j
    total = np.where(inside & fits & ordered, start[:, None] + end[None, :], -np.inf)
    if slip == "span-two-maxima":
        return [int(np.where(allowed, start, -np.inf).argmax()), int(np.where(allowed, end, -np.inf).argmax())]
    if slip == "span-start-first":
        first = int(np.where(allowed, start, -np.inf).argmax())
        return [first, int(total[first].argmax())]
    if slip == "span-end-first":
        last = int(np.where(allowed, end, -np.inf).argmax())
        return [int(total[:, last].argmax()), last]
    if slip == "span-from-zero" and total.max() <= 0:
        return [0, 0]
    first, last = (int(place) for place in np.unravel_index(total.argmax(), total.shape))
    if slip == "span-exclusive":
        return [first, last + 1]
    return [last, first] if slip == "span-exchanged" else [first, last]


@checks(
    "10.trained",
    title="Freeze and train",
    points=2,
    hints=[
        "Three kinds of names: the head, the blocks, the embeddings. Decide for each kind.",
        "The number of a block: `name.split('.')[2]` in `encoder.blocks.11.…`, as an int. Beware of `startswith('encoder.blocks.1')`.",
        "head: True. Blocks: `number >= num_layers - top`. Everything else: `top == num_layers`.",
    ],
)
def trained(candidate):
    for num_layers, top in ((12, 8), (12, 2), (12, 0), (12, 12), (12, 11), (6, 5), (6, 1)):
        names = classifier_names(num_layers)
        got, right = call(candidate, names, num_layers, top), np.array(train_by(names, num_layers, top))
        if got.dtype.kind == "b" and np.array_equal(got, right):
            continue
        if got.shape != right.shape:
            raise AssertionError(mistake("wrong-shape", expected=right, got=got, what="which names are trained"))
        assert got.dtype.kind == "b", mistake(
            "trained-numbers", expected=right, got=got, what="which names are trained"
        )
        show = {"expected": right, "got": got, "what": "which names are trained"}
        for slip in TRAINED_SLIPS:
            if np.array_equal(got, train_by(names, num_layers, top, slip)):
                wrong = names[int(np.flatnonzero(got != right)[0])]
                block = wrong.split(".")[2] if "blocks" in wrong else ""
                raise AssertionError(mistake(slip, block=block, **show))
        off = any(np.array_equal(got, train_by(names, num_layers, top + by)) for by in (-1, 1))
        raise AssertionError(mistake("trained-off-by-one" if off else "different-values", **show))


TRAINED_SLIPS = [name for name in MESSAGES if name.startswith("trained-") and name[8:] not in ("off-by-one", "numbers")]


def classifier_names(num_layers):
    """Names of a classifier's parameters, some of each kind."""
    blocks = [
        f"encoder.blocks.{number}.{part}"
        for number in range(num_layers)
        for part in ("attention.output.weight", "feed_forward.expand.bias")
    ]
    return ["encoder.token_embedding.weight", "encoder.positions.weight", *blocks, "head.weight", "head.bias"]


def train_by(names, num_layers, top, slip=None):
    """Which of the names are trained, with one slip if asked for."""
    answers = []
    for name in names:
        number = int(name.split(".")[2]) if name.startswith("encoder.blocks.") else None
        if name.startswith("head"):
            on = slip != "trained-no-head"
        elif number is None:
            on = (top == num_layers and slip != "trained-all-without-embeddings") or slip == "trained-embeddings"
        elif slip == "trained-bottom":
            on = number < top
        elif slip == "trained-minus-zero":
            on = number >= num_layers - top or top == 0
        elif slip == "trained-prefix":
            on = not any(name.startswith(f"encoder.blocks.{block}") for block in range(num_layers - top))
        else:
            on = number >= num_layers - top
        if slip == "trained-head-always-only":
            on = name.startswith("head")
        answers.append(on != (slip == "trained-inverted"))
    return answers

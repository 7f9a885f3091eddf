"""What the course's recipes reach on test splits they were not chosen on, beside peers, over several seeds.

    python -m benchmarks.quality NAME … [--seeds 3] [--core-minutes 10] [--json]

Each run is reported on standard error as it ends. `core-minutes` is processor time for training, for translations; each of the other works has its own. One thread.
Multi30k and Tatoeba are downloaded, or read from the folder that COURSE_DATA names.
"""

import argparse
import functools
import json
import math
import statistics
import sys
import time

import torch
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from benchmarks import peers
from benchmarks.models import quiet_transformers
from benchmarks.timing import machine, pinned_threads, tell_end
from course_lib.data import corpora, dates, digits, docs
from course_lib.data.characters import pad
from course_lib.models.classifier import TextClassifier, mean_of_tokens
from course_lib.models.encoder import TextEncoder
from course_lib.models.pretrained import load_encoder, load_tokenizer
from course_lib.training import TokenBatches, accuracy, bleu, chrf, exact_match, fit, recipes, trained

NUM_DATES = 5000  # of each split
LABELS = (300, 2000, 4500)


def dates_read(seed, core_minutes):
    """Exact match of dates, 700 steps."""
    begin = time.process_time()
    model, _ = recipes.dates(seed=seed, progress=False)
    seconds = time.process_time() - begin
    shares = {}
    for split in ("held_out_dates", "held_out_formats", "unseen_formats"):
        pairs = dates.examples(min(NUM_DATES, dates.num_examples(split)), split=split)
        answers = recipes.read_dates(model, [written for written, _ in pairs])
        shares[split] = 100 * exact_match(answers, [iso for _, iso in pairs])
    return {"course_lib": {"training s": seconds, **shares}}


def translated(corpus, seed, core_minutes, **settings):
    """BLEU and chrF on the test split, greedy and with a beam of 4."""
    splits = corpora.multi30k("de", "en") if corpus == "multi30k" else corpora.tatoeba("en", "bg")
    begin = time.process_time()
    budget = 60 * core_minutes
    translator, history = recipes.translation(splits.train, core_seconds=budget, seed=seed, progress=False, **settings)
    found = {"training s": time.process_time() - begin, "steps": len(history)}
    if "make" in settings:
        translator.model = _Encoded(translator.model)
    sources, references = zip(*splits.test, strict=True)
    for name, width in (("greedy", 1), ("beam 4", 4)):
        translations = translator.translate(sources, beam_width=width)
        found |= {f"BLEU {name}": bleu(translations, references), f"chrF {name}": chrf(translations, references)}
    return found


def multi30k(seed, core_minutes):
    """German to English, on test_2016_flickr."""
    return {"course_lib": translated("multi30k", seed, core_minutes)}


def multi30k_pytorch(seed, core_minutes):
    """The same with torch.nn.Transformer, of the same sizes and under the same recipe."""
    return {"torch.nn.Transformer": translated("multi30k", seed, core_minutes, make=_pytorch_transformer)}


def tatoeba(seed, core_minutes):
    """English to Bulgarian, as the translator that comes with the course was trained."""
    return {"course_lib": translated("tatoeba", seed, core_minutes, **trained.SETTINGS["en-bg"])}


def characters(seed, core_minutes):
    """Nats a character after 60 s of one core."""
    begin = time.process_time()
    model, history = recipes.characters(core_seconds=60, seed=seed, progress=False)
    seconds = time.process_time() - begin
    nats = recipes.nats_per_character(model, docs.text().test)
    return {"course_lib": {"training s": seconds, "steps": len(history), "nats": nats}}


def digits_named(seed, core_minutes):
    """Accuracy, beside logistic regression and a support vector machine, which train on the same pictures."""
    train, test = digits.load().train, digits.load().test
    begin = time.process_time()
    model, _ = recipes.digits(seed=seed, progress=False)
    seconds = time.process_time() - begin
    with torch.inference_mode():
        logits = model(torch.from_numpy(test.images)[:, None])
    found = {"course_lib": {"training s": seconds, "accuracy": 100 * accuracy(logits, test.labels)}}
    rivals = {"logistic regression": LogisticRegression(max_iter=2000), "RBF support vectors": SVC(C=10.0)}
    for name, rival in rivals.items():
        begin = time.process_time()
        rival.fit(train.images.reshape(len(train.images), -1), train.labels)
        right = rival.score(test.images.reshape(len(test.images), -1), test.labels)
        found[name] = {"training s": time.process_time() - begin, "accuracy": 100 * right}
    return found


def docstrings(seed, core_minutes):
    """Accuracy of the kind of module by its docstrings, for several numbers of labels."""
    _docstrings()  # gathered once, at nobody's expense
    found = {}
    for count in LABELS:
        for name, way in DOCSTRING_WAYS.items():
            begin = time.process_time()
            right = way(count, seed)
            numbers = {"training s": time.process_time() - begin, "accuracy": 100 * right}
            found[f"{name}, {count} labels"] = numbers
            tell("docstrings", seed, {f"{name}, {count} labels": numbers})
    return found


@functools.cache
def _docstrings():
    """Texts and labels: {"train": (texts, labels), …}."""
    return {
        side: ([one.text for one in part], [one.label for one in part])
        for side, part in docs.docstrings()._asdict().items()
    }


def _sample(count, seed):
    """A random sample of the training texts and labels, another one for each seed."""
    texts, labels = _docstrings()["train"]
    rows = torch.randperm(len(texts), generator=torch.Generator().manual_seed(seed))[:count].tolist()
    return [texts[row] for row in rows], [labels[row] for row in rows]


def tfidf(count, seed):
    """TF-IDF of words and pairs of words, and logistic regression."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=30.0, max_iter=2000)
    )
    return model.fit(*_sample(count, seed)).score(*_docstrings()["test"])


def frozen(count, seed):
    """Mean vectors of MiniLM as it comes, and logistic regression."""
    texts, labels = _sample(count, seed)
    vectors = _vectors()
    head = LogisticRegression(C=3.0, max_iter=2000).fit([vectors[text] for text in texts], labels)
    texts, labels = _docstrings()["test"]
    return head.score([vectors[text] for text in texts], labels)


def fine_tuned(count, seed):
    """MiniLM with a linear layer, all of it trained."""
    return _classifier(load_encoder(), count, seed, learning_rate=1e-4, num_epochs=6 if count > 1000 else 12)


def from_scratch(count, seed):
    """A small encoder that has read nothing before, with MiniLM's tokens."""
    torch.manual_seed(seed)
    sizes = {"d_model": 64, "num_layers": 2, "num_heads": 4, "d_ff": 128, "max_len": 128, "dropout": 0.3}
    encoder = TextEncoder(vocab_size=load_tokenizer().get_vocab_size(), **sizes)
    return _classifier(encoder, count, seed, learning_rate=2e-3, num_epochs=10)


DOCSTRING_WAYS = {
    "TF-IDF": tfidf,
    "frozen MiniLM": frozen,
    "fine-tuned MiniLM": fine_tuned,
    "from scratch": from_scratch,
}
LONGEST = 64  # tokens of a docstring that are read
TOKENS = 512  # of a training batch: about 16 docstrings


@functools.cache
def _ids():
    """Tokens of every text."""
    tokenizer = load_tokenizer()
    return {text: tokenizer.encode(text).ids[:LONGEST] for texts, _ in _docstrings().values() for text in texts}


def _batch(texts):
    ids = torch.from_numpy(pad([_ids()[text] for text in texts]))
    return ids, ids != 0


@functools.cache
def _vectors():
    """MiniLM's mean vector of every text."""
    encoder, texts = load_encoder(), sorted({text for part, _ in _docstrings().values() for text in part}, key=len)
    vectors = {}
    with torch.inference_mode():
        for start in range(0, len(texts), 64):
            some = texts[start : start + 64]
            ids, mask = _batch(some)
            vectors |= zip(some, mean_of_tokens(encoder(ids, mask), mask).numpy(), strict=True)
    return vectors


def _classifier(encoder, count, seed, *, learning_rate, num_epochs):
    torch.manual_seed(seed)
    model = TextClassifier(encoder, len(docs.LABELS))
    pairs = [(_ids()[text], [label, label]) for text, label in zip(*_sample(count, seed), strict=True)]
    batches = [
        (ids, ids != 0, label[:, 0]) for ids, label, _ in TokenBatches(pairs, TOKENS, seed=seed, num_epochs=num_epochs)
    ]
    warmup = len(batches) // 10
    fit(model, batches, learning_rate=learning_rate, weight_decay=0.01, warmup_steps=warmup, seed=seed, progress=False)
    texts, labels = zip(*sorted(zip(*_docstrings()["test"], strict=True), key=lambda row: len(row[0])), strict=True)
    with torch.inference_mode():
        logits = torch.cat([model(*_batch(texts[start : start + 64])) for start in range(0, len(texts), 64)])
    return accuracy(logits, torch.tensor(labels))


def _pytorch_transformer(vocab_size):
    quiet_transformers()
    return peers.PyTorchTransformer(vocab_size=vocab_size, **recipes.TRANSLATION)


class _Encoded(torch.nn.Module):
    """The peer behind the two calls that beam search makes; it has no cache."""

    pad_id = recipes.PAD_ID

    def __init__(self, peer):
        super().__init__()
        self.peer = peer
        self.source_embedding = self.target_embedding = peer.embedding

    def encode(self, source_ids):
        mask = source_ids != self.pad_id
        return self.peer.encode(source_ids, mask), mask

    def decode(self, target_ids, memory, memory_mask, cache=None):
        return self.peer.logits(self.peer.decode(target_ids, memory, memory_mask))

    def new_cache(self):
        return None


WORKS = {
    "dates": dates_read,
    "multi30k": multi30k,
    "multi30k-pytorch": multi30k_pytorch,
    "tatoeba": tatoeba,
    "characters": characters,
    "digits": digits_named,
    "docstrings": docstrings,
}
TELLING = {"docstrings"}  # works of an hour, which tell of each way as it ends


def tell(name, seed, found):
    """Say on standard error what has been found."""
    print(json.dumps({"work": name, "seed": seed, **found}), file=sys.stderr, flush=True)


def over_seeds(runs):
    """Mean and standard deviation of every number, over the seeds.

    Args:
        runs: list of dicts, way -> dict of numbers, one a seed.

    Returns:
        dict: way -> name -> {"mean", "deviation" (None for one seed), "of"}.
    """
    found = {}
    for way, numbers in runs[0].items():
        found[way] = {}
        for name in numbers:
            values = [run[way][name] for run in runs]
            deviation = statistics.stdev(values) if len(values) > 1 else None
            found[way][name] = {"mean": statistics.fmean(values), "deviation": deviation, "of": values}
    return found


def table_of(name, found):
    """Draw a work's result: means over seeds, with standard deviations."""
    headings = list(next(iter(found.values())))
    table = Table("way", *headings, title=name)
    for way, numbers in found.items():
        cells = []
        for about in numbers.values():
            spread = "" if about["deviation"] is None else f" ± {about['deviation']:.2f}"
            cells.append(f"{about['mean']:.2f}{spread}")
        table.add_row(way, *cells)
    return table


def main(arguments=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="+", choices=WORKS, metavar="NAME", help=f"any of {', '.join(WORKS)}")
    parser.add_argument("--seeds", type=int, default=3, help="runs, with seeds 0, 1, … (default 3)")
    parser.add_argument("--core-minutes", type=float, default=10, help="of training a translator (default 10)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or not 0 < options.core_minutes < math.inf:
        parser.error("--seeds must be at least 1 and --core-minutes above 0")
    console, found = Console(), {}
    with pinned_threads(1):
        for name in options.names:
            runs = []
            for seed in range(options.seeds):
                try:
                    runs.append(WORKS[name](seed, options.core_minutes))
                except corpora.CorpusError as error:
                    sys.exit(str(error))
                if name not in TELLING:
                    tell(name, seed, runs[-1])
            found[name] = over_seeds(runs)
            if not options.json:
                console.print(table_of(name, found[name]))
    about = {"seeds": options.seeds, "core-minutes": options.core_minutes, **machine()}
    tell_end(console, found, about, options.json)


if __name__ == "__main__":
    main()

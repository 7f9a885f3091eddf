"""What the page computes is what course_lib computes: to 1e-6, on hundreds of random cases."""

import numpy as np
import pytest
import torch

from course_lib import attention, bpe, positions
from course_lib.models.decoding import sampling_probabilities
from course_lib.widgets import page as widget_page

CASES = 100
COMPUTE = widget_page.FOLDER / "compute.js"


@pytest.fixture(scope="module")
def page(browser):
    """A page with nothing but the module; `compute(name, cases)` calls one of its functions once a case."""
    context = browser.new_context()
    page = context.new_page()
    source = COMPUTE.read_text("utf-8")
    page.evaluate(
        """async (source) => {
          window.compute = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
        }""",
        source,
    )
    yield page
    context.close()


@pytest.fixture
def compute(page):
    return lambda name, cases: page.evaluate(
        "([name, cases]) => cases.map((args) => compute[name](...args))", [name, cases]
    )


def close(found, expected):
    np.testing.assert_allclose(np.array(found, dtype=float), np.array(expected, dtype=float), rtol=1e-6, atol=1e-6)


def random_attention(rng):
    n, d_k, d_v = rng.integers(1, 9), rng.integers(1, 7), rng.integers(1, 5)
    size = 10 ** rng.uniform(-2, 2)
    queries, keys, values = rng.normal(size=(n, d_k)) * size, rng.normal(size=(n, d_k)), rng.normal(size=(n, d_v))
    mask = rng.random((n, n)) < rng.choice([0.2, 0.7, 1.0])  # rows that see nothing among them
    return queries, keys, values, mask


def test_attention_and_all_its_steps(compute):
    cases = [random_attention(np.random.default_rng(seed)) for seed in range(3 * CASES)]
    found = compute("attention", [[part.tolist() for part in case] for case in cases])
    for (queries, keys, values, mask), steps in zip(cases, found, strict=True):
        context, weights = attention.scaled_dot_product_attention(queries, keys, values, mask=mask)
        close(steps["scores"], attention.dot_scores(queries, keys))
        close(steps["scaled"], attention.scaled_dot_scores(queries, keys))
        close(steps["weights"], weights)
        close(steps["context"], context)


def test_rows_of_unchanged_queries_are_kept_and_those_of_changed_ones_right(page):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        queries, keys, values, mask = random_attention(rng)
        changed = [q for q in range(len(queries)) if rng.random() < 0.4]  # none among them
        fresh = rng.normal(size=queries.shape)
        steps, scored, kept = page.evaluate(
            """([queries, fresh, changed, keys, values, mask]) => {
              const before = compute.attention(queries, keys, values, mask);
              const now = queries.map((query, q) => (changed.includes(q) ? fresh[q] : query));
              const steps = compute.attentionOfChanged(before, queries, now, keys, values, mask);
              const scored = compute.scaledScoresOfChanged(before, queries, now, keys);
              return [steps, scored, queries.map((_, q) => steps.weights[q] === before.weights[q])];
            }""",
            [queries.tolist(), fresh.tolist(), changed, keys.tolist(), values.tolist(), mask.tolist()],
        )
        queries[changed] = fresh[changed]
        context, weights = attention.scaled_dot_product_attention(queries, keys, values, mask=mask)
        close(steps["scores"], attention.dot_scores(queries, keys))
        close(steps["scaled"], attention.scaled_dot_scores(queries, keys))
        close(steps["weights"], weights)
        close(steps["context"], context)
        assert scored == {"scores": steps["scores"], "scaled": steps["scaled"]}
        assert [q for q, same in enumerate(kept) if not same] == changed


def test_softmax_survives_any_size(compute):
    rows = [[1e300, -1e300, 0.0], [-1e308, -1e308], [800.0, 801.0], [0.0], [-745.0, 0.0]]
    for row, found in zip(rows, compute("softmax", [[row] for row in rows]), strict=True):
        close(found, attention.softmax(np.array(row)))


def test_entropy_and_the_size_of_the_jacobian(compute):
    rng = np.random.default_rng(0)
    rows = [attention.softmax(rng.normal(size=rng.integers(1, 40)) * 10 ** rng.uniform(-2, 2)) for _ in range(CASES)]
    listed = [[row.tolist()] for row in rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        close(compute("entropy", listed), [-np.nansum(row * np.log(row)) for row in rows])
    close(compute("jacobianNorm", listed), [np.linalg.norm(np.diag(row) - np.outer(row, row)) for row in rows])


def test_masks(compute):
    sizes = range(1, 12)
    for n, found in zip(sizes, compute("causalMask", [[n] for n in sizes]), strict=True):
        assert found == attention.causal_mask(n).tolist()
    windows = [(n, window) for n in sizes for window in range(4)]
    for (n, window), found in zip(windows, compute("slidingWindowMask", windows), strict=True):
        assert found == attention.sliding_window_mask(n, window).tolist()
    for n, found in zip(sizes, compute("paddingMask", [[n, n // 2 + 1] for n in sizes]), strict=True):
        ids = np.arange(n) < n // 2 + 1
        assert found == np.broadcast_to(attention.padding_mask(ids[None].astype(int))[0], (n, n)).tolist()
    pairs = [[attention.causal_mask(n).tolist(), attention.sliding_window_mask(n, 1).tolist()] for n in sizes]
    for pair, found in zip(pairs, compute("combined", pairs), strict=True):
        assert found == attention.combine_masks(*map(np.array, pair)).tolist()


def test_reach_is_the_first_power_of_the_mask_that_gets_there(compute):
    rng = np.random.default_rng(1)
    masks = [rng.random((n, n)) < 0.25 for n in rng.integers(1, 10, size=CASES)]
    layers = 5
    for mask, found in zip(masks, compute("reach", [[mask.tolist(), layers] for mask in masks]), strict=True):
        expected, seen = mask.astype(int), mask | np.eye(len(mask), dtype=bool)
        for layer in range(2, layers + 1):
            seen = seen | (mask @ seen)
            expected[seen & (expected == 0) & ~np.eye(len(mask), dtype=bool)] = layer
        assert found == expected.tolist()


def test_positions(compute):
    rng = np.random.default_rng(2)
    for _ in range(CASES // 4):
        d, base = 2 * int(rng.integers(1, 20)), float(10 ** rng.uniform(1, 5))
        table = positions.sinusoidal(200, d, base=base)
        places = rng.integers(0, 200, size=8).tolist()
        close(compute("sinusoidal", [[place, d, base] for place in places]), table[places])
        x = rng.normal(size=(8, d))
        cases = [[row.tolist(), place, base] for row, place in zip(x, places, strict=True)]
        turned = positions.rotary(x, positions=np.array(places), base=base)
        close(compute("rotary", cases), turned)
    heads = range(1, 33)
    for count, found in zip(heads, compute("alibiSlopes", [[count] for count in heads]), strict=True):
        close(found, positions.alibi_slopes(count))


def test_random_numbers_are_even_and_repeat(page):
    draw = "(seed) => { const next = compute.uniformNumbers(seed); return Array.from({ length: 20000 }, next); }"
    numbers = np.array(page.evaluate(draw, 7))
    assert numbers.min() >= 0 and numbers.max() < 1
    assert abs(np.histogram(numbers, bins=20, range=(0, 1))[0] - 1000).max() < 150
    assert numbers.tolist() == page.evaluate(draw, 7) != page.evaluate(draw, 8)


def test_sampling_probabilities(compute):
    rng = np.random.default_rng(4)
    cases = []
    for _ in range(2 * CASES):
        logits = np.round(rng.normal(size=rng.integers(1, 30)) * 3, 1)  # some are equal
        options = {
            "temperature": float(rng.uniform(0.2, 3)),
            "topK": int(rng.integers(1, 40)) if rng.random() < 0.5 else None,
            "topP": float(rng.uniform(0.05, 1)) if rng.random() < 0.5 else None,
        }
        cases.append((logits.tolist(), options))
    for (logits, options), found in zip(cases, compute("samplingProbabilities", cases), strict=True):
        names = {"temperature": "temperature", "topK": "top_k", "topP": "top_p"}
        given = {names[name]: value for name, value in options.items()}
        expected = sampling_probabilities(torch.tensor(logits, dtype=torch.float64), **given).numpy()
        close(sorted(found), sorted(expected))  # among equals, which one is kept may differ
        close(sum(found), 1)


TEXTS = [
    "low low low low low lower lower newest newest newest widest widest",
    "Мама мыла раму. Котката седи на рогозката, котката спи!",
    "It's 2024: the cat's 12 cats don't sit_on mats...  twice \n as far — naïve 北京 ① x²",
    "aaaa aaa aa a",
    "a",
    "  \n ",
]


def test_words_are_cut_as_in_python(compute):
    assert compute("splitWords", [[text] for text in TEXTS]) == [bpe.split_words(text) for text in TEXTS]


def test_merges_are_those_of_the_encoder(compute):
    rng = np.random.default_rng(3)
    letters = list("abcdeабв ")
    texts = TEXTS + ["".join(rng.choice(letters, size=rng.integers(5, 200))) for _ in range(CASES)]
    for text, found in zip(texts, compute("bytePairMerges", [[text, 30] for text in texts]), strict=True):
        words = bpe.split_words(text)
        encoder = bpe.BytePairEncoder.train(words, len(set(text)) + 30)
        merged = [step[0]["pair"] for step in found["candidates"] if step][:30]
        assert merged == [list(pair) for pair in encoder.merges]
        assert found["alphabet"] == encoder.tokens[: len(found["alphabet"])]
        assert found["lengths"][len(merged)] == len(encoder.tokenize(text))
        steps = list(bpe.BytePairEncoder.steps(words, len(set(text)) + 30))
        for step, candidates in zip(steps, found["candidates"], strict=False):
            expected = list(step.pair_counts.items())[:8]
            assert [(tuple(one["pair"]), one["count"]) for one in candidates] == expected
        shown = compute("bytePairTokens", [[text, merged]])[0]
        assert shown == encoder.tokenize(text)

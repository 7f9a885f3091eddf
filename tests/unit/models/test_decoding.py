"""Decoding: caches and batches change nothing, searches find what they should, draws follow their distribution."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.models.decoder import LanguageModel
from course_lib.models.decoding import beam_search, greedy, sample, sampling_probabilities
from course_lib.models.recurrent import RecurrentTranslator
from course_lib.models.transformer import Transformer

VOCABULARY, START, END, PAD = 13, 1, 2, 0
SIZES = {"vocab_size": VOCABULARY, "d_model": 16, "num_layers": 2, "num_heads": 4, "d_ff": 24}
TRANSLATORS = {
    "transformer": lambda: Transformer(**SIZES),
    "transformer, learned, pre-norm": lambda: Transformer(**SIZES, positions="learned", max_len=12, norm_first=True),
    "bahdanau": lambda: RecurrentTranslator(VOCABULARY, 16, attention="bahdanau"),
    "luong": lambda: RecurrentTranslator(VOCABULARY, 16, attention="luong", source_vocab_size=17),
}
LANGUAGE_MODELS = {
    positions: lambda positions=positions: LanguageModel(**SIZES, positions=positions, num_kv_heads=2)
    for positions in ["learned", "sinusoidal", "rotary", "alibi", None]
}
METHODS = {
    "greedy": greedy,
    "beam": lambda *args, **options: beam_search(*args, **options, beam_width=3)[0],
    "beam, no penalty": lambda *args, **options: beam_search(*args, **options, beam_width=4, length_penalty=0)[0],
}


def lively(model):
    """With weights so large that sequences differ, and end at different lengths; in double, so that nothing is tied.

    Before the logits the features are mixed, or tied embeddings would repeat each token for ever.
    """
    for norm in {"decoder_norm", "final_norm"} & dict(model.named_children()).keys():
        setattr(model, norm, nn.Sequential(getattr(model, norm), nn.Linear(16, 16, bias=False)))
    model.double()
    for name, parameter in model.named_parameters():
        if "norm" not in name:
            nn.init.normal_(parameter, std=0.6 if parameter.ndim > 1 else 0.1)
    vocabulary = model.token_embedding if isinstance(model, LanguageModel) else model.target_embedding
    with torch.no_grad():
        vocabulary.weight[END] *= 3  # its logit is often the largest, or the smallest
    return model


def sources(batch=8):
    source_ids = torch.randint(1, VOCABULARY, (batch, 6))
    source_ids[1, 4:] = source_ids[2, 2:] = PAD
    return source_ids


def prompts(batch=8):
    """Prompts of several lengths, padded now at the end and now at the beginning."""
    prompt_ids, mask = torch.randint(VOCABULARY, (batch, 5)), torch.ones(batch, 5, dtype=torch.bool)
    mask[1, 3:] = mask[2, :2] = mask[3, 1:] = False
    return prompt_ids, mask


def settings(name):
    """A model, its input and options, by its name."""
    if name in TRANSLATORS:
        return lively(TRANSLATORS[name]()), sources(), {"start_id": START, "end_id": END}
    prompt_ids, mask = prompts()
    return lively(LANGUAGE_MODELS[name]()), prompt_ids, {"end_id": END, "attention_mask": mask, "pad_id": PAD}


def same(got, expected):
    """Equal up to padding at the end."""
    longest = max(got.shape[-1], expected.shape[-1])
    got, expected = (F.pad(ids, (0, longest - ids.shape[-1]), value=PAD) for ids in (got, expected))
    assert torch.equal(got, expected)


every_model = pytest.mark.parametrize("name", [*TRANSLATORS, *LANGUAGE_MODELS])
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


@every_model
@every_method
def test_a_cache_changes_nothing(name, method):
    model, input_ids, options = settings(name)
    cached = method(model, input_ids, max_new_tokens=10, **options)
    same(cached, method(model, input_ids, max_new_tokens=10, **options, use_cache=False))


@every_model
@every_method
def test_a_batch_gives_what_its_rows_give(name, method):
    model, input_ids, options = settings(name)
    together = method(model, input_ids, max_new_tokens=10, **options)
    mask = options.pop("attention_mask", None)
    for row, of_batch in zip(range(len(input_ids)), together, strict=True):
        alone = input_ids[row][input_ids[row] != PAD] if mask is None else input_ids[row][mask[row]]
        same(method(model, alone[None], max_new_tokens=10, **options)[0], of_batch)


@every_model
def test_a_beam_of_one_is_greedy(name):
    model, input_ids, options = settings(name)
    for penalty in 0, 1:
        beam, _ = beam_search(model, input_ids, max_new_tokens=10, beam_width=1, length_penalty=penalty, **options)
        same(beam, greedy(model, input_ids, max_new_tokens=10, **options))


@every_model
def test_greedy_takes_the_likeliest_token_until_the_end(name):
    model, input_ids, options = settings(name)
    new_ids = greedy(model, input_ids, max_new_tokens=10, **options)
    model.eval()
    for row, got in zip(range(len(input_ids)), new_ids.tolist(), strict=True):
        expected = []
        while len(expected) < 10 and END not in expected:
            expected.append(next_logits(model, input_ids, options, row, expected).argmax().item())
        assert got == expected + [PAD] * (new_ids.shape[1] - len(expected))


@pytest.mark.parametrize("name", ["transformer, learned, pre-norm", "luong", "sinusoidal", "rotary", "alibi"])
def test_sequences_do_end_at_different_lengths(name):
    """Otherwise the tests above would show less than they seem to."""
    model, input_ids, options = settings(name)
    new_ids = greedy(model, input_ids, max_new_tokens=10, **options)
    assert len({row.index(END) if END in row else None for row in new_ids.tolist()}) > 1


def next_logits(model, input_ids, options, row, written):
    """The logits after what is written so far, computed from the definition: no cache, no batch, no padding."""
    with torch.no_grad():
        if "start_id" in options:
            source_ids = input_ids[row][input_ids[row] != PAD][None]
            return model(source_ids, torch.tensor([[START, *written]]))[0, -1]
        prompt = input_ids[row][options["attention_mask"][row]].tolist()
        return model(torch.tensor([prompt + written]))[0, -1]


@pytest.mark.parametrize("name", ["transformer", "luong", "learned", "alibi"])
@pytest.mark.parametrize("penalty", [0, 0.6, 1, 2])
def test_a_wide_beam_finds_the_best_of_all_sequences(name, penalty):
    model, input_ids, options = settings(name)
    width, longest = VOCABULARY**3, 3  # all there are
    new_ids, scores = beam_search(
        model, input_ids, max_new_tokens=longest, beam_width=width, length_penalty=penalty, **options
    )
    model.eval()
    for row in range(2):
        best, best_score = None, -math.inf
        others = [token for token in range(VOCABULARY) if token != END]
        for length in range(longest):
            for beginning in itertools.product(others, repeat=length):
                if length == longest - 1 and length > 1:
                    continue
                written = [*beginning, END]
                score = log_probability(model, input_ids, options, row, written) / len(written) ** penalty
                best, best_score = (written, score) if score > best_score else (best, best_score)
        # Sequences of full length, all at once: every pair of tokens before the end.
        pairs = [list(pair) for pair in itertools.product(others, repeat=longest - 1)]
        for written, total in zip(pairs, ends_of(model, input_ids, options, row, pairs), strict=True):
            score = total / longest**penalty
            best, best_score = ([*written, END], score) if score > best_score else (best, best_score)
        assert new_ids[row][: len(best)].tolist() == best
        assert scores[row].item() == pytest.approx(best_score, abs=1e-5)


def log_probability(model, input_ids, options, row, written):
    steps = (
        next_logits(model, input_ids, options, row, written[:i]).log_softmax(-1)[token]
        for i, token in enumerate(written)
    )
    return sum(steps).item()


def ends_of(model, input_ids, options, row, beginnings):
    """Log-probabilities of many beginnings of one length, each with the end after it."""
    written = torch.tensor([[*beginning, END] for beginning in beginnings])
    with torch.no_grad():
        if "start_id" in options:
            source_ids = input_ids[row][input_ids[row] != PAD][None].expand(len(written), -1)
            starts = torch.full((len(written), 1), START)
            logits = model(source_ids, torch.cat([starts, written[:, :-1]], dim=1))
        else:
            prompt = input_ids[row][options["attention_mask"][row]].expand(len(written), -1)
            logits = model(torch.cat([prompt, written[:, :-1]], dim=1))[:, prompt.shape[1] - 1 :]
    return logits.log_softmax(-1).gather(2, written[:, :, None]).sum(dim=(1, 2)).tolist()


@every_model
def test_scores_are_those_of_the_sequences(name):
    model, input_ids, options = settings(name)
    new_ids, scores = beam_search(model, input_ids, max_new_tokens=6, beam_width=3, length_penalty=0.7, **options)
    model.eval()
    for row, written in enumerate(new_ids.tolist()):
        written = written[: written.index(END) + 1] if END in written else written
        expected = log_probability(model, input_ids, options, row, written) / len(written) ** 0.7
        assert scores[row].item() == pytest.approx(expected, abs=1e-5)


def test_temperature_is_the_softmax_of_divided_logits():
    logits = torch.randn(3, 7)
    for temperature in 0.3, 1.0, 2.5:
        torch.testing.assert_close(
            sampling_probabilities(logits, temperature=temperature), (logits / temperature).softmax(-1)
        )
    coldest = sampling_probabilities(logits, temperature=1e-6)
    assert torch.equal(coldest, F.one_hot(logits.argmax(-1), 7).float())


@pytest.mark.parametrize("k", [1, 2, 5, 7, 100])
def test_top_k_keeps_the_k_likeliest_in_their_proportions(k):
    logits = torch.randn(4, 7)
    got, full = sampling_probabilities(logits, top_k=k), logits.softmax(-1)
    for row in range(4):
        kept = sorted(range(7), key=lambda token: -full[row, token])[:k]
        assert set(got[row].nonzero()[:, 0].tolist()) == set(kept)
        torch.testing.assert_close(got[row, kept], full[row, kept] / full[row, kept].sum())


@pytest.mark.parametrize("p", [1e-6, 0.3, 0.5, 0.85, 1])
def test_top_p_keeps_the_fewest_that_reach_p(p):
    full = torch.tensor([[0.1, 0.45, 0.25, 0.2], [0.9, 0.06, 0.03, 0.01], [0.25, 0.25, 0.26, 0.24]])
    got = sampling_probabilities(full.log(), top_p=p)
    for row in range(3):
        kept, reached = [], 0
        for token in sorted(range(4), key=lambda token: -full[row, token]):
            if reached >= p - 1e-9:
                break
            kept.append(token)
            reached += full[row, token].item()
        assert set(got[row].nonzero()[:, 0].tolist()) == set(kept)
        torch.testing.assert_close(got[row, kept], full[row, kept] / full[row, kept].sum())


def test_top_p_counts_after_top_k():
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    got = sampling_probabilities(logits, top_k=2, top_p=0.55)  # of 4/7 and 3/7 the first is enough
    assert torch.equal(got, torch.tensor([1.0, 0, 0, 0]))


def test_draws_follow_the_probabilities():
    model = lively(LanguageModel(**SIZES)).eval()
    prompt_ids = torch.tensor([[3, 4, 5]])
    options = {"temperature": 1.3, "top_k": 6, "top_p": 0.95}
    generator = torch.Generator().manual_seed(0)
    draws = sample(model, prompt_ids.expand(4000, -1), max_new_tokens=1, generator=generator, **options)[:, 0]
    expected = sampling_probabilities(model(prompt_ids)[0, -1].detach(), **options)
    frequencies = draws.bincount(minlength=VOCABULARY) / 4000
    assert frequencies[expected == 0].sum() == 0
    assert (frequencies - expected).abs().max() < 4 * math.sqrt(0.25 / 4000)  # four standard deviations
    assert 1 < (expected > 0).sum() <= 6


@every_model
def test_a_seed_draws_the_same_again_with_and_without_a_cache(name):
    model, input_ids, options = settings(name)
    first, again, uncached, other = (
        sample(model, input_ids, max_new_tokens=8, generator=torch.Generator().manual_seed(seed), temperature=2.0,
               use_cache=use_cache, **options)
        for seed, use_cache in [(1, True), (1, True), (1, False), (2, True)]
    )  # fmt: skip
    assert torch.equal(first, again)
    assert torch.equal(first, uncached)
    assert first.shape != other.shape or not torch.equal(first, other)


def test_top_k_of_one_is_greedy():
    model, input_ids, options = settings("transformer")
    drawn = sample(model, input_ids, max_new_tokens=8, top_k=1, **options)
    same(drawn, greedy(model, input_ids, max_new_tokens=8, **options))


def test_a_sequence_that_has_ended_leaves_the_batch():
    """Each call's rows are counted: none beyond those that go on."""
    model, input_ids, options = settings("transformer")
    sizes, decode = [], model.decode

    def counting(target_ids, *args, **more):
        sizes.append(tuple(target_ids.shape))
        return decode(target_ids, *args, **more)

    model.decode = counting
    new_ids = greedy(model, input_ids, max_new_tokens=10, **options)
    lengths = [row.index(END) + 1 if END in row else len(row) for row in new_ids.tolist()]
    assert sizes == [(sum(length > step for length in lengths), 1) for step in range(max(lengths))]


def test_the_model_is_left_as_it_was_and_answers_can_be_trained_on():
    model = Transformer(**SIZES, dropout=0.5).train()
    model.encoder_blocks[0].eval()  # frozen
    new_ids = greedy(model, sources(), max_new_tokens=5, start_id=START, end_id=END)
    assert model.training and not model.encoder_blocks[0].training and model.decoder_blocks[0].training
    model(sources(), new_ids).sum().backward()
    beams, _ = beam_search(model, sources(), max_new_tokens=5, start_id=START, end_id=END)
    model(sources(), beams).sum().backward()


def test_dropout_is_off():
    model = Transformer(**SIZES, dropout=0.5).train()
    source_ids = sources()
    first, again = (greedy(model, source_ids, max_new_tokens=8, start_id=START) for _ in range(2))
    assert torch.equal(first, again)


def test_without_an_end_all_tokens_come():
    for name in "transformer", "rotary":
        model, input_ids, options = settings(name)
        options["end_id"] = None
        assert greedy(model, input_ids, max_new_tokens=7, **options).shape == (8, 7)
        assert beam_search(model, input_ids, max_new_tokens=7, **options)[0].shape == (8, 7)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("transformer", {"start_id": None}, "start_id is None"),
        ("transformer", {"end_id": 99}, "end_id is 99; expected a token id from 0 to 12"),
        ("transformer", {"end_id": 2.5}, "end_id is 2.5; expected a whole number"),
        ("transformer", {"pad_id": 0.5}, "pad_id is 0.5; expected a whole number"),
        ("transformer", {"attention_mask": torch.ones(8, 6)}, "leaves out its source's padding"),
        ("transformer", {"max_new_tokens": 0}, "max_new_tokens is 0"),
        ("transformer, learned, pre-norm", {"max_new_tokens": 13}, "expected max_new_tokens of at most 12"),
        ("rotary", {"start_id": 1}, "put the token into input_ids"),
        ("rotary", {"attention_mask": torch.eye(8, 5)}, "no token in row 5"),
        ("rotary", {"attention_mask": torch.ones(8, 4)}, "attention_mask has shape"),
    ],
)
@every_method
def test_clear_errors(name, change, message, method):
    model, input_ids, options = settings(name)
    with pytest.raises(ValueError, match=message):
        method(model, input_ids, **{"max_new_tokens": 5, **options, **change})


@every_method
def test_a_prompt_that_leaves_no_room_is_named(method):
    model = LanguageModel(**SIZES, positions="learned", max_len=4)
    with pytest.raises(ValueError, match="the prompt has 5 tokens; expected at most the model's 4 positions"):
        method(model, torch.ones(1, 5, dtype=torch.long), max_new_tokens=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": "1"},
        {"top_p": "1"},
        {"temperature": 0},
        {"temperature": -1},
        {"top_k": 0},
        {"top_p": 0},
        {"top_p": 1.1},
        {"temperature": math.nan},
    ],
)
def test_sampling_refuses_what_makes_no_sense(wrong):
    model, input_ids, options = settings("rotary")
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        sample(model, input_ids, max_new_tokens=3, **options, **wrong)
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
        sampling_probabilities(torch.randn(3), **wrong)


@pytest.mark.parametrize("temperature", [1e-3, 1e-39, 1e-50])  # the last two are no normal float32
def test_the_coldest_sampling_takes_the_likeliest(temperature):
    logits = torch.tensor([[1.0, 2.0, 3.0], [3.0, 0.0, 3.0]])
    expected = torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.0, 0.5]])
    assert torch.equal(sampling_probabilities(logits, temperature=temperature), expected)


@pytest.mark.parametrize("row", [[0.0, math.nan], [0.0, math.inf], [-math.inf, -math.inf]])
def test_logits_without_a_likeliest_token_are_named(row):
    with pytest.raises(ValueError, match=r"logits holds a row whose largest number is (nan|inf|-inf)"):
        sampling_probabilities(torch.tensor([[0.0, 1.0], row]))
    with pytest.raises(TypeError, match="logits is a list; expected a tensor"):
        sampling_probabilities(row)
    with pytest.raises(ValueError, match=r"logits is of shape \(2, 0\)"):
        sampling_probabilities(torch.zeros(2, 0))


@every_model
@every_method
def test_a_model_that_has_diverged_says_so(name, method):
    model, input_ids, options = settings(name)
    for parameter in model.parameters():
        parameter.data.fill_(math.nan)
    with pytest.raises(ValueError, match="logits holds a row whose largest number is nan"):
        method(model, input_ids, max_new_tokens=3, **options)


def test_a_beam_needs_a_width_and_a_penalty():
    model, input_ids, options = settings("rotary")
    for wrong in {"beam_width": 0}, {"length_penalty": -1}, {"length_penalty": math.nan}, {"length_penalty": "1"}:
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
            beam_search(model, input_ids, max_new_tokens=3, **options, **wrong)


def test_the_longest_that_learned_positions_allow():
    model = lively(Transformer(**SIZES, positions="learned", max_len=12))
    assert greedy(model, sources(), max_new_tokens=12, start_id=START).shape == (8, 12)

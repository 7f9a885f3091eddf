"""What holds for every architecture: weights, order, padding, caches, parameters, learning, and clear errors."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib.attention import additive_scores, general_scores, softmax
from course_lib.models.attention import MultiHeadAttention
from course_lib.models.decoder import LLAMA, LanguageModel
from course_lib.models.encoder import TextEncoder
from course_lib.models.recurrent import BahdanauDecoder, LuongDecoder, RecurrentTranslator
from course_lib.models.transformer import Transformer
from course_lib.models.vision import VisionTransformer
from tests.unit.models.copying import equal

VOCABULARY = 23
ATTENTIONS = MultiHeadAttention, BahdanauDecoder, LuongDecoder
TRANSLATORS = {
    "transformer": lambda **more: Transformer(VOCABULARY, 16, 2, 4, 24, **more),
    "transformer, pre-norm": lambda **more: Transformer(VOCABULARY, 16, 2, 4, 24, norm_first=True, **more),
    "transformer, learned positions": lambda **more: Transformer(VOCABULARY, 16, 1, 4, 24, positions="learned", **more),
    "transformer, uneven": lambda **more: Transformer(
        VOCABULARY, 16, 1, 4, 24, num_decoder_layers=2, source_vocab_size=31, positions=None, activation="gelu", **more
    ),
    "bahdanau": lambda **more: RecurrentTranslator(VOCABULARY, 16, attention="bahdanau", **more),
    "luong": lambda **more: RecurrentTranslator(VOCABULARY, 16, attention="luong", source_vocab_size=31, **more),
}
LANGUAGE_MODELS = {
    f"{positions}, {kv_heads} kv heads, {'pre' if norm_first else 'post'}-norm": (
        lambda positions=positions, kv_heads=kv_heads, norm_first=norm_first, **more: LanguageModel(
            VOCABULARY, 16, 2, 4, 24, positions=positions, num_kv_heads=kv_heads, norm_first=norm_first, **more
        )
    )
    for (positions, kv_heads), norm_first in itertools.product(
        [("learned", 4), ("sinusoidal", 2), ("rotary", 1), ("alibi", 4), (None, 2)], [True, False]
    )
}


def encoder(**more):
    return TextEncoder(VOCABULARY, 16, 2, 4, 24, **more)


def vision(**more):
    return VisionTransformer(8, 2, 10, 16, 2, 4, **more)


def ids(*shape):
    return torch.randint(1, VOCABULARY, shape)


def pixels(*shape):
    return torch.rand(*shape)


EVERY = {
    **{name: (make, lambda batch=3: (ids(batch, 6), ids(batch, 5))) for name, make in TRANSLATORS.items()},
    **{name: (make, lambda batch=3: (ids(batch, 5),)) for name, make in LANGUAGE_MODELS.items()},
    "encoder": (encoder, lambda batch=3: (ids(batch, 5),)),
    "encoder, pre-norm, no types": (
        lambda **more: encoder(norm_first=True, num_types=0, **more),
        lambda batch=3: (ids(batch, 5),),
    ),
    "vision": (vision, lambda batch=3: (pixels(batch, 1, 8, 8),)),
    "vision, mean": (lambda **more: vision(pool="mean", **more), lambda batch=3: (pixels(batch, 1, 8, 8),)),
}
translators = pytest.mark.parametrize("make", TRANSLATORS.values(), ids=TRANSLATORS)
language_models = pytest.mark.parametrize("make", LANGUAGE_MODELS.values(), ids=LANGUAGE_MODELS)
every = pytest.mark.parametrize(("make", "inputs"), EVERY.values(), ids=EVERY)


def shaken(model):
    """Move every parameter off its beginning: zeros and ones hide errors."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model.double().eval()


def as_double(inputs):
    return [part.double() if part.is_floating_point() else part for part in inputs]


def maps(attention):
    return [map_ for layers in attention.values() for map_ in layers] if isinstance(attention, dict) else attention


# Every architecture


@every
def test_weights_on_request_and_the_same_numbers_either_way(make, inputs):
    model, inputs = shaken(make()), as_double(inputs())
    output = model(*inputs)
    with_weights, attention = model(*inputs, need_weights=True)
    equal(output, with_weights)
    attention = maps(attention)
    assert len(attention) == sum(isinstance(module, ATTENTIONS) for module in model.modules())
    for map_ in attention:
        assert map_.ndim == 4 and map_.shape[:2] == (3, 1 if isinstance(model, RecurrentTranslator) else 4)
        equal(map_.sum(-1), torch.ones(map_.shape[:3]).double())


@every
def test_every_parameter_is_registered_and_learns(make, inputs):
    model = make(dropout=0.1)
    output = model(*inputs())
    (output * torch.randn_like(output)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name
    registered = {id(parameter) for parameter in model.parameters()}
    seen = {id(part) for module in model.modules() for part in vars(module)["_parameters"].values() if part is not None}
    assert seen == registered
    blocks = getattr(model, "blocks", None) or getattr(model, "encoder_blocks", None)
    if blocks is not None:
        assert isinstance(blocks, nn.ModuleList)


@every
def test_gradients_by_finite_differences(make, inputs):
    """A step of ±ε along a random direction through all parameters changes the loss as the gradients say."""
    model, inputs = shaken(make()), as_double(inputs())
    with torch.no_grad():
        weights = torch.randn_like(model(*inputs))
    parameters, epsilon = list(model.parameters()), 1e-6
    directions = [torch.randn_like(parameter) for parameter in parameters]
    (model(*inputs) * weights).sum().backward()
    slope = sum((parameter.grad * way).sum() for parameter, way in zip(parameters, directions, strict=True))

    losses = []
    with torch.no_grad():
        for step in (epsilon, -2 * epsilon):
            for parameter, way in zip(parameters, directions, strict=True):
                parameter.add_(step * way)
            losses.append((model(*inputs) * weights).sum())
    equal((losses[0] - losses[1]) / (2 * epsilon), slope, 1e-4)


@every
def test_evaluation_is_deterministic_and_training_is_not(make, inputs):
    model, inputs = make(dropout=0.2), inputs()
    assert not torch.equal(model(*inputs), model(*inputs))
    model.eval()
    assert torch.equal(model(*inputs), model(*inputs))


@every
def test_saved_and_loaded_it_is_the_same(make, inputs):
    model, other, inputs = make().eval(), make().eval(), inputs()
    assert not torch.allclose(model(*inputs), other(*inputs))
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(*inputs), other(*inputs))


@every
def test_rows_of_a_batch_do_not_see_each_other(make, inputs):
    model, inputs = shaken(make()), as_double(inputs(4))
    alone = torch.cat([model(*(part[row : row + 1] for part in inputs)) for row in range(4)])
    equal(model(*inputs), alone)


@every
def test_it_begins_near_chance(make, inputs):
    """A good beginning: outputs of moderate size, so that a softmax over them begins near uniform."""
    model, inputs = make().eval(), inputs(16)
    output = model(*inputs)
    assert 0.01 < output.std() < 3


# No token sees the future


def influence(model, embedding, call):
    """How much each output position depends on each input position: the Jacobian of logits by embeddings, summed."""
    embedded = {}

    def keep(_, __, output):
        embedded["x"] = output.detach().requires_grad_()
        return embedded["x"]

    hook = embedding.register_forward_hook(keep)
    logits = call()[0]  # (seq_len, vocab_size)
    hook.remove()
    rows = []
    for output in logits:
        seen = [torch.autograd.grad(one, embedded["x"], retain_graph=True)[0][0].abs().sum(-1) for one in output]
        rows.append(torch.stack(seen).sum(0))
    return torch.stack(rows)  # (outputs, inputs)


@translators
@pytest.mark.parametrize("training", [True, False])
def test_translators_do_not_see_later_tokens(make, training):
    model = shaken(make(dropout=0.1)).train(training)
    source_ids, target_ids = ids(1, 4), ids(1, 5)
    memory = [part.detach() for part in model.encode(source_ids)]
    seen = influence(model, model.target_embedding, lambda: model.decode(target_ids, *memory))
    assert (seen.triu(1) == 0).all()
    assert (seen.diagonal() > 0).all() and (seen[-1] > 0).all()


@language_models
@pytest.mark.parametrize("training", [True, False])
def test_language_models_do_not_see_later_tokens(make, training):
    model = shaken(make(dropout=0.1)).train(training)
    token_ids = ids(1, 5)
    seen = influence(model, model.token_embedding, lambda: model(token_ids))
    assert (seen.triu(1) == 0).all()
    assert (seen.diagonal() > 0).all() and (seen[-1] > 0).all()


def test_an_encoder_sees_all_and_order_matters_only_through_positions():
    model, token_ids = shaken(encoder()), ids(1, 5)
    assert (influence(model, model.token_embedding, lambda: model(token_ids)) > 0).all()
    order = torch.tensor([3, 1, 4, 0, 2])
    assert not torch.allclose(model(token_ids)[:, order], model(token_ids[:, order]))
    nn.init.zeros_(model.positions.weight)
    equal(model(token_ids)[:, order], model(token_ids[:, order]))


# Padding and caches


@translators
def test_translators_padded_equal_one_by_one(make):
    model = shaken(make())
    source_lengths, target_lengths = [6, 2, 4], [1, 5, 3]
    source_ids = torch.zeros(3, 6, dtype=torch.long)
    target_ids = torch.zeros(3, 5, dtype=torch.long)
    for row, (source, target) in enumerate(zip(source_lengths, target_lengths, strict=True)):
        source_ids[row, :source], target_ids[row, :target] = ids(source), ids(target)
    logits, attention = model(source_ids, target_ids, need_weights=True)
    for row, (source, target) in enumerate(zip(source_lengths, target_lengths, strict=True)):
        alone = model(source_ids[row : row + 1, :source], target_ids[row : row + 1, :target])
        equal(logits[row : row + 1, :target], alone)
        assert all((map_[row, :, :, source:] == 0).all() for map_ in attention["cross"])


@language_models
@pytest.mark.parametrize("side", ["left", "right"])
def test_language_models_padded_equal_one_by_one(make, side):
    model = shaken(make())
    lengths = torch.tensor([[5], [2], [1], [4]])
    places = torch.arange(5)
    mask = places < lengths if side == "right" else places >= 5 - lengths
    token_ids = ids(4, 5).where(mask, 0)
    logits = model(token_ids, mask)
    equal(model(token_ids, mask.long()), logits)
    assert torch.isfinite(logits).all()
    for row in range(4):
        equal(logits[row][mask[row]], model(token_ids[row][mask[row]][None])[0])


def test_encoders_padded_equal_one_by_one():
    model = shaken(encoder())
    mask = torch.arange(5) < torch.tensor([[5], [2], [1], [4]])
    token_ids = ids(4, 5)
    hidden = model(token_ids, mask)
    for row in range(4):
        equal(hidden[row][mask[row]], model(token_ids[row][mask[row]][None])[0])


@translators
@pytest.mark.parametrize("steps", [[1] * 5, [2, 3]])
def test_translators_cached_equal_uncached(make, steps):
    model = shaken(make())
    source_ids, target_ids = ids(3, 6), ids(3, 5)
    source_ids[1, 2:] = 0
    expected, attention = model(source_ids, target_ids, need_weights=True)
    with torch.no_grad():
        memory, memory_mask = model.encode(source_ids)[:2]
        cache, parts = model.new_cache(), []
        for part in target_ids.split(steps, dim=1):
            logits, weights = model.decode(part, memory, memory_mask, cache=cache, need_weights=True)
            parts.append((logits, weights["cross"][-1]))
            assert cache.length == sum(piece[0].shape[1] for piece in parts)
    equal(torch.cat([logits for logits, _ in parts], dim=1), expected)
    equal(torch.cat([weights for _, weights in parts], dim=2), attention["cross"][-1])


@translators
def test_translators_caches_select_rows(make):
    model, rows = shaken(make()), torch.tensor([2, 0, 0])
    source_ids, target_ids = ids(3, 6), ids(3, 5)
    with torch.no_grad():
        memory, mask = model.encode(source_ids)
        cache = model.new_cache()
        cache.select(rows)
        model.decode(target_ids[:, :2], memory, mask, cache=cache)
        cache.select(rows)
        got = model.decode(target_ids[rows, 2:], memory[rows], mask[rows], cache=cache)
        equal(got, model(source_ids, target_ids)[rows, 2:])


@language_models
@pytest.mark.parametrize("steps", [[1] * 6, [3, 1, 2]])
def test_language_models_cached_equal_uncached(make, steps):
    model, token_ids = shaken(make()), ids(3, 6)
    mask = torch.arange(6) >= torch.tensor([[0], [2], [1]])
    for padding in (None, mask):
        expected, attention = model(token_ids, padding, need_weights=True)
        cache, parts, length = model.new_cache(), [], 0
        with torch.no_grad():
            for part in token_ids.split(steps, dim=1):
                length += part.shape[1]
                seen = None if padding is None else padding[:, :length]
                logits, weights = model(part, seen, cache=cache, need_weights=True)
                equal(weights[-1], attention[-1][:, :, length - part.shape[1] : length, :length])
                parts.append(logits)
        equal(torch.cat(parts, dim=1), expected)
        assert cache.length == 6


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_padding_alone_gives_no_nan(need_weights, training):
    nothing, batch = torch.zeros(2, 4, dtype=torch.long), ids(2, 4)
    calls = [
        *((make(dropout=0.1), (nothing, batch)) for make in TRANSLATORS.values()),
        *((make(dropout=0.1), (batch, nothing)) for make in LANGUAGE_MODELS.values()),
        (encoder(), (batch, nothing)),
    ]
    for model, inputs in calls:
        model.train(training)
        output = model(*inputs, need_weights=need_weights)
        output = output[0] if need_weights else output
        output.square().sum().backward()
        assert torch.isfinite(output).all()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


# What is particular to one


def test_tied_embeddings():
    joint, separate = TRANSLATORS["transformer"](), TRANSLATORS["transformer, uneven"]()
    assert joint.source_embedding is joint.target_embedding
    assert sum(p.numel() for p in joint.parameters() if p.shape == (VOCABULARY, 16)) == VOCABULARY * 16
    assert separate.source_embedding.weight.shape == (31, 16)
    separate(torch.tensor([[30, 5]]), ids(1, 3))
    model = LANGUAGE_MODELS["rotary, 1 kv heads, pre-norm"]()
    hidden, _ = model.hidden_states(ids(2, 3))
    equal(model.logits(hidden), hidden @ model.token_embedding.weight.T, 1e-6)


def test_formulas_of_position_reach_beyond_what_was_seen_and_tables_end():
    for name in LANGUAGE_MODELS:
        model = LANGUAGE_MODELS[name](max_len=7)
        assert model.max_len == (7 if name.startswith("learned") else None)
        model(ids(1, 7))
        if name.startswith("learned"):
            with pytest.raises(ValueError, match="the sequence reaches position 7, but there are .* only from 0 to 6"):
                model(ids(1, 8))
            cache = model.new_cache()
            with torch.no_grad(), pytest.raises(ValueError, match="the sequence reaches position 7"):
                model(ids(1, 5), cache=cache)
                model(ids(1, 3), cache=cache)
        else:
            model(ids(1, 50))


def test_patches_are_what_a_convolution_sees():
    model = VisionTransformer(12, 4, 3, 16, 1, 2, num_channels=3)
    images = torch.rand(2, 3, 12, 12)
    kernel = model.patch_embedding.weight.view(16, 3, 4, 4)
    expected = F.conv2d(images, kernel, model.patch_embedding.bias, stride=4).flatten(2).mT
    equal(model.patch_embedding(model.patches(images)), expected, 1e-5)
    assert torch.equal(model.patches(images)[0, 5].view(3, 4, 4), images[0, :, 4:8, 8:12])  # second row, third column


def test_the_encoder_of_the_ancestors_reads_to_each_sentences_own_end():
    model = shaken(TRANSLATORS["bahdanau"]())
    source_ids = ids(2, 6)
    source_ids[1, 3:] = 0
    memory, mask = model.encode(source_ids)
    equal(memory[1:, :3], model.encode(source_ids[1:, :3])[0])
    assert mask.tolist() == [[True] * 6, [True] * 3 + [False] * 3] and (memory[1, 3:] == 0).all()


@pytest.mark.parametrize("attention", ["bahdanau", "luong"])
def test_the_ancestors_scores_equal_the_numpy_lesson(attention):
    model = RecurrentTranslator(VOCABULARY, 8, attention=attention).double()
    source_ids, target_ids = ids(1, 4), ids(1, 1)
    memory, _ = model.encode(source_ids)
    decoder, memory = model.decoder, memory.detach()
    _, attention_maps = model.decode(target_ids, memory, need_weights=True)
    state = torch.tanh(decoder.start(memory.mean(1)))
    if attention == "bahdanau":
        nn.init.zeros_(decoder.W_keys.bias)  # the lesson's score has none
        _, attention_maps = model.decode(target_ids, memory, need_weights=True)
        weights = decoder.W_queries.weight, decoder.W_keys.weight, decoder.v.weight[0]
        scores = additive_scores(state.detach(), memory[0], *(weight.detach() for weight in weights))
    else:
        state = decoder.gru(model.target_embedding(target_ids), state[None])[0][:, 0]
        scores = general_scores(state.detach(), memory[0], decoder.W.weight.detach())
    equal(attention_maps["cross"][0][0, 0], torch.from_numpy(softmax(scores)))


def test_bfloat16_under_autocast_trains():
    for make, inputs in EVERY.values():
        model, inputs = make(dropout=0.1), inputs()
        with torch.autocast("cpu", torch.bfloat16):
            output = model(*inputs)
        output.float().square().sum().backward()
        assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())
        model.eval()
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(*inputs).float()
        exact = model(*inputs)
        torch.testing.assert_close(rough, exact, atol=0.1 * exact.abs().max().item(), rtol=0.1)


# What makes no sense


@pytest.mark.parametrize("name", ["transformer", "bahdanau"])
def test_translators_name_wrong_inputs(name):
    model = TRANSLATORS[name]()
    good = ids(2, 4)
    memory, mask = model.encode(good)
    cases = [
        (good[0], good, r"source_ids has shape \(4,\); expected \(batch, source_len\)"),
        (good[:0], good[:0], r"source_ids has shape \(0, 4\), which is empty"),
        (good, good[:, :0], r"target_ids has shape \(2, 0\), which is empty"),
        (good + VOCABULARY, good, rf"source_ids holds \d+; expected numbers from 0 to {VOCABULARY - 1}"),
        (good, good - VOCABULARY, r"target_ids holds -\d+; expected numbers from 0"),
        (good.float(), good, "source_ids has dtype torch.float32 and shape .*; expected whole numbers"),
        (
            good.to(torch.uint8),
            good,
            r"source_ids has dtype torch.uint8 and shape .*; expected whole numbers \(int64 or int32\)",
        ),
        (good, good[:1], "target_ids has shape .* batch = 2, as in source_ids of shape"),
    ]
    for source_ids, target_ids, message in cases:
        with pytest.raises(ValueError, match=message):
            model(source_ids, target_ids)
    with pytest.raises(ValueError, match=r"memory_mask has shape \(2, 3\)"):
        model.decode(good, memory, mask[:, :3])
    with pytest.raises(ValueError, match=r"memory_mask has dtype torch.int64 and shape .*; expected booleans"):
        model.decode(good, memory, mask.long())
    with pytest.raises(TypeError, match="source_ids is a list of 1; expected a tensor"):
        model([[1, 2]], good)


@pytest.mark.parametrize("make", [encoder, LANGUAGE_MODELS["learned, 4 kv heads, pre-norm"]])
def test_readers_name_wrong_inputs(make):
    model, good = make(max_len=6), ids(2, 4)
    cases = [
        ((good[0],), r"token_ids has shape \(4,\); expected \(batch, seq_len\)"),
        ((good[:0],), r"token_ids has shape \(0, 4\), which is empty"),
        ((good[:, :0],), r"token_ids has shape \(2, 0\), which is empty"),
        ((good + VOCABULARY,), rf"token_ids holds \d+; expected numbers from 0 to {VOCABULARY - 1}"),
        ((-good,), "token_ids holds -"),
        ((good.double(),), "token_ids has dtype torch.float64"),
        ((ids(2, 7),), "the sequence reaches position 6, but there are positions only from 0 to 5"),
        ((good, good[:, :3]), r"attention_mask has shape \(2, 3\)"),
        ((good, good[0]), r"attention_mask has shape \(4,\)"),
        ((good, torch.tensor([[0.0, 0.0, 0.0, -math.inf]])), "attention_mask holds -inf; expected booleans or 0 and 1"),
    ]
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            model(*arguments)
    with pytest.raises(TypeError, match="attention_mask is a list"):
        model(good, [[1, 1, 1, 1]] * 2)


def test_the_ancestors_refuse_padding_before_a_token():
    model = TRANSLATORS["bahdanau"]()
    with pytest.raises(ValueError, match=r"source_ids has padding \(0\) before a token in row 1"):
        model.encode(torch.tensor([[3, 4, 0, 0], [0, 0, 3, 4]]))


def test_types_are_checked():
    good = ids(2, 4)
    with pytest.raises(ValueError, match=r"type_ids holds 2; expected numbers from 0 to 1"):
        encoder()(good, type_ids=torch.full((2, 4), 2))
    with pytest.raises(ValueError, match=r"type_ids has shape \(1, 4\), so its axis batch is 1"):
        encoder()(good, type_ids=torch.zeros(1, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="this encoder was built with num_types=0"):
        encoder(num_types=0)(good, type_ids=torch.zeros_like(good))


def test_images_are_checked():
    with pytest.raises(
        ValueError, match=r"images has shape \(2, 8, 8\); expected \(batch, num_channels, image_size, image_size\)"
    ):
        vision()(torch.rand(2, 8, 8))
    with pytest.raises(ValueError, match=r"its axis num_channels is 3; .* num_channels = 1"):
        vision()(torch.rand(2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"images has shape \(0, 1, 8, 8\), which is empty"):
        vision()(torch.rand(0, 1, 8, 8))
    with pytest.raises(ValueError, match="images has dtype torch.uint8 and shape .*; expected floating-point"):
        vision()(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Transformer(0, 16, 2, 4, 24), "vocab_size is 0; expected a whole number of at least 1"),
        (lambda: Transformer(10, 18, 2, 4, 24), "num_heads is 4, which does not divide d_model = 18"),
        (lambda: Transformer(10, 16, 2, 4, 24, positions="rotary"), "positions is 'rotary'; expected one of 'sinus"),
        (lambda: LanguageModel(10, 18, 2, 4), "num_heads is 4, which does not divide d_model = 18"),
        (lambda: LanguageModel(10, 12, 2, 4, positions="rotary"), "d_head is 3, which is odd"),
        (lambda: LanguageModel(10, 12, 2, 4, positions="absolute"), "positions is 'absolute'; expected one of 'lear"),
        (lambda: TextEncoder(10, 16, 0, 4, 24), "num_layers is 0"),
        (lambda: TextEncoder(10, 16, 2, 4, 24, num_types=-1), "num_types is -1; expected a whole number of at least 0"),
        (lambda: TextEncoder(10, 16, 2, 4, 24, norm_eps=-1), "norm_eps is -1; expected a finite number above 0"),
        (lambda: Transformer(10, -16, 2, 4, 24), "d_model is -16; expected a whole number of at least 1"),
        (lambda: Transformer(10, 16, 2, 4, 24, source_vocab_size=0), "source_vocab_size is 0"),
        (lambda: RecurrentTranslator(10, 8, source_vocab_size=0), "source_vocab_size is 0"),
        (lambda: VisionTransformer(8, 3, 10, 16, 2, 4), "patch_size is 3, which does not divide image_size = 8"),
        (lambda: VisionTransformer(8, 2, 10, 16, 2, 4, pool="max"), "pool is 'max'; expected one of 'class', 'mean'"),
        (lambda: RecurrentTranslator(10, 7), "d_model is 7, which is odd"),
        (lambda: RecurrentTranslator(10, 8, attention="cosine"), "attention is 'cosine'; expected one of 'bahdanau'"),
    ],
)
def test_wrong_sizes_and_choices_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", LANGUAGE_MODELS.values(), ids=LANGUAGE_MODELS)
def test_one_row_of_a_mask_may_serve_the_whole_batch(make):
    model, row = make().eval(), torch.tensor([[0, 1, 1, 1]])
    token_ids = ids(3, 4)
    equal(model(token_ids, row), model(token_ids, row.expand(3, 4)))


def test_a_language_models_norms_have_the_eps_of_its_caller():
    model = LanguageModel(VOCABULARY, 16, 2, 4, **LLAMA, norm_eps=0.1, qk_norm=True)
    norms = [module for module in model.modules() if isinstance(module, nn.RMSNorm)]
    assert len(norms) == 2 * 4 + 1  # of attention, queries, keys, feed-forward in each block; the final one
    for norm in norms:
        x = torch.randn(3, *norm.normalized_shape)
        equal(norm(x), x / (x.square().mean(-1, keepdim=True) + 0.1).sqrt(), 1e-6)


@pytest.mark.parametrize("value", [1e-6, "yes", None])
def test_whether_queries_and_keys_have_norms_is_a_flag(value):
    with pytest.raises(TypeError, match=f"qk_norm is {value!r}; expected True or False"):
        LanguageModel(VOCABULARY, 16, 1, 4, qk_norm=value)


@pytest.mark.parametrize("value", [True, False, 0, -1, "tiny"])
def test_in_attention_itself_qk_norm_is_the_eps(value):
    with pytest.raises(ValueError, match=f"qk_norm is {value!r}; expected a finite number above 0"):
        MultiHeadAttention(16, 4, qk_norm=value)


def test_numpys_whole_numbers_are_sizes_too():
    sizes = [np.int64(size) for size in (VOCABULARY, 16, 1, 2)]
    model = LanguageModel(*sizes, positions="rotary", num_kv_heads=np.int64(1))
    assert model(ids(2, 4)).shape == (2, 4, VOCABULARY)

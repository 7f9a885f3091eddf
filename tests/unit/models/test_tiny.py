"""The model on one page is the course's `LanguageModel`: the same weights give the same numbers."""

import inspect

import pytest
import torch
from torch.nn import functional as F

from course_lib.models import LanguageModel, MultiHeadAttention, greedy, sample, tiny
from course_lib.models.positions import Rotary
from course_lib.models.tiny import TinyModel, write

SIZES = {"vocab_size": 17, "d_model": 24, "num_heads": 3, "num_layers": 2}


def pair(dtype=torch.float64):
    """The model on one page and the course's own, with the same weights, none of them 0 or 1."""
    model = TinyModel(**SIZES, positions=True, whole_block=True).to(dtype)
    theirs = LanguageModel(**SIZES, positions="rotary").to(dtype)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.load_state_dict(theirs.state_dict())  # strict: no name and no size differs
    return model.eval(), theirs.eval()


def ids(*shape):
    return torch.randint(SIZES["vocab_size"], shape)


@pytest.mark.parametrize("seq_len", [1, 2, 40])
def test_logits(seq_len):
    model, theirs = pair()
    token_ids = ids(3, seq_len)
    torch.testing.assert_close(model(token_ids), theirs(token_ids), rtol=1e-9, atol=1e-9)


def test_loss_and_all_gradients():
    model, theirs = pair()
    token_ids = ids(3, 21)
    losses = [F.cross_entropy(each(token_ids[:, :-1]).mT, token_ids[:, 1:]) for each in (model, theirs)]
    for loss in losses:
        loss.backward()
    torch.testing.assert_close(losses[0], losses[1])
    expected = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    assert all(gradient.abs().max() > 1e-5 for gradient in expected.values())
    torch.testing.assert_close({name: one.grad for name, one in model.named_parameters()}, expected)


def test_each_model_loads_the_others_weights():
    model, theirs = pair()
    theirs.load_state_dict(TinyModel(**SIZES, positions=True, whole_block=True).state_dict())
    assert not torch.allclose(model(ids(1, 5)), theirs(ids(1, 5)))


@pytest.mark.parametrize("num_heads, positions", [(1, False), (4, False), (4, True)])
def test_the_rungs_before_the_block_are_the_attention_of_the_course_between_embeddings_and_logits(num_heads, positions):
    model = TinyModel(vocab_size=11, d_model=16, num_heads=num_heads, positions=positions).double()
    theirs = MultiHeadAttention(16, num_heads, rotary=Rotary(4) if positions else None).double()
    theirs.load_state_dict(model.blocks[0].attention.state_dict())
    token_ids = torch.randint(11, (2, 9))
    x = F.embedding(token_ids, model.token_embedding.weight)
    context, _ = theirs(x, causal=True)
    torch.testing.assert_close(model(token_ids), context @ model.token_embedding.weight.T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("whole_block", [False, True])
@pytest.mark.parametrize("cuts", [[1] * 9, [4, 1, 1, 3], [9]])
def test_read_piece_by_piece_with_a_cache_it_gives_the_logits_of_the_whole(cuts, whole_block):
    model = TinyModel(
        vocab_size=11, d_model=16, num_heads=2, positions=True, whole_block=whole_block, num_layers=2
    ).double()
    token_ids, cache = torch.randint(11, (2, 9)), {}
    pieces = [model(piece, cache) for piece in token_ids.split(cuts, dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), model(token_ids), rtol=1e-9, atol=1e-9)


def test_it_writes_the_same_with_a_cache_without_and_as_the_course_does():
    model, theirs = pair()
    prompt = [3, 1, 4]
    with_cache = write(model, prompt, 30, temperature=0.7, seed=5)
    assert with_cache == write(model, prompt, 30, temperature=0.7, seed=5, use_cache=False)
    generator = torch.Generator().manual_seed(5)
    drawn = sample(theirs, torch.tensor([prompt]), max_new_tokens=30, temperature=0.7, generator=generator)
    assert with_cache == drawn[0].tolist()
    likeliest = greedy(theirs, torch.tensor([prompt]), max_new_tokens=30)
    assert write(model, prompt, 30, temperature=1e-6) == likeliest[0].tolist()


def test_with_a_cache_each_letter_is_read_once(monkeypatch):
    model, read = TinyModel(vocab_size=11), []
    monkeypatch.setattr(
        model, "forward", lambda token_ids, cache: read.append(token_ids.shape[1]) or torch.zeros(1, 1, 11)
    )
    write(model, [1, 2, 3], 4)
    write(model, [1, 2, 3], 4, use_cache=False)
    assert read == [3, 1, 1, 1, 3, 4, 5, 6]  # with a cache, then without


def test_no_letter_sees_those_after_it():
    model = TinyModel(vocab_size=11, num_heads=4, positions=True, whole_block=True, num_layers=2)
    before = torch.randint(11, (1, 8))
    after = before.clone()
    after[0, 5:] = (before[0, 5:] + 1) % 11
    moved = (model(before) - model(after)).abs().amax(dim=(0, 2))
    assert moved[:5].max() < 1e-6 and moved[5:].min() > 1e-4


def test_one_page():
    assert len(inspect.getsource(tiny).splitlines()) < 150

"""Batches, optimizers, checkpoints and metrics, each by itself."""

import contextlib
import itertools
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from course_lib.models.recurrent import RecurrentTranslator
from course_lib.models.transformer import Transformer
from course_lib.training import (
    CheckpointError,
    TokenBatches,
    accuracy,
    bleu,
    checkpoints,
    chrf,
    exact_match,
    load_weights,
)
from course_lib.training.optimizers import AveragedWeights, Muon, learning_rate_share, make_optimizers, orthogonalise


def pairs(count=200, seed=0):
    rng = np.random.default_rng(seed)
    return [([3 + i % 50] * rng.integers(1, 30), [1, *[3 + i % 50] * rng.integers(1, 30), 2]) for i in range(count)]


# ---------------------------------------------------------------------------------------------------------------------
# Batches.
# ---------------------------------------------------------------------------------------------------------------------


def test_every_pair_comes_once_an_epoch_within_the_limit():
    data = pairs()
    seen = []
    for source, inputs, targets in TokenBatches(data, 120, num_epochs=2):
        assert source.numel() <= 120 and inputs.numel() <= 120
        assert torch.equal(inputs[:, 1:], targets[:, :-1])
        for row in range(len(source)):
            target = [*inputs[row, :1].tolist(), *targets[row].tolist()]
            seen.append((source[row][source[row] != 0].tolist(), [number for number in target if number]))
    assert sorted(seen) == sorted(data * 2)


def test_little_is_padding_and_batches_are_shuffled():
    data = pairs(2000)
    filled = total = 0
    lengths = []
    for source, _, targets in TokenBatches([(source, [1, *source, 2]) for source, _ in data], 300, num_epochs=1):
        filled += (source != 0).sum().item() + (targets != 0).sum().item()
        total += source.numel() + targets.numel()
        lengths.append(source.shape[1])
    assert filled / total > 0.95
    assert abs(np.corrcoef(np.arange(len(lengths)), lengths)[0, 1]) < 0.3


def test_the_same_seed_gives_the_same_batches_and_epochs_differ():
    def sources(batches):
        return [source.tolist() for source, _, _ in batches]

    data = pairs(60)
    one = TokenBatches(data, 120, num_epochs=1)
    assert sources(one) == sources(one)
    assert sources(one) != sources(TokenBatches(data, 120, num_epochs=1, seed=1))
    two = sources(TokenBatches(data, 120, num_epochs=2))
    assert two[: len(sources(one))] == sources(one)
    assert sorted(map(str, two[len(sources(one)) :])) != sorted(map(str, sources(one)))


@pytest.mark.parametrize(
    ("data", "max_tokens", "message"),
    [
        ([], 10, "pairs is empty"),
        ([([], [1, 2])], 10, "empty source"),
        ([([3], [1])], 10, "target of 1 ids"),
        ([([3] * 11, [1, 2])], 10, "takes 11 tokens"),
        ([([3], [1, 2])], 0, "max_tokens is 0"),
    ],
)
def test_pairs_without_sense(data, max_tokens, message):
    with pytest.raises(ValueError, match=message):
        TokenBatches(data, max_tokens)


def test_pairs_may_come_from_a_generator():
    data = [([3, 4], [1, 5, 2]), ([3], [1, 2])]
    for found, expected in zip(
        TokenBatches((pair for pair in data), 10, num_epochs=1), TokenBatches(data, 10, num_epochs=1), strict=True
    ):
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


# ---------------------------------------------------------------------------------------------------------------------
# Optimizers.
# ---------------------------------------------------------------------------------------------------------------------


def names_of(model, parameters):
    ids = {id(parameter) for parameter in parameters}
    return {name for name, parameter in model.named_parameters() if id(parameter) in ids}


@pytest.mark.parametrize("model", [Transformer(16, 8, 1, 2, 16, positions="learned"), RecurrentTranslator(16, 8)])
def test_muon_gets_the_matrices_and_adamw_the_rest(model):
    adamw, muon = make_optimizers(model, 1e-3, 1e-2, weight_decay=0.1)
    matrices = names_of(model, muon.param_groups[0]["params"])
    others = names_of(model, [p for group in adamw.param_groups for p in group["params"]])
    assert matrices | others == {name for name, _ in model.named_parameters()} and not matrices & others
    assert not any("embedding" in name or "norm" in name or "bias" in name or "positions" in name for name in matrices)
    rest = ("embedding", "norm", "bias", "positions", ".v.")  # v is a vector, though stored as a matrix of one row
    assert all(any(part in name for part in rest) for name in others)
    for group in adamw.param_groups:
        assert (group["weight_decay"] > 0) == all(p.ndim > 1 for p in group["params"])


def test_orthogonalised_matrices_have_singular_values_near_one():
    torch.manual_seed(0)
    for shape in [(12, 30), (30, 12), (16, 16)]:
        matrix = torch.randn(shape)
        found = orthogonalise(matrix)
        assert found.shape == shape
        values = torch.linalg.svdvals(found)
        assert 0.3 < values.min() and values.max() < 1.3
        u, _, v = torch.linalg.svd(matrix, full_matrices=False)
        inner = u.mT @ found @ v.mT  # diagonal, if the singular vectors stayed
        torch.testing.assert_close(inner, inner.diagonal().diag(), atol=1e-4, rtol=0)


def test_muon_in_float32_is_pytorchs_but_for_rounding():
    torch.manual_seed(0)
    for shape in [(8, 24), (24, 8)]:
        start = torch.randn(shape)
        one, other = nn.Parameter(start.clone()), nn.Parameter(start.clone())
        optimizers = Muon([one], lr=0.1, weight_decay=0.1, bfloat16=False), torch.optim.Muon([other], lr=0.1)
        for _ in range(4):
            gradient = torch.randn(shape)
            one.grad, other.grad = gradient.clone(), gradient.clone()
            for optimizer in optimizers:
                optimizer.step()
        assert (one - start).norm() > 0.5
        assert (one - other).norm() < 0.03 * (one - start).norm()


def test_the_learning_rate_warms_up_and_decays():
    decays = "linear", "cosine"
    shares = {decay: [learning_rate_share(step, 100, 10, decay) for step in range(100)] for decay in decays}
    for found in shares.values():
        assert found[:10] == pytest.approx(np.arange(1, 11) / 10)
        assert found[10] == 1 and 0 < found[-1] < 0.02
        assert all(np.diff(found[10:]) < 0)
    assert shares["linear"][55] == pytest.approx(0.5) == shares["cosine"][55]
    assert learning_rate_share(399, 1000, 100, "inverse_sqrt") == pytest.approx(0.5)
    assert learning_rate_share(99, 100, 0, "constant") == 1


def test_averages_follow_the_parameters_and_swap_back():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    average = AveragedWeights(model, 0.5)
    for step, value in enumerate([1.0, 2.0, 3.0], start=1):
        nn.init.constant_(model.weight, value)
        average.update(step)
    expected = 0.0
    for step, value in enumerate([1.0, 2.0, 3.0], start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    average.swap()
    assert model.weight.item() == pytest.approx(expected)
    average.swap()
    assert model.weight.item() == 3


# ---------------------------------------------------------------------------------------------------------------------
# Checkpoints.
# ---------------------------------------------------------------------------------------------------------------------


def state_of(step, **more):
    """What a run of one process tells of itself after so many steps."""
    history = [{"step": number, "loss": 1.0, "seconds": 0.5} for number in range(1, step + 1)]
    about = {"settings": {"num_steps": 9}, "bfloat16": False, "muon_bfloat16": [], "processes": 1, "last_batch": 7}
    return {**about, "history": history, **more}


def test_a_checkpoint_holds_what_was_put_in_and_no_pickle(tmp_path):
    model = Transformer(16, 8, 1, 2, 16)  # two of its embeddings are one tensor
    tensors = {"random": torch.arange(5, dtype=torch.uint8)}
    path = checkpoints.save(tmp_path, 3, model, tensors, state_of(3, note="ж"))
    assert sorted(file.name for file in path.iterdir()) == ["model.safetensors", "state.json", "training.safetensors"]
    found, state = checkpoints.read(path)
    assert torch.equal(found["random"], tensors["random"]) and state["note"] == "ж" and state["step"] == 3
    other = Transformer(16, 8, 1, 2, 16)
    load_weights(other, path / "model.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_a_death_while_writing_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    model = nn.Linear(2, 2)
    checkpoints.save(tmp_path, 1, model, {"x": torch.zeros(1)}, state_of(1))

    class Death(BaseException):
        pass

    def dies_at(number, original):
        calls = itertools.count(1)

        def call(*args):
            if next(calls) == number:
                raise Death
            return original(*args)

        return call

    for name in ("save_file", "_flush"):
        for number in range(1, 10):
            with monkeypatch.context() as patch:
                patch.setattr(checkpoints, name, dies_at(number, getattr(checkpoints, name)))
                try:
                    checkpoints.save(tmp_path, 2, model, {"x": torch.ones(1)}, state_of(2))
                except Death:
                    pass
            path = checkpoints.latest(tmp_path)
            tensors, state = checkpoints.read(path)  # whole, whichever it is
            assert tensors["x"].item() == state["step"] - 1
    assert state["step"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["step-00000002"]


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = checkpoints.save(tmp_path, 1, nn.Linear(2, 2), {"x": torch.zeros(1)}, state_of(1))
    with pytest.raises(CheckpointError, match=r"missing 0\.bias, 0\.weight; unknown bias, weight"):
        load_weights(nn.Sequential(nn.Linear(2, 2)), tmp_path)
    with pytest.raises(CheckpointError, match=r"bias has shape \(2,\), expected \(3,\)"):
        load_weights(nn.Linear(2, 3), tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_weights(nn.Linear(2, 2), tmp_path / "nowhere")
    whole = {"weight": torch.ones(2, 2, dtype=torch.int32), "bias": torch.ones(2)}
    save_file(whole, tmp_path / "whole.safetensors")
    model = nn.Linear(2, 2)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"weight has dtype torch\.int32, expected torch\.float32"):
        load_weights(model, tmp_path / "whole.safetensors")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    load_weights(model.half(), path)  # floats of another size are floats
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**state, "format": 99}))
    with pytest.raises(CheckpointError, match="format 99"):
        checkpoints.read(path)
    for text in ("{", "[]", "{}", "[" * 100_000):
        (path / "state.json").write_text(text)
        with pytest.raises(CheckpointError, match="cannot be read"):
            checkpoints.read(path)


STRANGE_STATES = {
    "its step is -5 and not that of the folder": {"step": -5},
    "its step is true": {"step": True},
    "its step is a text": {"step": "1"},
    "no settings": {"settings": None},
    "settings without num_steps": {"settings": {}},
    "settings whose num_steps is a text": {"settings": {"num_steps": "9"}},
    "no batch": {"last_batch": None},
    "no history": {"history": []},
    "a history of another length": {"history": state_of(2)["history"]},
    "a history without steps": {"history": [{"seconds": 1.0}]},
    "a history without seconds": {"history": [{"step": 1}]},
    "a history that is no list of dicts": {"history": [1]},
    "a loss that is a text": {"history": [{"step": 1, "loss": "x", "seconds": 0.5}]},
    "names of trained weights without what is remembered": {"trained": [["weight"]]},
    "trained weights that are no list": {"trained": 3},
}


@pytest.mark.parametrize("name", STRANGE_STATES)
def test_a_state_that_no_run_wrote_is_refused(tmp_path, name):
    path = checkpoints.save(tmp_path, 1, nn.Linear(2, 2), {"x": torch.zeros(1)}, state_of(1))
    state = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps({**state, **STRANGE_STATES[name]}))
    with pytest.raises(CheckpointError, match=r"state\.json cannot be read .*remove the folder"):
        checkpoints.read(path)
    checkpoints.read_state(checkpoints.save(tmp_path, 1, nn.Linear(2, 2), {"x": torch.zeros(1)}, state_of(1)))


@pytest.mark.parametrize("missing", checkpoints.PARTS)
def test_a_state_that_lacks_a_part_is_refused(tmp_path, missing):
    path = checkpoints.save(tmp_path, 1, nn.Linear(2, 2), {"x": torch.zeros(1)}, state_of(1))
    state = json.loads((path / "state.json").read_text())
    del state[missing]
    (path / "state.json").write_text(json.dumps(state))
    with pytest.raises(CheckpointError, match=f"it lacks '{missing}'"):
        checkpoints.read_state(path)


def test_a_folder_that_is_no_whole_checkpoint_hides_none(tmp_path):
    path = checkpoints.save(tmp_path, 1, nn.Linear(2, 2), {"x": torch.zeros(1)}, state_of(1))
    (tmp_path / "step-99999999").mkdir()
    (tmp_path / "step-00000007").write_text("a file")
    assert checkpoints.latest(tmp_path) == path
    newer = checkpoints.save(tmp_path, 2, nn.Linear(2, 2), {"x": torch.zeros(1)}, state_of(2))
    assert checkpoints.latest(tmp_path) == newer and not path.exists()


class Shares(nn.Module):
    """Two weights in one memory, one the beginning of the other."""

    def __init__(self):
        super().__init__()
        self.whole = nn.Parameter(torch.randn(4, 2))
        self.top = nn.Parameter(self.whole.data[:2])


def test_weights_that_share_memory_are_kept(tmp_path):
    model, other = Shares(), Shares()
    checkpoints.check_model(model)
    checkpoints.save(tmp_path, 1, model, {}, state_of(1))
    load_weights(other, tmp_path)
    assert torch.equal(other.whole, model.whole) and torch.equal(other.top, model.whole[:2])


def test_an_expanded_buffer_is_kept(tmp_path):
    model = with_buffer(torch.ones(1).expand(5))
    checkpoints.check_model(model)
    checkpoints.save(tmp_path, 1, model, {}, state_of(1))
    other = with_buffer(torch.zeros(1).expand(5))
    load_weights(other, tmp_path)
    assert torch.equal(other.table, torch.ones(5))


def test_home_is_where_its_mark_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert checkpoints.check_folder("~/runs") == tmp_path / "runs" and (tmp_path / "runs").is_dir()
    path = checkpoints.save("~/runs", 1, nn.Linear(2, 2), {}, state_of(1))
    assert path.parent == tmp_path / "runs" and checkpoints.latest("~/runs") == path
    checkpoints.lock("~/runs").release()
    load_weights(nn.Linear(2, 2), "~/runs")
    load_weights(nn.Linear(2, 2), "~/runs/step-00000001/model.safetensors")


@pytest.mark.parametrize("path", ["", None, 3, "~no.such.user/runs"])
def test_what_names_no_folder_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, use in {
        "checkpoint": checkpoints.check_folder,
        "path": lambda path: load_weights(nn.Linear(2, 2), path),
    }.items():
        with pytest.raises(CheckpointError, match=rf"{name} is {path!r}"):
            use(path)
    assert not list(tmp_path.iterdir())


def test_what_bears_the_name_of_an_unfinished_checkpoint_is_not_in_the_way(tmp_path):
    (tmp_path / ".unfinished-00000001").write_text("a file")
    assert checkpoints.save(tmp_path, 1, nn.Linear(2, 2), {}, state_of(1)).is_dir()
    assert [file.name for file in tmp_path.iterdir()] == ["step-00000001"]
    (tmp_path / "step-00000002").write_text("somebody's file")
    with pytest.raises(CheckpointError, match=r"Not a directory: .*step-00000002"):
        checkpoints.save(tmp_path, 2, nn.Linear(2, 2), {}, state_of(2))
    assert (tmp_path / "step-00000002").read_text() == "somebody's file"


class Remembers(nn.Linear):
    def get_extra_state(self):
        return {"seen": 3}


def with_buffer(tensor):
    model = nn.Linear(2, 2)
    model.register_buffer("table", tensor)
    return model


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (nn.Sequential(Remembers(2, 2)), "0._extra_state"),
        (with_buffer(torch.zeros(2, 2, dtype=torch.complex128)), "table"),
        (with_buffer(torch.eye(2).to_sparse()), "table"),
        (with_buffer(torch.zeros(2, 2, device="meta")), "table"),
    ],
    ids=["extra state", "complex128", "sparse", "meta"],
)
def test_what_no_checkpoint_can_hold_is_named(model, name):
    with pytest.raises(CheckpointError, match=f"a checkpoint cannot hold the model's {name}"):
        checkpoints.check_model(model)


def test_trying_a_model_reads_one_number_of_each_tensor():
    large = torch.zeros(1).expand(10**12)  # a terabyte to read, and none to have
    checkpoints.check_model(with_buffer(large))


@contextlib.contextmanager
def files_of_at_most(size):
    """As on a disk that is full, files can't grow beyond so many bytes."""
    resource = pytest.importorskip("resource", reason="Windows sets no such limit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [1000, 12_000])  # the first file does not fit, or the second
def test_a_full_disk_costs_no_checkpoint(tmp_path, size):
    model, tensors = nn.Linear(32, 32), {"x": torch.zeros(100, 100)}
    with files_of_at_most(size), pytest.raises(CheckpointError, match=r"step 1 cannot be .*; mend that .make room"):
        checkpoints.save(tmp_path, 1, model, tensors, state_of(1))
    assert list(tmp_path.iterdir()) == []
    path = checkpoints.save(tmp_path, 1, model, tensors, state_of(1))
    with files_of_at_most(size), pytest.raises(CheckpointError, match=r"step 2 cannot be .*the one of step 1 is kept"):
        checkpoints.save(tmp_path, 2, model, tensors, state_of(2))
    assert list(tmp_path.iterdir()) == [path] and checkpoints.read(path)[1]["step"] == 1


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path):
    lock = checkpoints.lock(tmp_path)
    with pytest.raises(CheckpointError, match="another run uses .*; wait until it has ended, or pass another folder"):
        checkpoints.lock(tmp_path)
    lock.release()
    checkpoints.lock(tmp_path).release()


def test_a_folder_in_the_place_of_the_lock_is_told(tmp_path):
    (tmp_path / ".lock").mkdir()
    with pytest.raises(CheckpointError, match=r"where nothing can be written .*\.lock"):
        checkpoints.lock(tmp_path)


# ---------------------------------------------------------------------------------------------------------------------
# Metrics.
# ---------------------------------------------------------------------------------------------------------------------


def test_accuracy_of_ids_and_of_logits_without_padding():
    assert accuracy([1, 2, 3, 4], [1, 2, 0, 0]) == 0.5
    assert accuracy([1, 2, 3, 4], [1, 5, 0, 0], pad_id=0) == 0.5
    assert accuracy(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1])) == 0.5
    for wrong in [([1], [1, 2]), ([], [])]:
        with pytest.raises(ValueError):
            accuracy(*wrong)
    with pytest.raises(ValueError, match="every target"):
        accuracy([1], [0], pad_id=0)


def test_exact_match():
    assert exact_match(["2023-03-07", "x"], ["2023-03-07", "y"]) == 0.5
    assert exact_match([np.array([1, 2])], [np.array([1, 2])]) == 1
    with pytest.raises(ValueError, match="predictions has 1 entries"):
        exact_match(["a"], ["a", "b"])


@pytest.mark.parametrize("metric", [exact_match, bleu, chrf])
def test_one_text_is_no_sequence_of_texts(metric):
    with pytest.raises(TypeError, match="references is one string; expected a"):
        metric(["a cat"], "a cat")


def test_bleu_and_chrf_are_sacrebleus():
    references = ["The quick brown fox jumps over the lazy dog.", "A cat sits on the mat."]
    assert bleu(references, references) == pytest.approx(100)
    assert chrf(references, references) == pytest.approx(100)
    worse = ["The quick brown fox jumped over a lazy dog.", "A cat sits on a mat."]
    assert 20 < bleu(worse, references) < 80
    assert 60 < chrf(worse, references) < 95
    assert bleu(["The the the the"], ["The cat sat here"]) < 20  # repeating a word earns little
    with pytest.raises(TypeError, match=r"predictions\[0\] is a list"):
        bleu([["a"]], ["a"])
    with pytest.raises(ValueError, match="references is empty"):
        chrf([], [])

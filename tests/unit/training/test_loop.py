"""`fit` learns, resumes to the bit, survives being killed, stops when asked, and shares its work."""

import copy
import itertools
import json
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file

from course_lib.models.decoder import LLAMA, LanguageModel
from course_lib.models.transformer import Transformer
from course_lib.training import CheckpointError, TeacherForced, fit, load_weights
from course_lib.training.checkpoints import latest
from tests.unit.training.runs import NUM_STEPS, SETTINGS, make_batches, make_model

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def parameters(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def command(*args):
    return [sys.executable, "-m", "tests.unit.training.runs", *map(str, args)]


@pytest.fixture(scope="module")
def uninterrupted():
    """A run from beginning to end: its parameters and its losses."""
    torch.set_num_threads(1)
    model = make_model()
    history = fit(model, make_batches(), **SETTINGS)
    return parameters(model), [record["loss"] for record in history]


class Interrupted(Exception):
    pass


class EndingAt:
    """Batches, until something happens at a step."""

    def __init__(self, step, happening):
        self.step, self.happening = step, happening

    def __iter__(self):
        for number, batch in enumerate(make_batches(), start=1):
            if number == self.step:
                self.happening()
            yield batch


def crash():
    raise Interrupted


# ---------------------------------------------------------------------------------------------------------------------
# It takes the steps that it should.
# ---------------------------------------------------------------------------------------------------------------------


def tokens(*shape):
    return torch.randint(3, 16, shape, generator=torch.Generator().manual_seed(0))


ONE_BATCH = {
    "Transformer": (
        lambda: Transformer(16, 32, 1, 2, 64, dropout=0.0),
        (tokens(4, 5), tokens(4, 6)[:, :-1], tokens(4, 6)[:, 1:]),
    ),
    "LanguageModel": (
        lambda: LanguageModel(vocab_size=16, d_model=32, num_layers=1, num_heads=2, dropout=0.0),
        (torch.arange(3, 15).view(4, 3)[:, :-1], torch.arange(3, 15).view(4, 3)[:, 1:]),
    ),
    "LanguageModel, today's recipe": (
        lambda: LanguageModel(16, 32, 1, 2, 64, num_kv_heads=1, qk_norm=True, tied=False, **LLAMA),
        (torch.arange(3, 15).view(4, 3)[:, :-1], torch.arange(3, 15).view(4, 3)[:, 1:]),
    ),
}


def test_the_loss_is_the_mean_over_the_targets_that_count():
    model = make_model(dropout=0.0)
    source, inputs, targets = next(iter(make_batches()))
    with torch.no_grad():
        log_probabilities = model(source, inputs).log_softmax(dim=-1)  # (batch, target_len, classes)
    counted = targets != 0
    assert not counted.all()
    picked = log_probabilities.gather(-1, targets[..., None])[..., 0]
    history = fit(model, [(source, inputs, targets)], num_steps=1, progress=False, precision="float32")
    assert history[0]["loss"] == pytest.approx(-picked[counted].mean().item(), rel=1e-5)
    assert history[0]["tokens"] == counted.sum()


def test_padding_has_no_say():
    records = []
    source, inputs, targets = next(iter(make_batches()))
    wider = torch.nn.functional.pad(inputs, (0, 3)), torch.nn.functional.pad(targets, (0, 3))
    for batch in [(source, inputs, targets), (source, *wider)]:
        records.append(fit(make_model(0.0), [batch], num_steps=1, progress=False, precision="float32")[0])
    for name in ("loss", "gradient_norm", "tokens"):
        assert records[0][name] == pytest.approx(records[1][name], rel=1e-5)


def test_the_gradient_is_clipped():
    """AdamW's steps don't show how long its gradients were, so a spy looks at them."""
    seen = []
    model = make_model()
    original = torch.optim.AdamW.step

    def step(self, *args, **kwargs):
        gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
        seen.append(torch.cat(gradients).norm().item())
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        history = fit(model, make_batches(), num_steps=2, clip=1e-3, progress=False)
    assert seen == pytest.approx([1e-3, 1e-3], rel=1e-2)
    assert history[0]["gradient_norm"] > 0.1


def test_the_callers_random_numbers_stay_as_they_were():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    model = Transformer(16, 16, 1, 2, 32)
    torch.set_rng_state(before)
    fit(model, make_batches(), num_steps=2, progress=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_evaluation_sees_the_averages_and_leaves_no_trace(uninterrupted):
    seen = []

    def evaluate(model):
        assert not model.training
        torch.rand(5)
        seen.append(parameters(model))
        return {"score": len(seen)}

    model = make_model()
    history = fit(model, make_batches(), **SETTINGS, evaluate=evaluate, evaluate_every=10)
    assert equal(parameters(model), uninterrupted[0])
    assert equal(seen[-1], uninterrupted[0])
    assert [record["step"] for record in history if "score" in record] == [10, 20, NUM_STEPS]


def test_the_history_is_a_frame():
    frame = fit(make_model(), make_batches(), num_steps=3, learning_rate=1e-2, progress=False).frame()
    assert list(frame["step"]) == [1, 2, 3]
    assert list(frame["learning_rate"]) == pytest.approx([1e-2, 1e-2 * 2 / 3, 1e-2 / 3])
    assert {"loss", "gradient_norm", "tokens", "seconds"} <= set(frame)


def test_the_bar_shows_loss_and_tokens_a_second(capsys):
    fit(make_model(), make_batches(), num_steps=3)
    shown = capsys.readouterr().err
    assert "loss=" in shown and "tokens/s=" in shown and "3/3" in shown


# ---------------------------------------------------------------------------------------------------------------------
# It goes on.
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [3, 6, 18, NUM_STEPS])
def test_a_resumed_run_ends_bit_equal(tmp_path, uninterrupted, step):
    with pytest.raises(Interrupted):
        fit(make_model(), EndingAt(step, crash), **SETTINGS, checkpoint=tmp_path)
    found = latest(tmp_path)
    assert (int(found.name[5:]) if found else 0) == (step - 1) // 5 * 5
    torch.manual_seed(99)
    model = Transformer(vocab_size=16, d_model=16, num_layers=1, num_heads=2, d_ff=32)  # other weights, if resumed
    history = fit(model if found else make_model(), make_batches(), **SETTINGS, checkpoint=tmp_path)
    if found:
        assert equal(parameters(model), uninterrupted[0])
    assert [record["loss"] for record in history] == uninterrupted[1]
    assert [record["step"] for record in history] == list(range(1, NUM_STEPS + 1))


def test_a_finished_run_is_only_read(tmp_path, uninterrupted):
    fit(make_model(), make_batches(), **SETTINGS, checkpoint=tmp_path)
    model = make_model()
    fit(model, make_batches(), **SETTINGS, checkpoint=tmp_path)
    assert equal(parameters(model), uninterrupted[0])
    model = make_model()
    load_weights(model, tmp_path)
    assert equal(parameters(model), uninterrupted[0])


def test_killed_for_real_and_resumed_it_ends_bit_equal(tmp_path, uninterrupted):
    """kill -9, twice, at moments that nobody chose; every time at most the steps since the last checkpoint are lost."""
    folder = tmp_path / "checkpoints"
    reached = 0
    for enough in (5, 15):
        process = subprocess.Popen(command(folder, tmp_path / "never", "0.05"), cwd=ROOT)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            found = latest(folder)
            if found and int(found.name[5:]) >= enough:
                break
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert process.returncode == -signal.SIGKILL or os.name == "nt"
        assert int(latest(folder).name[5:]) >= max(reached, enough)
        reached = int(latest(folder).name[5:])
    model = make_model()
    fit(model, make_batches(), **SETTINGS, checkpoint=folder)
    assert equal(parameters(model), uninterrupted[0])


def test_stopping_leaves_a_usable_model_and_the_run_goes_on(tmp_path, uninterrupted, capsys):
    model = make_model()
    interrupt = EndingAt(8, lambda: os.kill(os.getpid(), signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    history = fit(model, interrupt, **SETTINGS, checkpoint=tmp_path)
    assert signal.getsignal(signal.SIGINT) is before
    assert history.stopped and len(history) == 8 and not model.training
    assert latest(tmp_path).name == "step-00000008"
    source, inputs, _ = next(iter(make_batches()))
    assert model(source, inputs).isfinite().all()
    assert "8 of 24" in capsys.readouterr().out
    model = make_model()
    history = fit(model, make_batches(), **SETTINGS, checkpoint=tmp_path)
    assert not history.stopped
    assert equal(parameters(model), uninterrupted[0])


LAUNCHERS = {
    "torchrun": "torch.distributed.run --nproc-per-node=2 --master-addr=127.0.0.1 --master-port={port}",
    "accelerate launch": (  # its --cpu starts a single process; the processes of --multi_gpu learn on the CPU where told
        "accelerate.commands.launch --multi_gpu --num_processes=2 --num_machines=1 --mixed_precision=no "
        "--dynamo_backend=no --main_process_port={port}"
    ),
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_learn_what_one_does(tmp_path, launcher):
    two = tmp_path / "two.safetensors"
    port = 20000 + os.getpid() % 20000
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    launch = [sys.executable, "-m", *LAUNCHERS[launcher].format(port=port).split()]
    subprocess.run(
        [*launch, "-m", "tests.unit.training.runs", "none", str(two), "0", "0"],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=300,
    )
    history = fit(make_model(dropout=0.0), make_batches(), **SETTINGS)
    saved = load_file(two)
    assert saved["processes"] == 2
    one, two = [record["loss"] for record in history], saved["losses"].tolist()
    assert two[:3] == pytest.approx(one[:3], rel=1e-5)
    assert two == pytest.approx(one, rel=2e-3)  # where Muon works in bfloat16, it makes differences larger


# ---------------------------------------------------------------------------------------------------------------------
# It runs what is around a model.
# ---------------------------------------------------------------------------------------------------------------------


class Counted:
    """A backend of `torch.compile` that counts its graphs and how often they run."""

    def __init__(self):
        self.graphs = self.runs = 0

    def __call__(self, graph, inputs):
        self.graphs += 1

        def run(*arguments):
            self.runs += 1
            return graph(*arguments)

        return run


def compiled(model, backend):
    return torch.compile(model, backend=backend)


def compiled_in_place(model, backend):
    model.compile(backend=backend)
    return model


@pytest.mark.parametrize("compiling", [compiled, compiled_in_place])
@pytest.mark.parametrize("name", ONE_BATCH)
def test_a_compiled_model_runs_compiled(name, compiling):
    make, batch = ONE_BATCH[name]
    losses, backend = [], Counted()
    for around in (lambda model: model, lambda model: compiling(model, backend)):
        torch._dynamo.reset()
        torch.manual_seed(0)
        history = fit(around(make()), [batch], num_steps=4, precision="float32", progress=False)
        losses.append([record["loss"] for record in history])
    assert backend.graphs == 1 and backend.runs == 4  # the whole model, compiled once, in every step
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_hooks_and_a_forward_of_ones_own_are_heeded():
    make, batch = ONE_BATCH["LanguageModel"]
    calls = []

    class Louder(LanguageModel):
        def forward(self, ids):
            calls.append("forward")
            return 2 * super().forward(ids)

    hooked, replaced = make(), make()
    hooked.register_forward_hook(lambda *told: calls.append("hook"))
    original = replaced.forward
    replaced.forward = lambda ids: calls.append("replaced") or original(ids)
    for model in (Louder(vocab_size=16, d_model=32, num_layers=1, num_heads=2), hooked, replaced):
        fit(model, [batch], num_steps=1, progress=False)
    assert calls == ["forward", "hook", "replaced"]


WRAPPERS = {
    "nothing": lambda model: model,
    "torch.compile": lambda model: torch.compile(model, backend="eager"),
    "DataParallel": torch.nn.DataParallel,
    "both": lambda model: torch.nn.DataParallel(torch.compile(model, backend="eager")),
    "Accelerate": lambda model: Accelerator().prepare_model(model),
}


@pytest.mark.parametrize("around", WRAPPERS)
def test_checkpoints_carry_the_models_own_names_and_resume_bit_equal(tmp_path, around):
    torch._dynamo.reset()
    make, batch = ONE_BATCH["Transformer"]
    settings = {**SETTINGS, "num_steps": 6, "checkpoint_every": 2}

    def trained(batches, **checkpoints):
        torch.manual_seed(0)
        model = make()
        history = fit(WRAPPERS[around](model), batches, **settings, **checkpoints)
        return parameters(model), [record["loss"] for record in history]

    def until_the_crash():
        yield from [batch] * 3
        crash()

    whole = trained([batch])
    with pytest.raises(Interrupted):
        trained(until_the_crash(), checkpoint=tmp_path)
    assert set(load_file(latest(tmp_path) / "model.safetensors")) <= set(make().state_dict())
    resumed = trained([batch], checkpoint=tmp_path)
    assert equal(resumed[0], whole[0]) and resumed[1] == whole[1]
    for other in WRAPPERS:
        model = make()
        load_weights(WRAPPERS[other](model), tmp_path)
        assert equal(parameters(model), whole[0]), other


@pytest.mark.parametrize("around", ["DataParallel", "Accelerate"])
def test_the_padding_of_a_wrapped_model_is_known(around):
    source, inputs, targets = next(iter(make_batches()))
    history = fit(WRAPPERS[around](make_model(dropout=0.0)), [(source, inputs, targets)], num_steps=1, progress=False)
    assert history[0]["tokens"] == (targets != 0).sum() < targets.numel()


# ---------------------------------------------------------------------------------------------------------------------
# It says what is wrong.
# ---------------------------------------------------------------------------------------------------------------------


def test_other_settings_other_batches_and_other_models_are_refused(tmp_path):
    with pytest.raises(Interrupted):
        fit(make_model(), EndingAt(8, crash), **SETTINGS, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match=r"learning_rate was 0\.004, now 0\.1"):
        fit(make_model(), make_batches(), **{**SETTINGS, "learning_rate": 0.1}, checkpoint=tmp_path)
    others = make_batches()
    others.seed = 1
    with pytest.raises(CheckpointError, match="batches are not those"):
        fit(make_model(), others, **SETTINGS, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match=r"target_embedding\.weight has shape \(16, 16\), expected \(17, 16\)"):
        fit(Transformer(17, 16, 1, 2, 32), make_batches(), **SETTINGS, checkpoint=tmp_path)
    (latest(tmp_path) / "training.safetensors").write_bytes(b"half of it")
    with pytest.raises(CheckpointError, match="cannot be read"):
        fit(make_model(), make_batches(), **SETTINGS, checkpoint=tmp_path)


def small(frozen):
    """A model of two blocks, of which parts do not learn."""
    torch.manual_seed(0)
    model = LanguageModel(vocab_size=16, d_model=16, num_layers=2, num_heads=2, dropout=0.0)
    for name in frozen:
        model.get_submodule(name).requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("then", "now", "tells", "words"),
    [
        ([], ["token_embedding"], True, "then and not now token_embedding"),
        (["token_embedding"], [], True, "now and not then token_embedding"),
        (["blocks.0"], ["blocks.1"], True, "then and not now blocks.1"),
        ([], ["token_embedding"], False, "unknown optimizer.0"),
        (["token_embedding"], [], False, "optimizer.0.0.exp_avg has shape"),
    ],
)
def test_other_weights_to_train_are_refused(tmp_path, then, now, tells, words):
    """An older checkpoint does not tell their names: there their count and shapes must be the same."""
    ids = torch.arange(3, 15).view(3, 4)
    settings = {"num_steps": 6, "checkpoint": tmp_path, "average": 0.9, "progress": False}
    fit(small(then), [(ids, ids)], watch=Watch(stop_after=4), **settings)
    file = latest(tmp_path) / "state.json"
    if not tells:
        state = json.loads(file.read_text())
        del state["trained"]
        file.write_text(json.dumps(state))
    model = small(now)
    before = parameters(model)
    with pytest.raises(CheckpointError, match=words):
        fit(model, [(ids, ids)], **settings)
    assert equal(parameters(model), before)
    assert len(fit(small(then), [(ids, ids)], **settings)) == 6


def test_a_weight_without_a_gradient_is_not_remembered_and_the_run_goes_on(tmp_path):
    model, ids = small([]), torch.arange(3, 15).view(3, 4)
    settings = {"num_steps": 4, "checkpoint": tmp_path, "progress": False}
    for stop in (2, None):
        model.spare = torch.nn.Linear(2, 2)
        assert len(fit(model, [(ids, ids)], watch=Watch(stop), **settings)) == (stop or 4)


def test_another_loss_is_refused(tmp_path):
    def loss(outputs, targets):
        return torch.nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="sum")

    class Loss:
        def __call__(self, outputs, targets):
            return loss(outputs, targets)

    ids = torch.arange(3, 15).view(3, 4)
    settings = {"num_steps": 4, "checkpoint": tmp_path, "progress": False}
    fit(small([]), [(ids, ids)], watch=Watch(stop_after=2), loss=loss, **settings)
    with pytest.raises(CheckpointError, match=r"loss was 'tests\..*<locals>\.loss', now None"):
        fit(small([]), [(ids, ids)], **settings)
    with pytest.raises(CheckpointError, match=r"loss was '.*<locals>\.loss', now '.*<locals>\.Loss'"):
        fit(small([]), [(ids, ids)], loss=Loss(), **settings)
    file = latest(tmp_path) / "state.json"
    state = json.loads(file.read_text())
    del state["settings"]["loss"]  # an older checkpoint
    file.write_text(json.dumps(state))
    assert len(fit(small([]), [(ids, ids)], loss=loss, **settings)) == 4
    with pytest.raises(TypeError, match=r"loss is 'mse'; expected a function"):
        fit(small([]), [(ids, ids)], loss="mse", progress=False)


def test_a_run_goes_on_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ids = torch.arange(3, 15).view(3, 4)
    for stop in (2, None):
        fit(small([]), [(ids, ids)], num_steps=4, checkpoint="~/runs", watch=Watch(stop), progress=False)
    assert latest(tmp_path / "runs").name == "step-00000004" and not (tmp_path / "~").exists()


def test_a_loss_that_is_not_finite_leaves_the_model_as_it_was():
    model = make_model()
    before = parameters(model)

    def loss(outputs, targets):
        return outputs.sum() * float("nan")

    with pytest.raises(FloatingPointError, match="step 1"):
        fit(model, make_batches(), num_steps=2, progress=False, loss=loss)
    assert equal(parameters(model), before)


def test_a_gradient_that_is_not_finite_leaves_the_model_as_it_was():
    model = make_model()
    before = parameters(model)

    def loss(outputs, targets):
        return (0 * outputs).sum().sqrt() + 1.0  # finite, and its slope at 0 is not

    with pytest.raises(FloatingPointError, match="step 1: the gradient's norm is nan"):
        fit(model, make_batches(), num_steps=2, progress=False, loss=loss)
    assert equal(parameters(model), before)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_the_callers_own_backward_left_has_no_say():
    fresh, used = make_model(0.0), make_model(0.0)
    source, inputs, _ = next(iter(make_batches()))
    used(source, inputs).square().sum().backward()
    for model in (fresh, used):
        fit(model, make_batches(), num_steps=2, progress=False)
    assert equal(parameters(used), parameters(fresh))


def test_an_evaluation_named_like_the_loss_does_not_replace_it():
    history = fit(make_model(), make_batches(), num_steps=2, progress=False, evaluate=lambda model: {"loss": 99})
    assert history[-1]["loss"] < 9 and history[-1]["evaluated_loss"] == 99
    with pytest.raises(TypeError, match="evaluate gave a NoneType; expected a dict"):
        fit(make_model(), make_batches(), num_steps=2, progress=False, evaluate=lambda model: None)


def test_numpys_numbers_are_settings_too(tmp_path):
    settings = {"num_steps": np.int64(4), "seed": np.int32(1), "pad_id": np.uint8(0), "learning_rate": np.float32(0.25)}
    fit(make_model(), make_batches(), **settings, checkpoint=tmp_path, progress=False)
    plain = {"num_steps": 4, "seed": 1, "pad_id": 0, "learning_rate": 0.25}
    assert len(fit(make_model(), make_batches(), **plain, checkpoint=tmp_path, progress=False)) == 4  # the same run


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_step(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    for folder in (file, file / "below"):
        model = make_model()
        before = parameters(model)
        with pytest.raises(CheckpointError, match="where nothing can be written"):
            fit(model, make_batches(), num_steps=2, checkpoint=folder, progress=False)
        assert equal(parameters(model), before)


def test_a_model_that_no_checkpoint_can_hold_is_refused_before_the_first_step(tmp_path):
    class Remembers(LanguageModel):
        def get_extra_state(self):
            return {"seen": 3}

    def no_batch():
        raise AssertionError("a step was taken")
        yield

    model = Remembers(vocab_size=16, d_model=32, num_layers=1, num_heads=2)
    with pytest.raises(CheckpointError, match="cannot hold the model's _extra_state"):
        fit(model, no_batch(), num_steps=2, checkpoint=tmp_path, progress=False)
    ids = torch.arange(8)[None]
    assert len(fit(model, [(ids, ids)], progress=False)) == 1  # without checkpoints it may learn


def test_two_runs_in_one_folder_do_not_meet(tmp_path):
    settings = {**SETTINGS, "num_steps": 4, "checkpoint_every": 1, "checkpoint": tmp_path}

    def second():
        with pytest.raises(CheckpointError, match="another run uses"):
            fit(make_model(), make_batches(), **settings)

    assert len(fit(make_model(), EndingAt(3, second), **settings)) == 4
    assert len(fit(make_model(), make_batches(), **settings)) == 4  # the folder is free again
    with pytest.raises(Interrupted):
        fit(make_model(), EndingAt(1, crash), **{**settings, "checkpoint": tmp_path / "other"})
    assert len(fit(make_model(), make_batches(), **{**settings, "checkpoint": tmp_path / "other"})) == 4


def test_a_checkpoint_without_what_the_run_needs_is_damaged(tmp_path):
    settings = {**SETTINGS, "num_steps": 4, "checkpoint_every": 2, "checkpoint": tmp_path}
    with pytest.raises(Interrupted):
        fit(make_model(), EndingAt(4, crash), **settings)
    file = latest(tmp_path) / "training.safetensors"
    whole = load_file(file)
    mean, memory = "trained.target_embedding.weight", "optimizer.0.0.exp_avg"
    shape = tuple(whole[memory].shape)
    without = {"random.0.cpu", mean, memory, "optimizer.1.0.momentum_buffer"}
    damages = [(f"missing {part}", {name: one for name, one in whole.items() if name != part}) for part in without]
    damages += [
        ("missing optimizer.0.0.exp_avg", {name: one for name, one in whole.items() if "optimizer.0.0." not in name}),
        (f"{mean} has shape (3,)", {**whole, mean: torch.zeros(3)}),
        (f"{memory} has shape (1, 1, 1), expected {shape}", {**whole, memory: torch.zeros(1, 1, 1)}),
        (f"{memory} has dtype torch.int64", {**whole, memory: torch.zeros(shape, dtype=torch.int64)}),
        ("unknown optimizer.0.999.exp_avg", {**whole, "optimizer.0.999.exp_avg": torch.zeros(2)}),
        ("random.0.cpu has shape (7,)", {**whole, "random.0.cpu": whole["random.0.cpu"][:7]}),
        ("mt19937", {**whole, "random.0.cpu": torch.zeros_like(whole["random.0.cpu"])}),
        ("must be a torch.ByteTensor", {**whole, "random.0.cpu": whole["random.0.cpu"].long()}),
    ]
    for words, tensors in damages:
        save_file(tensors, file)
        model = make_model()
        before = parameters(model)
        with pytest.raises(CheckpointError, match=rf"cannot be read .*{re.escape(words)}.*; remove the folder"):
            fit(model, make_batches(), **settings)
        assert equal(parameters(model), before), words
    save_file(whole, file)
    state = json.loads((latest(tmp_path) / "state.json").read_text())
    (latest(tmp_path) / "state.json").write_text(json.dumps({**state, "muon_bfloat16": []}))
    with pytest.raises(CheckpointError, match="cannot be read"):
        fit(make_model(), make_batches(), **settings)


def test_bytes_are_targets_too():
    model, ids = LanguageModel(256, 16, 1, 2), torch.arange(150, 158)[None]
    history = fit(model, [(ids, ids.byte())], progress=False)
    assert history[0]["tokens"] == 8  # 156 as well, which in 8 bits is -100


def test_targets_cut_out_of_a_table_are_a_batch_even_of_one_row():
    table = torch.tensor([[1, 0], [2, 1]])
    history = fit(
        torch.nn.Linear(3, 2), [(torch.ones(1, 3), table[row : row + 1, 1]) for row in (0, 1)], progress=False
    )
    assert len(history) == 2


def test_the_model_is_seen_and_left_where_it_was(monkeypatch):
    monkeypatch.setattr(Accelerator, "device", torch.device("cpu:0"))  # to PyTorch another name of the same device
    places = []

    class Model(LanguageModel):
        def to(self, device):
            places.append(str(device))
            return super().to(device)

    class Where(Watch):
        def step(self, record, model):
            assert places[-1] == "cpu"

    def evaluate(model):
        assert places[-1] == "cpu"
        return {}

    ids = torch.arange(8)[None]
    batches = [(ids, ids)] * 2
    fit(Model(10, 16, 1, 2), batches, watch=Where(), evaluate=evaluate, average=0.9, progress=False)
    assert places == ["cpu", "cpu:0", "cpu", "cpu:0", "cpu", "cpu:0", "cpu"]  # a look, an evaluation, a look, the end


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_steps": 0}, "num_steps is 0"),
        ({"num_steps": None}, "pass num_steps"),
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"label_smoothing": 1}, "label_smoothing is 1"),
        ({"warmup_steps": 5}, "warmup_steps is 5"),
        ({"warmup_steps": 2.5}, "warmup_steps is 2.5; expected a whole number"),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
        ({"seed": None}, "seed is None"),
        ({"pad_id": 0.5}, "pad_id is 0.5"),
        ({"decay": "step"}, "decay is 'step'"),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"clip": 0}, "clip is 0"),
        ({"checkpoint_every": 0}, "checkpoint_every is 0"),
    ],
)
def test_settings_without_sense(changes, message):
    with pytest.raises(ValueError, match=message):
        fit(make_model(), make_batches(), **{"num_steps": 5, "progress": False, **changes})


def test_batches_without_sense():
    source, inputs, targets = next(iter(make_batches()))
    for batches, error, message in [
        ([], ValueError, "ended after 0"),
        (iter([(source, inputs, targets)]), ValueError, "ended after 1"),
        ([source], TypeError, "expected \\(inputs"),
        ([(source, inputs[:1], targets)], ValueError, "as many in each"),
        ([(source, inputs, torch.zeros_like(targets))], ValueError, "every target is padding"),
        ([(source, inputs, targets[:, :-1])], ValueError, "expected .10, 5, d_model"),
    ]:
        with pytest.raises(error, match=message):
            fit(make_model(), batches, num_steps=2, progress=False)


def test_pairs_are_shifted_for_the_decoder():
    target = torch.tensor([[1, 5, 6, 2]])
    (batch,) = TeacherForced([(torch.tensor([[5, 6]]), target)])
    assert [part.tolist() for part in batch] == [[[5, 6]], [[1, 5, 6]], [[5, 6, 2]]]


class Watch:
    """Notes what it is shown, and wishes to stop after so many steps."""

    wish = "run"

    def __init__(self, stop_after=None):
        self.stop_after, self.seen = stop_after, []

    def begin(self, num_steps):
        self.seen.append(("begin", num_steps))

    def step(self, record, model):
        assert not model.training
        torch.rand(1)  # leaves no trace in the run
        self.seen.append(("step", record["step"]))
        if record["step"] == self.stop_after:
            self.wish = "stop"

    def end(self, history):
        self.seen.append(("end", len(history), history.stopped))


def test_a_watched_run_is_the_same_run():
    watch = Watch()
    alone, watched = make_model(), make_model()
    fit(alone, make_batches(), **SETTINGS)
    fit(watched, make_batches(), watch=watch, **SETTINGS)
    assert all(
        torch.equal(a, b) for a, b in zip(alone.state_dict().values(), watched.state_dict().values(), strict=True)
    )
    steps = [("step", step) for step in range(1, NUM_STEPS + 1)]
    assert watch.seen == [("begin", NUM_STEPS), *steps, ("end", NUM_STEPS, False)]


def test_who_watches_may_stop():
    watch = Watch(stop_after=4)
    history = fit(make_model(), make_batches(), watch=watch, **SETTINGS)
    assert len(history) == 4 and history.stopped
    assert watch.seen[-1] == ("end", 4, True)


class StopsAt(Watch):
    """Stops after each of some steps, in turn."""

    def __init__(self, *steps):
        super().__init__()
        self.steps = steps

    def step(self, record, model):
        self.wish = "stop" if record["step"] in self.steps else "run"
        super().step(record, model)


@pytest.mark.parametrize("average", [None, 0.9])
@pytest.mark.parametrize("once", [False, True])
def test_a_stopped_run_goes_on_as_if_there_had_been_no_stop(average, once):
    whole, parted = make_model(), make_model()
    settings = {**SETTINGS, "average": average}
    expected = fit(whole, make_batches(), **settings)
    assert expected.go_on is None
    watch = StopsAt(5, 6, 17)
    batches = (
        itertools.islice(make_batches(), NUM_STEPS) if once else make_batches()
    )  # of the former nothing comes again
    history = fit(parted, batches, watch=watch, **settings)
    for length in (5, 6, 17):
        assert (len(history), history.stopped) == (length, True)
        assert not parted.training
        stopped_at = parameters(parted)
        torch.rand(7)  # what the caller draws is no matter
        before = torch.get_rng_state()
        assert history.go_on() is history
        assert torch.equal(torch.get_rng_state(), before)
        assert not equal(parameters(parted), stopped_at)
    assert (history.stopped, history.go_on) == (False, None)
    assert [record["loss"] for record in history] == [record["loss"] for record in expected]
    assert equal(parameters(parted), parameters(whole))
    assert [record["seconds"] for record in history] == sorted(record["seconds"] for record in history)
    assert watch.seen[-1] == ("end", NUM_STEPS, False)


def test_a_run_with_checkpoints_goes_on_and_has_its_folder_for_itself(tmp_path, uninterrupted):
    model, watch = make_model(), StopsAt(5)
    history = fit(model, make_batches(), watch=watch, checkpoint=tmp_path, **SETTINGS)
    assert latest(tmp_path).name == "step-00000005"
    watch.steps, held = (), []

    def look(model):
        with pytest.raises(CheckpointError):
            fit(make_model(), make_batches(), checkpoint=tmp_path, **SETTINGS)
        held.append(True)

    watch.step = lambda record, model: look(model) if record["step"] == 6 else None
    watch.wish = "run"
    history.go_on()
    assert held == [True]
    assert latest(tmp_path).name == f"step-{NUM_STEPS:08}"
    assert equal(parameters(model), uninterrupted[0])


def test_a_run_that_failed_does_not_go_on():
    def broken():
        yield from itertools.islice(make_batches(), 3)
        raise OSError("the disk is gone")

    seen = []
    watch = Watch()
    watch.end = seen.append
    with pytest.raises(OSError, match="the disk is gone"):
        fit(make_model(), broken(), watch=watch, **SETTINGS)
    assert (seen[0].stopped, seen[0].go_on) == (True, None)


def test_a_copy_of_a_stopped_history_holds_no_model():
    history = fit(make_model(), make_batches(), watch=Watch(stop_after=2), **SETTINGS)
    for again in (pickle.loads(pickle.dumps(history)), copy.deepcopy(history)):
        assert (again, again.stopped, again.go_on) == (history, True, None)
    assert history.go_on is not None


def test_a_pause_is_spent_with_the_model_at_rest_and_leaves_no_trace(uninterrupted):
    class Pauses(Watch):
        rests = 0

        def step(self, record, model):
            self.wish = "pause" if record["step"] in (2, 9) else "run"

        def rest(self, model):
            assert not model.training
            torch.rand(3)
            self.rests += 1
            if self.rests % 3 == 0:
                self.wish = "run"

    model, watch = make_model(), Pauses()
    fit(model, make_batches(), watch=watch, **SETTINGS)
    assert watch.rests == 6
    assert equal(parameters(model), uninterrupted[0])


def test_who_watches_hears_of_a_run_that_failed():
    watch = Watch()

    def broken():
        yield from itertools.islice(make_batches(), 3)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        fit(make_model(), broken(), watch=watch, **SETTINGS)
    assert watch.seen[-1] == ("end", 3, True)


def test_the_loss_is_the_mean_over_the_targets_that_are_asked_for():
    torch.manual_seed(0)
    model = LanguageModel(20, 16, 1, 2).eval()
    ids, targets = torch.randint(20, (4, 8)), torch.randint(20, (4, 8))
    targets[torch.rand(4, 8) < 0.7] = -100
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(model(ids).flatten(0, 1), targets.flatten()).item()
    history = fit(model, [(ids, targets)], learning_rate=1e-3, precision="float32", progress=False)
    assert history[0]["loss"] == pytest.approx(expected, rel=1e-4)
    assert history[0]["tokens"] == int((targets != -100).sum())
    with pytest.raises(ValueError, match="every target is padding"):
        fit(model, [(ids, torch.full_like(targets, -100))], learning_rate=1e-3, precision="float32", progress=False)


def test_it_learns_where_gradients_are_switched_off():
    model, ids = LanguageModel(20, 16, 1, 2), torch.randint(20, (4, 8))
    with torch.no_grad():
        history = fit(model, [(ids, ids)] * 2, learning_rate=1e-2, precision="float32", progress=False)
        assert not torch.is_grad_enabled()
    with torch.inference_mode():
        history += fit(model, [(ids.numpy(), ids.numpy())], learning_rate=1e-2, precision="float32", progress=False)
    assert history[2]["loss"] < history[1]["loss"] < history[0]["loss"]

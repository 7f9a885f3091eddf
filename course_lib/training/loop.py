"""The training loop: the same call for every model, on a CPU, a GPU, or many processes.

    batch -> model -> loss -> gradients -> clipped -> optimizers -> averaged weights -> checkpoint

Every process goes through the same batches and takes its own rows of each: rows rank, rank + processes, … The loss is
the mean over all targets of the whole batch, so what is learnt does not depend on how many processes share the work.
"""

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_lib.checking import whole_number
from course_lib.models.checks import unwrapped
from course_lib.training import checkpoints
from course_lib.training.batches import Batch, as_tensors, fingerprint, over_and_over
from course_lib.training.history import History, Watch
from course_lib.training.memory import check_trained, like_memories, memories, remember, trained
from course_lib.training.objective import IGNORED, Objective, counting
from course_lib.training.optimizers import AveragedWeights, bfloat16_pays, learning_rate_share, make_optimizers
from course_lib.training.settings import check_unchanged, settings_of
from course_lib.training.surroundings import (
    Interruption,
    apart,
    freed_memory_returned,
    in_main_process,
    random_state,
    restore_random_state,
)

PAUSE_SECONDS = 0.05  # between two looks at whether a pause is over

TEXTS = {
    "training": "Training",
    "stopped": "Stopped after {step} of {num_steps} steps; the model is as it was after the last of them.",
    "no target": "step {step}: every target is padding ({pad_id}) or -100; expected at least one that counts",
    "ended": "batches ended after {step} steps; num_steps is {num_steps}",
    "diverged": "step {step}: the {name} is {value}; the model is as before. Try a lower learning rate or more warm-up",
    "evaluate": "evaluate gave a {kind}; expected a dict of numbers",
    "data": "the batches are not those that the run in {folder} has seen; pass the same ones, from their beginning",
    "optimizers": "it tells of {found} optimizers, and now there are {now}",
    "nothing": "the model has no parameters to train",
}


@freed_memory_returned()
def fit(
    model: nn.Module,
    batches: Iterable[Batch],
    *,
    num_steps: int | None = None,
    learning_rate: float = 1e-3,
    muon_learning_rate: float | None = None,
    weight_decay: float = 0.0,
    warmup_steps: int = 0,
    decay: str = "linear",
    label_smoothing: float = 0.0,
    clip: float | None = 1.0,
    average: float | None = None,
    precision: str = "auto",
    pad_id: int | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    evaluate_every: int | None = None,
    checkpoint: Path | str | None = None,
    checkpoint_every: int = 100,
    seed: int = 0,
    progress: bool = True,
    watch: Watch | None = None,
) -> History:
    """Train a model in place; afterwards it is in eval mode.

    It learns on the device that Accelerate finds. `evaluate` and `watch` see it where it was, and there it is afterwards.

    Stopping (the notebook's square, or Ctrl-C) ends after the step under way, and the model is usable; `history.go_on()`
    goes on. With a folder of checkpoints the same call goes on from there, in another process too, and after a crash from the
    last checkpoint. Either way it ends with the very same weights, to the bit, as a run that was never interrupted, on the
    same machine with as many threads.

    Args:
        model: compiled or wrapped as you like; called with all of a batch but its last tensor, it returns logits
            (..., classes).
        batches: of (inputs, …, targets), with as many rows in each, targets whole numbers. They are gone through again
            where they end too early. To resume, they must be the same again: they have a seed of their own and owe
            nothing to the state of torch's generator.
        num_steps: batches to learn from; None: as many as len(batches).
        learning_rate: of AdamW, at its highest.
        muon_learning_rate: of Muon, which then trains the matrices, and AdamW the rest; None: AdamW for all.
        weight_decay: of matrices and tables, decoupled.
        warmup_steps: steps in which the learning rates grow to their highest.
        decay: how they fall afterwards, "linear", "cosine", "inverse_sqrt" or "constant".
        label_smoothing: this share of each target is spread over all classes.
        clip: the gradient's largest norm; None: any.
        average: decay of a running mean of the weights, such as 0.999, which evaluation sees and the model ends with.
        precision: "float32", "bfloat16" (autocast; weights stay float32), or "auto": measured, see `bfloat16_pays`.
        pad_id: targets that do not count; None: the model's own pad_id, where it has one. Nor does -100, ever.
        loss: function (outputs, targets) -> the sum of losses over the targets that count; None: cross-entropy.
        evaluate: function model -> dict of numbers, called with the model in eval mode.
        evaluate_every: steps between evaluations; None: only after the last.
        checkpoint: folder; None: none are written.
        checkpoint_every: steps between checkpoints: what a crash can cost.
        seed: for dropout. The caller's random numbers are left as they were.
        progress: whether to show a bar with loss, tokens a second and time left.
        watch: a `Watch`, such as `widgets.TrainingMonitor`: it is told of each step, and may pause or stop the run. In
            several processes, which can't stop each at its own step, the main one shows itself, and no wish is heeded.

    Returns:
        `History`.

    Raises:
        ValueError, TypeError: settings or batches that make no sense.
        CheckpointError: the checkpoint is damaged, or of another model, other settings or other batches; its folder
            can't be written to, or another run uses it; or the model has what no checkpoint can hold.
        FloatingPointError: the loss or its gradient is not finite.
    """
    settings = settings_of(
        model,
        batches,
        num_steps=num_steps,
        learning_rate=learning_rate,
        muon_learning_rate=muon_learning_rate,
        weight_decay=weight_decay,
        warmup_steps=warmup_steps,
        decay=decay,
        label_smoothing=label_smoothing,
        clip=clip,
        average=average,
        precision=precision,
        pad_id=pad_id,
        loss=loss,
        seed=seed,
    )
    checkpoint_every = whole_number("checkpoint_every", checkpoint_every, 1)
    if evaluate_every is not None:
        evaluate_every = whole_number("evaluate_every", evaluate_every, 1)
    if checkpoint is not None:
        checkpoint = checkpoints.check_folder(checkpoint)
        checkpoints.check_model(model)
    accelerator = Accelerator(mixed_precision="no")  # `_Run` casts by itself, and leaves the model's forward alone
    with apart(accelerator, checkpoint):
        torch.manual_seed(settings["seed"] + accelerator.process_index)
        run = _Run(accelerator, model, settings, loss, checkpoint)
        newest = None if checkpoint is None else checkpoints.latest(checkpoint)
        run.carry_out(newest, run.from_here(batches), evaluate, evaluate_every, checkpoint_every, progress, watch)
    return run.history


class _Run:
    """One run: what changes from step to step, and what a checkpoint must hold."""

    def __init__(self, accelerator, model, settings, loss, folder):
        self.accelerator, self.model, self.settings, self.folder = accelerator, model, settings, folder
        self.home = next((parameter.device for parameter in model.parameters()), accelerator.device)
        model.zero_grad()  # what the caller's own backward left would be added to the first step's gradient
        objective = Objective(model, loss, settings["label_smoothing"], settings["pad_id"])
        self.prepared = accelerator.prepare_model(objective)
        rates = settings["learning_rate"], settings["muon_learning_rate"], settings["weight_decay"]
        (pays,) = broadcast_object_list([bfloat16_pays(accelerator.device.type)])  # the main process's answer
        self.bfloat16 = pays if settings["precision"] == "auto" else settings["precision"] == "bfloat16"
        self.optimizers = make_optimizers(model, *rates, muon_bfloat16=pays)
        if not self.optimizers:
            raise ValueError(TEXTS["nothing"])
        self.rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        self.average = None if settings["average"] is None else AveragedWeights(unwrapped(model), settings["average"])
        self.step, self.history = 0, History()
        self.fingerprint: int | None = None
        self.saved_step: int | None = None

    def carry_out(self, newest, *how):
        """Train, from the newest checkpoint on, and leave the model as whoever called wants it."""
        try:
            if newest is not None:
                self.resume(newest)
            self.train(*how)
        finally:
            if self.average is not None:
                self.average.swap()
            self.model.eval().to(self.home)

    @freed_memory_returned()
    def go_on(self, random, *how):
        """Go on after a stop as if there had been none: the random numbers, batches and means are those of then."""
        device = self.accelerator.device
        with apart(self.accelerator, self.folder):
            restore_random_state(random, device)
            self.model.to(device)
            if self.average is not None:
                self.average.swap()
            self.carry_out(None, *how)
        return self.history

    @torch.inference_mode(False)  # tensors of that mode can't be learnt from
    def train(self, source, evaluate, evaluate_every, checkpoint_every, progress, watch):
        self.history.go_on = None
        watch = watch if self.accelerator.is_main_process else None
        if watch is not None:
            watch.begin(self.settings["num_steps"])
        try:
            self._take_steps(source, evaluate, evaluate_every, checkpoint_every, progress, watch)
        finally:
            self.history.stopped = self.step < self.settings["num_steps"]
            if watch is not None:  # whatever ended the run, it has ended
                watch.end(self.history)

    def _take_steps(self, source, evaluate, evaluate_every, checkpoint_every, progress, watch):
        num_steps = self.settings["num_steps"]
        start = time.perf_counter() - (self.history[-1]["seconds"] if self.history else 0.0)
        hidden = not (progress and self.accelerator.is_main_process)
        bar = tqdm(total=num_steps, initial=self.step, desc=TEXTS["training"], unit="step", disable=hidden)
        tokens, begun = 0, time.perf_counter()
        with bar, Interruption(self.accelerator.num_processes) as interruption:
            while self.step < num_steps and not interruption.asked:
                batch = next(source, None)
                if batch is None:
                    raise ValueError(TEXTS["ended"].format(step=self.step, num_steps=num_steps))
                record = self._learn(batch)
                record["seconds"] = time.perf_counter() - start
                self.history.append(record)
                tokens += record["tokens"]
                rate = tokens / (time.perf_counter() - begun)
                bar.set_postfix({"loss": f"{record['loss']:.3f}", "tokens/s": f"{rate:,.0f}"}, refresh=False)
                bar.update()
                is_last = self.step == num_steps
                if evaluate is not None and (is_last or (evaluate_every and self.step % evaluate_every == 0)):
                    for name, value in self._evaluate(evaluate).items():
                        record[f"evaluated_{name}" if name in record else name] = value
                if self.folder is not None and (is_last or self.step % checkpoint_every == 0):
                    self.save()
                if watch is not None:
                    self._show(watch, record, interruption)
        if interruption.asked and self.step < num_steps:
            if self.folder is not None and self.step and self.saved_step != self.step:
                self.save()
            tqdm.write(TEXTS["stopped"].format(step=self.step, num_steps=num_steps))
            how = source, evaluate, evaluate_every, checkpoint_every, progress, watch
            self.history.go_on = functools.partial(self.go_on, random_state(self.accelerator.device), *how)

    def _show(self, watch, record, interruption):
        """Let somebody look at the model in evaluation mode, without a trace in the run, and heed their wish."""
        with self._at_rest():
            watch.step(record, self.model)
            if self.accelerator.num_processes == 1:
                rest = getattr(watch, "rest", None)
                while watch.wish == "pause" and not interruption.asked:
                    if rest is not None:
                        rest(self.model)
                    time.sleep(PAUSE_SECONDS)
                interruption.asked = interruption.asked or watch.wish == "stop"

    @torch.enable_grad()  # even where a notebook has switched gradients off to look at a model
    def _learn(self, batch):
        """Take one step; returns its record."""
        pad_id = self.settings["pad_id"]
        count = int(counting(batch[-1], pad_id).sum())
        if count == 0:
            raise ValueError(TEXTS["no target"].format(step=self.step + 1, pad_id=pad_id))
        rows = self._own_rows(batch)
        self.prepared.train()
        with torch.autocast(self.accelerator.device.type, dtype=torch.bfloat16, enabled=self.bfloat16):
            total = self.prepared(*rows)
        mean = self.accelerator.reduce(total.detach().float(), "sum").item() / count
        if not math.isfinite(mean):
            raise FloatingPointError(TEXTS["diverged"].format(step=self.step + 1, name="loss", value=mean))
        processes = self.accelerator.num_processes  # over which gradients are averaged
        self.accelerator.backward(total * (processes / count))
        limit = math.inf if self.settings["clip"] is None else self.settings["clip"]
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit).item()
        if not math.isfinite(norm):  # a finite loss may have such a gradient, and one step would make all weights NaN
            self.model.zero_grad()
            raise FloatingPointError(TEXTS["diverged"].format(step=self.step + 1, name="gradient's norm", value=norm))
        share = learning_rate_share(self.step, *(self.settings[key] for key in ("num_steps", "warmup_steps", "decay")))
        for optimizer, rates in zip(self.optimizers, self.rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * share
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self.fingerprint = fingerprint(batch)
        if self.average is not None:
            self.average.update(self.step)
        rate = self.settings["learning_rate"] * share
        return {"step": self.step, "loss": mean, "learning_rate": rate, "gradient_norm": norm, "tokens": count}

    def _own_rows(self, batch):
        """The rows of this process, on its device; one without weight where there are fewer rows than processes."""
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        device = self.accelerator.device
        if rank < len(batch[-1]):
            return [tensor[rank::processes].to(device) for tensor in batch]
        nothing = torch.full_like(batch[-1][:1], IGNORED, device=device)
        return [*(tensor[:1].to(device) for tensor in batch[:-1]), nothing]

    def _evaluate(self, evaluate):
        """Call the caller's function with the weights that the model would end with, and leave no trace in the run."""
        if self.average is not None:
            self.average.swap()
        try:
            with self._at_rest():
                found = evaluate(self.model)
            if not isinstance(found, dict):
                raise TypeError(TEXTS["evaluate"].format(kind=type(found).__name__))
            return {name: float(value) for name, value in found.items()}
        finally:
            if self.average is not None:
                self.average.swap()

    @contextlib.contextmanager
    def _at_rest(self):
        """The model in evaluation mode and on the caller's device; then the run goes on as if nobody had looked."""
        device = self.accelerator.device
        state = random_state(device)
        self.model.eval().to(self.home)
        try:
            yield
        finally:
            self.model.to(device)
            restore_random_state(state, device)

    def from_here(self, batches):
        """Batches from where the run is, checked and as tensors; the last one seen must be the one that was seen."""
        for number, batch in enumerate(over_and_over(batches), start=1):
            if number > self.step:
                yield as_tensors(batch)
            elif number == self.step and fingerprint(as_tensors(batch)) != self.fingerprint:
                raise checkpoints.CheckpointError(TEXTS["data"].format(folder=self.folder))

    def save(self):
        """Write a checkpoint: the main process writes, the others wait."""
        device = self.accelerator.device
        states = gather_object([{name: state.cpu() for name, state in random_state(device).items()}])
        tensors, state = {}, {}
        if self.accelerator.is_main_process:
            tensors = {f"random.{rank}.{name}": state for rank, one in enumerate(states) for name, state in one.items()}
            if self.average is not None:  # the model's file holds what a reader wants, the mean; the rest goes here
                self.average.swap()
                tensors |= {f"trained.{name}": tensor for name, tensor in self.average.average.items()}
            tensors |= memories(self.optimizers)
            state = {
                "settings": self.settings,
                "trained": trained(self.model, self.optimizers),
                "bfloat16": self.bfloat16,
                "muon_bfloat16": [getattr(optimizer, "bfloat16", None) for optimizer in self.optimizers],
                "processes": self.accelerator.num_processes,
                "last_batch": self.fingerprint,
                "history": [checkpoints.finite(record) for record in self.history],
            }
        try:
            in_main_process(self.accelerator, checkpoints.save, self.folder, self.step, self.model, tensors, state)
        finally:
            if self.average is not None and self.accelerator.is_main_process:
                self.average.swap()
        self.saved_step = self.step

    def resume(self, path):
        """Go back to a checkpoint, if all of it fits; else nothing has changed."""
        tensors, state = checkpoints.read(path)
        before, now = state["processes"], self.accelerator.num_processes
        check_unchanged(self.folder, {**state["settings"], "processes": before}, {**self.settings, "processes": now})
        check_trained(self.folder, state.get("trained"), trained(self.model, self.optimizers))
        weights = checkpoints.fitting_weights(self.model, path)
        with checkpoints.reading(path / checkpoints.TRAINING):
            self._check_memory(tensors, state)
            own = f"random.{self.accelerator.process_index}."
            states = {name.removeprefix(own): one for name, one in tensors.items() if name.startswith(own)}
            restore_random_state(states, self.accelerator.device)  # the last that may refuse what it gets
        checkpoints.put_weights(self.model, weights)
        self._remember(tensors, state)

    def _check_memory(self, tensors, state):
        """Compare what a checkpoint holds besides the weights with what there must be."""
        expected = like_memories(self.optimizers, state.get("trained"), tensors)
        if self.average is not None:
            expected |= {f"trained.{name}": average for name, average in self.average.average.items()}
        generators = random_state(self.accelerator.device).items()  # there, it may have been another device's besides
        expected |= {f"random.{rank}.{name}": one for rank in range(state["processes"]) for name, one in generators}
        found = {name: one for name, one in tensors.items() if name in expected or not name.startswith("random.")}
        checkpoints.check_alike(found, expected)
        if len(state["muon_bfloat16"]) != len(self.optimizers):
            raise ValueError(TEXTS["optimizers"].format(found=len(state["muon_bfloat16"]), now=len(self.optimizers)))

    def _remember(self, tensors, state):
        """Be where a checkpoint was written; the model's weights are there already."""
        remember(self.optimizers, tensors, state["muon_bfloat16"])
        if self.average is not None:
            for name, average in self.average.average.items():
                average.copy_(tensors[f"trained.{name}"])
            self.average.swap()
        self.step = self.saved_step = state["step"]
        self.bfloat16, self.fingerprint = state["bfloat16"], state["last_batch"]
        self.history = History(state["history"])

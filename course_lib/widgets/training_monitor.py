"""TrainingMonitor: watch a model learn, try it while it does, pause it, stop it, and go on.

`fit(…, watch=monitor)` tells it about every step; it tells the page a few times a second. What is pressed on the page comes
back while the cell runs, since JupyterLab hands a widget's messages to a thread of their own, once it has had one. Where it
had none before the cell began, the page interrupts the kernel in place of a stop, which `fit` understands as well.

The model is asked for words only while nobody trains it: by `fit` between two steps and in a pause, else by the page's thread.
"""

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets
from jaxtyping import Float

from course_lib.checking import Array, check_function, describe, read_array, real_number, strings
from course_lib.colours import PALETTE
from course_lib.widgets.base import View, Widget, WrongAnswer, checked_title, explain, name_of
from course_lib.widgets.goals import Goal, pursue
from course_lib.widgets.own_text import in_short
from course_lib.widgets.page import page_module
from course_lib.widgets.training_words import Words

if TYPE_CHECKING:
    from torch import nn

    from course_lib.plots import Picture
    from course_lib.training import History

MAX_POINTS = 600  # of the curve on the page
MAX_TOKENS = 64
EXAMPLE_SECONDS = 1.0
OWN = ("step", "loss", "learning_rate", "gradient_norm", "tokens", "seconds")

_monitors: "weakref.WeakValueDictionary[str, TrainingMonitor]" = weakref.WeakValueDictionary()  # by their control's id

TEXTS = {
    "example": "model -> (weights, queries, keys)",
    "answer": "{name} must return (weights, queries, keys): {problem}",
    "triple": "got {got}",
    "no run": "there is no stopped run to go on with",
    "alternative": "Step {step} of {num_steps}: loss {loss:.3f}.{metrics}",
    "metric": " {name}: {value:.4g}.",
    "nothing": "Nothing yet: pass the monitor to fit(…, watch=monitor).",
    "step": "step",
    "loss": "loss",
}


class TrainingMonitorView(View):
    """What the page and Python tell each other."""

    _esm, _css = page_module("training_monitor")

    title = traitlets.Unicode().tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    points = traitlets.Bytes().tag(sync=True)  # float32: step, loss, step, loss, …
    metrics = traitlets.List().tag(sync=True)  # [{"step": 100, "accuracy": 0.5}, …]
    labels = traitlets.List().tag(sync=True)  # [queries, keys] of the example
    weights = traitlets.Bytes().tag(sync=True)  # float32, row by row
    error = traitlets.Unicode().tag(sync=True)
    goes_on = traitlets.Bool(False).tag(sync=True)  # whether there is a stopped run to go on with
    written = traitlets.List().tag(sync=True)  # [[step, what the model wrote], …]
    text_most = traitlets.Int(0).tag(sync=True)  # characters that fit into the box for one's own text; 0: there is none
    tried = traitlets.Dict({"text": "", "answer": "", "error": ""}).tag(sync=True)  # the latest text that was tried
    # Wishes come by a widget of their own, never displayed: one that Python writes to from a running cell would have its
    # messages wait for that cell. Its value is "<run> <wish>", with a wish of "run", "pause" or "stop".
    control = traitlets.Instance(ipywidgets.Text).tag(sync=True, **ipywidgets.widget_serialization)
    typed = traitlets.Instance(ipywidgets.Text).tag(sync=True, **ipywidgets.widget_serialization)  # one's own text


class TrainingMonitor(Widget):
    """The loss as it falls, what evaluation finds, the attention of one example as it forms, and what the model writes.

    Display it, then pass it to `fit`. It can watch one run after another. Its buttons pause a run, stop it, and go on with it.

    Args:
        example: function model -> (weights, queries, keys): what to draw of the model, called about once a second with the
            model in eval mode; weights are numbers (queries, keys), the others their strings. None: only curves.
        writes: function model -> text: what the model writes, shown with the step, after evaluations where there are any, and
            no more often than a tenth of the time allows.
        try_it: function (model, text) -> text: with it the page has a box for one's own text, such as a date to translate or
            words to go on from, answered between two steps, in a pause, and afterwards.
        every: seconds between two messages to the page, 0.05 to 10.
        title: heading; None shows none.
        goal: what to reach by hand; see `Goal`.

    Raises:
        ValueError, TypeError: arguments that make no sense.

    Example:
        >>> monitor = TrainingMonitor()
        >>> history = fit(model, batches, num_steps=200, watch=monitor)  # doctest: +SKIP
    """

    def __init__(
        self,
        example: "Callable[[nn.Module], tuple[Array, Sequence[str], Sequence[str]]] | None" = None,
        *,
        writes: "Callable[[nn.Module], str] | None" = None,
        try_it: "Callable[[nn.Module, str], str] | None" = None,
        every: float = 0.2,
        title: str | None = None,
        goal: Goal | None = None,
    ) -> None:
        self._example: Any = None if example is None else check_function("example", example, TEXTS["example"])
        self._every = real_number("every", every, least=0.05, most=10)
        self._records, self._weights = [], None
        self._run = 0
        self._model: Any = None
        self._history: Any = None
        self._is_resuming = False
        self._at_model = threading.RLock()  # held while a run begins or ends, and while the model is asked without one
        self.view = TrainingMonitorView(
            title=checked_title(title),
            status={"state": "waiting", "run": 0},
            control=ipywidgets.Text(value=""),
            typed=ipywidgets.Text(value=""),
        )
        self._errors = {}
        self._words = Words(self.view, writes, try_it, lambda error: self._note_error("writes", error))
        self.view.typed.observe(self._text_came, "value")
        _monitors[self.view.control.model_id] = self
        pursue(goal, self)

    @property
    def wish(self) -> str:
        """str: what the page wants of this run, "run", "pause" or "stop"; `fit` heeds it after each step."""
        run, _, wish = self.view.control.value.partition(" ")
        return wish if run == str(self._run) else "run"

    # --- what fit calls ---

    def begin(self, num_steps: int) -> None:
        """Start watching a run of so many steps, or the rest of one."""
        with self._at_model, self.view.hold_sync():
            if not self._is_resuming:
                self._records, self._errors = [], {}
                self.view.error, self.view.metrics = "", []
            self._words.begin(self._is_resuming)
            self._num_steps, self._history = num_steps, None
            self._run += 1
            self._sent = self._looked = -np.inf
            self._clock = time.perf_counter()
            self._paused, self._before = None, len(self._records)
            self._earlier = self.view.status.get("seconds", 0.0) if self._is_resuming else 0.0  # before the stop
            step = self._records[-1]["step"] if self._records else 0
            self.view.goes_on = False
            self.view.status = {"state": "running", "run": self._run, "step": step, "num_steps": num_steps}

    def step(self, record: dict[str, float], model: "nn.Module") -> None:
        """Show a step, if the page has had time to draw the ones before."""
        now = time.perf_counter()
        if self._paused is not None:
            self._clock += now - self._paused  # a pause is no time of training
            self._paused, self._sent = None, -np.inf
        self._records.append(record)
        self._model = model
        is_last = record["step"] == self._num_steps
        if self._example is not None and (is_last or now - self._looked >= EXAMPLE_SECONDS):
            self._look(model)
            self._looked = time.perf_counter()
        self._words.after_step(record, model, _is_evaluated(record), is_last)
        if self.wish == "pause":
            self._paused = time.perf_counter()
            self._send("paused")
        elif is_last or now - self._sent >= self._every:
            self._send("running")
            self._sent = time.perf_counter()

    def rest(self, model: "nn.Module") -> None:
        """Answer in a pause, too."""
        self._words.answer(model)

    def end(self, history: "History") -> None:
        """Show how the run ended."""
        with self._at_model:
            self._history = history
            self.view.goes_on = history.go_on is not None
            self._send("stopped" if history.stopped else "done")
            self._words.answer(self._model)

    # --- going on after a stop ---

    def resume(self) -> "History":
        """Go on with the run that was stopped, in place, to its end or the next stop.

        Returns:
            its `History`, the same list as before, which has grown.

        Raises:
            RuntimeError: no run was stopped, or it is at its end.
        """
        go_on = None if self._history is None else self._history.go_on
        if go_on is None:
            raise RuntimeError(TEXTS["no run"])
        self._is_resuming = True
        try:
            return go_on()
        finally:
            self._is_resuming = False

    # --- what can be read back ---

    @property
    def records(self) -> list[dict[str, float]]:
        """list of dicts: the steps seen so far, as in `History`."""
        return list(self._records)

    @property
    def state(self) -> str:
        """str: "waiting", "running", "paused", "stopped" or "done"."""
        return self.view.status["state"]

    @property
    def weights(self) -> Float[np.ndarray, "queries keys"] | None:
        """(queries, keys) float64: the example's attention when it was last looked at; None before."""
        return None if self._weights is None else self._weights.copy()

    @property
    def written(self) -> list[tuple[int, str]]:
        """list of (step, text): what the model wrote as training went on."""
        return [(step, text) for step, text in self.view.written]

    @property
    def tried(self) -> dict[str, str]:
        """dict: the "text" that was typed last and tried, the model's "answer", or the "error" that came instead."""
        return dict(self.view.tried)

    @property
    def error(self) -> str:
        """str: what is wrong with the functions `example` and `writes`; empty while they work."""
        return self.view.error

    # --- to the page ---

    def _text_came(self, change):
        """Answer at once where no run is under way; during one, `fit` comes by."""
        with self._at_model:
            if self.state not in ("running", "paused"):
                self._words.answer(self._model)

    def _note_error(self, name, error):
        self._errors[name] = error
        self.view.error = "\n".join(filter(None, self._errors.values()))

    def _look(self, model):
        try:
            self._weights, queries, keys = self._checked_example(self._example(model))
        except WrongAnswer as problem:
            self._note_error("example", str(problem))
            return
        except Exception as problem:  # a picture that fails must not cost a half-trained model
            self._note_error("example", explain(problem, name_of(self._example)))
            return
        with self.view.hold_sync():
            self._note_error("example", "")
            self.view.labels = [queries, keys]
            self.view.weights = self._weights.astype("<f4").tobytes()

    def _checked_example(self, answer):
        try:
            if not isinstance(answer, (tuple, list)) or len(answer) != 3:
                raise ValueError(TEXTS["triple"].format(got=describe(answer)))
            weights, queries, keys = answer
            queries = strings("queries", queries, 1, MAX_TOKENS)
            keys = strings("keys", keys, 1, MAX_TOKENS)
            sizes = {"queries": len(queries), "keys": len(keys)}
            return read_array("weights", weights, "queries keys", **sizes), queries, keys
        except (TypeError, ValueError) as problem:
            raise WrongAnswer(TEXTS["answer"].format(name=name_of(self._example), problem=problem)) from None

    def _send(self, state):
        if not self._records:
            self.view.status = {**self.view.status, "state": state}
            return
        own = self._records[self._before :]  # not those from before a stop
        steps = np.array([record["step"] for record in self._records], dtype="<f4")
        losses = np.array([record["loss"] for record in self._records], dtype="<f4")
        if len(steps) > MAX_POINTS:  # means of neighbours, so that the curve keeps its course
            groups = np.array_split(np.arange(len(steps)), MAX_POINTS)
            steps = np.array([steps[group].mean() for group in groups], dtype="<f4")
            losses = np.array([losses[group].mean() for group in groups], dtype="<f4")
        last = self._records[-1]
        seconds = time.perf_counter() - self._clock
        rate = sum(record["tokens"] for record in own) / max(seconds, 1e-9)
        left = (self._num_steps - last["step"]) * seconds / max(len(own), 1)
        with self.view.hold_sync():
            self.view.points = np.stack([steps, losses], axis=1).tobytes()
            self.view.metrics = self._metrics()
            self.view.status = {
                "state": state,
                "run": self._run,
                "step": last["step"],
                "num_steps": self._num_steps,
                "loss": last["loss"],
                "learning_rate": last["learning_rate"],
                "rate": rate,
                "seconds": self._earlier + seconds,
                "left": left,
            }

    def _metrics(self):
        """What evaluation found: the records' other numbers."""
        found = []
        for record in self._records:
            if _is_evaluated(record):
                found.append({"step": record["step"], **{n: value for n, value in record.items() if n not in OWN}})
        return found[-MAX_POINTS:]

    def text_alternative(self) -> str:
        if not self._records:
            return TEXTS["nothing"]
        last, metrics = self._records[-1], self._metrics()
        words = "".join(
            TEXTS["metric"].format(name=name, value=value)
            for name, value in (metrics[-1].items() if metrics else ())
            if name != "step"
        )
        return TEXTS["alternative"].format(
            step=last["step"], num_steps=self._num_steps, loss=last["loss"], metrics=words
        )

    def still(self) -> "Picture":
        from course_lib import plots

        if not self._records:
            figure = self._picture(5.2, 1.2)
            ax = figure.subplots()
            ax.set(xticks=[], yticks=[])
            ax.text(0.5, 0.5, TEXTS["nothing"], ha="center", va="center", color="#555555")
            return figure
        count = 1 if self._weights is None else 2
        figure = self._picture(4.6 * count, 3.2)
        axes = figure.subplots(1, count, squeeze=False)[0]
        axes[0].plot(
            [one["step"] for one in self._records], [one["loss"] for one in self._records], color=PALETTE["queries"]
        )
        axes[0].set(xlabel=TEXTS["step"], ylabel=TEXTS["loss"])
        if self._weights is not None:
            least = min(0, self._weights.min())  # of no weights but numbers that a learner wants to see
            plots.attention_heatmap(self._weights, *self.view.labels, ax=axes[1], annotate=False, vmin=least, vmax=None)
        return figure


def _is_evaluated(record):
    """Whether evaluation added numbers to a record."""
    return any(name not in OWN for name in record)


def resume(control: str) -> None:
    """What the page's button runs, as a cell of its own: go on with a monitor's run, and show in it what goes wrong.

    Args:
        control: the id of the monitor's control.
    """
    monitor = _monitors[control]
    try:
        monitor.resume()
    except Exception as problem:  # there is no cell below which it would be seen
        monitor.view.error = in_short(problem)

"""What a training run tells, step by step, and who may watch it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from torch import nn

if TYPE_CHECKING:
    import pandas


class History(list[dict[str, float]]):
    """What happened, step by step: a list of dicts with step, loss, learning_rate, gradient_norm, tokens and seconds.

    Where `fit` got an `evaluate`, its numbers stand in the records of the steps after which it was called; one of a name
    that a record has already, such as loss, as evaluated_loss.

    Attributes:
        stopped: whether training was interrupted before its last step.
        go_on: of a run that was asked to stop, a function that goes on with it, in place: the same model learns, this history
            grows and is returned. It keeps what the run needs for that, such as the optimizers' memory. Else None.
    """

    stopped = False
    go_on: "Callable[[], History] | None" = None

    def __getstate__(self) -> dict[str, Any]:
        """A copy, or a file, holds what happened; the run goes on here alone."""
        return {"stopped": self.stopped}

    def frame(self) -> "pandas.DataFrame":
        """The same as a pandas.DataFrame, one row a step, to plot."""
        import pandas

        return pandas.DataFrame(list(self))


class Watch(Protocol):
    """What `fit(…, watch=…)` tells of a run, and asks after each step; `widgets.TrainingMonitor` is one.

    One that has a method `rest(model)` gets it called again and again in a pause, with the model in evaluation mode.

    Attributes:
        wish: "run", "pause" (before the next step) or "stop".
    """

    @property
    def wish(self) -> str: ...

    def begin(self, num_steps: int) -> None:
        """Before the first step."""

    def step(self, record: dict[str, float], model: nn.Module) -> None:
        """After each step: its record in the history, and the model in evaluation mode."""

    def end(self, history: History) -> None:
        """When the run has ended, whatever ended it."""

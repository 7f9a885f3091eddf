"""What is around a training run: Ctrl-C, random numbers, folder and memory that belong to the caller, other processes."""

import contextlib
import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from torch import Tensor

from course_lib.training import checkpoints
from course_lib.training.checkpoints import CheckpointError

R = TypeVar("R")


class Interruption:
    """Turn the first Ctrl-C into a wish to stop after the step under way; the second one is heeded at once.

    Several processes can't stop each at its own step, and only a program's main thread may choose how signals are
    taken; elsewhere Ctrl-C does what it always does.
    """

    def __init__(self, processes: int) -> None:
        self.asked = False
        self.active = processes == 1 and threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Interruption":
        if self.active:
            self.before = signal.signal(signal.SIGINT, self._ask)
        return self

    def _ask(self, number, frame):
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, kind, error, trace):
        if self.active:
            signal.signal(signal.SIGINT, self.before)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The states of the generators that a run on a device draws from, by their device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def restore_random_state(states: dict[str, Tensor], device: torch.device) -> None:
    """Let the generators go on from where `random_state` saw them."""
    torch.set_rng_state(states["cpu"])
    if device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[device.type])


@contextlib.contextmanager
def apart(accelerator: Accelerator, folder: Path | None) -> Iterator[None]:
    """Keep a run to itself: nobody else uses its folder of checkpoints, and the caller's random numbers stay as they were."""
    lock = None if folder is None else in_main_process(accelerator, checkpoints.lock, folder)
    callers = random_state(accelerator.device)
    try:
        yield
    finally:
        restore_random_state(callers, accelerator.device)
        if lock is not None:
            lock.release()


@contextlib.contextmanager
def freed_memory_returned() -> Iterator[None]:
    """At the end, ask the C library to return what is free; as a decorator, once the function's own variables are gone.

    Linux's glibc keeps the memory that lies free between blocks in use. After batches of many shapes this may be more
    than all that is in use. Other libraries return it by themselves, or can't be asked.
    """
    try:
        yield
    finally:
        with contextlib.suppress(AttributeError, TypeError):  # no malloc_trim; on Windows no library of that kind
            ctypes.CDLL(None).malloc_trim(0)


def in_main_process(accelerator: Accelerator, function: Callable[..., R], *arguments: Any) -> R | None:
    """Call a function in the main process alone; the others wait for it, and stop where it can't go on."""
    answer, problem = None, None
    if accelerator.is_main_process:
        try:
            answer = function(*arguments)
        except CheckpointError as error:
            problem = error
    (problem,) = broadcast_object_list([problem])
    if problem is not None:
        raise problem
    return answer

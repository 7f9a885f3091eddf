"""One function in several processes of this computer, from a notebook, and what each returned."""

import os
import socket
import sys
from collections.abc import Callable
from typing import TypeVar

from joblib import Parallel, delayed

from course_lib.checking import check_function, whole_number

R = TypeVar("R")


def in_processes(task: Callable[[int], R], processes: int = 2) -> list[R]:
    """Run `task(rank)` in this many processes that hear each other through `torch.distributed`.

    The task may be written in a notebook. What it uses of the notebook is copied to each process.

    Args:
        task: function of the process's number, 0, 1, …
        processes: how many.

    Returns:
        What the task returned in each, by their numbers.

    Raises:
        TypeError, ValueError: no function, or no number of processes.

    Example:
        >>> in_processes(lambda rank: 10 * rank)
        [0, 10]
    """
    check_function("task", task, "(rank) -> result")
    processes = whole_number("processes", processes, 1, 16)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(processes)}
    workers = Parallel(n_jobs=processes, backend="loky", batch_size=1, idle_worker_timeout=20)
    return workers(delayed(_one)(task, rank, meeting) for rank in range(processes))


def _one(task, rank, meeting):
    import torch
    import torch.distributed as dist

    this_computer = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    if this_computer:
        os.environ["GLOO_SOCKET_IFNAME"] = this_computer
    os.environ |= meeting | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    try:
        return task(rank)
    finally:
        dist.destroy_process_group()

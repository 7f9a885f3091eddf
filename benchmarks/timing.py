"""Fair timing: the ways take turns in one run, threads are pinned, and what counts is the ratio within each turn."""

import contextlib
import json
import os
import platform
import statistics
import time


def alternate(ways, rounds, warmup=1):
    """Time several ways of doing the same work, in turns, so that a busy moment of the machine meets them all.

    Every other turn goes backwards, so that none always follows the same neighbour.

    Args:
        ways: dict, name -> function without arguments.
        rounds: turns that count.
        warmup: turns before, which do not count.

    Returns:
        dict: name -> list of seconds, one a turn.
    """
    seconds = {name: [] for name in ways}
    for turn in range(-warmup, rounds):
        for name in list(ways) if turn % 2 else list(reversed(ways)):
            begin = time.perf_counter()
            ways[name]()
            elapsed = time.perf_counter() - begin
            if turn >= 0:
                seconds[name].append(elapsed)
    return seconds


def summary(seconds, own, items=None):
    """Medians, and how many times longer each way takes than our own.

    Args:
        seconds: dict from `alternate`.
        own: the name of our own way.
        items: what one call works through (tokens, sentences); None: no rate is given.

    Returns:
        dict: name -> dict with "median_ms", "ratio" (the median over the turns of its time by ours) and "per_second".
    """
    ways = {}
    for name, turns in seconds.items():
        median = statistics.median(turns)
        ratio = statistics.median(one / ours for one, ours in zip(turns, seconds[own], strict=True))
        ways[name] = {"median_ms": 1000 * median, "ratio": ratio}
        if items is not None:
            ways[name]["per_second"] = items / median
    return ways


@contextlib.contextmanager
def pinned_threads(threads):
    """Let PyTorch, and the BLAS and OpenMP libraries loaded by now, compute with this many threads."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def processor():
    """The processor's name where the system tells it, else its architecture."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def tell_end(console, found, about, as_json):
    """End a run of the command: everything as JSON, or below the tables a line on the machine.

    Args:
        console: rich's.
        found: dict, ready for JSON.
        about: dict of what the numbers depend on.
        as_json: whether JSON was asked for.
    """
    if as_json:
        print(json.dumps({"machine": about, "works": found}, indent=2))
    else:
        console.print(", ".join(f"{name} {value}" for name, value in about.items()))


def machine():
    """What the numbers depend on: a dict, ready for JSON."""
    import torch

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "load": load,
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }

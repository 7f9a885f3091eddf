"""Processes that hear each other, from a function."""

import pytest
import torch
import torch.distributed as dist

from course_lib.training.processes import in_processes


def test_processes_hear_each_other_and_what_each_returns_comes_back_in_their_order():
    factor = 5.0

    def total(rank):
        mine = torch.tensor([factor * rank])
        dist.all_reduce(mine)
        return rank, dist.get_world_size(), mine.item()

    assert in_processes(total) == [(0, 2, 5.0), (1, 2, 5.0)]
    assert not dist.is_initialized()


def test_an_error_in_a_process_is_told():
    def fails(rank):
        raise ArithmeticError("no number")

    with pytest.raises(ArithmeticError, match="no number"):
        in_processes(fails)


def test_what_is_no_task_and_no_number_is_refused():
    with pytest.raises(TypeError, match="task"):
        in_processes("print")
    with pytest.raises(ValueError, match="processes is 0"):
        in_processes(lambda rank: rank, 0)

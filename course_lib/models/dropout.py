"""Dropout, with random numbers drawn cheaply."""

import torch
from torch import nn

from course_lib.checking import real_number


class Dropout(nn.Module):
    """Zero each number with probability p while training, and scale the rest by 1/(1-p); the expectation stays.

    Does what `nn.Dropout` does. On a CPU, `nn.Dropout` spends most of its time drawing one random number for each
    decision, and takes a tenth of a Transformer's training step. A decision needs far fewer bits: here each 64-bit
    random number makes four decisions with 16 bits each, at a probability rounded to 1/65536.

    Args:
        p: the probability of a zero, 0 <= p < 1.

    Source: Srivastava et al. 2014, "Dropout", JMLR 15.
    """

    def __init__(self, p=0.0):
        super().__init__()
        real_number("p", p, least=0, below=1)
        self.p = p

    def forward(self, x):
        """Return x with random zeros while training, x itself otherwise; any shape."""
        if not self.training or self.p == 0:
            return x
        if x.device.type != "cpu":
            return nn.functional.dropout(x, self.p)  # one kernel, with the GPU's own generator
        dropped = min(round(self.p * 2**16), 2**16 - 1)  # of the 2^16 values that 16 bits have
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        decisions = draws.view(torch.int16)[: x.numel()].view(x.shape)  # from -2^15 to 2^15 - 1
        keep = torch.ge(decisions, dropped - 2**15, out=torch.empty_like(x))  # 1 or 0, at once in x's dtype
        return x * keep.mul_(2**16 / (2**16 - dropped))

    def extra_repr(self):
        return f"p={self.p}"

"""How weights move: AdamW, Muon for matrices, the course of the learning rate, averages, and when bfloat16 pays.

Sources: Loshchilov and Hutter 2017, "Decoupled Weight Decay Regularization", arXiv 1711.05101; Jordan et al. 2024,
"Muon: An optimizer for hidden layers in neural networks"; Vaswani et al. 2017, §5.3; Polyak and Juditsky 1992.
"""

import functools
import math
import time
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.optimizer import ParamsT

from course_lib.checking import checked
from course_lib.models.positions import LearnedPositions

DECAYS = ("linear", "cosine", "inverse_sqrt", "constant")
TABLES = (nn.Embedding, LearnedPositions)  # matrices by shape, but each row is a vector of its own
PAYS_FROM = 1.25  # times as fast: a matrix product is not all of a step, and rounding is not free


class Muon(torch.optim.Muon):
    """PyTorch's Muon, which can also work in float32.

    PyTorch's works in bfloat16: the right choice where processors have it, and a trap where they must emulate it, for
    there the product of two matrices can take fifty times as long as in float32.

    Args:
        params, options: as for torch.optim.Muon.
        bfloat16: whether to do as PyTorch's own does.

    Source: Jordan et al. 2024; the equations are those of torch.optim.Muon.
    """

    def __init__(self, params: ParamsT, *, bfloat16: bool = True, **options: Any) -> None:
        super().__init__(params, **options)
        self.bfloat16 = bfloat16

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step."""
        if self.bfloat16:
            return super().step(closure)
        result = None
        if closure is not None:
            with torch.enable_grad():
                result = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)
        return result

    def _move(self, matrix, group):
        memory, gradient, momentum = self.state[matrix], matrix.grad, group["momentum"]
        mean = memory.setdefault("momentum_buffer", torch.zeros_like(gradient))
        mean.lerp_(gradient, 1 - momentum)
        update = gradient.lerp(mean, momentum) if group["nesterov"] else mean
        update = orthogonalise(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = matrix.shape
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        matrix.add_(update, alpha=-group["lr"] * math.sqrt(max(1, rows / columns)))


@checked
def orthogonalise(
    matrix: Float[Tensor, "rows columns"],
    coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
    num_steps: int = 5,
    eps: float = 1e-7,
) -> Float[Tensor, "rows columns"]:
    """Bring all singular values of a matrix close to 1 (0.7 to 1.2), and leave its singular vectors.

        X = a X + b (X Xᵀ) X + c (X Xᵀ)² X, a few times over

    Args:
        matrix: any two axes.
        coefficients: a, b, c.
        num_steps: how often.
        eps: the least norm that the matrix is divided by.

    Returns:
        a new tensor.

    Source: Jordan et al. 2024, a Newton-Schulz iteration.
    """
    a, b, c = coefficients
    x = matrix.mT if len(matrix) > matrix.shape[1] else matrix  # the shorter side makes the smaller products
    x = x / x.norm().clamp(min=eps)
    for _ in range(num_steps):
        products = x @ x.mT  # (shorter, shorter)
        polynomial = torch.addmm(products, products, products, beta=b, alpha=c)
        x = torch.addmm(x, polynomial, x, beta=a)  # (shorter, longer)
    return x.mT if len(matrix) > matrix.shape[1] else x


def make_optimizers(
    model: nn.Module,
    learning_rate: float,
    muon_learning_rate: float | None = None,
    weight_decay: float = 0.0,
    *,
    muon_bfloat16: bool = True,
) -> list[torch.optim.Optimizer]:
    """AdamW for everything, or Muon for matrices and AdamW for embeddings, positions, norms and biases.

    Args:
        model: nn.Module; parameters without gradients are left alone.
        learning_rate: of AdamW, at its highest.
        muon_learning_rate: of Muon; None: no Muon.
        weight_decay: of both, decoupled from the gradient; for matrices and tables only, not for norms and biases.
        muon_bfloat16: see `Muon`.

    Returns:
        list of torch.optim.Optimizer, one or two.
    """
    modules = (module for module in model.modules() if isinstance(module, TABLES))
    tables = {id(parameter) for module in modules for parameter in module.parameters()}
    matrices, others, vectors = [], [], []
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        is_matrix = parameter.ndim == 2 and min(parameter.shape) > 1 and id(parameter) not in tables
        if muon_learning_rate is not None and is_matrix:
            matrices.append(parameter)
        else:
            (others if parameter.ndim > 1 else vectors).append(parameter)
    groups = [{"params": others, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    optimizers: list[torch.optim.Optimizer] = []
    if groups:
        optimizers.append(torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), fused=True))
    if matrices:
        optimizers.append(Muon(matrices, lr=muon_learning_rate, weight_decay=weight_decay, bfloat16=muon_bfloat16))
    return optimizers


def learning_rate_share(step: int, num_steps: int, warmup_steps: int = 0, decay: str = "linear") -> float:
    """What share of the highest learning rate holds at a step: up in a line, then down.

    Args:
        step: from 0 to num_steps - 1.
        num_steps: of the whole run; "inverse_sqrt" and "constant" do without.
        warmup_steps: in how many steps the highest rate is reached; 0: at once.
        decay: "linear" or "cosine" (towards 0 at num_steps), "inverse_sqrt" (as in 2017), or "constant".

    Returns:
        above 0 and at most 1.

    Source: Vaswani 2017, eq. 3, scaled so that its highest value is 1; Loshchilov and Hutter 2016, arXiv 1608.03983.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if decay == "constant":
        return 1.0
    if decay == "inverse_sqrt":
        return math.sqrt(max(warmup_steps, 1) / max(step + 1, warmup_steps, 1))
    done = (step - warmup_steps) / (num_steps - warmup_steps)  # from 0 up to, but not including, 1
    return 1 - done if decay == "linear" else (1 + math.cos(math.pi * done)) / 2


class AveragedWeights:
    """A running mean of a model's parameters: average = decay · average + (1 - decay) · parameters.

    While few steps are done the mean forgets faster, (1 + step) / (10 + step), so the random start does not linger.

    Args:
        model: nn.Module.
        decay: below 1; a mean of about the last 1 / (1 - decay) steps.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model, self.decay = model, decay
        self.average = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the parameters as they are after `step` steps into the mean."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        for name, parameter in self.model.named_parameters():
            self.average[name].lerp_(parameter, weight)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the model's parameters and the mean; once more, and all is as before."""
        for name, parameter in self.model.named_parameters():
            average = self.average[name].clone()
            self.average[name].copy_(parameter)
            parameter.copy_(average)


@functools.cache
def bfloat16_pays(device_type: str = "cpu") -> bool:
    """Find out whether this machine multiplies matrices faster in bfloat16 than in float32.

    Many processors compute with bfloat16, few have instructions for it, and elsewhere it is slower. So it is measured,
    in some ten milliseconds, once a process.

    Args:
        device_type: "cpu", "cuda", …

    Returns:
        bool.
    """
    if device_type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device_type != "cpu":
        return False
    best = {}
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        pairs = {dtype: torch.ones(256, 256, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)}
        for _ in range(8):  # alternating, so that a busy moment hits both; the first round warms up
            for dtype, matrix in pairs.items():
                start = time.perf_counter()
                matrix @ matrix
                best[dtype] = min(best.get(dtype, math.inf), time.perf_counter() - start)
    return best[torch.float32] / best[torch.bfloat16] >= PAYS_FROM

"""One small run, for tests and for the processes that they start and kill.

python -m tests.unit.training.runs FOLDER OUT [STEPS] [PAUSE]
"""

import sys
import time

import torch

from course_lib.models.transformer import Transformer
from course_lib.training import TokenBatches, fit

NUM_STEPS = 24
SETTINGS = {
    "num_steps": NUM_STEPS,
    "learning_rate": 4e-3,
    "muon_learning_rate": 1e-2,
    "warmup_steps": 3,
    "average": 0.9,
    "label_smoothing": 0.05,
    "precision": "float32",
    "checkpoint_every": 5,
    "progress": False,
}


def make_model(dropout=0.1):
    torch.manual_seed(0)
    return Transformer(vocab_size=16, d_model=16, num_layers=1, num_heads=2, d_ff=32, dropout=dropout)


def make_batches():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, 7, (40,), generator=generator).tolist()
    sources = [torch.randint(3, 16, (length,), generator=generator).tolist() for length in lengths]
    return TokenBatches([(source, [1, *reversed(source), 2]) for source in sources], max_tokens=60)


class Slowly:
    """The same batches, with a pause before each, so that there is time to be killed."""

    def __init__(self, batches, seconds):
        self.batches, self.seconds = batches, seconds

    def __iter__(self):
        for batch in self.batches:
            time.sleep(self.seconds)
            yield batch


def main(folder, out, pause="0", dropout="0.1"):
    from pathlib import Path

    from accelerate import PartialState
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    model = make_model(float(dropout))
    checkpoint = None if folder == "none" else folder
    history = fit(model, Slowly(make_batches(), float(pause)), **SETTINGS, checkpoint=checkpoint)
    if PartialState().is_main_process:
        tensors = {name: parameter.detach() for name, parameter in model.named_parameters()}
        tensors["losses"] = torch.tensor([record["loss"] for record in history], dtype=torch.float64)
        tensors["processes"] = torch.tensor(PartialState().num_processes)
        save_file(tensors, Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])

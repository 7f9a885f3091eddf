"""One way to train every model of the course: `fit(model, batches, …)`.

>>> from course_lib.training import fit
>>> history = fit(model, batches, num_steps=700, learning_rate=4e-3, muon_learning_rate=1.5e-2, label_smoothing=0.05)
>>> history.frame().plot(x="step", y="loss")

    loop           the loop itself
    settings       what it can be told
    history        what it tells, and whom
    objective      a model and its loss; losses: the cross-entropy that never holds all logits
    optimizers     AdamW, Muon, the course of the learning rate, averaged weights, when bfloat16 pays
    batches        sentences of like length together; targets one step ahead of what the decoder reads
    surroundings   Ctrl-C, the caller's random numbers, other processes
    checkpoints    what a run needs to go on as if nothing had happened, on disk
    memory         what optimizers remember, by whose it is
    processes      a function of a notebook in several processes
    metrics        accuracy, exact match, BLEU, chrF
    writer         a small model of letters that grows from lesson to lesson, and the ladder of its losses

Loaded on first use: `import course_lib.training` brings no PyTorch.
"""

from course_lib.faces import face

_HOMES = {
    "CheckpointError": "checkpoints",
    "History": "history",
    "TeacherForced": "batches",
    "TokenBatches": "batches",
    "accuracy": "metrics",
    "bfloat16_pays": "optimizers",
    "bleu": "metrics",
    "chrf": "metrics",
    "exact_match": "metrics",
    "fit": "loop",
    "load_weights": "checkpoints",
}

__all__ = [
    "CheckpointError",
    "History",
    "TeacherForced",
    "TokenBatches",
    "accuracy",
    "bfloat16_pays",
    "bleu",
    "chrf",
    "exact_match",
    "fit",
    "load_weights",
]

__getattr__, __dir__ = face(__name__, _HOMES)

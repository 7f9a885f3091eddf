"""Batches for training: sentences of like length together, and targets one step ahead of what the decoder reads.

Last, what `fit` does with any batches: it makes tensors of them, tells them apart, and goes through them again.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from course_lib.checking import Bounds, Count, checked
from course_lib.data.characters import pad

TEXTS = {
    "batch": "batches gave a {kind}; expected (inputs, …, targets), one tensor or array at least for each",
    "rows": "a batch holds tensors of {rows} rows; expected as many in each, and at least 1",
    "empty": "pairs is empty; expected at least one pair of token ids",
    "short": "pair {index} has a target of {length} ids; expected at least 2, a start and an end",
    "no source": "pair {index} has an empty source; expected at least one id",
    "long": "pair {index} takes {length} tokens, more than max_tokens = {max_tokens}; leave it out, or raise the limit",
    "pair": "a batch of {count} tensors came; expected (source, target)",
}
POOL = 50  # batches that are sorted together: as tight as sorting everything, nearly, and still well shuffled

Batch = Sequence[Tensor | np.ndarray]  # (inputs, …, targets), with as many rows in each


class TokenBatches:
    """Pairs of sentences in batches of about as many tokens each, those of like length together.

    Padding costs as much as text. Sorted by length within large random pools, little of it is left: short sentences
    come in batches of many, long ones in batches of few, and an epoch's batches come in random order.

    >>> batches = TokenBatches([([5, 6, 7], [1, 8, 9, 2]), ([5, 6], [1, 8, 2])], max_tokens=3500)
    >>> source, inputs, targets = next(iter(batches))

    Every time it is gone through it gives the same batches, epoch after epoch, each epoch shuffled anew.

    Args:
        pairs: (source ids, target ids) of each; a target has its start and end ids.
        max_tokens: rows · longest sequence of a batch, on either side, at most.
        seed: of the shuffling.
        pad_id: what short sequences are filled up with.
        num_epochs: how often each pair comes; None: without end.

    Yields:
        (source, inputs, targets): int64 (batch, source_len), (batch, target_len), (batch, target_len), where targets
        are the inputs' next tokens.

    Raises:
        ValueError: no pairs, one that is empty, or one that is longer than max_tokens.
    """

    @checked
    def __init__(
        self,
        pairs: Iterable[tuple[Sequence[int], Sequence[int]]],
        max_tokens: Count,
        *,
        seed: Annotated[int, Bounds(least=0)] = 0,
        pad_id: int = 0,
        num_epochs: Count | None = None,
    ) -> None:
        self.max_tokens, self.num_epochs, self.seed, self.pad_id = max_tokens, num_epochs, seed, pad_id
        self.pairs = list(pairs)
        if not self.pairs:
            raise ValueError(TEXTS["empty"])
        self.lengths = np.array([(len(source), len(target) - 1) for source, target in self.pairs])  # (pairs, 2)
        for index, (source, target) in enumerate(self.lengths):
            if source < 1:
                raise ValueError(TEXTS["no source"].format(index=index))
            if target < 1:
                raise ValueError(TEXTS["short"].format(index=index, length=target + 1))
            if max(source, target) > max_tokens:
                length = max(source, target)
                raise ValueError(TEXTS["long"].format(index=index, length=length, max_tokens=max_tokens))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        epoch = 0
        while self.num_epochs is None or epoch < self.num_epochs:
            for rows in self._epoch(epoch):
                source = torch.from_numpy(pad([self.pairs[row][0] for row in rows], self.pad_id))
                target = torch.from_numpy(pad([self.pairs[row][1] for row in rows], self.pad_id))
                yield source, target[:, :-1], target[:, 1:]
            epoch += 1

    def _epoch(self, epoch):
        """The rows of each batch of an epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.pairs))
        longest = self.lengths.max(axis=1)
        pool = max(1, int(POOL * self.max_tokens / longest.mean()))  # pairs
        batches = []
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            rows = rows[np.argsort(longest[rows], kind="stable")]
            batch = []
            for row in rows:  # longest last, so `row` is the longest of its batch so far
                if (len(batch) + 1) * longest[row] > self.max_tokens:
                    batches.append(batch)
                    batch = []
                batch.append(row)
            batches.append(batch)
        return [batches[number] for number in rng.permutation(len(batches))]


class TeacherForced:
    """Turn batches of (source, target) into (source, inputs, targets): the decoder reads y[:-1] and predicts y[1:].

    Args:
        batches: each (source, target), whole numbers (batch, source_len) and (batch, target_len).

    Yields:
        (source, inputs, targets), tensors.
    """

    def __init__(self, batches: Iterable[Batch]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for batch in self.batches:
            if len(batch) != 2:
                raise ValueError(TEXTS["pair"].format(count=len(batch)))
            source, target = map(torch.as_tensor, batch)
            yield source, target[:, :-1], target[:, 1:]


def over_and_over(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Go through batches again and again; what can be gone through only once ends."""
    while True:
        gave = False
        for batch in batches:
            gave = True
            yield batch
        if not gave:
            return


def as_tensors(batch: Batch) -> list[Tensor]:
    """A batch as tensors, checked: as many rows in each, targets whole numbers."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise TypeError(TEXTS["batch"].format(kind=type(batch).__name__))
    tensors = [torch.as_tensor(part) for part in batch]
    if not tensors[-1].is_floating_point():
        tensors[-1] = tensors[-1].long()  # in 8 bits without a sign, -100 would be 156
    rows = [len(tensor) if tensor.ndim else 0 for tensor in tensors]
    if len(set(rows)) > 1 or not rows[0]:
        raise ValueError(TEXTS["rows"].format(rows=" and ".join(map(str, rows))))
    return tensors


def fingerprint(batch: Iterable[Tensor]) -> int:
    """A number that tells batches apart."""
    total = 0
    for tensor in batch:
        # a copy, since a row cut out of a column calls itself contiguous and can't be seen as bytes
        in_order = tensor.cpu().clone(memory_format=torch.contiguous_format)
        total = zlib.crc32(in_order.view(torch.uint8).numpy().data, total)
    return total

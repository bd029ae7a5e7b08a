"""How good candidates are in the shared weights: a quick look, then a careful one.

Both use the hold-out part of the training images, never the test set. Candidates are ranked by
cross-entropy: accuracy is too coarse for differences this small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from models.norms import frozen_statistics, reestimate
from models.supernet import Supernet, single
from pipeline.batches import Images
from pipeline.extraction.candidates import Candidate
from pipeline.extraction.looks import JUDGE_IMAGES, NORM_IMAGES, SCREEN_IMAGES
from pipeline.parallel import in_processes
from pipeline.progress import Progress
from pipeline.search.on_batch import on_batch

_Look: TypeAlias = Callable[[Candidate], Candidate]

_BATCH = 250
_CHUNK = 4  # candidates per task: enough to pay for sending the weights


@dataclass(frozen=True, eq=False)
class Judge:
    """Shared weights, images that re-estimate statistics, and images that judge."""

    supernet: Supernet
    learned: Images
    holdout: Images
    workers: int

    def screen(self, candidates: Sequence[Candidate], label: str) -> list[Candidate]:
        """Cross-entropy with the batch's own BatchNorm statistics on a few images."""
        look = partial(_screen, self.supernet, self.holdout.first(SCREEN_IMAGES))
        return list(self._each(look, candidates, label))

    def judge(self, candidates: Sequence[Candidate], label: str) -> list[Candidate]:
        """Cross-entropy and accuracy with statistics re-estimated for every candidate."""
        learned = self.learned.first(NORM_IMAGES)
        look = partial(_judge, self.supernet, learned, self.holdout.first(JUDGE_IMAGES))
        return list(self._each(look, candidates, label))

    def _each(
        self, look: _Look, candidates: Sequence[Candidate], label: str
    ) -> Iterator[Candidate]:
        chunks = [candidates[i : i + _CHUNK] for i in range(0, len(candidates), _CHUNK)]
        with Progress(label, len(candidates)) as progress:
            done = 0
            for seen in in_processes(partial(_all, look), chunks, self.workers):
                yield from seen
                done += len(seen)
                progress.update(done)


def _all(look: _Look, candidates: Sequence[Candidate]) -> list[Candidate]:
    return [look(candidate) for candidate in candidates]


@torch.no_grad()
def _screen(supernet: Supernet, images: Images, candidate: Candidate) -> Candidate:
    x, y = images.take(slice(None))
    with frozen_statistics(supernet):
        loss, _ = on_batch(supernet, single(candidate.choices), x, y)
    return replace(candidate, screened_cross_entropy=float(loss))


@torch.no_grad()
def _judge(supernet: Supernet, learned: Images, images: Images, candidate: Candidate) -> Candidate:
    path = single(candidate.choices)

    def forward(x: Tensor) -> Tensor:
        logits: Tensor = supernet(x, path)
        return logits

    reestimate(supernet, forward, (x for x, _ in learned.in_order(_BATCH)))
    loss, right = torch.zeros(()), 0
    for x, y in images.in_order(_BATCH):
        logits = forward(x)
        loss += F.cross_entropy(logits, y, reduction="sum")
        right += int((logits.argmax(1) == y).sum())
    count = len(images)
    return replace(candidate, cross_entropy=float(loss) / count, accuracy=right / count)

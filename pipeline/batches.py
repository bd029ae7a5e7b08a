"""Images in memory, cut into batches and augmented a whole batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.dataset import Dataset
from pipeline.seeds import generator

Augment: TypeAlias = Callable[[Tensor], Tensor]  # pixels (B, C, H, W), bytes


@dataclass(frozen=True, eq=False)
class Images:
    """A part of a data set on one device: bytes, normalised when a batch is taken."""

    pixels: Tensor  # (N, C, H, W) uint8
    labels: Tensor  # (N,)
    mean: Tensor  # (1, C, 1, 1), of pixels in 0..1
    std: Tensor

    @classmethod
    def part(cls, data: Dataset, index: NDArray[np.int64]) -> Images:
        """The training images that `index` names."""
        return cls._of(data, data.train_x[index], data.train_y[index])

    @classmethod
    def test(cls, data: Dataset) -> Images:
        """The test images: for final numbers only."""
        return cls._of(data, data.test_x, data.test_y)

    @classmethod
    def _of(cls, data: Dataset, x: NDArray[np.uint8], y: NDArray[np.int64]) -> Images:
        pixels = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
        mean, std = (
            torch.from_numpy(moment)[None, :, None, None] for moment in (data.mean, data.std)
        )
        return cls(pixels, torch.from_numpy(y), mean, std)

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> Images:
        return Images(*(t.to(device) for t in (self.pixels, self.labels, self.mean, self.std)))

    def first(self, count: int) -> Images:
        """The first `count` images (a part is in random order)."""
        return Images(self.pixels[:count], self.labels[:count], self.mean, self.std)

    def take(self, index: Tensor | slice, augment: Augment | None = None) -> tuple[Tensor, Tensor]:
        """Normalised images (B, C, H, W) float32, channels last, and their labels (B,)."""
        pixels = self.pixels[index]
        if augment is not None:
            pixels = augment(pixels)
        x = (pixels.float() / 255 - self.mean) / self.std
        return x.contiguous(memory_format=torch.channels_last), self.labels[index]

    def in_order(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once, as stored, without augmentation."""
        for start in range(0, len(self), batch_size):
            yield self.take(slice(start, start + batch_size))


@dataclass(frozen=True)
class Augmentation:
    """Random shifts of up to `shift` pixels, black at the border, and horizontal flips."""

    shift: int = 2
    flip: bool = True

    def __call__(self, pixels: Tensor, draws: torch.Generator) -> Tensor:
        """The batch (B, C, H, W), moved and mirrored; every image draws its own."""
        count, _, height, width = pixels.shape
        offsets = torch.randint(2 * self.shift + 1, (2, count, 1), generator=draws)
        rows = offsets[0] + torch.arange(height)  # (B, H), of the padded image
        columns = offsets[1] + torch.arange(width)  # (B, W)
        if self.flip:
            mirrored = torch.rand(count, 1, generator=draws) < 0.5
            columns = torch.where(mirrored, columns.flip(1), columns)
        return _gather(F.pad(pixels, [self.shift] * 4), rows, columns)


def _gather(pixels: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """pixels[b, :, rows[b], columns[b]] for every image b."""
    device = pixels.device
    image = torch.arange(len(pixels), device=device)[:, None, None]
    rows, columns = rows.to(device)[:, :, None], columns.to(device)[:, None, :]
    return pixels.permute(0, 2, 3, 1)[image, rows, columns].permute(0, 3, 1, 2)


def shuffled(
    images: Images, batch_size: int, draws: torch.Generator, augment: Augmentation | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of full batches in random order; an incomplete last batch is left out."""
    order = torch.randperm(len(images), generator=draws)
    drawn = None if augment is None else partial(augment, draws=draws)
    for start in range(0, len(images) - batch_size + 1, batch_size):
        index = order[start : start + batch_size].to(images.pixels.device)
        yield images.take(index, drawn)


def at_step(
    images: Images, batch_size: int, seed: int, step: int, augment: Augmentation | None = None
) -> tuple[Tensor, Tensor]:
    """The batch of one step of an endless run of shuffled epochs.

    A function of `seed` and `step` alone, so that a run resumes where it was.
    """
    batch_size = min(batch_size, len(images))
    epoch, position = divmod(step, len(images) // batch_size)
    order = _order(len(images), seed, epoch)
    start = position * batch_size
    index = order[start : start + batch_size].to(images.pixels.device)
    if augment is None:
        return images.take(index)
    return images.take(index, partial(augment, draws=generator(seed, "augment", step)))


@lru_cache(maxsize=2)  # of the weights' images and the hypernetwork's, which take turns
def _order(count: int, seed: int, epoch: int) -> Tensor:
    return torch.randperm(count, generator=generator(seed, "epoch", epoch))

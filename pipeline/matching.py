"""The width at which a hand-designed network is as fast as a given model, by measurement."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from edge.bench import Failure, Job, Protocol, measure
from edge.errors import EdgeError
from edge.files import sha256_of
from edge.record import Measurement, Subject, Target
from edge.statistics import summarise
from pipeline.formats import format_of, precision_of
from pipeline.params import ExportParams
from pipeline.untrained.module import write_file

# Runtimes compute channels in vectors: a width in between is slower than the next multiple, and
# a network of that width would be an opponent of straw.
STEP = 4
PROTOCOL = Protocol(warmup_s=0.1, blocks=7, block_s=0.1, max_runs=1000)


class MatchingError(EdgeError, RuntimeError):
    """A width that cannot be found because a model would not run."""


def match_width(ratio: Callable[[int], float], most: int = 512) -> tuple[int, float]:
    """The multiple of `STEP`, up to `most`, whose latency ratio is nearest to 1; and that ratio.

    `ratio` grows with the width, as far as noise lets it: doubling brackets 1 and bisection
    closes in, so that it is asked about a dozen widths.
    """
    tried: dict[int, float] = {}

    def too_slow(width: int) -> bool:
        tried[width] = ratio(width)
        return tried[width] > 1

    low = high = STEP
    while not too_slow(high) and high < most:
        low, high = high, min(most, 2 * high)
    if tried[high] <= 1:  # even the widest is not slow enough
        low = high
    while high - low > STEP:
        middle = (low + high) // (2 * STEP) * STEP
        low, high = (low, middle) if too_slow(middle) else (middle, high)
    return min(tried.items(), key=lambda item: abs(math.log(item[1])))


def latency_ratio(
    build: Callable[[int], nn.Module],
    input_shape: tuple[int, int, int],
    params: ExportParams,
    reference: Job,
    target: Target,
    measure: Callable[..., list[Measurement | Failure]] = measure,
) -> Callable[[int], float]:
    """width → median latency of ``build(width)``, untrained, over that of `reference`.

    The two are measured in one interleaved session. The function raises MatchingError.
    """
    kind, precision = format_of(target.runtime), precision_of(target)

    def ratio(width: int) -> float:
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"width-{width}.{kind.name}"
            write_file(build(width), kind, precision, input_shape, path, params)
            subject = Subject(kind="file", name=path.stem, sha256=sha256_of(path))
            results = measure([Job(subject, path), reference], target, PROTOCOL)
        medians_ms = []
        for result in results:
            if isinstance(result, Failure):
                raise MatchingError(f"a model to compare with would not run: {result}")
            medians_ms.append(summarise(result.samples_ns).median_ms)
        return medians_ms[0] / medians_ms[1]

    return ratio

"""Candidates of the control: uniform draws, of which those are built that may be screened."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from edge.bayes import Floats
from edge.predictor import LEAST_MS
from models.spaces import Choices, Space
from pipeline.extraction.arms import Looks
from pipeline.extraction.candidates import Candidate, Found, Predictor, bins_of, by_bin
from pipeline.search.objective import Costs, expected_latency_ms
from pipeline.seeds import rng

_Rows: TypeAlias = npt.NDArray[np.int64]  # choices (n, decisions)

_FACTOR = 16  # draws are cheap, and fast networks are rare among uniform ones
_CHUNK = 512  # draws that are looked at together; the first of them are all built


def uniform(
    predictor: Predictor, costs: Costs, looks: Looks, count: int, seed: int, purpose: str
) -> list[Candidate]:
    """α replaced by the uniform distribution: of every bin the first of 16 · `count` draws, at
    least as many as `looks` screens. Draws for another purpose are others.

    To build a network and predict it takes a hundred times what adding up a table takes. So the
    sum says where a draw may lie, as far off as sums were for the first draws; one that can only
    lie in bins that have enough by then is not built.
    """
    known: set[str | Choices] = set()
    first, *others = _chunks(predictor.space, _FACTOR * count, rng(seed, "uniform", purpose))
    found = _built(predictor, first, known)
    off = _distance(found, first, _sums_ms(first, costs), predictor.space)
    for rows in others:
        wanted = _may_lie_in(_open(found, looks), _sums_ms(rows, costs), off, looks)
        found += _built(predictor, rows[wanted], known)
    return found


def _built(predictor: Predictor, rows: _Rows, known: set[str | Choices]) -> list[Candidate]:
    return predictor.candidates((Found(tuple(row), "uniform") for row in rows.tolist()), known)


def _chunks(space: Space, count: int, draws: np.random.Generator) -> list[_Rows]:
    """`count` choices that are drawn uniformly."""
    columns = [draws.choice(np.flatnonzero(offered), count) for offered in space.mask]
    rows = np.stack(columns, axis=1)
    return [rows[at : at + _CHUNK] for at in range(0, count, _CHUNK)]


@torch.no_grad()
def _sums_ms(rows: _Rows, costs: Costs) -> Floats:
    """The table's sum for each of the choices."""
    p = torch.nn.functional.one_hot(torch.from_numpy(rows), costs.mask.shape[1]).float()
    sums_ms: Floats = expected_latency_ms(p, costs).double().clamp_min(LEAST_MS).numpy()
    return sums_ms


def _open(found: list[Candidate], looks: Looks) -> npt.NDArray[np.bool_]:
    """The bins of which more are screened than there are yet: all are screened in turn, one of
    every bin, until there are enough."""
    counts = np.array([len(of) for of in by_bin(found, looks.limits_ms, looks.bins)])
    turns = 1
    while np.minimum(counts, turns).sum() < looks.screened and turns < looks.screened:
        turns += 1
    return counts < turns


def _may_lie_in(
    bins: npt.NDArray[np.bool_], sums_ms: Floats, off: tuple[float, float], looks: Looks
) -> npt.NDArray[np.bool_]:
    """Which of the sums (n,) belong to networks that may lie in one of the `bins`."""
    low, high = (np.array(bins_of(sums_ms * np.exp(d), looks.limits_ms, looks.bins)) for d in off)
    before = np.concatenate([[0], np.cumsum(bins)])  # how many of them lie below a bin
    wanted: npt.NDArray[np.bool_] = before[high + 1] > before[low]
    return wanted


def _distance(
    found: list[Candidate], rows: _Rows, sums_ms: Floats, space: Space
) -> tuple[float, float]:
    """From and to where predictions of networks that were all built lie around their sums, in log
    latency, with a margin of half of that."""
    medians_ms = {candidate.choices: candidate.median.mean_ms for candidate in found}
    canonical = [space.canonical(row) for row in rows.tolist()]
    known = [n for n, choices in enumerate(canonical) if choices in medians_ms]
    logs = np.log([medians_ms[canonical[n]] for n in known]) - np.log(sums_ms[known])
    margin = (logs.max() - logs.min()) / 2
    return float(logs.min() - margin), float(logs.max() + margin)

"""Candidates: distinct networks, spread over latency."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
import torch

from edge.calibration import fit
from edge.table import Table, TableRow
from models.hypernet import HyperNetwork
from pipeline.extraction.candidates import (
    Found,
    Predictor,
    at_point,
    bin_of,
    from_alpha,
    spread,
)
from tests.pipeline.extraction.made_up import candidate
from tests.pipeline.made_up import TARGET, small_space

OPS = ("skip", "sep_k3", "conv_k3")
PRICE_MS = {"sep_k3": 1.0, "conv_k3": 3.0}
SPACE = small_space(*OPS)


@pytest.fixture(scope="module")
def predictor():
    rows = {
        b.key: TableRow(
            PRICE_MS[b.op], PRICE_MS[b.op], PRICE_MS[b.op], 9, "clean", "2026-01-01T00:00:00Z"
        )
        for b in SPACE.blocks
    }
    now = datetime(2026, 1, 2, tzinfo=timezone.utc)
    return Predictor(SPACE, fit(Table(TARGET, 2.0, rows), [], now=now), 95)


def test_equal_networks_are_one_candidate_and_the_first_origin_stays(predictor):
    found = predictor.candidates(
        [Found((1, 0), "argmax", (0.2, 0.3, 0.5), 0.1), Found((0, 1), "sample")]
    )
    assert [(c.choices, c.how, c.kappa) for c in found] == [((1, 0), "argmax", 0.1)]
    assert found[0].median.mean_ms == pytest.approx(3.0)
    assert found[0].bound_ms >= found[0].median.hi_ms


def test_neighbours_differ_by_one_swap(predictor):
    (start,) = predictor.candidates([Found((1, 2), "argmax")])
    found = predictor.neighbours(start)
    assert {c.choices for c in found} == {(2, 0), (2, 2), (1, 0), (1, 1)}
    assert {(c.how, c.swaps) for c in found} == {("repair", 1)}


def test_the_hypernetwork_is_read_by_argmax_first(predictor):
    net = HyperNetwork(SPACE.mask, 3, 2, kappa_range=(0.1, 1.0), hidden=(4,))
    with torch.no_grad():
        net.bias.copy_(torch.tensor([0.0, 5.0, 0.0, 0.0, 0.0, 5.0]))
    found = from_alpha(net, predictor, (0.1, 1.0), 32, seed=0)
    assert (found[0].choices, found[0].how) == ((1, 2), "argmax")
    assert [c.how for c in found].count("argmax") == 1
    point = torch.tensor([0.2, 0.3, 0.5])
    assert [c.choices for c in at_point(net, predictor, point, [0.1, 1.0])] == [(1, 2)]


def test_what_is_an_argmax_somewhere_is_one_wherever_it_was_sampled(predictor):
    """α is even at low prices and certain of skip at high ones: even points sample what others
    are certain of."""

    def alpha(points, kappas):
        logits = torch.zeros(len(points), *SPACE.mask.shape)
        logits[:, :, 2] += 1e-3  # what is drawn from nearly even odds, the argmax of low prices
        logits[kappas > 0.3, :, 0] += 50.0
        return logits

    found = {c.choices: c for c in from_alpha(alpha, predictor, (0.1, 1.0), 64, seed=0)}
    assert {c.how for c in found.values()} == {"argmax", "sample"}
    assert (found[0, 0].how, found[2, 2].how) == ("argmax", "argmax")
    assert found[0, 0].kappa > 0.3
    assert found[2, 2].kappa <= 0.3


def test_samples_come_beside_the_argmaxes(predictor):
    def alpha(points, kappas):
        return torch.zeros(len(points), *SPACE.mask.shape)  # one argmax, and anything sampled

    assert [c.how for c in from_alpha(alpha, predictor, (0.1, 1.0), 8, seed=0)][:2] == [
        "argmax",
        "sample",
    ]


def test_bins_divide_log_latency():
    limits = (1.0, 16.0)
    places = [bin_of(candidate(0, ms), limits, 4) for ms in (0.5, 1.0, 2.1, 4.1, 15.9, 99.0)]
    assert places == [0, 0, 1, 2, 3, 3]


def test_a_spread_takes_every_bin_in_turn():
    crowd = [candidate(i, 1.0) for i in range(5)]
    lone = candidate(9, 15.0)
    found = spread([*crowd, lone], 3, (1.0, 16.0), 4)
    assert [c.choices for c in found] == [(0,), (9,), (1,)]
    assert len(spread([*crowd, lone], 99, (1.0, 16.0), 4)) == 6


@pytest.mark.parametrize(
    ("count", "expected_ms"),
    [(6, [1, 2, 4, 8, 2, 8]), (5, [1, 2, 4, 8, 4]), (3, [1, 4, 8]), (2, [2, 8])],
)
def test_a_turn_that_is_cut_short_is_of_slow_bins_as_of_fast_ones(count, expected_ms):
    found = [candidate(i, ms) for i, ms in enumerate([1.0, 1.1, 2.1, 2.2, 4.1, 4.2, 8.1, 8.2])]
    chosen = spread(found, count, (1.0, 16.0), 4)
    assert [int(c.median.mean_ms) for c in chosen] == expected_ms

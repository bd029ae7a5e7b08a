from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.calibration import Calibration, fit
from edge.feedback.candidates import Candidate
from edge.feedback.suggest import SuggestError, suggest
from edge.record import iter_networks
from tests.edge.feedback.made_up import (
    COST_MS,
    NOW,
    OFFSET_MS,
    OPS,
    measured,
    network,
    one_gaussian,
    table,
    world,
)

SD_MS, NOISE = 0.02, 0.0004  # of each operation's bias; the noise has an sd of 2 %


def calibration(*sd_ms: float) -> Calibration:
    """Only the biases of the three operations are in doubt, by alphabet."""
    covariance = np.diag([0.0, 0.0, *(np.array(sd_ms) ** 2)])
    posterior = one_gaussian(np.array([0.0, 1.0, 0, 0, 0]), covariance, NOISE)
    return replace(fit(table(), [], now=NOW), posterior=posterior)


def candidates(*operations: tuple[str, ...]) -> list[Candidate]:
    return [Candidate("-".join(ops), network(*ops)) for ops in operations]


def names(found: Calibration, pool: list[Candidate], number: int = 1, *budgets: float) -> list[str]:
    plan = suggest(found, pool, number, budgets)
    return [str(suggestion.candidate.name) for suggestion in plan.suggestions]


def test_the_operation_in_doubt_is_measured() -> None:
    pool = candidates(("conv_k3",) * 3, ("sep_k3",) * 3, ("mbconv_k3_e3",) * 3)
    assert names(calibration(0, 0, SD_MS), pool) == ["sep_k3-sep_k3-sep_k3"]
    assert names(calibration(SD_MS, 0, 0), pool) == ["conv_k3-conv_k3-conv_k3"]


def test_the_doubt_falls_as_worked_out_by_hand() -> None:
    (suggestion,) = suggest(calibration(0, 0, SD_MS), candidates(("sep_k3",) * 2)).suggestions
    # Two blocks in a network of 0.5 + 2 * 0.05 ms: their bias is an sd of 0.04 of 0.6 ms.
    before = (2 * SD_MS / 0.6) ** 2
    plan = suggest(calibration(0, 0, SD_MS), candidates(("sep_k3",) * 2))
    assert plan.doubt_percent == pytest.approx(100 * before**0.5)
    assert plan.noise_percent == pytest.approx(2.0)
    after = before - before**2 / (before + NOISE)
    assert suggestion.doubt_percent == pytest.approx(100 * after**0.5)
    assert suggestion.prediction.mean_ms == pytest.approx(0.6)


def test_what_one_network_tells_the_next_need_not() -> None:
    pool = candidates(("sep_k3",) * 6, ("sep_k3",) * 5, ("conv_k3",) * 6)
    first, second = names(calibration(SD_MS, 0, SD_MS), pool, 2)
    assert {first, second} == {"-".join(["sep_k3"] * 6), "-".join(["conv_k3"] * 6)}


def test_every_suggestion_leaves_less_doubt() -> None:
    records = world(0, 4)
    found = fit(table(), list(iter_networks(records)), now=NOW)
    rng = np.random.default_rng(0)
    pool = candidates(*(tuple(map(str, rng.choice(OPS, 6))) for _ in range(40)))
    plan = suggest(found, pool, 8)
    doubts = [plan.doubt_percent, *(s.doubt_percent for s in plan.suggestions)]
    assert doubts == sorted(doubts, reverse=True)
    assert len({s.candidate.architecture.key for s in plan.suggestions}) == 8


def test_measuring_what_is_suggested_lowers_the_doubt() -> None:
    networks = list(iter_networks(world(0, 8)))
    pool = candidates(("conv_k3",) * 6, ("sep_k3",) * 6, ("mbconv_k3_e3",) * 6)
    plan = suggest(fit(table(), networks, now=NOW), pool, 1)
    best = plan.suggestions[0].candidate.architecture
    ms = OFFSET_MS + sum(COST_MS[block.op] for block in best.searched_blocks)
    again = fit(table(), [*networks, (best, measured(ms))], now=NOW)
    assert suggest(again, pool, 1).doubt_percent < plan.doubt_percent


def test_what_was_measured_or_has_no_price_is_not_suggested() -> None:
    records = list(iter_networks([measured(0.9, "conv_k3", "conv_k3")]))
    found = fit(table(), records, now=NOW)
    pool = candidates(("conv_k3", "conv_k3"), ("unknown",), ("sep_k3",), ("sep_k3",))
    assert names(found, pool, 10) == ["sep_k3"]
    with pytest.raises(SuggestError, match="nothing to suggest"):
        suggest(found, pool[:2])


def test_a_budget_says_which_predictions_matter() -> None:
    """Both operations are in doubt, but only networks of the one are near the budget."""
    found = calibration(SD_MS, 0, SD_MS)
    pool = candidates(("sep_k3",) * 2, ("conv_k3",) * 6)
    ratio = found.tail_ratio(95).ratio
    assert names(found, pool, 1, 0.6 * ratio) == ["sep_k3-sep_k3"]
    assert names(found, pool, 1, 1.7 * ratio) == ["-".join(["conv_k3"] * 6)]


def test_a_budget_that_nothing_is_near() -> None:
    with pytest.raises(SuggestError, match="no candidate is near a budget: their p95 is predicted"):
        suggest(calibration(0, 0, SD_MS), candidates(("sep_k3",)), 1, [50.0])

import dataclasses
import json
import math
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import bayes
from edge.calibration import Calibration, CalibrationError, fit
from edge.record import Conditions, Measurement, Subject, Target
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableRow, UnknownBlock
from edge.tail import UnknownPercentile

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)
COST_MS = {"conv_k3": 0.20, "mbconv_k3_e3": 0.12, "mbconv_k5_e6": 0.28, "sep_k3": 0.04}
OPS = ("skip", *COST_MS)
STAGES = ((4, 14), (8, 7), (16, 4))  # so narrow that every network fits into any cache
OFFSET_MS = 0.5
Networks = list[tuple[Architecture, Measurement]]


def block(op: str, stage: int) -> BlockSpec:
    width, side = STAGES[stage]
    return BlockSpec(op, width, width, side, side)


def network(*ops: str) -> Architecture:
    """Three blocks a stage, first stage first."""
    rows = [Row(f"b{i}", block(op, i // 3), searched=True) for i, op in enumerate(ops)]
    return Architecture("mbconv", (1, 28, 28), 10, tuple(rows))


@cache
def table() -> Table:
    rows = {
        block(op, stage).key: TableRow(ms, 0.9 * ms, 1.1 * ms, 9, "clean", NOW.isoformat())
        for op, ms in COST_MS.items()
        for stage in range(3)
    }
    return Table(TARGET, OFFSET_MS, rows)


def measured(architecture: Architecture, ms: float, target: Target = TARGET) -> Measurement:
    return Measurement(
        subject=Subject(kind="network", name="n", sha256="0", architecture=architecture.to_dict()),
        target=target,
        conditions=Conditions(wall_time=NOW.isoformat()),
        warmup_ns=(),
        samples_ns=((round(ms * 1e6),),),
        verdict="clean",
    )


def random_networks(rng: np.random.Generator, n: int) -> list[Architecture]:
    return [network(*rng.choice(OPS, 9)) for _ in range(n)]


def world(
    seed: int,
    n: int,
    *,
    scale: float = 1.0,
    bias_ms: dict[str, float] | None = None,
    noise: float = 0.0,
) -> Networks:
    """n random networks, `scale` slower than the table says, every op off by its bias."""
    rng = np.random.default_rng(seed)

    def truth(architecture: Architecture) -> float:
        bias = sum((bias_ms or {}).get(b.op, 0.0) for b in architecture.searched_blocks)
        ms = OFFSET_MS + scale * (table().sum_ms(architecture) - OFFSET_MS) + bias
        return float(ms * (1 + noise * rng.standard_normal()))

    return [(a, measured(a, truth(a))) for a in random_networks(rng, n)]


def calibrated(networks: Sequence[tuple[Architecture, Measurement]]) -> Calibration:
    return fit(table(), networks, now=NOW)


def test_without_records_it_is_the_table_with_the_priors_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bayes, "SIGMAS", np.array([0.03]))
    monkeypatch.setattr(bayes, "RHOS", np.array([0.5]))
    prediction = calibrated([]).predict(network(*["conv_k3"] * 2, *["skip"] * 7))
    raw_ms = 0.5 + 2 * 0.2
    bias_ms = 0.5 * 0.03 * 0.16  # of an operation; the median block is (0.12 + 0.20) / 2
    offset_ms = 0.5 * 0.03 * OFFSET_MS
    sd_ms = math.hypot(0.3 * raw_ms, offset_ms, 2 * bias_ms, 0.03 * raw_ms)
    assert prediction.mean_ms == pytest.approx(raw_ms)
    # One noise level leaves a Gaussian: 1.6449 standard deviations to each side.
    assert prediction.hi_ms == pytest.approx(raw_ms + 1.6449 * sd_ms, rel=1e-4)
    assert prediction.lo_ms == pytest.approx(raw_ms - 1.6449 * sd_ms, rel=1e-4)
    assert prediction.n == 0


def test_one_record_moves_every_prediction_towards_it() -> None:
    (one,) = world(0, 1, scale=1.5)
    before, after = calibrated([]), calibrated([one])
    other = network(*["mbconv_k5_e6"] * 6, *["skip"] * 3)
    assert after.predict(other).mean_ms > before.predict(other).mean_ms
    assert after.predict(one[0]).mean_ms == pytest.approx(one[1].samples_ns[0][0] / 1e6, rel=0.02)


def test_scale_and_bias_of_an_operation_are_recovered() -> None:
    found = calibrated(world(1, 60, scale=1.25, bias_ms={"conv_k3": 0.1}, noise=0.005))
    effect_ms = {  # what one more block costs: scale and bias together are what is identified
        op: found.coefficients.scale * ms + found.coefficients.bias_ms[op]
        for op, ms in COST_MS.items()
    }
    expected = {op: 1.25 * ms + (0.1 if op == "conv_k3" else 0) for op, ms in COST_MS.items()}
    assert effect_ms == pytest.approx(expected, abs=0.01)
    assert found.left_out_error_percent == pytest.approx(0.5, abs=0.3)
    assert found.spearman is not None
    assert found.spearman > 0.9


def test_pure_scale_needs_no_bias() -> None:
    rng = np.random.default_rng(2)
    architectures = random_networks(rng, 30)
    noise = 0.002 * rng.standard_normal(30)
    found = calibrated(
        [
            (a, measured(a, 1.3 * table().sum_ms(a) * (1 + e)))
            for a, e in zip(architectures, noise, strict=True)
        ]
    )
    assert found.coefficients.scale == pytest.approx(1.3, abs=0.03)
    assert list(found.coefficients.bias_ms.values()) == pytest.approx([0.0] * 4, abs=0.01)


def coverage(n: int, noise: float, worlds: int) -> float:
    """The share of 20 networks inside their interval, over worlds with `noise` in which operations
    are off by as much of their cost, times four, and the device by a fifth."""
    covered = []
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        bias_ms = {op: ms * 4 * noise * rng.standard_normal() for op, ms in COST_MS.items()}
        networks = world(
            seed, n + 20, scale=float(rng.normal(1, 0.2)), bias_ms=bias_ms, noise=noise
        )
        predictions = calibrated(networks[:n]).predict_many([a for a, _ in networks[n:]])
        covered += [
            p.lo_ms <= m.samples_ns[0][0] / 1e6 <= p.hi_ms
            for p, (_, m) in zip(predictions, networks[n:], strict=True)
        ]
    return float(np.mean(covered))


@pytest.mark.parametrize("noise", [0.003, 0.01, 0.03, 0.08])
@pytest.mark.parametrize(
    ("n", "least", "most"), [(5, 0.85, 0.95), (10, 0.86, 0.94), (20, 0.86, 0.94)]
)
def test_interval_covers_what_it_says(n: int, least: float, most: float, noise: float) -> None:
    """However good the table is: on a server, in chains or alone, and on a phone."""
    assert least <= coverage(n, noise, 60) <= most


def test_five_networks_of_a_good_table_give_a_narrow_interval() -> None:
    networks = world(1, 25, scale=1.1, noise=0.003)
    found = calibrated(networks[:5]).predict_many([a for a, _ in networks[5:]])
    widths = [(p.hi_ms - p.lo_ms) / 2 / p.mean_ms for p in found]
    assert np.median(widths) < 4 * 0.003  # a t with three degrees of freedom: 2.35, and the fit's


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(12)), st.integers(0, 11))
def test_order_and_duplicates_do_not_matter(order: list[int], twice: int) -> None:
    networks = world(3, 12, noise=0.05)
    shuffled = [networks[i] for i in order] + [networks[twice]]
    assert calibrated(shuffled).to_dict() == calibrated(networks).to_dict()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sets(st.integers(0, 11)), max_size=5))
def test_how_records_were_merged_does_not_matter(parts: list[set[int]]) -> None:
    """Reports that overlap, in any order: only their union counts."""
    networks = world(3, 12, noise=0.05)
    union = sorted(set().union(*parts))
    merged = [networks[i] for part in parts for i in part]
    assert calibrated(merged).to_dict() == calibrated([networks[i] for i in union]).to_dict()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 99),
    st.integers(0, 12),
    st.floats(0.2, 5),
    st.floats(0, 0.2),
    st.lists(st.sampled_from(OPS), min_size=9, max_size=9),
    st.sampled_from([90, 95, 99]),
)
def test_bounds_are_never_below_medians(
    seed: int, n: int, scale: float, noise: float, ops: list[str], percentile: int
) -> None:
    """Whatever was measured, and however badly the table fits it."""
    found = calibrated(world(seed, n, scale=scale, noise=noise))
    median = found.predict(network(*ops))
    tail = found.predict_tail(network(*ops), percentile)
    assert 0 <= median.lo_ms <= median.mean_ms <= median.hi_ms
    assert median.lo_ms <= tail.lo_ms
    assert median.mean_ms <= tail.mean_ms <= tail.hi_ms
    assert median.hi_ms <= tail.hi_ms
    assert min(row.latency_ms for row in found.fold().rows.values()) >= 0


def test_an_outlier_is_flagged_and_hardly_moves_the_fit() -> None:
    networks = world(4, 15, noise=0.01)
    strange, record = networks[7]
    wrong = (strange, measured(strange, 3 * record.samples_ns[0][0] / 1e6))
    clean, dirty = calibrated(networks), calibrated([*networks[:7], wrong, *networks[8:]])
    assert clean.outliers == ()
    assert [outlier.key for outlier in dirty.outliers] == [strange.key]
    z, weight = dirty.outliers[0].z, dirty.outliers[0].weight
    assert z > 3.5
    assert weight == pytest.approx((3.5 / z) ** 2, rel=0.01)
    other = networks[0][0]
    assert dirty.predict(other).mean_ms == pytest.approx(clean.predict(other).mean_ms, rel=0.04)


def test_where_others_predict_worse_than_they_think_intervals_are_wider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    networks = [
        (a, measured(a, m.samples_ns[0][0] / 1e6 * (1.02 if i % 4 == 0 else 1)))
        for i, (a, m) in enumerate(world(3, 12, noise=0.01))
    ]
    found = calibrated(networks)
    squares = [one.z**2 for one in found.networks]
    assert all(one.weight == 1 for one in found.networks)
    assert np.mean(squares) > 1
    monkeypatch.setattr(bayes.Posterior, "widened", lambda posterior, factor: posterior)
    unwidened = calibrated(networks).posterior.noise
    # as if five more networks had been seen that are as far off as they should be
    assert found.posterior.noise == pytest.approx((5 + sum(squares)) / (5 + 12) * unwidened)


def test_among_four_nobody_can_say_who_is_the_odd_one() -> None:
    networks = world(4, 4, noise=0.01)
    strange, record = networks[2]
    networks[2] = (strange, measured(strange, 3 * record.samples_ns[0][0] / 1e6))
    assert calibrated(networks).outliers == ()


def test_a_foreign_target_is_ignored_and_counted() -> None:
    networks = world(5, 6, noise=0.02)
    foreign = TARGET.model_copy(update={"device": "another board"})
    extra = [(a, measured(a, 99.0, target=foreign)) for a, _ in networks]
    both = calibrated([*networks, *extra])
    assert both.ignored == {"measured on another target": 6}
    assert both.predict(networks[0][0]) == calibrated(networks).predict(networks[0][0])


def test_folded_table_sums_to_the_predictions() -> None:
    found = calibrated(world(6, 20, scale=1.2, bias_ms={"sep_k3": 0.02}, noise=0.02))
    folded = found.fold()
    for architecture in random_networks(np.random.default_rng(7), 20):
        mean_ms = found.predict(architecture).mean_ms
        assert folded.sum_ms(architecture) == pytest.approx(mean_ms, rel=1e-9)


def test_a_folded_block_is_never_negative() -> None:
    found = calibrated(world(8, 40, bias_ms={"sep_k3": -0.08}, noise=0.002))
    assert found.coefficients.bias_ms["sep_k3"] < -0.04  # below minus the block itself
    assert found.fold().latency_ms(block("sep_k3", 0)) == 0.0


def test_many_predictions_are_the_single_ones() -> None:
    found = calibrated(world(9, 8, noise=0.03))
    architectures = random_networks(np.random.default_rng(10), 5)
    many = found.predict_many(architectures)
    for one, architecture in zip(many, architectures, strict=True):
        single = dataclasses.astuple(found.predict(architecture))
        assert dataclasses.astuple(one) == pytest.approx(single)
    assert found.predict_many([]) == []


def test_unknown_block() -> None:
    with pytest.raises(UnknownBlock, match="avg_pool"):
        calibrated([]).predict(network("avg_pool"))


def test_tail_multiplies_the_median_and_both_errors_add() -> None:
    found = calibrated(world(11, 10, noise=0.02))
    architecture = network(*["conv_k3"] * 9)
    median, tail = found.predict(architecture), found.predict_tail(architecture, 95)
    ratio = found.tail_ratio(95)
    assert ratio.n == 0  # records of one run show no percentile: this is the prior
    assert tail.mean_ms == pytest.approx(median.mean_ms * ratio.ratio)
    by_median = ratio.ratio * (median.hi_ms - median.mean_ms)
    by_ratio = median.mean_ms * (ratio.hi - ratio.ratio)
    assert tail.hi_ms == pytest.approx(tail.mean_ms + math.hypot(by_median, by_ratio))
    assert median.lo_ms <= tail.lo_ms < tail.mean_ms
    with pytest.raises(UnknownPercentile):
        found.predict_tail(architecture, 50)


def test_advice_only_when_many_different_networks_are_ranked_wrongly() -> None:
    right = world(12, 12, noise=0.01)
    assert calibrated(right).advice is None
    by_ms = sorted(m.samples_ns[0][0] / 1e6 for _, m in right)
    raw = sorted((a for a, _ in right), key=table().sum_ms)
    reversed_ms = [ms * (3 if i < 6 else 1) for i, ms in enumerate(reversed(by_ms))]
    wrong = [(a, measured(a, ms)) for a, ms in zip(raw, reversed_ms, strict=True)]
    assert "profile this target again" in str(calibrated(wrong).advice)
    assert calibrated(wrong[:9]).advice is None


def test_to_dict_and_back_through_json() -> None:
    found = calibrated(world(13, 9, noise=0.02))
    again = Calibration.from_dict(json.loads(json.dumps(found.to_dict())))
    assert again.to_dict() == found.to_dict()
    architecture = network(*["conv_k3"] * 5)
    assert again.predict_tail(architecture, 99) == found.predict_tail(architecture, 99)
    assert again.fold() == found.fold()


def test_a_calibration_that_cannot_be_read() -> None:
    data = calibrated([]).to_dict()
    with pytest.raises(CalibrationError, match="format 7 is not 3"):
        Calibration.from_dict({**data, "version": 7})
    with pytest.raises(CalibrationError, match="'posterior'"):
        Calibration.from_dict({key: data[key] for key in data if key != "posterior"})

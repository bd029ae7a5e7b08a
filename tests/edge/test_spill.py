"""Networks whose weights leave a cache: columns by hand, and what a calibration makes of them."""

from datetime import datetime, timezone

import numpy as np
import pytest

from edge.calibration import Calibration, fit
from edge.record import Conditions, Measurement, Subject, Target
from edge.spec import Architecture, BlockSpec, Row
from edge.spill import LEAST_VALUES, Spill
from edge.table import Table, TableRow

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)
STEM = BlockSpec("conv_k3", 1, 64, 8, 8)  # 576 weights
OPS_MS = {"conv_k3": 0.1, "sep_k3": 0.02, "mbconv_k3_e4": 0.06}  # 36,864; 4,672; 35,072 weights
OFFSET_MS, WEIGHT_MS, CACHE = 0.05, 1e-6, 150_000


def block(op: str) -> BlockSpec:
    return BlockSpec(op, 64, 64, 8, 8)


def network(*ops: str) -> Architecture:
    rows = [Row(f"b{i}", block(op), searched=True) for i, op in enumerate(ops)]
    return Architecture("mbconv", (1, 8, 8), 10, (Row("stem", STEM), *rows))


def table() -> Table:
    rows = {
        block(op).key: TableRow(ms, 0.9 * ms, 1.1 * ms, 9, "clean", NOW.isoformat())
        for op, ms in OPS_MS.items()
    }
    return Table(TARGET, OFFSET_MS, rows)


def measured(architecture: Architecture, ms: float) -> Measurement:
    return Measurement(
        subject=Subject(kind="network", name="n", sha256="0", architecture=architecture.to_dict()),
        target=TARGET,
        conditions=Conditions(wall_time=NOW.isoformat()),
        warmup_ns=(),
        samples_ns=((round(ms * 1e6),),),
        verdict="clean",
    )


def test_a_column_by_hand():
    spill = Spill(np.array([50_000.0, 200_000.0]))
    found = spill.columns([network("conv_k3", "conv_k3", "sep_k3")])
    # 576 + 2 * 36,864 + 4,672 = 78,976 weights; with 64 * 8 * 8 values read and as many written by
    # every block, and 64 + 4,096 by the stem, 107,712 values. Three copies of conv_k3 touch
    # 135,168; one of them, and three of sep_k3, fit into either.
    whole, of_chain = 107_712 / 50_000, 135_168 / 50_000
    row = 3 * 36_864 * (of_chain - 1) / 2 / 2
    assert found.tolist() == [[pytest.approx(78_976 * (whole - 1) / 2 - 2 * row), 0.0]]


def test_where_every_block_is_beyond_the_cache_the_table_has_it_all():
    spill = Spill(np.array([100.0]))
    # all 5,248 weights: 576 of them in the offset, (3 * 4,672 - 4,672) / 2 in the row
    assert spill.columns([network("sep_k3")]).tolist() == [[5_248 - 576 - 4_672]]


def test_a_block_that_cannot_follow_itself_has_what_one_copy_loses():
    spill = Spill(np.array([10_000.0]))
    reducing = BlockSpec("conv_k3", 64, 64, 8, 8, stride=2)  # 36,864 weights, 41,984 values
    rows = (Row("stem", STEM), Row("a", reducing, searched=True))
    found = spill.columns([Architecture("cell", (1, 8, 8), 10, rows)])
    # 46,720 values with the stem: either is beyond 3 K, where all weights are gone, but the stem
    # alone is not beyond K
    assert found.tolist() == [[576 + 36_864 - 36_864]]


def test_small_networks_own_operations_and_one_network_alone_have_no_columns():
    deep, flat = network(*["conv_k3"] * 6), network("sep_k3")
    assert len(Spill.over([deep, flat], table().rows).knees) > 0
    assert Spill.over([deep], table().rows).columns([deep]).shape == (1, 0)
    assert len(Spill.over([flat, network()], table().rows).knees) == 0
    assert len(Spill.over([deep, flat], [*table().rows, "own:4x6x6-4:s1:relu"]).knees) == 0


def test_knees_lie_between_the_smallest_and_the_largest_network():
    found = [network("sep_k3"), network(*["conv_k3"] * 8)]
    knees = Spill.over(found, table().rows).knees
    assert knees[0] == pytest.approx(LEAST_VALUES)
    assert knees[-1] < 4_736 + 8 * 45_056
    assert (np.diff(knees) > 0).all()


def world(seed: int, n: int, weight_ms: float) -> list[tuple[Architecture, Measurement]]:
    """Networks on a machine whose cache holds CACHE values, measured within 0.3 %."""
    rng = np.random.default_rng(seed)
    cache = Spill(np.array([float(CACHE)]))
    found = []
    for _ in range(n):
        architecture = network(*rng.choice(list(OPS_MS), rng.integers(1, 11)))
        extra = weight_ms * cache.columns([architecture])[0, 0]
        ms = (table().sum_ms(architecture) + extra) * (1 + 0.003 * rng.standard_normal())
        found.append((architecture, measured(architecture, ms)))
    return found


def errors(calibration: Calibration, networks: list[tuple[Architecture, Measurement]]) -> float:
    truth = np.array([m.samples_ns[0][0] / 1e6 for _, m in networks])
    predicted = np.array([calibration.predict(a).mean_ms for a, _ in networks])
    return float(np.abs(predicted / truth - 1).mean())


def test_a_cache_is_found_out_from_ten_networks():
    others = world(1, 40, WEIGHT_MS)
    calibration = fit(table(), world(0, 10, WEIGHT_MS), now=NOW)
    sums = np.array([table().sum_ms(a) for a, _ in others])
    truth = np.array([m.samples_ns[0][0] / 1e6 for _, m in others])
    assert np.abs(sums / truth - 1).mean() > 0.04
    assert errors(calibration, others) < 0.02
    assert calibration.coefficients.spill_ms.sum() == pytest.approx(WEIGHT_MS, rel=0.5)


def test_without_a_cache_to_leave_nothing_is_made_up():
    calibration = fit(table(), world(0, 10, 0.0), now=NOW)
    assert errors(calibration, world(1, 40, 0.0)) < 0.004
    assert abs(calibration.coefficients.spill_ms.sum()) < 0.05 * WEIGHT_MS


def test_a_folded_table_has_no_spill_and_says_what_small_networks_take():
    calibration = fit(table(), world(0, 30, WEIGHT_MS), now=NOW)
    small = network("sep_k3", "sep_k3")
    assert not calibration.spill.columns([small]).any()
    assert calibration.fold().sum_ms(small) == pytest.approx(calibration.predict(small).mean_ms)


def test_it_is_read_back():
    calibration = fit(table(), world(0, 10, WEIGHT_MS), now=NOW)
    again = Calibration.from_dict(calibration.to_dict())
    deep = network(*["conv_k3"] * 9)
    assert again.predict(deep) == calibration.predict(deep)

from datetime import datetime, timezone

import pytest

from edge.calibration import fit
from edge.record import Conditions, Measurement, Subject
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableRow
from pipeline.heldout import HeldOut, compare, scores, to_csv
from tests.pipeline.made_up import TARGET

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
BLOCK = BlockSpec("conv_k3", 4, 4, 8, 8)
TABLE = Table(TARGET, 1.0, {BLOCK.key: TableRow(0.5, 0.5, 0.5, 100, "clean", NOW.isoformat())})


def measured(role, ms, blocks):
    rows = tuple(Row(f"b{n}", BLOCK, searched=True) for n in range(blocks))
    architecture = Architecture("toy", (4, 8, 8), 3, rows)
    subject = Subject(
        kind="network", name=f"{role}-{blocks}", sha256="0", role=role,
        architecture=architecture.to_dict(),
    )  # fmt: skip
    return architecture, Measurement(
        subject=subject,
        target=TARGET,
        conditions=Conditions(wall_time=NOW.isoformat()),
        warmup_ns=(),
        samples_ns=((round(ms * 1e6),),),
        verdict="clean",
    )


def test_only_what_was_not_fitted_is_compared():
    fitted = [measured("anchor", 2.0, 2), measured("member", 2.5, 3)]
    calibration = fit(TABLE, fitted, now=NOW)
    heldout = [measured("heldout", 2.4, 3), measured("heldout", 3.1, 4)]
    (found,) = compare(calibration, [*fitted, *heldout])  # the network of 3 came back
    assert (found.name, found.measured_ms, found.table_ms) == ("heldout-4", 3.1, 3.0)
    assert found.lo_ms < found.predicted_ms < found.hi_ms


def test_scores_by_hand():
    heldout = [
        HeldOut("a", predicted_ms=1.02, lo_ms=0.9, hi_ms=1.1, measured_ms=1.0, table_ms=1.1),
        HeldOut("b", predicted_ms=1.88, lo_ms=1.8, hi_ms=1.9, measured_ms=2.0, table_ms=2.6),
        HeldOut("c", predicted_ms=3.48, lo_ms=2.9, hi_ms=4.0, measured_ms=3.0, table_ms=3.0),
        HeldOut("d", predicted_ms=3.44, lo_ms=3.0, hi_ms=4.0, measured_ms=4.0, table_ms=4.0),
    ]  # errors +2 %, -6 %, +16 %, -14 %; the order of c and d is wrong
    assert scores(heldout) == {
        "heldout": 4,
        "heldout_error_percent": pytest.approx((2 + 6 + 16 + 14) / 4),
        "heldout_bias_percent": pytest.approx((2 - 6 + 16 - 14) / 4),
        "heldout_table_error_percent": pytest.approx((10 + 30 + 0 + 0) / 4),
        "heldout_spearman": pytest.approx(1 - 6 * 2 / (4 * 15)),
        "heldout_coverage": 0.75,
        "heldout_within_5_percent": 0.25,
        "heldout_within_10_percent": 0.5,
    }


def test_without_held_out_networks_there_is_nothing_to_score():
    assert scores([]) == {"heldout": 0}


def test_the_plot_data_are_csv():
    heldout = [HeldOut("a", 1.02, 0.9, 1.1, 1.0, 1.1)]
    assert to_csv(heldout) == (
        "name,predicted_ms,lo_ms,hi_ms,measured_ms,table_ms\n"
        "a,1.020000,0.900000,1.100000,1.000000,1.100000\n"
    )

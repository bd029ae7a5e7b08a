from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pytest

from edge.observed import USABLE, HalfLifeError, Observed, observe
from edge.record import Conditions, Measurement, Subject, Target, Verdict
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableRow

NOW = datetime(2026, 7, 1, tzinfo=timezone.utc)
TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)
CONV = BlockSpec("conv_k3", 16, 16, 14, 14)
SKIP = BlockSpec("skip", 16, 16, 14, 14)
TABLE = Table(TARGET, 0.5, {CONV.key: TableRow(0.2, 0.2, 0.2, 9, "clean", NOW.isoformat())})


def architecture(*blocks: BlockSpec) -> Architecture:
    rows = tuple(Row(f"b{i}", block, searched=True) for i, block in enumerate(blocks))
    return Architecture("mbconv", (1, 28, 28), 10, rows)


def measured(
    ms: float, *blocks: BlockSpec, age_days: float = 0, **changes: object
) -> tuple[Architecture, Measurement]:
    network = architecture(*blocks)
    fields = {
        "subject": Subject(
            kind="network", name="n", sha256="0", role="anchor", architecture=network.to_dict()
        ),
        "target": TARGET,
        "conditions": Conditions(wall_time=(NOW - timedelta(days=age_days)).isoformat()),
        "warmup_ns": (),
        "samples_ns": ((round(ms * 1e6),),),
        "verdict": "clean",
    }
    return network, Measurement.model_validate({**fields, **changes})


def seen(networks: Sequence[tuple[Architecture, Measurement]], *accept: Verdict) -> Observed:
    return observe(TABLE, networks, half_life_days=180, now=NOW, accept=accept or USABLE)


def test_a_fresh_record_has_variance_one() -> None:
    (one,) = seen([measured(1.0, CONV)]).observations
    assert (one.measured_ms, one.variance) == (pytest.approx(1.0), pytest.approx(1.0))


def test_repeats_enter_as_one_mean_with_less_variance() -> None:
    repeats = [measured(1.0, CONV), measured(1.3, CONV)]
    (one,) = seen(repeats).observations
    assert one.measured_ms == pytest.approx(1.15)
    assert one.variance == pytest.approx(0.85 + 0.15 / 2)


def test_where_the_identity_stands_does_not_matter() -> None:
    (one,) = seen([measured(1.0, CONV, SKIP), measured(1.2, SKIP, CONV)]).observations
    assert one.measured_ms == pytest.approx(1.1)


def test_an_old_record_fades() -> None:
    (one,) = seen([measured(1.0, CONV, age_days=180)]).observations
    assert one.variance == pytest.approx(2.0)
    # weights 1 and 1/2: mean (1.0 + 0.65) / 1.5, effective n 2.25 / 1.25, freshness 1.25 / 1.5
    (two,) = seen([measured(1.0, CONV), measured(1.3, CONV, age_days=180)]).observations
    assert two.measured_ms == pytest.approx(1.1)
    assert two.variance == pytest.approx((0.85 + 0.15 / 1.8) * 1.2)


def test_the_future_is_not_fresher_than_now() -> None:
    (one,) = seen([measured(1.0, CONV, age_days=-300)]).observations
    assert one.variance == pytest.approx(1.0)


def test_what_does_not_belong_is_counted_with_its_reason() -> None:
    strange = BlockSpec("sep_k3", 16, 16, 14, 14)
    networks = [
        measured(1.0, CONV),
        measured(1.0, CONV, verdict="suspect"),
        measured(2.0, CONV, target=TARGET.model_copy(update={"threads": 4})),
        measured(3.0, CONV, target=TARGET.model_copy(update={"threads": 2})),
        measured(1.0, strange),
    ]
    observed = seen(networks)
    assert len(observed.observations) == 1
    assert observed.ignored == {
        "holds a block that is not in the table": 1,
        "measured on another target": 2,
        "verdict suspect": 1,
    }


def test_suspects_are_let_in_on_demand_and_weigh_half_beside_usable_ones() -> None:
    both = [measured(1.0, CONV), measured(1.5, CONV, verdict="suspect")]
    (one,) = seen(both, "clean", "suspect").observations
    assert one.measured_ms == pytest.approx((1.0 + 0.5 * 1.5) / 1.5)
    networks = [measured(0.7), measured(1.5, CONV, verdict="suspect")]
    variances = sorted(found.variance for found in seen(networks, "clean", "suspect").observations)
    assert variances == [pytest.approx(1.0), pytest.approx(0.85 + 0.15 / 0.5)]


def test_among_themselves_suspects_have_full_weight() -> None:
    (one,) = seen([measured(1.5, CONV, verdict="suspect")], "suspect").observations
    assert one.variance == pytest.approx(1.0)


def test_the_same_record_twice_is_one_record() -> None:
    once = [measured(1.0, CONV)]
    assert seen(once * 3) == seen(once)


def test_half_life_must_be_positive() -> None:
    with pytest.raises(HalfLifeError, match="must be positive"):
        observe(TABLE, [], half_life_days=0, now=NOW)

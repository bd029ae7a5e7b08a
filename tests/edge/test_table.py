from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.record import Conditions, Measurement, Subject, Target
from edge.spec import Architecture, BlockSpec, Row
from edge.table import MixedTargets, Table, TableError, TableRow, UnknownBlock

TARGET = Target(
    device="board", runtime="ort", runtime_version="1", provider="cpu", precision="fp32", threads=1
)
CONV = BlockSpec("conv_k3", 16, 16, 14, 14)
SEP = BlockSpec("sep_k3", 16, 16, 14, 14)
SKIP = BlockSpec("skip", 16, 16, 14, 14)
TRUNK = BlockSpec("conv_k3", 16, 32, 14, 14, stride=2)


def architecture(*blocks: BlockSpec) -> Architecture:
    rows = [Row(f"b{i}", block, searched=True) for i, block in enumerate(blocks)]
    return Architecture("mbconv", (1, 28, 28), 10, (*rows, Row("down", TRUNK)))


def measurement(subject: Subject, *block_ms: float, **changes: object) -> Measurement:
    """One record; every number is one block of runs."""
    day = changes.pop("day", 1)
    fields = {
        "subject": subject,
        "target": TARGET,
        "conditions": Conditions(
            wall_time=datetime(2026, 1, int(str(day)), tzinfo=timezone.utc).isoformat()
        ),
        "warmup_ns": (),
        "samples_ns": tuple((round(ms * 1e6),) for ms in block_ms),
        "verdict": "clean",
    }
    return Measurement.model_validate({**fields, **changes})


def chain(block: BlockSpec, repeat: int, *block_ms: float, **changes: object) -> Measurement:
    subject = Subject(kind="chain", name="c", sha256="0", block=block.key, repeat=repeat)
    return measurement(subject, *block_ms, **changes)


def base(block_ms: float, *blocks: BlockSpec, **changes: object) -> Measurement:
    data = architecture(*blocks).to_dict()
    subject = Subject(kind="network", name="base", sha256="0", role="base", architecture=data)
    return measurement(subject, block_ms, **changes)


RECORDS = [chain(CONV, 1, 1.0), chain(CONV, 3, 1.8), chain(SEP, 1, 0.5), chain(SEP, 3, 0.7)]


def test_a_block_that_cannot_follow_itself_is_one_copy_minus_none():
    rows = Table.from_measurements([chain(CONV, 0, 0.5), chain(CONV, 1, 1.25), base(0.9)]).rows
    assert rows[CONV.key].latency_ms == pytest.approx(0.75)


def test_block_is_half_of_three_copies_minus_one() -> None:
    table = Table.from_measurements([*RECORDS, base(0.9, SKIP, SKIP)])
    assert table.latency_ms(CONV) == pytest.approx((1.8 - 1.0) / 2)
    assert table.latency_ms(SEP.key) == pytest.approx((0.7 - 0.5) / 2)


def test_offset_is_the_base_network_minus_its_blocks() -> None:
    table = Table.from_measurements([*RECORDS, base(0.9, SEP, SKIP)])
    assert table.offset_ms == pytest.approx(0.9 - 0.1)
    assert table.sum_ms(architecture(SEP, SKIP)) == pytest.approx(0.9)
    assert table.sum_ms(architecture(CONV, CONV)) == pytest.approx(0.8 + 0.4 + 0.4)


def around(width: int, *blocks: BlockSpec) -> Architecture:
    """Blocks behind a fixed layer of some width."""
    stem = Row("stem", BlockSpec("conv_k3", 1, width, 8, 8, 2))
    rows = [Row(f"b{n}", block, searched=True) for n, block in enumerate(blocks)]
    return Architecture("test", (1, 8, 8), 2, (stem, *rows))


def base_around(width: int, block_ms: float, *blocks: BlockSpec) -> Measurement:
    data = around(width, *blocks).to_dict()
    subject = Subject(kind="network", name="base", sha256="0", role="base", architecture=data)
    return measurement(subject, block_ms)


def test_fixed_layers_of_several_widths_have_an_offset_each() -> None:
    bases = [base_around(2, 0.5, SEP), base_around(4, 0.9, SKIP)]
    table = Table.from_measurements([*RECORDS, *bases])
    assert table.sum_ms(around(2, CONV)) == pytest.approx(0.5 - 0.1 + 0.4)
    assert table.sum_ms(around(4, SEP)) == pytest.approx(0.9 + 0.1)
    assert table.offset_ms == pytest.approx(0.4)  # nothing gets below the fastest
    with pytest.raises(UnknownBlock, match="no network of these widths"):
        table.sum_ms(around(8, CONV))


def test_the_offsets_survive_a_round_trip(tmp_path: Path) -> None:
    bases = [base_around(2, 0.5, SEP), base_around(4, 0.9, SKIP)]
    table = Table.from_measurements([*RECORDS, *bases])
    assert Table.from_dict(table.to_dict()) == table
    table.write(tmp_path)
    assert Table.read(tmp_path).offsets_ms == table.offsets_ms


def test_interval_adds_the_errors_of_both_chains_in_quadrature() -> None:
    one = chain(CONV, 1, 0.7, 1.0, 1.3)  # fewer than five blocks: the interval is their range
    three = chain(CONV, 3, 1.4, 1.8, 2.2)
    row = Table.from_measurements([one, three, base(0.9)]).rows[CONV.key]
    assert row.latency_ms == pytest.approx(0.4)
    assert row.hi_ms == pytest.approx(0.4 + (0.3**2 + 0.4**2) ** 0.5 / 2)
    assert row.lo_ms == pytest.approx(0.4 - 0.25)
    assert row.n == 6


def test_a_chain_that_is_faster_than_one_copy_costs_nothing() -> None:
    row = Table.from_measurements([chain(CONV, 1, 1.0), chain(CONV, 3, 0.8), base(0.9)]).rows
    assert (row[CONV.key].latency_ms, row[CONV.key].lo_ms) == (0.0, 0.0)


def test_repeated_records_give_their_median() -> None:
    repeats = [chain(CONV, 3, ms, day=day) for day, ms in enumerate((1.8, 2.0, 9.0), 1)]
    row = Table.from_measurements([chain(CONV, 1, 1.0), *repeats, base(0.9)]).rows[CONV.key]
    assert row.latency_ms == pytest.approx((2.0 - 1.0) / 2)
    assert row.when.startswith("2026-01-03")


def test_the_same_record_twice_counts_once() -> None:
    once = [*RECORDS, base(0.9, SKIP)]
    assert Table.from_measurements(once * 2) == Table.from_measurements(once)


def test_usable_records_are_preferred_and_the_row_says_so() -> None:
    noisy = chain(CONV, 3, 9.0, verdict="suspect")
    clean = Table.from_measurements([*RECORDS, noisy, base(0.9)]).rows[CONV.key]
    assert (clean.verdict, clean.latency_ms) == ("clean", pytest.approx(0.4))
    only = Table.from_measurements([RECORDS[0], noisy, base(0.9)]).rows[CONV.key]
    assert (only.verdict, only.latency_ms) == ("suspect", pytest.approx(4.0))


def test_other_networks_do_not_matter() -> None:
    other = base(7.0, CONV)
    anchor = other.model_copy(update={"subject": other.subject.model_copy(update={"role": "x"})})
    records = [*RECORDS, base(0.9)]
    assert Table.from_measurements([*records, anchor]) == Table.from_measurements(records)


def test_identity_costs_nothing_and_an_unknown_block_says_profile() -> None:
    table = Table.from_measurements([*RECORDS, base(0.9)])
    assert table.latency_ms(SKIP) == 0.0
    with pytest.raises(UnknownBlock, match="measure anew: dvc repro profile") as caught:
        table.latency_ms(TRUNK)
    assert TRUNK.key in str(caught.value)
    assert isinstance(caught.value, KeyError)


def test_two_targets_are_refused_and_both_named() -> None:
    other = TARGET.model_copy(update={"device": "other board"})
    with pytest.raises(MixedTargets, match=r"(?s)board / ort.*other board / ort|other.*board"):
        Table.from_measurements([*RECORDS, base(0.9), chain(CONV, 3, 1.0, target=other)])


_OTHERS = {
    "device": "other",
    "runtime": "litert",
    "runtime_version": "2",
    "provider": "cuda",
    "precision": "int8",
    "threads": 2,
    "batch": 2,
    "power_mode": "15W",
}


@given(
    st.dictionaries(st.sampled_from(sorted(_OTHERS)), st.none(), min_size=1),
    st.sets(st.integers(0, 4), min_size=1, max_size=4),
    st.permutations(range(5)),
)
def test_mixing_targets_always_raises(
    changed: dict[str, None], which: set[int], order: list[int]
) -> None:
    """Whatever differs, in whichever of the records, in any order: but never in all of them."""
    other = TARGET.model_copy(update={field: _OTHERS[field] for field in changed})
    records = [*RECORDS, base(0.9)]
    for place in which:
        records[place] = records[place].model_copy(update={"target": other})
    with pytest.raises(MixedTargets):
        Table.from_measurements([records[place] for place in order])


def test_no_base_network_means_no_offset() -> None:
    with pytest.raises(TableError, match="no measured base network"):
        Table.from_measurements(RECORDS)


latencies_ms = st.integers(0, 10**10).map(lambda ns: ns / 1e6)


@given(st.lists(latencies_ms, min_size=3, max_size=3), st.sampled_from(["clean", "suspect"]))
def test_files_round_trip_to_the_nanosecond(tmp_path_factory, numbers, verdict) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("table")
    row = TableRow(*numbers, n=7, verdict=verdict, when="2026-01-01T00:00:00+00:00")
    table = Table(TARGET, numbers[0], {CONV.key: row})
    table.write(folder)
    read = Table.read(folder)
    assert (read.target, read.offset_ms) == (TARGET, numbers[0])
    again = read.rows[CONV.key]
    assert (again.latency_ms, again.lo_ms, again.hi_ms) == pytest.approx(numbers, abs=1e-6)
    assert (again.n, again.verdict, again.when) == (7, row.verdict, row.when)


def test_csv_is_sorted_and_in_microseconds(tmp_path) -> None:  # type: ignore[no-untyped-def]
    Table.from_measurements([*reversed(RECORDS), base(0.9)]).write(tmp_path)
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert lines[0] == "block,latency_us,lo_us,hi_us,n,verdict,when"
    assert lines[1].startswith("conv_k3:16x14x14-16:s1:relu,400.000,400.000,400.000,2,clean,2026-")
    assert lines[2].startswith("sep_k3:16x14x14-16:s1:relu,100.000,")


def test_missing_and_malformed_files_say_what_to_do(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TableError, match=r"table\.json is missing; make it with: dvc repro"):
        Table.read(tmp_path)
    Table.from_measurements([*RECORDS, base(0.9)]).write(tmp_path)
    path = tmp_path / "table.csv"
    path.write_text(path.read_text().replace("clean", "fine"))
    with pytest.raises(TableError, match="measure anew: dvc repro -sf profile"):
        Table.read(tmp_path)
    (tmp_path / "table.json").write_text('{"version": 9}')
    path.write_text("block\n")
    with pytest.raises(TableError, match="format 9 is not 1"):
        Table.read(tmp_path)

"""What a device measured comes back: into the table, the extraction and the pick."""

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from edge import record
from edge.feedback import intake
from edge.latencies import latency_of
from edge.pick import pick
from edge.record import Conditions, Measurement, Subject
from edge.table import Table, TableRow
from pipeline import calibrate, measure
from pipeline.extraction.candidates import Found, Predictor
from pipeline.extraction.choose import best_within
from pipeline.params import Params
from tests.pipeline.made_up import TARGET, small_space
from tests.pipeline.report.made_up import FAST, SLOW, manifest

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
SPACE = small_space("skip", "sep_k3", "conv_k3")
SKIP, SEP, CONV = range(3)
EVERY = [(one, other) for one in range(3) for other in range(one, 3)]
OFFSET_MS = 1.0
COST_MS = {"skip": 0.0, "sep_k3": 0.2, "conv_k3": 0.4}
DEARER_MS = COST_MS | {"conv_k3": 0.6}  # what the board really takes for it


def measured(choices, cost_ms, role):
    """300 equal runs of a network."""
    ms = OFFSET_MS + sum(cost_ms[SPACE.operations[choice]] for choice in choices)
    return Measurement(
        subject=Subject(
            kind="network",
            name=role,
            sha256="0",
            role=role,
            architecture=SPACE.architecture(choices).to_dict(),
        ),
        target=TARGET,
        conditions=Conditions(wall_time=NOW.isoformat()),
        warmup_ns=(),
        samples_ns=((round(ms * 1e6),) * 100,) * 3,
        verdict="clean",
    )


def write_profile(root):
    """The profile of a machine on which everything costs what the table says."""
    prices = {block.key: COST_MS[block.op] for block in SPACE.blocks}
    when = NOW.isoformat()
    rows = {key: TableRow(ms, ms, ms, 9, "clean", when) for key, ms in prices.items()}
    Table(TARGET, OFFSET_MS, rows).write(root / measure.FOLDER)
    for choices in EVERY:
        role = "base" if choices == (SKIP, SKIP) else "anchor"
        record.append(root / measure.RECORDS_FILE, measured(choices, COST_MS, role))


def recalibrate(root):
    """The folded table, and the calibration that the extraction predicts with."""
    calibrate.run(Params(), root=root)
    folded = Table.read(root / calibrate.FOLDER)
    return folded, calibrate.read_calibration(root / calibrate.CALIBRATION_FILE)


@pytest.fixture(scope="module")
def before_and_after(tmp_path_factory):
    """The calibration, and the one after a board's report was added."""
    root = tmp_path_factory.mktemp("project")
    write_profile(root)
    before = recalibrate(root)
    for choices in EVERY:
        record.append(root / "report.jsonl", measured(choices, DEARER_MS, "member"))
    (result,) = intake.add([root / "report.jsonl"], root / calibrate.MEASUREMENTS, NOW)
    assert (result.added, result.refused) == (len(EVERY), ())
    return before, recalibrate(root)


def test_the_folded_table_has_moved_towards_what_the_board_took(before_and_after):
    (old, _), (new, _) = before_and_after
    conv, sep = (next(b for b in SPACE.blocks if b.op == op) for op in ("conv_k3", "sep_k3"))
    assert old.latency_ms(conv) == pytest.approx(0.4, abs=0.005)
    assert old.latency_ms(sep) == pytest.approx(0.2, abs=0.005)
    # Each network was measured twice, once on either side: the mean of the two counts.
    assert new.latency_ms(conv) == pytest.approx(0.5, abs=0.02)
    assert new.latency_ms(sep) == pytest.approx(0.2, abs=0.02)


def test_the_extraction_chooses_another_network_for_the_same_budget(before_and_after):
    cross_entropy = {(CONV, CONV): 1.0, (SEP, CONV): 1.1, (SEP, SEP): 1.2}

    def judged(calibration):
        predictor = Predictor(SPACE, calibration, percentile=95)
        scores = {SPACE.canonical(choices): ce for choices, ce in cross_entropy.items()}
        found = predictor.candidates(Found(choices, "argmax") for choices in scores)
        return {c.choices: replace(c, cross_entropy=scores[c.choices]) for c in found}

    (_, old), (_, new) = before_and_after
    dense, mixed = (SPACE.canonical(choices) for choices in ((CONV, CONV), (SEP, CONV)))
    budget_ms = 1.01 * judged(old)[dense].bound_ms
    chosen = [best_within(list(judged(c).values()), budget_ms) for c in (old, new)]
    assert [c.choices for c in chosen] == [dense, mixed]


def test_pick_names_another_member_once_the_board_has_measured_it():
    """A family holds what `verify` measured; a slower record makes a slower member."""

    def family(cost_ms):
        records = [measured(choices, cost_ms, "member") for choices in ((CONV, CONV), (SEP, SEP))]
        dense, light = map(latency_of, records)
        return manifest(
            SLOW.model_copy(update={"latencies": (dense,)}),
            FAST.model_copy(update={"latencies": (light,)}),
        )

    assert pick(family(COST_MS), 2.0, now=NOW).name == SLOW.name  # 1.8 ms
    assert pick(family(DEARER_MS), 2.0, now=NOW).name == FAST.name  # 2.2 ms, and 1.4 ms

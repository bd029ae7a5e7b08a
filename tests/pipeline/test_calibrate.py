import re
from datetime import datetime, timedelta, timezone

import pytest

from edge import record
from edge.calibration import CalibrationError
from edge.record import Conditions, Measurement, Subject
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableError, TableRow
from pipeline import measure, metrics, plots
from pipeline.calibrate import accepted, calibrate, read_calibration, report, run
from pipeline.params import CalibrateParams, Params
from tests.pipeline.made_up import TARGET

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
STEM = BlockSpec("conv_k3", 1, 4, 8, 8)
BLOCK = BlockSpec("conv_k3", 4, 4, 8, 8)
TABLE = Table(TARGET, 1.0, {BLOCK.key: TableRow(0.5, 0.5, 0.5, 100, "clean", NOW.isoformat())})
ELSEWHERE = TARGET.model_copy(update={"threads": 4})
ONLY_USABLE = CalibrateParams(accept="usable")
LOAD = "others used 61.0% of the CPU"


def measured(role, blocks, ms, *, stem=STEM, target=TARGET, verdict="clean", age_days=0):
    rows = [Row("stem", stem), *(Row(f"b{n}", BLOCK, searched=True) for n in range(blocks))]
    architecture = Architecture("toy", (1, 8, 8), 3, tuple(rows))
    subject = Subject(
        kind="network", name=f"{role}-{blocks}", sha256="0", role=role,
        architecture=architecture.to_dict(),
    )  # fmt: skip
    return architecture, Measurement(
        subject=subject,
        target=target,
        conditions=Conditions(wall_time=(NOW - timedelta(days=age_days)).isoformat()),
        warmup_ns=(),
        samples_ns=((round(ms * 1e6),),),
        verdict=verdict,
        reasons=() if verdict == "clean" else (LOAD,),
    )


def session(verdict="clean", factor=1.2):
    """A base and four anchors, all slower than the table by `factor`, and a held-out network."""
    roles = {0: "base", 1: "anchor", 2: "anchor", 4: "anchor", 6: "anchor", 5: "heldout"}
    return [
        measured(role, blocks, factor * (1 + 0.5 * blocks), verdict=verdict)
        for blocks, role in roles.items()
    ]


def test_the_held_out_network_is_predicted_and_not_fitted():
    result = calibrate(TABLE, session(), [], CalibrateParams())
    assert result.calibration.n == 4
    (heldout,) = result.heldout
    assert heldout.predicted_ms == pytest.approx(1.2 * 3.5, rel=0.01)
    assert (heldout.measured_ms, heldout.table_ms) == (pytest.approx(4.2), 3.5)
    assert (result.ignored, result.warnings) == ({}, ())


def test_what_devices_sent_back_counts():
    member = measured("member", 5, 4.4)
    result = calibrate(TABLE, session(), [member], CalibrateParams())
    assert result.calibration.n == 5
    assert result.heldout == ()  # the same network: it is not held out any more


def test_what_does_not_belong_is_counted():
    elsewhere = measured("member", 3, 3.0, target=ELSEWHERE)
    wider = BlockSpec("conv_k3", 1, 8, 8, 8)
    feedback = [elsewhere, measured("member", 3, 9.0, stem=wider), measured("member", 3, 3.0)]
    result = calibrate(TABLE, session(), feedback, CalibrateParams())
    assert result.ignored == {"measured on another target": 1, "around other fixed layers": 1}
    assert result.calibration.n == 5
    assert "ignored 1 records: around other fixed layers" in report(result)


@pytest.mark.parametrize("feedback", [[], [measured("member", 3, 3.0, target=ELSEWHERE)]])
def test_without_a_network_to_fit_the_table_predicts_alone_and_it_is_told(feedback):
    """`profile.anchors: 0`, and nothing that this target sent back."""
    judges = [one for one in session() if one[1].subject.role in ("base", "heldout")]
    result = calibrate(TABLE, judges, feedback, CalibrateParams())
    assert result.calibration.n == 0
    assert result.heldout[0].predicted_ms == pytest.approx(3.5)
    (warning,) = result.warnings
    assert warning.startswith("only 0 usable measurements of whole networks: ")
    assert "profile.anchors" in warning


def verdicts_of(**counts):
    names = [name.replace("_", "-") for name, n in counts.items() for _ in range(n)]
    return [measured("anchor", n, 1.0, verdict=name)[1] for n, name in enumerate(names)]


@pytest.mark.parametrize(
    ("accept", "measurements", "suspect", "warning"),
    [
        ("auto", verdicts_of(clean=10, suspect=9), False, None),
        ("auto", verdicts_of(clean=9, suspect=1), True, "with only 9 usable .* 1 suspect"),
        ("auto", verdicts_of(clean=1, clean_unverified=2), False, None),
        ("auto", verdicts_of(clean=2, suspect=9), True, "with only 2 usable .* 9 suspect"),
        ("auto", verdicts_of(clean=2), False, "only 2 usable"),
        ("suspect", verdicts_of(suspect=9), True, None),
        ("suspect", verdicts_of(clean=9), True, None),
        ("usable", verdicts_of(clean=3, suspect=9), False, None),
        ("usable", verdicts_of(suspect=9, invalid=1), False, "only 0 usable"),
    ],
)
def test_which_verdicts_count(accept, measurements, suspect, warning):
    verdicts, warnings = accepted(measurements, accept)
    assert verdicts == ("clean", "clean-unverified", *(["suspect"] if suspect else []))
    assert len(warnings) == (warning is not None)
    assert all(re.search(str(warning), said) for said in warnings)


def test_on_a_busy_machine_suspect_records_count_and_it_says_why():
    result = calibrate(TABLE, session("suspect"), [], CalibrateParams())
    assert result.calibration.n == 4
    (warning,) = result.warnings
    assert f"{LOAD} (at worst; 4 records)" in warning
    assert "calibrate.accept" in warning


def test_refused_suspects_leave_the_table_with_a_warning():
    result = calibrate(TABLE, session("suspect"), [], ONLY_USABLE)
    assert result.calibration.n == 0
    assert result.heldout[0].predicted_ms == pytest.approx(3.5)
    assert "only 0 usable" in result.warnings[0]
    assert result.ignored == {"verdict suspect": 4}


def test_beside_enough_usable_records_suspects_count_on_demand():
    usable = [measured("member", blocks, 1.2 * (1 + 0.5 * blocks)) for blocks in range(7, 13)]
    feedback = [*usable, measured("member", 3, 9.0, verdict="suspect")]
    with_it = calibrate(TABLE, session(), feedback, CalibrateParams(accept="suspect"))
    without = calibrate(TABLE, session(), feedback, CalibrateParams())
    assert (with_it.calibration.n, without.calibration.n) == (11, 10)
    assert without.ignored == {"verdict suspect": 1}


def write_profile(root, networks):
    TABLE.write(root / measure.FOLDER)
    for _, m in networks:
        record.append(root / measure.RECORDS_FILE, m)


def outputs(root):
    folder = root / "results/calibrate"
    paths = [*sorted(folder.iterdir()), root / plots.HELDOUT, root / metrics.file("calibrate")]
    return {path.name: path.read_bytes() for path in paths}


def test_the_stage_is_a_function_of_its_files(tmp_path, capsys):
    write_profile(tmp_path, session())
    run(Params(), root=tmp_path)
    first = outputs(tmp_path)
    assert list(first) == [
        "calibration.json",
        "table.csv",
        "table.json",
        "heldout.csv",
        "calibrate.json",
    ]
    run(Params(), root=tmp_path)
    assert outputs(tmp_path) == first
    assert "calibrated with 4 networks\n  1 networks that nothing" in capsys.readouterr().out


def test_what_was_written_is_read_back(tmp_path):
    write_profile(tmp_path, session())
    run(Params(), root=tmp_path)
    found = read_calibration(tmp_path / "results/calibrate/calibration.json")
    wanted = calibrate(TABLE, session(), [], CalibrateParams()).calibration
    architecture, _ = measured("x", 3, 1.0)
    assert found.predict(architecture) == wanted.predict(architecture)
    folded = Table.read(tmp_path / "results/calibrate")
    assert folded.sum_ms(architecture) == pytest.approx(found.predict(architecture).mean_ms)


def test_the_metrics_are_flat_numbers(tmp_path):
    write_profile(tmp_path, session())
    run(Params(), root=tmp_path)
    numbers = metrics.read("calibrate", tmp_path)
    assert (numbers["networks"], numbers["heldout"], numbers["ignored_records"]) == (4, 1, 0)
    assert numbers["heldout_table_error_percent"] == pytest.approx(100 * (1 - 1 / 1.2))
    assert {"scale", "left_out_error_percent", "p95_ratio", "outliers"} < numbers.keys()
    assert {type(value) for value in numbers.values()} <= {int, float}


def test_records_age_up_to_the_latest_one_or_to_now(tmp_path):
    write_profile(tmp_path, session())
    record.append(
        tmp_path / "measurements/board.jsonl", measured("member", 3, 3.9, age_days=400)[1]
    )
    run(Params(), root=tmp_path)
    first = outputs(tmp_path)
    run(Params(), now=NOW, root=tmp_path)
    assert outputs(tmp_path) == first
    run(Params(), now=NOW + timedelta(days=400), root=tmp_path)
    assert outputs(tmp_path)["calibration.json"] != first["calibration.json"]


def test_without_a_profile_it_says_what_to_run(tmp_path):
    with pytest.raises(TableError, match="make it with: dvc repro"):
        run(Params(), root=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "make it: dvc repro calibrate"),
        ("{", "make it again: dvc repro -sf calibrate"),
        ("[]", "make it again: dvc repro -sf calibrate"),
        ('{"version": 1}', "make it again: dvc repro -sf calibrate"),
    ],
)
def test_a_calibration_that_cannot_be_read(tmp_path, text, message):
    path = tmp_path / "calibration.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CalibrationError, match=message):
        read_calibration(path)

import json
from dataclasses import asdict
from datetime import datetime, timezone

import pytest

from edge import calibration, record
from edge.bench import Failure
from edge.family import Artifact, Family, IntegrityError, Manifest, Member
from edge.files import sha256_of
from edge.record import Conditions, Measurement
from edge.spec import Architecture, BlockSpec, Row
from edge.table import Table, TableRow
from pipeline import export, metrics, plots, verify
from pipeline.params import Params, TargetParams
from pipeline.targets import StaleTargets
from pipeline.verify import VerifyError
from tests.pipeline.made_up import TARGET, checked
from tests.pipeline.remote.made_up import MadeUpHub, boards

ALONE = Params.model_validate({"targets": [{}]})
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
LITERT = TARGET.model_copy(update={"runtime": "litert"})
BLOCK = BlockSpec("conv_k3", 4, 4, 8, 8)
TABLE = Table(TARGET, 1.0, {BLOCK.key: TableRow(0.5, 0.5, 0.5, 100, "clean", NOW.isoformat())})
ARCHITECTURE = Architecture("toy", (4, 8, 8), 3, (Row("place", BLOCK, searched=True),))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder after the stages before: members small and large with a budget of 2 ms each."""
    checked(monkeypatch, tmp_path, TARGET)
    write_exported(tmp_path, "small", "large")
    calibrated(monkeypatch, TABLE)
    return tmp_path


def write_exported(root, *names):
    folder = root / export.FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    members = []
    for name in names:
        members.append(
            Member(
                name=name,
                architecture=ARCHITECTURE.to_dict(),
                holdout_accuracy=0.8,
                test_accuracy=0.7,
                macs=1,
                parameters=1,
                artifacts=tuple(artifact(folder, name, kind) for kind in ("onnx", "tflite")),
                budget_ms=2.0,
            )
        )
    manifest = Manifest(
        dataset="toy",
        classes=("a", "b", "c"),
        input_shape=(4, 8, 8),
        mean=(0.5,),
        std=(0.2,),
        members=tuple(members),
    )
    manifest.write(folder)


def artifact(folder, name, kind):
    path = folder / f"{name}.{kind}"
    path.write_text(f"the model {name} as {kind}")
    return Artifact(
        path=path.name,
        sha256=sha256_of(path),
        size_bytes=path.stat().st_size,
        format=kind,
        precision="fp32",
    )


def calibrated(monkeypatch, table):
    fitted = calibration.fit(table, [], now=NOW)
    monkeypatch.setattr(verify.calibrate, "read_calibration", lambda _path: fitted)


def measuring(calls=None, **results):
    """A stand-in for `edge.bench.measure`: name → ms, or the detail of a crash; or a map from
    runtimes to these."""

    def measure(jobs, target, protocol, *, journal, progress):
        if calls is not None:
            calls.append((jobs, target, protocol, journal))
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.touch()
        for done in range(1, len(jobs) * protocol.blocks + 1):
            progress(done, len(jobs) * protocol.blocks)
        return [result(job, target, results[job.subject.name]) for job in jobs]

    def result(job, target, ms):
        if isinstance(ms, dict):  # runtime -> ms
            ms = ms[target.runtime]
        if isinstance(ms, str):
            return Failure(job.subject, "crash", ms)
        return Measurement(
            subject=job.subject,
            target=target,
            conditions=Conditions(wall_time=NOW.isoformat()),
            warmup_ns=(),
            samples_ns=((round(ms * 1e6),) * 100,) * 7,
            verdict="clean",
        )

    return measure


def test_the_family_is_measured_and_ready_to_deploy(root, capsys):
    verify.run(ALONE, root=root, measure=measuring(small=1.0, large=1.75))
    family = Family.load(root / verify.FAMILY_FOLDER)
    family.verify()
    small, large = family.manifest.members
    assert (small.budget_met, large.budget_met) == (True, True)
    assert small.latency(TARGET).median_ms == pytest.approx(1.0)
    assert large.latency(TARGET).p95_ms == pytest.approx(1.75)
    assert small.latency(TARGET).predicted_ms == pytest.approx(1.5)
    assert datetime.fromisoformat(family.manifest.created).tzinfo is not None
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "small      80.00  70.00   1.000  1.000" in printed


def left(root):
    """The files of the family, relative to its folder."""
    folder = root / verify.FAMILY_FOLDER
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_family_says_what_it_was_made_of(root):
    (root / "params.yaml").write_text("retrain: {epochs: 1}\n")
    verify.run(ALONE, root=root, measure=measuring(small=1.0, large=1.75))
    family = Family.load(root / verify.FAMILY_FOLDER)
    of = family.manifest.provenance
    assert of.params_sha256 == sha256_of(root / "params.yaml")
    assert (of.commit, of.data_sha256) == (None, None)  # neither Git nor data are there
    assert (family.folder / "labels.txt").read_text() == "a\nb\nc\n"
    small, large = family.manifest.members
    assert small.card == "cards/small.md"
    page = (family.folder / large.card).read_text()
    assert "It was made for 2 ms, which it keeps." in page
    assert f"sha256 of params.yaml: {of.params_sha256}" in page
    assert "| 1.75 | 1.75 to 1.75 |" in page


def test_the_confusions_of_a_member_are_on_its_card_and_beside_it(root):
    folder = root / export.FOLDER
    manifest = Family.load(folder).manifest
    (folder / "cards").mkdir()
    (folder / "cards/small.confusion.csv").write_text(
        "images of,a,b,c\na,7,0,1\nb,0,9,0\nc,2,0,5\n"
    )
    small, large = manifest.members
    small = small.model_copy(update={"confusion": "cards/small.confusion.csv"})
    manifest.model_copy(update={"members": (small, large)}).write(folder)
    verify.run(ALONE, root=root, measure=measuring(small=1.0, large=1.75))
    assert "cards/small.confusion.csv" in left(root)
    assert "| c | 2 | 0 | 5 |" in (root / verify.FAMILY_FOLDER / "cards/small.md").read_text()


def test_the_records_are_of_members_with_their_architecture(root):
    calls = []
    verify.run(ALONE, root=root, measure=measuring(calls, small=1.0, large=1.75))
    records = record.read(root / verify.FOLDER / "records.jsonl")
    assert [(m.subject.name, m.subject.role) for m in records] == [
        ("small", "member"),
        ("large", "member"),
    ]
    assert records[0].subject.read_architecture() == ARCHITECTURE
    assert records[0].subject.sha256 == sha256_of(root / verify.FAMILY_FOLDER / "small.onnx")
    kept = json.loads((root / "results/family.json").read_text())
    assert [member["name"] for member in kept["members"]] == ["small", "large"]
    assert len((root / plots.MEMBERS).read_text().splitlines()) == 3
    assert metrics.read("verify", root)["span"] == 1.75
    ((jobs, _, protocol, journal),) = calls
    assert len(jobs) == 2  # one session for all
    assert journal == root / f".edgefacet/verify/{TARGET.id}.journal"
    assert not journal.exists()
    assert asdict(protocol).items() >= {"blocks": 7, "block_s": 0.5, "max_runs": 2000}.items()


def test_every_target_has_its_session_and_only_the_first_has_budgets(root, capsys, monkeypatch):
    params = checked(monkeypatch, root, TARGET, LITERT)
    calls = []
    times_ms = {"onnxruntime": 1.0, "litert": 5.0}  # the budget of 2 ms is not about LiteRT
    verify.run(
        params, strict=True, root=root, measure=measuring(calls, small=times_ms, large=times_ms)
    )
    assert [target for _, target, _, _ in calls] == [TARGET, LITERT]
    assert [{job.path.suffix for job in jobs} for jobs, *_ in calls] == [{".onnx"}, {".tflite"}]
    assert len({journal for *_, journal in calls}) == 2
    manifest = Family.load(root / verify.FAMILY_FOLDER).manifest
    assert set(manifest.targets) == {TARGET, LITERT}
    for member in manifest.members:
        assert (member.budget_ms, member.budget_met) == (2.0, True)
        assert member.latency(TARGET).predicted_ms == pytest.approx(1.5)
        assert member.latency(LITERT).predicted_ms is None
        assert member.latency(LITERT).median_ms == pytest.approx(5.0)
    models = {"small.onnx", "small.tflite", "large.onnx", "large.tflite"}
    assert left(root) == {*models, "family.json", "labels.txt", "cards/small.md", "cards/large.md"}
    found = metrics.read("verify", root)
    assert (found["budgets_met"], found["litert_fastest_ms"]) == (2, pytest.approx(5.0))
    assert len((root / plots.MEMBERS).read_text().splitlines()) == 5
    assert len(record.read(root / verify.FOLDER / "records.jsonl")) == 4
    printed = capsys.readouterr().out
    assert printed.index(f"Target {TARGET.id}") < printed.index(f"Target {LITERT.id}")


def test_no_target_is_measured_again_before_all_are(root, monkeypatch):
    """The first one's blocks are still there when the second one's session is killed."""
    params = checked(monkeypatch, root, TARGET, LITERT)
    times_ms = {"onnxruntime": 1.0, "litert": 5.0}
    real = measuring(small=times_ms, large=times_ms)

    def killed(jobs, target, *rest, **options):
        if target == LITERT:
            raise KeyboardInterrupt
        return real(jobs, target, *rest, **options)

    with pytest.raises(KeyboardInterrupt):
        verify.run(params, root=root, measure=killed)
    first = root / f".edgefacet/verify/{TARGET.id}.journal"
    assert first.exists()
    verify.run(params, root=root, measure=real)
    assert not first.exists()


def test_a_file_that_is_missing_is_found_before_anything_is_measured(root, monkeypatch):
    params = checked(monkeypatch, root, TARGET, LITERT.model_copy(update={"precision": "int8"}))
    with pytest.raises(VerifyError, match="'small' has no int8 file for litert"):
        verify.run(params, root=root, measure=lambda *_, **__: pytest.fail("measured"))


def test_a_missed_budget_is_a_result(root, capsys):
    verify.run(ALONE, root=root, measure=measuring(small=1.0, large=2.5))
    members = Family.load(root / verify.FAMILY_FOLDER).manifest.members
    assert [member.budget_met for member in members] == [True, False]
    assert "large misses its budget of 2 ms: p95 <= 2.500 ms" in capsys.readouterr().err


def test_a_missed_budget_fails_a_strict_run_after_everything_is_written(root):
    with pytest.raises(VerifyError, match="large misses its budget of 2 ms"):
        verify.run(ALONE, strict=True, root=root, measure=measuring(small=1.0, large=2.5))
    assert Family.load(root / verify.FAMILY_FOLDER).manifest.member("large").latencies
    found = metrics.read("verify", root)
    assert (found["budgets_met"], found["budgets_missed"]) == (1, 1)


def test_a_strict_run_without_a_miss_succeeds(root):
    verify.run(ALONE, strict=True, root=root, measure=measuring(small=1.0, large=1.0))


def test_a_member_that_would_not_run_is_named_after_everything_is_written(root):
    with pytest.raises(VerifyError, match=r"small: crash: SIGSEGV \(on onnxruntime\)"):
        verify.run(ALONE, root=root, measure=measuring(small="SIGSEGV", large=1.0))
    small, large = Family.load(root / verify.FAMILY_FOLDER).manifest.members
    assert (small.latencies, small.budget_met) == ((), False)
    assert large.budget_met is True
    records = record.read(root / verify.FOLDER / "records.jsonl")
    assert [m.subject.name for m in records] == ["large"]


def test_a_member_that_is_gone_is_not_deployed(root):
    verify.run(ALONE, root=root, measure=measuring(small=1.0, large=1.0))
    write_exported(root, "large")
    verify.run(ALONE, root=root, measure=measuring(large=1.0))
    models = {"large.onnx", "large.tflite"}
    assert left(root) == {*models, "family.json", "labels.txt", "cards/large.md"}


def test_a_changed_model_file_is_not_measured(root):
    (root / export.FOLDER / "large.onnx").write_text("the model LARGE")
    with pytest.raises(IntegrityError, match=r"large\.onnx"):
        verify.run(ALONE, root=root, measure=measuring())


def test_a_member_needs_a_file_of_the_targets_precision(root):
    target = TARGET.model_copy(update={"precision": "int8"})
    family = Family.load(root / export.FOLDER)
    with pytest.raises(
        VerifyError, match="no int8 file for onnxruntime; there are: fp32 onnx, fp32 tflite; "
    ):
        verify.member_job(family, family.manifest.members[0], target)


INT8 = TARGET.model_copy(update={"precision": "int8"})


def with_int8(root, **status):
    """int8 files beside the exported ones, with the status of each member's."""
    folder = root / export.FOLDER
    manifest = Family.load(folder).manifest
    members = []
    for member in manifest.members:
        path = folder / f"{member.name}.int8.onnx"
        path.write_text(f"{member.name} as int8")
        (fp32,) = (a for a in member.artifacts if a.format == "onnx")
        int8 = {"path": path.name, "sha256": sha256_of(path), "size_bytes": path.stat().st_size}
        int8 |= {"precision": "int8", "holdout_accuracy": 0.75, "status": status[member.name]}
        files = fp32.model_copy(update={"holdout_accuracy": 0.8}), fp32.model_copy(update=int8)
        members.append(member.model_copy(update={"artifacts": files}))
    manifest.model_copy(update={"members": tuple(members)}).write(folder)


def test_int8_files_are_measured_but_for_rejected_ones(root, capsys, monkeypatch):
    params = checked(monkeypatch, root, TARGET, INT8)
    with_int8(root, small="ok", large="rejected")
    calls = []
    verify.run(params, root=root, measure=measuring(calls, small=1.0, large=1.75))
    assert [[job.path.name for job in jobs] for jobs, *_ in calls] == [
        ["small.onnx", "large.onnx"],
        ["small.int8.onnx"],
    ]
    small, large = Family.load(root / verify.FAMILY_FOLDER).manifest.members
    assert [last.target for last in small.latencies] == [TARGET, INT8]
    assert [last.target for last in large.latencies] == [TARGET]
    assert large.rejected(INT8).holdout_accuracy == 0.75
    found = metrics.read("verify", root)
    assert (found["onnxruntime_int8_rejected"], found["onnxruntime_int8_failed"]) == (1, 0)
    assert found["onnxruntime_int8_best_holdout_accuracy"] == 0.75
    told = " ".join(capsys.readouterr().err.split())
    assert "large was not measured: the int8 file large.int8.onnx classifies 75.00 %" in told


def test_a_rejected_file_is_not_deployed(root, monkeypatch):
    params = checked(monkeypatch, root, TARGET, INT8)
    with_int8(root, small="ok", large="rejected")
    verify.run(params, root=root, measure=measuring(small=1.0, large=1.75))
    assert {name for name in left(root) if name.endswith(".onnx")} == {
        *("small.onnx", "large.onnx", "small.int8.onnx")
    }
    Family.load(root / verify.FAMILY_FOLDER).verify()


def test_a_target_for_which_all_is_rejected_is_not_measured(root, monkeypatch):
    params = checked(monkeypatch, root, INT8)
    calibrated(monkeypatch, Table(INT8, TABLE.offset_ms, TABLE.rows))
    with_int8(root, small="rejected", large="rejected")
    calls = []
    verify.run(params, root=root, measure=measuring(calls))
    assert calls == []
    members = Family.load(root / verify.FAMILY_FOLDER).manifest.members
    assert [member.budget_met for member in members] == [False, False]


def test_a_calibration_of_another_target_predicts_nothing(root, monkeypatch):
    other = TARGET.model_copy(update={"threads": 4})
    calibrated(monkeypatch, Table(other, TABLE.offset_ms, TABLE.rows))
    with pytest.raises(VerifyError, match=r"4 thread\(s\)(.|\n)*1 thread\(s\)"):
        verify.run(ALONE, root=root, measure=measuring())


def test_boards_have_their_orders_before_this_machine_measures(root, monkeypatch):
    board = TARGET.model_copy(update={"device": "board"})
    params = checked(monkeypatch, root, TARGET, board, devices=("local", "pi"))
    hub = MadeUpHub(lambda order: ([record_of(model.subject, board) for model in order.models], []))
    orders = []
    here = measuring(small=1.0, large=1.75)

    def measure(*arguments, **more):
        orders.append(len(hub.orders))
        return here(*arguments, **more)

    verify.run(params, root=root, measure=measure, boards=boards(hub, root))
    assert orders == [1]
    (device, _), order = *hub.orders.keys(), *hub.orders.values()
    assert (device, order.purpose, order.how.max_runs) == ("pi", "verify", verify.MAX_RUNS)
    small, _ = Family.load(root / verify.FAMILY_FOLDER).manifest.members
    assert [last.target for last in small.latencies] == [TARGET, board]
    assert [last.median_ms for last in small.latencies] == [1.0, 2.0]


def test_targets_that_changed_since_the_check_are_not_measured(root, monkeypatch):
    board = TARGET.model_copy(update={"device": "board"})
    params = checked(monkeypatch, root, board, devices=("pi",))
    here = params.model_copy(update={"targets": (TargetParams(),)})
    with pytest.raises(StaleTargets, match="dvc repro check"):
        verify.run(here, root=root, measure=lambda *_, **__: pytest.fail("measured"))
    assert not (root / verify.FOLDER).exists()


def record_of(subject, target):
    return Measurement(
        subject=subject,
        target=target,
        conditions=Conditions(wall_time=NOW.isoformat()),
        warmup_ns=(),
        samples_ns=((2_000_000,) * 100,) * 7,
        verdict="clean",
    )

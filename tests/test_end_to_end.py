"""The whole pipeline on real data, as `make smoke` runs it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from edge.family import Family
from edge.spec import Architecture
from pipeline import plots, smoke
from pipeline.__main__ import STAGES

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A finished run of the smoke preset in a copy of the working tree."""
    return smoke.run(tmp_path_factory.mktemp("smoke") / "project", root=ROOT)


def test_every_member_is_a_verified_model_better_than_chance(project):
    family = Family.load(project / "results/family")
    family.verify()
    assert len(family.manifest.members) >= 2
    for member in family.manifest.members:
        assert member.test_accuracy > 0.5  # of ten classes, after three epochs on 8,000 images
        files = [(artifact.format, artifact.precision) for artifact in member.deployed]
        assert files == [("onnx", "fp32"), ("onnx", "int8"), ("tflite", "fp32")]
        onnx, _, tflite = member.deployed
        for artifact in (onnx, tflite):
            assert abs(artifact.test_accuracy - member.test_accuracy) < 0.001
        targets = [(last.target.runtime, last.target.precision) for last in member.latencies]
        assert targets == [("onnxruntime", "fp32"), ("litert", "fp32"), ("onnxruntime", "int8")]
        card = (family.folder / member.card).read_text(encoding="utf-8")
        assert "| images of |" in card
        assert f"skip {member.origin['simplex']['skip']:g}" in card
        for latency in member.latencies:
            assert 0 < latency.lo_ms <= latency.median_ms <= latency.hi_ms


def test_the_members_are_what_the_extraction_proposed(project):
    extracted = json.loads((project / "results/extract/architectures.json").read_text())["members"]
    family = Family.load(project / "results/family").manifest
    proposed = {row["name"]: Architecture.from_dict(row["architecture"]).key for row in extracted}
    assert {m.name: m.read_architecture().key for m in family.members} == proposed


def test_both_arms_of_the_extraction_were_judged(project):
    with (project / plots.CANDIDATES).open() as file:
        rows = list(csv.DictReader(file))
    judged = {row["arm"] for row in rows if row["cross_entropy"]}
    assert judged == {"search", "control"}


def test_the_search_hears_every_penalty_and_the_price(project):
    """Rank correlations over 256 points: more of a penalty, less of its operation; a higher
    price, a faster network."""
    numbers = json.loads((project / "results/metrics/extract.json").read_text())
    heard = {name: value for name, value in numbers.items() if name.startswith("steering_")}
    operations = yaml.safe_load((project / "params.yaml").read_text())["space"]["operations"]
    assert heard.keys() == {f"steering_{name}" for name in (*operations, "by_price")}
    assert max(heard.values()) < 0, heard


def test_pick_names_a_member_that_fits_and_refuses_the_impossible(project):
    family = project / "results/family"
    where = ("--family", family, "--runtime", "litert")  # of which there is one precision
    bounds = [m.latencies[1].p95_ms for m in Family.load(family).manifest.members]
    proven = [bound for bound in bounds if bound is not None]
    assert proven, "no member has a bound of its p95: the machine was far too busy"
    fits = facet("pick", "--budget-ms", str(max(proven) * 1.01), *where, "--json")
    assert fits.returncode == 0
    assert json.loads(fits.stdout)["bound_ms"] <= max(proven) * 1.01
    refused = facet("pick", "--budget-ms", "0.000001", *where)
    assert refused.returncode == 3
    assert "fastest" in refused.stderr


def test_a_family_of_several_targets_is_picked_from_for_this_machine(project):
    folder = project / "results/family"
    picked = Family.load(folder).pick(budget_ms=1000).pick
    told = facet("pick", "--budget-ms", "1000", "--family", folder, "--json")
    assert told.returncode == 0
    found = json.loads(told.stdout)
    assert (found["name"], found["measured_here"]) == (picked.member.name, True)
    assert found["target"]["id"] == picked.target.id


def test_the_report_is_one_page_about_every_member(project):
    page = (project / "results/report.html").read_text(encoding="utf-8")
    for member in Family.load(project / "results/family").manifest.members:
        assert member.name in page


def test_a_second_repro_runs_only_check(project):
    assert stages_run(repro(project)) == ["check"]


def test_another_target_profiles_again(project):
    target = project / "results/target.json"
    text = target.read_text()
    described = json.loads(text)
    try:
        target.write_text(json.dumps(described | {"runtime_version": "0.0.1"}))
        changed = dvc(project, "status", "profile").stdout
    finally:
        target.write_text(text)
    assert "results/target.json" in changed
    assert "profile" in changed
    assert "up to date" in dvc(project, "status", "profile").stdout


def test_another_split_of_the_same_images_profiles_nothing(project):
    """Afterwards the split is the one from before."""
    params = project / "params.yaml"
    text = params.read_text()
    assert "  holdout: 2000" in text
    params.write_text(text.replace("  holdout: 2000", "  holdout: 1900"))
    assert stages_run(repro(project, "profile")) == ["check", "data"]
    params.write_text(text)
    dvc(project, "repro", "data")


def test_a_new_measurement_calibrates_and_extracts_again_and_does_not_search(project):
    """What `verify` measured is added as a device's report would be. It stays: the next repro
    finds the calibration and the extraction up to date."""
    report = project / "results/verify/records.jsonl"
    added = facet("feedback", "add", report, "--measurements", project / "measurements")
    assert added.returncode == 0, added.stderr
    assert stages_run(repro(project, "extract")) == ["check", "calibrate", "extract"]


def test_a_changed_recipe_runs_retrain_and_what_follows(project):
    """Really runs them, for a plan ends where it depends on what a stage will write."""
    params = project / "params.yaml"
    text = params.read_text()
    assert "label_smoothing: 0.05" in text
    params.write_text(text.replace("label_smoothing: 0.05", "label_smoothing: 0.06"))
    assert stages_run(repro(project)) == ["check", "retrain", "export", "verify", "report"]


def facet(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "facet"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def dvc(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", *arguments]
    environment = smoke.environment()
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=project, env=environment
    )


def repro(project: Path, *stages: str) -> str:
    return dvc(project, "repro", *stages).stdout


def stages_run(output: str) -> list[str]:
    """The stages that DVC ran, in order."""
    lines = [line for line in output.splitlines() if line.startswith("Running stage")]
    return [stage for line in lines for stage in STAGES if f"'{stage}'" in line]

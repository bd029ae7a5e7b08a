"""The whole pipeline for a board: a real hub, and a real agent on this machine as the board.

Two runs differ in what they time, and so do their tables. The same family comes out of the same
table: a local run gets what the board measured, and must not be able to tell.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from edge import record
from edge.family import Family, Member
from edge.target import make_target
from pipeline import dataset, measure, smoke, verify
from pipeline.__main__ import STAGES
from pipeline.params import load
from tests.pipeline.remote.lab import Lab

ROOT = Path(__file__).parents[1]
HERE = [  # the targets of presets/smoke.yaml
    make_target(runtime, 1, precision)
    for runtime, precision in (("onnxruntime", "fp32"), ("litert", "fp32"), ("onnxruntime", "int8"))
]

pytestmark = pytest.mark.device


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, lab: Lab) -> Path:
    """A finished run of the smoke preset whose targets are all on the board."""
    project = tmp_path_factory.mktemp("there") / "project"
    smoke.prepare(project, ROOT)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("device: local", "device: board"))
    with lab.running():
        lab.described(load(params).target)
        call(project, smoke.REPRO, lab.environ)
    return project


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, there: Path) -> Path:
    """The same preset on this machine, but with the table that the board's agent measured."""
    project = tmp_path_factory.mktemp("here") / "project"
    smoke.prepare(project, ROOT)
    shutil.copytree(there / measure.FOLDER, project / measure.FOLDER)
    (project / dataset.DATASET_FILE).parent.mkdir(exist_ok=True)
    shutil.copy(there / dataset.DATASET_FILE, project / dataset.DATASET_FILE)
    for stage in STAGES:
        if stage not in ("data", "profile"):
            call(project, [sys.executable, "-m", "pipeline", stage])
    return project


def call(project: Path, command: object, environ: Mapping[str, str] = {}) -> None:
    subprocess.run(command, cwd=project, env={**smoke.environment(), **environ}, check=True)


def members(project: Path) -> dict[str, Member]:
    return {m.name: m for m in Family.load(project / verify.FAMILY_FOLDER).manifest.members}


def test_everything_was_timed_by_the_board_in_an_order_for_the_table_and_one_per_target(
    lab: Lab, there: Path
) -> None:
    """And this machine, which is it, is called the same in every record."""
    jobs = lab.facet("jobs")["jobs"]
    done = [(job["purpose"], job["device"], job["state"]) for job in jobs]
    ordered = [("profile", "board", "done"), *[("verify", "board", "done")] * len(HERE)]
    assert sorted(done) == ordered
    profiled = record.read(there / measure.RECORDS_FILE)
    verified = record.read(there / verify.FOLDER / "records.jsonl")
    assert {m.target for m in profiled} == {HERE[0]}
    assert [m.target for m in verified] == [t for t in HERE for _ in members(there)]
    assert sum(job["measured"] for job in jobs) == len(profiled) + len(verified)


def test_the_same_table_gives_the_same_family(here: Path, there: Path) -> None:
    ours, theirs = members(here), members(there)
    assert len(theirs) >= 2
    assert list(ours) == list(theirs)
    for name, member in theirs.items():
        assert ours[name].architecture == member.architecture
        assert ours[name].budget_ms == member.budget_ms
        assert ours[name].holdout_accuracy == member.holdout_accuracy
        files = [
            [(a.path, a.format, a.precision) for a in m.artifacts] for m in (ours[name], member)
        ]
        assert files[0] == files[1]


def test_every_member_is_verified_on_the_same_targets(here: Path, there: Path) -> None:
    for project in (here, there):
        for member in members(project).values():
            assert [last.target for last in member.latencies] == HERE

"""`kill -9` at random moments of a run, then `dvc repro`: nothing is lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import smoke

ROOT = Path(__file__).parents[1]
SEED = 20261124
KILLS = {"profile": 2, "search": 3, "retrain": 3, "verify": 2}
LONGEST_S = 8.0

pytestmark = pytest.mark.kills


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the working tree in which a run was killed ten times and then left alone."""
    project = tmp_path_factory.mktemp("kills") / "project"
    smoke.prepare(project, ROOT)
    draws = random.Random(SEED)
    for stage, times in KILLS.items():
        for _ in range(times):
            kill_in(project, stage, draws.uniform(0.5, LONGEST_S))
    finish(project)
    return project


def test_the_family_is_that_of_a_run_that_was_not_killed(project):
    """Both have the profile of the killed run, for no two profiles are equal."""
    killed = members(project)
    assert len(killed) >= 2
    for kind in ("search", "members", "verify"):
        shutil.rmtree(project / ".edgefacet" / kind)
    finish(project, "--force", "--no-run-cache", "--downstream", "search")
    assert members(project) == killed


def test_no_member_is_left_half_trained(project):
    assert list((project / ".edgefacet/members").glob("*.unfinished.pt")) == []


def kill_in(project: Path, stage: str, after_s: float) -> None:
    """Start the run and kill all its processes some time after `stage` began."""
    with started(project) as process:
        for line in process.stdout:
            if f"Running stage '{stage}'" in line:
                break
        else:
            pytest.fail(f"the run ended before {stage} began")
        time.sleep(after_s)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, f"{stage} was over before {after_s:.1f} s"


def started(project: Path, *options: str) -> subprocess.Popen[str]:
    """A run in a process group of its own, which says at once what it does."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", *options],
        cwd=project,
        env=smoke.environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(project: Path, *options: str) -> None:
    with started(project, *options) as process:
        output = process.stdout.read()
    assert process.returncode == 0, output


def members(project: Path) -> list[dict[str, object]]:
    """What a run decides: networks, accuracies, and the bytes of the files. Times differ."""
    manifest = json.loads((project / "results/family.json").read_text())
    told = ("name", "architecture", "holdout_accuracy", "test_accuracy", "artifacts")
    return [{key: member[key] for key in told} for member in manifest["members"]]

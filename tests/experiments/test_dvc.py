"""The second pipeline: what DVC may remove, and what makes it run a step again."""

import pytest
import yaml

from tests.experiments.conftest import ROOT

OWN = {"experiments/${item}/base.yaml", "experiments/${item}/params.yaml"}
TABLE = "experiments/${item}/table"


@pytest.fixture(scope="module")
def stages():
    """By name; of those that every task has, what is done."""
    read = yaml.safe_load((ROOT / "experiments/dvc.yaml").read_text())["stages"]
    return {name: stage.get("do", stage) for name, stage in read.items()}


def test_dvc_removes_nothing_before_a_step_runs(stages):
    outs = [out for stage in stages.values() for out in stage["outs"]]
    kept = [next(iter(out)) for out in outs if next(iter(out.values())).get("persist")]
    assert kept == [next(iter(out)) for out in outs]


def test_every_step_of_a_task_hangs_on_its_protocol_and_its_table(stages):
    of_tasks = {name: stage for name, stage in stages.items() if "${item}" in str(stage["cmd"])}
    assert len(of_tasks) == 6
    for name, stage in of_tasks.items():
        wanted = OWN if name == "table" else {*OWN, TABLE}
        assert wanted <= {*stage["deps"]}, name


def test_the_page_is_written_after_any_change(stages):
    assert stages["page"]["always_changed"]
    assert {"experiments/fashion", "experiments/photos"} <= {*stages["page"]["deps"]}

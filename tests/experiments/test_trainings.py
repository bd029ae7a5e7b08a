import json
from typing import NamedTuple

import pytest

from benchmarks.rows import append, as_lines, read
from experiments import networks, rows, trainings
from experiments.folder import TaskFolder
from pipeline import store
from pipeline.params import RetrainParams
from pipeline.retrain import Task
from tests.experiments.conftest import ROOT
from tests.pipeline.made_up import small_space

RECIPE = RetrainParams(seed=3, epochs=2)
FOUND = {"state": {}, "holdout_accuracy": 0.5, "test_accuracy": 0.25, "cpu_s": 1.26}


class Named(NamedTuple):
    key: str


def of_key(job):
    return {"key": job.key, "architecture": job.key.upper()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return TaskFolder("fashion", tmp_path)


def test_a_row_is_what_rows_have_been_from_the_first_on():
    names = {"architecture": "resnet8-4", "reference": "resnet8"}
    row = trainings.row_of(Named("k"), names, RECIPE, FOUND, (10, 20))
    assert as_lines([row]) == (
        '{"key": "k", "architecture": "resnet8-4", "reference": "resnet8", "seed": 3, '
        '"recipe": {"seed": 3, "epochs": 2, "batch_size": 128, "schedule": "one-cycle", '
        '"lr": 0.15, "momentum": 0.9, "weight_decay": 0.0003, "label_smoothing": 0.05, '
        '"shift": 1, "flip": true}, "holdout_accuracy": 0.5, "test_accuracy": 0.25, '
        '"macs": 10, "parameters": 20, "cpu_s": 1.3}\n'
    )


def test_equal_jobs_are_trained_once_and_those_with_a_row_never(folder):
    append(folder.results / rows.NETWORKS, {"key": "a", "architecture": "A"})
    jobs = [Named("b"), Named("a"), Named("b"), Named("c")]
    trainings.train_missing("networks", jobs, of_key, "members", folder, workers=1)
    assert [row["key"] for row in rows.of(rows.NETWORKS, folder)] == ["a", "b", "c"]
    trainings.train_missing("networks", jobs, pytest.fail, "members", folder, workers=1)


def test_a_network_of_the_store_has_its_row_without_a_training(folder, monkeypatch):
    monkeypatch.setattr(networks, "train_task", lambda task: pytest.fail(f"{task} is trained"))
    architecture = small_space("skip", "conv_k3").architecture((0, 1))
    task = Task(architecture.to_dict(), RECIPE, "0" * 64)
    store.save(task.path, FOUND)
    row = networks._trained(task)
    assert (row["key"], row["architecture"]) == (task.key, architecture.key)
    assert row["test_accuracy"] == 0.25


def test_committed_rows_have_the_keys_of_new_ones():
    new = trainings.row_of(Named("k"), {"architecture": "a"}, RECIPE, FOUND, (1, 2))
    for path in (ROOT / "experiments").glob("*/results/networks.jsonl"):
        found = [row for row in read(path) if "reference" not in row]
        assert {json.dumps(list(row)) for row in found} == {json.dumps(list(new))}

import pytest

from benchmarks.rows import append
from experiments import references, rows
from experiments.folder import TaskFolder
from experiments.settings import References
from pipeline import data
from pipeline.dataset import DATASET_FILE
from pipeline.params import RetrainParams
from tests.pipeline.made_up import noise

RECIPE = RetrainParams(epochs=1, batch_size=4, lr=0.01, workers=1)
TWICE = References(seeds=2, widths={"plain-cnn": (2,)})


@pytest.fixture
def task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DATASET_FILE.parent.mkdir()
    DATASET_FILE.write_bytes(data.to_npz(noise()))
    return TaskFolder("fashion", tmp_path)


def test_every_reference_has_a_row_per_seed_among_those_of_all_networks(task, monkeypatch):
    append(task.results / rows.NETWORKS, {"key": "a member", "architecture": "m"})
    references.train(TWICE, RECIPE, task, workers=1)
    found = rows.of(rows.NETWORKS, task)
    assert [(row["architecture"], row.get("seed")) for row in found] == [
        ("m", None),
        ("plain-cnn-2", 0),
        ("plain-cnn-2", 1),
    ]
    assert found[1]["reference"] == "plain-cnn"
    # three convolutions and a classifier of 8 x 8 grey pixels in three classes
    assert found[1]["macs"] == 18 * 16 + 72 * 4 + 288 * 1 + 8 * 3
    assert 0 <= found[1]["test_accuracy"] <= 1

    monkeypatch.setattr(
        references, "train_one", lambda one, *_, **__: pytest.fail(f"{one} is trained again")
    )
    references.train(TWICE, RECIPE, task, workers=1)
    assert rows.of(rows.NETWORKS, task) == found

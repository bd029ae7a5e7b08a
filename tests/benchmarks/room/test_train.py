import pytest

from benchmarks.room import train
from benchmarks.room.sample import Drawn
from benchmarks.rows import read
from pipeline import data, retrain
from pipeline.dataset import DATASET_FILE
from pipeline.params import Params
from tests.pipeline.made_up import noise, small_space

SPACE = small_space("skip", "conv_k3")
PARAMS = Params.model_validate({"retrain": {"epochs": 1, "batch_size": 4, "workers": 1}})


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DATASET_FILE.parent.mkdir()
    DATASET_FILE.write_bytes(data.to_npz(noise()))
    return tmp_path / "rows/room.jsonl"


def drawn(*choices):
    return [Drawn(0.1, 0.101, one, SPACE.architecture(one)) for one in choices]


def run(out, networks, seeds):
    return train.run(PARAMS, networks, seeds, PARAMS.retrain, 30, out, workers=1)


def test_every_training_leaves_its_row_and_a_second_run_adds_only_what_lacks(out, monkeypatch):
    trained = []
    real = retrain.train_and_judge

    def judge(*arguments, **options):
        trained.append(len(read(out)))  # rows at the beginning of a training
        return real(*arguments, **options)

    monkeypatch.setattr(retrain, "train_and_judge", judge)
    one, other = drawn((0, 1), (1, 1))
    first = run(out, [one], 2)
    assert trained == [0, 1]
    assert [(row["architecture"], row["seed"]) for row in first] == [
        (one.architecture.key, 0),
        (one.architecture.key, 1),
    ]
    assert read(out) == first
    assert first[0]["test_images"] == 30
    assert first[0]["operations"] == {"skip": 1, "conv_k3": 1}

    both = run(out, [other, one], 2)
    assert trained == [0, 1, 2, 3]  # nothing twice
    assert both[2:] == first  # in the order of what was asked for
    assert read(out) == [*first, *both[:2]]


def test_a_row_is_of_one_recipe(out):
    networks = drawn((1, 1))
    run(out, networks, 1)
    longer = PARAMS.retrain.model_copy(update={"epochs": 2})
    train.run(PARAMS, networks, 1, longer, 30, out, workers=1)
    assert [row["recipe"]["epochs"] for row in read(out)] == [1, 2]

"""Members are trained once, kept in the store, and come out the same."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.hypernet import HyperNetwork
from models.inherit import inherit
from models.mbconv import mbconv
from models.network import network
from models.norms import reestimate
from models.supernet import Supernet, single
from pipeline import data as data_stage
from pipeline import dataset, members, params, retrain, shared_weights, store, training
from pipeline.batches import Images
from pipeline.search import state

SPACE_PARAMS = params.MBConvParams(
    operations=("skip", "sep_k3", "conv_k3"),
    stem_width=4,
    stem_stride=2,
    widths=(4,),
    depths=(2,),
    head_width=8,
    act="relu",
)
SPACE = mbconv(input_shape=(1, 8, 8), classes=2, **SPACE_PARAMS.model_dump(exclude={"name"}))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """On tensors this small, threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def dark_or_bright():
    """The label says which."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = (rng.integers(0, 60, (120, 8, 8, 1)) + 120 * y[:, None, None, None]).astype(np.uint8)
    parts = np.split(np.arange(120), [60, 90])
    return dataset.Dataset(x, y, x[:20], y[:20], ("dark", "bright"), *parts)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a tiny data set and two extracted members."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / dataset.DATASET_FILE).write_bytes(data_stage.to_npz(dark_or_bright()))
    members.write(members.ARCHITECTURES_FILE, [extracted("a", (1, 0)), extracted("b", (2, 2))])
    return params.Params(
        space=SPACE_PARAMS,
        retrain=params.RetrainParams(epochs=4, batch_size=10, workers=1, lr=0.05, shift=0),
    )


def read():
    return members.read_trained()


def extracted(name, choices):
    return members.ExtractedMember(
        name=name,
        architecture=SPACE.architecture(choices).to_dict(),
        origin={"how": "argmax"},
        budget_ms=1.0,
        predicted_ms=0.5,
        predicted_lo_ms=0.4,
        predicted_hi_ms=0.6,
        predicted_tail_ms=0.9,
        shared_cross_entropy=0.5,
        shared_accuracy=0.8,
    )


def test_members_learn_and_their_weights_read_back(project):
    retrain.run(project)
    found = read()
    assert [member.name for member in found] == ["a", "b"]
    for member in found:
        assert member.holdout_accuracy == member.test_accuracy == 1.0  # dark or bright
        net = network(member.read_architecture())
        net.load_state_dict(store.load(retrain.OUTPUT / member.weights))
    assert found[0].macs < found[1].macs


def test_a_finished_member_is_not_trained_again(project, monkeypatch):
    retrain.run(project)
    first = members.TRAINED_FILE.read_text()

    def never(task):
        raise AssertionError("trained again")

    monkeypatch.setattr(retrain, "train_task", never)
    retrain.run(project)
    assert members.TRAINED_FILE.read_text() == first


def test_a_killed_member_goes_on_from_its_last_epoch(project, monkeypatch, capsys):
    """Killed after two of four epochs; the rest of the work is the other two."""
    retrain.run(project)
    whole = {member.name: store.load(retrain.OUTPUT / member.weights) for member in read()}
    for path in (store.STORE / "members").glob("*.pt"):
        path.unlink()
    epochs = []
    real_save, real_batches = store.save, training.shuffled

    def kill(path, content):
        real_save(path, content)
        if content.get("epoch") == 2:
            raise KeyboardInterrupt

    def counted(*of):
        epochs.append(1)
        return real_batches(*of)

    with monkeypatch.context() as patched:
        patched.setattr(store, "save", kill)
        with pytest.raises(KeyboardInterrupt):
            retrain.run(project)
    assert len(list((store.STORE / "members").glob("*.unfinished.pt"))) == 1
    monkeypatch.setattr(training, "shuffled", counted)
    capsys.readouterr()
    retrain.run(project)
    assert re.search(r"retrain: 8/8 \d+:\d\d  epochs, 2 of 2 members", capsys.readouterr().err)
    assert len(epochs) == 2 + 4  # of the killed member, and of the other
    assert list((store.STORE / "members").glob("*.unfinished.pt")) == []
    for member in read():
        again = store.load(retrain.OUTPUT / member.weights)
        assert all(torch.equal(value, again[name]) for name, value in whole[member.name].items())


def test_what_matters_is_in_the_key_and_the_number_of_workers_is_not(project):
    def key(choices, **changes):
        recipe = project.retrain.model_copy(update=changes)
        return retrain.Task(SPACE.architecture(choices).to_dict(), recipe, "0" * 64).key

    assert key((1, 0)) == key((0, 1)) == key((1, 0), workers=7)
    assert len({key((1, 0)), key((2, 0)), key((1, 0), epochs=5), key((1, 0), seed=1)}) == 4


def test_two_trainings_are_equal(project):
    task = retrain.Task(SPACE.architecture((1, 2)).to_dict(), project.retrain, "0" * 64)
    retrain.train_task(task)
    first = store.load(task.path)["state"]
    task.path.unlink()
    retrain.train_task(task)
    second = store.load(task.path)["state"]
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope="module")
def supernet():
    """It has learned to tell dark from bright along three paths in turn."""
    torch.manual_seed(0)
    supernet = Supernet(SPACE)
    learned = Images.part(dark_or_bright(), np.arange(90))
    optimizer = torch.optim.SGD(supernet.parameters(), lr=0.05, momentum=0.9)
    for step in range(60):
        x, y = learned.take(slice(30 * (step % 3), 30 * (step % 3) + 30))
        loss = F.cross_entropy(supernet(x, single([(1, 0), (2, 2), (1, 2)][step % 3])), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return supernet


@pytest.fixture
def searched(project, supernet):
    """The project with a finished search, whose weights the members start from."""
    save(supernet)
    recipe = project.retrain.model_copy(update={"init": "supernet"})
    return project.model_copy(update={"retrain": recipe})


def test_a_member_whose_training_diverges_is_named_and_not_kept(project):
    recipe = project.retrain.model_copy(update={"lr": 3e30, "schedule": "cosine"})
    with pytest.raises(training.TrainingDiverged, match=r"member '[ab]': the training diverged"):
        retrain.run(project.model_copy(update={"retrain": recipe}))
    assert not list(store.STORE.glob("members/*.pt"))


def save(supernet):
    hypernet = HyperNetwork(SPACE.mask, 3, 2, kappa_range=(0.1, 1.0))
    state.save(state.Result(supernet, hypernet, (0.1, 1.0), 1.0), SPACE, params.SearchParams())


def first_weights(project):
    return shared_weights.of_members(members.read_extracted(), project)


def test_a_member_of_the_supernet_starts_from_the_shared_weights(searched, supernet, monkeypatch):
    begun = []
    real = training.train

    def spy(net, *rest, **options):
        begun.append({name: value.clone() for name, value in net.state_dict().items()})
        return real(net, *rest, **options)

    monkeypatch.setattr(training, "train", spy)
    retrain.run(searched)
    for seen, choices in zip(begun, [(2, 2), (1, 0)], strict=True):  # the larger one is first
        shared = inherit(supernet, SPACE, choices).state_dict()
        assert all(torch.equal(seen[name], value) for name, value in shared.items())
    assert [member.name for member in read()] == ["a", "b"]


def test_before_any_step_it_beats_random_weights(searched):
    data = dataset.load()
    learned, holdout = Images.part(data, data.weights), Images.part(data, data.holdout)

    def cross_entropy(weights):
        torch.manual_seed(0)
        net = network(SPACE.architecture((1, 0)))
        if weights is not None:
            net.load_state_dict(weights)
        reestimate(net, net, [learned.take(slice(None))[0]])
        x, y = holdout.take(slice(None))
        return float(F.cross_entropy(net(x), y))

    assert cross_entropy(first_weights(searched)["a"]) < 0.1
    assert cross_entropy(None) > 0.5  # ln 2 = 0.69 is a guess


def test_the_first_weights_are_part_of_the_key(searched):
    def key(first):
        architecture = SPACE.architecture((1, 0)).to_dict()
        return retrain.Task(architecture, searched.retrain, "0" * 64, first).key

    first = first_weights(searched)["a"]
    torch.manual_seed(1)
    save(Supernet(SPACE))
    other = first_weights(searched)["a"]
    assert key(first) == key(dict(first))
    assert len({key(None), key(first), key(other)}) == 3


def test_a_changed_search_trains_again_and_an_equal_one_does_not(searched):
    def trained():
        retrain.run(searched)
        return len(list((store.STORE / "members").glob("*.pt")))

    assert (trained(), trained()) == (2, 2)
    torch.manual_seed(1)
    save(Supernet(SPACE))
    assert trained() == 4


def test_without_a_search_it_says_what_to_run(searched):
    state.RESULT_FILE.unlink()
    with pytest.raises(state.SearchResultError, match="make it with: dvc repro search"):
        retrain.run(searched)


def test_from_scratch_the_search_is_not_read(searched):
    state.RESULT_FILE.unlink()
    recipe = searched.retrain.model_copy(update={"init": "scratch", "epochs": 1})
    retrain.run(searched.model_copy(update={"retrain": recipe}))
    assert len(read()) == 2

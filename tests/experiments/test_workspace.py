import pytest

from experiments.folder import TaskFolder
from experiments.workspace import Workspace, prepare


@pytest.fixture
def task(tmp_path):
    return TaskFolder("fashion", tmp_path)


def test_workspaces_of_a_task_share_the_data_and_those_of_a_store_the_checkpoints(task):
    params = {"data": {"name": "fashion-mnist", "path": None}}
    one = prepare("one", params, "store-0", task)
    other = prepare("other", params, "store-1", task)
    (one.folder / "data/dataset.npz").touch()
    assert (other.folder / "data/dataset.npz").exists()
    (one.folder / ".edgefacet/checkpoint").touch()
    assert not (other.folder / ".edgefacet/checkpoint").exists()
    assert (one.folder / "results/profile").readlink() == task.table / "profile"


def test_the_users_own_file_is_found_where_params_name_it(task):
    (task.root / "data").mkdir()
    (task.root / "data/own.npz").write_text("images")
    params = {"data": {"name": "npz", "path": "data/own.npz"}}
    for name in ("one", "other"):
        where = prepare(name, params, "store", task)
        assert (where.folder / "data/own.npz").read_text() == "images"


def test_a_task_elsewhere_has_a_store_of_its_own(task):
    params = {"data": {"name": "fashion-mnist", "path": None}}
    where = prepare("one", params, "store", task)
    elsewhere = prepare("one", params, "store", TaskFolder("photos", task.root))
    assert where.folder != elsewhere.folder
    (where.folder / ".edgefacet/checkpoint").touch()
    assert not (elsewhere.folder / ".edgefacet/checkpoint").exists()


def test_the_data_set_is_made_once(tmp_path, monkeypatch):
    ran = []

    def run(self, *module):
        ran.append(module)
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "data/dataset.npz").touch()

    monkeypatch.setattr(Workspace, "run", run)
    where = Workspace(tmp_path, tmp_path)
    (tmp_path / "data").mkdir()
    where.fetch_data()
    assert ran == [("pipeline", "check"), ("pipeline", "data")]
    where.fetch_data()
    assert len(ran) == 2

import gzip
import struct

import numpy as np
import pytest

from pipeline import data, fetch
from pipeline.dataset import DATASET_FILE, load
from pipeline.params import DataParams, Params

PARAMS = DataParams(weights=5, architecture=3, holdout=2)


def idx(*shape):
    """An idx file that counts up through the bytes, in labels of ten classes."""
    header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    limit = 10 if len(shape) == 1 else 256
    return header + bytes(i % limit for i in range(int(np.prod(shape))))


@pytest.fixture
def contents():
    return {
        "train-images-idx3-ubyte": idx(12, 3, 2),
        "train-labels-idx1-ubyte": idx(12),
        "t10k-images-idx3-ubyte": idx(4, 3, 2),
        "t10k-labels-idx1-ubyte": idx(4),
    }


def test_images_get_a_channel_and_labels_are_integers(contents):
    built = data.build(contents, PARAMS)
    assert built.train_x.shape == (12, 3, 2, 1)
    assert built.test_x[1, :, :, 0].tolist() == [[6, 7], [8, 9], [10, 11]]
    assert built.train_y.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert built.train_y.dtype == np.int64
    assert len(built.classes) == 10


def test_the_parts_are_disjoint_and_of_the_sizes_asked_for():
    parts = data.split(10, (5, 3, 2), seed=0)
    assert [len(part) for part in parts] == [5, 3, 2]
    assert sorted(np.concatenate(parts)) == list(range(10))


def test_a_smaller_split_leaves_images_out():
    parts = data.split(100, (5, 3), seed=0)
    assert len(set(np.concatenate(parts))) == 8


def test_the_seed_decides_the_split():
    first, again, other = (data.split(1000, (10,), seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_the_same_data_set_is_the_same_bytes(contents):
    one, two = (data.to_npz(data.build(contents, PARAMS)) for _ in range(2))
    assert one == two


def test_the_stage_reads_the_folder_that_is_named(contents, tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, content in contents.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(fetch.first, "__defaults__", ({},))  # these are not Fashion-MNIST
    data.run(Params(data={**PARAMS.model_dump(), "folder": folder}), root=tmp_path)
    assert load(tmp_path / DATASET_FILE).train_x.shape == (12, 3, 2, 1)


def test_a_named_folder_is_the_only_place(tmp_path):
    params = Params(data={"folder": tmp_path / "nowhere"})
    with pytest.raises(fetch.DataUnavailable) as caught:
        data.run(params, root=tmp_path)
    tried = str(caught.value).splitlines()[1:-4]
    assert tried == [f"  {tmp_path}/nowhere (data.folder): no such folder"]

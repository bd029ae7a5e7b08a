import dataclasses
import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np

from pipeline import fetch
from pipeline.sources import debian, fashion_mnist


def idx(*shape):
    """An idx file that counts up through the bytes, in labels of ten classes."""
    header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    limit = 10 if len(shape) == 1 else 256
    return header + bytes(i % limit for i in range(int(np.prod(shape))))


CONTENTS = {
    "train-images-idx3-ubyte": idx(12, 3, 2),
    "train-labels-idx1-ubyte": idx(12),
    "t10k-images-idx3-ubyte": idx(4, 3, 2),
    "t10k-labels-idx1-ubyte": idx(4),
}
FILES = dataclasses.replace(
    fashion_mnist.FILES,
    digests={name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()},
)
DATA = dataclasses.replace(fashion_mnist.DATA, files=FILES)


def test_images_get_a_channel_and_labels_are_integers():
    raw = fashion_mnist.parse(CONTENTS)
    assert raw.train.x.shape == (12, 3, 2, 1)
    assert raw.test.x[1, :, :, 0].tolist() == [[6, 7], [8, 9], [10, 11]]
    assert raw.train.y.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert raw.train.y.dtype == np.int64
    assert len(raw.classes) == 10


def test_a_named_folder_is_read(tmp_path):
    (tmp_path / "mine").mkdir()
    for name, content in CONTENTS.items():
        (tmp_path / f"mine/{name}.gz").write_bytes(gzip.compress(content))
    raw = DATA.read(Path("mine"), tmp_path, Path("raw"))
    assert raw.train.x.shape == (12, 3, 2, 1)


def test_the_advice_names_the_package_and_the_parameter():
    assert "sudo apt-get install dataset-fashion-mnist" in fashion_mnist.FILES.advice
    assert "params.yaml: data.path" in fashion_mnist.FILES.advice


def test_the_checksums_are_of_the_four_files():
    assert sorted(fashion_mnist.FILES.digests) == sorted(CONTENTS)
    assert {len(digest) for digest in fashion_mnist.FILES.digests.values()} == {64}


def test_the_usual_places_are_tried_in_order(tmp_path):
    places = [where for where, _ in fashion_mnist.usual(tmp_path / "raw", root=tmp_path)]
    assert places == [
        f"{tmp_path}/raw",
        f"{tmp_path}/usr/share/datasets/fashion-mnist (package dataset-fashion-mnist)",
        "torchvision's download",
        "apt-get download dataset-fashion-mnist",
    ]


def test_the_package_is_kept_for_the_next_run(tmp_path, monkeypatch):
    def unpack(package, where):
        (where / fashion_mnist.PACKAGE_FOLDER).mkdir(parents=True)
        for name, content in CONTENTS.items():
            (where / fashion_mnist.PACKAGE_FOLDER / name).write_bytes(content)
        return where

    monkeypatch.setattr(debian, "unpack", unpack)
    raw = tmp_path / "raw"
    assert fashion_mnist.from_package(raw, FILES) == CONTENTS
    assert fetch.read_folder(raw, tuple(CONTENTS)) == CONTENTS

"""Files of the test, in the format of the published ones: pickles that Python 2 wrote."""

import dataclasses
import hashlib
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from pipeline import fetch
from pipeline.sources import cifar10
from pipeline.sources.labelled import DataError


class Python2Pickler(pickle._Pickler):
    """Text and bytes are both the `str` of Python 2, and numpy is where it was then."""

    def save_string(self, text):
        data = text.encode("latin1") if isinstance(text, str) else text
        short = len(data) < 256
        self.write(b"U" + bytes([len(data)]) if short else b"T" + struct.pack("<i", len(data)))
        self.write(data)
        self.memoize(text)

    dispatch = pickle._Pickler.dispatch | {str: save_string, bytes: save_string}


def python2(content):
    file = io.BytesIO()
    Python2Pickler(file, protocol=2).dump(content)
    return file.getvalue().replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")


def batch(number, count=2):
    """Every image has the red, green and blue of its batch; the last pixel of red is 255."""
    planes = np.repeat(np.array([number, 10 + number, 20 + number], np.uint8), 1024)
    planes[1023] = 255
    labels = [(number + i) % 10 for i in range(count)]
    return python2({"batch_label": "x", "labels": labels, "data": np.stack([planes] * count)})


NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CONTENTS = {
    **{f"data_batch_{n}": batch(n) for n in range(1, 6)},
    "test_batch": batch(6, count=3),
    "batches.meta": python2({"num_cases_per_batch": 10000, "label_names": NAMES, "num_vis": 3072}),
}
FILES = dataclasses.replace(
    cifar10.FILES,
    digests={name: hashlib.md5(content).hexdigest() for name, content in CONTENTS.items()},
)
DATA = dataclasses.replace(cifar10.DATA, files=FILES)


def write_folder(folder):
    folder.mkdir(parents=True)
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)


def write_archive(path, names=tuple(CONTENTS)):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(CONTENTS[name])
            tar.addfile(info, io.BytesIO(CONTENTS[name]))


def test_the_files_are_what_python_2_wrote():
    assert b"cnumpy.core.multiarray\n_reconstruct" in CONTENTS["data_batch_1"]
    assert b"U\x06labels" in CONTENTS["data_batch_1"]


def test_planes_become_the_last_axis_and_batches_follow_each_other():
    raw = cifar10.parse(CONTENTS)
    assert raw.train.x.shape == (10, 32, 32, 3)
    assert raw.test.x.shape == (3, 32, 32, 3)
    assert raw.train.x[2, 0, 0].tolist() == [2, 12, 22]  # the first image of the second batch
    assert raw.train.x[2, 31, 31].tolist() == [255, 12, 22]
    assert raw.train.y.tolist() == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    assert raw.classes == tuple(NAMES)


@pytest.mark.parametrize("path", ["d", "d/cifar-10-batches-py", "a", "a/cifar-10-python.tar.gz"])
def test_the_folder_the_archive_and_what_holds_them_are_read(tmp_path, path):
    write_folder(tmp_path / "d/cifar-10-batches-py")
    write_archive(tmp_path / "a/cifar-10-python.tar.gz")
    raw = DATA.read(Path(path), tmp_path, Path("raw"))
    assert raw.test.y.tolist() == [6, 7, 8]


def test_it_is_found_in_data_raw_without_a_path(tmp_path):
    write_archive(tmp_path / "raw/cifar-10-python.tar.gz")
    assert len(DATA.read(None, tmp_path, Path("raw")).train) == 10


def test_the_message_says_what_was_tried(tmp_path, monkeypatch):
    def unreachable(url):
        raise fetch.SourceError(f"{url}: no answer")

    monkeypatch.setattr(fetch, "require_answer", unreachable)
    with pytest.raises(fetch.DataUnavailable) as caught:
        DATA.read(None, tmp_path, Path("raw"))
    lines = str(caught.value).splitlines()
    assert lines[0] == "CIFAR-10 is nowhere to be found:"
    assert lines[1] == f"  {tmp_path}/raw: no such folder"
    assert lines[2].startswith("  torchvision's download: https://")
    assert "cifar-10-python.tar.gz" in lines[4]


def test_a_damaged_file_is_named(tmp_path):
    write_folder(tmp_path / "d")
    (tmp_path / "d/data_batch_3").write_bytes(batch(9))
    with pytest.raises(fetch.DataUnavailable, match="data_batch_3 is damaged"):
        DATA.read(Path("d"), tmp_path, Path("raw"))


def test_an_archive_without_a_file_and_a_torn_one_say_so(tmp_path):
    write_archive(tmp_path / "short.tar.gz", names=tuple(CONTENTS)[:-1])
    with pytest.raises(fetch.SourceError, match=r"short\.tar\.gz lacks a file: .*batches\.meta"):
        cifar10.read_place(tmp_path / "short.tar.gz", FILES)
    (tmp_path / "torn.tar.gz").write_bytes((tmp_path / "short.tar.gz").read_bytes()[:100])
    with pytest.raises(fetch.SourceError, match=r"torn\.tar\.gz cannot be read"):
        cifar10.read_place(tmp_path / "torn.tar.gz", FILES)


class Wicked:
    def __reduce__(self):
        return (open, ("was-here", "w"))


def test_a_pickle_that_asks_for_anything_but_arrays_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wicked = pickle.dumps({"data": Wicked(), "labels": []}, protocol=2)
    with pytest.raises(DataError, match=r"data_batch_1 .*it asks for .*open"):
        cifar10.parse(CONTENTS | {"data_batch_1": wicked})
    assert not (tmp_path / "was-here").exists()


@pytest.mark.parametrize(
    "content",
    [
        {"labels": [1]},
        {"data": np.zeros((1, 3000), np.uint8), "labels": [1]},
        {"data": np.zeros((2, 3072), np.uint8), "labels": [1]},
        [],
    ],
)
def test_a_batch_of_another_form_is_named(content):
    with pytest.raises(DataError, match="data_batch_2"):
        cifar10.parse(CONTENTS | {"data_batch_2": python2(content)})


def test_the_checksums_are_those_that_torchvision_knows():
    known = dict([*CIFAR10.train_list, *CIFAR10.test_list])
    known[CIFAR10.meta["filename"]] = CIFAR10.meta["md5"]
    assert cifar10.FILES.digests == known
    assert cifar10.FILES.algorithm == "md5"
    assert (CIFAR10.filename, CIFAR10.base_folder) == (cifar10.ARCHIVE, cifar10.FOLDER)

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pipeline import fetch
from pipeline.sources.labelled import Labelled, Raw
from pipeline.sources.public import Public

FILES = fetch.Files("The set", "sha256", {"x": hashlib.sha256(b"ab").hexdigest()}, "  look at home")
RAW = Path("data/raw")


def parse(contents):
    part = Labelled(np.frombuffer(contents["x"], np.uint8), np.arange(2))
    return Raw(part, part, ("a", "b"))


def read_place(folder, files):
    return fetch.read_folder(folder, tuple(files.digests))


DATA = Public(
    files=FILES,
    read_place=read_place,
    usual=lambda raw, files: [
        (str(raw), lambda: read_place(raw, files)),
        ("the system", lambda: {"x": b"ab"}),
    ],
    parse=parse,
)


def test_without_a_path_the_usual_places_are_tried(tmp_path):
    assert DATA.read(None, tmp_path, RAW).train.x.tolist() == [97, 98]


@pytest.mark.parametrize("absolute", [True, False])
def test_a_path_is_below_the_root_unless_it_is_absolute(tmp_path, absolute):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/x").write_bytes(b"ab")
    path = tmp_path / "mine" if absolute else Path("mine")
    assert DATA.read(path, tmp_path, RAW).train.x.tolist() == [97, 98]


def test_a_path_is_the_only_place(tmp_path):
    with pytest.raises(fetch.DataUnavailable) as caught:
        DATA.read(Path("nowhere"), tmp_path, RAW)
    assert str(caught.value).splitlines() == [
        "The set is nowhere to be found:",
        "  nowhere (data.path): no such folder",
        "What to do, one of:",
        "  look at home",
    ]

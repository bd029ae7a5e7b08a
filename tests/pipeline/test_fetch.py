import gzip
import hashlib
import os
import sys

import pytest

from pipeline import fetch

CONTENTS = {"train": b"some images", "t10k": b"others"}
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
NAMES = tuple(CONTENTS)


def failing(message):
    def get():
        raise fetch.SourceError(message)

    return get


def test_the_first_source_that_has_everything_wins():
    unreached = ("c", failing("is not asked"))
    sources = [("a", failing("no such folder")), ("b", lambda: CONTENTS), unreached]
    assert fetch.first(sources, SHA256) == CONTENTS


def test_a_damaged_source_is_passed_over():
    damaged = {**CONTENTS, "t10k": b"othert"}
    assert fetch.first([("a", lambda: damaged), ("b", lambda: CONTENTS)], SHA256) == CONTENTS


def test_the_error_lists_each_source_and_what_to_do():
    damaged = {**CONTENTS, "t10k": b"othert"}
    with pytest.raises(fetch.DataUnavailable) as caught:
        fetch.first([("here", failing("no such folder")), ("there", lambda: damaged)], SHA256)
    lines = str(caught.value).splitlines()
    assert lines[1] == "  here: no such folder"
    assert lines[2] == "  there: t10k is damaged (its sha256 is wrong): delete it"
    assert "  install it: sudo apt-get install dataset-fashion-mnist" in lines
    assert "  name the folder that holds them in params.yaml: data.folder" in lines


def test_files_are_read_as_they_are_or_compressed(tmp_path):
    (tmp_path / "train").write_bytes(CONTENTS["train"])
    (tmp_path / "t10k.gz").write_bytes(gzip.compress(CONTENTS["t10k"]))
    assert fetch.read_folder(tmp_path, NAMES) == CONTENTS


def test_a_missing_folder_and_a_missing_file_are_told_apart(tmp_path):
    with pytest.raises(fetch.SourceError, match="no such folder"):
        fetch.read_folder(tmp_path / "nowhere", NAMES)
    with pytest.raises(fetch.SourceError, match=r"train \(or train.gz\) is missing"):
        fetch.read_folder(tmp_path, NAMES)


@pytest.mark.parametrize(
    "broken",
    [b"not gzip at all", gzip.compress(b"some images")[:-6], b"\x1f\x8b\x08" + bytes(30)],
)
def test_a_broken_archive_is_an_error_of_the_source(tmp_path, broken):
    (tmp_path / "train.gz").write_bytes(broken)
    with pytest.raises(fetch.SourceError, match="train cannot be read"):
        fetch.read_folder(tmp_path, ("train",))


def test_the_checksums_are_of_the_four_files():
    assert sorted(fetch.SHA256) == [
        f"{part}-{kind}"
        for part in ("t10k", "train")
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ]
    assert {len(digest) for digest in fetch.SHA256.values()} == {64}


def test_the_usual_places_are_tried_in_order(tmp_path):
    places = [where for where, _ in fetch.sources(tmp_path / "raw", root=tmp_path)]
    assert places == [
        f"{tmp_path}/raw",
        f"{tmp_path}/usr/share/datasets/fashion-mnist (package dataset-fashion-mnist)",
        "torchvision's download",
        "apt-get download dataset-fashion-mnist",
    ]


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """`apt-get` and `dpkg` that are shell scripts of the test."""

    def install(**scripts):
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, script in scripts.items():
            path = folder / name.replace("_", "-")
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")

    return install


PACK = """
mkdir -p unpacked/usr/share/datasets/fashion-mnist
for name in train t10k; do cp {folder}/$name unpacked/usr/share/datasets/fashion-mnist; done
"""


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for apt-get")
def test_the_package_is_kept_for_the_next_run(tmp_path, tools, monkeypatch):
    for name, content in CONTENTS.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(fetch, "SHA256", SHA256)
    monkeypatch.setattr(fetch.read_folder, "__defaults__", (NAMES,))
    # Only with lists of its own does apt-get find the package: the machine has none.
    log = tmp_path / "log"
    tools(
        apt_get=f"""echo "$*" >> {log}
case "$*" in
  *Dir::State=*download*) touch dataset-fashion-mnist_1_all.deb;;
  *Dir::State=*update) ;;
  *) echo "E: Unable to locate package" >&2; exit 100;;
esac""",
        dpkg=PACK.format(folder=tmp_path),
    )
    raw = tmp_path / "raw"
    assert fetch._debian(raw) == CONTENTS
    assert fetch.read_folder(raw, NAMES) == CONTENTS
    assert [line.split()[-1] for line in log.read_text().splitlines()] == [
        "dataset-fashion-mnist",
        "update",
        "dataset-fashion-mnist",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for apt-get")
def test_what_apt_says_is_passed_on(tmp_path, tools):
    tools(apt_get='echo "E: Unable to locate package" >&2; exit 100', dpkg="exit 1")
    with pytest.raises(fetch.SourceError, match="E: Unable to locate package"):
        fetch._debian(tmp_path / "raw")


def test_without_apt_there_is_no_package(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(fetch.SourceError, match="apt-get is not installed"):
        fetch._debian(tmp_path / "raw")


def test_an_address_that_does_not_answer_is_given_up():
    with pytest.raises(fetch.SourceError, match=r"http://127\.0\.0\.1:9: "):
        fetch._require_answer("http://127.0.0.1:9")  # the discard port: nobody listens

import errno
import subprocess
from pathlib import Path

import pytest

from edge.family import Family, FamilyError, IntegrityError, Manifest
from edge.packing import export, narrowed
from tests.edge import families


@pytest.fixture
def family(tmp_path: Path) -> Family:
    folder = tmp_path / "family"
    folder.mkdir()
    made = families.family(folder, ("onnx", "fp32"), ("onnx", "int8"), ("tflite", "fp32"))
    (folder / "cards").mkdir()
    (folder / "cards/small.md").write_text("# small\n")
    (folder / "cards/small.confusion.csv").write_text("images of,top left\ntop left,1\n")
    small, large = made.manifest.members
    (first, *rest) = large.artifacts
    rejected = first.model_copy(update={"status": "rejected"})
    members = (
        small.model_copy(
            update={"card": "cards/small.md", "confusion": "cards/small.confusion.csv"}
        ),
        large.model_copy(update={"artifacts": (rejected, *rest)}),
    )
    made.manifest.model_copy(update={"members": members}).write(folder)
    return Family.load(folder)


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_version_that_is_there_and_damaged_is_not_told_as_exported(
    family: Family, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    _, folder = export(family, shelf)
    assert export(family, shelf)[1] == folder  # again: nothing to do
    next(folder.rglob("*.onnx")).write_bytes(b"no")
    with pytest.raises(FamilyError, match=r"or delete .* and export again"):
        export(family, shelf)


def test_a_version_is_a_folder_of_all_that_a_board_needs(family: Family, tmp_path: Path) -> None:
    version, folder = export(family, tmp_path / "shelf")
    assert folder == tmp_path / "shelf" / version
    assert files(folder) == [
        "cards/small.confusion.csv", "cards/small.md", "family.json", "labels.txt",
        "large-fp32.tflite", "large-int8.onnx",
        "small-fp32.onnx", "small-fp32.tflite", "small-int8.onnx",
    ]  # fmt: skip
    assert (folder / "labels.txt").read_text() == "a\n"
    Family.load(folder).verify()
    assert export(family, tmp_path / "shelf") == (version, folder)
    assert [p.name for p in (tmp_path / "shelf").iterdir()] == [version]


def test_a_full_disk_names_the_version_and_no_file_that_was_read(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, made: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(made))

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError, match=r"No space left on device: '\S*/shelf/[\w-]+'$"):
        export(family, tmp_path / "shelf")
    assert files(tmp_path / "shelf") == []


def test_an_archive_unpacks_to_the_same(family: Family, tmp_path: Path) -> None:
    version, folder = export(family, tmp_path / "shelf")
    archives = [export(family, tmp_path / f"{n}.tar.gz") for n in "ab"]
    assert [name for name, _ in archives] == [version, version]
    assert archives[0][1].read_bytes() == archives[1][1].read_bytes()
    (tmp_path / "other").mkdir()
    subprocess.run(["tar", "-xzf", archives[0][1], "-C", tmp_path / "other"], check=True)
    there = tmp_path / "other" / version
    assert files(there) == files(folder)
    assert all((there / f).read_bytes() == (folder / f).read_bytes() for f in files(folder))


def test_a_board_needs_the_files_of_its_runtime_only(family: Family, tmp_path: Path) -> None:
    _, folder = export(family, tmp_path, ["litert"])
    assert files(folder) == [
        "cards/small.confusion.csv", "cards/small.md", "family.json", "labels.txt",
        "large-fp32.tflite", "small-fp32.tflite",
    ]  # fmt: skip
    Family.load(folder).verify()
    only = narrowed(family.manifest, ["onnxruntime"], ["fp32"])
    assert [m.name for m in only.members] == ["small"]  # the file of the other one is rejected
    with pytest.raises(FamilyError, match="the family has: fp32 onnx"):
        narrowed(family.manifest, ["litert"], ["int8"])


def test_latencies_go_with_their_files() -> None:
    from tests.edge.test_pick import SMALL, TARGET
    from tests.edge.test_pick import family as made

    (latency,) = SMALL["latencies"]
    lite = {**latency, "target": {**TARGET, "runtime": "litert"}}
    both = made({**SMALL, "latencies": [latency, lite]})
    assert {t.runtime for t in both.targets} == {"litert", "onnxruntime"}
    assert {t.runtime for t in narrowed(both).targets} == {"onnxruntime"}


def test_a_damaged_family_is_not_packed(family: Family, tmp_path: Path) -> None:
    (family.folder / "small-fp32.onnx").write_bytes(b"SMALL-fp32.onnx")
    for out in (tmp_path / "shelf", tmp_path / "family.tar.gz"):
        with pytest.raises(IntegrityError):
            export(family, out)
        assert not out.exists()


@pytest.mark.parametrize("name", ["f.tgz", "f.tar", "f.zip", "F.TAR.GZ"])
def test_another_archive_is_no_folder(family: Family, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out" / name
    with pytest.raises(FamilyError, match=r"as a folder, or as a file called …\.tar\.gz"):
        export(family, out)
    assert not out.exists()
    out.mkdir(parents=True)  # a shelf that somebody called so
    assert export(family, out)[1].parent == out


def test_the_manifest_of_an_export_is_valid(family: Family, tmp_path: Path) -> None:
    _, folder = export(family, tmp_path)
    text = (folder / "family.json").read_text()
    assert Manifest.model_validate_json(text).text == text

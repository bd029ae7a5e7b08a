from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from edge import container
from edge.container import ContainerError, opened, pack

FILES = {"a": b"one", "sub/b": b"", "sub/c": bytes(5000)}


def everything(_name: str) -> bool:
    return True


def packed(path: Path, files: dict[str, bytes] = FILES) -> Path:
    with path.open("wb") as file:
        pack(file, path.suffix, [(n, len(c), io.BytesIO(c)) for n, c in files.items()])
    return path


def folder(path: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def contents(path: Path) -> dict[str, bytes]:
    with opened(path, everything) as found:
        return {name: b"".join(found.chunks(name)) for name in found.sizes}


def refusal(path: Path, ours: Callable[[str], bool] = everything) -> str:
    with pytest.raises(ContainerError) as caught, opened(path, ours):
        pass
    return str(caught.value)


@pytest.mark.parametrize("kind", ["folder", "a.zip", "a.tar", "A.ZIP"])
def test_every_kind_holds_the_same(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    made = folder(path) if kind == "folder" else packed(path.with_name(kind.lower())).rename(path)
    assert contents(made) == FILES
    with opened(made, everything) as found:
        assert found.sizes == {"a": 3, "sub/b": 0, "sub/c": 5000}


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_equal_content_is_packed_to_equal_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = packed(tmp_path / f"1{suffix}"), packed(tmp_path / f"2{suffix}")
    assert first.read_bytes() == second.read_bytes()


def test_common_tools_read_what_was_packed(tmp_path: Path) -> None:
    with zipfile.ZipFile(packed(tmp_path / "a.zip")) as archive:
        assert archive.testzip() is None
        assert archive.read("sub/c") == FILES["sub/c"]
    with tarfile.open(packed(tmp_path / "a.tar")) as archive:
        assert archive.getnames() == list(FILES)


def test_what_common_tools_packed_is_read(tmp_path: Path) -> None:
    tree = folder(tmp_path / "tree")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tree / "sub", "sub/")
        for name in FILES:
            archive.write(tree / name, name)
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as archive_tar:
        archive_tar.add(tree, ".")  # with ./ before every name, and folders
    assert contents(tmp_path / "a.zip") == FILES
    assert contents(tmp_path / "a.tar") == FILES


def test_unknown_names_are_refused_in_an_archive_and_left_alone_in_a_folder(
    tmp_path: Path,
) -> None:
    for suffix in (".zip", ".tar"):
        message = refusal(packed(tmp_path / f"a{suffix}"), {"a", "sub/c"}.__contains__)
        assert "holds 'sub/b', which does not belong into it" in message
    with opened(folder(tmp_path / "folder"), lambda name: name == "a") as found:
        assert found.sizes == {"a": 3}


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "sub/../../out"])
@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_names_that_lead_out_are_only_names(tmp_path: Path, name: str, suffix: str) -> None:
    path = packed(tmp_path / f"a{suffix}", {name: b"x"})
    assert "does not belong" in refusal(path, {"a"}.__contains__)


def test_a_link_is_refused_wherever_it_lies(tmp_path: Path) -> None:
    tree = folder(tmp_path / "tree", {"a": b"one"})
    (tree / "link").symlink_to(tree / "a")
    assert "'link'" in refusal(tree)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "sub").symlink_to(tree, target_is_directory=True)
    assert "'sub/a'" in refusal(linked, {"sub/a"}.__contains__)
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        tar.add(tree / "link", "link")
    assert "'link'" in refusal(tmp_path / "a.tar")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert "'link'" in refusal(tmp_path / "a.zip")


def test_a_link_beside_ours_is_left_alone_wherever_it_leads(tmp_path: Path) -> None:
    tree = folder(tmp_path / "tree")
    (tree / "notes").symlink_to("nowhere")
    (tree / "round").symlink_to("round")
    with opened(tree, FILES.__contains__) as found:
        assert found.sizes.keys() == FILES.keys()


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "stick").symlink_to(folder(tmp_path / "tree"), target_is_directory=True)
    assert contents(tmp_path / "stick") == FILES


def test_a_pipe_in_a_folder_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    assert "'a'" in refusal(tmp_path)


def test_a_link_that_takes_a_file_s_place_is_not_followed(tmp_path: Path) -> None:
    folder(tmp_path, {"a": b"one"})
    with opened(tmp_path, everything) as found:
        (tmp_path / "a").unlink()
        (tmp_path / "a").symlink_to("/etc/passwd")
        with pytest.raises(ContainerError, match="a cannot be read"):
            list(found.chunks("a"))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_too_many_files_are_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / f"a.{kind}", {f"a{n}": b"" for n in range(4)})
    assert len(contents(path)) == 4
    monkeypatch.setattr(container, "MAX_FILES", 3)
    assert "more than 3 files" in refusal(path)


def test_a_large_directory_of_a_zip_is_not_read(tmp_path: Path) -> None:
    """Whatever the zip says of its size: `zipfile` would take it all into memory."""
    path = packed(tmp_path / "a.zip")
    data = path.read_bytes()
    end = data[:-10] + struct.pack("<L", 2_097_153) + data[-6:]  # 4096 files of 512 bytes, and one
    path.write_bytes(end)
    assert "more than 4096 files" in refusal(path)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    path.write_bytes(data[:-22] + locator + data[-22:])
    assert "more than 4096 files" in refusal(path)


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", "one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "two")
    assert "'a' twice" in refusal(tmp_path / "a.zip")


def test_other_compressions_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", "one")
    assert "neither stored nor deflated" in refusal(tmp_path / "a.zip")


def test_a_tar_with_extended_headers_is_refused_unread(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": "x" * 100_000}
        archive.addfile(info)
    assert "pack it with tar --format=ustar" in refusal(tmp_path / "a.tar")


def test_a_size_below_zero_does_not_go_round_for_ever(tmp_path: Path) -> None:
    info = tarfile.TarInfo("dir")
    info.type = tarfile.DIRTYPE
    block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    block[124:136] = b"\xff" * 10 + b"\xfe\x00"  # base-256: -512
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 8 * 32)
    (tmp_path / "a.tar").write_bytes(bytes(block) + bytes(1024))
    assert "below zero" in refusal(tmp_path / "a.tar")


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize("keep", [0, 10, 511, 700, 5200])
def test_what_was_cut_short_says_to_copy_again(tmp_path: Path, suffix: str, keep: int) -> None:
    path = packed(tmp_path / f"a{suffix}")
    path.write_bytes(path.read_bytes()[:keep])
    message = refusal(path)
    assert str(path) in message
    assert message.endswith("copy it again")


def test_a_damaged_content_names_its_file(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"one", b"own", 1))
    with opened(path, everything) as found, pytest.raises(ContainerError, match=r"a in .*CRC"):
        list(found.chunks("a"))


def test_other_files_are_no_container(tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    assert "neither a folder nor a file that ends in .zip or .tar" in refusal(tmp_path / "a.rar")
    assert "neither a folder" in refusal(tmp_path / "nowhere.zip")

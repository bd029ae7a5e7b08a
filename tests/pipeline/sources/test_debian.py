import os
import sys

import pytest

from pipeline.fetch import SourceError
from pipeline.sources import debian

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="shell scripts stand in for apt-get"
)


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


def test_a_package_is_found_with_lists_of_its_own(tmp_path, tools):
    log = tmp_path / "log"
    tools(
        apt_get=f"""echo "$*" >> {log}
case "$*" in
  *Dir::State=*download*) touch a-package_1_all.deb;;
  *Dir::State=*update) ;;
  *) echo "E: Unable to locate package" >&2; exit 100;;
esac""",
        dpkg="mkdir unpacked; echo $2 > unpacked/of",
    )
    where = tmp_path / "where"
    where.mkdir()
    unpacked = debian.unpack("a-package", where)
    assert (unpacked / "of").read_text().strip() == str(where / "a-package_1_all.deb")
    asked = [line.split()[-1] for line in log.read_text().splitlines()]
    assert asked == ["a-package", "update", "a-package"]


def test_what_apt_says_is_passed_on(tmp_path, tools):
    tools(apt_get='echo "E: Unable to locate package" >&2; exit 100', dpkg="exit 1")
    with pytest.raises(SourceError, match="E: Unable to locate package"):
        debian.unpack("a-package", tmp_path)


def test_without_apt_there_is_no_package(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="apt-get is not installed"):
        debian.unpack("a-package", tmp_path)

"""The camera example, without a camera."""

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.edge import runnable

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

EXAMPLE = Path(__file__).parents[2] / "examples/camera.py"
BLUE_FIRST = np.zeros((2, 2, 3), np.uint8)
BLUE_FIRST[0, 1] = [0, 0, 255]  # top right is red


class Device:
    """Two frames, then it stops."""

    def __init__(self, _number: int) -> None:
        self.left, self.released = 2, False

    def read(self):
        self.left -= 1
        return (True, BLUE_FIRST) if self.left >= 0 else (False, None)

    def release(self):
        self.released = True


def test_it_names_what_every_frame_shows(tmp_path, monkeypatch, capsys):
    devices = []
    opened = lambda number: devices.append(Device(number)) or devices[-1]  # noqa: E731
    monkeypatch.setitem(sys.modules, "cv2", SimpleNamespace(VideoCapture=opened))
    runnable.family(tmp_path)
    monkeypatch.setattr(sys, "argv", ["camera.py", str(tmp_path), "8"])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    first, second = capsys.readouterr().out.splitlines()
    # Red is a grey level of 76 of 255: a logit of 2.98 against three of 0
    assert first.startswith("top right 87% (large, ")
    assert second.startswith("top right 87% (large, ")
    assert devices[0].released


def test_a_budget_that_nothing_keeps_is_said_in_one_line(tmp_path, monkeypatch):
    runnable.family(tmp_path)
    monkeypatch.setattr(sys, "argv", ["camera.py", str(tmp_path), "0.1"])
    with pytest.raises(SystemExit, match=r"^error: no member is proven to have p95 <= 0\.1 ms"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")


def test_without_arguments_it_says_which(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["camera.py"])
    with pytest.raises(SystemExit, match=r"python examples/camera\.py FAMILY BUDGET_MS$"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")


def test_without_opencv_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    runnable.family(tmp_path)
    monkeypatch.setattr(sys, "argv", ["camera.py", str(tmp_path), "8"])
    with pytest.raises(SystemExit, match=r"^error: pip install opencv-python-headless$"):
        runpy.run_path(str(EXAMPLE), run_name="__main__")


def test_it_fits_on_a_screen():
    assert len(EXAMPLE.read_text().splitlines()) <= 45

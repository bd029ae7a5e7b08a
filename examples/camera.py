"""Say what a camera sees, inside a latency budget: python examples/camera.py FAMILY BUDGET_MS"""

import sys
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from edge import EdgeError, Family


def camera(number: int = 0) -> Iterator[npt.NDArray[np.uint8]]:
    """The frames of a camera, (H, W, 3), until it stops."""
    try:
        import cv2
    except ModuleNotFoundError as error:
        raise SystemExit("error: pip install opencv-python-headless") from error
    device = cv2.VideoCapture(number)
    try:
        while (read := device.read())[0]:
            yield read[1][..., ::-1]  # OpenCV has blue first
    finally:
        device.release()


def watch(family: str, budget_ms: float, frames: Iterable[npt.NDArray[np.uint8]]) -> None:
    """Print the class of every frame, and what it took."""
    with Family.load(family).pick(budget_ms=budget_ms) as model:
        for frame in frames:
            answer = model.timed(frame)
            best = int(answer.probabilities.argmax())
            share = answer.probabilities[best]
            took = f"{answer.network_ms:.2f} + {answer.around_ms:.2f} ms"
            print(f"{model.labels[best]} {share:.0%} ({model.name}, {took})", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        watch(sys.argv[1], float(sys.argv[2]), camera())
    except EdgeError as error:
        sys.exit(f"error: {error}")

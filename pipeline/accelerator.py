"""Whether the accelerator that `search.device` asks for is here."""

from __future__ import annotations

from collections.abc import Callable

from edge.errors import EdgeError


class NoAccelerator(EdgeError, RuntimeError):
    """An accelerator that this machine, or its PyTorch, does not have."""


def require_accelerator(device: str) -> None:
    """Raises NoAccelerator where the search could not run on `device`. Of `auto` and `cpu`, which
    are everywhere, it asks nothing: PyTorch takes seconds to load."""
    if device in ("auto", "cpu"):
        return
    import torch

    there: dict[str, Callable[[], bool]]
    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if not there[device]():
        raise NoAccelerator(
            f"search.device: PyTorch {torch.__version__} finds no {device} here; write "
            "search.device: auto, which takes what there is"
        )

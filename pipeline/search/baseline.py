"""What a reward is compared with."""

from __future__ import annotations

from torch import Tensor


class MovingBaseline:
    """An exponential moving mean of values: what REINFORCE subtracts (Williams, 1992)."""

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self.mean: float | None = None

    def advantages(self, values: Tensor) -> Tensor:
        """The values (m,) less the mean of those before them; less their own, the first time.
        Then they count in the mean themselves."""
        now = float(values.mean())
        mean = now if self.mean is None else self.mean
        self.mean = self.keep * mean + (1 - self.keep) * now
        return values - mean

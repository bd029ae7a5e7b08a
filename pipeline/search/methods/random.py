"""The first baseline: nothing is learned but the weights, on paths of the warm-up to the end."""

from __future__ import annotations

import torch

from models.alpha import Alpha, Uniform
from models.spaces import Choices, Space
from models.supernet import single
from pipeline.params import SearchParams
from pipeline.search.methods.base import Method, Setting, Step, method
from pipeline.search.warmup import WarmUpPaths
from pipeline.seeds import rng


@method("random")
class Random(Method):
    """Random candidates under the same evaluation as those of any other method."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._paths = WarmUpPaths(setting.space, setting.params, "path")

    @staticmethod
    def blank(space: Space, params: SearchParams, kappa_range: tuple[float, float]) -> Alpha:
        return Uniform(space.mask, len(space.operations), len(space.decisions))

    def path(self, step: int) -> Choices:
        return self._paths.at(step)

    @torch.no_grad()
    def step(self) -> Step:
        """Learns nothing; one random path says how good the weights are by now."""
        setting = self.setting
        draws = rng(setting.params.seed, "look", self.done)
        loss = self.loss_on(self.done)(single(setting.space.random(draws)))
        points, kappas = self.sample(1, "look", self.done)
        self.done += 1
        p = self.alpha().to(points.device)(points, kappas).softmax(-1)
        return Step.of(float(loss), loss[None], p, kappas, setting.costs)

    def alpha(self) -> Alpha:
        setting = self.setting
        return self.blank(setting.space, setting.params, setting.kappa_range)

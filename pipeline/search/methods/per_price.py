"""Methods that search for one price at a time: a family takes as many searches as prices."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from torch import Tensor

from models.alpha import Tables
from models.spaces import Choices, Space
from pipeline.params import SearchParams
from pipeline.search.methods.base import Method, Setting
from pipeline.search.warmup import WarmUpPaths


class PerPrice(Method):
    """Some searches at prices spread over the range, which share the rounds of the method. Each
    leaves one table of logits; the simplex point S says nothing to them.

    They take turns, so that the shared weights serve none more than another; searches with
    weights of their own are `in_sequence`, because only one network fits beside the shared one.
    """

    in_sequence: ClassVar[bool] = False

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.prices = prices_of(setting.params, setting.kappa_range)
        self._uniform = WarmUpPaths(setting.space, setting.params, "path")

    @staticmethod
    def blank(space: Space, params: SearchParams, kappa_range: tuple[float, float]) -> Tables:
        prices = prices_of(params, kappa_range)
        return Tables(space.mask, len(space.operations), len(space.decisions), prices)

    @property
    def turn(self) -> tuple[int, int, int]:
        """Which search the next round belongs to, its round there, and how many that one has."""
        rounds, searches = self.setting.params.joint_steps, len(self.prices)
        if not self.in_sequence:
            search = self.done % searches
            return search, self.done // searches, -(-(rounds - search) // searches)
        each = rounds // searches
        search = min(self.done // each, searches - 1)
        left_over = rounds - searches * each if search == searches - 1 else 0
        return search, self.done - search * each, each + left_over

    def path(self, step: int) -> Choices:
        """Uniform: the shared weights only judge."""
        return self._uniform.at(step)

    @abstractmethod
    def table(self, search: int) -> Tensor:
        """The logits (decisions, options) that one search arrived at, on the CPU."""

    def alpha(self) -> Tables:
        setting = self.setting
        alpha = self.blank(setting.space, setting.params, setting.kappa_range)
        for search, logits in enumerate(alpha.logits):
            logits.copy_(self.table(search))
        return alpha


def prices_of(params: SearchParams, kappa_range: tuple[float, float]) -> list[float]:
    """The prices, evenly spread over the range in log κ; one where its ends are equal."""
    low, high = kappa_range
    searches = params.searches_over(kappa_range)
    if searches == 1:
        return [float(np.sqrt(low * high))]
    prices: list[float] = np.geomspace(low, high, searches).tolist()
    return prices

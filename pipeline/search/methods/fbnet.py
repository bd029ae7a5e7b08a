"""FBNet (Wu et al., 2019): all candidates, mixed by a Gumbel-softmax that cools down."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from edge.errors import EdgeError
from pipeline.search.gumbel import gumbel_noise
from pipeline.search.methods.base import Setting, Step, method
from pipeline.search.methods.mixed import Mixed
from pipeline.search.objective import expected_latency_ms
from pipeline.search.prices import extreme, latency_ms
from pipeline.search.weights import constant
from pipeline.sections.baselines import FBNetParams
from pipeline.seeds import generator

_US = 1e3  # µs per ms


class NoLogLatency(EdgeError, ValueError):
    """A latency whose logarithm is not positive: log(latency)^β has no meaning."""


@method("fbnet")
class FBNet(Mixed):
    """Rounds that train the weights only, then a step of θ and one of the weights in turn.

    The exponent β carries the price: that of the paper at the middle of the range, and as many
    times larger or smaller elsewhere as κ is. Its α scales the whole loss, and says nothing of
    latency."""

    def __init__(self, setting: Setting) -> None:
        self._fbnet = setting.params.fbnet
        super().__init__(setting, self._fbnet)
        costs = setting.costs.to(torch.device("cpu"))
        fastest_us = _US * latency_ms(extreme(setting.space, costs, dearest=False), costs)
        if fastest_us <= 1:
            raise NoLogLatency(
                f"the fastest network takes {fastest_us:g} µs by the table, and fbnet needs the "
                "logarithm of more than 1 µs: use another search.method"
            )

    def step(self) -> Step:
        """A step of the logits, unless the weights come first; then one of the weights."""
        search, done, rounds = self.begin_round()
        tau = temperature(self._fbnet, done / rounds)
        weights_only = done < self._fbnet.weights_first * rounds
        with torch.set_grad_enabled(not weights_only):
            loss, seen = self._look(search, tau)
        if not weights_only:
            self.descend(search, loss)
        with torch.no_grad():
            mask, widths = self._sampled(self.masked(search), tau, "weights")
        self.own.step_on(self.mixture(mask, widths))
        self.done += 1
        return seen

    def _look(self, search: int, tau: float) -> tuple[Tensor, Step]:
        """The loss of one sampled mask, on the images of the logits."""
        setting, alpha = self.setting, self.masked(search)
        mask, widths = self._sampled(alpha, tau, "logits")
        with constant(self.own.net):
            cross_entropy = self.loss_on(self.done, self.own)(self.mixture(mask, widths))
        estimate = self.with_widths(search, cross_entropy, alpha, widths)
        latency_us = _US * expected_latency_ms(mask, setting.costs)
        unit = math.log(_US * setting.costs.reference_ms)
        loss = fbnet_loss(estimate, latency_us, self._fbnet.alpha, self.beta(search), unit)
        p, losses = alpha.detach().softmax(1)[None], cross_entropy.detach()[None]
        number = float(loss.detach())
        return loss, Step.of(number, losses, p, self.price(search), setting.costs)

    def beta(self, search: int) -> float:
        """The exponent of a search."""
        low, high = self.setting.kappa_range
        return self._fbnet.beta * self.prices[search] / math.sqrt(low * high)

    def _sampled(self, alpha: Tensor, tau: float, purpose: str) -> tuple[Tensor, list[int]]:
        """A mask (decisions, options), and the widths that run: the largest of their rows."""
        draws = generator(self.setting.params.seed, "mask", purpose, self.done)
        mask = gumbel_softmax(alpha, tau, draws)
        widths: list[int] = mask.detach()[len(self.setting.space.decisions) :].argmax(1).tolist()
        return mask, widths


def fbnet_loss(
    cross_entropy: Tensor, latency_us: Tensor, alpha: float, beta: float, unit: float = 1.0
) -> Tensor:
    """CE · α · log(latency)^β (Wu et al., 2019, equation 2), of a latency above 1 µs.

    The logarithm is counted in a `unit`, which scales the loss and no more: powers of the
    logarithm itself leave single precision where β is large.
    """
    return cross_entropy * alpha * (latency_us.log() / unit) ** beta


def temperature(options: FBNetParams, progress: float) -> float:
    """τ after a share `progress` of a search, whose whole stands for the epochs of the paper."""
    return options.temperature * math.exp(-options.decay * options.epochs * progress)


def gumbel_softmax(alpha: Tensor, tau: float, draws: torch.Generator) -> Tensor:
    """softmax((α + Gumbel noise) / τ) per row (Jang et al., 2017); its largest entry is drawn
    from softmax(α) at any τ."""
    noise = gumbel_noise(alpha.shape, draws)
    return ((alpha + noise.to(alpha.device)) / tau).softmax(-1)

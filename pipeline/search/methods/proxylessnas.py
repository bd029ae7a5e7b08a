"""ProxylessNAS (Cai, Zhu and Han, 2019), by gradients of binary gates and by REINFORCE."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.spaces import Choices
from models.supernet import single
from pipeline.search.baseline import MovingBaseline
from pipeline.search.estimators.pathwise import binary_gates, draw_pairs
from pipeline.search.estimators.reinforce import draw_paths, log_probability
from pipeline.search.methods.base import Setting, Step, method
from pipeline.search.methods.gradient import GradientPerPrice
from pipeline.search.objective import expected_latency_ms, one_hot
from pipeline.search.on_batch import on_batch
from pipeline.search.weights import constant
from pipeline.seeds import generator


class Proxyless(GradientPerPrice):
    """Searches that take turns on the shared weights, which learn along their paths."""

    def __init__(self, setting: Setting) -> None:
        self._proxyless = setting.params.proxylessnas
        super().__init__(setting, self._proxyless.adam)

    @torch.no_grad()
    def path(self, step: int) -> Choices:
        """A path from the logits of the search whose turn it is."""
        return self.drawn(self.masked(self.turn[0]), step)

    def seen(self, search: int, loss: float, losses: Tensor) -> Step:
        """What a step saw, of cross-entropies (m,)."""
        p = self.masked(search).detach().softmax(1)[None]
        return Step.of(loss, losses.detach(), p, self.price(search), self.setting.costs)


@method("proxylessnas")
class ProxylessNAS(Proxyless):
    """Two operations per decision, one of them active; only their logits move, and together they
    keep the probability that they had."""

    def step(self) -> Step:
        """One step of the logits of the search whose turn it is."""
        search, _, _ = self.turn
        setting, alpha = self.setting, self.masked(search)
        places = len(setting.space.decisions)
        draws = generator(setting.params.seed, "pairs", self.done)
        pairs = draw_pairs(alpha[:places], draws)
        gates = binary_gates(alpha[:places], pairs, draws)
        widths = self.draw_widths(alpha, draws)
        with constant(setting.weights.net):
            cross_entropy = self.loss_on(self.done)([*gates, *single(widths)])
        latency = expected_latency_ms(over_pairs(alpha, pairs), setting.costs)
        ratio = latency / setting.costs.reference_ms
        estimate = self.with_widths(search, cross_entropy, alpha, widths)
        loss = self.priced(estimate, ratio, self.prices[search])
        before = self.logits[search].detach().clone()
        self.descend(search, loss)
        keep_the_others(self.logits[search].data[:places], before[:places], pairs)
        self.done += 1
        return self.seen(search, float(loss.detach()), cross_entropy[None])

    def priced(self, cross_entropy: Tensor, ratio: Tensor, kappa: float) -> Tensor:
        """The loss of a latency that is `ratio` times the reference."""
        if self._proxyless.latency == "add":
            return cross_entropy + kappa * (ratio - 1)
        return cross_entropy * ratio**kappa


@method("proxylessnas-r")
class ProxylessNASR(Proxyless):
    """REINFORCE: paths are run forward only, and rewarded with accuracy · (ref / latency)^κ
    (the reward of Tan et al., 2019, MnasNet)."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.baselines = [MovingBaseline(self._proxyless.baseline) for _ in self.prices]

    def step(self) -> Step:
        """One step of the logits of the search whose turn it is."""
        search, _, _ = self.turn
        setting, alpha = self.setting, self.masked(search)
        draws = generator(setting.params.seed, "paths", self.done)
        p = alpha.detach().softmax(1).cpu().expand(self._proxyless.paths, -1, -1)
        paths = draw_paths(p, draws)
        networks = [setting.space.canonical(path) for path in paths.tolist()]
        losses, accuracies = self._judged(networks)
        latency = expected_latency_ms(one_hot(networks, setting.costs).to(alpha), setting.costs)
        rewards = reward(accuracies, latency / setting.costs.reference_ms, self.prices[search])
        advantages = self.baselines[search].advantages(rewards)
        logits = alpha.expand(len(paths), -1, -1)
        self.descend(search, -(advantages * log_probability(logits, paths)).mean())
        self.done += 1
        return self.seen(search, -float(rewards.mean()), losses)

    @torch.no_grad()
    def _judged(self, networks: Sequence[Choices]) -> tuple[Tensor, Tensor]:
        """Cross-entropy and accuracy (m,) of m networks on one batch."""
        supernet, batch = self.setting.weights.supernet, self.batch(self.done)
        seen = [on_batch(supernet, single(choices), *batch) for choices in networks]
        losses, hits = zip(*seen, strict=True)
        return torch.stack(losses), torch.stack(hits)


def reward(accuracies: Tensor, ratios: Tensor, exponent: float) -> Tensor:
    """accuracy · (ref / latency)^exponent, for latencies that are `ratios` of the reference."""
    return accuracies * ratios**-exponent


def over_pairs(alpha: Tensor, pairs: Tensor) -> Tensor:
    """Probabilities (decisions, options) of the first decisions over their pair (E, 2) alone, and
    of all others, which are widths, over all options."""
    places = len(pairs)
    soft = alpha[:places].gather(1, pairs).softmax(1)
    of_places = torch.zeros_like(alpha[:places]).scatter(1, pairs, soft)
    return torch.cat([of_places, alpha[places:].softmax(1)])


@torch.no_grad()
def keep_the_others(logits: Tensor, before: Tensor, pairs: Tensor) -> None:
    """Shift both logits of each pair (E, 2), in place, so that together they have the probability
    that they had `before`: that of every other option stays what it was."""
    now, then = (table.gather(1, pairs).logsumexp(1, keepdim=True) for table in (logits, before))
    logits.scatter_add_(1, pairs, (then - now).expand(-1, 2).contiguous())

"""Two arms of an extraction: the same effort for both, bin by bin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.extraction.arms import Looks, Scored
from pipeline.extraction.evidence import against_control, shared_bins
from tests.pipeline.extraction.made_up import candidate

BINS = 16
LIMITS_MS = (1.0, 2.0**BINS)  # a factor of two per bin


class Noise:
    """A judge of networks that are all alike: what it finds is chance, and the quick look sees half
    of that."""

    def __init__(self, seed):
        self.draws = np.random.default_rng(seed)
        self.judgements = 0

    def screen(self, candidates, label):
        quick = self.draws.normal(size=len(candidates)).tolist()
        return [
            replace(c, screened_cross_entropy=q) for c, q in zip(candidates, quick, strict=True)
        ]

    def judge(self, candidates, label):
        self.judgements += len(candidates)
        noise = self.draws.normal(size=len(candidates)).tolist()
        return [
            replace(c, cross_entropy=c.quick_cross_entropy + n)
            for c, n in zip(candidates, noise, strict=True)
        ]


def arm(name, reached, count=320):
    """`count` networks, evenly over the first `reached` bins."""
    return [candidate(f"{name}{i}", 2.0 ** (i % reached + 0.5)) for i in range(count)]


def verdict(seed, reached):
    """Of a search that reaches as many bins, against a control that reaches all of them."""
    looks = Looks(Noise(seed), 160, 32, LIMITS_MS, BINS)
    family = looks.score(arm("search", reached), "search")
    control = looks.score(arm("uniform", BINS), "control")
    one, other = looks.equally(family, control)
    return against_control(shared_bins(one.judged, other.judged, LIMITS_MS, BINS))


@pytest.mark.parametrize("reached", [8, 16])
def test_a_search_that_is_no_better_is_seldom_said_to_win_however_few_bins_it_reaches(reached):
    """One time in twenty is what the interval grants; with the tries of all other bins a search
    that reaches half of them would win one time in three."""
    verdicts = [verdict(seed, reached) for seed in range(80)]
    assert {found.bins for found in verdicts} == {reached}
    assert sum(not found.ties for found in verdicts) <= 8


def looked_at(name, scores, latency_ms=1.5):
    """Screened candidates of one bin; a score is the quick look's, and the careful one's where
    there is one."""
    return [
        replace(candidate(f"{name}{n}", latency_ms, careful), screened_cross_entropy=quick)
        for n, (quick, careful) in enumerate(scores)
    ]


def test_both_arms_have_the_tries_of_the_one_with_fewer():
    family = looked_at("s", [(0.5, None), (0.4, None), (0.3, 0.3), (0.2, 0.2)])
    control = looked_at("u", [(0.6, 0.6), (0.7, None)])
    judge = Noise(0)
    looks = Looks(judge, 4, 2, LIMITS_MS, BINS)
    one, other = looks.equally(Scored(family, family[2:]), Scored(control, control[:1]))
    assert [c.choices for c in one.screened] == [("s0",), ("s1",)]  # the first, not the best
    assert [c.choices for c in one.judged] == [("s1",)]  # the best of these, judged only now
    assert (judge.judgements, one.judged[0].cross_entropy is None) == (1, False)
    assert other == Scored(control, control[:1])


def test_equal_arms_are_compared_as_they_are():
    family, control = (looked_at(name, [(0.5, 0.5), (0.4, 0.4)]) for name in "su")
    judge = Noise(0)
    looks = Looks(judge, 2, 2, LIMITS_MS, BINS)
    one, other = looks.equally(Scored(family, family), Scored(control, control))
    assert (one.screened, other.screened) == (family, control)
    assert one.judged == family[::-1]
    assert judge.judgements == 0


def test_a_bin_that_one_arm_does_not_reach_is_not_compared():
    family = looked_at("s", [(0.5, 0.5)]) + looked_at("far", [(0.1, 0.1)], latency_ms=40.0)
    control = looked_at("u", [(0.6, 0.6)])
    one, _ = Looks(Noise(0), 2, 2, LIMITS_MS, BINS).equally(
        Scored(family, family), Scored(control, control)
    )
    assert one == Scored(family[:1], family[:1])

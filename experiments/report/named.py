"""The bar against the named baselines, which have too few seeds for a verdict of each."""

from __future__ import annotations

from statistics import mean

from experiments.report.methods import CONTROLS, against
from experiments.report.study import Study
from experiments.results import shared_seeds


def named(study: Study) -> str:
    """Whether the first arm is no more than the margin below any of them, and above the mean of
    all arms; empty where the protocol names none."""
    first, margin = study.settings.first, study.settings.margin
    names = [arm for arm in study.settings.arms if arm not in (first, *CONTROLS)]
    if not names:
        return ""
    return f"""### Named baselines

The bar, over the seeds that all arms have: the mean difference of {first} to each of
{", ".join(names)} is above −{100 * margin:g} %, and its mean hypervolume above that of all arms.
It is one of means, and no verdict: few seeds allow none.

{_told(study, names)}
"""


def _told(study: Study, names: list[str]) -> str:
    settings, volumes = study.settings, study.volumes
    lacking = [
        arm for arm in settings.arms if volumes.get(arm, {}).keys() < set(settings.seeds_of(arm))
    ]
    if lacking:
        return f"Not known yet: seeds of {', '.join(lacking)} are not finished."
    found = {arm: against(study, arm) for arm in names}
    means = {arm: one.mean for arm, one in found.items() if one is not None}
    seeds = shared_seeds(study.families)
    if not means or not seeds:
        return "Not known: there is no seed that all arms have."
    worst = min(means, key=lambda arm: means[arm])
    volume = {arm: 100 * mean(of[seed] for seed in seeds) for arm, of in volumes.items()}
    ours, of_all = volume[settings.first], mean(volume.values())
    met = means[worst] > -settings.margin and ours > of_all
    return (
        f"Seeds {', '.join(map(str, seeds))}: least against {worst}, "
        f"{100 * means[worst]:+.1f} %; {ours:.2f} points of hypervolume, {of_all:.2f} on average "
        f"over all arms. Bar: {'met' if met else 'missed'}."
    )

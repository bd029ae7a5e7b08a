"""The sections about the space: the room it has, and how shared weights order it."""

from __future__ import annotations

from benchmarks.markdown import table
from benchmarks.room.report import by_setting
from benchmarks.room.spread import ENOUGH
from experiments.ranking import RETRAINED, Rank, ranks
from experiments.report.study import Study

_RETRAINED_NOTE = f"""
"{RETRAINED}" takes the accuracy of seed 0 for a score of that of seed 1 alone; all others are
compared with the mean over seeds, which has less noise, so that they may exceed it."""
OVERALL, WITHIN = 0.6, 0.3  # Kendall's tau that shared weights should have


def room(study: Study) -> str:
    """A table for every space and recipe whose networks were trained."""
    if not study.room:
        return ""
    return f"""### Room

Random networks of equal predicted latency, trained with two or more seeds: "spread" is the standard
deviation of their mean test accuracies, in points, "noise" that of networks which are equally good.
Below {ENOUGH:g} times the noise no method can be told from chance there.

{by_setting(study.room, "####")}"""


def rank(study: Study) -> str:
    """Kendall of every score with the accuracy after training."""
    found = ranks(study.rank, study.own_room)
    if not found:
        return ""
    body = [(r.score, f"{r.overall:+.2f}", f"{r.within:+.2f}", _between(r)) for r in found]
    by_score = {one.score: one for one in found}
    ours = found[0]
    bars = [
        f"{ours.overall:.2f} overall (bar {OVERALL:g})",
        f"{ours.within:.2f} within a latency (bar {WITHIN:g})",
        f"{by_score['MACs'].within:.2f} of MACs there, which it must exceed",
    ]
    met = ours.overall >= OVERALL and ours.within > WITHIN and ours.within > by_score["MACs"].within
    trained = {row["architecture"] for row in study.own_room}
    networks = len(trained & {row["architecture"] for row in study.rank})
    low, _ = ours.within_interval
    doubt = "" if low > WITHIN else f" {networks} networks do not settle the second."
    note = _RETRAINED_NOTE if RETRAINED in by_score else ""
    return f"""### Rank

Kendall's tau-b of a score and the test accuracy after training, over {networks} networks of the
room: all pairs, and pairs of equal latency alone, with the interval of 95 % for other networks of
these latencies (bootstrap). The shared weights are those of {study.settings.first}, seed
{study.settings.first_seed}: those of another seed order these networks in another way, which the
interval leaves out. Less cross-entropy counts as better, and more of all others.{note}

{table(("score", "all", "equal latency", "95 %"), body)}
Bar: {"met" if met else "MISSED"}: {"; ".join(bars)}.{doubt}
"""


def _between(rank: Rank) -> str:
    low, high = rank.within_interval
    return f"{low:+.2f} to {high:+.2f}"

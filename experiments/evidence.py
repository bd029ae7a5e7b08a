"""``python -m experiments.evidence OUT`` in a cell's folder: what a search is worth, seen in its
shared weights alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from benchmarks.rows import Row
from edge.files import write_atomic
from pipeline import allocator, params
from pipeline.extract import BINS, Extraction
from pipeline.extraction import evidence
from pipeline.extraction.arms import Scored
from pipeline.extraction.candidates import Candidate, bin_of


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def main(out: Path) -> None:
    """Judge candidates of the search and of uniform α, and write what was seen to OUT."""
    extraction = Extraction(params.load())
    family = extraction.judged("search", extraction.from_search())
    control = extraction.judged("uniform", extraction.from_uniform())
    write_atomic(out, json.dumps(seen(family, control, extraction)) + "\n")


def seen(family: Scored, control: Scored, extraction: Extraction) -> Row:
    """The best of both in bins of equal latency, at equal effort, by the careful and by the quick
    look; every judged network with its bin and both its cross-entropies; and what α says without an
    image."""
    one, other = extraction.looks.equally(family, control)

    def bins(of_one: Sequence[Candidate], of_other: Sequence[Candidate]) -> list[Row]:
        shared = evidence.shared_bins(of_one, of_other, extraction.limits_ms, BINS)
        return [asdict(found) for found in shared]

    return {
        "bins": bins(one.judged, other.judged),
        "quick_bins": bins(one.quickly_judged, other.quickly_judged),
        "judged": [
            [bin_of(c, extraction.limits_ms, BINS), c.quick_cross_entropy, c.judged_cross_entropy]
            for c in (*family.judged, *control.judged)
        ],
        **of_alpha(family, extraction),
    }


def of_alpha(family: Scored, extraction: Extraction) -> Row:
    """Distinct networks that the argmax of α gave on its front, the ratio of latencies from end to
    end, and how α hears S (Spearman of S_o and the use of o, each o) and κ (of κ and latency)."""
    front = evidence.distinct_on_front(family.quickly_judged)
    alpha, prices = extraction.result.alpha, extraction.result.kappa_range
    return {
        "distinct_argmax": len(front),
        "argmax_span": front[-1].median.mean_ms / front[0].median.mean_ms if front else 1.0,
        "steering": evidence.steering(alpha, extraction.space.operations, prices),
        "thrift": evidence.thrift(alpha, extraction.costs, prices),
    }


if __name__ == "__main__":
    allocator.tune()
    main()

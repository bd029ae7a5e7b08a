"""``python -m experiments.arm KIND OUT`` in a cell's folder: extract one family, and what it cost.

The steps are those of the stage `extract`, for one side only: a family or its control, each
charged for what it evaluated.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from edge.files import write_atomic
from experiments.evidence import of_alpha
from pipeline import allocator, extract, params
from pipeline import extraction as package
from pipeline.extract import Extraction
from pipeline.extraction.arms import Scored
from pipeline.extraction.choose import Choice
from pipeline.search.stage import CODE as SEARCH
from pipeline.source_code import made_by

CODE = (*SEARCH, package, extract)  # that decides what a cell finds
KINDS = ("search", "uniform")  # where candidates come from


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def main(kind: str, out: Path) -> None:
    """Extract a member per budget from candidates of KIND, and write them to OUT."""
    began_s = time.process_time()
    extraction = Extraction(params.load())
    found = extraction.from_search() if kind == "search" else extraction.from_uniform()
    scored = extraction.judged(kind, found)
    choices = extraction.by_budget(scored)
    cpu_s = round(time.process_time() - began_s, 1)
    content = {
        "made_by": made_by(CODE, ("torch",)),
        "cpu_s_extract": cpu_s,
        **summary(scored, choices, extraction),
    }
    write_atomic(out, json.dumps(content) + "\n")


def summary(scored: Scored, choices: list[Choice], extraction: Extraction) -> dict[str, Any]:
    """Members by budget, and what α is without any training."""
    return {
        "screened": len(scored.screened),
        "judged": len(scored.judged),
        **of_alpha(scored, extraction),
        "members": [_member(choice, extraction) for choice in choices],
    }


def _member(choice: Choice, extraction: Extraction) -> dict[str, Any]:
    c = choice.candidate
    return {
        "budget_ms": choice.budget_ms,
        "fits": choice.fits,
        "choices": list(c.choices),
        "architecture": extraction.space.architecture(c.choices).key,
        "predicted_ms": round(c.median.mean_ms, 6),
        "cross_entropy": c.cross_entropy,
        "swaps": c.swaps,
    }


if __name__ == "__main__":
    allocator.tune()
    main()

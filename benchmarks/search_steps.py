"""`make bench-search`: what a step of the search costs, by how many candidates run in it.

One path per step is the point of weight sharing by sampling: time and memory should not grow with
the number k of candidates. Running all of them, mixed by their probabilities as DARTS does, is
what it is compared with. Every case runs in a process of its own, so that the peak of its memory
is its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Literal, get_args

import click

from edge.device import describe
from edge.files import write_atomic
from pipeline import allocator

Kind = Literal["single-path", "two-path", "all-candidates"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OPERATIONS = (  # the first k of them
    *("skip", "mbconv_k3_e2", "sep_k3", "mbconv_k5_e2", "mbconv_k3_e4", "mbconv_k5_e4", "conv_k3"),
)
RESULTS = Path("benchmarks/results/search-steps.jsonl")
BATCH = 64


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--steps", type=click.IntRange(3), default=15, show_default=True, help="Of a case.")
@click.option("--one", nargs=3, hidden=True, type=(click.Choice(KINDS), int, int))
def main(steps: int, one: tuple[Kind, int, int] | None) -> None:
    """Time the step of every kind against k and against the number of decisions.

    Nothing else should run meanwhile. One thread.
    """
    if one:
        click.echo(json.dumps(measure(*one, steps)))
        return
    cases = [(k, 9) for k in (2, 4, 7)] + [(7, decisions) for decisions in (3, 18)]
    device = describe().fingerprint
    rows = []
    for k, decisions in cases:
        for kind in KINDS:
            rows.append({"device": device, **_apart(kind, k, decisions, steps)})
        click.echo(as_text(rows[-len(KINDS) :], header=len(rows) == len(KINDS)))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(RESULTS, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))


def measure(kind: Kind, k: int, decisions: int, steps: int) -> dict[str, Any]:
    """Median seconds of a step on 28×28 images, and MiB at the peak beyond those before it."""
    import torch

    torch.set_num_threads(1)
    step = _step(kind, k, decisions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for number in range(steps):
        began = time.perf_counter()
        step(number)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "kind": kind,
        "k": k,
        "decisions": decisions,
        "step_s": round(median(seconds[2:]), 5),  # the first ones fill caches
        "peak_mib": round((peak - before) / 1024, 1),
    }


def _step(kind: Kind, k: int, decisions: int) -> Callable[[int], None]:
    """One step of the weights along what `kind` runs."""
    import numpy as np
    import torch
    import torch.nn.functional as F

    from models.mbconv import mbconv
    from models.supernet import Supernet, single

    torch.manual_seed(0)
    third = decisions // 3
    space = mbconv(
        input_shape=(1, 28, 28), classes=10, operations=OPERATIONS[:k], stem_width=24,
        stem_stride=2, widths=[24, 48, 96], depths=[third] * 3, head_width=128, act="relu",
    )  # fmt: skip
    net = Supernet(space).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, y = torch.randn(BATCH, 1, 28, 28), torch.arange(BATCH) % 10
    draws = np.random.default_rng(0)

    def selection() -> Any:
        if kind == "single-path":
            return single([int(draws.integers(k)) for _ in range(decisions)])
        count = 2 if kind == "two-path" else k
        gates = torch.full((count,), 1 / count, requires_grad=True)
        chosen = [draws.permutation(k)[:count].tolist() for _ in range(decisions)]
        return [list(zip(options, gates, strict=True)) for options in chosen]

    def step(_: int) -> None:
        loss = F.cross_entropy(net(x, selection()), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def _apart(kind: Kind, k: int, decisions: int, steps: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.search_steps", "--steps", str(steps)]
    command += ["--one", kind, str(k), str(decisions)]
    env = allocator.for_training(os.environ)  # as the search itself runs
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=env)
    row: dict[str, Any] = json.loads(answer.stdout)
    return row


def as_text(rows: list[dict[str, Any]], header: bool) -> str:
    """The kinds of one case, with how much slower than a single path."""
    lines = ["kind            k  decisions  ms / step  × single  peak MiB"] if header else []
    single_s = next(row["step_s"] for row in rows if row["kind"] == "single-path")
    lines += [
        f"{row['kind']:<14} {row['k']:2d}  {row['decisions']:9d}  {1e3 * row['step_s']:9.1f}  "
        f"{row['step_s'] / single_s:8.2f}  {row['peak_mib']:8.0f}"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()

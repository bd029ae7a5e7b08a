"""Stage `calibrate`: correct the table by every whole network that was measured.

The held-out networks of the profile correct nothing: they say how well the others predict.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from edge import networks, record
from edge.calibration import Calibration, CalibrationError, fit
from edge.files import write_atomic
from edge.networks import Accept, Measured
from edge.observed import taken
from edge.record import Measurement, Verdict, iter_networks
from edge.table import Table
from pipeline import heldout, measure, metrics, plots, verdicts
from pipeline.heldout import HeldOut
from pipeline.params import CalibrateParams, Params

FOLDER = Path("results/calibrate")
CALIBRATION_FILE = FOLDER / "calibration.json"
MEASUREMENTS = Path("measurements")  # what came back from devices

_PERCENTILES = (90, 95, 99)
_ANY_DAY = datetime(1970, 1, 1, tzinfo=timezone.utc)  # where there is no record that could age


@dataclass(frozen=True)
class Result:
    """What the stage writes."""

    calibration: Calibration
    heldout: tuple[HeldOut, ...]
    ignored: Mapping[str, int]  # reason -> how many records
    warnings: tuple[str, ...]


def run(params: Params, now: datetime | None = None, root: Path = Path()) -> None:
    """Calibrate the profile's table and write it, with the errors of its predictions.

    Everything is read and written below `root`. Records age up to `now`; None: up to the
    latest of them, so that equal inputs give equal outputs. Raises TableError where there is
    no profile, RecordError for a broken file.
    """
    table = Table.read(root / measure.FOLDER)
    session = list(iter_networks(record.read(root / measure.RECORDS_FILE)))
    feedback = list(iter_networks(record.read_all(root / MEASUREMENTS)))
    result = calibrate(table, session, feedback, params.calibrate, now)
    write(result, root)
    for warning in result.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(report(result))


def read_calibration(path: Path = CALIBRATION_FILE) -> Calibration:
    """Read what the stage wrote. Raises CalibrationError where it is missing or malformed."""
    try:
        return Calibration.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise CalibrationError(f"{path} does not exist; make it: dvc repro calibrate") from error
    except (AttributeError, ValueError) as error:
        raise CalibrationError(
            f"{path}: {error}; make it again: dvc repro -sf calibrate"
        ) from error


def calibrate(
    table: Table,
    session: Sequence[Measured],
    feedback: Sequence[Measured],
    params: CalibrateParams,
    now: datetime | None = None,
) -> Result:
    """Fit the networks of the profile's `session`, without the held-out ones, and `feedback`."""
    fitted = networks.to_fit(session, [])
    all_fitted = networks.to_fit(session, feedback)
    ours = [m for _, m in all_fitted if m.target == table.target]
    accept, warnings = accepted(ours, params.accept)
    calibration = fit(
        table,
        all_fitted,
        confidence=params.confidence,
        half_life_days=params.half_life_days,
        now=now or max(map(taken, ours), default=_ANY_DAY),
        accept=accept,
    )
    ignored = Counter(calibration.ignored)
    ignored["around other fixed layers"] += len(fitted) + len(feedback) - len(all_fitted)
    return Result(
        calibration,
        tuple(heldout.compare(calibration, session)),
        {reason: n for reason, n in ignored.items() if n},
        (*warnings, *filter(None, [calibration.advice])),
    )


def accepted(
    measurements: Sequence[Measurement], accept: Accept
) -> tuple[tuple[Verdict, ...], list[str]]:
    """The verdicts that count, and what to warn of.

    On a busy machine every record may be suspect: `auto` then uses them and says so, because a
    table without any whole network is worse.
    """
    verdict = networks.accepted(measurements, accept)
    usable = sum(m.usable for m in measurements)
    if "suspect" not in verdict:
        return verdict, [] if usable >= networks.ENOUGH else [_too_few(measurements, usable)]
    suspect = [m for m in measurements if m.verdict == "suspect"]
    return verdict, [_suspects_count(suspect, usable)] if accept == "auto" else []


def _too_few(measurements: Sequence[Measurement], usable: int) -> str:
    lines = [
        f"only {usable} usable measurements of whole networks: the predictions are almost the "
        "table's own and their intervals wide",
        *verdicts.doubts(m for m in measurements if not m.usable),
        "let nothing else run and dvc repro -sf profile, or set calibrate.accept: suspect"
        if measurements
        else "give profile.anchors a few, then dvc repro",
    ]
    return "\n  ".join(lines)


def _suspects_count(suspect: Sequence[Measurement], usable: int) -> str:
    lines = [
        f"with only {usable} usable measurements of whole networks, {len(suspect)} suspect ones "
        "count too: predictions may be off by what disturbed them",
        *verdicts.doubts(suspect),
        "for better ones let nothing else run, then dvc repro -sf profile "
        "(calibrate.accept: usable refuses them, suspect accepts them silently)",
    ]
    return "\n  ".join(lines)


def scores(result: Result) -> dict[str, float | None]:
    """What DVC compares between runs: errors in percent, shares in 0..1."""
    calibration = result.calibration
    return {
        "networks": calibration.n,
        "ignored_records": sum(result.ignored.values()),
        "outliers": len(calibration.outliers),
        "scale": calibration.coefficients.scale,
        "left_out_error_percent": calibration.left_out_error_percent,
        **{f"p{p}_ratio": calibration.tail_ratio(p).ratio for p in _PERCENTILES},
        **heldout.scores(result.heldout),
    }


def write(result: Result, root: Path) -> None:
    """Write calibration.json, the corrected table, the held-out networks and the metrics."""
    folder = root / FOLDER
    calibration = json.dumps(result.calibration.to_dict(), indent=1, sort_keys=True)
    write_atomic(folder / "calibration.json", calibration + "\n")
    result.calibration.fold().write(folder)
    write_atomic(root / plots.HELDOUT, heldout.to_csv(result.heldout))
    metrics.write("calibrate", scores(result), root)


def report(result: Result) -> str:
    """What a person reads at the end."""
    numbers = scores(result)
    lines = [f"calibrated with {result.calibration.n} networks"]
    lines += [f"ignored {n} records: {reason}" for reason, n in sorted(result.ignored.items())]
    for network in result.calibration.outliers:
        lines.append(f"outlier {network.name}: the others say {network.error_percent:+.1f} %")
    if result.heldout:
        lines.append(
            f"{len(result.heldout)} networks that nothing was fitted on are predicted within "
            f"{numbers['heldout_error_percent']:.1f} % on average "
            f"(the table alone: {numbers['heldout_table_error_percent']:.1f} %); "
            f"{numbers['heldout_coverage']:.0%} lie in their interval"
        )
    return "\n  ".join(lines)

"""A member's model card, in Markdown: what it is, how good, how fast, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge.manifest import Artifact, Latency, Manifest, Member
from edge.record import Conditions, Measurement, Target
from edge.spec import Architecture
from pipeline.confusion import Counts
from pipeline.markdown import escape, table
from pipeline.report.text import digits, ms, percent, plain, plural
from pipeline.target_names import apart

FOLDER = "cards"  # of the family's
MOST_CLASSES = 20  # of a table of confusions that a page can hold
_WORST = 20  # confusions that are listed where there are more classes


def card_path(name: str) -> str:
    """Where a member's card lies, relative to the manifest."""
    return f"{FOLDER}/{name}.md"


def confusion_path(name: str) -> str:
    """Where the counts lie that its table of confusions is of."""
    return f"{FOLDER}/{name}.confusion.csv"


def card(
    manifest: Manifest, member: Member, records: Sequence[Measurement], counts: Counts | None
) -> str:
    """The page about `member`; `records` are what its latencies are of, `counts` its confusions."""
    parts = [
        f"# {escape(member.name)}",
        _about(manifest, member),
        *_use(manifest),
        *_accuracy(member),
        *_confusion(manifest, counts),
        *_latency(member),
        *_conditions(records),
        *_network(member.read_architecture()),
        *_origin(manifest, member),
    ]
    return "\n\n".join(parts) + "\n"


def _about(manifest: Manifest, member: Member) -> str:
    budget = ""
    if member.budget_ms is not None:
        kept = {True: ", which it keeps", False: ", which it does not keep", None: ""}
        budget = f" It was made for {member.budget_ms:g} ms{kept[member.budget_met]}."
    return (
        f"A member of a family of {plural(len(manifest.members), 'network')}, for "
        f"{len(manifest.classes)} classes of images of {escape(manifest.dataset)}.{budget} "
        f"{digits(member.macs / 1e6)} million MACs, "
        f"{digits(member.parameters / 1e3)} thousand parameters."
    )


def _use(manifest: Manifest) -> list[str]:
    channels, height, width = manifest.input_shape
    kind = "grey" if channels == 1 else "RGB" if channels == 3 else f"{channels}-channel"
    mean, std = (", ".join(f"{x:.6g}" for x in of) for of in (manifest.mean, manifest.std))
    lines = [
        f"- Input: one {kind} image of {height} x {width} pixels (height x width), "
        f"(pixel / 255 - mean) / std with mean {mean} and std {std}. "
        "`Family.load(FOLDER).pick(budget_ms=…)` does all of that.",
        f"- Output: a logit per class, in this order: {escape(', '.join(manifest.classes))}.",
        f"- Licence: {escape(manifest.licence) if manifest.licence else 'not stated'}.",
        "- Made for images like those of its data set. What it makes of other images is unknown: "
        "it has no class for them.",
    ]
    return ["## Use", "\n".join(lines)]


def _accuracy(member: Member) -> list[str]:
    trained = [
        "as trained",
        *("–", "–", percent(member.holdout_accuracy), percent(member.test_accuracy), "–", "–"),
    ]
    head = ["file", "precision", "kB", "hold-out", "test", "error of a logit", "status"]
    return [
        "## Accuracy",
        table(head, [trained, *map(_file, member.artifacts)], names=2),
        "Hold-out images rank members and judge files; test images choose nothing. The error of a "
        "logit is the largest one against PyTorch, over the largest logit.",
    ]


def _file(file: Artifact) -> list[str]:
    shares = (file.holdout_accuracy, file.test_accuracy)
    error = file.max_relative_error
    return [
        escape(file.path),
        file.precision,
        digits(file.size_bytes / 1e3),
        *("–" if share is None else percent(share) for share in shares),
        "–" if error is None else f"{error:.1e}",
        file.status,
    ]


def _confusion(manifest: Manifest, counts: Counts | None) -> list[str]:
    if counts is None:
        return []
    about = "Test images, classified by the network as trained."
    labels = [escape(label) for label in manifest.classes]
    if len(labels) <= MOST_CLASSES:
        rows = [[label, *map(str, row)] for label, row in zip(labels, counts.tolist(), strict=True)]
        body = table(["images of", *labels], rows)
        how = "A row is what they are, a column what they are taken for."
        return ["## Confusions", f"{about} {how}", body]
    worst = sorted(
        ((int(n), labels[i], labels[j]) for (i, j), n in _off_diagonal(counts)),
        key=lambda found: -found[0],
    )[:_WORST]
    body = table(["images of", "taken for", "images"], [[i, j, str(n)] for n, i, j in worst], 2)
    return ["## Confusions", f"{about} The {len(worst)} most frequent confusions.", body]


def _off_diagonal(counts: Counts) -> Iterable[tuple[tuple[int, int], int]]:
    rows = enumerate(counts.tolist())
    return (((i, j), n) for i, row in rows for j, n in enumerate(row) if i != j and n > 0)


def _latency(member: Member) -> list[str]:
    if not member.latencies:
        return ["## Latency", "Not measured."]
    head = ["target", "median, ms", "95 % interval", "p90 ≤", "p95 ≤", "p99 ≤", "runs"]
    head += ["memory, MB", "predicted, ms"]
    return [
        "## Latency",
        table(head, map(_measured, member.latencies)),
        "One image, the network alone. p90, p95 and p99 are upper bounds of the percentiles with "
        "a confidence of 95 %, in ms, a dash where the runs were too few for one. Memory is what "
        "the model added to the most that a process with the runtime had taken before.",
    ]


def _measured(latency: Latency) -> list[str]:
    memory, predicted = latency.peak_memory_bytes, "–"
    if latency.predicted_lo_ms is not None:
        predicted = f"{ms(latency.predicted_ms)} ({_span(latency, 'predicted_')})"
    return [
        escape(str(latency.target)),
        ms(latency.median_ms),
        _span(latency),
        *(ms(bound) for bound in (latency.p90_ms, latency.p95_ms, latency.p99_ms)),
        str(latency.n),
        "–" if memory is None else digits(memory / 1e6),
        predicted,
    ]


def _span(latency: Latency, prefix: str = "") -> str:
    lo, hi = (getattr(latency, f"{prefix}{end}_ms") for end in ("lo", "hi"))
    return f"{ms(lo)} to {ms(hi)}"


def _conditions(records: Sequence[Measurement]) -> list[str]:
    if not records:
        return []
    targets = [record.target for record in records]
    lines = [
        f"- {_of(record.target, targets)}: **{record.verdict}**"
        f"{_because(record.reasons)}. {escape(_told(record.conditions))}"
        for record in records
    ]
    return ["### Conditions", "\n".join(lines)]


def _of(target: Target, among: Sequence[Target]) -> str:
    name = f"{target.runtime} {target.precision}"
    return escape(", ".join([name, *apart(target, among)]))


def _because(reasons: Sequence[str]) -> str:
    return f" ({escape('; '.join(reasons))})" if reasons else ""


def _told(of: Conditions) -> str:
    """Every condition, with its unit; what no sensor told is unknown."""
    load, throttled = of.other_cpu_load, of.throttled
    facts = {
        "measured": of.wall_time,
        "system": of.os,
        "kernel": of.kernel,
        "governor": of.governor,
        "clock": _change(of.clock_mhz_before, of.clock_mhz_after, "MHz"),
        "temperature": _change(of.temperature_c_before, of.temperature_c_after, "°C"),
        "throttled": None if throttled is None else "yes" if throttled else "no",
        "load of others": None if load is None else percent(load, 0),
    }
    return ", ".join(f"{name} {fact or 'unknown'}" for name, fact in facts.items())


def _change(before: float | None, after: float | None, unit: str) -> str | None:
    if before is None or after is None:
        return None
    return f"{before:.0f} to {after:.0f} {unit}"


def _network(architecture: Architecture) -> list[str]:
    rows = [
        [escape(row.place), f"`{row.block.key}`", "searched" if row.searched else "fixed"]
        for row in architecture.rows
    ]
    about = (
        "A block is an operation, its input (channels x height x width), output channels, stride "
        "and activation."
    )
    return ["## Network", table(["place", "block", ""], rows, names=3), about]


def _origin(manifest: Manifest, member: Member) -> list[str]:
    origin = dict(member.origin)
    lines = []
    if "simplex" in origin:
        shares = ", ".join(f"{op} {share:g}" for op, share in origin.pop("simplex").items())
        lines.append(f"- Point S of the simplex, what is penalised: {escape(shares)}.")
    if "kappa" in origin:
        lines.append(f"- Price κ of latency: {plain(origin.pop('kappa'))}.")
    lines += [f"- {escape(name)}: {escape(str(value))}." for name, value in origin.items()]
    of = manifest.provenance
    if of is not None:
        facts = {
            "Commit": of.commit,
            "sha256 of params.yaml": of.params_sha256,
            "sha256 of data/dataset.npz": of.data_sha256,
            "EdgeFacet": of.edgefacet,
        }
        lines += [f"- {name}: {fact or 'unknown'}." for name, fact in facts.items()]
    return ["## Where it comes from", "\n".join(lines)] if lines else []

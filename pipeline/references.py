"""What the search is worth: hand-designed networks, trained and measured like the members.

The family's best member is held against ResNet-8, and its fastest one against a plain CNN of the
width at which it is as fast. Not a stage of ``dvc.yaml``: a question about a family that exists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from torch import nn

from edge.bench import Failure, Job, Protocol, measure
from edge.errors import EdgeError
from edge.family import Artifact, Family, Manifest, Member
from edge.files import write_atomic
from edge.latencies import latency_of
from edge.record import Measurement, Subject, Target
from edge.text import fill, members_table
from models.network import count
from pipeline import comparison, dataset, metrics, store
from pipeline.comparison import Comparison
from pipeline.dataset import DATASET_FILE, Dataset
from pipeline.formats import FileFormat, format_of
from pipeline.matching import latency_ratio, match_width
from pipeline.model_files import describe, export_model
from pipeline.params import Params
from pipeline.progress import Progress
from pipeline.reference_nets import Reference, Trained, train_all
from pipeline.remote import require_local
from pipeline.sections.target import Precision
from pipeline.targets import read_target
from pipeline.verify import FAMILY_FOLDER, member_job, protocol

FOLDER = Path("results/references")
JOURNAL = store.STORE / "references/session.journal"
RESNET = Reference("resnet8", 16)  # the width of MLPerf Tiny
CNN = "plain-cnn"

Results = list[Measurement | Failure]


class ReferencesError(EdgeError, RuntimeError):
    """A comparison that cannot be made."""


def run(params: Params, root: Path = Path(), measure: Callable[..., Results] = measure) -> None:
    """Train what the store does not hold, measure it together with the members, and compare.

    Raises ReferencesError where the family was not measured on this target or a model would not
    run; whatever was trained by then is kept.
    """
    require_local(params.target, "references")
    with store.locked("references", root / store.STORE):
        target = read_target(params, root)
        family = Family.load(root / FAMILY_FOLDER)
        family.verify()
        fastest = comparison.fastest(family.manifest.members, target)
        if fastest is None:
            raise ReferencesError(f"no member was measured on {target}: dvc repro verify")
        data = dataset.load(root / DATASET_FILE)
        cnn = as_fast_as(member_job(family, fastest, target), data, params, target, measure)
        trained = train_all([RESNET, cnn], params.retrain, root)
        kind = format_of(target.runtime)
        references = [
            export_reference(one, kind, params.target.precision, data, params, root / FOLDER)
            for one in trained
        ]
        jobs = [_job(reference, root / FOLDER) for reference in references]
        members = [m for m in family.manifest.members if m.rejected(target) is None]
        jobs += [member_job(family, member, target) for member in members]
        results = _measure_together(jobs, target, protocol(params.verify), root, measure)
        networks = _with_latencies([*references, *members], results)
        resnet, plain, *members = networks
        comparisons = [
            Comparison(comparison.best(members), resnet, target),
            Comparison(next(m for m in members if m.name == fastest.name), plain, target),
        ]
        write(networks, comparisons, cnn.width, root)
        (root / JOURNAL).unlink(missing_ok=True)
        tell(family.manifest, networks, comparisons, target)


def as_fast_as(
    job: Job,
    data: Dataset,
    params: Params,
    target: Target,
    measure: Callable[..., Results] = measure,
) -> Reference:
    """The plain CNN whose measured latency is nearest to that of `job`."""

    def build(width: int) -> nn.Module:
        return Reference(CNN, width).build(data)

    ratio = latency_ratio(build, data.input_shape, params.export, job, target, measure)
    width, reached = match_width(ratio)
    click.echo(
        f"{CNN} of width {width} takes {reached:.2f} times as long as {job.subject.name}",
        err=True,
    )
    return Reference(CNN, width)


def export_reference(
    trained: Trained,
    kind: FileFormat,
    precision: Precision,
    data: Dataset,
    params: Params,
    folder: Path,
) -> Member:
    """Export into `folder`; in the form of a member, so that it is listed like one. Its accuracies
    are those of its file."""
    reference, net = trained.reference, trained.network(data)
    about = describe(data, params.data.title, kind)
    precisions = list(dict.fromkeys(["fp32", precision]))
    *_, file = export_model(
        reference.name, net, kind, precisions, folder, data, params.export, about
    )
    artifact = file.model_copy(update={"status": "ok"})  # compared, never deployed: no gate
    macs, parameters = count(net, data.input_shape)
    return Member(
        name=reference.name,
        architecture={},
        origin={"reference": reference.name, "width": reference.width},
        holdout_accuracy=trained.holdout_accuracy,
        test_accuracy=trained.test_accuracy,
        macs=macs,
        parameters=parameters,
        artifacts=(artifact,),
    )


def write(
    networks: Sequence[Member], comparisons: Sequence[Comparison], cnn_width: int, root: Path
) -> None:
    """Write ``references.json`` and the metrics below `root`."""
    content = {
        "networks": [network.model_dump(mode="json") for network in networks],
        "comparisons": [one.to_dict() for one in comparisons],
    }
    write_atomic(root / FOLDER / "references.json", json.dumps(content, indent=1) + "\n")
    numbers = {"plain_cnn_width": cnn_width, **comparison.numbers(comparisons)}
    metrics.write("references", numbers, root)


def tell(
    manifest: Manifest,
    networks: Sequence[Member],
    comparisons: Sequence[Comparison],
    target: Target,
) -> None:
    """Print all networks as one table, and the comparisons."""
    click.echo(fill(f"Target {target.id}: {target}"))
    click.echo(members_table(manifest.model_copy(update={"members": tuple(networks)}), target))
    for one in comparisons:
        click.echo(fill(str(one), indent=2))


def _job(reference: Member, folder: Path) -> Job:
    artifact: Artifact = reference.artifacts[0]
    subject = Subject(kind="file", name=reference.name, sha256=artifact.sha256, role="reference")
    return Job(subject, folder / artifact.path)


def _measure_together(
    jobs: Sequence[Job],
    target: Target,
    how: Protocol,
    root: Path,
    measure: Callable[..., Results],
) -> list[Measurement]:
    journal = root / JOURNAL
    with Progress("references", len(jobs) * how.blocks) as progress:
        results = measure(
            jobs, target, how, journal=journal, progress=lambda done, _: progress.update(done)
        )
    useless = [problem for result in results if (problem := _problem(result)) is not None]
    if useless:
        raise ReferencesError("\n  ".join(["models that could not be measured:", *useless]))
    return [result for result in results if isinstance(result, Measurement)]


def _problem(result: Measurement | Failure) -> str | None:
    if isinstance(result, Failure):
        return str(result)
    if result.verdict == "invalid":
        return f"{result.subject.name}: {'; '.join(result.reasons)}"
    return None


def _with_latencies(networks: Sequence[Member], results: Sequence[Measurement]) -> list[Member]:
    """The networks with nothing but their latency of the common session."""
    return [
        network.on(result.target).model_copy(update={"latencies": (latency_of(result),)})
        for network, result in zip(networks, results, strict=True)
    ]

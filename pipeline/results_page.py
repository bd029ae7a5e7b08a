"""What a run gave, as Markdown for README.md: every number of it read from what Git keeps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from edge.errors import EdgeError
from edge.family import Member, read_moment
from edge.record import Target
from pipeline import comparison
from pipeline.markdown import escape, table
from pipeline.params import Params
from pipeline.report import accuracy, control, cost, precisions, prediction, steering, svg
from pipeline.report.page import Section
from pipeline.report.sources import REFERENCES, STAGES, Numbered, Run
from pipeline.report.text import digits, duration, ms, percent, plural
from pipeline.target_names import short_name

FIGURES = "docs/figures"
DRAWN = {
    "accuracy": accuracy.section,
    "prediction": prediction.section,
    "steering": steering.section,
}
_MEMBER = ("member", "budget<br>ms", "hold-out<br>%", "test<br>%")
_NETWORK = ("MACs<br>M", "params<br>k")

Sections = Mapping[str, Section]
File = tuple[str, str]  # format and precision


class StaleReferences(EdgeError, ValueError):
    """Hand-designed networks that were compared with another family than this one."""


def sections(run: Run) -> Sections:
    """The sections of the report that the page and its drawings are taken from."""
    return {name: section(run) for name, section in DRAWN.items()}


def drawing(section: Section) -> Markup | None:
    """The first drawing of a section, where it has one."""
    bodies = (figure.body for figure in section.figures)
    return next((body for body in bodies if isinstance(body, Markup)), None)


def blocks(run: Run, params: Params, drawn: Sections) -> dict[str, str]:
    """The generated parts of README.md by the name of their markers.

    Raises StaleReferences.
    """
    return {"picture": picture(drawn["accuracy"]), "results": results(run, params, drawn)}


def picture(section: Section) -> str:
    """The family as one drawing, and how to read it; what is missing where there is none."""
    image = drawing(section)
    if image is None:
        return escape(section.lead)
    caption = escape(section.figures[0].caption)
    return f"![{escape(svg.alt(image))}]({FIGURES}/{section.name}.svg)\n\n{caption}"


def results(run: Run, params: Params, drawn: Sections) -> str:
    """The control's verdict first, then the members, and what the numbers rest on."""
    parts = [
        _control(run),
        f"{_circumstances(run, params)} {escape(drawn['accuracy'].lead)}",
        _table(run),
        _targets(run),
        escape(precisions.lead(precisions.pairs(run))),
        _prediction(run, drawn["prediction"]),
        _linked(drawn["steering"]),
        _references(run),
        _time(run),
    ]
    return "\n\n".join(filter(None, parts))


def _control(run: Run) -> str:
    found = control.found(run)
    return control.NO_CONTROL if found is None else f"**{found}** {control.ABOUT}"


def _circumstances(run: Run, params: Params) -> str:
    """The data set, the day, and how many seeds the numbers are of."""
    created = run.manifest.created
    day = f", measured on {read_moment(created):%Y-%m-%d}" if created else ""
    return (
        f"One run on {escape(run.manifest.dataset)}{day}, {_seeds(params)}, every member trained "
        f"for {plural(params.retrain.epochs, 'epoch')}."
    )


def _seeds(params: Params) -> str:
    seeds = {
        name: getattr(params, name).seed
        for name in ("data", "profile", "search", "extract", "retrain")
    }
    different = sorted(set(seeds.values()))
    if len(different) == 1:
        return f"one seed ({different[0]})"
    return f"one seed per stage ({', '.join(f'{name} {seed}' for name, seed in seeds.items())})"


def _table(run: Run) -> str:
    """A row per member: what is chosen by first, for a reader who sees a part of its width."""
    head, files = [*_MEMBER], _files(run)
    for target in _shown(run):
        name = _name(run, target)
        head += [f"{name}<br>median<br>ms", f"{name}<br>p{run.percentile} ≤<br>ms"]
    head += [*(f"{precision}<br>{format}<br>kB" for format, precision in files), *_NETWORK]
    rows = [_row(run, one, files) for one in run.members]
    return table(head, rows)


def _shown(run: Run) -> list[Target]:
    """The targets that have columns: those of the first one's precision. The others are told in a
    sentence, or the table would be wider than a page."""
    return [target for target in run.targets if target.precision == run.targets[0].precision]


def _files(run: Run) -> list[File]:
    """The kinds of model files that have columns; targets may share one."""
    artifacts = (artifact for member in run.manifest.members for artifact in member.deployed)
    kinds = dict.fromkeys((artifact.format, artifact.precision) for artifact in artifacts)
    shown = {target.precision for target in _shown(run)}
    return [kind for kind in kinds if not shown or kind[1] in shown]


def _row(run: Run, one: Numbered, files: Sequence[File]) -> list[str]:
    member = one.member
    cells = [
        f"{one.number} {escape(member.name)}",
        ms(member.budget_ms),
        f"{100 * member.holdout_accuracy:.2f}",
        f"{100 * member.test_accuracy:.2f}",
    ]
    for target in _shown(run):
        latency = member.latency(target)
        cells.append(ms(latency.median_ms if latency else None))
        cells.append(ms(latency.bound_ms(run.percentile) if latency else None))
    sizes = {(file.format, file.precision): file.size_bytes for file in member.deployed}
    cells += [digits(sizes[file] / 1e3) if file in sizes else "–" for file in files]
    return [*cells, digits(member.macs / 1e6), digits(member.parameters / 1e3)]


def _targets(run: Run) -> str:
    """The machine and the runtime that every column of latencies is of."""
    about = (
        f"p{run.percentile} is an upper bound of that percentile, a dash where the runs were too "
        "few for one. A budget is for the first target. MACs are in millions, parameters in "
        "thousands."
    )
    lines = [
        f"- {_name(run, target)}: {escape(str(target))} (measurements: {_verdicts(run, target)})"
        for target in run.targets
    ]
    return "\n".join([about, "", *lines]) if lines else ""


def _verdicts(run: Run, target: Target) -> str:
    """How far the measurements of the members are to be trusted."""
    latencies = (member.latency(target) for member in run.manifest.members)
    counts = Counter(latency.verdict for latency in latencies if latency)
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "none"


def _name(run: Run, target: Target) -> str:
    return short_name(target, run.targets).replace("_", " ")


def _prediction(run: Run, section: Section) -> str:
    """The networks that nothing was fitted on, and the members."""
    if not run.targets:
        return _linked(section)
    members = prediction.members_text(prediction.predicted_members(run, run.targets[0]))
    return f"{_linked(section)} {escape(members)}"


def _linked(section: Section) -> str:
    """What a section says first, with a link to its drawing where there is one."""
    lead = escape(section.lead)
    if drawing(section) is None:
        return lead
    return f"{lead} ([drawing]({FIGURES}/{section.name}.svg))"


def _references(run: Run) -> str:
    """The family beside hand-designed networks; empty where they were not trained."""
    if not run.metrics.get(REFERENCES) or not run.targets:
        return ""
    members, target = run.manifest.members, run.targets[0]
    best, fastest = comparison.best(members), comparison.fastest(members, target)
    assert fastest is not None, f"nothing was measured on {target}"
    width = run.metrics[REFERENCES]["plain_cnn_width"]
    return (
        "Hand-designed networks, trained with the recipe of the members and measured in one "
        f"session with them on {_name(run, target)}, on the test images: "
        f"{_against(run, best, 'resnet8', 'ResNet-8')}; "
        f"{_against(run, fastest, 'plain_cnn', f'a plain CNN of width {width:g}')}."
        f"{_standard_error(run, best)}"
    )


def _against(run: Run, member: Member, key: str, name: str) -> str:
    numbers = run.metrics[REFERENCES]
    points, of_reference = numbers[f"over_{key}_test_points"], numbers[f"{key}_test_accuracy"]
    if not math.isclose(points, 100 * (member.test_accuracy - of_reference), abs_tol=1e-6):
        raise StaleReferences(
            f"results/metrics/{REFERENCES}.json compares another family than results/family.json: "
            "run `make references`, or remove the file"
        )
    return (
        f"{escape(member.name)} {points:+.2f} points against {name} ({percent(of_reference)}) at "
        f"{numbers[f'over_{key}_latency_ratio']:.2f} times its latency"
    )


def _standard_error(run: Run, member: Member) -> str:
    """That of a share: sqrt(p (1 - p) / n)."""
    count, share = run.test_images, member.test_accuracy
    if count is None:
        return ""
    points = 100 * math.sqrt(share * (1 - share) / count)
    return (
        f" The standard error of a test accuracy of {percent(share)} is {points:.2f} points "
        f"({count} test images)."
    )


def _time(run: Run) -> str:
    """Wall time of all stages, and the CPU time of those that count it."""
    counted = {stage: run.number(stage, "cpu_s") for stage in STAGES}
    told = [f"{duration(cpu_s)} in {stage}" for stage, cpu_s in counted.items() if cpu_s]
    cpu = f" CPU time: {', '.join(told)}." if told else ""
    return f"{cost.lead(run)}{cpu}"

"""`facet members` and `facet family`: what a family holds, its integrity and its versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge.commands.latencies_text import cut_short_text, outcome_dict, outcome_text, refusals
from edge.commands.shared import (
    EXIT_ERROR,
    EXIT_PARTLY,
    complete_runtime,
    family_option,
    json_option,
    remark,
    target_dict,
    tell,
)
from edge.files import write_atomic
from edge.text import fill, members_table, table

if TYPE_CHECKING:
    from edge.family_diff import Change
    from edge.manifest import Manifest
    from edge.shelf import Version

_SHELF = Path("families")

_shelf_option = click.option(
    "--shelf",
    type=click.Path(file_okay=False, path_type=Path),
    default=_SHELF,
    show_default=True,
    help="Folder that holds the versions.",
)
_one_family = click.argument("path", type=click.Path(path_type=Path))


@click.command("members")
@family_option
@json_option
def members(family: Path, as_json: bool) -> None:
    """List the members of a family.

    There is a table for every target that they were measured on.
    """
    from edge.family import Family

    manifest = Family.load(family).manifest
    content = {
        "targets": [target_dict(target) for target in manifest.targets],
        "members": [member.model_dump(mode="json") for member in manifest.members],
    }
    tell(as_json, content, lambda: _members_text(manifest))


@click.group("family")
def family_group() -> None:
    """Check, compare and pack a family, add latencies, and switch between its versions."""


@family_group.command()
@family_option
@json_option
def verify(family: Path, as_json: bool) -> None:
    """Check every model file of a family against its manifest."""
    from edge.family import Family

    loaded = Family.load(family)
    loaded.verify()
    sizes = [a.size_bytes for member in loaded.manifest.members for a in member.deployed]
    content = {"folder": str(loaded.folder), "files": len(sizes), "size_bytes": sum(sizes)}
    tell(
        as_json,
        content,
        lambda: fill(
            f"{len(sizes)} model files in {loaded.folder}, {sum(sizes) / 1000:.0f} kB, are those "
            "of the manifest."
        ),
    )


@family_group.command("list")
@_shelf_option
@json_option
def list_versions(shelf: Path, as_json: bool) -> None:
    """List the versions of a family, and which one is in use."""
    from edge.shelf import Shelf

    versions = Shelf(shelf).versions()
    content = {"shelf": str(shelf), "versions": [_version_dict(v) for v in versions]}
    tell(as_json, content, lambda: _versions_text(versions, shelf))


@family_group.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Say what changed from the family OLD to the family NEW, both folders."""
    from edge.family import Family
    from edge.family_diff import diff as changes_of

    changes = changes_of(Family.load(old).manifest, Family.load(new).manifest)
    content = {"changes": [change.to_dict() for change in changes]}
    tell(as_json, content, lambda: _changes_text(changes))


@family_group.command()
@family_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=_SHELF,
    show_default=True,
    help="Folder to add the version to, or a file that ends in .tar.gz.",
)
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    shell_complete=complete_runtime,
    help="Take the files of this runtime only; may be repeated.",
)
@click.option(
    "--precision", "precisions", multiple=True, help="Take this precision only; may be repeated."
)
@json_option
def export(
    family: Path, out: Path, runtimes: tuple[str, ...], precisions: tuple[str, ...], as_json: bool
) -> None:
    """Pack a family for a board, as a version of its own."""
    from edge.family import Family
    from edge.packing import export as pack
    from edge.runtimes import get_runtime

    version, written = pack(
        Family.load(family), out, [get_runtime(name).name for name in runtimes], precisions
    )
    content = {"version": version, "path": str(written)}
    tell(as_json, content, lambda: f"Version {version}: {written}")


@family_group.command()
@click.argument("version")
@_shelf_option
@json_option
def use(version: str, shelf: Path, as_json: bool) -> None:
    """Make VERSION the one in use; `previous` rolls back.

    All files are verified first. The switch is one step; where it fails, the version in use stays.
    """
    from edge.shelf import CURRENT, Shelf

    family = Shelf(shelf).use(version)
    name, link = family.folder.name, shelf / CURRENT
    content = {"version": name, "link": str(link)}
    tell(as_json, content, lambda: f"Version {name} is in use: {link}")


@family_group.command("add-latencies")
@click.argument(
    "records",
    metavar="RECORDS...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
)
@family_option
@json_option
@click.pass_context
def add_latencies(
    ctx: click.Context, records: tuple[Path, ...], family: Path, as_json: bool
) -> None:
    """Add what was measured of a family to its latencies: `pick` then answers for that machine.

    RECORDS are files of `facet measure --family FOLDER --out FILE`, and reports of bundles. The
    last measurement on a target replaces an older one, and those on other targets stay. Exit code
    4: some records were refused, or a file ends in the middle of one; 1: all were.
    """
    from edge import record
    from edge.add_latencies import add_latencies
    from edge.family import Family, manifest_file

    found = [measurement for path in records for measurement in record.read(path)]
    cut_short = [path for path in records if record.is_cut_short(path)]
    outcome = add_latencies(Family.load(family).manifest, found)
    if outcome.added:
        write_atomic(manifest_file(family).resolve(), outcome.manifest.text)
    content = {**outcome_dict(outcome), "cut_short": [str(path) for path in cut_short]}
    tell(as_json, content, lambda: outcome_text(outcome))
    for text in [*refusals(outcome), *map(cut_short_text, cut_short)]:
        remark(text)
    if outcome.refused or cut_short:
        ctx.exit(EXIT_PARTLY if outcome.added or outcome.known else EXIT_ERROR)


def _members_text(manifest: Manifest) -> str:
    if not manifest.targets:
        return f"Not measured yet.\n{members_table(manifest, None)}"
    return "\n\n".join(
        f"{fill(f'Target {target.id}: {target}')}\n{members_table(manifest, target)}"
        for target in manifest.targets
    )


def _version_dict(version: Version) -> dict[str, object]:
    manifest = version.manifest
    return {
        "name": version.name,
        "current": version.current,
        "previous": version.previous,
        "created": manifest.created if manifest else None,
        "dataset": manifest.dataset if manifest else None,
        "members": len(manifest.members) if manifest else None,
        "problem": version.problem,
    }


def _versions_text(versions: list[Version], shelf: Path) -> str:
    if not versions:
        return f"No version in {shelf}: add one with facet family export --out {shelf}"
    rows = []
    for version in versions:
        mark = "in use" if version.current else "previous" if version.previous else ""
        manifest = version.manifest
        facts = (manifest.dataset, str(len(manifest.members))) if manifest else ("damaged", "-")
        rows.append([version.name, mark, *facts])
    listed = table(["version", "", "data set", "members"], rows, names=3)
    problems = [fill(f"{v.name}: {v.problem}", indent=2) for v in versions if v.problem]
    return "\n".join([listed, *problems])


def _changes_text(changes: list[Change]) -> str:
    if not changes:
        return "Nothing changed."
    rows = [[c.member or "family", c.what, _cell(c.old), _cell(c.new)] for c in changes]
    return table(["member", "what", "old", "new"], rows, names=2)


def _cell(value: float | str | None) -> str:
    if isinstance(value, str):
        return value if len(value) <= 24 else f"{value[:12]}…"
    return "-" if value is None else f"{value:.6g}"

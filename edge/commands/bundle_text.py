"""What `facet bundle` shows: to people, and as JSON."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from edge.text import facts, table

if TYPE_CHECKING:
    from edge.bundle import Bundle


def to_dict(bundle: Bundle) -> dict[str, Any]:
    """As `--json` prints it; architectures are left out, which are in the bundle itself."""
    order, manifest = bundle.order, bundle.manifest
    return {
        "bundle": str(bundle.path),
        "edgefacet": manifest.edgefacet,
        "created": manifest.created,
        "order": order.id,
        "purpose": order.purpose,
        "runtime": order.runtime,
        "precision": order.precision,
        "threads": order.threads,
        "how": order.how.model_dump(),
        "models": [
            {**model.subject.model_dump(exclude={"architecture"}), "size_bytes": model.size_bytes}
            for model in order.models
        ],
        "wheels": [wheel.model_dump() for wheel in manifest.wheels],
    }


def to_text(bundle: Bundle) -> str:
    """What it is, its models, its wheels, and what to type on the board."""
    order, manifest, how = bundle.order, bundle.manifest, bundle.order.how
    what = {
        "Bundle": str(bundle.path),
        "Made": f"{manifest.created} by edgefacet {manifest.edgefacet}",
        "Order": f"{order.id[:12]}, to {order.purpose}",
        "Runs on": f"{order.runtime}, {order.precision}, {order.threads} thread(s)",
        "Protocol": f"{how.blocks} blocks of {how.block_s:g} s, {how.block_runs} runs at least",
    }
    models = [
        [of.subject.name, of.subject.kind, of.subject.role or "-", f"{of.size_bytes / 1e3:.0f}"]
        for of in order.models
    ]
    wheels = [[wheel.name, f"{wheel.size_bytes / 1e3:.0f}"] for wheel in manifest.wheels]
    parts = [
        facts(what),
        table(["model", "kind", "role", "file\nkB"], models, names=3),
        *([table(["wheel", "file\nkB"], wheels)] if wheels else []),
        "\n".join(["On the board:", *(f"    {step}" for step in _steps(bundle))]),
    ]
    return "\n\n".join(parts)


def _steps(bundle: Bundle) -> list[str]:
    """What to type on the board: pip reads wheels from a folder only."""
    from edge.wheels import install_command

    name = shlex.quote(bundle.path.name or ".")
    if not bundle.manifest.wheels:
        return [f"facet measure {name}"]
    runtime = bundle.order.runtime
    if bundle.path.is_dir():
        return [install_command(runtime, f"{name}/wheels"), f"facet measure {name}"]
    module = "tarfile" if bundle.path.suffix.lower() == ".tar" else "zipfile"
    folder = shlex.quote(bundle.path.stem)
    return [
        f"python3 -m {module} -e {name} {folder}",
        install_command(runtime, f"{folder}/wheels"),
        f"facet measure {folder}",
    ]

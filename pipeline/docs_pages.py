"""What is generated of the documentation: a page of parameters, the schema of family.json, and what
README.md says of a run.

In README.md the generated parts stand between comments, ``<!-- results -->`` and
``<!-- /results -->``; the rest of it is nobody's but its authors'.
"""

from __future__ import annotations

from pathlib import Path

import click
from markupsafe import Markup

from edge.errors import EdgeError
from edge.family import MANIFEST_NAME
from edge.files import write_atomic
from pipeline import parameters_page, params, results_page, schema_page
from pipeline.report import sources, svg

README = Path("README.md")
FAMILY_FILE = sources.RESULTS / MANIFEST_NAME


class MarkersMissing(EdgeError, ValueError):
    """A page without the comments that a generated part goes between."""


def write(root: Path = Path()) -> None:
    """Write everything that is generated below `root`; of a run only where there is one.

    Raises MarkersMissing, StaleReferences, and what reading the run raises.
    """
    parameters_page.write(root / parameters_page.PAGE)
    schema_page.write(root / schema_page.PAGE)
    if (root / FAMILY_FILE).exists():
        write_results(root)
    else:
        click.echo(
            f"no run: {FAMILY_FILE} is missing, so {README} and {results_page.FIGURES} stay as "
            "they are; make one with: dvc repro"
        )


def write_results(root: Path = Path()) -> None:
    """Write the generated parts of README.md and the drawings in docs/figures/."""
    settings = params.load(root / params.PARAMS_FILE)
    run = sources.load(settings, root)
    drawn = results_page.sections(run)
    text = (root / README).read_text(encoding="utf-8")
    for name, content in results_page.blocks(run, settings, drawn).items():
        text = replace_block(text, name, content)
    for name, section in drawn.items():
        _write_drawing(root / results_page.FIGURES / f"{name}.svg", results_page.drawing(section))
    write_atomic(root / README, text)


def _write_drawing(path: Path, drawing: Markup | None) -> None:
    if drawing is None:
        path.unlink(missing_ok=True)  # that of another run would be mistaken for one of this
    else:
        write_atomic(path, svg.standalone(drawing))


def block(text: str, name: str) -> str:
    """What stands between the comments `name`. Raises MarkersMissing."""
    return _split(text, name)[1].strip()


def replace_block(text: str, name: str, content: str) -> str:
    """`text` with `content` between the comments `name`. Raises MarkersMissing."""
    before, _, after = _split(text, name)
    return f"{before}\n\n{content}\n\n{after}"


def _split(text: str, name: str) -> tuple[str, str, str]:
    """The text up to and with the first comment, what is between, and the rest with the last."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(start)
    between, closed, after = rest.partition(end)
    if not found or not closed:
        raise MarkersMissing(
            f"{README} has no {start} followed by {end}: write both where the generated part "
            "belongs, each on a line of its own"
        )
    return before + start, between, end + after

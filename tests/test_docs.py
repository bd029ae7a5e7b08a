"""What the documentation names exists: links, stages, make targets and keys of params.yaml."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from edge import __version__
from pipeline.params import Params

ROOT = Path(__file__).parents[1]
CODE = ("edge", "pipeline")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FILE_ENDINGS = {"csv", "html", "json", "md", "npz", "onnx", "pt", "py", "yaml"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@cache
def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text).strip().lower().replace(" ", "-") for text in headings}


@cache
def known_keys():
    """Patterns of `section.key`, with all that lies above: read from the generated page."""
    patterns = set()
    for chapter in (ROOT / "docs/parameters.md").read_text().split("\n## ")[1:]:
        section = chapter.partition("\n")[0]
        for key in re.findall(r"^\| `([\w.]+)` \|", chapter, re.MULTILINE):
            parts = [section, *key.split(".")]
            patterns |= {tuple(parts[: n + 1]) for n in range(len(parts))}
    return patterns


def exists(key):
    """Whether a dotted key is one of params.yaml; maps have keys of the user's own."""
    parts = key.split(".")
    return any(
        len(pattern) == len(parts)
        and all(known in ("NAME", part) for known, part in zip(pattern, parts, strict=True))
        for pattern in known_keys()
    )


@every_page
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    broken = []
    for link in links:
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if "://" in link:
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@every_page
def test_keys_are_those_of_params_yaml(page):
    named = re.findall(r"`([a-z]+(?:\.[\w-]+)+)(?=[`:=\[ ])", page.read_text())
    keys = {
        name
        for name in named
        if name.partition(".")[0] in Params.model_fields
        and name.rpartition(".")[2] not in FILE_ENDINGS
    }
    assert {key for key in keys if not exists(key)} == set()


@every_page
def test_make_targets_are_those_of_the_makefile(page):
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^ {4}|&& )make ([a-z0-9-]+)", page.read_text(), re.MULTILINE)
    assert set(named) <= targets


@every_page
def test_what_is_installed_is_the_wheel_that_is_made_here(page):
    """The package is on no index: its name alone installs nothing where it is not installed yet."""
    text = page.read_text()
    assert set(re.findall(r"\bedgefacet-(\d[\w.]*)-py3", text)) <= {__version__}
    typed = re.findall(r"^ {4}.*pip install (.*edgefacet.*)$", text, re.MULTILINE)
    assert [line for line in typed if ".whl" not in line and "--find-links" not in line] == []


def test_the_report_alone_starts_no_other_stage():
    recipe = re.search(r"^report:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe[1] == "\t$(BIN)/python -m pipeline report\n"


def stages():
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def out_of_date():
    """The rows of the table in docs/dvc.md: stage -> its cell of parameters."""
    chapter = (ROOT / "docs/dvc.md").read_text().split("## What makes a stage out of date")[1]
    table = chapter.partition("\n- ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))


def test_the_page_about_dvc_knows_every_stage_and_its_parameters():
    said = {stage: re.findall(r"`([\w.]+)`", cell) for stage, cell in out_of_date().items()}
    assert said == {stage: of.get("params", []) for stage, of in stages().items()}


def test_the_page_about_dvc_knows_what_comes_back_from_the_cache():
    """DVC's cache of runs leaves out stages with files that it does not cache and that are
    neither metrics nor plots."""

    def restored(stage):
        uncached = [out for out in stage["outs"] if isinstance(out, dict)]
        return not uncached and not stage.get("always_changed")

    chapter = (ROOT / "docs/dvc.md").read_text().split("## Old timings")[1]
    row = next(line for line in chapter.splitlines() if "is cached - skipping run" in line)
    said = re.findall(r"`(\w+)`", row.split("|")[1])
    assert said == [name for name, of in stages().items() if restored(of)]


def test_a_key_that_is_no_longer_there_would_be_found():
    assert exists("extract.points.few-large.budget_ms")
    assert exists("search.sampler.theta")
    assert not exists("search.sampler.thetta")
    assert not exists("data.folder")


@cache
def sentences():
    """Every string of the code, what lies between the placeholders of an f-string alone."""
    trees = (ast.parse(p.read_text()) for folder in CODE for p in (ROOT / folder).rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return "\n".join(node.value for node in nodes if isinstance(node.value, str))


def quoted():
    """The messages that docs/troubleshooting.md quotes, but those of DVC, Python and the shell."""
    page = (ROOT / "docs/troubleshooting.md").read_text()
    for chapter in page.split("\n## ")[1:]:
        title = chapter.partition("\n")[0]
        if title not in {"Exit codes", "Starting", "DVC itself", "Room"}:
            for cell in re.findall(r"^\| ([^|]+) \|", chapter, re.MULTILINE):
                yield from re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("message", quoted())
def test_a_message_is_quoted_as_the_program_prints_it(message):
    pieces = message.replace("[Errno 28] No space left on device", "…").split("…")
    assert [piece for piece in pieces if piece not in sentences()] == []

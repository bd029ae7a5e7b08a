"""The stage, on shared weights that are made up: what is written, and what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest
import torch

from edge.calibration import fit
from edge.table import Table, TableRow
from models.alpha import Tables, Uniform
from pipeline import extract, metrics, plots
from pipeline.extract import BINS, ExtractError, Extraction, run
from pipeline.extraction.arms import Looks
from pipeline.extraction.candidates import Predictor
from pipeline.members import ARCHITECTURES_FILE, read_extracted
from pipeline.params import Params
from pipeline.search.objective import Costs
from tests.pipeline.made_up import TARGET, small_space

OPS = ("skip", "sep_k3", "conv_k3")
SPACE = small_space(*OPS)
PRICE_MS = {"sep_k3": 1.0, "conv_k3": 3.0}
SEARCHED = (0.1, 10.0)


class SlowIsGood:
    """A judge that likes slow networks better."""

    def screen(self, candidates, label):
        return [replace(c, screened_cross_entropy=1 / c.median.mean_ms) for c in candidates]

    def judge(self, candidates, label):
        return [replace(c, cross_entropy=1 / c.median.mean_ms, accuracy=0.5) for c in candidates]


class MadeUp(Extraction):
    """Two places of 0, 1 or 3 ms beside 2 ms; α takes 3 ms at the low price and 1 ms at the high
    one, whatever S is."""

    def __init__(self, params):
        row = ("clean", "2026-01-01T00:00:00Z")
        rows = {b.key: TableRow(*[PRICE_MS[b.op]] * 3, 9, *row) for b in SPACE.blocks}
        now = datetime(2026, 1, 2, tzinfo=timezone.utc)
        self.options, self.space, self.method = params.extract, SPACE, "darts"
        self.predictor = Predictor(SPACE, fit(Table(TARGET, 2.0, rows), [], now=now), 95)
        self.judge = SlowIsGood()
        self.costs = Costs.of(SPACE, self.predictor.calibration.fold(), "uniform")
        alpha = Tables(SPACE.mask, operations=3, places=2, prices=SEARCHED)
        alpha.logits.copy_(torch.tensor([[[0.0, 0.0, 5.0]] * 2, [[0.0, 5.0, 0.0]] * 2]))
        self.result = SimpleNamespace(alpha=alpha, kappa_range=SEARCHED)
        self.limits_ms = self._limits_ms()
        self.looks = Looks(self.judge, 160, 32, self.limits_ms, BINS)


@pytest.fixture
def extracted(tmp_path, monkeypatch, capsys):
    """What a run with the given options of the section said, line by line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(extract, "Extraction", MadeUp)

    def of(**options):
        run(Params(extract={"candidates": 64, **options}))
        return capsys.readouterr().out.splitlines()

    return of


def bound_ms(*choices):
    """The upper bound of a network."""
    predictor = MadeUp(Params()).predictor
    return predictor.calibration.predict_tail(SPACE.architecture(choices)).hi_ms


def test_every_request_is_a_member_or_a_line(extracted):
    point = {"ops": {"conv_k3": 0.5}}
    lines = extracted(
        budgets_ms=[100, 200, 0.5],
        points={
            "dense": {**point, "kappa": 0.1},
            "beyond": {**point, "kappa": 20},
            "tiny": {**point, "budget_ms": 0.25},
        },
    )
    assert [member.name for member in read_extracted()] == ["within-100ms", "beyond"]
    fastest = f"the fastest network needs {bound_ms(0, 0):.4g} ms (upper bound)"
    assert lines[1:6] == [
        "within-200ms is the network of within-100ms, and no member of its own",
        f"within-0.5ms: the budget of 0.5 ms cannot be met: {fastest}",
        "dense is the network of within-100ms, and no member of its own",
        "beyond: the price 20 is outside of the searched ones, 0.1 to 10: what α says there was "
        "never trained",
        f"tiny: the budget of 0.25 ms cannot be met: {fastest}",
    ]
    assert metrics.read("extract")["infeasible_budgets"] == 2


def test_a_search_that_knows_no_points_says_so_of_every_one(extracted):
    lines = extracted(budgets_ms=[100], points={"dense": {"ops": {"skip": 0.5}, "kappa": 0.1}})
    assert "dense: darts knows prices and no points of the simplex: only kappa decides" in lines


def test_where_nothing_is_preferred_a_named_point_has_no_member(extracted, monkeypatch):
    def uniform(params):
        made = MadeUp(params)
        made.method, made.result.alpha = "random", Uniform(SPACE.mask, operations=3, places=2)
        return made

    monkeypatch.setattr(extract, "Extraction", uniform)
    lines = extracted(budgets_ms=[100], points={"dense": {"ops": {"skip": 0.5}, "kappa": 0.1}})
    assert [member.name for member in read_extracted()] == ["within-100ms"]
    (line,) = [line for line in lines if line.startswith("dense")]
    assert line == "dense: random prefers nothing at any point of the simplex, and has no member"


def test_swaps_are_those_of_the_members(extracted):
    """The networks of α are too slow for the budget: a swap, or two, makes the point's network."""
    budget_ms = 1.001 * bound_ms(1, 0)
    extracted(budgets_ms=[0.5], points={"fast": {"ops": {"skip": 0}, "budget_ms": budget_ms}})
    (member,) = read_extracted()
    assert member.predicted_tail_ms <= budget_ms
    assert member.origin["swaps"] > 0
    assert metrics.read("extract")["repair_swaps"] == member.origin["swaps"]


def test_where_no_budget_can_be_met_the_error_names_the_least_and_the_rest_is_written(
    extracted, capsys
):
    with pytest.raises(ExtractError, match=f"below {bound_ms(0, 0):.4g} ms, which the fastest"):
        extracted(budgets_ms=[0.25, 0.5])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == ["within-0.25ms", "within-0.5ms"]
    assert plots.CANDIDATES.exists()
    assert plots.CONTROL.exists()
    assert metrics.read("extract")["members"] == 0
    assert not ARCHITECTURES_FILE.exists()

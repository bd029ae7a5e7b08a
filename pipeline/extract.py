"""Stage `extract`: read a family off the search, beside the same extraction with uniform α."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import click
import numpy as np

from edge.errors import EdgeError
from edge.files import write_atomic
from models.alpha import Uniform
from models.spaces import Space
from pipeline import dataset, metrics, plots
from pipeline.batches import Images
from pipeline.calibrate import read_calibration
from pipeline.extraction import candidates as pool
from pipeline.extraction import evidence, requests, steering, table
from pipeline.extraction.arms import Looks, Scored
from pipeline.extraction.candidates import Candidate, Predictor
from pipeline.extraction.choose import (
    Choice,
    automatic_budgets,
    best_within,
    choose_all,
    get_under,
)
from pipeline.extraction.judge import Judge
from pipeline.extraction.requests import Request
from pipeline.extraction.uniform import uniform
from pipeline.members import ARCHITECTURES_FILE, ExtractedMember
from pipeline.members import write as write_members
from pipeline.params import ExtractParams, Params, PointParams
from pipeline.search import state
from pipeline.search.objective import Costs
from pipeline.search.prices import extreme
from pipeline.search.simplex import named_point
from pipeline.sections.extract import budget_name
from pipeline.space import make_space

BINS = 16
_POINT_PRICES = 64


class ExtractError(EdgeError, RuntimeError):
    """No family can be read off the search."""


def run(params: Params) -> None:
    """Extract the members that `params.extract` asks for; writes results/extract/."""
    extraction = Extraction(params)
    family = extraction.judged("family", extraction.from_search())
    control = extraction.judged("control", extraction.from_uniform())
    asked = extraction.requests(extraction.by_budget(family))
    members = [extraction.member(request) for request in requests.kept(asked)]
    seen = {"search": family.seen, "control": control.seen}
    write_atomic(plots.CANDIDATES, table.candidates_csv(extraction.space, seen))
    bins = extraction.bins(family, control)
    compared = evidence.against_control(bins)
    write_atomic(plots.CONTROL, table.control_csv(bins))
    write_atomic(plots.STEERING, table.steering_csv(extraction.steering()))
    metrics.write("extract", extraction.summary(family, compared, asked))
    remarks = requests.remarks(asked, extraction.result.kappa_range)
    _report(compared, chain(remarks, extraction.unheard()), members)
    if not members:
        raise ExtractError(
            f"no member: all budgets are below {requests.fastest_ms(asked):.4g} ms, which the "
            "fastest network needs; give extract.budgets_ms or extract.points more"
        )
    write_members(ARCHITECTURES_FILE, members)


class Extraction:
    """Everything the steps of an extraction share."""

    def __init__(self, params: Params) -> None:
        data = dataset.load()
        self.options: ExtractParams = params.extract
        self.method = params.search.method
        self.space: Space = make_space(params.space, data.shape)
        self.result = state.load(self.space, params.search)
        self.predictor = Predictor(self.space, read_calibration(), params.verify.percentile)
        self.judge = Judge(
            supernet=self.result.supernet,
            learned=Images.part(data, data.weights),
            holdout=Images.part(data, data.holdout),
            workers=self.options.workers,
        )
        self.costs = Costs.of(self.space, self.predictor.calibration.fold(), "uniform")
        self.limits_ms = self._limits_ms()
        self.looks = Looks(
            self.judge, self.options.screened, self.options.finalists, self.limits_ms, BINS
        )

    def from_search(self) -> list[Candidate]:
        """Candidates read off α(S, κ); a method that prefers nothing has the control's, drawn
        anew."""
        options, alpha = self.options, self.result.alpha
        if isinstance(alpha, Uniform):
            return self._uniform("search")
        return pool.from_alpha(
            alpha, self.predictor, self.result.kappa_range, options.candidates, options.seed
        )

    def from_uniform(self) -> list[Candidate]:
        """Candidates of the control."""
        return self._uniform("control")

    def judged(self, label: str, candidates: Sequence[Candidate]) -> Scored:
        """Screen the candidates evenly over latency, then judge the best of every bin."""
        return self.looks.score(candidates, label)

    def bins(self, family: Scored, control: Scored) -> list[evidence.Bin]:
        """The best of both at equal effort, in the bins that both reach."""
        one, other = self.looks.equally(family, control)
        return evidence.shared_bins(one.judged, other.judged, self.limits_ms, BINS)

    def by_budget(self, arm: Scored) -> list[Choice]:
        """The choice for every budget."""
        options = self.options
        budgets = options.budgets_ms
        if budgets == "auto":
            budgets = tuple(automatic_budgets(arm.judged, options.budget_count))
        return choose_all(
            budgets, arm.judged, self.predictor, self._screen, self._judge, options.seed
        )

    def requests(self, choices: Sequence[Choice]) -> list[Request]:
        """All that members were asked for: one per budget, one per named point, unless the method
        prefers nothing anywhere."""
        asked = [
            Request(budget_name(choice.budget_ms), choice.candidate, choice.budget_ms)
            for choice in choices
        ]
        if isinstance(self.result.alpha, Uniform):
            return asked
        for name, point in self.options.points.items():
            asked.append(Request(name, self._at_point(point), point.budget_ms, point.kappa))
        return asked

    def unheard(self) -> Iterator[str]:
        """What to say of named points that the search knows nothing of."""
        return requests.unheard(list(self.options.points), self.result.alpha, self.method)

    def summary(
        self, family: Scored, compared: evidence.Control, asked: Sequence[Request]
    ) -> dict[str, float | None]:
        """Numbers for `dvc metrics`."""
        members = [request.candidate for request in requests.kept(asked)]
        latencies = [member.median.mean_ms for member in members]
        alpha, prices = self.result.alpha, self.result.kappa_range
        heard = evidence.steering(alpha, self.space.operations, prices)
        return {
            "members": len(members),
            "infeasible_budgets": sum(not request.fits for request in asked),
            "predicted_span": max(latencies) / min(latencies) if latencies else None,
            "distinct_argmax_on_front": len(evidence.distinct_on_front(family.quickly_judged)),
            "repair_swaps": sum(member.swaps for member in members),
            "control_bins": compared.bins,
            "control_difference": compared.mean_difference,
            "control_half_width": compared.half_width,
            "control_win_share": compared.win_share,
            "control_ties": int(compared.ties),
            **{f"steering_{op}": value for op, value in heard.items()},
            "steering_by_price": evidence.thrift(alpha, self.costs, prices),
        }

    def steering(self) -> list[steering.Use]:
        """How the use of every operation falls as its penalty grows."""
        result = self.result
        return steering.sweep(result.alpha, self.space.operations, result.kappa_range)

    def _at_point(self, point: PointParams) -> Candidate:
        """The argmax of α at a named point: at its price, or the best one within its budget; the
        fastest network where none is."""
        simplex = named_point(point.ops, self.space.operations)
        alpha = self.result.alpha
        if point.kappa is not None:
            at = pool.at_point(alpha, self.predictor, simplex, [point.kappa])
            return self._judge(at)[0]
        assert point.budget_ms is not None
        prices = np.geomspace(*self.result.kappa_range, _POINT_PRICES).tolist()
        found = pool.at_point(alpha, self.predictor, simplex, prices)
        best = best_within(self._judge(found), point.budget_ms)
        if best is not None:
            return best
        fastest = min(found, key=lambda candidate: candidate.bound_ms)
        return self._judge([get_under(fastest, self.predictor, point.budget_ms)])[0]

    def member(self, request: Request) -> ExtractedMember:
        """What the later stages are told of a member."""
        c = request.candidate
        shares = dict(zip(self.space.operations, c.simplex or (), strict=False))
        assert c.cross_entropy is not None
        assert c.accuracy is not None
        return ExtractedMember(
            name=request.name,
            architecture=self.space.architecture(c.choices).to_dict(),
            origin={
                "how": c.how,
                "swaps": c.swaps,
                "kappa": c.kappa,
                "simplex": {op: round(share, 4) for op, share in shares.items()},
            },
            budget_ms=request.budget_ms,
            predicted_ms=c.median.mean_ms,
            predicted_lo_ms=c.median.lo_ms,
            predicted_hi_ms=c.median.hi_ms,
            predicted_tail_ms=c.bound_ms,
            shared_cross_entropy=c.cross_entropy,
            shared_accuracy=c.accuracy,
        )

    def _uniform(self, purpose: str) -> list[Candidate]:
        count, seed = self.options.candidates, self.options.seed
        return uniform(self.predictor, self.costs, self.looks, count, seed, purpose)

    def _screen(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        return self.judge.screen(candidates, "repair")

    def _judge(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        return self.judge.judge(candidates, "judge")

    def _limits_ms(self) -> tuple[float, float]:
        """Of the fastest and the slowest network, by the calibrated table."""
        ends = [extreme(self.space, self.costs, dearest=dearest) for dearest in (False, True)]
        found = self.predictor.candidates(pool.Found(end, "argmax") for end in ends)
        low, high = sorted(candidate.median.mean_ms for candidate in found)
        return low, high


def _report(
    compared: evidence.Control, remarks: Iterable[str], members: Sequence[ExtractedMember]
) -> None:
    """Say what was found; the control first."""
    click.echo(str(compared))
    for remark in remarks:
        click.echo(remark)
    for member in members:
        click.echo(
            f"{member.name:<20} {1e3 * member.predicted_ms:7.1f} µs "
            f"[{1e3 * member.predicted_lo_ms:.1f}, {1e3 * member.predicted_hi_ms:.1f}], bound "
            f"{1e3 * member.predicted_tail_ms:.1f} µs, shared accuracy {member.shared_accuracy:.3f}"
        )

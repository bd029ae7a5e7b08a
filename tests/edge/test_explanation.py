from datetime import datetime, timezone

from edge.explanation import Line, explain
from edge.pick import NoFit, Question, judge, standing
from edge.record import Target
from tests.edge.test_pick import LARGE, MIDDLE, SMALL, TARGET, family, filed, member

ON = Target.model_validate(TARGET)
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
REJECTED = filed(member("int", 0.95, 1.0, 1.1), status="rejected", holdout_accuracy=0.5)
UNPROVEN = member("unproven", 0.99, 1.0, None)
ELSEWHERE = {**member("elsewhere", 0.99, 1.0, 1.1), "latencies": []}
FAMILY = family(SMALL, MIDDLE, LARGE, REJECTED, UNPROVEN, ELSEWHERE)


def lines(question: Question, fallback: bool = False) -> list[Line]:
    ranked = standing(FAMILY, question, [ON], now=NOW)
    try:
        chosen = judge(ranked, question, "fastest" if fallback else None)
    except NoFit:
        chosen = None
    return explain(FAMILY, ranked, [ON], question, chosen)


def test_every_member_has_its_reason_the_best_first() -> None:
    assert [(line.member, line.why) for line in lines(Question(3.0))] == [
        ("unproven", "no bound of p95 at 95%"),
        ("large", "2.000 ms over the budget"),
        ("middle", "picked"),
        ("small", "fits; less accurate"),
        ("int", "rejected: its file has 50.00% on the hold-out"),
        ("elsewhere", "not measured there"),
    ]


def test_where_nothing_fits_everyone_is_too_slow_or_too_bad() -> None:
    found = {line.member: line.why for line in lines(Question(1.0, min_accuracy=0.82))}
    assert found["small"] == "less accurate than 82.00%"
    assert found["middle"] == "1.500 ms over the budget"
    found = {line.member: line.why for line in lines(Question(1.0), fallback=True)}
    assert found["small"] == "picked: the fastest, as asked for"


def test_a_line_is_plain_data() -> None:
    first, *_, last = lines(Question(9.0))
    assert first.to_dict()["evidence"] == "measured"
    assert last.to_dict() == {
        "name": "elsewhere", "target": ON.id, "why": "not measured there",
        "holdout_accuracy": None, "median_ms": None, "bound_ms": None, "evidence": None,
        "reasons": [],
    }  # fmt: skip

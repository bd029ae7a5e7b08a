import os

import pytest

from benchmarks.pick import protocol, real
from benchmarks.pick.load import beside
from benchmarks.pick.policies import LARGEST, MEAN, ORACLE, SERVE
from benchmarks.pick.real import NotMeasured, Round, judge, measure
from edge.serving.controller import Rung
from tests.edge import runnable

MEMBERS = [Rung("small", 0.8, 1.0, 1.1), Rung("large", 0.9, 2.0, 2.2)]


def test_policies_are_judged_by_the_times_of_the_same_rounds():
    rounds = [Round("spin", 1, 3.1, (1.5, 3.0))] * 2 + [Round("spin", 0, 1.4, (1.5, 3.0))] * 2
    found = {one.policy: one for one in judge(MEMBERS, rounds, 2.5)}
    assert {policy: found[policy].misses for policy in (SERVE, LARGEST, MEAN, ORACLE)} == {
        SERVE: 2, LARGEST: 4, MEAN: 4, ORACLE: 0,
    }  # fmt: skip
    assert found[SERVE].accuracy == pytest.approx(2 * 0.8 + 2 * 0.9)
    assert found[ORACLE].accuracy == pytest.approx(4 * 0.8)
    assert found[SERVE].switches == 1


def test_the_oracle_goes_by_the_tail_and_not_by_the_middle():
    # the large member exceeds 2.5 ms in 2 of 20 rounds: its median fits, its 95th percentile does
    # not, and the small one with its single slow run does
    rounds = [Round("none", 0, 1.0, (1.0, 2.0))] * 17 + [
        Round("none", 0, 1.0, (1.0, 3.0)),
        Round("none", 0, 1.0, (1.0, 3.0)),
        Round("none", 0, 1.0, (9.0, 2.0)),
    ]
    oracle = next(one for one in judge(MEMBERS, rounds, 2.5) if one.policy == ORACLE)
    assert (oracle.feasible, oracle.misses) == (20, 1)
    assert oracle.accuracy == pytest.approx(20 * 0.8)


def test_a_budget_that_is_known_is_not_measured_again(tmp_path, monkeypatch):
    runnable.family(tmp_path)  # the most accurate member is bounded by 4 ms
    asked = []

    def rounds(_family, _target, _members, budget_ms, *_):
        asked.append(budget_ms)
        yield Round("spin", 0, 1.0, (1.0, 2.0))

    monkeypatch.setattr(real, "_rounds", rounds)
    before = os.sched_getaffinity(0)
    first, *rest = measure(tmp_path, "onnxruntime")
    assert asked == [4 * times for times in protocol.REAL_BUDGETS]
    assert os.sched_getaffinity(0) == before
    assert {one["scenario"] for one in first} == {"spin"}
    del asked[:]
    assert list(measure(tmp_path, "onnxruntime", known=first)) == [first, *rest]
    assert asked == [6.0, 8.8]
    others = [one | {"family": "another"} for one in first]
    next(measure(tmp_path, "onnxruntime", known=others))
    assert asked == [6.0, 8.8, 4.0]
    with pytest.raises(NotMeasured, match="not measured with litert in fp32"):
        next(measure(tmp_path, "litert"))


def test_where_no_member_is_feasible_nothing_is_missed():
    found = judge(MEMBERS, [Round("stream", 0, 9.0, (9.0, 9.0))], 2.5)
    assert {(one.feasible, one.misses) for one in found} == {(0, 0)}
    assert judge(MEMBERS, [], 2.5) == []


@pytest.mark.parametrize(
    ("kind", "count"), [("none", 0), ("spin", 1), ("stream", 1), ("shared", 2)]
)
def test_a_load_of_real_processes_ends_with_its_phase(kind, count):
    core = max(os.sched_getaffinity(0))
    with beside(kind, core, [core]) as running:
        assert len(running) == count
        assert all(process.poll() is None for process in running)
        assert all(os.sched_getaffinity(process.pid) == {core} for process in running)
    assert all(process.poll() is not None for process in running)

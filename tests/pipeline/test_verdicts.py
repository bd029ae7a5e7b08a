import pytest

from edge.record import Conditions, Measurement, Subject
from pipeline import verdicts
from tests.pipeline.made_up import TARGET


def measured(verdict, *reasons):
    return Measurement(
        subject=Subject(kind="file", name="m", sha256="0"),
        target=TARGET,
        conditions=Conditions(wall_time="2026-01-01T00:00:00Z"),
        warmup_ns=(),
        samples_ns=((1,),),
        verdict=verdict,
        reasons=reasons,
    )


def test_shares_name_every_verdict():
    found = verdicts.shares([measured("clean"), *[measured("suspect")] * 3])
    assert found == {"clean": 0.25, "clean_unverified": 0, "suspect": 0.75, "invalid": 0}
    assert sum(verdicts.shares([]).values()) == 0


def test_doubts_are_counted_by_kind_with_the_worst_case():
    doubts = verdicts.doubts(
        [
            measured("suspect", "runs vary by 12.0%"),
            measured("suspect", "others used 9.5% of the CPU", "runs vary by 9.0%"),
            measured("invalid", "others used 61.0% of the CPU"),
            measured("invalid", "others used 10.5% of the CPU", "the device throttled"),
        ]
    )
    assert doubts == [
        "others used 61.0% of the CPU (at worst; 3 records)",
        "runs vary by 12.0% (at worst; 2 records)",
        "the device throttled (at worst; 1 records)",
    ]


@pytest.mark.parametrize("verdict", ["clean", "clean-unverified"])
def test_what_is_clean_has_no_doubts(verdict):
    assert verdicts.doubts([measured(verdict)]) == []

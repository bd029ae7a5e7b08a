import pytest

from benchmarks.search_steps import KINDS, as_text, measure


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_every_kind_runs(kind):
    row = measure(kind, k=3, decisions=3, steps=3)
    assert (row["kind"], row["k"], row["decisions"]) == (kind, 3, 3)
    assert row["step_s"] > 0


def test_the_table_compares_with_a_single_path():
    rows = [
        {"kind": kind, "k": 7, "decisions": 9, "step_s": seconds, "peak_mib": 100.0}
        for kind, seconds in zip(KINDS, (0.02, 0.04, 0.1), strict=True)
    ]
    lines = as_text(rows, header=True).splitlines()
    assert [line.split()[4] for line in lines[1:]] == ["1.00", "2.00", "5.00"]

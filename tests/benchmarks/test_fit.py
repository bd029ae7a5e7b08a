import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.fit import NOW, made_up_networks, made_up_table, main
from edge.calibration import fit


def test_made_up_boards_are_a_tenth_slower_than_their_table() -> None:
    table = made_up_table(decisions=25)
    networks = list(made_up_networks(table, 60, 25, np.random.default_rng(1)))
    assert len(table.rows) == 200
    assert len({m.id for _, m in networks}) == 60
    found = fit(table, networks, now=NOW)
    assert found.n == 60
    assert found.coefficients.scale == pytest.approx(1.1, abs=0.05)


def test_it_says_what_was_fitted_and_what_that_took() -> None:
    result = CliRunner().invoke(main, ["--records", "5", "--decisions", "2", "--repeats", "1"])
    assert result.exit_code == 0
    assert "5 records, 16 blocks" in result.output
    assert "ms of CPU" in result.output

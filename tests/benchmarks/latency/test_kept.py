from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.latency import kept
from benchmarks.latency.splits import study
from tests.benchmarks.latency.test_splits import networks


@pytest.mark.parametrize("with_operations", [True, False])
def test_what_was_kept_is_scored_as_what_was_measured(
    tmp_path: Path, with_operations: bool
) -> None:
    before = networks(factor=1.1, noise=0.02)
    if not with_operations:
        before = replace(before, operations_ms=None)
    kept.write(before, tmp_path)
    after = kept.load(tmp_path)
    assert np.array_equal(after.macs, before.macs)
    assert after.noise_percent == pytest.approx(before.noise_percent)
    for old, new in zip(study(before, 5, 3, seed=0), study(after, 5, 3, seed=0), strict=True):
        assert new.method == old.method
        assert new.error_percent == pytest.approx(old.error_percent, rel=1e-3)
        assert new.coverage == old.coverage


def test_nothing_was_kept(tmp_path: Path) -> None:
    with pytest.raises(kept.NothingKept, match="run without --again first"):
        kept.load(tmp_path)

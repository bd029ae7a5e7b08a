import json
from dataclasses import replace
from importlib import metadata
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from edge.calibration import Prediction
from experiments import arm
from pipeline.extraction.arms import Scored
from pipeline.extraction.choose import Choice
from tests.pipeline.extraction.made_up import candidate
from tests.pipeline.made_up import small_space

SPACE = small_space("skip", "conv_k3")
FAST = replace(
    candidate(0, 1.0, 0.5), choices=(0, 1), median=Prediction(1.23456789, 1.0, 1.5, 5), swaps=2
)
SLOW = replace(candidate(0, 3.0, 0.25), choices=(1, 1))


class Extraction:
    """Ten candidates screened by the search, four by its control; two of them are judged."""

    space = SPACE

    def __init__(self, _params=None):
        pass

    def from_search(self):
        return [FAST] * 10

    def from_uniform(self):
        return [SLOW] * 4

    def judged(self, _kind, found):
        return Scored(found, [FAST, SLOW])

    def by_budget(self, scored):
        fitting, last = scored.judged
        return [Choice(2.0, fitting, fits=True), Choice(0.5, last, fits=False)]


@pytest.fixture
def extracted(tmp_path, monkeypatch):
    """The content that a kind of extraction writes, which took from 3.00 to 5.26 CPU seconds."""
    clock = iter([3.0, 5.26])
    monkeypatch.setattr(arm, "time", SimpleNamespace(process_time=lambda: next(clock)))
    monkeypatch.setattr(arm, "Extraction", Extraction)
    monkeypatch.setattr(arm, "of_alpha", lambda *_: {"distinct_argmax": 7})
    monkeypatch.setattr(arm.params, "load", lambda: None)

    def run(kind):
        out = tmp_path / "family.json"
        result = CliRunner().invoke(arm.main, [kind, str(out)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(out.read_text())

    return run


def test_a_family_is_written_with_what_it_cost_and_who_fits(extracted):
    found = extracted("search")
    members = found.pop("members")
    torch_version, code = found.pop("made_by")
    assert torch_version == f"torch {metadata.version('torch')}"
    assert len(code) == 64
    assert found == {"cpu_s_extract": 2.3, "screened": 10, "judged": 2, "distinct_argmax": 7}
    assert members[0] == {
        "budget_ms": 2.0,
        "fits": True,
        "choices": [0, 1],
        "architecture": SPACE.architecture((0, 1)).key,
        "predicted_ms": 1.234568,
        "cross_entropy": 0.5,
        "swaps": 2,
    }
    slow = members[1]
    assert (slow["fits"], slow["predicted_ms"], slow["swaps"]) == (False, 3.0, 0)


def test_the_control_has_candidates_of_its_own(extracted):
    assert extracted("uniform")["screened"] == 4

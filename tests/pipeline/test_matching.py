from dataclasses import replace

import pytest

from edge.bench import Failure, Job
from edge.record import Conditions, Measurement, Subject
from models.references import plain_cnn
from pipeline import matching
from pipeline.formats import format_of
from pipeline.matching import MatchingError, latency_ratio, match_width
from pipeline.params import ExportParams
from tests.pipeline import made_up

TARGET = made_up.TARGET.model_copy(update={"runtime": "litert"})


@pytest.mark.parametrize(
    ("equal", "width"), [(1, 4), (4, 4), (13, 12), (20, 20), (22.1, 24), (511, 512), (999, 512)]
)
def test_the_nearest_width_is_found_in_few_steps(equal, width):
    asked = []

    def ratio(width):
        asked.append(width)
        return width / equal

    assert match_width(ratio) == (width, width / equal)
    assert len(asked) <= 14
    assert all(width % 4 == 0 for width in asked)


def test_near_means_by_what_factor():
    ratios = {4: 0.55, 8: 1.5}  # 0.55 is nearer to 1 by difference, 1.5 by factor
    assert match_width(ratios.__getitem__) == (8, 1.5)


def record(subject, ns):
    return Measurement(
        subject=subject,
        target=TARGET,
        conditions=Conditions(wall_time="2026-01-01T00:00:00+00:00"),
        warmup_ns=(),
        samples_ns=((ns,),),
        verdict="clean",
    )


def test_the_ratio_compares_two_models_of_one_session(tmp_path, monkeypatch):
    kind = replace(format_of("litert"), write=lambda _net, _shape, path, *_: path.touch())
    monkeypatch.setattr(matching, "format_of", {"litert": kind}.__getitem__)
    reference = Job(Subject(kind="file", name="member", sha256="0" * 64), tmp_path / "member.onnx")

    def measure(jobs, target, protocol):
        narrow, other = jobs
        assert narrow.path.name == "width-2.tflite"
        assert (other, target) == (reference, TARGET)
        return [record(narrow.subject, 30), record(other.subject, 40)]

    def build(width):
        return plain_cnn(1, 3, width)

    assert latency_ratio(build, (1, 8, 8), ExportParams(), reference, TARGET, measure)(2) == 0.75

    def fail(jobs, *_):
        return [record(jobs[0].subject, 30), Failure(jobs[1].subject, "crash", "SIGSEGV")]

    with pytest.raises(MatchingError, match="member: crash: SIGSEGV"):
        latency_ratio(build, (1, 8, 8), ExportParams(), reference, TARGET, fail)(2)

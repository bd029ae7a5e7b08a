import json

import pytest

from edge import bundle
from edge.bench import Failure
from edge.report_file import ReportFile
from pipeline.remote import Boards, RemoteError
from pipeline.remote.hand import ReportMissing
from tests.pipeline.remote.made_up import BOARD, record, session

NOBODY = Boards(environ={})
BUNDLE = "outbox/pi-profile-onnxruntime.zip"


def begin(tmp_path, *sessions):
    return NOBODY.begin(sessions, tmp_path, tmp_path / "store")


def ordered(tmp_path, *sessions):
    """The order of the bundle that waits."""
    with pytest.raises(ReportMissing):
        begin(tmp_path, *sessions)
    return bundle.read(tmp_path / BUNDLE).order


def report(order, tmp_path, *results):
    """As `facet measure BUNDLE` leaves it, brought back."""
    (tmp_path / "inbox").mkdir(exist_ok=True)
    found = ReportFile.of(order, tmp_path / "inbox")
    found.write(order, results or [record(model.subject) for model in order.models])
    return found


def test_a_bundle_is_written_and_one_message_says_what_to_do(tmp_path):
    with pytest.raises(ReportMissing) as caught:
        begin(tmp_path, session(tmp_path, "a", "b"))
    found = bundle.read(tmp_path / BUNDLE)
    found.verify()
    assert [model.subject.name for model in found.order.models] == ["a", "b"]
    assert str(caught.value).splitlines() == [
        "a bundle waits for a board, since EDGEFACET_HUB names no hub:",
        f"  {BUNDLE}: carry it to pi; there: facet measure pi-profile-onnxruntime.zip",
        f"    and bring report-{found.order.id[:12]}.jsonl back to inbox/ (with "
        f"report-{found.order.id[:12]}.failures.json, if it writes one)",
        "  a board without packages needs them on the stick; for Python 3.11 on 64-bit Arm:",
        f"  facet bundle create --order {BUNDLE} --fetch-wheels aarch64:3.11 --out stick.zip",
        "then: dvc repro goes on. With a hub, EDGEFACET_HUB and EDGEFACET_HUB_TOKEN_FILE, nothing "
        "is carried",
    ]


def test_the_bundle_stays_as_it_is_while_nothing_changes(tmp_path):
    ordered(tmp_path, session(tmp_path, "a"))
    before = (tmp_path / BUNDLE).read_bytes()
    ordered(tmp_path, session(tmp_path, "a"))
    assert (tmp_path / BUNDLE).read_bytes() == before
    changed = ordered(tmp_path, session(tmp_path, "a", "b"))
    assert len(changed.models) == 2


def test_with_its_report_the_stage_goes_on_and_puts_it_away(tmp_path):
    order = ordered(tmp_path, session(tmp_path, "a", "b"))
    back = report(order, tmp_path)
    begun = begin(tmp_path, session(tmp_path, "a", "b"))
    (results,) = begun.results()
    assert [result.subject.name for result in results] == ["a", "b"]
    assert back.path.exists()
    begun.forget()
    assert not back.path.exists()
    assert (tmp_path / "inbox/used" / back.path.name).exists()
    assert not (tmp_path / BUNDLE).exists()
    assert ordered(tmp_path, session(tmp_path, "a", "b")).id != order.id  # the next round


def test_what_failed_there_is_a_failure_here(tmp_path):
    order = ordered(tmp_path, session(tmp_path, "a", "b"))
    a, b = (model.subject for model in order.models)
    report(order, tmp_path, record(a), Failure(b, "oom", "out of memory"))
    ((_, failure),) = begin(tmp_path, session(tmp_path, "a", "b")).results()
    assert str(failure) == "b: oom: out of memory"


def test_a_report_of_another_order_is_left_out_with_the_reason(tmp_path):
    old = report(ordered(tmp_path, session(tmp_path, "a")), tmp_path)
    with pytest.raises(ReportMissing, match=f"inbox/{old.path.name} .* it answers another order"):
        begin(tmp_path, session(tmp_path, "a", "b"))


def test_a_report_under_the_name_of_another_is_refused(tmp_path):
    old = report(ordered(tmp_path, session(tmp_path, "a")), tmp_path)
    order = ordered(tmp_path, session(tmp_path, "b"))
    old.path.rename(ReportFile.of(order, tmp_path / "inbox").path)
    with pytest.raises(RemoteError, match="a is none of the models that were ordered"):
        begin(tmp_path, session(tmp_path, "b"))


def test_failures_of_another_order_are_refused(tmp_path):
    order = ordered(tmp_path, session(tmp_path, "a", "b"))
    a, b = (model.subject for model in order.models)
    back = report(order, tmp_path, record(a), Failure(b, "oom", "x"))
    content = json.loads(back.failures_path.read_text()) | {"order": "0" * 64}
    back.failures_path.write_text(json.dumps(content))
    with pytest.raises(RemoteError, match="its failures are those of another order, 000000000000"):
        begin(tmp_path, session(tmp_path, "a", "b"))


def test_a_report_without_its_failures_is_not_whole(tmp_path):
    order = ordered(tmp_path, session(tmp_path, "a", "b"))
    report(order, tmp_path, record(order.models[0].subject))
    with pytest.raises(RemoteError, match="1 of 2 models have neither a record nor a failure: b"):
        begin(tmp_path, session(tmp_path, "a", "b"))


def test_a_damaged_report_is_told_with_its_place(tmp_path):
    back = report(ordered(tmp_path, session(tmp_path, "a")), tmp_path)
    back.path.write_text("{}\n")
    with pytest.raises(RemoteError, match=f"inbox/{back.path.name} cannot be used for profile"):
        begin(tmp_path, session(tmp_path, "a"))


def test_all_bundles_are_written_before_the_stage_stops(tmp_path):
    lite = BOARD.model_copy(update={"runtime": "litert", "threads": 4})
    sessions = [session(tmp_path, "a"), session(tmp_path, "a", target=lite)]
    with pytest.raises(ReportMissing, match="these bundles wait for a board"):
        begin(tmp_path, *sessions)
    assert sorted(path.name for path in (tmp_path / "outbox").iterdir()) == [
        "pi-profile-litert-4-threads.zip",
        "pi-profile-onnxruntime.zip",
    ]

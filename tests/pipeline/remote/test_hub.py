from dataclasses import replace

import pytest
import stamina

from edge.agent.client import HubForbids
from edge.bench import Failure
from pipeline.remote import RemoteError
from tests.pipeline.remote.made_up import BOARD, MadeUpHub, boards, fails, jobs, record, session


@pytest.fixture(autouse=True)
def at_once():
    """Retries, without the waits between them."""
    with stamina.set_testing(True, attempts=5):
        yield


def begin(hub, tmp_path, *sessions, **changes):
    way = boards(hub, tmp_path, **changes)
    return way.begin(sessions, tmp_path, tmp_path / "store")


def names(results):
    return [result.subject.name for result in results]


def test_missing_models_are_brought_and_the_records_come_in_the_order_of_the_jobs(tmp_path):
    hub = MadeUpHub(lambda order: ([record(m.subject) for m in reversed(order.models)], []))
    (results,) = begin(hub, tmp_path, session(tmp_path, "a", "b", "c")).results()
    assert names(results) == ["a", "b", "c"]
    assert all(result.target == BOARD for result in results)
    assert hub.uploads == 3
    (order,) = hub.orders.values()
    assert (order.purpose, order.runtime, order.threads) == ("profile", "onnxruntime", 1)
    assert (order.how.blocks, order.how.block_s, order.how.warmup_s) == (3, 0.01, 0)


def test_a_subject_is_the_same_whatever_the_order_of_its_keys(tmp_path):
    def sent(order):
        subject = order.models[0].subject
        turned = dict(reversed(subject.architecture.items()))
        return [record(subject.model_copy(update={"architecture": turned}))], []

    (job,) = jobs(tmp_path, "a")
    subject = job.subject.model_copy(update={"architecture": {"x": 1, "a": 2}})
    asked = replace(session(tmp_path, "a"), jobs=[replace(job, subject=subject)])
    ((result,),) = begin(MadeUpHub(sent), tmp_path, asked).results()
    assert result.subject == subject


def test_only_models_that_the_hub_lacks_are_brought(tmp_path):
    hub = MadeUpHub()
    begin(hub, tmp_path, session(tmp_path, "a", "b")).results()
    begin(hub, tmp_path, session(tmp_path, "b", "c")).results()
    assert hub.uploads == 3


def test_an_interrupted_call_goes_on_with_the_same_order(tmp_path, capsys):
    hub = MadeUpHub(patience=3)

    def interrupt(_):
        raise KeyboardInterrupt

    begun = begin(hub, tmp_path, session(tmp_path, "a"), sleep=interrupt)
    with pytest.raises(KeyboardInterrupt):
        begun.results()
    assert "the orders stay with the hub" in capsys.readouterr().err
    begin(hub, tmp_path, session(tmp_path, "a")).results()
    assert len(hub.orders) == 1


def test_what_was_taken_is_measured_anew_by_the_next_call(tmp_path):
    hub = MadeUpHub()
    begun = begin(hub, tmp_path, session(tmp_path, "a"))
    begun.results()
    begun.forget()
    begin(hub, tmp_path, session(tmp_path, "a")).results()
    first, second = hub.orders.values()
    assert first.models == second.models
    assert first.how.seed != second.how.seed


def test_what_failed_is_ordered_again(tmp_path):
    hub = MadeUpHub(fails)
    (results,) = begin(hub, tmp_path, session(tmp_path, "a", "b")).results()
    assert names(results) == ["a", "b"]
    assert isinstance(results[1], Failure)
    assert str(results[1]) == "b: crash: it died"
    begin(hub, tmp_path, session(tmp_path, "a", "b"))
    assert len(hub.orders) == 2


def test_a_file_that_did_not_reach_the_board_is_rejected(tmp_path):
    hub = MadeUpHub(lambda order: fails(order, "altered"))
    (results,) = begin(hub, tmp_path, session(tmp_path, "a", "b")).results()
    assert results[1].kind == "rejected"


def test_after_an_update_of_the_board_it_is_another_order(tmp_path):
    hub = MadeUpHub()
    newer = BOARD.model_copy(update={"runtime_version": "2"})
    begin(hub, tmp_path, session(tmp_path, "a"))
    begin(hub, tmp_path, session(tmp_path, "a", target=newer))
    assert len(hub.orders) == 2


def test_records_of_another_target_are_told_by_both(tmp_path):
    newer = BOARD.model_copy(update={"runtime_version": "2"})
    hub = MadeUpHub(lambda order: ([record(m.subject, newer) for m in order.models], []))
    begun = begin(hub, tmp_path, session(tmp_path, "a"))
    with pytest.raises(RemoteError, match="profile on pi: the board is not what it was") as caught:
        begun.results()
    assert str(newer) in str(caught.value)
    assert str(BOARD) in str(caught.value)


def test_a_model_that_ran_on_another_provider_is_rejected_as_it_would_be_here(tmp_path):
    gpu = BOARD.model_copy(update={"provider": "CUDA"})
    hub = MadeUpHub(lambda order: ([record(m.subject, gpu) for m in order.models], []))
    ((result,),) = begin(hub, tmp_path, session(tmp_path, "a")).results()
    assert str(result) == "a: rejected: ran on CUDA, not on CPUExecutionProvider"


def test_a_model_without_record_and_failure_is_named(tmp_path):
    hub = MadeUpHub(lambda order: ([record(m.subject) for m in order.models[:1]], []))
    begun = begin(hub, tmp_path, session(tmp_path, "a", "b"))
    with pytest.raises(RemoteError, match=r"1 of 2 models have neither .* failure: b"):
        begun.results()


def test_all_boards_have_their_orders_before_one_is_waited_for(tmp_path):
    hub = MadeUpHub()
    other = BOARD.model_copy(update={"device": "other"})
    sessions = [session(tmp_path, "a"), session(tmp_path, "b", "c", device="pi5", target=other)]
    hub.answer = lambda order: (
        [record(m.subject, other if len(order.models) == 2 else BOARD) for m in order.models],
        [],
    )
    begun = begin(hub, tmp_path, *sessions)
    assert [device for device, _ in hub.orders] == ["pi", "pi5"]
    assert [names(results) for results in begun.results()] == [["a"], ["b", "c"]]


def test_a_board_that_is_away_is_told_once_with_when_it_was_seen(tmp_path, capsys):
    hub = MadeUpHub(patience=4, device_state="away")
    begin(hub, tmp_path, session(tmp_path, "a", "b")).results()
    said = capsys.readouterr().err
    assert said.count("pi is away, last seen 2026-07-01T12:00:00+00:00: waiting for it") == 1


def test_a_hub_that_goes_away_is_waited_for(tmp_path, capsys):
    hub = MadeUpHub(patience=1)
    begun = begin(hub, tmp_path, session(tmp_path, "a"))
    hub.down = 3
    ((result,),) = begun.results()
    assert result.subject.name == "a"
    assert "the hub at http://127.0.0.1:1 is away" in capsys.readouterr().err


def test_a_short_absence_does_not_end_the_ordering(tmp_path):
    hub = MadeUpHub(down=2)
    begin(hub, tmp_path, session(tmp_path, "a"))
    assert len(hub.orders) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "cancelled"}, "profile on pi was cancelled at the hub; dvc repro"),
        ({"state": "open", "device_state": "revoked"}, "the token of pi was revoked: facet hub"),
    ],
)
def test_what_will_never_come_is_not_waited_for(tmp_path, changes, said):
    begun = begin(MadeUpHub(**changes), tmp_path, session(tmp_path, "a"))
    with pytest.raises(RemoteError, match=said):
        begun.results()


def test_a_hub_that_forgot_the_order_is_told(tmp_path):
    hub = MadeUpHub()
    begun = begin(hub, tmp_path, session(tmp_path, "a"))
    hub.orders.clear()
    with pytest.raises(RemoteError, match=r"no longer knows profile on pi: .*dvc repro orders it"):
        begun.results()


def test_the_token_of_a_board_is_not_that_of_an_operator(tmp_path):
    way = boards(MadeUpHub(), tmp_path)
    (tmp_path / "token").write_text("another\n")
    with pytest.raises(HubForbids, match="facet hub add-operator"):
        way.begin([session(tmp_path, "a")], tmp_path, tmp_path / "store")


def test_more_than_a_board_may_be_asked_for_is_refused_here(tmp_path):
    asked = session(tmp_path, "a")
    asked = replace(asked, protocol=replace(asked.protocol, block_s=61))
    with pytest.raises(RemoteError, match=r"profile asks more of pi .*how\.block_s: .*params"):
        begin(MadeUpHub(), tmp_path, asked)


def test_without_sessions_no_hub_is_asked(tmp_path):
    hub = MadeUpHub()
    begun = begin(hub, tmp_path)
    assert begun.results() == []
    begun.forget()
    assert hub.calls == []

import json

import pytest

from edge.calibration import fit
from edge.feedback.status import coverage
from edge.hub import tokens
from edge.hub.health import healths, read_calibrations
from edge.hub_api import Report
from edge.record import iter_networks
from tests.edge.feedback.made_up import NOW, TARGET, table
from tests.edge.hub.made_up import networks


@pytest.fixture
def calibrated():
    return fit(table(), list(iter_networks(networks(0, 12))), now=NOW)


def test_no_records_no_targets(world):
    assert healths(world.hub) == []


def test_verdicts_are_counted_per_target(world, device, make):
    subject = make.subject("a" * 64)
    records = [make.record(subject, n, verdict=v) for n, v in enumerate(["clean", "suspect"] * 2)]
    other = make.record(subject, target={"threads": 4})
    device.report(Report(records=(*records, other)))
    found = {h.target.threads: h for h in healths(world.hub)}
    assert found[1].verdicts == {"clean": 2, "suspect": 2}
    assert (found[4].records, found[4].networks) == (1, None)


def test_networks_are_predicted_by_the_calibration_of_their_own_target(
    world, device, make, calibrated
):
    same, doubtful = networks(1, 4), networks(2, 1)[0]
    foreign = make.record(same[0].subject, target={"device": "another"})
    doubtful = doubtful.model_copy(update={"verdict": "suspect"})
    device.report(Report(records=(*same, doubtful)))
    world.device("another").report(Report(records=(foreign,)))
    found = {h.target: h for h in healths(world.hub, [calibrated])}
    mine = found[TARGET]
    expected = {
        m.subject.name: calibrated.predict(m.subject.read_architecture()).mean_ms for m in same
    }
    assert {n.name: n.predicted.mean_ms for n in mine.networks} == pytest.approx(expected)
    assert (mine.confidence, mine.foreign, mine.coverage) == (0.9, 0, 1.0)
    assert mine.error_percent < 3
    assert found[foreign.target].networks is None


def test_several_records_of_a_network_are_one(world, device, calibrated):
    (m,) = networks(1, 1)
    records = [m.model_copy(update={"samples_ns": ((ms * 10**6,) * 50,) * 3}) for ms in (1, 2, 4)]
    device.report(Report(records=tuple(records)))
    ((one,),) = (h.networks for h in healths(world.hub, [calibrated]))
    assert (one.records, one.measured_ms) == (3, 2.0)
    predicted = calibrated.predict(m.subject.read_architecture())
    assert one.error_percent == pytest.approx(100 * (predicted.mean_ms / 2 - 1))


def test_blocks_that_the_table_does_not_know_are_counted(world, device, calibrated):
    (m,) = networks(1, 1)
    text = m.to_json().replace("conv_k3", "conv_k5").replace("sep_k3", "sep_k5")
    device.report(Report.model_validate_json(f'{{"records":[{text}]}}'))
    odd = m.subject.model_copy(update={"architecture": {"x": 1}})
    device.report(Report(records=(m.model_copy(update={"subject": odd}),)))
    (health,) = healths(world.hub, [calibrated])
    assert (health.networks, health.foreign, health.error_percent) == ([], 2, None)


def test_excluded_records_do_not_count(world, device, calibrated):
    device.report(Report(records=tuple(networks(1, 3))))
    tokens.revoke(world.hub, "pi", exclude_records=True)
    assert healths(world.hub, [calibrated]) == []


def test_what_was_fitted_is_compared_with_what_the_others_predict(world, device, calibrated):
    device.report(Report(records=tuple(networks(0, 12))))
    (health,) = healths(world.hub, [calibrated])
    left_out = {network.name: network for network in calibrated.networks}
    for network in health.networks:
        assert network.predicted.mean_ms == left_out[network.name].left_out_ms
    assert health.error_percent == pytest.approx(calibrated.left_out_error_percent)
    assert health.coverage == coverage(calibrated)


def test_a_calibration_that_is_being_written_is_missing_and_the_others_count(tmp_path, calibrated):
    path, gone = tmp_path / "calibration.json", tmp_path / "gone.json"
    path.write_text(json.dumps(calibrated.to_dict()))
    found, (problem,) = read_calibrations([gone, path])
    assert [calibration.table.target for calibration in found] == [TARGET]
    assert "gone.json is not a calibration" in problem

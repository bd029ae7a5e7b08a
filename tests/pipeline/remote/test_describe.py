import pytest

from edge.hub_api import DeviceStatus
from pipeline.params import TargetParams
from pipeline.remote import Boards, RemoteError
from tests.pipeline.remote.made_up import BOARD, MadeUpHub, boards, heartbeat, info

PI = TargetParams(device="pi", threads=4)
KEY = "targets[1]"


def by_hub(tmp_path, device, params=PI):
    hub = MadeUpHub(devices=(device,) if device else ())
    return boards(hub, tmp_path).describe(params, KEY, tmp_path)


def by_file(tmp_path, text, params=PI):
    if text is not None:
        (tmp_path / "devices").mkdir()
        (tmp_path / "devices/pi.json").write_text(text)
    return Boards(environ={}).describe(params, KEY, tmp_path)


def test_the_last_heartbeat_describes_a_board_also_while_it_is_away(tmp_path):
    found = by_hub(tmp_path, DeviceStatus(name="pi", state="away", heartbeat=heartbeat(BOARD)))
    assert found == BOARD.model_copy(update={"threads": 4})


def test_a_file_describes_a_board_that_no_hub_knows(tmp_path):
    found = by_file(tmp_path, info())
    assert (found.device, found.runtime_version, found.threads) == ("board", "1.22", 4)
    assert (found.provider, found.power_mode) == ("CPUExecutionProvider", "performance")


EMULATED = BOARD.model_copy(update={"device": "Pi 4, emulated"})


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (None, "[1].device: the hub at http://127.0.0.1:1 knows no 'pi'; it knows none yet"),
        (DeviceStatus(name="pi5", state="idle"), "did you mean 'pi5'?; it knows pi5; facet hub"),
        (DeviceStatus(name="pi", state="never seen"), "[1].device: pi has never called the hub"),
        (DeviceStatus(name="pi", state="revoked"), "add-device pi --rotate"),
        (
            DeviceStatus(name="pi", state="quarantined", quarantined="two machines"),
            "pi is in quarantine: two machines",
        ),
        (
            DeviceStatus(name="pi", state="idle", heartbeat=heartbeat()),
            "[1].runtime: pi has no onnxruntime; there is: none; on the board: pip install",
        ),
        (
            DeviceStatus(name="pi", state="idle", heartbeat=heartbeat(EMULATED)),
            "[1].device: Pi 4, emulated is no hardware",
        ),
    ],
)
def test_what_cannot_be_described_names_the_key_and_what_to_do(tmp_path, device, said):
    with pytest.raises(RemoteError) as caught:
        by_hub(tmp_path, device)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "[1].device: nothing is known of 'pi'. With a hub set EDGEFACET_HUB and"),
        ("{}", "[1].device: devices/pi.json is not what `facet info --json` prints"),
        (info(device="Pi (simulated)"), "[1].device: Pi (simulated) is no hardware"),
        (info(runtimes={}), "[1].runtime: pi has no onnxruntime; there is: none"),
    ],
)
def test_a_file_that_does_not_do_names_the_key_and_what_to_do(tmp_path, text, said):
    with pytest.raises(RemoteError) as caught:
        by_file(tmp_path, text)
    assert said in str(caught.value)


def test_a_hub_that_is_away_is_told_with_the_key(tmp_path):
    with pytest.raises(
        RemoteError, match=r"targets\[1\]\.device: to ask for 'pi': the hub at .*away"
    ):
        boards(MadeUpHub(down=9), tmp_path).describe(PI, KEY, tmp_path)


def test_a_hub_without_a_token_is_told_with_the_variable(tmp_path):
    way = Boards(environ={"EDGEFACET_HUB": "http://127.0.0.1:1"})
    with pytest.raises(RemoteError, match="EDGEFACET_HUB_TOKEN_FILE is not: write what"):
        way.describe(PI, KEY, tmp_path)

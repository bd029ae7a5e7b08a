import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.advice import Advice, advice
from edge.device import describe
from edge.record import Conditions
from edge.sensors import conditions
from tests.edge.sysroots import SYSROOTS

CPU = "sys/devices/system/cpu"


@pytest.fixture
def sysroot(tmp_path: Path) -> Path:
    """A Raspberry Pi 5 that is fit to measure, to spoil."""
    return Path(shutil.copytree(SYSROOTS / "pi5", tmp_path / "pi5"))


def advised(root: Path, **changes: float) -> list[Advice]:
    found = conditions(root).model_copy(update=changes)
    return advice(describe(root), found, root)


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        (
            "generic",
            [
                f"echo performance | sudo tee /{CPU}/cpu*/cpufreq/scaling_governor",
                f"echo 1 | sudo tee /{CPU}/intel_pstate/no_turbo",
                None,  # plug it in
            ],
        ),
        (
            "pi4",
            [
                "vcgencmd get_throttled",
                f"echo performance | sudo tee /{CPU}/cpu*/cpufreq/scaling_governor",
                None,  # let it cool
            ],
        ),
        ("pi5", []),
        ("orin", ["sudo jetson_clocks", "sudo nvpmodel -m 2"]),
        ("vm", [None, None]),  # other guests, no sensors
    ],
)
def test_every_machine_is_told_what_to_type(name: str, commands: list[str | None]) -> None:
    assert [one.command for one in advised(SYSROOTS / name)] == commands


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ("1", "power supply"),
        ("50005", "power supply"),
        ("4", "cool the board"),
        ("80008", "cool the board"),
        ("50000", "since it booted"),
    ],
)
def test_the_flags_of_a_pi_are_told_by_what_helps(sysroot: Path, bits: str, words: str) -> None:
    (flags,) = (sysroot / "sys/devices/platform").rglob("get_throttled")
    flags.write_text(f"{bits}\n")
    (one,) = advised(sysroot)
    assert words in one.problem


def test_heat_and_load_come_from_the_conditions(sysroot: Path) -> None:
    hot, busy = advised(sysroot, temperature_c_after=81.0, other_cpu_load=0.4)
    assert "81 °C" in hot.problem
    assert "40%" in busy.problem
    assert busy.command == "top -b -n 1 | head -15"


def test_limits_are_not_exceeded_by_reaching_them(sysroot: Path) -> None:
    assert advised(sysroot, temperature_c_after=70.0, other_cpu_load=0.1) == []


def test_a_jetson_in_its_fastest_mode_with_locked_clocks_is_fit(tmp_path: Path) -> None:
    orin = Path(shutil.copytree(SYSROOTS / "orin", tmp_path / "orin"))
    (orin / "var/lib/nvpmodel/status").write_text("pmode:0002 fmode:quiet\n")
    for lowest in (orin / CPU).rglob("scaling_min_freq"):
        lowest.write_text("1344000\n")
    assert advised(orin) == []


def test_an_emulator_says_that_its_times_are_none(sysroot: Path) -> None:
    emulated = replace(describe(sysroot), kind="emulated")
    (one,) = advice(emulated, conditions(sysroot), sysroot)
    assert one.problem.startswith("This processor is emulated: its times are no latencies")


def test_a_machine_without_sensors_cannot_be_verified(tmp_path: Path) -> None:
    (one,) = advice(describe(tmp_path), Conditions(wall_time="now"), tmp_path)
    assert "clean-unverified" in one.problem

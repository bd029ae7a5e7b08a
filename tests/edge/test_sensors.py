import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.sensors import CpuTimes, Sensors, conditions, on_battery, read_sensors
from tests.edge.sysroots import GENERIC, ORIN, PI4, PI5, VM, tree


def test_sensors_of_a_pi() -> None:
    sensors = read_sensors(PI4)
    assert sensors.clock_mhz == 1800
    assert sensors.temperature_c == 82.77
    assert sensors.throttle_bits == 0x50005
    assert sensors.governor == "ondemand"
    assert sensors.uptime_s == 1234.56
    assert sensors.cpu is not None
    assert sensors.cpu.total == 96.5  # 9650 ticks of 10 ms
    assert sensors.cpu.busy == 15.5  # without 8000 idle and 100 waiting ticks


def test_the_clock_is_that_of_the_fastest_core_not_of_a_sleeping_one(tmp_path: Path) -> None:
    clocks = {0: "600000\n", 3: "1800000\n"}
    cpu = "sys/devices/system/cpu"
    tree(tmp_path, {f"{cpu}/cpu{n}/cpufreq/scaling_cur_freq": khz for n, khz in clocks.items()})
    assert read_sensors(tmp_path).clock_mhz == 1800


def test_a_pi_5_has_its_firmware_elsewhere() -> None:
    assert read_sensors(PI5).throttle_bits == 0


@pytest.mark.parametrize(("name", "bits"), [("rpi_volt", 1), ("coretemp", None)])
def test_without_the_firmwares_file_there_is_the_alarm_for_under_voltage(
    tmp_path: Path, name: str, bits: int | None
) -> None:
    sensor = "sys/class/hwmon/hwmon1"
    tree(tmp_path, {f"{sensor}/name": f"{name}\n", f"{sensor}/in0_lcrit_alarm": "1\n"})
    assert read_sensors(tmp_path).throttle_bits == bits


def test_time_stolen_by_the_hypervisor_is_busy() -> None:
    cpu = read_sensors(VM).cpu
    assert cpu is not None
    assert (cpu.total, cpu.busy) == (10.0, 1.9)


def test_the_zone_of_the_cpu_counts_and_a_sleeping_sensor_does_not() -> None:
    assert read_sensors(ORIN).temperature_c == 51.031
    assert read_sensors(GENERIC).temperature_c == 46  # of the package, not of the case


@pytest.mark.parametrize("milli_c", ["-274000", "2147483", "nan"])
def test_a_sensor_that_says_anything_is_none(tmp_path: Path, milli_c: str) -> None:
    zone = "sys/class/thermal/thermal_zone"
    tree(tmp_path, {f"{zone}0/type": "soc-thermal", f"{zone}0/temp": milli_c})
    assert conditions(tmp_path).temperature_c_before is None
    tree(tmp_path, {f"{zone}1/type": "cpu-thermal", f"{zone}1/temp": "48000"})
    assert conditions(tmp_path).temperature_c_before == 48


def test_the_battery_of_a_mouse_is_none_of_the_devices(tmp_path: Path) -> None:
    supplies = "sys/class/power_supply"
    mouse = f"{supplies}/hidpp_battery_0"
    tree(tmp_path, {f"{mouse}/scope": "Device\n", f"{mouse}/status": "Discharging\n"})
    assert not on_battery(tmp_path)
    tree(tmp_path, {f"{supplies}/BAT0/status": "Discharging\n"})
    assert on_battery(tmp_path)
    tree(tmp_path, {f"{supplies}/BAT0/scope": "System\n"})
    assert on_battery(tmp_path)


def test_a_child_counts_as_our_own(tmp_path: Path) -> None:
    stat = "77 (a (odd) name) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0\n"
    shutil.copytree(VM, tmp_path, dirs_exist_ok=True)
    tree(tmp_path, {"proc/77/stat": stat})
    alone, with_child = read_sensors(tmp_path).cpu, read_sensors(tmp_path, child=77).cpu
    assert alone is not None
    assert with_child is not None
    assert with_child.own - alone.own == pytest.approx(2.0, abs=0.1)  # 150 + 50 ticks


def test_conditions_span_from_the_first_reading_to_the_last() -> None:
    start = Sensors("t0", uptime_s=1.0, clock_mhz=1800, temperature_c=50, cpu=CpuTimes(0, 0, 0))
    middle = replace(start, wall_time="t1", temperature_c=90, cpu=CpuTimes(10, 6, 5))
    end = replace(start, wall_time="t2", clock_mhz=1500, temperature_c=55, cpu=CpuTimes(20, 14, 10))
    found = conditions(PI4, [(start, middle), (middle, end)])
    assert (found.wall_time, found.uptime_s) == ("t0", 1.0)
    assert (found.clock_mhz_before, found.clock_mhz_after) == (1800, 1500)
    assert (found.temperature_c_before, found.temperature_c_after) == (50, 55)
    assert found.other_cpu_load == pytest.approx(0.2)  # (14 - 10) / 20
    assert found.kernel == "6.6.51+rpt-rpi-v8"
    assert found.os == "Debian GNU/Linux 12 (bookworm)"


def test_load_of_a_moment_is_unknown() -> None:
    assert conditions(PI4).other_cpu_load is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0x0, 0x0, False),
        (0x0, 0x4, True),  # throttled now
        (0x50000, 0x50000, False),  # long ago
        (0x0, 0x10000, True),  # in between
        (None, 0x0, None),
    ],
)
def test_throttling_inside_a_span(
    tmp_path: Path, before: int | None, after: int, expected: bool | None
) -> None:
    span = (Sensors("t0", throttle_bits=before), Sensors("t1", throttle_bits=after))
    assert conditions(tmp_path, [span]).throttled is expected

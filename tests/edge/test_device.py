import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.device import (
    CpuTimes,
    Sensors,
    conditions,
    describe,
    is_emulated,
    on_battery,
    power_mode,
    read_sensors,
)

SYSROOTS = Path(__file__).parent / "data/sysroots"
GENERIC, ORIN, PI4, PI5, VM = (SYSROOTS / n for n in ("generic", "orin", "pi4", "pi5", "vm"))


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


CORE_I7 = "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz (family 6 model 140)"
ORIN_NANO = "NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super"


@pytest.mark.parametrize(
    ("root", "fingerprint", "memory_bytes", "mode"),
    [
        (GENERIC, f"{CORE_I7}, 8 cores, x86_64, generic", 16_515_072_000, "powersave"),
        (PI4, "Raspberry Pi 4 Model B Rev 1.5, 4 cores, aarch64, raspberry-pi", 3_977_625_600,
         "ondemand"),
        (PI5, "Raspberry Pi 5 Model B Rev 1.0, 4 cores, aarch64, raspberry-pi", 8_454_864_896,
         "performance"),
        (ORIN, f"{ORIN_NANO}, 6 cores, aarch64, jetson", 7_989_485_568, "nvpmodel 1"),
        (VM, "AMD EPYC (family 23 model 1), 2 cores, x86_64, vm", 25_276_055_552, "unknown"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)  # fmt: skip
def test_a_machine_says_what_it_is(
    root: Path, fingerprint: str, memory_bytes: int, mode: str
) -> None:
    device = describe(root)
    assert device.fingerprint == fingerprint
    assert device.memory_bytes == memory_bytes
    assert power_mode(root) == mode


@pytest.mark.parametrize(("present", "cores"), [("0-5", 6), ("0-3,8,10-11", 7), ("none", 4)])
def test_a_jetson_that_switched_cores_off_is_the_same_machine(
    tmp_path: Path, present: str, cores: int
) -> None:
    shutil.copytree(ORIN, tmp_path, dirs_exist_ok=True)
    four = "".join(f"processor\t: {n}\n" for n in range(4))
    tree(tmp_path, {"proc/cpuinfo": four, "sys/devices/system/cpu/present": f"{present}\n"})
    assert describe(tmp_path).fingerprint == f"{ORIN_NANO}, {cores} cores, aarch64, jetson"


def test_another_machine_has_the_cores_that_are_at_work(tmp_path: Path) -> None:
    shutil.copytree(PI4, tmp_path, dirs_exist_ok=True)
    tree(tmp_path, {"sys/devices/system/cpu/present": "0-7\n"})  # of the host of a container
    assert describe(tmp_path).cores == 4


def test_a_cpu_without_a_name_is_called_by_its_numbers(tmp_path: Path) -> None:
    cpuinfo = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n"
    assert describe(tree(tmp_path, {"proc/cpuinfo": cpuinfo})).name == "CPU 0x41/0xd0b"


def test_a_virtual_machine_without_flags_is_known_by_its_vendor(tmp_path: Path) -> None:
    assert describe(tree(tmp_path, {"sys/class/dmi/id/sys_vendor": "QEMU\n"})).kind == "vm"


def test_an_empty_root_knows_nothing_and_does_not_fail(tmp_path: Path) -> None:
    device = describe(tmp_path)
    assert device.name == f"unknown {device.arch}"
    assert device.cores >= 1
    assert device.kind == "generic"
    assert power_mode(tmp_path) == "unknown"
    known = conditions(tmp_path).model_dump(exclude={"wall_time"})
    assert set(known.values()) == {None}


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


@pytest.mark.parametrize(
    ("machine", "kernel", "environ", "emulated"),
    [
        ("aarch64", "x86_64", {}, True),
        ("x86_64", "aarch64", {}, True),  # a container for x86 on an Arm laptop
        ("riscv64", "x86_64", {}, True),
        ("aarch64", "aarch64", {"QEMU_CPU": "cortex-a72"}, True),
        ("aarch64", None, {"QEMU_CPU": "cortex-a72"}, True),
        ("x86_64", "x86_64", {}, False),
        ("i686", "x86_64", {}, False),  # 32-bit programs on a 64-bit kernel
        ("armv8l", "aarch64", {}, False),
        ("armv7l", "aarch64", {}, False),
        ("aarch64", None, {}, False),  # a kernel from before 6.1
    ],
)
def test_an_emulator_is_known_by_the_kernel_below_it(
    machine: str, kernel: str | None, environ: dict[str, str], emulated: bool
) -> None:
    assert is_emulated(machine, kernel, environ) is emulated


def test_an_emulated_machine_says_so_and_a_tree_of_another_one_does_not() -> None:
    environ = {"QEMU_CPU": "cortex-a72"}
    assert describe(environ=environ).fingerprint.endswith(", emulated")
    assert describe(PI4, environ).kind == "raspberry-pi"

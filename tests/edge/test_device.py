from dataclasses import replace
from pathlib import Path

import pytest

from edge.device import (
    CpuTimes,
    Sensors,
    advice,
    conditions,
    describe,
    power_mode,
    read_sensors,
)
from edge.record import Conditions

PI4 = {
    "proc/cpuinfo": "processor\t: 0\n\nprocessor\t: 1\n\nprocessor\t: 2\n\nprocessor\t: 3\n\n"
    "Hardware\t: BCM2835\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n",
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/meminfo": "MemTotal:        3884400 kB\nMemFree:         2000000 kB\n",
    "proc/stat": "cpu  1000 0 500 8000 100 0 50 0 0 0\ncpu0 250 0 125 2000 25 0 12 0 0 0\n",
    "proc/uptime": "1234.56 4000.00\n",
    "proc/sys/kernel/random/boot_id": "11111111-2222-3333-4444-555555555555\n",
    "proc/sys/kernel/osrelease": "6.6.20+rpt-rpi-v8\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
    "sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq": "1800000\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48686\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}
VM = {
    "proc/cpuinfo": "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 1\n"
    "model name\t: AMD EPYC\nflags\t\t: fpu sse2 hypervisor avx2\n\nprocessor\t: 1\n",
    "proc/meminfo": "MemTotal:       24683648 kB\n",
    "proc/stat": "cpu  100 0 50 800 10 0 5 35 0 0\n",
    "proc/sys/kernel/random/boot_id": "0912b187\n",
}
JETSON = {
    "proc/cpuinfo": "".join(f"processor\t: {n}\n" for n in range(6)),
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
    "var/lib/nvpmodel/status": "pmode:0001 fmode:cool\n",
    "sys/class/thermal/thermal_zone0/type": "CPU-therm\n",
    "sys/class/thermal/thermal_zone0/temp": "51000\n",
    "sys/class/thermal/thermal_zone1/type": "PMIC-Die\n",
    "sys/class/thermal/thermal_zone1/temp": "100000\n",
    "sys/class/thermal/thermal_zone2/type": "CV0-therm\n",  # it has no temp while it is off
}


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "name", "cores", "kind", "memory_bytes", "mode"),
    [
        (PI4, "Raspberry Pi 4 Model B Rev 1.4", 4, "raspberry-pi", 3_977_625_600, "ondemand"),
        (VM, "AMD EPYC (family 23 model 1)", 2, "vm", 25_276_055_552, "unknown"),
        (JETSON, "NVIDIA Jetson Orin Nano Developer Kit", 6, "jetson", None, "nvpmodel 1"),
    ],
)
def test_a_machine_says_what_it_is(
    tmp_path: Path,
    files: dict[str, str],
    name: str,
    cores: int,
    kind: str,
    memory_bytes: int | None,
    mode: str,
) -> None:
    device = describe(tree(tmp_path, files))
    assert (device.name, device.cores, device.kind) == (name, cores, kind)
    assert device.memory_bytes == memory_bytes
    assert device.fingerprint == f"{name}, {cores} cores, {device.arch}, {kind}"
    assert power_mode(tmp_path) == mode


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


def test_sensors_of_a_pi(tmp_path: Path) -> None:
    sensors = read_sensors(tree(tmp_path, PI4))
    assert sensors.clock_mhz == 1800  # the fastest core, not the sleeping one
    assert sensors.temperature_c == 48.686
    assert sensors.throttle_bits == 0x50005
    assert sensors.governor == "ondemand"
    assert sensors.uptime_s == 1234.56
    assert sensors.cpu is not None
    assert sensors.cpu.total == 96.5  # 9650 ticks of 10 ms
    assert sensors.cpu.busy == 15.5  # without 8000 idle and 100 waiting ticks


def test_time_stolen_by_the_hypervisor_is_busy(tmp_path: Path) -> None:
    cpu = read_sensors(tree(tmp_path, VM)).cpu
    assert cpu is not None
    assert (cpu.total, cpu.busy) == (10.0, 1.9)


def test_the_zone_of_the_cpu_counts_and_a_sleeping_sensor_does_not(tmp_path: Path) -> None:
    assert read_sensors(tree(tmp_path, JETSON)).temperature_c == 51


def test_a_child_counts_as_our_own(tmp_path: Path) -> None:
    stat = "77 (a (odd) name) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0\n"
    tree(tmp_path, {**VM, "proc/77/stat": stat})
    alone, with_child = read_sensors(tmp_path).cpu, read_sensors(tmp_path, child=77).cpu
    assert alone is not None
    assert with_child is not None
    assert with_child.own - alone.own == pytest.approx(2.0, abs=0.1)  # 150 + 50 ticks


def test_conditions_span_from_the_first_reading_to_the_last(tmp_path: Path) -> None:
    start = Sensors("t0", uptime_s=1.0, clock_mhz=1800, temperature_c=50, cpu=CpuTimes(0, 0, 0))
    middle = replace(start, wall_time="t1", temperature_c=90, cpu=CpuTimes(10, 6, 5))
    end = replace(start, wall_time="t2", clock_mhz=1500, temperature_c=55, cpu=CpuTimes(20, 14, 10))
    found = conditions(tree(tmp_path, PI4), [(start, middle), (middle, end)])
    assert (found.wall_time, found.uptime_s) == ("t0", 1.0)
    assert (found.clock_mhz_before, found.clock_mhz_after) == (1800, 1500)
    assert (found.temperature_c_before, found.temperature_c_after) == (50, 55)
    assert found.other_cpu_load == pytest.approx(0.2)  # (14 - 10) / 20
    assert found.kernel == "6.6.20+rpt-rpi-v8"
    assert found.os == "Debian GNU/Linux 12 (bookworm)"


def test_load_of_a_moment_is_unknown(tmp_path: Path) -> None:
    assert conditions(tree(tmp_path, PI4)).other_cpu_load is None


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


def test_advice_names_what_to_do(tmp_path: Path) -> None:
    device = describe(tree(tmp_path, PI4))
    bad = Conditions(
        wall_time="now", throttled=True, governor="ondemand", temperature_c_after=81.0,
        clock_mhz_after=600.0, other_cpu_load=0.4,
    )  # fmt: skip
    text = "\n".join(advice(device, bad))
    for word in ("power supply", "-g performance", "81 °C", "40%"):
        assert word in text
    good = Conditions(
        wall_time="now", throttled=False, governor="performance", temperature_c_after=45.0,
        clock_mhz_after=1800.0, other_cpu_load=0.01,
    )  # fmt: skip
    assert advice(device, good) == []


def test_advice_for_a_virtual_machine_says_what_cannot_be_known(tmp_path: Path) -> None:
    device = describe(tree(tmp_path, VM))
    text = "\n".join(advice(device, conditions(tmp_path)))
    assert "virtual machine" in text
    assert "unverified" in text

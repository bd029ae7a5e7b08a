import shutil
from pathlib import Path

import pytest

from edge.device import describe, is_emulated
from edge.sensors import conditions, power_mode
from tests.edge.sysroots import GENERIC, ORIN, PI4, PI5, VM, tree

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

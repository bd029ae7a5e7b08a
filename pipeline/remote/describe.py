"""The target that a board elsewhere is, as its agent or `facet info --json` described it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.errors import first_problem
from edge.feedback.intake import not_hardware
from edge.hub_access import HUB, TOKEN_FILE
from edge.hub_api import Devices, DeviceStatus
from edge.record import Target
from edge.runtimes import get_runtime
from pipeline.problems import did_you_mean
from pipeline.remote.errors import RemoteError
from pipeline.sections.target import TargetParams

FOLDER = Path("devices")  # what boards without a hub say of themselves; for Git
_MAX_BYTES = 1 << 20


class _Runtime(BaseModel):
    version: str | None = None


class _Info(BaseModel):
    """Of what `facet info --json` prints, that which makes a target."""

    model_config = ConfigDict(extra="ignore")

    device: str
    power_mode: str = "unknown"
    runtimes: Mapping[str, _Runtime]


def of_hub(params: TargetParams, key: str, hub: str, devices: Devices) -> Target:
    """The target by the last heartbeat of the device; `key` leads to it in params.yaml, and `hub`
    is the URL. Raises RemoteError."""
    device = _device(params.device, key, hub, devices)
    if device.heartbeat is None:
        raise RemoteError(
            f"{key}.device: {params.device} has never called the hub at {hub}: start it there, "
            f"facet agent run --hub {hub} --token-file FILE"
        )
    there = {target.runtime: target for target in device.heartbeat.targets}
    if params.runtime not in there:
        versions = {runtime: target.runtime_version for runtime, target in there.items()}
        _lacks(params, key, versions)
    asked = {"precision": params.precision, "threads": params.threads}
    return require_hardware(there[params.runtime].model_copy(update=asked), key)


def of_file(params: TargetParams, key: str, root: Path) -> Target:
    """The target by ``devices/NAME.json`` below `root`. Raises RemoteError."""
    path = FOLDER / f"{params.device}.json"
    try:
        with (root / path).open("rb") as file:
            info = _Info.model_validate_json(file.read(_MAX_BYTES))
    except FileNotFoundError:
        raise RemoteError(
            f"{key}.device: nothing is known of {params.device!r}. With a hub set {HUB} and "
            f"{TOKEN_FILE}; without one, on the board: facet info --json > {params.device}.json, "
            f"and bring it to {path}"
        ) from None
    except ValidationError as error:
        raise RemoteError(
            f"{key}.device: {path} is not what `facet info --json` prints on the board: "
            f"{first_problem(error, 'it')}"
        ) from error
    installed = {name: of.version for name, of in info.runtimes.items() if of.version}
    if params.runtime not in installed:
        _lacks(params, key, installed)
    target = Target(
        device=info.device,
        runtime=params.runtime,
        runtime_version=installed[params.runtime],
        provider=get_runtime(params.runtime).provider,
        precision=params.precision,
        threads=params.threads,
        power_mode=info.power_mode,
    )
    return require_hardware(target, key)


def require_hardware(target: Target, key: str) -> Target:
    """`target`, unless it names itself emulated. Raises RemoteError."""
    if not_hardware(target):
        raise RemoteError(
            f"{key}.device: {target.device} is no hardware: how long anything takes there says "
            "nothing about a board, and enters no table; name a real one"
        )
    return target


def _device(name: str, key: str, hub: str, devices: Devices) -> DeviceStatus:
    known = {device.name: device for device in devices.devices}
    if name not in known:
        raise RemoteError(
            f"{key}.device: the hub at {hub} knows no {name!r}{did_you_mean(name, known)}; "
            f"it knows {', '.join(known) or 'none yet'}; facet hub add-device {name} makes it known"
        )
    device = known[name]
    if device.state == "revoked":
        raise RemoteError(
            f"{key}.device: the token of {name} was revoked; facet hub add-device {name} --rotate "
            "gives it another"
        )
    if device.quarantined is not None:
        raise RemoteError(f"{key}.device: {name} is in quarantine: {device.quarantined}")
    return device


def _lacks(params: TargetParams, key: str, versions: Mapping[str, str]) -> NoReturn:
    there = ", ".join(f"{name} {version}" for name, version in versions.items()) or "none"
    raise RemoteError(
        f"{key}.runtime: {params.device} has no {params.runtime}; there is: {there}; on the board: "
        f"{get_runtime(params.runtime).install}, or take this target out of `targets`"
    )

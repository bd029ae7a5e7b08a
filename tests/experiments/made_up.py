"""A protocol of two arms and their control, and rows of it."""

from experiments.folder import TaskFolder
from experiments.report.study import Study
from experiments.settings import Settings

PHASES = ("warm_up", "joint", "extract")


def settings(**changes):
    given = {
        "base": "presets/smoke.yaml",
        "budgets_ms": (1.0, 2.0),
        "floor": 0.8,
        "span_ms": (1.0, 4.0),
        "margin": 0.01,
        "first": "simplex",
        "arms": {
            "simplex": {"seeds": 2},
            "control": {"seeds": 2, "supernet_of": "simplex"},
            "random": {"seeds": 1, "overrides": {"search": {"method": "random"}}},
        },
    }
    return Settings.model_validate({**given, **changes})


def study(root, **given):
    """A study of the task `fashion`, of rows that are given by what they are called in it."""
    protocol = given.pop("settings", None) or settings()
    return Study(task=TaskFolder("fashion", root), settings=protocol, **given)


def compared(root, accuracies, **given):
    """A study of arms whose families are one network of 1 ms, given by its accuracy per seed."""
    cells, networks, latencies = [], [], []
    for arm, by_seed in accuracies.items():
        for seed, accuracy in enumerate(by_seed):
            name = f"{arm}{seed}"
            cells.append(cell(arm, seed, {1.0: name, 2.0: name}))
            networks.append(trained(name, seed, accuracy))
            latencies.append(timed(name, 1.0))
    networks += given.pop("networks", [])
    latencies += given.pop("latencies", [])
    return study(root, cells=cells, networks=networks, latencies=latencies, **given)


def cell(arm, seed, networks, cpu_s=(10.0, 5.0, 2.0), **others):
    """A row; `networks` by budget."""
    phases = zip(PHASES, cpu_s, strict=True)
    members = [
        {
            "budget_ms": budget,
            "architecture": key,
            "predicted_ms": 1.5,
            "choices": [0],
            "swaps": 1,
            "fits": True,
        }
        for budget, key in networks.items()
    ]
    return {
        "key": f"{arm}-{seed}",
        "arm": arm,
        "seed": seed,
        "distinct_argmax": 7,
        "members": members,
        **{f"cpu_s_{phase}": s for phase, s in phases},
        **others,
    }


def trained(architecture, seed, accuracy, **others):
    return {
        "architecture": architecture,
        "seed": seed,
        "test_accuracy": accuracy,
        "macs": 2_000_000,
        "parameters": 30_000,
        **others,
    }


def timed(architecture, ms):
    target = {
        "device": "a machine",
        "runtime": "onnxruntime",
        "runtime_version": "1",
        "precision": "fp32",
        "threads": 1,
    }
    return {
        "architecture": architecture,
        "median_ms": ms,
        "lo_ms": 0.99 * ms,
        "hi_ms": 1.01 * ms,
        "target": target,
        "verdict": "clean-unverified",
    }

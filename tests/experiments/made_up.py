"""A protocol of two arms and their control, and rows of it."""

from experiments.settings import Settings


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


def cell(arm, seed, networks, cpu_s=(10.0, 5.0, 2.0)):
    """A row; `networks` by budget."""
    phases = zip(("warm_up", "joint", "extract"), cpu_s, strict=True)
    members = [
        {"budget_ms": budget, "architecture": key, "choices": [0], "swaps": 1, "fits": True}
        for budget, key in networks.items()
    ]
    return {
        "key": f"{arm}-{seed}",
        "arm": arm,
        "seed": seed,
        "distinct_argmax": 7,
        "members": members,
        **{f"cpu_s_{phase}": s for phase, s in phases},
    }


def trained(architecture, seed, accuracy):
    return {"architecture": architecture, "seed": seed, "test_accuracy": accuracy}


def timed(architecture, ms):
    return {"architecture": architecture, "median_ms": ms, "target": {"device": "a machine"}}

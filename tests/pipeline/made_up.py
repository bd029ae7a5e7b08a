"""What stands for a target, a data set and a space where any would do."""

import numpy as np

from edge.record import Target
from models.darts import darts
from models.mbconv import mbconv
from models.nb201 import nb201
from models.network import Layer
from pipeline import targets as checked_targets
from pipeline.dataset import Dataset
from pipeline.members import TrainedMember
from pipeline.params import Params

TARGET = Target(
    device="d",
    runtime="onnxruntime",
    runtime_version="1",
    provider="p",
    precision="fp32",
    threads=1,
)


def in_a_row(blocks):
    """Layers of which each reads the one before it."""
    return tuple(Layer(block, (n - 1,)) for n, block in enumerate(blocks))


def checked(monkeypatch, root, *targets, devices=None):
    """As after `check`: `targets` are written below `root`, those here are of this machine.

    Returns the parameters that ask for them; `devices` are their names, all local by default.
    """
    fields = {"runtime", "precision", "threads"}
    asked = [
        {"device": device, **target.model_dump(include=fields)}
        for target, device in zip(targets, devices or ["local"] * len(targets), strict=True)
    ]
    params = Params.model_validate({"targets": asked})
    checked_targets.write(targets, params, root)

    def make(runtime, threads, precision):
        wanted = (runtime, threads, precision)
        return next(t for t in targets if (t.runtime, t.threads, t.precision) == wanted)

    monkeypatch.setattr(checked_targets, "make_target", make)
    return params


def noise(classes=("a", "b", "c")):
    """20 grey images of 8x8 to train on (8 for weights, 6 and 6), 30 to test; there is nothing
    to learn from them."""
    rng = np.random.default_rng(0)
    return Dataset(
        train_x=rng.integers(0, 256, (20, 8, 8, 1), dtype=np.uint8),
        train_y=rng.integers(0, 3, 20),
        test_x=rng.integers(0, 256, (30, 8, 8, 1), dtype=np.uint8),
        test_y=rng.integers(0, 3, 30),
        classes=classes,
        weights=np.arange(8),
        architecture=np.arange(8, 14),
        holdout=np.arange(14, 20),
    )


def trained_member(name, architecture, **changes):
    """As `retrain` leaves it; the weights are for the test to make."""
    fields = {
        "origin": {"kappa": 0.3},
        "budget_ms": None,
        "holdout_accuracy": 0.91,
        "test_accuracy": 0.9,
        "macs": 1000,
        "parameters": 100,
        "weights": f"weights/{name}.pt",
        "cpu_s": 12.5,
    }
    return TrainedMember(name=name, architecture=architecture.to_dict(), **fields | changes)


def small_space(*operations, **changes):
    """Two decisions between blocks of four channels, for images of `noise`; but for `changes`."""
    return mbconv(
        **{
            "input_shape": (1, 8, 8),
            "classes": 3,
            "operations": operations,
            "stem_width": 4,
            "stem_stride": 2,
            "widths": [4],
            "depths": [2],
            "head_width": 8,
            "act": "relu",
            **changes,
        }
    )


class Silent:
    """Stands for DVCLive: keeps nothing, but takes finite numbers only."""

    step = 0

    def log_metric(self, name, value):
        assert np.isfinite(value), name

    def sync(self):
        pass


def small_benchmark(*operations, **changes):
    """A cell of NAS-Bench-201 in each of two stages; but for `changes`."""
    return nb201(
        **{
            "input_shape": (1, 8, 8),
            "classes": 3,
            "operations": operations,
            "stem_stride": 1,
            "widths": [2, 4],
            "cells": 1,
            "act": "relu",
            **changes,
        }
    )


def small_cells(*operations, **changes):
    """Three cells of DARTS with two nodes each; but for `changes`."""
    return darts(
        **{
            "input_shape": (1, 8, 8),
            "classes": 3,
            "operations": operations,
            "stem_width": 4,
            "stem_stride": 1,
            "width": 2,
            "cells": 3,
            "nodes": 2,
            "act": "relu",
            **changes,
        }
    )

"""A made-up run whose numbers are easy to work out by hand, and a reader of pages."""

from __future__ import annotations

import base64
import csv
import io
from html.parser import HTMLParser

from edge.family import Artifact, Latency, Manifest, Member
from edge.manifest import Provenance
from edge.record import Conditions, Target
from edge.spec import Architecture, BlockSpec, Row
from pipeline.heldout import HeldOut
from pipeline.report.sources import Run

ORT = Target(
    device="board",
    runtime="onnxruntime",
    runtime_version="1.0",
    provider="CPU",
    precision="fp32",
    threads=1,
)
LITERT = ORT.model_copy(update={"runtime": "litert", "runtime_version": "2.0"})
SUFFIX = {"onnxruntime": "onnx", "litert": "tflite"}
OPERATIONS = ("skip", "sep_k3", "conv_k3")


def architecture(*operations):
    """Two stages of two decisions each, with a transition between them."""
    places = [(4, 8, "stage1.1"), (4, 8, "stage1.2"), (8, 4, "stage2.1"), (8, 4, "stage2.2")]
    rows = [
        Row(place, BlockSpec(op, channels, channels, size, size), searched=True)
        for (channels, size, place), op in zip(places, operations, strict=True)
    ]
    down = Row("down2", BlockSpec("conv_k3", 4, 8, 8, 8, stride=2))
    return Architecture("mbconv", (1, 16, 16), 10, (*rows[:2], down, *rows[2:]))


def latency(target, median_ms, p95_ms, predicted_ms=None, **changes):
    """The interval of the median is ± 10 %."""
    return Latency(
        **{
            "target": target,
            "median_ms": median_ms,
            "lo_ms": 0.9 * median_ms,
            "hi_ms": 1.1 * median_ms,
            "p95_ms": p95_ms,
            "n": 1000,
            "verdict": "clean",
            "measured_at": "2026-01-02T03:04:05+00:00",
            "predicted_ms": predicted_ms,
            "predicted_lo_ms": predicted_ms and 0.95 * predicted_ms,
            "predicted_hi_ms": predicted_ms and 1.05 * predicted_ms,
            "peak_memory_bytes": 2_500_000,
        }
        | changes
    )


def member(name, operations, holdout, test, latencies, budget=(None, None)):
    artifacts = [
        Artifact(
            path=f"m{i}.{SUFFIX[m.target.runtime]}",
            sha256="0" * 64,
            size_bytes=123_400,
            format=SUFFIX[m.target.runtime],
            precision="fp32",
        )
        for i, m in enumerate(latencies)
    ]
    return Member(
        name=name,
        architecture=architecture(*operations).to_dict(),
        holdout_accuracy=holdout,
        test_accuracy=test,
        macs=1_230_000,
        parameters=45_678,
        artifacts=artifacts,
        latencies=latencies,
        budget_ms=budget[0],
        budget_met=budget[1],
    )


FAST = member(
    "fast", ["skip", "skip", "skip", "sep_k3"], 0.80, 0.79, [latency(ORT, 1, 1.5, 1.1)], (1.6, True)
)
SLOW = member("slow", ["conv_k3"] * 4, 0.90, 0.88, [latency(ORT, 4, None, 3.6)], (4.5, False))
BEATEN = member("beaten", ["sep_k3"] * 4, 0.79, 0.81, [latency(ORT, 2, 2.2, 2.0)])


def manifest(*members, **changes):
    return Manifest(
        **{
            "created": "2026-01-02T03:04:06+00:00",
            "dataset": "shapes",
            "classes": ("circle", "square"),
            "input_shape": (1, 16, 16),
            "mean": (0.5,),
            "std": (0.5,),
            "members": members,
            "provenance": Provenance(commit="abc123"),
        }
        | changes
    )


def bare(*members, **changes):
    """A run that left nothing but its family."""
    family = manifest(*members)
    return Run(
        **{
            "manifest": family,
            "targets": family.targets,
            "operations": OPERATIONS,
            "percentile": 95,
        }
        | changes
    )


def full(*members, **changes):
    """A run with everything."""
    candidates = [
        {"arm": arm, "how": how, "median_us": us, "cross_entropy": ce, "operations": "skip skip"}
        for arm, how, us, ce in (
            ("search", "argmax", "1000.0", "0.50"),
            ("search", "argmax", "2000.0", "0.40"),
            ("control", "uniform", "1100.0", "0.60"),
            ("control", "uniform", "2100.0", ""),
        )
    ]
    steering = [
        {
            "operation": op,
            "penalty": str(penalty),
            "argmax_share": str(share),
            "mean_probability": str(share),
        }
        for op, shares in (("skip", (0.75, 0.25)), ("sep_k3", (0.25, 0.0)), ("conv_k3", (0, 0)))
        for penalty, share in zip((0.333, 1.0), shares, strict=True)
    ]
    steps = range(10, 110, 10)
    return bare(
        *(members or (FAST, SLOW, BEATEN)),
        **{
            "metrics": {
                "data": {"test_images": 1000},
                "profile": {"wall_s": 110.0, "export_s": 30.0},
                "extract": {
                    "control_bins": 8,
                    "control_difference": -0.02,
                    "control_half_width": 0.01,
                    "control_win_share": 0.75,
                },
                "retrain": {"wall_s": 3600.0, "cpu_s": 7200.0},
            },
            "heldout": [
                HeldOut("a", 1.0, 0.9, 1.1, 1.05, 0.8),
                HeldOut("b", 2.0, 1.9, 2.1, 2.5, 2),
            ],
            "candidates": candidates,
            "bins": [
                {
                    "low_us": "900",
                    "high_us": "1200",
                    "search_cross_entropy": "0.5",
                    "control_cross_entropy": "0.6",
                }
            ],
            "steering": steering,
            "curves": {
                "entropy": {step: 1.0 if step <= 20 else 0.25 for step in steps},
                "kappa": {step: 0.1 if step % 20 else 1.0 for step in steps},
                "expected_latency_ms": {step: 4.0 if step % 20 else 2.0 for step in steps},
                "warmup_loss": {5: 1.0},
            },
            "conditions": [
                Conditions(wall_time="2026-01-02T03:04:05+00:00", os="Linux", other_cpu_load=0.25)
            ],
        }
        | changes,
    )


class Page(HTMLParser):
    """What tests look for in a page: text by element, cells of tables, downloads, outside links."""

    def __init__(self, html):
        super().__init__()
        self.html, self.stack = html, []
        self.texts, self.rows, self.labels = [], [], []
        self.downloads, self.outside, self.ids = {}, [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in ("meta", "link", "wbr"):
            self.stack.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if "download" in found:
            content = base64.b64decode(found["href"].partition("base64,")[2]).decode()
            self.downloads[found["download"]] = list(csv.DictReader(io.StringIO(content)))
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "svg":
            self.labels.append(found["aria-label"])
        links = (found.get(name) or "" for name in ("href", "src", "srcset", "action", "data"))
        self.outside += [link for link in links if link and not link.startswith(("#", "data:"))]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in ("meta", "link", "wbr"):
            self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if "style" in self.stack or not data.strip():
            return
        self.texts.append((self.stack[-1], data))
        if self.rows and ("td" in self.stack or "th" in self.stack):
            self.rows[-1][-1] += data

    def text(self, tag=None):
        """All text, or that directly inside elements `tag`, with single spaces."""
        return " ".join(" ".join(t for where, t in self.texts if tag in (None, where)).split())

    def row(self, first):
        """The table row whose first cell is `first`; the first such."""
        return next(row for row in self.rows if row and row[0] == first)

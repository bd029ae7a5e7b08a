"""The card of a made-up member, whose numbers are easy to work out by hand."""

import numpy as np
import pytest

from edge.manifest import Provenance
from edge.record import Conditions, Measurement, Subject
from pipeline.card import MOST_CLASSES, card, card_path, confusion_path
from tests.pipeline.report.made_up import FAST, LITERT, ORT, latency, manifest

CONDITIONS = Conditions(
    wall_time="2026-01-02T03:04:05+00:00",
    os="Board OS 12",
    governor="performance",
    clock_mhz_before=1500,
    clock_mhz_after=1480,
    throttled=False,
    other_cpu_load=0.125,
)
ORIGIN = {
    "how": "argmax",
    "swaps": 0,
    "kappa": 0.0354,
    "simplex": {"skip": 0.25, "conv_k3": 0.75},
}
PROVENANCE = Provenance(commit="abc123", params_sha256="1" * 64, edgefacet="9.9")


def record(target=ORT, **changes):
    fields = {
        "subject": Subject(kind="network", name="fast", sha256="0" * 64),
        "target": target,
        "conditions": CONDITIONS,
        "warmup_ns": (),
        "samples_ns": ((1_000_000,),),
        "verdict": "suspect",
        "reasons": ("clock drop of 1.3 %",),
    }
    return Measurement.model_validate({**fields, **changes})


def page(member=FAST, records=(), counts=None, **changes):
    return card(manifest(member, **changes), member, records, counts)


def rows(text, first):
    """The cells of the table rows that begin with `first`."""
    lines = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_person_reads_first_what_it_is_for():
    text = page()
    assert text.startswith(
        "# fast\n\nA member of a family of 1 network, for 2 classes of images of shapes. "
        "It was made for 1.6 ms, which it keeps. 1.23 million MACs, 45.7 thousand parameters.\n"
    )
    missed = FAST.model_copy(update={"budget_met": False})
    assert "made for 1.6 ms, which it does not keep." in page(missed)
    assert "It was made for" not in page(FAST.model_copy(update={"budget_ms": None}))


def test_preprocessing_labels_and_licence_are_told():
    text = page(licence="MIT", mean=(0.28632739,), std=(0.35,))
    assert "one grey image of 16 x 16 pixels" in text
    assert "with mean 0.286327 and std 0.35." in text
    assert "in this order: circle, square." in text
    assert "- Licence: MIT." in text
    assert "- Licence: not stated." in page()


def test_every_file_has_its_accuracy_and_its_status():
    (fp32,) = FAST.artifacts
    int8 = {"path": "m.int8.onnx", "precision": "int8", "size_bytes": 41_000, "status": "rejected"}
    figures = {"holdout_accuracy": 0.78125, "test_accuracy": 0.77, "max_relative_error": 0.0123}
    text = page(
        FAST.model_copy(update={"artifacts": (fp32, fp32.model_copy(update={**int8, **figures}))})
    )
    assert rows(text, "as trained") == [["as trained", "–", "–", "80.00 %", "79.00 %", "–", "–"]]
    assert rows(text, "m0.onnx") == [["m0.onnx", "fp32", "123", "–", "–", "–", "ok"]]
    assert rows(text, "m.int8.onnx") == [
        ["m.int8.onnx", "int8", "41.0", "78.12 %", "77.00 %", "1.2e-02", "rejected"]
    ]


def test_few_classes_are_a_table_of_confusions():
    text = page(counts=np.array([[70, 30], [5, 95]]))
    assert rows(text, "images of") == [["images of", "circle", "square"]]
    assert rows(text, "circle") == [["circle", "70", "30"]]
    assert rows(text, "square") == [["square", "5", "95"]]
    assert "Confusions" not in page()


def test_of_many_classes_the_worst_confusions_are_listed():
    count = MOST_CLASSES + 1
    counts = 100 * np.eye(count, dtype=np.int64)
    counts[3, 7], counts[20, 0] = 8, 9
    text = page(counts=counts, classes=tuple(f"c{n}" for n in range(count)))
    assert "The 2 most frequent confusions." in text
    assert rows(text, "c20") == [["c20", "c0", "9"]]
    assert rows(text, "c3") == [["c3", "c7", "8"]]
    assert text.index("| c20 |") < text.index("| c3 |")


def test_a_latency_has_its_target_interval_memory_and_prediction():
    of = (latency(ORT, 1, 1.5, 1.1, n=700), latency(LITERT, 2, None, peak_memory_bytes=None))
    text = page(FAST.model_copy(update={"latencies": of}))
    assert rows(text, str(ORT)) == [
        [
            *(str(ORT), "1.00", "0.900 to 1.10", "–", "1.50", "–", "700", "2.50"),
            "1.10 (1.04 to 1.16)",  # ± 5 %: 1.045 and 1.155
        ]
    ]
    assert rows(text, str(LITERT))[0][-3:] == ["1000", "–", "–"]
    assert "Not measured." in page(FAST.model_copy(update={"latencies": ()}))


def test_the_conditions_of_a_measurement_stand_beside_its_verdict():
    text = page(records=[record(), record(LITERT, verdict="clean", reasons=())])
    assert (
        "- onnxruntime fp32: **suspect** (clock drop of 1.3 %). measured "
        "2026-01-02T03:04:05+00:00, system Board OS 12, kernel unknown, governor performance, "
        "clock 1500 to 1480 MHz, temperature unknown, throttled no, load of others 12 %"
    ) in text
    assert "- litert fp32: **clean**. measured" in text
    assert "### Conditions" not in page()
    other = ORT.model_copy(update={"device": "board *2*"})
    text = page(records=[record(), record(other), record(LITERT)])
    assert "- onnxruntime fp32, board: **suspect**" in text
    assert "- onnxruntime fp32, board \\*2\\*: **suspect**" in text
    assert "- litert fp32: **suspect**" in text


def test_the_blocks_are_rows():
    assert rows(page(), "down2") == [["down2", "`conv_k3:4x8x8-8:s2:relu`", "fixed"]]
    assert rows(page(), "stage2.2") == [["stage2.2", "`sep_k3:8x4x4-8:s1:relu`", "searched"]]


def test_its_origin_is_the_point_the_price_and_what_it_was_made_of():
    text = page(FAST.model_copy(update={"origin": ORIGIN}), provenance=PROVENANCE)
    assert text.partition("## Where it comes from\n\n")[2].splitlines() == [
        "- Point S of the simplex, what is penalised: skip 0.25, conv_k3 0.75.",
        "- Price κ of latency: 0.0354.",
        "- how: argmax.",
        "- swaps: 0.",
        "- Commit: abc123.",
        f"- sha256 of params.yaml: {'1' * 64}.",
        "- sha256 of data/dataset.npz: unknown.",
        "- EdgeFacet: 9.9.",
    ]


@pytest.mark.parametrize("name", ["<b>| x", "[a](b)"])
def test_a_name_breaks_neither_heading_nor_table(name):
    text = page(FAST.model_copy(update={"name": name}), classes=(name, "b"), counts=np.eye(2))
    assert f"\n| {name} |" not in text
    assert "\\<b>\\| x" in text or "\\[a\\](b)" in text


def test_paths_stay_inside_the_family():
    assert (card_path("a"), confusion_path("a")) == ("cards/a.md", "cards/a.confusion.csv")

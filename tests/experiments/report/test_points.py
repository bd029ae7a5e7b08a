from experiments.report.page import page
from experiments.report.points import SOURCE, points
from experiments.source import POINTS


def row(point, accuracy=0.91, parameters=4_000, **counts):
    return {
        "point": point,
        "penalised": POINTS[point],
        "counts": {"conv": 5, "pool": 5, "identity": 5, **counts},
        "parameters": parameters,
        "test_accuracy": accuracy,
        "median_ms": 0.0251,
        "target": "a board",
        "verdict": "clean",
    }


def shown(*rows, protocol="key"):
    return points([{**one, "protocol": "key"} for one in rows], protocol)


def test_rows_of_another_protocol_are_said_to_be_that():
    rows = [row(name) for name in POINTS]
    assert "committed before its result" in shown(*rows)
    assert "older than" not in shown(*rows)
    for text in (shown(*rows, protocol="another"), points(rows, "key")):
        assert "**The settings are older than [run.yaml]" in text
        assert "committed before its result" not in text


def test_points_stand_beside_what_was_published():
    text = shown(row("uniform"), row("few-conv", conv=0), row("few-pool"), row("few-skip"))
    assert "| all alike | 5 | 5 | 5 | 4.0 | 91.0 | 0.025 | 38 | 82.5 | holds |" in text
    assert "| conv | 0 | 5 | 5 | 4.0 | 91.0 | 0.025 | 5 | 79.2 | holds |" in text
    assert "holds at 4 of\n4 points" in text
    assert "rarer than at equal penalties at 1 of\n3 points" in text
    assert "Latency: a board; 0 of 4\nmeasurements are suspect" in text


def test_a_point_without_a_network_of_its_own_misses_the_bar():
    text = shown(row("uniform"), {"point": "few-skip", "penalised": "identity"})
    assert "| identity | as above |" in text
    assert "| 12 | 81.4 | missed |" in text
    assert "holds at 1 of\n2 points" in text
    assert "at 0 of\n1 points" in text


def test_the_bar_is_five_points_with_no_more_parameters():
    (theirs,) = [one for name, one in SOURCE.items() if name == "few-conv"]
    just = {"accuracy": 0.842, "parameters": int(1e3 * theirs.parameters_k)}
    at_uniform = row("uniform", accuracy=0)
    for of, verdict in (
        ({**just}, "holds"),
        ({**just, "accuracy": 0.8419}, "missed"),
        ({**just, "parameters": just["parameters"] + 1}, "missed"),
    ):
        (line,) = [x for x in shown(at_uniform, row("few-conv", **of)).splitlines() if "79.2" in x]
        assert line.endswith(f"| {verdict} |")


def test_the_page_has_the_section_with_and_without_other_rows():
    text = page([], at_points=shown(*map(row, POINTS)))
    assert "## The source's experiment" in text
    assert "No cell is finished yet" not in text
    assert "## The source's experiment" not in page([])

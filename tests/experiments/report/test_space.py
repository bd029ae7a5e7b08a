from experiments.report.space import rank, room
from pipeline.training import essentials
from tests.experiments.made_up import study


def trainings(one, bands):
    """Two seeds of every network, of the space and the recipe of a study; accuracy by name."""
    return [
        {
            "data": "fashion-mnist",
            "space": one.params.space.model_dump(mode="json"),
            "recipe": {**essentials(one.params.retrain), "seed": seed},
            "latency_ms": latency_ms,
            "predicted_ms": latency_ms,
            "architecture": name,
            "seed": seed,
            "test_accuracy": accuracy,
            "test_images": 10_000,
        }
        for latency_ms, networks in bands.items()
        for name, accuracy in networks.items()
        for seed in (0, 1)
    ]


def judged(name, band, loss, macs):
    return {
        "architecture": name,
        "latency_ms": band,
        "predicted_ms": band,
        "macs": macs,
        "parameters": 1,
        "cross_entropy": loss,
        "quick_cross_entropy": loss,
        "accuracy": 1 - loss,
    }


BANDS = {0.1: {"a": 0.80, "b": 0.85}, 0.2: {"c": 0.90, "d": 0.90}}


def test_the_room_says_at_how_many_latencies_there_is_enough(task):
    one = study(task.root)
    text = room(study(task.root, room=trainings(one, BANDS)))
    assert "| 100 | 2 | 82.50 | 80.00 | 85.00 | 3.54 | 0.38 | 9.3 |" in text
    assert "Room of 2 times the noise or more at 1 of 2 latencies." in text
    assert room(one) == ""


def test_the_rank_is_told_with_its_bar(task):
    one = study(task.root)
    rows = [judged("a", 0.1, 0.4, 2), judged("b", 0.1, 0.3, 1), judged("c", 0.2, 0.2, 3)]
    text = rank(study(task.root, room=trainings(one, BANDS), rank=rows))
    assert "over 3 networks" in text
    assert "| shared weights, cross-entropy | +1.00 | +1.00 |" in text
    assert "| MACs | +0.33 | -1.00 |" in text
    assert "Bar: met: 1.00 overall (bar 0.6)" in text
    assert "| one training against another | +1.00 | +1.00 |" in text
    assert "so that they may exceed it" in text
    wrong = [judged("a", 0.1, 0.3, 2), judged("b", 0.1, 0.4, 1)]
    assert "Bar: MISSED" in rank(study(task.root, room=trainings(one, BANDS), rank=wrong))


def test_a_room_of_another_recipe_says_nothing_about_the_rank(task):
    one = study(task.root)
    rows = trainings(one, BANDS)
    others = [{**row, "recipe": {**row["recipe"], "epochs": 99}} for row in rows]
    scored = [judged("a", 0.1, 0.4, 2), judged("b", 0.1, 0.3, 1)]
    assert rank(study(task.root, room=others, rank=scored)) == ""
    assert study(task.root, room=[*rows, *others]).own_room == rows
    elsewhere = [{**row, "data": "photos32"} for row in rows]
    silent = [{key: of for key, of in row.items() if key != "recipe"} for row in rows]
    assert study(task.root, room=[*rows, *elsewhere, *silent]).own_room == rows

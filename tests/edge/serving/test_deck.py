from __future__ import annotations

import pytest

from edge.serving.controller import Rung
from edge.serving.deck import Deck

RUNGS = [Rung(name, 0.9, 1.0, 1.1) for name in "abcde"]


class Later:
    """A background whose work is done when the test says so."""

    def __init__(self):
        self.waiting = []

    def __call__(self, work):
        self.waiting.append(work)

    def run(self):
        while self.waiting:
            self.waiting.pop(0)()


class Loader:
    def __init__(self, *broken):
        self.broken = broken
        self.loaded = []

    def __call__(self, rung):
        if rung.name in self.broken:
            raise ValueError("it is torn")
        self.loaded.append(rung.name)
        return rung.name.upper()


@pytest.fixture
def later():
    return Later()


def test_the_wanted_member_and_the_next_faster_one_are_loaded(later):
    deck = Deck(RUNGS, load := Loader(), later, 3)
    assert deck.active == (3, "D")
    deck.want(3)
    later.run()
    assert load.loaded == ["d", "c"]


def test_the_fastest_has_no_faster_one(later):
    deck = Deck(RUNGS, load := Loader(), later, 0)
    deck.want(0)
    later.run()
    assert load.loaded == ["a"]


def test_a_step_down_is_at_once(later):
    deck = Deck(RUNGS, Loader(), later, 3)
    deck.want(3)
    later.run()
    deck.want(2)
    assert deck.active == (2, "C")


def test_until_a_member_is_loaded_the_next_one_runs(later):
    deck = Deck(RUNGS, Loader(), later, 4)
    deck.want(4)
    later.run()
    deck.want(0)  # d is loaded, and nearer to it than e
    assert deck.active == (3, "D")
    later.run()
    assert deck.active == (0, "A")


def test_a_faster_member_runs_rather_than_a_slower_one(later):
    deck = Deck(RUNGS, Loader(), later, 1)
    deck.want(1)
    later.run()
    deck.want(4)
    assert deck.active == (1, "B")


def test_nothing_is_loaded_twice(later):
    deck = Deck(RUNGS, load := Loader(), later, 3)
    deck.want(3)
    deck.want(3)
    later.run()
    deck.want(3)
    later.run()
    assert load.loaded == ["d", "c"]


def test_three_stay_loaded_and_the_one_that_ran_last_is_among_them(later):
    deck = Deck(RUNGS, load := Loader(), later, 4)
    for rung in (4, 3, 2, 3):
        deck.want(rung)
        later.run()
    assert load.loaded == ["e", "d", "c", "b"]
    deck.want(4)  # it was let go of when b came
    later.run()
    assert load.loaded == ["e", "d", "c", "b", "e"]


def test_a_member_that_will_not_load_is_reported_and_not_tried_again(later):
    deck = Deck(RUNGS, load := Loader("c"), later, 3)
    deck.want(2)
    later.run()
    assert deck.problems == ("c: it is torn",)
    assert deck.active == (1, "B")  # faster than what was wanted
    deck.want(2)
    later.run()
    assert load.loaded == ["d", "b"]


def test_what_the_first_member_raises_is_raised(later):
    with pytest.raises(ValueError, match="torn"):
        Deck(RUNGS, Loader("d"), later, 3)


def test_cleared_it_still_runs(later):
    deck = Deck(RUNGS, Loader(), later, 3)
    deck.want(3)
    later.run()
    deck.clear()
    assert deck.active == (3, "D")

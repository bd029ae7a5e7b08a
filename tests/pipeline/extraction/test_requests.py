"""What members were asked for, and what is said of those that there are not."""

from dataclasses import replace

import pytest

from pipeline.extraction.requests import Request, fastest_ms, kept, remarks
from tests.pipeline.extraction.made_up import candidate

SEARCHED = (0.01, 1.0)
FAST, SLOW = candidate("fast", 1.0), candidate("slow", 4.0)  # bounds of 1.2 and 4.8 ms


def said(*requests):
    return list(remarks(requests, SEARCHED))


def test_a_network_is_a_member_once_and_what_else_asks_for_it_is_told():
    requests = [Request("within-2ms", FAST, 2.0), Request("within-3ms", FAST, 3.0)]
    assert kept(requests) == requests[:1]
    assert said(*requests) == ["within-3ms is the network of within-2ms, and no member of its own"]


def test_choices_that_make_one_network_make_one_member():
    """Cells of NAS-Bench-201 that are the same but for the order of their nodes, for example."""
    requests = [
        Request("within-2ms", FAST),
        Request("few-large", replace(FAST, choices=("other",)), kappa=0.5),
    ]
    assert kept(requests) == requests[:1]
    assert said(*requests) == ["few-large is the network of within-2ms, and no member of its own"]


@pytest.mark.parametrize("name", ["within-1ms", "few-large"])
def test_what_misses_its_budget_is_no_member_and_names_what_it_needs(name):
    requests = [Request(name, FAST, 1.0), Request("other", SLOW, kappa=0.1)]
    assert kept(requests) == requests[1:]
    assert said(*requests) == [
        f"{name}: the budget of 1 ms cannot be met: the fastest network needs 1.2 ms (upper bound)"
    ]
    assert fastest_ms(requests) == pytest.approx(1.2)


def test_a_network_that_missed_one_budget_is_a_member_by_another():
    requests = [Request("within-1ms", FAST, 1.0), Request("within-2ms", FAST, 2.0)]
    assert kept(requests) == requests[1:]
    assert len(said(*requests)) == 1


@pytest.mark.parametrize("kappa", [0.009, 1.1])
def test_a_price_that_nobody_searched_at_is_told(kappa):
    (line,) = said(Request("few-large", SLOW, kappa=kappa))
    assert line.startswith(
        f"few-large: the price {kappa} is outside of the searched ones, 0.01 to 1: "
    )


@pytest.mark.parametrize("kappa", [0.01, 0.5, 1.0000001])
def test_nothing_is_said_of_what_was_found(kappa):
    assert said(Request("few-large", SLOW, kappa=kappa), Request("within-2ms", FAST, 2.0)) == []

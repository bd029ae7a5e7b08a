from __future__ import annotations

from dataclasses import replace

import pytest

from edge.networks import Accept, accepted, to_fit
from edge.record import Measurement, Verdict, iter_networks
from tests.edge.feedback.made_up import measured, network


def records(*verdicts: Verdict) -> list[Measurement]:
    return [measured(1.0, verdict=verdict) for verdict in verdicts]


def test_held_out_networks_of_the_profile_judge_and_are_not_fitted() -> None:
    anchor, held = measured(1.0, role="anchor"), measured(2.0, role="heldout")
    networks = to_fit(list(iter_networks([anchor, held])), [])
    assert [m for _, m in networks] == [anchor]


def test_a_device_may_send_back_a_held_out_network() -> None:
    anchor, back = measured(1.0, role="anchor"), measured(2.0, "conv_k3", role="heldout")
    networks = to_fit(list(iter_networks([anchor])), list(iter_networks([back])))
    assert [m for _, m in networks] == [anchor, back]


def test_networks_around_other_fixed_layers_do_not_belong() -> None:
    session = list(iter_networks([measured(1.0, role="base")]))
    same = (network("conv_k3"), measured(2.0, "conv_k3"))
    more_classes = (replace(network("conv_k3"), classes=11), measured(3.0, "conv_k3"))
    no_stem = (replace(network(), rows=network().rows[1:]), measured(3.0))
    assert to_fit(session, [same, more_classes, no_stem]) == [same]


def test_a_base_network_is_in_the_table_and_says_nothing_of_others() -> None:
    base, anchor = measured(1.0, role="base"), measured(2.0, "conv_k3", role="anchor")
    networks = to_fit(list(iter_networks([base, anchor])), [])
    assert [m for _, m in networks] == [anchor]


@pytest.mark.parametrize(
    ("accept", "verdicts", "suspects_count"),
    [
        ("usable", ("suspect", "suspect"), False),
        ("suspect", ("clean", "clean", "clean", "suspect"), True),
        ("auto", ("clean", "clean-unverified", "suspect"), True),
        ("auto", ("clean",) * 9 + ("suspect",), True),
        ("auto", ("clean",) * 10 + ("suspect",), False),
        ("auto", ("clean", "invalid"), False),
    ],
)
def test_suspects_count_where_too_few_are_usable(
    accept: Accept, verdicts: tuple[Verdict, ...], suspects_count: bool
) -> None:
    assert ("suspect" in accepted(records(*verdicts), accept)) is suspects_count
    assert "invalid" not in accepted(records(*verdicts), accept)

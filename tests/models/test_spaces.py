import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.spec import Architecture, BlockSpec, Row
from models.mbconv import mbconv
from models.spaces import Decision, Space, SpaceError

OPERATIONS = ("skip", "sep_k3", "conv_k3")
SKIP, SEP, CONV = range(3)
DEPTHS = (3, 2)


def space(**changes):
    """Two stages of 4 and 8 channels, but for `changes`."""
    return mbconv(
        **{
            "input_shape": (1, 28, 28),
            "classes": 10,
            "operations": OPERATIONS,
            "stem_width": 4,
            "stem_stride": 2,
            "widths": [4, 8],
            "depths": DEPTHS,
            "head_width": 16,
            "act": "relu",
            **changes,
        }
    )


SPACE = space()
every_choices = st.tuples(*[st.integers(0, 2)] * sum(DEPTHS))


def as_chosen(choices):
    """The architecture with its skips where `choices` has them."""
    chosen = iter(choices)
    rows = [
        step
        if isinstance(step, Row)
        else Row(step.place, step.block(OPERATIONS[next(chosen)]), searched=True)
        for step in SPACE.steps
    ]
    return Architecture(SPACE.name, SPACE.input_shape, SPACE.classes, tuple(rows))


def test_the_space_reads_as_a_network():
    fixed = {step.place: step.block.key for step in SPACE.steps if isinstance(step, Row)}
    assert [step.place for step in SPACE.steps] == [
        *("stem", "stage1.1", "stage1.2", "stage1.3"),
        *("down2", "stage2.1", "stage2.2", "head"),
    ]
    assert fixed == {
        "stem": "conv_k3:1x28x28-4:s2:relu",
        "down2": "conv_k3:4x14x14-8:s2:relu",
        "head": "head_16:8x7x7-10:s1:relu",
    }
    assert [block.key for block in SPACE.decisions[4].candidates] == [
        "skip:8x7x7-8:s1:relu",
        "sep_k3:8x7x7-8:s1:relu",
        "conv_k3:8x7x7-8:s1:relu",
    ]


def test_a_first_stage_of_another_width_gets_a_transition_that_keeps_the_size():
    row = space(stem_width=6).steps[1]
    assert row == Row("down1", BlockSpec("conv_k3", 6, 4, 14, 14))


def test_a_stage_without_decisions_is_its_transition():
    steps = space(widths=[4, 8, 16], depths=[1, 0, 1]).steps
    assert [step.place for step in steps] == [
        *("stem", "stage1.1", "down2", "down3", "stage3.1", "head"),
    ]
    assert steps[3].block.key == "conv_k3:8x7x7-16:s2:relu"


def test_only_blocks_with_a_price_are_priced_and_each_once():
    assert [block.key for block in SPACE.blocks] == [
        "conv_k3:4x14x14-4:s1:relu",
        "conv_k3:8x7x7-8:s1:relu",
        "sep_k3:4x14x14-4:s1:relu",
        "sep_k3:8x7x7-8:s1:relu",
    ]


def test_a_decision_finds_its_candidates_by_name():
    assert SPACE.decisions[0].block("sep_k3").key == "sep_k3:4x14x14-4:s1:relu"
    with pytest.raises(SpaceError, match=r"stage1\.1 has no candidate 'conv_k9'"):
        SPACE.decisions[0].block("conv_k9")


def test_skips_go_to_the_end_of_their_stage_and_no_further():
    assert SPACE.canonical([SKIP, SEP, CONV, SKIP, SEP]) == (SEP, CONV, SKIP, SEP, SKIP)


@given(every_choices)
def test_canonical_is_idempotent_and_keeps_every_stage_to_itself(choices):
    canonical = SPACE.canonical(choices)
    assert SPACE.canonical(canonical) == canonical
    for stage in (slice(0, 3), slice(3, 5)):  # the fixed transition is between them
        kept = [choice for choice in choices[stage] if choice != SKIP]
        skips = [SKIP] * (len(choices[stage]) - len(kept))
        assert list(canonical[stage]) == kept + skips


@given(every_choices)
def test_skips_at_any_position_are_the_same_architecture_and_choices(choices):
    chosen, canonical = as_chosen(choices), SPACE.architecture(choices)
    assert chosen.key == canonical.key
    assert SPACE.choices(chosen) == SPACE.choices(canonical) == SPACE.canonical(choices)


@given(every_choices)
def test_choices_are_read_from_an_architecture_that_leaves_skips_out(choices):
    assert SPACE.choices(as_chosen(choices).canonical()) == SPACE.canonical(choices)


@given(every_choices, every_choices)
def test_equal_keys_are_equal_canonical_choices(one, other):
    same = SPACE.architecture(one).key == SPACE.architecture(other).key
    assert same == (SPACE.canonical(one) == SPACE.canonical(other))


def test_without_skip_every_choice_is_canonical():
    narrow = space(operations=["sep_k3", "conv_k3"])
    assert narrow.canonical([1, 0, 1, 0, 1]) == (1, 0, 1, 0, 1)


def of_steps(*steps):
    """One stage of four channels."""
    return Space("test", (4, 8, 8), 4, OPERATIONS, ((4,),), {(4,): steps})


def test_a_skip_moves_past_no_decision_that_offers_something_else():
    """Two decisions in a row, but the first is offered no conv: it could not take one."""
    skip, sep, conv = (BlockSpec(op, 4, 4, 8, 8) for op in OPERATIONS)
    steps = (Decision("a", (skip, sep)), Decision("b", (skip, sep, conv)))
    uneven = of_steps(*steps)
    assert uneven.canonical([SKIP, CONV]) == (SKIP, CONV)
    assert uneven.mask.tolist() == [[True, True, False], [True, True, True]]
    rng = np.random.default_rng(0)
    drawn = {uneven.random(rng) for _ in range(100)}
    assert drawn == {(first, second) for first in (SKIP, SEP) for second in (SKIP, SEP, CONV)}


def test_a_skip_moves_past_nothing_fixed_even_where_the_geometry_stays():
    decision = Decision("a", tuple(BlockSpec(op, 4, 4, 8, 8) for op in OPERATIONS))
    steps = (decision, Row("fixed", BlockSpec("conv_k1", 4, 4, 8, 8)), decision)
    assert of_steps(*steps).canonical([SKIP, SEP]) == (SKIP, SEP)
    assert of_steps(*steps[::2]).canonical([SKIP, SEP]) == (SEP, SKIP)


@pytest.mark.parametrize(
    "other",
    [space(widths=[4, 16]), space(act="relu6"), space(classes=3), space(depths=[3, 3])],
    ids=["widths", "act", "classes", "depths"],
)
def test_an_architecture_of_another_space_is_refused(other):
    architecture = other.architecture([SEP] * len(other.decisions))
    with pytest.raises(SpaceError, match=f"{architecture.key} is not one of this space"):
        SPACE.choices(architecture)


def test_an_operation_that_the_space_lacks_is_refused():
    wide = space(operations=[*OPERATIONS, "conv_k5"])
    with pytest.raises(SpaceError, match="is not one of this space"):
        SPACE.choices(wide.architecture([3] * 5))


def test_the_number_of_choices_is_checked():
    with pytest.raises(SpaceError, match="4 choices for 5 decisions"):
        SPACE.architecture([SEP] * 4)


@pytest.mark.parametrize("index", [-1, 3, 99])
@pytest.mark.parametrize("operations", [OPERATIONS, ("sep_k3", "conv_k3", "conv_k1")])
def test_a_choice_out_of_range_is_named(index, operations):
    """A negative index would count from the end, without a word."""
    message = rf"choice {index} at stage2\.1 is not one of 0 \.\. 2"
    for use in (space(operations=operations).canonical, space(operations=operations).architecture):
        with pytest.raises(SpaceError, match=message):
            use([SEP, SEP, SEP, index, SEP])


def test_random_choices_are_uniform_over_the_operations():
    """1,000 draws of 5 decisions: every operation 1,667 times, give or take 4 deviations."""
    rng = np.random.default_rng(0)
    counts = np.bincount([op for _ in range(1000) for op in SPACE.random(rng)], minlength=3)
    deviation = np.sqrt(5000 * (1 / 3) * (2 / 3))
    assert (abs(counts - 5000 / 3) < 4 * deviation).all()


def test_the_same_generator_draws_the_same_choices():
    draws = [SPACE.random(np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert draws[0] == draws[1] != draws[2]


# Two options for the first stage, one for the second, three for the third.
ELASTIC = space(stem_width=None, widths=[(2, 4), 8, (8, 12, 16)], depths=(1, 2, 1))


def test_an_elastic_width_is_a_decision_behind_those_about_operations():
    assert ELASTIC.elastic == (0, 2)
    assert len(ELASTIC.variants) == 6
    assert ELASTIC.mask.tolist() == [[True, True, True]] * 4 + [[True, True, False], [True] * 3]
    assert ELASTIC.names((SKIP, SEP, CONV, SEP, 1, 0)) == [
        *("skip", "sep_k3", "conv_k3", "sep_k3"),
        *("width_4", "width_8"),
    ]


def test_the_widths_are_those_of_the_blocks():
    rows = ELASTIC.architecture((SEP, SEP, SEP, CONV, 0, 1)).rows
    assert [row.block.key for row in rows] == [
        "conv_k3:1x28x28-2:s2:relu",  # the stem is as wide as the first stage
        "sep_k3:2x14x14-2:s1:relu",
        "conv_k3:2x14x14-8:s2:relu",
        "sep_k3:8x7x7-8:s1:relu",
        "sep_k3:8x7x7-8:s1:relu",
        "conv_k3:8x7x7-12:s2:relu",
        "conv_k3:12x4x4-12:s1:relu",
        "head_16:12x4x4-10:s1:relu",
    ]


def test_every_width_of_every_block_has_a_price():
    # sep_k3 and conv_k3 at two, one and three widths
    assert len(ELASTIC.blocks) == 2 * (2 + 1 + 3)
    narrow, wide = ELASTIC.at_every_width(0)
    assert (narrow.candidates[1].in_channels, wide.candidates[1].in_channels) == (2, 4)
    assert [d.candidates[0].in_channels for d in ELASTIC.at_every_width(3)] == [8, 12, 16]
    assert len(ELASTIC.at_every_width(1)) == 1


@given(st.tuples(*[st.integers(0, 2)] * 4, st.integers(0, 1), st.integers(0, 2)))
def test_choices_of_elastic_widths_are_read_back(choices):
    architecture = ELASTIC.architecture(choices)
    assert ELASTIC.choices(architecture) == ELASTIC.canonical(choices)
    assert ELASTIC.choices(architecture.canonical()) == ELASTIC.canonical(choices)


def test_random_networks_have_all_widths():
    draws = np.random.default_rng(0)
    seen = {ELASTIC.widths_of(ELASTIC.random(draws)) for _ in range(100)}
    assert seen == set(ELASTIC.variants)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ((0, 0, 0, 0), "4 choices for 6 decisions"),
        ((0, 0, 0, 0, 2, 0), r"choice 2 at the width of stage 1 is not one of 0 \.\. 1"),
        ((0, 0, 0, 3, 0, 0), r"choice 3 at stage3\.1 is not one of 0 \.\. 2"),
    ],
)
def test_choices_that_are_none_are_refused(choices, message):
    with pytest.raises(SpaceError, match=message):
        ELASTIC.architecture(choices)


def test_networks_of_other_widths_have_other_fixed_layers():
    trunks = {ELASTIC.architecture((0, 0, 0, 0, a, b)).trunk for a in (0, 1) for b in (0, 1, 2)}
    assert len(trunks) == 6
    assert ELASTIC.architecture((SEP, CONV, SEP, SEP, 1, 2)).trunk in trunks


def test_a_path_is_drawn_by_shares():
    """A coin at the first place, certain at the second: skips go last."""
    small, draws = (
        space(widths=[4], depths=[2], operations=("skip", "conv_k3")),
        np.random.default_rng(0),
    )
    drawn = [small.drawn(np.array([[0.5, 0.5], [0.0, 1.0]]), draws) for _ in range(40)]
    assert set(drawn) == {(1, 0), (1, 1)}
    assert 10 < drawn.count((1, 0)) < 30

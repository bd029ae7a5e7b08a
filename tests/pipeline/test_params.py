import json
import re
from pathlib import Path

import pytest
import yaml

from pipeline.params import Params, ParamsError, load
from pipeline.problems import PATTERNS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def problems(tmp_path):
    """The lines of the message for a params file, without the first."""

    def of(text):
        path = tmp_path / "params.yaml"
        path.write_text(text)
        with pytest.raises(ParamsError) as caught:
            load(path)
        return [line.strip() for line in str(caught.value).splitlines()[1:]]

    return of


def test_the_defaults_are_the_default_preset():
    preset = load(ROOT / "params.yaml")
    own = {"licence": "MIT"}  # that of other people's model files cannot be known
    assert preset == Params(extract=preset.extract, export=own)  # a point would name an operation
    assert Params().export.licence is None


def test_an_own_file_holds_only_what_differs(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("retrain: {epochs: 30}")
    params = load(path)
    assert (params.retrain.epochs, params.retrain.batch_size) == (30, 128)


def test_an_empty_file_is_the_defaults(tmp_path):
    path = tmp_path / "params.yaml"
    path.touch()
    assert load(path) == Params()


def test_a_key_that_is_written_twice_is_refused_with_its_lines(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("retrain: {epochs: 30}\nsearch: {seed: 1}\nretrain:\n  shift: 1\n")
    with pytest.raises(ParamsError, match=r"params\.yaml: retrain is written twice, in lines 1 "):
        load(path)
    path.write_text("retrain: {epochs: 30,\n  shift: 1, epochs: 40}\n")
    with pytest.raises(ParamsError, match="epochs is written twice, in lines 1 and 2: put what"):
        load(path)


def test_a_merged_key_may_be_written_anew(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        "targets:\n"
        "  - &one {device: local, runtime: litert, threads: 2}\n"
        "  - {<<: *one, threads: 1}\n"
    )
    assert [(target.runtime, target.threads) for target in load(path).targets] == [
        ("litert", 2),
        ("litert", 1),
    ]


def test_every_field_is_described():
    def undescribed(model, path=""):
        for name, field in model.model_fields.items():
            if not field.description:
                yield path + name
            if hasattr(field.annotation, "model_fields"):
                yield from undescribed(field.annotation, f"{path}{name}.")

    assert list(undescribed(Params)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("serch: {}", "serch: unknown key; did you mean 'search'?; allowed: targets, data, "),
        ("search: {kapa: 1}", "search.kapa: unknown key; did you mean 'kappa'?; allowed: seed, "),
        (
            "search: {hypernet: {hiden: [3]}}",
            "search.hypernet.hiden: unknown key; did you mean 'hidden'?; "
            "allowed: kind, hidden, knots, width, lr, rehearsal, rehearsed_lr, logit_bound",
        ),
        (
            "extract: {points: {a: {ops: {skip: 1}, kapa: 1}}}",
            "extract.points.a.kapa: unknown key; did you mean 'kappa'?; "
            "allowed: ops, budget_ms, kappa",
        ),
        (
            "targets: [{runtime: onnx}]",
            "targets[0].runtime: given 'onnx'; did you mean 'onnxruntime'?; allowed: 'onnxru",
        ),
        (
            "targets: [{}, {thread: 2}]",
            "targets[1].thread: unknown key; did you mean 'threads'?; allowed: device, runtime, ",
        ),
        ("targets: []", "targets: given []: name at least one"),
        (
            "targets: [{threads: 1}, {threads: 2}, {runtime: onnxruntime}]",
            "targets[2]: the same as targets[0]",
        ),
        (
            "target: {threads: 2}",
            "target: is a list now, `targets`; write: targets: [{device: local, runtime: onnxr",
        ),
        (
            "search: {reg_cost: mac}",
            "search.reg_cost: given 'mac'; did you mean 'macs'?; "
            "allowed: 'uniform', 'params' or 'macs'",
        ),
        (
            "targets: [{precision: int4}]",
            "targets[0].precision: given 'int4'",
        ),
        (
            "targets: [{runtime: onnxruntime, precision: fp16}]",
            "targets[0].precision: given 'fp16': there are none for onnxruntime; take fp32 or int8",
        ),
        (
            "export: {precisions: [int8]}",
            "export.precisions: given ['int8']: add fp32: the others are made from it",
        ),
        (
            "targets: [{threads: 0}]",
            "targets[0].threads: given 0: should be greater than or equal to 1",
        ),
        ("retrain: {lr: .nan}", "retrain.lr: given nan: should be a finite number"),
        ("space:", "space: given None: should be a map of keys"),
        (
            "extract: {budgets_ms: [0.5, -1]}",
            "extract.budgets_ms[1]: given -1: should be greater than 0",
        ),
        ("extract: {budgets_ms: 8}", "extract.budgets_ms: given 8: should be a list, such as [8]"),
        (
            "targets: {device: local}",
            "targets: given {'device': 'local'}: should be a list, such a",
        ),
        ("data: {size: 28}", "data.size: given 28: should be a list, such as [28, 28]"),
        ("extract: {points: [a]}", "extract.points: given ['a']: should be a map of keys"),
        ("space: {depths: []}", "space.depths: given []: should have at least 1 item, not 0"),
        (
            "extract: {budgets_ms: [], points: {}}",
            "extract: no member: give budgets_ms or points",
        ),
        ("search: {kappa: [1]}", "search.kappa[1]: is required"),
        ("search: {kappa: ato}", "search.kappa: given 'ato'; did you mean 'auto'?; allowed: 'aut"),
        (
            "search: {kappa: [1, 0.1]}",
            "search.kappa: given [1, 0.1]: the range is reversed; write [0.1, 1]",
        ),
        (
            "search: {kappa: [0.1, 1e9]}",
            "search.kappa[1]: given '1e9': should be less than or equal to 1000000",
        ),
        (
            "search: {sampler: {theta: 2}}",
            "search.sampler.theta: given 2: one number for all operations changes no share: write",
        ),
        (
            "search: {sampler: {kind: dirichlet, concentration: 0.01}}",
            "search.sampler.concentration: given 0.01: should be greater than or equal to 0.05",
        ),
        (
            "search: {method: random}\n"
            "extract: {budgets_ms: [], points: {a: {ops: {skip: 0.7}, kappa: 1}}}",
            "extract.budgets_ms: random prefers nothing at any point: name a budget, or write auto",
        ),
        (
            "search: {sampler: {theta: x}}",
            "search.sampler.theta: given 'x': should be a valid number",
        ),
        (
            "data: {weights: 50000}",
            "data: weights + architecture + holdout = 70000 images, but fashion-mnist has 60000",
        ),
        ("data: {weights: 1.5}", "data.weights: given 1.5: write a whole number of images, or a"),
        ("data: {weights: 0}", "data.weights: given 0: should be greater than 0"),
        (
            "data: {name: npz, path: a.npz, weights: 0.9, architecture: 0.1, holdout: 0.1}",
            "data: the shares of the split sum to 1.1, more than 1",
        ),
        ("data: {name: images}", "data: name: images needs data.path, the place of your images"),
        ("data: {name: cifar}", "data.name: given 'cifar'; did you mean 'cifar-10'?; allowed: "),
        ("data: {size: [32]}", "data.size[1]: is required"),
        ("data: {channels: 4}", "data.channels: given 4; allowed: 'auto', 1 or 3"),
        (
            "space: {widths: [8, 16], depths: [2]}",
            "space.depths: given [2]: 1 depths for 2 widths; give one per stage",
        ),
        (
            "space: {operations: [skip, conv_k4]}",
            "space.operations: given ['skip', 'conv_k4']: unknown operation 'conv_k4'; "
            "did you mean 'conv_k3'?; allowed: skip, sep_k3, mbconv_k{3,5,7}_e{1..8}, fused_k",
        ),
        (
            "space: {operations: [skip, sep_k3, skip]}",
            "space.operations: given ['skip', 'sep_k3', 'skip']: 'skip' is listed twice",
        ),
        (
            "extract: {points: {a: {ops: {skip: 0.7, sep_k3: 0.7}, kappa: 1}}}",
            "extract.points.a.ops: the shares sum to 1.4, more than 1",
        ),
        (
            "extract: {points: {a: {ops: {skip: 0.7}}}}",
            "extract.points.a: give exactly one of budget_ms and kappa",
        ),
        (
            "extract: {points: {a: {ops: {skip: 0.7}, kappa: 1, budget_ms: 1}}}",
            "extract.points.a: give exactly one of budget_ms and kappa",
        ),
        (
            "extract: {points: {a: {ops: {skip: 0.7}, budget_ms: -1}}}",
            "extract.points.a.budget_ms: given -1: should be greater than 0",
        ),
        ("extract: {points: {a: {kappa: 1}}}", "extract.points.a.ops: is required"),
        (
            "space: {operations: [skip, sep_k3]}\n"
            "extract: {points: {a: {ops: {sep_k5: 0.5}, kappa: 1}}}",
            "extract.points.a.ops.sep_k5: not in space.operations; did you mean 'sep_k3'?; "
            "allowed: skip, sep_k3",
        ),
        (
            "space: {operations: [skip, sep_k3]}\n"
            "extract: {points: {a: {ops: {skip: 0.5, sep_k3: 0.4}, kappa: 1}}}",
            "extract.points.a.ops: the shares of all operations sum to 0.9, not to 1; leave one "
            "out, and it takes the rest",
        ),
        (
            "extract: {points: {within-1ms: {ops: {skip: 0.7}, kappa: 1}}}",
            "extract.points.within-1ms: names that begin with within- are those of budgets; take",
        ),
        (
            "extract: {budgets_ms: [1, 2, 1.0000001]}",
            "extract.budgets_ms[2]: the same as budgets_ms[0]",
        ),
        (
            "search: {sampler: {theta: {skipp: 1}}}",
            "search.sampler.theta.skipp: not in space.operations; did you mean 'skip'?; allowed: ",
        ),
    ],
)
def test_a_problem_names_key_value_near_match_and_what_is_allowed(problems, text, problem):
    (line,) = problems(text)
    assert line.startswith(problem)


def test_one_message_lists_every_problem(problems):
    text = """
targets: [{runtime: onnx}]
search: {kappa: [2, 1], joint_step: 3}
extract:
  budgets_ms: [-1]
  points:
    a: {ops: {skipp: 0.5}, kappa: 1}
    b: {ops: {sepk3: 0.5}, kappa: 1}
"""
    keys = [line.split(":")[0] for line in problems(text)]
    assert keys == [
        "targets[0].runtime",
        "search.kappa",
        "search.joint_step",
        "extract.budgets_ms[0]",
    ]
    keys = [line.split(":")[0] for line in problems(text.replace("[-1]", "auto"))]
    assert keys[-2:] == ["extract.points.a.ops.skipp", "extract.points.b.ops.sepk3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("space: {}\nsearch: {kappa: [1, 2}", 'is not YAML: .*params.yaml", line 2, column 22'),
        ("[]", "the file: given \\[\\]: should be a map of keys"),
    ],
)
def test_what_is_no_params_file_says_where(tmp_path, text, words):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=f"(?s){words}"):
        load(path)


def test_patterns_are_told_in_words(problems):
    schema = json.dumps(Params.model_json_schema())
    assert {json.loads(one) for one in re.findall(r'"pattern": ("[^"]*")', schema)} <= {*PATTERNS}
    assert problems("targets: [{device: garden pi}]") == [
        "targets[0].device: given 'garden pi': should be 1 to 64 letters, digits, dots, dashes and "
        "underscores, the first a letter or a digit"
    ]
    (licence,) = problems("export: {licence: my own!}")
    assert licence.startswith("export.licence: given 'my own!': should be an SPDX expression")


def test_a_path_may_start_at_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    of = lambda path: Params(data={"path": path}).data.path  # noqa: E731
    assert of("~/flowers") == Path("/home/me/flowers")
    assert of("~flowers") == Path("~flowers")


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ParamsError, match=r"params\.yaml does not exist; run from the project"):
        load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "extract",
    [
        {"budgets_ms": [], "points": {"a": {"ops": {"skip": 1}, "kappa": 1}}},
        {"budgets_ms": [1, 1.001]},
        {"points": {"all": {"ops": {"skip": 0.25, "sep_k3": 0.75}, "kappa": 1}}},
    ],
)
def test_members_may_be_asked_for_by_points_alone_by_near_budgets_and_by_all_shares(extract):
    Params.model_validate({"space": {"operations": ["skip", "sep_k3"]}, "extract": extract})


@pytest.mark.parametrize("kappa", ["auto", [0.1, 0.1], [0.01, 1]])
def test_prices_are_automatic_a_range_or_fixed(kappa):
    given = Params.model_validate({"search": {"kappa": kappa}}).search.kappa
    assert given == (kappa if kappa == "auto" else tuple(kappa))


def test_a_number_that_yaml_reads_as_a_word_is_a_number():
    assert yaml.safe_load("1e-4") == "1e-4"  # YAML 1.1 wants the point
    assert Params.model_validate({"retrain": {"weight_decay": "1e-4"}}).retrain.weight_decay == 1e-4


def test_params_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Params().retrain.epochs = 3

import numpy as np
import onnx
import onnxruntime
import pytest

from models.network import layers_of, network
from pipeline.onnx_export import export_onnx
from pipeline.params import ExportParams
from pipeline.seeds import generator
from pipeline.untrained import onnx as untrained
from pipeline.untrained import randomise
from pipeline.untrained.onnx import block_path, build
from tests.pipeline.made_up import small_cells, small_space

SPACE = small_space("mbconv_k5_e3", "conv_k3", depths=[3])
ARCHITECTURE = SPACE.architecture([0, 1, 0])  # one block stands in it twice
BRANCHING = small_cells("skip", "relu_conv_k1", "max_pool_bn_k3").architecture(
    [1, 2, 0, 1, 3, 0, 1, 3, 0, 2]
)  # every kind of block that is no edge stands in it
ARCHITECTURES = {"chain": ARCHITECTURE, "cells": BRANCHING}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which the networks have been built, in this process."""
    store = tmp_path_factory.mktemp("store")
    build([layers_of(one) for one in ARCHITECTURES.values()], ExportParams(), 1, store)
    return store


@pytest.fixture(params=ARCHITECTURES)
def architecture(request):
    return ARCHITECTURES[request.param]


@pytest.fixture
def direct(architecture, tmp_path):
    """The same network with the same weights, exported as a whole."""
    net = network(architecture)
    for module, (block, _) in zip(net, layers_of(architecture), strict=True):
        randomise(module, generator(0, block.key, 0))
    path = tmp_path / "network.onnx"
    export_onnx(net, architecture.input_shape, path)
    return path


def built(store, architecture=ARCHITECTURE):
    (path,) = build([layers_of(architecture)], ExportParams(), 2, store)
    return path


def structure(path):
    """Nodes with what they compute and where their inputs come from, without any names. What is
    computed twice counts once: the exporter and ONNX Runtime see to that."""
    graph = onnx.load(path).graph
    weights = {array.name: array.raw_data for array in graph.initializer}
    origin = {graph.input[0].name: "input", **weights}
    nodes = []
    for node in graph.node:
        attributes = sorted(onnx.helper.printable_attribute(a) for a in node.attribute)
        found = (node.op_type, attributes, [origin[name] for name in node.input])
        if found not in nodes:
            nodes.append(found)
        number = nodes.index(found)
        origin.update((name, f"{number}.{n}") for n, name in enumerate(node.output))
    return nodes, [origin[value.name] for value in graph.output]


def test_blocks_put_together_are_the_network_exported_as_a_whole(store, architecture, direct):
    assert structure(built(store, architecture)) == structure(direct)


def test_the_names_are_those_of_a_deployed_model(store):
    graph = onnx.load(built(store)).graph
    assert [value.name for value in (*graph.input, *graph.output)] == ["image", "logits"]


def test_it_runs(store, architecture, direct):
    x = {"image": np.random.default_rng(0).standard_normal((1, 1, 8, 8), dtype=np.float32)}
    found, wanted = (
        onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, x)
        for path in (built(store, architecture), direct)
    )
    np.testing.assert_array_equal(found, wanted)


def test_what_is_there_is_not_exported_again(store, monkeypatch):
    monkeypatch.setattr(untrained, "export_onnx", lambda *_, **__: pytest.fail("exported"))
    path = built(store)
    before = path.stat().st_mtime_ns
    assert built(store).stat().st_mtime_ns == before


def test_files_are_kept_by_all_that_decides_them(tmp_path, monkeypatch):
    paths = [
        block_path(layers_of(ARCHITECTURE)[0].block, 20, tmp_path),
        block_path(layers_of(ARCHITECTURE)[0].block, 21, tmp_path),
        block_path(layers_of(ARCHITECTURE)[1].block, 20, tmp_path),
    ]
    monkeypatch.setattr(untrained, "_recipe", lambda: ("torch of tomorrow",))
    paths.append(block_path(layers_of(ARCHITECTURE)[0].block, 20, tmp_path))
    assert len(set(paths)) == 4

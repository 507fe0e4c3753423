"""LPIPS over local safetensors, and image quality by ONNX."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from awbench.metrics.learned.lpips_network import load_lpips
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.onnx_model import load_onnx
from awbench.scoring import load_metric
from tests.awbench.tiny_learned import BLUE, RED, blended, clip, evidence, truth_of, write_lpips


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return str(write_lpips(tmp_path_factory.mktemp("learned") / "lpips"))


def test_equals_are_zero_and_each_step_away_is_more(folder):
    network = load_lpips(folder)
    distances = [float(network.distances(RED[None], blended(share, 2).frames[:1])[0]) for share in (0, 0.3, 0.6, 1)]
    assert distances[0] == 0 and distances == sorted(distances) and distances[-1] > distances[1]
    many = network.distances(np.stack([RED] * 6), np.stack([RED] * 3 + [BLUE] * 3))
    assert many.shape == (6,) and np.allclose(many[3:], distances[-1], rtol=1e-4) and not many[:3].any()


def test_one_file_in_the_names_of_the_lpips_package_gives_the_same(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    slices = {0: 1, 3: 2, 6: 3, 8: 4, 10: 5}
    state = load_file(f"{folder}/linear.safetensors")
    state |= {name.replace("lin", "lins.", 1): tensor.clone() for name, tensor in state.items()}
    for name, tensor in load_file(f"{folder}/backbone.safetensors").items():
        _, index, part = name.split(".")
        state[f"net.slice{slices[int(index)]}.{index}.{part}"] = tensor
    save_file(state, tmp_path / "alex.safetensors")
    expected = load_lpips(folder).distances(RED[None], BLUE[None])
    assert np.array_equal(load_lpips(str(tmp_path / "alex.safetensors")).distances(RED[None], BLUE[None]), expected)


def test_what_is_missing_is_named(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    state = load_file(f"{folder}/backbone.safetensors")
    save_file(state, tmp_path / "half.safetensors")
    with pytest.raises(ValueError, match="no lin0"):
        load_lpips(str(tmp_path / "half.safetensors"))
    save_file({"x": state["features.0.bias"]}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="first convolution"):
        load_lpips(str(tmp_path / "other.safetensors"))


def test_the_metric_needs_a_truth_and_leaves_out_what_the_reference_cannot_know(folder):
    metric, models = load_metric("lpips", LearnedModels(lpips=folder)), LearnedModels(lpips=folder)
    assert metric.function(evidence(blended(0))).reason == "no ground truth" and not metric.higher_is_better
    truth, output = truth_of(blended(0)), blended(1)
    seen = metric.function(evidence(output, truth=truth))
    hidden = truth_of(blended(0))
    hidden.seen.flags.writeable = True
    hidden.seen[:] = False
    assert seen > 0 and metric.function(evidence(output, truth=hidden)) == 0
    assert metric.scored_version == f"1+{models.mark('lpips')}"


class Session:
    """Says the mean of what it is given, times 100."""

    def __init__(self, path, providers):
        self.inputs = [SimpleNamespace(name="x", shape=["n", 3, 16, 16])]

    def get_inputs(self):
        return self.inputs

    def run(self, outputs, given):
        assert given["x"].shape == (1, 3, 16, 16) and given["x"].dtype == np.float32
        return [np.array([[100 * given["x"].mean()]], np.float32)]


@pytest.fixture()
def runtime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace(InferenceSession=Session, __spec__=SimpleNamespace()))
    load_onnx.cache_clear()
    yield
    load_onnx.cache_clear()


def test_onnx_quality_is_brought_to_nought_and_one(runtime, tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"stand-in")
    (tmp_path / "m.json").write_text('{"low": 0, "high": 100}')
    models = LearnedModels(iqa=str(tmp_path / "m.onnx"))
    grey = np.full((24, 40, 3), 51, np.uint8)
    case = evidence(clip(RED, RED))
    assert load_onnx(models.iqa).quality([grey]) == pytest.approx(0.2, abs=1e-6)
    assert load_metric("onnx_iqa", models).function(case) == pytest.approx(RED.mean() / 255, abs=1e-2)
    before = load_metric("onnx_iqa", models).scored_version
    (tmp_path / "m.json").write_text('{"low": 100, "high": 0}')
    load_onnx.cache_clear()
    assert load_onnx(models.iqa).quality([grey]) == pytest.approx(0.8, abs=1e-6)
    assert load_metric("onnx_iqa", models).scored_version != before


def test_onnx_without_onnxruntime_is_told(monkeypatch, tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"stand-in")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ValueError, match="no onnxruntime.*pip install onnxruntime"):
        LearnedModels(iqa=str(tmp_path / "m.onnx"))

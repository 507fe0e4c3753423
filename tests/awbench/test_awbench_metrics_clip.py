"""clip_appearance with a tiny random open_clip model, made here and loaded from a local folder."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from awbench.evidence import Evidence
from awbench.metrics.clip_appearance import MAX_FRAMES, METRIC, clip_appearance, closeness, load_embedder, model_mark
from models.types import Clip

TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 1, "layers": 1},
}
NORMAL = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    open_clip = pytest.importorskip("open_clip")
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("tiny_clip")
    (path / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY, "preprocess_cfg": NORMAL}))
    torch.save(open_clip.model.CLIP(**TINY).state_dict(), path / "open_clip_pytorch_model.bin")
    return str(path)


def clips() -> tuple[Clip, Clip]:
    rng = np.random.default_rng(0)
    red, blue = (np.clip(rng.normal(tone, 30, (10, 32, 32, 3)), 0, 255).astype(np.uint8) for tone in ([200, 30, 30], [20, 40, 220]))
    return Clip(frames=red, fps=8.0), Clip(frames=blue, fps=8.0)


def test_the_reference_itself_is_nearest(folder):
    red, blue = clips()
    still = Clip(frames=np.repeat(red.frames[:1], 10, 0), fps=8.0)
    values = [
        clip_appearance(Evidence(case_id="c", output=output, driver=blue, reference=red.frames[0]), folder) for output in (still, red, blue)
    ]
    assert values[0] == pytest.approx(1, abs=1e-5) and values[0] >= values[1] > values[2]


def test_the_model_is_found_by_the_environment_and_loaded_once(folder, monkeypatch):
    monkeypatch.setenv("ACTORFORGE_CLIP_DIR", folder)
    red, blue = clips()
    case = Evidence(case_id="c", output=red, driver=blue, reference=red.frames[0])
    assert clip_appearance(case) == clip_appearance(case, folder)
    assert load_embedder(folder) is load_embedder(folder)


def test_the_version_names_the_content_of_the_model(monkeypatch, tmp_path):
    monkeypatch.delenv("ACTORFORGE_CLIP_DIR", raising=False)
    assert METRIC.scored_version == "1" and model_mark(str(tmp_path)) == ""
    marks = []
    for name, weights in (("one", b"1"), ("two", b"2"), ("copy", b"1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "open_clip_config.json").write_text("{}")
        (tmp_path / name / "weights.bin").write_bytes(weights)
        monkeypatch.setenv("ACTORFORGE_CLIP_DIR", str(tmp_path / name))
        marks.append(METRIC.scored_version)
    assert marks[0] == marks[2] != marks[1] and all(len(mark) == len("1+ab12cd") and mark.startswith("1+") for mark in marks)


def test_at_most_eight_frames_are_embedded_and_the_worst_counts():
    counts = []

    def embed(frames: np.ndarray) -> np.ndarray:
        counts.append(len(frames))
        features = frames.reshape(len(frames), -1).astype(np.float32)
        return features / np.linalg.norm(features, axis=-1, keepdims=True)

    frames = np.full((20, 4, 4, 3), 100, np.uint8)
    reference = frames[0].copy()
    frames[-1] = 0
    frames[-1, 0, 0] = 100
    assert closeness(frames, reference, embed) == pytest.approx(((7 + 0.25) / 8 + 0.25) / 2)
    assert max(counts) == MAX_FRAMES


def test_importing_the_metrics_does_not_import_torch():
    code = (
        "import sys; from awbench.scoring import load_metrics; load_metrics(['clip_appearance', 'overall']);"
        "sys.exit(int('torch' in sys.modules or 'open_clip' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0

"""What is given to learned metrics: folders are checked at once, versions name their content, torch stays out of it."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from awbench.catalog import METRICS
from awbench.metrics.learned.fvd import MIN_CLIPS, frechet_video_distance
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import FLAGS, LearnedModels
from awbench.score_reasons import reasons
from awbench.scoring import load_metric, load_metrics
from tests.awbench.tiny_learned import RED, clip, evidence

LEARNED = ("clip_appearance", "clip_iqa", "clip_t", "dino_i", "lpips", "onnx_iqa", "pose_agreement")


def folder_with(path, **files):
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name.replace("__", ".")).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


@pytest.mark.parametrize("name", LEARNED)
def test_without_its_model_a_metric_says_which_flag_gives_it(name):
    metric = load_metric(name, LearnedModels())
    assert isinstance(metric, LearnedMetric) and metric.optional and metric.sees and metric.blind
    assert metric.function(evidence(clip(RED, RED))).reason == f"no model, give {FLAGS[metric.needs]}"
    assert metric.scored_version == metric.version


def test_missing_and_wrong_folders_are_told(tmp_path):
    with pytest.raises(ValueError, match="--clip .*/none: folder: got no such folder"):
        LearnedModels(clip=str(tmp_path / "none"))
    with pytest.raises(ValueError, match="open_clip_config.json"):
        LearnedModels(clip=folder_with(tmp_path / "a", weights__safetensors=b""))
    with pytest.raises(ValueError, match="weights: got open_clip_config.json"):
        LearnedModels(clip=folder_with(tmp_path / "b", open_clip_config__json={"model_cfg": {}}))
    hub = {"model_cfg": {"text_cfg": {"hf_model_name": "some/bert"}}}
    with pytest.raises(ValueError, match="some/bert of a hub"):
        LearnedModels(clip=folder_with(tmp_path / "c", open_clip_config__json=hub, m__safetensors=b""))
    with pytest.raises(ValueError, match="--dino .*architecture"):
        LearnedModels(dino=folder_with(tmp_path / "d", config__json={}))
    with pytest.raises(ValueError, match="--iqa .*no such .onnx"):
        LearnedModels(iqa=str(tmp_path / "model.pth"))


@pytest.mark.parametrize("name", ["tracks:poses", "tracks"])
def test_known_motion_is_refused_with_the_reason(name):
    with pytest.raises(ValueError, match=f"--estimator: kind: got {name}, expected .*tiny, rtmlib:DIR.*names its media by their content"):
        LearnedModels(estimator=name)


def test_pickles_are_refused_with_the_way_out(tmp_path):
    with pytest.raises(ValueError, match="pickles can hold code.*save_file"):
        LearnedModels(dino=folder_with(tmp_path / "d", config__json={"architecture": "x"}, pytorch_model__bin=b""))
    with pytest.raises(ValueError, match="pickles can hold code"):
        LearnedModels(lpips=folder_with(tmp_path / "l", alex__pth=b""))
    (tmp_path / "alex.pth").write_bytes(b"")
    with pytest.raises(ValueError, match="pickles can hold code"):
        LearnedModels(lpips=str(tmp_path / "alex.pth"))


def test_the_version_names_the_content_not_the_place(tmp_path):
    config = {"model_cfg": {}}
    one, two, copy = (
        LearnedModels(clip=folder_with(tmp_path / name, open_clip_config__json=config, m__safetensors=weights))
        for name, weights in (("one", b"1"), ("two", b"2"), ("copy", b"1"))
    )
    versions = [load_metric("clip_t", models).scored_version for models in (one, two, copy)]
    assert versions[0] == versions[2] != versions[1] and all(len(version) == len("1+ab12cd") for version in versions)
    (tmp_path / "one" / "m.safetensors").write_bytes(b"2, retrained")
    assert load_metric("clip_t", one).scored_version not in versions


def test_the_estimator_that_finds_the_subject_is_part_of_an_appearance_version(tmp_path):
    models = folder_with(tmp_path / "clip", open_clip_config__json={"model_cfg": {}}, m__safetensors=b"1")
    plain, cropped = LearnedModels(clip=models), LearnedModels(clip=models, estimator="tiny")
    assert load_metric("clip_appearance", cropped).scored_version.startswith(load_metric("clip_appearance", plain).scored_version + ".")
    assert load_metric("clip_t", cropped).scored_version == load_metric("clip_t", plain).scored_version


def test_learned_metrics_are_default_where_their_model_is_given(tmp_path):
    models = LearnedModels(clip=folder_with(tmp_path / "clip", open_clip_config__json={"model_cfg": {}}, m__safetensors=b"1"))
    plain, more = ({metric.name for metric in load_metrics((), given)} for given in (None, models))
    assert more - plain == {"clip_appearance", "clip_iqa", "clip_t"} and not plain & set(LEARNED)


def test_paths_are_made_absolute_for_workers(tmp_path, monkeypatch):
    folder_with(tmp_path / "clip", open_clip_config__json={"model_cfg": {}}, m__safetensors=b"1")
    monkeypatch.chdir(tmp_path)
    models = LearnedModels(clip="clip", estimator="rtmlib:onnx").absolute()
    assert models.clip == str(tmp_path / "clip") and models.estimator == f"rtmlib:{tmp_path / 'onnx'}"
    assert LearnedModels(estimator="tiny").absolute().estimator == "tiny"


def test_listing_and_binding_import_no_torch(tmp_path):
    code = (
        "import sys; from awbench.catalog import METRICS; from awbench.scoring import load_metrics;"
        "[METRICS.load(name) for name in METRICS.table()]; load_metrics(['clip_appearance', 'overall']);"
        "sys.exit(int(any(name in sys.modules for name in ('torch', 'open_clip', 'timm', 'onnxruntime'))))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_fvd_is_refused_below_256_clips_and_exact_above():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="255 clips, expected at least 256"):
        frechet_video_distance(rng.normal(size=(300, 2)), rng.normal(size=(MIN_CLIPS - 1, 2)))
    real = rng.normal(size=(MIN_CLIPS, 3))
    with pytest.raises(ValueError, match="no clip twice"):
        frechet_video_distance(real, np.repeat(real[:128], 2, 0))
    assert frechet_video_distance(real, real + [3, 0, 4]) == pytest.approx(25)
    assert frechet_video_distance(real, 2 * (real - real.mean(0)) + real.mean(0)) == pytest.approx(np.trace(np.cov(real.T)))
    assert "at least 256 clips" in METRICS.load("fvd").function(None).reason


def test_reasons_are_told_once_each():
    def row(metric, case, reason, status="unscored"):
        return {"metric": metric, "case": case, "status": status, "reason": reason}

    rows = [row("clip_t", k, "the case has no prompt") for k in range(3)] + [row("psnr", 9, "", "ok")]
    rows += [row(name, k, "generation failed: x", "failed") for name in ("a", "b", "c") for k in range(2)]
    rows += [row("pose_agreement", k, f"too few: {10 + k} % of 17") for k in range(2)]
    rows += [row("ssim", name, f"case {name}: no truth") for name in ("0001-walk-cat", "0002-run-dog")]
    assert reasons(rows) == [
        "clip_t: 3 unscored: the case has no prompt",
        "a, b and 1 more: 2 failed: generation failed: x",
        "pose_agreement: 2 unscored: too few: … % of 17",
        "ssim: 2 unscored: case …: no truth",
    ]
    assert reasons(rows[3:4]) == []

"""A folder that is half copied, or another system's, and a mistyped estimator are told before anything is loaded."""

import json

import pytest

from models.animators.load import resolved_options
from models.animators.registry import ANIMATORS
from models.stated import missing_of
from tests.models.external_fakes import raw_spec

LISTED = {"transformer": ["diffusers", "WanVACETransformer3DModel"], "vae": ["diffusers", "AutoencoderKLWan"], "text_encoder": [None, None]}
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def missing(name, **given):
    return missing_of(name, resolved_options(name, ANIMATORS, given), ANIMATORS)


@pytest.fixture
def folder(tmp_path):
    """Of Wan-VACE, its weights empty files."""
    for name in ("transformer", "vae"):
        (tmp_path / name).mkdir()
    write(tmp_path / "model_index.json", {"_class_name": "WanVACEPipeline"} | LISTED)
    write(tmp_path / "transformer/config.json", {"_class_name": "WanVACETransformer3DModel"})
    write(tmp_path / "transformer/model.safetensors.index.json", {"weight_map": {"a": SHARDS[0], "b": SHARDS[1], "c": SHARDS[0]}})
    for shard in SHARDS:
        (tmp_path / "transformer" / shard).touch()
    return tmp_path


def write(path, content):
    path.write_text(json.dumps(content))


def test_a_whole_folder_lacks_nothing_and_is_another_systems_folder_for_others(folder):
    assert missing(f"wan_vace:{folder}") == []
    (told,) = missing(f"wan_animate:{folder}")
    assert "holds a WanVACETransformer3DModel, expected WanAnimateTransformer3DModel; hf download Wan-AI/Wan2.2-Animate" in told
    assert missing("wan_vace") == ["folder: none; hf download Wan-AI/Wan2.1-VACE-1.3B-diffusers --local-dir DIR, or its -14B-diffusers, "
                                   "then write wan_vace:DIR"]  # fmt: skip


@pytest.mark.parametrize(
    "gone, said",
    [
        ("model_index.json", "has no model_index.json"),
        ("transformer/config.json", "has no transformer/config.json"),
        ("vae", "lacks vae/"),
        (f"transformer/{SHARDS[1]}", f"lacks transformer/{SHARDS[1]}, which model.safetensors.index.json lists"),
    ],
)
def test_what_was_not_copied_is_named(folder, gone, said):
    (folder / gone).rmdir() if gone == "vae" else (folder / gone).unlink()
    (told,) = missing(f"wan_vace:{folder}")
    assert said in told and "hf download" in told


def test_an_index_that_is_no_json(folder):
    (folder / "model_index.json").write_text("{")
    assert "not valid JSON" in missing(f"wan_vace:{folder}")[0]


@pytest.mark.parametrize(
    "text, said",
    [
        ("rtmlb:onnx", "{}: rtmlb:onnx is no estimator; one of mediapipe, rtmlib, tiny, tracks, perhaps rtmlib, or a folder with"),
        ("rtmlib", "{0}: rtmlib names no folder; --set {0}=rtmlib:DIR"),
        ("tracks:/nowhere", "{}: folder /nowhere of tracks:/nowhere does not exist"),
    ],
)
def test_an_estimator_that_cannot_be_had_is_told_by_every_kind(folder, text, said):
    (told,) = missing(f"wan_vace:{folder}", estimator=text)
    assert told.startswith(said.format("estimator"))
    assert missing("puppet", estimator=text)[-1].startswith(said.format("estimator"))
    write(folder / "mine.yaml", raw_spec(steps=[{"run": ["{python}", "{pose}"]}]))
    assert missing(f"external:{folder / 'mine.yaml'}", pose=text)[-1].startswith(said.format("pose"))
    assert missing(f"wan_vace:{folder}", estimator=text, control="gray") == []


def test_an_estimator_folder_is_one(folder, tmp_path):
    write(tmp_path / "estimator.json", {})
    assert missing(f"wan_vace:{folder}", estimator=str(tmp_path)) == []


def test_a_repository_takes_no_argument():
    with pytest.raises(ValueError, match="animator scail2: argument: got '/somewhere', expected none; write just scail2"):
        missing("scail2:/somewhere")

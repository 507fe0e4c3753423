"""CLIP and DINO metrics with tiny random models from local folders: equal features, order of degradations, the subject's crop."""

from __future__ import annotations

import numpy as np
import pytest

from awbench.metrics.learned import subject
from awbench.metrics.learned.clip_iqa import clip_iqa, squares
from awbench.metrics.learned.dino_model import load_dino
from awbench.metrics.learned.likeness import closeness
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.open_clip_model import load_clip
from awbench.metrics.learned.subject import MAX_FRAMES, squared, subject_views
from awbench.scoring import load_metric
from models.types import Clip, PoseTrack
from tests.awbench.tiny_learned import BLUE, CLIP_CONFIG, RED, blended, clip, evidence, truth_of, write_clip, write_dino

pytest.importorskip("open_clip")
pytest.importorskip("timm")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> LearnedModels:
    path = tmp_path_factory.mktemp("learned")
    return LearnedModels(clip=str(write_clip(path / "clip")), dino=str(write_dino(path / "dino")))


def test_open_clip_features_are_those_of_the_network_that_was_saved(models):
    import open_clip
    import torch

    torch.manual_seed(0)
    network, loaded = open_clip.model.CLIP(**CLIP_CONFIG).eval(), load_clip(models.clip)
    with torch.inference_mode():
        expected = network.encode_text(loaded.tokenizer(["a red disc"]))[0].numpy()
    assert np.allclose(loaded.texts(["a red disc"])[0], expected / np.linalg.norm(expected), atol=1e-5)
    features = loaded.pictures([RED, BLUE])
    assert features.shape == (2, 32) and np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_a_bin_is_read_by_the_restricted_reader_and_gives_the_same(models, tmp_path):
    pickled = load_clip(str(write_clip(tmp_path / "bin", pickled=True))).pictures([RED])
    assert np.allclose(pickled, load_clip(models.clip).pictures([RED]), atol=1e-6)


def test_a_bin_with_code_in_it_is_not_run(tmp_path):
    import torch

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "trapped"), "w"))

    folder = write_clip(tmp_path / "trap", pickled=True)
    torch.save({"visual.conv1.weight": Trap()}, folder / "open_clip_pytorch_model.bin")
    with pytest.raises(Exception, match="[Ww]eights only|weights_only"):
        load_clip(str(folder))
    assert not (tmp_path / "trapped").exists()


def test_dino_features_are_those_of_the_network_that_was_saved(models):
    import timm
    import torch

    from tests.awbench.tiny_learned import DINO_ARGS

    torch.manual_seed(0)
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=0, **DINO_ARGS).eval()
    loaded = load_dino(models.dino)
    small = RED[8:40, 8:40]  # the network's own size, so that nothing is resized
    with torch.inference_mode():
        expected = network(torch.from_numpy((small / 255.0 - 0.5) / 0.25).permute(2, 0, 1)[None].float())[0].numpy()
    assert loaded.size == (32, 32)
    assert np.allclose(loaded.pictures([small])[0], expected / np.linalg.norm(expected), atol=1e-4)


def test_dino_takes_a_file_named_as_timm_names_the_model(tmp_path):
    import timm
    from safetensors.torch import save_file

    network = timm.create_model("test_vit", pretrained=False)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, tmp_path / "test_vit.safetensors")
    assert len(load_dino(str(tmp_path / "test_vit.safetensors")).pictures([RED])) == 1
    (tmp_path / "test_vit.safetensors").rename(tmp_path / "unheard_of.safetensors")
    with pytest.raises(ValueError, match="unheard_of"):
        load_dino(str(tmp_path / "unheard_of.safetensors"))


@pytest.mark.parametrize("name", ["clip_appearance", "dino_i"])
def test_the_reference_itself_is_best_and_each_step_away_is_worse(models, name):
    metric = load_metric(name, models)
    values = [metric.function(evidence(blended(share))) for share in (0, 0.25, 0.5, 1)]
    assert values[0] == pytest.approx(1, abs=1e-5) and values == sorted(values, reverse=True) and values[-1] < values[0]
    flash = clip(*[RED] * 7, BLUE)
    assert values[-1] < metric.function(evidence(flash)) < 1 - (1 - values[-1]) / 8  # one lost frame costs more than its share


@pytest.mark.parametrize("name", ["clip_appearance", "dino_i"])
def test_the_truth_is_worth_one(models, name):
    answer = blended(0.5)
    assert load_metric(name, models).function(evidence(answer, truth=truth_of(answer))) == pytest.approx(1, abs=1e-6)


def test_half_the_mean_and_half_the_worst_tenth():
    reference = np.array([1.0, 0.0])
    features = np.array([[1, 0]] * 19 + [[0, 1]], float)
    assert closeness(features, reference) == pytest.approx((0.95 + 0.5) / 2)
    assert closeness(features[:8], reference) == 1 and closeness(features[-8:], reference) == pytest.approx((7 / 8 + 0) / 2)


def test_at_most_eight_frames_first_and_last_among_them():
    tones = [np.full_like(RED, tone) for tone in range(100)]
    assert [int(view[0, 0, 0]) for view in subject_views(evidence(clip(*tones[1:4])), "").output] == [1, 2, 3]
    chosen = [int(view[0, 0, 0]) for view in subject_views(evidence(clip(*tones)), "").output]
    assert len(chosen) == MAX_FRAMES and chosen[0] == 0 and chosen[-1] == 99


def test_the_crop_follows_the_truths_masks_else_it_is_the_whole_picture():
    answer = blended(0.5)
    views = subject_views(evidence(answer, truth=truth_of(answer)), "")
    assert views.reference.shape[:2] == (28, 28)  # 20 px wider by a fifth on either side
    assert subject_views(evidence(answer), "").reference.shape == RED.shape
    assert subject_views(evidence(answer, truth=truth_of(answer)), "tracks:poses").reference.shape[:2] == (28, 28)  # knows no picture
    assert subject_views(evidence(answer), "tracks:poses").reference.shape == RED.shape


def test_the_crop_follows_the_keypoints_where_an_estimator_is_given(monkeypatch):
    def keypoints(seen: Clip, name: str) -> PoseTrack:
        points = np.zeros((len(seen), 1, 17, 2), np.float32) + np.array([10, 20], np.float32)
        points[:, :, 0] = (19, 39)
        confidence = np.ones((len(seen), 1, 17), np.float32)
        confidence[-1] = 0  # lost in the last frame
        return PoseTrack(points=points, confidence=confidence, skeleton="coco17", fps=8.0)

    monkeypatch.setattr(subject, "keypoints_of", keypoints)
    views = subject_views(evidence(clip(RED, RED, RED), truth=truth_of(clip(RED, RED, RED))), "tiny")
    assert [view.shape[0] for view in views.output] == [28, 28, 48]


def test_squares_lose_nothing_and_squeeze_nothing():
    wide = np.arange(4 * 10 * 3, dtype=np.uint8).reshape(4, 10, 3)
    square = squared(wide)
    assert square.shape == (10, 10, 3) and np.array_equal(square[3:7], wide) and (square[:3] == 127).all()
    assert np.array_equal(squared(wide, (50, 50, 60, 60)), square)  # a box beside the picture is no box
    parts = squares(wide)
    assert [part.shape for part in parts] == [(4, 4, 3)] * 3 and np.array_equal(parts[-1], wide[:, 6:])
    assert len(squares(wide[:, :4])) == 1


def test_clip_iqa_is_the_softmax_of_the_two_prompts(models):
    model = load_clip(models.clip)
    good, bad = 100 * model.texts(["Good photo.", "Bad photo."]) @ model.pictures([RED])[0]
    assert clip_iqa(evidence(clip(RED, RED)), models) == pytest.approx(np.exp(good) / (np.exp(good) + np.exp(bad)), rel=1e-3)


def test_clip_t_needs_a_prompt(models):
    metric = load_metric("clip_t", models)
    assert metric.function(evidence(clip(RED, RED))).reason == "the case has no prompt"
    model = load_clip(models.clip)
    expected = max(0.0, float(model.pictures([RED])[0] @ model.texts(["a red disc"])[0]))
    assert metric.function(evidence(clip(RED, RED), prompt="a red disc")) == pytest.approx(expected, abs=1e-6)

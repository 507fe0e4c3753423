"""Each metric on tiny moving shapes: closed forms, planted faults, odd input. The world's controls are in the file beside."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from awbench.cases import Truth
from awbench.evidence import Evidence, channel_mean, reduced
from awbench.metrics import patches
from awbench.metrics.appearance_consistency import appearance_consistency, completeness, copied_structure
from awbench.metrics.imaging_quality import _median, blocks, evenness, imaging_quality
from awbench.metrics.metric import Metric, Unscored
from awbench.metrics.motion_fidelity import agreement, contrast, motion_fidelity
from awbench.metrics.motion_smoothness import held_share, motion_smoothness, turning_back, unevenness_px
from awbench.metrics.overall import CONTENT, FORM, LATE, PARTS, overall
from awbench.metrics.psnr import psnr
from awbench.metrics.psnr_subject import psnr_subject
from awbench.metrics.ssim import ssim, ssim_map
from awbench.metrics.temporal_consistency import temporal_consistency, warp_error
from awbench.motion_signature import lengths, likeness, signature, without_camera
from models.types import Clip

SIDE, FRAMES, STEP = 48, 6, 2.0


def texture(seed: int, colour: tuple[int, int, int]) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 60, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 2)
    return np.clip(noise + colour, 0, 255).astype(np.uint8)


def moving_square(colour: tuple[int, int, int], back: tuple[int, int, int], step: float = STEP, seed: int = 0) -> tuple[Clip, np.ndarray]:
    """A textured square of 20 px that slides right by `step` px a frame before a textured wall; its masks."""
    wall, skin = texture(seed, back), texture(seed + 1, colour)
    frames, masks = [], []
    for t in range(FRAMES):
        x = int(8 + step * t)
        frame, mask = wall.copy(), np.zeros((SIDE, SIDE), bool)
        frame[14:34, x : x + 20], mask[14:34, x : x + 20] = skin[14:34, 8:28], True
        frames.append(frame)
        masks.append(mask)
    return Clip(frames=np.stack(frames), fps=8.0), np.stack(masks)


CLIP, MASKS = moving_square((200, 60, 60), (60, 90, 70))
DRIVER, _ = moving_square((60, 80, 220), (190, 180, 150), seed=7)
FLOW = np.zeros((FRAMES - 1, SIDE, SIDE, 2), np.float32)
FLOW[..., 0] = STEP * MASKS[:-1]
TRUTH = Truth(clip=CLIP, subject=MASKS, reference_subject=MASKS[0], seen=np.ones_like(MASKS), flow=FLOW)


def evidence(output: Clip = CLIP, *, truth: Truth | None = TRUTH, driver: Clip = DRIVER, track: str = "cross") -> Evidence:
    return Evidence(case_id="c", output=output, driver=driver, reference=CLIP.frames[0], truth=truth, track=track)


def clip(frames: np.ndarray) -> Clip:
    return Clip(frames=np.ascontiguousarray(frames), fps=8.0)


STILL = clip(np.repeat(CLIP.frames[:1], FRAMES, 0))
FIVE = (imaging_quality, motion_smoothness, temporal_consistency, appearance_consistency, motion_fidelity)


@pytest.mark.parametrize("metric", FIVE)
def test_the_truth_gets_exactly_the_best_value(metric):
    assert metric(evidence()) == 1.0


def test_still_moves_nothing_and_gets_exactly_no_motion():
    assert motion_fidelity(evidence(STILL)) == 0.0
    assert motion_fidelity(evidence(STILL, truth=None)) == 0.0


def test_motion_backwards_is_worth_nothing_and_half_the_motion_about_half():
    assert motion_fidelity(evidence(clip(CLIP.frames[::-1]))) < 0.1
    half, _ = moving_square((200, 60, 60), (60, 90, 70), step=STEP / 2)
    assert 0.25 < motion_fidelity(evidence(half)) < 0.75


def test_motion_of_the_driver_counts_where_there_is_no_truth():
    assert motion_fidelity(evidence(truth=None)) > 0.4
    assert motion_fidelity(evidence(DRIVER, truth=None)) == pytest.approx(1.0)
    assert motion_fidelity(evidence(clip(CLIP.frames[::-1]), truth=None)) < 0.1


def test_a_driver_that_stands_still_wants_an_output_that_stands_still():
    rest = clip(np.repeat(DRIVER.frames[:1], FRAMES, 0))
    assert motion_fidelity(evidence(STILL, truth=None, driver=rest)) == 1.0
    assert motion_fidelity(evidence(truth=None, driver=rest)) < 0.5


def test_agreement_of_fields_is_the_product_of_direction_and_magnitude_ratio():
    field = np.zeros((1, 8, 8, 2), np.float32)
    field[..., 0] = 2.0
    turned = np.stack([field[..., 0], field[..., 0]], -1) / np.sqrt(2)
    assert agreement(field, field) == pytest.approx(1)
    assert agreement(field / 2, field) == agreement(field * 2, field) == pytest.approx(0.5)
    assert agreement(turned, field) == pytest.approx(np.sqrt(0.5))
    assert agreement(-field, field) == agreement(0 * field, field) == 0


def test_a_pan_is_taken_out_and_does_not_depend_on_the_global_generator():
    pan = np.full((SIDE, SIDE, 2), (3.0, -1.0), np.float32)
    pan[10:20, 10:20] += 4
    cv2.setRNGSeed(1)
    first = without_camera(pan)
    cv2.setRNGSeed(2)
    assert np.array_equal(first, without_camera(pan))
    assert np.abs(first[30:, 30:]).max() < 0.05 and np.allclose(first[12:18, 12:18], 4, atol=0.1)


def test_a_signature_forgets_the_place_and_the_amplitude_and_keeps_direction_and_time():
    left, right = np.zeros((4, SIDE, SIDE, 2), np.float32), np.zeros((4, SIDE, SIDE, 2), np.float32)
    left[:2, 5:20, 5:20, 0], right[:2, 25:40, 25:40, 0] = 3.0, 1.5
    assert likeness(signature(left), signature(right)) == pytest.approx(1, abs=0.01)
    assert likeness(signature(left, 4), signature(right, 4)) < 0.1
    assert likeness(signature(left), signature(-left)) < 0.01
    assert likeness(signature(left), signature(left[::-1])) == 0.0 == likeness(signature(left), signature(0 * left))


def test_following_only_the_camera_is_not_following_the_motion():
    camera = np.full((2, SIDE, SIDE, 2), (3.0, 0.0), np.float32)
    body = camera.copy()
    body[:, 15:30, 15:30, 1] += 3
    assert likeness(signature(camera), signature(body)) < 0.05 < 0.95 < likeness(signature(body), signature(body))


def test_a_panned_still_does_not_follow_a_subject_seen_by_a_moving_camera():
    """The truth: the square slides over a wall that the camera pans; the answer pans the reference as a whole."""
    wall = np.tile(texture(3, (60, 90, 70)), (1, 2, 1))
    skin, frames, masks, flow = texture(4, (200, 60, 60)), [], [], np.zeros((FRAMES - 1, SIDE, SIDE, 2), np.float32)
    for t in range(FRAMES):
        frame, mask = wall[:, 2 * t : 2 * t + SIDE].copy(), np.zeros((SIDE, SIDE), bool)
        y = 8 + 3 * t
        frame[y : y + 16, 16:32], mask[y : y + 16, 16:32] = skin[8:24, 8:24], True
        frames.append(frame)
        masks.append(mask)
    masks = np.stack(masks)
    flow[...] = np.where(masks[:-1, ..., None], (0.0, 3.0), (-2.0, 0.0))
    film = clip(np.stack(frames))
    target = Truth(clip=film, subject=masks, reference_subject=masks[0], seen=np.ones_like(masks), flow=flow)
    wide = np.concatenate([frames[0], frames[0][:, ::-1]], axis=1)
    panned = clip(np.stack([wide[:, 2 * t : 2 * t + SIDE] for t in range(FRAMES)]))
    about = {"case_id": "c", "driver": film, "reference": frames[0], "truth": target}
    assert motion_fidelity(Evidence(output=film, **about)) > 0.95
    assert motion_fidelity(Evidence(output=panned, **about)) < 0.1


def test_a_dragged_wall_where_the_subject_should_be_is_not_motion_fidelity():
    wall = texture(0, (60, 90, 70))
    dragged = clip(np.stack([np.roll(wall, int(STEP * t), axis=1) for t in range(FRAMES)]))
    assert motion_fidelity(evidence(dragged)) < 0.4
    assert contrast(CLIP.frames[0], MASKS[0])[MASKS[0]].mean() > 3 * contrast(wall, MASKS[0])[MASKS[0]].mean()


def test_uneven_motion_is_the_root_mean_square_of_its_acceleration():
    flows = np.zeros((4, SIDE, SIDE, 2), np.float32)
    flows[1::2, ..., 0] = 2.0
    assert unevenness_px(flows) == pytest.approx(2.0)
    assert unevenness_px(np.full_like(flows, 1.5)) == pytest.approx(0, abs=1e-5)


def test_smoothness_sees_jitter_and_leaps_and_pays_nothing_for_stillness():
    jitter = clip(np.stack([np.roll(frame, 2 * (-1) ** t, axis=0) for t, frame in enumerate(CLIP.frames)]))
    leaps = clip(CLIP.frames[[0, 0, 0, 3, 3, 3]])
    assert motion_smoothness(evidence(jitter)) < 0.5
    assert motion_smoothness(evidence(leaps)) < 0.9
    assert unevenness_px(evidence(STILL).output_flow) < unevenness_px(evidence().output_flow)  # so an uncapped score would exceed 1
    assert motion_smoothness(evidence(STILL)) == motion_smoothness(evidence(STILL, truth=None)) == 1.0


def test_held_frames_and_frames_in_the_wrong_order_are_seen_without_truth_too():
    held, swapped = clip(CLIP.frames[[0, 0, 2, 2, 4, 4]]), clip(CLIP.frames[[1, 0, 3, 2, 5, 4]])
    assert held_share(held.frames, CLIP.frames) == pytest.approx(0.6) and held_share(CLIP.frames, CLIP.frames) == 0
    assert held_share(STILL.frames, CLIP.frames) == 0  # a clip that never moves does not stutter: that is motion_fidelity's case
    assert turning_back(evidence(swapped).output_flow) == 1.0 and turning_back(evidence().output_flow) == 0
    for truth in (TRUTH, None):
        assert motion_smoothness(evidence(held, truth=truth)) < 0.6
        assert motion_smoothness(evidence(swapped, truth=truth)) < 0.2


def test_smoothness_grants_more_where_there_is_no_truth():
    uneven = clip(CLIP.frames[[0, 1, 2, 4, 5, 5]])
    assert motion_smoothness(evidence(uneven)) < motion_smoothness(evidence(uneven, truth=None)) < 1


def test_two_frames_have_no_acceleration():
    short = clip(CLIP.frames[:2])
    assert "needs 3" in motion_smoothness(evidence(short, truth=None, driver=clip(DRIVER.frames[:2]))).reason


def test_warp_error_is_what_motion_does_not_explain():
    brighter = np.stack([CLIP.frames[0], CLIP.frames[0] + np.uint8(5) * (CLIP.frames[0] < 250)])
    none = np.zeros((1, SIDE, SIDE, 2), np.float32)
    assert warp_error(brighter, none) == pytest.approx(5, abs=0.1)
    assert warp_error(np.repeat(CLIP.frames[:1], 2, 0), none) == 0


def test_consistency_sees_flicker_and_not_stillness_as_better():
    gains = np.array([1, 0.85] * 3)[:, None, None, None]
    assert temporal_consistency(evidence(clip((CLIP.frames * gains).astype(np.uint8)))) < 0.6
    still = evidence(STILL)  # changes less than the truth, so an uncapped score would exceed 1
    assert warp_error(still.output_frames, still.output_flow) < warp_error(still.truth_frames, still.truth_flow)
    assert temporal_consistency(still) == 1.0


@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_imaging_falls_with_blur_noise_and_sharpening(sigma):
    blurred, soft = (clip(np.stack([cv2.GaussianBlur(frame, (0, 0), s) for frame in CLIP.frames])) for s in (sigma, 0.8))
    noise = np.random.default_rng(0).normal(0, 6 * sigma, CLIP.frames.shape)
    noisy = clip(np.clip(CLIP.frames + noise, 0, 255).astype(np.uint8))
    sharp = clip(np.clip(CLIP.frames + 1.5 * (CLIP.frames.astype(float) - soft.frames), 0, 255).astype(np.uint8))
    for spoiled in (blurred, noisy, sharp):
        assert imaging_quality(evidence(spoiled)) < 0.95
        assert imaging_quality(evidence(spoiled, truth=None)) < 0.95


@pytest.mark.parametrize("k", [2, 3, 4])
def test_imaging_sees_repeated_pixels(k):
    blocks = clip(np.stack([np.kron(frame[k // 2 :: k, k // 2 :: k], np.ones((k, k, 1), np.uint8)) for frame in CLIP.frames]))
    for truth in (TRUTH, None):
        assert imaging_quality(evidence(blocks, truth=truth)) < 0.6


def test_evenness_of_repeated_pixels_is_a_closed_form():
    noise = np.random.default_rng(3).normal(128, 60, (48, 48)).astype(np.float32)
    for k in (2, 3, 4):
        blocks = np.kron(noise[: 48 // k, : 48 // k], np.ones((k, k), np.float32))
        assert evenness(blocks) - evenness(noise) == pytest.approx(-np.log(k), abs=0.1)
    assert evenness(np.tile(np.arange(48, dtype=np.float32) * 4, (48, 1))) == pytest.approx(0, abs=1e-6)


def test_imaging_sees_jpeg_blocks_and_lost_contrast():
    harsh = [cv2.imdecode(cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 8])[1], 1)[..., ::-1] for frame in CLIP.frames]
    flat = clip((128 + 0.3 * (CLIP.frames.astype(float) - 128)).astype(np.uint8))
    for truth in (TRUTH, None):
        assert imaging_quality(evidence(clip(np.stack(harsh)), truth=truth)) < 0.7
        assert imaging_quality(evidence(flat, truth=truth)) < 0.7
    checks = np.kron(np.random.default_rng(0).uniform(0, 255, (6, 6)), np.ones((8, 8))).astype(np.float32)
    assert blocks(checks) > 3 and abs(blocks(np.random.default_rng(0).normal(128, 40, (48, 48)).astype(np.float32))) < 0.15


def test_more_blur_never_helps():
    levels = [clip(np.stack([cv2.GaussianBlur(frame, (0, 0), s) for frame in CLIP.frames])) for s in (0.5, 0.8, 1.2, 2.0)]
    values = [imaging_quality(evidence(level)) for level in levels]
    assert values == sorted(values, reverse=True)


def test_appearance_tells_the_reference_from_the_driver():
    assert appearance_consistency(evidence(DRIVER)) == pytest.approx(0)
    assert appearance_consistency(evidence(STILL)) == 1.0
    assert appearance_consistency(evidence(DRIVER, truth=None)) == pytest.approx(0)
    assert appearance_consistency(evidence(truth=None)) > 0.9


def test_appearance_counts_the_worst_frames_of_a_slow_drift():
    weights = np.linspace(0, 1, FRAMES)[:, None, None, None]
    drift = clip((CLIP.frames * (1 - weights) + DRIVER.frames * weights).astype(np.uint8))
    assert appearance_consistency(evidence(drift)) < 0.5


def test_appearance_of_the_self_track_is_identity_over_time_and_look_alikes_are_unscored():
    assert appearance_consistency(evidence(driver=CLIP, track="self")) == 1.0
    assert appearance_consistency(evidence(DRIVER, driver=CLIP, track="self")) < 0.2
    assert isinstance(appearance_consistency(evidence(driver=CLIP)), Unscored)
    assert completeness(CLIP.frames[:1], CLIP.frames[0]) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("size", [(48, 48), (30, 52), (7, 20)])
def test_a_patch_is_found_where_it_is_nearest(size):
    picture, other = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    picture, other = (cv2.GaussianBlur(one, (0, 0), 2.0) for one in (picture, other))
    wanted = patches.sought(picture)
    near, shown = (patches._columns(patches._lab(one), stride).T for one, stride in ((picture, 2), (other, 1)))
    least = np.array([np.sqrt(((shown - patch) ** 2).sum(1).min()) for patch in near])
    assert patches.found(np.stack([other]), wanted)[0] == pytest.approx(np.exp(-least / patches.SCALE), abs=1e-4)
    assert patches.found(np.stack([picture]), wanted).min() > 0.99 and wanted.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 5, 64, 999])
def test_the_median_is_numpys(count):
    values = np.random.default_rng(count).random(count, np.float32)
    assert _median(values) == np.median(values)


def test_appearance_sees_shape_and_not_only_colours():
    """The square's own pixels in another order, the square gone, a grey patch on half of it: every histogram-keeping trick costs."""
    scrambled, gone, covered = CLIP.frames.copy(), CLIP.frames.copy(), CLIP.frames.copy()
    wall = texture(0, (60, 90, 70))
    for t, mask in enumerate(MASKS):
        order = np.random.default_rng(t).permutation(mask.sum())
        scrambled[t][mask] = CLIP.frames[t][mask][order]
        gone[t] = wall
        covered[t][14:24, 8 + 2 * t : 28 + 2 * t] = 128
    for truth, most in ((TRUTH, 0.92), (None, 0.97)):
        values = [appearance_consistency(evidence(clip(frames), truth=truth)) for frames in (scrambled, gone, covered)]
        assert max(values) < most and values[1] < 0.75


def test_the_driver_in_other_colours_is_not_the_reference():
    recoloured = clip((255 - DRIVER.frames // 2).astype(np.uint8))
    assert copied_structure(recoloured.frames, DRIVER.frames) > 0.9 > 0.7 > copied_structure(CLIP.frames, DRIVER.frames)
    for truth in (TRUTH, None):
        assert appearance_consistency(evidence(recoloured, truth=truth)) == 0.0


def test_psnr_closed_forms_and_cap():
    assert psnr(evidence()) == psnr_subject(evidence()) == 100.0
    shifted = clip(CLIP.frames // 2 + 10)
    target = Truth(clip=clip(CLIP.frames // 2), subject=MASKS, reference_subject=MASKS[0], seen=np.ones_like(MASKS), flow=FLOW)
    assert psnr(evidence(shifted, truth=target)) == pytest.approx(20 * np.log10(255 / 10))
    assert isinstance(psnr(evidence(truth=None)), Unscored)


def test_one_copied_frame_does_not_decide_the_psnr_of_a_clip():
    """Half the pixels exact, half 40 grey levels off: 3 dB above all of them off, wherever the exact ones stand in time."""
    base, off = CLIP.frames // 2, CLIP.frames // 2 + 40
    half = len(base) // 2
    in_frames = np.concatenate([base[:half], off[half:]])
    in_pixels = np.where(np.arange(base.shape[2])[:, None] < base.shape[2] // 2, base, off)
    target = Truth(clip=clip(base), subject=MASKS, reference_subject=MASKS[0], seen=np.ones_like(MASKS), flow=FLOW)
    all_off = psnr(evidence(clip(off), truth=target))
    assert psnr(evidence(clip(in_frames), truth=target)) == pytest.approx(all_off + 10 * np.log10(len(base) / (len(base) - half)))
    assert psnr(evidence(clip(in_pixels), truth=target)) == pytest.approx(all_off + 10 * np.log10(2))


def test_unseen_pixels_do_not_count_and_the_subject_region_is_the_union():
    seen = np.ones_like(MASKS)
    seen[:, :, 40:] = False
    spoiled = CLIP.frames.copy()
    spoiled[:, :, 40:] = 0
    masked = Truth(clip=CLIP, subject=MASKS, reference_subject=MASKS[0], seen=seen, flow=FLOW)
    assert psnr(evidence(clip(spoiled), truth=masked)) == 100.0 > psnr(evidence(clip(spoiled)))
    left_behind = CLIP.frames.copy()
    left_behind[5][MASKS[0] & ~MASKS[5]] = 0  # only where the reference had its subject
    assert psnr_subject(evidence(clip(left_behind))) < 100.0
    nothing = Truth(clip=CLIP, subject=MASKS, reference_subject=MASKS[0], seen=np.zeros_like(MASKS), flow=FLOW)
    assert isinstance(psnr(evidence(truth=nothing)), Unscored) and isinstance(ssim(evidence(truth=nothing)), Unscored)


def direct_ssim(x: np.ndarray, y: np.ndarray) -> float:
    """One channel, by the definition, at every pixel whose window lies inside."""
    taps = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window = np.outer(taps, taps) / taps.sum() ** 2
    views = [np.lib.stride_tricks.sliding_window_view(image.astype(float), (11, 11)) for image in (x, y)]
    mx, my = ((view * window).sum((-1, -2)) for view in views)
    vx, vy, vxy = (((a * b) * window).sum((-1, -2)) for a, b in ((views[0],) * 2, (views[1],) * 2, views))
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = (2 * mx * my + c1) * (2 * (vxy - mx * my) + c2) / ((mx**2 + my**2 + c1) * (vx - mx**2 + vy - my**2 + c2))
    return float(values.mean())


def test_ssim_equals_its_definition_and_scikit_image():
    a, b = CLIP.frames[0], CLIP.frames[3]
    ours = ssim_map(a, b)
    assert ours.shape == (SIDE - 10, SIDE - 10, 3)
    for channel in range(3):
        assert ours[..., channel].mean() == pytest.approx(direct_ssim(a[..., channel], b[..., channel]), abs=1e-6)
    assert ssim(evidence()) == pytest.approx(1)
    metrics = pytest.importorskip("skimage.metrics")
    theirs = metrics.structural_similarity(
        a, b, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ours.mean() == pytest.approx(theirs, abs=1e-5)


def test_overall_is_content_times_form_and_a_lag_costs_a_little():
    values = dict.fromkeys(PARTS, 0.5) | {"lag": 0.0, "completeness": 1.0}
    assert overall(values) == pytest.approx(0.25)
    assert overall(values | {"motion_fidelity": 0.0}) == 0
    assert overall(values | {"completeness": 0.5}) == pytest.approx(0.125)
    assert overall(values | {"lag": -1.2}) == pytest.approx(0.25 * (1 - LATE))
    assert overall(values | dict.fromkeys(FORM, 1.0) | {"ssim": Unscored(reason="needs the truth")}) == pytest.approx(0.5)
    assert overall(values | dict.fromkeys(FORM, 1.0) | {"ssim": -0.2}) == 0
    assert isinstance(overall(values | dict.fromkeys(CONTENT, Unscored(reason="x"))), Unscored)
    with pytest.raises(ValueError, match="motion_fidelity"):
        overall({name: 1.0 for name in PARTS if name != "motion_fidelity"})


def test_a_wrong_motion_cannot_be_bought_off_by_clean_frames():
    perfect = dict.fromkeys(PARTS, 1.0) | {"lag": 0.0}
    assert overall(perfect | {"motion_fidelity": 0.2, "ssim": 0.6}) < 0.6


@pytest.mark.parametrize("frames, word", [(CLIP.frames[:1], "output"), (CLIP.frames[:, :40], "output"), (CLIP.frames[:5], "output")])
def test_an_output_off_the_grid_is_refused_by_name(frames, word):
    with pytest.raises(ValueError, match=f"case c: {word}"):
        evidence(clip(frames))
    with pytest.raises(ValueError, match="track"):
        evidence(track="both")


@pytest.mark.parametrize("shade", [0, 255])
def test_one_colour_and_noise_give_finite_values_in_range(shade):
    flat = clip(np.full_like(CLIP.frames, shade))
    noise = clip(np.random.default_rng(1).integers(0, 256, CLIP.frames.shape, dtype=np.uint8))
    for output in (flat, noise):
        for truth in (TRUTH, None):
            for metric in FIVE:
                value = metric(evidence(output, truth=truth))
                assert np.isfinite(value) and 0 <= value <= 1
    assert np.isfinite(psnr(evidence(flat))) and np.isfinite(ssim(evidence(flat)))


def test_big_pictures_are_measured_on_a_working_raster():
    frames = np.zeros((2, 288, 512, 3), np.uint8)
    assert reduced(frames).shape == (2, 144, 256, 3)
    assert reduced(CLIP.frames) is CLIP.frames


def test_a_metric_describes_itself_or_is_refused():
    with pytest.raises(ValueError, match="low < high"):
        Metric(name="x", version="1", dimension="d", low=1, high=0, function=len)
    with pytest.raises(ValueError, match="name"):
        Metric(name="a b", version="1", dimension="d", low=0, high=1, function=len)


def test_a_variant_is_part_of_the_version_of_its_scores():
    about = {"name": "x", "version": "2", "dimension": "d", "low": 0, "high": 1, "function": len}
    assert Metric(**about).scored_version == Metric(**about, variant=lambda: "").scored_version == "2"
    assert Metric(**about, variant=lambda: "ab12cd").scored_version == "2+ab12cd"


def test_lengths_and_means_of_colours_are_those_of_numpy_to_the_bit():
    rng = np.random.default_rng(0)
    for channels in (1, 2, 3):
        vectors = rng.normal(0, 3, (5, 7, channels)).astype(np.float32)
        assert np.array_equal(lengths(vectors), np.linalg.norm(vectors, axis=-1))
    assert np.array_equal(channel_mean(vectors), vectors.mean(-1))

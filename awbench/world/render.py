"""Shot -> pictures and ground truth: frames, subject mask, pose, exact flow.

Characters are drawn at several times the size and averaged down; the scene is painted once and resampled per frame.
A frame depends on the shot and its time alone, never on the frames around it. Pixel (i, j) has its centre at x = j, y = i.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from awbench.world.affine import apply, compose, invert
from awbench.world.background import panorama
from awbench.world.camera import MARGIN, camera_path
from awbench.world.figure import paint
from awbench.world.palette import Colour
from awbench.world.shot import Shot
from awbench.world.stage import Stage, scene_window, stage_of
from models.types import Clip, PoseTrack, require


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rendering:
    """`subject` bool `[T,H,W]`; `pose` for plans with four limbs (animals: the counterparts), else None;
    `flow` float32 `[T-1,H,W,2]` px if asked for."""

    clip: Clip
    subject: np.ndarray
    pose: PoseTrack | None
    flow: np.ndarray | None


def _raster(size: tuple[int, int]) -> np.ndarray:
    """View -> px. The unit is the height, but narrow pictures show the whole width of a character."""
    width, height = size
    unit = float(min(height, 1.25 * width))
    return np.array([[unit, 0.0, (width - 1) / 2], [0.0, unit, (height - 1) / 2]])


def _oversampling(size: tuple[int, int]) -> int:
    return 4 if size[1] <= 96 else (3 if size[1] <= 288 else 2)


def check_raster(size: tuple[int, int], num_frames: int, fps: float) -> None:
    """Raises: ValueError naming what cannot be rendered."""
    ok = len(size) == 2 and all(isinstance(n, (int, np.integer)) and 8 <= n <= 4096 for n in size)
    require(ok, "render", "size", repr(size), "(width, height), whole numbers from 8 to 4096 px")
    require(isinstance(num_frames, (int, np.integer)) and num_frames >= 1, "render", "num_frames", repr(num_frames), "a whole number >= 1")
    require(bool(np.isfinite(fps)) and fps > 0, "render", "fps", repr(fps), "a finite number > 0")


@lru_cache(maxsize=8)
def _scene(seed: int, avoid: tuple[Colour, ...], framing: str, size: tuple[int, int], border: int) -> np.ndarray:
    raster = compose(_raster(size), scene_window(framing))
    raster[:, 2] += border
    image = panorama(seed, avoid, (size[0] + 2 * border, size[1] + 2 * border), raster)
    image.flags.writeable = False
    return image


def _backdrops(shot: Shot, avoid: tuple[Colour, ...], size: tuple[int, int], camera: np.ndarray) -> list[np.ndarray]:
    """The scene per frame, without shadows."""
    raster = _raster(size)
    if shot.camera == "static":
        return [_scene(shot.background, avoid, shot.framing, size, 0)] * len(camera)
    border = int(np.ceil(MARGIN * raster[0, 0])) + 1
    scene = _scene(shot.background, avoid, shot.framing, size, border)
    shift = np.array([[1.0, 0.0, -border], [0.0, 1.0, -border]])
    moves = compose(compose(compose(raster, camera), invert(raster)), shift)
    return [cv2.warpAffine(scene, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for move in moves]


def _shaded(image: np.ndarray, shadows: np.ndarray) -> np.ndarray:
    """`shadows` `[N,5]`: centre x, y, radii, darkness, in px. A product of two bells, so it costs two short vectors."""
    shade = np.ones(image.shape[:2], np.float32)
    rows, columns = np.arange(image.shape[0]), np.arange(image.shape[1])
    for x, y, rx, ry, dark in shadows:
        bell_x, bell_y = np.exp(-(((columns - x) / rx) ** 4)), np.exp(-(((rows - y) / ry) ** 2))
        shade *= 1 - (dark * bell_y[:, None] * bell_x[None]).astype(np.float32)
    return (image * shade[..., None] + 0.5).astype(np.uint8)


def _scaled(affines: np.ndarray, factor: int) -> np.ndarray:
    """Output px -> oversampled px, pixel centres at whole numbers in both."""
    grown = affines * factor
    grown[..., 2] += (factor - 1) / 2
    return grown


def _draw(stage: Stage, frame: int, size: tuple[int, int], ids: bool = False) -> np.ndarray:
    """One frame's characters, oversampled: premultiplied RGBA, or int32 part numbers (0 is background)."""
    factor = _oversampling(size)
    shape = (size[1] * factor, size[0] * factor)
    canvas = np.zeros(shape, np.int32) if ids else np.zeros((*shape, 4), np.uint8)
    for index in stage.order[frame]:
        actor = stage.actors[index]
        first = stage.first_id[index] if ids else None
        paint(canvas, actor.figure, _scaled(actor.affines[frame], factor), actor.depth[frame], first)
    return canvas


def _composed(stage: Stage, frame: int, backdrop: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    cut_out = cv2.resize(_draw(stage, frame, size), size, interpolation=cv2.INTER_AREA)
    scene = _shaded(backdrop, stage.shadows[frame])
    clear = 255 - cut_out[..., 3:].astype(np.uint16)
    picture = cut_out[..., :3] + ((scene * clear + 127) // 255).astype(np.uint8)
    return np.minimum(picture, 255), cut_out[..., 3] > 127


def render(shot: Shot, size: tuple[int, int], num_frames: int, fps: float, *, flow: bool = False) -> Rendering:
    """`num_frames` frames from the shot's start at `size` (W,H) px; exact flow only when asked for."""
    check_raster(size, num_frames, fps)
    times = np.arange(num_frames) / fps
    camera = camera_path(shot.camera, shot.camera_seed, times)
    stage = stage_of(shot, times, compose(_raster(size), camera))
    backdrops = _backdrops(shot, stage.colours, size, camera)
    drawn = [_composed(stage, i, backdrops[i], size) for i in range(num_frames)]
    frames, masks = (np.stack(part) for part in zip(*drawn))
    return Rendering(
        clip=Clip(frames=frames, fps=float(fps)),
        subject=masks,
        pose=_pose(stage, size, fps),
        flow=_flow(stage, camera, size) if flow else None,
    )


def render_still(shot: Shot, size: tuple[int, int], at_s: float = 0.0) -> np.ndarray:
    """The frame `at_s` seconds after the shot's start, uint8 `[H,W,3]`; equals frame k of a clip when `at_s` is k / fps."""
    check_raster(size, 1, 1.0)
    camera = camera_path(shot.camera, shot.camera_seed, np.array([at_s]))
    stage = stage_of(shot, np.array([at_s]), compose(_raster(size), camera))
    return _composed(stage, 0, _backdrops(shot, stage.colours, size, camera)[0], size)[0]


def _pose(stage: Stage, size: tuple[int, int], fps: float) -> PoseTrack | None:
    if any(actor.joints is None for actor in stage.actors):
        return None
    joints = np.stack([actor.joints for actor in stage.actors], 1)
    points = joints[..., :2]
    inside = np.all((points > -0.5) & (points < np.array(size) - 0.5), -1)
    return PoseTrack(points=points, confidence=joints[..., 2] * inside, skeleton="coco17", fps=float(fps))


def _flow(stage: Stage, camera: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    factor, raster = _oversampling(size), _raster(size)
    surface = compose(compose(raster, camera), invert(raster))[:, None]
    parts = np.concatenate([surface, *(actor.affines for actor in stage.actors)], 1)
    moves = compose(parts[1:], invert(parts[:-1]))
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float64)
    flows = np.zeros((len(moves), size[1], size[0], 2), np.float32)
    for t, move in enumerate(moves):
        part = move[_draw(stage, t, size, ids=True)[factor // 2 :: factor, factor // 2 :: factor]]
        for axis, here in ((0, x), (1, y)):
            flows[t, ..., axis] = part[..., axis, 0] * x + part[..., axis, 1] * y + part[..., axis, 2] - here
    return flows


def seen_from_reference(truth: Shot, reference: Shot, size: tuple[int, int], num_frames: int, fps: float) -> np.ndarray:
    """bool `[T,H,W]`: truth pixels whose place in the scene lies inside the reference picture (its first frame), or on a subject."""
    check_raster(size, num_frames, fps)
    camera = camera_path(truth.camera, truth.camera_seed, np.arange(num_frames) / fps)
    raster = _raster(size)
    to_scene, to_view = invert(scene_window(truth.framing)), scene_window(reference.framing)
    back = compose(compose(compose(raster, to_view), to_scene), invert(compose(raster, camera)))
    grid = np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1])), -1).reshape(1, -1, 2).astype(np.float64)
    points = apply(back, np.repeat(grid, num_frames, 0)).reshape(num_frames, size[1], size[0], 2)
    inside = np.all((points > -0.51) & (points < np.array(size) - 0.49), -1)
    return inside | render(truth, size, num_frames, fps).subject

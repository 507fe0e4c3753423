"""Shot -> pictures and ground truth: frames, masks, pose, exact flow.

Characters are drawn at several times the size and averaged down; the scene is painted once and resampled per frame.
A frame depends on the shot and its time alone, never on the frames around it. Pixel (i, j) has its centre at x = j, y = i.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from awbench.world.affine import compose, invert
from awbench.world.background import panorama
from awbench.world.camera import MARGIN, TRACK, camera_path, scene_path
from awbench.world.figure import SHIFT, paint, vertices_px
from awbench.world.palette import Colour
from awbench.world.shot import Shot
from awbench.world.stage import Stage, scene_window, stage_of
from models.types import Clip, PoseTrack, require


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rendering:
    """`subject` bool `[T,H,W]`: anybody; `subjects` bool `[T,N,H,W]`: who is seen where, a partition of `subject`;
    `pose` for plans with four limbs (animals: the counterparts), else None; a joint behind another character has confidence 0;
    `flow` float32 `[T-1,H,W,2]` px if asked for: the motion of what is seen at t, wherever it goes at t + 1."""

    clip: Clip
    subject: np.ndarray
    subjects: np.ndarray
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
def _scene(seed: int, avoid: tuple[Colour, ...], framing: str, size: tuple[int, int], border: tuple[int, int]) -> np.ndarray:
    raster = compose(_raster(size), scene_window(framing))
    raster[:, 2] += border
    image = panorama(seed, avoid, (size[0] + 2 * border[0], size[1] + 2 * border[1]), raster)
    image.flags.writeable = False
    return image


def _scene_moves(shot: Shot, camera: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """`[T,2,3]` view at rest -> where the scene is seen in the view: what a tracking camera passes, then the camera."""
    return compose(camera, scene_path(shot.camera, shot.facing, times_s))


def _backdrops(shot: Shot, avoid: tuple[Colour, ...], size: tuple[int, int], scene_moves: np.ndarray) -> list[np.ndarray]:
    """The scene per frame, without shadows."""
    raster = _raster(size)
    if shot.camera == "static":
        return [_scene(shot.background, avoid, shot.framing, size, (0, 0))] * len(scene_moves)
    reach = (TRACK, 0.0) if shot.camera == "tracking" else (MARGIN, MARGIN)
    border = (int(np.ceil(reach[0] * raster[0, 0])) + 1, int(np.ceil(reach[1] * raster[0, 0])) + 1)
    scene = _scene(shot.background, avoid, shot.framing, size, border)
    shift = np.array([[1.0, 0.0, -border[0]], [0.0, 1.0, -border[1]]])
    moves = compose(compose(compose(raster, scene_moves), invert(raster)), shift)
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _CutOut:
    """The characters of one frame, oversampled by `factor`, and where they lie: `image` `[h,w,...]` of `window` in the picture."""

    image: np.ndarray
    window: tuple[slice, slice]
    factor: int

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) of the window in output px."""
        return self.image.shape[1] // self.factor, self.image.shape[0] // self.factor


def _draw(stage: Stage, frame: int, size: tuple[int, int], ids: bool = False) -> _CutOut:
    """One frame's characters: premultiplied RGBA, or int32 part numbers (0 is background)."""
    factor = _oversampling(size)
    points = [vertices_px(actor.figure, _scaled(actor.affines[frame], factor)) for actor in stage.actors]
    unit = factor << SHIFT
    boxes = np.array([cv2.boundingRect(each) for each in points])
    low = np.clip(boxes[:, :2].min(0) // unit - 1, 0, np.array(size) - 1)
    high = np.clip((boxes[:, :2] + boxes[:, 2:]).max(0) // unit + 2, low + 1, size)
    shape = tuple(int(n) * factor for n in (high - low)[::-1])
    canvas = np.zeros(shape, np.int32) if ids else np.zeros((*shape, 4), np.uint8)
    for index in stage.order[frame]:
        actor, first = stage.actors[index], stage.first_id[index] if ids else None
        paint(canvas, actor.figure, points[index] - (low * unit).astype(np.int32), actor.depth[frame], first)
    return _CutOut(image=canvas, window=(slice(low[1], high[1]), slice(low[0], high[0])), factor=factor)


def _composed(stage: Stage, frame: int, backdrop: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    picture, mask, drawn = _shaded(backdrop, stage.shadows[frame]), np.zeros(size[::-1], bool), _draw(stage, frame, size)
    cut_out = cv2.resize(drawn.image, drawn.size, interpolation=cv2.INTER_AREA)
    clear = 255 - cut_out[..., 3:].astype(np.uint16)
    picture[drawn.window] = cut_out[..., :3] + ((picture[drawn.window] * clear + 127) // 255).astype(np.uint8)
    mask[drawn.window] = cut_out[..., 3] > 127
    return picture, mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Layers:
    """Which part is seen at each pixel's centre, uint16 `[H,W]`, and whose most of the pixel is, 1 to N (0: nobody), uint8 `[H,W]`."""

    parts: np.ndarray
    owner: np.ndarray


def _layers(stage: Stage, frame: int, size: tuple[int, int]) -> _Layers:
    drawn, count = _draw(stage, frame, size, ids=True), len(stage.actors)
    parts, owner, middle = np.zeros(size[::-1], np.uint16), np.zeros(size[::-1], np.uint8), slice(drawn.factor // 2, None, drawn.factor)
    parts[drawn.window] = drawn.image[middle, middle]
    if count == 1:
        return _Layers(parts=parts, owner=(parts > 0).astype(np.uint8))
    whose = np.concatenate([[0], *(np.full(b - a, i + 1) for i, (a, b) in enumerate(zip(stage.first_id, stage.first_id[1:])))])
    fine = whose.astype(np.uint8)[drawn.image]
    shares = [cv2.resize((fine == i + 1).view(np.uint8) * np.uint8(255), drawn.size, interpolation=cv2.INTER_AREA) for i in range(count)]
    owner[drawn.window] = np.where(np.max(shares, 0) > 0, 1 + np.argmax(shares, 0), 0)
    return _Layers(parts=parts, owner=owner)


def render(shot: Shot, size: tuple[int, int], num_frames: int, fps: float, *, flow: bool = False) -> Rendering:
    """`num_frames` frames from the shot's start at `size` (W,H) px; exact flow only when asked for."""
    check_raster(size, num_frames, fps)
    times = np.arange(num_frames) / fps
    camera = camera_path(shot.camera, shot.camera_seed, times)
    scene = _scene_moves(shot, camera, times)
    stage = stage_of(shot, times, compose(_raster(size), camera))
    backdrops = _backdrops(shot, stage.colours, size, scene)
    drawn = [_composed(stage, i, backdrops[i], size) for i in range(num_frames)]
    frames, masks = (np.stack(part) for part in zip(*drawn))
    layers = [_layers(stage, i, size) for i in range(num_frames)] if flow or shot.count > 1 else []
    owner = np.stack([layer.owner for layer in layers]) if shot.count > 1 else masks.astype(np.uint8)
    return Rendering(
        clip=Clip(frames=frames, fps=float(fps)),
        subject=masks,
        subjects=np.stack([masks & (owner == i + 1) for i in range(shot.count)], 1),
        pose=_pose(stage, owner, size, fps),
        flow=_flow(stage, layers, scene, size) if flow else None,
    )


def _pose(stage: Stage, owner: np.ndarray, size: tuple[int, int], fps: float) -> PoseTrack | None:
    if any(actor.joints is None for actor in stage.actors):
        return None
    joints = np.stack([actor.joints for actor in stage.actors], 1)
    points = joints[..., :2]
    inside = np.all((points > -0.5) & (points < np.array(size) - 0.5), -1)
    x, y = (np.rint(points[..., axis]).astype(int).clip(0, size[axis] - 1) for axis in (0, 1))
    there = owner[np.arange(len(owner))[:, None, None], y, x]
    own = (there == 0) | (there == 1 + np.arange(len(stage.actors))[:, None])
    return PoseTrack(points=points, confidence=joints[..., 2] * (inside & own), skeleton="coco17", fps=float(fps))


def _flow(stage: Stage, layers: list[_Layers], scene_moves: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    raster = _raster(size)
    surface = compose(compose(raster, scene_moves), invert(raster))[:, None]
    parts = np.concatenate([surface, *(actor.affines for actor in stage.actors)], 1)
    moves = compose(parts[1:], invert(parts[:-1]))
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float64)
    flows = np.zeros((len(moves), size[1], size[0], 2), np.float32)
    for t, (move, layer) in enumerate(zip(moves, layers)):
        part = move[layer.parts]
        for axis, here in ((0, x), (1, y)):
            flows[t, ..., axis] = part[..., axis, 0] * x + part[..., axis, 1] * y + part[..., axis, 2] - here
    return flows


def in_view_of(truth: Shot, reference: Shot, size: tuple[int, int], num_frames: int, fps: float) -> np.ndarray:
    """bool `[T,H,W]`: truth pixels whose place in the scene lies inside the reference picture (its first frame)."""
    check_raster(size, num_frames, fps)
    times = np.arange(num_frames) / fps
    raster = _raster(size)
    moves = _scene_moves(truth, camera_path(truth.camera, truth.camera_seed, times), times)
    to_scene, to_view = invert(scene_window(truth.framing)), scene_window(reference.framing)
    back = compose(compose(compose(raster, to_view), to_scene), invert(compose(raster, moves)))
    x, y = np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32)[:, None]
    inside = np.ones((num_frames, size[1], size[0]), bool)
    for t, move in enumerate(back.astype(np.float32)):
        for axis in (0, 1):
            place = move[axis, 0] * x + move[axis, 1] * y + move[axis, 2]
            inside[t] &= (place > -0.51) & (place < size[axis] - 0.49)
    return inside

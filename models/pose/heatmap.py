"""A tiny multi-person pose estimator: joint heatmaps, a centre heatmap and centre-to-joint offsets at stride 2.

A person is a peak of the centre map; the offsets there say where its joints should be, and each joint snaps to the
heatmap's best point nearby. Source: Zhou et al., "Objects as Points" (2019), section 5. Pictures of any size are resized
into a square of `INPUT_PX` with their aspect ratio kept; coordinates come back in px of the original.

Legend: B batch, J = 17 joints, m = INPUT_PX / 2 map side.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from models.artifacts import read_json, sha256_file
from models.pose.catalog import ESTIMATOR_FILE, written
from models.pose.people import stack_people
from models.pose.skeleton import MIRRORED
from models.types import Clip, PoseTrack, require

INPUT_PX = 48
STRIDE = 2
JOINT_COUNT = 17
MAX_PEOPLE = 4
CENTRE_THRESHOLD = 0.35
_VIEWS = np.array([(0, 0), (1, 1)])
"""A picture is looked at in its place and moved by a pixel (right, down), since where in a cell of 2 px a joint lies sways the answer, and
each time in the mirror too: error of the motion between frames 0.67 to 0.54 px, four times the price."""
_WEIGHTS, _CARD = "model.safetensors", ESTIMATOR_FILE
_NOBODY = np.zeros((0, JOINT_COUNT, 2), np.float32), np.zeros((0, JOINT_COUNT), np.float32)
"""What a picture of one colour shows; the network never saw one and half believes in a person there."""
_SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "tiny_pose_estimator"


def _block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.GroupNorm(8, outside), nn.SiLU())


class PoseNet(nn.Module):
    """RGB in [-1,1] `[B,3,48,48]` -> logits: joints `[B,17,m,m]`, centre `[B,1,m,m]`, offsets `[B,34,m,m]` in map cells."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width
        self.stem = _block(3, width)
        self.down1 = nn.Sequential(_block(width, width * 2, 2), _block(width * 2, width * 2))
        self.down2 = nn.Sequential(_block(width * 2, width * 3, 2), _block(width * 3, width * 3))
        self.down3 = nn.Sequential(_block(width * 3, width * 4, 2), _block(width * 4, width * 4))
        self.up2 = _block(width * 7, width * 3)
        self.up1 = _block(width * 5, width * 2)
        self.head = nn.Conv2d(width * 2, JOINT_COUNT + 1 + 2 * JOINT_COUNT, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        one = self.down1(self.stem(x))
        two = self.down2(one)
        three = self.down3(two)
        two = self.up2(torch.cat([F.interpolate(three, size=two.shape[-2:], mode="bilinear"), two], 1))
        one = self.up1(torch.cat([F.interpolate(two, size=one.shape[-2:], mode="bilinear"), one], 1))
        out = self.head(one)
        return out[:, :JOINT_COUNT], out[:, JOINT_COUNT : JOINT_COUNT + 1], out[:, JOINT_COUNT + 1 :] * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """A picture resized by `scale` and put at (`left`, `top`) of the network's square, px."""

    scale: float
    left: int
    top: int


def letterbox(frame: np.ndarray) -> tuple[np.ndarray, Letterbox]:
    """uint8 `[H,W,3]` -> uint8 `[48,48,3]` with grey bars, and how to get back."""
    height, width = frame.shape[:2]
    scale = INPUT_PX / max(height, width)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    box = Letterbox(scale=scale, left=(INPUT_PX - w) // 2, top=(INPUT_PX - h) // 2)
    square = np.full((INPUT_PX, INPUT_PX, 3), 127, np.uint8)
    shrunk = cv2.resize(frame, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square[box.top : box.top + h, box.left : box.left + w] = shrunk
    return square, box


def _peaks(centre: np.ndarray) -> list[tuple[int, int]]:
    tall = cv2.dilate(centre, np.ones((5, 5), np.uint8)) == centre
    rows, columns = np.nonzero(tall & (centre > CENTRE_THRESHOLD))
    order = np.argsort(-centre[rows, columns], kind="stable")[:MAX_PEOPLE]
    return [(int(rows[i]), int(columns[i])) for i in order]


def _snap(heat: np.ndarray, guess: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """The best points (x, y) `[K,2]` of heatmaps `[K,m,m]` near guesses `[K,2]`, and the values `[K]` there.

    Sub-cell: the summit of the Gaussian through the peak and its neighbours. Source: Zhang et al., "Distribution-Aware Coordinate
    Representation for Human Pose Estimation" (2020), section 3.1.
    """
    side = np.arange(heat.shape[-1])
    across, along = (np.exp(-((side - guess[:, axis, None]) ** 2) / (2 * radius**2)) for axis in (0, 1))
    best = (heat * (along[:, :, None] * across[:, None, :])).reshape(len(heat), -1).argmax(1)
    row, column = np.unravel_index(best, heat.shape[1:])
    each = np.arange(len(heat))
    summits = _summit(heat[each, row], column), _summit(heat[each, :, column], row)
    return np.stack([column + summits[0], row + summits[1]], -1), heat[each, row, column]


def _summit(lines: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """How far, in cells within 1/2, the summit of the Gaussian through a line's values around its peak lies from it; `[K,m]`, `[K]`."""
    inside = np.clip(peak, 1, lines.shape[1] - 2)
    before, here, after = (np.log(np.maximum(lines[np.arange(len(lines)), inside + step], 1e-6)) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    bent = (bend < -1e-6) & (inside == peak)
    return np.where(bent, np.clip(0.5 * (before - after) / np.where(bent, bend, -1.0), -0.5, 0.5), 0.0)


def decode(joints: np.ndarray, centre: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maps of one frame (probabilities `[V,17,m,m]`, `[m,m]`, offsets `[34,m,m]`) -> points `[N,17,2]` in map cells, confidence `[N,17]`.

    The first V of `_VIEWS` say each where a joint is; the mean of what they say is taken.
    """
    people, scores = [], []
    for row, column in _peaks(centre):
        guess = offsets[:, row, column].reshape(JOINT_COUNT, 2) + (column, row)
        radius = max(1.0, 0.08 * float(np.ptp(guess[:, 1])))
        shifts = (_VIEWS[: len(joints), None] / STRIDE).repeat(JOINT_COUNT, 1)
        points, values = _snap(joints.reshape(-1, *joints.shape[2:]), (guess + shifts).reshape(-1, 2), radius)
        people.append((points.reshape(shifts.shape) - shifts).mean(0))
        scores.append(values.reshape(shifts.shape[:2]).mean(0))
    shape = (len(people), JOINT_COUNT)
    return np.asarray(people, np.float32).reshape(*shape, 2), np.asarray(scores, np.float32).reshape(shape)


class HeatmapEstimator:
    """The `PoseEstimator` around a `PoseNet`. `weights_hash`: sha256 of its file, "" when it was never saved."""

    skeleton = "coco17"

    def __init__(self, net: PoseNet, weights_hash: str = "", name: str = "tiny") -> None:
        self.net, self.weights_hash, self.name = net.eval(), weights_hash, name

    @torch.no_grad()
    def estimate(self, clip: Clip) -> PoseTrack:
        squares, boxes = zip(*(letterbox(frame) for frame in clip.frames))
        maps = []
        for start in range(0, len(squares), 64):
            batch = torch.from_numpy(np.stack(squares[start : start + 64])).permute(0, 3, 1, 2).float() / 127.5 - 1
            views = [self._with_mirror(_moved(batch, *view)) for view in _VIEWS]
            joints = torch.stack([view[0] for view in views], 1)
            maps += list(zip(joints.numpy(), views[0][1][:, 0].numpy(), views[0][2].numpy()))
        found = [decode(*one) if (frame != frame[:1, :1]).any() else _NOBODY for one, frame in zip(maps, clip.frames)]
        points, confidence = stack_people(found, JOINT_COUNT)
        box = boxes[0]
        pixels = ((points + 0.5) * STRIDE - (box.left, box.top)) / box.scale - 0.5
        return PoseTrack(points=pixels, confidence=np.clip(confidence, 0, 1), skeleton=self.skeleton, fps=clip.fps)

    def _with_mirror(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The mean of what the network says of pictures and of their mirror images; maps as probabilities."""
        said, mirrored = ((j.sigmoid(), c.sigmoid(), o) for j, c, o in (self.net(pictures), self.net(pictures.flip(-1))))
        joints, centre, offsets = (x.flip(-1) for x in mirrored)
        sign = torch.tensor([-1.0, 1.0])[:, None, None]
        offsets = offsets.unflatten(1, (JOINT_COUNT, 2))[:, list(MIRRORED)] * sign
        return tuple((a + b) / 2 for a, b in zip(said, (joints[:, list(MIRRORED)], centre, offsets.flatten(1, 2))))


def _moved(pictures: torch.Tensor, right: int, down: int) -> torch.Tensor:
    """Pictures `[B,3,H,W]` moved by so many px, edges replicated."""
    return F.pad(pictures, (right, 0, down, 0), mode="replicate")[..., : pictures.shape[-2], : pictures.shape[-1]]


def save_estimator(net: PoseNet, folder: Path, card: dict) -> None:
    """Write `model.safetensors` (fp16) and, last, `estimator.json`."""
    from safetensors.torch import save

    from models.artifacts import write_json
    from models.storage import write_bytes

    write_bytes(folder / _WEIGHTS, save({k: v.detach().half().contiguous() for k, v in net.state_dict().items()}))
    write_json(folder / _CARD, {"class": "HeatmapEstimator", "width": net.width, "sha256": sha256_file(folder / _WEIGHTS), **card})


def load_estimator(folder: Path) -> HeatmapEstimator:
    """Load an estimator folder. Raises ValueError naming what is missing or does not fit."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    card = read_json(folder / _CARD) if (folder / _CARD).is_file() else {}
    require(card.get("class") == "HeatmapEstimator", str(folder), "estimator.json class", card.get("class"), "HeatmapEstimator")
    try:
        net = PoseNet(int(card["width"]))
        net.load_state_dict({k: v.float() for k, v in load_file(folder / _WEIGHTS).items()})
    except (SafetensorError, RuntimeError, KeyError, OSError) as error:
        raise ValueError(
            f"{folder}: {_WEIGHTS} is damaged or not the one of {_CARD} ({type(error).__name__}); train or copy it again"
        ) from error
    name = "tiny" if folder.resolve() == _SHIPPED else written("tiny", folder)
    return HeatmapEstimator(net, sha256_file(folder / _WEIGHTS), name)


def create(argument: str | None) -> HeatmapEstimator:
    """`tiny` is the shipped one, `tiny:FOLDER` that of an estimator folder."""
    return load_estimator(_SHIPPED if argument is None else Path(argument).expanduser())

"""Trains the tiny pose estimator on annotated frames of people, and measures it (PCK).

Targets: a Gaussian per joint and one per person's centre (the middle of the seen joints) at stride 2, and the offsets
from the centre to every joint. Source: Zhou et al., "Objects as Points" (2019), sections 3 and 5; PCK after Yang and
Ramanan (2013): a joint is right when it lies within `alpha` of the person's box size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from models.artifacts import read_json
from models.pose.heatmap import INPUT_PX, JOINT_COUNT, STRIDE, HeatmapEstimator, PoseNet, load_estimator, save_estimator
from models.pose.skeleton import MIRRORED
from models.progress import Progress
from models.seeds import item_rng, item_seed
from models.types import PoseTrack, require

_MAPS = INPUT_PX // STRIDE
_SIGMA_CELLS = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnnotatedFrames:
    """`frames` uint8 `[M,48,48,3]`; `points` float32 `[M,P,17,2]` px; `confidence` `[M,P,17]`, 0 where a joint is not shown."""

    frames: np.ndarray
    points: np.ndarray
    confidence: np.ndarray

    def __post_init__(self) -> None:
        shape = self.frames.shape
        require(shape[1:] == (INPUT_PX, INPUT_PX, 3), "pose training", "frames", shape, f"[M,{INPUT_PX},{INPUT_PX},3]")
        require(
            self.points.shape[:1] + self.points.shape[2:] == (shape[0], JOINT_COUNT, 2),
            "pose training",
            "points",
            self.points.shape,
            "[M,P,17,2]",
        )


def _augment(frame: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, bool]:
    import cv2

    mirrored, scale, angle = rng.random() < 0.5, rng.uniform(0.7, 1.15), rng.uniform(-12, 12)
    centre = (INPUT_PX - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), angle, scale)
    matrix[:, 2] += rng.uniform(-4, 4, 2)
    frame = cv2.warpAffine(frame, matrix, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    gain, bias = rng.uniform(0.75, 1.25, 3), rng.uniform(-20, 20, 3)
    frame = np.clip(frame * gain + bias, 0, 255).astype(np.uint8)
    frame = frame[..., rng.permutation(3)] if rng.random() < 0.3 else frame
    points = points @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)
    return (frame[:, ::-1], (INPUT_PX - 1, 0) + points * (-1, 1), True) if mirrored else (frame, points, False)


def targets_of(points_PJ2: np.ndarray, seen_PJ: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Maps of one frame: joints `[17,m,m]`, centre `[m,m]`, offsets `[34,m,m]` and where they count `[34,m,m]`."""
    y, x = np.mgrid[:_MAPS, :_MAPS].astype(np.float32)
    cells = (points_PJ2 + 0.5) / STRIDE - 0.5
    joints, centre = np.zeros((JOINT_COUNT, _MAPS, _MAPS), np.float32), np.zeros((_MAPS, _MAPS), np.float32)
    offsets, weight = np.zeros((2, 2 * JOINT_COUNT, _MAPS, _MAPS), np.float32)
    for person, seen in zip(cells, seen_PJ):
        inside = seen & (person >= 0).all(-1) & (person <= _MAPS - 1).all(-1)
        if inside.sum() < 4:
            continue
        blobs = np.exp(-((x - person[:, 0, None, None]) ** 2 + (y - person[:, 1, None, None]) ** 2) / (2 * _SIGMA_CELLS**2))
        joints = np.maximum(joints, blobs * inside[:, None, None])
        middle = person[inside].mean(0)
        bump = np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / (2 * (1.5 * _SIGMA_CELLS) ** 2))
        near = bump > np.maximum(centre, 0.3)
        centre = np.maximum(centre, bump)
        vectors = person[:, :, None, None] - np.stack([x, y])[None]
        offsets[:, near] = vectors.reshape(2 * JOINT_COUNT, _MAPS, _MAPS)[:, near]
        weight[:, near] = np.repeat(seen, 2)[:, None] * bump[near]
    return joints, centre, offsets, weight


def _batch(data: AnnotatedFrames, count: int, seed: int, step: int) -> list[torch.Tensor]:
    rng = item_rng(seed, "pose batch", step)
    pictures, maps = [], []
    for index in rng.integers(len(data.frames), size=count):
        frame, points, mirrored = _augment(data.frames[index], data.points[index], rng)
        seen = data.confidence[index] > 0
        points, seen = (points[:, MIRRORED], seen[:, MIRRORED]) if mirrored else (points, seen)
        pictures.append(frame)
        maps.append(targets_of(points.astype(np.float32), seen))
    images = torch.from_numpy(np.ascontiguousarray(np.stack(pictures))).permute(0, 3, 1, 2).float() / 127.5 - 1
    return [images, *(torch.from_numpy(np.stack(part)) for part in zip(*maps))]


def fit_estimator(
    data: AnnotatedFrames, *, steps: int, out: str | Path, seed: int = 0, batch_size: int = 32, lr: float = 2e-3, width: int = 32
) -> HeatmapEstimator:
    """Train from scratch (minutes on one core, not resumed after a kill) and write an estimator folder.

    A finished folder is loaded instead; one of other settings or data is refused with ValueError.
    """
    folder, about = (
        Path(out),
        {"steps": steps, "seed": seed, "frames": len(data.frames), "batch_size": batch_size, "lr": lr, "width": width},
    )
    if (folder / "estimator.json").is_file():
        before = read_json(folder / "estimator.json")
        for name, value in about.items():
            require(
                before.get(name) == value, str(folder), name, value, f"{before.get(name)} as in the finished estimator", "use another --out"
            )
        return load_estimator(folder)
    torch.manual_seed(item_seed(seed, "pose init") % 2**31)
    net = PoseNet(width)
    optimizer = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    with Progress("train pose estimator", total=steps) as bar:
        for step in range(steps):
            images, joints, centre, offsets, weight = _batch(data, batch_size, seed, step)
            joint_logits, centre_logits, offset = net(images)
            heat = _heat_loss(joint_logits, joints) + _heat_loss(centre_logits[:, 0], centre)
            regression = (weight * (offset - offsets).abs()).sum() / weight.sum().clamp(min=1)
            loss = heat + 0.1 * regression
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            bar.step(note=f"heat {heat.item():.4f} offset {regression.item():.2f} cells")
    save_estimator(net, folder, about)
    return load_estimator(folder)


def _rate(step: int, steps: int) -> float:
    """Warm-up over a tenth of the steps, then half a cosine down to zero."""
    return min((step + 1) / max(1, steps // 10), 0.5 * (1 + math.cos(math.pi * step / steps)))


def _heat_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with soft targets, cells near a joint weighing more, since most of a map is empty."""
    weight = 1 + 8 * target
    return (weight * F.binary_cross_entropy_with_logits(logits, target, reduction="none")).mean() * 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pck:
    """`share`: joints within `alpha` of the person's box; `found`: share of annotated people with any estimate; n people."""

    share: float
    found: float
    people: int
    alpha: float


def pck(estimate: PoseTrack, truth: PoseTrack, alpha: float = 0.1) -> Pck:
    """Percentage of correct keypoints over shown joints; a person that was not found has no right joint."""
    right = shown = found = people = 0
    for t in range(len(truth)):
        for points, confidence in zip(truth.points[t], truth.confidence[t]):
            seen = confidence > 0
            if not seen.any():
                continue
            people += 1
            shown += int(seen.sum())
            reach = alpha * float(np.ptp(points[seen], axis=0).max())
            candidates = [p for p, c in zip(estimate.points[t], estimate.confidence[t]) if (c > 0).any()]
            hits = [int((np.linalg.norm(p - points, axis=-1)[seen] <= reach).sum()) for p in candidates]
            found += bool(hits)
            right += max(hits, default=0)
    return Pck(share=right / max(shown, 1), found=found / max(people, 1), people=people, alpha=alpha)

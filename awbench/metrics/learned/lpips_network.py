"""LPIPS as a network of your own weights: AlexNet or VGG-16 features, unit-normalised per place, squared differences weighted per channel.

Weights are what `lpips.LPIPS(net="alex" or "vgg").state_dict()` holds, saved as safetensors; or torchvision's backbone
(`features.N.weight`) and the `lin0.model.1.weight` ... of the lpips package in one or two files. torch is imported when it is loaded.
Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018), version 0.1 of its weights.

Legend: N pictures, C channels, L = 5 layers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from awbench.metrics.learned.files import lpips_files
from models.runtime import Runtime
from models.types import require

BATCH, MIN_SIDE_PX = 4, 64
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Of colours in [-1,1], as the published weights expect."""

# one tuple a layer whose features are compared: "pool" or (index of the convolution in torchvision's `features`, stride, padding)
_ALEX = (((0, 4, 2),), ("pool", (3, 1, 2)), ("pool", (6, 1, 1)), ((8, 1, 1),), ((10, 1, 1),))
_VGG = (
    ((0, 1, 1), (2, 1, 1)),
    ("pool", (5, 1, 1), (7, 1, 1)),
    ("pool", (10, 1, 1), (12, 1, 1), (14, 1, 1)),
    ("pool", (17, 1, 1), (19, 1, 1), (21, 1, 1)),
    ("pool", (24, 1, 1), (26, 1, 1), (28, 1, 1)),
)
_BACKBONES = {(64, 3, 11, 11): (_ALEX, (3, 2)), (64, 3, 3, 3): (_VGG, (2, 2))}
"""Shape of the first convolution -> layers, and kernel and stride of the pooling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lpips:
    """`weights`: tensors by "N.weight", "N.bias" of the backbone and "lin0" ... "lin4"."""

    layers: tuple
    pool: tuple[int, int]
    weights: Mapping[str, Any]
    device: Any

    def distances(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """uint8 `[N,H,W,3]` twice -> float32 `[N]`, 0 for equals; pictures with a short side below 64 px are enlarged to it."""
        import torch

        with torch.inference_mode():
            parts = [self._batch(a[start : start + BATCH], b[start : start + BATCH]) for start in range(0, len(a), BATCH)]
            return torch.cat(parts).cpu().numpy()

    def _batch(self, a: np.ndarray, b: np.ndarray) -> Any:
        total = 0
        for k, (x, y) in enumerate(zip(self._features(a), self._features(b))):
            total = total + ((x - y) ** 2 * self.weights[f"lin{k}"]).sum(1).mean((1, 2))
        return total

    def _features(self, frames: np.ndarray) -> list[Any]:
        """Unit features `[N,C,h,w]` of the layers."""
        import torch
        from torch.nn import functional as F

        x = torch.from_numpy(_prepared(frames)).to(self.device)
        found = []
        for layer in self.layers:
            for step in layer:
                if step == "pool":
                    x = F.max_pool2d(x, *self.pool)
                else:
                    index, stride, padding = step
                    x = F.relu(F.conv2d(x, self.weights[f"{index}.weight"], self.weights[f"{index}.bias"], stride, padding))
            found.append(x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10))
        return found


def _prepared(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:3]
    scale = MIN_SIDE_PX / min(height, width)
    if scale > 1:
        size = (round(width * scale), round(height * scale))
        frames = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR) for frame in frames])
    colours = (frames.astype(np.float32) / 127.5 - 1 - np.float32(_SHIFT)) / np.float32(_SCALE)
    return np.ascontiguousarray(colours.transpose(0, 3, 1, 2))


@lru_cache(maxsize=1)
def load_lpips(text: str, device: str = "cpu") -> Lpips:
    """Raises ValueError naming the tensor that is missing or does not fit."""
    from safetensors.torch import load_file

    state: dict[str, Any] = {}
    for file in lpips_files(text):
        state |= {_plain(name): tensor for name, tensor in load_file(str(file)).items()}
    item = f"--lpips {text}"
    shape = tuple(state["0.weight"].shape) if "0.weight" in state else None
    require(shape in _BACKBONES, item, "first convolution", shape or f"none in {sorted(state)[:5]}", "that of AlexNet or VGG-16")
    layers, pool = _BACKBONES[shape]
    ends = [[step[0] for step in layer if step != "pool"] for layer in layers]
    wanted = [f"{k}.{part}" for layer in ends for k in layer for part in ("weight", "bias")] + [f"lin{k}" for k in range(len(layers))]
    missing = [name for name in wanted if name not in state]
    require(not missing, item, "tensors", f"no {', '.join(missing[:4])}", "backbone and lin0 ... lin4 of the lpips package")
    for k, layer in enumerate(ends):
        got, need = tuple(state[f"lin{k}"].shape), (1, state[f"{layer[-1]}.weight"].shape[0], 1, 1)
        require(got == need, item, f"lin{k}", got, f"{need} as the backbone's layer")
    place = Runtime(device=device).torch_device()
    return Lpips(layers=layers, pool=pool, weights={name: state[name].float().to(place) for name in wanted}, device=place)


def _plain(name: str) -> str:
    """`net.slice2.3.weight` and `features.3.weight` -> `3.weight`; `lin0.model.1.weight` and `lins.0.model.1.weight` -> `lin0`."""
    if found := re.fullmatch(r"(?:net\.slice\d+|features)\.(\d+)\.(weight|bias)", name):
        return f"{found[1]}.{found[2]}"
    found = re.fullmatch(r"lins?\.?(\d)\.model\.1\.weight", name)
    return f"lin{found[1]}" if found else name

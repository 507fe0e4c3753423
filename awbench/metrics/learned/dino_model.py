"""A DINO (or any) image network of timm from a local folder or file: features of pictures. torch and timm are imported on loading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from awbench.metrics.learned.files import dino_files
from awbench.metrics.learned.likeness import unit
from models.runtime import Runtime
from models.types import require

BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNetwork:
    """`size` (W,H) px of the network's input; `mean`, `std` float32 `[3]` of colours 0-1."""

    network: Any
    size: tuple[int, int]
    mean: np.ndarray
    std: np.ndarray
    device: Any

    def pictures(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """uint8 `[H,W,3]` of any sizes, stretched to the input -> unit features float32 `[N,D]`."""
        import torch

        features = []
        with torch.inference_mode():
            for start in range(0, len(pictures), BATCH):
                batch = np.stack([self._prepared(picture) for picture in pictures[start : start + BATCH]]).transpose(0, 3, 1, 2)
                features.append(self.network(torch.from_numpy(np.ascontiguousarray(batch)).to(self.device)).float().cpu().numpy())
        return unit(np.concatenate(features))

    def _prepared(self, picture: np.ndarray) -> np.ndarray:
        way = cv2.INTER_AREA if picture.shape[0] > self.size[1] else cv2.INTER_CUBIC
        return (cv2.resize(picture, self.size, interpolation=way).astype(np.float32) / 255 - self.mean) / self.std


@lru_cache(maxsize=1)
def load_dino(text: str, device: str = "cpu") -> ImageNetwork:
    """The network of a timm folder, or of NAME.safetensors where timm knows NAME. Raises ValueError where timm does not fit the file."""
    import timm

    path, weights = Path(text).expanduser(), dino_files(text)[0]
    place = Runtime(device=device).torch_device()
    name = f"local-dir:{path}" if path.is_dir() else path.name.removesuffix(".safetensors")
    overlay = {} if path.is_dir() else {"pretrained_cfg_overlay": {"file": str(weights), "source": "file"}}
    try:
        network = timm.create_model(name, pretrained=True, num_classes=0, **overlay)
    except Exception as error:  # timm's own errors share no narrower class
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ValueError(f"--dino {text}: got {reason}, expected weights of the timm model {name}") from error
    facts = timm.data.resolve_model_data_config(network)
    channels, height, width = facts["input_size"]
    require(channels == 3, f"--dino {text}", "channels", channels, "3")
    mean, std = (np.float32(facts[key]) for key in ("mean", "std"))
    return ImageNetwork(network=network.eval().to(place), size=(width, height), mean=mean, std=std, device=place)

"""An open_clip model from a local folder: features of pictures and of texts. torch and open_clip are imported when it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from awbench.metrics.learned.likeness import unit
from models.runtime import Runtime

BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipModel:
    """`network`, `preprocess` and `tokenizer` are open_clip's own."""

    network: Any
    preprocess: Any
    tokenizer: Any
    device: Any

    def pictures(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """uint8 `[H,W,3]` of any sizes -> unit features float32 `[N,D]`."""
        import torch
        from PIL import Image

        features = []
        with torch.inference_mode():
            for start in range(0, len(pictures), BATCH):
                batch = torch.stack([self.preprocess(Image.fromarray(picture)) for picture in pictures[start : start + BATCH]])
                features.append(self.network.encode_image(batch.to(self.device)).float().cpu().numpy())
        return unit(np.concatenate(features))

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts -> unit features float32 `[N,D]`; what is longer than the context is cut off by the tokenizer."""
        import torch

        with torch.inference_mode():
            return unit(self.network.encode_text(self.tokenizer(list(texts)).to(self.device)).float().cpu().numpy())


@lru_cache(maxsize=1)
def load_clip(folder: str, device: str = "cpu") -> ClipModel:
    """The model in `folder`, which `files.clip_files` has found good; safetensors first, a .bin by the restricted reader only."""
    import open_clip

    place, name = Runtime(device=device).torch_device(), f"local-dir:{folder}"
    network, _, preprocess = open_clip.create_model_and_transforms(name, device=place, weights_only=True)
    return ClipModel(network=network.eval(), preprocess=preprocess, tokenizer=open_clip.get_tokenizer(name), device=place)

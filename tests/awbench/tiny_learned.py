"""Tiny random models in the folders that learned metrics read, and clips for them. What they say means nothing; that it is kept does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from awbench.cases import Truth
from awbench.evidence import Evidence
from models.types import Clip

NORMAL = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}
CLIP_CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
"""1.75 M parameters, nine tenths of them the vocabulary's."""
DINO_ARGS = {"img_size": 32, "patch_size": 16, "embed_dim": 32, "depth": 2, "num_heads": 2}


def write_clip(folder: Path, seed: int = 0, pickled: bool = False) -> Path:
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CLIP_CONFIG, "preprocess_cfg": NORMAL}))
    torch.manual_seed(seed)
    state = {name: tensor.contiguous() for name, tensor in open_clip.model.CLIP(**CLIP_CONFIG).state_dict().items()}
    if pickled:
        torch.save(state, folder / "open_clip_pytorch_model.bin")
    else:
        save_file(state, folder / "open_clip_model.safetensors")
    return folder


def write_dino(folder: Path, seed: int = 0) -> Path:
    import timm
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=0, **DINO_ARGS)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / "model.safetensors")
    facts = {"input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.25] * 3, "num_classes": 0, "fixed_input_size": True}
    card = {"architecture": "vit_tiny_patch16_224", "num_classes": 0, "model_args": DINO_ARGS, "pretrained_cfg": facts}
    (folder / "config.json").write_text(json.dumps(card))
    return folder


def write_lpips(folder: Path, seed: int = 0) -> Path:
    """AlexNet in torchvision's names and, in a file of its own, linear layers in the lpips package's."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    shapes = {0: (64, 3, 11, 11), 3: (192, 64, 5, 5), 6: (384, 192, 3, 3), 8: (256, 384, 3, 3), 10: (256, 256, 3, 3)}
    backbone = {f"features.{k}.weight": 0.03 * torch.randn(shape) for k, shape in shapes.items()}
    backbone |= {f"features.{k}.bias": torch.zeros(shape[0]) for k, shape in shapes.items()}
    lines = {f"lin{n}.model.1.weight": torch.rand(1, shape[0], 1, 1) for n, shape in enumerate(shapes.values())}
    save_file(backbone, folder / "backbone.safetensors")
    save_file(lines, folder / "linear.safetensors")
    return folder


def picture(tone: tuple[int, int, int], size: int = 48) -> np.ndarray:
    """A disc of one colour with stripes on grey, uint8 `[size,size,3]`."""
    y, x = np.mgrid[:size, :size]
    disc = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 3) ** 2
    stripes = np.where((x // 4) % 2, 1.0, 0.6)[..., None]
    return np.where(disc[..., None], np.array(tone) * stripes, 128).astype(np.uint8)


RED, BLUE = picture((230, 40, 40)), picture((20, 60, 240))


def clip(*pictures: np.ndarray, fps: float = 8.0) -> Clip:
    return Clip(frames=np.stack(pictures), fps=fps)


def blended(share: float, count: int = 8) -> Clip:
    """RED on its way to BLUE, the same in every frame."""
    return clip(*[np.round((1 - share) * RED + share * BLUE).astype(np.uint8)] * count)


def evidence(output: Clip, *, truth: Truth | None = None, prompt: str = "", driver: Clip | None = None) -> Evidence:
    return Evidence(case_id="c", output=output, driver=driver or output, reference=RED, truth=truth, prompt=prompt)


def truth_of(answer: Clip) -> Truth:
    """A truth in which everything is seen and the subject fills a window right of the middle."""
    masks = np.zeros(answer.frames.shape[:3], bool)
    masks[:, 10:30, 20:40] = True
    flow = np.zeros((len(answer) - 1, *answer.frames.shape[1:3], 2), np.float32)
    return Truth(clip=answer, subject=masks, reference_subject=masks[0], seen=np.ones_like(masks), flow=flow)

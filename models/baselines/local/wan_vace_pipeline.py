"""The network part of `wan_vace`: diffusers' pipeline called segment by segment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.backbones.diffusers_folder import Component, check_folder, fingerprint, load_pipeline
from models.baselines.local.control import build_control
from models.baselines.local.controlled import ControlledAnimator, Shot
from models.baselines.local.wan_vace import TRANSFORMERS, WanVaceOptions
from models.baselines.local.wan_words import words
from models.capabilities import Capabilities
from models.runtime import Runtime
from models.types import require

COMPONENTS = {
    "transformer": Component(classes=TRANSFORMERS),
    "vae": Component(classes=("AutoencoderKLWan",)),
    "text_encoder": Component(classes=("UMT5EncoderModel", "T5EncoderModel"), needed=False),
}


class WanVacePainter:
    """`pipe`: a `WanVACEPipeline`."""

    def __init__(self, pipe: Any, options: WanVaceOptions) -> None:
        self.pipe, self.options = pipe, options

    @torch.inference_mode()
    def paint(self, shot: Shot) -> np.ndarray:
        length, height, width = shot.control.shape[:3]
        frames = self.pipe(
            **self._condition(shot),
            **words(self.pipe, shot.prompt, self.options.negative_prompt, self.options.guidance),
            height=height,
            width=width,
            num_frames=length,
            num_inference_steps=self.options.steps,
            guidance_scale=self.options.guidance,
            conditioning_scale=self.options.control_scale,
            generator=shot.generator,
            output_type="np",
        ).frames[0]
        return np.uint8(np.round(frames * 255))

    def _condition(self, shot: Shot) -> dict[str, Any]:
        """Control video, mask and reference: the tail stands in the video itself, where the mask is zero."""
        pictures, known = shot.control.copy(), len(shot.tail)
        pictures[:known] = shot.tail
        mask = np.full(shot.control.shape[:3], 255, np.uint8)
        mask[:known] = 0
        return {
            "video": [Image.fromarray(picture) for picture in pictures],
            "mask": [Image.fromarray(picture) for picture in mask],
            "reference_images": [Image.fromarray(shot.reference)],
        }


def load_wan_vace(folder: Path, name: str, runtime: Runtime, options: WanVaceOptions, capabilities: Capabilities) -> ControlledAnimator:
    """A checked folder, ready to animate."""
    from diffusers import WanVACEPipeline

    index = check_folder(folder, "wan_vace", COMPONENTS)
    got, advice = index.get("boundary_ratio"), "Wan 2.2 is two experts, take Wan2.1-VACE"
    require(got is None, f"weights {folder.name}", "boundary_ratio", got, "null: one transformer", advice)
    control = build_control(options.control, options.estimator, hands=False)  # VACE was trained on body and face
    return ControlledAnimator(
        WanVacePainter(load_pipeline(WanVACEPipeline, folder, index, runtime), options),
        control,
        name=f"{name}:{folder.resolve().name}",
        weights=fingerprint(folder),
        options=options,
        capabilities=capabilities,
        runtime=runtime,
    )

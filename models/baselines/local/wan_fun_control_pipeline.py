"""The network part of `wan_fun_control`: diffusers' image-to-video pipeline with Fun-Control's condition in place of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import WanImageToVideoPipeline
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from models.backbones.backbone import check_channels
from models.backbones.diffusers_folder import Component, check_folder, fingerprint, load_pipeline
from models.backbones.wan import WanCodec
from models.baselines.local.control import build_control
from models.baselines.local.controlled import ControlledAnimator, Shot
from models.baselines.local.wan_fun_control import TRANSFORMERS, WanFunControlOptions
from models.baselines.local.wan_fun_control_transformer import load_transformer
from models.baselines.local.wan_words import words
from models.capabilities import Capabilities
from models.pixels import clips_to_signed, to_signed
from models.runtime import Runtime
from models.types import require

COMPONENTS = {
    "transformer": Component(classes=TRANSFORMERS),
    "vae": Component(classes=("AutoencoderKLWan",)),
    "text_encoder": Component(classes=("UMT5EncoderModel", "T5EncoderModel"), needed=False),
    "image_encoder": Component(classes=("CLIPVisionModel", "CLIPVisionModelWithProjection"), needed=False),
}


class WanFunControlPipeline(WanImageToVideoPipeline):
    """Image-to-video over `condition` `[B,32 or 48,T,h,w]`: control, first frame and, for V1.1, reference latents."""

    condition: torch.Tensor

    def prepare_latents(self, image, batch_size, num_channels_latents, height, width, num_frames, dtype, device, generator, *_, **__):
        shape = (batch_size, num_channels_latents, *self.condition.shape[2:])
        return randn_tensor(shape, generator=generator, device=device, dtype=dtype), self.condition.to(device, dtype)


class WanFunControlPainter:
    """`pipe`: a `WanFunControlPipeline`."""

    def __init__(self, pipe: WanFunControlPipeline, options: WanFunControlOptions) -> None:
        self.pipe, self.options, self.codec = pipe, options, WanCodec(pipe.vae)

    @torch.inference_mode()
    def paint(self, shot: Shot) -> np.ndarray:
        length, height, width = shot.control.shape[:3]
        self.pipe.condition = self.condition(shot)
        frames = self.pipe(
            image=Image.fromarray(shot.reference),
            **words(self.pipe, shot.prompt, self.options.negative_prompt, self.options.guidance),
            height=height,
            width=width,
            num_frames=length,
            num_inference_steps=self.options.steps,
            guidance_scale=self.options.guidance,
            generator=shot.generator,
            output_type="np",
        ).frames[0]
        return np.uint8(np.round(frames * 255))

    def condition(self, shot: Shot) -> torch.Tensor:
        """Control and first frame; with `ref_conv` the reference beside them, without it as the first frame of the first segment."""
        device, has_reference = self.pipe._execution_device, self.pipe.transformer.has_reference
        control = self.codec.encode(clips_to_signed(shot.control[None], device))
        reference = self.codec.encode(to_signed(shot.reference[None], device)[:, :, None])
        start = torch.zeros_like(control)
        if len(shot.tail):
            start[:, :, :1] = self.codec.encode(to_signed(shot.tail[-1:], device)[:, :, None])
        elif not has_reference:
            start[:, :, :1] = reference
        return torch.cat([control, start, *([reference.expand_as(control)] if has_reference else [])], dim=1)


def load_wan_fun_control(
    folder: Path, name: str, runtime: Runtime, options: WanFunControlOptions, capabilities: Capabilities
) -> ControlledAnimator:
    """A checked folder, ready to animate."""
    index = check_folder(folder, "wan_fun_control", COMPONENTS)
    transformer = load_transformer(folder / "transformer", runtime.torch_dtype())
    channels = transformer.config.out_channels
    check_channels(
        "wan_fun_control", transformer.config.in_channels, 3 * channels, f"noise {channels}, control {channels}, first frame {channels}"
    )
    pipe = load_pipeline(WanFunControlPipeline, folder, index, runtime, given={"transformer": transformer})
    missing = transformer.config.image_dim is not None and pipe.image_encoder is None
    require(not missing, f"weights {folder.name}", "image_encoder", "none", "a CLIPVisionModel", "this transformer takes CLIP tokens")
    return ControlledAnimator(
        WanFunControlPainter(pipe, options),
        build_control(options.control, options.estimator, hands=True),
        name=f"{name}:{folder.resolve().name}",
        weights=fingerprint(folder),
        options=options,
        capabilities=capabilities,
        runtime=runtime,
    )

"""The spatiotemporal in-context canvas: reference and motion share one double-width video.

Left half: the reference at slot 0, then nothing (the model fills it). Right half: nothing at slot 0 (the start gap),
then the driving frames. A clip of T frames takes T+1 slots; slot 0 is never output.

    slot      0            1          ...     T
    pixels  [ref | blank] [0 | D0]    ...   [0 | D(T-1)]
    mask    [ 1  |   0  ] [0 | 1 ]    ...   [0 |   1   ]        1 = given

Source: DreamActor-M2, section 3.2 and Eq. 2 (width-wise canvas, masks joined in the same order as the pixels); the blank
driver at slot 0 is its one-second start gap (section 5.1) in miniature. The channel order [noise, mask, condition] is
that of diffusers' Wan image-to-video transformers.

Legend: B batch, T frames, S = T+1 slots, C latent channels, h, w latent height and width of one half.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """The condition of one batch. `latents_BCShW`: `[B,C,S,h,2w]`; `mask_B1ShW`: `[B,1,S,h,2w]`, 1 = given, 0 = to fill or blank.

    `slots_S`: the slot each of the S pictures stands in, int64 `[S]`; 0 to T where none is left out.
    `driven`: whether the driver half holds motion; without, it is blank.
    """

    latents_BCShW: torch.Tensor
    mask_B1ShW: torch.Tensor
    slots_S: torch.Tensor
    driven: bool


def compose(
    reference_BChw: torch.Tensor, motion_BCThw: torch.Tensor | None, num_frames: int, slots: tuple[int, ...] | None = None
) -> Canvas:
    """Lay a reference and motion latents out on the canvas; `motion_BCThw` None leaves the driver half blank, mask 0.

    `slots`: where the frames stand when they are only some of a clip's, rising from 1; all others are left out of the canvas.
    Raises ValueError when the motion has other frames or another size than the reference asks for.
    """
    b, c, h, w = reference_BChw.shape
    latents = reference_BChw.new_zeros(b, c, num_frames + 1, h, 2 * w)
    mask = reference_BChw.new_zeros(b, 1, num_frames + 1, h, 2 * w)
    latents[:, :, 0, :, :w], mask[:, :, 0, :, :w] = reference_BChw, 1.0
    if motion_BCThw is not None:
        if motion_BCThw.shape != (b, c, num_frames, h, w):
            raise ValueError(
                f"canvas: motion: got {tuple(motion_BCThw.shape)}, expected {(b, c, num_frames, h, w)}; resize the driver first"
            )
        latents[:, :, 1:, :, w:], mask[:, :, 1:, :, w:] = motion_BCThw, 1.0
    taken = torch.tensor([0, *(slots or range(1, num_frames + 1))], device=latents.device)
    return Canvas(latents_BCShW=latents, mask_B1ShW=mask, slots_S=taken, driven=motion_BCThw is not None)


def model_input(noisy_BCThw: torch.Tensor, canvas: Canvas) -> torch.Tensor:
    """`[noise C, mask 1, condition C]` on the channels: `[B,2C+1,S,h,2w]`. Noise stands only where the model must paint."""
    noise = torch.zeros_like(canvas.latents_BCShW)
    noise[:, :, 1:, :, : noisy_BCThw.shape[-1]] = noisy_BCThw
    return torch.cat([noise, canvas.mask_B1ShW, canvas.latents_BCShW], dim=1)


def given_places(canvas: Canvas) -> torch.Tensor:
    """What is given, a picture a row: reference, then one driving frame after the other; int64 `[1 + T, h*w]` or `[1, h*w]`.

    Places are counted flat over (slot, row, column); the blank half of slot 0, or a blank driver half, is in no row.
    """
    slots, height, width = canvas.latents_BCShW.shape[2:]
    places = torch.arange(slots * height * width, device=canvas.slots_S.device).view(slots, height, width)
    reference, drivers = places[:1, :, : width // 2], places[1:, :, width // 2 :]
    return torch.cat([reference, drivers] if canvas.driven else [reference]).flatten(1)


def output_region(prediction_BCShW: torch.Tensor) -> torch.Tensor:
    """The part of a prediction that becomes the clip: left half, slots 1 to T, `[B,C,T,h,w]`."""
    return prediction_BCShW[:, :, 1:, :, : prediction_BCShW.shape[-1] // 2]

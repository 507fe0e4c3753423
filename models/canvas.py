"""The spatiotemporal in-context canvas: reference and driver share one double-width video.

Left half: the reference at t = 0, then nothing (the model paints it). Right half: the driver, blank for the first
`gap_frames` frames (the start gap: the painted character has that long to leave the reference's pose for the driver's).

    t          0            1     ...      G              T-1
    pixels  [ref | 0 ]  [ 0 | 0 ] ... [ 0 | D(G) ] ... [ 0 | D(T-1) ]
    given   [ 1  | 0 ]  [ 0 | 0 ] ... [ 0 |  1   ] ... [ 0 |   1    ]        0 in pixels is mid grey

A canvas is pixels and says which of its half frames are given; how both become the input of a network (one VAE encoding at
double width, masks folded or not, known latents put in place) is the backbone's business (`models.backbones`).
A window that continues another one also gives its tail: the frames painted last stand at t = 1 to n of the left half.
Source: DreamActor-M2, section 3.2 and Eq. 2 (canvas and masks), section 5.1 (start gap).

Legend: B batch, T frames, H, W px of one half, C channels, h, w latent height and width of one half.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.types import require

LEFT, RIGHT = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """`pixels_B3THW2`: `[B,3,T,H,2W]` in [-1,1], 0 where nothing is given. `given_2T`: bool, what of the left and the right half is."""

    pixels_B3THW2: torch.Tensor
    given_2T: torch.Tensor

    @property
    def reference_B3HW(self) -> torch.Tensor:
        return left_half(self.pixels_B3THW2)[:, :, 0]

    @property
    def num_frames(self) -> int:
        return self.pixels_B3THW2.shape[2]


def compose(
    reference_B3HW: torch.Tensor,
    driver_B3THW: torch.Tensor | None,
    num_frames: int,
    *,
    gap_frames: int,
    tail_B3nHW: torch.Tensor | None = None,
) -> Canvas:
    """Lay a reference and a driver of `num_frames` frames out; the driver's first `gap_frames` frames are blanked.

    `driver_B3THW` None leaves the driver's half blank (image-to-video). `tail_B3nHW`: the last frames of the window before,
    given at t = 1 to n. Raises ValueError when the driver has another length or size, or nothing of it is left after the gap.
    """
    b, c, height, width = reference_B3HW.shape
    require(0 <= gap_frames < num_frames, "canvas", "frames", num_frames, f"more than the start gap of {gap_frames}", "use a longer driver")
    pixels = reference_B3HW.new_zeros(b, c, num_frames, height, 2 * width)
    given = torch.zeros(2, num_frames, dtype=torch.bool)
    pixels[:, :, 0, :, :width], given[LEFT, 0] = reference_B3HW, True
    if tail_B3nHW is not None:
        n = tail_B3nHW.shape[2]
        require(0 < n < num_frames - 1, "canvas", "tail frames", n, f"1 to {num_frames - 2}", "use longer windows")
        pixels[:, :, 1 : n + 1, :, :width], given[LEFT, 1 : n + 1] = tail_B3nHW, True
    if driver_B3THW is not None:
        got, want = tuple(driver_B3THW.shape), (b, c, num_frames, height, width)
        require(got == want, "canvas", "driver", got, str(want), "bring the driver to the reference's size and the canvas' length")
        pixels[:, :, gap_frames:, :, width:], given[RIGHT, gap_frames:] = driver_B3THW[:, :, gap_frames:], True
    return Canvas(pixels_B3THW2=pixels, given_2T=given)


def beside(left_B3THW: torch.Tensor, canvas: Canvas) -> torch.Tensor:
    """The clip to be painted beside the canvas' own driver half, `[B,3,T,H,2W]`: what a training target is encoded from."""
    return torch.cat([left_B3THW, right_half(canvas.pixels_B3THW2)], -1)


def left_half(x: torch.Tensor) -> torch.Tensor:
    return x[..., : x.shape[-1] // 2]


def right_half(x: torch.Tensor) -> torch.Tensor:
    return x[..., x.shape[-1] // 2 :]


def halves(left: torch.Tensor, right: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Spread numbers per frame (`[...,T]` for each half) over the places of a canvas: `[...,T,height,2*width]`."""
    parts = [half[..., None, None].expand(*half.shape, height, width) for half in (left, right)]
    return torch.cat(parts, -1)


def given_mask(canvas: Canvas, height: int, width: int, *, time_stride: int) -> torch.Tensor:
    """1 where a pixel frame is given, folded to latent frames: `[1,time_stride,T',height,2*width]`, `width` of one half.

    As in diffusers' `WanImageToVideoPipeline.prepare_latents`: the first frame counts `time_stride` times, then every
    `time_stride` frames become the channels of one latent frame. Raises ValueError for frames that do not fall into latent frames.
    """
    whole = (canvas.num_frames - 1) % time_stride == 0
    require(whole, "canvas", "frames", canvas.num_frames, f"{time_stride}k+1", "use a grid that check_grid takes")
    given = canvas.given_2T.to(canvas.pixels_B3THW2)
    first = given[:, :1].expand(2, time_stride)
    folded = torch.cat([first, given[:, 1:]], 1).view(2, -1, time_stride).transpose(1, 2)
    return halves(folded[LEFT], folded[RIGHT], height, width)[None]


def known_mask(canvas: Canvas, height: int, width: int, *, time_stride: int) -> torch.Tensor:
    """1 where all pixel frames of a latent frame are given: `[1,1,T',height,2*width]`."""
    return given_mask(canvas, height, width, time_stride=time_stride).amin(1, keepdim=True)

"""The network of the shipped tiny models: diffusers' WanTransformer3DModel with two heads, a matcher and a figure network around it.

The large Wan backbones and this one share the class, the canvas and the channel order, so a demo on two cores runs the
path the 14-billion-parameter models will take. A p x p patch of RGB becomes 3 p^2 channels by moving pixels (space to depth,
an orthonormal map): lossless, no weights, and white noise stays white. The network predicts the clean frame, not the
velocity: few channels stand between the noise and the picture. There is no text: the cross-attention sees one zero token.

Two heads share the trunk. One paints pixels; the other says for every cell of pixels where in the reference it comes from,
and for every pixel how far to believe that. Copying what is there keeps at this size what no painting of a few channels can:
a sharp picture of whatever the reference shows, also of a kind the network has never painted.
A matcher (`models.backbones.warp.matching`) says how the driver has moved since its first frame, and a network that tells figure
from ground (`models.backbones.warp.figure`, `layers`) lets the two move by themselves: the reference's figure is carried over its
ground. The trunk hears both, and says how the reference lies to the driver's first frame, what to paint and how far to believe the copy.
Source of the second head: dense motion and occlusion of Siarohin et al., "First Order Motion Model", NeurIPS 2019, section 3.2.

Legend: B batch, T frames, H, W px, C = 3 p^2 latent channels, h = H/p, w = W/p.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from models.backbones.warp.attention import MAX_POSITIONS, CanvasAttention, slot_rope
from models.backbones.warp.canvas import Canvas, given_places, model_input, output_region
from models.backbones.warp.figure import Figure
from models.backbones.warp.layers import Layers, layered, layers_of, shown, shrunk, sideways
from models.backbones.warp.matching import Matcher, cell_moves, sample_at
from models.rectified_flow import Prediction
from models.types import require

_TEXT_DIM = 8

_REACH_PX = 4.0
"""What an output of 1 moves a pixel by; the head's numbers stay near 1."""
_LONGER = 1.3
"""Factor on a driver's displacements over a whole clip."""
_SURE_PX = 2.0
"""`shrunk` for the way from the first frame to the reference, of a driver that shows nothing at all, over a whole clip."""
_GUESSED = 6
"""Channels of `_guess`."""
_CRISPNESS = 0.75
"""Share of bicubic sampling: none costs imaging quality, all of it psnr."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What is read off the driver before anything is painted. `matches` `[B,T,5,H/cell,W/cell]` (`Matcher`); `figure` `[B,T,1,H,W]` and
    `reference_figure` `[B,1,H,W]`, 0-1: where the driver's and the reference's figures stand; `layers`: how figure and ground have moved.

    `apart` `[B]` px: how far to the right the reference's figure stands of the driver's first one. `doubt` `[B]` px: what may be mere
    error in what the tokens add to that.
    """

    matches: torch.Tensor
    figure: torch.Tensor
    reference_figure: torch.Tensor
    layers: Layers
    apart: torch.Tensor
    doubt: torch.Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """What the two heads say, in pixels: `painted` and `copied` `[B,T,3,H,W]`, `share` `[B,T,1,H,W]` 0-1, how far to copy.

    `origins` `[B,T,2,H/cell,W/cell]` px: where in the reference the middle of a cell comes from, relative (dx, dy); with a driver,
    where it would as a part of the figure, and `ground` where as a part of the ground (None without a driver).
    """

    painted: torch.Tensor
    copied: torch.Tensor
    share: torch.Tensor
    origins: torch.Tensor
    ground: torch.Tensor | None = None

    @property
    def clip(self) -> torch.Tensor:
        """The predicted frames `[B,T,3,H,W]`."""
        return torch.lerp(self.painted, self.copied, self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConfig:
    """Size of the network. `width` = heads x head size; `patch_px` divides the grid's width and height, and
    `cell_px`, the side of the cells that share an origin, divides `patch_px`.

    `rope_theta`: base of the rotary frequencies; Wan's 10000 is made for hundreds of positions, on a grid of a dozen most of
    its frequencies stand still, and 50 uses them all. `qk_gain`: initial weight of the query and key norms; more than 1 lets
    attention be sharp from the start.
    """

    width: int = 192
    layers: int = 4
    heads: int = 6
    patch_px: int = 8
    cell_px: int = 4
    ffn_ratio: int = 4
    rope_theta: float = 10_000.0
    qk_gain: float = 1.0

    def __post_init__(self) -> None:
        require(self.width % self.heads == 0, "backbone", "width", self.width, f"a multiple of heads = {self.heads}")
        require(
            self.width // self.heads % 2 == 0, "backbone", "width / heads", self.width // self.heads, "an even head size (rotary pairs)"
        )
        require(self.rope_theta > 1 and self.qk_gain > 0, "backbone", "rope_theta, qk_gain", (self.rope_theta, self.qk_gain), "> 1 and > 0")
        least = min(self.layers, self.patch_px, self.cell_px, self.ffn_ratio)
        require(least >= 1, "backbone", "layers, patch_px, cell_px, ffn_ratio", asdict(self), "all >= 1")
        require(self.patch_px % self.cell_px == 0, "backbone", "cell_px", self.cell_px, f"a divisor of patch_px = {self.patch_px}")


def frames_to_latents(frames_BT3HW: torch.Tensor, patch_px: int) -> torch.Tensor:
    """Pixels in [-1, 1], float `[B,T,3,H,W]` -> latents `[B,C,T,h,w]`, an orthonormal map."""
    height, width = frames_BT3HW.shape[-2:]
    if height % patch_px or width % patch_px:
        raise ValueError(f"warp network: frame size: got {width}x{height} px, expected multiples of {patch_px}; choose another grid")
    return F.pixel_unshuffle(frames_BT3HW, patch_px).transpose(1, 2)


def latents_to_frames(latents_BCThw: torch.Tensor, patch_px: int) -> torch.Tensor:
    """The inverse of `frames_to_latents`."""
    return F.pixel_shuffle(latents_BCThw.transpose(1, 2), patch_px)


def _head_sizes(config: TinyConfig) -> tuple[int, int, int]:
    """Numbers a token says of its patch: colours and shares of the pixels, origins of the cells."""
    pixels, cells = config.patch_px**2, (config.patch_px // config.cell_px) ** 2
    return 3 * pixels, pixels, 2 * cells


def _shift(apart_B: torch.Tensor) -> torch.Tensor:
    """A shift sideways, px `[B]`, as displacements `[B,1,2,1,1]`."""
    return torch.stack([apart_B, torch.zeros_like(apart_B)], -1)[:, None, :, None, None]


class WarpNetwork(nn.Module):
    """Predicts the clean clip from a noisy one and its canvas. `prediction` is "clean"."""

    prediction: Prediction = "clean"
    family = "tiny"

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        from diffusers import WanTransformer3DModel  # seconds to import: only when a network is really built

        self.config = config
        channels = 3 * config.patch_px**2
        self.transformer = WanTransformer3DModel(
            patch_size=(1, 1, 1),
            num_attention_heads=config.heads,
            attention_head_dim=config.width // config.heads,
            in_channels=2 * channels + 1,
            out_channels=sum(_head_sizes(config)),
            text_dim=_TEXT_DIM,
            freq_dim=64,
            ffn_dim=config.ffn_ratio * config.width,
            num_layers=config.layers,
            cross_attn_norm=False,
            rope_max_seq_len=MAX_POSITIONS,
        )
        self.matcher = Matcher(config.cell_px)
        self.matched = nn.Linear(Matcher.channels * (config.patch_px // config.cell_px) ** 2, config.width)
        nn.init.zeros_(self.matched.weight)
        nn.init.zeros_(self.matched.bias)
        self.figure = Figure()
        self.guessed = nn.Linear(_GUESSED * config.patch_px**2, config.width)
        nn.init.zeros_(self.guessed.weight)
        nn.init.zeros_(self.guessed.bias)
        head_size = config.width // config.heads
        self.transformer.rope = slot_rope(head_size, config.rope_theta)
        self.transformer.set_attn_processor(CanvasAttention())
        for block in self.transformer.blocks:
            nn.init.constant_(block.attn1.norm_q.weight, config.qk_gain)
            nn.init.constant_(block.attn1.norm_k.weight, config.qk_gain)
        with torch.no_grad():  # copying starts as the reference in its own place
            self.transformer.proj_out.weight[channels:].zero_()
            self.transformer.proj_out.bias[channels:].zero_()

    def encode(self, frames_BT3HW: torch.Tensor) -> torch.Tensor:
        return frames_to_latents(frames_BT3HW, self.config.patch_px)

    def decode(self, latents_BCThw: torch.Tensor) -> torch.Tensor:
        return latents_to_frames(latents_BCThw, self.config.patch_px)

    def forward(
        self, noisy_BCThw: torch.Tensor, t_B: torch.Tensor, canvas: Canvas, moves_BT2hw: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The predicted clean latents `[B,C,T,h,w]` at times t in [0,1]; the network sees t x 1000, as Wan does.

        `moves_BT2hw`: where the cells of every driving frame lie in the first one by estimated flow or by joints, px.
        """
        return self.encode(self.parts(*self.heads(noisy_BCThw, t_B, canvas, moves_BT2hw), canvas).clip)

    def parts(self, heads_BCThw: torch.Tensor, seen: Seen | None, canvas: Canvas) -> Parts:
        """What `heads` says, as pictures; in float32, since a place needs more than the eight bits of bfloat16.

        Without a driver an origin is what the token says, a_t(x). With one the figure's is B_t(x) + a_0(x + B_t(x)): the driver's own
        displacement since its first frame, then the way from that frame to the reference, which is asked for once and carried along by
        the driver; it starts from how far the two figures stand apart, and is shrunk by the doubt about it. The ground's is the driver's
        ground's alone.
        What a token would add to that per frame shortens the motion wherever it doubts, and so would a matcher
        that learned from the picture: it is taught by `match_loss` alone.
        """
        painted, share, moves = heads_BCThw.float().split(_head_sizes(self.config), dim=1)
        reference = self._reference(canvas)
        origins, ground = _REACH_PX * latents_to_frames(moves, self.config.patch_px // self.config.cell_px), None
        if seen is None:
            copied = sample_at(reference, origins, _CRISPNESS)
        else:
            moved, ground = seen.layers.figure, seen.layers.ground
            way = shrunk(origins[:, 0], seen.doubt[:, None, None, None])
            origins = moved + sample_at(way, moved / self.config.cell_px) + _shift(seen.apart)
            copied, _, _ = layered(reference, seen.reference_figure, origins, ground, _CRISPNESS)
        return Parts(painted=self.decode(painted), copied=copied, share=self.decode(share).sigmoid(), origins=origins, ground=ground)

    def _reference(self, canvas: Canvas) -> torch.Tensor:
        latents = canvas.latents_BCShW
        return self.decode(latents[:, :, :1, :, : latents.shape[-1] // 2])[:, 0]

    def see(
        self, driver_BT3HW: torch.Tensor, reference_B3HW: torch.Tensor, moves_BT2hw: torch.Tensor | None = None, *, neighbours: bool
    ) -> Seen:
        """Matches, figures and layers of a driver. Only the matches have gradients.

        `moves`: its displacement by estimated flow or by joints, which is averaged with what the matcher says: two estimates that err
        differently. `neighbours`: each frame follows the one before, a whole clip. Only then are estimates corrected by constants:
        displacements are made longer, since all are short of limbs, and how the reference lies to the first frame is doubted as far as
        that shows nothing, as most of a skeleton's picture does.
        """
        matches = self.matcher(driver_BT3HW, neighbours=neighbours)
        with torch.no_grad():
            pictures = torch.cat([reference_B3HW[:, None], driver_BT3HW], 1)
            figures = self.figure(pictures.flatten(0, 1)).float().sigmoid().unflatten(0, pictures.shape[:2])
            with torch.autocast(figures.device.type, enabled=False):  # a place needs more than the eight bits of bfloat16
                moved = cell_moves(matches)
                moved = moved if moves_BT2hw is None else (moved + moves_BT2hw) / 2
                telling = shown(driver_BT3HW, moved.shape[-2:])
                layers = layers_of(_LONGER * moved if neighbours else moved, figures[:, 1:], telling)
                apart = sideways(figures[:, 1], figures[:, 0])
                doubt = neighbours * _SURE_PX * (1 - telling[:, 0].mean((1, 2, 3)))
        stands = {"figure": figures[:, 1:], "reference_figure": figures[:, 0]}
        return Seen(matches=matches, **stands, layers=layers, apart=apart, doubt=doubt)

    def heads(
        self, noisy_BCThw: torch.Tensor, t_B: torch.Tensor, canvas: Canvas, moves_BT2hw: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, Seen | None]:
        """The numbers of both heads, `[B,K,T,h,w]` with K = the sum of `_head_sizes`; and what is seen of the driver, if there is one.

        The blank places of the canvas have no tokens; the driver's tokens hear its matches, and the painted ones what the reference
        looks like when its figure only moves as the driver's does. Otherwise this is diffusers' own forward (tested).
        Raises ValueError for a canvas longer, higher or wider than the 64 positions of an axis.
        """
        shape = canvas.latents_BCShW.shape[2:]
        most = f"at most {MAX_POSITIONS} each"
        require(max(shape) <= MAX_POSITIONS, "warp network", "canvas (slots, rows, columns)", tuple(shape), most, "choose a smaller grid")
        wan = self.transformer
        wan.rope.slots_S = canvas.slots_S
        whole = model_input(noisy_BCThw, canvas)
        given = given_places(canvas)
        painted = output_region(torch.arange(whole[0, 0].numel(), device=given.device).view(1, 1, *whole.shape[2:]))
        kept = torch.cat([given.flatten(), painted.flatten()])
        rotary = tuple(part[:, kept].transpose(1, 2) for part in wan.rope(whole))
        text = noisy_BCThw.new_zeros(len(noisy_BCThw), 1, _TEXT_DIM)
        time, modulation, text, _ = wan.condition_embedder(t_B * 1000, text)
        tokens = wan.patch_embedding(whole).flatten(2).transpose(1, 2)[:, kept]
        seen = None
        if canvas.driven:
            driver = self.decode(canvas.latents_BCShW[:, :, 1:, :, noisy_BCThw.shape[-1] :])
            neighbours = noisy_BCThw.shape[2] > 2 and bool((canvas.slots_S.diff() == 1).all())
            seen = self.see(driver, self._reference(canvas), moves_BT2hw, neighbours=neighbours)
            said = self.matched(self._tokens(seen.matches.detach(), self.config.patch_px // self.config.cell_px))
            guessed = self.guessed(self._tokens(self._guess(seen, canvas), self.config.patch_px))
            tokens = tokens + torch.cat([F.pad(said, (0, 0, given.shape[1], 0)), guessed], 1)
        for block in wan.blocks:
            tokens = block(tokens, text, modulation.unflatten(1, (6, -1)), (*rotary, *given.shape))
        shift, scale = (wan.scale_shift_table + time[:, None]).chunk(2, dim=1)
        clean = wan.proj_out((wan.norm_out(tokens[:, given.numel() :].float()) * (1 + scale) + shift).type_as(tokens))
        return clean.transpose(1, 2).unflatten(2, noisy_BCThw.shape[2:]), seen

    @staticmethod
    def _tokens(fields_BTCHW: torch.Tensor, patch_px: int) -> torch.Tensor:
        return frames_to_latents(fields_BTCHW, patch_px).flatten(2).transpose(1, 2)

    @torch.no_grad()
    def _guess(self, seen: Seen, canvas: Canvas) -> torch.Tensor:
        """What would be copied if the figure came as it stands: the picture, both figures and the hole, `[B,T,6,H,W]`."""
        reference, layers = self._reference(canvas), seen.layers
        picture, figure, hole = layered(reference, seen.reference_figure, layers.figure + _shift(seen.apart), layers.ground, _CRISPNESS)
        return torch.cat([picture, figure, seen.figure, hole], 2)

    def describe(self) -> dict[str, Any]:
        """What `animator.json` keeps to build this network again."""
        return {"family": self.family, **asdict(self.config)}

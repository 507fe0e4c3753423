"""What coding costs: bytes, seconds and what comes back, of clips given and of clips made here.

    OMP_NUM_THREADS=1 python tests/benchmarks/video_coding.py [formats | efforts] [CLIP ...]

formats: one line a clip, raster and `--pix-fmt`: bytes a frame; PSNR of the whole; PSNR of the pixels beside edges of colour (where the
red-green or blue-yellow difference changes by more than 15 levels between neighbours), which 4:2:0 blurs.
efforts: one line a clip, raster and effort of the encoder, the one in use first: CPU ms a frame to encode and to decode, bytes, PSNR, and
how far a copy is from its source by the factory's measure (`distinct`, grey levels; a driver must be 1.0 away).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.evidence import reduced  # noqa: E402
from awbench.metrics.motion_smoothness import difference  # noqa: E402
from awbench.suites.world import render_case  # noqa: E402
from awbench.suites.world_design import dev_cases  # noqa: E402
from models.types import Clip, Grid  # noqa: E402
from models.video import PIX_FMTS, PRESET, encode_video, read_video, read_window, write  # noqa: E402

FRAMES, FEW = 24, 13
PLAIN = "sliced-threads=0:mbtree=0:bframes=0"
EFFORTS = {f"{PRESET}, as is": (PRESET, write._X264)}
EFFORTS |= {f"{name}, cabac": (name, PLAIN) for name in ("medium", "veryfast", "superfast", "ultrafast")}
EFFORTS["veryfast, no cabac"] = ("veryfast", f"{PLAIN}:cabac=0")


def coloured_edges(size: tuple[int, int]) -> Clip:
    """Saturated tiles of 24 px that move by one pixel a frame, on grey."""
    rng = np.random.default_rng(0)
    tiles = rng.integers(0, 2, (size[1] // 24 + 1, size[0] // 24 + 1, 3)) * 200 + 25
    whole = np.kron(tiles, np.ones((24, 24, 1))).astype(np.uint8)[: size[1], : size[0]]
    return Clip(frames=np.stack([np.roll(whole, t, 1) for t in range(FRAMES)]), fps=24.0)


def edges_of_colour(frames: np.ndarray) -> np.ndarray:
    """Bool `[T,H,W]`: pixels beside which a difference of colours jumps."""
    red, green, blue = np.moveaxis(frames.astype(np.int16), -1, 0)
    found = np.zeros(red.shape, bool)
    for chroma in (red - green, blue - (red + green) // 2):
        for axis in (1, 2):
            jump = np.abs(np.diff(chroma, axis=axis)) > 15
            found |= np.pad(jump, [(0, 1) if one == axis else (0, 0) for one in range(3)])
            found |= np.pad(jump, [(1, 0) if one == axis else (0, 0) for one in range(3)])
    return found


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = ((one.astype(np.float32) - other) ** 2).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-6)))


def report(name: str, clip: Clip) -> None:
    beside = edges_of_colour(clip.frames)
    for pix_fmt in PIX_FMTS:
        data = encode_video(clip, pix_fmt=pix_fmt)
        back = read_video(data).frames
        colour = psnr(clip.frames[beside], back[beside]) if beside.any() else float("nan")
        kept = f"{len(data) / len(clip) / 1000:7.1f} kB a frame  PSNR {psnr(clip.frames, back):5.1f} dB"
        print(
            f"{name:24s} {clip.size[0]}x{clip.size[1]} {pix_fmt}  {kept}, edges of colour ({beside.mean():.1%}) {colour:5.1f} dB",
            flush=True,
        )


def efforts(name: str, clip: Clip) -> None:
    for effort, (preset, params) in EFFORTS.items():
        with patch.object(write, "_X264", params):
            encode_ms, data = _timed(encode_video, clip, preset=preset)
        decode_ms, stored = _timed(read_video, data)
        back = stored.frames
        copy = np.mean([difference(one, other) for one, other in zip(reduced(back), reduced(clip.frames))])
        kept = f"{len(data) / len(clip) / 1000:7.1f} kB a frame  PSNR {psnr(clip.frames, back):5.1f} dB  copy {copy:.2f}"
        times = f"encode {encode_ms / len(clip):5.1f} ms, decode {decode_ms / len(clip):5.1f} ms a frame"
        print(f"{name:24s} {clip.size[0]}x{clip.size[1]} {effort:18s} {times}  {kept}", flush=True)


def _timed(function, *args, **named):
    """CPU ms, and what came of it."""
    start = time.process_time()
    value = function(*args, **named)
    return 1000 * (time.process_time() - start), value


def made() -> Iterator[tuple[str, Clip]]:
    """The world, small and large, and with the grain of a film."""
    for width, height in ((48, 48), (96, 96), (512, 288)):
        clip = render_case(dev_cases()[0], Grid(width=width, height=height, fps=16.0, num_frames=FEW)).driving
        yield "world", clip
        grain = clip.frames + np.random.default_rng(0).normal(0, 4, clip.frames.shape)
        yield "world with grain", Clip(frames=np.clip(grain, 0, 255).astype(np.uint8), fps=clip.fps)


def main() -> None:
    mode, *paths = sys.argv[1:] if sys.argv[1:2] in (["formats"], ["efforts"]) else ("formats", *sys.argv[1:])
    if mode == "efforts":
        for name, clip in made():
            efforts(name, clip)
        for path in paths:
            for width, height in ((48, 48), (512, 288)):
                efforts(Path(path).stem, read_window(path, Grid(width=width, height=height, fps=8.0, num_frames=FEW))[0])
        return
    report("coloured edges", coloured_edges((448, 256)))
    for path in paths:
        grid = Grid(width=256, height=448, fps=24.0, num_frames=FRAMES)
        report(Path(path).stem, read_window(path, grid)[0])


if __name__ == "__main__":
    main()

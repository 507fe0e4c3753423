"""What `--pix-fmt` costs and saves: bytes, and what comes back, of clips given and of coloured edges made here.

    OMP_NUM_THREADS=1 python tests/benchmarks/video_coding.py [CLIP ...]

One line a clip, raster and format: bytes a frame; PSNR of the whole; PSNR of the pixels beside edges of colour (where the red-green or
blue-yellow difference changes by more than 15 levels between neighbours), which 4:2:0 blurs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.types import Clip, Grid  # noqa: E402
from models.video import PIX_FMTS, encode_video, read_video, read_window  # noqa: E402

FRAMES = 24


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
    for difference in (red - green, blue - (red + green) // 2):
        for axis in (1, 2):
            jump = np.abs(np.diff(difference, axis=axis)) > 15
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


def main() -> None:
    report("coloured edges", coloured_edges((448, 256)))
    for path in sys.argv[1:]:
        grid = Grid(width=256, height=448, fps=24.0, num_frames=FRAMES)
        report(Path(path).stem, read_window(path, grid)[0])


if __name__ == "__main__":
    main()

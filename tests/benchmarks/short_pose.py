"""What `short_pose` reaches on people it has never seen: driven by a later moment of its own clip, against the still picture.

    OMP_NUM_THREADS=1 python tests/benchmarks/short_pose.py [out.png]

24 held-out clips of the world, 48 px, 6 frames; the skeleton is estimated. Means of PSNR with 95 % intervals of the paired difference, for
one, four and eight sampling steps; the picture shows reference, driver and what is painted in eight.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402

from awbench.world.render import render  # noqa: E402
from awbench.world.shot import sample_shot  # noqa: E402
from models.animators.checkpoint import load_checkpoint  # noqa: E402
from models.animators.load import checkpoint_folder  # noqa: E402
from models.images import encode_image  # noqa: E402
from models.runtime import Runtime  # noqa: E402
from models.seeds import item_seed  # noqa: E402
from models.types import AnimationRequest, Clip  # noqa: E402

CASES, FRAMES, LATER = 24, 6, 4


def psnr(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.square(made.astype(float) - wanted).mean(), 1e-3)))


def main() -> None:
    animator, rows = load_checkpoint(checkpoint_folder("short_pose"), Runtime(device="cpu")), []
    clips = [render(sample_shot("heldout", item_seed(7, "x", k), subject="human"), (48, 48), 12, 8).clip.frames for k in range(CASES)]
    for steps in (1, 4, 8):
        animator.sampling, gain = replace(animator.sampling, steps=steps), []
        for k, frames in enumerate(clips):
            driver = Clip(frames=frames[LATER : LATER + FRAMES], fps=8.0)
            request = AnimationRequest(id=str(k), reference=frames[0], driving=driver, size=(48, 48), num_frames=FRAMES, seed=k)
            made = animator.animate(request).clip.frames
            gain.append((psnr(made, driver.frames), psnr(np.repeat(frames[:1], FRAMES, 0), driver.frames)))
            rows += [np.concatenate([frames[0], *driver.frames, *made], 1)] if steps == 8 else []
        model, still = np.array(gain).T
        apart = model - still
        half = 1.96 * apart.std(ddof=1) / CASES**0.5
        ahead = f"ahead in {(apart > 0).sum()}/{CASES}"
        print(f"{steps} steps: {model.mean():.2f} dB, still {still.mean():.2f}, {apart.mean():+.2f} ± {half:.2f}, {ahead}")
    if sys.argv[1:]:
        Path(sys.argv[1]).write_bytes(encode_image(np.concatenate(rows[:8])))


if __name__ == "__main__":
    main()

"""What an animator of ours costs beside the bare diffusers pipeline: `wan_vace` with tiny random weights, the same call of both.

    OMP_NUM_THREADS=1 python tests/benchmarks/local_overhead.py [ROUNDS]

Both are given a pose and paint 17 frames of 192x112 in 4 guided steps, in turn; prints the median CPU times and the overhead, which
other work on the machine does not reach. The animator adapts the request, draws the pose and measures seams within its time.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402

SIZE, FRAMES, STEPS = (192, 112), 17, 4


def timed(work, *args):
    start = time.process_time()
    made = work(*args)
    return time.process_time() - start, made


def main(rounds: int) -> str:
    from models.baselines.local.openpose import draw_openpose
    from models.baselines.local.wan_vace import WanVaceOptions, create
    from models.runtime import Runtime
    from tests.models.tiny_local import request_of, save_vace
    from tests.models.tiny_pipelines import stock_pipeline

    torch.set_num_threads(1)
    folder = save_vace(Path(tempfile.mkdtemp()) / "vace", text_encoder=True, num_attention_heads=8, num_layers=4)
    chosen, asked = WanVaceOptions(steps=STEPS, area_px=0), request_of(FRAMES, size=SIZE)
    animator, pipe = create(str(folder), runtime=Runtime(device="cpu"), options=chosen), stock_pipeline(folder)
    drawn = draw_openpose(asked.pose, SIZE, hands=False)

    @torch.inference_mode()
    def bare():
        frames = pipe(
            video=[Image.fromarray(picture) for picture in drawn],
            mask=[Image.fromarray(np.full(picture.shape[:2], 255, np.uint8)) for picture in drawn],
            reference_images=[Image.fromarray(asked.reference)],
            prompt=asked.prompt,
            negative_prompt=chosen.negative_prompt,
            width=SIZE[0],
            height=SIZE[1],
            num_frames=FRAMES,
            num_inference_steps=STEPS,
            guidance_scale=chosen.guidance,
            generator=torch.Generator().manual_seed(asked.seed),
        ).frames[0]
        return np.uint8(np.round(frames * 255))

    bare(), animator.animate(asked)
    pairs = []
    for k in range(rounds):  # whoever comes second finds warm memory: they take turns
        both = [(timed, bare), (timed, animator.animate, asked)]
        made = [call(*work) for call, *work in (both if k % 2 else both[::-1])]
        pairs.append(tuple(made if k % 2 else made[::-1]))
    assert all(np.array_equal(theirs[1], ours[1].clip.frames) for theirs, ours in pairs)
    theirs_s, ours_s = (median(pair[side][0] for pair in pairs) for side in (0, 1))
    drawing_s = median(timed(draw_openpose, asked.pose, SIZE)[0] for _ in range(rounds))
    share = median(ours[0] / theirs[0] for theirs, ours in pairs) - 1
    return f"bare {theirs_s:.3f} s, animator {ours_s:.3f} s (drawing {drawing_s:.4f} s), overhead {100 * share:+.1f} %, equal pixels"


if __name__ == "__main__":
    print(main(int(sys.argv[1]) if len(sys.argv) > 1 else 9))

"""PCK of the shipped pose estimator on held-out characters: python tests/benchmarks/pose_pck.py [ESTIMATOR_FOLDER]

It was trained on people alone; cartoons share their skeleton, animals have counterpart joints. A joint is right within
`alpha` = 0.1 of the character's box; a character nobody was found in has no right joint.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.world.render import render  # noqa: E402
from awbench.world.shot import sample_shot  # noqa: E402
from models.animators.tiny import WEIGHTS_ROOT  # noqa: E402
from models.pose.heatmap import load_estimator  # noqa: E402
from models.training.pose_estimator import pck  # noqa: E402

CLIPS, FRAMES, SIZE_PX, FPS = 60, 6, 48, 8.0


def main(folder: Path) -> None:
    estimator = load_estimator(folder)
    print(f"{folder.name}: {CLIPS} held-out clips x {FRAMES} frames each, {SIZE_PX} px, one character in full, alpha 0.1")
    print("subject      PCK  found  characters")
    for subject in ("human", "cartoon", "quadruped", "bird"):
        shares, found, people = 0.0, 0.0, 0
        for k in range(CLIPS):
            shot = sample_shot("heldout", 7000 + k, subject=subject, count=1, framing="full")
            made = render(shot, (SIZE_PX, SIZE_PX), FRAMES, FPS)
            result = pck(estimator.estimate(made.clip), made.pose)
            shares, found, people = shares + result.share * result.people, found + result.found * result.people, people + result.people
        print(f"{subject:10s} {shares / people:5.3f}  {found / people:5.3f}  {people}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS_ROOT / "tiny_pose_estimator")

"""How often each filter of the factory is right: planted good and bad drivers on world scenes whose truth is known.

    python tests/benchmarks/filters.py OUT [--scenes 48] [--size 96 96] [--fps 12] [--num-frames 12] [--workers 1]

Half of the scenes (`tune`, even numbers) choose the thresholds: MARGIN of the value that KEPT of the good drivers reach; the other half
(`held`) reports them. OUT/values.parquet keeps every value: the same command continues. Prints the tables of docs/filters.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.selftest.damages import DAMAGES  # noqa: E402
from awbench.selftest.scenes import Scene, Source, flow_warp, world_scenes  # noqa: E402
from awbench.selftest.tricks import blend, colour_transfer, crossfade, still, wrong_warp  # noqa: E402
from bootstrap.filters.catalog import FILTERS, load_filter  # noqa: E402
from bootstrap.filters.evidence import PairEvidence  # noqa: E402
from bootstrap.thresholds import Thresholds  # noqa: E402
from models.types import Clip, Grid  # noqa: E402
from models.video import encode_video, read_video  # noqa: E402

GOOD, HONEST = ("right", "right_late", "right_crf23"), "flow_warp"
CHECKS = [name for name in FILTERS.entries if name != "judge"]
KEPT, MARGIN = 0.99, 0.9
"""A threshold is MARGIN of the value that KEPT of the good drivers reach: the world is cleaner than footage."""
DAMAGED = {
    "blur": 4, "noise": 5, "jpeg": 5, "pixelated": 4, "contrast": 4, "flicker": 5, "jitter": 5, "stutter": 4, "freeze_tail": 4,
    "warp_boil": 5, "hue_drift": 5, "id_drift": 5, "id_switch": 3, "melted_face": 5, "disc_on_head": 5, "deformed": 5, "scrambled": 4,
    "missing_subject": 5, "upside_down": 5,
}  # fmt: skip
"""Damage of the metrics' self-test -> its level, 5 the strongest. Here `upside_down` turns the subject, `turned` the whole picture."""


def drivers(scene: Scene, rng: np.random.Generator) -> Iterator[tuple[str, Clip]]:
    """(kind, what a teacher might have made)."""
    answer, total = scene.answer.frames, len(scene.answer)
    noise = rng.integers(0, 256, answer.shape, dtype=np.uint8)
    half, last, middle = answer.copy(), answer.copy(), answer.copy()
    half[:, :, answer.shape[2] // 2 :] = noise[:, :, answer.shape[2] // 2 :]
    last[-1], middle[total // 2] = 0, 255
    made = {
        "right": answer,
        "right_late": answer[np.maximum(np.arange(total) - 1, 0)],
        "right_crf23": read_video(encode_video(scene.answer, crf=23, pix_fmt="yuv420p")).frames,
        HONEST: flow_warp(scene.reference, scene.driver).frames,
        "half_noise": half,
        "pure_noise": noise,
        "last_black": last,
        "white_frame": middle,
        "shuffled": answer[rng.permutation(total)],
        "reversed": answer[::-1],
        "turned": answer[:, ::-1],
        "bgr": answer[..., ::-1],
        "still": still(scene).frames,
        "source": scene.driver.frames,
        "source_recoloured": colour_transfer(scene).frames,
        "crossfade": crossfade(scene).frames,
        "wrong_identity": scene.wrong_identity.frames,
        "wrong_clip": scene.wrong_driver.frames,
        "wrong_motion": wrong_warp(scene).frames,
        "blend20": blend(scene, 0.2).frames,
        "ghost20": _ghost(answer, scene, 0.2),
        "ghost35": _ghost(answer, scene, 0.35),
        **moved_as_a_whole(scene),
    }
    for kind, frames in made.items():
        yield kind, Clip(frames=np.ascontiguousarray(frames), fps=scene.answer.fps)
    for kind, level in DAMAGED.items():
        if DAMAGES[kind].applies(scene):
            yield kind, DAMAGES[kind].answer(scene, level, rng).clip


def _ghost(answer: np.ndarray, scene: Scene, share: float) -> np.ndarray:
    """The right answer with some of the source through it."""
    return np.round((1 - share) * answer + share * scene.driver.frames).astype(np.uint8)


def moved_as_a_whole(scene: Scene) -> dict[str, np.ndarray]:
    """(kind, frames `[T,H,W,3]`): the reference under camera moves alone, and its figure, cut out, slid over its background."""
    reference, total = scene.reference, len(scene.answer)
    size, steps = reference.shape[1::-1], np.arange(total)
    sine, shakes = np.sin(2 * np.pi * steps / scene.answer.fps), np.random.default_rng(0).normal(0, 1, (total, 3))
    subject = scene.truth.reference_subject.astype(np.uint8)
    behind = cv2.inpaint(reference, cv2.dilate(subject, np.ones((3, 3))), 3, cv2.INPAINT_TELEA)

    def drawn(picture: np.ndarray, border: int, moves: list[tuple[float, ...]]) -> np.ndarray:
        """`moves`: zoom, degrees, shift to the right and down in shares of the width, of every frame."""
        frames = []
        for zoom, degrees, right, down in moves:
            matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, zoom)
            matrix[:, 2] += size[0] * right, size[0] * down
            frames.append(cv2.warpAffine(picture, matrix, size, borderMode=border))
        return np.stack(frames)

    slides = [(1, 0, 0.06 * share, 0) for share in sine]
    there = drawn(subject, cv2.BORDER_CONSTANT, slides)[..., None] > 0
    return {
        "pan": drawn(reference, cv2.BORDER_REFLECT, [(1, 0, 0.01 * t, 0) for t in steps]),
        "pan_slow": drawn(reference, cv2.BORDER_REPLICATE, [(1, 0, 0.003 * t, 0) for t in steps]),
        "zoom": drawn(reference, cv2.BORDER_REFLECT, [(1 + 0.02 * t, 0, 0, 0) for t in steps]),
        "zoom_out": drawn(reference, cv2.BORDER_REFLECT, [(1.5 - 0.5 * t / max(1, total - 1), 0, 0, 0) for t in steps]),
        "shake": drawn(reference, cv2.BORDER_REFLECT, [(1.1, a, 0.01 * b, 0.01 * c) for a, b, c in shakes]),
        "rotate": drawn(reference, cv2.BORDER_REFLECT, [(1.1, 6 * share, 0, 0) for share in sine]),
        "slid_figure": np.where(there, drawn(reference, cv2.BORDER_REFLECT, slides), behind),
    }


def measured(job: tuple[int, Source]) -> list[dict]:
    """Every filter's value of every driver of a scene."""
    number, source = job
    scene, rows = source.make(), []
    for kind, clip in drivers(scene, np.random.default_rng(number)):
        stored = read_video(encode_video(clip, crf=4))
        evidence = PairEvidence(key=scene.id, driver=stored, source=scene.driver, identity=scene.reference)
        for check in CHECKS:
            verdict = load_filter(check).judge(evidence, 0.0)
            rows.append({"scene": number, "kind": kind, "check": check, "value": verdict.value})
    return rows


def collect(args: argparse.Namespace) -> pd.DataFrame:
    """All values, those of an earlier run among them."""
    path = args.out / "values.parquet"
    frame = pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=["scene", "kind", "check", "value"])
    grid = Grid(width=args.size[0], height=args.size[1], fps=args.fps, num_frames=args.num_frames)
    known = set(frame["scene"])
    jobs = [job for job in enumerate(world_scenes(args.scenes, grid, seed=7)) if job[0] not in known]
    with Pool(args.workers) as pool:
        for rows in pool.imap(measured, jobs):
            frame = pd.concat([frame, pd.DataFrame(rows)], ignore_index=True)
            frame.to_parquet(path)
            print(f"{frame['scene'].nunique()} of {args.scenes} scenes", file=sys.stderr, flush=True)
    return frame


def chosen(tune: pd.DataFrame) -> dict[str, float]:
    """Check -> the threshold that the rule chooses on these values."""
    good = tune[tune["kind"].isin(GOOD)]
    return {check: MARGIN * float(good[good["check"] == check]["value"].quantile(1 - KEPT)) for check in CHECKS}


def failing(held: pd.DataFrame, thresholds: dict[str, float]) -> pd.DataFrame:
    """Scene x kind -> for each check whether it turns the driver down; what it cannot say passes."""
    table = held.pivot_table(index=["scene", "kind"], columns="check", values="value", dropna=False)[CHECKS]
    return pd.DataFrame({check: table[check] < thresholds[check] for check in CHECKS})


def by_kind(failed: pd.DataFrame) -> list[str]:
    """The share of each kind that each filter turns down, and all together."""
    lines = ["| driver | n | all | " + " | ".join(CHECKS) + " |", "| --- " * (len(CHECKS) + 3) + "|"]
    kinds = list(dict.fromkeys([*GOOD, HONEST, *sorted(set(failed.index.get_level_values("kind")))]))
    for kind in kinds:
        rows = failed.xs(kind, level="kind")
        cells = [f"{rows[check].mean():.2f}".replace("0.00", "·") for check in CHECKS]
        lines.append(f"| {kind} | {len(rows)} | **{rows.any(axis=1).mean():.2f}** | " + " | ".join(cells) + " |")
    return lines


def by_threshold(held: pd.DataFrame, thresholds: dict[str, float]) -> list[str]:
    """For each filter alone at several thresholds: good turned down, precision, recall of all bad and of the kinds it is for."""
    lines = ["| filter | threshold | good turned down | precision | recall, its kinds | its kinds |", "| --- " * 6 + "|"]
    base = failing(held, thresholds)
    kinds = base.index.get_level_values("kind")
    for check in CHECKS:
        own = [kind for kind in sorted(set(kinds) - {*GOOD, HONEST}) if base.xs(kind, level="kind")[check].mean() >= 0.4]
        for factor in (0.5, 0.75, 1.0, 1.25, 1.5):
            failed = failing(held, {**thresholds, check: factor * thresholds[check]})[check]
            good, its = failed[kinds.isin(GOOD)].mean(), failed[kinds.isin(own)].mean()
            precision = f"{its / (its + good):.2f}" if its + good > 0 else "-"  # as if half of the drivers were bad, all of its kinds
            cells = [f"{factor * thresholds[check]:.3g}", f"{good:.3f}", precision, f"{its:.2f}"]
            lines.append(f"| {check} | " + " | ".join(cells) + f" | {', '.join(own) if factor == 1.0 else ''} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--scenes", type=int, default=48)
    parser.add_argument("--size", type=int, nargs=2, default=(96, 96))
    parser.add_argument("--fps", type=float, default=12.0)
    parser.add_argument("--num-frames", type=int, default=12)
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    values = collect(args)
    tune, held = values[values["scene"] % 2 == 0], values[values["scene"] % 2 == 1]
    rule = chosen(tune)
    defaults = {check: getattr(Thresholds(), check) for check in CHECKS}
    print("| filter | by the rule, on `tune` | default |\n| --- | --- | --- |")
    print("\n".join(f"| {check} | {rule[check]:.3f} | {defaults[check]:g} |" for check in CHECKS))
    for title, thresholds in (("defaults", defaults), ("by the rule", rule)):
        print(f"\nTurned down on `held`, {title}:\n\n" + "\n".join(by_kind(failing(held, thresholds))))
    print("\nEach filter alone, on `held`:\n\n" + "\n".join(by_threshold(held, defaults)))


if __name__ == "__main__":
    main()

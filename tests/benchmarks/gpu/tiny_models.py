"""Leg (a): the tiny models as plain canvas, within minutes of one GPU.

    python tests/benchmarks/gpu/tiny_models.py prior_pose --out OUT            world -> prior -> pose-driven
    python tests/benchmarks/gpu/tiny_models.py e2e --pose OUT/pose --out OUT2  pairs by that teacher -> end-to-end

The paper's chain with the recipes of `pipelines.recipes`, nothing else: clips are rendered on all cores and stay in memory, poses are
estimated (never the world's own), pairs are made by the pose-driven model on the GPU and filtered as the factory does. Each leg ends by
itself a minute after `--seconds` at most and leaves checkpoints, samples.png (reference, driver, painted, one case a row) and figures.json.
`--small` tries the whole leg in a few minutes of a CPU. Needs torch, diffusers, opencv, pillow, pyyaml, safetensors; no video library.
"""

from __future__ import annotations

import argparse
import importlib.machinery
import importlib.util
import json
import multiprocessing
import os
import sys
import time
import types
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
if importlib.util.find_spec("av") is None:  # clips are rendered and stay in memory: nothing is decoded here
    sys.modules["av"] = types.ModuleType("av")
    sys.modules["av"].__spec__ = importlib.machinery.ModuleSpec("av", None)

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

from awbench.world.render import render  # noqa: E402
from awbench.world.shot import NOVEL_SUBJECTS, SUBJECTS, sample_shot  # noqa: E402
from bootstrap.filters.catalog import filter_metrics, in_use  # noqa: E402
from bootstrap.filters.evidence import PairEvidence  # noqa: E402
from bootstrap.thresholds import Thresholds  # noqa: E402
from models.animators.checkpoint import ESTIMATOR, checked_weights, load_checkpoint, read_card  # noqa: E402
from models.animators.in_context import InContextAnimator  # noqa: E402
from models.animators.load import SHIPPED  # noqa: E402
from models.animators.motion import Posed, build_motion  # noqa: E402
from models.animators.windows import windows  # noqa: E402
from models.backbones.backbone import paint  # noqa: E402
from models.backbones.families import build_backbone  # noqa: E402
from models.canvas import compose, left_half  # noqa: E402
from models.pixels import clips_to_signed, clips_to_uint8, to_signed  # noqa: E402
from models.pose.heatmap import load_estimator  # noqa: E402
from models.runtime import Runtime  # noqa: E402
from models.seeds import item_rng, item_seed  # noqa: E402
from models.training.batches import Batches  # noqa: E402
from models.training.config import TrainConfig  # noqa: E402
from models.training.loop import TrainState, initialised, publish_checkpoint  # noqa: E402
from models.types import Clip, TrainingExample  # noqa: E402
from pipelines.recipes import tiny_e2e, tiny_pose, tiny_prior  # noqa: E402

FRAMES, SIZE, FPS = 24, 64, 8.0
EVERYONE = tuple(name for name in SUBJECTS if name not in NOVEL_SUBJECTS)
WARM_STEPS, ROUND, FOREVER = 10, 256, float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is made. `batch` samples a step on a network of `backbone`'s fields; `processes` make clips and batches."""

    characters: int = 8000
    people: int = 6000
    pairs: int = 6000
    batch: int = 256
    held_out: int = 64
    processes: int = max(1, (os.cpu_count() or 2) - 2)
    backbone: tuple[tuple[str, Any], ...] = (("family", "tiny"),)


SMALL = Scale(
    characters=12, people=12, pairs=8, batch=4, held_out=4, processes=2, backbone=(("family", "tiny"), ("width", 64), ("layers", 2))
)


class Clock:
    """Seconds since the leg began."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() - self.start

    def say(self, text: str) -> None:
        print(f"[{self():6.1f} s] {text}", flush=True)


# ---- clips ---------------------------------------------------------------------------------------------------------------------


def make_clip(job: tuple[str, int, str, bool]) -> tuple[TrainingExample, Posed | None]:
    """One clip of the world, and the estimated pose where it is asked for."""
    split, index, subject, posed = job
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    clip = render(sample_shot(split, item_seed(7, "leg", split, subject, index), subject=subject), (SIZE, SIZE), FRAMES, FPS).clip
    example = TrainingExample(id=f"{split}-{subject}-{index}", reference=clip.frames[0], driver=clip, target=clip)
    return example, Posed(pose=_estimator().estimate(clip), size=clip.size) if posed else None


_LOADED: list[Any] = []


def _estimator() -> Any:
    if not _LOADED:
        _LOADED.append(load_estimator(SHIPPED / "tiny_pose_estimator"))
    return _LOADED[0]


def make_clips(jobs: Sequence[tuple], pool: Any, until: float, clock: Clock) -> list[tuple[TrainingExample, Posed | None]]:
    """The first of the jobs, as many as are done by `until`."""
    made: list[tuple[TrainingExample, Posed | None]] = []
    while len(made) < len(jobs) and clock() < until:
        made += pool.map(make_clip, jobs[len(made) : len(made) + ROUND], chunksize=4)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Poses:
    """Estimates by example id, in place of a folder of them."""

    known: dict[str, Posed]

    def prepared(self, example: TrainingExample, motion: Any) -> Posed:
        return self.known[example.id]


# ---- training ------------------------------------------------------------------------------------------------------------------


def train_until(
    until: float, clock: Clock, config: TrainConfig, examples: list[TrainingExample], poses: Poses | None, init: dict | None, scale: Scale
) -> TrainState:
    """Train as many steps as fit: the schedule is laid out by the rate of the first ones."""
    device = Runtime().torch_device()
    compiled = device.type == "cuda"
    backbone = initialised(config, lambda: build_backbone(config.backbone, None, Runtime(compiled=compiled)))
    run = TrainState(backbone, config, init, {})
    batches = Batches(examples=examples, config=config, motion=build_motion(config.motion), poses=poses)
    stream, steps, began = batches.stream(0, processes=scale.processes), 10**6, 0.0
    while run.steps < steps:
        run.step([next(stream)], steps)
        done = run.steps
        if done == WARM_STEPS:
            began = clock()  # after compilation
        if done > WARM_STEPS and (done == 2 * WARM_STEPS or done % 50 == 0):  # what was fetched ahead is used up: ask the rate again
            rate = (done - WARM_STEPS) / (clock() - began)
            steps = done + max(1, int(rate * (until - clock())))
        if done % 200 == 0 or done == 2 * WARM_STEPS:
            clock.say(f"{config.recipe} {done}/{steps} of {config.batch_size}, loss {np.mean(run.losses[-100:]):.4f}")
    stream.close()
    return run


def note(out: Path, **figures: Any) -> None:
    """Add figures to the leg's file: what a stage has measured survives the stages after it."""
    path = out / "figures.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(known | figures, indent=1) + "\n")


def figures_of(run: TrainState, seconds: float) -> dict[str, Any]:
    every = max(1, len(run.losses) // 40)
    smooth = [round(float(np.mean(run.losses[i : i + every])), 5) for i in range(0, len(run.losses), every)]
    samples = len(run.losses) * run.config.batch_size
    return {"steps": len(run.losses), "samples": samples, "seconds": round(seconds, 1), "loss": smooth}


# ---- painting many at once -----------------------------------------------------------------------------------------------------


@torch.inference_mode()
def animate_many(
    animator: InContextAnimator, references: np.ndarray, prepared: list[Any], count: int, seed: int, batch: int
) -> Iterator[np.ndarray]:
    """Clips uint8 `[count,H,W,3]` of references `[N,H,W,3]` under prepared drivers, as `InContextAnimator.animate` paints one."""
    backbone, size = animator.backbone, animator.grid.size
    plan = windows(count, animator.grid.num_frames, stride=backbone.codec.time_stride, gap_frames=animator.gap_frames, tail_frames=0)
    for first in range(0, len(references), batch):
        some = slice(first, first + batch)
        generator = torch.Generator(backbone.device).manual_seed(item_seed(seed, "paint", first))
        made = np.zeros((len(references[some]), count, size[1], size[0], 3), np.uint8)
        for window in plan:
            drawn = [animator.motion.draw(item, window.driver_frames(count), size) for item in prepared[some]]
            driver = None if drawn[0] is None else clips_to_signed(np.stack(drawn), backbone.device)
            shown = to_signed(references[some], backbone.device)
            condition = backbone.condition(compose(shown, driver, window.length, gap_frames=animator.gap_frames), [""] * len(shown))
            shape = condition.latents_BCThw2.shape
            noise = torch.randn(shape, generator=generator, device=backbone.device)
            with torch.autocast(backbone.device.type, torch.bfloat16, enabled=backbone.device.type == "cuda"):
                how = {"steps": animator.sampling.steps, "guidance": 1.0, "known_driver": animator.sampling.driver_half == "path"}
                latents = paint(backbone, noise, condition, without=None, **how)
            frames = clips_to_uint8(left_half(backbone.codec.decode(latents)))
            made[:, window.start : window.start + window.new] = frames[:, window.lead : window.lead + window.new]
        yield from made


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.square(a.astype(np.float32) - b).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-3)))


def reconstruct(animator: InContextAnimator, held_out: list[tuple[TrainingExample, Posed | None]], batch: int) -> dict[str, float]:
    """Held-out clips from their own first frame and motion: dB of the model and of the still picture."""
    count = animator.grid.num_frames - animator.gap_frames
    references = np.stack([example.reference for example, _ in held_out])
    prepared = [posed or animator.motion.prepare(example.driver) for example, posed in held_out]
    made = list(animate_many(animator, references, prepared, count, 1, batch))
    targets = [example.target.frames[:count] for example, _ in held_out]
    model = [psnr(m, t) for m, t in zip(made, targets)]
    still = [psnr(np.repeat(t[:1], count, 0), t) for t in targets]
    return {"psnr": round(float(np.mean(model)), 2), "psnr_still": round(float(np.mean(still)), 2), "n": len(model)}


def write_samples(
    path: Path, animator: InContextAnimator, drivers: list[tuple[TrainingExample, Posed | None]], looks: list[TrainingExample]
) -> None:
    """One case a row: reference, driver, painted."""
    count, rows, most = animator.grid.num_frames - animator.gap_frames, [], min(len(drivers), len(looks))
    drivers, looks = drivers[:most], looks[:most]
    prepared = [posed or animator.motion.prepare(example.driver) for example, posed in drivers]
    references = np.stack([example.reference for example in looks])
    for look, (driver, _), made in zip(looks, drivers, animate_many(animator, references, prepared, count, 2, 16)):
        rows.append(np.concatenate([look.reference, *driver.driver.frames[:count], *made], 1))
    cv2.imwrite(str(path), cv2.resize(np.concatenate(rows)[..., ::-1], None, fx=1.5, fy=1.5, interpolation=cv2.INTER_NEAREST))


# ---- the two legs --------------------------------------------------------------------------------------------------------------


def sized(config: TrainConfig, scale: Scale) -> TrainConfig:
    return replace(config, backbone=dict(scale.backbone), batch_size=scale.batch)


def prior_pose(out: Path, seconds: float, scale: Scale, clock: Clock, pool: Any) -> None:
    """Clips of everyone -> prior; people with estimated poses -> pose-driven, from the prior."""
    everyone = [("train", i, EVERYONE[i % len(EVERYONE)], False) for i in range(scale.characters)]
    strangers = make_clips([("heldout", i, "human", True) for i in range(scale.held_out)], pool, FOREVER, clock)
    looks = make_clips([("heldout", i, SUBJECTS[i % len(SUBJECTS)], False) for i in range(12)], pool, FOREVER, clock)
    characters = [example for example, _ in make_clips(everyone, pool, 0.12 * seconds, clock)]
    people = make_clips([("train", i, "human", True) for i in range(scale.people)], pool, 0.30 * seconds, clock)
    clock.say(f"{len(characters)} characters, {len(people)} people with poses")
    note(out, characters=len(characters), people=len(people))

    began = clock()
    run = train_until(0.58 * seconds, clock, sized(tiny_prior(), scale), characters, None, None, scale)
    note(out, prior=figures_of(run, clock() - began))
    publish_checkpoint(run, out / "prior", {"name": "tiny_prior", "parents": {}, "data": {"kind": "clips"}}, len(characters))

    began, weights = clock(), checked_weights(out / "prior", read_card(out / "prior"))[0]
    config = replace(tiny_pose(), motion={"kind": "skeleton", "estimator": str(SHIPPED / "tiny_pose_estimator"), "normalised": False})
    poses = Poses(known={example.id: pose for example, pose in people})
    run = train_until(0.95 * seconds, clock, sized(config, scale), [example for example, _ in people], poses, weights, scale)
    note(out, pose=figures_of(run, clock() - began))
    motion = build_motion(config.motion)
    run.config = replace(run.config, motion={**config.motion, "estimator": ESTIMATOR})
    parents = {"init": read_card(out / "prior")["sha256"], "pose_estimator": motion.weights_hash}
    publish_checkpoint(run, out / "pose", {"name": "tiny_pose", "parents": parents, "data": {"kind": "clips"}}, len(people))
    _copy_estimator(out / "pose")

    animator = load_checkpoint(out / "pose")  # not compiled: other shapes would be compiled anew
    note(out, reconstruction=reconstruct(animator, strangers, scale.batch))
    write_samples(out / "samples.png", animator, strangers, [e for e, _ in looks])


def _copy_estimator(folder: Path) -> None:
    for name in ("model.safetensors", "estimator.json"):
        (folder / ESTIMATOR).mkdir(exist_ok=True)
        (folder / ESTIMATOR / name).write_bytes((SHIPPED / "tiny_pose_estimator" / name).read_bytes())


def judged(job: tuple[str, np.ndarray, np.ndarray, np.ndarray]) -> str:
    """Why a pair is turned down, by the factory's thresholds; "" keeps it."""
    key, driver, source, identity = job
    cv2.setNumThreads(1)
    clips = {name: Clip(frames=frames, fps=FPS) for name, frames in (("driver", driver), ("source", source))}
    evidence = PairEvidence(key=key, identity=identity, **clips)
    verdicts = (one.judge(evidence, threshold) for one, threshold in in_use(Thresholds()))
    return next((verdict.check for verdict in verdicts if not verdict.passed), "")


def e2e(out: Path, pose: Path, seconds: float, scale: Scale, clock: Clock, pool: Any) -> None:
    """The teacher puts people's motion on everyone's looks; the synthetic clip drives, the real one is the target."""
    strangers = make_clips([("heldout", i, SUBJECTS[i % len(SUBJECTS)], False) for i in range(scale.held_out)], pool, FOREVER, clock)
    people = make_clips([("train", i, "human", True) for i in range(scale.pairs)], pool, 0.25 * seconds, clock)
    looks = [("train", 10**6 + i, EVERYONE[i % len(EVERYONE)], False) for i in range(len(people))]
    identities = make_clips(looks, pool, 0.35 * seconds, clock)
    count = min(len(people), len(identities))
    people = people[:count]
    order = item_rng(7, "pairing").permutation(count)
    references = np.stack([identities[i][0].reference for i in order])
    teacher, length = load_checkpoint(pose), 2 * (tiny_e2e().grid.num_frames - tiny_e2e().gap_frames)
    clips = list(animate_many(teacher, references, [p for _, p in people], length, 3, scale.batch))
    clock.say(f"{count} pairs painted")
    jobs = [(e.id, clip, e.target.frames[:length], look) for (e, _), clip, look in zip(people, clips, references)]
    reasons = pool.map(judged, jobs, chunksize=8)
    examples, filtered = [], reasons.count("") >= scale.batch // 4  # else the teacher is weak: train on all, and say so
    for (example, _), clip, reason in zip(people, clips, reasons):
        if not reason or not filtered:
            target = Clip(frames=example.target.frames[:length], fps=FPS)
            driver = Clip(frames=clip, fps=FPS)
            examples.append(TrainingExample(id=example.id, reference=target.frames[0], driver=driver, target=target))
    turned_down = {reason: reasons.count(reason) for reason in sorted(set(reasons)) if reason}
    clock.say(f"{len(examples)} pairs kept, {turned_down} turned down")
    note(out, painted=count, kept=len(examples), filtered=filtered, turned_down=turned_down)

    began, card = clock(), read_card(pose)
    weights = checked_weights(pose, card)[0]
    run = train_until(0.95 * seconds, clock, sized(tiny_e2e(), scale), examples, None, weights, scale)
    note(out, e2e=figures_of(run, clock() - began))
    parents = {"init": card["sha256"], "teacher": teacher.weights_hash}
    facts = {"name": "tiny_e2e", "parents": parents, "data": {"kind": "pairs", "teacher": teacher.weights_hash}}
    filters = sorted(filter_metrics(Thresholds())) if filtered else []
    publish_checkpoint(run, out / "e2e", {**facts, "filter_metrics": filters}, len(examples))
    animator = load_checkpoint(out / "e2e")
    note(out, reconstruction=reconstruct(animator, strangers, scale.batch))
    write_samples(out / "samples.png", animator, strangers[:12], [e for e, _ in strangers[:12][::-1]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("leg", choices=("prior_pose", "e2e"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pose", type=Path)
    parser.add_argument("--seconds", type=float, default=420.0)
    parser.add_argument("--small", action="store_true")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("high")
    clock, scale = Clock(), SMALL if flags.small else Scale()
    flags.out.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("fork").Pool(scale.processes) as pool:  # forked before anything touches the GPU
        if flags.leg == "prior_pose":
            prior_pose(flags.out, flags.seconds, scale, clock, pool)
        else:
            e2e(flags.out, flags.pose, flags.seconds, scale, clock, pool)
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    note(flags.out, leg=flags.leg, device=card, torch=torch.__version__, total_s=round(clock(), 1))
    clock.say((flags.out / "figures.json").read_text())


if __name__ == "__main__":
    main()

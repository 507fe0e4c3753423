"""Tiny media and fake teachers for the factory's tests; importable in worker processes."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Mapping, Sequence

import av
import cv2
import numpy as np

from bootstrap.doing import make_pair, record_failure
from bootstrap.filters.filter import Filter
from bootstrap.planned import SealUnit
from bootstrap.prompts import unguided
from bootstrap.recipe import Recipe, Teacher
from bootstrap.round_config import RoundConfig
from bootstrap.rounds import Round, in_use, plan_round
from bootstrap.sealing import seal
from bootstrap.shards.reader import read_samples
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.inspection import inspect
from bootstrap.sources.windows import WindowRules
from bootstrap.survey import Footage, survey
from bootstrap.tally import Outcome
from bootstrap.thresholds import Thresholds
from bootstrap.units import Work
from models.guidance.guide import Guidance
from models.guidance.mllm import MllmGuide
from models.images import encode_image
from models.mllm.client import Client
from models.mllm.endpoint import Endpoint
from models.types import AnimationRequest, AnimationResult, Clip, Grid, TrainingExample
from models.video import encode_video, write_video
from pipelines.factory import synthesize
from pipelines.making import Limits
from pipelines.stations import Staff

GRID = Grid(width=32, height=32, fps=8.0, num_frames=4)


def moving_square(colour: tuple[int, int, int], background: int, frames: int = 6, size: int = 32) -> Clip:
    """A textured square that runs to the right over plain ground."""
    rng = np.random.default_rng(background)
    texture = np.clip(np.array(colour) + rng.integers(-40, 40, (12, 12, 1)), 0, 255).astype(np.uint8)
    ground = np.full((size, size, 3), background, np.uint8)
    video = np.stack([ground] * frames)
    for t in range(frames):
        video[t, 8:20, 2 + 3 * t : 14 + 3 * t] = texture[:, : size - 2 - 3 * t]
    return Clip(frames=video, fps=8.0)


def write_sources(folder: Path, clips: int = 3, identities: int = 3) -> tuple[Path, Path]:
    """Folders of driving clips and identity images."""
    driving, references = folder / "driving", folder / "references"
    for n in range(clips):
        write_video(driving / f"clip{n}.mp4", moving_square((200, 60 + 40 * n, 30), 40 + 20 * n))
    references.mkdir(parents=True, exist_ok=True)
    for n in range(identities):
        picture = moving_square((20, 90, 120 + 50 * n), 220 - 15 * n).frames[0].copy()
        picture[::4, ::2], picture[26:] = 150, (90, 160, 60)  # another scene: else it would be a clip in other colours
        (references / f"who{n}.png").write_bytes(encode_image(picture))
    return driving, references


def write_bad_clips(driving: Path) -> set[str]:
    """One clip of every kind that cannot be used; returns their names."""
    data = encode_video(moving_square((9, 9, 200), 90))
    (driving / "cut.mp4").write_bytes(data[: len(data) // 2])
    (driving / "empty.mp4").write_bytes(b"")
    (driving / "text.mp4").write_text("not a video at all\n" * 50)
    write_video(driving / "one_frame.mp4", moving_square((9, 9, 200), 90, frames=1))
    with av.open(str(driving / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return {"cut.mp4", "empty.mp4", "text.mp4", "one_frame.mp4", "sound.mp4"}


def write_odd_pictures(references: Path) -> set[str]:
    """Pictures that are usable after a change: 16 bit, alpha, 4000 px wide; returns their names."""
    blocks = np.kron(np.random.default_rng(0).integers(0, 255, (4, 4, 4)), np.ones((8, 8, 1), int))
    cv2.imwrite(str(references / "deep.png"), (blocks[..., :3] * 257).astype(np.uint16))
    cv2.imwrite(str(references / "glass.png"), blocks[::-1].astype(np.uint8))
    cv2.imwrite(str(references / "huge.jpg"), np.tile(blocks[:, ::-1, :3], (2, 125, 1)).astype(np.uint8))
    return {"deep.png", "glass.png", "huge.jpg"}


TEACHER = Teacher(name="shift", weights_hash="")
_OFF = {field.name: 0.0 for field in fields(Thresholds) if field.type == "float"}
FAIR = Thresholds(**{**_OFF, "moving": 0.5, "distinct": 1.0})
"""What `ShiftTeacher` reaches: it is no animator."""
NO_NUMBER = Filter(name="no_number", function=lambda evidence: float("nan"), lacking="")
_RECIPE = ("grid", "seed", "teacher", "thresholds", "guide", "fit", "pix_fmt")


def config(**changes: object) -> RoundConfig:
    """Settings of a small round; small units so that there are several."""
    recipe = {"teacher": TEACHER, "grid": GRID, "thresholds": FAIR, **{name: value for name, value in changes.items() if name in _RECIPE}}
    rest = {name: value for name, value in changes.items() if name not in _RECIPE}
    return RoundConfig(**{"recipe": Recipe(**recipe), "pairs_per_unit": 2, **rest})


def footage(folder: Path, **windows: object) -> Footage:
    """The sources of `write_sources(folder)`. The squares are much alike: doubles count here."""
    rules = WindowRules(**{"near_doubles": True, **windows})
    return Footage(driving=(str(folder / "driving"),), references=(str(folder / "references"),), windows=rules)


def plan(folder: Path, out: Path, **changes: object) -> Round:
    """A round over `write_sources(folder)`, planned in this process."""
    asked, sources = config(**changes), footage(folder)
    look = partial(map, lambda file: (file[0], inspect(*file)))
    found = survey(sources, asked.recipe.grid, look, Catalog(folder / "catalog.sqlite"), in_use(str(out)))
    return plan_round(asked, str(out), found.driving, found.references, found.apart)


def key_of(round_: Round, place: int) -> str:
    """The key of the pair at that place of the whole plan."""
    return [pair.spec.key for index in range(len(round_.ranges)) for pair in round_.unit(index).pairs][place]


def work_off(round_: Round, pending: Sequence[int], teacher: object, guide: object = None, deaths: Mapping[str, str] = {}) -> None:
    """All items of some units here, the latest first. `deaths`: key -> why no worker brought that pair to an end."""
    work, waiting = Work(round_=round_, pending=pending), []
    while True:
        while (item := work.next()) is not None:
            waiting.append(item)
        if not waiting:
            return
        item = waiting.pop()
        if isinstance(item, SealUnit):
            work.unit_is_back(seal(round_.context, item))
            continue
        reason = deaths.get(item.key, "")
        report = None if reason else make_pair(round_.context, item, teacher, guide)
        if reason or not report.recorded:
            record_failure(round_.context, item, reason or report.reason)
        work.pair_is_back(item.unit)


def make_round(
    folder: Path, out: str = "out", teacher: object = None, workers: int | Staff = 0, make_teacher: object = None, **changes: object
) -> Outcome:
    """A whole round over `write_sources(folder)`; `teacher` is made already, `mark` is what the recipe says of it."""
    made = teacher or ShiftTeacher()
    if "mark" in changes:
        changes["teacher"] = changes.pop("mark")
    asked = {"make_teacher": make_teacher or (lambda: made), "make_guide": changes.pop("make_guide", unguided)}
    sources = footage(folder, **changes.pop("windows", {}))
    if "timeout_s" in changes:
        asked["limits"] = Limits(pair_s=changes.pop("timeout_s"))
    staff = workers if isinstance(workers, Staff) else Staff(workers=workers)
    return synthesize(config(**changes), str(folder / out), sources, staff, catalog=Catalog(folder / "catalog.sqlite"), **asked)


@dataclass(frozen=True, kw_only=True)
class ShiftTeacher:
    """Moves the identity picture 3 px a frame. `delays_s`: first letter of a key -> wait, to upset the order of completion."""

    name: str = "shift"
    weights_hash: str = ""
    slowest_s: float = 0.0
    die_on: str = ""
    fail_on: str = ""
    freeze: bool = False
    size: tuple[int, int] | None = None

    def animate(self, request: AnimationRequest) -> AnimationResult:
        if self.slowest_s:
            time.sleep(self.slowest_s * (15 - int(request.id[0], 16)) / 15)
        if self.die_on and request.id == self.die_on:
            os.kill(os.getpid(), 9)
        if self.fail_on and request.id == self.fail_on:
            raise RuntimeError("out of luck")
        step = 0 if self.freeze else 3
        frames = np.stack([np.roll(request.reference, step * t, axis=1) for t in range(request.num_frames)])
        if self.size:
            frames = np.stack([cv2.resize(frame, self.size) for frame in frames])
        return AnimationResult(request_id=request.id, clip=Clip(frames=frames, fps=request.driving.fps), animator=self.name, seconds=0.0)


class NoTeacher(ShiftTeacher):
    """Must not be asked."""

    def animate(self, request: AnimationRequest) -> AnimationResult:
        raise AssertionError("asked")


asked: list[str] = []
"""The pairs that a `CountingTeacher` of this process was asked for; a test clears it before it counts."""


class CountingTeacher(ShiftTeacher):
    def animate(self, request: AnimationRequest) -> AnimationResult:
        asked.append(request.id)
        return super().animate(request)


@dataclass(frozen=True, kw_only=True)
class WordGuide:
    """Says what it was shown: the first frame's and the reference's mean grey, and the tags that guides read."""

    name: str = "words"
    version: str = "w-1"
    error: Exception | None = None

    def guide(self, driving: Clip, reference: np.ndarray, tags: Mapping[str, str]) -> Guidance:
        if self.error is not None:
            raise self.error
        motion, appearance = f"motion of {driving.frames[0].mean():.1f}", f"looks of {reference.mean():.1f}"
        prompt = f"{tags.get('subject')} instead of {tags.get('driver_subject')}: {appearance}, {motion}"
        return Guidance(motion=motion, appearance=appearance, prompt=prompt, guide=self.name, version=self.version)


def cards_of(folder: Path) -> dict[str, dict]:
    """Key -> KEY.json of every sample of a dataset."""
    return {key: json.loads(members["json"]) for key, members, _ in read_samples(folder)}


def fake_mllm_guide(url: str, cache: Path) -> MllmGuide:
    """A guide that asks the endpoint at `url`, which answers as `mllm_says`."""
    return MllmGuide(client=Client(Endpoint(base_url=url, model="fake"), cache))


def mllm_says(body: dict) -> dict:
    """What a fake endpoint replies to a question of `models.guidance.prompts`: the same to the same."""
    asked = body["response_format"]["json_schema"]["name"]
    said = hashlib.sha256(json.dumps(body["messages"]).encode()).hexdigest()[:8]
    replies = {
        "motion": {"motion": f"moves like {said}"},
        "appearance": {"appearance": f"looks like {said}", "movable_parts": ["all of it"]},
        "fusion": {"mapping": [{"driver_part": "all", "target_part": "all"}], "prompt": f"it moves, {said}"},
    }
    message = {"role": "assistant", "content": json.dumps(replies[asked])}
    return {"model": "fake", "choices": [{"message": message, "finish_reason": "stop"}]}


def write_teacher(out: Path) -> None:
    """A checkpoint of a few thousand weights, one step from random."""
    from models.animators.motion import Raw
    from models.backbones.families import build_backbone
    from models.runtime import Runtime
    from models.training.batches import Batches
    from models.training.config import TrainConfig
    from models.training.loop import fit

    grid, described = Grid(width=16, height=16, fps=8.0, num_frames=5), {"family": "tiny", "width": 32, "layers": 1, "heads": 2}
    clip = Clip(frames=moving_square((200, 60, 30), 40, frames=5).frames[:, ::2, ::2], fps=8.0)
    example = TrainingExample(id="one", reference=clip.frames[0], driver=clip, target=clip)
    recipe = TrainConfig(recipe="toy", motion={"kind": "raw"}, grid=grid, gap_frames=1, backbone=described, batch_size=2)
    batches = Batches(examples=[example], config=recipe, motion=Raw())
    fit(build_backbone(described, None, Runtime(device="cpu")), batches, steps=1, out=out)

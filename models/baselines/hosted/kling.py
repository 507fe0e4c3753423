"""`kling_motion_control` (Kling 2.6) and `kling_o1`: the reference moved by the driver's clip.

Motion control follows the largest person of the driver; its answer is as long as the driver. Kling-O1 is an editor of clips that is told
in words what to do with image and video; it answers at 24 frames/s and in whole seconds. Both take the image as bare base64 and the video
as a link only. A task bears our id, so one whose submit was cut off is found in the account's list.
Source: Kling AI, API reference (motion control, omni video, error codes), as mirrored in public documentation in 2026.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any, Iterable, Literal, Mapping

from models.baselines.hosted import outcomes as outcome
from models.baselines.hosted.animator import Hosted, Service, hosted
from models.baselines.hosted.inputs import bare_base64, image_file, video_file
from models.baselines.hosted.keys import read_keys
from models.baselines.hosted.lacking import lacking
from models.baselines.hosted.options import HostedOptions, aside
from models.baselines.hosted.outcomes import Accepted, Call, Done, Failed, Listed, Refused, Reply, Running, Trouble, Unclear
from models.baselines.hosted.signing import json_web_token
from models.baselines.hosted.uploads import check_upload, uploaded
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.types import AnimationRequest, require

MOTION, OMNI = "kling_motion_control", "kling_o1"
_KEYS = ("KLING_ACCESS_KEY", "KLING_SECRET_KEY")
_PATHS = {MOTION: "/v1/videos/motion-control", OMNI: "/v1/videos/omni-video"}
_IMAGE_B, _VIDEO_B, _PROMPT_CHARS, _PAGE, _LEAST_S = 10 * 1000**2, 100 * 1000**2, 2500, 30, 3
_LICENCE = "hosted; Kling AI terms of service"
_WEIGHTS = "none; key in KLING_ACCESS_KEY and KLING_SECRET_KEY, upload=s3://... for the driver"
_SHAPES = {(1280, 720): "16:9", (720, 1280): "9:16", (960, 960): "1:1"}
_TOLD = (
    "Let the subject of <<<image_1>>> perform exactly the motion, expression and timing of the subject in <<<video_1>>>. "
    "Keep the appearance, framing and background of <<<image_1>>>."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KlingOptions(HostedOptions):
    """`mode`: the quality, pro takes longer and more units."""

    base_url: str = aside("https://api-singapore.klingai.com", "the service; for accounts in China https://api-beijing.klingai.com")
    concurrency: int = aside(3, "tasks at a time over all processes of this machine; 429 code 1303 where the account has fewer")
    mode: Literal["std", "pro"] = "pro"
    usd_per_unit: float | None = aside(None, "price of a unit; a reply says how many a task took")


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionOptions(KlingOptions):
    """`character_orientation`: the figure faces as in the driver (`video`, up to 30 s) or as in the reference (`image`, up to 10 s).

    `model_name`: the model's version, sent where it is given.
    """

    character_orientation: Literal["image", "video"] = "video"
    model_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OmniOptions(KlingOptions):
    """`instruction`: what is said of `<<<image_1>>>` and `<<<video_1>>>`, before the request's own prompt.

    `model_name`: name and version. `refer_type`: feature, a new video with the driver's motion; base, an edit of the driver itself.
    """

    model_name: str = "kling-video-o1"
    refer_type: Literal["feature", "base"] = "feature"
    instruction: str = _TOLD


def capabilities(name: str) -> Capabilities:
    """Of the longest driver there may be; `character_orientation=image` takes 10 s."""
    if name == OMNI:
        return Capabilities(
            kind="hosted", needs=("driver",), takes=("prompt",), licence=_LICENCE, weights=_WEIGHTS, size=SizeRule(sizes=tuple(_SHAPES)),
            frames=FrameRule(fps=24, step=24, least=72, most=240), note="an editor told in words; whole seconds, 3 to 10, at 24 frames/s",
        )  # fmt: skip
    return _motion_capabilities(30)


def _motion_capabilities(most_s: float) -> Capabilities:
    return Capabilities(
        kind="hosted",
        needs=("driver",),
        takes=("prompt",),
        size=SizeRule(multiple=2, min_side_px=340, max_side_px=3850, max_ratio=2.5),
        frames=FrameRule(least_s=_LEAST_S, most_s=most_s),
        subjects=1,
        licence=_LICENCE,
        weights=_WEIGHTS,
        note="no seed; of several people the largest is followed; character_orientation=image takes 10 s",
    )


def options(name: str) -> type:
    return OmniOptions if name == OMNI else MotionOptions


def estimate(name: str, workload: Workload, options: KlingOptions) -> Estimate:
    """By the seconds of video; the service itself counts units, which a reply tells."""
    if options.usd_per_s is None:
        return Estimate(basis="Kling bills units; state a price with --set usd_per_s=... (estimate) and usd_per_unit=... (settled)")
    seconds = min(max(workload.duration_s, _LEAST_S), 10 if name == OMNI else 30)
    return Estimate(usd=options.usd_per_s * seconds, basis=f"stated by --set usd_per_s={options.usd_per_s:g}")


def missing(name: str, options: KlingOptions, left: Iterable[str] = ()) -> list[str]:
    return lacking(name, _KEYS, options, uploads=True, priced=options.usd_per_s is not None, left=left)


def create(argument: str | None = None, *, name: str = MOTION, options: KlingOptions | None = None) -> Hosted:
    """The animator; it takes no argument. Nothing is contacted."""
    given = options or (OmniOptions() if name == OMNI else MotionOptions())
    most_s = 10 if getattr(given, "character_orientation", "") == "image" else 30
    able = capabilities(name) if name == OMNI else _motion_capabilities(most_s)
    return hosted(name, argument, given, able, KlingService(name, given), estimate)


class KlingService(Service):
    """The contract of both: a path each, one envelope."""

    can_look_up, key_names, sees_driver, expires_s = True, _KEYS, True, 30 * 86400.0

    def __init__(self, name: str, options: KlingOptions) -> None:
        self.name, self._options = name, options
        self.base_url = options.base_url.rstrip("/")

    # -- the provider of the machine

    def submit(self, body: Mapping[str, Any], own_id: str, now_s: float) -> Call:
        data = json.dumps({**body, "external_task_id": own_id}).encode()
        return Call(method="POST", url=self._url(), headers=self._headers(now_s), body=data)

    def read_submit(self, reply: Reply) -> Accepted | Trouble:
        data, trouble = self._read(reply)
        if trouble is not None:
            return Refused(reason=trouble.reason) if isinstance(trouble, Failed) else trouble
        return Accepted(task=str(data["task_id"])) if data.get("task_id") else Unclear(reason="a reply without a task id")

    def poll(self, task: str, now_s: float) -> Call:
        return Call(method="GET", url=f"{self._url()}/{task}", headers=self._headers(now_s))

    def read_poll(self, task: str, reply: Reply) -> Running | Done | Failed | Trouble:
        data, trouble = self._read(reply)
        if trouble is not None:
            return trouble
        status = data.get("task_status")
        if status in ("submitted", "processing"):
            return Running()
        if status == "failed":
            return Failed(reason=f"the task failed ({data.get('task_status_msg') or 'no words'})")
        videos = (data.get("task_result") or {}).get("videos") or [{}]
        if status == "succeed" and isinstance(videos[0].get("url"), str):
            return Done(url=videos[0]["url"], units=_number(data.get("final_unit_deduction")))
        return Unclear(reason=f"a task of status {status!r} without a video")

    def look_up(self, page: int, now_s: float) -> Call:
        return Call(method="GET", url=f"{self._url()}?pageNum={page}&pageSize={_PAGE}", headers=self._headers(now_s))

    def read_look_up(self, reply: Reply) -> Listed | Trouble:
        data, trouble = self._read(reply)
        if trouble is not None:
            return Refused(reason=trouble.reason) if isinstance(trouble, Failed) else trouble
        if not isinstance(data, list):
            return Unclear(reason="a reply without a list of tasks")
        rows = [(str((row.get("task_info") or {}).get("external_task_id")), str(row["task_id"]), row) for row in data]
        tasks = tuple((own_id, task, (_number(row.get("created_at")) or 0) / 1000) for own_id, task, row in rows)
        return Listed(tasks=tasks, last=len(tasks) < _PAGE)

    def _url(self) -> str:
        return self.base_url + _PATHS[self.name]

    def _headers(self, now_s: float) -> dict[str, str]:
        token = json_web_token(*read_keys(self.name, _KEYS), now_s)
        return {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def _read(self, reply: Reply) -> tuple[Any, Failed | Trouble | None]:
        """(data, None) of an envelope that says success, else what it says."""
        envelope = reply.json()
        code, said = envelope.get("code"), f"{envelope.get('message') or 'no words'}"[:300]
        told = f"HTTP {reply.status} code {code} ({said})"
        if code == 0 and reply.status == 200:
            data = envelope.get("data")
            return ({} if data is None else data), None  # an empty list of tasks is a list
        if code in (1003, 1004):
            return None, outcome.Unsigned(reason=told)
        if code in (1302, 1303):
            return None, outcome.Busy(reason=told, retry_after_s=reply.retry_after_s)
        if code in (5000, 5001, 5002):
            return None, Unclear(reason=told)
        if code in (1202, 1203):
            return None, Failed(reason=f"the service does not know the task: {told}")
        if code in (1000, 1001, 1002):
            return None, Refused(reason=f"{told}, expected access; check {' and '.join(_KEYS)}")
        if isinstance(code, int) and code:
            return None, Refused(reason=told)
        return None, outcome.by_status(reply, "", _KEYS)

    # -- what is asked

    def asked(self) -> dict[str, Any]:
        kept = self._options
        if self.name == OMNI:
            return {"model_name": kept.model_name, "mode": kept.mode, "refer_type": kept.refer_type, "instruction": kept.instruction}
        return {"model_name": kept.model_name, "mode": kept.mode, "character_orientation": kept.character_orientation}

    def check(self, request: AnimationRequest, item: str) -> None:
        check_upload(item, self._options.upload)
        prompt = self._prompt(request)
        require(len(prompt) <= _PROMPT_CHARS, item, "prompt", f"{len(prompt)} characters", f"at most {_PROMPT_CHARS}")

    def _prompt(self, request: AnimationRequest) -> str:
        words = (self._options.instruction, request.prompt) if self.name == OMNI else (request.prompt,)
        return " ".join(word.strip() for word in words if word.strip())

    def body(self, request: AnimationRequest, item: str) -> dict[str, Any]:
        image = bare_base64(image_file(request.reference, item, _IMAGE_B)[0])
        video = uploaded(self._options.upload, video_file(request.driving, item, _VIDEO_B), ".mp4", item)
        return self._omni_body(request, image, video) if self.name == OMNI else self._motion_body(request, image, video)

    def _motion_body(self, request: AnimationRequest, image: str, video: str) -> dict[str, Any]:
        kept = self._options
        body = {"image_url": image, "video_url": video, "mode": kept.mode, "character_orientation": kept.character_orientation}
        more = {"model_name": kept.model_name, "prompt": self._prompt(request)}
        return body | {"keep_original_sound": "no"} | {name: value for name, value in more.items() if value}

    def _omni_body(self, request: AnimationRequest, image: str, video: str) -> dict[str, Any]:
        kept = self._options
        body = {"model_name": kept.model_name, "prompt": self._prompt(request), "mode": kept.mode, "image_list": [{"image_url": image}]}
        body["video_list"] = [{"video_url": video, "refer_type": kept.refer_type, "keep_original_sound": "no"}]
        if kept.refer_type == "feature":  # an edit of the base video has its shape and length
            body |= {"aspect_ratio": _SHAPES[request.size], "duration": str(round(request.driving.duration_s))}
        return body

    def usd_of(self, done: Done) -> float | None:
        price = self._options.usd_per_unit
        return None if price is None or done.units is None else price * done.units


def _number(value: Any) -> float | None:
    """A count or a moment; None for what is none, below zero or endless: a bill of NaN would defeat every cap."""
    try:
        number = float("" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if isfinite(number) and number >= 0 else None

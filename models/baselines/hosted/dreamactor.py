"""`dreamactor_m2` and `dreamactor_m1`: the method's own product, at Volcengine or, of M2, through fal.

Volcengine: the image as base64 (M1: as a link), the driver as a link; calls signed with signature version 4; a task is known for 12 hours
and its video for one. Answers are at 25 frames/s and 720p, in about the reference's shape; 10 s take about 180 s. M2's begin with a second
of transition (`first_second`). A task bears no id of ours, so one whose submit was cut off cannot be looked for.
Source: Volcengine, "Motion imitation 2.0" (jimeng_dreamactor_m20_gen_video), read in 2026; of M1 only the request key and fields.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Iterable, Literal, Mapping

from models.baselines.hosted.animator import Hosted, Service, hosted
from models.baselines.hosted.first_second import MOST_S, FirstSecond, from_the_driver_on, held_frames, led
from models.baselines.hosted.inputs import bare_base64, image_file, video_file
from models.baselines.hosted.keys import read_keys
from models.baselines.hosted.lacking import lacking
from models.baselines.hosted.options import HostedOptions, aside
from models.baselines.hosted.outcomes import Accepted, Busy, Call, Done, Failed, Refused, Reply, Running, Trouble, Unclear, by_status
from models.baselines.hosted.signing import signed_headers
from models.baselines.hosted.uploads import check_upload, uploaded
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.types import AnimationRequest, Clip

M1, M2 = "dreamactor_m1", "dreamactor_m2"
KEYS = ("VOLC_ACCESS_KEY_ID", "VOLC_SECRET_ACCESS_KEY")
FAL_KEYS = ("FAL_KEY",)
REQ_KEYS = {M1: "jimeng_dream_actor_m1_gen_video_cv", M2: "jimeng_dreamactor_m20_gen_video"}
IMAGE_B, VIDEO_B = 4_700_000, 100 * 1000**2
_VERSION, _BUSY, _BROKEN, _GOOD = "2022-08-31", (50429, 50430), (50500, 50501), 10000
_VOLCENGINE, _FAL = "https://visual.volcengineapi.com", "https://queue.fal.run"
RTF = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class M2Options(HostedOptions):
    """`first_second`: of the driver; keep: a second of its first frame goes before it and is billed, so that what the service cuts off its
    answer is none of the driver's motion; cut: the driver goes as it is.

    `via`: whose service is asked, each with keys of its own.
    """

    first_second: FirstSecond = "keep"
    via: Literal["volcengine", "fal"] = "volcengine"
    rest_url: str = aside("https://rest.fal.ai", "where fal takes uploads (via=fal, upload=fal)")


def capabilities(name: str) -> Capabilities:
    """Of the driver; `first_second=keep` adds its second where these bounds allow it."""
    is_m2 = name == M2
    keys = "key in VOLC_ACCESS_KEY_ID and VOLC_SECRET_ACCESS_KEY, upload=s3://..." + "; or FAL_KEY with via=fal" * is_m2
    return Capabilities(
        kind="hosted",
        needs=("driver",),
        size=SizeRule(multiple=2, min_side_px=480, max_side_px=1920, max_area_px=1920 * 1080),
        frames=FrameRule(least_s=1, most_s=MOST_S),
        subjects=None if is_m2 else 1,
        licence="hosted; Volcengine terms of service" + " (via=fal: fal's)" * is_m2,
        weights=f"none; {keys}",
        note="no seed, no prompt" + "; the service cuts a second off its answer, so one more than the driver lasts is sent" * is_m2,
    )


def options(name: str) -> type:
    return M2Options if name == M2 else HostedOptions


def estimate(name: str, workload: Workload, options: HostedOptions) -> Estimate:
    """By the seconds that are sent. fal's price of M2 was about 0.05 USD/s in November 2026; of Volcengine's none is stated here."""
    rate, basis = options.usd_per_s, f"stated by --set usd_per_s={options.usd_per_s or 0:g}"
    if rate is None and _is_by_fal(options):
        rate, basis = 0.05, "about 0.05 USD a second at fal, price list of 2026-11; override with --set usd_per_s"
    length_s, first = min(max(workload.duration_s, 1), MOST_S), ""
    if isinstance(options, M2Options):
        before_s = held_frames(length_s, workload.fps, options.first_second) / workload.fps
        length_s, first = length_s + before_s, _first_words(length_s, before_s)
    seconds = RTF * length_s
    if rate is None:
        return Estimate(seconds=seconds, basis=f"10 s take about 180 s; no price stated: --set usd_per_s=...{first}")
    return Estimate(seconds=seconds, usd=rate * length_s, basis=basis + first)


def _first_words(driver_s: float, before_s: float) -> str:
    """What becomes of the driver's first second, and what that costs."""
    if before_s:
        return f"; {driver_s + before_s:.3g} s are sent, {before_s:.3g} of them before the driver, so that none of its motion is cut off"
    return f"; the service may cut off the first of the driver's {driver_s:.3g} s of motion"


def missing(name: str, options: HostedOptions, left: Iterable[str] = ()) -> list[str]:
    if _is_by_fal(options):
        lines = lacking(name, FAL_KEYS, options, uploads=options.upload != "fal", priced=True, left=left)
        return [f"{line}, or upload=fal for fal's own store" if line.startswith("upload") else line for line in lines]
    return lacking(name, KEYS, options, uploads=True, priced=options.usd_per_s is not None, left=left)


def _is_by_fal(options: HostedOptions) -> bool:
    return isinstance(options, M2Options) and options.via == "fal"


def create(argument: str | None = None, *, name: str = M2, options: HostedOptions | None = None) -> Hosted:
    """The animator; it takes no argument. Nothing is contacted."""
    if name == M1:
        given = options or HostedOptions()
        return hosted(name, argument, given, capabilities(name), VolcengineM1(name, given, given.base_url or _VOLCENGINE), estimate)
    given = options or M2Options()
    if given.via == "volcengine":
        return hosted(name, argument, given, capabilities(name), VolcengineM2(name, given, given.base_url or _VOLCENGINE), estimate)
    from models.baselines.hosted.fal import FalM2

    return hosted(name, argument, given, capabilities(name), FalM2(name, given, given.base_url or _FAL), estimate)


class M2Service(Service):
    """What both roads to M2 share."""

    rtf = RTF

    def __init__(self, name: str, options: M2Options, base_url: str) -> None:
        self.name, self._options, self.base_url = name, options, base_url.rstrip("/")

    def asked(self) -> dict[str, Any]:
        return {"via": self._options.via}

    def sent(self, request: AnimationRequest) -> AnimationRequest:
        return replace(request, driving=led(request.driving, self._held(request.driving)), pose=None)

    def shows(self, asked: AnimationRequest, answer: Clip) -> tuple[Clip, float | None, str]:
        return from_the_driver_on(answer, asked.driving, self._held(asked.driving))

    def _held(self, driver: Clip) -> int:
        return held_frames(driver.duration_s, driver.fps, self._options.first_second)


class VolcengineM1(Service):
    """The contract of both, and the body of M1, of whose answers no transition is known."""

    key_names, expires_s, rtf = KEYS, 12 * 3600.0, RTF

    def __init__(self, name: str, options: HostedOptions, base_url: str) -> None:
        self.name, self._options, self.base_url = name, options, base_url.rstrip("/")

    def submit(self, body: Mapping[str, Any], own_id: str, now_s: float) -> Call:
        return self._call("CVSync2AsyncSubmitTask", body, now_s)

    def read_submit(self, reply: Reply) -> Accepted | Trouble:
        data, trouble = self._read(reply)
        if trouble is not None:
            return Refused(reason=trouble.reason) if isinstance(trouble, Failed) else trouble
        return Accepted(task=str(data["task_id"])) if data.get("task_id") else Unclear(reason="a reply without a task id")

    def poll(self, task: str, now_s: float) -> Call:
        return self._call("CVSync2AsyncGetResult", {"req_key": REQ_KEYS[self.name], "task_id": task}, now_s)

    def read_poll(self, task: str, reply: Reply) -> Running | Done | Failed | Trouble:
        data, trouble = self._read(reply)
        if trouble is not None:
            return trouble
        status, url = data.get("status"), data.get("video_url")
        if status in ("in_queue", "generating"):
            return Running()
        if status in ("not_found", "expired"):
            return Failed(reason=f"the service does not know the task any more ({status})")
        if status == "done":
            return Done(url=url) if isinstance(url, str) and url else Failed(reason="the task is done and has no video")
        return Unclear(reason=f"a task of status {status!r}")

    def _call(self, action: str, body: Mapping[str, Any], now_s: float) -> Call:
        url, data = f"{self.base_url}/?Action={action}&Version={_VERSION}", json.dumps(body).encode()
        access_key, secret_key = read_keys(self.name, KEYS)
        headers = signed_headers(
            url, data, access_key=access_key, secret_key=secret_key, region="cn-north-1", service="cv", now_s=now_s
        )  # fmt: skip
        return Call(method="POST", url=url, headers=headers, body=data)

    def _read(self, reply: Reply) -> tuple[dict[str, Any], Failed | Trouble | None]:
        body = reply.json()
        code, said = body.get("code"), str(body.get("message") or "no words")[:300]
        told = f"HTTP {reply.status} code {code} ({said})"
        if code == _GOOD and reply.status == 200:
            return body.get("data") or {}, None
        if code in _BUSY or code in _BROKEN:  # the service's own word that nothing was taken on
            return {}, Busy(reason=told, retry_after_s=reply.retry_after_s)
        if isinstance(code, int):
            return {}, Failed(reason=told)
        error = (body.get("ResponseMetadata") or {}).get("Error") or {}
        return {}, by_status(reply, f"{error.get('Code', '')} {error.get('Message', '')}".strip(), KEYS)

    def check(self, request: AnimationRequest, item: str) -> None:
        check_upload(item, self._options.upload)

    def body(self, request: AnimationRequest, item: str) -> dict[str, Any]:
        image, kind = image_file(request.reference, item, IMAGE_B)
        link = uploaded(self._options.upload, image, ".png" if kind == "image/png" else ".jpg", item)
        return self._with_video(request, item) | {"image_url": link}

    def _with_video(self, request: AnimationRequest, item: str) -> dict[str, Any]:
        video = uploaded(self._options.upload, video_file(request.driving, item, VIDEO_B), ".mp4", item)
        return {"req_key": REQ_KEYS[self.name], "video_url": video}


class VolcengineM2(M2Service, VolcengineM1):
    def body(self, request: AnimationRequest, item: str) -> dict[str, Any]:
        image, _ = image_file(request.reference, item, IMAGE_B)
        return self._with_video(request, item) | {"binary_data_base64": [bare_base64(image)], "cut_result_first_second_switch": True}

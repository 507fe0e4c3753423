"""`dreamactor_m2` and `dreamactor_m1`: the method's own product, at Volcengine or, of M2, through fal.

Volcengine: the image as base64 (M1: as a link), the driver as a link; calls signed with signature version 4; a task is known for 12 hours
and its video for one. Answers are at 25 frames/s and 720p, in about the reference's shape; 10 s take about 180 s. A task bears no id of
ours, so one whose submit was cut off cannot be looked for.
Source: Volcengine, "Motion imitation 2.0" (jimeng_dreamactor_m20_gen_video), read in 2026; of M1 only the request key and fields.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, Mapping

from models.baselines.hosted.animator import Hosted, Service, hosted
from models.baselines.hosted.first_second import FirstSecond, first_shown
from models.baselines.hosted.inputs import bare_base64, image_file, video_file
from models.baselines.hosted.keys import read_keys
from models.baselines.hosted.lacking import lacking
from models.baselines.hosted.options import HostedOptions, aside
from models.baselines.hosted.outcomes import Accepted, Busy, Call, Done, Failed, Refused, Reply, Running, Trouble, Unclear, by_status
from models.baselines.hosted.signing import signed_headers
from models.baselines.hosted.uploads import check_upload, uploaded
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.types import AnimationRequest, Clip, require

M1, M2 = "dreamactor_m1", "dreamactor_m2"
KEYS = ("VOLC_ACCESS_KEY_ID", "VOLC_SECRET_ACCESS_KEY")
FAL_KEYS = ("FAL_KEY",)
REQ_KEYS = {M1: "jimeng_dream_actor_m1_gen_video_cv", M2: "jimeng_dreamactor_m20_gen_video"}
IMAGE_B, VIDEO_B = 4_700_000, 100 * 1000**2
_VERSION, _BUSY, _BROKEN, _GOOD = "2022-08-31", (50429, 50430), (50500, 50501), 10000
_OFFICIAL = {"volcengine": "https://visual.volcengineapi.com", "fal": "https://queue.fal.run"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DreamActorOptions(HostedOptions):
    """`first_second`: whether the service cuts off the second in which the reference comes into pose."""

    first_second: FirstSecond = "cut"
    via: Literal["volcengine", "fal"] = "volcengine"
    rest_url: str = aside("https://rest.fal.ai", "where fal takes uploads (via=fal, upload=fal)")


def capabilities(name: str) -> Capabilities:
    keys = "key in VOLC_ACCESS_KEY_ID and VOLC_SECRET_ACCESS_KEY, upload=s3://..." + ("; or FAL_KEY with via=fal" if name == M2 else "")
    return Capabilities(
        kind="hosted",
        needs=("driver",),
        size=SizeRule(multiple=2, min_side_px=480, max_side_px=1920, max_area_px=1920 * 1080),
        frames=FrameRule(least_s=1, most_s=30),
        subjects=None if name == M2 else 1,
        licence="hosted; Volcengine terms of service (via=fal: fal's)",
        weights=f"none; {keys}",
        note="the answer's first second is cut by the service; no seed, no prompt",
    )


def options(name: str) -> type:
    return DreamActorOptions


def estimate(name: str, workload: Workload, options: DreamActorOptions) -> Estimate:
    """By the seconds of the driver. fal's price of M2 was about 0.05 USD/s in November 2026; of Volcengine's none is stated here."""
    rate, basis = options.usd_per_s, f"stated by --set usd_per_s={options.usd_per_s or 0:g}"
    if rate is None and options.via == "fal":
        rate, basis = 0.05, "about 0.05 USD a second at fal, price list of 2026-11; override with --set usd_per_s"
    length_s = min(max(workload.duration_s, 1), 30)
    seconds = 18 * length_s
    if rate is None:
        return Estimate(seconds=seconds, basis="10 s take about 180 s; no price stated: --set usd_per_s=...")
    return Estimate(seconds=seconds, usd=rate * length_s, basis=basis)


def missing(name: str, options: DreamActorOptions) -> list[str]:
    if options.via == "volcengine":
        return lacking(KEYS, options, uploads=True, priced=options.usd_per_s is not None)
    return lacking(FAL_KEYS, options, uploads=options.upload != "fal", priced=True)


def create(argument: str | None = None, *, name: str = M2, options: DreamActorOptions | None = None) -> Hosted:
    """The animator; it takes no argument. Nothing is contacted."""
    given, item = options or DreamActorOptions(), f"animator {name}"
    require(name == M2 or given.via == "volcengine", item, "via", given.via, "volcengine; fal offers M2 only")
    base_url = (given.base_url or _OFFICIAL[given.via]).rstrip("/")
    if given.via == "fal":
        from models.baselines.hosted.fal import FalDreamActor

        return hosted(name, argument, given, capabilities(name), FalDreamActor(name, given, base_url), estimate)
    return hosted(name, argument, given, capabilities(name), VolcengineDreamActor(name, given, base_url), estimate)


class DreamActorService(Service):
    """What both roads share."""

    rtf = 18.0

    def __init__(self, name: str, options: DreamActorOptions, base_url: str) -> None:
        self.name, self._options, self.base_url = name, options, base_url

    def asked(self) -> dict[str, Any]:
        return {"via": self._options.via, "first_second": self._options.first_second}

    def shows(self, sent: AnimationRequest, answer: Clip) -> tuple[float | None, str]:
        return first_shown(self._options.first_second, sent.driving.duration_s, answer.duration_s)


class VolcengineDreamActor(DreamActorService):
    key_names, expires_s = KEYS, 12 * 3600.0

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
        video = uploaded(self._options.upload, video_file(request.driving, item, VIDEO_B), ".mp4", item)
        body = {"req_key": REQ_KEYS[self.name], "video_url": video}
        if self.name == M1:
            return body | {"image_url": uploaded(self._options.upload, image, ".png" if kind == "image/png" else ".jpg", item)}
        return body | {"binary_data_base64": [bare_base64(image)], "cut_result_first_second_switch": self._options.first_second == "cut"}

    def shows(self, sent: AnimationRequest, answer: Clip) -> tuple[float | None, str]:
        return (None, "") if self.name == M1 else DreamActorService.shows(self, sent, answer)

"""`seedance_i2v`: ByteDance's Seedance at Ark (Volcengine or BytePlus) as a baseline that sees no driver: image and words only.

The words are the request's prompt, which the suite or a guide writes from the driver: without any there is nothing to ask, and the request
fails. Both inputs go inline; nothing is uploaded. Model names differ by region. A task bears no id of ours.
Source: Volcengine Ark, video generation API, as mirrored in public documentation in 2026.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Iterable, Literal, Mapping

from models.baselines.hosted.animator import Hosted, Service, hosted
from models.baselines.hosted.inputs import bare_base64, image_file
from models.baselines.hosted.keys import read_keys
from models.baselines.hosted.lacking import lacking
from models.baselines.hosted.options import HostedOptions, aside
from models.baselines.hosted.outcomes import Accepted, Busy, Call, Done, Failed, Reply, Running, Trouble, Unclear, by_status
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate, Workload
from models.types import AnimationRequest, require

NAME = "seedance_i2v"
_KEYS = ("ARK_API_KEY",)
_REGIONS = {"cn": "https://ark.cn-beijing.volces.com/api/v3", "intl": "https://ark.ap-southeast.bytepluses.com/api/v3"}
_MODELS = {"cn": "doubao-seedance-1-0-pro-250528", "intl": ""}
_SIZES = {(1248, 704): "16:9", (704, 1248): "9:16", (960, 960): "1:1", (1120, 832): "4:3", (832, 1120): "3:4"}
_FPS, _LEAST_S, _MOST_S, _IMAGE_B, _SEEDS = 24, 2, 12, 10 * 1000**2, 2**32
_PATH = "/contents/generations/tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedanceOptions(HostedOptions):
    """`region`: cn (Volcengine) or intl (BytePlus); `model`: a name of that region, needed in intl.

    `resolution`: of the video; tokens grow with it. `camera_fixed`: whether the camera is asked to stand still, which the service does not
    promise.
    """

    concurrency: int = aside(5, "tasks at a time over all processes of this machine")
    region: Literal["cn", "intl"] = "cn"
    model: str = ""
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    camera_fixed: bool = False
    service_tier: Literal["default", "flex"] = aside("default", "flex: slower, cheaper")
    usd_per_million_tokens: float | None = aside(None, "price of a million completion tokens; a reply tells how many a task took")


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="hosted",
        needs=("prompt",),
        size=SizeRule(sizes=tuple(_SIZES)),
        frames=FrameRule(fps=_FPS, step=_FPS, least=_LEAST_S * _FPS, most=_MOST_S * _FPS),
        licence="hosted; Volcengine or BytePlus terms of service",
        weights="none; key in ARK_API_KEY, model names by region",
        note="sees no driver: its motion is that of the prompt; whole seconds at 24 frames/s",
    )


def options(name: str) -> type:
    return SeedanceOptions


def estimate(name: str, workload: Workload, options: SeedanceOptions) -> Estimate:
    """Tokens are width x height x frames / 1024, as Ark counts them."""
    rows = {"480p": 0.44, "720p": 1.0, "1080p": 2.25}[options.resolution]
    frames = max(_LEAST_S, min(_MOST_S, -(-workload.num_frames // workload.fps))) * _FPS
    tokens = round(rows * 960 * 960 * frames / 1024)
    if options.usd_per_million_tokens is not None:
        usd, basis = options.usd_per_million_tokens * tokens / 1e6, f"--set usd_per_million_tokens={options.usd_per_million_tokens:g}"
        return Estimate(usd=usd, basis=f"about {tokens} completion tokens; stated by {basis}")
    if options.usd_per_s is not None:
        return Estimate(usd=options.usd_per_s * frames / _FPS, basis=f"stated by --set usd_per_s={options.usd_per_s:g}")
    return Estimate(basis=f"about {tokens} completion tokens; no price stated: --set usd_per_million_tokens=...")


def missing(name: str, options: SeedanceOptions, left: Iterable[str] = ()) -> list[str]:
    priced = options.usd_per_s is not None or options.usd_per_million_tokens is not None
    lines = lacking(name, _KEYS, options, uploads=False, priced=priced, left=left)
    if not (options.model or _MODELS[options.region]):
        lines.append(f"model: none for region {options.region}; --set model=... as the console lists it")
    return lines


def create(argument: str | None = None, *, name: str = NAME, options: SeedanceOptions | None = None) -> Hosted:
    """The animator; it takes no argument. Nothing is contacted."""
    given, item = options or SeedanceOptions(), f"animator {name}"
    model = given.model or _MODELS[given.region]
    require(bool(model), item, "model", "none", f"the name of a model in region {given.region}", "--set model=... as the console lists it")
    return hosted(name, argument, given, capabilities(name), Seedance(name, given, model), estimate)


class Seedance(Service):
    sees_driver, key_names = False, _KEYS

    def __init__(self, name: str, options: SeedanceOptions, model: str) -> None:
        self.name, self._options, self._model = name, options, model
        self.base_url = (options.base_url or _REGIONS[options.region]).rstrip("/")

    def submit(self, body: Mapping[str, Any], own_id: str, now_s: float) -> Call:
        return Call(method="POST", url=f"{self.base_url}{_PATH}", headers=self._headers(), body=json.dumps(body).encode())

    def read_submit(self, reply: Reply) -> Accepted | Trouble:
        if reply.status == 200:
            task = reply.json().get("id")
            return Accepted(task=task) if isinstance(task, str) and task else Unclear(reason="a reply without a task id")
        if reply.status >= 500 and _said(reply):  # the service's own word that nothing was taken on; a gateway has none
            return Busy(reason=f"HTTP {reply.status} ({_said(reply)})", retry_after_s=reply.retry_after_s)
        return by_status(reply, _said(reply), _KEYS)

    def poll(self, task: str, now_s: float) -> Call:
        return Call(method="GET", url=f"{self.base_url}{_PATH}/{task}", headers=self._headers())

    def read_poll(self, task: str, reply: Reply) -> Running | Done | Failed | Trouble:
        if reply.status == 404:
            return Failed(reason=f"the service does not know the task (HTTP 404 {_said(reply)})")
        if reply.status != 200:
            return by_status(reply, _said(reply), _KEYS)
        body = reply.json()
        status = body.get("status")
        if status in ("queued", "running"):
            return Running()
        if status in ("failed", "cancelled", "expired"):
            return Failed(reason=f"the task {'failed' if status == 'failed' else 'is ' + status} ({_said(reply) or 'no words'})")
        url, tokens = (body.get("content") or {}).get("video_url"), (body.get("usage") or {}).get("completion_tokens")
        if status == "succeeded" and isinstance(url, str):
            return Done(url=url, tokens=tokens if type(tokens) is int and 0 <= tokens < 1 << 53 else None)
        return Unclear(reason=f"a task of status {status!r} without a video")

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {read_keys(self.name, _KEYS)[0]}", "content-type": "application/json"}

    def asked(self) -> dict[str, Any]:
        kept = self._options
        return {"model": self._model, "resolution": kept.resolution, "camera_fixed": kept.camera_fixed}

    def check(self, request: AnimationRequest, item: str) -> None:
        advice = "give the case a prompt, or --guide NAME, which writes one from the driver"
        require(bool(request.prompt.strip()), item, "prompt", "none", "words: this system sees no driver", advice)

    def body(self, request: AnimationRequest, item: str) -> dict[str, Any]:
        image, kind = image_file(request.reference, item, _IMAGE_B)
        shown = {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{bare_base64(image)}"}, "role": "first_frame"}
        seconds = round(request.driving.duration_s)
        return {
            "model": self._model,
            "content": [{"type": "text", "text": request.prompt}, shown],
            "ratio": _SIZES[request.size],
            "resolution": self._options.resolution,
            "duration": max(_LEAST_S, min(_MOST_S, seconds)),
            "seed": request.seed % _SEEDS,
            "watermark": False,
            "camera_fixed": self._options.camera_fixed,
            "service_tier": self._options.service_tier,
        }

    def usd_of(self, done: Done) -> float | None:
        price = self._options.usd_per_million_tokens
        return None if price is None or done.tokens is None else price * done.tokens / 1e6


def _said(reply: Reply) -> str:
    error = reply.json().get("error")
    return f"{error.get('code', '')} {error.get('message', '')}".strip()[:300] if isinstance(error, dict) else ""

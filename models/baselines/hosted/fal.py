"""DreamActor-M2 through fal's queue: submit, status, result, three calls. The driver goes as a link, fal's own storage among the places.

The addresses of status and result are those that the submit's reply names, where they lie at the host that the user has named: the key
goes nowhere else. A task bears no id of ours.
Source: fal, queue API and storage of its clients, read in 2026; model `fal-ai/bytedance/dreamactor/v2`.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any, Mapping
from urllib.parse import urlsplit

from models.addresses import is_loopback
from models.baselines.hosted.address import check_base_url, may_fetch
from models.baselines.hosted.dreamactor import FAL_KEYS as KEYS
from models.baselines.hosted.dreamactor import IMAGE_B, VIDEO_B, M2Service
from models.baselines.hosted.inputs import bare_base64, image_file, video_file
from models.baselines.hosted.keys import read_keys
from models.baselines.hosted.outcomes import Accepted, Call, Done, Failed, Follow, Reply, Running, Trouble, Unclear, by_status
from models.baselines.hosted.uploads import check_upload, put, uploaded
from models.baselines.hosted.wire import Broken, NotSent, send
from models.types import AnimationRequest

_MODEL = "fal-ai/bytedance/dreamactor/v2"
_WAY = re.compile(r"/[\w./-]{1,300}")


class FalM2(M2Service):
    key_names = KEYS

    def submit(self, body: Mapping[str, Any], own_id: str, now_s: float) -> Call:
        return Call(method="POST", url=f"{self.base_url}/{_MODEL}", headers=self._headers(), body=json.dumps(body).encode())

    def read_submit(self, reply: Reply) -> Accepted | Trouble:
        if reply.status not in (200, 201, 202):
            return by_status(reply, _said(reply), KEYS)
        body = reply.json()
        way = self._way(body.get("response_url")) or self._own_way(body.get("request_id"))
        return Accepted(task=way) if way else Unclear(reason="a reply without a request id")

    def poll(self, task: str, now_s: float) -> Call:
        return Call(method="GET", url=f"{self.base_url}{task}/status", headers=self._headers())

    def read_poll(self, task: str, reply: Reply) -> Running | Done | Failed | Follow | Trouble:
        body = reply.json()
        if reply.status == 404:
            return Failed(reason="the service does not know the task (HTTP 404)")
        video = body.get("video")
        if reply.status == 200 and isinstance(video, dict) and isinstance(video.get("url"), str):
            return Done(url=video["url"])
        if 400 <= reply.status < 500 and reply.status not in (401, 403, 408, 425, 429):
            return Failed(reason=f"the task failed (HTTP {reply.status} {_said(reply)})")
        if reply.status not in (200, 202):
            return by_status(reply, _said(reply), KEYS)
        status = body.get("status")
        if status in ("IN_QUEUE", "IN_PROGRESS"):
            return Running()
        if status == "COMPLETED" and not body.get("error"):
            return Follow(make=partial(self._result, task))
        if status in ("COMPLETED", "FAILED", "CANCELED", "ERROR"):
            return Failed(reason=f"the task failed ({_said(reply) or status})")
        return Unclear(reason=f"a task of status {status!r} without a video")

    def _result(self, task: str, now_s: float) -> Call:
        return Call(method="GET", url=f"{self.base_url}{task}", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Key {read_keys(self.name, KEYS)[0]}", "content-type": "application/json"}

    def _way(self, url: Any) -> str:
        """The path of an address at the named host, "" for any other."""
        base, parts = urlsplit(self.base_url), urlsplit(url if isinstance(url, str) else "")
        same = (parts.scheme, parts.netloc) == (base.scheme, base.netloc) and parts.path.startswith(base.path)
        way = parts.path[len(base.path) :] if same else ""
        return way if _WAY.fullmatch(way) and ".." not in way else ""

    def _own_way(self, request_id: Any) -> str:
        plain = isinstance(request_id, str) and re.fullmatch(r"[\w-]{1,100}", request_id)
        return f"/{'/'.join(_MODEL.split('/')[:2])}/requests/{request_id}" if plain else ""

    def check(self, request: AnimationRequest, item: str) -> None:
        if self._options.upload != "fal":
            check_upload(item, self._options.upload)
        else:
            check_base_url(item, "rest_url", self._options.rest_url)

    def body(self, request: AnimationRequest, item: str) -> dict[str, Any]:
        image, kind = image_file(request.reference, item, IMAGE_B)
        video = video_file(request.driving, item, VIDEO_B)
        place = self._options.upload
        link = self._stored(video, item) if place == "fal" else uploaded(place, video, ".mp4", item)
        return {"image_url": f"data:{kind};base64,{bare_base64(image)}", "video_url": link, "trim_first_second": True}

    def _stored(self, video: bytes, item: str) -> str:
        """The driver in fal's own storage: asked with the key where to put it, put there without."""
        asked = json.dumps({"content_type": "video/mp4", "file_name": "driver.mp4"}).encode()
        url = f"{self._options.rest_url.rstrip('/')}/storage/upload/initiate?storage_type=fal-cdn-v3"
        try:
            reply = send(Call(method="POST", url=url, headers=self._headers(), body=asked), timeout_s=60, secrets=read_keys(item, KEYS))
        except (NotSent, Broken) as error:
            raise ValueError(f"{item}: upload: got {error}, expected a place for the driver") from None
        place, link = (reply.json().get(name) for name in ("upload_url", "file_url"))
        good = reply.status == 200 and all(isinstance(each, str) and may_fetch(each, self.base_url) for each in (place, link))
        if not (good and (place.startswith("https:") or is_loopback(place))):
            raise ValueError(f"{item}: upload: got HTTP {reply.status} {_said(reply)}, expected upload_url and file_url")
        put(place, video, "video/mp4", item)
        return link


def _said(reply: Reply) -> str:
    body = reply.json()
    return str(body.get("detail") or body.get("error") or body.get("message") or "")[:300]

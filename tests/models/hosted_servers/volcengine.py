"""Volcengine's contract for DreamActor: signature version 4 over the headers, two actions by POST."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from urllib.parse import quote

from models.types import Clip
from models.video import encode_video, read_video
from tests.models.hosted_servers.contract import ContractServer, hmac_sha256, query_of

ACCESS, SECRET = "AKLT-0123456789abcdef", "volc-secret-9f8e7d6c5b4a3210=="
_AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=([^/]+)/(\d{8})/cn-north-1/cv/request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class VolcengineServer(ContractServer):
    req_key = "jimeng_dreamactor_m20_gen_video"
    forgets = frozenset()
    transition = ""
    """Where M2's first second, which is cut off, lay: "before" or "over" the driver; "": every answer is `video`."""

    def route(self, method, parts, headers, body):
        if not self.signed(method, parts, headers, body):
            return 401, {}, {"ResponseMetadata": {"Error": {"Code": "SignatureDoesNotMatch", "Message": "no"}}}
        query, told = query_of(parts), json.loads(body)
        self.check(query["Version"] == "2022-08-31" and told["req_key"] == self.req_key and method == "POST", "query")
        return self.submit(told) if query["Action"] == "CVSync2AsyncSubmitTask" else self.poll(told["task_id"])

    def signed(self, method, parts, headers, body) -> bool:
        match = _AUTHORIZATION.fullmatch(headers.get("authorization") or "")
        if not match or match[1] != ACCESS or headers["x-content-sha256"] != hashlib.sha256(body).hexdigest():
            return False
        names = match[3].split(";")
        stamp = headers["x-date"]
        fresh = abs(time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.mktime(time.gmtime())) < 900
        needed = {"host", "x-date", "x-content-sha256", "content-type"} <= set(names) and names == sorted(names)
        query = "&".join(sorted(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query_of(parts).items()))
        lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
        canonical = f"{method}\n{parts.path}\n{query}\n{lines}\n{match[3]}\n{hashlib.sha256(body).hexdigest()}"
        to_sign = f"HMAC-SHA256\n{stamp}\n{match[2]}/cn-north-1/cv/request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = hmac_sha256(hmac_sha256(hmac_sha256(hmac_sha256(SECRET.encode(), match[2].encode()), b"cn-north-1"), b"cv"), b"request")
        return fresh and needed and match[4] == hmac_sha256(key, to_sign.encode()).hex()

    def submit(self, body):
        if self.req_key.startswith("jimeng_dreamactor"):
            image = base64.b64decode(body["binary_data_base64"][0], validate=True)
            self.check(body["cut_result_first_second_switch"] is True and len(image) < 4_700_000, "fields")
        else:
            image = self.stored.get(body["image_url"].removeprefix(self.url), b"")
            self.check("cut_result_first_second_switch" not in body, "a field that M1 does not have")
        self.check(image[:4] == b"\x89PNG", "image")
        self.stored_video(body["video_url"])
        task = self.accept("", hashlib.sha256(image).hexdigest(), body)
        return 200, {}, {"code": 10000, "data": {"task_id": task.id}, "message": "Success"}

    def poll(self, task_id):
        self.polls[task_id] += 1
        task = self.tasks.get(task_id)
        if task is None or task.number in self.forgets:
            return 200, {}, {"code": 10000, "data": {"status": "not_found"}, "message": "Success"}
        if not task.done:
            return 200, {}, {"code": 10000, "data": {"status": "generating"}, "message": "Success"}
        if task.number in self.faults.fails:
            return 400, {}, {"code": 50511, "data": None, "message": "Post Img Risk Not Pass"}
        return 200, {}, {"code": 10000, "data": {"status": "done", "video_url": self.link(task)}, "message": "Success"}

    def video_of(self, task):
        if not self.transition:
            return self.video
        driver = read_video(self.stored_video(task.body["video_url"]))
        cut = round(driver.fps) if self.transition == "over" else 0
        return encode_video(Clip(frames=driver.frames[cut:], fps=driver.fps), pix_fmt="yuv420p")

    def busy(self):
        return 429, {}, {"code": 50430, "data": None, "message": "Request Has Reached API Concurrent Limit"}

    def expired(self):
        return self.busy()

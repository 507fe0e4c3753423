"""Kling's contract: JSON web tokens, one envelope, motion control and omni video, and the list of tasks."""

from __future__ import annotations

import base64
import io
import json
import time

from PIL import Image

from tests.models.hosted_servers.contract import ContractServer, hmac_sha256, query_of

ACCESS, SECRET = "AK-0123456789abcdef", "SK-9f8e7d6c5b4a3210-secret"
PATHS = ("/v1/videos/motion-control", "/v1/videos/omni-video")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class KlingServer(ContractServer):
    price_units = 2.5
    list_lags = 0

    def route(self, method, parts, headers, body):
        if refused := self.unauthorised(headers.get("authorization") or ""):
            return 401, {}, envelope(refused, "auth")
        path = next((path for path in PATHS if parts.path.startswith(path)), None)
        if path is None:
            return 404, {}, envelope(1203, "no such resource")
        if method == "POST":
            return self.submit(path, json.loads(body))
        if parts.path == path:
            return self.list(query_of(parts))
        return self.poll(parts.path.rsplit("/", 1)[1])

    def unauthorised(self, header: str) -> int:
        try:
            head, claims, signature = header.removeprefix("Bearer ").split(".")
            told, now_s = json.loads(decoded(claims)), time.time()
            good = decoded(signature) == hmac_sha256(SECRET.encode(), f"{head}.{claims}".encode())
            good = good and json.loads(decoded(head)) == {"alg": "HS256", "typ": "JWT"} and told["iss"] == ACCESS
        except (ValueError, KeyError):
            return 1000
        if not good:
            return 1000
        return 1003 if told["nbf"] > now_s else 1004 if told["exp"] <= now_s or told["exp"] > now_s + 1801 else 0

    def submit(self, path, body):
        self.check(isinstance(body.get("external_task_id"), str), "external_task_id")
        image = body["image_url"] if path == PATHS[0] else body["image_list"][0]["image_url"]
        width, height = Image.open(io.BytesIO(base64.b64decode(image, validate=True))).size
        self.check(min(width, height) >= 300 and 1 / 2.5 <= width / height <= 2.5, "image size")
        (self.check_motion if path == PATHS[0] else self.check_omni)(body)
        self.check(len(body.get("prompt", "")) <= 2500, "prompt")
        task = self.accept(body["external_task_id"], image, body)
        return 200, {}, envelope(0, "SUCCEED", self.told(task, "submitted"))

    def check_motion(self, body):
        self.stored_video(body["video_url"])
        self.check(body["character_orientation"] in ("image", "video") and body["mode"] in ("std", "pro"), "motion fields")
        self.check(body["keep_original_sound"] in ("yes", "no") and not {"duration", "seed"} & set(body), "motion fields")

    def check_omni(self, body):
        self.stored_video(body["video_list"][0]["video_url"])
        self.check(body["model_name"] == "kling-video-o1" and body["duration"] in map(str, range(3, 11)), "omni fields")
        self.check("<<<image_1>>>" in body["prompt"] and "<<<video_1>>>" in body["prompt"], "omni prompt")
        self.check(body["aspect_ratio"] in ("16:9", "9:16", "1:1") and body["video_list"][0]["refer_type"] == "feature", "omni fields")

    def told(self, task, status):
        named = {
            "task_info": {"external_task_id": task.own_id},
            "created_at": int(task.made_s * 1000),
            "updated_at": int(time.time() * 1000),
        }
        return {"task_id": task.id, "task_status": status} | named

    def poll(self, task_id):
        self.polls[task_id] += 1
        task = self.tasks.get(task_id)
        if task is None:
            return 404, {}, envelope(1203, "no such task")
        if not task.done:
            return 200, {}, envelope(0, "SUCCEED", self.told(task, "processing"))
        if task.number in self.faults.fails:
            return 200, {}, envelope(0, "SUCCEED", self.told(task, "failed") | {"task_status_msg": "no person found"})
        result = {"task_result": {"videos": [{"id": "v", "url": self.link(task), "duration": "3.0"}]}}
        return 200, {}, envelope(0, "SUCCEED", self.told(task, "succeed") | result | {"final_unit_deduction": str(self.price_units)})

    def list(self, query):
        page, size = int(query["pageNum"]), int(query["pageSize"])
        newest = sorted(self.tasks.values(), key=lambda task: -task.made_s)
        if self.list_lags > 0:
            self.list_lags, newest = self.list_lags - 1, newest[1:]
        return 200, {}, envelope(0, "SUCCEED", [self.told(task, "processing") for task in newest[(page - 1) * size : page * size]])

    def busy(self):
        return 429, {"retry-after": "0.05"}, envelope(self.random.choice((1302, 1303)), "too many requests")

    def expired(self):
        return 401, {}, envelope(1004, "token expired")


def envelope(code, message, data=None):
    return {"code": code, "message": message, "request_id": "r"} | ({} if data is None else {"data": data})

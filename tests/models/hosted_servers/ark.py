"""Ark's contract for Seedance: a bearer key, tasks made by POST and asked for by GET."""

from __future__ import annotations

import json

from tests.models.hosted_servers.contract import ContractServer

KEY = "ark-0123456789abcdef-secret"
PATH = "/contents/generations/tasks"


class ArkServer(ContractServer):
    def route(self, method, parts, headers, body):
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, {}, {"error": {"code": "AuthenticationError", "message": f"the key {headers.get('authorization')} is wrong"}}
        if method == "POST":
            return self.submit(json.loads(body))
        return self.poll(parts.path.rsplit("/", 1)[1])

    def submit(self, body):
        text, image = body["content"]
        self.check(text["type"] == "text" and bool(text["text"].strip()), "text")
        self.check(image["image_url"]["url"].startswith("data:image/") and image["role"] == "first_frame", "image")
        self.check(body["duration"] in range(2, 13) and 0 <= body["seed"] < 2**32 and body["watermark"] is False, "fields")
        self.check("video" not in json.dumps(body), "a driver")
        return 200, {}, {"id": self.accept("", image["image_url"]["url"], body).id}

    def poll(self, task_id):
        self.polls[task_id] += 1
        task = self.tasks.get(task_id)
        if task is None:
            return 404, {}, {"error": {"code": "NotFound", "message": "no such task"}}
        if not task.done:
            return 200, {}, {"id": task.id, "status": "running"}
        if task.number in self.faults.fails:
            return 200, {}, {"id": task.id, "status": "failed", "error": {"code": "OutputVideoSensitiveContentDetected", "message": "no"}}
        return (
            200,
            {},
            {"id": task.id, "status": "succeeded", "content": {"video_url": self.link(task)}, "usage": {"completion_tokens": 100000}},
        )

    def busy(self):
        return 429, {"retry-after": "0.05"}, {"error": {"code": "RateLimitExceeded", "message": "slow down"}}

    def expired(self):
        return self.busy()

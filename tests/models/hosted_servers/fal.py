"""fal's contract: a key, a queue of submit, status and result, and a storage that says where to put a file."""

from __future__ import annotations

import json

from tests.models.hosted_servers.contract import ContractServer

KEY = "fal-0123456789abcdef:fal-secret-9f8e7d6c"


class FalServer(ContractServer):
    def route(self, method, parts, headers, body):
        if headers.get("authorization") != f"Key {KEY}":
            return 401, {}, {"detail": "no access"}
        if parts.path == "/storage/upload/initiate":
            self.check(json.loads(body)["content_type"] == "video/mp4", "upload")
            place = f"{self.url}/files/{len(self.stored)}.mp4"
            return 200, {}, {"upload_url": place, "file_url": place}
        if method == "POST":
            return self.submit(parts.path, json.loads(body))
        task = self.tasks[parts.path.split("/")[4]]
        return self.status(task) if parts.path.endswith("/status") else self.result_of(task)

    def submit(self, path, body):
        self.check(path == "/fal-ai/bytedance/dreamactor/v2" and set(body) == {"image_url", "video_url", "trim_first_second"}, "submit")
        self.check(body["image_url"].startswith("data:image/png;base64,"), "image")
        self.stored_video(body["video_url"])
        task = self.accept("", body["image_url"], body)
        way = f"{self.url}/fal-ai/bytedance/requests/{task.id}"
        return 200, {}, {"request_id": task.id, "status": "IN_QUEUE", "status_url": f"{way}/status", "response_url": way}

    def status(self, task):
        self.polls[task.id] += 1
        return (200, {}, {"status": "COMPLETED"}) if task.done else (202, {}, {"status": "IN_PROGRESS"})

    def result_of(self, task):
        if task.number in self.faults.fails:
            return 422, {}, {"detail": "no face in the picture"}
        return 200, {}, {"video": {"url": self.link(task)}}

    def busy(self):
        return 429, {"retry-after": "0.05"}, {"detail": "slow down"}

    def expired(self):
        return self.busy()

"""Files where a service can fetch them, in the one place that the user has named.

`s3://BUCKET/PREFIX`: written by `models.storage`, told as a link signed for a day; credentials and endpoint are those of the storage, from
the environment. `https://HOST/PATH`: PUT to PATH/NAME, told as that address; no credentials. Names are hashes of contents. Nothing is taken
away afterwards: give the place a rule that does.
"""

from __future__ import annotations

import time

from models import storage
from models.artifacts import sha256
from models.backoff import backoff_s
from models.baselines.hosted.address import check_base_url
from models.baselines.hosted.outcomes import Call
from models.baselines.hosted.wire import Broken, NotSent, send
from models.retries import retried
from models.types import require

_BUCKET = "see its name, the keys and AWS_ENDPOINT_URL in the environment, and the network"
_SIGNED_FOR_S, _PUT_S, _TRIES = 24 * 3600, 600.0, 5


def check_upload(item: str, place: str) -> None:
    """Raises ValueError where files cannot be put there."""
    advice = "name a place that the service can read: --set upload=s3://BUCKET/PREFIX or upload=https://HOST/PATH (PUT and GET)"
    require(bool(place), item, "upload", "none", "a place for the driving video, which this service takes as a link only", advice)
    if place.startswith("http"):
        check_base_url(item, "upload", place)
    else:
        require(storage.is_url(place), item, "upload", repr(place), "an address that a service can fetch from", advice)
        require("@" not in place and "?" not in place, item, "upload", "an address with credentials (not shown)", "one without")


def uploaded(place: str, data: bytes, ending: str, item: str) -> str:
    """The link under which `data` can be fetched. Raises ValueError, in the same words for all files, where the place does not take it."""
    check_upload(item, place)
    name = f"{sha256(data)}{ending}"
    if place.startswith("http"):
        kind = "video/mp4" if ending == ".mp4" else "image/png" if ending == ".png" else "image/jpeg"
        url = f"{place.rstrip('/')}/{name}"
        put(url, data, kind, item)
        return url
    location = storage.join(place, name)
    try:
        if not storage.exists(location):
            storage.write_bytes(location, data)
        return _signed(location, item)
    except ValueError:  # says itself what is wrong
        raise
    except Exception as error:  # noqa: BLE001  a storage's own library raises what it likes, such as NoCredentialsError
        got = f"{type(error).__name__} ({_without(location, getattr(error, 'strerror', '') or str(error))})"
        raise ValueError(_not_taken(item, got, f"a bucket that takes and signs files at {storage.redacted(place)}", _BUCKET)) from error


def put(url: str, data: bytes, kind: str, item: str) -> None:
    """PUT a file, some times where the place stumbles. Raises ValueError where it does not take it."""
    call, told = Call(method="PUT", url=url, headers={"content-type": kind}, body=data), ""
    for attempt in range(1, _TRIES + 1):
        try:
            reply = send(call, timeout_s=_PUT_S)
            if reply.status in (200, 201, 204):
                return
            told, passes = f"HTTP {reply.status}", reply.status == 429 or reply.status >= 500
        except (NotSent, Broken) as error:
            told, passes = str(error), True
        if not passes:
            break
        time.sleep(backoff_s(attempt, 0.2, 5.0))
    raise ValueError(_not_taken(item, _without(url, told), "200, 201 or 204 to a PUT", "see whether that address takes files"))


def _not_taken(item: str, got: str, expected: str, advice: str) -> str:
    return f"{item}: upload: got {got}, expected {expected}; {advice} (option upload); no job was submitted"


def _without(location: str, said: str) -> str:
    """What a place said, without the file's own name: equal causes have equal words."""
    name = location.rpartition("/")[2]
    return " ".join(said.replace(f"/{name}", "").replace(name, "FILE").split())[:300]


def _signed(location: str, item: str) -> str:
    fs, path = storage.remote.file_system(location)
    try:
        return retried(fs.sign, path, expiration=_SIGNED_FOR_S)
    except NotImplementedError:
        got = f"{storage.redacted(location).partition('://')[0]}, which signs no links"
        raise ValueError(f"{item}: upload: got {got}, expected s3, gs or the like, or an https address") from None

"""Two ways to sign a call: a JSON web token, and the signature that travels in the headers.

`json_web_token`: RFC 7515, HS256 over claims `iss`, `exp`, `nbf`. `signed_headers`: Volcengine's signature, version 4, which is that of
AWS with other words: algorithm HMAC-SHA256, scope DATE/REGION/SERVICE/request, and the secret without a prefix.
Source: Volcengine, "Signature method" (docs/6369/67269).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

TOKEN_LIFE_S, TOKEN_LEAD_S = 1800, 5
_SIGNED = ("content-type", "host", "x-content-sha256", "x-date")


def json_web_token(access_key: str, secret_key: str, now_s: float) -> str:
    """A token valid for half an hour from 5 s ago."""
    claims = {"iss": access_key, "exp": int(now_s) + TOKEN_LIFE_S, "nbf": int(now_s) - TOKEN_LEAD_S}
    head = ".".join(_base64url(_compact(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{head}.{hs256(head, secret_key.encode())}"


def hs256(signing_input: str, secret: bytes) -> str:
    return _base64url(hmac.digest(secret, signing_input.encode(), hashlib.sha256))


def _compact(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_headers(
    url: str, body: bytes, *, access_key: str, secret_key: str, region: str, service: str, now_s: float, method: str = "POST"
) -> dict[str, str]:
    """The headers that a call needs, signature among them."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    parts, digest = urlsplit(url), hashlib.sha256(body).hexdigest()
    headers = {"content-type": "application/json", "host": parts.netloc, "x-content-sha256": digest, "x-date": stamp}
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(parse_qsl(parts.query, True)))
    lines = [f"{name}:{headers[name]}\n" for name in _SIGNED]
    request = "\n".join([method, quote(parts.path or "/", safe="/-_.~"), query, "".join(lines), ";".join(_SIGNED), digest])
    scope = f"{stamp[:8]}/{region}/{service}/request"
    to_sign = "\n".join(["HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = secret_key.encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), hashlib.sha256)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    told = f"HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={';'.join(_SIGNED)}, Signature={signature}"
    return headers | {"authorization": told}

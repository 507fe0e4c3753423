"""Signatures against other people's figures and code: RFC 7515, AWS' signer with Volcengine's words, openssl."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess

import pytest

from models.baselines.hosted.signing import hs256, json_web_token, signed_headers

URL = "https://visual.volcengineapi.com/?Action=CVSync2AsyncSubmitTask&Version=2022-08-31"
ACCESS, SECRET, NOW_S = "AKLTexample", "c2VjcmV0LWtleQ==", 1_700_000_000.0  # 2023-11-14T22:13:20Z
BODY = b'{"req_key": "jimeng_dreamactor_m20_gen_video", "task_id": "1"}'


def test_hs256_gives_the_signature_of_rfc_7515_appendix_a_1():
    key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    secret = base64.urlsafe_b64decode(key + "==")
    assert hs256(f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{claims}", secret) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def test_a_token_says_who_and_for_how_long():
    head, claims, signature = json_web_token("access", "secret", NOW_S).split(".")
    padded = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, claims)]
    assert padded == [{"alg": "HS256", "typ": "JWT"}, {"iss": "access", "exp": 1_700_001_800, "nbf": 1_699_999_995}]
    assert "=" not in head + claims + signature and json_web_token("access", "other", NOW_S).split(".")[2] != signature


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_signs_the_same_token():
    head, claims, signature = json_web_token("access", "secret", NOW_S).split(".")
    command = ["openssl", "dgst", "-sha256", "-hmac", "secret", "-binary"]
    done = subprocess.run(command, input=f"{head}.{claims}".encode(), capture_output=True, check=True)
    assert base64.urlsafe_b64encode(done.stdout).rstrip(b"=").decode() == signature


def ours(url=URL, body=BODY) -> dict:
    return signed_headers(url, body, access_key=ACCESS, secret_key=SECRET, region="cn-north-1", service="cv", now_s=NOW_S)


@pytest.mark.parametrize("url", [URL, "https://h.example.org:8443/?b=2&a=%2F%20x&a=", "https://h.example.org/x%20y?Action=A"])
def test_the_signature_of_aws_own_signer_with_volcengines_words(url):
    auth = pytest.importorskip("botocore.auth")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    class Volcengine(auth.SigV4Auth):
        """Another algorithm name, end of scope and no prefix to the secret; canonical request and all else are botocore's."""

        def signature(self, string_to_sign, request):
            key = SECRET.encode()
            for word in ("20231114", "cn-north-1", "cv", "request"):
                key = hmac.new(key, word.encode(), hashlib.sha256).digest()
            return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()

    headers = ours(url)
    signed = {name: value for name, value in headers.items() if name != "authorization"}
    request = AWSRequest(method="POST", url=url, data=BODY, headers=signed)
    request.context["timestamp"] = "20231114T221320Z"
    signer = Volcengine(Credentials(ACCESS, SECRET), "cv", "cn-north-1")
    canonical = signer.canonical_request(request).replace(signer.payload(request), headers["x-content-sha256"])
    scope = "20231114/cn-north-1/cv/request"
    to_sign = f"HMAC-SHA256\n20231114T221320Z\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = f"Credential={ACCESS}/{scope}, SignedHeaders=content-type;host;x-content-sha256;x-date"
    assert headers["authorization"] == f"HMAC-SHA256 {expected}, Signature={signer.signature(to_sign, request)}"


def test_every_part_of_a_call_is_under_the_signature():
    plain = ours()
    changed = [ours(URL.replace("Submit", "Other")), ours(body=BODY + b" "), ours(URL.replace("visual", "other"))]
    assert len({row["authorization"] for row in [plain, *changed]}) == 4
    assert plain["x-date"] == "20231114T221320Z" and plain["x-content-sha256"] == hashlib.sha256(BODY).hexdigest()

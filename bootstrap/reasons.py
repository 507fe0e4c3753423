"""What went wrong, as the text of a row: one line of valid UTF-8 that depends on neither machine nor folder.

Rows are published: of a path its last part is told, of an address nothing.
"""

from __future__ import annotations

import re

from models.images import MediaError
from models.interrupts import from_outside
from models.mllm.errors import MllmError

_MAX_CHARS = 400
_SURROGATES = re.compile("[\ud800-\udfff]")
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>()\[\],]+")
_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s/:'\"]+/)+(?=[^\s/])")


def printable(text: str) -> str:
    """`text` with what UTF-8 cannot encode (bytes of odd file names) replaced by U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def reason_of(error: BaseException) -> str:
    """Why something failed, cleaned and shortened: the message of a MediaError, a model's failure by its kind, else type and message."""
    said = _text_of(error)
    if isinstance(error, OSError) and error.strerror:
        said = error.strerror  # str(error) would carry the path, and rows must not depend on it
    kind = error.kind if isinstance(error, MllmError) else type(error).__name__
    text = said if isinstance(error, MediaError) else f"{kind}: {said}".removesuffix(": ")
    return shortened(" ".join(impersonal(printable(text)).split()), _MAX_CHARS)


def impersonal(text: str) -> str:
    """`text` without addresses and without the folders above what it names."""
    return _FOLDERS.sub("", _ADDRESS.sub("(an address)", text))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as trouble:  # an error that cannot say what it is
        if from_outside(trouble):
            raise
        return ""


def shortened(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, the cut marked."""
    return text if len(text) <= limit else text[: limit - 4] + " ..."

"""What went wrong, as the text of a row: one line of valid UTF-8 that depends on neither machine nor folder."""

from __future__ import annotations

import re

from models.images import MediaError

_MAX_CHARS = 400
_SURROGATES = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` with what UTF-8 cannot encode (bytes of odd file names) replaced by U+FFFD."""
    return _SURROGATES.sub("\ufffd", text)


def reason_of(error: BaseException) -> str:
    """Why something failed: the message of a MediaError, else the exception's type and message, cleaned and shortened."""
    said = str(error)
    if isinstance(error, OSError) and error.strerror:
        said = error.strerror  # str(error) would carry the path, and rows must not depend on it
    text = said if isinstance(error, MediaError) else f"{type(error).__name__}: {said}".removesuffix(": ")
    return shortened(" ".join(printable(text).split()), _MAX_CHARS)


def shortened(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, the cut marked."""
    return text if len(text) <= limit else text[: limit - 4] + " ..."

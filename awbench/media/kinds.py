"""What a file found beside others is: media of the wanted kind, something nobody asked for, or a fault to tell.

System files, half-downloads and what belongs to media (texts, tables, poses, sound) are no faults. A picture that may move counts as a clip
where clips are wanted until somebody opens it (`is_still`); where images are wanted a clip gives its first frame.
"""

from __future__ import annotations

from typing import Literal

from models.endings import MAY_MOVE, advice_for, kind_of, suffix_of
from models.storage import FileFacts

Kind = Literal["clip", "image"]

_HALF_DONE = (".part", ".crdownload", ".download", ".tmp", ".partial", ".aria2", ".!qb", ".opdownload")
_SYSTEM = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found", "makefile", "license", "readme"})
_BESIDE = frozenset(
    ".csv .tsv .parquet .json .jsonl .ndjson .npz .npy .pkl .bvh .txt .md .rst .yaml .yml .toml .html .log .xml .srt .vtt .ass .sub .idx "
    ".wav .mp3 .m4a .aac .flac .ogg .opus .aup .thm .bup .ifo .sha256 .md5 .url .lnk .db .ini .py .sh .pdf".split()
)


def no_media(name: str) -> bool:
    """Whether a file of that name is passed over without a word."""
    last = name.rpartition("/")[2].lower()
    return last in _SYSTEM or last.endswith(_HALF_DONE) or last.endswith("~") or suffix_of(last) in _BESIDE


def wanted_kind(name: str, wanted: Kind) -> Kind | None:
    """What a file of that name is taken for by a caller who wants clips or images; None: media of the other kind. Nothing is opened."""
    if wanted == "image":
        return "image" if kind_of(name) == "image" or suffix_of(name) in MAY_MOVE else "clip"
    return "clip" if kind_of(name) == "clip" or suffix_of(name) in MAY_MOVE else None


def is_still(location: str, data: bytes | None = None) -> bool:
    """Whether what may be a moving picture by its name is one picture only. `data`: its bytes where they are at hand.

    Raises OSError where it cannot be had.
    """
    if suffix_of(location) not in MAY_MOVE:
        return False
    from models.images import MediaError, is_animated

    try:
        return not is_animated(location if data is None else data)
    except MediaError:  # whoever decodes it tells why, where its name is also one of clips
        return kind_of(location) != "clip"


def fault_of(name: str, facts: FileFacts) -> str:
    """Why a file gives nothing, "" where it may well give something. Its bytes are not looked at."""
    if name.encode(errors="surrogateescape").decode(errors="replace") != name:
        return "file name is not valid UTF-8; rename it"
    if facts.fault:
        return facts.fault
    if kind_of(name) == "unknown":
        suffix = suffix_of(name)
        advice = advice_for(suffix)
        return f"{suffix or 'a file without an ending'}: not an ending the decoder knows" + (f"; {advice}" if advice else "")
    return ""

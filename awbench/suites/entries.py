"""Pairs -> entries of suite.yaml: an id, tags of both sides, the prompt.

Labels become tags driver_X and reference_X; what a pairing table says of a pair has the last word.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Collection, Mapping

from awbench.cases import MAX_ID_CHARS, MODES, Case
from awbench.media.labels import Labels, label
from awbench.suites.pairing import Pair
from awbench.suites.parse import DRIVER
from awbench.suites.snapshot import case_entry
from models.artifacts import sha256
from models.types import require

_OF_THE_PERSON = ("subject", "framing", "count", "age")  # what a clip's labels also say of its own first frame
_PAIR_COLUMNS = ("driver", "reference", "start_s", "id", "prompt", "reference_pose")
_NAME_CHARS, _MARK_CHARS = 28, 6


def new_entries(pairs: list[Pair], before: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The entries of those pairs that are not there yet, each with a free id, and why some pairs give none."""
    there = {_question(entry) for entry in before}
    ids, added, wrong = {entry["id"].lower(): entry for entry in before}, [], []
    for pair in pairs:
        try:
            entry = _entry(len(before) + len(added) + 1, pair, ids)
            if _question(entry) in there:
                continue
            clash = ids.get(entry["id"].lower())
            require(clash is None, f"case {entry['id']}", "id", "a pair of other files, another start or prompt", "an id that is not taken")
        except ValueError as error:  # one bad row is one line, and stops no other
            wrong.append(str(error))
            continue
        there.add(_question(entry))
        ids[entry["id"].lower()] = entry
        added.append(entry)
    return added, wrong


def _question(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return entry.get("driver"), entry.get("driver_start_s", 0.0), entry.get("reference"), entry.get("prompt", "")


def _entry(index: int, pair: Pair, ids: Collection[str]) -> dict[str, Any]:
    own, about = pair.image is None, pair.clip.tags
    driver, reference = pair.places
    shown = {key: about[key] for key in _OF_THE_PERSON if key in about} if own else pair.image.tags
    texts = pair.clip.prompt, "" if own else pair.image.prompt
    case = Case(
        id=pair.row.get("id") or _free_id(index, pair, ids),
        tags=_tags(about, shown, pair) | ({"reference_prompt": texts[1]} if all(texts) else {}),
        prompt=pair.row.get("prompt") or texts[0] or texts[1],
        driver_id=driver,
        identity_id=reference,
        reference_pose=pair.row.get("reference_pose") or ("first_frame" if own else "independent"),
    )
    more = {"truth": DRIVER} if own else {"driver_start_s": pair.start_s}
    return case_entry(case, driver=driver, reference=reference, **more)


def _tags(about: Labels, shown: Labels, pair: Pair) -> dict[str, str | bool]:
    tags = {f"driver_{key}": text for key, text in about.items() if key != "prompt"}
    tags |= {f"reference_{key}": text for key, text in shown.items() if key != "prompt"}
    tags |= {key: _row_label(key, text) for key, text in pair.row.items() if key not in _PAIR_COLUMNS}
    mode = mode_of(tags.get("driver_count", ""), tags.get("reference_count", ""))
    own = "self" if pair.image is None else "cross"
    return ({"mode": mode} if mode else {}) | {"track": own} | tags


def _row_label(column: str, text: str) -> str:
    return label(column.removeprefix("driver_").removeprefix("reference_"), text)


def mode_of(driver_count: str, reference_count: str) -> str:
    """AWBench's word for who drives whom, "" where a count is not known, and for many drivers of one reference, which has no word."""
    if not driver_count or not reference_count:
        return ""
    return {("1", "1"): MODES[0], ("1", "n"): MODES[1], ("n", "n"): MODES[2]}.get(
        tuple("1" if count == "1" else "n" for count in (driver_count, reference_count)), ""
    )


def _free_id(index: int, pair: Pair, ids: Collection[str]) -> str:
    while (name := case_id(index, pair.clip.id, "self" if pair.image is None else pair.image.id)).lower() in ids:
        index += 1
    return name


def case_id(index: int, clip: str, image: str) -> str:
    """A legible id that stays within the rules: 0001-CLIP-IMAGE, shortened; where little is left of a name, with a mark of it."""
    return "-".join([f"{index:04d}", *filter(None, map(_legible, (clip, image)))])[:MAX_ID_CHARS].rstrip("-")


def _legible(name: str) -> str:
    """A file's name without folders and ending in ASCII: accents go, ß and the like are written out, of other scripts a mark remains."""
    stem = re.sub(r"(?<=.)\.[^.]*$", "", name.rpartition("/")[2])
    spelled = stem.translate(_SPELLED)
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(sign))
    lost = sum(sign.isalnum() and not sign.isascii() for sign in plain)
    kept = re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-")
    if not lost:
        return kept[:_NAME_CHARS].rstrip("-")
    mark = sha256(unicodedata.normalize("NFC", stem).encode())[:_MARK_CHARS]
    return f"{kept[: _NAME_CHARS - _MARK_CHARS - 1]}-{mark}".lstrip("-")


_SPELLED = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d"})

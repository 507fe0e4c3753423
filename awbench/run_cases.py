"""One case of a run: asked, answered, brought to the suite's grid, its video published, and then its row."""

from __future__ import annotations

import time
from math import isfinite

from awbench.answered import to_grid
from awbench.cases import Case, CaseMedia
from awbench.run_folder import COLUMNS, NUMBERS, Row, Run
from models.artifacts import sha256, write_json
from models.guidance.guide import Guide
from models.mllm.errors import MllmError
from models.protocols import Animator
from models.raised import is_told, traceback_of
from models.seeds import item_seed
from models.storage import write_bytes
from models.types import AnimationRequest, AnimationResult, Clip, require
from models.video import encode_video


def generate_case(run: Run, case_id: str, animator: Animator, guide: Guide | None = None) -> Row:
    """Animate one case, publish its video, then its row. Whatever goes wrong becomes a failed row with the reason.

    What an animator's own code raised is kept as a traceback beside it. A case without a prompt gets the guide's. A guide that fails fails
    the case: it is not asked for with an empty prompt.
    """
    row, video, trace = _attempt(run, case_id, animator, guide)
    try:
        if video:
            write_bytes(run.video_path(case_id), video)
    except Exception as error:  # noqa: BLE001  as below
        row |= {"status": "failed", "reason": _reason(error), "animator": "", "sha256": "", "adaptation": ""}
    if row["status"] == "failed":
        run.video_path(case_id).unlink(missing_ok=True)
    _keep_traceback(run, case_id, trace)
    write_json(run.record_path(case_id), row)
    return row


def try_case(run: Run, case_id: str, animator: Animator, guide: Guide | None = None) -> tuple[Row, bytes]:
    """The row of one case and its video, b"" where it failed; nothing is written."""
    return _attempt(run, case_id, animator, guide)[:2]


def _keep_traceback(run: Run, case_id: str, text: str) -> None:
    if text:
        write_bytes(run.traceback_path(case_id), text.encode(errors="replace"))
    else:
        run.traceback_path(case_id).unlink(missing_ok=True)


def _attempt(run: Run, case_id: str, animator: Animator, guide: Guide | None) -> tuple[Row, bytes, str]:
    """And the traceback of what was raised, "" where there is none or the reason says it all."""
    row: Row = dict.fromkeys(COLUMNS, "") | dict.fromkeys(NUMBERS) | {"case": case_id, "system": run.system}
    row["seed"] = item_seed(run.seed, case_id)
    start_s = time.monotonic()
    try:
        media = run.suite.load(case_id)
        row["prompt"] = _prompt(run.suite.case(case_id), media, guide)
        start_s = time.monotonic()
        result = animator.animate(_request(run, case_id, media, row))
        row["seconds"] = round(time.monotonic() - start_s, 4)
        given = _checked(result, case_id)
        row |= {"given_frames": len(given), "given_fps": float(given.fps), "given_width": given.size[0], "given_height": given.size[1]}
        row |= {"offset_s": _offset_s(run, result), "cost_usd": _usd(result.provenance.get("cost_usd"))}
        clip, note = to_grid(given, run.suite.grid, run.suite.fit, row["offset_s"], media.driver_cut)
        data = encode_video(clip)
        adaptation = _told(media.adaptation, result.provenance.get("note", ""), note)
        return row | {"status": "ok", "animator": _line(result.animator), "sha256": sha256(data), "adaptation": adaptation}, data, ""
    except (Exception, SystemExit) as error:  # noqa: BLE001  an animator may raise anything, and one case must not stop the others
        row["cost_usd"] = row["cost_usd"] or _usd(getattr(error, "cost_usd", None))
        failed = {"status": "failed", "reason": _reason(error), "seconds": round(time.monotonic() - start_s, 4)}
        return row | failed, b"", "" if is_told(error) else traceback_of(error)


def _offset_s(run: Run, result: AnimationResult) -> float | None:
    """The moment of the driver that the answer's first frame shows: as the run declares, else as the system itself says."""
    declared = run.config.get("offset_s")
    offset_s = result.provenance.get("offset_s") if declared is None else declared
    known = offset_s is None or (isinstance(offset_s, (int, float)) and abs(offset_s) < 3600)
    require(known, f"case {result.request_id}", "result.provenance offset_s", repr(offset_s), "seconds, or none")
    return None if offset_s is None else float(offset_s)


def _usd(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value) else None


def _told(*notes: str) -> str:
    """Notes in the order of what was done; what two of them say, once."""
    return "; ".join(dict.fromkeys(part for note in notes for part in _line(note or "").split("; ") if part))


def _line(text: object) -> str:
    """Somebody else's words as one line that any file can hold, without codes that move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split()))


def _prompt(case: Case, media: CaseMedia, guide: Guide | None) -> str:
    if case.prompt or guide is None:
        return case.prompt
    return guide.guide(media.driving, media.reference, case.described()).prompt


def _reason(error: BaseException) -> str:
    text = _line(error)[:1000]
    if isinstance(error, MllmError):
        return f"guide: {error.kind}: {text}"
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}".removesuffix(": ")


def _request(run: Run, case_id: str, media: CaseMedia, row: Row) -> AnimationRequest:
    grid = run.suite.grid
    given = {"reference": media.reference, "driving": media.driving, "prompt": row["prompt"], "seed": row["seed"]}
    return AnimationRequest(id=case_id, size=grid.size, num_frames=grid.num_frames, **given)


def _checked(result: object, case_id: str) -> Clip:
    require(isinstance(result, AnimationResult), f"case {case_id}", "result", type(result).__name__, "an AnimationResult")
    require(result.request_id == case_id, f"case {case_id}", "result.request_id", result.request_id, case_id)
    require(isinstance(result.clip, Clip), f"case {case_id}", "result.clip", type(result.clip).__name__, "a Clip")
    return result.clip

"""KEY.json, the card of a sample: where every part comes from and how it was judged.

Every card has the same fields of the same types, whatever its sources have to say: readers that infer a table from the first samples
(HF `datasets`, Arrow) must be able to read the last ones. So notes are one text, and labels are fixed fields with all others in `more`.
"""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, Sequence

from bootstrap.filters import Verdict
from bootstrap.planned import PlannedPair
from bootstrap.prompts import PairPrompts, Prompt
from bootstrap.provenance import digest
from bootstrap.recipe import Recipe
from bootstrap.synthesis import Candidate
from models.artifacts import sha256, to_json
from models.types import Grid
from models.video import Window

LABELS = ("subject", "framing", "count", "camera", "motion", "age", "activity", "licence", "consent", "split", "prompt")
"""Labels with a field of their own; what else a table says is JSON text in `more`."""
_TOLD = 1.1
_JUDGEMENT = frozenset({"settings", "verdicts"})


def sample_card(recipe: Recipe, pair: PlannedPair, candidate: Candidate, verdicts: Sequence[Verdict]) -> bytes:
    """The card of a candidate and its judgement."""
    spec, media = pair.spec, candidate.media
    window, prompts = media.window, candidate.prompts
    card = {
        "key": spec.key,
        "driving": spec.driving,
        "reference": spec.identity,
        "source_sha256": {"driving": spec.driving_sha256, "reference": spec.identity_sha256},
        "tags": {"driving": labels(pair.driving.tags), "reference": labels(pair.identity.tags)},
        "prompt": prompts.pair.prompt,
        "guidance": prompts.to_json(),
        "window": {
            "start_s": float(window.start_s),
            "crop": list(window.crop),
            "size": list(window.source_size),
            "fps": float(window.source_fps),
            "fit": recipe.fit,
            "notes": "; ".join((*window.notes, *_brought(window, recipe.grid))),
        },
        "identity_notes": "; ".join(media.identity_notes),
        "driver_notes": candidate.driver_notes,
        "pair_seed": spec.seed,
        "members_sha256": {name: sha256(data) for name, data in sorted(candidate.members.items())},
    }
    return _judged(card, [verdict.to_json() for verdict in verdicts], recipe)


def _brought(window: Window, grid: Grid) -> Iterator[str]:
    """What the grid asks of footage that has less."""
    larger = min(grid.width / window.crop[2], grid.height / window.crop[3])
    if larger >= _TOLD:
        yield f"enlarged {larger:.2g}x"
    if grid.fps / window.source_fps >= _TOLD:
        yield f"each frame shown {grid.fps / window.source_fps:.2g}x"


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as fixed fields."""
    more = {name: text for name, text in tags.items() if name not in LABELS}
    return {name: tags.get(name, "") for name in LABELS} | {"more": json.dumps(more, sort_keys=True, ensure_ascii=False)}


def prompts_of(card: bytes) -> PairPrompts:
    """The prompts in a card."""
    guidance = json.loads(card)["guidance"]
    return PairPrompts(**{whose: Prompt(**guidance[whose]) for whose in ("teacher", "pair")})


def judged_again(card: bytes, verdicts: Sequence[Mapping[str, Any]], recipe: Recipe) -> bytes:
    """The card with another judgement: `verdicts` as JSON values."""
    return _judged(json.loads(card), verdicts, recipe)


def _judged(card: Mapping[str, Any], verdicts: Sequence[Mapping[str, Any]], recipe: Recipe) -> bytes:
    return to_json({**card, "settings": recipe.settings, "verdicts": list(verdicts)}).encode()


def content_of_card(card: bytes) -> str:
    """Digest of everything in a sample that no judgement changes, by its card; "" for what is no card."""
    try:
        return digest({name: value for name, value in json.loads(card).items() if name not in _JUDGEMENT})
    except (ValueError, TypeError, AttributeError):
        return ""


def content_of(members: Mapping[str, bytes]) -> str:
    """The same, once every member is seen to be the one its card names; else ""."""
    try:
        whole = all(sha256(members[name]) == want for name, want in json.loads(members["json"])["members_sha256"].items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return content_of_card(members["json"]) if whole else ""

"""KEY.json, the card of a sample: where every part comes from and how it was judged.

Every card has the same fields of the same types, whatever its sources have to say: readers that infer a table from the first samples
(HF `datasets`, Arrow) must be able to read the last ones. So notes are one text, and labels are fixed fields with all others in `more`.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

from bootstrap.filters import Pair, Rejection
from bootstrap.ledger import PlannedPair
from bootstrap.prompts import PairPrompts, Prompt
from bootstrap.recipe import Recipe
from bootstrap.synthesis import Candidate
from models.artifacts import sha256, to_json

LABELS = ("subject", "framing", "count", "camera", "motion", "age", "activity", "licence", "consent", "split", "prompt")
"""Labels with a field of their own; what else a table says is JSON text in `more`."""


def sample_card(recipe: Recipe, pair: PlannedPair, candidate: Candidate, result: Pair | Rejection) -> dict[str, Any]:
    """The card of a candidate and its judgement."""
    spec, media = pair.spec, candidate.media
    window, prompts = media.window, candidate.prompts
    return {
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
            "notes": "; ".join(getattr(window, "notes", ())),
        },
        "identity_notes": "; ".join(media.identity_notes),
        "driver_notes": candidate.driver_notes,
        "pair_seed": spec.seed,
        "settings": recipe.settings,
        "verdicts": [verdict.to_json() for verdict in result.verdicts],
        "members_sha256": {name: sha256(data) for name, data in sorted(candidate.members.items())},
    }


def labels(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as fixed fields."""
    more = {name: text for name, text in tags.items() if name not in LABELS}
    return {name: tags.get(name, "") for name in LABELS} | {"more": json.dumps(more, sort_keys=True, ensure_ascii=False)}


def prompts_of(card: bytes) -> PairPrompts:
    """The prompts in a card."""
    guidance = json.loads(card)["guidance"]
    return PairPrompts(**{whose: Prompt(**guidance[whose]) for whose in ("teacher", "pair")})


def judged_again(card: bytes, result: Pair | Rejection, recipe: Recipe) -> bytes:
    """The card with another judgement."""
    verdicts = [verdict.to_json() for verdict in result.verdicts]
    return to_json(json.loads(card) | {"settings": recipe.settings, "verdicts": verdicts}).encode()

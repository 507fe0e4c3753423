"""The two prompts of a pair: what the teacher is asked, and what training reads beside the pair.

    teacher   the motion of V, the appearance of the identity   ->  `AnimationRequest.prompt`
    pair      the motion of V, the appearance of V[0]           ->  `prompt` of KEY.json
Source: DreamActor-M2, section on text guidance, which guides pose training, pair synthesis and end-to-end training alike.

A prompt in a table beside the clips, or in NAME.txt, is the user's word: it stands in both places as it was written, and no guide is asked
about that clip. Leave it out to let the guide speak. Without a guide and without such a prompt both prompts are empty.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Mapping

import numpy as np

from models.guidance.guide import Guidance, Guide
from models.types import Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideMark:
    """Who writes the prompts of a round, as its settings keep it; empty: nobody."""

    name: str = ""
    version: str = ""

    @classmethod
    def of(cls, guide: Guide | None) -> GuideMark:
        return cls() if guide is None else cls(name=guide.name, version=guide.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One prompt and where it comes from, "" where nobody said it. `guide`: who wrote it, `USER` where that was the user."""

    motion: str = ""
    appearance: str = ""
    prompt: str = ""
    guide: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPrompts:
    """`teacher`: what the teacher is asked; `pair`: what belongs to the finished pair."""

    teacher: Prompt = Prompt()
    pair: Prompt = Prompt()

    def to_json(self) -> dict[str, Any]:
        """The `guidance` of KEY.json: the same fields in every sample, all of them texts."""
        return asdict(self)


USER = "user"
NO_GUIDE, NO_PROMPTS = GuideMark(), PairPrompts()


def unguided() -> None:
    """Makes no guide."""


def write_prompts(guide: Guide | None, clip: Clip, identity: np.ndarray, tags: Mapping[str, Mapping[str, str]]) -> PairPrompts:
    """The prompts of a pair from V (`clip`), the identity `[H,W,3]` and what tables say about "driving" and "reference".

    Raises what the guide raises: a pair whose guide fails has no prompt, not an empty one.
    """
    driving, shown = tags["driving"], tags["driving"].get("subject", "")
    if driving.get("prompt", "").strip():
        own = Prompt(prompt=driving["prompt"], guide=USER)
        return PairPrompts(teacher=own, pair=own)
    if guide is None:
        return NO_PROMPTS
    wanted = tags["reference"].get("subject", "")
    return PairPrompts(
        teacher=_prompt(guide.guide(clip, identity, {**driving, "subject": wanted, "driver_subject": shown})),
        pair=_prompt(guide.guide(clip, clip.frames[0], {**driving, "subject": shown, "driver_subject": shown})),
    )


def _prompt(guidance: Guidance) -> Prompt:
    return Prompt(**guidance.to_dict())

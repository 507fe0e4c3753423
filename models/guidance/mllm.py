"""Guidance by a multimodal model: three questions as in DreamActor-M2, `mllm:BASE_URL#MODEL` on the command line.

Motion is asked once for a clip, appearance once for an image (the client keeps answers by content), and only the fusion, which shows no
pictures, once for a pair. A failure keeps its kind: there is no falling back to the template, which would mix two prompts in one dataset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from models.guidance.guide import Guidance, described
from models.guidance.prompts import MOTION_FRAMES, VERSION, appearance_question, fusion_question, motion_question
from models.mllm.client import Client, default_cache
from models.mllm.endpoint import KEY_VARIABLE, Endpoint
from models.types import Clip, require


@dataclass(frozen=True, slots=True, kw_only=True)
class MllmGuide:
    """Asks `client`; shows `frames` frames of a clip. Several threads may share it."""

    client: Client
    frames: int = MOTION_FRAMES
    version: str = VERSION

    @property
    def name(self) -> str:
        """mllm:MODEL; where it runs is not part of what it says."""
        return f"mllm:{self.client.endpoint.model}"

    def motion_of(self, driving: Clip) -> str:
        return self.client.ask(motion_question(driving, self.frames)).value["motion"]

    def appearance_of(self, reference: np.ndarray) -> str:
        said = self.client.ask(appearance_question(reference)).value
        return f"{said['appearance'].rstrip('. ')}. Can move: {', '.join(said['movable_parts'])}."

    def guide(self, driving: Clip, reference: np.ndarray, tags: Mapping[str, str]) -> Guidance:
        """Raises Refused, Unparsed, Unreachable or CostCapReached; the message says which of the three questions failed."""
        motion, appearance = self.motion_of(driving), self.appearance_of(reference)
        prompt = self.client.ask(fusion_question(motion, appearance, described(tags))).value["prompt"]
        return Guidance(motion=motion, appearance=appearance, prompt=prompt, guide=self.name, version=self.version)


def create(argument: str | None = None) -> MllmGuide:
    """The guide at `argument` = BASE_URL#MODEL; its key is in ACTORFORGE_MLLM_KEY, its answers in `default_cache()`."""
    advice = f"write mllm:BASE_URL#MODEL; a key, where one is needed, goes into {KEY_VARIABLE}"
    require(bool(argument), "guide mllm", "argument", repr(argument), "the address of an endpoint and a model", advice)
    return MllmGuide(client=Client(Endpoint.parse(str(argument)), default_cache()))

"""Training examples with the prompt their backbone is to be guided by, written when an example is read.

Pairs of the factory bring theirs (KEY.json); clips that a pose-driven model is trained on have none, or the one that lies beside them,
which is the user's word. What is still empty is written by a guide: the motion of the driver, the appearance of the reference.
Source: DreamActor-M2, section on text guidance: the same texts guide all three phases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Mapping

from models.guidance.guide import Guide
from models.types import TrainingExample


@dataclass(frozen=True, kw_only=True)
class Prompted(Sequence):
    """`examples` as they are, but for empty prompts. `tags`: what tables say by file, for ids of the form FILE#CHUNK."""

    examples: Sequence[TrainingExample]
    guide: Guide
    tags: Mapping[str, Mapping[str, str]]

    @property
    def ids(self) -> Sequence[str]:
        return self.examples.ids

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> TrainingExample:
        example = self.examples[index]
        tags = self.tags.get(example.id.rpartition("#")[0], {})
        if example.prompt or example.driver is None:
            return example
        known = {**tags, "driver_subject": tags.get("subject", "")}
        return replace(example, prompt=self.guide.guide(example.driver, example.reference, known).prompt)


def prompted(examples: Sequence[TrainingExample], guide: Guide) -> Prompted:
    """Examples of a dataset or of clips, with the tags that lie beside these."""
    return Prompted(examples=examples, guide=guide, tags=getattr(examples, "tags", {}))

"""Prompts of training examples: the user's word first, then the guide's, once it is asked for."""

from dataclasses import dataclass, replace

import numpy as np

from bootstrap.prompted import Prompted, prompted
from models.guidance.guide import Guidance
from models.types import Clip, TrainingExample


@dataclass
class Guide:
    name: str = "fake"
    version: str = "1"

    def guide(self, driving, reference, tags):
        return Guidance(
            motion="m", appearance="a", prompt=f"a {tags.get('subject', 'somebody')} dances", guide=self.name, version=self.version
        )


class Examples(list):
    ids = ("a.mp4#0", "b.mp4#0", "pair")
    tags = {"a.mp4": {"subject": "cat"}}


def example(id, prompt=""):
    clip = Clip(frames=np.zeros((2, 4, 4, 3), np.uint8), fps=8.0)
    return TrainingExample(id=id, reference=clip.frames[0], driver=clip, target=clip, prompt=prompt)


def test_own_prompts_stay_and_empty_ones_are_written():
    data = prompted(Examples([example("a.mp4#0"), example("b.mp4#0", "my own words"), example("pair", "from its card")]), Guide())
    assert [data[k].prompt for k in range(3)] == ["a cat dances", "my own words", "from its card"]
    assert len(data) == 3 and data.ids == Examples.ids


def test_nothing_else_changes_and_no_driver_means_no_motion_to_speak_of():
    blank = replace(example("x"), driver=None)
    data = Prompted(examples=Examples([example("a"), blank]), guide=Guide(), tags={})
    assert data[0].prompt == "a somebody dances" and data[0].target is data.examples[0].target and data[1].prompt == ""

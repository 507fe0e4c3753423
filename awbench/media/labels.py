"""The words for what is said of media: labels that mean the same become one word, and pairs go by them. `beside` reads them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Iterable

from awbench.media.tables import Labels
from models.types import require

SAME: dict[str, dict[str, str]] = {
    "subject": {
        "human": "person, people, humans, man, woman, men, women",
        "animal": "animals, pet",
        "cartoon": "cartoon character, animated character, animation, anime, toon",
        "object": "objects, thing",
    },
    "framing": {
        "face": "head, portrait, close up, closeup, talking head",
        "half": "half body, upper, upper body, bust, waist up, medium shot",
        "full": "full body, fullbody, whole body, full shot",
    },
    "count": {"1": "one, single, solo, 1 person", "2": "two, pair, couple", "3": "three", "many": "multi, multiple, several, group, crowd"},
    "age": {"child": "kid, children, kids", "young adult": "young, young adults", "elderly": "old, senior, elder, aged"},
    "activity": {"dance": "dancing", "talk": "talking, speech, speaking", "daily activity": "daily activities, daily life, daily"},
    "camera": {"static": "fixed, still, tripod, stationary", "moving": "tracked, tracking, handheld, hand held, pan, panning, dynamic"},
    "mode": {"one_to_one": "one to one, 1 to 1, 1:1", "one_to_many": "one to many, 1 to n", "many_to_many": "many to many, n to n"},
}
"""Column -> one word -> what else is written for it, in lower case with single blanks for blanks, - and _."""
_WORD = {column: {other: word for word, text in same.items() for other in text.split(", ")} for column, same in SAME.items()}


def label(column: str, text: str) -> str:
    """The word for what is written in `column`: by `SAME` in its columns, elsewhere the text without outer blanks."""
    text = text.strip()
    if column not in _WORD:
        return text
    plain = re.sub(r"[\s_-]+", " ", text).strip().casefold()
    return _WORD[column].get(plain, plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRule:
    """A pair needs the label `name`: equal on both sides, or `driver` on the driver and `reference` on the reference."""

    name: str
    driver: str = ""
    reference: str = ""

    @classmethod
    def parse(cls, text: str, flag: str = "--by-tag") -> TagRule:
        """`NAME` or `NAME=DRIVER:REFERENCE`. Raises ValueError, naming the flag that it was given for."""
        name, equals, rest = text.partition("=")
        sides = [label(name.strip(), side) for side in rest.split(":")] if equals else ["", ""]
        good = bool(name.strip()) and len(sides) == 2 and (not equals or all(sides))
        require(good, flag, "labels", repr(text)[:80], "NAME or NAME=DRIVER:REFERENCE, such as framing or framing=half:full")
        return cls(name=name.strip(), driver=sides[0], reference=sides[1])

    def allows(self, driver: Labels, reference: Labels) -> bool:
        shown = driver.get(self.name, ""), reference.get(self.name, "")
        return shown == (self.driver, self.reference) if self.driver else shown[0] == shown[1] != ""


def told_labels(name: str, labels: Iterable[Labels]) -> str:
    """How often each label of that name occurs, for messages: `full 3, none 2`."""
    counts = Counter(each.get(name, "none") for each in labels)
    return ", ".join(f"{value} {count}" for value, count in sorted(counts.items())) or "none"

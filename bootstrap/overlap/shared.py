"""Footage and identities that two collections share, such as a benchmark and the data somebody trained on.

In: facts of both by name; out: what is shared and how that was seen. Files are compared by content; clips and pictures also by
perceptual hashes (`doubles`), so re-encoded, scaled and mirrored ones are found, other crops are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bootstrap.sources.doubles import pictures_of, same_footage, same_pictures
from bootstrap.sources.facts import ClipFacts, Facts, ImageFacts


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Shared:
    """`mine` of the first collection shows what `theirs` of the second does. `how`: bytes, footage, picture, or a moment of it."""

    mine: str
    theirs: str
    how: str


def shared(mine: Mapping[str, Facts], theirs: Mapping[str, Facts]) -> tuple[Shared, ...]:
    """Everything that both hold, sorted; each pair of names once."""
    found = {(a, b): "a moment of the same footage" for a, b in _moments(mine, theirs)}
    found |= {(b, a): "a moment of the same footage" for a, b in _moments(theirs, mine)}
    found |= dict.fromkeys(_across(mine, theirs, ImageFacts, same_pictures), "the same picture")
    found |= dict.fromkeys(_across(mine, theirs, ClipFacts, same_footage), "the same footage")
    found |= dict.fromkeys(_equal_bytes(mine, theirs), "the same bytes")
    return tuple(sorted(Shared(mine=a, theirs=b, how=how) for (a, b), how in found.items()))


def _of(facts: Mapping[str, Facts], kind: type) -> list[str]:
    return sorted(name for name, one in facts.items() if isinstance(one, kind))


def _moments(images: Mapping[str, Facts], clips: Mapping[str, Facts]) -> list[tuple[str, str]]:
    """(image, clip) by name."""
    shown, seen = _of(images, ImageFacts), _of(clips, ClipFacts)
    matches = pictures_of([images[name] for name in shown], [clips[name] for name in seen])
    return [(shown[image], seen[clip]) for image, clip in matches]


def _across(mine: Mapping[str, Facts], theirs: Mapping[str, Facts], kind: type, alike) -> list[tuple[str, str]]:
    first, second = _of(mine, kind), _of(theirs, kind)
    matches = alike([*(mine[name] for name in first), *(theirs[name] for name in second)])
    return [(first[i], second[j - len(first)]) for i, j in matches if i < len(first) <= j]


def _equal_bytes(mine: Mapping[str, Facts], theirs: Mapping[str, Facts]) -> list[tuple[str, str]]:
    theirs_by_hash: dict[str, list[str]] = {}
    for name, one in theirs.items():
        if isinstance(one, (ClipFacts, ImageFacts)) and one.sha256:
            theirs_by_hash.setdefault(one.sha256, []).append(name)
    return [
        (name, other)
        for name, one in mine.items()
        if isinstance(one, (ClipFacts, ImageFacts))
        for other in theirs_by_hash.get(one.sha256, ())
    ]

"""Which windows are driven onto which identities next: a seeded order of the whole product, drawn as far as it is wanted.

In: two sides (windows, identities), rules by tag, quotas, and the pairs that were drawn before; out: pairs of indices. Nothing grows with
the product: a draw costs what it draws and what it passes over. The order depends on the seed and the sides alone, so the first N pairs
are the same whatever N is. What is new comes before what was there, so that new footage is used first.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Collection, Iterator, Mapping, Sequence

import numpy as np

from bootstrap.pair_rules import PairRules
from bootstrap.product import Product
from models.seeds import item_seed
from models.types import require

MOST_PAIRS = 10_000_000
"""So many pairs are planned without a limit; nobody means more."""
_CHUNKS = (1 << 12, 1 << 18)
"""Positions looked at together: few at first, since most draws are short, more and more later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSpec:
    """A pair to attempt: the motion of `driving` from `start_s` on, given to `identity` by the teacher with `seed`.

    `driving` and `identity` are the files' names, the hashes say which content bore them.
    """

    key: str
    driving: str
    identity: str
    start_s: float
    seed: int
    driving_sha256: str = ""
    identity_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """Windows or identities. `content[n]`: sha256 of the file of item n; `labels[n]`: its labels; `fresh`: bool `[N]`, new or not."""

    content: Sequence[str]
    labels: Sequence[Mapping[str, str]]
    fresh: np.ndarray

    def groups(self, names: Sequence[str]) -> list[_Group]:
        """The items by their labels of those names and by freshness."""
        codes, found = np.zeros(len(self.content), np.int64), {}
        if names:
            codes[:] = [found.setdefault(tuple(labels.get(name, "") for name in names), len(found)) for labels in self.labels]
        parts = []
        for labels, code in (found or {(): 0}).items():
            for fresh in (True, False):
                members = np.flatnonzero((codes == code) & (self.fresh == fresh))
                if len(members):
                    parts.append(_Group(labels=dict(zip(names, labels)), fresh=fresh, members=members))
        return parts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Group:
    labels: Mapping[str, str]
    fresh: bool
    members: np.ndarray


def draw(
    driving: Side,
    identities: Side,
    rules: PairRules,
    seed: int,
    drawn: np.ndarray,
    count: int | None,
    apart: Collection[tuple[str, str]] = (),
    gone: Mapping[str, int] | None = None,
) -> np.ndarray:
    """The next `count` pairs (None: all) as int64 `[N,2]`: index of the window, index of the identity.

    `drawn`: int64 `[M,2]`, pairs that were drawn before. A clip never meets an identity of the same content, or of one that `apart` names
    with it: that would teach copying. `gone`: kind -> pairs drawn before of which a side is not there any more.
    """
    width = len(identities.content)
    own = _own_pictures(driving, identities, apart)
    passed = np.unique(np.concatenate([drawn[:, 0] * width + drawn[:, 1], own]).astype(np.int64))
    spaces = _spaces(driving, identities, rules, seed)
    pairs = sum(len(part) for parts in spaces.values() for part in parts)
    require(
        count is not None or pairs <= MOST_PAIRS, "synthesize", "limit", f"none for {pairs} pairs", "a limit", f"more than {MOST_PAIRS}"
    )
    streams = {kind: _stream(parts, width, passed) for kind, parts in spaces.items()}
    if len(streams) == 1:
        codes = _taken(next(iter(streams.values())), count)
    else:
        already = Counter(gone or {}) + Counter(_already(driving, identities, rules, drawn))
        merged = heapq.merge(*(_timed(kind, streams[kind], rules.shares[kind], already.get(kind, 0)) for kind in streams))
        codes = np.fromiter((code for _, _, code in islice(merged, count)), np.int64)
    return np.stack(np.divmod(codes, max(width, 1)), axis=1) if len(codes) else np.zeros((0, 2), np.int64)


def _own_pictures(driving: Side, identities: Side, apart: Collection[tuple[str, str]]) -> np.ndarray:
    columns: dict[str, list[int]] = {}
    for column, content in enumerate(identities.content):
        columns.setdefault(content, []).append(column)
    own: dict[str, list[int]] = {}
    for clip, picture in [*((content, content) for content in columns), *apart]:
        own.setdefault(clip, []).extend(columns.get(picture, ()))
    width = len(identities.content)
    return np.array([row * width + column for row, content in enumerate(driving.content) for column in own.get(content, ())], np.int64)


def _spaces(driving: Side, identities: Side, rules: PairRules, seed: int) -> dict[str, list[Product]]:
    """Kind -> its pairs with something new, then the others."""
    blocks: dict[tuple[str, bool], list[tuple[np.ndarray, np.ndarray]]] = {}
    for clips in driving.groups(rules.names):
        for people in identities.groups(rules.names):
            kind = rules.kind_of(clips.labels, people.labels)
            if kind:
                blocks.setdefault((kind, clips.fresh or people.fresh), []).append((clips.members, people.members))
    spaces: dict[str, list[Product]] = {}
    for (kind, fresh), members in sorted(blocks.items(), key=lambda item: (item[0][0], not item[0][1])):
        spaces.setdefault(kind, []).append(Product(blocks=members, seed=item_seed(seed, "pairing", kind, fresh)))
    return spaces


def _stream(spaces: Sequence[Product], width: int, passed: np.ndarray) -> Iterator[np.ndarray]:
    for space in spaces:
        start, chunk = 0, _CHUNKS[0]
        while start < len(space):
            codes = space.codes(start, min(start + chunk, len(space)), width)
            start, chunk = start + chunk, min(2 * chunk, _CHUNKS[1])
            yield codes[~_among(codes, passed)]


def _among(codes: np.ndarray, passed: np.ndarray) -> np.ndarray:
    """Which codes are in the sorted `passed`."""
    if not len(passed):
        return np.zeros(len(codes), bool)
    return passed[np.minimum(np.searchsorted(passed, codes), len(passed) - 1)] == codes


def _taken(stream: Iterator[np.ndarray], count: int | None) -> np.ndarray:
    parts, left = [np.zeros(0, np.int64)], np.inf if count is None else count
    while left > 0 and (codes := next(stream, None)) is not None:
        parts.append(codes if left >= len(codes) else codes[: int(left)])
        left -= len(codes)
    return np.concatenate(parts)


def _timed(kind: str, stream: Iterator[np.ndarray], share: float, already: int) -> Iterator[tuple[float, str, int]]:
    """Pairs of one kind with the moment at which each is due: merged by it, every prefix keeps the shares."""
    number = already
    for codes in stream:
        for code in codes.tolist():
            yield (number + 0.5) / share, kind, code
            number += 1


def _already(driving: Side, identities: Side, rules: PairRules, drawn: np.ndarray) -> dict[str, int]:
    counts: dict[str, int] = {}
    for window, identity in drawn.tolist():
        kind = rules.kind_of(driving.labels[window], identities.labels[identity])
        counts[kind] = counts.get(kind, 0) + 1
    return counts

"""Footage that comes again: which clips show the same moments, by perceptual hashes taken twice a second.

Candidates: hashes within NEAR signs of each other, found as neighbours in four sorted orders (each turns another quarter of the hash to
the front; a hash that differs in few places has a quarter in common). A pair of clips is the same footage when, moved against each other by
the time at which such hashes lie, at least half of the shorter agrees: SAME signs in the mean at most and no more than OWN of what either
clip differs from itself a second and more later (two parts of one take before a still camera differ as much as that), mean colours
within COLOURS grey levels and, where both move, motion profiles that correlate. Straight or mirrored.

On 18 filmed clips of 2.5 to 5 s (docs/filters.md): copies in another codec, at half the size, mirrored, brighter or at 12 frames a second
are all found, 2.5 % cropped off each side in 13 of 18 (before a still camera a crop changes more than time does), trimmed in 28 of 36; no
clip is taken for another one, two neighbouring parts of one take are for the same in 1 of 20 cases.
Not found: heavier crops, changed speed, overlaps below half of the shorter clip, parts below 1 s.
In: facts; out: pairs of positions. Cost: n log n in the number of hashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from bootstrap.sources.facts import MOTION_PER_S, PRINTS_PER_S, ClipFacts, ImageFacts
from bootstrap.sources.prints import as_words, distance, mirrored
from bootstrap.sources.profile import motion_levels

NEAR, SAME, OWN, SAME_PICTURE, COLOURS, CORRELATED = 10, 10.5, 0.6, 6, 16.0, 0.6
NEIGHBOURS, MOST_OFFSETS, MOST_PER_CLIP, LEAST_SAMPLES = 4, 3, 8, 8
Match = tuple[int, int]


def same_footage(facts: Sequence[ClipFacts]) -> list[Match]:
    """Positions (i, j), i < j, of clips that show the same footage."""
    found = []
    for (i, j), offsets in sorted(_likely(*_fresh(*_all_prints(facts)), MOST_PER_CLIP * len(facts)).items()):
        if any(_same(facts[i], facts[j], offset, turned) for turned, offset in offsets):
            found.append((i, j))
    return found


def pictures_of(images: Sequence[ImageFacts], clips: Sequence[ClipFacts]) -> list[Match]:
    """Positions (image, clip) where the image is a moment of the clip, straight or mirrored. Every hash is compared with every other."""
    words, owner, _ = _all_prints(clips)
    colours = _colours(clips)
    found = []
    for at, image in enumerate(images):
        own = as_words(image.prints)[:1]
        near = np.minimum(distance(words, own), distance(words, mirrored(own))) <= SAME_PICTURE if len(own) else np.zeros(len(words), bool)
        if near.any():
            near[near] = np.abs(colours[near] - _colours([image])[0]).max(1) <= COLOURS
        found += [(at, int(clip)) for clip in np.unique(owner[near])]
    return found


def same_pictures(images: Sequence[ImageFacts]) -> list[Match]:
    """Positions (i, j), i < j, of images that show the same picture."""
    words, owner, _ = _all_prints(images)
    colours, found = _colours(images), set()
    for turned in (False, True):
        for i, j in _near(words, owner, turned):
            close = distance(words[i], mirrored(words[j]) if turned else words[j]) <= SAME_PICTURE
            close &= np.abs(colours[i] - colours[j]).max(1) <= COLOURS if len(i) else close
            found.update(zip(owner[i][close].tolist(), owner[j][close].tolist()))
    return sorted(found)


def _colours(facts: Sequence[ClipFacts | ImageFacts]) -> np.ndarray:
    """All mean colours on end, int16 `[n,3]`."""
    return np.frombuffer(b"".join(one.colours for one in facts), np.uint8).reshape(-1, 3).astype(np.int16)


def stand_ins(matches: Iterable[Match], order: Sequence[int]) -> dict[int, int]:
    """Position -> the position of the same footage that comes before it in `order` and is itself used; used ones are left out."""
    rank = {position: place for place, position in enumerate(order)}
    alike: dict[int, list[int]] = defaultdict(list)
    for match in matches:
        first, second = sorted(match, key=rank.__getitem__)
        alike[second].append(first)
    found: dict[int, int] = {}
    for position in sorted(alike, key=rank.__getitem__):
        used = [one for one in alike[position] if one not in found]
        if used:
            found[position] = min(used, key=rank.__getitem__)
    return found


def _all_prints(facts: Sequence[ClipFacts | ImageFacts]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All hashes on end uint64 `[n]`, whose they are `[n]`, and the how-manieth of that clip `[n]`."""
    words = as_words(b"".join(one.prints for one in facts))
    counts = np.array([len(one.prints) // 8 for one in facts], np.int64)
    owner = np.repeat(np.arange(len(facts), dtype=np.int32), counts)
    moment = (np.arange(len(words)) - np.repeat(np.cumsum(counts) - counts, counts)).astype(np.int32)
    return words, owner, moment


def _fresh(words: np.ndarray, owner: np.ndarray, moment: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Without hashes that say what the one before them said: a still camera would fill the sorted orders with its scene."""
    new = np.ones(len(words), bool)
    new[1:] = (owner[1:] != owner[:-1]) | (distance(words[1:], words[:-1]) > 1)
    return words[new], owner[new], moment[new]


def _likely(words: np.ndarray, owner: np.ndarray, moment: np.ndarray, most: int) -> dict[Match, list[tuple[bool, int]]]:
    """At most `most` pairs of clips with hashes near each other, those with most of them -> the likeliest (mirrored, offset in hashes)."""
    votes: dict[Match, dict[tuple[bool, int], int]] = defaultdict(lambda: defaultdict(int))
    for turned in (False, True):
        for i, j in _near(words, owner, turned):
            keys, counts = np.unique(np.stack([owner[i], owner[j], moment[i] - moment[j]], 1), axis=0, return_counts=True)
            for (a, b, offset), count in zip(keys.tolist(), counts.tolist()):
                votes[a, b][turned, offset] += count
    best = sorted(votes, key=lambda pair: (-max(votes[pair].values()), pair))[:most]
    return {pair: sorted(votes[pair], key=lambda key: (-votes[pair][key], key))[:MOST_OFFSETS] for pair in best}


def _near(words: np.ndarray, owner: np.ndarray, turned: bool) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Positions of hashes of two clips, the first clip before the second, that nearly agree; the second mirrored where `turned`."""
    places = np.arange(len(words), dtype=np.int32)
    both = np.concatenate([words, mirrored(words)]) if turned else words
    where = np.concatenate([places, places + np.int32(len(words))]) if turned else places
    for quarter in range(4):
        shift = np.uint64(16 * quarter)
        front = (both << shift) | (both >> (np.uint64(64) - shift)) if quarter else both
        order = where[np.argsort(front, kind="stable")]
        for step in range(1, NEIGHBOURS + 1):
            i, j = order[:-step], order[step:]
            fits = distance(both[i], both[j]) <= NEAR
            if turned:  # one straight, one mirrored; which is which makes no difference
                fits &= (i < len(words)) != (j < len(words))
            i, j = i[fits] % len(words), j[fits] % len(words)
            swap = owner[i] > owner[j]
            i, j = np.where(swap, j, i), np.where(swap, i, j)
            apart = owner[i] != owner[j]
            yield i[apart], j[apart]


def _same(first: ClipFacts, second: ClipFacts, offset: int, turned: bool) -> bool:
    """Whether `second`, begun `offset` hashes after `first`, shows the same for at least half of the shorter, and a second."""
    sizes = [len(one.prints) // 8 for one in (first, second)]
    start, stop = max(0, offset), min(sizes[0], sizes[1] + offset)
    if stop - start < max(1, min(min(sizes) // 2, 60)) or (stop - start < PRINTS_PER_S and min(sizes) >= PRINTS_PER_S):
        return False
    a, b = as_words(first.prints)[start:stop], as_words(second.prints)[start - offset : stop - offset]
    apart = float(distance(a, mirrored(b) if turned else b).mean())
    if apart > min(SAME, *(OWN * _own_distance(one) for one in (first, second))):
        return False
    if np.abs(_colours([first])[start:stop] - _colours([second])[start - offset : stop - offset]).mean(0).max() > COLOURS:
        return False
    return _move_alike(first, second, offset)


def _own_distance(clip: ClipFacts) -> float:
    """By how many signs a clip's hashes differ, in the mean, from those of moments a second and more later; any number for a short clip."""
    words = as_words(clip.prints)[:60]
    later = [distance(words[:-step], words[step:]) for step in range(PRINTS_PER_S, len(words))]
    return float(np.concatenate(later).mean()) if later else np.inf


def _smooth_motion(clip: ClipFacts) -> np.ndarray:
    """The logarithm of motion, each sample with a little of its neighbours: trimming moves the samples."""
    levels = np.log1p(motion_levels(clip.motion))
    return np.convolve(np.pad(levels, 1, mode="edge"), [0.25, 0.5, 0.25], "valid") if len(levels) else levels


def _move_alike(first: ClipFacts, second: ClipFacts, offset: int) -> bool:
    """Whether the motion profiles correlate at an offset near that of the hashes, or are too short or even to tell."""
    a, b = _smooth_motion(first), _smooth_motion(second)
    middle, best, known = round(offset * MOTION_PER_S / PRINTS_PER_S), -1.0, False
    for shift in range(middle - 3, middle + 4):
        start, stop = max(0, shift), min(len(a), len(b) + shift)
        if stop - start < LEAST_SAMPLES:
            continue
        x, y = a[start:stop], b[start - shift : stop - shift]
        if min(x.std(), y.std()) > 0.05:
            best, known = max(best, float(np.corrcoef(x, y)[0, 1])), True
    return not known or best >= CORRELATED

"""Footage that comes again: which clips show the same moments, by perceptual hashes and colours taken twice a second.

Candidates: hashes within NEAR signs of each other, found as neighbours in four sorted orders (each turns another quarter of the hash to
the front; a hash that differs in few places has a quarter in common). A pair of clips is the same footage when, moved against each other by
the time at which such hashes lie, at least half of the shorter agrees: SAME signs in the mean at most and no more than OWN of what either
clip differs from itself a second and more later (two parts of one take before a still camera differ as much as that), no cell of the
picture more than COLOURS grey levels off in the mean of the time, and, where both move, motion profiles that correlate. Straight or
mirrored. Fewer than ENOUGH hashes say little: of them BRIEF signs and BRIEF_COLOURS grey levels are the most. Pictures: SAME_PICTURE signs
and COLOURS in every cell.

Signs alone take people before one ground for each other; the cells do not: of copies in another codec, at half the size, brighter or
cropped by 2.5 % the cell that differs most does so by 20 grey levels at most, of 40 drawn heads before one ground by 34 at least.
On 19 filmed clips of 2.5 s and more (docs/filters.md) no clip is taken for another one.
Not found: heavier crops, changed speed or colours, overlaps below half of the shorter clip, parts below 1 s. Takes of one person before a
still camera may be taken for each other.
In: facts; out: pairs of positions. Cost: n log n in the number of hashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from bootstrap.sources.facts import MOTION_PER_S, PRINTS_PER_S, ClipFacts, ImageFacts
from bootstrap.sources.prints import as_cells, as_words, distance, mirrored
from bootstrap.sources.profile import motion_levels

NEAR, SAME, OWN, SAME_PICTURE, MOMENT, COLOURS, CORRELATED = 10, 10.5, 0.6, 6, 10, 26.0, 0.6
ENOUGH, BRIEF, BRIEF_COLOURS = 4, 5.0, 16.0
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
    """Positions (image, clip) where the image is a moment of the clip, straight or mirrored.

    Hashes are taken twice a second, a picture may lie between: MOMENT signs may differ, and no pair that near is missed (`_within`).
    """
    words, owner, _ = _all_prints(clips)
    shown, whose, _ = _all_prints(images)
    of_clips, of_images, found = _cells(clips), _cells(images), set[Match]()
    for turned in (False, True):
        for image, moment in _within(mirrored(shown) if turned else shown, words, MOMENT):
            close = _apart(of_images[image], of_clips[moment], turned).max((1, 2)) <= COLOURS
            found.update(zip(whose[image][close].tolist(), owner[moment][close].tolist()))
    return sorted(found)


def _within(asked: np.ndarray, words: np.ndarray, most: int) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    """Positions (in `asked`, in `words`) of all hashes that differ in `most` signs at most, some more than once.

    Of most + 1 parts of a hash such a pair has one in common: only hashes with an equal part are compared.
    """
    edges = np.linspace(0, 64, most + 2).astype(int)
    for low, high in zip(edges, edges[1:]):
        part = ((words >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)).astype(np.uint16)
        wanted = ((asked >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)).astype(np.uint16)
        order = np.argsort(part, kind="stable")
        starts, stops = (np.searchsorted(part[order], wanted, side=side) for side in ("left", "right"))
        for at, (start, stop) in enumerate(zip(starts, stops)):
            near = order[start:stop][distance(words[order[start:stop]], asked[at]) <= most]
            if len(near):
                yield np.full(len(near), at), near


def same_pictures(images: Sequence[ImageFacts]) -> list[Match]:
    """Positions (i, j), i < j, of images that show the same picture."""
    words, owner, _ = _all_prints(images)
    cells, found = _cells(images), set()
    for turned in (False, True):
        for i, j in _near(words, owner, turned):
            close = distance(words[i], mirrored(words[j]) if turned else words[j]) <= SAME_PICTURE
            close[close] = _apart(cells[i[close]], cells[j[close]], turned).max((1, 2)) <= COLOURS
            found.update(zip(owner[i][close].tolist(), owner[j][close].tolist()))
    return sorted(found)


def _cells(facts: Sequence[ClipFacts | ImageFacts]) -> np.ndarray:
    """The colours of all cells on end, uint8 `[n,CELLS,CELLS,3]`."""
    return as_cells(b"".join(one.colours for one in facts))


def _apart(first: np.ndarray, second: np.ndarray, turned: bool) -> np.ndarray:
    """By how many grey levels cells differ, in the colour in which they differ most; int16 `[n,CELLS,CELLS]`."""
    second = second[:, :, ::-1] if turned else second
    return np.abs(first.astype(np.int16) - second.astype(np.int16)).max(3)


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
    most, of_colours = (BRIEF, BRIEF_COLOURS) if stop - start < ENOUGH else (SAME, COLOURS)
    if apart > min(most, *(OWN * _own_distance(one) for one in (first, second))):
        return False
    cells = _apart(as_cells(first.colours)[start:stop], as_cells(second.colours)[start - offset : stop - offset], turned)
    if cells.mean(0).max() > of_colours:
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

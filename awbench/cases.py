"""A case is one question to an animator: this reference, that driving clip; a suite is a named, versioned list of cases.

Media are loaded one case at a time and are on the suite's grid already. Truth exists in the procedural world only (or
where a suite brings its own): the reference's subject and scene under the driver's motion and camera, frame-aligned.

Legend: T frames, H height, W width.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Callable, Iterable, Mapping

import numpy as np

from models.artifacts import sha256, to_json
from models.types import Clip, Grid, PoseTrack, check_image, require

REFERENCE_POSES = ("first_frame", "independent")
TRACKS = ("self", "cross")
MODES = ("one_to_one", "one_to_many", "many_to_many")
"""How many move in the driver, and how many are in the reference: AWBench's words."""
SUITE_FITS = ("crop", "pad", "subject")
"""How media and answers of another shape are brought to a suite's grid: see `models.framing.FITS`."""
FIT_SAID = {"crop": "cropped", "pad": "padded", "subject": "cropped around the subject"}
"""What notes say of it."""
MAX_ID_CHARS = 64
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_SUITE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Tags = Mapping[str, str | bool]


def check_id(value: object, item: str, field_name: str = "id") -> str:
    """Return a case id that is safe as a file name on every system: ASCII letters, digits, - and _, at most 64."""
    shown = f"{str(value)[:80]!r} ({type(value).__name__}, {len(str(value))} characters)"
    ok = isinstance(value, str) and len(value) <= MAX_ID_CHARS and _ID.fullmatch(value) is not None
    expected = f"1-{MAX_ID_CHARS} ASCII letters, digits, - or _, starting with a letter or digit"
    require(ok, item, field_name, shown, expected, "rename it; a number needs quotes in yaml")
    return str(value)


def _check_array(array: np.ndarray, dtype: type, shape: tuple[int, ...], field_name: str) -> None:
    got = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
    ok = isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape
    require(ok, "Truth", field_name, got, f"{np.dtype(dtype)} {shape}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What the right answer looks like.

    `subject`: bool `[T,H,W]` subject in `clip`; `reference_subject`: bool `[H,W]` subject in the reference; `seen`: bool
    `[T,H,W]` inside the reference's view; what lay behind its subject counts as seen; `flow`: float32 `[T-1,H,W,2]` exact forward
    flow px, None where nobody knows it (a filmed truth); `pose`: joints of the subjects in `clip`, px, one column of N each (hidden
    ones have confidence 0), None where not known or where the bodies have no limbs to name.
    """

    clip: Clip
    subject: np.ndarray
    reference_subject: np.ndarray
    seen: np.ndarray
    flow: np.ndarray | None
    pose: PoseTrack | None = None

    def __post_init__(self) -> None:
        frames, (width, height) = len(self.clip), self.clip.size
        _check_array(self.subject, np.bool_, (frames, height, width), "subject")
        _check_array(self.reference_subject, np.bool_, (height, width), "reference_subject")
        _check_array(self.seen, np.bool_, (frames, height, width), "seen")
        if self.pose is not None:
            require(len(self.pose) == frames, "Truth", "pose", f"{len(self.pose)} frames", f"{frames} as the clip")
        if self.flow is None:
            return
        _check_array(self.flow, np.float32, (frames - 1, height, width, 2), "flow")
        require(bool(np.isfinite(self.flow).all()), "Truth", "flow", "non-finite values", "finite px")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaseMedia:
    """The pixels of a case on the suite's grid. `adaptation`: how the sources were brought there, "" if they were there.

    `driver_cut`: (x, y, w, h, W, H) px, the box that `fit: subject` shows of the driver's (W,H) px: answers of that shape are cut there.
    """

    reference: np.ndarray
    driving: Clip
    truth: Truth | None = None
    adaptation: str = ""
    driver_cut: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "reference", check_image(self.reference, "CaseMedia", "reference"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One question. `reference_pose`: whether the reference already stands as the driver's first frame does.

    `tags`: driver_X and reference_X for X of subject (human, animal, cartoon, object), framing, count, age, activity, camera and whatever
    else is known of either; mode, track, novel; older suites name the driver's framing, count and camera without the prefix.
    """

    id: str
    tags: Tags = field(default_factory=dict)
    prompt: str = ""
    driver_id: str = ""
    identity_id: str = ""
    reference_pose: str = "independent"

    def __post_init__(self) -> None:
        item = f"case {check_id(self.id, 'case')}"
        for name in ("prompt", "driver_id", "identity_id"):
            value = getattr(self, name)
            require(isinstance(value, str) and len(value) <= 2000, item, name, repr(value)[:80], "text of at most 2000 characters")
        require(isinstance(self.tags, Mapping), item, "tags", type(self.tags).__name__, "a mapping of name to text or true/false")
        for name, value in self.tags.items():
            require(isinstance(name, str) and isinstance(value, str | bool), item, f"tags.{name}", repr(value)[:80], "text or true/false")
        require(self.reference_pose in REFERENCE_POSES, item, "reference_pose", self.reference_pose, f"one of {REFERENCE_POSES}")
        require(self.track in TRACKS, item, "tags.track", self.track, f"one of {TRACKS}")
        mode = self.tags.get("mode", MODES[0])
        require(mode in MODES, item, "tags.mode", repr(mode)[:80], f"one of {MODES}")

    @property
    def track(self) -> str:
        """self: the driver shows the reference's identity; cross (the default): another one."""
        return str(self.tags.get("track", "cross"))

    def described(self) -> dict[str, str]:
        """The tags as guides know them: those of the driver, and the reference's subject, also without their prefix."""
        plain = {name.removeprefix("driver_"): value for name, value in self.tags.items() if name.startswith("driver_")}
        plain["subject"] = self.tags.get("reference_subject", "")
        return {name: str(value) for name, value in (plain | dict(self.tags)).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Cases on one grid. `source` makes the media of a case; `fingerprint` changes when any of the content does; `has_truth`:
    whether any case brings its truth; `fit`: how media and answers of another shape come to the grid.

    `case_marks`: case id -> `case_mark`, where known. A case of two suites with one mark is the same question in both, so a suite can
    grow and what was run on it stays comparable on the old cases.
    """

    name: str
    version: str
    grid: Grid
    cases: tuple[Case, ...]
    source: Callable[[Case], CaseMedia] = field(repr=False, compare=False)
    fingerprint: str = ""
    has_truth: bool = True
    fit: str = "crop"
    case_marks: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = isinstance(self.name, str) and _SUITE_NAME.fullmatch(self.name) is not None
        require(named, "suite", "name", repr(self.name)[:80], "1-64 ASCII letters, digits, '.', '-' or '_'")
        item = f"suite {self.name}"
        require(isinstance(self.version, str) and 0 < len(self.version) <= 64, item, "version", repr(self.version)[:80], 'text such as "1"')
        require(len(self.cases) > 0, item, "cases", "none", "at least one case")
        require(self.fit in SUITE_FITS, item, "fit", repr(self.fit)[:80], f"one of {', '.join(SUITE_FITS)}")
        _refuse_duplicates(item, self.cases)

    def only(self, case_ids: Iterable[str]) -> Suite:
        """The suite of these cases alone, in its own order."""
        wanted = set(case_ids)
        marks = {name: mark for name, mark in self.case_marks.items() if name in wanted}
        return replace(self, cases=tuple(case for case in self.cases if case.id in wanted), case_marks=marks)

    def case(self, case_id: str) -> Case:
        """The case of that id. Raises ValueError when there is none."""
        found = next((case for case in self.cases if case.id == case_id), None)
        require(
            found is not None,
            f"suite {self.name}",
            "case",
            repr(case_id)[:80],
            f"one of its {len(self.cases)} ids, e.g. {self.cases[0].id}",
        )
        return found

    def load(self, case_id: str) -> CaseMedia:
        """The media of a case, checked against the grid. Raises ValueError (MediaError) with the reason."""
        media = self.source(self.case(case_id))
        grid, item = self.grid, f"suite {self.name} case {case_id}"
        size = (media.reference.shape[1], media.reference.shape[0])
        require(size == grid.size, item, "reference size", size, f"{grid.size} px as the grid")
        for name, clip in (("driver", media.driving), ("truth", media.truth.clip if media.truth else None)):
            got = None if clip is None else (len(clip), clip.size, clip.fps)
            want = (grid.num_frames, grid.size, grid.fps)
            require(got is None or got == want, item, f"{name} (frames, size, fps)", got, f"{want} as the grid")
        return media


def case_mark(case: Case, grid: Grid, fit: str, media: Mapping[str, str]) -> str:
    """sha256 of all that makes a case the question it is: its fields, the grid, the fit, and the hashes of its media."""
    own = {item.name: getattr(case, item.name) for item in fields(case)} | {"tags": dict(case.tags)}
    return sha256(to_json([own, asdict(grid), fit, dict(media)]).encode())


def _refuse_duplicates(item: str, cases: tuple[Case, ...]) -> None:
    seen: set[str] = set()
    for case in cases:  # ids become file names, and some file systems do not tell upper from lower case
        fresh = case.id.lower() not in seen
        require(fresh, item, "case id", case.id, "each id once (upper and lower case count as one)", "rename one")
        seen.add(case.id.lower())

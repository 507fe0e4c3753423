"""The table of pose estimators: a name on the command line -> a factory `create(argument: str | None) -> PoseEstimator`.

    tiny               the shipped heatmap network, or tiny:FOLDER        coco17, up to 4 people
    rtmlib:DIR         whole-body ONNX models of a folder of yours        wholebody133, any number of people
    mediapipe          where a version that carries its models stands     coco17, one person
    tracks:DIR         known motion, DIR/NAME.npz or DIR/NAME.bvh         as the files say

An estimator says `name` (what to write to get it again), `weights_hash` and `skeleton`, and offers `estimate(clip)`. Outsiders add
theirs by an entry point in the group `actorforge.pose_estimators`, without a fork. A folder with estimator.json needs no entry.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterable

from models.artifacts import sha256, sha256_file
from models.catalog import Catalog, Entry
from models.endings import BVH_ADVICE
from models.protocols import PoseEstimator

ESTIMATOR_FILE = "estimator.json"

POSE_ESTIMATORS = Catalog(
    kind="pose estimator",
    group="actorforge.pose_estimators",
    entries={
        "tiny": Entry(target="models.pose.heatmap:create", summary="tiny heatmap network, coco17; tiny:FOLDER for one of yours"),
        "rtmlib": Entry(target="models.pose.rtmlib_pose:create", summary="rtmlib:DIR, whole body (133 joints) by the ONNX files in DIR"),
        "mediapipe": Entry(target="models.pose.mediapipe_pose:create", summary="MediaPipe Pose, one person, coco17"),
        "tracks": Entry(target="models.pose.tracks:create", summary="tracks:DIR reads known motion, DIR/NAME.npz or DIR/NAME.bvh"),
    },
)


def load_pose_estimator(text: str) -> PoseEstimator:
    """The estimator of that name (`tiny`), name and argument (`tracks:DIR`) or estimator folder.

    Raises ValueError with the nearest known names, or saying what a folder or an installation lacks.
    """
    name, colon, argument = text.partition(":")
    if name in POSE_ESTIMATORS.table():
        return POSE_ESTIMATORS.load(name)(argument if colon else None)
    if name == "bvh" or Path(text).suffix.lower() == ".bvh":
        raise ValueError(f"pose estimator {text}: got a file of motion, expected tracks:DIR; {BVH_ADVICE}")
    folder = Path(text).expanduser()
    if (folder / ESTIMATOR_FILE).is_file():
        from models.pose.heatmap import load_estimator  # imports torch

        return load_estimator(folder)
    if folder.is_dir():
        raise ValueError(f"pose estimator {text}: got a folder without {ESTIMATOR_FILE}, expected an estimator folder or a known name")
    return POSE_ESTIMATORS.load(name)


def written(kind: str, path: Path) -> str:
    """`kind:PATH` as one writes it from here: relative where the path lies in the working folder, with ~ where it lies at home."""
    for root, prefix in ((Path.cwd(), ""), (Path.home(), "~/")):
        if path.is_absolute() and path.is_relative_to(root):
            return f"{kind}:{prefix}{path.relative_to(root).as_posix()}"
    return f"{kind}:{path.as_posix()}"


def files_hash(files: Iterable[Path]) -> str:
    """sha256 over names and contents of files; their order and folder do not matter."""
    return sha256("".join(f"{sha256_file(path)} {path.name}\n" for path in sorted(files, key=lambda path: path.name)).encode())

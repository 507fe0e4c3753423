"""A suite is told of what the factory would not take."""

import numpy as np

from awbench.suites.folder import load_folder
from awbench.suites.from_media import write_suite_from_media
from bootstrap.suite_remarks import suite_remarks
from models.images import encode_image
from models.types import Clip, Grid
from models.video import write_video

GRID = Grid(width=48, height=32, fps=12, num_frames=12)


def drifting(seed: int, frames: int = 24) -> np.ndarray:
    ground = np.kron(np.random.default_rng(seed).integers(0, 255, (8, 24, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    return np.stack([ground[:64, 2 * t : 2 * t + 96] for t in range(frames)])


def test_cuts_black_pictures_stills_and_doubles_are_told_and_sound_media_are_not(tmp_path):
    clips = {"sound": drifting(1), "cut": np.concatenate([drifting(2)[:6], drifting(3)[:18]]), "held": drifting(4)[[0] * 24]}
    for name, frames in clips.items():
        write_video(tmp_path / "clips" / f"{name}.mp4", Clip(frames=frames, fps=12))
    write_video(tmp_path / "clips" / "copy.mp4", Clip(frames=drifting(1), fps=12), crf=20)
    (tmp_path / "people").mkdir()
    for name, image in {"one": drifting(7)[0], "black": np.zeros((64, 96, 3), np.uint8), "other": drifting(8)[0]}.items():
        (tmp_path / "people" / f"{name}.png").write_bytes(encode_image(image))
    write_suite_from_media([str(tmp_path / "clips")], [str(tmp_path / "people")], tmp_path / "suite", GRID)
    said = suite_remarks(load_folder(tmp_path / "suite", fingerprint=False))
    assert said == [
        "driving/copy.mp4, driving/sound.mp4: the same footage",
        "driving/cut.mp4: its window shows a cut",
        "driving/held.mp4: its window shows nothing that moves",
        "reference/black.png: a black picture",
    ]


def test_the_window_of_a_case_is_looked_at_where_it_begins(tmp_path):
    frames = np.concatenate([drifting(2)[:6], drifting(3)[:18]])
    write_video(tmp_path / "clips" / "cut.mp4", Clip(frames=frames, fps=12))
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "one.png").write_bytes(encode_image(drifting(7)[0]))
    (tmp_path / "pairs.csv").write_text("driver,reference,start_s\ncut,one,0.25\ncut,one,0.75\n")
    folders = [str(tmp_path / "clips")], [str(tmp_path / "people")]
    write_suite_from_media(*folders, tmp_path / "suite", GRID, pairing=tmp_path / "pairs.csv")
    assert suite_remarks(load_folder(tmp_path / "suite", fingerprint=False)) == ["driving/cut.mp4: its window from 0.25 s on shows a cut"]

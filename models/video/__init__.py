"""Clip <-> file, frame-exact, by PyAV: one road from any file to the pixels a player would show.

`container` opens a file safely and finds its film; `decode` runs through it (`seeking` begins late, `interlaced` removes combs, `shown` and
`hdr` make pictures of frames, `times` holds the rule for "the frame at time t"); `read` makes clips of it, `write` files of clips.
"""

from models.video.decode import Film, TimedFrame, count_frames, frames_of, small_frames_of
from models.video.read import Window, fit_clip, read_first_frame, read_video, read_window
from models.video.times import nearest_frames
from models.video.write import PIX_FMTS, PRESET, encode_video, write_video

__all__ = [
    "PIX_FMTS", "PRESET", "Film", "TimedFrame", "Window", "count_frames", "encode_video", "fit_clip", "frames_of", "nearest_frames",
    "read_first_frame", "read_video", "read_window", "small_frames_of", "write_video",
]  # fmt: skip

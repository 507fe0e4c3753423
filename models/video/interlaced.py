"""Interlaced footage -> one whole picture a frame (bwdif), so that combs are not taken for motion.

Frames pass as they are until the first one that is marked interlaced; from then on the filter sees all and touches the marked ones.
"""

from __future__ import annotations

from typing import Iterable, Iterator

import av
import av.filter

_NOTE, _LEFT = "deinterlaced (bwdif)", "interlaced, left as it is (a pixel format the filter does not know)"


class Deinterlaced:
    """The frames, deinterlaced where they need it. `told` gets a note of it."""

    def __init__(self, frames: Iterable[av.VideoFrame], told: dict[str, None]) -> None:
        self._frames, self._told = frames, told
        self._graph: av.filter.Graph | None = None
        self._kind: tuple = ()

    def __iter__(self) -> Iterator[av.VideoFrame]:
        active = False
        for frame in self._frames:
            active = active or bool(frame.interlaced_frame)
            if not active or frame.pts is None:
                yield frame
                continue
            if self._kind != (kind := (frame.width, frame.height, frame.format.name)):
                yield from self._rest()
                self._graph, self._kind = self._built(frame), kind
            yield from self._through(frame)
        yield from self._rest()

    def _built(self, frame: av.VideoFrame) -> av.filter.Graph | None:
        graph = av.filter.Graph()
        graph.threads = 1
        try:
            source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
            bwdif = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
            graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
        except (av.error.FFmpegError, ValueError):
            self._told[_LEFT] = None
            return None
        self._told[_NOTE] = None
        return graph

    def _through(self, frame: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        if self._graph is None:
            yield from [] if frame is None else [frame]
            return
        self._graph.push(frame)
        while True:
            try:
                yield self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return

    def _rest(self) -> Iterator[av.VideoFrame]:
        if self._graph is not None:
            yield from self._through(None)
            self._graph = None

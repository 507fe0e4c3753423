"""A checkpoint as a Python object that is called like a diffusers video pipeline.

    pipe = InContextPipeline.from_pretrained("runs/e2e", weights="Wan2.1-I2V-14B-480P-Diffusers")
    frames = pipe("knight.png", "dance.mp4", num_inference_steps=20, seed=1).frames[0]

It turns what people have at hand (PIL, numpy, paths) into an `AnimationRequest` and the answer back; the animator does the work.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Literal, Mapping, Sequence

import numpy as np

from models.runtime import Runtime
from models.types import AnimationRequest, Clip, PoseTrack, check_image, require

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from models.animators.in_context import InContextAnimator
    from models.animators.sampling import Sampling

ITEM = "pipeline"
Progress = Callable[[int, int], None]
"""Called after every sampling step with the steps done and the steps in all, over all windows of the clip."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PipelineOutput:
    """`frames`, one clip a batch: pil `[[T pictures]]`, np float32 `[1,T,H,W,3]` or pt `[1,T,3,H,W]`, both 0 to 1.

    `fps` of the frames, the `seed` that makes them again, the animator's name and weights hash, its provenance.
    """

    frames: Any
    fps: float
    seed: int
    animator: str
    provenance: Mapping[str, Any] = field(default_factory=dict)


class InContextPipeline:
    """Calls an `InContextAnimator`, whose own settings are the defaults and stay as they are."""

    def __init__(self, animator: InContextAnimator) -> None:
        self.animator = animator

    @classmethod
    def from_pretrained(
        cls, checkpoint_folder: str | Path, *, runtime: Runtime = Runtime(), weights: str | Path | None = None
    ) -> InContextPipeline:
        """Load a checkpoint folder, or a shipped one by name. `weights`: the local folder of the base weights, where the checkpoint does
        not lead to them. Raises ValueError for a checkpoint of another class, and for other base weights."""
        from models.animators.checkpoint import CLASSES, read_card
        from models.animators.load import checkpoint_folder as find

        folder = find(str(checkpoint_folder))
        card = read_card(folder)
        require(card["class"] == "InContextAnimator", str(folder), "class", card["class"], "InContextAnimator")
        card = card if weights is None else {**card, "backbone": _with_weights(card["backbone"], Path(weights), folder)}
        return cls(CLASSES.load(card["class"])(folder, card, runtime))

    def __call__(
        self,
        image: Image | np.ndarray | str | Path,
        driving_video: Clip | Sequence[Image | np.ndarray] | np.ndarray | str | Path,
        *,
        prompt: str = "",
        negative_prompt: str | None = None,
        height: int | None = None,
        width: int | None = None,
        num_frames: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        generator: torch.Generator | None = None,
        seed: int | None = None,
        output_type: Literal["np", "pil", "pt"] = "np",
        fps: float | None = None,
        pose: PoseTrack | None = None,
        progress: Progress | None = None,
    ) -> PipelineOutput:
        """Animate `image` by `driving_video`.

        `height`, `width`: default the image's shape at the checkpoint's area, which is what it paints. `num_frames`: default all.
        `fps`: default the rate of the training clips; a file or `Clip` is brought to it, pictures without a rate are taken to have it.
        `pose`: of the driving frames at `fps`, in place of the checkpoint's estimator. `generator` or `seed`: without either the noise is
        another one every time, and the seed is in the output. Raises ValueError naming the argument.
        """
        require(output_type in _OUTPUTS, ITEM, "output_type", repr(output_type), " or ".join(_OUTPUTS))
        require(fps is None or 0 < fps <= 1000, ITEM, "fps", fps, "a number in (0, 1000]")
        driving = _driving(driving_video, self.animator.grid.fps if fps is None else fps)
        count = len(driving) if num_frames is None else num_frames
        require(1 <= count <= len(driving), ITEM, "num_frames", count, f"1 to {len(driving)}, the frames of driving_video")
        reference = _picture(image, "image")
        request = AnimationRequest(
            id=ITEM,
            reference=reference,
            driving=driving,
            size=self._size(reference, width, height),
            num_frames=count,
            seed=_seed(generator, seed),
            pose=pose,
            prompt=prompt,
        )
        changes = {"steps": num_inference_steps, "guidance": guidance_scale, "negative_prompt": negative_prompt}
        sampling = replace(self.animator.sampling, **{name: value for name, value in changes.items() if value is not None})
        result = _told(self.animator, sampling, count, progress).animate(request)
        return PipelineOutput(
            frames=_OUTPUTS[output_type](result.clip.frames),
            fps=result.clip.fps,
            seed=request.seed,
            animator=result.animator,
            provenance=result.provenance,
        )

    def _size(self, reference: np.ndarray, width: int | None, height: int | None) -> tuple[int, int]:
        require((width is None) == (height is None), ITEM, "width, height", (width, height), "both or neither")
        if width is None:
            return self.animator.canvas_size((reference.shape[1], reference.shape[0]))
        return width, height


def _with_weights(backbone: Mapping[str, Any], weights: Path, folder: Path) -> dict[str, Any]:
    require(bool(backbone.get("weights")), str(folder), "weights", weights.name, "none", "this checkpoint has no base weights")
    require(weights.is_dir(), ITEM, "weights", weights, "a local diffusers folder")
    return {**backbone, "weights": {**backbone["weights"], "path": str(weights.resolve())}}


def _told(animator: InContextAnimator, sampling: Sampling, count: int, progress: Progress | None) -> InContextAnimator:
    """The animator with other settings, and with somebody watching; the one that was given stays as it is."""
    told = copy.copy(animator)
    told.sampling = sampling
    if progress is not None:
        told.backbone = _Watched(animator.backbone, len(animator.plan(count, sampling)), progress)
    return told


class _Watched:
    """A backbone whose solvers report their steps."""

    def __init__(self, backbone: Any, runs: int, progress: Progress) -> None:
        self._backbone, self._runs, self._progress, self._done = backbone, runs, progress, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backbone, name)

    def solver(self, steps: int) -> Any:
        solver = self._backbone.solver(steps)
        step, total = solver.step, len(solver.timesteps) * self._runs

        def counted(*args: Any, **kwargs: Any) -> Any:
            result = step(*args, **kwargs)
            self._done += 1
            self._progress(self._done, total)
            return result

        solver.step = counted  # a solver serves once
        return solver


def _seed(generator: torch.Generator | None, seed: int | None) -> int:
    """A generator moves on with every call, as in diffusers."""
    import torch

    require(generator is None or seed is None, ITEM, "generator, seed", "both", "one of them, or neither")
    if seed is not None:
        return seed
    kind = type(generator).__name__
    require(generator is None or isinstance(generator, torch.Generator), ITEM, "generator", kind, "one torch.Generator")
    device = "cpu" if generator is None else generator.device
    return int(torch.randint(2**31, (), generator=generator, device=device))


def _picture(image: Any, name: str) -> np.ndarray:
    """uint8 `[H,W,3]`; transparency over white."""
    from PIL import Image as pil
    from PIL import ImageOps

    from models.images import over_white, read_image

    if isinstance(image, (str, Path)):
        return _read(lambda: read_image(image).image, image, name, "an image file")
    if isinstance(image, pil.Image):
        return over_white(np.asarray(ImageOps.exif_transpose(image).convert("RGBA")))
    return check_image(image, ITEM, name)


def _driving(video: Any, fps: float) -> Clip:
    """Frames at `fps`: of something with a rate of its own the nearest in time."""
    from models.video import read_video

    if isinstance(video, (str, Path)):
        return _at_rate(_read(lambda: read_video(video, at_fps=fps), video, "driving_video", "a video file"), fps)
    if isinstance(video, Clip):
        return _at_rate(video, fps)
    if isinstance(video, np.ndarray):
        return Clip(frames=video, fps=fps)
    good = isinstance(video, Sequence) and len(video) > 0
    got = f"an empty {type(video).__name__}" if isinstance(video, Sequence) else type(video).__name__
    require(good, ITEM, "driving_video", got, "a path, a Clip, uint8 [T,H,W,3] or pictures of one size")
    frames = [_picture(frame, f"driving_video[{index}]") for index, frame in enumerate(video)]
    for index, frame in enumerate(frames):
        got, expected = frame.shape[1::-1], frames[0].shape[1::-1]
        require(got == expected, ITEM, f"size of driving_video[{index}]", got, f"{expected}, as the first")
    return Clip(frames=np.stack(frames), fps=fps)


def _read(reading: Callable[[], Any], location: str | Path, name: str, expected: str) -> Any:
    """What `reading` gives of a path or URL. Raises ValueError naming the argument."""
    from models.images import MediaError

    try:
        return reading()
    except FileNotFoundError as error:
        raise ValueError(f"{ITEM}: {name}: got no file {location}, expected {expected}") from error
    except MediaError as error:
        raise ValueError(f"{ITEM}: {name}: {location}: {error}") from error


def _at_rate(clip: Clip, fps: float) -> Clip:
    """The clip at another rate, from its first moment to its end."""
    from models.video.times import TIE_S, nearest_frames

    if abs(clip.fps - fps) < 1e-3:
        return clip
    count = max(1, int(np.ceil((clip.duration_s - TIE_S) * fps)))
    kept = np.minimum(nearest_frames(count, fps, clip.fps), len(clip) - 1)
    return Clip(frames=clip.frames[kept], fps=fps)


def _as_np(frames_THW3: np.ndarray) -> np.ndarray:
    return frames_THW3[None].astype(np.float32) / 255


def _as_pt(frames_THW3: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(_as_np(frames_THW3)).movedim(-1, 2).contiguous()


def _as_pil(frames_THW3: np.ndarray) -> list[list[Image]]:
    from PIL import Image as pil

    return [[pil.fromarray(frame) for frame in frames_THW3]]


_OUTPUTS = {"np": _as_np, "pil": _as_pil, "pt": _as_pt}

"""Who is shown with whom in one call, and which frames: three protocols, each from runs to `Ask`s and from an `Ask` to its question.

actorforge    one case and one answer a call; frames at the rate of the rubric. Nothing depends on who else is judged.
video-bench   the grouping and sampling of Video-Bench (arXiv 2504.04907, its code) with our rubrics: 2 frames a second from the first on
              and the last; static dimensions one call an answer, after the first frame of every other system's; dynamic dimensions all
              systems' frames in one call, in the order of the command line. Known weakness, kept on purpose: a score depends on the
              rivals in the call and on the order, so the rivals stand in its version. Not taken over: `detail: low`, its regular
              expressions, its step of 0 frames below 8 fps. It has no reference and no driver; our dimensions that need one are shown it.
pairwise      two answers a call, and again with the order swapped; where the two verdicts disagree it is a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Sequence

from awbench.judging.frames import Sampling
from awbench.judging.identity import Judge
from awbench.judging.outputs import Outputs
from awbench.judging.questions import group_question, label, pair_question, score_question
from awbench.judging.rubrics import Rubric, rubrics
from models.artifacts import sha256
from models.mllm.question import Question

VIDEO_BENCH = Sampling(fps=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call to make. `places`: runs in the order shown; `targets`: those of them that get the verdict; `sample`: from 0."""

    judge: Judge
    version: str
    dimension: str
    case: str
    sample: int
    places: tuple[int, ...]
    targets: tuple[int, ...]
    swapped: bool = False

    @property
    def is_group(self) -> bool:
        """Whether several answers are shown by their labels, each with a verdict of its own."""
        return self.judge.protocol == "video-bench" and rubrics()[self.dimension].kind == "dynamic"

    def facts(self, target: int, outputs: Outputs) -> dict[str, Any]:
        """What the log of the run at `target` says of this call; enough to read the verdict from the raw reply."""
        hashes = [outputs.hash_of(place, self.case) for place in self.places]
        about = {"protocol": self.judge.protocol, "version": self.version, "metric": rubrics()[self.dimension].metric, "case": self.case}
        about |= {"sample": self.sample, "video": outputs.hash_of(target, self.case), "shown": sha256(" ".join(hashes).encode())}
        if self.is_group:
            about |= {"clips": len(self.places), "label": label(self.places.index(target))}
        if self.judge.protocol == "pairwise":
            other = next(place for place in self.places if place != target)
            about |= {"baseline": outputs.runs[other].system, "swapped": self.swapped}
        return about


def plan_asks(judge: Judge, outputs: Outputs, dimensions: Sequence[str], samples: int) -> Iterator[Ask]:
    """Every call of a protocol, case by case, whether made before or not. In pairwise the last run is the baseline of all others."""
    rivals = [f"{run.system}#{run.seed}" for run in outputs.runs]
    version = judge.version(rivals)
    for case in dict.fromkeys(case.id for run in outputs.runs for case in run.suite.cases):
        there = tuple(place for place in range(len(outputs.runs)) if outputs.hash_of(place, case))
        for dimension in dimensions:
            for sample in range(samples):
                for shown, targets, swapped in _settings(judge, rubrics()[dimension], there, len(outputs.runs)):
                    about = {"judge": judge, "version": version, "dimension": dimension, "case": case, "sample": sample}
                    yield Ask(**about, places=shown, targets=targets, swapped=swapped)


def _settings(judge: Judge, rubric: Rubric, there: tuple[int, ...], runs: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], bool]]:
    """(shown, targets, swapped) of each call about one case."""
    if judge.protocol == "pairwise":
        others = there[:-1] if there and there[-1] == runs - 1 else ()
        for place in others:
            yield (place, runs - 1), (place,), False
            yield (runs - 1, place), (place,), True
    elif judge.protocol == "video-bench" and rubric.kind == "dynamic":
        yield from ((there, there, False) for _ in range(bool(there)))
    elif judge.protocol == "video-bench":
        yield from (((place, *(other for other in there if other != place)), (place,), False) for place in there)
    else:
        yield from (((place,), (place,), False) for place in there)


def question_of(ask: Ask, outputs: Outputs) -> Question:
    """Decode what an ask shows. Raises ValueError where an answer or a case cannot be shown."""
    rubric, shown = rubrics()[ask.dimension], outputs.same_case(ask.places, ask.case)
    sampling = VIDEO_BENCH if ask.judge.protocol == "video-bench" else Sampling(fps=rubric.fps, most=rubric.most)
    if ask.judge.protocol == "pairwise":
        return pair_question(rubric, shown[0], shown[1], sampling)
    if ask.is_group:
        return group_question(rubric, shown, sampling)
    return score_question(rubric, shown[0], sampling, shown[1:])

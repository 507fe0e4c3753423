"""The table of animators: a name on the command line -> a factory `create(argument: str | None) -> Animator`.

A factory that also has a parameter `runtime` (`models.runtime.Runtime`) is told where and how to run its network.

Outsiders add theirs by an entry point in the group `actorforge.animators`, without a fork. A checkpoint folder needs no
entry: `models.animators.load.load_animator` takes its path.
"""

from __future__ import annotations

from models.catalog import Catalog, Entry

ANIMATORS = Catalog(
    kind="animator",
    group="actorforge.animators",
    entries={
        "still": Entry(target="models.baselines.weightless.still:create", summary="the reference repeated"),
        "echo_driver": Entry(target="models.baselines.weightless.echo_driver:create", summary="the driving clip handed back"),
        "flow_warp": Entry(
            target="models.baselines.weightless.flow_warp:create", summary="the reference warped by the driver's optical flow"
        ),
        "recorded": Entry(target="models.baselines.weightless.recorded:create", summary="recorded:DIR plays DIR/CASE_ID.mp4 of any system"),
        "short_pose": Entry(target="models.animators.tiny:create_short", summary="the method in very small: plain canvas, drawn skeleton"),
        "tiny_pose": Entry(target="models.animators.tiny:create_pose", summary="48 px warp, not the method; motion = drawn skeleton"),
        "tiny_e2e": Entry(target="models.animators.tiny:create_e2e", summary="48 px warp, not the method; motion = the raw driver"),
        "tiny_prior": Entry(target="models.animators.tiny:create_prior", summary="48 px image-to-video, sees no driver"),
    },
)

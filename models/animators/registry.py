"""The table of animators: a name on the command line -> a factory `create(argument: str | None) -> Animator`.

A factory that also has a parameter `runtime` (`models.runtime.Runtime`) is told where and how to run its network.

Outsiders add theirs by an entry point in the group `actorforge.animators`, without a fork. A checkpoint folder needs no
entry: `models.animators.load.load_animator` takes its path.
"""

from __future__ import annotations

from models.catalog import Catalog, Entry


def _alone(target: str, summary: str) -> Entry:
    """A name that nothing follows."""
    return Entry(target=target, summary=summary, argument=False)


ANIMATORS = Catalog(
    kind="animator",
    group="actorforge.animators",
    entries={
        "still": _alone("models.baselines.weightless.still:create", "the reference repeated"),
        "echo_driver": _alone("models.baselines.weightless.echo_driver:create", "the driving clip handed back"),
        "flow_warp": _alone("models.baselines.weightless.flow_warp:create", "the reference warped by the driver's optical flow"),
        "puppet": Entry(
            target="models.baselines.weightless.puppet.animator:create",
            summary="puppet:DIR, the reference's figure moved by the driver's bones",
        ),
        "recorded": Entry(target="models.baselines.weightless.recorded:create", summary="recorded:DIR plays DIR/CASE_ID.mp4 of any system"),
        "scail2": _alone("models.baselines.external.system:create", "SCAIL-2, end to end, a repository"),
        "one_to_all": _alone("models.baselines.external.system:create", "One-to-All Animation, pose-driven, a repository"),
        "steady_dancer": _alone("models.baselines.external.system:create", "SteadyDancer, keeps the first frame, a repository"),
        "unianimate_dit": _alone("models.baselines.external.system:create", "UniAnimate-DiT, pose-driven, a repository"),
        "mtvcrafter": _alone("models.baselines.external.system:create", "MTVCrafter, SMPL motion tokens, a repository"),
        "animate_x": _alone("models.baselines.external.system:create", "Animate-X, characters of every kind, a repository"),
        "mimic_motion": _alone("models.baselines.external.system:create", "MimicMotion 1.1, pose-driven, a repository"),
        "external": Entry(
            target="models.baselines.external.system:create", summary="external:FILE.yaml, any repository in its own process"
        ),
        "short_pose": _alone("models.animators.tiny:create", "the method in very small: plain canvas, drawn skeleton"),
        "tiny_pose": _alone("models.animators.tiny:create", "48 px warp, not the method; motion = drawn skeleton"),
        "tiny_e2e": _alone("models.animators.tiny:create", "48 px warp, not the method; motion = the raw driver"),
        "tiny_prior": _alone("models.animators.tiny:create", "48 px image-to-video, sees no driver"),
        "wan_animate": Entry(
            target="models.baselines.local.wan_animate:create", summary="wan_animate:DIR, Wan2.2-Animate after pose and face"
        ),
        "wan_animate2": Entry(target="models.baselines.local.wan_animate2:create", summary="wan_animate2:DIR, Wan-Animate-2, end to end"),
        "wan_animate2_distilled": Entry(
            target="models.baselines.local.wan_animate2:create", summary="wan_animate2_distilled:DIR, the same in 10 steps"
        ),
        "wan_vace": Entry(target="models.baselines.local.wan_vace:create", summary="wan_vace:DIR, Wan2.1-VACE after a drawn pose"),
        "wan_fun_control": Entry(
            target="models.baselines.local.wan_fun_control:create", summary="wan_fun_control:DIR, Wan2.1-Fun-Control after a drawn pose"
        ),
        "kling_motion_control": _alone("models.baselines.hosted.kling:create", "Kling 2.6 motion control, hosted"),
        "kling_o1": _alone("models.baselines.hosted.kling:create", "Kling-O1, hosted: image and driver, told in words"),
        "dreamactor_m2": _alone("models.baselines.hosted.dreamactor:create", "DreamActor-M2, hosted (Volcengine or fal)"),
        "dreamactor_m1": _alone("models.baselines.hosted.dreamactor:create", "DreamActor-M1, hosted (Volcengine)"),
        "seedance_i2v": _alone("models.baselines.hosted.seedance:create", "Seedance, hosted: image and words, no driver"),
    },
)

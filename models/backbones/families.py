"""The table of backbone families: the name in a checkpoint's card -> the function that builds the backbone.

A builder is `build(description, weights, runtime) -> Backbone`: `description` are the card's fields of the backbone, `weights` the
local diffusers folder (None for a family that needs none), `runtime` where and how to run it.
Outsiders add theirs by an entry point in the group `actorforge.backbones`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from models.catalog import Catalog, Entry
from models.runtime import Runtime
from models.types import require

if TYPE_CHECKING:
    from models.backbones.backbone import Backbone

FAMILIES = Catalog(
    kind="backbone family",
    group="actorforge.backbones",
    entries={
        "wan": Entry(target="models.backbones.wan:build", summary="Wan 2.1 image-to-video and Fun-InP, 1.3 B and 14 B"),
        "wan_ti2v": Entry(target="models.backbones.wan_ti2v:build", summary="Wan 2.2 TI2V-5B"),
        "hunyuan": Entry(target="models.backbones.hunyuan:build", summary="HunyuanVideo image-to-video, 33 channels"),
        "hunyuan15": Entry(target="models.backbones.hunyuan15:build", summary="HunyuanVideo-1.5 image-to-video, 65 channels"),
        "tiny": Entry(target="models.backbones.tiny:build", summary="the wan adapter in small, patches of pixels for latents"),
    },
)


def build_backbone(description: Mapping[str, Any], weights: Path | None, runtime: Runtime) -> Backbone:
    """The backbone a card describes. Raises ValueError naming the field that does not fit."""
    fields = dict(description)
    family = fields.pop("family", None)
    require(isinstance(family, str), "backbone", "family", repr(family), f"one of {', '.join(FAMILIES.table())}")
    return FAMILIES.load(family)(fields, weights, runtime)

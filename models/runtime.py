"""Where and how a network runs: device, number format, what lies in main memory, attention, compilation, caching.

One frozen value, given by whoever loads a checkpoint and recorded with what it made. It changes speed, memory and rounding,
never what is asked of a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from models.types import require

DTYPES = ("auto", "float32", "bfloat16", "float16")
OFFLOADS = ("none", "model", "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How to run.

    Args:
        device: auto (a GPU where there is one), cpu, cuda or cuda:N.
        dtype: Number format of transformer and text encoder; auto: bfloat16 on a GPU, float32 on a CPU. VAEs stay float32.
        offload: What waits in main memory: nothing, whole models in turn, or groups of layers.
        attention: Attention backend by diffusers' name (native, flash, sage, ...); default: diffusers' own choice.
        compiled: Compile the repeated blocks of the transformer; needs a C++ compiler.
        block_cache: Threshold of FirstBlockCache (0.05 to 0.3); 0 switches it off.
    """

    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    offload: Literal["none", "model", "group"] = "none"
    attention: str = ""
    compiled: bool = False
    block_cache: float = 0.0

    def __post_init__(self) -> None:
        require(self.dtype in DTYPES, "runtime", "dtype", repr(self.dtype), f"one of {', '.join(DTYPES)}")
        require(self.offload in OFFLOADS, "runtime", "offload", repr(self.offload), f"one of {', '.join(OFFLOADS)}")
        require(0 <= self.block_cache < 1, "runtime", "block_cache", self.block_cache, "0 <= threshold < 1")
        known = self.device in ("auto", "cpu", "cuda", "mps") or self.device.startswith("cuda:")
        require(known, "runtime", "device", repr(self.device), "auto, cpu, cuda or cuda:N")

    def torch_device(self) -> Any:
        """The torch device. Raises ValueError when it is not there."""
        import torch

        name = ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device
        there = not name.startswith("cuda") or torch.cuda.is_available()
        require(there, "runtime", "device", name, "a device torch can see", "use --runtime.device cpu")
        return torch.device(name)

    def torch_dtype(self) -> Any:
        """The number format of transformer and text encoder."""
        import torch

        if self.dtype == "auto":
            return torch.float32 if self.torch_device().type == "cpu" else torch.bfloat16
        return getattr(torch, self.dtype)

    def record(self) -> dict[str, Any]:
        """What differs from plain running on the device that was found, for provenance."""
        plain = {"device": self.torch_device().type, "dtype": str(self.torch_dtype()).removeprefix("torch.")}
        extras = {"offload": self.offload, "attention": self.attention, "compiled": self.compiled, "block_cache": self.block_cache}
        default = {"offload": "none", "attention": "", "compiled": False, "block_cache": 0.0}
        return plain | {name: value for name, value in extras.items() if value != default[name]}

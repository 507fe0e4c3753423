"""The camera: a similarity of the view over time, the identity at the shot's first frame; and what slides past a tracking one.

View space: (0, 0) is the picture's centre, y points down, 1 is the picture's height (less for narrow pictures).
"""

from __future__ import annotations

import numpy as np

from awbench.world.affine import place

MARGIN = 0.2
"""How far (view units) a moving camera may see beyond the first frame's picture on every side."""
TRACK = 1.3
"""How far (view units) a tracking camera goes at most."""
_PACE = 0.5


def camera_path(kind: str, seed: int, t_s: np.ndarray) -> np.ndarray:
    """`[T,2,3]` view at rest -> picture, at times `t_s` since the shot's first frame; identity at 0, when static and when tracking."""
    if kind != "moving":
        return place(np.zeros(len(t_s)), np.zeros(len(t_s)))
    rng = np.random.default_rng([211, seed])
    style = rng.integers(3)
    if style == 0:
        return _pan(rng, t_s)
    return _zoom(rng, t_s) if style == 1 else _handheld(rng, t_s)


def scene_path(kind: str, facing: float, t_s: np.ndarray) -> np.ndarray:
    """`[T,2,3]` the scene at rest -> the scene seen, in view space: it slides back past a subject that a tracking camera follows.

    `facing`: +1 to the right, -1 to the left. The walk starts at `_PACE` a second and comes to rest after `TRACK`.
    """
    gone = TRACK * np.tanh(_PACE * t_s / TRACK) if kind == "tracking" else np.zeros(len(t_s))
    return place(-facing * gone, np.zeros(len(t_s)))


def _swing(rng: np.random.Generator, t_s: np.ndarray, period_s: tuple[float, float]) -> np.ndarray:
    """A sine that starts at 0 and stays within -1 and 1."""
    phase, rate = rng.uniform(-0.5, 0.5), 2 * np.pi / rng.uniform(*period_s)
    return (np.sin(rate * t_s + phase) - np.sin(phase)) / (1 + abs(np.sin(phase)))


def _pan(rng: np.random.Generator, t_s: np.ndarray) -> np.ndarray:
    reach = rng.uniform(0.1, 0.17) * rng.choice([-1, 1])
    along, up = _swing(rng, t_s, (2.6, 4.0)), _swing(rng, t_s, (3.0, 5.0))
    return place(reach * along, 0.2 * abs(reach) * up)


def _zoom(rng: np.random.Generator, t_s: np.ndarray) -> np.ndarray:
    depth = rng.uniform(0.12, 0.2)
    scale = np.exp(depth * np.abs(_swing(rng, t_s, (3.0, 4.5))))
    return place(np.zeros(len(t_s)), np.zeros(len(t_s)), 0.0, scale, scale)


def _handheld(rng: np.random.Generator, t_s: np.ndarray) -> np.ndarray:
    reach = rng.uniform(0.03, 0.05)
    x, y = (0.7 * _swing(rng, t_s, (1.3, 2.2)) + 0.3 * _swing(rng, t_s, (0.6, 0.9)) for _ in range(2))
    return place(reach * x, reach * y, 0.03 * _swing(rng, t_s, (1.5, 2.5)), 1.04 ** np.abs(x), 1.04 ** np.abs(x))

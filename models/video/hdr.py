"""High dynamic range -> what a usual screen shows: PQ and HLG in BT.2020 to BT.709.

PQ codes are light by SMPTE ST 2084, HLG codes by ITU-R BT.2100 with the system gamma 1.2 of a screen of 1000 cd/m2. The brightest of the
three colours is led through the curve of BT.2390 (section 5.4, from a peak of 1000 to the 203 cd/m2 of reference white in BT.2408), the
others keep their proportion to it, so that hues stay and grey stays grey. Then the primaries become those of BT.709 and the light is
coded by BT.1886. Reference white comes out at 229 of 255, what is brighter than 1000 cd/m2 is white.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

PQ, HLG = 16, 18
"""Transfer characteristics by ITU-T H.273."""
REFERENCE_WHITE_NITS, PEAK_NITS = 203.0, 1000.0
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_STEPS = 4096
_TO_709 = np.array([[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32)
"""Linear BT.2020 to linear BT.709, ITU-R BT.2087."""
_LUMA_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)


def pq_to_nits(code: np.ndarray) -> np.ndarray:
    """Light in cd/m2 of PQ codes 0-1."""
    power = np.clip(code, 0, 1) ** (1 / _M2)
    return 10000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def nits_to_pq(nits: np.ndarray) -> np.ndarray:
    """PQ codes 0-1 of light in cd/m2."""
    power = (np.clip(nits, 0, 10000) / 10000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def hlg_to_scene(code: np.ndarray) -> np.ndarray:
    """Scene light 0-1 of HLG codes 0-1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    code = np.clip(code, 0, 1)
    return np.where(code <= 0.5, code * code / 3, (np.exp((code - c) / a) + b) / 12)


def mapped_nits(nits: np.ndarray) -> np.ndarray:
    """The curve of BT.2390: light up to a knee as it is, above it bent so that the peak lands on reference white. cd/m2 to cd/m2."""
    top = nits_to_pq(np.float64(PEAK_NITS))
    most = nits_to_pq(np.float64(REFERENCE_WHITE_NITS)) / top
    code = np.minimum(nits_to_pq(np.asarray(nits, np.float64)) / top, 1)
    knee = 1.5 * most - 0.5
    t = np.clip((code - knee) / (1 - knee), 0, 1)
    bent = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    return pq_to_nits(np.where(code <= knee, code, bent) * top)


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """cd/m2 of each 16-bit PQ code; scene light of each 16-bit HLG code; mapped light per light, by PQ code in `_STEPS` steps."""
    codes = np.arange(65536) / 65535
    nits = pq_to_nits(np.arange(_STEPS + 1) / _STEPS)
    gain = np.divide(mapped_nits(nits), nits, out=np.ones_like(nits), where=nits > 1e-4)
    return pq_to_nits(codes).astype(np.float32), hlg_to_scene(codes).astype(np.float32), gain.astype(np.float32)


def to_sdr(codes: np.ndarray, transfer: int) -> np.ndarray:
    """uint16 `[H,W,3]` PQ or HLG codes of BT.2020 RGB in full range -> uint8 `[H,W,3]` BT.709."""
    pq, hlg, gain = _tables()
    if transfer == PQ:
        light = pq[codes]
    else:
        scene = hlg[codes]
        light = PEAK_NITS * scene * np.maximum(scene @ _LUMA_2020, 1e-6)[..., None] ** np.float32(0.2)
    brightest = nits_to_pq(light.max(-1)) * _STEPS
    light *= np.interp(brightest, np.arange(_STEPS + 1), gain).astype(np.float32)[..., None] / np.float32(REFERENCE_WHITE_NITS)
    return (255 * np.clip(light @ _TO_709.T, 0, 1) ** np.float32(1 / 2.4) + 0.5).astype(np.uint8)

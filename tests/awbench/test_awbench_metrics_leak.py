"""driver_leak: 1 for the driver handed back, 0 for the reference, unscored where both are one."""

import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.driver_leak import METRIC
from awbench.metrics.metric import Unscored
from models.types import Clip


def clip(colour, seed=None) -> Clip:
    noise = np.random.default_rng(sum(colour) if seed is None else seed).integers(-9, 10, (4, 32, 32, 3))
    return Clip(frames=np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8), fps=8.0)


def leak(output, driver=(30, 60, 200), reference=(200, 80, 40), track="cross"):
    evidence = Evidence(case_id="c", output=clip(output), driver=clip(driver), reference=clip(reference).frames[0], track=track)
    return METRIC.function(evidence)


def test_the_driver_handed_back_leaks_and_the_reference_does_not():
    assert leak((30, 60, 200)) == 1.0 and leak((200, 80, 40)) == 0.0
    assert not METRIC.higher_is_better


def test_the_driver_in_other_colours_leaks_too():
    driver = clip((30, 60, 200))
    recoloured = Clip(frames=np.clip(driver.frames[..., ::-1].astype(int) + 20, 0, 255).astype(np.uint8), fps=8.0)
    evidence = Evidence(case_id="c", output=recoloured, driver=driver, reference=clip((200, 80, 40)).frames[0])
    assert METRIC.function(evidence) == 1.0


def test_self_track_is_unscored():
    assert isinstance(leak((30, 60, 200), track="self"), Unscored)

"""Animators by name: where and how they run is told to those that run a network, or refused with the reason."""

import pytest

from models.animators.load import SHIPPED, load_animator
from models.catalog import Catalog, Entry
from models.runtime import Runtime


class Told:
    """An animator that keeps what its factory was told."""

    name = "told"

    def __init__(self, *told):
        self.told = told

    def animate(self, request): ...


def create_running(argument=None, runtime=None):
    return Told(argument, runtime)


def create_plain(argument=None):
    return Told(argument)


def test_a_factory_with_a_runtime_is_told_it_and_one_without_is_not():
    entries = {name: Entry(target=f"{__name__}:create_{name}", summary=name) for name in ("running", "plain")}
    catalog, runtime = Catalog(kind="animator", group="tests.none", entries=entries), Runtime(device="cpu")
    assert load_animator("running:x", catalog, runtime).told == ("x", runtime) and load_animator("plain:x", catalog, runtime).told == ("x",)


def test_the_shipped_method_in_small_runs_by_name_as_its_folder_does():
    runtime = Runtime(device="cpu", attention="native")
    named, folder = (load_animator(text, runtime=runtime) for text in ("short_pose", str(SHIPPED / "short_pose")))
    assert named.runtime == folder.runtime and named.runtime.attention == "native" and named.weights_hash == folder.weights_hash
    with pytest.raises(ValueError, match="animator short_pose: argument: got x"):
        load_animator("short_pose:x")


@pytest.mark.parametrize("name", ["tiny_prior", "tiny_pose", "tiny_e2e"])
def test_the_warps_run_on_the_cpu_and_say_so(name):
    assert load_animator(name, runtime=Runtime(device="cpu", dtype="float32")).name == name
    for runtime, message in (
        (Runtime(device="cuda"), "--runtime.device: got cuda, expected auto or cpu; the shipped warps"),
        (Runtime(dtype="bfloat16"), "--runtime.dtype: got bfloat16, expected auto or float32"),
        (Runtime(compiled=True, block_cache=0.1), "--runtime: got compiled, block-cache, expected device and dtype alone"),
    ):
        for text in (name, str(SHIPPED / name)):
            with pytest.raises(ValueError, match=f"animator {name}: {message}"):
                load_animator(text, runtime=runtime)

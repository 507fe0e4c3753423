"""`actorforge export`: what lands in the folder, whose folder it is, and that nothing of this machine goes along."""

import getpass
import json
import socket
from pathlib import Path

import pytest
import torch

from models.animators.checkpoint import save_checkpoint
from models.artifacts import sha256_file
from models.export.lora import LORA_FILE
from pipelines.cli import main

GRID = {"width": 32, "height": 32, "fps": 8.0, "num_frames": 9}


def save_lora(folder: Path, *, family: str = "wan", layer: str = "blocks.0.ffn.net.2", seed: int = 0, **fields) -> Path:
    """An export of a LoRA never looks at the base weights, so there are none."""
    generator = torch.Generator().manual_seed(seed)
    weights = {
        f"{layer}.lora_A.weight": torch.randn(4, 8, generator=generator),
        f"{layer}.lora_B.weight": torch.randn(6, 4, generator=generator),
    }
    secret = f"{Path.home()}/{getpass.getuser()}/{socket.gethostname()}"
    base = {"name": f"{secret}/Wan2.1-I2V", "fingerprint": "ef" * 32, "path": f"../..{secret}/Wan2.1-I2V"}
    motion = {"kind": "skeleton", "estimator": f"rtmlib:{secret}/rtm", "normalised": True}
    recipe = {"recipe": "wan_14b_e2e", "batch_size": 2, "backbone": {"weights": base}, "motion": motion}
    data = {"kind": "pairs", "examples": 3, "teacher": f"recorded:{secret}/clips"}
    card = {"backbone": {"family": family, "weights": base}, "motion": motion, "grid": GRID, "recipe": recipe, "data": data, "steps": 9}
    card |= {"name": "knight", "adapter": {"rank": 4, "alpha": 2.0, "layers": ["feed_forward"]}, **fields}
    save_checkpoint(folder, weights=weights, card=card, half=False)
    return folder


def save_tiny(folder: Path) -> Path:
    from models.backbones.families import build_backbone
    from models.runtime import Runtime

    fields = {"family": "tiny", "width": 24, "layers": 1, "heads": 2, "patch_px": 8, "rope_theta": 50.0, "shift": 3.0}
    backbone = build_backbone(fields, None, Runtime(device="cpu"))
    card = {"backbone": fields, "motion": {"kind": "raw"}, "grid": GRID, "name": "small", "adapter": None, "prediction": "clean"}
    save_checkpoint(folder, weights=backbone.transformer.state_dict(), card=card, half=True)
    return folder


def export(checkpoint: Path, out: Path, *more: str) -> int:
    return main(["export", str(checkpoint), "--out", str(out), *more])


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def state(folder: Path) -> dict[str, tuple[int, str]]:
    return {name: ((folder / name).stat().st_mtime_ns, sha256_file(folder / name)) for name in files(folder)}


def test_both_files_and_a_card_and_again_is_a_no_op(tmp_path, capsys):
    checkpoint, out = save_lora(tmp_path / "knight"), tmp_path / "out"
    assert export(checkpoint, out, "--license", "mit") == 0
    assert files(out) == {"README.md", "export.json", LORA_FILE, "comfyui/knight.safetensors"}
    before = state(out)
    assert export(checkpoint, out) == 0 and state(out) == before
    assert "already exported" in capsys.readouterr().out
    (out / "README.md").write_text("mine")
    assert export(checkpoint, out, "--license", "mit") == 0 and (out / "README.md").read_text() == "mine"
    assert export(checkpoint, out, "--license", "apache-2.0") == 0 and "license: apache-2.0" in (out / "README.md").read_text()


def test_two_exports_are_equal_to_the_byte(tmp_path):
    checkpoint = save_lora(tmp_path / "knight")
    assert export(checkpoint, tmp_path / "a") == export(checkpoint, tmp_path / "b") == 0
    assert {name: digest for name, (_, digest) in state(tmp_path / "a").items()} == {n: d for n, (_, d) in state(tmp_path / "b").items()}


def test_a_format_may_be_added(tmp_path):
    checkpoint, out = save_lora(tmp_path / "knight"), tmp_path / "out"
    assert export(checkpoint, out, "--format", "comfyui") == 0
    assert files(out) == {"README.md", "export.json", "comfyui/knight.safetensors"}
    assert export(checkpoint, out, "--format", "diffusers") == 0
    text = (out / "README.md").read_text()
    assert LORA_FILE in files(out) and LORA_FILE in text and "comfyui/knight.safetensors" in text


def test_a_killed_export_is_finished_by_the_same_command(tmp_path, monkeypatch):
    import pipelines.export as job

    checkpoint, out = save_lora(tmp_path / "knight"), tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(job, "write_comfy", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        assert export(checkpoint, out) == 130
    assert files(out) == {"export.json", LORA_FILE}
    assert export(checkpoint, out) == 0 and files(out) == {"README.md", "export.json", LORA_FILE, "comfyui/knight.safetensors"}


def test_a_format_added_in_vain_leaves_no_card_that_says_done(tmp_path, monkeypatch):
    import pipelines.export as job

    checkpoint, out = save_lora(tmp_path / "knight"), tmp_path / "out"
    assert export(checkpoint, out, "--format", "diffusers") == 0
    with monkeypatch.context() as patch:
        patch.setattr(job, "model_card", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        assert export(checkpoint, out) == 130
    assert export(checkpoint, out) == 0 and "comfyui/knight.safetensors" in (out / "README.md").read_text()


def test_nothing_of_this_machine_goes_along(tmp_path):
    save_lora(tmp_path / "knight")
    save_tiny(tmp_path / "small")
    assert export(tmp_path / "knight", tmp_path / "a") == export(tmp_path / "small", tmp_path / "b") == 0
    secrets = [str(Path.home()), f"/{socket.gethostname()}", str(tmp_path), f"/{getpass.getuser()}", "/home/", "../"]
    for path in [path for out in ("a", "b") for path in (tmp_path / out).rglob("*") if path.is_file()]:
        data = path.read_bytes()
        assert [secret for secret in secrets if secret.encode() in data] == [], path
    assert all(word in (tmp_path / "a/README.md").read_text() for word in ("Wan2.1-I2V", "rtmlib:rtm", "recorded:clips", "ef" * 32))


def test_a_tiny_network_goes_whole(tmp_path, capsys):
    out = tmp_path / "out"
    assert export(save_tiny(tmp_path / "small"), out) == 0
    assert files(out) == {"README.md", "export.json", "transformer/config.json", "transformer/diffusion_pytorch_model.safetensors"}
    assert "no ComfyUI file" in capsys.readouterr().out
    assert json.loads((out / "transformer/config.json").read_text())["_class_name"] == "WanTransformer3DModel"


def test_hunyuan_says_which_format_it_has(tmp_path, capsys):
    checkpoint = save_lora(tmp_path / "knight", family="hunyuan", layer="transformer_blocks.0.ff.net.2")
    assert export(checkpoint, tmp_path / "out", "--format", "comfyui") == 2
    assert "--format: got comfyui, expected diffusers, which is what a hunyuan LoRA has" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert export(checkpoint, tmp_path / "out") == 0 and files(tmp_path / "out") == {"README.md", "export.json", LORA_FILE}


def _full(out: Path) -> None:
    out.mkdir()
    (out / LORA_FILE).write_bytes(b"somebody else's")


@pytest.mark.parametrize(
    ("prepare", "checkpoint", "more", "said"),
    [
        (_full, "knight", (), f"--out: got {{out}} with {LORA_FILE}, expected a new folder"),
        (lambda out: out.write_text("x"), "knight", (), "expected a folder"),
        (lambda out: export(out.parent / "other", out), "knight", (), "an export of weights"),
        (lambda out: None, "nowhere", (), "expected a finished checkpoint folder"),
        (lambda out: None, "tiny_e2e", (), "class: got WarpAnimator, expected InContextAnimator"),
        (lambda out: None, "knight", ("--license", "My Own"), "--license: got 'My Own'"),
        (lambda out: None, "strange", (), "backbone family: got 'sora', expected one of wan"),
        (lambda out: None, "odd", (), "LoRA layer: got proj_out"),
        (lambda out: None, "damaged", (), "the folder mixes two checkpoints"),
        (lambda out: None, "baseless", (), "base weights: got none"),
    ],
)
def test_mistakes_are_one_line_exit_2_and_change_nothing(prepare, checkpoint, more, said, tmp_path, capsys):
    save_lora(tmp_path / "knight")
    save_lora(tmp_path / "other", seed=1)
    save_lora(tmp_path / "strange", family="sora")
    save_lora(tmp_path / "odd", layer="proj_out")
    save_lora(tmp_path / "baseless", adapter=None)
    (save_lora(tmp_path / "damaged") / "model.safetensors").write_bytes((tmp_path / "other/model.safetensors").read_bytes())
    out = tmp_path / "out"
    prepare(out)
    before = state(out) if out.is_dir() else {}
    folder = tmp_path / checkpoint
    capsys.readouterr()
    assert export(folder if folder.is_dir() else Path(checkpoint), out, *more) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("actorforge export: ") and said.format(out=out) in error and len(error.splitlines()) == 1
    assert (state(out) if out.is_dir() else {}) == before


def test_a_folder_with_only_hidden_files_is_new(tmp_path):
    out = tmp_path / "out"
    (out / ".git").mkdir(parents=True)
    assert export(save_lora(tmp_path / "knight"), out) == 0

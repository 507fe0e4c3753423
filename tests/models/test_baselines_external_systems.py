"""Each of the seven over a fake of its repository: scripts of the real names note how they were called and make what the real ones make."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from models.baselines.external.exchange import Failed
from models.baselines.external.reading import read_spec
from models.types import PoseTrack
from tests.models.external_fakes import FRAMES, SIZE, ask, canned, external, moving, own_temporary, raw_spec, without_rules

RECORDER = """
import json, os, shutil, sys
repo = os.environ["FAKE_REPO"]
def note(name, **more):
    with open(os.path.join(repo, "calls.jsonl"), "a") as file:
        file.write(json.dumps({"script": name, "argv": sys.argv[1:], "cwd": os.getcwd(), **more}) + "\\n")
def flags():
    words = [part for word in sys.argv[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    return {word: words[at + 1] for at, word in enumerate(words[:-1]) if word.startswith("--")}
def make(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w").close()
def answer(path, name="canned.mp4"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copyfile(os.path.join(repo, name), path)
"""

SCRIPTS = {
    "scail2": {
        "SCAIL-Pose/NLFPoseExtract/process_animation_aio.py": """
            note("masks")
            for name in ("rendered_v2.mp4", "rendered_mask_v2.mp4", "ref_mask.jpg"):
                make(os.path.join(flags()["--subdir"], name))
            assert os.path.exists(flags()["--subdir"] + "/ref.png") and os.path.exists(flags()["--subdir"] + "/driving.mp4")
        """,
        "generate.py": """note("generate"); answer(flags()["--save_file"])""",
    },
    "one_to_all": {
        "video-generation/infer_preprocess.py": """
            cache_base_dir, other = "../input_cache", 1
            cache_base_dir = "../input_cache"
            task_list = [("../examples/img.png",)]
            if __name__ == "__main__":
                note("prepare", tasks=task_list)
                make(cache_base_dir + "/x/pose.mp4")
        """,
        "video-generation/inference_1.3b.py": """
            import fake_module
            from multiprocessing import get_context
            ckpt_paths = ["../checkpoints/One-to-All-1.3b_2"]
            default_cfg_combos = [(2.5, 1.5)]
            cache_base_dir = "../input_cache"
            output_base_dir = "../output"
            max_short = 384
            class torch:
                def manual_seed(self, seed): return seed
            def pipe(**asked): return asked
            def unified_worker():
                from PIL import Image
                folder = output_base_dir + "/2026-01-01_ref/job"
                os.makedirs(folder)
                for t in range(5):
                    Image.new("RGB", (32, 48), (50 * t, 50 * t, 50 * t)).save(f"{folder}/frame_{t:06d}.png")
            def run_all_tasks():
                task_list = []
                asked = pipe(prompt=task_list[0][-1], num_inference_steps=30, generator=torch().manual_seed(42))
                note("animate", tasks=task_list, asked=asked, paths=ckpt_paths, combos=default_cfg_combos, short=max_short)
                worker = get_context("spawn").Process(target=unified_worker)
                worker.start(); worker.join()
            if __name__ == "__main__":
                run_all_tasks()
        """,
        "video-generation/inference_14b.py": "",
        "video-generation/fake_module.py": "",
    },
    "steady_dancer": {
        "preprocess/pose_align.py": """note("pose"); make(flags()["--outfn_align_pose_video"])""",
        "preprocess/pose_align_withdiffaug.py": """
            note("pose_negative"); make(flags()["--outfn_align_pose_video"][:-4] + "_aug.mp4")
        """,
        "preprocess/dump_video_images.py": """
            note("dump"); assert os.path.exists(sys.argv[1]); make(sys.argv[2] + "/0000.jpg")
        """,
        "generate_dancer.py": """note("generate"); answer(flags()["--save_file"])""",
    },
    "unianimate_dit": {
        "run_align_pose.py": """
            note("pose"); assert os.path.exists("checkpoints/yolox_l.onnx")
            make(flags()["--saved_pose_dir"] + "/0000.jpg"); make(flags()["--saved_pose_dir"] + "/pose.jpg")
        """,
        "examples/unianimate_wan/inference_unianimate_wan_480p.py": """
            import fake_module
            height = 832
            width = 480
            seed = 0
            max_frames = 81
            use_teacache = False
            test_list_path = []
            def pipe(**asked): return asked
            def save_video(path, quality): answer(path, "panels3.mp4")
            asked = pipe(prompt="a person is dancing", num_inference_steps=50, cfg_scale=1.5, seed=seed, height=height, width=width)
            note("animate", asked=asked, tests=test_list_path, frames=max_frames)
            assert os.path.exists("./Wan2.1-I2V-14B-720P")
            save_video("outputs/video_480P_reference.png_poses.mp4", quality=5)
        """,
        "fake_module.py": "",
    },
    "mtvcrafter": {
        "process_nlf.py": """
            note("motion"); assert os.listdir(sys.argv[-1]) == ["driver.mp4"]; make(sys.argv[-1] + "_smpl/driver.pkl")
        """,
        "infer_17b.py": """
            import fake_module
            def pipeline(**asked): return asked
            def inference(output_dir):
                infer_num = 2
                guidance_scale = 6.0
                fps = 20
                seed = 42
                note("animate", asked=pipeline(num_inference_steps=10), windows=infer_num, seed=seed)
                answer(output_dir + "/reference/0_6.0_reference_driver.mp4", "panels4.mp4")
            if __name__ == "__main__":
                inference(flags()["--output_dir"])
        """,
        "fake_module.py": "",
        "data/mean.npy": "",
    },
    "animate_x": {
        "process_data.py": """
            note("pose"); name = "driver"; assert os.path.exists("checkpoints/yolox_l.onnx")
            make(flags()["--saved_pose_dir"] + "/driver.pkl")
            make(flags()["--saved_pose"] + "/driver/frame_0000.jpg"); make(flags()["--saved_frame_dir"] + "/driver/frame_0000.jpg")
        """,
        "inference.py": """
            import yaml
            config = yaml.safe_load(open(flags()["--cfg"]))
            note("animate", config=config); assert os.path.exists(config["test_model"])
            made = config["log_dir"] + "/" + os.path.basename(flags()["--cfg"]).split(".")[0] + "/reference_driver"
            answer(made + "_results_1col.mp4"); answer(made + ".mp4")
        """,
        "configs/Animate_X_infer.yaml": "max_frames: 32\nround: 5\nUNet: {dim: 320}\nlog_dir: results\n",
    },
    "mimic_motion": {
        "inference.py": """
            import yaml
            config = yaml.safe_load(open(flags()["--inference_config"]))
            note("animate", config=config); assert os.path.exists(config["ckpt_path"])
            answer(flags()["--output_dir"] + "/driver_20261128000000.mp4")
        """,
        "configs/test.yaml": "base_model_path: x\nckpt_path: y\ntest_case: []\n",
    },
}  # fmt: skip
"""What each script of the real repository does, as far as its caller can tell."""


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    folder = own_temporary(monkeypatch, tmp_path / "temporary")
    yield folder
    assert list(folder.iterdir()) == []


def fake(name, folder: Path) -> tuple[Path, Path]:
    """A repository and a folder of weights with all that is looked for."""
    from textwrap import dedent

    from models.types import Clip
    from models.video import encode_video

    repo, weights = folder / "repo", folder / "weights"
    for path, text in SCRIPTS[name].items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text((RECORDER if path.endswith(".py") else "") + dedent(text))
    weights.mkdir()
    for path in [file.replace("*", "_ckpt") for file in read_spec(name).weights.files]:
        (weights / path).parent.mkdir(parents=True, exist_ok=True)
        (weights / path).mkdir() if "." not in Path(path).name[-12:] else (weights / path).write_text("x")
    canned(repo / "canned.mp4")
    for panels in (3, 4):
        wide = np.concatenate([255 - moving()] * (panels - 1) + [moving()], axis=2)
        (repo / f"panels{panels}.mp4").write_bytes(encode_video(Clip(frames=wide, fps=15.0), pix_fmt="yuv420p"))
    return repo, weights


def asked_of(name, tmp_path, monkeypatch, **options):
    """How the scripts of a fake were called for a request that went through; its answer is the one they made, and nothing is left."""
    repo, weights = fake(name, tmp_path)
    monkeypatch.setenv("FAKE_REPO", str(repo))
    spec = without_rules(read_spec(name))
    animator = external(repo, spec=spec, weights=str(weights), pass_env="FAKE_REPO", **options)
    answer = animator.animate(ask(prompt="she's dancing; $HOME", seed=2**40 + 7))
    assert answer.clip.size == SIZE and len(answer.clip) == FRAMES and answer.animator == name
    assert np.abs(answer.clip.frames.astype(int) - moving()).mean() < 4
    assert not {"outputs", "output", "results"} & {path.name for path in repo.iterdir()}
    calls = [json.loads(line) for line in (repo / "calls.jsonl").read_text().splitlines()]
    return calls, repo, weights


def flags(call):
    words = [part for word in call["argv"] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    return {word: words[at + 1] for at, word in enumerate(words[:-1]) if word.startswith("--")}


def test_scail2_masks_first_then_generates(tmp_path, monkeypatch, temporary):
    (masks, generate), repo, weights = asked_of("scail2", tmp_path, monkeypatch)
    assert masks["cwd"] == str(repo / "SCAIL-Pose") and "--e2e_mode" in masks["argv"] and generate["cwd"] == str(repo)
    told = flags(generate)
    assert (told["--target_w"], told["--target_h"], told["--base_seed"], told["--sample_steps"]) == ("32", "48", "7", "40")
    assert told["--prompt"] == "she's dancing; $HOME" and told["--scail_path"] == str(weights / "SCAIL-2.safetensors")
    assert Path(told["--mask_video"]).parts[-3:] == ("work", "case", "rendered_mask_v2.mp4") and "--lora_alpha" not in told


def test_scail2_with_a_distilled_lora(tmp_path, monkeypatch, temporary):
    (_, generate), *_ = asked_of("scail2", tmp_path, monkeypatch, lora="lightx2v.safetensors", steps=8, shift=1.0)
    told = flags(generate)
    assert (told["--lora_path"], told["--lora_alpha"], told["--sample_steps"], told["--sample_shift"]) == (
        "lightx2v.safetensors",
        "1",
        "8",
        "1",
    )


def test_one_to_all_runs_copies_with_our_inputs_in_them(tmp_path, monkeypatch, temporary):
    (prepare, animate), repo, weights = asked_of("one_to_all", tmp_path, monkeypatch, steps=12, pose_guidance=0.0)
    (task,) = prepare["tasks"]
    assert (
        task[0].endswith("/reference.png") and task[1].endswith("/driver.mp4") and task[2:] == [1, True, "ref", 48, 32, True, False, False]
    )
    assert animate["asked"] == {"prompt": "she's dancing; $HOME", "num_inference_steps": 12, "generator": 7}
    assert animate["paths"] == [f"{weights}/One-to-All-1.3b_2"] and animate["combos"] == [[2.5, 0.0]] and animate["short"] == 32
    assert (
        animate["cwd"] == str(repo / "video-generation") and "task_list = []" in (repo / "video-generation/inference_1.3b.py").read_text()
    )


def test_steady_dancer_aligns_both_poses_first(tmp_path, monkeypatch, temporary):
    calls, _, weights = asked_of("steady_dancer", tmp_path, monkeypatch)
    assert [call["script"] for call in calls] == ["pose", "dump", "pose_negative", "dump", "generate"]
    told = flags(calls[-1])
    assert (told["--size"], told["--frame_num"], told["--base_seed"], told["--ckpt_dir"]) == ("32*48", "5", "7", str(weights))
    assert told["--cond_pos_folder"].endswith("/positive/") and told["--cond_neg_folder"].endswith("/negative/")


def test_unianimate_runs_in_the_work_folder_with_links_to_weights(tmp_path, monkeypatch, temporary):
    (pose, animate), *_ = asked_of("unianimate_dit", tmp_path, monkeypatch, guidance=1.0)
    assert pose["cwd"] == animate["cwd"] and pose["cwd"].endswith("/work")
    wanted = {"prompt": "she's dancing; $HOME", "num_inference_steps": 50, "cfg_scale": 1.0, "seed": 7, "height": 48, "width": 32}
    assert animate["asked"] == wanted and animate["frames"] == 5
    assert animate["tests"] == [[1, f"{animate['cwd']}/reference.png", f"{animate['cwd']}/poses"]]


def test_mtvcrafter_extracts_motion_first(tmp_path, monkeypatch, temporary):
    (motion, animate), repo, _ = asked_of("mtvcrafter", tmp_path, monkeypatch)
    assert motion["cwd"] == animate["cwd"] == str(repo) and animate["seed"] == 7
    assert flags(animate)["--motion_data_path"].endswith("/driver_smpl/driver.pkl")


def test_animate_x_gets_a_configuration(tmp_path, monkeypatch, temporary):
    (_, animate), *_ = asked_of("animate_x", tmp_path, monkeypatch, steps=3)
    config = animate["config"]
    assert (config["max_frames"], config["round"], config["UNet"], config["resolution"]) == (5, 1, {"dim": 320, "seq_len": 6}, [32, 48])
    assert config["test_list_path"][0][-1] == 7 and config["ddim_timesteps"] == 3
    assert config["test_model"] == "checkpoints/animate-x_ckpt.pth"  # by whichever of its two names it was published


def test_mimic_motion_gets_a_configuration(tmp_path, monkeypatch, temporary):
    (animate,), *_ = asked_of("mimic_motion", tmp_path, monkeypatch)
    (case,) = animate["config"]["test_case"]
    assert (case["num_frames"], case["resolution"], case["seed"], case["sample_stride"]) == (6, 32, 7, 1)
    assert animate["config"]["ckpt_path"] == "models/MimicMotion_1-1.pth"


def test_a_repository_that_has_changed_is_told(tmp_path, monkeypatch, temporary):
    monkeypatch.setitem(SCRIPTS, "mtvcrafter", SCRIPTS["mtvcrafter"] | {"infer_17b.py": "seed = 1\n"})
    with pytest.raises(Failed, match="step 2 of 3 exited with 1.*nothing named inference.seed to change"):
        asked_of("mtvcrafter", tmp_path, monkeypatch)


def test_a_step_that_swallows_its_failure_is_told(tmp_path, monkeypatch, temporary):
    quiet = {"process_data.py": 'print("driver.mp4 wrong")'}
    monkeypatch.setitem(SCRIPTS, "animate_x", SCRIPTS["animate_x"] | quiet)
    with pytest.raises(Failed, match="step 1 of 3 exited with 0 but made no points/driver.pkl; last words: driver.mp4 wrong"):
        asked_of("animate_x", tmp_path, monkeypatch)


def test_a_strangers_own_by_the_example_of_the_contract(tmp_path, temporary):
    """The example in docs/external_contract.md is run as it stands there."""
    text = (Path(__file__).parents[2] / "docs/external_contract.md").read_text()
    script = text.partition("```python\n# serve.py")[2].partition("```")[0]
    example = text.partition("```yaml\n# mine.yaml")[2].partition("```")[0]
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "serve.py").write_text("#" + script)
    (tmp_path / "mine.yaml").write_text("#" + example)
    spec = read_spec(f"external:{tmp_path / 'mine.yaml'}")
    animator = external(repo, spec=spec, python=sys.executable)
    for id in ("a", "b"):
        answer = animator.animate(ask(id))
        assert len(answer.clip) == FRAMES and answer.clip.frames.mean() > 80
    animator.close()
    assert 20 <= len([line for line in script.splitlines() if line.strip()]) <= 27


def test_poses_are_written_where_a_command_names_them(tmp_path, temporary):
    import numpy as np

    repo = tmp_path / "repo"
    repo.mkdir()
    code = (
        "import json, shutil, sys, numpy; data = numpy.load(sys.argv[1]); "
        "json.dump([list(data['points'].shape), str(data['skeleton']), float(data['fps'])], open(sys.argv[2] + '/seen.json', 'w')); "
        "shutil.copyfile(sys.argv[3], sys.argv[2] + '/answer.mp4'); print(open(sys.argv[2] + '/seen.json').read())"
    )
    raw = raw_spec(steps=[{"run": ["{python}", "-c", code, "{pose}", "{out}", "{pose_video}"]}], repository={"url": "u", "read": "r"})
    points = np.zeros((FRAMES, 1, 17, 2), np.float32)
    points[..., 0], points[..., 1] = np.linspace(4, 28, 17), np.linspace(4, 44, 17)
    track = PoseTrack(points=points, confidence=np.ones((FRAMES, 1, 17), np.float32), skeleton="coco17", fps=8.0)
    answer = external(repo, raw).animate(ask(pose=track))
    assert answer.clip.frames.max() > 100 and answer.clip.frames.min() < 20
    assert '[[5, 1, 17, 2], "coco17", 8.0]' in (tmp_path / "logs/case-1.log").read_text()

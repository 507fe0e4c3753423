"""The table of estimators; rtmlib and mediapipe through stand-ins that check what they are given; people keep their places."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from models.pose.catalog import POSE_ESTIMATORS, files_hash, load_pose_estimator, written
from models.pose.heatmap import PoseNet, save_estimator
from models.pose.mediapipe_pose import LANDMARKS
from models.pose.people import stack_people
from models.protocols import PoseEstimator
from models.types import SKELETONS, Clip

BLACK = Clip(frames=np.zeros((2, 40, 60, 3), np.uint8), fps=8.0)


def refused(text: str) -> str:
    with pytest.raises(ValueError) as caught:
        load_pose_estimator(text)
    return str(caught.value)


# --- the table


def test_every_entry_loads_lazily_and_names_what_is_near():
    assert list(POSE_ESTIMATORS.table()) == ["mediapipe", "rtmlib", "tiny", "tracks"]
    assert all(callable(POSE_ESTIMATORS.load(name)) for name in POSE_ESTIMATORS.table())
    assert "did you mean mediapipe?" in refused("mediapip") and "expected one of mediapipe, rtmlib" in refused("nothing_like_it")


def test_the_shipped_estimator_answers_to_its_name_and_finds_nobody_in_an_empty_picture():
    tiny = load_pose_estimator("tiny")
    assert isinstance(tiny, PoseEstimator) and tiny.name == "tiny" and len(tiny.weights_hash) == 64 and tiny.skeleton == "coco17"
    for colour in (0, 127, 255):
        assert not tiny.estimate(Clip(frames=BLACK.frames + np.uint8(colour), fps=8.0)).confidence.any()


def test_a_folder_may_be_written_with_its_name_or_alone(tmp_path, monkeypatch):
    torch.manual_seed(0)
    save_estimator(PoseNet(8), tmp_path / "mine", {})
    monkeypatch.chdir(tmp_path)
    named, alone = load_pose_estimator("tiny:mine"), load_pose_estimator(str(tmp_path / "mine"))
    assert named.name == alone.name == "tiny:mine" and named.weights_hash == alone.weights_hash
    assert load_pose_estimator(named.name).weights_hash == named.weights_hash != load_pose_estimator("tiny").weights_hash
    (tmp_path / "bare").mkdir()
    assert "got a folder without estimator.json" in refused(str(tmp_path / "bare"))
    assert "estimator.json" in refused("tiny:bare") and "estimator.json" in refused("tiny:gone")


def test_names_hold_no_path_of_a_person_where_that_can_be_helped(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.chdir("/")
    assert written("tracks", tmp_path / "a" / "b") == f"tracks:{(tmp_path / 'a' / 'b').relative_to('/').as_posix()}"
    monkeypatch.chdir("/usr")
    assert written("tracks", tmp_path / "a" / "b") == "tracks:~/a/b"
    assert written("tracks", Path("a/b")) == "tracks:a/b" and written("tracks", Path("/opt/x")) == "tracks:/opt/x"


def test_a_hash_is_of_names_and_contents_and_not_of_folders_or_order(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for name in "ab":
            (tmp_path / folder / name).write_text(name)
    one, two = (sorted((tmp_path / folder).iterdir()) for folder in ("one", "two"))
    assert files_hash(one) == files_hash(two[::-1])
    (tmp_path / "two" / "a").rename(tmp_path / "two" / "c")
    assert files_hash(one) != files_hash(sorted((tmp_path / "two").iterdir()))


# --- people


def test_people_keep_their_places_when_the_order_they_are_found_in_changes():
    left, right = np.full((3, 2), 10.0), np.full((3, 2), 90.0)
    sure = np.ones((2, 3))
    points, confidence = stack_people([(np.stack([left, right]), sure), (np.stack([right, left + 3]), sure), (right[None], sure[:1])], 3)
    assert points.shape == (3, 2, 3, 2) and points[1, 0, 0, 0] == 13 and points[1, 1, 0, 0] == 90
    assert confidence[2, 0].max() == 0 and confidence[2, 1].min() == 1
    assert stack_people([(np.zeros((0, 3, 2)), np.zeros((0, 3)))] * 2, 3)[0].shape == (2, 0, 3, 2)


# --- rtmlib


class FakeModel:
    """An ONNX model of rtmlib: opened from files that exist, on onnxruntime. `sides` and `outputs`: what the files say."""

    sides = {"yolox_m.onnx": (640, 320), "yolox_l.onnx": (640, 320), "rtmdet_m.onnx": (320, 320), "rtmw.onnx": (256, 192)}
    columns = {"yolox_l.onnx": 85}
    joints = 133

    def __init__(self, onnx_model, model_input_size=(1, 1), backend="opencv", device="cuda"):
        assert Path(onnx_model).is_file() and "://" not in onnx_model and backend == "onnxruntime" and device == "cpu"
        self.file = Path(onnx_model).name
        if Path(onnx_model).read_bytes() == b"damaged":
            raise RuntimeError("INVALID_PROTOBUF")
        given, made = SimpleNamespace(shape=["batch", 3, *self.sides[self.file]]), self.columns.get(self.file, 5)
        self.session = SimpleNamespace(get_inputs=lambda: [given], get_outputs=lambda: [SimpleNamespace(shape=["batch", 100, made])])
        self.model_input_size = model_input_size
        print(f"load {onnx_model} with {backend} backend")


class YOLOX(FakeModel):
    """A box for every 100 of the blue channel of the corner (rtmlib reads BGR), and one of a cat where classes are asked for."""

    det_mode = "human"

    def __call__(self, image):
        assert self.model_input_size == self.sides[self.file] and image.dtype == np.uint8 and image.flags.c_contiguous
        boxes = [[10.0 * k, 0, 10.0 * k + 8, 20] for k in range(image[0, 0, 0] // 100)]
        if self.det_mode == "multiclass":
            return np.array([*boxes, [0, 0, 9, 9]]), np.array([0] * len(boxes) + [15])
        return np.array(boxes)


class RTMDet(YOLOX):
    pass


class RTMPose(FakeModel):
    def __call__(self, image, bboxes=()):
        assert len(bboxes) > 0, "without boxes rtmlib takes the whole picture for a person"
        assert self.model_input_size == (192, 256)
        middles = np.stack([(box[:2] + box[2:]) / 2 for box in bboxes])
        scores = np.full((len(bboxes), self.joints), 1.3)
        scores[:, 1] = np.nan
        return np.repeat(middles[:, None], self.joints, 1), scores


@pytest.fixture
def rtmlib(monkeypatch):
    module, runtime = ModuleType("rtmlib"), ModuleType("onnxruntime")
    module.YOLOX, module.RTMDet, module.RTMPose = YOLOX, RTMDet, RTMPose
    runtime.get_available_providers = lambda: ["CPUExecutionProvider"]
    monkeypatch.setitem(sys.modules, "rtmlib", module)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)


def onnx_folder(folder: Path, *names: str) -> str:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return f"rtmlib:{folder}"


def crowd(*counts: int) -> Clip:
    """A frame with so many people each; red is 100 a person, blue is nothing."""
    frames = np.zeros((len(counts), 40, 60, 3), np.uint8)
    frames[:, 0, 0, 2] = [100 * count for count in counts]
    return Clip(frames=frames, fps=8.0)


@pytest.mark.parametrize("detector", ["yolox_m.onnx", "yolox_l.onnx", "rtmdet_m.onnx"])
def test_rtmlib_finds_every_person_and_nobody_where_there_is_none(rtmlib, tmp_path, capsys, detector):
    estimator = load_pose_estimator(onnx_folder(tmp_path / "m", detector, "rtmw.onnx", "readme.txt"))
    assert estimator.skeleton == "wholebody133" and len(estimator.weights_hash) == 64 and capsys.readouterr().out == ""
    pose = estimator.estimate(crowd(0, 2, 1))
    assert pose.points.shape == (3, 2, SKELETONS["wholebody133"], 2) and pose.skeleton == "wholebody133"
    assert not pose.confidence[0].any() and pose.confidence[1].max() == 1.0
    assert np.array_equal(pose.points[1, :, 0], [[4, 10], [14, 10]])
    assert not pose.confidence[:, :, 1].any()  # what is not a number is not seen
    assert estimator.estimate(BLACK).points.shape == (2, 0, 133, 2)


def test_the_hash_of_a_whole_body_estimator_is_of_both_files(rtmlib, tmp_path):
    first = load_pose_estimator(onnx_folder(tmp_path / "a", "yolox_m.onnx", "rtmw.onnx"))
    second = load_pose_estimator(onnx_folder(tmp_path / "b", "yolox_m.onnx", "rtmw.onnx"))
    assert first.weights_hash == second.weights_hash and first.name != second.name
    (tmp_path / "b" / "rtmw.onnx").write_bytes(b"other")
    assert load_pose_estimator(f"rtmlib:{tmp_path / 'b'}").weights_hash != first.weights_hash


def test_rtmlib_says_which_file_is_missing_and_what_is_there(rtmlib, tmp_path):
    assert "expected rtmlib:DIR" in refused("rtmlib") and "expected rtmlib:DIR" in refused("rtmlib:")
    assert "detector: got none in an empty or missing folder" in refused(f"rtmlib:{tmp_path / 'gone'}")
    assert "detector: got none in rtmw.onnx, expected exactly one of yolox*.onnx" in refused(onnx_folder(tmp_path / "a", "rtmw.onnx"))
    assert "pose model: got none in yolox_m.onnx" in refused(onnx_folder(tmp_path / "b", "yolox_m.onnx"))
    both = refused(onnx_folder(tmp_path / "c", "yolox_m.onnx", "yolox_l.onnx", "rtmw.onnx"))
    assert "detector: got 2 (yolox_l.onnx, yolox_m.onnx)" in both


def test_models_that_do_not_fit_are_refused_on_loading(rtmlib, tmp_path, monkeypatch):
    text = onnx_folder(tmp_path / "m", "yolox_m.onnx", "rtmw.onnx")
    monkeypatch.setattr(RTMPose, "joints", 17)
    assert "rtmw.onnx: joints: got 17, expected 133" in refused(text)
    monkeypatch.setattr(FakeModel, "sides", FakeModel.sides | {"rtmw.onnx": ("height", "width")})
    assert "rtmw.onnx: input: got ['batch', 3, 'height', 'width'], expected [batch,3,H,W] with fixed H and W" in refused(text)
    (tmp_path / "m" / "yolox_m.onnx").write_bytes(b"damaged")
    assert "yolox_m.onnx: got RuntimeError: INVALID_PROTOBUF, expected an ONNX model" in refused(text)


@pytest.mark.parametrize("absent", ["rtmlib", "onnxruntime"])
def test_without_its_packages_rtmlib_says_what_to_install(rtmlib, tmp_path, monkeypatch, absent):
    monkeypatch.setitem(sys.modules, absent, None)
    assert "pip install --no-deps rtmlib onnxruntime" in refused(onnx_folder(tmp_path / "m", "yolox_m.onnx", "rtmw.onnx"))


# --- mediapipe


def fake_mediapipe(folder: Path, models: bool = True) -> ModuleType:
    """Landmark k of a picture that is not black lies at (k, 2k) thousandths of it and is seen by k hundredths."""

    class Pose:
        def __init__(self, static_image_mode, model_complexity):
            assert model_complexity == 1, "the other models would be downloaded"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def process(self, image):
            marks = [SimpleNamespace(x=k / 1000, y=k / 500, visibility=k / 100) for k in range(33)]
            return SimpleNamespace(pose_landmarks=SimpleNamespace(landmark=marks) if image.any() else None)

    module = ModuleType("mediapipe")
    module.__file__, module.__version__ = str(folder / "__init__.py"), "0.10.99"
    if models:
        module.solutions = SimpleNamespace(pose=SimpleNamespace(Pose=Pose))
        for name in ("pose_detection/pose_detection.tflite", "pose_landmark/pose_landmark_full.tflite"):
            (folder / "modules" / name).parent.mkdir(parents=True)
            (folder / "modules" / name).write_text(name)
    return module


def test_mediapipes_landmarks_become_the_joints_of_coco(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", fake_mediapipe(tmp_path))
    estimator = load_pose_estimator("mediapipe")
    assert (estimator.name, estimator.skeleton, len(estimator.weights_hash)) == ("mediapipe", "coco17", 64)
    pose = estimator.estimate(Clip(frames=np.concatenate([BLACK.frames, BLACK.frames + 9]), fps=8.0))
    assert pose.points.shape == (4, 1, 17, 2) and not pose.confidence[:2].any()
    marks = np.array(LANDMARKS)
    assert np.allclose(pose.confidence[2, 0], marks / 100) and np.allclose(pose.points[3, 0, :, 0], marks * 60 / 1000 - 0.5, atol=1e-5)
    assert np.allclose(pose.points[3, 0, :, 1], marks * 40 / 500 - 0.5, atol=1e-5) and estimator.estimate(BLACK).points.shape[1] == 0


def test_mediapipe_says_which_version_to_install(tmp_path, monkeypatch):
    assert "argument: got 'x', expected none" in refused("mediapipe:x")
    monkeypatch.setitem(sys.modules, "mediapipe", fake_mediapipe(tmp_path, models=False))
    assert "got 0.10.99 without models, expected version 0.10.14 to 0.10.21" in refused("mediapipe")
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert "pip install --no-deps mediapipe==0.10.21" in refused("mediapipe")

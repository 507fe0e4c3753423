"""Examples by index: equal to the sequential road, a bounded memory, damage named, safe to share."""

import gc
import io
import pickle
import tarfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import av
import numpy as np
import pytest

import bootstrap.sources.inspection as inspection
from bootstrap.clip_examples import ClipExamples, SkippedClips
from bootstrap.shards.examples import ShardExamples
from bootstrap.shards.reader import read_examples
from bootstrap.sources.catalog import Catalog
from models.artifacts import write_json
from models.images import MediaError, encode_image
from models.shards import MEMBERS, DamagedShard
from models.storage import delete, write_bytes
from models.types import Clip, Grid
from models.video import encode_video, fit_clip, read_video, read_window, write_video
from tests.bootstrap.factory_fakes import moving_square, write_bad_clips
from tests.bootstrap.shard_fakes import pack, write_shard

RECORD = {
    "teacher": {"name": "t", "weights_hash": ""},
    "filter_metrics": [],
    "shards": dict.fromkeys(("shard-000000.tar", "shard-000001.tar"), ""),
    "manifest_sha256": "",
}
GRID = Grid(width=32, height=32, fps=8.0, num_frames=4)


def _members(level: int) -> dict[str, bytes]:
    target = encode_video(moving_square((220, 60, 30), level, frames=4))
    return {
        "driver.mp4": encode_video(moving_square((20, 60, 230), 200, frames=4)),
        "json": b'{"prompt": "a square"}',
        "reference.png": encode_image(read_video(target).frames[0]),
        "target.mp4": target,
    }


@pytest.fixture(scope="module")
def samples():
    return [(f"key{n}", _members(40 + n)) for n in range(5)]


@pytest.fixture
def shards(tmp_path, samples):
    paths = [tmp_path / "shard-000000.tar", tmp_path / "shard-000001.tar"]
    write_shard(paths[0], samples[:3])
    write_shard(paths[1], samples[3:])
    return paths


def _zero(path, member):
    """Overwrite one member of a shard with zeros."""
    data = bytearray(path.read_bytes())
    with tarfile.open(path) as tar:
        header = tar.getmember(member)
    data[header.offset_data : header.offset_data + header.size] = bytes(header.size)
    path.write_bytes(data)


def _same(a, b) -> bool:
    clips = ((a.driver, b.driver), (a.target, b.target))
    frames = all(x.fps == y.fps and np.array_equal(x.frames, y.frames) for x, y in clips)
    return (a.id, a.prompt) == (b.id, b.prompt) and np.array_equal(a.reference, b.reference) and frames


def test_an_index_gives_what_the_sequential_reader_gives(shards):
    examples, read = ShardExamples(shards), list(read_examples(shards))
    assert examples.ids == tuple(example.id for example in read) == tuple(f"key{n}" for n in range(5)) and len(examples) == 5
    assert all(_same(examples[i], read[i]) and _same(examples[i - 5], read[i]) for i in (4, 0, 3, 1, 2))
    assert all(map(_same, examples, read)) and _same(examples[np.int64(2)], read[2])
    for outside in (5, -6):
        with pytest.raises(IndexError):
            examples[outside]
    with pytest.raises(TypeError):
        examples[1:3]


def test_one_tar_and_a_finished_folder_are_sources(shards, tmp_path):
    assert ShardExamples(shards[1]).ids == ("key3", "key4")
    with pytest.raises(ValueError, match="run.json: got missing.*continues"):
        ShardExamples(tmp_path)
    write_json(tmp_path / "run.json", RECORD)
    assert len(ShardExamples(tmp_path)) == 5 and len(ShardExamples([])) == 0


def test_opening_reads_headers_and_no_member(tmp_path, monkeypatch):
    read_b = []

    class Counted(io.FileIO):
        def readinto(self, buffer):
            read_b.append(len(buffer))
            return super().readinto(buffer)

    write_shard(tmp_path / "s.tar", [(f"key{n}", dict.fromkeys(MEMBERS, bytes(300_000))) for n in range(5)])
    monkeypatch.setattr("models.shards.open_read", lambda path, block_b: io.BufferedReader(Counted(path), block_b))
    assert len(ShardExamples(tmp_path / "s.tar")) == 5
    assert 0 < sum(read_b) < 5 * len(MEMBERS) * 10_000 + 2 * tarfile.RECORDSIZE  # of 6 MB


def _held_bytes(path, count: int) -> int:
    path.write_bytes(pack([(f"{n:016d}", dict.fromkeys(MEMBERS, b"x")) for n in range(count)]))
    tracemalloc.start()
    try:
        examples = ShardExamples(path)
        gc.collect()  # tarfile leaves cycles
        assert len(examples) == count
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_a_sample_costs_a_bounded_number_of_bytes(tmp_path):
    _held_bytes(tmp_path / "warm.tar", 10)
    few, many = (_held_bytes(tmp_path / f"{count}.tar", count) for count in (200, 2000))
    assert (many - few) / 1800 < 160  # a key of 16 characters 73, its place in a tuple 8, eight numbers 64, the shard 4


def test_broken_bytes_are_told_on_every_read_and_cost_one_index(shards):
    _zero(shards[1], "key3.driver.mp4")
    examples, damage = ShardExamples(shards), []
    for _ in range(2):
        with pytest.raises(DamagedShard, match=r"shard-000001\.tar: sample key3: driver\.mp4"):
            examples[3]
    assert examples[4].id == "key4"
    assert [example.id for example in read_examples(shards, on_damage=damage.append)] == ["key0", "key1", "key2", "key4"]


def _lacking(path, samples):
    with tarfile.open(path, "w") as tar:
        for name in MEMBERS[:3]:
            tar.addfile(tarfile.TarInfo(f"short.{name}"))


def _cut(path, samples):
    data = pack(samples[:3])
    path.write_bytes(data[: int(len(data.rstrip(b"\0")) * 0.6)])


def _junk(path, samples):
    path.write_bytes(b"no tar at all" * 100)


@pytest.mark.parametrize("spoil", [_lacking, _cut, _junk, lambda path, samples: path.unlink()])
def test_damage_met_on_opening_follows_the_policy_of_the_sequential_reader(shards, samples, spoil):
    spoil(shards[0], samples)
    with pytest.raises(DamagedShard, match=r"shard-000000\.tar"):
        ShardExamples(shards)
    by_index, in_order = [], []
    examples, read = ShardExamples(shards, on_damage=by_index.append), list(read_examples(shards, on_damage=in_order.append))
    assert list(map(str, by_index)) == list(map(str, in_order)) and len(by_index) == 1
    assert examples.ids == tuple(example.id for example in read) and examples.ids[-2:] == ("key3", "key4")


def test_a_shard_that_goes_or_shrinks_after_opening_is_named(shards):
    examples = ShardExamples(shards)
    shards[0].write_bytes(shards[0].read_bytes()[:1000])
    shards[1].unlink()
    with pytest.raises(DamagedShard, match=r"shard-000000\.tar: sample key2: cut inside driver\.mp4"):
        examples[2]
    with pytest.raises(DamagedShard, match=r"shard-000001\.tar: sample key4: FileNotFoundError"):
        examples[4]


def test_shard_examples_travel_and_are_read_by_threads_at_once(shards):
    examples = ShardExamples(shards, on_damage=[].append)
    copy, order = pickle.loads(pickle.dumps(examples)), [4, 0, 3, 1, 2] * 4
    assert copy.ids == examples.ids and _same(copy[-1], examples[4])
    with ThreadPoolExecutor(2) as pool:
        assert all(map(_same, pool.map(examples.__getitem__, order), map(copy.__getitem__, order)))


def _counting(frames: int, fps: float) -> Clip:
    """A clip whose frame t is a gradient of level 5 t."""
    ramp = np.arange(32, dtype=np.uint8)[None, :, None] + np.zeros((32, 32, 3), np.uint8)
    return Clip(frames=np.stack([ramp + np.uint8(5 * t) for t in range(frames)]), fps=fps)


def _write_stamped(path, stamps_ms) -> None:
    """A Matroska clip with a frame at each time stamp."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt, stream.options = "yuv444p", {"crf": "4", "bf": "0"}
        stream.codec_context.time_base = Fraction(1, 1000)
        for image, stamp in zip(_counting(len(stamps_ms), 25.0).frames, stamps_ms):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(("frames", "fps"), [(13, 8.0), (8, 8.0), (29, 16.0), (50, 24.0), (40, 30000 / 1001)])
def test_chunks_of_a_constant_rate_equal_the_cut_of_the_whole_clip(tmp_path, frames, fps):
    write_video(tmp_path / "a.mp4", _counting(frames, fps))
    whole = read_video(tmp_path / "a.mp4")
    length = int(len(whole) / whole.fps * GRID.fps + 1e-6)
    cut = fit_clip(whole, Grid(width=32, height=32, fps=8.0, num_frames=length)).frames
    examples = ClipExamples(tmp_path, GRID, 4)
    assert examples.ids == tuple(f"a.mp4#{k}" for k in range(length // 4))
    for k in reversed(range(len(examples))):
        assert np.array_equal(examples[k].target.frames, cut[4 * k : 4 * k + 4]) and examples[k].target.fps == 8.0
        assert np.array_equal(examples[k].reference, examples[k].target.frames[0])


@pytest.mark.parametrize("stamps_ms", [(0, 33, 67, 100, 133, 167, 200, 233), (0, 40, 80, 400, 440, 900, 910, 1000), (0, 500, 1000, 1001)])
@pytest.mark.parametrize("fps", [8.0, 30.0, 120.0])
def test_every_chunk_of_an_odd_rate_can_be_read(tmp_path, stamps_ms, fps):
    _write_stamped(tmp_path / "odd.mkv", stamps_ms)
    grid = Grid(width=32, height=32, fps=fps, num_frames=2)
    examples = ClipExamples(tmp_path, grid, 2)
    assert len(examples) >= int(stamps_ms[-1] / 1000 * fps) // 2
    for k, example in enumerate(examples):
        assert np.array_equal(example.target.frames, read_window(tmp_path / "odd.mkv", grid, 2 * k / fps)[0].frames)


def test_rounded_time_stamps_cost_no_frame(tmp_path):
    _write_stamped(tmp_path / "a.mkv", [round(1000 * t / 30) for t in range(8)])  # 7 steps of 33.3 ms end at 233
    assert ClipExamples(tmp_path, Grid(width=32, height=32, fps=30.0, num_frames=8), 8).ids == ("a.mkv#0",)


def test_unusable_clips_are_named_and_the_rest_keeps_its_order(tmp_path):
    (tmp_path / "sub").mkdir()
    write_video(tmp_path / "sub" / "a#1.mp4", _counting(9, 8.0))
    write_video(tmp_path / "b.mp4", _counting(5, 8.0))
    write_video(tmp_path / "short.mp4", _counting(3, 8.0))
    bad, skipped = write_bad_clips(tmp_path), SkippedClips()
    examples = ClipExamples(tmp_path, GRID, 4, skipped)
    assert examples.ids == ("b.mp4#0", "sub/a#1.mp4#0", "sub/a#1.mp4#1") and set(skipped.reasons) == {*bad, "short.mp4"}
    assert skipped.reasons["short.mp4"] == "too short: 0.38 s, an example takes 0.50 s" and "0 bytes" in skipped.reasons["empty.mp4"]
    assert examples[-1].target.frames[0].mean() == pytest.approx(15.5 + 20, abs=2)
    longer = SkippedClips()
    assert ClipExamples(tmp_path, GRID, 6, longer).ids == ("sub/a#1.mp4#0",)
    assert longer.reasons["b.mp4"] == "too short: 0.62 s, an example takes 0.75 s"


def test_opening_the_same_footage_again_decodes_only_what_changed(tmp_path, monkeypatch):
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / "in" / name, _counting(9, 8.0))
    (tmp_path / "in" / "bad.mp4").write_bytes(b"nothing")
    looked, honest = [], inspection.inspect
    monkeypatch.setattr(inspection, "inspect", lambda location, kind: looked.append(location.rpartition("/")[2]) or honest(location, kind))
    opened = [ClipExamples(tmp_path / "in", GRID, 4, catalog=Catalog(tmp_path / "c")).ids for _ in range(2)]
    assert opened[0] == opened[1] == ("a.mp4#0", "a.mp4#1", "b.mp4#0", "b.mp4#1") and sorted(looked) == ["a.mp4", "b.mp4", "bad.mp4"]
    write_video(tmp_path / "in" / "b.mp4", _counting(5, 8.0))
    write_video(tmp_path / "in" / "c.mp4", _counting(4, 8.0))
    assert ClipExamples(tmp_path / "in", GRID, 4, catalog=Catalog(tmp_path / "c")).ids == ("a.mp4#0", "a.mp4#1", "b.mp4#0", "c.mp4#0")
    assert sorted(looked[3:]) == ["b.mp4", "c.mp4"]


def test_prompts_and_labels_beside_clips_come_along_from_any_location(tmp_path):
    place = f"memory://{tmp_path.name}"
    for name, frames in (("a.mp4", 5), ("sub/b.mp4", 4)):
        write_bytes(f"{place}/{name}", encode_video(_counting(frames, 8.0)))
        write_video(tmp_path / name, _counting(frames, 8.0))
    write_bytes(f"{place}/a.txt", b"she waves")
    write_bytes(f"{place}/clips.csv", "file;subject;prompt\nsub/B.mp4;Dog;it runs\n".encode("utf-16"))
    far, near = ClipExamples(place, GRID, 4), ClipExamples(tmp_path, GRID, 4)
    assert far.ids == near.ids == ("a.mp4#0", "sub/b.mp4#0") and far.tags["sub/b.mp4"] == {"subject": "dog"}
    assert [example.prompt for example in far] == ["she waves", "it runs"] and [example.prompt for example in near] == ["", ""]
    assert all(np.array_equal(a.target.frames, b.target.frames) for a, b in zip(far, near))


def test_a_dataset_may_lie_behind_a_url(shards, tmp_path):
    place = f"memory://{tmp_path.name}/set"
    for path in shards:
        write_bytes(f"{place}/{path.name}", path.read_bytes())
    write_json(f"{place}/run.json", RECORD)
    far, near = ShardExamples(place), ShardExamples(shards)
    assert far.ids == near.ids and all(map(_same, far, near)) and all(map(_same, read_examples(place), near))
    assert _same(pickle.loads(pickle.dumps(far))[4], near[4])
    delete(f"{place}/shard-000001.tar")
    with pytest.raises(DamagedShard, match=r"memory://.*shard-000001\.tar: sample key3: FileNotFoundError"):
        far[3]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([*MEMBERS, "target.mp4"], "members: got .*'target.mp4', 'target.mp4'"),
        ([*MEMBERS[:2], "+", *MEMBERS[2:]], r"members: got \['driver.mp4', 'json'\]"),
    ],
)
def test_a_member_twice_and_members_apart_are_damage(tmp_path, names, said):
    with tarfile.open(tmp_path / "s.tar", "w", format=tarfile.GNU_FORMAT) as tar:
        for name in names:
            header = tarfile.TarInfo(f"key0.{name}" if name != "+" else "x")
            header.size, header.type = (1 << 20, tarfile.GNUTYPE_LONGLINK) if name == "+" else (4, tarfile.REGTYPE)
            tar.addfile(header, io.BytesIO(bytes(header.size)))
    with pytest.raises(DamagedShard, match=said):
        ShardExamples(tmp_path / "s.tar")


def test_a_clip_that_changed_after_counting_is_named(tmp_path):
    write_video(tmp_path / "a.mp4", _counting(9, 8.0))
    examples = ClipExamples(tmp_path, GRID, 4)
    write_video(tmp_path / "a.mp4", _counting(5, 8.0))
    assert examples[0].id == "a.mp4#0"
    with pytest.raises(MediaError, match=r"a\.mp4#1: too short.*changed"):
        examples[1]
    with pytest.raises(IndexError):
        examples[2]


def test_clip_examples_travel_and_are_read_by_threads_at_once(tmp_path):
    write_video(tmp_path / "a.mp4", _counting(13, 8.0))
    write_video(tmp_path / "b.mp4", _counting(20, 16.0))
    examples = ClipExamples(tmp_path, GRID, 4)
    copy, order = pickle.loads(pickle.dumps(examples)), [3, 0, 4, 1, 2] * 4
    assert copy.ids == examples.ids and len(examples) == 5
    with ThreadPoolExecutor(2) as pool:
        assert all(map(_same, pool.map(examples.__getitem__, order), map(copy.__getitem__, order)))
    assert all(map(_same, ClipExamples(tmp_path, GRID, 4), examples))

"""`plan`: the numbers of a round before it is made, held against what planning it for real gives, and nothing written."""

import ast
import json
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from awbench.media.labels import TagRule
from bootstrap.costs.estimate import Workers, estimate
from bootstrap.costs.pairs import count_pairs
from bootstrap.costs.rates import Rates, measured
from bootstrap.costs.tokens import FAMILIES, strides_of
from bootstrap.costs.told import lines
from bootstrap.generations import History
from bootstrap.growth import grow
from bootstrap.pair_rules import PairRules
from bootstrap.sources.source import Listing, Source
from models.types import Grid
from pipelines import plan as job
from pipelines.cli import main
from pipelines.synthesize import GridFlags
from tests.bootstrap.factory_fakes import footage, write_sources
from tests.bootstrap.made_dataset import begin, finished, members, unfinished

GRID = GridFlags(size=(32, 32), fps=8.0, num_frames=4)


def source(name: str, starts: int = 0, **tags: str) -> Source:
    return Source(id=name, location=name, sha256=name, size=(64, 64), starts_s=tuple(map(float, range(starts))), tags=tags)


CLIPS = [source("a", 3, framing="half"), source("b", 2, framing="full"), source("c", 1), source("same", 2, framing="full")]
PEOPLE = [source("p", framing="half"), source("q", framing="full"), source("r"), source("same", framing="full")]


@pytest.mark.parametrize("rules", [PairRules(), PairRules(by_tag=(TagRule.parse("framing"),))])
@pytest.mark.parametrize("apart", [(), (("a", "p"), ("c", "q"))])
def test_the_pairs_that_are_counted_are_those_that_are_planned(rules, apart):
    driving, references = Listing(usable=tuple(CLIPS)), Listing(usable=tuple(PEOPLE))
    planned = grow(History(), driving, references, rules, 0, None, apart).history
    found = count_pairs(CLIPS, PEOPLE, rules, None, apart)
    assert (found.all_pairs, found.pairs, found.windows, found.identities) == (planned.total, planned.total, 8, 4)
    within = grow(History(), driving, references, rules, 0, 4, apart).history
    assert count_pairs(CLIPS, PEOPLE, rules, 4, apart).windows_used == len(set(within.pairs[:, 0].tolist()))


def test_tokens_are_those_of_the_published_grids():
    wan, ti2v = Grid(width=832, height=480, fps=16.0, num_frames=81), Grid(width=1280, height=704, fps=24.0, num_frames=121)
    assert strides_of("wan").tokens(wan) == 32760 and strides_of("wan_ti2v").tokens(ti2v) == 27280
    with pytest.raises(ValueError, match="--family: got sora, expected one of wan"):
        strides_of("sora")


def defaults_of(path: str, name: str) -> dict:
    """The defaults of a class of diffusers, read from its source: importing it takes longer than the rest of this file."""
    source = Path(find_spec("diffusers").origin).parent / "models" / path
    (found,) = (node for node in ast.parse(source.read_text()).body if isinstance(node, ast.ClassDef) and node.name == name)
    (init,) = (node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    plain = zip(init.args.args[-len(init.args.defaults) :], init.args.defaults)
    return {one.arg: ast.literal_eval(value) for one, value in plain if isinstance(value, (ast.Constant, ast.Tuple))}


@pytest.mark.parametrize(
    ("family", "coder", "network"),
    [
        ("wan", ("autoencoder_kl_wan", "AutoencoderKLWan"), ("transformer_wan", "WanTransformer3DModel")),
        (
            "hunyuan",
            ("autoencoder_kl_hunyuan_video", "AutoencoderKLHunyuanVideo"),
            ("transformer_hunyuan_video", "HunyuanVideoTransformer3DModel"),
        ),
        (
            "hunyuan15",
            ("autoencoder_kl_hunyuanvideo15", "AutoencoderKLHunyuanVideo15"),
            ("transformer_hunyuan_video15", "HunyuanVideo15Transformer3DModel"),
        ),
    ],
)
def test_the_strides_are_those_of_diffusers_own_configs(family, coder, network):
    vae = defaults_of(f"autoencoders/{coder[0]}.py", coder[1])
    transformer = defaults_of(f"transformers/{network[0]}.py", network[1])
    space = vae.get("scale_factor_spatial") or vae["spatial_compression_ratio"]
    time = vae.get("scale_factor_temporal") or vae["temporal_compression_ratio"]
    patch = transformer["patch_size"][1] if isinstance(transformer["patch_size"], tuple) else transformer["patch_size"]
    assert (FAMILIES[family].time, FAMILIES[family].space, FAMILIES[family].patch) == (time, space, patch)


COUNTS = count_pairs([source("a", 100)], [source(f"p{n}") for n in range(36)], PairRules(), None)


def test_two_pools_take_as_long_as_the_slower_and_are_paid_while_they_are_held():
    rates = Rates(teacher_s=10.0, cpu_s=5.0, bytes_kept=20e6, kept=0.5, target=0.6)
    pools = estimate(COUNTS, rates, Workers(gpu=2, cpu=2, gpus_each=0.5), gpu_price=3.0, cpu_price=0.1)
    assert (COUNTS.pairs, pools.gpu_h, pools.cpu_h, pools.wall_h) == (3600, 10.0, 5.0, 5.0)
    assert pools.cost == pytest.approx(5 * (1 * 3 + 2 * 0.1)) and pools.stored_tb == pytest.approx(0.036)
    assert pools.shared_tb == pytest.approx(0.036 * 0.6 * (1 - 100 / 1800))
    assert estimate(COUNTS, rates, Workers(each=3)).wall_h == pytest.approx(5.0) and estimate(COUNTS, rates, Workers()).cost is None


def test_what_nobody_said_is_unknown_and_never_free():
    none = estimate(COUNTS, Rates(), Workers(), gpu_price=3.0)
    assert (none.gpu_h, none.cpu_h, none.wall_h, none.cost, none.stored_tb) == (None,) * 5
    for wrong in ({"gpu": 1}, {"gpus_each": -0.5}, {"each": -1}):
        with pytest.raises(ValueError, match="plan: --"):
            Workers(**wrong)


def test_measured_rates_are_the_diarys_and_the_sidecars_and_scale_with_the_grid(tmp_path):
    folder = finished(tmp_path / "pairs")
    same = measured(str(folder), Grid(width=32, height=32, fps=8.0, num_frames=6), "yuv444p")
    sizes = [sum(map(len, members(key * 20, prompt).values())) for key, prompt in (("1", "A knight waves."), ("2", "NA"), ("3", ""))]
    assert (same.teacher_s, same.cpu_s, same.kept) == (2.0, 1.0, 0.6) and same.bytes_kept == pytest.approx(sum(sizes) / 3)
    twice = measured(str(folder), Grid(width=64, height=32, fps=8.0, num_frames=6), "yuv420p")
    assert twice.teacher_s == 4.0 and twice.bytes_kept == pytest.approx(2 * 0.89 * sum(sizes) / 3)
    assert "brought to 64x32, 6 frames by pixels x frames (x 2)" in twice.told[1] and "yuv444p brought to yuv420p" in twice.told[2]
    making = measured(str(unfinished(tmp_path / "making")), Grid(width=32, height=32, fps=8.0, num_frames=6), "yuv444p")
    sizes = [
        sum(map(len, members(key * 20, text).values())) for key, text in (("1", "A knight waves."), ("2", "it moves"), ("3", "it moves"))
    ]
    assert making.bytes_kept == pytest.approx(sum(sizes) / 3) and making.kept == 0.6
    with pytest.raises(ValueError, match="--measured: got .*, expected a dataset"):
        measured(str(begin(tmp_path / "empty")), Grid(width=64, height=32, fps=8.0, num_frames=6), "yuv420p")


@pytest.fixture
def sources(tmp_path):
    write_sources(tmp_path)
    return tmp_path


def test_files_are_looked_at_only_when_asked_and_nothing_is_written(sources):
    catalog, before = sources / "catalog.sqlite", sorted(sources.rglob("*"))
    asked = partial(job.Asked, footage=footage(sources), grid=GRID)
    blind = job.planned(asked(), catalog)
    assert any("6 files not looked at yet: run with --look" in line for line in lines(blind)) and "windows" not in "".join(lines(blind))
    assert (blind.unknown, blind.counts.pairs) == (6, 0) and sorted(sources.rglob("*")) == before
    seen = job.planned(asked(look=True, limit=5, workers=Workers(each=0)), catalog)
    counts = seen.counts
    assert (seen.unknown, counts.windows, counts.identities, counts.all_pairs, counts.pairs) == (0, 3, 3, 9, 5)
    after = sorted(sources.rglob("*"))
    known = job.planned(asked(teacher="tiny_pose", family="wan"), catalog)
    assert known.counts.all_pairs == 9 and known.unknown == 0 and known.strides is not None and sorted(sources.rglob("*")) == after


def test_the_table_and_its_values(sources, monkeypatch, capsys):
    monkeypatch.setenv("ACTORFORGE_CACHE", str(sources / "cache"))
    command = ["plan", "--driving", str(sources / "driving"), "--references", str(sources / "references"), "--size", "32x32", "--fps", "8"]
    command += ["--num-frames", "4", "--windows.near-doubles", "--look", "--workers", "0", "--family", "wan"]
    assert main([*command, "--teacher-seconds", "20", "--cpu-seconds", "1.5", "--mb-per-pair", "15", "--gpu-hour-price", "2"]) == 0
    text = capsys.readouterr().out
    for words in (
        "9 possible",
        "20 s",
        "0.05 GPU-hours",
        "135 MB",
        "yuv420p would be 120 MB",
        "not built",
        "in context",
        "stated: --teacher",
    ):
        assert words in text, words
    assert main([*command, "--limit", "10"]) == 0 and "limit: 10 asked, 9 possible: all are counted" in capsys.readouterr().out
    assert main([*command, "--limit", "9", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["pairs"] == 9 and told["estimate"]["wall_h"] is None and told["tokens_in_context"] == 2 * told["tokens_per_clip"]


PRICED = """
from dataclasses import dataclass
from models.estimate import Estimate
@dataclass(frozen=True)
class Options:
    usd_per_s: float = 0.5
def options(name):
    return Options
def estimate(name, workload, options):
    return Estimate(tokens=100, passes=3, usd=workload.duration_s * options.usd_per_s, basis="price list")
def create(argument=None):
    raise AssertionError("loaded")
"""


def test_what_the_teacher_says_it_takes_is_shown_without_loading_it(sources, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "priced_teacher.py").write_text(PRICED)
    monkeypatch.syspath_prepend(str(tmp_path))
    command = ["plan", "--driving", str(sources / "driving"), "--references", str(sources / "references"), "--size", "32x32", "--fps", "8"]
    command += ["--num-frames", "4", "--windows.near-doubles", "--look", "--workers", "0", "--teacher", "priced_teacher:create"]
    assert main([*command, "--set", "usd-per-s=2"]) == 0
    text = capsys.readouterr().out
    assert "teacher: 100 tokens a pass, 3 passes a pair, 1 USD a pair (price list)" in text and "9.00 USD" in text
    assert main([*command, "--json"]) == 0 and json.loads(capsys.readouterr().out)["teacher_states"]["usd"] == 0.25
    assert main([*command, "--set", "price=2"]) == 2 and "got 'price', expected one of usd_per_s" in capsys.readouterr().err


def test_a_teacher_without_weights_holds_no_gpu_and_its_stated_seconds_count(sources, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path / "cache"))
    stated = PRICED.replace("tokens=100, passes=3", "seconds=2") + "from models.capabilities import Capabilities\n"
    stated += "def capabilities(name):\n    return Capabilities(kind='hosted')\n"
    stated += "def missing(name, options):\n    return ['KEY: not set; export it']\n"
    (tmp_path / "served_teacher.py").write_text(stated)
    monkeypatch.syspath_prepend(str(tmp_path))
    command = ["plan", "--driving", str(sources / "driving"), "--references", str(sources / "references"), "--size", "32x32", "--fps", "8"]
    command += ["--num-frames", "4", "--windows.near-doubles", "--look", "--workers", "0", "--teacher", "served_teacher:create"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "GPU" not in text and "1 CPU held" in text and "teacher: 2 s a pair, as its module states" in text and "0.005 hours" in text
    assert "missing here: KEY: not set; export it; synthesize refuses to begin without it" in text
    assert main([*command, "--teacher-seconds", "4"]) == 0 and "0.01 hours" in capsys.readouterr().out


def test_wrong_use_is_named(sources, capsys):
    command = ["plan", "--driving", str(sources / "driving"), "--references", str(sources / "references")]
    for more, said in (
        (["--gpu-workers", "2"], "--gpu-workers, --cpu-workers: got 2, 0, expected both or none"),
        (["--limit", "0"], "--limit: got 0"),
        (["--teacher-seconds=-1"], "--teacher-seconds: got -1"),
        (["--measured", str(sources)], "--measured: got"),
        (["--family", "sora"], "--family: got sora"),
    ):
        assert main([*command, *more]) == 2 and said in capsys.readouterr().err
    assert main(["plan", "--driving", str(sources / "no"), "--references", str(sources / "references")]) == 2

"""README.md of a dataset: what a hub and a reader need, and nothing of the machine."""

import yaml

from bootstrap.dataset_card import dataset_readme, size_category
from tests.bootstrap.made_dataset import KEPT, finished, key_hash, run_record, source_rows

USED = {key_hash("who"), *(key_hash(f"clip{key[0]}") for key in KEPT)}


def readme(tmp_path, **changes):
    record = {**run_record(finished(tmp_path / "pairs")), **changes}
    return dataset_readme(record, source_rows(), USED)


def test_the_front_matter_is_what_a_hub_reads(tmp_path):
    _, front, text = readme(tmp_path).split("---\n", 2)
    told = yaml.safe_load(front)
    assert told["task_categories"] == ["image-to-video"] and told["size_categories"] == ["n<1K"] and "license" not in told
    assert told["configs"] == [{"config_name": "default", "data_files": [{"split": "train", "path": "shard-*.tar"}]}]
    assert text.lstrip().startswith("# 3 cross-identity training pairs")


def test_it_says_teacher_filters_and_what_sources_said_of_licence_and_consent(tmp_path):
    text = readme(tmp_path)
    assert f"`shift`, weights sha256 `{'ab' * 32}`" in text and "| moving | 0.5 | 4 | 3 (75.0 %) |" in text
    assert "| driving clips | 2 | CC0 | signed |" in text and "| driving clips | 1 | (nothing said) | (nothing said) |" in text
    assert "| identities | 1 | CC0 | signed |" in text and "motion_fidelity" in text


def test_equal_datasets_have_equal_texts_without_place_or_time(tmp_path):
    one, other = readme(tmp_path / "a"), readme(tmp_path / "b")
    assert one == other and str(tmp_path) not in one and "2026" not in one


def test_nothing_kept_has_no_files_to_load_and_no_broken_table(tmp_path):
    counts = {"attempted": 2, "kept": 0, "rejected": 0, "failed": 2, "unreadable": 0}
    text = readme(tmp_path, shards={}, yields={}, counts=counts)
    assert "configs" not in yaml.safe_load(text.split("---\n")[1]) and "load_dataset" not in text and "No check has judged a pair." in text


def test_what_a_table_says_cannot_break_ours(tmp_path):
    record = run_record(finished(tmp_path / "pairs"))
    rows = [{**source_rows()[1], "tags": '{"licence": "a | b\\n<script>"}'}]
    assert "| driving clips | 1 | a \\| b &lt;script> | (nothing said) |" in dataset_readme(record, rows, {rows[0]["sha256"]})


def test_sizes_are_the_hubs_words():
    assert [size_category(n) for n in (0, 999, 1000, 60_000, 10**6, 10**8)] == [
        "n<1K", "n<1K", "1K<n<10K", "10K<n<100K", "1M<n<10M", "n>10M",
    ]  # fmt: skip

"""Reasons stand in what is published: no address, no folder of anybody, one line."""

import pytest

from bootstrap.reasons import reason_of
from models.mllm.errors import Unreachable


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("got ConnectError from http://127.0.0.1:9/v1, expected a reply", "got ConnectError from (an address), expected a reply"),
        ("no access to s3://bucket/key?X-Sig=secret here", "no access to (an address) here"),
        ("cannot open '/home/anna/films/a b.mp4'", "cannot open 'a b.mp4'"),
        ("/data/x/y.mp4: broken", "y.mp4: broken"),
        ("16/9 and/or 4/3 at 1/2 of a/b/c", "16/9 and/or 4/3 at 1/2 of a/b/c"),
    ],
)
def test_addresses_and_folders_are_left_out(said, told):
    assert reason_of(ValueError(said)) == f"ValueError: {told}"


def test_a_model_that_is_away_is_told_by_its_kind_alone():
    assert reason_of(Unreachable("got 503 from https://me:pw@host/v1", transient=True)) == "unreachable: got 503 from (an address)"

"""One Ray cluster for all tests of this folder: starting one costs seconds."""

import pytest

from pipelines import cluster


@pytest.fixture(scope="session")
def two_workers():
    pytest.importorskip("ray")
    with cluster.cluster(2):
        yield

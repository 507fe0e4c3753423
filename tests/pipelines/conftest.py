"""One Ray session for all tests of this folder: starting one costs seconds."""

import pytest

from pipelines.executor.session import session


@pytest.fixture(scope="session")
def two_workers():
    pytest.importorskip("ray")
    with session(2):
        yield

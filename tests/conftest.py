"""What tests find out about files is remembered in a folder of their own, not in the user's cache."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_catalog(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("catalog")
        patch.setattr("bootstrap.sources.catalog.cache_folder", lambda: folder)
        yield

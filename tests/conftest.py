"""What tests find out about files, and prepare of suites, is kept in a folder of their own, not in the user's cache."""

import pytest

LONGEST = (
    "test_pipelines_synthesize.py test_executor_ray.py test_factory_hostile.py test_environment.py test_demo.py test_factory_kills.py "
    "test_pipelines_generate_score.py test_pipelines_wan_animate_teacher.py test_training.py test_awbench_metrics_controls.py "
    "test_factory_nodes.py"
).split()
"""Files of half a minute and more: they start first, so that none is left to run alone at the end."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session", autouse=True)
def own_catalog(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("catalog")
        patch.setattr("bootstrap.sources.catalog.cache_folder", lambda: folder)
        patch.setattr("awbench.suites.prepared.cache_folder", lambda: folder)
        yield

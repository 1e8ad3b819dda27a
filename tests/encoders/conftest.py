import pytest


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache of its own, so that the conversion itself is tested and nobody's cache is written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield

import subprocess
import sys

import pytest

from sts.augment.translation_cache import TranslationCache
from sts.errors import EncoderError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STS_CACHE", str(tmp_path / "cache"))
    return TranslationCache()


def test_a_cache_that_cannot_be_used_says_what_to_do(tmp_path, monkeypatch):
    damaged = tmp_path / "damaged.sqlite3"
    damaged.write_text("this is no SQLite file, and long enough to be read as one" * 10)
    with pytest.raises(EncoderError, match=r"damaged\.sqlite3: the translations in it can't be used \(file is not a d"):
        TranslationCache(damaged).get("maker", ["가"])
    monkeypatch.setenv("STS_CACHE", str(damaged / "cache"))
    with pytest.raises(EncoderError, match=r"cache: can't be written \(Not a directory\); set STS_CACHE to a folder"):
        TranslationCache().put("maker", {})


def test_translations_belong_to_their_maker(cache):
    cache.put("a", {"가": ["x", "y"], "나": []})
    cache.put("b", {"가": ["z"]})
    assert cache.get("a", ["가", "나", "다"]) == {"가": ["x", "y"], "나": []}
    assert cache.get("b", ["가", "나"]) == {"가": ["z"]}


def test_processes_share_the_cache(cache):
    script = (
        "import sys; from sts.augment.translation_cache import TranslationCache as Cache\n"
        "for number in range(100): Cache().put('maker', {f'{sys.argv[1]} {number}': [sys.argv[1]]})"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, name], stderr=subprocess.PIPE) for name in "ab"]
    for process in running:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
    expected = {f"{name} {number}": [name] for name in "ab" for number in range(100)}
    assert cache.get("maker", expected) == expected

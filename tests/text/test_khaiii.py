"""khaiii's part of the work with a module in its place: what its own library does wrong must not reach anybody."""

import ctypes.util
import sys
from types import SimpleNamespace

import pytest

from sts.errors import UsageError
from sts.text.analysers import khaiii as wrapper
from sts.text.analysers.khaiii import KhaiiiAnalyser, fingerprint, has_locale, shared_khaiii


class KhaiiiExcept(Exception):
    """As the binding has it."""


class Api:
    """Counts what is opened, and makes each word a noun, as C would see it."""

    def __init__(self, opened, error=None):
        opened.append(self)
        if error is not None:
            raise error
        self.seen = []

    def version(self):
        return "0.4"

    def analyze(self, text):
        self.seen.append(text)
        text.encode()  # half a character is an error
        assert "\0" not in text  # C's text would end there
        words, place = [], 0
        for word in text.split():
            begin = text.index(word, place)
            place = begin + len(word)
            words.append(SimpleNamespace(morphs=[SimpleNamespace(lex=word, tag="NNG", begin=begin, length=len(word))]))
        return words


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Installs the stand-in, with resources and a locale; what is opened of it is listed."""
    made = []
    package = tmp_path / "khaiii"
    (package / "share" / "khaiii").mkdir(parents=True)
    (package / "share" / "khaiii" / "config.json").write_text("{}")
    module = SimpleNamespace(
        __file__=str(package / "__init__.py"), KhaiiiExcept=KhaiiiExcept, KhaiiiApi=lambda: Api(made)
    )
    monkeypatch.setitem(sys.modules, "khaiii", module)
    monkeypatch.setattr(wrapper, "has_locale", lambda name: True)
    shared_khaiii.cache_clear()
    yield made
    shared_khaiii.cache_clear()


def test_one_handle_is_opened_in_a_process(opened):
    for _ in range(3):
        assert [morpheme.form for morpheme in KhaiiiAnalyser().analyse("방이 넓어요")] == ["방이", "넓어요"]
    assert len(opened) == 1


def test_morphemes_stand_where_they_stand_in_the_text(opened):
    found = KhaiiiAnalyser().analyse("방이  넓어요")
    assert [(each.form, each.tag, each.start, each.length) for each in found] == [
        ("방이", "NNG", 0, 2),
        ("넓어요", "NNG", 4, 3),
    ]


def test_a_nul_loses_nothing_of_the_sentence_and_moves_nothing(opened):
    found = KhaiiiAnalyser().analyse("방이\0넓어요")
    assert [(each.form, each.start) for each in found] == [("방이", 0), ("넓어요", 3)]


@pytest.mark.parametrize("half", ["\ud800", chr(0xDFFF)])
def test_half_a_character_is_no_error(opened, half):
    found = KhaiiiAnalyser().analyse(f"방이 {half} 넓어요")
    assert [(each.form, each.start) for each in found] == [("방이", 0), ("\ufffd", 3), ("넓어요", 5)]


@pytest.mark.parametrize("text", ["", "  \n", "\0", "\0 \0"])
def test_nothing_has_no_morphemes_and_is_not_asked_for(opened, text):
    assert KhaiiiAnalyser().analyse(text) == []
    assert opened[0].seen == []


def test_many_texts_come_one_after_the_other(opened):
    found = KhaiiiAnalyser().analyse_many(["가", "나 다"])
    assert [[each.form for each in text] for text in found] == [["가"], ["나", "다"]]


def test_the_resources_have_a_fingerprint_in_the_versions(opened, tmp_path):
    folder = tmp_path / "khaiii" / "share" / "khaiii"
    versions = KhaiiiAnalyser().versions
    assert versions == {"khaiii": "0.4", "khaiii-resources": fingerprint(folder)}
    assert len(versions["khaiii-resources"]) == 12
    (folder / "config.json").write_text("{ }")
    assert fingerprint(folder) != versions["khaiii-resources"]
    shared_khaiii.cache_clear()
    assert KhaiiiAnalyser().versions["khaiii-resources"] == fingerprint(folder)


def test_the_fingerprint_knows_names_and_folders_and_nothing_of_no_folder(tmp_path):
    (tmp_path / "a").mkdir()
    assert fingerprint(tmp_path) == fingerprint(tmp_path / "none") == ""
    (tmp_path / "a" / "x").write_text("1")
    first = fingerprint(tmp_path)
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    second = fingerprint(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, fingerprint(tmp_path)}) == 3


def test_without_resources_the_versions_name_none(opened, tmp_path):
    (tmp_path / "khaiii" / "share" / "khaiii" / "config.json").unlink()
    assert KhaiiiAnalyser().versions == {"khaiii": "0.4"}


def test_without_the_locale_nothing_is_opened_and_the_command_that_makes_it_is_told(opened, monkeypatch):
    asked = []
    monkeypatch.setattr(wrapper, "has_locale", lambda name: asked.append(name))
    with pytest.raises(UsageError) as raised:
        KhaiiiAnalyser()
    assert str(raised.value) == (
        "analyser 'khaiii': needs the locale en_US.UTF-8, which this system does not have; make it with `localedef -i "
        "en_US -f UTF-8 en_US.UTF-8` (on Debian: apt-get install locales), or take kiwi"
    )
    assert asked == ["en_US.UTF-8"]
    assert opened == []


@pytest.mark.parametrize(
    "error",
    [
        OSError("libkhaiii.so: file too short"),
        OSError("libkhaiii.so: wrong ELF class"),
        AttributeError("libkhaiii.so: undefined symbol: khaiii_version"),
        KhaiiiExcept("fail to open resources"),
    ],
)
def test_a_library_or_resources_that_can_not_be_opened_are_told(opened, monkeypatch, error):
    monkeypatch.setattr(sys.modules["khaiii"], "KhaiiiApi", lambda: Api(opened, error))
    with pytest.raises(UsageError) as raised:
        KhaiiiAnalyser()
    assert str(raised.value).startswith(
        f"analyser 'khaiii': its library or resources can't be opened ({error}); build it in a virtual environment "
        "from https://github.com/kakao/khaiii: mkdir build && cd build && cmake .. && make package_python && cd "
        "package_python && pip install . ("
    )
    assert str(raised.value).endswith("), or take kiwi")
    assert "make install" not in str(raised.value)


def test_another_module_of_that_name_is_told(opened, monkeypatch):
    monkeypatch.setitem(sys.modules, "khaiii", SimpleNamespace(__file__="khaiii.py"))
    with pytest.raises(UsageError, match="analyser 'khaiii': "):
        KhaiiiAnalyser()


def test_what_went_wrong_is_tried_again(opened, monkeypatch):
    module = sys.modules["khaiii"]
    whole = module.KhaiiiApi
    monkeypatch.setattr(module, "KhaiiiApi", lambda: Api(opened, OSError("not there yet")))
    with pytest.raises(UsageError):
        KhaiiiAnalyser()
    monkeypatch.setattr(module, "KhaiiiApi", whole)
    assert KhaiiiAnalyser().analyse("가")


def test_the_c_library_knows_its_own_locale_and_none_of_other_names():
    assert has_locale("C")
    assert not has_locale("xx_XX.no-such-locale")


def test_where_there_is_no_way_to_ask_a_locale_is_taken_to_be_there(monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    assert has_locale("xx_XX.no-such-locale")

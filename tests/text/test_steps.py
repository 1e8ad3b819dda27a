import sys
import types

import pytest

from sts.errors import UsageError
from sts.text import TextPipeline
from sts.text.morphemes import Morphemes
from sts.text.spacing import Spacing, gaps
from sts.text.spelling import Spelling, SpellingServiceError


def test_a_number_stays_in_one_piece_through_morphemes():
    step = Morphemes(drop_tags=("NNB", "JKB", "SF"))
    assert step.apply(["10:30에 1,000원, -3점 50% 2020-01-02."])[0] == "10:30 1,000 , -3 50% 2020-01-02"


def test_a_morpheme_that_holds_a_number_stays_whole():
    assert Morphemes().apply(["3·1절을 기념하며", "제3자가 왔다"]) == ["3·1절 을 기념 하 며", "제3자 가 오 었 다"]


def test_numbers_are_dropped_by_their_tag():
    assert Morphemes(drop_tags=("SN",)).apply(["3점 50% 할인"]) == ["점 할인"]
    assert Morphemes(drop_tags=("SW",)).apply(["3점 50% 할인"]) == ["3 점 50% 할인"]


def test_sejong_tags_can_be_dropped_only_where_an_analyser_has_them(monkeypatch):
    class Own:
        sejong = False

    monkeypatch.setattr("sts.text.morphemes.find_analyser", lambda name: Own())
    with pytest.raises(UsageError, match="analyser 'okt' has tags of its own, so Sejong tags can't be dropped"):
        Morphemes("okt", ("JKS",)).apply(["가"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"analyser": "chacha"}, "'analyser' is 'chacha'; allowed are kiwi, khaiii, mecab"),
        ({"drop_tags": ("JKS", "Noun")}, "'drop_tags' holds 'Noun'; allowed are EC, EF"),
    ],
)
def test_unknown_analysers_and_tags(settings, message):
    with pytest.raises(UsageError, match=message):
        Morphemes(**settings)


def test_gaps():
    assert gaps(" 날씨 좋다  요") == {0, 2, 4}
    assert gaps("  ") == set()


def test_spacing_sets_words_apart_and_keeps_numbers():
    assert Spacing().apply(["날씨가좋네요", "회수율을 90%로 올리기로했다"]) == [
        "날씨가 좋네요",
        "회수율을 90%로 올리기로 했다",
    ]


def test_spacing_only_adds_spaces():
    # by itself Kiwi would join "하여야 합니다"
    assert Spacing().apply(["조기  납부하여야 합니다", "\ud800안되요"]) == ["조기  납부하여야 합니다", "\ud800안되요"]


def spaced_by(monkeypatch, space):
    module = types.ModuleType("pykospacing")
    module.Spacing = lambda: space
    monkeypatch.setitem(sys.modules, "pykospacing", module)


def test_pykospacing_is_used_when_it_is_there(monkeypatch, capsys):
    with pytest.raises(UsageError, match=r"not on PyPI: pip install git\+https"):
        Spacing("pykospacing").apply(["가"])
    spaced_by(monkeypatch, lambda sentence: sys.stdout.write("1/1 [====]") and sentence.replace("가나", "가 나"))
    assert Spacing("pykospacing").apply(["가나다\t라"]) == ["가 나다\t라"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "answer", "spaced"),
    [
        ("가나^^ 다", "가 나   다", "가나^^ 다"),
        ("가나 3.5점", "가 나 3 . 5 점", "가 나 3.5 점"),
        ("가나 50%", "가 나 50 %", "가 나 50%"),
        ("약-3도", "약 -3도", "약-3도"),
    ],
)
def test_what_an_engine_may_not_change(monkeypatch, text, answer, spaced):
    spaced_by(monkeypatch, lambda sentence: answer)
    assert Spacing("pykospacing").apply([text]) == [spaced]


def test_spelling_rewrites_only_words_with_a_slip():
    assert Spelling().apply(["안되요  내일 봐요!", "웬만하면  좋아요"]) == ["안 돼요  내일 봐요!", "웬만하면  좋아요"]


def test_spelling_survives_broken_characters():
    assert Spelling().apply(["\ud800안되요 왠만하면", "😀 왠만하면"]) == ["\ufffd안 돼요 웬만하면", "😀 웬만하면"]


def corrected_by(monkeypatch, check):
    package, module = types.ModuleType("hanspell"), types.ModuleType("hanspell.spell_checker")
    module.check = check
    package.spell_checker = module
    monkeypatch.setitem(sys.modules, "hanspell", package)


def answer(text, result=True):
    return types.SimpleNamespace(result=result, checked=text)


def test_hanspell_is_used_when_it_is_there(monkeypatch, capsys):
    with pytest.raises(UsageError, match=r"py-hanspell is not installed.* git\+https://github.com/ssut/py-hanspell"):
        Spelling("hanspell").apply(["가"])
    corrected_by(
        monkeypatch,
        lambda sentence: sys.stdout.write("{}") and answer(sentence.replace("되요", "돼요").replace("3", "세")),
    )
    assert Spelling("hanspell").apply(["안 되요", "안 되요 3개"]) == ["안 돼요", "안 되요 3개"]
    assert capsys.readouterr().out == ""


def test_an_unreachable_service_is_an_error_or_is_counted(monkeypatch):
    def fail(sentence):
        if "끊" in sentence:
            raise ConnectionError("no route to host")
        return answer(sentence + "!")

    corrected_by(monkeypatch, fail)
    with pytest.raises(
        SpellingServiceError, match=r"can't be used \(ConnectionError: no route to host\); check the net"
    ):
        Spelling("hanspell").apply(["끊겼다"])
    prepared = TextPipeline("x", (Spelling("hanspell", "keep"),)).apply(["끊겼다", "된다"])
    assert prepared.sentences == ["끊겼다", "된다!"]
    assert prepared.failed == 1


@pytest.mark.parametrize("reply", [None, {"error": "key"}, ""])
def test_a_service_that_answers_otherwise_is_an_error(monkeypatch, reply):
    corrected_by(monkeypatch, lambda sentence: reply)
    with pytest.raises(SpellingServiceError, match=r"can't be used \(AttributeError: .*take engine kiwi"):
        Spelling("hanspell").apply(["가"])


def test_a_sentence_that_hanspell_refuses_is_an_error_or_is_counted(monkeypatch):
    corrected_by(monkeypatch, lambda sentence: answer("", len(sentence) <= 500))
    with pytest.raises(SpellingServiceError, match=r"refuses '가가.*' \(501 characters; it takes 500\)"):
        Spelling("hanspell").apply(["가" * 501])
    assert list(Spelling("hanspell", "keep").corrected(["가" * 501])) == [("가" * 501, True)]

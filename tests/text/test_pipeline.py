import sys
import types

import pytest

from sts.errors import DataError, UsageError
from sts.pairs.load import sample_file
from sts.pairs.rows import read_pairs
from sts.text import PRESETS, TextPipeline, find_pipeline
from sts.text.morphemes import Morphemes
from sts.text.numbers import numbers
from sts.text.spacing import Spacing
from sts.text.spelling import Spelling, SpellingServiceError


def write(tmp_path, text):
    path = tmp_path / "pipeline.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_none_changes_nothing():
    prepared = find_pipeline("none").apply([" 가!! ", ""])
    assert prepared.sentences == [" 가!! ", ""]
    assert prepared.left_as_is == [False, False]
    assert find_pipeline("none").versions() == {}


def test_original_leaves_stems_and_numbers():
    prepared = find_pipeline("original").apply(["이 영화는 3.5점짜리지만 GOOD!!", "숙소는 깨끗하지 않았어요."])
    assert prepared.sentences == ["이 영화 3.5 이", "숙소 깨끗 않"]
    assert set(find_pipeline("original").versions()) == {"kiwipiepy", "kiwipiepy_model"}


def test_a_sentence_that_would_become_empty_stays_and_is_counted():
    prepared = find_pipeline("original").apply(["OK, good!", "漢字(漢字)", "좋다", "", " "])
    assert prepared.sentences[:3] == ["OK, good!", "漢字(漢字)", "좋"]
    assert prepared.left_as_is == [True, True, False, False, False]


def test_every_number_of_the_sample_survives_every_preset():
    sentences = [pair.sentence1 for pair in read_pairs(sample_file("train.csv"))]
    assert sum(bool(numbers(sentence)) for sentence in sentences) > 30
    for pipeline in PRESETS.values():
        prepared = pipeline.apply(sentences).sentences
        assert [numbers(sentence) for sentence in prepared] == [numbers(sentence) for sentence in sentences]


def test_a_number_stays_in_one_piece_through_morphemes():
    step = Morphemes(drop_tags=("NNB", "JKB", "SF"))
    assert step.apply(["10:30에 1,000원, -3점 50% 2020-01-02."])[0] == "10:30 1,000 , -3 50% 2020-01-02"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_same_after_being_stored(name):
    assert TextPipeline.from_dict(PRESETS[name].to_dict(), "here") == PRESETS[name]


def test_a_file_of_steps(tmp_path):
    path = write(
        tmp_path,
        "name: mine\nsteps:\n- step: cleanse\n  emoji: false\n- step: spacing\n- step: morphemes\n  drop_tags: [JKS]\n",
    )
    pipeline = find_pipeline(path)
    assert pipeline.name == "mine"
    assert pipeline.apply(["날씨가좋다😀"]).sentences == ["날씨 좋 다"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is None; a text pipeline is an object with 'name' and a list 'steps'"),
        ("name: x\nsteps: {}\n", "an object with 'name' and a list 'steps'"),
        ("name: 3\nsteps: []\n", "'name' is 3; it must be text"),
        ("name: x\nsteps: [5]\n", "step 1: 'step' is 5; allowed are normalize, cleanse, spacing, spelling, morphemes"),
        ("name: x\nsteps:\n- step: normalize\n- step: fly\n", "step 2: 'step' is 'fly'; allowed are normalize"),
        (
            "name: x\nsteps:\n- step: normalize\n  hard: 1\n",
            r"\(normalize\): unknown setting 'hard'; allowed are no sett",
        ),
        (
            "name: x\nsteps:\n- step: cleanse\n  emoji: 'no'\n",
            r"\(cleanse\): 'emoji' is 'no'; allowed is true or false",
        ),
        ("name: x\nsteps:\n- step: spacing\n  engine: x\n", "'engine' is 'x'; allowed is 'kiwi' or 'pykospacing'"),
        ("name: x\nsteps:\n- step: morphemes\n  drop_tags: JKS\n", "'drop_tags' is 'JKS'; allowed is a list of texts"),
        ("name: [", "not YAML"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_files_that_hold_no_pipeline(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        find_pipeline(write(tmp_path, text))


def test_names_that_are_no_pipeline():
    with pytest.raises(UsageError, match=r"'orginal': neither a preset \(none, normalize, original\) nor a YAML file"):
        find_pipeline("orginal")
    step = TextPipeline("x", (Morphemes("chacha"),))
    with pytest.raises(UsageError, match="analyser 'chacha' is not known; allowed are kiwi"):
        step.apply(["가"])


def test_spacing_sets_words_apart_and_keeps_numbers():
    assert Spacing().apply(["날씨가좋네요", "회수율을 90%로 올리기로했다"]) == [
        "날씨가 좋네요",
        "회수율을 90%로 올리기로 했다",
    ]


def test_pykospacing_is_used_when_it_is_there(monkeypatch):
    with pytest.raises(UsageError, match=r"not on PyPI: pip install git\+https"):
        Spacing("pykospacing").apply(["가"])
    module = types.ModuleType("pykospacing")
    module.Spacing = lambda: lambda sentence: sentence.replace("가나", "가 나")
    monkeypatch.setitem(sys.modules, "pykospacing", module)
    assert Spacing("pykospacing").apply(["가나다"]) == ["가 나다"]


def test_spelling_rewrites_only_words_with_a_slip():
    assert Spelling().apply(["안되요  내일 봐요!", "웬만하면  좋아요"]) == ["안 돼요  내일 봐요!", "웬만하면  좋아요"]


def hanspell(check):
    package, module = types.ModuleType("hanspell"), types.ModuleType("hanspell.spell_checker")
    module.check = check
    package.spell_checker = module
    return package


def test_hanspell_is_used_when_it_is_there(monkeypatch):
    with pytest.raises(UsageError, match="py-hanspell is not installed: pip install py-hanspell"):
        Spelling("hanspell").apply(["가"])
    answer = lambda sentence: types.SimpleNamespace(checked=sentence.replace("되요", "돼요"))  # noqa: E731
    monkeypatch.setitem(sys.modules, "hanspell", hanspell(answer))
    assert Spelling("hanspell").apply(["안 되요"]) == ["안 돼요"]


def test_an_unreachable_service_is_an_error_or_is_counted(monkeypatch):
    def fail(sentence):
        if "끊" in sentence:
            raise ConnectionError("no route to host")
        return types.SimpleNamespace(checked=sentence + "!")

    monkeypatch.setitem(sys.modules, "hanspell", hanspell(fail))
    with pytest.raises(
        SpellingServiceError, match=r"can't be used \(ConnectionError: no route to host\); check the net"
    ):
        Spelling("hanspell").apply(["끊겼다"])
    prepared = TextPipeline("x", (Spelling("hanspell", "keep"),)).apply(["끊겼다", "된다"])
    assert prepared.sentences == ["끊겼다", "된다!"]
    assert prepared.failed == 1


@pytest.mark.parametrize("text", ["\ud800\x00", "\u202e가", "가" * 20_000, "😀" * 50, "\n\n", "ㅋㅋㅋㅋ", "1" * 400])
def test_hostile_text_comes_through_every_preset(text):
    for pipeline in PRESETS.values():
        prepared = pipeline.apply([text, "숙소"])
        assert len(prepared.sentences) == 2
        assert prepared.sentences[1] == "숙소"
        assert bool(prepared.sentences[0].strip()) == bool(text.strip())

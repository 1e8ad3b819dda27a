import random
import sys
import types

import pytest

from sts.errors import DataError, UsageError
from sts.pairs.load import bundled_file
from sts.pairs.rows import read_pairs
from sts.text import PRESETS, TextPipeline, find_pipeline
from sts.text.morphemes import Morphemes
from sts.text.normalize import Normalize
from sts.text.numbers import numbers
from sts.text.spacing import Spacing
from sts.text.spelling import Spelling


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
    sentences = [pair.sentence1 for pair in read_pairs(bundled_file("sample", "train.csv"))]
    assert sum(bool(numbers(sentence)) for sentence in sentences) > 30
    for pipeline in PRESETS.values():
        prepared = pipeline.apply(sentences).sentences
        assert [numbers(sentence) for sentence in prepared] == [numbers(sentence) for sentence in sentences]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_same_after_being_stored(name):
    assert TextPipeline.from_dict(PRESETS[name].to_dict(), "here") == PRESETS[name]


def test_no_number_is_changed_by_any_step():
    generator = random.Random(0)
    words = (
        "3.5점 1,000원 -3도 .5 50% 10:30에 1/2 3·1절 2020-01-02 COVID-19 제3자 A4 (5) 좋다 왠만하면 했다.3개".split()
    )
    texts = [" ".join(generator.choices(words, k=generator.randint(1, 6))) for _ in range(300)]
    texts += ["".join(generator.choices(words, k=generator.randint(1, 3))) for _ in range(300)]
    expected = [numbers(text) for text in texts]
    for step in (Morphemes(), Morphemes(drop_tags=("NNB", "SW", "SP", "SO", "SF")), Spacing(), Spelling()):
        assert [numbers(text) for text in step.apply(texts)] == expected, step
    prepared = find_pipeline("original").apply(texts)
    assert [numbers(text) for text in prepared.sentences] == expected


def test_versions_are_those_of_the_packages_that_steps_use(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda package: f"version of {package}")
    steps = (Normalize(), Spacing("pykospacing"), Spelling("hanspell"))
    for step, message in ((steps[1], "PyKoSpacing is not installed"), (steps[2], "py-hanspell is not installed")):
        with pytest.raises(UsageError, match=message):
            TextPipeline("x", (step,)).versions()
    for name in ("pykospacing", "hanspell", "hanspell.spell_checker"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["pykospacing"].Spacing = None
    sys.modules["hanspell"].spell_checker = sys.modules["hanspell.spell_checker"]
    assert TextPipeline("x", steps).versions() == {
        "pykospacing": "version of pykospacing",
        "py-hanspell": "version of py-hanspell",
    }
    assert set(TextPipeline("x", (Spelling(),)).versions()) == {"kiwipiepy", "kiwipiepy_model"}


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
        ("name: x\nsteps: [{step: [normalize]}]\n", r"step 1: 'step' is \['normalize'\]; allowed are normalize"),
        ("name: x\nsteps: [{step: normalize, 3: 4}]\n", r"\(normalize\): unknown setting 3; allowed are no settings"),
        ("name: x\nsteps: [{step: morphemes, analyser: mecap}]\n", "'analyser' is 'mecap'; allowed are kiwi, khaiii"),
        ("name: x\nsteps: [{step: morphemes, drop_tags: [JKS, JSK]}]\n", "'drop_tags' holds 'JSK'; allowed are EC, EF"),
        ("name: ' '\nsteps: []\n", "'name' is ' '; it must be text on one line"),
        ('name: "a\\nb"\nsteps: []\n', "'name' is 'a.*nb'; it must be text on one line"),
        ("name: x\nsteps: &again [*again]\n", r"step 1: 'step' is \[\[.*; allowed are normalize"),
        ("name: 2020-13-45\nsteps: []\n", "not YAML .month must be in 1..12"),
        ("name: original\nsteps: []\n", "'name' is 'original', a preset with other steps; choose another name"),
        ("name: [", "not YAML"),
        ("[" * 2000, "not YAML"),
        ("name: x\nsteps: []\n---\nname: y\n", "not YAML .expected a single document"),
        ("!!python/object/apply:os.system ['true']", "not YAML"),
    ],
)
def test_files_that_hold_no_pipeline(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        find_pipeline(write(tmp_path, text))


def test_a_file_that_blows_up_is_refused_at_once(tmp_path):
    doubling = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
    with pytest.raises(DataError, match="a text pipeline is an object with 'name' and a list 'steps'"):
        find_pipeline(write(tmp_path, "l0: &l0 [x]\n" + doubling))
    with pytest.raises(DataError, match=r"step 1: 'step' is .*; allowed are normalize"):
        find_pipeline(write(tmp_path, f"name: x\nsteps:\n- &l0 [x]\n- {{{doubling.replace(chr(10), ', ')}}}\n"))


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_bytes("name: 내것\nsteps: []\n".encode("cp949"))
    with pytest.raises(DataError, match=r"not YAML .'utf-8' codec can't decode"):
        find_pipeline(str(path))


@pytest.mark.parametrize("name", ["orginal", "", "x" * 5000, "a\0b", "."])
def test_names_that_are_no_pipeline(name):
    with pytest.raises(
        UsageError, match=r"text pipeline '.*: neither a preset \(none, normalize, original\) nor a YAML file that"
    ):
        find_pipeline(name)


@pytest.mark.parametrize("text", ["\ud800\x00", "\u202e가", "가" * 20_000, "😀" * 50, "\n\n", "ㅋㅋㅋㅋ", "1" * 400])
def test_hostile_text_comes_through_every_preset(text):
    for pipeline in PRESETS.values():
        prepared = pipeline.apply([text, "숙소"])
        assert len(prepared.sentences) == 2
        assert prepared.sentences[1] == "숙소"
        assert bool(prepared.sentences[0].strip()) == bool(text.strip())

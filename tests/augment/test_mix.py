import pytest

from sts.augment import AugmentSettings, check_settings, parse_mix
from sts.augment.mix import make_methods
from sts.errors import UsageError


def test_names_have_weight_one_unless_another_is_given():
    assert parse_mix(["sr", "ri:2", "swap:0.5"]) == {"sr": 1.0, "ri": 2.0, "swap": 0.5}


def test_eda_stands_for_four_methods():
    assert parse_mix(["eda"]) == {"sr": 1.0, "ri": 1.0, "rs": 1.0, "rd": 1.0}
    assert parse_mix(["aeda", "eda:2"]) == {"aeda": 1.0, "sr": 2.0, "ri": 2.0, "rs": 2.0, "rd": 2.0}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no method is given; allowed are eda"),
        (["synonyms"], "method 'synonyms' is not known; allowed are eda .sr ri rs rd., sr, ri"),
        (["sr", "sr:2"], "method 'sr' is given twice in 'sr sr:2'"),
        (["rd", "eda"], "method 'rd' is given twice"),
        (["sr:0"], "method 'sr:0': the weight is '0'; it must be a number above 0"),
        (["sr:-1"], "the weight is '-1'"),
        (["sr:"], "the weight is ''"),
        (["sr:viel"], "the weight is 'viel'"),
        (["sr:nan"], "the weight is 'nan'"),
        (["sr:inf"], "the weight is 'inf'"),
    ],
)
def test_a_mix_that_makes_no_sense_says_why(words, message):
    with pytest.raises(UsageError, match=message):
        parse_mix(words)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 0}, "--alpha is 0, allowed is above 0 and at most 1"),
        ({"alpha": 1.1}, "--alpha is 1.1"),
        ({"alpha": float("nan")}, "--alpha is nan"),
        ({"new_per_pair": 0}, "--new-per-pair is 0, allowed is 1 to 1000"),
        ({"label_bound": 5.5}, "--label-bound is 5.5, allowed is 0 to 5"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(UsageError, match=message):
        AugmentSettings(**settings)


@pytest.mark.parametrize(
    ("mix", "settings", "message"),
    [
        (["aeda"], {"alpha": 0.2}, "--alpha goes with the methods sr, ri, rs, rd, mlm; the mix is aeda"),
        (["rs", "rd"], {"thesaurus": "wordnet"}, "--thesaurus goes with the methods sr, ri; the mix is rs, rd"),
        (["aeda"], {"word_column": "w"}, "--word-column goes with the methods sr, ri"),
        (["eda"], {"ko_en": "a", "en_ko": "b"}, "--ko-en goes with the methods bt"),
        (["eda", "mlm"], {"en_ko": "b"}, "--en-ko goes with the methods bt"),
        (["sr"], {"pos_column": "p"}, "--pos-column: only for a table of words; --thesaurus is kiwi"),
        (["sr"], {"label_bound": 1.0}, "--label-bound: goes with --label-with"),
        (["sr"], {"label_action": "drop"}, "--label-action: goes with --label-with"),
    ],
)
def test_settings_that_nothing_would_read_are_refused(mix, settings, message):
    with pytest.raises(UsageError, match=message):
        check_settings(parse_mix(mix), AugmentSettings(**settings))


@pytest.mark.parametrize(
    ("mix", "settings"),
    [
        (["eda"], {}),
        (["mlm"], {"alpha": 0.3}),
        (["ri"], {"thesaurus": "words.csv", "word_column": "w", "synonym_column": "s", "pos_column": "p"}),
        (["bt"], {}),
        (["bt"], {"ko_en": "a", "en_ko": "b"}),
        (["swap"], {"label_with": "runs/cross", "label_bound": 1.0, "label_action": "drop"}),
    ],
)
def test_settings_that_a_method_reads_are_fine(mix, settings):
    check_settings(parse_mix(mix), AugmentSettings(**settings))


def test_only_the_methods_of_the_mix_are_made():
    assert make_methods({"swap": 1.0}, AugmentSettings()) == {}
    made = make_methods({"rd": 1.0, "aeda": 2.0, "sr": 1.0}, AugmentSettings(alpha=0.3))
    assert {name: method.name for name, method in made.items()} == {"rd": "rd", "aeda": "aeda", "sr": "sr"}
    assert made["rd"].alpha == made["sr"].alpha == 0.3


def test_a_table_of_synonyms_is_read_by_its_columns(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("낱말,비슷한말\n식당,음식점\n", encoding="utf-8")
    settings = AugmentSettings(thesaurus=str(path), word_column="낱말", synonym_column="비슷한말")
    thesaurus = make_methods({"sr": 1.0}, settings)["sr"].thesaurus
    assert [synonym.form for synonym in thesaurus.synonyms("식당", "NNG")] == ["음식점"]


def test_models_and_thesaurus_are_those_of_the_settings(monkeypatch):
    made = {}
    for target in ("mlm.MaskedInsertion", "back_translation.BackTranslation"):
        name = target.split(".")[1]

        class Recorder:
            def __init__(self, _name=name, **settings):
                self.name = {"MaskedInsertion": "mlm", "BackTranslation": "bt"}[_name]
                made[self.name] = settings

        monkeypatch.setattr(f"sts.augment.{target}", Recorder)
    methods = make_methods({"bt": 1.0, "mlm": 1.0}, AugmentSettings(alpha=0.4, ko_en="a", en_ko="b"))
    assert set(methods) == {"bt", "mlm"}
    assert made == {"mlm": {"alpha": 0.4}, "bt": {"ko_en": "a", "en_ko": "b"}}

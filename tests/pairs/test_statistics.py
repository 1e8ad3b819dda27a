from collections import Counter

import pytest

from sts.pairs import load_pairs
from sts.pairs.comparison import compare, letters
from sts.pairs.statistics import Conflict, Source, describe


@pytest.fixture
def describing(tmp_path):
    """Describes rows of `sentence1,sentence2,label[,source]`."""

    def describing(*rows, name="set"):
        path = tmp_path / f"{name}.csv"
        header = "sentence1,sentence2,label" + ",source" * (rows[0].count(",") == 3)
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        loaded = load_pairs([str(path)], announce=lambda line: None, on_bad_row="skip")
        return describe(loaded, name, lambda analyses, total: analyses)

    return describing


def test_what_is_counted(describing):
    found = describing(
        "방이 넓어요,메일을 지워 줘,0.0",
        "방이 넓어요,방이 넓어요,5.0",
        "방이 넓어요,메일을 지워 줘,0.0",  # a duplicate
        "메일을 지워 줘,방이 넓어요,0.0",  # mirrored
        "숙소는 깨끗해요,숙소가 깨끗합니다,4.8",
        "숙소는 깨끗해요,,3",
        "가,나,7",
    )
    assert len(found.label) == 4
    assert (found.duplicates, found.mirrored, found.identical) == (1, 1, 1)
    assert found.conflicts == []
    assert found.similar == 0.5
    assert found.repeated == [("방이 넓어요", 4), ("메일을 지워 줘", 2)]
    assert [(row.place, row.problem.split(";")[0]) for row in found.bad_rows] == [
        ("line 7", "field 'sentence2' is empty"),
        ("line 8", "field 'label' is 7"),
    ]
    assert found.sources == []


def test_labels_contradict_in_whichever_order_the_sentences_stand(describing):
    found = describing("가나,다라,1", "다라,가나,1.5", "마바,사아,0", "마바,사아,4", "마바,사아,2", "차카,타파,3")
    assert found.conflicts == [Conflict("마바", "사아", (0.0, 4.0, 2.0)), Conflict("가나", "다라", (1.0, 1.5))]
    assert found.mirrored == 0


def test_three_is_similar(describing):
    assert describing("가나,다라,2.99", "마바,사아,3.0").similar == 0.5


def test_lengths_and_words_are_of_distinct_sentences(describing):
    found = describing("숙소가 좋아요,숙소가 넓다,4", "숙소가 좋아요,비가 온다,0")
    assert sorted(found.characters.tolist()) == [5, 6, 7]
    # 비 가 오 ᆫ다; 숙소 가 넓 다; 숙소 가 좋 어요
    assert sorted(found.morphemes.tolist()) == [4, 4, 4]
    assert found.words == Counter({"숙소": 2, "좋다": 1, "넓다": 1, "비": 1, "오다": 1})


def test_a_word_that_a_sentence_has_twice_counts_once(describing):
    assert describing("비가 오고 비가 온다,숙소,1").words["비"] == 1


ROWS = [
    "가나다라,가나다라,0",  # overlap 1
    "가나다,가나마,2",  # one of three bigrams
    "바사,아자,5",  # 0
    "차카,타파,3",  # 0
]


def test_overlap_and_its_correlation(describing):
    found = describing(*ROWS)
    assert found.overlap.tolist() == [1.0, pytest.approx(1 / 3), 0.0, 0.0]
    # sums of products of what is left without the means: -8/3, 2/3 and 13
    assert found.pearson == pytest.approx(-(8 / 3) / (2 / 3 * 13) ** 0.5)


def test_the_most_surprising_pairs_come_first(describing):
    found = describing(*ROWS)
    # ranks by overlap 4, 3, 1.5, 1.5 and by label 1, 2, 4, 3
    assert [(each.sentence1, each.score) for each in found.much_overlap] == [("가나다라", 0.75), ("가나다", 0.25)]
    assert [(each.sentence1, each.score) for each in found.little_overlap] == [("바사", -0.625), ("차카", -0.375)]
    assert (found.little_overlap[0].label, found.little_overlap[0].overlap) == (5.0, 0.0)


def test_ten_pairs_of_each_kind_are_listed(describing):
    rows = [f"가나다{number},가나다{number},{number / 100}" for number in range(15)]
    rows += [f"바사{number},아자{number}차,{4 + number / 100}" for number in range(15)]
    found = describing(*rows)
    assert len(found.much_overlap) == len(found.little_overlap) == 10
    assert {each.sentence1[:3] for each in found.much_overlap} == {"가나다"}


def test_where_overlap_and_label_agree_nothing_is_surprising(describing):
    found = describing("가나다,가나다,5", "가나다,가나마,3", "바사,아자,0")
    assert found.much_overlap == found.little_overlap == []
    assert found.pearson > 0.9


@pytest.mark.parametrize(
    "rows",
    [
        # the mean of three times 1.4 is not 1.4 in floating point
        ["가나다,가나,1.4", "가나다라,가마,1.4", "사아자,사아,1.4"],
        ["가나,다라,1", "마바,사아,2", "차카,타파,3"],
        ["가나다,가나,1"],
        ["가나다,가나,1", "가나다라,가마,3"],
    ],
    ids=["one label", "one overlap", "one pair", "two pairs"],
)
def test_a_correlation_that_says_nothing_is_left_out(describing, rows):
    assert describing(*rows).pearson is None


def test_sources_come_with_their_balance_largest_first(describing):
    found = describing("가나,다라,1,집", "마바,사아,4,숙소", "마바,사하,1,숙소", "차카,타파,3.5,")
    assert found.sources == [Source("숙소", 2, 2.5, 0.5), Source("집", 1, 1.0, 0.0), Source("(none)", 1, 3.5, 1.0)]


def test_sentences_in_both_sets_are_found(describing):
    train = describing("불을 켜 줘.,조명을 켜 줘,4", "비가 오나요?,Wi-Fi 돼요,0", name="train")
    dev = describing("비가 오나요?,눈이 와요,2", "불을 켜줘!,WIFI 돼요,0", "방이 넓어요,방이 좁아요,1", name="dev")
    found = compare(train, dev)
    assert found.shared == ["비가 오나요?"]
    assert found.alike == ["불을 켜줘!", "WIFI 돼요"]
    assert found.touched == 1


def test_sentences_of_nothing_but_marks_differ():
    assert letters("...") != letters("!!!")
    assert letters("네, 네!") == letters("네네")

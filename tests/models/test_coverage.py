import re
import unicodedata

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from sts.bundled import BUNDLED_BI, BUNDLED_CROSS
from sts.models import load_scorer
from sts.models.coverage import Coverage, claims, coverages, split_long_words, unknown_id, unknown_shares


class Syllables:
    """Reads Hangul, letters and marks, a piece each; any other word is one unknown piece."""

    unknown_id = 1

    def offsets(self, sentences, limit):
        assert limit is None  # what was cut was not read either, and is told by `truncated`
        ids, spans = [], []
        for text in sentences:
            ids.append([0])
            spans.append([(0, 0)])
            for word in re.finditer(r"\S+", text):
                if re.fullmatch(r"[가-힣a-z.,!?]+", word[0]):
                    ids[-1] += [2] * len(word[0])
                    spans[-1] += [(n, n + 1) for n in range(*word.span())]
                else:
                    ids[-1].append(1)
                    spans[-1].append(word.span())
        return {"input_ids": ids}, spans


def claimed(*pairs):
    """What may be said of pairs, by the reader above."""
    columns = [list(column) for column in zip(*pairs, strict=True)]
    found = [coverages(Syllables(), column, range(len(pairs))) for column in columns]
    return claims(pairs, *found)


@pytest.mark.parametrize(
    ("read", "missed", "share"),
    [
        ("가나다", "", 0.0),
        ("가나다", "😀", 0.25),
        ("가나다.", "😀", 0.25),  # a full stop is no text that was read
        ("가나다", "…", 0.0),  # nor one that was missed, beside others
        (".", "…", 1.0),  # but where there is nothing else, nothing was read
        ("", "สวัสดี", 1.0),
        ("", "\u200b", 1.0),
        ("가", "👨\u200d👩\u200d👧", 0.75),
    ],
)
def test_the_share_counts_what_carries_a_text(read, missed, share):
    assert Coverage(read, missed).unknown == share


def test_only_suspects_and_texts_without_a_common_character_are_looked_at():
    found = coverages(Syllables(), ["가 😀", "나 😀", "😀", "다"], [0])
    assert found == {0: Coverage("가", "😀"), 2: Coverage("", "😀")}
    assert coverages(Syllables(), ["가 나", "다"], []) == {}
    np.testing.assert_array_equal(unknown_shares(found, 4), np.array([0.5, 0, 1, 0], np.float32))


def test_texts_of_which_nothing_was_read_are_alike_only_if_they_are_the_same():
    said = claimed(("😀", "😡"), ("😀", "😀"), ("😀", "가나"), ("สวัสดี", "ขอบคุณ"), ("가나", "다라"))
    assert said.fixed == {0: 0.0, 1: 5.0, 2: 0.0, 3: 0.0}
    assert said.unread.tolist() == [True, False, True, True, False]
    assert said.unknown.tolist() == [1, 1, 1, 1, 0]
    assert said.apply(np.full(5, 3.5, np.float32)).tolist() == [0, 5, 0, 0, 3.5]


@pytest.mark.parametrize("pair", [("😀", "오늘 회의는 취소되었습니다 😀"), ("안녕하세요 สวัสดี", "สวัสดี")])
def test_a_text_of_which_nothing_was_read_is_not_one_that_holds_it(pair):
    said = claimed(pair)
    assert said.fixed == {0: 0.0}
    assert said.unread.tolist() == [True]


def test_more_missed_than_read_is_too_much_unless_it_is_the_same():
    said = claimed(("가 你好吗", "가 再见了"), ("가 你好吗", "나 你好吗"), ("가나다 你好", "라마바 再见"))
    assert said.unread.tolist() == [True, False, False]
    assert said.unknown.tolist() == [0.75, 0.75, pytest.approx(0.4)]
    assert said.fixed == {}


def test_texts_that_differ_in_what_was_not_read_alone_are_not_alike():
    said = claimed(("좋아요 😀", "좋아요 😡"), ("좋아요 😀", "좋아요 😀"), ("좋아요 😀", "싫어요 😀"))
    assert said.unread.tolist() == [True, False, False]


def test_what_one_text_has_beside_the_other_and_was_not_read_says_nothing_against_them():
    assert claimed(("회의는 세 시에 합니다 🙅", "회의는 세 시에 합니다")).unread.tolist() == [False]


def test_nothing_is_said_of_pairs_that_were_read_whole():
    said = claimed(("가", "나"), ("가.", "가!"))
    assert (said.fixed, said.unread.any(), said.unknown.any()) == ({}, False, False)


def wordpiece(limit=10):
    words = ["[UNK]", *"가나다", *(f"##{letter}" for letter in "가나다")]
    model = models.WordPiece(
        {word: n for n, word in enumerate(words)}, unk_token="[UNK]", max_input_chars_per_word=limit
    )
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def test_words_that_are_too_long_for_wordpiece_are_parted():
    tokenizer = wordpiece()
    long, other = "가" * 25, "나" * 25
    assert tokenizer.encode(long).tokens == ["[UNK]"]
    split_long_words(tokenizer)
    assert tokenizer.encode(long).tokens == ["가", *["##가"] * 9, "가", *["##가"] * 9, "가", *["##가"] * 4]
    assert tokenizer.encode(long).ids != tokenizer.encode(other).ids
    assert tokenizer.encode("가나 다").tokens == ["가", "##나", "다"]
    assert tokenizer.encode(long).offsets[-1] == (24, 25)


def test_a_tokenizer_is_changed_once_and_keeps_the_change_when_it_is_saved():
    tokenizer = wordpiece()
    split_long_words(tokenizer)
    text = tokenizer.to_str()
    split_long_words(tokenizer)
    assert tokenizer.to_str() == text
    again = Tokenizer.from_str(text)
    split_long_words(again)
    assert again.to_str() == text
    assert "[UNK]" not in again.encode("다" * 101).tokens


def test_a_tokenizer_without_pre_tokenizer_parts_long_words_too():
    tokenizer = wordpiece()
    tokenizer.pre_tokenizer = None
    split_long_words(tokenizer)
    assert tokenizer.encode("가" * 12).tokens == ["가", *["##가"] * 9, "가", "##가"]


def test_other_kinds_of_tokenizers_stay_as_they_are():
    tokenizer = Tokenizer(models.Unigram([("<s>", 0.0), ("<unk>", 0.0), ("가", -1.0)], unk_id=1))
    before = tokenizer.to_str()
    split_long_words(tokenizer)
    assert tokenizer.to_str() == before


def test_each_kind_of_tokenizer_has_its_unknown_piece():
    assert unknown_id(wordpiece()) == 0
    assert unknown_id(Tokenizer(models.Unigram([("<s>", 0.0), ("<unk>", 0.0), ("가", -1.0)], unk_id=1))) == 1
    assert unknown_id(Tokenizer(models.Unigram([("가", -1.0)]))) is None
    assert unknown_id(Tokenizer(models.BPE({"가": 0, "<unk>": 1}, [], unk_token="<unk>"))) == 1
    assert unknown_id(Tokenizer(models.BPE({"가": 0}, []))) is None


@pytest.fixture(scope="module", params=[BUNDLED_CROSS, BUNDLED_BI], ids=["cross", "bi"])
def scorer(request):
    return load_scorer(request.param)


def verdicts(scorer, *pairs):
    scored = scorer.score(*(list(column) for column in zip(*pairs, strict=True)))
    return scored, scored.similar(scorer.info.threshold)


def test_the_bundled_scorers_claim_nothing_of_what_they_can_not_read(scorer):
    pairs = [("😀", "😡"), ("สวัสดี", "ขอบคุณ"), ("Привет", "Пока"), ("مرحبا", "شكرا")]
    scored, similar = verdicts(scorer, *pairs)
    assert scored.scores.tolist() == [0] * 4
    assert scored.unknown.tolist() == [1] * 4
    assert not similar.any()
    same, alike = verdicts(scorer, *((a, a) for a, _ in pairs))
    assert same.scores.tolist() == [5] * 4
    assert alike.all()
    assert same.unknown.tolist() == [1] * 4


@pytest.mark.parametrize("pair", [("\u200b", "안녕하세요"), ("\u200b", "\u3164"), ("\ufeff", "\u00ad")])
def test_the_bundled_scorers_claim_nothing_of_what_nobody_sees(scorer, pair):
    scored, similar = verdicts(scorer, pair)
    assert scored.unknown.tolist() == [1]
    assert scored.scores.tolist() == [0]
    assert not similar.any()


def test_the_bundled_scorers_do_not_take_a_sentence_for_its_emoji(scorer):
    scored, similar = verdicts(scorer, ("😀", "오늘 회의는 취소되었습니다 😀"))
    assert not similar.any()
    assert scored.scores[0] == 0


def test_the_bundled_scorers_tell_how_much_they_did_not_read(scorer):
    scored, similar = verdicts(scorer, ("좋아요 😀", "좋아요 😡"), ("좋아요 😀", "좋아요 😀"), ("좋아요", "좋습니다"))
    assert scored.unknown.tolist() == [0.25, 0.25, 0]
    assert similar.tolist() == [False, True, True]
    assert scored.unread.tolist() == [True, False, False]


def test_the_bundled_scorers_read_both_forms_of_hangul_as_one(scorer):
    texts = ["방이 정말 깨끗했어요.", "내일 비가 올까?", "ㅋㅋㅋ 좋아요"]
    apart = [unicodedata.normalize("NFD", text) for text in texts]
    same = scorer.score(texts, texts).scores
    np.testing.assert_array_equal(scorer.score(texts, apart).scores, same)
    np.testing.assert_array_equal(scorer.score(apart, apart).scores, same)


def test_the_bundled_scorers_read_long_words(scorer):
    one = "오늘회의에서는내년예산과인력계획을검토했고담당부서가다음주까지수정안을제출하기로하였다" * 3
    other = "아이들이좋아하는맛있는떡볶이를집에서간단하게만드는방법을사진과함께차근차근소개합니다" * 3
    assert min(len(one), len(other)) > 100
    scored, similar = verdicts(scorer, (one, one), (one, other))
    assert scored.unknown.tolist() == [0, 0]
    assert similar.tolist() == [True, False]

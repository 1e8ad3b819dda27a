import pytest

from sts.augment.check import problem
from sts.augment.sentence import analyse


@pytest.mark.parametrize(
    ("source", "new", "reason"),
    [
        ("숙소는 깨끗해요.", "방은 깨끗해요.", None),
        ("숙소는 깨끗해요.", " ", "empty"),
        ("숙소는 깨끗해요.", "숙소는  깨끗해요. ", "unchanged"),
        ("별점은 3.5점이다.", "별점은 3점이다.", "numbers"),
        ("별점은 3.5점이다.", "별점이다.", "numbers"),
        ("방 두 개를 예약했다.", "방 세 개를 예약했다.", "numbers"),
        ("방이 깨끗하지 않아요.", "방이 깨끗해요.", "negation"),
        ("영화를 봤다.", "영화를 안 봤다.", "negation"),
        ("서울에서 밥을 먹었다.", "도시에서 밥을 먹었다.", "names"),
        ("밥을 먹었다.", "쿵칵봇뷁을 먹었다.", "unknown words"),
        ("숙소는 깨끗하고 조용했다.", "숙소 해는요 뚫 조용 끗다깨 했.", "unlikely"),
    ],
)
def test_why_a_sentence_may_not_be_used(source, new, reason):
    old, made = analyse([source, new])
    found = problem(old, made)
    # what is no Korean any more is mostly unknown too
    assert found == reason or (reason == "unlikely" and found in ("unlikely", "unknown words"))

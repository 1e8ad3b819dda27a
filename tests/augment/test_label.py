from dataclasses import replace

import numpy as np
import pytest

from sts.augment import AugmentSettings, Counts, augment_pairs
from sts.augment.label import judge
from sts.models import Scored
from sts.pairs.rows import Pair


class Lookup:
    """A scorer that knows the scores of some first sentences, and counts what it is asked."""

    def __init__(self, scores):
        self.scores, self.asked = scores, []

    def score(self, sentence1, sentence2, *, batch_size=64, progress=False):
        self.asked.append(list(zip(sentence1, sentence2, strict=True)))
        none = np.zeros(len(sentence1), dtype=bool)
        return Scored(np.array([self.scores[text] for text in sentence1], dtype=np.float32), none, none, none, none)


SOURCE = Pair("원문", "짝", 3.5, "g", "news", 1)
KEPT, MOVED, FAR = (
    replace(SOURCE, sentence1=text, guid=f"g-sr{number}") for number, text in enumerate(("가", "나", "다"))
)
# the scorer is 1.5 points below the annotators, which says nothing about a change
SCORER = {"원문": 2.0, "가": 2.5, "나": 1.25, "다": 4.75}


def test_a_label_moves_by_as_much_as_the_score_beyond_the_bound():
    judged = judge(Lookup(SCORER), [SOURCE] * 3, [KEPT, MOVED, FAR], bound=0.5, action="relabel")
    assert judged[0] is KEPT
    assert judged[1] == replace(MOVED, label=2.75, binary_label=None)
    assert judged[2] == replace(FAR, label=5.0, binary_label=None)  # 3.5 + 2.75 is more than there is


def test_a_label_does_not_fall_below_zero():
    source, new = replace(SOURCE, label=0.5), replace(MOVED, label=0.5)
    assert judge(Lookup(SCORER), [source], [new], bound=0.5, action="relabel")[0].label == 0.0


def test_pairs_whose_score_moves_too_far_are_dropped_when_asked():
    judged = judge(Lookup(SCORER), [SOURCE] * 3, [MOVED, KEPT, FAR], bound=0.5, action="drop")
    assert judged == [None, KEPT, None]


def test_with_a_bound_of_zero_every_moved_label_moves():
    judged = judge(Lookup(SCORER), [SOURCE], [KEPT], bound=0.0, action="relabel")
    assert judged[0].label == pytest.approx(4.0)


def test_all_is_scored_in_one_call_and_a_source_once():
    scorer = Lookup(SCORER)
    judge(scorer, [SOURCE] * 3, [KEPT, MOVED, FAR], bound=0.5, action="drop")
    assert scorer.asked == [[("원문", "짝"), ("가", "짝"), ("나", "짝"), ("다", "짝")]]


def test_a_real_scorer_moves_labels_by_its_own_scores(tiny_encoder, tmp_path):
    import torch

    from sts.models import CrossScorer, ScorerInfo
    from sts.models.network import new_cross_network
    from sts.models.torch_runtime import TorchRuntime

    torch.manual_seed(1)
    info = ScorerInfo("cross", "tiny", "a test", "linear", max_length=32, orders="one")
    scorer = CrossScorer(TorchRuntime(new_cross_network(tiny_encoder, head="linear", max_length=32), "fp32"), info)
    scorer.save(tmp_path)
    pairs = [Pair("숙소는 깨끗해요.", "방이 깔끔합니다.", 2.5), Pair("불 꺼 줘.", "메일을 지워 줘.", 2.5)]
    counts = Counts()
    settings = AugmentSettings(new_per_pair=1, label_with=str(tmp_path), label_bound=0.0)
    new = list(augment_pairs(pairs, {"swap": 1.0}, settings, seed=0, counts=counts))
    first, second = [pair.sentence1 for pair in pairs], [pair.sentence2 for pair in pairs]
    moved = scorer.score(second, first).scores - scorer.score(first, second).scores
    assert abs(moved).min() > 0.01
    assert [pair.label for pair in new] == pytest.approx((2.5 + moved).tolist(), abs=0.03)  # it may compute in bf16
    assert (counts.relabelled, counts.new) == (2, 2)

from types import SimpleNamespace

import numpy as np
import pytest

from sts.models import Scored, ScorerInfo

# label, first sentence, second sentence; the fake scorer gives 1 point for each shared word
PAIRS = [
    (0.0, "오늘 날씨 좋다", "나는 밥 먹는다"),
    (1.0, "오늘 날씨 좋다", "오늘 나는 먹는다"),
    (2.5, "오늘 날씨 좋다", "오늘 날씨 나쁘다"),
    (3.0, "오늘 날씨 좋다", "오늘 날씨 좋다"),
    (4.0, "가 나 다 라", "라 다 나 가"),
    (5.0, "파이프 | 와 *별*", "파이프 | 와 별"),
]


class SharedWords:
    """A scorer that counts shared words, plus 0.1 where the first sentence is the longer one."""

    def __init__(self, folder, bonus=0.0, threshold=3.0, fingerprint=None):
        self.bonus = bonus
        self.runtime = SimpleNamespace(backend="torch")
        self.info = ScorerInfo(
            "cross",
            f"base of {folder.name}",
            "a test",
            "linear",
            16,
            orders="one",
            threshold=threshold,
            data={"fingerprint": fingerprint},
        )

    def score(self, sentence1, sentence2, *, batch_size=64, progress=False):
        pairs = list(zip(sentence1, sentence2, strict=True))
        shared = [len(set(a.split()) & set(b.split())) + 0.1 * (len(a) > len(b)) + self.bonus for a, b in pairs]
        cut = np.array(["파이프" in a for a, _ in pairs])
        none = np.zeros(len(pairs), bool)
        scores = np.clip(shared, 0, 5).astype(np.float32)
        return Scored(scores, cut, none, none.astype(np.float32), none)


@pytest.fixture
def pairs_file(tmp_path):
    path = tmp_path / "pairs.csv"
    rows = [f"p{row},{label},{a},{b}" for row, (label, a, b) in enumerate(PAIRS)]
    path.write_text("\n".join(["guid,label,sentence1,sentence2", *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def scorers(monkeypatch, tmp_path):
    """Two folders that `load_scorer` takes for scorers; the second one scores half a point higher."""
    made = {}
    for name, bonus in (("plain", 0.0), ("generous", 0.5)):
        (tmp_path / name).mkdir()
        made[tmp_path / name] = SharedWords(tmp_path / name, bonus)

    def load(folder, *, precision="auto", orders=None, backend="auto"):
        return made[folder]

    monkeypatch.setattr("sts.models.load_scorer", load)
    return made


@pytest.fixture
def predictions_file(tmp_path):
    """Writes a file of predictions: labels 0, 1, ... 5, and these scores."""

    def write(name, *scores, guids="abcdef"):
        rows = [
            f"{guid},{label},{int(label >= 3)},{score},{int(score >= 3)}"
            for label, (guid, score) in enumerate(zip(guids, scores, strict=True))
        ]
        path = tmp_path / name
        header = "guid,true_real_label,true_binary_label,predict_real_label,predict_binary_label"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write

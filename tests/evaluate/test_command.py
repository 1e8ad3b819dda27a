import json

import pytest

from sts.cli import run
from sts.errors import DataError, UsageError
from sts.evaluate.command import evaluate


def test_a_model_on_data(scorers, pairs_file, tmp_path, capsys):
    model, *_ = scorers
    out = tmp_path / "out"
    arguments = ["--model", str(model), "--data", str(pairs_file), "--output", str(out), "--bootstrap", "20"]
    assert run(evaluate, "evaluate", arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"measuring {model} on {pairs_file}: 6 rows"
    assert f"model {model}: cross-encoder from base of plain" in lines
    assert (
        "1 of 6 pairs were longer than 16 tokens and cut there; 0 hold text that the model does not know, 0 more of "
        "it than of other text"
    ) in lines
    assert lines[-2] == f"files in {out}: metrics.json, plots, predictions.csv, report.md"
    assert lines[-1] == f"read {out / 'report.md'}"
    titles = [line.split()[0] for line in lines if line.startswith((" Pearson", "Pearson", "MAE", " MAE"))]
    assert titles == ["Pearson", "MAE"]


def test_what_a_model_wrote_can_be_measured_again(scorers, pairs_file, tmp_path, capsys):
    model, *_ = scorers
    evaluate(model=model, data=[str(pairs_file)], output=tmp_path / "out", bootstrap=20)
    first = json.loads((tmp_path / "out" / "metrics.json").read_text())["metrics"]
    capsys.readouterr()
    evaluate(predictions=tmp_path / "out" / "predictions.csv", bootstrap=20, json=True)
    again = json.loads(capsys.readouterr().out)["metrics"]
    assert again.pop("order_gap") is None
    del first["order_gap"]
    assert again.pop("rows") == first.pop("rows") == 6
    for name, estimate in again.items():
        assert estimate["value"] == pytest.approx(first[name]["value"], abs=1e-6)
        assert estimate["low"] == pytest.approx(first[name]["low"], abs=1e-6)


def test_repeated_rows_are_measured_as_they_are(scorers, pairs_file, capsys):
    model, *_ = scorers
    evaluate(model=model, data=[str(pairs_file), str(pairs_file)], bootstrap=0, json=True)
    assert json.loads(capsys.readouterr().out)["metrics"]["rows"] == 12


def test_bad_rows_are_skipped_when_asked(scorers, pairs_file, capsys):
    model, *_ = scorers
    with pairs_file.open("a", encoding="utf-8") as stream:
        stream.write("p6,7,가,나\n")
    with pytest.raises(DataError, match="'label' is 7"):
        evaluate(model=model, data=[str(pairs_file)])
    evaluate(model=model, data=[str(pairs_file)], on_bad_row="skip", bootstrap=0)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(": 6 rows")
    assert any("skipped" in line and "line 8" in line for line in lines)


def test_sources_have_a_table_of_their_own(scorers, tmp_path, capsys):
    model, *_ = scorers
    path = tmp_path / "sources.csv"
    rows = [
        f"가 나,{'가 나' if row % 2 else '다 라'},{5 * (row % 2)},{'news' if row < 10 else 'chat'}" for row in range(12)
    ]
    path.write_text("\n".join(["sentence1,sentence2,label,source", *rows]) + "\n", encoding="utf-8")
    evaluate(model=model, data=[str(path)], bootstrap=0, output=tmp_path / "out")
    assert "too few rows: a source with fewer than 10 rows" in capsys.readouterr().out
    stored = json.loads((tmp_path / "out" / "metrics.json").read_text())["by_source"]
    assert stored["chat"] == {"rows": 2, "undefined": "too few rows"}
    assert stored["news"]["pearson"]["value"] == pytest.approx(1.0)
    assert "| chat | 2 | too few rows |" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_a_file_of_predictions_without_output(predictions_file, capsys):
    path = predictions_file("p.csv", 0, 1, 2, 3, 4, 4)
    assert run(evaluate, "evaluate", ["--predictions", str(path), "--bootstrap", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"measuring {path}: 6 rows"
    assert lines[-1] == "nothing was written; --output FOLDER keeps metrics, report and plots"
    assert not any("Order gap" in line for line in lines)


def test_a_file_of_predictions_with_output(predictions_file, tmp_path):
    evaluate(predictions=predictions_file("p.csv", 0, 1, 2, 3, 4, 4), output=tmp_path / "out", bootstrap=20)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["metrics.json", "plots", "report.md"]
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "| f | 5.00 | 4.00 | -1.00 |" in report


def test_json_is_all_there_is_on_standard_output(predictions_file, capsys):
    path = predictions_file("p.csv", 2, 2, 2, 2, 2, 2)
    evaluate(predictions=path, bootstrap=0, threshold=2.5, json=True)
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["threshold"] == 2.5
    assert found["metrics"]["pearson"]["value"] is None
    assert found["metrics"]["mae"]["value"] == pytest.approx(9 / 6)
    assert captured.err.startswith("measuring")


def test_comparing_two_files(predictions_file, tmp_path, capsys):
    a = predictions_file("a.csv", 0, 1, 2, 3, 4, 5)
    b = predictions_file("b.csv", 4, 3, 4, 2, 1, 1)
    out = tmp_path / "out"
    assert run(evaluate, "evaluate", ["--compare", str(a), str(b), "--output", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"comparing A = {a} with B = {b}: 6 rows"
    assert any(line.endswith(": A is better") and "MAE" in line for line in lines)
    stored = json.loads((out / "metrics.json").read_text())
    assert stored["comparison"]["differences"]["mae"]["value"] == pytest.approx(-(4 + 2 + 2 + 1 + 3 + 4) / 6)
    assert stored["b"]["scored_by"] == {"predictions": str(b)}
    assert sorted(path.name for path in out.iterdir()) == ["metrics.json", "report.md"]
    assert "A is better" in (out / "report.md").read_text(encoding="utf-8")


def test_comparing_two_models(scorers, pairs_file, tmp_path, capsys):
    plain, generous = scorers
    out = tmp_path / "out"
    evaluate(compare=[plain, generous], data=[str(pairs_file)], output=out, bootstrap=100)
    assert "comparing A" in capsys.readouterr().out
    difference = json.loads((out / "metrics.json").read_text())["comparison"]["differences"]
    # errors are 0, 0, -.5, 0, 0, -1.9 and, half a point higher, .5, .5, 0, .5, .5, -1.4
    assert difference["mae"]["value"] == pytest.approx((2.4 - 3.4) / 6)
    assert difference["mae"]["verdict"] == "no difference that these 6 rows can show"
    assert difference["order_gap"]["value"] == pytest.approx(0, abs=1e-6)
    assert sorted(path.name for path in out.iterdir()) == [
        "metrics.json",
        "predictions_a.csv",
        "predictions_b.csv",
        "report.md",
    ]


def test_comparing_a_file_with_a_model(scorers, pairs_file, tmp_path, capsys):
    plain, generous = scorers
    evaluate(model=plain, data=[str(pairs_file)], output=tmp_path / "out", bootstrap=0)
    capsys.readouterr()
    evaluate(compare=[tmp_path / "out" / "predictions.csv", generous], data=[str(pairs_file)], bootstrap=20, json=True)
    found = json.loads(capsys.readouterr().out)["comparison"]
    assert found["differences"]["mae"]["value"] == pytest.approx(-1 / 6, abs=1e-6)
    assert "order_gap" not in found["differences"]


def test_files_of_other_pairs_are_not_compared(predictions_file):
    a = predictions_file("a.csv", 0, 1, 2, 3, 4, 5)
    b = predictions_file("b.csv", 0, 1, 2, 3, 4, 5, guids="abcdex")
    with pytest.raises(DataError, match="lacks 1 of the 6 guids"):
        evaluate(compare=[a, b])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "nothing to measure; give one of --model FOLDER --data FILE, --predictions FILE, or --compare A B"),
        ({"model": "plain", "predictions": "p.csv"}, "--model and --predictions do not go together"),
        ({"model": "plain", "compare": ["p.csv", "p.csv"]}, "--model and --compare do not go together"),
        ({"compare": ["p.csv"]}, "--compare has 1 values; it takes two"),
        ({"compare": ["p.csv", "plain"]}, "a model needs --data"),
        ({"model": "plain"}, "a model needs --data"),
        ({"model": "p.csv"}, r"--model .*p\.csv: is a file; .* with --predictions"),
        ({"predictions": "plain"}, "--predictions .*plain: is a folder; .* with --model"),
        ({"predictions": "p.csv", "data": ["x.csv"]}, "--data: only for models"),
        (
            {"predictions": "p.csv", "batch_size": 8, "precision": "fp32", "on_bad_row": "skip"},
            "--on-bad-row, --batch-size, --precision: only for models",
        ),
        ({"predictions": "p.csv", "threshold": 5.5}, "--threshold is 5.5, allowed is 0 to 5"),
        ({"predictions": "p.csv", "threshold": float("nan")}, "--threshold is nan"),
        ({"predictions": "p.csv", "bootstrap": -1}, "--bootstrap is -1, allowed is 0 or more"),
        ({"compare": ["p.csv", "p.csv"], "bootstrap": 0}, "--bootstrap is 0, allowed is 1 or more with --compare"),
        ({"predictions": "p.csv", "seed": -1, "batch_size": 0}, "--seed is -1, .*; --batch-size is 0"),
        ({"predictions": "p.csv", "overwrite": True}, "--overwrite goes with --output"),
    ],
)
def test_options_that_do_not_go_together(scorers, predictions_file, tmp_path, options, message):
    predictions_file("p.csv", 0, 1, 2, 3, 4, 5)
    for name in ("model", "predictions"):
        if name in options:
            options = options | {name: tmp_path / options[name]}
    if "compare" in options:
        options = options | {"compare": [tmp_path / name for name in options["compare"]]}
    with pytest.raises(UsageError, match=message):
        evaluate(**options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"--compare .*none\.csv: no such file or folder"):
        evaluate(compare=[tmp_path / "none.csv", tmp_path / "none.csv"])
    with pytest.raises(DataError, match="no such file"):
        evaluate(predictions=tmp_path / "none.csv")


def test_output_is_replaced_only_when_asked(predictions_file, tmp_path):
    path, out = predictions_file("p.csv", 0, 1, 2, 3, 4, 5), tmp_path / "out"
    evaluate(predictions=path, output=out, bootstrap=0)
    with pytest.raises(UsageError, match=r"not empty; .* --overwrite"):
        evaluate(predictions=path, output=out, bootstrap=0)
    evaluate(predictions=path, output=out, bootstrap=5, overwrite=True)
    assert json.loads((out / "metrics.json").read_text())["bootstrap"] == 5


def test_output_never_replaces_what_is_measured(predictions_file, scorers, pairs_file, tmp_path):
    path = predictions_file("p.csv", 0, 1, 2, 3, 4, 5)
    with pytest.raises(UsageError, match=r"would lose .*p\.csv"):
        evaluate(predictions=path, output=tmp_path, overwrite=True)
    model, *_ = scorers
    (model / "sts.json").write_text("{}")
    with pytest.raises(UsageError, match=r"would lose .*plain"):
        evaluate(model=model, data=[str(pairs_file)], output=model, overwrite=True)
    assert path.is_file()
    assert (model / "sts.json").is_file()


def test_errors_of_the_command_are_one_line_and_exit_2(predictions_file, capsys):
    path = predictions_file("p.csv", 0, 1, 2, 3, 4, float("nan"))
    assert run(evaluate, "python -m sts.evaluate", ["--predictions", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"python -m sts.evaluate: {path}, line 7: field 'score' is 'nan'; it must be a finite number\n"
    )

import pytest

from sts.errors import UsageError
from sts.files import check_output_folder, replacing_file, replacing_folder, write_json, write_text


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "먼저")
    with pytest.raises(RuntimeError, match="middle"), replacing_file(path) as partial:
        partial.write_text("half")
        raise RuntimeError("middle")
    assert path.read_text(encoding="utf-8") == "먼저"
    assert list(path.parent.iterdir()) == [path]


def test_json_keeps_korean_readable(tmp_path):
    write_json(tmp_path / "a.json", {"문장": 1})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "문장": 1\n}\n'


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "scorer"
    with replacing_folder(path) as partial:
        (partial / "old").write_text("1")
    with pytest.raises(RuntimeError, match="middle"), replacing_folder(path) as partial:
        (partial / "new").write_text("2")
        raise RuntimeError("middle")
    assert [entry.name for entry in path.iterdir()] == ["old"]
    with replacing_folder(path) as partial:
        (partial / "new").write_text("2")
    assert [entry.name for entry in path.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [path]


def test_output_folders_are_not_overwritten_unasked(tmp_path):
    check_output_folder(tmp_path / "none", "figures.json", [], overwrite=False)
    check_output_folder(tmp_path, "figures.json", [], overwrite=False)
    (tmp_path / "report.md").write_text("1")
    (tmp_path / "figures.json").write_text("1")
    check_output_folder(tmp_path, "figures.json", [], overwrite=True)
    with pytest.raises(UsageError, match="the folder is not empty; name another one, or add --overwrite"):
        check_output_folder(tmp_path, "figures.json", [], overwrite=False)
    with pytest.raises(UsageError, match=r"report\.md: is a file; name a folder"):
        check_output_folder(tmp_path / "report.md", "figures.json", [], overwrite=True)


def test_only_a_result_of_the_same_kind_is_overwritten(tmp_path):
    (tmp_path / "model.safetensors").write_text("1")
    with pytest.raises(UsageError, match=r"holds no report\.md and no figures\.json, so it is no earlier result of"):
        check_output_folder(tmp_path, "figures.json", [], overwrite=True)
    (tmp_path / "report.md").write_text("1")
    with pytest.raises(UsageError, match=r"holds no figures\.json, .*; remove it by hand, or name another folder"):
        check_output_folder(tmp_path, "figures.json", [], overwrite=True)


def test_an_output_folder_never_takes_the_place_of_an_input(tmp_path):
    for name in ("report.md", "figures.json", "train.csv"):
        (tmp_path / "result" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "result" / name).write_text("1")
    for source in (str(tmp_path / "other" / ".." / "result" / "train.csv"), tmp_path / "result"):
        (tmp_path / "other").mkdir(exist_ok=True)
        with pytest.raises(
            UsageError, match=r"replacing .*result would lose .*result.*, an input; name another folder"
        ):
            check_output_folder(tmp_path / "result", "figures.json", [None, "klue-sts", source], overwrite=True)
    check_output_folder(tmp_path / "result", "figures.json", [tmp_path / "other"], overwrite=True)

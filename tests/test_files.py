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
    check_output_folder(tmp_path / "none", overwrite=False)
    check_output_folder(tmp_path, overwrite=False)
    (tmp_path / "a").write_text("1")
    with pytest.raises(UsageError, match=r"holds no report\.md, so it is no earlier result; remove it by hand"):
        check_output_folder(tmp_path, overwrite=True)
    (tmp_path / "report.md").write_text("1")
    check_output_folder(tmp_path, overwrite=True)
    with pytest.raises(UsageError, match="the folder is not empty; name another one, or add --overwrite"):
        check_output_folder(tmp_path, overwrite=False)
    with pytest.raises(UsageError, match="a: is a file; name a folder"):
        check_output_folder(tmp_path / "a", overwrite=True)

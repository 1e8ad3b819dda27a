"""Opening a study's storage."""

import pytest

from sts.errors import StudyError, UsageError
from sts.tune.storage import open_storage, shown


def test_an_sqlite_file_is_for_one_process(tmp_path):
    with open_storage(None, tmp_path):
        assert (tmp_path / "study.db").is_file()
        with (
            pytest.raises(StudyError, match=r"study\.db: another process is running this study"),
            open_storage(None, tmp_path),
        ):
            pass
    with open_storage(None, tmp_path):
        pass


def test_a_journal_is_for_several(tmp_path):
    path = str(tmp_path / "sub" / "x.journal")
    with open_storage(path, tmp_path) as first, open_storage(path, tmp_path) as second:
        import optuna

        optuna.create_study(study_name="x", storage=first)
        assert optuna.get_all_study_names(second) == ["x"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.db", b"no database, but long enough to be read as one" * 9), ("x.journal", b"no journal\n")],
)
def test_another_file_is_refused_and_left_alone(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(StudyError, match=name.replace(".", r"\.")), open_storage(str(path), tmp_path):
        pass
    assert path.read_bytes() == content


def test_names_that_are_none(tmp_path):
    with pytest.raises(UsageError, match=r"must be a file ending in \.db"), open_storage("trials", tmp_path):
        pass
    with pytest.raises(UsageError, match="is no URL"):
        shown("postgresql://host:port/name")
    with pytest.raises(StudyError, match="nosuch"), open_storage("nosuch://here", tmp_path):
        pass
    with (
        pytest.raises(StudyError, match="can't be opened"),
        open_storage(f"sqlite:///{tmp_path}/no/folder.db", tmp_path),
    ):
        pass


def test_a_password_is_never_shown():
    assert shown("postgresql+pg8000://me:secret@host/name") == "postgresql+pg8000://me:***@host/name"
    assert shown("x.journal") == "x.journal"

from sts.tables import Table, escape_markdown


def test_tables_in_markdown():
    table = Table(["", "a|b.csv"], [["x|y", "1\n2"]])
    assert table.markdown() == "|  | a\\|b.csv |\n| --- | --- |\n| x\\|y | 1 2 |\n"
    assert escape_markdown("<b>*`_#") == r"\<b\>\*\`\_\#"


def test_tables_on_the_terminal_take_text_literally(capsys):
    Table(["source"], [["[red]뉴스[/red]"]]).show()
    assert "[red]뉴스[/red]" in capsys.readouterr().out

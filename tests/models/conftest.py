import pytest


@pytest.fixture
def count_rows(monkeypatch):
    """Notes how many rows go through a scorer's network from now on, batch by batch."""

    def count(scorer):
        run, rows = scorer.runtime.run, []

        def counting(tokens, **options):
            rows.append(len(tokens["input_ids"]))
            return run(tokens, **options)

        monkeypatch.setattr(scorer.runtime, "run", counting)
        return rows

    return count

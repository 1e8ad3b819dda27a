"""What a run of the behaviour suite shows: a table, a plot, a report and the failures as a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sts import __version__, plots
from sts.evaluate.behaviour import Behaviour, PassRate, differences
from sts.files import replacing_folder, write_json, write_text
from sts.pairs.write import writing_rows
from sts.tables import Table, escape_markdown

# failures of a report; the file of scores has all
SHOWN = 20


def behaviour_table(behaviour: Behaviour) -> Table:
    """Each phenomenon's pass rate with its interval, mean score and the range of its pairs."""
    import numpy as np

    rows = []
    places, expectations = behaviour.rows(), behaviour.suite.expectations
    for name, rate in behaviour.rates().items():
        ends = {(expectations[place].low, expectations[place].high) for place in places[name]}
        wanted = " to ".join(f"{end:g}" for end in ends.pop()) if len(ends) == 1 else "several"
        mean = np.asarray(behaviour.scores)[places[name]].mean()
        rows.append([name, *_cells(rate), f"{mean:.2f}", wanted])
    return Table(["phenomenon", "pairs", "right", "95 % interval", "mean score", "wanted"], [
        *rows, ["all", *_cells(behaviour.total()), "", ""]
    ])  # fmt: skip


def comparison_table(a: Behaviour, b: Behaviour) -> Table:
    """The pass rates of A and B, and how likely their difference is by chance."""
    chances, chance_of_all = differences(a, b)
    pairs = [(name, rate, b.rates()[name], chances[name]) for name, rate in a.rates().items()]
    pairs.append(("all", a.total(), b.total(), chance_of_all))
    rows = [
        [name, f"{one.pairs}", _right(one), _right(other), f"{one.share - other.share:+.0%}", f"{chance:.3f}"]
        for name, one, other, chance in pairs
    ]
    return Table(["phenomenon", "pairs", "A right", "B right", "A - B", "p"], rows)


def _cells(rate: PassRate) -> list[str]:
    return [f"{rate.pairs}", _right(rate), f"{rate.low:.0%} to {rate.high:.0%}"]


def _right(rate: PassRate) -> str:
    return f"{rate.share:.0%}"


def record(behaviours: Sequence[Behaviour]) -> dict[str, Any]:
    """What `metrics.json` holds."""
    if len(behaviours) == 1:
        return behaviours[0].to_dict()
    named = {letter: each.to_dict() for letter, each in zip("ab", behaviours, strict=True)}
    chances, chance_of_all = differences(*behaviours)
    return named | {"p": chances, "p_of_all": chance_of_all}


def write_report(output: Path, behaviours: Sequence[Behaviour]) -> None:
    """Write one scorer's or two scorers' run into the folder `output`, all of it or nothing; what is there is replaced.

    Raises:
        OSError: the folder can't be written.
    """
    with replacing_folder(output) as folder:
        write_json(folder / "metrics.json", record(behaviours))
        alone = len(behaviours) == 1
        letters, names = ([""], ["scores.csv"]) if alone else (["A: ", "B: "], ["scores_a.csv", "scores_b.csv"])
        rates = {
            f"{letter}{each.name}": {name: (rate.share, rate.low, rate.high) for name, rate in each.rates().items()}
            for letter, each in zip(letters, behaviours, strict=True)
        }
        plots.save(plots.pass_rates(rates), folder / "plots" / "behaviour.png")
        sections = [
            "# Behaviour\n",
            f"- Suite: {escape_markdown(behaviours[0].suite.description)}\n"
            f"- SHA-256 of the suite: {behaviours[0].suite.fingerprint}\n"
            "- Right: a score within the range that its pair states\n"
            "- Intervals: Wilson's, 95 %\n"
            f"- Written by sts {__version__}\n",
            "![Share of right scores by phenomenon](plots/behaviour.png)\n",
        ]
        if len(behaviours) == 2:
            sections.append(
                f"## A and B\n\n{comparison_table(*behaviours).markdown()}\np: McNemar's exact test of the pairs that "
                "only one of the two gets right.\n"
            )
        for letter, name, each in zip(letters, names, behaviours, strict=True):
            with writing_rows(folder / name, None) as write:
                for row in _rows(each):
                    write(row)
            sections.append(_section(letter, each))
        write_text(folder / "report.md", "\n".join(sections))


def _rows(behaviour: Behaviour) -> list[dict[str, Any]]:
    scored = zip(behaviour.suite.expectations, behaviour.scores, behaviour.right, strict=True)
    return [
        {
            "phenomenon": each.phenomenon,
            "sentence1": each.sentence1,
            "sentence2": each.sentence2,
            "min": each.low,
            "max": each.high,
            "score": round(float(score), 4),
            "right": bool(right),
        }
        for each, score, right in scored
    ]


def _section(letter: str, behaviour: Behaviour) -> str:
    failures = behaviour.failures()[:SHOWN]
    wrong = [
        [each.phenomenon, each.sentence1, each.sentence2, f"{score:.2f}", f"{each.low:g} to {each.high:g}"]
        for each, score in failures
    ]
    lines = [
        f"## {letter}{escape_markdown(behaviour.name)}\n",
        behaviour_table(behaviour).markdown(),
        f"The {len(wrong)} failures farthest from their range:\n",
        Table(["phenomenon", "sentence 1", "sentence 2", "score", "wanted"], wrong).markdown(),
    ]
    return "\n".join(lines if wrong else lines[:2])

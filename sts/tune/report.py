"""A study's report: one page that opens offline, the same in Markdown, and its trials as a table."""

import csv
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from sts import plots
from sts.files import REPORT_FILE, replacing_file, write_text
from sts.report_page import Section, html, markdown
from sts.tables import Table
from sts.tune import plots as drawn
from sts.tune.final import Outcome, mean_and_sd
from sts.tune.space import Space
from sts.tune.study import best_trial
from sts.tune.trials import counted, reason

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

KIND = "Study"
HTML_FILE, TRIALS_FILE = "report.html", "trials.csv"
EVALUATOR = "PED-ANOVA (Watanabe et al. 2023), share of the total"
# fewer complete trials say nothing of what matters
MIN_FOR_IMPORTANCE = 4


def write_report(output: Path, study: "Study", space: Space, about: list[str], outcome: Outcome | None) -> None:
    """Write `report.html`, `report.md` with `plots`, and `trials.csv` into the study's folder.

    Args:
        output: the folder.
        study: the study.
        space: what it searches.
        about: what it is about, in lines.
        outcome: what its best settings were worth; None where that is not known yet.
    """
    trials = counted(study.get_trials(deepcopy=False))
    sections = [_summary(study, trials, outcome)]
    done = [trial for trial in trials if trial.state.name == "COMPLETE"]
    if done:
        sections.append(Section("History", "Each point is a trial.", pictures=[drawn.history(trials)]))
        sections += _importance(study, done)
        sections += [
            Section("Settings", "Complete trials; the best one is ringed.", pictures=drawn.slices(trials, space)),
            Section(
                "Settings together",
                "A line for each complete trial, the best quarter in colour.",
                pictures=[drawn.parallel(trials, space)],
            ),
            Section(
                "On the way",
                "Each trial is measured at even steps of its own length; it is pruned (dashed) where it is worse than "
                "half of the trials before it were.",
                pictures=[drawn.progress(trials)],
            ),
        ]
    table = trials_table(trials, space)
    sections.append(Section("Trials", "All that count, in the order in which they began.", table))
    write_text(output / HTML_FILE, html(KIND, study.study_name, about, sections))
    write_text(output / REPORT_FILE, markdown(KIND, study.study_name, about, sections))
    for picture in (picture for section in sections for picture in section.pictures):
        plots.save(picture.figure, output / "plots" / f"{picture.name}.png")
    with replacing_file(output / TRIALS_FILE) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([table.header, *table.rows])


def trials_table(trials: "list[FrozenTrial]", space: Space) -> Table:
    """A row for each trial."""
    rows = []
    for trial in trials:
        value = trial.value if trial.state.name == "COMPLETE" else max(trial.intermediate_values.values(), default=None)
        cells = [str(trial.number), trial.state.name.lower(), "" if value is None else f"{value:.4f}"]
        cells += [_cell(trial.params.get(name)) for name in space.entries]
        cells += [f"{trial.user_attrs.get('seconds', 0):.0f}", reason(trial) if trial.state.name == "FAIL" else ""]
        rows.append(cells)
    return Table(["trial", "state", "pearson", *space.entries, "seconds", "why it failed"], rows)


def outcome_table(outcome: Outcome) -> Table:
    """The best settings beside the defaults."""
    rows = []
    for split in outcome.tuned:
        row = [f"{split} validation", mean_and_sd(outcome.tuned[split]), mean_and_sd(outcome.default[split])]
        rows.append([*row, str(outcome.difference[split]) if outcome.difference else "the same settings"])
    return Table(["Pearson, mean ± sd", "best settings", "defaults", "difference (95 % interval)"], rows)


def _summary(study: "Study", trials: "list[FrozenTrial]", outcome: Outcome | None) -> Section:
    states = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
    counts = ", ".join(f"{sum(trial.state.name == state for trial in trials)} {name}" for name, state in states.items())
    best = best_trial(study)
    points = [f"{len(trials)} trials: {counts}."]
    if best is not None:
        settings = ", ".join(f"{name} {_cell(value)}" for name, value in best.params.items())
        points.append(f"Best: trial {best.number}, Pearson {best.value:.4f} on the hard pairs: {settings}.")
    if outcome is None:
        text = "The study goes on when its command is given again; its best settings are measured at its end."
        return Section("Result", text, points=points)
    seeds = ", ".join(map(str, outcome.seeds))
    points.append(f"{outcome.verdict()}")
    points.append(f"The scorer in the folder model is that of seed {outcome.kept}.")
    text = (
        f"The best settings and the defaults, each trained on all pairs with the seeds {seeds}. Intervals are over "
        "pairs and seeds. The hard pairs chose the settings, so that they flatter them; the random ones did not."
    )
    return Section("Result", text, outcome_table(outcome), points=points)


def _importance(study: "Study", done: "list[FrozenTrial]") -> list[Section]:
    import optuna

    if len(done) < MIN_FOR_IMPORTANCE:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=drawn.TOP_SHARE)
            found = optuna.importance.get_param_importances(study, evaluator=evaluator)
        except (RuntimeError, ValueError) as error:
            return [Section("Importance", f"Can't be told from these trials: {error}.")]
    text = (
        f"How far each setting tells the best quarter of the {len(done)} complete trials from the rest: a hint where "
        "they are few, and nothing of whether more of it is better."
    )
    return [Section("Importance", text, pictures=[drawn.importances(found, EVALUATOR)])]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)

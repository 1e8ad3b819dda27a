"""Plots of a study, in the common style; Optuna's own draw with pyplot's global state and for light pages only."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sts import plots
from sts.plots import Picture
from sts.tune.space import Space

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from optuna.trial import FrozenTrial

BEST, PLAIN, POOR = plots.COLOURS[1], plots.COLOURS[0], plots.MUTED
# of the trials, the best ones, which stand out
TOP_SHARE = 0.25


def history(trials: "Sequence[FrozenTrial]") -> Picture:
    """Each trial's value, and the best one up to then; pruned and failed trials as ticks at the foot."""
    import numpy as np

    figure, axes = plots.figure("Trials", "trial", "Pearson, hard validation")
    done = [trial for trial in trials if trial.state.name == "COMPLETE"]
    numbers = [trial.number for trial in done]
    values = [trial.value or 0.0 for trial in done]
    best = np.maximum.accumulate(values)
    axes.scatter(numbers, values, s=22, color=PLAIN, linewidths=0, label="trial")
    places, heights = [*numbers, trials[-1].number], [*best, best[-1]]
    axes.step(places, heights, where="post", color=BEST, linewidth=1.6, label="best so far")
    for name, mark, colour in (("PRUNED", "|", POOR), ("FAIL", "x", BEST)):
        ended = [trial.number for trial in trials if trial.state.name == name]
        if ended:
            label = {"PRUNED": "pruned", "FAIL": "failed"}[name]
            foot = np.full(len(ended), 0.02)
            axes.plot(ended, foot, mark, transform=axes.get_xaxis_transform(), color=colour, markersize=6, label=label)
    _keep_readable(axes, values)
    _whole_numbers(axes)
    below = (0, -0.16)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=below, ncols=4, labelcolor=plots.INK)
    top = done[int(np.argmax(values))]
    return Picture("history", figure, f"Values of the trials; trial {top.number} is the best with {max(values):.4f}.")


def importances(found: dict[str, float], evaluator: str) -> Picture:
    """The share of each setting in how much trials differ."""
    names = list(found)[::-1]
    figure, axes = plots.figure("Importance", evaluator, "", size=(6.4, 0.36 * len(names) + 1.5))
    axes.barh(range(len(names)), [found[name] for name in names], color=PLAIN, height=0.6)
    for height, name in enumerate(names):
        _beside(axes, f"{found[name]:.2f}", found[name], height)
    axes.set_yticks(range(len(names)), names)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)
    shares = ", ".join(f"{name} {share:.2f}" for name, share in found.items())
    return Picture("importance", figure, f"Bars: {shares}.")


def slices(trials: "Sequence[FrozenTrial]", space: Space) -> list[Picture]:
    """For each setting, the trials' values over what they took for it."""
    done = [trial for trial in trials if trial.state.name == "COMPLETE"]
    values = [trial.value or 0.0 for trial in done]
    best = max(done, key=lambda trial: trial.value or 0.0)
    pictures = []
    for name, entry in space.entries.items():
        figure, axes = plots.figure(name, "", "Pearson, hard validation", size=(4.6, 3.4))
        places = [_place(trial.params[name], entry) for trial in done]
        axes.scatter(places, values, s=22, color=PLAIN, alpha=0.8, linewidths=0)
        ring = (_place(best.params[name], entry), best.value or 0.0)
        axes.scatter(*ring, s=60, facecolors="none", edgecolors=BEST, linewidths=1.6)
        if "choices" in entry:
            axes.set_xticks(range(len(entry["choices"])), [str(choice) for choice in entry["choices"]])
            axes.margins(x=0.15)
        elif entry["log"]:
            _logarithmic(axes, places)
        elif isinstance(entry["low"], int):
            _whole_numbers(axes)
        _keep_readable(axes, values)
        pictures.append(
            Picture(f"slice_{name}", figure, f"Values over {name}; the best trial has {best.params[name]}.")
        )
    return pictures


def parallel(trials: "Sequence[FrozenTrial]", space: Space) -> Picture:
    """Each trial as a line through its settings, the best quarter in colour."""
    import numpy as np

    done = sorted((trial for trial in trials if trial.state.name == "COMPLETE"), key=lambda trial: trial.value or 0.0)
    names = list(space.entries)
    figure, axes = plots.figure("Which settings go together", "", "", size=(max(6.4, 1.5 * len(names) + 1.6), 4.4))
    top = max(1, round(len(done) * TOP_SHARE))
    values = [trial.value or 0.0 for trial in done]
    floor = float(np.quantile(values, 0.1))
    spread = (max(values) - floor) or 1.0
    for rank, trial in enumerate(done):
        good = rank >= len(done) - top
        heights = [_height(trial.params[name], space.entries[name]) for name in names]
        heights.append(max(0.0, ((trial.value or 0.0) - floor) / spread))
        axes.plot(
            range(len(heights)),
            heights,
            color=BEST if good else POOR,
            alpha=0.9 if good else 0.35,
            linewidth=1.6 if good else 0.9,
            zorder=3 if good else 2,
        )
    for column, name in enumerate(names):
        _mark(axes, column, space.entries[name])
        axes.axvline(column, color=plots.MUTED, linewidth=0.8)
    column = len(names)
    axes.axvline(column, color=plots.MUTED, linewidth=0.8)
    for height, value in ((0.0, floor), (1.0, max(values))):
        _beside(axes, f"{value:.3f}", column, height)
    axes.set_xticks(range(column + 1), [*names, "pearson"])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlim(-0.2, column + 0.45)
    axes.set_ylim(-0.08, 1.08)
    return Picture("parallel", figure, f"A line for each of {len(done)} complete trials, the best {top} in colour.")


def progress(trials: "Sequence[FrozenTrial]") -> Picture:
    """Each trial's value at its checks; pruned trials end early."""
    figure, axes = plots.figure("On the way", "check", "best Pearson so far, hard validation")
    shown = [trial for trial in trials if trial.intermediate_values]
    for trial in shown:
        steps = sorted(trial.intermediate_values)
        heights = [trial.intermediate_values[step] for step in steps]
        line, mark, colour = ("--", "x", POOR) if trial.state.name == "PRUNED" else ("-", "o", PLAIN)
        axes.plot(steps, heights, line, color=colour, linewidth=1.2, alpha=0.6)
        axes.plot(steps[-1], heights[-1], mark, color=colour, markersize=4)
    _keep_readable(axes, [value for trial in shown for value in trial.intermediate_values.values()])
    axes.set_xticks(sorted({step for trial in shown for step in trial.intermediate_values}))
    pruned = sum(trial.state.name == "PRUNED" for trial in shown)
    return Picture(
        "progress", figure, f"Lines of {len(shown)} trials over their checks; {pruned} end early, pruned (dashed)."
    )


def _whole_numbers(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _logarithmic(axes: "Axes", places: Sequence[float]) -> None:
    """A logarithmic axis whose marks neither overlap nor are missing over less than a decade."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_xscale("log")
    narrow = max(places) < 50 * min(places)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("e-0", "e-"))


def _keep_readable(axes: "Axes", values: Sequence[float]) -> None:
    """Leave hopeless trials below the plot, or the others could not be told apart; a note says so."""
    import numpy as np

    low, middle, high = np.quantile(values, [0, 0.5, 1])
    floor = middle - 3 * (high - middle) - 0.02
    if low < floor:
        axes.set_ylim(bottom=floor)
        hidden = sum(value < floor for value in values)
        axes.annotate(
            f"{hidden} lower, not shown", (0.01, 0.06), xycoords="axes fraction", fontsize=8, color=plots.MUTED
        )


def _place(value: Any, entry: dict[str, Any]) -> float:
    return float(entry["choices"].index(value)) if "choices" in entry else float(value)


def _height(value: Any, entry: dict[str, Any]) -> float:
    """Where a value stands between the ends of its range, 0 to 1."""
    import math

    if "choices" in entry:
        return float(entry["choices"].index(value) / max(1, len(entry["choices"]) - 1))
    low, high, at = (math.log(number) if entry["log"] else number for number in (entry["low"], entry["high"], value))
    return float((at - low) / (high - low))


def _mark(axes: "Axes", column: int, entry: dict[str, Any]) -> None:
    """Write the values of a setting beside its line."""
    values = entry["choices"] if "choices" in entry else [entry["low"], entry["high"]]
    for value in values:
        text = f"{value:.2g}" if isinstance(value, float) else str(value)
        height = _height(value, entry)
        _beside(axes, text, column, height)


def _beside(axes: "Axes", text: str, x: float, y: float) -> None:
    axes.annotate(text, (x, y), (4, 0), textcoords="offset points", fontsize=8, va="center", color=plots.INK)

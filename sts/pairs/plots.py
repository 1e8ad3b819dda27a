"""Plots of one set of pairs, or of two in the same plot, as shares so that sets of any size compare."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from sts import plots
from sts.pairs.rows import SIMILAR_FROM
from sts.pairs.statistics import Statistics
from sts.plots import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FREQUENT = 20
SHOWN_CHARACTERS = 40
# above this, points hide each other
MAX_POINTS = 2_000
LENGTH_BINS = 30
# a mean of fewer pairs says nothing about its bin
MIN_AVERAGED = 5


def labels(sets: Sequence[Statistics]) -> Picture:
    """Share of pairs in each half of a label point, and where "similar" begins."""
    import numpy as np

    figure, axes = plots.figure("Labels", "label", "share of pairs", size=(6.4, 4.0))
    edges = np.array(plots.BIN_EDGES)
    width = 0.45 / len(sets)
    fullest = []
    for number, each in enumerate(sets):
        shares = np.histogram(each.label, edges)[0] / len(each.label)
        places = edges[:-1] + 0.025 + (number + 0.5) * width
        axes.bar(places, shares, width=width, color=plots.COLOURS[number], alpha=0.85, label=_shown(each.name))
        top = int(shares.argmax())
        fullest.append(f"{each.name} has most, {shares[top]:.0%}, from {edges[top]:g} to {edges[top + 1]:g}")
    axes.axvline(SIMILAR_FROM, color=plots.INK, linewidth=1, linestyle="--")
    axes.text(SIMILAR_FROM, 1.01, "similar →", transform=axes.get_xaxis_transform(), fontsize=9, color=plots.INK)
    axes.set(xlim=(-0.05, 5.05), xticks=range(6))
    axes.grid(axis="x", visible=False)
    _in_percent(axes, "y")
    _name(figure, sets)
    return Picture("labels", figure, f"Bars: share of pairs in each half of a label point; {'; '.join(fullest)}.")


def lengths(sets: Sequence[Statistics], unit: Literal["characters", "morphemes"]) -> Picture:
    """Share of distinct sentences by length; the longest hundredth stands in the last bin."""
    import numpy as np

    values = [each.characters if unit == "characters" else each.morphemes for each in sets]
    figure, axes = plots.figure(f"Lengths in {unit}", f"{unit} of a sentence", "share of sentences", size=(5.6, 3.9))
    top = max(float(np.quantile(each, 0.99)) for each in values)
    # whole numbers in each bin, or some bins would hold one more than others
    step = max(1, round(top / LENGTH_BINS))
    edges = np.arange(0, top + 2 * step, step)
    medians = []
    for number, (each, found) in enumerate(zip(sets, values, strict=True)):
        shares = np.histogram(np.minimum(found, edges[-1]), edges)[0] / len(found)
        colour = plots.COLOURS[number]
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(shares, edges, color=colour, linewidth=1.6, label=_shown(each.name))
        median = float(np.median(found))
        axes.axvline(median, color=colour, linewidth=1, linestyle="--")
        medians.append(f"half of those of {each.name} have at most {median:g}")
    axes.set_xlim(0, edges[-1])
    _in_percent(axes, "y")
    _name(figure, sets)
    return Picture(unit, figure, f"Histogram of sentence lengths in {unit}; {'; '.join(medians)}.")


def overlap_and_label(sets: Sequence[Statistics]) -> list[Picture]:
    """Bigram overlap against label, a plot for each set with the same axes: points, or density where they are many."""
    pictures = []
    for number, each in enumerate(sets):
        r = "r undefined" if each.pearson is None else f"r = {each.pearson:.2f}"
        figure, axes = plots.figure(
            f"{_shown(each.name)}: {r}", "overlap of character bigrams", "label", size=(5.6, 4.6)
        )
        many = len(each.label) > MAX_POINTS
        if many:
            _density(axes, each, plots.COLOURS[number])
        else:
            alpha = plots.opacity(len(each.label))
            axes.scatter(each.overlap, each.label, s=14, alpha=alpha, color=plots.COLOURS[number], linewidths=0)
        _mean_label(axes, each)
        axes.set(xlim=(-0.04, 1.04), ylim=(-0.15, 5.15), yticks=range(6))
        alt = f"{len(each.label):,} pairs of {each.name} by overlap of character bigrams and label: {r}."
        pictures.append(Picture(f"overlap_{number + 1}", figure, ("Density of " if many else "Scatter of ") + alt))
    return pictures


def frequent_words(sets: Sequence[Statistics]) -> Picture:
    """Share of sentences that have each of the words most frequent over all sets."""
    import numpy as np

    shares = [{word: count / len(each.occurrences) for word, count in each.words.items()} for each in sets]
    sums = {word: sum(share.get(word, 0.0) for share in shares) for each in shares for word in each}
    words = sorted(sums, key=lambda word: (-sums[word], word))[:FREQUENT]
    figure, axes = plots.figure(
        "Most frequent words", "share of sentences", "", size=(6.8, 0.27 * max(len(words), 3) + 1.4)
    )
    height = 0.8 / len(sets)
    rows = np.arange(len(words))[::-1]
    for number, (each, share) in enumerate(zip(sets, shares, strict=True)):
        places = rows + (0.5 * (len(sets) - 1) - number) * height
        found = [share.get(word, 0.0) for word in words]
        axes.barh(places, found, height=height, color=plots.COLOURS[number], alpha=0.85, label=_shown(each.name))
    axes.set_yticks(rows, [_shown(word) for word in words])
    axes.grid(axis="y", visible=False)
    axes.set_ylim(-0.6, max(len(words), 3) - 0.4)
    _in_percent(axes, "x")
    _name(figure, sets)
    return Picture(
        "words", figure, f"Bars: share of sentences with each word, most frequent first: {', '.join(words)}."
    )


def _density(axes: "Axes", each: Statistics, colour: str) -> None:
    """Hexagons, the more pairs the less transparent, which is readable on any background."""
    import numpy as np

    cells = axes.hexbin(each.overlap, each.label, gridsize=(34, 20), extent=(0, 1, 0, 5), mincnt=1, linewidths=0)
    counts = np.log1p(np.asarray(cells.get_array(), dtype=float))
    cells.set_array(None)
    opacities = 0.1 + 0.9 * counts / counts.max()
    cells.set_facecolor([(colour, opacity) for opacity in opacities.tolist()])


def _mean_label(axes: "Axes", each: Statistics) -> None:
    """The mean label in each tenth of overlap: flat where overlap says nothing."""
    import numpy as np

    tenths = np.minimum((each.overlap * 10).astype(int), 9)
    members = [tenths == number for number in range(10)]
    kept = [(each.overlap[rows].mean(), each.label[rows].mean()) for rows in members if rows.sum() >= MIN_AVERAGED]
    if len(kept) > 1:
        x, y = zip(*kept, strict=True)
        axes.plot(x, y, color=plots.INK, marker="o", markersize=4, linewidth=1.4, label="mean label")
        axes.legend(frameon=False, fontsize=9, loc="lower right", labelcolor=plots.INK)


def _in_percent(axes: "Axes", axis: Literal["x", "y"]) -> None:
    scale = axes.yaxis if axis == "y" else axes.xaxis
    scale.set_major_formatter(lambda share, _: f"{100 * share:.3g}%")


def _shown(name: str) -> str:
    """A name as matplotlib draws it: not as a formula, not hidden, not overlong."""
    short = name if len(name) <= SHOWN_CHARACTERS else f"…{name[-SHOWN_CHARACTERS:]}"
    return (" " if short.startswith("_") else "") + short.replace("$", r"\$")


def _name(figure: "Figure", sets: Sequence[Statistics]) -> None:
    """Say below the plot, where no bar is, which colour is which set."""
    if len(sets) > 1:
        beside = sum(len(_shown(each.name)) for each in sets) <= 48
        figure.legend(
            loc="outside lower left",
            borderaxespad=0,
            frameon=False,
            fontsize=9,
            ncols=2 if beside else 1,
            labelcolor=plots.INK,
        )

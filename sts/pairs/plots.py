"""Plots of one set of pairs, or of two in the same plot, as shares so that sets of any size compare."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sts import plots
from sts.pairs.statistics import FREQUENT, SIMILAR_FROM, Statistics

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 10


def labels(sets: Sequence[Statistics]) -> "Figure":
    """Share of pairs in each half of a label point, and where "similar" begins."""
    import numpy as np

    figure, axes = plots.figure("Labels", "label", "share of pairs")
    edges = np.linspace(0, 5, BINS + 1)
    _bars(axes, [np.histogram(each.label, edges)[0] / each.rows for each in sets], edges, sets)
    axes.axvline(SIMILAR_FROM, color=plots.INK, linewidth=1, linestyle="--")
    axes.set_xticks(range(6))
    return figure


def lengths(sets: Sequence[Statistics], unit: str) -> "Figure":
    """Share of sentences by length.

    Args:
        sets: one or two sets.
        unit: `characters` or `morphemes`.
    """
    import numpy as np

    values = [getattr(each, unit) for each in sets]
    figure, axes = plots.figure(f"Sentence lengths in {unit}", unit, "share of sentences")
    # the longest hundredth would flatten all others
    top = max(float(np.quantile(each, 0.99)) for each in values)
    edges = np.linspace(0, max(top, 5.0), 26)
    shares = [np.histogram(np.minimum(each, edges[-1]), edges)[0] / len(each) for each in values]
    _bars(axes, shares, edges, sets)
    return figure


def overlap_and_label(sets: Sequence[Statistics]) -> "Figure":
    """Bigram overlap against label, a panel for each set, with Pearson's r."""
    import numpy as np
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(figsize=(4.4 * len(sets) + 0.8, 4.4), layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12))
    figure.set_facecolor("white")
    panels = np.atleast_1d(figure.subplots(1, len(sets), sharex=True, sharey=True))
    for number, (panel, each) in enumerate(zip(panels, sets, strict=True)):
        alpha = plots.opacity(each.rows)
        panel.scatter(each.overlap, each.label, s=12, alpha=alpha, color=plots.COLOURS[number], linewidths=0)
        r = "undefined" if each.pearson is None else f"{each.pearson:.2f}"
        panel.set_title(f"{_short(each.name)}: r = {r}", loc="left", fontsize=11, color=plots.INK)
        panel.set_xlabel("overlap of character bigrams", color=plots.INK)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color=plots.GRID, linewidth=0.8)
        panel.set_axisbelow(True)
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.15, 5.15), yticks=range(6))
    panels[0].set_ylabel("label", color=plots.INK)
    return figure


def frequent_morphemes(sets: Sequence[Statistics]) -> "Figure":
    """Share of sentences that have each of the first set's most frequent content morphemes."""
    import numpy as np

    forms = list(sets[0].frequent)[:FREQUENT]
    figure, axes = plots.figure(
        "Most frequent morphemes", "share of sentences", "", size=(6.4, 0.3 * max(len(forms), 3) + 1.2)
    )
    height = 0.8 / len(sets)
    for number, each in enumerate(sets):
        place = np.arange(len(forms))[::-1] + (0.5 * (len(sets) - 1) - number) * height
        shares = [each.frequent.get(form, 0.0) for form in forms]
        axes.barh(place, shares, height=height, color=plots.COLOURS[number], alpha=0.85, label=_short(each.name))
    axes.set_yticks(np.arange(len(forms))[::-1], forms)
    axes.grid(axis="y", visible=False)
    if len(sets) > 1:
        axes.legend(frameon=False, fontsize=9)
    return figure


def _bars(axes: "Axes", shares: "Sequence[np.ndarray]", edges: "np.ndarray", sets: Sequence[Statistics]) -> None:
    """Bars of one or two sets beside each other in each bin."""
    width = (edges[1] - edges[0]) * 0.9 / len(sets)
    for number, (share, each) in enumerate(zip(shares, sets, strict=True)):
        place = edges[:-1] + (edges[1] - edges[0]) * 0.05 + (number + 0.5) * width
        axes.bar(place, share, width=width, color=plots.COLOURS[number], alpha=0.85, label=_short(each.name))
    if len(sets) > 1:
        axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=2)


def _short(name: str) -> str:
    """The end of a long name, which tells files apart."""
    last = name.rsplit("/", 1)[-1]
    return last if len(last) <= 32 else f"…{last[-31:]}"

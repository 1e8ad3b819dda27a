"""Plots, all in one style, drawn without pyplot and its global state.

The fonts that come with matplotlib have no Korean; the package koreanize-matplotlib brings one.
"""

import io
import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sts.pairs.rows import SIMILAR_FROM

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

DPI = 120
FONT_PACKAGE, FONT_FILE = "koreanize-matplotlib", "koreanize_matplotlib/fonts/NanumGothic.ttf"
INK, MUTED, GRID = "#333333", "#8a8a8a", "#e4e4e4"
# Okabe and Ito's palette, told apart with any colour vision
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
PAPER = "#ffffff"
# what each colour becomes on a dark page
DARK = {
    PAPER: "#17191c",
    INK: "#e3e5e8",
    MUTED: "#9aa0a6",
    GRID: "#34383e",
    COLOURS[0]: "#4aa8e8",
    COLOURS[1]: "#f5853f",
}
BIN_EDGES = tuple(step / 2 for step in range(11))


@dataclass(frozen=True)
class Picture:
    """A plot: the name of its file, the figure, and in words what it shows, for whoever can't see it."""

    name: str
    figure: "Figure"
    alt: str


def figure(title: str, x_label: str, y_label: str, *, size: tuple[float, float] = (7.2, 4.2)) -> "tuple[Figure, Axes]":
    """An empty plot in the common style; `size` is width and height in inches."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    fig = Figure(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12), facecolor=PAPER)
    axes = fig.subplots()
    axes.set_title(title, loc="left", fontsize=12, color=INK, pad=10)
    axes.set_xlabel(x_label, color=INK)
    axes.set_ylabel(y_label, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(MUTED)
    axes.tick_params(colors=MUTED, labelcolor=INK, labelsize=9)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return fig, axes


@lru_cache(maxsize=1)
def korean_font() -> str:
    """The family of a font that has Hangul, made known to matplotlib."""
    from importlib.metadata import distribution

    from matplotlib import font_manager

    # located, not imported: importing the package would change pyplot's defaults
    path = str(distribution(FONT_PACKAGE).locate_file(FONT_FILE))
    font_manager.fontManager.addfont(path)
    return font_manager.FontProperties(fname=path).get_name()


def save(fig: "Figure", path: Path) -> None:
    """Write a plot as a PNG of 120 dots an inch; the file's folder is made.

    A character that neither font has, such as an emoji, is drawn as a box.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _korean(fig):
        fig.savefig(path, dpi=DPI, format="png")


def svg(fig: "Figure") -> str:
    """A plot as SVG, without a date or chance in it; its letters are drawn, so that no font is needed."""
    import matplotlib

    stream = io.StringIO()
    with _korean(fig), matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "sts"}):
        fig.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def darkened(drawing: str) -> str:
    """The SVG of `svg` in colours for a dark page."""
    for light, dark in DARK.items():
        drawing = drawing.replace(light, dark)
    return drawing


@contextmanager
def _korean(fig: "Figure") -> Iterator[None]:
    """Take Hangul from NanumGothic wherever matplotlib's own font has no glyph, without a word on what both lack."""
    import matplotlib
    from matplotlib.text import Text

    families = [*matplotlib.rcParams["font.family"], korean_font()]
    # some texts are there, and some, such as labels of ticks, are made while drawing
    for text in fig.findobj(Text):
        text.set_fontfamily(families)
    with matplotlib.rc_context({"font.family": families}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def scatter_true_predicted(label: "ArrayLike", score: "ArrayLike", threshold: float) -> "Figure":
    """Scores over labels (both (n,), 0 to 5); a perfect model's points lie on the diagonal."""
    import numpy as np

    label, score = np.asarray(label, dtype=float), np.asarray(score, dtype=float)
    fig, axes = figure("Predicted against true scores", "true score", "predicted score", size=(5.4, 5.2))
    axes.plot([0, 5], [0, 5], color=INK, linewidth=1)
    axes.axvline(SIMILAR_FROM, color=COLOURS[1], linewidth=1, linestyle="--")
    axes.axhline(threshold, color=COLOURS[1], linewidth=1, linestyle="--")
    axes.scatter(label, score, s=18, alpha=opacity(len(label)), color=COLOURS[0], linewidths=0)
    corners = {(0.02, 0.98): ("left", "top", "false alarm"), (0.98, 0.02): ("right", "bottom", "miss")}
    for (x, y), (horizontal, vertical, text) in corners.items():
        axes.text(x, y, text, transform=axes.transAxes, ha=horizontal, va=vertical, fontsize=9, color=COLOURS[1])
    axes.set(xlim=(-0.1, 5.1), ylim=(-0.1, 5.1), aspect="equal", xticks=range(6), yticks=range(6))
    return fig


def stacked_histogram(groups: "Mapping[str, ArrayLike]", x_label: str, y_label: str) -> "Figure":
    """How many values (each 0 to 5) of each named group lie in each half of a point, one group on top of the other."""
    import numpy as np

    fig, axes = figure("", x_label, y_label)
    values = [np.asarray(group, dtype=float) for group in groups.values()]
    names = [f"{name} ({len(group):,})" for name, group in zip(groups, values, strict=True)]
    axes.hist(values, bins=list(BIN_EDGES), stacked=True, color=COLOURS[: len(values)], label=names, rwidth=0.94)
    axes.set(xlim=(0, 5), xticks=range(6))
    axes.legend(frameon=False, fontsize=9)
    return fig


def error_histogram(label: "ArrayLike", score: "ArrayLike") -> "Figure":
    """How often which error (score - label) occurs."""
    import numpy as np

    error = np.asarray(score, dtype=float) - np.asarray(label, dtype=float)
    fig, axes = figure("Errors", "predicted - true score", "pairs")
    reach = max(1.0, float(np.ceil(np.abs(error).max() * 2) / 2))
    axes.hist(error, bins=np.linspace(-reach, reach, 41).tolist(), color=COLOURS[0], alpha=0.85)
    axes.axvline(0, color=INK, linewidth=1)
    axes.axvline(error.mean(), color=COLOURS[1], linewidth=1.4, linestyle="--", label=f"mean {error.mean():+.3f}")
    axes.legend(frameon=False, fontsize=9)
    return fig


def error_by_label(label: "ArrayLike", score: "ArrayLike") -> "Figure":
    """Mean error and mean absolute error in bins of half a label; numbers are the pairs in a bin."""
    import numpy as np

    label = np.asarray(label, dtype=float)
    error = np.asarray(score, dtype=float) - label
    fig, axes = figure("Errors by true score", "true score", "error")
    bins = _bins(label)
    present = [number for number in range(len(BIN_EDGES) - 1) if (bins == number).any()]
    centres = np.array([BIN_EDGES[number] + 0.25 for number in present])
    absolute = [float(np.abs(error[bins == number]).mean()) for number in present]
    axes.bar(centres, absolute, width=0.4, color=COLOURS[0], alpha=0.35, label="mean absolute error")
    signed = [float(error[bins == number].mean()) for number in present]
    axes.plot(centres, signed, color=COLOURS[1], marker="o", markersize=4, linewidth=1.4, label="mean error")
    axes.axhline(0, color=INK, linewidth=1)
    for centre, height, number in zip(centres, absolute, present, strict=True):
        count = f"{int((bins == number).sum()):,}"
        axes.annotate(count, (centre, height), (0, 3), textcoords="offset points", ha="center", fontsize=8, color=MUTED)
    axes.set(xlim=(0, 5), xticks=BIN_EDGES)
    axes.margins(y=0.12)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=2)
    return fig


def residuals(label: "ArrayLike", score: "ArrayLike") -> "Figure":
    """Errors (score - label) over scores, and their mean in bins of half a score.

    The mean of a calibrated model is zero everywhere: a score means what it says.
    """
    import numpy as np

    score = np.asarray(score, dtype=float)
    residual = score - np.asarray(label, dtype=float)
    fig, axes = figure("Does a score mean what it says?", "predicted score", "predicted - true score")
    axes.scatter(score, residual, s=14, alpha=opacity(len(score)) * 0.7, color=COLOURS[0], linewidths=0)
    axes.axhline(0, color=INK, linewidth=1)
    bins = _bins(score)
    members = [bins == number for number in range(len(BIN_EDGES) - 1)]
    # a mean of less than three pairs says nothing about its bin
    kept = [(score[rows].mean(), residual[rows].mean(), residual[rows].std()) for rows in members if rows.sum() >= 3]
    if kept:
        x, mean, spread = (np.array(column) for column in zip(*kept, strict=True))
        axes.fill_between(
            x, mean - spread, mean + spread, color=COLOURS[1], alpha=0.15, linewidth=0, label="+/- 1 standard deviation"
        )
        axes.plot(x, mean, color=COLOURS[1], marker="o", markersize=4, linewidth=1.4, label="mean per half a point")
        axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=2)
    axes.set(xlim=(-0.1, 5.1), xticks=range(6))
    return fig


def curves(
    x: "ArrayLike", series: "Mapping[str, ArrayLike]", x_label: str, y_label: str, *, marks: Sequence[float] = ()
) -> "Figure":
    """Lines over a common x, one for each series (each as long as x; None leaves a gap), and dashed ones at `marks`."""
    import numpy as np

    x = np.asarray(x, dtype=float)
    fig, axes = figure(y_label, x_label, "")
    for mark in marks:
        axes.axvline(mark, color=MUTED, linestyle="--", linewidth=1)
    # so many points need no markers to be seen
    marker = "o" if len(x) <= 30 else None
    for (name, values), colour in zip(series.items(), itertools.cycle(COLOURS)):
        heights = np.array(values, dtype=float)  # None becomes NaN
        axes.plot(x, heights, color=colour, marker=marker, markersize=4, linewidth=1.6, label=name)
    if len(series) > 1:
        axes.legend(frameon=False, fontsize=9)
    return fig


def pass_rates(rates: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> "Figure":
    """The share of right scores, a bar for each phenomenon and scorer.

    Args:
        rates: of each scorer, for each phenomenon the share and the ends of its interval, 0 to 1.
    """
    names = list(next(iter(rates.values())))
    fig, axes = figure("Right scores by phenomenon", "share that is right", "", size=(7.2, 1.4 + 0.34 * len(names)))
    height = 0.8 / len(rates)
    for number, (scorer, found) in enumerate(rates.items()):
        places = [place + (number - (len(rates) - 1) / 2) * height for place in range(len(names))]
        shares, low, high = zip(*(found[name] for name in names), strict=True)
        ends = [
            [share - end for share, end in zip(shares, low, strict=True)],
            [end - share for share, end in zip(shares, high, strict=True)],
        ]
        axes.barh(places, shares, height, color=COLOURS[number], alpha=0.85, label=scorer)
        axes.errorbar(shares, places, xerr=ends, fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(visible=False, axis="y")
    if len(rates) > 1:
        fig.legend(loc="outside lower left", frameon=False, fontsize=9)
    return fig


def _bins(values: "np.ndarray") -> "np.ndarray":
    """The bin of half a score that each value falls in, 0 to 9; 5.0 belongs to the last one."""
    import numpy as np

    return np.clip(np.digitize(values, BIN_EDGES) - 1, 0, len(BIN_EDGES) - 2)


def opacity(points: int) -> float:
    """An opacity that keeps few points visible and many points apart."""
    return min(0.7, max(0.08, 8 / max(points, 1) ** 0.5))

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from sts import plots

LABEL = np.array([0.0, 0.4, 2.5, 2.6, 2.7, 5.0])
SCORE = np.array([1.0, 0.4, 3.5, 2.6, 2.7, 4.0], dtype=np.float32)


def axes_of(fig):
    (axes,) = fig.axes
    return axes


def test_save_writes_a_png_at_120_dots_an_inch(tmp_path):
    path = tmp_path / "plots" / "empty.png"
    fig, _ = plots.figure("title", "x", "y", size=(5.0, 3.0))
    plots.save(fig, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert imread(path).shape[:2] == (360, 600)


def test_drawing_leaves_the_global_state_alone(tmp_path):
    plots.korean_font.cache_clear()  # as in a process that has drawn nothing yet
    before = dict(matplotlib.rcParams)
    plots.save(plots.scatter_true_predicted(LABEL, SCORE, 3.0), tmp_path / "a.png")
    plots.svg(plots.scatter_true_predicted(LABEL, SCORE, 3.0))
    assert dict(matplotlib.rcParams) == before
    assert matplotlib._pylab_helpers.Gcf.get_all_fig_managers() == []


def test_hangul_has_glyphs_wherever_it_stands(tmp_path):
    fig, axes = plots.figure("제목", "가로", "세로")
    axes.barh(["예", "아니요"], [1, 2], label="설명")
    axes.text(0, 0, "글")
    axes.legend()
    plots.save(fig, tmp_path / "a.png")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fig.savefig(tmp_path / "b.png")
    assert [str(each.message) for each in told] == []  # a glyph that is missing is warned of


def test_an_emoji_is_no_failure(tmp_path):
    fig, _ = plots.figure("😀 漢", "x", "y")
    plots.save(fig, tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_the_same_plot_is_the_same_svg_and_another_in_the_dark():
    first, second = (plots.svg(plots.figure("제목", "x", "y")[0]) for _ in range(2))
    assert first == second
    assert plots.INK in first
    assert plots.PAPER in first
    assert not any(colour in plots.darkened(first) for colour in (plots.INK, plots.PAPER))


def test_scatter_shows_every_pair_and_both_thresholds():
    axes = axes_of(plots.scatter_true_predicted(LABEL, SCORE, 3.5))
    (points,) = axes.collections
    assert points.get_offsets().tolist() == [list(map(float, pair)) for pair in zip(LABEL, SCORE, strict=True)]
    diagonal, true, predicted = axes.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 5]
    assert set(true.get_xdata()) == {3.0}
    assert set(predicted.get_ydata()) == {3.5}


def test_histogram_counts_every_error_and_reaches_the_largest():
    axes = axes_of(plots.error_histogram(LABEL, SCORE))
    assert sum(bar.get_height() for bar in axes.patches) == len(LABEL)
    wide = axes_of(plots.error_histogram([0.0, 5.0], [5.0, 0.0]))
    assert sum(bar.get_height() for bar in wide.patches) == 2


def test_error_by_label_has_a_bin_for_each_half_with_pairs():
    axes = axes_of(plots.error_by_label(LABEL, SCORE))
    # bins 0-0.5, 2.5-3 and 4.5-5 with the errors (1, 0), (1, 0, 0) and (-1)
    assert [bar.get_x() + bar.get_width() / 2 for bar in axes.patches] == pytest.approx([0.25, 2.75, 4.75])
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([0.5, 1 / 3, 1.0], abs=1e-6)
    assert list(axes.lines[0].get_ydata()) == pytest.approx([0.5, 1 / 3, -1.0], abs=1e-6)
    assert [text.get_text() for text in axes.texts] == ["2", "3", "1"]


def test_residuals_average_bins_of_three_pairs_and_more():
    axes = axes_of(plots.residuals([1.0, 2.0, 3.0, 5.0], [2.0, 2.1, 2.2, 4.0]))
    mean = axes.lines[1]
    assert list(mean.get_xdata()) == pytest.approx([2.1])
    assert list(mean.get_ydata()) == pytest.approx([(1.0 + 0.1 - 0.8) / 3])


def test_residuals_of_few_pairs_have_no_mean(tmp_path):
    fig = plots.residuals([1.0, 5.0], [1.0, 4.0])
    plots.save(fig, tmp_path / "few.png")
    assert len(axes_of(fig).lines) == 1


def test_curves_draw_each_series_with_gaps():
    axes = axes_of(plots.curves([1, 2, 3], {"loss": [0.5, None, 0.25], "mae": [1, 2, 3]}, "epoch", "value"))
    loss, mae = axes.lines
    assert (loss.get_label(), mae.get_label()) == ("loss", "mae")
    assert np.isnan(loss.get_ydata()[1])
    assert list(mae.get_ydata()) == [1, 2, 3]
    assert loss.get_color() != mae.get_color()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["loss", "mae"]


def test_more_series_than_colours():
    axes = axes_of(plots.curves([1, 2], {str(number): [1, 2] for number in range(7)}, "x", "y"))
    assert len(axes.lines) == 7

"""Results of an evaluation as tables."""

from collections.abc import Mapping, Sequence

from sts.evaluate.comparison import Comparison
from sts.evaluate.evaluation import Cost
from sts.evaluate.metrics import MIN_SOURCE_ROWS, Estimate, Metrics
from sts.evaluate.threshold import BestThreshold, Criterion
from sts.tables import Table

TITLES = {
    "pearson": "Pearson",
    "spearman": "Spearman",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "accuracy": "Accuracy",
    "auc": "AUC",
    "average_precision": "Average precision",
    "mae": "MAE",
    "order_gap": "Order gap",
}
SOURCE_METRICS = ("pearson", "spearman", "f1", "mae")


def metrics_table(metrics: Metrics) -> Table:
    """Each metric with its interval, or with why it is undefined."""
    rows = [[TITLES[name], *_value_and_interval(estimate)] for name, estimate in metrics.estimates().items()]
    return Table(["metric", "value", "95 % interval"], rows)


def threshold_table(best: Mapping[Criterion, BestThreshold]) -> Table:
    """The best threshold by each criterion."""
    rows = [
        [
            TITLES[name],
            f"{each.threshold:.2f}",
            "" if each.low is None else f"{each.low:.2f} to {each.high:.2f}",
            f"{each.value:.4f}",
        ]
        for name, each in best.items()
    ]
    return Table(["best threshold by", "threshold", "95 % interval", "value there"], rows)


def source_table(by_source: Mapping[str, Metrics | int]) -> Table:
    """The main metrics of each source."""
    rows = []
    for source, result in by_source.items():
        if isinstance(result, Metrics):
            cells = [str(result.rows), *(_value(result.estimates()[name]) for name in SOURCE_METRICS)]
        else:
            cells = [str(result), "too few rows", *[""] * (len(SOURCE_METRICS) - 1)]
        rows.append([source, *cells])
    return Table(["source", "rows", *(TITLES[name] for name in SOURCE_METRICS)], rows)


def source_note(by_source: Mapping[str, Metrics | int]) -> str:
    """What "too few rows" means; empty where no source has too few."""
    few = any(isinstance(result, int) for result in by_source.values())
    return f"too few rows: a source with fewer than {MIN_SOURCE_ROWS} rows is not measured on its own" if few else ""


def comparison_table(comparison: Comparison, costs: Sequence[Cost | None]) -> Table:
    """Each metric of A and of B with its interval, their difference, and what either costs.

    Args:
        comparison: the metrics.
        costs: of A and of B.
    """
    a, b, rows = comparison.a.estimates(), comparison.b.estimates(), []
    for name, difference in comparison.differences.items():
        cells = [TITLES[name], str(a[name]), str(b[name])]
        if difference.value is None or difference.low is None:
            cells += ["undefined", "", ""]
        else:
            cells += [f"{difference.value:+.4f}", f"{difference.low:+.4f} to {difference.high:+.4f}"]
            cells += [f"{difference.a_better:.1%}"]
        rows.append(cells)
    if any(costs):
        for title, name, shown in (("Pairs/s", "pairs_per_second", ",.1f"), ("MB on disk", "megabytes", ",.0f")):
            values = ["-" if cost is None else format(getattr(cost, name), shown) for cost in costs]
            rows.append([title, *values, *_ratio(*(getattr(cost, name, None) for cost in costs)), ""])
    return Table(["metric", "A", "B", "A - B", "95 % interval", "A better in"], rows)


def _ratio(a: float | None, b: float | None) -> list[str]:
    return ["", "" if not a or not b else f"A : B = {a / b:.2f}"]


def verdicts(comparison: Comparison) -> list[str]:
    """A line for each verdict, with the metrics it is about."""
    named: dict[str, list[str]] = {}
    for name, difference in comparison.differences.items():
        named.setdefault(difference.verdict, []).append(TITLES[name])
    return [f"{', '.join(names)}: {verdict}" for verdict, names in named.items()]


def _value(estimate: Estimate) -> str:
    return "undefined" if estimate.value is None else f"{estimate.value:.4f}"


def _value_and_interval(estimate: Estimate) -> list[str]:
    if estimate.value is None:
        return ["undefined", estimate.undefined or ""]
    return [_value(estimate), "" if estimate.low is None else f"{estimate.low:.4f} to {estimate.high:.4f}"]

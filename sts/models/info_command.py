"""`python -m sts.models info`."""

import json as json_module
from pathlib import Path
from typing import Any

from sts.bundled import BUNDLED_CROSS, ScorerPath
from sts.models.description import TOKENS, Description, describe_scorer
from sts.models.info import ScorerInfo, validated
from sts.tables import Table

# validation pairs; of fewer, a correlation says little
FEW = 50


def info(folder: ScorerPath = BUNDLED_CROSS, /, *, json: bool = False) -> None:
    """Tell what a scorer is: size, precision, where it comes from, how fast it can be expected to be.

    Args:
        folder: a scorer folder, or bundled-bi; not given: the bundled cross-encoder
        json: print JSON
    """
    found = describe_scorer(folder)
    values = _values(folder, found)
    if json:
        print(json_module.dumps(values, ensure_ascii=False, indent=2))
        return
    shown = values | {
        "megabytes": f"{values['megabytes']:,.1f}",
        "vocabulary": f"{found.pieces:,} pieces",
        "speed": found.speed,
        "pearson": _pearson(found.info),
        "threshold": _threshold(found.info),
    }
    for name in ("validation", "validation_pairs"):
        shown.pop(name)
    rate = shown.pop(_rate_name(found))
    if rate is not None:
        unit = "pairs" if found.info.mode == "cross" else "sentences"
        shown["speed"] = f"{found.speed}: about {rate:,.0f} {unit} of {TOKENS} tokens a second on two cores"
    if difference := (found.info.onnx or {}).get("difference"):
        shown["export"] = (
            f"scores differ from the original's by {difference['largest']:.3f} at most and {difference['mean']:.4f} on "
            f"average ({difference['pairs']:,} pairs)"
        )
    rows = [[name.replace("_", " "), "-" if value is None else str(value)] for name, value in shown.items()]
    Table(["", str(folder)], rows).show()


def _pearson(info: ScorerInfo) -> str | None:
    """Pearson of the training's validation, with the number of pairs that it was measured on."""
    name, metrics = validated(info) or ("", {})
    value = metrics.get("pearson", {}).get("value")
    if value is None:
        return None
    rows = int(metrics.get("rows", 0))
    few = ", too few to say much" if rows < FEW else ""
    return f"{value:.4f} ({rows:,} {name} validation pairs of the training{few})"


def _threshold(info: ScorerInfo) -> str:
    fitted = info.metrics.get("threshold")
    return f"{info.threshold:g}" + (
        f" (the best by F1 on {fitted['rows']:,} pairs: {fitted['data']})" if fitted else ""
    )


def _rate_name(found: Description) -> str:
    return "pairs_per_second" if found.info.mode == "cross" else "sentences_per_second"


def _values(folder: Path, found: Description) -> dict[str, Any]:
    info = found.info
    name, metrics = validated(info) or (None, {})
    return {
        "folder": str(folder),
        "mode": info.mode,
        "base_model": info.base_model,
        "backend": found.backend,
        "precision": found.precision,
        "megabytes": found.bytes / 1e6,
        "vocabulary": found.pieces,
        "max_length": info.max_length,
        "orders": info.orders,
        "threshold": info.threshold,
        "text_pipeline": info.text_pipeline["name"],
        "pearson": metrics.get("pearson", {}).get("value"),
        "validation": name,
        "validation_pairs": metrics.get("rows"),
        "study": info.study,
        "speed": found.speed,
        _rate_name(found): None if found.rate is None else round(found.rate, 1),
    }

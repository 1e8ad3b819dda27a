"""`python -m sts.models info`."""

import json as json_module
from pathlib import Path
from typing import Any

from sts.models.bundled import BUNDLED_CROSS, ScorerPath
from sts.models.description import TOKENS, Description, describe_scorer
from sts.tables import Table


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
        "pearson": None if values["pearson"] is None else f"{values['pearson']:.4f} (hard validation of the training)",
    }
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


def _rate_name(found: Description) -> str:
    return "pairs_per_second" if found.info.mode == "cross" else "sentences_per_second"


def _values(folder: Path, found: Description) -> dict[str, Any]:
    info = found.info
    pearson = info.metrics.get("hard", {}).get("pearson", {}).get("value")
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
        "pearson": pearson,
        "study": info.study,
        "speed": found.speed,
        _rate_name(found): None if found.rate is None else round(found.rate, 1),
    }

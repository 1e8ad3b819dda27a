"""`python -m sts.models info`."""

import json as json_module
from pathlib import Path
from typing import Any

from sts.models.bundled import BUNDLED_CROSS, scorer_folder
from sts.models.description import TOKENS, Description, describe_scorer
from sts.tables import Table


def info(folder: Path = BUNDLED_CROSS, /, *, json: bool = False) -> None:
    """Tell what a scorer is: size, precision, where it comes from, how fast it can be expected to be.

    Args:
        folder: a scorer folder, or bundled-bi; not given: the bundled cross-encoder
        json: print JSON
    """
    folder = scorer_folder(folder)
    found = describe_scorer(folder)
    values = _values(folder, found)
    if json:
        print(json_module.dumps(values, ensure_ascii=False, indent=2))
        return
    unit = "pairs" if found.info.mode == "cross" else "sentences"
    shown = values | {
        "megabytes": f"{values['megabytes']:,.1f}",
        "vocabulary": f"{found.pieces:,} pieces",
        "speed": f"{found.speed}: about {found.rate:,.0f} {unit} of {TOKENS} tokens a second on two cores",
        "pearson": "-" if values["pearson"] is None else f"{values['pearson']:.4f} (hard validation)",
        "study": values["study"] or "-",
    }
    if difference := (found.info.onnx or {}).get("difference"):
        shown["export"] = (
            f"scores differ from the original's by {difference['largest']:.3f} at most and {difference['mean']:.4f} on "
            f"average ({difference['pairs']:,} pairs)"
        )
    shown.pop("pairs_per_second")
    Table(["", str(folder)], [[name.replace("_", " "), str(value)] for name, value in shown.items()]).show()


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
        "pairs_per_second": round(found.rate, 1),
    }

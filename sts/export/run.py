"""One export, from a scorer folder to a smaller and faster one."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from sts.errors import MissingDependency, ScorerError, UsageError
from sts.models import BiScorer, CrossScorer, ScorerInfo, load_scorer
from sts.models.alignment import COMMON
from sts.models.info import VALIDATIONS, read_info, write_info
from sts.models.runtime import ONNX_FILE, TOKENIZER_FILE, TORCH_FILE

if TYPE_CHECKING:
    import numpy as np
    import onnx

ExportPrecision = Literal["fp32", "int8"]
CONFIG_FILE = "config.json"
# bytes of weights in fp32: protobuf ends at 2 GiB, and the rest of the graph takes some
LARGEST_GRAPH = 2_000_000_000


@dataclass(frozen=True)
class Difference:
    """How an exported scorer's scores of some pairs differ from the original's in fp32.

    Attributes:
        pairs: how many.
        largest: largest difference of a pair, 0 to 5.
        mean: mean difference.
        pearson_before: the original's correlation with the labels; None where the pairs have none.
        pearson_after: the exported scorer's.
    """

    pairs: int
    largest: float
    mean: float
    pearson_before: float | None
    pearson_after: float | None


def export_scorer(
    source: Path,
    target: Path,
    *,
    precision: ExportPrecision,
    trim_vocabulary: Sequence[str] = (),
    keep_torch: bool = False,
    say: Callable[[str], None],
) -> Difference:
    """Write a scorer as an ONNX model that ONNX Runtime computes, and compare the two.

    Args:
        source: a scorer folder, as `sts.train` writes it.
        target: an empty folder.
        precision: `int8` computes the large matrix products in 8 bits; see `sts.export.quantize`.
        trim_vocabulary: what the vocabulary is for; see `sts.encoders.trim_checkpoint`. None keeps all of it.
        keep_torch: keep the torch weights too, for machines with a GPU.
        say: prints a line.

    Returns:
        The difference on the validation pairs that the training left in `source`, else on a few common sentences.

    Raises:
        MissingDependency: a package that exporting needs is not installed.
        ScorerError: the folder can't be read, or its architecture can't be exported.
        UsageError: `source` has no torch weights to export.
    """
    info = read_info(source)
    if not (source / TORCH_FILE).is_file():
        raise UsageError(
            f"--model {source}: holds no {TORCH_FILE} to export"
            + ("; it was exported already, name the folder it was exported from" if info.onnx else "")
        )
    onnx = _onnx_package()
    described: dict[str, Any] = {"precision": precision}
    with TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as place:
        folder = source
        if trim_vocabulary:
            from sts.encoders import trim_checkpoint

            folder = Path(place)
            trimming = trim_checkpoint(source, folder, trim_vocabulary)
            described["vocabulary"] = asdict(trimming)
            say(f"vocabulary: {trimming.pieces:,} of {trimming.of:,} pieces kept")
        network = _network(folder, info)
        model = _model(network, info, precision, say)
        if keep_torch:
            shutil.copytree(folder, target, dirs_exist_ok=True, ignore=_leftovers)
        else:
            shutil.copyfile(folder / CONFIG_FILE, target / CONFIG_FILE)
        _write_tokenizer(network.tokenizer, target)
    onnx.save(model, str(target / ONNX_FILE))
    described["versions"] = {name: _version(name) for name in ("onnx", "onnxruntime", "torch")}
    write_info(target, replace(info, onnx=described))
    difference = _compare(source, target, say)
    write_info(target, replace(info, onnx=described | {"difference": asdict(difference)}))
    return difference


def _onnx_package() -> Any:
    try:
        import onnx
        import onnxscript  # noqa: F401 (what torch's exporter writes with)
    except ImportError as error:
        raise MissingDependency(str(error.name), "an export", "export") from None
    return onnx


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _leftovers(folder: str, names: list[str]) -> list[str]:
    """What a training leaves in its folder and no scorer needs."""
    return [name for name in names if name in ("report.md", "plots", "validation", "tensorboard", "metrics.jsonl")]


def _network(folder: Path, info: ScorerInfo) -> Any:
    """The network on the processor.

    Raises:
        ScorerError: it can't be read, or is too large for an ONNX file.
    """
    from sts.models.network import read_network

    network: Any = read_network(folder, info).cpu()
    encoder = network[0].model
    encoder.set_attn_implementation("eager")  # plain matrix products, which are what is quantized
    if (size := sum(parameter.nbytes for parameter in encoder.parameters())) > LARGEST_GRAPH:
        raise ScorerError(
            f"{folder}: the encoder has {size / 1e9:.1f} GB of weights, of which an ONNX file holds 2; make its "
            "vocabulary smaller with --trim-vocabulary, or score it with torch"
        )
    return network


def _model(network: Any, info: ScorerInfo, precision: str, say: Callable[[str], None]) -> "onnx.ModelProto":
    from tqdm import tqdm

    from sts.export.graph import make_graph
    from sts.export.quantize import observe, quantize
    from sts.models.torch_runtime import TorchRuntime

    say(f"exporting the {info.mode}-encoder from {info.base_model} to ONNX")
    model = make_graph(network, info)
    if precision == "int8":
        seen = observe(model, _inputs(TorchRuntime(network, "fp32"), info))
        with tqdm(unit="matrix", desc="quantizing", disable=None) as bar:
            quantize(model, seen, bar.update)
    return model


def _inputs(runtime: Any, info: ScorerInfo) -> "list[dict[str, np.ndarray]]":
    """Common Korean sentences, or pairs of them in both orders, one a batch."""
    import numpy as np

    scorer: CrossScorer | BiScorer
    if info.mode == "cross":
        scorer = CrossScorer(runtime, replace(info, orders="both"))
        tokens = scorer.tokenize(COMMON, [*COMMON[1:], COMMON[0]]).tokens
    else:
        tokens = BiScorer(runtime, info).tokenize(COMMON).tokens
    return [
        {name: np.array([column[row]], np.int64) for name, column in tokens.items()}
        for row in range(len(tokens["input_ids"]))
    ]


def _write_tokenizer(tokenizer: Any, target: Path) -> None:
    """The tokenizer as the network was given it; its padding says which id fills short rows.

    Raises:
        UsageError: it is not a fast tokenizer, the only kind that can be written in one file.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise UsageError("--model: its tokenizer has no tokenizer.json, without which it can't be exported")
    backend.no_truncation()
    backend.enable_padding(pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
    backend.save(str(target / TOKENIZER_FILE), pretty=False)


def _compare(source: Path, target: Path, say: Callable[[str], None]) -> Difference:
    import numpy as np

    first, second, label = _pairs(source)
    say(f"comparing the scores of {len(first):,} pairs with the original's in fp32")
    scorers = (load_scorer(source, precision="fp32", backend="torch"), load_scorer(target, backend="onnx"))
    before, after = (scorer.score(first, second, progress=True).scores for scorer in scorers)
    difference = np.abs(before - after)
    correlations = [_correlation(scores, label) for scores in (before, after)]
    return Difference(len(first), float(difference.max()), float(difference.mean()), *correlations)


def _correlation(scores: "np.ndarray", label: list[float]) -> float | None:
    """Pearson's r; None without labels, or where one of the two does not vary."""
    import numpy as np

    return float(np.corrcoef(scores, label)[0, 1]) if label and np.ptp(scores) > 0 and np.ptp(label) > 0 else None


def _pairs(source: Path) -> tuple[list[str], list[str], list[float]]:
    """The validation pairs of the training, or each common sentence with each other, without labels."""
    parts = (source / "validation" / f"{name}.csv" for name in VALIDATIONS)
    path = next((part for part in parts if part.is_file()), None)
    if path is not None:
        from sts.pairs import Pair, read_pairs

        pairs = [row for row in read_pairs(path) if isinstance(row, Pair) and row.label is not None]
        if pairs:
            return (
                [pair.sentence1 for pair in pairs],
                [pair.sentence2 for pair in pairs],
                [float(pair.label) for pair in pairs if pair.label is not None],
            )
    both = [(one, two) for one in COMMON for two in COMMON]
    return [one for one, _ in both], [two for _, two in both], []

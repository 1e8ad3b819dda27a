"""`python -m sts.export`."""

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from sts.bundled import ScorerPath
from sts.encoders.trim import KOREAN
from sts.errors import UsageError
from sts.export.run import ExportPrecision, export_scorer
from sts.files import check_inputs_outside, replacing_folder
from sts.models.description import scorer_bytes
from sts.models.info import INFO_FILE
from sts.models.runtime import ONNX_FILE

# how far an export should stay from its original: of a pair's score, and on average
LARGEST, MEAN = 0.15, 0.03


def export(
    *,
    model: ScorerPath,
    output: Path,
    backend: Literal["onnx"] = "onnx",
    precision: ExportPrecision = "int8",
    trim_vocabulary: list[str] | None = None,
    keep_torch: bool = False,
    json: bool = False,
    overwrite: bool = False,
) -> None:
    """Make a scorer small and fast: an ONNX model, which scores without torch.

    Args:
        model: scorer folder, as sts.train writes it
        output: folder for the exported scorer; every command takes it as --model
        backend: onnx = ONNX Runtime
        precision: int8 = large matrix products in 8 bits, four times smaller and the fastest; fp32 = as it was trained
        trim_vocabulary: leave out pieces of the vocabulary: files whose texts stay as they are, or ko for those that
            Korean text needs; for multilingual encoders; not given: all stay
        keep_torch: keep the torch weights too, which are used where there is a GPU
        json: print what was measured as JSON, and nothing else, on standard output
        overwrite: replace what is at OUTPUT
    """
    import sys

    def say(line: str) -> None:
        print(line, file=sys.stderr if json else sys.stdout, flush=True)

    _check_output(model, output, [text for text in trim_vocabulary or [] if text != KOREAN], overwrite=overwrite)
    say(f"exporting {model} to {output}: {backend}, {precision}")
    with replacing_folder(output) as folder:
        difference = export_scorer(
            model,
            folder,
            precision=precision,
            trim_vocabulary=trim_vocabulary or [],
            keep_torch=keep_torch,
            say=say,
        )
    before, after = scorer_bytes(model, "torch"), scorer_bytes(output, backend)
    if json:
        import json as json_module

        print(json_module.dumps(asdict(difference) | {"bytes_before": before, "bytes": after}))
        return
    say(
        f"scores of {difference.pairs:,} pairs differ by {difference.largest:.3f} at most and {difference.mean:.4f} on "
        "average"
    )
    if difference.largest > LARGEST or difference.mean > MEAN:
        say(f"that is more than {LARGEST:g} and {MEAN:g}, within which an export should stay; --precision fp32 does")
    if difference.pearson_after is not None:
        say(f"Pearson on the hard validation: {difference.pearson_before:.4f} before, {difference.pearson_after:.4f}")
    say(f"{before / 1e6:.0f} MB before, {after / 1e6:.0f} MB now: {output}")
    say(f'next: python -m sts.score --model {output} "문장 1" "문장 2"')


def _check_output(model: Path, output: Path, texts: list[str], *, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output}: is a file; name a folder that does not exist yet")
    check_inputs_outside(output, [model, *texts])
    if output.resolve().is_relative_to(model.resolve()):
        raise UsageError(f"--output {output}: lies in the scorer that is exported; name a folder beside it")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not overwrite:
        raise UsageError(
            f"--output {output}: the folder is not empty; name another one, or add --overwrite to replace it"
        )
    if not all((output / name).is_file() for name in (INFO_FILE, ONNX_FILE)):
        raise UsageError(
            f"--overwrite: {output} holds no {ONNX_FILE}, so it is no earlier export; remove it by hand, or name "
            "another folder"
        )

"""`python -m sts.score`: score two sentences, or a file of pairs of any length."""

import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sts.errors import DataError, UsageError
from sts.files import replacing_file
from sts.models.bundled import BUNDLED_CROSS, ScorerPath
from sts.models.info import Orders, ScorerInfo
from sts.models.precision import ScoringPrecision
from sts.models.runtime import Backend
from sts.models.scorer import Scorer
from sts.pairs.rows import BadRow, OnBadRow, Pair, check_fields, read_pairs, tsv_rows
from sts.pairs.write import WRITERS

STANDARD = "-"
# pairs that are held at once; large enough to sort by length, small enough for any machine
CHUNK = 4096


def score(
    sentence1: str | None = None,
    sentence2: str | None = None,
    /,
    *,
    model: ScorerPath = BUNDLED_CROSS,
    input: str | None = None,
    output: str | None = None,
    json: bool = False,
    on_bad_row: OnBadRow = "error",
    orders: Orders | None = None,
    batch_size: int = 64,
    precision: ScoringPrecision = "auto",
    backend: Backend = "auto",
) -> None:
    """Score two sentences from 0 to 5, or each pair of a file.

    Args:
        sentence1: the first sentence
        sentence2: the second sentence
        model: scorer folder, as sts.train or sts.export writes it; not given: the bundled cross-encoder
        input: file of pairs (CSV, TSV, JSON lines, KLUE's JSON, Parquet) with the columns sentence1 and sentence2, or -
            for tab-separated standard input
        output: file for the scored pairs (.tsv, .csv or .jsonl), or - for standard output, as TSV or with --json as
            JSON lines; not given with --input: standard output
        json: print JSON
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and count it
        orders: both = the mean over both orders of the sentences, one = as they come, which is twice as fast; not
            given: as the scorer was trained
        batch_size: pairs that are computed together
        precision: auto = bf16 where the processor computes in it, else fp32; exported models have one of their own
        backend: what computes a folder that has both, torch or onnx; auto = torch on a GPU, else onnx
    """
    _check_options(sentence1, sentence2, input, output)
    from sts.models import load_scorer

    scorer = load_scorer(model, precision=precision, orders=orders, backend=backend)
    if input is None:
        _score_two(scorer, str(sentence1), str(sentence2), as_json=json)
    else:
        _score_file(scorer, input, output or STANDARD, as_json=json, on_bad_row=on_bad_row, batch_size=batch_size)


def _check_options(sentence1: str | None, sentence2: str | None, input_: str | None, output: str | None) -> None:
    if input_ is not None and sentence1 is not None:
        raise UsageError("give two sentences or --input, not both")
    if input_ is None and output is not None:
        raise UsageError("--output goes with --input; two sentences are scored on the screen")
    if input_ is None and sentence2 is None:
        raise UsageError('two sentences are needed: python -m sts.score "문장 1" "문장 2", or --input FILE')
    if output is None or output == STANDARD:
        return
    if Path(output).suffix not in WRITERS:
        raise UsageError(f"--output {output}: allowed are files that end in {', '.join(WRITERS)}")
    if input_ != STANDARD and Path(output).resolve() == Path(str(input_)).resolve():
        raise UsageError(f"--output {output}: is the input file; name another")


def _score_two(scorer: Scorer, sentence1: str, sentence2: str, *, as_json: bool) -> None:
    problem = check_fields({"sentence1": sentence1, "sentence2": sentence2}, labelled=False)
    if isinstance(problem, str):
        raise UsageError(problem)
    scored = scorer.score([sentence1], [sentence2])
    row = _row(Pair(sentence1, sentence2, None), float(scored.scores[0]), bool(scored.truncated[0]), scorer.info)
    del row["guid"]
    if as_json:
        print(json.dumps(row | {"threshold": scorer.info.threshold}, ensure_ascii=False))
        return
    print(f"{row['score']:.2f}  {'similar' if row['similar'] else 'not similar'} (threshold {scorer.info.threshold:g})")
    if row["truncated"]:
        print(f"the pair is longer than {scorer.info.max_length} tokens and was cut there", file=sys.stderr)


def _score_file(
    scorer: Scorer, source: str, target: str, *, as_json: bool, on_bad_row: OnBadRow, batch_size: int
) -> None:
    from tqdm import tqdm

    suffix = Path(target).suffix if target != STANDARD else ".jsonl" if as_json else ".tsv"
    named = "standard input" if source == STANDARD else source
    print(f"scoring {named} with {scorer.info.base_model} ({scorer.info.mode}-encoder)", file=sys.stderr)
    counts = {"pairs": 0, "bad": 0, "truncated": 0, "left_as_is": 0}
    with _writing(target) as stream, tqdm(unit="pair", desc="scoring", file=sys.stderr, disable=None) as bar:
        write = WRITERS[suffix](stream)
        for chunk in _chunks(_good_pairs(source, on_bad_row, counts)):
            scored = scorer.score(
                [pair.sentence1 for pair in chunk], [pair.sentence2 for pair in chunk], batch_size=batch_size
            )
            for pair, value, cut in zip(chunk, scored.scores.tolist(), scored.truncated.tolist(), strict=True):
                write(_row(pair, value, cut, scorer.info))
            counts["pairs"] += len(chunk)
            counts["truncated"] += int(scored.truncated.sum())
            counts["left_as_is"] += int(scored.left_as_is.sum())
            stream.flush()
            bar.update(len(chunk))
    kept = (
        f", {counts['left_as_is']:,} that the text pipeline {scorer.info.text_pipeline['name']} would have emptied and "
        "left as they were"
        if counts["left_as_is"]
        else ""
    )
    print(
        f"{counts['pairs']:,} pairs scored, {counts['bad']:,} bad rows skipped, {counts['truncated']:,} cut at "
        f"{scorer.info.max_length} tokens{kept}" + ("" if target == STANDARD else f": {target}"),
        file=sys.stderr,
    )


@contextmanager
def _writing(target: str) -> Iterator[IO[str]]:
    """Standard output, or a file that appears when all of it is written."""
    if target == STANDARD:
        yield sys.stdout
    else:
        with replacing_file(Path(target)) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream


def _good_pairs(source: str, on_bad_row: OnBadRow, counts: dict[str, int]) -> Iterator[Pair]:
    rows: Iterable[Pair | BadRow] = (
        _standard_input() if source == STANDARD else read_pairs(Path(source), labelled=False)
    )
    for row in rows:
        if isinstance(row, Pair):
            yield row
        elif on_bad_row == "error":
            raise DataError(f"{row} (--on-bad-row skip leaves such rows out)")
        else:
            counts["bad"] += 1
            print(f"skipped {row}", file=sys.stderr)


def _standard_input() -> Iterator[Pair | BadRow]:
    """Tab-separated pairs from standard input: with a header, or without one as sentence1 and sentence2."""
    name = "standard input"
    first = sys.stdin.readline()
    header = first if "sentence1" in first.rstrip("\r\n").lstrip("\ufeff").split("\t") else ""
    lines = itertools.chain([header.lstrip("\ufeff") or "sentence1\tsentence2\n"], [] if header else [first], sys.stdin)
    for place, fields in tsv_rows(name, lines):
        number = int(place.split()[1]) - (0 if header else 1)
        pair = fields if isinstance(fields, str) else check_fields(fields, labelled=False)
        yield BadRow(name, f"line {number}", pair) if isinstance(pair, str) else pair


def _chunks(pairs: Iterator[Pair]) -> Iterator[list[Pair]]:
    # the first chunks are small, so that a pipe sees its first scores soon
    for size in itertools.chain([64, 512], itertools.repeat(CHUNK)):
        chunk = list(itertools.islice(pairs, size))
        if not chunk:
            return
        yield chunk


def _row(pair: Pair, value: float, truncated: bool, info: ScorerInfo) -> dict[str, Any]:
    return {
        "guid": pair.guid,
        "sentence1": pair.sentence1,
        "sentence2": pair.sentence2,
        "score": round(value, 4),
        "similar": value >= info.threshold,
        "truncated": truncated,
    }


if __name__ == "__main__":
    from sts.cli import main

    main("score")

"""`python -m sts.score`: score two sentences, or a file of pairs of any length."""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.bundled import BUNDLED_CROSS, ScorerPath
from sts.errors import DataError, UsageError
from sts.files.encoding import standard_input
from sts.files.options import AS_FOUND, FileOptions
from sts.files.table import RawRow, delimited, read_table
from sts.models.coverage import TOO_MUCH
from sts.models.info import Orders, ScorerInfo
from sts.models.precision import ScoringPrecision
from sts.models.runtime import Backend
from sts.models.scorer import Known, Scored, Scorer
from sts.pairs.rows import BadRow, OnBadRow, Pair, check_fields, pair_columns, pair_of, without_header
from sts.pairs.write import SUFFIXES, RowWriter, row_writer, writing_rows

STANDARD = "-"
# pairs that are held at once; large enough to sort by length, small enough for any machine
CHUNK = 4096
# pairs, or sentences of a bi-encoder, that are not computed again; of e5-small, 30 MB
REMEMBERED = 20_000
if TYPE_CHECKING:
    from sts.models import BiScorer, CrossScorer

COLUMNS = pair_columns(labelled=False, others=True)
# what a scored row has beside its own columns
ADDED = ("row", "score", "similar", "truncated", "unknown")


def score(
    sentence1: str | None = None,
    sentence2: str | None = None,
    /,
    *,
    files: FileOptions = AS_FOUND,
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
        files: how the file of --input is read
        model: scorer folder, as sts.train or sts.export writes it; not given: the bundled cross-encoder
        input: file of pairs (CSV, TSV, JSON, JSON lines, Parquet, Excel) with the columns sentence1 and sentence2, or -
            for tab-separated standard input
        output: file for the scored pairs (.tsv, .csv, .jsonl or .xlsx): all columns of the input, and row, score,
            similar, truncated and unknown; or - for standard output, as TSV or with --json as JSON lines; not given
            with --input: standard output
        json: print JSON
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and count it
        orders: sorted = the shorter sentence first, both = the mean over both orders, in twice the time, one = as
            they come; not given: as the scorer was trained
        batch_size: pairs that are computed together, at most
        precision: auto = bf16 where the processor computes in it, else fp32; exported models have one of their own
        backend: what computes a folder that has both, torch or onnx; auto = torch on a GPU, else onnx
    """
    _check_options(sentence1, sentence2, input, output, files)
    from sts.models import load_scorer

    scorer = load_scorer(model, precision=precision, orders=orders, backend=backend)
    if input is None:
        _score_two(scorer, str(sentence1), str(sentence2), as_json=json)
    else:
        source = _Source(input, files, on_bad_row)
        _score_file(scorer, source, output or STANDARD, as_json=json, batch_size=batch_size)


def _check_options(
    sentence1: str | None, sentence2: str | None, input_: str | None, output: str | None, files: FileOptions
) -> None:
    if input_ is not None and sentence1 is not None:
        raise UsageError("give two sentences or --input, not both")
    if input_ is None and output is not None:
        raise UsageError("--output goes with --input; two sentences are scored on the screen")
    if input_ is None and sentence2 is None:
        raise UsageError('two sentences are needed: python -m sts.score "문장 1" "문장 2", or --input FILE')
    if input_ is None and files != AS_FOUND:
        raise UsageError(
            "--encoding, --columns, --no-header, --delimiter and --quoting go with --input, the file to read"
        )
    if output is None or output == STANDARD:
        return
    if Path(output).suffix.lower() not in SUFFIXES:
        raise UsageError(f"--output {output}: allowed are files that end in {', '.join(SUFFIXES)}")
    if input_ != STANDARD and Path(output).resolve() == Path(str(input_)).resolve():
        raise UsageError(f"--output {output}: is the input file; name another")


def _score_two(scorer: Scorer, sentence1: str, sentence2: str, *, as_json: bool) -> None:
    problem = check_fields({"sentence1": sentence1, "sentence2": sentence2}, labelled=False)
    if isinstance(problem, str):
        raise UsageError(problem)
    scored = scorer.score([sentence1], [sentence2])
    info = scorer.info
    row = {"sentence1": sentence1, "sentence2": sentence2, **_results(scored, info)[0]}
    if as_json:
        print(json.dumps(row | {"threshold": info.threshold}, ensure_ascii=False))
        return
    print(f"{row['score']:.2f}  {'similar' if row['similar'] else 'not similar'} (threshold {info.threshold:g})")
    if row["truncated"]:
        print(f"the pair is longer than {info.max_length} tokens and was cut there", file=sys.stderr)
    if row["unknown"]:
        told = f"the model does not know {row['unknown']:.0%} of the text"
        beyond = "; too little was read to call the two similar" if scored.unread[0] else ""
        print(f"{told}{beyond}", file=sys.stderr)


@dataclass
class _Counts:
    """What a summary says of a scored file."""

    pairs: int = 0
    bad: int = 0
    truncated: int = 0
    left_as_is: int = 0
    unknown: int = 0
    mostly: int = 0

    def add(self, scored: Scored) -> None:
        """Count scored pairs."""
        self.pairs += len(scored.scores)
        self.truncated += int(scored.truncated.sum())
        self.left_as_is += int(scored.left_as_is.sum())
        self.unknown += int((scored.unknown > 0).sum())
        self.mostly += int((scored.unknown > TOO_MUCH).sum())

    def told(self, info: ScorerInfo) -> str:
        """The counts in a line."""
        parts = [
            f"{self.pairs:,} pairs scored",
            f"{self.bad:,} bad rows skipped",
            f"{self.truncated:,} cut at {info.max_length} tokens",
        ]
        if self.unknown:
            parts.append(
                f"{self.unknown:,} with text that the model does not know ({self.mostly:,} of them more than half: "
                "column unknown)"
            )
        if self.left_as_is:
            parts.append(
                f"{self.left_as_is:,} that the text pipeline {info.text_pipeline['name']} would have emptied and "
                "left as they were"
            )
        return ", ".join(parts)


@dataclass(frozen=True)
class _Source:
    """A file of pairs, or standard input."""

    path: str
    options: FileOptions
    on_bad_row: OnBadRow

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if self.path == STANDARD else self.path

    def rows(self, say: Callable[[str], None]) -> Iterator[RawRow]:
        """Its rows, good and bad ones."""
        if self.path == STANDARD:
            return _standard_rows(self.name, self.options, say)
        return read_table(Path(self.path), COLUMNS, options=self.options, say=say)

    def pairs(self, counts: _Counts, say: Callable[[str], None]) -> Iterator[tuple[RawRow, Pair]]:
        """Its good rows; bad ones are counted and told, or raised."""
        for row in self.rows(say):
            pair = pair_of(row, labelled=False)
            if not isinstance(pair, str):
                yield row, pair
                continue
            bad = BadRow(self.name, row.place, pair)
            if self.on_bad_row == "error":
                raise bad.refused()
            counts.bad += 1
            say(f"skipped {bad}")

    def columns(self) -> list[str] | None:
        """Of a table of its rows, where each row names its own fields; None where the first row has them all."""
        if Path(self.path).suffix.lower() not in (".jsonl", ".json"):
            return None
        rows = self.rows(lambda _: None)
        found = dict.fromkeys(name for row in rows if not isinstance(row.fields, str) for name in _kept(row))
        return [*found, *ADDED]


def _standard_rows(name: str, options: FileOptions, say: Callable[[str], None]) -> Iterator[RawRow]:
    """Tab-separated pairs from standard input: with a header, or without one as sentence1 and sentence2."""
    lines = standard_input(sys.stdin, options, name)
    first = next(lines, "").lstrip("\ufeff")
    options = without_header(first, options)
    return delimited(name, itertools.chain([first], lines), COLUMNS, options, say, tabs=True)


def _score_file(
    scorer: "CrossScorer | BiScorer", source: _Source, target: str, *, as_json: bool, batch_size: int
) -> None:
    from tqdm import tqdm

    print(f"scoring {source.name} with {scorer.info.base_model} ({scorer.info.mode}-encoder)", file=sys.stderr)

    def say(line: str) -> None:
        tqdm.write(line, file=sys.stderr)

    counts, told, known = _Counts(), set[str](), Known(REMEMBERED)
    with (
        _writing(source, target, as_json=as_json) as write,
        tqdm(unit="pair", desc="scoring", file=sys.stderr, disable=None) as bar,
    ):
        for chunk in _chunks(source.pairs(counts, say)):
            first, second = [pair.sentence1 for _, pair in chunk], [pair.sentence2 for _, pair in chunk]
            scored = scorer.score(first, second, batch_size=batch_size, known=known)
            for (row, _), result in zip(chunk, _results(scored, scorer.info), strict=True):
                kept = _kept(row)
                for name, shown in zip(row.fields, kept, strict=False):
                    if shown != row.spelled.get(name, name) and shown not in told:
                        told.add(shown)
                        say(f"the input's column '{row.spelled.get(name, name)}' is kept as '{shown}'")
                write(kept | {"row": row.number} | result)
            counts.add(scored)
            if target == STANDARD:
                sys.stdout.flush()
            bar.update(len(chunk))
    if counts.bad and not counts.pairs:
        raise DataError(f"{source.name}: no usable pair among {counts.bad:,} rows; nothing was scored")
    print(counts.told(scorer.info) + ("" if target == STANDARD else f": {target}"), file=sys.stderr)


@contextmanager
def _writing(source: _Source, target: str, *, as_json: bool) -> Iterator[RowWriter]:
    """What writes to standard output, or to a file that appears when all of it is written."""
    if target == STANDARD:
        suffix = ".jsonl" if as_json else ".tsv"
        yield row_writer(sys.stdout, suffix, None if as_json else source.columns())
    else:
        columns = None if Path(target).suffix.lower() == ".jsonl" else source.columns()
        with writing_rows(Path(target), columns) as write:
            yield write


def _kept(row: RawRow) -> dict[str, Any]:
    """A row's own columns, as the input calls them; one that is called as a new one is renamed."""
    fields: dict[str, Any] = row.fields  # type: ignore[assignment]
    kept: dict[str, Any] = {}
    scored_before = "similar" in fields
    for name, value in fields.items():
        shown = row.spelled.get(name, name)
        if shown in kept:  # of two columns of one name, the one that was named anew
            shown = name
        if shown in ADDED:
            # KorSTS calls the label score
            shown = "label" if name == "label" and not scored_before else f"input_{shown}"
        while shown in kept or (shown in fields and shown != name):
            shown = f"input_{shown}"
        kept[shown] = value
    nested = fields.get("labels")
    if isinstance(nested, dict) and "label" not in kept:  # KLUE's own files
        kept["label"] = nested.get("real-label")
    return kept


def _chunks(pairs: Iterator[tuple[RawRow, Pair]]) -> Iterator[list[tuple[RawRow, Pair]]]:
    # the first chunks are small, so that a pipe sees its first scores soon
    for size in itertools.chain([64, 512], itertools.repeat(CHUNK)):
        chunk = list(itertools.islice(pairs, size))
        if not chunk:
            return
        yield chunk


def _results(scored: Scored, info: ScorerInfo) -> list[dict[str, Any]]:
    """What is said of each pair."""
    columns = (scored.scores, scored.similar(info.threshold), scored.truncated, scored.unknown)
    return [
        {"score": round(score, 4), "similar": similar, "truncated": truncated, "unknown": round(unknown, 4)}
        for score, similar, truncated, unknown in zip(*(column.tolist() for column in columns), strict=True)
    ]


if __name__ == "__main__":
    from sts.cli import main

    main("score")

"""`python -m sts.search build|add|delete|query|info`; `duplicates` has a module of its own."""

import json as json_module
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from sts.bundled import BUNDLED_BI, ScorerPath, scorer_folder, scorer_name
from sts.errors import UsageError
from sts.files.options import AS_FOUND, FileOptions
from sts.models.precision import ScoringPrecision
from sts.models.runtime import Backend, shared_options
from sts.pairs.rows import OnBadRow
from sts.tables import Table

CANDIDATES = 50


def build(
    *,
    files: FileOptions = AS_FOUND,
    sentences: Path,
    index: Path,
    model: ScorerPath = BUNDLED_BI,
    kind: Literal["auto", "flat", "ivfflat", "hnsw", "ivfpq"] = "auto",
    dimension: int | None = None,
    on_bad_row: OnBadRow = "error",
    batch_size: int = 64,
    precision: ScoringPrecision = "auto",
    backend: Backend = "auto",
) -> None:
    """Make an index of a file's sentences; interrupted and run again, it goes on where it was.

    Args:
        files: how the file of sentences is read
        sentences: text (one sentence a line), or CSV, TSV, JSON, JSON lines, Parquet or Excel with the column sentence,
            optionally id, and further columns as metadata
        index: folder for the index; until it is complete, it stands in INDEX.partial
        model: folder of a bi-encoder, as sts.train --mode bi writes it; not given: the bundled one
        kind: flat = exact, ivfflat = nearly exact and fast, hnsw = the same, without deleting, ivfpq = compressed to an
            eighth; auto = flat below 50,000 sentences, ivfflat below 5,000,000, else ivfpq
        dimension: numbers of a vector that are kept, one of those that the model was trained for; not given: all
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and list it
        batch_size: sentences that go through the model together, at most
        precision: auto = bf16 where the processor computes in it, else fp32; exported models have one of their own
        backend: what computes a folder that has both, torch or onnx; auto = torch on a GPU, else onnx
    """
    from sts.search.build import build_index, check_target

    check_target(index)
    scorer = _embedder(model, dimension, precision, backend)
    print(f"indexing {sentences} with {model} ({scorer.info.base_model}, {scorer.dimension} dimensions)", flush=True)
    state = build_index(
        scorer,
        (scorer_name(model.resolve()), scorer.info.base_model),
        sentences,
        index,
        kind=None if kind == "auto" else kind,
        on_bad_row=on_bad_row,
        batch_size=batch_size,
        say=_say,
        options=files,
    )
    print(f"{state.rows:,} sentences indexed, {state.skipped:,} bad rows skipped: {index}")
    print(f'next: python -m sts.search query "문장" --index {index}')


def add(
    *,
    files: FileOptions = AS_FOUND,
    index: Path,
    sentences: Path,
    model: ScorerPath | None = None,
    on_bad_row: OnBadRow = "error",
    batch_size: int = 64,
    precision: ScoringPrecision = "auto",
    backend: Backend = "auto",
) -> None:
    """Add a file's sentences to an index; one whose id is there already takes that one's place.

    Args:
        files: how the file of sentences is read
        index: folder of the index
        sentences: file as for build
        model: the bi-encoder that the index was built with; not given: where it was then
        on_bad_row: error = stop at a row that can't be used, skip = leave it out and list it
        batch_size: sentences that go through the model together, at most
        precision: auto = bf16 where the processor computes in it, else fp32; exported models have one of their own
        backend: what computes a folder that has both, torch or onnx; auto = torch on a GPU, else onnx
    """
    from sts.search.build import add_sentences
    from sts.search.index import read_state
    from sts.search.rows import read_sentences

    state = read_state(index)
    scorer = _embedder(model or scorer_folder(state.model), state.dimension, precision, backend)
    print(f"adding {sentences} to {index}", flush=True)
    rows = read_sentences(sentences, options=files, say=_say)
    changed = add_sentences(index, scorer, rows, on_bad_row=on_bad_row, batch_size=batch_size, say=_say)
    print(
        f"{changed.added:,} sentences added, {changed.replaced:,} in another one's place, {changed.skipped:,} bad "
        f"rows skipped; {changed.rows:,} sentences now"
    )


def delete(*, index: Path, ids: list[str]) -> None:
    """Delete sentences from an index.

    Args:
        index: folder of the index
        ids: ids of the sentences
    """
    from sts.search.build import delete_sentences

    changed = delete_sentences(index, ids)
    print(f"{len(ids) - len(changed.missing):,} sentences deleted; {changed.rows:,} sentences now")
    if changed.missing:
        print(f"not there: {', '.join(changed.missing)}", file=sys.stderr)


def query(
    sentence: str | None = None,
    /,
    *,
    index: Path,
    top_k: int = 10,
    model: ScorerPath | None = None,
    rerank: ScorerPath | None = None,
    candidates: int = CANDIDATES,
    where: list[str] | None = None,
    distinct: bool = False,
    json: bool = False,
    precision: ScoringPrecision = "auto",
    backend: Backend = "auto",
) -> None:
    """Find the sentences that are most similar to one.

    Args:
        sentence: the sentence
        index: folder of the index
        top_k: sentences to find, 1 to 1000
        model: the bi-encoder that the index was built with; not given: where it was then
        rerank: folder of a cross-encoder that scores the candidates and orders them; bundled-cross = the bundled one
        candidates: sentences that are reranked, TOP_K to 1000
        where: filters on metadata, name=value, all of which must hold, such as source=airbnb; values are compared, so
            that year=2020 finds 2020.0
        distinct: of sentences with the same text, find one
        json: print JSON lines
        precision: auto = bf16 where the processor computes in it, else fp32; exported models have one of their own
        backend: what computes a folder that has both, torch or onnx; auto = torch on a GPU, else onnx
    """
    from sts.pairs.rows import check_sentence
    from sts.search.index import SentenceIndex, check_counts, read_state
    from sts.search.where import parse_where

    if sentence is None:
        raise UsageError('a sentence is needed: python -m sts.search query "문장" --index FOLDER')
    if problem := check_sentence("sentence", sentence):
        raise UsageError(problem)
    if rerank is None and candidates != CANDIDATES:
        raise UsageError("--candidates goes with --rerank, the cross-encoder that scores them")
    check_counts(top_k, candidates if rerank else None)
    filters = parse_where(where or [])
    state = read_state(index)
    folder = model or scorer_folder(state.model)
    options = shared_options([folder, rerank] if rerank else [folder], precision, backend)
    scorer = _embedder(folder, state.dimension, *options[folder])
    with SentenceIndex.open(index, scorer) as opened:
        reranker = _reranker(rerank, *options[rerank]) if rerank else None
        (hits,) = opened.search(
            [sentence], top_k, where=filters, reranker=reranker, candidates=candidates, distinct=distinct
        )
        absent = sorted(filters.keys() - set(opened.fields())) if filters and not hits else []
    unread = next(iter(scorer.read([sentence]).values()), None)
    if unread is not None:
        print(f"{unread.unknown:.0%} of the sentence is not known to the model: {unread.missed:.60}", file=sys.stderr)
    if json:
        for hit in hits:
            print(json_module.dumps(asdict(hit), ensure_ascii=False))
        return
    rows = [[hit.id, f"{hit.score:.2f}", f"{hit.cosine:.4f}", hit.sentence, _shown(hit.metadata)] for hit in hits]
    if any(hit.metadata for hit in hits):
        Table(["id", "score", "cosine", "sentence", "metadata"], rows).show()
    else:
        Table(["id", "score", "cosine", "sentence"], [row[:-1] for row in rows]).show()
    if absent:
        print(f"no sentence has metadata called {', '.join(absent)}", file=sys.stderr)
    elif not hits:
        print("no sentence has such metadata" if filters else "the index is empty", file=sys.stderr)


def info(*, index: Path, repair: bool = False, json: bool = False) -> None:
    """Tell what an index is, and check its files.

    Args:
        index: folder of the index
        repair: put null in the place of metadata that an older version kept and that no filter can read (NaN,
            Infinity), and bring ids and metadata to their one form
        json: print JSON
    """
    from sts.search.repair import repair_index
    from sts.search.store import Store

    if repair:
        repaired = repair_index(index)
        print(repaired.told(), file=sys.stderr if json else sys.stdout)
    store = Store(index)
    try:
        with store.reading() as state:
            store.check(state)
            store.check_sentences()
            store.check_metadata()
            others = store.other_form()
            values: dict[str, Any] = {
                "sentences": store.count(),
                "kind": state.kind,
                "why": state.why,
                "dimension": state.dimension,
                "model": state.model,
                "base_model": state.base_model,
                "recall@10": state.recall,
                "breadth": state.breadth,
                "changes": state.changes,
                "megabytes": {path.name: path.stat().st_size / 1e6 for path in sorted(index.iterdir())},
            }
    finally:
        store.close()
    if others:
        print(
            f"{others:,} ids or metadata are in decomposed Hangul, so that they are not found; --repair composes them",
            file=sys.stderr,
        )
    if json:
        print(json_module.dumps(values, ensure_ascii=False, indent=2))
        return
    sizes = ", ".join(f"{name} {size:,.1f} MB" for name, size in values.pop("megabytes").items() if size)
    rows = [[name, "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)] for name, value in
            values.items()]  # fmt: skip
    Table(["", str(index)], [*rows, ["files, all whole", sizes]]).show()


def _embedder(folder: Path, dimension: int | None, precision: ScoringPrecision, backend: Backend) -> Any:
    from sts.search.index import load_embedder

    return load_embedder(folder, dimension, precision=precision, backend=backend)


def _reranker(folder: Path, precision: ScoringPrecision, backend: Backend) -> Any:
    from sts.models import load_scorer
    from sts.models.info import read_info

    if read_info(folder).mode != "cross":
        raise UsageError(f"--rerank {folder}: is a bi-encoder; a reranker must be a cross-encoder")
    return load_scorer(folder, precision=precision, backend=backend)


def _shown(metadata: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in metadata.items() if value not in (None, ""))


def _say(line: str) -> None:
    from tqdm import tqdm

    tqdm.write(line)

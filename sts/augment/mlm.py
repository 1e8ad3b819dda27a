"""Words that a masked language model inserts (contextual augmentation: Kobayashi 2018, arXiv:1805.06201).

A mask goes between two words, and a word that the model expects there is drawn. Left to itself the model puts in
nouns, numbers, times and quantities ("서민과 일반 중산층", "다시 발표했다", "많이 불편하다"), and the new sentence no
longer says what the old one said; so what may go where is bound by `sts.augment.adverbs`.
"""

import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sts.augment.adverbs import Place, adverb_places
from sts.augment.draw import draw_by_rank
from sts.augment.sentence import Analysed
from sts.encoders.cache import bundled_checkpoint
from sts.encoders.find import BUNDLED
from sts.quiet import quiet_libraries

if TYPE_CHECKING:
    import numpy as np


class MaskedInsertion:
    """Inserts adverbs that `albert-kor` expects.

    It makes n = max(1, round(alpha * words)) insertions, or as many as there are places. Each is predicted by
    itself, with nothing else inserted. The model computes in fp32 and the draw goes by rank, so a new sentence
    depends on its source and its generator and not on what else is in the batch, but where the model expects two
    words equally to the fifth digit. Sentences beyond the model's 256 tokens are left alone.

    Args:
        alpha: share of a sentence's words for which one is inserted, above 0 and up to 1.
        top_k: only what is among the k pieces of the vocabulary that the model expects most is inserted.
        batch_size: insertions that are computed together.

    Raises:
        MissingDependency: the package that the model comes in is not installed.
        EncoderError: the cache can't be written.
    """

    name = "mlm"

    def __init__(self, alpha: float = 0.1, top_k: int = 15, batch_size: int = 32) -> None:
        from tqdm import tqdm

        self.alpha, self.top_k, self.batch_size = alpha, top_k, batch_size
        self._folder = bundled_checkpoint(BUNDLED["albert-kor"], lambda line: tqdm.write(line, file=sys.stderr))

    def vary(self, sentences: Sequence[Analysed], generators: "Sequence[np.random.Generator]") -> list[str | None]:
        """Each sentence with adverbs inserted; None where none has a place, or where the model expects none."""
        drawn = [
            self._draw_places(sentence, generator) for sentence, generator in zip(sentences, generators, strict=True)
        ]
        asked = {
            (sentence.text, place.start) for sentence, places in zip(sentences, drawn, strict=True) for place in places
        }
        expected = self._model.expect(sorted(asked), self.top_k, self.batch_size) if asked else {}
        return [
            _inserted(sentence, places, expected, generator)
            for sentence, places, generator in zip(sentences, drawn, generators, strict=True)
        ]

    def _draw_places(self, sentence: Analysed, generator: "np.random.Generator") -> list[Place]:
        found = adverb_places(sentence)
        count = max(1, round(self.alpha * len(sentence.words)))
        return [found[number] for number in generator.permutation(len(found)).tolist()[:count]]

    @cached_property
    def _model(self) -> "_MaskedModel":
        return _MaskedModel(self._folder)


def _inserted(
    sentence: Analysed,
    places: Sequence[Place],
    expected: Mapping[tuple[str, int], list[str]],
    generator: "np.random.Generator",
) -> str | None:
    """The sentence with an adverb at each place, none of them twice; None if none fits any place."""
    text, used = sentence.text, {token.form for token in sentence.tokens}
    for place in sorted(places, key=lambda place: place.start, reverse=True):
        fitting = [word for word in expected[sentence.text, place.start] if word in place.adverbs and word not in used]
        if fitting:
            adverb = draw_by_rank(fitting, generator)
            used.add(adverb)
            text = f"{text[: place.start]}{adverb} {text[place.start :]}"
    return text if used and text != sentence.text else None


class _MaskedModel:
    """A masked language model that says what it expects between two words."""

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AlbertForMaskedLM, AutoTokenizer

        # said outright: left open, transformers asks on standard input whether to run a checkpoint's code
        safe: Any = {"local_files_only": True, "trust_remote_code": False}
        with quiet_libraries():
            self._model = AlbertForMaskedLM.from_pretrained(folder, use_safetensors=True, dtype=torch.float32, **safe)
            self._tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        self._model.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    def expect(self, asked: Sequence[tuple[str, int]], top_k: int, batch_size: int) -> dict[tuple[str, int], list[str]]:
        """What the model expects in some texts.

        Args:
            asked: a text, and the character before which a word is missing.
            top_k: how many pieces of the vocabulary to return for each.
            batch_size: how many to compute together.

        Returns:
            For each the k pieces that are expected most, best first; none for a text beyond the model's length.
        """
        masked = {key: self._masked(*key) for key in asked}
        fitting = [key for key in asked if len(masked[key]) <= self._tokenizer.model_max_length]
        fitting.sort(key=lambda key: len(masked[key]))
        expected: dict[tuple[str, int], list[str]] = {key: [] for key in asked}
        for start in range(0, len(fitting), batch_size):
            batch = fitting[start : start + batch_size]
            expected.update(zip(batch, self._likeliest([masked[key] for key in batch], top_k), strict=True))
        return expected

    def _masked(self, text: str, start: int) -> list[int]:
        """The ids of a text's tokens, with a mask before a character."""
        encoded = self._tokenizer(text, return_offsets_mapping=True, split_special_tokens=True, verbose=False)
        ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
        # the first token is [CLS] and the last one [SEP]; neither covers a character
        at = next((number for number in range(1, len(ids) - 1) if offsets[number][0] >= start), len(ids) - 1)
        return [*ids[:at], self._tokenizer.mask_token_id, *ids[at:]]

    def _likeliest(self, rows: list[list[int]], top_k: int) -> list[list[str]]:
        import torch

        batch = self._tokenizer.pad({"input_ids": rows}, return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            states = self._model.albert(**batch).last_hidden_state
            # 42,000 scores for each mask, not for each token
            scores = self._model.predictions(states[batch["input_ids"] == self._tokenizer.mask_token_id])
        return [list(self._tokenizer.convert_ids_to_tokens(ids)) for ids in scores.topk(top_k).indices.tolist()]

"""Translation between Korean and English by any sequence-to-sequence checkpoint."""

import hashlib
import json
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from sts.encoders.checkpoint import check_checkpoint
from sts.encoders.find import is_hub_id
from sts.encoders.hub import FILES, hub_checkpoint
from sts.errors import EncoderError, MissingDependency, UsageError
from sts.quiet import quiet_libraries

Language = Literal["ko", "en"]

# on the hub without safetensors; their weights are converted once
KNOWN_TRANSLATORS = frozenset(
    {
        "facebook/nllb-200-distilled-600M",
        "facebook/nllb-200-distilled-1.3B",
        "facebook/m2m100_418M",
        "Helsinki-NLP/opus-mt-ko-en",
        "Helsinki-NLP/opus-mt-tc-big-en-ko",
    }
)
# the tokens that stand for a language, where a tokenizer has such: NLLB, M2M100, mBART-50
CODES: dict[Language, tuple[str, ...]] = {
    "ko": ("kor_Hang", "__ko__", "ko_KR"),
    "en": ("eng_Latn", "__en__", "en_XX"),
}
# what a Marian checkpoint for several target languages wants before the source
LABELS: dict[Language, tuple[str, ...]] = {"ko": (">>kor_Hang<<", ">>kor<<", ">>ko<<"), "en": (">>eng<<", ">>en<<")}


class Translator:
    """A checkpoint that translates; its weights are loaded when they are first needed.

    Args:
        name: a folder or a hub id: Marian, M2M100, NLLB, mBART-50 or another sequence-to-sequence model.
        option: what named it, for messages.
        announce: called with a line when weights are converted.

    Raises:
        EncoderError: not found, not reachable, not safe to load, or no sequence-to-sequence model.
    """

    def __init__(self, name: str, option: str, announce: Callable[[str], None]) -> None:
        self.name, self._option = name, option
        self._folder = self._find(announce)

    def _find(self, announce: Callable[[str], None]) -> Path:
        from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES

        folder = Path(self.name)
        if folder.is_dir():
            check_checkpoint(folder)
        elif is_hub_id(self.name):
            known = self.name in KNOWN_TRANSLATORS
            folder = hub_checkpoint(self.name, (), announce, known=known, option=self._option)
        else:
            raise EncoderError(
                f"{self._option} {self.name}: is no folder and no hub id; give the folder of a checkpoint or owner/name"
            )
        architecture = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        if architecture not in MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
            raise EncoderError(
                f"{self._option} {self.name}: model_type is '{architecture}', which does not translate; "
                "give a sequence-to-sequence checkpoint, such as marian or m2m_100 (NLLB)"
            )
        return folder

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the checkpoint's files: equal for equal weights, configuration and tokenizer."""
        digest = hashlib.sha256()
        for path in sorted(self._folder.iterdir()):
            if path.is_file() and any(fnmatch(path.name, pattern) for pattern in FILES):
                with path.open("rb") as stream:
                    digest.update(f"{path.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
        return digest.hexdigest()

    def translate(
        self,
        texts: Sequence[str],
        source: Language,
        target: Language,
        *,
        num_beams: int,
        best: int,
        max_length: int,
    ) -> list[list[str]]:
        """Translate one batch by beam search, in fp32.

        Args:
            texts: what to translate.
            source: their language.
            target: the language to translate into.
            num_beams: hypotheses that are followed at once; 1 is greedy search.
            best: translations of each text, at most `num_beams`.
            max_length: tokens of a text and of a translation.

        Returns:
            For each text its translations, best first, each once. None that was not finished at
            `max_length`, and none at all for a text that is longer.

        Raises:
            EncoderError: the checkpoint can't be loaded, or does not know the languages.
            MissingDependency: its tokenizer needs sentencepiece.
            UsageError: `max_length` exceeds the model's positions.
        """
        import torch

        tokenizer, model = self._loaded
        positions = getattr(model.config, "max_position_embeddings", max_length)
        if max_length > positions:
            raise UsageError(f"max_length is {max_length}; {self.name} has positions for {positions} tokens at most")
        label, forced = self._set_languages(source, target)
        rows = [tokenizer(label + text, split_special_tokens=True)["input_ids"] for text in texts]
        fitting = [number for number, row in enumerate(rows) if len(row) <= max_length]
        translations: list[list[str]] = [[] for _ in texts]
        if not fitting:
            return translations
        batch = tokenizer.pad({"input_ids": [rows[number] for number in fitting]}, return_tensors="pt")
        with torch.inference_mode(), quiet_libraries():
            outputs = model.generate(
                **batch.to(model.device),
                **forced,
                do_sample=False,
                num_beams=num_beams,
                num_return_sequences=best,
                max_new_tokens=max_length,
            )
        ended = _ended(outputs, model, max_length)
        # what generation starts with, and the target language, which not every tokenizer takes for a special token
        decoded = tokenizer.batch_decode(outputs[:, 1 + len(forced) :], skip_special_tokens=True)
        for place, number in enumerate(fitting):
            span = range(place * best, (place + 1) * best)
            finished = (" ".join(decoded[row].split()) for row in span if ended[row])
            translations[number] = [text for text in dict.fromkeys(finished) if text]
        return translations

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

        safe = {"local_files_only": True, "trust_remote_code": False}
        try:
            with quiet_libraries():
                tokenizer = AutoTokenizer.from_pretrained(self._folder, **safe)
                model = AutoModelForSeq2SeqLM.from_pretrained(
                    self._folder, use_safetensors=True, dtype=torch.float32, **safe
                )
        except ImportError as error:
            raise MissingDependency("sentencepiece", f"the tokenizer of {self.name}", "translation") from error
        except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError, AssertionError) as error:
            raise EncoderError(
                f"{self._option} {self.name}: can't be loaded ({str(error).splitlines()[0]}); copy or fetch it again"
            ) from error
        return tokenizer, model.eval().to("cuda" if torch.cuda.is_available() else "cpu")

    def _set_languages(self, source: Language, target: Language) -> tuple[str, dict[str, int]]:
        """Tell the tokenizer the source language, and return what tells the model the target language.

        Returns:
            What goes before each source, and arguments of `generate`.

        Raises:
            EncoderError: the tokenizer has languages, and Korean or English is not among them.
        """
        tokenizer, _ = self._loaded
        if hasattr(tokenizer, "src_lang"):
            tokenizer.src_lang = self._known(CODES[source]).strip("_")
            return "", {"forced_bos_token_id": tokenizer.convert_tokens_to_ids(self._known(CODES[target]))}
        if getattr(tokenizer, "supported_language_codes", None):
            return f"{self._known(LABELS[target])} ", {}
        return "", {}

    def _known(self, candidates: Sequence[str]) -> str:
        """The first of some tokens that the tokenizer has."""
        tokenizer, _ = self._loaded
        for token in candidates:
            if tokenizer.convert_tokens_to_ids(token) not in (None, tokenizer.unk_token_id):
                return token
        raise EncoderError(
            f"{self._option} {self.name}: its tokenizer has none of {', '.join(candidates)}; "
            "give a checkpoint for Korean and English"
        )


def _ended(outputs: Any, model: Any, max_length: int) -> list[bool]:
    """Which outputs came to an end by themselves, and were not cut or ended by force at `max_length`."""
    import torch

    ends = torch.as_tensor(model.generation_config.eos_token_id, device=outputs.device)
    # neither the token that generation starts with, which may be an end, nor the last one that it may make
    return torch.isin(outputs[:, 1:max_length], ends).any(dim=1).tolist()

"""Back-translation: Korean into English and back (Sennrich et al. 2016, arXiv:1511.06709; Yu et al. 2018)."""

import hashlib
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sts.augment.draw import draw_by_rank
from sts.augment.sentence import Analysed
from sts.augment.translation_cache import TranslationCache
from sts.augment.translator import Language, Translator

if TYPE_CHECKING:
    import numpy as np

# for both directions; its licence, CC BY-NC 4.0, does not allow commercial use
DEFAULT_TRANSLATOR = "facebook/nllb-200-distilled-600M"


class BackTranslation:
    """Translates sentences into English and back.

    The best English translation is translated back into as many Korean ones as there are beams, and one of these is
    drawn, the best with the greatest chance; so a sentence has several new versions, and which it gets depends on its
    generator alone. Every translation is kept on disk as soon as its batch is done: a run that was interrupted goes
    on from there, and a second one computes nothing, and does not load the models.

    Args:
        ko_en: checkpoint that translates Korean into English, a folder or a hub id; see `Translator`.
        en_ko: checkpoint that translates English into Korean; may be the same.
        batch_size: sentences that are translated together.
        num_beams: hypotheses that are followed at once, and Korean translations of a sentence; 1 or more.
        max_length: tokens of a sentence and of a translation; a sentence beyond it is left alone.
        cache: where translations are kept; None means this project's cache folder.

    Raises:
        EncoderError: a checkpoint is not found, not reachable, not safe to load, or does not translate.
    """

    name = "bt"

    def __init__(
        self,
        ko_en: str = DEFAULT_TRANSLATOR,
        en_ko: str = DEFAULT_TRANSLATOR,
        batch_size: int = 16,
        num_beams: int = 4,
        max_length: int = 128,
        cache: TranslationCache | None = None,
    ) -> None:
        from tqdm import tqdm

        def announce(line: str) -> None:
            tqdm.write(line, file=sys.stderr)

        announce(f"translating ko→en with {ko_en}, en→ko with {en_ko}")
        self._ko_en = Translator(ko_en, "--ko-en", announce)
        self._en_ko = self._ko_en if en_ko == ko_en else Translator(en_ko, "--en-ko", announce)
        self.batch_size, self.num_beams, self.max_length = batch_size, num_beams, max_length
        self._cache = cache or TranslationCache()

    def vary(self, sentences: Sequence[Analysed], generators: "Sequence[np.random.Generator]") -> list[str | None]:
        """Each sentence by way of English; None where it comes back as it was, or not at all."""
        texts = [sentence.text for sentence in sentences]
        english = self._translate(self._ko_en, texts, "ko", "en", best=1)
        pivots = [found[0] for found in english.values() if found]
        korean = self._translate(self._en_ko, pivots, "en", "ko", best=self.num_beams)
        varied: list[str | None] = []
        for text, generator in zip(texts, generators, strict=True):
            returned = [new for pivot in english[text] for new in korean[pivot] if new != text]
            varied.append(draw_by_rank(returned, generator) if returned else None)
        return varied

    def _translate(
        self, translator: Translator, texts: Sequence[str], source: Language, target: Language, *, best: int
    ) -> dict[str, list[str]]:
        """The translations of each text, from the cache where they are there; batches go from short texts to long."""
        from tqdm import tqdm

        settings = {"num_beams": self.num_beams, "best": best, "max_length": self.max_length}
        made_by = json.dumps([translator.fingerprint, source, target, settings])
        maker = hashlib.sha256(made_by.encode()).hexdigest()
        wanted = sorted(set(texts), key=lambda text: (len(text), text))
        found = self._cache.get(maker, wanted)
        missing = [text for text in wanted if text not in found]
        label = f"{source}→{target}"
        with tqdm(total=len(missing), desc=label, unit="sentence", leave=False, file=sys.stderr, disable=None) as bar:
            for start in range(0, len(missing), self.batch_size):
                batch = missing[start : start + self.batch_size]
                fresh = dict(zip(batch, translator.translate(batch, source, target, **settings), strict=True))
                self._cache.put(maker, fresh)
                found.update(fresh)
                bar.update(len(batch))
        return found

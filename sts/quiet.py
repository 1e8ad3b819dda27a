"""Keeping the libraries below from talking over what `sts` says."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Silence notices of the engine and of transformers below errors, and bars over reading and writing weights.

    Its notice that a head is freshly initialised, for one, describes what every training begins with.
    """
    import logging as python_logging

    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    engine = python_logging.getLogger("sentence_transformers")
    engine_level = engine.level
    engine.setLevel(python_logging.ERROR)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        engine.setLevel(engine_level)
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

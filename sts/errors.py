"""Every error that `sts` raises on purpose, drawn as one tree.

    StsError
    ├── UsageError        a wrong option, or options that do not go together
    ├── DataError         a file of pairs, predictions or sentences that can't be used
    │   └── EncodingError a file whose bytes are no text in its encoding
    ├── EncoderError      a base model that is not known, not reachable or not safe to load
    ├── ScorerError       a scorer folder that is missing, damaged or of another version
    ├── SearchError       an index that is missing, damaged, busy, or made by another model
    ├── TrainingError     a training that can't start or can't go on
    ├── StudyError        a study that can't be opened, is another one, or had no trial that worked
    ├── ServeError        a request that the server can't take or answer; `sts.serve.problems` draws its branches
    ├── MissingDependency an optional package that is needed and not installed
    └── Interrupted       the person stopped the work; nothing was lost

A message says where, what was found, what is allowed, and what to do. Commands print it as one
line and exit with `exit_code`; `--debug` shows the traceback.
"""


class StsError(Exception):
    """Base of all errors raised on purpose by `sts`."""

    exit_code = 2


class UsageError(StsError):
    """An option's value is not allowed, or options contradict each other."""


class DataError(StsError):
    """A file of pairs, predictions or sentences can't be read as it should."""


class EncodingError(DataError):
    """A file's bytes are no text in the encoding that it is read in.

    Attributes:
        found: where, and what was found.
        remedy: what to do where the encoding is an option.
        likely: what the file is likely to be; empty where that can't be told.
    """

    def __init__(self, found: str, remedy: str, likely: str = "") -> None:
        super().__init__(f"{found}; {remedy}")
        self.found, self.remedy, self.likely = found, remedy, likely

    def without_option(self) -> str:
        """The message where the encoding is no option."""
        return f"{self.found}{f'; it looks like {self.likely}' if self.likely else ''}; save the file as UTF-8"


class EncoderError(StsError):
    """A base model is not known, not reachable, or not in a format that is safe to load."""


class ScorerError(StsError):
    """A scorer folder is missing, damaged, or written by another format version."""


class SearchError(StsError):
    """An index of sentences is missing, damaged, being changed by another process, or made by another model."""


class TrainingError(StsError):
    """A training can't start, go on, or end with a usable model."""


class StudyError(StsError):
    """A study's storage can't be used, its settings are others, or all its trials failed."""


class ServeError(StsError):
    """A request can't be taken or answered; the API tells it as problem details."""


class MissingDependency(StsError):
    """An optional package is needed and not installed."""

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package}, which is not installed: pip install 'korean-sts[{extra}]'"
        )


class Interrupted(StsError):
    """The person stopped the work with Ctrl-C or SIGTERM; the message says how to go on."""

    exit_code = 130


def reason(error: BaseException) -> str:
    """A library's error in a line: the first of the cause it began with, or its name where it says nothing."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

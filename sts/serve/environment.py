"""The server's settings where there is no command line: in the environment, for `wsgi:app`."""

from sts.errors import UsageError
from sts.serve.settings import ServeSettings

# of each setting's name in the environment
PREFIX = "STS"


def _serve(*, settings: ServeSettings) -> None:
    """What is read from the environment."""


def settings_from_environment() -> ServeSettings:
    """The settings that the environment names: `STS_MODEL`, `STS_INDEX`, …, or a file in `STS_CONFIG`.

    Raises:
        UsageError: one is missing or can't be read.
    """
    from sts.cli import bind, make_parser

    parser = make_parser(_serve, "sts.serve", PREFIX)
    parser.exit_on_error = False
    try:
        values = vars(parser.parse_args([]))
    except Exception as error:  # jsonargparse's errors have no common base
        raise UsageError(f"the environment's settings: {' '.join(str(error).split())}") from error
    found: ServeSettings = bind(_serve, values).arguments["settings"]
    return found

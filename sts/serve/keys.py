"""API keys: who may ask, and who may change the index."""

import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from flask import Flask, request

from sts.errors import UsageError
from sts.serve.problems import Forbidden, Unauthorized

if TYPE_CHECKING:
    from sts.serve.settings import ServeSettings

API_KEYS, WRITE_KEYS = "STS_API_KEYS", "STS_WRITE_KEYS"
MIN_CHARACTERS = 16
MAX_CHARACTERS = 500
# for the prefixes of paths that a key is needed for: the rest says nothing of anybody's sentences
GUARDED = ("/v1/", "/metrics")


@dataclass(frozen=True)
class Keys:
    """Digests of the keys, so that no key stays in memory and all comparisons take the same time.

    Attributes:
        ask: keys that may ask; empty means that everybody may.
        write: keys that may change the index as well.
    """

    ask: tuple[bytes, ...]
    write: tuple[bytes, ...]

    @classmethod
    def of(cls, settings: "ServeSettings") -> Self:
        """The keys that the settings' files and the environment name.

        Raises:
            UsageError: a file can't be read, or a key is too short or long or no printable ASCII.
        """
        ask = _keys("--api-keys-file", settings.api_keys_file, API_KEYS)
        write = _keys("--write-keys-file", settings.write_keys_file, WRITE_KEYS)
        return cls(tuple(map(_digest, ask)), tuple(map(_digest, write)))

    def check(self, given: str | None, *, writing: bool) -> None:
        """Let a request in or not.

        Args:
            given: the key that it came with.
            writing: whether it would change the index.

        Raises:
            Unauthorized: a key is needed, and none or an unknown one was given.
            Forbidden: the key may ask, but not change the index.
        """
        if not writing and not self.ask:
            return
        digest = _digest(given or "")
        # each is compared, whichever fits
        asks = sum(hmac.compare_digest(digest, key) for key in self.ask) > 0
        writes = sum(hmac.compare_digest(digest, key) for key in self.write) > 0
        if not given or not (asks or writes):
            raise Unauthorized(
                "this needs an API key that the server knows: send 'Authorization: Bearer KEY', or 'X-API-Key: KEY'"
            )
        if writing and not writes:
            raise Forbidden("this key may ask, but not change the index; use a write key")


def init_app(app: Flask, keys: Keys) -> None:
    """Ask requests for keys, where there are any."""

    @app.before_request
    def _check_key() -> None:
        if request.method == "OPTIONS" or not request.path.startswith(GUARDED):
            return
        writing = request.path.startswith("/v1/sentences")
        keys.check(_given(), writing=writing and bool(keys.write))


def _given() -> str | None:
    authorization = request.authorization
    if authorization is not None and authorization.type == "bearer" and authorization.token:
        return authorization.token
    return request.headers.get("X-API-Key")


def _keys(option: str, file: Path | None, variable: str) -> list[str]:
    found = [
        (f"{variable}, key {number}", key) for number, key in enumerate(os.environ.get(variable, "").split(","), 1)
    ]
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise UsageError(f"{option} {file}: can't be read ({reason}); name a file with a key a line") from error
        found += [(f"{file}, line {number}", line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    keys = [(place, key.strip()) for place, key in found if key.strip()]
    for place, key in keys:
        if not MIN_CHARACTERS <= len(key) <= MAX_CHARACTERS or not (key.isascii() and key.isprintable()) or " " in key:
            raise UsageError(
                f"{place}: a key must be {MIN_CHARACTERS} to {MAX_CHARACTERS} printable ASCII characters without a "
                "space; `openssl rand -hex 32` makes one"
            )
    if file is not None and not any(place.startswith(f"{file}, ") for place, _ in keys):
        raise UsageError(f"{option} {file}: holds no key; put one a line")
    return [key for _, key in keys]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()

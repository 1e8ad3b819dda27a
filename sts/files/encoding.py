"""Text of files and of standard input, in whatever encoding it is."""

import codecs
import contextlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from sts.errors import EncodingError
from sts.files.options import FileOptions

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16's, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LITTLE = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
# files that are packed, by what they begin with
PACKED = {"gzip": b"\x1f\x8b", "zip": b"PK\x03\x04", "xz": b"\xfd7zXZ", "bzip2": b"BZh", "zstd": b"\x28\xb5\x2f\xfd"}
# bytes around the first one that can't be read, by which the encoding is told
SAMPLE = 20_000
# ASCII and Hangul, perhaps cut in the middle of a character on either side
KOREAN = re.compile("\ufffd?[\\x09-\\x7e]*[가-힣][가-힣\\x09-\\x7e]*\ufffd?")
# Korean text is hardly ever in another one; a few bytes of it look like many
LIKELY = ["cp949", "johab", "utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be", "cp932", "gb18030", "big5", "cp1252"]


@contextmanager
def open_text(path: Path, options: FileOptions) -> Iterator[IO[str]]:
    """Open a text file; line ends stay as they are.

    Args:
        path: the file.
        options: its encoding; `auto` is UTF-8, or what the byte order mark says.

    Raises:
        EncodingError: the file holds bytes that are no text in this encoding; also while it is read.
    """
    with path.open("rb") as raw:
        codec = _codec(raw.read(4), options)
    try:
        with path.open(encoding=codec, newline="") as stream:
            yield stream
    except UnicodeDecodeError as error:
        with path.open("rb") as raw:
            raise _problem(str(path), raw, codec, options) from error


def standard_input(stream: IO[str], options: FileOptions, name: str) -> Iterator[str]:
    """Lines of standard input; line ends stay as they are.

    Args:
        stream: `sys.stdin`, of which nothing was read yet.
        options: its encoding.
        name: what messages call it.

    Raises:
        EncodingError: it holds bytes that are no text in this encoding.
    """
    binary = getattr(stream, "buffer", None)
    if binary is None:  # a stream of text, in whose place there is no file
        yield from stream
        return
    codec = _codec(binary.peek(4)[:4] if hasattr(binary, "peek") else b"", options)
    text = io.TextIOWrapper(binary, encoding=codec, newline="")
    number = 0
    try:
        for line in text:
            number += 1
            yield line
    except UnicodeDecodeError as error:
        # what was read at once and not given yet
        number += error.object[: error.start].decode(codec, "replace").count("\n") + 1
        likely = likely_encoding(error.object[:SAMPLE])
        where = f"{name}, line {number}"
        raise _told(where, codec, options, error.object[error.start], likely) from error
    finally:
        text.detach()


def _codec(beginning: bytes, options: FileOptions) -> str:
    marked = next((codec for mark, codec in MARKS if beginning.startswith(mark)), None)
    if options.encoding == "auto":
        return marked or "utf-8"
    # without a mark, as Windows writes them
    return LITTLE.get(options.codec, options.codec) if marked is None else options.codec


def _problem(name: str, raw: BinaryIO, codec: str, options: FileOptions) -> EncodingError:
    """The error for a file that can't be decoded: where, and what it looks like."""
    decoder = codecs.getincrementaldecoder(codec)()
    position = lines = 0
    while True:
        piece = raw.read(SAMPLE)
        try:
            lines += decoder.decode(piece, final=not piece).count("\n")
        except UnicodeDecodeError as error:
            # what the decoder kept of the piece before stands in front of this one
            kept = len(error.object) - len(piece)
            place = position - kept + error.start
            lines += error.object[: error.start].decode(codec, "replace").count("\n")
            raw.seek(max(0, place - SAMPLE // 2) if place > SAMPLE else 0)
            likely = likely_encoding(raw.read(SAMPLE))
            return _told(f"{name}, line {lines + 1}", codec, options, error.object[error.start], likely, place)
        position += len(piece)


def _told(
    where: str, codec: str, options: FileOptions, byte: int, likely: str | None, position: int | None = None
) -> EncodingError:
    is_utf8 = codec.startswith("utf-8")
    wanted = "UTF-8" if is_utf8 else codec
    at = "" if position is None else f"byte {position} "
    if likely in PACKED:
        remedy = f"it is packed ({likely}): unpack it"
    elif likely == "utf-8":
        remedy = "it is UTF-8: leave --encoding out"
    elif likely:
        remedy = f"it looks like {likely}: add --encoding {likely}, or save the file as UTF-8"
    else:
        remedy = "name its encoding with --encoding, or save the file as UTF-8"
    given = "" if options.encoding == "auto" else f" (--encoding {options.encoding})"
    known = likely if likely and likely not in PACKED else ""
    return EncodingError(f"{where}: {at}is not {wanted}{given} (0x{byte:02x})", remedy, known)


def likely_encoding(sample: bytes) -> str | None:
    """What bytes that are not UTF-8 are likely to be, by charset-normalizer; None where it can't tell."""
    from charset_normalizer import from_bytes

    for name, mark in PACKED.items():
        if sample.startswith(mark):
            return name
    if b"\0" not in sample:  # UTF-16 of ASCII is UTF-8 with NUL characters
        with contextlib.suppress(UnicodeDecodeError):
            codecs.getincrementaldecoder("utf-8")().decode(sample)  # which may end within a character
            return "utf-8"
    # a few words are too few for statistics; that they make Korean by chance is unlikely
    korean = sample.decode("cp949", errors="replace")
    if KOREAN.fullmatch(korean):
        return "cp949"
    best = from_bytes(sample, cp_isolation=LIKELY).best()
    return None if best is None else best.encoding.replace("utf_16_le", "utf-16-le").replace("utf_16_be", "utf-16-be")


def check_no_nul(line: str, name: str, raw: Path | None) -> None:
    """Refuse a first line with NUL characters: UTF-16 without a byte order mark, read as UTF-8.

    Raises:
        EncodingError: it holds some.
    """
    if "\0" not in line:
        return
    likely = None
    if raw is not None:
        with raw.open("rb") as stream:
            likely = likely_encoding(stream.read(SAMPLE))
    remedy = f"it looks like {likely}: add --encoding {likely}" if likely else "name its encoding with --encoding"
    found = f"{name}, line 1: holds NUL characters, so it is not UTF-8"
    raise EncodingError(found, f"{remedy}, or save it as UTF-8", likely or "")

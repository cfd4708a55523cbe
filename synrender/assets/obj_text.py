"""The lines of an OBJ file by keyword, and the numbers on them, as whole arrays with bounds."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from synrender.errors import RejectedAsset, to_line

MAX_FIELDS = 1 << 25
"""Words and numbers in a file: those of about four million triangles. Each takes 40 bytes here."""

MAX_LINE_BYTES = 1 << 16
"""Of a line that is read: 65 bytes for each corner of the largest face."""

MAX_BACKSLASHES = 1 << 20
"""In a file: 350,000 names of files with folders."""

MAX_NAMES = 1 << 20
"""Lines that name a material."""

FEWEST_FIELDS = {b"v": 3, b"vn": 3, b"vt": 1, b"f": 3, b"l": 2, b"p": 1, b"curv": 4}
"""Of the last line of a file that does not end in a newline; with fewer it is broken off."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANK = rb"[ \t\v\f]"
_CONTROL = bytes(range(1, 9)) + bytes(range(14, 32)) + b"\x7f"
_CONTINUED = re.compile(
    rb"^%(b)s*(?:v|vn|f)(?=%(b)s|\\%(b)s*\n)(?:[^#\n]*\\%(b)s*\n(?!\Z))+[^#\n]*" % {b"b": _BLANK},
    re.MULTILINE,
)
"""A vertex, normal or face that goes on in the next line, up to a comment or its end.

A backslash ends other lines too, such as comments and names of files, without any meaning.
"""


@dataclass(frozen=True)
class Lines:
    """The lines of one keyword, which itself is left out."""

    text: bytes
    numbers: np.ndarray  # (n,) of each line in the file, from 0
    num_fields: np.ndarray  # (n,) in each line

    def __iter__(self):  # noqa: ANN204
        return zip(self.numbers.tolist(), self.text.split(b"\n"), strict=False)


def check_text(data: bytes) -> bytes:
    """The content, checked for what it can be checked for before it is read as lines."""
    if b"\0" in data:
        raise RejectedAsset("binary data, not an OBJ file")
    data = data.replace(_BYTE_ORDER_MARK, b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.translate(None, bytes(range(ord(" ") + 1))):
        raise RejectedAsset("empty file")
    if data.count(b"\n") > MAX_FIELDS:
        raise RejectedAsset(f"OBJ file: more than {MAX_FIELDS} lines")
    is_broken_off = not data.endswith(b"\n")
    data = _join_lines(data)
    if is_broken_off:
        _check_last_line(data.rstrip(b"\n"))
    return data + b"\n\n\n"


def _join_lines(data: bytes) -> bytes:
    """Joins the lines of a vertex, normal or face; empty lines after it keep the numbering."""
    if not (num := data.count(b"\\")):
        return data
    if num > MAX_BACKSLASHES:
        raise RejectedAsset(f"OBJ file: more than {MAX_BACKSLASHES} backslashes")

    def join(match: re.Match[bytes]) -> bytes:
        text = match[0]
        return re.sub(rb"\\%s*\n" % _BLANK, b" ", text) + b"\n" * text.count(b"\n")

    return _CONTINUED.sub(join, data)


def _check_last_line(data: bytes) -> None:
    """Rejects a file that breaks off in the middle of its last line."""
    before, _, line = data.rpartition(b"\n")
    kind, *fields = line[: MAX_LINE_BYTES + 1].partition(b"#")[0].split() or [b""]
    if kind not in FEWEST_FIELDS:
        return
    last = fields[-1] if fields else b""
    is_broken = len(fields) < FEWEST_FIELDS[kind] or not last[-1:].isdigit()
    if kind == b"f":
        is_broken |= len({re.sub(rb"-?\d+", b"1", corner) for corner in fields}) != 1
    elif kind.startswith(b"v"):  # a number that has fewer decimals than any other
        others = re.finditer(rb"^%s .*\.(\d+)%s*$" % (kind, _BLANK), before, re.MULTILINE)
        fewest = min((len(other[1]) for other in others), default=0)
        is_broken |= len(last.partition(b".")[2]) < fewest
    if is_broken:
        name = {b"f": "a face"}.get(kind, "its vertices" if kind.startswith(b"v") else "an element")
        raise RejectedAsset(f"truncated: ends within {name}")


def split_lines(data: bytes, kinds: Collection[str]) -> dict[str, Lines]:
    """Lines of some keywords, which have one letter or two, in what `check_text` returns.

    Raises:
        RejectedAsset: a line is too long, or has a control character.
    """
    chars = np.frombuffer(data, np.uint8).copy()
    field_starts = find_fields(chars)
    if len(field_starts) > MAX_FIELDS:
        raise RejectedAsset(f"OBJ file: more than {MAX_FIELDS} words and numbers")
    line_ends = np.flatnonzero(chars == ord("\n"))
    line_starts = np.concatenate([[0], line_ends[:-1] + 1])
    first_fields = np.searchsorted(field_starts, line_starts)
    num_fields = np.diff(first_fields, append=len(field_starts))
    places = field_starts[np.minimum(first_fields, len(field_starts) - 1)]
    first, second, third = (chars[places + k] for k in range(3))
    is_end = np.isin(np.arange(256), [*range(ord(" ") + 1), ord("#")])  # of a keyword
    is_word = (num_fields > 0) & is_end[second]
    is_kind = {k: is_word & (first == ord(k)) for k in kinds if len(k) == 1}
    for kind in (k for k in kinds if len(k) == 2):
        is_here = (first == ord(kind[0])) & (second == ord(kind[1])) & is_end[third]
        is_kind[kind] = (num_fields > 0) & is_here
    lengths = line_ends + 1 - line_starts
    found = {}
    for kind, is_here in is_kind.items():
        too_long = is_here & (lengths > MAX_LINE_BYTES)
        if too_long.any():
            raise RejectedAsset(f"line {too_long.argmax() + 1}: of {lengths[too_long][0]} bytes")
        for k in range(len(kind)):
            chars[places[is_here] + k] = ord(" ")
        text = chars[np.repeat(is_here, lengths)].tobytes()
        lines = Lines(text, np.flatnonzero(is_here), (num_fields[is_here] - 1).astype("i4"))
        if len(text.translate(None, _CONTROL)) < len(text):
            first = re.search(rb"[%s]" % _CONTROL, text)
            line = text.count(b"\n", 0, first.start() if first else 0)
            raise reject(lines, line, "a control character")
        found[kind] = lines
    return found


def find_names(data: bytes, kind: bytes) -> list[tuple[int, str]]:
    """Number of each line of a keyword, from 0, and the rest of it: a name, which may hold blanks.

    Raises:
        RejectedAsset: there are too many.
    """
    pattern = re.compile(rb"^%s*%s%s+([^\n]*)$" % (_BLANK, kind, _BLANK), re.MULTILINE)
    found = [(match.start(), match[1]) for match in pattern.finditer(data)]
    if len(found) > MAX_NAMES:
        raise RejectedAsset(f"OBJ file: more than {MAX_NAMES} lines of {kind.decode()}")
    line_ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) if found else []
    numbers = np.searchsorted(line_ends, [start for start, _ in found])
    names = (text.strip().decode("utf-8", "surrogateescape") for _, text in found)
    return list(zip(numbers.tolist(), names, strict=True))


def find_fields(chars: np.ndarray) -> np.ndarray:
    """Where each field begins: what is not blank and stands after a blank, (n,)."""
    is_blank = chars <= ord(" ")
    is_start = ~is_blank
    is_start[1:] &= is_blank[:-1]
    return np.flatnonzero(is_start)


def parse(text: bytes, allowed: bytes, dtype: type, count: int) -> np.ndarray | None:
    """Exactly ``count`` numbers between blanks; None if the text is anything else."""
    if text.translate(None, allowed + b" \t\r\n\v\f"):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # older numpy does not raise ValueError
        try:
            values = np.fromstring(text.decode("ascii"), dtype, sep=" ")
        except (ValueError, DeprecationWarning):
            return None
    return values if len(values) == count else None


def reject(lines: Lines, line: int, problem: str) -> RejectedAsset:
    """The exception for a line, by its place among those of its keyword."""
    text = lines.text.split(b"\n")[line].strip()[:60].decode("ascii", "backslashreplace")
    return RejectedAsset(f"line {lines.numbers[line] + 1}: {problem}: '{to_line(text)[:60]}'")

"""Reads ``.npy`` files of known types, whatever else they hold: nothing is run or made room for.

`numpy.load` takes the header for Python code, and allocates what it asks for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import numpy as np

_START = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    r"\{'descr': (.*), 'fortran_order': False, 'shape': \((0|[1-9][0-9]{0,14}),\), \} *\n"
)


def parse_npy(data: bytes, dtypes: Sequence[np.dtype]) -> np.ndarray:
    """Array (n,) of one of some types, from the content of a file; it can be written to.

    Raises:
        ValueError: the data is of another type or shape, is cut off, or goes on behind the array.
    """
    start = find_data(data)
    dtype, num = parse_header(data[:start], tuple(dtypes))
    stop = start + num * dtype.itemsize
    if len(data) != stop:
        raise ValueError("truncated file" if len(data) < stop else "has bytes behind its array")
    # A copy of the bytes takes a tenth of the time of one by fields.
    return np.frombuffer(bytearray(data[start:]), dtype)


def find_data(data: bytes) -> int:
    """Place of the first byte behind the header."""
    return 10 + int.from_bytes(data[8:10], "little")


@functools.lru_cache(32)
def parse_header(header: bytes, dtypes: tuple[np.dtype, ...]) -> tuple[np.dtype, int]:
    """Type and length of the array behind a header; a whole data set has the same one or two.

    Raises:
        ValueError: it is damaged, or of an array of another type or shape.
    """
    if not header:
        raise ValueError("empty file")
    match = _HEADER.fullmatch(header[10:].decode("latin-1"))
    if not header.startswith(_START) or match is None:
        raise ValueError("no array of this program")
    for dtype in dtypes:
        if match[1] == repr(np.lib.format.dtype_to_descr(dtype)):
            return dtype, int(match[2])
    raise ValueError("an array of another type")

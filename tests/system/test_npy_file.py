from __future__ import annotations

import io

import numpy as np
import pytest

from synrender.system.npy_file import parse_npy

DTYPE = np.dtype([("a", np.int64), ("b", "U3", (2,))])
TYPES = (np.dtype(np.int64), DTYPE)


def save(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("num", [0, 1, 7])
@pytest.mark.parametrize("dtype", TYPES)
def test_what_numpy_writes_is_read(num: int, dtype: np.dtype) -> None:
    array = np.frombuffer(bytes(range(32, 32 + dtype.itemsize)) * num, dtype)
    found = parse_npy(save(array), TYPES)
    assert found.dtype == dtype
    assert found.tobytes() == array.tobytes()
    assert found.flags.writeable


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty file"),
        (b"\x93NUM", "no array"),
        (save(np.zeros(7, np.int64))[:100], "no array"),
        (save(np.zeros(7, np.int64))[:-1], "truncated"),
        (save(np.zeros(7, np.int64)) + b"\0", "bytes behind"),
        (save(np.zeros(7, np.float64)), "another type"),
        (save(np.zeros((7, 1), np.int64)), "no array"),
        (save(np.array(7)), "no array"),
        (save(np.zeros(7, object)), "another type"),
        (save(np.zeros(7, np.int64)).replace(b"(7,), }", b"(-7,), }"), "no array"),
        # 745 GiB, of which there is nothing.
        (save(np.zeros(7, np.int64)).replace(b"(7,), }" + b" " * 12, b"(100000000000,), } "),
         "truncated"),
        (save(np.zeros(7, np.int64)).replace(b"(7,), }" + b" " * 20, b"(9" + b"9" * 20 + b",), } "),
         "no array"),
        (save(np.zeros(7, np.int64)).replace(b"'<i8'", b"[[[[["), "another type"),
    ],
)  # fmt: skip
def test_what_is_something_else_is_refused_and_takes_no_memory(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_npy(data, TYPES)

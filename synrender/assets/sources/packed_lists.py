"""Lists that a set of models brings along, packed by gzip, with bounds for what comes out."""

from __future__ import annotations

import gzip
import io
import zlib

from synrender.assets.model_file import ModelFile
from synrender.errors import UserError, shorten

MAX_PACKED_BYTES = 1 << 27
MAX_BYTES = 1 << 30
"""Of a list when it is unpacked. The largest one of ABO takes 30 MB, of Objaverse 130 MB."""

_CHUNK_BYTES = 1 << 20


def unpack_list(file: ModelFile) -> bytes:
    """Content of a list.

    Raises:
        UserError: it is missing, not packed by gzip, damaged, or too large.
    """
    unpacked = bytearray()
    try:
        packed = io.BytesIO(file.read(MAX_PACKED_BYTES))
        with gzip.GzipFile(fileobj=packed) as content:
            while chunk := content.read(_CHUNK_BYTES):
                unpacked += chunk
                if len(unpacked) > MAX_BYTES:
                    raise ValueError(f"more than {MAX_BYTES >> 20} MiB when it is unpacked")
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise UserError(f"{file}: {shorten(error)}; download it again") from None
    return bytes(unpacked)

"""Lists that a set of models brings along, packed by gzip, with bounds for what comes out."""

from __future__ import annotations

import zlib

from synrender.assets.model_file import ModelFile
from synrender.errors import UserError, shorten

MAX_PACKED_BYTES = 1 << 27
MAX_BYTES = 1 << 30
"""Of a list when it is unpacked. The largest one of ABO takes 30 MB, of Objaverse 130 MB."""

_GZIP = 16 + zlib.MAX_WBITS


def unpack_list(file: ModelFile) -> bytes:
    """Content of a list.

    Raises:
        UserError: it is missing, not packed by gzip, damaged, or too large.
    """
    try:
        packed, parts, num_bytes = file.read(MAX_PACKED_BYTES), [], 0
        while packed:
            part = zlib.decompressobj(_GZIP)
            parts.append(part.decompress(packed, MAX_BYTES - num_bytes))
            num_bytes += len(parts[-1])
            if not part.eof:
                too_large = f"more than {MAX_BYTES >> 20} MiB when it is unpacked"
                raise ValueError(too_large if part.unconsumed_tail else "it ends early")
            packed = part.unused_data
    except (OSError, ValueError, zlib.error) as error:
        raise UserError(f"{file}: {shorten(error)}; download it again") from None
    return b"".join(parts)

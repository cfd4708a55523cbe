"""One SHA-256 over a list of entries: a Merkle tree as in RFC 9162, section 2.1.1 (and RFC 6962).

Leaves and inner nodes are hashed with different first bytes, so that no inner node can be passed
off as a leaf. Where the number of leaves is no power of two, the left half is the largest that is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

_LEAF, _NODE = b"\x00", b"\x01"


def hash_leaf(entry: bytes) -> bytes:
    """Hash of a leaf, 32 bytes."""
    return hashlib.sha256(_LEAF + entry).digest()


def find_root(entries: Iterable[bytes]) -> bytes:
    """Root of the tree over the entries, in this order, 32 bytes; SHA-256 of nothing for none.

    Holds one hash for each level of the tree, whatever the number of entries.
    """
    # Complete subtrees from left to right, each larger than the next: (number of leaves, hash).
    subtrees: list[tuple[int, bytes]] = []
    for entry in entries:
        subtrees.append((1, hash_leaf(entry)))
        while len(subtrees) > 1 and subtrees[-2][0] == subtrees[-1][0]:
            _join_last(subtrees)
    if not subtrees:
        return hashlib.sha256().digest()
    while len(subtrees) > 1:
        _join_last(subtrees)
    return subtrees[0][1]


def _join_last(subtrees: list[tuple[int, bytes]]) -> None:
    size_right, right = subtrees.pop()
    size_left, left = subtrees.pop()
    node = hashlib.sha256(_NODE + left + right).digest()
    subtrees.append((size_left + size_right, node))

"""Roots of the tree against the vectors that implementations of RFC 6962 test with."""

from __future__ import annotations

import pytest

from synrender.dataset.hashes import find_root, hash_leaf

ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("num", ROOTS)
def test_roots_are_those_of_rfc_6962(num: int) -> None:
    assert find_root(ENTRIES[:num]).hex() == ROOTS[num]


@pytest.mark.parametrize("num", range(1, 34))
def test_any_number_of_leaves_splits_as_the_rfc_says(num: int) -> None:
    import hashlib

    def recurse(entries: list[bytes]) -> bytes:
        if len(entries) == 1:
            return hash_leaf(entries[0])
        k = 1
        while 2 * k < len(entries):
            k *= 2
        return hashlib.sha256(b"\x01" + recurse(entries[:k]) + recurse(entries[k:])).digest()

    entries = [bytes([i]) for i in range(num)]
    assert find_root(entries) == recurse(entries)


def test_a_node_cannot_stand_for_a_leaf() -> None:
    left, right = hash_leaf(b"a"), hash_leaf(b"b")
    assert find_root([left + right]) != find_root([b"a", b"b"])

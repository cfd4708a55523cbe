"""A seeded permutation of 0 to n - 1 that is computed and not stored: O(1) for any n."""

from __future__ import annotations

import functools

import numpy as np

NUM_ROUNDS = 8
_MASK = (1 << 64) - 1


def permute(i: int, n: int, seed: int, *key: int) -> int:
    """Place of ``i`` in a random order of ``range(n)``: a bijection for each seed and key.

    A Feistel network over the smallest even number of bits that holds n; a result of n or more is
    sent through it again until it is smaller (cycle walking: Black and Rogaway, "Ciphers with
    Arbitrary Finite Domains", 2002). The domain is at most 4 n, so that takes 4 rounds or fewer on
    average.
    """
    half_bits = max(1, (max(n - 1, 1).bit_length() + 1) // 2)
    round_keys = _draw_round_keys(seed, key)
    while True:
        i = _encrypt(i, half_bits, round_keys)
        if i < n:
            return i


def _encrypt(value: int, half_bits: int, round_keys: tuple[int, ...]) -> int:
    mask = (1 << half_bits) - 1
    left, right = value >> half_bits, value & mask
    for round_key in round_keys:
        left, right = right, left ^ (_mix(right ^ round_key) & mask)
    return left << half_bits | right


def _mix(value: int) -> int:
    """The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): each bit depends on all."""
    value &= _MASK
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


@functools.lru_cache(maxsize=64)
def _draw_round_keys(seed: int, key: tuple[int, ...]) -> tuple[int, ...]:
    words = np.random.SeedSequence([seed, *key]).generate_state(NUM_ROUNDS, np.uint64)
    return tuple(map(int, words))

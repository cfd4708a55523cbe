"""Streams of random numbers, and orders without storing them: every choice has a stream of its own.

``SeedSequence([seed, stream, index])``: a factor that is switched off leaves all others as they
were. Only ``Generator.random`` and ``standard_normal`` are used: their values are the same in every
numpy that Blender 3.4 to 5.2 brings along.
"""

from __future__ import annotations

import functools

import numpy as np

# A number is never given a new meaning: that would change every data set.
CLASS, MODEL, TEXTURE, COLOR, POSE, LIGHT, LAYOUT, NOISE, COLOR_REFERENCE = range(9)
DESIGN, LEVEL, DISTRIBUTION, PATH, MORE_LIGHTS, CAPTION, MODEL_TURN = range(9, 16)

NUM_ROUNDS = 8
_MASK = (1 << 64) - 1


def create_rng(seed: int, stream: int, *key: int) -> np.random.Generator:
    """Random generator of one stream at one index."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, *key])))


def draw_permutation(rng: np.random.Generator, n: int) -> np.ndarray:
    """The numbers 0 to n - 1 in random order, (n,) int64."""
    return np.argsort(rng.random(n), kind="stable")


def permute(i: int, n: int, seed: int, *key: int) -> int:
    """Place of ``i`` in a random order of ``range(n)``: a bijection for each seed and key.

    It is computed and not stored: O(1) for any n. A Feistel network over the smallest even number
    of bits that holds n; a result of n or more is sent through it again until it is smaller (cycle
    walking: Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). The domain is at
    most 4 n, so that takes 4 rounds or fewer on average.
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

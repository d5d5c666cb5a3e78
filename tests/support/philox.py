"""Random numbers as orrery draws them (orrery/core/random.hpp), written again from their definition.

Philox4x32-10 is Salmon, Moraes, Dror and Shaw's, "Parallel random numbers: as easy as 1, 2, 3" (2011).
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Any

WORD = 2**32 - 1
Words = tuple[Any, Any, Any, Any]


class Purpose(IntEnum):
    """What numbers are for: part of their key."""

    token_position = 1
    pilot = 2
    sample_permutation = 3
    layer_permutation = 4
    basis = 5
    weight = 6
    direction = 7
    null_points = 8
    null_layers = 9
    null_steps = 10
    null_signs = 11
    control_direction = 12


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """The four words of a counter: whole numbers, or arrays of uint64 for many counters at once."""
    a, b, c, d = counter
    low, high = key
    for _ in range(10):
        one, two = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = (two >> 32) ^ b ^ low, two & WORD, (one >> 32) ^ d ^ high, one & WORD
        low, high = (low + 0x9E3779B9) & WORD, (high + 0xBB67AE85) & WORD
    return a, b, c, d


class Random:
    """One stream."""

    def __init__(self, seed: int, purpose: int, first: int = 0, second: int = 0) -> None:
        self.key = (seed & WORD, seed >> 32)
        self.stream = (purpose, first, second)
        self.seek(0)

    def seek(self, block: int) -> None:
        """From the stream's `block`-th block of four words on."""
        self.block = block
        self.words: list[int] = []
        self.spare: float | None = None

    def bits(self) -> int:
        if not self.words:
            self.words = list(philox((self.block, *self.stream), self.key))
            self.block += 1
        return self.words.pop(0)

    def uniform(self) -> float:
        high, low = self.bits() >> 5, self.bits() >> 6
        return (high * 2**26 + low) / 2**53

    def normal(self) -> float:
        if self.spare is not None:
            value, self.spare = self.spare, None
            return value
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        angle = 2 * math.pi * self.uniform()
        self.spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def below(self, count: int) -> int:
        product = self.bits() * count
        while product & WORD < 2**32 % count:
            product = self.bits() * count
        return product >> 32

    def shuffle(self, values: list[Any]) -> list[Any]:
        """`values`, shuffled in place."""
        for i in range(len(values) - 1, 0, -1):
            other = self.below(i + 1)
            values[i], values[other] = values[other], values[i]
        return values

"""Random draws that belong to a cell, not to a position in a stream: any order, tile or worker gives the same draw."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_BLOCK = 2**17  # cells drawn at a time: few enough to stay near the processor, and so many that the lock of a busy interpreter is asked for seldom


def uniform(cells: Ints, *, seed: int, stream: str) -> Floats:
    """One number in [0, 1) per cell, from its global number, the seed and the name of the stream; (n,) float64.

    The same cell, seed and stream give the same number on any machine. Two rounds of splitmix64's finaliser, keyed
    by a 128-bit digest of seed and stream. Steele, Lea and Flood (2014).
    """
    digest = _digest(seed, stream, size=16)
    first, second = np.frombuffer(digest, dtype="<u8").astype(np.uint64)
    numbers = np.ascontiguousarray(cells, dtype=np.int64).view(np.uint64)
    drawn = np.empty(numbers.shape)
    for at in range(0, numbers.size, _BLOCK):
        mixed = splitmix(splitmix(numbers[at : at + _BLOCK] ^ first) + second)
        mixed >>= np.uint64(11)
        np.multiply(mixed, 2.0**-53, out=drawn[at : at + _BLOCK])
    return drawn


def derive(seed: int, *words: str | int) -> int:
    """A sub-seed in [0, 2**32), which is what scikit-learn takes; different words give unrelated seeds."""
    return int.from_bytes(_digest(seed, *words, size=4), "little")


def splitmix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The output splitmix64 gives when its state, before the step, is `state`; (n,) uint64."""
    z = state + _GOLDEN
    shifted = z >> np.uint64(30)
    z ^= shifted
    z *= _FIRST
    z ^= np.right_shift(z, np.uint64(27), out=shifted)
    z *= _SECOND
    z ^= np.right_shift(z, np.uint64(31), out=shifted)
    return z


def _digest(seed: int, *words: str | int, size: int) -> bytes:
    # JSON keeps ("a", "b") apart from ("ab",) and 1 from "1".
    plain = [int(seed), *(word if isinstance(word, str) else int(word) for word in words)]
    return hashlib.blake2b(json.dumps(plain).encode(), digest_size=size).digest()

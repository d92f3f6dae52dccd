"""Repeatable chance: one independent stream per purpose, so that a change in one file leaves the others as they were."""

import random
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Give the stream of draws of one purpose."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(purpose.encode())]))


def plain_stream(seed: int, purpose: str) -> random.Random:
    """Give a stream for loops in plain Python, where single draws must be cheap."""
    return random.Random(f"{seed}:{purpose}")


def zipf_weights(count: int, *, flattening: float = 6.0) -> Floats:
    """Give the shares of a list ordered by frequency: the first is frequent, the last is rare."""
    weights = 1.0 / (np.arange(count) + flattening)
    return np.asarray(weights / weights.sum(), np.float64)


def pick(chance: np.random.Generator, weights: Sequence[float] | Floats, size: int) -> Ints:
    """Draw `size` places of a list by their weights."""
    bounds = np.cumsum(np.asarray(weights, np.float64))
    return np.asarray(np.searchsorted(bounds, chance.random(size) * bounds[-1], side="right"), np.int64)


def sample(chance: np.random.Generator, eligible: Ints, count: int) -> Ints:
    """Draw exactly `count` of the eligible (all of them, if they are fewer), sorted."""
    return np.sort(chance.permutation(eligible)[:count])


def scatter(chance: np.random.Generator, count: int, space: int) -> Ints:
    """
    Give `count` different numbers below `space` that look random.

    A step that shares no factor with the space visits every number once: no table of what is taken is needed.
    """
    if count > space:
        raise ValueError("more numbers asked for than there are")
    step = int(space * 0.6180339887) | 1
    while np.gcd(step, space) != 1:
        step += 2
    offset = int(chance.integers(space))
    indices = np.arange(count, dtype=np.int64)
    high, low = indices >> 16, indices & 0xFFFF
    # in two parts, because index × step can pass 63 bits
    stride = (step << 16) % space
    return np.asarray((high * stride % space + low * step % space + offset) % space, np.int64)

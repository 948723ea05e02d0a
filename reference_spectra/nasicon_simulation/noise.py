"""Counting noise that is the same on every machine.

Each spectrum draws from a stream of its own, seeded by the study's seed and the spectrum's name, so adding a
file changes no other. Counts come from the inverse of the Poisson distribution at one uniform number a channel: a
last-digit difference of an ``exp`` between machines can then not shift the numbers of all later channels.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, poisson

Floats = NDArray[np.float64]

#: Seed of the whole study.
SEED = 20211104


def stream(name: str) -> np.random.Generator:
    """Return the random stream that belongs to a name."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([SEED, zlib.crc32(name.encode())])))


def counts(expected: Floats, name: str) -> NDArray[np.int64]:
    """Draw Poisson counts with the given expectation."""
    uniform = stream(name).random(expected.size)
    return np.asarray(poisson.ppf(uniform, expected), dtype=np.int64)


def gain(name: str, relative_sd: float) -> float:
    """Draw one multiplicative gain around 1, rounded so that the truth file holds exactly what was used."""
    return round(float(1.0 + relative_sd * norm.ppf(stream(name).random())), 4)

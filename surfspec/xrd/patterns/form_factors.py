"""What one atom scatters: form factors and their anomalous terms."""

from __future__ import annotations

import functools

import gemmi
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@functools.lru_cache(maxsize=4096)
def anomalous(symbol: str, energy: float) -> complex:
    """Return f' + i f'' of an element at an energy in eV (0 for H and He, which the tables leave out).

    References
    ----------
    Cromer & Liberman (1981) Acta Cryst. A37, 267, as computed by gemmi. Unreliable within about 50 eV of an edge.
    """
    number = gemmi.Element(symbol).atomic_number
    if number <= 2:
        return 0j
    first, second = gemmi.cromer_liberman(z=number, energy=energy)
    return complex(float(first), float(second))


def form_factor(symbol: str, s_squared: Array) -> Array:
    """Return f0 at (sin(theta)/lambda)^2 in angstrom^-2 (International Tables C, table 6.1.1.4, neutral atom)."""
    a, b, c = gaussians(symbol)
    return np.asarray(np.exp(-np.multiply.outer(s_squared, b)) @ a + c)


@functools.lru_cache(maxsize=256)
def gaussians(symbol: str) -> tuple[Array, Array, float]:
    """Coefficients a, b (4 each) and c of f0 = sum a exp(-b s^2) + c, s in angstrom^-1; same table."""
    coefficients = gemmi.Element(symbol).it92
    a, b = np.array(coefficients.a), np.array(coefficients.b)
    a.flags.writeable = b.flags.writeable = False
    return a, b, float(coefficients.c)

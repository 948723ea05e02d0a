r"""Asymmetry of low-angle lines by axial divergence: the model of Finger, Cox and Jephcoat.

A specimen of axial half height S and a receiving slit of half height H, at distance L, see a cone of 2 theta at

.. math:: \cos 2\varphi = \cos 2\theta\, \sqrt{1 + (h/L)^2},

where h is the axial distance between the scattering point and the point of the slit. With W(h) the overlap of slit
and specimen at that distance, the detector collects (their D, with h for the variable)

.. math:: D(2\varphi)\,\mathrm{d}2\varphi \propto \frac{W(h)\, \mathrm{d}h}{\cos^2 2\varphi \,\sin 2\varphi}
   \cos^2 2\theta.

In h the integrand has no pole at 2 theta, so a few Gauss-Legendre points are exact enough; the weights are normalised
to 1, which keeps the area of the line.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec import given
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: A line that spreads over less than this share of its FWHM is left as it is.
UNSEEN = 0.01


@dataclass(frozen=True)
class Axial:
    """Axial heights of specimen and receiving slit over the goniometer radius.

    Attributes
    ----------
    sample, detector
        S/L and H/L, half heights over distance; 0 for none. Common laboratory instruments have 0.02 to 0.05 without
        Soller slits.
    """

    sample: float
    detector: float

    def __post_init__(self) -> None:
        for name in ("sample", "detector"):
            object.__setattr__(self, name, given.number(getattr(self, name), f"axial, {name}"))
        if not (0.0 <= self.sample <= 0.5 and 0.0 <= self.detector <= 0.5):
            raise InputError(
                f"S/L = {self.sample} and H/L = {self.detector} are impossible",
                where="axial",
                remedy="Give half heights over the radius, from 0 to 0.5",
            )


def spread(two_theta: Array, axial: Axial) -> Array:
    """Distance in deg of the far end of each line from its place at 2 theta (deg), at most to 0 deg (or 180)."""
    angle = np.radians(np.asarray(two_theta, dtype=np.float64))
    far = np.cos(angle) * np.hypot(1.0, axial.sample + axial.detector)
    return np.asarray(np.degrees(np.abs(angle - np.arccos(np.clip(far, -1.0, 1.0)))))


def points_for(share: Array) -> NDArray[np.int64]:
    """Gauss-Legendre points that draw a line to 1e-4 of its height, for its spread in units of its FWHM.

    Measured: 6 + 4.6 points a unit suffice for pseudo-Voigt lines; rounded up to a power of two, 8 to 256.
    """
    wanted = np.clip(6.0 + 4.6 * np.asarray(share), 8.0, 256.0)
    return np.asarray(2 ** np.ceil(np.log2(wanted))).astype(np.int64)


def axial_split(two_theta: Array, axial: Axial, *, points: int = 64) -> tuple[Array, Array]:
    """Split lines into the parts that the heights of slit and specimen spread over angles.

    Parameters
    ----------
    two_theta
        Of the lines, deg, shape (n,), between 0 and 180.
    axial
        S/L and H/L.
    points
        Gauss-Legendre points on each of the two pieces of W(h) (level, falling).

    Returns
    -------
    two_theta, weights
        Shape (n, k); the weights of a line sum to 1. Parts lie below 2 theta up to 90 deg and above beyond.

    References
    ----------
    Finger, Cox & Jephcoat (1994) J. Appl. Cryst. 27, 892.

    Examples
    --------
    >>> angles, weights = axial_split(np.array([20.0, 90.0]), Axial(0.03, 0.03))
    >>> round(float((angles[0] * weights[0]).sum()), 3), round(float(angles[1].min()), 6)
    (19.953, 90.0)
    """
    angle = np.radians(np.asarray(two_theta, dtype=np.float64))[:, None]
    wide, narrow = max(axial.sample, axial.detector), min(axial.sample, axial.detector)
    if wide == 0.0:
        return np.degrees(angle), np.ones_like(angle)
    end = np.minimum(wide + narrow, np.abs(np.tan(angle)) * (1.0 - 1e-12))  # beyond, the cone misses the slit
    knee = np.minimum(wide - narrow, end)
    nodes, factors = _legendre(points)
    level, level_weight = knee * nodes, knee * factors * 2.0 * narrow
    down = end - (end - knee) * nodes**2  # squares level the root at the end of a cone that misses the slit
    down_weight = 2.0 * nodes * (end - knee) * factors * np.minimum(2.0 * narrow, wide + narrow - down)
    h = np.concatenate([level, down], axis=1)
    weight = np.concatenate([level_weight, down_weight], axis=1)
    if narrow == 0.0:  # W(h) of a slit without height is level; its constant does not matter
        weight = np.concatenate([knee * factors, 2.0 * nodes * (end - knee) * factors], axis=1)
    stretch = 1.0 + h * h
    cosine = np.cos(angle) * np.sqrt(stretch)
    sine = np.sqrt(np.maximum(np.sin(angle) ** 2 - np.cos(angle) ** 2 * h * h, 1e-30))  # of 2 phi, without cancellation
    weight = weight / (stretch * sine)
    return np.degrees(np.arctan2(sine, cosine)), weight / weight.sum(axis=1, keepdims=True)


@functools.lru_cache(maxsize=16)
def _legendre(points: int) -> tuple[Array, Array]:
    """Nodes and weights on 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return 0.5 * (nodes + 1.0), 0.5 * weights

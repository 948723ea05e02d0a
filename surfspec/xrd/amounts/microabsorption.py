r"""Microabsorption: what a grain shields of itself, after Brindley, for spheres, and what an unknown size leaves open.

A grain that absorbs more than the powder around it shows too weak lines. The factor on the intensity of phase j is

.. math:: \tau_j = \frac{1}{V} \int_V e^{-(\mu_j - \bar\mu)\, (t_{in} + t_{out})}\, dV, \qquad
   \bar\mu = \sum_k v_k \mu_k

with the paths t of both beams within the grain and the volume fractions v. Weight fractions follow from
s rho / tau, and tau from the volume fractions: both are found together by iteration.

References
----------
Brindley (1945) Philos. Mag. 36, 347. The paths are integrated numerically here, no table is used.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Angle between the beams for which the paths are integrated, deg: the strong lines of most phases lie near it.
TWO_THETA: Final = 40.0
#: Largest (mu - mean mu) R that is tabulated; beyond it the ends are continued.
LARGEST: Final = 12.0
#: Grain sizes of a powder nobody sized: log-normal with this median (micrometre) and factor (one standard deviation),
#: cut at the largest. See docs/xrd_amounts.md for what weighed mixtures say of it.
MEDIAN_GRAIN: Final = 2.0
GRAIN_FACTOR: Final = 3.0
LARGEST_GRAIN: Final = 50.0
#: Draws of grain sizes (antithetic pairs) for the covariance.
DRAWS: Final = 512
_ITERATIONS: Final = 60


def grain_factor(thickness: Array, two_theta: float = TWO_THETA) -> Array:
    r"""Brindley's factor of a spherical grain.

    Parameters
    ----------
    thickness
        (mu - mean mu) R, dimensionless, any shape; negative where the grain absorbs less than the powder.
    two_theta
        Angle between the beams, deg, from 0 to 180.

    Returns
    -------
    numpy.ndarray
        tau, shape of `thickness`: 1 at 0, about 1 - 1.5 x for small x.

    References
    ----------
    Brindley (1945) Philos. Mag. 36, 347, equation for spheres.

    Examples
    --------
    >>> grain_factor(np.array([0.0, 0.1])).round(3).tolist()
    [1.0, 0.862]
    """
    path, weight = _paths(two_theta)
    x = np.asarray(thickness, dtype=np.float64)
    return np.asarray(np.exp(-np.multiply.outer(x, path)) @ weight)


@functools.lru_cache(maxsize=32)
def _paths(two_theta: float) -> tuple[Array, Array]:
    """Nodes of the path of both beams in a unit sphere, in radii, and their weights (sum 1)."""
    node, weight = np.polynomial.legendre.leggauss(16)
    radius, radius_weight = (node + 1.0) / 2.0, weight / 2.0
    angle = np.pi * (np.arange(24) + 0.5) / 24.0
    r, c, a = np.meshgrid(radius, node, angle, indexing="ij")
    share = np.multiply.outer(np.multiply.outer(radius_weight * radius**2, weight), np.full(24, 1.0 / 24))
    s = np.sqrt(1.0 - c**2)
    x, z = r * s * np.cos(a), r * c
    turn = np.radians(two_theta)
    ahead, aside = z, np.sin(turn) * x + np.cos(turn) * z
    path = ahead + np.sqrt(ahead**2 + 1.0 - r**2) - aside + np.sqrt(aside**2 + 1.0 - r**2)
    return path.ravel(), (share / share.sum()).ravel()


@functools.lru_cache(maxsize=4)
def _table(two_theta: float = TWO_THETA) -> tuple[Array, Array]:
    grid = np.linspace(-LARGEST / 2.0, LARGEST, 361)
    return grid, np.log(grain_factor(grid, two_theta))


def log_factor(thickness: Array) -> Array:
    """Return ln tau at 40 deg, interpolated; held beyond the ends of the table."""
    return np.asarray(np.interp(thickness, *_table()))


def corrected(mass: Array, density: Array, absorptions: Array, size: Array) -> tuple[Array, Array]:
    r"""Weight fractions corrected for microabsorption.

    Parameters
    ----------
    mass
        s rho of each phase in any unit, shape (n,).
    density, absorptions
        g/cm^3 and cm^-1, shape (n,).
    size
        Grain diameters, micrometre, shape (..., n).

    Returns
    -------
    fraction, factor
        w and tau, shape (..., n).

    Examples
    --------
    >>> w, tau = corrected(np.array([1.0, 1.0]), np.array([4.0, 5.0]), np.array([100.0, 1100.0]), np.array([5.0, 5.0]))
    >>> w.round(2).tolist(), tau.round(2).tolist()
    ([0.41, 0.59], [1.23, 0.84])
    """
    radius = np.asarray(size, dtype=np.float64) * 0.5e-4
    fraction = np.broadcast_to(mass / mass.sum(), radius.shape)
    factor = np.ones_like(radius)
    for _ in range(_ITERATIONS):
        volume = fraction / density
        mean = (volume * absorptions).sum(axis=-1, keepdims=True) / volume.sum(axis=-1, keepdims=True)
        factor = np.exp(log_factor((absorptions - mean) * radius))
        raw = mass / factor
        new = raw / raw.sum(axis=-1, keepdims=True)
        step = np.abs(new - fraction).max(initial=0.0)
        fraction = (new + fraction) / 2.0
        if step < 1e-9:
            break
    return np.asarray(fraction), factor


def sizes(median: Array, factor: Array, largest: float = LARGEST_GRAIN) -> Array:
    """Draw log-normal grain sizes, shape (DRAWS, n), in micrometre: always the same, each with its antithetic mate."""
    normal = np.random.default_rng(1945).standard_normal((DRAWS // 2, len(median)))
    both = np.concatenate([normal, -normal])
    return np.asarray(np.minimum(median * np.exp(both * np.log(factor)), largest))


def spread(mass: Array, density: Array, absorptions: Array, center: Array, median: Array, factor: Array) -> Array:
    """Covariance of corrected fractions about `center` for log-normal grain sizes, shape (n, n).

    The second moment about the fractions that are stated: for uncorrected ones it holds the bias, too.
    """
    drawn, _ = corrected(mass, density, absorptions, sizes(median, factor))
    away = drawn - center
    return np.asarray(away.T @ away / len(away))

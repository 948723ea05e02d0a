"""Weight fractions from scales, their covariance, and what no fit knows of: texture, coarse grains, microabsorption."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.structure_factors import anomalous
from surfspec.xrd.patterns.wavelengths import HC
from surfspec.xrd.structures.phase import Phase, orbits

Array = NDArray[np.float64]

#: Classical electron radius in angstrom (CODATA 2018: 2.8179403262e-15 m).
ELECTRON_RADIUS = 2.8179403262e-5
#: Grain size (micrometre) assumed where none is known: a well ground powder.
GRAIN = 5.0
#: Relative standard uncertainty of a scale from displacement parameters, form factors and the like, and the factor on
#: the scatter of its lines over the root of their number (texture moves lines together).
#: Both, and the grain sizes of :mod:`surfspec.xrd.amounts.microabsorption`, are where the likelihood of 25 weighed
#: mixtures is flat and the pulls have an RMS near 1 (docs/xrd_amounts.md).
SYSTEMATIC = 0.04
TEXTURE = 2.0
#: Root mean square radius (micrometre) of a grain of unknown size, and the slope of Brindley's factor for thin grains.
GRAIN_RADIUS = 3.0
SLOPE = 1.5
#: |mu - mean| D above which Brindley's powders are no longer fine (0.01 to 0.1 is medium).
BRINDLEY = 0.1


def absorption(phase: Phase, wavelength: float) -> float:
    r"""Linear photoabsorption coefficient of a phase, cm^-1.

    .. math:: \mu = \frac{2 r_e \lambda}{V} \sum_j o_j f''_j

    Parameters
    ----------
    phase
        The structure.
    wavelength
        Angstrom.

    Returns
    -------
    float
        cm^-1, scattering not included. The f'' of Cromer & Liberman are good to a few per cent (that of Pb for Cu Ka
        gives 7 % less than the tabulated total absorption).

    References
    ----------
    International Tables for Crystallography C, 4.2.6 (optical theorem).

    Examples
    --------
    >>> from surfspec import xrd
    >>> 115 < absorption(xrd.phases(["corundum"])[0], 1.5406) < 135
    True
    """
    total = sum(
        len(points) * occupancy * anomalous(symbol, HC / wavelength).imag
        for site, points in zip(phase.sites, orbits(phase), strict=True)
        for symbol, occupancy in site.species.items()
    )
    return float(2.0 * ELECTRON_RADIUS * wavelength * total / phase.volume * 1e8)


def fractions(
    scale: Array, covariance: Array, density: Array, systematic: float | Array = SYSTEMATIC
) -> tuple[Array, Array]:
    r"""Weight fractions of scales, and their covariance by linear propagation.

    .. math:: w_j = \frac{S_j (ZMV)_j}{\sum_k S_k (ZMV)_k} = \frac{s_j \rho_j}{\sum_k s_k\rho_k}

    where S multiplies m|F|^2 LP and s = S V^2 multiplies m|F|^2 LP / V^2.

    Parameters
    ----------
    scale, density
        s and the densities, shape (n,).
    covariance
        Of the scales, shape (n, n).
    systematic
        Further relative standard uncertainty of the scales, a number or shape (n,), independent between phases.

    Returns
    -------
    fraction, covariance
        Shapes (n,) and (n, n).

    References
    ----------
    Hill & Howard (1987) J. Appl. Cryst. 20, 467.

    Examples
    --------
    >>> w, c = fractions(np.array([1.0, 3.0]), np.diag([0.01, 0.01]), np.array([1.0, 1.0]))
    >>> w.tolist()
    [0.25, 0.75]
    """
    mass = scale * density
    total = float(mass.sum())
    if total <= 0:
        return np.full(len(scale), np.nan), np.full((len(scale), len(scale)), np.nan)
    w = mass / total
    covariance = covariance + np.diag((systematic * scale) ** 2)
    jacobian = (np.eye(len(w)) - w[:, None]) * density[None, :] / total
    return w, np.asarray(jacobian @ covariance @ jacobian.T)


def contrast(absorptions: Array, fraction: Array, density: Array, grain: float = GRAIN) -> Array:
    """Brindley's |mu_j - mean mu| D of each phase (dimensionless); the mean is over volume fractions.

    References
    ----------
    Brindley (1945) Philos. Mag. 36, 347.
    """
    volume = fraction / density
    mean = float(np.sum(volume * absorptions) / np.sum(volume))
    return np.asarray(np.abs(absorptions - mean) * grain * 1e-4)


def systematic(scatter: Array, absorptions: Array, scale: Array, density: Array, lines: float | Array = 16.0) -> Array:
    r"""Relative standard uncertainty of scales from what is not refined.

    .. math:: u^2 = 0.04^2 + (2 r)^2/n + (1.5\, |\mu - \bar\mu|\, R)^2

    with the scatter r of observed over calculated areas of the clean lines (texture, coarse grains, wrong
    structure), the number n of lines that carry the area, and Brindley's factor for thin grains of unknown
    size (R = 3 um, root mean square of the sizes assumed in :mod:`surfspec.xrd.amounts.microabsorption`).

    Parameters
    ----------
    scatter, absorptions, scale, density
        r (1), cm^-1, s and g/cm^3, shape (n,).
    lines
        (sum A)^2 / sum A^2 of the areas of the clean lines, a number or shape (n,).

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    share = scale * density / max(float(np.sum(scale * density)), 1e-300)
    spread = contrast(absorptions, share, density, GRAIN_RADIUS) if len(scale) > 1 else np.zeros(len(scale))
    return np.sqrt(SYSTEMATIC**2 + (TEXTURE * scatter) ** 2 / np.maximum(lines, 1.0) + (SLOPE * spread) ** 2)

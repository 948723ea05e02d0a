r"""Reference intensity ratios I/Ic, calculated from structures."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.patterns.optics import lorentz_polarisation
from surfspec.xrd.patterns.profile import two_theta_of
from surfspec.xrd.patterns.structure_factors import lines
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.structures.cards import phases
from surfspec.xrd.structures.chosen import one_phase
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Card of the reference, and the index of its line (de Wolff & Visser).
REFERENCE: Final = "corundum"
REFERENCE_LINE: Final = (1, 1, 3)
#: Lines within this relative difference of 1/d^2 are one peak: (101) and (011) of a trigonal cell, (511) and (333).
TOGETHER: Final = 1e-6


def peaks(phase: Phase, wavelength: float, monochromator: float = 0.0) -> tuple[Array, Array, NDArray[np.int64]]:
    """Areas per volume at unit scale, positions (deg) and an index of the peaks of a phase up to 120 deg."""
    found = lines(phase, wavelength, 120.0)
    place = two_theta_of(found.q, wavelength)
    area = found.multiplicity * found.f_squared / found.volume**2 * lorentz_polarisation(place, monochromator)
    first = np.flatnonzero(np.concatenate([[True], np.diff(found.q) > TOGETHER * found.q[1:]]))
    return np.add.reduceat(area, first), place[first], found.hkl[first]


def reference_intensity_ratio(
    phase: str | Phase, *, wavelength: str | float | Radiation = "CuKa1", monochromator: float = 0.0
) -> float:
    r"""Calculate I/Ic: strongest line of a phase over the (113) line of corundum, in a 1:1 mixture by weight.

    .. math:: \frac{I}{I_c} = \frac{m|F|^2 LP / (V^2\rho)}{[m|F|^2 LP / (V^2\rho)]_{corundum\,(113)}}

    Parameters
    ----------
    phase
        The structure, or the id or name of its card.
    wavelength
        As for :func:`surfspec.xrd.radiation`.
    monochromator
        2 theta of the monochromator crystal, deg; 0 for none.

    Returns
    -------
    float
        I/Ic, dimensionless, for integrated areas of thick, ideally mixed samples: neither microabsorption nor
        extinction is in it, as they are in measured ratios.

    Raises
    ------
    InputError
        When the phase has no line below 120 deg, for an unknown phase or radiation, and for an angle of the
        monochromator outside 0 to 180 deg.

    References
    ----------
    Hubbard, Evans & Smith (1976) J. Appl. Cryst. 9, 169; de Wolff & Visser (1988) Powder Diffr. 3, 202.

    Examples
    --------
    >>> from surfspec import xrd
    >>> round(xrd.reference_intensity_ratio("rutile"), 1)
    3.7
    """
    phase = one_phase(phase, "phase")
    given.number(monochromator, "monochromator", low=0.0, high=179.9)
    light = radiation(wavelength).wavelengths[0]
    area, _, _ = peaks(phase, light, monochromator)
    if not len(area):
        raise InputError(
            f"{phase.name} has no line below 120 deg at {light:g} angstrom",
            where="wavelength",
            remedy="Choose a shorter wavelength",
        )
    corundum = phases([REFERENCE])[0]
    own, _, index = peaks(corundum, light, monochromator)
    line = np.flatnonzero((np.sort(np.abs(index), axis=1) == np.sort(REFERENCE_LINE)).all(axis=1) & (index[:, 2] == 3))
    if not len(line):
        raise InputError(
            f"the (113) line of corundum is out of reach at {light:g} angstrom",
            where="wavelength",
            remedy="Choose a shorter wavelength",
        )
    return float(area.max() / phase.density / (own[line[0]] / corundum.density))

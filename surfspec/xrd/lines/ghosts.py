"""Lines that other wavelengths in the beam make: K-beta that a filter lets through, tungsten of an aged tube."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]

#: Wavelength of W La1 (Bearden 1967, Rev. Mod. Phys. 39, 78; angstrom).
TUNGSTEN_LA = 1.47639
#: Largest height relative to the main line: K-beta without a filter, W L-alpha.
MOST = {"K-beta": 0.25, "W L-alpha": 0.06}


def ghost_positions(two_theta: Array, light: Radiation) -> dict[str, Array]:
    """Where the lines at `two_theta` (deg, of the first wavelength) appear by other wavelengths; NaN out of reach.

    Examples
    --------
    >>> from surfspec.xrd.patterns.wavelengths import radiation
    >>> {name: at.round(2).tolist() for name, at in ghost_positions(np.array([44.67]), radiation("CuKa")).items()}
    {'K-beta': [40.17], 'W L-alpha': [42.71]}
    """
    found = {}
    for name, wave in (("K-beta", light.k_beta), ("W L-alpha", TUNGSTEN_LA)):
        if not np.isfinite(wave) or abs(wave / light.wavelengths[0] - 1.0) < 0.02:
            continue
        sine = np.sin(np.radians(two_theta) / 2.0) * wave / light.wavelengths[0]
        found[name] = 2.0 * np.degrees(np.arcsin(np.where(sine < 1.0, sine, np.nan)))
    return found


def name_ghosts(two_theta: Array, height: Array, width: Array, light: Radiation) -> list[str]:
    """Say of each peak whether it may be the ghost of a taller one ("K-beta of 44.67"), '' if not.

    Parameters
    ----------
    two_theta
        True positions (zero and displacement taken off), deg, shape (n,).
    height, width
        Heights, and how far a ghost may be off (deg), shape (n,).
    light
        Radiation.
    """
    names = [""] * len(two_theta)
    for word, places in ghost_positions(two_theta, light).items():
        near = np.abs(two_theta[:, None] - places[None, :]) < width[:, None]
        near &= height[:, None] < MOST[word] * height[None, :]
        for number in np.flatnonzero(near.any(axis=1)):
            parent = np.flatnonzero(near[number])[np.argmax(height[near[number]])]
            names[number] = names[number] or f"{word} of {two_theta[parent]:.2f}"
    return names

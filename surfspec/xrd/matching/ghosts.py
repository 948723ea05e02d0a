"""Lines of other wavelengths in the beam: K-beta that a filter lets through, and tungsten of an aged tube."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import model
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]

#: Wavelength of W La1, which an aged tube adds (Bearden 1967, Rev. Mod. Phys. 39, 78; angstrom).
TUNGSTEN_LA = 1.47639
#: Largest intensity relative to the main lines: K-beta without a filter, W L-alpha.
MOST_BETA, MOST_TUNGSTEN = 0.25, 0.06
#: Least relative distance from the main wavelength.
LEAST_APART = 0.02
#: Signal-to-noise ratio from which a ghost is taken into the model.
LEAST = 5.0


def others(light: Radiation) -> tuple[tuple[float, float, str], ...]:
    """Other wavelengths that may be in the beam: angstrom, largest relative intensity, name.

    A beam of K-alpha1 alone has passed a crystal, and one of a stated wavelength is of no tube: they have none.
    """
    if not light.name.endswith("Ka"):
        return ()
    both = ((light.k_beta, MOST_BETA, "K-beta"), (TUNGSTEN_LA, MOST_TUNGSTEN, "W L-alpha"))
    return tuple(one for one in both if np.isfinite(one[0]) and abs(one[0] / light.wavelengths[0] - 1.0) >= LEAST_APART)


def ghosts_of(state: State, data: Measured) -> tuple[tuple[float, float], ...]:
    """Fit the intensity of each other wavelength next to the lines of a state.

    Returns
    -------
    tuple of (wavelength, intensity)
        Angstrom, and intensity relative to the main lines; only those that stand out of noise and model error.
    """
    light = state.common.light
    if not state.members or not np.any(state.scales > 0):
        return ()
    bare = replace(state.common, ghosts=())
    main = np.stack([model.column(one, bare, data) for one in state.members], axis=1)
    basis, _ = np.linalg.qr(data.project(main[:, state.scales > 0]))
    left = data.project(data.y - main @ state.scales)
    found = []
    for wave, most, _ in others(light):
        drawn = sum(
            (
                scale * model.ghost(one, bare, data, wave)
                for one, scale in zip(state.members, state.scales, strict=True)
            ),
            np.zeros(len(data.x)),
        )
        column = data.project(np.asarray(drawn))
        column = column - basis @ (basis.T @ column)
        norm = float(column @ column)
        if norm <= 0.0:
            continue
        share = float(column @ left) / norm
        if share * norm**0.5 > LEAST and share < most:
            found.append((wave, share))
    return tuple(found)

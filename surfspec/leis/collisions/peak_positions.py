r"""Peak energies :math:`gE_0K(\theta) + \delta` of elements as a function of the four numbers of a calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import angle_dispersion, kinematic_factor

Array = NDArray[np.float64]

PARAMETERS: Final = ("energy", "angle", "gain", "offset")


@dataclass(frozen=True)
class Positions:
    """Peak energies as a function of energy, angle, gain and offset (in this order).

    Attributes
    ----------
    elements
        Symbols or isotopes.
    ion
        Projectile.
    """

    elements: tuple[str, ...]
    ion: str

    def factors(self, angle: float) -> tuple[Array, Array]:
        """Return the mean K of each element and its derivative by the angle (per deg)."""
        values, slopes = [], []
        for name in self.elements:
            target = iso.isotopes(name)
            ratio = target.mass / iso.ion(self.ion).mass
            K, slope = kinematic_factor(ratio, angle), angle_dispersion(ratio, angle)
            real = np.isfinite(K)
            weight = target.abundance[real]
            values.append(float(np.average(K[real], weights=weight)) if np.any(real) else np.nan)
            slopes.append(float(np.average(slope[real], weights=weight)) if np.any(real) else np.nan)
        return np.array(values), np.array(slopes)

    def energies(self, values: Array) -> Array:
        """Return the peak energies, shape (elements,), eV."""
        energy, angle, gain, offset = map(float, values)
        return gain * energy * self.factors(angle)[0] + offset

    def slopes(self, values: Array) -> Array:
        """Return their derivatives, shape (elements, 4)."""
        energy, angle, gain, _ = map(float, values)
        K, slope = self.factors(angle)
        return np.stack([gain * K, gain * energy * slope, energy * K, np.ones_like(K)], axis=1)

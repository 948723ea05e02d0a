"""The isotope lines of one element: energies, weights, and what broadens them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.cross_sections import isotope_cross_sections
from surfspec.leis.collisions.kinematics import isotope_energies
from surfspec.leis.collisions.width import line_broadening, line_curvature
from surfspec.leis.recipe import Recipe

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Lines:
    """The lines of one element.

    Attributes
    ----------
    energy, weight
        Energies (eV) and intensity fractions of the isotopes that can scatter, shape (isotopes,).
    centroid, spread
        Their weighted mean and standard deviation, eV.
    dispersion
        Change of energy with angle, eV/deg.
    bend
        Curvature of the energy over the angle, divided by the square of its slope, 1/eV; 0 where there is no slope.
    doppler_variance
        Of the thermal motion of the target, eV^2.
    """

    energy: Array
    weight: Array
    centroid: float
    spread: float
    dispersion: float
    bend: float
    doppler_variance: float


def lines_of(element: str, recipe: Recipe) -> Lines:
    """Return the isotope lines of `element`, weighted by abundance times cross-section.

    Parameters
    ----------
    element
        Symbol.
    recipe
        Projectile and geometry; and whether isotopes have lines of their own.

    Examples
    --------
    >>> lines_of("Si", Recipe(elements=("Si",))).weight.round(3).tolist()
    [0.922, 0.047, 0.031]
    """
    ion, e0, angle = recipe.ion, recipe.energy, recipe.angle
    loss = recipe.inelastic_loss.get(element, 0.0)
    energy = recipe.gain * isotope_energies(element, ion=ion, energy=e0, angle=angle, loss=loss)
    sigma = isotope_cross_sections(element, ion=ion, energy=e0, angle=angle, potential=recipe.potential)
    weight = iso.isotopes(element).abundance * sigma
    real = np.isfinite(energy) & np.isfinite(weight)
    if not recipe.isotopes:
        # of those that can scatter, the most abundant one stands for all
        abundance = np.where(real, iso.isotopes(element).abundance, 0.0)
        real &= np.arange(real.size) == np.argmax(abundance)
    energy, weight = energy[real], weight[real] / weight[real].sum()
    centroid = float(weight @ energy)
    dispersion, doppler = line_broadening(
        element, ion=ion, energy=e0, angle=angle, thermal_energy=recipe.thermal_energy
    )
    curvature = line_curvature(element, ion=ion, energy=e0, angle=angle)
    bend = curvature / dispersion**2 / recipe.gain if dispersion > 0 else 0.0
    spread = float(np.sqrt(weight @ (energy - centroid) ** 2))
    return Lines(energy, weight, centroid, spread, recipe.gain * dispersion, bend, recipe.gain**2 * doppler)

"""Other backgrounds that a fitted spectrum might as well be described with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from surfspec.leis.collisions.width import ACCEPTANCE_FACTOR, FWHM, AcceptanceShape, line_broadening
from surfspec.leis.recipe import Recipe

#: Name of the recipe that was given.
AS_FITTED = "as fitted"
#: Factors on the width of the foot, whose shape no theory gives.
FOOT_FACTORS = (("foot narrower", 0.75), ("foot wider", 1.35))
#: Range of the survival exponent where the recipe has it fixed, eV^(1/2).
SURVIVAL = (0.0, 300.0)
#: Share of the width of a peak from which the shape of the accepted angles matters.
WIDE = 0.5


@dataclass(frozen=True)
class Variant:
    """One background.

    Attributes
    ----------
    name
        What differs from the recipe given.
    recipe
        Its recipe.
    same_points
        Whether it is fitted to the same points, so that deviances compare.
    """

    name: str
    recipe: Recipe
    same_points: bool = True


def variants_of(recipe: Recipe) -> tuple[Variant, ...]:
    """Return the recipe as given, its window written out, and what differs from it in one thing each.

    Foot, slope, sputter tail and low-energy tail are switched, the survival is freed or left out, the foot is made
    narrower and wider, and the window ends half as far from the outer peaks. Where the accepted angles make more than
    half the width of a peak, they are given another shape with the same standard deviation.

    Examples
    --------
    >>> [one.name for one in variants_of(Recipe(elements=("O", "Zr"), sputter_tail=False))][:4]
    ['as fitted', 'foot off', 'foot narrower', 'foot wider']
    """
    low, high = recipe.limits()
    base = replace(recipe, window=(low, high))
    family = [Variant(AS_FITTED, base), Variant(_switched("foot", base.foot), replace(base, foot=not base.foot))]
    if base.foot:
        position, width = base.foot_shape
        family += [Variant(name, replace(base, foot_shape=(position, f * width))) for name, f in FOOT_FACTORS]
    if base.survival[0] < base.survival[1]:
        family.append(Variant("survival off", replace(base, survival=(0.0, 0.0))))
    else:
        family.append(Variant("survival free", replace(base, survival=SURVIVAL)))
    family += [
        Variant(_switched("slope", base.slope), replace(base, slope=not base.slope)),
        Variant(_switched("sputter tail", base.sputter_tail), replace(base, sputter_tail=not base.sputter_tail)),
        Variant(_switched("peak tail", base.low_energy_tail), replace(base, low_energy_tail=not base.low_energy_tail)),
    ]
    if _wide(base):
        shape: AcceptanceShape = "box" if base.acceptance_shape == "gaussian" else "gaussian"
        factor = ACCEPTANCE_FACTOR[shape] / ACCEPTANCE_FACTOR[base.acceptance_shape]
        wide = base.acceptance
        # the quoted widths differ, the standard deviation of the angles stays
        other = (wide[0] * factor, wide[1] * factor) if isinstance(wide, tuple) else wide * factor
        family.append(Variant(f"acceptance {shape}", replace(base, acceptance_shape=shape, acceptance=other)))
    lines = [base.gain * base.line(element) for element in base.elements]
    narrow = (0.5 * (low + min(lines)), 0.5 * (high + max(lines)))
    return (*family, Variant("window narrower", replace(base, window=narrow), same_points=False))


def _wide(recipe: Recipe) -> bool:
    """Return whether the accepted angles make more than half the width of a peak, at the middle of the resolution."""
    energies = np.array([recipe.gain * recipe.line(element) for element in recipe.elements])
    pairs = [
        line_broadening(
            element, ion=recipe.ion, energy=recipe.energy, angle=recipe.angle, thermal_energy=recipe.thermal_energy
        )
        for element in recipe.elements
    ]
    dispersion, variance = np.array(pairs).T
    angles = FWHM * float(np.mean(recipe.acceptance)) / ACCEPTANCE_FACTOR[recipe.acceptance_shape] * dispersion
    others = (float(np.sqrt(recipe.resolution[0] * recipe.resolution[1])) * energies) ** 2 + FWHM**2 * variance
    return bool(np.any(angles**2 > WIDE**2 * (angles**2 + others)))


def _switched(name: str, on: bool) -> str:
    return f"{name} {'off' if on else 'on'}"

r"""Areas of a phase from its formula and computed cross-sections: the fallback where nobody measured it.

.. math:: A_j \propto n_j\,N^{2/3}\,\Big(\frac{d\sigma}{d\Omega}\Big)_j

with the atomic fraction :math:`n_j` and the atomic density `N`: the surface is taken as a cut through the bulk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.leis.collisions.cross_sections import cross_section
from surfspec.leis.film.stopping import film_material
from surfspec.leis.recipe import Recipe
from surfspec.reference.materials import composition

Array = NDArray[np.float64]

#: Relative standard uncertainty of a computed area: potential, ion fraction, surface composition.
FALLBACK = 0.25


def computed_reference(
    formula: str,
    names: Sequence[str],
    recipe: Recipe,
    *,
    density: float | None = None,
    relative_unc: float = FALLBACK,
) -> tuple[Array, Array]:
    """Return the areas of a phase, shape (j,), in units that are common to all phases, and their covariance, (j, j).

    Parameters
    ----------
    formula
        Of the phase, or the name of a material.
    names
        The elements wanted.
    recipe
        Projectile and geometry.
    density
        g/cm3; by default that of the table of materials.
    relative_unc
        Relative standard uncertainty of each, independent for all elements.

    Raises
    ------
    InputError
        For an unknown material without a density, or a phase that holds none of the elements.

    Examples
    --------
    >>> area, _ = computed_reference("Na3PO4", ["O", "P", "Zr"], Recipe(elements=("O", "P", "Zr")))
    >>> (area / area[0]).round(2).tolist()
    [1.0, 0.71, 0.0]
    """
    material = film_material(formula, density)
    parts = composition(material.formula)
    atoms = sum(parts.values())
    per_area = sum(material.atoms(symbol) for symbol in parts) ** (2.0 / 3.0)
    area = np.array([
        parts.get(name, 0.0) / atoms * per_area
        * cross_section(name, ion=recipe.ion, energy=recipe.energy, angle=recipe.angle, potential=recipe.potential)
        for name in names
    ])  # fmt: skip
    if not area.sum() > 0:
        raise InputError(
            f"{formula} holds none of {', '.join(names)}", where="formula", remedy="Check the formula and the elements"
        )
    return area, np.diag((relative_unc * area) ** 2)

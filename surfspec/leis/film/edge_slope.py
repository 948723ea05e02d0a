r"""Whether the lag for a nm of film, as a calibration gives it, is of the size that stopping can have.

A calibration with thicknesses in angstrom is a line as good as one in nm, of a slope ten times too small. The computed
stopping :math:`b = K S(E_0) + S(E_1)/\cos\beta` is known to a quarter (:mod:`surfspec.leis.film.stopping`), so that
a factor of :data:`FAR` beside it is no matter of the film.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from surfspec.errors import InputError
from surfspec.leis.amounts.detection import recipe_of
from surfspec.leis.film import stopping
from surfspec.reference.materials import material_names

#: Factor by which a slope may differ from the computed stopping, either way.
FAR = 3.0


def edge_width(fit: xr.Dataset, name: str) -> float:
    """Return the full width at half maximum of the element's peak, eV: the median over the fit; NaN for none."""
    width = np.ravel(fit["fwhm"].sel(component=name).values)
    width = width[np.isfinite(width) & (width > 0)]
    return float(np.median(width)) if width.size else float("nan")


def computed_slopes(fit: xr.Dataset, element: str, film: str) -> tuple[float, float]:
    """Return the lowest and the highest stopping the film can have, eV/nm.

    Parameters
    ----------
    fit
        Of a film.
    element
        Whose edge.
    film
        Formula or name; without one, or for one without a density in the table, any material of the table is possible.
    """
    recipe, width = recipe_of(fit), edge_width(fit, element)
    try:
        films = [stopping.film_material(film)]
    except InputError:
        films = [stopping.film_material(name) for name in material_names()]
    found = [
        stopping.path_stopping(
            one, element, ion=recipe.ion, energy=recipe.energy, angle=recipe.angle,
            cut=width if np.isfinite(width) else np.inf,
        )
        for one in films
    ]  # fmt: skip
    return min(found), max(found)


def implausible_slope(slope: float, computed: tuple[float, float], film: str = "") -> str:
    """Return the reason for doubt where a slope (eV/nm) is far from what was computed, else nothing.

    Examples
    --------
    >>> implausible_slope(60.0, (70.0, 70.0))
    ''
    >>> implausible_slope(6.0, (70.0, 70.0), "Na3PO4")[:81]
    'model inadequate: the line rises by 6 eV/nm, the stopping computed for Na3PO4 is '
    """
    low, high = computed
    if low / FAR <= slope <= high * FAR:
        return ""
    size = f"{low:.0f}" if f"{low:.0f}" == f"{high:.0f}" else f"{low:.0f} to {high:.0f}"
    return (
        f"model inadequate: the line rises by {slope:.2g} eV/nm, the stopping computed for "
        f"{film if film and low == high else 'films'} is {size} eV/nm, are the thicknesses in nm?"
    )

r"""Coverage by one element, where the two phases cannot be unmixed.

An element of the substrate alone tells the coverage by what is left of its peak, :math:`\theta = 1 - I/I_\text{ref}`,
one of the film alone by :math:`\theta = I/I_\text{ref}`. Both trust the intensities of two spectra against each other.

A normalised area does not, but it is **not linear** in the coverage: with areas :math:`F_j`, :math:`S_j` of film and
substrate and their sums :math:`T_F`, :math:`T_S` over the elements in the normalisation,

.. math:: r_j = \frac{\theta F_j + (1 - \theta) S_j}{\theta T_F + (1 - \theta) T_S}, \qquad
    \theta = \frac{S_j - r_j T_S}{(S_j - F_j) - r_j (T_S - T_F)}

A film that scatters less than its substrate hides behind it: at half coverage by sodium phosphate the normalised Zr of
NaSICON has fallen by a quarter, not by a half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.given import number
from surfspec.leis.film import unmixing
from surfspec.leis.film.phases import USUAL
from surfspec.leis.spectrum.same_recipe import same_recipe

Array = NDArray[np.float64]

#: Relative standard uncertainty of the intensities of two spectra against each other (current, roughness).
INTENSITY = 0.1
WAYS = ("intensity", "share")


def invert_share(share: Array, film: tuple[float, float], substrate: tuple[float, float]) -> tuple[Array, Array]:
    """Return the coverage that a normalised area means, and its derivative by that area.

    Parameters
    ----------
    share
        Normalised area, any shape.
    film, substrate
        Area of the element and of all in the normalisation, for each phase alone.

    Examples
    --------
    >>> theta, _ = invert_share(np.array([0.575 / 1.39]), (0.0, 0.39), (0.575, 1.0))
    >>> bool(0.4 < theta[0] < 0.6)
    True
    """
    (f, all_film), (s, all_substrate) = film, substrate
    below = (s - f) - share * (all_substrate - all_film)
    theta = (s - share * all_substrate) / below
    slope = (-all_substrate * below + (s - share * all_substrate) * (all_substrate - all_film)) / below**2
    return np.asarray(theta), np.asarray(slope)


def element_coverage(
    fit: xr.Dataset,
    *,
    element: str,
    film: xr.Dataset,
    substrate: xr.Dataset,
    way: str = "share",
    exclude: Sequence[str] = ("Na",),
    intensity_unc: float = INTENSITY,
    model_uncertainty: float = 0.01,
) -> xr.Dataset:
    r"""Coverage of each spectrum by one element alone: a check of :func:`surfspec.leis.coverage`.

    Parameters
    ----------
    fit
        Fit of the sample.
    element
        Which; it must differ between film and substrate.
    film, substrate
        Fits of the two alone.
    way
        ``"share"``: the exact inversion of the normalised area, free of beam current and roughness.
        ``"intensity"``: linear in the area, :math:`(S - I)/(S - F)`, trusting the intensities.
    exclude
        Elements left out of the sum.
    intensity_unc
        Relative standard uncertainty of intensities against each other, for ``"intensity"``.
    model_uncertainty
        Standard uncertainty of a share by the spectral model.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over the series dimensions: ``coverage`` with ``_unc``, ``verdict`` and ``reasons``. Values
        beyond 0 and 1 are kept: they say how well the element does.

    Raises
    ------
    InputError
        For an unknown element or way, or an element that film and substrate show alike.

    Examples
    --------
    >>> import surfspec as ss
    >>> recipe = ss.leis.Recipe(elements=("O", "P", "Zr"))
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> def surface(o, p, zr):
    ...     peaks = ((o, 1182.0), (p, 1869.5), (zr, 2557.0))
    ...     counts = 5.0 + sum(h * np.exp(-0.5 * ((energy / e - 1.0) / 0.012) ** 2) for h, e in peaks)
    ...     return ss.leis.fit(ss.spectrum(energy, np.random.default_rng(3).poisson(counts), technique="LEIS"), recipe)
    >>> table = ss.leis.element_coverage(surface(650, 300, 400), element="Zr", film=surface(500, 500, 0),
    ...                                  substrate=surface(800, 100, 800), exclude=())
    >>> round(float(table.coverage), 1)
    0.5
    """
    names = [str(name) for name in fit["component"].values]
    if not isinstance(exclude, Sequence) or not isinstance(element, str):
        raise InputError(
            f"exclude is a {type(exclude).__name__}, element a {type(element).__name__}",
            where="exclude",
            remedy="Give a list of symbols, such as ('Na',), and the symbol of one element",
        )
    if element not in names or way not in WAYS or isinstance(exclude, str) or element in exclude:
        raise InputError(
            f"element {element!r}, way {way!r}, exclude {exclude!r}",
            where="element",
            remedy=f"Use one of {', '.join(names)} that is not excluded, and way {' or '.join(WAYS)}",
        )
    unknown = sorted(set(exclude) - {*names, *USUAL})
    if unknown:
        raise InputError(f"{unknown[0]!r} was not fitted", where="exclude", remedy=f"Use {', '.join(names)}")
    number(model_uncertainty, "model_uncertainty", low=0.0, high=1.0)
    number(intensity_unc, "intensity_unc", low=0.0, high=10.0)
    same_recipe(fit, film, substrate, names=("fit", "film", "substrate"), where="film")
    kept = [name for name in names if name not in exclude]
    at = kept.index(element)
    phases = [unmixing.reference(one, kept) for one in (film, substrate)]
    (f, s), sums = (float(mean[at]) for mean, _ in phases), [float(mean.sum()) for mean, _ in phases]
    errors = [matrix for _, matrix in phases]
    if abs(f / sums[0] - s / sums[1]) < 0.02:
        raise InputError(
            f"film and substrate show {element} alike", where="element", remedy="Take an element of one of the two"
        )
    part = fit.sel(component=kept, component_b=kept)
    dims = [str(d) for d in fit["chi2"].dims]
    area = part["area"].transpose(*dims, "component").values
    matrix = part["area_covariance"].transpose(*dims, "component", "component_b").values
    if way == "share":
        total = area.sum(axis=-1)
        share = area[..., at] / total
        theta, slope = invert_share(share, (f, sums[0]), (s, sums[1]))
        by_area = (np.eye(len(kept))[at] - share[..., None]) / total[..., None]
        variance = np.einsum("...i,...ij,...j->...", by_area, matrix, by_area) + model_uncertainty**2
        variance = slope**2 * variance + _by_references(share, at, phases, errors)
    else:
        theta = (s - area[..., at]) / (s - f)
        relative = (intensity_unc * area[..., at]) ** 2 + matrix[..., at, at]
        sides = (1.0 - theta) ** 2 * errors[1][at, at] + theta**2 * errors[0][at, at]
        variance = (relative + (model_uncertainty * area.sum(axis=-1)) ** 2 + sides) / (s - f) ** 2
    unc = np.sqrt(variance)
    beyond = np.isfinite(theta) & ((theta < -2.0 * unc) | (theta > 1.0 + 2.0 * unc))
    why = np.where(beyond, f"model inadequate: {element} means a coverage beyond 0 and 1", "").astype(object)
    why = np.where(np.isfinite(theta), why, "not determined: no area")
    verdicts = np.vectorize(lambda text: verdict_of([text] if text else []), otypes=[str])(why)
    table = xr.Dataset(
        {
            "coverage": (dims, theta, {"units": "1", "long_name": f"Coverage by {element}",
                                       "ancillary_variables": "coverage_unc"}),
            "coverage_unc": (dims, unc, {"units": "1", "long_name": "Standard uncertainty of the coverage"}),
            "verdict": (dims, np.asarray(verdicts, dtype=str)),
            "reasons": (dims, np.asarray(why, dtype=str)),
        },
        coords={str(k): c for k, c in fit.coords.items() if set(map(str, c.dims)) <= set(dims)},
        attrs={"kind": "table", "technique": "LEIS", "inputs": "fit, film, substrate", "element": element, "way": way,
               "exclude": ", ".join(exclude), **spectra.origin(fit, film, substrate)},
    )  # fmt: skip
    return schema.check(table, "table")


def _by_references(share: Array, at: int, phases: Sequence[tuple[Array, Array]], errors: Sequence[Array]) -> Array:
    """Return the variance of the coverage by the references, by differences."""
    variance = np.zeros_like(share)
    base = _inverted(share, at, [mean for mean, _ in phases])
    for i, matrix in enumerate(errors):
        slopes = []
        for j in range(matrix.shape[0]):
            moved = [mean.copy() for mean, _ in phases]
            step = max(1e-4 * float(moved[i].sum()), 1e-12)
            moved[i][j] += step
            slopes.append((_inverted(share, at, moved) - base) / step)
        gradient = np.stack(slopes, axis=-1)
        variance = variance + np.einsum("...i,ij,...j->...", gradient, matrix, gradient)
    return variance


def _inverted(share: Array, at: int, means: Sequence[Array]) -> Array:
    film, substrate = means
    return invert_share(share, (float(film[at]), float(film.sum())), (float(substrate[at]), float(substrate.sum())))[0]

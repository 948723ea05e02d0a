r"""Is an element there? A likelihood ratio with the background free, and a limit where the answer is no.

The null hypothesis leaves out the surface peak of the element and keeps everything else free, its in-depth shoulder and
foot too. Twice the gain in log likelihood, :math:`q = D_0 - D_1`, of a quantity that cannot be negative follows
:math:`\frac12\chi^2_0 + \frac12\chi^2_1` under the null (Chernoff, Ann. Math. Stat. 25 (1954) 573).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import binom, chi2, norm
from scipy.stats import t as student

from surfspec import schema
from surfspec.errors import InputError
from surfspec.leis.model import SpectrumModel
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.maximisation import maximise
from surfspec.recipes import load_yaml

Array = NDArray[np.float64]

#: Default chance of calling an element detected that is not there.
LEVEL = 0.05
#: Peaks of so many standard uncertainties are beyond question: their likelihood ratio is the square of that number.
CLEAR = 10.0


def recipe_of(fit: xr.Dataset) -> Recipe:
    """Return the recipe that a LEIS fit was made with.

    Raises
    ------
    InputError
        When the Dataset is the fit of another technique.
    """
    schema.check(fit, "fit")
    if fit.attrs["technique"] != "LEIS":
        raise InputError(
            f"this is a fit of {fit.attrs['technique']} data",
            where="fit",
            remedy="Pass what surfspec.leis.fit returned",
        )
    return load_yaml(str(fit.attrs["recipe"]), Recipe)


def p_value(likelihood_ratio: Array, members: int = 1) -> Array:
    r"""Chance of a likelihood ratio at least this large without the element.

    .. math:: p = \sum_{k=1}^{n} \binom nk 2^{-n} P(\chi^2_k \ge q)

    Parameters
    ----------
    likelihood_ratio
        :math:`q`, summed over `members` independent spectra, any shape.
    members
        How many spectra.

    Examples
    --------
    >>> p_value(np.array([0.0, 2.7055, 9.0])).round(4).tolist()
    [1.0, 0.05, 0.0013]
    """
    q = np.asarray(likelihood_ratio, dtype=np.float64)
    total = np.zeros_like(q)
    for k in range(1, members + 1):
        total = total + binom.pmf(k, members, 0.5) * chi2.sf(q, k)
    return np.where(np.isnan(q), np.nan, np.where(q > 0, total, 1.0))


def likelihood_ratios(
    fit: xr.Dataset, elements: Sequence[str], *, progress: Callable[[int, int], None] | None = None
) -> Array:
    """Fit every member again without each of the elements, and return the loss of likelihood.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    elements
        Which to leave out, one at a time.
    progress
        Called after each spectrum.

    Returns
    -------
    numpy.ndarray
        Shape (..., elements); NaN for members without a fit. Peaks of more than ``CLEAR`` standard uncertainties are
        not fitted again; their ratio is the square of that number.
    """
    recipe = recipe_of(fit)
    energy = np.array(fit["kinetic_energy"].values, dtype=np.float64)
    units = str(fit["intensity"].attrs["units"])
    statistics = str(fit.attrs["statistics"])
    models = {name: SpectrumModel(recipe, energy, units, absent=(name,)) for name in elements}
    shape = fit["chi2"].shape
    out = np.full((*shape, len(elements)), np.nan)
    total = int(np.prod(shape)) if shape else 1
    count = SpectrumModel(recipe, energy, units).shape_count
    for done, index in enumerate(np.ndindex(*shape), start=1):
        best = float(fit["deviance"].values[index])
        if np.isfinite(best):
            y = np.array(fit["intensity"].values[index], dtype=np.float64)
            sigma = np.array(fit["intensity_unc"].values[index]) if "intensity_unc" in fit else None
            start = np.array(fit["value"].values[index][:count])
            scale = best / float(fit["dof"].values[index]) if statistics == "unknown" else 1.0
            for i, name in enumerate(elements):
                one = fit.sel(component=name)
                strength = float(one["area"].values[index]) / float(one["area_unc"].values[index])
                if strength <= 0 or strength > CLEAR:
                    out[(*index, i)] = max(strength, 0.0) ** 2
                    continue
                null, _ = maximise(models[name], y, statistics, sigma, start=start)
                out[(*index, i)] = max(0.0, (null.deviance - best) / scale)
        if progress is not None:
            progress(done, total)
    return out


def blank_p_value(seen: Array, seen_unc: Array, blank: Array) -> float:
    r"""Chance of a mean apparent share at least this large on a sample without the element.

    .. math:: t = \frac{\bar r - \bar r_b}{\sqrt{\max(s_b^2/m,\ \overline{u^2}/m) + s_b^2/n_b}}

    Parameters
    ----------
    seen, seen_unc
        Shares of the element in the `m` spectra in question and their uncertainties, shape (m,).
    blank
        Shares that the same fit finds where the element is absent, shape (n_b,), at least three.

    Returns
    -------
    float
        One-sided, by Student's distribution with n_b - 1 degrees of freedom.

    References
    ----------
    Currie, Pure Appl. Chem. 67 (1995) 1699 (IUPAC): critical value from blanks.

    Examples
    --------
    >>> blank_p_value(np.array([0.02]), np.array([0.01]), np.array([0.01, 0.02, 0.03])) > 0.4
    True
    """
    spread = float(np.var(blank, ddof=1))
    own = float(np.mean(seen_unc**2)) if np.all(np.isfinite(seen_unc)) else spread
    variance = max(spread, own) / seen.size + spread / blank.size
    return float(student.sf((np.mean(seen) - np.mean(blank)) / np.sqrt(variance), blank.size - 1))


def shares(fit: xr.Dataset, element: str) -> tuple[Array, Array]:
    """Return the area of an element over that of all others and its uncertainty, shape of the series.

    Where the others have no area the share is NaN.
    """
    area, unc = fit["area"].sel(component=element).values, fit["area_unc"].sel(component=element).values
    others = fit["area"].sum("component").values - area
    others = np.where(others > 0, others, np.nan)
    return area / others, unc / others


def blank_shares(blanks: Mapping[str, xr.Dataset] | None, elements: Sequence[str]) -> dict[str, Array]:
    """Return the shares that each element seems to have in its blank.

    Raises
    ------
    InputError
        For a blank of an element that was not fitted, or with fewer than three spectra.
    """
    out = {}
    for element, blank in (blanks or {}).items():
        recipe_of(blank)
        known = [str(name) for name in blank["component"].values]
        if element not in elements or element not in known:
            raise InputError(
                f"the blank for {element!r} was fitted with {', '.join(known)}, the sample with {', '.join(elements)}",
                where="blanks",
                remedy="Fit both with the same recipe, and name an element of it",
            )
        values = np.ravel(shares(blank, element)[0])
        values = values[np.isfinite(values)]
        if values.size < 3 or not np.var(values) > 0:
            raise InputError(
                f"{values.size} usable spectra of a sample without {element} tell no scatter",
                where="blanks",
                remedy="Measure at least three, or leave the blank out",
            )
        out[element] = values
    return out


def detect(
    fit: xr.Dataset,
    *,
    elements: Sequence[str] | None = None,
    blanks: Mapping[str, xr.Dataset] | None = None,
    level: float = LEVEL,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Decide for each spectrum which elements are on the surface.

    Parameters
    ----------
    fit
        Fit of a spectrum or series.
    elements
        Which to ask for; all of the recipe by default.
    blanks
        By element, the fit of at least three spectra of a sample without it (a pure film, say). The element is then
        detected only where it also exceeds what the same fit finds there: the likelihood ratio knows counting
        statistics, the blank knows the errors of the spectral model.
    level
        Chance of calling an element detected that is not there.
    progress
        Called with the number of spectra done and their total.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over (..., element): ``likelihood_ratio``, ``p_value`` and ``detected`` (1 or 0), ``area``
        and ``area_unc`` (counts eV), and ``upper_limit`` (counts eV) of the area at confidence 1 - `level`, NaN where
        detected. The limit is :math:`A + z u(A)` with the uncertainty that leaves the background free.

    Raises
    ------
    InputError
        For an element that was not fitted, or a level outside (0, 0.5).

    References
    ----------
    Chernoff, Ann. Math. Stat. 25 (1954) 573; Cowan, Cranmer, Gross and Vitells, Eur. Phys. J. C 71 (2011) 1554.

    Examples
    --------
    >>> import surfspec as ss
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> counts = np.random.default_rng(2).poisson(20.0 + 900.0 * np.exp(-((energy - 1182.0) ** 2) / 800.0))
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), ss.leis.Recipe(elements=("O", "Zr")))
    >>> ss.leis.detect(fit).detected.values.tolist()
    [1, 0]
    """
    check_level(level)
    known = [str(name) for name in fit["component"].values] if "component" in fit.dims else []
    recipe_of(fit)
    chosen = list(known if elements is None else elements)
    for name in chosen:
        if name not in known:
            raise InputError(f"{name!r} was not fitted", where="elements", remedy=f"Use {', '.join(known)}")
    ratio = likelihood_ratios(fit, chosen, progress=progress)
    p = p_value(ratio)
    for name, blank in blank_shares(blanks, known).items():
        if name in chosen:
            seen, unc = shares(fit, name)
            column = p[..., chosen.index(name)]
            for index in np.ndindex(*column.shape):
                if np.isfinite(column[index]) and np.isfinite(seen[index]):
                    found_by_chance = blank_p_value(seen[index][None], unc[index][None], blank)
                    p[(*index, chosen.index(name))] = max(float(column[index]), found_by_chance)
    part = fit.sel(component=chosen)
    area, area_unc = part["area"].values, part["area_unc"].values
    found = np.nan_to_num(p, nan=1.0) < level
    limit = np.where(found, np.nan, area + norm.isf(level) * area_unc)
    dims = (*map(str, fit["chi2"].dims), "element")
    unit = str(fit["area"].attrs["units"])
    keep = {name: c for name, c in fit.coords.items() if set(c.dims) <= set(dims) and name != "element"}
    return xr.Dataset(
        {
            "likelihood_ratio": (dims, ratio, {"units": "1", "long_name": "Likelihood ratio against absence"}),
            "p_value": (dims, p, {"units": "1", "long_name": "Chance of so strong a signal without the element"}),
            "detected": (dims, found.astype(np.int8), {"units": "1", "long_name": "1 where detected"}),
            "area": (dims, area, {"units": unit, "long_name": "Area", "ancillary_variables": "area_unc"}),
            "area_unc": (dims, area_unc, {"units": unit, "long_name": "Standard uncertainty of the area"}),
            "upper_limit": (dims, limit, {"units": unit, "long_name": f"Upper limit of the area at {1 - level:.0%}"}),
        },
        coords={**keep, "element": np.array(chosen)},
        attrs={"kind": "table", "technique": "LEIS", "level": float(level), "inputs": "fit"},
    )


def check_level(level: float) -> None:
    """Raise unless a significance level lies between 0 and 0.5.

    Examples
    --------
    >>> check_level(0.05)
    """
    if not 0.0 < level < 0.5:
        raise InputError(f"level {level}", where="level", remedy="Give a small chance between 0 and 0.5, such as 0.05")

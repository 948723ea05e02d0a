r"""Is an element there? A likelihood ratio with the background free, and a limit where the answer is no.

Counting statistics are one reason to see an element that is not there; a spectral model that is not quite right is the
other. The first is the business of the likelihood ratio (:mod:`surfspec.leis.amounts.signal`). Against the second a
decision can be given a blank (:mod:`surfspec.leis.amounts.blanks`), or a standard uncertainty `s` of the share: a
spurious signal of either sign, common to all spectra of a kind, which the likelihood holds near zero by a Gaussian.
With it maximised, :math:`q' = (1/q + s^2/r^2)^{-1}` for a share `r` (exact where the likelihood is parabolic).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec import spectra
from surfspec.errors import InputError
from surfspec.leis.amounts import checks
from surfspec.leis.amounts.blank_tail import held
from surfspec.leis.amounts.blanks import Blank, blank_p_value, blank_shares, model_part, shares
from surfspec.leis.amounts.inputs import (
    LEVEL,
    MODEL_UNCERTAINTY,
    blanks_of,
    check_level,
    elements_of,
    model_uncertainties,
    recipe_of,
)
from surfspec.leis.amounts.signal import likelihood_ratios, own_widths, p_value, signed_areas
from surfspec.leis.spectrum.same_recipe import same_recipe

__all__ = ["LEVEL", "detect", "likelihood_ratios", "p_value", "recipe_of"]

Array = NDArray[np.float64]


def detect(
    fit: xr.Dataset,
    *,
    elements: Sequence[str] | None = None,
    blanks: Mapping[str, xr.Dataset] | None = None,
    model_uncertainty: float | Mapping[str, float] = 0.0,
    over: str = "",
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
        statistics, the blank knows the errors of the spectral model. A blank is worth having for every element whose
        absence is claimed: see the rates on the page on amounts.
    model_uncertainty
        Standard uncertainty of a share by the spectral model, for all elements or by element, where there is no blank.
    over
        Dimension of equivalent spectra (``"spot"``) that are judged together; each on its own by default. The model's
        errors are common to them, and their mean does not lessen these.
    level
        Chance of calling an element detected that is not there.
    progress
        Called with the number of spectra done and their total.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over (..., element): ``likelihood_ratio`` (summed over `over`), ``p_value`` and ``detected``
        (1 or 0), ``area`` and ``area_unc`` (counts eV; mean over `over`), ``share`` with ``_unc`` (area over that of
        all other elements; negative where the likelihood would like less than nothing), and ``upper_limit`` (counts
        eV) of the area at confidence 1 - `level`, NaN where detected. The limit is :math:`A + z u(A)` with the
        uncertainty that leaves the background free; a blank in which the fit sees less than nothing raises it.
        ``share_unc`` is that of counting alone. The part of the spectral model is ``share_model_unc``, the root of two
        squares: what the blank shows (:func:`surfspec.leis.amounts.blanks.model_part`), and `model_uncertainty`, or
        without one that of a normalised area, 0.01 times :math:`(1 + r)^2`, since a blank has another matrix.

    Raises
    ------
    InputError
        For an element that was not fitted, a level outside (0, 0.5), an unknown dimension, or a blank that was fitted
        with another recipe.

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
    recipe_of(fit)
    checks.callback(progress)
    known, dims = elements_of(fit), [str(d) for d in fit["chi2"].dims]
    chosen = list(known if elements is None else checks.names(elements, known, "elements", least=1))
    if over and over not in dims:
        raise InputError(
            f"the fit has no dimension {over!r}", where="over", remedy=f"Use one of {', '.join(dims) or 'none'}"
        )
    model = dict(zip(known, model_uncertainties(known, model_uncertainty, 0.0), strict=True))
    given = blanks_of(blanks, known)
    for name, one in given.items():
        same_recipe(fit, one, names=("the sample", f"the blank for {name}"), where="blanks")
    absent = blank_shares(given, known)
    ratio = likelihood_ratios(fit, chosen, progress=progress)
    signed = signed_areas(fit)
    outer = [d for d in dims if d != over]
    columns = [
        _decide(_signal(fit, name, ratio[..., i], signed, dims, over), absent.get(name), float(model[name]), level)
        for i, name in enumerate(chosen)
    ]
    values = {key: np.stack([c[key] for c in columns], axis=-1) for key in columns[0]}
    return _table(fit, chosen, outer, values, level).assign_attrs(asked=_asked(list(absent), max(model.values())))


def _asked(blanks: Sequence[str], model_uncertainty: float) -> str:
    """Return in words what an element had to show."""
    also = [f"above the blank for {', '.join(blanks)}"] if blanks else []
    also += [f"above {model_uncertainty:g} of a share for the spectral model"] if model_uncertainty > 0 else []
    return ", and ".join(["likelihood with the background free", *also])


@dataclass(frozen=True)
class _Signal:
    """What was seen of one element, each of shape (..., members): members are judged together, one by default."""

    ratio: Array
    area: Array
    area_unc: Array
    share: Array
    share_unc: Array


def _signal(fit: xr.Dataset, name: str, ratio: Array, signed: Array, dims: list[str], over: str) -> _Signal:
    order = [*(d for d in dims if d != over), *([over] if over else [])]

    def last(values: Array) -> Array:
        ordered = xr.DataArray(values, dims=dims).transpose(*order).values
        return np.asarray(ordered if over else ordered[..., None])

    share, share_unc = shares(fit, name, signed)
    one = fit.sel(component=name)
    return _Signal(*map(last, (ratio, one["area"].values, one["area_unc"].values, share, share_unc)))


def _decide(signal: _Signal, blank: Blank | None, model: float, level: float) -> dict[str, Array]:
    """Return the numbers of one element, each of shape (...,)."""
    usable = np.isfinite(signal.ratio)
    count = np.sum(usable, axis=-1)
    members = np.maximum(count, 1)

    def mean(values: Array, power: int = 1) -> Array:
        return np.where(count > 0, np.sum(np.where(usable, values, 0.0), axis=-1) / members**power, np.nan)

    q = np.where(count > 0, np.sum(np.where(usable, signal.ratio, 0.0), axis=-1), np.nan)
    p = np.full(q.shape, np.nan)
    for number in np.unique(members):
        p[members == number] = p_value(q[members == number], int(number))
    area, area_unc = mean(signal.area), np.sqrt(mean(signal.area_unc**2, 2))
    share, share_unc = mean(signal.share), np.sqrt(mean(signal.share_unc**2, 2))
    per_share = np.where(share_unc > 0, area_unc / share_unc, 0.0)  # the area of all others, counts eV
    limit_unc, lift = area_unc, np.zeros_like(area)
    own = own_widths(signal.share, signal.share_unc, signal.ratio)
    by_model = np.full_like(share, model) if model > 0 else MODEL_UNCERTAINTY * (1.0 + np.maximum(share, 0.0)) ** 2
    if model > 0:
        p = np.fmax(p, norm.sf(share / np.sqrt(mean(own**2, 2) + model**2)))
        limit_unc = np.hypot(area_unc, model * per_share)
    if blank is not None:
        by_blank = np.full(p.shape, np.nan)
        for index in np.ndindex(*p.shape):
            good = usable[index] & np.isfinite(signal.share[index])
            if np.any(good):
                chance = blank_p_value(signal.share[index][good], own[index][good], blank)
                by_blank[index] = held(chance, signal.share[index][good], blank)
        p = np.fmax(p, by_blank)
        by_model = np.hypot(by_model, model_part(blank, members))
        lift = max(0.0, -float(np.mean(blank.share))) * per_share
    found = np.nan_to_num(p, nan=1.0) < level
    limit = np.where(found, np.nan, area + lift + norm.isf(level) * limit_unc)
    return {
        "likelihood_ratio": q, "p_value": p, "detected": found.astype(np.int8), "area": area, "area_unc": area_unc,
        "share": share, "share_unc": share_unc, "share_model_unc": np.where(count > 0, by_model, np.nan),
        "upper_limit": limit,
    }  # fmt: skip


def _table(
    fit: xr.Dataset, elements: list[str], outer: list[str], columns: dict[str, Array], level: float
) -> xr.Dataset:
    unit = str(fit["area"].attrs["units"])
    words = {
        "likelihood_ratio": ("1", "Likelihood ratio against absence"),
        "p_value": ("1", "Chance of so strong a signal without the element"),
        "detected": ("1", "1 where detected"),
        "area": (unit, "Area"),
        "area_unc": (unit, "Standard uncertainty of the area"),
        "share": ("1", "Area over that of all others"),
        "share_unc": ("1", "Its standard uncertainty by counting alone"),
        "share_model_unc": ("1", "Its standard uncertainty by the spectral model"),
        "upper_limit": (unit, f"Upper limit of the area at {1 - level:.0%}"),
    }
    dims = (*outer, "element")
    keep = {name: c for name, c in fit.coords.items() if set(map(str, c.dims)) <= set(outer)}
    return xr.Dataset(
        {
            name: (
                dims,
                values,
                {"units": words[name][0], "long_name": words[name][1]}
                | ({"ancillary_variables": f"{name}_unc"} if f"{name}_unc" in columns else {}),
            )
            for name, values in columns.items()
        },
        coords={**keep, "element": np.array(elements)},
        attrs={"kind": "table", "technique": "LEIS", "level": float(level), "inputs": "fit", **spectra.origin(fit)},
    )

r"""Peak areas divided by the summed area of all detected elements, some of them left out of the sum.

.. math:: r_j = \frac{A_j/s_j}{T}, \qquad T = \sum_{k\,\text{detected},\,k\notin\text{excluded}} A_k/s_k

An excluded element (sodium, which the beam removes faster than the rest) is divided by the same sum, and can exceed 1.
The uncertainty comes from the full covariance of the areas. Over several analysed spots of one sample the mean, the
standard deviation and Student's interval are given. Normalised areas are not linear in coverage: use
:func:`surfspec.leis.coverage` for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec.errors import NotDeterminedError
from surfspec.fitting.uncertainty import fractions
from surfspec.fitting.verdict import require
from surfspec.given import switch
from surfspec.leis.amounts import checks
from surfspec.leis.amounts.blank_tail import held
from surfspec.leis.amounts.blanks import blank_p_value, blank_shares, shares
from surfspec.leis.amounts.inputs import (
    LEVEL,
    MODEL_UNCERTAINTY,
    blanks_of,
    check_level,
    elements_of,
    factors,
    included,
    model_uncertainties,
    recipe_of,
)
from surfspec.leis.amounts.layout import Layout, model_areas
from surfspec.leis.amounts.neighbours import trade_covariance
from surfspec.leis.amounts.normalised_table import Normalised, normalised_table
from surfspec.leis.amounts.signal import likelihood_ratios, own_widths, p_value, signed_areas
from surfspec.leis.amounts.spots import over_spots, with_model
from surfspec.leis.spectrum.same_recipe import same_recipe

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def normalise(
    fit: xr.Dataset,
    *,
    exclude: Sequence[str] = (),
    spot_dim: str = "spot",
    sensitivity: Mapping[str, float] | None = None,
    blanks: Mapping[str, xr.Dataset] | None = None,
    level: float = LEVEL,
    model_uncertainty: float | Mapping[str, float] | None = None,
    area_model_unc: xr.DataArray | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Divide peak areas by the summed area of all detected elements.

    An element counts as detected when the likelihood ratio, summed over the spots, is improbable without it
    (:mod:`surfspec.leis.amounts.signal`) *and* its normalised area exceeds zero by its total standard uncertainty,
    model included. The others leave the sum, and have an upper limit. The `p_value` is the largest of the tests, so an
    element that is not there is called detected with a chance of at most `level`, as far as the uncertainties hold.
    What detected neighbours may have traded (:mod:`surfspec.leis.amounts.neighbours`) is in the uncertainty and not in
    the test. The rule is in ``attrs["rule"]``, with ``exclude``, ``level`` and ``model_uncertainty`` beside it.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    exclude
        Elements left out of the sum, such as ``("Na",)``; they are still divided by it.
    spot_dim
        Dimension of equivalent analysed areas, over which to average; need not be there.
    sensitivity
        Divide the area of an element by this factor first; 1 for elements not named.
    blanks
        By element, the fit of a sample without it; see :func:`surfspec.leis.detect`.
    level
        Chance of calling an element detected that is not there.
    model_uncertainty
        Standard uncertainty of a normalised area by the spectral model, added to that of the mean and of the interval;
        equal for all spots. One number, or numbers by element (:data:`MODEL_UNCERTAINTY` for those not named). By
        default :data:`MODEL_UNCERTAINTY`, and for neighbours :data:`surfspec.leis.amounts.neighbours.TRADE` more.
    area_model_unc
        Standard uncertainties of the areas by the spectral model (counts eV) over ``component`` or ``element`` and any
        dims of the series: the spread over background variants, say. Carried through the division, elements
        independent and spots alike, and added to `model_uncertainty` in squares.
    force
        Use members whose fit failed, too. By default they are left out, and the verdict is ``check``.
    progress
        Called with the number of spectra done and their total.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``. Without the spots, over (..., element), all 1: ``normalised_area`` (mean over spots),
        ``normalised_area_unc`` (standard uncertainty: of the spots as a random effect and of the fits, and the
        model's), ``normalised_area_sd`` (n - 1) with the 95 % interval ``normalised_area_sd_low`` and ``_sd_high`` of
        itself, ``normalised_area_low`` and ``normalised_area_high`` (95 % interval), ``between_spot_sd`` (what the
        spots differ beyond their fits) with ``_unc`` (half its 68 % interval), ``_low`` and ``_high`` (95 %),
        ``detected``, ``p_value``, ``upper_limit`` (NaN where detected). With them, over (..., spot, element):
        ``spot_normalised_area``, ``spot_normalised_area_unc`` and ``spot_covariance`` (..., spot, element, element_b).
        ``verdict`` and ``reasons`` of the whole: members left out, blanks fitted in another way.

    Raises
    ------
    InputError
        For an element that was not fitted, when nothing is left to divide by, or for blanks whose areas are not
        comparable.
    NotDeterminedError
        When every fit failed and `force` is not set.

    References
    ----------
    JCGM 100:2008 (GUM), sections 4.2 and 5.2.

    Examples
    --------
    >>> import surfspec as ss
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> counts = 20 + 900 * np.exp(-((energy - 1182) ** 2) / 800) + 300 * np.exp(-((energy - 2557) ** 2) / 800)
    >>> counts = np.random.default_rng(2).poisson(counts)
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), ss.leis.Recipe(elements=("O", "Zr")))
    >>> ss.leis.normalise(fit).normalised_area.values.round(2).tolist()
    [0.74, 0.26]
    """
    recipe_of(fit)
    check_level(level)
    checks.callback(progress)
    checks.spots(spot_dim)
    elements = elements_of(fit)
    by_default = model_uncertainty is None
    given = MODEL_UNCERTAINTY if model_uncertainty is None else model_uncertainty
    common = model_uncertainties(elements, given, MODEL_UNCERTAINTY)
    in_sum = included(elements, exclude)
    divisor = factors(elements, sensitivity)
    absent = blanks_of(blanks, elements)
    reasons = [why for name, one in absent.items() for why in same_recipe(
        fit, one, names=("the sample", f"the blank for {name}"), where="blanks")]  # fmt: skip
    for name, one in absent.items():
        lost = members_left_out(one, force=force, what=f"the blank for {name}")
        if np.any(lost):
            absent[name] = one.assign(
                area=one["area"].where(one["verdict"] != "failed").assign_attrs(one["area"].attrs)
            )
            reasons += [f"{why}, of the blank for {name}" for why in said_of(one, lost)]
    left_out = members_left_out(fit, force=force, what="this normalisation")
    layout = Layout.of(fit, spot_dim)
    area = layout.ordered(fit["area"].values, "component") / divisor
    matrix = layout.ordered(fit["area_covariance"].values, "component", "component_b") / np.outer(divisor, divisor)
    by_model = model_areas(fit, area_model_unc, layout) / divisor
    usable = np.all(np.isfinite(area), axis=-1) & (layout.ordered(left_out.astype(np.float64)) == 0)
    reasons += said_of(fit, left_out)
    ratio = layout.ordered(likelihood_ratios(fit, elements, progress=progress), "component")
    p = _chances(fit, ratio, usable, absent, elements, layout)
    # leaving an element out of the sum raises the shares of the others only, so this ends after one round an element
    while True:
        detected = p < level
        values, covariance, systematic = _divided(area, matrix, by_model, detected & in_sum, usable)
        of = over_spots(values, _roots(covariance))
        standard, half = with_model(of, np.hypot(common, systematic))
        exceeds = norm.sf(of.mean / np.where(standard > 0, standard, np.inf))
        lost = detected & (exceeds >= level) & (standard > 0)
        p = np.where(detected & (standard > 0), np.fmax(p, exceeds), p)
        if not np.any(lost):
            break
    systematic = np.hypot(common, systematic)
    if by_default:
        traded = np.einsum("...ii->...i", trade_covariance(fit, layout, detected))
        systematic = np.sqrt(systematic**2 + traded)
        standard, half = with_model(of, systematic)
    outcome = Normalised(elements, of, standard, half, values, covariance, detected, p, in_sum, systematic)
    return normalised_table(
        fit, outcome, outer=layout.outer, spot_dim=spot_dim if layout.has_spots else "", level=level,
        exclude=tuple(exclude), model_uncertainty=common, blanks=tuple(absent), reasons=reasons,
    )  # fmt: skip


def members_left_out(fit: xr.Dataset, *, force: bool, what: str) -> Mask:
    """Return which members of a series failed and are not used, shape of the series.

    Raises
    ------
    NotDeterminedError
        When none is left.
    """
    failed = np.asarray(fit["verdict"].values == "failed")
    if switch(force, "force"):
        return np.zeros(failed.shape, dtype=bool)
    if np.all(failed):
        require("failed", str(fit["reasons"].values.ravel()[0]), what=what)
    return failed


def said_of(fit: xr.Dataset, left_out: Mask) -> list[str]:
    """Return the reason that members left out give."""
    if not np.any(left_out):
        return []
    first = str(fit["reasons"].values[left_out][0]) or "no reason recorded"
    count = np.count_nonzero(left_out)
    return [f"model inadequate: {count} of {left_out.size} fits failed and are left out ({first})"]


def _chances(
    fit: xr.Dataset,
    ratio: Array,
    usable: Mask,
    blanks: Mapping[str, xr.Dataset] | None,
    elements: list[str],
    layout: Layout,
) -> Array:
    """Return the chance of so strong a signal without the element by likelihood and blank, shape (..., element)."""
    members = np.maximum(usable.sum(axis=-1), 1)
    summed = np.where(usable[..., None], ratio, 0.0).sum(axis=-2)
    p: Array = np.ones_like(summed)
    for count in np.unique(members):
        p[members == count] = p_value(summed[members == count], int(count))
    absent = blank_shares(blanks, elements)
    signed = signed_areas(fit) if absent else None
    for name, blank in absent.items():
        i = elements.index(name)
        share, unc = (layout.ordered(one) for one in shares(fit, name, signed))
        unc = own_widths(share, unc, ratio[..., i])
        for index in np.ndindex(*p.shape[:-1]):
            good = np.isfinite(share[index]) & usable[index]
            if np.any(good):
                chance = blank_p_value(share[index][good], unc[index][good], blank)
                p[(*index, i)] = max(p[(*index, i)], held(chance, share[index][good], blank))
    p[~np.any(usable, axis=-1)] = np.nan  # no spectrum, no answer
    return p


def _roots(covariance: Array) -> Array:
    return np.asarray(np.sqrt(np.maximum(np.einsum("...ii->...i", covariance), 0.0)))


def _divided(area: Array, matrix: Array, by_model: Array, chosen: Mask, usable: Mask) -> tuple[Array, Array, Array]:
    """Return the shares of every spot and their covariances, NaN where not usable; and the model's part of the mean.

    Shapes (..., spot, element), (..., spot, element, element) and (..., element).
    """
    values, covariance = np.full_like(area, np.nan), np.full_like(matrix, np.nan)
    systematic = np.full_like(area, np.nan)
    for index in np.ndindex(*area.shape[:-1]):
        if usable[index]:
            one = _divide(area[index], matrix[index], chosen[index[:-1]])
            values[index], covariance[index] = one
            spread = _divide(area[index], np.diag(by_model[index] ** 2), chosen[index[:-1]])[1]
            systematic[index] = np.sqrt(np.maximum(np.diag(spread), 0.0))
    count = np.maximum(usable.sum(axis=-1), 1)[..., None]
    return values, covariance, np.asarray(np.nansum(systematic, axis=-2) / count)


def _divide(area: Array, covariance: Array, chosen: Mask) -> tuple[Array, Array]:
    if not np.any(chosen) or not np.sum(area[chosen]) > 0:
        raise NotDeterminedError(
            "no element of the sum was detected",
            where="normalise",
            remedy="Check the energies of the recipe against the spectrum, or exclude fewer elements",
        )
    return fractions(area, covariance, chosen)

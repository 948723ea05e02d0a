r"""Atomic fractions of the outermost layer: areas over sensitivity factors, in shares of their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec import spectra
from surfspec.errors import InputError
from surfspec.fitting.uncertainty import fractions
from surfspec.fitting.verdict import verdict_of
from surfspec.leis.amounts import checks
from surfspec.leis.amounts.inputs import (
    LEVEL,
    MODEL_UNCERTAINTY,
    elements_of,
    included,
    model_uncertainties,
    recipe_of,
)
from surfspec.leis.amounts.layout import Layout
from surfspec.leis.amounts.neighbours import trade_covariance
from surfspec.leis.amounts.normalisation import normalise
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.same_recipe import same_recipe

Array = NDArray[np.float64]


def composition(
    fit: xr.Dataset,
    sensitivity: xr.Dataset,
    *,
    exclude: Sequence[str] = (),
    spot_dim: str = "spot",
    blanks: Mapping[str, xr.Dataset] | None = None,
    level: float = LEVEL,
    model_uncertainty: float | Mapping[str, float] | None = None,
    force: bool = False,
) -> xr.Dataset:
    r"""Atomic fractions of the outermost layer.

    .. math:: x_j = \frac{A_j/s_j}{\sum_k A_k/s_k}, \qquad
              \frac{\partial x_j}{\partial\ln s_k} = -x_k(\delta_{jk} - x_j)

    Elements that are not detected leave the sum, as in :func:`surfspec.leis.normalise`. Elements that the ion does not
    see (H, and for He everything lighter than itself) are not in any sum. What an element below its limit may
    hold, its value and uncertainty, is in the uncertainty of the others.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    sensitivity
        What :func:`surfspec.leis.sensitivity` or :func:`surfspec.leis.sensitivity_from_cross_sections` returned. An
        element without a factor that is seen makes fractions impossible, and is refused unless excluded; where it is
        not seen its fraction is NaN.
    exclude
        Elements left out of the sum.
    spot_dim, blanks, level, force
        As for :func:`surfspec.leis.normalise`.
    model_uncertainty
        As for :func:`surfspec.leis.normalise`: of an area over the sum of all areas. It is carried through the factors,
        so the fraction of an element that scatters strongly is less uncertain than that of one that scatters weakly.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over (..., element): ``atomic_fraction`` with ``_unc`` and ``covariance`` (..., element,
        element_b); ``from_sensitivity_unc``, the part of the uncertainty that all spots and all samples share;
        ``atomic_fraction_sd`` over spots, ``detected``, ``upper_limit`` (NaN where detected); ``verdict`` and
        ``reasons``, which say so where the factors are a fallback or the references disagree.

    Raises
    ------
    InputError
        For a table that holds no factors, an element that is seen and has none, or factors from fits (or computed for
        an ion, energy or angle) that are not those of this fit.

    Examples
    --------
    >>> import surfspec as ss
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> counts = 20 + 900 * np.exp(-((energy - 1182) ** 2) / 800) + 900 * np.exp(-((energy - 2557) ** 2) / 800)
    >>> counts = np.random.default_rng(2).poisson(counts)
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), ss.leis.Recipe(elements=("O", "Zr")))
    >>> found = ss.leis.composition(fit, ss.leis.sensitivity_from_cross_sections(("O", "Zr")))
    >>> found.atomic_fraction.values.round(1).tolist(), found.verdict.item()
    ([0.9, 0.1], 'check')
    """
    recipe_of(fit)
    sensitivity = checks.table(sensitivity, "sensitivity", "leis.sensitivity or leis.sensitivity_from_cross_sections")
    if "sensitivity" not in sensitivity:
        raise InputError(
            "the table has no sensitivity factors",
            where="sensitivity",
            remedy="Pass what leis.sensitivity or leis.sensitivity_from_cross_sections returned",
        )
    elements = elements_of(fit)
    known = [str(name) for name in sensitivity["element"].values]
    lacking = [name for name in elements if name not in known]
    factors = {name: float(sensitivity["sensitivity"].sel(element=name)) for name in elements if name in known}
    if not factors:
        raise InputError(
            f"no factor for any of {', '.join(elements)}", where="sensitivity", remedy="Add a reference that holds them"
        )
    checks.spots(spot_dim)
    doubts = _alike(fit, sensitivity)
    checks.names(exclude, elements, "exclude")
    by_default = model_uncertainty is None
    model = model_uncertainties(
        elements, MODEL_UNCERTAINTY if model_uncertainty is None else model_uncertainty, MODEL_UNCERTAINTY
    )
    left_out = (*exclude, *(name for name in lacking if name not in exclude))
    in_sum = included(elements, left_out)
    total = fit["area"].isel(component=in_sum).sum("component")
    table = normalise(
        fit, exclude=left_out, spot_dim=spot_dim, sensitivity=factors, blanks=blanks, level=level,
        model_uncertainty=0.0, force=force,
        area_model_unc=total * xr.DataArray(model, dims="component", coords={"component": elements}),
    )  # fmt: skip
    seen = [n for n in lacking if n not in exclude and bool((table["detected"].sel(element=n) == 1).any())]
    if seen:
        raise InputError(
            f"{', '.join(seen)} is seen and has no factor",
            where="sensitivity",
            remedy=f"Add a reference that holds {', '.join(seen)}, or exclude what is to be left out",
        )
    outer = [str(d) for d in table["normalised_area"].dims if d != "element"]
    logs = _log_covariance(sensitivity, elements, known)
    mean = table["normalised_area"].transpose(*outer, "element").values
    detected = table["detected"].transpose(*outer, "element").values == 1
    chosen = (detected & (table["in_sum"].values == 1)).astype(np.float64)
    mean = np.where(np.isin(elements, lacking), np.nan, mean)
    x = np.nan_to_num(mean)
    # d x_j / d ln s_k = -x_k (delta_jk - x_j), the second part for elements of the sum only
    slope = -(x[..., None] * np.eye(len(elements)) - x[..., :, None] * (x * chosen)[..., None, :])
    shared = slope @ logs @ np.swapaxes(slope, -1, -2)
    trade = trade_covariance(fit, Layout.of(fit, spot_dim), detected) if by_default else np.zeros(1)
    divisor = np.array([factors.get(name, 1.0) for name in elements])
    by_model = _through_factors(x, divisor, chosen == 1, np.diag(model**2) + trade)
    own = _own_covariance(table, outer, spot_dim)
    hidden = _hidden(x, np.sqrt(np.einsum("...ii->...i", own + by_model)), detected, in_sum)
    covariance = shared + own + by_model + hidden
    unknown = np.isnan(mean)
    covariance = np.where(unknown[..., None] | unknown[..., None, :], np.nan, covariance)
    unc = np.sqrt(np.einsum("...ii->...i", covariance))
    part = np.where(unknown, np.nan, np.sqrt(np.einsum("...ii->...i", shared)))
    limit = np.where(detected, np.nan, mean + norm.isf(level) * unc)
    reasons = [one for source in (sensitivity, table) for one in str(source["reasons"].item()).split("; ") if one]
    reasons = list(dict.fromkeys([*reasons, *doubts]))
    doubtful = fit["verdict"].values == "check"
    if np.any(doubtful):
        reasons.append(f"model inadequate: {np.count_nonzero(doubtful)} of {doubtful.size} fits are not ok")
    top, one = (*outer, "element"), {"units": "1"}
    return xr.Dataset(
        {
            "atomic_fraction": (top, mean, {**one, "long_name": "Atomic fraction of the outermost layer",
                                            "ancillary_variables": "atomic_fraction_unc"}),
            "atomic_fraction_unc": (top, unc, {**one, "long_name": "Standard uncertainty of the atomic fraction"}),
            "from_sensitivity_unc": (top, part, {**one, "long_name": "The part of it by the sensitivity factors"}),
            "atomic_fraction_sd": (top, np.where(unknown, np.nan, table["normalised_area_sd"].transpose(*top).values),
                                   {**one, "long_name": "Standard deviation between spots (n - 1)"}),
            "covariance": ((*top, "element_b"), covariance, {**one, "long_name": "Covariance of the fractions"}),
            "detected": (top, detected.astype(np.int8), {**one, "long_name": "1 where detected"}),
            "p_value": (top, table["p_value"].transpose(*top).values,
                        {**one, "long_name": "Chance of so strong a signal without the element"}),
            "upper_limit": (top, limit, {**one, "long_name": f"Upper limit at {1 - level:.0%} where not detected"}),
            "verdict": ((), verdict_of(reasons) if reasons else "ok", {"long_name": "Verdict"}),
            "reasons": ((), "; ".join(reasons), {"long_name": "Reasons"}),
        },
        coords={
            **{str(n): c for n, c in table.coords.items() if set(map(str, c.dims)) <= {*outer, "element"}},
            "element": np.array(elements), "element_b": np.array(elements),
        },
        attrs={
            "kind": "table", "technique": "LEIS", "inputs": "fit, sensitivity", "level": float(level),
            "exclude": ", ".join(exclude), "rule": str(table.attrs["rule"]), "asked": str(table.attrs["asked"]),
            "fit_recipe": str(fit.attrs["recipe"]), "method": str(sensitivity.attrs["method"]),
            "assumption": str(sensitivity.attrs["assumption"]), **spectra.origin(fit),
            **({"simulated": sensitivity.attrs["simulated"]} if "simulated" in sensitivity.attrs else {}),
        },
    )  # fmt: skip


def _alike(fit: xr.Dataset, sensitivity: xr.Dataset) -> list[str]:
    """Refuse factors that are those of other areas, and return reasons for doubt."""
    reasons = same_recipe(
        fit, sensitivity, names=("the sample", "the reference"), where="sensitivity", same_elements=False
    )
    own: Recipe = recipe_of(fit)
    for key, mine in (("ion", own.ion), ("ion_energy", own.energy), ("scattering_angle", own.angle)):
        theirs = sensitivity.attrs.get(key)
        if sensitivity.attrs.get("method") == "cross-sections" and theirs is not None and theirs != mine:
            raise InputError(
                f"the sample was fitted with {key} {mine}, the factors are computed for {theirs}",
                where="sensitivity",
                remedy="Compute them for the ion, energy and angle of the recipe",
            )
    passed = str(sensitivity.attrs.get("transmission", "0"))
    if own.transmission and passed not in ("0", "none"):
        raise InputError(
            f"the transmission is in the recipe ({own.transmission}) and in the factors ({passed})",
            where="sensitivity",
            remedy="Leave it out of one: areas by a recipe with a transmission are those of T = 1",
        )
    return reasons


def _through_factors(x: Array, divisor: Array, chosen: NDArray[np.bool_], shares: Array) -> Array:
    """Return the covariance of the fractions by that of the shares of all areas, shape (..., element, element).

    Parameters
    ----------
    x
        Fractions, shape (..., element).
    divisor
        Factors, shape (element,).
    chosen
        Which are in the sum, shape (..., element).
    shares
        Covariance of areas over their sum, shape (element, element) or (..., element, element).
    """
    out = np.zeros((*x.shape, x.shape[-1]))
    everywhere = np.broadcast_to(shares, out.shape)
    for index in np.ndindex(*x.shape[:-1]):
        seen = float(np.sum((x[index] * divisor)[chosen[index]]))
        if seen > 0:
            # a share r of all areas is x s / seen, and what stands for it in the sum of the fractions r seen / s
            own = everywhere[index] * seen**2 / np.outer(divisor, divisor)
            out[index] = fractions(x[index], own, chosen[index])[1]
    return out


def _hidden(x: Array, unc: Array, detected: NDArray[np.bool_], in_sum: NDArray[np.bool_]) -> Array:
    """Return the covariance of the fractions by elements below their limits, shape (..., element, element).

    An element that may hold `h` makes the others less by the factor 1 - h.
    """
    held = np.where(~detected & in_sum, x**2 + unc**2, 0.0).sum(axis=-1)
    lowered = np.where(detected, x, 0.0)
    return np.asarray(held[..., None, None] * lowered[..., :, None] * lowered[..., None, :])


def _log_covariance(sensitivity: xr.Dataset, elements: list[str], known: list[str]) -> Array:
    """Return the covariance of the logarithms of the factors, shape (element, element); 0 where there is none."""
    out = np.zeros((len(elements), len(elements)))
    place = [i for i, name in enumerate(elements) if name in known]
    names = [elements[i] for i in place]
    values = sensitivity["sensitivity"].sel(element=names).values
    block = sensitivity["covariance"].sel(element=names, element_b=names).values
    out[np.ix_(place, place)] = block / np.outer(values, values)
    return out


def _own_covariance(table: xr.Dataset, outer: list[str], spot_dim: str) -> Array:
    """Return the covariance of the mean by fits and spots, shape (..., element, element).

    Its correlations are those of the fits; its variances are those of the normalised areas without the model's part.
    """
    top = (*outer, "element")
    matrix = table["spot_covariance"]
    if spot_dim in matrix.dims:
        matrix = matrix.mean(spot_dim)
    whole = matrix.transpose(*outer, "element", "element_b").values
    model = table["model_unc"].transpose(*top).values
    standard = table["normalised_area_unc"].transpose(*top).values
    rest = np.sqrt(np.maximum(np.nan_to_num(standard**2 - model**2), 0.0))
    root = np.sqrt(np.maximum(np.nan_to_num(np.einsum("...ii->...i", whole)), 0.0))
    scale = np.where(root > 0, rest / np.where(root > 0, root, 1.0), 0.0)
    return np.asarray(np.nan_to_num(whole) * scale[..., :, None] * scale[..., None, :])

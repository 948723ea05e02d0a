r"""Atomic fractions of the outermost layer: areas over sensitivity factors, in shares of their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.leis.amounts.inputs import LEVEL, MODEL_UNCERTAINTY, elements_of, recipe_of
from surfspec.leis.amounts.normalisation import normalise

Array = NDArray[np.float64]


def composition(
    fit: xr.Dataset,
    sensitivity: xr.Dataset,
    *,
    exclude: Sequence[str] = (),
    spot_dim: str = "spot",
    blanks: Mapping[str, xr.Dataset] | None = None,
    level: float = LEVEL,
    model_uncertainty: float | Mapping[str, float] = MODEL_UNCERTAINTY,
    force: bool = False,
) -> xr.Dataset:
    r"""Atomic fractions of the outermost layer.

    .. math:: x_j = \frac{A_j/s_j}{\sum_k A_k/s_k}, \qquad
              \frac{\partial x_j}{\partial\ln s_k} = -x_k(\delta_{jk} - x_j)

    Elements that are not detected leave the sum, as in :func:`surfspec.leis.normalise`. Elements that the ion does not
    see (H, and for He everything lighter than itself) are not in any sum.

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
    spot_dim, blanks, level, model_uncertainty, force
        As for :func:`surfspec.leis.normalise`; the model's uncertainty is that of a fraction here.

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
        For a table that holds no factors, or an element that is seen and has none.

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
    schema.check(sensitivity, "table")
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
    table = normalise(
        fit,
        exclude=(*exclude, *(name for name in lacking if name not in exclude)),
        spot_dim=spot_dim,
        sensitivity=factors,
        blanks=blanks,
        level=level,
        model_uncertainty=model_uncertainty,
        force=force,
    )
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
    own = _own_covariance(table, outer, spot_dim)
    covariance = shared + own
    unknown = np.isnan(mean)
    covariance = np.where(unknown[..., None] | unknown[..., None, :], np.nan, covariance)
    unc = np.sqrt(np.einsum("...ii->...i", covariance))
    part = np.where(unknown, np.nan, np.sqrt(np.einsum("...ii->...i", shared)))
    limit = np.where(detected, np.nan, mean + norm.isf(level) * unc)
    reasons = [one for one in str(sensitivity["reasons"].item()).split("; ") if one]
    doubtful = fit["verdict"].values != "ok"
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
            "exclude": ", ".join(exclude), "rule": str(table.attrs["rule"]), "method": str(sensitivity.attrs["method"]),
            "assumption": str(sensitivity.attrs["assumption"]), **spectra.origin(fit),
            **({"simulated": sensitivity.attrs["simulated"]} if "simulated" in sensitivity.attrs else {}),
        },
    )  # fmt: skip


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
    """Return the covariance of the mean by fits, spots and model, shape (..., element, element).

    Its correlations are those of the fits; its variances are those of the normalised areas.
    """
    top = (*outer, "element")
    matrix = table["spot_covariance"]
    if spot_dim in matrix.dims:
        matrix = matrix.mean(spot_dim)
    whole = matrix.transpose(*outer, "element", "element_b").values
    model = table["model_unc"].transpose(*top).values
    standard = table["normalised_area_unc"].transpose(*top).values
    rest = np.sqrt(np.maximum(standard**2 - model**2, 0.0))
    root = np.sqrt(np.maximum(np.einsum("...ii->...i", whole), 0.0))
    scale = np.where(root > 0, rest / np.where(root > 0, root, 1.0), 0.0)
    inner = np.nan_to_num(whole) * scale[..., :, None] * scale[..., None, :]
    return np.asarray(inner + model[..., :, None] ** 2 * np.eye(model.shape[-1]))

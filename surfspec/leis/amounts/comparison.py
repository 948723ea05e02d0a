r"""Two surfaces beside each other: the ratio of what they show of each element, and whether it exceeds a factor."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import t

from surfspec import spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.given import number
from surfspec.leis.amounts import checks
from surfspec.leis.spectrum.same_recipe import same_recipe

Array = NDArray[np.float64]


def area_ratio(
    one: xr.Dataset, other: xr.Dataset, *, factor: float = 1.0, variable: str = "normalised_area"
) -> xr.Dataset:
    r"""Ratio of the normalised areas of two samples, and the probability that it exceeds a factor.

    .. math:: R = a/b, \qquad P(R > f) = T_\nu\Big(\frac{a - fb}{\sqrt{u^2(a) + f^2u^2(b)}}\Big)

    with Student's distribution: the part of the uncertainty by `n` spots has n - 1 degrees of freedom, that by the
    model any number, and the effective one follows Welch and Satterthwaite. The two samples count as independent; what
    the model does alike to both makes the ratio better than stated. The difference is asked, because a ratio of
    uncertain numbers is not normal.

    Parameters
    ----------
    one, other
        What :func:`surfspec.leis.normalise` (or :func:`surfspec.leis.composition`) returned, with equal dimensions: at
        one dose each, say.
    factor
        What the ratio is to exceed.
    variable
        ``"normalised_area"`` or ``"atomic_fraction"``.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over the dims of both: ``ratio`` with ``_unc``, ``difference`` (:math:`a - fb`) with
        ``_unc``, ``probability`` and ``dof``. ``ratio`` is NaN where `other` does not show the element: then
        ``probability`` still holds, with the value under the limit. ``verdict`` and ``reasons`` are those of both
        tables, and name what their fits were not made alike in.

    Raises
    ------
    InputError
        For tables without the variable, elements or dimensions that differ, tables by fits with another ion, energy,
        angle, transmission or background, or a factor that is not positive.

    References
    ----------
    JCGM 100:2008 (GUM), annex G.4.

    Examples
    --------
    >>> def table(value, unc):
    ...     units = {"units": "1", "long_name": "x"}
    ...     data = {"normalised_area": ("element", [value], units), "normalised_area_unc": ("element", [unc], units)}
    ...     attrs = {"kind": "table", "technique": "LEIS"}
    ...     return xr.Dataset(data, coords={"element": ["Na"]}, attrs=attrs)
    >>> found = area_ratio(table(0.6, 0.03), table(0.2, 0.02), factor=2.0)
    >>> found.ratio.values.round(2).tolist(), found.probability.values.round(6).tolist()
    ([3.0], [0.999968])
    """
    factor = number(factor, "factor", low=0.0, high=1e6, above=True)
    checks.text(variable, "variable", 'Use "normalised_area" or "atomic_fraction"')
    for label, table in (("one", one), ("other", other)):
        checks.table(table, label, "leis.normalise")
        if variable not in table or f"{variable}_unc" not in table:
            raise InputError(
                f"the table has no {variable} with an uncertainty", where=label, remedy="Pass what leis.normalise gave"
            )
    reasons = [why for table in (one, other) if "reasons" in table for why in _said(table)]
    reasons += same_recipe(one, other, names=("one", "other"), where="other")
    reasons = list(dict.fromkeys(reasons))
    dims = [str(d) for d in one[variable].dims]
    if set(dims) != {str(d) for d in other[variable].dims}:
        raise InputError(
            f"dimensions {', '.join(dims)} and {', '.join(map(str, other[variable].dims))}",
            where="other",
            remedy="Select the same dose in both: table.isel(dose=0)",
        )
    try:
        left, right = xr.align(one, other, join="exact")
    except ValueError as error:
        raise InputError(
            f"the tables differ in {error}", where="other", remedy="Compare the same elements and doses"
        ) from error
    order = tuple(dims)
    a, ua, da = _of(left, variable, order)
    b, ub, db = _of(right, variable, order)
    seen = right["detected"].transpose(*order).values == 1 if "detected" in right else np.ones(b.shape, dtype=bool)
    usable = seen & (b > 0)
    ratio = np.where(usable, a / np.where(usable, b, 1.0), np.nan)
    ratio_unc = np.where(usable, np.hypot(ua, ratio * ub) / np.where(usable, b, 1.0), np.nan)
    difference, unc = a - factor * b, np.hypot(ua, factor * ub)
    dof = _effective(unc**2, ((da, 1.0), (db, factor)))
    probability = t.cdf(difference / np.where(unc > 0, unc, np.nan), np.where(np.isfinite(dof), dof, 1e9))
    entry = {
        "ratio": (ratio, "Normalised area, first over second", "ratio_unc"),
        "ratio_unc": (ratio_unc, "Standard uncertainty of the ratio", ""),
        "difference": (difference, f"First less {factor:g} times the second", "difference_unc"),
        "difference_unc": (unc, "Its standard uncertainty", ""),
        "probability": (probability, f"Probability of a ratio above {factor:g}", ""),
        "dof": (dof, "Effective degrees of freedom", ""),
    }
    return xr.Dataset(
        {
            name: (order, values, {"units": "1", "long_name": word} | ({"ancillary_variables": u} if u else {}))
            for name, (values, word, u) in entry.items()
        }
        | {
            "verdict": ((), verdict_of(reasons) if reasons else "ok", {"long_name": "Verdict"}),
            "reasons": ((), "; ".join(reasons), {"long_name": "Reasons"}),
        },
        coords={n: c for n, c in left.coords.items() if set(map(str, c.dims)) <= set(dims)},
        attrs={
            "kind": "table", "technique": "LEIS", "inputs": "one, other", "factor": float(factor),
            **spectra.origin(one, other),
        },
    )  # fmt: skip


def _said(table: xr.Dataset) -> list[str]:
    return [why for text in table["reasons"].values.ravel() for why in str(text).split("; ") if why]


_Part = tuple[Array, Array]


def _of(table: xr.Dataset, variable: str, order: tuple[str, ...]) -> tuple[Array, Array, _Part]:
    """Return values, uncertainties, and the variance by the spots with that part's degrees of freedom."""
    values = table[variable].transpose(*order).values
    unc = table[f"{variable}_unc"].transpose(*order).values
    if "model_unc" not in table or "spot_count" not in table:
        return values, unc, (unc**2, np.full(values.shape, np.inf))
    by_spots = np.maximum(unc**2 - table["model_unc"].transpose(*order).values ** 2, 0.0)
    count = table["spot_count"].broadcast_like(table[variable]).transpose(*order).values
    freedom = np.where(count > 1, count - 1.0, np.inf)
    # uncertainties of fits that are larger than the scatter were not learned from the spots
    between = table["between_spot_sd"].transpose(*order).values if "between_spot_sd" in table else by_spots
    return values, unc, (by_spots, np.where(np.nan_to_num(between) > 0, freedom, np.inf))


def _effective(variance: Array, parts: tuple[tuple[_Part, float], ...]) -> Array:
    """Return the effective degrees of freedom of a variance, some parts of which were learned from few spots."""
    below: Array = np.asarray(sum((weight**2 * part) ** 2 / freedom for (part, freedom), weight in parts))
    return np.where(below > 0, variance**2 / np.where(below > 0, below, 1.0), np.inf)

r"""Sputter depth profiles: elements over the cycles, and the bulk as the mean of what no longer changes.

The last cycles are taken as the start of a plateau, and the one before joins it as long as every element lies within
the range in which Student's distribution predicts one more value of the plateau:

.. math:: |r_k - \bar r| \le t_{n-1}\,s\,\sqrt{1 + 1/n}

at a level shared out among the elements (Bonferroni), with the standard deviation `s` of the plateau: fits of one
profile share errors that do not scatter, so their uncertainties would hide a change. A slow drift could creep in step
by step, so the plateau must show no slope either, by Student's test at the same level, at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import t

from surfspec import spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.leis.amounts import checks
from surfspec.leis.amounts.inputs import LEVEL, check_level, recipe_of
from surfspec.leis.amounts.normalisation import normalise

Array = NDArray[np.float64]

#: Cycles that a plateau has at least.
SHORTEST = 4


def slope_p_value(place: Array, values: Array) -> Array:
    """Return the two-sided chance of so large a slope among equal values, shape (element,), by Student's test.

    Examples
    --------
    >>> bool(slope_p_value(np.arange(6.0), np.array([[1.0], [2.1], [2.9], [4.0], [5.1], [6.0]]))[0] < 1e-4)
    True
    """
    x = place - place.mean()
    centred = values - values.mean(axis=0)
    slope = x @ centred / (x @ x)
    residual = centred - x[:, None] * slope
    dof = place.size - 2
    unc = np.sqrt(np.sum(residual**2, axis=0) / dof / (x @ x))
    return np.asarray(2 * t.sf(np.abs(slope) / np.where(unc > 0, unc, np.inf), dof))


def plateau_start(values: Array, level: float = LEVEL) -> int:
    """Return the first cycle of the plateau, by the rule above; -1 where there is none.

    Parameters
    ----------
    values
        Shape (cycle, element), without gaps.
    level
        Chance of a plateau ending too early at any one cycle.

    Examples
    --------
    >>> plateau_start(np.array([0.10, 0.30, 0.42, 0.50, 0.52, 0.49, 0.50, 0.51, 0.48])[:, None])
    3
    """
    count, width = values.shape
    if count < SHORTEST:
        return -1
    start = count - SHORTEST

    def drifts(first: int) -> bool:
        return bool(np.any(slope_p_value(np.arange(count - first, dtype=np.float64), values[first:]) < level / width))

    if drifts(start):
        return -1
    while start > 0:
        flat = values[start:]
        n = flat.shape[0]
        spread = flat.std(axis=0, ddof=1) * np.sqrt(1 + 1 / n)
        far = np.abs(values[start - 1] - flat.mean(axis=0))
        if np.any(far > spread * t.isf(0.5 * level / width, n - 1)) or drifts(start - 1):
            break
        start -= 1
    return int(start)


def depth_profile(
    fit: xr.Dataset,
    *,
    exclude: Sequence[str] = (),
    along: str = "cycle",
    spot_dim: str = "spot",
    sensitivity: Mapping[str, float] | None = None,
    blanks: Mapping[str, xr.Dataset] | None = None,
    level: float = LEVEL,
    model_uncertainty: float | Mapping[str, float] | None = None,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Element profiles over the cycles of a sputter depth profile, and the bulk.

    Parameters
    ----------
    fit
        Fit of a series over `along` (and spots, say), whose coordinate gives the order; it is sorted by it.
    exclude, spot_dim, sensitivity, blanks, level, model_uncertainty, force, progress
        As for :func:`surfspec.leis.normalise`. Elements excluded from the sum have no say in where the plateau begins.
    along
        Dimension of the cycles.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``: all of :func:`surfspec.leis.normalise` over (..., `along`, element), and over (..., element):
        ``bulk`` with ``_unc`` (mean over the plateau) and ``bulk_sd`` (n - 1, between its cycles); ``profile_mean``
        with ``_unc`` and ``profile_sd`` over all cycles, as papers give it; ``drift_p``, the chance of so large a
        slope within the plateau were there none. Over (...): ``constant_from``, the coordinate of its first cycle,
        NaN where there is no plateau, and ``verdict`` and ``reasons``. Uncertainties of means contain the scatter
        of the cycles and the model, which does not average out.

    Raises
    ------
    InputError
        For a fit without `along` or without its coordinate, cycles that are no numbers or are there twice, and as
        :func:`surfspec.leis.normalise`.

    Examples
    --------
    >>> import surfspec as ss
    >>> energy, rng = np.arange(900.0, 2850.0, 5.0), np.random.default_rng(2)
    >>> def counts(o, zr):
    ...     return rng.poisson(20 + sum(h * np.exp(-((energy - e) ** 2) / 800) for h, e in ((o, 1182), (zr, 2557))))
    >>> rows = [counts(900, zr) for zr in (100, 250, 300, 300, 300, 300, 300)]
    >>> series = ss.spectrum(energy, rows, technique="LEIS", dims=("cycle",)).assign_coords(cycle=range(7))
    >>> profile = ss.leis.depth_profile(ss.leis.fit(series, ss.leis.Recipe(elements=("O", "Zr"))))
    >>> int(profile.constant_from), round(float(profile.bulk.sel(element="Zr")), 2)
    (2, 0.27)
    """
    recipe_of(fit)
    check_level(level)
    checks.text(along, "along", "Give the name of the dimension")
    checks.spots(spot_dim)
    dims = [str(d) for d in fit["chi2"].dims]
    if along not in dims or along == spot_dim:
        raise InputError(
            f"the fit has no dimension {along!r}", where="along", remedy=f"Use one of {', '.join(dims) or 'none'}"
        )
    fit = _in_order(fit, along)
    table = normalise(
        fit, exclude=exclude, spot_dim=spot_dim, sensitivity=sensitivity, blanks=blanks, level=level,
        model_uncertainty=model_uncertainty, force=force, progress=progress,
    )  # fmt: skip
    outer = [str(d) for d in table["normalised_area"].dims if d not in (along, "element")]
    order = (*outer, along, "element")
    r = table["normalised_area"].transpose(*order).values
    model = table["model_unc"].transpose(*order).values
    unc = np.sqrt(np.maximum(table["normalised_area_unc"].transpose(*order).values ** 2 - model**2, 0.0))
    place = np.asarray(table[along].values, dtype=np.float64)
    judged = table["in_sum"].values == 1
    shape, width = r.shape[:-2], r.shape[-1]
    columns = {name: np.full((*shape, width), np.nan) for name in _COLUMNS}
    first, verdicts, reasons = np.full(shape, np.nan), np.empty(shape, dtype="<U8"), np.empty(shape, dtype="<U400")
    general = [one for one in str(table["reasons"].values).split("; ") if one]
    for index in np.ndindex(*shape):
        good = np.all(np.isfinite(r[index]), axis=1)
        numbers, found = _one(place[good], r[index][good], unc[index][good], model[index][good], judged, level)
        why = [*general, *found]
        for name, value in numbers.items():
            if name == "first":
                first[index] = value
            else:
                columns[name][index] = value
        verdicts[index], reasons[index] = verdict_of(why) if why else "ok", "; ".join(why)
    top = (*outer, "element")
    unit = str(table[along].attrs.get("units", "1"))
    made = {
        name: (top, columns[name], {"units": "1", "long_name": word}
               | ({"ancillary_variables": f"{name}_unc"} if f"{name}_unc" in columns else {}))
        for name, word in _COLUMNS.items()
    }  # fmt: skip
    out = table.assign(
        made
        | {
            "constant_from": (tuple(outer), first, {"units": unit, "long_name": f"First {along} of the plateau"}),
            "verdict": (tuple(outer), verdicts, {"long_name": "Verdict"}),
            "reasons": (tuple(outer), reasons, {"long_name": "Reasons"}),
        }
    )
    out.attrs |= {
        "along": along,
        "plateau_rule": f"the last {SHORTEST} and all before them within Student's prediction interval and without a "
        f"slope, each at {level:g} shared among the elements of the sum",
        **spectra.origin(fit),
    }
    return out


def _in_order(fit: xr.Dataset, along: str) -> xr.Dataset:
    """Return the fit sorted along a dimension; refuse one without an order."""
    if along not in fit.coords:
        raise InputError(
            f"the fit has no coordinate {along!r}, so nothing tells the order",
            where="along",
            remedy=f"Number the spectra as they were measured: fit.assign_coords({along}=range({fit.sizes[along]}))",
        )
    kind = fit[along].dtype.kind
    place = np.asarray(fit[along].values, dtype=np.float64) if kind in "iuf" else np.array([np.nan])
    if not np.all(np.isfinite(place)):
        raise InputError(f"{along} is not made of numbers", where="along", remedy="Give it numbers in rising order")
    if np.unique(place).size < place.size:
        raise InputError(
            f"{along} has the same number twice", where="along", remedy="Give repeated spectra a dimension of their own"
        )
    return fit if np.all(np.diff(place) > 0) else fit.sortby(along)


_COLUMNS = {
    "bulk": "Mean over the plateau",
    "bulk_unc": "Standard uncertainty of the mean over the plateau",
    "bulk_sd": "Standard deviation between the cycles of the plateau (n - 1)",
    "profile_mean": "Mean over all cycles",
    "profile_mean_unc": "Standard uncertainty of the mean over all cycles",
    "profile_sd": "Standard deviation between all cycles (n - 1)",
    "drift_p": "Chance of so large a slope within the plateau",
}


def _one(
    place: Array, r: Array, unc: Array, model: Array, judged: NDArray[np.bool_], level: float
) -> tuple[dict[str, Array | float], list[str]]:
    """Return the numbers of one profile, arrays of shape (element,), and reasons for doubt."""
    numbers: dict[str, Array | float] = {}

    def mean(name: str, rows: slice) -> None:
        part = r[rows]
        n = part.shape[0]
        sd = part.std(axis=0, ddof=1) if n > 1 else np.full(part.shape[1], np.nan)
        standard = sd / np.sqrt(n) if n > 1 else unc[rows][0]
        numbers[name] = part.mean(axis=0)
        numbers[f"{name}_unc"] = np.hypot(standard, np.mean(model[rows], axis=0))
        numbers["bulk_sd" if name == "bulk" else "profile_sd"] = sd

    if place.size:
        mean("profile_mean", slice(None))
    start = plateau_start(r[:, judged], level)
    if start < 0 and place.size < SHORTEST:
        return numbers, [f"not determined: {place.size} cycles, and a plateau needs {SHORTEST}"]
    if start < 0:
        return numbers, [f"not determined: the last {SHORTEST} cycles still change, there is no plateau"]
    mean("bulk", slice(start, None))
    numbers["first"] = float(place[start])
    numbers["drift_p"] = slope_p_value(place[start:], r[start:])
    why = []
    if place.size - start == SHORTEST and place.size > SHORTEST:
        why.append("ambiguous: no more than the last cycles are alike, the profile may not have reached a plateau")
    return numbers, why

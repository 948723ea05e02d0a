"""The table of a film: quantities, limits, what the lines say, and the curve of coverages and thicknesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec._version import __version__
from surfspec.xps.film.model import SAMPLE, Estimate, Signals, coverage_curve, intensities

Array = NDArray[np.float64]

#: Coverages of the curve.
TRIAL: Final = np.round(np.linspace(0.05, 1.0, 20), 2)


def table_of_film(
    signals: Signals,
    names: tuple[str, ...],
    kinetic: Array,
    units: str,
    best: Estimate,
    uniform: Estimate,
    limits: tuple[float, float],
    whole: tuple[float, float],
    reasons: Sequence[str],
    *,
    contaminated: bool,
) -> xr.Dataset:
    """Return the table without verdict and curve; what the reasons call not determined is NaN.

    Parameters
    ----------
    signals, names, kinetic, units
        The lines, their names, kinetic energies (eV) and the unit of their areas.
    best, uniform
        The film under the model asked for, and a uniform one.
    limits, whole
        Limits of the thickness under both, nm.
    reasons
        What is to be said.
    contaminated
        Whether a contamination was fitted.
    """
    apart = not any(reason.startswith("not determined: coverage") for reason in reasons)
    bounded = not any(reason.startswith("not determined: thickness") for reason in reasons)
    d, c = best.of("thickness"), best.of("coverage")
    pair = best.covariance[1:3, 1:3]
    mean = (d[0] * c[0], float(np.sqrt(np.array([c[0], d[0]]) @ pair @ np.array([c[0], d[0]]))))
    nothing = (np.nan, np.nan)
    scalars = {
        "thickness": (d if apart and bounded else nothing, "nm", "Film thickness"),
        "coverage": (c if apart else nothing, "1", "Coverage by the film"),
        "equivalent_thickness": (uniform.of("thickness") if np.isfinite(whole[1]) else nothing, "nm", "Uniform film"),
        "mean_thickness": (mean if np.isfinite(mean[1]) else nothing, "nm", "Coverage times thickness"),
        "contamination": (
            best.of("contamination") if contaminated else nothing,
            "nm",
            "Thickness of the contamination",
        ),
    }
    data: dict[str, tuple[tuple[str, ...] | str, object, dict[str, str]]] = {}
    for name, (pair_of, unit, long_name) in scalars.items():
        data[name] = ((), pair_of[0], {"units": unit, "long_name": long_name})
        data[f"{name}_unc"] = ((), pair_of[1], {"units": unit, "long_name": "Standard uncertainty"})
    nm = {"units": "nm"}
    data["lower_limit"] = ((), limits[0], {**nm, "long_name": "Lower limit of the thickness"})
    data["upper_limit"] = ((), limits[1], {**nm, "long_name": "Upper limit of the thickness"})
    data["equivalent_lower_limit"] = ((), whole[0], {**nm, "long_name": "Lower limit, uniform film"})
    data["equivalent_upper_limit"] = ((), whole[1], {**nm, "long_name": "Upper limit, uniform film"})
    data["chi2"] = ((), best.chi2, {"units": "1", "long_name": "Chi-square of all lines and errors of the inputs"})
    data["dof"] = ((), int(best.dof), {"long_name": "Degrees of freedom"})
    data["covariance"] = (("quantity", "quantity_b"), pair, {"units": "1", "long_name": "Covariance, nm and 1"})
    data |= _lines(signals, kinetic, units, best)
    sources = list(best.parts)
    parts = np.sqrt(np.array([best.parts[name][1, 1] for name in sources]))
    data["budget"] = ("source", parts, {**nm, "long_name": "Uncertainty of the thickness by source"})
    data["reasons"] = ((), np.array("; ".join(reasons)), {})
    out = xr.Dataset(
        data,
        coords={
            "line": list(names), "source": sources,
            "quantity": ["thickness", "coverage"], "quantity_b": ["thickness", "coverage"],
        },
    )  # fmt: skip
    out.attrs = {"kind": "table", "technique": "XPS", "surfspec_version": __version__}
    return out


def _lines(
    signals: Signals, kinetic: Array, units: str, best: Estimate
) -> dict[str, tuple[str, object, dict[str, str]]]:
    rate, one = {"units": units}, {"units": "1"}
    unc = np.sqrt(np.diag(signals.covariance))
    errors = signals.errors()
    rest = intensities(replace(signals, film=np.zeros_like(signals.film)), best.values, errors)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(signals.sample == SAMPLE, 1 - rest / best.predicted, np.nan)
    return {
        "observed": ("line", signals.intensity, {**rate, "long_name": "Area as it was measured, a rate"}),
        "observed_unc": ("line", unc, {**rate, "long_name": "Standard uncertainty"}),
        "predicted": ("line", best.predicted, {**rate, "long_name": "Area by the model"}),
        "pull": ("line", best.pulls, {**one, "long_name": "Distance over the uncertainty of area and factor"}),
        "film_share": ("line", share, {**one, "long_name": "Share of the area that comes from the film"}),
        "kinetic_energy": ("line", kinetic, {"units": "eV", "long_name": "Kinetic energy"}),
        "film_length": (
            "line",
            signals.film_length,
            {"units": "nm", "long_name": "Length in the film, normal"},
        ),
    }


def curve_of(signals: Signals, contaminated: bool) -> dict[str, tuple[tuple[str], Array, dict[str, str]]]:
    """Return the best thickness and the chi-square at each coverage of :data:`TRIAL`."""
    found, chi2 = coverage_curve(signals, TRIAL, contaminated=contaminated)
    over = ("trial_coverage",)
    return {
        "trial_coverage": (over, TRIAL, {"units": "1", "long_name": "Coverage that is tried"}),
        "trial_thickness": (over, found, {"units": "nm", "long_name": "Best thickness at this coverage"}),
        "trial_chi2": (over, chi2, {"units": "1", "long_name": "Chi-square at this coverage"}),
    }

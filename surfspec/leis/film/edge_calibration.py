r"""Lag of an in-depth edge against the thickness of the film above it, measured on films of known thickness.

.. math:: \text{lag} = a + b\,t

Lags scatter about a line by more than their uncertainties, for the line is no law: beneath thin films some ions were
never neutralised and have nothing to regain, which bends it. Three or four films hardly tell that scatter. It is
estimated from them together with what is expected beforehand, :data:`EXPECTED_SCATTER`,

.. math:: \tau^2 = \frac{\nu_0\tau_0^2 + (n - 2)\,\tau_\text{seen}^2}{\nu_0 + n - 2}

and the standard uncertainties are widened to the 68 % of Student's distribution with :math:`\nu_0 + n - 2` degrees of
freedom.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import norm, t

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.leis.film.edge_lag import edge_element, edge_lags
from surfspec.leis.film.edge_slope import computed_slopes, implausible_slope

Array = NDArray[np.float64]

#: Scatter of lags about the line before any film was seen, eV, and the degrees of freedom that this is worth: the bend
#: of the law at two monolayers of an oxide, half of 20 eV times exp(-0.475/0.4) (:mod:`surfspec.leis.film.edge_law`).
EXPECTED_SCATTER = (3.0, 2.0)


def straight_line(x: Array, y: Array, unc: Array) -> tuple[Array, Array, float, float]:
    """Fit a straight line to points with a scatter of their own (Mandel and Paule, Anal. Chem. 42 (1970) 1194).

    Parameters
    ----------
    x, y, unc
        Shape (n,).

    Returns
    -------
    coefficients, covariance, scatter, chi2
        Intercept and slope, their covariance, the standard deviation of the points beyond `unc`, and the chi-square
        without it. Covariance and standard deviation are widened by Student's factor (:func:`student`).
    """
    design = np.stack([np.ones_like(x), x], axis=1)

    def at(scatter: float) -> tuple[Array, Array, float]:
        weight = 1.0 / (unc**2 + scatter**2)
        covariance: Array = np.asarray(np.linalg.inv(design.T @ (weight[:, None] * design)), dtype=np.float64)
        best = covariance @ design.T @ (weight * y)
        return best, covariance, float(weight @ (y - design @ best) ** 2)

    best, _, chi2 = at(0.0)
    dof, seen = x.size - 2, 0.0
    if dof > 0 and chi2 > dof:
        top = float(np.sqrt(((y - design @ best) ** 2).sum())) + float(unc.max())
        seen = float(brentq(lambda s: at(s)[2] - dof, 0.0, 10.0 * top))
    expected, worth = EXPECTED_SCATTER
    scatter = float(np.sqrt((worth * expected**2 + dof * seen**2) / (worth + dof)))
    best, covariance, _ = at(scatter)
    wide = student(dof)
    return best, wide**2 * covariance, wide * scatter, chi2


def student(dof: int) -> float:
    """Return what a standard uncertainty is widened by, for it rests on few films.

    Examples
    --------
    >>> round(student(1), 2), round(student(10), 2)
    (1.2, 1.04)
    """
    return float(t.ppf(norm.cdf(1.0), EXPECTED_SCATTER[1] + dof))


def calibrate_edge(
    fits: xr.Dataset | Sequence[xr.Dataset],
    thicknesses: ArrayLike,
    *,
    film: str = "",
    element: str | None = None,
    spot_dim: str = "spot",
) -> xr.Dataset:
    r"""Calibrate the lag of the in-depth edge on films of known thickness.

    Parameters
    ----------
    fits
        Fits of the films: a series with one dimension beside the spots, or one fit each.
    thicknesses
        nm, as many. At least three tell how well a line describes them; the table is good between the thinnest and the
        thickest of them.
    film
        Formula, to check that it does not hold `element`, and that the line is as steep as its stopping; without one
        the stopping of any material will do.
    element
        Whose edge; by default the heaviest with a free edge.
    spot_dim
        Dimension of equivalent spots.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``: ``intercept`` (eV) and ``slope`` (eV/nm) with ``_unc``, ``covariance``
        (coefficient, coefficient_b), ``scatter`` (eV, beyond the uncertainties of the lags), ``chi2``, ``dof``,
        ``verdict`` and ``reasons`` (a slope that differs from the computed stopping three times, either way); and over
        ``overlayer``: ``lag`` with ``_unc`` (eV), ``known_thickness`` (nm), ``residual`` (eV).

    Raises
    ------
    InputError
        For fewer than two thicknesses, or films whose edge the fit could not place.

    Examples
    --------
    >>> import surfspec as ss
    >>> from surfspec.leis.model import SpectrumModel
    >>> recipe = ss.leis.Recipe(elements=("O", "Zr"), foot=False)
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> model = SpectrumModel(recipe, energy)
    >>> def film(lag):
    ...     truth = {"resolution": 0.02, "survival": 100.0, "tail": 8.0, "Zr lag": lag,
    ...              "O area": 4e5, "Zr shoulder": 900.0, "constant": 3.0}
    ...     values = np.array([truth.get(parameter.name, 0.0) for parameter in model.parameters])
    ...     counts = np.random.default_rng(1).poisson(model.evaluate(values))
    ...     return ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), recipe)
    >>> line = ss.leis.calibrate_edge([film(45.0), film(75.0), film(135.0)], [0.5, 1.0, 2.0])
    >>> round(float(line.slope))
    60
    """
    many = [fits] if isinstance(fits, xr.Dataset) else list(fits)
    if not many:
        raise InputError("no fits", where="fits", remedy="Give the fit of each film of known thickness")
    names = {edge_element(one, film, element) for one in many}
    if len(names) > 1:
        raise InputError(
            f"the fits differ in the element, {' and '.join(sorted(names))}", where="fits", remedy="Name one: element="
        )
    name = names.pop()
    lags = [edge_lags(one, name, spot_dim) for one in many]
    lag = np.concatenate([np.ravel(one.lag) for one in lags])
    unc = np.concatenate([np.ravel(one.lag_unc) for one in lags])
    known = np.atleast_1d(np.asarray(thicknesses, dtype=np.float64))
    if known.shape != lag.shape or not np.all(np.isfinite(known)) or np.any(known < 0) or np.unique(known).size < 2:
        raise InputError(
            f"{known.size} thicknesses for {lag.size} films",
            where="thicknesses",
            remedy="Give the thickness of each film in nm, from 0, at least two different ones",
        )
    bad = ~(np.isfinite(lag) & np.isfinite(unc))
    if np.any(bad):
        raise InputError(
            f"the edge of {name} under {known[bad][0]:g} nm was not placed by the fit",
            where="fits",
            remedy="Leave that film out, or measure it with more counts",
        )
    best, covariance, scatter, chi2 = straight_line(known, lag, unc)
    if not best[1] > 0:
        raise InputError(
            f"the lag does not rise with the thickness ({best[1]:.3g} eV/nm)",
            where="thicknesses",
            remedy="Are they in the order of the fits?",
        )
    errors = np.sqrt(np.diag(covariance))
    doubt = implausible_slope(float(best[1]), computed_slopes(many[0], name, film), film)
    table = xr.Dataset(
        {
            "intercept": ((), best[0], {"units": "eV", "long_name": "Lag without a film by the line",
                                        "ancillary_variables": "intercept_unc"}),
            "intercept_unc": ((), errors[0], {"units": "eV", "long_name": "Its standard uncertainty"}),
            "slope": ((), best[1], {"units": "eV/nm", "long_name": "Lag for a nm of film",
                                    "ancillary_variables": "slope_unc"}),
            "slope_unc": ((), errors[1], {"units": "eV/nm", "long_name": "Its standard uncertainty"}),
            "covariance": (("coefficient", "coefficient_b"), covariance,
                           {"units": "1", "long_name": "Covariance of intercept (eV) and slope (eV/nm)"}),
            "scatter": ((), scatter, {"units": "eV", "long_name": "Scatter about the line beyond the uncertainties"}),
            "chi2": ((), chi2, {"units": "1", "long_name": "Chi-square of the line without that scatter"}),
            "dof": ((), float(known.size - 2), {"units": "1", "long_name": "Degrees of freedom"}),
            "verdict": ((), verdict_of([doubt] if doubt else [])),
            "reasons": ((), doubt),
            "lag": ("overlayer", lag, {"units": "eV", "long_name": f"Lag of the {name} edge",
                                       "ancillary_variables": "lag_unc"}),
            "lag_unc": ("overlayer", unc, {"units": "eV", "long_name": "Its standard uncertainty"}),
            "known_thickness": ("overlayer", known, {"units": "nm", "long_name": "Known thickness"}),
            "residual": ("overlayer", lag - best[0] - best[1] * known,
                         {"units": "eV", "long_name": "Lag minus that of the line"}),
        },
        coords={"coefficient": ["intercept", "slope"], "coefficient_b": ["intercept", "slope"]},
        attrs={"kind": "table", "technique": "LEIS", "inputs": "fits, thicknesses", "element": name, "film": film,
               **spectra.origin(*many)},
    )  # fmt: skip
    return schema.check(table, "table")

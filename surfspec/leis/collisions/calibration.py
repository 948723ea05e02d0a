r"""Find ion energy, scattering angle, gain and offset from peaks of known elements.

The measured peak energies are fitted by :math:`E = g E_0 K(\theta) + \delta`. Which of the four are free is for the
user to say, and no more than there are peaks and priors. Ion energy and angle move all peaks alike, so that two peaks
always fit and nothing checks the answer: the redundancy of each peak (Baarda, Publ. Geodesy 2 (1968) no. 5), the part
of its error that would show in its residual, says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import least_squares

from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.given import listed, number, shown
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.calibration_doubts import ON_LIMIT, degeneracy, doubts
from surfspec.leis.collisions.kinematics import LOWEST_BEAM, check_geometry, elastic_energy
from surfspec.leis.collisions.measured_peaks import Measured, measured_peaks
from surfspec.leis.collisions.peak_positions import PARAMETERS, Positions
from surfspec.spectra import origin

Array = NDArray[np.float64]

UNITS: Final = {"energy": "eV", "angle": "deg", "gain": "1", "offset": "eV"}


def calibrate(
    measured: Mapping[str, Measured] | xr.Dataset | Sequence[xr.Dataset],
    *,
    ion: str = "4He",
    energy: float,
    angle: float,
    gain: float = 1.0,
    offset: float = 0.0,
    free: Sequence[str] = ("energy", "angle"),
    priors: Mapping[str, float] | None = None,
) -> xr.Dataset:
    r"""Calibrate the geometry and the energy scale with peaks of known elements.

    .. math:: \sum_j \left(\frac{E_j - gE_0K_j(\theta) - \delta}{u_j}\right)^2
        + \sum_p \left(\frac{p - p_0}{u_p}\right)^2 \to \min

    Parameters
    ----------
    measured
        By element: measured peak energy and its standard uncertainty, eV (maxima, or the centres of a fit), or the
        fit of that element alone. Or a list of fits of one element each. Fits of several elements are refused:
        the kinematics tie their positions to each other, and the answer would be the recipe's own geometry.
    ion
        Projectile isotope.
    energy, angle, gain, offset
        Start values (eV, deg, 1, eV); those not `free` are kept.
    free
        Which to fit, at most as many as there are elements and priors. Energy and gain cannot both be free unless one
        has a prior.
    priors
        Standard uncertainties of start values that are known beforehand, by name: ``{"angle": 1.0}``. They enter as
        one datum more each.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``: ``energy`` (eV), ``angle`` (deg), ``gain`` (1) and ``offset`` (eV) with ``_unc``;
        ``covariance`` over (parameter, parameter_b); ``measured``, ``measured_unc``, ``fitted`` and ``residual`` (eV)
        and ``redundancy`` (1: other data check the peak wholly, 0: not at all) over ``element``; ``prior_unc`` and
        ``prior_pull`` over ``parameter``; ``chi2``, ``dof`` and ``birge``, the factor by which all uncertainties would
        have to grow for the data to agree (NaN where nothing is left over; far above 1 the uncertainties of the peaks
        are too small, or the peaks do not lie where single scattering puts them); ``degenerate`` (1 where two free
        parameters cannot be told apart, or no peak is checked by the others), with the reason in
        ``attrs["degeneracy"]``. Uncertainties follow from those of peaks and priors alone. ``verdict`` and ``reasons``:
        `at bound` where energy or gain ends at half or one and a half of its start, or the angle at 1 deg (elements
        exchanged, an energy in keV), `chi-square improbable`, `prior contradicted`, `ambiguous` where degenerate.

    Raises
    ------
    InputError
        For more free parameters than data, unknown names, uncertainties that are not positive, or fits that do not
        hold the position of one element.
    GeometryError
        For an impossible start geometry.

    Examples
    --------
    >>> import surfspec as ss
    >>> peaks = {name: (ss.leis.elastic_energy(name, energy=980.0, angle=110.0), 0.5) for name in ("Ni", "Pd", "Au")}
    >>> found = ss.leis.calibrate(peaks, energy=1000.0, angle=105.0)
    >>> round(float(found.energy), 1), round(float(found.angle), 1), int(found.degenerate)
    (980.0, 110.0, 0)
    >>> two = ss.leis.calibrate({"Ni": peaks["Ni"], "Au": peaks["Au"]}, energy=1000.0, angle=105.0)
    >>> int(two.degenerate), str(two.verdict.values)
    (1, 'check')
    >>> exchanged = peaks | {"Ni": peaks["Au"], "Au": peaks["Ni"]}
    >>> str(ss.leis.calibrate(exchanged, energy=1000.0, angle=105.0).reasons.values).split("; ")[0]
    'at bound: angle'
    """
    check_geometry(energy, angle, lowest=LOWEST_BEAM)
    peaks, inputs = measured_peaks(measured)
    if priors is not None and not isinstance(priors, Mapping):
        raise InputError(
            f"priors is {shown(priors)}", where="priors", remedy='Give standard uncertainties by name: {"angle": 1.0}'
        )
    priors = {name: number(unc, "priors", low=0.0, above=True) for name, unc in (priors or {}).items()}
    start = {
        "energy": float(energy),
        "angle": float(angle),
        "gain": number(gain, "gain", low=0.01, high=100.0),
        "offset": number(offset, "offset", low=-energy, high=energy),
    }
    free = tuple(map(str, listed(free, "free")))
    _check(peaks, free, priors, start)
    elements = tuple(peaks)
    for name in elements:
        if not np.isfinite(elastic_energy(name, ion=ion, energy=energy, angle=angle)):
            raise InputError(
                f"{name} cannot scatter {ion} into {angle:g} deg", where="measured", remedy="Check ion and start angle"
            )
    problem = _Problem(
        Positions(elements, ion),
        np.array([peaks[name][0] for name in elements]),
        np.array([peaks[name][1] for name in elements]),
        np.array([start[name] for name in PARAMETERS]),
        np.array([name in free for name in PARAMETERS]),
        np.array([priors.get(name, np.nan) for name in PARAMETERS]),
    )
    return _table(problem, problem.solve(), origin(*inputs) if inputs else {})


@dataclass(frozen=True)
class _Problem:
    """Peaks and priors; arrays over parameters are in the order of `PARAMETERS`."""

    positions: Positions
    values: Array
    errors: Array
    start: Array
    free: NDArray[np.bool_]
    prior: Array

    def _full(self, x: Array) -> Array:
        full = self.start.copy()
        full[self.free] = x
        return full

    @property
    def _with_prior(self) -> NDArray[np.bool_]:
        return self.free & np.isfinite(self.prior)

    def residuals(self, x: Array) -> Array:
        """Return weighted residuals of peaks, then priors."""
        full = self._full(x)
        peaks = (self.positions.energies(full) - self.values) / self.errors
        pulls = ((full - self.start) / self.prior)[self._with_prior]
        return np.concatenate([np.nan_to_num(peaks, nan=1e6), pulls])

    def jacobian(self, x: Array) -> Array:
        """Return the derivatives of the residuals, shape (data, free)."""
        peaks = np.nan_to_num(self.positions.slopes(self._full(x))) / self.errors[:, None]
        priors = np.diag(1.0 / self.prior)[self._with_prior]
        return np.concatenate([peaks, priors])[:, self.free]

    def _limits(self) -> tuple[Array, Array, Array]:
        """Return lowest and highest values of all parameters, and their scales."""
        energy, _, gain, _ = self.start
        return (
            np.array([0.5 * energy, 1.0, 0.5 * gain, -np.inf]),
            np.array([1.5 * energy, 180.0, 1.5 * gain, np.inf]),
            np.array([energy, 30.0, gain, 0.01 * energy]),
        )

    def at_limit(self, full: Array) -> NDArray[np.bool_]:
        """Return which free parameters lie on a limit of the search; 180 deg is an angle like others."""
        low, high, scale = self._limits()
        high = np.where(np.array(PARAMETERS) == "angle", np.inf, high)
        return np.asarray(self.free & (np.minimum(full - low, high - full) < ON_LIMIT * scale))

    def solve(self) -> Array:
        """Return all parameters of least squares, inside half and one and a half of the start."""
        low, high, scale = (each[self.free] for each in self._limits())
        inside = np.clip(self.start[self.free], low + 1e-9, high - 1e-9)
        found = least_squares(
            self.residuals, inside, self.jacobian, bounds=(low, high), x_scale=scale, xtol=1e-14, ftol=1e-14, gtol=1e-14
        )
        return self._full(found.x)


def _check(
    peaks: Mapping[str, tuple[float, float]], free: Sequence[str], priors: Mapping[str, float], start: dict[str, float]
) -> None:
    unknown = [name for name in free if name not in PARAMETERS]
    if isinstance(free, str) or unknown or len(set(free)) < len(free):
        raise InputError(f"free is {free!r}", where="free", remedy=f"Give a list of {', '.join(PARAMETERS)}")
    for name, unc in priors.items():
        if name not in free or not (np.isfinite(unc) and unc > 0):
            raise InputError(
                f"prior {unc} of {name!r}", where="priors", remedy="Give a standard uncertainty of a parameter in free"
            )
    if {"energy", "gain"} <= set(free) and not {"energy", "gain"} & set(priors):
        raise InputError(
            "energy and gain only appear as a product",
            where="free",
            remedy="Keep one of them fixed, or give it a prior",
        )
    if not free or len(free) > len(peaks) + len(priors):
        raise InputError(
            f"{len(peaks)} peaks and {len(priors)} priors cannot determine {len(free)} parameters",
            where="free",
            remedy="Measure more elements, or free fewer parameters (at least one)",
        )
    if not start["gain"] > 0 or not np.isfinite(start["offset"]):
        raise InputError(
            f"gain {start['gain']}, offset {start['offset']}", where="gain", remedy="Give a positive gain, about 1"
        )
    for name, pair in peaks.items():
        iso.element_symbol(name.lstrip("0123456789"), where="measured")
        if not np.all(np.isfinite(pair)) or not (pair[0] > 0 and pair[1] > 0):
            raise InputError(
                f"{name}: {pair}", where="measured", remedy="Give (energy, standard uncertainty) in eV, both positive"
            )


def _table(problem: _Problem, best: Array, attrs: Mapping[str, str]) -> xr.Dataset:
    free, count = problem.free, problem.values.size
    jacobian = problem.jacobian(best[free])
    inverse = np.linalg.pinv(jacobian.T @ jacobian, rcond=1e-15, hermitian=True)
    covariance = np.zeros((4, 4))
    covariance[np.ix_(free, free)] = inverse
    redundancy = np.clip(1.0 - np.einsum("ij,jk,ik->i", jacobian, inverse, jacobian)[:count], 0.0, 1.0)
    residuals = problem.residuals(best[free])
    unc = np.sqrt(np.diag(covariance))
    spare = int(residuals.size - np.count_nonzero(free))
    reason = degeneracy(PARAMETERS, covariance, free, redundancy)
    fitted = problem.positions.energies(best)
    variables = {}
    for name, value, error in zip(PARAMETERS, best, unc, strict=True):
        variables[name] = ((), value, {"units": UNITS[name], "long_name": name, "ancillary_variables": f"{name}_unc"})
        variables[f"{name}_unc"] = ((), error, {"units": UNITS[name], "long_name": f"Standard uncertainty of {name}"})
    ev = {"units": "eV"}
    pull = np.where(free, (best - problem.start) / problem.prior, np.nan)
    # against what the peaks alone say, the covariance with the answer taken off
    spread = np.sqrt(np.maximum(problem.prior**2 - unc**2, 1e-12 * problem.prior**2))
    against = np.where(unc < 0.999 * problem.prior, pull * problem.prior / spread, np.nan)
    chi2 = float(residuals @ residuals)
    reasons = doubts(
        PARAMETERS, at_limit=problem.at_limit(best), pulls=against, chi2=chi2, dof=spare, degenerate=reason
    )
    return xr.Dataset(
        {
            **variables,
            "covariance": (("parameter", "parameter_b"), covariance, {"units": "1", "comment": "units of parameters"}),
            "prior_unc": ("parameter", problem.prior, {"units": "1", "comment": "units of parameters"}),
            "prior_pull": ("parameter", pull, {"units": "1", "long_name": "Found less start over its uncertainty"}),
            "measured": (
                "element",
                problem.values,
                {**ev, "long_name": "Measured peak energy", "ancillary_variables": "measured_unc"},
            ),
            "measured_unc": ("element", problem.errors, {**ev, "long_name": "Its standard uncertainty"}),
            "fitted": ("element", fitted, {**ev, "long_name": "Energy by the calibration"}),
            "residual": ("element", problem.values - fitted, {**ev, "long_name": "Measured less fitted"}),
            "redundancy": ("element", redundancy, {"units": "1", "long_name": "How far other data check the peak"}),
            "chi2": ((), chi2, {"units": "1", "long_name": "Chi-square with priors"}),
            "dof": ((), float(spare), {"units": "1"}),
            "birge": (
                (),
                float(np.sqrt(chi2 / spare)) if spare else np.nan,
                {"units": "1", "long_name": "Birge ratio"},
            ),
            "degenerate": ((), int(bool(reason)), {"units": "1", "long_name": "1 where degenerate"}),
            "verdict": ((), verdict_of(reasons)),
            "reasons": ((), "; ".join(reasons)),
        },
        coords={
            "element": np.array(problem.positions.elements),
            "parameter": list(PARAMETERS),
            "parameter_b": list(PARAMETERS),
        },
        attrs={
            "kind": "table",
            "technique": "LEIS",
            "ion": problem.positions.ion,
            "free": ", ".join(np.array(PARAMETERS)[free]),
            "degeneracy": reason,
            **attrs,
        },
    )

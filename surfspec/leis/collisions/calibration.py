r"""Find ion energy, scattering angle, gain and offset from peaks of known elements.

The measured peak energies are fitted by :math:`E = g E_0 K(\theta) + \delta`. Which of the four are free is for the
user to say, and no more than there are peaks; heavy targets alone tell energy and angle poorly apart, and the
covariance says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.fitting.solver import solve
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import angle_dispersion, check_geometry, elastic_energy, kinematic_factor

Array = NDArray[np.float64]

PARAMETERS: Final = ("energy", "angle", "gain", "offset")
UNITS: Final = {"energy": "eV", "angle": "deg", "gain": "1", "offset": "eV"}
#: Correlation from which two free parameters are called degenerate.
DEGENERATE = 0.999


class _Peaks:
    """Peak energies as a function of energy, angle, gain and offset."""

    def __init__(self, elements: Sequence[str], ion: str, parameters: tuple[Parameter, ...]) -> None:
        self.targets = [iso.isotopes(name) for name in elements]
        self.ion_mass = iso.ion(ion).mass
        self.parameters = parameters

    def factors(self, angle: float) -> tuple[Array, Array]:
        """Return the mean K of each element and its derivative by the angle (per deg)."""
        values, slopes = [], []
        for target in self.targets:
            ratio = target.mass / self.ion_mass
            K, slope = kinematic_factor(ratio, angle), angle_dispersion(ratio, angle)
            real = np.isfinite(K)
            weight = target.abundance[real]
            values.append(float(np.average(K[real], weights=weight)) if np.any(real) else np.nan)
            slopes.append(float(np.average(slope[real], weights=weight)) if np.any(real) else np.nan)
        return np.array(values), np.array(slopes)

    def evaluate(self, values: Array) -> Array:
        energy, angle, gain, offset = map(float, values)
        return gain * energy * self.factors(angle)[0] + offset

    def jacobian(self, values: Array) -> Array:
        energy, angle, gain, _ = map(float, values)
        K, slope = self.factors(angle)
        return np.stack([gain * K, gain * energy * slope, energy * K, np.ones_like(K)], axis=1)


def calibrate(
    measured: Mapping[str, tuple[float, float]],
    *,
    ion: str = "4He",
    energy: float,
    angle: float,
    gain: float = 1.0,
    offset: float = 0.0,
    free: Sequence[str] = ("energy", "angle"),
) -> xr.Dataset:
    r"""Calibrate the geometry and the energy scale with peaks of known elements.

    Parameters
    ----------
    measured
        By element: measured peak energy and its standard uncertainty, eV. Use maxima, or the centres of a tied fit.
    ion
        Projectile isotope.
    energy, angle, gain, offset
        Start values (eV, deg, 1, eV); those not `free` are kept.
    free
        Which to fit, at most as many as there are elements. Energy and gain cannot both be free.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``: ``energy`` (eV), ``angle`` (deg), ``gain`` (1) and ``offset`` (eV) with ``_unc``;
        ``covariance`` over (parameter, parameter_b); ``measured``, ``measured_unc``, ``fitted`` and ``residual`` (eV)
        over ``element``; ``chi2``, ``dof``; ``degenerate`` (1 where two free parameters cannot be told apart).
        Uncertainties follow from those of the peaks alone.

    Raises
    ------
    InputError
        For more free parameters than peaks, unknown names, or uncertainties that are not positive.
    GeometryError
        For an impossible start geometry.

    Examples
    --------
    >>> import surfspec as ss
    >>> peaks = {name: (ss.leis.elastic_energy(name, energy=980.0, angle=110.0), 0.5) for name in ("Ni", "Pd", "Au")}
    >>> found = ss.leis.calibrate(peaks, energy=1000.0, angle=105.0)
    >>> round(float(found.energy), 1), round(float(found.angle), 1)
    (980.0, 110.0)
    """
    check_geometry(energy, angle)
    _check(measured, free, gain)
    elements = list(measured)
    values = np.array([float(measured[name][0]) for name in elements])
    errors = np.array([float(measured[name][1]) for name in elements])
    for name in elements:
        if not np.isfinite(elastic_energy(name, ion=ion, energy=energy, angle=angle)):
            raise InputError(
                f"{name} cannot scatter {ion} into {angle:g} deg", where="measured", remedy="Check ion and start angle"
            )
    limits = {"energy": (0.5 * energy, 1.5 * energy), "angle": (1.0, 180.0), "gain": (0.5 * gain, 1.5 * gain)}
    start = {"energy": energy, "angle": angle, "gain": gain, "offset": offset}
    parameters = tuple(
        Parameter(name, float(start[name]), *limits.get(name, (-np.inf, np.inf)), vary=name in free, unit=UNITS[name])
        for name in PARAMETERS
    )
    problem = _Peaks(elements, ion, parameters)
    best = _solve(problem, values, errors)
    jacobian = problem.jacobian(best) / errors[:, None]
    chosen = np.array([name in free for name in PARAMETERS])
    covariance = np.zeros((4, 4))
    covariance[np.ix_(chosen, chosen)] = np.linalg.pinv(
        jacobian[:, chosen].T @ jacobian[:, chosen], rcond=1e-15, hermitian=True
    )
    return _table(elements, values, errors, problem.evaluate(best), best, covariance, chosen, ion)


def _check(measured: Mapping[str, tuple[float, float]], free: Sequence[str], gain: float) -> None:
    unknown = [name for name in free if name not in PARAMETERS]
    if isinstance(free, str) or unknown:
        raise InputError(f"free is {free!r}", where="free", remedy=f"Give a list of {', '.join(PARAMETERS)}")
    if {"energy", "gain"} <= set(free):
        raise InputError("energy and gain only appear as a product", where="free", remedy="Keep one of them fixed")
    if not free or len(free) > len(measured):
        raise InputError(
            f"{len(measured)} peaks cannot determine {len(free)} parameters",
            where="free",
            remedy="Measure more elements, or free fewer parameters (at least one)",
        )
    if not gain > 0:
        raise InputError(f"gain {gain}", where="gain", remedy="Give a positive number, about 1")
    for name, pair in measured.items():
        iso.element_symbol(name, where="measured")
        if len(pair) != 2 or not np.all(np.isfinite(pair)) or not (pair[0] > 0 and pair[1] > 0):
            raise InputError(
                f"{name}: {pair}", where="measured", remedy="Give (energy, standard uncertainty) in eV, both positive"
            )


def _solve(problem: _Peaks, values: Array, errors: Array) -> Array:
    """Solve by Gauss-Newton where there are as many peaks as parameters, else by the common solver."""
    free = np.array([p.vary for p in problem.parameters])
    if values.size > np.count_nonzero(free):
        return solve(problem, values, statistics="given", sigma=errors).values
    best = np.array([p.value for p in problem.parameters])
    for _ in range(100):
        slope = problem.jacobian(best)[:, free]
        step = np.linalg.lstsq(slope, values - problem.evaluate(best), rcond=None)[0]
        best[free] += step
        low = np.array([p.low for p in problem.parameters])
        high = np.array([p.high for p in problem.parameters])
        best = np.clip(best, low, high)
        if np.max(np.abs(step)) < 1e-10:
            break
    return best


def _table(
    elements: list[str],
    values: Array,
    errors: Array,
    fitted: Array,
    best: Array,
    covariance: Array,
    chosen: NDArray[np.bool_],
    ion: str,
) -> xr.Dataset:
    unc = np.sqrt(np.diag(covariance))
    positive = unc > 0
    correlation = covariance[np.ix_(positive, positive)] / np.outer(unc[positive], unc[positive])
    worst = float(np.max(np.abs(correlation - np.eye(int(positive.sum()))), initial=0.0))
    variables = {}
    for name, value, error in zip(PARAMETERS, best, unc, strict=True):
        variables[name] = ((), value, {"units": UNITS[name], "long_name": name, "ancillary_variables": f"{name}_unc"})
        variables[f"{name}_unc"] = ((), error, {"units": UNITS[name], "long_name": f"Standard uncertainty of {name}"})
    ev = {"units": "eV"}
    return xr.Dataset(
        {
            **variables,
            "covariance": (("parameter", "parameter_b"), covariance, {"units": "1", "comment": "units of parameters"}),
            "measured": ("element", values, {**ev, "long_name": "Measured peak energy"}),
            "measured_unc": ("element", errors, {**ev, "long_name": "Its standard uncertainty"}),
            "fitted": ("element", fitted, {**ev, "long_name": "Energy by the calibration"}),
            "residual": ("element", values - fitted, {**ev, "long_name": "Measured less fitted"}),
            "chi2": ((), float(np.sum(((values - fitted) / errors) ** 2)), {"units": "1"}),
            "dof": ((), float(values.size - np.count_nonzero(chosen)), {"units": "1"}),
            "degenerate": ((), int(worst > DEGENERATE), {"units": "1", "long_name": "1 where degenerate"}),
        },
        coords={"element": np.array(elements), "parameter": list(PARAMETERS), "parameter_b": list(PARAMETERS)},
        attrs={"kind": "table", "technique": "LEIS", "ion": ion, "free": ", ".join(np.array(PARAMETERS)[chosen])},
    )

"""Whether two spectra have one shape, up to scale, shift and background; no model of the peaks is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, cholesky
from scipy.stats import chi2, norm

from surfspec import schema, spectra
from surfspec._version import __version__
from surfspec.errors import InputError
from surfspec.fitting.solver.inputs import probability
from surfspec.xps.member import noise
from surfspec.xps.shape_match import DEGREE, Match, Matcher, Points, Smooth, knots_over, smooth

Array = NDArray[np.float64]

#: Simulated residuals that give the distribution of the largest deviation.
DRAWN: Final = 2000
#: Part of the information on a local deviation that scale, shift and background must leave.
LEFT: Final = 0.05
#: Probability of the curve of one spectrum by itself below which its knots are set closer.
COARSE: Final = 1e-3
#: Closest knots, in steps of the coarser axis.
CLOSEST: Final = 1.5
#: Counts of the background between two knots from which the normal distribution serves.
ENOUGH: Final = 40.0


def compare(
    a: xr.Dataset,
    b: xr.Dataset,
    *,
    window: tuple[float, float] | None = None,
    max_shift: float = 0.5,
    background: int = 1,
    step: bool = True,
    resolution: float = 0.4,
    probe: float = 1.2,
    level: float = 0.05,
    power: float = 0.95,
    seed: int = 0,
) -> xr.Dataset:
    r"""Compare the shapes of two spectra.

    .. math:: b(E) = s\,a(E - d) + k\,C_a(E - d) + \sum_{i \le m} c_i E^i, \qquad
              \chi^2 = \min_\theta r^T V^{-1} r - \chi^2_b, \qquad V = \Sigma_b + M(\theta)\,\Gamma_a M(\theta)^T

    Each spectrum is a cubic spline by itself; :math:`\Gamma_a` is the covariance of the coefficients of a, M makes b
    of them, r = b - M a - P c, and :math:`\chi^2_b` is that of b's own spline. So the noise of both takes part with the
    correlation that shifting brings, and the chi-square is the likelihood ratio of one shape against two. The step
    :math:`C_a` of the Shirley background of a and the polynomial take up the difference of the backgrounds.

    Beside it every energy is asked for one more peak in b (or one less): a Gaussian of the FWHM `probe`, all else
    fitted. The largest of these deviations in standard uncertainties is compared with its distribution under equal
    shapes: that many places were looked at is allowed for. The sensitivity says which peak would have been seen.

    Parameters
    ----------
    a, b
        Single spectra, kind ``spectrum``, XPS on ``binding_energy``; axes, dwell times and scans may differ. The less
        noisy one as `a` gives the better result.
    window
        Energies of `b` to compare, eV; by default all that both have.
    max_shift
        Largest shift of the scale, eV.
    background
        Degree of the polynomial, 0 to 3.
    step
        Whether the backgrounds may differ by a Shirley step.
    resolution
        Distance of the knots in eV; set closer by itself where a spectrum is sharper than that.
    probe
        FWHM of a local deviation, eV.
    level
        Share of equal pairs that are called different.
    power
        Probability with which a deviation as large as ``sensitivity`` would have been called different.
    seed
        Of the simulated residuals.

    Returns
    -------
    xarray.Dataset
        Kind ``table``: ``scale``, ``shift`` (eV) with ``_unc``; ``chi2``, ``dof``, ``p_value``; over ``binding_energy``
        the ``residual`` (in standard uncertainties), ``deviation`` with ``_unc`` (area of a further peak there, over
        that of b above the straight line between its ends) and ``sensitivity``; ``largest_deviation`` with
        ``_unc``,
        ``largest_at`` (eV) and ``largest_p_value``. ``attrs["conclusion"]`` is ``same shape`` or ``different shape``,
        by both p-values (Bonferroni); ``attrs["statement"]`` tells it, ``attrs["notes"]`` what stands against it.

    Raises
    ------
    InputError
        For series, other techniques, spectra that do not overlap or options that cannot be.

    References
    ----------
    Fuller, Measurement Error Models (1987), chapter 3 (both variables with errors); Rao, Linear Statistical
    Inference (1973), section 6e (score test); Davies, Biometrika 74 (1987) 33 (a place that only the alternative has).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e, rng = np.arange(176.0, 192.0, 0.1), np.random.default_rng(0)
    >>> peak = lambda at: np.exp(-((e - at) / 0.8) ** 2)
    >>> def measured(rate, shift, more=0.0):
    ...     y = rate * (100 + 900 * peak(182.4 + shift) + 600 * peak(184.8 + shift) + more * peak(180.4 + shift))
    ...     return ss.spectrum(e, rng.poisson(y).astype(float), technique="XPS")
    >>> same = ss.xps.compare(measured(3, 0.0), measured(1, 0.12))
    >>> same.attrs["conclusion"], round(float(same["shift"]), 1), round(float(same["scale"]), 1)
    ('same shape', 0.1, 0.3)
    >>> other = ss.xps.compare(measured(3, 0.0), measured(1, 0.12, more=80.0))
    >>> other.attrs["conclusion"], abs(round(float(other.largest_at) - 180.5)) < 1
    ('different shape', True)
    """
    first, second, notes = _points(a, b, window, _number("max_shift", max_shift, 0.0, 5.0))
    options = _options(background, resolution, probe)
    level, power = probability("level", level), probability("power", power)
    curve, own = _smooth(first, second, float(resolution), notes)
    matcher = Matcher(curve, second, own, degree=options, step=bool(step), farthest=float(max_shift))
    match = matcher.best()
    if match.at_limit and max_shift > 0:
        notes.append(f"the shift lies at its limit of {max_shift:g} eV")
    scan = _scan(match, second, float(probe), level, power, np.random.default_rng(seed))
    return _table(a, b, second, match, scan, notes, level, power, float(probe))


def _number(name: str, value: Any, low: float, high: float) -> float:
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool) and low <= value <= high
    if not good:
        raise InputError(f"{name} is {value!r}", where=name, remedy=f"Give {low:g} to {high:g}")
    return float(value)


def _options(background: Any, resolution: Any, probe: Any) -> int:
    """Check the options and return the degree of the polynomial."""
    degree = _number("background", background, 0, 3)
    _number("resolution", resolution, 0.01, 5.0)
    _number("probe", probe, 0.05, 20.0)
    if degree != int(degree):
        raise InputError(f"background is {background!r}", where="background", remedy="Give a degree: 0, 1, 2 or 3")
    return int(degree)


def _points(
    a: xr.Dataset, b: xr.Dataset, window: tuple[float, float] | None, max_shift: float
) -> tuple[Points, Points, list[str]]:
    """Return the points that are compared: of b those that every shift keeps among those of a."""
    notes: list[str] = []
    found = [_one(data, name, notes) for data, name in ((a, "a"), (b, "b"))]
    low = max(found[0].x[0] + max_shift, found[1].x[0], -np.inf if window is None else window[0])
    high = min(found[0].x[-1] - max_shift, found[1].x[-1], np.inf if window is None else window[1])
    second = _cut(found[1], low, high)
    if second.x.size < 25:
        raise InputError(
            f"the spectra share {second.x.size} points from {low:g} to {high:g} eV",
            where="window",
            remedy="Compare spectra of one region: at least 25 points that a has within max_shift on either side",
        )
    return _cut(found[0], second.x[0] - max_shift, second.x[-1] + max_shift), second, notes


def _cut(points: Points, low: float, high: float) -> Points:
    inside = (points.x >= low - 1e-9) & (points.x <= high + 1e-9)
    return Points(points.x[inside], points.y[inside], None if points.sigma is None else points.sigma[inside])


def _one(data: xr.Dataset, name: str, notes: list[str]) -> Points:
    """Return the points of one spectrum with their noise."""
    schema.check(data, "spectrum")
    if data.attrs["technique"] != "XPS" or schema.axis_of(data) != "binding_energy":
        raise InputError(
            f"{name} is a {data.attrs['technique']} spectrum on a {schema.axis_of(data)} axis",
            where=name,
            remedy="Compare XPS spectra on a binding_energy axis",
        )
    if schema.series_dims(data):
        raise InputError(f"{name} is a series", where=name, remedy="Select one member with .isel()")
    x, y = (np.array(data[key].values, dtype=np.float64) for key in ("binding_energy", "intensity"))
    if not np.any(y):
        raise InputError(f"every intensity of {name} is zero", where=name, remedy="Check the file and the region")
    statistics = str(data.attrs["statistics"])
    if statistics == "poisson":
        return Points(x, y, None)
    given = np.array(data["intensity_unc"].values, dtype=np.float64) if "intensity_unc" in data else None
    if statistics == "unknown":
        notes.append(f"the statistics of {name} are unknown: its noise is read off its second differences")
    return Points(x, y, np.asarray(noise(y, statistics, given)))


def _smooth(first: Points, second: Points, resolution: float, notes: list[str]) -> tuple[Smooth, Smooth]:
    """Return both spectra as splines, with knots as close as they ask for."""
    apart = resolution
    closest = CLOSEST * max(float(np.median(np.diff(one.x))) for one in (first, second))
    while True:
        apart = max(apart, closest)
        curve = smooth(first, knots_over(first.x[0], first.x[-1], apart))
        own = smooth(second, knots_over(second.x[0], second.x[-1], apart))
        worst = min(float(chi2.sf(one.chi2, one.dof)) for one in (curve, own))
        if worst >= COARSE or apart <= closest:
            break
        apart /= 1.5
    if worst < COARSE:
        notes.append("a smooth curve does not describe one of the spectra within its noise")
    for points, one, name in ((first, curve, "a"), (second, own, "b")):
        lowest = float(np.quantile(one.variance, 0.1)) * apart / float(np.median(np.diff(points.x)))
        if points.sigma is None and lowest < ENOUGH:
            notes.append(f"{name} has few counts: p-values are approximate")
    return curve, own


@dataclass(frozen=True)
class _Scan:
    """Local deviations: area and uncertainty at each energy, what would have been seen, and the largest."""

    area: Array
    unc: Array
    seen: Array
    largest: int
    p_value: float


def _scan(match: Match, points: Points, probe: float, level: float, power: float, rng: np.random.Generator) -> _Scan:
    r"""Ask every energy for one more peak.

    .. math:: A = \frac{g^T Q r}{g^T Q g}, \quad u^2(A) = \frac{1}{g^T Q g}, \quad
              Q = V^{-1} - V^{-1} J (J^T V^{-1} J)^{-1} J^T V^{-1}
    """
    sigma = probe / (2 * np.sqrt(2 * np.log(2)))
    peaks = np.exp(-0.5 * ((points.x[:, None] - points.x) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    factor = cho_factor(match.spread)
    direct = cho_solve(factor, peaks)
    through = match.slopes.T @ direct
    filtered = direct - cho_solve(factor, match.slopes) @ (match.covariance @ through)
    before, left = np.sum(peaks * direct, axis=0), np.sum(peaks * filtered, axis=0)
    usable = left > LEFT * before
    unc = np.where(usable, 1 / np.sqrt(np.where(usable, left, 1.0)), np.nan)
    area = np.where(usable, (filtered.T @ match.residual) * unc**2, np.nan)
    shape = (cholesky(match.spread, lower=True).T @ filtered)[:, usable] * unc[usable]
    highest = np.max(np.abs(rng.standard_normal((DRAWN, points.x.size)) @ shape), axis=1)
    score = np.abs(area / unc)
    largest = int(np.nanargmax(score))
    p = (1 + np.count_nonzero(highest >= score[largest])) / (1 + DRAWN)
    needed = float(np.quantile(highest, 1 - level / 2)) + float(norm.isf(1 - power))
    return _Scan(area, unc, needed * unc, largest, float(p))


def _table(
    a: xr.Dataset, b: xr.Dataset, points: Points, match: Match, scan: _Scan, notes: list[str],
    level: float, power: float, probe: float,
) -> xr.Dataset:  # fmt: skip
    """Return all of it as a Dataset."""
    line = np.interp(points.x, points.x[[0, -1]], match.model[[0, -1]])
    net = abs(float(np.trapezoid(match.model - line, points.x)))
    unc = np.sqrt(np.clip(np.diag(match.covariance), 0, None))
    p = float(chi2.sf(match.chi2, match.dof))
    axis, at = "binding_energy", scan.largest
    numbers: dict[str, tuple[Any, Any, str, str]] = {
        "scale": ((), match.values[0], "1", "Intensity of b over that of a"),
        "scale_unc": ((), unc[0], "1", "Standard uncertainty"),
        "shift": ((), match.values[1], "eV", "Energy of b less that of a"),
        "shift_unc": ((), unc[1], "eV", "Standard uncertainty"),
        "chi2": ((), match.chi2, "1", "Likelihood ratio of one shape against two"),
        "p_value": ((), p, "1", "Probability of such a chi-square for equal shapes"),
        "residual": (axis, match.residual / np.sqrt(np.diag(match.spread)), "1", "Residual over its uncertainty"),
        "deviation": (axis, scan.area / net, "1", "Area of a further peak over that of b"),
        "deviation_unc": (axis, scan.unc / net, "1", "Standard uncertainty"),
        "sensitivity": (axis, scan.seen / net, "1", "Area of a further peak that would be seen, over that of b"),
        "largest_deviation": ((), scan.area[at] / net, "1", "Largest deviation in standard uncertainties"),
        "largest_deviation_unc": ((), scan.unc[at] / net, "1", "Standard uncertainty"),
        "largest_at": ((), points.x[at], "eV", "Its place"),
        "largest_p_value": ((), scan.p_value, "1", "Probability of one as large anywhere, for equal shapes"),
    }  # fmt: skip
    out = xr.Dataset(
        {
            name: (dims, np.asarray(value, dtype=np.float64), {"units": units, "long_name": label})
            for name, (dims, value, units, label) in numbers.items()
        },
        coords={axis: (axis, points.x, {"units": "eV", "long_name": "Binding energy"})},
    )
    out["dof"] = ((), match.dof, {"long_name": "Degrees of freedom"})
    differ = 2 * min(p, scan.p_value) < level
    share, place = 100 * float(scan.area[at] / net), float(points.x[at])
    seen = 100 * float(np.nanmedian(scan.seen / net))
    text = (
        f"chi-square {match.chi2:.1f} for {match.dof} degrees of freedom, p = {p:.2g}; largest deviation "
        f"{share:+.2g} % of the area at {place:.1f} eV, p = {scan.p_value:.2g}; a peak of {probe:g} eV FWHM "
        f"with {seen:.2g} % of the area (median over the window) would have been seen with a probability of {power:.0%}"
    )
    out.attrs = {
        "kind": "table",
        "technique": "XPS",
        "surfspec_version": __version__,
        "conclusion": "different shape" if differ else "same shape",
        "statement": text,
        "notes": "; ".join(notes),
        "level": level,
        "power": power,
        "probe_fwhm": probe,
        "degree": len(match.names) - (3 if "step" in match.names else 2) - 1,
        "spline_degree": DEGREE,
        **spectra.origin(a, b),
    }
    return schema.check(out, "table")

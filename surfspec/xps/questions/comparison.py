"""Whether two spectra have one shape, up to scale, shift and background; no model of the peaks is needed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import chi2

from surfspec import schema, spectra
from surfspec._version import __version__
from surfspec.fitting.solver.inputs import probability, whole_number
from surfspec.xps.questions.shape_input import number_within, options, points_of
from surfspec.xps.questions.shape_match import Match, Matcher, Points, Smooth, knots_over, smooth
from surfspec.xps.questions.shape_presence import holds_nothing, net_area, positive_match, refusal, stands
from surfspec.xps.questions.shape_scan import Scan, scan_of
from surfspec.xps.questions.shape_spread import DEGREE

Array = NDArray[np.float64]

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
    force: bool = False,
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
    force
        Compare regions of two core levels as well.

    Returns
    -------
    xarray.Dataset
        Kind ``table``: ``scale``, ``shift`` (eV) with ``_unc``; ``chi2``, ``dof``, ``p_value``; over ``binding_energy``
        the ``residual`` (in standard uncertainties), ``deviation`` with ``_unc`` (area of a further peak there, over
        that of b above the straight line between its ends) and ``sensitivity``; ``largest_deviation`` with ``_unc``,
        ``largest_at`` (eV) and ``largest_p_value``. ``attrs["conclusion"]`` is ``same shape``, ``different shape`` or
        ``not determined`` (too faint to see a difference as large as the line itself),
        by both p-values (Bonferroni); ``attrs["statement"]`` tells it, ``attrs["notes"]`` what stands against it. A
        mirror image is a different shape: no positive scale serves, ``scale`` is 0, ``shift`` NaN.

    Raises
    ------
    InputError
        For series, other techniques, two core levels, spectra that do not overlap or options that cannot be.
    NotDeterminedError
        Where one of them holds nothing like the other: the scale does not stand out of its uncertainty (3 sigma), so
        that "the same shape" would mean nothing.

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
    farthest, degree = number_within("max_shift", max_shift, 0.0, 5.0), options(background, resolution, probe, step)
    level, power = probability("level", level), probability("power", power)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    first, second, notes = points_of(a, b, window, farthest, force=force)
    curve, own = _smooth(first, second, float(resolution), notes)
    empty = [name for name, one, of in (("a", first, curve), ("b", second, own)) if holds_nothing(one, of, degree)]
    matcher = Matcher(curve, second, own, degree=degree, step=bool(step), farthest=farthest)
    match = positive_match(matcher, empty, notes)
    if match.at_limit and max_shift > 0:
        notes.append(f"the shift lies at its limit of {max_shift:g} eV")
    scan = scan_of(match, second, float(probe), level, power, rng)
    differ = 2 * min(float(chi2.sf(match.chi2, match.dof)), scan.p_value) < level
    if len(empty) == 2 or (not stands(match, noise_only="a" in empty) and (empty or not differ)):
        raise refusal(match, empty)
    return _table(a, b, second, match, scan, notes, differ, level, power, float(probe), net_area(match, second, own))


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


def _table(
    a: xr.Dataset, b: xr.Dataset, points: Points, match: Match, scan: Scan, notes: list[str], differ: bool,
    level: float, power: float, probe: float, net: float,
) -> xr.Dataset:  # fmt: skip
    """Return all of it as a Dataset."""
    unc = np.sqrt(np.clip(np.diag(match.covariance), 0, None))
    p = float(chi2.sf(match.chi2, match.dof))
    axis, at = "binding_energy", scan.largest
    numbers: dict[str, tuple[Any, Any, str, str]] = {
        "scale": ((), match.values[0], "1", "Intensity of b over that of a"),
        "scale_unc": ((), unc[0] if match.values[0] else np.nan, "1", "Standard uncertainty"),
        "shift": ((), match.values[1] if match.values[0] else np.nan, "eV", "Energy of b less that of a"),
        "shift_unc": ((), unc[1] if match.values[0] else np.nan, "eV", "Standard uncertainty"),
        "chi2": ((), match.chi2, "1", "Likelihood ratio of one shape against two"),
        "p_value": ((), p, "1", "Probability of such a chi-square for equal shapes"),
        "residual": (axis, match.residual / np.sqrt(match.spread.diagonal()), "1", "Residual over its uncertainty"),
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
    text = (
        f"chi-square {match.chi2:.1f} for {match.dof} degrees of freedom, p = {p:.2g}; largest deviation "
        f"{_share(scan.area[at] / net)} at {points.x[at]:.1f} eV, p = {scan.p_value:.2g}"
    )
    if np.isfinite(net):
        text += (
            f"; a peak of {probe:g} eV FWHM with {100 * float(np.nanmedian(scan.seen / net)):.2g} % of the area "
            f"(median over the window) would have been seen with a probability of {power:.0%}"
        )
    blind = not differ and np.isfinite(net) and float(np.nanmedian(scan.seen / net)) > 1.0
    if blind:
        text = f"too faint: no difference below the whole area could be seen; {text}"
    if not match.values[0]:
        text = f"no positive scale makes b of a; {text}"
    out.attrs = {
        "kind": "table",
        "technique": "XPS",
        "surfspec_version": __version__,
        "conclusion": "different shape" if differ else "not determined" if blind else "same shape",
        "statement": text,
        "notes": "; ".join(notes),
        "level": level,
        "power": power,
        "probe_fwhm": probe,
        "step": int("step" in match.names),
        "degree": len(match.names) - (3 if "step" in match.names else 2) - 1,
        "spline_degree": DEGREE,
        **spectra.origin(a, b),
    }
    return schema.check(out, "table")


def _share(share: float) -> str:
    return f"{100 * share:+.2g} % of the area" if np.isfinite(share) else "(b has no area to compare it with)"

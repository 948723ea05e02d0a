r"""Zero shift and specimen displacement from the lines of a standard of known cell.

.. math:: 2\theta_{obs} - 2\theta_{hkl} = z + \delta\cos\theta
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import given, schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import verdict_of
from surfspec.xrd.lines.pairing import Pairing, pair
from surfspec.xrd.lines.peak_columns import check_peaks
from surfspec.xrd.patterns.calculated import pattern
from surfspec.xrd.patterns.wavelengths import radiation
from surfspec.xrd.structures.chosen import one_phase
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Lines of the standard weaker than this (%, of the strongest calculated) are not used.
WEAKEST = 2.0
#: Lines of the standard closer than this to another one (deg) are not used.
APART = 0.15
#: A line further off than this many standard deviations is left out.
OUTLIER = 4.0
#: Chance pairs as well when it reaches this share of the score.
BY_CHANCE = 0.5
#: Scatter of the lines, in FWHM, from which they are not lines of this cell, or not lone ones.
SCATTERED = 0.15
#: Correlation of zero and displacement from which only their sum is known.
INSEPARABLE = 0.9995
NAMES = ("zero", "displacement")
#: Flags of peaks whose position is not that of one line.
NOT_USED = ("overlap", "spike", "saturated", "at edge", "flank")


@dataclass(frozen=True)
class _Pairs:
    """Observed and calculated positions of the same lines (deg), with standard uncertainties."""

    observed: Array
    uncertainty: Array
    true: Array
    number: Index

    @property
    def design(self) -> Array:
        """Columns of zero and displacement."""
        return np.stack([np.ones_like(self.true), np.cos(np.radians(self.true) / 2.0)], axis=1)

    def take(self, which: NDArray[np.bool_]) -> _Pairs:
        return _Pairs(self.observed[which], self.uncertainty[which], self.true[which], self.number[which])


def line_shift(
    peaks: xr.Dataset, phase: str | Phase, *, wavelength: str | float | None = None, free: str | Sequence[str] = NAMES,
    tolerance: float = 0.4,
) -> xr.Dataset:  # fmt: skip
    r"""Find zero shift and displacement from the peaks of an (internal) standard.

    .. math:: 2\theta_{obs} = 2\theta_{hkl} + z + \delta\cos\theta

    by weighted least squares over the lines of `phase`, which has a known cell. Peaks and lines are paired at the shift
    and scale at which most lines have a peak of their strength; how much shifts far off pair tells whether this is more
    than chance (the verdict is ``check`` where it is not). Where the lines scatter by more than
    their uncertainties (asymmetric profiles, overlaps), a common scatter is added to each so that chi-square is as
    expected.

    Parameters
    ----------
    peaks
        Table of :func:`surfspec.xrd.find_peaks`.
    phase
        The standard: the name of a card, or a phase of your own.
    wavelength
        By default that of the table.
    free
        ``("zero", "displacement")``, or one of them; the other is 0.
    tolerance
        Largest shift of a line, deg, above 0 to 2.

    Returns
    -------
    xarray.Dataset
        Kind ``table``: ``zero``, ``displacement`` (deg, as :func:`surfspec.xrd.pattern` takes them) with ``_unc`` and
        their ``correlation``; ``scatter`` (deg); over ``line``: ``reference_two_theta``, ``peak_two_theta``,
        ``residual`` (deg) with indices h, k, l; ``verdict`` and ``reasons``. What is not free is 0 with uncertainty 0;
        what the lines do not determine is missing.

    Raises
    ------
    InputError
        When no line of the standard is found, or for wrong arguments.

    References
    ----------
    Wilson (1963) Mathematical Theory of X-ray Powder Diffractometry.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec import xrd
    >>> x, silicon = np.arange(25, 80, 0.02), xrd.phases(["Si"])[0]
    >>> made = xrd.pattern(silicon, wavelength="CuKa1", two_theta=x, zero=0.05, displacement=-0.08, scale=100)
    >>> counts = np.random.default_rng(0).poisson(50 + made.intensity.values)
    >>> peaks = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
    >>> found = xrd.line_shift(peaks, "Si")
    >>> bool(abs(found.zero - 0.05) < 3 * found.zero_unc), found.sizes["line"]
    (True, 5)
    """
    check_peaks(peaks)
    standard = one_phase(phase, "phase")
    wanted = (free,) if isinstance(free, str) else given.listed(free, "free")
    if not wanted or not all(isinstance(one, str) and one in NAMES for one in wanted):
        raise InputError(f"free is {given.shown(free)}", where="free", remedy=f"Name some of {', '.join(NAMES)}")
    tolerance = given.number(tolerance, "tolerance", low=0.0, high=2.0, above=True)
    light = radiation(wavelength if wavelength is not None else peaks.attrs.get("wavelength_name"))
    first, lines, pairing = _pairs(peaks, standard, light, tolerance)
    chosen = [name in wanted for name in NAMES]
    pairs, values, covariance, scatter = _fit(first, np.array(chosen))
    reasons = _reasons(pairs, covariance, chosen) + _doubts(pairing, scatter, float(np.nanmedian(peaks["fwhm"])))
    if any(one.startswith("not determined") for one in reasons):
        values, covariance = np.where(chosen, np.nan, 0.0), np.where(np.outer(chosen, chosen), np.nan, 0.0)
    residual = pairs.observed - pairs.true - pairs.design @ np.nan_to_num(values)
    spread = np.sqrt(np.diag(covariance))
    product = spread[0] * spread[1]
    degree = {"units": "deg"}
    table = xr.Dataset(
        {
            "zero": ((), values[0], {**degree, "long_name": "Zero shift", "ancillary_variables": "zero_unc"}),
            "zero_unc": ((), spread[0], {**degree, "long_name": "Standard uncertainty of the zero shift"}),
            "displacement": ((), values[1], {**degree, "long_name": "Shift by specimen displacement at 2θ = 0",
                                             "ancillary_variables": "displacement_unc"}),
            "displacement_unc": ((), spread[1], {**degree, "long_name": "Standard uncertainty of the displacement"}),
            "correlation": ((), covariance[0, 1] / product if product > 0 else np.nan,
                            {"units": "1", "long_name": "Correlation of zero and displacement"}),
            "scatter": ((), scatter, {**degree, "long_name": "Scatter of the lines beyond their uncertainties"}),
            "reference_two_theta": ("line", pairs.true, {**degree, "long_name": "Position by the cell"}),
            "peak_two_theta": ("line", pairs.observed, {**degree, "long_name": "Position measured"}),
            "peak_two_theta_unc": ("line", pairs.uncertainty, {**degree, "long_name": "Standard uncertainty"}),
            "residual": ("line", residual, {**degree, "long_name": "Measured less calculated"}),
            "verdict": ((), verdict_of(reasons)),
            "reasons": ((), "; ".join(reasons)),
        },
        coords={name: ("line", lines[name].values[pairs.number]) for name in ("h", "k", "l")},
        attrs={"kind": "table", "technique": "XRD", "phase": standard.id, "wavelength": light.wavelengths[0],
               "wavelength_name": light.name, **spectra.origin(peaks)},
    )  # fmt: skip
    table["peak_two_theta"].attrs["ancillary_variables"] = "peak_two_theta_unc"
    return schema.check(table, "table")


def _pairs(peaks: xr.Dataset, phase: Phase, light: object, tolerance: float) -> tuple[_Pairs, xr.Dataset, Pairing]:
    """Pair the peaks with the lines of the standard, at the common shift that pairs most of their intensity."""
    at, spread = peaks["peak_two_theta"].values, peaks["peak_two_theta_unc"].values
    good = np.isfinite(spread) & (spread > 0)
    if "flag" in peaks:
        good &= np.array([not any(word in flag for word in NOT_USED) for flag in peaks["flag"].values], dtype=bool)
    at, spread, strength = at[good], spread[good], peaks["area"].values[good]
    if not len(at):
        raise InputError(
            "the table has no peak that stands alone", where="peaks", remedy="Look at the pattern and at the flags"
        )
    span = (1.0, min(float(at.max()) + 1.0, 179.0))
    lines = pattern(phase, wavelength=light, two_theta=span)  # type: ignore[arg-type]
    true, relative = lines["reflection_two_theta"].values, lines["relative_intensity"].values
    gap = np.full(len(true), np.inf)
    apart = np.diff(true)
    gap[:-1], gap[1:] = apart, np.minimum(gap[1:], apart)
    use = np.flatnonzero((relative > WEAKEST) & (gap > APART))
    order = np.argsort(at)
    found = pair(at[order], strength[order], true[use], relative[use], tolerance)
    if found is None:
        raise InputError(
            f"no peak is within {tolerance:g} deg of a line of {phase.id}",
            where="phase",
            remedy="Check the standard and the wavelength, or raise the tolerance",
        )
    peak, line = order[found.peak], use[found.line]
    pairs = _Pairs(at[peak], spread[peak], true[line], line.astype(np.int64))
    return pairs, lines, found


def _fit(pairs: _Pairs, chosen: NDArray[np.bool_]) -> tuple[_Pairs, Array, Array, float]:
    """Weighted least squares with a common scatter; lines that stand far off are left out, worst first."""
    free = np.flatnonzero(chosen)
    while True:
        scatter = 0.0
        for _ in range(50):
            weight = 1.0 / (pairs.uncertainty**2 + scatter**2)
            design = pairs.design[:, free]
            inverse = np.linalg.pinv(design.T @ (weight[:, None] * design), hermitian=True)
            part = inverse @ (design.T @ (weight * (pairs.observed - pairs.true)))
            left = pairs.observed - pairs.true - design @ part
            spare = len(left) - len(free)
            excess = float(weight @ left**2) / max(spare, 1)
            if spare < 1 or (excess <= 1.0 + 1e-6 and scatter == 0.0) or abs(excess - 1.0) < 1e-3:
                break
            mean = 1.0 / float(np.mean(weight))
            scatter = float(np.sqrt(max(scatter**2 + (excess - 1.0) * mean, 0.0)))
        # the scatter is that of the bulk: one bad line must not hide itself
        typical = np.sqrt(pairs.uncertainty**2 + (1.4826 * np.median(np.abs(left))) ** 2)
        worst = int(np.argmax(np.abs(left) / typical))
        if spare < 3 or np.abs(left[worst]) < OUTLIER * typical[worst]:
            break
        pairs = pairs.take(np.arange(len(left)) != worst)
    values, covariance = np.zeros(2), np.zeros((2, 2))
    values[free] = part
    covariance[np.ix_(free, free)] = inverse
    return pairs, values, covariance, scatter


def _reasons(pairs: _Pairs, covariance: Array, chosen: Sequence[bool]) -> list[str]:
    count, wanted = len(pairs.true), sum(chosen)
    if count <= wanted:
        return [f"not determined: {count} line{'s' if count > 1 else ''} for {wanted} shifts, and none to check them"]
    if wanted == 2:
        correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        if abs(correlation) > INSEPARABLE:
            low, high = float(pairs.true.min()), float(pairs.true.max())
            return [
                f"correlated: zero and displacement ({correlation:.3f}), for lines from {low:.0f} to {high:.0f} deg"
            ]
    return []


def _doubts(pairing: Pairing, scatter: float, fwhm: float) -> list[str]:
    """Reasons to doubt that the peaks are those of the standard."""
    doubts = []
    chance = pairing.chance[1]
    if pairing.score <= 0.0:
        doubts.append("ambiguous: as many lines of the standard are missing as are found")
    elif chance > BY_CHANCE * pairing.score:
        share = chance / pairing.score
        doubts.append(f"ambiguous: at shifts far off {share:.0%} as much of the standard finds peaks")
    if scatter > SCATTERED * fwhm:
        doubts.append(f"model inadequate: lines scatter by {scatter:.3f} deg about the cell, of a width of {fwhm:.3f}")
    return doubts

"""Peak search: which lines stand out from the counting noise, where, how strong and how wide."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from surfspec.xrd.lines.background_choice import Basis, bases, compare
from surfspec.xrd.lines.detection import baseline_below, maxima, typical_width
from surfspec.xrd.lines.hunt import Hunt, State, joined, step_of
from surfspec.xrd.lines.line_fit import LineFit, area_variance
from surfspec.xrd.lines.line_law import OWN_SKEW, Law
from surfspec.xrd.lines.line_model import LineValues, components, moved
from surfspec.xrd.lines.line_split import split
from surfspec.xrd.lines.noise import Noise, counting_variance, spikes
from surfspec.xrd.patterns.wavelengths import Radiation

__all__ = ["Peaks", "Searched", "counting_variance", "search", "search_all"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Points a line is sampled with at most; finer patterns are averaged.
POINTS_PER_LINE = 8.0
#: Rounds of looking for further lines in what the fit leaves.
ROUNDS = 2
#: Gauss-Newton steps of each of the two fits of a quick search.
QUICK_STEPS = 4
#: Most lines of one pattern.
MOST_LINES = 400


@dataclass(frozen=True)
class Peaks:
    """Fitted peaks, arrays over the peaks: position, height, area and FWHM with standard uncertainties (deg)."""

    two_theta: Array
    two_theta_unc: Array
    height: Array
    height_unc: Array
    fwhm: Array
    fwhm_unc: Array
    area: Array
    area_unc: Array
    significance: Array


@dataclass(frozen=True)
class Searched:
    """All that a peak search found out.

    Attributes
    ----------
    x, y, variance
        The pattern as fitted (averaged where it was sampled finely): 2 theta (deg), intensity, variance, shape (n,).
    fit
        Lines and background.
    basis
        Background basis of the fit.
    strength
        Height over its uncertainty of each line, shape (m,).
    misfit
        Reduced chi-square within a width of each line, shape (m,).
    model_error
        Relative error of the line profiles by which variances were enlarged.
    law
        Widths and shapes of the pattern's lines.
    spikes
        Indices of channels of the pattern as given that stand alone.
    step
        Step of the pattern as given, deg.
    """

    x: Array
    y: Array
    variance: Array
    fit: LineFit
    basis: Basis
    strength: Array
    misfit: Array
    model_error: float
    law: Law
    spikes: Index
    step: float


def search(
    x: Array, y: Array, variance: Array, *, threshold: float = 5.0, light: Radiation | None = None,
    quick: bool = False,
) -> Peaks:  # fmt: skip
    """Find and fit the peaks of one pattern.

    Lines are local maxima of a matched filter on the data above a background; all are fitted at once by least squares
    as split pseudo-Voigt lines (K-alpha2 included where `light` has two lines) together with a spline background, and
    further lines are looked for in what this fit leaves.

    Parameters
    ----------
    x, y, variance
        2 theta in deg (rising, near uniform), intensity and its variance, shape (n,).
    threshold
        Smallest signal-to-noise ratio of a line.
    light
        Radiation, so that the Ka2 line is no peak of its own.
    quick
        One look at what the first fit leaves, symmetric lines, no line in two parts: positions, heights, widths, areas
        and significances for a search of phases, in a fraction of the time. Asymmetric strong lines may then keep a
        faint companion on their steep flank, and centres are those of symmetric lines.

    Returns
    -------
    Peaks
        Sorted by angle; empty arrays when nothing stands out.
    """
    return peaks_of(search_all(x, y, variance, threshold=threshold, light=light, quick=quick))


def peaks_of(found: Searched) -> Peaks:
    """Lines of a search as arrays with uncertainties, enlarged where the profile misfits."""
    lines, spread = found.fit.lines, found.fit.spread()
    enlarged = np.sqrt(enlargement(found))
    areas = [area_variance(lines, index, found.fit.line_covariance(index)) for index in range(len(lines.height))]
    return Peaks(
        lines.center, enlarged * spread.center, lines.height, enlarged * spread.height,
        lines.width, enlarged * lines.width * spread.log_width, lines.area, enlarged * np.sqrt(np.array(areas)),
        found.strength,
    )  # fmt: skip


def sharpened(peaks: Peaks, found: Searched) -> Peaks:
    r"""Take off the width that averaging neighbours adds: mean squares of independent spreads add, areas stay.

    .. math:: H^2 = H_{fit}^2 - 8\ln2\,\frac{n^2 - 1}{12}\,s^2

    for n points of step s, whose places have the variance (n^2 - 1) s^2 / 12 about their mean.
    """
    count = round(step_of(found.x) / found.step)
    added = 8.0 * np.log(2.0) * (count**2 - 1.0) / 12.0 * found.step**2
    factor = np.sqrt(np.maximum(1.0 - added / peaks.fwhm**2, 0.5))
    return replace(peaks, fwhm=peaks.fwhm * factor, height=peaks.height / factor, height_unc=peaks.height_unc / factor)


def enlargement(found: Searched) -> Array:
    """Factor of the variances of each line: its misfit where that is beyond the scatter of chi-square."""
    points = np.maximum(4.0 * found.fit.lines.width / step_of(found.x), 4.0)
    return np.where(found.misfit > 1.0 + 2.5 * np.sqrt(2.0 / points), found.misfit, 1.0)


def search_all(
    x: Array, y: Array, variance: Array, *, threshold: float = 5.0, light: Radiation | None = None,
    noise: Noise | None = None, quick: bool = False,
) -> Searched:  # fmt: skip
    """Find and fit the peaks of one pattern, and return everything.

    Parameters
    ----------
    x, y, variance, threshold, light, quick
        As for :func:`search`.
    noise
        How the variance follows from the expectation. With it the weights come from the fitted model, as maximum
        likelihood asks, and not from the data: weights from counts pull a fit low.
    """
    step = step_of(x)
    alone = spikes(y, variance)
    cleaned = y.copy()
    if np.any(alone):
        cleaned[alone] = np.interp(x[alone], x[~alone], y[~alone])
    width = typical_width(cleaned, variance, step)
    gx, gy, gv, shrink = _averaged(x, cleaned, variance, max(int(width / step / POINTS_PER_LINE), 1))
    hunt = Hunt(gx, gy, gv, shrink, threshold, light, noise, float(np.sqrt(np.median(gv))))
    law = Law(width * 0.95)
    low = baseline_below(gy, width, step_of(gx))
    place = maxima(gy - low, gv, width, step_of(gx), threshold)
    height = np.maximum((gy - low)[place], 0.0)
    center, height = _without_ka2(gx[place], height, width, light)
    best = np.sort(np.argsort(-height)[:MOST_LINES])
    starts = law.lines(center[best], height[best])
    nothing = csc_array((len(gx), 0))
    base = compare(low, 1.0 / gv, bases(gx, width), nothing, np.zeros(0)).best
    strength = height[best] / np.sqrt(np.interp(starts.center, gx, gv) * step_of(gx) / width)
    state = _quick(hunt, starts, law, base, strength) if quick else _thorough(hunt, starts, law, base, strength)
    state = state.only(np.argsort(state.fit.lines.center))
    return Searched(
        gx, gy, state.variance, state.fit, state.basis, state.strength, state.misfit, state.model_error,
        state.law, np.flatnonzero(alone).astype(np.int64), step,
    )  # fmt: skip


def _thorough(hunt: Hunt, starts: LineValues, law: Law, basis: Basis, strength: Array) -> State:
    """Fit, prune, split, and look again for lines until there are no more."""
    state = hunt.fit(starts, law, basis, strength, hunt.first_variance, first=True, steps=5)
    state = hunt.pruned(state)
    state = split(hunt, state)
    for _ in range(ROUNDS):
        state = replace(state, basis=hunt.choose(state))
        more = hunt.leftovers(state)
        strength = np.concatenate([state.strength, np.full(len(more.height), hunt.threshold)])
        state = hunt.fit(joined(state.fit.lines, more), state.law, state.basis, strength, state.variance)
        state = hunt.pruned(state)
        if len(more.height) == 0:
            break
    return hunt.polished(state)


def _quick(hunt: Hunt, starts: LineValues, law: Law, basis: Basis, strength: Array) -> State:
    """Fit symmetric lines, once more with what was left and without what does not stand out."""
    plain = np.minimum(strength, OWN_SKEW)
    state = hunt.fit(starts, law, basis, plain, hunt.first_variance, steps=QUICK_STEPS, first=True, again=False)
    keep, more = np.flatnonzero(hunt.sound(state)), hunt.leftovers(state)
    lines = joined(state.fit.lines.take(keep), more)
    plain = np.minimum(np.concatenate([state.strength[keep], np.full(len(more.height), hunt.threshold)]), OWN_SKEW)
    state = hunt.fit(lines, replace(state.law, skew=0.0), hunt.choose(state), plain, state.variance,
                     steps=QUICK_STEPS, again=False)  # fmt: skip
    return state.only(np.flatnonzero(hunt.sound(state)))


def _without_ka2(center: Array, height: Array, width: float, light: Radiation | None) -> tuple[Array, Array]:
    """Leave out maxima where a stronger one has its K-alpha2 line; the fit brings back what is more than that."""
    keep = np.ones(len(center), dtype=bool)
    for ratio, weight in components(light)[1:]:
        ghost, _ = moved(center, ratio)
        apart = np.abs(center[:, None] - ghost[None, :]) < 0.4 * width
        keep &= ~np.any(apart & (height[:, None] < 1.6 * weight * height[None, :]), axis=1)
    return center[keep], height[keep]


def _averaged(x: Array, y: Array, variance: Array, count: int) -> tuple[Array, Array, Array, float]:
    """Average whole numbers of neighbours of a uniform grid; also the factor on the variance."""
    step = step_of(x)
    if count < 2 or float(np.max(np.abs(np.diff(x) - step))) > 0.05 * step:
        return x, y, variance, 1.0
    length = len(x) // count
    parts = [one[: length * count].reshape(length, count).mean(axis=1) for one in (x, y, variance)]
    return parts[0], parts[1], parts[2] / count, 1.0 / count

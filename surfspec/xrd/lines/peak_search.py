"""Peak search: which lines stand out from the counting noise, where, how strong and how wide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from surfspec.xrd.lines.background_choice import Basis, bases, compare
from surfspec.xrd.lines.detection import ROOT8LN2, baseline_below, maxima, typical_width
from surfspec.xrd.lines.line_fit import OWN_SKEW, Law, LineFit, area_variance, fit_lines, law_of
from surfspec.xrd.lines.line_model import LineValues, components, moved
from surfspec.xrd.lines.noise import Noise, counting_skewness, counting_variance, gaussian_score, spikes
from surfspec.xrd.patterns.wavelengths import Radiation

__all__ = ["Peaks", "Searched", "counting_variance", "search", "search_all"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Points a line is sampled with at most; finer patterns are averaged.
POINTS_PER_LINE = 8.0
#: Rounds of looking for further lines in what the fit leaves.
ROUNDS = 2
#: Reduced chi-square on a line, by counting alone, from which two lines are tried in its place.
SPLIT_MISFIT = 2.5
#: Fall of chi-square that two lines in place of one must bring: three further parameters at about 6 sigma.
SPLIT_GAIN = 40.0
#: Relative error of the profile that is always allowed when a line is split.
PROFILE_ERROR = 0.05
#: Largest relative error of the profile in the weights; what misfits more enlarges the uncertainties instead.
LARGEST_ERROR = 0.05
#: Two lines of like width closer than this (in FWHM) are one.
SAME_LINE = 0.4
#: Of two lines closer than a FWHM the weaker one must have this many times the threshold: the profile may be at fault.
CLOSE = 2.0
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


def enlargement(found: Searched) -> Array:
    """Factor of the variances of each line: its misfit where that is beyond the scatter of chi-square."""
    points = np.maximum(4.0 * found.fit.lines.width / _step(found.x), 4.0)
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
    step = _step(x)
    alone = spikes(y, variance)
    cleaned = y.copy()
    if np.any(alone):
        cleaned[alone] = np.interp(x[alone], x[~alone], y[~alone])
    width = typical_width(cleaned, variance, step)
    gx, gy, gv, shrink = _averaged(x, cleaned, variance, max(int(width / step / POINTS_PER_LINE), 1))
    hunt = _Hunt(gx, gy, gv, shrink, threshold, light, noise, float(np.sqrt(np.median(gv))))
    law = Law(width * 0.95)
    low = baseline_below(gy, width, _step(gx))
    place = maxima(gy - low, gv, width, _step(gx), threshold)
    height = np.maximum((gy - low)[place], 0.0)
    center, height = _without_ka2(gx[place], height, width, light)
    best = np.sort(np.argsort(-height)[:MOST_LINES])
    starts = _new_lines(center[best], height[best], law)
    nothing = csc_array((len(gx), 0))
    base = compare(low, 1.0 / gv, bases(gx, width), nothing, np.zeros(0)).best
    strength = height[best] / np.sqrt(np.interp(starts.center, gx, gv) * _step(gx) / width)
    state = hunt.quick(starts, law, base, strength) if quick else hunt.thorough(starts, law, base, strength)
    state = state.only(np.argsort(state.fit.lines.center))
    return Searched(
        gx, gy, state.variance, state.fit, state.basis, state.strength, state.misfit, state.model_error,
        state.law, np.flatnonzero(alone).astype(np.int64), step,
    )  # fmt: skip


@dataclass(frozen=True)
class _State:
    fit: LineFit
    law: Law
    basis: Basis
    strength: Array
    misfit: Array
    variance: Array
    model_error: float

    def only(self, index: Index) -> _State:
        """Return some of the lines, in the order of `index`; background, model and law stay."""
        return replace(self, fit=_sorted(self.fit, index), strength=self.strength[index], misfit=self.misfit[index])


@dataclass(frozen=True)
class _Hunt:
    """The data of one pattern, and the steps of a search on them."""

    x: Array
    y: Array
    first_variance: Array
    shrink: float
    threshold: float
    light: Radiation | None
    noise: Noise | None
    sigma: float

    def fit(self, lines: LineValues, law: Law, basis: Basis, strength: Array, variance: Array, *,
            steps: int = 8, first: bool = False, again: bool = True) -> _State:  # fmt: skip
        """Fit, learn the law of the lines and the error of the profile, and weight anew."""
        fit = fit_lines(
            self.x, self.y, 1.0 / variance, basis, lines, law,
            light=self.light, strength=strength, noise=self.sigma, iterations=steps,
            free_share=first,
        )  # fmt: skip
        counting = self._counting(fit.model)
        signal = fit.model - fit.background
        points = max(float(law.width(np.array(np.median(self.x)))) / _step(self.x), 1.0)
        error = _model_error(self.y - fit.model, counting, signal)
        strength = self._strength(fit, points * error**2)
        if again and np.any((strength > OWN_SKEW) & ~fit.active[4 * len(strength) :]):
            # lines that turned out strong have a shape of their own
            return self.fit(fit.lines, law, basis, strength, variance, steps=steps, first=first, again=False)
        variance = counting + points * (error * signal) ** 2
        misfit = _local_misfit(self.x, (self.y - fit.model) ** 2 / variance, fit.lines)
        return _State(fit, law_of(fit.lines, strength, law), basis, strength, misfit, variance, error)

    def thorough(self, starts: LineValues, law: Law, basis: Basis, strength: Array) -> _State:
        """Fit, prune, split, and look again for lines until there are no more."""
        state = self.fit(starts, law, basis, strength, self.first_variance, first=True, steps=5)
        state = self.pruned(state)
        state = self.split(state)
        for _ in range(ROUNDS):
            state = replace(state, basis=self.choose(state))
            more = self.leftovers(state)
            strength = np.concatenate([state.strength, np.full(len(more.height), self.threshold)])
            state = self.fit(_joined(state.fit.lines, more), state.law, state.basis, strength, state.variance)
            state = self.pruned(state)
            if len(more.height) == 0:
                break
        return state

    def quick(self, starts: LineValues, law: Law, basis: Basis, strength: Array) -> _State:
        """Fit symmetric lines, once more with what was left and without what does not stand out."""
        plain = np.minimum(strength, OWN_SKEW)
        state = self.fit(starts, law, basis, plain, self.first_variance, steps=QUICK_STEPS, first=True, again=False)
        keep, more = np.flatnonzero(self._sound(state)), self.leftovers(state)
        lines = _joined(state.fit.lines.take(keep), more)
        plain = np.minimum(np.concatenate([state.strength[keep], np.full(len(more.height), self.threshold)]), OWN_SKEW)
        state = self.fit(lines, replace(state.law, skew=0.0), self.choose(state), plain, state.variance,
                         steps=QUICK_STEPS, again=False)  # fmt: skip
        return state.only(np.flatnonzero(self._sound(state)))

    def _strength(self, fit: LineFit, model_error: float) -> Array:
        """Signal-to-noise ratio of each line against the hypothesis that there is all but this line.

        The noise is that of the counts expected without the line and of the profile errors of the others; what the
        line shares with its neighbours and the background is taken off.
        """
        count = len(fit.lines.height)
        heights = fit.jacobian[:, :count].tocoo()
        own = heights.data * fit.lines.height[heights.col]
        without = fit.model[heights.row] - own
        others = np.maximum(without - fit.background[heights.row], 0.0)
        first = self.first_variance[heights.row]
        noise = first if self.noise is None else self.noise.variance(without) * self.shrink
        squares = heights.data**2
        alone = np.bincount(heights.col, squares / (noise + model_error * others**2), count)
        score = np.asarray(fit.lines.height * np.sqrt(alone) / np.maximum(fit.sharing(), 1.0))
        if self.noise is None:
            return score
        level = np.bincount(heights.col, squares * np.maximum(without, 0.0), count) / np.maximum(
            np.bincount(heights.col, squares, count), 1e-300
        )
        counts = level / max(self.noise.factor, 1e-300) / self.shrink
        sigma = fit.lines.width / ROOT8LN2 / _step(self.x)
        return np.where(score > 1.0, gaussian_score(score, counting_skewness(counts, sigma)), score)

    def pruned(self, state: _State) -> _State:
        """Take out, weakest of each neighbourhood first, lines that do not stand out, and fit again."""
        for _ in range(5):
            lines, keep = state.fit.lines, self._sound(state)
            if np.all(keep):
                return state
            state = self.fit(lines.take(np.flatnonzero(keep)), state.law, state.basis, state.strength[keep],
                             state.variance, steps=4)  # fmt: skip
        return state

    def _sound(self, state: _State) -> NDArray[np.bool_]:
        lines, width = state.fit.lines, state.law.width(state.fit.lines.center)
        bad = (state.strength < self.threshold) | (lines.width < 0.25 * width) | ~np.isfinite(state.strength)
        order = np.argsort(lines.center)
        strength = np.where(bad, state.strength, np.inf)
        for here, there in pairwise(order):
            apart, both = lines.center[there] - lines.center[here], lines.width[[here, there]]
            if apart < SAME_LINE * both.min() and both.max() < 2.0 * both.min():
                bad[here if state.strength[here] < state.strength[there] else there] = True  # one line, described twice
            elif apart < both.min() and min(state.strength[here], state.strength[there]) < CLOSE * self.threshold:
                bad[here if state.strength[here] < state.strength[there] else there] = True
            elif apart < 2.0 * width[here]:
                # of two neighbours that both fail one may stand once the other is gone
                weaker = here if strength[here] < strength[there] else there
                other = there if weaker == here else here
                if bad[weaker] and bad[other]:
                    bad[other] = False
        return ~bad

    def split(self, state: _State) -> _State:
        """Put two lines in place of one that misfits, where that mends it beyond what chance and profile errors do."""
        lines = state.fit.lines
        law = state.law.width(lines.center)
        squares = (self.y - state.fit.model) ** 2 / self._counting(state.fit.model)
        odd = _local_misfit(self.x, squares, lines) > SPLIT_MISFIT
        odd |= (lines.width > 1.5 * law) & (state.strength > 2.0 * self.threshold)
        odd &= state.strength > 2.0 * self.threshold
        if not np.any(odd):
            return state
        chosen = lines.take(np.flatnonzero(odd))
        parts = [
            replace(chosen, height=0.6 * chosen.height, center=chosen.center + side * 0.35 * chosen.width,
                    log_width=np.minimum(chosen.log_width - 0.35, np.log(law[odd])), share=np.full(odd.sum(), 0.5),
                    skew=np.zeros(odd.sum()))
            for side in (-1.0, 1.0)
        ]  # fmt: skip
        kept = np.flatnonzero(~odd)
        strength = np.concatenate([state.strength[kept], np.tile(state.strength[odd], 2)])
        typical = replace(state.law, size=min(state.law.size, float(np.median(parts[0].width))))
        trial = self.fit(
            _joined(lines.take(kept), _joined(*parts)), typical, state.basis, strength, state.variance, steps=15
        )
        return self._better_parts(state, trial, np.flatnonzero(odd), len(kept))

    def _better_parts(self, state: _State, trial: _State, odd: Index, kept: int) -> _State:
        """Keep the parts of those lines that they mend; both parts must stand out."""
        number = np.arange(len(odd))
        first, second = kept + number, kept + len(odd) + number
        error = max(trial.model_error, PROFILE_ERROR)
        points = max(float(trial.law.width(np.array(np.median(self.x)))) / _step(self.x), 1.0)
        variance = self._counting(trial.fit.model) + points * (error * (trial.fit.model - trial.fit.background)) ** 2
        region = state.fit.lines.take(odd)
        count = 4.0 * region.width / _step(self.x)
        gain = count * (_local_misfit(self.x, (self.y - state.fit.model) ** 2 / variance, region)
                        - _local_misfit(self.x, (self.y - trial.fit.model) ** 2 / variance, region))  # fmt: skip
        new = trial.fit.lines
        apart = np.abs(new.center[second] - new.center[first]) > 0.4 * trial.law.width(region.center)
        stands = np.minimum(trial.strength[first], trial.strength[second]) > self.threshold
        good = (gain > SPLIT_GAIN) & stands & apart
        old = np.setdiff1d(np.arange(len(state.fit.lines.height)), odd[good])
        parts = np.concatenate([first[good], second[good]])
        lines = _joined(state.fit.lines.take(old), new.take(parts))
        strength = np.concatenate([state.strength[old], trial.strength[parts]])
        return self.fit(lines, state.law, state.basis, strength, self.first_variance)

    def _counting(self, model: Array) -> Array:
        return self.first_variance if self.noise is None else self.noise.variance(model) * self.shrink

    def choose(self, state: _State) -> Basis:
        """Most probable background for the lines found."""
        choices = bases(self.x, float(np.median(state.law.width(self.x))))
        count = len(state.fit.lines.height)
        heights = state.fit.jacobian[:, :count]
        return compare(self.y - state.fit.far, 1.0 / state.variance, choices, heights, np.zeros(count)).best

    def leftovers(self, state: _State) -> LineValues:
        """Lines that stand out of what the fit leaves: on flanks of strong ones, and wider ones."""
        left = self.y - state.fit.model
        counts = None
        if self.noise is not None:
            counts = np.maximum(state.fit.model, 0.0) / max(self.noise.factor, 1e-300) / self.shrink
        known = state.fit.lines.center
        found: list[float] = []
        heights: list[float] = []
        for factor in (1.0, 2.2):
            width = factor * float(np.median(state.law.width(self.x)))
            place = maxima(left, state.variance, width, _step(self.x), self.threshold, counts=counts, centred=False)
            for at in place[np.argsort(-left[place])]:
                apart = np.abs(np.concatenate([known, np.array(found)]) - self.x[at])
                if np.all(apart > 0.45 * state.law.width(self.x[at : at + 1])[0] * factor):
                    found.append(float(self.x[at]))
                    heights.append(max(float(left[at]), 0.0))
            if found:
                break
        return _new_lines(np.array(found), np.array(heights), state.law)


def _without_ka2(center: Array, height: Array, width: float, light: Radiation | None) -> tuple[Array, Array]:
    """Leave out maxima where a stronger one has its K-alpha2 line; the fit brings back what is more than that."""
    keep = np.ones(len(center), dtype=bool)
    for ratio, weight in components(light)[1:]:
        ghost, _ = moved(center, ratio)
        apart = np.abs(center[:, None] - ghost[None, :]) < 0.4 * width
        keep &= ~np.any(apart & (height[:, None] < 1.6 * weight * height[None, :]), axis=1)
    return center[keep], height[keep]


def _new_lines(center: Array, height: Array, law: Law) -> LineValues:
    share = np.full(len(center), law.share)
    return LineValues(np.asarray(height, dtype=np.float64), center, np.log(law.width(center)), share, law.skews(center))


def _joined(first: LineValues, second: LineValues) -> LineValues:
    return LineValues(*(np.concatenate(pair) for pair in zip(first.parts(), second.parts(), strict=True)))


def _sorted(fit: LineFit, order: Index) -> LineFit:
    """Return the same fit with its lines, or some of them, in another order."""
    count, base = len(fit.lines.height), len(fit.coefficients)
    columns = np.concatenate([order + kind * count for kind in range(5)])
    place = np.cumsum(fit.active) - 1 + base
    active = fit.active[columns]
    rows = np.concatenate([np.arange(base), place[columns][active]])
    return replace(
        fit, lines=fit.lines.take(order), active=active, covariance=fit.covariance[np.ix_(rows, rows)],
        jacobian=fit.jacobian[:, columns], prior_spread=fit.prior_spread.take(order), alone=fit.alone[order],
    )  # fmt: skip


def _step(x: Array) -> float:
    return float(np.median(np.diff(x)))


def _averaged(x: Array, y: Array, variance: Array, count: int) -> tuple[Array, Array, Array, float]:
    """Average whole numbers of neighbours of a uniform grid; also the factor on the variance."""
    step = _step(x)
    if count < 2 or float(np.max(np.abs(np.diff(x) - step))) > 0.05 * step:
        return x, y, variance, 1.0
    length = len(x) // count
    parts = [one[: length * count].reshape(length, count).mean(axis=1) for one in (x, y, variance)]
    return parts[0], parts[1], parts[2] / count, 1.0 / count


def _model_error(left: Array, variance: Array, signal: Array) -> float:
    """Relative profile error eps with which residuals on strong lines are as large as variances say (by the median)."""
    strong = signal > 10.0 * np.sqrt(variance)
    if np.count_nonzero(strong) < 10:
        return 0.0
    square, own, noise = left[strong] ** 2, signal[strong] ** 2, variance[strong]
    low, high = 0.0, LARGEST_ERROR
    for _ in range(20):
        middle = 0.5 * (low + high)
        if float(np.median(square / (noise + middle**2 * own))) > 0.4549:
            low = middle
        else:
            high = middle
    return low


def _local_misfit(x: Array, squares: Array, lines: LineValues) -> Array:
    """Mean of squared normalised residuals within two widths of each line's centre."""
    total = np.concatenate([[0.0], np.cumsum(squares)])
    low = np.searchsorted(x, lines.center - 2.0 * lines.width)
    high = np.maximum(np.searchsorted(x, lines.center + 2.0 * lines.width), low + 1)
    high = np.minimum(high, len(x))
    return np.asarray((total[high] - total[low]) / np.maximum(high - low, 1))

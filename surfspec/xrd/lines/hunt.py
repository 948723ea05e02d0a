"""One pattern and the steps of a search on it: fit, weigh, prune, choose the background, look for what is left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.lines.background_choice import Basis, bases, compare
from surfspec.xrd.lines.detection import ROOT8LN2, maxima
from surfspec.xrd.lines.line_fit import LineFit, fit_lines
from surfspec.xrd.lines.line_law import OWN_SKEW, Law, law_of
from surfspec.xrd.lines.line_misfit import local_misfit, model_error_of
from surfspec.xrd.lines.line_model import LineValues
from surfspec.xrd.lines.noise import Noise, counting_skewness, gaussian_score
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Two lines of like width closer than this (in FWHM) are one.
SAME_LINE = 0.4
#: Gauss-Newton steps of the last fit.
POLISH = 5
#: Of two lines closer than a FWHM the weaker one must have this many times the threshold: the profile may be at fault.
CLOSE = 2.0


@dataclass(frozen=True)
class State:
    """Lines as fitted, what they have in common, the background's basis, and how each line stands.

    `strength` and `misfit` are those of :class:`~surfspec.xrd.lines.peak_search.Searched`, `variance` that of the
    points by the fitted model.
    """

    fit: LineFit
    law: Law
    basis: Basis
    strength: Array
    misfit: Array
    variance: Array
    model_error: float

    def only(self, index: Index) -> State:
        """Return some of the lines, in the order of `index`; background, model and law stay."""
        return replace(self, fit=self.fit.only(index), strength=self.strength[index], misfit=self.misfit[index])


@dataclass(frozen=True)
class Hunt:
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
            steps: int = 8, first: bool = False, again: bool = True) -> State:  # fmt: skip
        """Fit, learn the law of the lines and the error of the profile, and weight anew."""
        fit = fit_lines(
            self.x, self.y, 1.0 / variance, basis, lines, law,
            light=self.light, strength=strength, noise=self.sigma, iterations=steps,
            free_share=first,
        )  # fmt: skip
        counting = self.counting(fit.model)
        signal = fit.model - fit.background
        points = max(float(law.width(np.array(np.median(self.x)))) / step_of(self.x), 1.0)
        error = model_error_of(self.y - fit.model, counting, signal)
        strength = self._strength(fit, points * error**2)
        if again and np.any((strength > OWN_SKEW) & ~fit.active[4 * len(strength) :]):
            # lines that turned out strong have a shape of their own
            return self.fit(fit.lines, law, basis, strength, variance, steps=steps, first=first, again=False)
        variance = counting + points * (error * signal) ** 2
        misfit = local_misfit(self.x, (self.y - fit.model) ** 2 / variance, fit.lines)
        return State(fit, law_of(fit.lines, strength, law), basis, strength, misfit, variance, error)

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
        sigma = fit.lines.width / ROOT8LN2 / step_of(self.x)
        return np.where(score > 1.0, gaussian_score(score, counting_skewness(counts, sigma)), score)

    def pruned(self, state: State) -> State:
        """Take out, weakest of each neighbourhood first, lines that do not stand out, and fit again."""
        for _ in range(5):
            lines, keep = state.fit.lines, self.sound(state)
            if np.all(keep):
                return state
            state = self.fit(lines.take(np.flatnonzero(keep)), state.law, state.basis, state.strength[keep],
                             state.variance, steps=4)  # fmt: skip
        return state

    def polished(self, state: State) -> State:
        """Fit the lines found once more by counting weights, and state uncertainties with the error of the profile.

        Weights that allow for an error of the profile give the top of a strong line away for its tails, and a profile
        that is not quite the model's comes out too wide.
        """
        if state.model_error == 0.0 or not len(state.strength):
            return state
        weights = self.counting(state.fit.model)
        sharp = self.fit(state.fit.lines, state.law, state.basis, state.strength, weights, steps=POLISH, again=False)
        told = self.fit(sharp.fit.lines, sharp.law, sharp.basis, sharp.strength, sharp.variance, steps=0, again=False)
        return replace(told, strength=state.strength, variance=sharp.variance, model_error=sharp.model_error)

    def sound(self, state: State) -> NDArray[np.bool_]:
        """Tell which lines stand out, are wide enough and are no second description of a neighbour, shape (m,)."""
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

    def counting(self, model: Array) -> Array:
        """Variance by counting of points with this expectation."""
        return self.first_variance if self.noise is None else self.noise.variance(model) * self.shrink

    def choose(self, state: State) -> Basis:
        """Most probable background for the lines found."""
        choices = bases(self.x, float(np.median(state.law.width(self.x))))
        count = len(state.fit.lines.height)
        heights = state.fit.jacobian[:, :count]
        return compare(self.y - state.fit.far, 1.0 / state.variance, choices, heights, np.zeros(count)).best

    def leftovers(self, state: State) -> LineValues:
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
            place = maxima(left, state.variance, width, step_of(self.x), self.threshold, counts=counts, centred=False)
            for at in place[np.argsort(-left[place])]:
                apart = np.abs(np.concatenate([known, np.array(found)]) - self.x[at])
                if np.all(apart > 0.45 * state.law.width(self.x[at : at + 1])[0] * factor):
                    found.append(float(self.x[at]))
                    heights.append(max(float(left[at]), 0.0))
            if found:
                break
        return state.law.lines(np.array(found), np.array(heights))


def joined(first: LineValues, second: LineValues) -> LineValues:
    """Return the lines of both."""
    return LineValues(*(np.concatenate(pair) for pair in zip(first.parts(), second.parts(), strict=True)))


def step_of(x: Array) -> float:
    """Grid step, deg."""
    return float(np.median(np.diff(x)))

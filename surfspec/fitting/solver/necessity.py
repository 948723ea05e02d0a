"""Whether the data need an amplitude that the other parameters could make up for.

Of two peaks that overlap, each may lie many standard uncertainties above zero although one of them alone, a little
wider, explains the data as well: the covariance knows the likelihood at the best fit, not what it is without the peak.
And where noise makes a close pair look like a clearer one, its error bars are too short, with a likelihood that is
quite quadratic. The remedy is the likelihood ratio: the amplitude is taken away, the others are fitted again, and
the rise of the deviance is compared with its distribution.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from surfspec.fitting.solver.objective import Objective, Problem
from surfspec.fitting.solver.polish import End, Limits, descend, state_at

Array = NDArray[np.float64]

#: An amplitude is needed where its absence is as improbable as a normal deviation of this many sigma: four leaves 1 %
#: of pairs half a FWHM apart and 300 counts high that are called good and are wrong, three leaves 3 %.
NEEDED = 4.0
#: Below this many standard uncertainties an amplitude is not distinct from zero anyhow.
FAINT = 3.0
#: Amplitudes beyond this many standard uncertainties are not doubted: the deviance without them rises by at least
#: a thirtieth of the square (measured on pairs of peaks 0.4 to 2 FWHM apart, 30 to 3,000 counts high).
CERTAIN = 25.0
#: Variance of an amplitude relative to that with all others known, from which the others can make up for it.
SHARED = 1.5
#: Relative rounding of the model up to which it counts as linear.
ROUNDING = 1e-9
#: Gauss-Newton steps at most. From the second on they stop where the next one promises to leave three times the rise
#: that is needed, or where twice what it promises would still leave enough.
PASSES = 8
ENOUGH = 3.0


def replaceable(
    problem: Problem,
    goal: Objective,
    limits: Limits,
    end: End,
    covariance: Array,
    scale: float,
    doubt: Collection[str] | None = None,
) -> tuple[tuple[str, float], ...]:
    r"""Return the amplitudes that the data do not need, with the rise of the deviance without each.

    .. math:: \min_{\mathrm{others}} D(A = 0) - D_{\min} < s\,\chi^2_{1+k}(4\sigma)

    with the scale s of the covariance and the number k of parameters (centre, width) that have no effect
    without the amplitude A.

    Parameters
    ----------
    problem, goal, limits
        What was fitted to what.
    end
        Where the fit arrived.
    covariance
        Shape (p, p), at `end`.
    scale
        Factor that is contained in the covariance.
    doubt
        Parameters that are asked about; all with a natural lower limit by default.

    Returns
    -------
    tuple of (name, rise)
        `rise`, in units of the scale, is an upper bound: the descent ends where it falls short.

    References
    ----------
    Wilks, Ann. Math. Stat. 9 (1938) 60; Hauck and Donner, J. Am. Stat. Assoc. 72 (1977) 851 (why the distance
    in standard uncertainties misleads).
    """
    found = []
    with np.errstate(invalid="ignore"):
        unc = np.sqrt(np.diag(covariance))
    size = np.sum((goal.weight(end.model)[:, None] * end.jacobian) ** 2, axis=0)
    for i, one in enumerate(problem.parameters):
        above = end.values[i] - one.low
        doubted = FAINT * unc[i] <= above < CERTAIN * unc[i] and unc[i] ** 2 * size[i] > SHARED * scale
        asked = doubt is None or one.name in doubt
        if not (asked and one.vary and one.natural_low and doubted and _linear(problem, end, i, above)):
            continue
        rise, needed = _without(problem, goal, limits, end, covariance, i, scale)
        if rise < needed:
            found.append((one.name, rise))
    return tuple(found)


def _linear(problem: Problem, end: End, index: int, above: float) -> bool:
    """Return whether the model is linear in a parameter: an amplitude, no width that may be zero as well."""
    without = end.values.copy()
    without[index] -= above
    part = np.asarray(end.model - problem.evaluate(without), dtype=np.float64)
    straight = above * end.jacobian[:, index]
    return bool(np.max(np.abs(part - straight)) <= ROUNDING * np.max(np.abs(end.model)))


def _without(
    problem: Problem, goal: Objective, limits: Limits, end: End, covariance: Array, index: int, scale: float
) -> tuple[float, float]:
    """Return the rise of the deviance without an amplitude, as far as it matters, and what it should be."""
    free = limits.free.copy()
    free[index] = False
    others = replace(limits, free=free)
    away = limits.low[index] - end.values[index]
    follow = np.where(free & np.isfinite(covariance[index]), covariance[index] / covariance[index, index] * away, 0.0)
    start = np.clip(end.values + follow, limits.low, limits.high)
    start[index] = limits.low[index]
    state = state_at(problem, goal, others, start)
    dead = free & np.any(end.jacobian != 0, axis=0) & ~np.any(state.jacobian != 0, axis=0)
    needed = float(chi2.isf(2 * norm.sf(NEEDED), 1 + np.count_nonzero(dead)))
    for number in range(PASSES):
        rise = (state.cost - end.cost) / scale
        promised = state.gain / scale
        if rise < needed or (number and rise - promised > min(ENOUGH * needed, needed + promised)):
            break
        values, _ = descend(problem, goal, others, state, None)
        if values is None:
            break
        state = state_at(problem, goal, others, values)
    return (state.cost - end.cost) / scale, needed

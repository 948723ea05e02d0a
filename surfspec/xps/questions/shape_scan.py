"""One more peak, looked for at every energy in what one spectrum leaves of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec.errors import InputError
from surfspec.xps.questions.shape_match import Match, Points

Array = NDArray[np.float64]

#: Simulated residuals that give the distribution of the largest deviation.
DRAWN: Final = 2000
#: Part of the information on a local deviation that scale, shift and background must leave.
LEFT: Final = 0.05
#: Places in a probe's FWHM at which simulated residuals are looked through.
PLACES: Final = 12


@dataclass(frozen=True)
class Scan:
    """Local deviations: area and uncertainty at each energy, what would have been seen, and the largest."""

    area: Array
    unc: Array
    seen: Array
    largest: int
    p_value: float


def scan_of(match: Match, points: Points, probe: float, level: float, power: float, rng: np.random.Generator) -> Scan:
    r"""Ask every energy for one more peak.

    .. math:: A = \frac{g^T Q r}{g^T Q g}, \quad u^2(A) = \frac{1}{g^T Q g}, \quad
              Q = V^{-1} - V^{-1} J (J^T V^{-1} J)^{-1} J^T V^{-1}
    """
    sigma = probe / (2 * np.sqrt(2 * np.log(2)))
    peaks = np.exp(-0.5 * ((points.x[:, None] - points.x) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    direct = match.spread.solve(peaks)
    through = match.slopes.T @ direct
    weighted = match.spread.solve(match.slopes)
    filtered = direct - weighted @ (match.covariance @ through)
    before, left = np.sum(peaks * direct, axis=0), np.sum(peaks * filtered, axis=0)
    usable = left > LEFT * before
    if not usable.any():
        raise InputError(
            f"a peak of {probe:g} eV FWHM is nowhere told from scale, shift and background",
            where="probe",
            remedy="Give a narrower probe, a wider window or background=0",
        )
    unc = np.where(usable, 1 / np.sqrt(np.where(usable, left, 1.0)), np.nan)
    area = np.where(usable, np.sum(filtered * match.residual[:, None], axis=0) * unc**2, np.nan)
    # a probe is far wider than fine steps: the largest of simulated deviations is met at every few points as well
    some = np.flatnonzero(usable)[:: max(1, int(probe / PLACES / float(np.median(np.diff(points.x)))))]
    shape = match.spread.rooted(filtered[:, some]) * unc[some]
    highest = np.max(np.abs(rng.standard_normal((DRAWN, shape.shape[0])) @ shape), axis=1)
    score = np.abs(area / unc)
    largest = int(np.nanargmax(score))
    p = (1 + np.count_nonzero(highest >= score[largest])) / (1 + DRAWN)
    needed = float(np.quantile(highest, 1 - level / 2)) + float(norm.isf(1 - power))
    return Scan(area, unc, needed * unc, largest, float(p))

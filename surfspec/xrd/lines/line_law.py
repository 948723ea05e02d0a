"""What the lines of a pattern have in common: a law of widths, a Lorentzian share, an asymmetry; and what it foretells.

A line scatters about the law; a strong one teaches it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec.xrd.lines.line_model import LineValues

Array = NDArray[np.float64]

#: Scatter of ln FWHM, Lorentzian share and asymmetry of single lines about the law of the pattern.
WIDTH_SPREAD, SHARE_SPREAD, SKEW_SPREAD = 0.35, 0.15, 0.06
#: Scatter of a centre about the place where it was detected, in FWHM.
CENTER_SPREAD = 0.5
#: Significance from which a line has a share, an asymmetry of its own.
OWN_SHARE, OWN_SKEW = 10.0, 30.0
#: Lorentzian share before any line tells.
FIRST_SHARE = 0.5


@dataclass(frozen=True)
class Law:
    """What holds for the lines of a pattern: H = size / cos theta + strain tan theta (deg), share, asymmetry.

    The asymmetry is that at 2 theta = 30 deg; it goes as cot 2 theta, as axial divergence does.
    """

    size: float
    strain: float = 0.0
    share: float = FIRST_SHARE
    skew: float = 0.0

    def width(self, two_theta: Array) -> Array:
        """FWHM, deg."""
        theta = np.radians(two_theta) / 2.0
        return np.asarray(self.size / np.cos(theta) + self.strain * np.tan(theta))

    def skews(self, two_theta: Array) -> Array:
        """Asymmetry of lines."""
        return np.asarray(np.clip(self.skew * asymmetry_law(two_theta), -0.4, 0.4))

    def lines(self, center: Array, height: Array) -> LineValues:
        """Lines of this law at centres (deg)."""
        share = np.full(len(center), self.share)
        return LineValues(
            np.asarray(height, dtype=np.float64), center, np.log(self.width(center)), share, self.skews(center)
        )


def asymmetry_law(two_theta: Array) -> Array:
    """Return cot 2 theta, 1 at 30 deg, of one sign and at most 4."""
    cotangent = np.cos(np.radians(two_theta)) / np.sin(np.radians(np.maximum(two_theta, 3.0)))
    return np.asarray(np.clip(cotangent / np.sqrt(3.0), 0.0, 4.0))


def prior_of(center: Array, law: Law, free_share: bool) -> tuple[Array, Array]:
    """Return expectations and precisions of the line values (none for heights), each of shape (5 m,)."""
    one = np.ones_like(center)
    width, share_spread = law.width(center), 0.5 if free_share else SHARE_SPREAD
    expected = np.concatenate([0.0 * one, center, np.log(width), law.share * one, law.skews(center)])
    precision = np.concatenate(
        [0.0 * one, 1.0 / (CENTER_SPREAD * width) ** 2, one / WIDTH_SPREAD**2, one / share_spread**2,
         1.0 / (SKEW_SPREAD * np.maximum(asymmetry_law(center), 0.3)) ** 2]
    )  # fmt: skip
    return expected, precision


def law_of(lines: LineValues, strength: Array, before: Law, *, least: float = 8.0) -> Law:
    """Learn width law, share and asymmetry from the strong lines, robustly; few lines leave the law as it was.

    Parameters
    ----------
    lines
        Fitted lines.
    strength
        Their significances, shape (m,).
    before
        Law they were fitted with.
    least
        Significance of a strong line.
    """
    strong = strength > least
    if np.count_nonzero(strong) < 2:
        return before
    center, width = lines.center[strong], lines.width[strong]
    trust = np.sqrt(np.minimum(strength[strong], 100.0))
    if len(center) < 3:
        size, strain = float(np.average(width * np.cos(np.radians(center) / 2.0), weights=trust)), 0.0
    else:
        size, strain = _robust_width(center, width, trust)
    sure = strong & (strength > 2.0 * OWN_SHARE)
    share, skew = before.share, before.skew
    if np.count_nonzero(sure):
        share = float(np.clip(_middle(lines.share[sure], strength[sure]), 0.0, 1.0))
    sure = strong & (strength > 2.0 * OWN_SKEW) & (asymmetry_law(lines.center) > 0.2)
    if np.count_nonzero(sure):
        law = asymmetry_law(lines.center[sure])
        skew = float(np.clip(_middle(lines.skew[sure] / law, strength[sure] * law), -0.3, 0.3))
    return Law(size, strain, share, skew)


def _robust_width(center: Array, width: Array, trust: Array) -> tuple[float, float]:
    theta = np.radians(center) / 2.0
    matrix = np.stack([1.0 / np.cos(theta), np.tan(theta)], axis=1)
    typical = float(np.median(width))
    size, strain = typical, 0.0
    for _ in range(6):
        deviation = np.abs(width - matrix @ np.array([size, strain]))
        robust = trust / (1.0 + deviation / (0.2 * typical))
        size, strain = (float(one) for one in nnls(matrix * robust[:, None], width * robust)[0])
    return max(float(size), 0.2 * typical), float(strain)  # all strain: let no line vanish at low angle


def _middle(values: Array, weight: Array) -> float:
    """Weighted median."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])

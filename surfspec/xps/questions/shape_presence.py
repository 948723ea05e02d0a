"""Whether two spectra hold anything in common at all, before their shapes are called the same."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from surfspec.errors import NotDeterminedError
from surfspec.xps.questions.shape_match import Match, Matcher, Points, Smooth
from surfspec.xps.questions.shape_spread import basis

Array = NDArray[np.float64]

#: Standard uncertainties of the scale below which the spectra have nothing in common that could be compared.
STANDS: Final = 3.0
#: The same where a by itself is nothing but noise, which scaled and shifted looks like anything now and then.
CHANCE: Final = 5.0
#: Probability of a straight background from which a spectrum by itself holds nothing else.
EMPTY: Final = 1e-3


def holds_nothing(points: Points, own: Smooth, degree: int) -> bool:
    """Say whether a spectrum by itself is a polynomial within its noise."""
    x, weight = points.x - points.x.mean(), 1 / np.sqrt(own.variance)
    design = np.vander(x / x[-1], degree + 1, increasing=True) * weight[:, None]
    left = points.y * weight - design @ np.linalg.lstsq(design, points.y * weight, rcond=None)[0]
    return bool(chi2.sf(max(float(left @ left) - own.chi2, 0.0), max(1, own.values.size - degree - 1)) > EMPTY)


def positive_match(matcher: Matcher, empty: list[str], notes: list[str]) -> Match:
    """Return the best match with a scale that is not negative."""
    try:
        match = matcher.best()
    except NotDeterminedError as error:
        if "a" in empty:  # its noise, scaled up, takes any shape: nothing ends that
            raise refusal(None, empty) from error
        raise
    if match.values[0] > 0:
        return match
    notes.append("no positive scale makes b of a")
    return matcher.without_a()


def stands(match: Match, *, noise_only: bool = False) -> bool:
    """Say whether the scale stands out of its uncertainty."""
    needed = CHANCE if noise_only else STANDS
    return match.known and bool(match.values[0] > needed * np.sqrt(max(match.covariance[0, 0], 0.0)))


def refusal(match: Match | None, empty: list[str]) -> NotDeterminedError:
    """Return the refusal to call something the same as nothing."""
    text = {"a": "a holds nothing like b", "b": "b holds nothing like a"}
    told = "a and b hold nothing" if len(empty) == 2 else text[empty[0]] if empty else "b holds nothing like a"
    if empty:
        told += f" ({' and '.join(empty)} by {'themselves' if len(empty) == 2 else 'itself'}: a background and noise)"
    if match is not None and match.values[0] and match.known:
        told += f"; the scale is {match.values[0]:.2g} +- {np.sqrt(match.covariance[0, 0]):.2g}"
    return NotDeterminedError(
        told,
        where="compare",
        remedy="Compare spectra that hold the line: measure longer, or choose another window",
    )


def net_area(match: Match, points: Points, own: Smooth) -> float:
    """Return the area of b above the straight line between its ends; NaN where its noise is as large."""
    curve = match.model if stands(match) else basis(own.knots, points.x) @ own.values
    line = np.interp(points.x, points.x[[0, -1]], curve[[0, -1]])
    area = abs(float(np.trapezoid(curve - line, points.x)))
    width = float(points.x[-1] - points.x[0])
    noise = np.sqrt(float(np.sum(own.variance))) * width / points.x.size
    return area if area > noise else float("nan")

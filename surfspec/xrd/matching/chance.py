r"""Lines that meet by chance: how many lines an unlisted phase may have, and what a line at a free place costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Mean number of line groups (0.15 deg apart, Cu Ka1, 10 to 80 deg) above a share of the strongest line, over the 139
#: cards of the library: the more a line is below the strongest line nobody explains, the likelier it is met by chance.
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0)
COUNTS = (27.2, 22.7, 15.5, 10.1, 5.6, 2.3, 1.3, 1.0)
#: Prior odds that a pattern holds a phase which is not in the list.
UNLISTED = 0.2
#: Range (deg) of the counts.
SPAN = 70.0
#: Peak height of a unit-area pseudo-Voigt line of unit FWHM with eta = 0.5.
PEAK = 0.788


def expected_lines(share: Array, span: float) -> Array:
    """Return how many lines of an unlisted phase are at least `share` of its strongest, within `span` deg.

    Examples
    --------
    >>> expected_lines(np.array([1.0, 0.1]), 70.0).tolist()
    [1.0, 10.1]
    """
    counts = np.interp(np.log(np.clip(share, SHARES[0], 1.0)), np.log(SHARES), COUNTS)
    return np.asarray(np.maximum(counts * span / SPAN, 1.0))


def unlisted_cost(foreign: int) -> float:
    r"""Cost (nats) of there being an unlisted phase where `foreign` lines already speak for one.

    .. math:: -\ln\min(1, \pi_u e^{m})

    Each line that nobody explains raises the odds of an unlisted phase by e at least.

    Examples
    --------
    >>> round(unlisted_cost(0), 2), unlisted_cost(3)
    (1.61, 0.0)
    """
    return max(0.0, -float(np.log(UNLISTED)) - foreign)


def free_cost(
    heights: Array, width: Array | float, strongest: float, loose: int, span: float, amplitude: float
) -> Array:
    r"""Cost (nats) of explaining a line of each height by one at a free place.

    .. math:: \ln\frac{n}{\max(m, N(h/h_1))} + a, \qquad n = \mathrm{span} / H

    A wide line has fewer places than a narrow one.

    Parameters
    ----------
    heights
        h of the lines.
    width
        H, their widths, deg.
    strongest
        h_1, the strongest line that would be free.
    loose
        m, the number of lines that would be free.
    span
        Range of the pattern, deg.
    amplitude
        a, what the free height costs.
    """
    share = heights / max(strongest, 1e-300)
    crowd = np.maximum(expected_lines(share, span), max(loose, 1))
    return np.asarray(np.log(np.maximum(span / width / crowd, 2.0)) + amplitude)

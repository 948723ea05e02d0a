r"""Layers that the beam removes at random sites: what is covered and what is left, averaged over each spectrum.

A site of `n` layers that loses one at a time with the cross-section :math:`\sigma` has lost `j` at dose `D` with the
Poisson probability of mean :math:`x = \sigma D`. It is covered while :math:`j < n`, with the probability `Q(n, x)`
(regularised upper incomplete gamma function), and holds
:math:`\sum_{j<n} (n - j) P_j = n\,Q(n, x) - x\,Q(n - 1, x)` layers on average. The means over a spectrum need

.. math:: \int_0^x Q(n, u)\,du = x\,Q(n, x) + n\,P(n + 1, x), \qquad
          \int_0^x u\,Q(a, u)\,du = \tfrac12 x^2 Q(a, x) + \tfrac12 a(a + 1)\,P(a + 2, x),

both by integration by parts. The functions of neighbouring orders differ by one Poisson term,
:math:`Q(n + 1, x) = Q(n, x) + x^n e^{-x}/n!`, so that one of them is computed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, gammaln

Array = NDArray[np.float64]


def covered_and_left(layers: Array, start: Array, end: Array) -> tuple[Array, Array]:
    r"""Return the mean share of sites still covered and the mean layers on one of those, over each interval.

    Parameters
    ----------
    layers
        :math:`n`, whole numbers from 1, broadcast against the others; of length 1 along the spectra it is faster.
    start, end
        :math:`\sigma D` at the beginning and the end of each spectrum; equal for a surface before the beam.

    Returns
    -------
    covered, left
        Share of sites that are covered, 1, and layers on a covered site.

    Examples
    --------
    >>> covered, left = covered_and_left(np.array([2.0]), np.array([0.0]), np.array([0.4]))
    >>> round(float(covered[0]), 3), round(float(left[0]), 2)
    (0.978, 1.84)
    """
    first = np.maximum(start, 1e-12)
    last = np.maximum(end, first + 1e-4)  # an interval of no length is a short one
    width = last - first

    def integrals(x: Array) -> tuple[Array, Array]:
        q = gammaincc(layers, x)
        term = np.exp((layers - 1) * np.log(x) - x - log_factorial)  # the probability of n - 1 lost
        above = 1 - q - term * x / layers  # P(n + 1, x)
        whole = x * q + layers * above
        lost = 0.5 * (x**2 * (q - term) + (layers - 1) * layers * above)
        return whole, layers * whole - lost

    log_factorial = gammaln(layers)
    if layers.shape[-1:] == (1,) and np.array_equal(first[..., 1:], last[..., :-1]):
        whole, left = integrals(np.concatenate([first, last[..., -1:]], axis=-1))  # each spectrum follows the last
        (whole_a, left_a), (whole_b, left_b) = (whole[..., :-1], left[..., :-1]), (whole[..., 1:], left[..., 1:])
    else:
        (whole_a, left_a), (whole_b, left_b) = integrals(first), integrals(last)
    covered = (whole_b - whole_a) / width
    held = (left_b - left_a) / width
    # a covered site has a layer at least; where none is covered, rounding must not tell otherwise
    return np.asarray(covered), np.clip(held / np.maximum(covered, 1e-30), 1.0, layers)

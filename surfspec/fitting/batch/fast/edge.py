r"""The falling edge for the compiled kernel; the formula is that of :mod:`surfspec.fitting.lineshapes.edge`.

The library's ``erfc`` is a call for each point, which no vector instruction can take. Here

.. math:: \tfrac12\,\mathrm{erfc}(u) = \tfrac12\,e^{-u^2}\,r\,P(r), \qquad r = \frac{1}{1 + u/4}, \qquad u \ge 0

with a polynomial `P` that interpolates :math:`\mathrm{erfcx}(u)/r` in the Chebyshev points of `r` for `u` up to 6;
beyond that the edge is level to 2e-17 of its height and written so. Below the centre it is one less this at
:math:`|u|`. The mapping is that of Shepherd and Laframboise (Math. Comp. 36 (1981) 249), on the finite range that an
edge needs. The largest error is 3e-15 of the height.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from math import log, pi, sqrt
from typing import Final

import numpy as np
from numba import njit
from numpy.polynomial import chebyshev
from scipy.special import erfcx

from surfspec.fitting.batch.fast.windows import REACH

_STEEP: Final = 2.0 * sqrt(log(2.0))
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
#: Reduced distance from which the edge is level, scale of the mapping, and degree of the polynomial.
_REACH: Final = REACH
_MAPPING: Final = 0.25
_DEGREE: Final = 15
_LEAST: Final = 1.0 / (1.0 + _MAPPING * _REACH)

#: Reordering of single operations is allowed in these loops; nothing assumes that numbers are finite.
_FAST: Final = {"nsz", "arcp", "contract"}


def _polynomial() -> np.ndarray:
    """Return the coefficients of P over s = (2 r - 1 - r_least) / (1 - r_least), lowest power first."""
    s = chebyshev.chebpts1(_DEGREE + 1)
    r = _LEAST + 0.5 * (1.0 - _LEAST) * (s + 1.0)
    wanted = erfcx((1.0 / r - 1.0) / _MAPPING) / r
    return np.asarray(chebyshev.cheb2poly(chebyshev.chebfit(s, wanted, _DEGREE)))


_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7, _C8, _C9, _C10, _C11, _C12, _C13, _C14, _C15 = map(float, _polynomial())


@njit(fastmath=_FAST, error_model="numpy")
def half_erfc(u, bell):
    """Return erfc(u)/2 from `u` and exp(-u^2), to 3e-15."""
    r = 1.0 / (1.0 + _MAPPING * min(abs(u), _REACH))
    s = (2.0 / (1.0 - _LEAST)) * r - (1.0 + _LEAST) / (1.0 - _LEAST)
    s2 = s * s
    s4 = s2 * s2
    # in pairs (Estrin's order), which keeps the chain of dependent operations short
    low = (_C0 + _C1 * s) + (_C2 + _C3 * s) * s2 + ((_C4 + _C5 * s) + (_C6 + _C7 * s) * s2) * s4
    high = (_C8 + _C9 * s) + (_C10 + _C11 * s) * s2 + ((_C12 + _C13 * s) + (_C14 + _C15 * s) * s2) * s4
    part = 0.5 * bell * r * (low + high * (s4 * s4))
    return part if u >= 0.0 else 1.0 - part


@njit(fastmath=_FAST, error_model="numpy")
def _left(weight, height, end, out, at, keep):
    for i in range(end):
        out[at, i] = keep * out[at, i] + height * weight[i]


@njit(fastmath=_FAST, error_model="numpy")
def _values(x, weight, center, steep, height, bell, out, keep):
    for i in range(x.size):
        out[i] = keep * out[i] + height * weight[i] * half_erfc((x[i] - center) * steep, bell[i])


@njit(fastmath=_FAST, error_model="numpy")
def _slopes(x, weight, center, per, height, bell, by_center, by_width, keep_center, keep_width):
    for i in range(x.size):
        slope = height * weight[i] * bell[i]
        by_center[i] = keep_center * by_center[i] + slope
        by_width[i] = keep_width * by_width[i] + (x[i] - center) * per * slope


@njit(error_model="numpy")
def edge(x, weight, center, fwhm, height, bell, first, end, out, at, keep):
    """Write an edge of some height and its derivatives over centre and width, times the weight, into rows of `out`.

    `bell` holds exp(-4 ln 2 t^2) of the points from `first` to `end`; before them the edge is level, behind them it is
    nothing, and neither has slopes. Two loops, because one that writes three rows is not vectorised; and slices of
    single rows, because loops between offsets are not.
    """
    per = 1.0 / fwhm
    _left(weight, height, first, out, at[0], keep[0])
    x, weight = x[first:end], weight[first:end]
    a, b, c = out[at[0], first:end], out[at[1], first:end], out[at[2], first:end]
    _values(x, weight, center, _STEEP * per, height, bell, a, keep[0])
    _slopes(x, weight, center, per, height * _GAUSS * per, bell, b, c, keep[1], keep[2])

r"""The falling edge for the compiled kernel; the formula is that of :mod:`surfspec.fitting.lineshapes.edge`.

The library's ``erfc`` is a call for each point, which no vector instruction can take. Here

.. math:: \tfrac12\,\mathrm{erfc}(u) = \tfrac12\,e^{-u^2}\,r\,P(r), \qquad r = \frac{1}{1 + u/4}, \qquad u \ge 0

with a polynomial `P` that interpolates :math:`\mathrm{erfcx}(u)/r` in the Chebyshev points of `r` for `u` up to 6, from
where on the edge is zero to 1e-17 of its height; below the centre :math:`1 - \tfrac12\mathrm{erfc}(|u|)`. The mapping
is that of Shepherd and Laframboise (Math. Comp. 36 (1981) 249), on the finite range that an edge needs. The largest
error is 6e-15 of the height.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from math import log, pi, sqrt
from typing import Final

import numpy as np
from numba import njit
from numpy.polynomial import chebyshev
from scipy.special import erfcx

_STEEP: Final = 2.0 * sqrt(log(2.0))
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
#: Reduced distance from which the edge is level, scale of the mapping, and degree of the polynomial.
_REACH: Final = 6.0
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


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def half_erfc(u, bell):
    """Return erfc(u)/2 from `u` and exp(-u^2), to 6e-15."""
    r = 1.0 / (1.0 + _MAPPING * min(abs(u), _REACH))
    s = (2.0 / (1.0 - _LEAST)) * r - (1.0 + _LEAST) / (1.0 - _LEAST)
    s2 = s * s
    s4 = s2 * s2
    # in pairs (Estrin's order), which keeps the chain of dependent operations short
    low = (_C0 + _C1 * s) + (_C2 + _C3 * s) * s2 + ((_C4 + _C5 * s) + (_C6 + _C7 * s) * s2) * s4
    high = (_C8 + _C9 * s) + (_C10 + _C11 * s) * s2 + ((_C12 + _C13 * s) + (_C14 + _C15 * s) * s2) * s4
    part = 0.5 * bell * r * (low + high * (s4 * s4))
    return part if u >= 0.0 else 1.0 - part


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _values(x, weight, center, steep, height, bell, out, a, keep):
    for i in range(x.size):
        out[a, i] = keep * out[a, i] + height * weight[i] * half_erfc((x[i] - center) * steep, bell[i])


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _slopes(x, weight, center, per, height, bell, out, b, c, keep_b, keep_c):
    for i in range(x.size):
        slope = height * weight[i] * bell[i]
        out[b, i] = keep_b * out[b, i] + slope
        out[c, i] = keep_c * out[c, i] + (x[i] - center) * per * slope


@njit(cache=True, error_model="numpy")
def edge(x, weight, center, fwhm, height, bell, out, at, keep):
    """Write an edge of some height and its derivatives over centre and width, times the weight, into rows of `out`.

    `bell` holds exp(-4 ln 2 t^2) of the points. Two loops, because one that writes three rows is not vectorised.
    """
    per = 1.0 / fwhm
    _values(x, weight, center, _STEEP * per, height, bell, out, at[0], keep[0])
    _slopes(x, weight, center, per, height * _GAUSS * per, bell, out, at[1], at[2], keep[1], keep[2])

r"""The falling edge: 1 far below its position and 0 above, smeared by a Gaussian.

.. math:: f(x) = \tfrac12\,\mathrm{erfc}\!\left(2\sqrt{\ln 2}\;t\right), \qquad t = (x - x_0) / w

It is the integral of a Gaussian over all that lies above `x`: the role ``center`` (:math:`x_0`) is where it has fallen
to one half and is steepest, the role ``fwhm`` (`w`) the full width at half maximum of :math:`-f'`, which is the
``gaussian`` of the same roles. With :math:`g = -f'` the derivatives over the roles are `g` and `t g`. It is the
in-depth shoulder under a LEIS peak, or any other step that the resolution of the instrument smears.

Its integral is not finite. What a model calls the area of such a component is therefore its **height**, and what
``Shape.width`` calls its width is that of the derivative.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Final

import numpy as np
from scipy.special import erfc

from surfspec.fitting.lineshapes.base import ANYWHERE, FAR, WIDTH_BOUNDS, Array, Shape, axis, require, require_width

_LN16: Final = 4.0 * log(2.0)
_STEEP: Final = 2.0 * sqrt(log(2.0))
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
#: Exponents stop here (1e-261), so that no product of a Gaussian tail underflows.
_EXPONENT_LIMIT: Final = 600.0


def _reduced(x: Array, center: float, fwhm: float) -> Array:
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    reach = FAR * fwhm
    return np.minimum(np.maximum(axis(x) - center, -reach), reach) / fwhm


def _evaluate(x: Array, center: float, fwhm: float) -> Array:
    return np.asarray(0.5 * erfc(_STEEP * _reduced(x, center, fwhm)), dtype=np.float64)


def _derivatives(x: Array, center: float, fwhm: float) -> Array:
    t = _reduced(x, center, fwhm)
    out = np.empty((3, t.size))
    out[0] = 0.5 * erfc(_STEEP * t)
    out[1] = _GAUSS * np.exp(-np.minimum(_LN16 * t * t, _EXPONENT_LIMIT)) / fwhm
    out[2] = t * out[1]
    return out


def _width(center: float, fwhm: float) -> tuple[float, Array]:
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    return fwhm, np.array([0.0, 1.0])


def _height(center: float, fwhm: float) -> tuple[float, Array]:
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    return 1.0, np.zeros(2)


EDGE: Final = Shape(
    "edge",
    ("center", "fwhm"),
    evaluate=_evaluate,
    derivatives=_derivatives,
    width=_width,
    height=_height,
    bounds={"center": ANYWHERE, "fwhm": WIDTH_BOUNDS},
    reference="integral of a Gaussian (Abramowitz and Stegun 7.1.2); under LEIS peaks: "
    "G. C. Nelson, J. Vac. Sci. Technol. A 4 (1986) 1567",
)

r"""CasaXPS's asymmetric Lorentzians: ``la`` is its LA(alpha, beta, n), ``lf`` its LF(alpha, beta, w, n).

.. math:: f(x) = \frac{1}{N F}\, U\!\left(\frac{x - c}{F}\right), \qquad
   U(s) = \int \frac{G_\sigma(s - u)}{(1 + 4u^2)^{e(u)}}\, du, \qquad \sigma = \frac{n}{240 \sqrt 2}

with :math:`e = \alpha` on the side of high and :math:`\beta` on the side of low binding energy. ``lf`` lets the
exponents rise with the distance, :math:`e(u) = e_0 + \max(3 - e_0, 0)\,[1 - 1/(1 + 4u^2/w^2)]`, so that its area is
finite for any exponent. Roles are what CasaXPS shows: ``center`` is its Position, the centre of the Lorentzian before
the convolution and not the maximum; ``fwhm`` is its FWHM, twice the distance from maximum to half maximum on the
side of low binding energy. The width of the Lorentzian F follows from it; ``Shape.width`` is the full width at half
maximum of the line itself. The area is that over the whole axis, no matter how long the tails; ``la`` needs exponents
above 1/2 for that and is bounded above 0.55.

That LA is this convolution is published; what n, w and the quoted FWHM mean is not. It was found from curves that
CasaXPS exported of one fit, LF(0.54, 10, 80, 100, 6), which these formulas meet within 1e-4 of the maximum with w = 80
and n = 100 convolved six times (n = 245 once). That the width of the Gaussian goes with n was found from measured C 1s,
O 1s and Mo 3d spectra that CasaXPS had fitted with n = 100, 130 and 243: their sums of squares are least at its widths
within 0.2 % and at its areas within 0.3 %. Other values of w are unverified, as is what a damping does to an exponent
above 3 (nothing, here).
"""

from __future__ import annotations

from math import inf
from typing import Final

import numpy as np

from surfspec.fitting.lineshapes.base import ANYWHERE, FAR, WIDTH_BOUNDS, Array, Shape, axis, require, require_width
from surfspec.fitting.lineshapes.convolved import Form, area, rows
from surfspec.fitting.lineshapes.halves import Halves, halves, over_form

REFERENCE: Final = (
    "G. H. Major et al., Surf. Interface Anal. 53 (2021) 689, eq. 6 (the convolution); "
    "meaning of n, w and FWHM found from curves exported by CasaXPS"
)
EXPONENTS_LA: Final = (0.55, 200.0)
EXPONENTS_LF: Final = (0.01, 200.0)
DAMPINGS: Final = (0.1, 1e4)
SMOOTHINGS: Final = (0.0, 1e4)


def _form(center: float, fwhm: float, form: Form, exponents: tuple[float, float]) -> Form:
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    require("alpha", form.alpha, *exponents)
    require("beta", form.beta, *exponents)
    require("smoothing", form.smoothing, *SMOOTHINGS)
    if form.damping < inf:
        require("damping", form.damping, *DAMPINGS)
    return Form(*(float(v) for v in form))


def _lorentz_width(fwhm: float, ends: Halves) -> tuple[float, Array]:
    """Width of the Lorentzian, and its gradient over the form."""
    per = 2.0 * (ends.place - ends.low)
    return fwhm / per, -fwhm / per**2 * 2.0 * (ends.place_slope - ends.low_slope)


def _reduced(x: Array, center: float, width: float) -> Array:
    reach = FAR * width
    return np.clip(x - center, -reach, reach) / width


def _values(x: Array, center: float, fwhm: float, form: Form) -> Array:
    width, _ = _lorentz_width(fwhm, halves(form))
    return np.asarray(rows(_reduced(x, center, width), form)[0, 0] / (area(form)[0] * width))


def _all(x: Array, center: float, fwhm: float, form: Form) -> Array:
    """Values and derivatives over center, fwhm, alpha, beta, smoothing, damping."""
    width, width_slope = _lorentz_width(fwhm, halves(form))
    norm, norm_slope = area(form)
    s = _reduced(x, center, width)
    table = rows(s, form, 2)
    f, slope = table[0, 0] / (norm * width), table[1, 0] / (norm * width)
    by_width = -(f + s * slope) / width
    by_form = over_form(table, form) / (norm * width) - np.outer(norm_slope / norm, f) + np.outer(width_slope, by_width)
    return np.stack([f, -slope / width, by_width * (width / fwhm), *by_form])


def _width(fwhm: float, form: Form) -> tuple[float, Array]:
    ends = halves(form)
    width, width_slope = _lorentz_width(fwhm, ends)
    units = ends.high - ends.low
    by_form = (ends.high_slope - ends.low_slope) * width + units * width_slope
    return units * width, np.array([0.0, units * width / fwhm, *by_form])


def _height(fwhm: float, form: Form) -> tuple[float, Array]:
    ends = halves(form)
    width, width_slope = _lorentz_width(fwhm, ends)
    norm, norm_slope = area(form)
    top = ends.top / (norm * width)
    by_form = ends.top_slope / (norm * width) - top * (norm_slope / norm + width_slope / width)
    return top, np.array([0.0, -top / fwhm, *by_form])


def position_of_maximum(fwhm: float, alpha: float, beta: float, smoothing: float, damping: float = inf) -> float:
    """Tell how far the maximum lies from the centre, towards high binding energy.

    Parameters
    ----------
    fwhm : float
        As CasaXPS quotes it [eV].
    alpha, beta, smoothing, damping : float
        Exponents, n and w; without damping those of ``la``.

    Returns
    -------
    float
        [eV].

    Examples
    --------
    >>> round(position_of_maximum(3.8576, 0.54, 10.0, 245.0, 80.0), 2)
    0.96
    """
    form = _form(0.0, fwhm, Form(alpha, beta, smoothing, damping), EXPONENTS_LF)
    return halves(form).place * _lorentz_width(fwhm, halves(form))[0]


def la(x: Array, center: float, fwhm: float, alpha: float, beta: float, smoothing: float) -> Array:
    """Evaluate LA(alpha, beta, smoothing) of unit area.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energies [eV].
    center, fwhm : float
        Position and FWHM as CasaXPS quotes them [eV].
    alpha, beta : float
        Exponents on the side of high and of low binding energy; 1 and 1 without smoothing is a Lorentzian.
    smoothing : float
        n of CasaXPS, in proportion to the width of the Gaussian.

    Returns
    -------
    ndarray, shape (n,)
        Values [1/eV].

    Raises
    ------
    InputError
        For a role outside its range.

    References
    ----------
    G. H. Major et al., Surf. Interface Anal. 53 (2021) 689, eq. 6.

    Examples
    --------
    >>> float(la(np.array([0.0]), 0.0, 2.0, 1.0, 1.0, 0.0)[0])
    0.318310
    """
    return _values(axis(x), center, fwhm, _form(center, fwhm, Form(alpha, beta, smoothing), EXPONENTS_LA))


def la_derivatives(x: Array, center: float, fwhm: float, alpha: float, beta: float, smoothing: float) -> Array:
    """Evaluate ``la`` and its derivatives over its five roles.

    Parameters
    ----------
    x, center, fwhm, alpha, beta, smoothing
        As for :func:`la`.

    Returns
    -------
    ndarray, shape (6, n)

    Examples
    --------
    >>> float(la_derivatives(np.array([0.0]), 0.0, 2.0, 1.0, 1.0, 0.0)[2, 0])
    -0.159155
    """
    return _all(axis(x), center, fwhm, _form(center, fwhm, Form(alpha, beta, smoothing), EXPONENTS_LA))[:6]


def la_width(center: float, fwhm: float, alpha: float, beta: float, smoothing: float) -> tuple[float, Array]:
    """Give the full width at half maximum of ``la`` and its gradient over the roles.

    Examples
    --------
    >>> la_width(0.0, 1.0, 1.4, 1.7, 100.0)[0]
    1.021340
    """
    number, slope = _width(fwhm, _form(center, fwhm, Form(alpha, beta, smoothing), EXPONENTS_LA))
    return number, slope[:5]


def la_height(center: float, fwhm: float, alpha: float, beta: float, smoothing: float) -> tuple[float, Array]:
    """Give the maximum of ``la`` and its gradient over the roles.

    Examples
    --------
    >>> la_height(0.0, 2.0, 1.0, 1.0, 0.0)[0]
    0.318310
    """
    number, slope = _height(fwhm, _form(center, fwhm, Form(alpha, beta, smoothing), EXPONENTS_LA))
    return number, slope[:5]


def lf(x: Array, center: float, fwhm: float, alpha: float, beta: float, damping: float, smoothing: float) -> Array:
    """Evaluate LF(alpha, beta, damping, smoothing) of unit area: ``la`` whose tails die off.

    Parameters
    ----------
    x, center, fwhm, alpha, beta, smoothing
        As for :func:`la`; exponents from 0.01.
    damping : float
        w of CasaXPS: width of the Lorentzian that brings the exponents to 3, in widths of the line's own.

    Returns
    -------
    ndarray, shape (n,)
        Values [1/eV].

    Raises
    ------
    InputError
        For a role outside its range.

    Examples
    --------
    >>> x = np.array([20.0])
    >>> bool(lf(x, 0.0, 1.0, 0.6, 1.5, 30.0, 50.0) < lf(x, 0.0, 1.0, 0.6, 1.5, 300.0, 50.0))
    True
    """
    return _values(axis(x), center, fwhm, _form(center, fwhm, Form(alpha, beta, smoothing, damping), EXPONENTS_LF))


def lf_derivatives(
    x: Array, center: float, fwhm: float, alpha: float, beta: float, damping: float, smoothing: float
) -> Array:
    """Evaluate ``lf`` and its derivatives over its six roles.

    Parameters
    ----------
    x, center, fwhm, alpha, beta, damping, smoothing
        As for :func:`lf`.

    Returns
    -------
    ndarray, shape (7, n)
    """
    form = _form(center, fwhm, Form(alpha, beta, smoothing, damping), EXPONENTS_LF)
    return _all(axis(x), center, fwhm, form)[[0, 1, 2, 3, 4, 6, 5]]


def lf_width(
    center: float, fwhm: float, alpha: float, beta: float, damping: float, smoothing: float
) -> tuple[float, Array]:
    """Give the full width at half maximum of ``lf`` and its gradient over the roles.

    Examples
    --------
    >>> lf_width(0.0, 3.8576, 0.54, 10.0, 80.0, 245.0)[0]
    4.666045
    """
    number, slope = _width(fwhm, _form(center, fwhm, Form(alpha, beta, smoothing, damping), EXPONENTS_LF))
    return number, slope[[0, 1, 2, 3, 5, 4]]


def lf_height(
    center: float, fwhm: float, alpha: float, beta: float, damping: float, smoothing: float
) -> tuple[float, Array]:
    """Give the maximum of ``lf`` and its gradient over the roles.

    Examples
    --------
    >>> lf_height(0.0, 3.8576, 0.54, 10.0, 80.0, 245.0)[0]
    0.153
    """
    number, slope = _height(fwhm, _form(center, fwhm, Form(alpha, beta, smoothing, damping), EXPONENTS_LF))
    return number, slope[[0, 1, 2, 3, 5, 4]]


def _bounds(exponents: tuple[float, float]) -> dict[str, tuple[float, float]]:
    ends = {"alpha": exponents, "beta": exponents, "smoothing": SMOOTHINGS}
    return {"center": ANYWHERE, "fwhm": WIDTH_BOUNDS} | ends


LA: Final = Shape(
    "la",
    ("center", "fwhm", "alpha", "beta", "smoothing"),
    evaluate=la,
    derivatives=la_derivatives,
    width=la_width,
    height=la_height,
    bounds=_bounds(EXPONENTS_LA),
    reference=REFERENCE,
)
LF: Final = Shape(
    "lf",
    ("center", "fwhm", "alpha", "beta", "damping", "smoothing"),
    evaluate=lf,
    derivatives=lf_derivatives,
    width=lf_width,
    height=lf_height,
    bounds=_bounds(EXPONENTS_LF) | {"damping": DAMPINGS},
    reference=REFERENCE,
)

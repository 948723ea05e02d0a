r"""Shapes blurred by the angles that a lens accepts: a window of full width `w` in energy, centred on the line.

* a **box** of uniform angles: :math:`\frac1w\int_{-w/2}^{w/2} f(u+v)\,dv = [F(u+h) - F(u-h)]/2h` with :math:`h = w/2`
  and the integral `F` of the shape. The tailed Gaussian obeys :math:`f' = (f-g)/\tau`, hence
  :math:`F = \Phi(u/s) + \tau f`; its derivative by `s` is :math:`s f''` (the heat equation), hence that of `F` is
  :math:`s f'`; and that by :math:`\tau` is :math:`f + \tau\,\partial f/\partial\tau`. The step integrates to
  :math:`\int_u^\infty \frac12\mathrm{erfc}\frac{v}{\sqrt2 s}dv = s^2 g(u) - \frac u2\mathrm{erfc}\frac{u}{\sqrt2 s}`;
* a **cone**: the lens accepts all directions inside a cone. Those of one scattering angle lie on a chord of its round
  opening, :math:`p(v) = \frac{4}{\pi w}\sqrt{1 - (2v/w)^2}`. Gauss-Chebyshev quadrature of the second kind is
  exact for this weight (Abramowitz and Stegun, Handbook of Mathematical Functions, 25.4.40); its nodes grow in number
  with `w` over `s`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from surfspec.leis.collisions.width import Window
from surfspec.leis.features.curves import SQRT2, Curve, step, tailed

Array = NDArray[np.float64]

#: Width of the window over the standard deviation below which the differences of a box lose digits: nodes instead.
NARROW = 1.0
#: Nodes of a window of no width, and how many more for each standard deviation of its half width: errors below 1e-9.
NODES, NODES_PER_SIGMA = 8, 3.5


@lru_cache(maxsize=64)
def nodes(window: Window, count: int) -> tuple[Array, Array]:
    """Return positions in units of the full width and weights of a quadrature over the window, shape (count,) each.

    Examples
    --------
    >>> at, weight = nodes("cone", 20)
    >>> round(float(weight.sum()), 12), round(float(weight @ at**2), 12)  # 1 and the variance, a sixteenth
    (1.0, 0.0625)
    """
    if window == "box":
        at, weight = np.polynomial.legendre.leggauss(count)
        return np.asarray(0.5 * at), np.asarray(0.5 * weight)
    turn = np.arange(1, count + 1) * np.pi / (count + 1)
    return np.asarray(0.5 * np.cos(turn)), np.asarray(2.0 / (count + 1) * np.sin(turn) ** 2)


def by_nodes(shape: Callable[[Array], Curve], u: Array, box: float, sigma: Array | float, window: Window) -> Curve:
    """Return a shape blurred by quadrature over the window.

    Parameters
    ----------
    shape
        Shape as a function of the distance from its centre.
    u
        Distances, eV.
    box
        Full width of the window, eV.
    sigma
        Standard deviation of the shape, eV; decides on the number of nodes.
    window
        ``"box"`` or ``"cone"``.
    """
    count = NODES + int(np.ceil(NODES_PER_SIGMA * 0.5 * box / float(np.min(sigma))))
    total = np.zeros((5, *u.shape))
    for at, weight in zip(*nodes(window, count), strict=True):
        one = shape(u - box * at)
        total += weight * np.stack([one.value, one.by_center, one.by_sigma, one.by_tail, at * one.by_center])
    return Curve(*total)


def boxed_tailed(u: Array, sigma: Array | float, tail: float, box: float) -> Curve:
    """Return the tailed Gaussian blurred by a box, in closed form."""
    h = 0.5 * box
    up, down = tailed(u + h, sigma, tail), tailed(u - h, sigma, tail)
    value = _normal_between(u, h, sigma) + tail * (up.value - down.value)
    by_tail = (up.value + tail * up.by_tail) - (down.value + tail * down.by_tail) if tail > 0 else up.value - down.value
    return _boxed(value, up, down, h, by_sigma=-sigma * (up.by_center - down.by_center), by_tail=by_tail)


def boxed_step(u: Array, sigma: Array | float, box: float) -> Curve:
    """Return the falling step blurred by a box, in closed form."""
    h = 0.5 * box
    up, down = step(u + h, sigma), step(u - h, sigma)
    rest_down = sigma**2 * down.by_center - (u - h) * down.value
    rest_up = sigma**2 * up.by_center - (u + h) * up.value
    by_sigma = -sigma * (up.by_center - down.by_center)
    return _boxed(rest_down - rest_up, up, down, h, by_sigma=by_sigma, by_tail=np.zeros_like(up.value))


def _boxed(value: Array, up: Curve, down: Curve, h: float, *, by_sigma: Array, by_tail: Array) -> Curve:
    """Return the curve of integrals over the window, divided by its width."""
    width = 2.0 * h
    by_box = (0.5 * (up.value + down.value) - value / width) / width
    by_center = (down.value - up.value) / width
    return Curve(value / width, by_center, np.asarray(by_sigma / width), np.asarray(by_tail / width), by_box)


def _normal_between(u: Array, h: float, sigma: Array | float) -> Array:
    """Return the normal probability between `u - h` and `u + h`, from the tail that keeps its digits."""
    side = np.where(u > 0, 1.0, -1.0)
    near, far = (side * u - h) / (SQRT2 * sigma), (side * u + h) / (SQRT2 * sigma)
    return np.asarray(0.5 * (erfc(near) - erfc(far)))

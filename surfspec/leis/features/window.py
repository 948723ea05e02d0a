r"""Shapes blurred by the angles that a lens accepts.

An angle that lies `t` full widths from the mean one, :math:`|t|\le\frac12`, scatters to
:math:`E + wt + \frac12\kappa w^2t^2`: `w` is the full width of the window in energy, :math:`|dE/d\theta|` times the
accepted angles, and :math:`\kappa = (d^2E/d\theta^2)/(dE/d\theta)^2` its bend. Every such energy carries the
whole shape, so that the derivatives follow from those of the shape itself. Two windows :math:`p(t)`, and the quadrature
for each (Abramowitz and Stegun, Handbook of Mathematical Functions, 25.4.30 and 25.4.40):

* a **box**, uniform angles, :math:`p = 1`: Gauss-Legendre;
* a **cone**: the lens accepts all directions inside a cone. Those of one scattering angle lie on a chord of its round
  opening, :math:`p = \frac4\pi\sqrt{1 - 4t^2}`: Gauss-Chebyshev of the second kind.

The nodes grow in number with `w` over the standard deviation of the shape.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.collisions.width import Window
from surfspec.leis.features.curves import Curve

Array = NDArray[np.float64]

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
        at, weight = 0.5 * at, 0.5 * weight
    else:
        turn = np.arange(1, count + 1) * np.pi / (count + 1)
        at, weight = 0.5 * np.cos(turn), 2.0 / (count + 1) * np.sin(turn) ** 2
    for array in (at, weight):
        array.flags.writeable = False
    return at, weight


def blurred(
    shape: Callable[[Array], Curve], u: Array, sigma: Array | float, *, box: float, window: Window, bend: float
) -> Curve:
    """Return a shape blurred by a window of angles.

    Parameters
    ----------
    shape
        Shape as a function of the distance from its centre.
    u
        Distances, eV.
    sigma
        Standard deviation of the shape, eV; decides on the number of nodes.
    box, window, bend
        Full width (eV), shape and bend (1/eV) of the window.
    """
    reach = 0.5 * box * (1.0 + 0.5 * abs(bend) * box)
    count = NODES + int(np.ceil(NODES_PER_SIGMA * reach / float(np.min(sigma))))
    total = np.zeros((5, *u.shape))
    for at, weight in zip(*nodes(window, count), strict=True):
        one = shape(u - box * at * (1.0 + 0.5 * bend * box * at))
        by_box = at * (1.0 + bend * box * at) * one.by_center
        for i, part in enumerate((one.value, one.by_center, one.by_sigma, one.by_tail, by_box)):
            total[i] += weight * part
    return Curve(*total)

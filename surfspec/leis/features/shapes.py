r"""Shapes of the features of a LEIS spectrum, with exact derivatives. Arrays in, arrays out.

* the surface peak: a Gaussian convolved with an exponential to **low** energy (losses of single and
  dual scattering), :math:`f = \frac{1}{2\tau}\exp\!\left(\frac{s^2}{2\tau^2}+\frac{u}{\tau}\right)
  \mathrm{erfc}\!\left(\frac{1}{\sqrt2}\left(\frac us+\frac s\tau\right)\right)`, :math:`u = E-\mu`, of unit area
  (Grushka, Anal. Chem. 44 (1972) 1733, mirrored);
* the edge: :math:`\frac12\mathrm{erfc}((E-E_e)/(\sqrt2 s))`, 1 far below the edge and 0 above.

Either may be blurred by the window of angles that a lens accepts (:mod:`surfspec.leis.features.window`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

from surfspec.leis.collisions.width import Window
from surfspec.leis.features.curves import SQRT2, Curve, step, tailed
from surfspec.leis.features.window import blurred

Array = NDArray[np.float64]


def peak(
    energy: Array,
    center: Array | float,
    sigma: Array | float,
    tail: float,
    *,
    box: float = 0.0,
    window: Window = "box",
    bend: float = 0.0,
) -> Curve:
    """Gaussian with an exponential tail to low energy, unit area, blurred by a window of angles.

    Parameters
    ----------
    energy
        eV, any shape.
    center, sigma
        Centre and standard deviation of the Gaussian, eV; broadcast with `energy`.
    tail
        Decay length of the exponential, eV; 0 for a pure Gaussian.
    box
        Full width of the window, eV; 0 for none.
    window
        Shape of the window, ``"box"`` or ``"cone"``.
    bend
        Curvature of the energy over the angles, divided by the square of its slope, 1/eV.

    Returns
    -------
    Curve
        Value and derivatives, 1/eV and 1/eV^2.

    Examples
    --------
    >>> x = np.arange(-400.0, 200.0, 0.5)
    >>> float(np.round(peak(x, 0.0, 20.0, 30.0).value.sum() * 0.5, 6))
    1.0
    >>> flat = peak(x, 0.0, 2.0, 0.0, box=100.0).value
    >>> float(np.round(flat[x == 0.0][0] * 100.0, 6)), float(np.round(flat[x == 50.0][0] * 100.0, 6))
    (1.0, 0.5)
    """
    u = np.asarray(energy, dtype=np.float64) - center
    if box <= 0:
        return tailed(u, sigma, tail)
    return blurred(lambda v: tailed(v, sigma, tail), u, sigma, box=box, window=window, bend=bend)


def edge(
    energy: Array,
    center: Array | float,
    sigma: Array | float,
    *,
    box: float = 0.0,
    window: Window = "box",
    bend: float = 0.0,
) -> Curve:
    """Falling step of height 1, blurred by a window of angles.

    Parameters
    ----------
    energy, center, sigma, box, window, bend
        As for :func:`peak`.

    Returns
    -------
    Curve
        Value (1) and derivatives (1/eV); the derivative by the tail is zero.

    Examples
    --------
    >>> edge(np.array([-100.0, 0.0, 100.0]), 0.0, 10.0).value.round(6).tolist()
    [1.0, 0.5, 0.0]
    >>> edge(np.array([-20.0, 0.0, 20.0]), 0.0, 1.0, box=80.0).value.round(6).tolist()
    [0.75, 0.5, 0.25]
    """
    u = np.asarray(energy, dtype=np.float64) - center
    if box <= 0:
        return step(u, sigma)
    return blurred(lambda v: step(v, sigma), u, sigma, box=box, window=window, bend=bend)


def mode(sigma: float, tail: float) -> tuple[float, float, float]:
    r"""Where the maximum of :func:`peak` lies, measured from the centre of its Gaussian, with derivatives.

    At the maximum the peak equals its Gaussian, :math:`\mathrm{erfcx}(x)=\sqrt{2/\pi}\,\tau/s`, and
    :math:`u = \sqrt2\,s\,x - s^2/\tau`.

    Parameters
    ----------
    sigma, tail
        As for :func:`peak`, eV.

    Returns
    -------
    u, by_sigma, by_tail
        eV, 1 and 1; `u` is never positive.

    Examples
    --------
    >>> u, _, _ = mode(20.0, 10.0)
    >>> x = np.arange(-60.0, 60.0, 0.01)
    >>> bool(abs(x[np.argmax(peak(x, 0.0, 20.0, 10.0).value)] - u) < 0.02)
    True
    """
    if tail <= 1e-3 * sigma:
        return -float(tail), 0.0, -1.0
    level = np.sqrt(2.0 / np.pi) * tail / sigma
    k = 2.0 / (np.sqrt(np.pi) * level)
    # a lower bound of erfcx inverted: from there Newton's steps rise to the root of a convex function
    x = (k**2 - 2.0) / (2.0 * k)
    for _ in range(60):
        value = float(erfcx(x))
        step = (value - level) / (2.0 / np.sqrt(np.pi) - 2.0 * x * value)
        x += step
        if abs(step) <= 1e-13 * max(1.0, abs(x)):
            break
    slope = 1.0 / (2.0 * x * level - 2.0 / np.sqrt(np.pi))
    u = SQRT2 * sigma * x - sigma**2 / tail
    by_sigma = SQRT2 * x - SQRT2 * slope * level - 2.0 * sigma / tail
    by_tail = SQRT2 * sigma * slope * level / tail + (sigma / tail) ** 2
    return float(u), float(by_sigma), float(by_tail)

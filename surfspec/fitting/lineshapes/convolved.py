r"""Powers of a Lorentzian, different on each side, convolved with a Gaussian: the numbers behind ``la`` and ``lf``.

Everything is in units of the width of the Lorentzian:

.. math:: U(s) = \int p(u)\, G_\sigma(s - u)\, du, \qquad p(u) = (1 + 4u^2)^{-e(u)}

with :math:`e = \alpha` for u > 0 and :math:`\beta` for u < 0, and where there is a damping w,
:math:`e(u) = e_0 + \max(3 - e_0, 0)\,[1 - 1/(1 + 4u^2/w^2)]`. The integral is split at the kink u = 0. Within nine
standard deviations of it, Gauss and Legendre's rule takes it on panels that grow with the distance; beyond, the
integrand is smooth and Gauss and Hermite's rule serves (Abramowitz and Stegun 25.4.29 and 25.4.46).
"""

from __future__ import annotations

from functools import lru_cache
from math import inf, pi, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.polynomial.hermite import hermgauss
from numpy.polynomial.legendre import leggauss
from scipy.special import digamma, gamma

from surfspec.fitting.lineshapes.base import Array

#: Exponent towards which a damping drives both tails.
DAMPED: Final = 3.0
#: Standard deviation of the Gaussian for a smoothing of one, in widths of the Lorentzian: exp(-(240 u / n)^2).
SIGMA: Final = 1.0 / (240.0 * sqrt(2.0))
#: Smoothing below which there is no convolution; it would change nothing by more than 1e-8.
SHARP: Final = 0.01

_NEAR: Final = 9.0
_V, _GAUSS = hermgauss(32)
_Z: Final = sqrt(2.0) * _V
_GAUSS_WEIGHT: Final = _GAUSS / sqrt(pi)
_NODE, _WEIGHT = leggauss(12)
_FARTHEST: Final = 13.0


class Form(NamedTuple):
    """What makes the form of a line: the exponents, the smoothing n and the damping w (infinite: none)."""

    alpha: float
    beta: float
    smoothing: float
    damping: float = inf


def density(u: Array, form: Form) -> Array:
    """Evaluate p(u) and its derivatives over alpha, beta and the damping.

    Parameters
    ----------
    u : ndarray, shape (k,)
        Distances in widths of the Lorentzian.
    form : Form

    Returns
    -------
    ndarray, shape (4, k)

    Examples
    --------
    >>> density(np.array([-0.5, 0.5]), Form(1.0, 2.0, 0.0))[0].tolist()
    [0.25, 0.5]
    """
    right = u > 0.0
    start = np.where(right, form.alpha, form.beta)
    lift = np.maximum(DAMPED - start, 0.0)
    kept = 1.0 / (1.0 + 4.0 * (u / form.damping) ** 2)
    logarithm = np.log1p(4.0 * u * u)
    p = np.exp(-(start + lift * (1.0 - kept)) * logarithm)
    by_start = -p * logarithm * np.where(lift > 0.0, kept, 1.0)
    by_damping = p * logarithm * lift * 2.0 * kept * (1.0 - kept) / form.damping
    return np.stack([p, np.where(right, by_start, 0.0), np.where(right, 0.0, by_start), by_damping])


def rows(s: Array, form: Form, order: int = 0) -> Array:
    """Evaluate U, its derivatives over s up to an order, and those over alpha, beta and the damping.

    Parameters
    ----------
    s : ndarray, shape (n,)
        Distances in widths of the Lorentzian.
    form : Form
    order : int
        Highest derivative over s, up to 3 (2 without a convolution).

    Returns
    -------
    ndarray, shape (order + 1, 4, n)
        First axis: derivative over s. Second: of U itself, of dU/d alpha, dU/d beta and dU/d damping.

    Examples
    --------
    >>> float(rows(np.array([0.0]), Form(1.0, 1.0, 0.0))[0, 0, 0])
    1.0
    """
    if form.smoothing < SHARP:
        return _plain(s, form, order)
    sigma = SIGMA * form.smoothing
    near = np.abs(s) <= _NEAR * sigma
    out = np.empty((order + 1, 4, s.size))
    if near.any():
        u, weight = _panels(sigma)
        z = (s[near] - u[:, None]) / sigma
        inside = density(u, form) * weight / (sigma * sqrt(2.0 * pi))
        bell = np.exp(-0.5 * z * z)
        for k in range(order + 1):
            out[k][:, near] = inside @ (_hermite(k, -z) * bell) / sigma**k
    if not near.all():
        u = s[~near][:, None] + sigma * _Z
        values = density(u.reshape(-1), form).reshape(4, -1, _Z.size)
        for k in range(order + 1):
            out[k][:, ~near] = values @ (_GAUSS_WEIGHT * _hermite(k, _Z)) / sigma**k
    return out


def _hermite(k: int, z: Array) -> Array:
    """Hermite polynomial of probability, whose weight is exp(-z^2/2)."""
    return np.asarray((np.ones_like(z), z, z * z - 1.0, z * (z * z - 3.0))[k])


def _plain(s: Array, form: Form, order: int) -> Array:
    """Give the density and its derivatives over s; the mixed ones, which nothing asks for here, are left at zero."""
    out = np.zeros((order + 1, 4, s.size))
    out[0] = density(s, form)
    if order:
        step = 1.0 + 4.0 * s * s
        start = np.where(s > 0.0, form.alpha, form.beta)
        lift = np.maximum(DAMPED - start, 0.0)
        ratio = 4.0 * (s / form.damping) ** 2
        kept = 1.0 / (1.0 + ratio)
        per = 8.0 / form.damping**2
        e, e1 = start + lift * (1.0 - kept), lift * per * s * kept**2
        e2 = lift * per * (kept**2 - 4.0 * ratio * kept**3)
        g, g1, g2 = np.log1p(4.0 * s * s), 8.0 * s / step, (8.0 - 32.0 * s * s) / step**2
        slope = -(e1 * g + e * g1)
        out[1, 0] = out[0, 0] * slope
        if order > 1:
            out[2, 0] = out[0, 0] * (slope**2 - (e2 * g + 2.0 * e1 * g1 + e * g2))
    return out


@lru_cache(maxsize=64)
def _panels(sigma: float) -> tuple[Array, Array]:
    """Nodes and weights on both sides of zero, out to twice the near range."""
    edges, end = [0.0], 2.0 * _NEAR * sigma
    while edges[-1] < end:
        edges.append(min(edges[-1] + min(sigma, 0.35 * max(0.5, edges[-1])), end))
    low, high = np.array(edges[:-1]), np.array(edges[1:])
    half = 0.5 * (high - low)
    u = (0.5 * (low + high)[:, None] + half[:, None] * _NODE).reshape(-1)
    weight = (half[:, None] * _WEIGHT).reshape(-1)
    nodes, weights = np.concatenate([-u[::-1], u]), np.concatenate([weight[::-1], weight])
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def area(form: Form) -> tuple[float, Array]:
    r"""Integrate p over all u; the convolution keeps it.

    Without damping :math:`\int_0^\infty (1 + 4u^2)^{-\alpha} du = \sqrt\pi\,\Gamma(\alpha - 1/2) / 4\Gamma(\alpha)`.

    Parameters
    ----------
    form : Form
        Without damping both exponents must be above 1/2.

    Returns
    -------
    area : float
    gradient : ndarray, shape (4,)
        Over alpha, beta, smoothing and damping.

    References
    ----------
    Abramowitz and Stegun, Handbook of Mathematical Functions, 6.2.1.

    Examples
    --------
    >>> area(Form(1.0, 1.0, 0.0))[0]
    1.570796
    """
    if form.damping < inf:
        v, weight = _long_panels()
        total = density(np.sinh(v), form) @ (weight * np.cosh(v))
        return float(total[0]), np.array([total[1], total[2], 0.0, total[3]])
    sides = [0.25 * sqrt(pi) * float(gamma(e - 0.5) / gamma(e)) for e in form[:2]]
    slopes = [side * float(digamma(e - 0.5) - digamma(e)) for side, e in zip(sides, form[:2], strict=True)]
    return sum(sides), np.array([*slopes, 0.0, 0.0])


@lru_cache(maxsize=1)
def _long_panels() -> tuple[Array, Array]:
    edges = np.linspace(0.0, _FARTHEST, 41)
    half = 0.5 * np.diff(edges)
    v = (0.5 * (edges[1:] + edges[:-1])[:, None] + half[:, None] * _NODE).reshape(-1)
    weight = (half[:, None] * _WEIGHT).reshape(-1)
    return np.concatenate([-v[::-1], v]), np.concatenate([weight[::-1], weight])

"""Lines of unit area with their derivatives with respect to centre and to both widths of Thompson, Cox and Hastings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from surfspec.xrd.patterns.thompson import mix_derivatives

Array = NDArray[np.float64]

_LN2 = float(np.log(2.0))
#: Distance from the centre, in FWHM, beyond which the Gaussian part (below 1e-8 of its height) is left out.
GAUSS_REACH = 2.6


class Shape(NamedTuple):
    """FWHM and Lorentzian share of lines, with their derivatives with respect to both widths; arrays of shape (m,)."""

    width: Array
    eta: Array
    width_g: Array
    width_l: Array
    eta_g: Array
    eta_l: Array


class Block(NamedTuple):
    """Lines on their windows, in parts that value and derivatives are made of; ``middle`` are the columns of `gauss`.

    Attributes
    ----------
    u
        Distance from the centre over the FWHM, shape (m, k).
    bell, lorentz, gauss
        1/(1 + 4 u^2), eta times the Lorentzian and (1 - eta) times the Gaussian of unit area, deg^-1; the last of
        shape (m, g), 0 beyond.
    lines
        Of shape (m,).
    """

    u: Array
    bell: Array
    lorentz: Array
    gauss: Array
    middle: slice
    lines: Shape


def shape(gauss: Array, lorentz: Array) -> Shape:
    """Combine Gaussian and Lorentzian FWHM (deg), see :func:`surfspec.xrd.patterns.thompson.mix_derivatives`."""
    return Shape(*mix_derivatives(gauss, lorentz))


def block(offset: Array, lines: Shape, step: float) -> Block:
    """Draw the parts of lines of unit area.

    Parameters
    ----------
    offset
        Distance from the centres, deg, shape (m, k); the centres lie next to the middle column.
    lines
        Of shape (m,).
    step
        Smallest step of the grid, deg.
    """
    h, eta = lines.width[:, None], lines.eta[:, None]
    u = offset / h
    bell = np.square(u)
    bell *= 4.0
    bell += 1.0
    np.reciprocal(bell, out=bell)
    lorentz = bell * ((2.0 / np.pi) * eta / h)
    half = int(np.ceil(GAUSS_REACH * float(lines.width.max()) / step)) + 1
    center = offset.shape[1] // 2
    middle = slice(max(center - half, 0), center + half + 1)
    gauss = np.square(u[:, middle])
    gauss *= -4.0 * _LN2
    np.exp(gauss, out=gauss)
    gauss *= (2.0 * np.sqrt(_LN2 / np.pi)) * (1.0 - eta) / h
    return Block(u, bell, lorentz, gauss, middle, lines)


def value(part: Block, out: Array) -> None:
    """Write the lines, deg^-1, shape (m, k)."""
    out[...] = part.lorentz
    out[:, part.middle] += part.gauss


def slopes(part: Block, by_center: Array, by_width: Array, by_eta: Array) -> None:
    """Write the derivatives with respect to the centre, the FWHM and the Lorentzian share, each of shape (m, k)."""
    h, eta = part.lines.width[:, None], part.lines.eta[:, None]
    middle = part.middle
    np.multiply(part.lorentz, part.bell, out=by_center)
    by_center[:, middle] += _LN2 * part.gauss
    by_center *= part.u
    by_center *= 8.0 / h
    np.multiply(part.u, by_center, out=by_width)
    by_width -= part.lorentz / h
    by_width[:, middle] -= part.gauss / h
    # a share of exactly 0 or 1 has lost the other part: it is drawn anew
    if np.all((part.lines.eta > 1e-9) & (part.lines.eta < 1.0 - 1e-9)):
        np.multiply(part.lorentz, 1.0 / eta, out=by_eta)
        by_eta[:, middle] -= part.gauss / (1.0 - eta)
        return
    np.multiply(part.bell, (2.0 / np.pi) / h, out=by_eta)
    bell = np.exp(-4.0 * _LN2 * np.square(part.u[:, middle]))
    by_eta[:, middle] -= bell * (2.0 * np.sqrt(_LN2 / np.pi) / h)


@dataclass(frozen=True)
class Blocks:
    """Lines drawn on their windows: parts by level, and where their points go in sparse columns (n + 1 rows)."""

    parts: tuple[Block, ...]
    rows: NDArray[np.int32]
    pointer: NDArray[np.int32]
    size: int

    def _sparse(self, data: Array) -> csc_array:
        return csc_array((data, self.rows, self.pointer), shape=(self.size, len(self.pointer) - 1))

    def _views(self, data: Array) -> list[Array]:
        """Return views of a flat array, one for each level, of the shape of its windows."""
        ends = np.cumsum([0, *(part.u.size for part in self.parts)])
        return [data[a:b].reshape(part.u.shape) for part, a, b in zip(self.parts, ends[:-1], ends[1:], strict=True)]

    @cached_property
    def value(self) -> csc_array:
        """Lines of unit area, points x lines."""
        data = np.empty(len(self.rows))
        for part, view in zip(self.parts, self._views(data), strict=True):
            value(part, view)
        return self._sparse(data)

    @cached_property
    def slopes(self) -> tuple[csc_array, csc_array, csc_array]:
        """Derivatives with respect to centre, FWHM and Lorentzian share; drawn when a step first asks for them."""
        bags = tuple(np.empty(len(self.rows)) for _ in range(3))
        for part, *views in zip(self.parts, *(self._views(bag) for bag in bags), strict=True):
            slopes(part, *views)
        by_center, by_width, by_eta = (self._sparse(bag) for bag in bags)
        return by_center, by_width, by_eta
